"""Chapters begin at their titles, however the page breaks its lines."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.cells.sheet import Sheet
from archive.chapters import read_sections, without_table
from archive.extract.plain import read_plain
from archive.model import Cell
from archive.parse import Parsed, parse
from tests.portals.figures import Scale, series
from tests.portals.tables import grids


def test_titles_quoted_in_the_preamble_do_not_begin_chapters() -> None:
    sections = read_sections(
        [
            "本报告由一、总体情况，二、主动公开政府信息情况，三、收到和处理政府信息公开申请情况等六部分组成。",
            "一、总体情况",
            "（一）主动公开。",
            "二、主动公开政府信息情况",
            "见表。",
            "三、收到和处理政府信息公开申请情况",
            "四、因政府信息公开工作被申请行政复议、提起行政诉讼情况",
            "五、工作中存在的主要问题及改进措施",
            "不足。",
            "六、其它需要报告的事项",
            "无。",
        ]
    )
    assert [(s.number, s.text) for s in sections] == [
        (
            0,
            "本报告由一、总体情况，二、主动公开政府信息情况，三、收到和处理政府信息公开申请情况等六部分组成。",
        ),
        (1, "（一）主动公开。"),
        (2, "见表。"),
        (3, ""),
        (4, ""),
        (5, "不足。"),
        (6, "无。"),
    ]


def test_chapters_without_line_breaks() -> None:
    sections = read_sections(
        [
            "一、总体情况全年有序。二、主动公开政府信息情况三、收到和处理政府信息公开申请情况无五、存在的主要问题及改进情况不足。六、其他需要报告的事项无"
        ]
    )
    assert [s.number for s in sections] == [1, 2, 3, 5, 6]
    assert sections[-1].text == "无"


def test_a_narrative_keeps_its_own_chapters() -> None:
    sections = read_sections(
        [
            "一、概述",
            "甲",
            "二、政府信息公开的收费及减免情况",
            "乙",
            "三、咨询处理情况",
            "丙",
            "四、附表",
            "丁",
        ]
    )
    assert [s.heading for s in sections][-1] == "四、附表"
    assert len(sections) == 4


def test_a_text_without_chapters_is_one_piece() -> None:
    assert [(s.number, s.text) for s in read_sections(["只有一句。"])] == [(0, "只有一句。")]
    assert read_sections([]) == ()


FORM = (
    "总体情况",
    "主动公开政府信息情况",
    "收到和处理政府信息公开申请情况",
    "政府信息公开行政复议、行政诉讼情况",
    "存在的主要问题及改进情况",
    "其他需要报告的事项",
)
OLD = (
    "概述",
    "主动公开政府信息的情况",
    "依申请公开政府信息的情况",
    "政府信息公开的收费及减免情况",
    "因政府信息公开申请行政复议、提起行政诉讼的情况",
    "政府信息公开工作存在的主要问题及改进情况",
    "其他需要报告的事项",
)
BODY = (
    "本年工作有序开展，数据见下。",
    "（一）制度建设。完善了三项制度。",
    "1.加强培训。",
    "共公开12条。",
)


def bare(text: str) -> str:
    return "".join(text.split())


def lines_of(
    titles: Sequence[str], numbers: Sequence[str], body: Sequence[str] = BODY
) -> list[str]:
    lines = ["北原市2016年政府信息公开工作年度报告", "本报告由" + "、".join(titles) + "组成。"]
    for title, number in zip(titles, numbers, strict=True):
        lines += [number + title, *body]
    return lines


STYLES = {
    "chinese": [f"{n}、" for n in "一二三四五六七"],
    "chinese and a space": [f"{n}、 " for n in "一二三四五六七"],
    "part": [f"第{n}部分 " for n in "一二三四五六七"],
    "part and colon": [f"第{n}部分：" for n in "一二三四五六七"],
    "roman": [f"{n}、" for n in "ⅠⅡⅢⅣⅤⅥⅦ"],
    "none": [""] * 7,
}


@pytest.mark.parametrize("numbers", STYLES.values(), ids=STYLES.keys())
@pytest.mark.parametrize("titles", [FORM, OLD], ids=["form", "old"])
def test_headings_in_every_style(titles: Sequence[str], numbers: Sequence[str]) -> None:
    lines = lines_of(titles, numbers[: len(titles)])
    sections = read_sections(lines)
    assert [s.number for s in sections] == list(range(len(titles) + 1))
    assert [bare(s.heading) for s in sections[1:]] == [
        bare(number + title) for number, title in zip(numbers, titles, strict=False)
    ]
    assert all(bare(s.text) == bare("".join(BODY)) for s in sections[1:])


@pytest.mark.parametrize(
    "style",
    ["（{}）", "{}、", "{}.", "{}．"],
    ids=["bracket", "comma", "dot", "full width"],
)
@pytest.mark.parametrize("titles", [FORM, OLD], ids=["form", "old"])
def test_headings_in_brackets_or_arabic(titles: Sequence[str], style: str) -> None:
    digits = "一二三四五六七" if "（" in style else "1234567"
    digits = (
        digits.translate(str.maketrans("1234567", "１２３４５６７")) if "．" in style else digits
    )
    numbers = [style.format(digit) for digit in digits][: len(titles)]
    sections = read_sections(lines_of(titles, numbers, ("本年工作有序开展。", "无。")))
    assert [s.number for s in sections] == list(range(len(titles) + 1))


@pytest.mark.parametrize("titles", [FORM, OLD], ids=["form", "old"])
def test_titles_merged_with_the_text_of_their_chapter(titles: Sequence[str]) -> None:
    for between in ("。", "　", " ", "："):
        lines = [
            f"{number}、{title}{between}2016年，本机关依法开展工作，共公开12条，其中网站8条。"
            for number, title in zip("一二三四五六七", titles, strict=False)
        ]
        sections = read_sections(lines)
        assert [s.number for s in sections] == list(range(1, len(titles) + 1)), between
        assert all(
            s.text.endswith("2016年，本机关依法开展工作，共公开12条，其中网站8条。")
            for s in sections
        )


def test_a_report_of_one_line() -> None:
    for titles in (FORM, OLD):
        text = "".join(
            f"{number}、{title}2016年，本机关依法开展工作，共公开12条。"
            for number, title in zip("一二三四五六七", titles, strict=False)
        )
        sections = read_sections(["根据条例编制本报告。" + text])
        assert [s.number for s in sections] == list(range(len(titles) + 1))


def test_a_table_of_contents_is_no_chapter() -> None:
    for leader in ("……………{}", "............{}", "", " {}", "\t{}", "-----{}"):
        contents = [
            f"{number}、{title}" + leader.format(page)
            for page, (number, title) in enumerate(zip("一二三四五六", FORM, strict=True), 2)
        ]
        lines = ["目  录", *contents, *lines_of(FORM, STYLES["chinese"][:6])]
        sections = read_sections(lines)
        assert [s.number for s in sections] == [0, 1, 2, 3, 4, 5, 6], leader
        assert sections[1].text.startswith("本年工作")
        assert "目  录" in sections[0].text
        without_word = read_sections(lines[1:])
        assert without_word[1].text.startswith("本年工作"), leader


def test_a_chapter_missing_in_the_body_is_not_taken_from_the_contents() -> None:
    contents = [f"{n}、{t}……{p}" for p, (n, t) in enumerate(zip("一二三四五六", FORM, strict=True))]
    body = [line for line in lines_of(FORM, STYLES["chinese"][:6]) if "复议" not in line[:30]]
    sections = read_sections(["目录", *contents, *body])
    assert [s.number for s in sections] == [0, 1, 2, 3, 5, 6]


def test_a_title_repeated_at_a_page_head_begins_its_chapter_once() -> None:
    lines = lines_of(FORM, STYLES["chinese"][:6])
    at = lines.index("三、收到和处理政府信息公开申请情况")
    lines[at + 3 : at + 3] = ["三、收到和处理政府信息公开申请情况"]
    third = next(s for s in read_sections(lines) if s.number == 3)
    assert bare(third.text).startswith(bare(BODY[0]))
    assert len(bare(third.text)) == len(bare("".join(BODY))) + len(FORM[2]) + 2


def test_a_number_printed_twice() -> None:
    for titles in (FORM, OLD):
        numbers = [f"{n}、" for n in "一二三四四五六"][: len(titles)]
        sections = read_sections(lines_of(titles, numbers))
        assert [s.number for s in sections] == list(range(len(titles) + 1))


def test_a_title_over_two_lines() -> None:
    lines = lines_of(FORM, STYLES["chinese"][:6])
    at = lines.index("四、政府信息公开行政复议、行政诉讼情况")
    lines[at : at + 1] = ["四、政府信息公开行政复议、", "行政诉讼情况"]
    fourth = next(s for s in read_sections(lines) if s.number == 4)
    assert fourth.heading == "四、政府信息公开行政复议、 行政诉讼情况"
    assert bare(fourth.text) == bare("".join(BODY))


def test_words_between_the_number_and_the_title() -> None:
    titles = (
        "2021年总体情况",
        "我局主动公开政府信息情况",
        "2021年度收到和处理政府信息公开申请情况",
        *FORM[3:],
    )
    sections = read_sections(lines_of(titles, STYLES["chinese"][:6]))
    assert [s.heading for s in sections[1:]] == [
        f"{n}、{t}" for n, t in zip("一二三四五六", titles, strict=True)
    ]


def test_headings_inside_chapter_one() -> None:
    inner = [
        "（一）主动公开政府信息情况",
        "甲。",
        "（二）依申请公开情况",
        "乙。",
        "（三）政府信息管理情况",
        "丙。",
    ]
    lines = ["一、总体情况", *inner, *lines_of(FORM[1:], STYLES["chinese"][1:6])[2:]]
    sections = read_sections(lines)
    assert [s.number for s in sections] == [1, 2, 3, 4, 5, 6]
    assert sections[0].text.split("\n") == inner


def test_lists_inside_a_narrative_chapter() -> None:
    titles = ("概述", "主动公开政府信息情况", "依申请公开政府信息情况", "存在的主要问题和改进措施")
    lines = [
        "一、概述",
        "甲。",
        "一、加强领导",
        "乙。",
        "二、完善制度",
        "丙。",
        "三、强化监督",
        "丁。",
    ]
    lines += [x for n, t in zip("二三四", titles[1:], strict=True) for x in (f"{n}、{t}", "戊。")]
    assert [s.heading for s in read_sections(lines)] == [
        f"{n}、{t}" for n, t in zip("一二三四", titles, strict=True)
    ]


def test_the_statistics_annex_has_no_chapters() -> None:
    table = "统计指标\t单位\t统计数\n一、主动公开情况\n（一）主动公开政府信息数（不同渠道和方式公开相同信息计1条）\t条\t5\n"
    table += "其中：主动公开规范性文件数\t条\t4\n制发规范性文件总数\t件\t4\n1.政府公报公开政府信息数\t条\t0\n"
    table += "2.政府网站公开政府信息数\t条\t5\n三、依申请公开情况\n（一）收到申请数\t件\t1\n（二）申请办结数\t件\t1\n"
    table += "1.按时办结数\t件\t1\n四、行政复议数量\t件\t0\n五、行政诉讼数量\t件\t0\n六、举报投诉数量\t件\t0"
    lines = [
        *lines_of(OLD, STYLES["chinese"]),
        "附件：政府信息公开情况统计表",
        *table.split("\n"),
        "联系人：办公室",
    ]
    sections = read_sections(lines)
    assert [s.number for s in sections] == list(range(8))
    last = sections[-1]
    assert without_table(last, Sheet()) == last
    sheet = Sheet()
    sheet.put("x", ["stats2014.review.total"], [Cell("0")])
    kept = without_table(last, sheet).text
    assert bare(kept) == bare("".join(BODY)) + "附件：政府信息公开情况统计表联系人：办公室"


@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [f"{n}{t}" for n in ("一、", "二、", "三、", "（二）", "2.", "") for t in FORM]
            ),
            st.sampled_from(
                ["目录", "甲。", "附件", "三、…… 3", "统计指标 单位 数量", "一、本年新收 1 2"]
            ),
            st.text(alphabet="一二、情况公开。（）1.\u3000 \t甲", max_size=30),
        ),
        max_size=40,
    )
)
def test_no_text_is_lost(lines: list[str]) -> None:
    sections = read_sections(lines)
    told = "".join(bare(s.heading + s.text) for s in sections)
    assert told == bare("".join(lines))
    numbers = [s.number for s in sections]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    "text",
    ["一、" * 50000, "主动公开" * 30000, "总体情况\n" * 30000, "（一）总体情况" * 20000, "复议" * 50000, "\n" * 100000],
)  # fmt: skip
def test_a_long_text_of_like_words_ends(text: str) -> None:
    assert "".join(bare(s.heading + s.text) for s in read_sections([text])) == bare(text)


# --- tables in the chapters' text -----------------------------------------------------------------

SCALE = Scale(requests=40, disputes=9, documents=6, licences=1200, penalties=300, fees_wan=88.5)
LAYOUTS = {
    "tabs": ("\t", "\n"),
    "a cell a line": ("\n", "\n"),
    "blank lines": ("\n\n", "\n\n"),
    "pipes": (" | ", " |\n"),
    "one line": (" ", " "),
    "glued lines": ("", "\n"),
    "glued": ("", ""),
}
PROSE = {
    1: ("全年公开信息120条，行政许可55件。", ""),
    2: ("本机关主动公开情况如下。", "以上数据不含下属单位。"),
    3: ("全年收到申请12件，均已办结。", "申请内容集中在三个方面：一是征地；二是规划。"),
    4: ("全年复议、诉讼情况见下表。", "没有被纠错的案件。"),
    5: ("（一）不足。主要有2个方面。", ""),
    6: ("收取信息处理费0元。", "2022年1月5日"),
}


def report(form: str, layout: tuple[str, str]) -> tuple[str, Parsed]:
    separator, end = layout
    year = 2022 if form == "2021" else 2019
    made = grids(form, series("t", [year], SCALE)[year])
    tables = {2: made[0], 3: made[1], 4: made[2]}
    lines = []
    for number, title in enumerate(FORM, 1):
        before, after = PROSE[number]
        lines += [f"{'一二三四五六'[number - 1]}、{title}", before]
        if number in tables:
            lines.append(
                end.join(separator.join(b.text for b in row) for row in tables[number].rows)
            )
        lines += [after] * bool(after)
    text = "\n".join(lines)
    return text, parse(read_plain(text))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("form", ["2021", "2019"])
def test_a_table_that_was_read_is_no_prose(form: str, layout: tuple[str, str]) -> None:
    _, read = report(form, layout)
    for section in read.sections:
        prose = bare("".join(PROSE[section.number]))
        table = {2: "disclosure", 3: "requests", 4: "disputes"}.get(section.number)
        if table is None or read.numbers(table):
            assert bare(section.text) == prose, section.number
        else:
            assert bare(section.text).startswith(bare(PROSE[section.number][0]))
            assert len(bare(section.text)) > len(prose) + 40
