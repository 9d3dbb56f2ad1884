"""From which files was an archive made? captures.csv: each with its size and SHA-256.

With these files, and the reader they name, the archive can be made again.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from os import SEEK_END
from pathlib import Path
from typing import IO

from archive.shelf import Kept, Shelf

CHUNK = 1 << 20
SHA256 = re.compile(r"[0-9a-f]{64}")
SIZE = re.compile(r"[0-9]{1,18}")
PLAIN = re.compile(r"[^\x00-\x1f/\\.][^\x00-\x1f/\\]*")
SEGMENT, SIGHTINGS, GROWING = "segment", "sightings", "growing"
CORRECTIONS, TAKEDOWNS, PARSER, WRITER = "corrections", "takedowns", "parser", "writer"
# Kinds of files that are kept whole: their folders and how their names end.
FOLDERS = {SEGMENT: ("warc", ".warc.gz"), SIGHTINGS: ("sightings", ".jsonl")}
# Files of the data folder that only ever grow by lines: a release states how far they had.
GROWN = ("ledger.csv", "published.csv")
# The archive's own word on what it read: kind, table, and its column of names.
TOLD = ((SEGMENT, "segments", "warc_file"), (SIGHTINGS, "sighting_files", "name"))
# What people reviewed: the tables of that name in the release.
REVIEWED = (CORRECTIONS, TAKEDOWNS)
FILES = (*FOLDERS, GROWING, *REVIEWED)
KINDS = (*FILES, PARSER, WRITER)


class ListingError(ValueError):
    """A list of captures cannot be made or read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of captures.csv; a parser or a writer is a name (its version) and nothing more.

    Of a growing file `bytes` says how far it had grown; corrections and takedowns are the release's
    own tables.
    """

    kind: str
    name: str
    bytes: int | None = None
    sha256: str | None = None


HEADER = tuple(field.name for field in fields(Listed))


def list_inputs(db: sqlite3.Connection, data: Path, built: int) -> list[Listed]:
    """What the archive open in `db` was made from, files by kind and name.

    `built` is when (st_mtime_ns of the archive): files closed later had no part in it, and raise
    ListingError where the archive itself does not say which it read.
    """
    shelf = Shelf(str(data.absolute()))
    listed: list[Listed] = []
    for kind, table, name in TOLD:
        found = [
            Listed(kind, *row)
            for row in db.execute(f'select "{name}", bytes, sha256 from "{table}" order by 1')
        ]
        listed += found or _closed(shelf, kind, built)
    said = any(one.kind == SIGHTINGS for one in listed)
    if not said and db.execute("select exists (select 1 from sightings)").fetchone()[0]:
        raise ListingError(
            f"nothing says which sightings it was made from, and {shelf.where('sightings')} "
            "has none: bring them there, then build it again"
        )
    for name in GROWN:
        if (path := data / name).exists():
            with path.open("rb") as file:
                size = whole_lines(file)
                file.seek(0)
                listed.append(Listed(GROWING, name, *digest(file, size)))
    parsers = db.execute("select distinct parser from versions where parser > '' order by 1")
    return [*listed, *(Listed(PARSER, version) for (version,) in parsers)]


def _closed(shelf: Shelf, kind: str, built: int) -> Iterator[Listed]:
    folder, suffix = FOLDERS[kind]
    kept = shelf.kept(folder, suffix)
    if late := [one.name for one in kept if _is_later(one, built)]:
        raise ListingError(
            f"{len(late)} files were closed after the archive was built, the first "
            f"{folder}/{late[0]}: build it again"
        )
    for one in kept:
        with shelf.open(folder, one.name) as file:
            yield Listed(kind, one.name, *digest(file))


def _is_later(kept: Kept, built: int) -> bool:
    return kept.stamp.isdigit() and int(kept.stamp) > built


def whole_lines(file: IO[bytes]) -> int:
    """How far the last line of a file goes that has its end; what follows was never said."""
    end = file.seek(0, SEEK_END)
    while end:
        start = max(0, end - CHUNK)
        file.seek(start)
        if (found := file.read(end - start).rfind(b"\n")) >= 0:
            return start + found + 1
        end = start
    return 0


def digest(file: IO[bytes], size: int | None = None) -> tuple[int, str]:
    """Bytes and SHA-256 of a file from where it stands, or of its first `size` bytes."""
    sha256, done = hashlib.sha256(), 0
    while block := file.read(CHUNK if size is None else min(CHUNK, size - done)):
        sha256.update(block)
        done += len(block)
    return done, sha256.hexdigest()


def as_csv(listed: Iterable[Listed]) -> str:
    """The text of captures.csv (RFC 4180)."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(HEADER)
    rows.writerows(astuple(one) for one in listed)
    return text.getvalue()


def read_listing(path: Path) -> list[Listed]:
    """The lines of a captures.csv; ListingError names the line that cannot be trusted."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(_lines(file, path))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ListingError(
            f"{path} is no list of captures: {error}. Name the captures.csv of a release"
        ) from error


def _lines(file: Iterable[str], path: Path) -> Iterator[Listed]:
    rows = csv.reader(file, strict=True)
    if tuple(next(rows, ())) != HEADER:
        raise ListingError(
            f"{path} is no list of captures: line 1 is not {','.join(HEADER)}. Name the "
            "captures.csv of a release"
        )
    for row in rows:
        kind, name, size, sha256 = row if len(row) == len(HEADER) else ("",) * len(HEADER)
        is_file = kind in FILES
        if (
            kind not in KINDS
            # The list may come from anywhere: its names must not lead out of the folder.
            or not PLAIN.fullmatch(name)
            or (kind in FOLDERS and not name.endswith(FOLDERS[kind][1]))
            or (kind == GROWING and name not in GROWN)
            or (is_file and not (SIZE.fullmatch(size) and SHA256.fullmatch(sha256)))
        ):
            raise ListingError(
                f"{path} line {rows.line_num} is damaged: {str(row)[:200]}. Take the list of the "
                "release, as its SHA256SUMS says it is"
            )
        yield Listed(kind, name, int(size), sha256) if is_file else Listed(kind, name)
