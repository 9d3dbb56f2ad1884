"""Openness CMS: a body is a `branch_id`, and its reports are listed at /opennessAnnualReport/.

Directories link to the bodies' other pages (content, guide, requests); the column of reports is
the same address under another name. Pages are numbered by `page=N`, by `/page-N/`, or by
`page_N.html` in the newer edition, which `query` reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin

from crawler.families.mechanism import Entry, FurtherRequest
from crawler.page import Link, Page

BRANCH = re.compile(
    r"/(?:openness[A-Za-z]*|yearReport)/(?:\?(?:[^\"'\s]*&(?:amp;)?)?branch_id=|branch[_-]id[-=/])([0-9a-f]{24})"
)
REPORTS = re.compile(
    r"/(opennessAnnualReport|annualReport)/(\?branch_id=|branch[_-]id[-=/])[0-9a-f]{24}(/?)"
)
NODE = re.compile(
    r"""\{[^{}]*["']?\b_?id["']?\s*:\s*["']([0-9a-f]{24})["'][^{}]*\}""", re.IGNORECASE
)
NAMED = re.compile(r"""["']?\b(?:name|title|text)["']?\s*:\s*["']([^"']{2,40})["']""")
NAME = "政府信息公开年报"


def signature(page: Page) -> bool:
    """Whether the page belongs to the edition that names bodies by branch_id."""
    return "branch_id" in page.url or "branch_id" in page.text


def entries(page: Page) -> list[Entry]:
    """None of its own: the rows stand in the page as any list's do."""
    return []


def further(page: Page) -> list[FurtherRequest]:
    """None of its own: the numbers stand in links."""
    return []


def columns(page: Page) -> list[Link]:
    """The columns of reports of every body that the page links to or names in a tree."""
    written = REPORTS.search(page.url) or REPORTS.search(page.text)
    name, sign, end = written.groups() if written else ("opennessAnnualReport", "?branch_id=", "")
    return [
        Link(urljoin(page.url, f"/{name}/{sign}{branch}{end}"), NAME)
        for branch in dict.fromkeys(_branches(page))
    ]


def _branches(page: Page) -> Iterator[str]:
    yield from BRANCH.findall(page.text)
    for script in page.scripts:
        for found in NODE.finditer(script):
            if NAMED.search(found[0]):
                yield found[1]
