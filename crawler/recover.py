"""What did killed processes leave behind? Verify it, cut what is torn, give it its final name.

Every step leaves files that the next start understands, so that recovery may itself be killed
anywhere: what is torn is cut in place; of what is damaged a copy without the damage is written and
synced as `*.mended`, then the original becomes `*.damaged`, then the copy takes the name `*.open`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from crawler.capture import encoding_of, is_named, sync
from crawler.holdings import WORTH_SHARING, Holder, Holdings

logger = logging.getLogger(__name__)

CHUNK = 1 << 18
# A bomb of a megabyte unpacks to a gigabyte: so much of it at a time.
UNPACKED = 1 << 20
LONGEST_HEAD = 1 << 20
LONGEST_LINE = 1 << 24
MEMBER = b"\x1f\x8b\x08"
VERSION = b"WARC/1.1\r\n"
END = b"\r\n\r\n"
_HTTP = ("response", "request", "revisit")
_ID = "warc-record-id"
_BUSY = -1
_OPEN, _MENDED, _DAMAGED = ".open", ".mended", ".damaged"


@dataclass(frozen=True, slots=True)
class Member:
    """A gzip member from `start` to `stop` with a record whose length and digests are right.

    `fields` are its WARC headers in lower case, `headers` those of the HTTP message in it, and
    `payload` is the size of that message's body.
    """

    start: int
    stop: int
    fields: dict[str, str]
    headers: tuple[tuple[str, str], ...] = ()
    payload: int = 0


@dataclass(slots=True)
class _Scan:
    """What of a file is sound: its runs of bytes, and how many records or lines there are."""

    runs: list[tuple[int, int]] = field(default_factory=list)
    entries: int = 0
    size: int = 0
    is_torn_only: bool = True

    @property
    def end(self) -> int:
        return self.runs[-1][1] if self.runs else 0

    @property
    def lost(self) -> int:
        return self.size - sum(stop - start for start, stop in self.runs)

    def add(self, start: int, stop: int, entries: int) -> None:
        self.entries += entries
        if self.runs and self.runs[-1][1] == start:
            self.runs[-1] = (self.runs[-1][0], stop)
        else:
            self.runs.append((start, stop))


def recover(data: Path) -> None:
    """Verify, cut and rename what killed processes left open under a data folder.

    What a living process holds is left alone, and so is, with a word, what a full or failing disk
    does not let us mend.
    """
    for stem in _stems(data):
        warc = data / "warc" / f"{stem}.warc.gz"
        sightings = data / "sightings" / f"{stem}.jsonl"
        try:
            _settle(warc, sightings)
        except OSError as error:
            logger.error(
                "%s, left open by a crawl that was killed, cannot be mended (%s) and stays as it "
                "is; free space on its disk, then start again",
                stem,
                error,
            )


def reindex(data: Path, holdings: Holdings) -> None:
    """Make a frontier's rows those of the segments that its crawl left open, once they are mended.

    What a row said of an answer that damage took is forgotten, and its address asked again.
    """
    for name in holdings.unsettled():
        final = data / "warc" / name
        path = final if final.exists() else _named(final, _OPEN)
        is_here = path.exists()
        if not is_here and not _named(final, _DAMAGED).exists():
            # It held nothing, or was moved away: nothing refers to what is not here.
            holdings.segment_closed(name)
            continue
        with ExitStack() as stack:
            found = sound_members(stack.enter_context(path.open("rb"))) if is_here else iter(())
            held = (_held(member, name) for member in found if _ID in member.fields)
            again = holdings.settle(name, held, closed=path == final or not is_here)
        if again:
            logger.warning("%s: %d addresses are asked again for answers it lost", name, again)


def _held(member: Member, name: str) -> tuple[Holder, bool]:
    """The record of a member, and whether other addresses may refer to its bytes."""
    fields = member.fields
    is_whole = fields.get("warc-type") == "response" and "warc-truncated" not in fields
    holder = Holder(
        digest=fields.get("warc-payload-digest", "").removeprefix("sha256:"),
        encoding=encoding_of(member.headers),
        url=fields.get("warc-target-uri", ""),
        fetched_at=fields.get("warc-date", ""),
        record_id=fields[_ID],
        warc_file=name,
    )
    return holder, is_whole and member.payload >= WORTH_SHARING


def _stems(data: Path) -> list[str]:
    """The names of segments of which a file is left open, or was while it was mended."""
    found: set[str] = set()
    for folder, suffix in (("warc", ".warc.gz"), ("sightings", ".jsonl")):
        for ending in (_OPEN, _MENDED):
            for path in (data / folder).glob(f"*{suffix}{ending}"):
                found.add(path.name.removesuffix(suffix + ending))
    return sorted(found)


def _settle(warc: Path, sightings: Path) -> None:
    """Mend and rename both files of a segment, unless somebody has them."""
    with ExitStack() as stack:
        files: list[tuple[Path, int, Callable[[IO[bytes]], _Scan]]] = []
        for final, scan in ((warc, _scan_segment), (sightings, _scan_sightings)):
            file = _claimed(final, stack)
            if file == _BUSY:
                return
            if file is not None:
                files.append((final, file, scan))
        entries: list[tuple[Path, int | None]] = [
            (final, _mended(final, file, scan, stack)) for final, file, scan in files
        ]
        left = [(final, count) for final, count in entries if count is not None]
        others = [final for final in (warc, sightings) if final.exists()]
        is_empty = not others and not any(count for _, count in left)
        for final, _ in left:
            if is_empty and len(left) == len(entries):
                os.unlink(_named(final, _OPEN))
            else:
                if final.exists():
                    raise FileExistsError(f"{final} is there already")
                os.rename(_named(final, _OPEN), final)
            sync(final.parent)


def _claimed(final: Path, stack: ExitStack) -> int | None:
    """The leftover of a file, open and locked for us; None where there is none, _BUSY where a
    living process has it."""
    path = _named(final, _OPEN)
    if not path.exists() and _named(final, _MENDED).exists():
        # Synced before the original was put aside, and only its name is still to be changed.
        path = _named(final, _MENDED)
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    stack.callback(os.close, file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _BUSY
    if not is_named(file, path):  # another start has just mended it
        return _BUSY
    if path == _named(final, _MENDED):
        os.rename(path, _named(final, _OPEN))
        sync(final.parent)
    return file


def _mended(
    final: Path, file: int, scan: Callable[[IO[bytes]], _Scan], stack: ExitStack
) -> int | None:
    """Make the leftover of a file sound, still `*.open`: how many records or lines it has.

    None where nothing of it was sound, and only `*.damaged` is left.
    """
    with os.fdopen(file, "rb", closefd=False) as stream:
        found = scan(stream)
    path = _named(final, _OPEN)
    if found.is_torn_only:
        if found.lost:
            logger.warning("%s: cut %d torn bytes", final.name, found.lost)
            os.ftruncate(file, found.end)
        os.fsync(file)
        return found.entries
    logger.warning(
        "%s: %d damaged bytes left out; what was found is kept as %s",
        final.name,
        found.lost,
        _named(final, _DAMAGED).name,
    )
    if _named(final, _DAMAGED).exists():
        raise FileExistsError(f"{_named(final, _DAMAGED)} is there already")
    copy = _named(final, _MENDED)
    if found.runs:
        target = os.open(copy, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o644)
        stack.callback(os.close, target)
        try:
            fcntl.flock(target, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _copy(file, target, found.runs)
            os.fsync(target)
        except OSError:
            os.unlink(copy)
            raise
        sync(final.parent)
    os.rename(path, _named(final, _DAMAGED))
    sync(final.parent)
    if not found.runs:
        return None
    os.rename(copy, path)
    sync(final.parent)
    return found.entries


def _copy(source: int, target: int, runs: list[tuple[int, int]]) -> None:
    for start, stop in runs:
        while start < stop:
            view = memoryview(os.pread(source, min(CHUNK, stop - start), start))
            if not view:
                raise OSError(f"it ends before {stop}")
            start += len(view)
            while view:
                view = view[os.write(target, view) :]


def _named(final: Path, ending: str) -> Path:
    return final.with_name(final.name + ending)


# Captures.


def sound_members(file: IO[bytes]) -> Iterator[Member]:
    """Where the gzip members lie whose record has the length and digests it promises, in order.

    The file is read piece by piece and no record is held whole.
    """
    start = 0
    while True:
        member, stop, _ = _member(file, start)
        if member is not None:
            yield member
            start = member.stop
        elif stop is not None:
            start = stop  # whole, and no sound record: nothing in it is one of ours
        elif (following := _next_magic(file, start + 1)) is not None:
            start = following
        else:
            return


def _scan_segment(file: IO[bytes]) -> _Scan:
    found = _Scan()
    for member in sound_members(file):
        found.add(member.start, member.stop, member.fields.get("warc-type") != "warcinfo")
    found.size = file.seek(0, os.SEEK_END)
    begins_sound = not found.runs or found.runs[0][0] == 0
    found.is_torn_only = (
        begins_sound and len(found.runs) <= 1 and _is_unfinished(file, found.end, found.size)
    )
    return found


def _is_unfinished(file: IO[bytes], start: int, size: int) -> bool:
    """Whether a file ends as an interrupted write leaves it: in a part of a record, in zeros."""
    _, stop, is_cut = _member(file, start)
    if stop is not None:
        return False  # a record that is whole, and wrong
    end = _without_zeros(file, start, size)
    return is_cut or end <= start or _member(file, start, end)[2]


def _without_zeros(file: IO[bytes], start: int, size: int) -> int:
    """Where the zeros begin that a file ends with; not before `start`."""
    while size > start:
        begin = max(start, size - CHUNK)
        file.seek(begin)
        if rest := file.read(size - begin).rstrip(b"\0"):
            return begin + len(rest)
        size = begin
    return start


def _member(
    file: IO[bytes], start: int, end: int | None = None
) -> tuple[Member | None, int | None, bool]:
    """The member at an offset if it is sound; where it ends if it is whole; whether it is cut off
    by the end of the file."""
    file.seek(start)
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    record, is_record, position = _Record(), True, start
    try:
        while not unpacker.eof:
            size = CHUNK if end is None else min(CHUNK, end - position)
            packed = file.read(size) if size > 0 else b""
            if not packed:
                # Nothing at all is the end of the file, and no part of a record.
                return None, None, position > start and is_record
            position += len(packed)
            while packed and not unpacker.eof:
                piece = unpacker.decompress(packed, UNPACKED)
                is_record = is_record and record.feed(piece)
                if not is_record and record.is_foreign:
                    return None, None, False
                packed = unpacker.unconsumed_tail
    except zlib.error:
        return None, None, False
    stop = position - len(unpacker.unused_data)
    if not is_record or not record.is_sound():
        return None, stop, False
    return Member(start, stop, record.fields, record.headers(), record.payload_size), stop, False


def _next_magic(file: IO[bytes], start: int) -> int | None:
    """Where a gzip member may begin, from an offset on."""
    while True:
        file.seek(start)
        block = file.read(CHUNK)
        if (found := block.find(MEMBER)) >= 0:
            return start + found
        if len(block) < CHUNK:
            return None
        start += len(block) - len(MEMBER) + 1


class _Record:
    """A WARC record that is read piece by piece: its headers, and the digests of what follows."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.payload_size = 0
        self._head = bytearray()
        self._http: bytearray | None = None
        self._left: int | None = None
        self._block = hashlib.sha256()
        self._payload = hashlib.sha256()
        self._tail = b""

    @property
    def is_foreign(self) -> bool:
        """Whether it does not even begin as a record of ours."""
        return self._left is None

    def feed(self, data: bytes) -> bool:
        """Take the next piece; whether it may still be a record."""
        if self._left is None:
            self._head += data
            if not VERSION.startswith(self._head[: len(VERSION)]):
                return False
            end = self._head.find(END)
            if end < 0:
                return len(self._head) <= LONGEST_HEAD
            data = bytes(self._head[end + len(END) :])
            if not self._read_head(bytes(self._head[:end])):
                return False
        assert self._left is not None
        block, rest = data[: self._left], data[self._left :]
        self._left -= len(block)
        self._block.update(block)
        self._take(block)
        self._tail += rest
        return len(self._tail) <= len(END)

    def _read_head(self, head: bytes) -> bool:
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.decode("utf-8", "replace").partition(":")
            self.fields[name.strip().lower()] = value.strip()
        length = self.fields.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            return False
        self._left = int(length)
        self._http = bytearray() if self.fields.get("warc-type") in _HTTP else None
        return True

    def _take(self, block: bytes) -> None:
        """Tell the headers of an HTTP message from its body."""
        if self._http is not None and END not in self._http:
            self._http += block
            end = self._http.find(END)
            if end < 0:
                return
            block = bytes(self._http[end + len(END) :])
            del self._http[end + len(END) :]
        self._payload.update(block)
        self.payload_size += len(block)

    def headers(self) -> tuple[tuple[str, str], ...]:
        lines = (self._http or b"").decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if line)
        return tuple((name.strip(), value.strip()) for name, _, value in pairs)

    def is_sound(self) -> bool:
        """Whether all of it came, with the digests it states."""
        fields = self.fields
        if self._left != 0 or self._tail != END:
            return False
        if fields.get("warc-block-digest") != f"sha256:{self._block.hexdigest()}":
            return False
        if fields.get("warc-type") in ("response", "request", "conversion"):
            return fields.get("warc-payload-digest") == f"sha256:{self._payload.hexdigest()}"
        return True


# Sightings.


def _scan_sightings(file: IO[bytes]) -> _Scan:
    found, position = _Scan(), 0
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    while line := file.readline(LONGEST_LINE):
        if _is_sighting(line):
            found.add(position, position + len(line), 1)
        position += len(line)
    found.size = size
    begins_sound = not found.runs or found.runs[0][0] == 0
    end = _without_zeros(file, found.end, size)
    file.seek(found.end)
    tail = file.read(min(end - found.end, LONGEST_LINE))
    # A line that was not written to its end has no end of line.
    is_part = end - found.end <= LONGEST_LINE and b"\n" not in tail and b"\0" not in tail
    found.is_torn_only = begins_sound and len(found.runs) <= 1 and is_part
    return found


def _is_sighting(line: bytes) -> bool:
    try:
        return line.endswith(b"\n") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
