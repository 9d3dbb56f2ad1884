"""Is a segment what it was when it was recorded, and do its records and the archive's rows agree?

Rows are found by what they say (moment, address, digest) and not by their place alone: in a
segment that lost a record all later ones lie elsewhere, and only one is lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from archive.shelf import Kept, Shelf
from archive.store import clean
from archive.verify.problems import Problem, bounded, note
from archive.verify.tables import damaged, has_table, opened
from archive.warc import FOLDER, Capture, Damage, spans

RESTORE = (
    "restore the segment from the backup; without one save the rest with "
    "`python -m archive salvage`, then rename the damaged file to NAME.damaged and build"
)
READ_AGAIN = "run `python -m archive build --accept-loss`, which reads it again"
REBUILD = "run `python -m archive build --rebuild`"
ARCHIVE = "the archive"
# A segment whose rows are all gone must not fill the memory with words about it.
MOST_KEPT = 1000
# SHA-256, size and number of answers, as far as the archive records them.
Own = tuple[str | None, int | None, int | None]
CHANGED = "the segment's bytes changed since they were recorded"


@dataclass(frozen=True, slots=True)
class Recorded:
    """The SHA-256 somebody noted for a segment, and how many records it has if they were counted:
    `by` names the note."""

    by: str
    sha256: str
    records: int | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A segment to check, against an archive if there is one, and what was noted of it."""

    shelf: Shelf
    kept: Kept
    archive: Path | None = None
    recorded: tuple[Recorded, ...] = ()


@dataclass(slots=True)
class Checked:
    """What came out. `changed` is the note that its SHA-256 contradicts, if one does; `unsettled`
    are digests of which records and rows say different things."""

    name: str
    sha256: str = ""
    captures: int = 0
    records: int = 0
    is_folded: bool = False
    changed: Recorded | None = None
    unsettled: set[str] = field(default_factory=set)
    last_at: str = ""
    problems: list[Problem] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        return not any(not problem.is_note for problem in self.problems)


@dataclass(slots=True)
class _Walk:
    """What a walk over a segment found, and which rows it accounts for (in temporary tables)."""

    captures: int = 0
    records: int = 0
    last_at: str = ""
    damages: list[tuple[int, int, str]] = field(default_factory=list)
    unknown: list[Problem] = field(default_factory=list)
    differing: list[Problem] = field(default_factory=list)
    unsettled: set[str] = field(default_factory=set)


def check(task: Task) -> Checked:
    """Everything that is off with one segment. Reads it twice: whole, and record by record."""
    name = task.kept.name
    found = Checked(name)
    try:
        found.sha256 = task.shelf.digest(FOLDER, name)
        with closing(opened(task.archive)) as db:
            own = _segment_row(db, name)
            found.is_folded = own is not None
            recorded = list(task.recorded)
            if own and own[0]:
                recorded.insert(0, Recorded(ARCHIVE, own[0]))
            found.changed = next((one for one in recorded if one.sha256 != found.sha256), None)
            with task.shelf.open(FOLDER, name) as file:
                walk = _walked(db if found.is_folded else None, name, spans(file, name))
            found.captures, found.records = walk.captures, walk.records
            found.last_at, found.unsettled = walk.last_at, walk.unsettled
            if _is_restored(found, recorded):
                found.problems += _restored(name, walk)
            else:
                found.problems += _told(db, task, found, walk, own)
    except FileNotFoundError:
        found.problems.append(
            Problem(
                *("segment-missing", _at(name), "it was there and is gone"),
                *("another process took it away while it was checked", RESTORE),
            )
        )
    except sqlite3.DatabaseError as error:
        found.problems.append(damaged(str(error)))
    except OSError as error:
        found.problems.append(
            Problem(
                *("segment-unreadable", _at(name), "it cannot be read", str(error)),
                "check the disk or the store it lies on, then verify again",
            )
        )
    return found


def _at(name: str, offset: int | None = None) -> str:
    return f"{FOLDER}/{name}" + (f" at {offset}" if offset is not None else "")


def swapped(found: Checked, other: str) -> Problem:
    """What to say of a segment whose bytes are those noted for another."""
    by = found.changed or Recorded("a note", "other")
    return Problem(
        *("segment-swapped", _at(found.name), f"its bytes are those recorded as {other}"),
        f"{by.by} records SHA-256 {by.sha256} for it",
        f"put {other} back under its name and {found.name} from the backup",
    )


def _segment_row(db: sqlite3.Connection, name: str) -> Own | None:
    """SHA-256, size and number of answers the archive records of a segment; None if it does not
    know it."""
    if has_table(db, "segments"):
        query = "select sha256, bytes, captures from segments where warc_file = ?"
        if found := db.execute(query, (name,)).fetchone():
            return found[0], found[1], found[2]
    if has_table(db, "captures"):
        query = "select 1 from captures where warc_file = ? limit 1"
        if db.execute(query, (name,)).fetchone():
            return None, None, None
    return None


# --- records against rows -------------------------------------------------------------------------


def _walked(
    db: sqlite3.Connection | None,
    name: str,
    found: Iterable[tuple[int, int, Capture | Damage | None]],
) -> _Walk:
    """Walk a segment; with an archive, note which of its rows have their record.

    The notes are in temporary tables, which lie on the disk: a segment may hold a million records.
    """
    walk = _Walk()
    if db is not None:
        db.executescript(
            "pragma temp_store = file;"
            "create temp table in_place (offset integer primary key);"
            "create temp table elsewhere (offset integer, lies_at integer);"
        )
    for offset, end, record in found:
        if isinstance(record, Damage):
            walk.damages.append((offset, end, record.reason))
            continue
        walk.records += 1
        if record is None:
            continue
        walk.captures += 1
        walk.last_at = max(walk.last_at, record.fetched_at)
        if db is not None:
            _match(db, walk, name, record)
    return walk


def _match(db: sqlite3.Connection, walk: _Walk, name: str, record: Capture) -> None:
    said = tuple(map(clean, (record.digest, record.url, record.fetched_at, record.record_type)))
    row = db.execute(
        "select digest, url, fetched_at, record_type from captures "
        "where warc_file = ? and offset = ?",
        (name, record.offset),
    ).fetchone()
    if row == said:
        db.execute("insert or ignore into temp.in_place values (?)", (record.offset,))
        return
    # A record repeated in several places has one row, at one of them.
    same = db.execute(
        "select warc_file, offset from captures "
        "where url = ? and fetched_at = ? and digest = ? order by warc_file <> ?",
        (said[1], said[2], said[0], name),
    ).fetchone()
    if same is not None and same != (name, record.offset):
        if same[0] == name:
            db.execute("insert into temp.elsewhere values (?, ?)", (same[1], record.offset))
        return
    where = _at(name, record.offset)
    if row is None:
        if len(walk.unknown) <= MOST_KEPT:
            walk.unsettled.add(record.digest)
            walk.unknown.append(
                Problem(
                    *("record-without-row", where),
                    f"the capture of {record.url} at {record.fetched_at} is not in the archive",
                    *("its row in `captures` is missing", REBUILD),
                )
            )
        return
    db.execute("insert or ignore into temp.in_place values (?)", (record.offset,))
    if len(walk.differing) <= MOST_KEPT:
        walk.unsettled |= {record.digest, row[0]}
        names = ("digest", "url", "fetched_at", "record_type")
        differs = "; ".join(
            f"{column} is {had!r} in the archive and {has!r} in the segment"
            for column, had, has in zip(names, row, said, strict=True)
            if had != has
        )
        walk.differing.append(
            Problem("row-differs", where, f"the row of {record.url} differs", differs, REBUILD)
        )


def _told(
    db: sqlite3.Connection,
    task: Task,
    found: Checked,
    walk: _Walk,
    own: Own | None,
) -> Iterator[Problem]:
    name, changed = found.name, found.changed
    if not task.kept.size:
        yield _empty(task, own)
        return
    lost: list[tuple[int, str, str]] = []
    in_damage: dict[int, list[tuple[int, str, str]]] = {}
    moved: Sequence[tuple[int, int]] = ()
    if found.is_folded:
        for offset, url, fetched_at in _unaccounted(db, name):
            place = next((b for b, e, _ in walk.damages if b <= offset < e), None)
            rows = lost if place is None else in_damage.setdefault(place, [])
            if len(rows) <= MOST_KEPT:
                rows.append((offset, url, fetched_at))
        moved = _moved(db, name)
    # Without a recorded digest the rows still tell: one that is wrong is a row's fault, many are
    # the segment's.
    is_changed = changed is not None or (len(moved) > 1 or (bool(moved) and bool(lost)))
    known = set() if changed or not found.is_folded else _known_damages(db, name)
    located = list(
        chain(
            bounded(_damaged(name, walk.damages, in_damage, known, is_changed)),
            bounded(_lost(task, lost, own, is_changed)),
            bounded(walk.unknown),
            bounded(walk.differing),
            bounded(() if is_changed else _misplaced(name, moved)),
        )
    )
    yield from located
    explains = {"record-damaged", "capture-lost", "record-without-row"}
    if is_changed and not any(problem.kind in explains for problem in located):
        why = (
            f"{changed.by} records SHA-256 {changed.sha256}, found {found.sha256}"
            if changed
            else f"{len(moved)} records lie elsewhere than the archive says"
        )
        counted = next((one.records for one in task.recorded if one.records), 0)
        gone = counted - found.records
        what = f"{gone} of its {counted} records are gone" if gone > 0 else "its records are sound"
        yield Problem("segment-changed", _at(name), f"its bytes changed, {what}", why, RESTORE)
    if own and not is_changed and own[2] not in (None, walk.captures):
        yield Problem(
            *("segment-count", _at(name)),
            f"the archive counts {own[2]} captures in it, it holds {walk.captures}",
            *("its row in `segments` is wrong", REBUILD),
        )


def _empty(task: Task, own: Own | None) -> Problem:
    """What to say of a segment without a byte: one that was closed has a record at least."""
    counted = next((one for one in task.recorded if one.records), None)
    if counted:
        gone, why = f"its {counted.records} records", f"{counted.by} counts so many"
    elif own and own[2]:
        gone, why = f"its {own[2]} captures", f"{ARCHIVE} counts so many"
    else:
        gone, why = "all its records", "a closed segment has one at least"
    what = f"it is empty: {gone} are gone"
    return Problem("segment-empty", _at(task.kept.name), what, why, RESTORE)


def _is_restored(found: Checked, recorded: Iterable[Recorded]) -> bool:
    """Whether only the archive notes another digest: it read the segment while it was damaged."""
    noted = {one.by: one.sha256 == found.sha256 for one in recorded}
    return noted.pop(ARCHIVE, True) is False and bool(noted) and all(noted.values())


def _restored(name: str, walk: _Walk) -> Iterator[Problem]:
    yield from bounded(_damaged(name, walk.damages, {}, set(), False))
    yield note(
        *("segment-restored", _at(name), "the archive read other bytes of it"),
        "they are what a manifest or an earlier verification noted",
        READ_AGAIN,
    )


def _unaccounted(db: sqlite3.Connection, name: str) -> Iterator[tuple[int, str, str]]:
    yield from db.execute(
        "select offset, url, fetched_at from captures where warc_file = ? "
        "and offset not in (select offset from temp.in_place) "
        "and offset not in (select offset from temp.elsewhere) order by offset",
        (name,),
    )


def _moved(db: sqlite3.Connection, name: str) -> list[tuple[int, int]]:
    """Rows whose record lies at another place of the segment: (row says, it lies at)."""
    return db.execute(
        "select offset, min(lies_at) from temp.elsewhere "
        "where offset not in (select offset from temp.in_place) "
        "group by offset order by offset limit ?",
        (MOST_KEPT,),
    ).fetchall()


def _known_damages(db: sqlite3.Connection, name: str) -> set[int]:
    if not has_table(db, "damages"):
        return set()
    query = "select offset from damages where warc_file = ?"
    return {offset for (offset,) in db.execute(query, (name,))}


def _damaged(
    name: str,
    damages: Iterable[tuple[int, int, str]],
    in_damage: dict[int, list[tuple[int, str, str]]],
    known: set[int],
    is_changed: bool,
) -> Iterator[Problem]:
    for offset, end, reason in damages:
        rows = in_damage.get(offset, [])
        what = f"{end - offset} bytes are damaged"
        if rows:
            what += ": lost " + ", ".join(f"{url} of {at}" for _, url, at in rows[:3])
            what += f" and {len(rows) - 3} more" if len(rows) > 3 else ""
        if offset in known and not rows:
            yield note(
                *("damage-known", _at(name, offset), what, f"{reason}; so it was when first read"),
                "restore the segment if a backup has it whole",
            )
            continue
        why = f"{reason}; {CHANGED}" if is_changed else reason
        yield Problem("record-damaged", _at(name, offset), what, why, RESTORE)


def _lost(
    task: Task,
    lost: Iterable[tuple[int, str, str]],
    own: Own | None,
    is_changed: bool,
) -> Iterator[Problem]:
    name = task.kept.name
    why = CHANGED if is_changed else "the archive has a row for it"
    if own and own[1] is not None and own[1] != task.kept.size:
        why += f": {task.kept.size} bytes are there, {own[1]} were recorded"
    for offset, url, fetched_at in lost:
        yield Problem(
            *("capture-lost", _at(name, offset)),
            f"the capture of {url} at {fetched_at} is not in the segment",
            *(why, RESTORE if is_changed else f"{REBUILD}, and restore the segment if it fails"),
        )


def _misplaced(name: str, moved: Iterable[tuple[int, int]]) -> Iterator[Problem]:
    for says, lies_at in moved:
        yield Problem(
            *("row-differs", _at(name, lies_at), "the row of the record there differs"),
            *(f"offset is {says} in the archive and {lies_at} in the segment", REBUILD),
        )
