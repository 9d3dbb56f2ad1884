"""What differs between two versions of a report, or between a body's reports of two years."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import unquote

from datasette import Response, hookimpl
from datasette.views.base import DatasetteError

from .answers import (
    DATABASE,
    address_of,
    csv_refusal,
    csv_response,
    first,
    json_response,
    last_part,
    page,
    rows,
    unquoted,
)
from .differences import TABLES, Effort, cell_differences, shown_chapters, text_differences
from .names import gone, record_lead, what_is_known
from .record import all_fields, asked_version

# Of the text of a version as much is compared, in characters; nothing printed comes near it.
MOST_COMPARED = 200_000
# Of both texts a page shows as much; JSON has all that was compared.
MOST_SHOWN = 24_000
MOST_CHOICES = 200
CSV_COLUMNS = (
    "kind", "key", "zh", "change", "before", "before_state", "after", "after_state", "difference",
)  # fmt: skip
ASPECTS = ("title", "published_on", "form", "media_type")


class Lost(Exception):
    """An address names what is not here; what answers in its place, as a response."""

    def __init__(self, response):
        super().__init__()
        self.response = response


async def placed(datasette, request, issuer, year, digest):
    """The version an address means, wherever it is now; Lost with a 410 where it is gone."""
    database = datasette.get_database(DATABASE)
    try:
        return (await asked_version(database, f"{issuer}/{year}", digest))[1]
    except DatasetteError:
        path, status, reason = await record_lead(database, issuer, year, digest)
        if path is None and status == 410:
            known = await what_is_known(database, issuer, year, digest)
            raise Lost(await gone(datasette, request, "", reason, known)) from None
        if path is None:
            raise
    home, _, name = path.rpartition("/")
    report_id, name = (path, "") if path.count("/") == 1 else (home, name)
    return (await asked_version(database, report_id, name))[1]


async def side_of(database, version):
    """One side of a comparison; `cut` where its text is longer than what is compared."""
    version_id = version["id"]
    figures = await first(database, "select * from figures where version_id = ?", version_id)
    notes = await rows(database, "select * from cell_notes where version_id = ?", version_id)
    sections = await rows(
        database,
        f"""
        select number, heading, substr(text, 1, {MOST_COMPARED + 1}) as text
        from sections where version_id = ? order by number limit 100
        """,
        version_id,
    )
    left = MOST_COMPARED
    cut = False
    for section in sections:
        text = section["text"] or ""
        cut = cut or len(text) > left
        section["text"] = text[:left]
        left -= len(section["text"])
    report = await first(
        database,
        """
        select reports.id, reports.year, reports.current_version, issuers.id as issuer_id,
            issuers.name as issuer_name
        from reports left join issuers on issuers.id = issuer_id where reports.id = ?
        """,
        version["report_id"],
    )
    return {
        "version": version,
        "report": report,
        "figures": figures or {},
        "notes": {note["field"]: note for note in notes},
        "sections": sections,
        "cut": cut,
    }


async def other_differences(database, before, after):
    """Title, date, form and medium where they differ, and what the archive noted of the pair
    besides: links, attachments, content that was not read as text."""
    found = [
        {"aspect": name, "before": before[name], "after": after[name]}
        for name in ASPECTS
        if before[name] != after[name]
    ]
    for one, other, turned in ((before, after, False), (after, before, True)):
        noted = await rows(
            database,
            """
            select aspect, before, after from changes
            where to_version = ? and from_version = ? and aspect is not null order by position
            """,
            other["id"],
            one["id"],
        )
        if noted:
            for row in noted:
                if turned:
                    row["before"], row["after"] = row["after"], row["before"]
                if row["aspect"] not in ASPECTS:
                    found.append(row)
            break
    return found


def csv_lines(cells, chapters, others):
    """A line for each cell, each passage of the other kinds, and each paragraph."""
    for cell in cells:
        before, after = cell["before"], cell["after"]
        yield {
            "kind": "cell",
            "key": cell["key"],
            "zh": cell["zh"],
            "change": "changed" if cell["changed"] else "same",
            "before": before["value"] if before["value"] is not None else before["printed"],
            "before_state": before["state"],
            "after": after["value"] if after["value"] is not None else after["printed"],
            "after_state": after["state"],
            "difference": cell["difference"],
        }
    for other in others:
        line = {"kind": "aspect", "key": other["aspect"], "change": "changed"}
        yield {**line, "before": other["before"], "after": other["after"]}
    for chapter in chapters:
        for line in chapter["lines"]:
            yield {
                "kind": "text",
                "key": f"section-{chapter['number']}",
                "zh": chapter["name"],
                "change": line["change"],
                "before": line["before"],
                "after": line["after"],
            }


async def choices(database, issuer, year):
    """What can be compared with each other: the versions of a report, the years of its body."""
    versions = await rows(
        database,
        "select id, number, first_seen from versions where report_id = ? "
        f"order by number desc limit {MOST_CHOICES}",
        f"{issuer}/{year}",
    )
    for version in versions:
        version["digest"] = last_part(version["id"])
    years = await rows(
        database,
        "select year from reports where issuer_id = ? order by year desc limit 100",
        issuer,
    )
    return {"versions": versions, "years": [row["year"] for row in years]}


async def comparison(datasette, request):
    database = datasette.get_database(DATABASE)
    issuer, year = unquoted(request, "issuer"), request.url_vars["year"]
    one, other = (request.url_vars.get(name) for name in ("digest", "other"))
    form = request.url_vars.get("format")
    try:
        names = ((year, one), (year, other)) if one else ((year, ""), (other, ""))
        before, after = [
            await placed(datasette, request, issuer, when, name.lower()) for when, name in names
        ]
    except Lost as lost:
        return lost.response
    homes = [version["report_id"].rpartition("/") for version in (before, after)]
    path = None
    if one and before["report_id"] == after["report_id"]:
        path = f"/r/{address_of(before['id'])}/diff/{last_part(after['id'])}"
    elif not one and homes[0][0] == homes[1][0]:
        path = f"/r/{address_of(before['report_id'])}/diff/{homes[1][2]}"
    tail = f".{form}" if form else ""
    if path and unquote(request.path.removesuffix(tail)) != unquote(path):
        query = f"?{request.query_string}" if request.query_string else ""
        return Response.redirect(f"{path}{tail}{query}", status=302)
    everything = request.args.get("all") == "1"
    sides = [await side_of(database, version) for version in (before, after)]
    fields = await all_fields(database)
    cells = cell_differences(fields, *sides)
    effort = Effort()
    chapters = await asyncio.to_thread(
        text_differences, sides[0]["sections"], sides[1]["sections"], effort
    )
    others = await other_differences(database, before, after)
    counts = {
        "cells_changed": sum(cell["changed"] for cell in cells),
        "cells_compared": sum(
            "absent" not in (cell["before"]["state"], cell["after"]["state"]) for cell in cells
        ),
        "chapters_changed": sum(chapter["changed"] for chapter in chapters),
    }
    counts["cells_of_one_form"] = len(cells) - counts["cells_compared"]
    shown_cells = [cell for cell in cells if everything or cell["changed"]]
    told = [chapter for chapter in chapters if everything or chapter["changed"]]
    if not everything:
        told = [
            {**chapter, "lines": [line for line in chapter["lines"] if line["change"] != "same"]}
            for chapter in told
        ]
    if form == "json":
        body = {
            "url": datasette.absolute_url(request, path or request.path),
            "from": before,
            "to": after,
            "all": everything,
            "cut": [side["cut"] for side in sides],
            **counts,
        }
        return json_response({**body, "cells": shown_cells, "sections": told, "other": others})
    if form == "csv" and any(side["cut"] for side in sides):
        return csv_refusal(
            f"正文超过 {MOST_COMPARED} 字，只比较了前面的；已比较的见网页与 JSON（cut 为 true）。"
        )
    if form == "csv":
        parts = [last_part(version["id"]) if one else home[2]
                 for version, home in zip((before, after), homes, strict=True)]  # fmt: skip
        name = "-".join((issuer, *([year] if one else []), *parts, "diff"))
        lines = list(csv_lines(shown_cells, told, others))
        return csv_response(lines, CSV_COLUMNS, f"{name}.csv", mark=bool(request.args.get("bom")))
    return await page(
        datasette,
        request,
        "diff.html",
        issuer=issuer,
        year=year,
        by_year=not one,
        path=path or request.path,
        before=sides[0],
        after=sides[1],
        everything=everything,
        counts=counts,
        tables=[
            (name, [cell for cell in shown_cells if cell["table"] == key])
            for key, name in TABLES.items()
        ],
        chapters=shown_chapters(chapters, everything, MOST_SHOWN),
        # The head of the page names title and form of both sides; of two years they always differ.
        others=[other for other in others if one or other["aspect"] not in ("title", "form")],
        most=MOST_COMPARED,
        **await choices(database, issuer, year),
    )


async def chooser(datasette, request):
    """The form to choose what to compare; with a choice made, sent to its page."""
    database = datasette.get_database(DATABASE)
    issuer, year = unquoted(request, "issuer"), request.url_vars["year"]
    one, other = (request.args.get(name) or "" for name in ("from", "to"))
    report = await first(database, "select * from reports where id = ?", f"{issuer}/{year}")
    if report is None:
        raise DatasetteError("没有这份年报", status=404)
    home = f"/r/{address_of(issuer)}"
    if all(re.fullmatch(r"\d{4}", text) for text in (one, other)):
        return Response.redirect(f"{home}/{one}/diff/{other}", status=302)
    if all(re.fullmatch(r"[0-9a-f]{12,64}", text) for text in (one, other)):
        return Response.redirect(f"{home}/{year}/{one}/diff/{other}", status=302)
    body = await first(database, "select name from issuers where id = ?", issuer)
    found = await choices(database, issuer, year)
    return await page(
        datasette,
        request,
        "diff.html",
        issuer=issuer,
        issuer_name=body["name"] if body else issuer,
        year=year,
        before=None,
        **found,
    )


@hookimpl
def register_routes():
    record = r"^/r/(?P<issuer>[^/]+)/(?P<year>\d{4})"
    form = r"(?:\.(?P<format>json|csv))?$"
    return [
        (record + r"/(?P<digest>[^/.]+)/diff/(?P<other>[^/.]+)" + form, comparison),
        (record + r"/diff/(?P<other>\d{4})" + form, comparison),
        (record + r"/diff$", chooser),
    ]
