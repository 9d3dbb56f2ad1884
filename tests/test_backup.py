"""What is kept elsewhere comes back equal, whatever is interrupted, damaged or missing."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive import backup as module
from archive.__main__ import main
from archive.backup import BackupError, backup, restore
from archive.shelf import Shelf

FIRST = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
SECOND = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
LEDGER = b"id,name\n140600-jyj,\xe6\x9c\x94\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder after one night, with all that can be made again beside what cannot."""
    data = tmp_path / "data"
    for folder in ("warc", "sightings", "manifests", "site"):
        (data / folder).mkdir(parents=True)
    (data / "warc" / "a.warc.gz").write_bytes(b"segment a")
    (data / "warc" / "b.warc.gz").write_bytes(b"segment b")
    (data / "sightings" / "a.jsonl").write_bytes(b'{"n": 1}\n')
    (data / "manifests" / "manifest-20261121.json").write_bytes(b"{}")
    (data / "manifests" / "manifest-20261121.sig").write_bytes(b"signature")
    (data / "ledger.csv").write_bytes(LEDGER)
    (data / "published.csv").write_bytes(b"path,first_published\n")
    (data / "nianbao.db").write_bytes(b"can be made again")
    (data / "fold.db").write_bytes(b"too")
    frontier(data / "frontier.db", 3)
    return data


def frontier(path: Path, pages: int) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("create table if not exists pages (url text)")
        db.execute("delete from pages")
        db.executemany("insert into pages values (?)", [(str(one),) for one in range(pages)])
        db.commit()


def pages(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        (count,) = db.execute("select count(*) from pages").fetchone()
    return int(count)


def files(folder: Path) -> dict[str, bytes]:
    """What lies under a folder, frontiers and what belongs to them left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("frontier")
    }


MADE_AGAIN = {"nianbao.db", "fold.db"}


def test_what_was_saved_comes_back_equal(data: Path, tmp_path: Path) -> None:
    portals = tmp_path / "portals.csv"
    portals.write_text("id,name\n")
    saved = backup(data, str(tmp_path / "there"), [portals], FIRST)
    assert (saved.added, saved.held) == (5, 0)
    assert saved.dated == ["also/portals.csv", "frontier.db", "ledger.csv", "published.csv"]
    restored = restore(str(tmp_path / "there"), tmp_path / "fresh")
    assert restored.brought == 9
    wanted = {name: content for name, content in files(data).items() if name not in MADE_AGAIN}
    assert files(tmp_path / "fresh") == wanted | {"also/portals.csv": b"id,name\n"}
    assert pages(tmp_path / "fresh" / "frontier.db") == 3
    # Stamps come back too, so that the next backup reads nothing twice.
    here, there = data / "warc" / "a.warc.gz", tmp_path / "fresh" / "warc" / "a.warc.gz"
    assert there.stat().st_mtime_ns == here.stat().st_mtime_ns


def test_a_second_night_adds_what_is_new_and_keeps_both_days(data: Path, tmp_path: Path) -> None:
    there = str(tmp_path / "there")
    backup(data, there, now=FIRST)
    (data / "warc" / "c.warc.gz").write_bytes(b"segment c")
    (data / "ledger.csv").write_bytes(LEDGER + b"140600-sjj,x\n")
    frontier(data / "frontier.db", 7)
    saved = backup(data, there, now=SECOND)
    assert (saved.added, saved.held) == (1, 5)
    assert saved.dated == ["frontier.db", "ledger.csv"]
    restore(there, tmp_path / "newest")
    assert (tmp_path / "newest" / "ledger.csv").read_bytes() == LEDGER + b"140600-sjj,x\n"
    assert (tmp_path / "newest" / "published.csv").exists()
    assert pages(tmp_path / "newest" / "frontier.db") == 7
    restore(there, tmp_path / "older", at="20261121")
    assert (tmp_path / "older" / "ledger.csv").read_bytes() == LEDGER
    assert pages(tmp_path / "older" / "frontier.db") == 3
    assert not (tmp_path / "older" / "warc" / "c.warc.gz").exists()
    with pytest.raises(BackupError, match="no backup of 2025 or before"):
        restore(there, tmp_path / "none", at="2025")


def test_what_is_not_here_any_more_stays_as_it_last_was(data: Path, tmp_path: Path) -> None:
    there = str(tmp_path / "there")
    (tmp_path / "portals.csv").write_text("id,name\n")
    backup(data, there, [tmp_path / "portals.csv"], FIRST)
    (data / "ledger.csv").unlink()
    assert "ledger.csv is no longer here" in str(backup(data, there, now=SECOND))
    restore(there, tmp_path / "fresh")
    assert (tmp_path / "fresh" / "ledger.csv").read_bytes() == LEDGER
    assert (tmp_path / "fresh" / "also" / "portals.csv").read_text() == "id,name\n"


def test_shards_may_back_up_to_one_place_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each catalogue is written without knowing of the other; neither's state is lost."""
    there = str(tmp_path / "there")
    for shard in "12":
        (tmp_path / shard / "warc").mkdir(parents=True)
        (tmp_path / shard / "warc" / f"{shard}.warc.gz").write_bytes(shard.encode())
        frontier(tmp_path / shard / f"frontier-{shard}-of-2.db", 1)
        backup(tmp_path / shard, there, now=FIRST)
        frontier(tmp_path / shard / f"frontier-{shard}-of-2.db", 5)
    known = module.catalogues(Shelf(there))
    with monkeypatch.context() as patched:
        patched.setattr(module, "catalogues", lambda _: known)
        for shard in "12":
            backup(tmp_path / shard, there, now=SECOND)
    assert len(module.catalogues(Shelf(there))) == 4
    restored = restore(there, tmp_path / "fresh")
    assert restored.brought == 4
    assert pages(tmp_path / "fresh" / "frontier-1-of-2.db") == 5
    assert pages(tmp_path / "fresh" / "frontier-2-of-2.db") == 5


def test_a_clock_that_went_back_does_not_hide_the_newer_backup(data: Path, tmp_path: Path) -> None:
    there = str(tmp_path / "there")
    backup(data, there, now=SECOND)
    (data / "ledger.csv").write_bytes(LEDGER + b"140600-sjj,x\n")
    assert backup(data, there, now=FIRST).taken_at.startswith("20261122T040001Z-")
    restore(there, tmp_path / "fresh")
    assert (tmp_path / "fresh" / "ledger.csv").read_bytes().endswith(b"sjj,x\n")


def test_a_changed_segment_is_an_error_with_both_digests(data: Path, tmp_path: Path) -> None:
    there = str(tmp_path / "there")
    backup(data, there, now=FIRST)
    (data / "warc" / "a.warc.gz").write_bytes(b"segment A")
    with pytest.raises(BackupError) as refused:
        backup(data, there, now=SECOND)
    assert sha256(b"segment a").hexdigest() in str(refused.value)
    assert sha256(b"segment A").hexdigest() in str(refused.value)
    assert (tmp_path / "there" / "warc" / "a.warc.gz").read_bytes() == b"segment a"


def test_one_damaged_segment_keeps_no_other_from_the_backup(data: Path, tmp_path: Path) -> None:
    there = str(tmp_path / "there")
    backup(data, there, now=FIRST)
    (data / "warc" / "a.warc.gz").write_bytes(b"segment A")
    (data / "warc" / "c.warc.gz").write_bytes(b"segment c")
    with pytest.raises(BackupError, match="1 files are not in the backup as they are here"):
        backup(data, there, now=SECOND)
    restore(there, tmp_path / "fresh")
    assert {name: text for name, text in files(tmp_path / "fresh").items() if "warc/" in name} == {
        "warc/a.warc.gz": b"segment a",
        "warc/b.warc.gz": b"segment b",
        "warc/c.warc.gz": b"segment c",
    }


def test_a_stranger_under_a_name_is_an_error_with_both_digests(data: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    Shelf(str(there)).put("warc", "a.warc.gz", b"another")
    with pytest.raises(BackupError) as refused:
        backup(data, str(there), now=FIRST)
    assert sha256(b"segment a").hexdigest() in str(refused.value)
    assert sha256(b"another").hexdigest() in str(refused.value)


def test_while_a_crawl_runs_open_files_and_its_frontier_are_left_out(
    data: Path, tmp_path: Path
) -> None:
    there = str(tmp_path / "there")
    backup(data, there, now=FIRST)
    (data / "warc" / "c.warc.gz.open").write_bytes(b"half")
    (data / "sightings" / "c.jsonl.open").write_bytes(b"half")
    (data / "warc" / "d.warc.gz").write_bytes(b"segment d")
    frontier(data / "frontier.db", 9)
    saved = backup(data, there, now=SECOND)
    assert saved.added == 1
    assert "frontiers stay" in str(saved)
    restore(there, tmp_path / "fresh")
    assert sorted(path.name for path in (tmp_path / "fresh" / "warc").iterdir()) == [
        *("a.warc.gz", "b.warc.gz", "d.warc.gz")
    ]
    # An older frontier asks again; a newer one would pass over what is in no segment.
    assert pages(tmp_path / "fresh" / "frontier.db") == 3


def test_a_line_being_written_is_left_out(data: Path, tmp_path: Path) -> None:
    (data / "ledger.csv").write_bytes(LEDGER + b"1406")
    backup(data, str(tmp_path / "there"), now=FIRST)
    restore(str(tmp_path / "there"), tmp_path / "fresh")
    assert (tmp_path / "fresh" / "ledger.csv").read_bytes() == LEDGER


@pytest.mark.parametrize("last_put", range(9))
def test_a_backup_interrupted_anywhere_is_taken_up_by_the_next(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last_put: int
) -> None:
    there = str(tmp_path / "there")
    put, done = Shelf.put, []

    def failing(self: Shelf, folder: str, name: str, source: Path | bytes) -> bool:
        if len(done) == last_put:
            raise KeyboardInterrupt
        done.append(name)
        return put(self, folder, name, source)

    with monkeypatch.context() as patched:
        patched.setattr(Shelf, "put", failing)
        with pytest.raises(KeyboardInterrupt):
            backup(data, there, now=FIRST)
    with pytest.raises(BackupError, match="has no backup"):
        restore(there, tmp_path / "too-early")
    backup(data, there, now=SECOND)
    restore(there, tmp_path / "fresh")
    wanted = {name: content for name, content in files(data).items() if name not in MADE_AGAIN}
    assert files(tmp_path / "fresh") == wanted


def test_a_damaged_backup_brings_what_is_sound_and_names_the_rest(
    data: Path, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    backup(data, str(there), now=FIRST)
    (there / "warc" / "a.warc.gz").write_bytes(b"segment X")
    (there / "sightings" / "a.jsonl").unlink()
    (packed,) = (there / "state").rglob("frontier.db.gz")
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(BackupError) as failed:
        restore(str(there), tmp_path / "fresh")
    message = str(failed.value)
    assert "3 files" in message
    assert sha256(b"segment X").hexdigest() in message
    assert "sightings/a.jsonl is missing" in message
    assert "frontier.db.gz is damaged" in message
    assert set(files(tmp_path / "fresh")) == {
        *("warc/b.warc.gz", "ledger.csv", "published.csv"),
        *("manifests/manifest-20261121.json", "manifests/manifest-20261121.sig"),
    }


def test_what_the_backup_lost_is_put_there_again(data: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    backup(data, str(there), now=FIRST)
    (there / "warc" / "a.warc.gz").unlink()
    assert backup(data, str(there), now=SECOND).added == 1
    assert (there / "warc" / "a.warc.gz").read_bytes() == b"segment a"


def test_merging_adds_what_is_missing_and_overwrites_nothing(data: Path, tmp_path: Path) -> None:
    there = str(tmp_path / "there")
    backup(data, there, now=FIRST)
    (data / "warc" / "a.warc.gz").unlink()
    (data / "ledger.csv").write_bytes(LEDGER + b"140600-sjj,x\n")
    assert "1 files of the backup are not here" in str(backup(data, there, now=SECOND))
    with pytest.raises(BackupError, match="not empty"):
        restore(there, data)
    restored = restore(there, data, at="20261121", merge=True)
    assert restored.brought == 1
    assert (data / "warc" / "a.warc.gz").read_bytes() == b"segment a"
    assert restored.kept == ["frontier.db", "ledger.csv"]
    assert (data / "ledger.csv").read_bytes() == LEDGER + b"140600-sjj,x\n"
    (data / "warc" / "b.warc.gz").write_bytes(b"segment B")
    with pytest.raises(BackupError, match=sha256(b"segment B").hexdigest()):
        restore(there, data, merge=True)
    assert (data / "warc" / "b.warc.gz").read_bytes() == b"segment B"


def test_what_changes_comes_without_captures(data: Path, tmp_path: Path) -> None:
    backup(data, str(tmp_path / "there"), now=FIRST)
    restore(str(tmp_path / "there"), tmp_path / "fresh", captures=False)
    assert sorted(path.name for path in (tmp_path / "fresh").rglob("*")) == [
        *("frontier.db", "ledger.csv", "published.csv")
    ]


def test_a_missing_or_changed_catalogue_is_noticed(data: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    backup(data, str(there), now=FIRST)
    (data / "warc" / "c.warc.gz").write_bytes(b"segment c")
    backup(data, str(there), now=SECOND)
    (first,) = (there / "catalogue").glob("20261121T040000Z-*.json")
    content = first.read_text()
    first.write_text(content.replace("a.warc.gz", "z.warc.gz"))
    with pytest.raises(BackupError, match="missing or was changed"):
        restore(str(there), tmp_path / "fresh")
    first.unlink()
    with pytest.raises(BackupError, match="missing or was changed"):
        backup(data, str(there))


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", ".hidden", ""])
def test_a_catalogue_names_no_place_outside(data: Path, tmp_path: Path, name: str) -> None:
    there = tmp_path / "there"
    backup(data, str(there), now=FIRST)
    (path,) = (there / "catalogue").iterdir()
    facts = json.loads(path.read_text())
    facts["files"][0]["name"] = name
    path.write_text(json.dumps(facts))
    with pytest.raises(BackupError, match="no place in a data folder"):
        restore(str(there), tmp_path / "fresh")


def test_what_is_no_backup_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="place of its own"):
        backup(data, str(data / "backup"))
    with pytest.raises(BackupError, match="no data folder"):
        backup(tmp_path / "nothing", str(tmp_path / "there"))
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "portals.csv").write_text("")
    with pytest.raises(BackupError, match="same name"):
        backup(
            *(data, str(tmp_path / "there")),
            [tmp_path / "x" / "portals.csv", tmp_path / "y" / "portals.csv"],
        )


def test_a_key_given_besides_comes_back_for_its_owner_only(data: Path, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(b"secret")
    backup(data, str(tmp_path / "there"), [key], FIRST)
    restored = restore(str(tmp_path / "there"), tmp_path / "fresh")
    there = tmp_path / "fresh" / "also" / "key.pem"
    assert restored.also == [str(there)]
    assert there.stat().st_mode & 0o777 == 0o600


def test_the_commands(data: Path, tmp_path: Path) -> None:
    runner, there = CliRunner(), str(tmp_path / "there")
    saved = runner.invoke(main, ["backup", "--data", str(data), "--to", there])
    assert saved.exit_code == 0, saved.output
    assert "5 files added" in saved.output
    fresh = str(tmp_path / "fresh")
    restored = runner.invoke(main, ["restore", "--from", there, "--data", fresh])
    assert restored.exit_code == 0, restored.output
    assert "8 files brought and verified" in restored.output
    again = runner.invoke(main, ["restore", "--from", there, "--data", fresh])
    assert again.exit_code == 1
    assert "is not empty" in again.output


KILLED = """
import os, signal, sys
from archive import backup, shelf
real, calls = os.write, [0]
def write(file, data):
    calls[0] += 1
    if calls[0] == int(sys.argv[3]):
        real(file, bytes(data)[:3])
        os.kill(os.getpid(), signal.SIGKILL)
    return real(file, data)
os.write = write
backup.backup(shelf.Path(sys.argv[1]), sys.argv[2])
"""


@pytest.mark.parametrize("at", [1, 4, 9])
def test_killed_in_the_middle_of_a_file(data: Path, tmp_path: Path, at: int) -> None:
    there = str(tmp_path / "there")
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(data), there, str(at)],
        cwd=Path(module.__file__).parent.parent,
        env=os.environ | {"PYTHONPATH": "."},
        timeout=60,
        check=False,
    )
    assert ended.returncode == -9
    backup(data, there)
    restore(there, tmp_path / "fresh")
    wanted = {name: content for name, content in files(data).items() if name not in MADE_AGAIN}
    assert files(tmp_path / "fresh") == wanted
    assert not list(Path(there).glob("warc/.*"))
