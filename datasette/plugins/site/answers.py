"""How pages ask the snapshot, and the shapes they answer in: HTML, JSON, CSV."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import time
from types import SimpleNamespace
from urllib.parse import quote, unquote
from weakref import WeakKeyDictionary

from datasette import Response
from datasette.database import QueryInterrupted
from datasette.utils import sqlite_timelimit
from jinja2 import Template

DATABASE = "nianbao"
# A snapshot does not change; a new one is noticed within this many seconds.
REMEMBERED_FOR = 300
MEMORY = WeakKeyDictionary()
ENVIRONMENTS = WeakKeyDictionary()
# How what a spreadsheet takes for a formula begins, and what begins so and is none.
FORMULA = tuple("=+-@\t\r\n＝＋－＠")
SIGNED = re.compile(r"[+-][0-9,]+(?:\.[0-9]+)?%?")


async def rows(database, sql, *parameters):
    return [dict(row) for row in (await database.execute(sql, parameters)).rows]


async def first(database, sql, *parameters):
    return next(iter(await rows(database, sql, *parameters)), None)


async def remembered(database, sql):
    """The rows of a query that walks whole tables, asked once and kept for a while."""
    known = MEMORY.setdefault(database, {})
    asked, found = known.get(sql, (0.0, None))
    if found is None or time.monotonic() - asked > REMEMBERED_FOR:
        found = await database.execute_fn(
            lambda connection: [dict(row) for row in connection.execute(sql)]
        )
        known[sql] = (time.monotonic(), found)
    return found


class Session:
    """A connection that answers like a database, in the thread that has it."""

    def __init__(self, connection, limit_ms):
        self.connection, self.limit_ms = connection, limit_ms

    async def execute(self, sql, parameters=()):
        try:
            with sqlite_timelimit(self.connection, self.limit_ms):
                return SimpleNamespace(rows=self.connection.execute(sql, parameters).fetchall())
        except sqlite3.OperationalError as error:
            if error.args == ("interrupted",):
                raise QueryInterrupted(error, sql, parameters) from error
            raise


async def in_one_go(database, ask):
    """What `ask`, an asynchronous function of a database that awaits nothing but its rows, gives.

    Its questions are asked by one thread, one after another: to hand each of many over takes
    longer than to answer it.
    """

    def asked(connection):
        asking = ask(Session(connection, database.ds.sql_time_limit_ms))
        try:
            asking.send(None)
        except StopIteration as end:
            return end.value
        asking.close()
        raise RuntimeError(f"{ask} awaits something else than rows of the database")

    return await database.execute_fn(asked)


def unquoted(request, name):
    return unquote(request.url_vars[name])


def last_part(path):
    return str(path or "").rsplit("/", 1)[-1]


def address_of(path):
    """A path as it stands in an address: names in Chinese are percent-encoded."""
    return quote(path, safe="/-~._%")


def page_number(request):
    text = request.args.get("page") or "1"
    return int(text) if re.fullmatch(r"[1-9]\d{0,4}", text) else 1


class Plain(Template):
    """A template that awaits nothing: its pages take half the time of an asynchronous one's."""

    async def render_async(self, *context, **more):
        return self.render(*context, **more)


def plain_template(datasette, name):
    """A template of ours, which Datasette may render; none may call what must be awaited."""
    whole = datasette.jinja_env
    if whole not in ENVIRONMENTS:
        ENVIRONMENTS[whole] = whole.overlay(enable_async=False)
        ENVIRONMENTS[whole].template_class = Plain
    return ENVIRONMENTS[whole].get_template(name)


async def page(datasette, request, template, faults=(), **context):
    """A template as a page; `faults`, sentences on what it was asked, make it a refusal (400)."""
    template, context = plain_template(datasette, template), {**context, "faults": faults}
    text = await datasette.render_template(template, context, request=request)
    return Response.html(text, status=400 if faults else 200)


def json_response(body, status=200):
    text = json.dumps(body, ensure_ascii=False, indent=1)
    return Response(text, status=status, content_type="application/json; charset=utf-8")


def harmless(line):
    """A line of CSV of which a spreadsheet runs no cell, as OWASP asks; numbers stay numbers."""
    return {
        key: f"'{value}"
        if isinstance(value, str) and value.startswith(FORMULA) and not SIGNED.fullmatch(value)
        else value
        for key, value in dict(line).items()
    }


def csv_response(lines, columns, name=None, mark=False, following=None):
    """The lines as CSV, the columns in the order given; what else a line holds is left out.

    `name` is what a browser saves it as. `mark` makes it fit for spreadsheets: a byte order mark
    first, without which they do not take the text for UTF-8, and an apostrophe before what they
    would take for a formula. Otherwise every cell is as stored. `following` is the address of the
    next page of the lines (RFC 8288, rel="next").
    """
    out = io.StringIO("\ufeff" if mark else "", newline="")
    out.seek(0, io.SEEK_END)
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(map(harmless, lines) if mark else lines)
    headers = {"Link": f'<{following}>; rel="next"'} if following else {}
    if name:
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
        headers["Content-Disposition"] = (
            f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
        )
    return Response(out.getvalue(), headers=headers, content_type="text/csv; charset=utf-8")


def refusal(form, message, status=400, title="请求有误", **more):
    """The answer to a program in place of what it asked for: JSON, or else a line of text."""
    if form == "json":
        body = {"ok": False, "status": status, "title": title, "error": message, **more}
        return json_response(body, status)
    return Response.text(f"{message}\n", status=status)


def csv_refusal(message):
    """The answer in place of a table that would be cut: what would narrow it, and where all is."""
    return Response.text(f"{message}整库见 /download。\n", status=400)
