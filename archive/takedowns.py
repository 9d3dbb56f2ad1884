"""What may the archive keep and not show? `takedowns.csv`, a reviewed list with public reasons.

A line is `path,date,reason`: a report (140600-jyj/2023), a version (140600-jyj/2023/0123456789ab)
or the SHA-256 of a payload. What it names leaves the snapshot of a site and every release, its
address answers 410 with the reason, and the line is shown. Captures, archive, ledger and published
names keep what they have: a line taken out again brings everything back. Pure, but for `load` and
what takes a connection.
"""

from __future__ import annotations

import csv
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from archive import snapshot
from archive.issuers import ID

SHIPPED = Path(__file__).with_name("takedowns.csv")
HEADER = ("path", "date", "reason")
PATH = re.compile(rf"{ID.pattern}/[0-9]{{4}}(?:/[0-9a-f]{{12}})?|[0-9a-f]{{64}}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
LONGEST = 500
# A chain of rebuilds, each of which found another place for a report.
MOST_STEPS = 20


class TakedownsError(ValueError):
    """A line cannot be taken as it stands; the message names it and says what to do."""


@dataclass(frozen=True, slots=True, order=True)
class Takedown:
    """What is taken down, since when, and the reason that readers are given."""

    path: str
    date: str
    reason: str


def load(path: Path = SHIPPED) -> list[Takedown]:
    """The takedowns of a file; TakedownsError where one cannot be taken."""
    try:
        return read(path.read_text(encoding="utf-8-sig").split("\n"))
    except OSError as error:
        raise TakedownsError(f"{path}: {error.strerror}. Give --takedowns FILE.") from error
    except UnicodeDecodeError as error:
        raise TakedownsError(f"{path} is not UTF-8 ({error}): save it as UTF-8.") from error
    except TakedownsError as error:
        raise TakedownsError(f"{path}: {error}") from error


def read(lines: Iterable[str]) -> list[Takedown]:
    """The takedowns of the lines of a file, by path: a header, then one a line; blank lines and
    lines that begin with # say nothing."""
    found: dict[str, tuple[int, Takedown]] = {}
    header = None
    for number, line in enumerate(lines, start=1):
        line = line.removesuffix("\r")
        if not line.strip() or line.startswith("#"):
            continue
        try:
            (row,) = csv.reader([line], strict=True)
        except (csv.Error, ValueError) as error:
            raise TakedownsError(
                f"line {number}: {error}; a takedown is one line, and quotes come in pairs"
            ) from error
        if header is None:
            header = tuple(row)
            if header != HEADER:
                raise TakedownsError(
                    f"line {number}: expected {','.join(HEADER)}, found {line[:80]!r}"
                )
            continue
        if len(row) != len(HEADER):
            raise TakedownsError(
                f"line {number} has {len(row)} fields, not {len(HEADER)}: quote those that "
                f"contain a comma: {line[:80]!r}"
            )
        entry = _checked(number, *(part.strip() for part in row))
        if entry.path in found:
            raise TakedownsError(
                f"line {number} ({entry.path}) repeats line {found[entry.path][0]}: keep one of "
                "them"
            )
        found[entry.path] = (number, entry)
    if header is None:
        raise TakedownsError(f"line 1: expected {','.join(HEADER)}, found nothing")
    return sorted(entry for _, entry in found.values())


def _checked(number: int, path: str, day: str, reason: str) -> Takedown:
    def demand(holds: object, want: str) -> None:
        if not holds:
            raise TakedownsError(f"line {number} ({path[:80]}): {want}")

    demand(
        PATH.fullmatch(path),
        f"{path[:80]!r} is no report like 140600-jyj/2023, no version like "
        "140600-jyj/2023/0123456789ab and no SHA-256 of 64 digits; copy it from the address",
    )
    demand(_is_day(day), f"{day[:40]!r} is no date like 2026-11-22")
    demand(reason, "say in the last field why; readers are shown it")
    demand(len(reason) <= LONGEST, f"the reason is longer than {LONGEST} characters")
    demand(not CONTROL.search(reason), "the reason contains control characters")
    return Takedown(path, day, reason)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


# --- what leaves ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cut:
    """What becomes of a table: the rows that leave, and the columns of those that stay which are
    shown otherwise. SQL over the tables `taken_*`, which `plan` makes."""

    leaves: str = "0"
    shown: Mapping[str, str] | None = None


TAKEN_VERSION = "in (select id from taken_versions)"
TAKEN_REPORT = "in (select id from taken_reports)"
OF_VERSION = Cut(f"version_id {TAKEN_VERSION}")


def _without_version(column: str) -> str:
    return f"case when {column} {TAKEN_VERSION} then null else {column} end"


def _of_latest(column: str, of: str) -> str:
    """A column of a report as the latest version that stays has it."""
    return (
        f"case when current_version {TAKEN_VERSION} then (select {of} from versions as v "
        f"where v.report_id = reports.id and v.id not {TAKEN_VERSION} "
        f"order by v.number desc limit 1) else {column} end"
    )


CUTS: Mapping[str, Cut] = {
    "reports": Cut(
        f"id {TAKEN_REPORT}",
        {
            **{name: _of_latest(name, f"v.{name}") for name in ("form", "title", "published_on")},
            "current_version": _of_latest("current_version", "v.id"),
        },
    ),
    "versions": Cut(f"id {TAKEN_VERSION}", {"replaces": _without_version("replaces")}),
    **dict.fromkeys(
        ("figures", "cell_notes", "sections", "extras", "unused", "findings"), OF_VERSION
    ),
    "changes": Cut(
        f"report_id {TAKEN_REPORT} or from_version {TAKEN_VERSION} or to_version {TAKEN_VERSION}"
    ),
    # What happened is told, what it showed is not.
    "events": Cut(
        f"report_id {TAKEN_REPORT}",
        {name: _without_version(name) for name in ("version_id", "from_version")},
    ),
    # That there was an answer, when and of which digest: a fact without content.
    "captures": Cut(shown={"version_id": _without_version("version_id")}),
    "sightings": Cut(
        shown={
            **{
                name: f"case when report_id {TAKEN_REPORT} then null else {name} end"
                for name in ("title", "reason", "report_id")
            }
        }
    ),
    "corrections": Cut(
        "subject like 'cell:%' and exists (select 1 from taken_paths "
        "where substr(subject, 6, length(path) + 1) = path || '/')"
    ),
}
