"""The walk: home -> column -> lists -> reports -> attachments, as the frontier says what is due.

Order on disk: the answer is synced (CaptureMiddleware), then its sightings, then the frontier marks
the address done, so that a killed crawl may repeat an address and never skips one.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import os
import platform
import sqlite3
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import scrapy
import twisted
from rich.console import Console
from scrapy import Request, Spider
from scrapy.exceptions import DownloadTimeoutError
from scrapy.http import Response
from scrapy.settings import BaseSettings
from twisted.python.failure import Failure

from crawler import families, links, render, survey
from crawler import settings as unless_set
from crawler.budgets import Budgets
from crawler.capture import HAD, Capture, Store
from crawler.disk import EXIT_DISK, Room, is_full_or_failing, refusal
from crawler.fingerprint import fingerprint, sketch
from crawler.frontier import NO_ROWS, Answer, Found, Frontier, Row, key_of
from crawler.manners import (
    CrawlEnding,
    GroupStopped,
    Refused,
    group_of,
    groups_of,
    guards_inactive,
    is_too_large,
)
from crawler.monitors import failed_monitors
from crawler.night import Clock
from crawler.pace import Pace
from crawler.page import Page, absolute, page_of
from crawler.portals import REGISTRY, RENDER, Portal, chosen, load_portals
from crawler.progress import Progress, Standing, as_text, closing
from crawler.recover import recover, reindex
from crawler.schedule import WEEK, spread
from crawler.shards import Shard, parse_shard
from crawler.verdict import Verdict, judge
from crawler.visits import Visit

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

# Requests a portal may have waiting; its hosts each get one at a time.
AHEAD = 4
LONGEST_CHAIN = 6
# What a timer reads as: not done, start the same command again.
EXIT_TRY_AGAIN = 75
DISK_REASONS = ("capture_failed", "storage_failed", "disk_full")
REPORT_KINDS = ("report", "attachment")
ENTRIES = ("report", "peek", "noise")
LISTINGS = ("home", "list", "discovery")
READABLE = (Verdict.OK, Verdict.MOVED)


@dataclass(frozen=True, slots=True)
class Hop:
    """One answer on the way from an address to what it leads to."""

    url: str
    status: int
    capture: Capture
    etag: str = ""
    modified: str = ""
    sets_cookie: bool = False
    # What a document is once unpacked: two packings of one file are the same file.
    content: str = ""

    @property
    def validators(self) -> dict[str, str]:
        """What tells a server which version we have."""
        return {"etag": self.etag, "modified": self.modified}


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
        self._clock = Clock(night)
        self.night = self._clock.night
        self.shard = parse_shard(shard)
        wanted = chosen(load_portals(Path(portals) if portals else REGISTRY), only)
        self.portals = {name: one for name, one in wanted.items() if self.shard.has(one)}
        self._waiting: dict[str, set[str]] = {portal: set() for portal in self.portals}
        self._aside: dict[str, set[str]] = {portal: set() for portal in self.portals}
        self._queues: dict[str, deque[Row]] = {portal: deque() for portal in self.portals}
        self._stopped: set[str] = set()
        # Addresses read at the end of a redirect, that may still wait for their turn.
        self._met: set[str] = set()
        self._states: dict[str, str] = {}
        self._pace = {portal: Pace() for portal in self.portals}
        self._alarms: list[str] = []
        self._verdicts: Counter[str] = Counter()
        self._sighted: Counter[str] = Counter()
        self._asked = 0
        self._given_up: asyncio.Future[None] | None = None
        self._finished = False
        self._disk_refused = False

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        data = Path(crawler.settings["DATA"])
        try:
            demand_numbers(crawler.settings)
            spider = super().from_crawler(crawler, *args, **kwargs)
            data.mkdir(parents=True, exist_ok=True)
            room = Room(
                data,
                crawler.settings.getint("CAPTURE_MIN_FREE_BYTES"),
                crawler.settings.getfloat("CAPTURE_MIN_FREE_SHARE"),
            )
            if shortage := room.shortage():
                logger.critical("%s", shortage)
                raise SystemExit(EXIT_DISK)
            spider.frontier = Frontier(data / spider.shard.frontier_name)
            recover(data)
            reindex(data, spider.frontier)
            spider.store = Store(
                data,
                _warcinfo(crawler, spider.night, spider.shard),
                index=spider.frontier,
                kept_elsewhere=crawler.settings.getbool("CAPTURES_KEPT_ELSEWHERE"),
            )
            spider._budgets = Budgets(
                crawler.settings.getint("GROUP_REQUESTS"),
                crawler.settings.getint("GROUP_BYTES"),
                lambda group: spider.frontier.spent(group, spider.night),
            )
        except (ValueError, RuntimeError) as error:
            logger.critical("%s", error)
            raise SystemExit(2) from None
        except (OSError, sqlite3.Error) as error:
            if isinstance(error, sqlite3.Error) or is_full_or_failing(error):
                logger.critical("%s", refusal(data, error))
                raise SystemExit(EXIT_DISK) from None
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
    _budgets: Budgets

    async def start(self) -> AsyncIterator[Request]:
        _at_exit(self._exit_status)
        if inactive := guards_inactive(self.crawler):
            logger.critical(
                "not active: %s; keep crawler/settings.py as it is. Nothing was asked",
                "; ".join(inactive),
            )
            self.give_up("unguarded")
            return
        self._progress = Progress(self.night, self._so_far)
        try:
            if (nights := self.frontier.nights()) and nights[-1] > self.night:
                logger.warning(
                    "night %s is before the last one crawled here, %s: little or nothing is due; "
                    "is the clock right?",
                    self.night,
                    nights[-1],
                )
            self.frontier.begin_night(self.night, _now())
            missing = render.browser_missing()
            for portal in self.portals.values():
                if missing and portal.family == RENDER:
                    logger.warning("%s (%s): %s", portal.name, portal.id, missing)
                    self._sight_portal(portal, "needs_browser")
                    self._leave(portal)
                    continue
                self.frontier.add(portal.id, _seeds(portal), self.night)
                for request in self._due(portal):
                    yield request
        except (OSError, sqlite3.Error) as error:
            self._cannot_write(error)

    def give_up(self, reason: str, refused: str = "") -> None:
        """Ask for nothing more, and end with a status that tells the night is not done; `refused`
        is the sentence for a disk that refuses."""
        if refused:
            self._say_refused(refused)
        self._disk_refused |= reason in DISK_REASONS
        if not self._given_up:
            self._given_up = asyncio.ensure_future(
                self.crawler.engine.close_spider_async(reason=reason)
            )

    def _cannot_write(self, error: Exception) -> None:
        self.give_up("storage_failed", refusal(Path(self.settings["DATA"]), error))

    def _say_refused(self, sentence: str) -> None:
        """Say once that the disk refuses: what follows from it needs no words."""
        if not self._disk_refused:
            logger.critical("%s", sentence)
        self._disk_refused = True

    def closed(self, reason: str) -> None:
        if self._progress is not None:
            self._progress.stop()
        self._finished = reason == "finished"
        for last in (self._leave_all, self.store.close, self._end_night):
            try:
                last()
            except (OSError, sqlite3.Error) as error:
                self._finished = False
                self._say_refused(refusal(Path(self.settings["DATA"]), error))
        self._alarms = failed_monitors(self.crawler, reason)
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
        self._say_goodbye()
        self.frontier.close()

    def _leave_all(self) -> None:
        for portal in self.portals.values() if self._progress else ():
            self._leave(portal)

    def _end_night(self) -> None:
        if self._finished:
            self.frontier.end_night(self.night, _now())

    def _say_goodbye(self) -> None:
        names = {portal.id: portal.name for portal in self.portals.values()}
        table = closing(self.visits(), self._alarms, names)
        if sys.stderr.isatty():
            Console(stderr=True).print(table)
        else:
            logger.info("night %s\n%s", self.night, as_text(table))

    def visits(self) -> list[Visit]:
        """What the night brought, portal by portal."""
        return [
            visit for visit in self.frontier.visits(self.night) if visit.portal_id in self.portals
        ]

    def history(self, portal_id: str, last: int = 28) -> list[Visit]:
        """The last nights of a portal, the newest first."""
        return self.frontier.nights_of(portal_id, last)

    def _so_far(self) -> list[Standing]:
        return [
            self._pace[portal.id].standing(portal.id, portal.name, len(self._waiting[portal.id]))
            for portal in self.portals.values()
        ]

    def _exit_status(self) -> int:
        """What the process ends with; a second Ctrl-C ends it before `closed` is called."""
        if self._disk_refused:
            return EXIT_DISK
        return EXIT_TRY_AGAIN if not self._finished else int(bool(self._alarms))

    # What to ask next.

    def _due(self, portal: Portal) -> Iterator[Request]:
        if self._given_up:
            return
        waiting, queue = self._waiting[portal.id], self._queues[portal.id]
        while len(waiting) < AHEAD:
            if not queue:
                queue.extend(self._next_rows(portal))
            if not queue:
                if not waiting:
                    self._leave(portal)
                return
            # The best page to read next may be known only once this one is read.
            alone = queue[0].kind in ("home", "discovery")
            if alone and waiting:
                queue.clear()
                return
            row = queue.popleft()
            if row.key in self._met or not self._may_ask(row):
                self._aside[portal.id].add(row.key)
                continue
            if alone:
                queue.clear()
            waiting.add(row.key)
            yield self._ask(row, row.url, ())
            if alone:
                return

    def _next_rows(self, portal: Portal) -> list[Row]:
        """What the frontier has for a portal tonight, of groups that may still be asked."""
        aside = self._aside[portal.id]
        self._pace[portal.id].count_left(self.frontier.left(portal.id, self.night))
        while rows := self.frontier.due(portal.id, self.night, self._waiting[portal.id] | aside):
            if asked := [row for row in rows if self._may_ask(row)]:
                return asked
            aside.update(row.key for row in rows)
        if not self._waiting[portal.id] and self.frontier.search_again(portal.id, self.night):
            logger.info("%s: its columns have gone, they are looked for anew", portal.name)
            return self.frontier.due(portal.id, self.night, aside)
        return []

    def _leave(self, portal: Portal) -> None:
        """Write down what the night brought from a portal; later answers replace it."""
        visit = self.frontier.visit(portal.id, self.night, self._states.get(portal.id, "stopped"))
        said = {one.name: getattr(visit, one.name) for one in fields(Visit)}
        self._write("visit", **{name: value for name, value in said.items() if name != "night"})

    def _group(self, url: str) -> str:
        """The politeness group of an address: its host, or the platform of many hosts."""
        return groups_of(self.crawler).of(group_of(url)).name

    def _may_ask(self, row: Row) -> bool:
        group = self._group(row.url)
        return group not in self._stopped and not self._budgets.is_spent(group)

    def _spend(self, portal_id: str, url: str, size: int) -> None:
        """Count an answer, for the group and for the portal."""
        group = self._group(url)
        self._budgets.receive(group, size)
        self.frontier.spend(portal_id, group, size, self._pace[portal_id].hear())

    def _ask(self, row: Row, url: str, chain: tuple[Hop, ...], attempt: int = 1) -> Request:
        self._budgets.take(self._group(url))
        headers = dict(row.headers)
        # Some servers give a document only to those who come from its page.
        if (linked_from := row.report_url or row.listed_on) and not chain:
            headers.setdefault("Referer", linked_from)
        first = not chain
        meta: dict[str, Any] = {
            "download_slot": group_of(url),
            "handle_httpstatus_all": True,
        }
        address = url
        if self.portals[row.portal_id].family == RENDER:
            # The server is asked for the page; scripts choose by what is behind the #.
            address, route = render.address_of(url)
            meta["render"] = render.Wanted(row.kind, self._sites(row), route, self._known(row))
        request = Request(
            address,
            method=row.method if first else "GET",
            body=row.body if first else "",
            headers=headers,
            callback=self.answered,
            errback=self.failed,
            cb_kwargs={"row": row, "chain": chain, "attempt": attempt},
            meta=meta,
            dont_filter=True,
        )
        # The home page is asked in full: it shows that the portal is there.
        if first and attempt == 1 and row.kind != "home":
            self._ask_for_news(request, row)
        return request

    def _ask_for_news(self, request: Request, row: Row) -> None:
        """Ask for an address only if it has changed, where that would tell us something.

        What we could not show any more if the server said that it has not changed is asked in full.
        """
        conditions = self.frontier.conditions(row, self.night)
        if not conditions or not row.last_digest:
            return
        if any(map(self.store.has, self.frontier.holders(request.url, row.last_digest))):
            request.headers.update(conditions)
            request.meta[HAD] = row.last_digest

    def _known(self, row: Row) -> Callable[[str], bool] | None:
        """How far to click through a list: to its end once a week, else while it is new."""
        tonight = date.fromisoformat(self.night).toordinal() % WEEK
        if not row.last_night or spread(row.key, WEEK) == tonight:
            return None
        return lambda url: self.frontier.known(url) is not None

    # What came back.

    def answered(
        self, response: Response, row: Row, chain: tuple[Hop, ...], attempt: int
    ) -> Iterator[Request]:
        try:
            yield from self._worked_through(response, row, chain, attempt)
        except (OSError, sqlite3.Error) as error:
            self._cannot_write(error)

    def _worked_through(
        self, response: Response, row: Row, chain: tuple[Hop, ...], attempt: int
    ) -> Iterator[Request]:
        self._asked += 1
        again = None
        self._spend(row.portal_id, response.url, len(response.body))
        if isinstance(made := response.meta.get("rendered"), render.Rendered):
            for _ in range(made.asked):
                self._budgets.take(self._group(response.url))
                self._spend(row.portal_id, response.url, made.bytes // made.asked)
        try:
            again = self._take(response, row, chain, attempt)
        except (OSError, sqlite3.Error):
            raise
        except Exception:
            # One page must not end the night: it stays due for the next start.
            logger.exception("%s could not be worked through", row.url)
            self._aside[row.portal_id].add(row.key)
        yield from self._go_on(row, again)

    def failed(self, failure: Failure) -> Iterator[Request]:
        try:
            yield from self._went_without(failure)
        except (OSError, sqlite3.Error) as error:
            self._cannot_write(error)

    def _went_without(self, failure: Failure) -> Iterator[Request]:
        request: Request = failure.request  # type: ignore[attr-defined]
        row: Row = request.cb_kwargs["row"]
        chain: tuple[Hop, ...] = request.cb_kwargs["chain"]
        error = failure.value or RuntimeError(str(failure))
        if isinstance(error, GroupStopped | Refused):
            self._budgets.give_back(self._group(request.url))
        if isinstance(error, CrawlEnding):
            logger.debug("%s: %s", row.url, error)
            self._aside[row.portal_id].add(row.key)
            return
        if isinstance(error, GroupStopped | Refused) and row.kind == "home":
            # An address that must not be asked is a mistake in the registry.
            state = Verdict.ERROR if error.state == Refused.state else error.state
            self._sight_portal(self.portals[row.portal_id], state)
        if isinstance(error, GroupStopped):
            self._stopped.add(self._group(request.url))
            self._aside[row.portal_id].add(row.key)
            logger.info("%s: %s", row.url, error)
        elif isinstance(error, Refused):
            logger.info("%s", error)
            self.frontier.record(Answer(row, self.night, "refused"))
            self._verdicts["refused"] += 1
        else:
            verdict = Verdict.TOO_LARGE if is_too_large(error) else Verdict.ERROR
            timed_out = isinstance(error, DownloadTimeoutError)
            logger.info("%s: %s", row.url, "timeout" if timed_out else type(error).__name__)
            self._asked += 1
            self._spend(row.portal_id, request.url, 0)
            self._finish(row, verdict, chain, None)
        yield from self._go_on(row, None)

    def _go_on(self, row: Row, again: Request | None) -> Iterator[Request]:
        if again is not None:
            yield again
            return
        self._waiting[row.portal_id].discard(row.key)
        self._pace[row.portal_id].done += 1
        if self._progress is not None:
            self._progress.tick()
        yield from self._due(self.portals[row.portal_id])

    def _take(
        self, response: Response, row: Row, chain: tuple[Hop, ...], attempt: int
    ) -> Request | None:
        """Settle an answer, or give the request that must come first: a hop, a second try."""
        capture: Capture = response.request.meta["capture"]  # type: ignore[union-attr]
        etag, modified = (_header(response, name) for name in ("ETag", "Last-Modified"))
        sets_cookie = b"Set-Cookie" in response.headers
        hop = Hop(response.url, response.status, capture, etag, modified, sets_cookie)
        chain = (*chain, hop)
        if _is_repetition(row, response, chain):
            self._finish(row, Verdict.OK, chain, None)
            return None
        page = page_of(response.url, response.body, _header(response, "Content-Type"))
        if page is None:
            content = hashlib.sha256(response.body).hexdigest()
            chain = (*chain[:-1], replace(hop, content=content))
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
            not_found=self._not_found_of(row, response.url),
        )
        if "shell" in response.flags and verdict in READABLE:
            verdict = Verdict.SHELL  # its scripts brought nothing
        if verdict is Verdict.NOT_MODIFIED and not (row.print and capture.record_type == "revisit"):
            verdict = Verdict.ERROR  # nobody asked whether it had changed
        if verdict is Verdict.SHELL and page is not None and page.hops:
            return self._hop(row, page.hops[0], chain, page)
        if verdict is Verdict.TRUNCATED and attempt == 1:
            return self._ask(row, response.url, chain[:-1], attempt + 1)
        self._finish(row, verdict, chain, page, render.further_pages(response))
        return None

    def _hop(
        self, row: Row, target: str | None, chain: tuple[Hop, ...], page: Page | None
    ) -> Request | None:
        last = Verdict.SHELL if chain[-1].status < 300 else Verdict.MOVED
        seen = sum(hop.url == target for hop in chain)
        # Back to itself once: some portals set a cookie that way. A page never sends to itself.
        if target is None or len(chain) >= LONGEST_CHAIN or seen > (last is Verdict.MOVED):
            # To itself, for another cookie, although the first came back: a door that stays shut.
            is_door = target == chain[-1].url and chain[-1].sets_cookie
            endless = Verdict.CHALLENGE if is_door else Verdict.ERROR
            self._finish(row, last if last is Verdict.SHELL else endless, chain, None)
        elif row.is_further and key_of(target) == row.root:
            # Past its end a list sends back to its first page.
            self._finish(row, Verdict.MOVED, chain, None)
        elif row.kind != "home" and self._is_home(row, target):
            self._finish(row, Verdict.HOME_REDIRECT, chain, None)
        elif not links.is_same_site(target, self._sites(row)) and row.kind != "home":
            self._finish(row, Verdict.MOVED, chain, None)
        elif row.carries and key_of(target) in self._waiting[row.portal_id] - {row.key}:
            # It is being read under its own address.
            self._finish(row, Verdict.MOVED, chain, None)
        elif self._leads_to_known(row, target):
            known = self.frontier.known(target)
            is_report = known is not None and (known.kind in REPORT_KINDS or known.carries)
            self._finish(row, Verdict.MOVED if is_report else Verdict.SOFT_404, chain, None)
        else:
            if row.kind in REPORT_KINDS or row.carries:
                self._met.add(key_of(target))
            return self._ask(row, target, chain)
        return None

    def _is_home(self, row: Row, target: str) -> bool:
        """Whether a page sends to its portal's home, which has its own line."""
        return key_of(target) == key_of(self.portals[row.portal_id].home_url) != row.key

    def _not_found_of(self, row: Row, url: str) -> str:
        """What the host shows for a page that is not there, where that tells anything of a row."""
        if row.kind in ("home", "probe"):
            return ""
        return self.frontier.not_found(urlsplit(url).netloc) or ""

    def _leads_to_known(self, row: Row, target: str) -> bool:
        """Whether a report sends to a page that has its own line: another report, or its list."""
        known = self.frontier.known(target)
        return (
            (row.kind in REPORT_KINDS or row.carries)
            and known is not None
            and known.key != row.key
            and (
                known.kind in REPORT_KINDS
                or (known.kind in ("list", "discovery") and bool(known.last_night))
            )
        )

    def _sites(self, row: Row) -> tuple[str, ...]:
        portal = self.portals[row.portal_id]
        return tuple(url for url in (portal.home_url, portal.column_url) if url)

    # What it means.

    def _finish(
        self,
        row: Row,
        verdict: Verdict,
        chain: Sequence[Hop],
        page: Page | None,
        clicked: Sequence[Page] = (),
    ) -> None:
        """Write what an address said: sightings first, then the frontier."""
        now, found, shown = row, [], []  # type: tuple[Row, list[Found], list[Found]]
        if row.kind == "report" and page is not None and families.printed(page) == "":
            # Some portals have an address for each body and year, also where nothing is published.
            verdict = Verdict.SOFT_404 if verdict in READABLE else verdict
        if page is not None and verdict in READABLE:
            now, found, shown = self._led_to(row, page, clicked)
        elif verdict in (Verdict.ERROR, Verdict.GONE):
            found = survey.instead(row)
        self._verdicts[verdict] += 1
        if row.kind == "home":
            self._sight_portal(
                self.portals[row.portal_id], Verdict.OK if page and verdict in READABLE else verdict
            )
        is_report = now.kind in REPORT_KINDS or now.carries
        if is_report:
            self._sight(now, verdict, chain)
        target = self._sight_moved(now, verdict, chain) if is_report else None
        last = chain[-1] if chain else None
        answer = Answer(
            row=row,
            night=self.night,
            verdict=verdict,
            status=last.status if last else None,
            digest=last.capture.digest if last else None,
            kind=now.kind,
            title=now.title,
            carries=now.carries,
            # A row that turned out to be a report: its list is one of reports.
            leads=now.carries
            or (row.kind == "peek" and now.kind == "report")
            or (now.kind in LISTINGS and any(one.kind == "report" for one in found)),
            print=self._print(now, page, last, shown),
            not_found=self._learnt(row, verdict, page),
            **(last.validators if last and len(chain) == 1 else {}),
        )
        self.frontier.record(answer, [*found, target] if target else found, shown)
        if target and (there := self.frontier.known(target.url)) and not there.last_night:
            # It has just been read, under its old address.
            self.frontier.record(
                replace(answer, row=there, verdict=Verdict.OK, kind=there.kind, leads=False)
            )

    def _led_to(
        self, row: Row, page: Page, clicked: Sequence[Page]
    ) -> tuple[Row, list[Found], list[Found]]:
        """What a page turned out to be, what it leads to, and the rows it shows as a list."""
        portal, sites = self.portals[row.portal_id], self._sites(row)
        found: list[Found] = []
        shown: list[Found] = []
        if row.kind == "probe":
            return row, found, shown
        now = survey.settle(row, page, portal.family)
        if now.kind in LISTINGS:
            found = survey.leads(now, page, sites, portal.family)
            shown = [one for one in found if one.kind in ENTRIES and now.kind == "list"]
            if shown:
                is_new = self.frontier.adds_entries(now, shown)
                found += survey.further(now, page, sites, is_new=is_new)
            for step in clicked:
                found += survey.leads(now, step, sites, portal.family)
        if now.kind == "report" or now.carries:
            found += survey.documents(now, page, sites)
        if now.kind not in REPORT_KINDS and key_of(page.url) != row.key:
            # First of all: the page also links to itself.
            found.insert(0, Found(page.url, "alias", listed_on=row.url))
        host = urlsplit(page.url)
        if self.frontier.not_found(host.netloc) is None and now.kind in ("list", "report"):
            nowhere = hashlib.sha256(host.netloc.encode()).hexdigest()[:16]
            found.append(Found(f"{host.scheme}://{host.netloc}/{nowhere}.html", "probe"))
        return now, found, shown

    def _learnt(self, row: Row, verdict: Verdict, page: Page | None) -> str | None:
        """What a probe learnt: a sketch of the page, "" where the status tells; None otherwise."""
        if row.kind != "probe":
            return None
        if verdict in (Verdict.OK, Verdict.SOFT_404) and page is not None:
            return sketch(page)
        return "" if verdict in (Verdict.GONE, Verdict.HOME_REDIRECT) else None

    def _print(self, row: Row, page: Page | None, last: Hop | None, shown: Sequence[Found]) -> str:
        """What must stay the same for an answer to count as unchanged."""
        if last is None:
            return ""
        if page is None:
            return row.print if _is_as_read(row, last) and row.print else last.content
        if row.kind == "report" or row.carries:
            return fingerprint(page)
        rows = sorted(f"{one.key} {one.title} {one.dated}" for one in shown)
        told = [*rows, *survey.totals(page)]
        return hashlib.sha256("\n".join(told).encode()).hexdigest() if rows else NO_ROWS

    # What is written down.

    def _sight(self, row: Row, verdict: Verdict, chain: Sequence[Hop]) -> None:
        first = chain[0] if chain else None
        # Of a chain that ends elsewhere the first answer speaks for the address itself.
        shown = chain[-1] if chain and verdict is not Verdict.MOVED else first
        is_attachment = row.kind == "attachment"
        self._sighted["attachment" if is_attachment else "report"] += 1
        self._pace[row.portal_id].reports += not is_attachment
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

    def _sight_moved(self, row: Row, verdict: Verdict, chain: Sequence[Hop]) -> Found | None:
        """The address a report moved to gets a line of its own, and is asked from now on."""
        if verdict is not Verdict.MOVED or len(chain) < 2 or chain[-1].status >= 300:
            return None
        target = chain[-1].url
        self._sight(replace(row, url=target), Verdict.OK, chain[-1:])
        kind = "attachment" if row.kind == "attachment" else "report"
        return Found(
            *(target, kind, row.title, row.listed_on),
            report_url=row.report_url,
            dated=row.dated,
        )

    def _sight_portal(self, portal: Portal, state: str) -> None:
        self._states[portal.id] = str(state)
        self._write(
            "portal",
            id=portal.id,
            name=portal.name,
            division=portal.division,
            level=portal.level,
            home_url=portal.home_url,
            state=str(state),
        )

    def _write(self, kind: str, **said: str | int | None) -> None:
        line = {"kind": kind, "night": self.night, "seen_at": self._clock.now(), **said}
        self.store.sight(line)


def _is_as_read(row: Row, hop: Hop) -> bool:
    """Whether an answer has the bytes that its address had when it was last read.

    What was captured last is no measure: a crawl may have been killed before it was read.
    """
    return hop.capture.record_type != "conversion" and hop.capture.digest == row.last_digest


def _is_repetition(row: Row, response: Response, chain: Sequence[Hop]) -> bool:
    """Whether an answer is, byte for byte, the one read last: nothing can be news in it."""
    return (
        row.kind in ("list", *REPORT_KINDS)
        and response.status == 200
        and len(chain) == 1
        and _is_as_read(row, chain[0])
        and row.last_verdict == Verdict.OK
        and bool(row.print)
        and not response.flags
    )


def _header(response: Response, name: str) -> str:
    return (response.headers.get(name) or b"").decode("latin-1").strip()


def _seeds(portal: Portal) -> list[Found]:
    """Where the walk over a portal begins."""
    home = Found(portal.home_url, "home", title=portal.name)
    if not portal.column_url:
        return [home]
    return [home, Found(portal.column_url, "list", listed_on=portal.home_url, score=100)]


def _at_exit(status: Callable[[], int]) -> None:
    """End the process with a status once all is closed: Scrapy offers no way of its own."""
    from twisted.internet import reactor

    def end() -> None:
        if code := status():
            os._exit(code)

    # The stub of this interface counts its own first argument.
    reactor.addSystemEventTrigger("after", "shutdown", end)  # type: ignore[arg-type]


def demand_numbers(given: BaseSettings) -> None:
    """Raises ValueError for a setting of ours that is to be a number from 0 on, and is none; or no
    whole one where its default is."""
    for name, default in vars(unless_set).items():
        kind = type(default)
        if kind not in (int, float):
            continue
        value = given.get(name, default)
        try:
            number = kind(value)
            fits = math.isfinite(number) and number >= 0 and number == float(value)
        except (TypeError, ValueError, OverflowError):
            fits = False
        if not fits:
            whole = "whole number" if kind is int else "number"
            raise ValueError(
                f"{name}={value!r} is no {whole} from 0 on; it is {default} unless set"
            )


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _warcinfo(crawler: Crawler, night: str, shard: Shard) -> dict[str, str]:
    """What made a segment and how: a warcinfo record (ISO 28500:2017, 6.2), read by people too."""
    settings = crawler.settings
    versions = {"Scrapy": scrapy.__version__, "Twisted": twisted.__version__}
    versions["Python"] = platform.python_version()
    verified = (
        "are verified"
        if settings.getbool("DOWNLOAD_VERIFY_CERTIFICATES")
        else ("are not verified (an expired, self-signed or foreign one is accepted)")
    )
    operator = {"operator": name} if (name := settings["CAPTURE_OPERATOR"]) else {}
    return {
        "software": " ".join(("Nianbao/1.0", *(f"{name}/{one}" for name, one in versions.items()))),
        **operator,
        "http-header-user-agent": str(settings["USER_AGENT"]),
        "robots": "obey (RFC 9309; rules that cannot be read forbid)",
        "format": "WARC File Format 1.1",
        "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
        "isPartOf": f"night {night} (Asia/Shanghai), shard {shard.index} of {shard.count}",
        "description": (
            "Bodies are as received, transfer encoding undone, content encoding kept. Headers are "
            "as the HTTP client gives them: names, values and order of values as received, letter "
            "case and the order of names are not; Transfer-Encoding is left out; the reason phrase "
            "is the standard one. Requests are as they were handed to the client, their version "
            "as it asks. All dates are UTC by the clock of the machine. Digests are SHA-256 in hex "
            f"of the bytes before gzip. Certificates of https servers {verified}; "
            "WARC-TLS-Peer-Certificate is the digest of the one that was shown (DER). A revisit "
            "with profile identical-payload-digest may refer to a record of another address whose "
            "payload and Content-Encoding are the same. A conversion is a page as Chromium shows "
            "it after its scripts ran, made of the answers beside it."
        ),
    }
