"""Which answers lie in the closed segments, and what are their bytes?

Readers of WARC files pass over a torn record without a word, and stop for good at a flipped byte.
So a segment is walked gzip member by gzip member here: a record counts when its member is whole
and the digests over its block and its payload were computed and agreed (of a revisit, over its
block), and after damage the walk goes on at the next member that holds a record.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import zlib
from base64 import b32encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeadersParser, StatusAndHeadersParserException

from archive.encodings import EncodingError, unpacked
from archive.shelf import Shelf, shelved

FOLDER, SUFFIX = "warc", ".warc.gz"
MEMBER = b"\x1f\x8b\x08"
CHUNK = 1 << 16
# Bytes asked of a remote store for one document: most are smaller.
AHEAD_OF_PAYLOAD = 1 << 18
# Scans run to 300 MB; what grows beyond this after decoding is no document.
MAX_DECODED = 512 << 20
MAX_IN_MEMORY = 32 << 20
DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
# Servers may say any number, of any length.
STATUS = re.compile(r"[0-9]{1,3}", re.ASCII)
HOLDING = ("response", "conversion")
RECORD_HEAD = StatusAndHeadersParser(["WARC/1.1", "WARC/1.0"])
HTTP_HEAD = StatusAndHeadersParser(["HTTP/1.0", "HTTP/1.1", "HTTP/2"])
RECORD_END = b"\r\n\r\n"
MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n", "image/png"),
)


class CaptureError(ValueError):
    """A record is not what the index says, or its bytes are damaged; the message names it."""


class OversizeError(CaptureError):
    """What a record holds is no document: unpacked it is larger than any."""


@dataclass(frozen=True, slots=True)
class Capture:
    """An answer whose digest was verified. `digest` is the SHA-256 of the payload as received.

    A `revisit` has no bytes of its own: they are those of a response with the same digest. A
    `conversion` is no answer but the page that scripts made of one, without a status.
    """

    digest: str
    url: str
    fetched_at: str
    status: int | None
    media_type: str
    headers: tuple[tuple[str, str], ...]
    warc_file: str
    offset: int
    record_type: str
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Damage:
    """A place in a segment that could not be verified, and why."""

    warc_file: str
    offset: int
    reason: str


def read_segment(source: Shelf | Path, name: str | None = None) -> Iterator[Capture | Damage]:
    """Every answer of a segment in file order, and every place that is damaged.

    `source` is the shelf that has a segment of that name, or without a name the file itself.
    """
    if name is not None:
        opened, found = shelved(source).open(FOLDER, name), name
    elif isinstance(source, Path):
        opened, found = source.open("rb"), source.name
    else:
        raise TypeError("a segment of a shelf is read by its name")
    with opened as file:
        yield from _walk(file, found)


def read_payload(source: Shelf | Path, warc_file: str, offset: int) -> bytes:
    """The payload of the record at an offset, its Content-Encoding undone.

    The digests are checked once more, so that what is read is what was received. Raises
    CaptureError where it is not, OversizeError where it is more than MAX_DECODED bytes, ShelfError
    where the shelf cannot be reached.
    """
    shelf, name = shelved(source), Path(warc_file).name
    place = f"{shelf.where(FOLDER, name)} at {offset}"
    try:
        with shelf.reached(), shelf.open(FOLDER, name, ahead=AHEAD_OF_PAYLOAD) as file:
            member = _Members(file, offset).take()
    except (OSError, zlib.error) as error:
        raise CaptureError(f"{place}: {error}") from error
    if member is None:
        raise CaptureError(f"{place}: the file ends before")
    with member:
        found = _record(member, name, offset)
        if not isinstance(found, Capture) or found.record_type not in HOLDING:
            why = found.reason if isinstance(found, Damage) else "no response or conversion there"
            raise CaptureError(f"{place}: {why}")
        member.seek(0)
        record = next(ArchiveIterator(member))
        # warcio would stumble over brotli, and knows neither zstd nor two codings at once.
        encoding = ",".join(value for _, value in _take_encodings(record.http_headers))
        stream, payload = record.content_stream(), io.BytesIO()
        while payload.tell() <= MAX_DECODED and (block := stream.read(CHUNK)):
            payload.write(block)
    try:
        return unpacked(payload.getvalue(), encoding, MAX_DECODED)
    except EncodingError as error:
        raise OversizeError(f"{place}: {error}") from error


def _take_encodings(head: Any) -> list[tuple[str, str]]:
    """Take the Content-Encoding out of the headers of an answer, if it has any."""
    if head is None:
        return []
    found = [one for one in head.headers if one[0].lower() == "content-encoding"]
    head.headers = [one for one in head.headers if one not in found]
    return found


class _Members:
    """The gzip members of a file, one after the other from an offset; never read backwards, which
    a remote store would answer by sending the same bytes again."""

    def __init__(self, file: IO[bytes], offset: int) -> None:
        self._file = file
        self._rest = b""
        self.offset = offset
        file.seek(offset)

    def take(self) -> IO[bytes] | None:
        """The next member unpacked, for the caller to close; None at the end of the file.

        Raises zlib.error where it is damaged; `offset` then still is where it began.
        """
        if not (block := self._read()):
            return None
        unpacker = zlib.decompressobj(wbits=31)
        member = SpooledTemporaryFile(max_size=MAX_IN_MEMORY)  # noqa: SIM115
        taken = 0
        try:
            while block:
                member.write(unpacker.decompress(block))
                taken += len(block)
                if unpacker.eof:
                    self._rest = unpacker.unused_data
                    self.offset += taken - len(self._rest)
                    member.seek(0)
                    return member
                block = self._read()
            raise zlib.error("the file ends inside the record")
        except zlib.error:
            member.close()
            raise

    def _read(self) -> bytes:
        block, self._rest = self._rest, b""
        return block or self._file.read(CHUNK)


def _walk(file: IO[bytes], warc_file: str) -> Iterator[Capture | Damage]:
    return (found for _, _, found in spans(file, warc_file) if found is not None)


def spans(file: IO[bytes], warc_file: str) -> Iterator[tuple[int, int, Capture | Damage | None]]:
    """Where each record of a file begins and ends, and the answer in it, None for a sound record
    of another kind; between them the ranges that are damaged. They cover the file."""
    members = _Members(file, 0)
    while True:
        offset = members.offset
        try:
            member = members.take()
        except zlib.error as error:
            resumed = _next_record(file, offset + 1)
            end = file.seek(0, os.SEEK_END) if resumed is None else resumed
            yield offset, end, Damage(warc_file, offset, f"damaged gzip member: {error}")
            members = _Members(file, end)
            continue
        if member is None:
            return
        with member:
            yield offset, members.offset, _record(member, warc_file, offset)


def _next_record(file: IO[bytes], offset: int) -> int | None:
    """Where the next gzip member begins that holds a WARC record, or None."""
    while True:
        file.seek(offset)
        block = file.read(CHUNK)
        if len(block) < len(MEMBER):
            return None
        found = block.find(MEMBER)
        if found < 0:
            offset += len(block) - len(MEMBER) + 1
            continue
        offset += found
        file.seek(offset)
        try:
            if zlib.decompressobj(wbits=31).decompress(file.read(CHUNK), 64).startswith(b"WARC/"):
                return offset
        except zlib.error:
            pass
        offset += 1


def _record(member: IO[bytes], warc_file: str, offset: int) -> Capture | Damage | None:
    """The answer a member holds, verified; None where it holds a sound record of another kind."""
    try:
        return _verified(member, warc_file, offset)
    except (StatusAndHeadersParserException, EOFError, ValueError) as error:
        return Damage(warc_file, offset, f"no readable WARC record: {error}")


def _verified(member: IO[bytes], warc_file: str, offset: int) -> Capture | Damage | None:
    """The two digests are computed here: warcio checks none of a revisit, and of a record without
    one of them says no more than that the other passed."""
    about = RECORD_HEAD.parse(member)
    kind, length = about.get_header("WARC-Type") or "", about.get_header("Content-Length") or ""
    answers = kind in (*HOLDING, "revisit")
    if not (length.isascii() and length.isdigit()):
        return Damage(warc_file, offset, f"Content-Length {length!r} is no number")
    start = member.tell()
    end = start + int(length)
    if (short := end - member.seek(0, os.SEEK_END)) > 0:
        return Damage(warc_file, offset, f"{short} bytes of the block are missing")
    member.seek(start)
    stated = about.get_header("WARC-Block-Digest") or ""
    if (made := _digester(stated)) is None:
        if answers:
            return Damage(warc_file, offset, f"block digest {stated!r} cannot be checked")
    elif not _agrees(_hash_until(member, end, made), stated):
        return Damage(warc_file, offset, f"block digest not verified: it is not {stated}")
    member.seek(end)
    if (after := member.read(len(RECORD_END) + 1)) != RECORD_END:
        return Damage(warc_file, offset, f"after the record stands {after!r}, no end of a record")
    if not answers:
        return None
    member.seek(start)
    http = None
    if end > start and (about.get_header("Content-Type") or "").startswith("application/http"):
        http = HTTP_HEAD.parse(member)
    stated = about.get_header("WARC-Payload-Digest") or ""
    if (payload := DIGEST.fullmatch(stated)) is None:
        return Damage(warc_file, offset, f"payload digest {stated!r} is no SHA-256 in hex")
    head = b""
    if kind in HOLDING:
        body = member.tell()
        head = member.read(min(8, max(end - body, 0)))
        member.seek(body)
        if _hash_until(member, end, hashlib.sha256()).hexdigest() != payload[1]:
            return Damage(warc_file, offset, f"payload digest not verified: it is not {stated}")
    headers = tuple((name, value) for name, value in http.headers) if http else ()
    declared = (http.get_header("Content-Type") if http else None) or ""
    if kind == "conversion":
        declared = about.get_header("Content-Type") or ""
        headers = (("Content-Type", declared),)
    status = http.get_statuscode() if http else ""
    return Capture(
        digest=payload[1],
        url=about.get_header("WARC-Target-URI") or "",
        fetched_at=about.get_header("WARC-Date") or "",
        status=int(status) if status and STATUS.fullmatch(status) else None,
        media_type=_media_type(head, declared),
        headers=headers,
        warc_file=warc_file,
        offset=offset,
        record_type=kind,
        location=http.get_header("Location") if http else None,
    )


def _digester(stated: str) -> Any:
    """What computes a stated digest (`sha256:…` or `sha1:…`, WARC 1.1 §5.8); None for others."""
    algorithm = stated.partition(":")[0].lower()
    return hashlib.new(algorithm) if algorithm in ("sha256", "sha1") else None


def _agrees(made: Any, stated: str) -> bool:
    """Whether a computed digest is the stated one, written in base 16 or 32."""
    value = stated.partition(":")[2]
    return value.lower() == made.hexdigest() or value == b32encode(made.digest()).decode()


def _hash_until(member: IO[bytes], end: int, made: Any) -> Any:
    """The same digester, fed with what lies up to an offset."""
    left = max(end - member.tell(), 0)
    while left and (block := member.read(min(left, CHUNK))):
        made.update(block)
        left -= len(block)
    return made


def _media_type(head: bytes, declared: str) -> str:
    """What the first bytes say where they leave no doubt, else what the server said."""
    for magic, media_type in MAGIC:
        if head.startswith(magic):
            return media_type
    return declared.partition(";")[0].strip().lower()
