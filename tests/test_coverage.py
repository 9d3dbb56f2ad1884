"""Which years a body is held to, what became of each report, and what the reports add up to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

import pytest
from site_fixture import figures, insert, tables

from archive import coverage, health, measures, national
from archive.counted import Standing, government_of, heads_by_place
from archive.coverage import (
    absent_state,
    due_on,
    due_years,
    latest_due,
    listed_state,
    punctuality,
    report_state,
    very_late_after,
)
from archive.health import reason, standing
from archive.publish import added
from archive.schema import PUBLISHED

# --- deadlines ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("year", "kind", "level", "due"),
    [
        (2019, "department", "county", date(2020, 1, 31)),
        (2023, "department", "central", date(2024, 1, 31)),
        (2023, "office", "prefecture", date(2024, 1, 31)),
        (2023, "vertical", "county", date(2024, 1, 31)),
        (2023, "government", "county", date(2024, 3, 31)),
        (2018, "department", "county", date(2019, 3, 31)),
        (2018, "government", "county", date(2019, 3, 31)),
        # The regulations name no day for these: the later one.
        (2023, "township", "township", date(2024, 3, 31)),
        (2023, "department", "township", date(2024, 3, 31)),
        (2023, "vertical", "township", date(2024, 3, 31)),
        (2023, "public_institution", "county", date(2024, 3, 31)),
        (2023, None, None, date(2024, 3, 31)),
    ],
)
def test_the_deadline_is_that_of_the_law(
    year: int, kind: str | None, level: str | None, due: date
) -> None:
    assert due_on(year, kind, level) == due


@pytest.mark.parametrize(
    ("kind", "scope", "due"),
    [
        ("office", "own_level", date(2024, 3, 31)),
        ("office", "jurisdiction_aggregate", date(2024, 3, 31)),
        ("office", "own_body", date(2024, 1, 31)),
        # With its subordinate bodies, a department is still one.
        ("department", "jurisdiction_aggregate", date(2024, 1, 31)),
    ],
)
def test_an_office_has_its_governments_time_for_its_governments_report(
    kind: str, scope: str, due: date
) -> None:
    assert due_on(2023, kind, "county", scope) == due


def test_two_months_later_is_very_late() -> None:
    assert very_late_after(date(2024, 1, 31)) == date(2024, 3, 31)
    assert very_late_after(date(2024, 3, 31)) == date(2024, 5, 31)


SEEN = "2025-06-01T18:00:00Z"


@pytest.mark.parametrize(
    ("stated", "verdict"),
    [
        ("2024-01-31", "on_time"),
        ("2024-02-01", "late"),
        ("2024-03-31", "late"),
        ("2024-04-01", "very_late"),
        ("2023-12-31", "on_time"),
        # No report on a year is published before its last weeks, none after it was seen.
        ("2023-11-30", "unknown"),
        ("2025-06-03", "unknown"),
        # Seen at 02:00 of the next day in Beijing.
        ("2025-06-02", "very_late"),
        (None, "unknown"),
        ("", "unknown"),
        ("<script>", "unknown"),
    ],
)
def test_on_time_by_the_date_the_page_states(stated: str | None, verdict: str) -> None:
    assert punctuality(stated, date(2024, 1, 31), 2023, SEEN) == verdict


def test_the_latest_year_is_due_the_day_after_its_deadline() -> None:
    assert latest_due("department", "county", date(2024, 1, 31)) == 2022
    assert latest_due("department", "county", date(2024, 2, 1)) == 2023
    assert latest_due("government", "county", date(2024, 2, 1)) == 2022
    assert latest_due("government", "county", date(2024, 4, 1)) == 2023


def test_a_body_is_held_to_the_years_from_its_first_to_the_latest() -> None:
    assert due_years([2019, 2021], 2022, 2024) == [2019, 2020, 2021, 2022]
    assert due_years([2021, 2023], 2022, 2024) == [2021, 2022, 2023]
    assert due_years([], 2022, 2024) == []
    # What cannot be a report's year fills no gap.
    assert due_years([1999, 2022, 2099], 2022, 2024) == [1999, 2022, 2099]
    assert due_years([2007, 2009], 2008, 2024) == [2007, 2009]


# --- states ---------------------------------------------------------------------------------------

PLAIN = {"status": "live", "numbers_read": 200, "ocr": 0, "unread": 0, "form": "2021",
         "media_type": "text/html", "moved": 0}  # fmt: skip


@pytest.mark.parametrize(
    ("differs", "state"),
    [
        ({}, "published"),
        ({"status": "back"}, "published"),
        ({"status": "moved"}, "moved"),
        # Live again at its new address.
        ({"moved": 1}, "moved"),
        ({"moved": 1, "status": "gone"}, "vanished"),
        ({"status": "gone", "media_type": "image/png"}, "vanished"),
        ({"status": "suspect", "numbers_read": 0}, "suspect"),
        ({"media_type": "image/png"}, "image_only"),
        ({"media_type": "application/pdf", "ocr": 200}, "image_only"),
        ({"media_type": "application/pdf", "ocr": 199}, "published"),
        ({"status": "moved", "media_type": "image/png"}, "image_only"),
        ({"numbers_read": 0}, "unreadable"),
        ({"numbers_read": 0, "form": "narrative"}, "published"),
        ({"numbers_read": 0, "form": "narrative", "unread": 1}, "unreadable"),
        ({"numbers_read": None, "form": None, "media_type": None}, "published"),
    ],
)
def test_the_state_of_a_report_that_is_here(differs: dict[str, Any], state: str) -> None:
    assert report_state(PLAIN | differs) == state


@pytest.mark.parametrize(
    ("verdict", "reason", "state"),
    [
        ("challenge", None, "blocked"),
        ("shell", None, "needs_browser"),
        ("ok", "PDF 损坏或加密，打不开", "unreadable"),
        ("truncated", "应答残缺", "unreadable"),
        ("ok", "图片里没有可读的文字", "image_only"),
        ("ok", "抓取记录尚未归档，待下次构建", "missing"),
        ("ok", None, "missing"),
        ("gone", None, "missing"),
        ("error", "没有应答", "missing"),
    ],
)
def test_the_state_of_a_report_only_a_list_names(
    verdict: str, reason: str | None, state: str
) -> None:
    assert listed_state(verdict, reason) == state


def test_a_portal_closed_since_the_deadline_explains_what_is_absent() -> None:
    due = date(2024, 1, 31)
    assert absent_state("challenge", None, due) == "blocked"
    assert absent_state("opted_out", "2024-01-30", due) == "blocked"
    assert absent_state("shell", "2024-01-30", due) == "needs_browser"
    # It answered after the deadline, and the report was not there.
    assert absent_state("challenge", "2024-01-31", due) == "missing"
    assert absent_state("error", None, due) == "missing"
    assert absent_state("ok", "2024-03-01", due) == "missing"


# --- the tables -----------------------------------------------------------------------------------


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as db:
        tables(db)
        insert(
            db,
            "portals",
            {"id": "a", "name": "甲县人民政府", "division": "140921", "level": "county",
             "home_url": "http://a.example/", "last_ok": "2024-06-01", "state": "ok"},
            {"id": "b", "name": "乙县人民政府", "division": "150921", "level": "county",
             "home_url": "http://b.example/", "last_ok": "2022-06-01", "state": "challenge"},
        )  # fmt: skip
        insert(
            db, "visits", {"portal_id": "a", "night": "2024-06-01", "state": "ok", "requests": 3}
        )
        for issuer, name, kind, portal, level in (
            ("140921-zf", "甲县人民政府", "government", "a", "county"),
            ("140921-jyj", "甲县教育局", "department", "a", "county"),
            ("150921-jyj", "乙县教育局", "department", "b", "county"),
            ("bm-mof", "财政部", "department", None, "central"),
        ):
            insert(
                db,
                "issuers",
                {"id": issuer, "name": name, "kind": kind, "portal_id": portal, "level": level,
                 "division": None if level == "central" else issuer[:6]},
            )  # fmt: skip
        yield db


def add_report(db: sqlite3.Connection, issuer: str, year: int, **more: Any) -> None:
    digest = f"{year:012x}"
    report = f"{issuer}/{year}"
    row = {
        "id": report,
        "issuer_id": issuer,
        "year": year,
        "scope": "own_body",
        "form": "2021",
        "status": "live",
        "current_version": f"{report}/{digest}",
        "published_on": f"{year + 1}-01-20",
        "first_seen": "2024-05-01T18:00:00Z",
    }
    version = {
        "id": f"{report}/{digest}",
        "report_id": report,
        "number": 1,
        "form": "2021",
        "media_type": "text/html",
        "numbers_read": 200,
        "nonzero_cells": 3,
        "published_on": f"{year + 1}-01-20",
    }
    cells = {key: more.pop(key) for key in [*more] if "__" in key}
    for name, value in more.items():
        (version if name in version and name not in row else row)[name] = value
    insert(db, "reports", row)
    insert(db, "versions", version)
    insert(db, "figures", {"version_id": version["id"], **figures("2021", **cells)})


def rows(db: sqlite3.Connection, question: str, *values: Any) -> list[tuple[Any, ...]]:
    return db.execute(question, values).fetchall()


def test_every_year_of_a_body_has_a_row(db: sqlite3.Connection) -> None:
    add_report(db, "140921-jyj", 2020)
    add_report(db, "140921-jyj", 2022, status="gone")
    add_report(db, "150921-jyj", 2020)
    coverage.add(db)
    told = rows(db, "select issuer_id, year, state, on_time, due_on, evidence from coverage")
    health = "/coverage/health?portal="
    assert told == [
        ("140921-jyj", 2020, "published", "on_time", "2021-01-31", "/r/140921-jyj/2020"),
        ("140921-jyj", 2021, "missing", None, "2022-01-31", f"{health}a"),
        ("140921-jyj", 2022, "vanished", "on_time", "2023-01-31", "/r/140921-jyj/2022"),
        ("140921-jyj", 2023, "missing", None, "2024-01-31", f"{health}a"),
        # The portal was open until June of 2022: what was due before is missing, later is blocked.
        ("150921-jyj", 2020, "published", "on_time", "2021-01-31", "/r/150921-jyj/2020"),
        ("150921-jyj", 2021, "missing", None, "2022-01-31", f"{health}b"),
        ("150921-jyj", 2022, "blocked", None, "2023-01-31", f"{health}b"),
        ("150921-jyj", 2023, "blocked", None, "2024-01-31", f"{health}b"),
    ]


def test_the_deadline_is_of_the_body_and_its_report(db: sqlite3.Connection) -> None:
    add_office(db)
    insert(db, "issuers", {"id": "140921-zcs", "name": "甲镇财政所", "kind": "department",
                           "level": "township", "division": "140921"})  # fmt: skip
    for issuer in ("140921-zcs", "140921-jyj", "140921-zfb"):
        scope = "own_level" if issuer == "140921-zfb" else "own_body"
        add_report(db, issuer, 2022, scope=scope)
        db.execute("update versions set published_on = '2023-02-10'")
    coverage.add(db)
    told = rows(db, "select issuer_id, due_on, on_time from coverage where year = 2022")
    assert sorted(told) == [
        ("140921-jyj", "2023-01-31", "late"),
        ("140921-zcs", "2023-03-31", "on_time"),
        ("140921-zfb", "2023-03-31", "on_time"),
    ]
    # Of the year nothing is known of, the office owes what it published last.
    assert rows(
        db, "select due_on from coverage where issuer_id = '140921-zfb' and year = 2023"
    ) == [("2024-03-31",)]


@pytest.mark.parametrize(("scope", "years"), [("own_level", [2022]), ("own_body", [2022, 2023])])
def test_no_office_is_missed_while_its_government_has_time(scope: str, years: list[int]) -> None:
    """On 1 March of 2024 a government's report on 2023 is not due for another month."""
    body = {"id": "140921-zfb", "kind": "office", "level": "county", "division": "140921",
            "portal_id": None, "portal_state": "ok", "portal_last_ok": "2024-03-01"}  # fmt: skip
    report = {"id": "140921-zfb/2022", "year": 2022, "scope": scope, "first_seen": SEEN,
              "published_on": None, "first_published_on": None}  # fmt: skip
    found = coverage.body_rows(body, [PLAIN | report], {}, None, date(2024, 3, 1))
    assert [row["year"] for row in found] == years


def test_the_first_version_says_when_a_report_was_published(db: sqlite3.Connection) -> None:
    add_report(db, "140921-jyj", 2023, published_on="2024-04-20")
    db.execute("update versions set published_on = '2024-01-30'")
    coverage.add(db)
    assert rows(db, "select on_time, published_on from coverage") == [("on_time", "2024-01-30")]


def test_totals_add_up_to_the_bodies(db: sqlite3.Connection) -> None:
    add_report(db, "140921-jyj", 2022)
    add_report(db, "140921-jyj", 2023)
    add_report(db, "150921-jyj", 2023)
    add_report(db, "bm-mof", 2023)
    db.execute("update versions set published_on = '2024-02-20' where report_id = 'bm-mof/2023'")
    coverage.add(db)
    assert rows(
        db, "select year, code, state, bodies, late from coverage_totals where by = 'all'"
    ) == [
        (2022, "all", "published", 1, 0),
        (2023, "all", "published", 3, 1),
    ]
    assert rows(
        db, "select by, code, bodies, late from coverage_totals where year = 2023 and by != 'all'"
    ) == [
        ("level", "central", 1, 1),
        ("level", "county", 2, 0),
        ("portal", "", 1, 1),
        ("portal", "a", 1, 0),
        ("portal", "b", 1, 0),
        ("province", "00", 1, 1),
        ("province", "14", 1, 0),
        ("province", "15", 1, 0),
    ]
    (whole,) = rows(db, "select count(*) from coverage")[0]
    for by in ("all", "province", "level", "portal"):
        assert rows(db, "select sum(bodies) from coverage_totals where by = ?", by) == [(whole,)]


def test_a_list_names_what_could_not_be_read(db: sqlite3.Connection) -> None:
    add_report(db, "140921-jyj", 2022)
    add_report(db, "140921-zf", 2022)
    line = {"portal_id": "a", "night": "2024-06-01", "role": "page"}
    insert(
        db,
        "sightings",
        {**line, "url": "http://a.example/1?x=1&y=2", "verdict": "ok", "reason": "PDF 损坏",
         "title": "甲县教育局2023年政府信息公开工作年度报告"},
        # Without a name it is the report of the site's own body.
        {**line, "url": "http://a.example/2", "verdict": "challenge", "reason": None,
         "title": "2021年政府信息公开工作年度报告"},
        # What is here was read elsewhere; a look-alike and a stranger say nothing.
        {**line, "url": "http://a.example/3", "verdict": "ok", "reason": "PDF 损坏",
         "title": "甲县教育局2022年政府信息公开工作年度报告"},
        {**line, "url": "http://a.example/4", "verdict": "ok", "reason": "不是年报",
         "title": "甲县教育局2020年政府信息公开指南"},
        {**line, "url": "http://a.example/5", "verdict": "ok", "reason": "PDF 损坏",
         "title": "丙县教育局2020年政府信息公开工作年度报告"},
    )  # fmt: skip
    coverage.add(db)
    assert rows(db, "select issuer_id, year, state, evidence from coverage") == [
        ("140921-jyj", 2022, "published", "/r/140921-jyj/2022"),
        ("140921-jyj", 2023, "unreadable",
         "/nianbao/sightings?url=http%3A%2F%2Fa.example%2F1%3Fx%3D1%26y%3D2"),
        ("140921-zf", 2021, "blocked", "/nianbao/sightings?url=http%3A%2F%2Fa.example%2F2"),
        ("140921-zf", 2022, "published", "/r/140921-zf/2022"),
        ("140921-zf", 2023, "missing", "/coverage/health?portal=a"),
    ]  # fmt: skip


def test_a_list_names_a_body_with_more_places_than_its_report_did(db: sqlite3.Connection) -> None:
    add_report(db, "140921-jyj", 2022)
    db.execute("update issuers set name = '定襄县教育局' where id = '140921-jyj'")
    insert(
        db,
        "sightings",
        {"portal_id": "a", "night": "2024-06-01", "role": "page", "url": "http://a.example/1",
         "verdict": "ok", "reason": "PDF 损坏",
         "title": "山西省忻州市定襄县教育局2023年政府信息公开工作年度报告"},
    )  # fmt: skip
    coverage.add(db)
    assert rows(db, "select issuer_id, state from coverage where year = 2023") == [
        ("140921-jyj", "unreadable")
    ]


def test_of_several_sightings_of_an_address_the_last_holds(db: sqlite3.Connection) -> None:
    add_report(db, "140921-jyj", 2022)
    line = {"portal_id": "a", "role": "page", "url": "http://a.example/1",
            "title": "甲县教育局2023年政府信息公开工作年度报告"}  # fmt: skip
    insert(
        db,
        "sightings",
        {**line, "night": "2024-06-01", "verdict": "challenge"},
        {**line, "night": "2024-05-01", "verdict": "ok", "reason": "PDF 损坏"},
    )
    coverage.add(db)
    assert rows(db, "select state from coverage where year = 2023") == [("blocked",)]


def test_a_body_that_ended_owes_nothing_more(db: sqlite3.Connection) -> None:
    add_report(db, "140921-jyj", 2019)
    add_report(db, "150921-jyj", 2019)
    insert(
        db,
        "issuer_links",
        {"issuer_id": "140921-jyj", "relation": "merged_into", "other_name": "甲县教育体育局",
         "on_date": "2021-03-01"},
        {"issuer_id": "150921-x", "relation": "renamed_from", "other_id": "150921-jyj",
         "other_name": "乙县教育局", "on_date": "2020-01-01"},
    )  # fmt: skip
    coverage.add(db)
    assert rows(db, "select issuer_id, year from coverage") == [
        ("140921-jyj", 2019),
        ("140921-jyj", 2020),
        ("150921-jyj", 2019),
    ]


def test_an_attachment_that_cannot_be_read_leaves_a_report_unread(db: sqlite3.Connection) -> None:
    add_report(db, "140921-jyj", 2023, numbers_read=0)
    db.execute("update versions set form = 'narrative'")
    coverage.add(db)
    assert rows(db, "select state from coverage") == [("published",)]
    db.execute("drop table coverage")
    db.execute("drop table coverage_totals")
    insert(
        db,
        "sightings",
        {"url": "http://a.example/1.pdf", "night": "2024-06-01", "role": "attachment",
         "verdict": "ok", "reason": "PDF 损坏", "report_id": "140921-jyj/2023"},
    )  # fmt: skip
    coverage.add(db)
    assert rows(db, "select state, report_id from coverage") == [("unreadable", "140921-jyj/2023")]


def test_an_empty_archive_has_empty_tables() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        tables(db)
        for add in (coverage.add, health.add, measures.add, national.add):
            add(db)
        for name in ("coverage", "coverage_totals", "nights", "portal_health", "national"):
            assert rows(db, f"select count(*) from {name}") == [(0,)]
        assert rows(db, "select number from counts where what = 'reports'") == [(0,)]


def test_a_snapshot_has_every_table_as_it_is_described() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        tables(db)
        for add in added():
            add(db)
        for name, table in PUBLISHED.items():
            columns = rows(db, f"select name, type from pragma_table_info('{name}')")
            assert columns == [(column, spec.type) for column, spec in table.columns.items()], name
            key = rows(db, f"select name from pragma_table_info('{name}') where pk order by pk")
            assert tuple(column for (column,) in key) == table.pk, name
            assert all(spec.description for spec in table.columns.values())


# --- sums -----------------------------------------------------------------------------------------

NEW = "requests__received_new__total"


def sums(db: sqlite3.Connection, field: str = "requests.received_new.total") -> Any:
    db.commit()
    measures.add(db)
    national.add(db)
    return rows(db, "select year, total, bodies from national where field = ?", field)


def counted_by(db: sqlite3.Connection) -> dict[str, str]:
    return dict(rows(db, "select report_id, counted_by from measures where counted_by is not null"))


def add_office(db: sqlite3.Connection, parent: str | None = "140921-zf") -> None:
    insert(db, "issuers", {"id": "140921-zfb", "name": "甲县人民政府办公室", "kind": "office",
                           "level": "county", "division": "140921", "parent_id": parent})  # fmt: skip


def test_sums_leave_out_whole_jurisdictions(db: sqlite3.Connection) -> None:
    add_report(db, "140921-jyj", 2023, **{NEW: 5})
    add_report(db, "150921-jyj", 2023, **{NEW: 7})
    add_report(db, "140921-jyj", 2022, **{NEW: 3})
    add_report(db, "140921-zf", 2023, scope="jurisdiction_aggregate", **{NEW: 100})
    add_report(db, "140921-zf", 2022, scope="unclear", **{NEW: 100})
    assert sums(db) == [(2022, 3, 1), (2023, 12, 2)]


def test_a_governments_own_level_stands_for_its_departments(db: sqlite3.Connection) -> None:
    """With or without a link to the body above; a department elsewhere is another's."""
    add_report(db, "140921-zf", 2023, scope="own_level", **{NEW: 50})
    add_report(db, "140921-jyj", 2023, **{NEW: 5})
    add_report(db, "140921-jyj", 2022, **{NEW: 4})
    add_report(db, "150921-jyj", 2023, **{NEW: 7})
    assert sums(db) == [(2022, 4, 1), (2023, 57, 2)]


def test_numbers_nobody_printed_are_no_zeros(db: sqlite3.Connection) -> None:
    add_report(db, "140921-jyj", 2023, **{NEW: None})
    add_report(db, "150921-jyj", 2023, **{NEW: 7})
    assert sums(db) == [(2023, 7, 1)]


def test_doubtful_versions_and_misread_cells_are_left_out(db: sqlite3.Connection) -> None:
    add_report(db, "140921-jyj", 2023, **{NEW: 5})
    add_report(db, "150921-jyj", 2023, **{NEW: 7000})
    add_report(db, "bm-mof", 2023, **{NEW: 11})
    db.execute("update versions set flags = '疑似仿冒' where report_id = 'bm-mof/2023'")
    (version,) = rows(db, "select id from versions where report_id = '150921-jyj/2023'")[0]
    finding = {"version_id": version, "rule": "x", "verdict": "fail", "blame": "parser"}
    insert(
        db,
        "findings",
        {**finding, "position": 1, "cells": '["requests.received_new.total"]'},
        {**finding, "position": 2, "cells": '["requests.received_new.total"]'},
        {**finding, "position": 3, "cells": '["requests.granted.total"]', "blame": "publisher"},
    )
    assert sums(db) == [(2023, 5, 1)]
    assert rows(db, "select bodies from national where field = 'requests.granted.total'") == [(2,)]


@pytest.mark.parametrize(
    "fault", ["flags = '疑似仿冒'", "nonzero_cells = 0", "nonzero_cells = null"]
)
def test_a_report_that_counts_for_nothing_silences_nobody(
    db: sqlite3.Connection, fault: str
) -> None:
    add_report(db, "140921-zf", 2023, scope="own_level", **{NEW: 0})
    add_report(db, "140921-jyj", 2023, **{NEW: 5})
    db.execute(f"update versions set {fault} where report_id = '140921-zf/2023'")
    ((_, total, _),) = sums(db)
    assert total == 5
    assert counted_by(db) == {}


def test_an_office_speaks_for_the_level_where_its_government_does_not(
    db: sqlite3.Connection,
) -> None:
    add_office(db)
    # Of 2023 both speak, of 2022 the office alone, of 2021 it counts itself.
    add_report(db, "140921-zf", 2023, scope="own_level", **{NEW: 50})
    add_report(db, "140921-zfb", 2023, scope="own_level", **{NEW: 50})
    add_report(db, "140921-zfb", 2022, scope="own_level", **{NEW: 40})
    add_report(db, "140921-zfb", 2021, **{NEW: 3})
    for year in (2021, 2022, 2023):
        add_report(db, "140921-jyj", year, **{NEW: 5})
    assert sums(db) == [(2021, 8, 2), (2022, 40, 1), (2023, 50, 1)]
    assert counted_by(db) == {
        "140921-zfb/2023": "140921-zf",
        "140921-jyj/2023": "140921-zf",
        "140921-zfb/2022": "140921-zf",
        "140921-jyj/2022": "140921-zf",
    }


def test_a_government_that_counts_itself_alone_is_in_the_level_its_office_tells(
    db: sqlite3.Connection,
) -> None:
    add_office(db)
    add_report(db, "140921-zf", 2023, **{NEW: 9})
    add_report(db, "140921-zfb", 2023, scope="own_level", **{NEW: 40})
    add_report(db, "140921-zf", 2022, **{NEW: 8})
    assert sums(db) == [(2022, 8, 1), (2023, 40, 1)]
    assert counted_by(db) == {"140921-zf/2023": "140921-zf", "140921-zfb/2023": "140921-zf"}


def test_a_doubtful_report_of_a_government_leaves_the_level_to_its_office(
    db: sqlite3.Connection,
) -> None:
    add_office(db)
    add_report(db, "140921-zf", 2023, scope="own_level", **{NEW: 5000})
    db.execute("update versions set flags = '疑似仿冒'")
    add_report(db, "140921-zfb", 2023, scope="own_level", **{NEW: 50})
    add_report(db, "140921-jyj", 2023, **{NEW: 5})
    assert sums(db) == [(2023, 50, 1)]


def test_an_office_speaks_for_a_government_the_archive_does_not_know(
    db: sqlite3.Connection,
) -> None:
    db.execute("delete from issuers where id = '140921-zf'")
    add_office(db, None)
    add_report(db, "140921-zfb", 2023, scope="own_level", **{NEW: 50})
    add_report(db, "140921-jyj", 2023, **{NEW: 5})
    add_report(db, "150921-jyj", 2023, **{NEW: 7})
    assert sums(db) == [(2023, 57, 2)]
    assert counted_by(db) == {"140921-jyj/2023": "140921-zfb"}


def test_whose_level_a_body_is_of() -> None:
    here, there = ("140921", "county"), ("150921", "county")
    bodies = {
        "zf": Standing("government", None, here),
        "zfb": Standing("office", "zf", here),
        "jyj": Standing("department", "zf", here),
        "jys": Standing("public_institution", "jyj", here),
        "kfq": Standing("functional_zone", "zf", here),
        "kfq-jyj": Standing("department", "kfq", here),
        "xiang": Standing("township", "zf", here),
        "swj": Standing("vertical", None, here),
        "csj": Standing("department", None, here),
        "elsewhere": Standing("department", None, there),
        "ring": Standing("department", "gnir", there),
        "gnir": Standing("department", "ring", there),
        "lost": Standing("department", "nobody", there),
    }
    heads = heads_by_place(bodies)
    assert heads == {here: "zf"}
    assert {name: above for name in bodies if (above := government_of(name, bodies, heads))} == {
        "zfb": "zf", "jyj": "zf", "jys": "zf", "kfq-jyj": "kfq", "csj": "zf",
    }  # fmt: skip


# --- the crawl ------------------------------------------------------------------------------------


def visit(night: str, state: str, **more: Any) -> dict[str, Any]:
    row = {"night": night, "state": state, "requests": 40, "lists": 4, "listed": 100, "reports": 9,
           "new": 0, "edited": 0, "blocked": 0, "failed": 0, "saved": 50}  # fmt: skip
    return row | more


def test_a_silent_portal_is_counted_from_its_last_answer() -> None:
    found = standing(
        [
            visit("2024-06-01", "ok"),
            visit("2024-06-02", "error"),
            visit("2024-06-03", "challenge"),
            visit("2024-06-05", "challenge", blocked=3),
        ]
    )
    assert (found["state"], found["since"], found["last_ok"]) == (
        "challenge",
        "2024-06-03",
        "2024-06-01",
    )
    assert (found["silent"], found["nights"], found["ok_nights"]) == (3, 4, 1)
    assert found["verdicts"] == '{"challenge": 2, "error": 1, "ok": 1}'


def test_a_portal_that_answers_is_not_silent() -> None:
    found = standing([visit("2024-06-01", "error"), visit("2024-06-02", "ok")])
    assert (found["silent"], found["since"], found["reason"]) == (0, "2024-06-02", None)
    never = standing([visit("2024-06-01", "error"), visit("2024-06-02", "error")])
    assert (never["silent"], never["last_ok"], never["since"]) == (2, None, "2024-06-01")


def test_reasons_are_told_in_words() -> None:
    fine = visit("2024-06-01", "ok")
    assert reason("ok", fine) is None
    assert reason("challenge", fine) == "首页应答为验证页，未能进入"
    assert reason("ok", fine | {"blocked": 3, "failed": 1}) == "3 次请求被拦；1 次请求失败"
    # A home page that answers, and nothing behind it.
    assert reason("ok", fine | {"lists": 0, "reports": 0, "saved": 0}) == "没有年报列表应答"
    assert reason("ok", fine | {"lists": 0, "reports": 0}) is None
    assert reason("odd", fine) == "状态为 odd"
    assert reason(None, fine) == "尚未抓取"


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("ok", None),
        ("challenge", "首页应答为验证页，未能进入"),
        ("not_modified", "状态为 not_modified"),
        (None, "尚未抓取"),
    ],
)
def test_a_portal_without_nights_has_the_state_of_its_home_page(
    db: sqlite3.Connection, state: str | None, told: str | None
) -> None:
    """A crawl that wrote no visits has asked all the same."""
    db.execute("update portals set state = ? where id = 'b'", (state,))
    health.add(db)
    assert rows(db, "select state, nights, reason from portal_health where portal_id = 'b'") == [
        (state, 0, told)
    ]


def test_nights_portals_and_counts(db: sqlite3.Connection) -> None:
    add_report(db, "140921-jyj", 2023, status="gone")
    insert(
        db,
        "visits",
        {"portal_id": "b", "night": "2024-06-01", "state": "challenge", "requests": 2,
         "blocked": 2},
        {"portal_id": "a", "night": "2024-06-02", "state": "ok", "requests": 5},
    )  # fmt: skip
    health.add(db)
    assert rows(db, "select night, portals, answered, requests, blocked from nights") == [
        ("2024-06-01", 2, 1, 5, 2),
        ("2024-06-02", 1, 1, 5, None),
    ]
    assert rows(db, "select portal_id, state, silent, last_ok, province from portal_health") == [
        ("a", "ok", 0, "2024-06-02", "14"),
        # Its home page had answered before these visits were kept.
        ("b", "challenge", 1, "2022-06-01", "15"),
    ]
    known = dict(rows(db, "select what, number from counts"))
    assert (known["portals"], known["silent_portals"], known["vanished"]) == (2, 1, 1)
    assert known["portals_without_reports"] == 2
