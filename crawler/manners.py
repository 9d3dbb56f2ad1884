"""May we ask, how often, and whom never? robots.txt, pauses, groups, and no private address.

RFC 9309 where Scrapy differs from it: an unreachable robots.txt forbids, the body of an error is
no rule. Crawl-delay and Retry-After, which Scrapy ignores, are obeyed.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import unicodedata
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from time import monotonic
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urljoin, urlsplit

from protego import Protego
from scrapy import Request
from scrapy.downloadermiddlewares import cookies
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.resolver import CachingThreadedResolver
from tldextract import TLDExtract
from twisted.internet.error import DNSLookupError

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from twisted.internet.base import ReactorBase
    from twisted.internet.defer import Deferred

logger = logging.getLogger(__name__)

LONGEST_CRAWL_DELAY = 60.0
# Timers fire a little early, and requests do not all travel equally fast.
TIMER_SLACK = 0.05
LONGEST_PAUSE = 3_600.0
PAUSES_BEFORE_STOP = 3
FAILURES_BEFORE_STOP = 12
ROBOTS_REDIRECTS = 5
# RFC 9309 asks for at least 500 KiB; the rest of a longer file is not read.
ROBOTS_BYTES = 1_000 * 1_024
_TRANSLATED = IPv6Network("64:ff9b::/96")


class Refused(IgnoreRequest):
    """We do not ask for this address: a private one, or robots.txt forbids it."""


class GroupStopped(IgnoreRequest):
    """We do not ask this group again tonight; the address stays due."""


def group_of(url: str) -> str:
    """The politeness group of an address: its host, with the port where it is not the usual one."""
    parts = urlsplit(url)
    port = parts.port
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return (parts.hostname or "") + (f":{port}" if port not in (None, usual) else "")


def is_public(address: IPv4Address | IPv6Address, *, allow_loopback: bool = False) -> bool:
    """Whether an address is on the public internet, also when wrapped in an IPv6 one."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _TRANSLATED:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner, allow_loopback=allow_loopback)
    if address.is_loopback:
        return allow_loopback
    return address.is_global and not address.is_multicast


def literal_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address a host spells, in any of the ways clients accept, or None for a name."""
    name = unicodedata.normalize("NFKC", unquote(host)).replace("。", ".").strip("[] ").rstrip(".")
    try:
        return ip_address(name.partition("%")[0])
    except ValueError:
        pass
    # 127.1, 0x7f.1, 017700000001 and 2130706433 are addresses to the C library.
    try:
        return IPv4Address(socket.inet_aton(name)) if name and " " not in name else None
    except (OSError, UnicodeError):
        return None


def refusal(url: str, *, allow_loopback: bool = False) -> str | None:
    """Why an address must not be asked, or None. Names are left to the resolver."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return f"{url}: only http and https are asked"
    host = parts.hostname or ""
    address = literal_address(host)
    if address is not None and not is_public(address, allow_loopback=allow_loopback):
        return f"{url}: {address} is no public address"
    if address is None and not allow_loopback and _is_local_name(host):
        return f"{url}: {host!r} is no public name"
    return None


def _is_local_name(host: str) -> bool:
    name = host.rstrip(".").lower()
    return not name or name == "localhost" or name.endswith((".localhost", ".local", ".internal"))


class GuardResolver(CachingThreadedResolver):
    """Refuses names that lead to a private address, at the moment of connecting."""

    allow_loopback = False

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> Self:
        resolver = super().from_crawler(crawler, reactor)
        resolver.allow_loopback = crawler.settings.getbool("ALLOW_PRIVATE_NETWORK")
        return resolver

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:
        def check(found: str) -> str:
            if not is_public(ip_address(found), allow_loopback=self.allow_loopback):
                raise DNSLookupError(f"{name} leads to {found}, which is no public address")
            return found

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
    """Refuses literal private addresses and other schemes, and names each request's group."""

    def __init__(self, allow_loopback: bool) -> None:
        self._allow_loopback = allow_loopback

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        stay_off_the_web()
        return cls(crawler.settings.getbool("ALLOW_PRIVATE_NETWORK"))

    async def process_request(self, request: Request) -> None:
        if reason := refusal(request.url, allow_loopback=self._allow_loopback):
            raise Refused(reason)
        request.meta["download_slot"] = group_of(request.url)


class RobotsMiddleware:
    """Obeys robots.txt after RFC 9309; what it says holds for the night, that is, the process."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._agent = str(crawler.settings["USER_AGENT"]).split("/")[0]
        self._delay = crawler.settings.getfloat("DOWNLOAD_DELAY")
        self._rules: dict[str, asyncio.Task[Protego | None]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        if not crawler.settings.getbool("ROBOTSTXT_OBEY"):
            raise NotConfigured("ROBOTSTXT_OBEY is off")
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        if request.meta.get("is_robots"):
            return
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._rules:
            self._rules[origin] = asyncio.ensure_future(self._fetch(origin))
        rules = await asyncio.shield(self._rules[origin])
        if rules is None:
            raise GroupStopped(f"{origin}/robots.txt cannot be read: nothing is asked tonight")
        if not rules.can_fetch(request.url, self._agent):
            raise Refused(f"{request.url}: robots.txt forbids it")

    async def _fetch(self, origin: str) -> Protego | None:
        """The rules of an origin; None where they cannot be known tonight."""
        url = f"{origin}/robots.txt"
        for _ in range(ROBOTS_REDIRECTS + 1):
            request = Request(
                url,
                callback=NO_CALLBACK,
                meta={"is_robots": True, "handle_httpstatus_all": True},
                dont_filter=True,
                priority=1_000,
            )
            try:
                response = await self._crawler.engine.download_async(request)
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
            url = urljoin(url, location.decode("latin-1"))
        return self._read(origin, response)

    def _read(self, origin: str, response: Response) -> Protego | None:
        if response.status >= 500 or response.status == 429:
            logger.warning("%s/robots.txt answers %d: deferred", origin, response.status)
            return None
        if not 200 <= response.status < 300:
            return Protego.parse("")
        rules = Protego.parse(response.body[:ROBOTS_BYTES].decode("utf-8", "replace"))
        if delay := rules.crawl_delay(self._agent):
            self._slow_down(group_of(origin), min(float(delay), LONGEST_CRAWL_DELAY))
        return rules

    def _slow_down(self, group: str, delay: float) -> None:
        downloader = self._crawler.engine.downloader
        delay = max(delay, self._delay) + TIMER_SLACK
        # Idle slots are thrown away; a new one takes its delay from here.
        downloader.per_slot_settings[group] = {"delay": delay, "concurrency": 1}
        if slot := downloader.slots.get(group):
            slot.delay = delay


class PatienceMiddleware:
    """Waits when a server says so, and stops asking a group that says so again and again."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._delay = crawler.settings.getfloat("DOWNLOAD_DELAY")
        self._until: dict[str, float] = {}
        self._pauses: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        group = group_of(request.url)
        self._refuse_stopped(group)
        while (wait := self._until.get(group, 0.0) - monotonic()) > 0:
            await asyncio.sleep(wait)
        self._refuse_stopped(group)

    def _refuse_stopped(self, group: str) -> None:
        if self._pauses[group] >= PAUSES_BEFORE_STOP:
            raise GroupStopped(f"{group} asked {PAUSES_BEFORE_STOP} times to wait: enough tonight")
        if self._failures[group] >= FAILURES_BEFORE_STOP:
            raise GroupStopped(
                f"{group} failed {FAILURES_BEFORE_STOP} times in a row: enough tonight"
            )

    async def process_response(self, request: Request, response: Response) -> Response | Request:
        group = group_of(request.url)
        self._failures[group] = 0
        stated = response.headers.get(b"Retry-After")
        if response.status != 429 and not (response.status == 503 and stated):
            return response
        pause = retry_after((stated or b"").decode("latin-1"), datetime.now(UTC))
        if pause is None:
            pause = 10 * self._delay
        self._pauses[group] += 1
        self._until[group] = monotonic() + pause
        logger.warning("%s answers %d: waiting %.0f s", group, response.status, pause)
        if self._pauses[group] >= PAUSES_BEFORE_STOP:
            self._until.pop(group)
            raise GroupStopped(f"{group} asked {PAUSES_BEFORE_STOP} times to wait: enough tonight")
        if request.meta.get("is_robots"):
            return response
        return request.replace(dont_filter=True)

    async def process_exception(self, request: Request, exception: Exception) -> None:
        if not isinstance(exception, IgnoreRequest):
            self._failures[group_of(request.url)] += 1


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds that a Retry-After header (seconds or a date) asks for, at most an hour."""
    value = value.strip()
    if value.isdigit():
        return min(float(value), LONGEST_PAUSE)
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_PAUSE)
