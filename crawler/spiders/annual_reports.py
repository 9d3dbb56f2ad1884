"""The walk: home -> column -> lists -> reports -> attachments, as the frontier says what is due.

Order on disk: the answer is synced (CaptureMiddleware), then its sightings, then the frontier marks
the address done, so that a killed crawl may repeat an address and never skips one.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import sqlite3
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from scrapy import Request, Spider
from scrapy.http import Response
from scrapy.utils.asyncio import create_looping_call
from twisted.internet.error import TimeoutError as TwistedTimeout
from twisted.python.failure import Failure

from archive.identify import compact, report_title_verdict
from crawler import families, links
from crawler.capture import Capture, Store, recover
from crawler.frontier import Answer, Found, Frontier, Row, key_of
from crawler.links import Kind
from crawler.manners import GroupStopped, Refused, group_of, guard_is_active
from crawler.page import Link, Page, absolute, is_file, read_page
from crawler.portals import REGISTRY, Portal, load_portals
from crawler.verdict import Verdict, judge

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

# Requests a portal may have waiting; its hosts each get one at a time.
AHEAD = 4
BATCH = 50
LONGEST_CHAIN = 6
DISCOVERY_DEPTH = 4
LIST_DEPTH = 8
PAGE_BYTES = 10 * 1024 * 1024
# What a timer reads as: not done, start the same command again.
EXIT_TRY_AGAIN = 75
REPORT_KINDS = ("report", "attachment")
_CUT = re.compile(r"(?:…|\.{2,})+$")


@dataclass(frozen=True, slots=True)
class Hop:
    """One answer on the way from an address to what it leads to."""

    url: str
    status: int
    capture: Capture


def tonight() -> date:
    """Today's date where the portals are."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).date()


def in_shard(portal: Portal, index: int, count: int) -> bool:
    """Whether a portal falls to shard `index` (from 1) of `count`: one group is never split."""
    group = links.registrable(urlsplit(portal.home_url).hostname or "")
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % count == index - 1


class AnnualReportsSpider(Spider):
    """Visits each portal of the registry once a night and says which reports it met."""

    name = "annual_reports"

    def __init__(
        self,
        portals: str = "",
        only: str = "",
        shard: str = "",
        night: str = "",
        **options: Any,
    ) -> None:
        if options:
            raise ValueError(
                f"unknown option {next(iter(options))!r}; "
                "the options are portals, only, shard, night"
            )
        super().__init__()
        self.night = _night(night)
        self.portals = _chosen(load_portals(Path(portals) if portals else REGISTRY), only, shard)
        # A night that was set begins at noon where the portals are: one date there and in UTC.
        noon = datetime.fromisoformat(f"{self.night}T04:00:00Z")
        self._ahead = noon - datetime.now(UTC) if night else timedelta()
        self._waiting: dict[str, set[str]] = {portal: set() for portal in self.portals}
        self._aside: dict[str, set[str]] = {portal: set() for portal in self.portals}
        self._queues: dict[str, deque[Row]] = {portal: deque() for portal in self.portals}
        self._stopped: set[str] = set()
        self._verdicts: Counter[str] = Counter()
        self._sighted: Counter[str] = Counter()
        self._asked = 0
        self._given_up: asyncio.Future[None] | None = None
        self._progress: Progress | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        try:
            spider = super().from_crawler(crawler, *args, **kwargs)
            data = Path(crawler.settings["DATA"])
            spider.frontier = Frontier(data / "frontier.db")
        except (ValueError, OSError, RuntimeError) as error:
            logger.critical("%s", error)
            raise SystemExit(2) from None
        for chatter in ("addons", "core.engine", "crawler", "middleware"):
            logging.getLogger(f"scrapy.{chatter}").setLevel(logging.WARNING)
        recover(data)
        spider.store = Store(data, _warcinfo(crawler))
        return spider

    frontier: Frontier
    store: Store

    async def start(self) -> AsyncIterator[Request]:
        if not guard_is_active():
            logger.critical(
                "the guard against private addresses is not active: keep TWISTED_DNS_RESOLVER in "
                "crawler/settings.py as it is; nothing was asked"
            )
            self.give_up("unguarded")
            return
        self.frontier.begin_night(self.night, _now())
        self._show_progress()
        for portal in self.portals.values():
            seeds = [Found(portal.home_url, "home", title=portal.name)]
            if portal.column_url:
                seeds.append(Found(portal.column_url, "list", listed_on=portal.home_url, score=100))
            self.frontier.add(portal.id, seeds, self.night)
            for request in self._due(portal):
                yield request

    def give_up(self, reason: str) -> None:
        """Ask for nothing more, and end with a status that tells the night is not done."""
        if not self._given_up:
            self._given_up = asyncio.ensure_future(
                self.crawler.engine.close_spider_async(reason=reason)
            )

    def closed(self, reason: str) -> None:
        if self._progress is not None:
            self._progress.stop()
        self.store.close()
        if reason == "finished":
            self.frontier.end_night(self.night, _now())
        done = self.frontier.counts(self.night)
        logger.info(
            "night %s %s: %d requests, %d reports, %d attachments, %d lists of %d portals; %s",
            self.night,
            "done" if reason == "finished" else f"broken off ({reason})",
            self._asked,
            self._sighted["report"],
            self._sighted["attachment"],
            done.get("list", 0),
            len(self.portals),
            ", ".join(f"{verdict} {count}" for verdict, count in self._verdicts.most_common()),
        )
        self.frontier.close()
        if reason != "finished":
            _exit_with(EXIT_TRY_AGAIN)

    # What to ask next.

    def _due(self, portal: Portal) -> Iterator[Request]:
        if self._given_up:
            return
        waiting, queue = self._waiting[portal.id], self._queues[portal.id]
        while len(waiting) < AHEAD:
            if not queue:
                exclude = waiting | self._aside[portal.id]
                rows = self.frontier.due(portal.id, self.night, exclude)
                queue.extend(
                    islice((row for row in rows if group_of(row.url) not in self._stopped), BATCH)
                )
            if not queue:
                return
            # The best page to read next may be known only once this one is read.
            alone = queue[0].kind in ("home", "discovery")
            if alone and waiting:
                queue.clear()
                return
            row = queue.popleft()
            if alone:
                queue.clear()
            waiting.add(row.key)
            yield self._ask(row, row.url, ())
            if alone:
                return

    def _ask(self, row: Row, url: str, chain: tuple[Hop, ...], attempt: int = 1) -> Request:
        headers = dict(row.headers)
        # Some servers give a document only to those who come from its page.
        if (linked_from := row.report_url or row.listed_on) and not chain:
            headers.setdefault("Referer", linked_from)
        first = not chain
        meta: dict[str, Any] = {
            "download_slot": group_of(url),
            "handle_httpstatus_all": True,
        }
        if not is_file(url):
            meta["download_maxsize"] = min(
                PAGE_BYTES, self.crawler.settings.getint("DOWNLOAD_MAXSIZE")
            )
        return Request(
            url,
            method=row.method if first else "GET",
            body=row.body if first else "",
            headers=headers,
            callback=self.answered,
            errback=self.failed,
            cb_kwargs={"row": row, "chain": chain, "attempt": attempt},
            meta=meta,
            dont_filter=True,
        )

    # What came back.

    def answered(
        self, response: Response, row: Row, chain: tuple[Hop, ...], attempt: int
    ) -> Iterator[Request]:
        self._asked += 1
        again = None
        try:
            again = self._take(response, row, chain, attempt)
        except (OSError, sqlite3.Error) as error:
            logger.critical(
                "cannot write what was found (%s): free the disk, then start the same crawl again",
                error,
            )
            self.give_up("storage_failed")
            return
        except Exception:
            # One page must not end the night: it stays due for the next start.
            logger.exception("%s could not be worked through", row.url)
            self._aside[row.portal_id].add(row.key)
        yield from self._go_on(row, again)

    def failed(self, failure: Failure) -> Iterator[Request]:
        request: Request = failure.request  # type: ignore[attr-defined]
        row: Row = request.cb_kwargs["row"]
        chain: tuple[Hop, ...] = request.cb_kwargs["chain"]
        error = failure.value
        if isinstance(error, GroupStopped):
            self._stopped.add(group_of(request.url))
            self._aside[row.portal_id].add(row.key)
            if row.kind == "home":
                self._sight_portal(row, Verdict.ERROR)
            logger.info("%s: %s", row.url, error)
        elif isinstance(error, Refused):
            logger.info("%s", error)
            if row.kind == "home":
                self._sight_portal(row, Verdict.ERROR)
            self.frontier.record(Answer(row, self.night, "refused"))
            self._verdicts["refused"] += 1
        else:
            large = "size" in str(error) and "max" in str(error).lower()
            large = large or type(error).__name__ in ("DownloadCancelledError", "CancelledError")
            verdict = Verdict.TOO_LARGE if large else Verdict.ERROR
            timed_out = isinstance(error, TwistedTimeout)
            logger.info("%s: %s", row.url, "timeout" if timed_out else type(error).__name__)
            self._asked += 1
            self._finish(row, verdict, chain, None)
        yield from self._go_on(row, None)

    def _go_on(self, row: Row, again: Request | None) -> Iterator[Request]:
        if again is not None:
            yield again
            return
        self._waiting[row.portal_id].discard(row.key)
        self._tick()
        yield from self._due(self.portals[row.portal_id])

    def _take(
        self, response: Response, row: Row, chain: tuple[Hop, ...], attempt: int
    ) -> Request | None:
        """Settle an answer, or give the request that must come first: a hop, a second try."""
        capture: Capture = response.request.meta["capture"]  # type: ignore[union-attr]
        chain = (*chain, Hop(response.url, response.status, capture))
        page = _page_of(response)
        portal = self.portals[row.portal_id]
        if 300 <= response.status < 400 and response.status != 304:
            location = (response.headers.get(b"Location") or b"").decode("utf-8", "replace")
            target = absolute(response.url, location) if location else None
            return self._hop(row, target, chain, page)
        verdict = judge(
            response.status,
            response.body,
            page,
            row.url,
            response.url,
            home_urls=(portal.home_url,),
            flags=response.flags,
        )
        if verdict is Verdict.SHELL and page is not None:
            return self._hop(row, page.hops[0], chain, page)
        if verdict is Verdict.TRUNCATED and attempt == 1:
            return self._ask(row, response.url, chain[:-1], attempt + 1)
        self._finish(row, verdict, chain, page)
        return None

    def _hop(
        self, row: Row, target: str | None, chain: tuple[Hop, ...], page: Page | None
    ) -> Request | None:
        last = Verdict.SHELL if chain[-1].status < 300 else Verdict.MOVED
        seen = sum(hop.url == target for hop in chain)
        # Back to itself once: some portals set a cookie that way. A page never sends to itself.
        if target is None or len(chain) >= LONGEST_CHAIN or seen > (last is Verdict.MOVED):
            self._finish(
                row, Verdict.SHELL if last is Verdict.SHELL else Verdict.ERROR, chain, None
            )
        elif not links.is_same_site(target, self._sites(row)) and row.kind != "home":
            self._finish(row, Verdict.MOVED, chain, None)
        elif self._leads_to_known(row, target):
            known = self.frontier.known(target)
            is_report = known is not None and known.kind in REPORT_KINDS
            self._finish(row, Verdict.MOVED if is_report else Verdict.SOFT_404, chain, None)
        else:
            return self._ask(row, target, chain)
        return None

    def _leads_to_known(self, row: Row, target: str) -> bool:
        """Whether a report sends to a page that has its own line: another report, or its list."""
        known = self.frontier.known(target)
        return (
            row.kind in REPORT_KINDS
            and known is not None
            and known.key != row.key
            and known.kind in (*REPORT_KINDS, "list", "discovery")
        )

    def _sites(self, row: Row) -> tuple[str, ...]:
        portal = self.portals[row.portal_id]
        return tuple(url for url in (portal.home_url, portal.column_url) if url)

    # What it means.

    def _finish(self, row: Row, verdict: Verdict, chain: Sequence[Hop], page: Page | None) -> None:
        """Write what an address said: sightings first, then the frontier."""
        self._verdicts[verdict] += 1
        found: list[Found] = []
        kind = row.kind
        title = row.title
        carries = row.carries
        leads = False
        readable = page is not None and verdict in (Verdict.OK, Verdict.MOVED)
        if page is not None and readable:
            kind, title, carries = self._settle(row, page)
            if kind in ("home", "list", "discovery"):
                found, leads = self._read_listing(replace(row, kind=kind), page)
            if kind == "report" or carries:
                found += [
                    Found(
                        link.url,
                        "attachment",
                        title=link.label,
                        listed_on=row.listed_on,
                        report_url=row.url,
                    )
                    for link in links.attachments(page)
                    if links.is_same_site(link.url, self._sites(row))
                ]
            if kind not in REPORT_KINDS and key_of(page.url) != row.key:
                # First of all: the page also links to itself.
                found.insert(0, Found(page.url, "alias", listed_on=row.url))
            # A row that turned out to be a report: its list is one of reports.
            leads = leads or (row.kind == "peek" and kind == "report")
        if row.kind == "home":
            self._sight_portal(row, Verdict.OK if readable else verdict)
        if kind in REPORT_KINDS or carries:
            self._sight(replace(row, title=title), verdict, chain)
            found += self._sight_moved(row, title, verdict, chain)
        last = chain[-1] if chain else None
        self.frontier.record(
            Answer(
                row=row,
                night=self.night,
                verdict=verdict,
                status=last.status if last else None,
                digest=last.capture.digest if last else None,
                kind=kind,
                title=title,
                carries=carries,
                leads=leads,
            ),
            found,
        )

    def _settle(self, row: Row, page: Page) -> tuple[str, str, bool]:
        """What a page turned out to be: its kind, its title, and whether it carries a report."""
        first = not row.last_night
        if row.kind in ("peek", "discovery") or (row.kind == "report" and first):
            listed = [
                entry
                for entry in families.entries(page)
                if entry.date and report_title_verdict(entry.title) == "report"
            ]
            if len(listed) >= 3 and not links.report_on(page):
                return "list", row.title, False
        if row.kind == "peek":
            if report_title_verdict(row.title) == "report":
                is_report, title = links.reads_like_report(page), _whole(row.title, page)
            else:
                is_report, title = report_title_verdict(page.title) == "report", page.title
            return ("report", title, False) if is_report else ("peek", row.title, False)
        if row.kind == "list" and (shown := links.report_on(page)):
            # Most columns that show their newest report list it as well, at its own address.
            elsewhere = any(
                _is_cut_of(entry.title, shown) and key_of(entry.url) != row.key
                for entry in families.entries(page)
            )
            return ("list", row.title, row.carries) if elsewhere else ("list", shown, True)
        title = _whole(row.title, page) if row.kind == "report" else row.title
        return row.kind, title, row.carries

    def _read_listing(self, row: Row, page: Page) -> tuple[list[Found], bool]:
        """What a page leads to, and whether it lists reports itself."""
        in_column = row.kind == "list"
        # What a proxy hands out is shown to readers on the page that calls it.
        listed_on = row.listed_on if "X-Requested-With" in row.headers else page.url
        found: dict[str, Found] = {}
        sites = self._sites(row)
        if in_column:
            for entry in families.entries(page):
                if links.is_same_site(entry.url, sites):
                    one = _entry(entry, page, listed_on, may_peek=row.score >= links.SURE)
                    if one is not None:
                        found.setdefault(one.key, one)
        for link in page.links:
            if links.is_same_site(link.url, sites):
                followed = self._follow(link, row, page, listed_on, in_column)
                if followed is not None:
                    found.setdefault(followed.key, followed)
        if row.depth < (LIST_DEPTH if in_column else DISCOVERY_DEPTH):
            for url in page.frames:
                if links.is_same_site(url, sites):
                    kind, score = ("list", row.score) if in_column else ("discovery", 50)
                    framed = Found(url, kind, row.title, listed_on, score, row.depth + 1)
                    found.setdefault(framed.key, framed)
        reports = [one for one in found.values() if one.kind == "report"]
        shown = [one for one in found.values() if one.kind in ("report", "peek", "noise")]
        if in_column and shown and self.frontier.adds_entries(row, shown):
            for further in families.further(page):
                if links.is_same_site(further.url, sites):
                    one = Found(
                        further.url,
                        "list",
                        title=row.title,
                        listed_on=listed_on,
                        score=max(row.score - 1, min(row.score, links.SURE)),
                        depth=row.depth,
                        method=further.method,
                        body=further.body or (row.body if further.method == "POST" else ""),
                        headers=further.headers or row.headers,
                    )
                    found[one.key] = one
        found.pop(row.key, None)
        return list(found.values()), bool(reports)

    def _follow(
        self, link: Link, row: Row, page: Page, listed_on: str, in_column: bool
    ) -> Found | None:
        judged = links.classify(
            link, page, in_column=in_column, among_bodies=links.is_directory(row.title)
        )
        depth = row.depth + 1
        match judged.kind:
            case Kind.COLUMN if depth <= LIST_DEPTH:
                return Found(link.url, "list", link.label, listed_on, judged.score, depth)
            case Kind.LISTING if depth <= DISCOVERY_DEPTH:
                score = max(judged.score - 5 * row.depth, 1)
                return Found(link.url, "discovery", link.label, listed_on, score, depth)
            case Kind.REPORT:
                # Outside the columns news have such titles too: the page itself must tell.
                kind = "report" if in_column or is_file(link.url) else "peek"
                return Found(link.url, kind, link.label, listed_on, judged.score, depth)
        return None

    # What is written down.

    def _sight(self, row: Row, verdict: Verdict, chain: Sequence[Hop]) -> None:
        first = chain[0] if chain else None
        # Of a chain that ends elsewhere the first answer speaks for the address itself.
        shown = chain[-1] if chain and verdict is not Verdict.MOVED else first
        self._sighted["attachment" if row.kind == "attachment" else "report"] += 1
        self.store.sight(
            {
                "kind": "report",
                "night": self.night,
                "seen_at": self._seen_at(),
                "portal_id": row.portal_id,
                "url": row.url,
                "title": row.title,
                "listed_on": row.listed_on,
                "role": "attachment" if row.kind == "attachment" else "page",
                "report_url": row.report_url,
                "verdict": verdict.value,
                "status": shown.status if shown else None,
                "digest": shown.capture.digest if shown else None,
                "fetched_at": shown.capture.fetched_at if shown else None,
            }
        )

    def _sight_moved(
        self, row: Row, title: str, verdict: Verdict, chain: Sequence[Hop]
    ) -> list[Found]:
        """The address a report moved to gets a line of its own, and is asked from now on."""
        target = chain[-1].url if chain else ""
        if verdict is not Verdict.MOVED or len(chain) < 2 or chain[-1].status >= 300:
            return []
        moved = Found(
            target, "attachment" if row.kind == "attachment" else "report", title, row.listed_on
        )
        moved = replace(moved, report_url=row.report_url)
        self._sight(replace(row, url=target, title=title), Verdict.OK, chain[-1:])
        return [moved]

    def _sight_portal(self, row: Row, verdict: Verdict) -> None:
        portal = self.portals[row.portal_id]
        self.store.sight(
            {
                "kind": "portal",
                "night": self.night,
                "seen_at": self._seen_at(),
                "id": portal.id,
                "name": portal.name,
                "division": portal.division,
                "level": portal.level,
                "home_url": portal.home_url,
                "state": verdict.value,
            }
        )

    def _seen_at(self) -> str:
        return f"{datetime.now(UTC) + self._ahead:%Y-%m-%dT%H:%M:%SZ}"

    # What the operator sees.

    def _show_progress(self) -> None:
        if sys.stderr.isatty():
            self._progress = Progress(
                TextColumn("[bold]{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[seen]}"),
                console=Console(stderr=True),
            )
            self._task = self._progress.add_task(f"抓取 {self.night}", total=None, seen="")
            self._progress.start()
        self._loop = create_looping_call(self._say)
        self._loop.start(60, now=False)

    def _tick(self) -> None:
        if self._progress is not None:
            self._progress.update(
                self._task,
                completed=self._asked,
                seen=f"{self._sighted['report']} 份年报，{self._sighted['attachment']} 个附件",
            )

    def _say(self) -> None:
        if self._progress is None:
            logger.info(
                "night %s: %d requests, %d reports, %d attachments so far",
                self.night,
                self._asked,
                self._sighted["report"],
                self._sighted["attachment"],
            )


def _entry(entry: families.Entry, page: Page, listed_on: str, *, may_peek: bool) -> Found | None:
    """A row of a column as the frontier takes it; rows that are no articles are left to links."""
    verdict = report_title_verdict(entry.title)
    named = Found(entry.url, "noise", entry.title, listed_on)
    if verdict == "lookalike":
        return named
    is_cut = bool(_CUT.search(compact(entry.title)))
    if not (entry.date or is_cut or links.is_article(entry.url)):
        return None
    if verdict == "report":
        return replace(named, kind="report", score=80)
    if (
        not may_peek
        or is_file(entry.url)
        or not (entry.date or links.is_below(entry.url, page.url) or is_cut)
    ):
        return named
    return replace(named, kind="peek", score=10)


def _is_cut_of(label: str, title: str) -> bool:
    """Whether a label is a title, or its beginning as lists cut it."""
    return compact(title).startswith(_CUT.sub("", compact(label)))


def _whole(title: str, page: Page) -> str:
    """The title that a list has cut, as the page itself gives it."""
    is_cut = _CUT.search(compact(title))
    return page.title if is_cut and _is_cut_of(title, page.title) else title


def _page_of(response: Response) -> Page | None:
    """The answer as a page, or None for a document whatever its label says."""
    body = response.body
    if body.lstrip()[:5].startswith((b"%PDF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"{\\rtf")):
        return None
    label = (response.headers.get(b"Content-Type") or b"").decode("latin-1")
    kind = label.split(";")[0].strip().lower()
    marked_up = body.lstrip()[:1] == b"<"
    if kind and not marked_up and not re.search(r"html|xml|text|json|javascript", kind):
        return None
    return read_page(response.url, body, label)


def _night(given: str) -> str:
    if not given:
        return tonight().isoformat()
    try:
        return date.fromisoformat(given).isoformat()
    except ValueError:
        raise ValueError(f"night={given!r} is no date; write it as YYYY-MM-DD") from None


def _chosen(portals: dict[str, Portal], only: str, shard: str) -> dict[str, Portal]:
    wanted: Collection[str] = [name.strip() for name in only.split(",") if name.strip()]
    for name in wanted:
        if name not in portals:
            raise ValueError(
                f"only={name!r}: the registry has no such portal; ids are in its first column"
            )
    index, count = 1, 1
    if shard:
        match = re.fullmatch(r"([0-9]+)/([0-9]+)", shard)
        index, count = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 1 <= index <= count:
            raise ValueError(
                f"shard={shard!r} is no share; write I/N with I from 1 to N, as in 2/8"
            )
    return {
        name: portal
        for name, portal in portals.items()
        if (not wanted or name in wanted) and in_shard(portal, index, count)
    }


def _exit_with(status: int) -> None:
    """End the process with a status once all is closed: Scrapy offers no way of its own."""
    from twisted.internet import reactor

    # The stub of this interface counts its own first argument.
    reactor.addSystemEventTrigger("after", "shutdown", os._exit, status)  # type: ignore[arg-type]


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _warcinfo(crawler: Crawler) -> dict[str, str]:
    return {
        "software": "Nianbao (Scrapy, warcio)",
        "format": "WARC file version 1.1",
        "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
        "robots": "RFC 9309; unreachable rules forbid",
        "http-header-user-agent": str(crawler.settings["USER_AGENT"]),
        "description": (
            "Bodies are as received, transfer encoding undone, content encoding kept. Headers are "
            "as the HTTP client gives them: names, values and order of values as received, letter "
            "case and the order of names are not; the reason phrase is the standard one."
        ),
    }
