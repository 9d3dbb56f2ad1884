"""What must be kept elsewhere so that nothing is lost with this machine, and how does it come back?

Closed files (segments, sightings, manifests) are put on the other shelf once and never again. What
grows or changes (ledger, published names, frontiers, files named besides) is kept by date. Every
backup ends with a catalogue of its SHA-256 digests, and a file counts from then on: whatever was
interrupted before is taken up by the next. A catalogue that is lost costs digests and no file:
manifests have most of them too, and the next backup catalogues all that lies there.
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
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, Any, cast

from archive.manifest import listed, read_chain
from archive.progress import track
from archive.proof.verify import Link
from archive.shelf import CHUNK, Kept, Shelf, ShelfError, placed, shelved

WARC = "warc"
CLOSED = {WARC: ".warc.gz", "sightings": ".jsonl", "manifests": ""}
UNFINISHED = (".open", ".part", ".tmp", ".mended")
STATE = ("ledger.csv", "published.csv")
FRONTIERS = "frontier*.db"
CATALOGUES, CATALOGUE, DATED, ALSO = "catalogue", ".json", "state", "also"
FORMAT = "nianbao backup 1"
MOMENT = "%Y%m%dT%H%M%SZ"
TAKEN = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")
SHA256 = re.compile(r"[0-9a-f]{64}")
PACKED = ".gz"
ARCHIVE, MANIFEST = "nianbao.db", "a manifest"
# A check reads what is there in so many days; so many names are told of what has no catalogue.
DAYS, MOST_NAMED = 30, 20


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
    """What one backup added (`files`), and all that changes as it then was (`state`).

    One made after others were damaged or lost names these (`replaces`), and lists all files.
    """

    taken_at: str
    previous: str | None
    files: tuple[Closed, ...]
    state: tuple[Dated, ...]
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """The catalogues of a backup that can be used, the oldest first; and of the others, by their
    moment, why not."""

    sound: tuple[Catalogue, ...]
    lost: Mapping[str, str]

    def until(self, at: str | None) -> Found:
        """Those that are not later than a moment, without what a later one replaces."""
        sound = tuple(one for one in self.sound if not at or one.taken_at[: len(at)] <= at)
        replaced = {moment for one in sound for moment in one.replaces}
        lost = {
            moment: why
            for moment, why in self.lost.items()
            if moment not in replaced and (not at or moment[: len(at)] <= at)
        }
        return Found(sound, lost)


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
    found = catalogues(target).until(None)
    before = found.sound
    taken_at = _after([*(one.taken_at for one in before), *found.lost], now or datetime.now(UTC))
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
        files = tuple(_put_closed(source, target, _union(before), _noted(data, saved), saved))
        state = _state(one for catalogue in before for one in catalogue.state)
        if found.lost:
            files, state = _all_there(target, found, files, state, saved.problems)
        here = (frontiers or {}) | _grown(data, scratch, saved)
        here |= {f"{ALSO}/{name}": path for name, path in named.items()}
        if gone := sorted(state.keys() & set(STATE) - here.keys()):
            saved.remarks.append(
                f"{' and '.join(gone)} is no longer here, and stays as the last backup has it."
            )
        state |= {one.name: one for one in _put_state(here, target, state, scratch, saved)}
    previous = None
    if before:
        name = f"{before[-1].taken_at}{CATALOGUE}"
        previous = f"{before[-1].taken_at} {target.digest(CATALOGUES, name)}"
    written = Catalogue(taken_at, previous, files, tuple(state.values()), tuple(sorted(found.lost)))
    target.put(CATALOGUES, f"{taken_at}{CATALOGUE}", _printed(written))
    if found.lost:
        saved.remarks.append(
            f"{len(found.lost)} catalogues could not be used; the one of this backup lists all that"
            " is there, and replaces them:\n" + "\n".join(sorted(found.lost.values()))
        )
    if saved.problems:
        raise BackupError(
            f"{saved}\n{len(saved.problems)} files are not in the backup as they are here. Run "
            "verify: where the file here is damaged, move it away and restore --merge; where the "
            "one there is, move that away and back up again:\n" + "\n".join(saved.problems)
        )
    if found.lost:
        raise BackupError(f"{saved}\nThe backup was made; run backup --check --all once.")
    return saved


def _check_places(data: Path, to: str) -> None:
    if not data.is_dir():
        raise BackupError(f"{data} is no data folder: give the one that was crawled into")
    local = to.removeprefix("file://")
    if "://" not in local:
        here, there = data.resolve(), Path(local).resolve()
        if there.exists() and not there.is_dir():
            raise BackupError(f"{to} is a file: give a folder or a URL for the backup")
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


def _after(before: Iterable[str], now: datetime) -> str:
    """A name for this moment, or for the second after the last backup where that is later; no two
    who back up at once make the same."""
    if moment := max(before, default=""):
        last = datetime.strptime(moment.partition("-")[0], MOMENT)
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
        try:
            # One that nobody writes is read as it lies there: to open it as a database that others
            # write would leave two files beside it.
            if not (_is_idle(path) and _copied(path, copy, "immutable=1")):
                _copied(path, copy, "mode=ro")
            with closing(sqlite3.connect(copy)) as there:
                there.execute("pragma journal_mode = delete")
                verdict = there.execute("pragma quick_check").fetchone()[0]
        except sqlite3.Error as error:
            raise BackupError(
                f"{path} cannot be copied to {scratch} (TMPDIR): {error}; where it is damaged, "
                "restore it or move it away"
            ) from error
        if verdict != "ok":
            raise BackupError(f"{path} is damaged ({verdict}): restore it or move it away")
        copies[path.name] = copy
    return None if _is_open(data) else copies


def _copied(path: Path, copy: Path, how: str) -> bool:
    """Copy a frontier; False where it was written meanwhile by one this does not wait for."""
    before = path.stat()
    copy.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True)) as here,
        closing(sqlite3.connect(copy)) as there,
    ):
        here.backup(there)
    after = path.stat()
    is_same = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    return is_same and _is_idle(path)


def _is_idle(path: Path) -> bool:
    """Whether nothing waits beside a database to be written into it."""
    log = path.with_name(path.name + "-wal")
    return not log.exists() or not log.stat().st_size


def _is_open(data: Path) -> bool:
    return any(any((data / folder).glob("*.open")) for folder in CLOSED)


def _put_closed(
    source: Shelf,
    target: Shelf,
    known: Mapping[tuple[str, str], Closed],
    noted: Mapping[tuple[str, str], tuple[str, str]],
    saved: Saved,
) -> Iterator[Closed]:
    """What of the closed files was not yet in a catalogue, put there by now."""
    kept = {(folder, one.name): one for folder in CLOSED for one in _kept(source, folder)}
    there = {(folder, one.name): one.size for folder in CLOSED for one in _kept(target, folder)}
    for (folder, name), one in track(list(kept.items()), "files", len(kept)):
        last, modified = known.get((folder, name)), int(one.stamp)
        place = source.where(folder, name)
        if last and (last.size, last.modified) == (one.size, modified):
            sha256 = last.sha256
        else:
            try:
                sha256 = source.digest(folder, name)
            except OSError as error:
                saved.problems.append(f"{place} cannot be read: {error.strerror or error}")
                continue
        by, wanted = noted.get((folder, name), ("", ""))
        if last and (folder, name) not in there and (by, wanted) == (MANIFEST, sha256):
            # It was backed up when it was damaged, and was moved away there.
            last = None
        if last and sha256 != last.sha256:
            saved.problems.append(
                f"{place} has SHA-256 {sha256}, but {last.sha256} in {target.root}"
            )
            continue
        if not last and sha256 != (wanted or sha256):
            saved.problems.append(f"{place} has SHA-256 {sha256}, but {wanted} in {by}")
            continue
        if not last and folder == WARC and not one.size:
            saved.problems.append(f"{place} is empty: a closed segment has one record at least")
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


def _noted(data: Path, saved: Saved) -> dict[tuple[str, str], tuple[str, str]]:
    """Who notes which SHA-256 of the closed files of a data folder; the manifests, where they do,
    and else the archive, which may have read a segment when it was damaged."""
    noted: dict[tuple[str, str], tuple[str, str]] = {}
    if (data / ARCHIVE).is_file():
        address = f"{(data / ARCHIVE).resolve().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(address, uri=True)) as db:
                for name, sha256 in db.execute(
                    "select warc_file, sha256 from segments where sha256 is not null"
                ):
                    noted[WARC, name] = ("the archive", sha256)
        except sqlite3.Error:
            # One of an earlier program, or damaged: verify says so, captures do not wait for it.
            noted.clear()
    chain, why = _chain(shelved(data))
    if why:
        saved.remarks.append(f"Nothing was compared with the manifests: {why}")
    return noted | {place: (MANIFEST, sha256) for place, sha256 in _listed(chain).items()}


def _chain(shelf: Shelf) -> tuple[list[Link], str]:
    """The manifests of a shelf, none where they cannot be read, and why."""
    try:
        return read_chain(shelf), ""
    except (ValueError, OSError) as error:
        return [], str(error)


def _listed(chain: Sequence[Link]) -> dict[tuple[str, str], str]:
    """The SHA-256 of each closed file that manifests list."""
    found: dict[tuple[str, str], str] = {}
    for folder, kind in ((WARC, "segments"), ("sightings", "sightings")):
        try:
            for name, entry in listed(chain, kind).items():
                found[folder, name] = entry["sha256"]
        except (KeyError, TypeError, AttributeError):
            # Verify tells what is wrong with a manifest.
            continue
    return found


def _grown(data: Path, scratch: Path, saved: Saved) -> dict[str, Path]:
    """Copies of the files that grow by lines; one that cannot be read is a problem."""
    copies: dict[str, Path] = {}
    for name in STATE:
        try:
            if (data / name).exists():
                copies[name] = _lines_of(data / name, scratch)
        except IsADirectoryError:
            saved.problems.append(f"{data / name} is a folder, not a file")
    return copies


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


def catalogues(target: Shelf) -> Found:
    """All catalogues of a backup: a name that is none is passed over, one that is damaged, missing
    or other than its successor says is told of."""
    contents: dict[str, bytes] = {}
    lost: dict[str, str] = {}
    for one in target.kept(CATALOGUES, CATALOGUE):
        moment = one.name.removesuffix(CATALOGUE)
        if not TAKEN.fullmatch(moment):
            continue
        try:
            contents[moment] = target.read(CATALOGUES, one.name)
        except OSError as error:
            lost[moment] = f"{target.where(CATALOGUES, one.name)} cannot be read: {error}"
    sound: list[Catalogue] = []
    wanted: dict[str, str] = {}
    for moment, content in sorted(contents.items(), reverse=True):
        place = target.where(CATALOGUES, moment + CATALOGUE)
        found = hashlib.sha256(content).hexdigest()
        if (digest := wanted.get(moment, found)) != found:
            lost[moment] = (
                f"{place} was changed: it has SHA-256 {found}, its successor says {digest}"
            )
            continue
        try:
            catalogue = _parsed(json.loads(content))
            if catalogue.taken_at != moment:
                raise ValueError(f"it is of {catalogue.taken_at}")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            lost[moment] = f"{place} is no catalogue of a backup: {error}"
            continue
        if catalogue.previous:
            before, _, digest = catalogue.previous.partition(" ")
            wanted.setdefault(before, digest)
        sound.append(catalogue)
    for moment in wanted.keys() - contents.keys() - lost.keys():
        lost[moment] = f"{target.where(CATALOGUES, moment + CATALOGUE)} is missing"
    return Found(tuple(reversed(sound)), lost)


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
    for one in state:
        _, moment, *below = one.folder.split("/")
        plain = one.name.rpartition("/")[2]
        if not TAKEN.fullmatch(moment) or one.folder != _folder_of(moment, "/".join(below)):
            raise ValueError(f"{one.folder} is no folder of a backup")
        if one.stored not in (plain, plain + PACKED):
            raise ValueError(f"{one.stored} is no file of {one.name}")
    both: list[Closed | Dated] = [*files, *state]
    for said in both:
        if not SHA256.fullmatch(said.sha256) or not isinstance(said.size, int):
            raise ValueError(f"{said.name} has the SHA-256 {said.sha256!r} and size {said.size!r}")
    if not all(isinstance(one.modified, int) for one in files):
        raise ValueError("a time of change is no number")
    previous = facts["previous"]
    if previous is not None:
        before, _, digest = previous.partition(" ")
        if not (TAKEN.fullmatch(before) and SHA256.fullmatch(digest)):
            raise ValueError(f"{previous!r} is no catalogue before it")
    replaces = tuple(map(str, facts.get("replaces") or ()))
    return Catalogue(facts["taken_at"], previous, files, state, replaces)


def _folder_of(moment: str, below: str = "") -> str:
    return "/".join(filter(None, (DATED, moment, below)))


def _union(found: Iterable[Catalogue]) -> dict[tuple[str, str], Closed]:
    return {(one.folder, one.name): one for catalogue in found for one in catalogue.files}


def _state(found: Iterable[Dated]) -> dict[str, Dated]:
    """What changes, by name, as it was found last: of two who backed up at once, one catalogue
    does not know what the other found."""
    state: dict[str, Dated] = {}
    for one in found:
        if one.name not in state or state[one.name].folder <= one.folder:
            state[one.name] = one
    return state


# --- what no catalogue lists ----------------------------------------------------------------------


def _all_there(
    target: Shelf,
    found: Found,
    added: Iterable[Closed],
    state: dict[str, Dated],
    problems: list[str],
) -> tuple[tuple[Closed, ...], dict[str, Dated]]:
    """All files of a backup and what changes, for a catalogue in the place of those lost."""
    files = _union(found.sound) | {(one.folder, one.name): one for one in added}
    chain, _ = _chain(target)
    noted = _listed(chain)
    for one in _loose(target, files.keys(), problems):
        if not _contradicted(target, one, noted, problems):
            files[one.folder, one.name] = one
    loose = list(_loose_state(target, sorted(found.lost), chain, problems))
    return tuple(files.values()), _state([*state.values(), *loose])


def _loose(
    target: Shelf, known: Iterable[tuple[str, str]], problems: list[str]
) -> Iterator[Closed]:
    """The closed files of a backup that are not among those known, as they lie there."""
    passed = set(known)
    there = [(folder, one) for folder in CLOSED for one in _kept(target, folder)]
    missed = [(folder, one) for folder, one in there if (folder, one.name) not in passed]
    for folder, one in track(missed, "files"):
        try:
            yield Closed(folder, one.name, one.size, target.digest(folder, one.name), 0)
        except OSError as error:
            where = target.where(folder, one.name)
            problems.append(f"{where} cannot be read: {error.strerror or error}")


def _contradicted(
    target: Shelf, one: Closed, noted: Mapping[tuple[str, str], str], problems: list[str]
) -> bool:
    wanted = noted.get((one.folder, one.name), one.sha256)
    if wanted != one.sha256:
        where = target.where(one.folder, one.name)
        problems.append(f"{where} has SHA-256 {one.sha256}, but {wanted} in a manifest")
    return wanted != one.sha256


def _loose_state(
    target: Shelf,
    moments: Iterable[str],
    chain: Sequence[Link],
    problems: list[str],
    frontiers: bool = True,
) -> Iterator[Dated]:
    """What changes as it lies there of backups whose catalogues cannot be used."""
    for moment in moments:
        for below in ("", ALSO):
            folder = _folder_of(moment, below)
            for one in target.kept(folder, ""):
                is_packed = one.name.endswith(".db" + PACKED) and not below
                if is_packed and not frontiers:
                    continue
                plain = one.name.removesuffix(PACKED) if is_packed else one.name
                try:
                    size, sha256 = _measured(target, folder, one.name, is_packed)
                    if plain in STATE and not below:
                        _demand_noted(target, folder, plain, chain)
                except BackupError as error:
                    problems.append(str(error))
                    continue
                name = f"{below}/{plain}" if below else plain
                yield Dated(name, size, sha256, folder, one.name)


def _demand_noted(target: Shelf, folder: str, name: str, chain: Sequence[Link]) -> None:
    """BackupError where a file that only grows does not begin as the manifests say."""
    content = target.read(folder, name)
    for link in chain:
        registers = link.said.get("registers")
        said = registers.get(name) if isinstance(registers, Mapping) else None
        if not said or len(content) < said["bytes"]:
            continue
        if hashlib.sha256(content[: said["bytes"]]).hexdigest() != said["sha256"]:
            raise BackupError(
                f"{target.where(folder, name)} begins otherwise than {link.name} says"
            )


def _measured(shelf: Shelf, folder: str, stored: str, is_packed: bool) -> tuple[int, str]:
    """Size and SHA-256 of the content of a file of a backup; BackupError where it has none."""
    size, made = 0, hashlib.sha256()
    try:
        with shelf.open(folder, stored) as file:
            for block in _content(file, is_packed):
                size += len(block)
                made.update(block)
    except (OSError, zlib.error, EOFError) as error:
        raise _unusable(shelf, folder, stored, error) from error
    return size, made.hexdigest()


def _unusable(shelf: Shelf, folder: str, stored: str, error: Exception) -> BackupError:
    where = shelf.where(folder, stored)
    if isinstance(error, FileNotFoundError):
        return BackupError(f"{where} is missing")
    if isinstance(error, zlib.error | EOFError | gzip.BadGzipFile):
        return BackupError(f"{where} is damaged: {error}")
    return BackupError(f"{where} cannot be read: {error}")


# --- is it still what it was ----------------------------------------------------------------------


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
        verdict = f"{len(self.problems)} problems" if self.problems else "all in order"
        read = f"read {self.read} of {self.files} files ({self.size:,} bytes)"
        return "\n".join([*self.problems, f"{self.target}: {verdict}; {read}.", *self.remarks])


def check(to: str, everything: bool, today: date) -> Examined:
    """Whether a backup still holds what its catalogues say: every file and its size, and of a
    thirtieth of them, another each day, or of all, the bytes. Nothing is written."""
    target, examined = Shelf(to), Examined(to)
    found = catalogues(target).until(None)
    if not found.sound and not found.lost:
        raise BackupError(f"{to} has no backup: there is no catalogue")
    examined.problems += sorted(found.lost.values())
    known = _union(found.sound)
    there = {(folder, one.name): one.size for folder in CLOSED for one in _kept(target, folder)}
    every = {(one.folder, one.stored): one for had in found.sound for one in had.state}
    newest = {
        (one.folder, one.stored)
        for one in _state(one for had in found.sound for one in had.state).values()
    }
    parts: list[Closed | Dated] = [*known.values(), *every.values()]
    examined.files = len(parts)
    for one in track(parts, "files"):
        stored = one.stored if isinstance(one, Dated) else one.name
        where = target.where(one.folder, stored)
        if isinstance(one, Closed) and (size := there.get((one.folder, one.name))) != one.size:
            has = "is missing" if size is None else f"has {size} bytes, {one.size} in its catalogue"
            examined.problems.append(f"{where} {has}")
            continue
        if not everything and _turn(f"{one.folder}/{stored}") != today.toordinal() % DAYS:
            continue
        try:
            is_packed = isinstance(one, Dated) and stored != one.name.rpartition("/")[2]
            size, sha256 = _measured(target, one.folder, stored, is_packed)
        except BackupError as error:
            # Of what changes, all but the newest may be deleted.
            is_deleted = isinstance(error.__cause__, FileNotFoundError) and isinstance(one, Dated)
            if not (is_deleted and (one.folder, stored) not in newest):
                examined.problems.append(str(error))
            continue
        examined.read, examined.size = examined.read + 1, examined.size + size
        if sha256 != one.sha256:
            examined.problems.append(f"{where} has SHA-256 {sha256}, not {one.sha256}")
    if loose := sorted(there.keys() - known.keys()):
        examined.remarks.append(
            f"{len(loose)} files there are in no catalogue, such as {'/'.join(loose[0])}; the next "
            "backup takes them up, unless they were put there by others."
        )
    return examined


def _turn(place: str) -> int:
    return int.from_bytes(hashlib.sha256(place.encode()).digest()[:8], "big") % DAYS


# --- and back -------------------------------------------------------------------------------------


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
    at = moment(at) if at is not None else None
    every = catalogues(shelf)
    found = every.until(at)
    # An interrupted first backup and one whose only catalogue was lost look the same.
    is_bare = not every.sound and not every.lost
    if is_bare and not any(_kept(shelf, folder) for folder in CLOSED):
        raise BackupError(f"{source} has no backup")
    if not is_bare and not found.sound and not found.lost:
        raise BackupError(f"{source} has no backup of {at} or before; it has: {_days(every)}")
    if not merge and data.exists() and any(data.iterdir()):
        raise BackupError(f"{data} is not empty: give a fresh folder, or --merge to add to it")
    last = max([*(one.taken_at for one in found.sound), *found.lost], default="without a catalogue")
    restored = Restored(data, last)
    problems: list[str] = []
    loose: list[Closed] = []
    loose_state: list[Dated] = []
    chain, _ = _chain(shelf)
    noted = _listed(chain)
    if captures and (is_bare or found.lost or not at):
        loose = [
            one
            for one in _loose(shelf, _union(every.sound), problems)
            if not _contradicted(shelf, one, noted, problems)
        ]
    if found.lost or is_bare:
        moments = sorted(found.lost) or [one for one in shelf.folders(DATED) if _is_until(one, at)]
        loose_state = list(_loose_state(shelf, moments, chain, problems, frontiers=not is_bare))
    closed = [*(_union(found.sound).values() if captures else ()), *loose]
    for one in track(closed, "files"):
        try:
            place = data / one.folder / one.name
            if _bring(shelf, (one.folder, one.name), place, one.sha256, one.modified or None):
                restored.brought += 1
            else:
                restored.there += 1
        except BackupError as error:
            problems.append(str(error))
    state = _state([*(one for had in found.sound for one in had.state), *loose_state])
    for dated in state.values():
        try:
            place = data / dated.name
            if place.exists() and not dated.name.startswith(ALSO):
                if _digest(place) == dated.sha256:
                    restored.there += 1
                else:
                    restored.kept.append(dated.name)
                continue
            if _bring(shelf, (dated.folder, dated.stored), place, dated.sha256):
                restored.brought += 1
            if dated.name.startswith(ALSO):
                restored.also.append(str(place))
        except BackupError as error:
            problems.append(str(error))
    vouched = {one for had in found.sound for one in had.state}
    used = [one for one in loose_state if state[one.name] == one and one not in vouched]
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
            f"{len(found.lost)} catalogues of {source} cannot be used; what they listed was looked "
            "for all the same:\n" + "\n".join(sorted(found.lost.values()))
        )
    elif not found.sound:
        said.append(f"{source} has no catalogue: it was lost, or no backup was ever finished.")
    if unlisted:
        more = [f"and {len(unlisted) - MOST_NAMED} more"] if len(unlisted) > MOST_NAMED else []
        said.append(
            f"{len(unlisted)} files are in no catalogue and were brought; verify says whether they "
            "are sound:\n" + "\n".join([*unlisted[:MOST_NAMED], *more])
        )
    if problems:
        said.append(
            f"{len(problems)} files could not be restored from {source}; what is sound lies in "
            f"{restored.data}. Bring these from another backup with --merge:\n"
            + "\n".join(problems)
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
            for block in _content(packed, stored[1] != place.name):
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
        raise _unusable(shelf, *stored, error) from error
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
