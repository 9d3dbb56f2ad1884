"""What did a report's tables hold that the reading did not take? Documents, Parsed -> Unused. Pure.

Row by row, the numbers printed are held against what the reading says of that row, its notes
included. What is left over, and labels and headings the forms do not know, are told: a column too
many, a second body's figures, a row some province added.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import chain, islice, pairwise

from archive.cells.flow import LAST_BLOCK, MOST_ROWS_OF_PROSE, REQUEST_WORDS, RESULT_WORDS
from archive.cells.indicators import prints_indicators
from archive.cells.labels import (
    APPLICANTS,
    DISCLOSURE_COLUMNS,
    DISPUTE_BLOCKS,
    DISPUTE_RESULTS,
    WEAK_ROWS,
    disclosure_row,
    is_torn_column,
    name_in,
    request_row,
    request_rows,
)
from archive.cells.runs import Run, mark_enumerators, read_runs, running_lines
from archive.cells.values import UNITS, is_figure, is_unit, is_value
from archive.chapters import NUMERALS, TITLES
from archive.grid import WIDEST, placed_cells
from archive.model import Cell, Document, Extra, Note, State, Table, Unused
from archive.parse import Parsed
from archive.spelling import compact

MOST_ENTRIES = 200
# No report comes near; of a table that does, the rest is not gone through.
MOST_ROWS, MOST_REGIONS, REGION, MOST_CHARACTERS = 2000, 20, 2000, 400_000
MOST_TEXT = 80
# So much of a label tells the place in running text, where a line may hold a whole table.
LABEL_END = 12
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
# A number run into the label before it; an enumerator or 第20条 does not end a label.
TRAILING = re.compile(r"\d[\d,.]*$")
# What stands above the figures of the forms besides the names of their columns.
HEADINGS = re.compile(
    r"申请人|法人|组织|行政诉讼|行政复议|单位|数量|金额|件数|信息内容|勾稽|[总合小]计|序号|第.{1,3}[条项]"
)
# 「甲 乙 1 2 3」 numbers the columns, and is no row.
COLUMN_NAMES = re.compile(r"[甲乙丙丁]|栏次|序号|")
# Where the first two tables begin in running text, and the fewest rows that make the first one.
DISCLOSED = re.compile(r"信\s*息\s*内\s*容")
REQUESTED = re.compile(r"本\s*年\s*+度?\s*+新\s*收")
FEWEST_ROWS = 3
SHORT = 64
# 第20条 is no figure.
NUMBERED = re.compile(r"第$")
# A page's mark has none.
WORDS = re.compile(r"[A-Za-z\u4e00-\u9fff]")
# Forms with six chapters of fixed titles.
FORMS = frozenset({"2019", "2021", "mixed"})
# A chapter's title on a line of its own.
CHAPTER = re.compile(rf"([{NUMERALS}])\s*[、．.][^。；;]{{2,38}}")
PLACES = "零一二三四五六七八九十"

Row = Sequence[tuple[int, Cell]]


def audit(
    documents: Sequence[Document], parsed: Parsed, extras: Sequence[Extra] = ()
) -> tuple[Unused, ...]:
    """The numbers, row labels and headings of the statutory tables that are in no cell, note or
    extra row of the reading, and chapters the form does not know, each with its place.

    At most 200 entries; one more says how many are left out.
    """
    taken = _Taken(parsed, extras)
    found = chain(
        *(
            chain(_in_tables(document, where, taken), _in_text(document, where, taken))
            for document, where in zip(documents, _names(len(documents)), strict=True)
        ),
        _chapters(parsed),
    )
    entries = list(found)
    if len(entries) > MOST_ENTRIES:
        rest = len(entries) - MOST_ENTRIES
        entries[MOST_ENTRIES:] = [Unused("number", "全文", f"另有 {rest} 处未列出")]
    return tuple(entries)


def _names(count: int) -> list[str]:
    return ["", *(f"附件{n}" for n in range(1, count))]


class _Taken:
    """What the reading took, by row: the numbers of its cells, as printed where a note says so."""

    def __init__(self, parsed: Parsed, extras: Sequence[Extra]) -> None:
        self._extras = extras
        self._cells: dict[str, list[tuple[str | None, Note | None]]] = {}
        self._numbers: dict[str, Counter[Decimal]] = {}
        for key, value in parsed.cells.items():
            table, row, *_ = key.split(".")
            for name in (table, f"{table}.{row}"):
                self._cells.setdefault(name, []).append((value, parsed.notes.get(key)))

    def numbers(self, name: str) -> Counter[Decimal]:
        """The numbers that a row (requests.granted) or a table gave to the reading."""
        if name not in self._numbers:
            printed: list[str] = []
            rows: set[str] = set()
            for value, note in self._cells.get(name, ()):
                text = note.printed if note and note.printed else value or ""
                if note and note.state in {State.AMBIGUOUS, State.GLUED} and " / " not in text:
                    # The whole row as printed, noted with each of its cells.
                    rows.add(text)
                else:
                    printed.append(text)
            self._numbers[name] = Counter(n for text in (*printed, *rows) for n in numbers_in(text))
        return self._numbers[name]

    def statistics(self) -> Counter[Decimal]:
        """The numbers of the list of 2014, and of the rows kept beside it."""
        extras = Counter(n for extra in self._extras for n in numbers_in(extra.printed))
        return self.numbers("stats2014") + extras

    def left(self, row: str, texts: Iterable[str]) -> str:
        """The numbers among a row's printed texts that the reading did not take."""
        printed = Counter(number for text in texts for number in numbers_in(text))
        left = printed - self.numbers(row)
        return _short(" ".join(map(str, left.elements())))

    def is_extra(self, label: str) -> bool:
        """Was the row kept beside the form?"""
        bare = compact(label)
        return any(compact(extra.label) in (bare, bare.lstrip("¶§")) for extra in self._extras)


def numbers_in(text: str) -> tuple[Decimal, ...]:
    """Every number printed in a text, without its signs, commas and units."""
    return _short_numbers(text) if len(text) <= SHORT else _numbers(text)


def _numbers(text: str) -> tuple[Decimal, ...]:
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return tuple(Decimal(match[0].replace(",", "")) for match in NUMBER.finditer(plain))


# The same figures and labels stand in all reports.
_short_numbers = lru_cache(maxsize=8192)(_numbers)


# --- tables ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of a grid: where its figures begin, and which row of the forms its label names."""

    cells: Row
    at: int
    row: str | None

    @property
    def labels(self) -> list[str]:
        return [cell.text for _, cell in self.cells[: self.at]]

    @property
    def figures(self) -> list[str]:
        return [cell.text for _, cell in self.cells[self.at :]]

    @property
    def has_figures(self) -> bool:
        return any(NUMBER.search(text) and is_figure(text) for text in self.figures)


def _in_tables(document: Document, where: str, taken: _Taken) -> Iterator[Unused]:
    tables = [block for block in document.blocks if isinstance(block, Table)]
    room = MOST_ROWS
    goes_on = False
    for number, table in enumerate(tables, 1):
        rows = placed_cells(Table(table.rows[:room]))
        room -= len(rows)
        place = f"{where}表{_numeral(number)}"
        lines = list(map(_line, rows))
        kinds = _kinds(lines, goes_on)
        goes_on = "requests" in kinds or (goes_on and not kinds)
        if "stats2014" in kinds:
            yield from _indicators(lines, place, taken)
        elif kinds:
            yield from _rows(lines, kinds, place, taken)
            yield from _columns(lines, kinds, place)


def _numeral(number: int) -> str:
    tens, ones = divmod(number, 10)
    if number <= 10:
        return PLACES[number]
    if number > 99:
        return str(number)
    return (PLACES[tens] if tens > 1 else "") + "十" + (PLACES[ones] if ones else "")


def _line(cells: Row) -> _Line:
    """The row's innermost known label; without one, all before the first figure are labels."""
    known, row = -1, None
    for at, (_, cell) in enumerate(cells):
        label = compact(cell.text)
        if known >= 0 and is_figure(label):
            break
        if requested := request_row(label):
            known, row = at, f"requests.{requested}"
        elif disclosed := disclosure_row(label):
            known, row = at, f"disclosure.{disclosed}"
    if known >= 0:
        return _Line(cells, known + 1, row)
    figures = [at for at, (_, cell) in enumerate(cells) if is_figure(cell.text)]
    # 序号 may stand before a label.
    words = [at for at, (_, cell) in enumerate(cells) if not is_value(cell.text)]
    at = next((at for at in figures if not words or at > words[0]), len(cells))
    return _Line(cells, at, None)


def _kinds(lines: Sequence[_Line], goes_on: bool) -> set[str]:
    """Of which statutory tables the grid holds rows."""
    texts = [compact("".join(cell.text for _, cell in line.cells)) for line in lines]
    if prints_indicators(texts):
        return {"stats2014"}
    kinds: set[str] = set()
    named = {line.row for line in lines if line.row and line.has_figures}
    requested = {row.partition(".")[2] for row in named if row.startswith("requests.")}
    if requested - WEAK_ROWS or (requested and goes_on):
        kinds.add("requests")
    if any("信息内容" in text for text in texts):
        kinds.add("disclosure")
    if any("维持" in text and ("纠正" in text or "尚未" in text) for text in texts):
        kinds.add("disputes")
    return kinds


def _rows(lines: Sequence[_Line], kinds: set[str], place: str, taken: _Taken) -> Iterator[Unused]:
    disputes = False
    cut: str | None = None
    for number, line in enumerate(lines, 1):
        here = f"{place}第{number}行"
        text = compact("".join(cell.text for _, cell in line.cells))
        disputes = disputes or ("disputes" in kinds and "维持" in text)
        row = line.row if line.row and line.row.partition(".")[0] in kinds else None
        # A row cut by a page's end: the rest of its label stands beside its figures.
        rest = any(map(WORDS.search, line.labels))
        row, cut = row or (cut if rest else None), None if line.has_figures else row
        glued = TRAILING.findall(compact(line.labels[-1])) if row and line.labels else []
        if row and (line.has_figures or glued):
            if left := taken.left(row, [*line.figures, *glued]):
                yield Unused("number", here, left)
        elif not line.has_figures or _numbers_columns(line):
            continue
        elif disputes:
            if left := taken.left("disputes", line.figures):
                yield Unused("number", here, left)
        else:
            yield from _unknown(line.labels, line.figures, here, taken)


def _unknown(
    labels: Sequence[str], figures: Sequence[str], place: str, taken: _Taken
) -> Iterator[Unused]:
    words = [text for text in labels if WORDS.search(text) and not is_unit(text)]
    label = words[-1] if words else ""
    if label and taken.is_extra(label):
        return
    if label:
        yield Unused("label", place, _short(label))
    printed = " ".join(map(str, chain.from_iterable(map(numbers_in, figures))))
    if printed:
        yield Unused("number", place, _short(printed))


def _numbers_columns(line: _Line) -> bool:
    """Is it the row that numbers the columns?"""
    numbers = [number for text in line.figures for number in numbers_in(text)]
    return (
        len(numbers) > 2
        and all(b - a == 1 for a, b in pairwise(numbers))
        and all(COLUMN_NAMES.fullmatch(compact(label)) for label in line.labels)
    )


def _columns(lines: Sequence[_Line], kinds: set[str], place: str) -> Iterator[Unused]:
    """Headings above figures of the forms that name no column of theirs."""
    patterns = {
        "disclosure": [DISCLOSURE_COLUMNS],
        "requests": [APPLICANTS],
        "disputes": [DISPUTE_BLOCKS, DISPUTE_RESULTS],
    }
    known = [words for kind in sorted(kinds) for words in patterns[kind]]
    waiting: list[tuple[int, int, Cell]] = []
    for number, line in enumerate(lines, 1):
        if not line.has_figures:
            waiting += [(number, x, cell) for x, cell in line.cells]
            continue
        if _numbers_columns(line):
            continue
        filled = {x for x, cell in line.cells[line.at :] if numbers_in(cell.text)}
        for row, x, cell in waiting:
            label = compact(cell.text)
            below = filled.intersection(range(x, x + min(cell.colspan, WIDEST)))
            # What spans the whole table is its title.
            whole = x == 0 and cell.colspan >= len(line.cells)
            if not below or whole or is_value(label) or not WORDS.search(label):
                continue
            is_known = HEADINGS.search(label) or any(name_in(words, label) for words in known)
            if not is_known and not ("disclosure" in kinds and is_torn_column(label)):
                yield Unused("heading", f"{place}第{row}行", _short(cell.text))
        waiting = []


def _indicators(lines: Sequence[_Line], place: str, taken: _Taken) -> Iterator[Unused]:
    """The list of 2014 and what local copies add to it: rows with figures, whatever their order."""
    rows = [(line, f"{place}第{number}行") for number, line in enumerate(lines, 1)]
    codes = _codes([line.cells for line in lines])
    pool = taken.statistics()
    for line, here in rows:
        if line.has_figures and not _numbers_columns(line):
            figures = [cell.text for x, cell in line.cells[line.at :] if x not in codes]
            yield from _drawn(pool, line.labels, figures, here)


def _drawn(
    pool: Counter[Decimal], labels: Sequence[str], figures: Sequence[str], place: str
) -> Iterator[Unused]:
    """What of a row's figures the pool has no more of; the rest is taken out of it."""
    printed = Counter(number for text in figures for number in numbers_in(text))
    left = printed - pool
    pool.subtract(printed - left)
    if left:
        words = " ".join(text for text in labels if not is_value(text))
        numbers = " ".join(map(str, left.elements()))
        yield Unused("number", place, _short(f"{words} {numbers}"))


def _codes(rows: Sequence[Row]) -> set[int]:
    """The columns that only count the rows."""
    columns: dict[int, list[Decimal]] = {}
    for row in rows:
        for x, cell in row:
            if is_figure(cell.text):
                columns.setdefault(x, []).extend(numbers_in(cell.text))
    return {
        x
        for x, numbers in columns.items()
        if len(numbers) > FEWEST_ROWS and all(b - a == 1 for a, b in pairwise(numbers))
    }


# --- running text ---------------------------------------------------------------------------------


def _in_text(document: Document, where: str, taken: _Taken) -> Iterator[Unused]:
    text = (document.text or "\n".join(running_lines(document)))[:MOST_CHARACTERS]
    place = f"{where}正文"
    for start, end in _stretches(text, DISCLOSED, REQUESTED):
        yield from _disclosed(_Text(text, start, end, place), taken)
    for start, end in _stretches(text, REQUESTED, REQUESTED):
        yield from _requested(_Text(text, start, end, place), taken)
    for heading in islice(LAST_BLOCK.finditer(text), MOST_REGIONS):
        end = min(heading.end() + REGION, len(text))
        yield from _disputed(_Text(text, heading.end(), end, place), taken)
    if prints_indicators([text]):
        yield from _listed(_Text(text, 0, len(text), place), taken)


def _stretches(
    text: str, first: re.Pattern[str], until: re.Pattern[str]
) -> Iterator[tuple[int, int]]:
    """From each place where a table begins to the next one, or to where the next table begins."""
    starts = [match.start() for match in islice(first.finditer(text), MOST_REGIONS)]
    if first is not until:
        # The first table repeats its heading in each of its parts.
        starts = starts[:1]
    ends = [match.start() for match in until.finditer(text)]
    for start in starts:
        yield start, next((end for end in ends if end > start), len(text))


@dataclass(frozen=True, slots=True)
class _Text:
    """A stretch of running text that may hold a table."""

    text: str
    start: int
    end: int
    place: str

    def runs(self) -> list[tuple[Run, str]]:
        """The labels with values, and the place of each: its line, and how its label ends."""
        source = mark_enumerators(self.text[self.start : self.end])
        line = self.text.count("\n", 0, self.start) + 1
        found = []
        counted = 0
        for run in read_runs(source):
            line += source.count("\n", counted, run.start)
            counted = run.start
            if run.values and not NUMBERED.search(run.label):
                words = compact(run.label).strip("¶§")[-LABEL_END:]
                found.append((run, f"{self.place}第{line}行「{words}」"))
        return found


def _disclosed(text: _Text, taken: _Taken) -> Iterator[Unused]:
    runs = text.runs()
    rows = [disclosure_row(run.label) for run, _ in runs]
    places = [place for place, row in enumerate(rows) if row]
    if len(places) < FEWEST_ROWS:
        return
    for at in range(places[0], places[-1] + 1):
        yield from _held(*runs[at], f"disclosure.{rows[at]}" if rows[at] else None, taken)


def _requested(text: _Text, taken: _Taken) -> Iterator[Unused]:
    rows: list[tuple[Run, str, str | None]] = []
    for run, place in text.runs():
        end, _, row = max(request_rows(run.label), default=(0, 0, ""))
        is_whole = bool(row) and set(run.label[end:]) <= REQUEST_WORDS[row]
        rows.append((run, place, row if is_whole else None))
        if rows[-1][2] == "carried_out":
            break
    if len({row for *_, row in rows if row}) <= MOST_ROWS_OF_PROSE:
        return
    while not rows[-1][2]:
        rows.pop()
    for run, place, key in rows:
        yield from _held(run, place, f"requests.{key}" if key else None, taken)


def _held(run: Run, place: str, row: str | None, taken: _Taken) -> Iterator[Unused]:
    if row is None:
        yield from _unknown([run.label], run.values, place, taken)
    elif left := taken.left(row, run.values):
        yield Unused("number", place, left)


def _disputed(text: _Text, taken: _Taken) -> Iterator[Unused]:
    for run, place in text.runs()[:1]:
        if RESULT_WORDS.fullmatch(run.label) and (left := taken.left("disputes", run.values)):
            yield Unused("number", place, left)


def _listed(text: _Text, taken: _Taken) -> Iterator[Unused]:
    """The list of 2014: labels that end with a unit, and their figures."""
    pool = taken.statistics()
    for run, place in text.runs():
        if re.search(rf"{UNITS}\)?$", compact(run.label)):
            yield from _drawn(pool, [run.label], run.values, place)


def _chapters(parsed: Parsed) -> Iterator[Unused]:
    """Chapters in the form's own numbering whose words are none of its titles."""
    numbers = {section.number for section in parsed.sections}
    if parsed.form not in FORMS or len(numbers & TITLES.keys()) < len(TITLES) - 2:
        return
    for section in parsed.sections:
        place = f"第{_numeral(section.number)}章"
        if section.number > len(TITLES):
            yield Unused("heading", place, _short(section.heading))
            continue
        headed = [
            (NUMERALS.index(match[1]) + 1, line)
            for line in map(str.strip, section.text.split("\n"))
            if (match := CHAPTER.fullmatch(line))
        ]
        following = section.number + 1
        # A list within a chapter begins at its own first item.
        if section.number and all(number > 1 for number, _ in headed):
            for number, line in headed:
                if number == following and number not in numbers:
                    yield Unused("heading", f"{place}之后", _short(line))
                    following += 1


def _short(text: str) -> str:
    bare = re.sub(r"\s+", " ", text).strip("¶§ ")
    return bare if len(bare) <= MOST_TEXT else bare[:MOST_TEXT] + "…"
