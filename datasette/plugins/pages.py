"""The pages around the records: home, changes, coverage, data, about, and files for machines."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote
from weakref import WeakKeyDictionary

from datasette import Response, hookimpl
from datasette.views.base import DatasetteError

DATABASE = "nianbao"
MOST_CHANGES = 200
CHANGES_PER_PAGE = 100
# Older events than these pages hold are in the table: to count off more takes too long.
MOST_PAGES = 100
BODIES_PER_PAGE = 100
ADDRESSES_PER_SITEMAP = 10_000
MOST_NIGHTS = 366
NIGHTS_DRAWN = 30
FAR_ABOVE = 5
VISITS_SHOWN = 20
KINDS = {
    "new": "新见",
    "edited": "内容改动",
    "suspect": "疑似下线",
    "gone": "已下线",
    "moved": "已迁移",
    "back": "恢复在线",
}
ABSENCES = ("suspect", "gone", "moved", "back")
# Where the archive keeps events, what they are; to be doubted is no event but a state.
EVENTS = {
    "new": "新见",
    "edited": "内容改动",
    "vanished": "下线",
    "back": "恢复在线",
    "moved": "迁移",
}
# What feeds and links asked for before there was a table of events.
LEGACY = {"gone": "vanished"}
PROVINCES = {
    "11": "北京", "12": "天津", "13": "河北", "14": "山西", "15": "内蒙古", "21": "辽宁",
    "22": "吉林", "23": "黑龙江", "31": "上海", "32": "江苏", "33": "浙江", "34": "安徽",
    "35": "福建", "36": "江西", "37": "山东", "41": "河南", "42": "湖北", "43": "湖南",
    "44": "广东", "45": "广西", "46": "海南", "50": "重庆", "51": "四川", "52": "贵州",
    "53": "云南", "54": "西藏", "61": "陕西", "62": "甘肃", "63": "青海", "64": "宁夏",
    "65": "新疆", "71": "台湾", "81": "香港", "82": "澳门", "00": "中央",
}  # fmt: skip
EVENT_COLUMNS = (
    "kind", "at", "report_id", "version_id", "issuer_id", "issuer_name", "year", "title", "cells",
    "texts", "path", "from_version", "url", "days_since_publication", "sections",
)  # fmt: skip
# What a visit counts, and what the page draws of it: a column, its name, its unit.
COUNTS = (
    "requests", "bytes", "lists", "listed", "reports", "attachments", "new", "edited", "unchanged",
    "moved", "gone", "back", "blocked", "failed", "refused", "saved", "seconds",
)  # fmt: skip
DRAWN = (("requests", "请求", "次"), ("new", "新见年报", "份"), ("edited", "改动", "份"))
# What operators and researchers look through: a name, the table with its conditions, what it is.
# By rule, findings come from their index; by version SQLite walks millions of them.
PROBLEMS = (
    ("核验不成立", "findings?verdict=fail&_sort=rule", "原文如此、本站读取有误或责任未定"),
    ("本站读取有误", "findings?verdict=fail&blame=parser&_sort=rule", "两种读法不合，应以原件为准"),
    ("责任未定", "findings?verdict=fail&blame=undecided&_sort=rule", "尚不能断定是原文还是读取"),
    ("另有解释", "findings?verdict=explained&_sort=rule", "换一种读法即成立"),
    ("未用内容", "unused?kind=number", "文件表格中有而读取程序没有采用的数字"),
    ("表外行", "extras?position=1", "有表式之外的行的版本，每版列出第一行"),
    ("粘连难分", "cell_notes?state=ambiguous", "数字粘连，无法确定属于哪一格"),
    ("不可读", "cell_notes?state=unreadable", "扫描件或图片中无法读出的格"),
    ("识别存疑", "cell_notes?state=ocr&confidence__lt=0.6", "识别得出而把握不足的格"),
    ("存疑的年报", "versions?flags__notblank=1", "疑似仿冒，或年度、机关前后不一"),
    ("未能读取", "sightings?reason__notblank=1", "见到而不是年报，或未能读取，附原因"),
    ("损坏的记录", "damages?_sort=warc_file", "存档文件中无法读出或核对不符的记录，附位置与原因"),
    ("更正", "corrections?_sort=number", "人工复核所得，附注于机器所读之旁"),
    ("旧网址", "redirects?_sort=path", "曾经公开、如今由别处接替或已撤下的网址"),
)
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


async def rows(database, sql, *parameters):
    return [dict(row) for row in (await database.execute(sql, parameters)).rows]


def page_number(request):
    text = request.args.get("page") or "1"
    return int(text) if re.fullmatch(r"[1-9]\d{0,4}", text) else 1


async def page(datasette, request, template, **context):
    return Response.html(await datasette.render_template(template, context, request=request))


def json_response(body):
    text = json.dumps(body, ensure_ascii=False, indent=1)
    return Response(text, content_type="application/json; charset=utf-8")


def csv_response(lines, columns):
    """The lines as CSV, the columns in the order given; what else a line holds is left out."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(lines)
    return Response(out.getvalue(), content_type="text/csv; charset=utf-8")


# A snapshot does not change; a new one is noticed within this many seconds.
REMEMBERED_FOR = 300
MEMORY = WeakKeyDictionary()


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


# --- changes ----------------------------------------------------------------------------------


async def first_sights(database, limit):
    return await rows(
        database,
        """
        select 'new' as kind, reports.first_seen as at, reports.id as report_id,
            reports.current_version as version_id, issuers.id as issuer_id,
            issuers.name as issuer_name, reports.year, reports.title, 0 as cells
        from reports join issuers on issuers.id = reports.issuer_id
        order by reports.first_seen desc, reports.id limit ?
        """,
        limit,
    )


async def edits(database, limit):
    """Versions that took another's place: what a second address shows otherwise is no edit."""
    return await rows(
        database,
        """
        select 'edited' as kind, versions.first_seen as at, reports.id as report_id,
            versions.id as version_id, issuers.id as issuer_id, issuers.name as issuer_name,
            reports.year, versions.title, versions.number,
            (select count(*) from changes where to_version = versions.id
                and from_version = versions.replaces and field is not null) as cells,
            (select count(*) from changes where to_version = versions.id
                and from_version = versions.replaces and field is null) as texts
        from versions join reports on reports.id = versions.report_id
        join issuers on issuers.id = reports.issuer_id
        where versions.replaces is not null
        order by versions.first_seen desc, versions.id limit ?
        """,
        limit,
    )


async def absences(database, kinds, limit):
    """Reports of these states, at the moment the archive first saw them so."""
    return await rows(
        database,
        f"""
        select reports.status as kind, reports.id as report_id,
            reports.current_version as version_id, issuers.id as issuer_id,
            issuers.name as issuer_name, reports.year, reports.title, 0 as cells,
            reports.last_seen,
            coalesce(
                case when reports.status = 'back' then
                    (select min(seen_at) from sightings where report_id = reports.id
                        and role = 'page' and verdict in ('ok', 'not_modified') and seen_at >
                        (select max(seen_at) from sightings where report_id = reports.id
                            and role = 'page' and verdict not in ('ok', 'not_modified')))
                else
                    (select min(seen_at) from sightings where report_id = reports.id
                        and role = 'page' and verdict not in ('ok', 'not_modified')
                        and seen_at > reports.last_seen)
                end,
                reports.last_seen) as at
        from reports join issuers on issuers.id = reports.issuer_id
        where reports.status in ({", ".join("?" * len(kinds))})
        order by at desc, reports.id limit ?
        """,
        *kinds,
        limit,
    )


async def has_table(database, name):
    found = await rows(database, "select 1 from sqlite_master where name = ?", name)
    return bool(found)


async def kept_events(database, kinds, limit, offset=0):
    """What the archive's table of events tells, newest first; `repeats` counts the same before.

    An edit has how many cells, chapters and other passages differ from the version before.
    """
    newest = "order by at desc, report_id desc, position desc limit"
    chosen = "events" if not kinds else "(select * from events where kind = ?)"
    if len(kinds) > 1:
        # One walk of an index for each kind: of all kinds together, the rare ones lie far apart.
        one = f"select * from (select * from events where kind = ? {newest} {offset + limit})"
        chosen = f"({' union all '.join([one] * len(kinds))})"
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
        *kinds,
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
            before, after = (
                event[key].rsplit("/", 1)[-1] for key in ("from_version", "version_id")
            )
            event["compare"] = f"/r/{event['version_id']}#change-{before}-{after}"
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


async def recent(database, kind=None, limit=MOST_CHANGES):
    """What happened to reports, newest first, of one kind or of all."""
    events = []
    if kind in (None, "new"):
        events += await first_sights(database, limit)
    if kind in (None, "edited"):
        events += await edits(database, limit)
    if kind not in ("new", "edited"):
        events += await absences(database, (kind,) if kind else ABSENCES, limit)
    return in_order(events)[:limit]


def in_order(events):
    """Events newest first, each with its Chinese word and the page that shows it."""
    for event in events:
        event["word"] = KINDS.get(event["kind"], event["kind"])
        pinned = event["kind"] == "edited" and event["version_id"]
        event["path"] = "/r/" + (event["version_id"] if pinned else event["report_id"])
    return sorted(events, key=lambda event: (event["at"] or "", event["report_id"]), reverse=True)


async def events_page(database, kind, number, size):
    """A page of what happened, `more` with another after it; of one kind where one is given."""
    if kind != "suspect" and await has_table(database, "events"):
        kinds = (LEGACY.get(kind, kind),) if kind else ()
        if number > MOST_PAGES:
            return [], False
        events = await kept_events(database, kinds, size + 1, (number - 1) * size)
        return events[:size], len(events) > size and number < MOST_PAGES
    # An archive that keeps no events: what its reports and versions tell, the newest only.
    events = await recent(database, kind if kind in KINDS else None)
    start = (number - 1) * size
    return events[start : start + size], len(events) > start + size


async def changes(datasette, request):
    database = datasette.get_database(DATABASE)
    kinds = EVENTS | {"suspect": KINDS["suspect"]} if await has_table(database, "events") else KINDS
    kind = request.args.get("kind")
    kind = kind if kind in {**KINDS, **EVENTS} else None
    number = page_number(request)
    events, more = await events_page(database, kind, number, CHANGES_PER_PAGE)
    if request.url_vars.get("format") == "json":
        body = {"kind": kind, "page": number, "more": more, "count": len(events)}
        return json_response({**body, "changes": events})
    if request.url_vars.get("format") == "csv":
        return csv_response(events, EVENT_COLUMNS)
    return await page(
        datasette,
        request,
        "changes.html",
        section="changes",
        events=events,
        kind=LEGACY.get(kind, kind) if "vanished" in kinds else kind,
        kinds=kinds,
        page=number,
        more=more,
        last=number >= MOST_PAGES,
    )


async def atom(datasette, request):
    """The feed of what happened; of one kind where it is asked for, under an id of its own."""
    kind = request.args.get("kind")
    kind = kind if kind in {**KINDS, **EVENTS} else None
    events, _ = await events_page(datasette.get_database(DATABASE), kind, 1, 100)
    for event in events:
        event["url"] = datasette.absolute_url(
            request, quote(event.get("compare") or event["path"], safe="/-~._%#")
        )
        event.setdefault("tag", old_tag(event))
    text = await datasette.render_template(
        "changes.atom",
        {
            "events": events,
            "kind": kind,
            "updated": max((event["at"] or "" for event in events), default="")
            or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "home": datasette.absolute_url(request, "/"),
            "itself": datasette.absolute_url(
                request, "/changes.atom" + (f"?kind={kind}" if kind else "")
            ),
        },
        request=request,
    )
    return Response(text, content_type="application/atom+xml; charset=utf-8")


def old_tag(event):
    """The name in feeds of an event that the archive keeps no row of."""
    name = {"edited": event["version_id"], "new": event["report_id"]}.get(
        event["kind"], f"{event['report_id']}/{event['at']}"
    )
    return "tag:nianbao,2026:" + quote(f"{event['kind']}/{name}", safe="/-._~:")


# --- overview ---------------------------------------------------------------------------------


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
    if await has_table(database, "events"):
        events = await kept_events(database, ("edited", "vanished", "back", "moved"), 10)
        newest = await kept_events(database, ("new",), 10)
    else:
        newest = in_order(await first_sights(database, 10))
        found = [*await edits(database, 10), *await absences(database, ABSENCES, 10)]
        events = in_order(found)[:10]
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


# --- coverage ---------------------------------------------------------------------------------


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
    if not await has_table(database, "segments") or not await has_table(database, "damages"):
        return None
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


async def coverage(datasette, request):
    database = datasette.get_database(DATABASE)
    division = request.args.get("division") or ""
    division = division if re.fullmatch(r"\d{2,6}", division) else ""
    number = page_number(request)
    bodies = await rows(
        database,
        """
        select id, name, level, division from issuers where division like ? || '%'
        or (? = '' and division is null)
        order by division, name limit ? offset ?
        """,
        division,
        division,
        BODIES_PER_PAGE + 1,
        (number - 1) * BODIES_PER_PAGE,
    )
    more, bodies = len(bodies) > BODIES_PER_PAGE, bodies[:BODIES_PER_PAGE]
    reports = await rows(
        database,
        f"""
        select id, issuer_id, year, status, form from reports
        where issuer_id in ({", ".join("?" * len(bodies))})
        """,
        *(body["id"] for body in bodies),
    )
    by_year = await remembered(
        database,
        """
        select year, count(*) as reports, sum(status in ('gone', 'suspect')) as absent
        from reports group by year order by year
        """,
    )
    found = {(report["issuer_id"], report["year"]): report for report in reports}
    shown = [line["year"] for line in by_year]
    years = list(range(min(shown), max(shown) + 1)) if shown else []
    grid = [
        {**body, "cells": [(year, found.get((body["id"], year))) for year in years]}
        for body in bodies
    ]
    # The nights are told once, where all bodies begin.
    known_nights = await nights(database) if number == 1 and not division else []
    last_night = known_nights[0] if known_nights else None
    kept = await holdings(database) if number == 1 and not division else None
    visited = await visits(database, last_night["night"]) if last_night else []
    if request.url_vars.get("format") == "json":
        return json_response(
            {
                "years": by_year,
                "nights": known_nights,
                "last_night": visited,
                "holdings": kept,
                "page": number,
                "more": more,
                "bodies": [
                    {
                        **{key: value for key, value in line.items() if key != "cells"},
                        "reports": {
                            year: report and report["status"] for year, report in line["cells"]
                        },
                    }
                    for line in grid
                ],
            }
        )
    if request.url_vars.get("format") == "csv":
        lines = [
            {**line, **{year: report and report["status"] for year, report in line["cells"]}}
            for line in grid
        ]
        return csv_response(lines, ["id", "name", "level", "division", *years])
    provinces = await remembered(
        database,
        """
        select substr(division, 1, 2) as code, count(*) as bodies from issuers
        where division is not null group by 1 order by 1
        """,
    )
    return await page(
        datasette,
        request,
        "coverage.html",
        section="coverage",
        years=years,
        by_year={line["year"]: line for line in by_year},
        grid=grid,
        division=division,
        provinces=[
            {**line, "name": PROVINCES.get(line["code"], line["code"])} for line in provinces
        ],
        page=number,
        more=more,
        night=last_night,
        charts=night_charts(known_nights),
        visits=visited[:VISITS_SHOWN],
        kept=kept,
    )


async def data(datasette, request):
    database = datasette.get_database(DATABASE)
    known = datasette.metadata("tables", database=DATABASE, fallback=False) or {}
    hidden = set(await database.hidden_table_names())
    names = [
        name
        for name in [*await database.table_names(), *await database.view_names()]
        if name not in hidden and not name.startswith(("search_", "sqlite_"))
    ]
    names.sort(key=lambda name: (list(known).index(name) if name in known else 999, name))
    counts = await database.table_counts(100)
    problems = [line for line in PROBLEMS if line[1].split("?")[0] in names]
    tables = []
    for name in names:
        described = known.get(name, {})
        about = described.get("columns", {})
        columns = [(column, about.get(column, "")) for column in await database.table_columns(name)]
        tables.append(
            {
                "name": name,
                "title": described.get("title") or "",
                "description": described.get("description") or "",
                "count": counts.get(name),
                "columns": columns,
            }
        )
    if request.url_vars.get("format") == "json":
        return json_response(
            {
                "tables": [{**table, "columns": dict(table["columns"])} for table in tables],
                "problems": [
                    {"name": name, "path": f"/{DATABASE}/{address}", "description": about}
                    for name, address, about in problems
                ],
            }
        )
    if request.url_vars.get("format") == "csv":
        lines = [
            {"table": table["name"], "column": column, "description": described}
            for table in tables
            for column, described in table["columns"]
        ]
        return csv_response(lines, ["table", "column", "description"])
    return await page(
        datasette, request, "data.html", section="data", tables=tables, problems=problems
    )


async def about(datasette, request):
    settings = datasette.plugin_config("nianbao") or {}
    return await page(
        datasette,
        request,
        "about.html",
        section="about",
        contact=settings.get("contact") or "",
        totals=await totals(datasette.get_database(DATABASE)),
    )


# --- for machines -----------------------------------------------------------------------------


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
                    datasette.absolute_url(request, quote(path, safe="/-~._%")),
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
        (r"^/(?:(?:index)?\.(?P<format>json|csv))?$", home),
        (r"^/changes(?:\.(?P<format>json|csv))?$", changes),
        (r"^/changes\.atom$", atom),
        (r"^/coverage(?:\.(?P<format>json|csv))?$", coverage),
        (r"^/coverage/(?P<what>nights|portals)\.(?P<format>json|csv)$", coverage_nights),
        (r"^/data(?:\.(?P<format>json|csv))?$", data),
        (r"^/about$", about),
        (r"^/robots\.txt$", robots),
        (r"^/sitemap(?:-(?P<part>\d{1,5}))?\.xml$", sitemap),
    ]
