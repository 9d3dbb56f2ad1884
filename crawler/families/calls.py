"""What a page's scripts would ask the server for: addresses and forms with a page's number in them.

Not an interpreter: it reads string literals joined by `+`, variables that hold literals, parts of
the page's own query and its hidden fields. What it cannot read it leaves out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlsplit

from crawler.page import Page, absolute

# Stands where the number of the page goes.
SLOT = "\x00"
# Stands for what cannot be read.
UNKNOWN = "\x01"
MOST_AT_ONCE = 100
# The names of a page's number, in lower case without _ and -.
PAGE_NAMES = frozenset(
    """page pageindex pageno pagenum pagenumber pageidx currentpage curpage currpage cpage nowpage
    nowpageindex pagenow pagecurrent currentpageno currentpageindex curpageno current curr cur p pn
    pg gopage topage jumppage startpage thispage spage ipage intpage""".split()
)
# What scripts call the number, where they do not call it by one of the names above.
NUMBERS = frozenset("n i k x a b num index number pagename newpage nextpage toindex".split())
TOTALS = re.compile(
    r"""\b(?:page_?counts?|total_?pages?|pages|page_?total|count_?page|max_?page(?:num)?)["']?"""
    r"""\s*[:=]\s*["']?(\d{1,5})\b""",
    re.IGNORECASE,
)
# Pagers of libraries are told how many rows there are, and how many a page has.
ROWS = re.compile(
    r"""\b(?:count|total|totals?_?(?:counts?|rows?|records?|num|items?)|(?:record|row|item|data)_?count)["']?"""
    r"""\s*:\s*["']?(\d{1,6})\b""",
    re.IGNORECASE,
)
SIZES = re.compile(
    r"""\b(?:limit|page_?size|per_?page|items_?per_?page|show_?data|page_?rows)["']?\s*:\s*["']?(\d{1,3})\b""",
    re.IGNORECASE,
)
_GAP = r"(?:\s|&nbsp;|<[^<>]{0,200}>)*"
SAID_TOTALS = re.compile(
    rf"共{_GAP}(\d{{1,4}}){_GAP}页|总页数{_GAP}[:：]?{_GAP}(\d{{1,4}})"
    rf"|(?<!\d)\d{{1,4}}{_GAP}/{_GAP}(\d{{1,4}}){_GAP}页|页次{_GAP}[:：]?{_GAP}\d+{_GAP}/{_GAP}(\d{{1,4}})"
)
_LITERAL = re.compile(r"""(["'`])((?:\\.|(?!\1).)*)\1""", re.DOTALL)
_VARIABLE = re.compile(
    r"(?:\b(?:var|let|const)\s+|[,;{}\n]\s*|^\s*)([A-Za-z_$][\w$]*)\s*=(?![=>])\s*"
)
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$.]*(?:\(\))?")
_FIELD = re.compile(
    r"""\$\(\s*["']#([\w-]+)["']\s*\)\.(?:val|attr|text|html)\(|getElementById\(\s*["']([\w-]+)["']\s*\)\.value"""
)
# What a script reads from a <meta> of its page.
_META = re.compile(
    r"""\[\s*name\s*=\s*\\?["']?([\w-]+)\\?["']?\s*\].*?(?:content\b|getAttribute)"""
    r"""|getElementsByName\(\s*["']([\w-]+)["']\s*\)\s*\[0\]\s*\.(?:content\b|getAttribute)""",
    re.IGNORECASE,
)
_QUERY = re.compile(r"""[\w.$]*\(\s*["']([\w-]+)["'](?:\s*,[^()]*)?\)""")
_LOCATION = re.compile(
    r"\blocation(?:\.href)?\s*=(?!=)|\blocation\.(?:assign|replace)\s*\(|\bwindow\.open\s*\("
)
_AJAX = re.compile(r"\b[\w$.]*ajax\s*\(\s*(?=\{)|\baxios\s*\(\s*(?=\{)", re.IGNORECASE)
_SHORT = re.compile(
    r"(?:\$|\bjQuery|\baxios|\bhttp|\brequest)\.(get|post|getJSON|getScript)\s*\(|(?<![\w.])(fetch)\s*\("
    r"|\.(load)\s*\(",
    re.IGNORECASE,
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Call:
    """A request that a script makes, with SLOT where the number of a page goes.

    `first` is the number of the first page; `moves` tells that the browser goes there itself.
    """

    url: str
    method: str = "GET"
    body: str = ""
    is_json: bool = False
    first: int = 1
    moves: bool = False

    def filled(self, number: int) -> tuple[str, str]:
        """Address and form for a page, the first of all being number 1."""
        text = str(number - 1 + self.first)
        return self.url.replace(SLOT, text), self.body.replace(SLOT, text)


def is_page_name(name: str) -> bool:
    """Whether a parameter of this name holds the number of a page."""
    return re.sub(r"[_-]", "", name).lower() in PAGE_NAMES


def calls(page: Page) -> list[Call]:
    """The requests of a page's inline scripts that have a number of a page in them."""
    found: list[Call] = []
    known = _known(page)
    selects = (element.get("onchange") or "" for element in page.tree.iter("select"))
    for script in (*page.scripts, *selects):
        if "page" in script.lower() or "location" in script or "curr" in script:
            found.extend(_calls(script, known, page))
    return list(dict.fromkeys(found))


def total(page: Page) -> int | None:
    """How many pages a list has, as its scripts or its pager's words say.

    None also for a number so large that it may be another's: then pages are asked for in turn.
    """
    for script in page.scripts:
        if found := TOTALS.search(script):
            return _plausible(found[1])
        rows, size = ROWS.search(script), SIZES.search(script)
        if rows and size and int(size[1]):
            return _plausible(str(-(-int(rows[1]) // int(size[1]))))
    said = SAID_TOTALS.search(page.text[-60_000:])
    return _plausible(next(filter(None, said.groups()))) if said else None


def _plausible(number: str) -> int | None:
    return int(number) if int(number) <= MOST_AT_ONCE else None


@dataclass(frozen=True, slots=True)
class _Known:
    variables: Mapping[str, str]
    fields: Mapping[str, str]
    query: Mapping[str, str]
    metas: Mapping[str, str]


def _known(page: Page) -> _Known:
    variables: dict[str, str] = {}
    for script in page.scripts:
        for match in _VARIABLE.finditer(script):
            expression = _until(script, match.end(), ",;\n")
            # The first value is the one a page starts with.
            variables.setdefault(match[1], expression.strip())
    fields = {
        str(name): str(element.get("value") or "")
        for element in page.tree.iter("input")
        for name in (element.get("id"), element.get("name"))
        if name
    }
    return _Known(variables, fields, dict(parse_qsl(urlsplit(page.url).query)), page.metas)


def _calls(script: str, known: _Known, page: Page) -> Iterator[Call]:
    first = _first(known)
    for match in _LOCATION.finditer(script):
        address = _text(
            _until(script, match.end(), ";,\n" if match[0].endswith("(") else ";\n"), known
        )
        if call := _call(address, "GET", "", False, page, first=first, moves=True):
            yield call
    for match in _AJAX.finditer(script):
        options = members(_until(script, match.end(), ","))
        if call := _asked(options, known, page):
            yield call
    for match in _SHORT.finditer(script):
        arguments = _split(_until(script, match.end(), ""), ",")
        kind = next(filter(None, match.groups())).lower()
        options = {"url": arguments[0] if arguments else "", "type": f"'{kind}'"}
        if len(arguments) > 1 and kind != "fetch":
            options["data"] = arguments[1]
            if _resolved(arguments[1], known).startswith("{") and kind in ("get", "load"):
                inner = members(_resolved(arguments[1], known))
                options["data"] = inner.get("params", arguments[1])
        elif len(arguments) > 1:
            inner = members(arguments[1])
            options.update(
                {"type": inner.get("method", "'get'"), "data": inner.get("body", "")},
            )
        if call := _asked(options, known, page):
            yield call


def _asked(options: Mapping[str, str], known: _Known, page: Page) -> Call | None:
    address = _text(options.get("url", ""), known)
    kind = _text(options.get("type", options.get("method", "'get'")), known).lower()
    data = options.get("data", options.get("params", ""))
    method = "POST" if "post" in kind else "GET"
    form, is_json = _data(data, known)
    is_json = is_json or (
        "json" in _text(options.get("contentType", ""), known) and form[:1] == "{"
    )
    if method == "GET" and form:
        address += ("&" if "?" in address else "?") + form
        form = ""
    first = _first(known, f"{options.get('url', '')} {_resolved(data, known)}")
    return _call(address, method, form, is_json, page, first=first, moves=False)


def _call(
    address: str, method: str, body: str, is_json: bool, page: Page, *, first: int, moves: bool
) -> Call | None:
    address = _slotted(address)
    # A search box: what its reader types is not the list.
    if moves and UNKNOWN in address:
        return None
    if not address or address.startswith(UNKNOWN) or (SLOT not in address and SLOT not in body):
        return None
    if urlsplit(address).netloc not in ("", urlsplit(page.url).netloc):
        return None
    address = re.sub(rf"=[^&?=]*{UNKNOWN}[^&]*", "=", address)
    if UNKNOWN in address or SLOT in urlsplit(address).netloc:
        return None
    # The place of the number must outlive the joining of addresses.
    url = absolute(page.base, address.replace(SLOT, "7654321"))
    if url is None:
        return None
    url = url.replace("7654321", SLOT)
    return Call(url, method, body, is_json, first, moves)


def _first(known: _Known, source: str = "") -> int:
    """Whether pages are counted from 0: what the page's number is when the page begins."""
    for name, value in known.variables.items():
        if is_page_name(name) and value in ("0", "'0'", '"0"'):
            return 0
    written = re.finditer(r"""([A-Za-z_]+)["']?\s*[:=]\s*["']?0(?![\d.])""", source)
    return 0 if any(is_page_name(match[1]) for match in written) else 1


def _slotted(address: str) -> str:
    """An address whose number of a page is a literal, or cannot be read, with the slot there."""

    def put(match: re.Match[str]) -> str:
        is_page = is_page_name(match[2]) and (
            match[3] == "" or match[3].isdigit() or UNKNOWN in match[3]
        )
        return f"{match[1]}{match[2]}={SLOT}" if is_page else match[0]

    if SLOT in address:
        return address
    return re.sub(rf"([?&,;/]|^)([A-Za-z_-]+)=([\w{UNKNOWN}]*)", put, address)


def _data(expression: str, known: _Known) -> tuple[str, bool]:
    """A form's text, and whether it is JSON."""
    expression = _resolved(expression, known)
    if found := re.match(r"JSON\.stringify\s*\(", expression):
        whole = _resolved(_until(expression, found.end(), ""), known)
        return (_as_json(whole, known), True) if whole.startswith("{") else ("", True)
    if expression.startswith("{"):
        pairs = [(key, _member(key, value, known)) for key, value in members(expression).items()]
        safe = SLOT + UNKNOWN
        return "&".join(
            f"{quote(key)}={quote(value, safe=safe).replace(UNKNOWN, '')}" for key, value in pairs
        ), False
    if re.match(r"""["'`]""", expression):
        text = _slotted(_text(expression, known))
        return re.sub(rf"=[^&=]*{UNKNOWN}[^&]*", "=", text), text.startswith("{")
    return "", False


def _as_json(expression: str, known: _Known) -> str:
    def value(key: str, text: str) -> object:
        text = _resolved(text, known)
        if text.startswith("{"):
            return {name: value(name, inner) for name, inner in members(text).items()}
        said = _member(key, text, known)
        # A number stays a number, the page's too.
        if is_page_name(key) and SLOT in said:
            return SLOT if text[:1] not in ("'", '"') else SLOT + "'"
        return int(said) if re.fullmatch(r"\d{1,9}", text) else said.replace(UNKNOWN, "")

    text = json.dumps(value("", expression), ensure_ascii=False, separators=(",", ":"))
    return text.replace('"\\u0000\'"', f'"{SLOT}"').replace('"\\u0000"', SLOT)


def _member(key: str, expression: str, known: _Known) -> str:
    return SLOT if is_page_name(key) else _text(expression, known)


def members(text: str) -> dict[str, str]:
    """The members of an object's literal, values as they are written."""
    text = text.strip()
    if not text.startswith("{"):
        return {}
    found: dict[str, str] = {}
    for part in _split(_until(text, 1, ""), ","):
        name, colon, value = part.partition(":")
        key = name.strip().strip("\"'")
        if re.fullmatch(r"[\w$-]+", key):
            found[key] = value.strip() if colon else key
    return found


def _resolved(expression: str, known: _Known) -> str:
    """What a name stands for, if it is a name."""
    expression = expression.strip()
    for _ in range(3):
        if expression not in known.variables:
            break
        expression = known.variables[expression]
    return expression


def _text(expression: str, known: _Known, depth: int = 0) -> str:
    """An expression's text, with SLOT and UNKNOWN in it."""
    return "".join(_piece(piece.strip(), known, depth) for piece in _split(expression, "+"))


def _piece(piece: str, known: _Known, depth: int) -> str:
    if literal := _LITERAL.fullmatch(piece):
        text = literal[2].replace("\\/", "/").replace('\\"', '"').replace("\\'", "'")
        if literal[1] == "`":
            return re.sub(r"\$\{([^}]*)\}", lambda m: _text(m[1], known, depth + 1), text)
        return text
    if re.fullmatch(r"\d+", piece):
        # (n + 1): the number after another, not a text of its own.
        return piece
    if piece.startswith("(") and piece.endswith(")"):
        return _number_in(piece[1:-1], known, depth) or _text(piece[1:-1], known, depth + 1)
    if (meta := _META.search(piece)) and (said := known.metas.get((meta[1] or meta[2]).lower())):
        return said
    if field := _FIELD.search(piece):
        name = field[1] or field[2]
        if is_page_name(name):
            return SLOT
        return known.fields.get(name, UNKNOWN)
    name = re.sub(r"\.(?:toString\(\)|trim\(\))$|^parseInt\((.*)\)$", r"\1", piece)
    last = name.rpartition(".")[2].removesuffix("()").removeprefix("get")
    if is_page_name(last) or name.lower() in NUMBERS:
        return SLOT
    if query := _QUERY.fullmatch(piece):
        return known.query.get(query[1], UNKNOWN)
    if _IDENTIFIER.fullmatch(name) and name in known.variables and depth < 4:
        return _text(known.variables[name], known, depth + 1)
    return UNKNOWN


def _number_in(expression: str, known: _Known, depth: int) -> str:
    """The page's number with something added: (page - 1)."""
    name = re.match(r"\s*(?:parseInt\(|Number\()?([\w$.]+)\)?\s*[-+]\s*\d+\s*$", expression)
    return SLOT if name and _piece(name[1], known, depth) == SLOT else ""


def _until(text: str, start: int, ends: str) -> str:
    """A script's text from a place to the first of `ends` outside brackets and quotes."""
    inside: list[str] = []
    at = start
    while at < len(text) and at - start < 6_000:
        sign = text[at]
        if sign in "\"'`":
            literal = _LITERAL.match(text, at)
            at = literal.end() if literal else len(text)
            continue
        if sign in _CLOSING:
            inside.append(_CLOSING[sign])
        elif inside and sign == inside[-1]:
            inside.pop()
        elif not inside and (sign in ends or sign in ")]}"):
            break
        at += 1
    return text[start:at]


def _split(text: str, sign: str) -> list[str]:
    """Parts of an expression between signs that stand outside brackets and quotes."""
    parts: list[str] = []
    at = 0
    while at < len(text):
        part = _until(text, at, sign)
        parts.append(part)
        at += len(part)
        if at < len(text) and text[at] not in sign:
            break
        at += 1
    return parts


def numbered(url: str, body: str) -> tuple[str, str, int] | None:
    """An address and its form with SLOT for the page's number that they hold, and that number."""
    for text, is_body in ((body, True), (url, False)):
        if not text:
            continue
        found: re.Match[str] | None = None
        for match in _NUMBERED.finditer(text):
            if is_page_name(match["name"]):
                found = match
                break
        if found is not None:
            slotted = text[: found.start("number")] + SLOT + text[found.end("number") :]
            number = int(found["number"])
            return (url, slotted, number) if is_body else (slotted, body, number)
    return None


_NUMBERED = re.compile(
    r"""(?:^|[?&,;/{"'\s]|%22)(?P<name>[A-Za-z_-]+)(?:["']|%22)?\s*(?:=|:|%3A)\s*(?:["']|%22)?(?P<number>\d{1,4})(?![\d.-]\d|\d)""",
    re.IGNORECASE,
)


def with_number(pattern: tuple[str, str, int], number: int) -> tuple[str, str]:
    """Address and form of another page, from what `numbered` gives."""
    url, body, _ = pattern
    return url.replace(SLOT, str(number)), body.replace(SLOT, str(number))
