"""Ruling lines and letters on a page -> its tables and lines of text. Pure geometry.

Any unit of length, y downward. Where the lines close a box, the letters in it are a cell, and
boxes that no line parts are one merged cell; where the boxes make no rectangles, there is no
table and the letters are lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from archive.grid import WIDEST, placed_cells
from archive.model import Cell, Table

# Lines nearer than this share of a letter's height are one line.
SNAP = 0.35
# A gap wider than this many letters parts columns, narrower than the other parts nothing.
COLUMN_GAP = 1.5
MOST_LINES = 4_000
MOST_BOXES = 40_000


@dataclass(frozen=True, slots=True)
class Glyph:
    """Text drawn at a place: the left end of its baseline, its width and its height."""

    text: str
    x: float
    y: float
    width: float
    size: float


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line: `x0 == x1` is upright, `y0 == y1` level."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text outside tables: tabs stand where columns part. `bottom` is its baseline."""

    text: str
    left: float
    right: float
    bottom: float
    size: float


@dataclass(frozen=True, slots=True)
class Placed:
    """A table, where it begins, and the edges of its columns."""

    table: Table
    top: float
    edges: tuple[float, ...]


def read_page(glyphs: Sequence[Glyph], rules: Sequence[Rule]) -> list[Line | Placed]:
    """Lines and tables of a page from top to bottom."""
    size = median(glyph.size for glyph in glyphs) if glyphs else 1.0
    snap = max(size * SNAP, 1e-6)
    left = list(glyphs)
    found: list[Line | Placed] = []
    for group in _touching(rules[:MOST_LINES], snap):
        lattice = _Lattice.of(group, snap)
        if lattice is None:
            continue
        inside = [glyph for glyph in left if lattice.holds(glyph)]
        placed = _table(lattice, inside)
        if placed is not None and inside:
            found.append(placed)
            left = [glyph for glyph in left if not lattice.holds(glyph)]
    found += text_lines(left)
    return sorted(found, key=lambda item: item.bottom if isinstance(item, Line) else item.top)


def text_lines(glyphs: Iterable[Glyph]) -> list[Line]:
    """Letters on one baseline as lines, left to right."""
    rows: list[list[Glyph]] = []
    for glyph in sorted(glyphs, key=lambda glyph: (glyph.y, glyph.x)):
        if rows and abs(rows[-1][0].y - glyph.y) < 0.5 * min(rows[-1][0].size, glyph.size):
            rows[-1].append(glyph)
        else:
            rows.append([glyph])
    return [line for row in rows if (line := _line(row)) is not None]


def _line(row: list[Glyph]) -> Line | None:
    row.sort(key=lambda glyph: glyph.x)
    parts = [row[0].text]
    for before, glyph in pairwise(row):
        gap = glyph.x - before.x - before.width
        size = max(before.size, glyph.size)
        # Some makers draw bold letters twice, a hair apart.
        if glyph.text == before.text and abs(glyph.x - before.x) < 0.15 * size:
            continue
        if gap > COLUMN_GAP * size:
            parts.append("\t")
        elif gap > 0.3 * size and before.text.isascii() and glyph.text.isascii():
            parts.append(" ")
        parts.append(glyph.text)
    text = "".join(parts).strip()
    if not text:
        return None
    right = max(glyph.x + glyph.width for glyph in row)
    size = median(glyph.size for glyph in row)
    return Line(text, row[0].x, right, row[0].y, size)


def joined(above: Placed, below: Placed, snap: float) -> Placed | None:
    """A table cut by a page as one; None where the two differ in their outer edges.

    Rows cut apart may rule other columns: cells are counted in the columns of both.
    """
    if abs(above.edges[0] - below.edges[0]) > snap or abs(above.edges[-1] - below.edges[-1]) > snap:
        return None
    edges = _merged((*above.edges, *below.edges), snap / 2)
    rows: list[tuple[Cell, ...]] = []
    for part in (above, below):
        at = [min(range(len(edges)), key=lambda n: abs(edges[n] - own)) for own in part.edges]
        for row in placed_cells(part.table):
            rows.append(
                tuple(
                    Cell(cell.text, cell.rowspan, at[x + cell.colspan] - at[x]) for x, cell in row
                )
            )
    return Placed(Table(tuple(rows)), above.top, tuple(edges))


# --- grids ----------------------------------------------------------------------------------------


def _touching(rules: Sequence[Rule], snap: float) -> list[list[Rule]]:
    """Rules in groups that touch each other: a group may be a table."""
    parent = list(range(len(rules)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    order = sorted(range(len(rules)), key=lambda at: rules[at].y0)
    reach: list[int] = []
    for at in order:
        rule = rules[at]
        reach = [other for other in reach if rules[other].y1 >= rule.y0 - snap]
        for other in reach:
            before = rules[other]
            if before.x0 - snap <= rule.x1 and rule.x0 <= before.x1 + snap:
                parent[root(at)] = root(other)
        reach.append(at)
    groups: dict[int, list[Rule]] = {}
    for at, rule in enumerate(rules):
        groups.setdefault(root(at), []).append(rule)
    return [group for group in groups.values() if len(group) >= 4]


def _merged(places: Iterable[float], snap: float) -> list[float]:
    """Places along an axis, those nearer than `snap` as one."""
    found: list[list[float]] = []
    for place in sorted(places):
        if found and place - found[-1][-1] <= snap:
            found[-1].append(place)
        else:
            found.append([place])
    return [sum(group) / len(group) for group in found]


@dataclass(frozen=True, slots=True)
class _Lattice:
    """The columns' and rows' edges of a table, and which pieces of them are drawn.

    `upright` holds (row, edge) of drawn pieces between columns, `level` (edge, column) between
    rows.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    upright: frozenset[tuple[int, int]]
    level: frozenset[tuple[int, int]]

    @classmethod
    def of(cls, rules: Sequence[Rule], snap: float) -> _Lattice | None:
        xs = _merged((rule.x0 for rule in rules if rule.x0 == rule.x1), snap)
        ys = _merged((rule.y0 for rule in rules if rule.y0 == rule.y1), snap)
        if len(xs) < 2 or len(ys) < 2 or len(xs) * len(ys) > MOST_BOXES:
            return None
        upright = {
            (row, edge)
            for edge, x in enumerate(xs)
            for row in _covered(
                ys,
                [(r.y0, r.y1) for r in rules if r.x0 == r.x1 and abs(r.x0 - x) <= snap],
                snap,
            )
        }
        level = {
            (edge, column)
            for edge, y in enumerate(ys)
            for column in _covered(
                xs,
                [(r.x0, r.x1) for r in rules if r.y0 == r.y1 and abs(r.y0 - y) <= snap],
                snap,
            )
        }
        return cls(tuple(xs), tuple(ys), frozenset(upright), frozenset(level))

    def holds(self, glyph: Glyph) -> bool:
        return (
            self.xs[0] <= glyph.x + glyph.width / 2 <= self.xs[-1]
            and self.ys[0] <= glyph.y - glyph.size * 0.35 <= self.ys[-1]
        )

    def box(self, glyph: Glyph) -> tuple[int, int]:
        """The row and column of the box that a letter's middle lies in."""
        x, y = glyph.x + glyph.width / 2, glyph.y - glyph.size * 0.35
        column = sum(edge <= x for edge in self.xs[1:-1])
        return sum(edge <= y for edge in self.ys[1:-1]), column


def _covered(
    edges: Sequence[float], pieces: Sequence[tuple[float, float]], snap: float
) -> list[int]:
    """Which steps between neighbouring edges the pieces cover, by their middle and their ends."""
    found = []
    for at, (begin, end) in enumerate(pairwise(edges)):
        covered = sum(
            max(0.0, min(end, high + snap) - max(begin, low - snap)) for low, high in pieces
        )
        if covered >= 0.8 * (end - begin):
            found.append(at)
    return found


def _table(lattice: _Lattice, glyphs: Sequence[Glyph]) -> Placed | None:
    """The table of a lattice; None where its boxes make no rectangles, or it is a mere frame."""
    height, width = len(lattice.ys) - 1, len(lattice.xs) - 1
    if height * width < 2 or width >= WIDEST:
        return None
    owner: dict[tuple[int, int], tuple[int, int]] = {}
    sizes: dict[tuple[int, int], tuple[int, int]] = {}
    for y in range(height):
        for x in range(width):
            if (y, x) in owner:
                continue
            right = x + 1
            while right < width and (y, right) not in lattice.upright and (y, right) not in owner:
                right += 1
            bottom = y + 1
            while bottom < height and all(
                (bottom, column) not in lattice.level for column in range(x, right)
            ):
                bottom += 1
            for row in range(y, bottom):
                for column in range(x, right):
                    if (row, column) in owner:
                        return None
                    owner[row, column] = y, x
            sizes[y, x] = bottom - y, right - x
    if not _is_closed(lattice, owner):
        return None
    texts: dict[tuple[int, int], list[Glyph]] = {}
    for glyph in glyphs:
        texts.setdefault(owner[lattice.box(glyph)], []).append(glyph)
    rows = [
        tuple(
            Cell(_cell_text(texts.get((y, x), [])), *sizes[y, x])
            for x in range(width)
            if (y, x) in sizes
        )
        for y in range(height)
    ]
    if sum(len(row) for row in rows) < 2:
        return None
    return Placed(Table(tuple(rows)), lattice.ys[0], lattice.xs)


def _is_closed(lattice: _Lattice, owner: dict[tuple[int, int], tuple[int, int]]) -> bool:
    """Is every piece of a line between two boxes an edge of cells, and every edge drawn?"""
    height, width = len(lattice.ys) - 1, len(lattice.xs) - 1
    for y in range(height):
        for x in range(1, width):
            if (owner[y, x - 1] != owner[y, x]) != ((y, x) in lattice.upright):
                return False
    for y in range(1, height):
        for x in range(width):
            if (owner[y - 1, x] != owner[y, x]) != ((y, x) in lattice.level):
                return False
    return True


def _cell_text(glyphs: Sequence[Glyph]) -> str:
    """A cell's lines. Words that a cell's width broke are joined by their reader."""
    lines = (line.text.replace("\t", " ") for line in text_lines(glyphs))
    return "\n".join(lines)
