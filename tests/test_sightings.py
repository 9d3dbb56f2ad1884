"""Lines of the crawl: the last of a night holds, what cannot be read is told."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from archive.intake import IntakeError, take_in
from archive.issuers import Portal
from archive.memory import Memory
from archive.shelf import Shelf

PORTAL = {
    "kind": "portal",
    "night": "2026-11-21",
    "seen_at": "2026-11-21T14:00:00Z",
    "id": "shuozhou",
    "name": "朔州市人民政府",
    "division": "140600",
    "level": "prefecture",
    "home_url": "http://www.a.gov.cn/",
    "state": "error",
}
REPORT = {
    "kind": "report",
    "night": "2026-11-21",
    "seen_at": "2026-11-21T14:00:00Z",
    "portal_id": "shuozhou",
    "url": "http://www.a.gov.cn/2023.html",
    "verdict": "ok",
}


def lay(data: Path, *lines: dict[str, Any] | str) -> Path:
    (data / "sightings").mkdir(exist_ok=True)
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    (data / "sightings" / "a.jsonl").write_text(text, encoding="utf-8")
    return data


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with closing(Memory(tmp_path / "fold.db")) as opened:
        yield opened


def taken(memory: Memory, data: Path) -> dict[str, Portal]:
    """The portals, once the lines of a data folder have been taken in."""
    take_in(Shelf(str(data)), memory, None)
    return memory.describe_portals()


def test_the_last_line_of_a_night_holds(tmp_path: Path, memory: Memory) -> None:
    later = {"seen_at": "2026-11-21T15:00:00Z"}
    lay(
        tmp_path,
        REPORT | later,
        PORTAL | later | {"state": "ok"},
        PORTAL,
        REPORT | {"verdict": "error"},
    )
    portals = taken(memory, tmp_path)
    assert [line.verdict for line in memory.lines_of_page(REPORT["url"])] == ["ok"]
    assert portals["shuozhou"].state == "ok"
    assert memory.home_ok("shuozhou", "2026-11-21")


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "3",
        {"kind": "portal", "night": "2026-11-21", "id": "x", "seen_at": "2026-11-21T14:00:00Z"},
        PORTAL | {"night": 20261121},
        REPORT | {"url": None},
        REPORT | {"title": 2023},
        REPORT | {"digest": ["a"]},
        REPORT | {"status": True},
        REPORT | {"status": 10**30},
        {name: value for name, value in REPORT.items() if name != "verdict"},
    ],
)
def test_a_line_that_cannot_be_read_is_told(
    tmp_path: Path, memory: Memory, line: dict[str, Any] | str
) -> None:
    assert list(taken(memory, lay(tmp_path, PORTAL, line, REPORT))) == ["shuozhou"]
    assert memory.bad_lines() == ["a.jsonl line 2"]
    assert len(memory.lines_of_page(REPORT["url"])) == 1


def test_a_role_that_is_left_open_is_a_page(tmp_path: Path, memory: Memory) -> None:
    """Lines of one second are told apart by all they say, roles too."""
    lay(tmp_path, REPORT | {"role": None}, REPORT | {"role": "page", "title": "a"})
    taken(memory, tmp_path)
    (line,) = memory.lines_of_page(REPORT["url"])
    assert (line.role, line.title) == ("page", "a")


def test_open_files_are_left_alone(tmp_path: Path, memory: Memory) -> None:
    lay(tmp_path, REPORT)
    (tmp_path / "sightings" / "a.jsonl").rename(tmp_path / "sightings" / "a.jsonl.open")
    assert taken(memory, tmp_path) == {}


def test_portals_are_as_last_described(tmp_path: Path, memory: Memory) -> None:
    lay(
        tmp_path,
        PORTAL | {"night": "2026-11-22", "name": "朔州市政府"},
        PORTAL | {"state": "ok"},
        REPORT | {"portal_id": "unknown"},
    )
    portals = taken(memory, tmp_path)
    assert (portals["shuozhou"].name, portals["shuozhou"].state) == ("朔州市政府", "error")
    assert portals["shuozhou"].last_ok == "2026-11-21"
    assert portals["unknown"].division == ""


def test_attachments_lie_with_their_page(tmp_path: Path, memory: Memory) -> None:
    page = "http://a/1.html"
    lay(
        tmp_path,
        REPORT | {"url": page},
        REPORT | {"url": "http://a/1.pdf", "role": "attachment", "report_url": page},
        REPORT | {"url": "http://a/2.pdf", "role": "attachment"},
    )
    taken(memory, tmp_path)
    assert {line.url for line in memory.lines_of_page(page)} == {page, "http://a/1.pdf"}
    assert [line.page for line in memory.lines_of_page("http://a/2.pdf")] == ["http://a/2.pdf"]


def test_a_file_that_has_changed_is_refused_unless_the_loss_is_accepted(
    tmp_path: Path, memory: Memory
) -> None:
    shelf = Shelf(str(tmp_path))
    lay(tmp_path, PORTAL, REPORT | {"url": "http://a/1.html"})
    taken(memory, tmp_path)
    lay(tmp_path, PORTAL | {"name": "大同市人民政府"}, REPORT | {"url": "http://a/22.html"})
    with pytest.raises(IntakeError, match=r"a\.jsonl had \d+ bytes of SHA-256 .*never changes"):
        take_in(shelf, memory, None)
    assert len(memory.lines_of_page("http://a/1.html")) == 1
    take_in(shelf, memory, None, accept_loss=True)
    assert memory.describe_portals()["shuozhou"].name == "大同市人民政府"
    assert memory.lines_of_page("http://a/1.html") == []
    assert len(memory.lines_of_page("http://a/22.html")) == 1


def test_a_file_that_was_only_touched_is_as_it_was(tmp_path: Path, memory: Memory) -> None:
    lay(tmp_path, PORTAL, REPORT)
    taken(memory, tmp_path)
    with memory.transaction():
        memory.done()
    os.utime(tmp_path / "sightings" / "a.jsonl", ns=(1, 1))
    taken(memory, tmp_path)
    assert not memory.is_due()


def test_a_folder_that_is_empty_of_a_sudden_is_refused(tmp_path: Path, memory: Memory) -> None:
    lay(tmp_path, PORTAL)
    taken(memory, tmp_path)
    (tmp_path / "sightings" / "a.jsonl").unlink()
    with pytest.raises(IntakeError, match=r"sightings is empty, and held 1 files.*--accept-loss"):
        taken(memory, tmp_path)
    take_in(Shelf(str(tmp_path)), memory, None, accept_loss=True)
    assert memory.describe_portals() == {}


VISIT = {
    "kind": "visit",
    "night": "2026-11-21",
    "seen_at": "2026-11-21T14:00:00Z",
    "portal_id": "shuozhou",
    "state": "ok",
    "requests": 40,
    "bytes": 123456,
    "new": 3,
    "seconds": 120,
}


def test_the_last_visit_of_a_portal_and_night_holds(tmp_path: Path, memory: Memory) -> None:
    """Within a second the one with more requests is the later: counts only grow."""
    later = {"seen_at": "2026-11-21T15:00:00Z"}
    lay(
        tmp_path,
        VISIT | {"night": "2026-11-22", "requests": 9},
        VISIT | later | {"requests": 100},
        VISIT | later | {"requests": 99},
        VISIT | {"requests": 500},
    )
    taken(memory, tmp_path)
    first, second = memory.visit_rows()
    assert [(visit["night"], visit["requests"]) for visit in (first, second)] == [
        ("2026-11-21", 100),
        ("2026-11-22", 9),
    ]
    assert (first["new"], first["seconds"], first["edited"]) == (3, 120.0, None)
    assert "kind" not in first


@pytest.mark.parametrize(
    "wrong",
    [
        {"requests": -1},
        {"requests": "40"},
        {"requests": 1.5},
        {"bytes": True},
        {"bytes": 2**53 + 1},
        {"seconds": "long"},
        {"seconds": -0.1},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"state": None},
        {"portal_id": ""},
    ],
)
def test_a_visit_that_cannot_be_counted_is_told(
    tmp_path: Path, memory: Memory, wrong: dict[str, Any]
) -> None:
    taken(memory, lay(tmp_path, VISIT | wrong, VISIT | {"night": "2026-11-22"}))
    assert memory.bad_lines() == ["a.jsonl line 1"]
    assert [visit["night"] for visit in memory.visit_rows()] == ["2026-11-22"]


@pytest.mark.parametrize("state", ["needs_browser", "opted_out", "robots", "stopped"])
def test_a_visit_says_how_the_portal_is(tmp_path: Path, memory: Memory, state: str) -> None:
    """It stands above what the home page said the same night, below what it says a later one."""
    lay(
        tmp_path,
        PORTAL | {"state": "ok", "seen_at": "2026-11-21T18:00:00Z"},
        VISIT | {"state": state},
        VISIT | {"portal_id": "silent", "state": state},
        VISIT | {"portal_id": "later", "state": state},
        PORTAL | {"id": "later", "night": "2026-11-22"},
    )
    portals = taken(memory, tmp_path)
    assert (portals["shuozhou"].state, portals["shuozhou"].last_ok) == (state, "2026-11-21")
    assert portals["shuozhou"].name == "朔州市人民政府"
    assert (portals["silent"].state, portals["silent"].home_url) == (state, "")
    assert portals["later"].state == "error"
