"""How does what is to be kept get to the other shelf? Nothing that is there is overwritten."""

from __future__ import annotations

import gzip
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archive.backup.catalogue import (
    ALSO,
    CATALOGUE,
    CATALOGUES,
    CLOSED,
    MOMENT,
    PACKED,
    STATE,
    WARC,
    BackupError,
    Catalogue,
    Closed,
    Dated,
    amiss,
    catalogues,
    closed_files,
    folder_of,
    is_apart,
    latest,
    local,
    printed,
    union,
)
from archive.backup.loose import all_there, chain_of, digests_listed
from archive.backup.wording import agreed, counted
from archive.progress import track
from archive.shelf import CHUNK, Shelf, ShelfError, shelved

FRONTIERS = "frontier*.db"
ARCHIVE, MANIFEST = "nianbao.db", "a manifest"


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
                f"Backup {self.taken_at} in {self.target}: {counted(self.added, 'file')} added"
                f" ({self.size:,} bytes), {self.held} {agreed(self.held, 'was', 'were')} there;"
                f" changed since the last and kept by date: {state}.",
                *self.remarks,
            )
        )


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
    target.sweep()
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
        files = tuple(_put_closed(source, target, union(before), _noted(data, saved), saved))
        state = latest(one for catalogue in before for one in catalogue.state)
        if found.lost:
            files, state = all_there(target, found, files, state, saved.problems)
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
    target.put(CATALOGUES, f"{taken_at}{CATALOGUE}", printed(written))
    if found.lost:
        saved.remarks.append(
            f"{counted(len(found.lost), 'catalogue')} could not be used; the one of this backup"
            " lists all that is there in place of what is lost:\n"
            + "\n".join(sorted(found.lost.values()))
        )
    if saved.problems:
        raise BackupError(
            f"{saved}\n{counted(len(saved.problems), 'file')} "
            f"{agreed(len(saved.problems), 'is', 'are')} not in the backup as here. Run "
            "verify: where the file here is damaged, move it away and restore --merge; where the "
            "one there is, move that away and back up again:\n" + "\n".join(saved.problems)
        )
    if found.lost:
        raise BackupError(f"{saved}\nThe backup was made; run backup --check --all once.")
    return saved


def _check_places(data: Path, to: str) -> None:
    if not data.is_dir():
        raise BackupError(f"{data} is no data folder: give the one that was crawled into")
    if (folder := local(to)) and folder.exists() and not folder.is_dir():
        raise BackupError(f"{to} is a file: give a folder or a URL for the backup")
    if not is_apart(data, to):
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
    kept = closed_files(source)
    there = {place: one.size for place, one in closed_files(target).items()}
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
            f"{counted(len(lost), 'file')} of the backup {agreed(len(lost), 'is', 'are')} not here,"
            f" such as {'/'.join(lost[0])}; `restore --merge` brings what is missing."
        )


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
    chain, why = chain_of(shelved(data))
    if why:
        saved.remarks.append(f"Nothing was compared with the manifests: {why}")
    return noted | {place: (MANIFEST, sha256) for place, sha256 in digests_listed(chain).items()}


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
    """All that changes as it is; what is as in the last backup, and whole there, is not stored
    again."""
    folders = {one.folder for name, one in before.items() if name in found}
    there = {(folder, one.name): one.size for folder in folders for one in target.kept(folder, "")}
    for name, path in sorted(found.items()):
        sha256 = shelved(path.parent).digest("", path.name)
        below, _, plain = name.rpartition("/")
        folder = folder_of(saved.taken_at, below)
        if (known := before.get(name)) and known.sha256 == sha256:
            size = there.get((known.folder, known.stored))
            if not (wrong := amiss(known, size)):
                yield known
                continue
            where, remedy = target.where(known.folder, known.stored), "it was put back"
            if size is None:
                folder = known.folder
            else:
                remedy = f"{name} was stored anew in {folder}; move the damaged one away"
            saved.remarks.append(f"{where} {wrong}: {remedy}.")
        else:
            saved.dated.append(name)
        stored, source = plain, path
        if path.parent == scratch and plain.endswith(".db"):
            stored, source = plain + PACKED, scratch / (plain + PACKED)
            # Without the time of packing: the same content makes the same bytes.
            with path.open("rb") as content, gzip.GzipFile(source, "wb", 6, mtime=0) as packed:
                shutil.copyfileobj(content, packed, CHUNK)
        target.put(folder, stored, source)
        size_there = source.stat().st_size
        saved.size += size_there
        yield Dated(
            *(name, path.stat().st_size, sha256, folder, stored),
            size_there if stored != plain else None,
        )
