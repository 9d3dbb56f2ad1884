"""What does a printed cell say: which number, or why none? Pure.

Blank, "/" and 无 stay what they are; what could be two numbers is `ambiguous`, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from archive.form import COLUMNS
from archive.model import Cell, Note, State
from archive.spelling import compact

UNITS = r"(?:万元|亿元|元|件|条|项|个|笔|次|份|篇|人次|人)"
DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
# Digits of other scripts are no figures of ours: NFKC leaves them as they are.
NUMBER = re.compile(rf"([+\-−]?)({DIGITS})(?:({UNITS})|\(({UNITS})\))?", re.ASCII)
# Two numbers in one cell, or a footnote's mark beside one (NFKC makes 12① 121).
SEVERAL = re.compile(
    r"[\d+\-−—/]\s+\d|[\u00b2\u00b3\u00b9\u2070-\u2089\u2460-\u249b\u24ea\u3251-\u325f\u32b1-\u32bf"
    r"\u00bc-\u00be]"
)
# 一 is a dash of some input methods; –, ― and ─ are dashes of others.
NOT_APPLICABLE = frozenset(
    {"/", "-", "--", "—", "——", "–", "―", "─", "──", "\\", "无", "不适用", "不填", "N/A", "一"}
)
# What a picture shows and nobody can recognise.
UNREADABLE = "\ufffd"
# Two recognitions of a cell that differ leave less than this.
SURE = 0.6
# Units of money that say another amount than the column's: 万元, or none where things are counted.
OTHER_MONEY = {
    "decimal": frozenset({"元", "亿元"}),
    "int": frozenset({"元", "万元", "亿元"}),
    "signed_int": frozenset({"元", "万元", "亿元"}),
}
MOST_DIGITS = 12
SHORT = 32
GLUED_DIGITS = 7

# A number as printed or None, and what there is to say of it.
Value = tuple[str | None, Note | None]


def read_cell(cell: Cell, kind: str) -> Value:
    """As `read_value`; what was recognised in a picture is marked so, with its confidence."""
    value, note = read_value(cell.text, kind)
    if cell.confidence is None:
        return value, note
    if note and note.state is State.BLANK:
        # A faint figure may look like an empty cell.
        return None, note if cell.confidence >= SURE else replace(note, state=State.UNREADABLE)
    if UNREADABLE in cell.text:
        return None, Note(State.UNREADABLE, cell.text, cell.confidence)
    if value is None:
        state = note.state if note else State.UNREADABLE
        return None, Note(state, cell.text.strip(), cell.confidence)
    return value, Note(State.OCR, cell.text.strip(), cell.confidence)


def read_value(text: str, kind: str) -> Value:
    """A printed cell -> its number (or None) and what there is to say of it.

    Integers come without commas and units, decimals as printed; an amount of money keeps the
    unit printed with it, because the form leaves the unit open.
    """
    return _read_short(text, kind) if len(text) <= SHORT else _read(text, kind)


def _read(text: str, kind: str) -> Value:
    printed = text.strip()
    bare = compact(text)
    if not bare:
        return None, Note(State.BLANK, "")
    if bare in NOT_APPLICABLE:
        return None, Note(State.NA, printed)
    if SEVERAL.search(printed):
        return None, Note(State.AMBIGUOUS, printed)
    match = NUMBER.fullmatch(bare)
    if match is None:
        return None, Note(State.TEXT, printed)
    sign, digits, unit = match[1], match[2].replace(",", ""), match[3] or match[4]
    if is_glued(digits):
        return None, Note(State.AMBIGUOUS, printed)
    whole, _, fraction = digits.partition(".")
    if kind in {"int", "signed_int"}:
        if fraction.strip("0"):
            return None, Note(State.TEXT, printed)
        digits = whole
    if unit in OTHER_MONEY.get(kind, ()):
        return None, Note(State.AMBIGUOUS, printed)
    value = ("-" if sign in {"-", "−"} else "") + digits
    if unit is None:
        # A printed plus (本年增/减 「+7」) is the cell's story, not part of the number.
        return value, Note(State.UNIT, printed) if sign == "+" else None
    return (value + unit if kind == "money_text" else value), Note(State.UNIT, printed)


# The same few texts fill all tables.
_read_short = lru_cache(maxsize=4096)(_read)


def count_of(text: str) -> int:
    """A printed count as a sum takes it: what is no number adds nothing."""
    return int(Decimal(read_value(text, "int")[0] or 0))


def is_value(text: str) -> bool:
    """May this be a figure's cell: a number, a mark for none, or nothing at all?"""
    bare = compact(text)
    return not bare or bare in NOT_APPLICABLE or NUMBER.fullmatch(bare) is not None


def is_figure(text: str) -> bool:
    """Is something printed here that may be a figure's cell?"""
    return bool(compact(text)) and is_value(text)


def is_unit(text: str) -> bool:
    """Is it a unit of measure and nothing else?"""
    return re.fullmatch(UNITS, compact(text)) is not None


def in_unit(cell: Cell, unit: str) -> Cell:
    """A cell whose column names another unit than the form, with that unit beside its figure."""
    return (
        replace(cell, text=cell.text.strip() + unit)
        if unit and NUMBER.fullmatch(compact(cell.text))
        else cell
    )


def is_bare_value(cell: str) -> bool:
    """Is it one value and nothing besides, or empty?"""
    return not cell or (not re.search(r"\s|\|", cell) and is_value(cell) and not is_glued(cell))


def is_glued(value: str) -> bool:
    """Are its first digits more than one number's: 007, or longer than any count?"""
    digits = re.sub(r"\D.*", "", value.lstrip("+-−"))
    return (len(digits) > 1 and digits.startswith("0")) or len(digits) > MOST_DIGITS


def is_run_together(text: str) -> bool:
    """Are there the digits of a whole row, where prose has a number or two?"""
    return sum(map(str.isdigit, text)) >= GLUED_DIGITS


def count_sums(rows: Iterable[Sequence[str]], order: Sequence[str] = COLUMNS) -> tuple[int, int]:
    """How many rows of seven with figures add up to their total, and how many do not.

    Blank counts as 0, and rows of nothing but that do not count.
    """
    right = wrong = 0
    for row in rows:
        numbers = list(map(count_of, row))
        if any(numbers):
            holds = sum(numbers) == 2 * numbers[order.index("total")]
            right, wrong = right + holds, wrong + (not holds)
    return right, wrong


def is_proven(values: Sequence[str]) -> bool:
    """Seven numbers of which the total is the sum."""
    numbers = [read_value(value, "int")[0] for value in values]
    return None not in numbers and count_sums([values])[1] == 0
