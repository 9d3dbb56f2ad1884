"""One version of a report: all that the archive says of it, as plain values."""

from __future__ import annotations

import re
from weakref import WeakKeyDictionary

from datasette.views.base import DatasetteError

from .answers import first, in_one_go, last_part, rows
from .checks import unpacked
from .forms import FORM_YEARS

# Rows of a version that its page and its JSON hold; the tables hold all.
MOST_ROWS = 1000
CSV_COLUMNS = ("key", "zh", "value", "state", "printed", "confidence", "correction")
# Of each address of a version the newest captures, and always the first.
MOST_CAPTURES = 200
# The newest events of a report, and the newest of a body's links and the bodies below it.
MOST_EVENTS = 200
# What a page shows of these, with a link to all: a report seen for years stays a page.
SHOWN_CAPTURES = 3
SHOWN_EVENTS = 20
SHOWN_VERSIONS = 30
SHOWN_STEPS = 6
SHOWN_ROWS = 60
SHOWN_TEXT = 15_000
# More than SQLite holds in a value, and no more than it takes for a length.
WHOLE_TEXT = 1 << 30
SHOWN = ("ok", "not_modified")
FIELDS = WeakKeyDictionary()


async def all_fields(database):
    """The cells of all forms in the order of the form; read once, they are the same for ever."""
    if database not in FIELDS:
        fields = await rows(database, "select * from fields order by position")
        for field in fields:
            field["years"] = {int(year) for year in re.findall(r"\d{4}", field["formats"] or "")}
        if not fields:
            return []
        FIELDS[database] = fields
    return FIELDS[database]


async def find_version(database, report_id, digest):
    """The version a digest stands for: its own, or any capture that showed it."""
    version = await first(
        database, "select * from versions where id = ?", f"{report_id}/{digest[:12]}"
    )
    if version and len(digest) == 12:
        return version
    return await first(
        database,
        """
        select versions.* from captures join versions on versions.id = captures.version_id
        where captures.digest >= ? and captures.digest < ? and versions.report_id = ?
        order by captures.fetched_at limit 1
        """,
        digest,
        digest + "g",
        report_id,
    )


async def asked_version(database, report_id, digest):
    """The report and the version that an address means, the current one without a digest; a 404
    where this archive has none."""
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
    return report, version


async def parent_of(database, issuer):
    """The body above; with its page when it is known, or just one body here has its name."""
    if not issuer:
        return None
    if issuer.get("parent_id"):
        above = await first(
            database, "select id, name from issuers where id = ?", issuer["parent_id"]
        )
        if above:
            return {"name": above["name"], "path": f"/r/{above['id']}"}
    if not issuer["parent"]:
        return None
    found = await rows(database, "select id from issuers where name = ? limit 2", issuer["parent"])
    path = f"/r/{found[0]['id']}" if len(found) == 1 else None
    return {"name": issuer["parent"], "path": path}


async def listed(database, table, version_id, most):
    """The first rows of a version in `extras` or `unused`, in the order of the document."""
    found = await rows(
        database,
        f"select * from {table} where version_id = ? order by position limit {most}",
        version_id,
    )
    return [{key: value for key, value in row.items() if key != "version_id"} for row in found]


async def counted(database, table, column, value):
    """How many rows of a table have this value, told by an index alone."""
    found = await first(
        database, f"select count(*) as number from {table} where {column} = ?", value
    )
    return found["number"]


async def sections_of(database, version_id, most=WHOLE_TEXT):
    """The chapters of a version, of each at most `most` characters; `length` tells how many it
    has."""
    return await rows(
        database,
        """
        select number, heading, substr(text, 1, ?) as text, length(text) as length
        from sections where version_id = ? order by number
        """,
        most,
        version_id,
    )


async def captures_of(database, report_id, most):
    """The captures of all versions of a report, the newest first; of each address of a version
    at most `most` and the first. `of` says how many there are of it."""
    # An address may have shown a version a night: what is found by the address alone is too much.
    same = (
        "from captures as one where one.version_id = placed.version_id and +one.url is placed.url"
    )
    return await rows(
        database,
        f"""
        with placed as materialized (
            select version_id, url, count(*) as number from captures
            where version_id in (select id from versions where report_id = ?)
            group by version_id, url
        )
        select captures.*, number as "of" from placed join captures
        on captures.rowid in (select rowid {same} order by fetched_at desc limit ? - 1)
            or captures.rowid = (select rowid {same} order by fetched_at limit 1)
        order by fetched_at desc, captures.url limit 5000
        """,
        report_id,
        most,
    )


async def addresses_of(database, report, captures, most):
    """Every address at which a report or its attachments were met, with what was seen there.

    The one that speaks for the report first, then pages before attachments, the oldest first.
    Gives each capture the role of its address.
    """
    asked = await rows(
        database,
        """
        select url, role, sightings.portal_id, portals.name as portal, verdict as last_verdict,
            max(seen_at) as last_asked, listed_on, title, count(*) as nights,
            nullif(report_id, ?) as shows_instead
        from sightings left join portals on portals.id = sightings.portal_id
        where url in (select url from sightings where report_id = ?
            union select captures.url from captures join versions on versions.id = version_id
                where versions.report_id = ?)
        group by url
        """,
        *[report["id"]] * 3,
    )
    seen = {
        row["url"]: row
        for row in await rows(
            database,
            f"""
            select url, min(seen_at) as first_seen, max(seen_at) as last_seen from sightings
            where report_id = ? and verdict in ({", ".join("?" * len(SHOWN))}) group by url
            """,
            report["id"],
            *SHOWN,
        )
    }
    by_url = {row["url"]: row for row in asked}
    for capture in reversed(captures):
        if capture["url"] not in by_url:
            by_url[capture["url"]] = {"url": capture["url"], "role": None, "nights": 0}
        capture["role"] = by_url[capture["url"]]["role"]
    out = []
    for url, row in by_url.items():
        here = [capture for capture in captures if capture["url"] == url]
        moments = [capture["fetched_at"] or "" for capture in here]
        met = seen.get(url, {})
        firsts = [met.get("first_seen"), min(moments, default=None)]
        lasts = [met.get("last_seen"), max(moments, default=None)]
        out.append(
            {
                **dict.fromkeys(("portal_id", "portal", "last_verdict", "last_asked", "listed_on")),
                **row,
                "speaks": url == report["url"],
                "first_seen": min(filter(None, firsts), default=None),
                "last_seen": max(filter(None, lasts), default=None),
                "captures": here,
                "cut": any(capture["of"] > most for capture in here),
                "captured": sum(
                    {capture["version_id"]: capture["of"] for capture in here}.values()
                ),
            }
        )
    return sorted(
        out,
        key=lambda one: (
            not one["speaks"],
            one["role"] == "attachment",
            one["first_seen"] or "9",
            str(one["url"]),
        ),
    )


async def events_of(database, report_id, most):
    """What happened to a report, the oldest first; an edit with how much of it differs."""
    found = await rows(
        database,
        """
        select events.*, versions.number,
            (select count(*) from changes where to_version = events.version_id
                and from_version = events.from_version and field is not null) as cells,
            (select count(*) from changes where to_version = events.version_id
                and from_version = events.from_version and field is null) as texts
        from events left join versions on versions.id = events.version_id
        where events.report_id = ? order by events.position desc limit ?
        """,
        report_id,
        most,
    )
    return found[::-1]


async def changes_of(database, report_id):
    """How versions of a report differ from the ones before, the newest first; of texts as much as
    a reader would read at once, the rest is in the comparison of the two versions."""
    texts = ", ".join(
        f"iif(length({name}) > {SHOWN_TEXT}, substr({name}, 1, {SHOWN_TEXT}) || '……', {name}) "
        f"as {name}"
        for name in ("before", "after")
    )
    return await rows(
        database,
        f"""
        select changes.report_id, from_version, to_version, position, field, section, aspect,
            {texts}
        from changes join (
            select changes.rowid as place from changes join versions on versions.id = to_version
            where changes.report_id = ?
            order by versions.number desc, from_version, position limit {MOST_ROWS}
        ) as placed on changes.rowid = place
        """,
        report_id,
    )


async def outlines_of(database, version_id, versions):
    """How this version and the newest others differ from the ones before: cells whole, of texts
    only where they are, since they may be long."""
    newest = [version_id, *(version["id"] for version in versions[:SHOWN_STEPS])]
    found = await rows(
        database,
        f"""
        select from_version, to_version, field, section, aspect,
            iif(field is null, null, before) as before, iif(field is null, null, after) as after
        from changes where to_version in ({", ".join("?" * len(newest))})
        order by to_version, from_version, position limit {MOST_ROWS}
        """,
        *newest,
    )
    return sorted(found, key=lambda row: newest.index(row["to_version"]))


async def first_capture(database, version):
    """The capture that a version is named by and cited with: the first with that payload, or of
    the version where its name is no payload's."""
    name = last_part(version["id"])
    of_version = "from captures where version_id = ? and digest between ? and ? order by fetched_at"
    return await first(
        database, f"select * {of_version} limit 1", version["id"], name, name + "g"
    ) or await first(database, f"select * {of_version} limit 1", version["id"], "", "g")


async def corrections_of(database, report, urls):
    """The reviewed corrections of a report's cells, its pages and its body, as they are written.

    `key` and `digest` name the cell, where one is meant.
    """
    cells = f"cell:{report['id']}/"
    pages = [f"page:{url}" for url in urls]
    found = await rows(
        database,
        f"""
        select * from corrections where subject >= ? and subject < ? || char(1114111)
            or subject in ({", ".join("?" * (len(pages) + 1))})
        order by number limit {MOST_ROWS}
        """,
        cells,
        cells,
        f"issuer:{report['issuer_id']}",
        *pages,
    )
    for correction in found:
        parts = correction["subject"].removeprefix(cells).split("/")
        is_cell = correction["subject"].startswith(cells)
        correction["key"] = parts[-1] if is_cell else None
        correction["digest"] = parts[0] if is_cell and len(parts) > 1 else None
    return found


def corrected_cells(corrections, version_id):
    """By key what was corrected of this version's cells: of all versions, or of it by name."""
    name = last_part(version_id)
    out = {}
    for correction in corrections:
        digest = correction["digest"]
        if (
            correction["key"]
            and correction["state"] == "applied"
            and (not digest or digest[: len(name)] == name)
        ):
            out.setdefault(correction["key"], []).append(correction)
    return out


async def gather(database, report, version, whole):
    """What there is to say of one version, as plain values: what its page shows or, `whole`, all
    that its JSON tells."""
    fields = await all_fields(database)
    return await in_one_go(
        database, lambda session: _gathered(session, fields, report, version, whole)
    )


async def _gathered(database, fields, report, version, whole):
    version_id = version["id"]
    figures = await first(database, "select * from figures where version_id = ?", version_id) or {}
    notes = {
        row["field"]: row
        for row in await rows(database, "select * from cell_notes where version_id = ?", version_id)
    }
    wanted = set(FORM_YEARS.get(version["form"] or "", ()))
    issuer = await first(database, "select * from issuers where id = ?", report["issuer_id"])
    most = MOST_CAPTURES if whole else SHOWN_CAPTURES
    lines = MOST_ROWS if whole else SHOWN_ROWS
    versions = await rows(
        database,
        "select * from versions where report_id = ? order by number desc limit ?",
        report["id"],
        MOST_ROWS if whole else SHOWN_VERSIONS,
    )
    captures = await captures_of(database, report["id"], most)
    addresses = await addresses_of(database, report, captures, most)
    return {
        "report": report,
        "issuer": issuer,
        "parent": await parent_of(database, issuer),
        "flags": (version["flags"] or "").splitlines(),
        "extras": await listed(database, "extras", version_id, lines),
        "unused": await listed(database, "unused", version_id, lines),
        "version": version,
        "fields": fields,
        "figures": figures,
        "notes": notes,
        "form_fields": [field for field in fields if field["years"] & wanted],
        "sections": await sections_of(database, version_id, WHOLE_TEXT if whole else SHOWN_TEXT),
        "findings": await rows(
            database,
            """
            select findings.*, identities.formula, identities.basis, identities.level
            from findings left join identities on identities.id = findings.rule
            where version_id = ? order by findings.rule, findings.position
            """,
            version_id,
        ),
        "versions": versions,
        "changes": await (
            changes_of(database, report["id"])
            if whole
            else outlines_of(database, version_id, versions)
        ),
        "numbered": await rows(
            database,
            "select id, number, first_seen, replaces from versions where report_id = ? limit 5000",
            report["id"],
        ),
        "captures": [one for one in captures if one["version_id"] == version_id],
        "addresses": addresses,
        "events": await events_of(database, report["id"], MOST_EVENTS if whole else SHOWN_EVENTS),
        "years": await rows(
            database,
            "select year, id from reports where issuer_id = ? order by year",
            report["issuer_id"],
        ),
        "changed": {
            row["field"]
            for row in await rows(
                database,
                "select field from changes where to_version = ? and field is not null limit 1000",
                version_id,
            )
        },
        "replaced": await first(
            database,
            "select 1 from versions where report_id = ? and replaces = ?",
            report["id"],
            version_id,
        )
        is not None,
        "counts": {
            "extras": await counted(database, "extras", "version_id", version_id),
            "unused": await counted(database, "unused", "version_id", version_id),
            "versions": await counted(database, "versions", "report_id", report["id"]),
        },
        "first_capture": await first_capture(database, version),
        "corrections": await corrections_of(
            database, report, [address["url"] for address in addresses]
        ),
    }


def value_text(value):
    return None if value is None else str(value)


def as_json(data, url):
    """A version as a public record: cells as texts, so that money keeps its digits."""
    shown = ("state", "printed", "confidence")
    return {
        "url": url,
        "report": data["report"],
        "issuer": data["issuer"],
        "parent": data["parent"],
        "version": data["version"],
        "flags": data["flags"],
        "cells": {
            field["key"]: value_text(data["figures"].get(field["flat"]))
            for field in data["form_fields"]
        },
        "notes": {key: {name: note[name] for name in shown} for key, note in data["notes"].items()},
        "sections": [
            {key: part[key] for key in ("number", "heading", "text")} for part in data["sections"]
        ],
        "findings": [
            {key: value for key, value in unpacked(finding).items() if key != "version_id"}
            for finding in data["findings"]
        ],
        "extras": data["extras"],
        "unused": data["unused"],
        "captures": data["captures"],
        "versions": [{**version, "path": f"/r/{version['id']}"} for version in data["versions"]],
        "changes": data["changes"],
        "events": data["events"],
        "addresses": data["addresses"],
        "corrections": data["corrections"],
    }


def cell_lines(data):
    """A line for each cell of the form: key, official name, number, state, printed text, the
    confidence where it was recognised in a picture, and the value of the last correction."""
    lines = []
    corrected = corrected_cells(data["corrections"], data["version"]["id"])
    for field in data["form_fields"]:
        value, note = data["figures"].get(field["flat"]), data["notes"].get(field["key"])
        state = note["state"] if note else ("number" if value is not None else "missing")
        printed = note["printed"] if note else value_text(value)
        confidence = note["confidence"] if note else None
        said = [c["value"] for c in corrected.get(field["key"], ()) if c["aspect"] == "value"]
        correction = said[-1] if said else None
        cells = (field["key"], field["zh"], value, state, printed, confidence, correction)
        lines.append(dict(zip(CSV_COLUMNS, cells, strict=True)))
    return lines
