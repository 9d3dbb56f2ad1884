"""How much of an answer is received: by what it is, as its headers say it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self

from scrapy import Request, signals
from scrapy.exceptions import DownloadCancelledError, StopDownload
from scrapy.http import Headers

from crawler.manners.rules import MOST_BYTES
from crawler.page import is_file

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

MEGABYTE = 1_024 * 1_024
PAGE_BYTES = 10 * MEGABYTE  # pages, scripts, JSON
DOCUMENT_BYTES = 100 * MEGABYTE
_PAGE_TYPES = re.compile(
    rb"text/(html|css|xml|javascript)|[a-z]+/[a-z.-]*\+?(xml|json|javascript|ecmascript)$"
)
# What servers say who do not know: the address tells more.
_VAGUE_TYPES = frozenset({b"", b"text/plain", b"application/force-download", b"*/*"})


def limit_of(url: str, headers: Headers) -> int:
    """The most bytes that are received of an answer, packed or unpacked."""
    said = (headers.get(b"Content-Type") or b"").partition(b";")[0].strip().lower()
    sent_as_file = b"attachment" in (headers.get(b"Content-Disposition") or b"").lower()
    if said in _VAGUE_TYPES:
        return DOCUMENT_BYTES if sent_as_file or is_file(url) else PAGE_BYTES
    return DOCUMENT_BYTES if sent_as_file or not _PAGE_TYPES.match(said) else PAGE_BYTES


def is_too_large(error: BaseException) -> bool:
    """Whether a request failed by a limit on size: of its headers, its bytes, or these unpacked."""
    return isinstance(error, DownloadCancelledError) or "DOWNLOAD_MAXSIZE" in str(error)


class SizeLimits:
    """Gives each answer its limit as soon as its headers are in; DOWNLOAD_MAXSIZE caps them all."""

    def __init__(self, cap: int) -> None:
        self._cap = cap

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        limits = cls(crawler.settings.getint("DOWNLOAD_MAXSIZE"))
        crawler.signals.connect(limits.headers_received, signals.headers_received)
        crawler.signals.connect(limits.bytes_received, signals.bytes_received)
        return limits

    def headers_received(self, headers: Headers, request: Request) -> None:
        """Scrapy reads the limit, for what is received and what is unpacked, after this signal."""
        if request.meta.get("is_robots") and not headers.get(b"Content-Encoding"):
            request.meta["download_maxsize"] = 0  # its beginning is read, however long it is
            request.meta["robots_bytes"] = 0
            return
        limit = MOST_BYTES if request.meta.get("is_robots") else limit_of(request.url, headers)
        request.meta["download_maxsize"] = min(limit, self._cap) if self._cap else limit

    def bytes_received(self, data: bytes, request: Request) -> None:
        """End a robots.txt where RFC 9309 lets a crawler stop reading."""
        if "robots_bytes" not in request.meta:
            return
        request.meta["robots_bytes"] += len(data)
        if request.meta["robots_bytes"] >= MOST_BYTES:
            raise StopDownload(fail=False)
