"""What is left of a segment after every kind of end, and of a recovery that is itself cut short."""

import errno
import fcntl
import gzip
import io
import json
import os
import tracemalloc
import zlib
from datetime import UTC, datetime

import pytest

from crawler import recover as module
from crawler.capture import Segment, Store
from crawler.frontier import Answer, Found, Frontier
from crawler.holdings import Holder
from crawler.recover import recover, reindex, sound_members
from tests.test_capture import INFO, exchange, records

NOW = datetime(2026, 11, 21, 14, 3, 22, tzinfo=UTC)
NIGHT = "2026-11-21"
ALL = ["warcinfo", "response", "request", "response", "request"]


@pytest.fixture
def data(tmp_path):
    for folder in ("warc", "sightings"):
        (tmp_path / folder).mkdir()
    return tmp_path


def left_open(data, count=2):
    """What a killed process leaves: a segment never closed, its lock gone with the process."""
    segment = Segment(data, INFO, NOW)
    for number in range(count):
        segment.write(exchange(b"%d" % number), None, NOW)
        segment.sight({"number": number})
    os.close(segment._warc_file)
    os.close(segment._sightings_file)
    return segment


def opened(path):
    return path.with_name(path.name + ".open")


def damaged(path):
    return path.with_name(path.name + ".damaged")


def kinds(segment):
    return [kind for kind, *_ in records(segment.warc)]


def numbers(segment):
    return [json.loads(line)["number"] for line in segment.sightings.read_bytes().splitlines()]


def members(path):
    return list(sound_members(io.BytesIO(path.read_bytes())))


def flip(path, offset):
    raw = bytearray(path.read_bytes())
    raw[offset] ^= 1
    path.write_bytes(raw)
    return bytes(raw)


def everything(data):
    return {path.name: path.read_bytes() for path in sorted(data.glob("*/*"))}


# What is torn is cut.


@pytest.mark.parametrize(
    "tail", [b"", b"\0" * 4096, b"\0" * 400_000, b"\x1f\x8b\x08\0torn", b"\x1f", b"cut"]
)
def test_a_torn_tail_is_cut(data, tail):
    segment = left_open(data)
    whole = opened(segment.warc).read_bytes()
    opened(segment.warc).write_bytes(whole[:-7] if tail == b"cut" else whole + tail)
    with opened(segment.sightings).open("ab") as lines:
        lines.write(b'{"number":')
    recover(data)
    assert kinds(segment) == (ALL[:-1] if tail == b"cut" else ALL)
    assert numbers(segment) == [0, 1]
    assert {path.suffix for path in data.glob("*/*")} == {".gz", ".jsonl"}


@pytest.mark.parametrize("zeros", [0, 1, 5_000])
def test_every_possible_cut_is_mended_without_a_copy(data, zeros):
    """With zeros behind it as well: a file that grew, and whose bytes never came."""
    segment = left_open(data, count=1)
    raw = opened(segment.warc).read_bytes()
    ends = [one.stop for one in members(opened(segment.warc))]
    assert ends[-1] == len(raw)
    os.unlink(opened(segment.warc))
    for cut in range(1, len(raw)):
        left = raw[:cut] + b"\0" * zeros
        opened(segment.warc).write_bytes(left)
        recover(data)
        kept = segment.warc.read_bytes()
        # The last byte of a record may itself be a zero.
        whole = [end for end in ends if left[:end] == raw[:end]]
        assert kept == raw[: max(whole, default=0)], cut
        assert not damaged(segment.warc).exists(), cut
        segment.warc.unlink()


def test_a_torn_sighting_of_zeros_is_cut(data):
    segment = left_open(data)
    with opened(segment.sightings).open("ab") as lines:
        lines.write(b'{"number"' + b"\0" * 100_000)
    recover(data)
    assert numbers(segment) == [0, 1]
    assert not damaged(segment.sightings).exists()


# What is damaged is left out, and what was found is kept.


def test_damage_in_the_middle_loses_one_record(data):
    segment = left_open(data)
    raw = flip(opened(segment.warc), members(opened(segment.warc))[1].start + 40)
    recover(data)
    assert kinds(segment) == ["warcinfo", "request", "response", "request"]
    assert damaged(segment.warc).read_bytes() == raw


@pytest.mark.parametrize("record", range(5))
def test_each_flipped_byte_of_a_record_loses_that_record_alone(data, record):
    segment = left_open(data)
    path = opened(segment.warc)
    sound = members(path)
    raw = path.read_bytes()
    one = sound[record]
    others = b"".join(raw[m.start : m.stop] for m in sound if m is not one)
    os.unlink(path)
    for offset in range(one.start, one.stop, 7):
        path.write_bytes(raw)
        flip(path, offset)
        recover(data)
        kept = segment.warc.read_bytes()
        # Bytes of the gzip header that mean nothing to its content may change.
        assert kept == others or [m.fields for m in members(segment.warc)] == [
            m.fields for m in sound
        ]
        segment.warc.unlink()
        damaged(segment.warc).unlink(missing_ok=True)


def test_a_whole_record_with_a_wrong_digest_is_no_torn_tail(data):
    segment = left_open(data)
    path = opened(segment.warc)
    last = members(path)[-1]
    raw = path.read_bytes()
    forged = gzip.compress(gzip.decompress(raw[last.start :]).replace(b"GET /nb/", b"GET /xx/"))
    path.write_bytes(raw[: last.start] + forged)
    recover(data)
    assert kinds(segment) == ALL[:-1]
    assert damaged(segment.warc).read_bytes() == raw[: last.start] + forged


def test_zeros_in_the_middle_lose_what_they_cover(data):
    segment = left_open(data, count=4)
    path = opened(segment.warc)
    sound, raw = members(path), bytearray(path.read_bytes())
    raw[sound[3].start : sound[5].start + 10] = bytes(sound[5].start + 10 - sound[3].start)
    path.write_bytes(raw)
    recover(data)
    assert kinds(segment) == ["warcinfo", "response", "request", "request", "response", "request"]


def test_garbage_alone_is_kept_as_damaged(data):
    segment = left_open(data)
    opened(segment.warc).write_bytes(b"no segment at all")
    recover(data)
    assert not segment.warc.exists()
    assert damaged(segment.warc).read_bytes() == b"no segment at all"
    assert numbers(segment) == [0, 1]


def test_a_damaged_line_of_sightings_does_not_take_the_next_ones(data):
    segment = left_open(data, count=3)
    raw = opened(segment.sightings).read_bytes().replace(b'"number":1', b'"numbe\xff:1')
    opened(segment.sightings).write_bytes(raw)
    recover(data)
    assert numbers(segment) == [0, 2]
    assert damaged(segment.sightings).read_bytes() == raw


def test_a_segment_in_which_nothing_was_kept_is_removed(data):
    segment = left_open(data, count=0)
    recover(data)
    assert everything(data) == {}
    segment = left_open(data, count=1)
    opened(segment.sightings).write_bytes(b"")
    recover(data)
    assert sorted(everything(data)) == [segment.sightings.name, segment.warc.name]


def test_a_payload_that_holds_segments_does_not_break_a_segment(data):
    """A portal may serve a WARC file: its records are the portal's, not ours."""
    inner = left_open(data).warc
    served = opened(inner).read_bytes()
    os.unlink(opened(inner))
    segment = Segment(data, INFO, NOW)
    segment.write(exchange(served), None, NOW)
    os.close(segment._warc_file)
    os.close(segment._sightings_file)
    recover(data)
    assert kinds(segment) == ["warcinfo", "response", "request"]


# Who else is at work.


def test_a_living_process_is_left_alone(data):
    with Store(data, INFO) as store:
        store.write(exchange(), None)
        before = sorted(path.name for path in data.glob("*/*"))
        recover(data)
        assert sorted(path.name for path in data.glob("*/*")) == before


def test_a_leftover_that_another_start_mends_meanwhile_is_left_to_it(data, monkeypatch):
    """It is renamed between our finding it and our lock."""
    segment = left_open(data)
    real = fcntl.flock

    def late(file, how):
        if opened(segment.warc).exists():
            opened(segment.warc).rename(segment.warc)
        real(file, how)

    monkeypatch.setattr(module.fcntl, "flock", late)
    recover(data)
    monkeypatch.setattr(module.fcntl, "flock", real)
    recover(data)
    assert (kinds(segment), numbers(segment)) == (ALL, [0, 1])
    assert not list(data.glob("*/*.open"))


# A recovery that is cut short.


class Killed(BaseException):
    """Nothing catches it, as nothing catches kill -9."""


STEPS = ("fsync", "rename", "unlink", "ftruncate", "write", "pread", "open")


def interrupted(monkeypatch, moment, error):
    """Let the call of that number, of all that recovery makes to the disk, raise an error."""
    made = []
    reals = {name: getattr(os, name) for name in STEPS}

    def stub(name):
        def call(*arguments, **more):
            made.append(name)
            if len(made) == moment:
                if name == "write":  # half of it comes to the disk
                    reals[name](arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                raise error
            return reals[name](*arguments, **more)

        return call

    for name in STEPS:
        monkeypatch.setattr(module.os, name, stub(name))
    return made


def ruined(data):
    """Four leftovers: one torn, one damaged in both files, one of nothing sound, one empty."""
    torn, hurt, none, _ = [left_open(data, count) for count in (2, 3, 1, 0)]
    raw = opened(torn.warc).read_bytes()
    opened(torn.warc).write_bytes(raw[:-9])
    flip(opened(hurt.warc), members(opened(hurt.warc))[3].start + 30)
    lines = opened(hurt.sightings).read_bytes()
    opened(hurt.sightings).write_bytes(lines.replace(b'"number":1', b'"number:1'))
    opened(none.warc).write_bytes(b"\1" * 1_000)


@pytest.mark.parametrize("again", [1, 2])
def test_a_recovery_killed_at_any_step_is_taken_up_by_the_next(data, tmp_path, monkeypatch, again):
    ruined(data)
    before = everything(data)
    recover(data)
    wanted = everything(data)
    assert not [name for name in wanted if name.endswith((".open", ".mended"))]
    assert len([name for name in wanted if name.endswith(".damaged")]) == 3
    moment = 0
    while True:
        moment += 1
        for path in data.glob("*/*"):
            path.unlink()
        for name, raw in before.items():
            (data / ("warc" if ".warc." in name else "sightings") / name).write_bytes(raw)
        finished = 0
        for _ in range(again):
            with monkeypatch.context() as patched:
                made = interrupted(patched, moment, Killed())
                try:
                    recover(data)
                    finished += 1
                except Killed:
                    pass
        recover(data)
        assert everything(data) == wanted, (moment, made[-1])
        if finished == again and len(made) < moment:
            break
    assert moment > 40  # so many steps there are


def test_a_recovery_that_the_disk_refuses_loses_nothing(data, monkeypatch, caplog):
    ruined(data)
    before = everything(data)
    recover(data)
    wanted = everything(data)
    moment = 0
    while True:
        moment += 1
        for path in data.glob("*/*"):
            path.unlink()
        for name, raw in before.items():
            (data / ("warc" if ".warc." in name else "sightings") / name).write_bytes(raw)
        caplog.clear()
        with monkeypatch.context() as patched:
            made = interrupted(patched, moment, OSError(errno.ENOSPC, "No space left on device"))
            recover(data)
        if len(made) < moment:
            break
        assert "No space left on device" in caplog.text, (moment, made[-1])
        recover(data)
        assert everything(data) == wanted, (moment, made[-1])


def test_without_room_for_a_copy_all_stays_as_it_was(data, monkeypatch, caplog):
    segment = left_open(data)
    flip(opened(segment.warc), members(opened(segment.warc))[1].start + 40)
    before = everything(data)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.os, "write", full)
    recover(data)
    assert everything(data) == before
    [said] = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert segment.warc.name.split(".")[0] in said
    assert "No space left on device" in said
    assert "free space" in said


# It is read piece by piece.


def test_a_large_segment_is_not_held_in_memory(data):
    """48 MB of one record, 64 MB of zeros behind it: a few megabytes are enough."""
    segment = Segment(data, INFO, NOW)
    segment.write(exchange(os.urandom(48_000_000)), None, NOW)
    os.close(segment._warc_file)
    os.close(segment._sightings_file)
    with opened(segment.warc).open("ab") as file:
        size = file.tell()
        file.truncate(size + 64_000_000)
    tracemalloc.start()
    recover(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert segment.warc.stat().st_size == size
    assert peak < 16_000_000


def test_a_bomb_is_unpacked_piece_by_piece(data):
    segment = left_open(data)
    head = b"WARC/1.1\r\nWARC-Type: resource\r\nContent-Length: 400000000\r\n\r\n"
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(head)
    for _ in range(100):
        bomb += packer.compress(bytes(4_000_000))
    bomb += packer.flush()
    with opened(segment.warc).open("ab") as file:
        file.write(bomb)
    tracemalloc.start()
    recover(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kinds(segment) == ALL
    assert peak < 16_000_000


# What the frontier remembers.


def holder(frontier, address, digest):
    return next(frontier.holders(address, digest), None)


PAGE = "http://a.gov.cn/nb/1.html"
LONG = [b"%d" % number * 2_000 for number in range(5)]


def crawl(data, frontier, bodies, record=True):
    """Capture a page for each body, as CaptureMiddleware does, and leave the segment open."""
    segment = Segment(data, INFO, NOW, frontier)
    kept = []
    for number, body in enumerate(bodies):
        url = f"http://a.gov.cn/nb/{number}.html"
        capture = segment.write(exchange(body, url=url), None, NOW)
        held = Holder(
            capture.digest, "gzip", url, capture.fetched_at, capture.record_id, capture.warc_file
        )
        frontier.captured(url, held, shared=True)
        if record:
            frontier.add("a", [Found(url, "report")], NIGHT)
            row = frontier.known(url)
            frontier.record(
                Answer(row, NIGHT, "ok", 200, capture.digest, "report", print="p", etag='"1"')
            )
        kept.append(held)
    os.close(segment._warc_file)
    os.close(segment._sightings_file)
    return segment, kept


def test_what_a_crash_took_from_the_frontier_is_read_back_from_the_captures(data):
    with Frontier(data / "frontier.db") as frontier:
        segment, kept = crawl(data, frontier, LONG, record=False)
        assert frontier.unsettled() == [segment.warc.name]
    with Frontier(data / "frontier.db") as frontier:
        assert holder(frontier, "http://b.gov.cn/", kept[0].digest) is None
        recover(data)
        reindex(data, frontier)
        assert [holder(frontier, "http://b.gov.cn/", one.digest) for one in kept] == kept
        assert frontier.unsettled() == []
        reindex(data, frontier)  # nothing is left to do


def test_an_answer_that_damage_took_is_asked_again_in_full(data):
    with Frontier(data / "frontier.db") as frontier:
        segment, kept = crawl(data, frontier, LONG)
        responses = [
            m for m in members(opened(segment.warc)) if m.fields["warc-type"] == "response"
        ]
        flip(opened(segment.warc), responses[1].start + 30)
        recover(data)
        reindex(data, frontier)
        rows = [frontier.known(one.url) for one in kept]
        assert [row.last_digest for row in rows] == [
            None if number == 1 else one.digest for number, one in enumerate(kept)
        ]
        assert [bool(row.etag) for row in rows] == [True, False, True, True, True]
        assert [row.key for row in frontier.due("a", NIGHT) if not row.last_digest] == [rows[1].key]
        assert holder(frontier, kept[1].url, kept[1].digest) is None
        assert holder(frontier, kept[2].url, kept[2].digest) == kept[2]


def test_of_a_segment_that_could_not_be_mended_the_sound_part_is_known(data, monkeypatch):
    with Frontier(data / "frontier.db") as frontier:
        segment, kept = crawl(data, frontier, LONG)
        flip(opened(segment.warc), members(opened(segment.warc))[1].start + 30)

        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(module.os, "write", full)
            recover(data)
        reindex(data, frontier)
        assert holder(frontier, kept[0].url, kept[0].digest) is None
        assert holder(frontier, kept[1].url, kept[1].digest) == kept[1]
        assert frontier.unsettled() == [segment.warc.name]
        recover(data)
        reindex(data, frontier)
        assert frontier.unsettled() == []


def test_of_a_segment_that_is_all_damage_everything_is_asked_again(data):
    with Frontier(data / "frontier.db") as frontier:
        segment, kept = crawl(data, frontier, LONG)
        opened(segment.warc).write_bytes(b"\1" * 5_000)
        recover(data)
        reindex(data, frontier)
        assert all(frontier.known(one.url).last_digest is None for one in kept)
        assert frontier.unsettled() == []


def test_a_reindex_killed_anywhere_is_taken_up_by_the_next(data, monkeypatch):
    with Frontier(data / "frontier.db") as frontier:
        segment, kept = crawl(data, frontier, LONG, record=False)
    recover(data)
    real = module.sound_members

    def killed(file):
        yield from list(real(file))[:4]
        raise Killed

    with Frontier(data / "frontier.db") as frontier:
        with monkeypatch.context() as patched:
            patched.setattr(module, "sound_members", killed)
            with pytest.raises(Killed):
                reindex(data, frontier)
        assert frontier.unsettled() == [segment.warc.name]
        assert holder(frontier, "", kept[0].digest) is None
        reindex(data, frontier)
        assert [holder(frontier, "", one.digest) for one in kept] == kept


def test_a_segment_that_was_moved_away_is_settled(data):
    with Frontier(data / "frontier.db") as frontier:
        segment, _ = crawl(data, frontier, LONG)
        recover(data)
        segment.warc.unlink()
        reindex(data, frontier)
        assert frontier.unsettled() == []
