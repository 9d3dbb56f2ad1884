"""Writing the archive: the only module that does.

An archive is written beside the one in use, from nothing or from a copy of it, and takes its place
in one rename, so that readers see the old one or the new one and a build that dies leaves nothing
behind.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import sqlite_utils

from archive import form
from archive.findings.rules import RULES
from archive.model import Extra, Finding, Note, Reading, State, Unused
from archive.schema import TABLES
from archive.shelf import sync
from archive.versions import History, chapters

# Pages are hostile: a NUL ends a text for half of SQLite's functions, a lone surrogate is refused.
UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
PYTHON_TYPES: Mapping[str, type] = {"TEXT": str, "INTEGER": int, "REAL": float}
FORM_YEARS = {"2014": "stats2014", "2019": "2019", "2021": "2021"}
DERIVED = "derived"
KNOWN_RULES = frozenset(rule.id for rule in RULES)
# How SQLite begins what it tells of an exception in a function of ours.
BROKEN_FUNCTION = "user-defined"
KEY = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)+")
# Most findings are about the cells of their rule's formula: said each time, they would be two
# fifths of an archive.
FORMULA_CELLS = {rule.id: tuple(KEY.findall(rule.formula)) for rule in RULES}
# An archive that has less than this share of what the last had is not put in place; of less than
# a few nothing can be concluded.
LEAST_SHARE, FEW = 0.9, 20

AGAIN = "It was not put in place; build again with --rebuild, and tell us if that does not help"
# What goes with a version, and with a report; versions last, for the others are found by them.
OF_VERSION = (
    ("figures", "version_id"),
    ("cell_notes", "version_id"),
    ("sections", "version_id"),
    ("extras", "version_id"),
    ("unused", "version_id"),
    ("findings", "version_id"),
)
OF_REPORT = (
    ("changes", "report_id"),
    ("events", "report_id"),
    ("versions", "report_id"),
    ("reports", "id"),
)

log = logging.getLogger(__name__)

Row = Mapping[str, Any]
Archive = sqlite_utils.Database


class ArchiveError(ValueError):
    """The archive just written contradicts itself; it was not put in place."""


def clean(value: Any) -> Any:
    """A value SQLite takes: text without NULs and lone surrogates, all else as it is."""
    return UNSTORABLE.sub("\ufffd", value) if isinstance(value, str) else value


def create(path: Path) -> Archive:
    """An empty archive with every table, index and view, and the form written into it."""
    _clear(path)
    db = _open(path)
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


def copy(archive: Path, path: Path) -> Archive:
    """The archive in use once more, to go on with."""
    _clear(path)
    shutil.copyfile(archive, path)
    return _open(path)


def _clear(path: Path) -> None:
    for leftover in path.parent.glob(path.name + "*"):
        leftover.unlink()


def _open(path: Path) -> Archive:
    db = sqlite_utils.Database(sqlite3.connect(path, isolation_level=None))
    # It is a fresh file that nobody reads until it is synced and renamed.
    db.execute("pragma journal_mode = off")
    db.execute("pragma synchronous = off")
    return db


def reading(archive: Path) -> Archive:
    """The archive in use, to read."""
    return Archive(sqlite3.connect(f"{archive.absolute().as_uri()}?mode=ro", uri=True))


def trouble(archive: Path, error: sqlite3.Error) -> str:
    """Why an archive cannot be read, and what to do about it, in a sentence."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    if str(error).startswith(BROKEN_FUNCTION):
        return f"{archive}: {error}: a mistake of this program, not of the archive; report it"
    if archive.is_dir():
        return f"{archive} is a folder, not an archive: move it away, then build again"
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f"{archive} is locked: another program writes to it; wait, or end that program"
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_TOOBIG:
            return f"{archive}: {error}: the disk is full; free it, then start again"
        case sqlite3.SQLITE_IOERR:
            return f"{archive}: {error}: the disk is full or failing; mend it, then start again"
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_READONLY:
            return f"{archive}: {error}: see whether this user may read it, and the folder it is in"
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return f"{archive} is damaged or no archive ({error}): build it again"
    return f"{archive} is of another version or damaged ({error}): build it again"


def identity(archive: Path) -> tuple[int, int] | None:
    """Which build made an archive: its number, and what tells it from a build of that number in
    another folder or another history. None where there is no archive that can be read."""
    if not archive.exists():
        return None
    try:
        with closing(reading(archive)) as db:
            pages, size = (
                int(db.execute(f"pragma {name}").fetchone()[0])
                for name in ("page_count", "page_size")
            )
            if pages * size != archive.stat().st_size:
                return None
            number = int(db.execute("pragma user_version").fetchone()[0])
            return number, int(db.execute("pragma application_id").fetchone()[0])
    except sqlite3.DatabaseError:
        return None


def counts(archive: Path) -> dict[str, int]:
    """How much an archive holds: portals, reports and numbers read; empty without one."""
    try:
        with closing(reading(archive)) as db:
            return {
                name: db.execute(sql).fetchone()[0] or 0
                for name, sql in (
                    ("portals", "select count(*) from portals"),
                    ("reports", "select count(*) from reports"),
                    ("cells", "select sum(numbers_read) from versions"),
                )
            }
    except sqlite3.DatabaseError:
        return {}


def _foreign_keys() -> Iterator[tuple[str, str, str, str]]:
    for name, table in TABLES.items():
        for column, spec in table.columns.items():
            if spec.references:
                other_table, _, other_column = spec.references.partition(".")
                yield name, column, other_table, other_column


def write(db: Archive, table: str, rows: Iterable[Row]) -> None:
    """Insert rows by column name, or replace those of the same key; columns left out are NULL."""
    columns = tuple(TABLES[table].columns)
    values = (tuple(clean(row.get(column)) for column in columns) for row in rows)
    db.conn.executemany(_insert(table, "insert or replace"), values)


def rewrite(db: Archive, table: str, rows: Iterable[Row]) -> None:
    """Let these be all rows of a table."""
    db.conn.execute(f'delete from "{table}"')
    write(db, table, rows)


def delete(db: Archive, table: str, **key: Any) -> None:
    """Delete the rows that have these values."""
    where = " and ".join(f'"{column}" = ?' for column in key)
    db.conn.execute(f'delete from "{table}" where {where}', tuple(key.values()))


def forget_captures(db: Archive, digest: str, since: str) -> None:
    """Delete the captures of a payload from a moment on."""
    db.conn.execute("delete from captures where digest = ? and fetched_at >= ?", (digest, since))


@cache
def _insert(table: str, how: str = "insert") -> str:
    columns = TABLES[table].columns
    names = ", ".join(f'"{column}"' for column in columns)
    return f'{how} into "{table}" ({names}) values ({", ".join("?" * len(columns))})'


class Batch:
    """Rows of many reports, written together: a statement for a few rows at a time costs more
    than its rows."""

    def __init__(self, db: Archive, size: int = 2_000) -> None:
        self._db, self._size = db, size
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in TABLES}
        self._waiting = 0

    def add(self, table: str, rows: Iterable[Row]) -> None:
        """Rows to be written."""
        columns = _columns(table)
        coming = [tuple(map(row.get, columns)) for row in rows]
        self._rows[table] += coming
        self._waiting += len(coming)
        if self._waiting >= self._size:
            self.flush()

    def flush(self) -> None:
        """Write what waits. Until then it cannot be read or deleted."""
        for table, rows in self._rows.items():
            if rows:
                self._write(table, rows)
                rows.clear()
        self._waiting = 0

    def _write(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        statement = _insert(table)
        texts = _texts(table)
        # A look at a text takes a tenth of what rebuilding its row would.
        found = UNSTORABLE.search
        for number, row in enumerate(rows):
            for position in texts:
                value = row[position]
                if value is not None and found(value):
                    rows[number] = tuple(map(clean, row))
                    break
        self._db.conn.executemany(statement, rows)


@cache
def _columns(table: str) -> tuple[str, ...]:
    return tuple(TABLES[table].columns)


@cache
def _texts(table: str) -> tuple[int, ...]:
    columns = TABLES[table].columns.values()
    return tuple(position for position, spec in enumerate(columns) if spec.type == "TEXT")


@contextmanager
def transaction(db: Archive) -> Iterator[None]:
    """All writes inside are one transaction: a commit for each row would cost ten times as much."""
    db.execute("begin")
    yield
    db.execute("commit")


def put_in_place(
    db: Archive,
    written: Path,
    path: Path,
    made_by: tuple[int, int] = (0, 0),
    may_shrink: bool = True,
) -> None:
    """Check a finished archive, bring it to the disk and let it take the place of the last.

    `made_by` is its identity. Raises ArchiveError, and leaves the last in place, when the
    archive contradicts itself or, unless it `may_shrink`, holds much less than the last.
    """
    try:
        db.execute("analyze")
        db.execute(f"pragma user_version = {made_by[0]}")
        db.execute(f"pragma application_id = {made_by[1]}")
    finally:
        db.close()
    sync(written)
    # Read again from the file: SQLite says nothing of a write that fails as it closes.
    _check(written, made_by)
    if not may_shrink and (lost := collapsed(counts(path), counts(written))):
        raise ArchiveError(
            f"{written} was not put in place, {path} stays as it was: {lost}. See what the crawl "
            "and the reader did; if it is right, build again with --accept-loss"
        )
    os.replace(written, path)
    sync(path.parent)


def _check(written: Path, made_by: tuple[int, int]) -> None:
    """Raise ArchiveError where a finished archive is not what was written or contradicts itself."""
    if (found := identity(written)) != made_by:
        raise ArchiveError(f"{written}: made by {found} where {made_by} was written. {AGAIN}")
    with closing(reading(written)) as db:
        verdict = db.execute("pragma integrity_check").fetchone()[0]
        if verdict != "ok":
            raise ArchiveError(f"{written}: {verdict}. {AGAIN}")
        dangling = db.execute("pragma foreign_key_check").fetchall()
        # sqlite-utils takes a write refused while it asks what SQLite can do for an answer.
        lax = db.execute(
            "select name from pragma_table_list "
            "where schema = 'main' and type = 'table' and not strict and name not like 'sqlite_%'"
        ).fetchall()
    if lax:
        raise ArchiveError(f"{written}: table {lax[0][0]} was made without its types. {AGAIN}")
    if dangling:
        table, rowid, parent, _ = dangling[0]
        raise ArchiveError(
            f"{written}: {len(dangling)} rows point nowhere, "
            f"the first from {table} row {rowid} to {parent}. {AGAIN}"
        )


def collapsed(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """What an archive has much less of than the last, in words; empty when it has not."""
    return "; ".join(
        f"{had} {name} before, {after.get(name, 0)} now"
        for name, had in before.items()
        if had >= FEW and after.get(name, 0) < had * LEAST_SHARE
    )


def forget_report(db: Archive, report_id: str) -> None:
    """Delete a report with its versions and all that hangs on them."""
    for table, column in OF_VERSION:
        db.conn.execute(
            f'delete from "{table}" where {column} in '
            "(select id from versions where report_id = ?)",
            (report_id,),
        )
    for table, column in OF_REPORT:
        db.conn.execute(f'delete from "{table}" where {column} = ?', (report_id,))


def touch_report(db: Archive, report_id: str, history: History) -> None:
    """Write when a report and its versions were last seen; all else they say is as it was."""
    db.conn.execute("update reports set last_seen = ? where id = ?", (history.last_seen, report_id))
    db.conn.executemany(
        "update versions set last_seen = ? where id = ?",
        ((version.last_seen, f"{report_id}/{version.id}") for version in history.versions),
    )


def write_report(batch: Batch, report_id: str, history: History, parser: str) -> None:
    """Write a report, its versions and all that hangs on them."""
    issuer_id, _, year = report_id.rpartition("/")
    current = next(version for version in history.versions if version.id == history.current)
    batch.add(
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
        batch.add(
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
        batch.add("figures", [wide])
        batch.add("cell_notes", notes)
        batch.add("sections", _section_rows(version_id, reading))
        write_findings(batch, version_id, reading.findings)
        batch.add("extras", _listed(version_id, reading.extras))
        batch.add("unused", _listed(version_id, reading.unused))
    for transition in history.transitions:
        batch.add(
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
    batch.add("events", _event_rows(report_id, history))


def _event_rows(report_id: str, history: History) -> Iterator[dict[str, Any]]:
    for position, event in enumerate(history.events, start=1):
        yield {
            "report_id": report_id,
            "position": position,
            "kind": event.kind,
            "at": event.at,
            "night": event.night,
            "url": event.url,
            "version_id": f"{report_id}/{event.version}",
            "from_version": f"{report_id}/{event.earlier}" if event.earlier else None,
            "days_since_publication": event.days,
        }


def _section_rows(version_id: str, reading: Reading) -> Iterator[dict[str, Any]]:
    for number, (heading, text) in sorted(chapters(reading).items()):
        yield {"version_id": version_id, "number": number, "heading": heading, "text": text}


def _listed(version_id: str, items: Iterable[Extra | Unused]) -> Iterator[dict[str, Any]]:
    for position, item in enumerate(items, start=1):
        yield {"version_id": version_id, "position": position, **asdict(item)}


def write_findings(batch: Batch, version_id: str, findings: Iterable[Finding]) -> None:
    """Write findings on a version; all those of one rule must come together."""
    batch.add("findings", _finding_rows(version_id, findings))


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
            "cells": None
            if finding.cells and finding.cells == FORMULA_CELLS.get(finding.rule)
            else json.dumps(finding.cells),
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
