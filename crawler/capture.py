"""Keep every answer as received: WARC segments, and beside each a file of sightings.

A segment is created exclusively as `*.open`, synced record by record, closed and renamed, and
never appended to again. What a killed process leaves behind is for crawler.recover.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import json
import logging
import os
import secrets
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from crawler.frontier import Frontier

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
_HTTP = "application/http; msgtype="
RENDERED_TYPE = "text/html; charset=utf-8"


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


class Segment:
    """One WARC file being written, and the sightings beside it."""

    def __init__(self, data: Path, warcinfo: Mapping[str, str], now: datetime) -> None:
        """Create both files. Raises FileExistsError rather than touch an existing one."""
        stem = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self.warc = data / "warc" / f"{stem}.warc.gz"
        self.sightings = data / "sightings" / f"{stem}.jsonl"
        self._warc_file = _create(_open_name(self.warc))
        self._sightings_file = _create(_open_name(self.sightings))
        self.size = 0
        self.records = 0
        self.lines = 0
        block = "".join(f"{name}: {value}\r\n" for name, value in warcinfo.items()).encode()
        about = {"WARC-Filename": self.warc.name}
        self._append(
            _member("warcinfo", _iso(now), _new_id(), "application/warc-fields", about, block)
        )

    def write(self, exchange: Exchange, last: tuple[str, str] | None, now: datetime) -> Capture:
        """Keep an exchange, synced to disk. `last` is the last capture's digest and WARC-Date.

        Raises OSError when the disk refuses; the file then ends where it ended before.
        """
        digest = hashlib.sha256(exchange.body).hexdigest()
        date = _iso(now)
        not_modified = exchange.status == 304 and last is not None
        revisit = not_modified or (
            last is not None and last[0] == digest and exchange.status != 304
        )
        if not_modified and last is not None:
            digest = last[0]
        reason = http.client.responses.get(exchange.status, "")
        status = f"{exchange.protocol} {exchange.status} {reason}".strip()
        about = {"WARC-Target-URI": exchange.url, "WARC-Payload-Digest": f"sha256:{digest}"}
        if exchange.truncated:
            about["WARC-Truncated"] = exchange.truncated
        if revisit and last is not None:
            profile = "server-not-modified" if not_modified else "identical-payload-digest"
            about["WARC-Profile"] = f"http://netpreserve.org/warc/1.1/revisit/{profile}"
            about["WARC-Refers-To-Target-URI"] = exchange.url
            about["WARC-Refers-To-Date"] = last[1]
        record_type, record_id = "revisit" if revisit else "response", _new_id()
        answer = _http(status, exchange.headers) + (b"" if revisit else exchange.body)
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
        _write_synced(self._sightings_file, text.encode("utf-8"), None)
        self.lines += 1

    def close(self) -> None:
        """Finish both files under their final names; files that hold nothing are removed."""
        for file, path, used in (
            (self._warc_file, self.warc, self.records or self.lines),
            (self._sightings_file, self.sightings, self.records or self.lines),
        ):
            if used:
                os.fsync(file)
                _open_name(path).rename(path)
            else:
                _open_name(path).unlink()
            sync(path.parent)
            os.close(file)

    def _append(self, data: bytes) -> None:
        _write_synced(self._warc_file, data, self.size)
        self.size += len(data)


class Store:
    """What a crawl leaves behind under a data folder: segments of bounded size, one at a time."""

    def __init__(self, data: Path, warcinfo: Mapping[str, str], rotate: int = ROTATE_BYTES) -> None:
        self._data = data
        self._warcinfo = warcinfo
        self._rotate = rotate
        self._segment: Segment | None = None
        for folder in ("warc", "sightings"):
            (data / folder).mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def write(self, exchange: Exchange, last: tuple[str, str] | None) -> Capture:
        """Keep an exchange; see Segment.write."""
        return self._current().write(exchange, last, datetime.now(UTC))

    def convert(self, url: str, body: bytes, made_from: str) -> Capture:
        """Keep what a browser made of an answer; see Segment.convert."""
        return self._current().convert(url, body, made_from, datetime.now(UTC))

    def sight(self, line: Mapping[str, Any]) -> None:
        """Write one line of sightings."""
        self._current().sight(line)

    def close(self) -> None:
        """Close the segment being written, if any."""
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    def _current(self) -> Segment:
        if self._segment is not None and self._segment.size >= self._rotate:
            self.close()
        if self._segment is None:
            self._segment = Segment(self._data, self._warcinfo, datetime.now(UTC))
        return self._segment


class CaptureMiddleware:
    """Sits next to the downloader, below HttpCompressionMiddleware (590).

    There bodies still have their content encoding. Refusals, redirects, challenges and robots.txt
    pass here too and are kept: they are the evidence for what a portal served that day.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

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
            capture = store.write(exchange, frontier.last_capture(memory))
        except OSError as error:
            # A disk that refused once may have lost what it accepted before: no second try.
            logger.critical(
                "cannot write captures (%s): free the disk, then start the same crawl again", error
            )
            spider.give_up("capture_failed")
            raise IgnoreRequest("the answer could not be kept") from error
        frontier.captured(memory, capture.digest, capture.fetched_at)
        request.meta["capture"] = capture
        return response


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
    )


def _headers(items: Any) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("latin-1"), " ".join(value.decode("latin-1").splitlines()))
        for name, values in items
        for value in values
    )


def _create(path: Path) -> int:
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    sync(path.parent)
    return file


def _write_synced(file: int, data: bytes, end: int | None) -> None:
    good = os.lseek(file, 0, os.SEEK_END) if end is None else end
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        os.fsync(file)
    except OSError:
        os.ftruncate(file, good)
        os.lseek(file, good, os.SEEK_SET)
        os.fsync(file)
        raise


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
