"""Pagers written by a script: createPageHTML and its relatives (TRS, UCAP, Shanghai).

The offset differs: with TRS page 2 is `index_1`, with UCAP and Shanghai it is `name_2`. The call
on the first page tells: the current page is 0 there, or 1. Comments are removed first, as a stale
call is often left above the real one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin

from crawler.families.mechanism import MOST_PAGES, Entry, FurtherRequest
from crawler.page import Page

# createPageHTML(count, current, "index", "html"), after an element's id with UCAP
CALL = re.compile(
    r"""createPage(?:HTML)?\s*\(\s*(?:["'][^"',]*[^"',\d][^"',]*["']\s*,\s*)?"""
    r"""["']?(\d+)["']?\s*,\s*["']?(\d+)["']?\s*,\s*["']([\w.-]+)["']\s*,\s*["'](\w+)["']"""
)
# Pager({size:3, current:0, prefix:'index', suffix:'html', …})
PAGER = re.compile(
    r"""\bPager\s*\(\s*\{[^}]*?size\s*:\s*(\d+)\s*,\s*current\s*:\s*(\d+)[^}]*?prefix\s*:\s*["']([\w.-]+)["']"""
    r"""\s*,\s*suffix\s*:\s*["'](\w+)["']"""
)
# var countPage = 56 … "index" + "_" + nextPage + "." + "html"
COUNT = re.compile(r"\bcountPage\s*=\s*(\d+)")
EXTENSION = re.compile(r"""["'.](s?html?)["']""")
# $(".pagination").pagination({totalPage: 7})
TOTAL = re.compile(r"""\.pagination\s*\(\s*\{[^}]*totalPage["']?\s*:\s*(\d+)""")


def signature(page: Page) -> bool:
    """Whether a script on the page writes a pager of this kind."""
    return any(True for _ in _names(page))


def entries(page: Page) -> list[Entry]:
    """None of its own: the rows stand in the page as any list's do."""
    return []


def further(page: Page) -> list[FurtherRequest]:
    """Every page after the first, by the count the pager was given."""
    return [FurtherRequest(urljoin(page.url, name)) for name in _names(page)]


def _names(page: Page) -> Iterator[str]:
    for script in page.scripts:
        for count, current, name, extension in CALL.findall(script) + PAGER.findall(script):
            first = int(current)
            # The first page has named all: what stands beyond this one is counted from it.
            if first <= 1 and not re.search(rf"{re.escape(name)}_\d+\.", page.url):
                following = range(first + 1, first + _bounded(count))
                yield from (f"{name}_{k}.{extension}" for k in following)
        if "index" in script and (found := COUNT.search(script)):
            extension = match[1] if (match := EXTENSION.search(script)) else "html"
            yield from (f"index_{k}.{extension}" for k in range(1, _bounded(found[1])))
        if found := TOTAL.search(script):
            yield from (f"index_{k}.html" for k in range(2, _bounded(found[1]) + 1))


def _bounded(count: str) -> int:
    return min(int(count), MOST_PAGES)
