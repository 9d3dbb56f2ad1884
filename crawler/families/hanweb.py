"""Hanweb jpage: records in a `<datastore>` inside the page, the rest from dataproxy.jsp.

The proxy takes chunks of three screens and wants a Referer; a plain `?page=` is the older way,
kept by servers that ignore `startrecord`. The answers are datastores too, or, from the oldest
path, a script with `dataStore = [...]`.
"""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from lxml import html

from crawler.families.mechanism import MOST_PAGES, Entry, FurtherRequest, row_entry
from crawler.page import Page

RECORD = re.compile(r"<record>\s*<!\[CDATA\[(.*?)\]\]>\s*</record>", re.DOTALL)
OLD_STORE = re.compile(r"dataStore\s*=\s*(\[.*?\])\s*;?\s*(?:$|totalRecord|\n)", re.DOTALL)
NEXT = re.compile(r"<nextgroup>\s*<!\[CDATA\[(.*?)\]\]>\s*</nextgroup>", re.DOTALL)
TOTAL = re.compile(r"totalRecord['\"]?\s*[:=]\s*['\"]?(\d+)", re.IGNORECASE)
SCREEN = re.compile(r"perPage['\"]?\s*[:=]\s*['\"]?(\d+)", re.IGNORECASE)
# What the proxy's form holds, in its order.
FORM = (
    "col",
    "appid",
    "webid",
    "path",
    "columnid",
    "sourceContentType",
    "unitid",
    "webname",
    "permissiontype",
)
FIXED = {"col": "1", "appid": "1", "sourceContentType": "1", "permissiontype": "0"}


def signature(page: Page) -> bool:
    """Whether the page holds a datastore, or is one."""
    return "<datastore>" in page.text or "dataStore" in page.text


def entries(page: Page) -> list[Entry]:
    """The records present on this page."""
    found: list[Entry] = []
    for record in _records(page.text):
        fragment = html.fragment_fromstring(record, create_parent="ul")
        entry = row_entry(fragment, page.base)
        if entry is not None:
            found.append(entry)
    return found


def further(page: Page) -> list[FurtherRequest]:
    """The chunks that the page's total asks for, else the link to the next group."""
    if "startrecord=" in page.url:
        return _rest_of_chunk(page)
    link = _next_group(page)
    if link is None:
        return []
    if "dataproxy.jsp" in page.url:
        return [FurtherRequest(link)] if entries(page) else []
    headers = {"Referer": page.url, "X-Requested-With": "XMLHttpRequest"}
    total, screen = TOTAL.search(page.text), SCREEN.search(page.text)
    if total is None or screen is None:
        return [FurtherRequest(link, headers=headers)] if entries(page) else []
    present, size = len(_records(page.text)), max(1, int(screen[1]))
    chunk = 3 * size
    query = {**FIXED, **dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))}
    body = urlencode({name: query[name] for name in FORM if name in query}, quote_via=quote)
    address = urljoin(link, urlsplit(link).path)
    # Chunks start where the server would cut them: 1, 1 + chunk, …
    first = present // chunk * chunk + 1 if present >= chunk else 1
    starts = range(first, min(int(total[1]), MOST_PAGES * size) + 1, chunk)
    return [
        FurtherRequest(
            f"{address}?startrecord={start}&endrecord={min(start + chunk - 1, int(total[1]))}"
            f"&perpage={size}",
            method="POST",
            body=body,
            headers={**headers, "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"},
        )
        for start in starts
        if start > present or min(start + chunk - 1, int(total[1])) > present
    ]


def otherwise(page: Page) -> list[FurtherRequest]:
    """The next group's link, for servers that ignore which chunk was asked for."""
    link = _next_group(page)
    return [FurtherRequest(link)] if link and "startrecord=" in page.url else []


def _rest_of_chunk(page: Page) -> list[FurtherRequest]:
    """What an answer left out of its chunk: some servers cap it below what was asked for."""
    parts = urlsplit(page.url)
    query = dict(parse_qsl(parts.query))
    start, end = query.get("startrecord", ""), query.get("endrecord", "")
    count = len(_records(page.text))
    if not (start.isdigit() and end.isdigit()) or count == 0 or int(start) + count > int(end):
        return []
    query["startrecord"] = str(int(start) + count)
    return [FurtherRequest(parts._replace(query=urlencode(query)).geturl(), method="POST")]


def _records(text: str) -> list[str]:
    if records := RECORD.findall(text):
        return records
    if match := OLD_STORE.search(text):
        try:
            store = json.loads(match[1])
        except ValueError:
            return re.findall(r"<li\b.*?</li>", match[1].replace('\\"', '"'), re.DOTALL)
        return [record for record in store if isinstance(record, str)]
    return []


def _next_group(page: Page) -> str | None:
    match = NEXT.search(page.text)
    link = re.search(r"""href\s*=\s*["']([^"']+)["']""", match[1]) if match else None
    return urljoin(page.base, link[1].replace("&amp;", "&")) if link else None
