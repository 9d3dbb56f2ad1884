"""The measurements of the site: that they run, that their sums are right, their checks can fail."""

from __future__ import annotations

import random
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from archive.build import ARCHIVE
from tests import bench_site
from tests.bench_site import Answer, Client, Measured, Server

REPORTS = 100
PAGE = Answer(200, "<p>北京市东城区教育局</p>".encode(), 'W/"1"', 1.0)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what servers take")


# --- sums -----------------------------------------------------------------------------------------


def test_p95_is_the_least_value_that_95_of_100_do_not_exceed() -> None:
    assert bench_site.p95([7.0]) == 7.0
    # 95 % of 20 are 19.
    assert bench_site.p95(range(20, 0, -1)) == 19
    # 95 % of 21 are 19.95: the twentieth.
    assert bench_site.p95(range(1, 22)) == 20
    assert bench_site.p95(range(1, 101)) == 95


def test_ratios_are_of_what_was_measured_side_by_side() -> None:
    # 10 / 5, 9 / 1, 8 / 2: 2, 9 and 4.
    assert bench_site.ratio([10.0, 9.0, 8.0], [5.0, 1.0, 2.0]) == 4.0


def test_growth_is_of_p95_from_the_smallest_archive_to_the_largest() -> None:
    measured = {
        (10, "site"): Measured(clock=[2.0], processor=[1.0]),
        (100, "site"): Measured(clock=[9.0], processor=[9.0]),
        (1000, "site"): Measured(clock=[5.0], processor=[3.0]),
    }
    assert bench_site.grown(measured, "site") == (2.5, 3.0)


# --- checks that can fail -------------------------------------------------------------------------


def test_an_answer_that_is_not_the_page_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bench_site.faults_of("/r/a", PAGE, "北京市东城区教育局") == []
    assert bench_site.faults_of("/r/a", PAGE, "教育厅") == ["/r/a: does not show 教育厅"]
    assert bench_site.faults_of("/r/a", replace(PAGE, status=500)) == ["/r/a: status 500"]
    (waits,) = bench_site.faults_of("/", replace(PAGE, body=b"&lt;coroutine object x&gt;"))
    assert waits == "/: its template calls what must be awaited"
    monkeypatch.setattr(bench_site, "LARGEST_PAGE", 33)
    # Nine characters of three bytes, and <p></p>: 34.
    assert bench_site.faults_of("/r/a", PAGE) == ["/r/a: 34 bytes, more than 33"]


def test_hits_other_than_a_scans_are_told() -> None:
    assert bench_site.differing("申请", {"a", "b"}, True, {"a", "b"}) == []
    assert bench_site.differing("申请", {"a"}, False, {"a", "b"}) == []
    assert bench_site.differing("申请", {"a", "c"}, True, {"a"}) == [
        "申请: search finds c, a scan does not (1 such)"
    ]
    assert bench_site.differing("申请", {"a"}, True, {"a", "b", "c"}, "110101") == [
        "申请 in 110101: a scan finds b, search does not (2 such)"
    ]
    assert bench_site.differing("申请", {"a"}, False, {"a"}) == [
        "申请: search says there are more than its 1 hits, a scan has none"
    ]


# --- a whole run ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = tmp_path_factory.mktemp("kept")
    bench_site.published(kept, REPORTS)
    return kept


def test_a_run_tells_of_every_page_and_finds_nothing_wrong(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("CROWD", 4), ("TURNS", 1), ("SCANNED_WORDS", 6), ("WARM", 2)):
        monkeypatch.setattr(bench_site, name, value)
    told = StringIO()
    faults = bench_site.run(Console(file=told, width=200), folder, [REPORTS], 5, 12)
    assert faults == []
    for page in ("home", "body", "report", "compare 4 bodies", "coverage", "search"):
        assert page in told.getvalue()
    assert "hits of 6 words" in told.getvalue()


def test_words_are_pairs_of_characters_that_the_texts_say(folder: Path) -> None:
    with closing(bench_site.reading(folder / str(REPORTS) / "site")) as db:
        words = bench_site.words_of(db, random.Random(1), 40)
        found = bench_site.scanned(db, words)
    assert all(len(word) == 2 for word in words)
    assert min(map(len, found.values())) >= 1
    # Rare ones as well as common ones.
    assert min(map(len, found.values())) < REPORTS / 5
    assert max(map(len, found.values())) > REPORTS / 2


@pytest.fixture
def stale(folder: Path, tmp_path: Path) -> Iterator[tuple[Path, Server]]:
    """A site whose search index does not know what one of its reports says."""
    site = tmp_path / "1" / "site"
    shutil.copytree(folder / str(REPORTS) / "site", site)
    with closing(sqlite3.connect(site / ARCHIVE)) as db:
        db.execute("update sections set text = text || '龘靐' where rowid = 1")
        db.commit()
    command = [str(Path(sys.executable).with_name("datasette")), "serve", str(site)]
    with bench_site.serving(command, tmp_path, tmp_path / "log") as server:
        yield site, server


def test_a_search_that_misses_a_report_is_told(stale: tuple[Path, Server]) -> None:
    site, server = stale
    counts, faults = bench_site.compared(server, site, ["龘靐"], random.Random(1))
    assert counts == {"龘靐": 1}
    assert [fault.partition(" (")[0].partition(" finds ")[0] for fault in faults] == [
        "龘靐: a scan",
        "龘靐 in 110101: a scan",
    ]


def test_processor_time_is_the_servers(stale: tuple[Path, Server]) -> None:
    _, server = stale
    before = server.used()
    with closing(Client(server.port)) as client:
        assert client.get("/").status == 200
    assert server.used() - before > 0


def test_a_snapshot_of_another_program_is_made_again(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / str(REPORTS)
    shutil.copytree(folder / str(REPORTS), data, symlinks=True)
    with closing(sqlite3.connect(data / "site" / ARCHIVE)) as db:
        db.execute("drop table coverage")
        db.commit()
    site = bench_site.published(tmp_path, REPORTS)
    with closing(bench_site.reading(site)) as db:
        assert db.execute("select count(*) from coverage").fetchone() == (REPORTS,)
