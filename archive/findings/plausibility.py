"""Figures that keep every identity and still look wrong -> findings. Pure.

All of it is soft: a finding asks for a second look and accuses nobody. A fee in the table beside
无 in chapter six is no conflict: the one is 行政事业性收费, the other 信息处理费.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from archive.findings.arithmetic import Cells, number, shown
from archive.findings.prose import BLANK, sentences
from archive.form import PRINTED
from archive.model import Blame, Body, Finding, Section, Verdict

LICENSING, PENALTIES = "disclosure.licensing.decisions", "disclosure.penalties.decisions"
RULES = (
    "disclosure.regulations.issued",
    "disclosure.regulations.repealed",
    "disclosure.regulations.in_force",
    "disclosure.regulations.made",
)
ABOVE_TOWNSHIP = frozenset({"province", "prefecture", "county"})
# A body of these kinds and levels makes no rules (《立法法》第九十一、九十三条); of all others we
# are not sure: an office may report for its government, a vertical body for its ministry.
NO_RULES = frozenset(
    {
        *((kind, level) for kind in ("department", "functional_zone") for level in ABOVE_TOWNSHIP),
        ("government", "county"),
        ("office", "county"),
        ("township", "township"),
        ("government", "township"),
        ("department", "township"),
    }
)
SOFT_NOTE = "此项只作提示，不是定论。"
# Fewer cells than this are a torn table, of which nothing follows.
MANY_CELLS = 100
LEAP = 100
FEW_NONZERO = 5
SAME_TEXT = 100
CHAPTERS = frozenset(range(7))
SHARE = re.compile(
    r"(?:占(?:比|总数|总量|全部)?(?:的)?(?:比例|比重)?(?:为|达|的)?|(?:办结|答复|回复|按时办结|按期答复|公开|满意)率(?:均)?(?:为|达到?|是)?)"
    r"(?P<p>-?\d+(?:\.\d+)?)%"
)
SHARE_WORDS = re.compile(r"[占率][^，。；]{0,12}\d\s*[%％]")
YEAR = re.compile(r"(?:19|20)\d{2}|[〇零一二三四五六七八九]{4}年")


def weigh(sections: Sequence[Section], cells: Cells, body: Body | None) -> tuple[Finding, ...]:
    """What looks wrong in one report by itself; nothing where all looks right."""
    return (*_decisions(cells, body), *_rules(cells, body), *_zeros(cells), *_percents(sections))


def weigh_beside(
    sections: Sequence[Section], cells: Cells, sections_before: Sequence[Section], before: Cells
) -> tuple[Finding, ...]:
    """What looks wrong beside the same body's report of the year before."""
    return (
        *_leaps(cells, before),
        *_copied_figures(cells, before),
        *_copied_text(sections, sections_before),
    )


def _doubt(rule: str, explanation: str, cells: tuple[str, ...] = (), **more: str) -> Finding:
    return Finding(
        rule,
        Verdict.FAIL,
        expected=more.get("expected"),
        actual=more.get("actual"),
        blame=Blame.UNDECIDED,
        cells=cells,
        explanation=explanation + SOFT_NOTE,
        printed=more.get("printed", ""),
    )


def _decisions(cells: Cells, body: Body | None) -> Iterator[Finding]:
    if body is None or body.kind != "government" or body.level not in ABOVE_TOWNSHIP:
        return
    if number(cells.get(LICENSING)) == 0 and number(cells.get(PENALTIES)) == 0:
        yield _doubt(
            "PLAUSIBLE.no_decisions",
            "县级以上人民政府的行政许可与行政处罚处理决定都印作 0。",
            (LICENSING, PENALTIES),
            actual="0",
        )


def _rules(cells: Cells, body: Body | None) -> Iterator[Finding]:
    if body is None or (body.kind, body.level) not in NO_RULES:
        return
    found = [(key, value) for key in RULES if (value := number(cells.get(key))) and value > 0]
    if found:
        yield _doubt(
            "PLAUSIBLE.no_rule_power",
            f"{body.name}没有规章制定权，规章印作 {shown(found[0][1])} 件。",
            tuple(key for key, _ in found),
            expected="0",
            actual=shown(found[0][1]),
        )


def _zeros(cells: Cells) -> Iterator[Finding]:
    numbers = [found for value in cells.values() if (found := number(value)) is not None]
    if len(numbers) >= MANY_CELLS and not any(numbers):
        yield Finding(
            "PLAUSIBLE.all_zero",
            Verdict.NOT_CHECKABLE,
            actual="0",
            explanation=f"{len(numbers)} 格数字全部是 0：勾稽关系一律成立，不能说明数字可靠。",
        )


def _percents(sections: Sequence[Section]) -> Iterator[Finding]:
    for sentence in sentences(sections, CHAPTERS, SHARE_WORDS):
        for match in SHARE.finditer("，".join(sentence.clauses)):
            if not 0 <= Decimal(match["p"]) <= 100:
                yield _doubt(
                    "PLAUSIBLE.percent",
                    f"占比或办结率印作 {match['p']}%。",
                    expected="0–100%",
                    actual=f"{match['p']}%",
                    printed=sentence.printed[:300],
                )


def _counts(cells: Cells) -> dict[str, Decimal]:
    return {
        key: found
        for key, value in cells.items()
        if (found := number(value)) is not None and key in PRINTED and PRINTED[key].type == "int"
    }


def _leaps(cells: Cells, before: Cells) -> Iterator[Finding]:
    was, has = _counts(before), _counts(cells)
    leaps = [key for key, value in has.items() if was.get(key, 0) > 0 and value > LEAP * was[key]]
    if leaps:
        first = leaps[0]
        yield _doubt(
            "PLAUSIBLE.leap",
            f"{len(leaps)} 格增至上一年的 {LEAP} 倍以上：{PRINTED[first].zh}"
            f"由 {shown(was[first])} 增至 {shown(has[first])}"
            + "等。" * (len(leaps) > 1)
            + "。" * (len(leaps) == 1),
            tuple(leaps),
            expected=f"不超过 {shown(LEAP * was[first])}",
            actual=shown(has[first]),
        )


def _copied_figures(cells: Cells, before: Cells) -> Iterator[Finding]:
    was, has = (
        {key: found for key, value in year.items() if (found := number(value)) is not None}
        for year in (before, cells)
    )
    nonzero = sum(1 for value in has.values() if value)
    if was == has and nonzero >= FEW_NONZERO:
        yield _doubt(
            "PLAUSIBLE.copied_figures",
            f"{len(has)} 格数字（非零 {nonzero} 格）与上一年完全相同。",
            tuple(key for key, value in has.items() if value),
        )


def _copied_text(sections: Sequence[Section], before: Sequence[Section]) -> Iterator[Finding]:
    one, other = _overview(sections), _overview(before)
    if len(one) >= SAME_TEXT and one == other:
        yield _doubt("PLAUSIBLE.copied_text", "总体情况一章除年份外与上一年一字不差。")


def _overview(sections: Sequence[Section]) -> str:
    text = "".join(section.text for section in sections if section.number == 1)
    return YEAR.sub("", BLANK.sub("", text))
