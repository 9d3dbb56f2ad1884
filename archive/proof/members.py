"""Which gzip members does a segment consist of, and what does each say it is?

Every byte of the file belongs to exactly one piece: a whole member, or a damaged stretch between
two. So the pieces' hashes together stand for the file.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, cast

from archive.proof.merkle import LEAF
from archive.warc import CHUNK, MEMBER

if TYPE_CHECKING:
    from hashlib import _Hash

# Headers of records run to some hundred bytes; an address may have 2 KB.
HEAD = 1 << 14
# Most records are smaller than a tenth of this; reading on costs more than reading again.
BLOCK = 1 << 14
AHEAD = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """A piece of a segment: its place, the hash of its leaf (RFC 6962), its WARC headers.

    Names of headers are in lower case; a damaged stretch has none.
    """

    index: int
    offset: int
    length: int
    leaf: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return self.headers.get("warc-type", "")

    @property
    def id(self) -> str:
        return self.headers.get("warc-record-id", "")


def members(file: IO[bytes], whole: _Hash | None = None) -> Iterator[Member]:
    """The pieces of a segment in file order; `whole` takes in all its bytes."""
    buffered = io.BufferedReader(cast("Any", file), AHEAD)
    try:
        yield from _members(buffered, whole)
    finally:
        buffered.detach()


def _members(file: IO[bytes], whole: _Hash | None) -> Iterator[Member]:
    offset = index = 0
    while True:
        found = _member(file, offset)
        if found is None:
            return
        length, leaf, head = found
        if head is None:
            resumed = _next_record(file, offset + 1)
            length, leaf = _stretch(file, offset, resumed, whole)
        elif whole is not None:
            _stretch(file, offset, offset + length, whole)
        yield Member(index, offset, length, leaf, headers(head or b""))
        offset, index = offset + length, index + 1


def headers_at(file: IO[bytes], offset: int) -> dict[str, str]:
    """The WARC headers of the record at an offset; none where no record begins."""
    file.seek(offset)
    try:
        return headers(zlib.decompressobj(wbits=31).decompress(file.read(HEAD), HEAD))
    except zlib.error:
        return {}


def headers(head: bytes) -> dict[str, str]:
    """The WARC headers at the beginning of a record; none where it does not begin as one."""
    if not head.startswith(b"WARC/"):
        return {}
    lines = head.partition(b"\r\n\r\n")[0].decode("utf-8", "replace").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _member(file: IO[bytes], offset: int) -> tuple[int, bytes, bytes | None] | None:
    """Length, leaf and head of the member at an offset; without a head when it is damaged."""
    file.seek(offset)
    unpacker, sha256, head, length = zlib.decompressobj(wbits=31), hashlib.sha256(LEAF), b"", 0
    while block := file.read(BLOCK):
        try:
            plain = unpacker.decompress(block)
        except zlib.error:
            return 0, b"", None
        head = head if len(head) >= HEAD else (head + plain)[:HEAD]
        taken = len(block) - len(unpacker.unused_data)
        sha256.update(block[:taken])
        length += taken
        if unpacker.eof:
            return length, sha256.digest(), head
    return (0, b"", None) if length else None


def _stretch(
    file: IO[bytes], offset: int, end: int | None, whole: _Hash | None
) -> tuple[int, bytes]:
    """Length and leaf of the bytes between two offsets, to the end of the file without a second."""
    file.seek(offset)
    sha256, length = hashlib.sha256(LEAF), 0
    while end is None or offset + length < end:
        block = file.read(CHUNK if end is None else min(CHUNK, end - offset - length))
        if not block:
            break
        sha256.update(block)
        if whole is not None:
            whole.update(block)
        length += len(block)
    return length, sha256.digest()


def _next_record(file: IO[bytes], offset: int) -> int | None:
    """Where the next whole gzip member begins that holds a WARC record, or None."""
    while True:
        file.seek(offset)
        block = file.read(CHUNK)
        if len(block) < len(MEMBER):
            return None
        if (found := block.find(MEMBER)) < 0:
            offset += len(block) - len(MEMBER) + 1
            continue
        offset += found
        member = _member(file, offset)
        if member and member[2] is not None and member[2].startswith(b"WARC/"):
            return offset
        offset += 1
