"""Obeys robots.txt: fetches it, keeps the last good one, and waits where it cannot be read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from time import monotonic
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin

from scrapy import Request
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from crawler.manners.addresses import group_of, origin_of
from crawler.manners.patience import groups_of
from crawler.manners.refusals import CrawlEnding, RobotsForbid, RobotsUnread
from crawler.manners.rules import Rules, decoded, read_rules

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

MOST_REDIRECTS = 5
# RFC 9309, 2.4 and 2.3.1.4.
SECONDS_KEPT = 24 * 3_600.0
DAYS_UNREACHABLE = 30


@dataclass(frozen=True, slots=True)
class _Asked:
    """When rules were asked for, and what comes of it: None where they cannot be known tonight."""

    at: float
    rules: asyncio.Task[Rules | None]


class RobotsMiddleware:
    """Obeys robots.txt after RFC 9309; what it says holds for a day."""

    def __init__(self, crawler: Crawler, clock: Callable[[], float] = monotonic) -> None:
        self._crawler = crawler
        self._groups = groups_of(crawler)
        self._token = str(crawler.settings["USER_AGENT"]).split("/")[0].strip()
        self._clock = clock
        self._asked: dict[str, _Asked] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        if not crawler.settings.getbool("ROBOTSTXT_OBEY"):
            raise NotConfigured("ROBOTSTXT_OBEY is off")
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        if request.meta.get("is_robots"):
            return
        origin = origin_of(request.url)
        rules = await asyncio.shield(self._rules_of(origin))
        if rules is None:
            raise RobotsUnread(f"{origin}/robots.txt cannot be read: nothing is asked tonight")
        if not rules.allow(request.url):
            raise RobotsForbid(f"{request.url}: robots.txt forbids it")

    def _rules_of(self, origin: str) -> asyncio.Task[Rules | None]:
        asked = self._asked.get(origin)
        if asked is None or self._clock() - asked.at >= SECONDS_KEPT:
            asked = _Asked(self._clock(), asyncio.ensure_future(self._learn(origin)))
            self._asked[origin] = asked
        return asked.rules

    async def _learn(self, origin: str) -> Rules | None:
        response = await self._fetch(f"{origin}/robots.txt")
        spider: Any = self._crawler.spider
        if response is None or response.status >= 500 or response.status == 429:
            if response is not None:
                logger.warning("%s/robots.txt answers %d", origin, response.status)
            text = last_good(spider.frontier.robots_copy(origin), spider.night)
            if text is None:
                return None
            logger.warning("%s/robots.txt: its last good copy is used", origin)
        elif 200 <= response.status < 300:
            text = decoded(response.body)
            spider.frontier.keep_robots(origin, text, spider.night)
        else:
            # 4xx, or more redirects than are followed: there are no rules. The body is none.
            text = ""
        rules = read_rules(text, self._token)
        if rules.delay:
            self._groups.slow_down(group_of(origin), rules.delay)
        return rules

    async def _fetch(self, url: str) -> Response | None:
        """The answer to a request for robots.txt, redirects followed; None where there is none."""
        for _ in range(MOST_REDIRECTS + 1):
            request = Request(
                url,
                callback=NO_CALLBACK,
                # Not packed: the limit on what is read would cut a packed file anywhere.
                headers={"Accept-Encoding": "identity"},
                meta={"is_robots": True, "handle_httpstatus_all": True},
                dont_filter=True,
                priority=1_000,
            )
            try:
                response = await self._crawler.engine.download_async(request)
            except CrawlEnding:
                raise
            except IgnoreRequest as error:
                logger.warning("%s: %s", url, error)
                return None
            except Exception as error:
                # Whatever keeps the rules from us: RFC 9309 says to assume the strictest.
                logger.warning("%s cannot be fetched: %s", url, type(error).__name__)
                return None
            location = response.headers.get(b"Location")
            if not (300 <= response.status < 400 and location):
                break
            url = urljoin(url, location.decode("utf-8", "replace").strip())
        return response


def last_good(copy: tuple[str, str] | None, night: str) -> str | None:
    """The kept text of a robots.txt, where its night is 30 days before this one or more."""
    if copy is None:
        return None
    text, read = copy
    age = date.fromisoformat(night) - date.fromisoformat(read)
    return text if age.days >= DAYS_UNREACHABLE else None
