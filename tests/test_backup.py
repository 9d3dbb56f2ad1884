"""What is kept elsewhere comes back equal, whatever is interrupted, damaged or missing."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO

import pytest
from click.testing import CliRunner

import archive
from archive.__main__ import main
from archive.backup import put
from archive.backup.catalogue import BackupError, catalogues
from archive.backup.check import check
from archive.backup.put import backup
from archive.backup.restore import moment, restore
from archive.shelf import Shelf

FIRST = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
SECOND = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
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
    with pytest.raises(
        BackupError, match="no backup of 20251231 or before; it has: 2026-11-21, 2026-11-22"
    ):
        restore(there, tmp_path / "none", at="2025-12-31")


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
    known = catalogues(Shelf(there))
    with monkeypatch.context() as patched:
        patched.setattr(put, "catalogues", lambda _: known)
        for shard in "12":
            backup(tmp_path / shard, there, now=SECOND)
    assert len(catalogues(Shelf(there)).sound) == 4
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
    with pytest.raises(BackupError, match="1 file is not in the backup as here"):
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
    with pytest.raises(BackupError, match=r"has no (backup|catalogue)"):
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


class Unreadable(BytesIO):
    """A file on a bad sector."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(errno.EIO, "Input/output error")


def test_a_file_that_cannot_be_read_keeps_no_other_from_coming_back(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "there"
    backup(data, str(there), now=FIRST)
    opened = Shelf.open

    def failing(shelf: Shelf, folder: str, name: str) -> IO[bytes]:
        return Unreadable() if name == "a.warc.gz" else opened(shelf, folder, name)

    monkeypatch.setattr(Shelf, "open", failing)
    with pytest.raises(BackupError, match=r"warc/a\.warc\.gz cannot be read: .*Input/output"):
        restore(str(there), tmp_path / "fresh")
    came = set(files(tmp_path / "fresh"))
    assert "warc/a.warc.gz" not in came
    assert {"warc/b.warc.gz", "sightings/a.jsonl", "ledger.csv"} <= came
    assert pages(tmp_path / "fresh" / "frontier.db") == 3


def test_a_full_disk_ends_a_restore(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    backup(data, str(tmp_path / "there"), now=FIRST)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as told:
        restore(str(tmp_path / "there"), tmp_path / "fresh")
    assert told.value.errno == errno.ENOSPC


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
    assert "1 file of the backup is not here" in str(backup(data, there, now=SECOND))
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


def test_merging_counts_what_is_there_and_leaves_what_differs(data: Path, tmp_path: Path) -> None:
    there, portals, fresh = str(tmp_path / "there"), tmp_path / "portals.csv", tmp_path / "fresh"
    portals.write_text("id,name\n")
    backup(data, there, [portals], FIRST)
    # Five closed files, ledger, published names, a frontier, and the table of portals.
    restore(there, fresh)
    again = restore(there, fresh, merge=True)
    assert (again.brought, again.there, again.kept) == (0, 9, [])
    assert "0 files brought and verified, 9 were there." in str(again)
    (fresh / "also" / "portals.csv").write_text("id,name\n1,x\n")
    (fresh / "warc" / "a.warc.gz").unlink()
    mended = restore(there, fresh, merge=True)
    assert (mended.brought, mended.there, mended.kept) == (1, 7, ["also/portals.csv"])
    assert "1 file brought and verified, 7 were there." in str(mended)
    assert "Left as they are here: also/portals.csv." in str(mended)
    assert (fresh / "also" / "portals.csv").read_text() == "id,name\n1,x\n"


@pytest.mark.parametrize("merge", [True, False])
@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("there", "there"),
        ("there", "there/warc"),
        ("there", "there/fresh"),
        ("there", "."),
        ("there", "link"),
        ("file://{}/there", "there"),
    ],
)
def test_a_backup_is_not_restored_into_itself(
    data: Path, tmp_path: Path, source: str, place: str, merge: bool
) -> None:
    """Nor below it or around it: data folder and backup would be one."""
    there = tmp_path / "there"
    backup(data, str(there), now=FIRST)
    (tmp_path / "link").symlink_to(there)
    before = files(tmp_path)
    url = source.format(tmp_path) if "://" in source else str(tmp_path / source)
    with pytest.raises(BackupError, match="nothing was brought"):
        restore(url, tmp_path / place, merge=merge)
    assert files(tmp_path) == before


def test_what_changes_comes_without_captures(data: Path, tmp_path: Path) -> None:
    backup(data, str(tmp_path / "there"), now=FIRST)
    told = str(restore(str(tmp_path / "there"), tmp_path / "fresh", captures=False))
    assert sorted(path.name for path in (tmp_path / "fresh").rglob("*")) == [
        *("frontier.db", "ledger.csv", "published.csv")
    ]
    assert told.endswith(f"build --data {tmp_path}/fresh --captures {tmp_path}/there")


def two_backups(data: Path, there: Path) -> tuple[Path, Path]:
    """Two nights, the second with a segment more; their catalogues."""
    backup(data, str(there), now=FIRST)
    (data / "warc" / "c.warc.gz").write_bytes(b"segment c")
    (data / "ledger.csv").write_bytes(LEDGER + b"140600-sjj,x\n")
    backup(data, str(there), now=SECOND)
    first, second = sorted((there / "catalogue").iterdir())
    return first, second


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def change(path: Path) -> None:
    path.write_text(path.read_text().replace("a.warc.gz", "z.warc.gz"))


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [cut, change, empty, Path.unlink])
def test_the_loss_of_a_catalogue_costs_no_file(
    data: Path, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    there = tmp_path / "there"
    first, _ = two_backups(data, there)
    harm(first)
    wanted = {name: content for name, content in files(data).items() if name not in MADE_AGAIN}
    with pytest.raises(BackupError) as told:
        restore(str(there), tmp_path / "fresh")
    assert first.name in str(told.value)
    assert "warc/a.warc.gz: not in a catalogue, as it lies there" in str(told.value)
    assert "c.warc.gz: not" not in str(told.value)
    assert files(tmp_path / "fresh") == wanted
    assert pages(tmp_path / "fresh" / "frontier.db") == 3
    # The next backup is made, says what was lost once, and vouches for all that is there.
    (data / "warc" / "d.warc.gz").write_bytes(b"segment d")
    (data / "warc" / "a.warc.gz").unlink()
    with pytest.raises(BackupError, match="The backup was made") as told:
        backup(data, str(there))
    assert first.name in str(told.value)
    backup(data, str(there))
    assert check(str(there), everything=True, today=TODAY).problems == []
    restored = restore(str(there), tmp_path / "again")
    assert files(tmp_path / "again") == wanted | {"warc/d.warc.gz": b"segment d"}
    assert restored.brought == 10


@pytest.mark.parametrize("harm", [cut, empty])
def test_a_newest_catalogue_that_is_damaged_hides_nothing(
    data: Path, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    there = tmp_path / "there"
    _, second = two_backups(data, there)
    harm(second)
    wanted = {name: content for name, content in files(data).items() if name not in MADE_AGAIN}
    with pytest.raises(BackupError, match=r"state/.*ledger.csv: not in a catalogue"):
        restore(str(there), tmp_path / "fresh")
    assert files(tmp_path / "fresh") == wanted
    older = restore(str(there), tmp_path / "older", at="2026-11-21")
    assert older.brought == 8
    with pytest.raises(BackupError, match="The backup was made"):
        backup(data, str(there))
    restore(str(there), tmp_path / "again")
    assert files(tmp_path / "again") == wanted


def test_a_newest_catalogue_with_an_altered_name_in_it_stops_no_backup(
    data: Path, tmp_path: Path
) -> None:
    """No other says its digest: what it calls the one before it must not be believed."""
    there = tmp_path / "there"
    _, newest = two_backups(data, there)
    told = newest.read_text()
    assert told.count('"previous": "2026') == 1
    newest.write_text(told.replace('"previous": "2026', '"previous": "2O26'))
    with pytest.raises(BackupError, match="The backup was made") as failed:
        backup(data, str(there), now=SECOND + timedelta(days=1))
    assert f"{newest.name} is no catalogue of a backup: '2O26" in str(failed.value)
    backup(data, str(there), now=SECOND + timedelta(days=2))
    restore(str(there), tmp_path / "fresh")
    assert files(tmp_path / "fresh").keys() == files(data).keys() - MADE_AGAIN


def test_the_only_catalogue_lost_costs_the_frontier(data: Path, tmp_path: Path) -> None:
    """Without it a backup looks like one that was interrupted: its frontier may know too much."""
    there = tmp_path / "there"
    backup(data, str(there), now=FIRST)
    (catalogue,) = (there / "catalogue").iterdir()
    catalogue.unlink()
    wanted = {name: content for name, content in files(data).items() if name not in MADE_AGAIN}
    with pytest.raises(BackupError, match="has no catalogue"):
        restore(str(there), tmp_path / "fresh")
    assert files(tmp_path / "fresh") == wanted
    assert not (tmp_path / "fresh" / "frontier.db").exists()


@pytest.mark.parametrize("name", ["notes.json", "20261121T040000Z.json", "x.txt", "z"])
def test_a_stray_file_among_the_catalogues_is_passed_over(
    data: Path, tmp_path: Path, name: str
) -> None:
    there = tmp_path / "there"
    backup(data, str(there), now=FIRST)
    (there / "catalogue" / name).write_bytes(b"not json")
    assert backup(data, str(there), now=SECOND).held == 5
    assert restore(str(there), tmp_path / "fresh").brought == 8


def test_what_no_catalogue_lists_is_held_to_the_manifests(data: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    noted(data, "a.warc.gz", b"segment a")
    first, _ = two_backups(data, there)
    (there / "warc" / "a.warc.gz").write_bytes(b"segment X")
    first.unlink()
    with pytest.raises(BackupError) as told:
        restore(str(there), tmp_path / "fresh")
    assert f"{sha256(b'segment X').hexdigest()}, but {sha256(b'segment a').hexdigest()} in a" in (
        str(told.value)
    )
    assert not (tmp_path / "fresh" / "warc" / "a.warc.gz").exists()
    (there / "warc" / "a.warc.gz").write_bytes(b"segment a")
    with pytest.raises(BackupError, match=r"warc/a.warc.gz: not in a catalogue, verified by a man"):
        restore(str(there), tmp_path / "fresh", merge=True)
    assert (tmp_path / "fresh" / "warc" / "a.warc.gz").read_bytes() == b"segment a"


def noted(data: Path, name: str, content: bytes) -> None:
    """A manifest that lists one segment."""
    said = {
        "number": 1,
        "previous": None,
        "registers": {},
        "made_at": "2026-11-21T03:00:00Z",
        "totals": {},
        "segments": [
            {
                "name": name,
                "sha256": sha256(content).hexdigest(),
                "bytes": len(content),
                "records": 3,
            }
        ],
        "sightings": [],
    }
    path = data / "manifests" / "manifest-20261121.json"
    path.write_text(json.dumps(said))


def test_a_segment_that_a_manifest_contradicts_is_not_brought(data: Path, tmp_path: Path) -> None:
    noted(data, "a.warc.gz", b"what it was")
    (data / "warc" / "b.warc.gz").write_bytes(b"")
    with pytest.raises(BackupError) as told:
        backup(data, str(tmp_path / "there"), now=FIRST)
    assert "2 files are not in the backup" in str(told.value)
    assert f"but {sha256(b'what it was').hexdigest()} in a manifest" in str(told.value)
    assert "b.warc.gz is empty" in str(told.value)
    assert not list((tmp_path / "there").glob("warc/*"))
    assert (tmp_path / "there" / "sightings" / "a.jsonl").exists()


def test_a_sound_segment_takes_the_place_of_one_that_was_backed_up_damaged(
    data: Path, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    backup(data, str(there), now=FIRST)
    (data / "manifests" / "manifest-20261121.json").unlink()
    noted(data, "a.warc.gz", b"what it was")
    (data / "manifests" / "manifest-20261121.json").rename(
        data / "manifests" / "manifest-20261122.json"
    )
    (data / "warc" / "a.warc.gz").write_bytes(b"what it was")
    with pytest.raises(BackupError, match="1 file is not in the backup"):
        backup(data, str(there))
    (there / "warc" / "a.warc.gz").rename(tmp_path / "away")
    assert backup(data, str(there)).added == 1
    assert check(str(there), everything=True, today=TODAY).problems == []
    restore(str(there), tmp_path / "fresh")
    assert (tmp_path / "fresh" / "warc" / "a.warc.gz").read_bytes() == b"what it was"


def test_a_segment_that_the_archive_contradicts_is_not_brought(data: Path, tmp_path: Path) -> None:
    (data / "nianbao.db").unlink()
    with closing(sqlite3.connect(data / "nianbao.db")) as db:
        db.execute("create table segments (warc_file text, sha256 text)")
        db.execute("insert into segments values ('a.warc.gz', ?)", ("0" * 64,))
        db.commit()
    with pytest.raises(BackupError, match=f"but {'0' * 64} in the archive"):
        backup(data, str(tmp_path / "there"), now=FIRST)
    noted(data, "a.warc.gz", b"segment a")
    # What a manifest says counts: the archive may have read a segment that was damaged then.
    assert backup(data, str(tmp_path / "elsewhere"), now=SECOND).added == 5


def test_rot_in_a_backup_is_seen_within_a_month(data: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    first, _ = two_backups(data, there)
    month = [TODAY + timedelta(days=n) for n in range(30)]
    sound = [check(str(there), everything=False, today=day) for day in month]
    assert sum(one.read for one in sound) == sound[0].files == 6 + 4
    assert not any(one.problems for one in sound)
    (there / "warc" / "a.warc.gz").write_bytes(b"segment X")
    (packed,) = (there / "state").rglob("frontier.db.gz")
    packed.write_bytes(packed.read_bytes()[:-9] + b"\0" * 9)
    found = [
        one for day in month for one in check(str(there), everything=False, today=day).problems
    ]
    assert len(found) == 2
    assert check(str(there), everything=True, today=TODAY).problems == sorted(
        found, key=lambda one: "frontier" in one
    )
    # What is missing or has another size is seen at once, and what came since is no problem.
    (there / "warc" / "a.warc.gz").unlink()
    (there / "warc" / "e.warc.gz").write_bytes(b"of a backup going on")
    (there / "warc" / "b.warc.gz").write_bytes(b"")
    for day in month[:2]:
        told = str(check(str(there), everything=False, today=day))
        assert "a.warc.gz is missing" in told
        assert "b.warc.gz has 0 bytes, 9 in its catalogue" in told
        assert "1 file there is in no catalogue, such as warc/e.warc.gz" in told
    cut(first)
    assert first.name in str(check(str(there), everything=False, today=TODAY))


def test_checking_a_backup_that_was_thinned(data: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    two_backups(data, there)
    (older,) = (there / "state").glob("20261121T040000Z-*")
    (older / "ledger.csv").unlink()
    assert check(str(there), everything=True, today=TODAY).problems == []
    (older / "published.csv").unlink()
    (problem,) = check(str(there), everything=True, today=TODAY).problems
    assert problem.endswith("published.csv is missing")


CHANGING = ["also/portals.csv", "frontier.db.gz", "ledger.csv", "published.csv"]
MONTH = [TODAY + timedelta(days=n) for n in range(30)]


def one_of_state(there: Path, name: str) -> Path:
    (found,) = (there / "state").glob(f"*/{name}")
    return found


@pytest.mark.parametrize("name", CHANGING)
def test_a_lost_file_of_what_changes_is_seen_every_day_and_put_back(
    data: Path, tmp_path: Path, name: str
) -> None:
    there, portals = tmp_path / "there", tmp_path / "portals.csv"
    portals.write_text("id,name\n")
    backup(data, str(there), [portals], FIRST)
    lost = one_of_state(there, name)
    lost.unlink()
    for day in MONTH:
        assert check(str(there), everything=False, today=day).problems == [f"{lost} is missing"]
    saved = backup(data, str(there), [portals], SECOND)
    assert saved.dated == []
    assert f"{lost} is missing: it was put back." in str(saved)
    assert check(str(there), everything=True, today=TODAY).problems == []
    # Also for those who go back to the day before it was lost.
    for at in (None, "20261121"):
        assert restore(str(there), tmp_path / f"fresh-{at}", at).brought == 9
        assert pages(tmp_path / f"fresh-{at}" / "frontier.db") == 3


@pytest.mark.parametrize("harm", [cut_short, empty])
@pytest.mark.parametrize("name", CHANGING)
def test_a_damaged_file_of_what_changes_is_seen_every_day_and_stored_anew(
    data: Path, tmp_path: Path, name: str, harm: Callable[[Path], None]
) -> None:
    there, portals = tmp_path / "there", tmp_path / "portals.csv"
    portals.write_text("id,name\n")
    backup(data, str(there), [portals], FIRST)
    damaged = one_of_state(there, name)
    size = damaged.stat().st_size
    harm(damaged)
    told = f"{damaged} has {damaged.stat().st_size} bytes, {size} in its catalogue"
    for day in MONTH:
        assert check(str(there), everything=False, today=day).problems == [told]
    remark = str(backup(data, str(there), [portals], SECOND))
    assert f"{told}: {name.removesuffix('.gz')} was stored anew in state/20261122T04" in remark
    assert "move the damaged one away" in remark
    assert restore(str(there), tmp_path / "fresh").brought == 9
    assert pages(tmp_path / "fresh" / "frontier.db") == 3
    assert check(str(there), everything=True, today=TODAY).problems == [told]
    damaged.unlink()
    assert check(str(there), everything=True, today=TODAY).problems == []
    assert "stored anew" not in str(backup(data, str(there), [portals]))


def test_a_backup_that_never_told_the_size_of_what_it_packed_is_read(
    data: Path, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    backup(data, str(there), now=FIRST)
    (path,) = (there / "catalogue").iterdir()
    facts = json.loads(path.read_text())
    for one in facts["state"]:
        del one["packed"]
    path.write_text(json.dumps(facts))
    assert check(str(there), everything=True, today=TODAY).problems == []
    assert backup(data, str(there), now=SECOND).dated == []
    one_of_state(there, "frontier.db.gz").unlink()
    assert len(check(str(there), everything=False, today=TODAY).problems) == 1
    assert "it was put back" in str(backup(data, str(there)))
    assert restore(str(there), tmp_path / "fresh").brought == 8


def test_an_idle_frontier_is_left_alone(data: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in data.iterdir())
    backup(data, str(tmp_path / "there"), now=FIRST)
    assert sorted(path.name for path in data.iterdir()) == before
    with closing(sqlite3.connect(data / "frontier.db")) as db:
        db.execute("insert into pages values ('of a crawl going on')")
        db.commit()
        backup(data, str(tmp_path / "there"), now=SECOND)
    restore(str(tmp_path / "there"), tmp_path / "fresh")
    assert pages(tmp_path / "fresh" / "frontier.db") == 4


def test_a_register_that_is_a_folder_keeps_nothing_else_back(data: Path, tmp_path: Path) -> None:
    (data / "ledger.csv").unlink()
    (data / "ledger.csv").mkdir()
    with pytest.raises(BackupError, match=r"ledger.csv is a folder, not a file"):
        backup(data, str(tmp_path / "there"), now=FIRST)
    assert restore(str(tmp_path / "there"), tmp_path / "fresh").brought == 7


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("20261122", "20261122"),
        ("2026-11-22", "20261122"),
        ("20261122T041500Z", "20261122T041500Z"),
        ("20261122T041500Z-3f9a1c", "20261122T041500Z-3f9a1c"),
    ],
)
def test_what_a_moment_is(text: str, means: str) -> None:
    assert moment(text) == means


@pytest.mark.parametrize("text", ["", "foo", "2026", "20261399", "2026-13-01", "20261122T99"])
def test_what_is_no_moment_is_a_usage_error(data: Path, tmp_path: Path, text: str) -> None:
    backup(data, str(tmp_path / "there"), now=FIRST)
    fresh = tmp_path / "fresh"
    words = ["restore", "--from", str(tmp_path / "there"), "--data", str(fresh), "--at", text]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "20261122, 2026-11-22 or 20261122T041500Z" in " ".join(result.output.split())
    assert not fresh.exists()


def test_a_place_that_is_empty_is_a_usage_error(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    saved = CliRunner().invoke(main, ["backup", "--data", str(data), "--to", ""])
    brought = CliRunner().invoke(main, ["restore", "--data", str(tmp_path / "x"), "--from", " "])
    for result in (saved, brought):
        assert result.exit_code == 2
        assert "is a variable not set?" in result.output
    assert not list((tmp_path / "here").iterdir())


def test_a_file_is_no_place_for_a_backup(data: Path, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"")
    for words in (["backup", "--to", str(place)], ["restore", "--from", str(place)]):
        where = str(data if words[0] == "backup" else tmp_path / "fresh")
        result = CliRunner().invoke(main, [*words, "--data", where])
        assert result.exit_code == 1
        assert f"{place} is a file" in result.output
        assert len(result.output.splitlines()) == 1


def test_a_full_disk_is_told_with_its_place(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, content: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left") as told:
        backup(data, str(tmp_path / "there"), now=FIRST)
    assert told.value.filename == str(tmp_path / "there" / "warc" / "a.warc.gz")


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
    checked = runner.invoke(main, ["backup", "--to", there, "--check", "--all"])
    assert checked.exit_code == 0, checked.output
    assert "all in order; read 8 of 8 files" in checked.output
    Path(there, "warc", "a.warc.gz").unlink()
    checked = runner.invoke(main, ["backup", "--to", there, "--check"])
    assert checked.exit_code == 1
    assert "warc/a.warc.gz is missing" in checked.output
    assert runner.invoke(main, ["backup", "--to", there, "--all"]).exit_code == 2
    again = runner.invoke(main, ["restore", "--from", there, "--data", fresh])
    assert again.exit_code == 1
    assert "is not empty" in again.output


KILLED = """
import os, signal, sys
from archive import shelf
from archive.backup import put
real, calls = os.write, [0]
def write(file, data):
    calls[0] += 1
    if calls[0] == int(sys.argv[3]):
        real(file, bytes(data)[:3])
        os.kill(os.getpid(), signal.SIGKILL)
    return real(file, data)
os.write = write
put.backup(shelf.Path(sys.argv[1]), sys.argv[2])
"""


@pytest.mark.parametrize("at", [1, 4, 9])
def test_killed_in_the_middle_of_a_file(data: Path, tmp_path: Path, at: int) -> None:
    there = str(tmp_path / "there")
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(data), there, str(at)],
        cwd=Path(archive.__file__).parent.parent,
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
