"""Every request waits for its group's turn here, and a server that says wait is obeyed."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Self
from weakref import WeakKeyDictionary

from scrapy import Request
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadTimeoutError,
    IgnoreRequest,
)
from scrapy.http import Response
from scrapy.settings import SETTINGS_PRIORITIES, BaseSettings
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.error import DNSLookupError

from crawler.manners.addresses import group_of, host_of, literal_address
from crawler.manners.refusals import GroupStopped
from crawler.manners.turns import Groups, Turn, retry_after

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

_GROUPS: WeakKeyDictionary[Crawler, Groups] = WeakKeyDictionary()


def groups_of(crawler: Crawler) -> Groups:
    """The politeness groups of a crawl."""
    if crawler not in _GROUPS:
        settings = crawler.settings
        _GROUPS[crawler] = Groups(settings.getfloat("DOWNLOAD_DELAY"), latency_factor(settings))
    return _GROUPS[crawler]


def latency_factor(settings: BaseSettings) -> float:
    """How many latencies to wait: none where somebody chose a delay of their own and no factor."""
    ours = SETTINGS_PRIORITIES["project"]
    chose_delay = (settings.getpriority("DOWNLOAD_DELAY") or 0) > ours
    chose_factor = (settings.getpriority("LATENCY_FACTOR") or 0) > ours
    return 0.0 if chose_delay and not chose_factor else settings.getfloat("LATENCY_FACTOR")


def wants_pause(response: Response) -> bool:
    """Whether a server says that it wants no requests for a while."""
    return response.status in (429, 503)


def stated_pause(response: Response) -> float | None:
    """The seconds of its Retry-After header, or None where it has none that can be read."""
    header = response.headers.get(b"Retry-After")
    return retry_after((header or b"").decode("latin-1"), datetime.now(UTC))


class TurnMiddleware:
    """Next to the downloader: takes a place in the group, and gives it back with the answer."""

    def __init__(self, crawler: Crawler) -> None:
        self._groups = groups_of(crawler)
        self._turns: dict[Request, tuple[Turn, float]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        key = group_of(request.url)
        name = host_of(request.url)
        if literal_address(name) is None:
            self._groups.settle(key, name, await _address_of(name))
        turn = await self._groups.turn(key)
        self._turns[request] = (turn, monotonic())

    async def process_response(self, request: Request, response: Response) -> Response:
        key = group_of(request.url)
        if request not in self._turns:  # made up by a middleware before us: nobody was asked
            return response
        if wants_pause(response):
            pause = stated_pause(response)
            is_stated = response.status == 429 or pause is not None
            seconds = self._groups.pause(key, pause, stated=is_stated)
            logger.warning("%s answers %d: waiting %.0f s", key, response.status, seconds)
        else:
            self._groups.answered(key)
        self._leave(request, request.meta.get("download_latency"))
        return response

    async def process_exception(self, request: Request, exception: Exception) -> None:
        if isinstance(exception, IgnoreRequest):
            self._leave(request, None)
            return
        if isinstance(exception, DownloadCancelledError):  # it answered, and too much
            self._groups.answered(group_of(request.url))
        elif not request.meta.get("retry_times"):  # an address is one failure, however often tried
            self._groups.failed(group_of(request.url))
        began = self._turns[request][1] if request in self._turns else None
        timed_out = isinstance(exception, DownloadTimeoutError) and began is not None
        self._leave(request, monotonic() - began if timed_out and began is not None else None)

    def _leave(self, request: Request, latency: float | None) -> None:
        if held := self._turns.pop(request, None):
            self._groups.leave(held[0], latency)


class PatienceMiddleware:
    """Outside the capture: asks again after a pause, and says when a group has had enough."""

    def __init__(self, crawler: Crawler) -> None:
        self._groups = groups_of(crawler)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_response(self, request: Request, response: Response) -> Response | Request:
        if not wants_pause(response):
            return response
        if reason := self._groups.of(group_of(request.url)).stopped:
            raise GroupStopped(reason)
        # robots.txt is not waited for, and an overload without a word is a failure like others:
        # it has its number of tries.
        is_overload = response.status == 503 and stated_pause(response) is None
        if is_overload or request.meta.get("is_robots"):
            return response
        return request.replace(dont_filter=True)


async def _address_of(name: str) -> str:
    """Where a name leads, by the guarded resolver; what it finds is what is connected to."""
    from twisted.internet import reactor

    try:
        return await maybe_deferred_to_future(reactor.resolver.getHostByName(name))
    except DNSLookupError as error:
        raise CannotResolveHostError(str(error)) from error
