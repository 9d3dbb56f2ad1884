"""The page of a body: its reports by year, its names, what is above and below it."""

from __future__ import annotations

import re

from datasette import hookimpl
from datasette.views.base import DatasetteError

from .answers import DATABASE, csv_response, first, in_one_go, json_response, page, rows, unquoted
from .record import MOST_ROWS, parent_of

MOST_BELOW = 100
MOST_YEARS = 100
# What the table `coverage` says of a report published after its day.
LATE = ("late", "very_late")


# What the charts of a body show: for each base its series, a name and the cells that are added up.
# Before 2019 applications were counted by another form, on another base.
SINCE_2019, BEFORE_2019 = "2019 年起的表式", "2014 年统计表（2018 年度及以前）"
DENIED = (
    "state_secret", "law_prohibited", "security_stability", "third_party", "internal_affairs",
    "deliberative", "enforcement_file", "admin_query",
)  # fmt: skip
NOT_PROCESSED = ("petition", "repeat", "publication", "excessive", "reconfirm")
CHARTS = (
    (
        "依申请公开：收到与结转",
        {
            BEFORE_2019: {
                "收到申请": (("stats2014.requests.received",),),
            },
            SINCE_2019: {
                "收到申请": (("requests.received_new.total",),),
                "上年结转": (("requests.carried_in.total",),),
                "结转下年": (("requests.carried_out.total",),),
            },
        },
    ),
    (
        "办理结果",
        {
            SINCE_2019: {
                "予以公开": (("requests.granted.total",),),
                "部分公开": (("requests.granted_partial.total",),),
                "不予公开": (tuple(f"requests.denied_{row}.total" for row in DENIED),),
                "无法提供": (
                    tuple(
                        f"requests.unavailable_{row}.total"
                        for row in ("not_held", "needs_creation", "unclear")
                    ),
                ),
                "不予处理": (
                    tuple(f"requests.not_processed_{row}.total" for row in NOT_PROCESSED),
                ),
                # One cell of the form of 2019, three of that of 2021.
                "其他处理": (
                    ("requests.other.total",),
                    tuple(
                        f"requests.other_{row}.total"
                        for row in ("not_corrected", "fee_unpaid", "misc")
                    ),
                ),
            },
        },
    ),
    (
        "办理结果（2018 年度及以前的口径）",
        {
            BEFORE_2019: {
                "属于已主动公开": (("stats2014.requests.already_public",),),
                "同意公开": (("stats2014.requests.granted",),),
                "同意部分公开": (("stats2014.requests.granted_partial",),),
                "不同意公开": (("stats2014.requests.denied",),),
                "不属于本机关": (("stats2014.requests.not_this_body",),),
                "信息不存在": (("stats2014.requests.not_exist",),),
            },
        },
    ),
    (
        "行政复议与行政诉讼",
        {
            BEFORE_2019: {
                "行政复议": (("stats2014.review.total",),),
                "行政诉讼": (("stats2014.litigation.total",),),
            },
            SINCE_2019: {
                "行政复议": (("disputes.review.total",),),
                "行政诉讼": (
                    ("disputes.litigation_direct.total", "disputes.litigation_after_review.total"),
                ),
                "复议结果纠正": (("disputes.review.corrected",),),
                "诉讼结果纠正": (
                    (
                        "disputes.litigation_direct.corrected",
                        "disputes.litigation_after_review.corrected",
                    ),
                ),
            },
        },
    ),
)
CHARTED = tuple(
    dict.fromkeys(
        key.replace(".", "__")
        for _, bases in CHARTS
        for series in bases.values()
        for ways in series.values()
        for cells in ways
        for key in cells
    )
)


def added(figures, ways):
    """The sum of cells of a row of figures, by the first way of which all are numbers, or None."""
    for cells in ways:
        amounts = [figures.get(key.replace(".", "__")) for key in cells]
        if None not in amounts:
            return sum(amounts)
    return None


def charts(figures):
    """The drawings of a body's figures over the years, {year: row of figures}: for each a title,
    the names of its series, and for each base its years with their amounts."""
    drawn = []
    for title, bases in CHARTS:
        columns = list(dict.fromkeys(name for series in bases.values() for name in series))
        parts = []
        for base, series in bases.items():
            lines = [
                (
                    year,
                    [
                        (added(row, series[name]) if name in series else None, False)
                        for name in columns
                    ],
                )
                for year, row in sorted(figures.items())
                if (row["form"] == "stats2014") == (base == BEFORE_2019)
            ]
            lines = [line for line in lines if any(amount is not None for amount, _ in line[1])]
            if lines:
                parts.append((base, lines))
        told = [
            i
            for i in range(len(columns))
            if any(points[i][0] is not None for _, lines in parts for _, points in lines)
        ]
        if sum(len(lines) for _, lines in parts) > 1:
            drawn.append(
                {
                    "title": title,
                    "x": "年度",
                    "columns": [columns[i] for i in told],
                    "parts": [
                        (base, [(year, [points[i] for i in told]) for year, points in lines])
                        for base, lines in parts
                    ],
                }
            )
    return drawn


async def place_of(database, code):
    """The division of a code and those it lies in, the widest first."""
    steps = {}
    while code not in steps:
        division = await first(database, "select * from divisions where code = ?", code)
        if division is None:
            break
        steps[code] = division
        code = division["parent"]
    return list(steps.values())[::-1]


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
    # Where few have a body above, SQLite holds the index to be of no use.
    below = await rows(
        database,
        f"""
        select id, name, kind from issuers where unlikely(parent_id = ?) and id <> ?
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
        "place": await place_of(database, issuer.get("place_code") or issuer["division"]),
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
    around = await in_one_go(database, lambda session: around_body(session, issuer))
    known = await rows(
        database, "select * from coverage where issuer_id = ? order by year desc", issuer_id
    )
    if form == "json":
        body = {"issuer": issuer, "parent": parent, "portal": portal, **around}
        return json_response({**body, "reports": reports, "coverage": known})
    if form == "csv":
        columns = (
            "id", "year", "title", "form", "status", "versions", "failed", "numbers_read",
            "received_new", "published_on", "url", "first_seen", "last_seen", "scope", "flags",
        )  # fmt: skip
        return csv_response(reports, columns, f"{issuer_id}.csv", bool(request.args.get("bom")))
    by_year = {report["year"]: report for report in reports}
    covered = {line["year"]: line for line in known}
    every = by_year.keys() | covered.keys()
    years = range(max(every), min(every) - 1, -1) if every else ()
    figures = await rows(
        database,
        f"""
        select reports.year, reports.form, {", ".join(f"figures.{name}" for name in CHARTED)}
        from reports join figures on figures.version_id = reports.current_version
        where issuer_id = ? limit {MOST_YEARS}
        """,
        issuer_id,
    )
    return await page(
        datasette,
        request,
        "issuer.html",
        issuer=issuer,
        parent=parent,
        portal=portal,
        **around,
        most_below=MOST_BELOW,
        years=[(year, by_year.get(year), covered.get(year)) for year in years],
        missing=[line for line in known if line["report_id"] is None and not is_withdrawn(line)],
        withdrawn={line["year"] for line in known if is_withdrawn(line)},
        late=[line for line in known if line["on_time"] in LATE],
        due=len(known),
        charts=charts({row["year"]: row for row in figures}),
    )


def is_withdrawn(line):
    """Does a row of coverage tell of a report that is here no longer? Its page says why."""
    return line["report_id"] is None and bool(
        re.fullmatch(r"/r/[^/]+/\d{4}", line["evidence"] or "")
    )


@hookimpl
def register_routes():
    return [(r"^/r/(?P<issuer>[^/]+?)(?:\.(?P<format>json|csv))?(?<!\.atom)$", issuer_page)]
