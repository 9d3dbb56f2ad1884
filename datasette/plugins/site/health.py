"""How the crawl fares: each night, each portal, and what is kept."""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import partial

from datasette import hookimpl
from datasette.views.base import DatasetteError

from .answers import (
    DATABASE,
    csv_response,
    first,
    json_response,
    page,
    refusal,
    rows,
)
from .coverage import LEVELS, address, no_portal, place_name
from .divisions import PROVINCES, division_range
from .filters import among, any_text, number_to, page_to, read_division, read_filters

NIGHTS_DRAWN = 60
PORTALS_PER_PAGE = 50
# Further on than these pages a filter serves better: to count off more takes too long.
MOST_PAGES = 100
# What a visit counts.
COUNTS = (
    "requests", "bytes", "lists", "listed", "reports", "attachments", "new", "edited", "unchanged",
    "moved", "gone", "back", "blocked", "failed", "refused", "saved", "seconds",
)  # fmt: skip
# A night with more than this many times what any other has is told, not drawn: a first crawl asks
# for a hundred times as much, and beside it no other would show.
FAR_ABOVE = 5
# What is drawn over the nights: a heading, what is counted, and the columns with their names.
DRAWN = (
    ("每夜站点", "个", (("answered", "正常应答"), ("unanswered", "未正常应答"))),
    ("每夜请求", "次", (("requests", "请求"),)),
    ("每夜年报", "份", (("new", "新见"), ("edited", "改动"), ("gone", "不存在"))),
    ("每夜受阻", "次", (("blocked", "被拦"), ("failed", "失败"), ("refused", "未发出"))),
)
STATES = (
    "ok", "challenge", "needs_browser", "shell", "error", "gone", "soft_404", "moved",
    "home_redirect", "truncated", "too_large", "robots", "opted_out", "stopped",
)  # fmt: skip
AMISS = "amiss"
COLUMNS = (
    "portal_id", "name", "level", "division", "home_url", "state", "since", "last_night", "last_ok",
    "silent", "nights", "ok_nights", "verdicts", "reason", "requests", "lists", "listed",
    "reports", "new", "edited", "blocked", "failed",
)  # fmt: skip


async def nights(database, limit=-1):
    """What each night brought at all portals together, the last night first."""
    return await rows(
        database,
        "select *, portals - answered as unanswered from nights order by night desc limit ?",
        limit,
    )


async def counts(database):
    """How much there is of what, by name."""
    return {row["what"]: row["number"] for row in await rows(database, "select * from counts")}


async def holdings(database):
    """How much is kept, and what of it cannot be read: segments, captures, damaged records."""
    known = {row["what"]: row for row in await rows(database, "select * from counts")}
    names = ("segments", "captures", "damages", "damaged_segments")
    span = {name: known["captures"][name] for name in ("first_at", "last_at")}
    found = {name: known[name]["number"] for name in names}
    return found | {"bytes": known["segment_bytes"]["number"]} | span


async def visits(database, night):
    """What a night brought at each portal, those first where something was amiss."""
    return await rows(
        database,
        f"""
        select visits.portal_id, portals.name, portals.level, portals.division, visits.night,
            visits.state, {", ".join(f"visits.{name}" for name in COUNTS)}, visits.seen_at
        from visits join portals on portals.id = visits.portal_id where night = ?
        order by visits.state = 'ok',
            ifnull(visits.blocked, 0) + ifnull(visits.failed, 0) desc,
            ifnull(visits.edited, 0) + ifnull(visits.new, 0) desc, visits.portal_id
        """,
        night,
    )


FILTERS = {
    "portal": any_text(100),
    "state": among((*STATES, AMISS)),
    "division": read_division,
    "level": among(LEVELS),
    "silent": number_to(9999),
}


def portals_statement(choice, number):
    """SQL and parameters for a page of portals and one more, the longest silent first."""
    conditions, values = ["1"], []
    if choice["state"] == AMISS:
        # Whatever has a reason; an answer of no use is amiss as much as none.
        conditions.append("reason is not null")
    elif choice["state"]:
        conditions.append("state = ?")
        values.append(choice["state"])
    if choice["division"]:
        conditions += ["province = ?", "division >= ? and division < ?"]
        values += [choice["division"][:2], *division_range(choice["division"])]
    if choice["level"]:
        conditions.append("level = ?")
        values.append(choice["level"])
    if choice["silent"]:
        conditions.append("silent >= ?")
        values.append(int(choice["silent"]))
    return (
        f"select {', '.join(COLUMNS)} from portal_health where {' and '.join(conditions)} "
        "order by silent desc, portal_id desc limit ? offset ?",
        [*values, PORTALS_PER_PAGE + 1, (number - 1) * PORTALS_PER_PAGE],
    )


def drawings(found):
    """The tables of DRAWN over the last nights, in order of time, an empty line for a night on
    which no crawl was; none of a single night. `told` has the nights left out for their size."""
    by_night = {line["night"]: line for line in found}
    try:
        known = sorted(map(date.fromisoformat, by_night))
    except ValueError:
        return []
    if len(known) < 2:
        return []
    last = known[-1]
    days = min((last - known[0]).days + 1, NIGHTS_DRAWN)
    nights = [(last - timedelta(days=days - 1 - i)).isoformat() for i in range(days)]
    drawn = []
    for heading, unit, columns in DRAWN:
        names = [column for column, _ in columns]
        lines = {
            night: [by_night[night].get(name) for name in names]
            for night in nights
            if night in by_night
        }
        if not any(number is not None for line in lines.values() for number in line):
            continue
        highest = {night: max(number or 0 for number in line) for night, line in lines.items()}
        top, *others = sorted(highest, key=highest.get, reverse=True)
        told = None
        if others and highest[top] > FAR_ABOVE * highest[others[0]] > 0:
            told = (top, list(zip([name for _, name in columns], lines.pop(top), strict=True)))
        drawn.append(
            {
                "heading": heading,
                "unit": unit,
                "names": [name for _, name in columns],
                "told": told,
                "rows": [(night, lines.get(night) or [None] * len(names)) for night in nights],
            }
        )
    return drawn


def verdicts(line):
    """The nights of a portal by state, the most frequent first."""
    try:
        found = json.loads(line["verdicts"] or "{}")
    except ValueError:
        return []
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


async def health(datasette, request):
    database = datasette.get_database(DATABASE)
    form = request.url_vars.get("format")
    advice = "请以 division、level、state 缩小范围。"
    choice, faults = read_filters(request, {**FILTERS, "page": page_to(MOST_PAGES, advice)})
    number = choice.pop("page") or 1
    if form and faults:
        return refusal(form, "".join(faults))
    if choice["portal"]:
        return await one_portal(datasette, request, database, choice["portal"], form)
    sql, values = portals_statement(choice, number)
    portals = await rows(database, sql, *values)
    more, portals = len(portals) > PORTALS_PER_PAGE, portals[:PORTALS_PER_PAGE]
    if form == "csv":
        following = address(request.path, choice, page=number + 1) if more else None
        return csv_response(portals, COLUMNS, following=following)
    known_nights = await nights(database, NIGHTS_DRAWN)
    kept, known = await holdings(database), await counts(database)
    if form == "json":
        return json_response(
            {
                "choice": {name: value for name, value in choice.items() if value},
                "counts": known,
                "holdings": kept,
                "nights": known_nights,
                "page": number,
                "more": more,
                "portals": [{**line, "verdicts": dict(verdicts(line))} for line in portals],
            }
        )
    return await page(
        datasette,
        request,
        "health.html",
        section="coverage",
        faults=faults,
        choice=choice,
        address=partial(address, "/coverage/health"),
        states=STATES,
        levels=LEVELS,
        provinces=PROVINCES,
        place=await place_name(database, choice["division"]),
        portals=[{**line, "verdicts": verdicts(line)} for line in portals],
        drawings=drawings(known_nights),
        night=known_nights[0] if known_nights else None,
        kept=kept,
        counts=known,
        narrowed=any(choice.values()),
        page=number,
        more=more and number < MOST_PAGES,
    )


async def one_portal(datasette, request, database, portal_id, form):
    """A portal night by night."""
    portal = await first(database, "select * from portal_health where portal_id = ?", portal_id)
    found = await rows(
        database,
        f"select night, state, {', '.join(COUNTS)}, seen_at from visits where portal_id = ? "
        "order by night desc limit ?",
        portal_id,
        -1 if form else NIGHTS_DRAWN,
    )
    if form and portal is None:
        raise DatasetteError(no_portal(portal_id), status=404)
    if form == "csv":
        return csv_response(found, ["night", "state", *COUNTS, "seen_at"])
    if form == "json":
        told = {**portal, "verdicts": dict(verdicts(portal))}
        return json_response({"portal": told, "nights": found})
    response = await page(
        datasette,
        request,
        "health.html",
        section="coverage",
        portal=portal and {**portal, "verdicts": verdicts(portal)},
        asked=portal_id,
        visits=found,
        drawings=drawings(found),
        address=partial(address, "/coverage/health"),
    )
    response.status = 200 if portal else 404
    return response


async def coverage_nights(datasette, request):
    """Each night's figures at all portals together, or one night's at each portal, for machines."""
    database = datasette.get_database(DATABASE)
    if request.url_vars["what"] == "nights":
        found = await nights(database)
        columns, body = ["night", "portals", "answered", *COUNTS], {"nights": found}
    else:
        choice, faults = read_filters(request, {"night": any_text(100)})
        night = choice["night"]
        if night and not await first(database, "select 1 from nights where night = ?", night):
            faults.append(f"night={night}：没有这一夜的抓取。所有夜次见 /coverage/nights.json。")
        if faults:
            return refusal(request.url_vars["format"], "".join(faults))
        if not night:
            known = await nights(database, 1)
            night = known[0]["night"] if known else ""
        found = await visits(database, night)
        columns = ["portal_id", "name", "level", "division", "night", "state", *COUNTS, "seen_at"]
        body = {"night": night or None, "portals": found}
    if request.url_vars["format"] == "json":
        return json_response(body)
    return csv_response(found, columns)


@hookimpl
def register_routes():
    return [
        (r"^/coverage/health(?:\.(?P<format>json|csv))?$", health),
        (r"^/coverage/(?P<what>nights|portals)\.(?P<format>json|csv)$", coverage_nights),
    ]
