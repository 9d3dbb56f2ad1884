"""Writing a release: the same archive gives the same bytes, and half a release is never seen.

It is written to DIR.new and takes the place of DIR in two renames. Killed between them, the former
release lies in DIR.old, from where the next export puts it back.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from string import Template

import pyarrow

from archive import takedowns
from archive.build import ARCHIVE, LOCK
from archive.export import dictionary, listing
from archive.export.columns import write_table
from archive.export.descriptor import File, describe
from archive.export.listing import (
    CORRECTIONS,
    PARSER,
    SEGMENT,
    TAKEDOWNS,
    WRITER,
    Listed,
    as_csv,
    list_inputs,
)
from archive.export.records import line, records
from archive.export.rows import CHUNK, RowsError, check_tables, chunks, count, public_tables
from archive.export.shown import narrow
from archive.issuers import locked
from archive.progress import track
from archive.schema import PUBLISHED, Table
from archive.shelf import sync
from archive.store import trouble
from archive.takedowns import Takedown

SUMS, DESCRIPTOR, README = "SHA256SUMS", "datapackage.json", "README.md"
UNFINISHED = ".unfinished"
TEMPLATE = Path(__file__).with_name("README.txt")
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
UNWRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)


class ExportError(ValueError):
    """There is nothing to export, or it cannot be written; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written: where, how many reports and versions, how many files of how many bytes,
    and how many takedowns were listed."""

    target: Path
    reports: int
    versions: int
    files: int
    size: int
    taken: int = 0

    def __str__(self) -> str:
        told = (
            f"{self.target}: {self.reports} reports in {self.versions} versions; "
            f"{self.files} files, {self.size / 1e6:.1f} MB"
        )
        return f"{told}; {self.taken} takedowns in force" if self.taken else told


def export(
    data: Path, target: Path, year: int | None = None, listed: Path = takedowns.SHIPPED
) -> Summary:
    """Write a release of the archive of a data folder, or of its reports of one year, to a folder;
    `listed` names what is taken down.

    The folder is made; a former release in it is replaced, anything else there refused. A build
    may go on meanwhile: what is written is the archive as it was when the export began.
    """
    target = target.resolve()
    fresh, former = (target.with_name(target.name + end) for end in (".new", ".old"))
    if former.exists() and not target.exists() and is_release(former):
        former.rename(target)
    for folder in (target, fresh, former):
        _refuse_others(folder)
    entries = takedowns.load(listed)
    db, inputs = _opened(data, year)
    with closing(db):
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(fresh / UNFINISHED) as mine:
            if not mine:
                raise ExportError(f"another export writes {fresh}: wait until it has finished")
            try:
                _clear(fresh)
                narrow(db, public_tables(), entries)
                summary = _write(db, fresh, inputs, year, entries)
            except BaseException as error:
                shutil.rmtree(fresh, ignore_errors=True)
                if isinstance(error, OSError) and error.errno in FULL:
                    raise ExportError(f"{fresh}: the disk is full ({error}). Free it") from error
                if isinstance(error, sqlite3.Error):
                    raise ExportError(trouble(data / ARCHIVE, error)) from error
                raise
            _swap(fresh, target, former)
    return replace(summary, target=target, taken=len(entries))


def is_release(folder: Path) -> bool:
    """Whether a folder holds a release and nothing else: no file its SHA256SUMS does not name."""
    try:
        sums = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    named = {SUMS, *(row.partition("  ")[2] for row in sums)}
    return {SUMS, DESCRIPTOR} <= named and set(_files(folder)) <= named


def _files(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    )


def _refuse_others(folder: Path) -> None:
    if folder.is_dir():
        if not any(folder.iterdir()) or (folder / UNFINISHED).exists() or is_release(folder):
            return
        raise ExportError(f"{folder} holds what is no release: empty it, or name another folder")
    if folder.exists() or folder.is_symlink():
        raise ExportError(f"{folder} is no folder: name another one")


def _clear(fresh: Path) -> None:
    for path in fresh.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != UNFINISHED:
            path.unlink()


def _opened(data: Path, year: int | None) -> tuple[sqlite3.Connection, list[Listed]]:
    """The archive, and the files it was made from, taken while no build can change either."""
    archive = data / ARCHIVE
    if not archive.exists():
        raise ExportError(f"no archive {archive}: run `python -m archive build` first")
    with _quiet(data) as quiet:
        if not quiet:
            raise ExportError(f"a build holds {data / LOCK}: wait until it has finished")
        # Immutable: a build puts another file in its place and never writes to this one.
        uri = f"{archive.resolve().as_uri()}?mode=ro&immutable=1"
        db = None
        try:
            db = sqlite3.connect(uri, uri=True, isolation_level=None)
            check_tables(db, public_tables())
            _demand_reports(db, year)
            return db, list_inputs(db, data, archive.stat().st_mtime_ns)
        except BaseException as error:
            if db is not None:
                db.close()
            if isinstance(error, RowsError | listing.ListingError):
                raise ExportError(f"{archive}: {error}") from error
            if isinstance(error, sqlite3.Error):
                raise ExportError(trouble(archive, error)) from error
            raise


@contextmanager
def _quiet(data: Path) -> Iterator[bool]:
    """Whether no build is at work in a data folder, as far as who may only read it can tell: where
    the lock cannot be opened, such as on a disk mounted to be read, there is none to wait for."""
    with ExitStack() as stack:
        try:
            mine = stack.enter_context(locked(data / LOCK))
        except OSError as error:
            if error.errno not in UNWRITABLE:
                raise
            mine = True
        yield mine


def _demand_reports(db: sqlite3.Connection, year: int | None) -> None:
    years = [one for (one,) in db.execute("select distinct year from reports order by year")]
    if year is not None and year not in years:
        told = ", ".join(map(str, years)) or "none"
        raise ExportError(f"no report of {year}: the archive has reports of these years: {told}")


def _write(
    db: sqlite3.Connection,
    folder: Path,
    inputs: list[Listed],
    year: int | None,
    entries: Sequence[Takedown],
) -> Summary:
    tables, rows = public_tables(), {}
    for kind in ("csv", "parquet"):
        (folder / kind).mkdir()
    for name, table in tables.items():
        total = count(db, name, table, year)
        wanted = track(chunks(db, name, table, year), name, -(-total // CHUNK))
        rows[name] = write_table(wanted, table, *_places(folder, name))
    tables[dictionary.NAME] = dictionary.DICTIONARY
    rows[dictionary.NAME] = write_table(
        [list(dictionary.entries())], dictionary.DICTIONARY, *_places(folder, dictionary.NAME)
    )
    tables[takedowns.NAME] = PUBLISHED[takedowns.NAME]
    rows[takedowns.NAME] = write_table(
        [list(map(astuple, entries))] if entries else [],
        tables[takedowns.NAME],
        *_places(folder, takedowns.NAME),
    )
    with (folder / "reports.jsonl").open("wb") as file:
        for record in track(records(db, year), "reports", rows["reports"]):
            file.write(line(record))
    reviewed = (_reviewed(folder, kind) for kind in (CORRECTIONS, TAKEDOWNS))
    inputs = [*inputs, *reviewed, Listed(WRITER, f"pyarrow {pyarrow.__version__}")]
    (folder / "captures.csv").write_bytes(as_csv(inputs).encode())

    counts = {f"{kind}/{name}.{kind}": rows[name] for kind in ("csv", "parquet") for name in rows}
    counts |= {"reports.jsonl": rows["reports"], "captures.csv": len(inputs)}
    files = {name: _file(folder, name, counts.get(name)) for name in _written(folder)}
    version = _last_day(db)
    (folder / DESCRIPTOR).write_text(describe(tables, files, year, version), encoding="utf-8")
    (folder / README).write_text(_readme(tables, rows, inputs, year, version), encoding="utf-8")
    for name in (DESCRIPTOR, README):
        files[name] = _file(folder, name, None)
    sums = "".join(f"{files[name].sha256}  {name}\n" for name in sorted(files))
    (folder / SUMS).write_text(sums, encoding="utf-8")
    for path in (folder / SUMS, folder / "csv", folder / "parquet"):
        sync(path)
    size = sum(file.bytes for file in files.values()) + (folder / SUMS).stat().st_size
    return Summary(folder, rows["reports"], rows["versions"], len(files) + 1, size)


def _places(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / "csv" / f"{name}.csv", folder / "parquet" / f"{name}.parquet"


def _reviewed(folder: Path, kind: str) -> Listed:
    """What people reviewed and this release took into account: it may come from any file."""
    with (folder / "csv" / f"{kind}.csv").open("rb") as file:
        return Listed(kind, f"{kind}.csv", *listing.digest(file))


def _written(folder: Path) -> Iterator[str]:
    return (name for name in _files(folder) if name != UNFINISHED)


def _file(folder: Path, name: str, rows: int | None) -> File:
    """What is to be said of a written file, once it is on the disk."""
    sync(folder / name)
    with (folder / name).open("rb") as file:
        return File(name, *listing.digest(file), rows)


def _last_day(db: sqlite3.Connection) -> str | None:
    day: str | None = db.execute("select max(night) from sightings").fetchone()[0]
    return day


def _readme(
    tables: Mapping[str, Table],
    rows: Mapping[str, int],
    inputs: list[Listed],
    year: int | None,
    version: str | None,
) -> str:
    of_table = [
        f"- `{name}` ({rows[name]:,}): {table.description}" for name, table in tables.items()
    ]
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        of_year=f"：{year}年度" if year is not None else "",
        of_year_en=f": reports of {year}" if year is not None else "",
        version=version or "—",
        reports=f"{rows['reports']:,}",
        versions=f"{rows['versions']:,}",
        segments=f"{sum(one.kind == SEGMENT for one in inputs):,}",
        parser=", ".join(one.name for one in inputs if one.kind == PARSER) or "—",
        tables="\n".join(of_table),
    )


def _swap(fresh: Path, target: Path, former: Path) -> None:
    if former.exists():
        shutil.rmtree(former)
    if target.exists():
        target.rename(former)
    fresh.rename(target)
    # Not before: without the mark a second export would take the folder for one it may clear.
    (target / UNFINISHED).unlink()
    sync(target)
    sync(target.parent)
    shutil.rmtree(former, ignore_errors=True)
