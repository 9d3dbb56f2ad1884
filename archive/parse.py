"""Document -> sections and cells: every figure found by its labels, exactly as printed. Pure.

Two readers, one result. A table read as a grid knows its empty cells; a flow of lines (text, PDF,
a paragraph a cell) is read as labels followed by numbers, and a row is taken only when it has
exactly as many numbers as the form has columns: what cannot be told apart is `ambiguous`,
never guessed. Blank, "/" and 无 stay what they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import pairwise
from typing import TypeVar

from archive.form import COLUMNS, PRINTED, keys
from archive.grid import WIDEST, cell_places, table_to_grid
from archive.identify import compact
from archive.model import Cell, Document, Note, Paragraph, Section, State, Table

# --- labels of the form -------------------------------------------------------------------------

# In the order of the form. A label is known by words no other row has: pages cut labels, drop
# characters (「其他法律行政止公开」) and shorten them (「逾期不补正」).
# Marks in place of the enumerators 1. ① (1) and of （一）.
LEAF, GROUP = "¶", "§"
REQUEST_ROWS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (row, re.compile(pattern))
    for row, pattern in (
        ("received_new", r"本年度?新收|新收政府信息公开申请"),
        ("carried_in", r"上一?年度?结转"),
        ("granted", r"(?<!不)予以公开"),
        ("granted_partial", r"部分公开|区分处理"),
        ("denied_state_secret", r"国家秘密"),
        ("denied_law_prohibited", r"其[他它]法律|法规禁止公开"),
        ("denied_security_stability", r"三安全一稳定|危及"),
        ("denied_third_party", r"第三方合法|保护第三方"),
        ("denied_internal_affairs", r"内部事务"),
        ("denied_deliberative", r"过程性信息|四类过程"),
        ("denied_enforcement_file", r"执法案卷"),
        ("denied_admin_query", r"行政查询"),
        ("unavailable_not_held", r"不掌握"),
        ("unavailable_needs_creation", r"没有现成|另行制作"),
        ("unavailable_unclear", r"补正后|仍不明确"),
        ("not_processed_petition", r"信访(?!局|办)"),
        ("not_processed_repeat", r"重复申请"),
        ("not_processed_publication", r"公开出版物"),
        ("not_processed_excessive", r"大量反复|无正当理由大量"),
        ("not_processed_reconfirm", r"确认或重新|重新出具|要求行政机关"),
        ("other", r"其[他它]处理"),
        ("other_not_corrected", r"不补正"),
        ("other_fee_unpaid", r"未按收费|缴纳费用|不缴费|未缴费"),
        ("other_misc", r"(?:^|[¶、.])其[他它](?:情形)?$"),
        ("concluded_total", r"(?:^|[¶§、.])(?:总计|合计)$"),
        ("carried_out", r"结转下|转下一?年度"),
    )
)
REQUEST_ORDER = {row: place for place, (row, _) in enumerate(REQUEST_ROWS)}
OTHER_2021 = ("other_not_corrected", "other_fee_unpaid", "other_misc")

DISCLOSURE_ROWS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (row, re.compile(pattern))
    for row, pattern in (
        ("regulations", r"规章$"),
        ("normative_documents", r"规范性文件$"),
        ("licensing", r"行政许可$"),
        ("other_services", r"其[他它]对外管理服务事项$"),
        ("penalties", r"行政处罚$"),
        ("coercion", r"行政强制$"),
        ("fees", r"行政事业性收费$"),
        ("procurement", r"政府集中采购$"),
    )
)
DISCLOSURE_LABELS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (row, re.compile(rf"{pattern}(?:\([^()]*\))?"))
    for row, pattern in (
        ("regulations", "规章"),
        ("normative_documents", "(?:行政)?规范性文件"),
        ("licensing", "行政许可"),
        ("other_services", "其[他它]对外管理服务事项"),
        ("penalties", "行政处罚"),
        ("coercion", "行政强制"),
        ("fees", "行政事业性收费"),
        ("procurement", "政府集中采购"),
    )
)
DISCLOSURE_COLUMNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (column, re.compile(pattern))
    for column, pattern in (
        ("made", r"新制作"),
        ("newly_published", r"新公开"),
        ("published_total", r"对外公开总"),
        ("issued", r"制发"),
        ("repealed", r"废止"),
        ("in_force", r"现行有效"),
        ("items_prev_year", r"上一?年度?项目"),
        ("items_change", r"本年度?增|本年度?减|本年度?数量"),
        ("decisions", r"处理决定"),
        ("amount_wan", r"收费金额(?!\(单位[:：](?:亿|百万)?元)"),
        ("items", r"采购项目"),
        ("amount", r"采购总?金额"),
    )
)
COLUMN_LABELS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (column, re.compile(pattern))
    for column, pattern in (
        ("natural_person", r"^自然人$"),
        ("enterprise", r"^商业企业$|^企业$"),
        ("research_institution", r"^科研机构$"),
        ("public_interest_org", r"^社会公益组织$|^公益组织$"),
        ("legal_service_org", r"^法律服务机构$"),
        ("other_org", r"^其[他它]$"),
        ("total", r"^总计$|^合计$"),
    )
)
DISPUTE_BLOCKS = ("review", "litigation_direct", "litigation_after_review")
DISPUTE_RESULTS = ("upheld", "corrected", "other", "pending", "total")
DISPUTE_KEYS = tuple(
    f"disputes.{block}.{result}" for block in DISPUTE_BLOCKS for result in DISPUTE_RESULTS
)
DISPUTE_RESULT = re.compile(r"维持")
RESULT = re.compile(r"维持|纠正|其[他它]|尚未|[总合]计")
RESULTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (result, re.compile(pattern))
    for result, pattern in zip(
        DISPUTE_RESULTS,
        ("维持", "纠正", "其[他它]结果|^其[他它]$", "尚未", "^[总合]计$"),
        strict=True,
    )
)
BLOCKS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (block, re.compile(pattern))
    for block, pattern in zip(DISPUTE_BLOCKS, ("^行政复议$", "直接起诉", "复议后起诉"), strict=True)
)

# --- chapters -----------------------------------------------------------------------------------

CHAPTERS: tuple[tuple[int, re.Pattern[str]], ...] = tuple(
    (number, re.compile(pattern))
    for number, pattern in (
        (1, r"(?:一|1)\s*[、.．,，]\s*(?:总\s*体|概述|概况|基本|工作).{0,8}?(?:情况|概述|概况|述)"),
        (2, r"(?:二|2)\s*[、.．,，]\s*(?:本年度?)?主动公开.{0,10}?情况"),
        (3, r"(?:三|3)\s*[、.．,，]\s*(?:收到和处理|依申请公开).{0,14}?情况"),
        (
            4,
            r"(?:四|4)\s*[、.．,，]\s*(?:因)?(?:政府信息公开)?.{0,16}?(?:行政复议|复议).{0,16}?情况",
        ),
        (
            5,
            r"(?:五|5)\s*[、.．,，]\s*(?:政府信息公开)?(?:工作)?(?:中)?(?:存在|主要|工作).{0,4}?问题"
            r".{0,6}?(?:改进|整改|措施|打算).{0,6}?(?:情况|措施|方向|打算)?",
        ),
        (6, r"(?:六|6)\s*[、.．,，]\s*其[他它]需要(?:报告|说明).{0,3}?事项"),
    )
)
# Narrative reports number their own chapters.
FREE_CHAPTER = re.compile(
    r"^([一二三四五六七八九])、(?![^，。]{0,4}(?:本年新收|上年结转|本年度办理|结转下))[^。；]{2,36}$"
)
NUMERALS = {numeral: number for number, numeral in enumerate("一二三四五六七八九", 1)}

# --- the statistics table of 2014 -----------------------------------------------------------------

HEADS = re.compile(
    r"[¶§]|[一二三四五六七八九十]、|[(（][一二三四五六七八九十\d]{1,2}[)）]|\d{1,2}[.、．]|其中[:：]?"
)
# 「（不同渠道和方式公开相同信息计1条）」: the figure is no value.
REMARK = re.compile(r"\((?:不同|不包括)[^()]*\)")
REPEATED = ("被依法纠错数", "其他情形数")


def _indicator(text: str) -> str:
    """An indicator's bare words: no enumerators, no remarks in brackets."""
    bare = HEADS.sub("\n", REMARK.sub("", compact(text))).split("\n")[-1]
    return bare.replace("维护具体", "维持具体")


def _indicators() -> Mapping[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for key in keys("stats2014"):
        name = _indicator(PRINTED[key].zh), PRINTED[key].unit
        found[name] = (*found.get(name, ()), key)
    return found


INDICATORS = _indicators()

# --- values -------------------------------------------------------------------------------------

UNITS = r"(?:万元|亿元|元|件|条|项|个|笔|次|份|篇|人次|人)"
DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
NUMBER = re.compile(rf"([+\-−]?)({DIGITS})({UNITS})?")
# Two numbers in one cell, or a footnote's mark beside one (NFKC makes 12① 121).
SEVERAL = re.compile(r"[\d+\-−—/]\s+\d|[\u00b2\u00b3\u00b9\u2070-\u2089\u2460-\u249b\u00bc-\u00be]")
NOT_APPLICABLE = frozenset({"/", "-", "--", "—", "——", "\\", "无", "不适用", "不填", "N/A", "一"})
MOST_DIGITS = 12
GLUED_DIGITS = 7

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the document holds of the form: its chapters, its cells and what is to say of them."""

    form: str | None
    sections: tuple[Section, ...]
    cells: Mapping[str, str | None]
    notes: Mapping[str, Note]


_Reading = tuple[str | None, Note | None]


@dataclass(slots=True)
class _Copy:
    """One printing of a table: what each of its cells says, and the rows it has."""

    cells: dict[str, _Reading] = field(default_factory=dict)
    rows: set[str] = field(default_factory=set)

    def says(self, readings: Mapping[str, _Reading]) -> bool:
        return all(self.cells.get(key) == reading for key, reading in readings.items())


@dataclass(slots=True)
class _Sheet:
    """The tables gathered so far, in as many printings as the document has.

    A page may quote last year's table or another body's: where two printings say different
    things no number is taken. What stands after the last chapter counts only by itself.
    """

    body: dict[str, list[_Copy]] = field(default_factory=dict)
    annex: dict[str, list[_Copy]] = field(default_factory=dict)
    in_annex: bool = False
    order: tuple[str, ...] = COLUMNS
    block: str = ""

    def put_row(self, row: str, row_keys: Sequence[str], texts: Sequence[str]) -> None:
        readings = {
            key: read_value(text, PRINTED[key].type)
            for key, text in zip(row_keys, texts, strict=True)
            if key in PRINTED
        }
        self._add(row, readings)

    def doubt(self, row: str, row_keys: Iterable[str], printed: str) -> None:
        """A row that is printed but whose cells cannot be told apart."""
        note = Note(State.AMBIGUOUS, printed)
        self._add(row, {key: (None, note) for key in row_keys if key in PRINTED})

    def begin(self, table: str) -> None:
        """Another printing of a table begins, whether or not any of its rows can be read."""
        copies = (self.annex if self.in_annex else self.body).setdefault(table, [])
        copies.append(_Copy())

    def _add(self, row: str, readings: dict[str, _Reading]) -> None:
        if not readings:
            return
        table = next(iter(readings)).partition(".")[0]
        copies = (self.annex if self.in_annex else self.body).setdefault(table, [])
        if not copies or (row in copies[-1].rows and not copies[-1].says(readings)):
            copies.append(_Copy())
        copies[-1].rows.add(row)
        copies[-1].cells.update(readings)

    def put_indicator(self, indicator: str, unit: str, text: str) -> None:
        """A row of the 2014 statistics; 被依法纠错数 is said of reviews and of suits."""
        keys_of = [
            key
            for key in INDICATORS.get((indicator, unit), ())
            if not indicator.startswith(REPEATED) or key.startswith(f"stats2014.{self.block}.")
        ]
        if len(keys_of) == 1:
            self.put_row(keys_of[0], keys_of, [text])

    def statistics_block(self, label: str) -> None:
        review, suit = label.rfind("行政复议数"), label.rfind("行政诉讼数")
        if max(review, suit) >= 0:
            self.block = "review" if review > suit else "litigation"

    def copies(self, table: str) -> list[_Copy]:
        return self.body.get(table) or self.annex.get(table, [])

    def has(self, table: str) -> bool:
        return any(
            value is not None for copy in self.copies(table) for value, _ in copy.cells.values()
        )

    def is_run_together(self, table: str) -> bool:
        """Is there at least a row of glued or spare digits, where prose has a number or two?"""
        return any(
            note and sum(map(str.isdigit, note.printed)) >= GLUED_DIGITS
            for copy in self.copies(table)
            for _, note in copy.cells.values()
        )

    def readings(self) -> dict[str, _Reading]:
        """Every cell of every table, as all printings of it agree."""
        found: dict[str, _Reading] = {}
        for table in {**self.body, **self.annex}:
            if self.has(table) or self.is_run_together(table):
                found |= _agreed(self.copies(table))
        return found

    def first(self, table: str) -> _Copy:
        """The first printing tells the form."""
        return next(iter(self.copies(table)), _Copy())


def _agreed(copies: Sequence[_Copy]) -> dict[str, _Reading]:
    """One reading a cell: of several printings only what all of them say is kept."""
    found: dict[str, _Reading] = {}
    for key in {key: None for copy in copies for key in copy.cells}:
        said = [copy.cells.get(key, (None, None)) for copy in copies]
        if len({value for value, _ in said}) == 1:
            found[key] = said[0]
        else:
            printed = " / ".join(note.printed if note else value or "" for value, note in said)
            found[key] = None, Note(State.AMBIGUOUS, printed)
    return found


def read_value(text: str, kind: str) -> tuple[str | None, Note | None]:
    """A printed cell -> its number (or None) and what there is to say of it.

    Integers come without commas and units, decimals as printed; an amount of money keeps the
    unit printed with it, because the form leaves the unit open.
    """
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
    sign, digits, unit = match[1], match[2].replace(",", ""), match[3]
    whole = digits.split(".")[0]
    if len(whole) > MOST_DIGITS or (len(whole) > 1 and whole.startswith("0")):
        return None, Note(State.AMBIGUOUS, printed)
    if kind in {"int", "signed_int"} and "." in digits:
        if digits.rstrip("0") != whole + ".":
            return None, Note(State.TEXT, printed)
        digits = whole
    if kind == "decimal" and unit in {"元", "亿元"}:
        return None, Note(State.AMBIGUOUS, printed)
    value = ("-" if sign in {"-", "−"} else "") + digits
    if unit is None:
        # A printed plus (本年增/减 「+7」) is the cell's story, not part of the number.
        return value, Note(State.UNIT, printed) if sign == "+" else None
    return (value + unit if kind == "money_text" else value), Note(State.UNIT, printed)


# --- grids --------------------------------------------------------------------------------------


def _known_rows(label: str) -> list[tuple[int, int, str]]:
    """Where each row's words end in a label, with its place in the form."""
    return [
        (match.end(), REQUEST_ORDER[row], row)
        for row, pattern in REQUEST_ROWS
        for match in pattern.finditer(label)
    ]


def _request_row(label: str) -> str | None:
    """The row a label names; the innermost when a label carries its headings with it."""
    return max(_known_rows(label), default=(0, 0, None))[2]


def _request_keys(row: str, order: Sequence[str] = COLUMNS) -> tuple[str, ...]:
    return tuple(f"requests.{row}.{column}" for column in order)


def _is_value(text: str) -> bool:
    bare = compact(text)
    return not bare or bare in NOT_APPLICABLE or NUMBER.fullmatch(bare) is not None


def _label_at(texts: Sequence[str]) -> int:
    """The place of a row's innermost label, -1 where the row has none of the form.

    Labels stand together: a value may be words too (详见附件), and a remark may name a row.
    """
    known = -1
    for x, text in enumerate(texts):
        label = compact(text)
        if known >= 0 and label and _is_value(text):
            break
        if _request_row(_without_enumerator(label)) or _match_end(DISCLOSURE_ROWS, label):
            known = x
    return known


@dataclass(frozen=True, slots=True)
class _Heading:
    """The columns a heading names by place, and where it ends: rows as wide are read by place.

    `covered` are the places a heading spans: two cells below one heading are two columns.
    """

    places: tuple[tuple[str, int], ...] = ()
    edge: int = 0
    covered: frozenset[int] = frozenset()

    def columns(self) -> tuple[str, ...]:
        return tuple(column for column, _ in sorted(self.places, key=lambda place: place[1]))

    def is_sound(self) -> bool:
        columns, places = zip(*self.places, strict=True) if self.places else ((), ())
        return len(set(columns)) == len(set(places)) == len(self.places)

    def is_whole(self) -> bool:
        return self.is_sound() and len(self.places) == len(COLUMNS)

    def take(self, row: Sequence[tuple[int, str]], edge: int) -> list[str] | None:
        """The row's values under the heading's columns, or None where they do not line up."""
        texts = dict(row)
        named = {x for _, x in self.places}
        spare = any(
            x in self.covered or (compact(text) and _is_value(text))
            for x, text in row
            if x not in named
        )
        if edge != self.edge or spare or not named <= texts.keys():
            return None
        return [texts[x] for _, x in sorted(self.places, key=lambda place: place[1])]


def _read_grid(table: Table, sheet: _Sheet) -> None:
    grid = table_to_grid(table)
    places = cell_places(table)
    heading = _Heading()
    applicants = _Heading()
    requests: list[tuple[str, _Row]] = []
    for y, row in enumerate(table.rows):
        texts = [cell.text for cell in row]
        edge = max((x + cell.colspan for x, cell in zip(places[y], row, strict=True)), default=0)
        if found := _disclosure_heading(row, places[y], edge):
            heading = found
            continue
        if not requests and not any(_is_value(text) and compact(text) for text in texts):
            applicants = _applicants(applicants, row, places[y], edge)
        at = _label_at(texts)
        label = compact(texts[at]) if at >= 0 else ""
        values = list(zip(places[y], texts, strict=True))[at + 1 :]
        disclosed = _match_end(DISCLOSURE_ROWS, label)
        requested = _request_row(_without_enumerator(label))
        if heading.places and disclosed:
            _read_disclosure_row(disclosed, heading, values, edge, sheet)
        elif requested and len(values) >= len(COLUMNS) and not _is_unit(values[0][1]):
            above = "".join(map(compact, grid[y][: places[y][at]]))
            if requested not in WEAK_ROWS or not re.search("不予公开|无法提供|不予处理", above):
                taken = applicants.take(values, edge) if applicants.is_whole() else None
                requests.append((requested, _Row([text for _, text in values], taken)))
        else:
            _read_statistics_row(texts, sheet)
    _read_requests(requests, applicants, sheet)
    _read_disputes(table, grid, places, sheet)


def _without_enumerator(label: str) -> str:
    return re.sub(
        r"^(?:\d{1,2}[.、,]|[(（][一二三四五六七八九十\d]{1,2}[)）]|[一二三四五六七八九十]、|\d(?=\D))",
        LEAF,
        label,
    )


def _disclosure_heading(row: Sequence[Cell], places: Sequence[int], edge: int) -> _Heading | None:
    """The columns a heading of the first table names, each with its place."""
    heading = _heading(DISCLOSURE_COLUMNS, row, places, edge)
    if not heading.places:
        return None
    first = heading.places[0][1]
    if any(
        _is_value(cell.text) and compact(cell.text) and x > first
        for cell, x in zip(row, places, strict=True)
    ):
        return None
    if len(heading.places) == 1 and "信息内容" not in compact("".join(c.text for c in row)):
        return None
    return heading


def _heading(
    patterns: Iterable[tuple[str, re.Pattern[str]]],
    row: Sequence[Cell],
    places: Sequence[int],
    edge: int,
) -> _Heading:
    patterns = tuple(patterns)
    named = [
        (column, x, cell.colspan)
        for cell, x in zip(row, places, strict=True)
        if (column := _match(patterns, compact(cell.text)))
    ]
    covered = {x + step for _, x, span in named for step in range(1, min(span, WIDEST))}
    return _Heading(tuple((column, x) for column, x, _ in named), edge, frozenset(covered))


def _match(patterns: Iterable[tuple[str, re.Pattern[str]]], text: str) -> str | None:
    return next((name for name, pattern in patterns if pattern.search(text)), None)


def _match_end(patterns: Iterable[tuple[str, re.Pattern[str]]], label: str) -> str | None:
    return _match(patterns, re.sub(r"\([^()]*\)$", "", label))


def _read_disclosure_row(
    row: str, heading: _Heading, values: Sequence[tuple[int, str]], edge: int, sheet: _Sheet
) -> None:
    texts = [text for _, text in values]
    row_keys = [f"disclosure.{row}.{column}" for column in heading.columns()]
    taken = heading.take(values, edge)
    if taken is None and len(texts) == len(row_keys):
        taken = texts
    if taken is not None and heading.is_sound():
        sheet.put_row(row, row_keys, taken)
    elif values:
        sheet.doubt(row, row_keys, " | ".join(texts))


# Rows whose words stand in other tables too; they count only beside rows that do not.
WEAK_ROWS = frozenset({"other_misc", "concluded_total", "carried_in", "carried_out"})


@dataclass(frozen=True, slots=True)
class _Row:
    """A row's values: all that are printed, and those under the seven columns if known."""

    values: Sequence[str]
    taken: Sequence[str] | None = None


def _applicants(
    heading: _Heading, row: Sequence[Cell], places: Sequence[int], edge: int
) -> _Heading:
    """The heading of the second table (two rows, 自然人 begins it) with this row's columns."""
    more = _heading(COLUMN_LABELS, row, places, edge)
    if any(column == "natural_person" for column, _ in more.places):
        return more
    if not heading.places or len(heading.places) >= len(COLUMNS):
        return heading
    return _Heading(
        (*heading.places, *more.places),
        max(heading.edge, edge),
        heading.covered | more.covered,
    )


def _read_requests(rows: Sequence[tuple[str, _Row]], heading: _Heading, sheet: _Sheet) -> None:
    """The rows of one table, if it is the second: under its heading, or else in the form's order.

    An order that nothing names is believed unless the rows' sums speak against it; where blank
    columns are left out at the end, only if the sums bear it out.
    """
    rows = _without_subtotals(rows)
    if not rows or not _belongs([name for name, _ in rows], sheet):
        return
    named = heading.is_whole()
    if named:
        sheet.order = heading.columns()
    order = sheet.order
    width = len(order)
    # Spare columns are left out at the end only where they are blank in every row.
    spare = not any(any(map(compact, row.values[width:])) for _, row in rows)
    texts = [
        row.taken or (row.values[:width] if spare or len(row.values) == width else ())
        for _, row in rows
    ]
    right, wrong = _sums(filter(None, texts), order)
    for (name, row), printed in zip(rows, texts, strict=True):
        cut = len(row.values) > width
        sure = row.taken or (right > wrong if cut else named or right >= max(wrong, 1) or not wrong)
        if printed and sure:
            sheet.put_row(name, _request_keys(name, order), printed)
        else:
            sheet.doubt(name, _request_keys(name), " | ".join(row.values))


def _without_subtotals(rows: Sequence[tuple[str, T]]) -> list[tuple[str, T]]:
    """The rows less those whose words (其他, 合计) stand before rows the form has earlier."""
    kept = []
    earliest = len(REQUEST_ROWS)
    for row, content in reversed(rows):
        place = REQUEST_ORDER[row]
        if row not in WEAK_ROWS:
            earliest = min(earliest, place)
        elif place > earliest:
            continue
        kept.append((row, content))
    return kept[::-1]


def _belongs(rows: Sequence[str], sheet: _Sheet) -> bool:
    """Is it the second table, or its last rows on a new page?"""
    if not WEAK_ROWS.issuperset(rows):
        return True
    before = [row for copy in sheet.copies("requests")[-1:] for row in copy.rows]
    first = min(map(REQUEST_ORDER.__getitem__, rows))
    return bool(before) and all(REQUEST_ORDER[row] < first for row in before)


def _sums(rows: Iterable[Sequence[str]], order: Sequence[str]) -> tuple[int, int]:
    """How many rows with figures add up to their total, and how many do not; blank counts as 0."""
    right = wrong = 0
    for row in rows:
        numbers = [Decimal(read_value(text, "int")[0] or 0) for text in row]
        if any(numbers):
            holds = sum(numbers) == 2 * numbers[order.index("total")]
            right, wrong = right + holds, wrong + (not holds)
    return right, wrong


def _read_disputes(
    table: Table, grid: Sequence[Sequence[str]], places: Sequence[Sequence[int]], sheet: _Sheet
) -> None:
    """The row of 15 under the headings of the third table."""
    heading: list[int] = []
    for y, row in enumerate(table.rows):
        texts = [cell.text for cell in row]
        if any(DISPUTE_RESULT.search(compact(text)) for text in texts):
            heading.append(y)
            continue
        values = texts[-len(DISPUTE_KEYS) :]
        if not heading or len(values) < len(DISPUTE_KEYS) or not any(map(compact, values)):
            continue
        if not all(map(_is_value, values)) or any(
            compact(text) and _is_value(text) for text in texts[: -len(DISPUTE_KEYS)]
        ):
            continue
        by_place = _dispute_keys(grid[:y], places[y][-len(DISPUTE_KEYS) :])
        in_turn = len(values) == len(texts) and _in_turn(
            [cell.text for above in heading for cell in table.rows[above]]
        )
        if by_place or in_turn:
            sheet.put_row("disputes", by_place or DISPUTE_KEYS, values)
        else:
            sheet.doubt("disputes", DISPUTE_KEYS, " | ".join(values))


def _dispute_keys(
    headings: Sequence[Sequence[str]], places: Sequence[int]
) -> tuple[str, ...] | None:
    """The keys of the figures by the headings above each, where these name all 15."""
    found = []
    for x in places:
        above = [compact(row[x]) for row in headings]
        result = next((r for text in reversed(above) if (r := _match(RESULTS, text))), None)
        block = next((b for text in reversed(above) if (b := _match(BLOCKS, text))), None)
        found.append(f"disputes.{block}.{result}")
    return tuple(found) if set(found) == set(DISPUTE_KEYS) else None


def _in_turn(labels: Iterable[str]) -> bool:
    """Do the headings name the results in the form's order, as far as they name them?"""
    turn = -1
    for label in labels:
        result = _match(RESULTS, compact(label))
        if result is None:
            continue
        place = DISPUTE_RESULTS.index(result)
        if place <= turn and turn != len(DISPUTE_RESULTS) - 1:
            return False
        turn = place
    return turn == len(DISPUTE_RESULTS) - 1


def _is_unit(text: str) -> bool:
    return re.fullmatch(UNITS, compact(text)) is not None


def _read_statistics_row(texts: Sequence[str], sheet: _Sheet) -> None:
    """An indicator, its unit and one figure, in that order; any other row says nothing."""
    sheet.statistics_block(compact("".join(texts)))
    if len(texts) >= 3 and _is_unit(texts[-2]):
        sheet.put_indicator(_indicator(texts[-3]), compact(texts[-2]), texts[-1])


# --- flows --------------------------------------------------------------------------------------

# A digit right before 「.」 and a Chinese character numbers the next label: 「0000000 2.其他」.
ENUMERATOR = re.compile(r"\d[.、．]\s*(?=[\u4e00-\u9fff“‘\"])")
CIRCLED = re.compile(r"[\u2460-\u249b]|[(（]\s*\d{1,2}\s*[)）](?=\s*[\u4e00-\u9fff“‘\"])")
BRACKETED = re.compile(r"[(（]\s*[一二三四五六七八九十]{1,2}\s*[)）]|[\u3220-\u3229]")
TOKEN = re.compile(
    rf"(?P<number>[+\-−]?(?:{DIGITS})(?:\s{{0,2}}{UNITS})?)"
    r"|(?P<na>(?<![^\s|])(?:/|-{1,2}|—{1,2}|\\)(?![^\s|¶§])|(?<=[\s|])无(?=[\s|]))"
    r"|(?P<space>[\s|]+)"
    r"|(?P<text>[^\d\s|+\-−—/\\]+|.)"
)
# What follows a number in a sentence and never a figure in a table.
SENTENCE = frozenset(",，。;；:：、%％年月日号至~")
TABLE_TWO = re.compile(r"本年度?新收")
# What follows the words a column is known by.
COLUMN_REST = re.compile(r"^(?:件数?|数量?|总?数量?|/?减|量|\([^()]*\))+")
LAST_CHAPTER = re.compile(r"[六6]\s*[、.．]?\s*其[他它]需要(?:报告|说明)")
DISPUTES_LENGTH = 2000
LAST_BLOCK = re.compile(r"复\s*议\s*后\s*起\s*诉")
RESULT_WORDS = re.compile(r"[\W结果维持纠正其他它尚未审合总计]*")
# What a label may still say after the words its row is known by: its own and its groups' words.
GROUP_WORDS = "一二三四五六七、§本年度办理结果无法提供不予处理其他公开"
REQUEST_WORDS: Mapping[str, frozenset[str]] = {
    row: frozenset(GROUP_WORDS + compact(PRINTED[f"requests.{row}.total"].row_zh))
    for row, _ in REQUEST_ROWS
}
FEWEST_ROWS = 3

# The first and the last words of each chapter's table, and what its last values look like.
PRINTED_TABLES: Mapping[int, tuple[str, re.Pattern[str], re.Pattern[str]]] = {
    number: (table, re.compile(rf"[\s|]*(?:{first})"), re.compile(last))
    for number, table, first, last in (
        (2, "disclosure", r"第\s*二\s*十\s*条\s*第", "行政事业性收费|行政强制|政府集中采购"),
        (
            3,
            "requests",
            r"[（(]\s*本列数据|申请人情况|一、\s*本年度?新收",
            r"结转下\S{0,3}年度?继续办理",
        ),
        (4, "disputes", r"行政复议[\s|]*行政诉讼", r"总\s*计"),
    )
}
VALUES = re.compile(rf"(?:[\s|]|[+\-−]?[\d０-９][\d０-９,.]*+(?:{UNITS})?|[/—-]+(?=[\s|]))*")


@dataclass(frozen=True, slots=True)
class _Run:
    """A label and the printed values that follow it; `gap` is all between it and the next label."""

    label: str
    values: tuple[str, ...]
    gap: str = ""
    start: int = 0


def _marked(text: str) -> str:
    """The text in normal form, with marks for the enumerators, which run into values."""
    source = BRACKETED.sub(GROUP, CIRCLED.sub(LEAF, text))
    source = BRACKETED.sub(GROUP, unicodedata.normalize("NFKC", source))
    return ENUMERATOR.sub(LEAF, source)


def _runs(source: str) -> Iterator[_Run]:
    """Marked text as labels followed by values; spaces part values and mean nothing in labels."""
    label: list[str] = []
    values: list[str] = []
    start = end = 0
    for match in TOKEN.finditer(source):
        kind = match.lastgroup
        if kind == "space":
            continue
        if kind == "number" and _is_in_sentence(source, match.end()):
            kind = "text"
        if kind in {"number", "na"}:
            values.append(match[0])
            continue
        if values:
            yield _Run("".join(label), tuple(values), source[end : match.start()], start)
            label, values = [], []
        if not label:
            start = match.start()
        label.append(match[0])
        end = match.end()
    yield _Run("".join(label), tuple(values), source[end:], start)


def _is_in_sentence(source: str, end: int) -> bool:
    return source[end : end + 3].strip()[:1] in SENTENCE


def _read_flow(text: str, sheet: _Sheet) -> None:
    """The tables out of running text, each only where no grid gave it."""
    source = _marked(text)
    runs = list(_runs(source))
    annex = _annex(source)
    if not sheet.has("disclosure"):
        uneven = _flow_disclosure(runs, annex, _Sheet(), uneven=False)
        _flow_disclosure(runs, annex, sheet, uneven=uneven)
    ruling = None
    if not sheet.has("requests"):
        ruling = _flow_requests(runs, annex, sheet)
    if not sheet.has("disputes"):
        _flow_disputes(source, ruling, annex, sheet)
    if not sheet.has("stats2014"):
        _flow_statistics(REMARK.sub("", source), sheet)


def _annex(source: str) -> int:
    """Where the last chapter begins: what stands after it is no chapter's table."""
    last = [match.start() for match in LAST_CHAPTER.finditer(source)]
    return last[-1] if last else len(source)


def _flow_disclosure(runs: Sequence[_Run], annex: int, sheet: _Sheet, *, uneven: bool) -> bool:
    """The first table. Says whether it has rows of other lengths than their headings (`uneven`)."""
    heading: list[str] = []
    for run in runs:
        sheet.in_annex = run.start > annex
        label = run.label
        named = sorted(
            (match.start(), match.end(), column)
            for column, pattern in DISCLOSURE_COLUMNS
            for match in [*pattern.finditer(label)][-1:]
        )
        at = label.rfind("信息内容") + 4
        named = [place for place in named if 4 <= at <= place[0]]
        if named and label[at : named[0][0]] in {"", "本年", "本年度"}:
            heading = [column for _, _, column in named]
            if heading[0] in {"made", "issued"}:
                sheet.begin("disclosure")
            label = COLUMN_REST.sub("", label[max(end for _, end, _ in named) :])
        elif TABLE_TWO.search(label):
            heading = []
        row = next((row for row, words in DISCLOSURE_LABELS if words.fullmatch(label)), None)
        if not heading or not run.values:
            continue
        if _match_end(DISCLOSURE_ROWS, label):
            uneven |= row is None or len(run.values) != len(heading)
        if row is None:
            continue
        row_keys = [f"disclosure.{row}.{column}" for column in heading]
        # Where cells are blank, a line of its own may be a page's number.
        doubtful = uneven and len(heading) > 1 and "\n" in run.gap.strip()
        if len(run.values) == len(heading) and not doubtful and not any(map(_is_glued, run.values)):
            sheet.put_row(row, row_keys, run.values)
        else:
            sheet.doubt(row, row_keys, " ".join(run.values))
    sheet.in_annex = False
    return uneven


def _is_glued(value: str) -> bool:
    digits = re.sub(r"\D.*", "", value.lstrip("+-−"))
    return (len(digits) > 1 and digits.startswith("0")) or len(digits) > MOST_DIGITS


def _flow_requests(runs: Sequence[_Run], annex: int, sheet: _Sheet) -> _Ruling | None:
    ruling = None
    starts = [n for n, run in enumerate(runs) if TABLE_TWO.search(run.label)]
    for start, stop in pairwise([*starts, len(runs)]):
        rows = _flow_rows(runs[start:stop])
        whole = [run.values for run in rows.values() if _is_whole(run.values)]
        glued = [run for run in rows.values() if any(map(_is_run_together, run.values))]
        sheet.in_annex = runs[start].start > annex
        if len({row for run in runs[start:stop] for *_, row in _known_rows(run.label)}) > 9:
            sheet.begin("requests")
        elif len(whole) + len(glued) < FEWEST_ROWS:
            continue
        learned = _ruling([run for run in rows.values() if _is_whole(run.values)])
        ruling = ruling or learned
        cells = {
            row: run.values if _is_whole(run.values) else (learned and learned.row(run)) or ()
            for row, run in rows.items()
        }
        right, wrong = _sums(filter(None, cells.values()), COLUMNS)
        in_order = right >= max(wrong, 1) or not wrong
        # Where one row is no row of seven, another may be seven of other cells: its sum must hold.
        strict = any(not _is_whole(run.values) for run in rows.values() if run.values)
        for row, run in rows.items():
            doubtful = strict and _is_whole(run.values) and not _is_proven(run.values)
            if in_order and cells[row] and not doubtful:
                sheet.put_row(row, _request_keys(row), cells[row])
            elif run.values:
                sheet.doubt(row, _request_keys(row), " ".join(run.values))
    sheet.in_annex = False
    return ruling


def _is_proven(values: Sequence[str]) -> bool:
    numbers = [read_value(value, "int")[0] for value in values]
    return set(numbers) == {"0"} or (None not in numbers and _sums([values], COLUMNS) == (1, 0))


def _flow_rows(runs: Sequence[_Run]) -> dict[str, _Run]:
    """Rows in the form's order; what jumps back is prose or a copy repeated on the next page."""
    named = []
    for run in runs:
        end, _, row = max(_known_rows(run.label), default=(0, 0, None))
        if row and _is_rest(row, run.label[end:]):
            named.append((row, run))
            if row == "carried_out":
                break
    rows: dict[str, _Run] = {}
    reached = -1
    for row, run in _without_subtotals(named):
        if REQUEST_ORDER[row] > reached:
            reached = REQUEST_ORDER[row]
            rows[row] = run
    return rows


def _is_rest(row: str, rest: str) -> bool:
    """May these words end the row's label? A new item or a sentence may not."""
    words = REQUEST_WORDS[row]
    return LEAF not in rest and set(rest) <= words


def _is_whole(values: Sequence[str]) -> bool:
    return len(values) == len(COLUMNS) and not any(map(_is_glued, values))


def _is_run_together(value: str) -> bool:
    return sum(map(str.isdigit, value)) >= GLUED_DIGITS


def _flow_disputes(source: str, ruling: _Ruling | None, annex: int, sheet: _Sheet) -> None:
    """The 15 numbers after the headings 结果维持 … 总计, when there are exactly 15 of them."""
    for heading in LAST_BLOCK.finditer(source):
        region = source[heading.end() : heading.end() + DISPUTES_LENGTH]
        # A lost second heading line leaves only its words (结果, 其他, 尚未).
        if not re.match(r"\W*(?:结\s*果|维\s*持)", region):
            continue
        sheet.in_annex = heading.start() > annex
        run = next((run for run in _runs(region) if run.values), _Run("", ()))
        told = RESULT_WORDS.fullmatch(run.label) and _in_turn(RESULT.findall(run.label))
        cells = run.values
        if len(cells) != len(DISPUTE_KEYS) or any(map(_is_glued, cells)):
            cells = (ruling and ruling.disputes(run)) or ()
        if told and cells:
            sheet.put_row("disputes", DISPUTE_KEYS, cells)
        else:
            sheet.doubt("disputes", DISPUTE_KEYS, " ".join(run.values))
    sheet.in_annex = False


def _flow_statistics(source: str, sheet: _Sheet) -> None:
    for run in _runs(source):
        label = _indicator(run.label)
        unit = re.search(rf"{UNITS}$", label)
        sheet.statistics_block(run.label)
        if unit and len(run.values) == 1 and not _is_glued(run.values[0]):
            sheet.put_indicator(label[: unit.start()], unit[0], run.values[0])


# --- empty cells in flows -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ruling:
    """What parts the cells of a table's whole rows: then empty cells can be told as well.

    `before` stands between a label and its first cell, by the kind of label (an item is one
    column further in than its group); `after` between a row's last cell and the next label.
    """

    separator: str
    before: Mapping[str, frozenset[str]]
    after: frozenset[str]

    def row(self, run: _Run) -> tuple[str, ...] | None:
        """The seven cells of a row of the second table."""
        return self._cells(run.gap, len(COLUMNS), self.before.get(_kind(run.label), frozenset()))

    def disputes(self, run: _Run) -> tuple[str, ...] | None:
        """The 15 cells below headings: only where rows are parted otherwise than cells."""
        if self.separator.strip("\r\n"):
            return None
        return self._cells(run.gap, len(DISPUTE_KEYS), self.after)

    def _cells(self, gap: str, count: int, before: frozenset[str]) -> tuple[str, ...] | None:
        gap = _ruled(gap)
        found = set()
        for first in before:
            for last in self.after:
                if len(first) + len(last) > len(gap) or not gap.startswith(first):
                    continue
                if not gap.endswith(last):
                    continue
                cells = tuple(gap[len(first) : len(gap) - len(last)].split(self.separator))
                if len(cells) == count and all(map(_is_bare_value, cells)):
                    found.add(cells)
        return found.pop() if len(found) == 1 else None


def _kind(label: str) -> str:
    return next((mark for mark in reversed(label) if mark in {LEAF, GROUP}), "")


def _ruled(gap: str) -> str:
    """Spaces beside pipes mean nothing, and neither do spaces beside tabs and line breaks."""
    return re.sub(r"\s+", "", gap) if "|" in gap else re.sub(r"[^\S\t\r\n]+", "", gap)


def _is_bare_value(cell: str) -> bool:
    return not cell or (not re.search(r"\s|\|", cell) and _is_value(cell) and not _is_glued(cell))


def _ruling(rows: Sequence[_Run]) -> _Ruling | None:
    """The ruling of a table, if all its whole rows have the same one."""
    separators: set[str] = set()
    after: set[str] = set()
    before: dict[str, frozenset[str]] = {}
    for run in rows:
        pieces = re.split(r"([\t\r\n|]+)", _ruled(run.gap))
        # Nothing, then a separator and a value in turn, then what follows the row.
        if pieces[0] or pieces[-1] or len(pieces) != 2 * len(run.values) + 3:
            return None
        parts = pieces[1::2]
        before[_kind(run.label)] = before.get(_kind(run.label), frozenset()) | {parts[0]}
        separators |= set(parts[1:-1])
        after.add(parts[-1])
    if len(rows) < FEWEST_ROWS or len(separators) != 1 or separators <= {"\n", "\r", "\r\n"}:
        # A line of its own may be a page's number.
        return None
    if any(len(firsts) > 1 for firsts in before.values()):
        return None
    return _Ruling(separators.pop(), before, frozenset(after))


# --- chapters and the whole ---------------------------------------------------------------------


def read_sections(lines: Sequence[str]) -> tuple[Section, ...]:
    """The chapters of the text. A title is the last place that begins a line with its words
    (preambles quote all six titles), or the last place at all where lines are lost."""
    text = "\n".join(lines)
    found: list[tuple[int, int, int]] = []
    for number, pattern in CHAPTERS:
        matches = list(pattern.finditer(text))
        starting = [m for m in matches if m.start() == 0 or text[m.start() - 1] == "\n"]
        if chosen := (starting or matches):
            found.append((chosen[-1].start(), chosen[-1].end(), number))
    marks = _increasing(found)
    if len(marks) < len(CHAPTERS) - 1:
        marks = max(marks, _free_chapters(text), key=len)
    if not marks:
        return (Section(0, "", text),) if text.strip() else ()
    sections = []
    if before := text[: marks[0][0]].strip():
        sections.append(Section(0, "", before))
    for index, (start, end, number) in enumerate(marks):
        until = marks[index + 1][0] if index + 1 < len(marks) else len(text)
        sections.append(Section(number, text[start:end].strip(), text[end:until].strip()))
    return tuple(sections)


def _increasing(found: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    marks: list[tuple[int, int, int]] = []
    for mark in sorted(found, key=lambda mark: mark[2]):
        if not marks or mark[0] > marks[-1][0]:
            marks.append(mark)
    return marks


def _free_chapters(text: str) -> list[tuple[int, int, int]]:
    marks: list[tuple[int, int, int]] = []
    position = 0
    for line in text.split("\n"):
        match = FREE_CHAPTER.match(line.strip())
        if match and NUMERALS[match[1]] == (marks[-1][2] if marks else 0) + 1:
            marks.append((position, position + len(line), NUMERALS[match[1]]))
        position += len(line) + 1
    return marks


def _form(cells: Mapping[str, _Reading], sheet: _Sheet) -> tuple[str | None, tuple[str, ...]]:
    """The form by what is printed, never by the year, and the keys the document should hold.

    None where only cells common to both forms were read; then just those are expected.
    """
    keys_2021, keys_2019 = keys("2021"), keys("2019")
    shared = tuple(key for key in keys_2021 if key in keys_2019)
    disclosed = set(sheet.first("disclosure").cells).difference(shared)
    rows = sheet.first("requests").rows
    first = next((form for form in ("2021", "2019") if disclosed & set(keys(form))), None)
    second = "2021" if rows & set(OTHER_2021) else "2019" if "other" in rows else None
    if first and second and first != second:
        own = [key for key in keys(first) if key.startswith("disclosure.")]
        rest = [key for key in keys("mixed") if not key.startswith("disclosure.")]
        return "mixed", (*own, *rest)
    if form := first or second:
        return form, keys(form)
    if any(key in shared for key in cells):
        return None, shared
    return ("stats2014", keys("stats2014")) if cells else ("narrative", ())


def parse(document: Document) -> Parsed:
    """The chapters and cells of a document. Every key of its form is there, or noted missing."""
    sheet = _Sheet()
    for block in document.blocks:
        if isinstance(block, Table):
            _read_grid(block, sheet)
        elif LAST_CHAPTER.match(block.text):
            sheet.in_annex = True
    sheet.in_annex = False
    text = document.text or "\n".join(_flow_lines(document))
    _read_flow(text, sheet)
    read = sheet.readings()
    form, form_keys = _form(read, sheet)
    missing: _Reading = (None, Note(State.MISSING))
    cells = {key: read.get(key, missing) for key in form_keys}
    if not cells and _is_statistics(document):
        form = "stats2014"
    sections = tuple(
        replace(section, text=_without_table(section, sheet))
        for section in read_sections(document.prose)
    )
    return Parsed(
        form,
        sections,
        {key: value for key, (value, _) in cells.items()},
        {key: note for key, (_, note) in cells.items() if note},
    )


def _without_table(section: Section, sheet: _Sheet) -> str:
    """A chapter's prose: where its table was read from running text, the table is cut out."""
    table, first, last = PRINTED_TABLES.get(section.number, ("", None, None))
    if first is None or last is None or not sheet.has(table):
        return section.text
    start = first.search(section.text)
    ends = [match.end() for match in last.finditer(section.text)]
    if start is None or not ends or ends[-1] <= start.start():
        return section.text
    values = VALUES.match(section.text, ends[-1])
    return (section.text[: start.start()] + section.text[values.end() if values else 0 :]).strip()


def _is_statistics(document: Document) -> bool:
    words = [
        block.text
        if isinstance(block, Paragraph)
        else " ".join(c.text for r in block.rows for c in r)
        for block in document.blocks
    ]
    text = compact("".join(words))
    return "主动公开政府信息数" in text and "收到申请数" in text


def _flow_lines(document: Document) -> Iterator[str]:
    """The running text: paragraphs, and tables of one column; other tables were read as grids."""
    for block in document.blocks:
        if isinstance(block, Paragraph):
            yield block.text
        elif all(len(row) <= 1 for row in block.rows):
            yield from (cell.text for row in block.rows for cell in row)
