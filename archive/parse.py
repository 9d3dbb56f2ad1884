"""Which form does a document use, and what does it hold of it? Document -> Parsed. Pure.

Two readers, one result: a table is read as a grid, a flow of lines as labels and numbers. Every
figure is found by its labels, exactly as printed; what cannot be told apart is `ambiguous`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from archive.chapters import LAST_CHAPTER, read_sections, without_table
from archive.flow import read_flow
from archive.form import keys
from archive.indicators import prints_indicators
from archive.labels import OTHER_2021
from archive.model import Document, Note, Paragraph, Section, State, Table
from archive.sheet import Sheet
from archive.tables import read_table
from archive.values import Value


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the document holds of the form: its chapters, its cells and what is to say of them."""

    form: str | None
    sections: tuple[Section, ...]
    cells: Mapping[str, str | None]
    notes: Mapping[str, Note]


def parse(document: Document) -> Parsed:
    """The chapters and cells of a document. Every key of its form is there, or noted missing."""
    sheet = Sheet()
    for block in document.blocks:
        if isinstance(block, Table):
            read_table(block, sheet)
        elif LAST_CHAPTER.match(block.text):
            sheet.in_annex = True
    read_flow(document.text or "\n".join(_lines(document)), sheet)
    values = sheet.values()
    form, form_keys = _form(values, sheet)
    if not form_keys and prints_indicators(_texts(document)):
        form = "stats2014"
    missing: Value = (None, Note(State.MISSING))
    cells = {key: values.get(key, missing) for key in form_keys}
    return Parsed(
        form,
        tuple(without_table(section, sheet) for section in read_sections(document.prose)),
        {key: value for key, (value, _) in cells.items()},
        {key: note for key, (_, note) in cells.items() if note},
    )


def _form(values: Mapping[str, Value], sheet: Sheet) -> tuple[str | None, tuple[str, ...]]:
    """The form by what is printed, never by the year, and the keys the document should hold.

    The first printing of a table tells. None where only cells common to both forms were read;
    then just those are expected.
    """
    keys_2021, keys_2019 = keys("2021"), keys("2019")
    shared = tuple(key for key in keys_2021 if key in keys_2019)
    disclosed = {key for first in sheet.printings("disclosure")[:1] for key in first.cells}
    disclosed.difference_update(shared)
    rows = {row for first in sheet.printings("requests")[:1] for row in first.rows}
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


def _lines(document: Document) -> Iterator[str]:
    """The running text: paragraphs, and tables of one column; other tables were read as grids."""
    for block in document.blocks:
        if isinstance(block, Paragraph):
            yield block.text
        elif all(len(row) <= 1 for row in block.rows):
            yield from (cell.text for row in block.rows for cell in row)


def _texts(document: Document) -> Iterator[str]:
    for block in document.blocks:
        if isinstance(block, Paragraph):
            yield block.text
        else:
            yield from (cell.text for row in block.rows for cell in row)
