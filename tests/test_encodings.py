"""Bodies come out of what servers packed them into, and lies are let stand."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable

import brotli
import pytest
from backports import zstd

from archive.encodings import EncodingError, unpacked

PAGE = "<html>政府信息公开工作年度报告</html>".encode()
NOISE = random.Random(5).randbytes(300_000)
MOST = 10 << 20


def bare(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}


@pytest.mark.parametrize("body", [PAGE, b"", NOISE, bytes(5 << 20)], ids=len)
@pytest.mark.parametrize("coding", PACKED)
def test_each_coding_is_undone(coding: str, body: bytes) -> None:
    assert unpacked(PACKED[coding](body), coding, MOST) == body


def test_deflate_without_head_and_checksum() -> None:
    assert unpacked(bare(PAGE), "Deflate", MOST) == PAGE


def test_the_last_of_several_codings_is_undone_first() -> None:
    assert unpacked(gzip.compress(brotli.compress(PAGE)), "br, identity, GZIP", MOST) == PAGE
    assert unpacked(gzip.compress(PAGE), "", MOST) == gzip.compress(PAGE)
    assert unpacked(gzip.compress(PAGE), "klingon, gzip", MOST) == PAGE


@pytest.mark.parametrize("coding", PACKED)
def test_what_is_not_packed_as_it_says_is_left_as_it_is(coding: str) -> None:
    assert unpacked(PAGE * 100, coding, MOST) == PAGE * 100


@pytest.mark.parametrize("coding", PACKED)
def test_what_breaks_off_is_given_as_far_as_it_goes(coding: str) -> None:
    packed = PACKED[coding](NOISE + PAGE)
    half = unpacked(packed[: len(packed) // 2], coding, MOST)
    assert (NOISE + PAGE).startswith(half)
    assert half


def test_a_damaged_end_does_not_cost_the_beginning() -> None:
    packed = bytearray(gzip.compress(NOISE))
    packed[-5] ^= 0xFF
    found = unpacked(bytes(packed), "gzip", MOST)
    assert NOISE.startswith(found)
    assert len(found) > 290_000


@pytest.mark.parametrize("first", [PAGE, b"", NOISE], ids=len)
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_several_members_may_follow_one_another(coding: str, first: bytes) -> None:
    """RFC 1952 §2.2, RFC 8878 §3.1. What is none ends them."""
    pack = PACKED[coding]
    packed = pack(first) + pack(PAGE)
    assert unpacked(packed, coding, MOST) == first + PAGE
    assert unpacked(packed + b"\0" * 2000, coding, MOST) == first + PAGE
    assert unpacked(packed + packed[:6], coding, MOST) == first + PAGE


@pytest.mark.parametrize("encoding", ["", "identity", "klingon", "gzip"])
def test_what_is_not_packed_may_be_too_large_as_well(encoding: str) -> None:
    assert unpacked(PAGE, encoding, len(PAGE)) == PAGE
    with pytest.raises(EncodingError, match=f"more than {len(PAGE) - 1} bytes"):
        unpacked(PAGE, encoding, len(PAGE) - 1)


@pytest.mark.parametrize("coding", PACKED)
def test_a_bomb_is_refused_before_it_has_gone_off(coding: str) -> None:
    with pytest.raises(EncodingError, match="more than 1000000 bytes"):
        unpacked(PACKED[coding](bytes(16 << 20)), coding, 1_000_000)
