"""Which figures does a document print of the statistics of 2014, and which of local ones?

That form is a list: an indicator, its unit, one figure. Local copies of it add rows and columns,
and tables before 2014 have indicators of their own. An indicator is known by its words; its
figure is taken only where one cell of the row can be meant.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from archive.cells.labels import GROUP, LEAF
from archive.cells.runs import Run, mark_enumerators, printed_texts, read_runs, running_lines
from archive.cells.sheet import Sheet
from archive.cells.values import UNITS, is_figure, is_glued, is_unit, is_value
from archive.form import PRINTED, keys
from archive.grid import placed_cells, table_to_grid
from archive.model import Cell, Document, Extra, Table
from archive.spelling import compact

MEASURES = rf"(?:{UNITS}|场|起|家|处|名|天|页|万字|%)"
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
    r"\((?:不同|不包括|不含)[^()\d]{0,40}(?:[计算为]{1,2}\d[条次件])?[^()\d]{0,40}\)"
)
AMID = re.compile(rf"[\s|]*+(?:{UNITS}[\s|]*+)?[\d,.]+[\s|]*")
BRACKETED_UNIT = re.compile(rf"(?:\((?:计量)?(?:单位[::]?)?({MEASURES})\)|/({MEASURES}))$")
TRAILING_UNIT = re.compile(rf"({MEASURES})$")
UNIT_AND_VALUE = re.compile(rf"({UNITS})[::]?([\d,.]+)")
COUNTED = re.compile(r"(?:总|条|件|次|人|个|篇|总次|总条|总件)?数(?:量|目)?$")
HEADING = re.compile(r"指\s*标(?:\s*名\s*称|\s*项\s*目)?[\s|]*+(?:计\s*量[\s|]*+)?单\s*位")

# 「2011 年度」 is one word.
HEADING_WORD = re.compile(r"\d{4}\s*年\s*度?[^\s|]*|[^\s|]+")

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
# Below this a label is too short to be known by a part of it.
SHORTEST = 4
BLOCKS = ("review", "litigation")
# How far beyond the last words of the form its last figures and local rows may stand.
REACH = 1200
MOST_BLANK = 0.5
# In a column that counts the rows so many numbers are one more than those above them.
COUNTING = 0.6
# So many rows that differ are another printing of the table, not a stray row.
MOST_ASTRAY = 2
# A number of so many digits is no page's.
LONGEST_COUNT = 4
# The form has 65 lines; local ones double them, and pages put every cell on a line of its own.
MOST_ROWS = 600
LONGEST_TABLE = 40_000


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
    key: match[1] for key in FORM if (match := re.match(r"(\d)\.", compact(PRINTED[key].zh)))
}
# Phrases that only this form prints; several of them name it where no figure can be read.
SIGNATURE = (
    "主动公开政府信息数", "收到申请数", "申请办结数", "申请答复数", "政府网站公开政府信息数",
    "政务微博公开政府信息数", "制发规范性文件总数", "按时办结数", "参加或举办新闻发布会总次数",
    "政策解读稿件发布数", "举报投诉数量", "行政复议数量", "被依法纠错数", "属于已主动公开范围数",
)  # fmt: skip
# Without one of these nothing here is read: most documents are of other forms.
HINTS = ("指标", "单位", "申请数", "信息数", "答复数", "办结数")


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
    text = "".join("".join(texts).split())
    if SIGNATURE[0] in text and SIGNATURE[1] in text:
        return True
    return sum(phrase in text for phrase in SIGNATURE) >= FEWEST_OWN


def read_statistics(document: Document, sheet: Sheet) -> tuple[Extra, ...]:
    """The document's statistics: cells of the form of 2014 into the sheet; gives what else the
    statistics tables print, as rows of their own.

    Grids first, running text where no grid gave the table. A table with none of the form's own
    rows (before 2014) is a local one as a whole.
    """
    words = "".join("".join(printed_texts(document)).split())
    if sum(hint in words for hint in HINTS) < 2:
        return ()
    tables = [_grid_entries(block) for block in document.blocks if isinstance(block, Table)]
    entries = [entry for table in _carried(tables) for entry in table]
    found = _keys(entries)
    headed = "指标" in words and "单位" in words
    written = headed or sum(phrase in words for phrase in SIGNATURE) > 1
    if written and not _is_form(found, entries) and not _is_local(entries):
        text = document.text or "\n".join(running_lines(document))
        entries = list(_text_entries(text))
        found = _keys(entries)
    if _is_form(found, entries):
        _put(entries, found, sheet)
        places = [place for place, key in enumerate(found) if key]
        rest = [
            entry
            for place, (entry, key) in enumerate(zip(entries, found, strict=True))
            if key is None
            and (entry.unit or places[0] < place < places[-1])
            and _words(entry.label) not in INDICATORS
        ]
        return tuple(_extras(rest))
    return tuple(_extras([e for e in entries if e.unit])) if _is_local(entries) else ()


def _is_form(found: Sequence[str | None], entries: Sequence[Entry]) -> bool:
    printed = {
        key
        for key, entry in zip(found, entries, strict=True)
        if key and (entry.unit or entry.values)
    }
    both = {"stats2014.proactive.published_total", "stats2014.requests.received"}
    return both <= printed or len(printed - OLDER) >= FEWEST_OWN


def _is_local(entries: Sequence[Entry]) -> bool:
    rows = [entry for entry in entries if entry.unit and entry.values]
    telling = sum(bool(re.search(r"公开|申请|复议|诉讼|答复", entry.label)) for entry in rows)
    return len(rows) >= FEWEST_LOCAL and telling >= FEWEST_LOCAL


# --- which column is the figure's -----------------------------------------------------------------

YEAR = r"\d{4}年?度?|本年度?|当年度?|年度|全年|本期"
KINDS = (
    ("code", r"代码|序号|编号|行次|^丙$"),
    ("note", r"备注|说明|填报|^注"),
    ("cumulative", r"累计"),
    ("earlier", r"上年|去年|上一年|前年|同期|同比|增减|增长|比上|占比"),
    ("total", r"合计|总计|总数"),
    # 「区直单位统计数」 is a part's.
    ("own", rf"^(?:{YEAR})?(?:实际|统计|填报)?(?:指标|数)?(?:量|据|值)?$"),
)  # fmt: skip
COLUMN_WORD = re.compile(
    r"(?:\d{4}年|本年|上年|当年|去年|年)度?(?:数量|统计数|数)?|(?:历年|本年)?累计数?|本期实际|统计数"
    r"|数量|合计|总计|备注"
)
NEXT_HALF = re.compile(r"^(?:统计)?(?:指标|项目)(?:名称)?$|^(?:计量)?单位$")
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
    if len(rows) > MOST_ROWS or all(len(row) <= 1 for row in rows):
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
        # The right half of the page may have no row beside the left one's last.
        half = next(
            (n for n, name in enumerate(names) if NEXT_HALF.search("".join(name[:1]))), None
        )
        names, values = names[:half], values[:half]
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
        if labels and not unit and text and not re.search(r"[\w/]", text) and not is_value(text):
            # 「----」 in place of a heading's unit.
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
            Entry(label, "", (replace(cell, text=text),))
            for label, text in zip(labels, figures, strict=True)
        ]
    return [Entry(label, "", entry.values, doubtful=True) for label in labels]


def _by_content(entries: list[Entry]) -> list[Entry]:
    """The rows less the columns that never hold a figure, or only count the rows."""
    held: dict[int, list[list[str]]] = defaultdict(list)
    widths = Counter(len(entry.values) for entry in entries if _printed(entry))
    usual = widths.most_common(1)[0][0] if widths else 1
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
        if len(entry.values) < usual and kept.get(usual) != [0]:
            # Which of the columns is the one left out?
            entry = replace(entry, doubtful=True)
        places = kept.get(len(entry.values))
        # A heading that tells columns apart is better than what happens to be in them.
        if places and len(set(entry.names)) < 2:
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
    start = min(places)[0]
    return start, min(max(end for _, end in places) + REACH, start + LONGEST_TABLE, len(text))


def _text_entries(text: str) -> Iterator[Entry]:
    """The rows of running text: a label that ends with its unit, and the figures after it."""
    source = _without_remarks(mark_enumerators(text))
    region = _region(source)
    if region is None:
        return
    source = source[region[0] : region[1]]
    names, end = _heading_names(source)
    source = source[end:]
    runs = _without_row_numbers([run for run in read_runs(source) if run.label])
    widths = Counter(len(run.values) for run in runs if run.values)
    usual_width = widths.most_common(1)[0][0] if widths else 1
    lines = Counter(_lead(run).count("\n") for run in runs if run.values)
    usual = lines.most_common(1)[0][0] if lines else 0
    entries: list[Entry] = []
    for run, after in zip(runs, [*runs[1:], None], strict=False):
        *above, label = _segments(run.label)
        entries += map(_without_figure, above)
        values = run.values
        if not values:
            entries.append(Entry(label))
            continue
        tail = run.gap.rpartition(values[-1])[2]
        # 「件」⏎「3」 may be an empty cell and a page's number; a page has no 0.50 and no two.
        astray = len(values) == 1 and values[0].isdigit() and len(values[0]) < LONGEST_COUNT
        doubtful = (astray and _lead(run).count("\n") != usual) or any(map(is_glued, values))
        doubtful = doubtful or len(values) < usual_width
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
    known = [e for e in entries if e.values and _words(e.label) in INDICATORS]
    if sum(not e.values[0].text for e in known) > len(known) * MOST_BLANK:
        # A column of labels and then one of figures: nothing is blank there.
        entries = [replace(e, values=()) if e.values == (Cell(""),) else e for e in entries]
    yield from entries


def _without_row_numbers(runs: list[Run]) -> list[Run]:
    """The runs less a column that counts the rows: the number of the next row, or a code."""
    for place in (-1, 0):
        numbers = [_count(run, place) for run in runs]
        steps = [after - number == 1 for number, after in pairwise(numbers)]
        if sum(steps) < max(FEWEST_OWN, len(runs) * COUNTING):
            continue
        counts = [a or b for a, b in zip([False, *steps], [*steps, False], strict=True)]
        runs = [
            replace(run, values=run.values[:-1] if place else run.values[1:]) if counted else run
            for run, counted in zip(runs, counts, strict=True)
        ]
    return runs


def _count(run: Run, place: int) -> int:
    value = run.values[place] if run.values else ""
    return int(value) if value.isdigit() and len(value) < LONGEST_COUNT else -2


def _lead(run: Run) -> str:
    """What parts a label from its first figure."""
    return run.gap.partition(run.values[0])[0]


def _without_figure(part: str) -> Entry:
    """A row that another follows with no figure between: blank, or a mark for none."""
    match = re.fullmatch(rf"(.+?)({UNITS})([-—/\\]{{1,2}}|无)?", part)
    if match and _words(match[1]) in INDICATORS:
        return Entry(match[1], match[2], (Cell(match[3] or ""),))
    return Entry(part)


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
                    if told and re.search(rf"(?:{MEASURES}|数量?|情况|位)[-—/\\]*$", head):
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


def _heading_names(source: str) -> tuple[tuple[str, ...], int]:
    """The words after 指标 and 单位 in the table's heading, its columns of figures, and where they
    end."""
    match = HEADING.search(source)
    if not match:
        return (), 0
    end = match.end()
    rest = re.split(rf"[{LEAF}{GROUP}]|[一二三四五六七八九]、|其\s*中", source[end : end + 80])[0]
    words = list(HEADING_WORD.finditer(rest))
    names: list[str] = []
    for word, after in zip(words, [*words[1:], None], strict=False):
        name = compact(word[0])
        if (after and is_unit(after[0])) or _words(_split_unit(name)[0]) in INDICATORS:
            return _rejoined(names), end + word.start()
        if not re.fullmatch(r"[甲乙丙丁\d]", name):
            names.append(name)
    return _rejoined(names), end + len(rest)


def _rejoined(names: Sequence[str]) -> tuple[str, ...]:
    """The words of a heading, where lines cut them in two (「本年」⏎「度」) whole again."""
    whole = "".join(names)
    words = COLUMN_WORD.findall(whole)
    return tuple(words) if "".join(words) == whole else tuple(names)


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
    block = rest = ""
    seen: list[str] = []
    for place, entry in enumerate(entries):
        label = entry.label if entry.unit else _split_unit(entry.label)[0]
        words = _words(label)
        if rest and words not in INDICATORS:
            words = words.removeprefix(rest)
        rest = ""
        keys_ = INDICATORS.get(words, [])
        if not keys_ and (entry.unit or _printed(entry)) and entry.label:
            if whole := _cut(words, entries, place):
                keys_, rest = INDICATORS[whole], whole.removeprefix(words)
            else:
                keys_ = _misprinted(words, seen)
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


def _cut(words: str, entries: Sequence[Entry], place: int) -> str:
    """The words of the indicator whose label is cut by its own figure: its end begins the next
    label, or its beginning stands alone above. Empty where it is none, or not one alone."""
    if len(words) < SHORTEST:
        return ""
    above = entries[place - 1] if place else Entry("")
    below = _words(entries[place + 1].label) if place + 1 < len(entries) else ""
    before = "" if above.unit or _printed(above) else _words(above.label)
    found = [
        bare
        for bare, several in INDICATORS.items()
        if len(several) == 1
        and (
            (bare.startswith(words) and below.startswith(bare[len(words) :]))
            or (before and bare == before + words)
        )
    ]
    return found[0] if len(found) == 1 else ""


def _misprinted(bare: str, seen: Sequence[str]) -> list[str]:
    """The one indicator a single character away that may stand here in the form's order."""
    if len(bare) < SHORTEST or not seen:
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
    return (
        one[at + 1 :] == other[at + 1 :]
        or one[at + 1 :] == other[at:]
        or one[at:] == other[at + 1 :]
    )


# --- into the sheet -------------------------------------------------------------------------------


def _put(entries: Sequence[Entry], found: Sequence[str | None], sheet: Sheet) -> None:
    """The figures into the sheet. A page may print the table twice, for a government and for its
    office: where the two say different things no number is taken."""
    said: dict[str, list[tuple[Cell | None, str]]] = {}
    reached = -1
    with_unit = any(entry.unit for entry, key in zip(entries, found, strict=True) if key)
    for entry, key in zip(entries, found, strict=True):
        if not key:
            for either in _either(entry):
                said.setdefault(either, []).append((None, _printed(entry)))
        elif entry.values:
            out_of_place = with_unit and not entry.unit and ORDER[key] <= reached
            reached = ORDER[key]
            said.setdefault(key, []).append(_figure(entry, key, out_of_place))
    differing = {key for key, figures in said.items() if len({text for _, text in figures}) > 1}
    printings = max(map(len, said.values()), default=1) if len(differing) > MOST_ASTRAY else 1
    for key, figures in said.items():
        cell = figures[0][0]
        if cell is None or key in differing or len(figures) < printings:
            sheet.doubt(key, [key], " / ".join(dict.fromkeys(printed for _, printed in figures)))
        else:
            sheet.put(key, [key], [cell])


def _either(entry: Entry) -> list[str]:
    """The rows a repeated label may be of, where its figure is printed and no block is told."""
    several = INDICATORS.get(_words(entry.label), [])
    return several if len(several) > 1 and _printed(entry) else []


def _figure(entry: Entry, key: str, out_of_place: bool) -> tuple[Cell | None, str]:
    """The cell of a row's figure, None where none is sure, and what is printed there."""
    at = None if entry.doubtful or out_of_place else _place(entry)
    unit = entry.unit or _split_unit(entry.label)[1]
    expected = PRINTED[key].unit
    if unit != expected and (unit in MONEY or (unit and expected in MONEY)):
        return None, f"{_printed(entry)}{unit}"
    if at is None:
        return None, _printed(entry)
    return entry.values[at], entry.values[at].text.strip()


def _printed(entry: Entry) -> str:
    return " ".join(filter(None, (cell.text.strip() for cell in entry.values)))


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


# --- where it stands in prose ---------------------------------------------------------------------

FEWEST_TOGETHER = 8
# Two rows of one table are no further apart, local rows and remarks between them counted.
FARTHEST = 400
OPENING = re.compile(
    r"(?:[一1]\s*[、.]\s*主动公开(?:政府信息)?(?:的)?情况[\s|]*)?(?:[(（]一[)）]\s*)?[\s|]*$"
)
CLOSING = re.compile(
    r"(?:\s*[(（][^()（）]*[)）])?[\s|]*(?:万\s*元|人\s*次|[元件条项个笔次份篇人])?[\s|]*(?:[\d０-９.,，]+|[-—/]+)?(?:[\s|]*\|)?"
)


@cache
def _labels() -> re.Pattern[str]:
    """Every label of the form, however lines cut it."""
    words = {
        re.sub(
            r"\(.*", "", ENUMERATORS.split(re.sub(r"\([^()]*\)", "", compact(PRINTED[key].zh)))[-1]
        )
        for key in FORM
    }
    longest = sorted(words, key=len, reverse=True)
    return re.compile("|".join(r"\s*".join(map(re.escape, word)) for word in longest))


def statistics_span(text: str) -> tuple[int, int] | None:
    """Where a text prints the table of 2014, from its heading to its last figure."""
    bare = "".join(text.split())
    if sum(phrase in bare for phrase in SIGNATURE) < FEWEST_OWN:
        return None
    best: list[re.Match[str]] = []
    rows: list[re.Match[str]] = []
    for match in _labels().finditer(text):
        if rows and match.start() - rows[-1].end() > FARTHEST:
            rows = []
        rows.append(match)
        best = max(best, rows, key=len)
    if len(best) < FEWEST_TOGETHER:
        return None
    start, end = best[0].start(), best[-1].end()
    headings = list(HEADING.finditer(text, max(start - FARTHEST, 0), start))
    opening = OPENING.search(text, max(start - FARTHEST, 0), start)
    if headings:
        start = headings[-1].start()
        start -= 2 * text[:start].endswith("统计")
    elif opening:
        start = opening.start()
    closing = CLOSING.match(text, end)
    return start, closing.end() if closing else end
