"""The snapshot Datasette serves: DATA/site with the archive, a search index and descriptions."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from archive import coverage, health, measures, national, privacy, published, takedowns
from archive.build import ARCHIVE, LOCK, PUBLISHED
from archive.export.rows import RowsError, check_tables, public_tables
from archive.issuers import locked
from archive.schema import PUBLISHED as SNAPSHOT_TABLES
from archive.schema import TABLES, Column
from archive.search_index import HIDDEN, index_texts
from archive.shelf import sync
from archive.store import DERIVED, trouble
from archive.takedowns import Takedown

SITE = "site"
SNAPSHOTS = "site-"
RELEASES = "releases"
OURS = re.compile(r"site-(before-)?[0-9]{8}T[0-9]{12}Z")
DATABASE = "nianbao"
CONFIG = Path(__file__).resolve().parent.parent / "datasette"
LINKED = ("templates", "plugins", "static")


def added(
    entries: Sequence[Takedown] = (),
) -> tuple[Callable[[sqlite3.Connection], str | None], ...]:
    """What a snapshot has besides the archive, in the order it is made; each may have a word on it.

    What masks texts stands before all that reads them, what takes reports down before all that
    counts them but for coverage, and the measures before the sums that read them. The search index
    comes after all.
    """
    return (
        privacy.add,
        coverage.add,
        partial(takedowns.add, entries=entries),
        health.add,
        measures.add,
        national.add,
    )


log = logging.getLogger(__name__)


class PublishError(ValueError):
    """There is nothing to publish, or it cannot be; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was published: where, how many reports a search can find, the size in bytes, and what
    was masked or taken down."""

    site: Path
    documents: int
    size: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = f"{self.documents} reports searchable, {self.size / 1e6:.1f} MB"
        return f"{self.site}: {'; '.join((told, *self.notes))}"


def publish(data: Path, listed: Path = takedowns.SHIPPED) -> Summary:
    """Assemble a new snapshot aside and let DATA/site point to it in one step; `listed` names what
    is taken down.

    A running site moves to it within seconds; what it is answering keeps the files it has open.
    """
    archive = data / ARCHIVE
    if not archive.exists():
        raise PublishError(f"no archive {archive}: run `python -m archive build` first")
    entries = takedowns.load(listed)
    with locked(data / LOCK) as mine:
        if not mine:
            raise PublishError(f"a build holds {data / LOCK}: wait until it has finished")
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        fresh = data / f"{SNAPSHOTS}{stamp}"
        fresh.mkdir()
        try:
            summary = _assemble(data, archive, fresh, entries)
            # Before they are shown: what was ever public is known even if this dies here.
            _note_names(data, fresh / ARCHIVE, stamp)
        except BaseException as error:
            shutil.rmtree(fresh, ignore_errors=True)
            if isinstance(error, RowsError):
                raise PublishError(f"{archive}: {error}") from error
            if isinstance(error, sqlite3.Error):
                raise PublishError(trouble(archive, error)) from error
            raise
        _swap(data, fresh)
    return summary


def _note_names(data: Path, snapshot: Path, stamp: str) -> None:
    """Add the reports and versions of a snapshot to the list of all that were ever public; where
    that list was lost, those of the site in use first."""
    path, day = data / PUBLISHED, f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}"
    in_use = data / SITE / ARCHIVE
    lost = published.lost(path)
    if in_use.exists() and lost:
        log.warning(
            "%s %s: it begins with the names of the site in use. Sites before it may have shown "
            "more: if there was a list, restore it from the backup and publish again",
            path,
            lost,
        )
        _append_names(path, in_use, day)
    elif lost and path.exists():
        log.warning("%s %s: if there was a list, restore it from the backup", path, lost)
    _append_names(path, snapshot, day)


def _append_names(path: Path, snapshot: Path, day: str) -> None:
    with closing(sqlite3.connect(f"{snapshot.resolve().as_uri()}?mode=ro", uri=True)) as db:
        rows = db.execute("select id from reports union all select id from versions order by 1")
        published.append(path, (name for (name,) in rows), day)


def _assemble(data: Path, archive: Path, folder: Path, entries: Sequence[Takedown]) -> Summary:
    snapshot = folder / ARCHIVE
    with closing(sqlite3.connect(f"{archive.resolve().as_uri()}?mode=ro", uri=True)) as db:
        check_tables(db, public_tables())
        # Synced once, by us: SQLite passes over a sync that fails.
        db.execute("pragma synchronous = off")
        db.execute("vacuum into ?", (str(snapshot),))
    with closing(sqlite3.connect(snapshot, isolation_level=None)) as db:
        db.execute("pragma journal_mode = off")
        db.execute("pragma synchronous = off")
        told = [add(db) for add in added(entries)]
        documents = index_texts(db)
        db.execute("analyze")
        counts = table_counts(db)
    sync(snapshot)
    inspected = {
        DATABASE: {
            "hash": _hash(snapshot),
            "size": snapshot.stat().st_size,
            "file": ARCHIVE,
            "tables": {name: {"count": count} for name, count in counts.items()},
        }
    }
    _write_json(folder / "inspect-data.json", inspected)
    _write_json(folder / "metadata.json", metadata(CONFIG / "metadata.yml", data / "warc"))
    if (CONFIG / "settings.json").exists():
        shutil.copyfile(CONFIG / "settings.json", folder / "settings.json")
        sync(folder / "settings.json")
    for name in LINKED:
        (folder / name).symlink_to(CONFIG / name, target_is_directory=True)
    sync(folder)
    return Summary(data / SITE, documents, snapshot.stat().st_size, tuple(filter(None, told)))


def _swap(data: Path, fresh: Path) -> None:
    site, pointer = data / SITE, data / f"{SITE}.new"
    pointer.unlink(missing_ok=True)
    pointer.symlink_to(fresh.name, target_is_directory=True)
    if site.is_dir() and not site.is_symlink():
        # A folder cannot be replaced by a link in one step; only the first time can meet one.
        site.rename(data / f"{SNAPSHOTS}before-{fresh.name.removeprefix(SNAPSHOTS)}")
    os.replace(pointer, site)
    sync(data)
    for old in data.glob(f"{SNAPSHOTS}*"):
        if OURS.fullmatch(old.name) and old != fresh:
            shutil.rmtree(old, ignore_errors=True)


def table_counts(db: sqlite3.Connection) -> dict[str, int]:
    """Rows by table, as Datasette's inspect file wants them."""
    names = [
        name
        for (name,) in db.execute("select name from sqlite_master where type = 'table' order by 1")
    ]
    return {
        name: db.execute(f'select count(*) from "{name}"').fetchone()[0]
        for name in names
        if not name.startswith("sqlite_")
    }


def metadata(written: Path, warc: Path) -> dict[str, Any]:
    """Datasette's metadata: what metadata.yml says, and every description of the schema.

    Where both speak, metadata.yml holds.
    """
    tables: dict[str, Any] = {}
    for name, table in {**TABLES, **SNAPSHOT_TABLES}.items():
        tables[name] = {
            "description": table.description,
            "columns": {column: _described(spec) for column, spec in table.columns.items()},
        }
    tables[DERIVED] = {
        "description": "派生数：表式所定义而未印出的合计；任一部分为空则为空 "
        "(sums the form defines but does not print; NULL when any part is)",
        "columns": {
            column: _described(spec) for column, spec in public_tables()[DERIVED].columns.items()
        },
    }
    tables |= {name: {"hidden": True} for name in (*HIDDEN, privacy.WITHHELD)}
    own = yaml.safe_load(written.read_text(encoding="utf-8")) if written.exists() else {}
    return _merged(
        {
            "databases": {DATABASE: {"tables": tables}},
            "plugins": {
                DATABASE: {
                    "warc": str(warc.resolve()),
                    "releases": str(warc.resolve().with_name(RELEASES)),
                    "private": privacy.patterns(),
                },
            },
        },
        own or {},
    )


def _described(column: Column) -> str:
    """A column's description with its unit: Datasette's own `units` know no 件 and would refuse
    to show the table."""
    return f"{column.description}，单位：{column.unit}" if column.unit else column.description


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        known = merged.get(key)
        both = isinstance(known, dict) and isinstance(value, dict)
        merged[key] = _merged(known, value) if both else value  # type: ignore[arg-type]
    return merged


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    sync(path)
