"""The three statutory tables as grids of merged cells, after the official layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

GROUPS_2021 = (
    ("（一）予以公开", ("granted",)),
    ("（二）部分公开（区分处理的，只计这一情形，不计其他情形）", ("granted_partial",)),
    (
        "（三）不予公开",
        (
            "denied_state_secret",
            "denied_law_prohibited",
            "denied_security_stability",
            "denied_third_party",
            "denied_internal_affairs",
            "denied_deliberative",
            "denied_enforcement_file",
            "denied_admin_query",
        ),
    ),
    (
        "（四）无法提供",
        ("unavailable_not_held", "unavailable_needs_creation", "unavailable_unclear"),
    ),
    (
        "（五）不予处理",
        (
            "not_processed_petition",
            "not_processed_repeat",
            "not_processed_publication",
            "not_processed_excessive",
            "not_processed_reconfirm",
        ),
    ),
    ("（六）其他处理", ("other_not_corrected", "other_fee_unpaid", "other_misc")),
    ("（七）总计", ("concluded_total",)),
)
GROUPS_2019 = (*GROUPS_2021[:5], ("（六）其他处理", ("other",)), GROUPS_2021[6])

LEAVES = {
    "denied_state_secret": "1.属于国家秘密",
    "denied_law_prohibited": "2.其他法律行政法规禁止公开",
    "denied_security_stability": "3.危及“三安全一稳定”",
    "denied_third_party": "4.保护第三方合法权益",
    "denied_internal_affairs": "5.属于三类内部事务信息",
    "denied_deliberative": "6.属于四类过程性信息",
    "denied_enforcement_file": "7.属于行政执法案卷",
    "denied_admin_query": "8.属于行政查询事项",
    "unavailable_not_held": "1.本机关不掌握相关政府信息",
    "unavailable_needs_creation": "2.没有现成信息需要另行制作",
    "unavailable_unclear": "3.补正后申请内容仍不明确",
    "not_processed_petition": "1.信访举报投诉类申请",
    "not_processed_repeat": "2.重复申请",
    "not_processed_publication": "3.要求提供公开出版物",
    "not_processed_excessive": "4.无正当理由大量反复申请",
    "not_processed_reconfirm": "5.要求行政机关确认或重新出具已获取信息",
    "other_not_corrected": "1.申请人无正当理由逾期不补正、行政机关不再处理其政府信息公开申请",
    "other_fee_unpaid": "2.申请人逾期未按收费通知要求缴纳费用、行政机关不再处理其政府信息公开申请",
    "other_misc": "3.其他",
}
APPLICANTS = (
    "natural_person",
    "enterprise",
    "research_institution",
    "public_interest_org",
    "legal_service_org",
    "other_org",
    "total",
)
DISPUTES = ("review", "litigation_direct", "litigation_after_review")
OUTCOMES = ("upheld", "corrected", "other", "pending", "total")
OUTCOME_LABELS = ("结果维持", "结果纠正", "其他结果", "尚未审结", "总计")


class Box(NamedTuple):
    """A cell: its text, how many rows and columns it covers, and whether it is a figure."""

    text: str
    rows: int = 1
    columns: int = 1
    figure: bool = False


class Grid(NamedTuple):
    """A table: each row holds the boxes that begin there. `widths` are shares of the line."""

    name: str
    widths: tuple[int, ...]
    rows: tuple[tuple[Box, ...], ...]


def placed(grid: Grid) -> list[list[tuple[int, Box]]]:
    """Each row's boxes with the column they begin in, past what rows above cover."""
    covered: set[tuple[int, int]] = set()
    found = []
    for row, boxes in enumerate(grid.rows):
        line, column = [], 0
        for box in boxes:
            while (row, column) in covered:
                column += 1
            line.append((column, box))
            covered |= {
                (row + down, column + across)
                for down in range(box.rows)
                for across in range(box.columns)
            }
            column += box.columns
        found.append(line)
    return found


def grids(form: str, cells: Mapping[str, str]) -> tuple[Grid, Grid, Grid]:
    """The tables of chapters two, three and four, filled with `cells` as printed."""
    disclosure = _disclosure_2021 if form == "2021" else _disclosure_2019
    return disclosure(cells), _requests(form, cells), _disputes(cells)


def _figures(cells: Mapping[str, str], keys: list[str], columns: int = 1) -> tuple[Box, ...]:
    return tuple(Box(cells[key], columns=columns, figure=True) for key in keys)


def _disclosure_2021(cells: Mapping[str, str]) -> Grid:
    def decisions(row: str, label: str, column: str = "decisions") -> tuple[Box, ...]:
        return (Box(label), *_figures(cells, [f"disclosure.{row}.{column}"], 3))

    def head(item: str) -> tuple[Box, ...]:
        return (Box(item, columns=4),)

    documents = tuple(
        (
            Box(label),
            *_figures(
                cells,
                [f"disclosure.{row}.{column}" for column in ("issued", "repealed", "in_force")],
            ),
        )
        for row, label in (("regulations", "规章"), ("normative_documents", "行政规范性文件"))
    )
    decided = (Box("信息内容"), Box("本年处理决定数量", columns=3))
    return Grid(
        "disclosure",
        (28, 24, 24, 24),
        (
            head("第二十条第（一）项"),
            tuple(
                Box(text) for text in ("信息内容", "本年制发件数", "本年废止件数", "现行有效件数")
            ),
            *documents,
            head("第二十条第（五）项"),
            decided,
            decisions("licensing", "行政许可"),
            head("第二十条第（六）项"),
            decided,
            decisions("penalties", "行政处罚"),
            decisions("coercion", "行政强制"),
            head("第二十条第（八）项"),
            (Box("信息内容"), Box("本年收费金额（单位：万元）", columns=3)),
            decisions("fees", "行政事业性收费", "amount_wan"),
        ),
    )


def _disclosure_2019(cells: Mapping[str, str]) -> Grid:
    # Six columns, so that rows of three figures and rows of two both fill the line.
    def row(label: str, name: str, columns: tuple[str, ...]) -> tuple[Box, ...]:
        keys = [f"disclosure.{name}.{column}" for column in columns]
        return (Box(label), *_figures(cells, keys, 6 // len(columns)))

    def head(item: str, *labels: str) -> tuple[tuple[Box, ...], ...]:
        columns = 6 // len(labels)
        return (
            (Box(item, columns=7),),
            (Box("信息内容"), *(Box(label, columns=columns) for label in labels)),
        )

    documents = ("made", "newly_published", "published_total")
    items = ("items_prev_year", "items_change", "decisions")
    return Grid(
        "disclosure",
        (28, 12, 12, 12, 12, 12, 12),
        (
            *head("第二十条第（一）项", "本年新制作数量", "本年新公开数量", "对外公开总数量"),
            row("规章", "regulations", documents),
            row("规范性文件", "normative_documents", documents),
            *head("第二十条第（五）项", "上一年项目数量", "本年增/减", "处理决定数量"),
            row("行政许可", "licensing", items),
            row("其他对外管理服务事项", "other_services", items),
            *head("第二十条第（六）项", "上一年项目数量", "本年增/减", "处理决定数量"),
            row("行政处罚", "penalties", items),
            row("行政强制", "coercion", items),
            *head("第二十条第（八）项", "上一年项目数量", "本年增/减"),
            row("行政事业性收费", "fees", items[:2]),
            *head("第二十条第（九）项", "采购项目数量", "采购总金额"),
            row("政府集中采购", "procurement", ("items", "amount")),
        ),
    )


def _requests(form: str, cells: Mapping[str, str]) -> Grid:
    groups = GROUPS_2021 if form == "2021" else GROUPS_2019

    def figures(row: str) -> tuple[Box, ...]:
        return _figures(cells, [f"requests.{row}.{column}" for column in APPLICANTS])

    results: list[tuple[Box, ...]] = []
    for label, rows in groups:
        for at, row in enumerate(rows):
            if len(rows) == 1:
                results.append((Box(label, columns=2), *figures(row)))
            else:
                above = (Box(label, rows=len(rows)),) if at == 0 else ()
                results.append((*above, Box(LEAVES[row]), *figures(row)))
    results[0] = (Box("三、本年度办理结果", rows=len(results)), *results[0])
    note = "（本列数据的勾稽关系为：第一项加第二项之和，等于第三项加第四项之和）"
    kinds = ("商业企业", "科研机构", "社会公益组织", "法律服务机构", "其他")
    return Grid(
        "requests",
        (7, 11, 33, 7, 7, 7, 7, 7, 7, 7),
        (
            (Box(note, rows=3, columns=3), Box("申请人情况", columns=7)),
            (Box("自然人", rows=2), Box("法人或其他组织", columns=5), Box("总计", rows=2)),
            tuple(Box(kind) for kind in kinds),
            (Box("一、本年新收政府信息公开申请数量", columns=3), *figures("received_new")),
            (Box("二、上年结转政府信息公开申请数量", columns=3), *figures("carried_in")),
            *results,
            (Box("四、结转下年度继续办理", columns=3), *figures("carried_out")),
        ),
    )


def _disputes(cells: Mapping[str, str]) -> Grid:
    outcomes = tuple(Box(label) for label in OUTCOME_LABELS)
    return Grid(
        "disputes",
        (7, 7, 7, 7, 5, 7, 7, 7, 7, 5, 7, 7, 7, 8, 5),
        (
            (Box("行政复议", columns=5), Box("行政诉讼", columns=10)),
            (
                *(Box(label, rows=2) for label in OUTCOME_LABELS),
                Box("未经复议直接起诉", columns=5),
                Box("复议后起诉", columns=5),
            ),
            (*outcomes, *outcomes),
            _figures(
                cells,
                [f"disputes.{block}.{column}" for block in DISPUTES for column in OUTCOMES],
            ),
        ),
    )
