"""Plain text -> Document: the layouts people paste, a line a paragraph or a line a row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from archive.model import Block, Cell, Document, Paragraph, Table, UnreadableError

LONGEST = 2_000_000
# A row of a table on a line of its own has more marks between its cells than any prose.
FEWEST_MARKS = 3
FEWEST_ROWS = 3
# Markdown's marks of a heading.
HEADING_MARK = re.compile(r"^#{1,6}[^\S\n]+(?=\S)")
NUMBER = re.compile(r"\d")
RULE = re.compile(r"[\s|:+=-]*")
# Extractors of text fill up a row that is shorter than its table is wide, and some leave out its
# empty cells (「| 规章 | 2 | 33 | ||||」): where one is filled up, no row's last marks tell a cell.
FILLED = re.compile(r"\| \|{2,}$")
FILLING = re.compile(r"(?<=\| )\|+$")
# Others give each cell marks of its own: 「|规章||2||33|」.
DOUBLED = re.compile(r"-?\|[^|]+(?:\|\|[^|]+)*\|")


def read_plain(text: str) -> Document:
    """Every line that is not blank, in order; tabs and pipes stay for the table reader.

    Raises UnreadableError for a text longer than any report.
    """
    if len(text) > LONGEST:
        raise UnreadableError(f"文本有 {len(text)} 字，超过 {LONGEST} 字，不像年度报告")
    # Two full-width spaces begin a paragraph; pastes often keep them and lose the line's end.
    lines = [
        HEADING_MARK.sub("", line.strip())
        for line in re.split(r"[\r\n\f\v\u2028]+|\u3000{2,}", text)
    ]
    blocks = tuple(Paragraph(line) for line in lines if line)
    return Document(
        media_type="text/plain",
        blocks=blocks,
        prose=tuple(block.text for block in blocks),
        text=text,
    )


def read_plain_grid(document: Document) -> Document:
    """The same text with its tables as grids, where tabs or pipes part the cells of a line; the
    document itself where there is no such table.

    A second reading, which knows a row's empty cells. Its `text` is what is left.
    """
    blocks: list[Block] = []
    rest: list[str] = []
    for mark, group in groupby(re.split(r"\r\n|[\r\n\f\v\u2028]", document.text), key=_mark):
        rows = list(group)
        if mark and len(rows) >= FEWEST_ROWS:
            blocks.append(Table(tuple(_cells(rows, mark))))
        else:
            blocks += [Paragraph(row.strip()) for row in rows if row.strip()]
            rest += rows
    if not any(isinstance(block, Table) for block in blocks):
        return document
    prose = tuple(block.text for block in blocks if isinstance(block, Paragraph))
    return replace(document, blocks=tuple(blocks), prose=prose, text="\n".join(rest))


def _mark(line: str) -> str:
    """What parts the cells of a line; nothing where it is no row of a table."""
    return next((mark for mark in "\t|" if line.count(mark) >= FEWEST_MARKS), "")


def _cells(rows: Sequence[str], mark: str) -> Iterator[tuple[Cell, ...]]:
    if mark == "|":
        rows = [row.strip() for row in rows if not RULE.fullmatch(row)]
        if all(map(DOUBLED.fullmatch, rows)):
            rows, mark = [row.removeprefix("-") for row in rows], "||"
        elif any(map(FILLED.search, rows)):
            rows = [FILLING.sub("", row).rstrip() if NUMBER.search(row) else row for row in rows]
        rows = [row.removeprefix("|").removesuffix("|") for row in rows]
    for row in rows:
        yield tuple(Cell(text.strip()) for text in row.strip("\r\n").split(mark))
