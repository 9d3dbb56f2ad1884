"""Closed files in: what lies on a shelf of captures -> the memory of the fold."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterable
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


def take_in(shelf: Shelf, memory: Memory, executor: Executor | None) -> bool:
    """Bring the memory up to what lies on the shelf, file by file; says whether anything changed.

    Sightings come first: a segment closed meanwhile may bring captures nobody asks for yet, while
    a line without its capture would have to wait.
    """
    lines, lines_lost = _changed(memory, "sightings", shelf.kept("sightings", ".jsonl"))
    for kept in track(lines, "sightings"):
        data = shelf.read("sightings", kept.name)
        read = list(read_lines(io.BytesIO(data)))
        for number, line in read:
            if isinstance(line, BadLine):
                log.warning("%s line %d is left out: %s", kept.name, number, line.reason)
        memory.take_sightings(
            kept.name, kept.size, kept.stamp, hashlib.sha256(data).hexdigest(), read
        )
    segments, segments_lost = _changed(memory, "warc", shelf.kept("warc", ".warc.gz"))
    walked = each(executor, partial(walk, shelf), segments)
    for kept, outcome in track(walked, "segments", len(segments)):
        if isinstance(outcome, Failure):
            raise IntakeError(
                f"{shelf.where('warc', kept.name)}: {outcome.reason}. Mend the disk, or put the "
                "file back from the backup, then build again"
            )
        sha256, records = outcome
        for record in records:
            if isinstance(record, Damage):
                log.warning("%s at %d: %s", record.warc_file, record.offset, record.reason)
        memory.take_segment(kept.name, kept.size, kept.stamp, sha256, records)
    return bool(lines or segments or lines_lost or segments_lost)


def _changed(memory: Memory, folder: str, kept: Iterable[Kept]) -> tuple[list[Kept], int]:
    """The files that are not yet in the memory, and how many have gone from it: what files gone
    or changed have left there is undone."""
    known = memory.files(folder)
    found = {file.name: file for file in kept}
    undone = 0
    for name, file in known.items():
        now = found.get(name)
        if now is None or (now.size, now.stamp) != (file.size, file.stamp):
            memory.forget_file(folder, name)
            undone += 1
            log.warning("%s %s", name, "has gone" if now is None else "has changed")
        else:
            del found[name]
    return list(found.values()), undone


def walk(shelf: Shelf, kept: Kept) -> tuple[str, list[Capture | Damage]]:
    """The SHA-256 of a whole segment, and its records."""
    return shelf.digest("warc", kept.name), list(warc.read_segment(shelf, kept.name))
