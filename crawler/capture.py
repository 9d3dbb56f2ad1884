"""Keep every answer as received: WARC segments, and beside each a file of sightings.

A segment is created exclusively as `*.open`, synced record by record, closed and renamed, and
never appended to again. What a killed process leaves behind is verified, cut and renamed on the
next start.
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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawler.frontier import Frontier

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

ROTATE_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Capture:
    """Where an answer was kept: `digest` is the SHA-256 of its body as received, in hex."""

    digest: str
    warc_file: str
    offset: int
    fetched_at: str
    record_type: str


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
        buffer = BytesIO()
        writer = WARCWriter(buffer, gzip=True, warc_version="WARC/1.1")
        record = writer.create_warcinfo_record(self.warc.name, dict(warcinfo))
        record.rec_headers.replace_header("WARC-Date", _iso(now))
        block = record.raw_stream.read()
        record.raw_stream = BytesIO(block)
        record.rec_headers.add_header("WARC-Block-Digest", _sha256(block))
        writer.write_record(record)
        self._append(buffer.getvalue())

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
        buffer = BytesIO()
        writer = WARCWriter(buffer, gzip=True, warc_version="WARC/1.1")
        reason = http.client.responses.get(exchange.status, "")
        head = StatusAndHeaders(
            f"{exchange.status} {reason}".strip(), list(exchange.headers), exchange.protocol
        )
        warc_headers = {
            "WARC-Date": date,
            "WARC-Payload-Digest": f"sha256:{digest}",
            "WARC-Block-Digest": _block_digest(head, b"" if revisit else exchange.body),
        }
        if exchange.truncated:
            warc_headers["WARC-Truncated"] = exchange.truncated
        if revisit and last is not None:
            profile = "server-not-modified" if not_modified else "identical-payload-digest"
            warc_headers["WARC-Profile"] = f"http://netpreserve.org/warc/1.1/revisit/{profile}"
            warc_headers["WARC-Refers-To-Target-URI"] = exchange.url
            warc_headers["WARC-Refers-To-Date"] = last[1]
        payload = b"" if revisit else exchange.body
        record_type = "revisit" if revisit else "response"
        response = writer.create_warc_record(
            exchange.url,
            record_type,
            payload=BytesIO(payload),
            length=len(payload),
            warc_headers_dict=warc_headers,
            http_headers=head,
        )
        writer.write_record(response)
        asked = StatusAndHeaders(
            f"{exchange.method} {_request_target(exchange.url)} HTTP/1.1",
            list(exchange.request_headers),
            is_http_request=True,
        )
        request = writer.create_warc_record(
            exchange.url,
            "request",
            payload=BytesIO(exchange.request_body),
            length=len(exchange.request_body),
            warc_headers_dict={
                "WARC-Date": date,
                "WARC-Concurrent-To": response.rec_headers.get_header("WARC-Record-ID"),
                "WARC-Payload-Digest": _sha256(exchange.request_body),
                "WARC-Block-Digest": _block_digest(asked, exchange.request_body),
            },
            http_headers=asked,
        )
        writer.write_record(request)
        offset = self.size
        self._append(buffer.getvalue())
        self.records += 1
        return Capture(digest, self.warc.name, offset, date, record_type)

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
            _sync_folder(path.parent)
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
    ends = {"dataloss": "disconnect", "partial": "unspecified"}
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


def recover(data: Path) -> None:
    """Verify, cut and rename what killed processes left open under a data folder.

    A file that a living process holds is left alone.
    """
    for path in sorted((data / "warc").glob("*.warc.gz.open")):
        with _unlocked(path) as file:
            if file is not None:
                _recover_segment(path)
    for path in sorted((data / "sightings").glob("*.jsonl.open")):
        with _unlocked(path) as file:
            if file is not None:
                _recover_sightings(path)


def _recover_segment(path: Path) -> None:
    raw = path.read_bytes()
    good = list(sound_members(raw))
    end = max((stop for _, stop in good), default=0)
    kept = sum(stop - start for start, stop in good)
    final = path.with_name(path.name.removesuffix(".open"))
    if kept == end:
        if end < len(raw):
            logger.warning("%s: cut %d torn bytes", final.name, len(raw) - end)
            os.truncate(path, end)
        _sync_file(path)
        path.rename(final)
    else:
        # Damage in the middle: what is sound moves on, what was found stays as it is.
        logger.warning("%s: %d damaged bytes left out", final.name, len(raw) - kept)
        mended = path.with_name(path.name + ".mended")
        mended.write_bytes(b"".join(raw[start:stop] for start, stop in good))
        _sync_file(mended)
        mended.rename(final)
        path.rename(path.with_name(final.name + ".damaged"))
    if kept == 0:
        final.unlink()
    _sync_folder(path.parent)


def _recover_sightings(path: Path) -> None:
    sound = 0
    with path.open("rb") as lines:
        for line in lines:
            try:
                json.loads(line)
            except ValueError:
                break
            if not line.endswith(b"\n"):
                break
            sound += len(line)
    if sound < path.stat().st_size:
        logger.warning("%s: cut a torn line", path.name)
        os.truncate(path, sound)
    _sync_file(path)
    path.rename(path.with_name(path.name.removesuffix(".open")))
    _sync_folder(path.parent)


def sound_members(raw: bytes) -> Iterator[tuple[int, int]]:
    """Where the gzip members lie whose record has the length and digests it promises."""
    start = 0
    while start < len(raw):
        unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            record = unzip.decompress(raw[start:])
            whole = unzip.eof
        except zlib.error:
            whole = False
        stop = len(raw) - len(unzip.unused_data) if whole else start
        if whole and _is_sound(record):
            yield start, stop
            start = stop
        else:
            following = raw.find(b"\x1f\x8b\x08", start + 1)
            if following < 0:
                return
            start = following


def _is_sound(record: bytes) -> bool:
    head, separator, rest = record.partition(b"\r\n\r\n")
    if not separator or not head.startswith(b"WARC/1.1\r\n"):
        return False
    named = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
    }
    length = named.get(b"content-length", b"")
    if not length.isdigit() or len(rest) != int(length) + 4 or not rest.endswith(b"\r\n\r\n"):
        return False
    block = rest[:-4]
    if named.get(b"warc-block-digest") != _sha256(block).encode():
        return False
    if named.get(b"warc-type") not in (b"response", b"request"):
        return True
    payload = block.partition(b"\r\n\r\n")[2]
    return named.get(b"warc-payload-digest") == _sha256(payload).encode()


class _unlocked:
    """A leftover, locked for us, or None where a living process holds it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR)

    def __enter__(self) -> int | None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        return self._file

    def __exit__(self, *reason: object) -> None:
        os.close(self._file)


def _create(path: Path) -> int:
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    _sync_folder(path.parent)
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


def _sync_file(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _sync_folder(folder: Path) -> None:
    _sync_file(folder)


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _block_digest(head: StatusAndHeaders, payload: bytes) -> str:
    head.compute_headers_buffer()
    return _sha256(head.headers_buff + payload)


def _request_target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
