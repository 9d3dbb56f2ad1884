"""XLSX, XLS and Excel's XML of 2003 -> Document: sheets' names and tables, numbers as displayed.

XLSX is walked directly: openpyxl makes an object of every cell a merge covers, so one merge over
whole columns, which people do make, takes all memory. XLS is read by xlrd. Both read values that
were saved with the file; formulas are not calculated, and what is hidden is not read.
"""

from __future__ import annotations

import datetime
import io
import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import xlrd
import xlrd.biffh
import xlrd.compdoc

from archive.extract.container import Container, parse_xml
from archive.model import Block, Cell, Document, Paragraph, Picture, Table, UnreadableError

S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
SS = "{urn:schemas-microsoft-com:office:spreadsheet}"
X = "{urn:schemas-microsoft-com:office:excel}"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLS = "application/vnd.ms-excel"
EXCEL_XML = "application/vnd.ms-excel+xml"
MOST_CELLS = 200_000
MOST_SHEETS = 100
# Rows and columns beyond these hold no statutory table.
LAST_ROW, LAST_COLUMN = 20_000, 200
UNNAMED = re.compile(r"(?:sheet|工作表|table|表)\s*\d*(?:\s*\(\d+\))?", re.IGNORECASE)
# Number formats by their numbers, ISO 29500-1, 18.8.30; the rest are General or dates.
BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%",
    37: "#,##0", 38: "#,##0", 39: "#,##0.00", 40: "#,##0.00", 49: "@",
    14: "yyyy-m-d", 15: "yyyy-m-d", 16: "m-d", 17: "yyyy-m", 22: "yyyy-m-d",
    27: "yyyy-m", 28: "m-d", 29: "m-d", 30: "m-d", 31: "yyyy-m-d", 36: "yyyy-m",
    50: "yyyy-m", 51: "m-d", 52: "yyyy-m", 53: "m-d", 54: "m-d", 57: "yyyy-m", 58: "m-d",
}  # fmt: skip
NAMED_FORMATS = {"Fixed": "0.00", "Standard": "#,##0.00", "Percent": "0.00%", "General Number": ""}
# What a number format says beside its digits: colours, conditions, literal text, padding.
UNSAID = re.compile(r'\[[^\]]*\]|"[^"]*"|\\.|_.|\*.')
WORDS = re.compile(r'"([^"]*)"|\\(.)')
XLRD_ERRORS = (
    xlrd.biffh.XLRDError, xlrd.compdoc.CompDocError, AssertionError, ArithmeticError, struct.error,
    AttributeError, LookupError, TypeError, ValueError, OSError, EOFError,
)  # fmt: skip
# Chapters of a report. Groups of the 2014 statistics (五、行政诉讼数量) stay in their table: some
# indicators are told apart only by them.
CHAPTER = re.compile(
    r"[一二三四五六]\s*[、.．]\s*(?:总体情况|主动公开.*情况|收到和处理.*情况|.*复议.*诉讼.*情况"
    r"|.*问题.*情况|其[他它]需要报告.*)"
)
LONG = 30
# A chapter's title is no longer; the patterns of one would take minutes over a cell of a megabyte.
LONGEST_CHAPTER = 100
# In place of a formula that was saved without its value: no number, and not blank either.
UNCALCULATED = "公式未计算"

# First and last row, first and last column, all counted from 0 and included.
Span = tuple[int, int, int, int]


@dataclass(slots=True)
class _Sheet:
    """A sheet's texts by row and column, its merges, and the rows and columns not shown."""

    name: str
    texts: dict[tuple[int, int], str] = field(default_factory=dict)
    merges: list[Span] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    shows_zeros: bool = True
    pictures: list[Picture] = field(default_factory=list)

    def put(self, row: int, column: int, text: str) -> None:
        if row > LAST_ROW or column > LAST_COLUMN:
            return
        self.texts[row, column] = text
        if len(self.texts) > MOST_CELLS:
            raise UnreadableError(f"电子表格超过 {MOST_CELLS} 格，不像年度报告")


def read_xlsx(data: bytes, *, embedded: bool = False) -> Document:
    """The visible sheets; of a workbook embedded in a document only the one that shows there.

    Raises UnreadableError for a damaged, locked or bomb-like file.
    """
    container = Container(data, "XLSX ")
    main = next(
        (name for kind, name in container.relations("").values() if kind == "officeDocument"),
        "xl/workbook.xml",
    )
    workbook = container.xml(main)
    if workbook is None:
        raise UnreadableError("XLSX 损坏，里面没有工作簿")
    relations = container.relations(main)
    parts = dict(relations.values())
    strings = _shared_strings(container, parts.get("sharedStrings"))
    formats = _formats(container, parts.get("styles"))
    properties = workbook.find(f"{S}workbookPr")
    from_1904 = properties is not None and properties.get("date1904") in {"1", "true"}
    sheets = []
    entries = list(workbook.iter(f"{S}sheet"))[:MOST_SHEETS]
    if embedded:
        active = next(
            (_int(view.get("activeTab")) for view in workbook.iter(f"{S}workbookView")), 0
        )
        entries = entries[active : active + 1]
    for entry in entries:
        _, name = relations.get(entry.get(f"{R}id"), ("", ""))
        if entry.get("state", "visible") == "visible" and name in container:
            sheet = _Sheet(entry.get("name") or "")
            _fill(sheet, container.xml(name), strings, formats, from_1904)
            sheet.pictures = list(_pictures(container, name))
            sheets.append(sheet)
    return _document(sheets, XLSX)


def read_xls(data: bytes, *, embedded: bool = False) -> Document:
    """The visible sheets; of a workbook embedded in a document only the one that shows there.

    Raises UnreadableError for a damaged or locked file.
    """
    try:
        book = xlrd.open_workbook(
            file_contents=data,
            logfile=io.StringIO(),
            formatting_info=True,
            ignore_workbook_corruption=True,
        )
        sheets = [
            _old_sheet(book, sheet)
            for sheet in book.sheets()[:MOST_SHEETS]
            if sheet.visibility == 0 and (not embedded or getattr(sheet, "sheet_visible", True))
        ]
    except XLRD_ERRORS as error:
        locked = "encrypted" in str(error).lower()
        reason = "加了密码，打不开" if locked else "损坏，打不开"
        raise UnreadableError(f"旧版 Excel 文档（.xls）{reason}") from error
    return _document(sheets, XLS)


# --- XLSX -----------------------------------------------------------------------------------------


def _shared_strings(container: Container, name: str | None) -> list[str]:
    root = container.xml(name) if name else None
    return [] if root is None else [_string(item) for item in root.iterchildren(f"{S}si")]


def _string(item: Any) -> str:
    """A string's runs; phonetic guides left out, nothing of what is struck out."""
    texts = []
    for node in item.iter(f"{S}t"):
        run = node.getparent()
        if run.tag == f"{S}rPh":
            continue
        style = run.find(f"{S}rPr") if run.tag == f"{S}r" else None
        struck = None if style is None else style.find(f"{S}strike")
        if struck is None or struck.get("val", "1") in {"0", "false"}:
            texts.append(node.text or "")
    # Excel writes what XML cannot hold as _x000D_.
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda m: chr(int(m[1], 16)), "".join(texts))


def _formats(container: Container, name: str | None) -> list[str]:
    """The number format of each cell style, by the style's place."""
    root = container.xml(name) if name else None
    if root is None:
        return []
    own = {
        _int(element.get("numFmtId")): element.get("formatCode") or ""
        for element in root.iter(f"{S}numFmt")
    }
    styles = root.find(f"{S}cellXfs")
    numbers = [] if styles is None else [_int(xf.get("numFmtId")) for xf in styles]
    return [own.get(number, BUILT_IN.get(number, "")) for number in numbers]


def _fill(
    sheet: _Sheet, root: Any, strings: Sequence[str], formats: Sequence[str], from_1904: bool
) -> None:
    for column in root.iter(f"{S}col"):
        if column.get("hidden") in {"1", "true"} or column.get("width") == "0":
            first, last = _int(column.get("min")), _int(column.get("max"))
            sheet.hidden_columns |= set(range(first - 1, min(last, LAST_COLUMN + 1)))
    for view in root.iter(f"{S}sheetView"):
        sheet.shows_zeros = view.get("showZeros", "1") not in {"0", "false"}
    y = -1
    for row in root.iter(f"{S}row"):
        y = _int(row.get("r")) - 1 if row.get("r") else y + 1
        if row.get("hidden") in {"1", "true"}:
            sheet.hidden_rows.add(y)
        x = -1
        for cell in row.iterchildren(f"{S}c"):
            x = _column(cell.get("r") or "", x + 1)
            text = _cell_text(cell, strings, formats, from_1904)
            sheet.put(y, x, text if sheet.shows_zeros or not _is_zero(cell) else "")
    for merge in root.iter(f"{S}mergeCell"):
        begin, _, end = (merge.get("ref") or "").partition(":")
        end = end or begin
        top, left = _int(re.sub(r"\D", "", begin)) - 1, _column(begin, 0)
        bottom, right = _int(re.sub(r"\D", "", end)) - 1, _column(end, 0)
        sheet.merges.append((top, bottom, left, right))


def _cell_text(cell: Any, strings: Sequence[str], formats: Sequence[str], from_1904: bool) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        inline = cell.find(f"{S}is")
        return "" if inline is None else _string(inline)
    value = (cell.findtext(f"{S}v") or "").strip("\n")
    if kind == "s":
        place = _int(value)
        return strings[place] if value and place < len(strings) else ""
    if kind == "b":
        return {"1": "TRUE", "0": "FALSE"}.get(value, value)
    if not value and cell.find(f"{S}f") is not None:
        return UNCALCULATED
    style = _int(cell.get("s"))
    if kind == "n" and value:
        return displayed(value, formats[style] if style < len(formats) else "", from_1904)
    return value


def _is_zero(cell: Any) -> bool:
    value = cell.findtext(f"{S}v") or ""
    return cell.get("t", "n") == "n" and value != "" and not value.strip("0.")


def _pictures(container: Container, sheet: str) -> Iterator[Picture]:
    """The pictures laid over a sheet; some put a scan of the table there."""
    drawings = [name for kind, name in container.relations(sheet).values() if kind == "drawing"]
    for drawing in drawings:
        for kind, name in container.relations(drawing).values():
            if kind == "image" and (data := container.read(name)):
                yield Picture(name, data)


def _column(reference: str, otherwise: int) -> int:
    letters = re.match(r"\$?([A-Za-z]{1,3})\$?\d", reference)
    if letters is None:
        return otherwise
    number = 0
    for letter in letters[1].upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def _int(text: str | None) -> int:
    return int(text[:9]) if text and text.isascii() and text.isdecimal() else 0


# --- XLS ------------------------------------------------------------------------------------------


def _old_sheet(book: xlrd.Book, source: xlrd.sheet.Sheet) -> _Sheet:
    sheet = _Sheet(source.name)
    for y in range(min(source.nrows, LAST_ROW)):
        for x in range(min(source.row_len(y), LAST_COLUMN)):
            cell = source.cell(y, x)
            if cell.ctype == xlrd.XL_CELL_TEXT:
                text = str(cell.value)
            elif cell.ctype in {xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE}:
                style = book.xf_list[cell.xf_index or 0].format_key
                known = book.format_map.get(style)
                code = known.format_str if known and known.format_str else ""
                text = displayed(repr(cell.value), code, bool(book.datemode))
                if not cell.value and not getattr(source, "show_zero_values", True):
                    text = ""
            elif cell.ctype == xlrd.XL_CELL_BOOLEAN:
                text = "TRUE" if cell.value else "FALSE"
            elif cell.ctype == xlrd.XL_CELL_ERROR:
                text = xlrd.error_text_from_code.get(int(cell.value), "#N/A")
            else:
                text = ""
            sheet.put(y, x, text)
    # xlrd counts the ends of a merge as not included.
    sheet.merges = [
        (top, bottom - 1, left, right - 1) for top, bottom, left, right in source.merged_cells
    ]
    sheet.hidden_rows = {y for y, row in source.rowinfo_map.items() if row.hidden}
    sheet.hidden_columns = {x for x, column in source.colinfo_map.items() if column.hidden}
    return sheet


# --- Excel's XML of 2003 --------------------------------------------------------------------------


def read_excel_xml(data: bytes) -> Document:
    """The visible sheets of a workbook in one XML file, as reporting systems fill them."""
    root = parse_xml(data, "Excel XML 电子表格")
    formats = {
        style.get(f"{SS}ID"): NAMED_FORMATS.get(code, code)
        for style in root.iter(f"{SS}Style")
        for number in style.iterchildren(f"{SS}NumberFormat")
        if (code := number.get(f"{SS}Format") or "")
    }
    sheets = []
    for entry in list(root.iter(f"{SS}Worksheet"))[:MOST_SHEETS]:
        told = "".join(visible.text or "" for visible in entry.iter(f"{X}Visible"))
        if not told.startswith("SheetHidden") and not told.startswith("SheetVeryHidden"):
            sheet = _Sheet(entry.get(f"{SS}Name") or "")
            for table in entry.iterchildren(f"{SS}Table"):
                _fill_from_xml(sheet, table, formats)
            sheets.append(sheet)
    return _document(sheets, EXCEL_XML)


def _fill_from_xml(sheet: _Sheet, table: Any, formats: Mapping[str | None, str]) -> None:
    x = -1
    for column in table.iterchildren(f"{SS}Column"):
        x = _int(column.get(f"{SS}Index")) - 1 if column.get(f"{SS}Index") else x + 1
        span = min(_int(column.get(f"{SS}Span")), LAST_COLUMN)
        if column.get(f"{SS}Hidden") == "1":
            sheet.hidden_columns |= set(range(x, x + span + 1))
        x += span
    y = -1
    for row in table.iterchildren(f"{SS}Row"):
        y = _int(row.get(f"{SS}Index")) - 1 if row.get(f"{SS}Index") else y + 1
        if row.get(f"{SS}Hidden") == "1":
            sheet.hidden_rows.add(y)
        x = -1
        for cell in row.iterchildren(f"{SS}Cell"):
            x = _int(cell.get(f"{SS}Index")) - 1 if cell.get(f"{SS}Index") else x + 1
            data = cell.find(f"{SS}Data")
            text = "" if data is None else "".join(data.itertext())
            kind = "" if data is None else data.get(f"{SS}Type")
            if kind == "Number":
                text = displayed(text, formats.get(cell.get(f"{SS}StyleID"), ""))
            elif not text and cell.get(f"{SS}Formula"):
                text = UNCALCULATED
            sheet.put(y, x, text.partition("T")[0] if kind == "DateTime" else text)
            across, down = _int(cell.get(f"{SS}MergeAcross")), _int(cell.get(f"{SS}MergeDown"))
            if across or down:
                sheet.merges.append((y, y + down, x, x + across))
            # Cells that a merge covers to the right are not written.
            x += across
        # Rows that an empty row stands for.
        y += _int(row.get(f"{SS}Span"))


# --- all ------------------------------------------------------------------------------------------


def displayed(value: str, code: str, from_1904: bool = False) -> str:
    """A stored number as its number format shows it: decimals, thousands, percent, dates.

    What a format does beyond these (colours, words around the digits) is left out, and a format
    that would hide the value altogether (";;;") gives "".
    """
    try:
        number = Decimal(value)
    except ArithmeticError:
        return value
    if not number.is_finite() or abs(number.adjusted()) > 30:
        return value
    sections = code.split(";")
    if len(sections) > 1 and not any(section.strip() for section in sections):
        return ""
    shown = sections[0]
    if number < 0 and len(sections) > 1:
        shown = sections[1]
    elif number == 0 and len(sections) > 2:
        shown = sections[2]
    if code and len(sections) > 1 and not shown.strip():
        return ""
    if _is_only_words(shown):
        # A zero shown as a dash or a word is that dash or word.
        return "".join(quoted + escaped for quoted, escaped in WORDS.findall(shown)).strip()
    shown = UNSAID.sub("", shown)
    if re.search(r"[ymdhs年月日]", shown, re.IGNORECASE) and "general" not in shown.lower():
        return _date(number, shown, from_1904)
    return _number(number, shown)


def _is_only_words(section: str) -> bool:
    bare = UNSAID.sub("", section)
    return bool(re.search(r'"[^"]+"|\\[^ ]', section)) and not re.search(
        r"[0#?@ymdhsE]|general", bare, re.IGNORECASE
    )


def _number(number: Decimal, shown: str) -> str:
    digits = re.sub(r"[^0#?.,%]", "", shown)
    if not re.search(r"[0#?]", digits) or re.search(r"E[+-]|/", shown):
        return _plain(number)
    percent = "%" in digits
    whole, _, fraction = digits.replace("%", "").partition(".")
    scaled = number * 100 if percent else number
    # A comma at the end of the digits divides by a thousand: too odd to be shown otherwise.
    if whole.endswith(",") and not fraction:
        return _plain(number)
    most = len(re.findall(r"[0#?]", fraction))
    least = fraction.count("0")
    rounded = scaled.quantize(Decimal(1).scaleb(-most), ROUND_HALF_UP)
    text = f"{rounded:,f}" if "," in whole else f"{rounded:f}"
    if most > least and "." in text:
        kept = len(text) - (most - least)
        text = text[:kept] + text[kept:].rstrip("0")
        text = text.rstrip(".")
    return text + ("%" if percent else "")


def _plain(number: Decimal) -> str:
    """General: 11 significant digits as Excel shows them, no zeros at the end, no exponent."""
    rounded = Decimal(f"{number:.15g}")
    if rounded == rounded.to_integral_value():
        return f"{rounded.to_integral_value():f}"
    return f"{rounded:f}".rstrip("0")


def _date(number: Decimal, shown: str, from_1904: bool) -> str:
    # Day 1 is 1900-01-01, and Excel believes in 1900-02-29.
    start = datetime.datetime(1904, 1, 1) if from_1904 else datetime.datetime(1899, 12, 30)
    try:
        day = start + datetime.timedelta(days=float(number))
    except OverflowError:
        return _plain(number)
    lower = shown.lower()
    if "y" in lower and "d" in lower:
        return f"{day.year}年{day.month}月{day.day}日"
    if "y" in lower and "m" in lower:
        return f"{day.year}年{day.month}月"
    if "y" in lower:
        return f"{day.year}年" if "年" in lower else str(day.year)
    if "d" in lower and "m" in lower:
        return f"{day.month}月{day.day}日"
    return _plain(number)


def _document(sheets: Sequence[_Sheet], media_type: str) -> Document:
    blocks = tuple(block for sheet in sheets for block in _blocks(sheet))
    if not blocks:
        raise UnreadableError("电子表格里没有内容")
    prose = tuple(block.text for block in blocks if isinstance(block, Paragraph))
    return Document(media_type=media_type, blocks=blocks, prose=prose)


def _blocks(sheet: _Sheet) -> Iterator[Block]:
    """The sheet's name where it was given one, its titles as paragraphs, its tables."""
    rows = sorted({y for y, _ in sheet.texts if y not in sheet.hidden_rows})
    columns = sorted({x for _, x in sheet.texts if x not in sheet.hidden_columns})
    covered, starts = _spans(sheet, rows, columns)
    lines: list[list[tuple[int, Cell]]] = []
    for y in rows:
        line = []
        for at, x in enumerate(columns):
            if (y, x) not in covered:
                height, width, text = starts.get((y, x), (1, 1, sheet.texts.get((y, x), "")))
                line.append((at, Cell(_trimmed(text), rowspan=height, colspan=width)))
        lines.append(line)
    if not any(cell.text for line in lines for _, cell in line):
        yield from sheet.pictures
        return
    if sheet.name.strip() and not UNNAMED.fullmatch(sheet.name.strip()):
        yield Paragraph(sheet.name.strip())
    yield from _parted(_used(lines))
    yield from sheet.pictures


def _spans(
    sheet: _Sheet, rows: Sequence[int], columns: Sequence[int]
) -> tuple[set[tuple[int, int]], dict[tuple[int, int], tuple[int, int, str]]]:
    """The places that merges cover, and by the first visible place of each: its size and text."""
    covered: set[tuple[int, int]] = set()
    starts: dict[tuple[int, int], tuple[int, int, str]] = {}
    for top, bottom, left, right in sheet.merges:
        within_rows = _between(rows, top, bottom)
        within_columns = _between(columns, left, right)
        if not within_rows or not within_columns:
            continue
        if len(covered) + len(within_rows) * len(within_columns) > MOST_CELLS:
            raise UnreadableError(f"电子表格超过 {MOST_CELLS} 格，不像年度报告")
        first = within_rows[0], within_columns[0]
        text = sheet.texts.get((top, left), "")
        starts[first] = len(within_rows), len(within_columns), text
        covered |= {(y, x) for y in within_rows for x in within_columns} - {first}
    return covered, starts


def _between(places: Sequence[int], first: int, last: int) -> list[int]:
    return [place for place in places if first <= place <= last]


def _trimmed(text: str) -> str:
    return text.replace("\r", "\n").strip()


def _used(lines: Iterable[list[tuple[int, Cell]]]) -> list[list[tuple[int, Cell]]]:
    """The rows without the blank columns at the right, which formats stretch far out."""
    kept = list(lines)
    edge = max((x + cell.colspan for row in kept for x, cell in row if cell.text), default=0)
    return [
        [
            (x, Cell(cell.text, cell.rowspan, min(cell.colspan, edge - x)))
            for x, cell in row
            if x < edge
        ]
        for row in kept
    ]


def _parted(lines: Sequence[list[tuple[int, Cell]]]) -> Iterator[Block]:
    """Tables, and between them rows of one text: titles, chapters, remarks.

    A heading inside a table (第二十条第（一）项) is such a row too and stays in it.
    """
    edge = max((x + cell.colspan for row in lines for x, cell in row), default=0)
    table: list[tuple[Cell, ...]] = []
    for row in lines:
        told = [cell for _, cell in row if cell.text]
        text = told[0].text if told else ""
        alone = len(told) == 1 and told[0].rowspan == 1 and row[0][1].text == text
        wide = alone and (told[0].colspan >= edge or len(row) == 1)
        prose = wide and (len(text) > LONG or text.endswith("。"))
        chapter = len(text) <= LONGEST_CHAPTER and CHAPTER.fullmatch(text)
        inside = re.match(r"第\s*二\s*十\s*条", text)
        if alone and not inside and (not table or edge == 1 or prose or chapter):
            if any(cell.text for cells in table for cell in cells):
                yield Table(tuple(table))
            table = []
            yield from (Paragraph(part.strip()) for part in text.split("\n") if part.strip())
        elif told or table:
            table.append(tuple(cell for _, cell in row))
    while table and not any(cell.text for cell in table[-1]):
        table.pop()
    if table:
        yield Table(tuple(table))
