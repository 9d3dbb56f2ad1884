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
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from scrapy import Request, Spider
from scrapy.http import Response
from twisted.internet.error import TimeoutError as TwistedTimeout
from twisted.python.failure import Failure

from crawler import links, survey
from crawler.capture import Capture, Store
from crawler.frontier import Answer, Found, Frontier, Row, key_of
from crawler.manners import GroupStopped, Refused, group_of, guard_is_active
from crawler.page import Page, absolute, is_file, page_of
from crawler.portals import REGISTRY, Portal, load_portals
from crawler.progress import Progress
from crawler.recover import recover
from crawler.verdict import Verdict, judge

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

# Requests a portal may have waiting; its hosts each get one at a time.
AHEAD = 4
BATCH = 50
LONGEST_CHAIN = 6
PAGE_BYTES = 10 * 1024 * 1024
# What a timer reads as: not done, start the same command again.
EXIT_TRY_AGAIN = 75
REPORT_KINDS = ("report", "attachment")
ENTRIES = ("report", "peek", "noise")
LISTINGS = ("home", "list", "discovery")


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
    """Whether a portal falls to shard `index` of `count`: one group is never split.

    Shards may be counted from 0 or from 1: the last of N is 0 by another name.
    """
    host = urlsplit(portal.home_url).hostname or ""
    group = group_of(portal.home_url) if links.is_address(host) else links.registrable(host)
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % count == index % count


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
        self._finished = False

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        try:
            spider = super().from_crawler(crawler, *args, **kwargs)
            data = Path(crawler.settings["DATA"])
            spider.frontier = Frontier(data / "frontier.db")
            recover(data)
            spider.store = Store(data, _warcinfo(crawler))
        except (ValueError, RuntimeError) as error:
            logger.critical("%s", error)
            raise SystemExit(2) from None
        except OSError as error:
            logger.critical(
                "%s cannot be written to (%s); choose another folder with -s DATA=DIR",
                error.filename or data,
                error.strerror,
            )
            raise SystemExit(2) from None
        for chatter in ("addons", "core.engine", "crawler", "middleware"):
            logging.getLogger(f"scrapy.{chatter}").setLevel(logging.WARNING)
        return spider

    frontier: Frontier
    store: Store
    _progress: Progress | None = None

    async def start(self) -> AsyncIterator[Request]:
        _at_exit(self._exit_status)
        if not guard_is_active():
            logger.critical(
                "the guard against private addresses is not active: keep TWISTED_DNS_RESOLVER in "
                "crawler/settings.py as it is; nothing was asked"
            )
            self.give_up("unguarded")
            return
        self.frontier.begin_night(self.night, _now())
        self._progress = Progress(self.night, self._so_far)
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
        self._finished = reason == "finished"
        if self._finished:
            self.frontier.end_night(self.night, _now())
        done = self.frontier.counts(self.night)
        logger.info(
            "night %s %s: %d requests, %d reports, %d attachments, %d lists of %d portals; %s",
            self.night,
            "done" if self._finished else f"broken off ({reason})",
            self._asked,
            self._sighted["report"],
            self._sighted["attachment"],
            done.get("list", 0),
            len(self.portals),
            ", ".join(f"{verdict} {count}" for verdict, count in self._verdicts.most_common()),
        )
        self.frontier.close()

    def _so_far(self) -> tuple[int, int, int]:
        return self._asked, self._sighted["report"], self._sighted["attachment"]

    def _exit_status(self) -> int:
        """What the process ends with; a second Ctrl-C ends it before `closed` is called."""
        return 0 if self._finished else EXIT_TRY_AGAIN

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
        if self._progress is not None:
            self._progress.tick()
        yield from self._due(self.portals[row.portal_id])

    def _take(
        self, response: Response, row: Row, chain: tuple[Hop, ...], attempt: int
    ) -> Request | None:
        """Settle an answer, or give the request that must come first: a hop, a second try."""
        capture: Capture = response.request.meta["capture"]  # type: ignore[union-attr]
        chain = (*chain, Hop(response.url, response.status, capture))
        page = page_of(response.url, response.body, _content_type(response))
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
        shown: list[Found] = []
        leads = False
        readable = page is not None and verdict in (Verdict.OK, Verdict.MOVED)
        now = row
        if page is not None and readable:
            portal, sites = self.portals[row.portal_id], self._sites(row)
            now = survey.settle(row, page, portal.family)
            if now.kind in LISTINGS:
                found = survey.leads(now, page, sites, portal.family)
                leads = any(one.kind == "report" for one in found)
                shown = [one for one in found if one.kind in ENTRIES and now.kind == "list"]
                if shown:
                    is_new = self.frontier.adds_entries(now, shown)
                    found += survey.further(now, page, sites, is_new=is_new)
            if now.kind == "report" or now.carries:
                found += survey.documents(now, page, sites)
            if now.kind not in REPORT_KINDS and key_of(page.url) != row.key:
                # First of all: the page also links to itself.
                found.insert(0, Found(page.url, "alias", listed_on=row.url))
            # A row that turned out to be a report: its list is one of reports.
            leads = leads or (row.kind == "peek" and now.kind == "report")
        if row.kind == "home":
            self._sight_portal(row, Verdict.OK if readable else verdict)
        if now.kind in REPORT_KINDS or now.carries:
            self._sight(now, verdict, chain)
            found += self._sight_moved(now, verdict, chain)
        last = chain[-1] if chain else None
        self.frontier.record(
            Answer(
                row=row,
                night=self.night,
                verdict=verdict,
                status=last.status if last else None,
                digest=last.capture.digest if last else None,
                kind=now.kind,
                title=now.title,
                carries=now.carries,
                leads=leads,
            ),
            found,
            shown,
        )

    # What is written down.

    def _sight(self, row: Row, verdict: Verdict, chain: Sequence[Hop]) -> None:
        first = chain[0] if chain else None
        # Of a chain that ends elsewhere the first answer speaks for the address itself.
        shown = chain[-1] if chain and verdict is not Verdict.MOVED else first
        is_attachment = row.kind == "attachment"
        self._sighted["attachment" if is_attachment else "report"] += 1
        self._write(
            "report",
            portal_id=row.portal_id,
            url=row.url,
            title=row.title,
            listed_on=row.listed_on,
            role="attachment" if is_attachment else "page",
            report_url=row.report_url,
            verdict=verdict.value,
            status=shown.status if shown else None,
            digest=shown.capture.digest if shown else None,
            fetched_at=shown.capture.fetched_at if shown else None,
        )

    def _sight_moved(self, row: Row, verdict: Verdict, chain: Sequence[Hop]) -> list[Found]:
        """The address a report moved to gets a line of its own, and is asked from now on."""
        if verdict is not Verdict.MOVED or len(chain) < 2 or chain[-1].status >= 300:
            return []
        target = chain[-1].url
        self._sight(replace(row, url=target), Verdict.OK, chain[-1:])
        kind = "attachment" if row.kind == "attachment" else "report"
        return [Found(target, kind, row.title, row.listed_on, report_url=row.report_url)]

    def _sight_portal(self, row: Row, verdict: Verdict) -> None:
        portal = self.portals[row.portal_id]
        self._write(
            "portal",
            id=portal.id,
            name=portal.name,
            division=portal.division,
            level=portal.level,
            home_url=portal.home_url,
            state=verdict.value,
        )

    def _write(self, kind: str, **said: str | int | None) -> None:
        line = {"kind": kind, "night": self.night, "seen_at": self._seen_at(), **said}
        self.store.sight(line)

    def _seen_at(self) -> str:
        return f"{datetime.now(UTC) + self._ahead:%Y-%m-%dT%H:%M:%SZ}"


def _content_type(response: Response) -> str:
    return (response.headers.get(b"Content-Type") or b"").decode("latin-1")


def _night(given: str) -> str:
    if not given:
        return tonight().isoformat()
    try:
        return date.fromisoformat(given).isoformat()
    except ValueError:
        raise ValueError(f"night={given!r} is no date; write it as YYYY-MM-DD") from None


def _chosen(portals: dict[str, Portal], only: str, shard: str) -> dict[str, Portal]:
    wanted = [name.strip() for name in only.split(",")] if only else []
    for name in wanted:
        if name not in portals:
            raise ValueError(
                f"only={name!r}: the registry has no such portal; ids are in its first column"
            )
    index, count = 1, 1
    if shard:
        match = re.fullmatch(r"([0-9]+)/([0-9]+)", shard)
        index, count = (int(match[1]), int(match[2])) if match else (1, 0)
        if not (count and 0 <= index <= count):
            raise ValueError(
                f"shard={shard!r} is no share; write I/N with I from 1 to N, as in 2/8"
            )
    return {
        name: portal
        for name, portal in portals.items()
        if (not wanted or name in wanted) and in_shard(portal, index, count)
    }


def _at_exit(status: Callable[[], int]) -> None:
    """End the process with a status once all is closed: Scrapy offers no way of its own."""
    from twisted.internet import reactor

    def end() -> None:
        if code := status():
            os._exit(code)

    # The stub of this interface counts its own first argument.
    reactor.addSystemEventTrigger("after", "shutdown", end)  # type: ignore[arg-type]


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
