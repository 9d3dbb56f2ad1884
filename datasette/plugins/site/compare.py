"""The comparison: figures or metrics of chosen bodies, or of a level and region, over years."""

from __future__ import annotations

from urllib.parse import parse_qsl
from weakref import WeakKeyDictionary

from datasette import hookimpl
from datasette.utils.asgi import Response
from markupsafe import Markup

from . import compared
from .answers import (
    DATABASE,
    csv_refusal,
    csv_response,
    json_response,
    page,
    page_number,
    refusal,
    remembered,
)
from .choice import figure_items, formula_words, metric_items, read_choice
from .wording import WORDS

ROWS_PER_PAGE = 50
# Bars of a chart of one year.
MOST_BARS = 20
NO_POINT = (None, False)
CSV_COLUMNS = (
    "key", "zh", "unit", "issuer_id", "issuer", "year", "form", "scope", "value", "n", "rank",
    "ranked", "yoy", "yoy_n", "why_empty", "report_id", "version_id", "left_out_of_sums",
    "failed_identities",
)  # fmt: skip
EXAMPLES = (
    (
        "一个地区各县级机关的公开率，最近一年",
        "metric=disclosure_rate&level=county&region={province}",
    ),
    (
        "几个机关历年的新收申请与结转",
        "figure=requests.received_new.total&figure=requests.carried_out.total{bodies}",
    ),
    (
        "复议纠正率与诉讼纠正率，按审结口径",
        "metric=review_correction_rate&metric=litigation_correction_rate{bodies}",
    ),
    (
        "一个地区按时发布率逐年变化",
        "metric=on_time_rate&metric=presence_rate&region={province}&from=2019",
    ),
)
TABLES = (
    ("requests", "收到和处理申请"),
    ("disputes", "行政复议、行政诉讼"),
    ("disclosure", "主动公开"),
    ("stats2014", "2014 年统计表（2014—2018 年度）"),
)
# Options of a form by database, and the most characters of one.
OPTIONS = WeakKeyDictionary()
LONGEST_OPTION = 48


def shown(item, amount):
    """An amount as a reader sees it, with its unit where that is short."""
    if amount is None:
        return "—"
    if item.unit == "%":
        return f"{amount:.2f}%"
    if item.unit == "ratio":
        return f"{amount:.2f}"
    return f"{amount:,.0f}" if amount == int(amount) else f"{amount:,.6f}".rstrip("0")


def chart(choice, item, result):
    """The drawing of an item: {kind, x, columns, parts: [(heading, [(x, [point …])])], note}; none
    of reports of which some were cut off."""
    found, totals, groups = result["rows"], result["sums"], result["groups"]
    if not item.is_number or (result["is_cut"] and item.kind != "group"):
        return None
    if item.kind == "group":
        points = [
            (line["year"], [point(item, line["values"].get(item.key))]) for line in reversed(groups)
        ]
        return drawing("line", "年度", [item.zh], [("", points)]) if len(points) > 1 else None
    years = range(choice.first, choice.last + 1)
    if choice.first == choice.last:
        rows = [row for row in found if row["values"][item.key]["value"] is not None]
        note = ""
        if item.has_n and choice.is_group:
            rows = [row for row in rows if compared.may_rank(row, row["values"][item.key])]
            note = f"只画 n ≥ {compared.LEAST_FOR_RANK} 的"
        if choice.is_group:
            rows.sort(key=lambda row: -row["values"][item.key]["value"])
        if len(rows) < 2:
            return None
        if len(rows) > MOST_BARS:
            note += f"{'，' if note else ''}由高到低的前 {MOST_BARS} 个"
        parts = {}
        for row in rows[:MOST_BARS]:
            parts.setdefault(row["form"], []).append(
                (row["issuer"], [point(item, row["values"][item.key])])
            )
        return drawing("bar", "机关", [item.zh], by_form(parts), note)
    parts = {}
    if choice.is_group:
        for line in totals:
            amounts = [point(item, line["values"].get(item.key))]
            parts.setdefault(line["form"], {})[line["year"]] = amounts
        columns = [f"{item.zh}（合并计算）" if item.has_n else f"{item.zh}（合计）"]
    else:
        at = {issuer: place for place, (issuer, _) in enumerate(choice.bodies)}
        columns = [name for _, name in choice.bodies]
        for row in found:
            line = parts.setdefault(row["form"], {}).setdefault(row["year"], [NO_POINT] * len(at))
            line[at[row["issuer_id"]]] = point(item, row["values"][item.key])
    lines = {
        form: [(year, by_year[year]) for year in years if year in by_year]
        for form, by_year in parts.items()
    }
    return drawing("line", "年度", columns, by_form(lines))


def by_form(parts):
    """(heading, lines) for each form that has a number, the oldest form first."""
    return [
        (WORDS["form"].get(form, form or "表式不详"), lines)
        for form, lines in sorted(parts.items(), key=lambda part: -compared.form_order(part[0]))
        if has_numbers(lines)
    ]


def has_numbers(lines):
    return any(amount is not None for _, points in lines for amount, _ in points)


def point(item, value):
    """An amount of a chart, and whether it rests on too little to be ranked."""
    if not value or value["value"] is None:
        return NO_POINT
    rests_on_few = (item.has_n or item.kind == "group") and value["n"] < compared.LEAST_FOR_RANK
    return (value["value"], rests_on_few)


def drawing(kind, x, columns, parts, note=""):
    parts = [(heading, lines) for heading, lines in parts if has_numbers(lines)]
    if not parts:
        return None
    return {"kind": kind, "x": x, "columns": columns, "parts": parts, "note": note}


def as_json(choice, result):
    return {
        "choice": {
            "items": [
                {
                    "key": i.key,
                    "zh": i.zh,
                    "unit": i.unit,
                    "formula": i.formula,
                    "formula_zh": i.spelled,
                    "note": i.note,
                }
                for i in choice.items
            ],
            "bodies": [{"id": issuer, "name": name} for issuer, name in choice.bodies],
            "level": choice.level or None,
            "region": {"code": choice.region[0], "name": choice.region[1]}
            if choice.region
            else None,
            "from": choice.first,
            "to": choice.last,
            "address": choice.address(),
        },
        "is_cut": result["is_cut"],
        "most_reports": compared.MOST_REPORTS,
        "ranked_from_n": compared.LEAST_FOR_RANK,
        "rows": [
            {
                **{name: row[name] for name in compared.BASE},
                "issuer": row["issuer"],
                "failed_identities": row["failed_identities"],
                "values": row["values"],
                "left_out_of_sums": row["left_out"] or None,
            }
            for row in result["rows"]
        ],
        "sums": result["sums"],
        "groups": result["groups"],
        "absent": [
            {"issuer_id": issuer, "issuer": name, "years": years}
            for issuer, name, years in result["absent"]
        ],
    }


def as_lines(choice, result):
    """One line for each value: what a spreadsheet takes."""
    for row in result["rows"]:
        for item in choice.items:
            if item.kind == "group":
                continue
            value = row["values"][item.key]
            yield {
                **row,
                **value,
                "key": item.key,
                "zh": item.zh,
                "unit": item.unit,
                "why_empty": value.get("why"),
                "left_out_of_sums": row["left_out"],
            }
    for line in result["groups"]:
        for item in choice.items:
            if item.kind == "group" and item.key in line["values"]:
                yield {
                    **line["values"][item.key],
                    "key": item.key,
                    "zh": item.zh,
                    "unit": item.unit,
                    "year": line["year"],
                    "issuer": place_words(choice),
                }


def place_words(choice):
    """The bodies of a level and region in words."""
    level = WORDS["level"].get(choice.level, "各级")
    return f"{choice.region[1] if choice.region else '全国'}{level}机关"


def option(item, words):
    return item, Markup('<option value="{}">{}</option>').format(item.key, words)


async def options(database):
    """By group what a reader may choose, each with its HTML, which is drawn once: the metrics of a
    report and of a group, the cells of TABLES."""
    if database in OPTIONS:
        return OPTIONS[database]
    metrics, figures = await metric_items(database), await figure_items(database)
    drawn = {"metric": [], "group": [], **{table: [] for table, _ in TABLES}}
    for item in metrics.values():
        if item.kind == "group":
            drawn["group"].append(option(item, item.zh))
        elif item.kind == "metric":
            unit = f"（{item.unit}）" if item.unit != "ratio" else ""
            drawn["metric"].append(option(item, item.zh + unit))
    for item in figures.values():
        table = item.key.partition(".")[0]
        if table in drawn and (
            item.key.endswith(".total") or table not in ("requests", "disputes")
        ):
            words = item.zh.replace("三、本年度办理结果／", "")
            if len(words) > LONGEST_OPTION:
                words = words[: LONGEST_OPTION - 1] + "…"
            drawn[table].append(option(item, words))
    if figures:
        OPTIONS[database] = drawn
    return drawn


async def offered(database, choice):
    """The options by group, without what is chosen already."""
    return {
        group: Markup("").join(html for item, html in drawn if item not in choice.items)
        for group, drawn in (await options(database)).items()
    }


async def examples(database):
    """Addresses worth trying, with bodies and a place that this archive has."""
    found = await remembered(
        database,
        """
        select measures.issuer_id, measures.division, issuers.name from measures
        join issuers on issuers.id = measures.issuer_id
        where year = (select max(year) from measures)
        and measures.level in ('prefecture', 'county') and workload > 0 limit 3
        """,
    )
    if not found:
        return []
    bodies = "".join(f"&body={row['issuer_id']}" for row in found)
    province = found[0]["division"][:2].ljust(6, "0")
    return [
        (words, "/compare?" + query.format(bodies=bodies, province=province))
        for words, query in EXAMPLES
    ]


def refused(form, faults):
    """The answer to a program whose choice cannot be used or is not whole."""
    lacking = "须有 metric 或 figure，以及 body 或 level、region"
    lines = [f"{fault.name}={fault.value}：{fault.why}。" for fault in faults] or [f"{lacking}。"]
    told = [
        {
            "parameter": fault.name,
            "value": fault.value,
            "error": fault.why,
            "choices": [{"name": words, "address": to} for words, to in fault.offers],
        }
        for fault in faults
    ]
    return refusal(form, "\n".join(lines), errors=told or [{"error": lacking}])


async def compare(datasette, request):
    database = datasette.get_database(DATABASE)
    form = request.url_vars.get("format")
    choice = await read_choice(database, request)
    # A form sends its empty boxes too; the address to keep is without them.
    pairs = parse_qsl(request.query_string, keep_blank_values=True)
    if not form and not choice.faults and not all(value.strip() for _, value in pairs):
        return Response.redirect(choice.address())
    if form and (choice.faults or not choice.is_ready):
        return refused(form, choice.faults)
    result, too_much = None, False
    if choice.is_ready:
        try:
            choice, result = await compared.result_of(database, choice)
        except compared.TooMuchError:
            too_much = True
            message = "所选范围过大，超过时限；请缩小地区、层级或年度"
            if form == "csv":
                return csv_refusal(f"{message}。")
            if form:
                return refusal(form, f"{message}。", errors=[{"error": message}])
    if form == "csv" and not compared.is_whole(choice, result):
        return csv_refusal(
            f"所选多于 {compared.MOST_REPORTS:,} 份年报，CSV 不能给全。请用地区 region、"
            "层级 level、年度 from 和 to 缩小。"
        )
    if form:
        await compared.with_reasons(database, choice, result["rows"])
        if form == "csv":
            return csv_response(
                as_lines(choice, result), CSV_COLUMNS, "compare.csv", bool(request.args.get("bom"))
            )
        return json_response(as_json(choice, result))
    context = {}
    if result:
        found = result["rows"]
        pages = max(1, -(-len(found) // ROWS_PER_PAGE))
        at = min(page_number(request), pages)
        lines = found[(at - 1) * ROWS_PER_PAGE : at * ROWS_PER_PAGE]
        await compared.with_reasons(database, choice, lines)
        context = {
            **result,
            "rows": lines,
            "count": len(found),
            "page": at,
            "pages": pages,
            "is_whole": compared.is_whole(choice, result),
            "charts": [(item, chart(choice, item, result)) for item in choice.items],
            "left_out": compared.left_out(found),
            "by_form": len({row["form"] for row in found}) > 1,
        }
    response = await page(
        datasette,
        request,
        "compare.html",
        section="compare",
        choice=choice,
        result=result,
        too_much=too_much,
        options=await offered(database, choice),
        tables=TABLES,
        levels=WORDS["level"],
        examples=[] if choice.is_ready else await examples(database),
        place=place_words(choice),
        least=compared.LEAST_FOR_RANK,
        most_reports=compared.MOST_REPORTS,
        shown=shown,
        **context,
    )
    wrong = any(not fault.is_question for fault in choice.faults)
    if wrong or too_much:
        response.status = 400
    return response


@hookimpl
def render_cell(row, value, column, table, database, datasette):
    """A formula in Chinese first, in the tables of metrics and rules and in queries."""
    if (database, column) != (DATABASE, "formula") or not value:
        return None

    async def in_words():
        key = row["key"] if table == "metrics" else ""
        words = await formula_words(datasette.get_database(DATABASE), key, value)
        return Markup("{} <small><code>{}</code></small>").format(words, value) if words else None

    return in_words()


@hookimpl
def register_routes():
    return [(r"^/compare(?:\.(?P<format>json|csv))?$", compare)]
