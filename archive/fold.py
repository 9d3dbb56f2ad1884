"""What is due in the memory -> rows of an archive: the same rows, whatever was due before.

Everything is derived from what the memory holds, sorted by what it says and not by where it lay;
rows of a report, a capture, a sighting are deleted and written whole.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

from archive import issuers, store
from archive.corrections import Corrections
from archive.findings.rollups import RULE, WHOLE, Share, figures_of, roll_up
from archive.findings.years import compare, current
from archive.issuers import Issuer, Ledger, Portal
from archive.memory import ALL_NIGHTS, Memory, PageNight, Record, groups
from archive.model import Body, Reading
from archive.names.bodies import (
    DIVISIONS_DATE,
    describe,
    division_rows,
    official_name,
    place_name,
)
from archive.nights import EMPTY, NO_PAGE
from archive.progress import track
from archive.read import PARSER
from archive.readings import recall_reading
from archive.sightings import Sighting, moment
from archive.versions import NO_REPORT, History, Observation, trace

# What is known of some pages, by page, then by night and turn.
Nights = Mapping[str, Mapping[tuple[str, int], PageNight]]
# Reports whose traces in the memory are committed together.
TOGETHER = 500


class Fold:
    """Writes what is due of a memory into an archive.

    `number` is which build this is, `base` which one made the archive that is gone on with; None
    for an archive that is empty.
    """

    def __init__(
        self,
        memory: Memory,
        db: store.Archive,
        portals: Mapping[str, Portal],
        ledger: Ledger,
        corrections: Corrections,
        number: int,
        base: int | None,
    ) -> None:
        self._memory, self._db = memory, db
        self._portals, self._ledger, self._corrections = portals, ledger, corrections
        self._number, self._base, self._whole = number, base, base is None
        self._batch = store.Batch(db)
        self._bodies: dict[str, Body] = {}
        self._home_ok = lru_cache(maxsize=100_000)(memory.home_ok)

    def write(self) -> None:
        """Bring the archive up to date."""
        store.rewrite(self._db, "portals", map(asdict, self._portals.values()))
        store.rewrite(self._db, "segments", self._memory.segment_rows())
        store.rewrite(self._db, "sighting_files", self._memory.sighting_file_rows())
        store.rewrite(self._db, "damages", map(asdict, self._memory.damages()))
        self._visits()
        self._reports()
        self._roll_ups()
        self._issuers()
        self._captures()
        self._sightings()
        self._batch.flush()

    def _visits(self) -> None:
        for portal_id, night in self._memory.due_pairs("visits"):
            store.delete(self._db, "visits", portal_id=portal_id, night=night)
        store.write(self._db, "visits", self._memory.visit_rows())

    # --- reports ----------------------------------------------------------------------------------

    def _reports(self) -> None:
        due = track(self._memory.due("reports"), "reports", self._memory.count_due("reports"))
        last: tuple[str, Reading] | None = None
        for reports in groups(due, TOGETHER):
            with self._memory.transaction():
                for report_id in reports:
                    last = self._report(report_id, last)
        self._batch.flush()

    def _report(
        self, report_id: str, last: tuple[str, Reading] | None
    ) -> tuple[str, Reading] | None:
        """Write a report; gives its id and what it shows at present, for its next year."""
        pages = self._memory.addresses(report_id)
        if not pages:
            if not self._whole:
                store.forget_report(self._db, report_id)
            self._memory.drop_report(report_id)
            return last
        nights = {page: self._memory.nights_of_page(page) for page in pages}
        bodies: dict[str, str] = {}
        history = trace(self._observations(report_id, nights, bodies))
        self._memory.keep_shows(report_id, _shows(report_id, history, nights))
        reading = current(history)
        share = self._share(report_id, history, reading)
        body = bodies[reading.content_digest]
        self._memory.keep_report(
            report_id, share.above or share.body.parent, share.scope, body, _packed_share(share)
        )
        issuer_id, _, year = report_id.rpartition("/")
        before_id = f"{issuer_id}/{int(year) - 1}"
        before_body = self._memory.current_body(before_id)
        said = _said(history, bodies, before_body)
        if self._memory.was_written(report_id, said, self._number, self._base):
            store.touch_report(self._db, report_id, history)
            return report_id, reading
        if not self._whole:
            store.forget_report(self._db, report_id)
        if share.scope == WHOLE:
            # Its findings against the bodies below went with its rows.
            self._memory.mark("years", [year])
        before = None
        if before_body:
            known = last[1] if last and last[0] == before_id else None
            before = known or recall_reading(self._memory, before_body)
        store.write_report(self._batch, report_id, compare(history, int(year), before), PARSER)
        return report_id, reading

    def _observations(
        self,
        report_id: str,
        nights: Nights,
        bodies: dict[str, str],
    ) -> Iterator[Observation]:
        """All that was observed of a report at the addresses that ever showed it.

        Of documents with the same content the first speaks for all: a page that counts its
        visitors is another document every night. `bodies` learns which that is.
        """
        readings: dict[str, Reading] = {}
        ordered = sorted(
            (night for seen in nights.values() for night in seen.values()),
            key=lambda night: (night.night, night.seen_at, night.page, night.turn),
        )
        for night in ordered:
            reading = None
            sources: tuple[tuple[str, str], ...] = ()
            if night.report_id == report_id and night.content_digest and night.body:
                if night.content_digest not in readings:
                    bodies[night.content_digest] = night.body
                    readings[night.content_digest] = recall_reading(self._memory, night.body)
                reading = readings[night.content_digest]
                sources = night.sources
            verdict = night.verdict
            if night.report_id is not None and night.report_id != report_id:
                # An address that now shows another report no longer shows this one.
                verdict = "moved"
            elif night.key and not night.content_digest and not night.has_failed:
                verdict = NO_REPORT
            yield Observation(
                url=night.page,
                night=night.night,
                seen_at=night.seen_at,
                verdict=verdict,
                home_ok=self._home_ok(night.portal_id, night.night),
                reading=reading,
                digests=tuple(digest for _, digest in sources),
                attachments=sources[1:],
            )

    def _share(self, report_id: str, history: History, reading: Reading) -> Share:
        """What a report may add to the figures of a whole jurisdiction."""
        issuer_id, _, year = report_id.rpartition("/")
        body = self._body(self._ledger.by_id[issuer_id])
        said = self._corrections.overlay(
            {"id": issuer_id, "parent": body.parent, "place_code": body.division}
        )
        name, parent = official_name(body.name), said["parent"] and official_name(said["parent"])
        return Share(
            f"{report_id}/{history.current}",
            issuer_id,
            replace(body, name=name, parent=parent or None, division=said["place_code"]),
            int(year),
            reading.scope,
            figures_of(reading.cells),
            above=said.get("parent_id"),
        )

    def _body(self, issuer: Issuer) -> Body:
        if issuer.id not in self._bodies:
            portal = self._portals.get(issuer.portal_id)
            name = portal.name if portal else None
            self._bodies[issuer.id] = describe(issuer.name, name, issuer.division)
        return self._bodies[issuer.id]

    # --- whole jurisdictions ----------------------------------------------------------------------

    def _roll_ups(self) -> None:
        for year in self._memory.due("years"):
            shares = (_share(packed) for packed in self._memory.shares(year, WHOLE))
            for version_id, findings in roll_up(shares).items():
                if not self._whole:
                    store.delete(self._db, "findings", version_id=version_id, rule=RULE)
                store.write_findings(self._batch, version_id, findings)
        self._batch.flush()

    # --- bodies -----------------------------------------------------------------------------------

    def _issuers(self) -> None:
        """The bodies that have reports, and the names they had: all when one came or went."""
        due = {report.rpartition("/")[0] for report in self._memory.due("reports")}
        if self._memory.count_due("issuers"):
            ids = self._memory.issuer_ids()
            rows = [self._corrections.overlay(self._issuer_row(issuer_id)) for issuer_id in ids]
            above = issuers.parent_ids(rows)
            store.rewrite(
                self._db, "issuers", (row | {"parent_id": above.get(row["id"])} for row in rows)
            )
            places = {str(row["place_code"] or "") for row in rows}
            store.rewrite(self._db, "divisions", division_rows(places))
        for issuer_id in sorted(due):
            store.delete(self._db, "issuer_names", issuer_id=issuer_id)
            store.write(self._db, "issuer_names", self._memory.issuer_names(issuer_id))

    def _issuer_row(self, issuer_id: str) -> dict[str, Any]:
        issuer = self._ledger.by_id[issuer_id]
        body = self._body(issuer)
        return asdict(issuer) | {
            "level": body.level or issuer.level,
            "kind": body.kind or issuer.kind,
            "portal_id": issuer.portal_id if issuer.portal_id in self._portals else None,
            "parent": body.parent,
            "place_code": body.division,
            "place_name": place_name(body.division),
            "divisions_date": DIVISIONS_DATE if body.division else None,
        }

    # --- captures ---------------------------------------------------------------------------------

    def _captures(self) -> None:
        """A row for every answer, with the version it showed."""
        if self._whole:
            self._write_captures(self._memory.records())
            return
        for digest, since in self._memory.due_pairs("digests"):
            store.forget_captures(self._db, digest, since)
            self._write_captures(self._memory.records_of_digest(digest, since))
        for file in self._memory.due("files"):
            # Deleted must be what an earlier file or digest has written.
            self._batch.flush()
            for record in self._memory.records_like(file):
                store.delete(
                    self._db,
                    "captures",
                    digest=record.digest,
                    url=record.url,
                    fetched_at=record.fetched_at,
                )
                self._write_captures([record])
        self._batch.flush()

    def _write_captures(self, records: Iterable[Record]) -> None:
        shows: list[tuple[str, str, str]] = []
        digest = None
        for record in records:
            if record.digest != digest:
                digest = record.digest
                shows = [] if digest == EMPTY else self._memory.shows(digest)
            self._batch.add(
                "captures",
                [
                    {name: getattr(record, name) for name in Record.__slots__}
                    | {"version_id": _version_shown(record, shows)}
                ],
            )

    # --- sightings --------------------------------------------------------------------------------

    def _sightings(self) -> None:
        """A row for each address and night; where an address is a page and another's attachment
        the page holds."""
        total = self._memory.count_due("sightings")
        whole_url = None
        for url, night in track(self._memory.due_pairs("sightings"), "sightings", total):
            if url == whole_url:
                continue
            if night == ALL_NIGHTS:
                whole_url = url
            if not self._whole:
                key = {"url": url} if night == ALL_NIGHTS else {"url": url, "night": night}
                store.delete(self._db, "sightings", **key)
            self._batch.add("sightings", self._sighting_rows(url, night))

    def _sighting_rows(self, url: str, night: str) -> Iterator[dict[str, Any]]:
        rows: dict[str, Sighting] = {}
        lines = self._memory.lines_of_url(url, night)
        for line in sorted(lines, key=lambda line: (line.page != line.url, moment(line))):
            rows.setdefault(line.night, line)
        pages: dict[str, dict[tuple[str, int], PageNight]] = {}
        for line in rows.values():
            if line.page not in pages:
                pages[line.page] = self._memory.nights_of_page(line.page)
            shown = pages[line.page]
            own = [known for (date, _), known in shown.items() if date == line.night]
            reason = own[-1].reason if own and line.page == line.url else None
            if line.page != line.url and not shown:
                reason = NO_PAGE
            yield {
                name: getattr(line, name)
                for name in (
                    *("url", "portal_id", "night", "role", "title", "listed_on"),
                    *("seen_at", "verdict", "digest"),
                )
            } | {"report_id": None if reason else _report_on(line.night, shown), "reason": reason}


def _shows(report_id: str, history: History, nights: Nights) -> Iterator[tuple[str, str, str, str]]:
    """Which payload showed which version, when and where."""
    fetched = {
        (night.page, night.night, night.seen_at, night.sources[0][1]): night.fetched_at
        for seen in nights.values()
        for night in seen.values()
        if night.sources
    }
    for seen, name in history.shown:
        at = fetched[seen.url, seen.night, seen.seen_at, seen.digests[0]]
        for url, digest in ((seen.url, seen.digests[0]), *seen.attachments):
            yield digest, at, url, f"{report_id}/{name}"


def _said(history: History, bodies: Mapping[str, str], before_body: str | None) -> str:
    """A digest of all that the rows of a report say but when it was last seen."""
    versions = [
        (version.id, version.number, version.first_seen, version.attachments, version.replaces)
        for version in history.versions
    ]
    read = [bodies[version.reading.content_digest] for version in history.versions]
    said = (
        *(history.url, history.status, history.current, history.first_seen, versions, read),
        *(history.transitions, history.events, before_body),
    )
    return hashlib.sha256(repr(said).encode("utf-8", "surrogatepass")).hexdigest()


def _version_shown(record: Record, shows: list[tuple[str, str, str]]) -> str | None:
    """The version a payload showed when it was fetched, at that address if it is known; `shows`
    are (moment, address, version) of its digest, sorted."""
    here = [show for show in shows if show[1] == record.url] or shows
    if not here:
        return None
    at = bisect_right(here, record.fetched_at, key=lambda show: show[0])
    return here[at - 1][2] if at else here[0][2]


def _report_on(night: str, shown: Mapping[tuple[str, int], PageNight]) -> str | None:
    """The report a page showed that night, or the last one before it showed none."""
    last = None
    for (date, _), known in shown.items():
        if date > night:
            break
        last = known.report_id or last
    return last


def _packed_share(share: Share) -> str:
    return json.dumps(
        {
            **asdict(share),
            "name": share.body.name,
            "figures": [None if figure is None else str(figure) for figure in share.figures],
        },
        ensure_ascii=False,
    )


def _share(packed: str) -> Share:
    values = json.loads(packed)
    figures = tuple(None if figure is None else Decimal(figure) for figure in values["figures"])
    return Share(
        values["version"],
        values["issuer"],
        Body(**values["body"]),
        values["year"],
        values["scope"],
        figures,
        values["above"],
    )
