"""Cells out of every layout: exactly as printed, and never a guess."""

import random
from collections.abc import Callable

import pytest

from archive.extract.plain import read_plain
from archive.extract.web import read_html
from archive.form import COLUMNS, keys
from archive.model import Document, Note, Paragraph, State
from archive.parse import Parsed, parse, settle
from tests.portals.figures import Scale, series
from tests.portals.tables import Grid, grids
from tests.portals.web import clean_table, word_table

SCALE = Scale(requests=40, disputes=9, documents=6, licences=1200, penalties=300, fees_wan=88.5)
HEADINGS = (
    "二、主动公开政府信息情况",
    "三、收到和处理政府信息公开申请情况",
    "四、政府信息公开行政复议、行政诉讼情况",
)


# --- made reports in every layout -----------------------------------------------------------------


def as_html(made: tuple[Grid, ...]) -> Parsed:
    body = "".join(f"<p>{h}</p>{clean_table(g)}" for h, g in zip(HEADINGS, made, strict=True))
    return parse(read_html(f"<html><body><div class='TRS_Editor'>{body}</div></body></html>"))


def as_word_paste(made: tuple[Grid, ...]) -> Parsed:
    body = "".join(f"<p>{h}</p>{word_table(g)}" for h, g in zip(HEADINGS, made, strict=True))
    return parse(read_html(f"<html><body><div id='zoom'>{body}</div></body></html>"))


def flow(separator: str, end: str) -> Callable[[tuple[Grid, ...]], Parsed]:
    """Cells parted by `separator`, rows by `end`, merged cells once: how tables are pasted."""

    def layout(made: tuple[Grid, ...]) -> Parsed:
        lines = []
        for heading, grid in zip(HEADINGS, made, strict=True):
            lines.append(heading)
            lines += [separator.join(box.text for box in row) for row in grid.rows]
        return parse(read_plain(end.join(lines)))

    return layout


LAYOUTS = {
    "html": as_html,
    "word paste": as_word_paste,
    "tabs": flow("\t", "\n"),
    "a paragraph a cell": flow("\n\n", "\n\n"),
    "pipes": flow(" |\n", " |\n|\n"),
    "one line": flow(" ", " "),
    "carriage returns": flow("\r\r\r", "\r\r\r\r\r"),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("form", ["2021", "2019"])
@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_a_made_report_reads_back_exactly(
    layout: Callable[[tuple[Grid, ...]], Parsed], form: str, seed: str
) -> None:
    year = int(form) + 1 if form == "2021" else int(form)
    figures = series(seed, [year], SCALE)[year]
    read = layout(grids(form, figures))
    assert read.form == form
    assert set(read.cells) == set(keys(form))
    assert dict(read.cells) == {key: figures[key].lstrip("+") for key in keys(form)}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_blanked_and_glued_cells_never_become_numbers(
    layout: Callable[[tuple[Grid, ...]], Parsed],
) -> None:
    """Whatever is removed or run together, a cell is the printed number or no number."""
    dice = random.Random(7)
    for _ in range(12):
        figures = dict(series(str(dice.random()), [2022], SCALE)[2022])
        printed = dict(figures)
        for key in dice.sample(keys("2021"), 9):
            printed[key] = dice.choice(["", "/", "—", "无"])
        row = dice.choice(["granted", "received_new", "denied_admin_query", "concluded_total"])
        glued = [f"requests.{row}.{column}" for column in COLUMNS]
        printed[glued[0]] = "".join(figures[key] for key in glued)
        for key in glued[1:]:
            printed[key] = ""
        read = layout(grids("2021", printed))
        for key, value in read.cells.items():
            if key == glued[0]:
                # Printed in one cell it may be a number of its own; it is never split by guess.
                assert value in {None, printed[key], figures[key]}, key
            elif key in glued:
                assert value in {None, figures[key]}, key
            else:
                assert value in {None, figures[key]}, key
                assert value is None or printed[key] == figures[key], key


# --- layouts that occur -------------------------------------------------------------------------


def read_text(text: str) -> Parsed:
    return parse(read_plain(text))


def row_of(read: Parsed, row: str) -> list[str | None]:
    return [read.cells.get(f"requests.{row}.{column}") for column in COLUMNS]


def test_labels_cut_by_a_page_break_and_page_marks_between() -> None:
    read = read_text(
        "一、本年新收政府信息公开申请数量 30 5 0 0 6 4 45\n二、上年结转政府信息公开申请数量 3 0 0 0 0 0 3\n"
        "三、本年度办理结果\n（一）予以公开 12 2 0 0 5 3 22\n（四）无\n"
        "1.本机关不掌握相关政府信息 7 1 0 0 1 1 10\n"
        "法提供 2.没有现成信息需要另行制作 1 0 0 0 0 0 1\n"
        "5.要求行政机关确认或重新出\n具已获取信息\n1 0 0 0 0 0 1\n"
        "1、申请人无正当理由逾期不补\n正、行政机关不再处理其政府信\n息公开申请\n6 3 0 0 1 0 10\n"
        "3、其他 8 2 0 0 0 0 10\n（七）总计 33 5 0 0 6 4 48\n四、结转下年度继续办理 0 0 0 0 0 0 0\n"
    )
    assert row_of(read, "unavailable_not_held") == ["7", "1", "0", "0", "1", "1", "10"]
    assert row_of(read, "unavailable_needs_creation") == ["1", "0", "0", "0", "0", "0", "1"]
    assert row_of(read, "not_processed_reconfirm") == ["1", "0", "0", "0", "0", "0", "1"]
    assert row_of(read, "other_not_corrected") == ["6", "3", "0", "0", "1", "0", "10"]
    assert row_of(read, "other_misc") == ["8", "2", "0", "0", "0", "0", "10"]
    assert row_of(read, "concluded_total") == ["33", "5", "0", "0", "6", "4", "48"]
    # Rows the text does not print are missing, not zero.
    assert read.notes["requests.denied_state_secret.total"].state is State.MISSING


def test_an_enumerator_glued_to_the_value_before_it() -> None:
    read = read_text(
        "一、本年新收政府信息公开申请数量 2 0 0 0 0 0 2 二、上年结转政府信息公开申请数量 0 0 0 0 0 0 0"
        "（三）不予公开 1.属于国家秘密 0 0 0 0 0 0 02.其他法律行政法规禁止公开 1 0 0 0 0 0 13.危及“三安全一稳定”"
        " 0 0 0 0 0 0 0 四、结转下年度继续办理 0 0 0 0 0 0 0"
    )
    assert row_of(read, "denied_state_secret") == ["0"] * 7
    assert row_of(read, "denied_law_prohibited") == ["1", "0", "0", "0", "0", "0", "1"]


def test_glued_rows_are_ambiguous_with_their_printed_text() -> None:
    read = read_text(
        "一、本年新收政府信息公开申请数量81010010二、上年结转政府信息公开申请数量0000000"
        "三、本年度办理结果（一）予以公开7 0 0 0 0 0 7（二）部分公开5 0 0 1 0 0 9"
        "四、结转下年度继续办理0000000"
    )
    assert row_of(read, "received_new") == [None] * 7
    assert read.notes["requests.received_new.total"].state is State.AMBIGUOUS
    assert read.notes["requests.received_new.total"].printed == "81010010"
    # Among glued rows a row of seven counts only when it adds up.
    assert row_of(read, "granted") == ["7", "0", "0", "0", "0", "0", "7"]
    assert row_of(read, "granted_partial") == [None] * 7


def test_prose_that_tells_of_new_requests_is_not_the_table() -> None:
    table = (
        "一、本年新收政府信息公开申请数量 9 0 0 0 0 0 9\n二、上年结转政府信息公开申请数量 0 0 0 0 0 0 0\n"
        "（一）予以公开 9 0 0 0 0 0 9\n四、结转下年度继续办理 0 0 0 0 0 0 0"
    )
    read = read_text(
        "2021年，本年新收政府信息公开申请12件，上年结转1件，予以公开8件，结转下年度继续办理0件。\n"
        + table
    )
    assert row_of(read, "received_new") == ["9", "0", "0", "0", "0", "0", "9"]
    assert row_of(read, "granted") == ["9", "0", "0", "0", "0", "0", "9"]


def test_a_dispute_table_with_its_second_heading_line_lost() -> None:
    read = read_text(
        "四、政府信息公开行政复议、行政诉讼情况 | 行政复议 | 行政诉讼 | 结果维持 | 结果 | 其他 | 尚未 | 总计 |"
        " 未经复议直接起诉 | 复议后起诉 | 结果 | 结果 | 其他 | 尚未 | 总计 | 结果 | 结果 | 其他 | 尚未 | 总计 |"
        " 1 | 2 | 0 | 0 | 3 | 4 | 0 | 0 | 1 | 5 | 0 | 0 | 0 | 6 | 6 | 五、存在的主要问题及改进情况"
    )
    assert read.cells["disputes.review.total"] == "3"
    assert read.cells["disputes.litigation_direct.total"] == "5"
    assert read.cells["disputes.litigation_after_review.pending"] == "6"


def test_fourteen_numbers_are_no_dispute_table() -> None:
    read = read_text(
        "行政复议 行政诉讼 未经复议直接起诉 复议后起诉 结果维持 结果纠正 其他结果 尚未审结 总计 "
        "0 0 0 0 0 2 0 0 0 2 0 0 0 0 五、存在的主要问题及改进情况 一、本年新收政府信息公开申请数量 1 0 0 0 0 0 1"
    )
    assert all(value is None for key, value in read.cells.items() if key.startswith("disputes."))


def test_data_cells_with_other_colspans_than_the_header() -> None:
    head = (
        "<tr><td rowspan=3 colspan=3>（勾稽关系）</td><td colspan=8>申请人情况</td></tr>"
        "<tr><td rowspan=2>自然人</td><td colspan=6>法人或其他组织</td><td rowspan=2>总计</td></tr>"
        "<tr><td colspan=2>商业企业</td><td>科研机构</td><td>社会公益组织</td><td>法律服务机构</td>"
        "<td>其他</td></tr>"
    )
    data = (
        "<tr><td colspan=3>一、本年新收政府信息公开申请数量</td>"
        "<td>8</td><td>1</td><td>&nbsp;</td><td></td><td>2</td><td>1</td><td>12</td></tr>"
        "<tr><td rowspan='22 '>三、本年度办理结果</td><td colspan=2>（一）予以公开</td>"
        "<td>3</td><td>1</td><td>&nbsp;</td><td></td><td>2</td><td>1</td><td>/</td></tr>"
    )
    read = parse(read_html(f"<div id='zoom'><p>x</p><table>{head}{data}</table>{'字' * 50}</div>"))
    assert row_of(read, "received_new") == ["8", "1", None, None, "2", "1", "12"]
    assert row_of(read, "granted") == ["3", "1", None, None, "2", "1", None]
    assert read.notes["requests.received_new.research_institution"].state is State.BLANK
    assert read.notes["requests.granted.total"].state is State.NA


def test_words_in_a_cell_are_kept_as_words() -> None:
    read = parse(
        read_html(
            "<div id='zoom'><table><tr><td>（一）予以公开</td><td>详见附件</td>"
            + "<td>0</td>" * 6
            + "</tr><tr><td>（二）部分公开</td>"
            + "<td>1</td>"
            + "<td>0</td>" * 5
            + f"<td>1</td></tr></table>{'字' * 50}</div>"
        )
    )
    assert row_of(read, "granted") == [None, "0", "0", "0", "0", "0", "0"]
    assert read.notes["requests.granted.natural_person"].printed == "详见附件"


def test_forms_that_do_not_agree_are_mixed() -> None:
    """A 2021 first table beside the one-row （六）其他处理 of 2019."""
    first, _, third = grids("2021", series("m", [2022], SCALE)[2022])
    _, second, _ = grids("2019", series("n", [2019], SCALE)[2019])
    read = as_html((first, second, third))
    assert read.form == "mixed"
    assert read.cells["requests.other.total"] is not None
    assert read.notes["requests.other_misc.total"].state is State.MISSING


ZEROS = "<td>0</td>" * 5
COLUMNS_HTML = "".join(
    f"<td>{name}</td>"
    for name in "总计 自然人 商业企业 科研机构 社会公益组织 法律服务机构 其他".split()
)


def read_rows(*rows: str, before: str = "", after: str = "") -> Parsed:
    table = "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"
    return parse(read_html(f"<div id='zoom'><p>{'字' * 50}</p>{before}{table}{after}</div>"))


def test_columns_are_read_by_their_heading_or_not_at_all() -> None:
    row = f"<td>（一）予以公开</td><td>5</td><td>4</td>{ZEROS[:-10]}<td>1</td>"
    named = read_rows(f"<td>类别</td>{COLUMNS_HTML}", row)
    assert row_of(named, "granted") == ["4", "0", "0", "0", "0", "1", "5"]
    # Nothing names the order, and the sums speak against the form's.
    assert row_of(read_rows(row, "<td>a</td><td>b</td>"), "granted") == [None] * 7


def test_a_column_set_in_between_shifts_nothing() -> None:
    row = f"<td>（一）予以公开</td><td></td><td>4</td>{ZEROS}<td></td>"
    assert row_of(read_rows(row, "<td>（二）部分公开</td>" * 2), "granted") == [None] * 7


def test_printings_that_differ_give_no_number() -> None:
    def row(number: int) -> str:
        return f"<td>（一）予以公开</td><td>{number}</td>{ZEROS}<td>{number}</td>"

    last = f"<p>2020年数据</p><table><tr>{row(3)}</tr><tr><td>a</td><td>b</td></tr></table>"
    read = read_rows(row(4), "<td>a</td><td>b</td>", before=last)
    assert row_of(read, "granted") == [None, "0", "0", "0", "0", "0", None]
    assert read.notes["requests.granted.total"].printed == "3 / 4"
    # What stands after the last chapter is somebody else's.
    annex = "<p>六、其他需要报告的事项</p>" + last
    read = read_rows(row(4), "<td>a</td><td>b</td>", after=annex)
    assert row_of(read, "granted") == ["4", "0", "0", "0", "0", "0", "4"]


def test_a_row_that_a_local_form_has_twice_costs_no_other_row() -> None:
    def row(label: str, number: int) -> str:
        return f"<td>{label}</td><td>{number}</td>{ZEROS}<td>{number}</td>"

    rows = [
        row("一、本年新收政府信息公开申请数量", 9),
        row("二、上年结转政府信息公开申请数量", 0),
        row("（一）予以公开", 5),
        row("其中：网上予以公开", 2),
        row("（二）部分公开", 1),
        row("1.属于国家秘密", 1),
        row("5.属于三类内部事务信息", 2),
    ]
    read = read_rows(*rows)
    assert row_of(read, "granted") == [None] * 7
    assert read.notes["requests.granted.total"].printed == (
        "5 | 0 | 0 | 0 | 0 | 0 | 5 / 2 | 0 | 0 | 0 | 0 | 0 | 2"
    )
    assert row_of(read, "denied_internal_affairs") == ["2", "0", "0", "0", "0", "0", "2"]
    # The whole table again is another printing of it.
    again = [row(label, 3) for label in ("一、本年新收", "（一）予以公开", "（二）部分公开")]
    assert row_of(read_rows(*rows, *again), "denied_internal_affairs") == [None] * 7


def test_a_row_of_the_first_table_twice_costs_no_other_row() -> None:
    heading = "<td>信息内容</td><td>本年处理决定数量</td>"
    names = ("行政许可", "其中：网上行政许可", "行政处罚", "行政强制", "其他对外管理服务事项")
    rows = [f"<td>{name}</td><td>{number}</td>" for number, name in enumerate(names, 1)]
    documents = "<td>信息内容</td><td>本年制发件数</td><td>本年废止件数</td><td>现行有效件数</td>"
    made = ["<td>规章</td>" + "<td>0</td>" * 3, "<td>行政规范性文件</td>" + "<td>4</td>" * 3]
    read = read_rows(documents, *made, heading, *rows)
    assert read.cells["disclosure.licensing.decisions"] is None
    assert read.notes["disclosure.licensing.decisions"].printed == "1 / 2"
    assert read.cells["disclosure.penalties.decisions"] == "3"
    assert read.cells["disclosure.normative_documents.in_force"] == "4"


@pytest.mark.parametrize(
    ("names", "is_read"),
    [
        ("商业企业 科研机构 社会公益组织 法律服务机构 其他", True),
        # A name the form does not have, in its place and out of it.
        ("商业企业 科研单位 社会公益组织 法律服务机构 其他", True),
        ("商业企业 商业企业 社会公益组织 法律服务机构 其他", True),
        ("商业企业 社会组织 科研机构 法律服务机构 其他", False),
        ("科研机构 商业企业 社会公益组织 法律服务机构 其他", False),
    ],
)
def test_an_order_of_columns_that_headings_contradict_is_not_believed(
    names: str, is_read: bool
) -> None:
    headings = "".join(f"<td>{name}</td>" for name in names.split())
    row = f"<td>（一）予以公开</td><td>5</td>{ZEROS}<td>5</td>"
    read = read_rows("<td>自然人</td><td>法人或其他组织</td><td>总计</td>", headings, row)
    assert row_of(read, "granted") == (["5", *"00000", "5"] if is_read else [None] * 7)


@pytest.mark.parametrize(
    ("results", "blocks", "is_read"),
    [
        ("结果维持 结果纠正 其他结果 尚未审结 总计", "行政复议 未经复议直接起诉 复议后起诉", True),
        ("结果维持 结果纠正 某种结果 尚未审结 总计", "行政复议 未经复议直接起诉 复议后起诉", True),
        ("结果维持 结果纠正 尚未审结 其他结果 总计", "行政复议 未经复议直接起诉 复议后起诉", False),
        ("结果维持 某种结果 结果纠正 尚未审结 总计", "行政复议 未经复议直接起诉 复议后起诉", False),
        ("结果维持 结果纠正 其他结果 尚未审结 总计", "未经复议直接起诉 复议后起诉 行政复议", False),
        ("结果维持 结果纠正 其他结果 尚未审结 总计", "行政诉讼 行政复议", False),
    ],
)
def test_an_order_of_disputes_that_headings_contradict_is_not_believed(
    results: str, blocks: str, is_read: bool
) -> None:
    above, below = (
        "".join(f"<td>{name}</td>" for name in names)
        for names in (blocks.split(), results.split() * 3)
    )
    read = read_rows(above, below, "".join(f"<td>{number}</td>" for number in (2, 0, 0, 0, 2) * 3))
    assert read.cells.get("disputes.review.upheld") == ("2" if is_read else None)


def test_results_and_blocks_by_other_words_are_read_where_they_stand() -> None:
    above = "".join(
        f"<td colspan=5>{name}</td>"
        for name in ("未经复议直接起诉", "复议后起诉", "行政复议（件）")
    )
    names = ("结果维持", "结果纠正", "未审结", "其他结果", "总计")
    below = "".join(f"<td>{name}</td>" for name in names) * 3
    read = read_rows(above, below, "".join(f"<td>{number}</td>" for number in range(1, 16)))
    assert read.cells["disputes.review.pending"] == "13"
    assert read.cells["disputes.litigation_direct.other"] == "4"


RESULTS_HTML = "".join(
    f"<td>{name}</td>" for name in "结果维持 结果纠正 其他结果 尚未审结 总计".split()
)


def test_a_row_of_five_for_each_block() -> None:
    def row(label: str, *numbers: int) -> str:
        return f"<td>{label}</td>" + "".join(f"<td>{number}</td>" for number in numbers)

    heading = "<td></td>" + RESULTS_HTML
    rows = [
        row("行政诉讼—未经复议直接起诉", 0, 3, 0, 1, 4),
        row("行政复议", 2, 0, 0, 0, 2),
        row("复议后起诉", 0, 0, 0, 7, 7),
    ]
    read = read_rows(heading, *rows, row("合计", 2, 3, 0, 8, 13))
    assert read.cells["disputes.review.upheld"] == "2"
    assert read.cells["disputes.litigation_direct.corrected"] == "3"
    assert read.cells["disputes.litigation_after_review.total"] == "7"
    # Last year's beside this year's; and the form's own row is enough.
    assert not any(read_rows(heading, *rows, row("行政复议", 9, 0, 0, 0, 9)).cells.values())
    own = "".join(f"<td>{number}</td>" for number in (1, 0, 0, 0, 1) * 3)
    names = "".join(
        f"<td colspan=5>{name}</td>" for name in ("行政复议", "未经复议直接起诉", "复议后起诉")
    )
    read = read_rows(names, RESULTS_HTML * 3, own, heading, *rows)
    assert read.cells["disputes.review.upheld"] == "1"
    # All cases of a body, in another chapter.
    assert not any(read_rows(heading, rows[1], row("行政诉讼", 4, 0, 0, 0, 4)).cells.values())


@pytest.mark.parametrize(
    ("above", "headings", "values"),
    [
        (
            "<td></td><td>单位</td>",
            COLUMNS_HTML,
            "<td>件</td><td>5</td><td>4</td>{zeros}<td>1</td>",
        ),
        ("<td></td><td>行次</td>", COLUMNS_HTML, "<td>3</td><td>5</td><td>4</td>{zeros}<td>1</td>"),
        (
            "<td></td><td></td>",
            COLUMNS_HTML.replace("<td>其他</td>", "<td>小计</td><td>其他</td>"),
            "<td></td><td>5</td><td>4</td>{zeros}<td>0</td><td>1</td>",
        ),
    ],
)
def test_columns_of_a_local_form_are_left_out_by_their_names(
    above: str, headings: str, values: str
) -> None:
    row = f"<td>（一）予以公开</td>{values.format(zeros=ZEROS[:-10])}"
    read = read_rows(above, f"<td></td><td></td>{headings}", row)
    assert row_of(read, "granted") == ["4", "0", "0", "0", "0", "1", "5"]


def test_a_row_is_not_empty_where_figures_belong_to_no_row() -> None:
    lines = [
        "一、本年新收政府信息公开申请数量 9 0 0 0 0 0 9",
        "三、本年度办理结果（一）予以公开 6 0 0 0 0 0 6",
        "（二）部分公开 1 0 0 0 0 0 1",
        "（三）不予公开 1.属于国家秘密",
        "2.某类信息",
        "2 0 0 0 0 0 2",
        "禁止公开某某",
        "（七）总计 9 0 0 0 0 0 9",
        "四、结转下年度继续办理 0 0 0 0 0 0 0",
    ]
    read = read_text("\n".join(lines))
    note = read.notes["requests.denied_state_secret.total"]
    assert (note.state, note.printed) == (State.AMBIGUOUS, "2 0 0 0 0 0 2")
    del lines[5]
    note = read_text("\n".join(lines)).notes["requests.denied_state_secret.total"]
    assert (note.state, note.printed) == (State.BLANK, "")


def test_what_was_carried_in_may_stand_first() -> None:
    def row(label: str, number: int) -> str:
        return f"<td>{label}</td><td>{number}</td>{ZEROS}<td>{number}</td>"

    read = read_rows(row("一、上年转结", 1), row("二、本年新收政府信息公开申请数量", 4))
    assert row_of(read, "carried_in") == ["1", "0", "0", "0", "0", "0", "1"]


def test_fees_in_another_unit_than_the_forms_are_doubted() -> None:
    for unit, value in (("单位：万元", "864.75"), ("单位：元", None), ("元", None)):
        read = read_rows(
            "<td>信息内容</td><td>本年处理决定数量</td>",
            "<td>行政许可</td><td>7</td>",
            f"<td>信息内容</td><td>本年收费金额（{unit}）</td>",
            "<td>行政事业性收费</td><td>864.75</td>",
        )
        assert read.cells["disclosure.licensing.decisions"] == "7"
        assert read.cells["disclosure.fees.amount_wan"] == value
        if value is None:
            assert read.notes["disclosure.fees.amount_wan"].printed == "864.75元"


def test_the_unit_of_a_column_costs_no_other_column() -> None:
    names = ("上一年项目数量", "本年增/减", "处理决定数量（万件）")
    heading = "<td>信息内容</td>" + "".join(f"<td>{name}</td>" for name in names)
    read = read_rows(heading, "<td>行政许可</td><td>30</td><td>2</td><td>7</td>")
    assert read.cells["disclosure.licensing.items_prev_year"] == "30"
    assert read.cells["disclosure.licensing.items_change"] == "2"
    assert read.cells["disclosure.licensing.decisions"] is None
    assert read.notes["disclosure.licensing.decisions"].printed == "7万件"


@pytest.mark.parametrize(
    "names",
    [
        "自然人 法人或其他组织 商业企业 科研机构 社会公益组织 法律服务机构 其他 总计（件）",
        "自然人 法人 商业企业 科研机构 社会公益组织 法律服务机构 其他（请注明） 总计",
    ],
)
def test_headings_with_words_of_their_own_contradict_no_order(names: str) -> None:
    heading = "".join(f"<td>{name}</td>" for name in names.split())
    row = f"<td>（一）予以公开</td><td>5</td>{ZEROS}<td>5</td>"
    assert row_of(read_rows(heading, row), "granted") == ["5", *"00000", "5"]


def test_a_table_printed_twice_in_one_grid_gives_no_other_total() -> None:
    def row(label: str, number: int) -> str:
        return f"<td>{label}</td><td>{number}</td>{ZEROS}<td>{number}</td>"

    def table(number: int) -> list[str]:
        names = ("一、本年新收", "（一）予以公开", "（二）部分公开", "1.属于国家秘密", "2.重复申请")
        numbers = (number, number, 0, 0, 0)
        return [*map(row, names, numbers), row("（七）总计", number)]

    read = read_rows(*table(3), *table(8))
    assert row_of(read, "concluded_total")[0] is None
    assert row_of(read, "granted")[0] is None


def test_other_tables_with_rows_of_like_names_are_not_read() -> None:
    years = "".join(f"<td>{year}年</td>" for year in range(2015, 2022))
    rows = (
        f"<td>{name}</td>" + "<td>7</td>" * 7 for name in ("信访局", "上年结转", "其他", "总计")
    )
    assert dict(read_rows(f"<td>单位</td>{years}", *rows).cells) == {}


def test_a_subtotal_is_not_the_total() -> None:
    def row(label: str, number: int) -> str:
        return f"<td>{label}</td><td>{number}</td>{ZEROS}<td>{number}</td>"

    read = read_rows(
        row("8.属于行政查询事项", 2), row("合计", 2), row("2.重复申请", 1), row("（七）总计", 3)
    )
    assert row_of(read, "concluded_total") == ["3", "0", "0", "0", "0", "0", "3"]


def test_a_row_wider_than_any_table_is_read_to_its_bound() -> None:
    wide = "<td></td>" * 190 + "<td>0</td>" * 15
    read = read_rows("<td>结果维持</td><td>结果纠正</td>", wide)
    assert read.notes["disputes.review.upheld"].state is State.AMBIGUOUS
    assert not any(read.cells.values())


def test_prose_gives_no_cells() -> None:
    read = read_text(
        "北原市2021年政府信息公开工作年度报告\n依据第二十条第（五）项，信息内容中本年处理决定数量为行政许可 107\n"
        "行政处罚 35\n全年制发行政规范性文件12件\n一、本年新收政府信息公开申请数量12件\n"
        "二、上年结转政府信息公开申请数量1件\n（六）其他处理0件；（七）总计13件。\n四、结转下年度继续办理0件\n"
        "复议后起诉结果维持0件 结果纠正0件"
    )
    assert dict(read.cells) == {}
    assert read.form == "narrative"


def test_a_local_row_is_not_the_blank_row_above_it() -> None:
    read = read_text(
        "一、本年新收政府信息公开申请数量 1 0 0 0 0 0 1\n二、上年结转政府信息公开申请数量 0 0 0 0 0 0 0\n"
        "8.属于行政查询事项\n9.其他不予公开情形 0 1 0 0 0 0 1\n（七）总计 1 0 0 0 0 0 1\n"
    )
    assert row_of(read, "denied_admin_query") == [None] * 7
    assert row_of(read, "concluded_total") == ["1", "0", "0", "0", "0", "0", "1"]


def test_empty_cells_are_told_by_what_parts_the_whole_rows() -> None:
    read = read_text(
        "一、本年新收政府信息公开申请数量\t4\t0\t0\t0\t0\t0\t4\n"
        "三、本年度办理结果\t（一）予以公开\t2\t\t\t\t\t1\t\n\t（二）部分公开\t1\t0\t0\t0\t0\t0\t1\n"
        "\t（七）总计\t4\t0\t0\t0\t0\t0\t4\n四、结转下年度继续办理\t0\t0\t0\t0\t0\t0\t0\n"
    )
    assert row_of(read, "granted") == ["2", None, None, None, None, "1", None]
    assert read.notes["requests.granted.enterprise"].state is State.BLANK


def test_the_statistics_of_2014_by_label_unit_and_figure() -> None:
    text = (
        "统计指标\t单位\t统计数\n（一）主动公开政府信息数\n（不同渠道和方式公开相同信息计1条）\t条\t1683\n"
        "（一）收到申请数\t件\t7\n其中：市直部门收到申请数\t件\t5\n四、行政复议数量\t件\t\n"
        "（二）被依法纠错数\t件\t2\n五、行政诉讼数量\t件\t1\n（二）被依法纠错数\t件\t1\n"
        "六、举报投诉数量\t件\t3\t9\n七、依申请公开信息收取的费用\t元\t300"
    )
    rows = (line.split("\t") for line in text.replace("\n（不同", "（不同").split("\n"))
    page = read_rows(*("".join(f"<td>{cell}</td>" for cell in row) for row in rows))
    for read in (read_text(text), page):
        assert read.form == "stats2014"
        assert set(read.cells) == set(keys("stats2014"))
        assert {key: value for key, value in read.cells.items() if value is not None} == {
            "stats2014.proactive.published_total": "1683",
            "stats2014.requests.received": "7",
            "stats2014.review.corrected": "2",
            "stats2014.litigation.total": "1",
            "stats2014.litigation.corrected": "1",
        }


@pytest.mark.parametrize(
    "text", ["0" * 200000, "0 " * 100000, "第二十条第" * 40000, "复议后起诉" * 40000, "(" * 200000, "本年新收 1" * 30000]
)  # fmt: skip
def test_no_text_takes_more_than_its_length(text: str) -> None:
    """Ends at all: a pattern that tries every cut of such a text runs for hours."""
    assert not any(read_text(text).cells.values())


def test_a_page_number_does_not_stand_in_for_an_empty_cell() -> None:
    """A cell a line: 行政强制 prints 3, nothing and 4, and the page ends below with its number."""
    heading = "信息内容\n上一年项目数量\n本年增/减\n处理决定数量\n"
    read = read_text(
        "二、主动公开政府信息情况\n第二十条第（六）项\n"
        + heading
        + "行政处罚\n5\n0\n7\n行政强制\n3\n\n4\n1\n"
        "第二十条第（八）项\n信息内容\n上一年项目数量\n本年增/减\n行政事业性收费\n2\n0\n"
    )
    penalties, coercion = (
        [read.cells[f"disclosure.{row}.{column}"] for column in ("items_prev_year", "items_change", "decisions")]
        for row in ("penalties", "coercion")
    )  # fmt: skip
    assert penalties == ["5", "0", "7"]
    assert coercion == [None, None, None]
    assert read.notes["disclosure.coercion.decisions"].state is State.AMBIGUOUS


def test_a_page_mark_is_no_row_of_three() -> None:
    read = read_text(
        "二、主动公开政府信息情况\n第二十条第（六）项\n信息内容\n上一年项目数量\n本年增/减\n处理决定数量\n"
        "行政处罚\n5\n0\n7\n行政强制\n\n\n\n- 1 -\n第二十条第（八）项\n信息内容\n上一年项目数量\n本年增/减\n"
        "行政事业性收费\n2\n0\n"
    )
    assert read.cells["disclosure.penalties.decisions"] == "7"
    assert read.cells["disclosure.coercion.items_change"] is None
    assert read.cells["disclosure.fees.items_prev_year"] == "2"


def test_rows_parted_from_their_heading_by_a_page() -> None:
    read = parse(
        read_html(
            "<div id='zoom'><table><tr><td>信息内容</td><td>本年处理决定数量</td></tr>"
            "<tr><td>行政许可</td><td>5</td></tr></table><p>- 1 -</p>"
            "<table><tr><td>行政处罚</td><td>2</td></tr><tr><td>行政强制</td><td>0</td></tr></table>"
            "<table><tr><td>行政强制</td><td>9</td></tr><tr><td>其他</td><td>9</td></tr></table></div>"
        )
    )
    assert read.cells["disclosure.licensing.decisions"] == "5"
    assert read.cells["disclosure.penalties.decisions"] == "2"


def test_figures_in_recognised_lines_are_marked_with_the_least_confidence() -> None:
    lines = [
        ("一、本年新收政府信息公开申请数量 3 0 0 0 0 0 3", 0.97),
        ("二、上年结转政府信息公开申请数量 0 0 0 0 0 0 0", 0.91),
        ("（一）予以公开 3 0 0 0 0 0 3", 0.99),
        ("（七）总计 3 0 0 0 0 0 3", 0.98),
    ]
    scan = Document("image/png", tuple(Paragraph(text, sure) for text, sure in lines))
    read = parse(scan)
    note = read.notes["requests.granted.total"]
    assert read.cells["requests.granted.total"] == "3"
    assert (note.state, note.confidence) == (State.OCR, 0.91)


def reading_of(row: list[str | None]) -> Parsed:
    """A reading of one row of the second table: None is a blank cell."""
    row_keys = [f"requests.granted.{column}" for column in COLUMNS]
    cells = dict(zip(row_keys, row, strict=True))
    notes = {key: Note(State.BLANK) for key, value in cells.items() if value is None}
    return Parsed("2021", (), cells, notes)


def test_one_reading_fills_in_what_the_other_lacks() -> None:
    whole = reading_of(["3", "2", "0", "0", "0", "0", "5"])
    part = reading_of(["3", "2", None, "0", "0", "0", "5"])
    assert settle(part, whole, {}).cells == whole.cells
    assert settle(whole, part, {}).cells == whole.cells


@pytest.mark.parametrize("swapped", [False, True])
def test_a_blank_cell_is_not_filled_from_a_row_read_with_a_shift(swapped: bool) -> None:
    """The text has lost a blank cell and taken the page's number, 4, for the last figure."""
    grid = reading_of(["3", "2", None, "0", "0", "0", "5"])
    text = reading_of(["3", "2", "0", "0", "0", "5", "4"])
    pair = (text, grid) if swapped else (grid, text)
    doubtful = settle(*pair, {})
    assert list(doubtful.cells.values()) == ["3", "2", None, "0", "0", None, None]
    assert doubtful.notes["requests.granted." + COLUMNS[2]].state is State.AMBIGUOUS
    believed = settle(*pair, {"requests": grid})
    assert believed.cells == grid.cells
    assert believed.notes["requests.granted." + COLUMNS[2]].state is State.BLANK
