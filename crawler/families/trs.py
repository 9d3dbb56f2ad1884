"""Pagers written by a script that is told how many pages there are: createPageHTML and relatives.

Seen on TRS, UCAP, NFCMS and Shanghai: createPageHTML(count, current, "index", "html"), with an
element's id before it or row counts behind, createPage, Pager({…}), a countPage, and
$().pagination({totalPage}). Page 2 is `index_1` on some and `name_2` on others, whatever the call
counts from; so the first page leads to both, each page with something new to the one after it,
and past the count nothing is asked: one request a list is in vain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urljoin, urlsplit

from crawler.families.mechanism import MOST_PAGES, Entry, FurtherRequest
from crawler.page import Page

_NUMBER = r"""(?:["']?(?P<{0}>\d{{1,9}})["']?|(?P<{0}_named>[A-Za-z_$][\w$.]*))"""
# createPageHTML(count, current, "index", "html"), after an element's id with UCAP
CALL = re.compile(
    r"""(?<!function )\bcreatePage\w*\s*\(\s*(?:["'][^"',]*[^"',\d][^"',]*["']\s*,\s*)?"""
    + rf"{_NUMBER.format('count')}\s*,\s*{_NUMBER.format('current')}"
    + r"""\s*,\s*["'](?P<name>[\w./-]+)["']\s*,\s*["']\.?(?P<extension>\w+)["']""",
    re.IGNORECASE,
)
# Pager({size:3, current:0, prefix:'index', suffix:'html', …}), its keys in any order
PAGER = re.compile(r"\bPager\s*\(\s*\{(?P<options>[^{}]*)\}", re.IGNORECASE)
# var countPage = 56 … "index" + "_" + nextPage + "." + "html"
COUNT = re.compile(r"""\bcountPage\s*=\s*["']?(\d+)""")
NAME = re.compile(
    r"""["'](?:\./)?([A-Za-z][\w-]*?)_?["']\s*\+|href=\\?["']([A-Za-z][\w-]*)_\\?["']\s*\+"""
)
EXTENSION = re.compile(r"""["'.](s?html?)["'\\]""")
# $(".pagination").pagination({totalPage: 7})
TOTAL = re.compile(
    r"""\.pagination\s*\(\s*\{[^}]*?\b(?:totalPages?|pageCount|page_?total)["']?\s*:\s*["']?(\d+)""",
    re.IGNORECASE,
)
NUMBERED = re.compile(r"_(\d{1,4})\.\w+$")


def signature(page: Page) -> bool:
    """Whether a script on the page writes a pager of this kind."""
    return any(True for _ in _pagers(page))


def entries(page: Page) -> list[Entry]:
    """None of its own: the rows stand in the page as any list's do."""
    return []


def further(page: Page) -> list[FurtherRequest]:
    """The second page, by either numbering; of a later page the one that follows it."""
    return [FurtherRequest(urljoin(page.url, name)) for name in _names(page)]


def _names(page: Page) -> Iterator[str]:
    here = NUMBERED.search(urlsplit(page.url).path)
    for count, name, extension in _pagers(page):
        # A count may be stale, so not all that it promises is asked at once.
        numbers = (1, 2) if here is None else (int(here[1]) + 1,)
        last = min(count, MOST_PAGES) if count > 1 else 0
        yield from (f"{name}_{k}.{extension}" for k in numbers if k <= last)


def _pagers(page: Page) -> Iterator[tuple[int, str, str]]:
    """Count, name and extension of each pager."""
    for script in page.scripts:
        for call in CALL.finditer(script):
            count = _value(call, "count", script)
            if count is not None and _value(call, "current", script) is not None:
                yield count, call["name"], call["extension"]
        for pager in PAGER.finditer(script):
            options = _options(pager["options"])
            if options.get("size", "").isdigit() and "prefix" in options:
                yield int(options["size"]), options["prefix"], options.get("suffix", "html")
        if (found := COUNT.search(script)) and "_" in script and not CALL.search(script):
            extension = match[1] if (match := EXTENSION.search(script)) else "html"
            name = next((a or b for a, b in NAME.findall(script)), "index")
            yield int(found[1]), name, extension
        if found := TOTAL.search(script):
            yield int(found[1]), *_own_name(page.url)


def _value(call: re.Match[str], part: str, script: str) -> int | None:
    """A number of a call: written there, or given to the variable that stands there."""
    if call[part]:
        return int(call[part])
    given = re.search(
        rf"""(?<![\w$.]){re.escape(call[part + "_named"])}\s*=\s*["']?(\d+)""", script
    )
    return int(given[1]) if given else None


def _options(text: str) -> Mapping[str, str]:
    pairs = re.findall(r"""["']?(\w+)["']?\s*:\s*["']?\.?([\w./-]+)["']?""", text)
    return {name.lower(): value for name, value in pairs}


def _own_name(url: str) -> tuple[str, str]:
    """What the page itself is called: ("index", "html") of a folder."""
    stem, _, extension = urlsplit(url).path.rpartition("/")[2].rpartition(".")
    return (re.sub(r"_\d{1,4}$", "", stem), extension) if stem else ("index", "html")
