"""Captures in: whole records come through, damaged ones are named and passed over."""

from __future__ import annotations

import gzip
import hashlib
import io
from pathlib import Path

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive.warc import Capture, CaptureError, Damage, read_payload, read_segment, segments

PAGE = "<html>政府信息公开工作年度报告</html>".encode()


def record(
    writer: WARCWriter,
    url: str,
    payload: bytes,
    *,
    kind: str = "response",
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/html; charset=utf-8"),),
    digest: str | None = None,
) -> None:
    stated = digest or "sha256:" + hashlib.sha256(payload).hexdigest()
    http = StatusAndHeaders("200 OK", list(headers), protocol="HTTP/1.1")
    warc_headers = {"WARC-Payload-Digest": stated, "WARC-Date": "2026-11-21T14:03:22Z"}
    body = b"" if kind == "revisit" else payload
    made = writer.create_warc_record(
        url,
        kind,
        payload=io.BytesIO(body),
        length=len(body),
        http_headers=http,
        warc_headers_dict=warc_headers,
    )
    writer.write_record(made)


def segment(folder: Path, payloads: list[bytes]) -> Path:
    path = folder / "warc" / "20261121T140322Z-3f9a1c.warc.gz"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True, warc_version="1.1")
        writer.write_record(writer.create_warcinfo_record(path.name, {"software": "test"}))
        for number, payload in enumerate(payloads):
            record(writer, f"http://a.gov.cn/{number}.html", payload)
    return path


def captures(path: Path) -> list[Capture]:
    return [found for found in read_segment(path) if isinstance(found, Capture)]


def damages(path: Path) -> list[Damage]:
    return [found for found in read_segment(path) if isinstance(found, Damage)]


def test_a_whole_segment(tmp_path: Path) -> None:
    path = segment(tmp_path, [PAGE, b"%PDF-1.7 x"])
    page, pdf = captures(path)
    assert page.url == "http://a.gov.cn/0.html"
    assert page.digest == hashlib.sha256(PAGE).hexdigest()
    assert (page.status, page.media_type, page.record_type) == (200, "text/html", "response")
    assert page.fetched_at == "2026-11-21T14:03:22Z"
    assert pdf.media_type == "application/pdf"
    assert damages(path) == []
    assert read_payload(tmp_path, page.warc_file, page.offset) == PAGE


def test_a_segment_still_being_written_is_left_alone(tmp_path: Path) -> None:
    path = segment(tmp_path, [PAGE])
    path.rename(path.with_name(path.name + ".open"))
    assert segments(tmp_path) == []


def test_a_torn_tail_is_reported_and_the_rest_read(tmp_path: Path) -> None:
    path = segment(tmp_path, [PAGE, PAGE * 50])
    path.write_bytes(path.read_bytes()[:-10])
    assert [found.url for found in captures(path)] == ["http://a.gov.cn/0.html"]
    assert ["ends inside" in damage.reason for damage in damages(path)] == [True]


def test_after_a_flipped_byte_the_next_records_are_read(tmp_path: Path) -> None:
    path = segment(tmp_path, [PAGE, PAGE + b"1", PAGE + b"2"])
    offsets = [found.offset for found in captures(path)]
    data = bytearray(path.read_bytes())
    data[(offsets[1] + offsets[2]) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    assert [found.offset for found in captures(path)] == [offsets[0], offsets[2]]
    assert [damage.offset for damage in damages(path)] == [offsets[1]]
    with pytest.raises(CaptureError, match=str(offsets[1])):
        read_payload(tmp_path, path.name, offsets[1])


def test_zeros_after_a_power_loss(tmp_path: Path) -> None:
    path = segment(tmp_path, [PAGE])
    path.write_bytes(path.read_bytes() + b"\0" * 4096)
    assert len(captures(path)) == 1
    assert len(damages(path)) == 1


def test_a_payload_that_is_not_what_its_digest_says(tmp_path: Path) -> None:
    path = tmp_path / "x.warc.gz"
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True, warc_version="1.1")
        record(writer, "http://a.gov.cn/", PAGE, digest="sha256:" + "0" * 64)
        record(writer, "http://a.gov.cn/b", PAGE, digest="sha1:" + "A" * 32)
        record(writer, "http://a.gov.cn/c", PAGE)
    assert [found.url for found in captures(path)] == ["http://a.gov.cn/c"]
    assert len(damages(path)) == 2


def test_a_shortened_record_in_a_whole_member_does_not_pass(tmp_path: Path) -> None:
    """What recompressing a torn file leaves: a valid member around an incomplete record."""
    path = segment(tmp_path, [PAGE * 40])
    offset = captures(path)[0].offset
    whole = path.read_bytes()
    inner = gzip.decompress(whole[offset:])
    path.write_bytes(whole[:offset] + gzip.compress(inner[:-200]))
    assert captures(path) == []
    assert len(damages(path)) == 1


def test_the_encoding_is_undone_for_reading_but_not_for_the_digest(tmp_path: Path) -> None:
    path = tmp_path / "warc" / "a.warc.gz"
    path.parent.mkdir()
    sent = gzip.compress(PAGE)
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True, warc_version="1.1")
        record(writer, "http://a.gov.cn/", sent, headers=(("Content-Encoding", "gzip"),))
    (found,) = captures(path)
    assert found.digest == hashlib.sha256(sent).hexdigest()
    assert read_payload(tmp_path, "a.warc.gz", found.offset) == PAGE


def test_a_revisit_has_the_digest_but_no_bytes(tmp_path: Path) -> None:
    path = tmp_path / "warc" / "a.warc.gz"
    path.parent.mkdir()
    with path.open("wb") as file:
        record(WARCWriter(file, gzip=True), "http://a.gov.cn/", PAGE, kind="revisit")
    (found,) = captures(path)
    assert found.record_type == "revisit"
    assert found.digest == hashlib.sha256(PAGE).hexdigest()
    with pytest.raises(CaptureError, match="no response"):
        read_payload(tmp_path, "a.warc.gz", found.offset)


def test_an_empty_answer(tmp_path: Path) -> None:
    path = segment(tmp_path, [b""])
    (found,) = captures(path)
    assert found.digest == hashlib.sha256(b"").hexdigest()
    assert read_payload(tmp_path, path.name, found.offset) == b""
