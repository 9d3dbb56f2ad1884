"""The pages of a report and of each of its versions, for ever."""

from __future__ import annotations

import re

from datasette import Response, hookimpl
from datasette.views.base import DatasetteError

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
from .checks import KEY, MARKING, arithmetic, check_groups, unpacked
from .differences import CHAPTERS, told_changes
from .forms import cell_drawer, tables_of, told_notes
from .record import (
    CSV_COLUMNS,
    MOST_CAPTURES,
    MOST_ROWS,
    as_json,
    cell_lines,
    corrected_cells,
    find_version,
    gather,
)

FORMAT = r"(?:\.(?P<format>json|csv))?$"
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


def page_context(datasette, request, data, pinned):
    report, version = data["report"], data["version"]
    fields = {field["key"]: field for field in data["fields"]}
    findings = [unpacked(finding) for finding in data["findings"]]
    failed = {}
    for finding in findings:
        finding["anchor"] = finding["rule"] + (
            f"-{finding['position']}" if (finding["position"] or 1) > 1 else ""
        )
        finding["mending"] = [
            (fields[key], value) for key, value in finding["proposed"].items() if key in fields
        ]
        if finding["verdict"] == "fail" and (finding["level"] or "hard") in MARKING:
            finding["terms"] = arithmetic(finding["formula"], fields, data["figures"])
            for key in finding["cells"] or KEY.findall(finding["formula"] or ""):
                failed.setdefault(key, []).append(finding)
    changes = told_changes(data["changes"], fields, data["versions"])
    changed = {
        cell["field"]
        for pair in changes
        if pair["to"]["id"] == version["id"]
        for cell in pair["cells"]
    }
    drawn = set()
    corrected = corrected_cells(data["corrections"], version["id"])
    cell = cell_drawer(data["figures"], data["notes"], failed, changed, corrected, drawn)

    def holds(field):
        note = data["notes"].get(field["key"])
        return data["figures"].get(field["flat"]) is not None or (
            note is not None and note["state"] != "missing"
        )

    tables = tables_of(version["form"], data["fields"], cell, holds)
    # What a mixed form or an absent table lacks is no cell of this page.
    noted = [
        field
        for field in data["form_fields"]
        if field["key"] in drawn or data["notes"].get(field["key"], {}).get("state") != "missing"
    ]
    files = last_of_each(data["captures"])
    pages = [file for file in files if file["role"] != "attachment"]
    path = f"/r/{version['id']}"
    numbers = {other["id"]: other["number"] for other in data["versions"]}
    for capture in (one for address in data["addresses"] for one in address["captures"]):
        capture["version_number"] = numbers.get(capture["version_id"])
    for event in data["events"]:
        event["anchor"] = (
            f"change-{last_part(event['from_version'])}-{last_part(event['version_id'])}"
            if event["kind"] == "edited" and event["from_version"]
            else None
        )
    for correction in data["corrections"]:
        correction["field"] = fields.get(correction["key"])
    return {
        **data,
        "findings": findings,
        "path": path,
        "permanent": datasette.absolute_url(request, path),
        "pinned": pinned,
        "current": report["current_version"] == version["id"],
        "replaced": any(other["replaces"] == version["id"] for other in data["versions"]),
        "tables": tables,
        "checks": check_groups(findings),
        "marked": bool(failed),
        "located": any(finding["mending"] for found in failed.values() for finding in found),
        "told_changes": changes,
        "page_capture": pages[0] if pages else None,
        "attachments": [file for file in files if file["role"] == "attachment"],
        "numbers": numbers,
        "corrected": bool(corrected),
        "chapters": CHAPTERS,
        "table_anchors": TABLE_ANCHORS,
        "told_notes": told_notes(data["notes"], noted, data["figures"]),
        "most_rows": MOST_ROWS,
        "most_captures": MOST_CAPTURES,
    }


async def report_page(datasette, request):
    database = datasette.get_database(DATABASE)
    issuer, year = unquoted(request, "issuer"), request.url_vars["year"]
    digest = (request.url_vars.get("digest") or "").lower()
    form = request.url_vars.get("format")
    report_id = f"{issuer}/{year}"
    if digest and not re.fullmatch(r"[0-9a-f]{12,64}", digest):
        raise DatasetteError("不是版本的摘要", status=404)
    report = await first(database, "select * from reports where id = ?", report_id)
    version = None
    if report and digest:
        version = await find_version(database, report_id, digest)
    elif report:
        version = await first(
            database, "select * from versions where id = ?", report["current_version"]
        )
    if version is None:
        raise DatasetteError("没有这份年报", status=404)
    if digest and request.url_vars["digest"] != last_part(version["id"]):
        # A capture that showed it, or more of its digits: a version has one address of its own.
        query = f"?{request.query_string}" if request.query_string else ""
        address = "/r/" + address_of(version["id"]) + (f".{form}" if form else "")
        return Response.redirect(address + query, status=302)
    data = await gather(database, report, version)
    permanent = datasette.absolute_url(request, f"/r/{version['id']}")
    name = "-".join((issuer, year, version["id"].rsplit("/", 1)[-1]))
    if form == "json":
        return json_response(as_json(data, permanent))
    if form == "csv":
        return csv_response(
            cell_lines(data), CSV_COLUMNS, f"{name}.csv", mark=bool(request.args.get("bom"))
        )
    return await page(
        datasette, request, "report.html", **page_context(datasette, request, data, bool(digest))
    )


@hookimpl
def register_routes():
    return [
        (r"^/r/(?P<issuer>[^/]+)/(?P<year>\d{4})/(?P<digest>[^/.]+)" + FORMAT, report_page),
        (r"^/r/(?P<issuer>[^/]+)/(?P<year>\d{4})" + FORMAT, report_page),
    ]
