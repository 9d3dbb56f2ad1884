"""How does a backup come back, and what of it cannot?"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from archive.backup.catalogue import (
    ALSO,
    DATED,
    MOMENT,
    TAKEN,
    BackupError,
    Closed,
    Dated,
    Found,
    catalogues,
    closed_files,
    is_apart,
    latest,
    union,
)
from archive.backup.loose import (
    chain_of,
    digests_listed,
    is_contradicted,
    loose_files,
    loose_state,
)
from archive.backup.stored import content, unusable
from archive.backup.wording import agreed, counted
from archive.progress import track
from archive.shelf import Shelf, placed, shelved, sync

# So many names are told of what has no catalogue.
MOST_NAMED = 20


@dataclass(slots=True)
class Restored:
    """What a restore did; `captures` is where they lie when they were not brought."""

    data: Path
    taken_at: str
    captures: str = ""
    brought: int = 0
    there: int = 0
    kept: list[str] = field(default_factory=list)
    also: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"Restored backup {self.taken_at} to {self.data}: {counted(self.brought, 'file')} "
            f"brought and verified, {self.there} {agreed(self.there, 'was', 'were')} there."
        ]
        if self.kept:
            lines.append(f"Left as they are here: {', '.join(self.kept)}.")
        if self.also:
            lines.append(f"Put these where they belong: {', '.join(self.also)}.")
        lying = f" --captures {self.captures}" if self.captures else ""
        lines.append(f"Next: python -m archive build --data {self.data}{lying}")
        return "\n".join(lines)


def moment(text: str) -> str:
    """What a day (20261122, 2026-11-22), a moment (20261122T041500Z) or the name of a backup means,
    as catalogues begin; BackupError for anything else."""
    day = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
    plain = "".join(day.groups()) if day else text
    try:
        if re.fullmatch(r"[0-9]{8}", plain):
            datetime.strptime(plain, "%Y%m%d")
        elif TAKEN.fullmatch(plain if "-" in plain else f"{plain}-000000"):
            datetime.strptime(plain.partition("-")[0], MOMENT)
        else:
            raise ValueError("neither")
    except ValueError as error:
        raise BackupError(
            f"{text!r} is no day and no moment: give 20261122, 2026-11-22 or 20261122T041500Z"
        ) from error
    return plain


def restore(
    source: str, data: Path, at: str | None = None, merge: bool = False, captures: bool = True
) -> Restored:
    """Bring a backup back, every file verified by its digest before it takes its name.

    Without `captures` only what changes comes, for work on captures where the backup has them.
    `at` is a day or a moment, as `moment` takes it: the last backup that is not later. With `merge`
    what is missing in a folder that has files is added. What a lost catalogue listed comes all the
    same, as it lies there, but nothing that a manifest contradicts. Raises BackupError, after all
    that can be brought was, naming each file that is not, and what no catalogue vouches for.
    """
    shelf = Shelf(source)
    if not is_apart(data, source):
        raise BackupError(
            f"{data} and the backup {source} are one, or one lies in the other: give a data folder "
            "apart from the backup; nothing was brought"
        )
    at = moment(at) if at is not None else None
    every = catalogues(shelf)
    found = every.until(at)
    # An interrupted first backup and one whose only catalogue was lost look the same.
    is_bare = not every.sound and not every.lost
    if is_bare and not closed_files(shelf):
        raise BackupError(
            f"{source} has no backup: see how it is spelled, and whether its disk is mounted"
        )
    if not is_bare and not found.sound and not found.lost:
        raise BackupError(f"{source} has no backup of {at} or before; it has: {_days(every)}")
    if not merge and data.exists() and any(data.iterdir()):
        raise BackupError(f"{data} is not empty: give a fresh folder, or --merge to add to it")
    last = max([*(one.taken_at for one in found.sound), *found.lost], default="without a catalogue")
    restored = Restored(data, last, "" if captures else source)
    problems: list[str] = []
    loose: list[Closed] = []
    loose_here: list[Dated] = []
    chain, _ = chain_of(shelf)
    noted = digests_listed(chain)
    if captures and (is_bare or found.lost or not at):
        loose = [
            one
            for one in loose_files(shelf, union(every.sound), problems)
            if not is_contradicted(shelf, one, noted, problems)
        ]
    if found.lost or is_bare:
        moments = sorted(found.lost) or [one for one in shelf.folders(DATED) if _is_until(one, at)]
        loose_here = list(loose_state(shelf, moments, chain, problems, frontiers=not is_bare))
    closed = [*(union(found.sound).values() if captures else ()), *loose]
    for one in track(closed, "files"):
        try:
            place = data / one.folder / one.name
            if _bring(shelf, (one.folder, one.name), place, one.sha256, one.modified or None):
                restored.brought += 1
            else:
                restored.there += 1
        except BackupError as error:
            problems.append(str(error))
    state = latest([*(one for had in found.sound for one in had.state), *loose_here])
    for dated in state.values():
        place = data / dated.name
        if place.exists() and _digest(place) != dated.sha256:
            restored.kept.append(dated.name)
            continue
        try:
            if _bring(shelf, (dated.folder, dated.stored), place, dated.sha256):
                restored.brought += 1
            else:
                restored.there += 1
        except BackupError as error:
            problems.append(str(error))
            continue
        if dated.name.startswith(f"{ALSO}/"):
            restored.also.append(str(place))
    vouched = {one for had in found.sound for one in had.state}
    used = [one for one in loose_here if state[one.name] == one and one not in vouched]
    _demand_all(restored, source, found, _unlisted(loose, noted, used), problems)
    return restored


def _is_until(name: str, at: str | None) -> bool:
    return bool(TAKEN.fullmatch(name)) and (not at or name[: len(at)] <= at)


def _days(found: Found) -> str:
    """The days of the backups there are, the newest ten."""
    names = {name[:8] for name in (*(one.taken_at for one in found.sound), *found.lost)}
    days = [f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in sorted(names)]
    return ", ".join(days if len(days) <= 10 else [days[0], "…", *days[-10:]])


def _unlisted(
    loose: Sequence[Closed], noted: Mapping[tuple[str, str], str], state: Sequence[Dated]
) -> list[str]:
    """A line for each file that no catalogue lists, and who vouches for it."""
    lines = [
        f"{one.folder}/{one.name}: not in a catalogue, "
        + ("verified by a manifest" if (one.folder, one.name) in noted else "as it lies there")
        for one in loose
    ]
    return lines + [
        f"{one.folder}/{one.stored}: not in a catalogue, as it lies there" for one in state
    ]


def _demand_all(
    restored: Restored,
    source: str,
    found: Found,
    unlisted: Sequence[str],
    problems: Sequence[str],
) -> None:
    """BackupError with what was done and all that is off, unless nothing is."""
    said = [str(restored)]
    if found.lost:
        said.append(
            f"{counted(len(found.lost), 'catalogue')} of {source} cannot be used; what was listed "
            "there was looked for all the same:\n" + "\n".join(sorted(found.lost.values()))
        )
    elif not found.sound:
        said.append(f"{source} has no catalogue: it was lost, or no backup was ever finished.")
    if unlisted:
        more = [f"and {len(unlisted) - MOST_NAMED} more"] if len(unlisted) > MOST_NAMED else []
        said.append(
            f"{counted(len(unlisted), 'file')} in no catalogue came too; verify says what is sound "
            "of it:\n" + "\n".join([*unlisted[:MOST_NAMED], *more])
        )
    if problems:
        said.append(
            f"{counted(len(problems), 'file')} could not be restored from {source}; what is sound "
            f"lies in {restored.data}. Bring the rest from another backup with --merge, when what "
            "differs here is moved away:\n" + "\n".join(problems)
        )
    if len(said) > 1:
        raise BackupError("\n".join(said))


def _bring(
    shelf: Shelf, stored: tuple[str, str], place: Path, sha256: str, modified: int | None = None
) -> bool:
    """One file of a backup, verified and synced; False where it is there already."""
    if place.exists():
        if (here := _digest(place)) != sha256:
            raise BackupError(f"{place} has SHA-256 {here}, but {sha256} in the backup")
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.part")
    made = hashlib.sha256()
    try:
        with shelf.open(*stored) as packed, part.open("wb") as file:
            for block in content(packed, stored[1] != place.name):
                made.update(block)
                with placed(part):
                    file.write(block)
            with placed(part):
                file.flush()
                os.fsync(file.fileno())
        if made.hexdigest() != sha256:
            raise BackupError(
                f"{shelf.where(*stored)} has SHA-256 {made.hexdigest()}, not {sha256}"
            )
        if modified is not None:
            os.utime(part, ns=(modified, modified))
        elif place.parent.name == ALSO:
            part.chmod(0o600)  # it may be a key
        part.rename(place)
    except (OSError, zlib.error, EOFError) as error:
        # What is said of the part is this disk's trouble, and that of every file to come.
        if isinstance(error, OSError) and str(error.filename) == str(part):
            raise
        raise unusable(shelf, *stored, error) from error
    finally:
        part.unlink(missing_ok=True)
    sync(place.parent)
    return True


def _digest(path: Path) -> str:
    return shelved(path.parent).digest("", path.name)
