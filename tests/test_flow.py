"""Running text whose lines and pieces are torn: what is read is what is printed, or nothing."""

from __future__ import annotations

import pytest

from archive.cells.flow import read_flow
from archive.cells.sheet import Sheet
from archive.cells.tables import read_table
from archive.extract.plain import read_plain, read_plain_grid
from archive.model import Cell, Table
from archive.parse import parse

COLUMNS_2019 = ("made", "newly_published", "published_total")
HEADING = "第二十条第（八）项\n信息内容\n本年收费金额（单位：万元）\n"


def numbers(text: str, table: str) -> dict[str, str]:
    sheet = Sheet()
    read_flow(text, sheet)
    found = {key: value for key, (value, _) in sheet.values(table).items()}
    return {key: value for key, value in found.items() if value is not None}


def test_a_number_in_pieces_is_one_or_none() -> None:
    """As pages print it in runs of text: 3 and . and 09."""
    fees = {"disclosure.fees.amount_wan": "3.09"}
    assert numbers(f"{HEADING}行政事业性收费\n3\n.\n09\n", "disclosure") == fees
    assert numbers(f"{HEADING}行政事业性收费\n3 .09\n", "disclosure") == fees
    assert numbers(f"{HEADING}行政事业性收费\n3.\n09\n", "disclosure") == fees
    assert numbers(f"{HEADING}行政事业性收费\n3\n.\n0\n9\n", "disclosure") == {}


@pytest.mark.parametrize("unit", ["元", "单位：元", "单位：亿元", "金额单位：千元"])
def test_fees_in_another_unit_than_the_forms_are_doubted(unit: str) -> None:
    sheet = Sheet()
    heading = HEADING.replace("单位：万元", unit)
    licences = "第二十条第（五）项\n信息内容\n本年处理决定数量\n行政许可\n7\n"
    read_flow(f"{licences}{heading}行政事业性收费\n3.09\n", sheet)
    values = sheet.values("disclosure")
    assert values["disclosure.licensing.decisions"] == ("7", None)
    fees, note = values["disclosure.fees.amount_wan"]
    assert fees is None
    assert note is not None
    assert note.printed == "3.09" + unit.rpartition("：")[2]


def test_a_column_has_its_own_unit_only() -> None:
    text = "第二十条第（九）项\n信息内容\n采购项目数量 采购总金额（万元）\n政府集中采购 12 345.6\n"
    assert numbers(text, "disclosure") == {
        "disclosure.procurement.items": "12",
        "disclosure.procurement.amount": "345.6",
    }


@pytest.mark.parametrize(
    ("headings", "is_read"),
    [
        ("自然人 法人或其他组织 总计 商业企业 科研机构 社会公益组织 法律服务机构 其他", True),
        # By height: 自然人 and 总计 are two rows high, and headings of two lines are torn.
        ("总计 商业企业 科研机构 社会公益组织 法律服务机构 其他 自然人", True),
        ("自然人 总计 商业 科研 社会公益 法律服务 其他 企业 机构 组织 机构", True),
        ("自然人 法人或其他组织 总计 科研机构 商业企业 社会公益组织 法律服务机构 其他", False),
    ],
)
def test_columns_in_another_order_are_doubted(headings: str, is_read: bool) -> None:
    rows = [
        "本年度没有科研机构、商业企业提出申请。",
        "申请人情况 " + headings,
        "一、本年新收政府信息公开申请数量 7 1 0 0 0 0 8",
        "三、本年度办理结果（一）予以公开 6 0 0 0 0 0 6",
        "（二）部分公开 1 0 0 0 0 0 1",
        "（三）不予公开 1.属于国家秘密 0 0 0 0 0 0 0",
    ]
    assert bool(numbers("\n".join(rows), "requests")) is is_read


@pytest.mark.parametrize(
    ("blocks", "is_read"),
    [
        ("行政复议 行政诉讼\n未经复议直接起诉 复议后起诉", True),
        # By height: 行政复议 is two rows high.
        ("行政诉讼\n行政复议\n未经复议直接起诉 复议后起诉", True),
        ("行政复议\n未经复议直接起诉 复议后起诉", True),
        ("行政诉讼\n未经复议直接起诉 行政复议 复议后起诉", False),
    ],
)
def test_blocks_in_another_order_are_doubted(blocks: str, is_read: bool) -> None:
    text = (
        f"四、政府信息公开行政复议、行政诉讼情况\n{blocks}\n"
        + "结果维持 结果纠正 其他结果 尚未审结 总计 " * 3
        + "\n1 0 0 0 1 0 2 0 0 2 0 0 0 3 3\n"
    )
    assert bool(numbers(text, "disputes")) is is_read


def test_the_number_of_an_item_may_stand_apart_from_its_point() -> None:
    rows = [
        "一、本年新收政府信息公开申请数量 7 0 0 0 0 0 7",
        "三、本年度办理结果（一）予以公开 6 0 0 0 0 0 6",
        "（三）不予公开 1",
        ".属于国家秘密 0 0 0 0 0 0 0 2",
        ".其他法律行政法规禁止公开 1 0 0 0 0 0 1",
    ]
    read = numbers("\n".join(rows), "requests")
    assert read["requests.denied_state_secret.total"] == "0"
    assert read["requests.denied_law_prohibited.natural_person"] == "1"
    assert len(read) == 4 * 7


def test_a_label_that_is_broken_by_figures_takes_no_figures_of_the_next_row() -> None:
    """As aligned text sets figures in the middle of a label's height."""
    rows = [
        "一、本年新收政府信息公开申请数量 9 0 0 0 0 0 9",
        "三、本年度办理结果（一）予以公开 6 0 0 0 0 0 6",
        "（二）部分公开 1 0 0 0 0 0 1",
        "（六）\n2 0 0 0 0 0 2\n其他处理",
        "（七\n9 0 0 0 0 0 9\n）总计",
    ]
    read = numbers("\n".join(rows), "requests")
    assert {key.split(".")[1] for key in read} == {"received_new", "granted", "granted_partial"}


def test_column_names_torn_into_lines_name_no_columns() -> None:
    """「本年新公开数量」 and 「对外公开总数量」, the first line of each before the second."""
    torn = "信息内容  本年新制作  本年      对外公开\n          数量       新公开数量  总数量\n"
    assert numbers(f"第二十条第（一）项\n{torn}规章  2          33\n", "disclosure") == {}


OF_2019 = {
    **{f"disclosure.regulations.{c}": v for c, v in zip(COLUMNS_2019, "123", strict=True)},
    **{f"disclosure.normative_documents.{c}": v for c, v in zip(COLUMNS_2019, "456", strict=True)},
}


@pytest.mark.parametrize("apart", [" | ", "\n", " |\n"])
@pytest.mark.parametrize(
    ("heading", "read"),
    [
        (["本年新", "本年新", "对外公开总数量"], OF_2019),
        (["本年新制作", "本年新公", "对外公开"], OF_2019),
        # One name twice, names of no place, names of two forms.
        (["本年新制作数量", "本年新制作数量", "对外公开总数量"], {}),
        (["数量", "数量", "总数量"], {}),
        (["本年新", "本年新", "现行有效件"], {}),
    ],
)
def test_column_names_cut_short_are_known_by_their_order(
    apart: str, heading: list[str], read: dict[str, str]
) -> None:
    """As pages that lost what stands behind a line break: of texts, and of tables below."""
    rows = [["信息内容", *heading], ["规章", *"123"], ["规范性文件", *"456"]]
    assert numbers("第二十条第（一）项\n" + "\n".join(map(apart.join, rows)), "disclosure") == read
    sheet = Sheet()
    read_table(Table(tuple(tuple(map(Cell, row)) for row in rows)), sheet)
    found = {key: value for key, (value, _) in sheet.values("disclosure").items()}
    assert {key: value for key, value in found.items() if value is not None} == read


def test_a_row_without_figures_does_not_hide_the_next() -> None:
    words = "第二十条第(一)项\n信息内容\n本年制发件数\n本年废止件数\n现行有效件数\n"
    read = numbers(f"{words}规章\n行政规范性文件\n3\n4\n5\n", "disclosure")
    assert read == {
        "disclosure.normative_documents.issued": "3",
        "disclosure.normative_documents.repealed": "4",
        "disclosure.normative_documents.in_force": "5",
    }


def test_a_mark_below_headings_is_no_empty_cell() -> None:
    """14 figures behind a mark are 15 cells, or one was left out: nothing can be told."""
    heads = "结果维持 |\n结果纠正 |\n其他结果 |\n尚未审结 |\n总计 |\n"
    table = f"行政复议 |\n行政诉讼 |\n未经复议直接起诉 |\n复议后起诉 |\n{heads * 3}|\n"
    for figures, count in (("1 |\n" * 14, 0), ("1 |\n" * 15, 15), ("1 |\n|\n" * 7 + "1 |\n", 8)):
        assert len(numbers(table + figures, "disputes")) == count


def test_a_total_may_be_a_number_alone() -> None:
    """「对外公开数量」 for 「对外公开总数量」."""
    words = "第二十条第(一项)\n信息内容\n本年新制作数量\n本年新公开数量\n对外公开数量\n"
    read = numbers(f"{words}规章\n0\n1\n2\n规范性文件\n3\n4\n5\n", "disclosure")
    assert read["disclosure.regulations.published_total"] == "2"
    assert read["disclosure.normative_documents.published_total"] == "5"
    assert len(read) == 6


def test_marks_of_headings_are_no_words() -> None:
    text = "# 市体育局2022年政府信息公开工作报告\n\n## 一、总体情况\n\n#1 有序开展。"
    assert read_plain(text).prose == (
        "市体育局2022年政府信息公开工作报告",
        "一、总体情况",
        "#1 有序开展。",
    )


def test_marks_that_fill_up_a_row_are_no_cells() -> None:
    text = "\n".join(
        (
            "| 第二十条第（一）项 | ||||||",
            "| 信息内容 | 本年制发件数 | 本年废止件数 | 现行有效件数 | |||",
            "| 规章 | 2 | 33 | ||||",
            "| 行政规范性文件 | 1 | | 4 | |||",
        )
    )
    (table,) = (b for b in read_plain_grid(read_plain(text)).blocks if isinstance(b, Table))
    assert [cell.text for cell in table.rows[2]] == ["规章", "2", "33"]
    assert [cell.text for cell in table.rows[3]] == ["行政规范性文件", "1", "", "4"]
    read = parse(read_plain_grid(read_plain(text))).cells
    assert read["disclosure.regulations.issued"] is None
    assert read["disclosure.regulations.repealed"] is None
    assert read["disclosure.normative_documents.in_force"] == "4"


def test_marks_on_both_sides_of_every_cell_are_no_empty_cells() -> None:
    heads = "结果维持||结果纠正||其他结果||尚未审结||总计"
    text = f"|{heads}|\n|{heads}||{heads}|\n-|1||1||1||3||1||1||1||1|"
    (table,) = (b for b in read_plain_grid(read_plain(text)).blocks if isinstance(b, Table))
    assert [cell.text for cell in table.rows[2]] == ["1", "1", "1", "3", "1", "1", "1", "1"]
