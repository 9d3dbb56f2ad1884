"""Writing the archive: the only module that does.

An archive is written whole, beside the one in use, and takes its place in one rename, so that
readers see the old one or the new one and a build that dies leaves nothing behind.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import sqlite_utils

from archive import form
from archive.model import (
    Blame,
    Evidence,
    Finding,
    Note,
    Reading,
    Section,
    State,
    Verdict,
)
from archive.schema import TABLES

# Pages are hostile: a NUL ends a text for half of SQLite's functions, a lone surrogate is refused.
UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
PYTHON_TYPES: Mapping[str, type] = {"TEXT": str, "INTEGER": int, "REAL": float}
FORM_YEARS = {"2014": "stats2014", "2019": "2019", "2021": "2021"}
DERIVED = "derived"

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
    for identity in form.IDENTITIES:
        yield {
            "id": identity.id,
            "formula": identity.formula,
            "formats": ",".join(str(year) for year in identity.formats),
            "level": identity.level,
            "basis": identity.basis,
        }


class Memory:
    """What a build need not do twice: readings made, and segments verified.

    It only saves time: without its file everything is read again, with the same result.
    """

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        try:
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = normal")
            for table in ("readings", "segments", "mentions"):
                self._db.execute(
                    f"create table if not exists {table} (key text primary key, value blob)"
                )
            self._db.execute("create temp table used (key text primary key)")
        except sqlite3.Error:
            self._db.close()
            raise

    def recall(self, table: str, key: str) -> bytes | None:
        """What was kept under a key in readings, segments or mentions."""
        found = self._db.execute(f"select value from {table} where key = ?", (key,)).fetchone()
        return None if found is None else bytes(found[0])

    def keep(self, table: str, key: str, value: bytes) -> None:
        self._db.execute(f"insert or replace into {table} values (?, ?)", (key, value))

    def keep_only(self, table: str, keys: Iterable[str]) -> None:
        """Forget what nothing refers to any more, such as the readings of older readers."""
        self._db.execute("delete from used")
        self._db.executemany(
            "insert or ignore into used values (?)", ((key,) for key in sorted(keys))
        )
        self._db.execute(f"delete from {table} where key not in (select key from used)")

    def close(self) -> None:
        self._db.close()


def pack(value: Any) -> bytes:
    """A JSON value, packed for the memory of builds."""
    return zlib.compress(json.dumps(value, ensure_ascii=True).encode("ascii"), 1)


def unpack(packed: bytes) -> Any:
    return json.loads(zlib.decompress(packed))


def pack_reading(reading: Reading) -> bytes:
    return pack(
        {
            field.name: getattr(reading, field.name)
            for field in dataclasses.fields(reading)
            if field.name not in ("sections", "cells", "notes", "findings")
        }
        | {
            "sections": [dataclasses.asdict(section) for section in reading.sections],
            "cells": dict(reading.cells),
            "notes": {key: dataclasses.asdict(note) for key, note in reading.notes.items()},
            "findings": [dataclasses.asdict(finding) for finding in reading.findings],
        }
    )


def reading_key(parser: str, evidence: Evidence, parts: Sequence[tuple[str, str, str]]) -> str:
    """What a reading depends on, as one name; `parts` are (digest, name, content type)."""
    facts = [parser, dataclasses.astuple(evidence), [list(part) for part in parts]]
    return hashlib.sha256(json.dumps(facts).encode("ascii")).hexdigest()


def unpack_reading(packed: bytes) -> Reading:
    stored = unpack(packed)
    return Reading(
        **stored
        | {
            "sections": tuple(Section(**section) for section in stored["sections"]),
            "notes": {
                key: Note(State(note["state"]), note["printed"], note["confidence"])
                for key, note in stored["notes"].items()
            },
            "findings": tuple(_finding(finding) for finding in stored["findings"]),
            "links": tuple(stored["links"]),
        }
    )


def _finding(stored: dict[str, Any]) -> Finding:
    return Finding(
        **stored
        | {
            "verdict": Verdict(stored["verdict"]),
            "blame": Blame(stored["blame"]) if stored["blame"] else None,
            "cells": tuple(stored["cells"]),
        }
    )
