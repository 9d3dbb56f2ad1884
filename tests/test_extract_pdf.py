"""PDFs drawn here, so that each shows one thing: what both readings say of it."""

import hashlib
import io
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from archive.extract import scan
from archive.extract.pdf import (
    RADICALS,
    _without_numbers,
    join_lines,
    read_pdf,
    without_page_marks,
)
from archive.extract.pdf_grid import read_pdf_grid
from archive.grid import table_to_grid
from archive.model import Block, Cell, Document, Paragraph, Picture, Table, UnreadableError
from archive.parse import parse
from tests.portals.figures import Scale
from tests.portals.papers import HEIGHT, _pdf_file, pdf, word
from tests.portals.reports import Body, Report, blanked, series

BODY = Body(
    "北原市教育局",
    "education",
    Scale(requests=12, disputes=4, documents=5, licences=30, fees_wan=3.5),
    "电话：0000-1234567",
)
REPORTS = series(
    BODY,
    {
        year: ("clean", f"{year + 1}-01-20", f"北原市教育局{year}年政府信息公开工作年度报告")
        for year in (2020, 2023)
    },
)
LABEL, FIGURE = 110, 50


class Page:
    """A page to draw on: y goes down from the top, characters are 10 points (digits half)."""

    def __init__(self) -> None:
        self.orders: list[str] = []

    def text(self, x: float, y: float, text: str, size: float = 10) -> "Page":
        code = text.encode("utf-16-be").hex()
        self.orders.append(f"BT /F1 {size} Tf {x} {HEIGHT - y} Td <{code}> Tj ET")
        return self

    def rule(self, x0: float, y0: float, x1: float, y1: float) -> "Page":
        self.orders.append(f"{x0} {HEIGHT - y0} m {x1} {HEIGHT - y1} l S")
        return self

    def table(self, top: float, rows: Sequence[Sequence[str]], *, closed: bool = True) -> "Page":
        """Ruled rows of a label and figures, 20 points a line of text; lines part at /."""
        edges = [40.0, 40.0 + LABEL]
        edges += [edges[-1] + FIGURE * (n + 1) for n in range(max(map(len, rows)) - 1)]
        y = top
        self.rule(edges[0], y, edges[-1], y)
        for row in rows:
            texts = [cell.split("\n") for cell in row]
            for left, lines in zip(edges, texts, strict=False):
                for at, line in enumerate(lines):
                    self.text(left + 6, y + 14 + 12 * at, line)
            y += 8 + 12 * max(map(len, texts))
            if closed or row is not rows[-1]:
                self.rule(edges[0], y, edges[-1], y)
        for x in edges:
            self.rule(x, top, x, y)
        return self


def paper(*pages: Page) -> bytes:
    return _pdf_file([page.orders for page in pages])


def grids(data: bytes) -> list[list[list[str]]]:
    return [table_to_grid(b) for b in read_pdf_grid(data).blocks if isinstance(b, Table)]


def lines(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, Paragraph)]


# --- whole reports --------------------------------------------------------------------------------


@pytest.mark.parametrize("report", REPORTS.values(), ids=map(str, REPORTS))
def test_both_readings_of_a_whole_report(report: Report) -> None:
    data = pdf(report)
    for read in (read_pdf, read_pdf_grid):
        parsed = parse(read(data))
        assert parsed.form == report.form
        assert dict(parsed.cells) == report.numbers()
        assert [section.number for section in parsed.sections] == [0, 1, 2, 3, 4, 5, 6]


def test_the_geometry_knows_blank_cells() -> None:
    report = blanked(REPORTS[2023], "")
    parsed = parse(read_pdf_grid(pdf(report)))
    assert dict(parsed.cells) == report.numbers()
    blank = {key for key, printed in report.cells.items() if not printed}
    assert {key for key, note in parsed.notes.items() if note.state == "blank"} == blank


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_a_print_of_another_program(tmp_path: Path) -> None:
    report = blanked(REPORTS[2020], "")
    source = tmp_path / "report.docx"
    source.write_bytes(word(report))
    subprocess.run(
        ["soffice", f"-env:UserInstallation={(tmp_path / 'home').as_uri()}", "--headless",
         "--convert-to", "pdf", "--outdir", str(tmp_path), str(source)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    parsed = parse(read_pdf_grid((tmp_path / "report.pdf").read_bytes()))
    assert dict(parsed.cells) == report.numbers()


# --- cells ----------------------------------------------------------------------------------------


def test_blank_cells_stay_in_their_columns() -> None:
    page = Page().table(100, [("甲", "1", "", "3"), ("乙", "", "20", "")])
    assert grids(paper(page)) == [[["甲", "1", "", "3"], ["乙", "", "20", ""]]]


def test_merged_cells() -> None:
    page = Page().rule(40, 100, 240, 100).rule(140, 120, 240, 120).rule(40, 140, 240, 140)
    page.rule(40, 160, 240, 160).rule(40, 100, 40, 160).rule(240, 100, 240, 160)
    page.rule(140, 100, 140, 160).rule(190, 120, 190, 160)
    page.text(50, 124, "项目").text(150, 114, "数量").text(150, 134, "件").text(200, 134, "份")
    page.text(50, 154, "规章").text(150, 154, "3")
    table = next(b for b in read_pdf_grid(paper(page)).blocks if isinstance(b, Table))
    assert table.rows == (
        (Cell("项目", rowspan=2), Cell("数量", colspan=2)),
        (Cell("件"), Cell("份")),
        (Cell("规章"), Cell("3"), Cell("")),
    )


def test_lines_of_a_label_join_and_radicals_are_mended() -> None:
    page = Page().table(100, [("2.没有现成信息需要\n另行制作", "1"), ("⾃然⼈⺠", "0")])
    assert grids(paper(page)) == [[["2.没有现成信息需要另行制作", "1"], ["自然人民", "0"]]]


def test_a_figure_that_its_column_breaks_is_one_number() -> None:
    # 50 points wide: six digits of 5 points and the margins leave no room for a seventh.
    page = Page().table(100, [("行政许可", "1234567\n89"), ("行政处罚", "7")])
    assert grids(paper(page)) == [[["行政许可", "123456789"], ["行政处罚", "7"]]]


def test_figures_below_each_other_stay_apart() -> None:
    page = Page().table(100, [("规章\n行政许可", "12\n3", "1234567\n1234567"), ("乙", "5", "6")])
    assert grids(paper(page))[0][0] == ["规章行政许可", "12 3", "1234567 1234567"]


def test_single_digits_below_each_other() -> None:
    """A cell of 20 points has room for one digit between its margins; whether they are one number
    the rest of the row tells."""

    def cells(*texts: str) -> list[str]:
        page = Page().rule(40, 100, 140, 100).rule(40, 140, 140, 140).rule(40, 160, 140, 160)
        for x in (40, 100, 120, 140):
            page.rule(x, 100, x, 160)
        page.text(46, 114, "总计").text(46, 154, "合计")
        for x, text in zip((107, 127), texts, strict=True):
            for at, digit in enumerate(text):
                page.text(x, 114 + 12 * at, digit)
        return grids(paper(page))[0][0][1:]

    assert cells("19", "7") == ["19", "7"]
    assert cells("19", "70") == ["1 9", "7 0"]


def test_a_figure_over_a_ruling_line_is_no_number() -> None:
    # It begins in the first column of figures and ends in the second.
    page = Page().table(100, [("甲", "", "2"), ("乙", "1", "")]).text(180, 114, "4567890123")
    row = grids(paper(page))[0][0]
    assert not any(re.fullmatch(r"\d+", cell) for cell in row)


def test_a_figure_in_no_cell_makes_no_table() -> None:
    # Nothing closes the cell at the lower right, and the one above it is blank.
    page = Page().rule(40, 100, 240, 100).rule(40, 120, 240, 120).rule(40, 140, 140, 140)
    page.rule(40, 100, 40, 140).rule(140, 100, 140, 140).rule(240, 100, 240, 120)
    page.text(50, 114, "规章").text(50, 134, "行政许可").text(150, 134, "5")
    assert grids(paper(page)) == []
    assert lines(read_pdf_grid(paper(page))) == ["规章", "行政许可 5"]


def test_rows_that_no_line_parts_into_columns_are_lines() -> None:
    page = Page().rule(40, 100, 400, 100).rule(40, 140, 400, 140).rule(40, 120, 400, 120)
    page.rule(40, 100, 40, 140).rule(150, 100, 150, 140).rule(400, 100, 400, 140)
    page.text(50, 114, "规章").text(160, 114, "1").text(220, 114, "2").text(300, 114, "3")
    document = read_pdf_grid(paper(page))
    assert document.blocks == (Paragraph("规章 1 2 3"),)


def test_columns_without_ruling_lines() -> None:
    page = Page()
    for at, row in enumerate([("甲", "1", "2", "3"), ("乙", "10", "", "30"), ("丙", "4", "5", "6"),
                              ("丁", "", "", "9"), ("戊", "7", "8", "9")]):  # fmt: skip
        for x, text in zip((50, 150, 200, 250), row, strict=True):
            page.text(x, 100 + 20 * at, text)
    assert grids(paper(page)) == [
        [["甲", "1", "2", "3"], ["乙", "10", "", "30"], ["丙", "4", "5", "6"],
         ["丁", "", "", "9"], ["戊", "7", "8", "9"]]
    ]  # fmt: skip


def test_columns_that_are_not_clear_stay_lines() -> None:
    page = Page()
    for at, row in enumerate([(150, 200, 250), (160, 215, 268), (145, 240, 290)]):
        page.text(50, 100 + 20 * at, "甲")
        for x in row:
            page.text(x, 100 + 20 * at, "12")
    assert grids(paper(page)) == []
    assert lines(read_pdf_grid(paper(page))) == ["甲 12 12 12"] * 3


def test_lines_that_are_thin_rectangles_dashes_or_dots() -> None:
    """Word fills a rectangle for each side of each cell and a square for each corner."""
    for step in (50, 4, 1.5):
        page = Page()
        for y in (100, 120, 140):
            for at in range(int(200 / step)):
                page.orders.append(f"{40 + at * step} {HEIGHT - y} {min(step, 2)} 0.5 re f")
                if step == 50:
                    page.orders.append(f"{40 + at * step} {HEIGHT - y} 50 0.5 re f")
        for x in (40, 140, 190, 240):
            page.orders.append(f"{x} {HEIGHT - 140} 0.5 40 re f")
        page.text(50, 114, "规章").text(150, 114, "1").text(200, 134, "4").text(50, 134, "罚款")
        assert grids(paper(page)) == [[["规章", "1", ""], ["罚款", "", "4"]]], step


def test_a_footnotes_mark_is_no_digit_of_its_figure() -> None:
    page = Page().table(100, [("规章", "12"), ("罚款", "2")]).text(166, 110, "1", size=6)
    assert grids(paper(page)) == [[["规章", "12 1"], ["罚款", "2"]]]


def test_bold_print_by_printing_twice_is_one_figure() -> None:
    page = Page().table(100, [("规章", "11"), ("罚款", "2")])
    page.text(156.3, 114, "11")
    assert grids(paper(page)) == [[["规章", "11"], ["罚款", "2"]]]
    assert "规章 11" in lines(read_pdf(paper(page)))


@pytest.mark.parametrize("step", [2, 9])
def test_a_page_of_nothing_but_lines_costs_no_more_than_a_page(step: int) -> None:
    page = Page().text(50, 50, "正文")
    for at in range(0, 800, step):
        page.rule(0, at, 595, at).rule(at * 0.7, 0, at * 0.7, 842)
    assert lines(read_pdf_grid(paper(page))) == ["正文"]


# --- tables over pages ----------------------------------------------------------------------------

LONG = "5.要求行政机关确认"


def test_a_table_goes_on_with_its_heading_repeated() -> None:
    first = Page().text(40, 40, "正文").table(700, [("信息内容", "件数"), ("规章", "1")])
    second = Page().table(50, [("信息内容", "件数"), ("规章", "2")]).text(40, 300, "正文")
    data = paper(first, second)
    assert grids(data) == [[["信息内容", "件数"], ["规章", "1"], ["规章", "2"]]]
    assert lines(read_pdf_grid(data)) == ["正文", "正文"]


def test_a_word_that_the_table_goes_on_does_not_part_it() -> None:
    first = Page().table(700, [("甲", "1"), ("乙", "2")])
    second = Page().text(40, 40, "（续表）").table(50, [("丙", "3")])
    assert grids(paper(first, second)) == [[["甲", "1"], ["乙", "2"], ["丙", "3"]]]


def test_a_page_mark_does_not_part_a_table() -> None:
    first = Page().table(700, [("甲", "1"), ("乙", "2")]).text(300, 800, "- 1 -")
    second = Page().text(40, 30, "北原市教育局").table(50, [("丙", "3")]).text(300, 800, "- 2 -")
    third = Page().text(40, 30, "北原市教育局").text(40, 60, "正文").text(300, 800, "- 3 -")
    first.text(40, 30, "北原市教育局")
    data = paper(first, second, third)
    assert grids(data) == [[["甲", "1"], ["乙", "2"], ["丙", "3"]]]
    assert lines(read_pdf_grid(data)) == ["正文"]


@pytest.mark.parametrize("closed", [True, False])
def test_a_row_cut_by_the_page(closed: bool) -> None:
    """Its label goes on on the next page; its figures stand on the first or on the second."""
    head = ("1.重复申请", "4", "5")
    for above, below in (((LONG, "1", "2"), ("或重新出具", "", "")),
                         ((LONG, "", ""), ("或重新出具", "1", "2"))):  # fmt: skip
        first = Page().table(700, [head, above], closed=closed)
        second = Page().table(50, [below, ("（七）总计", "3", "")])
        assert grids(paper(first, second)) == [
            [[*head], [LONG + "或重新出具", "1", "2"], ["（七）总计", "3", ""]]
        ]


def test_a_figure_cut_by_the_page() -> None:
    """A row without a label that holds figures is the rest of the row above."""
    first = Page().table(700, [("规章", "4", "5"), ("四、结转", "1234567", "8")])
    second = Page().table(50, [("", "89", ""), ("（七）总计", "3", "")])
    assert grids(paper(first, second))[0][1] == ["四、结转", "123456789", "8"]


def test_rows_of_blanks_are_not_joined_over_pages() -> None:
    first = Page().table(700, [("信息内容", "件数", "数量"), ("规章", "", "")])
    second = Page().table(50, [("行政规范性文件", "1", "2"), ("行政许可", "", "")])
    assert grids(paper(first, second))[0][1:3] == [["规章", "", ""], ["行政规范性文件", "1", "2"]]


def _grouped(page: Page, top: float, group: str, rows: Sequence[tuple[str, str]]) -> Page:
    """A group's cell left of its rows' labels and figures."""
    bottom = top + 20 * len(rows)
    page.text(46, top + 14, group)
    for at, (label, figure) in enumerate(rows):
        page.text(96, top + 14 + 20 * at, label).text(260, top + 14 + 20 * at, figure)
        page.rule(90 if at else 40, top + 20 * at, 300, top + 20 * at)
    page.rule(40, bottom, 300, bottom)
    for x in (40, 90, 250, 300):
        page.rule(x, top, x, bottom)
    return page


def test_a_group_label_cut_by_the_page() -> None:
    first = _grouped(Page(), 700, "（四）无", [("1.本机关不掌握", "7"), ("2.没有现成信息", "8")])
    second = _grouped(Page(), 50, "法提供", [("3.补正后仍不明确", "9")])
    table = next(b for b in read_pdf_grid(paper(first, second)).blocks if isinstance(b, Table))
    assert [[(cell.text, cell.rowspan) for cell in row] for row in table.rows] == [
        [("（四）无法提供", 3), ("1.本机关不掌握", 1), ("7", 1)],
        [("2.没有现成信息", 1), ("8", 1)],
        [("3.补正后仍不明确", 1), ("9", 1)],
    ]


def test_another_table_on_the_next_page_is_another() -> None:
    first = Page().table(700, [("甲", "1"), ("乙", "2")])
    second = Page().table(50, [("丙", "3", "4"), ("丁", "5", "6")])
    assert len(grids(paper(first, second))) == 2


def test_a_report_in_a_frame_keeps_its_chapters() -> None:
    page = Page().rule(40, 80, 200, 80).text(50, 94, "二、主动公开政府信息情况")
    page.rule(40, 80, 40, 100).rule(200, 80, 200, 100).table(100, [("规章", "1"), ("罚款", "2")])
    document = read_pdf_grid(paper(page))
    assert document.blocks[0] == Paragraph("二、主动公开政府信息情况")
    assert document.prose == ("二、主动公开政府信息情况",)
    assert isinstance(document.blocks[1], Table)


def test_a_heading_within_a_table_stays_there() -> None:
    page = Page().rule(40, 80, 200, 80).text(50, 94, "一、主动公开情况")
    page.rule(40, 80, 40, 100).rule(200, 80, 200, 100).table(100, [("规章", "1"), ("罚款", "2")])
    assert grids(paper(page)) == [[["一、主动公开情况"] * 2, ["规章", "1"], ["罚款", "2"]]]


# --- turned pages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_page_reads_the_same(turn: int) -> None:
    rows = [["规章", "1", "", "3"], ["行政许可", "", "20", ""]]
    document = pypdfium2.PdfDocument(paper(Page().text(40, 60, "正文").table(100, rows)))
    document[0].set_rotation(turn)
    raw = io.BytesIO()
    document.save(raw)
    assert grids(raw.getvalue()) == [rows]
    assert lines(read_pdf_grid(raw.getvalue())) == ["正文"]


# --- prose ----------------------------------------------------------------------------------------


def test_the_radical_table_is_aligned() -> None:
    assert "⺠".translate(RADICALS) == "民"
    assert "⼾⻚⻅⻓⻔⻜⻥⻰".translate(RADICALS) == "户页见长门飞鱼龙"


def test_bare_page_numbers_are_dropped_and_figures_kept() -> None:
    pages = [["a", "0", "3"], ["b", "7"], ["c", "5"]]
    assert _without_numbers(pages) == [["a", "0"], ["b", "7"], ["c"]]


def test_lines_broken_by_the_width_join_and_headings_do_not() -> None:
    full = "政" * 30
    title = "北原市教育局二〇二三年政府信息公开工作年度报告"
    found = list(join_lines([title, full, "完。", "一、总体情况", full, "（一）公开情况。" + full]))
    assert found == [title, full + "完。", "一、总体情况", full, "（一）公开情况。" + full]


def test_running_heads_are_dropped_and_repeated_rows_kept() -> None:
    pages = [
        Page().text(40, 30, "北原市教育局文件").text(40, 100 + at, word).text(40, 400, "0 0 0")
        for at, word in enumerate(("甲", "乙", "丙"))
    ]
    assert lines(read_pdf(paper(*pages))) == ["甲", "0 0 0", "乙", "0 0 0", "丙", "0 0 0"]


# --- pages that are pictures, and files that are locked -------------------------------------------


def _scanned(page: Image.Image) -> list[Block]:
    return [Paragraph(f"{page.width}×{page.height}", 0.9)]


def _picture_page(width: int, height: int) -> pypdfium2.PdfDocument:
    raw = io.BytesIO()
    Image.new("L", (width, height), 90).save(raw, "PDF", resolution=72)
    return pypdfium2.PdfDocument(raw.getvalue())


def _insert_picture(
    document: pypdfium2.PdfDocument, size: tuple[int, int], place: tuple[int, int]
) -> None:
    """A red picture over the first page."""
    image = pypdfium2.PdfImage.new(document)
    image.set_bitmap(pypdfium2.PdfBitmap.from_pil(Image.new("RGB", (40, 20), (200, 0, 0))))
    image.set_matrix(pypdfium2.PdfMatrix().scale(*size).translate(*place))
    page = document[0]
    page.insert_obj(image)
    page.gen_content()


def test_scanned_pages_among_others_are_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "read_page", _scanned)
    mixed = pypdfium2.PdfDocument(paper(Page().text(40, 60, "甲"), Page().text(40, 60, "丙")))
    mixed.import_pages(_picture_page(360, 720), index=1)
    raw = io.BytesIO()
    mixed.save(raw)
    for read in (read_pdf, read_pdf_grid):
        # 200 dots for each 72 points.
        assert read(raw.getvalue()).blocks == (
            Paragraph("甲"),
            Paragraph("1000×2000", 0.9),
            Paragraph("丙"),
        )


def test_a_text_layer_of_codes_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "read_page", _scanned)
    data = paper(Page().text(40, 60, "\ue001\ue002\ue003\ufffd" * 30 + "年"))
    assert lines(read_pdf(data)) == lines(read_pdf_grid(data)) == ["1653×2339"]


def test_text_that_a_scanner_put_below_its_picture_is_no_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scan, "read_page", _scanned)
    document = pypdfium2.PdfDocument(paper(Page().text(40, 60, "正文" * 40)))
    _insert_picture(document, (595, 842), (0, 0))
    raw = io.BytesIO()
    document.save(raw)
    assert lines(read_pdf(raw.getvalue())) == ["1653×2339"]


def test_too_many_scanned_pages_are_refused() -> None:
    document = pypdfium2.PdfDocument.new()
    one = _picture_page(50, 50)
    for _ in range(41):
        document.import_pages(one)
    raw = io.BytesIO()
    document.save(raw)
    with pytest.raises(UnreadableError, match="41 页是扫描件"):
        read_pdf(raw.getvalue())


def test_a_large_picture_in_the_text_is_a_picture() -> None:
    document = pypdfium2.PdfDocument(paper(Page().text(40, 60, "正文" * 30)))
    _insert_picture(document, (400, 200), (72, 300))
    raw = io.BytesIO()
    document.save(raw)
    for read in (read_pdf, read_pdf_grid):
        picture = read(raw.getvalue()).blocks[-1]
        assert isinstance(picture, Picture)
        with Image.open(io.BytesIO(picture.data)) as shown:
            assert shown.size == pytest.approx((400 / 72 * 200, 200 / 72 * 200), abs=2)
            assert shown.convert("RGB").getpixel((500, 250)) == (200, 0, 0)


def test_an_empty_paper_says_so() -> None:
    with pytest.raises(UnreadableError, match="没有文字"):
        read_pdf(paper(Page()))


PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j, found = list(range(256)), 0, bytearray()
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        found.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(found)


def _locked(password: bytes) -> bytes:
    """A page that says Hello, under the standard security handler of PDF 1.1 (40 bits)."""
    padded = (password + PAD)[:32]
    owner = _rc4(hashlib.md5(padded).digest()[:5], padded)
    name = b"0123456789abcdef"
    key = hashlib.md5(padded + owner + (0xFFFFFFFC).to_bytes(4, "little") + name).digest()[:5]
    content = b"BT /F1 12 Tf 50 700 Td (Hello) Tj ET"
    own = hashlib.md5(key + (4).to_bytes(3, "little") + bytes(2)).digest()[:10]
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), _rc4(own, content)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>"
        % (owner.hex().encode(), _rc4(key, PAD).hex().encode()),
    ]
    out = b"%PDF-1.4\n"
    table = b"xref\n0 7\n0000000000 65535 f \n"
    for number, body in enumerate(objects, start=1):
        table += b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    ids = b"<%s> <%s>" % (name.hex().encode(), name.hex().encode())
    trailer = b"trailer\n<< /Size 7 /Root 1 0 R /Encrypt 6 0 R /ID [%s] >>" % ids
    return out + table + trailer + b"\nstartxref\n%d\n%%%%EOF\n" % len(out)


@pytest.mark.parametrize("read", [read_pdf, read_pdf_grid])
def test_a_locked_file_is_refused_and_an_unlocked_one_opens(
    read: Callable[[bytes], Document],
) -> None:
    assert lines(read(_locked(b""))) == ["Hello"]
    with pytest.raises(UnreadableError, match="密码"):
        read(_locked(b"secret"))


def test_figures_amid_a_page_are_no_page_marks() -> None:
    page = [
        "2022年年度报告",
        "行政强制",
        "3 / 2",
        "5 —",
        "- 2 -",
        "第 2 页 共 9 页",
        "其他",
        "说明",
        "2 / 9",
    ]
    assert without_page_marks([page, ["正文"], ["尾"]])[0] == [
        "2022年年度报告", "行政强制", "3 / 2", "5 —", "其他", "说明",
    ]  # fmt: skip
