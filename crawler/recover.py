"""What did killed processes leave behind? Verify it, cut what is torn, give it its final name."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from crawler.capture import sha256, sync

logger = logging.getLogger(__name__)


def recover(data: Path) -> None:
    """Verify, cut and rename what killed processes left open under a data folder.

    A file that a living process holds is left alone.
    """
    for path in sorted((data / "warc").glob("*.warc.gz.open")):
        with _unlocked(path) as file:
            if file is not None:
                _segment(path)
    for path in sorted((data / "sightings").glob("*.jsonl.open")):
        with _unlocked(path) as file:
            if file is not None:
                _sightings(path)


def _segment(path: Path) -> None:
    raw = path.read_bytes()
    good = list(sound_members(raw))
    end = max((stop for _, stop in good), default=0)
    kept = sum(stop - start for start, stop in good)
    final = path.with_name(path.name.removesuffix(".open"))
    if kept == end:
        if end < len(raw):
            logger.warning("%s: cut %d torn bytes", final.name, len(raw) - end)
            os.truncate(path, end)
        sync(path)
        path.rename(final)
    else:
        # Damage in the middle: what is sound moves on, what was found stays as it is.
        logger.warning("%s: %d damaged bytes left out", final.name, len(raw) - kept)
        mended = path.with_name(path.name + ".mended")
        mended.write_bytes(b"".join(raw[start:stop] for start, stop in good))
        sync(mended)
        mended.rename(final)
        path.rename(path.with_name(final.name + ".damaged"))
    if kept == 0:
        final.unlink()
    sync(path.parent)


def _sightings(path: Path) -> None:
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
    sync(path)
    path.rename(path.with_name(path.name.removesuffix(".open")))
    sync(path.parent)


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
    if named.get(b"warc-block-digest") != sha256(block).encode():
        return False
    if named.get(b"warc-type") not in (b"response", b"request"):
        return True
    payload = block.partition(b"\r\n\r\n")[2]
    return named.get(b"warc-payload-digest") == sha256(payload).encode()


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
