"""How is a body unpacked that a server packed for the way (Content-Encoding, RFC 9110 §8.4)?

Servers lie: a body that is not packed as they say is left as it is, and one that is damaged or
breaks off is given as far as it can be unpacked.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# Bytes put in and got out at a time: a few packed ones may stand for gigabytes, and with a damaged
# one all that were put in with it are lost.
PIECE, BLOCK = 1 << 10, 1 << 20
# How a member of gzip and a frame of zstd begin.
MEMBER, FRAME = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"
ERRORS = (zlib.error, brotli.error, zstd.ZstdError)


class EncodingError(ValueError):
    """A body is larger than allowed when it is unpacked."""


def unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """A body without the codings a Content-Encoding lists, up to the first that is not known.

    Raises EncodingError where that is more than `most` bytes.
    """
    if len(body) > most:
        raise EncodingError(f"more than {most} bytes")
    for name in reversed(encoding.lower().split(",")):
        coding = name.strip()
        if coding in ("", "identity"):
            continue
        if coding not in WAYS:
            break
        ways = (_joined(unpack(body), most) for unpack in WAYS[coding])
        body = next((found for found in ways if found is not None), body)
    return body


def _joined(blocks: Iterator[bytes], most: int) -> bytes | None:
    """All blocks there are before one that is damaged; None where that is the first."""
    found = bytearray()
    try:
        for block in blocks:
            found += block
            if len(found) > most:
                raise EncodingError(f"more than {most} bytes decoded")
    except ERRORS:
        return bytes(found) or None
    return bytes(found)


def _pieces(body: bytes, start: int = 0) -> Iterator[bytes]:
    return (body[place : place + PIECE] for place in range(start, len(body), PIECE))


def _inflated(body: bytes, window: int, start: int = 0) -> Generator[bytes, None, int]:
    """What is packed from `start` on; gives where that ends."""
    unpacker, end = zlib.decompressobj(window), start
    for piece in _pieces(body, start):
        yield unpacker.decompress(piece, BLOCK)
        while unpacker.unconsumed_tail and not unpacker.eof:
            yield unpacker.decompress(unpacker.unconsumed_tail, BLOCK)
        end += len(piece) - len(unpacker.unused_data)
        if unpacker.eof:
            break
    yield unpacker.flush()
    return end


def _gunzipped(body: bytes) -> Iterator[bytes]:
    """All members that follow one another (RFC 1952 §2.2)."""
    end = yield from _inflated(body, 31)
    while body.startswith(MEMBER, end):
        end = yield from _inflated(body, 31, end)


def _with_head(body: bytes) -> Iterator[bytes]:
    return _inflated(body, 15)


def _bare(body: bytes) -> Iterator[bytes]:
    return _inflated(body, -15)


def _unbrotlied(body: bytes) -> Iterator[bytes]:
    unpacker = brotli.Decompressor()
    for piece in _pieces(body):
        block = unpacker.process(piece, output_buffer_limit=BLOCK)
        while block and not unpacker.is_finished():
            yield block
            # It takes more before it has given all: can_accept_more_data() does not tell.
            block = unpacker.process(b"", output_buffer_limit=BLOCK)
        yield block
        if unpacker.is_finished():
            return


def _unzstded(body: bytes) -> Iterator[bytes]:
    """All frames that follow one another (RFC 8878 §3.1)."""
    end = yield from _frame(body)
    while body.startswith(FRAME, end):
        end = yield from _frame(body, end)


def _frame(body: bytes, start: int = 0) -> Generator[bytes, None, int]:
    """What a frame from `start` on holds; gives where it ends."""
    unpacker, end = zstd.ZstdDecompressor(), start
    for piece in _pieces(body, start):
        yield unpacker.decompress(piece, BLOCK)
        while not (unpacker.needs_input or unpacker.eof):
            yield unpacker.decompress(b"", BLOCK)
        end += len(piece)
        if unpacker.eof:
            break
    return end - len(unpacker.unused_data)


# How each coding may be undone; of deflate some servers leave out the head and the checksum.
WAYS: Mapping[str, tuple[Callable[[bytes], Iterator[bytes]], ...]] = {
    "gzip": (_gunzipped,),
    "x-gzip": (_gunzipped,),
    "deflate": (_with_head, _bare),
    "br": (_unbrotlied,),
    "zstd": (_unzstded,),
}
