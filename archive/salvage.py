"""What of a damaged segment is sound? Its sound records go to a fresh segment; the rest is listed.

The original is only read. The fresh segment says in its warcinfo what it was made from, and holds
the records byte for byte.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO
from uuid import uuid4

from archive.shelf import Shelf
from archive.warc import SUFFIX, Damage, spans

CHUNK = 1 << 20
SOFTWARE, FROM = "nianbao archive salvage", "salvaged-from-sha256"
# Of so many lost places the fresh segment's warcinfo tells; the command lists all.
MOST_TOLD = 100


class SalvageError(ValueError):
    """A file cannot be salvaged; the message says why."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A range of bytes that holds no sound record."""

    offset: int
    length: int
    reason: str


@dataclass(slots=True)
class Salvaged:
    """What was saved of a file. `path` is the fresh segment, None where there was no need for one
    or nothing to put into it; `is_there_already` says that an earlier salvage wrote it."""

    source: Path
    path: Path | None = None
    records: int = 0
    answers: int = 0
    losses: list[Loss] = field(default_factory=list)
    is_there_already: bool = False

    def __str__(self) -> str:
        if not self.losses and not self.records:
            return f"{self.source}: it is empty, there is no record to save"
        if not self.losses and self.path is None:
            return f"{self.source}: all {self.records} records are sound, nothing to salvage"
        lost = sum(loss.length for loss in self.losses)
        rest = f"{lost} bytes lost in {len(self.losses)} places"
        if self.path is None:
            return f"{self.source}: no sound record in it, nothing was saved; {rest}"
        if self.is_there_already:
            return f"{self.source}: it was salvaged already, to {self.path}; {rest}"
        return (
            f"{self.source}: {self.records} records, {self.answers} of them answers, saved to "
            f"{self.path}; {rest}"
        )


def salvage(source: Path, to: Path, moment: datetime) -> Salvaged:
    """Save the sound records of a segment, whatever its name and state, to a fresh one in a folder.

    A closed segment that is whole is left as it is, and what was salvaged to that folder before
    is not written again. Raises SalvageError for one being written.
    """
    found = Salvaged(source)
    with source.open("rb") as file:
        _demand_unheld(file, source)
        sound = list(_sound(file, source.name, found))
        if not found.records or (not found.losses and source.name.endswith(SUFFIX)):
            return found
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        found.path = _earlier(to, sha256, found.records + 1)
        if found.path is not None:
            found.is_there_already = True
            return found
        name = f"{moment:%Y%m%dT%H%M%SZ}-{sha256[:6]}{SUFFIX}"
        to.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".salvage-", dir=to) as aside:
            part = Path(aside) / name
            with part.open("wb") as fresh:
                fresh.write(_warcinfo(name, source.name, sha256, found, moment))
                for start, end in sound:
                    _copy(file, start, end, fresh)
            _demand_sound(part, found.records + 1)
            folder = to.absolute()
            Shelf(str(folder.parent)).put(folder.name, name, part)
    found.path = to / name
    return found


def _earlier(to: Path, sha256: str, records: int) -> Path | None:
    """A sound segment in a folder that was salvaged from a file of this digest."""
    told = f"{FROM}: {sha256}\r\n".encode()
    for path in sorted(to.glob(f"*-{sha256[:6]}{SUFFIX}")):
        with path.open("rb") as file:
            try:
                # Its warcinfo is a few kilobytes, even with all lost places it tells of.
                info = zlib.decompressobj(wbits=31).decompress(file.read(CHUNK), CHUNK)
            except zlib.error:
                continue
            if told in info and _fault(file, path.name, records) is None:
                return path
    return None


def _demand_unheld(file: IO[bytes], path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise SalvageError(f"{path} is being written by a crawl: wait until it ends") from error


def _sound(file: IO[bytes], name: str, found: Salvaged) -> Iterator[tuple[int, int]]:
    """The runs of bytes that hold sound records; neighbours are one run."""
    run: tuple[int, int] | None = None
    for start, end, record in spans(file, name):
        if isinstance(record, Damage):
            found.losses.append(Loss(start, end - start, record.reason))
            continue
        found.records += 1
        found.answers += record is not None
        if run and run[1] == start:
            run = (run[0], end)
        else:
            if run:
                yield run
            run = (start, end)
    if run:
        yield run


def _copy(file: IO[bytes], start: int, end: int, fresh: IO[bytes]) -> None:
    file.seek(start)
    while start < end and (block := file.read(min(CHUNK, end - start))):
        fresh.write(block)
        start += len(block)


def _demand_sound(path: Path, records: int) -> None:
    """What was copied is read again: a disk that damages once may do so twice."""
    with path.open("rb") as file:
        if why := _fault(file, path.name, records):
            raise SalvageError(f"{path}: what was written is not what was read ({why}); try again")


def _fault(file: IO[bytes], name: str, records: int) -> str | None:
    """Why a segment is not so many sound records, None where it is."""
    found = 0
    for _, _, record in spans(file, name):
        if isinstance(record, Damage):
            return record.reason
        found += 1
    return None if found == records else f"{found} records instead of {records}"


def _warcinfo(name: str, source: str, sha256: str, found: Salvaged, moment: datetime) -> bytes:
    """A warcinfo record (ISO 28500:2017 §6.2) that tells where the others come from."""
    lines = {
        "software": SOFTWARE,
        "format": "WARC File Format 1.1",
        "description": f"the sound records of {source}, a file of SHA-256 {sha256}",
        "salvaged-from": source,
        FROM: sha256,
        "lost-places": str(len(found.losses)),
    }
    told = "".join(f"{key}: {value}\r\n" for key, value in lines.items()) + "".join(
        f"lost: {loss.length} bytes at {loss.offset}\r\n" for loss in found.losses[:MOST_TOLD]
    )
    block = told.encode()
    head = (
        "WARC/1.1",
        "WARC-Type: warcinfo",
        f"WARC-Record-ID: <urn:uuid:{uuid4()}>",
        f"WARC-Date: {moment:%Y-%m-%dT%H:%M:%SZ}",
        f"WARC-Filename: {name}",
        f"WARC-Block-Digest: sha256:{hashlib.sha256(block).hexdigest()}",
        "Content-Type: application/warc-fields",
        f"Content-Length: {len(block)}",
        "\r\n",
    )
    return gzip.compress("\r\n".join(head).encode() + block + b"\r\n\r\n", mtime=0)
