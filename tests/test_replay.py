"""Is a crawl's evidence readable by other people's software? By FastWARC and by warcio, over nights.

What the example portal sent is noted by the server that sent it; what the crawl keeps of it is read
by libraries that know nothing of our reader.
"""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastwarc.warc import ArchiveIterator as FastIterator
from fastwarc.warc import WarcRecordType
from warcio.archiveiterator import ArchiveIterator

from crawler.capture import Exchange, Store
from crawler.frontier import Frontier
from crawler.holdings import Holder
from tests.portals.replicas.crawling import FAST, ROOT, crawl

NIGHTS = ("2027-02-01", "2027-02-02", "2027-02-03")
# So large, packed too, that a record is worth referring to.
FILLING = "".join(
    f"<p>依申请公开 {hashlib.sha256(b'%d' % number).hexdigest()}</p>" for number in range(120)
)
ROW = '<li><a href="/nb/{n}.html">甲县{office}2025年政府信息公开工作年度报告</a> 2026-01-2{n}</li>'
OFFICES = ("财政局", "教育局", "民政局", "水利局", "审计局")


class Sent(NamedTuple):
    """An answer as it left the server: the body before it was packed."""

    status: int
    media_type: str
    body: bytes


def report(office: str, more: str = "") -> str:
    title = f"甲县{office}2025年政府信息公开工作年度报告"
    return (
        f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>一、总体情况</p>"
        f"<p>二、主动公开政府信息情况</p>{FILLING}<p>{more}</p></body></html>"
    )


class Portal:
    """A portal of five reports, of which one is edited and edited back, one is packed, two have
    the same annex at two addresses, one has an annex that is packed there and plain here."""

    def __init__(self) -> None:
        self.night = 0
        self.sent: dict[str, list[Sent]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_GET(self) -> None:
                status, media_type, body, headers = outer.answer(self.path)
                packed = body
                if headers.get("Content-Encoding") == "gzip":
                    packed = gzip.compress(body, mtime=0)
                if headers.get("ETag") and self.headers["If-None-Match"] == headers["ETag"]:
                    status, body, packed = 304, b"", b""
                outer.sent.setdefault(self.path, []).append(Sent(status, media_type, body))
                self.send_response(status)
                if status != 304:
                    self.send_header("Content-Type", media_type)
                for name, value in headers.items():
                    self.send_header(name, value)
                if headers.get("Transfer-Encoding"):
                    self.end_headers()
                    for start in range(0, len(packed), 700):
                        piece = packed[start : start + 700]
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    self.wfile.write(b"0\r\n\r\n")
                    return
                self.send_header("Content-Length", str(len(packed)))
                self.end_headers()
                self.wfile.write(packed)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, path: str) -> tuple[int, str, bytes, dict[str, str]]:
        html = "text/html; charset=utf-8"
        match path:
            case "/robots.txt":
                return 200, "text/plain", b"User-agent: *\nDisallow:\n", {}
            case "/":
                return 200, html, '<a href="/nb/">政府信息公开年报</a>'.encode(), {}
            case "/nb/":
                rows = "".join(ROW.format(n=n, office=one) for n, one in enumerate(OFFICES))
                return 200, html, f"<h1>政府信息公开年报</h1><ul>{rows}</ul>".encode(), {}
            case "/nb/0.html":  # A, B, A
                return 200, html, report("财政局", "B" if self.night == 1 else "A").encode(), {}
            case "/nb/1.html":
                return 200, html, report("教育局").encode(), {"Content-Encoding": "gzip"}
            case "/nb/2.html":
                link = '<a href="/files/a.pdf">附件</a> <a href="/files/b.pdf">附件二</a>'
                return 200, html, report("民政局", link).encode(), {"Transfer-Encoding": "chunked"}
            case "/nb/3.html":
                body = report("水利局", '<a href="/files/packed.pdf">附件</a>').encode("gb18030")
                return 200, "text/html; charset=gb2312", body, {"ETag": '"3"'}
            case "/nb/4.html":
                return 200, html, report("审计局").encode(), {"ETag": '"4"'}
            case "/files/a.pdf" | "/files/b.pdf":
                return 200, "application/pdf", b"%PDF-1.4\n" + bytes(range(256)) * 20, {}
            case "/files/packed.pdf":
                body = b"%PDF-1.4\n" + bytes(range(256)) * 20
                return 200, "application/pdf", body, {"Content-Encoding": "gzip"}
        return 404, html, f"<p>您访问的页面不存在</p>{FILLING}".encode(), {}

    def __enter__(self) -> Portal:
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *reason: object) -> None:
        self.server.shutdown()
        self.server.server_close()


@dataclass(slots=True)
class Read:
    """A record as a library gives it; `payload` is the HTTP body as it lies in the record."""

    kind: str
    headers: dict[str, str]
    status: int | None = None
    http: dict[str, str] = field(default_factory=dict)
    payload: bytes = b""
    passed: bool | None = None

    @property
    def place(self) -> tuple[str, str]:
        return self.headers["WARC-Target-URI"], self.headers["WARC-Date"]


def by_warcio(path: Path) -> Iterator[Read]:
    with path.open("rb") as stream:
        for record in ArchiveIterator(stream, check_digests="raise"):
            payload = record.raw_stream.read()
            http = record.http_headers
            status = http.get_statuscode() if http and record.rec_type != "request" else ""
            yield Read(
                record.rec_type,
                dict(record.rec_headers.headers),
                int(status) if status else None,
                {name.lower(): value for name, value in http.headers} if http else {},
                payload,
                record.digest_checker.passed,
            )


def by_fastwarc(path: Path) -> Iterator[Read]:
    with path.open("rb") as stream:
        for record in FastIterator(stream, record_types=WarcRecordType.any_type, parse_http=False):
            assert record.verify_block_digest() is True
            kind = record.headers["WARC-Type"]
            one = Read(kind, dict(record.headers.items()))
            if kind in ("response", "request", "revisit"):
                record.parse_http()
                if kind != "revisit":  # whose payload lies elsewhere
                    one.passed = record.verify_payload_digest()
                one.http = {name.lower(): value for name, value in record.http_headers.items()}
                one.status = record.http_headers.status_code if kind != "request" else None
            one.payload = record.reader.read()
            yield one


READERS: dict[str, Callable[[Path], Iterator[Read]]] = {
    "warcio": by_warcio,
    "FastWARC": by_fastwarc,
}


@dataclass(frozen=True, slots=True)
class Crawled:
    data: Path
    url: str
    sent: dict[str, list[Sent]]
    said: list[subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    data = tmp_path_factory.mktemp("replayed")
    with Portal() as portal:
        registry = data / "portals.csv"
        registry.write_text(
            f"id,name,division,level,home_url\np,甲县人民政府,130100,county,{portal.url}/\n"
        )
        said = []
        for portal.night, night in enumerate(NIGHTS):
            said.append(crawl(data, registry, night, FAST))
            assert said[-1].returncode == 0, said[-1].stderr
        yield Crawled(data, portal.url, portal.sent, said)


@pytest.fixture(scope="module", params=READERS)
def read(crawled: Crawled, request: pytest.FixtureRequest) -> list[Read]:
    segments = sorted((crawled.data / "warc").glob("*.warc.gz"))
    assert len(segments) == len(NIGHTS)
    return [one for path in segments for one in READERS[request.param](path)]


def payload_of(one: Read, records: list[Read]) -> bytes:
    """The body that a record stands for, looked up as replay software looks it up."""
    if one.kind == "response":
        return one.payload
    referred = one.headers["WARC-Refers-To-Target-URI"], one.headers["WARC-Refers-To-Date"]
    # Two answers of one address within a second are told apart by what they are said to hold.
    found = [
        other
        for other in records
        if other.kind == "response"
        and other.place == referred
        and other.headers["WARC-Payload-Digest"] == one.headers["WARC-Payload-Digest"]
    ]
    assert len(found) >= 1, one
    assert one.headers["WARC-Refers-To"] in {other.headers["WARC-Record-ID"] for other in found}
    return found[0].payload


def test_every_record_parses_and_its_digests_have_passed(read: list[Read]) -> None:
    kinds = Counter(one.kind for one in read)
    assert set(kinds) == {"warcinfo", "response", "revisit", "request"}
    assert kinds["warcinfo"] == len(NIGHTS)
    assert kinds["response"] + kinds["revisit"] == kinds["request"]
    for one in read:
        if one.kind in ("response", "request"):
            assert one.passed is True
            digest = hashlib.sha256(one.payload).hexdigest()
            assert one.headers["WARC-Payload-Digest"] == f"sha256:{digest}"


def test_each_revisit_leads_to_a_record_that_holds_its_bytes(read: list[Read]) -> None:
    revisits = [one for one in read if one.kind == "revisit"]
    assert {one.headers["WARC-Profile"].rpartition("/")[2] for one in revisits} == {
        "identical-payload-digest",
        "server-not-modified",
    }
    for one in revisits:
        assert one.payload == b""
        digest = hashlib.sha256(payload_of(one, read)).hexdigest()
        assert one.headers["WARC-Payload-Digest"] == f"sha256:{digest}"


def test_every_answer_replays_as_the_server_sent_it(crawled: Crawled, read: list[Read]) -> None:
    replayed: dict[str, list[Sent]] = {}
    for one in read:
        if one.kind not in ("response", "revisit"):
            continue
        path = one.headers["WARC-Target-URI"].removeprefix(crawled.url)
        assert one.status is not None
        if one.status == 304:
            replayed.setdefault(path, []).append(Sent(304, "", b""))
            continue
        body = payload_of(one, read)
        if one.http.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        replayed.setdefault(path, []).append(Sent(one.status, one.http["content-type"], body))
    sent = {
        path: [Sent(304, "", b"") if one.status == 304 else one for one in answers]
        for path, answers in crawled.sent.items()
    }
    assert replayed == sent
    assert sum(map(len, sent.values())) > 30


def test_identical_bytes_lie_there_once(crawled: Crawled, read: list[Read]) -> None:
    def kinds(path: str) -> list[str]:
        return [
            one.kind
            for one in read
            if one.kind in ("response", "revisit")
            and one.headers["WARC-Target-URI"] == crawled.url + path
        ]

    assert kinds("/nb/0.html") == ["response", "response", "revisit"]  # A, B, A
    assert kinds("/nb/1.html") == ["response", "revisit", "revisit"]
    # Two addresses: whichever was asked first holds the bytes.
    annexes = sorted((kinds("/files/a.pdf"), kinds("/files/b.pdf")))
    assert annexes == [["response", "revisit", "revisit"], ["revisit", "revisit", "revisit"]]
    # The same document once more, packed: other bytes on the wire, and a record of their own.
    assert kinds("/files/packed.pdf")[0] == "response"
    # A page of a few bytes costs more to refer to than to keep.
    assert set(kinds("/")) == {"response"}
    held = Counter(
        one.headers["WARC-Payload-Digest"]
        for one in read
        if one.kind == "response" and len(one.payload) >= 1_024
    )
    assert set(held.values()) == {1}


def test_a_segment_says_what_captured_it_and_how(read: list[Read]) -> None:
    for night, info in zip(NIGHTS, [one for one in read if one.kind == "warcinfo"], strict=True):
        lines = info.payload.decode().rstrip("\r\n").split("\r\n")
        said = dict(line.split(": ", 1) for line in lines)
        assert said["software"].startswith("Nianbao/1.0 Scrapy/2.")
        assert "Python/3." in said["software"]
        assert said["isPartOf"] == f"night {night} (Asia/Shanghai), shard 1 of 1"
        assert said["format"] == "WARC File Format 1.1"
        assert said["conformsTo"].endswith("/warc-format/warc-1.1/")
        assert said["robots"].startswith("obey")
        assert said["http-header-user-agent"].startswith("Nianbao/1.0 (+https://")
        assert "hostname" not in said
        for told in ("transfer encoding undone", "not verified", "UTC", "another address"):
            assert told in said["description"]
        assert info.headers["Content-Type"] == "application/warc-fields"
        assert info.headers["WARC-Filename"].endswith(".warc.gz")


def test_warcio_check_finds_nothing(crawled: Crawled) -> None:
    for path in sorted((crawled.data / "warc").glob("*.warc.gz")):
        done = subprocess.run(
            [sys.executable, "-m", "warcio.cli", "check", str(path)],
            cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def begun(data: Path, portal: Portal) -> Path:
    """A first night of a portal, and its registry."""
    registry = data / "portals.csv"
    registry.write_text(
        f"id,name,division,level,home_url\np,甲县人民政府,130100,county,{portal.url}/\n"
    )
    assert crawl(data, registry, NIGHTS[0], FAST).returncode == 0
    return registry


def test_an_edit_that_was_captured_and_never_read_is_news_to_the_next_start(tmp_path: Path) -> None:
    """A crawl is killed between the two: the same bytes again are no repetition of what was read."""
    with Portal() as portal:
        registry = begun(tmp_path, portal)
        portal.night = 1
        url = f"{portal.url}/nb/0.html"
        _, media_type, body, _ = portal.answer("/nb/0.html")
        answer = Exchange(
            *(url, "GET", (), b"", 200, "HTTP/1.1", (("Content-Type", media_type),)), body=body
        )
        with (
            Frontier(tmp_path / "frontier.db") as frontier,
            Store(tmp_path, {}, index=frontier) as store,
        ):
            kept = store.write(answer, None)
            held = Holder(*(kept.digest, "", url, kept.fetched_at, kept.record_id, kept.warc_file))
            frontier.captured(url, held, shared=True)
        assert crawl(tmp_path, registry, NIGHTS[1], FAST).returncode == 0
        with Frontier(tmp_path / "frontier.db") as frontier:
            row = frontier.known(url)
            assert row is not None
            assert row.last_digest == kept.digest
            visit = frontier.visits(NIGHTS[1])[0]
            assert (visit.edited, visit.unchanged) == (1, 4)


def test_what_was_moved_away_is_asked_in_full_and_kept_again(tmp_path: Path) -> None:
    with Portal() as portal:
        registry = begun(tmp_path, portal)
        assert crawl(tmp_path, registry, NIGHTS[1], FAST).returncode == 0
        for path in tmp_path.glob("warc/*"):
            path.unlink()
        portal.sent.clear()
        assert crawl(tmp_path, registry, NIGHTS[2], FAST).returncode == 0
        assert len(portal.sent["/nb/4.html"]) == 1
        assert {one.status for answers in portal.sent.values() for one in answers} == {200}
        [segment] = tmp_path.glob("warc/*.warc.gz")
        read = list(by_warcio(segment))
        here = {one.headers["WARC-Record-ID"] for one in read}
        referred = {one.headers["WARC-Refers-To"] for one in read if one.kind == "revisit"}
        assert referred <= here
