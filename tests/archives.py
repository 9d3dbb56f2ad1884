"""python -m tests.archives DATA --reports N: large archives of invented reports, without a crawl.

Captures of one night or several, by the crawl's own segment writer: pages like real ones, of
offices of real counties, with figures that hold together within a report and from year to year.
`--rows` writes DATA/nianbao.db straight away, for work on the site that needs many reports and no
captures. Up to 1,138,800 reports: ten years of forty offices of each county.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from archive import issuers, store, warc
from archive.issuers import Issuer
from archive.model import Evidence, Reading
from archive.names.bodies import (
    DIVISIONS_DATE,
    describe,
    division_rows,
    government_of,
    kind_of,
    place_name,
)
from archive.read import PARSER, Part, read_report
from archive.readings import Task, pack_reading
from archive.shelf import Shelf
from archive.versions import Observation, trace
from crawler import capture
from crawler.capture import Exchange, Segment
from crawler.holdings import Holder
from tests.portals.figures import Scale
from tests.portals.replicas.site import OFFICES
from tests.portals.reports import Body, Report, edited, series
from tests.portals.web import article

YEARS = range(2025, 2015, -1)
TABLES_SINCE = 2019
PLACE, OFFICE = "北原市", "教育局"
# Made in full; all others are these with other names.
PATTERNS = 24
# Links of menus around a report; with them a page has 38 KB, one pasted from Word 170 KB.
LINKS = 600
FIRST_NIGHT = datetime(2026, 11, 1, 14, tzinfo=UTC)
SEGMENT_BYTES = 100_000_000
EDITIONS = (b'<meta name="edition" content="0">', b'<meta name="edition" content="1">')
# What rows say their captures lie in.
NO_SEGMENT = "19700101T000000Z-000000.warc.gz"


@dataclass(frozen=True, slots=True)
class Made:
    """A report: its body and portal, and the pattern it is made from."""

    number: int
    place: str
    code: str
    office: str
    year: int

    @property
    def pattern(self) -> int:
        """Which pattern its body is made from: the same in all years."""
        return self.number // len(YEARS) % PATTERNS

    @property
    def portal_id(self) -> str:
        return f"p{self.code}"

    @property
    def issuer(self) -> str:
        return f"{self.place}{self.office}"

    @property
    def title(self) -> str:
        return f"{self.issuer}{self.year}年政府信息公开工作年度报告"

    @property
    def published_on(self) -> str:
        return f"{self.year + 1}-01-20"

    @property
    def url(self) -> str:
        return f"http://www.{self.portal_id}.gov.cn/nb/{self.year + 1}/t{self.number}.html"

    def renamed(self, text: str) -> str:
        """A text of the pattern, said of this body."""
        return text.replace(PLACE, self.place).replace(OFFICE, self.office)

    def page(self, edition: int = 0, counter: int = 0) -> bytes:
        """Its page; the odd editions tell of one request more, or, before there were tables, have
        another telephone. Another `counter` has the same content."""
        text = _pattern(self.pattern, self.year, edition % 2)
        return self.renamed(text).replace("COUNTER", f"{counter:06d}").encode()


def made(count: int) -> Iterator[Made]:
    """So many reports: ten years of each office, forty offices of each county."""
    return map(nth, range(count))


def nth(number: int) -> Made:
    """The report of a number, from 0 to 1,138,799."""
    body, year = divmod(number, len(YEARS))
    county, office = divmod(body, len(OFFICES))
    code = _counties()[county]
    return Made(number, _place(code), code, OFFICES[office], YEARS[year])


@cache
def _counties() -> tuple[str, ...]:
    return tuple(
        row["code"] for row in division_rows() if row["level"] == "county" and not row["until_year"]
    )


@cache
def _place(code: str) -> str:
    """A county as its offices name it, a city's district with its city: 盘锦市大洼区."""
    return (government_of(code) or "").removesuffix("人民政府")


@cache
def _reports(pattern: int) -> dict[int, tuple[Report, Report]]:
    scale = Scale(requests=20 + 7 * pattern, disputes=pattern % 7, documents=pattern % 11)
    body = Body(f"{PLACE}{OFFICE}", "education", scale, f"电话：{pattern:04d}")
    styles = ("clean", "word")
    years = {
        year: (
            styles[pattern % 2],
            f"{year + 1}-01-20",
            f"{body.name}{year}年政府信息公开工作年度报告",
        )
        for year in YEARS
    }
    moved = series(replace(body, contact=f"电话：{pattern:04d}1"), years)
    return {
        year: (report, edited(report, body, "granted", "natural_person"))
        if year >= TABLES_SINCE
        else (report, moved[year])
        for year, report in series(body, years).items()
    }


@cache
def _pattern(pattern: int, year: int, edition: int) -> str:
    report = _reports(pattern)[year][edition]
    menu = "".join(f'<li><a href="/c{n}/index.html">栏目{n}</a></li>' for n in range(LINKS // 2))
    return (
        f'<html><head><meta charset="utf-8"><title>{report.title}</title>'
        f'<meta name="PubDate" content="{report.published_on}">'
        f"{EDITIONS[edition].decode()}</head><body><ul>{menu}</ul>"
        f'<div class="TRS_Editor">{article(report, ())}</div><p>浏览次数：COUNTER</p>'
        f"<ul>{menu}</ul></body></html>"
    )


# --- captures -------------------------------------------------------------------------------------


class Nights:
    """The captures of a crawl, night by night: the first all new, on others a share asked again."""

    def __init__(self, data: Path, reports: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._data, self._reports, self._segment_bytes = data, reports, segment_bytes
        self._last: dict[int, Holder] = {}
        self._editions: dict[int, int] = {}
        self.night = 0
        for folder in ("warc", "sightings"):
            (data / folder).mkdir(parents=True, exist_ok=True)

    def crawl(self, asked: float = 1.0, changed: float = 0.01) -> int:
        """One more night; of the reports that are asked again a share has changed, both chosen by
        lot and exact. Gives how many captures it made."""
        dice = random.Random(self.night)
        at = FIRST_NIGHT + timedelta(days=self.night)
        date, seen_at = f"{at:%Y-%m-%d}", f"{at:%Y-%m-%dT%H:%M:%SZ}"
        numbers = range(self._reports)
        if self.night:
            numbers = dice.sample(numbers, round(asked * self._reports))
            for number in dice.sample(numbers, round(changed * len(numbers))):
                self._editions[number] = self._editions.get(number, 0) + 1
        chosen = set(numbers)
        segment: Segment | None = None
        portals: set[str] = set()
        with _unsynced():
            for report in made(self._reports):
                if report.number not in chosen:
                    continue
                if segment is None or segment.size > self._segment_bytes:
                    if segment:
                        segment.close()
                    segment = Segment(self._data, {"software": "tests.archives"}, at)
                if report.portal_id not in portals:
                    portals.add(report.portal_id)
                    segment.sight(_portal(report, date, seen_at))
                body = report.page(self._editions.get(report.number, 0))
                held = self._last.get(report.number)
                kept = segment.write(_exchange(report.url, body), held, at)
                if kept.record_type == "response":
                    self._last[report.number] = Holder(
                        kept.digest, "", report.url, kept.fetched_at, kept.record_id, kept.warc_file
                    )
                segment.sight(_line(report, date, seen_at, kept.digest))
            if segment:
                segment.close()
        self.night += 1
        return len(chosen)


@contextmanager
def _unsynced() -> Iterator[None]:
    """What is made up need not survive the machine."""
    fsync, capture.os.fsync = os.fsync, lambda _: None
    try:
        yield
    finally:
        capture.os.fsync = fsync


def _portal(report: Made, date: str, seen_at: str) -> dict[str, Any]:
    return {
        "kind": "portal",
        "night": date,
        "seen_at": seen_at,
        "id": report.portal_id,
        "name": f"{report.place}人民政府",
        "division": report.code,
        "level": "county",
        "home_url": f"http://www.{report.portal_id}.gov.cn/",
        "state": "ok",
    }


def _line(report: Made, date: str, seen_at: str, digest: str) -> dict[str, Any]:
    return {
        "kind": "report",
        "night": date,
        "seen_at": seen_at,
        "portal_id": report.portal_id,
        "url": report.url,
        "title": report.title,
        "listed_on": f"http://www.{report.portal_id}.gov.cn/nb/",
        "role": "page",
        "report_url": None,
        "verdict": "ok",
        "status": 200,
        "digest": digest,
        "fetched_at": seen_at,
    }


def _exchange(url: str, body: bytes) -> Exchange:
    host = url.split("/")[2]
    return Exchange(
        url=url,
        method="GET",
        request_headers=(("Host", host), ("User-Agent", "Nianbao/1.0")),
        request_body=b"",
        status=200,
        protocol="HTTP/1.1",
        headers=(("Content-Type", "text/html; charset=utf-8"), ("Server", "nginx")),
        body=body,
    )


# --- rows -----------------------------------------------------------------------------------------


@cache
def _reading(pattern: int, year: int, edition: int) -> Reading:
    # The number of a report of that pattern; PLACE and OFFICE stay as they are.
    of_pattern = Made(pattern * len(YEARS), PLACE, "", OFFICE, year)
    evidence = Evidence(listed_title=of_pattern.title)
    return read_report([Part(of_pattern.page(edition))], evidence)


def reading_of(report: Made, edition: int = 0) -> Reading:
    """What the reader makes of a report's page, all but the content's digest; made from the
    reading of its pattern, which takes a hundredth of the time."""
    reading = _reading(report.pattern, report.year, edition % 2)
    return replace(
        reading,
        issuer=report.issuer,
        reason=report.renamed(reading.reason),
        title=report.renamed(reading.title or ""),
        content_digest=_digest(f"{report.url} {reading.content_digest}"),
        sections=tuple(
            replace(section, text=report.renamed(section.text)) for section in reading.sections
        ),
        body=describe(report.issuer, f"{report.place}人民政府", report.code),
    )


def recite(shelf: Shelf, task: Task) -> bytes:
    """`read_task` of a report made here: its payload is fetched, and its reading made up."""
    (source,) = task.sources
    payload = warc.read_payload(shelf, source.warc_file, source.offset)
    number = int(source.url.rpartition("/t")[2].removesuffix(".html"))
    return pack_reading(reading_of(nth(number), int(EDITIONS[1] in payload)))


def remember_patterns(editions: int = 2) -> None:
    """Read every pattern, so that `reading_of` need not."""
    for pattern, year, edition in product(range(PATTERNS), YEARS, range(editions)):
        _reading(pattern, year, edition)


def fill(path: Path, count: int) -> None:
    """An archive of so many reports at a path, each with one version, and the ledger beside it.
    Its captures are rows only: the segment they name is not there."""
    seen_at = f"{FIRST_NIGHT:%Y-%m-%dT%H:%M:%SZ}"
    night = seen_at[:10]
    db = store.create(path)
    batch = store.Batch(db)
    places: set[str] = set()
    ids: list[Issuer] = []
    with store.transaction(db):
        for report in made(count):
            issuer_id = f"{report.code}-{OFFICES.index(report.office):02d}"
            reading = reading_of(report)
            digest = _digest(report.url)
            if report.code not in places:
                places.add(report.code)
                batch.add("portals", [_portal_row(report, night)])
            if report.year == YEARS[0]:
                issuer = Issuer(
                    issuer_id,
                    report.issuer,
                    report.code,
                    "county",
                    kind_of(report.issuer),
                    report.portal_id,
                    seen_at,
                )
                ids.append(issuer)
                batch.add("issuers", [_issuer_row(issuer, reading)])
            history = trace(
                [Observation(report.url, night, seen_at, "ok", True, reading, (digest,))]
            )
            report_id = f"{issuer_id}/{report.year}"
            store.write_report(batch, report_id, history, PARSER)
            shown = {"url": report.url, "digest": digest}
            batch.add(
                "captures",
                [
                    shown
                    | {
                        "fetched_at": seen_at,
                        "status": 200,
                        "media_type": "text/html",
                        "warc_file": NO_SEGMENT,
                        "offset": report.number,
                        "record_type": "response",
                        "version_id": f"{report_id}/{history.current}",
                    }
                ],
            )
            line = _line(report, night, seen_at, digest)
            batch.add("sightings", [line | {"report_id": report_id}])
        batch.add("divisions", division_rows(places))
        batch.flush()
    store.put_in_place(db, path, path)
    ledger = path.with_name("ledger.csv")
    ledger.unlink(missing_ok=True)
    issuers.append(ledger, ids)


def _portal_row(report: Made, night: str) -> dict[str, Any]:
    return {
        "id": report.portal_id,
        "name": f"{report.place}人民政府",
        "division": report.code,
        "level": "county",
        "home_url": f"http://www.{report.portal_id}.gov.cn/",
        "last_ok": night,
        "state": "ok",
    }


def _issuer_row(issuer: Issuer, reading: Reading) -> dict[str, Any]:
    return asdict(issuer) | {
        "parent": reading.body.parent if reading.body else None,
        "place_code": issuer.division,
        "place_name": place_name(issuer.division),
        "divisions_date": DIVISIONS_DATE,
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("data", type=Path)
    options.add_argument("--reports", type=int, default=10_000)
    options.add_argument("--nights", type=int, default=1)
    options.add_argument("--asked", type=float, default=1.0, help="share asked again a night")
    options.add_argument("--changed", type=float, default=0.01, help="share of those that changed")
    options.add_argument("--rows", action="store_true", help="write the archive, no captures")
    given = options.parse_args()
    given.data.mkdir(parents=True, exist_ok=True)
    if given.rows:
        fill(given.data / "nianbao.db", given.reports)
        return
    nights = Nights(given.data, given.reports)
    for _ in range(given.nights):
        nights.crawl(given.asked, given.changed)


if __name__ == "__main__":
    main()
