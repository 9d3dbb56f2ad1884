import errno
import gzip
import hashlib
import json
import os
from datetime import UTC, datetime

import pytest
from warcio.archiveiterator import ArchiveIterator

from crawler import capture
from crawler.capture import Exchange, Segment, Store
from crawler.recover import recover, sound_members

NOW = datetime(2026, 11, 21, 14, 3, 22, tzinfo=UTC)
INFO = {"software": "test"}


@pytest.fixture
def data(tmp_path):
    for folder in ("warc", "sightings"):
        (tmp_path / folder).mkdir()
    return tmp_path


def exchange(body=b"<p>1</p>", url="http://a.gov.cn/nb/1.html?x=1", status=200, **more):
    return Exchange(
        url=url,
        method="GET",
        request_headers=(("Host", "a.gov.cn"), ("User-Agent", "Nianbao/1.0")),
        request_body=b"",
        status=status,
        protocol="HTTP/1.1",
        headers=(("Content-Type", "text/html"), ("Content-Encoding", "gzip")),
        body=body,
        **more,
    )


def records(path):
    """Type, headers and raw content of each record; every response's digests must have passed."""
    found = []
    with path.open("rb") as stream:
        for record in ArchiveIterator(stream, check_digests=True, no_record_parse=False):
            content = record.raw_stream.read()
            if record.rec_type in ("response", "request"):
                assert record.digest_checker.passed is True
            found.append((record.rec_type, record.rec_headers, record.http_headers, content))
    return found


def test_an_exchange_is_kept_as_received(data):
    body = gzip.compress(b"<p>\xbc\xd7</p>")
    with Store(data, INFO) as store:
        kept = store.write(exchange(body), None)
    [info, response, request] = records(data / "warc" / kept.warc_file)
    assert info[0] == "warcinfo"
    assert request[0] == "request"
    assert request[2].to_str().startswith("GET /nb/1.html?x=1 HTTP/1.1\r\nHost: a.gov.cn\r\n")
    kind, headers, http, content = response
    digest = hashlib.sha256(body).hexdigest()
    assert (kind, content, kept.digest) == ("response", body, digest)
    assert headers.get_header("WARC-Payload-Digest") == f"sha256:{digest}"
    assert headers.get_header("WARC-Date") == kept.fetched_at
    assert http.get_header("Content-Encoding") == "gzip"
    assert headers.get_header("WARC-Target-URI") == "http://a.gov.cn/nb/1.html?x=1"


def test_the_offset_is_that_of_the_answer(data):
    with Store(data, INFO) as store:
        store.write(exchange(b"1"), None)
        second = store.write(exchange(b"2"), None)
    with (data / "warc" / second.warc_file).open("rb") as stream:
        stream.seek(second.offset)
        record = next(iter(ArchiveIterator(stream)))
        assert record.raw_stream.read() == b"2"


def test_the_same_answer_again_is_a_revisit_without_payload(data):
    with Store(data, INFO) as store:
        first = store.write(exchange(), None)
        again = store.write(exchange(), (first.digest, first.fetched_at))
    assert (again.record_type, again.digest) == ("revisit", first.digest)
    kind, headers, http, content = records(data / "warc" / again.warc_file)[3]
    assert (kind, content) == ("revisit", b"")
    assert headers.get_header("WARC-Profile").endswith("/revisit/identical-payload-digest")
    assert headers.get_header("WARC-Refers-To-Date") == first.fetched_at
    assert headers.get_header("WARC-Refers-To-Target-URI") == "http://a.gov.cn/nb/1.html?x=1"
    assert headers.get_header("WARC-Payload-Digest") == f"sha256:{first.digest}"
    assert http.get_header("Content-Type") == "text/html"


def test_another_answer_is_no_revisit_and_a_304_is_one(data):
    with Store(data, INFO) as store:
        first = store.write(exchange(b"1"), None)
        last = (first.digest, first.fetched_at)
        assert store.write(exchange(b"2"), last).record_type == "response"
        not_modified = store.write(exchange(b"", status=304), last)
    assert (not_modified.record_type, not_modified.digest) == ("revisit", first.digest)
    headers = records(data / "warc" / first.warc_file)[5][1]
    assert headers.get_header("WARC-Profile").endswith("/revisit/server-not-modified")


def test_half_an_answer_is_marked(data):
    with Store(data, INFO) as store:
        kept = store.write(exchange(truncated="disconnect"), None)
    headers = records(data / "warc" / kept.warc_file)[1][1]
    assert headers.get_header("WARC-Truncated") == "disconnect"


def test_segments_are_turned_over_and_keep_their_sightings_beside_them(data):
    with Store(data, INFO, rotate=1) as store:
        files = [store.write(exchange(), None).warc_file for _ in range(2)]
        store.sight({"kind": "report", "title": "甲县"})
    warcs = {path.name.split(".")[0] for path in (data / "warc").iterdir()}
    lines = {path.name.split(".")[0] for path in (data / "sightings").iterdir()}
    assert len(set(files)) == 2
    assert warcs == lines
    assert not list(data.glob("*/*.open"))


def test_a_store_that_kept_nothing_leaves_nothing(data):
    with Store(data, INFO) as store:
        store._current()
    assert not list(data.glob("*/*"))


def left_open(data, count=2):
    """What a killed process leaves: a segment never closed, its lock gone with the process."""
    segment = Segment(data, INFO, NOW)
    for number in range(count):
        segment.write(exchange(b"%d" % number), None, NOW)
        segment.sight({"number": number})
    os.close(segment._warc_file)
    os.close(segment._sightings_file)
    return segment


@pytest.mark.parametrize("tail", [b"", b"\x00" * 4096, b"\x1f\x8b\x08\x00torn", b"cut"])
def test_a_torn_tail_is_cut(data, tail):
    segment = left_open(data)
    opened = segment.warc.with_name(segment.warc.name + ".open")
    whole = opened.read_bytes()
    opened.write_bytes(whole[:-7] if tail == b"cut" else whole + tail)
    with segment.sightings.with_name(segment.sightings.name + ".open").open("ab") as lines:
        lines.write(b'{"number":')
    recover(data)
    kinds = [kind for kind, *_ in records(segment.warc)]
    expected = ["warcinfo", "response", "request", "response", "request"]
    assert kinds == (expected[:-1] if tail == b"cut" else expected)
    lines = segment.sightings.read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == [0, 1]
    assert not list(data.glob("*/*.open"))


def test_every_possible_cut_leaves_sound_records_only(data):
    segment = left_open(data, count=1)
    raw = segment.warc.with_name(segment.warc.name + ".open").read_bytes()
    ends = [stop for _, stop in sound_members(raw)]
    assert ends[-1] == len(raw)
    for cut in range(len(raw)):
        assert [stop for _, stop in sound_members(raw[:cut])] == [e for e in ends if e <= cut]


def test_damage_in_the_middle_loses_one_record(data):
    segment = left_open(data)
    opened = segment.warc.with_name(segment.warc.name + ".open")
    raw = bytearray(opened.read_bytes())
    start = list(sound_members(bytes(raw)))[1][0]
    raw[start + 40] ^= 1
    opened.write_bytes(raw)
    recover(data)
    kinds = [kind for kind, *_ in records(segment.warc)]
    assert kinds == ["warcinfo", "request", "response", "request"]
    assert segment.warc.with_name(segment.warc.name + ".damaged").read_bytes() == bytes(raw)


def test_a_living_process_is_left_alone(data):
    with Store(data, INFO) as store:
        store.write(exchange(), None)
        before = sorted(path.name for path in data.glob("*/*"))
        recover(data)
        assert sorted(path.name for path in data.glob("*/*")) == before


@pytest.mark.parametrize("call", ["fsync", "write"])
def test_a_full_disk_leaves_the_segment_as_it_was(data, monkeypatch, call):
    segment = Segment(data, INFO, NOW)
    segment.write(exchange(b"1"), None, NOW)
    opened = segment.warc.with_name(segment.warc.name + ".open")
    before = opened.read_bytes()
    real = getattr(os, call)
    failures = iter([True])

    def refuse(*arguments):
        if call == "write":
            real(arguments[0], bytes(arguments[1])[:10])
        if next(failures, False):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments)

    monkeypatch.setattr(capture.os, call, refuse)
    with pytest.raises(OSError, match="No space"):
        segment.write(exchange(b"2"), None, NOW)
    assert opened.read_bytes() == before
