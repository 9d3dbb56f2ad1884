"""Lists, or their later pages, that a script of the page asks for: JSON, or a piece of HTML.

The request is read from the script (`calls`). A page that shows rows has printed its first page
itself; any other is a shell, and the first page is asked for too.
"""

from __future__ import annotations

import re

from archive.identify import report_title_verdict
from crawler.families import static
from crawler.families.calls import Call, calls, total
from crawler.families.mechanism import MOST_PAGES, Entry, FurtherRequest
from crawler.families.query import is_piece, request
from crawler.page import Page

ASKS = re.compile(r"ajax|\.(?:get|post|getJSON|load)\s*\(|fetch\s*\(|axios", re.IGNORECASE)
# Mechanisms with modules of their own, which know more of their requests.
OTHERS = (
    "site/label/", "labelName", "lightfrontaction", "siteGuid", "dataproxy", "<datastore",
    ".jpage(", "jpaas", "getMessage.do", "gkmlpt", "getManuscriptListByChannel", "search.jsp",
    "comp_",
)  # fmt: skip
# A list, a search beside it: more calls than these are no pager's.
MOST_CALLS = 3


def signature(page: Page) -> bool:
    """Whether a script of the page asks the server for something page by page."""
    if is_piece(page) or any(mark in page.text for mark in OTHERS):
        return False
    return any("pag" in script.lower() and ASKS.search(script) for script in page.scripts)


def entries(page: Page) -> list[Entry]:
    """None of its own: the rows come with the answers."""
    return []


def further(page: Page) -> list[FurtherRequest]:
    """What the scripts ask for beyond the page's own rows: to the last page, or the next one."""
    if not shows_rows(page):
        return []
    last = min(total(page) or 2, MOST_PAGES)
    return [
        request(call, number, page.url) for call in _asked(page) for number in range(2, last + 1)
    ]


def first(page: Page) -> list[FurtherRequest]:
    """The first page of the list, for a page that prints no row of it."""
    return [] if shows_rows(page) else [request(call, 1, page.url) for call in _asked(page)]


def _asked(page: Page) -> list[Call]:
    return [call for call in calls(page) if not call.moves][:MOST_CALLS]


def shows_rows(page: Page) -> bool:
    """Whether the page prints rows of its list itself: dated, and named as reports are.

    News with dates stand beside the emptiest of shells.
    """
    return any(
        entry.date and report_title_verdict(_CUT.sub("", entry.title)) == "report"
        for entry in static.entries(page)
    )


_CUT = re.compile(r"(?:…|\.{2,})+$")
