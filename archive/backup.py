"""What must be kept elsewhere so that nothing is lost with this machine, and how does it come back?

Closed files (segments, sightings, manifests) are put on the other shelf once and never again. What
grows or changes (ledger, published names, frontiers, files named besides) is kept by date. Every
backup ends with a catalogue of its SHA-256 digests, and a file counts from then on: whatever was
interrupted before is taken up by the next.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import secrets
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, cast

from archive.progress import track
from archive.shelf import CHUNK, Kept, Shelf, ShelfError, shelved

CLOSED = {"warc": ".warc.gz", "sightings": ".jsonl", "manifests": ""}
UNFINISHED = (".open", ".part", ".tmp", ".mended")
STATE = ("ledger.csv", "published.csv")
FRONTIERS = "frontier*.db"
CATALOGUES, CATALOGUE, DATED, ALSO = "catalogue", ".json", "state", "also"
FORMAT = "nianbao backup 1"
MOMENT = "%Y%m%dT%H%M%SZ"
PACKED = ".gz"


class BackupError(ValueError):
    """A backup cannot be made or restored as asked; the message says what is wrong where."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A file put once: its size in bytes, and when it was last modified, in nanoseconds."""

    folder: str
    name: str
    size: int
    sha256: str
    modified: int


@dataclass(frozen=True, slots=True)
class Dated:
    """A file as it was at one moment; size and digest are of its content, also where it is stored
    packed. It lies in the folder of the backup that first found it so."""

    name: str
    size: int
    sha256: str
    folder: str
    stored: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What one backup added (`files`), and all that changes as it then was (`state`)."""

    taken_at: str
    previous: str | None
    files: tuple[Closed, ...]
    state: tuple[Dated, ...]


@dataclass(slots=True)
class Saved:
    """What a backup did; printed, a sentence for each thing that an operator should know."""

    target: str
    taken_at: str = ""
    added: int = 0
    size: int = 0
    held: int = 0
    dated: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        state = ", ".join(self.dated) if self.dated else "none"
        return "\n".join(
            (
                f"Backup {self.taken_at} in {self.target}: {self.added} files added"
                f" ({self.size:,} bytes), {self.held} were there; changed since the last and kept"
                f" by date: {state}.",
                *self.remarks,
            )
        )


@dataclass(slots=True)
class Restored:
    """What a restore did."""

    data: Path
    taken_at: str
    brought: int = 0
    there: int = 0
    kept: list[str] = field(default_factory=list)
    also: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"Restored backup {self.taken_at} to {self.data}: {self.brought} files brought and"
            f" verified, {self.there} were there."
        ]
        if self.kept:
            lines.append(f"Left as they are here: {', '.join(self.kept)}.")
        if self.also:
            lines.append(f"Put these where they belong: {', '.join(self.also)}.")
        lines.append(f"Next: python -m archive build --data {self.data}")
        return "\n".join(lines)


# --- to the other shelf ---------------------------------------------------------------------------


def backup(data: Path, to: str, also: Sequence[Path] = (), now: datetime | None = None) -> Saved:
    """Bring what is new in a data folder to a folder or URL; nothing there is overwritten.

    What changes and is not here, such as a file given once with `also`, stays as the last has it.
    So do frontiers while a crawl runs, for they know of what it has open, which is left out. Many
    may back up to one place at once. Raises BackupError, after all else was brought, naming each
    closed file that differs from what the backup has under its name.
    """
    source, target = shelved(data), Shelf(to)
    _check_places(data, to)
    named = _named(also)
    before = catalogues(target)
    taken_at = _after(before, now or datetime.now(UTC))
    saved = Saved(target=to, taken_at=taken_at)
    with tempfile.TemporaryDirectory(prefix="nianbao-backup-") as folder:
        scratch = Path(folder)
        # Frontiers come first: what they know of was captured before, and is listed after.
        frontiers = _frontiers(data, scratch)
        if frontiers is None:
            saved.remarks.append(
                "A crawl is running or was killed (DATA has open segments): they are left out,"
                " and frontiers stay as the last backup has them."
            )
        files = tuple(_put_closed(source, target, _union(before), saved))
        found = frontiers or {}
        found |= {name: _lines_of(data / name, scratch) for name in STATE if (data / name).exists()}
        found |= {f"{ALSO}/{name}": path for name, path in named.items()}
        state = _state(before)
        if gone := sorted(state.keys() & set(STATE) - found.keys()):
            saved.remarks.append(
                f"{' and '.join(gone)} is no longer here, and stays as the last backup has it."
            )
        state |= {one.name: one for one in _put_state(found, target, state, scratch, saved)}
    previous = None
    if before:
        name = f"{before[-1].taken_at}{CATALOGUE}"
        previous = f"{before[-1].taken_at} {target.digest(CATALOGUES, name)}"
    written = Catalogue(taken_at, previous, files, tuple(state.values()))
    target.put(CATALOGUES, f"{taken_at}{CATALOGUE}", _printed(written))
    if saved.problems:
        raise BackupError(
            f"{saved}\n{len(saved.problems)} files are not in the backup as they are here. Run "
            "verify: where the file here is damaged, move it away and restore --merge; where the "
            "one there is, move that away and back up again:\n" + "\n".join(saved.problems)
        )
    return saved


def _check_places(data: Path, to: str) -> None:
    if not data.is_dir():
        raise BackupError(f"{data} is no data folder: give the one that was crawled into")
    local = to.removeprefix("file://")
    if "://" not in local:
        here, there = data.resolve(), Path(local).resolve()
        if here == there or here in there.parents or there in here.parents:
            raise BackupError(f"a backup of {data} in {to} is none: give a place of its own")


def _named(also: Sequence[Path]) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for path in also:
        if not path.is_file():
            raise BackupError(f"--also {path}: there is no such file")
        if named.setdefault(path.name, path) != path:
            raise BackupError(f"--also {path} and {named[path.name]} have the same name")
    return named


def _after(before: Sequence[Catalogue], now: datetime) -> str:
    """A name for this moment, or for the second after the last backup where that is later; no two
    who back up at once make the same."""
    if before:
        last = datetime.strptime(before[-1].taken_at.partition("-")[0], MOMENT)
        now = max(now, last.replace(tzinfo=UTC) + timedelta(seconds=1))
    return f"{now:{MOMENT}}-{secrets.token_hex(3)}"


def _frontiers(data: Path, scratch: Path) -> dict[str, Path] | None:
    """A consistent copy of each frontier; None while segments are open that they know of.

    A frontier with less than the captures costs time, one with more would pass over what is lost.
    """
    copies: dict[str, Path] = {}
    if _is_open(data):
        return None
    for path in sorted(data.glob(FRONTIERS)):
        copy = scratch / path.name
        address = f"{path.resolve().as_uri()}?mode=ro"
        with (
            closing(sqlite3.connect(address, uri=True)) as here,
            closing(sqlite3.connect(copy)) as there,
        ):
            here.backup(there)
            there.execute("pragma journal_mode = delete")
            if (found := there.execute("pragma quick_check").fetchone()) != ("ok",):
                raise BackupError(f"{path} is damaged ({found[0]}): restore it or move it away")
        copies[path.name] = copy
    return None if _is_open(data) else copies


def _is_open(data: Path) -> bool:
    return any(any((data / folder).glob("*.open")) for folder in CLOSED)


def _put_closed(
    source: Shelf, target: Shelf, known: Mapping[tuple[str, str], Closed], saved: Saved
) -> Iterator[Closed]:
    """What of the closed files was not yet in a catalogue, put there by now."""
    kept = {(folder, one.name): one for folder in CLOSED for one in _kept(source, folder)}
    there = {(folder, one.name): one.size for folder in CLOSED for one in _kept(target, folder)}
    for (folder, name), one in track(list(kept.items()), "files", len(kept)):
        last, modified = known.get((folder, name)), int(one.stamp)
        if last and (last.size, last.modified) == (one.size, modified):
            sha256 = last.sha256
        else:
            sha256 = source.digest(folder, name)
        place = source.where(folder, name)
        if last and sha256 != last.sha256:
            saved.problems.append(
                f"{place} has SHA-256 {sha256}, but {last.sha256} in {target.root}"
            )
            continue
        if last and there.get((folder, name)) == last.size:
            saved.held += 1
            continue
        try:
            is_added = target.put(folder, name, Path(place))
        except ShelfError as error:
            saved.problems.append(str(error))
            continue
        saved.added += is_added
        saved.held += not is_added
        saved.size += one.size if is_added else 0
        if not last:
            yield Closed(folder, name, one.size, sha256, modified)
    if lost := sorted(known.keys() - kept.keys()):
        saved.remarks.append(
            f"{len(lost)} files of the backup are not here, such as {'/'.join(lost[0])};"
            " `restore --merge` brings them."
        )


def _kept(shelf: Shelf, folder: str) -> list[Kept]:
    return [one for one in shelf.kept(folder, CLOSED[folder]) if not one.name.endswith(UNFINISHED)]


def _lines_of(path: Path, scratch: Path) -> Path:
    """A copy of a file that grows by lines, without one that is being written."""
    copy = scratch / path.name
    content = path.read_bytes()
    copy.write_bytes(content[: content.rfind(b"\n") + 1])
    return copy


def _put_state(
    found: Mapping[str, Path],
    target: Shelf,
    before: Mapping[str, Dated],
    scratch: Path,
    saved: Saved,
) -> Iterator[Dated]:
    """All that changes as it is; what is as in the last backup is not stored again."""
    for name, path in sorted(found.items()):
        sha256 = _digest(path)
        if (known := before.get(name)) and known.sha256 == sha256:
            yield known
            continue
        below, _, plain = name.rpartition("/")
        folder = "/".join(filter(None, (DATED, saved.taken_at, below)))
        stored, source = plain, path
        if path.parent == scratch and plain.endswith(".db"):
            stored, source = plain + PACKED, scratch / (plain + PACKED)
            with path.open("rb") as content, gzip.open(source, "wb", 6) as packed:
                shutil.copyfileobj(content, packed, CHUNK)
        target.put(folder, stored, source)
        saved.dated.append(name)
        saved.size += source.stat().st_size
        yield Dated(name, path.stat().st_size, sha256, folder, stored)


# --- catalogues -----------------------------------------------------------------------------------


def catalogues(target: Shelf) -> list[Catalogue]:
    """All catalogues of a backup, the oldest first.

    Raises BackupError where one is damaged, or one is missing that another follows.
    """
    found: list[Catalogue] = []
    digests: dict[str, str] = {}
    for one in target.kept(CATALOGUES, CATALOGUE):
        content = target.read(CATALOGUES, one.name)
        place = target.where(CATALOGUES, one.name)
        try:
            catalogue = _parsed(json.loads(content))
        except (ValueError, TypeError, KeyError) as error:
            raise BackupError(f"{place} is no catalogue of a backup: {error}") from error
        if catalogue.previous:
            name, _, digest = catalogue.previous.partition(" ")
            if digests.get(name) != digest:
                raise BackupError(f"{place} follows {name}, which is missing or was changed")
        digests[one.name.removesuffix(CATALOGUE)] = hashlib.sha256(content).hexdigest()
        found.append(catalogue)
    return found


def _printed(catalogue: Catalogue) -> bytes:
    facts = {"format": FORMAT} | asdict(catalogue)
    return (json.dumps(facts, ensure_ascii=False, indent=1) + "\n").encode()


def _parsed(facts: Mapping[str, Any]) -> Catalogue:
    if facts["format"] != FORMAT:
        raise ValueError(f"format {facts['format']!r}, not {FORMAT!r}")
    files = tuple(Closed(**one) for one in facts["files"])
    state = tuple(Dated(**one) for one in facts["state"])
    for folder, name in [(one.folder, one.name) for one in files] + [
        tuple(one.name.rpartition("/")[::2]) for one in state
    ]:
        if folder not in (*CLOSED, ALSO, "") or not re.fullmatch(r"[^./\0][^/\0]*", name):
            raise ValueError(f"{folder}/{name} is no place in a data folder")
    return Catalogue(facts["taken_at"], facts["previous"], files, state)


def _union(found: Iterable[Catalogue]) -> dict[tuple[str, str], Closed]:
    return {(one.folder, one.name): one for catalogue in found for one in catalogue.files}


def _state(found: Iterable[Catalogue]) -> dict[str, Dated]:
    """What changes, by name, as it was found last: of two who backed up at once, one catalogue
    does not know what the other found."""
    state: dict[str, Dated] = {}
    for one in (one for catalogue in found for one in catalogue.state):
        if one.name not in state or state[one.name].folder <= one.folder:
            state[one.name] = one
    return state


# --- and back -------------------------------------------------------------------------------------


def restore(
    source: str, data: Path, at: str | None = None, merge: bool = False, captures: bool = True
) -> Restored:
    """Bring a backup back, every file verified by its digest before it takes its name.

    Without `captures` only what changes comes, for work on captures where the backup has them.
    `at` is a moment (20261122T041500Z) or the beginning of one: the last backup that is not
    later. With `merge` what is missing in a folder that has files is added. Raises BackupError,
    after all that is sound was brought, naming each file that is not.
    """
    shelf = Shelf(source)
    found = [one for one in catalogues(shelf) if not at or one.taken_at[: len(at)] <= at]
    if not found:
        raise BackupError(f"{source} has no backup" + (f" of {at} or before" if at else ""))
    if not merge and data.exists() and any(data.iterdir()):
        raise BackupError(
            f"{data} is not empty: give a fresh folder, or --merge to add what is missing there"
        )
    restored = Restored(data, found[-1].taken_at)
    problems = []
    closed = list(_union(found).values()) if captures else []
    for one in track(closed, "files"):
        try:
            place = data / one.folder / one.name
            if _bring(shelf, (one.folder, one.name), place, one.sha256, one.modified):
                restored.brought += 1
            else:
                restored.there += 1
        except BackupError as error:
            problems.append(str(error))
    for state in _state(found).values():
        try:
            place = data / state.name
            if place.exists() and not state.name.startswith(ALSO):
                if _digest(place) == state.sha256:
                    restored.there += 1
                else:
                    restored.kept.append(state.name)
                continue
            if _bring(shelf, (state.folder, state.stored), place, state.sha256):
                restored.brought += 1
            if state.name.startswith(ALSO):
                restored.also.append(str(place))
        except BackupError as error:
            problems.append(str(error))
    if problems:
        raise BackupError(
            f"{len(problems)} files could not be restored from {source}; what is sound lies in "
            f"{data}. Bring these from another backup with --merge:\n" + "\n".join(problems)
        )
    return restored


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
            for block in _content(packed, stored[1] != place.name):
                made.update(block)
                file.write(block)
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
    except FileNotFoundError as error:
        raise BackupError(f"{shelf.where(*stored)} is missing") from error
    except (zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise BackupError(f"{shelf.where(*stored)} is damaged: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    _sync(place.parent)
    return True


def _content(file: IO[bytes], is_packed: bool) -> Iterator[bytes]:
    stream = cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if is_packed else file
    while block := stream.read(CHUNK):
        yield block


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
