"""Hanweb's 信息公开 module: lists that `search.jsp` hands out for a form, page by page.

What the form holds stands in the call of a script, in hidden fields, in the query of an address,
or in variables; a column's own address may say category (`number`) and body (`vc_xxgkarea`). Both
skins are read: the national template's box and the older table of odd and even rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from crawler.families import static
from crawler.families.mechanism import MOST_PAGES, Entry, FurtherRequest, row_entry
from crawler.page import Page

SEARCH = re.compile(
    r"""["'(=\s](?P<url>[^"'()=\s<>]*?/?(?:module/)?xxgk/search\.jsp)(?:\?(?P<query>[^"'\s<>]*))?""",
    re.I,
)
# The form's fields, in the order that browsers were seen to send them.
FIELDS = (
    "divid", "infotypeId", "jdid", "area", "unit", "keyWord", "vc_title", "vc_number",
    "vc_filenumber", "vc_all", "texttype", "fbtime", "isAllList", "sortfield", "requestUrl",
    "standardXxgk",
)  # fmt: skip
NAMES = {name.lower(): name for name in (*FIELDS, "currpage")}
MEMBER = re.compile(
    r"""(?<![\w.#$-])["']?(?P<name>[A-Za-z_]\w*)["']?\s*[:=](?!=)\s*(?:"(?P<a>[^"<>\n]*)"|'(?P<b>[^'<>\n]*)'|(?P<c>\d+)\b)"""
)
REFERENCE = re.compile(
    r"""["']?(?P<name>[A-Za-z_]\w*)["']?\s*:\s*(?:(?:\$|jQuery)\(\s*["']#(?P<id>[\w-]+)["']\s*\)\.val\("""
    r"""|(?:document\.)?getElementById\(\s*["'](?P<element>[\w-]+)["']\s*\)\.value)"""
)
AREA = re.compile(r"""tree\.jsp\?[^"']*?\barea=(\w+)""")
PAGES = re.compile(
    r"共(\d{1,4})页|第\d{1,4}/(\d{1,4})|(?<!\d)\d{1,4}/共?(\d{1,4})页|页次?[:：]?\d{1,4}/(\d{1,4})"
    r"|总页数[:：]?(\d{1,4})"
)
ROWS = re.compile(r"共(?:有)?(\d{1,6})(?:条|篇|个|项)")
COUNTS = re.compile(
    r"""\b(?:total_?pages?|page_?count|count_?page|pages)["']?\s*[:=]\s*["']?(\d{1,4})\b""", re.I
)
CALLED = re.compile(r"""(?:go|to|page|jump|turn|search)\w*\(\s*["']?(\d{1,4})["']?\s*\)""", re.I)
OLD_ROWS = "//tr[contains(@class, 'tr_main_value')]"
FORM_TYPE = "application/x-www-form-urlencoded; charset=UTF-8"


def signature(page: Page) -> bool:
    """Whether the page asks the module for a list, or is its answer."""
    return "xxgk/search.jsp" in page.url or "xxgk/search.jsp" in page.text


def entries(page: Page) -> list[Entry]:
    """The rows of the older skin; those of the other are the national template's."""
    rows = (row_entry(row, page.base) for row in page.tree.xpath(OLD_ROWS))
    return [row for row in rows if row is not None]


def further(page: Page) -> list[FurtherRequest]:
    """The other pages, by the count that page or answer states; else the next one."""
    address, form = _form(page)
    if "search.jsp" not in page.url and (not form or _is_framed(page)):
        return []
    number = _number(page)
    last = _last(page)
    if last is None:
        has_rows = any(entry.date for entry in _rows(page))
        numbers = range(number + 1, number + 2) if has_rows else range(0)
    else:
        numbers = range(2, min(last, MOST_PAGES) + 1)
    return [_request(address, form, k, page) for k in numbers if k != number]


def knows_all(page: Page) -> bool:
    """Whether nothing else on the page leads on: the module's pager calls a script."""
    return "search.jsp" in page.url or bool(_form(page)[1])


def inside(page: Page) -> list[FurtherRequest]:
    """The first page of a list that a script fetches: where the page shows no rows of its own.

    A column whose address names the category shows any rows but its own.
    """
    if "search.jsp" in page.url or _is_framed(page):
        return []
    address, form = _form(page)
    is_chosen = bool(_chosen(page))
    if not form or not (is_chosen or not any(entry.date for entry in _rows(page))):
        return []
    return [_request(address, form, 1, page)]


def instead(url: str, form: str) -> list[FurtherRequest]:
    """The same list by GET, where a POST is refused."""
    parts = urlsplit(url)
    if not form or not parts.path.endswith("search.jsp"):
        return []
    query = "&".join(filter(None, (parts.query, form)))
    return [FurtherRequest(parts._replace(query=query).geturl())]


def _is_framed(page: Page) -> bool:
    """Whether a frame of the page shows the list, and leads on itself."""
    return any("search.jsp?" in url and "infotypeId=" in url for url in page.frames)


def _rows(page: Page) -> list[Entry]:
    return entries(page) or static.entries(page)


def _request(address: str, form: Mapping[str, str], number: int, page: Page) -> FurtherRequest:
    body = urlencode({**form, "currpage": str(number)}, quote_via=quote)
    if "search.jsp" in page.url and not page.sent:
        return FurtherRequest(urlsplit(address)._replace(query=body).geturl())
    headers = {
        "Content-Type": FORM_TYPE,
        "X-Requested-With": "XMLHttpRequest",
        "Referer": form.get("requestUrl") or page.url,
    }
    # An answer goes on with the headers that brought it.
    return FurtherRequest(address, "POST", body, {} if page.sent else headers)


def _form(page: Page) -> tuple[str, dict[str, str]]:
    """Where the module is asked, and what the form holds; empty where no list is told."""
    if "search.jsp" in page.url:
        return _address_of_answer(page), _form_of_answer(page)
    found = SEARCH.search(page.text)
    if found is None:
        return "", {}
    address = urljoin(page.base, found["url"])
    said: dict[str, str] = {}
    for name, value in _said(page, found):
        said.setdefault(name, value)
    if not said.get("area") and (area := AREA.search(page.text)) and "area" not in said:
        said["area"] = area[1]
    said |= _chosen(page)
    if not (said.get("infotypeId") or said.get("area")):
        return "", {}
    return address, {name: said[name] for name in FIELDS if name in said}


def _said(page: Page, found: re.Match[str]) -> Iterator[tuple[str, str]]:
    """Fields and values by how near they stand to the call."""
    around = page.text[max(0, found.start() - 600) : found.end() + 1_500]
    yield from _referred(around, page)
    yield from _members(around[600 if found.start() > 600 else found.start() :])
    yield from _members(around)
    for name, value in parse_qsl(unescape(found["query"] or ""), keep_blank_values=True):
        yield NAMES.get(name.lower(), name), value
    for field in page.tree.iter("input"):
        hidden = NAMES.get((field.get("name") or field.get("id") or "").lower())
        if hidden and hidden != "currpage":
            yield hidden, field.get("value") or ""
    for script in page.scripts:
        yield from _members(script)


def _referred(text: str, page: Page) -> Iterator[tuple[str, str]]:
    """Fields whose values stand in inputs of the page, by another name."""
    for match in REFERENCE.finditer(text):
        name = NAMES.get(match["name"].lower())
        if name is None or name == "currpage":
            continue
        for field in page.tree.iter("input", "select"):
            if (match["id"] or match["element"]) in (field.get("id"), field.get("name")):
                yield name, field.get("value") or ""
                break


def _members(text: str) -> Iterator[tuple[str, str]]:
    for match in MEMBER.finditer(text):
        name = NAMES.get(match["name"].lower())
        if name and name != "currpage":
            yield name, match["a"] or match["b"] or match["c"] or ""
    for literal in re.findall(r"""["']([^"'\s]*infotypeId=[^"'\s]*)["']""", text):
        for name, value in parse_qsl(unescape(literal), keep_blank_values=True):
            if name.lower() in NAMES and name.lower() != "currpage":
                yield NAMES[name.lower()], value


def _chosen(page: Page) -> dict[str, str]:
    """What the column's own address chooses: ?number=0-C001-003&vc_xxgkarea=…"""
    query = dict(parse_qsl(urlsplit(page.url).query))
    chosen = {"infotypeId": query.get("number", ""), "area": query.get("vc_xxgkarea", "")}
    return {name: value for name, value in chosen.items() if value}


def _address_of_answer(page: Page) -> str:
    parts = urlsplit(page.url)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True)]
    # A number in the address would outdo the form's.
    kept = [(name, value) for name, value in query if name.lower() != "currpage"]
    return parts._replace(query=urlencode(kept, quote_via=quote)).geturl()


def _form_of_answer(page: Page) -> dict[str, str]:
    text = page.sent or urlsplit(page.url).query
    return {
        name: value
        for name, value in parse_qsl(text, keep_blank_values=True)
        if name.lower() != "currpage"
    }


def _number(page: Page) -> int:
    """The number of this page."""
    given = dict(parse_qsl(page.sent)) or dict(parse_qsl(urlsplit(page.url).query))
    number = given.get("currpage", "") if "search.jsp" in page.url else ""
    return int(number) if number.isdigit() and number != "0" else 1


def _last(page: Page) -> int | None:
    """How many pages there are."""
    if found := PAGES.search(page.visible):
        return int(next(filter(None, found.groups())))
    rows = sum(bool(entry.date) for entry in _rows(page))
    # Only a first page is sure to be full.
    if (found := ROWS.search(page.visible)) and rows and _number(page) == 1:
        return -(-int(found[1]) // rows)
    for script in page.scripts:
        if counted := COUNTS.search(script):
            return int(counted[1])
    called = [
        int(number)
        for element in page.tree.iter("a", "span", "li", "input", "option")
        for number in CALLED.findall(f"{element.get('href') or ''} {element.get('onclick') or ''}")
    ]
    # The pager of the last page names none beyond it.
    return max([*called, _number(page)]) if len(called) > 1 else None
