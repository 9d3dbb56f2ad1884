"""What did the crawl say it saw? Lines of DATA/sightings, read strictly."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from archive.schema import TABLES
from archive.store import clean
from archive.versions import SHOWN

# What a visit counts: whole numbers, none below 0.
COUNTS = tuple(
    name for name, column in TABLES["visits"].columns.items() if column.type == "INTEGER"
)
PAGE = "page"
# What other programs hold exactly, and what sums of cannot overflow.
MOST = 2**53


@dataclass(frozen=True, slots=True)
class Sighting:
    """A line of the sightings about a report page or an attachment of one."""

    night: str
    seen_at: str
    portal_id: str
    url: str
    title: str = ""
    listed_on: str | None = None
    role: str = PAGE
    report_url: str | None = None
    verdict: str = "error"
    status: int | None = None
    digest: str | None = None
    fetched_at: str | None = None

    @property
    def page(self) -> str:
        """The address of the report page this is about."""
        return self.report_url if self.role == "attachment" and self.report_url else self.url


@dataclass(frozen=True, slots=True)
class PortalLine:
    """How a portal's home page answered on a night; `said` is the line whole."""

    id: str
    night: str
    state: str
    moment: str
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Visit:
    """A portal's night as the table `visits` has it; a count that was not written is None."""

    portal_id: str
    night: str
    moment: str
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that says nothing, and why."""

    reason: str


Line = Sighting | PortalLine | Visit | BadLine


def read_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, Line]]:
    """The lines of a file with their numbers from 1; kinds that are not known are passed over."""
    for number, text in enumerate(lines, start=1):
        if text.strip():
            try:
                line = _read_line(json.loads(text))
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                line = BadLine(f"{type(error).__name__} {error}")
            if line is not None:
                yield number, line


def _read_line(line: Any) -> Line | None:
    kind = line["kind"]
    if kind == "portal":
        _demand(line, "id", "night", "seen_at", "state")
        said = {name: clean(value) for name, value in line.items()}
        return PortalLine(said["id"], said["night"], said["state"], _portal_moment(said), said)
    if kind == "report":
        return _sighting(line)
    return _visit(line) if kind == "visit" else None


def latest(lines: Iterable[Sighting]) -> list[Sighting]:
    """One line of each address, night and page, in order of night and moment.

    Of lines that repeat after a crash the last one holds; lines of the same second are told
    apart by what they say, so that it does not matter which file holds which.
    """
    kept: dict[tuple[str, str, str], Sighting] = {}
    for line in lines:
        key = (line.url, line.night, line.page)
        if key not in kept or moment(line) > moment(kept[key]):
            kept[key] = line
    return sorted(kept.values(), key=lambda line: (line.night, moment(line)))


def observed(lines: Iterable[Sighting]) -> list[Sighting]:
    """The same, and of a night in which an address showed several payloads one line of each.

    A night is begun again when a frontier was lost, and a page may be edited in between.
    """
    lines = list(lines)
    last = latest(lines)
    seen = {(line.url, line.night, line.page, line.digest) for line in last}
    more: dict[tuple[str, str, str, str | None], Sighting] = {}
    for line in lines:
        key = (line.url, line.night, line.page, line.digest)
        is_other = line.verdict in SHOWN and line.digest and key not in seen
        if is_other and (key not in more or moment(line) > moment(more[key])):
            more[key] = line
    return sorted([*last, *more.values()], key=lambda line: (line.night, moment(line)))


def _portal_moment(line: Mapping[str, Any]) -> str:
    answered = "1" if line["state"] == "ok" else "0"
    return "\0".join((line["seen_at"], answered, json.dumps(line, sort_keys=True)))


def _visit_moment(row: Mapping[str, Any]) -> str:
    # Counts only grow in a night: of two lines of one second the larger is the later.
    return "\0".join(
        (row["seen_at"], f"{row['requests'] or 0:019d}", json.dumps(row, sort_keys=True))
    )


def moment(line: Sighting) -> tuple[str, ...]:
    """What sorts the lines of a night: time, then, within a second, all they say."""
    return (
        line.seen_at,
        *(line.fetched_at or "", line.digest or "", line.verdict, str(line.status)),
        *(line.role, line.title, line.listed_on or "", line.portal_id, line.report_url or ""),
    )


def _demand(line: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(line[name], str) or not line[name]:
            raise ValueError(f"{name} is {line[name]!r}")


def _sighting(line: Mapping[str, Any]) -> Sighting:
    _demand(line, "night", "seen_at", "portal_id", "url", "verdict")
    for name in ("title", "listed_on", "role", "report_url", "digest", "fetched_at"):
        if not isinstance(line.get(name), str | None):
            raise ValueError(f"{name} is {line[name]!r}")
    status = line.get("status")
    if isinstance(status, bool) or not isinstance(status, int | None) or abs(status or 0) > MOST:
        raise ValueError(f"status is {status!r}")
    known = {name: clean(line[name]) for name in Sighting.__slots__ if name in line}
    said = {name: known.get(name) or left_out for name, left_out in (("title", ""), ("role", PAGE))}
    return Sighting(**known | said)


def _visit(line: Mapping[str, Any]) -> Visit:
    _demand(line, "night", "seen_at", "portal_id", "state")
    seconds = line.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | None):
        raise ValueError(f"seconds is {seconds!r}")
    if seconds is not None and not 0 <= seconds <= MOST:
        raise ValueError(f"seconds is {seconds!r}")
    for name in COUNTS:
        count = line.get(name)
        if isinstance(count, bool) or not isinstance(count, int | None):
            raise ValueError(f"{name} is {count!r}")
        if count is not None and not 0 <= count <= MOST:
            raise ValueError(f"{name} is {count!r}")
    row = {name: clean(line.get(name)) for name in TABLES["visits"].columns} | {
        "seconds": None if seconds is None else float(seconds)
    }
    return Visit(row["portal_id"], row["night"], _visit_moment(row), row)
