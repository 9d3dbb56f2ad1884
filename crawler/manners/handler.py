"""Scrapy's HTTP client, with a limit on what it lacks one for: the headers of an answer."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Any

from scrapy.core.downloader.handlers.http11 import (
    HTTP11DownloadHandler,
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
)
from scrapy.exceptions import DownloadCancelledError, DownloadFailedError
from twisted.python.failure import Failure
from twisted.web._newclient import HEADER, STATUS

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

# 200,000 headers cost Scrapy 95 MB; browsers take a quarter of a megabyte.
HEADER_BYTES = 256 * 1_024
# A connection is kept open to each host asked lately; the usual limit is 1,024 files.
OPEN_FILES = 16_384


class HeadersTooLarge(Exception):
    """An answer whose headers exceed the limit in size."""


class BoundedProtocol(_LenientHTTP11ClientProtocol):
    """Gives up an answer whose headers do not end."""

    _header_bytes = 0

    def request(self, request: Any) -> Any:
        self._header_bytes = 0
        return super().request(request)

    def dataReceived(self, data: bytes) -> None:
        if self._parser is not None and self._parser.state in (STATUS, HEADER):
            self._header_bytes += len(data)
            # A piece that ends the headers may hold much of the body: it is at most 64 KB long.
            if self._header_bytes > HEADER_BYTES:
                too_large = HeadersTooLarge(f"more than {HEADER_BYTES} bytes")
                self._giveUp(Failure(too_large))  # type: ignore[no-untyped-call]
                return
        super().dataReceived(data)  # type: ignore[no-untyped-call]


class BoundedFactory(_LenientHTTP11ClientFactory):
    """Makes connections that read no endless headers."""

    def buildProtocol(self, addr: Any) -> BoundedProtocol:
        return BoundedProtocol(self._quiescentCallback)  # type: ignore[no-untyped-call]


def allow_open_files(wanted: int) -> None:
    """Raise this process's limit on open files as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class BoundedHandler(HTTP11DownloadHandler):
    """Scrapy's handler of http and https; headers over 256 KB end as DownloadCancelledError."""

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._pool._factory = BoundedFactory
        allow_open_files(OPEN_FILES)

    async def download_request(self, request: Request) -> Response:
        try:
            return await super().download_request(request)
        except DownloadFailedError as error:
            reasons = getattr(error.__cause__, "reasons", ())
            if any(reason.check(HeadersTooLarge) for reason in reasons):
                raise DownloadCancelledError(
                    f"{request.url}: headers larger than the max size ({HEADER_BYTES})"
                ) from error
            raise
