"""The tables, described, and what there is to look through."""

from __future__ import annotations

from datasette import hookimpl

from .answers import DATABASE, csv_response, json_response, page

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


async def data(datasette, request):
    database = datasette.get_database(DATABASE)
    known = datasette.metadata("tables", database=DATABASE, fallback=False) or {}
    hidden = set(await database.hidden_table_names())
    names = [
        name
        for name in [*await database.table_names(), *await database.view_names()]
        if name not in hidden and not name.startswith(("search_", "sqlite_"))
    ]
    names.sort(key=lambda name: (list(known).index(name) if name in known else 999, name))
    counts = await database.table_counts(100)
    problems = [line for line in PROBLEMS if line[1].split("?")[0] in names]
    tables = []
    for name in names:
        described = known.get(name, {})
        about = described.get("columns", {})
        columns = [(column, about.get(column, "")) for column in await database.table_columns(name)]
        tables.append(
            {
                "name": name,
                "title": described.get("title") or "",
                "description": described.get("description") or "",
                "count": counts.get(name),
                "columns": columns,
            }
        )
    if request.url_vars.get("format") == "json":
        return json_response(
            {
                "tables": [{**table, "columns": dict(table["columns"])} for table in tables],
                "problems": [
                    {"name": name, "path": f"/{DATABASE}/{address}", "description": about}
                    for name, address, about in problems
                ],
            }
        )
    if request.url_vars.get("format") == "csv":
        lines = [
            {"table": table["name"], "column": column, "description": described}
            for table in tables
            for column, described in table["columns"]
        ]
        return csv_response(lines, ["table", "column", "description"])
    return await page(
        datasette, request, "data.html", section="data", tables=tables, problems=problems
    )


@hookimpl
def register_routes():
    return [(r"^/data(?:\.(?P<format>json|csv))?$", data)]
