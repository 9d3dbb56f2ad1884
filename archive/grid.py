"""One table -> a full rectangle of strings. Pure.

A spanning cell's text is copied to every place it covers: the statutory forms are built from
merged headings, and only in a full rectangle do a row's and a column's headings name a figure.
"""

from __future__ import annotations

from archive.model import Table

# HTML allows spans to 65,534 rows; no report has a table of more than a few hundred places a side.
WIDEST = 200


def table_to_grid(table: Table) -> list[list[str]]:
    """The table's texts by row and column; rows of equal length, gaps as empty strings.

    Spans that reach beyond the table's last row end there, as browsers do it.
    """
    height = len(table.rows)
    filled: dict[tuple[int, int], str] = {}
    for y, row in enumerate(table.rows):
        x = 0
        for cell in row:
            while (y, x) in filled:
                x += 1
            if x >= WIDEST:
                break
            for dy in range(min(cell.rowspan, height - y)):
                for dx in range(min(cell.colspan, WIDEST - x)):
                    filled.setdefault((y + dy, x + dx), cell.text)
            x += min(cell.colspan, WIDEST - x)
    width = 1 + max((x for _, x in filled), default=-1)
    return [[filled.get((y, x), "") for x in range(width)] for y in range(height)]
