"""Identities over the cells of one report -> findings. Pure.

A failed identity is a result about the report, not an error of ours. Hard ones must hold; soft
ones usually do, and a failure says so. A rule with a cell that is no number is `not_checkable`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache

from archive.findings.arithmetic import Cells, keys_of, not_numbers, number, official, shown, total
from archive.form import IDENTITIES, PRINTED, Identity
from archive.model import Blame, Finding, Verdict

FORM_YEARS = {
    "stats2014": {2014},
    "2019": {2019},
    "2021": {2021},
    "mixed": {2019, 2021},
    None: {2019, 2021},
}
FAMILIES = ("ROW.", "BALANCE.", "SUM.", "DISPUTE.", "S14.")
SOFT = ("SOFT.", "S14.")
SOFT_NOTE = "软规则：不成立多半有误，但不必然。"
COMPARISON = re.compile(r"\s(=|>=)\s")
COUNTS = "RANGE.counts"
HEADS = (
    ("stats2014.response.press_conferences_head", "stats2014.response.press_conferences"),
    ("stats2014.response.online_interviews_head", "stats2014.response.online_interviews"),
)
CHANNELS = "stats2014.proactive.via_"
PUBLISHED = "stats2014.proactive.published_total"


def check(cells: Cells, form: str | None) -> tuple[Finding, ...]:
    """A finding for each identity of the form, hard ones first: ROW, BALANCE, SUM, DISPUTE, S14,
    RANGE.counts; then SOFT and the soft ones of 2014."""
    hard = [_judge(identity, cells) for identity in _applicable(form, cells)]
    return (*hard, *_counts(form, cells), *_soft(form, cells))


def _applicable(form: str | None, cells: Cells) -> Iterator[Identity]:
    years = FORM_YEARS.get(form, set())
    for identity in IDENTITIES:
        if identity.level != "hard" or not identity.id.startswith(FAMILIES):
            continue
        if not years & set(identity.formats):
            continue
        if form not in {"2021", "2019"} and identity.id.startswith("SUM."):
            # The sum that counts is the one whose rows the page prints.
            printed = _has_number(cells, "requests.other.")
            if printed is not (2019 in identity.formats):
                continue
        if any(key in cells for key in keys_of(identity.formula)):
            yield identity


def _has_number(cells: Cells, prefix: str) -> bool:
    return any(value is not None and key.startswith(prefix) for key, value in cells.items())


def _judge(identity: Identity, cells: Cells) -> Finding:
    keys = keys_of(identity.formula)
    left, sign, right = _sides(identity.formula)
    actual, expected = total(left, cells), total(right, cells)
    if actual is None or expected is None:
        return _unknown(identity.id, keys, cells)
    holds = actual == expected if sign == "=" else actual >= expected
    return _told(identity.id, holds, shown(expected), shown(actual), keys)


@cache
def _sides(formula: str) -> tuple[str, str, str]:
    left, sign, right = COMPARISON.split(formula, maxsplit=1)
    return left, sign, right


def _told(
    rule: str, holds: bool, expected: str, actual: str, keys: tuple[str, ...], note: str = ""
) -> Finding:
    return Finding(
        rule,
        Verdict.PASS if holds else Verdict.FAIL,
        expected=expected,
        actual=actual,
        blame=None if holds else Blame.UNDECIDED,
        cells=keys,
        explanation="" if holds else note,
    )


def _unknown(rule: str, keys: tuple[str, ...], cells: Cells) -> Finding:
    return Finding(rule, Verdict.NOT_CHECKABLE, cells=keys, explanation=not_numbers(keys, cells))


def _counts(form: str | None, cells: Cells) -> Iterator[Finding]:
    """Counts are whole and not negative; only a yearly change may have a minus."""
    if form == "stats2014":
        return
    counted = {
        key: found
        for key, value in cells.items()
        if key in PRINTED
        and PRINTED[key].type in ("int", "decimal")
        and (found := number(value)) is not None
    }
    if not counted:
        return
    wrong = tuple(
        key
        for key, found in counted.items()
        if found < 0 or (PRINTED[key].type == "int" and found != found.to_integral_value())
    )
    yield Finding(
        COUNTS,
        Verdict.FAIL if wrong else Verdict.PASS,
        actual=shown(counted[wrong[0]]) if wrong else None,
        blame=Blame.UNDECIDED if wrong else None,
        cells=wrong,
        explanation=f"{len(wrong)} 格不是非负整数：{'、'.join(map(official, wrong[:3]))}"
        if wrong
        else "",
    )


def _soft(form: str | None, cells: Cells) -> Iterator[Finding]:
    years = FORM_YEARS.get(form, set())
    for identity in IDENTITIES:
        if identity.level != "soft" or not identity.id.startswith(SOFT):
            continue
        if not years & set(identity.formats):
            continue
        if identity.id == "S14.channels":
            yield from _channels(cells)
        elif identity.id == "S14.heads":
            yield from _heads(cells)
        elif all(cells.get(key) is None for key in keys_of(identity.formula)):
            # The other form's row of a mixed report, or a table the page does not have.
            continue
        elif identity.id == "S14.requests.received":
            yield _received_by_channel(identity, cells)
        else:
            yield _softened(_judge(identity, cells))


def _softened(finding: Finding) -> Finding:
    if finding.verdict is not Verdict.FAIL:
        return finding
    return Finding(
        finding.rule,
        finding.verdict,
        finding.expected,
        finding.actual,
        finding.blame,
        finding.cells,
        SOFT_NOTE,
    )


def _received_by_channel(identity: Identity, cells: Cells) -> Finding:
    """More requests than the four channels add up to: the table has no channel 其他."""
    finding = _softened(_judge(identity, cells))
    if finding.verdict is Verdict.FAIL and Decimal(finding.actual or 0) > Decimal(
        finding.expected or 0
    ):
        return Finding(
            finding.rule,
            Verdict.EXPLAINED,
            finding.expected,
            finding.actual,
            cells=finding.cells,
            explanation="收到申请数多于四种渠道之和：统计表没有「其他」渠道一栏。",
        )
    return finding


def _channels(cells: Cells) -> Iterator[Finding]:
    """The same information on several channels counts once: between the largest and the sum."""
    keys = tuple(key for key in cells if key.startswith(CHANNELS))
    if cells.get(PUBLISHED) is None and all(cells.get(key) is None for key in keys):
        return
    published = number(cells.get(PUBLISHED))
    parts = [number(cells.get(key)) for key in keys]
    known = [part for part in parts if part is not None]
    if published is None or not known or len(known) < len(parts):
        yield _unknown("S14.channels", (PUBLISHED, *keys), cells)
        return
    low, high = max(known), sum(known, Decimal(0))
    yield _told(
        "S14.channels",
        low <= published <= high,
        f"{shown(low)}–{shown(high)}",
        shown(published),
        (PUBLISHED, *keys),
        SOFT_NOTE,
    )


def _heads(cells: Cells) -> Iterator[Finding]:
    """Those led by the head of the body are among all: the worse of the two pairs is told."""
    pairs = [pair for pair in HEADS if any(cells.get(key) is not None for key in pair)]
    known = [pair for pair in pairs if not not_numbers(pair, cells)]
    if not pairs:
        return
    keys = tuple(key for pair in pairs for key in pair)
    for part, whole in known:
        led, held = number(cells.get(part)), number(cells.get(whole))
        if led is not None and held is not None and led > held:
            yield _told("S14.heads", False, shown(held), shown(led), (part, whole), SOFT_NOTE)
            return
    if len(known) < len(pairs):
        yield _unknown("S14.heads", keys, cells)
        return
    part, whole = known[0]
    yield _told("S14.heads", True, cells.get(whole) or "", cells.get(part) or "", keys)
