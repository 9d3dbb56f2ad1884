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

from archive.form import COLUMNS, PRINTED, keys
from archive.grid import table_to_grid
from archive.identify import compact
from archive.model import Document, Note, Paragraph, Section, State, Table

# --- labels of the form -------------------------------------------------------------------------

# In the order of the form. A label is known by words no other row has: pages cut labels, drop
# characters (「其他法律行政止公开」) and shorten them (「逾期不补正」).
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
        ("not_processed_petition", r"信访"),
        ("not_processed_repeat", r"重复申请"),
        ("not_processed_publication", r"公开出版物"),
        ("not_processed_excessive", r"大量反复|无正当理由大量"),
        ("not_processed_reconfirm", r"确认或重新|重新出具|要求行政机关"),
        ("other", r"其[他它]处理"),
        ("other_not_corrected", r"不补正"),
        ("other_fee_unpaid", r"未按收费|缴纳费用|不缴费|未缴费"),
        ("other_misc", r"(?:^|[)、.])其[他它](?:情形)?$"),
        ("concluded_total", r"(?:^|[)、.])总计$|^合计$|[)、.]合计$"),
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
        ("amount_wan", r"收费金额"),
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
DISPUTE_HEADER = re.compile(r"行政复议")
DISPUTE_RESULT = re.compile(r"结果维持|维持")

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

# --- values -------------------------------------------------------------------------------------

UNITS = r"(?:万元|亿元|元|件|条|项|个|笔|次|份|篇|人次|人)"
DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
NUMBER = re.compile(rf"([+\-−]?)({DIGITS})({UNITS})?")
# Two numbers in one cell, or a footnote's mark beside one (NFKC makes 12① 121).
SEVERAL = re.compile(r"\d\s+\d|[^\W\d_]?[\u00b2\u00b3\u00b9\u2070-\u2089\u2460-\u249b\u00bc-\u00be]")
NOT_APPLICABLE = frozenset({"/", "-", "--", "—", "——", "\\", "无", "不适用", "不填", "N/A", "一"})
MOST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the document holds of the form: its chapters, its cells and what is to say of them."""

    form: str | None
    sections: tuple[Section, ...]
    cells: Mapping[str, str | None]
    notes: Mapping[str, Note]


Reading = tuple[str | None, Note | None]


@dataclass(slots=True)
class _Copy:
    """One printing of a table: what each of its cells says, and the rows it has."""

    cells: dict[str, Reading] = field(default_factory=dict)
    rows: set[str] = field(default_factory=set)


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

    def _add(self, row: str, readings: dict[str, Reading]) -> None:
        if not readings:
            return
        table = next(iter(readings)).partition(".")[0]
        copies = (self.annex if self.in_annex else self.body).setdefault(table, [])
        if not copies or row in copies[-1].rows:
            copies.append(_Copy())
        copies[-1].rows.add(row)
        copies[-1].cells.update(readings)

    def copies(self, table: str) -> list[_Copy]:
        return self.body.get(table) or self.annex.get(table, [])

    def has(self, table: str) -> bool:
        return any(
            value is not None for copy in self.copies(table) for value, _ in copy.cells.values()
        )

    def readings(self) -> dict[str, Reading]:
        """Every cell of every table, as all printings of it agree."""
        found: dict[str, Reading] = {}
        for table in {**self.body, **self.annex}:
            found |= _agreed(self.copies(table))
        return found

    def request_rows(self) -> set[str]:
        """The rows of the second table; the first printing tells the form."""
        copies = self.copies("requests")
        if _contradict(copies):
            copies = copies[:1]
        return {
            row
            for copy in copies
            for row in copy.rows
            if any(value is not None or note for value, note in copy.cells.values())
        }


def _contradict(copies: Sequence[_Copy]) -> bool:
    numbers: dict[str, str] = {}
    for copy in copies:
        for key, (value, _) in copy.cells.items():
            if value is not None and numbers.setdefault(key, value) != value:
                return True
    return False


def _agreed(copies: Sequence[_Copy]) -> dict[str, Reading]:
    """One reading a cell. Of printings that contradict each other only what all say is kept."""
    contradict = _contradict(copies)
    found: dict[str, Reading] = {}
    for key in {key: None for copy in copies for key in copy.cells}:
        said = [copy.cells[key] for copy in copies if key in copy.cells]
        alike = len({value for value, _ in said}) == 1
        if alike and (not contradict or len(said) == len(copies)):
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


def _request_row(label: str) -> str | None:
    """The row a label names; the innermost when a label carries its headings with it."""
    found = [
        (match.end(), REQUEST_ORDER[row], row)
        for row, pattern in REQUEST_ROWS
        for match in pattern.finditer(label)
    ]
    if not found:
        return None
    return max(found)[2]


def _request_keys(row: str) -> tuple[str, ...]:
    return tuple(f"requests.{row}.{column}" for column in COLUMNS)


def _column_order(grid: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The applicants' columns in the order the header prints them; the form's where it has none."""
    places: dict[str, int] = {}
    for row in grid[:6]:
        for x, text in enumerate(row):
            for column, pattern in COLUMN_LABELS:
                if pattern.search(compact(text)):
                    places.setdefault(column, x)
    if len(places) != len(COLUMNS):
        return COLUMNS
    return tuple(sorted(places, key=places.__getitem__))


def _is_value(text: str) -> bool:
    bare = compact(text)
    return not bare or bare in NOT_APPLICABLE or NUMBER.fullmatch(bare) is not None


def _row_label(texts: Sequence[str]) -> tuple[str, int]:
    """The innermost label of a row and where its values begin.

    A value may be words too (详见附件), so the last cell that a row of the form is known by wins.
    """
    labels = [compact(text) for text in texts]
    known = [
        x
        for x, label in enumerate(labels)
        if _request_row(_without_enumerator(label)) or _match_end(DISCLOSURE_ROWS, label)
    ]
    words = [x for x, text in enumerate(texts) if labels[x] and not _is_value(text)]
    last = max(known or words, default=-1)
    return (labels[last] if last >= 0 else ""), last + 1


def _read_grid(table: Table, sheet: _Sheet) -> None:
    grid = table_to_grid(table)
    order = _column_order(grid)
    header: tuple[str, ...] = ()
    for y, row in enumerate(table.rows):
        texts = [cell.text for cell in row]
        label, start = _row_label(texts)
        values = texts[start:]
        if columns := _disclosure_header(texts):
            header = columns
            continue
        if header and (disclosed := _match_end(DISCLOSURE_ROWS, label)):
            _read_disclosure_row(disclosed, header, values, sheet)
            continue
        requested = _request_row(_without_enumerator(label))
        if requested and len(values) >= len(COLUMNS):
            header = ()
            _read_request_row(requested, order, values, grid[y], sheet)
    _read_disputes(table, grid, sheet)


def _without_enumerator(label: str) -> str:
    return re.sub(r"^(?:\d{1,2}[.、,]|[(（][一二三四五六七八九十\d]{1,2}[)）])", ")", label)


def _disclosure_header(texts: Sequence[str]) -> tuple[str, ...]:
    """The columns a header row of the first table names, less its first cell (信息内容)."""
    columns = [_match(DISCLOSURE_COLUMNS, compact(text)) for text in texts]
    named = [column for column in columns if column]
    if not named or any(_is_value(text) and compact(text) for text in texts):
        return ()
    if len(named) == 1 and "信息内容" not in compact("".join(texts)):
        return ()
    return tuple(named)


def _match(patterns: Iterable[tuple[str, re.Pattern[str]]], text: str) -> str | None:
    return next((name for name, pattern in patterns if pattern.search(text)), None)


def _match_end(patterns: Iterable[tuple[str, re.Pattern[str]]], label: str) -> str | None:
    return _match(patterns, re.sub(r"\(.*?\)$", "", label))


def _read_disclosure_row(
    row: str, header: Sequence[str], values: Sequence[str], sheet: _Sheet
) -> None:
    trimmed = list(values)
    while len(trimmed) > len(header) and not compact(trimmed[-1]):
        trimmed.pop()
    row_keys = [f"disclosure.{row}.{column}" for column in header]
    if len(trimmed) == len(header):
        sheet.put_row(row_keys, trimmed)
    elif trimmed:
        sheet.ambiguous(row_keys, " | ".join(values))


def _read_request_row(
    row: str, order: Sequence[str], values: Sequence[str], full: Sequence[str], sheet: _Sheet
) -> None:
    trimmed = list(values)
    while len(trimmed) > len(order) and not compact(trimmed[-1]):
        trimmed.pop()
    row_keys = [f"requests.{row}.{column}" for column in order]
    if len(trimmed) != len(order):
        sheet.ambiguous(row_keys, " | ".join(values))
        return
    sheet.rows.add(row)
    sheet.put_row(row_keys, trimmed)


def _read_disputes(table: Table, grid: Sequence[Sequence[str]], sheet: _Sheet) -> None:
    """The row of 15 under the headings of the third table."""
    header = next(
        (
            y
            for y, row in enumerate(grid)
            if any(DISPUTE_RESULT.search(compact(text)) for text in row)
        ),
        None,
    )
    if header is None:
        return
    for row in table.rows[header + 1 :]:
        texts = [cell.text for cell in row]
        if len(texts) == len(DISPUTE_KEYS) and all(map(_is_value, texts)):
            sheet.put_row(DISPUTE_KEYS, texts)
            return


# --- flows --------------------------------------------------------------------------------------

# A digit right before 「.」 and a Chinese character numbers the next label: 「0000000 2.其他」.
ENUMERATOR = re.compile(r"(\d*?)(\d)[.、．]\s*(?=[\u4e00-\u9fff“‘\"])")
BRACKETED = re.compile(r"[(（]\s*[一二三四五六七八九十]{1,2}\s*[)）]")
TOKEN = re.compile(
    rf"(?P<number>[+\-−]?\d[\d,]*(?:\.\d+)?(?:\s*{UNITS})?)"
    r"|(?P<na>(?<![^\s|])(?:/|-{1,2}|—{1,2}|\\)(?![^\s|]))"
    r"|(?P<space>[\s|]+)"
    r"|(?P<text>[^\d\s|+\-−—/\\]+|.)"
)
TABLE_ONE = re.compile(r"第\s*二\s*十\s*条\s*第")
TABLE_TWO = re.compile(r"本年度?新收")
LAST_BLOCK = re.compile(r"复\s*议\s*后\s*起\s*诉")
# From a table's first words to its last value, as running text shows it.
VALUES = rf"(?:[\s|]*(?:[+\-−]?[\d０-９][\d０-９,.]*\s*{UNITS}?|[/—-]+(?=[\s|])))*[\s|]*"
PRINTED_TABLES: Mapping[int, tuple[str, re.Pattern[str]]] = {
    number: (table, re.compile(pattern, re.DOTALL))
    for number, table, pattern in (
        (
            2,
            "disclosure",
            r"[\s|]*第\s*二\s*十\s*条\s*第.*(?:行政事业性收费|行政强制|政府集中采购)" + VALUES,
        ),
        (
            3,
            "requests",
            r"[\s|]*(?:[（(]\s*本列数据|申请人情况|一、\s*本年度?新收).*结转下\S{0,3}年度?继续办理"
            + VALUES,
        ),
        (4, "disputes", r"[\s|]*行政复议[\s|]*行政诉讼.*总\s*计" + VALUES),
    )
}


@dataclass(frozen=True, slots=True)
class _Run:
    """A label and the printed values that follow it before the next label."""

    label: str
    values: tuple[str, ...]


def _runs(text: str) -> Iterator[_Run]:
    """The text as labels followed by values; spaces part values and mean nothing in labels."""
    source = BRACKETED.sub(" )", text)
    source = ENUMERATOR.sub(r"\1 )", source)
    label: list[str] = []
    values: list[str] = []
    for match in TOKEN.finditer(source):
        if match.lastgroup in {"number", "na"}:
            values.append(match[0])
        elif match.lastgroup == "text":
            if values:
                yield _Run("".join(label), tuple(values))
                label, values = [], []
            label.append(match[0])
    yield _Run("".join(label), tuple(values))


def _read_flow(text: str, sheet: _Sheet) -> None:
    """The three tables out of running text, each only where no grid gave it."""
    source = unicodedata.normalize("NFKC", text)
    if not sheet.has("disclosure") and (start := TABLE_ONE.search(source)):
        ends = (CHAPTERS[2][1], TABLE_TWO)
        found = (pattern.search(source, start.end()) for pattern in ends)
        end = min((match.start() for match in found if match), default=len(source))
        _flow_disclosure(source[start.start() : end], sheet)
    if not sheet.has("requests"):
        _flow_requests(source, sheet)
    if not sheet.has("disputes"):
        _flow_disputes(source, sheet)


def _flow_disclosure(text: str, sheet: _Sheet) -> None:
    header: list[str] = []
    for run in _runs(text):
        named = sorted(
            (match.start(), column)
            for column, pattern in DISCLOSURE_COLUMNS
            if (match := pattern.search(run.label))
        )
        if named:
            header = [column for _, column in named]
        row = _match_end(DISCLOSURE_ROWS, run.label)
        if row is None or not header or not run.values:
            continue
        row_keys = [f"disclosure.{row}.{column}" for column in header]
        if len(run.values) == len(header) and not any(map(_is_glued, run.values)):
            sheet.put_row(row_keys, run.values)
        else:
            sheet.ambiguous(row_keys, " ".join(run.values))


def _is_glued(value: str) -> bool:
    digits = re.sub(r"\D.*", "", value.lstrip("+-−"))
    return (len(digits) > 1 and digits.startswith("0")) or len(digits) > MOST_DIGITS


def _flow_requests(text: str, sheet: _Sheet) -> None:
    # Prose of the first chapter may tell of 本年新收 too: the place that gives most rows is the
    # table.
    tables = [_flow_rows(text[match.start() :]) for match in TABLE_TWO.finditer(text)]
    rows = max(tables, key=lambda rows: sum(map(_is_whole, rows.values())), default={})
    # Where one row is glued, a row of seven may be glued as well: then its sum must hold.
    glued = any(values and not _is_whole(values) for values in rows.values())
    for row, values in rows.items():
        if not values:
            continue
        sheet.rows.add(row)
        if _is_whole(values) and (not glued or _sums_up(values)):
            sheet.put_row(_request_keys(row), values)
        else:
            sheet.ambiguous(_request_keys(row), " ".join(values))


def _flow_rows(text: str) -> dict[str, tuple[str, ...]]:
    """Rows in the form's order; what jumps back is prose or a copy repeated on the next page."""
    rows: dict[str, tuple[str, ...]] = {}
    reached = -1
    for run in _runs(text):
        row = _request_row(run.label)
        if row is None or REQUEST_ORDER[row] <= reached:
            continue
        reached = REQUEST_ORDER[row]
        rows[row] = run.values
        if row == "carried_out":
            break
    return rows


def _is_whole(values: Sequence[str]) -> bool:
    return len(values) == len(COLUMNS) and not any(map(_is_glued, values))


def _sums_up(values: Sequence[str]) -> bool:
    numbers = [read_value(value, "int")[0] for value in values]
    if any(number is None for number in numbers):
        return False
    *parts, total = (Decimal(number) for number in numbers if number is not None)
    return sum(parts) == total


def _flow_disputes(text: str, sheet: _Sheet) -> None:
    """The 15 numbers after the headings 结果维持 … 总计, when there are exactly 15 of them."""
    for heading in LAST_BLOCK.finditer(text):
        chapter = CHAPTERS[4][1].search(text, heading.end())
        region = text[heading.end() : chapter.start() if chapter else heading.end() + 2000]
        values = next((run.values for run in _runs(region) if run.values), ())
        # A lost second heading line leaves only its words (结果, 其他, 尚未).
        if not re.match(r"\W*结\s*果|\W*维\s*持", region):
            continue
        if len(values) == len(DISPUTE_KEYS) and not any(map(_is_glued, values)):
            sheet.put_row(DISPUTE_KEYS, values)
            return
        if values:
            sheet.ambiguous(DISPUTE_KEYS, " ".join(values))


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


def _form(sheet: _Sheet) -> tuple[str | None, tuple[str, ...]]:
    """The form by what is printed, never by the year, and the keys the document should hold.

    None where only cells common to both forms were read; then just those are expected.
    """
    keys_2021, keys_2019 = keys("2021"), keys("2019")
    shared = tuple(key for key in keys_2021 if key in keys_2019)
    disclosed = {key for key in sheet.cells if key.startswith("disclosure.")}.difference(shared)
    first = next((form for form in ("2021", "2019") if disclosed & set(keys(form))), None)
    subrows = sheet.rows & set(OTHER_2021)
    second = "2021" if subrows else "2019" if "other" in sheet.rows else None
    if first and second and first != second:
        own = [key for key in keys(first) if key.startswith("disclosure.")]
        rest = [key for key in keys("mixed") if not key.startswith("disclosure.")]
        return "mixed", (*own, *rest)
    if form := first or second:
        return form, keys(form)
    return (None, shared) if sheet.cells else ("narrative", ())


def parse(document: Document) -> Parsed:
    """The chapters and cells of a document. Every key of its form is there, or noted missing."""
    sheet = _Sheet()
    for block in document.blocks:
        if isinstance(block, Table):
            _read_grid(block, sheet)
    _read_flow("\n".join(_flow_lines(document)), sheet)
    form, form_keys = _form(sheet)
    cells = {key: sheet.cells.get(key) for key in form_keys}
    notes = {key: sheet.notes.get(key, Note(State.MISSING)) for key in cells if cells[key] is None}
    notes |= {key: note for key, note in sheet.notes.items() if cells.get(key) is not None}
    if not cells and _is_statistics(document):
        form = "stats2014"
    sections = tuple(
        replace(section, text=_without_table(section, sheet))
        for section in read_sections(document.prose)
    )
    return Parsed(form, sections, cells, notes)


def _without_table(section: Section, sheet: _Sheet) -> str:
    """A chapter's prose: where its table was read from running text, the table is cut out."""
    table, pattern = PRINTED_TABLES.get(section.number, ("", None))
    if pattern is None or not sheet.has(table):
        return section.text
    return pattern.sub("", section.text, count=1).strip()


def _is_statistics(document: Document) -> bool:
    text = compact(" ".join(_flow_lines(document)))
    return "主动公开政府信息数" in text and "收到申请数" in text


def _flow_lines(document: Document) -> Iterator[str]:
    for block in document.blocks:
        if isinstance(block, Paragraph):
            yield block.text
        else:
            for row in block.rows:
                yield "\t".join(cell.text for cell in row)
