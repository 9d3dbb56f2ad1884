"""What the tables hold beyond the reading is told, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archive.cells.audit import MOST_ENTRIES, audit, numbers_in
from archive.extract import extract
from archive.model import Document, Extra, Note, State, Unused
from archive.parse import Parsed, parse

COLUMNS = "自然人 商业企业 科研机构 社会公益组织 法律服务机构 其他 总计".split()
REQUESTS = {
    "一、本年新收政府信息公开申请数量": "5 2 0 0 0 0 7",
    "二、上年结转政府信息公开申请数量": "1 0 0 0 0 0 1",
    "（一）予以公开": "3 1 0 0 0 0 4",
    "1.属于国家秘密": "1 0 0 0 0 0 1",
    "2.没有现成信息需要另行制作": "0 1 0 0 0 0 1",
    "（七）总计": "4 2 0 0 0 0 6",
    "四、结转下年度继续办理": "2 0 0 0 0 0 2",
}
DISCLOSED = [
    "信息内容 本年制发件数 本年废止件数 现行有效件数", "规章 0 0 0", "行政规范性文件 3 1 9",
    "信息内容 本年处理决定数量", "行政许可 88",
    "信息内容 本年处理决定数量", "行政处罚 14", "行政强制 0",
    "信息内容 本年收费金额（单位：万元）", "行政事业性收费 0",
]  # fmt: skip
RESULTS = "结果维持 结果纠正 其他结果 尚未审结 总计".split()


def html_table(rows: list[list[str]]) -> str:
    lines = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def requests(rows: dict[str, str], columns: list[str] = COLUMNS) -> list[list[str]]:
    heading = [["（本列数据的勾稽关系为：第一项加第二项之和，等于第三项加第四项之和）", *columns]]
    return heading + [[label, *values.split()] for label, values in rows.items()]


def page(*tables: list[list[str]], prose: str = "") -> Document:
    body = f"<p>本局依照规定编制本年度报告，向社会公布如下事项，欢迎查阅与监督。{prose}</p>"
    return extract(f"<html><body>{body}{''.join(map(html_table, tables))}</body></html>".encode())


def told(document: Document, parsed: Parsed | None = None) -> list[tuple[str, str, str]]:
    found = audit([document], parsed or parse(document))
    return [(unused.kind, unused.place, unused.text) for unused in found]


def disputes(*rows: str) -> list[list[str]]:
    return [RESULTS * 3, *(row.split() for row in rows)]


def test_a_page_read_whole_leaves_nothing() -> None:
    document = page(
        [line.split() for line in DISCLOSED],
        requests(REQUESTS),
        disputes("1 0 0 0 1 0 0 0 2 2 0 3 0 0 3"),
    )
    assert told(document) == []


def test_numbers_no_row_took() -> None:
    document = page(requests(REQUESTS))
    parsed = parse(document)
    lost = "requests.received_new.enterprise"
    parsed = replace(
        parsed,
        cells={**parsed.cells, lost: None},
        notes={**parsed.notes, lost: Note(State.MISSING)},
    )
    assert told(document, parsed) == [("number", "表一第2行", "2")]


def test_what_a_note_prints_was_not_left() -> None:
    document = page(requests(REQUESTS | {"（一）予以公开": "3件 1（其中网上1） 0 0 0 0 4"}))
    parsed = parse(document)
    assert parsed.cells["requests.granted.enterprise"] is None
    assert told(document, parsed) == []


def test_a_column_the_form_does_not_have() -> None:
    rows = {label: f"{values} 9" for label, values in REQUESTS.items()}
    document = page(requests(rows, [*COLUMNS, "其中网上申请"]))
    # The reader cannot tell the columns apart and notes the whole rows.
    assert told(document) == [("heading", "表一第1行", "其中网上申请")]
    # One that dropped the column would leave a number in every row.
    dropped = told(document, parse(page(requests(REQUESTS))))
    assert [entry for entry in dropped if entry[0] == "number"] == [
        ("number", f"表一第{n}行", "9") for n in range(2, 9)
    ]


def test_a_row_the_form_does_not_have() -> None:
    rows = dict(list(REQUESTS.items())[:4]) | {"9.涉及商业利益": "0 6 0 0 0 0 6"} | REQUESTS
    document = page(requests(rows))
    found = told(document)
    assert ("label", "表一第6行", "9.涉及商业利益") in found
    assert ("number", "表一第6行", "0 6 0 0 0 0 6") in found
    kept = audit([document], parse(document), [Extra("9.涉及商业利益", "件", "0 6 0 0 0 0 6")])
    assert not any("6 0 0 0 0 6" in unused.text for unused in kept)


def test_a_second_bodys_table() -> None:
    other = REQUESTS | {"（一）予以公开": "30 1 0 0 0 0 31"}
    document = page(requests(REQUESTS), requests(other))
    # Where two printings differ the cells are ambiguous, and their notes hold both.
    assert told(document) == []
    first = parse(page(requests(REQUESTS)))
    assert told(document, first) == [("number", "表二第4行", "30 31")]


def test_a_second_row_of_disputes() -> None:
    document = page(
        requests(REQUESTS), disputes("1 0 0 0 1 0 0 0 2 2 0 3 0 0 3", "4 0 0 0 4 " + "0 " * 10)
    )
    first = parse(page(requests(REQUESTS), disputes("1 0 0 0 1 0 0 0 2 2 0 3 0 0 3")))
    assert told(document, first) == [("number", "表二第3行", "4 4 0 0 0 0")]


def test_what_is_no_figure_is_not_told() -> None:
    table = requests(REQUESTS)
    numbered = [["序号", "单位：件", *COLUMNS], ["", "", *"1234567"]] + [
        [str(n), row[0], *row[1:]] for n, row in enumerate(table[1:], 1)
    ]
    assert told(page(numbered)) == []


def test_other_tables_are_none_of_ours() -> None:
    assert told(page([["门户网站访问量", "12"], ["信息发布总数", "31"], ["栏目数", "7"]])) == []


def text_of(rows: dict[str, str]) -> str:
    lines = [*("　".join(line.split()) for line in DISCLOSED), " ".join(COLUMNS)]
    lines += [f"{label} {values}" for label, values in rows.items()]
    return "某局2023年政府信息公开工作年度报告\n" + "\n".join(lines)


ALL_ROWS = (
    "（二）部分公开|1.属于国家秘密|2.其他法律行政法规禁止公开|3.危及三安全一稳定|"
    "4.保护第三方合法权益|5.属于三类内部事务信息|6.属于四类过程性信息|7.属于行政执法案卷"
).split("|")


def full() -> dict[str, str]:
    zero = "0 0 0 0 0 0 0"
    before = {label: REQUESTS[label] for label in list(REQUESTS)[:3]}
    return before | dict.fromkeys(ALL_ROWS, zero) | dict(list(REQUESTS.items())[4:])


def test_running_text_read_whole() -> None:
    assert told(extract(text_of(full()).encode())) == []


def test_running_text_with_a_row_too_many() -> None:
    rows = full()
    items = list(rows.items())
    rows = dict(items[:9]) | {"6甲.涉及工作秘密的": "0 8 0 0 0 0 8"} | dict(items[9:])
    found = told(extract(text_of(rows).encode()))
    kinds = {kind: (place, text) for kind, place, text in found}
    assert "涉及工作秘密的" in kinds["label"][0]
    assert kinds["number"][1] == "0 8 0 0 0 0 8"


def test_chapters_of_another_kind() -> None:
    titles = (
        "一、总体情况|二、主动公开政府信息情况|三、收到和处理政府信息公开申请情况|"
        "四、政府信息公开行政复议、行政诉讼情况|五、存在的主要问题及改进情况|"
        "六、其他需要报告的事项|七、人大建议和政协提案办理结果公开情况"
    ).split("|")
    body = "".join(f"<p>{title}</p><p>本年度工作按规定完成。</p>" for title in titles)
    document = extract(
        f"<html><body><div>{body}{html_table(requests(REQUESTS | {'3.其他': '0 0 0 0 0 0 0'}))}</div></body></html>".encode()
    )
    assert told(document) == [("heading", "第六章之后", titles[-1])]


def test_the_list_is_bounded() -> None:
    rows = {"一、本年新收政府信息公开申请数量": "1 0 0 0 0 0 1", "（一）予以公开": "1 0 0 0 0 0 1"}
    local = {f"地方指标{'甲' * n}": f"{n} 0 0 0 0 0 {n}" for n in range(1, 150)}
    document = page(requests(rows | local))
    found = audit([document], parse(document))
    assert len(found) == MOST_ENTRIES + 1
    # A label and its numbers for each of 149 rows.
    assert found[-1] == Unused("number", "全文", "另有 98 处未列出")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("1,234", [1234]), ("１２", [12]), ("-3", [3]), ("无", []), ("12 3", [12, 3]), ("5件", [5])],
)
def test_numbers_in_a_cell(text: str, numbers: list[int]) -> None:
    assert list(numbers_in(text)) == numbers
