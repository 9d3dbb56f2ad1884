"""What holds for every answer: headers, closed doors, and errors told in Chinese."""

from __future__ import annotations

import logging
import sqlite3
from functools import wraps

from datasette import Response, hookimpl
from datasette.plugins import pm
from datasette.utils.asgi import Base400
from datasette.views.base import DatasetteError

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
UNREADABLE = (ValueError, LookupError, AssertionError, sqlite3.ProgrammingError)
SLOW = "这一查询超过了时限。请加上更窄的条件，例如 version_id；核验结果请按规则排序（_sort=rule）。"
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


async def explain(datasette, request, status, detail=""):
    """An error as a page or, for .json addresses, as JSON."""
    heading, advice = MESSAGES.get(status, MESSAGES[500 if status >= 500 else 400])
    if request.path.endswith(".json"):
        body = {"ok": False, "status": status, "title": heading, "error": detail or advice}
        return Response.json(body, status=status)
    page = await datasette.render_template(
        ["error.html"],
        {"status": status, "heading": heading, "advice": advice, "detail": detail},
        request=request,
    )
    return Response.html(page, status=status)


@hookimpl
def startup():
    # The built-in handler prints each 404 with all local variables: slow, and it fills the log.
    if pm.has_plugin("datasette.handle_exception"):
        pm.unregister(name="datasette.handle_exception")


@hookimpl
def handle_exception(datasette, request, exception):
    async def answer():
        if isinstance(exception, DatasetteError):
            detail = "" if exception.message_is_html else str(exception.message)
            if exception.title == "SQL Interrupted":
                detail = SLOW
            # Datasette gives 500 to a request it refuses, such as an order by an unknown column.
            status = 400 if exception.status == 500 else exception.status
            return await explain(datasette, request, status, detail)
        if isinstance(exception, Base400):
            return await explain(datasette, request, exception.status)
        if request.path.startswith(TABLES) and isinstance(exception, UNREADABLE):
            LOG.warning("%s: %s %s", request.path, type(exception).__name__, exception)
            return await explain(datasette, request, 400)
        if request.path.startswith(FILES) and isinstance(exception, OSError):
            return await explain(datasette, request, 404)  # no file's name is so long
        LOG.error("no answer to %s", request.path, exc_info=exception)
        return await explain(datasette, request, 500)

    return answer


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
                allowed = {"Allow": ", ".join(methods)}
                refusal = Response.text("本站只供阅读，不接受提交。", status=405, headers=allowed)
                await refusal.asgi_send(with_headers)
                return
            if path.startswith("/-/") and not path.startswith(OPEN_DOORS):
                closed = "/-/closed" + (".json" if path.endswith(".json") else "")
                scope = {**scope, "path": closed, "raw_path": closed.encode()}
            await app(scope, receive, with_headers)

        return guarded

    return wrap
