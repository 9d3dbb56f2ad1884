"""Who asked us to stay away: a list of hosts and addresses that are never asked (pure)."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from crawler.manners.addresses import literal_address
from crawler.manners.rules import octets

OPT_OUT = Path(__file__).resolve().parent.parent / "optout.csv"
COLUMNS = ("host_or_url_prefix", "since", "reason")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\s/?#:@\[\]]+)(:[0-9]{1,5})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A host with all its sub-domains, or what stands there below a path."""

    host: str
    port: int | None
    path: bytes
    said: str

    def covers(self, host: str, port: int | None, path: bytes) -> bool:
        if host != self.host and not host.endswith(f".{self.host}"):
            return False
        return (self.port is None or port == self.port) and path.startswith(self.path)


class OptOut:
    """The list, ready to be asked."""

    def __init__(self, entries: list[Entry]) -> None:
        self._of_host: dict[str, list[Entry]] = {}
        for entry in entries:
            self._of_host.setdefault(entry.host, []).append(entry)

    def __len__(self) -> int:
        return sum(map(len, self._of_host.values()))

    def reason(self, url: str) -> str | None:
        """Why an address is not asked: since when, and the words of the list; or None."""
        if not self._of_host:
            return None
        try:
            parts = urlsplit(url)
            port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        except ValueError:
            return None
        host = _spelt(parts.hostname or "")
        path = octets((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        labels = host.split(".")
        for at in range(len(labels)):
            for entry in self._of_host.get(".".join(labels[at:]), ()):
                if entry.covers(host, port, path):
                    return entry.said
        return None


def load_opt_out(file: Path) -> OptOut:
    """Read the list. Raises ValueError naming each line that is malformed."""
    entries: list[Entry] = []
    wrong: list[str] = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as source:
            rows = csv.reader(source)
            header = tuple(cell.strip() for cell in next(rows, []))
            if header != COLUMNS:
                raise ValueError(f"{file} line 1: the columns must be {','.join(COLUMNS)}")
            for row in rows:
                if not any(cell.strip() for cell in row):
                    continue
                try:
                    entries.append(_entry([cell.strip() for cell in row]))
                except ValueError as error:
                    wrong.append(f"{file} line {rows.line_num}: {error}")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{file} cannot be read ({error}): name a list with OPT_OUT=FILE"
        ) from None
    if wrong:
        raise ValueError("; ".join(wrong))
    return OptOut(entries)


def _entry(row: list[str]) -> Entry:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} cells, not {len(COLUMNS)}: quote what holds a comma")
    place, since, reason = row
    try:
        date.fromisoformat(since)
    except ValueError:
        raise ValueError(f"since {since!r} is no date; write it as YYYY-MM-DD") from None
    scheme, divider, rest = place.partition("://")
    if divider and scheme.lower() not in ("http", "https"):
        raise ValueError(f"{place!r}: only http and https are asked")
    authority, slash, path = (rest if divider else place).partition("/")
    match = _HOST.fullmatch(authority)
    if not match or not _spelt(match[1]):
        raise ValueError(f"{place!r} is no host and no address; write gov.example or http://…/")
    port = int(match[2][1:]) if match[2] else None
    said = f"opted out since {since}" + (f" ({reason})" if reason else "")
    return Entry(_spelt(match[1]), port, octets(slash + path), said)


def _spelt(host: str) -> str:
    """One spelling of a host: addresses in figures, names in lower case and ASCII."""
    if (address := literal_address(host)) is not None:
        return str(address)
    name = host.strip(".").lower()
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return name
