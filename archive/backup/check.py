"""Is a backup still what its catalogues say?"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date

from archive.backup.catalogue import (
    BackupError,
    Closed,
    Dated,
    amiss,
    catalogues,
    closed_files,
    latest,
    union,
)
from archive.backup.stored import measured
from archive.backup.wording import agreed, counted
from archive.progress import track
from archive.shelf import Shelf

# All that is there is read in so many days.
DAYS = 30


@dataclass(slots=True)
class Examined:
    """What a check of a backup read of how many files, and what it found."""

    target: str
    files: int = 0
    read: int = 0
    size: int = 0
    remarks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        verdict = counted(len(self.problems), "problem") if self.problems else "all in order"
        read = f"read {self.read} of {counted(self.files, 'file')} ({self.size:,} bytes)"
        return "\n".join([*self.problems, f"{self.target}: {verdict}; {read}.", *self.remarks])


def check(to: str, everything: bool, today: date) -> Examined:
    """Whether a backup still holds what its catalogues say: every file and its size, and of a
    thirtieth of them, another each day, or of all, the bytes. Nothing is written."""
    target, examined = Shelf(to), Examined(to)
    found = catalogues(target).until(None)
    if not found.sound and not found.lost:
        raise BackupError(f"{to} has no backup: there is no catalogue")
    examined.problems += sorted(found.lost.values())
    known = union(found.sound)
    there = {place: one.size for place, one in closed_files(target).items()}
    every = {(one.folder, one.stored): one for had in found.sound for one in had.state}
    newest = {
        (one.folder, one.stored)
        for one in latest(one for had in found.sound for one in had.state).values()
    }
    folders = {folder for folder, _ in every}
    dated = {(folder, one.name): one.size for folder in folders for one in target.kept(folder, "")}
    parts: list[Closed | Dated] = [*known.values(), *every.values()]
    examined.files = len(parts)
    for one in track(parts, "files"):
        stored = one.stored if isinstance(one, Dated) else one.name
        where = target.where(one.folder, stored)
        place = (one.folder, stored)
        if isinstance(one, Dated) and place not in newest and place not in dated:
            # Of what changes, all but the newest may be deleted.
            continue
        if wrong := amiss(one, (dated if isinstance(one, Dated) else there).get(place)):
            examined.problems.append(f"{where} {wrong}")
            continue
        if not everything and _turn(f"{one.folder}/{stored}") != today.toordinal() % DAYS:
            continue
        try:
            is_packed = isinstance(one, Dated) and one.is_packed
            size, sha256 = measured(target, one.folder, stored, is_packed)
        except BackupError as error:
            examined.problems.append(str(error))
            continue
        examined.read, examined.size = examined.read + 1, examined.size + size
        if sha256 != one.sha256:
            examined.problems.append(f"{where} has SHA-256 {sha256}, not {one.sha256}")
    if loose := sorted(there.keys() - known.keys()):
        examined.remarks.append(
            f"{counted(len(loose), 'file')} there {agreed(len(loose), 'is', 'are')} in no "
            f"catalogue, such as {'/'.join(loose[0])}; the next backup takes up what it put there."
        )
    return examined


def _turn(place: str) -> int:
    return int.from_bytes(hashlib.sha256(place.encode()).digest()[:8], "big") % DAYS
