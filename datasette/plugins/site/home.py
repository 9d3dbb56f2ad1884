"""The front page: what there is, what it adds up to, and what happened last."""

from __future__ import annotations

from datasette import hookimpl

from .answers import DATABASE, csv_response, first, json_response, page, remembered, rows
from .coverage import PROVINCES, grid, shares, years_of
from .events import EVENT_COLUMNS, kept_events
from .health import counts

# So many years of the grid: all of them are on /coverage?by=province.
YEARS_SHOWN = 10
# A grid longer than this stands in two columns.
LONG = 16
EVENTS_SHOWN = 6
# More than this many events of a night are not counted off.
MOST_COUNTED = 1000
TOLD = (("new", "新见"), ("edited", "内容改动"), ("vanished", "下线"))
# What is drawn of the sums: a heading, a note, and the fields with their names. The forms of 2019
# and 2021 share these keys; the statistics of 2014 to 2018 counted otherwise and stand apart.
FIGURES = (
    (
        "requests",
        "依申请公开（件）",
        "2019 与 2021 年表式口径相同，可以相比",
        (
            ("requests.received_new.total", "新收申请"),
            ("requests.concluded_total.total", "办理结果总计"),
            ("requests.granted.total", "予以公开"),
            ("requests.granted_partial.total", "部分公开"),
        ),
    ),
    (
        "disputes",
        "行政复议与行政诉讼（件）",
        "2019 与 2021 年表式口径相同，可以相比",
        (
            ("disputes.review.total", "行政复议"),
            ("disputes.litigation_direct.total", "直接起诉"),
            ("disputes.litigation_after_review.total", "复议后起诉"),
        ),
    ),
    (
        "stats2014",
        "2018 年及以前（件）",
        "2014 年统计表，口径与以后不同，不可相连",
        (
            ("stats2014.requests.received", "收到申请"),
            ("stats2014.requests.concluded", "申请办结"),
            ("stats2014.review.total", "行政复议"),
            ("stats2014.litigation.total", "行政诉讼"),
        ),
    ),
)
ASKED = tuple(key for *_, fields in FIGURES for key, _ in fields)


async def totals(database):
    """How much there is, and the last night on which a portal answered."""
    known = await counts(database)
    last = await first(database, "select max(night) as night from nights where answered > 0")
    names = ("reports", "issuers", "versions", "portals", "edits", "absent")
    return {name: known.get(name, 0) for name in names} | {"last_night": last["night"]}


async def national(database):
    """The sums of FIGURES by year, a table each, with the most bodies that any of them adds up."""
    places = ", ".join("?" * len(ASKED))
    found = {
        (row["field"], row["year"]): row
        for row in await rows(database, f"select * from national where field in ({places})", *ASKED)
    }
    tables = []
    for name, heading, note, fields in FIGURES:
        years = years_of([row for (key, _), row in found.items() if key in dict(fields)])
        lines = [(year, [found.get((key, year)) for key, _ in fields]) for year in years]
        tables.append(
            {
                "name": name,
                "heading": heading,
                "note": note,
                "fields": fields,
                "rows": [
                    (year, [row and row["total"] for row in numbers]) for year, numbers in lines
                ],
                "bodies": [
                    (year, max((row["bodies"] for row in numbers if row), default=0))
                    for year, numbers in lines
                ],
            }
        )
    return [table for table in tables if table["rows"]]


async def last_events(database, night):
    """The newest events of each kind of TOLD, and how many there were on the last night."""
    told = []
    for kind, words in TOLD:
        found = await kept_events(database, (kind,), EVENTS_SHOWN)
        count = 0
        if night:
            line = await first(
                database,
                "select count(*) as count from "
                # What is seen before 08:00 in Beijing has the day before in UTC.
                "(select 1 from events where kind = ? and at >= date(?, '-1 day') "
                "and night = ? limit ?)",
                kind,
                night,
                night,
                MOST_COUNTED,
            )
            count = line["count"]
        told.append({"kind": kind, "words": words, "events": found, "count": count})
    return told


async def home(datasette, request):
    database = datasette.get_database(DATABASE)
    known = await totals(database)
    last = await first(database, "select max(night) as night from nights")
    told = await last_events(database, last["night"])
    form = request.url_vars.get("format")
    if form == "csv":
        all_events = [event for line in told for event in line["events"]]
        return csv_response(
            sorted(all_events, key=lambda event: event["at"] or "", reverse=True), EVENT_COLUMNS
        )
    sums = await national(database)
    latest = await remembered(
        database, "select max(year) as year from coverage_totals where \"by\" = 'all'"
    )
    newest_year = latest[0]["year"] or 0
    found = await shares(database, "province", newest_year - YEARS_SHOWN + 1)
    years = years_of(found)
    lines = grid(found, PROVINCES, years)
    if form == "json":
        return json_response(
            {
                "totals": known,
                "last_night": last["night"],
                "events": {
                    line["kind"]: {"count": line["count"], "events": line["events"]}
                    for line in told
                },
                "coverage": found,
                "national": [
                    {
                        "field": key,
                        "name": words,
                        "years": {year: numbers[place] for year, numbers in table["rows"]},
                    }
                    for table in sums
                    for place, (key, words) in enumerate(table["fields"])
                ],
            }
        )
    example = next((line["events"][0] for line in told if line["events"]), None)
    half = -(-len(lines) // 2) if len(lines) > LONG else len(lines)
    return await page(
        datasette,
        request,
        "home.html",
        section="home",
        totals=known,
        night=last["night"],
        told=told,
        most=MOST_COUNTED,
        years=years,
        halves=[part for part in (lines[:half], lines[half:]) if part],
        national=sums,
        example=example,
    )


@hookimpl
def register_routes():
    return [(r"^/(?:(?:index)?\.(?P<format>json|csv))?$", home)]
