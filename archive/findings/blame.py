"""Whose error is a failed identity, and which cell is it? Findings and two readings -> findings.
Pure.

The second table is a two-dimensional parity code: every cell stands in the sum of its row and in
one or two of its column. One wrong cell breaks exactly these, all by the same amount; where that
is what failed, the cell is named and the value that would mend it proposed, never written over
what is printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from archive.cells.gluing import summed_splits
from archive.cells.values import SURE
from archive.findings.arithmetic import keys_of, number
from archive.form import COLUMNS, IDENTITIES
from archive.model import Blame, Finding, Note, State, Verdict

PARITY = ("ROW.", "BALANCE.", "SUM.")
HARD = (*PARITY, "DISPUTE.", "S14.")
FORMULAS = {identity.id: identity.formula for identity in IDENTITIES}

Cells = Mapping[str, str | None]
Notes = Mapping[str, Note]


def needs_witness(findings: Sequence[Finding]) -> bool:
    """Is there a failure that a second reading should look at?"""
    return any(_is_judged(finding) for finding in findings)


def assign_blame(
    findings: Sequence[Finding], cells: Cells, notes: Notes, witnesses: Sequence[Cells]
) -> tuple[Finding, ...]:
    """The findings, each failed identity with its blame and the value proposed for a wrong cell.

    `witnesses` are other readings of the same document, each silent on what it does not know:
    publisher where for every cell involved one of them knows it and none says otherwise, parser
    where one differs, undecided where none knows.
    """
    proposed = _proposed(findings, cells)
    confirmed = {
        key
        for f in findings
        if f.verdict is Verdict.PASS and f.rule.startswith(HARD)
        for key in f.cells
    }
    judged = []
    for finding in findings:
        if _is_judged(finding):
            opinions = {_opinion(key, cells, notes, witnesses, confirmed) for key in finding.cells}
            blame = (
                Blame.PARSER
                if False in opinions
                else Blame.UNDECIDED
                if None in opinions
                else Blame.PUBLISHER
            )
            own = {key: value for key, value in proposed.items() if key in finding.cells}
            finding = replace(finding, blame=blame, proposed=own)
        judged.append(finding)
    return tuple(judged)


def _is_judged(finding: Finding) -> bool:
    return finding.verdict is Verdict.FAIL and finding.rule.startswith(HARD)


def _opinion(
    key: str, cells: Cells, notes: Notes, witnesses: Sequence[Cells], confirmed: set[str]
) -> bool | None:
    """Do the other readings of a cell agree with ours? None where there is no other."""
    note = notes.get(key)
    if note and note.state is State.OCR and note.confidence is not None:
        # A figure in a picture is recognised twice.
        return note.confidence >= SURE
    said = {witness[key] for witness in witnesses if key in witness}
    if said:
        return said == {cells.get(key)}
    if note and note.state is State.GLUED:
        # Nothing else can tell the digits apart, but another identity may bear the split out; and
        # where no split of them adds up, the page is wrong whichever is meant.
        return True if key in confirmed or _is_hopeless(key, note.printed) else None
    return None


@lru_cache(maxsize=64)
def _adds_up(printed: str) -> bool:
    return any(summed_splits(printed.split(), len(COLUMNS)))


def _is_hopeless(key: str, printed: str) -> bool:
    """Is it a row of the second table whose digits add up in no split?"""
    return key.startswith("requests.") and not _adds_up(printed)


def _proposed(findings: Sequence[Finding], cells: Cells) -> dict[str, str]:
    """The value that would mend every failure of the second table, for each cell that must be
    wrong: its row and its column fail, by the same amount, and no other cell explains them."""
    checked = {
        f.rule: f.verdict
        for f in findings
        if f.rule.startswith(PARITY) and f.verdict is not Verdict.NOT_CHECKABLE
    }
    failing = {rule for rule, verdict in checked.items() if verdict is Verdict.FAIL}
    suspects: dict[str, tuple[frozenset[str], Decimal]] = {}
    for key in sorted({key for rule in failing for key in keys_of(FORMULAS[rule])}):
        rules = frozenset(rule for rule in checked if key in keys_of(FORMULAS[rule]))
        needed = {_needed(rule, key, cells) for rule in rules}
        if len(rules) > 1 and rules <= failing and len(needed) == 1:
            suspects[key] = (rules, needed.pop())
    found = {}
    for key, (rules, value) in suspects.items():
        shared = [
            other for other, (theirs, _) in suspects.items() if other != key and theirs & rules
        ]
        if not shared and value >= 0:
            found[key] = f"{value:f}"
    return found


def _needed(rule: str, key: str, cells: Cells) -> Decimal:
    """What a cell must be for an identity to hold, all others as printed."""
    left, right = (
        {name: number(cells.get(name)) or Decimal(0) for name in keys_of(side)}
        for side in FORMULAS[rule].split(" = ")
    )
    own, other = (left, right) if key in left else (right, left)
    return sum(other.values(), Decimal(0)) - sum(own.values(), Decimal(0)) + own[key]
