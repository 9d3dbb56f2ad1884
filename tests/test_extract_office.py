"""Word, its relatives and workbooks: what is printed is read, what is hidden or deleted is not."""

from __future__ import annotations

import io
import re
import socket
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
import pytest

from archive.extract import extract, media_type, office, tools
from archive.extract.numbering import chinese
from archive.extract.sheets import displayed
from archive.form import PRINTED, keys
from archive.grid import table_to_grid
from archive.model import Document, MissingToolError, Paragraph, Picture, Table, UnreadableError
from archive.parse import parse
from tests.office_files import archived, needs_office, ofd, saved_as, workbook
from tests.portals.figures import Scale
from tests.portals.papers import word
from tests.portals.reports import Body, Report, blanked, series
from tests.portals.tables import grids, placed

BODY = Body(
    "北原市教育局",
    "education",
    Scale(requests=12, disputes=4, documents=5, licences=30, fees_wan=3.5),
    "电话：0000-1234567",
)


def report_of(year: int) -> Report:
    title = f"北原市教育局{year}年政府信息公开工作年度报告"
    return series(BODY, {year: ("clean", f"{year + 1}-01-20", title)})[year]


REPORTS = {"2021": report_of(2023), "2019": report_of(2020)}

MEDIA: dict[str, tuple[str, Callable[[Report], bytes]]] = {
    "docx": ("wordprocessingml", word),
    "ofd": ("application/ofd", ofd),
    "ofd without rules": ("application/ofd", lambda report: ofd(report, ruled=False)),
    "zip": ("application/zip", lambda report: archived({"报告.docx": word(report)})),
    "xlsx": ("spreadsheetml", lambda report: workbook(report, one_sheet=True)),
    "xlsx of three sheets": ("spreadsheetml", lambda report: workbook(report, one_sheet=False)),
    "xlsx without merges": (
        "spreadsheetml",
        lambda report: workbook(report, one_sheet=True, merged=False),
    ),
}
CONVERTED: dict[str, tuple[str, Callable[[Report], bytes]]] = {
    "doc": ("application/msword", lambda report: saved_as(word(report), "docx", "doc")),
    "rtf": ("application/rtf", lambda report: saved_as(word(report), "docx", "rtf")),
    "odt": ("opendocument.text", lambda report: saved_as(word(report), "docx", "odt")),
    "doc in a zip": (
        "application/zip",
        lambda report: archived({"报告.doc": saved_as(word(report), "docx", "doc")}),
    ),
    "xls": (
        "application/vnd.ms-excel",
        lambda report: saved_as(workbook(report, one_sheet=True), "xlsx", "xls"),
    ),
    "xls of three sheets": (
        "application/vnd.ms-excel",
        lambda report: saved_as(workbook(report, one_sheet=False), "xlsx", "xls"),
    ),
    "ods": (
        "opendocument.spreadsheet",
        lambda report: saved_as(workbook(report, one_sheet=False), "xlsx", "ods"),
    ),
}


def check_equal(report: Report, data: bytes, kind: str) -> None:
    assert kind in media_type(data)
    read = parse(extract(data))
    assert read.form == report.form
    assert dict(read.cells) == report.numbers()


@pytest.mark.parametrize("form", REPORTS)
@pytest.mark.parametrize("medium", MEDIA)
def test_every_medium_reads_alike(medium: str, form: str) -> None:
    kind, make = MEDIA[medium]
    check_equal(REPORTS[form], make(REPORTS[form]), kind)


@needs_office
@pytest.mark.parametrize(
    ("medium", "form"), [*((medium, "2021") for medium in CONVERTED), ("doc", "2019")]
)
def test_what_libreoffice_converts_reads_alike(medium: str, form: str) -> None:
    kind, make = CONVERTED[medium]
    check_equal(REPORTS[form], make(REPORTS[form]), kind)


@pytest.mark.parametrize("form", REPORTS)
@pytest.mark.parametrize("mark", ["", "/", "-"], ids=["blank", "slash", "dash"])
def test_blank_cells_are_no_zeros_and_move_nothing(form: str, mark: str) -> None:
    report = blanked(REPORTS[form], mark)
    check_equal(report, word(report), "wordprocessingml")
    check_equal(report, workbook(report, one_sheet=True, merged=False), "spreadsheetml")
    check_equal(report, ofd(report, bottom=120), "ofd")
    # Without rules a blank cell cannot be seen: what is read must be right, if not all of it.
    printed = report.numbers()
    read = parse(extract(ofd(report, ruled=False)))
    assert {k: v for k, v in read.cells.items() if v is not None and v != printed[k]} == {}


@pytest.mark.parametrize("form", REPORTS)
@pytest.mark.parametrize("bottom", [90, 120, 150, 200, 250])
@pytest.mark.parametrize("ruled", [True, False], ids=["ruled", "unruled"])
def test_a_table_cut_by_pages_reads_alike(form: str, bottom: int, ruled: bool) -> None:
    check_equal(REPORTS[form], ofd(REPORTS[form], ruled=ruled, bottom=bottom), "ofd")


@needs_office
def test_a_doc_keeps_its_chapters() -> None:
    read = parse(extract(saved_as(word(REPORTS["2021"]), "docx", "doc")))
    assert [section.number for section in read.sections] == [0, 1, 2, 3, 4, 5, 6]


# --- DOCX -----------------------------------------------------------------------------------------

SPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
)
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def docx_of(body: str, **parts: bytes) -> bytes:
    """A DOCX of this body; `parts` are further parts by the kind of their relation."""
    names = {"image": "media/a.png"}
    links = "".join(
        f'<Relationship Id="r{kind}" Type="{RELATIONS}/{kind}" Target="{names.get(kind, kind + ".xml")}"/>'
        for kind in parts
    )
    packages = "http://schemas.openxmlformats.org/package/2006/relationships"
    members = {
        "_rels/.rels": f'<Relationships xmlns="{packages}"><Relationship Id="a" '
        f'Type="{RELATIONS}/officeDocument" Target="word/document.xml"/></Relationships>'.encode(),
        "word/document.xml": f"<w:document {SPACES}><w:body>{body}</w:body></w:document>".encode(),
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{packages}">{links}</Relationships>'.encode(),
    }
    for kind, data in parts.items():
        members[f"word/{names.get(kind, kind + '.xml')}"] = data
    return archived(members)


def p(content: str) -> str:
    return f"<w:p>{content}</w:p>"


def r(text: str, style: str = "") -> str:
    return f"<w:r><w:rPr>{style}</w:rPr><w:t>{text}</w:t></w:r>"


def tbl(*rows: list[str]) -> str:
    cells = ("".join(f"<w:tc>{cell}</w:tc>" for cell in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def lines(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, Paragraph)]


def test_tracked_changes_read_as_accepted() -> None:
    body = p(
        r("受理")
        + f"<w:del><w:r><w:delText>3</w:delText></w:r></w:del><w:ins>{r('5')}</w:ins>"
        + f"<w:moveFrom>{r('旧')}</w:moveFrom><w:moveTo>{r('新')}</w:moveTo>"
    )
    assert lines(extract(docx_of(body))) == ["受理5新"]


def test_a_row_deleted_under_tracked_changes_is_gone() -> None:
    kept = "<w:tr>" + f"<w:tc>{p(r('甲'))}</w:tc><w:tc>{p(r('1'))}</w:tc>" + "</w:tr>"
    gone = kept.replace("<w:tr>", "<w:tr><w:trPr><w:del/></w:trPr>").replace("甲", "乙")
    (table,) = extract(docx_of(f"<w:tbl>{kept}{gone}</w:tbl>")).blocks
    assert isinstance(table, Table)
    assert table_to_grid(table) == [["甲", "1"]]


def test_hidden_and_struck_text_is_not_printed() -> None:
    body = p(
        r("7", "<w:vanish/>") + r("8", "<w:strike/>") + r("9") + r("0", '<w:vanish w:val="0"/>')
    )
    assert lines(extract(docx_of(body))) == ["90"]


def test_a_text_box_is_read_once_though_it_is_stored_twice() -> None:
    box = f"<w:txbxContent>{p(r('年度报告'))}</w:txbxContent>"
    drawn = (
        f'<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:txbx>{box}</wps:txbx>'
        f"</w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict>"
        "</mc:Fallback></mc:AlternateContent></w:r>"
    )
    assert lines(extract(docx_of(p(r("标题") + drawn)))) == ["标题", "年度报告"]


def test_a_layout_table_gives_the_tables_in_it() -> None:
    inner = tbl([p(r("a")), p(r("1"))], [p(r("b")), p(r("2"))])
    found = extract(docx_of(tbl([p(r("左")), inner + p("")]))).blocks
    assert found[0] == Paragraph("左")
    assert isinstance(found[1], Table)
    assert table_to_grid(found[1]) == [["a", "1"], ["b", "2"]]


def test_tables_with_nothing_between_them_are_one() -> None:
    first, second = tbl([p(r("a")), p(r("1"))]), tbl([p(r("b")), p(r("2"))])
    # A bookmark is nothing, a page's break neither where figures follow it.
    for between in ("", '<w:bookmarkEnd w:id="0"/>', p('<w:r><w:br w:type="page"/></w:r>')):
        (table,) = extract(docx_of(first + between + second)).blocks
        assert isinstance(table, Table)
        assert table_to_grid(table) == [["a", "1"], ["b", "2"]]
    assert len(extract(docx_of(first + p(r("续表")) + second)).blocks) == 3
    headed = tbl([p(r("项目")), p(r("数量"))], [p(r("b")), p(r("2"))])
    assert len(extract(docx_of(first + p("") + headed)).blocks) == 2


def test_a_merge_cut_in_two_by_a_page_begins_again() -> None:
    go_on = "<w:tcPr><w:vMerge/></w:tcPr>"
    begin = '<w:tcPr><w:vMerge w:val="restart"/></w:tcPr>'
    below = f"{tbl([go_on + p(r('法提供')), p(r('1'))], [go_on + p(''), p(r('2'))])}"
    above = tbl([begin + p(r("（四）无")), p(r("0"))])
    first, _, second = extract(docx_of(above + p(r("续")) + below)).blocks
    assert isinstance(first, Table)
    assert isinstance(second, Table)
    assert table_to_grid(second) == [["法提供", "1"], ["法提供", "2"]]


def test_cells_merged_the_old_way_are_one() -> None:
    begin, go_on = '<w:tcPr><w:hMerge w:val="restart"/></w:tcPr>', "<w:tcPr><w:hMerge/></w:tcPr>"
    rows = [begin + p(r("申请人情况")), go_on + p("")], [p(r("自然人")), p(r("总计"))]
    (table,) = extract(docx_of(tbl(*rows))).blocks
    assert isinstance(table, Table)
    assert table_to_grid(table) == [["申请人情况", "申请人情况"], ["自然人", "总计"]]


def test_pictures_stand_in_their_place_with_their_bytes() -> None:
    picture = '<w:r><w:drawing><a:blip r:embed="rimage"/></w:drawing></w:r>'
    blocks = extract(docx_of(p(r("上")) + p(picture) + p(r("下")), image=b"\x89PNG...")).blocks
    assert blocks == (Paragraph("上"), Picture("word/media/a.png", b"\x89PNG..."), Paragraph("下"))


def test_an_embedded_workbook_gives_the_sheet_that_shows() -> None:
    book = book_of()
    book.create_sheet("去年").append(["规章", 9, 9])
    buffer = io.BytesIO()
    book.save(buffer)
    drawn = '<w:r><w:object><o:OLEObject xmlns:o="urn:schemas-microsoft-com:office:office" r:id="rpackage"/></w:object></w:r>'
    first, table = extract(docx_of(p(r("附表")) + p(drawn), package=buffer.getvalue())).blocks
    assert first == Paragraph("附表")
    assert isinstance(table, Table)
    assert table_to_grid(table) == [
        ["项目", "甲", "乙"],
        ["规章", "1", "2"],
        ["行政许可", "3", "4"],
    ]


def test_fields_print_their_result() -> None:
    def mark(kind: str) -> str:
        return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'

    code = "<w:r><w:instrText>= 1 + 2</w:instrText></w:r>" + r("99")
    body = p(r("共") + mark("begin") + code + mark("separate") + r("3") + mark("end") + r("件"))
    assert lines(extract(docx_of(body))) == ["共3件"]


NUMBERING = f"""<w:numbering {SPACES}>
  <w:abstractNum w:abstractNumId="0">
    <w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:lvlText w:val="%1、"/></w:lvl>
    <w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:lvlText w:val="（%2）"/></w:lvl>
    <w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%3."/></w:lvl>
  </w:abstractNum>
  <w:abstractNum w:abstractNumId="1">
    <w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
    <w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/><w:lvlText w:val="·"/></w:lvl>
  </w:abstractNum>
  <w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
  <w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>
</w:numbering>""".encode()


def listed(text: str, level: int, number: int = 1) -> str:
    place = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
    return p(f"<w:pPr>{place}</w:pPr>" + (r(text) if text else ""))


def test_automatic_numbers_are_printed() -> None:
    body = "".join(
        (
            listed("总体情况", 0), listed("主动公开", 1), listed("依申请公开", 1),
            listed("第一点", 2), listed("主动公开政府信息情况", 0), listed("又从头", 1),
            listed("第三项", 0, 2), listed("圆点", 1, 2), listed("第四项", 0, 2),
        )
    )  # fmt: skip
    assert lines(extract(docx_of(body, numbering=NUMBERING))) == [
        "一、总体情况", "（一）主动公开", "（二）依申请公开", "1.第一点",
        "二、主动公开政府信息情况", "（一）又从头", "3.第三项", "圆点", "4.第四项",
    ]  # fmt: skip


def test_an_automatic_number_is_no_part_of_a_figure() -> None:
    """A cell that is a list by mistake: 「3. 5」 must not become 3.5, nor a blank cell 3."""
    (table,) = extract(
        docx_of(tbl([p(r("规章")), listed("5", 0, 2), listed("", 0, 2)]), numbering=NUMBERING)
    ).blocks
    assert isinstance(table, Table)
    assert table_to_grid(table) == [["规章", "5", ""]]


def test_numbers_of_a_style_and_of_the_styles_it_is_based_on() -> None:
    styles = (
        f'<w:styles {SPACES}><w:style w:styleId="H"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr>'
        '</w:pPr></w:style><w:style w:styleId="I"><w:basedOn w:val="H"/></w:style></w:styles>'
    )
    body = p('<w:pPr><w:pStyle w:val="I"/></w:pPr>' + r("总体情况"))
    read = extract(docx_of(body, numbering=NUMBERING, styles=styles.encode()))
    assert lines(read) == ["一、总体情况"]


def test_chinese_numerals() -> None:
    assert [chinese(n) for n in (1, 10, 11, 20, 34, 100)] == [
        "一",
        "十",
        "十一",
        "二十",
        "三十四",
        "100",
    ]


def test_a_docx_in_the_strict_namespaces_is_read() -> None:
    strict = docx_of(p(r("正文")))
    with_strict = strict_of(strict)
    assert lines(extract(with_strict)) == ["正文"]


def strict_of(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    usual = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    strict = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
    return archived({name: content.replace(usual, strict) for name, content in members.items()})


# --- workbooks ------------------------------------------------------------------------------------


def book_of() -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["项目", "甲", "乙"], ["规章", 1, 2], ["行政许可", 3, 4]):
        sheet.append(row)
    return book


def grid_of(book: openpyxl.Workbook) -> list[list[str]]:
    buffer = io.BytesIO()
    book.save(buffer)
    (table,) = (b for b in extract(buffer.getvalue()).blocks if isinstance(b, Table))
    return table_to_grid(table)


def test_hidden_rows_columns_and_sheets_are_not_read() -> None:
    book = book_of()
    sheet = book.active
    assert sheet is not None
    sheet.row_dimensions[2].hidden = True
    sheet.column_dimensions["B"].hidden = True
    book.create_sheet("去年").sheet_state = "hidden"
    book["去年"].append(["规章", 9, 9])
    assert grid_of(book) == [["项目", "乙"], ["行政许可", "4"]]


def test_a_merge_over_whole_columns_costs_nothing() -> None:
    book = book_of()
    sheet = book.active
    assert sheet is not None
    data = io.BytesIO()
    book.save(data)
    swollen = data.getvalue()
    with zipfile.ZipFile(io.BytesIO(swollen)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    name = "xl/worksheets/sheet1.xml"
    merge = b'</sheetData><mergeCells count="1"><mergeCell ref="E1:XFD1048576"/></mergeCells>'
    members[name] = members[name].replace(b"</sheetData>", merge)
    (table,) = extract(archived(members)).blocks
    assert isinstance(table, Table)
    assert table_to_grid(table)[1] == ["规章", "1", "2"]


def test_a_formula_saved_without_its_value_is_no_blank() -> None:
    book = book_of()
    sheet = book.active
    assert sheet is not None
    sheet["B2"] = "=SUM(C2:C3)"
    assert grid_of(book)[1] == ["规章", "公式未计算", "2"]


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        ("12", "", "12"),
        ("12.0", "General", "12"),
        ("0.30000000000000004", "General", "0.3"),
        ("1234567", "G/通用格式", "1234567"),
        ("3.5", "0.00", "3.50"),
        ("3.456", "0.00_);[Red]\\(0.00\\)", "3.46"),
        ("1234.5", "#,##0.0", "1,234.5"),
        ("0.256", "0.0%", "25.6%"),
        ("3.5", "0.##", "3.5"),
        ("3", "0.##", "3"),
        ("7", "0_ ", "7"),
        ("7", '0"件"', "7"),
        ("45311", "yyyy/m/d", "2024年1月20日"),
        ("45311", 'yyyy"年"m"月"d"日"', "2024年1月20日"),
        # Accounting formats show a zero as a dash; others show nothing at all.
        ("0", '_ * #,##0_ ;_ * -#,##0_ ;_ * "-"_ ;_ @_ ', "-"),
        ("5", '_ * #,##0_ ;_ * -#,##0_ ;_ * "-"_ ;_ @_ ', "5"),
        ("-5", '_ * #,##0_ ;_ * -#,##0_ ;_ * "-"_ ;_ @_ ', "-5"),
        ("0", "0;-0;;@", ""),
        ("5", ";;;", ""),
        ("1E+400", "", "1E+400"),
        ("12", "@", "12"),
    ],
)
def test_numbers_as_displayed(value: str, code: str, shown: str) -> None:
    assert displayed(value, code) == shown


def test_a_title_above_and_a_remark_below_are_paragraphs() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "附表"
    sheet.append(["北原市教育局2023年统计表"])
    sheet.append([None])
    for row in (["项目", "甲"], ["规章", 1]):
        sheet.append(row)
    sheet.append(["说明：本表的统计期限为全年，数据由各科室报送、经办公室核对后汇总填报完成。"])
    sheet.merge_cells("A5:B5")
    buffer = io.BytesIO()
    book.save(buffer)
    read = extract(buffer.getvalue())
    assert [type(block).__name__ for block in read.blocks] == [
        "Paragraph", "Paragraph", "Table", "Paragraph",
    ]  # fmt: skip
    assert read.prose[:2] == ("附表", "北原市教育局2023年统计表")


@needs_office
def test_an_xls_hides_what_its_workbook_hides() -> None:
    book = book_of()
    sheet = book.active
    assert sheet is not None
    sheet.row_dimensions[2].hidden = True
    sheet["C3"].number_format = "0.00"
    buffer = io.BytesIO()
    book.save(buffer)
    (table,) = extract(saved_as(buffer.getvalue(), "xlsx", "xls")).blocks
    assert isinstance(table, Table)
    assert table_to_grid(table) == [["项目", "甲", "乙"], ["行政许可", "3", "4.00"]]


def test_a_workbook_of_the_statistics_of_2014() -> None:
    """Label, unit and figure a row, under three title rows; every figure another number."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["政府信息公开情况统计表"], ["（2016年度）"], ["填报单位（盖章）：北原市教育局"]):
        sheet.append(row)
    sheet.append(["统 计 指 标", "单位", "统计数"])
    for number, key in enumerate(keys("stats2014"), start=1):
        sheet.append([PRINTED[key].zh, PRINTED[key].unit, number])
    sheet.append(["单位负责人：甲", "审核人：乙", "填报人：丙"])
    buffer = io.BytesIO()
    book.save(buffer)
    read = parse(extract(buffer.getvalue()))
    assert read.form == "stats2014"
    assert dict(read.cells) == {key: str(n) for n, key in enumerate(keys("stats2014"), start=1)}


# --- LibreOffice ----------------------------------------------------------------------------------

RTF = b"{\\rtf1\\ansi\\ansicpg936 \\'b1\\'b1\\'d4\\'ad\\'ca\\'d0\\par}"


def test_without_the_converter_the_reason_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(office, "_program", lambda: None)
    with pytest.raises(MissingToolError, match=r"RTF.*libreoffice-writer-nogui"):
        extract(RTF)
    # Part of an archive too: its annexes alone would be taken for all there is.
    with pytest.raises(MissingToolError):
        extract(archived({"报告.rtf": RTF, "附件.txt": "规章".encode()}))
    assert tools() == "libreoffice:none"


@needs_office
def test_tools_names_a_version() -> None:
    assert re.fullmatch(r"libreoffice:[\w.()]+", tools())


@needs_office
def test_a_conversion_that_takes_too_long_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slow = tmp_path / "soffice"
    child = tmp_path / "child"
    slow.write_text(f"#!/bin/sh\nsleep 600 & echo $! >'{child}'\nsleep 600\n")
    slow.chmod(0o755)
    monkeypatch.setattr(office, "_program", lambda: str(slow))
    monkeypatch.setattr(office, "TIMEOUT", 4)
    with pytest.raises(UnreadableError, match="已放弃"):
        extract(RTF)
    state = Path(f"/proc/{child.read_text().strip()}/stat")
    # A killed process runs until the kernel comes to it.
    until = time.monotonic() + 60
    while lives(state) and time.monotonic() < until:
        time.sleep(0.05)
    assert not lives(state)


def lives(state: Path) -> bool:
    """Whether a process runs: it is neither gone nor dead and waiting for whoever adopted it."""
    try:
        return state.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@needs_office
@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
def test_a_truncated_doc_is_refused_or_read_but_never_wrong(share: float) -> None:
    report = REPORTS["2021"]
    whole = saved_as(word(report), "docx", "doc")
    try:
        read = parse(extract(whole[: int(len(whole) * share)]))
    except UnreadableError:
        return
    printed = report.numbers()
    assert {
        key: v for key, v in read.cells.items() if v is not None and v != printed.get(key)
    } == {}


def odt_of(body: str) -> bytes:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{rest}:1.0"'
        for name, rest in {
            "office": "office", "text": "text", "draw": "drawing", "svg": "svg-compatible",
            "manifest": "manifest",
        }.items()
    ) + ' xmlns:xlink="http://www.w3.org/1999/xlink"'  # fmt: skip
    kind = "application/vnd.oasis.opendocument.text"
    entries = "".join(
        f'<manifest:file-entry manifest:full-path="{path}" manifest:media-type="{media}"/>'
        for path, media in (("/", kind), ("content.xml", "text/xml"))
    )
    return archived(
        {
            "mimetype": kind.encode(),
            "content.xml": f'<office:document-content {spaces} office:version="1.2"><office:body>'
            f"<office:text>{body}</office:text></office:body></office:document-content>".encode(),
            "META-INF/manifest.xml": f"<manifest:manifest {spaces}>{entries}</manifest:manifest>".encode(),
        }
    )


@needs_office
def test_no_link_in_a_document_is_followed(tmp_path: Path) -> None:
    """A picture by address is how a document calls home; a section by path shows our own files.

    LibreOffice as it comes asks for the picture several times.
    """
    asked: list[bytes] = []
    secret = tmp_path / "secret.txt"
    secret.write_text("not for readers")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            try:
                while True:
                    connection, _ = server.accept()
                    asked.append(connection.recv(200))
                    connection.close()
            except OSError:
                return

        threading.Thread(target=answer, daemon=True).start()
        port = server.getsockname()[1]
        data = odt_of(
            "<text:p>正文<draw:frame text:anchor-type='as-char' svg:width='3cm' svg:height='3cm'>"
            f"<draw:image xlink:href='http://127.0.0.1:{port}/a.png'/></draw:frame></text:p>"
            f"<text:section text:name='a'><text:section-source xlink:href='{secret.as_uri()}'/>"
            "<text:p>旧</text:p></text:section>"
        )
        read = extract(data)
    assert lines(read) == ["正文", "旧"]
    assert asked == []


# --- DOCX made by python-docx stays readable ------------------------------------------------------


def test_a_vertical_merge_is_one_cell() -> None:
    document = docx.Document()
    table = document.add_table(rows=3, cols=2)
    table.cell(0, 0).merge(table.cell(2, 0)).text = "（三）不予公开"
    for y in range(3):
        table.cell(y, 1).text = str(y)
    buffer = io.BytesIO()
    document.save(buffer)
    (found,) = extract(buffer.getvalue()).blocks
    assert isinstance(found, Table)
    assert [cell.rowspan for cell in found.rows[0]] == [3, 1]
    assert [len(row) for row in found.rows] == [2, 1, 1]


# --- Word in one XML file -------------------------------------------------------------------------


def test_wordml_of_2003_is_read_as_printed() -> None:
    """A template's file: merges, deleted text, list numbers and a picture of its own."""
    row = "<w:tr><w:tc><w:tcPr><w:vmerge{}/></w:tcPr>{}</w:tc><w:tc>{}</w:tc></w:tr>"
    number = '<w:pPr><w:listPr><w:ilvl w:val="0"/><wx:t wx:val="{}"/></w:listPr></w:pPr>'
    data = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
    <?mso-application progid="Word.Document"?>
    <w:wordDocument xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml"
      xmlns:wx="http://schemas.microsoft.com/office/word/2003/auxHint"
      xmlns:aml="http://schemas.microsoft.com/aml/2001/core" xmlns:v="urn:schemas-microsoft-com:vml">
    <w:body><wx:sect>{p(number.format("一、") + r("总体情况"))}
    {
        p(
            r("受理")
            + f'<aml:annotation w:type="Word.Deletion"><aml:content>{r("3")}</aml:content></aml:annotation>'
            + f'<aml:annotation w:type="Word.Insertion"><aml:content>{r("5")}</aml:content></aml:annotation>'
        )
    }
    <w:tbl>{
        row.format(' w:val="restart"', p(r("不予公开")), p(number.format("1.") + r("属于国家秘密")))
    }
    {row.format("", p(""), p(number.format("2.") + r("7")))}</w:tbl>
    <w:p><w:r><w:pict><w:binData w:name="wordml://1.png">iVBORw==</w:binData>
    <v:shape><v:imagedata src="wordml://1.png"/></v:shape></w:pict></w:r></w:p>
    </wx:sect></w:body></w:wordDocument>""".encode()
    read = extract(data)
    assert read.media_type == "application/vnd.ms-word+xml"
    assert lines(read) == ["一、总体情况", "受理5"]
    table = read.blocks[2]
    assert isinstance(table, Table)
    assert table_to_grid(table) == [["不予公开", "1.属于国家秘密"], ["不予公开", "7"]]
    assert read.blocks[3] == Picture("wordml://1.png", b"\x89PNG")


@pytest.mark.parametrize("form", REPORTS)
def test_a_docx_in_its_flat_form_reads_alike(form: str) -> None:
    report = REPORTS[form]
    with zipfile.ZipFile(io.BytesIO(word(report))) as docx_file:
        members = {name: docx_file.read(name) for name in docx_file.namelist()}
    parts = "".join(
        f'<pkg:part pkg:name="/{name}"><pkg:xmlData>{re.sub(r"<[?]xml[^>]*>", "", content.decode())}'
        "</pkg:xmlData></pkg:part>"
        for name, content in members.items()
        if name.endswith((".xml", ".rels"))
    )
    flat = (
        '<?xml version="1.0"?><?mso-application progid="Word.Document"?>'
        '<pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage">'
        f"{parts}</pkg:package>"
    ).encode()
    check_equal(report, flat, "ms-word+xml")


def excel_xml(report: Report) -> bytes:
    """The three tables as a reporting system fills them into one XML file."""
    sheets = []
    for grid in grids(report.form, report.cells):
        rows = []
        for boxes in placed(grid):
            cells = "".join(
                f'<Cell ss:Index="{x + 1}" ss:MergeAcross="{box.columns - 1}" ss:MergeDown="{box.rows - 1}">'
                f'<Data ss:Type="{"Number" if box.figure and box.text else "String"}">{box.text}</Data></Cell>'
                for x, box in boxes
            )
            rows.append(f"<Row>{cells}</Row>")
        sheets.append(
            f'<Worksheet ss:Name="{grid.name}"><Table>{"".join(rows)}</Table></Worksheet>'
        )
    hidden = (
        '<Worksheet ss:Name="old"><Table><Row><Cell><Data ss:Type="String">旧</Data></Cell></Row></Table>'
        '<x:WorksheetOptions xmlns:x="urn:schemas-microsoft-com:office:excel"><x:Visible>SheetHidden'
        "</x:Visible></x:WorksheetOptions></Worksheet>"
    )
    return (
        '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
        f"{''.join(sheets)}{hidden}</Workbook>"
    ).encode()


@pytest.mark.parametrize("form", REPORTS)
def test_a_workbook_in_one_xml_file_reads_alike(form: str) -> None:
    report = REPORTS[form]
    data = excel_xml(report)
    check_equal(report, data, "ms-excel+xml")
    assert "旧" not in str(extract(data).blocks)
