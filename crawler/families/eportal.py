"""Huilan's eportal: `/eportal/ui?pageId=…&currentPage=N&moduleId=…`, pages turned by `next(N)`.

A list is a module of a page; its pager's function stands in a file of the CMS, so the address is
made of what the page at hand says: its pageId, the module's id, the filter of its form.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from crawler.families.calls import calls, is_page_name, total
from crawler.families.mechanism import MOST_PAGES, Entry, FurtherRequest
from crawler.page import Page

TURNED = re.compile(
    r"""\b(?:next|goPage|gotoPage|toPage|turnPage|jump\w*)\s*\(\s*["']?(\d{1,4})""", re.I
)
MODULE = re.compile(r"""module_?Id["']?\s*(?:[=:,]|%3D)\s*["']?\s*([0-9a-f]{32})""", re.IGNORECASE)
PAGE_ID = re.compile(r"""page_?Id["']?\s*[=:,]\s*["']?\s*(\d{3,})""", re.IGNORECASE)


def signature(page: Page) -> bool:
    """Whether the page is one of the CMS."""
    return any(mark in page.url or mark in page.text for mark in ("/eportal/", "huilan-jquery-ui"))


def entries(page: Page) -> list[Entry]:
    """None of its own: the rows stand in the page as any list's do."""
    return []


def further(page: Page) -> list[FurtherRequest]:
    """The pages that the pager's calls or its total name."""
    numbers = [int(number) for number in TURNED.findall(page.text)]
    highest = max((*numbers, total(page) or 0))
    if not numbers and highest < 2:
        return []
    if any(call.moves for call in calls(page)):
        # The pager's function stands in the page: `query` reads it.
        return []
    asked = dict(parse_qsl(urlsplit(page.url).query, keep_blank_values=True))
    fields = {
        str(field.get("name") or field.get("id") or "").lower(): str(field.get("value") or "")
        for field in page.tree.iter("input")
    }
    module = asked.get("moduleId") or fields.get("moduleid") or _module(page)
    number = asked.get("pageId") or fields.get("pageid") or "".join(PAGE_ID.findall(page.text)[:1])
    if not module or not number:
        return []
    kept = {
        name: value
        for name, value in asked.items()
        if name not in ("pageId", "moduleId", "staticRequest") and not is_page_name(name)
    }
    address = urljoin(page.url, "/eportal/ui")
    asked_for = (
        {"pageId": number, "currentPage": k, "moduleId": module, **kept, "staticRequest": "yes"}
        for k in range(2, min(highest, MOST_PAGES) + 1)
    )
    return [FurtherRequest(f"{address}?{urlencode(query)}") for query in asked_for]


def _module(page: Page) -> str:
    """The id of the module that the pager turns: the one named nearest before it."""
    pager = TURNED.search(page.text)
    end = pager.start() if pager else len(page.text)
    before = [match[1] for match in MODULE.finditer(page.text) if match.start() < end]
    return next(iter((*before[-1:], *MODULE.findall(page.text))), "")
