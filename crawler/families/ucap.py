"""UCAP's lists as JSON: `common/search`, `searchList` and `getFileListByCodeId` of a channel.

The channel's number stands in a meta or in the call; the rows of the answers are read like any
JSON list's. Its HTML lists are paged by `createPageHTML`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urljoin

from crawler.families import static
from crawler.families.calls import Call, calls
from crawler.families.mechanism import Entry, FurtherRequest
from crawler.page import Page

SEARCH = re.compile(r"(?:common/search|searchList|getFileListByCodeId)")
ADDRESS = re.compile(
    r"""["'`](?P<root>[^"'`\s<>]*?/?(?:common/search|searchList)/?)(?P<channel>[0-9a-f]{32})?(?:\?(?P<query>[^"'`\s<>]*))?""",
    re.IGNORECASE,
)
BY_CODE = re.compile(r"""["'`]([^"'`\s<>]*getFileListByCodeId)["'`]""")
CHANNEL = re.compile(r"""channel_?id["']?\s*[:=]\s*["']([0-9a-f]{32})["']""", re.IGNORECASE)
NAMED = re.compile(r"年报|年度报告|信息公开")
QUERY = {"_isAgg": "true", "_isJson": "true", "_pageSize": "20", "_template": "index"}
FORM_TYPE = "application/x-www-form-urlencoded; charset=UTF-8"


def signature(page: Page) -> bool:
    """Whether the page asks for a channel's list."""
    return page.json is None and bool(SEARCH.search(page.text) or page.metas.get("channelid"))


def entries(page: Page) -> list[Entry]:
    """None of its own: rows come with the answers, or stand in the page."""
    return []


def further(page: Page) -> list[FurtherRequest]:
    """None of its own: answers know their number and total."""
    return []


def inside(page: Page) -> list[FurtherRequest]:
    """The first page of the channel's list, where the page shows no rows of its own."""
    if page.json is not None or any(entry.date for entry in static.entries(page)):
        return []
    return list({request.url + request.body: request for request in _requests(page)}.values())[:2]


def _requests(page: Page) -> Iterator[FurtherRequest]:
    known = [call for call in calls(page) if SEARCH.search(call.url)]
    if known:
        yield from (_filled(call, page) for call in known)
        return
    written = CHANNEL.search(page.text)
    channel = page.metas.get("channelid") or (written[1] if written else "")
    headers = {"Referer": page.url, "X-Requested-With": "XMLHttpRequest"}
    for match in ADDRESS.finditer(page.text):
        if number := match["channel"] or channel:
            said = parse_qsl(match["query"] or "", keep_blank_values=True)
            query = {**QUERY, **{name: value for name, value in said if value}, "page": "1"}
            root = urljoin(page.base, match["root"].rstrip("/") + "/")
            yield FurtherRequest(f"{root}{number}?{urlencode(query)}", headers=headers)
            return
    if channel and (found := BY_CODE.search(page.text)):
        form = {"channelId": channel, "page": 1, "size": 20, "relateSubChannels": "true"}
        yield FurtherRequest(
            urljoin(page.base, found[1]),
            "POST",
            urlencode(form),
            {**headers, "Content-Type": FORM_TYPE},
        )
    elif re.fullmatch(r"[0-9a-f]{32}", channel) and NAMED.search(_column(page)):
        # The call stands in a script of another file.
        address = urljoin(page.url, f"/common/search/{channel}")
        asked = urlencode({**QUERY, "page": "1"})
        yield FurtherRequest(f"{address}?{asked}", headers=headers)


def _column(page: Page) -> str:
    return page.metas.get("columnname", "") + page.title


def _filled(call: Call, page: Page) -> FurtherRequest:
    url, body = call.filled(1)
    headers = {"Referer": page.url, "X-Requested-With": "XMLHttpRequest"}
    if call.method == "POST":
        headers["Content-Type"] = "application/json" if call.is_json else FORM_TYPE
    return FurtherRequest(url, call.method, body, headers)
