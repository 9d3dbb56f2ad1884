"""Which bodies have published for which years: by body, by province, by level, by portal."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlencode

from datasette import hookimpl
from markupsafe import Markup, escape

from .answers import (
    DATABASE,
    csv_response,
    first,
    json_response,
    page,
    refusal,
    remembered,
    rows,
)
from .divisions import PROVINCES, rows_in, whole_code
from .filters import among, any_text, read_division, read_filters, read_year
from .wording import WORDS

BODIES_PER_PAGE = 50
PORTALS_PER_PAGE = 50
LEVELS = WORDS["level"]
# A state, the sign for it in a square, what it means.
STATES = {
    "published": ("有", "在线"),
    "moved": ("迁", "已迁移，新址在线"),
    "suspect": ("疑", "疑似下线"),
    "vanished": ("下", "已下线，本站有存"),
    "image_only": ("图", "数字只见于图片或扫描件"),
    "unreadable": ("难", "见到而未能读出"),
    "blocked": ("拦", "网站拦截或不许抓取"),
    "needs_browser": ("浏", "需用浏览器才能读取"),
    "missing": ("缺", "应有而未见到"),
}
# With these the report is here and was read.
KEPT = ("published", "moved", "suspect", "vanished", "image_only")
LATE = {"late": ("迟", "逾期"), "very_late": ("迟+", "逾期超过两个月")}
GROUPS = {"province": "按地区", "level": "按层级", "portal": "按站点"}
# What a table of groups may be narrowed by, and read on from.
TAKEN_BY = {
    "province": ("by", "year"),
    "level": ("by", "year"),
    "portal": ("by", "year", "division", "after"),
}
# The share of bodies whose report is here, from which a square has its shade.
SHADES = ((1.0, 5), (0.9, 4), (0.75, 3), (0.5, 2), (0.0, 1))
COLUMNS = (
    "issuer_id", "name", "year", "state", "on_time", "published_on", "due_on", "report_id",
    "portal_id", "level", "division", "evidence",
)  # fmt: skip


def shade(kept, bodies):
    """The step from 0 (none) to 5 (all) of a share."""
    if not kept or not bodies:
        return 0
    return next(step for least, step in SHADES if kept >= least * bodies)


def percent(kept, bodies):
    """A share in whole per cent, rounded down, but never to nothing; None of none."""
    if not bodies:
        return None
    return max(100 * kept // bodies, 1 if kept else 0)


def no_portal(portal_id):
    return f"portal={portal_id}：没有这个站点。站点编号见 /coverage/health.json。"


FILTERS = {
    "by": among(GROUPS),
    "division": read_division,
    "level": among(LEVELS),
    "portal": any_text(100),
    "year": read_year,
    "state": among(STATES),
    "late": among(LATE),
    "name": any_text(60),
    "after": any_text(100),
}


def address(path, choice, **more):
    """The address of a page for a choice."""
    query = urlencode({name: value for name, value in {**choice, **more}.items() if value})
    return f"{path}?{query}" if query else path


def bodies_statement(choice):
    """SQL and parameters for the ids of the bodies of a page, one more than it holds.

    Every condition is an equality that an index answers in the order of the ids, so that a page
    reads on from the last one's end.
    """
    conditions, values = ["issuer_id > ?"], [choice["after"]]
    if choice["division"]:
        # The province is indexed.
        inside, codes = rows_in("coverage", choice["division"])
        conditions += ["province = ?", inside]
        values += [choice["division"][:2], *codes]
    for name, column in (("level", "level"), ("portal", "portal_id"), ("state", "state")):
        if choice[name]:
            conditions.append(f"{column} = ?")
            values.append(choice[name])
    if choice["late"]:
        conditions.append("on_time = ?")
        values.append(choice["late"])
    if choice["year"]:
        conditions.append("year = ?")
        values.append(int(choice["year"]))
    if choice["name"]:
        conditions.append("issuer_id in (select id from issuers where name >= ? and name < ?)")
        values += [choice["name"], choice["name"] + "\U0010ffff"]
    return (
        f"select distinct issuer_id from coverage where {' and '.join(conditions)} "
        f"order by issuer_id limit {BODIES_PER_PAGE + 1}",
        values,
    )


async def place_name(database, code):
    """The name of a division; its code where it has none here, nothing without one."""
    if not code or code in PROVINCES:
        return PROVINCES.get(code, "")
    found = await first(
        database, "select name from divisions where code = ? limit 1", whole_code(code)
    )
    return (found and found["name"]) or code


async def covered(database, ids):
    """The rows of bodies, with the body's name, in order of body and year."""
    return await rows(
        database,
        f"""
        select coverage.*, issuers.name from coverage
        join issuers on issuers.id = coverage.issuer_id
        where issuer_id in ({", ".join("?" * len(ids))}) order by issuer_id, year
        """,
        *ids,
    )


def square(row):
    """A row as a square: a link to its evidence with a sign, and, but for a plain one, in words.

    Made here and not in the template: a page has a thousand.
    """
    sign, words = STATES.get(row["state"], (row["state"][:1], row["state"]))
    kind, late = row["state"], LATE.get(row["on_time"])
    if late:
        words = f"{words}；{late[1]}：{row['published_on']} 发布，期限 {row['due_on']}"
        if kind == "published":
            kind, sign = row["on_time"], late[0]
    told = "" if kind == "published" else f' title="{escape(words)}"'
    return Markup(
        f'<a class="dot v-{escape(kind)}" href="{escape(row["evidence"])}"{told}>{escape(sign)}</a>'
    )


async def group_totals(database, by, code):
    """The numbers of bodies of a group by year and state, as the rows of coverage_totals."""
    return await rows(
        database,
        'select * from coverage_totals where "by" = ? and code = ? order by year, state',
        by,
        code,
    )


def by_year(totals):
    """Rows of coverage_totals as a line a year: bodies, how many are here, late, and by state."""
    lines = {}
    for row in totals:
        line = lines.setdefault(
            row["year"], {"year": row["year"], "bodies": 0, "kept": 0, "late": 0, "states": {}}
        )
        line["bodies"] += row["bodies"]
        line["late"] += row["late"]
        line["kept"] += row["bodies"] if row["state"] in KEPT else 0
        line["states"][row["state"]] = row["bodies"]
    for line in lines.values():
        line["percent"] = percent(line["kept"], line["bodies"])
    return [lines[year] for year in sorted(lines)]


def shares_statement(by, condition):
    """SQL for bodies due, reports here and late ones of the groups of a kind by year."""
    states = ", ".join(f"'{state}'" for state in KEPT)
    return f"""
        select code, year, sum(bodies) as bodies, sum(late) as late,
            sum(case when state in ({states}) then bodies else 0 end) as kept
        from coverage_totals where "by" = '{by}' and {condition}
        group by code, year order by code, year
        """


async def shares(database, by, since=0):
    """What `shares_statement` asks of every group, from a year on; kept a while."""
    return await remembered(database, shares_statement(by, f"year >= {int(since)}"))


def grid(found, names, years):
    """Shares as lines of cells, a line a group in the order of `names`; None: nothing is due."""
    known = {(line["code"], line["year"]): line for line in found}
    codes = {line["code"] for line in found}
    order = [code for code in names if code in codes] + sorted(codes - names.keys())
    lines = []
    for code in order:
        cells = []
        for year in years:
            line = known.get((code, year))
            cells.append(
                line
                and {
                    **line,
                    "percent": percent(line["kept"], line["bodies"]),
                    "shade": shade(line["kept"], line["bodies"]),
                }
            )
        lines.append({"code": code, "name": names.get(code) or code or "不详", "cells": cells})
    return lines


def years_of(lines):
    """All years from the first to the last."""
    known = [line["year"] for line in lines]
    return list(range(min(known), max(known) + 1)) if known else []


async def coverage(datasette, request):
    database = datasette.get_database(DATABASE)
    choice, faults = read_filters(request, FILTERS)
    form = request.url_vars.get("format")
    portal = choice["portal"]
    if portal and not await first(database, "select 1 from portals where id = ?", portal):
        faults.append(no_portal(portal))
        choice["portal"] = ""
    if choice["by"]:
        faults += not_by_group(choice)
    if form and faults:
        return refusal(form, "".join(faults))
    if choice["by"]:
        return await grouped(datasette, request, database, choice, faults)
    found = await rows(database, *_spread(bodies_statement(choice)))
    ids = [row["issuer_id"] for row in found]
    more, ids = len(ids) > BODIES_PER_PAGE, ids[:BODIES_PER_PAGE]
    lines = await covered(database, ids) if ids else []
    narrowed = [name for name in ("division", "level", "portal") if choice[name]]
    totals, of = None, ("all", "all")
    if not narrowed:
        totals = await group_totals(database, *of)
    elif len(narrowed) == 1 and (narrowed != ["division"] or len(choice["division"]) == 2):
        of = ({"division": "province"}.get(narrowed[0], narrowed[0]), choice[narrowed[0]])
        totals = await group_totals(database, *of)
    following = address(request.path, choice, after=ids[-1]) if more else None
    if form == "csv":
        return csv_response(lines, COLUMNS, following=following)
    if form == "json":
        return json_response(
            {
                "choice": {name: value for name, value in choice.items() if value},
                "totals": totals,
                "more": more,
                "next": following,
                "health": "/coverage/health.json",
                "bodies": await _records(database, ids, lines),
            }
        )
    # The last first: a phone shows no more than some of them at once.
    years = years_of([*(totals or []), *lines])[::-1]
    place = {year: number for number, year in enumerate(years)}
    bodies = {}
    for row in lines:
        known = {name: row[name] for name in ("issuer_id", "name", "level")}
        body = bodies.setdefault(row["issuer_id"], {**known, "cells": [""] * len(years)})
        body["cells"][place[row["year"]]] = square(row)
    return await page(
        datasette,
        request,
        "coverage.html",
        section="coverage",
        faults=faults,
        choice=choice,
        address=partial(address, "/coverage"),
        place=await place_name(database, choice["division"]),
        bodies=list(bodies.values()),
        years=years,
        totals=by_year(totals or []),
        total_of=_group_name(*of),
        next=following,
        states=STATES,
        late=LATE,
        provinces=PROVINCES,
        levels=LEVELS,
        groups=GROUPS,
        narrowed=any(choice[name] for name in choice if name not in ("by", "after")),
    )


async def _records(database, ids, lines):
    """Bodies with their years, and the state of each report that is here as reports tell it."""
    status = {
        row["id"]: row["status"]
        for row in await rows(
            database,
            f"select id, status from reports where issuer_id in ({', '.join('?' * len(ids))})",
            *ids,
        )
    }
    bodies = {}
    for row in lines:
        body = bodies.setdefault(
            row["issuer_id"],
            {
                "id": row["issuer_id"],
                "name": row["name"],
                "level": row["level"],
                "division": row["division"],
                "reports": {},
                "years": {},
            },
        )
        body["reports"][row["year"]] = status.get(row["report_id"])
        body["years"][row["year"]] = {
            name: row[name]
            for name in ("state", "on_time", "published_on", "due_on", "report_id", "evidence")
        }
    return list(bodies.values())


def _group_name(by, code):
    if by == "all":
        return "全部机关"
    return {"province": PROVINCES, "level": LEVELS}.get(by, {}).get(code) or code


def _spread(statement):
    sql, values = statement
    return sql, *values


def not_by_group(choice):
    """What a table of groups is not narrowed by, as sentences; the choice is without it after."""
    by, faults = choice["by"], []
    for name in choice.keys() - TAKEN_BY[by]:
        if choice[name]:
            faults.append(f"{name}={choice[name]}：{GROUPS[by]}合计（by={by}）不能以此筛选。")
            choice[name] = ""
    if len(choice["division"]) > 2:
        faults.append(f"division={choice['division']}：按站点合计（by=portal）只能选省级区划。")
        choice["division"] = ""
    return sorted(faults)


async def grouped(datasette, request, database, choice, faults):
    """The shares of provinces, levels or portals by year."""
    by, form, following = choice["by"], request.url_vars.get("format"), None
    if by == "portal":
        portals = await rows(
            database,
            "select portal_id, name from portal_health where portal_id > ? "
            + ("and province = ? " if choice["division"] else "")
            + f"order by portal_id limit {PORTALS_PER_PAGE + 1}",
            choice["after"],
            *([choice["division"]] if choice["division"] else []),
        )
        if len(portals) > PORTALS_PER_PAGE:
            portals = portals[:PORTALS_PER_PAGE]
            following = address(request.path, choice, after=portals[-1]["portal_id"])
        names = {portal["portal_id"]: portal["name"] for portal in portals}
        among = f"code in ({', '.join('?' * len(names))})"
        found = await rows(database, shares_statement("portal", among), *names)
    else:
        names = PROVINCES if by == "province" else LEVELS
        found = await shares(database, by)
    if choice["year"]:
        found = [line for line in found if line["year"] == int(choice["year"])]
    years = years_of(found)[::-1]
    lines = grid(found, names, years)
    if form == "csv":
        columns = ["by", "code", "name", "year", "bodies", "kept", "late"]
        return csv_response(
            (
                {**cell, "by": by, "name": line["name"]}
                for line in lines
                for cell in line["cells"]
                if cell
            ),
            columns,
            following=following,
        )
    if form == "json":
        return json_response(
            {
                "by": by,
                "next": following,
                "groups": [
                    {
                        "code": line["code"],
                        "name": line["name"],
                        "years": {
                            cell["year"]: {name: cell[name] for name in ("bodies", "kept", "late")}
                            for cell in line["cells"]
                            if cell
                        },
                    }
                    for line in lines
                ],
            }
        )
    return await page(
        datasette,
        request,
        "coverage.html",
        section="coverage",
        faults=faults,
        choice=choice,
        address=partial(address, "/coverage"),
        lines=lines,
        years=years,
        next=following,
        states=STATES,
        provinces=PROVINCES,
        levels=LEVELS,
        groups=GROUPS,
        filter={"province": "division", "level": "level", "portal": "portal"}[by],
    )


@hookimpl
def register_routes():
    return [(r"^/coverage(?:\.(?P<format>json|csv))?$", coverage)]
