"""One round: what was found off with the captures, the archive and all that is kept beside them.

A round only reads, and holds with a crawl, a build or a publication going on: what grows is read
after what refers to it, so nothing in progress looks wrong.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from archive import spread
from archive.manifest import FOLDER as CHAIN
from archive.manifest import MOMENT, listed
from archive.progress import track
from archive.read import PARSER
from archive.shelf import Kept, Shelf, shelved
from archive.timestamps import UncheckedError
from archive.verify import lines, segments
from archive.verify.chain import STAMPS, Chain, check_stamp, followed
from archive.verify.folders import is_set_aside, leftovers
from archive.verify.growing import (
    LEDGER,
    PUBLISHED,
    Prefix,
    check_ledger,
    check_published,
    measured,
    unreadable,
)
from archive.verify.problems import Problem, bounded, note
from archive.verify.segments import RESTORE, Checked, Recorded, Task, swapped
from archive.verify.tables import (
    archive_segments,
    check_file,
    check_tables,
    damaged,
    has_table,
    opened,
)
from archive.verify.turns import LAST_TIME, MEMORY, Turns, Verified, due
from archive.warc import FOLDER, SUFFIX
from archive.workers import Limits

ARCHIVE, MANIFEST = "nianbao.db", "a manifest"
# A crawl that was killed is mended, and its segment closed, when the next one starts.
GRACE = timedelta(days=2)
# A segment of 1 GB takes a minute of CPU; over a network the clock may run long.
LIMITS = Limits(cpu_seconds=3600, wall_seconds=4 * 3600)


class VerifyError(ValueError):
    """There is nothing to verify; the message says where it was looked for."""


@dataclass(slots=True)
class Summary:
    """What a round did. `problems` are failures, `notes` are in order."""

    segments: int = 0
    verified: int = 0
    captures: int = 0
    not_folded: int = 0
    problems: int = 0
    notes: int = 0

    def __str__(self) -> str:
        verdict = f"{self.problems} problems" if self.problems else "all in order"
        return (
            f"{verdict}: verified {self.captures} captures in {self.verified} of {self.segments} "
            f"segments" + (f", {self.not_folded} not folded yet" if self.not_folded else "")
        )


def verify(
    data: Path,
    tell: Callable[[Problem], None],
    captures: str | None = None,
    everything: bool = False,
    workers: int = 0,
    *,
    today: date,
) -> Summary:
    """Check what is kept under a data folder (the closed segments at `captures` if it is given)
    and tell every problem. Segments take turns, unless `everything` is asked for."""
    if not data.is_dir():
        raise VerifyError(f"no data folder {data}: give the one to verify with --data")
    shelf = Shelf(captures) if captures else shelved(data)
    summary = Summary()

    def say(problem: Problem) -> None:
        summary.notes += problem.is_note
        summary.problems += not problem.is_note
        tell(problem)

    with Turns(data / MEMORY, shelf) as turns:
        for problem in _round(data, shelf, turns, everything, workers, today, summary):
            say(problem)
    return summary


def _round(
    data: Path,
    shelf: Shelf,
    turns: Turns,
    everything: bool,
    workers: int,
    today: date,
    summary: Summary,
) -> Iterator[Problem]:
    chain = followed(shelf, turns.head())
    yield from chain.problems
    yield from chain.notes
    if chain.head and not chain.problems:
        turns.keep_head(*chain.head)
    archive, problem = _usable(data / ARCHIVE)
    yield from [problem] if problem else []
    known = turns.known(FOLDER)
    with closing(opened(archive)) as db:
        in_archive = dict(archive_segments(db))
        # What refers to segments has been read: all of them are on the shelf by this time.
        kept = shelf.kept(FOLDER, SUFFIX)
        aside = list(leftovers(data))
        yield from aside
        yield from _missing(data, db, kept, in_archive, chain.segments, known)
        fresh = [one.name for one in kept if one.name not in in_archive] if archive else []
        yield from _not_folded(fresh)
        summary.segments, summary.not_folded = len(kept), len(fresh)

        noted = _noted(in_archive, chain.segments, known, _records(chain))
        elsewhere = {one.sha256: name for name, ones in noted.items() for one in ones}
        ends, unsettled = _ends(db), set[str]()
        tasks = [
            Task(shelf, one, archive, noted.get(one.name, ()))
            for one in (kept if everything else due(kept, known, today))
        ]
        for task, checked in track(_checked(tasks, workers), "segments", len(tasks)):
            other = elsewhere.get(checked.sha256)
            if checked.changed and other not in (None, checked.name):
                checked.problems = [swapped(checked, other or "")]
            turns.keep(FOLDER, task.kept, checked.sha256, today, checked.is_sound)
            ends[checked.name] = checked.last_at
            unsettled |= checked.unsettled
            summary.verified += 1
            summary.captures += checked.captures
            yield from checked.problems
        yield from bounded(_unlisted(kept, chain, ends))
        yield from _sightings(data, shelf, turns, chain, everything, today)
        yield from _stamps(shelf, turns, chain, everything, today)
        if archive:
            yield from check_tables(db, PARSER, _waits(db, fresh, aside), unsettled)
        yield from _names(data, db, archive, turns, chain)


def _usable(path: Path) -> tuple[Path | None, Problem | None]:
    """An archive that can be asked, or why there is none."""
    if not path.exists():
        return None, note(
            *("no-archive", ARCHIVE, "there is none", "no build has made one"),
            "run `python -m archive build`",
        )
    try:
        with closing(opened(path)) as db:
            damage = next(check_file(db), None)
    except sqlite3.DatabaseError as error:
        damage = damaged(str(error))
    return (None if damage else path), damage


def _checked(tasks: Sequence[Task], workers: int) -> Iterator[tuple[Task, Checked]]:
    with spread.opened(min(workers, len(tasks)), None, LIMITS) as executor:
        for task, found in spread.each(executor, segments.check, tasks, ahead=2 * workers):
            yield task, found if isinstance(found, Checked) else _given_up(task, found.reason)


def _given_up(task: Task, reason: str) -> Checked:
    problem = Problem(
        *("segment-unreadable", f"{FOLDER}/{task.kept.name}", "its check was given up", reason),
        "verify again with --workers 0",
    )
    return Checked(task.kept.name, problems=[problem])


def _noted(
    in_archive: Mapping[str, str | None],
    in_chain: Mapping[str, str],
    known: Mapping[str, Verified],
    records: Mapping[str, int] | None = None,
) -> dict[str, tuple[Recorded, ...]]:
    """What the archive, the manifests and earlier rounds noted of each file; `records` is how many
    a segment has by the manifests."""
    noted: dict[str, tuple[Recorded, ...]] = {}
    for by, digests in (
        (MANIFEST, in_chain),
        (segments.ARCHIVE, in_archive),
        (LAST_TIME, {name: last.sha256 for name, last in known.items()}),
    ):
        for name, sha256 in digests.items():
            if sha256:
                count = (records or {}).get(name) if by == MANIFEST else None
                noted[name] = (*noted.get(name, ()), Recorded(by, sha256, count))
    return noted


def _records(chain: Chain) -> dict[str, int]:
    """How many records the manifests count in each segment."""
    return {
        name: entry["records"]
        for name, entry in listed(chain.links, "segments").items()
        if isinstance(entry.get("records"), int)
    }


def _missing(
    data: Path,
    db: sqlite3.Connection,
    kept: Iterable[Kept],
    in_archive: Mapping[str, str | None],
    in_chain: Mapping[str, str],
    known: Mapping[str, Verified],
) -> Iterator[Problem]:
    """Segments that the archive, a manifest or an earlier round saw and that are not there."""
    there = {one.name for one in kept}
    for name in sorted((in_archive.keys() | in_chain.keys() | known.keys()) - there):
        if is_set_aside(data / FOLDER, name):
            # It is told of with the files that were set aside.
            continue
        rows = 0
        if name in in_archive:
            query = "select count(*) from captures where warc_file = ?"
            (rows,) = db.execute(query, (name,)).fetchone()
        by = (
            f"the archive has {rows} captures in it"
            if name in in_archive
            else "a manifest lists it"
            if name in in_chain
            else f"it was there at {LAST_TIME} that hashed it, on {known[name].day}"
        )
        yield Problem("segment-missing", f"{FOLDER}/{name}", "the segment is gone", by, RESTORE)


def _not_folded(fresh: Sequence[str]) -> Iterator[Problem]:
    if fresh:
        more = f" and {len(fresh) - 1} more" if len(fresh) > 1 else ""
        yield note(
            *("segment-not-folded", f"{FOLDER}/{fresh[0]}{more}", "not folded yet"),
            *("no build has seen it", "run `python -m archive build`"),
        )


def _waits(
    db: sqlite3.Connection, fresh: Sequence[str], aside: Iterable[Problem]
) -> tuple[str, str] | None:
    """Why a capture may not be in the archive though all is in order, and what to do; None when it
    must be."""
    if fresh:
        return f"{len(fresh)} segments are not folded yet", "run `python -m archive build`"
    if any(problem.kind == "leftover" for problem in aside):
        return "a segment that a killed crawl left open is not mended yet", "crawl, then build"
    whole = "restore the segment if a backup has it whole, then build"
    if any(problem.kind == "set-aside" for problem in aside):
        return "a damaged segment was set aside", whole
    if has_table(db, "damages") and db.execute("select 1 from damages").fetchone():
        return "damage in segments is known", whole
    return None


def _names(
    data: Path, db: sqlite3.Connection, archive: Path | None, turns: Turns, chain: Chain
) -> Iterator[Problem]:
    """The files that only grow, each against what was noted of it; noted anew when it is sound."""
    for name, noted in ((LEDGER, chain.register(LEDGER)), (PUBLISHED, chain.register(PUBLISHED))):
        last = turns.grown(name)
        earlier = [*noted, *([Prefix(LAST_TIME, *last)] if last else [])]
        try:
            size, sha256 = measured(data / name)
            problems = list(
                check_ledger(data, db, earlier)
                if name == LEDGER
                else check_published(data, archive, earlier)
            )
        except OSError as error:
            yield unreadable(data / name, error)
            continue
        yield from problems
        if size and not problems:
            turns.keep_grown(name, size, sha256)


def _sightings(
    data: Path, shelf: Shelf, turns: Turns, chain: Chain, everything: bool, today: date
) -> Iterator[Problem]:
    """Files of sightings that are gone or changed since a manifest or an earlier round."""
    kept, known = shelf.kept(lines.FOLDER, lines.SUFFIX), turns.known(lines.FOLDER)
    noted = _noted({}, chain.sightings, known)
    for name in sorted(noted.keys() - {one.name for one in kept}):
        if is_set_aside(data / lines.FOLDER, name):
            continue
        yield Problem(
            *("sightings-missing", f"{lines.FOLDER}/{name}", "the file is gone"),
            *(f"{noted[name][0].by} noted it", lines.RESTORE),
        )
    for one in track(kept if everything else due(kept, known, today), "sightings"):
        sha256, problems = lines.check_lines(shelf, one, noted.get(one.name, ()))
        turns.keep(lines.FOLDER, one, sha256, today, is_sound=not problems)
        yield from problems


def _stamps(
    shelf: Shelf, turns: Turns, chain: Chain, everything: bool, today: date
) -> Iterator[Problem]:
    """Timestamps of manifests that are not what they should be, or cannot be checked here: these
    keep their turn."""
    kept, known = shelf.kept(CHAIN, STAMPS), turns.known(CHAIN)
    unchecked, why = 0, ""
    for one in kept if everything else due(kept, known, today):
        try:
            problems = list(check_stamp(shelf, chain.links, one))
        except UncheckedError as error:
            unchecked, why = unchecked + 1, str(error)
            continue
        turns.keep(CHAIN, one, "", today, is_sound=not problems)
        yield from problems
    if unchecked:
        yield Problem(
            *("stamp-unchecked", CHAIN, f"{unchecked} of {len(kept)} timestamps were not checked"),
            *(why, "then verify again; nothing is known to be wrong with them"),
        )


def _ends(db: sqlite3.Connection) -> dict[str, str]:
    """When the last answer of each segment was fetched, as far as the archive knows."""
    if not has_table(db, "segments"):
        return {}
    return dict(db.execute("select warc_file, coalesce(last_at, '') from segments"))


def _unlisted(kept: Iterable[Kept], chain: Chain, ends: Mapping[str, str]) -> Iterator[Problem]:
    """Segments older than the newest manifest that none lists: nobody noted them in their time."""
    if not chain.made_at or chain.problems:
        return
    # As text: dates of segments that others wrote may end at the day.
    before = f"{datetime.fromisoformat(chain.made_at) - GRACE:{MOMENT}}"
    for one in kept:
        if one.name in chain.segments or not (end := ends.get(one.name)):
            continue
        if end < before:
            yield Problem(
                *("segment-unlisted", f"{FOLDER}/{one.name}", "no manifest lists it"),
                f"its last capture is of {end}, the newest manifest of {chain.made_at}",
                "if it was restored or recovered since, make a manifest; if not, move it away",
            )
