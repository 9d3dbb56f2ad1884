"""Writing the archive: the only module that does.

An archive is written whole, beside the one in use, and takes its place in one rename, so that
readers see the old one or the new one and a build that dies leaves nothing behind.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import sqlite_utils

from archive import form
from archive.findings.rules import RULES
from archive.model import Extra, Finding, Note, Reading, State, Unused
from archive.schema import TABLES
from archive.versions import History, chapters

# Pages are hostile: a NUL ends a text for half of SQLite's functions, a lone surrogate is refused.
UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
PYTHON_TYPES: Mapping[str, type] = {"TEXT": str, "INTEGER": int, "REAL": float}
FORM_YEARS = {"2014": "stats2014", "2019": "2019", "2021": "2021"}
DERIVED = "derived"
KNOWN_RULES = frozenset(rule.id for rule in RULES)

log = logging.getLogger(__name__)

Row = Mapping[str, Any]


class ArchiveError(ValueError):
    """The archive just written contradicts itself; it was not put in place."""


def clean(value: Any) -> Any:
    """A value SQLite takes: text without NULs and lone surrogates, all else as it is."""
    return UNSTORABLE.sub("\ufffd", value) if isinstance(value, str) else value


def create(path: Path) -> sqlite_utils.Database:
    """An empty archive with every table, index and view, and the form written into it."""
    for leftover in path.parent.glob(path.name + "*"):
        leftover.unlink()
    db = sqlite_utils.Database(sqlite3.connect(path, isolation_level=None))
    # It is a fresh file that nobody reads until it is synced and renamed.
    db.execute("pragma journal_mode = off")
    db.execute("pragma synchronous = off")
    for name, table in TABLES.items():
        columns = {column: PYTHON_TYPES[spec.type] for column, spec in table.columns.items()}
        pk = table.pk[0] if len(table.pk) == 1 else table.pk
        db.create_table(name, columns, pk=pk, strict=True)
    db.add_foreign_keys(list(_foreign_keys()))
    for name, table in TABLES.items():
        for index in table.indexes:
            db.table(name).create_index(index)
    db.create_view(DERIVED, _derived_view())
    write(db, "fields", _field_rows())
    write(db, "identities", _identity_rows())
    return db


def _foreign_keys() -> Iterator[tuple[str, str, str, str]]:
    for name, table in TABLES.items():
        for column, spec in table.columns.items():
            if spec.references:
                other_table, _, other_column = spec.references.partition(".")
                yield name, column, other_table, other_column


def write(db: sqlite_utils.Database, table: str, rows: Iterable[Row]) -> int:
    """Insert rows by column name, columns left out are NULL; gives how many there were."""
    columns = tuple(TABLES[table].columns)
    places = ", ".join("?" for _ in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    values = [tuple(clean(row.get(column)) for column in columns) for row in rows]
    db.conn.executemany(f'insert into "{table}" ({names}) values ({places})', values)
    return len(values)


@contextmanager
def transaction(db: sqlite_utils.Database) -> Iterator[None]:
    """All writes inside are one transaction: a commit for each row would cost ten times as much."""
    db.execute("begin")
    yield
    db.execute("commit")


def put_in_place(db: sqlite_utils.Database, written: Path, path: Path) -> None:
    """Check a finished archive, bring it to the disk and let it take the place of the last."""
    try:
        db.execute("analyze")
        verdict = db.execute("pragma integrity_check").fetchone()[0]
        if verdict != "ok":
            raise ArchiveError(f"{written}: {verdict}")
        dangling = db.execute("pragma foreign_key_check").fetchall()
        if dangling:
            table, rowid, parent, _ = dangling[0]
            raise ArchiveError(
                f"{written}: {len(dangling)} rows point nowhere, "
                f"the first from {table} row {rowid} to {parent}"
            )
    finally:
        db.close()
    sync(written)
    os.replace(written, path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Bring a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_report(db: sqlite_utils.Database, report_id: str, history: History, parser: str) -> int:
    """Write a report, its versions and all that hangs on them; gives the number of changes."""
    issuer_id, _, year = report_id.rpartition("/")
    current = next(version for version in history.versions if version.id == history.current)
    write(
        db,
        "reports",
        [
            {
                "id": report_id,
                "issuer_id": issuer_id,
                "year": int(year),
                "scope": current.reading.scope,
                "form": current.reading.form,
                "title": current.reading.title,
                "published_on": current.reading.published_on,
                "url": history.url,
                "status": history.status,
                "current_version": f"{report_id}/{history.current}",
                "first_seen": history.first_seen,
                "last_seen": history.last_seen,
            }
        ],
    )
    for version in history.versions:
        version_id, reading = f"{report_id}/{version.id}", version.reading
        wide, notes = figures(version_id, reading)
        numbers_read, nonzero = count_numbers(wide)
        write(
            db,
            "versions",
            [
                {
                    "id": version_id,
                    "report_id": report_id,
                    "number": version.number,
                    "replaces": f"{report_id}/{version.replaces}" if version.replaces else None,
                    "first_seen": version.first_seen,
                    "last_seen": version.last_seen,
                    "media_type": reading.media_type,
                    "title": reading.title,
                    "form": reading.form,
                    "published_on": reading.published_on,
                    "content_digest": reading.content_digest,
                    "parser": parser,
                    "flags": "\n".join(reading.flags) or None,
                    "numbers_read": numbers_read,
                    "nonzero_cells": nonzero,
                }
            ],
        )
        write(db, "figures", [wide])
        write(db, "cell_notes", notes)
        write(db, "sections", _section_rows(version_id, reading))
        write_findings(db, version_id, reading.findings)
        write(db, "extras", _listed(version_id, reading.extras))
        write(db, "unused", _listed(version_id, reading.unused))
    changes = 0
    for transition in history.transitions:
        changes += write(
            db,
            "changes",
            (
                {
                    "report_id": report_id,
                    "from_version": f"{report_id}/{transition.earlier}",
                    "to_version": f"{report_id}/{transition.later}",
                    "position": position,
                    **asdict(change),
                }
                for position, change in enumerate(transition.changes, start=1)
            ),
        )
    return changes


def _section_rows(version_id: str, reading: Reading) -> Iterator[dict[str, Any]]:
    for number, (heading, text) in sorted(chapters(reading).items()):
        yield {"version_id": version_id, "number": number, "heading": heading, "text": text}


def _listed(version_id: str, items: Iterable[Extra | Unused]) -> Iterator[dict[str, Any]]:
    for position, item in enumerate(items, start=1):
        yield {"version_id": version_id, "position": position, **asdict(item)}


def write_findings(db: sqlite_utils.Database, version_id: str, findings: Iterable[Finding]) -> None:
    """Write findings on a version; all those of one rule must come together."""
    write(db, "findings", _finding_rows(version_id, findings))


def _finding_rows(version_id: str, findings: Iterable[Finding]) -> Iterator[dict[str, Any]]:
    positions: Counter[str] = Counter()
    for finding in findings:
        if finding.rule not in KNOWN_RULES:
            log.warning("%s: finding of unknown rule %s", version_id, finding.rule)
            continue
        positions[finding.rule] += 1
        yield {
            "version_id": version_id,
            "rule": finding.rule,
            "position": positions[finding.rule],
            "verdict": str(finding.verdict),
            "expected": finding.expected,
            "actual": finding.actual,
            "blame": str(finding.blame) if finding.blame else None,
            "explanation": finding.explanation,
            "cells": json.dumps(finding.cells),
            "proposed": json.dumps(dict(finding.proposed)) if finding.proposed else None,
            "printed": finding.printed or None,
        }


def figures(version_id: str, reading: Reading) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The wide row of a version, and its cell notes.

    A number its column cannot hold (a fraction where the form counts) stays out of the row and is
    told in a note, as printed.
    """
    row: dict[str, Any] = {"version_id": version_id}
    notes = {key: note for key, note in reading.notes.items() if key in form.PRINTED}
    for key, printed in reading.cells.items():
        field = form.PRINTED.get(key)
        if field is None or printed is None:
            continue
        if TABLES["figures"].columns[field.flat].type == "TEXT":
            row[field.flat] = printed
        elif INTEGER.fullmatch(digits := printed.replace(",", "")):
            row[field.flat] = int(digits)
        else:
            notes[key] = Note(State.TEXT, printed)
    return row, [
        {
            "version_id": version_id,
            "field": key,
            "state": str(note.state),
            "printed": note.printed,
            "confidence": note.confidence,
        }
        for key, note in sorted(notes.items())
    ]


def count_numbers(row: Row) -> tuple[int, int]:
    """How many cells of a wide row hold a number, and how many hold one other than 0."""
    numbers = [value for key, value in row.items() if key != "version_id" and value is not None]
    return len(numbers), sum(1 for number in numbers if not _is_zero(number))


def _is_zero(number: Any) -> bool:
    try:
        return Decimal(str(number).replace(",", "")) == 0
    except InvalidOperation:
        return False


def _derived_view() -> str:
    """SQL for the sums the form defines but does not print; NULL when any part is NULL."""
    fields = json.loads((form.HERE / "fields.json").read_text(encoding="utf-8"))["fields"]
    columns = ["version_id"]
    for field in fields:
        if field["kind"] == DERIVED:
            parts = [form.PRINTED[key.strip()].flat for key in field["formula"].split("+")]
            total = " + ".join(f'"{part}"' for part in parts)
            columns.append(f'{total} as "{field["flat"]}"')
    return f"select {', '.join(columns)} from figures"


def _field_rows() -> Iterator[dict[str, Any]]:
    for position, field in enumerate(form.PRINTED.values()):
        years = [year for year, name in FORM_YEARS.items() if field.key in form.keys(name)]
        yield {
            "key": field.key,
            "flat": field.flat,
            "zh": field.zh,
            "table_key": field.table,
            "row_key": field.row,
            "row_zh": field.row_zh,
            "column_key": field.column,
            "column_zh": field.column_zh,
            "unit": field.unit,
            "formats": ",".join(years),
            "position": position,
        }


def _identity_rows() -> Iterator[dict[str, Any]]:
    for identity in RULES:
        yield {
            "id": identity.id,
            "formula": identity.formula,
            "formats": ",".join(str(year) for year in identity.formats),
            "level": identity.level,
            "basis": identity.basis,
        }
