"""How does this list page say what it lists and where it goes on? One module a mechanism.

A page may combine mechanisms (the national template under TRS paging), so entries come from the
first family that recognises the page and yields any, further pages from all that recognise it,
up to one that knows all of them.
"""

from __future__ import annotations

from types import ModuleType

from crawler.families import (
    epoint,
    eportal,
    gkmlpt,
    hanweb,
    hanweb_annual,
    hanweb_xxgk,
    jpaas,
    jsonlist,
    lonsun,
    menus,
    national,
    ntree,
    openness,
    postback,
    query,
    scripted,
    static,
    trs,
    ucap,
)
from crawler.families.mechanism import Entry, FurtherRequest
from crawler.page import Link, Page

# The narrow marks first: `static` reads any page with links.
FAMILIES: tuple[ModuleType, ...] = (
    hanweb,
    hanweb_annual,
    hanweb_xxgk,
    jpaas,
    gkmlpt,
    ucap,
    national,
    trs,
    lonsun,
    openness,
    epoint,
    ntree,
    postback,
    eportal,
    query,
    scripted,
    jsonlist,
    menus,
    static,
)

__all__ = [
    "FAMILIES",
    "Entry",
    "FurtherRequest",
    "columns",
    "entries",
    "first",
    "further",
    "inside",
    "instead",
    "otherwise",
    "printed",
]


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
            if hasattr(family, "knows_all") and family.knows_all(page):
                break
    return list(found.values())


def otherwise(page: Page) -> list[FurtherRequest]:
    """Another way on, for a page of a list that shows nothing new."""
    return [one for family in _with("otherwise", page) for one in family.otherwise(page)]


def first(page: Page) -> list[FurtherRequest]:
    """What shows the first rows of a list, for a page that leaves them all to its script."""
    return [one for family in _with("first", page) for one in family.first(page)]


def columns(page: Page) -> list[Link]:
    """Links that only a script makes: categories of a tree, menus in an interface's answer."""
    return [link for family in _with("columns", page) for link in family.columns(page)]


def inside(page: Page) -> list[FurtherRequest]:
    """What a script fetches into this page, as a frame would show it."""
    return [one for family in _with("inside", page) for one in family.inside(page)]


def instead(url: str, sent: str) -> list[FurtherRequest]:
    """Another way to ask for a page of a list whose server refused this one."""
    asked = (family for family in FAMILIES if hasattr(family, "instead"))
    return [request for family in asked for request in family.instead(url, sent)]


def printed(page: Page) -> str | None:
    """The title of the report that stands at an address made for one, "" where none does.

    None for an address that may be anything.
    """
    shown: str | None = hanweb_annual.printed(page)
    return shown


def _with(hook: str, page: Page) -> list[ModuleType]:
    """The families that recognise the page and have a hook."""
    return [family for family in FAMILIES if hasattr(family, hook) and family.signature(page)]
