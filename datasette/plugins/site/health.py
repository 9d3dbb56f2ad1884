"""How the crawl fared: each night, each portal, and what is kept."""

from __future__ import annotations

import re
from datetime import date, timedelta

from datasette import hookimpl

from .answers import DATABASE, csv_response, json_response, remembered, rows

MOST_NIGHTS = 366
NIGHTS_DRAWN = 30
FAR_ABOVE = 5
VISITS_SHOWN = 20
# What a visit counts, and what the page draws of it: a column, its name, its unit.
COUNTS = (
    "requests", "bytes", "lists", "listed", "reports", "attachments", "new", "edited", "unchanged",
    "moved", "gone", "back", "blocked", "failed", "refused", "saved", "seconds",
)  # fmt: skip
DRAWN = (("requests", "请求", "次"), ("new", "新见年报", "份"), ("edited", "改动", "份"))


async def nights(database):
    """What each night brought at all portals together, the last night first."""
    return await remembered(
        database,
        f"""
        select night, count(*) as portals, sum(state = 'ok') as answered,
            {", ".join(f"sum({name}) as {name}" for name in COUNTS[:-1])},
            round(sum(seconds), 1) as seconds
        from visits group by night order by night desc limit {MOST_NIGHTS}
        """,
    )


async def holdings(database):
    """How much is kept, and what of it cannot be read: segments, captures, damaged records."""
    (found,) = await remembered(
        database,
        """
        select count(*) as segments, sum(bytes) as bytes, sum(captures) as captures,
            min(first_at) as first_at, max(last_at) as last_at,
            (select count(*) from damages) as damages,
            (select count(distinct warc_file) from damages) as damaged_segments
        from segments
        """,
    )
    return found


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


def night_charts(found, height=72, step=11):
    """A small drawing for each of DRAWN over the last nights: one bar a night, gaps where none was.

    None with fewer than two nights.
    """
    by_night = {line["night"]: line for line in found}
    try:
        known = sorted(map(date.fromisoformat, by_night))
    except ValueError:
        return None
    if len(known) < 2:
        return None
    last = known[-1]
    days = min((last - known[0]).days + 1, NIGHTS_DRAWN)
    drawn = [(last - timedelta(days=days - 1 - i)).isoformat() for i in range(days)]
    charts = []
    for column, name, unit in DRAWN:
        numbers = [by_night[day][column] if day in by_night else None for day in drawn]
        highest, next_highest = sorted([*(number or 0 for number in numbers), 1])[:-3:-1]
        # A first crawl asks for a hundred times as much: its bar is cut, or no other would show.
        top = highest if highest <= FAR_ABOVE * next_highest else 1.5 * next_highest
        bars = [
            {
                "x": i * step,
                "y": round(18 + height - tall, 1),
                "height": tall,
                "is_cut": number > top,
                "night": day,
                "number": number,
            }
            for i, (day, number) in enumerate(zip(drawn, numbers, strict=True))
            if number is not None
            # What is not nothing can be seen.
            for tall in [max(round(min(number / top, 1) * height, 1), 2 if number else 0)]
        ]
        charts.append(
            {
                "column": column,
                "name": name,
                "unit": unit,
                "highest": max(number or 0 for number in numbers),
                "bars": bars,
            }
        )
    return {
        "charts": charts,
        "first": drawn[0],
        "last": drawn[-1],
        # Room for the two dates below however few nights there are.
        "width": max(days * step, 150),
        "base": 18 + height,
        "height": height + 38,
        "bar": step - 3,
    }


async def coverage_nights(datasette, request):
    """Each night's figures at all portals together, or one night's at each portal, for machines."""
    database = datasette.get_database(DATABASE)
    if request.url_vars["what"] == "nights":
        found = await nights(database)
        columns, body = ["night", "portals", "answered", *COUNTS], {"nights": found}
    else:
        night = request.args.get("night") or ""
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", night):
            known = await nights(database)
            night = known[0]["night"] if known else ""
        found = await visits(database, night)
        columns = ["portal_id", "name", "level", "division", "night", "state", *COUNTS, "seen_at"]
        body = {"night": night or None, "portals": found}
    if request.url_vars["format"] == "json":
        return json_response(body)
    return csv_response(found, columns)


@hookimpl
def register_routes():
    return [(r"^/coverage/(?P<what>nights|portals)\.(?P<format>json|csv)$", coverage_nights)]
