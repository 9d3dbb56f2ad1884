"""Identities over cells -> findings. Pure.

A failed identity is a result about the report, not an error of ours. Only identities marked hard
are judged here; a rule with a cell that is no number is `not_checkable`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation

from archive.form import IDENTITIES, Identity
from archive.model import Blame, Finding, Verdict

FAMILIES = ("ROW.", "BALANCE.", "SUM.", "DISPUTE.", "S14.")
FORM_YEARS = {
    "stats2014": {2014},
    "2019": {2019},
    "2021": {2021},
    "mixed": {2019, 2021},
    None: {2019, 2021},
}
KEY = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+\.[a-z0-9_]+")


def check(cells: Mapping[str, str | None], form: str | None) -> tuple[Finding, ...]:
    """A finding for each hard identity of the form: ROW, BALANCE, SUM, DISPUTE, S14."""
    return tuple(_judge(identity, cells) for identity in _applicable(form, cells))


def _applicable(form: str | None, cells: Mapping[str, str | None]) -> Iterator[Identity]:
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
        keys = KEY.findall(identity.formula)
        if any(key in cells for key in keys):
            yield identity


def _has_number(cells: Mapping[str, str | None], prefix: str) -> bool:
    return any(value is not None and key.startswith(prefix) for key, value in cells.items())


def _judge(identity: Identity, cells: Mapping[str, str | None]) -> Finding:
    sides = identity.formula.split(" = ")
    keys = tuple(KEY.findall(identity.formula))
    values = {key: _number(cells.get(key)) for key in keys}
    absent = [key for key in keys if values[key] is None]
    if absent:
        return Finding(
            identity.id,
            Verdict.NOT_CHECKABLE,
            cells=keys,
            explanation=f"{len(absent)} 格不是数字：{'、'.join(absent[:3])}"
            + "…" * (len(absent) > 3),
        )
    left, right = (
        sum((values[key] or Decimal(0) for key in KEY.findall(side)), Decimal(0)) for side in sides
    )
    holds = left == right
    return Finding(
        identity.id,
        Verdict.PASS if holds else Verdict.FAIL,
        expected=f"{right:f}",
        actual=f"{left:f}",
        blame=None if holds else Blame.UNDECIDED,
        cells=keys,
    )


def _number(value: str | None) -> Decimal | None:
    try:
        return None if value is None else Decimal(value)
    except InvalidOperation:
        return None
