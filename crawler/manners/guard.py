"""Whom never: no private address, nobody who opted out; and the check that every guard stands."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from scrapy import Request
from scrapy.downloadermiddlewares import cookies
from scrapy.resolver import CachingThreadedResolver
from tldextract import TLDExtract
from twisted.internet import defer
from twisted.internet.error import DNSLookupError

from crawler.manners.addresses import group_of, is_public, literal_address, refusal
from crawler.manners.optout import OPT_OUT, load_opt_out
from crawler.manners.patience import PatienceMiddleware, TurnMiddleware
from crawler.manners.refusals import OptedOut, Refused
from crawler.manners.robots import RobotsMiddleware
from crawler.manners.sizes import SizeLimits
from crawler.manners.watch import Watch

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from twisted.internet.base import ReactorBase
    from twisted.internet.defer import Deferred

logger = logging.getLogger(__name__)


class GuardResolver(CachingThreadedResolver):
    """Refuses names that lead to a private address, at the moment of connecting."""

    allow_loopback = False

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> Self:
        resolver = super().from_crawler(crawler, reactor)
        resolver.allow_loopback = crawler.settings.getbool("ALLOW_PRIVATE_NETWORK")
        return resolver

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:
        """The address that a name leads to; a DNSLookupError where it is not public."""

        def check(found: str) -> str:
            if not is_public(ip_address(found), allow_loopback=self.allow_loopback):
                raise DNSLookupError(f"{name} leads to {found}, which is no public address")
            return found

        if (literal := literal_address(name)) is not None:
            return defer.succeed(str(literal)).addCallback(check)
        return super().getHostByName(name, timeout).addCallback(check)


def guard_is_active() -> bool:
    """Whether names are resolved by our guard: a resolver named in `custom_settings` never is."""
    from twisted.internet import reactor

    return isinstance(getattr(reactor, "resolver", None), GuardResolver)


def stay_off_the_web() -> None:
    """Keep Scrapy's cookies from fetching the list of public suffixes: a copy is in the package.

    It would go past the guard, and hold up the crawl where there is no way out.
    """
    cookies._split_domain = TLDExtract(
        cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True
    )


class GuardMiddleware:
    """Refuses private addresses, other schemes and who opted out; names each request's group."""

    def __init__(self, allow_loopback: bool, opt_out: Path = OPT_OUT) -> None:
        self._allow_loopback = allow_loopback
        self._opt_out = load_opt_out(opt_out)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        stay_off_the_web()
        settings = crawler.settings
        try:
            return cls(
                settings.getbool("ALLOW_PRIVATE_NETWORK"), Path(settings["OPT_OUT"] or OPT_OUT)
            )
        except ValueError as error:
            logger.critical("%s", error)
            raise SystemExit(2) from None

    async def process_request(self, request: Request) -> None:
        if reason := refusal(request.url, allow_loopback=self._allow_loopback):
            raise Refused(reason)
        if reason := self._opt_out.reason(request.url):
            raise OptedOut(f"{request.url}: {reason}")
        request.meta["download_slot"] = group_of(request.url)


# In the order in which a request must pass them.
ORDER = (
    GuardMiddleware.__name__,
    RobotsMiddleware.__name__,
    PatienceMiddleware.__name__,
    "CaptureMiddleware",
    TurnMiddleware.__name__,
)
EXTENSIONS = (Watch.__name__, SizeLimits.__name__)
UNGUARDED_MIDDLEWARES = (
    "RedirectMiddleware",
    "MetaRefreshMiddleware",
    "HttpProxyMiddleware",
    "HttpCacheMiddleware",
)
OPEN_DOORS = ("TelnetConsole", "RemoteControl")
SCHEMES = frozenset({"http", "https"})


def guards_inactive(crawler: Crawler) -> list[str]:
    """The names of all guards that do not stand; a crawl with any must not ask for anything."""
    return list(_inactive(crawler))


def _inactive(crawler: Crawler) -> Iterator[str]:
    from crawler.manners.handler import BoundedHandler

    if not guard_is_active():
        yield "GuardResolver (TWISTED_DNS_RESOLVER)"
    downloader: Any = crawler.engine.downloader if crawler.engine else None
    passed = downloader.middleware.middlewares if downloader else ()
    places = [_place(passed, wanted) for wanted in ORDER]
    for wanted, place in zip(ORDER, places, strict=True):
        if place is None:
            yield f"{wanted} (DOWNLOADER_MIDDLEWARES)"
    standing = [place for place in places if place is not None]
    if standing != sorted(standing) or (standing and standing[-1] != len(passed) - 1):
        names = " < ".join(ORDER)
        yield f"the order {names}, the last next to the downloader (DOWNLOADER_MIDDLEWARES)"
    for name in UNGUARDED_MIDDLEWARES:
        if any(name in _names(one) for one in passed):
            yield f"{name} off"
    for scheme, handler in crawler.settings.getwithbase("DOWNLOAD_HANDLERS").items():
        if handler is not None and scheme not in SCHEMES:
            yield f"no handler for {scheme}: (DOWNLOAD_HANDLERS)"
    handlers = downloader.handlers if downloader else None
    for scheme in sorted(SCHEMES):
        if handlers and not isinstance(handlers._get_handler(scheme), BoundedHandler):
            yield f"BoundedHandler for {scheme}: (DOWNLOAD_HANDLERS)"
    extensions = crawler.extensions.middlewares if crawler.extensions else ()
    for wanted in EXTENSIONS:
        if _place(extensions, wanted) is None:
            yield f"{wanted} (EXTENSIONS)"
    for name in OPEN_DOORS:
        if any(name in _names(one) for one in extensions):
            yield f"{name} off"


def _place(passed: Sequence[Any], wanted: str) -> int | None:
    return next((at for at, one in enumerate(passed) if wanted in _names(one)), None)


def _names(component: Any) -> set[str]:
    return {kind.__name__ for kind in type(component).__mro__}
