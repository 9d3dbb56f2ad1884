"""Titles, bodies and years, as lists and pages print them."""

import pytest

from archive.identify import (
    compact,
    identify,
    issuer_in_title,
    report_title_verdict,
    year_in_title,
)
from archive.model import Document, Evidence, Paragraph, Section

REPORTS = [
    ("2022年上海市政府信息公开工作年度报告", 2022, "上海市"),
    ("吕梁市离石区人民政府2020 年政府信息公开年度报告", 2020, "吕梁市离石区人民政府"),
    ("舒兰市市场监督管理局2016年政务信息公开年度报告", 2016, "舒兰市市场监督管理局"),
    (
        "国家税务总局珠海市香洲区税务局2023年政府信息公开工作年度报告",
        2023,
        "国家税务总局珠海市香洲区税务局",
    ),
    ("河北省科学技术厅2017年政府信息公开工作年度报...", 2017, "河北省科学技术厅"),
    ("北原市财政局2023年政府信息公开年报", 2023, "北原市财政局"),
    ("二〇一八年北原市政府信息公开工作报告", 2018, "北原市"),
    ("北原市2023年度政府信息公开工作年度报告（图片版）", 2023, "北原市"),
    ("政府信息公开情况统计表（ 2018年度）", 2018, None),
    ("市林业局2018年政务公开年度报告", 2018, "市林业局"),
    ("青年湖街道办事处2022年度政府信息公开工作年度报告", 2022, "青年湖街道办事处"),
    ("北原市教育局2021政府信息公开年度报告", 2021, "北原市教育局"),
    ("2009北原市政府信息公开工作年度报告", 2009, "北原市"),
    ("2025临河县大垅乡2025年度政府信息公开工作年度报告", 2025, "临河县大垅乡"),
]
LOOKALIKES = [
    "北原市2023年政府网站工作年度报表",
    "北原市财政局2023年法治政府建设年度报告",
    "关于做好2023年政府信息公开工作年度报告编制工作的通知",
    "北原市政府信息公开指南",
    "北原市财政局2024年预算公开",
    "图解：北原市人民政府2025年政府信息公开工作年度报告",
    "一图读懂北原市2023年政府信息公开工作年度报告",
    "北原大学2020-2021学年度信息公开工作年度报告",
    "北原市2023年政务公开工作总结",
    "政府信息公开年度工作报告范文",
]


@pytest.mark.parametrize(("title", "year", "body"), REPORTS)
def test_reports_titles(title: str, year: int, body: str | None) -> None:
    assert report_title_verdict(title) == "report"
    assert year_in_title(title) == year
    assert issuer_in_title(title) == body


@pytest.mark.parametrize("title", LOOKALIKES)
def test_lookalikes_titles(title: str) -> None:
    assert report_title_verdict(title) == "lookalike"


@pytest.mark.parametrize(
    "title",
    [
        "2023年年报",
        "年度报告",
        "北原市2012年政府信息公开工作总结",
        "",
        "通知公告栏目",
        "\x00\ud800",
    ],
)
def test_titles_that_say_neither(title: str) -> None:
    assert report_title_verdict(title) == "unknown"


def identified(title: str, portal: str, *lines: str) -> str | None:
    document = Document("text/html", tuple(map(Paragraph, lines)))
    evidence = Evidence(portal_name=portal, listed_title=title)
    return identify(document, evidence, (), 0).issuer


@pytest.mark.parametrize(
    ("title", "portal", "issuer"),
    [
        # Relative names are completed from the portal, 市场 is no 市.
        ("市教育局2023年政府信息公开工作年度报告", "北原市人民政府", "北原市教育局"),
        ("市场监督管理局2023年政府信息公开工作年度报告", "北原市人民政府", "北原市市场监督管理局"),
        ("曲阳街道2023年政府信息公开年报", "淮北市相山区人民政府", "淮北市相山区曲阳街道办事处"),
        ("洪泽区教育局2023年政府信息公开年报", "淮安市洪泽区人民政府", "淮安市洪泽区教育局"),
        ("洪泽区人民政府2023年政府信息公开年报", "淮安市洪泽区人民政府", "淮安市洪泽区人民政府"),
        ("北原市2023年政府信息公开工作年度报告", "北原市人民政府", "北原市人民政府"),
        ("2023年政府信息公开工作年度报告", "北原市财政局", "北原市财政局"),
        # Two bodies, one compiler: the office is not the government.
        ("北原市人民政府办公室2023年政府信息公开年报", "北原市人民政府", "北原市人民政府办公室"),
        # A body that names its own place keeps it.
        ("临河县人民政府2023年政府信息公开年报", "北原市人民政府", "临河县人民政府"),
        (
            "国家税务总局北原市税务局2023年政府信息公开年报",
            "北原市人民政府",
            "国家税务总局北原市税务局",
        ),
    ],
)
def test_full_names(title: str, portal: str, issuer: str) -> None:
    assert identified(title, portal) == issuer


def test_a_text_without_title_is_known_by_its_chapters_and_period() -> None:
    document = Document(
        "text/plain",
        (
            Paragraph("根据《中华人民共和国政府信息公开条例》要求，编制本报告。"),
            Paragraph("所列数据统计期限自2021年1月1日起，至2021年12月31日止。"),
            Paragraph("如有疑问，请与北原市人民政府办公室联系。"),
        ),
    )
    chapters = [Section(number, "", "") for number in range(1, 7)]
    identity = identify(document, Evidence(portal_name="北原市人民政府"), chapters, 0)
    assert identity.is_report
    assert (identity.issuer, identity.year) == ("北原市人民政府办公室", 2021)


def test_the_title_wins_over_a_left_over_year_in_the_prose() -> None:
    document = Document("text/plain", (Paragraph("统计期限为2020年1月1日至2020年12月31日。" * 8),))
    evidence = Evidence(listed_title="北原市2021年政府信息公开工作年度报告")
    assert identify(document, evidence, (), 200).year == 2021


def test_a_listed_lookalike_is_refused_with_its_title() -> None:
    document = Document("text/html", (Paragraph("政府信息公开" * 50),))
    evidence = Evidence(listed_title="北原市2023年政府网站工作年度报表")
    identity = identify(document, evidence, (), 0)
    assert not identity.is_report
    assert "政府网站工作年度报表" in identity.reason


def test_compact_is_the_normal_form() -> None:
    assert compact("（一）　予以 公开\u200b１２") == "(一)予以公开12"
