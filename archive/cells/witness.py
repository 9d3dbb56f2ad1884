"""What does a document say if its figures are counted off instead of found by their labels? Pure.

A second reading that has nothing in common with the first but the document: the rows of a table,
or the numbers of a text, one after the other as they are printed. It speaks only of a table that
has exactly as many as the form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from archive.cells.labels import DISPUTE_KEYS, OTHER_2021, REQUEST_ROWS, request_keys
from archive.cells.runs import mark_enumerators
from archive.cells.values import UNITS, is_unit, is_value, read_value
from archive.form import COLUMNS, PRINTED, keys
from archive.model import Document, Paragraph, Table
from archive.spelling import compact

# The rows of the second table, by how many a form has.
ROWS: Mapping[int, Sequence[str]] = {
    len(rows): rows
    for rows in (
        [row for row in REQUEST_ROWS if row != "other"],
        [row for row in REQUEST_ROWS if row not in OTHER_2021],
    )
}
FIRST_ROW, LAST_ROW = re.compile(r"本年度?新收"), re.compile(r"结转下")
RESULTS = re.compile(r"维持")
LONGEST_TABLE = 8_000
STATISTICS = re.compile(r"主动公开政府信息数")
# In running text, whose enumerators are marked: plain numbers, and where they may stand.
NUMBER = re.compile(r"(?<![^\s|\u4e00-\u9fff¶§)])[+-]?\d[\d,]*(?:\.\d+)?(?![^\s|\u4e00-\u9fff¶§])")
REQUESTS_TEXT = re.compile(
    rf"本\s*年\s*+度?\s*+新\s*收.{{0,{LONGEST_TABLE}}}?结\s*转\s*下\D*(?:[\s|]*\d+)*", re.DOTALL
)
DISPUTES_TEXT = re.compile(r"复\s*议\s*后\s*起\s*诉\D*((?:[\s|]*\d+)*)")
STATISTICS_TEXT = re.compile(rf"{UNITS}[\s|]*([+-]?\d[\d,.]*)(?=[\s|])")

Cells = dict[str, str | None]
Rows = Sequence[Sequence[str]]


def count_off(document: Document) -> Mapping[str, str | None]:
    """The cells of those tables whose figures are as many as the form has, in its order."""
    rows = [
        [cell.text for cell in row]
        for block in document.blocks
        if isinstance(block, Table)
        for row in block.rows
    ]
    text = mark_enumerators(document.text or "\n".join(_lines(document)))
    return {
        **(_requests_of_rows(rows) or _requests_of_text(text)),
        **(_disputes_of_rows(rows) or _disputes_of_text(text)),
        **(_statistics_of_rows(rows) or _statistics_of_text(text)),
    }


def _lines(document: Document) -> Iterator[str]:
    return (block.text for block in document.blocks if isinstance(block, Paragraph))


def _read(order: Iterable[str], values: Iterable[str]) -> Cells:
    pairs = zip(order, values, strict=True)
    return {key: read_value(text, PRINTED[key].type)[0] for key, text in pairs}


def _requests(rows: Sequence[Sequence[str]]) -> Cells:
    order = ROWS.get(len(rows), ())
    return _read(chain.from_iterable(map(request_keys, order)), chain(*rows)) if order else {}


def _requests_of_rows(rows: Rows) -> Cells:
    """The rows that end in seven figures, from the first row's label to the last one's."""
    width = len(COLUMNS)
    labels = [compact("".join(row)) for row in rows]
    begins = [n for n, label in enumerate(labels) if FIRST_ROW.search(label)]
    ends = [n for n, label in enumerate(labels) if LAST_ROW.search(label)]
    if len(begins) != 1 or len(ends) != 1:
        return {}
    figures = [
        row[-width:]
        for row in rows[begins[0] : ends[0] + 1]
        if len(row) > width and all(map(is_value, row[-width:])) and not is_value(row[-width - 1])
    ]
    return _requests(figures)


def _requests_of_text(text: str) -> Cells:
    width = len(COLUMNS)
    found = []
    for match in REQUESTS_TEXT.finditer(text):
        numbers = NUMBER.findall(match[0]) if len(match[0]) < LONGEST_TABLE else []
        if len(numbers) % width == 0 and len(numbers) // width in ROWS:
            found.append([numbers[n : n + width] for n in range(0, len(numbers), width)])
    return _requests(found[0]) if len(found) == 1 else {}


def _disputes_of_rows(rows: Rows) -> Cells:
    """The only row of 15 figures below the results."""
    count = len(DISPUTE_KEYS)
    first = next((n for n, row in enumerate(rows) if RESULTS.search(compact("".join(row)))), None)
    figures = [
        row[-count:]
        for row in (rows[first:] if first is not None else ())
        if len(row) >= count and all(map(is_value, row[-count:])) and any(map(compact, row))
    ]
    return _read(DISPUTE_KEYS, figures[0]) if len(figures) == 1 else {}


def _disputes_of_text(text: str) -> Cells:
    found = [match[1].replace("|", " ").split() for match in DISPUTES_TEXT.finditer(text)]
    found = [numbers for numbers in found if len(numbers) == len(DISPUTE_KEYS)]
    return _read(DISPUTE_KEYS, found[0]) if len(found) == 1 else {}


def _statistics_of_rows(rows: Rows) -> Cells:
    """The figures that stand behind a unit of measure."""
    first = next((n for n, row in enumerate(rows) if STATISTICS.search(compact("".join(row)))), 0)
    figures = [
        value
        for row in rows[first:]
        for unit, value in zip(row[-2:], row[-1:], strict=False)
        if len(row) > 1 and is_unit(unit) and is_value(value)
    ]
    return _statistics(figures)


def _statistics_of_text(text: str) -> Cells:
    first = STATISTICS.search(text)
    return _statistics(STATISTICS_TEXT.findall(text[first.start() :])) if first else {}


def _statistics(figures: Sequence[str]) -> Cells:
    order = keys("stats2014")
    return _read(order, figures) if len(figures) == len(order) else {}
