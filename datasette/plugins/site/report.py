"""The pages of a report and of each of its versions, for ever."""

from __future__ import annotations

from datasette import Response, hookimpl

from .answers import (
    DATABASE,
    address_of,
    csv_response,
    first,
    json_response,
    last_part,
    page,
    unquoted,
)
from .checks import check_groups, mark, unpacked
from .cite import bibtex, footnote, gbt7714, ris, work
from .differences import CHAPTERS, told_changes
from .forms import OUTCOMES, begun, cell_drawer, tables_of, told_notes
from .record import (
    CSV_COLUMNS,
    SHOWN_CAPTURES,
    SHOWN_EVENTS,
    SHOWN_STEPS,
    SHOWN_TEXT,
    SHOWN_VERSIONS,
    as_json,
    asked_version,
    cell_lines,
    corrected_cells,
    gather,
    sections_of,
)
from .signposts import signposted

FORMAT = r"(?:\.(?P<format>json|csv|txt))?$"
# What a page holds at most; where it leaves something out, it says how much and where all of it is.
# Characters of prose, lines of a list, relations under a table, and so on.
ROOMY = {
    "prose": SHOWN_TEXT,
    "lines": 40,
    "failures": 30,
    "marked": 12,
    "addresses": 8,
    "versions": SHOWN_VERSIONS,
    "cells": 10,
    "steps": SHOWN_STEPS,
    "events": SHOWN_EVENTS,
    "words": 40,
}
# The same for a page that would otherwise be larger than this, in bytes.
LARGEST = 180_000
TIGHT = {
    "prose": 4_500,
    "lines": 4,
    "failures": 6,
    "marked": 6,
    "addresses": 3,
    "versions": 8,
    "cells": 2,
    "steps": 1,
    "events": 8,
    "words": 12,
}
MOST_WORDS = 120
# The cell by which a page shows how one is cited, where it has it.
EXAMPLE = "requests.granted.total"
TABLE_ANCHORS = {2: "disclosure", 3: "requests", 4: "disputes"}


def last_of_each(captures):
    """Of each address the last answer with bytes of its own, of captures with the newest first.

    A page that counts its visitors has other bytes every night: these are one file, not many.
    """
    by_address = {}
    for capture in captures:
        by_address.setdefault(capture["url"], []).append(capture)
    return [
        next((one for one in same if one["record_type"] != "revisit"), same[0])
        for same in by_address.values()
    ]


def begun_sections(sections, most):
    """The chapters with as many characters of text as fit a page: short ones whole, and of the
    long ones each as much as the next; `left_out` counts the characters that did not fit."""
    room = most
    waiting = sorted((part["length"] or 0 for part in sections), reverse=True)
    while waiting and waiting[-1] <= room // len(waiting):
        room -= waiting.pop()
    share = room // len(waiting) if waiting else most
    return [
        {
            **part,
            "text": (part["text"] or "")[:share],
            "left_out": max(0, (part["length"] or 0) - share),
        }
        for part in sections
    ]


def prose_of(heading, permanent, sections):
    """All text of a version, for readers and programs: chapters under their headings."""
    lines = [heading, permanent]
    for part in sections:
        lines += ["", (part["heading"] or CHAPTERS.get(part["number"], "")).strip()]
        lines.append(part["text"] or "")
    return "\n".join(lines) + "\n"


def years_beside(report, years):
    """The reports of the same body before and after this one, None where there is none."""
    earlier = [one for one in years if one["year"] < report["year"]]
    later = [one for one in years if one["year"] > report["year"]]
    return {"before": earlier[-1] if earlier else None, "after": later[0] if later else None}


def page_context(datasette, request, data, pinned, most):
    report, version = data["report"], data["version"]
    fields = {field["key"]: field for field in data["fields"]}
    findings = [unpacked(finding) for finding in data["findings"]]
    for finding in findings:
        finding["anchor"] = finding["rule"] + (
            f"-{finding['position']}" if (finding["position"] or 1) > 1 else ""
        )
    failed = mark(findings, fields, data["figures"])
    drawn = set()
    corrected = corrected_cells(data["corrections"], version["id"])
    cell = cell_drawer(
        data["figures"], data["notes"], failed, data["changed"], corrected, drawn, most["words"]
    )
    tables = tables_of(version["form"], data["fields"], cell, data["figures"], data["notes"])
    # What a mixed form or an absent table lacks is no cell of this page.
    noted = [
        field
        for field in data["form_fields"]
        if field["key"] in drawn or data["notes"].get(field["key"], {}).get("state") != "missing"
    ]
    files = last_of_each(data["captures"])
    pages = [file for file in files if file["role"] != "attachment"]
    path = f"/r/{version['id']}"
    numbers = {other["id"]: other["number"] for other in data["numbered"]}
    for capture in (one for address in data["addresses"] for one in address["captures"]):
        capture["version_number"] = numbers.get(capture["version_id"])
    for event in data["events"]:
        event["compare"] = (
            f"/r/{event['from_version']}/diff/{last_part(event['version_id'])}"
            if event["kind"] == "edited" and event["from_version"]
            else None
        )
    permanent = datasette.absolute_url(request, f"/r/{address_of(version['id'])}")
    cited = work(report, version, data["issuer"], data["first_capture"], permanent)
    marked = {
        name: list(
            {
                finding["anchor"]: finding
                for key, found in failed.items()
                if fields.get(key, {}).get("table_key") == name
                for finding in found
            }.values()
        )
        for name in tables
    }
    for correction in data["corrections"]:
        correction["field"] = fields.get(correction["key"])
    return {
        **data,
        "findings": findings,
        "path": path,
        "permanent": permanent,
        # A version and what is the latest one stay two pages (RFC 6596): each is its own.
        "canonical": permanent
        if pinned
        else datasette.absolute_url(request, f"/r/{address_of(report['id'])}"),
        "beside": years_beside(report, data["years"]),
        "sections": begun_sections(data["sections"], most["prose"]),
        "cited": cited,
        "citations": (
            ("GB/T 7714—2025", "gbt7714", gbt7714(cited), "cite.txt"),
            ("脚注", "footnote", footnote(cited), "cite.txt"),
            ("BibTeX", "bibtex", bibtex(cited), "bib"),
            ("RIS", "ris", ris(cited), "ris"),
            ("永久网址", "url", permanent, None),
        ),
        "pinned": pinned,
        "current": report["current_version"] == version["id"],
        "tables": tables,
        "example": EXAMPLE if EXAMPLE in drawn else min(drawn, default=None),
        "checks": check_groups(findings),
        "marked": marked if failed else {},
        "located": any(finding["mending"] for found in failed.values() for finding in found),
        "told_changes": told_changes(data["changes"], data["numbered"], fields)[: most["steps"]],
        "page_capture": pages[0] if pages else None,
        "attachments": [file for file in files if file["role"] == "attachment"],
        "numbers": numbers,
        "corrected": bool(corrected),
        "chapters": CHAPTERS,
        "table_anchors": TABLE_ANCHORS,
        "told_notes": told_notes(data["notes"], noted, data["figures"]),
        "most": most,
        "most_captures": SHOWN_CAPTURES,
        "outcomes": OUTCOMES,
        "proof_file": "-".join(version["id"].split("/")) + ".wacz",
    }


async def report_page(datasette, request):
    database = datasette.get_database(DATABASE)
    issuer, year = unquoted(request, "issuer"), request.url_vars["year"]
    digest = (request.url_vars.get("digest") or "").lower()
    form = request.url_vars.get("format")
    report, version = await asked_version(database, f"{issuer}/{year}", digest)
    if digest and request.url_vars["digest"] != last_part(version["id"]):
        # A capture that showed it, or more of its digits: a version has one address of its own.
        query = f"?{request.query_string}" if request.query_string else ""
        address = "/r/" + address_of(version["id"]) + (f".{form}" if form else "")
        return Response.redirect(address + query, status=302)
    if form == "txt":
        body = await first(database, "select name from issuers where id = ?", report["issuer_id"])
        heading = f"{body['name'] if body else issuer} {year}"
        permanent = datasette.absolute_url(request, f"/r/{address_of(version['id'])}")
        sections = await sections_of(database, version["id"])
        return Response.text(prose_of(heading, permanent, sections))
    data = await gather(database, report, version, whole=form == "json")
    permanent = datasette.absolute_url(request, f"/r/{address_of(version['id'])}")
    name = "-".join((issuer, year, version["id"].rsplit("/", 1)[-1]))
    if form == "json":
        return json_response(as_json(data, permanent))
    if form == "csv":
        return csv_response(
            cell_lines(data), CSV_COLUMNS, f"{name}.csv", mark=bool(request.args.get("bom"))
        )
    response = None
    for most in (ROOMY, TIGHT):
        if response is None or len(response.body.encode()) > LARGEST:
            context = page_context(datasette, request, data, bool(digest), most)
            response = await page(datasette, request, "report.html", **context)
    return response


@hookimpl
def prepare_jinja2_environment(env):
    env.filters["begun"] = lambda text: begun(str(text or ""), MOST_WORDS)


@hookimpl
def register_routes():
    return [
        (
            r"^/r/(?P<issuer>[^/]+)/(?P<year>\d{4})/(?P<digest>(?!diff$)[^/.]+)" + FORMAT,
            signposted(report_page),
        ),
        (r"^/r/(?P<issuer>[^/]+)/(?P<year>\d{4})" + FORMAT, signposted(report_page)),
    ]
