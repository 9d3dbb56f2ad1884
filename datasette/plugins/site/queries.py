"""The questions the public may ask in SQL: those of metadata.yml, with their parameters explained.

Datasette answers them under /nianbao/NAME, .json and .csv. Where a question is about any cell of
the form, `{cell}` stands for a choice among the columns of `figures`: SQL has no parameter for a
column.
"""

from __future__ import annotations

import sqlite3
from urllib.parse import urlencode

from datasette import hookimpl
from datasette.utils import tilde_decode
from datasette.views.table import TableView

from .answers import DATABASE, refusal, remembered
from .filters import among, read_filters

CELL = "{cell}"
# Parameters: what they are in Chinese and English, and a value that finds something: one that
# always does, or the SQL that asks this archive for one.
PARAMETERS = {
    "name": (
        "名称中的几个字",
        "characters of the name",
        None,
        "select substr(name, 1, 3) from issuers",
    ),
    "province": (
        "省级区划代码前两位，中央为 00",
        "first two digits of the province's code, 00 for central bodies",
        None,
        "select province from coverage where report_id is not null and province <> ''",
    ),
    "year": ("报告年度", "year reported on", None, "select max(year) from reports"),
    "field": (
        "字段键，见字段表（fields）",
        "key of the cell, see the table fields",
        "requests.received_new.total",
        None,
    ),
    "least": ("不少于（件）", "at least so many", "10", None),
    "most": ("不多于（件），可不填", "at most so many, optional", "", None),
    "body": ("机关编号", "id of the body", None, "select issuer_id from reports"),
    "days": ("发布之后的天数", "days after publication", "30", None),
    "status": ("状态：已下线（gone）或疑似下线（suspect）", "gone or suspect", "gone", None),
    "state": (
        "覆盖状态，如未见到（missing）",
        "state of coverage, such as missing",
        "missing",
        None,
    ),
    "rule": (
        "规则，见上一查询",
        "id of the rule, see the query failures_by_rule",
        None,
        "select rule from findings where verdict = 'fail'",
    ),
    "blame": ("责任，可不填", "publisher, parser or undecided, optional", "", None),
    "url": (
        "原始网址",
        "address asked",
        None,
        "select url from captures where version_id is not null",
    ),
    "after": (
        "续取：上一次最后一行的位置（cursor）",
        "to go on: `cursor` of the last row",
        "",
        None,
    ),
}
# How the rows of JSON may be laid out; by their keys only where they have any.
SHAPES = ("objects", "array", "arrays", "arrayfirst")
# Codes in the rows of answers, and the words for them.
WORDED = {
    "level": "level",
    "scope": "scope",
    "form": "form",
    "blame": "blame",
    "note": "state",
    "record_type": "record",
}


def written(datasette):
    """The queries as metadata.yml has them."""
    return datasette.metadata("queries", database=DATABASE, fallback=False) or {}


def with_cell(sql, fields):
    """The query with a choice among all cells, (key, column) each, where it says {cell}."""
    whens = " ".join(f"when '{key}' then f.\"{flat}\"" for key, flat in fields)
    return sql.replace(CELL, f"case :field {whens} end" if whens else "null")


@hookimpl
def canned_queries(datasette, database):
    if database != DATABASE:
        return None

    async def complete():
        asking = {name: query for name, query in written(datasette).items() if CELL in query["sql"]}
        fields = await remembered(
            datasette.get_database(DATABASE), "select key, flat from fields order by position"
        )
        pairs = [(field["key"], field["flat"]) for field in fields]
        return {
            name: {**query, "sql": with_cell(query["sql"], pairs)} for name, query in asking.items()
        }

    return complete


async def examples(datasette):
    """Every query with a value for each parameter that finds something here, where anything is."""
    database = datasette.get_database(DATABASE)
    found = {}
    for name, (_, _, value, sql) in PARAMETERS.items():
        if sql:
            value = await database.execute_fn(lambda db, sql=sql: one(db, sql))
        found[name] = value
    return [example(name, query, found) for name, query in written(datasette).items()]


def one(connection, sql):
    """The first value of the first row; empty where there is none, or no such table."""
    try:
        row = connection.execute(f"{sql} limit 1").fetchone()
    except sqlite3.OperationalError:
        return ""
    return "" if row is None or row[0] is None else str(row[0])


def example(name, query, values):
    asked = {param: values[param] for param in query["params"] if values[param]}
    parameters = [
        {
            "name": param,
            "zh": PARAMETERS[param][0],
            "en": PARAMETERS[param][1],
            "is_needed": param in query["needed"],
            "example": values[param],
        }
        for param in query["params"]
    ]
    path = f"/{DATABASE}/{name}"

    def address(ending, **more):
        text = urlencode({**asked, **more})
        return f"{path}{ending}?{text}" if text else f"{path}{ending}"

    return {
        "name": name,
        "title": query["title"],
        "title_en": query["title_en"],
        "description": query["description"],
        "description_en": query["description_en"],
        "parameters": parameters,
        "columns": query["columns"],
        "sql": query["sql"],
        "path": path,
        "example": address(""),
        "json": address(".json", _shape="objects"),
        "csv": address(".csv"),
    }


async def rows_json(datasette, request):
    """A table or a question of Datasette's as JSON; it answers one that lacks what it needs with no
    rows, and a shape it does not know in a shape of its own: these are refused (400)."""
    name = tilde_decode(request.url_vars["table"])
    query, database = written(datasette).get(name), datasette.get_database(DATABASE)
    has_keys = await database.table_exists(name) and await database.primary_keys(name)
    shapes = (*SHAPES, "object") if has_keys else SHAPES
    _, faults = read_filters(request, {"_shape": among(shapes)})
    for param in query["needed"] if query else ():
        if not (request.args.get(param) or "").strip():
            faults.append(f"缺少参数 {param}：{PARAMETERS[param][0]}。")
    if faults:
        return refusal("json", "".join(faults))
    return await TableView(datasette).dispatch_request(request)


@hookimpl
def register_routes():
    return [(rf"^/(?P<database>{DATABASE})/(?P<table>[^/.]+)\.(?P<format>json)$", rows_json)]


@hookimpl
def prepare_jinja2_environment(env):
    env.globals["query_parameters"] = PARAMETERS
    env.globals["query_words"] = WORDED
