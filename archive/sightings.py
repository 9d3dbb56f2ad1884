"""What did the crawl say it saw? Lines of DATA/sightings in; one of each address and night, and
one of each portal and night, out."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from archive.issuers import Portal
from archive.schema import TABLES
from archive.store import clean

# What a visit counts: whole numbers, none below 0.
COUNTS = tuple(
    name for name, column in TABLES["visits"].columns.items() if column.type == "INTEGER"
)
# What other programs hold exactly, and what sums of cannot overflow.
MOST = 2**53

log = logging.getLogger(__name__)
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A line of the sightings about a report page or an attachment of one."""

    night: str
    seen_at: str
    portal_id: str
    url: str
    title: str = ""
    listed_on: str | None = None
    role: str = "page"
    report_url: str | None = None
    verdict: str = "error"
    status: int | None = None
    digest: str | None = None
    fetched_at: str | None = None

    @property
    def page(self) -> str:
        """The address of the report page this is about."""
        return self.report_url if self.role == "attachment" and self.report_url else self.url


@dataclass(slots=True)
class Lines:
    """All lines: of portals, of reports, of visits, and the places of those not to be read."""

    portals: list[dict[str, Any]]
    reports: list[Sighting]
    bad: list[str] = field(default_factory=list)
    visits: list[dict[str, Any]] = field(default_factory=list)


def read_sightings(data: Path) -> Lines:
    """The lines of all closed files, one of each address or portal and night, sorted.

    Of lines that repeat after a crash the last one holds; lines of the same second are told
    apart by what they say, so that it does not matter which file holds which.
    """
    portal_lines: dict[tuple[str, str], dict[str, Any]] = {}
    lines: dict[tuple[str, ...], Sighting] = {}
    visits: dict[tuple[str, str], dict[str, Any]] = {}
    bad: list[str] = []
    for path in sorted((data / "sightings").glob("*.jsonl")):
        for number, text in enumerate(path.read_bytes().split(b"\n"), start=1):
            if not text.strip():
                continue
            try:
                line = json.loads(text)
                if line["kind"] == "portal":
                    _demand(line, "id", "night", "seen_at", "state")
                    _keep_last(portal_lines, (line["id"], line["night"]), line, _portal_moment)
                elif line["kind"] == "report":
                    seen = _sighting(line)
                    _keep_last(lines, (seen.url, seen.night, seen.page), seen, moment)
                elif line["kind"] == "visit":
                    visit = _visit(line)
                    _keep_last(visits, (visit["portal_id"], visit["night"]), visit, _visit_moment)
            except (ValueError, KeyError, TypeError) as error:
                bad.append(f"{path.name} line {number}")
                log.warning("%s line %d is left out: %s", path.name, number, error)
    return Lines(
        [portal_lines[key] for key in sorted(portal_lines)],
        [lines[key] for key in sorted(lines)],
        bad,
        [visits[key] for key in sorted(visits)],
    )


def _keep_last(
    kept: dict[Any, Item], key: Any, new: Item, when: Callable[[Item], tuple[str, ...]]
) -> None:
    if when(new) > when(kept.get(key, new)) or key not in kept:
        kept[key] = new


def _portal_moment(line: Mapping[str, Any]) -> tuple[str, ...]:
    answered = "1" if line["state"] == "ok" else "0"
    return (line["seen_at"], answered, json.dumps(line, sort_keys=True))


def _visit_moment(line: Mapping[str, Any]) -> tuple[str, ...]:
    # Counts only grow in a night: of two lines of one second the larger is the later.
    return (line["seen_at"], f"{line['requests'] or 0:019d}", json.dumps(line, sort_keys=True))


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
    known = {name: clean(line[name]) for name in Sighting.__slots__ if name in line}
    return Sighting(**known | {"title": clean(line.get("title") or "")})


def _visit(line: Mapping[str, Any]) -> dict[str, Any]:
    """A portal's night as the table `visits` has it; a count that was not written is None."""
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
    return {name: clean(line.get(name)) for name in TABLES["visits"].columns} | {
        "seconds": None if seconds is None else float(seconds)
    }


@dataclass(slots=True)
class Page:
    """All lines about a report page, and about each of its attachments, in order of night."""

    page: list[Sighting] = field(default_factory=list)
    attachments: dict[str, list[Sighting]] = field(default_factory=dict)


def pages(lines: Iterable[Sighting]) -> dict[str, Page]:
    """The lines by report page; an attachment whose page was never seen is left out."""
    found: dict[str, Page] = {}
    for line in sorted(lines, key=lambda line: (line.night, moment(line))):
        seen = found.setdefault(line.page, Page())
        if line.page == line.url:
            seen.page.append(line)
        else:
            seen.attachments.setdefault(line.url, []).append(line)
    return {url: seen for url, seen in sorted(found.items()) if seen.page}


def describe_portals(lines: Lines) -> dict[str, Portal]:
    """Portals as their last line describes them; a bare id where only other lines name one.

    What a visit says of a night stands above what the home page said that night.
    """
    named = {*(line.portal_id for line in lines.reports), *(v["portal_id"] for v in lines.visits)}
    found = {portal_id: Portal(portal_id, "", "", "") for portal_id in named}
    said: dict[str, str] = {}
    last_ok: dict[str, str] = {}
    for line in sorted(lines.portals, key=lambda line: (line["night"], _portal_moment(line))):
        if line["state"] == "ok":
            last_ok[line["id"]] = line["night"]
        said[line["id"]] = line["night"]
        found[line["id"]] = Portal(
            id=line["id"],
            name=str(line.get("name") or ""),
            division=str(line.get("division") or ""),
            level=str(line.get("level") or ""),
            home_url=str(line.get("home_url") or ""),
            last_ok=last_ok.get(line["id"]),
            state=str(line["state"]),
        )
    for visit in sorted(lines.visits, key=lambda visit: str(visit["night"])):
        if visit["night"] >= said.get(visit["portal_id"], ""):
            portal = found[visit["portal_id"]]
            found[portal.id] = replace(portal, state=visit["state"])
    return dict(sorted(found.items()))
