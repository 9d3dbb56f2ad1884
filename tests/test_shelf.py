"""Closed files: put once, whole or not at all, and never overwritten."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import fsspec
import pytest

from archive import shelf as module
from archive.shelf import Kept, Shelf, ShelfError, shelved
from archive.warc import read_payload

ROOT = Path(module.__file__).parent.parent


@pytest.fixture(params=["path", "file URL", "memory"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    if request.param == "memory":
        return Shelf(f"memory://{tmp_path.name}")
    return Shelf(str(tmp_path) if request.param == "path" else tmp_path.as_uri())


def test_what_is_put_is_kept_and_read(shelf: Shelf) -> None:
    assert shelf.kept("warc", ".warc.gz") == []
    assert shelf.put("warc", "b.warc.gz", b"two") is True
    assert shelf.put("warc", "a.warc.gz", b"one1") is True
    assert [(one.name, one.size) for one in shelf.kept("warc", ".warc.gz")] == [
        ("a.warc.gz", 4),
        ("b.warc.gz", 3),
    ]
    assert shelf.read("warc", "a.warc.gz") == b"one1"
    assert shelf.digest("warc", "a.warc.gz") == sha256(b"one1").hexdigest()
    with shelf.open("warc", "a.warc.gz") as file:
        assert file.seek(2) == 2
        assert file.read() == b"e1"
        file.seek(0)
        assert file.read(1) == b"o"


def test_a_file_is_put_from_a_path(shelf: Shelf, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 10_000)
    assert shelf.put("warc", "a.warc.gz", source) is True
    assert shelf.put("warc", "a.warc.gz", source) is False
    assert shelf.read("warc", "a.warc.gz") == source.read_bytes()


def test_other_bytes_are_refused_and_both_digests_named(shelf: Shelf) -> None:
    shelf.put("state/20261121", "ledger.csv", b"one")
    assert shelf.put("state/20261121", "ledger.csv", b"one") is False
    with pytest.raises(ShelfError) as refused:
        shelf.put("state/20261121", "ledger.csv", b"two")
    assert sha256(b"one").hexdigest() in str(refused.value)
    assert sha256(b"two").hexdigest() in str(refused.value)
    assert shelf.read("state/20261121", "ledger.csv") == b"one"


def test_what_is_not_there(shelf: Shelf) -> None:
    for missing in (shelf.read, shelf.digest):
        with pytest.raises(FileNotFoundError):
            missing("warc", "a.warc.gz")
    with pytest.raises(FileNotFoundError):
        shelf.open("warc", "a.warc.gz")


@pytest.mark.parametrize("name", ["", "..", "../a", "a/b", ".hidden", "a\0b"])
def test_a_name_leads_nowhere_else(shelf: Shelf, name: str) -> None:
    with pytest.raises(ShelfError):
        shelf.put("warc", name, b"x")
    with pytest.raises(ShelfError):
        shelf.read("warc", name)


def test_a_shelf_pickles_as_its_root(shelf: Shelf) -> None:
    shelf.kept("warc", ".warc.gz")
    again = pickle.loads(pickle.dumps(shelf))
    assert again == shelf
    assert len(pickle.dumps(shelf)) < 300


def test_open_and_hidden_files_and_folders_are_not_kept(tmp_path: Path) -> None:
    folder = tmp_path / "warc"
    (folder / "folder.warc.gz").mkdir(parents=True)
    for name in ("a.warc.gz.open", ".b.warc.gz", ".c.warc.gz.part", "d.warc.gz", "e.txt"):
        (folder / name).write_bytes(b"x")
    assert [one.name for one in Shelf(str(tmp_path)).kept("warc", ".warc.gz")] == ["d.warc.gz"]


def test_of_a_remote_store_hidden_files_are_not_kept_either() -> None:
    files = fsspec.filesystem("memory")
    for name in (".b.warc.gz", "d.warc.gz"):
        files.pipe_file(f"/hidden/warc/{name}", b"x")
    assert [one.name for one in Shelf("memory://hidden").kept("warc", ".warc.gz")] == ["d.warc.gz"]


def test_the_stamp_changes_with_the_file(tmp_path: Path) -> None:
    shelf = Shelf(str(tmp_path))
    shelf.put("warc", "a.warc.gz", b"one")
    (before,) = shelf.kept("warc", ".warc.gz")
    assert shelf.kept("warc", ".warc.gz") == [before]
    os.utime(tmp_path / "warc" / "a.warc.gz", ns=(5, 5))
    assert shelf.kept("warc", ".warc.gz") == [Kept("a.warc.gz", 3, "5")]


def test_a_data_folder_is_a_shelf_wherever_it_is_read_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shelved(Path("data")) == Shelf(str(tmp_path / "data"))
    assert shelved(Shelf("s3://bucket")) == Shelf("s3://bucket")


@pytest.mark.parametrize("root", ["", "  "])
def test_an_empty_name_is_no_shelf(root: str) -> None:
    with pytest.raises(ShelfError, match="is a variable not set"):
        Shelf(root)


def test_a_name_that_is_no_utf8_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "warc").mkdir()
    for name in (b"a.warc.gz", b"\xb0\xa1.warc.gz"):
        (tmp_path / "warc" / os.fsdecode(name)).write_bytes(b"x")
    shelf = Shelf(str(tmp_path))
    assert [one.name for one in shelf.kept("warc", ".warc.gz")] == ["a.warc.gz"]
    shelf.kept("warc", ".warc.gz")
    (warning,) = caplog.messages
    assert r"b'\xb0\xa1.warc.gz' is no UTF-8" in warning
    assert "move it away" in warning


@pytest.mark.parametrize("file", ["warc", "."])
def test_a_file_is_no_folder_of_a_shelf(tmp_path: Path, file: str) -> None:
    place = tmp_path / "root" / file
    place.parent.mkdir(exist_ok=True)
    place.rmdir() if place.is_dir() else None
    place.write_bytes(b"")
    with pytest.raises(ShelfError) as told:
        Shelf(str(tmp_path / "root")).kept("warc", ".warc.gz")
    assert str(told.value).startswith(f"{place} is a file where a folder is wanted")


def test_the_folders_of_a_shelf(shelf: Shelf) -> None:
    assert shelf.folders("state") == []
    shelf.put("state/b", "x", b"1")
    shelf.put("state/a/also", "x", b"1")
    assert shelf.folders("state") == ["a", "b"]


def test_a_scheme_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="klingon"):
        Shelf("klingon://x").kept("warc", ".warc.gz")


def payload(shelf: Shelf, _: str, name: str) -> bytes:
    return read_payload(shelf, name, 0)


@pytest.mark.parametrize("read", [Shelf.read, Shelf.digest, payload])
def test_a_store_that_is_lost_while_it_is_read(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[Shelf, str, str], object]
) -> None:
    exceptions = pytest.importorskip("botocore.exceptions")

    class Lost(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise exceptions.EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    shelf = Shelf("memory://lost")
    shelf.put("warc", "a.warc.gz", b"x")
    monkeypatch.setattr(Shelf, "open", lambda *_, **__: Lost())
    with pytest.raises(ShelfError, match="memory://lost cannot be reached"):
        read(shelf, "warc", "a.warc.gz")


@pytest.mark.parametrize("has_links", [True, False], ids=["links", "no links"])
def test_of_many_at_once_one_comes_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    def refusing(*_: Any) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    if not has_links:
        monkeypatch.setattr(os, "link", refusing)
    outcomes = []

    def put(content: bytes) -> None:
        try:
            outcomes.append(Shelf(str(tmp_path)).put("warc", "a.warc.gz", content))
        except ShelfError:
            outcomes.append(None)

    threads = [threading.Thread(target=put, args=(bytes([one]) * 99,)) for one in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == [*["None"] * 7, "True"]
    assert len(set((tmp_path / "warc" / "a.warc.gz").read_bytes())) == 1
    assert os.listdir(tmp_path / "warc") == ["a.warc.gz"]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, data: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            Shelf(str(tmp_path)).put("warc", "a.warc.gz", b"one")
    assert os.listdir(tmp_path / "warc") == []
    assert Shelf(str(tmp_path)).put("warc", "a.warc.gz", b"one") is True


def test_a_failed_sync_puts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "warc").mkdir()

    def failing(file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="Input/output"):
        Shelf(str(tmp_path)).put("warc", "a.warc.gz", b"one")
    assert os.listdir(tmp_path / "warc") == []


KILLED = """
import os, signal, sys
from archive.shelf import Shelf
name = sys.argv[2]
real = getattr(os, name)
def dying(*args, **kwargs):
    real(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(os, name, dying)
Shelf(sys.argv[1]).put("warc", "a.warc.gz", b"one" * 1000)
"""


@pytest.mark.parametrize(
    ("call", "is_there"),
    [("ftruncate", False), ("write", False), ("fsync", False), ("link", True)],
)
def test_killed_at_any_step(tmp_path: Path, call: str, is_there: bool) -> None:
    (tmp_path / "warc").mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), call], cwd=ROOT, timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    shelf = Shelf(str(tmp_path))
    assert bool(shelf.kept("warc", ".warc.gz")) is is_there
    assert shelf.put("warc", "a.warc.gz", b"one" * 1000) is not is_there
    assert shelf.read("warc", "a.warc.gz") == b"one" * 1000


def test_what_a_kill_left_never_changes_a_file_that_was_moved_away(tmp_path: Path) -> None:
    """After linking and before clearing away, both names mean the same bytes."""
    folder = tmp_path / "warc"
    folder.mkdir()
    (folder / "moved.warc.gz").write_bytes(b"one")
    os.link(folder / "moved.warc.gz", folder / ".a.warc.gz.part")
    assert Shelf(str(tmp_path)).put("warc", "a.warc.gz", b"two") is True
    assert (folder / "moved.warc.gz").read_bytes() == b"one"
    assert (folder / "a.warc.gz").read_bytes() == b"two"
    assert sorted(os.listdir(folder)) == ["a.warc.gz", "moved.warc.gz"]


def test_what_killed_writers_left_is_swept_and_what_is_being_written_stays(tmp_path: Path) -> None:
    shelf = Shelf(str(tmp_path))
    shelf.put("manifests", "one.json", b"{}")
    left = tmp_path / "manifests" / ".two.json.part"
    deep = tmp_path / "state" / "20261121" / ".ledger.csv.part"
    deep.parent.mkdir(parents=True)
    busy = tmp_path / "manifests" / ".three.json.part"
    for part in (left, deep, busy):
        part.write_bytes(b"{")
    with busy.open("rb+") as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        shelf.sweep("manifests")
        assert (left.exists(), busy.exists(), deep.exists()) == (False, True, True)
    shelf.sweep()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["one.json"]
