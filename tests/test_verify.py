"""Verification: what is whole is called so, and each kind of damage is found, named, and alone."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from authority import Authority, Keys
from click.testing import CliRunner
from test_build import PAGE, Crawl, fake_reading, page, story, write_segment

from archive import readings
from archive.__main__ import main
from archive.build import Options, build
from archive.keys import Key, make_key
from archive.manifest import read_chain, write_manifest
from archive.model import Evidence
from archive.read import Part
from archive.shelf import Kept, Shelf
from archive.timestamps import catch_up
from archive.verify.chain import followed
from archive.verify.problems import Problem, bounded
from archive.verify.rounds import Summary, VerifyError, verify
from archive.verify.turns import Turns, Verified, due
from archive.warc import Capture, read_segment, spans

TODAY = date(2026, 11, 22)
with tempfile.TemporaryDirectory() as _place:
    FIRST, SECOND = (
        one.name for one in sorted((story().lay(Path(_place), shards=2) / "warc").iterdir())
    )


@pytest.fixture(autouse=True)
def _reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def reading(parts: Sequence[Part], evidence: Evidence) -> Any:
        return fake_reading(parts, evidence)

    monkeypatch.setattr(readings, "read_report", reading)


@pytest.fixture(scope="module")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readings, "read_report", lambda parts, said: fake_reading(parts, said))
        story().lay(data, shards=2)
        build(data, workers=0)
    return data


@pytest.fixture
def data(_template: Path, tmp_path: Path) -> Path:
    """An archive of two segments, folded and recorded."""
    return Path(shutil.copytree(_template, tmp_path / "data"))


def _record_segments(data: Path) -> None:
    """Rows of `segments`, as a build that saw all segments writes them."""
    with sqlite3.connect(data / "nianbao.db") as db:
        for path in sorted((data / "warc").glob("*.warc.gz")):
            raw = path.read_bytes()
            found = [one for one in read_segment(path) if isinstance(one, Capture)]
            db.execute(
                "insert or replace into segments values (?, ?, ?, ?, 0, ?, ?)",
                (
                    *(path.name, hashlib.sha256(raw).hexdigest(), len(raw), len(found)),
                    *(min(c.fetched_at for c in found), max(c.fetched_at for c in found)),
                ),
            )


def told(data: Path, everything: bool = True, today: date = TODAY) -> list[tuple[str, str]]:
    """Kind and place of everything a round has to say; notes begin with a tilde."""
    found: list[Problem] = []
    summary = verify(data, found.append, everything=everything, today=today)
    assert summary.problems == sum(not problem.is_note for problem in found)
    assert all(problem.what and problem.why and problem.remedy for problem in found)
    return sorted(("~" * problem.is_note + problem.kind, problem.where) for problem in found)


def change(data: Path, sql: str, *values: Any) -> None:
    with sqlite3.connect(data / "nianbao.db") as db:
        assert db.execute(sql, values).rowcount > 0


def answers(data: Path, name: str) -> list[tuple[int, int, Capture]]:
    """Where each answer of a segment begins and ends."""
    with (data / "warc" / name).open("rb") as file:
        return [
            (start, end, found)
            for start, end, found in spans(file, name)
            if isinstance(found, Capture)
        ]


def rewrite(data: Path, name: str, edit: Callable[[bytearray], None]) -> None:
    path = data / "warc" / name
    raw = bytearray(path.read_bytes())
    edit(raw)
    path.write_bytes(raw)


def at(name: str, offset: int) -> str:
    return f"warc/{name} at {offset}"


def remedies(data: Path) -> str:
    """All that a round says, a line each."""
    found: list[Problem] = []
    verify(data, found.append, everything=True, today=TODAY)
    return "\n".join(map(str, found))


# --- what is whole --------------------------------------------------------------------------------


def test_a_clean_archive_is_clean(data: Path) -> None:
    assert told(data) == []


def test_it_counts_what_it_verified(data: Path) -> None:
    summary = verify(data, lambda problem: None, everything=True, today=TODAY)
    assert summary == Summary(segments=2, verified=2, captures=len(story().answers))


def test_repeated_segments_and_another_order_are_no_problem(tmp_path: Path) -> None:
    crawl = story()
    crawl.answers = crawl.answers + crawl.answers[::-1]
    crawl.lay(tmp_path, shards=3)
    for path in list((tmp_path / "warc").iterdir()):
        shutil.copy(path, path.with_name("copy-" + path.name))
    build(tmp_path, workers=0)
    assert told(tmp_path) == []


def test_an_answer_repeated_within_a_segment_has_one_row(tmp_path: Path) -> None:
    crawl = Crawl()
    crawl.home(1)
    crawl.see(1, page("7"))
    url, payload, moment, _ = crawl.answers[0]
    crawl.answers = [(url, payload, moment, "revisit"), (url, payload, moment, "response")] * 2
    crawl.lay(tmp_path)
    build(tmp_path, workers=0)
    assert told(tmp_path) == []


def test_a_segment_being_written_is_left_alone(data: Path) -> None:
    path = data / "warc" / "20261122T140000Z-00000a.warc.gz.open"
    path.write_bytes(b"\x1f\x8b\x08 half a record")
    assert told(data) == []
    os.utime(path, (1, 1))
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert told(data) == []
    assert told(data) == [("~leftover", f"warc/{path.name}")]


def test_a_fresh_segment_is_not_folded_yet(data: Path) -> None:
    name = "20261122T140000Z-00000b.warc.gz"
    moment = "2026-11-22T14:00:00Z"
    write_segment(data / "warc" / name, [(PAGE, page("99"), moment, "response")])
    assert told(data) == [("~segment-not-folded", f"warc/{name}")]
    summary = verify(data, lambda problem: None, everything=True, today=TODAY)
    assert (summary.not_folded, summary.problems, summary.notes) == (1, 0, 1)


def test_a_sighting_may_wait_for_a_segment_not_folded_but_not_for_ever(data: Path) -> None:
    change(
        data,
        "update sightings set digest = ? where url = ? and night = '2026-11-01'",
        "f" * 64,
        PAGE,
    )
    where = f"sighting of {PAGE} on 2026-11-01"
    assert told(data) == [("sighting-without-capture", where)]
    name = "20261122T140000Z-00000b.warc.gz"
    write_segment(data / "warc" / name, [(PAGE, b"x", "2026-11-22T14:00:00Z", "response")])
    assert told(data) == [
        ("~segment-not-folded", f"warc/{name}"),
        ("~sighting-without-capture", where),
    ]


def test_a_sighting_of_what_a_damaged_segment_held_is_not_to_be_built_again(data: Path) -> None:
    """No build brings back what is lost; a backup may."""
    change(data, "update sightings set digest = ? where url = ?", "f" * 64, PAGE)
    (data / "warc" / "20261101T140000Z-00000c.warc.gz.damaged").write_bytes(b"no record")
    found: list[Problem] = []
    verify(data, found.append, today=TODAY)
    remedies = {one.remedy for one in found if one.kind == "sighting-without-capture"}
    assert remedies == {"restore the segment if a backup has it whole, then build"}
    assert all(one.is_note for one in found)


def test_without_an_archive_segments_are_verified_all_the_same(data: Path) -> None:
    (data / "nianbao.db").unlink()
    assert told(data) == [("~no-archive", "nianbao.db")]


def test_without_a_data_folder_there_is_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(VerifyError, match="no data folder"):
        verify(tmp_path / "none", print, today=TODAY)


def test_it_writes_nothing_but_its_memory(data: Path) -> None:
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    told(data)
    after = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    assert after.keys() - before.keys() == {data / "verified.db"}
    assert {path: after[path] for path in before} == before


# --- segments -------------------------------------------------------------------------------------


def test_a_flipped_byte_is_found_where_it_is(data: Path) -> None:
    start, end, _ = answers(data, FIRST)[1]

    def flip(raw: bytearray) -> None:
        raw[(start + end) // 2] ^= 0x10

    rewrite(data, FIRST, flip)
    assert told(data) == [("record-damaged", at(FIRST, start))]


def test_a_flipped_byte_that_harms_no_record_is_found(data: Path) -> None:
    """The time in a gzip header: every record is sound, the file is another."""
    start, _, _ = answers(data, FIRST)[1]

    def flip(raw: bytearray) -> None:
        raw[start + 4] ^= 0x01

    rewrite(data, FIRST, flip)
    assert told(data) == [("segment-changed", f"warc/{FIRST}")]


def test_a_torn_tail_is_found(data: Path) -> None:
    start, end, _ = answers(data, FIRST)[-1]

    def tear(raw: bytearray) -> None:
        del raw[(start + end) // 2 :]

    rewrite(data, FIRST, tear)
    assert told(data) == [("record-damaged", at(FIRST, start))]


def test_a_tail_cut_between_records_is_found(data: Path) -> None:
    start, _, _ = answers(data, FIRST)[-1]

    def cut(raw: bytearray) -> None:
        del raw[start:]

    rewrite(data, FIRST, cut)
    assert told(data) == [("capture-lost", at(FIRST, start))]


def test_a_range_of_zeros_is_one_problem(data: Path) -> None:
    places = answers(data, FIRST)
    (start, *_), (_, end, _) = places[1], places[2]

    def fill(raw: bytearray) -> None:
        raw[start : end - 5] = bytes(end - 5 - start)

    rewrite(data, FIRST, fill)
    found: list[Problem] = []
    verify(data, found.append, everything=True, today=TODAY)
    assert [(problem.kind, problem.where) for problem in found] == [
        ("record-damaged", at(FIRST, start))
    ]
    for _, _, capture in places[1:3]:
        assert f"{capture.url} of {capture.fetched_at}" in found[0].what


def test_swapped_segments_are_told_apart(data: Path) -> None:
    one, other = data / "warc" / FIRST, data / "warc" / SECOND
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    assert told(data) == [
        ("segment-swapped", f"warc/{FIRST}"),
        ("segment-swapped", f"warc/{SECOND}"),
    ]


def test_a_deleted_segment_is_missing(data: Path) -> None:
    (data / "warc" / SECOND).unlink()
    assert told(data) == [("segment-missing", f"warc/{SECOND}")]


def test_a_segment_set_aside_on_purpose_is_listed(data: Path) -> None:
    path = data / "warc" / SECOND
    path.rename(path.with_name(SECOND + ".damaged"))
    assert told(data) == [("~set-aside", f"warc/{SECOND}.damaged")]


def test_a_record_taken_out_is_missed_and_no_other(data: Path) -> None:
    start, end, _ = answers(data, FIRST)[1]

    def take(raw: bytearray) -> None:
        del raw[start:end]

    rewrite(data, FIRST, take)
    assert told(data) == [("capture-lost", at(FIRST, start))]


def test_a_record_taken_out_is_missed_even_where_no_digest_was_noted(data: Path) -> None:
    change(data, "delete from segments")
    start, end, _ = answers(data, FIRST)[1]

    def take(raw: bytearray) -> None:
        del raw[start:end]

    rewrite(data, FIRST, take)
    assert told(data) == [("capture-lost", at(FIRST, start))]


def test_a_record_put_in_is_found(data: Path, tmp_path: Path) -> None:
    write_segment(tmp_path / "x.gz", [(PAGE, b"forged", "2026-11-02T14:00:00Z", "response")])
    end = len((data / "warc" / FIRST).read_bytes())
    with (tmp_path / "x.gz").open("rb") as file:
        member = next((b, e) for b, e, found in spans(file, "x") if found is not None)
    forged = (tmp_path / "x.gz").read_bytes()[member[0] : member[1]]
    rewrite(data, FIRST, lambda raw: raw.extend(forged))
    assert told(data) == [("record-without-row", at(FIRST, end))]


def test_records_in_another_order_are_noticed_once(data: Path) -> None:
    (a, b, _), (c, d, _) = answers(data, FIRST)[1:3]
    assert b == c

    def swap(raw: bytearray) -> None:
        raw[a:d] = raw[c:d] + raw[a:b]

    rewrite(data, FIRST, swap)
    assert told(data) == [("segment-changed", f"warc/{FIRST}")]


def test_a_payload_that_is_not_what_its_record_says(data: Path) -> None:
    """Valid gzip over a changed payload: only the digests in the record tell."""
    start, end, _ = answers(data, FIRST)[0]

    def forge(raw: bytearray) -> None:
        content = gzip.decompress(bytes(raw[start:end]))
        assert b'"cell"' in content
        raw[start:end] = gzip.compress(content.replace(b'"cell"', b'"CELL"'))

    rewrite(data, FIRST, forge)
    assert told(data) == [("record-damaged", at(FIRST, start))]


def test_damage_that_was_there_when_it_was_first_read_is_a_note(tmp_path: Path) -> None:
    story().lay(tmp_path, shards=2)
    start, end, _ = answers(tmp_path, FIRST)[-1]
    rewrite(tmp_path, FIRST, lambda raw: raw.__delitem__(slice((start + end) // 2, None)))
    build(tmp_path, workers=0)
    kinds = {kind for kind, where in told(tmp_path) if where.startswith("warc/")}
    assert kinds == {"~damage-known"}


def test_a_segment_that_became_empty_says_how_much_is_gone(data: Path, tmp_path: Path) -> None:
    count = len(answers(data, FIRST))
    (data / "warc" / FIRST).write_bytes(b"")
    assert f"warc/{FIRST}: it is empty: its {count} captures are gone (the archive counts so" in (
        remedies(data)
    )
    assert [kind for kind, where in told(data) if FIRST in where] == ["segment-empty"]
    # The archive may have been built since: then nobody knows how many they were.
    build(data, workers=0, options=Options(accept_loss=True))
    assert f"warc/{FIRST}: it is empty: all its records are gone" in remedies(data)


def test_a_manifest_knows_how_many_records_an_emptied_or_cut_segment_had(data: Path) -> None:
    write_manifest(data, Shelf(str(data)), None, datetime(2026, 11, 22, 6, tzinfo=UTC))
    (data / "nianbao.db").unlink()
    places = answers(data, FIRST)
    raw = (data / "warc" / FIRST).read_bytes()
    # Its warcinfo, if any, is a record too.
    with (data / "warc" / FIRST).open("rb") as file:
        records = len(list(spans(file, FIRST)))
    (data / "warc" / FIRST).write_bytes(raw[: places[-2][0]])
    assert f"its bytes changed, 2 of its {records} records are gone" in remedies(data)
    (data / "warc" / FIRST).write_bytes(b"")
    assert f"it is empty: its {records} records are gone (a manifest counts" in remedies(data)


def test_folders_broken_links_and_names_that_are_no_utf8_are_called_so(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (data / "warc" / "folder.warc.gz").mkdir()
    (data / "sightings" / "link.jsonl").symlink_to("/nowhere/at/all")
    shutil.copy(data / "warc" / FIRST, os.fsencode(data / "warc") + b"/\xff.warc.gz")
    assert told(data) == [
        ("unexpected-file", "sightings/link.jsonl"),
        ("unexpected-file", "warc/\\xff.warc.gz"),
        ("unexpected-file", "warc/folder.warc.gz"),
    ]
    said = remedies(data)
    assert "warc/folder.warc.gz: it is a folder, not a file" in said
    assert "link.jsonl: it is a broken link (it leads to /nowhere/at/all" in said
    assert "its name is no UTF-8" in said
    assert r"b'\xff.warc.gz' is no UTF-8" in caplog.text
    assert _run("--data", str(data), "--all")[0] == 1


@pytest.mark.parametrize("name", ["ledger.csv", "published.csv"])
def test_a_register_that_is_a_folder_is_one_problem(data: Path, name: str) -> None:
    (data / name).unlink(missing_ok=True)
    (data / name).mkdir()
    assert told(data) == [(f"{name[:-4]}-unreadable", name)]
    assert f"{name}: it cannot be read (it is a folder, not a file); move it away" in remedies(data)


def test_who_mended_a_register_by_hand_is_told_of_the_memory(data: Path) -> None:
    assert told(data) == []
    (data / "published.csv").write_text("path,first_published\n")
    verify(data, lambda problem: None, today=TODAY)
    (data / "published.csv").write_text("")
    assert "mended by hand and is right, delete DATA/verified.db and verify again" in remedies(data)
    (data / "verified.db").unlink()
    assert told(data) == []


def test_captures_that_are_a_file_are_one_sentence(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in ("file", "file/below"):
        status, lines = _run("--data", str(data), "--captures", str(tmp_path / place))
        assert (status, len(lines)) == (1, 1)
        assert f"{tmp_path / 'file'} is a file where a folder is wanted" in lines[0]


def test_an_unexpected_file_is_named(data: Path) -> None:
    (data / "warc" / "notes.txt").write_text("?")
    (data / "warc" / ".20261121T140000Z-000000.warc.gz.Xy12").write_text("being copied")
    assert told(data) == [("unexpected-file", "warc/notes.txt")]


# --- rows -----------------------------------------------------------------------------------------


def test_a_deleted_row_is_missed(data: Path) -> None:
    for start, _, _ in answers(data, FIRST)[:2]:
        change(data, "delete from captures where warc_file = ? and offset = ?", FIRST, start)
    assert told(data) == [
        ("record-without-row", at(FIRST, start)) for start, _, _ in answers(data, FIRST)[:2]
    ]


@pytest.mark.parametrize(
    ("column", "value"),
    [("url", "http://elsewhere.gov.cn/"), ("fetched_at", "2020-01-01T00:00:00Z")],
)
def test_a_row_that_says_otherwise(data: Path, column: str, value: str) -> None:
    start, _, _ = answers(data, FIRST)[0]
    change(
        data,
        f"update captures set {column} = ? where warc_file = ? and offset = ?",
        *(value, FIRST, start),
    )
    assert told(data) == [("row-differs", at(FIRST, start))]


def test_a_row_with_another_digest(data: Path) -> None:
    start, _, _ = answers(data, FIRST)[0]
    change(
        data,
        "update captures set digest = ? where warc_file = ? and offset = ?",
        *("f" * 64, FIRST, start),
    )
    assert told(data) == [("row-differs", at(FIRST, start))]


def test_a_row_at_another_offset(data: Path) -> None:
    start, _, _ = answers(data, FIRST)[0]
    change(
        data,
        "update captures set offset = offset + 1 where warc_file = ? and offset = ?",
        *(FIRST, start),
    )
    assert told(data) == [("row-differs", at(FIRST, start))]


def test_a_row_without_a_record(data: Path) -> None:
    change(
        data,
        "insert into captures select 'f' || substr(digest, 2), url, fetched_at, status,"
        " media_type, warc_file, 7, record_type, null from captures where warc_file = ? limit 1",
        FIRST,
    )
    assert told(data) == [("capture-lost", at(FIRST, 7))]


# --- what the archive says of itself --------------------------------------------------------------


def _a_version(data: Path) -> tuple[str, str]:
    with sqlite3.connect(data / "nianbao.db") as db:
        found: tuple[str, str] = db.execute(
            "select id, report_id from versions order by number desc, id"
        ).fetchone()
    return found


def test_a_renamed_version_is_found(data: Path) -> None:
    """Renamed with all that hangs on it, so that only the captures can tell."""
    old, report_id = _a_version(data)
    new = f"{report_id}/{'0' * 12}"
    with sqlite3.connect(data / "nianbao.db") as db:
        tables = [
            name for (name,) in db.execute("select name from sqlite_master where type='table'")
        ]
        for table in tables:
            for key in db.execute(f"pragma foreign_key_list({table})").fetchall():
                if key[2] == "versions":
                    db.execute(f"update {table} set {key[3]} = ? where {key[3]} = ?", (new, old))
        db.execute("update versions set id = ? where id = ?", (new, old))
    assert told(data) == [("version-name", f"version {new}")]


def test_a_version_renamed_alone_leaves_a_hole(data: Path) -> None:
    old, report_id = _a_version(data)
    new = f"{report_id}/{'0' * 12}"
    change(data, "update versions set id = ? where id = ?", new, old)
    assert told(data) == [
        ("dangling", f"nianbao.db: versions {old}"),
        ("version-without-capture", f"version {new}"),
    ]


def test_a_version_of_another_report_is_found(data: Path) -> None:
    old, report_id = _a_version(data)
    with sqlite3.connect(data / "nianbao.db") as db:
        other = db.execute("select id from reports where id <> ?", (report_id,)).fetchone()[0]
    change(data, "update versions set report_id = ? where id = ?", other, old)
    assert ("version-name", f"version {old}") in told(data)


def test_a_report_without_its_current_version(data: Path) -> None:
    _, report_id = _a_version(data)
    change(data, "update reports set current_version = null where id = ?", report_id)
    assert told(data) == [("report-current", f"report {report_id}")]


def test_a_report_whose_id_is_not_its_body_and_year(data: Path) -> None:
    _, report_id = _a_version(data)
    change(data, "update reports set year = 1999 where id = ?", report_id)
    assert told(data) == [("report-name", f"report {report_id}")]


def test_a_revisit_of_bytes_nobody_has(data: Path) -> None:
    name = "20261121T140009Z-000009.warc.gz"
    lone = (PAGE, b"never received", "2026-11-02T14:00:00Z", "revisit")
    write_segment(data / "warc" / name, [lone])
    start, _, capture = answers(data, name)[0]
    change(
        data,
        "insert into captures (digest, url, fetched_at, status, warc_file, offset, record_type)"
        " values (?, ?, ?, 200, ?, ?, 'revisit')",
        *(capture.digest, capture.url, capture.fetched_at, name, start),
    )
    _record_segments(data)
    assert told(data) == [("revisit-without-response", at(name, start))]


def test_redirects_must_lead_somewhere(data: Path) -> None:
    version, report_id = _a_version(data)
    with sqlite3.connect(data / "nianbao.db") as db:
        db.executemany(
            "insert into redirects values (?, ?, 'why')",
            [
                ("1-a/2001", report_id),
                ("1-a/2002", "1-a/2001"),
                ("1-a/2003", None),
                ("1-a/2001/0123456789ab", version),
                ("1-a/2004", "1-a/1999"),
                ("1-a/2005", "1-a/2006"),
                ("1-a/2006", "1-a/2005"),
            ],
        )
    assert told(data) == [
        ("redirect-dangling", f"redirect of 1-a/{year}") for year in (2004, 2005, 2006)
    ]


def test_events_must_speak_of_what_exists(data: Path) -> None:
    _, report_id = _a_version(data)
    with sqlite3.connect(data / "nianbao.db") as db:
        db.execute(
            "insert into events (report_id, position, kind, version_id) values (?, 9999, 'new', ?)",
            (report_id, f"{report_id}/000000000000"),
        )
    assert told(data) == [("dangling", f"nianbao.db: versions {report_id}/000000000000")]


def test_a_version_read_by_nobody_knows_what(data: Path) -> None:
    version, _ = _a_version(data)
    change(data, "update versions set parser = '' where id = ?", version)
    assert told(data) == [("version-parser", f"version {version}")]
    change(data, "update versions set parser = '0.1' where id = ?", version)
    assert told(data) == [("~parser-differs", "nianbao.db")]


def test_a_damaged_archive_is_named_and_the_captures_are_verified(data: Path) -> None:
    path = data / "nianbao.db"
    raw = bytearray(path.read_bytes())
    raw[4096:8192] = b"\xff" * 4096
    path.write_bytes(raw)
    (data / "warc" / FIRST).write_bytes((data / "warc" / FIRST).read_bytes()[:-30])
    start = answers(data, FIRST)[-1][1]
    assert told(data) == [("archive-damaged", "nianbao.db"), ("record-damaged", at(FIRST, start))]
    path.write_bytes(b"not SQLite at all, but long enough to be looked at" * 100)
    assert ("archive-damaged", "nianbao.db") in told(data)


# --- what only grows ------------------------------------------------------------------------------


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def _bodies(data: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(data / "nianbao.db") as db:
        return db.execute("select id, name from issuers order by id").fetchall()


def test_an_edited_ledger_line_is_found_with_and_without_a_memory(data: Path) -> None:
    issuer_id, name = _bodies(data)[0]
    assert told(data) == []
    _edit(data / "ledger.csv", name, name + "局")
    assert told(data) == [("ledger-line-differs", f"ledger.csv: {issuer_id}")]
    (data / "verified.db").unlink()
    assert told(data) == [("ledger-line-differs", f"ledger.csv: {issuer_id}")]


def test_a_renaming_that_was_reviewed_explains_another_name(data: Path) -> None:
    issuer_id, _ = _bodies(data)[0]
    change(data, "update issuers set name = '新名' where id = ?", issuer_id)
    assert told(data) == [("ledger-line-differs", f"ledger.csv: {issuer_id}")]
    with sqlite3.connect(data / "nianbao.db") as db:
        db.execute(
            "insert into corrections (number, subject, aspect, value, state)"
            " values (1, ?, 'name', '新名', 'applied')",
            (f"issuer:{issuer_id}",),
        )
    assert told(data) == []


def test_a_removed_ledger_line_is_found(data: Path) -> None:
    issuer_id, _ = _bodies(data)[-1]
    lines = (data / "ledger.csv").read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(issuer_id + ",")]
    assert len(kept) == len(lines) - 1
    (data / "ledger.csv").write_text("".join(kept), "utf-8")
    assert told(data) == [("ledger-line-missing", f"ledger.csv: {issuer_id}")]


def test_a_line_no_report_needs_is_missed_too(data: Path) -> None:
    path = data / "ledger.csv"
    text = path.read_text("utf-8")
    fields = text.splitlines()[1].split(",")
    path.write_text(text + ",".join(["9-zzz", "某局", *fields[2:]]) + "\n", "utf-8")
    assert told(data) == []
    path.write_text(text, "utf-8")
    assert told(data) == [("ledger-rewritten", "ledger.csv")]


def test_a_growing_ledger_is_no_problem(data: Path) -> None:
    path = data / "ledger.csv"
    assert told(data) == []
    text = path.read_text("utf-8")
    fields = text.splitlines()[1].split(",")
    path.write_text(text + ",".join(["9-zzz", "某局", *fields[2:]]) + "\n", "utf-8")
    assert told(data) == []


def test_a_ledger_that_repeats_an_id_cannot_be_read(data: Path) -> None:
    path = data / "ledger.csv"
    path.write_text(
        path.read_text("utf-8") + path.read_text("utf-8").splitlines()[1] + "\n", "utf-8"
    )
    assert told(data) == [("ledger-unreadable", "ledger.csv")]


def test_every_published_name_must_answer(data: Path) -> None:
    version, report_id = _a_version(data)
    names = [report_id, version, "1-a/2001", "1-a/2002"]
    lines = "".join(f"{name},2026-11-20\n" for name in names)
    (data / "published.csv").write_text(f"path,first_published\n{lines}")
    with sqlite3.connect(data / "nianbao.db") as db:
        db.execute("insert into redirects values ('1-a/2001', null, '已撤下')")
    assert told(data) == [("published-missing", "published.csv: 1-a/2002")]


def test_published_names_that_went_from_the_list_are_missed(data: Path) -> None:
    version, report_id = _a_version(data)
    path = data / "published.csv"
    path.write_text(f"path,first_published\n{report_id},2026-11-20\n{version},2026-11-20\n")
    assert told(data) == []
    path.write_text(f"path,first_published\n{version},2026-11-20\n")
    assert told(data) == [("published-rewritten", "published.csv")]


def test_a_damaged_list_of_published_names(data: Path) -> None:
    (data / "published.csv").write_text("path,first_published\nwhat is this\n")
    assert told(data) == [("published-unreadable", "published.csv")]


# --- manifests and sightings ----------------------------------------------------------------------


def _night(data: Path, day: int, key: Key) -> str:
    """A closed segment and its sightings, folded, and the manifest of the morning after."""
    stem = f"202611{day:02}T140000Z-{day:06x}"
    moment = f"2026-11-{day:02}T14:00:00Z"
    write_segment(data / "warc" / f"{stem}.warc.gz", [(PAGE, b"%d" % day, moment, "response")])
    (data / "sightings" / f"{stem}.jsonl").write_text('{"kind":"other"}\n')
    build(data, workers=0)
    morning = datetime(2026, 11, day + 1, 6, tzinfo=UTC)
    return write_manifest(data, Shelf(str(data)), key, morning).name


@pytest.fixture
def chain(data: Path, tmp_path: Path) -> list[str]:
    """Three manifests of three nights, signed."""
    key = make_key(tmp_path / "signing.key")
    return [_night(data, day, key) for day in (22, 23, 24)]


def test_a_chain_that_holds(data: Path, chain: list[str]) -> None:
    assert told(data) == []


def test_an_edited_manifest_is_the_one_blamed(data: Path, chain: list[str]) -> None:
    _edit(data / "manifests" / chain[1], '"number": 2', '"number": 7')
    assert told(data) == [("manifest-chain", f"manifests/{chain[1]}")]


def test_a_manifest_edited_at_the_end_of_the_chain(data: Path, chain: list[str]) -> None:
    """Nothing follows it: only its signature tells."""
    _edit(data / "manifests" / chain[2], '"python": "3', '"python": "2')
    assert told(data) == [("manifest-signature", f"manifests/{chain[2]}")]


def test_a_manifest_cut_out_of_the_chain(data: Path, chain: list[str]) -> None:
    (data / "manifests" / chain[1]).unlink()
    (data / "manifests" / chain[1].replace(".json", ".sig")).unlink()
    assert told(data) == [("manifest-chain", f"manifests/{chain[2]}")]


def test_the_oldest_manifest_gone(data: Path, chain: list[str]) -> None:
    (data / "manifests" / chain[0]).unlink()
    assert told(data) == [("manifest-chain", f"manifests/{chain[1]}")]


def test_each_place_of_captures_has_a_chain_of_its_own(
    data: Path, chain: list[str], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    for folder in ("warc", "sightings"):
        shutil.copytree(data / folder, elsewhere / folder)
    write_manifest(data, Shelf(str(elsewhere)), None, datetime(2026, 11, 24, tzinfo=UTC))
    for captures in (None, str(elsewhere), None, str(elsewhere)):
        found: list[Problem] = []
        verify(data, found.append, captures, everything=True, today=TODAY)
        assert [problem for problem in found if not problem.is_note] == []
        place = ["--captures", captures] if captures else []
        result = CliRunner().invoke(main, ["manifest", "--data", str(data), *place])
        assert result.exit_code == 0, result.output
    # Each chain is missed on its own when it is cut.
    for path in (elsewhere / "manifests").iterdir():
        path.unlink()
    found = []
    verify(data, found.append, str(elsewhere), everything=True, today=TODAY)
    assert [problem.kind for problem in found if not problem.is_note] == ["manifest-missing"]


def test_the_newest_manifest_gone(data: Path, chain: list[str]) -> None:
    assert told(data) == []
    for suffix in (".json", ".sig"):
        (data / "manifests" / chain[2].replace(".json", suffix)).unlink()
    assert told(data) == [("manifest-missing", "manifests: number 3")]


def test_a_signature_gone(data: Path, chain: list[str]) -> None:
    (data / "manifests" / chain[1].replace(".json", ".sig")).unlink()
    assert told(data) == [("manifest-signature", f"manifests/{chain[1]}")]


def test_a_key_that_was_lost_and_a_night_without_one_are_notes(
    data: Path, chain: list[str], tmp_path: Path
) -> None:
    shelf, key = Shelf(str(data)), make_key(tmp_path / "other.key")
    moment = datetime(2026, 11, 26, tzinfo=UTC)
    bare = write_manifest(data, shelf, None, moment).name
    lost = write_manifest(data, shelf, key, moment + timedelta(days=1), lost_key=True).name
    found = followed(shelf, None)
    assert found.problems == []
    assert [(one.kind, one.where, one.is_note) for one in found.notes] == [
        ("manifest-key-lost", f"manifests/{lost}", True),
        ("manifest-unsigned", f"manifests/{bare}", True),
    ]
    assert key.fingerprint in found.notes[0].why
    # What is in order does not fail the night.
    assert not any(not kind.startswith("~") for kind, _ in told(data))


def test_a_manifest_in_our_name_without_a_signature(data: Path, chain: list[str]) -> None:
    path = data / "manifests" / chain[2]
    said = json.loads(path.read_bytes())
    said |= {"name": "manifest-20261126.json", "number": 4, "segments": [], "sightings": []}
    said["previous"] = {"name": chain[2], "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
    path.with_name(said["name"]).write_text(text, "utf-8")
    assert told(data) == [("manifest-signature", "manifests/manifest-20261126.json")]


def test_a_manifest_torn(data: Path, chain: list[str]) -> None:
    path = data / "manifests" / chain[2]
    path.write_bytes(path.read_bytes()[:100])
    assert told(data) == [("manifest-damaged", f"manifests/{chain[2]}")]


def test_a_manifest_misses_a_segment_no_archive_remembers(data: Path, chain: list[str]) -> None:
    name = "20261123T140000Z-000017.warc.gz"
    (data / "warc" / name).unlink()
    with sqlite3.connect(data / "nianbao.db") as db:
        db.execute("delete from captures where warc_file = ?", (name,))
        db.execute("delete from segments where warc_file = ?", (name,))
    assert told(data) == [("segment-missing", f"warc/{name}")]


def test_a_manifest_knows_a_segment_the_archive_took_in_changed(
    data: Path, chain: list[str]
) -> None:
    """Changed, and folded again as if it had always been so: the manifest remembers."""
    rewrite(data, FIRST, lambda raw: raw.__setitem__(4, raw[4] ^ 1))
    build(data, workers=0, options=Options(accept_loss=True))
    found: list[Problem] = []
    verify(data, found.append, everything=True, today=TODAY)
    assert [(problem.kind, problem.where) for problem in found] == [
        ("segment-changed", f"warc/{FIRST}")
    ]
    assert "a manifest records" in found[0].why


def test_a_restored_segment_only_wants_a_build(data: Path, chain: list[str]) -> None:
    """Folded while it was damaged, then brought back as the manifests know it."""
    path = data / "warc" / FIRST
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    build(data, workers=0, options=Options(accept_loss=True))
    path.write_bytes(whole)
    found = told(data)
    assert ("~segment-restored", f"warc/{FIRST}") in found
    assert all(kind.startswith("~") for kind, _ in found)
    build(data, workers=0, options=Options(accept_loss=True))
    assert told(data) == []


@pytest.mark.parametrize("claimed", ["2026-11-20T14:00:00Z", "2026-11-20"])
def test_a_foreign_segment_is_one_no_manifest_lists(
    data: Path, chain: list[str], claimed: str
) -> None:
    """It claims a night long listed. One whose captures are fresh only waits for its manifest.

    WARC 1.1 allows dates that end at the day.
    """
    foreign, fresh = "20261120T140000Z-abcdef.warc.gz", "20261125T140000Z-abcdef.warc.gz"
    for name, moment in ((foreign, claimed), (fresh, "2026-11-25T14:00:00Z")):
        write_segment(data / "warc" / name, [(PAGE, name.encode(), moment, "response")])
    build(data, workers=0)
    assert told(data) == [("segment-unlisted", f"warc/{foreign}")]


def test_the_manifests_remember_the_registers(data: Path, chain: list[str]) -> None:
    path = data / "ledger.csv"
    whole = path.read_text("utf-8")
    fields = whole.splitlines()[1].split(",")
    key = make_key(path.parent.parent / "other.key")
    path.write_text(whole + ",".join(["9-zzz", "某局", *fields[2:]]) + "\n", "utf-8")
    name = write_manifest(
        data, Shelf(str(data)), key, datetime(2026, 11, 27, tzinfo=UTC), lost_key=True
    ).name
    path.write_text(whole, "utf-8")
    found: list[Problem] = []
    verify(data, found.append, everything=True, today=TODAY)
    assert [(problem.kind, problem.where) for problem in found if not problem.is_note] == [
        ("ledger-rewritten", "ledger.csv")
    ]
    assert f"by {name} its first" in next(p.why for p in found if p.where == "ledger.csv")


def test_sightings_that_changed_or_went(data: Path, chain: list[str]) -> None:
    first, second, third = sorted((data / "sightings").glob("*.jsonl"))[:3]
    first.write_bytes(first.read_bytes().replace(b"2023", b"2022", 1))
    second.unlink()
    third.write_bytes(third.read_bytes()[:-1])
    assert told(data) == [
        ("sightings-changed", f"sightings/{first.name}"),
        ("sightings-damaged", f"sightings/{third.name}"),
        ("sightings-missing", f"sightings/{second.name}"),
    ]


def test_a_timestamp_of_other_bytes(data: Path, chain: list[str]) -> None:
    name = chain[2].replace(".json", ".tsa.example.tsr")
    (data / "manifests" / name).write_bytes(b"no reply of an authority")
    assert told(data) == [("stamp-invalid", f"manifests/{name}")]


def test_timestamps_that_cannot_be_checked_are_not_called_bad(
    data: Path, chain: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without openssl: one line, status 1, and none of them has had its turn."""
    shelf = Shelf(str(data))
    with Authority(Keys(tmp_path / "keys")) as tsa:
        assert [one.at is not None for one in catch_up(shelf, read_chain(shelf), [tsa.url])] == [
            True
        ]
    bad = f"manifests/{chain[1].replace('.json', '.tsa.example.tsr')}"
    (data / bad).write_bytes(b"no reply of an authority")
    with monkeypatch.context() as without:
        without.setenv("PATH", str(tmp_path))
        assert told(data) == [("stamp-unchecked", "manifests")]
        result = CliRunner().invoke(main, ["verify", "--data", str(data), "--all"])
        assert result.exit_code == 1
        assert "manifests: 2 of 2 timestamps were not checked" in result.output
        assert "there is no program openssl here: install it" in result.output
        assert "move it away" not in result.output
    assert told(data, everything=False) == [("stamp-invalid", bad)]


# --- turns ----------------------------------------------------------------------------------------


def _kept(count: int) -> list[Kept]:
    return [Kept(f"{number:04}.warc.gz", 1, "stamp") for number in range(count)]


def test_each_segment_is_hashed_again_within_a_month() -> None:
    kept = _kept(100)
    known = {one.name: Verified("stamp", "", TODAY.isoformat(), True) for one in kept}
    last = {one.name: TODAY for one in kept}
    for passed in range(1, 90):
        day = TODAY + timedelta(days=passed)
        turn = due(kept, known, day)
        assert len(turn) <= 4  # a thirtieth of 100, rounded up
        for one in turn:
            assert day - last[one.name] <= timedelta(days=30)
            last[one.name] = day
            known[one.name] = Verified("stamp", "", day.isoformat(), True)
    assert all(TODAY + timedelta(days=89) - day <= timedelta(days=30) for day in last.values())


def test_fresh_touched_and_unsound_segments_are_always_due() -> None:
    kept = _kept(60)
    known = {one.name: Verified("stamp", "", TODAY.isoformat(), True) for one in kept}
    assert due(kept, known, TODAY) == []
    del known["0001.warc.gz"]
    known["0002.warc.gz"] = Verified("other", "", TODAY.isoformat(), True)
    known["0003.warc.gz"] = Verified("stamp", "", TODAY.isoformat(), False)
    assert [one.name for one in due(kept, known, TODAY)] == [f"000{n}.warc.gz" for n in (1, 2, 3)]


def test_what_was_verified_on_a_day_to_come_is_due() -> None:
    """The clock was ten years ahead once: the disk is not trusted until 2036 for that."""
    kept, ahead = _kept(2), TODAY.replace(year=TODAY.year + 10).isoformat()
    known = {one.name: Verified("stamp", "", ahead, True) for one in kept}
    assert due(kept, known, TODAY) == kept


def test_after_a_long_pause_all_are_due() -> None:
    kept = _kept(60)
    known = {one.name: Verified("stamp", "", TODAY.isoformat(), True) for one in kept}
    assert due(kept, known, TODAY + timedelta(days=30)) == kept


def test_the_second_round_of_a_day_hashes_nothing_and_damage_is_told_until_mended(
    data: Path,
) -> None:
    whole = (data / "warc" / FIRST).read_bytes()
    assert told(data, everything=False) == []
    summary = verify(data, lambda problem: None, today=TODAY)
    assert (summary.verified, summary.segments) == (0, 2)
    (data / "warc" / FIRST).write_bytes(whole[:-10])
    start = answers(data, FIRST)[-1][1]
    for _ in range(3):
        assert told(data, everything=False) == [("record-damaged", at(FIRST, start))]
    (data / "warc" / FIRST).write_bytes(whole)
    assert told(data, everything=False) == []


def test_bytes_that_rot_under_an_unchanged_stamp_are_found_within_a_month(data: Path) -> None:
    change(data, "delete from segments")
    path = data / "warc" / FIRST
    status = path.stat()
    assert told(data, everything=False) == []
    rewrite(data, FIRST, lambda raw: raw.__setitem__(4, raw[4] ^ 1))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    found = [told(data, everything=False, today=TODAY + timedelta(days=n)) for n in range(31)]
    assert [("segment-changed", f"warc/{FIRST}")] in found


@pytest.mark.parametrize("content", [b"", b"not a database" * 1000])
def test_a_lost_memory_costs_only_time(data: Path, content: bytes) -> None:
    told(data)
    (data / "verified.db").write_bytes(content)
    summary = verify(data, lambda problem: None, today=TODAY)
    assert (summary.verified, summary.problems) == (2, 0)


def _remembered(data: Path, begin: int = 0) -> Turns:
    """A memory of 300 files more, that takes some pages of its file."""
    turns = Turns(data / "verified.db", Shelf(str(data)))
    for one in _kept(begin + 300)[begin:]:
        turns.keep("warc", one, "a" * 64, TODAY, is_sound=True)
    return turns


def test_a_memory_with_a_hole_is_begun_anew(data: Path) -> None:
    with _remembered(data) as turns:
        assert len(turns.known("warc")) == 300
    path = data / "verified.db"
    raw = path.read_bytes()
    assert len(raw) > 12_288
    path.write_bytes(raw[:8_192] + b"\xff" * 4_096 + raw[12_288:])
    assert told(data) == []


def test_a_disk_that_fills_up_costs_the_memory_and_not_the_round(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _remembered(data).__exit__()
    connect = sqlite3.connect

    def full(path: Path | str, **options: Any) -> sqlite3.Connection:
        db = connect(path, **options)
        if path == data / "verified.db":
            (pages,) = db.execute("pragma page_count").fetchone()
            db.execute(f"pragma max_page_count = {pages}")
        return db

    monkeypatch.setattr(sqlite3, "connect", full)
    with _remembered(data, 300) as turns:
        assert len(turns.known("warc")) == 600
    monkeypatch.undo()
    with Turns(data / "verified.db", Shelf(str(data))) as turns:
        assert 300 <= len(turns.known("warc")) < 600


def test_many_problems_of_a_kind_end_in_a_number() -> None:
    many = [Problem("kind", f"warc/x at {n}", "what", "why", "remedy") for n in range(50)]
    said = list(bounded(many, most=20))
    assert said[:20] == many[:20]
    assert (len(said), said[20].where, said[20].what) == (21, "warc/x", "30 more like the last")


# --- the command ----------------------------------------------------------------------------------


def _run(*words: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(main, ["verify", *words])
    return result.exit_code, result.output.splitlines()


def test_the_command_says_one_line_when_all_is_in_order(data: Path) -> None:
    code, lines = _run("--data", str(data), "--all", "--workers", "0")
    assert code == 0
    assert lines == ["all in order: verified 11 captures in 2 of 2 segments"]


def test_the_command_lists_what_is_off_and_exits_with_1(data: Path) -> None:
    (data / "warc" / SECOND).unlink()
    code, lines = _run("--data", str(data), "--all", "--workers", "0")
    assert code == 1
    assert len(lines) == 2
    assert lines[0].startswith(f"warc/{SECOND}: the segment is gone (the archive has ")
    assert lines[1].startswith("1 problems")
    code, lines = _run("--data", str(data), "--all", "--workers", "0", "--json")
    assert code == 1
    problem, summary = map(json.loads, lines)
    assert (problem["kind"], problem["where"]) == ("segment-missing", f"warc/{SECOND}")
    assert summary["problems"] == 1


def test_processes_find_the_same(data: Path) -> None:
    start, _, _ = answers(data, FIRST)[-1]
    rewrite(data, FIRST, lambda raw: raw.__delitem__(slice(start + 20, None)))
    code, lines = _run("--data", str(data), "--all", "--workers", "2", "--json")
    assert code == 1
    assert [json.loads(line)["where"] for line in lines[:-1]] == [at(FIRST, start)]


def test_captures_may_lie_elsewhere(data: Path, tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    shutil.move(data / "warc", tmp_path / "away" / "warc")
    code, lines = _run("--data", str(data), "--all", "--workers", "0")
    assert (code, len(lines)) == (1, 3)
    code, lines = _run("--data", str(data), "--captures", f"file://{tmp_path}/away", "--all")
    assert (code, len(lines)) == (0, 1)
