"""Lists that come as JSON, whoever makes them: rows with a title and an address.

Which member is which is told by its name. The next page is asked for by raising the number in the
address or in the form that brought this one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

from crawler.families.calls import numbered, with_number
from crawler.families.mechanism import Entry, FurtherRequest, date_in
from crawler.page import Page, absolute

# What members are called, in lower case without _ and -; what is whole comes first.
TITLES = (
    "fulltitle", "realtitle", "articletitle", "doctitle", "infotitle", "contenttitle", "newstitle",
    "docsubtitle", "manuscripttitle", "title", "titlehtml", "subject", "titlename", "listtitle",
    "topic", "infoname", "wjbt", "wjmc", "headline", "bt", "name", "mc",
)  # fmt: skip
ADDRESSES = (
    "infourl", "docpuburl", "puburl", "url", "posturl", "linkurl", "link", "href", "articleurl",
    "arturl", "contenturl", "pageurl", "htmlurl", "weburl", "visiturl", "detailurl", "docurl",
    "newsurl", "fullurl", "staticurl", "urlpath", "accessurl", "titleurl", "htmlpath", "filepath",
    "path", "redirecturl",
)  # fmt: skip
DATES = re.compile(r"date|time|rq$|sj$|publish|created", re.IGNORECASE)
PUBLISHED = re.compile(r"pub|info|release|rel|show|display|^date$|^time$|fb", re.IGNORECASE)
TOTAL_PAGES = frozenset(("totalpage", "totalpages", "pagecount", "pages", "pagetotal"))
TOTAL_ROWS = frozenset(
    ("total", "totalcount", "allrow", "totalrow", "totalrows", "recordcount", "totalrecord",
     "count", "totalelements", "totalnum", "rowcount", "totalrecords")
)  # fmt: skip
SIZE = re.compile(
    r"""(?:page_?size|size|rows|limit|perpage)(?:["']|%22)?\s*(?:[=:]|%3A)\s*(?:["']|%22)?(\d+)""",
    re.IGNORECASE,
)
DEEPEST = 8
# No server gives fewer rows a page than these.
FEWEST = 5
# Rows without an address, by what asked for them: a document is asked for by its number.
BY_NUMBER = (("/DocInfo/SelectDocBy", "docid", "/cbircweb/DocInfo/SelectByDocId?docId="),)


def signature(page: Page) -> bool:
    """Whether the answer is JSON with rows in it."""
    return page.json is not None and bool(_rows(page))


def entries(page: Page) -> list[Entry]:
    """The rows that have a title and an address."""
    found = (_entry(row, page) for row in _rows(page))
    return [entry for entry in found if entry is not None]


def further(page: Page) -> list[FurtherRequest]:
    """The next page, as long as there are rows and the total, if there is one, allows it."""
    pattern = numbered(page.url, page.sent)
    if pattern is None:
        return []
    if pattern[2] <= 1:
        page = _as_given(page)
        pattern = numbered(page.url, page.sent) or pattern
    number, last = pattern[2], _last(page)
    if last is not None and number >= last:
        return []
    url, body = with_number(pattern, number + 1)
    return [FurtherRequest(url, "POST" if page.sent else "GET", body)]


def _as_given(page: Page) -> Page:
    """A first page as if asked for with the size it has: some servers cap it, or have their own."""
    size, total, rows = _size(page), _total(page), len(_rows(page))
    if size is None or total is None or not FEWEST <= rows < min(int(size[1]), total):
        return page
    if not page.sent and "=" not in urlsplit(page.url).query:
        # A file is called by the size it was made with.
        return page
    text = size.string[: size.start(1)] + str(rows) + size.string[size.end(1) :]
    is_sent = bool(SIZE.search(page.sent))
    return replace(page, sent=text) if is_sent else replace(page, url=text)


def _rows(page: Page) -> list[Mapping[str, Any]]:
    """The longest list of objects that read like rows."""
    lists: Iterator[list[Mapping[str, Any]]] = (
        [row for row in rows if isinstance(row, dict) and _of(row, TITLES) and _address(row, page)]
        for rows in _lists(page.json, 0)
    )
    return max(lists, key=len, default=[])


def _lists(value: Any, depth: int) -> Iterator[list[Any]]:
    if depth > DEEPEST:
        return
    if isinstance(value, str):
        # Some put JSON into a string of JSON.
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return
    if isinstance(value, list):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        if isinstance(one, dict | list) or (isinstance(one, str) and one[:1] in ("[", "{")):
            yield from _lists(one, depth + 1)


def _of(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The first member of one of these names that says something."""
    by_name = {_plain_name(name): value for name, value in row.items()}
    said = (by_name.get(name) for name in names)
    return next((text for text in said if isinstance(text, str) and text.strip()), "")


def _address(row: Mapping[str, Any], page: Page) -> str:
    if given := _of(row, ADDRESSES).strip():
        return given
    numbers = {_plain_name(name): str(value) for name, value in row.items()}
    return next(
        (
            address + numbers[name]
            for interface, name, address in BY_NUMBER
            if interface in page.url and re.fullmatch(r"\w+", numbers.get(name, ""))
        ),
        "",
    )


def _plain_name(name: str) -> str:
    return re.sub(r"[_-]", "", name).lower()


def _entry(row: Mapping[str, Any], page: Page) -> Entry | None:
    root = urljoin(page.url, "/")
    address = _address(row, page)
    # An interface stands elsewhere than the page that shows its rows.
    url = absolute(page.url if address[:1] == "/" else root, address)
    title = " ".join(re.sub(r"</?[a-zA-Z][^<>]*>", "", _of(row, TITLES)).split())
    return Entry(url, title, _date(row)) if url and title else None


def _date(row: Mapping[str, Any]) -> str:
    names = [name for name in row if DATES.search(name)]
    for name in sorted(names, key=lambda name: not PUBLISHED.search(name)):
        if found := _day(row[name]):
            return found
    return ""


def _day(value: Any) -> str:
    """A date as YYYY-MM-DD in Beijing: written out, or counted since 1970."""
    text = str(value)
    if not re.fullmatch(r"\d{9,10}(?:\d{3})?", text):
        return date_in(text[:40]) if isinstance(value, str) else ""
    seconds = int(text) / (1000 if len(text) > 10 else 1)
    return f"{datetime.fromtimestamp(seconds, UTC) + timedelta(hours=8):%Y-%m-%d}"


def _last(page: Page) -> int | None:
    """The number of the last page, counted from 1; None where nothing says it."""
    size = _size(page)
    for name, number in _numbers(page):
        if name in TOTAL_PAGES:
            return number
        if name in TOTAL_ROWS and size and int(size[1]):
            return -(-number // int(size[1]))
    return None


def _size(page: Page) -> re.Match[str] | None:
    """Where the form, else the address, says how many rows a page has."""
    return SIZE.search(page.sent) or SIZE.search(page.url)


def _total(page: Page) -> int | None:
    return next((number for name, number in _numbers(page) if name in TOTAL_ROWS), None)


def _numbers(page: Page) -> Iterator[tuple[str, int]]:
    """The whole numbers around the rows, by their names."""
    for name, value in _members(page.json, 0):
        if not isinstance(value, bool) and re.fullmatch(r"\d{1,7}", str(value)):
            yield name, int(value)


def _members(value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Members of the objects around the rows, not those of rows."""
    if isinstance(value, dict) and depth < 4:
        for name, inner in value.items():
            yield _plain_name(name), inner
        for inner in value.values():
            yield from _members(inner, depth + 1)
