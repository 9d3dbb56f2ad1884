"""Which captures was a release made from, and are they still what they were? Brings them back.

The segments and sightings of a release's captures.csv are verified and put into a fresh data
folder, with the ledger and the published names as far as they had grown: `build` and `export`
there make the release again.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from archive import corrections, takedowns
from archive.export.listing import (
    CHUNK,
    CORRECTIONS,
    FOLDERS,
    GROWING,
    PARSER,
    REVIEWED,
    TAKEDOWNS,
    Listed,
    digest,
    read_listing,
)
from archive.progress import track
from archive.read import PARSER as READER
from archive.shelf import NO_LINKS, Shelf, sync

MOST_TOLD = 20
HEADERS = {CORRECTIONS: corrections.HEADER, TAKEDOWNS: takedowns.HEADER}


class CheckoutError(ValueError):
    """The captures of a release cannot be brought back; the message names each and its digests."""


@dataclass(slots=True)
class Summary:
    """What was brought back. `parsers` read the release, `reader` is that of this code."""

    target: Path
    parsers: list[str]
    reader: str
    files: int = 0
    size: int = 0

    def __str__(self) -> str:
        text = f"{self.target}: {self.files} files verified, {self.size / 1e6:.1f} MB"
        if self.parsers not in ([], [self.reader]):
            text += (
                f"\nWarning: parser {', '.join(self.parsers)} read this release, but this code has "
                f"parser {self.reader}: what it reads may differ. Check out the code of the "
                "release before you build."
            )
        for kind, verb in ((CORRECTIONS, "Build"), (TAKEDOWNS, "Export")):
            reviewed = self.target / f"{kind}.csv"
            if reviewed.exists():
                text += f"\n{verb} it with --{kind} {reviewed}"
        return text


def checkout(listing: Path, data: Path, target: Path, captures: str | None = None) -> Summary:
    """Put the files of a captures.csv into a fresh data folder, all of them or none.

    Segments and sightings come from `data`, or the folder or URL of `captures`; hard links where
    the disk allows. Raises CheckoutError naming every file that is missing or not what it was.
    """
    listed, target = read_listing(listing), target.resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CheckoutError(f"{target} is not empty: name a folder that is not there yet")
    if not data.is_dir():
        raise CheckoutError(f"{data} is no folder: name the DATA of the archive with --data")
    fresh = target.with_name(target.name + ".new")
    if fresh.exists():
        raise CheckoutError(f"{fresh} is left of a checkout that was broken off: remove it")
    summary = Summary(target, [one.name for one in listed if one.kind == PARSER], READER)
    wrong = []
    fresh.mkdir(parents=True)
    try:
        for one in track(listed, "files"):
            if one.sha256 is None:
                continue
            fault = _bring(one, _source(one, listing, data, captures), fresh)
            if fault:
                wrong.append(fault)
            summary.files += 1
            summary.size += one.bytes or 0
        if wrong:
            more = f"\n… and {len(wrong) - MOST_TOLD} more" if len(wrong) > MOST_TOLD else ""
            raise CheckoutError(
                f"{len(wrong)} of the {summary.files} files of {listing} are not there as they "
                "were; restore them from the backup:\n" + "\n".join(wrong[:MOST_TOLD]) + more
            )
        for folder in (*fresh.iterdir(), fresh):
            sync(folder)
        if target.exists():
            target.rmdir()
        fresh.rename(target)
        sync(target.parent)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return summary


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a listed file lies: its place in words, how it is opened, the path to link to."""

    told: str
    opened: Callable[[], IO[bytes]]
    path: Path | None = None


def _source(one: Listed, listing: Path, data: Path, captures: str | None) -> _Source:
    if one.kind not in FOLDERS:
        path = (listing.parent / "csv" if one.kind in REVIEWED else data) / one.name
        return _Source(str(path), lambda: path.open("rb"))
    folder, _ = FOLDERS[one.kind]
    shelf = Shelf(captures or str(data.absolute()))
    told = shelf.where(folder, one.name)
    return _Source(
        told,
        lambda: shelf.open(folder, one.name),
        Path(told) if "://" not in shelf.root else None,
    )


def _bring(one: Listed, source: _Source, fresh: Path) -> str | None:
    """Bring one file and verify what was brought; what is wrong with it, if anything."""
    place = fresh / FOLDERS[one.kind][0] / one.name if one.kind in FOLDERS else fresh / one.name
    place.parent.mkdir(exist_ok=True)
    # Of a growing file only the beginning is wanted.
    most = one.bytes if one.kind == GROWING else None
    try:
        if source.path and _link(source.path, place):
            with place.open("rb") as file:
                found = digest(file)
        else:
            found = _copy(source.opened, place, most)
    except FileNotFoundError:
        return f"{source.told} is missing; it had {one.bytes} bytes of SHA-256 {one.sha256}"
    if found != (one.bytes, one.sha256):
        size, sha256 = found
        return (
            f"{source.told} had {one.bytes} bytes of SHA-256 {one.sha256}, "
            f"but has {size} of SHA-256 {sha256}"
        )
    if one.kind in REVIEWED:
        place.write_text(_as_reviewed(place, HEADERS[one.kind]), encoding="utf-8")
    return None


def _link(path: Path, place: Path) -> bool:
    try:
        # Of a link in the folder the file it leads to: links to links are no copies.
        os.link(path.resolve(), place)
    except OSError as error:
        if error.errno not in (*NO_LINKS, errno.EXDEV):
            raise
        return False
    return True


def _copy(opened: Callable[[], IO[bytes]], place: Path, most: int | None) -> tuple[int, str]:
    """Copy a file or its first `most` bytes; gives bytes and SHA-256 of what was written."""
    sha256, done = hashlib.sha256(), 0
    with opened() as file, place.open("wb") as copy:
        while block := file.read(CHUNK if most is None else min(CHUNK, most - done)):
            sha256.update(block)
            done += copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())
    return done, sha256.hexdigest()


def _as_reviewed(table: Path, header: Sequence[str]) -> str:
    """A release's table as the file that was reviewed: build and export take no other."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    text = io.StringIO()
    written = csv.DictWriter(text, header, extrasaction="ignore", lineterminator="\n")
    written.writeheader()
    written.writerows(rows)
    return text.getvalue()
