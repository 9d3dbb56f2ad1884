"""Files for crawlers: robots.txt, and the sitemap with a part for every so many records.

The parts and their days are worked out once of each snapshot, by one walk of the keys; a part is
then read from its first key on, however many there are.
"""

from __future__ import annotations

import asyncio
import sqlite3
from weakref import WeakKeyDictionary
from xml.sax.saxutils import escape

from datasette import Response, hookimpl
from datasette.views.base import DatasetteError

from .answers import DATABASE, address_of
from .memento import origin
from .snapshot import served
from .wording import rfc3339

# sitemaps.org allows 50,000 addresses and 50 MB; longest address and date, 10,000 are 10 MB.
ADDRESSES_PER_SITEMAP = 10_000
LONGEST_ADDRESS = 2048
NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
PAGES = ("/", "/compare", "/changes", "/coverage", "/data", "/accuracy", "/about")
# Of each record its key and when its page last came to say something else, by the last event.
RECORDS = {
    "bodies": """
        select id, (
            select max(at) from events where report_id > issuers.id || '/'
                and report_id < issuers.id || '0'
        ) as changed from issuers
    """,
    "reports": """
        select id, ifnull(
            (select max(at) from events where report_id = reports.id), first_seen
        ) as changed from reports
    """,
}
PARTS = WeakKeyDictionary()
ROBOTS = """\
User-agent: *
Disallow: /nianbao
Disallow: /search
Disallow: /selfcheck/
Disallow: /download/
Disallow: /timegate/
Disallow: /timemap/
Disallow: /-/
Disallow: /_memory
Disallow: /_internal
Disallow: /*/original
Disallow: /*/diff/
Disallow: /*?

Sitemap: {sitemap}
"""


async def robots(datasette, request):
    sitemap = origin(datasette, request) + "/sitemap.xml"
    return Response.text(ROBOTS.format(sitemap=sitemap))


def day(stamp):
    """The UTC date of a stored time, as a sitemap wants it; nothing for anything else."""
    return rfc3339(stamp)[:10]


async def parts_of(database):
    """The parts of a snapshot's sitemap by kind: the first key and the last change of each."""
    if database not in PARTS:
        # One task for all who ask meanwhile: the walk is made once.
        PARTS[database] = asyncio.ensure_future(database.execute_fn(walked))
    try:
        return await asyncio.shield(PARTS[database])
    except sqlite3.Error:
        PARTS.pop(database, None)
        raise


def walked(connection):
    return {
        kind: connection.execute(
            f"""
            select min(id), max(changed) from (
                select id, changed, row_number() over (order by id) - 1 as place from ({records})
            ) group by place / {ADDRESSES_PER_SITEMAP} order by 1
            """
        ).fetchall()
        for kind, records in RECORDS.items()
    }


async def sitemap_index(datasette, request):
    base, database = origin(datasette, request), datasette.get_database(DATABASE)
    changed = made(datasette)
    parts = [("pages", changed)]
    for kind, found in (await parts_of(database)).items():
        parts += [(f"{kind}-{place}", day(at) or changed) for place, (_, at) in enumerate(found, 1)]
    return answer(
        "sitemapindex", "sitemap", [(f"{base}/sitemap-{name}.xml", at) for name, at in parts]
    )


async def sitemap_pages(datasette, request):
    base, changed = origin(datasette, request), made(datasette)
    return answer("urlset", "url", [(base + path, changed) for path in PAGES])


async def sitemap_part(datasette, request):
    base, database = origin(datasette, request), datasette.get_database(DATABASE)
    kind, place = request.url_vars["kind"], int(request.url_vars["place"])
    found = (await parts_of(database))[kind]
    if place > len(found):
        raise DatasetteError("没有这一部分", status=404)
    start = found[place - 1][0]
    records = await database.execute_fn(
        lambda connection: connection.execute(
            f"select * from ({RECORDS[kind]}) where id >= ? order by id limit ?",
            (start, ADDRESSES_PER_SITEMAP),
        ).fetchall()
    )
    changed = made(datasette)
    return answer(
        "urlset",
        "url",
        [(f"{base}/r/{address_of(key)}", day(at) or changed) for key, at in records],
    )


def made(datasette):
    """The day of the snapshot."""
    snapshot = served(datasette)
    return f"{snapshot.moment:%Y-%m-%d}" if snapshot else ""


def answer(root, item, entries):
    lines = [
        f"<{item}><loc>{escape(address)}</loc>"
        + (f"<lastmod>{at}</lastmod>" if at else "")
        + f"</{item}>\n"
        for address, at in entries
        if len(address) < LONGEST_ADDRESS
    ]
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{NAMESPACE}">\n'
    return Response(
        f"{body}{''.join(lines)}</{root}>\n", content_type="application/xml; charset=utf-8"
    )


@hookimpl
def register_routes():
    return [
        (r"^/robots\.txt$", robots),
        (r"^/sitemap\.xml$", sitemap_index),
        # How parts were named once.
        (r"^/sitemap-\d{1,5}\.xml$", lambda: Response.redirect("/sitemap.xml", status=301)),
        (r"^/sitemap-pages\.xml$", sitemap_pages),
        (r"^/sitemap-(?P<kind>bodies|reports)-(?P<place>[1-9]\d{0,4})\.xml$", sitemap_part),
    ]
