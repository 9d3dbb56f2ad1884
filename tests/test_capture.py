import errno
import gzip
import hashlib
import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL.crypto import FILETYPE_ASN1
from scrapy import Request
from scrapy.http import Response
from twisted.internet.ssl import Certificate
from warcio.archiveiterator import ArchiveIterator

from crawler import capture
from crawler.capture import Exchange, NoMoreWrites, Segment, Store, exchange_of
from crawler.holdings import Holder

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


def holder(kept, url="http://a.gov.cn/nb/1.html?x=1", encoding="gzip"):
    return Holder(kept.digest, encoding, url, kept.fetched_at, kept.record_id, kept.warc_file)


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
        again = store.write(exchange(url="http://b.gov.cn/2.html"), holder(first))
    assert (again.record_type, again.digest) == ("revisit", first.digest)
    kind, headers, http, content = records(data / "warc" / again.warc_file)[3]
    assert (kind, content) == ("revisit", b"")
    assert headers.get_header("WARC-Profile") == (
        "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
    )
    assert headers.get_header("WARC-Target-URI") == "http://b.gov.cn/2.html"
    assert headers.get_header("WARC-Refers-To") == first.record_id
    assert headers.get_header("WARC-Refers-To-Date") == first.fetched_at
    assert headers.get_header("WARC-Refers-To-Target-URI") == "http://a.gov.cn/nb/1.html?x=1"
    assert headers.get_header("WARC-Payload-Digest") == f"sha256:{first.digest}"
    assert http.get_header("Content-Type") == "text/html"


def test_another_answer_is_no_revisit_and_a_304_is_one(data):
    with Store(data, INFO) as store:
        first = store.write(exchange(b"1"), None)
        assert store.write(exchange(b"2"), holder(first)).record_type == "response"
        not_modified = store.write(exchange(b"", status=304), holder(first))
    assert (not_modified.record_type, not_modified.digest) == ("revisit", first.digest)
    headers = records(data / "warc" / first.warc_file)[5][1]
    assert headers.get_header("WARC-Profile").endswith("/revisit/server-not-modified")


def test_the_same_bytes_packed_otherwise_are_kept(data):
    """A reader unpacks them by the headers of the record that holds them."""
    with Store(data, INFO) as store:
        first = store.write(exchange(), None)
        assert store.write(exchange(), holder(first, encoding="")).record_type == "response"


def test_where_an_answer_came_from_is_noted(data):
    with Store(data, INFO) as store:
        kept = store.write(exchange(ip_address="203.0.113.7", certificate="ab" * 32), None)
    headers = records(data / "warc" / kept.warc_file)[1][1]
    assert headers.get_header("WARC-IP-Address") == "203.0.113.7"
    assert headers.get_header("WARC-TLS-Peer-Certificate") == "sha256:" + "ab" * 32


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


@pytest.mark.parametrize("call", ["fsync", "write"])
@pytest.mark.parametrize("what", ["capture", "sighting"])
def test_a_refused_write_leaves_the_segment_as_it_was_and_is_the_last(
    data, monkeypatch, call, what
):
    store = Store(data, INFO)
    store.write(exchange(b"1"), None)
    store.sight({"number": 1})
    before = {path: path.read_bytes() for path in data.glob("*/*.open")}
    assert len(before) == 2
    real, calls = getattr(os, call), []

    def refuse(*arguments):
        calls.append(arguments)
        if call == "write":
            real(arguments[0], bytes(arguments[1])[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(capture.os, call, refuse)
    with pytest.raises(OSError, match="No space"):
        store.sight({"number": 2}) if what == "sighting" else store.write(exchange(b"2"), None)
    assert len(calls) == 1  # a sync that failed is not tried again
    monkeypatch.setattr(capture.os, call, real)
    # The disk has room again: what it says is not believed any more in this crawl.
    with pytest.raises(NoMoreWrites):
        store.write(exchange(b"3"), None)
    with pytest.raises(NoMoreWrites):
        store.sight({"number": 3})
    store.close()
    assert {path: path.read_bytes() for path in data.glob("*/*")} == before


def test_a_segment_that_could_not_be_begun_leaves_nothing(data, monkeypatch):
    real = os.fsync

    def refuse(file):
        if os.fstat(file).st_size:
            raise OSError(errno.EIO, "Input/output error")
        real(file)

    store = Store(data, INFO)
    monkeypatch.setattr(
        capture.os, "fsync", lambda file: None if _is_folder(file) else refuse(file)
    )
    with pytest.raises(OSError, match="Input/output"):
        store.write(exchange(), None)
    assert not list(data.glob("*/*"))


def _is_folder(file):
    return os.path.isdir(f"/proc/self/fd/{file}")


def test_a_name_that_is_taken_is_not_touched(data, monkeypatch):
    """Of a clock that was set back, say: neither the closed nor the open file is written to."""
    names = iter(["aaaaaa", "aaaaaa", "bbbbbb", "aaaaaa", "bbbbbb", "cccccc"])
    monkeypatch.setattr(capture.secrets, "token_hex", lambda _: next(names))
    first = Segment(data, INFO, NOW)
    first.write(exchange(b"1"), None, NOW)
    second = Segment(data, INFO, NOW)
    first.close()
    closed = first.warc.read_bytes()
    third = Segment(data, INFO, NOW)
    assert [one.warc.name[17:23] for one in (first, second, third)] == [
        "aaaaaa",
        "bbbbbb",
        "cccccc",
    ]
    assert first.warc.read_bytes() == closed
    second.close()
    third.close()
    assert [path.name for path in data.glob("warc/*")] == [first.warc.name]


class Noting:
    """An index that writes down what it is told, and what lay on the disk at that moment."""

    def __init__(self, data):
        self.data, self.said = data, []

    def _note(self, what, name):
        self.said.append((what, name, sorted(path.name for path in self.data.glob("warc/*"))))

    def segment_opened(self, name):
        self._note("opened", name)

    def segment_closed(self, name):
        self._note("closed", name)


def test_the_index_hears_of_a_segment_before_its_first_record_and_after_its_last(data):
    index = Noting(data)
    with Store(data, INFO, index=index) as store:
        name = store.write(exchange(), None).warc_file
        assert [what for what, *_ in index.said] == ["opened"]
    assert index.said == [("opened", name, [name + ".open"]), ("closed", name, [name])]


def test_a_segment_is_here_or_kept_elsewhere(data):
    with Store(data, INFO) as store:
        kept = holder(store.write(exchange(), None))
        assert store.has(kept)  # still being written
        store.close()
        assert store.has(kept)
        (data / "warc" / kept.warc_file).unlink()
        assert not store.has(kept)
    assert Store(data, INFO, kept_elsewhere=True).has(kept)


def test_the_digest_of_a_certificate_is_that_of_its_der(data):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a.gov.cn")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    der = certificate.public_bytes(serialization.Encoding.DER)
    request = Request("https://a.gov.cn/")
    shown = Certificate.load(der, FILETYPE_ASN1)
    response = Response(
        request.url, ip_address=ip_address("203.0.113.7"), certificate=shown, body=b"1"
    )
    answer = exchange_of(request, response)
    assert answer.certificate == hashlib.sha256(der).hexdigest()
    assert answer.ip_address == "203.0.113.7"
