"""Pages told apart by a number in the address, whatever it is called and whoever writes it.

The pager is a row of links (`?page=2`, `page_2.html`, `/page-2/`), of calls (`goPage(2)`), or a
select; the numbers between those shown are filled in. A call's address is read from the page's
scripts, else from a form with a field for the number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

from lxml import html

from crawler.families.calls import SLOT, Call, calls, is_page_name, numbered, total
from crawler.families.mechanism import MOST_PAGES, Entry, FurtherRequest
from crawler.page import Page, absolute

WORDS = re.compile(
    r"(?:上|下|前|后|首|尾|末|最后)一?页?[>»›]*|第?\[?\d{1,4}\]?页?|\.{2,}|…|next|last|go|跳转|转到|确定"
    r"|[<>«»‹›]{1,2}",
    re.IGNORECASE,
)
TURNS = (
    "下一页",
    "下页",
    "后页",
    "尾页",
    "末页",
    "最后",
    "跳转",
    "pag",
    "Pag",
    "next",
    "Next",
    ">2<",
)
CALLED = re.compile(r"(?:javascript:)?\s*(?:return\s+)?([\w$.]+)\s*\(([^()]*)\)", re.IGNORECASE)
NO_PAGERS = re.compile(
    r"__doPostBack|open|search|print|favorite|login|size|font|share|alert|tab|slide|focus|pic", re.I
)
IN_PATH = re.compile(r"(?<=[/_-])(page[-_/]?)(\d{1,4})(?=\.[sj]?html?$|/?$)", re.IGNORECASE)
FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Pager:
    """What the pager's elements name: numbers of pages, and the addresses that hold one."""

    numbers: tuple[int, ...]
    addresses: tuple[str, ...]


def signature(page: Page) -> bool:
    """Whether the page has words of a pager, or is a piece of a page that was asked by number."""
    if page.json is not None:
        return False
    return any(word in page.text for word in TURNS) or numbered(page.url, page.sent) is not None


def entries(page: Page) -> list[Entry]:
    """None of its own: the rows stand in the page as any list's do."""
    return []


def further(page: Page) -> list[FurtherRequest]:
    """The pages up to the highest number that the pager or its total names, else the next one."""
    if is_piece(page):
        return _next_piece(page)
    pager = _pager(page)
    if patterns := _patterns(pager):
        return [
            FurtherRequest(pattern.replace(SLOT, str(number)))
            for pattern, least, highest in patterns
            for number in range(least, min(highest, MOST_PAGES) + 1)
        ]
    moving = next((call for call in calls(page) if call.moves), None)
    highest = max(pager.numbers, default=0)
    if highest < 2:
        # A pager of a library is drawn by its script: all there is to see is the total.
        following = _own_number(page) + 1
        is_told = moving is not None and following <= (total(page) or 0)
        return [request(moving, following)] if moving is not None and is_told else []
    if moving is not None:
        return [request(moving, number) for number in _up_to(highest)]
    return _by_form(page, highest)


def is_piece(page: Page) -> bool:
    """Whether this is a piece of HTML that a script puts into a page."""
    head = page.text[:2_000].lower()
    return page.json is None and "<html" not in head and "<!doctype" not in head


def request(call: Call, number: int, referer: str = "") -> FurtherRequest:
    """A script's call as a request for a page."""
    url, body = call.filled(number)
    kind = "application/json" if call.is_json else FORM_TYPE
    headers = {} if call.moves else {"X-Requested-With": "XMLHttpRequest"}
    if referer:
        headers["Referer"] = referer
    if call.method == "POST":
        headers["Content-Type"] = f"{kind}; charset=UTF-8"
    return FurtherRequest(url, call.method, body, headers)


def form_fields(form: html.HtmlElement) -> list[tuple[str, str]]:
    """What a browser would send of a form, its buttons left out."""
    fields: list[tuple[str, str]] = []
    for field in form.iter("input", "select", "textarea"):
        name = field.get("name")
        kind = (field.get("type") or "text").lower()
        if not name or kind in ("submit", "button", "image", "reset", "file"):
            continue
        if field.get("disabled") is not None:
            continue
        if kind in ("checkbox", "radio") and field.get("checked") is None:
            continue
        if field.tag == "select":
            options = list(field.iter("option"))
            chosen = next((one for one in options if one.get("selected") is not None), None)
            chosen = chosen if chosen is not None else next(iter(options), None)
            if chosen is not None:
                value = chosen.get("value")
                fields.append((name, value if value is not None else chosen.text_content().strip()))
            continue
        value = field.text_content() if field.tag == "textarea" else field.get("value")
        fields.append((name, value or ("on" if kind in ("checkbox", "radio") else "")))
    return fields


def _next_piece(page: Page) -> list[FurtherRequest]:
    pattern = numbered(page.url, page.sent)
    if pattern is None or not page.links:
        return []
    url, body, number = pattern
    text = str(number + 1)
    return [
        FurtherRequest(
            url.replace(SLOT, text), "POST" if page.sent else "GET", body.replace(SLOT, text)
        )
    ]


def _pager(page: Page) -> Pager:
    numbers: list[int] = []
    addresses: list[str] = []
    host = urlsplit(page.url).netloc
    for element in page.tree.iter("a", "button", "span", "li", "input", "td", "select"):
        if element.tag == "select":
            values = _turns_to(element)
            numbers.extend(int(value) for value in values if value.isdigit() and len(value) < 5)
            addresses.extend(_addresses(values, page, host))
            continue
        if element.tag in ("li", "span", "td") and not element.get("onclick"):
            continue
        if not WORDS.fullmatch(_said_by(element)):
            continue
        href = (element.get("href") or "").strip()
        numbers.extend(_told(element))
        for called in CALLED.finditer(
            f"{element.get('onclick') or ''} {href if ':' in href else ''}"
        ):
            if NO_PAGERS.search(called[1]):
                break
            arguments = [part.strip(" '\"") for part in called[2].split(",")]
            named = [part for part in arguments if part.isdigit() and len(part) < 5]
            label = re.sub(r"\D", "", _said_by(element))
            # page(2, 15): the size may stand beside the number.
            numbers.extend(int(part) for part in ([label] if label in named else named[:1]))
            addresses.extend(_addresses(arguments, page, host))
        if href and not href.lower().startswith(("javascript:", "#")):
            addresses.extend(_addresses([href], page, host))
    return Pager(tuple(numbers), tuple(dict.fromkeys(addresses)))


def _told(element: html.HtmlElement) -> list[int]:
    """The number in an attribute: data-page, page, paged."""
    return [
        int(value)
        for name, value in element.attrib.items()
        if is_page_name(name.removeprefix("data-")) and value.isdigit() and len(value) < 5
    ]


def _turns_to(select: html.HtmlElement) -> list[str]:
    """What a select of pages offers: numbers that follow each other, or addresses."""
    said = " ".join(str(select.get(name) or "") for name in ("onchange", "name", "id", "class"))
    if not re.search(r"page|jump|goto|location|this\.value", said, re.IGNORECASE):
        return []
    values = [(one.get("value") or one.text or "").strip() for one in select.iter("option")]
    # 10, 20, 50 rows a page are no pages.
    follow = values[:2] in (["1", "2"], ["0", "1"], ["1"])
    return values if follow or not any(value.isdigit() for value in values) else []


def _said_by(element: html.HtmlElement) -> str:
    text = "".join(element.text_content().split())
    return text or "".join((element.get("title") or element.get("value") or "").split())


def _addresses(values: list[str], page: Page, host: str) -> Iterator[str]:
    for value in values:
        url = absolute(page.base, value) if re.search(r"[?&/._-]", value) else None
        if url and urlsplit(url).netloc == host and _number_of(url) is not None:
            yield url


def _number_of(url: str) -> tuple[str, int] | None:
    """An address with SLOT for its page's number, and the number."""
    parts = urlsplit(url)
    for name, value in parse_qsl(parts.query):
        if is_page_name(name) and value.isdigit() and len(value) < 5:
            pattern = re.sub(rf"([?&]{re.escape(name)}=){value}(?=&|$)", rf"\g<1>{SLOT}", url)
            return pattern, int(value)
    if found := IN_PATH.search(parts.path):
        path = parts.path[: found.start(2)] + SLOT + parts.path[found.end(2) :]
        return parts._replace(path=path).geturl(), int(found[2])
    return None


def _patterns(pager: Pager) -> list[tuple[str, int, int]]:
    """The addresses of the pager with SLOT in them, each with its lowest and highest number."""
    found: dict[str, list[int]] = {}
    for url in pager.addresses:
        numbered_url = _number_of(url)
        if numbered_url is not None:
            found.setdefault(numbered_url[0], []).append(numbered_url[1])
    return [
        # Page 1 is the list itself by another name, unless its pages are counted from 0.
        (pattern, 1 if 0 in numbers else 2, max(numbers))
        for pattern, numbers in found.items()
        if max(numbers) > 0
    ]


def _own_number(page: Page) -> int:
    known = _number_of(page.url)
    return known[1] if known else 1


def _up_to(highest: int) -> range:
    return range(2, min(highest, MOST_PAGES) + 1)


def _by_form(page: Page, highest: int) -> list[FurtherRequest]:
    """A form that holds the number: what a script of another file fills in and sends."""
    for form in page.tree.iter("form"):
        fields = form_fields(form)
        names = [name for name, _ in fields if is_page_name(name)]
        if not names:
            continue
        url = absolute(page.base, form.get("action") or page.url)
        if url is None or urlsplit(url).netloc != urlsplit(page.url).netloc:
            continue
        is_post = (form.get("method") or "get").lower() == "post"
        requests = []
        for number in _up_to(highest):
            # Both 当前页 and 转到 may have a field of their own.
            given = [(name, str(number) if name in names else value) for name, value in fields]
            text = urlencode(given, quote_via=quote_plus)
            if is_post:
                headers = {"Referer": page.url, "Content-Type": FORM_TYPE}
                requests.append(FurtherRequest(url, "POST", text, headers))
            else:
                address = urlsplit(url)._replace(query=text).geturl()
                requests.append(FurtherRequest(address))
        return requests
    pattern = _number_of(page.url)
    if pattern is not None:
        return [FurtherRequest(pattern[0].replace(SLOT, str(n))) for n in _up_to(highest)]
    return []
