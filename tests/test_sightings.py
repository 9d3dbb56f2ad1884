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
