"""Hanweb jpage and TrueCMS: records in a `<datastore>`, the rest from a proxy.

The proxy takes chunks of three screens and wants a Referer; a plain `?page=` is the older way,
kept by servers that ignore `startrecord`. The answers are datastores too, or, from the oldest
path, a script with `dataStore = [...]`. TrueCMS hands its datastore out as JSONP and hides the
first rows in `#initData`. Where the markup names no next group, the call of `jpage` names proxy
and parameters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from lxml import html

from crawler.families.mechanism import MOST_PAGES, Entry, FurtherRequest, row_entry
from crawler.page import Page

STORE = re.compile(r"<datastore\b.*?(?:</datastore>|\Z)", re.DOTALL | re.IGNORECASE)
RECORD = re.compile(r"<record>", re.IGNORECASE)
LITERAL = re.compile(r"""(["'])((?:\\.|(?!\1).)*)\1""", re.DOTALL)
OLD_STORE = re.compile(
    r"""dataStore["']?\s*[=:]\s*\[\s*((?:(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')\s*(?:,\s*)?)*)\]""",
    re.DOTALL,
)
TOTAL = re.compile(r"totalRecord['\"]?\s*[:=>]\s*['\"]?(\d+)", re.IGNORECASE)
SCREEN = re.compile(r"perPage['\"]?\s*[:=]\s*['\"]?(\d+)", re.IGNORECASE)
CALL = re.compile(r"""(?:["'#(](?P<id>[\w-]+)["'][^"'()]*\)\s*)?\.jpage\s*\(\s*\{""")
PROXY = re.compile(
    r"""proxyUrl["']?\s*:\s*(?:(?:[\w.$()]+\s*\+\s*)?["']([^"']+)["']|([A-Za-z_$][\w$]*))""",
    re.IGNORECASE,
)
PARAMETERS = re.compile(r"ajaxParam[\"']?\s*:\s*\{([^{}]*)\}", re.IGNORECASE)
PARAMETER = re.compile(r"""["']?([A-Za-z_]\w*)["']?\s*:\s*(?:"([^"]*)"|'([^']*)'|([\w./-]+))""")
# Between two calls of jpage; a longer script has its data inside.
CALL_LENGTH = 4_000
MOST_CALLS = 50
MOST_RECORDS = 5_000
# TrueCMS's first rows.
HIDDEN = "//*[@id='initData']//*[self::li or self::tr][.//a]"
# What the proxy's form holds, in its order.
FORM = (
    "col",
    "appid",
    "webid",
    "path",
    "columnid",
    "sourceContentType",
    "unitid",
    "webname",
    "permissiontype",
)
# What asks for a chunk.
CHUNK = ("startrecord", "endrecord", "perpage")
FIXED = {"col": "1", "appid": "1", "sourceContentType": "1", "permissiontype": "0"}
DEFAULT_SCREEN = 15


@dataclass(frozen=True, slots=True)
class _Group:
    """One list of a page: its records, and how the rest of it is asked for."""

    records: list[str]
    link: str = ""
    """Address of the next group, of the older way."""
    proxy: str = ""
    parameters: Mapping[str, str] | None = None
    total: int | None = None
    screen: int | None = None

    @property
    def is_truecms(self) -> bool:
        return urlsplit(self.proxy).path.endswith(".do")


def signature(page: Page) -> bool:
    """Whether the page holds a datastore, is one, or calls for one."""
    return any(mark in page.text for mark in ("<datastore", "dataStore", ".jpage("))


def entries(page: Page) -> list[Entry]:
    """The records present on this page, and the rows that TrueCMS hides in it."""
    found: list[Entry] = []
    for record in (record for group in _groups(page) for record in group.records):
        fragment = html.fragment_fromstring(record or "<i></i>", create_parent="ul")
        if entry := row_entry(fragment, page.base):
            found.append(entry)
    for row in page.tree.xpath(HIDDEN):
        if entry := row_entry(row, page.base):
            found.append(entry)
    return found


def further(page: Page) -> list[FurtherRequest]:
    """The chunks that the page's total asks for, else the next chunk or group."""
    if "startrecord=" in page.url:
        return _rest_of_chunk(page)
    if "dataproxy.jsp" in page.url:
        link = _groups(page)[0].link if _groups(page) else ""
        return [FurtherRequest(link)] if link and entries(page) else []
    return [request for group in _groups(page) for request in _rest(group, page)]


def inside(page: Page) -> list[FurtherRequest]:
    """The whole of a list of which the page shows nothing; capped answers go on by themselves."""
    if page.json is not None or "startrecord=" in page.url or "dataproxy.jsp" in page.url:
        return []
    if page.tree.xpath("//*[@id='initData']//a"):
        return []
    headers = {"Referer": page.url, "X-Requested-With": "XMLHttpRequest"}
    found: list[FurtherRequest] = []
    for group in _groups(page):
        if group.records or group.total == 0 or not group.proxy:
            continue
        if group.is_truecms:
            found.append(_truecms(group, 0, headers))
        else:
            end = group.total or MOST_PAGES * DEFAULT_SCREEN
            found.append(_chunk(group, 1, end, headers))
    return found


def knows_all(page: Page) -> bool:
    """Whether nothing else leads on: an answer of the proxy."""
    return "startrecord=" in page.url or "dataproxy.jsp" in page.url


def otherwise(page: Page) -> list[FurtherRequest]:
    """The next group's link, for servers that ignore which chunk was asked for."""
    # The first group, asked for by number, is often what the column's page shows itself.
    again = "dataproxy.jsp" in page.url and "page=1&" in f"{page.url}&"
    if not (again or "startrecord=" in page.url):
        return []
    return [FurtherRequest(group.link) for group in _groups(page) if group.link]


def instead(url: str, form: str) -> list[FurtherRequest]:
    """The same chunk by GET, for proxies that refuse a POST; then the older way's first group."""
    parts = urlsplit(url)
    if "startrecord=" not in parts.query or parts.path.endswith(".do"):
        return []
    if not form:
        said = parse_qsl(parts.query, keep_blank_values=True)
        kept = [(name, value) for name, value in said if name.lower() not in CHUNK]
        query = urlencode([("page", "1"), *kept], quote_via=quote)
        return [FurtherRequest(parts._replace(query=query).geturl())] if kept else []
    return [FurtherRequest(parts._replace(query=f"{parts.query}&{form}").geturl())]


def _groups(page: Page) -> list[_Group]:
    """The lists of a page, each with the call of jpage that is about it."""
    text = _store_text(page)
    stores = STORE.findall(text)
    calls = _calls(page) if page.json is None else []
    if not stores:
        records = _old_records(text)
        if not calls:
            return [_Group(records)] if records else []
        # One list alone may have its numbers in variables before the call.
        rest = f"\n{text}" if len(calls) == 1 else ""
        return [_group(records, "", call + rest, page) for _, call in calls]
    found: list[_Group] = []
    for number, store in enumerate(stores):
        link = _next_group(store, page)
        unit = dict(parse_qsl(urlsplit(link).query)).get("unitid", "")
        named = [call for name, call in calls if unit and (name == unit or unit in call)]
        beside = [calls[number][1]] if len(calls) == len(stores) else []
        # One list alone may have its numbers anywhere on the page.
        others = [page.text] if len(stores) == 1 else []
        call = next(iter(named + beside + others), "")
        if not TOTAL.search(call) and others:
            call = f"{call}\n{page.text}"
        found.append(_group(_records(store), link, call, page))
    return found


def _group(records: list[str], link: str, call: str, page: Page) -> _Group:
    total, screen, called = TOTAL.search(call), SCREEN.search(call), PROXY.search(call)
    proxy = (called[1] or _value(called[2], page)) if called else ""
    given = PARAMETERS.search(call)
    parameters = (
        {name: a or b or _value(c, page) for name, a, b, c in PARAMETER.findall(given[1])}
        if given
        else {}
    )
    if link:
        query = dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))
        parameters = {**parameters, **query}
    return _Group(
        records,
        link,
        urljoin(link, urlsplit(link).path)
        if link
        else (urljoin(page.base, proxy) if proxy else ""),
        parameters,
        int(total[1]) if total else None,
        max(1, int(screen[1])) if screen else None,
    )


def _value(written: str, page: Page) -> str:
    """A number as it stands; for a name what the page's script gives it."""
    said = re.search(rf"""\b{re.escape(written)}\s*[=:]\s*["']([^"']+)["']""", page.text)
    return written if not said or written.isdigit() else said[1]


def _calls(page: Page) -> list[tuple[str, str]]:
    """The element's id and the options of each call of jpage, as they are written."""
    text = STORE.sub("", page.text)
    starts = list(islice(CALL.finditer(text), MOST_CALLS))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    return [
        (match["id"] or "", text[match.start() : min(end, match.end() + CALL_LENGTH)])
        for match, end in zip(starts, ends, strict=False)
    ]


def _rest(group: _Group, page: Page) -> list[FurtherRequest]:
    """The requests for what a group has beyond the records on its page."""
    headers = {"Referer": page.url, "X-Requested-With": "XMLHttpRequest"}
    if group.is_truecms:
        shown = len(group.records) or len(page.tree.xpath(HIDDEN))
        return [] if shown == group.total else [_truecms(group, shown, headers)]
    if not group.proxy:
        return []
    if group.total is None or (group.screen is None and group.link):
        return [FurtherRequest(group.link, headers=headers)] if group.link else []
    present, size = len(group.records), group.screen or DEFAULT_SCREEN
    chunk = 3 * size
    # Chunks start where the server would cut them: 1, 1 + chunk, …
    first = present // chunk * chunk + 1 if present >= chunk else 1
    starts = range(first, min(group.total, MOST_PAGES * size) + 1, chunk)
    return [
        _chunk(group, start, min(start + chunk - 1, group.total), headers)
        for start in starts
        if start > present or min(start + chunk - 1, group.total) > present
    ]


def _chunk(group: _Group, start: int, end: int, headers: Mapping[str, str]) -> FurtherRequest:
    """Records `start` to `end`, as the script asks for them."""
    parameters = {**FIXED, **(group.parameters or {})}
    form = {name: parameters[name] for name in FORM if name in parameters}
    size = group.screen or DEFAULT_SCREEN
    return FurtherRequest(
        f"{group.proxy}?startrecord={start}&endrecord={end}&perpage={size}",
        method="POST",
        body=urlencode(form, quote_via=quote),
        headers={**headers, "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"},
    )


def _truecms(group: _Group, shown: int, headers: Mapping[str, str]) -> FurtherRequest:
    """The chunk after what the page shows; how many there are only the answers tell."""
    size = group.screen or DEFAULT_SCREEN
    query = {
        "startrecord": shown + 1,
        "endrecord": shown + 3 * size,
        "perpage": size,
        **(group.parameters or {}),
        "callback": "cb",
    }
    return FurtherRequest(f"{group.proxy}?{urlencode(query)}", headers=headers)


def _rest_of_chunk(page: Page) -> list[FurtherRequest]:
    """What an answer left out of its chunk: some servers cap it below what was asked for.

    TrueCMS is asked chunk by chunk until one is empty or its total is reached.
    """
    parts = urlsplit(page.url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    start, end = query.get("startrecord", ""), query.get("endrecord", "")
    count = sum(len(group.records) for group in _groups(page))
    if not (start.isdigit() and end.isdigit()) or count == 0:
        return []
    following, last = int(start) + count, int(end)
    is_truecms = parts.path.endswith(".do")
    if is_truecms:
        total = TOTAL.search(_store_text(page))
        if following > (int(total[1]) if total else MOST_PAGES * count):
            return []
        last = max(last, following + int(end) - int(start)) if following > last else last
    elif following > last:
        return []
    query |= {"startrecord": str(following), "endrecord": str(last)}
    url = parts._replace(query=urlencode(query, quote_via=quote)).geturl()
    by_get = is_truecms or "columnid" in query
    return [FurtherRequest(url, method="GET" if by_get else "POST")]


def _store_text(page: Page) -> str:
    """The text that holds the records: the page's, or the result of a JSON answer."""
    if isinstance(page.json, dict):
        texts = [value for value in page.json.values() if isinstance(value, str)]
        return next((text for text in texts if "<datastore" in text), "")
    if "<datastore" in page.text:
        # In a script's string the quotes of the rows are escaped.
        return page.text.replace("\\'", "'").replace('\\"', '"').replace("\\/", "/")
    return page.text


def _records(store: str) -> list[str]:
    """The records of a datastore, each as HTML."""
    pieces = (piece.partition("<![CDATA[")[2] for piece in RECORD.split(store, MOST_RECORDS)[1:])
    ended = (piece.partition("]]>") for piece in pieces)
    return [inner for inner, end, _ in ended if end and inner.strip()]


def _old_records(text: str) -> list[str]:
    """The strings of a script's array, each as HTML."""
    match = OLD_STORE.search(text)
    literals = islice(LITERAL.finditer(match[1]), MOST_RECORDS) if match else ()
    return [re.sub(r"\\(.)", r"\1", one[2]) for one in literals]


def _next_group(store: str, page: Page) -> str:
    group = store.partition("<nextgroup>")[2].partition("</nextgroup>")[0]
    link = re.search(r"""href\s*=\s*["']([^"']+)["']""", group)
    return urljoin(page.base, link[1].replace("&amp;", "&")) if link else ""
