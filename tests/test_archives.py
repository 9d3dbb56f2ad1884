"""The generator of large archives: what it makes is what it says, and stands where archives do."""

from __future__ import annotations

import dataclasses
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from archive.build import build
from archive.files import Part
from archive.model import Evidence, Reading, Verdict
from archive.publish import publish
from archive.read import read_report
from archive.verify.problems import Problem
from archive.verify.rounds import verify
from tests.archives import YEARS, Nights, fill, made, nth, reading_of

# Two patterns, each with a year of either form of tables and one of none: the last office of a
# county and the first of the next, by number.
NUMBERS = (394, 398, 399, 400, 405, 408)
EVERY_REPORT = 2847 * 40 * 10


def read(number: int, edition: int = 0, counter: int = 0) -> Reading:
    one = nth(number)
    evidence = Evidence(listed_title=one.title, portal_name=f"{one.place}人民政府")
    return read_report([Part(one.page(edition, counter))], evidence)


def test_reports_are_numbered_by_county_office_and_year() -> None:
    first, last = nth(0), nth(EVERY_REPORT - 1)
    # GB/T 2260: the first county-level division is 北京市东城区, 110101; those of 新疆 come last.
    assert (first.issuer, first.code, first.year) == (
        "北京市东城区发展和改革委员会",
        "110101",
        2025,
    )
    assert first.title == "北京市东城区发展和改革委员会2025年政府信息公开工作年度报告"
    assert (last.code[:2], last.year) == ("65", 2016)
    with pytest.raises(IndexError):
        nth(EVERY_REPORT)
    reports = list(made(800))
    assert len({one.url for one in reports}) == 800
    assert len({(one.issuer, one.year) for one in reports}) == 800
    assert {one.code for one in reports} == {"110101", "110102"}


def test_a_body_has_one_pattern_in_all_years_so_that_its_figures_are_carried() -> None:
    patterns = [[nth(body * 10 + year).pattern for year in range(10)] for body in range(30)]
    assert all(len(set(of_body)) == 1 for of_body in patterns)
    assert len({of_body[0] for of_body in patterns}) == 24


@pytest.mark.parametrize("number", NUMBERS)
def test_a_page_is_read_as_the_report_it_is_and_all_its_identities_hold(number: int) -> None:
    one, reading = nth(number), read(number)
    assert reading.is_report
    assert (reading.issuer, reading.year) == (one.issuer, one.year)
    assert (reading.title, reading.published_on) == (one.title, f"{one.year + 1}-01-20")
    assert {finding.verdict for finding in reading.findings} <= {Verdict.PASS}
    # The forms of 2014 and before have no tables: nothing to check.
    assert bool(reading.findings) == (one.year >= 2019)
    assert (reading.flags, reading.unused) == ((), ())


@pytest.mark.parametrize("number", NUMBERS)
def test_editions_differ_in_content_and_counters_do_not(number: int) -> None:
    first, second = read(number), read(number, edition=1)
    assert first.content_digest == read(number, counter=77).content_digest
    assert first.content_digest == read(number, edition=2).content_digest
    assert first.content_digest != second.content_digest
    if nth(number).year < 2019:
        assert [section.text for section in first.sections] != [
            section.text for section in second.sections
        ]
        return
    # One request more by a natural person, granted: three rows of two columns.
    more = {
        f"requests.{row}.{column}"
        for row in ("received_new", "granted", "concluded_total")
        for column in ("natural_person", "total")
    }
    differing = {key for key in first.cells if first.cells[key] != second.cells[key]}
    assert differing == more
    assert all(int(second.cells[key] or 0) - int(first.cells[key] or 0) == 1 for key in more)
    assert {finding.verdict for finding in second.findings} == {Verdict.PASS}


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("edition", [0, 1])
def test_a_reading_made_up_equals_the_reader_s_but_for_the_digest(
    number: int, edition: int
) -> None:
    made_up, real = reading_of(nth(number), edition), read(number, edition)
    assert made_up.content_digest != reading_of(nth(number), 1 - edition).content_digest
    assert dataclasses.replace(made_up, content_digest=real.content_digest) == real


def test_nights_make_the_captures_they_say_and_the_archive_the_versions(tmp_path: Path) -> None:
    crawl = Nights(tmp_path, 40)
    assert crawl.crawl() == 40
    # Of 40 reports 20 are asked again, and 10 of those have changed.
    assert crawl.crawl(asked=0.5, changed=0.5) == 20
    summary = build(tmp_path, workers=0)
    assert (summary.reports, summary.issuers, summary.portals) == (40, 4, 1)
    assert (summary.captures, summary.sightings) == (60, 60)
    assert (summary.versions, summary.read, summary.failed) == (50, 50, 0)
    assert (summary.damages, summary.bad_lines, summary.waiting) == ([], [], 0)
    assert counted(tmp_path, "kind", "events") == {"new": 40, "edited": 10}
    assert counted(tmp_path, "record_type", "captures") == {"response": 50, "revisit": 10}
    assert told_by(tmp_path) == set()


def test_figures_are_carried_from_year_to_year(tmp_path: Path) -> None:
    Nights(tmp_path, 40).crawl()
    build(tmp_path, workers=0)
    # Four bodies with the forms of 2019 to 2025: six times a year after one with tables.
    carried = "findings where rule = 'XYEAR.carried.total'"
    assert counted(tmp_path, "verdict", carried) == {"pass": 24}
    # There is no report of the whole district to compare its offices with.
    others = "findings where rule != 'HIER.sum'"
    assert counted(tmp_path, "verdict", others).keys() == {"pass"}


def counted(data: Path, column: str, rows: str) -> dict[str, int]:
    with closing(sqlite3.connect(data / "nianbao.db")) as db:
        return dict(db.execute(f"select {column}, count(*) from {rows} group by 1").fetchall())


def told_by(data: Path) -> set[str]:
    problems: list[Problem] = []
    verify(data, problems.append, everything=True, today=date(2026, 11, 22))
    return {problem.kind for problem in problems if not problem.is_note}


def test_rows_without_captures_are_published_and_verified_all_but_the_segment(
    tmp_path: Path,
) -> None:
    fill(tmp_path / "nianbao.db", 60)
    assert told_by(tmp_path) == {"segment-missing"}
    assert publish(tmp_path).documents == 60
    with closing(sqlite3.connect(tmp_path / "site" / "nianbao.db")) as db:
        (versions,) = db.execute("select count(*) from versions").fetchone()
        years = [year for (year,) in db.execute("select distinct year from reports order by 1")]
        names = {name for (name,) in db.execute("select name from issuers")}
    assert versions == 60
    assert years == sorted(YEARS)
    assert len(names) == 6
    assert names == {one.issuer for one in made(60)}


def test_the_same_night_of_the_same_reports_is_the_same(tmp_path: Path) -> None:
    seen = []
    for name in ("one", "two"):
        crawl = Nights(tmp_path / name, 20)
        crawl.crawl()
        crawl.crawl(asked=0.5, changed=0.2)
        lines = sorted((tmp_path / name / "sightings").iterdir())
        seen.append([line for file in lines for line in file.read_text("utf-8").splitlines()])
    assert sorted(seen[0]) == sorted(seen[1])
