"""How pages ask the snapshot, and the shapes they answer in: HTML, JSON, CSV."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from urllib.parse import quote, unquote
from weakref import WeakKeyDictionary

from datasette import Response
from jinja2 import Template

DATABASE = "nianbao"
# A snapshot does not change; a new one is noticed within this many seconds.
REMEMBERED_FOR = 300
MEMORY = WeakKeyDictionary()
ENVIRONMENTS = WeakKeyDictionary()


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


async def page(datasette, request, template, **context):
    template = plain_template(datasette, template)
    return Response.html(await datasette.render_template(template, context, request=request))


def json_response(body, status=200):
    text = json.dumps(body, ensure_ascii=False, indent=1)
    return Response(text, status=status, content_type="application/json; charset=utf-8")


def csv_response(lines, columns, name=None, mark=False):
    """The lines as CSV, the columns in the order given; what else a line holds is left out.

    `name` is what a browser saves it as. `mark` puts a byte order mark first: spreadsheets need
    it to take the text for UTF-8.
    """
    out = io.StringIO("\ufeff" if mark else "", newline="")
    out.seek(0, io.SEEK_END)
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(lines)
    headers = {}
    if name:
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
        headers["Content-Disposition"] = (
            f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
        )
    return Response(out.getvalue(), headers=headers, content_type="text/csv; charset=utf-8")
