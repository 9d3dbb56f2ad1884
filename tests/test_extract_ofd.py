"""OFD: letters with places and paths become lines, tables and pictures."""

from __future__ import annotations

import pytest

from archive.extract import extract
from archive.extract.ofd import _deltas, _outlines
from archive.extract.ruled import Glyph, Line, Placed, Rule, read_page
from archive.grid import table_to_grid
from archive.model import Paragraph, Picture, Table, UnreadableError
from tests.office_files import OfdPages, archived, ofd_file


def texts(pages: OfdPages) -> list[str]:
    return [b.text for b in extract(ofd_file(pages.pages)).blocks if isinstance(b, Paragraph)]


def test_letters_on_one_baseline_are_a_line_and_wide_gaps_part_columns() -> None:
    canvas = OfdPages()
    canvas.text(120, 40, 4, "12")
    canvas.text(20, 40.3, 4, "规章")
    canvas.text(28, 40, 4, "数量")
    canvas.text(20, 50, 4, "下一行")
    assert texts(canvas) == ["规章数量\t12", "下一行"]


def test_steps_may_be_counted() -> None:
    assert _deltas("g 3 4.5 2 1.25") == [4.5, 4.5, 4.5, 2.0, 1.25]
    assert _deltas("g x") == []
    assert _deltas("g 999999999 1")[:2] == [1.0, 1.0]


def test_a_matrix_scales_text_and_its_steps() -> None:
    """Printers write points and scale them to millimetres."""
    canvas = OfdPages()
    canvas.pages[0].append(
        '<ofd:TextObject ID="5" CTM="0.3528 0 0 0.3528 0 0" Boundary="20 30 100 10" Size="12">'
        '<ofd:TextCode X="0" Y="12" DeltaX="12 300">行政许</ofd:TextCode></ofd:TextObject>'
    )
    canvas.text(20, 30 + 12 * 0.3528 + 20, 4, "下")
    assert texts(canvas) == ["行政\t许", "下"]


def test_a_path_is_its_straight_parts() -> None:
    assert list(_outlines("M 0 0 L 10 0 L 10 5 C M 1 1 B 1 2 3 4 5 6")) == [
        [(0.0, 0.0), (10.0, 0.0), (10.0, 5.0), (0.0, 0.0)],
        [(1.0, 1.0), (5.0, 6.0)],
    ]
    assert list(_outlines("M 0 0 L 10")) == []


def box(left: float, top: float, right: float, bottom: float) -> list[Rule]:
    return [
        Rule(left, top, right, top),
        Rule(left, bottom, right, bottom),
        Rule(left, top, left, bottom),
        Rule(right, top, right, bottom),
    ]


def letters(text: str, x: float, y: float) -> list[Glyph]:
    return [Glyph(letter, x + n * 3, y, 3, 3) for n, letter in enumerate(text)]


def test_boxes_that_no_line_parts_are_a_merged_cell() -> None:
    rules = [*box(0, 0, 30, 10), *box(30, 0, 60, 20), *box(0, 10, 30, 20), *box(0, 20, 60, 30)]
    glyphs = [
        *letters("甲", 5, 7), *letters("乙", 40, 12), *letters("丙", 5, 17), *letters("丁", 5, 27),
    ]  # fmt: skip
    (placed,) = read_page(glyphs, rules)
    assert isinstance(placed, Placed)
    assert [[(c.text, c.rowspan, c.colspan) for c in row] for row in placed.table.rows] == [
        [("甲", 1, 1), ("乙", 2, 1)],
        [("丙", 1, 1)],
        [("丁", 1, 2)],
    ]


def test_long_rules_drawn_once_make_the_same_grid() -> None:
    rules = [Rule(0, y, 60, y) for y in (0, 10, 20)] + [Rule(x, 0, x, 20) for x in (0, 20, 40, 60)]
    glyphs = [*letters("1", 5, 7), *letters("2", 25, 7), *letters("3", 45, 17)]
    (placed,) = read_page(glyphs, rules)
    assert isinstance(placed, Placed)
    assert table_to_grid(placed.table) == [["1", "2", ""], ["", "", "3"]]


def test_lines_that_close_no_rectangles_are_no_table() -> None:
    """An L-shaped cell cannot be told: its letters stay lines."""
    rules = [*box(0, 0, 40, 20), Rule(20, 0, 20, 10), Rule(0, 10, 20, 10), Rule(0, 10, 0, 20)]
    glyphs = [*letters("甲", 5, 7), *letters("乙", 25, 7), *letters("丙", 5, 17)]
    found = read_page(glyphs, rules)
    assert [item.text for item in found if isinstance(item, Line)] == ["甲\t乙", "丙"]


def test_a_frame_around_text_is_no_table() -> None:
    (line,) = read_page(letters("正文", 5, 7), box(0, 0, 60, 20))
    assert isinstance(line, Line)
    assert line.text == "正文"


def test_thin_filled_shapes_are_rules_too() -> None:
    canvas = OfdPages()
    for x, y, wide, high in (
        (20, 30, 60, 0.2), (20, 40, 60, 0.2), (20, 50, 60, 0.2),
        (20, 30, 0.2, 20), (50, 30, 0.2, 20), (80, 30, 0.2, 20),
    ):  # fmt: skip
        canvas.pages[0].append(
            f'<ofd:PathObject ID="9" Boundary="{x} {y} {wide} {high}" Stroke="false" Fill="true">'
            f"<ofd:AbbreviatedData>M 0 0 L {wide} 0 L {wide} {high} L 0 {high} C</ofd:AbbreviatedData>"
            "</ofd:PathObject>"
        )
    canvas.text(25, 37, 3, "规章")
    canvas.text(60, 37, 3, "7")
    canvas.text(25, 47, 3, "行政许可")
    (table,) = extract(ofd_file(canvas.pages)).blocks
    assert isinstance(table, Table)
    assert table_to_grid(table) == [["规章", "7"], ["行政许可", ""]]


def test_pictures_stand_between_the_lines() -> None:
    canvas = OfdPages()
    canvas.text(20, 20, 4, "上")
    canvas.y = 30
    canvas.picture(77, 50)
    canvas.text(20, 100, 4, "下")
    blocks = extract(ofd_file(canvas.pages, {77: b"\x89PNG..."})).blocks
    assert blocks == (
        Paragraph("上"),
        Picture("Doc_0/Res/77.png", b"\x89PNG..."),
        Paragraph("下"),
    )


def test_lines_broken_by_the_page_are_joined_for_readers_and_page_marks_dropped() -> None:
    canvas = OfdPages()
    canvas.paragraph("本年度" + "主动公开政府信息，" * 8 + "完。")
    canvas.paragraph("第二段。")
    canvas.text(100, 285, 4, "- 1 -")
    canvas.turn()
    canvas.text(20, 30, 4, "规章")
    canvas.text(100, 285, 4, "2")
    canvas.turn()
    canvas.text(20, 30, 4, "数量")
    canvas.text(100, 285, 4, "25")
    read = extract(ofd_file(canvas.pages))
    assert read.prose == (
        "本年度" + "主动公开政府信息，" * 8 + "完。", "第二段。", "规章", "数量", "25",
    )  # fmt: skip


def test_invisible_objects_are_not_printed() -> None:
    canvas = OfdPages()
    canvas.text(20, 20, 4, "看得见")
    canvas.text(20, 30, 4, "看不见")
    canvas.pages[0][-1] = canvas.pages[0][-1].replace(
        "<ofd:TextObject", '<ofd:TextObject Visible="false"'
    )
    assert texts(canvas) == ["看得见"]


def test_the_page_below_a_page_is_read_too() -> None:
    """Letterheads and empty forms are templates."""
    space = 'xmlns="http://www.ofdspec.org"'
    text = '<TextObject Boundary="20 {y} 50 5" Size="4"><TextCode X="0" Y="4">{text}</TextCode></TextObject>'
    content = "<Content><Layer><PageBlock>{}</PageBlock></Layer></Content>"
    data = archived(
        {
            "OFD.xml": f"<OFD {space}><DocBody><DocRoot>/Doc_0/Document.xml</DocRoot></DocBody></OFD>".encode(),
            "Doc_0/Document.xml": f'<Document {space}><CommonData><TemplatePage ID="3" BaseLoc="Tpls/T.xml"/>'
            '</CommonData><Pages><Page ID="1" BaseLoc="Pages/P.xml"/></Pages></Document>'.encode(),
            "Doc_0/Tpls/T.xml": f"<Page {space}>{content.format(text.format(y=10, text='表头'))}</Page>".encode(),
            "Doc_0/Pages/P.xml": f'<Page {space}><Template TemplateID="3"/>'
            f"{content.format(text.format(y=30, text='正文'))}</Page>".encode(),
        }
    )
    assert extract(data).blocks == (Paragraph("表头"), Paragraph("正文"))


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"OFD.xml": b"<OFD>"}, "OFD"),
        ({"OFD.xml": b"<OFD><DocRoot>Doc_0/D.xml</DocRoot></OFD>"}, "没有 Doc_0/D.xml"),
        ({"OFD.xml": b"<OFD/>"}, "没有文字"),
        ({"OFD.xml": b"0" * 60_000_000}, "压缩炸弹"),
    ],
)
def test_a_damaged_ofd_says_so(members: dict[str, bytes], reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        extract(archived(members))


def test_a_page_that_draws_without_end_is_refused() -> None:
    canvas = OfdPages()
    canvas.pages[0].append(
        '<ofd:TextObject Boundary="0 0 9 9" Size="3"><ofd:TextCode X="0" Y="3">'
        f"{'字' * 70_000}</ofd:TextCode></ofd:TextObject>"
    )
    with pytest.raises(UnreadableError, match="一页超过"):
        extract(ofd_file(canvas.pages))
