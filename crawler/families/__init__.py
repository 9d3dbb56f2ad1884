"""How does this list page say what it lists and where it goes on? One module a mechanism.

A page may combine mechanisms (the national template under TRS paging), so entries come from the
first family that recognises the page and yields any, further pages from all that recognise it.
"""

from __future__ import annotations

from types import ModuleType

from crawler.families import hanweb, national, static, trs
from crawler.families.mechanism import Entry, FurtherRequest
from crawler.page import Page

# The narrow marks first: `static` reads any page with links.
FAMILIES: tuple[ModuleType, ...] = (hanweb, national, trs, static)

__all__ = ["FAMILIES", "Entry", "FurtherRequest", "entries", "further", "otherwise"]


def entries(page: Page, hint: str = "") -> list[Entry]:
    """What the page lists, each address once, in the page's order.

    `hint` is the registry's name of a family, which is tried first; other names change nothing.
    """
    for family in sorted(FAMILIES, key=lambda family: family.__name__.rpartition(".")[2] != hint):
        if family.signature(page) and (found := family.entries(page)):
            return list({entry.url: entry for entry in reversed(found)}.values())[::-1]
    return []


def further(page: Page) -> list[FurtherRequest]:
    """The list's other pages this page knows of, itself left out."""
    found: dict[tuple[str, str], FurtherRequest] = {}
    for family in FAMILIES:
        if family.signature(page):
            for request in family.further(page):
                if request.url != page.url or request.body:
                    found.setdefault((request.url, request.body), request)
    return list(found.values())


def otherwise(page: Page) -> list[FurtherRequest]:
    """Another way on, for a page of a list that shows nothing new."""
    return hanweb.otherwise(page) if hanweb.signature(page) else []
