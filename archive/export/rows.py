"""Which rows of the archive go into a release, and in which order?

Tables are taken whole and by primary key. A release of one year holds the reports of that year,
all that hangs on them, and every table that hangs on no report.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archive import form
from archive.schema import SQL_TYPES, TABLES, Column, Table
from archive.store import DERIVED

CHUNK = 1000
OF_REPORT = "report_id in (select id from reports where year = :year)"
OF_VERSION = f"version_id in (select id from versions where {OF_REPORT})"
CUTS: Mapping[str, str] = {
    "reports": "year = :year",
    # An answer that shows no version (404, a challenge) belongs to the report looked for there.
    "captures": f"{OF_VERSION} or version_id is null "
    f"and url in (select url from sightings where {OF_REPORT})",
    "redirects": "path || '/' glob '*/' || :year || '/*' "
    "or target || '/' glob '*/' || :year || '/*'",
}

Row = tuple[Any, ...]


class RowsError(ValueError):
    """The archive does not have the tables of this version; the message says what to do."""


def _derived() -> Table:
    fields = {}
    for entry in json.loads((form.HERE / "fields.json").read_text(encoding="utf-8"))["fields"]:
        if entry["kind"] == DERIVED:
            text = f"{entry['zh']} = {entry['formula']}"
            fields[entry["flat"]] = Column(SQL_TYPES[entry["type"]], text, entry["unit"])
    version = TABLES["figures"].columns["version_id"]
    return Table(
        "派生数：表式所定义而未印出的合计；任一部分为空则为空 "
        "(sums the form defines but does not print; NULL when any part is)",
        {"version_id": version, **fields},
        pk=("version_id",),
    )


def public_tables() -> dict[str, Table]:
    """Every public table and view by name, in the order of the schema."""
    return {**TABLES, DERIVED: _derived()}


def cut(name: str, table: Table) -> str | None:
    """The SQL condition for the rows of `:year`; None for a table that hangs on no report."""
    if name in CUTS:
        return CUTS[name]
    if "report_id" in table.columns:
        return OF_REPORT
    return OF_VERSION if "version_id" in table.columns else None


def check_tables(db: sqlite3.Connection, tables: Mapping[str, Table]) -> None:
    """Raise RowsError when the archive lacks a table or a column.

    SQLite would take the name of a column that is not there for a text.
    """
    if not db.execute("select exists (select 1 from sqlite_master)").fetchone()[0]:
        raise RowsError("it is empty. Build it again")
    for name, table in tables.items():
        there = {row[1] for row in db.execute(f'pragma table_info("{name}")')}
        if missing := [column for column in table.columns if column not in there]:
            what = f"columns {', '.join(missing)} of {name}" if there else f"table {name}"
            raise RowsError(f"it lacks the {what}: another version made it. Build it again")


def count(db: sqlite3.Connection, name: str, table: Table, year: int | None) -> int:
    """How many rows of a table a release holds."""
    where, values = _where(name, table, year)
    number: int = db.execute(f'select count(*) from "{name}"{where}', values).fetchone()[0]
    return number


def chunks(
    db: sqlite3.Connection, name: str, table: Table, year: int | None
) -> Iterator[Sequence[Row]]:
    """The rows of a table by primary key, at most CHUNK at a time: all do not fit into memory."""
    where, values = _where(name, table, year)
    columns = ", ".join(f'"{column}"' for column in table.columns)
    order = ", ".join(f'"{column}"' for column in table.pk)
    cursor = db.execute(f'select {columns} from "{name}"{where} order by {order}', values)
    while rows := cursor.fetchmany(CHUNK):
        yield rows


def _where(name: str, table: Table, year: int | None) -> tuple[str, dict[str, int]]:
    condition = cut(name, table) if year is not None else None
    return (f" where {condition}", {"year": year or 0}) if condition else ("", {})
