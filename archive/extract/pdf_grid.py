"""PDF -> Document, by geometry: ruling lines and the boxes of characters -> tables with merges.

Slower than pdf.py and independent of it (another engine decodes the fonts, and no order of text
is believed): the second witness, and the reading that knows a table's empty cells. What is not
clear is given as lines, never as a table.
"""

from __future__ import annotations

import io
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median
from typing import Any

import pdfplumber
import pypdfium2
from pdfminer.pdfexceptions import PDFException
from pdfminer.psexceptions import PSException
from pdfplumber.page import Page
from pdfplumber.table import (
    cells_to_tables,
    edges_to_intersections,
    intersections_to_cells,
    merge_edges,
)
from pdfplumber.utils.exceptions import MalformedPDFException, PdfminerException

from archive.extract.pdf import (
    RADICALS,
    TextPage,
    check_scans,
    is_garbage,
    join_lines,
    open_pdf,
    read_scan,
    read_text,
    without_page_marks,
)
from archive.grid import append_page
from archive.model import Block, Cell, Document, Paragraph, Table, UnreadableError

# It warns of every font that lacks a box.
logging.getLogger("pdfminer").setLevel(logging.ERROR)

# What the engine raises for damaged files, beside what it wraps.
DAMAGED = (
    PdfminerException, MalformedPDFException, PSException, PDFException, ValueError, TypeError,
    KeyError, IndexError, AttributeError, ZeroDivisionError, RecursionError, OverflowError,
)  # fmt: skip
# Points. A filled rectangle thinner than this is a line; lines nearer than this are one.
THIN = 3.5
SNAP = 4.0
# Column edges of one table differ this much from page to page.
SHIFT = 3.0
SHORTEST = 5.0
# A page of the largest form has 40 lines and 400 corners; dashes come as thousands of strokes.
# The work grows with the square of each.
MOST_RULES, MOST_EDGES, MOST_CORNERS = 30_000, 1000, 4000
MOST_CHARACTERS = 20_000
# Shares of a character's height: a gap that parts words, one that parts columns, and the
# smallest that two cells' figures leave between them.
WORD_GAP, COLUMN_GAP, CELL_GAP = 0.25, 0.8, 0.15
# The share of a figure's height that its footnote's mark has at most.
MARK = 0.8
# Word's own margins left and right in a cell, and what else a line may fall short of it.
PADDING = 10.8
FIGURE = re.compile(r"[+\-−]?[\d０-９][\d０-９,.，．]*|[/／\-—－]+|无")
ENUMERATED = re.compile(
    r"\s*(?:[（(][一二三四五六七八九十\d]{1,2}[）)]|[一二三四五六七八九十]{1,2}\s*、|\d{1,2}\s*[.．、,]|[①-⑳]|其中)"
)
# Stands above the rest of a table on its next page.
GOES_ON = re.compile(r"[（(]?\s*[续接]\s*上?\s*(?:表|页)\s*[一二三四\d]?\s*[）)]?")
# A row of one cell that is a chapter's title, or longer than any cell of the form, is no row.
# The statistics of 2014 have rows such as 一、主动公开情况, which are.
CHAPTER = re.compile(
    r"[一二三四五六]\s*、.*(?:总体情况|主动公开政府信息|收到和处理|复议.*诉讼|问题|其[他它]需要)"
)
LONGEST_CELL = 80
# A space that only the spreading of a line put between two Chinese characters.
SPREAD = re.compile(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])")
ITEMS = re.compile(r"[（(][一二三四五六七八九十][）)]|(?<!\d)\d{1,2}\s*[.．、]|[一二三四]、")
# Heights of a character: a piece of a label is no farther from its row, and that much nearer to
# it than to another.
FAR, NEARER = 1.7, 0.3
# Fewer rows of figures show no columns, and fewer columns are prose.
FEWEST_ROWS, FEWEST_COLUMNS = 3, 3


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character and its box, in points from the page's upper left corner as it is read."""

    text: str
    x0: float
    top: float
    x1: float
    bottom: float
    upright: bool = True

    @property
    def x(self) -> float:
        return (self.x0 + self.x1) / 2

    @property
    def y(self) -> float:
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        return max(self.bottom - self.top, 0.1)


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight ruling line: upright at x from `start` to `end`, or level at y."""

    upright: bool
    at: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Box:
    """A cell of a grid: its place in rows and columns, what is printed, and is the line full?"""

    row: int
    column: int
    rows: int
    columns: int
    text: str
    is_full: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table on a page: the x of its column edges, how many rows, and its cells."""

    edges: tuple[float, ...]
    height: int
    boxes: tuple[Box, ...]


# A page from top to bottom.
Piece = Grid | str


def read_pdf_grid(data: bytes) -> Document:
    """The tables of a PDF as grids, and its lines outside of them.

    A table that goes over pages is one table. Raises UnreadableError as `read_pdf` does.
    """
    pdf = open_pdf(data)
    try:
        texts = [read_text(pdf, number) for number in range(len(pdf))]
        check_scans(texts)
        pages = _pages(data, texts)
        blocks = _blocks(pdf, texts, pages)
    except pypdfium2.PdfiumError as error:
        raise UnreadableError("PDF 页面损坏") from error
    finally:
        pdf.close()
    if not blocks:
        raise UnreadableError("PDF 里没有文字，也没有能识别的图像")
    return Document(media_type="application/pdf", blocks=tuple(blocks), prose=tuple(_prose(blocks)))


def _pages(data: bytes, texts: Sequence[TextPage]) -> list[list[Piece]]:
    """The pieces of every page that is no scan; the quick reading's lines where the geometry's
    engine cannot decode a page."""
    read: list[tuple[list[Glyph], list[Rule]]] = []
    try:
        with pdfplumber.open(io.BytesIO(data)) as pdf:
            for text, page in zip(texts, pdf.pages, strict=True):
                read.append(([], []) if text.is_scan else _read(page))
                page.close()
    except DAMAGED as error:
        raise UnreadableError("PDF 的版面无法分析") from error
    layouts = [_layout(*page, text) for page, text in zip(read, texts, strict=True)]
    # Of a table without rules all is clear, or it is lines: half a table hides its other half.
    clear = all(layout.aligned is not None for layout in layouts)
    return _without_marks(
        [_in_order(page.ruled, (page.aligned if clear else None) or page.lines) for page in layouts]
    )


def _in_order(*parts: Sequence[tuple[float, Piece]]) -> list[Piece]:
    placed = sorted((item for part in parts for item in part), key=lambda item: item[0])
    return [piece for _, piece in placed]


def _without_marks(pages: list[list[Piece]]) -> list[list[Piece]]:
    """The pages less their marks. A mark stands at the head or foot of all, tables or not."""
    lines = [[piece if isinstance(piece, str) else "\0" for piece in page] for page in pages]
    kept = without_page_marks(lines)
    result = []
    for page, left in zip(pages, kept, strict=True):
        rest = iter(page)
        pieces: list[Piece] = []
        for line in left:
            pieces.append(
                next(p for p in rest if p == line or (line == "\0" and isinstance(p, Grid)))
            )
        if pieces and isinstance(pieces[0], str) and GOES_ON.fullmatch(pieces[0]):
            del pieces[0]
        result.append(pieces)
    return result


def _blocks(
    pdf: pypdfium2.PdfDocument, texts: Sequence[TextPage], pages: Sequence[Sequence[Piece]]
) -> list[Block]:
    """The pages' pieces in order, tables joined over page ends."""
    found: list[Block | Grid] = []
    for number, (text, page) in enumerate(zip(texts, pages, strict=True)):
        if text.is_scan:
            append_page(found, read_scan(pdf, number))
        for at, piece in enumerate(page):
            before = found[-1] if found and at == 0 else None
            joined = None
            if isinstance(piece, Grid) and isinstance(before, Grid):
                joined = _continued(before, piece)
            if joined:
                found[-1] = joined
            else:
                found.append(Paragraph(piece) if isinstance(piece, str) else piece)
        found += text.pictures
    return [
        part for block in found for part in (_parts(block) if isinstance(block, Grid) else [block])
    ]


def _prose(blocks: Iterable[Block]) -> Iterator[str]:
    """The paragraphs outside of tables."""
    lines: list[str] = []
    for block in blocks:
        if isinstance(block, Paragraph):
            lines.append(block.text)
        elif isinstance(block, Table):
            yield from join_lines(lines)
            lines = []
    yield from join_lines(lines)


def _parts(grid: Grid) -> Iterator[Block]:
    """The table; or the tables and texts of a report that was put into a frame as a whole."""
    start = 0
    for row in range(grid.height):
        boxes = _row(grid, row)
        text = boxes[0].text if boxes else ""
        alone = len(boxes) == 1 and boxes[0].rows == 1
        if alone and (len(text) > LONGEST_CELL or CHAPTER.match(text)):
            if row > start:
                yield _table(grid, start, row)
            yield Paragraph(text)
            start = row + 1
    if start < grid.height:
        yield _table(grid, start, grid.height)


def _table(grid: Grid, start: int, end: int) -> Table:
    rows: list[list[Cell]] = [[] for _ in range(end - start)]
    for box in sorted(grid.boxes, key=lambda box: (box.row, box.column)):
        if start <= box.row < end:
            rows[box.row - start].append(Cell(box.text, box.rows, box.columns))
    return Table(tuple(map(tuple, rows)))


# --- one page -------------------------------------------------------------------------------------


Placed = list[tuple[float, Piece]]


@dataclass(frozen=True, slots=True)
class _Layout:
    """What stands on a page, by how far down: tables with rules; the rest as lines; the rest
    with tables without rules, None where it has some that are not clear."""

    ruled: Placed = field(default_factory=list)
    lines: Placed = field(default_factory=list)
    aligned: Placed | None = field(default_factory=list)


def _layout(glyphs: list[Glyph], rules: list[Rule], text: TextPage) -> _Layout:
    if not glyphs or is_garbage("".join(glyph.text for glyph in glyphs)):
        return _Layout(lines=[(float(at), line) for at, line in enumerate(text.lines)])
    ruled: Placed = []
    for cells in _ruled(rules):
        x0, top = min(c[0] for c in cells), min(c[1] for c in cells)
        x1, bottom = max(c[2] for c in cells), max(c[3] for c in cells)
        inside = [glyph for glyph in glyphs if _is_in(glyph, (x0, top, x1, bottom))]
        grid = _grid(cells, inside)
        if grid:
            ruled.append((top, grid))
            taken = set(map(id, inside))
            glyphs = [glyph for glyph in glyphs if id(glyph) not in taken]
    rest = _lines(glyphs)
    lines: Placed = [(line[0].top, _spaced(line)) for line in rest]
    if ruled:
        return _Layout(ruled, lines, lines)
    return _Layout(ruled, lines, _unruled(rest))


def _read(page: Page) -> tuple[list[Glyph], list[Rule]]:
    """The characters and ruling lines of a page, turned so that most characters stand upright."""
    x0, top, x1, bottom = page.bbox
    characters = [
        char
        for char in page.dedupe_chars(tolerance=1, extra_attrs=()).chars
        if char["text"].strip() and x0 <= char["x0"] <= x1 and top <= char["top"] <= bottom
    ]
    if len(characters) > MOST_CHARACTERS:
        return [], []
    rules = list(_rules(page))
    turn = _turn(characters)
    glyphs = []
    for char in characters:
        box = _turned((char["x0"], char["top"], char["x1"], char["bottom"]), turn)
        upright = char["upright"] if turn in {0, 2} else not char["upright"]
        glyphs.append(Glyph(char["text"].translate(RADICALS), *box, upright))
    if turn:
        rules = [_rule(*_turned(_box(rule), turn)) for rule in rules]
    return glyphs, rules


def _turn(characters: Sequence[dict[str, Any]]) -> int:
    """By how many right angles most characters are turned, against the clock."""
    turns = [0, 0, 0, 0]
    for char in characters:
        a, b, *_ = char["matrix"]
        turns[(0 if a > 0 else 2) if abs(a) >= abs(b) else (1 if b > 0 else 3)] += 1
    return turns.index(max(turns))


def _turned(box: tuple[float, float, float, float], turn: int) -> tuple[float, float, float, float]:
    """The box after the page is turned back by so many right angles about its corner."""
    x0, top, x1, bottom = box
    if turn == 1:
        return -bottom, x0, -top, x1
    if turn == 2:
        return -x1, -bottom, -x0, -top
    if turn == 3:
        return top, -x1, bottom, -x0
    return box


def _box(rule: Rule) -> tuple[float, float, float, float]:
    if rule.upright:
        return rule.at, rule.start, rule.at, rule.end
    return rule.start, rule.at, rule.end, rule.at


def _rule(x0: float, top: float, x1: float, bottom: float) -> Rule:
    if bottom - top > x1 - x0:
        return Rule(True, (x0 + x1) / 2, top, bottom)
    return Rule(False, (top + bottom) / 2, x0, x1)


def _rules(page: Page) -> Iterator[Rule]:
    """Lines, thin rectangles, and the sides of rectangles and polygons that are drawn.

    A filled rectangle without an outline is a background, of a line of text as often as of a cell.
    """
    for line in page.lines:
        if min(line["width"], line["height"]) <= 1:
            yield _rule(line["x0"], line["top"], line["x1"], line["bottom"])
    for shape in (*page.rects, *page.curves):
        x0, top, x1, bottom = shape["x0"], shape["top"], shape["x1"], shape["bottom"]
        if max(x1 - x0, bottom - top) <= THIN:
            # A dot of a line either way.
            yield Rule(True, (x0 + x1) / 2, top, bottom)
            yield Rule(False, (top + bottom) / 2, x0, x1)
        elif min(x1 - x0, bottom - top) <= THIN:
            yield _rule(x0, top, x1, bottom)
        elif shape["stroke"] and shape["object_type"] == "rect":
            yield Rule(False, top, x0, x1)
            yield Rule(False, bottom, x0, x1)
            yield Rule(True, x0, top, bottom)
            yield Rule(True, x1, top, bottom)
        elif shape["stroke"]:
            for (ax, ay), (bx, by) in pairwise(shape["pts"]):
                if min(abs(ax - bx), abs(ay - by)) <= 1:
                    yield _rule(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))


# --- tables with ruling lines ---------------------------------------------------------------------

Area = tuple[float, float, float, float]


def _ruled(rules: Sequence[Rule]) -> list[list[Area]]:
    """The cells of each table that the lines of a page form."""
    edges = _merged(rules) if len(rules) <= MOST_RULES else []
    if not 4 <= len(edges) <= MOST_EDGES:
        return []
    edges = _merged([*edges, *_missing_sides(edges)])
    intersections = edges_to_intersections([_edge(rule) for rule in edges], SNAP, SNAP)
    if len(intersections) > MOST_CORNERS:
        return []
    tables = cells_to_tables(intersections_to_cells(intersections))
    return [[(cell[0], cell[1], cell[2], cell[3]) for cell in table] for table in tables]


def _strokes(rules: Iterable[Rule]) -> list[Rule]:
    """The rules with dashes and dots joined; what stays shorter than any cell is no rule."""
    joined: list[Rule] = []
    for rule in sorted(rules, key=lambda rule: (rule.upright, round(rule.at), rule.start)):
        last = joined[-1] if joined else None
        if (
            last
            and (last.upright, round(last.at)) == (rule.upright, round(rule.at))
            and rule.start <= last.end + SNAP
        ):
            joined[-1] = replace(last, end=max(last.end, rule.end))
        else:
            joined.append(rule)
    return [rule for rule in joined if rule.end - rule.start >= SHORTEST]


def _edge(rule: Rule) -> dict[str, Any]:
    x0, top, x1, bottom = _box(rule)
    return {
        "x0": x0, "top": top, "x1": x1, "bottom": bottom, "width": x1 - x0, "height": bottom - top,
        "orientation": "v" if rule.upright else "h", "object_type": "line",
    }  # fmt: skip


def _merged(rules: Iterable[Rule]) -> list[Rule]:
    merged = merge_edges([_edge(rule) for rule in _strokes(rules)], SNAP, SNAP, SNAP, SNAP)
    found = []
    for edge in merged:
        upright = edge["orientation"] == "v"
        at, start, end = ("x0", "top", "bottom") if upright else ("top", "x0", "x1")
        found.append(Rule(upright, edge[at], edge[start], edge[end]))
    return found


def _missing_sides(rules: Sequence[Rule]) -> Iterator[Rule]:
    """Sides that a table leaves open: the outer columns' by custom, a row's where the page cuts it.

    Where three lines and more end at one place and something does not stop them all, they are
    closed, as far as lines between them show that they are one table's.
    """
    for upright in (True, False):
        parallel = [rule for rule in rules if rule.upright == upright]
        across = [rule for rule in rules if rule.upright != upright]
        for at_end in (False, True):
            ends = sorted((rule.end if at_end else rule.start, rule.at) for rule in parallel)
            groups: list[list[tuple[float, float]]] = []
            for place in ends:
                if groups and place[0] - groups[-1][-1][0] <= SNAP:
                    groups[-1].append(place)
                else:
                    groups.append([place])
            for group in groups:
                loose = any(not any(_touches(rule, *place) for rule in across) for place in group)
                if len(group) >= 3 and loose:
                    at = median(end for end, _ in group)
                    for first, last in pairwise(sorted(place for _, place in group)):
                        held = [
                            r for r in across if r.start <= first + SNAP and r.end >= last - SNAP
                        ]
                        if held and all(abs(rule.at - at) > SNAP + 1 for rule in held):
                            yield Rule(not upright, at, first, last)


def _touches(rule: Rule, at: float, place: float) -> bool:
    return abs(rule.at - at) <= SNAP + 1 and rule.start - SNAP <= place <= rule.end + SNAP


def _grid(areas: Sequence[Area], glyphs: Sequence[Glyph]) -> Grid | None:
    """The cells with their texts; None where they are no table or not clear.

    One column is a frame, or a box drawn behind text.
    """
    xs = _distinct(x for area in areas for x in (area[0], area[2]))
    ys = _distinct(y for area in areas for y in (area[1], area[3]))
    if len(xs) < 3 and len(ys) < 3:
        return None
    reached = _reaching(areas, ys)
    texts: list[list[Glyph]] = [[] for _ in areas]
    for glyph in glyphs:
        home = next((at for at, area in enumerate(reached) if _is_in(glyph, area)), None)
        if home is None:
            return None
        texts[home].append(glyph)
    for area, inside in zip(areas, texts, strict=True):
        # What stands below a cell's own frame may be the rest of its label, but no figure.
        beyond = _lines([glyph for glyph in inside if not _is_in(glyph, area)])
        if any(FIGURE.fullmatch(_plain(word)) for line in beyond for word in _words(line, 1)):
            return None
    areas = reached
    strays = _strays(areas, texts)
    widths = [area[2] - area[0] for area in areas]
    rows_of: dict[float, list[tuple[list[list[Glyph]], float]]] = {}
    for area, inside, width in zip(areas, texts, widths, strict=True):
        rows_of.setdefault(area[1], []).append((_lines(inside), width))
    unparted = {top for top, cells in rows_of.items() if _is_unparted(cells)}
    boxes = []
    for at, (area, inside, width) in enumerate(zip(areas, texts, widths, strict=True)):
        column, row = xs.index(area[0]), ys.index(area[1])
        columns, rows = xs.index(area[2]) - column, ys.index(area[3]) - row
        if _is_several(inside):
            return None
        text = _text(inside, 0 if area[1] in unparted else width)
        is_full = bool(inside) and _fills(_lines(inside)[-1], width)
        boxes.append(Box(row, column, rows, columns, strays.get(at, text), is_full))
    return Grid(tuple(xs), len(ys) - 1, tuple(boxes))


def _is_in(glyph: Glyph, area: Area) -> bool:
    return area[0] <= glyph.x <= area[2] and area[1] <= glyph.y <= area[3]


def _reaching(areas: Sequence[Area], ys: Sequence[float]) -> list[Area]:
    """The cells, each made to reach down to the next: some programs frame a merged cell over its
    first row only."""
    found = []
    for x0, top, x1, bottom in areas:
        below = [
            other[1] for other in areas if other[1] >= bottom and other[0] < x1 and x0 < other[2]
        ]
        found.append((x0, top, x1, min(below, default=ys[-1])))
    return found


def _distinct(values: Iterable[float]) -> list[float]:
    return sorted(set(values))


def _nearest(values: Sequence[float], value: float) -> float:
    return min(values, key=lambda other: abs(other - value))


def _strays(areas: Sequence[Area], texts: Sequence[Sequence[Glyph]]) -> dict[int, str]:
    """Cells whose figures run over a line between them: whose they are is not clear.

    Each such cell is given all that the two hold, parted by a space, so that no number is read.
    """
    digits = sorted(
        (
            (glyph, at)
            for at, inside in enumerate(texts)
            for glyph in inside
            if glyph.text.isdigit() and glyph.upright
        ),
        key=lambda item: (item[0].x0, item[0].top),
    )
    found: dict[int, str] = {}
    for at, (glyph, home) in enumerate(digits):
        for other, away in digits[at + 1 :]:
            gap = other.x0 - glyph.x1
            if gap > CELL_GAP * glyph.height:
                break
            beside = abs(other.y - glyph.y) < 0.3 * glyph.height and other.x > glyph.x
            if home != away and beside and areas[home][2] <= areas[away][0] + 1:
                text = " ".join(_text(texts[n], 0) for n in (home, away))
                found[home] = found[away] = text
    return found


def _lines(glyphs: Sequence[Glyph]) -> list[list[Glyph]]:
    """Characters by line, from top to bottom, each line from left to right."""
    lines: list[list[Glyph]] = []
    for glyph in sorted(glyphs, key=lambda glyph: (glyph.y, glyph.x0)):
        # Raised digits and small signs stand off the line's middle, not off its height.
        if lines and glyph.y - median(g.y for g in lines[-1][-8:]) <= 0.45 * max(
            glyph.height, lines[-1][0].height
        ):
            lines[-1].append(glyph)
        else:
            lines.append([glyph])
    return [sorted(line, key=lambda glyph: glyph.x0) for line in lines]


def _words(line: Sequence[Glyph], gap: float) -> list[list[Glyph]]:
    words = [[line[0]]]
    for before, glyph in pairwise(line):
        apart = glyph.x0 - before.x1 > gap * min(before.height, glyph.height)
        # A digit that is smaller than the one before is a footnote's mark.
        raised = glyph.height < MARK * before.height and before.text.isdigit()
        if apart or (raised and glyph.text.isdigit()):
            words.append([glyph])
        else:
            words[-1].append(glyph)
    return words


def _plain(glyphs: Iterable[Glyph]) -> str:
    return "".join(glyph.text for glyph in glyphs)


def _spaced(line: Sequence[Glyph], gap: float = WORD_GAP) -> str:
    return " ".join(map(_plain, _words(line, gap)))


def _text(glyphs: Sequence[Glyph], width: float) -> str:
    """A cell's text in one line.

    Lines join without a space; where digits meet, only if the first line was full, because
    otherwise they are two numbers.
    """
    if sum(not glyph.upright for glyph in glyphs) * 2 > len(glyphs):
        return _plain(glyphs)
    text = ""
    for before, line in pairwise([[], *_lines(glyphs)]):
        rest = _spaced(line)
        parts = _meet(text, rest) and not (width and _wraps(before, line, width))
        text += (" " if parts else "") + rest
    return SPREAD.sub("", text)


def _meet(text: str, rest: str) -> bool:
    return bool(re.search(r"[\d.,，．]$", text) and re.match(r"[\d.,，．]", rest))


def _wraps(before: Sequence[Glyph], line: Sequence[Glyph], width: float) -> bool:
    """Does the width break a figure here?"""
    return len(before) >= len(line) and _fills(before, width)


def _is_unparted(cells: Sequence[tuple[list[list[Glyph]], float]]) -> bool:
    """Are the cells of a row, as lines and widths, those of several rows that no line parts?

    Then figures stand below each other where no width breaks them, a label names two items, or
    each figure is two single digits, which a width may have broken too.
    """
    labels = ("".join(map(_plain, lines)) for lines, _ in cells)
    if any(len(ITEMS.findall(label)) > 1 for label in labels):
        return True
    figures = [
        (lines, width)
        for lines, width in cells
        if lines and all(FIGURE.fullmatch(_plain(line)) for line in lines)
    ]
    broken = [(lines, width) for lines, width in figures if len(lines) > 1]
    if any(not _wraps(a, b, width) for lines, width in broken for a, b in pairwise(lines)):
        return True
    return len(broken) == len(figures) and any(len(lines[0]) == 1 for lines, _ in broken)


def _is_several(glyphs: Sequence[Glyph]) -> bool:
    """Does a cell hold several columns of figures, no line between them?"""
    return any(
        sum(FIGURE.fullmatch(_plain(word)) is not None for word in _words(line, COLUMN_GAP)) >= 3
        for line in _lines(glyphs)
    )


def _fills(line: Sequence[Glyph], width: float) -> bool:
    """Would one more character have gone over the cell's margins?"""
    spare = width - PADDING - (line[-1].x1 - line[0].x0)
    # Nothing but its margins tells that a cell is too narrow for two digits.
    return spare < (1.5 if len(line) > 1 else 1.05) * max(glyph.x1 - glyph.x0 for glyph in line)


# --- tables without ruling lines ------------------------------------------------------------------


Words = list[list[Glyph]]


def _unruled(lines: Sequence[list[Glyph]]) -> Placed | None:
    """Lines as they are, those of a table without rules as a grid; None where its columns or
    rows are not clear."""
    edges = _columns(lines)
    if edges is None:
        return [(line[0].top, _spaced(line)) for line in lines]
    start, end, grid = _aligned(lines, edges)
    if grid is None:
        return None
    rest = [*lines[:start], *lines[end:]]
    return [*((line[0].top, _spaced(line)) for line in rest), (lines[start][0].top, grid)]


def _columns(lines: Sequence[list[Glyph]]) -> list[float] | None:
    """The edges of the columns of figures that whole rows show; None where they are not clear."""
    tails = [_figures(_words(line, COLUMN_GAP)) for line in lines]
    times = Counter(map(len, tails))
    count = max((n for n in times if times[n] >= FEWEST_ROWS), default=0)
    whole = [tail for tail in tails if len(tail) == count]
    if count < FEWEST_COLUMNS:
        return None
    spans = [
        (min(tail[at][0].x0 for tail in whole), max(tail[at][-1].x1 for tail in whole))
        for at in range(count)
    ]
    gaps = [after[0] - before[1] for before, after in pairwise(spans)]
    if min(gaps) <= 0:
        return None
    middles = [(before[1] + after[0]) / 2 for before, after in pairwise(spans)]
    return [spans[0][0] - gaps[0] / 2, *middles, spans[-1][1] + gaps[-1] / 2]


def _figures(words: Words) -> Words:
    """The figures at the end of a line."""
    found: Words = []
    for word in reversed(words):
        if not FIGURE.fullmatch(_plain(word)):
            break
        found.insert(0, word)
    return found


def _aligned(lines: Sequence[list[Glyph]], edges: Sequence[float]) -> tuple[int, int, Grid | None]:
    """The lines from the first row to the last as a grid of a label and figures.

    Each figure must stand in one column and each piece of a label near one row; otherwise None.
    """
    parted = [_parted(_words(line, COLUMN_GAP), edges) for line in lines]
    rows = [at for at, part in enumerate(parted) if part and any(part[1])]
    whole = [at for at in rows if all((parted[at] or ([], []))[1])]
    if len(whole) < FEWEST_ROWS:
        return 0, 0, None
    # Text that reaches over the columns is no table's.
    start, end = whole[0], whole[-1] + 1
    while start > 0 and parted[start - 1]:
        start -= 1
    while end < len(lines) and parted[end]:
        end += 1
    rows = [at for at in rows if start <= at < end]
    pieces: dict[int, Words] = {at: [] for at in rows}
    for at in range(start, end):
        part = parted[at]
        if part is None:
            return 0, 0, None
        near = sorted(rows, key=lambda row: abs(lines[row][0].y - lines[at][0].y))
        first, *rest = (abs(lines[row][0].y - lines[at][0].y) for row in near)
        height = lines[at][0].height
        if first > FAR * height:
            if rows[0] < at < rows[-1]:
                return 0, 0, None
            continue
        if rest and rest[0] - first < NEARER * height and at not in rows:
            return 0, 0, None
        pieces[near[0]] += part[0]
    labels = {at: _leaf(words) for at, words in pieces.items()}
    if any(not label or len(ITEMS.findall(label)) > 1 for label in labels.values()):
        return 0, 0, None
    boxes = []
    for y, at in enumerate(rows):
        cells = [labels[at], *(parted[at] or ([], []))[1]]
        boxes += [Box(y, x, 1, 1, text) for x, text in enumerate(cells)]
    left = min(line[0].x0 for line in lines[start:end])
    # Lines of a heading or a text above and below the rows stay lines.
    kept = [
        at for at in range(start, end) if rows[0] <= at <= rows[-1] or _is_near(lines, at, rows)
    ]
    return kept[0], kept[-1] + 1, Grid((min(left, edges[0] - 1), *edges), len(rows), tuple(boxes))


def _is_near(lines: Sequence[list[Glyph]], at: int, rows: Sequence[int]) -> bool:
    y, height = lines[at][0].y, lines[at][0].height
    return min(abs(lines[row][0].y - y) for row in rows) <= FAR * height


def _parted(words: Words, edges: Sequence[float]) -> tuple[Words, list[str]] | None:
    """A line's words left of the columns, and what stands in each column; None where a word
    stands in two, or a column has two words or one that is no figure."""
    label: Words = []
    texts = [""] * (len(edges) - 1)
    for word in words:
        if word[-1].x1 <= edges[0]:
            label.append(word)
            continue
        home = [
            at
            for at, (left, right) in enumerate(pairwise(edges))
            if word[-1].x1 > left and word[0].x0 < right
        ]
        if word[0].x0 < edges[0] or len(home) != 1 or texts[home[0]]:
            return None
        texts[home[0]] = _plain(word)
        if not FIGURE.fullmatch(texts[home[0]]):
            return None
    return label, texts


def _leaf(words: Words) -> str:
    """A row's own label: of what stands left of its figures that nearest to them, for left of
    it stand the labels of groups."""
    spans: list[tuple[float, float, Words]] = []
    for word in sorted(words, key=lambda word: word[0].x0):
        x0, x1 = word[0].x0, word[-1].x1
        if spans and x0 < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(x1, spans[-1][1]), [*spans[-1][2], word])
        else:
            spans.append((x0, x1, [word]))
    lines = sorted(spans[-1][2], key=lambda word: word[0].y) if spans else []
    return "".join(map(_plain, lines))


# --- tables over pages ----------------------------------------------------------------------------


def _continued(first: Grid, second: Grid) -> Grid | None:
    """One grid of a table and what follows on the next page; None where that is another table.

    It is the same table where its outer edges are the same. A heading that is repeated goes; a
    row that the page cut is joined.
    """
    second = _with_groups(first, second)
    if any(abs(first.edges[end] - second.edges[end]) > SHIFT for end in (0, -1)):
        return None
    new = [x for x in second.edges if abs(_nearest(first.edges, x) - x) > SHIFT]
    edges = tuple(sorted((*first.edges, *new)))
    above, below = _on_edges(first, edges), _on_edges(second, edges)
    if above is None or below is None:
        return None
    below = _without_rows(below, _repeated(above, below))
    return _joined(above, below, _is_cut(above, below)) if below.height else above


def _with_groups(first: Grid, second: Grid) -> Grid:
    """The second grid with the columns at its left that a browser leaves undrawn on later pages,
    as it does with a cell that began on the first."""
    left = _nearest(first.edges, second.edges[0])
    column = first.edges.index(left)
    ends = {box.column + box.columns for box in _row(first, first.height - 1)}
    if column == 0 or abs(left - second.edges[0]) > SHIFT or column not in ends:
        return second
    boxes = tuple(replace(box, column=box.column + 1) for box in second.boxes)
    return Grid(
        (first.edges[0], *second.edges),
        second.height,
        (Box(0, 0, second.height, 1, ""), *boxes),
    )


def _on_edges(grid: Grid, edges: tuple[float, ...]) -> Grid | None:
    """The grid with its columns counted by finer edges; None where two of its own are one there."""
    places = [edges.index(_nearest(edges, x)) for x in grid.edges]
    if len(set(places)) < len(places):
        return None
    boxes = tuple(
        replace(
            box,
            column=places[box.column],
            columns=places[box.column + box.columns] - places[box.column],
        )
        for box in grid.boxes
    )
    return Grid(edges, grid.height, boxes)


def _row(grid: Grid, row: int) -> list[Box]:
    """The cells that reach into a row, from left to right."""
    return sorted(
        (box for box in grid.boxes if box.row <= row < box.row + box.rows),
        key=lambda box: box.column,
    )


def _repeated(above: Grid, below: Grid) -> int:
    """How many of the second grid's first rows are the first grid's first rows again.

    Only whole rows count, and only such as hold no figures: those may well be equal.
    """
    count = 0
    for row in range(min(above.height, below.height)):
        ours, theirs = (
            [(b.row, b.column, b.rows, b.columns, "".join(b.text.split())) for b in _row(grid, row)]
            for grid in (above, below)
        )
        if ours != theirs or any(FIGURE.fullmatch(text) for *_, text in ours):
            break
        if all(box.row + box.rows <= row + 1 for box in _row(below, row)):
            count = row + 1
    return count if count < above.height else 0


def _without_rows(grid: Grid, count: int) -> Grid:
    boxes = tuple(replace(box, row=box.row - count) for box in grid.boxes if box.row >= count)
    return Grid(grid.edges, grid.height - count, boxes)


def _pairs(above: Grid, below: Grid) -> list[tuple[Box, Box]] | None:
    """The cells of the last row and of the next page's first, where they are the same columns."""
    last, first = _row(above, above.height - 1), _row(below, 0)
    same = [(b.column, b.columns) for b in last] == [(b.column, b.columns) for b in first]
    return list(zip(last, first, strict=True)) if same else None


def _is_cut(above: Grid, below: Grid) -> bool:
    """Has the page cut a row in two? Its label goes on, or only its figures do."""
    pairs = _pairs(above, below)
    if not pairs or not all(_goes_on(a, b) or _are_figures(a, b) for a, b in pairs):
        return False
    labels = [(a, b) for a, b in pairs if _is_label(a) or _is_label(b)]
    goes_on = any(a.text and b.text for a, b in labels)
    # The row above has its whole label, the one below has none and yet holds figures.
    parted = bool(labels) and not any(b.text for _, b in labels) and any(b.text for _, b in pairs)
    return goes_on or parted


def _goes_on(a: Box, b: Box) -> bool:
    """May the second cell be the first's rest: is one empty, or does a full line break off?"""
    if not a.text or not b.text:
        return True
    return a.is_full and _is_label(a) and _is_label(b) and not ENUMERATED.match(b.text)


def _are_figures(a: Box, b: Box) -> bool:
    return not (_is_label(a) or _is_label(b))


def _is_label(box: Box) -> bool:
    return bool(box.text) and FIGURE.fullmatch(box.text) is None


def _parts_figures(a: Box, b: Box) -> bool:
    """Are both figures, and the first not as long as its cell? Then they may be two."""
    return bool(a.text and b.text) and _are_figures(a, b) and not a.is_full


def _joined(above: Grid, below: Grid, cut: bool) -> Grid:
    """The two below each other; the last row and the first as one where the page cut it."""
    shift = above.height - cut
    pairs = _pairs(above, below) or []
    labels = max((at for at, pair in enumerate(pairs) if all(map(_is_label, pair))), default=-1)
    merged = {
        b: a
        for at, (a, b) in enumerate(pairs)
        # Left of the rows' own labels stand their groups'.
        if cut or (at < labels and _goes_on(a, b))
    }
    boxes = []
    for box in above.boxes:
        rest = [b for b, a in merged.items() if a is box]
        if rest:
            text = box.text + (" " if _parts_figures(box, rest[0]) else "") + rest[0].text
            box = replace(box, rows=box.rows + rest[0].rows - cut, text=text)
        boxes.append(box)
    boxes += [replace(b, row=b.row + shift) for b in below.boxes if b not in merged]
    return Grid(above.edges, shift + below.height, tuple(boxes))
