"""The statistics of 2014 in the layouts bodies print them, and what local copies add."""

import random
from collections.abc import Callable, Mapping, Sequence

import pytest

from archive.cells.indicators import prints_indicators, read_statistics, statistics_span
from archive.cells.sheet import Sheet
from archive.cells.values import Value
from archive.extract.plain import read_plain
from archive.extract.web import read_html
from archive.form import PRINTED, keys
from archive.model import Cell, Document, Extra, Paragraph, State, Table

FORM = keys("stats2014")
# The headings without a figure, each before the row it stands above.
ABOVE = {
    "proactive.published_total": "一、主动公开情况",
    "proactive.via_gazette": "（二）通过不同渠道和方式公开政府信息的情况",
    "response.hot_issues": "二、回应解读情况",
    "response.press_conferences": "（二）通过不同渠道和方式回应解读的情况",
    "requests.received": "三、依申请公开情况",
    "capacity.offices": "八、机构建设和保障经费情况",
    "training.meetings": "九、政府信息公开会议和培训情况",
}
Figures = Mapping[str, str]


def figures(seed: str) -> dict[str, str]:
    dice = random.Random(seed)
    made = {}
    for key in FORM:
        number = dice.choice([0, 0, dice.randrange(10), dice.randrange(100), dice.randrange(20000)])
        made[key] = f"{number / 100:.2f}" if PRINTED[key].unit == "万元" else str(number)
    return made


def rows(made: Figures) -> list[tuple[str, str, str]]:
    """The form's 65 lines: label, unit, figure."""
    printed = []
    for key in FORM:
        heading = ABOVE.get(key.removeprefix("stats2014."))
        if heading:
            printed.append((heading, "", ""))
        printed.append((PRINTED[key].zh, PRINTED[key].unit, made[key]))
    return printed


def read(document: Document) -> tuple[dict[str, Value], tuple[Extra, ...]]:
    sheet = Sheet()
    extras = read_statistics(document, sheet)
    return sheet.values("stats2014"), extras


def numbers(document: Document) -> dict[str, str]:
    values, _ = read(document)
    return {key: value for key, (value, _) in values.items() if value is not None}


def html(lines: Sequence[Sequence[str]], head: str = "") -> Document:
    body = head + "".join(
        "<tr>" + "".join(f"<td>{c}</td>" for c in line) + "</tr>" for line in lines
    )
    return read_html(f"<div id='zoom'><p>{'字' * 50}</p><table>{body}</table></div>")


def grid(lines: Sequence[Sequence[str]]) -> Document:
    table = Table(tuple(tuple(Cell(text) for text in line) for line in lines))
    return Document("application/pdf", (Paragraph("附件：政府信息公开情况统计表"), table))


# --- layouts --------------------------------------------------------------------------------------


def three_columns(made: Figures) -> Document:
    return html([("统计指标", "单位", "统计数"), *rows(made)])


def without_heading(made: Figures) -> Document:
    return grid(rows(made))


def unit_in_brackets(made: Figures) -> Document:
    lines = [
        (f"{label}（{unit}）" if unit else label, figure) for label, unit, figure in rows(made)
    ]
    return grid([("指标", "数量"), *lines])


def unit_at_the_end(made: Figures) -> Document:
    return grid([("指标", "数量"), *((label + unit, figure) for label, unit, figure in rows(made))])


def without_units(made: Figures) -> Document:
    return grid([("指标", "数量"), *((label, figure) for label, _, figure in rows(made))])


def numbered_rows(made: Figures) -> Document:
    lines = [(str(n), *row) for n, row in enumerate(rows(made), 1)]
    return grid([("序号", "指标", "单位", "数量"), *lines])


def coded_rows(made: Figures) -> Document:
    lines = [
        (label, unit, f"{n:02}" if unit else "", figure)
        for n, (label, unit, figure) in enumerate(rows(made), 1)
    ]
    return grid([("指标名称", "计量单位", "代码", "本年实际"), ("甲", "乙", "丙", "1"), *lines])


def figure_before_unit(made: Figures) -> Document:
    return grid([("项目", "数量", "单位"), *((a, c, b) for a, b, c in rows(made))])


def with_remarks(made: Figures) -> Document:
    return grid([("指标", "单位", "数量", "备注"), *((*row, "") for row in rows(made))])


def with_last_year(made: Figures) -> Document:
    lines = [(a, b, c, "7" if b else "") for a, b, c in rows(made)]
    return grid([("指标", "单位", "本年度", "上年度"), *lines])


def with_all_years(made: Figures) -> Document:
    lines = [(a, b, c, str(9) * 5 if b else "") for a, b, c in rows(made)]
    return grid([("指标名称", "单位", "2015年度", "历年累计"), *lines])


def by_level(made: Figures) -> Document:
    lines = [(a, b, "3" * bool(b), "4" * bool(b), c) for a, b, c in rows(made)]
    heading = "<tr><td rowspan=2>指标</td><td rowspan=2>单位</td><td colspan=3>数量</td></tr>"
    return html(lines, heading + "<tr><td>本级</td><td>下级</td><td>合计</td></tr>")


def two_halves(made: Figures) -> Document:
    printed = rows(made)
    half = (len(printed) + 1) // 2
    right = [*printed[half:], ("", "", "")]
    lines = [(*one, *other) for one, other in zip(printed[:half], right, strict=False)]
    return grid(
        [("指标", "单位", "数"), ("指标", "单位", "数")] and [("指标", "单位", "数") * 2, *lines]
    )


def broken_by_a_page(made: Figures) -> Document:
    lines = [(a, b, c, "88" if b else "") for a, b, c in rows(made)]
    tables = (
        Table(tuple(tuple(map(Cell, line)) for line in part))
        for part in ([("指标", "单位", "本年", "累计"), *lines[:30]], lines[30:])
    )
    return Document("x", tuple(tables))


def under_their_chapter(made: Figures) -> Document:
    """The chapter in a column of its own, spanning its rows."""
    lines: list[tuple[Cell, ...]] = [tuple(map(Cell, ("类别", "指标", "单位", "数量")))]
    counts: dict[str, int] = {}
    for key in FORM:
        counts[key.split(".")[1]] = counts.get(key.split(".")[1], 0) + 1
    last = ""
    for key in FORM:
        table = key.split(".")[1]
        own = tuple(map(Cell, (PRINTED[key].zh, PRINTED[key].unit, made[key])))
        chapter = (Cell("行政复议" if table == "review" else "类", rowspan=counts[table]),)
        lines.append(own if table == last else chapter + own)
        last = table
    return Document("x", (Table(tuple(lines)),))


def text(separator: str, end: str, head: bool = True) -> Callable[[Figures], Document]:
    def layout(made: Figures) -> Document:
        lines = [("统计指标", "单位", "统计数")] * head + rows(made)
        joined = end.join(separator.join(filter(None, line)) for line in lines)
        return read_plain(f"本年共收到来信3件，其中网络申请数2件。{end}{joined}{end}附件下载")

    return layout


LAYOUTS: dict[str, Callable[[Figures], Document]] = {
    "three columns": three_columns,
    "no heading": without_heading,
    "unit in brackets": unit_in_brackets,
    "unit at the label's end": unit_at_the_end,
    "no units": without_units,
    "numbered": numbered_rows,
    "coded": coded_rows,
    "figure before unit": figure_before_unit,
    "remarks": with_remarks,
    "last year": with_last_year,
    "all years": with_all_years,
    "by level": by_level,
    "two halves": two_halves,
    "two tables": broken_by_a_page,
    "chapters aside": under_their_chapter,
    "tabs": text("\t", "\n"),
    "a line a cell": text("\n", "\n"),
    "blank lines": text("\n\n", "\n\n"),
    "pipes": text(" | ", " |\n"),
    "one line": text(" ", " "),
    "glued": text("", ""),
    "glued lines": text("", "\n"),
    "no heading in text": text("\t", "\n", head=False),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("seed", ["a", "b", "c", "d"])
def test_a_made_table_reads_back_exactly(layout: Callable[[Figures], Document], seed: str) -> None:
    made = figures(seed)
    assert numbers(layout(made)) == made


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("seed", ["e", "f", "g"])
def test_blank_and_missing_rows_never_give_a_wrong_number(
    layout: Callable[[Figures], Document], seed: str
) -> None:
    dice = random.Random(seed)
    made = figures(seed)
    for key in dice.sample(FORM, 15):
        made[key] = dice.choice(["", "", "/", "—", "无"])
    told = numbers(layout(made))
    assert not {key: (value, made[key]) for key, value in told.items() if value != made[key]}


# --- what may not be taken for a figure -----------------------------------------------------------

SOME = (
    ("（一）主动公开政府信息数（不同渠道和方式公开相同信息计1条）", "条", "52"),
    ("其中：主动公开规范性文件数", "条", "4"),
    ("（一）收到申请数", "件", "7"),
    ("（二）申请办结数", "件", "6"),
    ("四、行政复议数量", "件", "3"),
)


def of(told: Mapping[str, Value], name: str) -> str | None:
    return told.get(f"stats2014.{name}", (None, None))[0]


def test_a_few_rows_name_the_form() -> None:
    told = numbers(grid([("指标", "单位", "数量"), *SOME]))
    assert told == {
        "stats2014.proactive.published_total": "52",
        "stats2014.proactive.normative_published": "4",
        "stats2014.requests.received": "7",
        "stats2014.requests.concluded": "6",
        "stats2014.review.total": "3",
    }
    assert prints_indicators(["主动公开政府信息数 条", "收到申请数 件"])
    assert not prints_indicators(["主动公开政府信息情况", "收到申请3件"])


def test_money_in_another_unit_is_no_number_of_the_form() -> None:
    told, _ = read(grid([*SOME, ("七、依申请公开信息收取的费用", "元", "300")]))
    value, note = told["stats2014.fees.collected_wan"]
    assert value is None
    assert note is not None
    assert (note.state, note.printed) == (State.AMBIGUOUS, "300元")


def test_a_count_in_another_unit_is_the_printed_number() -> None:
    told = numbers(
        grid([*SOME, ("3.政策解读稿件发布数", "条", "8"), ("（三）接受培训人员数", "人", "60")])
    )
    assert told["stats2014.response.policy_explainers"] == "8"
    assert told["stats2014.training.trainees"] == "60"


def test_parts_without_a_total_are_ambiguous() -> None:
    lines = [("指标", "单位", "区直", "乡镇"), *((a, b, c, "1") for a, b, c in SOME)]
    short = ("六、举报投诉数量", "件", "6")
    # Another table of the page prints one of the rows for the body alone.
    other = Table((tuple(map(Cell, ("1.当面申请数", "件", "2"))),))
    document = grid([*lines, short])
    told, _ = read(Document("x", (*document.blocks, other)))
    assert {key for key, (value, _) in told.items() if value} == {
        "stats2014.requests.received_in_person"
    }
    value, note = told["stats2014.requests.received"]
    assert value is None
    assert note is not None
    assert (note.state, note.printed) == (State.AMBIGUOUS, "7 1")


def test_two_years_side_by_side_are_ambiguous() -> None:
    lines = [("指标", "单位", "2016年", "2017年"), *((a, b, c, "1") for a, b, c in SOME)]
    assert numbers(grid(lines)) == {}


def test_two_tables_that_differ_give_no_number() -> None:
    other = [(a, b, "9" if "收到" in a else c) for a, b, c in SOME]
    tables = [Table(tuple(tuple(map(Cell, r)) for r in t)) for t in (SOME, other)]
    told, _ = read(Document("x", tuple(tables)))
    assert of(told, "requests.received") is None
    assert of(told, "requests.concluded") == "6"


def test_reviews_and_suits_side_by_side_are_not_mixed_up() -> None:
    """Line by line the left half's 被依法纠错数 follows the right half's rows."""
    told = numbers(
        read_plain(
            "统计指标 单位 数量 统计指标 单位 数量\n（一）主动公开政府信息数 条 5 （一）收到申请数 件 7\n"
            "四、行政复议数量 件 2 五、行政诉讼数量 件 3\n"
            "（一）维持具体行政行为数 件 1 （一）维持具体行政行为或者驳回原告诉讼请求数 件 3\n"
            "（二）被依法纠错数 件 1 （二）被依法纠错数 件\n（三）其他情形数 件 （三）其他情形数 件 0\n"
        )
    )
    assert told["stats2014.review.total"] == "2"
    assert "stats2014.litigation.corrected" not in told
    assert "stats2014.review.other" not in told


def test_a_label_cut_by_its_own_figure() -> None:
    told = numbers(
        read_plain(
            "统计指标 单位 数量\n（一）主动公开政府信息数（不同渠道和方式\n条 1683\n公开相同信息计1条）\n"
            "其中：主动公开规范性文件数 条 4\n（一）收到申请数 件 7\n4.不同意公开答复数 件 1\n"
            "其中：涉及国家秘密 件 0\n危及国家安全、公共安全、经济 件 1 安全和社会稳定\n"
            "不是《条例》所指政府信息 件 0\n"
        )
    )
    assert told["stats2014.proactive.normative_published"] == "4"
    assert told["stats2014.requests.denied_security_stability"] == "1"
    assert told["stats2014.requests.denied_not_government_info"] == "0"
    assert told.get("stats2014.proactive.published_total") in {None, "1683"}


def test_a_label_over_two_rows() -> None:
    lines = [
        *SOME,
        ("危及国家安全、公共安全、", "", ""),
        ("经济安全和社会稳定", "件", "2"),
        ("不是《条例》所指", "件", "3"),
        ("政府信息", "", ""),
    ]
    told = numbers(grid(lines))
    assert told["stats2014.requests.denied_security_stability"] == "2"
    assert told["stats2014.requests.denied_not_government_info"] == "3"


def test_a_misprint_is_read_where_it_stands() -> None:
    lines = [*SOME, ("（一）维护具体行政行为数", "件", "2"), ("（二）被依纠错数", "件", "1")]
    told = numbers(grid(lines))
    assert told["stats2014.review.upheld"] == "2"
    # Two rows of the form are a character away: neither is taken.
    assert not {key for key in told if key.endswith("corrected")}


def test_a_page_number_is_no_figure() -> None:
    told = numbers(
        read_plain(
            "统计指标\t单位\t数量\n（一）主动公开政府信息数\t条\t5\n（一）收到申请数\t件\t\n3\n"
            "1.当面申请数\t件\t2\n2.传真申请数\t件\t0\n（二）申请办结数\t件\t1\n"
        )
    )
    assert "stats2014.requests.received" not in told
    assert told["stats2014.requests.received_in_person"] == "2"


def test_an_enumerator_without_its_dot_is_no_digit_of_the_figure() -> None:
    glued = (
        "统计指标单位数量（一）主动公开政府信息数条12" "1政府公报公开政府信息数条3" "2政府网站公开政府信息数条9"
        "（一）收到申请数件4"
    )  # fmt: skip
    told = numbers(read_plain(glued))
    assert told.get("stats2014.proactive.published_total") in {None, "12"}
    assert told.get("stats2014.proactive.via_gazette") in {None, "3"}
    assert told["stats2014.requests.received"] == "4"


def test_prose_gives_no_statistics() -> None:
    told, extras = read(
        read_plain(
            "一、主动公开情况\n全年主动公开政府信息数1683条，其中政府网站公开政府信息数1600条。\n"
            "二、依申请公开情况\n收到申请数7件，按时办结数7件；申请答复数7件。\n行政复议数量0件，举报投诉数量0件。"
        )
    )
    assert {key: value for key, (value, _) in told.items() if value} == {}
    assert extras == ()


def test_another_table_is_not_the_statistics() -> None:
    assert read(grid([("单位", "公开数量"), ("市教育局", "12"), ("市民政局", "8")])) == ({}, ())


# --- rows of local copies and of the tables before 2014 -------------------------------------------


def test_local_rows_are_kept_beside_the_form() -> None:
    local = [("（1）财政预决算信息数", "条", "8"), ("（2）招标采购信息数", "条", "")]
    lines = [("指标", "单位", "数量"), *SOME[:2], *local, *SOME[2:]]
    expected = (Extra("财政预决算信息数", "条", "8"), Extra("招标采购信息数", "条", ""))
    for document in (grid(lines), html(lines)):
        told, extras = read(document)
        assert of(told, "proactive.normative_published") == "4"
        assert extras == expected
    joined = "\n".join("\t".join(line) for line in lines)
    told, extras = read(read_plain(joined))
    assert of(told, "requests.received") == "7"
    assert extras[0] == expected[0]


def test_a_table_before_2014_is_local_as_a_whole() -> None:
    """Fujian's columns 本年度 and 历年累计; 行政复议数 is no row of the form of 2014."""
    lines = [
        ("指标名称", "计量单位", "2011年度", "历年累计"),
        ("主动公开信息数", "条", "425", "1516"),
        ("其中：1.网站公开", "条", "418", "1509"),
        ("受理依申请公开信息总数", "条", "3", "4"),
        ("其中：1.当面申请数", "条", "2", "2"),
        ("行政复议数", "条", "0", "1"),
    ]
    expected = [
        Extra("主动公开信息数", "条", "425"),
        Extra("主动公开信息数（历年累计）", "条", "1516"),
        Extra("网站公开", "条", "418"),
    ]
    joined = "附件1：统计表\n" + "\n".join(" ".join(line) for line in lines)
    for document in (grid(lines), read_plain(joined)):
        told, extras = read(document)
        assert told == {}
        assert list(extras[:3]) == expected
        assert len(extras) == 10


def test_a_table_with_codes_before_2014() -> None:
    lines = [
        ("指 标 名 称", "计量单位", "代码", "本期实际", "本年累计"),
        ("甲", "乙", "丙", "1", "2"),
        ("主动公开信息数", "条", "01", "40", "90"),
        ("申请总数", "条", "10", "1", "2"),
        ("对申请的答复总数", "条", "17", "1", "2"),
        ("行政复议数", "件", "32", "0", "0"),
    ]
    told, extras = read(grid(lines))
    assert told == {}
    assert extras[:2] == (
        Extra("主动公开信息数", "条", "40"),
        Extra("主动公开信息数（本年累计）", "条", "90"),
    )
    assert len(extras) == 8


# --- whatever is lost or run together -------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_cells_lost_or_run_together_never_give_a_wrong_number(seed: int) -> None:
    dice = random.Random(seed)
    made = figures(f"loss {seed}")
    cells: list[str] = []
    lost: set[str] = set()
    in_order = iter(FORM)
    for place, (label, unit, figure) in enumerate(rows(made)):
        key = next(in_order) if unit else ""
        line = [label, unit, figure] if unit else [label]
        if place and dice.random() < 0.15:
            gone = dice.randrange(len(line))
            if gone == 2:
                lost.add(key)
            line[gone] = ""
        cells += line
    separators = dice.choice(
        [("",), (" ",), ("", " "), ("\t", "\n"), ("", "\n"), (" ", "\n\n", "")]
    )
    text = "统计指标 单位 数量\n" + "".join(cell + dice.choice(separators) for cell in cells)
    told = numbers(read_plain(text))
    assert not {key: (value, made[key]) for key, value in told.items() if value != made[key]}
    assert not lost & told.keys()
    assert len(told) > len(FORM) / 3


@pytest.mark.parametrize("seed", range(40))
def test_grids_with_cells_lost_or_merged_never_give_a_wrong_number(seed: int) -> None:
    dice = random.Random(seed)
    made = figures(f"grid {seed}")
    lost: set[str] = set()
    lines: list[tuple[str, ...]] = [("指标", "单位", "数量")]
    in_order = iter(FORM)
    for label, unit, figure in rows(made):
        line = [label, unit, figure]
        key = next(in_order) if unit else ""
        what = dice.random()
        if unit and what < 0.06:
            line[2] = ""
            lost.add(key)
        elif unit and what < 0.12:
            del line[dice.randrange(2)]
        elif unit and what < 0.18:
            line[1:] = [unit + figure]
        elif what < 0.22:
            line = ["".join(line)]
        elif what < 0.26:
            line.append(dice.choice(["", "5", "见附件"]))
        elif what < 0.3:
            line.insert(1, dice.choice(["", "3"]))
        lines.append(tuple(line))
    told = numbers(grid(lines))
    assert not {key: (value, made[key]) for key, value in told.items() if value != made[key]}
    assert not lost & told.keys()
    assert len(told) > len(FORM) / 2


ANHUI = ("序号", "统 计 指 标", "单位", "区政府统计数", "区直单位统计数", "乡镇街道统计数", "合计")


@pytest.mark.parametrize("blank", [False, True])
@pytest.mark.parametrize("separator", ["\t", " ", " | "])
def test_numbered_rows_in_running_text(separator: str, blank: bool) -> None:
    made = figures("numbers")
    if blank:
        made |= dict.fromkeys(FORM[3:50:5], "")
    lines = [(str(n), *(c for c in row if c)) for n, row in enumerate(rows(made), 1)]
    joined = "\n".join(separator.join(line) for line in lines)
    told = numbers(read_plain("序号 统计指标 单位 数量\n" + joined))
    assert told == {key: value for key, value in made.items() if value}


def test_a_heading_that_names_no_column_of_figures() -> None:
    """「指标名称 单位」 and the first row at once, as where the third word of the heading is lost."""
    made = figures("headless")
    lines = [" ".join(cell for cell in row if cell) for row in rows(made)]
    assert lines[0].startswith("一、")
    assert numbers(read_plain("\n".join(("统计指标 单位", *lines)))) == made


def test_columns_of_several_bodies() -> None:
    lines = [(str(n), a, b or "----", "1", "", "", c) for n, (a, b, c) in enumerate(SOME, 1)]
    local = ("6", "主动公开机构领导、机构设置及人事信息", "条", "9", "8", "7", "24")
    told, extras = read(
        grid([ANHUI, ("1", "一、主动公开情况", "----", "", "", "", ""), *lines, local])
    )
    assert of(told, "requests.received") == "7"
    assert [(e.label, e.printed) for e in extras] == [
        ("主动公开机构领导、机构设置及人事信息（区政府统计数）", "9"),
        ("主动公开机构领导、机构设置及人事信息（区直单位统计数）", "8"),
        ("主动公开机构领导、机构设置及人事信息（乡镇街道统计数）", "7"),
        ("主动公开机构领导、机构设置及人事信息", "24"),
    ]
    assert numbers(grid([row[:-1] for row in (ANHUI, *lines)])) == {}


HEAD = "统计指标 单位 数量 主动公开政府信息数 收到申请数 "


@pytest.mark.parametrize(
    "text",
    [HEAD + "当面申请数 件 1 " * 20000, HEAD * 10000, HEAD + "(不同" * 40000, HEAD + "(不同" + "字" * 100000,
     "指标" + " " * 100000 + HEAD, HEAD + "收" + " " * 100000, HEAD + "件" * 100000, HEAD + "当面申请数" * 20000],
)  # fmt: skip
def test_no_text_takes_more_than_its_length(text: str) -> None:
    """Ends at all: a pattern that tries every cut of such a text runs for hours."""
    read(read_plain(text))
    assert statistics_span(text) is None or len(text) > 0


def test_a_grid_longer_than_any_such_table_is_passed_over() -> None:
    lines = [("统计指标", "单位", "数量"), *rows(figures("long"))] * 40
    assert numbers(grid(lines)) == {}
