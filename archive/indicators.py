"""Which figures does a document print of the statistics of 2014, and which of local ones beside them?

That form is a list: an indicator, its unit, one figure. Local copies of it add rows and columns,
and tables before 2014 have indicators of their own. An indicator is known by its words; its
figure is taken only where one cell of the row can be meant.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from archive.form import PRINTED, keys
from archive.grid import WIDEST, placed_cells, table_to_grid
from archive.identify import compact
from archive.labels import GROUP, LEAF
from archive.model import Cell, Document, Extra, Paragraph, Table
from archive.runs import mark_enumerators, read_runs
from archive.sheet import Sheet
from archive.values import UNITS, is_figure, is_glued, is_unit, is_value

MEASURES = rf"(?:{UNITS}|场|起|家|处|名|天|页|万字|%)"
MEASURE = re.compile(MEASURES)
MONEY = frozenset({"元", "万元", "亿元"})
ENUMERATORS = re.compile(
    rf"[{LEAF}{GROUP}]|(?<![一二三四五六七八九十])[一二三四五六七八九十]{{1,2}}、"
    r"|\([一二三四五六七八九十\d]{1,2}\)|(?<!\d)\d{1,2}(?:\.\d{1,2})*[.、)](?!\d)|[\u2460-\u249b]|其中:?"
)
# The words in brackets that the form itself prints; a page may set the figure amid them.
REMARKS = (
    "不同渠道和方式公开相同信息计1条",
    "不同方式回应同一热点或舆情计1次",
    "不包括政府公报及政府网站工作人员数",
    "不包括用于政府公报编辑管理及政府网站建设维护等方面的经费",
)
REMARK = re.compile(
    r"\((?:不同|不包括|不含)[^()\d]*(?:[计算为]{1,2}\d[条次件])?[^()\d]*\)"
)
AMID = re.compile(rf"[\s|]*{UNITS}?[\s|]*[\d,.]+[\s|]*")
BRACKETED_UNIT = re.compile(rf"(?:\((?:计量)?(?:单位[::]?)?({MEASURES})\)|/({MEASURES}))$")
TRAILING_UNIT = re.compile(rf"({MEASURES})$")
UNIT_AND_VALUE = re.compile(rf"({UNITS})[::]?([\d,.]+)")
COUNTED = re.compile(r"(?:总|条|件|次|人|个|篇|总次|总条|总件)?数(?:量|目)?$")
HEADING = re.compile(r"指\s*标(?:\s*名\s*称|\s*项\s*目)?[\s|]*(?:计\s*量)?[\s|]*单\s*位")

# What local copies write for the form's words; the suffixes for 数 are off.
ALIASES = {
    "政府门户网站公开政府信息": "via_website",
    "微博公开政府信息": "via_weibo",
    "微信公开政府信息": "via_wechat",
    "举办或参加新闻发布会": "press_conferences",
    "参加和举办新闻发布会": "press_conferences",
    "微博微信回应": "weibo_wechat",
    "其他方式回应": "other",
    "不属于本行政机关公开范围": "not_this_body",
    "申请公开的信息不存在": "not_exist",
    "告知作出更改补充申请": "told_to_amend",
    "依申请公开信息收取费用": "collected_wan",
    "依申请公开政府信息收取的费用": "collected_wan",
    "召开政府信息公开工作会议和专题会议": "meetings",
}
# Rows that the tables before 2014 print in the same words.
OLDER = frozenset(
    f"stats2014.{name}"
    for name in (
        "requests.received_in_person", "requests.received_fax", "requests.received_letter",
        "requests.granted", "requests.granted_partial", "review.total", "litigation.total",
        "complaints.total",
    )
)  # fmt: skip
FEWEST_OWN = 5
FEWEST_LOCAL = 4
BLOCKS = ("review", "litigation")
# How far beyond the last words of the form its last figures and local rows may stand.
REACH = 1200
MOST_BLANK = 0.5


def _words(label: str) -> str:
    """A label's bare words, as they are compared: no enumerators, remarks, marks or counts."""
    bare = ENUMERATORS.split(re.sub(r"\([^()]*\)|\([^()]*$", "", label))[-1]
    bare = re.sub(r"\W", "", bare).replace("维护具体", "维持具体").replace("其它", "其他")
    return COUNTED.sub("", bare.replace("做出", "作出"))


FORM = keys("stats2014")
ORDER = {key: place for place, key in enumerate(FORM)}
INDICATORS: dict[str, list[str]] = {}
for _key in FORM:
    INDICATORS.setdefault(_words(compact(PRINTED[_key].zh)), []).append(_key)
for _words_, _name in ALIASES.items():
    _found = [_key for _key in FORM if _key.endswith(f".{_name}")]
    # 其他方式回应 is the one of its name under 回应解读.
    INDICATORS.setdefault(
        _words_, [_key for _key in _found if _name != "other" or ".response." in _key]
    )
LONGEST_FIRST = sorted(INDICATORS, key=len, reverse=True)
ENUMERATED = {
    key: match[1]
    for key in FORM
    if (match := re.match(r"(\d)\.", compact(PRINTED[key].zh)))
}
# Phrases that only this form prints; several of them name it where no figure can be read.
SIGNATURE = (
    "主动公开政府信息数", "收到申请数", "申请办结数", "申请答复数", "政府网站公开政府信息数",
    "政务微博公开政府信息数", "制发规范性文件总数", "按时办结数", "参加或举办新闻发布会总次数",
    "政策解读稿件发布数", "举报投诉数量", "行政复议数量", "被依法纠错数", "属于已主动公开范围数",
)  # fmt: skip
HINTS = ("申请数", "信息数", "答复数", "指标", "办结数")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a statistics table: label and unit as printed, and the cells of its figures.

    `columns` are the kinds of those cells where a heading tells them, `names` the words of the
    heading. No cells at all: a heading, or a label cut off from its figure.
    """

    label: str
    unit: str = ""
    values: tuple[Cell, ...] = ()
    columns: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    doubtful: bool = False


def prints_indicators(texts: Iterable[str]) -> bool:
    """Is the form of 2014 there, even if none of its figures can be read?"""
    text = compact("".join(texts))
    if SIGNATURE[0] in text and SIGNATURE[1] in text:
        return True
    return sum(phrase in text for phrase in SIGNATURE) >= FEWEST_OWN


def read_statistics(document: Document, sheet: Sheet) -> tuple[Extra, ...]:
    """The document's statistics: cells of the form of 2014 into the sheet; gives what else the
    statistics tables print, as rows of their own.

    Grids first, running text where no grid gave the table. A table with none of the form's own
    rows (before 2014) is a local one as a whole.
    """
    hints = compact("".join(_texts(document)))
    if sum(hint in hints for hint in HINTS) < 2:
        return ()
    tables = [_grid_entries(block) for block in document.blocks if isinstance(block, Table)]
    entries = [entry for table in _carried(tables) for entry in table]
    found = _keys(entries)
    if not _is_form(found, entries) and not _is_local(entries):
        text = document.text or "\n".join(_lines(document))
        entries = list(_text_entries(text))
        found = _keys(entries)
    if _is_form(found, entries):
        _put(entries, found, sheet)
        rest = [entry for entry, key in zip(entries, found, strict=True) if key is None]
        return tuple(_extras(rest))
    return tuple(_extras(entries)) if _is_local(entries) else ()


def _is_form(found: Sequence[str | None], entries: Sequence[Entry]) -> bool:
    printed = {
        key for key, entry in zip(found, entries, strict=True) if key and (entry.unit or entry.values)
    }
    both = {"stats2014.proactive.published_total", "stats2014.requests.received"}
    return both <= printed or len(printed - OLDER) >= FEWEST_OWN


def _is_local(entries: Sequence[Entry]) -> bool:
    rows = [entry for entry in entries if entry.unit and entry.values]
    telling = sum(bool(re.search(r"公开|申请|复议|诉讼|答复", entry.label)) for entry in rows)
    return len(rows) >= FEWEST_LOCAL and telling >= FEWEST_LOCAL


def _texts(document: Document) -> Iterator[str]:
    for block in document.blocks:
        if isinstance(block, Paragraph):
            yield block.text
        elif isinstance(block, Table):
            yield from (cell.text for row in block.rows for cell in row)


def _lines(document: Document) -> Iterator[str]:
    """The running text; tables of one column are part of it."""
    for block in document.blocks:
        if isinstance(block, Paragraph):
            yield block.text
        elif isinstance(block, Table) and all(len(row) <= 1 for row in block.rows):
            yield from (cell.text for row in block.rows for cell in row)


# --- which column is the figure's -----------------------------------------------------------------

KINDS = (
    ("code", r"代码|序号|编号|行次|^丙$"),
    ("note", r"备注|说明|填报|^注"),
    ("cumulative", r"累计"),
    ("earlier", r"上年|去年|上一年|前年|同期|同比|增减|增长|比上|占比"),
    ("total", r"合计|总计|总数"),
    ("own", r"统计数|数量|数值|数据|指标值|本年|年度|当年|本期|全年|\d{4}年|^数$|^值$|填报数|件数|统计结果"),
)  # fmt: skip
PASSED_OVER = frozenset({"code", "note", "cumulative", "earlier"})
LONGEST_HEADING = 12


def _kind(name: str) -> str:
    return next((kind for kind, words in KINDS if re.search(words, name)), "part")


def _column_kind(names: Sequence[str]) -> str:
    """The kind of a column by its headings, the innermost first."""
    kinds = [_kind(name) for name in names]
    for telling in ("cumulative", "earlier", "note", "code"):
        if telling in kinds:
            return telling
    return kinds[0] if kinds else ""


def _place(entry: Entry) -> int | None:
    """Which of a row's cells is the figure of the year; None where more than one may be."""
    if len(entry.columns) != len(entry.values):
        return 0 if len(entry.values) == 1 and not entry.columns else None
    open_to = [at for at, kind in enumerate(entry.columns) if kind not in PASSED_OVER]
    if len(open_to) > 1:
        totals = [at for at in open_to if entry.columns[at] == "total"]
        parts = all(entry.columns[at] in {"part", "total"} for at in open_to)
        open_to = totals if parts else []
    return open_to[0] if len(open_to) == 1 else None


# --- grids ----------------------------------------------------------------------------------------


def _grid_entries(table: Table) -> list[Entry]:
    """The rows of a grid, one after another: the left half of a page before its right half."""
    rows = placed_cells(table)
    if all(len(row) <= 1 for row in rows):
        return []
    grid = table_to_grid(table)
    groups: list[tuple[int, int, list[str], str, list[tuple[int, Cell]]]] = []
    for y, row in enumerate(rows):
        for place, (labels, unit, values) in enumerate(_groups(row)):
            groups.append((place, y, labels, unit, values))
    first = min((y for _, y, labels, unit, values in groups if unit and values), default=None)
    if first is None:
        first = min(
            (y for _, y, labels, _, values in groups if values and _known(labels)), default=0
        )
    groups.sort(key=lambda group: group[:2])
    entries = []
    for _, y, labels, unit, values in groups:
        if y < first:
            continue
        names = tuple(_names(grid, first, x) for x, _ in values)
        entry = Entry(
            _label(labels),
            unit,
            tuple(cell for _, cell in values),
            tuple(_column_kind(name) for name in names) if all(names) else (),
            tuple("".join(name[:1]) for name in names) if all(names) else (),
        )
        entries += _several(entry) or [entry]
    return _by_content(entries)


def _groups(
    row: Sequence[tuple[int, Cell]],
) -> Iterator[tuple[list[str], str, list[tuple[int, Cell]]]]:
    """A row's indicators, left to right: labels, unit, the cells that may be its figures."""
    labels: list[str] = []
    unit = ""
    before: list[tuple[int, Cell]] = []
    after: list[tuple[int, Cell]] = []
    for place, (x, cell) in enumerate(row):
        text = compact(cell.text)
        if labels and not unit and is_unit(text):
            unit = text
            continue
        both = UNIT_AND_VALUE.fullmatch(text)
        if labels and not unit and both:
            unit = both[1]
            after.append((x, replace(cell, text=both[2])))
            continue
        last = place == len(row) - 1
        if is_value(text) or (unit and not after and last):
            if labels:
                (after if unit else before).append((x, cell))
            continue
        if unit or any(is_figure(value.text) for _, value in before):
            if not last:
                yield labels, unit, after or before
                labels, unit, before, after = [text], "", [], []
            continue
        labels.append(text)
        before = []
    if labels:
        yield labels, unit, after or before


def _names(grid: Sequence[Sequence[str]], first: int, x: int) -> tuple[str, ...]:
    """The headings above a column, the innermost first; titles over the whole table are none."""
    names: list[str] = []
    for row in reversed(grid[:first]):
        name = compact(row[x]) if x < len(row) else ""
        short = name and len(name) <= LONGEST_HEADING and not re.fullmatch(r"[甲乙丙丁\d]", name)
        if short and name not in names and len(set(row)) > 1:
            names.append(name)
    return tuple(names)


def _known(labels: Sequence[str]) -> bool:
    return _words(_label(labels)) in INDICATORS


def _label(labels: Sequence[str]) -> str:
    """The innermost label; all of them joined where only that is an indicator's."""
    if not labels:
        return ""
    joined = "".join(labels)
    own = _split_unit(labels[-1])[0]
    if _words(own) not in INDICATORS and _words(_split_unit(joined)[0]) in INDICATORS:
        return joined
    return labels[-1]


def _several(entry: Entry) -> list[Entry]:
    """The indicators of a row that holds a line for each of several in every cell."""
    labels = [part for part in ENUMERATORS.split(entry.label) if part]
    if sum(_words(label) in INDICATORS for label in labels) < 2 or len(entry.values) != 1:
        return []
    figures = entry.values[0].text.split()
    if len(figures) == len(labels):
        cell = entry.values[0]
        return [
            Entry(label, entry.unit[:0], (replace(cell, text=text),))
            for label, text in zip(labels, figures, strict=True)
        ]
    return [Entry(label, "", entry.values, doubtful=True) for label in labels]


def _by_content(entries: list[Entry]) -> list[Entry]:
    """The rows less the columns that never hold a figure, or only count the rows."""
    held: dict[int, list[list[str]]] = defaultdict(list)
    for entry in entries:
        if len(entry.values) > 1:
            held[len(entry.values)].append([compact(cell.text) for cell in entry.values])
    kept = {
        width: [
            at
            for at, column in enumerate(zip(*rows, strict=True))
            if any(map(is_figure, column)) and not _counts_rows(column)
        ]
        for width, rows in held.items()
    }
    found = []
    for entry in entries:
        places = kept.get(len(entry.values))
        # A heading that tells the columns is better than what happens to be in them.
        if places and (not entry.columns or len(places) == 1):
            entry = replace(
                entry,
                values=tuple(entry.values[at] for at in places),
                columns=tuple(entry.columns[at] for at in places) if entry.columns else (),
                names=tuple(entry.names[at] for at in places) if entry.names else (),
            )
        found.append(entry)
    return found


def _counts_rows(column: Sequence[str]) -> bool:
    numbers = [int(text) for text in column if text.isascii() and text.isdigit()]
    return len(numbers) >= FEWEST_OWN and all(b - a == 1 for a, b in pairwise(numbers))


def _carried(tables: Sequence[list[Entry]]) -> Iterator[list[Entry]]:
    """The tables, where one broken by a page goes on under the headings it had before."""
    columns: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for table in tables:
        headed = {len(e.values): (e.columns, e.names) for e in table if e.columns}
        columns = headed or columns
        yield [
            entry
            if entry.columns or len(entry.values) not in columns or headed
            else replace(
                entry, columns=columns[len(entry.values)][0], names=columns[len(entry.values)][1]
            )
            for entry in table
        ]


# --- running text ---------------------------------------------------------------------------------


@cache
def _anchors() -> re.Pattern[str]:
    """The form's own phrases, however lines cut them, and the heading of such tables."""
    phrases = (r"\s*".join(map(re.escape, phrase)) for phrase in SIGNATURE)
    return re.compile("|".join([HEADING.pattern, *phrases]))


def _region(text: str) -> tuple[int, int] | None:
    """Where in the text a statistics table may stand."""
    places = [(match.start(), match.end()) for match in _anchors().finditer(text)]
    if heading := HEADING.search(text):
        places += [(heading.start(), heading.end()), (heading.start(), heading.end() + REACH)]
    if len(places) < 2:
        return None
    return min(places)[0], min(max(end for _, end in places) + REACH, len(text))


def _text_entries(text: str) -> Iterator[Entry]:
    """The rows of running text: a label that ends with its unit, and the figures after it."""
    source = _without_remarks(mark_enumerators(text))
    region = _region(source)
    if region is None:
        return
    source = source[region[0] : region[1]]
    names = _heading_names(source)
    runs = [run for run in read_runs(source) if run.label]
    lines = Counter(len(re.findall(r"\n", run.gap.partition(run.values[0])[0])) for run in runs if run.values)
    usual = lines.most_common(1)[0][0] if lines else 0
    entries: list[Entry] = []
    for run, after in zip(runs, [*runs[1:], None], strict=False):
        *above, label = _segments(run.label)
        entries += [Entry(part) for part in above]
        values = run.values
        if not values:
            entries.append(Entry(label))
            continue
        lead, tail = run.gap.partition(values[0])[0], run.gap.rpartition(values[-1])[2]
        doubtful = lead.count("\n") != usual or any(map(is_glued, values))
        # 「12」⏎「1 政府公报…」: the next row's enumerator stands among the values.
        number = _enumerator_after(after.label if after else "")
        if number and len(values) > 1 and values[-1] == number and "\n" not in tail:
            if "\n" in run.gap.rpartition(values[-1])[0].rpartition(values[-2])[2]:
                values = values[:-1]
            else:
                doubtful = True
        elif number and not re.search(r"[\s|]", tail) and values[-1].endswith(number):
            doubtful = True
        label, unit = _split_unit(label)
        kinds = tuple(_kind(name) for name in names) if len(names) == len(values) else ()
        entries.append(
            Entry(
                label,
                unit,
                tuple(map(Cell, values)),
                kinds if len(values) > 1 else (),
                names if kinds else (),
                doubtful,
            )
        )
    yield from entries


def _segments(label: str) -> list[str]:
    """The rows and headings a label runs through: only the last one's figure follows."""
    parts = [part for part in ENUMERATORS.split(label) if part]
    found: list[str] = []
    for part in parts or [label]:
        bare = _words(_split_unit(part)[0])
        if bare not in INDICATORS:
            # 「涉及商业秘密件涉及个人隐私件」: two rows, and nothing printed in the first.
            for words in LONGEST_FIRST:
                if len(bare) > len(words) and bare.endswith(words):
                    head, told, _ = part.rpartition(words[:2] if words not in part else words)
                    if told and re.search(rf"(?:{MEASURES}|数量?|情况|位|[一-龥]数)$", head):
                        found.append(head)
                        part = part[len(head) :]
                        break
        found.append(part)
    return found


def _enumerator_after(label: str) -> str:
    """The number the form gives the indicator that a label without enumerators begins with."""
    bare = _words(_split_unit(_segments(label)[0])[0]) if label else ""
    if not bare or ENUMERATORS.match(label):
        return ""
    found = INDICATORS.get(bare, [])
    return ENUMERATED.get(found[0], "") if found else ""


def _heading_names(source: str) -> tuple[str, ...]:
    """The words after 指标 and 单位 in the table's heading: its columns of figures."""
    match = HEADING.search(source)
    if not match:
        return ()
    rest = re.split(
        rf"[{LEAF}{GROUP}]|[一二三四五六七八九]、|主\s*动\s*公\s*开|其\s*中", source[match.end() :][:80]
    )[0]
    rest = re.sub(r"(\d{4})\s*年\s*(度?)", r"\1年\2", rest)
    words = [compact(word) for word in re.split(r"[\s|]+", rest) if compact(word)]
    return tuple(word for word in words if not re.fullmatch(r"[甲乙丙丁\d]", word))


def _without_remarks(source: str) -> str:
    """The text less the form's remarks in brackets; a figure set amid one stays."""
    pieces, end = [], 0
    for match in re.finditer(r"\(\s*不", source):
        if match.start() < end:
            continue
        for remark in REMARKS:
            told = _walk(source, match.start() + 1, remark)
            if told:
                pieces += [source[end : match.start()], told[1]]
                end = told[0]
                break
    return REMARK.sub("", "".join([*pieces, source[end:]]))


def _walk(source: str, at: int, remark: str) -> tuple[int, str] | None:
    """Where a remark ends that begins here, and the figure that cuts it; None if it does not."""
    amid = ""
    for char in remark:
        while at < len(source) and source[at].isspace():
            at += 1
        if at < len(source) and source[at] == char:
            at += 1
            continue
        found = AMID.match(source, at)
        if amid or not found or not found[0].strip():
            return None
        amid = f" {found[0]} "
        at = found.end()
        if source[at : at + 1] != char:
            return None
        at += 1
    rest = re.compile(r"\s*\)").match(source, at)
    return (rest.end() if rest else at), amid


# --- which indicator is it ------------------------------------------------------------------------


def _split_unit(label: str) -> tuple[str, str]:
    """A label less the unit it ends with, and the unit; 规范性文件 and 事件 end with none."""
    if match := BRACKETED_UNIT.search(label):
        return label[: match.start()], match[1] or match[2]
    if match := TRAILING_UNIT.search(label):
        head = label[: match.start()]
        if _words(label) not in INDICATORS or _words(head) in INDICATORS:
            return head, match[1]
    return label, ""


def _keys(entries: Sequence[Entry]) -> list[str | None]:
    """The key of each entry, None where it is none of the form's."""
    found: list[str | None] = []
    block = ""
    seen: list[str] = []
    for place, entry in enumerate(entries):
        label, unit = entry.label, entry.unit
        if not unit:
            label, unit = _split_unit(label)
        keys_ = INDICATORS.get(_words(label), [])
        if not keys_ and (entry.unit or entry.values) and entry.label:
            keys_ = _cut(entries, place) or _misprinted(label, seen)
        if len(keys_) > 1:
            # 被依法纠错数 is said of reviews and of suits, told only by what stands above it.
            keys_ = [key for key in keys_ if key.startswith(f"stats2014.{block}.")]
        key = keys_[0] if len(keys_) == 1 else None
        name = key.split(".")[1] if key else ""
        if name:
            block = name if name in BLOCKS else ""
        elif not entry.values and (told := re.findall(r"行政(复议|诉讼)", entry.label)):
            block = {"复议": "review", "诉讼": "litigation"}[told[-1]]
        if key:
            seen.append(key)
        found.append(key)
    return _without_interleaved(found)


def _without_interleaved(found: list[str | None]) -> list[str | None]:
    """The keys, but none of a repeated label where rows on reviews and on suits alternate."""
    turns = [key.split(".")[1] for key in found if key and key.split(".")[1] in BLOCKS]
    if sum(a != b for a, b in pairwise(turns)) <= 1 + 2 * (turns.count("review") > 4):
        return found
    repeated = {key for several in INDICATORS.values() if len(several) > 1 for key in several}
    return [None if key in repeated else key for key in found]


def _cut(entries: Sequence[Entry], place: int) -> list[str]:
    """The indicator whose label is cut by its own figure: its end begins the next label, or its
    beginning stands alone above."""
    words = _words(_split_unit(entries[place].label)[0])
    following = entries[place + 1].label if place + 1 < len(entries) else ""
    found = {
        key
        for bare, several in INDICATORS.items()
        for key in several
        if len(several) == 1
        and len(words) >= 4
        and (
            (bare.startswith(words) and _words(following[: len(bare) * 2]).startswith(bare[len(words) :]))
            or (
                bare.endswith(words)
                and place
                and not entries[place - 1].values
                and bare == _words(entries[place - 1].label + entries[place].label)
            )
        )
    }
    return list(found) if len(found) == 1 else []


def _misprinted(label: str, seen: Sequence[str]) -> list[str]:
    """The one indicator a single character away that may stand here in the form's order."""
    bare = _words(label)
    if len(bare) < 5 or not seen:
        return []
    near = [
        key
        for words, several in INDICATORS.items()
        if abs(len(words) - len(bare)) <= 1 and _is_one_edit(words, bare)
        for key in several
    ]
    return near if len(near) == 1 and ORDER[near[0]] > ORDER[seen[-1]] else []


def _is_one_edit(one: str, other: str) -> bool:
    """Does one character more, less or another make the one text of the other?"""
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if at is None:
        return abs(len(one) - len(other)) == 1
    return one[at + 1 :] == other[at + 1 :] or one[at + 1 :] == other[at:] or one[at:] == other[at + 1 :]


# --- into the sheet -------------------------------------------------------------------------------


def _put(entries: Sequence[Entry], found: Sequence[str | None], sheet: Sheet) -> None:
    known = [(entry, key) for entry, key in zip(entries, found, strict=True) if key]
    with_unit = sum(bool(entry.unit) for entry, _ in known)
    reached = -1
    seen: set[str] = set()
    for entry, key in known:
        if not entry.values:
            continue
        if key in seen and ORDER[key] <= reached:
            sheet.begin("stats2014")
            seen = set()
        seen.add(key)
        in_order = ORDER[key] > reached
        reached = ORDER[key]
        at = None if entry.doubtful else _place(entry)
        unit = entry.unit or _split_unit(entry.label)[1]
        expected = PRINTED[key].unit
        money = (unit in MONEY) != (expected in MONEY) or (unit in MONEY and unit != expected)
        if at is None or (unit and money) or (not unit and with_unit and not in_order):
            printed = " ".join(filter(None, (cell.text.strip() for cell in entry.values)))
            odd = f"{printed}{unit}" if unit and money else printed
            sheet.doubt(key, [key], odd)
            continue
        sheet.put(key, [key], [entry.values[at]])


def _extras(entries: Sequence[Entry]) -> Iterator[Extra]:
    """The rows as they are printed; the figures of further columns as rows of their own."""
    for entry in entries:
        label, unit = entry.label, entry.unit
        if not unit:
            label, unit = _split_unit(label)
        label = ENUMERATORS.split(label)[-1].strip(":：")
        if not label or not entry.values or re.fullmatch(r"[甲乙丙丁]", label):
            continue
        at = _place(entry)
        for place, cell in enumerate(entry.values):
            kind = entry.columns[place] if entry.columns else ""
            text = cell.text.strip()
            if kind in {"code", "note"} or (not unit and not text):
                continue
            name = entry.names[place] if entry.names else f"第{place + 1}列"
            own = place == at or len(entry.values) == 1
            yield Extra(label if own else f"{label}（{name}）", unit, text)
