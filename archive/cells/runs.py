"""What of a document is running text, and how does that fall into labels and the figures after
them? Document -> text -> runs. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from archive.cells.labels import GROUP, LEAF
from archive.cells.values import DIGITS, UNITS, is_bare_value
from archive.model import Document, Paragraph, Table

# A digit right before 「.」 and a Chinese character numbers the next label: 「0000000 2.其他」.
NUMBERED = re.compile(r"[1-9]\s*[.、]\s*(?=[\u4e00-\u9fff“‘\"])")
CIRCLED = re.compile(r"[\u2460-\u249b]|[(（]\s*\d{1,2}\s*[)）](?=\s*[\u4e00-\u9fff“‘\"])")
BRACKETED = re.compile(r"\(\s*[一二三四五六七八九十]{1,2}\s*\)")
# Three tokens that would make a row of three: 「- 4 -」 on a line of its own is a page's number.
PAGE_MARK = re.compile(
    r"(?<![^\r\n])[^\S\r\n]*[-—–][^\S\r\n]*\d{1,3}[^\S\r\n]*[-—–][^\S\r\n]*(?![^\r\n])"
)
# A number in pieces, as its runs were parted; 「7. 17」 may be a label's number and a figure.
POINT = re.compile(r"(?<=\d)(?:\s+\.\s*|\.[^\S\n]*\n\s*|\.\s+(?=\d+[万亿元]))(?=\d)")
# A dash or a slash is a cell's only where it stands alone: not a sign, not a date's, not a range's.
TOKEN = re.compile(
    rf"(?P<number>[+\-−]?(?:{DIGITS})(?:\s{{0,2}}{UNITS})?)"
    r"|(?P<na>(?<![^\s|])(?:/|-{1,2}|—{1,2}|\\)(?![^\s|¶§])|(?<=[\s|])无(?=[\s|]))"
    r"|(?P<space>[\s|]+)"
    r"|(?P<text>[^\d\s|+\-−—/\\]+|.)"
)
# How extractors of text fill up a row that is shorter than its table is wide.
FILLING = re.compile(r"(?<=\s)\|{2,}")
BREAKS = re.compile(r"\r\n|[\r\n]")
VALUE = re.compile(r"[^\s|]+")
# What follows a number in a sentence and never a figure in a table.
SENTENCE = frozenset(",。;:、%年月日号至~")


@dataclass(frozen=True, slots=True)
class Run:
    """A label and the printed values that follow it; `gap` is all between it and the next label.

    `start` is the place of the label in the text.
    """

    label: str
    values: tuple[str, ...]
    gap: str = ""
    start: int = 0

    def piped(self, count: int, *, below: bool = False) -> tuple[str, ...] | None:
        """The cells of a row of so many, empty ones too, where each is a line that ends in a pipe
        and the last is printed: what may stand behind it only fills up the row.

        A row `below` its headings may begin with a mark, which is no cell.
        """
        before, *parts = FILLING.sub("", self.gap).split("|")
        while parts and not parts[-1].strip():
            parts.pop()
        if below and len(parts) > count and not parts[0].strip():
            del parts[0]
        cells = tuple(map(str.strip, parts))
        is_parted = not before.strip() and all("\n" in part for part in parts)
        if len(cells) != count or not is_parted or not all(map(is_bare_value, cells)):
            return None
        # With marks on both sides of a cell those of an even number may stand between fewer; one
        # empty cell below headings may be the mark, and another cell left out.
        is_doubtful = count % 2 == 0 or (below and not cells[0] and all(cells[1:]))
        return None if is_doubtful and not all(cells) else cells

    def is_even(self, *, below: bool = False) -> bool:
        """Are the values parted alike, and the label from the first of them? `below` is a row
        under its headings, which is parted from them as rows are.

        With a cell a line, one more line's end is an empty cell, and the number that makes up for
        it is no cell: a page's number.
        """
        first, *inner, _ = [len(BREAKS.findall(part)) for part in VALUE.split(self.gap)]
        return len({*inner} if below or not any(inner) else {first, *inner}) <= 1


def running_lines(document: Document) -> Iterator[str]:
    """The running text: paragraphs, and tables of one column; other tables are read as grids."""
    for block in document.blocks:
        if isinstance(block, Paragraph):
            yield block.text
        elif isinstance(block, Table) and all(len(row) <= 1 for row in block.rows):
            yield from (cell.text for row in block.rows for cell in row)


def printed_texts(document: Document) -> Iterator[str]:
    """Every text of the document in order: paragraphs and all cells."""
    for block in document.blocks:
        if isinstance(block, Paragraph):
            yield block.text
        elif isinstance(block, Table):
            yield from (cell.text for row in block.rows for cell in row)


def mark_enumerators(text: str) -> str:
    """The text in normal form without page marks, and marks for the enumerators, which run into
    values."""
    # NFKC makes plain digits of ①, so these go first.
    source = POINT.sub(".", unicodedata.normalize("NFKC", CIRCLED.sub(LEAF, text)))
    return NUMBERED.sub(LEAF, BRACKETED.sub(GROUP, PAGE_MARK.sub("", source)))


def read_runs(source: str) -> Iterator[Run]:
    """Marked text as labels followed by values; spaces part values and mean nothing in labels."""
    label: list[str] = []
    values: list[str] = []
    start = end = 0
    for match in TOKEN.finditer(source):
        kind = match.lastgroup
        if kind == "space":
            continue
        if kind == "na" or (kind == "number" and not _is_in_sentence(source, match.end())):
            values.append(match[0])
            continue
        if values:
            yield Run("".join(label), tuple(values), source[end : match.start()], start)
            label, values = [], []
        if not label:
            start = match.start()
        label.append(match[0])
        end = match.end()
    yield Run("".join(label), tuple(values), source[end:], start)


def _is_in_sentence(source: str, end: int) -> bool:
    return source[end : end + 3].strip()[:1] in SENTENCE
