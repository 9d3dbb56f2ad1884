"""Is there room for what a crawl captures, and is an error the disk's own?"""

from __future__ import annotations

import errno
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

# EX_IOERR of sysexits.h: full or failing. Free it, then start the same command again.
EXIT_DISK = 74
_FULL_OR_FAILING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
_SQLITE_FULL_OR_FAILING = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
REMEDY = (
    "free space on it, or move DATA to a sound disk and name it with -s DATA=DIR, then start the "
    "same crawl again; nothing that was captured is lost"
)


@dataclass(frozen=True, slots=True)
class Room:
    """How much must stay free on the disk of a folder: the smaller of so many bytes and a share of
    the disk."""

    folder: Path
    least_bytes: int
    least_share: float

    def shortage(self) -> str | None:
        """What is short, as a sentence; None where there is room. Raises OSError."""
        disk = os.statvfs(self.folder)
        free, total = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
        least = least_free(total, self.least_bytes, self.least_share)
        if free >= least:
            return None
        return (
            f"the disk that holds {self.folder} has {_amount(free)} free, and captures stop below "
            f"{_amount(least)} (CAPTURE_MIN_FREE_BYTES, CAPTURE_MIN_FREE_SHARE): {REMEDY}"
        )


def least_free(total: int, least_bytes: int, least_share: float) -> int:
    """How many bytes of a disk of so many must stay free."""
    return min(least_bytes, int(total * least_share))


def is_full_or_failing(error: BaseException) -> bool:
    """Whether an error says that the disk is full or failing, and not that an order was wrong."""
    if isinstance(error, sqlite3.Error):
        # The low byte of an extended result code is the code itself.
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _SQLITE_FULL_OR_FAILING
    return isinstance(error, OSError) and error.errno in _FULL_OR_FAILING


def refusal(folder: Path, error: BaseException) -> str:
    """The sentence for a disk that refused a write."""
    return f"the disk that holds {folder} is full or failing ({error}): {REMEDY}"


def _amount(size: int) -> str:
    """A size in the largest decimal unit that leaves a whole number before the point."""
    for unit, bytes_ in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= bytes_:
            return f"{size / bytes_:.1f} {unit}"
    return f"{size} bytes"
