"""A browser that stays on one site, and notes whatever a reader's browser would complain of."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest

from crawler.render import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Response

MISSING = "needs Chromium and requirements-browser.txt: make browser"
SECONDS = 30
ICON = "/static/mark.svg"


@contextmanager
def chromium_browser() -> Iterator[Browser]:
    """The system's Chromium without a window; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason=MISSING)
    if not chromium():
        pytest.skip(MISSING)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium(),
            # As root Chromium runs only without its sandbox.
            chromium_sandbox=os.geteuid() != 0,
        )
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """A reader with one tab, who notes faults: words in the console, errors, dialogs, new windows,
    requests that fail, leave the site or are answered with an error."""

    def __init__(self, browser: Browser, site: str, **context: Any) -> None:
        self.site = site
        self.faults: list[str] = []
        self.requests: list[str] = []
        self._expected: set[str] = set()
        self._under_way: set[Any] = set()
        self.context: BrowserContext = browser.new_context(
            base_url=site, locale="zh-CN", timezone_id="Asia/Shanghai", **context
        )
        self.context.set_default_timeout(SECONDS * 1000)
        self.context.route(lambda url: not self._is_ours(url), self._refuse)
        self.context.on("request", self._asked)
        self.context.on("requestfinished", self._finished)
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.note(f"script error: {error.error}"))
        self.context.on("requestfailed", self._failed)
        self.context.on("response", self._answered)
        self.context.on("dialog", self._dialog)
        self.page: Page = self.context.new_page()
        self.context.on("page", lambda page: self.note(f"new window: {page.url}"))

    def note(self, fault: str) -> None:
        self.faults.append(fault)

    def open(self, path: str, status: int = 200) -> Response:
        """Go to a path, wait until all of it has loaded; its status must be the given one."""
        self.settle()
        self.faults.clear()
        self.requests.clear()
        path = quote(path, safe="/?&=%:~+#.,")
        self._expected = {self.site + path} if status >= 400 else set()
        response = self.page.goto(path, wait_until="load")
        assert response is not None, path
        assert response.status == status, f"{path}: status {response.status}, not {status}"
        return response

    def settle(self) -> None:
        """Wait until what the page asked for has come; the icon is asked for after the page."""
        until = time.monotonic() + SECONDS
        while self._under_way and time.monotonic() < until:
            self.page.wait_for_timeout(20)

    def complaints(self) -> list[str]:
        """The faults noted since the page was opened, once it has come to rest."""
        self.settle()
        return self.faults

    def close(self) -> None:
        self.context.close()

    def _is_ours(self, url: str) -> bool:
        return url.startswith((f"{self.site}/", "data:image/", "about:blank"))

    def _refuse(self, route: Any) -> None:
        self.note(f"request to another origin: {route.request.url}")
        route.abort()

    def _hear(self, message: Any) -> None:
        # Chromium tells the status of a page that is an error page as one more error.
        at = message.location.get("url", "")
        if at in self._expected and message.text.startswith("Failed to load resource"):
            return
        self.note(f"console {message.type}: {message.text} ({at})")

    def _asked(self, request: Any) -> None:
        self.requests.append(request.url)
        self._under_way.add(request)

    def _finished(self, request: Any) -> None:
        self._under_way.discard(request)

    def _failed(self, request: Any) -> None:
        self._under_way.discard(request)
        # The icon is asked for last; who goes on before it has come gives it up.
        if request.url.endswith(ICON) and request.failure == "net::ERR_ABORTED":
            return
        self.note(f"failed: {request.url} {request.failure}")

    def _answered(self, response: Any) -> None:
        if response.status >= 400 and response.url not in self._expected:
            self.note(f"status {response.status}: {response.url}")

    def _dialog(self, dialog: Any) -> None:
        self.note(f"dialog: {dialog.message}")
        dialog.dismiss()


def path_of(url: str) -> str:
    """Path and query of an address."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
