"""Which cells of the forms does a table hold? A grid -> sheet. Pure.

A grid knows its empty cells. A row is read by the places of its table's headings; where it does
not line up with them, only by their number, and only if nothing speaks against their order.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TypeVar

from archive.cells.labels import (
    APPLICANTS,
    DISCLOSURE_COLUMNS,
    DISPUTE_BLOCKS,
    DISPUTE_KEYS,
    DISPUTE_RESULTS,
    ENUMERATOR,
    REQUEST_ORDER,
    WEAK_ROWS,
    Patterns,
    blocks_in_turn,
    columns_in_turn,
    disclosure_row,
    name_in,
    other_unit,
    request_keys,
    request_label,
    request_row,
    results_in_turn,
    rows_beside,
    torn_columns,
    without_subtotals,
)
from archive.cells.sheet import Sheet
from archive.cells.values import count_sums, in_unit, is_figure, is_unit, is_value
from archive.grid import WIDEST, PlacedRow, fill_rows, placed_cells, row_edges
from archive.model import Cell, Table
from archive.spelling import compact

WIDTH = len(APPLICANTS)
# 其他 and 总计 alone head other tables too.
FEWEST_COLUMNS = 3
# Of so many rows and more one may stand again.
MOST_AGAIN = 4
# Columns that local forms add.
REMARKS = re.compile("备注|说明|小计|行次|序号|(?:计量)?单位")
# Local forms give these groups a 其他 or 合计 of their own, which is no row of the form.
OTHER_GROUPS = re.compile("不予公开|无法提供|不予处理")

Name = TypeVar("Name", bound=Hashable)


def read_table(table: Table, sheet: Sheet) -> None:
    """All that the table holds of the forms; a page may have put several of theirs into one."""
    placed = placed_cells(table)
    grid, edges, rows = fill_rows(placed), row_edges(placed), _mended(placed)
    # A page's end may part rows from the heading that stands above them.
    heading, applicants = _Heading(tuple(enumerate(sheet.columns))), _Heading()
    requests: list[_Request] = []
    disclosures: list[_Disclosed] = []
    has_heading = False
    for y, row in enumerate(rows):
        texts = _texts(row)
        ends_in_figure = bool(texts) and is_figure(texts[-1])
        if not ends_in_figure and (found := _disclosure_heading(row, edges[y])):
            heading, has_heading = found, True
            continue
        if not requests and not any(map(is_figure, texts)):
            applicants = _applicants(applicants, row, edges[y])
        at = _label_at(texts)
        label, values = compact(texts[at]) if at >= 0 else "", row[at + 1 :]
        disclosed, requested = disclosure_row(label), request_row(label)
        several = rows_beside(requested, label) if requested else ()
        if several and any(is_figure(cell.text) for _, cell in values):
            for one in several:
                sheet.doubt(one, request_keys(one), " | ".join(texts))
        elif heading.places and disclosed:
            disclosures.append(_Disclosed(disclosed, heading, values, edges[y]))
        elif (
            requested
            and len(values) >= WIDTH
            and (applicants.is_whole() or not is_unit(values[0][1].text))
        ):
            above = "".join(map(compact, grid[y][: row[at][0]]))
            if requested not in WEAK_ROWS or not OTHER_GROUPS.search(above):
                taken = applicants.take(values, edges[y]) if applicants.is_whole() else None
                requests.append(_Request(requested, _cells(values), taken))
    sheet.columns = heading.columns() if has_heading and not requests else ()
    _read_disclosed(disclosures, sheet)
    _read_requests(requests, applicants, sheet)
    _read_disputes(rows, grid, sheet)


def _cells(row: PlacedRow) -> list[Cell]:
    return [cell for _, cell in row]


def _texts(row: PlacedRow) -> list[str]:
    return [cell.text for _, cell in row]


def _mended(rows: Sequence[PlacedRow]) -> list[PlacedRow]:
    """The rows, those of the second table that a page's end cut in two whole again.

    One half has the figures and blanks stand in the other; the second half's label goes on where
    the first's was cut («1.本机关不掌握相关», «政府信息»).
    """
    whole = list(rows)
    empty = [not any(cell.text.strip() for _, cell in row[-WIDTH:]) for row in rows]
    for y, (one, other) in enumerate(pairwise(rows)):
        if empty[y] == empty[y + 1] or min(len(one), len(other)) <= WIDTH:
            continue
        figures = other[-WIDTH:] if empty[y] else one[-WIDTH:]
        if not all(is_value(cell.text) for _, cell in figures):
            continue
        (x, label), (_, rest) = one[-WIDTH - 1], other[-WIDTH - 1]
        first, second = compact(label.text), compact(rest.text)
        row = request_row(first + second)
        if row is None or request_row(first) not in {None, row} or ENUMERATOR.match(second):
            continue
        if second and second in request_label(row):
            joined = (x, replace(label, text=label.text + rest.text))
            whole[y], whole[y + 1] = [*one[: -WIDTH - 1], joined, *figures], []
    return whole


def _label_at(texts: Sequence[str]) -> int:
    """The place of a row's innermost label, -1 where the row has none of the form.

    Labels stand together: a value may be words too (详见附件), and a remark may name a row.
    """
    known = -1
    for x, label in enumerate(map(compact, texts)):
        if known >= 0 and is_figure(label):
            break
        if request_row(label) or disclosure_row(label):
            known = x
    return known


@dataclass(frozen=True, slots=True)
class _Heading:
    """The columns a heading names, left to right, and where it ends.

    A row that ends there too is read by place. `covered` are the places a heading spans: two
    cells below one heading are two columns. `remarks` are columns that local forms add, figures or
    words. `in_turn` is a heading none of whose rows names columns in another order than the form's;
    `units` are those it names that are not the form's, by column.
    """

    places: tuple[tuple[int, str], ...] = ()
    edge: int = 0
    covered: frozenset[int] = frozenset()
    remarks: frozenset[int] = frozenset()
    in_turn: bool = True
    units: Mapping[str, str] = field(default_factory=dict)

    def columns(self) -> tuple[str, ...]:
        return tuple(column for _, column in self.places)

    def is_sound(self) -> bool:
        """Is no column named twice, and no place?"""
        return len(set(self.columns())) == len(dict(self.places)) == len(self.places)

    def is_whole(self) -> bool:
        return self.is_sound() and len(self.places) == WIDTH

    def take(self, values: PlacedRow, edge: int) -> list[Cell] | None:
        """The cells under the heading's columns, or None where they do not line up; `edge` is
        where their row ends."""
        cells = dict(values)
        own = dict(self.places)
        spare = any(
            x in self.covered or is_figure(cell.text)
            for x, cell in values
            if x not in own and x not in self.remarks
        )
        if edge != self.edge or spare or not own.keys() <= cells.keys():
            return None
        return [cells[x] for x in own]


def _heading(patterns: Patterns, row: PlacedRow, edge: int) -> _Heading:
    named = [
        (x, column, cell.colspan)
        for x, cell in row
        if (column := name_in(patterns, compact(cell.text)))
    ]
    return _Heading(
        tuple((x, column) for x, column, _ in named),
        edge,
        frozenset(x + step for x, _, span in named for step in range(1, min(span, WIDEST))),
        frozenset(x for x, cell in row if REMARKS.fullmatch(compact(cell.text))),
    )


# --- the first table ------------------------------------------------------------------------------


def _disclosure_heading(row: PlacedRow, edge: int) -> _Heading | None:
    """The columns that a row names as a heading of the first table; None where it is no heading."""
    heading = _heading(DISCLOSURE_COLUMNS, row, edge)
    if not heading.places:
        return None
    first = heading.places[0][0]
    if any(x > first and is_figure(cell.text) for x, cell in row):
        return None
    names = [(x, compact(cell.text)) for x, cell in row if compact(cell.text)]
    torn = torn_columns([name for _, name in names[1:]]) if "信息内容" in names[0][1] else ()
    if len(heading.places) < len(torn):
        places = zip((x for x, _ in names[1:]), torn, strict=True)
        return replace(heading, places=tuple(places))
    # One such word may be prose's; the form's heading begins with 信息内容.
    alone = len(heading.places) == 1 and "信息内容" not in compact("".join(_texts(row)))
    labels = dict(names)
    units = {column: other_unit(column, labels[x]) for x, column in heading.places}
    return None if alone else replace(heading, units=units)


@dataclass(frozen=True, slots=True)
class _Disclosed:
    """A row's values, the heading above it and where it ends."""

    row: str
    heading: _Heading
    values: PlacedRow
    edge: int

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(f"disclosure.{self.row}.{column}" for column in self.heading.columns())

    def taken(self) -> list[Cell] | None:
        """The cells of the heading's columns, each with the unit its column names in place of the
        form's; None where nothing tells which they are."""
        if not self.heading.is_sound():
            return None
        taken = self.heading.take(self.values, self.edge)
        if taken is None and len(self.values) == len(self.keys):
            taken = _cells(self.values)
        units = (self.heading.units.get(column, "") for column in self.heading.columns())
        return taken and [in_unit(cell, unit) for cell, unit in zip(taken, units, strict=True)]


def _read_disclosed(rows: Sequence[_Disclosed], sheet: Sheet) -> None:
    strays = _strays([(row.keys, _texts(row.values)) for row in rows])
    for row in rows:
        taken = row.taken()
        if row.keys in strays:
            sheet.doubt(row.row, row.keys, strays[row.keys])
        elif taken is not None:
            sheet.put(row.row, row.keys, taken)
        elif row.values:
            sheet.doubt(row.row, row.keys, " | ".join(_texts(row.values)))


def _strays(rows: Sequence[tuple[Name, Sequence[str]]]) -> Mapping[Name, str]:
    """The few rows of a table that stand in it again with other figures, and all that they say.

    Local forms have 其中 rows of the same words below a row. Where many rows stand again, the
    table is printed twice.
    """
    said: dict[Name, list[str]] = {}
    for name, texts in rows:
        said.setdefault(name, []).append(" | ".join(texts))
    again = {name: list(dict.fromkeys(texts)) for name, texts in said.items() if len(texts) > 1}
    if len(said) <= MOST_AGAIN * len(again):
        return {}
    return {name: " / ".join(texts) for name, texts in again.items() if len(texts) > 1}


# --- the second table -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Request:
    """A row's values: all that are printed, and those under the seven columns if known."""

    row: str
    values: Sequence[Cell]
    taken: Sequence[Cell] | None


def _applicants(heading: _Heading, row: PlacedRow, edge: int) -> _Heading:
    """The heading of the second table (two rows, 自然人 begins it) with this row's columns."""
    more = _heading(APPLICANTS, row, edge)
    in_turn = len(more.places) < FEWEST_COLUMNS or columns_in_turn(map(compact, _texts(row)))
    more = replace(more, in_turn=in_turn)
    remarks = heading.remarks | more.remarks
    if "natural_person" in more.columns():
        return replace(more, remarks=remarks)
    if not heading.places or len(heading.places) >= WIDTH:
        return replace(heading, in_turn=heading.in_turn and in_turn, remarks=remarks)
    return _Heading(
        tuple(sorted((*heading.places, *more.places))),
        max(heading.edge, more.edge),
        heading.covered | more.covered,
        remarks,
        heading.in_turn and more.in_turn,
    )


def _read_requests(requests: Sequence[_Request], heading: _Heading, sheet: Sheet) -> None:
    """The rows of one table, if it is the second: under its heading, or else in the form's order.

    An order that nothing names is believed unless the rows' sums speak against it, or what is named
    of it; where blank columns are left out at the end, only if the sums bear it out.
    """
    rows = without_subtotals([(request.row, request) for request in requests])
    if not rows or not _belongs([row for row, _ in rows], sheet):
        return
    named = heading.is_whole()
    if named:
        sheet.order = heading.columns()
    # Spare columns are left out at the end only where they are blank in every row.
    spare = not any(compact(c.text) for _, request in rows for c in request.values[WIDTH:])
    cells = [
        request.taken or (request.values[:WIDTH] if spare or len(request.values) == WIDTH else ())
        for _, request in rows
    ]
    texts = ([cell.text for cell in taken] for taken in cells if taken)
    right, wrong = count_sums(texts, sheet.order)
    strays = _strays([(row, [cell.text for cell in request.values]) for row, request in rows])
    for (row, request), printed in zip(rows, cells, strict=True):
        cut = len(request.values) > WIDTH
        sure = request.taken or (
            (named or heading.in_turn) and (right > wrong if cut else named or right >= wrong)
        )
        if row in strays:
            sheet.doubt(row, request_keys(row), strays[row])
        elif printed and sure:
            sheet.put(row, request_keys(row, sheet.order), printed)
        else:
            sheet.doubt(row, request_keys(row), " | ".join(cell.text for cell in request.values))


def _belongs(rows: Sequence[str], sheet: Sheet) -> bool:
    """Is it the second table, or its last rows on a new page?"""
    if not WEAK_ROWS.issuperset(rows):
        return True
    before = [row for printing in sheet.printings("requests")[-1:] for row in printing.rows]
    first = min(map(REQUEST_ORDER.__getitem__, rows))
    return bool(before) and all(REQUEST_ORDER[row] < first for row in before)


# --- the third table ------------------------------------------------------------------------------


def _read_disputes(rows: Sequence[PlacedRow], grid: Sequence[Sequence[str]], sheet: Sheet) -> None:
    """The row of 15 under the headings of the third table, or a row of five for each block."""
    count = len(DISPUTE_KEYS)
    headings: list[str] = []
    blocks: dict[tuple[str, ...], list[Cell]] = {}
    contested = False
    for y, row in enumerate(rows):
        texts = _texts(row)
        if any("维持" in compact(text) for text in texts):
            headings += texts
            continue
        if headings and (keys := _block_keys(grid[:y], row)):
            contested |= keys in blocks
            blocks[keys] = _cells(row[-len(keys) :])
            continue
        values, labels = texts[-count:], texts[:-count]
        if not headings or len(values) < count or not any(map(compact, values)):
            continue
        if not all(map(is_value, values)) or any(map(is_figure, labels)):
            continue
        by_place = _dispute_keys(grid[:y], [x for x, _ in row[-count:]])
        in_turn = (
            not labels and results_in_turn(headings) and all(map(_has_blocks_in_turn, rows[:y]))
        )
        if by_place or in_turn:
            sheet.put("disputes", by_place or DISPUTE_KEYS, _cells(row[-count:]))
        else:
            sheet.doubt("disputes", DISPUTE_KEYS, " | ".join(values))
    # A row for 行政复议 alone is of another table, on all cases of the body; and beside the form's
    # own row these say the same in more words, or something else.
    if len(blocks) == len(DISPUTE_BLOCKS) and not sheet.has("disputes"):
        cells = [cell for row in blocks.values() for cell in row]
        if contested:
            sheet.doubt("disputes", DISPUTE_KEYS, " | ".join(cell.text for cell in cells))
        else:
            sheet.put("disputes", [key for keys in blocks for key in keys], cells)


def _block_keys(above: Sequence[Sequence[str]], row: PlacedRow) -> tuple[str, ...]:
    """The five keys of a row whose label names its block, by the results above its figures."""
    labels, values = row[: -len(DISPUTE_RESULTS)], row[-len(DISPUTE_RESULTS) :]
    named = [name_in(DISPUTE_BLOCKS, compact(cell.text)) for _, cell in labels]
    block = next(filter(None, reversed(named)), None)
    if block is None or not all(is_value(cell.text) for _, cell in values):
        return ()
    keys = tuple(f"disputes.{block}.{_result_above(above, x)}" for x, _ in values)
    return keys if {key for key in DISPUTE_KEYS if f".{block}." in key} == set(keys) else ()


def _result_above(above: Sequence[Sequence[str]], x: int) -> str | None:
    labels = (compact(row[x]) for row in reversed(above) if x < len(row))
    return next(filter(None, (name_in(DISPUTE_RESULTS, label) for label in labels)), None)


def _has_blocks_in_turn(row: PlacedRow) -> bool:
    return blocks_in_turn(map(compact, _texts(row)))


def _dispute_keys(above: Sequence[Sequence[str]], places: Sequence[int]) -> tuple[str, ...] | None:
    """The keys of the figures by the headings above each, where these name all 15."""
    found = []
    for x in places:
        labels = [compact(row[x]) for row in reversed(above) if x < len(row)]
        block, result = (
            next(filter(None, (name_in(patterns, label) for label in labels)), None)
            for patterns in (DISPUTE_BLOCKS, DISPUTE_RESULTS)
        )
        found.append(f"disputes.{block}.{result}")
    return tuple(found) if set(found) == set(DISPUTE_KEYS) else None
