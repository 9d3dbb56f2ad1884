"""What does a file of a backup hold, whether it is stored as it is or packed?"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from typing import IO, cast

from archive.backup.catalogue import BackupError
from archive.shelf import CHUNK, Shelf


def measured(shelf: Shelf, folder: str, stored: str, is_packed: bool) -> tuple[int, str]:
    """Size and SHA-256 of the content of a file of a backup; BackupError where it has none."""
    size, made = 0, hashlib.sha256()
    try:
        with shelf.open(folder, stored) as file:
            for block in content(file, is_packed):
                size += len(block)
                made.update(block)
    except (OSError, zlib.error, EOFError) as error:
        raise unusable(shelf, folder, stored, error) from error
    return size, made.hexdigest()


def unusable(shelf: Shelf, folder: str, stored: str, error: Exception) -> BackupError:
    """What to say of a file of a backup that cannot be read or unpacked."""
    where = shelf.where(folder, stored)
    if isinstance(error, FileNotFoundError):
        return BackupError(f"{where} is missing")
    if isinstance(error, zlib.error | EOFError | gzip.BadGzipFile):
        return BackupError(f"{where} is damaged: {error}")
    return BackupError(f"{where} cannot be read: {error}")


def content(file: IO[bytes], is_packed: bool) -> Iterator[bytes]:
    """The content of a stored file, block by block; it raises what `unusable` is told."""
    stream = cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if is_packed else file
    while block := stream.read(CHUNK):
        yield block
