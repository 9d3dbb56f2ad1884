"""Which names were ever public? DATA/published.csv, that only grows.

A line for every report (140600-jyj/2023) and version (140600-jyj/2023/0123456789ab) a site has
shown, written before it is shown. The file is kept with the captures: what it names must answer
for ever, or say why it is gone.
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from io import FileIO
from pathlib import Path

from archive.shelf import sync

HEADER = "path,first_published"
LINE = re.compile(
    r"([0-9]{1,12}-[a-z0-9]+(?:-[0-9]+)?/[0-9]{4}(?:/[0-9a-f]{12})?),([0-9]{4}-[0-9]{2}-[0-9]{2})"
)
CHUNK = 1 << 16
RESTORE = "Restore the file from the backup."


class PublishedError(ValueError):
    """The list of published names cannot be trusted; the message names the line and what to do."""


def load(path: Path) -> Iterator[tuple[str, str]]:
    """Every name with the day it was first published, in the order of the file.

    Nothing when there is no file. A last line without its end is passed over: the publication that
    wrote it died before its names were shown.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if not raw.endswith(b"\n"):
                return
            line = raw[:-1].decode("ascii", "replace")
            if number == 1:
                if line != HEADER:
                    raise PublishedError(_damaged(path, number, line))
            elif match := LINE.fullmatch(line):
                yield match[1], match[2]
            else:
                raise PublishedError(_damaged(path, number, line))


def lost(path: Path) -> str:
    """Why there is no list, in words; empty when there is one."""
    if not path.exists():
        return "is not there"
    with path.open("rb") as file:
        return "" if file.readline(len(HEADER) + CHUNK).endswith(b"\n") else "is empty"


def _damaged(path: Path, number: int, line: str) -> str:
    if line.endswith("\r"):
        return f"{path} line {number} ends in CR LF: a program saved it anew. {RESTORE}"
    if line.startswith("\ufffd" * 3):
        return f"{path} begins with a byte order mark: a program saved it anew. {RESTORE}"
    return f"{path} line {number} is damaged: {line[:80]!r}. {RESTORE}"


def issuers(path: Path) -> set[str]:
    """The ids of all bodies that have a published name."""
    return {name.partition("/")[0] for name, _ in load(path)}


def ordered(names: Iterable[str]) -> Iterator[str]:
    """Names sorted, each once; what does not fit into SQLite's page cache waits on the disk."""
    with closing(sqlite3.connect("", isolation_level=None)) as db:
        db.execute("pragma journal_mode = off")
        db.execute("create table names (name text)")
        db.execute("begin")
        db.executemany("insert into names values (?)", ((name,) for name in names))
        db.execute("commit")
        for (name,) in db.execute("select distinct name from names order by name"):
            yield name


def without(names: Iterable[str], others: Iterable[str]) -> Iterator[str]:
    """The names that are not among the others; both sorted, each once."""
    rest = iter(others)
    other = next(rest, None)
    for name in names:
        while other is not None and other < name:
            other = next(rest, None)
        if name != other:
            yield name


def append(path: Path, names: Iterable[str], day: str) -> int:
    """Add the names the list does not have yet, under the day (YYYY-MM-DD) of their publication;
    they are on the disk when this returns. Gives how many there were.

    What a killed publication left of its last line is cut off first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    # Unbuffered: after a failed write nothing may be left that closing the file would write.
    with path.open("a+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = file.truncate(_whole_lines(file))
        lines = bytearray(b"" if size else f"{HEADER}\n".encode())
        try:
            for name in without(ordered(names), ordered(known for known, _ in load(path))):
                line = f"{name},{day}"
                if not LINE.fullmatch(line):
                    raise PublishedError(f"{line!r} is no name of a report or version and a day")
                lines += f"{line}\n".encode()
                count += 1
                if len(lines) > CHUNK:
                    _write(file, lines)
            _write(file, lines)
            os.fsync(file.fileno())
        except BaseException:
            file.truncate(size)
            raise
    sync(path.parent)
    return count


def _write(file: FileIO, lines: bytearray) -> None:
    """Write all of the lines, and empty them."""
    while lines:
        del lines[: file.write(lines)]


def _whole_lines(file: FileIO) -> int:
    """Where the last whole line ends."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(end - CHUNK, 0)
        file.seek(start)
        if (found := file.read(end - start).rfind(b"\n")) >= 0:
            return start + found + 1
        end = start
    return 0
