"""OFD (GB/T 33190-2016) -> Document: positioned text and lines of each page, read by geometry.

An OFD page has no paragraphs and no tables, only letters with places and paths: what is ruled
becomes a table with its merges, the rest lines, joined where the page's width broke them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from archive.extract.container import Container, resolved
from archive.extract.ruled import Glyph, Line, Placed, Rule, joined, read_page
from archive.model import Block, Document, Paragraph, Picture, UnreadableError

OFD = "application/ofd"
MOST_PAGES = 400
MOST_GLYPHS = 60_000
DEEPEST = 20
# Millimetres. A filled shape thinner than this is drawn as a line.
THIN = 1.0
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
PATH = re.compile(rf"[SMLQBAC]|{NUMBER.pattern}")
# Numbers that follow each operator of AbbreviatedData (GB/T 33190, table 37).
OPERANDS = {"S": 2, "M": 2, "L": 2, "Q": 4, "B": 6, "A": 7, "C": 0}
PAGE_MARK = re.compile(
    r"[-—–－·]\s*\d{1,3}\s*[-—–－·]|第\s*\d{1,3}\s*页.{0,10}|\d{1,3}\s*/\s*\d{1,3}"
)
HEADING = re.compile(r"[一二三四五六七八]、|[（(][一二三四五六七八九十][）)]")

# a b c d e f: x' = a x + c y + e, y' = b x + d y + f.
Matrix = tuple[float, float, float, float, float, float]
UNMOVED: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(slots=True)
class _Page:
    """What is drawn on a page: letters, lines, pictures with the place of their upper edge."""

    glyphs: list[Glyph] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    pictures: list[tuple[float, Picture]] = field(default_factory=list)


def read_ofd(data: bytes) -> Document:
    """Tables, paragraphs and pictures of all pages, in order.

    Raises UnreadableError for a damaged, locked or bomb-like file, and for one without content.
    """
    container = Container(data, "OFD ")
    root = container.xml("OFD.xml")
    if root is None:
        raise UnreadableError("OFD 损坏，里面没有 OFD.xml")
    placed: list[Block | Placed] = []
    prose: list[str] = []
    number = 0
    for body in _named(root, "DocRoot"):
        name = resolved("", _told(body))
        document = container.xml(name)
        if document is None:
            raise UnreadableError(f"OFD 损坏，里面没有 {name}")
        for page in _pages(container, name, document):
            number += 1
            found, lines = _blocks(page, number)
            prose += lines
            if placed and found and (whole := _joined(placed[-1], found[0])) is not None:
                placed[-1] = whole
                found = found[1:]
            placed += found
    blocks = tuple(item.table if isinstance(item, Placed) else item for item in placed)
    if not blocks:
        raise UnreadableError("OFD 里没有文字，也没有图片")
    return Document(media_type=OFD, blocks=blocks, prose=tuple(prose))


# --- the file -------------------------------------------------------------------------------------


def _pages(container: Container, name: str, document: Any) -> Iterator[_Page]:
    folder = posixpath.dirname(name)
    media = _media(container, folder, document)
    templates = {
        template.get("ID"): resolved(folder, template.get("BaseLoc") or "")
        for template in _named(document, "TemplatePage")
    }
    listed = [page for pages in _named(document, "Pages") for page in _named(pages, "Page")]
    if len(listed) > MOST_PAGES:
        raise UnreadableError(f"OFD 有 {len(listed)} 页，超过 {MOST_PAGES} 页，不像年度报告")
    for entry in listed:
        content = container.xml(resolved(folder, entry.get("BaseLoc") or ""))
        if content is None:
            raise UnreadableError("OFD 损坏，缺少页面")
        page = _Page()
        for used in _named(content, "Template"):
            below = container.xml(templates.get(used.get("TemplateID"), ""))
            if below is not None:
                _draw(below, page, UNMOVED, media, 0)
        _draw(content, page, UNMOVED, media, 0)
        yield page


def _media(container: Container, folder: str, document: Any) -> Mapping[str, Picture]:
    """Pictures by the ids that pages name them by."""
    found: dict[str, Picture] = {}
    for tag in ("PublicRes", "DocumentRes"):
        for reference in _named(document, tag):
            name = resolved(folder, _told(reference))
            resources = container.xml(name)
            if resources is None:
                continue
            base = posixpath.join(posixpath.dirname(name), resources.get("BaseLoc") or "")
            for medium in _named(resources, "MultiMedia"):
                for file in _named(medium, "MediaFile"):
                    member = resolved(base, _told(file))
                    if data := container.read(member):
                        found[medium.get("ID") or ""] = Picture(member, data)
    return found


def _draw(
    parent: Any, page: _Page, matrix: Matrix, media: Mapping[str, Picture], depth: int
) -> None:
    """All that an element holds, in the coordinates of the page."""
    if depth > DEEPEST:
        return
    for element in parent:
        kind = _local(element)
        if element.get("Visible") in {"false", "0"} or kind in {"Template", "Area", "Actions"}:
            continue
        if kind == "TextObject":
            page.glyphs += _glyphs(element, _placed(element, matrix))
            if len(page.glyphs) > MOST_GLYPHS:
                raise UnreadableError(f"OFD 一页超过 {MOST_GLYPHS} 字，不像年度报告")
        elif kind == "PathObject":
            page.rules += _rules(element, _placed(element, matrix))
        elif kind == "ImageObject":
            picture = media.get(element.get("ResourceID") or "")
            if picture is not None:
                page.pictures.append((_placed(element, matrix)[5], picture))
        else:
            # Content, Layer, PageBlock …
            _draw(element, page, matrix, media, depth + 1)


def _placed(element: Any, matrix: Matrix) -> Matrix:
    """From an object's own coordinates to the page's: its matrix, then its place."""
    own = _numbers(element.get("CTM"))
    box = _numbers(element.get("Boundary"))
    inner: Matrix = (own[0], own[1], own[2], own[3], own[4], own[5]) if len(own) == 6 else UNMOVED
    left, top = (box[0], box[1]) if len(box) >= 2 else (0.0, 0.0)
    return _times(_times(inner, (1.0, 0.0, 0.0, 1.0, left, top)), matrix)


def _times(first: Matrix, second: Matrix) -> Matrix:
    a, b, c, d, e, f = first
    p, q, r, s, t, u = second
    return (
        a * p + b * r, a * q + b * s,
        c * p + d * r, c * q + d * s,
        e * p + f * r + t, e * q + f * s + u,
    )  # fmt: skip


def _at(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def _glyphs(element: Any, matrix: Matrix) -> Iterator[Glyph]:
    size = (_numbers(element.get("Size")) or [4.0])[0]
    height = size * max(abs(matrix[3]), abs(matrix[1])) or size
    stretch = (_numbers(element.get("HScale")) or [1.0])[0] * (abs(matrix[0]) or 1.0)
    x = y = 0.0
    for code in _named(element, "TextCode"):
        # A code without a place begins where the one before it did.
        x = (_numbers(code.get("X")) or [x])[0]
        y = (_numbers(code.get("Y")) or [y])[0]
        text = "".join(code.itertext())
        steps, falls = _deltas(code.get("DeltaX")), _deltas(code.get("DeltaY"))
        own_x, own_y = x, y
        for at, letter in enumerate(text):
            place_x, place_y = _at(matrix, own_x, own_y)
            width = size * stretch * (0.5 if letter.isascii() else 1.0)
            if not letter.isspace():
                yield Glyph(letter, place_x, place_y, width, height)
            # Without steps all letters stand at one place; makers mean the font's own.
            natural = size * (0.5 if letter.isascii() else 1.0)
            own_x += steps[at] if at < len(steps) else 0.0 if steps or falls else natural
            own_y += falls[at] if at < len(falls) else 0.0


def _deltas(text: str | None) -> list[float]:
    """Steps from letter to letter; `g 5 3.2` stands for five times 3.2."""
    words = (text or "").split()
    found: list[float] = []
    at = 0
    while at < len(words) and len(found) < MOST_GLYPHS:
        if words[at] == "g" and at + 2 < len(words):
            count = int(words[at + 1]) if words[at + 1].isdecimal() else 0
            found += _numbers(words[at + 2])[:1] * min(count, MOST_GLYPHS)
            at += 3
        else:
            found += _numbers(words[at])[:1]
            at += 1
    return found


def _rules(element: Any, matrix: Matrix) -> Iterator[Rule]:
    """The level and upright lines of a path: those stroked, and filled shapes as thin as lines."""
    data = next((_told(child) for child in _named(element, "AbbreviatedData")), "")
    stroked = element.get("Stroke") not in {"false", "0"}
    filled = element.get("Fill") in {"true", "1"}
    for outline in _outlines(data[:200_000]):
        points = [_at(matrix, x, y) for x, y in outline]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        wide, high = max(xs) - min(xs), max(ys) - min(ys)
        if min(wide, high) < THIN < max(wide, high) and (filled or len(points) == 2):
            middle_x, middle_y = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2
            if wide > high:
                yield Rule(min(xs), middle_y, max(xs), middle_y)
            else:
                yield Rule(middle_x, min(ys), middle_x, max(ys))
        elif stroked:
            for (x0, y0), (x1, y1) in pairwise(points):
                if abs(x0 - x1) < THIN / 4 < abs(y0 - y1):
                    yield Rule(x0, min(y0, y1), x0, max(y0, y1))
                elif abs(y0 - y1) < THIN / 4 < abs(x0 - x1):
                    yield Rule(min(x0, x1), y0, max(x0, x1), y0)


def _outlines(data: str) -> Iterator[list[tuple[float, float]]]:
    """The points of each part of a path; of curves only their ends."""
    outline: list[tuple[float, float]] = []
    words = PATH.findall(data)
    at = 0
    while at < len(words):
        operator = words[at]
        count = OPERANDS.get(operator)
        if count is None:
            at += 1
            continue
        operands = words[at + 1 : at + 1 + count]
        if len(operands) < count or any(word in OPERANDS for word in operands):
            break
        at += 1 + count
        if operator in "SM" and outline:
            if len(outline) > 1:
                yield outline
            outline = []
        if operator == "C":
            outline += outline[:1]
        else:
            outline.append((float(operands[-2]), float(operands[-1])))
    if len(outline) > 1:
        yield outline


# --- the text -------------------------------------------------------------------------------------


def _joined(above: Block | Placed, below: Block | Placed) -> Placed | None:
    """The last thing on a page and the first on the next as one table, if they are one."""
    if isinstance(above, Placed) and isinstance(below, Placed):
        return joined(above, below, THIN)
    return None


def _blocks(page: _Page, number: int) -> tuple[list[Block | Placed], list[str]]:
    """A page's blocks from top to bottom, and its lines joined to paragraphs."""
    items = read_page(page.glyphs, page.rules)
    lines = [item for item in items if isinstance(item, Line)]
    marks = _page_marks(items, number)
    left = min((line.left for line in lines), default=0.0)
    right = max((line.right for line in lines), default=0.0)
    placed: list[tuple[float, Block | Placed]] = []
    prose: list[str] = []
    before: Line | None = None
    for item in items:
        if isinstance(item, Placed):
            placed.append((item.top, item))
            before = None
        elif item not in marks:
            placed.append((item.bottom, Paragraph(item.text)))
            if before is not None and _goes_on(before, item, left, right):
                prose[-1] += item.text
            else:
                prose.append(item.text)
            before = item
    placed += page.pictures
    return [block for _, block in sorted(placed, key=lambda entry: entry[0])], prose


def _goes_on(before: Line, line: Line, left: float, right: float) -> bool:
    """Is it the next line of the same paragraph: not indented, below a line that is full?"""
    return (
        before.right > right - 2.5 * before.size
        and line.left < left + 1.2 * line.size
        and line.bottom - before.bottom < 3 * line.size
        and not HEADING.match(line.text)
        and "\t" not in before.text + line.text
    )


def _page_marks(items: Sequence[Line | Placed], number: int) -> list[Line]:
    """The first and the last line of a page, where they only count pages.

    A bare number may be a table's last figure: it is a mark only where it is the page's own.
    """
    return [
        item
        for item in (*items[:1], *items[-1:])
        if isinstance(item, Line) and (PAGE_MARK.fullmatch(item.text) or item.text == str(number))
    ]


# --- XML ------------------------------------------------------------------------------------------


def _local(element: Any) -> str:
    """The tag without its namespace: makers write several, and none."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _named(parent: Any, name: str) -> Iterator[Any]:
    return (element for element in parent.iter() if _local(element) == name)


def _told(element: Any) -> str:
    return "".join(element.itertext()).strip()


def _numbers(text: str | None) -> list[float]:
    return [float(word) for word in NUMBER.findall(text or "")]
