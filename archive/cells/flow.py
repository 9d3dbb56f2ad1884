"""Which cells of the forms does running text hold? Lines (text, PDF, a paragraph a cell) -> sheet.

Text is read as labels followed by numbers, and a row is taken only when it has exactly as many
numbers as the form has columns, or when the table's own ruling tells its empty cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from archive.cells.gluing import split_disputes, split_requests, split_zeros
from archive.cells.labels import (
    DISCLOSURE_COLUMNS,
    DISCLOSURE_ROWS,
    DISPUTE_KEYS,
    REQUEST_ORDER,
    WEAK_ROWS,
    applicants_in_turn,
    disclosure_row,
    other_unit,
    request_keys,
    request_label,
    request_rows,
    results_in_turn,
    torn_heading,
    without_subtotals,
)
from archive.cells.rulings import FEWEST_ROWS, Ruling, learn_ruling
from archive.cells.runs import Run, mark_enumerators, read_runs
from archive.cells.sheet import Sheet
from archive.cells.values import (
    count_of,
    count_sums,
    in_unit,
    is_glued,
    is_proven,
    is_run_together,
)
from archive.chapters import LAST_CHAPTER
from archive.form import COLUMNS
from archive.model import Cell
from archive.spelling import compact

# The first row of the second table.
TABLE_TWO = re.compile(r"本年度?新收")
NEXT_HEADING = re.compile("第二十条|信息内容")
FIRST_ROW = "received_new"
# What follows the words a column is known by.
COLUMN_PART = re.compile(r"制作|公开|制发|废止|有效|项目|决定|采购|金额")
COLUMN_REST = re.compile(r"^(?:件数?|数量?|总?数量?|/?减|量|\([^()]*\))+")
# Two rows of the first table in one label.
ROW_NAME = "|".join(words.pattern.removesuffix("$") for words in DISCLOSURE_ROWS.values())
TWO_ROWS = re.compile(f"({ROW_NAME})({ROW_NAME})")
# What a label may still say after the words its row is known by: its own and its groups' words.
GROUP_WORDS = "一二三四五六七、§本年度办理结果无法提供不予处理其他公开"
REQUEST_WORDS: Mapping[str, frozenset[str]] = {
    row: frozenset(GROUP_WORDS + request_label(row)) for row in REQUEST_ORDER
}
# The next row's label, broken off by figures in the middle of its height.
BROKEN_OFF = re.compile(r"\([一二三四五六七]?$|[一二三四]、?$")
# Prose names a few rows in turn, a table more of them.
MOST_ROWS_OF_PROSE = 9
# The last heading above the third table's results, the results, and how far their figures reach.
LAST_BLOCK = re.compile(r"复\s*议\s*后\s*起\s*诉")
RESULT = re.compile(r"维持|纠正|其[他它]|尚未|[总合]计")
RESULT_WORDS = re.compile(r"[\W结果维持纠正其他它尚未审合总计]*")
DISPUTES_LENGTH = 2000
HEADINGS_LENGTH = 60
LONGEST_NOTE = 200


def read_flow(text: str, sheet: Sheet, *, in_order: bool = True) -> None:
    """The tables out of running text, each only where no grid gave it.

    Text that is not certainly `in_order` (a PDF's) does not tell that a row is empty.
    """
    if all(map(sheet.has, ("disclosure", "requests", "disputes"))):
        return
    source = mark_enumerators(text)
    runs = list(read_runs(source))
    # What stands after the last chapter's title is no chapter's table.
    annex = max((match.start() for match in LAST_CHAPTER.finditer(source)), default=len(source))
    ruling = None
    if not sheet.has("disclosure"):
        _read_disclosure(runs, annex, sheet, in_order)
    if not sheet.has("requests"):
        ruling = _read_requests(runs, annex, sheet, in_order)
    if not sheet.has("disputes"):
        _read_disputes(source, ruling, annex, sheet)
    sheet.in_annex = False


def _read_disclosure(runs: Sequence[Run], annex: int, sheet: Sheet, in_order: bool) -> None:
    tables = _disclosure_tables(runs)
    # Where cells are blank, a line of its own may be a page's number.
    uneven = any(
        disclosure_row(label)
        and not (disclosure_row(label, whole=True) and len(run.values) == len(heading))
        for heading, _, rows in tables
        for label, run in rows
        if run.values
    )
    for heading, units, rows in tables:
        for place, (label, run) in enumerate(rows):
            sheet.in_annex = run.start > annex
            if place == 0 and heading[0] in {"made", "issued"}:
                sheet.begin("disclosure")
            row = disclosure_row(label, whole=True)
            if row is None:
                continue
            keys = [f"disclosure.{row}.{column}" for column in heading]
            if not run.values:
                if in_order:
                    sheet.put(row, keys, [Cell("")] * len(keys))
                continue
            doubtful = uneven and len(heading) > 1 and "\n" in run.gap.strip()
            whole = len(run.values) == len(heading) and not any(map(is_glued, run.values))
            if piped := run.piped(len(keys)):
                sheet.put(row, keys, list(map(in_unit, map(Cell, piped), units)))
            elif whole and not doubtful and run.is_even():
                sheet.put(row, keys, list(map(in_unit, map(Cell, run.values), units)))
            elif told := split_zeros(run.values, len(keys)):
                sheet.split(row, keys, told, " ".join(run.values))
            else:
                sheet.doubt(row, keys, " ".join(run.values))


def _disclosure_tables(
    runs: Sequence[Run],
) -> list[tuple[list[str], list[str], list[tuple[str, Run]]]]:
    """Each heading of the first table, the units its columns name in place of the form's, and the
    runs below it, their labels less the heading."""
    tables: list[tuple[list[str], list[str], list[tuple[str, Run]]]] = []
    inside = False
    for run in runs:
        heading, label, units = _disclosure_heading(run.label)
        if heading:
            # A row that nothing follows runs on into the next heading.
            before = NEXT_HEADING.split(run.label)[0]
            if tables and disclosure_row(before, whole=True):
                tables[-1][2].append((before, Run(before, (), start=run.start)))
            tables.append((heading, units, []))
            inside = True
        elif TABLE_TWO.search(label):
            inside = False
        if inside:
            if rows := TWO_ROWS.fullmatch(label):
                # Of the first nothing is printed but its name.
                tables[-1][2].append((rows[1], Run(rows[1], (), start=run.start)))
                label = rows[2]
            tables[-1][2].append((label, run))
    return tables


def _disclosure_heading(label: str) -> tuple[list[str], str, list[str]]:
    """The columns a label names after 信息内容, what of it names the row below them, and the units
    that columns name in place of the form's."""
    _, told, words = label.rpartition("信息内容")
    named = sorted(
        (match.start(), match.end(), column)
        for column, pattern in DISCLOSURE_COLUMNS.items()
        for match in [*pattern.finditer(words)][-1:]
    )
    torn, rest = torn_heading(words) if told else ((), "")
    if len(named) < len(torn) and (not rest or disclosure_row(rest, whole=True)):
        return list(torn), rest, [""] * len(torn)
    if not told or not named or words[: named[0][0]] not in {"", "本年", "本年度"}:
        return [], label, []
    between = (words[end:start] for (_, end, _), (start, *_) in pairwise(named))
    if any(map(COLUMN_PART.search, between)):
        # Names of two lines, each line across all columns: one that is torn would be passed over.
        return [], label, []
    rest = words[max(end for _, end, _ in named) :]
    columns = [column for *_, column in named]
    parts = pairwise([*(start for start, *_ in named), len(words)])
    units = [
        other_unit(column, compact(words[start:end]))
        for column, (start, end) in zip(columns, parts, strict=True)
    ]
    return columns, COLUMN_REST.sub("", rest), units


def _read_requests(runs: Sequence[Run], annex: int, sheet: Sheet, in_order: bool) -> Ruling | None:
    """The second table in all its printings; gives the ruling of the first that has one."""
    ruling = None
    # A row of seven by itself, which the table's own first row may contradict.
    first: tuple[str, ...] | None = None
    starts = [n for n, run in enumerate(runs) if TABLE_TWO.search(run.label)]
    for start, stop in pairwise([*starts, len(runs)]):
        named = {row for run in runs[start:stop] for *_, row in request_rows(run.label)}
        rows = _request_rows(runs[start:stop])
        whole = {row: run.values for row, run in rows.items() if _is_whole(run.values)}
        glued = sum(any(map(is_run_together, run.values)) for run in rows.values())
        sheet.in_annex = runs[start].start > annex
        if len(named) > MOST_ROWS_OF_PROSE:
            sheet.begin("requests")
        elif len(whole) + glued < FEWEST_ROWS:
            first = whole.get(FIRST_ROW, first)
            continue
        learned = learn_ruling([rows[row] for row in whole])
        ruling = ruling or learned
        piped = {row: run.piped(len(COLUMNS)) for row, run in rows.items()}
        cells = {
            row: ruled
            for row, run in rows.items()
            if (ruled := whole.get(row) or piped[row] or (learned and learned.row(run)))
        }
        right, wrong = count_sums(cells.values())
        in_turn = applicants_in_turn(compact(TABLE_TWO.split(runs[start].label)[0]))
        told = split_requests(
            {row: list(map(count_of, texts)) for row, texts in cells.items()},
            {row: run.values for row, run in rows.items() if run.values and row not in cells},
        )
        # Where one row is no row of seven, another may be seven of other cells: its sum must hold.
        strict = any(
            run.values
            for row, run in rows.items()
            if row not in whole and row not in told and not piped[row]
        )
        for row, run in rows.items():
            doubtful = (
                row in whole
                and not piped[row]
                and (strict or not run.is_even())
                and not is_proven(run.values)
            )
            if row == FIRST_ROW and first and first != run.values:
                sheet.doubt(row, request_keys(row), " ".join((*first, "/", *run.values)))
            elif in_turn and row in told:
                sheet.split(row, request_keys(row), told[row], " ".join(run.values))
            elif in_turn and right >= wrong and row in cells and not doubtful:
                sheet.put(row, request_keys(row), list(map(Cell, cells[row])))
            elif run.values:
                sheet.doubt(row, request_keys(row), " ".join(run.values))
        if in_order and len(cells) + len(told) >= FEWEST_ROWS:
            astray = " / ".join(_astray(runs[start:stop], rows))
            for row in _empty_rows(runs[start:stop], rows):
                if astray:
                    sheet.doubt(row, request_keys(row), astray[:LONGEST_NOTE])
                else:
                    sheet.put(row, request_keys(row), [Cell("")] * len(COLUMNS))
    return ruling


def _astray(runs: Sequence[Run], rows: Mapping[str, Run]) -> Iterator[str]:
    """The figures of whole rows whose label stands around them: they may be any empty row's."""
    last = max((run.start for run in rows.values()), default=0)
    for run in runs:
        *_, row = max(request_rows(run.label), default=("",))
        # A heading repeated on the next page may bring its rows again.
        if (
            run.start < last
            and row not in rows
            and _is_whole(run.values)
            and any(map(count_of, run.values))
        ):
            yield " ".join(run.values)


def _empty_rows(runs: Sequence[Run], rows: Mapping[str, Run]) -> Iterator[str]:
    """The rows that a table's labels name and no figure follows, up to its last row."""
    for run in runs:
        label, _, last = run.label.partition("结转下")
        named = [row for *_, row in sorted(request_rows(label + ("结转下" if last else "")))]
        yield from (row for row in named if row not in rows and row not in WEAK_ROWS)
        if last:
            return


def _request_rows(runs: Sequence[Run]) -> dict[str, Run]:
    """Rows in the form's order; what jumps back is prose or a copy repeated on the next page."""
    named = []
    for run in runs:
        end, _, row = max(request_rows(run.label), default=(0, 0, ""))
        rest = run.label[end:]
        # A new item or a sentence may not end the row's label.
        if row and set(rest) <= REQUEST_WORDS[row] and not BROKEN_OFF.search(rest):
            named.append((row, run))
            if row == "carried_out":
                break
    rows: dict[str, Run] = {}
    reached = -1
    for row, run in without_subtotals(named, WEAK_ROWS):
        if REQUEST_ORDER[row] > reached:
            reached = REQUEST_ORDER[row]
            rows[row] = run
    return rows


def _is_whole(values: Sequence[str]) -> bool:
    return len(values) == len(COLUMNS) and not any(map(is_glued, values))


def _read_disputes(source: str, ruling: Ruling | None, annex: int, sheet: Sheet) -> None:
    """The 15 numbers after the headings 结果维持 … 总计, when there are exactly 15 of them."""
    for heading in LAST_BLOCK.finditer(source):
        region = source[heading.end() : heading.end() + DISPUTES_LENGTH]
        # A lost second heading line leaves only its words (结果, 其他, 尚未).
        if not re.match(r"\W*(?:结\s*果|维\s*持)", region):
            continue
        sheet.in_annex = heading.start() > annex
        run = next((run for run in read_runs(region) if run.values), Run("", ()))
        cells: Sequence[str] | None = run.values
        if len(run.values) != len(DISPUTE_KEYS) or any(map(is_glued, run.values)):
            ruled = ruling.disputes(run) if ruling else None
            cells = run.piped(len(DISPUTE_KEYS), below=True) or ruled
        above = compact(source[max(heading.start() - HEADINGS_LENGTH, 0) : heading.end()])
        told = (
            RESULT_WORDS.fullmatch(run.label)
            and results_in_turn(RESULT.findall(run.label))
            # By height 行政复议, of two rows, stands between 行政诉讼 and what is below that.
            and "行政复议" not in above.rpartition("直接起诉")[2]
        )
        if told and cells and (run.is_even(below=True) or cells is not run.values):
            sheet.put("disputes", DISPUTE_KEYS, list(map(Cell, cells)))
        elif told and (numbers := split_disputes(run.values)):
            sheet.split("disputes", DISPUTE_KEYS, numbers, " ".join(run.values))
        else:
            sheet.doubt("disputes", DISPUTE_KEYS, " ".join(run.values))
