"""Files for crawlers: robots.txt and the sitemap."""

from __future__ import annotations

import re

from datasette import Response, hookimpl
from datasette.views.base import DatasetteError

from .answers import DATABASE, address_of

ADDRESSES_PER_SITEMAP = 10_000
ROBOTS = """\
User-agent: *
Disallow: /nianbao
Disallow: /search
Disallow: /-/
Disallow: /_memory
Disallow: /*/original
Disallow: /*?

Sitemap: {sitemap}
"""


async def robots(datasette, request):
    return Response.text(ROBOTS.format(sitemap=datasette.absolute_url(request, "/sitemap.xml")))


async def sitemap(datasette, request):
    """All bodies and reports; an index of parts when one file would grow too long."""
    database = datasette.get_database(DATABASE)
    part = request.url_vars.get("part")
    addresses = """
        select '/r/' || id as path, last_seen from reports
        union all select '/r/' || id, null from issuers
    """
    count = await database.execute_fn(
        lambda connection: connection.execute(
            "select (select count(*) from reports) + (select count(*) from issuers)"
        ).fetchone()[0]
    )
    parts = max(1, -(-count // ADDRESSES_PER_SITEMAP))
    if part is None and parts > 1:
        entries = [(f"/sitemap-{number}.xml", None) for number in range(1, parts + 1)]
        kind = "sitemapindex"
    else:
        number = int(part or 1)
        if not 1 <= number <= parts:
            raise DatasetteError("没有这一部分", status=404)
        found = await database.execute_fn(
            lambda connection: connection.execute(
                f"select * from ({addresses}) order by path limit ? offset ?",
                (ADDRESSES_PER_SITEMAP, (number - 1) * ADDRESSES_PER_SITEMAP),
            ).fetchall()
        )
        entries = [(row[0], row[1]) for row in found]
        if number == 1:
            entries = [
                (path, None) for path in ("/", "/coverage", "/changes", "/data", "/about")
            ] + entries
        kind = "urlset"
    text = await datasette.render_template(
        "sitemap.xml",
        {
            "kind": kind,
            "entries": [
                (
                    datasette.absolute_url(request, address_of(path)),
                    seen if re.match(r"\d{4}-\d\d-\d\d", seen or "") else None,
                )
                for path, seen in entries
            ],
        },
        request=request,
    )
    return Response(text, content_type="application/xml; charset=utf-8")


@hookimpl
def register_routes():
    return [
        (r"^/robots\.txt$", robots),
        (r"^/sitemap(?:-(?P<part>\d{1,5}))?\.xml$", sitemap),
    ]
