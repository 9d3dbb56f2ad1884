"""Salvage: every sound record of a damaged segment comes out, byte for byte, and the rest is listed."""

from __future__ import annotations

import fcntl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_build import fake_reading, story, write_segment
from warcio.archiveiterator import ArchiveIterator

from archive import readings
from archive.__main__ import main
from archive.build import Options, build
from archive.salvage import Loss, SalvageError, salvage
from archive.verify.problems import Problem
from archive.verify.rounds import verify
from archive.warc import Capture, Damage, read_segment, spans

NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
NAME = "20261121T140000Z-3f9a1c.warc.gz"
COUNT = 50


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    path = tmp_path / "warc" / NAME
    path.parent.mkdir()
    write_segment(
        path,
        [
            (f"http://a.gov.cn/{n}", f"page {n} ".encode() * 50, "2026-11-21T14:00:00Z", "response")
            for n in range(COUNT)
        ],
    )
    return path


def places(path: Path) -> list[tuple[int, int]]:
    """Where each answer begins and ends."""
    with path.open("rb") as file:
        return [(b, e) for b, e, found in spans(file, path.name) if isinstance(found, Capture)]


def urls(path: Path) -> list[str]:
    found = list(read_segment(path))
    assert not any(isinstance(one, Damage) for one in found)
    return [one.url for one in found if isinstance(one, Capture)]


def but(*lost: int) -> list[str]:
    return [f"http://a.gov.cn/{n}" for n in range(COUNT) if n not in lost]


def test_a_flipped_byte_costs_one_record(segment: Path) -> None:
    start, end = places(segment)[7]
    raw = bytearray(segment.read_bytes())
    raw[(start + end) // 2] ^= 0x40
    segment.write_bytes(raw)
    saved = salvage(segment, segment.parent, NOW)
    assert saved.path is not None
    assert urls(saved.path) == but(7)
    (loss,) = saved.losses
    assert (loss.offset, loss.length) == (start, end - start)
    assert (saved.answers, saved.records) == (COUNT - 1, COUNT)  # its warcinfo among the records
    assert segment.read_bytes() == raw


def test_a_range_of_zeros_costs_what_it_covers(segment: Path) -> None:
    (start, _), (_, end) = places(segment)[3], places(segment)[5]
    raw = bytearray(segment.read_bytes())
    raw[start + 10 : end - 10] = bytes(end - start - 20)
    segment.write_bytes(raw)
    saved = salvage(segment, segment.parent, NOW)
    assert saved.path is not None
    assert urls(saved.path) == but(3, 4, 5)
    assert [(loss.offset, loss.length) for loss in saved.losses] == [(start, end - start)]


def test_a_torn_open_segment_that_nobody_recovered(segment: Path, tmp_path: Path) -> None:
    start, _ = places(segment)[-1]
    torn = segment.with_name(NAME + ".open")
    segment.rename(torn)
    torn.write_bytes(torn.read_bytes()[: start + 30])
    saved = salvage(torn, tmp_path / "elsewhere", NOW)
    assert saved.path is not None
    assert urls(saved.path) == but(COUNT - 1)
    assert [(loss.offset, loss.length) for loss in saved.losses] == [(start, 30)]
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == [saved.path.name]


def test_a_torn_tail_with_more_records_behind_it(segment: Path) -> None:
    """What a program leaves that appends to a torn file: other readers see nothing behind."""
    whole = segment.read_bytes()
    start, _ = places(segment)[10]
    again, _ = places(segment)[20]
    segment.write_bytes(whole[: start + 25] + whole[again:])
    saved = salvage(segment, segment.parent, NOW)
    assert saved.path is not None
    assert urls(saved.path) == but(*range(10, 20))
    assert [(loss.offset, loss.length) for loss in saved.losses] == [(start, 25)]


def test_records_come_out_byte_for_byte_and_say_where_from(segment: Path) -> None:
    raw = segment.read_bytes()
    segment.write_bytes(raw + b"\0" * 4096)
    saved = salvage(segment, segment.parent, NOW)
    assert saved.path is not None
    assert saved.path.name.startswith("20261122T063000Z-")
    fresh = saved.path.read_bytes()
    assert fresh.endswith(raw)
    with saved.path.open("rb") as file:
        info = next(iter(ArchiveIterator(file, check_digests=True)))
        about = info.content_stream().read().decode()
        assert info.rec_type == "warcinfo"
        assert info.rec_headers.get_header("WARC-Filename") == saved.path.name
    assert f"salvaged-from: {NAME}\r\n" in about
    assert f"lost: 4096 bytes at {len(raw)}\r\n" in about


def test_a_whole_segment_needs_no_salvage(segment: Path) -> None:
    saved = salvage(segment, segment.parent, NOW)
    assert (saved.path, saved.losses, saved.records) == (None, [], COUNT + 1)
    assert list(segment.parent.iterdir()) == [segment]


def test_a_whole_segment_left_open_is_saved(segment: Path) -> None:
    left = segment.rename(segment.with_name(NAME + ".open"))
    saved = salvage(left, left.parent, NOW)
    assert saved.path is not None
    assert urls(saved.path) == but()


def test_rubbish_has_nothing_to_save(tmp_path: Path) -> None:
    path = tmp_path / "x.warc.gz.damaged"
    path.write_bytes(b"\x1f\x8b\x08" * 1000)
    saved = salvage(path, tmp_path, NOW)
    assert saved.path is None
    assert [(loss.offset, loss.length) for loss in saved.losses] == [(0, 3000)]
    assert isinstance(saved.losses[0], Loss)
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_file_has_nothing_to_save(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"")
    assert "it is empty, there is no record to save" in str(salvage(path, tmp_path, NOW))
    assert list(tmp_path.iterdir()) == [path]


def test_a_second_salvage_writes_nothing(segment: Path) -> None:
    start, _ = places(segment)[7]
    raw = bytearray(segment.read_bytes())
    raw[start + 40] ^= 0x40
    segment.write_bytes(raw)
    first = salvage(segment, segment.parent, NOW)
    again = salvage(segment, segment.parent, NOW)
    later = salvage(segment, segment.parent, NOW.replace(year=2027))
    assert first.path == again.path == later.path
    assert not first.is_there_already
    assert f"it was salvaged already, to {first.path}; " in str(again)
    assert len(list(segment.parent.iterdir())) == 2
    # One that was damaged since is no reason not to.
    assert first.path is not None
    first.path.write_bytes(first.path.read_bytes()[:-9])
    assert salvage(segment, segment.parent, NOW.replace(year=2027)).path != first.path


def test_the_command_fails_where_nothing_is_saved(tmp_path: Path) -> None:
    (tmp_path / "x.warc.gz").write_bytes(b"\x1f\x8b\x08" * 1000)
    result = CliRunner().invoke(main, ["salvage", str(tmp_path / "x.warc.gz")])
    assert result.exit_code == 1
    assert "no sound record in it, nothing was saved; 3000 bytes lost in 1 places" in result.output


def test_a_segment_being_written_is_refused(segment: Path) -> None:
    with segment.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(SalvageError, match="being written"):
            salvage(segment, segment.parent, NOW)


def test_salvaged_set_aside_and_folded_an_archive_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way docs/operations.md tells where no backup has the segment."""
    monkeypatch.setattr(readings, "read_report", lambda parts, said: fake_reading(parts, said))
    data = story().lay(tmp_path / "data", shards=2)
    build(data, workers=0)
    damaged = sorted((data / "warc").iterdir())[0]
    start, end = places(damaged)[0]
    raw = bytearray(damaged.read_bytes())
    raw[(start + end) // 2] ^= 0x08
    damaged.write_bytes(raw)
    found: list[Problem] = []
    verify(data, found.append, today=NOW.date())
    assert [problem.kind for problem in found] == ["record-damaged"]

    salvage(damaged, damaged.parent, NOW)
    damaged.rename(damaged.with_name(damaged.name + ".damaged"))
    build(data, workers=0, options=Options(accept_loss=True))
    found.clear()
    summary = verify(data, found.append, everything=True, today=NOW.date())
    assert all(problem.is_note for problem in found), found
    assert "set-aside" in {problem.kind for problem in found}
    assert (summary.segments, summary.captures) == (2, len(story().answers) - 1)


def test_the_command_lists_what_is_lost(segment: Path, tmp_path: Path) -> None:
    start, end = places(segment)[0]
    raw = bytearray(segment.read_bytes())
    raw[start + 40] ^= 0xFF
    segment.write_bytes(raw)
    result = CliRunner().invoke(main, ["salvage", str(segment), "--to", str(tmp_path / "to")])
    assert result.exit_code == 0
    first, last = result.output.splitlines()
    assert first.startswith(f"{segment}: lost {end - start} bytes at {start} (")
    assert last.endswith(f"; {end - start} bytes lost in 1 places")
