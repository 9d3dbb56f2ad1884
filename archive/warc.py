"""Which answers lie in the closed segments, and what are their bytes?

Readers of WARC files pass over a torn record without a word, and stop for good at a flipped byte.
So a segment is walked gzip member by gzip member here: a record counts when its member is whole
and the digest over its payload was computed and agreed, and after damage the walk goes on at the
next member that holds a record.
"""

from __future__ import annotations

import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeadersParserException

SEGMENTS = "*.warc.gz"
MEMBER = b"\x1f\x8b\x08"
CHUNK = 1 << 16
# Scans run to 300 MB; what grows beyond this after decoding is no document.
MAX_DECODED = 512 << 20
MAX_IN_MEMORY = 32 << 20
DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
HOLDING = ("response", "conversion")
MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n", "image/png"),
)


class CaptureError(ValueError):
    """A record is not what the index says, or its bytes are damaged; the message names it."""


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


def segments(data: Path) -> list[Path]:
    """The closed segments of a data folder, by name; those still being written are left out."""
    return sorted((data / "warc").glob(SEGMENTS))


def read_segment(path: Path) -> Iterator[Capture | Damage]:
    """Every answer of a segment in file order, and every place that is damaged."""
    with path.open("rb") as file:
        offset = 0
        while True:
            try:
                member, end = _member(file, offset)
            except zlib.error as error:
                yield Damage(path.name, offset, f"damaged gzip member: {error}")
                if (resumed := _next_record(file, offset + 1)) is None:
                    return
                offset = resumed
                continue
            if member is None:
                return
            with member:
                yield from _capture(member, path.name, offset)
            offset = end


def read_payload(data: Path, warc_file: str, offset: int) -> bytes:
    """The payload of the record at an offset, its Content-Encoding undone.

    The digest is checked once more, so that what is read is what was received.
    """
    path = data / "warc" / Path(warc_file).name
    try:
        with path.open("rb") as file:
            member, _ = _member(file, offset)
    except (OSError, zlib.error) as error:
        raise CaptureError(f"{path} at {offset}: {error}") from error
    if member is None:
        raise CaptureError(f"{path} ends before {offset}")
    with member:
        found = next(_capture(member, path.name, offset), None)
        if not isinstance(found, Capture) or found.record_type not in HOLDING:
            why = found.reason if isinstance(found, Damage) else "no response or conversion there"
            raise CaptureError(f"{path} at {offset}: {why}")
        member.seek(0)
        record = next(ArchiveIterator(member))
        payload = io.BytesIO()
        stream = record.content_stream()
        while block := stream.read(CHUNK):
            payload.write(block)
            if payload.tell() > MAX_DECODED:
                raise CaptureError(f"{path} at {offset}: more than {MAX_DECODED} bytes decoded")
    return payload.getvalue()


def _member(file: IO[bytes], offset: int) -> tuple[IO[bytes] | None, int]:
    """A gzip member unpacked, and where the next begins; (None, offset) at the end of the file."""
    file.seek(offset)
    block = file.read(CHUNK)
    if not block:
        return None, offset
    unpacker = zlib.decompressobj(wbits=31)
    member = SpooledTemporaryFile(max_size=MAX_IN_MEMORY)  # noqa: SIM115 - the caller closes it
    try:
        while block:
            member.write(unpacker.decompress(block))
            if unpacker.eof:
                end = file.tell() - len(unpacker.unused_data)
                member.seek(0)
                return member, end
            block = file.read(CHUNK)
        raise zlib.error("the file ends inside the record")
    except zlib.error:
        member.close()
        raise


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


def _capture(member: IO[bytes], warc_file: str, offset: int) -> Iterator[Capture | Damage]:
    """The answer a member holds, if it holds one: requests and warcinfo are passed over."""
    try:
        record = next(ArchiveIterator(member, check_digests=True), None)
        if record is None:
            yield Damage(warc_file, offset, "the member holds no WARC record")
        elif record.rec_type in (*HOLDING, "revisit"):
            yield _verified(record, warc_file, offset)
    except (ArchiveLoadFailed, StatusAndHeadersParserException, EOFError, ValueError) as error:
        yield Damage(warc_file, offset, f"no readable WARC record: {error}")


def _verified(record: Any, warc_file: str, offset: int) -> Capture | Damage:
    sha256, head, size = hashlib.sha256(), b"", 0
    while block := record.raw_stream.read(CHUNK):
        sha256.update(block)
        size += len(block)
        head = head or block[:8]
    stated = DIGEST.fullmatch(record.rec_headers.get_header("WARC-Payload-Digest") or "")
    if stated is None:
        return Damage(warc_file, offset, "no SHA-256 payload digest in the record")
    if record.rec_type in HOLDING and (
        record.digest_checker.passed is not True or sha256.hexdigest() != stated[1]
    ):
        problems = "; ".join(record.digest_checker.problems) or f"{size} bytes, digest not reached"
        return Damage(warc_file, offset, f"payload digest not verified: {problems}")
    http = record.http_headers
    headers = tuple((name, value) for name, value in http.headers) if http else ()
    declared = (http.get_header("Content-Type") if http else None) or ""
    if record.rec_type == "conversion":
        declared = record.rec_headers.get_header("Content-Type") or ""
        headers = (("Content-Type", declared),)
    status = http.get_statuscode() if http else ""
    return Capture(
        digest=stated[1],
        url=record.rec_headers.get_header("WARC-Target-URI") or "",
        fetched_at=record.rec_headers.get_header("WARC-Date") or "",
        status=int(status) if status and status.isdigit() else None,
        media_type=_media_type(head, declared),
        headers=headers,
        warc_file=warc_file,
        offset=offset,
        record_type=record.rec_type,
        location=http.get_header("Location") if http else None,
    )


def _media_type(head: bytes, declared: str) -> str:
    """What the first bytes say where they leave no doubt, else what the server said."""
    for magic, media_type in MAGIC:
        if head.startswith(magic):
            return media_type
    return declared.partition(";")[0].strip().lower()
