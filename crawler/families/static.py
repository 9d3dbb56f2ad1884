"""Plain links: rows of a list, 下一页, 尾页 and page numbers (also Boda's, which count down).

It reads any page, so it stands last and serves as the reader of pages nobody has met before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from crawler.families.mechanism import Entry, FurtherRequest, date_in, entry_of
from crawler.page import Link, Page

NEXT = re.compile(
    r"下一?页|后一?页|下一页?>*|尾页|末页|最后一?页|next|last|第\d+页|[>›»]{1,2}", re.IGNORECASE
)
NUMBER = re.compile(r"\[?\d{1,3}\]?")
# How pages of a list are numbered in addresses.
NUMBERED = re.compile(
    r"(?:^|[/_-])(?:index|list|page|p)?[_-]?\d{1,4}\.(?:s?html?|jspx?|aspx?|php)$|/page[-/_]\d+/?$"
)
QUERY = frozenset(
    (
        "page",
        "pageindex",
        "pageno",
        "pagenum",
        "currentpage",
        "cur_page",
        "currpage",
        "curpage",
        "pagenumber",
        "current",
        "p",
        "pn",
    )
)


def signature(page: Page) -> bool:
    """Any page with links."""
    return bool(page.links)


def entries(page: Page) -> list[Entry]:
    """Links in rows that carry a date; where no row does, every link with words of its own."""
    rows = [
        (link, date_in(link.context.replace(link.text, " ")))
        for link in page.links
        if len(link.label) >= 4 and not _is_pager(link, page)
    ]
    dated = [entry_of(link, link.context) for link, date in rows if date]
    others = [Entry(link.url, link.label) for link, date in rows if not date]
    return dated + others


def further(page: Page) -> list[FurtherRequest]:
    """The pages that the pager links to."""
    found = (link.url for link in page.links if _is_pager(link, page))
    return [FurtherRequest(url) for url in dict.fromkeys(found) if url != page.url]


def _is_pager(link: Link, page: Page) -> bool:
    label = "".join((link.text or link.title).split())
    if not (NEXT.fullmatch(label) or NUMBER.fullmatch(label)):
        return False
    here, there = urlsplit(page.url), urlsplit(link.url)
    if here.netloc != there.netloc:
        return False
    if _number_in_query(there.query):
        return there.path == here.path
    return any(there.path.startswith(folder) for folder in _folders(here.path)) and bool(
        NUMBERED.search(there.path) or _first_page(there.path)
    )


def _number_in_query(query: str) -> bool:
    return any(name.lower() in QUERY and value.isdigit() for name, value in parse_qsl(query))


def _folders(path: str) -> Iterator[str]:
    folder, _, name = path.rpartition("/")
    yield folder + "/"
    # Boda keeps the later pages of nb.htm in nb/, and those link back to it.
    if re.fullmatch(r"\d+\.html?", name) and folder:
        yield folder + "."


def _first_page(path: str) -> bool:
    return bool(re.search(r"(?:/|index\.\w+|list\.\w+)$", path))
