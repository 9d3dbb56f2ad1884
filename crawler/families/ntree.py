"""Sites of n-directories (/n2588035/n2588320/), whose older pages are pieces of HTML.

`index_{component}_{k}.html` is put into the element `comp_{component}`; k counts down, the newest
rows stand in index.html itself. How many there are is often set by a file of scripts: then the
oldest piece is asked for first, and each piece leads to the next newer one.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from crawler.families.mechanism import MOST_PAGES, Entry, FurtherRequest
from crawler.page import Page

COMPONENT = re.compile(r"""\b(?:id\s*=\s*["']?|#)comp_(\d{3,})\b""")
ADDRESS = re.compile(r"""["']([^"'\s]*?index_(\d{3,}))(?:_\d*(?:\.html)?)?["']""")
PIECE = re.compile(r"/index_(\d{3,})_(\d{1,4})\.html$")


def signature(page: Page) -> bool:
    """Whether the page has components that pieces are put into, or is a piece."""
    if PIECE.search(urlsplit(page.url).path):
        return True
    return "maxPageNum" in page.text or bool("comp_" in page.text and COMPONENT.search(page.text))


def entries(page: Page) -> list[Entry]:
    """None of its own: the rows stand in the page as any list's do."""
    return []


def further(page: Page) -> list[FurtherRequest]:
    """The pieces from the newest to the oldest; the oldest, where their count is not said."""
    if piece := PIECE.search(urlsplit(page.url).path):
        # Up to where there is none: index.html holds the newest.
        following = f"/index_{piece[1]}_{int(piece[2]) + 1}.html"
        return [FurtherRequest(page.url[: -len(piece[0])] + following)]
    stems = {number: stem for stem, number in ADDRESS.findall(page.text)}
    found: list[FurtherRequest] = []
    named = COMPONENT.findall(page.text) or (stems if "maxPageNum" in page.text else ())
    for component in dict.fromkeys(named):
        # Without the call that loads pieces the list has one page.
        if component not in stems:
            continue
        stem = urljoin(page.base, stems[component])
        count = _count(page.text, component)
        numbers = range(min(count, MOST_PAGES) - 1, 0, -1) if count else range(1, 2)
        found.extend(FurtherRequest(f"{stem}_{k}.html") for k in numbers)
    return found


def _count(text: str, component: str) -> int:
    """How many pages the list has, the first included; 0 if that is not said."""
    hidden = [int(k) for k in re.findall(rf"index_{component}_(\d{{1,4}})\.html", text)]
    cookie = re.findall(rf"maxPageNum{component}\s*=\s*(\d+)", text)
    plain = re.findall(r"maxPageNum\s*=\s*[\"']?(\d+)", text)
    return max((*(k + 1 for k in hidden), *map(int, cookie), *map(int, plain)), default=0)
