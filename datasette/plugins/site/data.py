"""The tables, described; questions ready to be asked; how the whole is had, used and cited."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode

from datasette import Response, hookimpl
from datasette.views.base import DatasetteError

from .answers import DATABASE, csv_refusal, csv_response, json_response, page
from .downloads import listed_releases
from .memento import origin
from .openapi import ADDRESSES
from .queries import CELL, examples
from .snapshot import served
from .wording import heading

# What operators and researchers look through: a name, the table with its conditions, what it is.
# By rule, findings come from their index; by version SQLite walks millions of them.
PROBLEMS = (
    ("核验不成立", "findings?verdict=fail&_sort=rule", "原文如此、本站读取有误或责任未定"),
    ("本站读取有误", "findings?verdict=fail&blame=parser&_sort=rule", "两种读法不合，应以原件为准"),
    ("责任未定", "findings?verdict=fail&blame=undecided&_sort=rule", "尚不能断定是原文还是读取"),
    ("另有解释", "findings?verdict=explained&_sort=rule", "换一种读法即成立"),
    ("未用内容", "unused?kind=number", "文件表格中有而读取程序没有采用的数字"),
    ("表外行", "extras?position=1", "有表式之外的行的版本，每版列出第一行"),
    ("粘连难分", "cell_notes?state=ambiguous", "数字粘连，无法确定属于哪一格"),
    ("不可读", "cell_notes?state=unreadable", "扫描件或图片中无法读出的格"),
    ("识别存疑", "cell_notes?state=ocr&confidence__lt=0.6", "识别得出而把握不足的格"),
    ("存疑的年报", "versions?flags__notblank=1", "疑似仿冒，或年度、机关前后不一"),
    ("未能读取", "sightings?reason__notblank=1", "见到而不是年报，或未能读取，附原因"),
    ("损坏的记录", "damages?_sort=warc_file", "存档文件中无法读出或核对不符的记录，附位置与原因"),
    ("更正", "corrections?_sort=number", "人工复核所得，附注于机器所读之旁"),
    ("旧网址", "redirects?_sort=path", "曾经公开、如今由别处接替或已撤下的网址"),
)

# Parameters of how Datasette lays out its own CSV and JSON.
HOW = ("_shape", "_stream", "_header", "_dl", "_nl", "_extra", "_json")
LIMITS = ("sql_time_limit_ms", "max_returned_rows", "default_page_size")


def terms(datasette, table=None):
    """The licence that holds for a table: its name and address."""
    return {
        "licence": datasette.metadata("license", database=DATABASE, table=table) or "",
        "licence_url": datasette.metadata("license_url", database=DATABASE, table=table) or "",
    }


async def described_tables(datasette):
    """All public tables in the order of the schema: title, description, source, licence, rows,
    columns with their descriptions, and where the data is."""
    database = datasette.get_database(DATABASE)
    known = datasette.metadata("tables", database=DATABASE, fallback=False) or {}
    hidden = set(await database.hidden_table_names())
    views = set(await database.view_names())
    names = [
        name
        for name in [*await database.table_names(), *views]
        if name not in hidden and not name.startswith(("search_", "sqlite_"))
    ]
    names.sort(key=lambda name: (list(known).index(name) if name in known else 999, name))
    counts = await database.table_counts(100)
    tables = []
    for name in names:
        described = known.get(name, {})
        about = described.get("columns", {})
        held = terms(datasette, name)
        tables.append(
            {
                "name": name,
                "title": described.get("title") or "",
                "description": described.get("description") or "",
                "source": datasette.metadata("source", database=DATABASE, table=name) or "",
                "license": held["licence"],
                "license_url": held["licence_url"],
                "count": counts.get(name),
                "json": f"/{DATABASE}/{name}.json?_shape=objects",
                "csv": f"/{DATABASE}/{name}.csv",
                "columns": {
                    column: about.get(column, "") for column in await database.table_columns(name)
                },
            }
        )
    return tables


async def data(datasette, request):
    tables = await described_tables(datasette)
    names = {table["name"] for table in tables}
    problems = [line for line in PROBLEMS if line[1].split("?")[0] in names]
    if request.url_vars.get("format") == "csv":
        lines = [
            {
                "table": table["name"],
                "column": column,
                "description": described,
                "license": table["license"],
            }
            for table in tables
            for column, described in table["columns"].items()
        ]
        return csv_response(lines, ["table", "column", "description", "license"])
    queries = await examples(datasette)
    if request.url_vars.get("format") == "json":
        return json_response(
            {
                **terms(datasette),
                "api": "/openapi.json",
                "downloads": "/download.json",
                "tables": tables,
                "queries": queries,
                "problems": [
                    {"name": name, "path": f"/{DATABASE}/{address}", "description": about}
                    for name, address, about in problems
                ],
            }
        )
    snapshot = served(datasette)
    try:
        releases = listed_releases(datasette)[:3]
    except DatasetteError:
        releases = []
    return await page(
        datasette,
        request,
        "data.html",
        section="data",
        tables=tables,
        problems=problems,
        queries=queries,
        addresses=ADDRESSES,
        releases=releases,
        base=origin(datasette, request),
        moment=snapshot and snapshot.moment,
        limits={name: datasette.setting(name) for name in LIMITS},
    )


async def table_csv(datasette, request):
    """A table, a view or a question of Datasette's as CSV, which it cuts without a word: with the
    next page where there is one, refused where the rest cannot be had."""
    given = [
        pair
        for pair in parse_qsl(request.query_string, keep_blank_values=True)
        if pair[0] not in HOW
    ]
    quick = [("_shape", "objects"), ("_nofacet", "1"), ("_nocount", "1")]
    path = request.path.removesuffix(".csv")
    answer = await datasette.client.get(f"{path}.json?{urlencode([*given, *quick])}")
    told = answer.json()
    if answer.status_code != 200:
        message = str(told.get("error") or told.get("title") or "")
        return Response.text(f"{message}\n", status=answer.status_code)
    following = None
    if told.get("next"):
        onward = [*(pair for pair in given if pair[0] != "_next"), ("_next", told["next"])]
        following = f"{request.path}?{urlencode(onward)}"
    elif told["truncated"]:
        most = datasette.setting("max_returned_rows")
        return csv_refusal(f"所问多于 {most} 行，CSV 不能给全。请把参数给得更窄。")
    labelled = set(told.get("expanded_columns") or ())
    columns = []
    for column in told["columns"]:
        columns += [column, f"{column}_label"] if column in labelled else [column]
    for line in told["rows"]:
        for column in labelled & line.keys():
            if isinstance(line[column], dict):
                line |= {column: line[column]["value"], f"{column}_label": line[column]["label"]}
    return csv_response(
        told["rows"], columns, f"{path.rpartition('/')[2]}.csv", following=following
    )


def shown_sql(sql):
    """A query as a reader wants it: the choice among all cells in short."""
    head, found, rest = str(sql).partition("case :field when ")
    if not found:
        return head.replace(CELL, "f.COLUMN")
    return f"{head}f.COLUMN{rest.partition(' end')[2]}"


def table_words(description):
    """The Chinese part of a description, before its English in parentheses at the end."""
    return re.sub(r"\s*\([^()\u4e00-\u9fff]*\)\s*$", "", str(description or ""))


@hookimpl
def extra_template_vars(datasette):
    known = datasette.metadata("tables", database=DATABASE, fallback=False) or {}

    def table_name(name):
        """A table's short Chinese name; nothing where its description begins with none."""
        return heading(name, known.get(name, {}).get("description"))

    return {**terms(datasette), "table_name": table_name}


@hookimpl
def prepare_jinja2_environment(env):
    env.filters["shown_sql"] = shown_sql
    env.filters["table_words"] = table_words


@hookimpl
def register_routes():
    return [
        (r"^/data(?:\.(?P<format>json|csv))?$", data),
        (rf"^/{DATABASE}/[^/]+\.csv$", table_csv),
    ]
