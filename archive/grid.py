"""One table -> a full rectangle of strings. Pure.

A spanning cell's text is copied to every place it covers: the statutory forms are built from
merged headings, and only in a full rectangle do a row's and a column's headings name a figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from archive.model import Block, Cell, Table

# HTML allows spans to 65,534 rows; no report has a table of more than a few hundred places a side.
WIDEST = 200
MOST_PLACES = 1_000_000

# A row's own cells and the columns in which they begin.
PlacedRow = Sequence[tuple[int, Cell]]


def table_to_grid(table: Table) -> list[list[str]]:
    """The table's texts by row and column; rows of equal length, gaps as empty strings.

    Spans that reach beyond the table's last row end there, as browsers do it.
    """
    return fill_rows(placed_cells(table))


def fill_rows(placed: Sequence[PlacedRow]) -> list[list[str]]:
    """The rectangle of texts that rows of placed cells cover.

    Where spans claim more places than any report has, no cell covers more than its own.
    """
    claimed = sum(min(cell.colspan, WIDEST) * cell.rowspan for row in placed for _, cell in row)
    spans = claimed <= MOST_PLACES
    lines: list[dict[int, str]] = [{} for _ in placed]
    for y, row in enumerate(placed):
        for start, cell in row:
            columns = range(start, start + (min(cell.colspan, WIDEST - start) if spans else 1))
            for line in lines[y : y + (cell.rowspan if spans else 1)]:
                for x in columns:
                    line.setdefault(x, cell.text)
    width = 1 + max((x for line in lines for x in line), default=-1)
    return [[line.get(x, "") for x in range(width)] for line in lines]


def placed_cells(table: Table) -> list[PlacedRow]:
    """Each row's own cells, with the column in which each begins, past what cells above cover."""
    # Column -> how many rows below are still covered there.
    covered: dict[int, int] = {}
    found: list[PlacedRow] = []
    for row in table.rows:
        x = 0
        line = []
        begun: dict[int, int] = {}
        for cell in row:
            while x in covered and x < WIDEST:
                x += 1
            line.append((x, cell))
            end = min(x + cell.colspan, WIDEST)
            if cell.rowspan > 1:
                begun.update(dict.fromkeys(range(x, end), cell.rowspan))
            x = end
        covered = {at: rows - 1 for at, rows in covered.items() if rows > 1}
        for at, rows in begun.items():
            covered[at] = max(covered.get(at, 0), rows - 1)
        found.append(line)
    return found


def without_uncounted_rows(table: Table) -> Table:
    """The table less its rows without cells, where its spans were made without counting them.

    In HTML an empty <tr> is a row, and some systems put them between rows whose rowspans know
    nothing of them: then only without them do the rows end at the same edge.
    """
    dense = Table(tuple(row for row in table.rows if row))
    if len(dense.rows) == len(table.rows) or _even_rows(dense) <= _even_rows(table):
        return table
    return dense


def _even_rows(table: Table) -> int:
    """How many rows end where most rows end."""
    edges = row_edges(placed_cells(table))
    ends = (edge for edge, row in zip(edges, table.rows, strict=True) if row)
    return max(Counter(ends).values(), default=0)


def row_edges(placed: Sequence[PlacedRow]) -> list[int]:
    """Where each row of placed cells ends: past its last cell, its own or one that covers it."""
    edges = []
    covered: dict[int, int] = {}
    for row in placed:
        ends = {min(x + cell.colspan, WIDEST): cell.rowspan for x, cell in row}
        edges.append(max((*covered, *ends), default=0))
        covered = {edge: left - 1 for edge, left in covered.items() if left > 1}
        for edge, height in ends.items():
            if height > 1:
                covered[edge] = max(covered.get(edge, 0), height - 1)
    return edges


def append_page(blocks: list[Any], page: Sequence[Block]) -> None:
    """Add the blocks of a page to those before it; a table that goes on with as many columns is
    one table."""
    last, first = blocks[-1] if blocks else None, page[0] if page else None
    if isinstance(last, Table) and isinstance(first, Table) and _width(last) == _width(first):
        blocks[-1] = Table((*last.rows, *first.rows))
        page = page[1:]
    blocks += page


def _width(table: Table) -> int:
    return max(map(len, table_to_grid(table)), default=0)
