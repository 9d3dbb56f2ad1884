"""The fold: captures and sightings -> archive, again and again, with the same result.

Everything is folded each time into a fresh file, sorted by what it says and not by where it lay,
so neither the order nor the number of segments nor a repeated line can show in the result. What
costs time, verifying segments and reading documents, is remembered in DATA/readings.db.
"""

from __future__ import annotations

import logging
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from archive import issuers, store, warc
from archive.findings.rollups import Share, figures_of, roll_up
from archive.findings.years import compare, current
from archive.issuers import Claim, Issuer, Portal
from archive.model import Body, Reading
from archive.names.bodies import DIVISIONS_DATE, describe, place_name
from archive.nights import EMPTY, NO_PAGE, NO_PORTAL, WAITING, Index, Mentions, Night, follow
from archive.progress import track
from archive.read import PARSER
from archive.readings import Facts, Memory, Source, pack, read_all, unpack
from archive.sightings import (
    Lines,
    Sighting,
    describe_portals,
    moment,
    pages,
    read_sightings,
)
from archive.versions import History, Observation, trace
from archive.warc import Capture, Damage

ARCHIVE = "nianbao.db"
LEDGER = "ledger.csv"
MEMORY = "readings.db"
LOCK = "build.lock"
WORKERS = 2

log = logging.getLogger(__name__)


class BuildError(ValueError):
    """The build cannot start or go on; the message says what to do."""


@dataclass(slots=True)
class Summary:
    """What a build found. `damages` are places in segments that could not be verified."""

    segments: int = 0
    captures: int = 0
    damages: list[Damage] = field(default_factory=list)
    bad_lines: list[str] = field(default_factory=list)
    portals: int = 0
    sightings: int = 0
    issuers: int = 0
    minted: int = 0
    reports: int = 0
    versions: int = 0
    changes: int = 0
    read: int = 0
    remembered: int = 0
    refused: int = 0
    failed: int = 0
    waiting: int = 0

    def __str__(self) -> str:
        rest = {
            "documents remembered": self.remembered,
            "no reports": self.refused,
            "failed": self.failed,
            "sightings wait for their captures": self.waiting,
            "damaged records": len(self.damages),
            "bad lines": len(self.bad_lines),
        }
        return (
            f"{self.reports} reports of {self.issuers} bodies in {self.versions} versions with "
            f"{self.changes} changes; {self.captures} captures, {self.sightings} sightings at "
            f"{self.portals} portals; {self.read} documents read"
            + "".join(f", {count} {name}" for name, count in rest.items() if count)
        )


def build(data: Path, rebuild: bool = False, workers: int = WORKERS) -> Summary:
    """Fold all closed captures and sightings of a data folder into DATA/nianbao.db.

    `rebuild` reads every document again. With `workers` 0 documents are read in this process.
    """
    if not data.is_dir():
        raise BuildError(f"no data folder {data}: crawl first, or give --data")
    with issuers.locked(data / LOCK) as mine:
        if not mine:
            raise BuildError(f"another build holds {data / LOCK}: wait until it has finished")
        if rebuild:
            _forget(data / MEMORY)
        try:
            with closing(_memory(data / MEMORY)) as memory:
                return _build(data, memory, workers)
        except (sqlite3.Error, zlib.error) as error:
            raise BuildError(
                f"{data}: {error}. Is the disk full? If not, build again with --rebuild"
            ) from error


def _memory(path: Path) -> Memory:
    try:
        return Memory(path)
    except sqlite3.OperationalError:
        # A full disk or a locked file: what is remembered is sound.
        raise
    except sqlite3.DatabaseError as error:
        log.warning("%s is damaged (%s): everything is read again", path, error)
        _forget(path)
        return Memory(path)


def _forget(path: Path) -> None:
    for part in path.parent.glob(path.name + "*"):
        part.unlink()


def _build(data: Path, memory: Memory, workers: int) -> Summary:
    # Sightings first: a segment closed meanwhile may bring captures nobody asks for yet, while a
    # line without its capture would have to wait.
    lines = read_sightings(data)
    summary = Summary(bad_lines=lines.bad)
    captures = read_captures(data, memory, summary)
    portals = describe_portals(lines)
    index = Index(captures)
    mentions = Mentions(data, memory, index)
    nights = {
        url: follow(url, seen.page, seen.attachments, index, portals, mentions)
        for url, seen in pages(lines.reports).items()
    }
    tasks = {night.task.key: night.task for seen in nights.values() for night in seen if night.task}
    facts = read_all(data, memory, tasks, workers)
    summary.read = sum(fact.is_new for fact in facts.values())
    summary.failed = sum(fact.has_failed for fact in facts.values())
    summary.remembered = len(facts) - summary.read - summary.failed
    summary.refused = sum(not fact.has_failed and fact.year is None for fact in facts.values())

    ledger = issuers.load_ledger(data / LEDGER)
    minted = ledger.mint(_claims(nights, facts, portals), portals)
    issuers.append(data / LEDGER, minted)
    summary.minted = len(minted)

    home_ok = {(line["id"], line["night"]) for line in lines.portals if line["state"] == "ok"}
    fold = Fold(memory, ledger, portals, home_ok, facts, nights)
    _write(data, fold, captures, lines, summary)
    return summary


def _write(
    data: Path,
    fold: Fold,
    captures: Sequence[Capture],
    lines: Lines,
    summary: Summary,
) -> None:
    fresh = data / (ARCHIVE + ".new")
    try:
        with closing(store.create(fresh)) as db:
            with store.transaction(db):
                shares: list[Share] = []
                last: tuple[str, Reading] | None = None
                for report_id in track(sorted(fold.addresses), "reports"):
                    history = trace(fold.observations(report_id))
                    fold.remember(report_id, history)
                    # In this order the body's report of the year before has just been written.
                    before = last[1] if last and last[0] == _year_before(report_id) else None
                    shares.append(fold.share(report_id, history))
                    last = report_id, current(history)
                    history = compare(history, int(report_id.rpartition("/")[2]), before)
                    summary.changes += store.write_report(db, report_id, history, PARSER)
                    summary.versions += len(history.versions)
                for version_id, findings in roll_up(shares).items():
                    store.write_findings(db, version_id, findings)
                summary.reports = len(fold.addresses)
                summary.portals = store.write(db, "portals", map(asdict, fold.portals.values()))
                summary.issuers = store.write(db, "issuers", fold.issuer_rows())
                summary.captures = store.write(db, "captures", fold.capture_rows(captures))
                summary.sightings = store.write(db, "sightings", fold.sighting_rows(lines.reports))
                store.write(db, "visits", lines.visits)
            summary.waiting = fold.waiting
            store.put_in_place(db, fresh, data / ARCHIVE)
    except BaseException:
        # Half an archive would only keep a full disk full.
        fresh.unlink(missing_ok=True)
        raise


def _year_before(report_id: str) -> str:
    issuer_id, _, year = report_id.rpartition("/")
    return f"{issuer_id}/{int(year) - 1}"


def read_captures(data: Path, memory: Memory, summary: Summary) -> list[Capture]:
    """Every verified answer of all closed segments, repeated records once, in order of time."""
    found: dict[tuple[str, str, str], Capture] = {}
    names = []
    for path in track(warc.segments(data), "segments"):
        stat = path.stat()
        key = f"{path.name} {stat.st_size} {stat.st_mtime_ns}"
        names.append(key)
        if (packed := memory.recall("segments", key)) is None:
            records = [
                (type(record).__name__, asdict(record)) for record in warc.read_segment(path)
            ]
            memory.keep("segments", key, packed := pack(records))
        summary.segments += 1
        for kind, values in unpack(packed):
            if kind == "Damage":
                damage = Damage(**values)
                summary.damages.append(damage)
                log.warning("%s at %d: %s", damage.warc_file, damage.offset, damage.reason)
                continue
            headers = tuple((name, value) for name, value in values.pop("headers"))
            capture = Capture(**values, headers=headers)
            place = (capture.fetched_at, capture.url, capture.digest)
            if place not in found or _preference(capture) < _preference(found[place]):
                found[place] = capture
    memory.keep_only("segments", names)
    return [found[place] for place in sorted(found)]


def _preference(capture: Capture) -> tuple[str, str, int]:
    """Of records of the same answer take one with the bytes ("response" sorts before "revisit")."""
    return (capture.record_type, capture.warc_file, capture.offset)


def _claims(
    nights: Mapping[str, Sequence[Night]],
    facts: Mapping[str, Facts],
    portals: Mapping[str, Portal],
) -> Iterator[Claim]:
    for seen in nights.values():
        for night in seen:
            name = facts[night.task.key].issuer if night.task else None
            if name:
                portal = portals[night.line.portal_id]
                yield Claim(portal.division, issuers.tidy(name), portal.id, night.line.seen_at)


class Fold:
    """The reports of a build: who published what where, and which payload showed which version."""

    def __init__(
        self,
        memory: Memory,
        ledger: issuers.Ledger,
        portals: Mapping[str, Portal],
        home_ok: set[tuple[str, str]],
        facts: Mapping[str, Facts],
        nights: Mapping[str, Sequence[Night]],
    ) -> None:
        self._memory = memory
        self.portals = portals
        self._home_ok = home_ok
        self._nights = nights
        self._facts = facts
        self._issuers: dict[str, Issuer] = {}
        self._bodies: dict[str, Body] = {}
        self._report_of: dict[tuple[str, str], str] = {}
        self._shows: dict[str, list[tuple[str, str, str]]] = {}
        self.addresses: dict[str, set[str]] = {}
        self.waiting = 0
        for url, seen in nights.items():
            for night in seen:
                fact = facts[night.task.key] if night.task else None
                if fact is None or fact.issuer is None:
                    continue
                issuer = ledger.find(fact.issuer, portals[night.line.portal_id])
                if issuer is None:
                    raise BuildError(f"no id was minted for {fact.issuer!r}")
                self._issuers[issuer.id] = issuer
                report_id = f"{issuer.id}/{fact.year}"
                self._report_of[url, night.line.night] = report_id
                self.addresses.setdefault(report_id, set()).add(url)

    def observations(self, report_id: str) -> Iterator[Observation]:
        """All that was observed of a report at the addresses that ever showed it.

        Of documents with the same content the first speaks for all: a page that counts its
        visitors is another document every night.
        """
        readings: dict[str, Reading] = {}
        for night in sorted(
            (night for url in self.addresses[report_id] for night in self._nights[url]),
            key=lambda night: (night.line.night, night.line.seen_at, night.line.url),
        ):
            line = night.line
            shown = self._report_of.get((line.url, line.night))
            reading = None
            sources: tuple[Source, ...] = ()
            if shown == report_id and night.task:
                fact = self._facts[night.task.key]
                if fact.content_digest not in readings:
                    readings[fact.content_digest] = self._memory.reading(fact.body)
                reading = readings[fact.content_digest]
                sources = night.task.sources
            yield Observation(
                url=line.url,
                night=line.night,
                seen_at=line.seen_at,
                # An address that now shows another report no longer shows this one.
                verdict="moved" if shown and shown != report_id else line.verdict,
                home_ok=(line.portal_id, line.night) in self._home_ok,
                reading=reading,
                digests=tuple(source.digest for source in sources),
                attachments=tuple((source.url, source.digest) for source in sources[1:]),
            )

    def remember(self, report_id: str, history: History) -> None:
        """Note which payloads showed which version, for the captures."""
        fetched = {
            (url, night.line.night): night.line.fetched_at or night.line.seen_at
            for url in self.addresses[report_id]
            for night in self._nights[url]
        }
        for observation, name in history.shown:
            fetched_at = fetched[observation.url, observation.night]
            parts = [(observation.url, observation.digests[0]), *observation.attachments]
            for url, digest in parts:
                self._shows.setdefault(digest, []).append((fetched_at, url, f"{report_id}/{name}"))

    def capture_rows(self, captures: Iterable[Capture]) -> Iterator[dict[str, Any]]:
        """A row for every answer, with the version it showed."""
        for capture in captures:
            row = {name: getattr(capture, name) for name in Capture.__slots__}
            yield row | {"version_id": self._version_shown(capture)}

    def _version_shown(self, capture: Capture) -> str | None:
        """The version a payload showed when it was fetched, at that address if it is known."""
        shows = self._shows.get(capture.digest, [])
        if capture.digest == EMPTY or not shows:
            return None
        shows = [show for show in shows if show[1] == capture.url] or shows
        before = [show for show in shows if show[0] <= capture.fetched_at]
        return max(before)[2] if before else min(shows)[2]

    def share(self, report_id: str, history: History) -> Share:
        """What a report may add to the figures of a whole jurisdiction."""
        issuer_id, _, year = report_id.rpartition("/")
        reading = current(history)
        return Share(
            f"{report_id}/{history.current}",
            issuer_id,
            self._body(self._issuers[issuer_id]),
            int(year),
            reading.scope,
            figures_of(reading.cells),
        )

    def _body(self, issuer: Issuer) -> Body:
        if issuer.id not in self._bodies:
            portal = self.portals.get(issuer.portal_id)
            name = portal.name if portal else None
            self._bodies[issuer.id] = describe(issuer.name, name, issuer.division)
        return self._bodies[issuer.id]

    def issuer_rows(self) -> Iterator[dict[str, Any]]:
        """The ledger lines of the bodies that have reports here."""
        for issuer in sorted(self._issuers.values(), key=lambda issuer: issuer.id):
            portal = self.portals.get(issuer.portal_id)
            body = self._body(issuer)
            yield asdict(issuer) | {
                "level": body.level or issuer.level,
                "kind": body.kind or issuer.kind,
                "portal_id": issuer.portal_id if portal else None,
                "parent": body.parent,
                "place_code": body.division,
                "place_name": place_name(body.division),
                "divisions_date": DIVISIONS_DATE if body.division else None,
            }

    def sighting_rows(self, lines: Iterable[Sighting]) -> Iterator[dict[str, Any]]:
        """A row for each address and night; where an address is a page and another's attachment
        the page holds."""
        nights = {
            (url, night.line.night): night for url, seen in self._nights.items() for night in seen
        }
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for line in sorted(lines, key=lambda line: (line.page != line.url, moment(line))):
            if (line.url, line.night) in rows:
                continue
            own = nights.get((line.url, line.night)) if line.page == line.url else None
            reason = own.reason if own else None
            if own and own.task:
                reason = self._facts[own.task.key].refusal
            if line.page != line.url and line.page not in self._nights:
                reason = NO_PAGE
            self.waiting += reason in (WAITING, NO_PORTAL, NO_PAGE)
            rows[line.url, line.night] = {
                name: getattr(line, name)
                for name in (
                    *("url", "portal_id", "night", "role", "title", "listed_on"),
                    *("seen_at", "verdict", "digest"),
                )
            } | {"report_id": None if reason else self._report_on(line), "reason": reason}
        return (rows[key] for key in sorted(rows))

    def _report_on(self, line: Sighting) -> str | None:
        """The report an address showed that night, or the last one before it showed none."""
        if shown := self._report_of.get((line.page, line.night)):
            return shown
        before = [
            self._report_of[line.page, night.line.night]
            for night in self._nights.get(line.page, ())
            if night.line.night <= line.night and (line.page, night.line.night) in self._report_of
        ]
        return before[-1] if before else None
