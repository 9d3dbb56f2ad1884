"""Which bodies have published for which years."""

from __future__ import annotations

import re

from datasette import hookimpl

from .answers import DATABASE, csv_response, json_response, page, page_number, remembered, rows
from .health import VISITS_SHOWN, holdings, night_charts, nights, visits

BODIES_PER_PAGE = 100
PROVINCES = {
    "11": "北京", "12": "天津", "13": "河北", "14": "山西", "15": "内蒙古", "21": "辽宁",
    "22": "吉林", "23": "黑龙江", "31": "上海", "32": "江苏", "33": "浙江", "34": "安徽",
    "35": "福建", "36": "江西", "37": "山东", "41": "河南", "42": "湖北", "43": "湖南",
    "44": "广东", "45": "广西", "46": "海南", "50": "重庆", "51": "四川", "52": "贵州",
    "53": "云南", "54": "西藏", "61": "陕西", "62": "甘肃", "63": "青海", "64": "宁夏",
    "65": "新疆", "71": "台湾", "81": "香港", "82": "澳门", "00": "中央",
}  # fmt: skip


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


@hookimpl
def register_routes():
    return [(r"^/coverage(?:\.(?P<format>json|csv))?$", coverage)]
