"""Captures in: whole records come through, damaged ones are named and passed over."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
from pathlib import Path

import brotli
import pytest
from backports import zstd
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive import warc
from archive.shelf import Shelf
from archive.warc import (
    FOLDER,
    SUFFIX,
    Capture,
    CaptureError,
    Damage,
    OversizeError,
    read_payload,
    read_segment,
)

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
    assert Shelf(str(tmp_path)).kept(FOLDER, SUFFIX) == []


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


def test_encodings_of_today_are_undone_too(tmp_path: Path) -> None:
    """Some servers pack so for everybody, and others may have asked for it."""
    path = tmp_path / "warc" / "a.warc.gz"
    path.parent.mkdir()
    sent = {"br": brotli.compress(PAGE), "zstd": zstd.compress(PAGE)}
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True, warc_version="1.1")
        for name, body in sent.items():
            record(writer, f"http://a.gov.cn/{name}", body, headers=(("Content-Encoding", name),))
    for found in captures(path):
        assert read_payload(tmp_path, "a.warc.gz", found.offset) == PAGE


@pytest.mark.parametrize("headers", [(), (("Content-Encoding", "gzip"),)])
def test_what_is_larger_than_any_document_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, headers: tuple[tuple[str, str], ...]
) -> None:
    path = tmp_path / "warc" / "a.warc.gz"
    path.parent.mkdir()
    with path.open("wb") as file:
        body = bytes(1_000_000)
        sent = gzip.compress(body) if headers else body
        record(WARCWriter(file, gzip=True, warc_version="1.1"), "http://a/", sent, headers=headers)
    monkeypatch.setattr(warc, "MAX_DECODED", 1_000_000)
    assert read_payload(tmp_path, "a.warc.gz", 0) == body
    monkeypatch.setattr(warc, "MAX_DECODED", 999_999)
    with pytest.raises(OversizeError, match="more than 999999 bytes"):
        read_payload(tmp_path, "a.warc.gz", 0)


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


def raw(kind: str, fields: dict[str, str], block: bytes) -> bytes:
    """A record with just these fields, as a gzip member; ISO 28500 asks for more."""
    lines = ["WARC/1.1", f"WARC-Type: {kind}", *(f"{k}: {v}" for k, v in fields.items())]
    lines.append(f"Content-Length: {len(block)}")
    return gzip.compress("\r\n".join(lines).encode() + b"\r\n\r\n" + block + b"\r\n\r\n")


def hex_digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
SOUND = {
    "WARC-Target-URI": "http://a.gov.cn/",
    "WARC-Date": "2026-11-21T14:03:22Z",
    "Content-Type": "application/http; msgtype=response",
    "WARC-Payload-Digest": hex_digest(PAGE),
    "WARC-Block-Digest": hex_digest(HEAD + PAGE),
}


def walked(tmp_path: Path, *members: bytes) -> list[Capture | Damage]:
    path = tmp_path / "x.warc.gz"
    path.write_bytes(b"".join(members))
    return list(read_segment(path))


def test_both_digests_are_demanded(tmp_path: Path) -> None:
    (found,) = walked(tmp_path, raw("response", SOUND, HEAD + PAGE))
    assert isinstance(found, Capture)
    for name in ("WARC-Payload-Digest", "WARC-Block-Digest"):
        for value in (None, "", "md5:" + "0" * 32, hex_digest(b"another")):
            fields = {k: v for k, v in SOUND.items() if k != name}
            if value is not None:
                fields[name] = value
            (damage,) = walked(tmp_path, raw("response", fields, HEAD + PAGE))
            assert isinstance(damage, Damage), (name, value)
            assert name.split("-")[1].lower() in damage.reason


def test_a_changed_header_does_not_pass(tmp_path: Path) -> None:
    """The payload is sound, the status is not what was received."""
    changed = HEAD.replace(b"200 OK", b"404 No") + PAGE
    (damage,) = walked(tmp_path, raw("response", SOUND, changed))
    assert isinstance(damage, Damage)
    assert "block digest" in damage.reason


def test_of_a_revisit_the_block_is_verified(tmp_path: Path) -> None:
    fields = SOUND | {"WARC-Block-Digest": hex_digest(HEAD)}
    (found,) = walked(tmp_path, raw("revisit", fields, HEAD))
    assert isinstance(found, Capture)
    assert (found.record_type, found.status) == ("revisit", 200)
    (damage,) = walked(tmp_path, raw("revisit", fields, HEAD.replace(b"200", b"404")))
    assert isinstance(damage, Damage)


def test_base_32_is_a_digest_too(tmp_path: Path) -> None:
    block = HEAD + PAGE
    stated = "sha1:" + base64.b32encode(hashlib.sha1(block).digest()).decode()
    (found,) = walked(tmp_path, raw("response", SOUND | {"WARC-Block-Digest": stated}, block))
    assert isinstance(found, Capture)


def test_a_request_whose_digest_fails_is_damage_and_no_answer(tmp_path: Path) -> None:
    asked = b"GET / HTTP/1.1\r\n\r\n"
    sound = {"WARC-Block-Digest": hex_digest(asked)}
    assert walked(tmp_path, raw("request", sound, asked), raw("warcinfo", {}, b"software: x")) == []
    (damage,) = walked(tmp_path, raw("request", sound, asked.replace(b"GET", b"PUT")))
    assert isinstance(damage, Damage)


def test_a_second_record_in_a_member_is_not_passed_over(tmp_path: Path) -> None:
    one = gzip.decompress(raw("response", SOUND, HEAD + PAGE))
    (damage,) = walked(tmp_path, gzip.compress(one + one))
    assert isinstance(damage, Damage)
    assert "end of a record" in damage.reason


@pytest.mark.parametrize("length", ["", "-1", "1e3", "²", "99999", str(2**64)])
@pytest.mark.parametrize("kind", ["response", "metadata"])
def test_a_length_that_is_none(tmp_path: Path, kind: str, length: str) -> None:
    fields = SOUND if kind == "response" else {}
    record_with = gzip.decompress(raw(kind, fields, HEAD + PAGE)).replace(
        f"Content-Length: {len(HEAD + PAGE)}".encode(), f"Content-Length: {length}".encode()
    )
    (damage,) = walked(tmp_path, gzip.compress(record_with))
    assert isinstance(damage, Damage)


def test_a_head_without_an_end_has_no_payload(tmp_path: Path) -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html"
    fields = SOUND | {
        "WARC-Block-Digest": hex_digest(block),
        "WARC-Payload-Digest": hex_digest(b""),
    }
    (found,) = walked(tmp_path, raw("response", fields, block))
    assert isinstance(found, Capture)
    assert found.digest == hashlib.sha256(b"").hexdigest()


def test_a_shelf_is_read_by_name_and_a_folder_as_well(tmp_path: Path) -> None:
    path = segment(tmp_path, [PAGE, PAGE + b"1"])
    shelf = Shelf(str(tmp_path))
    far = Shelf(f"memory://{tmp_path.name}")
    far.put("warc", path.name, path)
    wanted = list(read_segment(path))
    assert len(wanted) == 2
    for source in (shelf, tmp_path, far):
        assert list(read_segment(source, path.name)) == wanted
        assert read_payload(source, path.name, wanted[1].offset) == PAGE + b"1"
        with pytest.raises(CaptureError, match="missing"):
            read_payload(source, "missing.warc.gz", 0)


def test_after_damage_a_remote_segment_is_walked_on(tmp_path: Path) -> None:
    path = segment(tmp_path, [PAGE * 9, PAGE + b"1", PAGE + b"2"])
    offsets = [found.offset for found in captures(path)]
    content = bytearray(path.read_bytes())
    content[(offsets[1] + offsets[2]) // 2] ^= 0xFF
    far = Shelf(f"memory://{tmp_path.name}")
    far.put("warc", path.name, bytes(content))
    kinds = [(type(one).__name__, one.offset) for one in read_segment(far, path.name)]
    assert kinds == [("Capture", offsets[0]), ("Damage", offsets[1]), ("Capture", offsets[2])]


def test_an_empty_answer(tmp_path: Path) -> None:
    path = segment(tmp_path, [b""])
    (found,) = captures(path)
    assert found.digest == hashlib.sha256(b"").hexdigest()
    assert read_payload(tmp_path, path.name, found.offset) == b""
