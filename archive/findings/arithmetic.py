"""Sums over cells: "a.b.c + d.e.f - g.h.i" -> a number. Pure.

A cell without a number makes the whole sum unknown: blank is not zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache

from archive.form import PRINTED

KEY = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+\.[a-z0-9_]+")
TERM = re.compile(rf"([+-]?)\s*({KEY.pattern})")

Cells = Mapping[str, str | None]


def number(value: str | None) -> Decimal | None:
    """The number a cell holds; None for none, and for money whose unit is printed with it."""
    try:
        return None if value is None else Decimal(value)
    except InvalidOperation:
        return None


@cache
def keys_of(formula: str) -> tuple[str, ...]:
    """The keys a formula names, in its order."""
    return tuple(KEY.findall(formula))


def total(terms: str, cells: Cells) -> Decimal | None:
    """What the terms add up to; None when a cell among them is no number."""
    found = Decimal(0)
    for sign, key in _parsed(terms):
        value = number(cells.get(key))
        if value is None:
            return None
        found += -value if sign == "-" else value
    return found


@cache
def _parsed(terms: str) -> tuple[tuple[str, str], ...]:
    return tuple(TERM.findall(terms))


def shown(value: Decimal) -> str:
    """A number as a finding tells it: no exponent, no trailing zeros after the point."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def official(key: str) -> str:
    """The words the form prints for a cell: its row, and its column where it has one."""
    field = PRINTED[key]
    return f"「{field.row_zh}｜{field.column_zh}」" if field.column_zh else f"「{field.row_zh}」"


def not_numbers(keys: tuple[str, ...], cells: Cells, name: Callable[[str], str] = official) -> str:
    """Why a rule cannot be checked: the cells that hold no number, in Chinese. Empty if all do.

    `name` gives the words for a cell.
    """
    absent = [key for key in dict.fromkeys(keys) if number(cells.get(key)) is None]
    if not absent:
        return ""
    return f"{len(absent)} 格不是数字：{'、'.join(map(name, absent[:3]))}" + "…" * (len(absent) > 3)
