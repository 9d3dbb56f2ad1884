"""Two years of one body -> findings on the later one. Pure.

What is carried out of a year is carried into the next, and a stock is the last stock plus what
came less what went. Rules without a cell on either form do not apply: 2018 had no such table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from archive.findings.arithmetic import Cells, keys_of, not_numbers, number, official, shown, total
from archive.findings.plausibility import weigh_beside
from archive.form import IDENTITIES, PRINTED, Identity
from archive.model import Blame, Finding, Reading, Verdict
from archive.versions import History

PREFIX = "XYEAR."
ITEMS = "XYEAR.items."
# 上一年项目数量 was printed in 2019 and 2020 only, so there is one pair of years.
ITEMS_YEAR = 2020
TERM = re.compile(r"([a-z0-9_.]+)\[(N-1|N|\d{4})\]")
# Marks the cells of the year before.
BEFORE = "_before"
NOW = frozenset({"N", str(ITEMS_YEAR)})
SOFT_NOTE = "软规则：口径调整、到期失效、机构改革都会使它不成立。"


def across(cells: Cells, before: Cells, year: int) -> tuple[Finding, ...]:
    """A finding for each cross-year rule both years print the cells of; `before` is year - 1."""
    return tuple(
        _judge(identity, cells, before, year)
        for identity in IDENTITIES
        if identity.id.startswith(PREFIX)
        and (not identity.id.startswith(ITEMS) or year == ITEMS_YEAR)
        and all(_is_printed(key, when, cells, before) for key, when in _terms(identity.formula))
    )


def _terms(formula: str) -> Iterator[tuple[str, str]]:
    for match in TERM.finditer(formula):
        yield match[1], match[2]


def _is_printed(key: str, when: str, cells: Cells, before: Cells) -> bool:
    return key in (cells if when in NOW else before)


def _judge(identity: Identity, cells: Cells, before: Cells, year: int) -> Finding:
    left, _, right = identity.formula.partition(" = ")
    # One set of cells for both years, last year's under keys of their own.
    both = {**{f"{key}{BEFORE}": value for key, value in before.items()}, **cells}
    left, right = (
        TERM.sub(lambda m: m[1] if m[2] in NOW else f"{m[1]}{BEFORE}", side)
        for side in (left, right)
    )
    mine = tuple(key for key, when in _terms(identity.formula) if when in NOW)
    actual, expected = total(left, both), total(right, both)
    if actual is None or expected is None:
        return Finding(
            identity.id,
            Verdict.NOT_CHECKABLE,
            cells=mine,
            explanation=not_numbers(
                (*keys_of(left), *keys_of(right)), both, partial(_official, year=year)
            ),
        )
    holds = actual == expected
    return Finding(
        identity.id,
        Verdict.PASS if holds else Verdict.FAIL,
        expected=shown(expected),
        actual=shown(actual),
        blame=None if holds else Blame.UNDECIDED,
        cells=mine,
        explanation="" if holds else _story(identity, before, year),
    )


def _official(key: str, year: int) -> str:
    bare = key.removesuffix(BEFORE)
    return official(bare) + (f"（{year - 1} 年）" if bare != key else "")


def _story(identity: Identity, before: Cells, year: int) -> str:
    told = "，".join(
        f"{year - 1} 年度所印{PRINTED[key].zh}为 {shown(value)}"
        for key, when in _terms(identity.formula)
        if when not in NOW and (value := number(before.get(key))) is not None
    )
    return told + "。" + (SOFT_NOTE if identity.level == "cross_year_soft" else "")


def current(history: History) -> Reading:
    """The reading of the version a report shows at present."""
    return next(version.reading for version in history.versions if version.id == history.current)


def compare(history: History, year: int, before: Reading | None) -> History:
    """A report's history with what the body's report of the year before adds to the findings on
    every version; as it was without one."""
    if before is None:
        return history
    return replace(
        history,
        versions=tuple(
            replace(version, reading=_beside(version.reading, year, before))
            for version in history.versions
        ),
    )


def _beside(reading: Reading, year: int, before: Reading) -> Reading:
    return replace(
        reading,
        findings=(
            *reading.findings,
            *across(reading.cells, before.cells, year),
            *weigh_beside(reading.sections, reading.cells, before.sections, before.cells),
        ),
    )
