"""What does a page show once its scripts have run? For portals that show nothing without.

Chromium, driven by scrapy-playwright, works out the page and never speaks to a server: whatever the
page asks for is asked by Scrapy's own engine, under the same manners and kept as evidence like any
other request. What the scripts made is kept as well, as a record of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import shutil
import sqlite3
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urldefrag, urlencode, urljoin, urlsplit, urlunsplit

from scrapy import Request, signals
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.http import HtmlResponse, Response
from scrapy.http.request import NO_CALLBACK

from archive.charset import decode
from archive.identify import report_title_verdict
from crawler import links
from crawler.capture import RENDERED_TYPE, Capture, Store
from crawler.disk import refusal
from crawler.holdings import Holder
from crawler.manners import CrawlEnding, GroupStopped, Refused, group_of
from crawler.page import Page, page_of, read_page
from crawler.portals import RENDER

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Dialog, Route
    from playwright.async_api import Page as Tab
    from playwright.async_api import Request as Wish
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

# Debian's name first; what Google ships is the same browser.
CHROMIUM = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
LISTINGS = ("home", "discovery", "list")
ARTICLES = ("report", "peek")

# Seconds that a page may work beyond RENDER_SECONDS before its tab is closed by force.
GRACE = 10.0
QUIET = 0.7
TICK = 0.1
LONGEST_CLICK = 3.0
LONGEST_CLOSE = 10.0
MOST_REQUESTS = 60
MOST_HOPS = 5
MOST_CLICKS = 50
MOST_BYTES = 10 * 1024 * 1024
MOST_STEP_BYTES = 4 * MOST_BYTES
KEPT_BYTES = 64 * 1024 * 1024
# A page that names so many reports is a list worth leafing through.
ROWS_OF_A_LIST = 3
# A shorter page has nothing to say itself.
FEW_WORDS = 200

# A proxy that nobody listens at: what escapes the routes below gets nowhere. WebRTC would else send
# datagrams past any proxy.
ISOLATION = (
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--dns-prefetch-disable",
    "--no-pings",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--js-flags=--max-old-space-size=512",
)
_ASKED = frozenset(("document", "script", "xhr", "fetch"))
_OURS = frozenset(
    "accept-encoding connection content-length cookie host upgrade-insecure-requests user-agent "
    "if-none-match if-modified-since".split()
)
_NOT_PASSED_ON = frozenset(
    "connection content-encoding content-length content-type keep-alive link refresh "
    "strict-transport-security transfer-encoding".split()
)
_CONDITIONS = ("If-None-Match", "If-Modified-Since")
_FILLS = re.compile(
    r"\bajax\b|\bfetch\s*\(|axios|XMLHttpRequest|\$\.(?:get|post|getJSON|load)\b|\.load\s*\(|innerHTML"
    r"|\.html\s*\(|\.append|createApp|new\s+Vue|ReactDOM|createRoot|document\.write",
)
_ID = re.compile(r"id$|^id|code|guid|uuid|key|url|link|path", re.IGNORECASE)
_MOMENT = re.compile(r"\d{10}|\d{13}|0\.\d{6,}")


class RenderFailed(Exception):
    """A page could not be worked out; the message names the address and why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request is for, as the spider says it under `render` in its meta.

    `sites` are the portal's own addresses. `route` is what stands behind the # where scripts choose
    the page by it. A list is leafed through by clicks while it shows an address that its
    other pages did not; where `known` is given, also only while it names a report not known to it.
    """

    kind: str
    sites: tuple[str, ...]
    route: str = ""
    known: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A further page of a list that has no address: what a click made of the page before it."""

    html: bytes
    capture: Capture


@dataclass(frozen=True, slots=True)
class Rendered:
    """What became of a page: `asked` requests and `bytes` beyond its own, and its further pages."""

    asked: int
    bytes: int
    steps: tuple[Step, ...] = ()


def browser_missing() -> str | None:
    """Why no page can be rendered here, and what to do about it; None where all is there."""
    if not (find_spec("scrapy_playwright") and find_spec("playwright")):
        return "scrapy-playwright is not installed: run make browser"
    if not chromium():
        return "Chromium is not installed: run make browser, or apt-get install chromium"
    return None


def chromium() -> str | None:
    """The browser's program: what NIANBAO_CHROMIUM names, else the first that is installed."""
    named = os.environ.get("NIANBAO_CHROMIUM")
    names = (named,) if named else CHROMIUM
    return next((path for name in names if (path := shutil.which(name))), None)


def address_of(url: str) -> tuple[str, str]:
    """An address as a server can be asked for it, and the route behind its #."""
    address, route = urldefrag(url)
    return address, route


def further_pages(response: Response) -> list[Page]:
    """The pages of a list that clicks brought, in order; they share the response's address."""
    rendered = response.meta.get("rendered")
    steps = rendered.steps if isinstance(rendered, Rendered) else ()
    return [read_page(response.url, step.html, RENDERED_TYPE) for step in steps]


def is_due(wanted: Wanted, response: Response) -> bool:
    """Whether an answer says so little by itself that scripts must say the rest."""
    if response.status != 200 or not _is_html(response):
        return False
    if wanted.kind in LISTINGS or wanted.route:
        return True
    page = page_of(response.url, response.body, _header(response, "Content-Type"))
    return wanted.kind in ARTICLES and page is not None and is_shell(page)


def is_shell(page: Page) -> bool:
    """Whether a page has no text of an article, but scripts that might bring it."""
    if page.hops or links.reads_like_report(page):
        return False
    outside = [one for one in page.tree.iter("script") if one.get("src")]
    if len(page.visible) < FEW_WORDS:
        return bool(outside or page.scripts)
    return any(_FILLS.search(script) for script in page.scripts) or (
        bool(outside) and not any(len(text) >= FEW_WORDS for text in _paragraphs(page))
    )


def _paragraphs(page: Page) -> list[str]:
    """What stands in paragraphs and cells: menus stand in lists."""
    return ["".join(one.itertext()).strip() for one in page.tree.iter("p", "td", "article")]


def same_wish(method: str, url: str, body: bytes) -> tuple[str, str, bytes]:
    """What tells the requests of scripts apart: not the moment or the die they add to get past
    caches."""
    parts = urlsplit(url)
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not _MOMENT.fullmatch(value)
    ]
    where = urlunsplit((parts.scheme, parts.netloc, parts.path or "/", urlencode(query), ""))
    return method, where, body


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as the engine gave it, to be handed to any page that asks for it tonight."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    capture: Capture | None
    requests: int = 1
    """How many were made for it, redirects included."""


class Answers:
    """The answers of a crawl that pages ask for again, such as scripts; the oldest make room."""

    def __init__(self, most: int = KEPT_BYTES) -> None:
        self._kept: OrderedDict[tuple[str, str, bytes], Kept] = OrderedDict()
        self._most = most
        self._size = 0

    def get(self, key: tuple[str, str, bytes]) -> Kept | None:
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
        return kept

    def keep(self, key: tuple[str, str, bytes], kept: Kept) -> None:
        if (before := self._kept.pop(key, None)) is not None:
            self._size -= len(before.body)
        self._kept[key] = kept
        self._size += len(kept.body)
        while self._size > self._most and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest.body)


class Chromium:
    """Starts Debian's Chromium for scrapy-playwright (its setting PLAYWRIGHT_BROWSER_PROVIDER)."""

    def __init__(self, config: Any) -> None:
        self._playwright: Any = None

    async def start(self) -> None:
        from playwright.async_api import async_playwright

        self._playwright = await async_playwright().start()

    async def launch_browser(self) -> Any:
        if self._playwright is None:
            raise RuntimeError("the driver of the browser did not start")
        return await self._playwright.chromium.launch(
            executable_path=chromium(),
            args=list(ISOLATION),
            # Root has no sandbox: Chromium refuses to start with it.
            chromium_sandbox=os.geteuid() != 0,
        )

    async def launch_persistent_context(self, context_kwargs: dict[str, Any]) -> Any:
        raise NotImplementedError("pages are rendered without a memory of their own")

    async def close(self) -> None:
        if self._playwright is not None:
            await self._playwright.stop()


class RenderMiddleware:
    """Stands between the spider and all others: an answer that scripts must finish is finished.

    What comes out is the page that the scripts made, its `meta["rendered"]` a Rendered and its
    `meta["capture"]` the record of that page.
    """

    def __init__(self, crawler: Crawler) -> None:
        from scrapy_playwright.handler import ScrapyPlaywrightDownloadHandler

        self._crawler = crawler
        self._seconds = crawler.settings.getfloat("RENDER_SECONDS")
        self._handler = ScrapyPlaywrightDownloadHandler.from_crawler(crawler)
        self._answers = Answers()
        self._asking: dict[tuple[str, str, bytes], asyncio.Task[Kept]] = {}
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._names = count()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        portals = getattr(crawler.spider, "portals", {})
        if not any(portal.family == RENDER for portal in portals.values()):
            raise NotConfigured
        if reason := browser_missing():
            raise NotConfigured(reason)
        # It tells every step and repeats our errors with their whole history.
        logging.getLogger("scrapy-playwright").setLevel(logging.CRITICAL)
        middleware = cls(crawler)
        crawler.signals.connect(middleware.closed, signals.spider_closed)
        return middleware

    async def closed(self) -> None:
        """Close the browser; one that does not answer dies with its driver."""
        try:
            await asyncio.wait_for(self._handler.close(), 2 * LONGEST_CLOSE)
        except TimeoutError:
            await self._handler.browser_provider.close()

    async def process_request(self, request: Request) -> Response | None:
        wanted = request.meta.get("render")
        if not isinstance(wanted, Wanted):
            return None
        # Where scripts bring the text, an unchanged page says nothing of it.
        for name in _CONDITIONS:
            request.headers.pop(name, None)
        kept = self._answers.get(same_wish(request.method, request.url, request.body))
        if not (wanted.route and kept and kept.capture):
            return None
        request.meta["capture"] = kept.capture
        headers = {"Content-Type": kept.headers.get("content-type", "text/html")}
        return HtmlResponse(
            kept.url, kept.status, headers, kept.body, flags=["replayed"], request=request
        )

    async def process_response(self, request: Request, response: Response) -> Response:
        wanted = request.meta.get("render")
        if not isinstance(wanted, Wanted) or not is_due(wanted, response):
            return response
        key = same_wish(request.method, request.url, request.body)
        self._answers.keep(key, _kept(response, request.meta.get("capture")))
        async with self._one_at_a_time[group_of(request.url)]:
            return await self._render(request, response, wanted)

    async def _render(self, request: Request, response: Response, wanted: Wanted) -> Response:
        work = Work(request, response, wanted, self._ask, self._is_closing, self._seconds)
        try:
            await self._run(work)
        except RenderFailed:
            if not work.crashed:
                raise
            logger.warning("%s: the browser died; once more", request.url)
            work = Work(request, response, wanted, self._ask, self._is_closing, self._seconds)
            await self._run(work)
        if work.stopped is not None:
            raise work.stopped
        return self._finished(work)

    async def _run(self, work: Work) -> None:
        """Let scrapy-playwright open the page in a context of its own, and see that it ends."""
        from playwright.async_api import Error

        name = f"{next(self._names)} {work.url}"
        task = asyncio.ensure_future(self._handler.download_request(_for_browser(work, name)))
        try:
            while not (
                task.done() or work.is_read or work.crashed or work.worked > self._seconds + GRACE
            ):
                await asyncio.wait({task}, timeout=TICK)
                work.tick()
            if not task.done():
                # It would wait for a page that never ends loading, and read it once more.
                task.cancel()
                await asyncio.wait({task}, timeout=LONGEST_CLOSE)
            if work.is_read:
                return
            if task.cancelled() or not task.done():
                why = (
                    "the page crashed"
                    if work.crashed
                    else f"still at work after {work.worked:.0f} s"
                )
                raise RenderFailed(f"{work.url}: {why}")
            task.result()
        except (Error, OSError, RuntimeError) as error:
            said = str(error).partition("\n")[0]
            work.crashed = work.crashed or "crash" in said.lower() or "closed" in said.lower()
            raise work.failure or RenderFailed(f"{work.url}: {said}") from error
        finally:
            await self._close(name)

    async def _close(self, name: str) -> None:
        """Close a context with its page; a browser that cannot is ended."""
        from playwright.async_api import Error

        holder = self._handler.context_wrappers.get(name)
        if holder is None:
            return
        try:
            await asyncio.wait_for(holder.context.close(), LONGEST_CLOSE)
        except Error:
            self._handler.context_wrappers.pop(name, None)
        except TimeoutError:
            logger.warning("the browser hangs: it is started anew")
            browser = getattr(self._handler, "browser", None)
            if browser is not None:
                await asyncio.wait({asyncio.ensure_future(browser.close())}, timeout=LONGEST_CLOSE)

    def _finished(self, work: Work) -> Response:
        """The response the spider gets: the page as it stands, and its records."""
        request, wanted = work.request, work.wanted
        first, *others = work.made
        page = read_page(work.at, first, RENDERED_TYPE)
        if work.status != 200:
            request.meta["capture"] = work.document
            return _response(work, first)
        shows_nothing = is_shell(page) if wanted.kind in ARTICLES else _is_bare(page)
        if work.broken and shows_nothing:
            raise RenderFailed(f"{work.url}: {work.broken}")
        flags = []
        if wanted.kind in ARTICLES and shows_nothing and len(page.visible) < 3 * FEW_WORDS:
            flags.append("shell")
        request.meta["capture"] = self._keep(work, first, "")
        steps = tuple(
            Step(made, self._keep(work, made, f" step {number}"))
            for number, made in enumerate(others, 2)
        )
        request.meta["rendered"] = Rendered(work.asked, work.received, steps)
        return _response(work, first, flags)

    def _keep(self, work: Work, made: bytes, which: str) -> Capture:
        spider: Any = self._crawler.spider
        store: Store = spider.store
        memory = f"rendered {work.at}{which}"
        digest = hashlib.sha256(made).hexdigest()
        held = spider.frontier.last_holder(memory)
        if held is not None and held.digest == digest and store.has(held):
            # What it was made of is kept each time.
            now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            return Capture(digest, "", 0, now, "conversion")
        try:
            capture = store.convert(work.at, made, work.document.record_id)
        except (OSError, sqlite3.Error) as error:
            refused = refusal(Path(self._crawler.settings["DATA"]), error)
            spider.give_up("capture_failed", refused)
            raise CrawlEnding("the page could not be kept") from error
        held = Holder(
            *(digest, "", work.at, capture.fetched_at, capture.record_id, capture.warc_file)
        )
        spider.frontier.captured(memory, held, shared=False)
        return capture

    def _is_closing(self) -> bool:
        """Whether the crawl is about to end: Scrapy has no public word for it."""
        slot = self._crawler.engine._slot if self._crawler.engine else None
        return slot is None or slot.closing is not None

    async def _ask(self, wish: Request, wanted: Wanted) -> tuple[Kept, int]:
        """The answer to what a page asks for, and how many requests were made for it."""
        key = same_wish(wish.method, wish.url, wish.body)
        if (kept := self._answers.get(key)) is not None:
            return kept, 0
        if is_first := key not in self._asking:
            self._asking[key] = asyncio.ensure_future(self._fetch(wish, wanted))
        task = self._asking[key]
        try:
            kept = await asyncio.shield(task)
        finally:
            if task.done():
                self._asking.pop(key, None)
        self._answers.keep(key, kept)
        return kept, kept.requests if is_first else 0

    async def _fetch(self, wish: Request, wanted: Wanted) -> Kept:
        assert self._crawler.engine is not None
        for hops in range(MOST_HOPS + 1):
            if not links.is_same_site(wish.url, wanted.sites):
                raise Refused(f"{wish.url}: another site's")
            response = await self._crawler.engine.download_async(wish)
            location = response.headers.get(b"Location")
            if not (300 <= response.status < 400 and location):
                return _kept(response, wish.meta.get("capture"), hops + 1)
            target = urljoin(wish.url, location.decode("utf-8", "replace"))
            wish = _wish(target, {"Referer": wish.headers.get("Referer") or b""})
        raise Refused(f"{wish.url}: more than {MOST_HOPS} redirects")


@dataclass(eq=False)
class Work:
    """A page at work: what it asks for is fetched, what it shows is read when it comes to rest."""

    request: Request
    response: Response
    wanted: Wanted
    ask: Callable[[Request, Wanted], Awaitable[tuple[Kept, int]]]
    is_closing: Callable[[], bool]
    seconds: float
    asked: int = 0
    received: int = 0
    worked: float = 0.0
    is_read: bool = False
    crashed: bool = False
    stopped: GroupStopped | None = None
    failure: RenderFailed | None = None
    broken: str = ""
    made: list[bytes] = field(default_factory=list)
    status: int = 200
    at: str = ""
    _pending: int = 0
    _budget: int = MOST_REQUESTS
    _documents: int = 0
    _last_tick: float | None = None
    _tab: Tab | None = None
    _data: list[Kept] = field(default_factory=list)
    _example: tuple[str, str] | None = None
    _left: str = ""
    _follows: bool = False

    def __post_init__(self) -> None:
        self.url = self.request.url + (f"#{self.wanted.route}" if self.wanted.route else "")
        self.document: Capture = self.request.meta["capture"]
        self.at = self.url

    def tick(self) -> None:
        """Count the time since the last tick, unless the page waits for an answer."""
        now = monotonic()
        if self._last_tick is not None and self._tab is not None and not self._pending:
            self.worked += now - self._last_tick
        self._last_tick = now

    # What the page asks for.

    async def prepare(self, tab: Tab, request: Request) -> None:
        """Take over all that a new tab asks for; scrapy-playwright calls this before it goes."""
        self._tab = tab
        self._documents = 0
        context: BrowserContext = tab.context
        await context.add_init_script(_INIT)
        # Other tabs, and what sockets say, end here: they are nobody's.
        await context.route("**/*", _deny)
        await context.route_web_socket("**/*", lambda socket: asyncio.ensure_future(socket.close()))
        await tab.route("**/*", self._answer)
        tab.on("crash", self._has_crashed)
        tab.on("dialog", lambda dialog: asyncio.ensure_future(_answer_dialog(dialog)))
        tab.on("popup", lambda popup: asyncio.ensure_future(_close_popup(popup)))

    def _has_crashed(self, *_: object) -> None:
        self.crashed = True

    async def _answer(self, route: Route) -> None:
        from playwright.async_api import Error

        wish = route.request
        self._pending += 1
        try:
            await self._settle(route, wish)
        except Error:
            pass  # the tab has gone
        finally:
            self._pending -= 1

    async def _settle(self, route: Route, wish: Wish) -> None:
        kind = wish.resource_type
        if kind == "stylesheet":
            # Loaders of scripts wait for the style sheet beside the script.
            await route.fulfill(status=200, content_type="text/css", body="")
            return
        if kind not in _ASKED or urlsplit(wish.url).scheme not in ("http", "https"):
            await route.abort("blockedbyclient")
            return
        goes = wish.is_navigation_request()
        if goes and (self._tab is None or wish.frame != self._tab.main_frame):
            # Frames are pages of their own to the spider.
            await route.abort("blockedbyclient")
            return
        if goes and self._follows:
            self._left = wish.url
            await route.abort("aborted")
            return
        if goes:
            self._documents += 1
            if self._documents == 1 or wish.url == self.request.url:
                await self._hand_over(route, _kept(self.response, self.document), goes)
                return
            if self._documents > MOST_HOPS:
                await route.abort("aborted")
                return
        kept = await self._get(wish)
        is_page = kept is not None and kept.body.lstrip()[:1] == b"<"
        if kept is None or (goes and not is_page):
            # "aborted" leaves the page as it stands, other words put an error page in its place.
            await route.abort("aborted" if goes else "failed")
            return
        if kind in ("xhr", "fetch"):
            self._data.append(kept)
        if goes:
            self.status, self.document = kept.status, kept.capture or self.document
        await self._hand_over(route, kept, goes)

    async def _get(self, wish: Wish) -> Kept | None:
        """The answer to a wish, or None where it is not asked for or none comes."""
        if not links.is_same_site(wish.url, self.wanted.sites):
            return None
        if self.is_closing():
            self.stopped = self.stopped or CrawlEnding("the crawl is being ended")
        if self._budget <= 0 or self.stopped is not None:
            self.broken = self.broken or "not all that the page asks for was asked"
            return None
        self._budget -= 1
        headers = {n: v for n, v in wish.headers.items() if n not in _OURS and n[:4] != "sec-"}
        cookies = {}
        if self._tab is not None:
            cookies = {
                str(one["name"]): str(one["value"])
                for one in await self._tab.context.cookies([wish.url])
            }
        request = _wish(
            wish.url, headers, wish.method, wish.post_data_buffer or b"", cookies=cookies
        )
        try:
            kept, requests = await self.ask(request, self.wanted)
        except GroupStopped as error:
            self.stopped = error
            return None
        except IgnoreRequest as error:
            logger.info("%s, wanted by %s", error, self.url)
            return None
        # Whatever keeps an answer from the page: its scripts see a broken connection.
        except Exception as error:
            logger.info("%s, wanted by %s: %s", wish.url, self.url, type(error).__name__)
            self.broken = self.broken or f"{wish.url}: {type(error).__name__}"
            self.asked += 1
            return None
        self._budget += 1 - requests
        self.asked += requests
        self.received += len(kept.body) if requests else 0
        if kept.status >= 500 or kept.status == 429:
            self.broken = self.broken or f"{wish.url} answers {kept.status}"
        return kept

    async def _hand_over(self, route: Route, kept: Kept, goes: bool) -> None:
        kind = route.request.resource_type
        headers = {
            name: value for name, value in kept.headers.items() if name not in _NOT_PASSED_ON
        }
        body, content_type = kept.body, kept.headers.get("content-type", "")
        if goes or kind == "script":
            # Labels lie; the browser would believe them.
            body = decode(body, content_type).encode("utf-8", "replace")
            bare = content_type.partition(";")[0].strip() or "text/html"
            content_type = f"{'text/html' if goes else bare}; charset=utf-8"
        if content_type:
            headers["content-type"] = content_type
        await route.fulfill(status=kept.status, headers=headers, body=body)

    # What it shows.

    async def watch(self, tab: Tab) -> None:
        """Read the page when it has come to rest, and again after each click to its next page."""
        await self._rest(tab)
        self.at = await self._place(tab)
        if self.wanted.kind in ("list", "discovery"):
            await self._follow_a_row(tab)
            await self._link_rows(tab)
            self.at = await self._place(tab)
        self.made.append(await self._read(tab))
        page = read_page(self.at, self.made[0], RENDERED_TYPE)
        named = _names_reports(page) >= ROWS_OF_A_LIST
        if self.status == 200 and (
            self.wanted.kind == "list" or (self.wanted.kind == "discovery" and named)
        ):
            await self._leaf_through(tab, page)
        self.is_read = True

    async def _leaf_through(self, tab: Tab, page: Page) -> None:
        seen = {link.url for link in page.links}
        for _ in range(MOST_CLICKS):
            if self.wanted.known is not None and not _names_unknown(page, self.wanted.known):
                return
            self._budget, self.worked = MOST_REQUESTS, 0.0
            is_full = sum(map(len, self.made)) > MOST_STEP_BYTES
            if is_full or self.is_closing() or self.stopped or not await tab.evaluate(_NEXT):
                return
            await self._rest(tab)
            if urldefrag(await self._place(tab))[0] != urldefrag(self.at)[0]:
                return  # to another page, which is none of this list
            await self._link_rows(tab)
            made = await self._read(tab)
            last, page = page, read_page(self.at, made, RENDERED_TYPE)
            shown = {link.url for link in page.links}
            if shown <= seen:
                return
            # What grows by clicks shows all of the step before.
            if len(self.made) > 1 and {link.url for link in last.links} <= shown:
                self.made.pop()
            self.made.append(made)
            seen |= shown

    async def _follow_a_row(self, tab: Tab) -> None:
        """Learn where the rows of a list lead that are no links, by clicking one of them."""
        titles = await tab.evaluate(_ROWS, {})
        if not titles:
            return
        before, self._left, self._follows = tab.url, "", True
        await tab.evaluate(_ROWS, {"click": 0})
        for _ in range(int(LONGEST_CLICK / TICK)):
            await asyncio.sleep(TICK)
            opened = await tab.evaluate("() => window.opensNianbao || ''") if not self._left else ""
            if led := self._left or opened or (tab.url if tab.url != before else ""):
                self._example = (str(titles[0]), str(led))
                break
        self._follows = False
        if tab.url != before:
            await tab.goto(self.url, wait_until="commit", timeout=0)
            await self._rest(tab)

    async def _link_rows(self, tab: Tab) -> None:
        if self._example is None:
            return
        titles = await tab.evaluate(_ROWS, {})
        addresses = addresses_like(*self._example, titles, [_json(kept) for kept in self._data])
        await tab.evaluate(_ROWS, {"addresses": addresses})

    async def _rest(self, tab: Tab) -> None:
        """Wait until nothing is asked for and nothing changes, as long as the page may work."""
        from playwright.async_api import Error

        before: object = None
        quiet = 0.0
        while self.worked < self.seconds and not self.crashed:
            await asyncio.sleep(TICK)
            if self._pending:
                before, quiet = None, 0.0
                continue
            try:
                stands = await tab.evaluate(_STANDS)
            except Error as error:
                if tab.is_closed() or "crash" in str(error).lower():
                    raise
                before, quiet = None, 0.0  # it is on its way to another page
                continue
            quiet = quiet + TICK if stands == before else 0.0
            before = stands
            if quiet >= QUIET:
                return

    async def _place(self, tab: Tab) -> str:
        """The address of what is shown, with the route where scripts choose pages by it."""
        address, route = urldefrag(tab.url)
        if not address.startswith(("http://", "https://")):
            self.failure = RenderFailed(f"{self.url}: the page left for {tab.url[:80]}")
            raise self.failure
        if not route.startswith(("/", "!")):
            route = "/" if await tab.evaluate(_ROUTES) else ""
        return f"{address}#{route}" if route else address

    async def _read(self, tab: Tab) -> bytes:
        size = await tab.evaluate("() => document.documentElement.outerHTML.length")
        html = await tab.content() if size <= MOST_BYTES else ""
        made = html.encode("utf-8", "replace")
        if size > MOST_BYTES or len(made) > MOST_BYTES:
            self.failure = RenderFailed(f"{self.url}: size {size} is over the max of {MOST_BYTES}")
            raise self.failure
        return made


def addresses_like(
    title: str, address: str, titles: Iterable[str], answers: Iterable[object]
) -> dict[str, str]:
    """Where rows lead, by title, when one of them leads to an address.

    The answers (JSON) that the rows were made of hold an object for each: what is in the address
    and in the object of its row is replaced by what the other objects have there.
    """
    objects = [one for answer in answers for one in _objects(answer)]
    for example in objects:
        named = next((key for key, value in example.items() if _is_named(value, title)), None)
        if named is None:
            continue
        template, used = _template(address, {k: v for k, v in example.items() if k != named})
        if not used:
            continue
        found: dict[str, str] = {}
        for one in objects:
            if not all(isinstance(one.get(key), str | int) for key in used):
                continue
            for wanted in titles:
                if _is_named(one.get(named), wanted):
                    found.setdefault(wanted, template.format(*(one[key] for key in used)))
        return found
    return {}


def _template(address: str, example: Mapping[str, object]) -> tuple[str, list[str]]:
    """An address with braces where it holds values of an object, and the names of these."""
    template = address.replace("{", "{{").replace("}", "}}")
    used: list[str] = []
    values = {k: str(v) for k, v in example.items() if isinstance(v, str | int) and str(v)}
    # Of fields of one value the identifier is meant, and a long value is no accident.
    for key in sorted(values, key=lambda key: (not _ID.search(key), -len(values[key]))):
        edge = r"(?<![\w{-])" if values[key][0].isalnum() else ""
        token = re.compile(edge + re.escape(values[key]) + r"(?![\w}-])")
        if values[key] != "true" and token.search(template):
            template = token.sub(f"{{{len(used)}}}", template, count=1)
            used.append(key)
    return template, used


def _is_named(value: object, title: str) -> bool:
    """Whether a value of an object is a row's title, which the row may show cut."""
    if not isinstance(value, str) or len(value) < 8:
        return False
    whole, shown = "".join(value.split()), "".join(title.split())
    return whole == shown or (shown.endswith(("…", "..")) and whole.startswith(shown.rstrip("….")))


def _objects(answer: object) -> Iterator[dict[str, Any]]:
    """Every object in JSON, the outer first."""
    if isinstance(answer, dict):
        yield answer
    if isinstance(answer, dict | list):
        for part in answer.values() if isinstance(answer, dict) else answer:
            yield from _objects(part)


def _json(kept: Kept) -> object:
    return read_page(kept.url, kept.body).json


def _for_browser(work: Work, name: str) -> Request:
    """The request in scrapy-playwright's words."""
    from scrapy_playwright.page import PageMethod

    return Request(
        work.url,
        callback=NO_CALLBACK,
        dont_filter=True,
        headers={"User-Agent": work.request.headers.get("User-Agent") or b""},
        meta={
            "playwright": True,
            "playwright_context": name,
            "playwright_context_kwargs": {
                "user_agent": (work.request.headers.get("User-Agent") or b"").decode("latin-1"),
                "locale": "zh-CN",
                "timezone_id": "Asia/Shanghai",
                "viewport": {"width": 1280, "height": 1600},
                "service_workers": "block",
                "accept_downloads": False,
            },
            "playwright_page_init_callback": work.prepare,
            "playwright_page_methods": [PageMethod(work.watch)],
            # Answers may take long, as servers ask us to wait: we keep the time ourselves.
            "playwright_page_goto_kwargs": {"wait_until": "commit", "timeout": 0},
        },
    )


def _wish(
    url: str,
    headers: Mapping[str, str | bytes],
    method: str = "GET",
    body: bytes = b"",
    cookies: Mapping[str, str] | None = None,
) -> Request:
    return Request(
        url,
        method=method,
        headers={name: value for name, value in headers.items() if value},
        body=body,
        cookies=[{"name": name, "value": value} for name, value in (cookies or {}).items()],
        callback=NO_CALLBACK,
        meta={
            "handle_httpstatus_all": True,
            "download_slot": group_of(url),
            "download_maxsize": MOST_BYTES,
        },
        dont_filter=True,
    )


def _kept(response: Response, capture: Capture | None, requests: int = 1) -> Kept:
    headers = {
        name.decode("latin-1").lower(): b"\n".join(values).decode("latin-1")
        for name, values in response.headers.items()
    }
    return Kept(response.url, response.status, headers, response.body, capture, requests)


def _response(work: Work, made: bytes, flags: Collection[str] = ()) -> HtmlResponse:
    return HtmlResponse(
        work.at,
        work.status,
        headers={"Content-Type": RENDERED_TYPE},
        body=made,
        request=work.request,
        flags=["rendered", *flags],
    )


def _names_reports(page: Page) -> int:
    """How many links of a page are named like reports."""
    return len({link.url for link in page.links if report_title_verdict(link.label) == "report"})


def _names_unknown(page: Page, known: Callable[[str], bool]) -> bool:
    """Whether a page names a report whose address is not known."""
    return any(
        report_title_verdict(link.label) == "report" and not known(link.url) for link in page.links
    )


def _is_bare(page: Page) -> bool:
    """Whether a page shows next to nothing: what its scripts bring has not come."""
    return len(page.visible) < FEW_WORDS and len(page.links) < ROWS_OF_A_LIST


def _is_html(response: Response) -> bool:
    kind = _header(response, "Content-Type").partition(";")[0].strip().lower()
    marked_up = response.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"
    return marked_up and ("html" in kind or kind in ("", "text/plain"))


def _header(response: Response, name: str) -> str:
    return (response.headers.get(name) or b"").decode("latin-1")


async def _deny(route: Route) -> None:
    from playwright.async_api import Error

    with suppress(Error):
        await route.abort("blockedbyclient")


async def _answer_dialog(dialog: Dialog) -> None:
    from playwright.async_api import Error

    with suppress(Error):
        await (dialog.accept() if dialog.type == "beforeunload" else dialog.dismiss())


async def _close_popup(popup: Tab) -> None:
    from playwright.async_api import Error

    with suppress(Error):
        await popup.close()


def _script(name: str) -> str:
    return (Path(__file__).with_name("scripts") / f"{name}.js").read_text(encoding="utf-8")


_INIT = _script("sealed")
# What must stay the same for a page to be at rest. A clock or a counter changes none of it.
_STANDS = """() => [document.readyState !== 'loading', location.href, document.links.length,
    document.getElementsByTagName('*').length,
    Math.round((document.body ? document.body.textContent.length : 0) / 20)].join(' ')"""
_ROUTES = """() => !!document.querySelector(
    'a[href^="#/"], a[href^="#!"], [data-href*="#/"], [data-href*="#!"]')"""
# Clicks what leads to the next page of a list; true if it did.
_NEXT = _script("next_page")
_ROWS = _script("rows")
