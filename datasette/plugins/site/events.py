"""What happened to reports: the page of changes and its feed."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from datasette import hookimpl

from .answers import (
    DATABASE,
    csv_response,
    json_response,
    last_part,
    page,
    refusal,
    rows,
)
from .asked import one_of
from .filters import page_to, read_filters
from .wording import WORDS

CHANGES_PER_PAGE = 100
# Older events than these pages hold are in the table: to count off more takes too long.
MOST_PAGES = 100
EVENTS = WORDS["event"]
# To be doubted is no event but a state.
KINDS = {**EVENTS, "suspect": "疑似下线"}
# The state of a report whose last event was that it vanished, in older links.
LEGACY = {"gone": "vanished"}
EVENT_COLUMNS = (
    "kind", "at", "report_id", "version_id", "issuer_id", "issuer_name", "year", "title", "cells",
    "texts", "path", "from_version", "url", "days_since_publication", "sections",
)  # fmt: skip


async def kept_events(database, kinds, limit, offset=0, among=None):
    """What the archive's table of events tells, newest first; `repeats` counts the same before.

    An edit has how many cells, chapters and other passages differ from the version before.
    `among` limits it to the rows of a query of events, given with its parameters.
    """
    newest = "order by at desc, report_id desc, position desc limit"
    chosen = "events" if not kinds else "(select * from events where kind = ?)"
    if len(kinds) > 1:
        # One walk of an index for each kind: of all kinds together, the rare ones lie far apart.
        one = f"select * from (select * from events where kind = ? {newest} {offset + limit})"
        chosen = f"({' union all '.join([one] * len(kinds))})"
    parameters = kinds
    if among:
        source, given = among
        chosen = f"(select * from ({source})"
        chosen += f" where kind in ({', '.join('?' * len(kinds))}))" if kinds else ")"
        parameters = (*given, *kinds)
    found = await rows(
        database,
        f"""
        select chosen.*, reports.year, ifnull(versions.title, reports.title) as title,
            versions.number, issuers.id as issuer_id, issuers.name as issuer_name,
            (select count(*) from changes where to_version = chosen.version_id
                and from_version = chosen.from_version and field is not null) as cells,
            (select count(*) from changes where to_version = chosen.version_id
                and from_version = chosen.from_version and section is not null) as sections,
            (select count(*) from changes where to_version = chosen.version_id
                and from_version = chosen.from_version and field is null) as texts,
            (select count(*) from events as other where other.report_id = chosen.report_id
                and other.kind = chosen.kind and other.position < chosen.position
                and (chosen.kind = 'new' or other.night is chosen.night
                    or chosen.kind = 'edited' and other.version_id is chosen.version_id)
                ) as repeats
        from (
            select * from {chosen} {newest} ? offset ?
        ) as chosen
        left join reports on reports.id = chosen.report_id
        left join versions on versions.id = chosen.version_id
        left join issuers on issuers.id = reports.issuer_id
        order by chosen.at desc, chosen.report_id desc, chosen.position desc
        """,
        *parameters,
        limit,
        offset,
    )
    for event in found:
        issuer, _, year = str(event["report_id"]).rpartition("/")
        event["issuer_id"] = event["issuer_id"] or issuer
        event["issuer_name"] = event["issuer_name"] or issuer
        event["year"] = event["year"] or year
        event["word"] = EVENTS.get(event["kind"], event["kind"])
        event["path"] = "/r/" + (event["version_id"] or event["report_id"])
        event["tag"] = event_tag(event)
        if event["kind"] == "edited" and event["from_version"]:
            event["compare"] = f"/r/{event['from_version']}/diff/{last_part(event['version_id'])}"
    return found


def event_tag(event):
    """The name of an event in feeds (tag URI, RFC 4151): the same whatever happens later."""
    kind, report_id = event["kind"], event["report_id"]
    if kind == "edited" and event["version_id"]:
        parts = [kind, event["version_id"]]
    elif kind == "new":
        parts = [kind, report_id]
    else:
        parts = [kind, report_id, event["night"] or event["at"] or event["position"]]
    if event["repeats"]:
        # Back at a content it had before, or twice in a night.
        parts.append(f"{event['night'] or event['at']}.{event['position']}")
    return "tag:nianbao,2026:" + quote("/".join(map(str, parts)), safe="/-._~:")


async def suspected(database, limit, offset):
    """Reports that may be gone: their page did not show them when last asked. No event yet."""
    found = await rows(
        database,
        """
        select 'suspect' as kind, reports.last_seen as at, reports.id as report_id,
            reports.current_version as version_id, issuers.id as issuer_id,
            issuers.name as issuer_name, reports.year, reports.title, reports.url
        from reports join issuers on issuers.id = reports.issuer_id
        where reports.status = 'suspect'
        order by reports.last_seen desc, reports.id limit ? offset ?
        """,
        limit,
        offset,
    )
    for event in found:
        event["word"] = KINDS["suspect"]
        event["path"] = "/r/" + event["report_id"]
        event["tag"] = "tag:nianbao,2026:" + quote(
            f"suspect/{event['report_id']}/{event['at']}", safe="/-._~:"
        )
    return found


async def events_page(database, kind, number, size):
    """A page of what happened, `more` with another after it; of one kind where one is given."""
    offset = (number - 1) * size
    if kind == "suspect":
        events = await suspected(database, size + 1, offset)
    else:
        events = await kept_events(database, (kind,) if kind else (), size + 1, offset)
    return events[:size], len(events) > size


def read_kind(text, name):
    return one_of(LEGACY.get(text, text), name, tuple(KINDS))


async def changes(datasette, request):
    database = datasette.get_database(DATABASE)
    form = request.url_vars.get("format")
    advice = "请以 kind 缩小范围，或以条件查 events 表。"
    choice, faults = read_filters(request, {"kind": read_kind, "page": page_to(MOST_PAGES, advice)})
    kind, number = choice["kind"] or None, choice["page"] or 1
    if form and faults:
        return refusal(form, "".join(faults))
    events, more = await events_page(database, kind, number, CHANGES_PER_PAGE)
    last = number >= MOST_PAGES
    if form == "json":
        body = {"kind": kind, "page": number, "more": more and not last, "count": len(events)}
        return json_response({**body, "changes": events})
    if form == "csv":
        mark = bool(request.args.get("bom"))
        given = {"kind": kind, "bom": "1" if mark else "", "page": number + 1}
        query = urlencode({name: value for name, value in given.items() if value})
        following = f"{request.path}?{query}" if more else None
        return csv_response(events, EVENT_COLUMNS, mark=mark, following=following)
    return await page(
        datasette,
        request,
        "changes.html",
        section="changes",
        faults=faults,
        events=events,
        kind=kind,
        kinds=KINDS,
        page=number,
        more=more and not last,
        last=last,
    )


@hookimpl
def register_routes():
    return [
        (r"^/changes(?:\.(?P<format>json|csv))?$", changes),
    ]
