"""A whole jurisdiction against the bodies in it -> findings on the whole. Pure.

Nobody publishes a list of all bodies that must report, so the archive cannot know that it has
every member. Members that already exceed the whole refute it; members that equal it confirm it;
anything less says nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from archive.findings.arithmetic import Cells, shown, total
from archive.model import Blame, Body, Finding, Verdict

RULE = "HIER.sum"
WHOLE = "jurisdiction_aggregate"
# Whose figures belong to a whole once and only once: a body's own, or those of a lower whole.
MEMBER = frozenset({"own_body", WHOLE})
FIGURES: Mapping[str, str] = {
    "本年新收": "requests.received_new.total",
    "本年度办理结果总计": "requests.concluded_total.total",
    "行政复议总计": "disputes.review.total",
    "行政诉讼总计": "disputes.litigation_direct.total + disputes.litigation_after_review.total",
}


@dataclass(frozen=True, slots=True)
class Share:
    """The current version of a report, as far as roll-ups need it.

    `body` says whose it is and, by name, what stands above it; `above` is the id of that where a
    correction says it. `figures` are the values of FIGURES in that order, None where a cell is no
    number.
    """

    version: str
    issuer: str
    body: Body
    year: int
    scope: str
    figures: tuple[Decimal | None, ...]
    above: str | None = None


def figures_of(cells: Cells) -> tuple[Decimal | None, ...]:
    """The figures a roll-up compares, of one report."""
    return tuple(total(formula, cells) for formula in FIGURES.values())


def roll_up(shares: Iterable[Share]) -> dict[str, tuple[Finding, ...]]:
    """The findings on every report of a whole jurisdiction, by version."""
    shares = tuple(shares)
    wholes = [share for share in shares if share.scope == WHOLE]
    bodies = {share.issuer: share.body for share in shares}
    named: defaultdict[str, list[str]] = defaultdict(list)
    for issuer in sorted({whole.issuer for whole in wholes}):
        named[bodies[issuer].name].append(issuer)
    members: defaultdict[tuple[str, int], list[Share]] = defaultdict(list)
    for share in shares:
        above = [
            issuer
            for issuer in named.get(share.body.parent or "", ())
            if issuer != share.issuer and _holds(bodies[issuer].division, share.body.division)
        ]
        if share.above:
            above = [share.above]
        # Many places share a name: of two that might be meant neither is.
        if len(above) == 1:
            members[above[0], share.year].append(share)
    return {whole.version: _compare(whole, members[whole.issuer, whole.year]) for whole in wholes}


def _holds(whole: str | None, part: str | None) -> bool:
    """Whether one GB/T 2260 code lies within another; unknown codes may."""
    if not whole or not part:
        return True
    province, prefecture, county = whole[:2], whole[2:4], whole[4:6]
    kept = [province, *([prefecture, county] if county != "00" else [prefecture])]
    return part.startswith("".join(kept) if prefecture != "00" else province)


def _compare(whole: Share, members: list[Share]) -> tuple[Finding, ...]:
    if not members:
        return (_unknown("档案中没有下级机关同年度的年报。"),)
    counted = [member for member in members if member.scope in MEMBER]
    if not counted:
        return (_unknown(f"{len(members)} 个下级机关的年报都没有写明统计口径。"),)
    return tuple(
        _judge(name, keys, whole.figures[at], [member.figures[at] for member in counted])
        for at, (name, keys) in enumerate(FIGURES.items())
    )


def _judge(name: str, formula: str, whole: Decimal | None, parts: list[Decimal | None]) -> Finding:
    known = [part for part in parts if part is not None]
    cells = tuple(formula.split(" + "))
    if whole is None or not known:
        return _unknown(f"{name}：全辖区的格或下级机关的格不是数字。", cells)
    added = sum(known, Decimal(0))
    if added < whole or (added == whole == 0 and len(known) < len(parts)):
        return _unknown(
            f"{name}：档案中 {len(known)} 个下级机关合计 {shown(added)}，"
            f"全辖区 {shown(whole)}；档案未必收全下级机关的年报，不能断定。",
            cells,
        )
    return Finding(
        RULE,
        Verdict.PASS if added == whole else Verdict.FAIL,
        expected=shown(added),
        actual=shown(whole),
        blame=None if added == whole else Blame.UNDECIDED,
        cells=cells,
        explanation=""
        if added == whole
        else f"{name}：{len(known)} 个下级机关合计 {shown(added)}，已超过全辖区的 {shown(whole)}。"
        "软规则：口径不同也会使它不成立。",
    )


def _unknown(explanation: str, cells: tuple[str, ...] = ()) -> Finding:
    return Finding(RULE, Verdict.NOT_CHECKABLE, cells=cells, explanation=explanation)
