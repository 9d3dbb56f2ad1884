"""What is a report as one object? Its body, its current version whole, and its history."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from archive import form
from archive.schema import TABLES
from archive.store import FORMULA_CELLS

Record = dict[str, Any]

# What two versions say alike is told once, of the current one.
OF_VERSION = ("cell_notes", "sections", "findings", "extras", "unused")
AS_JSON = ("cells", "proposed")


def records(db: sqlite3.Connection, year: int | None) -> Iterator[Record]:
    """The reports of the archive, or of a year, by id, one at a time."""
    where = "" if year is None else " where year = :year"
    columns = tuple(TABLES["reports"].columns)
    names = ", ".join(f'"{name}"' for name in columns)
    for row in db.execute(f"select {names} from reports{where} order by id", {"year": year or 0}):
        yield _record(db, dict(zip(columns, row, strict=True)))


def line(record: Record) -> bytes:
    """A record as a line of JSON Lines: keys sorted, no space, UTF-8."""
    text = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"{text}\n".encode()


def _record(db: sqlite3.Connection, report: Record) -> Record:
    version_id = report["current_version"]
    versions = _rows(db, "versions", "report_id", report["id"], "number, id")
    for version in versions:
        version["captures"] = _payloads(db, version["id"])
        version["flags"] = (version["flags"] or "").splitlines()
    current = next((version for version in versions if version["id"] == version_id), None)
    bodies = _rows(db, "issuers", "id", report["issuer_id"], "id")
    told: dict[str, list[Record]] = {}
    for table in OF_VERSION:
        order = ", ".join(TABLES[table].pk)
        told[table] = _rows(db, table, "version_id", version_id, order)
        for row in told[table]:
            del row["version_id"]
    for finding in told["findings"]:
        for name in AS_JSON:
            finding[name] = json.loads(finding[name]) if finding[name] else None
        if finding["cells"] is None:
            finding["cells"] = list(FORMULA_CELLS.get(finding["rule"], ()))
    events = _rows(db, "events", "report_id", report["id"], "position")
    changes = _rows(db, "changes", "report_id", report["id"], "to_version, from_version, position")
    return {
        "path": f"/r/{report['id']}",
        "report": report,
        "issuer": bodies[0] if bodies else None,
        "version": current,
        "cells": _cells(db, version_id, (current or {}).get("form")),
        "notes": {note.pop("field"): note for note in told["cell_notes"]},
        "sections": told["sections"],
        "findings": told["findings"],
        "extras": told["extras"],
        "unused": told["unused"],
        "versions": versions,
        "events": [_without(event, "report_id") for event in events],
        "changes": [_without(change, "report_id") for change in changes],
    }


def _rows(
    db: sqlite3.Connection, table: str, column: str, value: str | None, order: str
) -> list[Record]:
    columns = tuple(TABLES[table].columns)
    names = ", ".join(f'"{name}"' for name in columns)
    found = db.execute(
        f'select {names} from "{table}" where "{column}" = ? order by {order}', (value,)
    )
    return [dict(zip(columns, row, strict=True)) for row in found]


def _payloads(db: sqlite3.Connection, version_id: str) -> list[Record]:
    """The payloads that showed a version, each once for an address, however often it was met."""
    found = db.execute(
        """
        select digest, url, media_type, min(fetched_at), max(fetched_at), count(*)
        from captures where version_id = ? group by digest, url, media_type
        order by min(fetched_at), url, digest, media_type
        """,
        (version_id,),
    )
    names = ("digest", "url", "media_type", "first_fetched", "last_fetched", "captures")
    return [dict(zip(names, row, strict=True)) for row in found]


def _cells(
    db: sqlite3.Connection, version_id: str | None, form_name: str | None
) -> dict[str, str | None]:
    """Every cell of the form by key, and what was read beyond it; numbers are text, as printed."""
    row = next(iter(_rows(db, "figures", "version_id", version_id, "version_id")), {})
    wanted = set(form.keys(form_name)) if form_name else set()
    cells = {}
    for key, field in form.PRINTED.items():
        value = row.get(field.flat)
        if value is not None or key in wanted:
            cells[key] = None if value is None else str(value)
    return cells


def _without(record: Record, name: str) -> Record:
    return {key: value for key, value in record.items() if key != name}
