"""Lines of the crawl: the last of a night holds, what cannot be read is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archive.sightings import Sighting, describe_portals, pages, read_sightings

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


def test_the_last_line_of_a_night_holds(tmp_path: Path) -> None:
    later = {"seen_at": "2026-11-21T15:00:00Z"}
    lay(
        tmp_path,
        REPORT | later,
        PORTAL | later | {"state": "ok"},
        PORTAL,
        REPORT | {"verdict": "error"},
    )
    lines = read_sightings(tmp_path)
    assert [line.verdict for line in lines.reports] == ["ok"]
    assert [line["state"] for line in lines.portals] == ["ok"]


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
        {name: value for name, value in REPORT.items() if name != "verdict"},
    ],
)
def test_a_line_that_cannot_be_read_is_told(tmp_path: Path, line: dict[str, Any] | str) -> None:
    lines = read_sightings(lay(tmp_path, PORTAL, line, REPORT))
    assert lines.bad == ["a.jsonl line 2"]
    assert (len(lines.portals), len(lines.reports)) == (1, 1)


def test_open_files_are_left_alone(tmp_path: Path) -> None:
    lay(tmp_path, REPORT)
    (tmp_path / "sightings" / "a.jsonl").rename(tmp_path / "sightings" / "a.jsonl.open")
    assert read_sightings(tmp_path).reports == []


def test_portals_are_as_last_described(tmp_path: Path) -> None:
    lay(
        tmp_path,
        PORTAL | {"night": "2026-11-22", "name": "朔州市政府"},
        PORTAL | {"state": "ok"},
        REPORT | {"portal_id": "unknown"},
    )
    portals = describe_portals(read_sightings(tmp_path))
    assert (portals["shuozhou"].name, portals["shuozhou"].state) == ("朔州市政府", "error")
    assert portals["shuozhou"].last_ok == "2026-11-21"
    assert portals["unknown"].division == ""


def test_attachments_lie_with_their_page() -> None:
    page = Sighting("2026-11-21", "2026-11-21T14:00:00Z", "p", "http://a/1.html")
    file = Sighting(
        *("2026-11-21", "2026-11-21T14:00:01Z", "p", "http://a/1.pdf"),
        role="attachment",
        report_url="http://a/1.html",
    )
    alone = Sighting(
        *("2026-11-21", "2026-11-21T14:00:01Z", "p", "http://a/2.pdf"), role="attachment"
    )
    found = pages([file, alone, page])
    assert found["http://a/1.html"].attachments == {"http://a/1.pdf": [file]}
    assert found["http://a/2.pdf"].page == [alone]


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


def test_the_last_visit_of_a_portal_and_night_holds(tmp_path: Path) -> None:
    """Within a second the one with more requests is the later: counts only grow."""
    later = {"seen_at": "2026-11-21T15:00:00Z"}
    lay(
        tmp_path,
        VISIT | {"night": "2026-11-22", "requests": 9},
        VISIT | later | {"requests": 100},
        VISIT | later | {"requests": 99},
        VISIT | {"requests": 500},
    )
    lines = read_sightings(tmp_path)
    assert [(visit["night"], visit["requests"]) for visit in lines.visits] == [
        ("2026-11-21", 100),
        ("2026-11-22", 9),
    ]
    first = lines.visits[0]
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
def test_a_visit_that_cannot_be_counted_is_told(tmp_path: Path, wrong: dict[str, Any]) -> None:
    lines = read_sightings(lay(tmp_path, VISIT | wrong, VISIT | {"night": "2026-11-22"}))
    assert lines.bad == ["a.jsonl line 1"]
    assert [visit["night"] for visit in lines.visits] == ["2026-11-22"]


@pytest.mark.parametrize("state", ["needs_browser", "opted_out", "robots", "stopped"])
def test_a_visit_says_how_the_portal_is(tmp_path: Path, state: str) -> None:
    """It stands above what the home page said the same night, below what it says a later one."""
    lay(
        tmp_path,
        PORTAL | {"state": "ok", "seen_at": "2026-11-21T18:00:00Z"},
        VISIT | {"state": state},
        VISIT | {"portal_id": "silent", "state": state},
        VISIT | {"portal_id": "later", "state": state},
        PORTAL | {"id": "later", "night": "2026-11-22"},
    )
    portals = describe_portals(read_sightings(tmp_path))
    assert (portals["shuozhou"].state, portals["shuozhou"].last_ok) == (state, "2026-11-21")
    assert portals["shuozhou"].name == "朔州市人民政府"
    assert (portals["silent"].state, portals["silent"].home_url) == (state, "")
    assert portals["later"].state == "error"
