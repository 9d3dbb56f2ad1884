"""Keep every answer as received: WARC segments, and beside each a file of sightings.

A segment is created exclusively as `*.open`, synced record by record, closed and renamed, and
never appended to again. One that the disk refused a write for is never written to again either and
keeps its name: it and what a killed process leaves behind are for crawler.recover.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import json
import logging
import os
import secrets
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import urlsplit
from uuid import uuid4

from scrapy import Request
from scrapy.http import Response

from crawler.disk import Room, refusal
from crawler.frontier import Frontier
from crawler.holdings import WORTH_SHARING, Holder
from crawler.manners.refusals import CrawlEnding

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

try:
    from isal.isal_zlib import compress as _compress

    # A tenth of zlib's time for a seventh more bytes; its third level costs four times as much.
    _LEVEL = 2
except ImportError:  # a processor that it is not made for
    from zlib import compress as _compress

    _LEVEL = 6

logger = logging.getLogger(__name__)

ROTATE_BYTES = 1_000_000_000
_ENCODING = "content-encoding"
_HTTP = "application/http; msgtype="
RENDERED_TYPE = "text/html; charset=utf-8"
_PROFILE = "http://netpreserve.org/warc/1.1/revisit/"
# A name is taken when a recovery looked at the file before it was locked.
_NAMES_TRIED = 10
# What the crawl's requests say that were made only if the page has changed: the digest it had.
HAD = "digest_had"


class NoMoreWrites(OSError):
    """The disk refused a write before: what it says since is not to be trusted."""


@dataclass(frozen=True, slots=True)
class Capture:
    """Where an answer was kept: `digest` is the SHA-256 of its body as received, in hex."""

    digest: str
    warc_file: str
    offset: int
    fetched_at: str
    record_type: str
    record_id: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer as the downloader gives them, transfer encoding undone."""

    url: str
    method: str
    request_headers: tuple[tuple[str, str], ...]
    request_body: bytes
    status: int
    protocol: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    truncated: str | None = None
    ip_address: str = ""
    certificate: str = ""
    """SHA-256 in hex of the certificate a server showed (DER), "" where there was none."""

    @property
    def encoding(self) -> str:
        """Its Content-Encoding, "" for none: how the body is packed."""
        return encoding_of(self.headers)


class Index(Protocol):
    """Who remembers which segments are being written."""

    def segment_opened(self, warc_file: str) -> None: ...

    def segment_closed(self, warc_file: str) -> None: ...


class Segment:
    """One WARC file being written, and the sightings beside it."""

    def __init__(
        self,
        data: Path,
        warcinfo: Mapping[str, str],
        now: datetime,
        index: Index | None = None,
    ) -> None:
        """Create both files, under names that no file has."""
        self.warc, self._warc_file, self.sightings, self._sightings_file = _pair(data, now)
        self.size = 0
        self.records = 0
        self.lines = 0
        self._refused = False
        self._index = index
        try:
            if index is not None:
                index.segment_opened(self.warc.name)
            block = "".join(f"{name}: {value}\r\n" for name, value in warcinfo.items()).encode()
            about = {"WARC-Filename": self.warc.name}
            self._append(
                _member("warcinfo", _iso(now), _new_id(), "application/warc-fields", about, block)
            )
        except BaseException:
            self._refused = True
            with suppress(OSError, sqlite3.Error):
                self.close()
            raise

    def write(self, exchange: Exchange, held: Holder | None, now: datetime) -> Capture:
        """Keep an exchange, synced to disk: as a revisit where `held` is a record of its bytes.

        For a 304 `held` is what holds the bytes that have not changed. Raises OSError when the
        disk refuses; the file then ends where it ended before.
        """
        digest = hashlib.sha256(exchange.body).hexdigest()
        date = _iso(now)
        profile = ""
        if held is not None and exchange.status == 304:
            profile, digest = "server-not-modified", held.digest
        elif held is not None and (held.digest, held.encoding) == (digest, exchange.encoding):
            profile = "identical-payload-digest"
        reason = http.client.responses.get(exchange.status, "")
        status = f"{exchange.protocol} {exchange.status} {reason}".strip()
        about = {"WARC-Target-URI": exchange.url, "WARC-Payload-Digest": f"sha256:{digest}"}
        if exchange.ip_address:
            about["WARC-IP-Address"] = exchange.ip_address
        if exchange.certificate:
            about["WARC-TLS-Peer-Certificate"] = f"sha256:{exchange.certificate}"
        if exchange.truncated:
            about["WARC-Truncated"] = exchange.truncated
        if held is not None and profile:
            about["WARC-Profile"] = _PROFILE + profile
            about["WARC-Refers-To"] = held.record_id
            about["WARC-Refers-To-Target-URI"] = held.url
            about["WARC-Refers-To-Date"] = held.fetched_at
        record_type, record_id = "revisit" if profile else "response", _new_id()
        answer = _http(status, exchange.headers) + (b"" if profile else exchange.body)
        asked = _http(
            f"{exchange.method} {_request_target(exchange.url)} HTTP/1.1", exchange.request_headers
        )
        beside = {
            "WARC-Target-URI": exchange.url,
            "WARC-Concurrent-To": record_id,
            "WARC-Payload-Digest": sha256(exchange.request_body),
        }
        offset = self.size
        self._append(
            _member(record_type, date, record_id, _HTTP + "response", about, answer)
            + _member(
                *("request", date, _new_id(), _HTTP + "request"),
                *(beside, asked + exchange.request_body),
            )
        )
        self.records += 1
        return Capture(digest, self.warc.name, offset, date, record_type, record_id)

    def convert(self, url: str, body: bytes, made_from: str, now: datetime) -> Capture:
        """Keep an HTML page (UTF-8) that scripts made of the answer whose record id is given.

        It is a WARC `conversion` record: our own work on an answer, which no reader of WARC files
        takes for what a server sent.
        """
        digest, date, record_id = hashlib.sha256(body).hexdigest(), _iso(now), _new_id()
        about = {
            "WARC-Target-URI": url,
            "WARC-Refers-To": made_from,
            "WARC-Payload-Digest": f"sha256:{digest}",
        }
        offset = self.size
        self._append(_member("conversion", date, record_id, RENDERED_TYPE, about, body))
        self.records += 1
        return Capture(digest, self.warc.name, offset, date, "conversion", record_id)

    def sight(self, line: Mapping[str, Any]) -> None:
        """Write one sighting, synced to disk."""
        text = json.dumps(dict(line), ensure_ascii=False, separators=(",", ":")) + "\n"
        self._write(self._sightings_file, text.encode("utf-8"))
        self.lines += 1

    def close(self) -> None:
        """Finish both files under their final names; files that hold nothing are removed.

        Of a disk that refused a write nothing is believed: what they hold keeps its name until it
        is verified.
        """
        used = bool(self.records or self.lines)
        files = ((self._warc_file, self.warc), (self._sightings_file, self.sightings))
        try:
            for file, path in files:
                if not used:
                    with suppress(OSError):
                        _open_name(path).unlink()
                elif not self._refused:
                    os.fsync(file)
                    _open_name(path).rename(path)
                    sync(path.parent)
            if self._index is not None and not (used and self._refused):
                self._index.segment_closed(self.warc.name)
        finally:
            for file, _ in files:
                os.close(file)

    def _append(self, data: bytes) -> None:
        self._write(self._warc_file, data)
        self.size += len(data)

    def _write(self, file: int, data: bytes) -> None:
        """Write and sync, or leave the file as it was and write to this segment no more."""
        if self._refused:
            raise NoMoreWrites(f"{self.warc.name} is not written to after a refused write")
        good = os.lseek(file, 0, os.SEEK_END)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(file, view) :]
            os.fsync(file)
        except OSError:
            # A sync that failed is not tried again: it would report as written what was dropped.
            self._refused = True
            with suppress(OSError):
                os.ftruncate(file, good)
            raise


class Store:
    """What a crawl leaves behind under a data folder: segments of bounded size, one at a time."""

    def __init__(
        self,
        data: Path,
        warcinfo: Mapping[str, str],
        rotate: int = ROTATE_BYTES,
        index: Index | None = None,
        kept_elsewhere: bool = False,
    ) -> None:
        """`kept_elsewhere` says that segments that are not here any more are kept all the same."""
        self._data = data
        self._warcinfo = warcinfo
        self._rotate = rotate
        self._index = index
        self._kept_elsewhere = kept_elsewhere
        self._segment: Segment | None = None
        self._refused = False
        for folder in ("warc", "sightings"):
            (data / folder).mkdir(parents=True, exist_ok=True)
        sync(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def has(self, held: Holder) -> bool:
        """Whether the segment a record lies in is here, or kept elsewhere by an operator's word."""
        path = self._data / "warc" / held.warc_file
        return self._kept_elsewhere or path.exists() or _open_name(path).exists()

    def write(self, exchange: Exchange, held: Holder | None) -> Capture:
        """Keep an exchange; see Segment.write."""
        with self._believed():
            return self._current().write(exchange, held, datetime.now(UTC))

    def convert(self, url: str, body: bytes, made_from: str) -> Capture:
        """Keep what a browser made of an answer; see Segment.convert."""
        with self._believed():
            return self._current().convert(url, body, made_from, datetime.now(UTC))

    def sight(self, line: Mapping[str, Any]) -> None:
        """Write one line of sightings."""
        with self._believed():
            self._current().sight(line)

    def close(self) -> None:
        """Close the segment being written, if any."""
        if self._segment is not None:
            segment, self._segment = self._segment, None
            segment.close()

    @contextmanager
    def _believed(self) -> Iterator[None]:
        """Nothing is written after the disk has refused once. Raises OSError."""
        if self._refused:
            raise NoMoreWrites("the disk refused a write before")
        try:
            yield
        except (OSError, sqlite3.Error):
            self._refused = True
            raise

    def _current(self) -> Segment:
        if self._segment is not None and self._segment.size >= self._rotate:
            self.close()
        if self._segment is None:
            self._segment = Segment(self._data, self._warcinfo, datetime.now(UTC), self._index)
        return self._segment


class CaptureMiddleware:
    """Sits next to the downloader, below HttpCompressionMiddleware (590).

    There bodies still have their content encoding. Refusals, redirects, challenges and robots.txt
    pass here too and are kept: they are the evidence for what a portal served that day.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        settings = crawler.settings
        self._data = Path(settings["DATA"])
        self._room = Room(
            self._data,
            settings.getint("CAPTURE_MIN_FREE_BYTES"),
            settings.getfloat("CAPTURE_MIN_FREE_SHARE"),
        )
        self._is_ending = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_response(self, request: Request, response: Response) -> Response:
        if "replayed" in response.flags:  # kept when it was received
            return response
        spider: Any = self._crawler.spider
        store: Store = spider.store
        frontier: Frontier = spider.frontier
        exchange = exchange_of(request, response)
        memory = (
            exchange.url
            if exchange.method == "GET"
            else f"{exchange.url} {exchange.request_body!r}"
        )
        try:
            known = _holders(frontier, memory, exchange, request.meta.get(HAD))
            held = next(filter(store.has, known), None)
            capture = store.write(exchange, held)
            shortage = self._room.shortage()
        except (OSError, sqlite3.Error) as error:
            # A disk that refused once may have lost what it accepted before: no second try.
            self._end(spider, "capture_failed", refusal(self._data, error))
            raise CrawlEnding("the answer could not be kept") from error
        if capture.record_type == "response":
            held = Holder(
                *(capture.digest, exchange.encoding, exchange.url, capture.fetched_at),
                *(capture.record_id, capture.warc_file),
            )
        assert held is not None
        is_whole = capture.record_type == "response" and exchange.truncated is None
        shared = is_whole and len(exchange.body) >= WORTH_SHARING
        frontier.captured(memory, held, shared=shared)
        request.meta["capture"] = capture
        if shortage:
            self._end(spider, "disk_full", shortage)
        return response

    def _end(self, spider: Any, reason: str, sentence: str) -> None:
        if not self._is_ending:
            self._is_ending = True
            spider.give_up(reason, sentence)


def _holders(
    frontier: Frontier, memory: str, exchange: Exchange, had: str | None
) -> Iterator[Holder]:
    """Records of the bytes of an answer, where they are worth referring to."""
    if exchange.status == 304:
        return frontier.holders(memory, had) if had else iter(())
    if len(exchange.body) < WORTH_SHARING:
        return iter(())
    digest = hashlib.sha256(exchange.body).hexdigest()
    return frontier.holders(memory, digest, exchange.encoding)


def exchange_of(request: Request, response: Response) -> Exchange:
    """What the downloader gave, as it can be recorded: header bytes as it joined them."""
    host = urlsplit(response.url).netloc
    asked = _headers(request.headers.items())
    if not any(name.lower() == "host" for name, _ in asked):
        asked = (("Host", host), *asked)
    ends = {"dataloss": "disconnect", "partial": "unspecified", "download_stopped": "length"}
    return Exchange(
        url=request.url,
        method=request.method,
        request_headers=asked,
        request_body=request.body,
        status=response.status,
        protocol=response.protocol or "HTTP/1.1",
        headers=tuple(
            (name, value)
            for name, value in _headers(response.headers.items())
            if name.lower() != "transfer-encoding"
        ),
        body=response.body,
        truncated=next((ends[flag] for flag in response.flags if flag in ends), None),
        ip_address=str(response.ip_address or ""),
        certificate=_fingerprint(response.certificate),
    )


def encoding_of(headers: Sequence[tuple[str, str]]) -> str:
    """The Content-Encoding that headers state, "" for none."""
    stated = [value.strip().lower() for name, value in headers if name.lower() == _ENCODING]
    return ", ".join(one for one in stated if one and one != "identity")


def _fingerprint(certificate: Any) -> str:
    """The SHA-256 in hex of a certificate as Twisted gives it."""
    if certificate is None:
        return ""
    digest: bytes = certificate.digest("sha256")
    return digest.decode("ascii").replace(":", "").lower()


def _headers(items: Any) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("latin-1"), " ".join(value.decode("latin-1").splitlines()))
        for name, values in items
        for value in values
    )


def _pair(data: Path, now: datetime) -> tuple[Path, int, Path, int]:
    """Two new files of one name, locked for this process: of captures and of sightings."""
    for _ in range(_NAMES_TRIED):
        stem = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        warc = data / "warc" / f"{stem}.warc.gz"
        sightings = data / "sightings" / f"{stem}.jsonl"
        with suppress(FileExistsError):
            warc_file = _create(warc)
            try:
                return warc, warc_file, sightings, _create(sightings)
            except OSError:
                os.close(warc_file)
                _open_name(warc).unlink(missing_ok=True)
                raise
    raise FileExistsError(f"{data}: no name could be had for a segment, the last was {stem}")


def _create(final: Path) -> int:
    """Create a file as `.open`, lock it and sync its name. Raises FileExistsError."""
    if final.exists():
        raise FileExistsError(f"{final} is there")
    path = _open_name(final)
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not is_named(file, path):
            raise FileExistsError(f"{path} was taken away")
        sync(path.parent)
    except BlockingIOError as error:
        os.close(file)
        raise FileExistsError(f"{path} is being looked at") from error
    except OSError:
        os.close(file)
        raise
    return file


def is_named(file: int, path: Path) -> bool:
    """Whether an open file still goes by a name."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False


def _open_name(path: Path) -> Path:
    return path.with_name(path.name + ".open")


def sync(path: Path) -> None:
    """Wait until what was written to a file, or the names in a folder, are on the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def sha256(data: bytes) -> str:
    """A digest as the headers of WARC records print it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _packed(record: bytes) -> bytes:
    return bytes(_compress(record, level=_LEVEL, wbits=zlib.MAX_WBITS | 16))


def _new_id() -> str:
    return f"<urn:uuid:{uuid4()}>"


def _http(start: str, headers: Sequence[tuple[str, str]]) -> bytes:
    """The head of a request or answer, header bytes as they were received."""
    lines = (start, *(f"{name}: {value}" for name, value in headers), "", "")
    return "\r\n".join(lines).encode("latin-1", "replace")


def _member(
    kind: str, date: str, record_id: str, media_type: str, about: Mapping[str, str], block: bytes
) -> bytes:
    """A WARC/1.1 record (ISO 28500:2017) as a gzip member of its own."""
    lines = (
        "WARC/1.1",
        f"WARC-Type: {kind}",
        f"WARC-Record-ID: {record_id}",
        f"WARC-Date: {date}",
        *(f"{name}: {value}" for name, value in about.items()),
        f"WARC-Block-Digest: {sha256(block)}",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(block)}",
        "",
        "",
    )
    return _packed(b"".join(("\r\n".join(lines).encode(), block, b"\r\n\r\n")))


def _request_target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
