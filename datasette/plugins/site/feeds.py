"""Feeds (Atom, RFC 4287) of what happened to reports: of all, one kind, a place, or a body."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from datasette import Response, hookimpl
from datasette.views.base import DatasetteError

from .answers import DATABASE, address_of, first, refusal, unquoted
from .divisions import bodies_in, whole_code
from .events import KINDS, events_page, kept_events, read_kind
from .filters import read_division, read_filters
from .memento import origin
from .snapshot import served

ENTRIES = 100
# A place is looked for among so many newest events: to go back further takes too long.
MOST_SEARCHED = 20_000
EPOCH = "1970-01-01T00:00:00Z"


def feed_id(*parts):
    """The name of a feed (tag URI, RFC 4151): the same wherever the site stands."""
    return "tag:nianbao,2026:" + quote("/".join(filter(None, parts)), safe="/-._~:")


async def feed(datasette, request, events, name, title, path, query=""):
    """The events as a feed: `name` is its id, `path` the page it is of, with .atom its own."""
    base = origin(datasette, request)
    for event in events:
        event["url"] = base + quote(event.get("compare") or event["path"], safe="/-~._%#")
    snapshot = served(datasette)
    text = await datasette.render_template(
        "changes.atom",
        {
            "events": events,
            "feed": name,
            "title": title,
            "updated": max((event["at"] or "" for event in events), default="")
            or (f"{snapshot.moment:%Y-%m-%dT%H:%M:%SZ}" if snapshot else EPOCH),
            "page": base + path + query,
            "itself": f"{base}{path}.atom{query}",
        },
        request=request,
    )
    return Response(text, content_type="application/atom+xml; charset=utf-8")


def events_in(division):
    """The newest events of bodies in a division, as a query of events."""
    condition, codes = bodies_in(division)
    return (
        f"""
        select newest.* from (
            select * from events order by at desc, report_id desc, position desc
            limit {MOST_SEARCHED}
        ) as newest
        join reports on reports.id = newest.report_id
        join issuers on issuers.id = reports.issuer_id
        where {condition}
        """,
        codes,
    )


def events_of_body(issuer):
    """The events of a body's reports, as a query of events."""
    return (
        "select * from events where report_id >= ? || '/' and report_id < ? || '0'",
        (issuer, issuer),
    )


async def changes_feed(datasette, request):
    """What happened to all reports, of one kind and in one division where they are asked for."""
    database = datasette.get_database(DATABASE)
    choice, faults = read_filters(request, {"kind": read_kind, "division": read_division})
    kind, division = choice["kind"] or None, choice["division"]
    if kind == "suspect" and division:
        faults.append(f"division={division}：kind=suspect 不能再按地区取，二者择一。")
    if faults:
        return refusal("atom", "".join(faults))
    title = "最近的改动"
    if kind:
        title += f"（{KINDS[kind]}）"
    if division:
        place = await first(
            database, "select name from divisions where code = ?", whole_code(division)
        )
        title = f"{place['name'] if place else f'区划 {division}'}{title}"
        kinds = (kind,) if kind else ()
        events = await kept_events(database, kinds, ENTRIES, among=events_in(division))
    else:
        events, _ = await events_page(database, kind, 1, ENTRIES)
    given = {"kind": kind, "division": division}
    query = urlencode({name: value for name, value in given.items() if value})
    name = feed_id("changes", kind, division and f"division/{division}")
    return await feed(
        datasette, request, events, name, title, "/changes", f"?{query}" if query else ""
    )


async def body_feed(datasette, request):
    """What happened to the reports of a body."""
    database = datasette.get_database(DATABASE)
    issuer = await first(
        database, "select id, name from issuers where id = ?", unquoted(request, "issuer")
    )
    if issuer is None:
        raise DatasetteError("没有这个机关", status=404)
    events = await kept_events(database, (), ENTRIES, among=events_of_body(issuer["id"]))
    return await feed(
        datasette,
        request,
        events,
        feed_id("r", issuer["id"]),
        f"{issuer['name']}的年报",
        f"/r/{address_of(issuer['id'])}",
    )


@hookimpl(tryfirst=True)
def register_routes():
    return [
        (r"^/changes\.atom$", changes_feed),
        (r"^/r/(?P<issuer>[^/]+)\.atom$", body_feed),
    ]
