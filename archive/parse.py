"""Which form does a report use, and what does it hold of it? Documents -> Parsed. Pure.

Two readers, one result: a table is read as a grid, a flow of lines as labels and numbers. Every
figure is found by its labels, exactly as printed; what cannot be told apart is `ambiguous`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain

from archive.cells.flow import read_flow
from archive.cells.indicators import prints_indicators, read_statistics
from archive.cells.labels import OTHER_2021
from archive.cells.runs import printed_texts, running_lines
from archive.cells.sheet import EMPTY, Sheet
from archive.cells.tables import read_table
from archive.cells.values import Value
from archive.chapters import LAST_CHAPTER, read_sections, without_table
from archive.form import keys
from archive.model import Document, Extra, Note, Paragraph, Section, State, Table

PDF = "application/pdf"
TABLES = ("disclosure", "requests", "disputes", "stats2014")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a report holds of the form: its chapters, its cells and what is to say of them.

    `source` is the place of the document that prints most of the figures, `contested` the cells
    that are printed twice and not alike.
    """

    form: str | None
    sections: tuple[Section, ...]
    cells: Mapping[str, str | None]
    notes: Mapping[str, Note]
    extras: tuple[Extra, ...] = ()
    source: int = 0
    contested: frozenset[str] = frozenset()

    def numbers(self, table: str = "") -> int:
        """How many cells hold a number, of one table or of all."""
        return sum(value is not None and key.startswith(table) for key, value in self.cells.items())

    def tells(self, table: str) -> bool:
        """Is the table printed, be it with marks for none and blanks alone?"""
        return self.numbers(table) > 0 or any(
            note.state in EMPTY and key.startswith(table) for key, note in self.notes.items()
        )


def parse(*documents: Document) -> Parsed:
    """The chapters and cells of a report: its page, and the annexes that print what it lacks.

    Each table is taken from the first document that prints figures of it, the chapters from the
    one that has most. Every key of the form is there, or noted missing.
    """
    sheets = [_gather(document) for document in documents]
    chosen = {table: _chosen(table, sheets) for table in TABLES}
    values = {
        key: value for table, sheet in chosen.items() for key, value in sheet.values(table).items()
    }
    form, form_keys = _form(values, chosen)
    if not form_keys and any(prints_indicators(printed_texts(document)) for document in documents):
        form = "stats2014"
    missing: Value = (None, Note(State.MISSING))
    cells = {key: values.get(key, missing) for key in form_keys}
    chapters = [read_sections(document.prose) for document in documents]
    best = max(range(len(chapters)), key=lambda n: sum(s.number > 0 for s in chapters[n]))
    printed = [
        sum(chosen[key.partition(".")[0]] is sheet for key, (value, _) in cells.items() if value)
        for sheet in sheets
    ]
    sections = (without_table(section, sheets[best]) for section in chapters[best])
    return Parsed(
        form,
        tuple(section for section in sections if section.heading or section.text),
        {key: value for key, (value, _) in cells.items()},
        {key: note for key, (_, note) in cells.items() if note},
        tuple(chain.from_iterable(sheet.extras for sheet in sheets)),
        printed.index(max(printed)),
        frozenset(key for table, sheet in chosen.items() for key in sheet.contested(table)),
    )


def settle(one: Parsed, other: Parsed, preferred: Mapping[str, Parsed]) -> Parsed:
    """Two readings of the same documents as one; the chapters are those of `other` if it lost none,
    because it keeps tables apart.

    Each fills in what the other lacks. Where they differ in a number, or in what is empty in a
    row of which they read other numbers, the table is read as in `preferred`, or, if that says
    nothing of the table, the cell is ambiguous.
    """
    cells: dict[str, str | None] = {}
    notes: dict[str, Note] = {}
    contested = {
        key
        for reading in (one, other)
        for key in reading.contested
        if reading.cells.get(key) is None and key in reading.notes
    }
    base, second = (one, other) if one.numbers() >= other.numbers() else (other, one)
    at_odds = {
        _row(key)
        for key, value in base.cells.items()
        if value is not None and second.cells.get(key) not in {None, value}
    }
    for key in base.cells:
        reading = preferred.get(key.partition(".")[0])
        value, note = base.cells[key], base.notes.get(key)
        if key in contested:
            cells[key], notes[key] = None, one.notes.get(key) or other.notes[key]
            continue
        twin, twin_note = second.cells.get(key), second.notes.get(key)
        if None not in (value, twin):
            differs = value != twin
        else:
            empty = note if value is None else twin_note
            differs = value != twin and _row(key) in at_odds and _is_definite(empty)
        if differs and reading is None:
            value, note = None, Note(State.AMBIGUOUS, f"{value or ''} / {twin or ''}")
        elif differs and reading is not None:
            value, note = reading.cells[key], reading.notes.get(key)
        elif value is None and (twin is not None or _says_more(twin_note, note)):
            value, note = twin, twin_note
        cells[key] = value
        if note:
            notes[key] = note
    chapters = [sum(s.number > 0 for s in reading.sections) for reading in (one, other)]
    sections = other.sections if chapters[1] >= chapters[0] else one.sections
    return replace(base, sections=sections, cells=cells, notes=notes)


def _row(key: str) -> str:
    """What is printed as one row: of the third table all of it, of a list each cell."""
    table, row, _ = key.split(".")
    return {"disputes": table, "stats2014": key}.get(table, f"{table}.{row}")


def _says_more(note: Note | None, other: Note | None) -> bool:
    """Does a note tell more of a cell without a number than another?"""
    return other is not None and not _is_definite(other) and _is_definite(note)


def _is_definite(note: Note | None) -> bool:
    """Does a note say what is printed in place of a number?"""
    return note is not None and note.state not in {State.MISSING, State.AMBIGUOUS}


def _gather(document: Document) -> Sheet:
    sheet = Sheet()
    for block in document.blocks:
        if isinstance(block, Table):
            read_table(block, sheet)
        elif isinstance(block, Paragraph) and LAST_CHAPTER.match(block.text):
            sheet.in_annex = True
    sheet.confidence = _confidence(document)
    in_order = document.media_type != PDF and sheet.confidence is None
    text = document.text or "\n".join(running_lines(document))
    read_flow(text, sheet, in_order=in_order)
    if not sheet.has("requests"):
        sheet.extras = read_statistics(document, sheet)
    return sheet


def _confidence(document: Document) -> float | None:
    """How sure the recognition of the running text was; None where most of it is printed text."""
    lines = [block for block in document.blocks if isinstance(block, Paragraph)]
    seen = [block.confidence for block in lines if block.confidence is not None]
    return min(seen) if 2 * len(seen) > len(lines) else None


def _chosen(table: str, sheets: list[Sheet]) -> Sheet:
    """The first sheet that tells what the table says, or else the first in which it is printed."""
    return next(
        (sheet for sheet in sheets if sheet.tells(table)),
        next((sheet for sheet in sheets if sheet.printings(table)), sheets[0]),
    )


def _form(
    values: Mapping[str, Value], chosen: Mapping[str, Sheet]
) -> tuple[str | None, tuple[str, ...]]:
    """The form by what is printed, never by the year, and the keys the document should hold.

    The first printing of a table tells. None where only cells common to both forms were read;
    then just those are expected.
    """
    keys_2021, keys_2019 = keys("2021"), keys("2019")
    shared = tuple(key for key in keys_2021 if key in keys_2019)
    printings = {table: sheet.printings(table)[:1] for table, sheet in chosen.items()}
    disclosed = {key for first in printings["disclosure"] for key in first.cells}
    disclosed.difference_update(shared)
    rows = {row for first in printings["requests"] for row in first.rows}
    first = next((form for form in ("2021", "2019") if disclosed.intersection(keys(form))), None)
    second = "2021" if rows & OTHER_2021 else "2019" if "other" in rows else None
    if first and second and first != second:
        own = [key for key in keys(first) if key.startswith("disclosure.")]
        rest = [key for key in keys("mixed") if not key.startswith("disclosure.")]
        return "mixed", (*own, *rest)
    if form := first or second:
        return form, keys(form)
    if any(key in values for key in shared):
        return None, shared
    return ("stats2014", keys("stats2014")) if values else ("narrative", ())
