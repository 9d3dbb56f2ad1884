"""The front page: what there is, and what happened last."""

from __future__ import annotations

from datasette import hookimpl

from .answers import DATABASE, csv_response, json_response, page, remembered
from .events import EVENT_COLUMNS, kept_events


async def totals(database):
    found = await remembered(
        database,
        """
        select (select count(*) from reports) as reports, (select count(*) from issuers) as issuers,
            (select count(*) from versions) as versions, (select count(*) from portals) as portals,
            (select count(*) from versions where replaces is not null) as edits,
            (select count(*) from reports where status in ('gone', 'suspect')) as absent,
            (select max(last_ok) from portals) as last_night
        """,
    )
    return found[0]


async def home(datasette, request):
    database = datasette.get_database(DATABASE)
    events = await kept_events(database, ("edited", "vanished", "back", "moved"), 10)
    newest = await kept_events(database, ("new",), 10)
    portals = await remembered(
        database,
        """
        select portals.*, ifnull(counted.reports, 0) as reports
        from portals left join (
            select issuers.portal_id, count(*) as reports
            from reports join issuers on issuers.id = reports.issuer_id group by 1
        ) as counted on counted.portal_id = portals.id
        order by portals.state = 'ok', reports desc, portals.id limit 20
        """,
    )
    shown = {
        "totals": await totals(database),
        "newest": newest,
        "events": events,
        "portals": portals,
    }
    if request.url_vars.get("format") == "json":
        return json_response(shown)
    if request.url_vars.get("format") == "csv":
        both = [*shown["events"], *shown["newest"]]
        return csv_response(
            sorted(both, key=lambda event: event["at"] or "", reverse=True), EVENT_COLUMNS
        )
    return await page(datasette, request, "home.html", section="home", **shown)


@hookimpl
def register_routes():
    return [(r"^/(?:(?:index)?\.(?P<format>json|csv))?$", home)]
