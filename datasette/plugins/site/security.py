"""What holds for every answer: headers, closed doors, and errors told in Chinese."""

from __future__ import annotations

import logging
import re
import sqlite3
from functools import wraps

from datasette import Response, hookimpl
from datasette.database import QueryInterrupted
from datasette.filters import Filters
from datasette.plugins import pm
from datasette.utils.asgi import Base400
from datasette.views.base import DatasetteError

from .answers import DATABASE, refusal

LOG = logging.getLogger("nianbao.site")

# Scripts are ours and only add to pages that are whole without them; nothing is inline, and nothing
# comes from another host.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "frame-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    )
)
HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
}

# Datasette's own inspection pages: some of them name files of the machine.
OPEN_DOORS = ("/-/static/", "/-/versions")

FILES = ("/static/", "/-/static")
# Datasette's own pages of the tables meet parameters they cannot read with these.
TABLES = "/nianbao"
UNREADABLE = (
    ValueError,
    LookupError,
    AssertionError,
    TypeError,
    OverflowError,
    sqlite3.ProgrammingError,
)
SLOW = "这一查询超过了时限。请加上更窄的条件，例如 version_id；核验结果请按规则排序（_sort=rule）。"
SLOW_PAGE = "本站一时忙不过来，没能在时限内查完。请稍后再试，或把范围选得窄一些。"
RETRY_AFTER = 30  # seconds
METHODS = ("GET", "HEAD", "OPTIONS")
# Drafts are posted there; they are read and forgotten (see selfcheck.py).
POSTED_TO = ("/selfcheck", "/selfcheck.json")

MESSAGES = {
    400: ("请求有误", "地址里的参数无法理解。"),
    403: ("不开放", "这一功能不对公众开放。数据可以经表页的 JSON 与 CSV 取得。"),
    404: ("没有这一页", "地址可能有误。可以从首页搜索，或查看全部机关的覆盖情况。"),
    410: ("已撤下", "这里原有的内容已经撤下。"),
    503: ("暂不提供", "请稍后再试。"),
    500: ("本站出错", "这是本站的问题，已记入日志。请稍后再试。"),
}
# What Datasette 0.65 and SQLite say in English of an address of a table, and the words for it.
REASONS = tuple(
    (re.compile(said, re.DOTALL), words)
    for said, words in (
        (r"Cannot sort table by (.*)", "不能按「{}」排序：这张表没有这一列，或这一列不能排序。"),
        (
            r"Cannot use _sort and _sort_desc at the same time",
            "_sort（由小到大）与 _sort_desc（由大到小）只能给一个。",
        ),
        (r"_(?:no)?col=(.*) - invalid columns", "这张表没有「{}」这样的列，或这样的列不能去掉。"),
        (r"no such column: (.*)", "没有「{}」这一列。"),
        (r"_size must be a positive integer", "_size（行数）应为正整数，或 max。"),
        (r"_size must be <= (\d+)", "_size（行数）至多 {}。"),
        (r"Cannot search by that column", "不能在这一列里搜索。"),
        (r"Invalid _through - .*", "_through 所指的表与列，同这张表没有关联。"),
        (r"_where= is not allowed", "本站不接受访问者自拟的 SQL 条件（_where）。"),
        (r"_facet= is not allowed", "本站不接受访问者自选的分类（_facet）。"),
        (r"(?:.* )?interrupted(?: .*)?", SLOW),
    )
)
CHINESE = re.compile("[\u4e00-\u9fff]")


def reason(message):
    """Why something was refused in Chinese, and in English what there are no Chinese words for."""
    for said, words in REASONS:
        if found := said.fullmatch(message):
            return words.format(*found.groups()), ""
    return (message, "") if CHINESE.search(message) else ("", message)


async def explain(datasette, request, status, detail="", english=""):
    """An error as a page or, for addresses that programs ask, as JSON or a line of text."""
    heading, advice = MESSAGES.get(status, MESSAGES[500 if status >= 500 else 400])
    ending = request.path.rpartition(".")[2]
    if ending in ("json", "csv", "atom", "bib", "ris", "txt"):
        told = detail or (f"{advice}（{english}）" if english else advice)
        response = refusal(ending, told, status, heading)
    else:
        page = await datasette.render_template(
            ["error.html"],
            {
                "status": status,
                "heading": heading,
                "advice": advice,
                "detail": detail,
                "english": english,
            },
            request=request,
        )
        response = Response.html(page, status=status)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


@hookimpl
def startup():
    # The built-in handler prints each 404 with all local variables: slow, and it fills the log.
    if pm.has_plugin("datasette.handle_exception"):
        pm.unregister(name="datasette.handle_exception")


@hookimpl
def handle_exception(datasette, request, exception):
    async def answer():
        if isinstance(exception, DatasetteError):
            told = "" if exception.message_is_html else str(exception.message)
            if exception.title == "SQL Interrupted":
                told = SLOW
            # Datasette gives 500 to a request it refuses, such as an order by an unknown column.
            status = 400 if exception.status == 500 else exception.status
            return await explain(datasette, request, status, *reason(told))
        if isinstance(exception, Base400):
            # What is not found is told by the status alone.
            told = str(exception) if exception.status == 400 else ""
            return await explain(datasette, request, exception.status, *reason(told))
        if isinstance(exception, QueryInterrupted):
            LOG.warning("%s took longer than allowed", request.path)
            return await explain(datasette, request, 503, SLOW_PAGE)
        if request.path.startswith(TABLES) and isinstance(exception, UNREADABLE):
            LOG.warning("%s: %s %s", request.path, type(exception).__name__, exception)
            return await explain(datasette, request, 400)
        if request.path.startswith(FILES) and isinstance(exception, OSError):
            return await explain(datasette, request, 404)  # no file's name is so long
        LOG.error("no answer to %s", request.path, exc_info=exception)
        return await explain(datasette, request, 500)

    return answer


@hookimpl
def filters_from_request(request, database, table, datasette):
    """Refuses a condition on a column that a table has not: SQLite takes its name for a text, and
    finds nothing."""
    if database != DATABASE:
        return None

    async def checked():
        columns = {*await datasette.get_database(DATABASE).table_columns(table), "rowid"}
        lookups = {key for key, _, _ in Filters([]).lookups()}
        for name in request.args:
            column, _, lookup = name.rpartition("__")
            is_known = name in columns or (column in columns and lookup in lookups)
            if not is_known and not name.startswith("_"):
                raise DatasetteError(
                    f"不能按「{name}」筛选：这张表没有这一列，或没有这种比较。", status=400
                )

    return checked()


@hookimpl
def prepare_jinja2_environment(env):
    env.filters["reason"] = reason


@hookimpl
def forbidden(datasette, request):
    return lambda: explain(datasette, request, 403)


@hookimpl
def asgi_wrapper(datasette):
    def wrap(app):
        @wraps(app)
        async def guarded(scope, receive, send):
            async def with_headers(message):
                if message["type"] == "http.response.start":
                    present = {name.lower() for name, _ in message.get("headers", ())}
                    extra = [pair for pair in HEADERS.items() if pair[0] not in present]
                    message = {**message, "headers": [*message.get("headers", ()), *extra]}
                await send(message)

            path = scope.get("path", "")
            methods = (*METHODS, "POST") if path in POSTED_TO else METHODS
            if scope["type"] == "http" and scope["method"] not in methods:
                told = Response.text("本站只供阅读，不接受提交。", status=405)
            elif scope["type"] == "http" and scope["method"] == "OPTIONS":
                told = Response("", status=204)
            else:
                told = None
            if told:
                told.headers["Allow"] = ", ".join(methods)
                await told.asgi_send(with_headers)
                return
            if path.startswith("/-/") and not path.startswith(OPEN_DOORS):
                closed = "/-/closed" + (".json" if path.endswith(".json") else "")
                scope = {**scope, "path": closed, "raw_path": closed.encode()}
            await app(scope, receive, with_headers)

        return guarded

    return wrap
