"""Where do closed files lie, and how does one get there once and for ever?

A shelf is a folder or any fsspec URL. What was put there is never overwritten, so whoever reads a
name twice reads the same bytes.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import unquote, urlsplit

CHUNK = 1 << 20
# Bytes asked of a remote store at a time by one who reads a file from its beginning.
AHEAD = 8 << 20
# What a file system says that has no hard links (FAT, some network mounts).
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


log = logging.getLogger(__name__)


class ShelfError(ValueError):
    """A shelf cannot be reached, or holds something else under a name; the message names both."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A closed file: its size in bytes, and a stamp that changes when the file does."""

    name: str
    size: int
    stamp: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """Closed files by folder and name, under a path, a `file://` URL or any that fsspec knows.

    It pickles as its root: each process connects for itself, with what its environment says.
    """

    root: str

    def __post_init__(self) -> None:
        if not self.root.strip():
            raise ShelfError("an empty name is no folder and no URL: is a variable not set?")

    def kept(self, folder: str, suffix: str) -> list[Kept]:
        """The files of a folder whose names end so, by name; none where there is no folder.

        Raises ShelfError where the store itself, such as a bucket, does not exist or is a file. A
        file whose name is no UTF-8 is left out with a warning: no table could hold it.
        """
        if (local := self._local) is not None:
            return _kept_here(local / folder, suffix)
        with self._remote(folder) as (files, path):
            try:
                listed = files.ls(path, detail=True)
            except FileNotFoundError as error:
                if not _is_there(files, path):
                    raise self._no_store() from error
                return []
            found = (
                Kept(one["name"].rpartition("/")[2], int(one["size"] or 0), _stamp(one))
                for one in listed
                if one["type"] == "file"
            )
            return sorted(
                (one for one in found if _is_shown(one.name, suffix)), key=lambda one: one.name
            )

    def folders(self, folder: str) -> list[str]:
        """The names of the folders within one, sorted; none where there is none."""
        if (local := self._local) is not None:
            place = local / folder
            if not place.is_dir():
                return []
            return sorted(one.name for one in place.iterdir() if one.is_dir())
        with self._remote(folder) as (files, path):
            try:
                listed = files.ls(path, detail=True)
            except FileNotFoundError:
                return []
            names = (one["name"].rstrip("/") for one in listed if one["type"] == "directory")
            return sorted(name.rpartition("/")[2] for name in names)

    def open(self, folder: str, name: str, ahead: int = AHEAD) -> IO[bytes]:
        """A file, seekable; FileNotFoundError where there is none.

        `ahead` is how much of it a remote store is asked for at a time.
        """
        if (local := self._local) is not None:
            return (local / folder / _plain(name)).open("rb")
        with self._remote(folder, name) as (files, path):
            opened = files.open(path, "rb", block_size=ahead, cache_type="readahead")
            return cast("IO[bytes]", opened)

    def read(self, folder: str, name: str) -> bytes:
        """All bytes of a file; FileNotFoundError where there is none."""
        with self.reached(), self.open(folder, name) as file:
            return file.read()

    def put(self, folder: str, name: str, source: Path | bytes) -> bool:
        """Put a file there, whole and synced or not at all; False where the same bytes already are.

        Raises ShelfError where other bytes have the name: nothing is ever overwritten. A store
        that ignores `If-None-Match` can break this only for two who put at the same moment.
        """
        if not self._holds(folder, name, source):
            try:
                self._create(folder, name, source)
                return True
            except FileExistsError:
                if not self._holds(folder, name, source):
                    raise
        if (local := self._local) is not None:
            sync(local / folder)
        return False

    def sweep(self, folder: str = "") -> None:
        """Take away what killed writers left aside here and below; what is being written stays."""
        if (local := self._local) is None:
            return
        for part in (local / folder).rglob(".*.part"):
            try:
                file = os.open(part, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_still(part, file):
                    part.unlink()
            except BlockingIOError:
                pass
            finally:
                os.close(file)

    def digest(self, folder: str, name: str) -> str:
        """The SHA-256 of a whole file, in hex; FileNotFoundError where there is none."""
        with self.reached(), self.open(folder, name) as file:
            return _digest(file)

    def where(self, folder: str, name: str = "") -> str:
        """The place of a file, as messages name it."""
        return "/".join((self.root.rstrip("/"), folder, *([name] if name else [])))

    @property
    def _local(self) -> Path | None:
        if "://" not in self.root:
            return Path(self.root)
        parts = urlsplit(self.root)
        return Path(unquote(parts.path)) if parts.scheme == "file" else None

    @contextmanager
    def _remote(self, folder: str, name: str | None = None) -> Iterator[tuple[Any, str]]:
        """The file system behind the root and the path there, its failures told in words."""
        import fsspec

        try:
            with self.reached():
                # Listings that were remembered would hide what others have put there since.
                try:
                    files, base = fsspec.url_to_fs(self.root, use_listings_cache=False)
                except ValueError as error:
                    raise ShelfError(
                        f"{self.root}: {error}; give a folder, or a URL such as s3://bucket/prefix"
                    ) from error
                yield (
                    files,
                    "/".join((base.rstrip("/"), folder, *([] if name is None else [_plain(name)]))),
                )
        except ImportError as error:
            raise ShelfError(
                f"{self.root}: {error}; requirements-cluster.txt has what S3 needs: make cluster"
            ) from error

    @contextmanager
    def reached(self) -> Iterator[None]:
        """What a client raises within, where its store is lost, is told in words."""
        try:
            yield
        except _unreachable() as error:
            raise ShelfError(
                f"{self.root} cannot be reached: {error}. Try again when it can"
            ) from error

    def _no_store(self) -> ShelfError:
        return ShelfError(f"{self.root}: there is no such store: make it, or name another")

    def _holds(self, folder: str, name: str, source: Path | bytes) -> bool:
        """Whether these very bytes have the name; ShelfError where others have."""
        try:
            with self.reached(), self.open(folder, name) as there:
                size = there.seek(0, os.SEEK_END)
                there.seek(0)
                found = _digest(there)
        except FileNotFoundError:
            return False
        wanted, wanted_size = _digest_of(source)
        if found != wanted:
            raise ShelfError(
                f"{self.where(folder, name)} holds other bytes ({size} of SHA-256 {found}) than "
                f"the {wanted_size} of SHA-256 {wanted} to be put there; nothing was overwritten: "
                "find out which are right, and move the wrong ones away"
            )
        return True

    def _create(self, folder: str, name: str, source: Path | bytes) -> None:
        if (local := self._local) is not None:
            _create_here(local / folder, _plain(name), source)
            return
        with self._remote(folder, name) as (files, path):
            if not _is_there(files, path):
                raise self._no_store()
            if "s3" not in files.protocol:
                files.makedirs(path.rpartition("/")[0], exist_ok=True)
            try:
                if isinstance(source, bytes):
                    files.pipe_file(path, source, mode="create")
                else:
                    files.put_file(str(source), path, mode="create")
            except OSError as error:
                # Some stores do not say why a condition failed, only that it did.
                if files.exists(path):
                    raise FileExistsError(errno.EEXIST, "exists", path) from error
                raise


def shelved(source: Shelf | Path) -> Shelf:
    """The shelf that a data folder is."""
    return source if isinstance(source, Shelf) else Shelf(str(source.absolute()))


@contextmanager
def placed(path: Path) -> Iterator[None]:
    """What a system refuses within is said of this path, where it does not say of which."""
    try:
        yield
    except OSError as error:
        if error.filename or not error.errno:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def is_utf8(name: str) -> bool:
    """Whether the bytes of a file's name are UTF-8; Python holds others as lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(name: str) -> str:
    """A file's name as it can be printed: bytes that are no UTF-8 are written `\\xff`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _plain(name: str) -> str:
    if not name or "/" in name or name.startswith(".") or "\0" in name:
        raise ShelfError(f"{name!r} is no name of a file on a shelf")
    return name


def _is_shown(name: str, suffix: str) -> bool:
    """Whether a file of this name is on the shelf: a hidden one is being written, or not ours."""
    return name.endswith(suffix) and not name.startswith(".")


def _stamp(listed: dict[str, Any]) -> str:
    for key in ("ETag", "etag", "md5Hash", "mtime", "LastModified", "created"):
        if listed.get(key):
            return f"{listed[key]} {listed['size']}"
    return str(listed["size"])


def _is_there(files: Any, path: str) -> bool:
    """Whether the bucket (or whatever is uppermost) of a path exists."""
    top = path.strip("/").partition("/")[0]
    return not top or files.protocol == "memory" or bool(files.exists(top))


def _unreachable() -> tuple[type[Exception], ...]:
    """What clients raise that is no OSError: no credentials, no server at that address."""
    try:
        from botocore.exceptions import BotoCoreError
    except ImportError:
        return ()
    return (BotoCoreError,)


def _digest(file: IO[bytes]) -> str:
    sha256 = hashlib.sha256()
    while block := file.read(CHUNK):
        sha256.update(block)
    return sha256.hexdigest()


def _digest_of(source: Path | bytes) -> tuple[str, int]:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest(), len(source)
    with source.open("rb") as file:
        return _digest(file), file.tell()


# --- folders --------------------------------------------------------------------------------------


def _kept_here(folder: Path, suffix: str) -> list[Kept]:
    try:
        with os.scandir(folder) as entries:
            found = [
                Kept(entry.name, (status := entry.stat()).st_size, str(status.st_mtime_ns))
                for entry in entries
                if _is_shown(entry.name, suffix) and entry.is_file()
            ]
    except FileNotFoundError:
        return []
    except NotADirectoryError as error:
        place = next((one for one in reversed(folder.parents) if one.is_file()), folder)
        raise ShelfError(f"{place} is a file where a folder is wanted: give the folder") from error
    for one in found:
        if not is_utf8(one.name):
            _warn_of_name(folder, one.name)
    return sorted((one for one in found if is_utf8(one.name)), key=lambda one: one.name)


@cache
def _warn_of_name(folder: Path, name: str) -> None:
    log.warning(
        "%s: the name %r is no UTF-8; the file is left out: move it away, or give it such a name",
        *(folder, os.fsencode(name)),
    )


def _create_here(folder: Path, name: str, source: Path | bytes) -> None:
    """Written aside and synced, then linked to its name, which fails where the name is taken."""
    _make_folder(folder)
    part = folder / f".{name}.part"
    file = _locked(part)
    try:
        with placed(folder / name):
            os.ftruncate(file, 0)
        for block in _blocks(source):
            view = memoryview(block)
            with placed(folder / name):
                while view:
                    view = view[os.write(file, view) :]
        with placed(folder / name):
            os.fsync(file)
        try:
            os.link(part, folder / name)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            # Between the look and the renaming nobody of ours comes: they wait for the lock.
            if (folder / name).exists():
                raise FileExistsError(errno.EEXIST, "exists", str(folder / name)) from error
            part.rename(folder / name)
    finally:
        if _is_still(part, file):
            part.unlink()
        os.close(file)
    sync(folder)


def _locked(part: Path) -> int:
    """A file to write to, locked: what a killed process left of it is written over."""
    while True:
        file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(file, fcntl.LOCK_EX)
        if _is_still(part, file):
            if os.fstat(file).st_nlink == 1:
                return file
            # Killed between linking and clearing away: these bytes are a file's on the shelf.
            part.unlink()
        os.close(file)


def _is_still(part: Path, file: int) -> bool:
    """Whether a name still means an open file: who held the lock before may have taken it away."""
    try:
        return os.path.samestat(part.stat(), os.fstat(file))
    except FileNotFoundError:
        return False


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync(folder.parent)


def _blocks(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with placed(source), source.open("rb") as file:
        while block := file.read(CHUNK):
            yield block


def sync(path: Path) -> None:
    """Bring a file or folder to the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
