"""HTML -> Document: tables and headings from the page's own tree, prose through trafilatura.

The article is the container its CMS names; where no known name is met, trafilatura finds the
main text and the smallest element around it is taken. Cells come only from our own walk:
trafilatura blanks merged cells, and the shape of its tables changes between versions.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from itertools import chain, count, islice
from urllib.parse import urljoin, urlsplit, urlunsplit

import trafilatura
from lxml import etree

from archive.grid import without_uncounted_rows
from archive.model import Block, Cell, Document, Paragraph, Picture, Table, UnreadableError

# Containers that portals' systems use, most telling first (TRS, Hanweb, Boda, UCAP, LonSun …).
CONTAINERS = (
    "TRS_Editor", "trs_editor_view", "TRS_UEDITOR", "UCAP-CONTENT", "zoom", "Zoom", "zoomcon",
    "v_news_content", "vsb_content", "Custom_UnionStyle", "ivs_content", "Article_content",
    "article-content", "articleContent", "bt_content", "j-fontContent", "wzcon", "xxgk_content",
    "content-body", "pages_content", "newscontnet", "news_content", "easysiteText",
)  # fmt: skip
# Elements that begin and end a line, and those whose text no reader sees.
BLOCKS = frozenset(
    "address article aside blockquote body br center dd div dl dt fieldset figure footer form "
    "h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section table td th tr ul".split()
)
SKIPPED = frozenset(
    "script style noscript template iframe select option button textarea svg del s strike".split()
)
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
STRUCK = re.compile(r"text-decoration(?:-line)?\s*:[^;]*line-through", re.IGNORECASE)
FIELDS = frozenset({"text", "number"})
RAISED = re.compile(r"vertical-align\s*:\s*super", re.IGNORECASE)
SESSION = re.compile(
    r";jsessionid=[^?#]*|(?<=[?&])(?:jsessionid|sid|phpsessid|_t|t|v|rnd)=[^&#]*&?", re.IGNORECASE
)
SPAN = re.compile(r"\d+")
# lxml's own HTML elements have this as a method, but each costs a look-up of its class.
_string = etree.XPath("string()")
Element = etree._Element
CONTAINER_TAGS = (
    "div", "td", "article", "section", "main", "table", "tbody", "tr", "form", "center", "dd", "p",
    "span", "font", "body", "ucapcontent",
)  # fmt: skip
FEWEST_CHARACTERS = 40
# Below this share of our own walk, trafilatura has lost text rather than noise.
TRUSTED_SHARE = 0.6
DEEPEST = 400
LONGEST_CELL = 400
# Above this many characters trafilatura takes minutes; no report is a tenth as long.
MOST_CHARACTERS = 2_000_000
# Beyond this a page is refused, its inlined pictures not counted.
LONGEST = 4_000_000
# libxml2 compares each attribute of a tag with all others: 200,000 of them take minutes.
LONG_TAG = re.compile(r"<[A-Za-z][^<>]{100000}")
# A picture written into the page; it is lifted out before the page is parsed.
INLINED = re.compile(r"data:[\w/+.-]{1,60};base64,([A-Za-z0-9+/=]+)")
LIFTED = "data:,"
MOST_INLINED = 40


def read_html(text: str, url: str | None = None, *, prose: bool = True) -> Document:
    """The article of a page. Without `prose` its paragraphs are as the page has them, noise and
    all, which costs a fraction. Raises UnreadableError when no tree can be made of it."""
    # lxml refuses text with an XML encoding declaration, and NULs end the document.
    inlined = [match[1] for match in islice(INLINED.finditer(text), MOST_INLINED)]
    places = count()
    lean = INLINED.sub(lambda _: f"{LIFTED}{next(places)}", text.replace("\x00", ""))
    source = re.sub(r"^\s*<\?xml[^>]*\?>", "", lean)
    if len(source) > LONGEST:
        raise UnreadableError(f"HTML 有 {len(source)} 字，超过 {LONGEST} 字，不像年度报告")
    if LONG_TAG.search(source):
        raise UnreadableError("HTML 里有十万字以上的标签，不像年度报告")
    try:
        tree = etree.fromstring(source, etree.HTMLParser(huge_tree=False))
    except (etree.LxmlError, ValueError) as error:
        raise UnreadableError("HTML 无法解析") from error
    if tree is None:
        raise UnreadableError("HTML 里没有内容")
    metas = _metas(tree)
    container = _named_container(tree)
    if container is None:
        body = tree.find("body")
        container = tree if body is None else body
        container = _around_main_text(container, source) if prose else container
    blocks = tuple(_located(_blocks(container), url, inlined))
    return Document(
        media_type="text/html",
        blocks=blocks,
        prose=_prose(container, blocks) if prose else _lines(blocks),
        title=_title(tree, metas),
        metas=metas,
        links=tuple(_links(container, url)),
    )


def _located(blocks: Iterator[Block], url: str | None, inlined: Sequence[str]) -> Iterator[Block]:
    """The blocks, their pictures with a whole address or with the bytes the page itself holds."""
    for block in blocks:
        if not isinstance(block, Picture):
            yield block
            continue
        place = block.source.removeprefix(LIFTED)
        if place == block.source:
            with suppress(ValueError):
                yield Picture(urljoin(url or "", block.source))
        elif place.isdecimal() and int(place) < len(inlined):
            with suppress(ValueError):
                yield Picture(block.source, b64decode(inlined[int(place)]))


def _metas(tree: Element) -> dict[str, str]:
    """The first non-empty value of each named meta; portals repeat them, in a second head too."""
    metas: dict[str, str] = {}
    for meta in tree.iter("meta"):
        name = meta.get("name") or meta.get("property")
        content = (meta.get("content") or "").strip()
        if name and content:
            metas.setdefault(name.strip(), content)
    return metas


def _title(tree: Element, metas: dict[str, str]) -> str | None:
    for heading in tree.iter("h1", "h2"):
        if (text := _flat(heading)) and len(text) < 120 and "报告" in text:
            return text
    if title := metas.get("ArticleTitle"):
        return title
    title_element = next(tree.iter("title"), None)
    text = _flat(title_element) if title_element is not None else ""
    # 「标题_站点名」 and the like: the first part is the article's.
    return re.split(r"[_|–]|\s-\s", text)[0].strip() or None


def _named_container(tree: Element) -> Element | None:
    """The article's container, if a system named it."""
    named: dict[str, list[Element]] = {name: [] for name in CONTAINERS}
    for element in tree.iter(*CONTAINER_TAGS):
        for name in (element.get("id"), *(element.get("class") or "").split()):
            if name in named:
                named[name].append(element)
    for found in named.values():
        alike = set(found)
        outermost = [e for e in found if alike.isdisjoint(e.iterancestors())]
        best = max(outermost, key=_size, default=None)
        if best is not None and _size(best) >= FEWEST_CHARACTERS:
            return best
    return None


def _size(element: Element) -> int:
    """How much an element shows; a report may be nothing but its pictures."""
    pictures = sum(1 for _ in element.iter("img"))
    return FEWEST_CHARACTERS * pictures + len(re.sub(r"\s+", "", _content(element)))


def _around_main_text(whole: Element, source: str) -> Element:
    """The smallest element that holds what trafilatura takes for the main text, and all tables."""
    if len(source) > MOST_CHARACTERS:
        return whole
    main = trafilatura.extract(
        source, favor_recall=True, include_tables=False, include_comments=False
    )
    lines = {_bare(line) for line in (main or "").splitlines() if len(_bare(line)) >= 12}
    if not lines:
        return whole
    carriers = [
        element
        for element in whole.iter("p", "div", "td", "span", "li", "h1", "h2", "h3", "table")
        if _is_form(element) or (element.tag != "table" and _bare(_flat(element)) in lines)
    ]
    if not carriers:
        return whole
    common = [carriers[0], *carriers[0].iterancestors()]
    for carrier in carriers[1:]:
        above = {carrier, *carrier.iterancestors()}
        common = [element for element in common if element in above]
    return common[0] if common and common[0].tag not in {"p", "span", "h1"} else whole


def _is_form(element: Element) -> bool:
    return element.tag == "table" and bool(
        re.search(r"信息内容|申请人情况|结果维持|行政复议", _bare(_content(element)))
    )


def _bare(text: str) -> str:
    return re.sub(r"[\s|]+", "", text)


def _content(element: Element) -> str:
    return str(_string(element))


def _flat(element: Element) -> str:
    return _spaces(_content(element))


def _spaces(text: str) -> str:
    """Runs of white space (nbsp and full-width included) as one space, none at the ends."""
    if "\u200b" in text or "\ufeff" in text:
        text = text.replace("\u200b", " ").replace("\ufeff", " ")
    # Escaped twice on its way into the page.
    if "&nbsp;" in text:
        text = text.replace("&nbsp;", " ")
    return " ".join(text.split())


def _is_hidden(element: Element) -> bool:
    return element.get("hidden") is not None or bool(HIDDEN.search(element.get("style") or ""))


def _is_struck(element: Element) -> bool:
    return bool(STRUCK.search(element.get("style") or ""))


def _blocks(container: Element) -> Iterator[Block]:
    """Paragraphs and data tables in reading order; layout tables are walked through."""
    line: list[str] = []
    for event in chain(_walk(container, 0), [None]):
        if isinstance(event, str):
            line.append(event)
            continue
        if text := _spaces("".join(line)):
            yield Paragraph(text)
        line = []
        if event is not None:
            yield event


def _walk(element: Element, depth: int) -> Iterator[str | Table | Picture | None]:
    """Text pieces, tables, pictures, and None where a line ends."""
    if depth > DEEPEST:
        yield _flat(element)
        return
    if element.text:
        yield element.text
    for child in element:
        is_shown = isinstance(child.tag, str) and child.tag not in SKIPPED
        if is_shown and not (_is_hidden(child) or _is_struck(child)):
            if child.tag == "table" and _is_data(child):
                yield _table(child)
            elif child.tag == "img":
                if address := _address(child):
                    yield Picture(address)
            elif child.tag in BLOCKS:
                yield None
                yield from _walk(child, depth + 1)
                yield None
            else:
                yield from _walk(child, depth + 1)
        if child.tail:
            yield child.tail


def _address(picture: Element) -> str:
    """Where a picture is; one that is loaded when it comes into view has a placeholder as `src`."""
    sources = (picture.get(name) for name in ("data-original", "data-src", "src"))
    return next((source.strip() for source in sources if source and source.strip()), "")


def _is_data(table: Element) -> bool:
    """A table of figures, not one that arranges a page: no table inside, two rows, two columns."""
    if table.find(".//table") is not None:
        return False
    rows = list(table.iter("tr"))
    cells = list(table.iter("td", "th"))
    if len(rows) < 2 or len(cells) <= len(rows):
        return False
    return not any(_is_long(cell) for cell in cells)


def _is_long(cell: Element) -> bool:
    """Is there more text than in any cell of a table of figures?"""
    text = _content(cell) if len(cell) else cell.text or ""
    return len(text) >= LONGEST_CELL and len(_spaces(text)) >= LONGEST_CELL


def _span(cell: Element, name: str) -> int:
    # Seen: rowspan="22 ", "3px", "0", "".
    text = cell.get(name)
    match = SPAN.search(text) if text else None
    return min(max(int(match[0][:6]), 1), 1000) if match else 1


def _table(table: Element) -> Table:
    rows = Table(
        tuple(
            tuple(
                Cell(_cell_text(cell), _span(cell, "rowspan"), _span(cell, "colspan"))
                for cell in row.iter("td", "th")
                if not _is_hidden(cell)
            )
            for row in table.iter("tr")
            if not _is_hidden(row)
        )
    )
    return without_uncounted_rows(rows)


def _cell_text(cell: Element) -> str:
    """A cell's text on one line; a raised footnote mark stands apart from the figure before it.

    A form that was filled in and saved has its figures in fields.
    """
    if _is_struck(cell):
        return ""
    if not len(cell):
        return _spaces(cell.text or "")
    text = _flat(cell)
    for field in cell.iter("input"):
        value = _spaces(field.get("value") or "")
        is_shown = (field.get("type") or "text").lower() in FIELDS and not _is_hidden(field)
        if is_shown and value != text:
            field.tail = f" {value} {field.tail or ''}"
    for field in cell.iter("textarea"):
        field.tag = "span"
    raised = [mark for mark in cell.iter() if mark.tag == "sup" or _is_raised(mark)]
    for mark in raised:
        if _flat(mark) == text:
            continue
        mark.text = f" [{_content(mark)}]"
        for inside in list(mark):
            mark.remove(inside)
    return _spaces("".join(piece if isinstance(piece, str) else " " for piece in _walk(cell, 0)))


def _is_raised(element: Element) -> bool:
    return element.tag == "span" and bool(RAISED.search(element.get("style") or ""))


def _links(container: Element, url: str | None) -> Iterator[str]:
    for anchor in container.iter("a"):
        href = (anchor.get("href") or "").strip()
        if not href or href.startswith(("#", "javascript:", "mailto:", "tel:")):
            continue
        try:
            parts = urlsplit(SESSION.sub("", urljoin(url or "", href)))
        except ValueError:
            continue
        yield urlunsplit(parts._replace(fragment="")).rstrip("?&")


def _prose(container: Element, blocks: Sequence[Block]) -> tuple[str, ...]:
    """The paragraphs to show: our own, less what trafilatura knows for noise.

    Where it keeps too little (it drops whole articles for a class like "share"), all are shown.
    """
    own = _lines(blocks)
    if sum(map(len, own)) > MOST_CHARACTERS // 10:
        return own
    copy = deepcopy(container)
    copy.tail = None
    etree.strip_elements(copy, "table", with_tail=False)
    markup = etree.tostring(copy, encoding="unicode", method="html")
    wrapped = f"<html><body><article>{markup}</article></body></html>"
    text = trafilatura.extract(
        wrapped, favor_recall=True, include_tables=False, include_comments=False
    )
    kept_text = _bare(text or "")
    kept = [line for line in own if _is_heading(line) or _bare(line) in kept_text]
    if sum(map(len, kept)) >= TRUSTED_SHARE * sum(map(len, own)):
        return tuple(kept)
    return own


def _lines(blocks: Sequence[Block]) -> tuple[str, ...]:
    return tuple(block.text for block in blocks if isinstance(block, Paragraph))


def _is_heading(line: str) -> bool:
    return len(line) < 60 and bool(re.match(r"[（(]?[一二三四五六七八九十\d]{1,2}[）)、.．]", line))
