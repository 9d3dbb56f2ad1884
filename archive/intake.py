"""Closed files in: what lies on a shelf of captures -> the memory of the fold."""

from __future__ import annotations

import hashlib
import io
import logging
from concurrent.futures import Executor
from functools import partial

from archive import warc
from archive.memory import Memory
from archive.progress import track
from archive.shelf import Kept, Shelf
from archive.sightings import BadLine, read_lines
from archive.spread import each
from archive.warc import Capture, Damage
from archive.workers import Failure

log = logging.getLogger(__name__)


class IntakeError(ValueError):
    """A closed file cannot be read at all; the message names it and says what to do."""


def take_in(
    shelf: Shelf, memory: Memory, executor: Executor | None, accept_loss: bool = False
) -> None:
    """Bring the memory up to what lies on the shelf, file by file.

    Sightings come first: a segment closed meanwhile may bring captures nobody asks for yet, while
    a line without its capture would have to wait.
    """
    lines = _changed(shelf, memory, "sightings", ".jsonl", accept_loss)
    for kept in track(lines, "sightings"):
        data = shelf.read("sightings", kept.name)
        read = list(read_lines(io.BytesIO(data)))
        for number, line in read:
            if isinstance(line, BadLine):
                log.warning("%s line %d is left out: %s", kept.name, number, line.reason)
        memory.take_sightings(
            kept.name, kept.size, kept.stamp, hashlib.sha256(data).hexdigest(), read
        )
    segments = _changed(shelf, memory, "warc", ".warc.gz", accept_loss)
    walked = each(executor, partial(walk, shelf), segments)
    for kept, outcome in track(walked, "segments", len(segments)):
        if isinstance(outcome, Failure):
            raise IntakeError(
                f"{shelf.where('warc', kept.name)}: {outcome.reason}. Build again; if it stays, "
                "mend the disk or put the file back from the backup"
            )
        sha256, records = outcome
        for record in records:
            if isinstance(record, Damage):
                log.warning("%s at %d: %s", record.warc_file, record.offset, record.reason)
        memory.take_segment(kept.name, kept.size, kept.stamp, sha256, records)


def _changed(
    shelf: Shelf, memory: Memory, folder: str, suffix: str, accept_loss: bool
) -> list[Kept]:
    """The files that are not yet in the memory; what files gone or changed left there is undone.

    IntakeError where none is left of those that were there: a disk is not mounted, more often
    than not.
    """
    known = memory.files(folder)
    found = {file.name: file for file in shelf.kept(folder, suffix)}
    if known and not found and not accept_loss:
        raise IntakeError(
            f"{shelf.where(folder)} is empty, and held {len(known)} files at the last build: is "
            "the disk mounted? If they are gone for good, build with --accept-loss"
        )
    for name, file in known.items():
        now = found.get(name)
        if now is not None and (now.size, now.stamp) == (file.size, file.stamp):
            del found[name]
        elif (
            now is not None and now.size == file.size and file.sha256 == shelf.digest(folder, name)
        ):
            # A copy, or a backup that was put back.
            memory.restamp(folder, name, now.stamp)
            del found[name]
        else:
            place = shelf.where(folder, name)
            if not accept_loss:
                became = f"has {now.size} others" if now else "has gone"
                raise IntakeError(
                    f"{place} had {file.size} bytes of SHA-256 {file.sha256} when it was closed "
                    f"and {became}: a closed file never changes. Restore it from the backup, or "
                    "build with --accept-loss"
                )
            memory.forget_file(folder, name)
            log.warning(
                "%s %s: what only it held leaves the archive",
                *(place, "has changed" if now else "has gone"),
            )
    return list(found.values())


def walk(shelf: Shelf, kept: Kept) -> tuple[str, list[Capture | Damage]]:
    """The SHA-256 of a whole segment, and its records."""
    return shelf.digest("warc", kept.name), list(warc.read_segment(shelf, kept.name))
