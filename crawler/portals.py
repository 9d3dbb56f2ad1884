"""Which sites do we crawl? One row of portals.csv for each.

A portal is data, a CMS family is code: adding a city is a line in portals.csv, and only a
mechanism nobody has met before needs a new file in families/.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

REGISTRY = Path(__file__).with_name("portals.csv")
LEVELS = ("central", "province", "prefecture", "county", "township")
REQUIRED = ("id", "name", "division", "level", "home_url")
OPTIONAL = ("column_url", "family", "note")


@dataclass(frozen=True, slots=True)
class Portal:
    """A government site: `division` is its GB/T 2260 code, the last three fields are hints."""

    id: str
    name: str
    division: str
    level: str
    home_url: str
    column_url: str = ""
    family: str = ""
    note: str = ""


def read_portals(lines: Iterable[str]) -> dict[str, Portal]:
    """Portals by id, in the order of the file.

    Raises ValueError that names the line, the value and the remedy.
    """
    rows = csv.reader(lines)
    header = [name.strip().lstrip("\ufeff") for name in next(rows, [])]
    if absent := [name for name in REQUIRED if name not in header]:
        raise ValueError(
            f"line 1: the header lacks {', '.join(absent)}; "
            f"write {','.join(REQUIRED)} and, if wanted, {','.join(OPTIONAL)}"
        )
    if strange := [name for name in header if name not in REQUIRED + OPTIONAL]:
        raise ValueError(
            f"line 1: unknown column {strange[0]!r}; the columns are "
            f"{','.join(REQUIRED + OPTIONAL)}"
        )
    if len(set(header)) != len(header):
        raise ValueError("line 1: a column is named twice; name each once")
    portals: dict[str, Portal] = {}
    for row in rows:
        if not any(value.strip() for value in row):
            continue
        line = rows.line_num
        if len(row) != len(header):
            raise ValueError(
                f"line {line}: {len(row)} values for {len(header)} columns; "
                "put values with commas in double quotes"
            )
        portal = Portal(**dict(zip(header, (value.strip() for value in row), strict=True)))
        _validate(portal, line)
        if portal.id in portals:
            raise ValueError(f"line {line}: id {portal.id!r} stands twice; choose another")
        portals[portal.id] = portal
    return portals


def _validate(portal: Portal, line: int) -> None:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", portal.id):
        raise ValueError(
            f"line {line}: id {portal.id!r} must be lower-case letters, digits and single hyphens"
        )
    if not portal.name:
        raise ValueError(f"line {line}: the name is empty; write the site's full Chinese name")
    if not re.fullmatch(r"[0-9]{6}", portal.division):
        raise ValueError(
            f"line {line}: division {portal.division!r} must be the six digits of GB/T 2260"
        )
    if portal.level not in LEVELS:
        raise ValueError(f"line {line}: level {portal.level!r} must be one of {', '.join(LEVELS)}")
    for column in ("home_url", "column_url"):
        url = getattr(portal, column)
        if (url or column == "home_url") and not _is_web_address(url):
            raise ValueError(
                f"line {line}: {column} {url!r} must be a whole http:// or https:// address"
            )


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def load_portals(path: Path = REGISTRY) -> dict[str, Portal]:
    """The registry in a file. Raises ValueError with the file's name before the line's."""
    try:
        return read_portals(path.read_text(encoding="utf-8-sig").splitlines())
    except OSError as error:
        raise ValueError(
            f"{path}: {error.strerror}; name the registry with -a portals=FILE.csv"
        ) from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except ValueError as error:
        raise ValueError(f"{path}, {error}") from error
