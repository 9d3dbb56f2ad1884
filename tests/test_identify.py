"""Titles, bodies and years, as lists and pages print them."""

from random import Random

import pytest

from archive.identify import (
    compact,
    identify,
    issuer_in_title,
    report_title_verdict,
    year_in_title,
)
from archive.model import Document, Evidence, Paragraph, Picture, Section

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
    ("北原市审计局关于2018年政府信息公开工作情况的报告", 2018, "北原市审计局"),
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
    document = Document("text/html", tuple(map(Paragraph, lines or ("附件",))))
    evidence = Evidence(portal_name=portal, listed_title=title)
    return identify(document, evidence, (), 0).issuer


@pytest.mark.parametrize(
    ("title", "portal", "issuer"),
    [
        # Relative names are completed from the portal, 市场 is no 市.
        ("市教育局2023年政府信息公开工作年度报告", "北原市人民政府", "北原市教育局"),
        ("市场监督管理局2023年政府信息公开工作年度报告", "北原市人民政府", "北原市市场监督管理局"),
        ("曲阳街道2023年政府信息公开年报", "淮北市相山区人民政府", "淮北市相山区曲阳街道办事处"),
        ("瑞景街2023年政府信息公开年报", "天津市北辰区人民政府", "天津市北辰区瑞景街道办事处"),
        ("洪泽区教育局2023年政府信息公开年报", "淮安市洪泽区人民政府", "淮安市洪泽区教育局"),
        ("洪泽区人民政府2023年政府信息公开年报", "淮安市洪泽区人民政府", "淮安市洪泽区人民政府"),
        ("北原市2023年政府信息公开工作年度报告", "北原市人民政府", "北原市人民政府"),
        ("2023年政府信息公开工作年度报告", "北原市财政局", "北原市财政局"),
        ("江苏省淮安市气象部门2021年政府信息公开年报", "江苏省气象局", "江苏省淮安市气象局"),
        # Whose figures a report counts is no part of a name.
        ("海关总署（本级机关）2020年政府信息公开年报", "海关总署", "海关总署"),
        ("全国海关2020年政府信息公开工作年度报告", "海关总署", "海关总署"),
        ("北原市财政局（机关本级）2020年政府信息公开年报", "北原市人民政府", "北原市财政局"),
        ("北原市公安局（机关）2020年政府信息公开年报", "北原市人民政府", "北原市公安局"),
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


def document(*lines: str, title: str | None = None, **metas: str) -> Document:
    return Document("text/html", tuple(map(Paragraph, lines)), title=title, metas=metas)


PREAMBLE = "本报告根据《中华人民共和国政府信息公开条例》编制。"
LONG = "一年来，认真落实政府信息公开各项要求，及时发布群众关心的内容，办理申请，回应关切。" * 8
CHAPTERS = [Section(number, "", "") for number in range(1, 7)]
TITLE_2021 = "北原市教育局2021年政府信息公开工作年度报告"


def test_the_evidence_is_named() -> None:
    found = identify(
        document(LONG, title="2021年政府信息公开年报", SiteName="北原市人民政府门户网站"),
        Evidence(listed_title="市教育局2021年政府信息公开年报"),
        CHAPTERS,
        200,
    )
    assert (found.issuer, found.year) == ("北原市教育局", 2021)
    assert found.evidence["issuer"] == "列表标题「市教育局2021年政府信息公开年报」"
    assert found.reason == "列表标题「市教育局2021年政府信息公开年报」"
    assert found.body is not None
    assert (found.body.kind, found.body.name) == ("department", "北原市教育局")


@pytest.mark.parametrize(
    ("page", "portal", "issuer", "why"),
    [
        (document(LONG, title=TITLE_2021), None, "北原市教育局", "页面标题"),
        (document(LONG, ArticleTitle=TITLE_2021), None, "北原市教育局", "ArticleTitle"),
        (
            document("北原市教育局", "2021年政府信息公开", "工作年度报告", LONG),
            None,
            "北原市教育局",
            "正文标题",
        ),
        (
            document("现公布北原市教育局2021年政府信息公开工作年度报告。", LONG),
            None,
            "北原市教育局",
            "前言",
        ),
        (
            document("现向社会公布2021年度北原市教育局政府信息公开工作年度报告。", LONG),
            None,
            "北原市教育局",
            "前言",
        ),
        (
            document("特编制并向社会公布2021年度街道信息公开年度报告。请与兴东街道办事处联系。"),
            "北原市人民政府",
            "北原市兴东街道办事处",
            "联系方式",
        ),
        (
            document("本年报由兴东街道党政办公室编制。请与街道监察室联系。", LONG),
            "北原市人民政府",
            "北原市兴东街道办事处",
            "前言",
        ),
        (
            document("本报告由市人力资源和社会保障局编制。", LONG),
            "北原市人民政府",
            "北原市人力资源和社会保障局",
            "前言",
        ),
        # Who writes it down for the government does not own it.
        (document("本报告由市政府办公室编制。", LONG), "北原市人民政府", "北原市人民政府", "门户"),
        (
            document("本报告由市政府信息公开工作领导小组办公室编制。", LONG),
            "北原市人民政府",
            "北原市人民政府",
            "前言",
        ),
        (
            document("本报告由市委机构编制委员会办公室编制。", LONG),
            "北原市委机构编制委员会办公室",
            "北原市委机构编制委员会办公室",
            "门户",
        ),
        (
            document("如有疑问，请联系：北原市大街乡信息公开办公室，邮编：324403", LONG),
            "北原市人民政府",
            "北原市大街乡人民政府",
            "联系方式",
        ),
        (
            document("由市政府办公室综合各区和各部门的年报编制而成。请与市政府办公室联系。", LONG),
            "北原市人民政府",
            "北原市人民政府",
            "门户",
        ),
        (document("本报告由总体情况等部分组成。", LONG), "北原市教育局", "北原市教育局", "门户"),
        (
            document(LONG + "如有疑问，请与北原市教育局办公室联系。"),
            None,
            "北原市教育局",
            "联系方式",
        ),
        (document(LONG, "北原市教育局", "2022年1月12日"), None, "北原市教育局", "落款"),
        (
            document(LONG, ContentSource="市教育局"),
            "北原市人民政府",
            "北原市教育局",
            "ContentSource",
        ),
        (
            document("发布机构：北原市教育局  发布日期：2022-01-12", LONG),
            None,
            "北原市教育局",
            "发布机构",
        ),
        (document(LONG), "北原市教育局", "北原市教育局", "门户"),
        # The office that puts the government's report on the site does not own it.
        (document(LONG, ContentSource="市政府办公室"), "北原市人民政府", "北原市人民政府", "门户"),
        # 我局 and 本机关 name nobody without a portal.
        (document(LONG + "请与本机关办公室联系。"), "北原市教育局", "北原市教育局", "门户"),
    ],
)
def test_what_names_the_body(page: Document, portal: str | None, issuer: str, why: str) -> None:
    evidence = Evidence(portal_name=portal, listed_title="2021年政府信息公开工作年度报告")
    found = identify(page, evidence, CHAPTERS, 200)
    assert found.issuer == issuer
    assert why in found.evidence["issuer"]
    assert found.year == 2021


STATE_ASSETS = "北原市人民政府国有资产监督管理委员会"


@pytest.mark.parametrize(
    ("lines", "issuer"),
    [
        (("标  题 北原市体育局2022年政府信息公开工作年度报告",), "北原市体育局"),
        (("标 题 | 北原市政府国资委2022政府信息公开工作年度报告 | ||",), STATE_ASSETS),
        (("- 名 称：北原市2022年政府信息公开工作年度报告",), "北原市人民政府"),
    ],
)
def test_the_word_for_a_title_is_no_part_of_it(lines: tuple[str, ...], issuer: str) -> None:
    found = identify(document(*lines, LONG), Evidence(portal_name="北原市人民政府"), CHAPTERS, 200)
    assert (found.issuer, found.year) == (issuer, 2022)


@pytest.mark.parametrize(
    ("text", "issuer"),
    [
        # It speaks of itself as 我局, or nothing speaks for the government.
        ("2022年,市体育局加强领导。我局依法公开,市体育局认真答复。", "北原市体育局"),
        ("2022年北原市体育局加强领导。北原市体育局公开,北原市体育局答复。", "北原市体育局"),
        ("2022年,东山镇继续推进。我镇依法公开,东山镇认真答复。", "北原市东山镇人民政府"),
        # A government tells of its bureau.
        ("2022年,市体育局受理12件。我市依法公开,市体育局、市体育局。", "北原市人民政府"),
        ("2022年,市体育局受理12件,市体育局答复。", "北原市人民政府"),
        ("2022年,全市各镇依法公开。我镇加强领导。", None),
        # A town or a zone that does something, if it is the only one.
        ("2022年我乡重视公开。截至12月底,牛街乡人民政府通过网站公开3条。", "北原市牛街乡人民政府"),
        ("2022年,在市政府领导下,东山经开区管委会认真公开。我委公开3条。", "东山经开区管理委员会"),
        ("2022年我镇重视公开。东山镇认真学习,南河镇积极公开。", None),
        ("2022年我局重视公开。市体育局认真学习。", None),
        ("2022年我市重视公开。截至12月底,牛街乡人民政府通过网站公开3条。", "北原市人民政府"),
        ("2022年,我办重视公开。", None),
        ("2022年,按照本办法公开。", "北原市人民政府"),
    ],
)
def test_the_text_names_the_body_it_is_about(text: str, issuer: str | None) -> None:
    found = identify(document(LONG, text), Evidence(portal_name="北原市人民政府"), CHAPTERS, 200)
    assert found.issuer == issuer


def test_a_school_that_fills_in_the_form_is_not_its_portals_government() -> None:
    portal = Evidence(portal_name="北原市人民政府")
    school = document(LONG, title="北原市实验小学2022年信息公开工作年度报告")
    found = identify(school, portal, CHAPTERS, 200)
    assert (found.is_report, found.issuer) == (False, None)
    assert "学校" in found.reason
    summary = document(LONG, title="市体育局政府信息公开2022年工作总结和2023年工作计划")
    found = identify(summary, portal, CHAPTERS, 200)
    assert (found.is_report, found.issuer) == (True, "北原市体育局")
    # A column's or a site's title says nothing of the report.
    for words in ("市政务服务中心信息公开专栏", "市政务服务局政务公开", "公共企事业单位信息公开"):
        column = document("由兴东街道办事处编制。", LONG, title=words)
        assert identify(column, portal, CHAPTERS, 200).issuer == "北原市兴东街道办事处"
    # Beside the report's own title it is another document's.
    school = document("2022年政府信息公开工作年度报告", LONG, title=school.title)
    assert identify(school, portal, CHAPTERS, 200).issuer == "北原市人民政府"


def test_the_name_of_a_column_is_no_part_of_a_bodys() -> None:
    page = document("首页", "政府信息公开年报", "市体育局2022年政府信息公开工作报告", LONG)
    found = identify(page, Evidence(portal_name="北原市人民政府"), CHAPTERS, 200)
    assert (found.issuer, found.year) == ("北原市体育局", 2022)


@pytest.mark.parametrize(
    ("text", "portal", "issuer"),
    [
        ("我镇加强领导，按照我区部署公开信息。", "北原市东山区人民政府", None),
        ("本局依法公开信息。", "北原市人民政府", None),
        ("2022年,我委依法公开信息。", "北原市人民政府", None),
        ("我委依法公开信息。", "北原高新区管理委员会", "北原高新区管理委员会"),
        ("本局依法公开信息。", "北原市教育局", "北原市教育局"),
        ("我市各部门、本市各区依法公开信息，如我局。", "北原市人民政府", "北原市人民政府"),
        ("本机关依法公开信息。", "北原市人民政府", "北原市人民政府"),
        ("政务公开的基本局面已经形成。", "北原市人民政府", "北原市人民政府"),
    ],
)
def test_a_town_or_bureau_without_a_name_is_not_its_portals_government(
    text: str, portal: str, issuer: str | None
) -> None:
    found = identify(document(LONG + text), Evidence(portal_name=portal), CHAPTERS, 200)
    assert found.is_report
    assert found.issuer == issuer
    assert ("没有写明是哪个机关" in found.reason) is (issuer is None)
    assert "没有写明是哪一年" in found.reason


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2022年,我局依法公开信息。2022年共公开3条。2023年,我局将加强领导。", 2022),
        ("2022年,我局依法公开信息。2023年,我局将加强领导。", None),
        ("按照2019年修订的条例和2022年1月3日、2022年2月4日的通知。", None),
        ("2022年,我局依法公开信息。", None),
    ],
)
def test_a_year_that_only_the_sentences_tell_is_doubtful(text: str, year: int | None) -> None:
    found = identify(document(text, LONG), Evidence(portal_name="北原市教育局"), CHAPTERS, 200)
    assert found.year == year
    assert any("没有写明年度" in flag for flag in found.flags) is (year is not None)


@pytest.mark.parametrize(
    ("listed", "text", "year"),
    [
        (None, "统计期限自2021年1月1日起至2021年12月31日止。", 2021),
        (None, "统计期限为2021年1月1日—12月31日。", 2021),
        (None, "数据截止期限为2021.1.1-2021.12.31。", 2021),
        (None, "现发布2021年度政府信息公开工作年度报告。", 2021),
        ("北原市教育局2021年年报", "", 2021),
        (None, "现将我局2021年度政府信息公开情况报告如下。", 2021),
        (None, "依照2021年信息公开工作要点编制。", None),
        # Publication, notices and signatures are dates of other things.
        (None, "发布日期：2022-01-15。按照2021年9月印发的通知，2022年3月1日前公布。", None),
        (None, "统计期限为2020年1月1日至2021年12月31日。", None),
        ("北原市教育局2020-2021年政府信息公开工作报告", "", None),
    ],
)
def test_the_year_is_what_was_reported_on(listed: str | None, text: str, year: int | None) -> None:
    evidence = Evidence(portal_name="北原市教育局", listed_title=listed)
    assert identify(document(PREAMBLE + text, LONG), evidence, CHAPTERS, 200).year == year


def test_a_year_that_contradicts_the_title_is_flagged() -> None:
    page = document("统计期限为2021年1月1日至12月31日。", LONG)
    evidence = Evidence(listed_title="北原市教育局2022年政府信息公开工作年度报告")
    found = identify(page, evidence, CHAPTERS, 200)
    assert found.year == 2022
    assert found.flags == ("标题写2022年，正文统计期限写2021年",)


def test_of_two_titles_the_period_decides() -> None:
    page = document("统计期限为2021年1月1日至12月31日。", LONG, ArticleTitle=TITLE_2021)
    evidence = Evidence(listed_title="北原市教育局2020年政府信息公开工作年度报告")
    found = identify(page, evidence, CHAPTERS, 200)
    assert found.year == 2021
    assert found.flags == ("文章标题（ArticleTitle）写2021年，列表标题写2020年",)


def test_a_title_of_another_place_is_flagged() -> None:
    page = document(LONG, ArticleTitle="市林业局2018年政务公开年度报告")
    evidence = Evidence(
        portal_name="吉林市林业局", listed_title="安图县林业局2018年政务公开年度报告"
    )
    found = identify(page, evidence, CHAPTERS, 0)
    assert "写安图县林业局" in found.flags[0]
    assert "写吉林市林业局" in found.flags[0]


CITY = "北原市2021年政府信息公开年报"
OFFICE = "北原市人民政府办公室2021年政府信息公开年报"


@pytest.mark.parametrize(
    ("title", "text", "scope"),
    [
        (
            "北原市2021年政府信息公开年报",
            "综合各县区、各部门年度报告编制而成。",
            "jurisdiction_aggregate",
        ),
        (
            "北原市2021年政府信息公开年报",
            "全市各级行政机关共收到申请120件。",
            "jurisdiction_aggregate",
        ),
        ("北原市2021年政府信息公开年报", "全市主动公开政府信息3210条。", "jurisdiction_aggregate"),
        ("北原市2021年政府信息公开年报", "数据为市政府及其部门年报数据汇总。", "own_level"),
        ("北原市本级2021年政府信息公开年报", "", "own_level"),
        ("北原市2021年政府信息公开年报", "", "unclear"),
        ("北原市教育局2021年政府信息公开年报", "", "own_body"),
        ("北原市教育局2021年政府信息公开年报", "全市主动公开教育政府信息32条。", "own_body"),
        (
            "北原市教育局2021年政府信息公开年报",
            "汇总了局机关和各直属单位的数据。",
            "jurisdiction_aggregate",
        ),
        ("北原市人民政府办公室2021年政府信息公开年报", "", "own_body"),
        ("白鹭渡镇2021年政府信息公开年报", "", "own_body"),
        ("湛江海关关区2021年政府信息公开年报", "", "jurisdiction_aggregate"),
        ("湛江海关2021年政府信息公开年报", "", "own_body"),
        # Whom a government's report is made of: with governments below it, or its departments.
        (
            CITY,
            "综合2021年度北原市各县(市、区)政府和市级各部门的年度工作报告编制而成。",
            "jurisdiction_aggregate",
        ),
        (CITY, "本报告由市政府办公室综合市政府各部门年度报告编制而成。", "own_level"),
        (
            CITY,
            "汇总北原市各县（市、区）、市政府各有关部门工作情况编制而成。",
            "jurisdiction_aggregate",
        ),
        (CITY, "本报告所列数据包括市政府、市政府办公室和市政府各部门。", "own_level"),
        (CITY, "报告中所列数据涵盖市本级及9个县区。", "jurisdiction_aggregate"),
        (CITY, "统计范围为市本级。", "own_level"),
        (CITY, "2021年，市本级共收到政府信息公开申请30件。", "own_level"),
        (CITY, "本报告数据不含各县区。", "own_level"),
        (CITY, "本报告数据不含各部门、各县区。", "own_body"),
        (
            "北原县2021年政府信息公开年报",
            "统计数据涵盖各乡镇、街道和县直各部门。",
            "jurisdiction_aggregate",
        ),
        (
            "北原县2021年政府信息公开年报",
            "2021年，全县未收到政府信息公开申请。",
            "jurisdiction_aggregate",
        ),
        (
            "北原县2021年政府信息公开年报",
            "由各乡镇及县政府各组成部门结合统计数据编制。",
            "jurisdiction_aggregate",
        ),
        (
            "北原县2021年政府信息公开年报",
            "综合北原县行政区域内总体情况编制。",
            "jurisdiction_aggregate",
        ),
        ("北原县2021年政府信息公开年报", "全县依申请公开办件21件。", "jurisdiction_aggregate"),
        (
            "北原县2021年政府信息公开年报",
            "全县通过政府网站公开信息2138条。",
            "jurisdiction_aggregate",
        ),
        # Units of which nobody says whose they are.
        (CITY, "本报告由市政府办公室汇总各单位、各部门数据形成。", "unclear"),
        # What is done is not what is counted.
        (CITY, "公开市本级及各部门预决算。", "unclear"),
        (CITY, "全市各级行政机关认真贯彻《条例》。", "unclear"),
        (CITY, "督查内容涵盖各县区政务公开情况。", "unclear"),
        (CITY, "督促市本级办理政府信息公开申请，健全市县受理申请3项制度。", "unclear"),
        (CITY, "开设政务新媒体12个（不含县区）。", "unclear"),
        (CITY, "我市认真办理政府信息公开申请，全市公开意识增强。", "unclear"),
        (CITY, "全市共受理不动产登记申请3210件，办结3208件。", "unclear"),
        (CITY, "全市收到行政许可申请12万件。全市共收到申请120件。", "jurisdiction_aggregate"),
        (CITY, "深化综合行政执法改革，各部门编制权责清单。", "unclear"),
        (CITY, "本报告包括总体情况、主动公开政府信息情况等六个部分。", "unclear"),
        (CITY, "报告所列数据的统计期限为2021年1月1日至12月31日。", "unclear"),
        # Whom to ask is not whom a report is made of, whatever street that one is in.
        (CITY, "如对本报告有疑问，请与市政府办公室联系（地址：北原市城关街道12号）。", "unclear"),
        (CITY, "如对本报告有疑问，请联系市政府信息公开主管部门。", "unclear"),
        (
            "北原市教育局2021年政府信息公开年报",
            "对本年度报告有任何疑问，请与市教育局办公室联系（地址：北原市城关街道12号）。",
            "own_body",
        ),
        ("北原市教育局2021年政府信息公开年报", "本年报为本局编制，地址：城关街道。", "own_body"),
        # An office may publish the report of its government.
        (OFFICE, "本报告由市政府办公室综合市政府各部门年度报告编制而成。", "own_level"),
        (OFFICE, "综合各县区、各部门年度报告编制而成。", "jurisdiction_aggregate"),
        (OFFICE, "指导全市公开政府信息3210条。", "own_body"),
        ("北原市人民政府办公室2021年政府信息公开年报（市本级）", "", "own_level"),
        ("北原市人民政府办公室本级2021年政府信息公开年报", "", "own_body"),
        # The level of a department is the department without its units.
        ("北原市教育局本级2021年政府信息公开年报", "", "own_body"),
        ("北原市教育局2021年政府信息公开年报", "本报告由办公室综合各科室情况编制。", "own_body"),
        (
            "北原市教育局2021年政府信息公开年报",
            "全市教育系统共收到政府信息公开申请12件。",
            "jurisdiction_aggregate",
        ),
        ("北原市教育局2021年政府信息公开年报", "全市共受理教师资格认定申请1200件。", "own_body"),
        ("全国海关2021年政府信息公开工作年度报告", "全国海关依法公开。", "jurisdiction_aggregate"),
        ("海关总署（本级机关）2021年政府信息公开年报", "全国海关依法公开。", "own_body"),
    ],
)
def test_scope(title: str, text: str, scope: str) -> None:
    evidence = Evidence(portal_name="北原市人民政府", listed_title=title)
    assert identify(document(text, LONG), evidence, CHAPTERS, 200).scope == scope


@pytest.mark.parametrize(
    ("lines", "metas", "day"),
    [
        (("来源：市教育局",), {"PubDate": "2022-01-12 09:30"}, "2022-01-12"),
        (("发布时间 : 2022-01-12 16:25来源 : 市教育局",), {}, "2022-01-12"),
        (("发表日期：2022年1月12日",), {}, "2022-01-12"),
        (("成文日期：2022-01-10 发布日期：2022-01-12",), {}, "2022-01-12"),
        (("公文生成日期：2022/01/12",), {}, "2022-01-12"),
        (("来源：办公室 时间：2022-01-12 10:01",), {}, "2022-01-12"),
        # Other dates: of a law, of a notice, of an update, before the year was out.
        (("条例公布于2019年4月3日。",), {}, None),
        (("更新时间：2022-03-04",), {}, None),
        (("自2022年1月1日起",), {}, None),
        (("发布日期：2022-13-45",), {}, None),
        (("",), {"PubDate": ""}, None),
    ],
)
def test_published_on(lines: tuple[str, ...], metas: dict[str, str], day: str | None) -> None:
    page = document(*lines, LONG, **metas)
    assert identify(page, Evidence(listed_title=TITLE_2021), CHAPTERS, 200).published_on == day


def test_an_annex_speaks_after_the_page() -> None:
    page = document("附件：政府信息公开年报.pdf")
    annex = document(
        "北原市教育局", "2021年政府信息公开工作年度报告", "统计期限为2021年1月1日至12月31日。", LONG
    )
    found = identify(page, Evidence(listed_title="信息公开年报"), CHAPTERS, 200, (annex,))
    assert (found.issuer, found.year) == ("北原市教育局", 2021)
    assert "附件标题" in found.evidence["issuer"]
    assert found.title is not None
    listed = identify(page, Evidence(listed_title=TITLE_2021), CHAPTERS, 200, (annex,))
    assert "列表标题" in listed.evidence["issuer"]


FORM = ("一、总体情况", "二、主动公开政府信息情况", "三、收到和处理政府信息公开申请情况")


@pytest.mark.parametrize(
    ("page", "listed", "numbers", "said"),
    [
        (
            document("XX局认真贯彻落实。", "XX市XX局", *FORM),
            "2021年政府信息公开年报",
            0,
            "空白样表",
        ),
        (
            document("填报单位：（盖章）", "填表人：", *FORM),
            "政府信息公开工作年度报告",
            0,
            "空白样表",
        ),
        (document("昨日，市政府发布年报，受到欢迎。"), f"北原市发布{TITLE_2021}", 0, "消息或公告"),
        (
            document("市教育局：", "请认真编制。"),
            "关于做好政府信息公开年报编制工作的通知",
            0,
            "通知",
        ),
        (
            document(*(f"北原市教育局{year}年政府信息公开年报" for year in range(2015, 2023))),
            None,
            0,
            "列表页",
        ),
        (
            document(
                "根据《高等学校信息公开办法》编制。", "本学年自2020年9月1日至2021年8月31日。", LONG
            ),
            None,
            0,
            "学校",
        ),
        (
            document(f"《{TITLE_2021}》已经公布，现就年报内容进行如下解读。", LONG, *FORM),
            None,
            0,
            "对年报的解读",
        ),
        (document("本页无内容"), None, 0, "都不像"),
        (document("北原市教育局2021年政府信息公开年报"), None, 0, "没有报告正文"),
    ],
)
def test_refusals_say_why(page: Document, listed: str | None, numbers: int, said: str) -> None:
    sections = CHAPTERS if "样表" in said or "学校" in said else ()
    found = identify(page, Evidence(listed_title=listed), sections, numbers)
    assert not found.is_report
    assert said in found.reason


def test_a_form_with_figures_is_no_blank_one() -> None:
    page = document("填报单位：北原市教育局（盖章）", "填表人：某某", LONG)
    found = identify(page, Evidence(listed_title="政府信息公开情况统计表（2016年度）"), (), 58)
    assert found.is_report


def test_a_notice_with_the_report_below_it_is_one() -> None:
    page = document("现公布如下。", LONG)
    evidence = Evidence(
        portal_name="北原市教育局",
        listed_title="关于公布北原市教育局2021年政府信息公开工作年度报告的公告",
    )
    found = identify(page, evidence, CHAPTERS, 200)
    assert (found.is_report, found.issuer, found.year) == (True, "北原市教育局", 2021)


def test_a_copied_page_is_flagged_and_kept() -> None:
    page = document(LONG.replace("开", "開").replace("发", "發").replace("关", "關"))
    evidence = Evidence(url="https://copies.example.net/1.html", listed_title=TITLE_2021)
    found = identify(page, evidence, CHAPTERS, 200)
    assert found.is_report
    assert ["繁体字" in found.flags[0], "域名" in found.flags[1]] == [True, True]


def test_whatever_stands_there_is_answered() -> None:
    """Words of titles, bodies, dates and tampering in any order never raise."""
    words = (
        "政府信息公开 年度报告 年报 2021年 二〇二一 北京市 朝阳区 市 县 人民政府 办公室 街道 镇 局 关于 的 我 本级 关区 "
        "（ ） 《 》 > _ - … ... 发布 公告 海关 税务局 分局 管委会 开发区 兵团 第八师 XX 1月1日至12月31日 \u200b \ud800 \x00 "
        "統計 bet365 (jù) 请与 联系 发布日期：2022-01-02 来源： 某 平潭综合实验区 国家税务总局 教育部 9月1日至2021年8月31日"
    ).split(" ")
    random = Random(20210930)
    for _ in range(1500):
        lines = ["".join(random.choices(words, k=random.randint(0, 9))) for _ in range(4)]
        found = identify(
            document(*lines[:3], title=lines[3], SiteName=lines[1]),
            Evidence(lines[0], lines[1] or None, lines[2] or None),
            CHAPTERS[: random.randint(0, 6)],
            random.choice((0, 58, 200)),
            (document(lines[3]),),
        )
        assert found.reason
        assert found.year is None or 1900 <= found.year < 2100
        assert found.scope in {"own_body", "own_level", "jurisdiction_aggregate", "unclear"}
        assert (found.body.name if found.body else None) == found.issuer


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (document("请开启 JavaScript 并刷新该页。"), "JavaScript"),
        (document("统一身份认证平台 您访问的页面需要登录。"), "统一身份认证"),
        (document("您访问的页面不存在！"), "页面不存在"),
        (Document("text/html", ()), "没有可读的内容"),
        (Document("image/png", (Paragraph("A 8"),)), "没有可读的文字"),
    ],
)
def test_a_good_title_in_the_list_does_not_make_a_report(page: Document, said: str) -> None:
    found = identify(page, Evidence(listed_title=TITLE_2021), (), 0)
    assert not found.is_report
    assert said in found.reason


@pytest.mark.parametrize(
    "page",
    [
        document("更多信息请关注官方微信。"),
        Document("text/html", (Picture("/images/report.png"),)),
        document("统一身份认证平台需要登录的事项增多。" + LONG * 2),
    ],
)
def test_a_report_whose_text_is_elsewhere_is_one_by_its_title(page: Document) -> None:
    assert identify(page, Evidence(listed_title=TITLE_2021), (), 0).is_report


def test_a_title_ends_before_the_date_that_stands_on_its_line() -> None:
    title = "北原市教育局2023年政府信息公开工作年度报告"
    page = Document("text/plain", (Paragraph(f"{title} 发布时间：2024-01-20 15:22 来源：本站"),))
    read = identify(page, Evidence(), (), 200)
    assert read.title == title


@pytest.mark.parametrize(
    ("listed", "article", "flagged"),
    [
        ("市教育局", "北原市农业农村局", True),
        ("市教育局", "北原市教育局", False),
        ("市住建局", "北原市住房和城乡建设局", False),
        ("市政府", "北原市人民政府办公室", False),
    ],
)
def test_two_titles_that_name_two_bodies_are_flagged(
    listed: str, article: str, flagged: bool
) -> None:
    rest = "2022年政府信息公开工作年度报告"
    found = identify(
        document(LONG, ArticleTitle=article + rest),
        Evidence(portal_name="北原市人民政府", listed_title=listed + rest),
        CHAPTERS,
        200,
    )
    assert bool(found.flags) is flagged
    assert all(f"文章标题（ArticleTitle）「{article}" in flag for flag in found.flags)
