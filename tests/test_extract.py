"""Every medium becomes blocks; what is no document says so in one sentence."""

import io
import zipfile
from collections.abc import Callable

import docx
import pytest

from archive.charset import decode
from archive.extract import extract, media_type
from archive.extract.pdf import RADICALS, _without_numbers
from archive.extract.web import read_html
from archive.grid import table_to_grid
from archive.model import Paragraph, Table, UnreadableError
from archive.parse import parse
from tests.portals.figures import Scale
from tests.portals.papers import pdf, word
from tests.portals.reports import Body, Report, series


def paragraphs(source: str) -> list[str]:
    return [b.text for b in read_html(source).blocks if isinstance(b, Paragraph)]


def tables(source: str) -> list[Table]:
    return [b for b in read_html(source).blocks if isinstance(b, Table)]


@pytest.mark.parametrize(
    ("data", "content_type", "text"),
    [
        # A label that lies: UTF-8 bytes called gb2312, by the page and by the server.
        ('<meta charset="gb2312">年度报告'.encode(), "", "年度报告"),
        ("年度报告".encode(), "text/html; charset=gb2312", "年度报告"),
        # gb2312 that holds characters only gbk has (镕, 喆).
        ('<meta charset="gb2312">朱镕喆局长'.encode("gbk"), "", "朱镕喆局长"),
        ("\ufeff年报".encode("utf-16"), "", "年报"),
        (b"\xef\xbb\xbf" + "年报".encode(), "", "年报"),
        ("年度报告".encode("gbk") * 30, "text/html; charset=klingon", "年度报告"),
        ("年度报告".encode("gbk") * 30, "text/html; charset=ISO-8859-1", "年度报告"),
        # Cut in the middle of a character.
        ("政府信息公开年度报告".encode()[:-1], "", "政府信息公开年度报"),
    ],
)
def test_encodings(data: bytes, content_type: str, text: str) -> None:
    assert text in decode(data, content_type)


def test_the_media_type_is_in_the_bytes() -> None:
    assert media_type(b"%PDF-1.7 ...") == "application/pdf"
    assert media_type(b"\r\n\r\n<!DOCTYPE html><html>") == "text/html"
    assert media_type("一、总体情况".encode("gbk")) == "text/plain"
    assert media_type(b"HTTP junk\r\n%PDF-1.4 ...") == "application/pdf"
    assert media_type(b"<html><p>%PDF-1.4</p>") == "text/html"
    assert media_type("年报\n收到申请3件。".encode("utf-16-le")) == "text/plain"
    assert media_type(b"MIME-Version: 1.0\nContent-Type: multipart/related;\n\tboundary=x\n\n") == (
        "multipart/related"
    )
    assert media_type(b'<?xml version="1.0"?><?mso-application progid="Word.Document"?><w:x/>') == (
        "application/vnd.ms-word+xml"
    )
    assert media_type(bytes(range(256)) * 8) == "application/octet-stream"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "空"),
        (b"   \r\n", "空"),
        (b"%PDF-1.4 truncated", "PDF"),
        (b"PK\x03\x04 not a zip", "压缩包"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "Office"),
        (b"Rar!\x1a\x07\0" + b"\0" * 90, "RAR 压缩包"),
        (b"7z\xbc\xaf\x27\x1c" + b"\0" * 90, "7z 压缩包"),
        (b"\x1f\x8b\x08" + b"\0" * 90, "GZIP"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 90, "图片"),
        (bytes(range(256)) * 8, "二进制"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        extract(data)


def test_a_zip_bomb_called_docx_is_refused_unopened() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("word/document.xml", b"0" * 60_000_000)
    with pytest.raises(UnreadableError, match="压缩炸弹"):
        extract(buffer.getvalue())


def test_the_container_of_the_cms_is_the_article() -> None:
    page = f"""<html><body><div class="nav">首页 政务公开</div>
      <div class="TRS_Editor"><p>一、总体情况</p><p>{"正文。" * 30}</p></div>
      <div class="foot">主办单位</div></body></html>"""
    assert paragraphs(page) == ["一、总体情况", "正文。" * 30]


def test_an_unknown_container_is_found_by_its_text() -> None:
    sentence = "本年度主动公开政府信息若干条，各项工作有序推进，群众获取信息更加便捷。"
    page = f"""<html><body><div class="m"><ul>{"<li><a href='x'>栏目</a></li>" * 30}</ul></div>
      <div class="whatever"><p>一、总体情况</p><p>{sentence * 3}</p><p>{sentence * 4}</p></div>
      <div class="q">{"<a href='y'>友情链接</a>" * 40}</div></body></html>"""
    found = paragraphs(page)
    assert "一、总体情况" in found
    assert not any("友情链接" in line or "栏目" in line for line in found)


def test_a_hidden_mobile_copy_is_not_read_twice() -> None:
    row = "<tr><td>（一）予以公开</td>" + "<td>1</td>" * 7 + "</tr>"
    page = f"""<div id="zoom">{"字" * 50}<table>{row * 2}</table>
      <div style="display: none"><table>{row * 2}</table></div></div>"""
    assert len(tables(page)) == 1


def test_tables_inside_a_layout_table_are_tables() -> None:
    inner = "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>"
    page = f"<div id='zoom'>{'字' * 50}<table><tr><td>左</td><td>{inner}</td></tr></table></div>"
    assert [table_to_grid(table) for table in tables(page)] == [[["a", "b"], ["c", "d"]]]


def test_word_paste_labels_split_over_spans() -> None:
    page = """<div id="zoom"><table class=MsoNormalTable><tr>
      <td><p class=MsoNormal><span>3.</span><span lang=EN-US>危及</span><span>“三安全一稳定”<o:p></o:p></span></p></td>
      <td><![if !supportMisalignedColumns]><![endif]><p><span>&nbsp;1<br>2</span></p></td></tr>
      <tr><td>x</td><td>y</td></tr></table><p>说明文字说明文字说明文字说明文字说明文字说明文字说明文字</p></div>"""
    (table,) = tables(page)
    assert table.rows[0][0].text == "3.危及“三安全一稳定”"
    assert table.rows[0][1].text == "1 2"


def test_hostile_trees_come_to_an_end() -> None:
    deep = "<div>" * 20_000 + "字" * 100 + "</div>" * 20_000
    extract(f"<html><body>{deep}</body></html>".encode())
    extract(b"<html><body>" + b"<table><tr><td>" * 3_000)


def test_links_are_absolute_and_without_sessions() -> None:
    page = f"""<div id="zoom">{"字" * 50}<a href="./P0.pdf;jsessionid=1A2B?x=1">附件</a>
      <a href="javascript:print()">打印</a><a href="http://[bad">坏</a></div>"""
    assert read_html(page, "http://a.gov.cn/x/y.html").links == ("http://a.gov.cn/x/P0.pdf?x=1",)


def test_the_radical_table_is_aligned() -> None:
    assert "⺠".translate(RADICALS) == "民"
    assert "⼾⻚⻅⻓⻔⻜⻥⻰".translate(RADICALS) == "户页见长门飞鱼龙"


BODY = Body(
    "北原市教育局",
    "education",
    Scale(requests=12, disputes=4, documents=5, licences=30, fees_wan=3.5),
    "电话：0000-1234567",
)
REPORT = series(
    BODY, {2023: ("clean", "2024-01-20", "北原市教育局2023年政府信息公开工作年度报告")}
)[2023]


def test_a_docx_keeps_its_merges() -> None:
    document = docx.Document()
    document.add_paragraph("二、主动公开政府信息情况")
    table = document.add_table(rows=2, cols=3)
    table.cell(0, 0).merge(table.cell(1, 0)).text = "竖"
    table.cell(0, 1).merge(table.cell(0, 2)).text = "横"
    table.cell(1, 1).text, table.cell(1, 2).text = "甲", "乙"
    buffer = io.BytesIO()
    document.save(buffer)
    read = extract(buffer.getvalue())
    assert read.blocks[0] == Paragraph("二、主动公开政府信息情况")
    assert isinstance(read.blocks[1], Table)
    assert table_to_grid(read.blocks[1]) == [["竖", "横", "横"], ["竖", "甲", "乙"]]
    assert [len(row) for row in read.blocks[1].rows] == [2, 2]


@pytest.mark.parametrize("medium", [pdf, word], ids=["pdf", "docx"])
def test_paper_reads_like_the_page(medium: Callable[[Report], bytes]) -> None:
    read = parse(extract(medium(REPORT)))
    assert read.form == "2021"
    assert dict(read.cells) == dict(REPORT.cells)
    assert [section.number for section in read.sections] == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        ("12<sup>1</sup>", "12 [1]"),
        ("12<span style='font-size:8px; vertical-align: super'>1</span>", "12 [1]"),
        ("<s>5</s>6", "6"),
        ("<span style='text-decoration: line-through;'>5</span>6", "6"),
        ("<span style='color:red;text-decoration-line:line-through'>5</span>6", "6"),
        ("<span style='text-decoration:underline'>5</span>6", "56"),
        ("7&amp;nbsp;", "7"),
        ("<input value='7'>", "7"),
        ("<input type='number' value='7'>件", "7 件"),
        ("<textarea>7</textarea>", "7"),
        ("<input type='text' value=''>", ""),
        ("<input type='text' style='display:none' value='3'>5", "5"),
        ("5<input value='5'>", "5"),
        ("<span style='vertical-align:super'>5</span>", "5"),
        ("<input type='hidden' value='7'>8", "8"),
        ("<input type='checkbox' value='7'>8", "8"),
    ],
)
def test_what_is_struck_raised_or_filled_in(printed: str, text: str) -> None:
    table = read_html(
        f"<div id='zoom'><table><tr><td>规章</td><td>{printed}</td><td>9</td></tr>"
        f"<tr><td>a</td><td>b</td><td>c</td></tr></table>{'字' * 50}</div>"
    ).blocks[0]
    assert isinstance(table, Table)
    assert [cell.text for cell in table.rows[0]] == ["规章", text, "9"]


def test_a_cell_that_is_struck_out_keeps_its_place() -> None:
    struck = "<td style='text-decoration:line-through'>5</td>"
    table = read_html(
        f"<div id='zoom'><table><tr><td>规章</td>{struck}<td>9</td></tr>"
        f"<tr><td>a</td><td>b</td><td>c</td></tr></table>{'字' * 50}</div>"
    ).blocks[0]
    assert isinstance(table, Table)
    assert [cell.text for cell in table.rows[0]] == ["规章", "", "9"]


def test_plain_text_in_utf_16_without_its_mark_is_read() -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        read = extract("一、总体情况\r\n收到申请3件。\r\n".encode(encoding))
        assert read.prose == ("一、总体情况", "收到申请3件。")


def test_html_in_utf_16_is_html() -> None:
    assert media_type("<html><body>政府信息公开</body></html>".encode("utf-16")) == "text/html"


def test_bare_page_numbers_are_dropped_and_figures_kept() -> None:
    pages = [["a", "0", "3"], ["b", "7"], ["c", "5"]]
    assert _without_numbers(pages) == [["a", "0"], ["b", "7"], ["c"]]
