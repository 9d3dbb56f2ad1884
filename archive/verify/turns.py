"""Whose turn is it? What was verified when, so that each file is hashed again within a month.

The memory is DATA/verified.db. Its loss, or a crash, costs a verification of everything.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Self

from archive.manifest import FOLDER
from archive.shelf import Kept, Shelf

DAYS = 30
# How a note of this memory is called where it contradicts what is found.
LAST_TIME = "the last verification"
MEMORY = "verified.db"
TABLES = """
create table if not exists files (
    folder text, name text, stamp text, sha256 text, day text, sound integer,
    primary key (folder, name)
);
create table if not exists grown (name text primary key, bytes integer, sha256 text);
"""


@dataclass(frozen=True, slots=True)
class Verified:
    """What is remembered of a file; `sha256` is that of the day it was first found sound."""

    stamp: str
    sha256: str
    day: str
    is_sound: bool


class Turns:
    """What was verified when. Where it cannot be written it lasts as long as it is open."""

    def __init__(self, path: Path, shelf: Shelf) -> None:
        self._shelf = shelf
        self._db = _connected(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self._db.close()

    def known(self, folder: str) -> dict[str, Verified]:
        """All that is remembered of the files of a folder of the shelf, by name."""
        query = "select name, stamp, sha256, day, sound from files where folder = ?"
        return {
            name: Verified(stamp, sha256, day, bool(sound))
            for name, stamp, sha256, day, sound in self._db.execute(
                query, (self._shelf.where(folder),)
            )
        }

    def keep(self, folder: str, kept: Kept, sha256: str, day: date, is_sound: bool) -> None:
        """Remember that a file was verified, at once. The digest once sound stays."""
        self._write(
            "insert into files values (?, ?, ?, ?, ?, ?) on conflict do update set "
            "stamp = excluded.stamp, day = excluded.day, sound = excluded.sound, "
            "sha256 = case when sha256 = '' then excluded.sha256 else sha256 end",
            (
                *(self._shelf.where(folder), kept.name, kept.stamp),
                *(sha256 if is_sound else "", day.isoformat(), is_sound),
            ),
        )

    def grown(self, name: str) -> tuple[int, str] | None:
        """Size and SHA-256 a file of DATA that only grows had when it was last found sound."""
        query = "select bytes, sha256 from grown where name = ?"
        found: tuple[int, str] | None = self._db.execute(query, (name,)).fetchone()
        return found

    def keep_grown(self, name: str, size: int, sha256: str) -> None:
        """Remember a file that only grows."""
        self._write("insert or replace into grown values (?, ?, ?)", (name, size, sha256))

    def head(self) -> tuple[int, str] | None:
        """Number and SHA-256 of the newest manifest of the shelf when its chain was last sound."""
        return self.grown(self._shelf.where(FOLDER))

    def keep_head(self, number: int, sha256: str) -> None:
        """Remember the newest manifest of the shelf."""
        self.keep_grown(self._shelf.where(FOLDER), number, sha256)

    def _write(self, sql: str, values: tuple[object, ...]) -> None:
        try:
            self._db.execute(sql, values)
        except sqlite3.OperationalError:
            # The disk is full or failing: a round does not end for want of a memory.
            aside = sqlite3.connect(":memory:", isolation_level=None)
            self._db.backup(aside)
            self._db.close()
            self._db = aside
            self._db.execute(sql, values)


def due(
    kept: Sequence[Kept], known: dict[str, Verified], today: date, days: int = DAYS
) -> list[Kept]:
    """The files to verify: fresh or touched ones, those that were not sound, all not verified
    for so many days, and of the rest the share that has waited longest.

    A day to come is none on which a file was verified: the clock was wrong.
    """
    overdue = (today - timedelta(days=days)).isoformat()
    first, rest = [], []
    for one in kept:
        last = known.get(one.name)
        is_as_it_was = last is not None and last.stamp == one.stamp and last.is_sound
        if last is None or not is_as_it_was or not overdue < last.day <= today.isoformat():
            first.append(one)
        elif last.day < today.isoformat():
            rest.append((last.day, one.name, one))
    share = -(-len(kept) // days)
    return sorted([*first, *(one for *_, one in sorted(rest)[:share])], key=lambda one: one.name)


def _connected(path: Path) -> sqlite3.Connection:
    try:
        return _prepared(sqlite3.connect(path, isolation_level=None))
    except sqlite3.OperationalError:
        # A folder that cannot be written to.
        return _prepared(sqlite3.connect(":memory:", isolation_level=None))
    except sqlite3.DatabaseError:
        for part in path.parent.glob(path.name + "*"):
            with suppress(FileNotFoundError):
                part.unlink()
        return _prepared(sqlite3.connect(path, isolation_level=None))


def _prepared(db: sqlite3.Connection) -> sqlite3.Connection:
    try:
        (verdict,) = db.execute("pragma quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        db.executescript(TABLES)
        db.execute("insert or replace into grown values ('', 0, '')")
    except sqlite3.Error:
        db.close()
        raise
    return db
