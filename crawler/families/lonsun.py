"""LonSun: `/public/column/{organ}?type=3` are annual reports, later pages come as a label.

The label is a piece of HTML from `/site/label/{n}?labelName=…&pageIndex=N…`; its parameters stand
in a script of the page, as one string or as an object. A body is an `organId`, and its column of
reports is the same address with another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from crawler.families import static
from crawler.families.calls import calls, is_page_name, members, total
from crawler.families.mechanism import MOST_PAGES, Entry, FurtherRequest
from crawler.families.scripted import shows_rows
from crawler.links import names_body
from crawler.page import Link, Page, absolute

COLUMN = re.compile(r"/public/column/(\d+)(?=[?/#\"']|$)")
LABEL = re.compile(r"""["']([^"'\s]*/site/label/\d+\?[^"'\s]*labelName=[^"'\s]*)["']""")
OBJECT = re.compile(r"\{[^{}]*\blabelName[\"']?\s*:[^{}]*\}")
NAME = "政府信息公开年报"
NODE = re.compile(r"\{[^{}]*\}")
NODE_ID = re.compile(r"""["']?\b(?:organ_?id|id)["']?\s*:\s*["']?(\d{2,})["']?""", re.IGNORECASE)
NODE_NAME = re.compile(
    r"""["']?\b(?:organ_?name|name|title|text)["']?\s*:\s*["']([^"']{2,40})["']""", re.I
)
DATA = ("data-organid", "data-organ-id", "data-organ", "organid", "data-id")


def signature(page: Page) -> bool:
    """Whether the page is a column of the CMS, links to some, or is a label's answer."""
    return "/site/label/" in page.url or bool(
        COLUMN.search(page.url) or "/public/column/" in page.text or "/site/label/" in page.text
    )


def entries(page: Page) -> list[Entry]:
    """None of its own: the rows stand in the page as any list's do."""
    return []


def further(page: Page) -> list[FurtherRequest]:
    """The label's pages up to the count in a script; the next one where there is no count."""
    said = total(page)
    if "/site/label/" in page.url:
        now = _number(page.url)
        begin = now + 1
        if not static.entries(page):
            return []
    elif shows_rows(page):
        begin = 2
    else:
        return []
    last = begin if said is None else min(said, MOST_PAGES)
    return _pages(page, range(begin, last + 1)) or (_by_address(page) if begin == 2 else [])


def first(page: Page) -> list[FurtherRequest]:
    """The label's first page, for a page that leaves all its rows to it."""
    is_shell = "/site/label/" not in page.url and not shows_rows(page)
    return _pages(page, range(1, 2)) if is_shell else []


def columns(page: Page) -> list[Link]:
    """The columns of reports of the bodies that links, trees and data attributes name."""
    pattern = _pattern(page)
    if pattern is None:
        return []
    return [
        Link(COLUMN.sub(f"/public/column/{organ}", pattern, count=1), NAME, context=name)
        for organ, name in dict(_organs(page)).items()
    ]


def _pages(page: Page, numbers: Iterable[int]) -> list[FurtherRequest]:
    label = page.url if "/site/label/" in page.url else next(iter(_labels(page)), None)
    if label is None:
        return []
    parts = urlsplit(label)
    # `_` is a random number against caches.
    query = {name: value for name, value in parse_qsl(parts.query, True) if name != "_"}
    name = next(filter(is_page_name, query), "pageIndex")
    return [
        FurtherRequest(
            parts._replace(query=urlencode({**query, name: str(number)})).geturl(),
            headers={"X-Requested-With": "XMLHttpRequest", "Referer": page.url},
        )
        for number in numbers
    ]


def _number(url: str) -> int:
    query = parse_qsl(urlsplit(url).query)
    return next((int(value) for name, value in query if is_page_name(name) and value.isdigit()), 1)


def _pattern(page: Page) -> str | None:
    """The address of a column of reports on this site, as the site writes it."""
    for url in (page.url, *(link.url for link in page.links)):
        query = dict(parse_qsl(urlsplit(url).query))
        if COLUMN.search(url) and query.get("type") == "3" and not query.get("pageIndex"):
            return url
    return None


def _organs(page: Page) -> Iterator[tuple[str, str]]:
    for link in page.links:
        found = COLUMN.search(link.url)
        if found and names_body(link.label):
            yield found[1], link.label
    for element in page.tree.iter("a", "li", "span", "option", "div"):
        organ = next((str(element.get(name)) for name in DATA if element.get(name)), "")
        if element.tag == "option" and (element.get("value") or "").isdigit():
            organ = str(element.get("value"))
        clicked = re.search(
            r"\w+\(\s*['\"]?(\d{3,})", element.get("onclick") or element.get("href") or ""
        )
        organ = organ or (clicked[1] if clicked else "")
        if organ.isdigit() and names_body(name := "".join(element.text_content().split())):
            yield organ, name
    for script in page.scripts:
        for node in NODE.findall(script):
            number, named = NODE_ID.search(node), NODE_NAME.search(node)
            if number and named and names_body(named[1]):
                yield number[1], named[1]


def _labels(page: Page) -> Iterator[str]:
    """The addresses of the page's list, whatever page of it they ask for."""
    asked = [call.filled(1) for call in calls(page) if not call.moves]
    written = [f"{url}{'&' if '?' in url else '?'}{body}" if body else url for url, body in asked]
    quoted = [absolute(page.base, text.replace("&amp;", "&")) for text in LABEL.findall(page.text)]
    for url in (*written, *quoted):
        # Others count visits, or show who publishes.
        if url is not None and "/site/label/" in url and re.search("labelName=[^&]*List", url):
            yield url
    for script in page.scripts:
        for found in OBJECT.findall(script):
            given = {
                name: value.strip("\"'")
                for name, value in members(found).items()
                if re.fullmatch(r"""["'][^"']*["']|\d+|true|false""", value)
            }
            if "List" in given.get("labelName", ""):
                before = page.url.partition("/public/column/")[0] or page.url
                number = re.search(r"/site/label/(\d+)", page.text)
                root = (
                    before if "/public/column/" in page.url else urljoin(page.url, "/").rstrip("/")
                )
                yield f"{root}/site/label/{number[1] if number else 8888}?{urlencode(given)}"


def _by_address(page: Page) -> list[FurtherRequest]:
    """Columns that turn their pages by their own address."""
    said = total(page)
    if said is None or not COLUMN.search(page.url):
        return []
    parts = urlsplit(page.url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return [
        FurtherRequest(parts._replace(query=urlencode({**query, "pageIndex": k})).geturl())
        for k in range(2, min(said, MOST_PAGES) + 1)
    ]
