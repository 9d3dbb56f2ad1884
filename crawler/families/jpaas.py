"""jpaas, Hanweb's build of units: a script's attributes say what to ask, HTML comes inside JSON.

The parameters stand in `queryData` with single quotes, their spelling is the server's (also
`bulidstatic`). Page 2 is asked for with `paramJson`; a bare number is ignored. How many there are
is count / rows of the pager's element, rounded up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from crawler.families import national, static
from crawler.families.mechanism import MOST_PAGES, Entry, FurtherRequest
from crawler.page import Link, Page

UNIT = "/api-gateway/jpaas-publish-server/front/page/build/unit"
PAIR = re.compile(r"""["']([\w.-]+)["']\s*:\s*(?:'([^']*)'|"([^"]*)"|([\w.-]+))""")
# Parts of a page that hold no list and no way to one.
FURNITURE = re.compile(
    r"页头|页脚|头部|底部|顶部|尾部|轮播|友情链接|搜索|天气|header|footer|banner", re.I
)
MOST_UNITS = 12


def signature(page: Page) -> bool:
    """Whether the page is put together of units, or is one of them."""
    return "querydata" in page.text[:200_000].lower() or bool(_fragment(page))


def entries(page: Page) -> list[Entry]:
    """The rows in the HTML of a unit."""
    inner = _inner(page)
    if inner is None:
        return []
    return (national.signature(inner) and national.entries(inner)) or static.entries(inner)


def columns(page: Page) -> list[Link]:
    """The links in the HTML of a unit."""
    inner = _inner(page)
    return list(inner.links) if inner is not None else []


def inside(page: Page) -> list[FurtherRequest]:
    """The units that a script puts into this page."""
    if page.json is not None:
        return []
    headers = {"Referer": page.url, "X-Requested-With": "XMLHttpRequest"}
    addresses = list(dict.fromkeys(_units(page)))[:MOST_UNITS]
    return [FurtherRequest(address, headers=headers) for address in addresses]


def further(page: Page) -> list[FurtherRequest]:
    """The unit's other pages, by rows and count of its pager; where it has none, the next one."""
    inner = _inner(page)
    if inner is None:
        return []
    parts = urlsplit(page.url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    number, size = _asked_for(query.pop("paramJson", ""))
    rows, count = _paging(inner, page)
    if rows and count is not None:
        numbers = range(2, min(-(-count // rows), MOST_PAGES) + 1)
    elif inner.tree.xpath("//*[contains(@class, 'pag')]") and entries(page):
        numbers, rows = range(number + 1, number + 2), rows or size
    else:
        return []
    asked = [
        json.dumps({"pageNo": k, "pageSize": str(rows or 15)}, separators=(",", ":"))
        for k in numbers
    ]
    return [
        FurtherRequest(
            parts._replace(query=urlencode({**query, "paramJson": one}, quote_via=quote)).geturl()
        )
        for one in asked
    ]


def knows_all(page: Page) -> bool:
    """Whether nothing else leads on: a unit."""
    return _inner(page) is not None


def _units(page: Page) -> Iterator[str]:
    for element in page.tree.xpath("//*[@querydata]"):
        query = {name: a or b or c for name, a, b, c in PAIR.findall(element.get("querydata"))}
        if not query or FURNITURE.search(query.get("tagId", "")):
            continue
        address = urljoin(page.base, (element.get("url") or UNIT).strip())
        joint = "&" if "?" in address else "?"
        yield f"{address}{joint}{urlencode(query, quote_via=quote)}"


def _inner(page: Page) -> Page | None:
    """A unit's HTML as a page of its own."""
    text = _fragment(page)
    return Page(page.url, text) if text else None


def _fragment(page: Page) -> str:
    return _html_in(page.json, 0) if isinstance(page.json, dict) else ""


def _html_in(value: Any, depth: int) -> str:
    """The HTML in an answer: a string of that name, or `data` itself."""
    if not isinstance(value, dict) or depth > 3:
        return ""
    for name in ("html", "data", "content", "result"):
        inner = value.get(name)
        if isinstance(inner, str) and re.search(r"<\w+[\s>]", inner) and "<datastore" not in inner:
            return inner
        if isinstance(inner, dict) and (found := _html_in(inner, depth + 1)):
            return found
    return ""


def _asked_for(parameters: str) -> tuple[int, int]:
    """Number and size of the page that was asked for."""
    found = dict(re.findall(r'"(pageNo|pageSize)"\s*:\s*"?(\d+)', parameters))
    return int(found.get("pageNo", 1)), int(found.get("pageSize", 0))


def _paging(inner: Page, page: Page) -> tuple[int, int | None]:
    """Rows a page and rows in all, as the pager's element or the answer says."""
    for element in inner.tree.xpath("//*[@count]"):
        rows = element.get("rows") or element.get("pagesize") or element.get("limit") or ""
        if element.get("count", "").isdigit() and rows.isdigit() and int(rows):
            return int(rows), int(element.get("count"))
    data = page.json.get("data")
    said = {
        name.lower(): value
        for name, value in {**page.json, **(data if isinstance(data, dict) else {})}.items()
    }
    for count, rows in (
        ("total", "rows"),
        ("count", "rows"),
        ("total", "pagesize"),
        ("totalcount", "pagesize"),
    ):
        if re.fullmatch(r"\d+", str(said.get(count))) and re.fullmatch(
            r"[1-9]\d*", str(said.get(rows))
        ):
            return int(said[rows]), int(said[count])
    return 0, None
