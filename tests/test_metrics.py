"""Metrics: values worked out by hand, no value where there can be none, SQL that agrees."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from site_fixture import build_site, insert, tables

from archive import measures, metrics
from archive.form import HERE, PRINTED
from archive.measures import repeated_share, sentences
from archive.metrics import METRICS, PARTS, PER_REPORT, Metric, MetricError, Terms
from archive.schema import PUBLISHED

# 青铜峡 2021 and 朔州 2021 as printed, and 宿迁 2024: what the dictionary works out from them.
QINGTONGXIA = {
    "requests.received_new.total": 20,
    "requests.carried_in.total": 0,
    "requests.granted.total": 7,
    "requests.granted_partial.total": 1,
    "requests.unavailable_not_held.total": 5,
    "requests.unavailable_needs_creation.total": 2,
    "requests.unavailable_unclear.total": 1,
    "requests.concluded_total.total": 19,
    "requests.carried_out.total": 1,
    "disputes.review.total": 0,
    "disputes.review.corrected": 0,
    "disputes.review.pending": 0,
    "disputes.litigation_direct.total": 2,
    "disputes.litigation_direct.corrected": 1,
    "disputes.litigation_direct.pending": 1,
    "disputes.litigation_after_review.total": 0,
    "disputes.litigation_after_review.corrected": 0,
    "disputes.litigation_after_review.pending": 0,
}


Cells = Mapping[str, int | None]
Measuring = Callable[[Metric, Cells], tuple[float | None, int | None]]


def measure(metric: Metric, cells: Cells) -> tuple[float | None, int | None]:
    """What `measures` should have: the value of a metric and its n, worked out from the formula."""
    above = total(metric.terms, cells)
    if metric.over is None:
        return above, None
    n = total(metric.over, cells)
    if above is None or n is None or n <= 0:
        return None, n
    return above * float(metric.scale) / n, n


def total(terms: Terms, cells: Cells) -> int | None:
    """A sum of cells; None when any is not a number. What is not printed is the sum of its parts."""
    found = 0
    for times, key in terms:
        number = cells.get(key)
        if number is None and key in PARTS:
            number = total(tuple((1, part) for part in PARTS[key]), cells)
        if number is None:
            return None
        found += times * number
    return found


def from_the_database(metric: Metric, cells: Cells) -> tuple[float | None, int | None]:
    """What the SQL of a metric gives for a row of `figures`."""
    with closing(sqlite3.connect(":memory:")) as db:
        names = ", ".join(f'"{PRINTED[key].flat}"' for key in CELLS)
        db.execute(f"create table figures ({names})")
        places = ", ".join("?" * len(CELLS))
        db.execute(f"insert into figures values ({places})", [cells.get(key) for key in CELLS])
        value, n = metrics.measure_sql(metric)
        found: tuple[float | None, int | None] = db.execute(
            f"select {value}, {n} from figures"
        ).fetchone()
        return found


# The cells that metrics are made of.
CELLS = sorted(
    {
        part
        for metric in metrics.FROM_CELLS
        for terms in (metric.terms, metric.over or ())
        for _, key in terms
        for part in (key, *PARTS.get(key, ()))
        if part in PRINTED
    }
)
MADE = pytest.mark.parametrize("measured_by", [measure, from_the_database])


@MADE
@pytest.mark.parametrize(
    ("key", "value", "n"),
    [
        ("workload", 20.0, None),
        ("disclosure_rate", 42.11, 19),
        ("unavailable_rate", 42.11, 19),
        ("not_held_rate", 26.32, 19),
        ("carry_over_rate", 5.0, 20),
        ("conclusion_rate", 95.0, 20),
        # One suit of two was decided, and that one against the body.
        ("litigation_correction_rate", 100.0, 1),
        ("correction_rate", 100.0, 1),
        # No review was applied for: nothing to be a share of.
        ("review_correction_rate", None, 0),
        # (2 + 0) of 19, and none of 19.
        ("litigation_rate", 10.53, 19),
        ("dispute_rate", 10.53, 19),
        ("review_rate", 0.0, 19),
        # What the report does not print is no 0.
        ("denial_rate", None, 19),
        ("denial_ground_share.state_secret", None, None),
        ("net_rules", None, None),
        ("penalty_license_ratio", None, None),
    ],
)
def test_a_report_is_measured(
    measured_by: Measuring, key: str, value: float | None, n: int | None
) -> None:
    found = measured_by(METRICS[key], QINGTONGXIA)
    assert found == (None if value is None else pytest.approx(value, abs=0.005), n)


@MADE
def test_a_rate_of_nothing_is_none_and_not_nought(measured_by: Measuring) -> None:
    none = {"requests.granted.total": 0, "requests.concluded_total.total": 0}
    assert measured_by(METRICS["full_disclosure_rate"], none) == (None, 0)


@MADE
def test_more_pending_than_there_are_gives_no_rate(measured_by: Measuring) -> None:
    misprint = {
        "disputes.review.corrected": 1,
        "disputes.review.total": 2,
        "disputes.review.pending": 5,
    }
    assert measured_by(METRICS["review_correction_rate"], misprint) == (None, -3)


@MADE
def test_other_outcomes_are_one_cell_in_2019_and_three_in_2021(measured_by: Measuring) -> None:
    of_2019 = {"requests.other.total": 3, "requests.concluded_total.total": 12}
    of_2021 = {
        "requests.other_not_corrected.total": 1,
        "requests.other_fee_unpaid.total": 0,
        "requests.other_misc.total": 2,
        "requests.concluded_total.total": 12,
    }
    blank = of_2021 | {"requests.other_misc.total": None}
    assert measured_by(METRICS["other_rate"], of_2019) == (25.0, 12)
    assert measured_by(METRICS["other_rate"], of_2021) == (25.0, 12)
    assert measured_by(METRICS["other_rate"], blank) == (None, 12)


def test_every_published_metric_is_told_where_to_be_had() -> None:
    published = json.loads((HERE / "metrics.json").read_text(encoding="utf-8"))
    for row in published:
        metric = METRICS[row["key"]]
        told = {name: getattr(metric, name) for name in row}
        assert told == row
        # Either its cells are known, or a sentence says how else or why not.
        assert bool(metric.terms) != bool(metric.note)
    assert METRICS["requests_per_10k"].computed == "none"
    assert "人口" in METRICS["requests_per_10k"].note
    assert [key for key in METRICS if key.startswith("denial_ground_share.")] == [
        f"denial_ground_share.{ground}"
        for ground in (
            "state_secret", "law_prohibited", "security_stability", "third_party",
            "internal_affairs", "deliberative", "enforcement_file", "admin_query",
        )
    ]  # fmt: skip


@pytest.mark.parametrize("formula", ["requests.granted.totel / workload", "1 +", "a * b"])
def test_a_formula_that_cannot_be_read_is_named(formula: str) -> None:
    with pytest.raises(MetricError, match=formula.partition(" ")[0]):
        metrics.read_terms(formula, {})


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries({key: st.none() | st.integers(0, 9) for key in CELLS}))
def test_the_database_measures_as_the_formulas_do(cells: dict[str, int | None]) -> None:
    for metric in metrics.FROM_CELLS:
        assert from_the_database(metric, cells) == measure(metric, cells), metric.key


def test_the_schema_describes_every_measure() -> None:
    columns = PUBLISHED["measures"].columns
    for metric in PER_REPORT:
        assert columns[metric.flat].type == "REAL"
        assert metric.key in columns[metric.flat].description
        assert columns[f"{metric.flat}__n"].type == "INTEGER"
    assert len(columns) == 11 + 2 * len(PER_REPORT)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, sqlite3.Row]:
    site = build_site(tmp_path_factory.mktemp("measured"))
    db = sqlite3.connect(site / "nianbao.db")
    db.row_factory = sqlite3.Row
    return {row["report_id"]: row for row in db.execute("select * from measures")}


def test_a_snapshot_has_the_measures_of_every_report(measured: dict[str, Any]) -> None:
    assert set(measured) == {
        "140600-jyj/2016", "140600-jyj/2020", "140600-jyj/2021", "140600-jyj/2023",
        "320813-zf/2023", "999999-bad/2022",
    }  # fmt: skip
    report = measured["140600-jyj/2023"]
    assert (report["level"], report["division"], report["form"]) == ("prefecture", "140600", "2021")
    # Its version in use: 21 received and none carried in, 12 concluded, all granted; partly
    # granted is a cell the table does not have.
    assert report["workload"] == 21
    assert report["workload__n"] is None
    assert report["conclusion_rate"] == pytest.approx(57.142857)
    assert (report["full_disclosure_rate"], report["full_disclosure_rate__n"]) == (100.0, 12)
    assert (report["disclosure_rate"], report["disclosure_rate__n"]) == (None, 12)
    assert (report["review_correction_rate"], report["review_correction_rate__n"]) == (None, 0)
    # One hard identity holds, one fails.
    assert (report["identity_pass_rate"], report["identity_pass_rate__n"]) == (50.0, 2)
    # 200 cells read of the 200 of the form.
    assert (report["fill_rate"], report["fill_rate__n"]) == (100.0, 200)


def test_a_report_without_tables_has_no_measures(measured: dict[str, Any]) -> None:
    report = measured["999999-bad/2022"]
    known = {name for name in report.keys() if report[name] is not None}  # noqa: SIM118
    assert known == {
        "report_id", "issuer_id", "year", "level", "division", "form", "version_id",
        "nonzero_cells", "is_doubtful",
    }  # fmt: skip


def test_sentences_are_compared_without_white_space_and_numbers() -> None:
    text = "一、总体情况\n2023年，我局共收到政府信息公开 申请１,234件。全部办结！主动公开工作有序推进；"
    assert sentences(text) == ["0年,我局共收到政府信息公开申请0件", "主动公开工作有序推进"]


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (["甲乙丙丁", "戊己庚辛"], ["戊己庚辛"], (50.0, 8)),
        (["甲乙丙", "戊己庚辛壬癸子丑寅"], ["甲乙丙"], (25.0, 12)),
        (["甲乙丙丁"], ["子丑"], (0.0, 4)),
        ([], ["子丑"], (None, 0)),
    ],
)
def test_repeated_share(
    now: list[str], before: list[str], expected: tuple[float | None, int]
) -> None:
    assert repeated_share(now, before) == expected


def test_repetition_is_of_the_year_before_and_no_other(tmp_path: Path) -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    tables(db)
    insert(db, "issuers", {"id": "a", "name": "甲局"}, {"id": "b", "name": "乙局"})
    texts = {
        ("a", 2019): "主动公开工作有序推进。",
        ("a", 2020): "主动公开工作有序推进。依申请公开办理平稳。",
        ("a", 2022): "主动公开工作有序推进。",
        ("b", 2020): "主动公开工作有序推进。",
    }
    for (issuer, year), text in texts.items():
        report = f"{issuer}/{year}"
        insert(
            db,
            "reports",
            {"id": report, "issuer_id": issuer, "year": year, "current_version": f"{report}/x"},
        )
        insert(db, "versions", {"id": f"{report}/x", "report_id": report, "number": 1})
        insert(db, "sections", {"version_id": f"{report}/x", "number": 1, "text": text})
        # Chapters in which nobody writes in own words are not compared.
        insert(db, "sections", {"version_id": f"{report}/x", "number": 3, "text": report * 20})
    measures.add(db)
    found = dict(db.execute("select report_id, text_repeat_rate from measures").fetchall())
    # 10 characters of 19 stood there the year before.
    assert found == {
        "a/2019": None,
        "a/2020": pytest.approx(100 * 10 / 19),
        "a/2022": None,
        "b/2020": None,
    }
