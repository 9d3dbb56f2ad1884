"""What a family gives: entries of a list, and requests for its further pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import html

from crawler.page import Link, links_of

# A list longer than this is a trap or a misread count.
MOST_PAGES = 500
# A title is seldom shorter, the name of a column seldom longer, in letters.
SOME_LENGTH = 10
DATE = re.compile(r"((?:19|20)\d{2})[-年/.](\d{1,2})[-月/.](\d{1,2})")
# The day in a box of its own: 15 over 2024-03.
MONTH = re.compile(r"((?:19|20)\d{2})[-年/.](0?[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a list: address, whole title, and date as YYYY-MM-DD, YYYY-MM or ""."""

    url: str
    title: str
    date: str = ""


@dataclass(frozen=True, slots=True)
class FurtherRequest:
    """How to ask for another page of a list.

    `body` is a form, already encoded; a POST without one repeats the form of the page at hand, and
    without headers it is asked with those of the page at hand.
    """

    url: str
    method: str = "GET"
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def date_in(text: str) -> str:
    """The last date in a row's text: titles may hold one too, the row's own stands after them."""
    found = DATE.findall(text) or MONTH.findall(text)
    return "-".join(f"{part:0>2}" for part in found[-1]) if found else ""


def row_entry(row: html.HtmlElement, base: str) -> Entry | None:
    """The entry of one row: its first link of some length, as [栏目] may stand before the title."""
    named = [link for link in links_of(row, base) if link.label]
    if not named:
        return None
    link = max(named, key=lambda link: min(len(link.label), SOME_LENGTH))
    return entry_of(link, "".join(row.itertext()))


def entry_of(link: Link, row_text: str) -> Entry:
    """A link as an entry, dated by its row less its own words."""
    return Entry(link.url, link.label, date_in(row_text.replace(link.text, " ")))
