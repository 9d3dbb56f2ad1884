"""Captures and sightings of some nights, made without a crawl: by the crawl's own segment writer,
of invented portals, in any division into files."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

from crawler.capture import Exchange, Segment
from crawler.holdings import WORTH_SHARING, Holder
from tests.portals.replicas.base import Article, pdf, report_body
from tests.portals.replicas.site import OFFICES, TITLES

PLACES = (
    ("甘泉县", "610627"), ("洛川县", "610629"), ("富县", "610628"), ("宜川县", "610630"),
    ("黄龙县", "610631"), ("黄陵县", "610632"), ("延长县", "610621"), ("延川县", "610622"),
)  # fmt: skip
FIRST_NIGHT = datetime(2027, 2, 1, 14, tzinfo=UTC)
WARCINFO = {"software": "tests.torture", "format": "WARC File Format 1.1"}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a crawl wrote: an answer with its line, or a line alone."""

    night: int
    moment: datetime
    line: dict[str, object]
    exchange: Exchange | None = None
    held: Holder | None = None


def nights(reports: int, count: int = 3, seed: int = 0) -> list[Event]:
    """What a crawl of so many reports writes on `count` nights, in order of time.

    Of the reports some are edited, some show a counter, some vanish, come back or arrive late,
    some have an annex that is swapped, some stand on two portals.
    """
    dice = random.Random(f"{seed} nights")
    made = list(_reports(reports))
    fates = {a.path: dice.choice(FATES) for _, a, _ in made}
    known: dict[str, Holder] = {}
    events: list[Event] = []
    for night in range(1, count + 1):
        moment = FIRST_NIGHT + timedelta(days=night - 1)
        for number, (place, division) in enumerate(PLACES):
            events.append(Event(night, moment, _portal(number, place, division, night)))
        for number, article, copy in made:
            fate = fates[article.path]
            for portal, url in ((number, article.path), *(((0, copy),) if copy else ())):
                moment += timedelta(seconds=dice.randrange(3))
                events += _visit(dice, portal, url, article, fate, night, moment, known)
        for number in range(len(PLACES)):
            said = _head("visit", night, moment) | {"portal_id": f"p{number}", "state": "ok"}
            events.append(Event(night, moment, said | {"requests": reports, "seconds": 9.5}))
    return events


FATES = ("stays",) * 6 + ("counts",) * 2 + ("edited 2", "edited 3", "back 3", "gone 2", "late 2")


def _reports(count: int) -> Iterator[tuple[int, Article, str]]:
    """Reports with the number of their portal, and a second address on another portal or ""."""
    for number in range(count):
        place, _ = PLACES[portal := number % len(PLACES)]
        office = OFFICES[number // len(PLACES) % len(OFFICES)]
        year = 2025 - number // (len(PLACES) * len(OFFICES)) % 12
        org = f"{place}{office}"
        host = f"http://www.p{portal}.gov.cn"
        title = TITLES[number % 3].format(org=org, year=year)
        files = ((f"{host}/files/{number}.pdf", "附表.pdf"),) if number % 10 == 0 else ()
        article = Article(
            *(f"{host}/nb/{year + 1}/t{number}.html", title, f"{year + 1}-01-20", "nb", org, year),
            attachments=files,
        )
        copy = f"http://www.p0.gov.cn/zj/t{number}.html" if portal and number % 17 == 0 else ""
        yield portal, article, copy


def _visit(
    dice: random.Random,
    portal: int,
    url: str,
    article: Article,
    fate: str,
    night: int,
    moment: datetime,
    known: dict[str, Holder],
) -> Iterator[Event]:
    kind, _, when = fate.partition(" ")
    if kind == "late" and night < int(when):
        return
    line = _head("report", night, moment) | {
        "portal_id": f"p{portal}",
        "url": url,
        "title": article.title,
        "listed_on": f"http://www.p{portal}.gov.cn/nb/",
        "role": "page",
        "report_url": None,
        "status": 200,
        "digest": None,
        "fetched_at": None,
    }
    if (kind == "gone" and night >= int(when)) or (kind == "back" and night == int(when) - 1):
        answer = _exchange(url, b"<h1>404 Not Found</h1>", 404)
        yield Event(night, moment, line | {"verdict": "gone", "status": 404}, answer)
        return
    edition = int(kind == "edited" and night >= int(when))
    counter = dice.randrange(10**6) if kind == "counts" else 7
    body = _page(article, edition, counter)
    yield _kept(night, moment, line, url, body, known, dice.random() < 0.3)
    for number, (address, name) in enumerate(article.attachments if edition or night < 3 else ()):
        own = line | {"url": address, "title": name, "role": "attachment", "report_url": url}
        yield _kept(night, moment, own, address, pdf(number + 100 * edition), known, False)


def _kept(
    night: int,
    moment: datetime,
    line: dict[str, object],
    url: str,
    body: bytes,
    known: dict[str, Holder],
    conditional: bool,
) -> Event:
    """An answer with its line; the same bytes again are told apart from new ones as a crawl does."""
    held = known.get(url)
    digest, fetched_at = hashlib.sha256(body).hexdigest(), f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    if held is not None and (held.digest != digest or len(body) < WORTH_SHARING):
        held = None
    unmodified = conditional and held is not None
    exchange = _exchange(url, b"" if unmodified else body, 304 if unmodified else 200)
    if held is None:
        name = f"<urn:uuid:{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}>"
        known[url] = Holder(digest, "", url, fetched_at, name, "20270201T140000Z-000000.warc.gz")
    said = {"verdict": "not_modified" if unmodified else "ok", "digest": digest}
    status = {"status": 304 if unmodified else 200, "fetched_at": fetched_at}
    return Event(night, moment, line | said | status, exchange, held)


def _head(kind: str, night: int, moment: datetime) -> dict[str, object]:
    date = FIRST_NIGHT.date() + timedelta(days=night - 1)
    return {"kind": kind, "night": f"{date}", "seen_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}


def _portal(number: int, place: str, division: str, night: int) -> dict[str, object]:
    return _head("portal", night, FIRST_NIGHT + timedelta(days=night - 1)) | {
        "id": f"p{number}",
        "name": f"{place}人民政府",
        "division": division,
        "level": "county",
        "home_url": f"http://www.p{number}.gov.cn/",
        "state": "ok",
    }


def _page(article: Article, edition: int, counter: int) -> bytes:
    files = "".join(
        f'<p>附件：<a href="{path}">{name}</a></p>' for path, name in article.attachments
    )
    title = escape(article.title)
    return (
        f'<html><head><meta charset="utf-8"><title>{title}</title></head><body><h1>{title}</h1>'
        f"<div>发布时间：{article.date} 浏览次数：{counter}</div>"
        f'<div class="article-content">{report_body(article, edition)}{files}</div></body></html>'
    ).encode()


def _exchange(url: str, body: bytes, status: int) -> Exchange:
    kind = "application/pdf" if url.endswith(".pdf") else "text/html; charset=utf-8"
    host = url.split("/")[2]
    return Exchange(
        *(url, "GET", (("Host", host), ("User-Agent", "Nianbao/1.0")), b"", status, "HTTP/1.1"),
        *((("Content-Type", kind), ("Content-Length", str(len(body)))), body),
    )


def write(segment: Segment, event: Event) -> None:
    """What a crawl does with an answer: first it is kept, then it is told."""
    if event.exchange is not None:
        segment.write(event.exchange, event.held, event.moment)
    segment.sight(event.line)


def lay(data: Path, files: Iterable[Sequence[Event]]) -> list[str]:
    """Write each list of events into a segment of its own, closed; gives their stems."""
    for folder in ("warc", "sightings"):
        (data / folder).mkdir(parents=True, exist_ok=True)
    stems = []
    for events in files:
        if not events:
            continue
        segment = Segment(data, WARCINFO, events[0].moment)
        for event in events:
            write(segment, event)
        segment.close()
        stems.append(segment.warc.name.removesuffix(".warc.gz"))
    return stems


def by_night(events: Iterable[Event], shards: int = 1) -> list[list[Event]]:
    """A list of events for each night and shard; a portal belongs to one shard."""
    dealt: dict[tuple[int, int], list[Event]] = {}
    for event in events:
        portal = str(event.line.get("portal_id") or event.line.get("id"))
        dealt.setdefault((event.night, int(portal[1:]) % shards), []).append(event)
    return [dealt[key] for key in sorted(dealt)]


def cut(events: Sequence[Event], pieces: int, dice: random.Random) -> list[list[Event]]:
    """The events dealt out by chance, whatever belongs together."""
    dealt: list[list[Event]] = [[] for _ in range(pieces)]
    for event in events:
        dice.choice(dealt).append(event)
    return dealt


def repeated(events: Iterable[Event], share: float, dice: random.Random) -> Iterator[Event]:
    """The events, of which a share comes twice: what a crawl killed in between does again.

    The second answer is a moment later, and another record of the same bytes.
    """
    for event in events:
        yield event
        if dice.random() < share:
            yield replace(event)
