"""What do the forms of 2019 and 2021 call their rows and columns? Patterns, and what they match.

A label is known by words no other row has: pages cut labels, drop characters
(「其他法律行政止公开」) and shorten them (「逾期不补正」). Labels come compact, that is in NFKC
without spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

from archive.form import COLUMNS, PRINTED
from archive.spelling import compact

# Marks in place of the enumerators 1. ① (1) and of （一）.
LEAF, GROUP = "¶", "§"
SHORT = 64
ENUMERATOR = re.compile(
    r"^(?:\d{1,2}[.、,]|\([一二三四五六七八九十\d]{1,2}\)|[一二三四五六七八九十]、|\d(?=\D))"
)

ITEMS = re.compile(r"\d{1,2}[.、,]|\([一二三四五六七八九十\d]{1,2}\)|[一二三四五六七八九十]、")


class Patterns(dict[str, re.Pattern[str]]):
    """Names, and the words each is known by. Hashed as itself: what it found is remembered."""

    __hash__ = object.__hash__  # type: ignore[assignment]


Content = TypeVar("Content")


def _patterns(words: Mapping[str, str]) -> Patterns:
    return Patterns({name: re.compile(pattern) for name, pattern in words.items()})


# In the order of the form.
REQUEST_ROWS = _patterns(
    {
        "received_new": r"本年度?新收|新收政府信息公开申请",
        "carried_in": r"上一?年度?(?:结转|转结)",
        # 不予以公开 is how some pages head the refusals.
        "granted": r"(?<!不)予以公开",
        "granted_partial": r"部分公开|区分处理",
        "denied_state_secret": r"国家秘密|国家密秘",
        "denied_law_prohibited": r"其[他它]法律|法规禁止公开",
        "denied_security_stability": r"三安全一稳定|危及",
        "denied_third_party": r"第三方合法|保护第三方",
        "denied_internal_affairs": r"内部事务",
        "denied_deliberative": r"过程性信息|四类过程",
        "denied_enforcement_file": r"执法案卷",
        "denied_admin_query": r"行政查[询寻]",
        "unavailable_not_held": r"不掌握",
        "unavailable_needs_creation": r"没有现成|另行制作",
        "unavailable_unclear": r"补正后|仍不明确",
        # 信访局 and 信访办 are bodies, not a reason.
        "not_processed_petition": r"信访(?!局|办)",
        "not_processed_repeat": r"(?<!无正当理由大量)重复申请",
        "not_processed_publication": r"公开出版物",
        "not_processed_excessive": r"大量反复|无正当理由大量",
        "not_processed_reconfirm": r"确认或重新|重新出具|要求行政机关",
        "other": r"其[他它]处理",
        "other_not_corrected": r"不补正",
        "other_fee_unpaid": r"未按收费|缴纳费用|不缴费|未缴费",
        "other_misc": r"(?:^|[¶、.])其[他它](?:情[形况])?$",
        "concluded_total": r"(?:^|[¶§、.])(?:总计|合计)$",
        "carried_out": r"结转下|转下一?年度",
    }
)
ANY_REQUEST_ROW = re.compile("|".join(words.pattern for words in REQUEST_ROWS.values()))
REQUEST_ORDER = {row: place for place, row in enumerate(REQUEST_ROWS)}
# The rows that the form of 2021 has in place of `other`.
OTHER_2021 = frozenset({"other_not_corrected", "other_fee_unpaid", "other_misc"})
# Rows whose words stand in other tables too; they count only beside rows that do not.
WEAK_ROWS = frozenset({"other_misc", "concluded_total", "carried_in", "carried_out"})
# Of them those that local forms also give a group.
SUBTOTALS = frozenset({"other_misc", "concluded_total"})

APPLICANTS = _patterns(
    {
        "natural_person": r"^自然人$",
        "enterprise": r"^商业企业$|^企业$",
        "research_institution": r"^科研机构$",
        "public_interest_org": r"^社会公益组织$|^公益组织$",
        "legal_service_org": r"^法律服务机构$",
        "other_org": r"^其[他它]$",
        "total": r"^总计$|^合计$",
    }
)

# As running text has them; 其他 and 总计 stand in it for much else.
WHOLE_APPLICANTS: Mapping[str, str] = {
    "enterprise": "商业企业",
    "research_institution": "科研机构",
    "public_interest_org": "社会公益组织",
    "legal_service_org": "法律服务机构",
}

# What the form prints above them.
ABOVE_COLUMNS = re.compile("申请人情况|勾稽关系")
GROUP_OF_COLUMNS = re.compile("法人|申请人|组织情况")

DISCLOSURE_ROWS = _patterns(
    {
        "regulations": r"规章$",
        "normative_documents": r"(?:行政)?规范性文件$",
        "licensing": r"行政许可$",
        "other_services": r"其[他它]对外管理服务事项$",
        "penalties": r"行政处罚$",
        "coercion": r"行政强制$",
        "fees": r"行政事业性收费$",
        "procurement": r"政府集中采购$",
    }
)
DISCLOSURE_COLUMNS = _patterns(
    {
        "made": r"新制作",
        "newly_published": r"新公开",
        "published_total": r"对外公开",
        "issued": r"制发",
        "repealed": r"废止",
        "in_force": r"现行有效",
        "items_prev_year": r"上一?年度?项目",
        "items_change": r"本年度?增|本年度?减|本年度?数量",
        "decisions": r"处理决定",
        "amount_wan": r"收费金额",
        "items": r"采购项目",
        "amount": r"采购总?金额",
    }
)

# 「本年收费金额（单位：元）」
UNIT_TOLD = re.compile(r"\((?:金额)?(?:单位)?:?(?:人民币)?([十百千万亿]*(?:元|件|条|项|个))\)")
MULTIPLE = re.compile(r"[十百千万亿]|元")

# The three columns of 规章 and 规范性文件 by form. Of their names pages lose the end or letters in
# the middle (「本年新｜本年新｜对外公开总数量」, 「本年发件」), never the place.
TORN_COLUMNS = {
    columns: tuple(
        re.compile(name[:2] + "".join(f"{letter}?" for letter in name[2:]))
        for column in columns
        for name in [PRINTED[f"disclosure.regulations.{column}"].column_zh]
    )
    for columns in (
        ("made", "newly_published", "published_total"),
        ("issued", "repealed", "in_force"),
    )
}

DISPUTE_BLOCKS = _patterns(
    {
        "review": r"^行政复议(?:案件|情况)?(?:\((?:单位:)?[件宗起]\))?$",
        "litigation_direct": r"直接起诉",
        "litigation_after_review": r"复议后起诉",
    }
)
DISPUTE_RESULTS = _patterns(
    {
        "upheld": r"维持",
        "corrected": r"纠正",
        "other": r"其[他它]结果|^其[他它]$",
        "pending": r"尚未|^未审结$",
        "total": r"^[总合]计$",
    }
)
DISPUTE_KEYS = tuple(
    f"disputes.{block}.{result}" for block in DISPUTE_BLOCKS for result in DISPUTE_RESULTS
)


def name_in(patterns: Patterns, label: str) -> str | None:
    """The first name of the patterns whose words the label holds."""
    if label.isascii():
        return None
    return _short_name(patterns, label) if len(label) <= SHORT else _name(patterns, label)


def _name(patterns: Patterns, label: str) -> str | None:
    return next((name for name, pattern in patterns.items() if pattern.search(label)), None)


# The same labels stand in all reports.
_short_name = lru_cache(maxsize=8192)(_name)


def other_unit(column: str, label: str) -> str:
    """The unit a heading of the first table names, where it is not the form's: fees are printed in
    万元 and things counted one by one. Empty where it is, or the form leaves it open."""
    unit = match[1] if (match := UNIT_TOLD.search(label)) else ""
    if column == "amount":
        return ""
    fits = unit == "万元" if column == "amount_wan" else not MULTIPLE.search(unit)
    return "" if not unit or fits else unit


def torn_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The three columns that headings name in the form's order, each by what is left of it."""
    for columns, torn in TORN_COLUMNS.items():
        if len(names) == len(torn) and all(map(re.fullmatch, torn, names)):
            return columns
    return ()


def is_torn_column(label: str) -> bool:
    """Is it what may be left of a name in such a heading?"""
    return any(name.fullmatch(label) for torn in TORN_COLUMNS.values() for name in torn)


def torn_heading(words: str) -> tuple[tuple[str, ...], str]:
    """`torn_columns` of names that nothing parts, and the words after them."""
    for columns, torn in TORN_COLUMNS.items():
        if match := re.match("".join(pattern.pattern for pattern in torn), words):
            return columns, words[match.end() :]
    return (), words


def disclosure_row(label: str, *, whole: bool = False) -> str | None:
    """The row of the first table whose words end the label, or are all of it (`whole`).

    A remark in brackets at the end, such as the act the row is named after, does not count.
    """
    bare = re.sub(r"\([^()]*\)$", "", label)
    if not whole:
        return name_in(DISCLOSURE_ROWS, bare)
    return next((row for row, words in DISCLOSURE_ROWS.items() if words.fullmatch(bare)), None)


def request_rows(label: str) -> tuple[tuple[int, int, str], ...]:
    """Every row of the second table a label names: where its words end, its place, its key."""
    return _short_rows(label) if len(label) <= SHORT else _rows(label)


def _rows(label: str) -> tuple[tuple[int, int, str], ...]:
    if label.isascii() or not ANY_REQUEST_ROW.search(label):
        return ()
    return tuple(
        (match.end(), REQUEST_ORDER[row], row)
        for row, pattern in REQUEST_ROWS.items()
        for match in pattern.finditer(label)
    )


# The same labels stand in all reports.
_short_rows = lru_cache(maxsize=4096)(_rows)


def request_row(label: str) -> str | None:
    """The row a cell's label names; the innermost when a label carries its headings with it."""
    return _short_row(label) if len(label) <= SHORT else _row(label)


def _row(label: str) -> str | None:
    return max(request_rows(ENUMERATOR.sub(LEAF, label)), default=(0, 0, None))[2]


# The same labels stand in all reports.
_short_row = lru_cache(maxsize=4096)(_row)


def request_label(row: str) -> str:
    """The official label of a row of the second table with its headings, compact."""
    return compact(PRINTED[f"requests.{row}.total"].row_zh)


def rows_beside(row: str, label: str) -> tuple[str, ...]:
    """All the rows a label names, if they are more than its innermost one and that one's groups:
    two rows in one cell."""
    return _short_beside(row, label) if len(label) <= SHORT else _beside(row, label)


def _beside(row: str, label: str) -> tuple[str, ...]:
    own = {name for *_, name in request_rows(request_label(row))}
    found = [name for *_, name in sorted(request_rows(ENUMERATOR.sub(LEAF, label)))]
    # 总计 and 其他 are rows only where nothing else stands beside them.
    found += filter(None, map(request_row, ITEMS.split(label)))
    return tuple(dict.fromkeys(found)) if set(found) - own - {row} else ()


_short_beside = lru_cache(maxsize=4096)(_beside)


def request_keys(row: str, order: Sequence[str] = COLUMNS) -> tuple[str, ...]:
    """The seven keys of a row of the second table, in the order of the columns."""
    return tuple(f"requests.{row}.{column}" for column in order)


def without_subtotals(
    rows: Sequence[tuple[str, Content]], words: frozenset[str] = SUBTOTALS
) -> list[tuple[str, Content]]:
    """The rows less those of `words` (其他, 合计) that stand before rows the form has earlier."""
    kept = []
    earliest = len(REQUEST_ROWS)
    for row, content in reversed(rows):
        place = REQUEST_ORDER[row]
        if row not in WEAK_ROWS:
            earliest = min(earliest, place)
        elif place > earliest and row in words:
            continue
        kept.append((row, content))
    return kept[::-1]


def are_in_turn(names: Iterable[str | None], order: Sequence[str]) -> bool:
    """Are headings in the order of the form, as far as they are known? None is one that is not;
    it stands for no name of the form between two that are neighbours there."""
    before, has_gap = None, False
    for name in names:
        if name is None:
            has_gap = True
            continue
        place = order.index(name)
        if before is not None and (place <= before or (has_gap and place == before + 1)):
            return False
        before, has_gap = place, False
    return True


def columns_in_turn(labels: Iterable[str]) -> bool:
    """Does one row of headings name columns of the second table in its order? 总计 and the names of
    groups (法人或其他组织) may stand anywhere in it."""
    names = [
        name
        for label in labels
        if label and not GROUP_OF_COLUMNS.search(label)
        if (name := name_in(APPLICANTS, label)) != "total"
    ]
    if "natural_person" in names:
        at = names.index("natural_person")
        if any(names[:at]):
            return False
        names = names[at + 1 :]
    # One of two of the same name has lost its own.
    single = [None if name in names[:at] else name for at, name in enumerate(names)]
    return are_in_turn(single, COLUMNS)


def applicants_in_turn(words: str) -> bool:
    """Does running text name the columns of one row of the second table's heading in its order, as
    far as it names them whole? Headings of several lines are torn in it."""
    *before, heading = ABOVE_COLUMNS.split(words)
    places = {column: heading.rfind(name) for column, name in WHOLE_APPLICANTS.items()}
    named = sorted((place, column) for column, place in places.items() if place >= 0)
    return not before or are_in_turn((column for _, column in named), list(WHOLE_APPLICANTS))


def blocks_in_turn(labels: Iterable[str]) -> bool:
    """Does one row of headings name the blocks of the third table in its order?"""
    names = (
        "litigation" if label == "行政诉讼" else name_in(DISPUTE_BLOCKS, label) for label in labels
    )
    order = ["review", "litigation", "litigation_direct", "litigation_after_review"]
    return are_in_turn(dict.fromkeys(filter(None, names)), order)


def results_in_turn(labels: Iterable[str]) -> bool:
    """Do headings name the results of the third table in its order, as far as they name them?"""
    results = list(DISPUTE_RESULTS)
    named = [name_in(DISPUTE_RESULTS, label) for label in map(compact, labels) if label]
    ends = [at + 1 for at, name in enumerate(named) if name == results[-1]]
    blocks = [named[start:end] for start, end in pairwise([0, *ends])]
    is_whole = bool(ends) and not any(named[ends[-1] :])
    return is_whole and all(are_in_turn(block, results) for block in blocks)
