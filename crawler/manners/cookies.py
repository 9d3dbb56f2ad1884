"""How much of what a portal had us remember it gets back."""

from __future__ import annotations

from scrapy import Request

# Apache and nginx refuse a header line above 8 KB, and then every page of the host.
COOKIE_BYTES = 6_000


class CookieLimit:
    """Below Scrapy's cookies: keeps those of the longest paths, which the jar puts first."""

    async def process_request(self, request: Request) -> None:
        cookies = request.headers.get(b"Cookie") or b""
        if len(cookies) > COOKIE_BYTES:
            request.headers[b"Cookie"] = cookies[:COOKIE_BYTES].rpartition(b"; ")[0]
