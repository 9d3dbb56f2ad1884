"""The metrics of metrics.json as data, and their values for the figures of one report.

A rate is a quotient of two sums of cells. It has no value where the denominator is not above 0 or
any cell is not a number; its denominator n goes with it wherever it is shown. Rates are per cent
where the unit says so.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from archive.form import HERE, PRINTED

# A sum of cells: (1 or -1, key).
Terms = tuple[tuple[int, str], ...]

# What `computed` says: where a metric can be had.
REPORT, GROUP, YEARS, NOWHERE = "report", "group", "years", "none"

# Words of the published formulas that stand for cells.
SPOKEN = MappingProxyType(
    {
        "totals": "(disputes.review.total + disputes.litigation.total)",
        "pendings": "(disputes.review.pending + disputes.litigation.pending)",
    }
)
GROUND = "<ground>"
GROUNDS: tuple[str, ...] = tuple(
    field.row.removeprefix("denied_")
    for field in PRINTED.values()
    if field.row.startswith("denied_") and field.table == "requests" and field.column == "total"
)

# Metrics that no cells of one report give: where they are had instead, and how or why not.
ELSEWHERE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "denial_ground_share": (NOWHERE, "按理由分列，见 denial_ground_share.<理由> 各行"),
        "requests_per_10k": (
            NOWHERE,
            "未提供：须有同一区划同一年度的常住人口数，本档案没有这项数据",
        ),
        "yoy": (YEARS, "比较页勾选「同比」：与上一年度同一格、同一表式相比，n 为上一年的数"),
        "zero_request_share": (
            GROUP,
            "比较页按层级和地区选择时给出；分母只数印有新收申请总计的年报",
        ),
        "on_time_rate": (
            GROUP,
            "比较页按层级和地区选择时给出；以页面所写发布日期为准；"
            "没有见到年报的计入分母，有年报而日期不详的不计入",
        ),
        "presence_rate": (
            GROUP,
            "比较页按层级和地区选择时给出；应有年报的机关见覆盖表 coverage，"
            "本档案从未见过的机关不在分母内",
        ),
        "identity_pass_rate": (
            REPORT,
            "硬性勾稽关系中成立的占可核验的；全部成立且有非零格的年报所占比重见比较页的群体指标",
        ),
        "fill_rate": (REPORT, "读出数字的格占表式全部格；无法判定表式的不计"),
        "text_repeat_rate": (
            REPORT,
            "第一、五章中，与同一机关上一年度年报逐字相同（数字不论）的句子所占字数；"
            "与其他机关的雷同未计算",
        ),
    }
)
# Of these, those that a report has a value of.
OF_A_REPORT = ("identity_pass_rate", "fill_rate", "text_repeat_rate")


class MetricError(ValueError):
    """A formula of metrics.json cannot be read; the message names it."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as published. `computed` is report, group, years or none; `note` says how or why
    not. `over` is the sum it is a share of, None for a plain count or where it has no cells."""

    key: str
    zh: str
    formula: str
    unit: str
    rule: str
    computed: str
    note: str
    terms: Terms = ()
    over: Terms | None = None

    @property
    def flat(self) -> str:
        """The column of its value in `measures`; with `__n`, that of its denominator."""
        return self.key.replace(".", "__")

    @property
    def scale(self) -> int:
        """What a quotient is multiplied by to have the unit."""
        return 100 if self.unit == "%" else 1


def _parts() -> Mapping[str, tuple[str, ...]]:
    fields = json.loads((HERE / "fields.json").read_text(encoding="utf-8"))["fields"]
    return MappingProxyType(
        {
            field["key"]: tuple(key.strip() for key in field["formula"].split("+"))
            for field in fields
            if field["kind"] == "derived"
        }
    )


# Sums the form defines and does not print (or one form prints and another does not).
PARTS: Mapping[str, tuple[str, ...]] = _parts()


def read_terms(formula: str, names: Mapping[str, Terms]) -> tuple[Terms, Terms | None]:
    """The sum a formula is, or the sum and what it is divided by; `names` are metrics it uses."""
    for word, meaning in SPOKEN.items():
        formula = formula.replace(word, meaning)
    try:
        tree = ast.parse(formula, mode="eval").body
    except SyntaxError as error:
        raise MetricError(f"formula {formula!r} cannot be read: {error.msg}") from error
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Div):
        return _sum(tree.left, names, formula), _sum(tree.right, names, formula)
    return _sum(tree, names, formula), None


def _sum(node: ast.expr, names: Mapping[str, Terms], formula: str) -> Terms:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        sign = 1 if isinstance(node.op, ast.Add) else -1
        right = _sum(node.right, names, formula)
        return (*_sum(node.left, names, formula), *((sign * times, key) for times, key in right))
    key = ast.unparse(node)
    if key in names:
        return names[key]
    if key in PRINTED or key in PARTS:
        return ((1, key),)
    raise MetricError(f"formula {formula!r} uses {key!r}, which is neither a cell nor a metric")


def _read() -> Iterator[Metric]:
    sums: dict[str, Terms] = {}
    for row in json.loads((HERE / "metrics.json").read_text(encoding="utf-8")):
        computed, note = ELSEWHERE.get(row["key"], (REPORT, ""))
        metric = Metric(**row, computed=computed, note=note)
        if metric.key not in ELSEWHERE:
            terms, over = read_terms(metric.formula, sums)
            if over is None:
                sums[metric.key] = terms
            metric = replace(metric, terms=terms, over=over)
        yield metric
        if GROUND in metric.formula:
            yield from (_of_ground(metric, ground) for ground in GROUNDS)


def _of_ground(metric: Metric, ground: str) -> Metric:
    formula = metric.formula.replace(GROUND, ground)
    terms, over = read_terms(formula, {})
    printed = PRINTED[f"requests.denied_{ground}.total"]
    return replace(
        metric,
        key=f"{metric.key}.{ground}",
        zh=f"{metric.zh}：{printed.row_zh.partition('.')[2]}",
        formula=formula,
        note="",
        terms=terms,
        over=over,
    )


METRICS: Mapping[str, Metric] = MappingProxyType({metric.key: metric for metric in _read()})
# Those that the cells of a report give, then the others a report has.
FROM_CELLS: tuple[Metric, ...] = tuple(metric for metric in METRICS.values() if metric.terms)
PER_REPORT: tuple[Metric, ...] = (*FROM_CELLS, *(METRICS[key] for key in OF_A_REPORT))


def total_sql(terms: Terms) -> str:
    """SQL over a row of `figures` for a sum of cells; NULL when any is not a number. A cell that is
    not printed is the sum of its parts."""
    return " ".join(f"{'+' if times > 0 else '-'} {_cell_sql(key)}" for times, key in terms)


def _cell_sql(key: str) -> str:
    printed = f'"{PRINTED[key].flat}"' if key in PRINTED else ""
    if key not in PARTS:
        return printed
    parts = " + ".join(_cell_sql(part) for part in PARTS[key])
    return f"coalesce({printed}, {parts})" if printed else f"({parts})"


def measure_sql(metric: Metric) -> tuple[str, str]:
    """SQL over a row of `figures` for the metric's value and its denominator n: a plain count has
    no n, a rate whose n is not above 0 no value."""
    above = total_sql(metric.terms)
    if metric.over is None:
        return f"({above})", "null"
    n = total_sql(metric.over)
    return f"case when ({n}) > 0 then ({above}) * {float(metric.scale)} / ({n}) end", f"({n})"
