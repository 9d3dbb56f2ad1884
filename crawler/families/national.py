"""The national template of 国办公开办函〔2019〕61号, found under several CMSs.

Rows are `div.zfxxgk_zdgkc > ul > li > a[title]` with the date in `b` or `span`; some build the
same box of table rows or definition lists.
"""

from __future__ import annotations

from crawler.families.mechanism import Entry, FurtherRequest, row_entry
from crawler.page import Page

BOX = "//*[contains(concat(' ', normalize-space(@class), ' '), ' zfxxgk_zdgkc ')]"


def signature(page: Page) -> bool:
    """Whether the page has the template's list box."""
    return "zfxxgk_zdgkc" in page.text and bool(page.tree.xpath(BOX))


def entries(page: Page) -> list[Entry]:
    """The rows of the list box."""
    rows = page.tree.xpath(f"{BOX}//li[.//a] | {BOX}//tr[.//a] | {BOX}//dd[.//a]")
    return [entry for row in rows if (entry := row_entry(row, page.base)) is not None]


def further(page: Page) -> list[FurtherRequest]:
    """None of its own: the CMS beneath the template does the paging."""
    return []
