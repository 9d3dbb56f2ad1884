"""Where are the cells gathered, and what do several printings of a table agree on?

A page may quote last year's table or another body's: where two printings say different things
no number is taken. What stands after the last chapter counts only by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from archive.cells.values import Value, is_run_together, read_cell
from archive.form import COLUMNS, PRINTED
from archive.model import Cell, Extra, Note, State

# What a printed cell may say instead of a number.
EMPTY = frozenset({State.BLANK, State.NA, State.TEXT})


@dataclass(slots=True)
class Printing:
    """One printing of a table: what each of its cells says, and the rows it has."""

    cells: dict[str, Value] = field(default_factory=dict)
    rows: set[str] = field(default_factory=set)

    def says(self, values: Mapping[str, Value]) -> bool:
        """Does it say the same of all these cells?"""
        return all(self.cells.get(key) == value for key, value in values.items())


@dataclass(slots=True)
class Sheet:
    """The tables gathered so far, in as many printings as the document has.

    `order` is that of the second table's columns, `columns` the last table's heading of the first
    one: a table broken by a page goes on without its headings. `extras` are the rows of statistics
    that no form has. `confidence` is that of running text, where it was recognised in pictures.
    """

    body: dict[str, list[Printing]] = field(default_factory=dict)
    annex: dict[str, list[Printing]] = field(default_factory=dict)
    in_annex: bool = False
    order: tuple[str, ...] = COLUMNS
    columns: tuple[str, ...] = ()
    extras: tuple[Extra, ...] = ()
    confidence: float | None = None

    def put(self, row: str, keys: Iterable[str], cells: Sequence[Cell]) -> None:
        """A row and its printed cells; keys that no form prints are passed over."""
        values = {
            key: read_cell(self._recognised(cell), PRINTED[key].type)
            for key, cell in zip(keys, cells, strict=True)
            if key in PRINTED
        }
        self._add(row, values)

    def _recognised(self, cell: Cell) -> Cell:
        known = cell.confidence is not None or self.confidence is None
        return cell if known else replace(cell, confidence=self.confidence)

    def split(
        self, row: str, keys: Iterable[str], told: Sequence[str | None], printed: str
    ) -> None:
        """A row whose cells were run together, and what the identities tell of them."""
        glued = Note(State.GLUED, printed, self.confidence)
        doubtful = Note(State.AMBIGUOUS, printed)
        values: dict[str, Value] = {
            key: (None, doubtful) if number is None else (number, glued)
            for key, number in zip(keys, told, strict=True)
            if key in PRINTED
        }
        self._add(row, values)

    def doubt(self, row: str, keys: Iterable[str], printed: str) -> None:
        """A row that is printed but whose cells cannot be told apart."""
        note = Note(State.AMBIGUOUS, printed)
        self._add(row, {key: (None, note) for key in keys if key in PRINTED})

    def begin(self, table: str) -> None:
        """Another printing of a table begins, whether or not any of its rows can be read."""
        self._place(table).append(Printing())

    def printings(self, table: str) -> list[Printing]:
        """The printings of a table that count."""
        return self.body.get(table) or self.annex.get(table, [])

    def has(self, table: str) -> bool:
        """Was any number of the table read?"""
        return any(
            value is not None
            for printing in self.printings(table)
            for value, _ in printing.cells.values()
        )

    def tells(self, table: str) -> bool:
        """Is the table printed, be it with marks for none and blanks alone?"""
        return self.has(table) or any(
            note is not None and note.state in EMPTY
            for printing in self.printings(table)
            for _, note in printing.cells.values()
        )

    def values(self, table: str) -> dict[str, Value]:
        """Every cell of a table, as all printings of it agree.

        A table without a number counts if its digits ran together; else it is prose's words.
        Statistics are only gathered where their form is there as a whole.
        """
        if self.tells(table) or table == "stats2014" or self._ran_together(table):
            return _agreed(self.printings(table))
        return {}

    def contested(self, table: str) -> set[str]:
        """The cells of a table of which two printings say different things."""
        printings = self.printings(table)
        return {
            key
            for printing in printings
            for key in printing.cells
            if len({other.cells.get(key, (None, None))[0] for other in printings}) > 1
        }

    def _place(self, table: str) -> list[Printing]:
        return (self.annex if self.in_annex else self.body).setdefault(table, [])

    def _add(self, row: str, values: dict[str, Value]) -> None:
        if not values:
            return
        printings = self._place(next(iter(values)).partition(".")[0])
        if not printings or (row in printings[-1].rows and not printings[-1].says(values)):
            printings.append(Printing())
        printings[-1].rows.add(row)
        printings[-1].cells.update(values)

    def _ran_together(self, table: str) -> bool:
        return any(
            note and is_run_together(note.printed)
            for printing in self.printings(table)
            for _, note in printing.cells.values()
        )


def _agreed(printings: Sequence[Printing]) -> dict[str, Value]:
    """One value a cell: of several printings only what all of them say is kept."""
    if len(printings) == 1:
        return printings[0].cells
    found: dict[str, Value] = {}
    for key in {key: None for printing in printings for key in printing.cells}:
        said = [printing.cells.get(key, (None, None)) for printing in printings]
        if len({value for value, _ in said}) == 1:
            found[key] = said[0]
        else:
            printed = " / ".join(note.printed if note else value or "" for value, note in said)
            found[key] = None, Note(State.AMBIGUOUS, printed)
    return found
