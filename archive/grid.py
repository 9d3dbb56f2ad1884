"""One table -> a full rectangle of strings. Pure.

A spanning cell's text is copied to every place it covers: the statutory forms are built from
merged headings, and only in a full rectangle do a row's and a column's headings name a figure.
"""

from __future__ import annotations

from archive.model import Cell, Table

# HTML allows spans to 65,534 rows; no report has a table of more than a few hundred places a side.
WIDEST = 200


def table_to_grid(table: Table) -> list[list[str]]:
    """The table's texts by row and column; rows of equal length, gaps as empty strings.

    Spans that reach beyond the table's last row end there, as browsers do it.
    """
    height = len(table.rows)
    filled: dict[tuple[int, int], str] = {}
    for y, row in enumerate(placed_cells(table)):
        for x, cell in row:
            for dy in range(min(cell.rowspan, height - y)):
                for dx in range(min(cell.colspan, WIDEST - x)):
                    filled.setdefault((y + dy, x + dx), cell.text)
    width = 1 + max((x for _, x in filled), default=-1)
    return [[filled.get((y, x), "") for x in range(width)] for y in range(height)]


def placed_cells(table: Table) -> list[list[tuple[int, Cell]]]:
    """Each row's own cells, with the column in which each begins, past what cells above cover."""
    # The rows below that each column is covered for.
    covered = [0] * WIDEST
    found = []
    for row in table.rows:
        x = 0
        line = []
        spans = []
        for cell in row:
            while x < WIDEST and covered[x]:
                x += 1
            line.append((x, cell))
            end = min(x + cell.colspan, WIDEST)
            spans += [(at, cell.rowspan) for at in range(x, end)]
            x = end
        covered = [max(rows - 1, 0) for rows in covered]
        for at, rows in spans:
            covered[at] = max(covered[at], rows - 1)
        found.append(line)
    return found
