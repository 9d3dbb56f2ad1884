"""What the prose says against what the tables print -> findings. Pure.

A sentence has more than one honest reading: closed cases only, or with what was carried over.
Each is tried; the first makes a `pass`, another `explained` with its name, and only when none
holds is it a `fail`. A false alarm is worse than silence: a statement whose subject is not certain
is told only where it agrees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cache

from archive.findings.arithmetic import Cells, keys_of, not_numbers, number, shown, total
from archive.findings.prose import Sentence, sentences
from archive.findings.statements import (
    ABOUT,
    BARE,
    CARRIED_IN,
    CHAPTERS,
    CONCLUDED,
    COUNT,
    DONE,
    FILL,
    GET,
    HANDLE,
    OTHER_YEAR,
    OUTCOMES,
    RECEIVED,
    REQUEST,
    SUBJECT,
    TABLE_TEXT,
    UNIT,
    WHO,
    Claim,
    Report,
    claims,
)
from archive.model import Blame, Finding, Section, Verdict

FORMS = frozenset({"2021", "2019", "mixed"})
LONGEST = 300


def narrate(
    sections: Sequence[Section],
    cells: Cells,
    form: str | None,
    *,
    year: int | None = None,
    issuer: str | None = None,
) -> tuple[Finding, ...]:
    """A finding for each checked statement of the prose, in the order of the text.

    Only forms with the tables of 2019 and 2021 are held to their prose. `year` and `issuer`, where
    known, tell statements about another year or another body apart.
    """
    if form not in FORMS:
        return ()
    found: dict[tuple[str, str, Decimal], Finding] = {}
    told = tuple(sentences(sections, CHAPTERS, ABOUT))
    for claim in claims(told, cells, Report(year, issuer)):
        finding = judge(claim, cells)
        mark = (claim.rule, claim.subject, claim.stated)
        if finding and (mark not in found or _better(finding, found[mark])):
            found[mark] = finding
    return (*found.values(), *_shares(told, cells))


def _better(one: Finding, other: Finding) -> bool:
    return one.verdict is Verdict.PASS and other.verdict is not Verdict.PASS


def judge(claim: Claim, cells: Cells) -> Finding | None:
    """What a statement comes to; None for one that is not certain and agrees with nothing."""
    values = [(reading, total(reading.formula, cells)) for reading in claim.readings]
    first, expected = values[0]
    holding = next((reading for reading, value in values if value == claim.stated), None)
    if holding is None and not claim.certain:
        return None
    if holding is None and expected is None:
        keys = keys_of(first.formula)
        return Finding(
            claim.rule,
            Verdict.NOT_CHECKABLE,
            actual=shown(claim.stated),
            cells=keys,
            explanation=f"{claim.subject}：{not_numbers(keys, cells)}",
            printed=claim.sentence.printed[:LONGEST],
        )
    if holding is None:
        return Finding(
            claim.rule,
            Verdict.FAIL,
            expected=None if expected is None else shown(expected),
            actual=shown(claim.stated),
            blame=Blame.UNDECIDED,
            cells=keys_of(first.formula),
            explanation=f"正文所说{claim.subject}为 {shown(claim.stated)}，统计表中"
            + "、".join(
                f"{reading.name}为 {shown(value)}" for reading, value in values if value is not None
            )
            + "，都不相符。",
            printed=claim.sentence.printed[:LONGEST],
        )
    is_first = holding is first
    return Finding(
        claim.rule,
        Verdict.PASS if is_first else Verdict.EXPLAINED,
        expected=None if expected is None else shown(expected),
        actual=shown(claim.stated),
        cells=keys_of(holding.formula),
        explanation=""
        if is_first
        else f"正文所说{claim.subject}为 {shown(claim.stated)}，等于统计表中{holding.name}。",
        printed=claim.sentence.printed[:LONGEST],
    )


# --- shares and parts of a whole ---------------------------------------------------------------


def _shares(told: Sequence[Sentence], cells: Cells) -> Iterator[Finding]:
    for sentence in told:
        whole = "，".join(sentence.clauses)
        if "%" not in whole and "其中" not in whole:
            continue
        if sentence.chapter == 2 or TABLE_TEXT.search(whole) or OTHER_YEAR.search(whole):
            continue
        yield from _percents(sentence, whole, cells)
        yield from _parts(sentence, whole, cells)


PERCENT = re.compile(
    rf"{COUNT}(?:申请)?(?:，|、|（)?(?:约|分别)?占(?:(?P<base>(?:申请|受理|收到|办结|答复)总[数量])|比|总数|总量|全部申请|全部)?(?:的)?(?:比例|比重|比率)?(?:的|为|达|约|：)*"
    r"(?P<p>\d{1,3}(?:\.\d+)?)%"
)
WHOLE_COUNT = re.compile(rf"(?:{GET}|{DONE}|{HANDLE}){FILL}{WHO}(?:{SUBJECT}|{BARE})?{FILL}{COUNT}")


def _percents(sentence: Sentence, whole: str, cells: Cells) -> Iterator[Finding]:
    """Shares of one whole: where two of them agree on it, a third that does not is wrong."""
    shares = [(m, Decimal(m["n"]), m["p"]) for m in PERCENT.finditer(whole)]
    if not shares or (not REQUEST.search(whole) and not any(word in whole for word in OUTCOMES)):
        return
    bases: dict[Decimal, str] = {}
    for match in WHOLE_COUNT.finditer(whole):
        bases.setdefault(Decimal(match["n"]), "句中总数")
    for name, formula in (
        ("本年新收", RECEIVED),
        ("本年新收加上年结转", f"{RECEIVED} + {CARRIED_IN}"),
        ("本年度办理结果总计", CONCLUDED),
    ):
        value = total(formula, cells)
        if value:
            bases.setdefault(value, name)
    agree = {
        base: [_is_share(part, base, printed) for _, part, printed in shares]
        for base in bases
        if base
    }
    if not agree:
        return
    base = max(agree, key=lambda one: sum(agree[one]))
    # 予以公开50件，其中涉及土地30件，占60%: a share of a part.
    stated = [Decimal(n) for n in re.findall(rf"(\d{{1,9}}){UNIT}", whole) if int(n)]
    for (match, part, printed), holds in zip(shares, agree[base], strict=True):
        elsewhere = next((b for b in agree if _is_share(part, b, printed)), None)
        others = sum(agree[base]) - holds
        if not holds and elsewhere is None:
            within = any(_is_share(part, n, printed) for n in stated)
            if within or not (others or match["base"]):
                continue
        right = 100 * part / (base if holds or elsewhere is None else elsewhere)
        verdict = Verdict.PASS if holds else Verdict.EXPLAINED
        if not holds and elsewhere is None:
            verdict = Verdict.FAIL
        used = base if elsewhere is None or holds else elsewhere
        yield Finding(
            "V.percent",
            verdict,
            expected=f"{_rounded(right, printed)}%",
            actual=f"{printed}%",
            blame=Blame.UNDECIDED if verdict is Verdict.FAIL else None,
            explanation=""
            if verdict is Verdict.PASS
            else f"{shown(part)} 占 {shown(used)}（{bases[used]}）的 {_rounded(right, printed)}%，"
            f"正文为 {printed}%。",
            printed=sentence.printed[:LONGEST],
        )


def _is_share(part: Decimal, base: Decimal, printed: str) -> bool:
    unit = Decimal(1).scaleb(-len(printed.partition(".")[2]))
    return abs(Decimal(printed) - 100 * part / base) <= unit


def _rounded(value: Decimal, printed: str) -> str:
    return f"{value:.{len(printed.partition('.')[2])}f}"


FAMILIES: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("申请渠道", ("当面", "网络", "信函", "传真", "邮寄", "邮件", "网上", "平台"), False),
    ("申请人", ("自然人", "法人"), True),
    ("办理结果", tuple(OUTCOMES), False),
    ("案件结果", ("维持", "纠正", "其他结果", "尚未审结"), True),
)
TOTAL = re.compile(rf"(?:申请|收到|受理|办结|答复|复议|诉讼|案件|共计?){FILL}{COUNT}")
EXHAUSTIVE = re.compile(r"分别为|分别是|全部为|由.{0,30}组成")


def _parts(sentence: Sentence, whole: str, cells: Cells) -> Iterator[Finding]:
    """共N件，其中…: the parts of one kind add up to no more than what they are parts of."""
    head, mark, tail = whole.partition("其中")
    totals = list(TOTAL.finditer(head))
    if not mark or not totals or "其中" in tail:
        return
    # Parts of the number that stands last before them, and of nothing that begins after.
    tail = (
        re.split(r"复议|诉讼|办结|答复|结转", tail, maxsplit=1)[0] if "诉讼" not in head else tail
    )
    if re.search(r"诉讼|复议", tail):
        return
    stated = Decimal(totals[-1]["n"])
    for name, words, complete in FAMILIES:
        found = _family(words, tail)
        if len(found) < 2:
            continue
        added = sum((value for value, _ in found.values()), Decimal(0))
        everything = EXHAUSTIVE.search(tail) or (complete and len(found) == len(words))
        verdict = Verdict.PASS
        explanation = ""
        carried = number(cells.get(CARRIED_IN))
        if added > stated or (everything and added != stated):
            verdict = Verdict.FAIL
            explanation = f"{name}各项之和为 {shown(added)}，正文所说总数为 {shown(stated)}。"
            if carried and added == stated + carried:
                verdict = Verdict.EXPLAINED
                explanation = (
                    f"{name}各项之和 {shown(added)} 等于总数 {shown(stated)}"
                    f"加上年结转 {shown(carried)}。"
                )
        yield Finding(
            "V.parts",
            verdict,
            expected=shown(added),
            actual=shown(stated),
            blame=Blame.UNDECIDED if verdict is Verdict.FAIL else None,
            explanation=explanation,
            printed=sentence.printed[:LONGEST],
        )


@cache
def _member(word: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<!不){word}[^，、；\d]{{0,12}}?(?P<n>\d+)(?=件|份|宗|起|条|项|次|个|，|、|$)"
    )


def _family(words: tuple[str, ...], tail: str) -> dict[str, tuple[Decimal, int]]:
    """Each word of a family with the number that follows it, when each stands there once."""
    found: dict[str, tuple[Decimal, int]] = {}
    for word in words:
        matches = list(_member(word).finditer(tail))
        if len(matches) > 1:
            return {}
        if matches:
            found[word] = (Decimal(matches[0]["n"]), matches[0].start("n"))
    if len({place for _, place in found.values()}) < len(found):
        return {}
    return found
