"""The page of a body: its reports by year, its names, what is above and below it."""

from __future__ import annotations

from datasette import hookimpl
from datasette.views.base import DatasetteError

from .answers import DATABASE, csv_response, first, json_response, page, rows, unquoted
from .record import MOST_ROWS, parent_of

MOST_BELOW = 100


def bar_chart(points, height=120, step=56):
    """Bars for (year, number): coordinates for an inline drawing, or None with no number."""
    numbers = [number for _, number in points if number is not None]
    if not numbers or len(points) < 2:
        return None
    top = max([*numbers, 1])
    bars = []
    for i, (year, number) in enumerate(points):
        tall = round(number / top * height, 1) if number is not None else None
        bars.append(
            {
                "year": year,
                "number": number,
                "x": i * step + 12,
                "middle": i * step + step / 2,
                "y": None if tall is None else round(height - tall + 22, 1),
                "height": tall,
            }
        )
    return {"bars": bars, "width": len(points) * step, "height": height + 46, "base": height + 22}


async def around_body(database, issuer):
    """A body's former names, its links to others, its place, what is below it, and corrections."""
    names = await rows(
        database,
        """
        select name, first_seen, last_seen from issuer_names
        where issuer_id = ? order by last_seen desc, name limit 100
        """,
        issuer["id"],
    )
    links = await rows(
        database,
        f"""
        select issuer_links.*, one.name as issuer_name, other.name as body_name
        from issuer_links left join issuers as one on one.id = issuer_links.issuer_id
        left join issuers as other on other.id = other_id
        where issuer_links.issuer_id = ? or other_id = ?
        order by on_date is null, on_date, relation limit {MOST_BELOW}
        """,
        issuer["id"],
        issuer["id"],
    )
    place = await rows(
        database,
        """
        with recursive above (code, depth) as (
            select ?, 0
            union select divisions.parent, depth + 1 from above
                join divisions on divisions.code = above.code
                where divisions.parent <> '' and depth < 8
        )
        select divisions.* from above join divisions on divisions.code = above.code
        group by divisions.code order by min(depth) desc
        """,
        issuer.get("place_code") or issuer["division"],
    )
    below = await rows(
        database,
        f"""
        select id, name, kind from issuers where parent_id = ? and id <> ?
        order by kind, name limit {MOST_BELOW + 1}
        """,
        issuer["id"],
        issuer["id"],
    )
    corrections = await rows(
        database,
        f"select * from corrections where subject = ? order by number limit {MOST_ROWS}",
        f"issuer:{issuer['id']}",
    )
    return {
        "names": names,
        "links": links,
        "place": place,
        "below": below,
        "corrections": corrections,
    }


async def issuer_page(datasette, request):
    database = datasette.get_database(DATABASE)
    issuer_id, form = unquoted(request, "issuer"), request.url_vars.get("format")
    issuer = await first(database, "select * from issuers where id = ?", issuer_id)
    if issuer is None:
        raise DatasetteError("没有这个机关", status=404)
    reports = await rows(
        database,
        """
        select reports.*,
            (select count(*) from versions as every where every.report_id = reports.id) as versions,
            (select count(*) from findings join identities on identities.id = findings.rule
                where version_id = reports.current_version and verdict = 'fail'
                and level in ('hard', 'soft')) as failed,
            versions.numbers_read, versions.flags,
            figures.requests__received_new__total as received_new
        from reports left join versions on versions.id = reports.current_version
        left join figures on figures.version_id = reports.current_version
        where issuer_id = ? order by reports.year desc
        """,
        issuer_id,
    )
    parent = await parent_of(database, issuer)
    portal = await first(database, "select * from portals where id = ?", issuer["portal_id"])
    around = await around_body(database, issuer)
    if form == "json":
        body = {"issuer": issuer, "parent": parent, "portal": portal, **around}
        return json_response({**body, "reports": reports})
    if form == "csv":
        columns = (
            "id", "year", "title", "form", "status", "versions", "failed", "numbers_read",
            "received_new", "published_on", "url", "first_seen", "last_seen", "scope", "flags",
        )  # fmt: skip
        return csv_response(reports, columns, f"{issuer_id}.csv", bool(request.args.get("bom")))
    by_year = {report["year"]: report for report in reports}
    years = range(max(by_year), min(by_year) - 1, -1) if by_year else ()
    from_2019 = [year for year in sorted(years) if year >= 2019]
    points = [(y, by_year[y]["received_new"] if y in by_year else None) for y in from_2019]
    return await page(
        datasette,
        request,
        "issuer.html",
        issuer=issuer,
        parent=parent,
        portal=portal,
        **around,
        most_below=MOST_BELOW,
        years=[(year, by_year.get(year)) for year in years],
        chart=bar_chart(points),
    )


@hookimpl
def register_routes():
    return [(r"^/r/(?P<issuer>[^/]+?)(?:\.(?P<format>json|csv))?$", issuer_page)]
