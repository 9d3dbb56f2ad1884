"""Two years of one body: what goes out of one comes into the next."""

from __future__ import annotations

from archive.findings.years import across, compare, current
from archive.form import COLUMNS, keys
from archive.model import Blame, Reading, Verdict
from archive.versions import Observation, trace

Figures = dict[str, str | None]


def cells(form: str, **figures: int | None) -> Figures:
    filled: Figures = dict.fromkeys(keys(form), "0")
    for key, value in figures.items():
        filled[key.replace("__", ".")] = None if value is None else str(value)
    return filled


def test_what_is_carried_out_is_carried_in() -> None:
    before = cells("2021", requests__carried_out__enterprise=3, requests__carried_out__total=7)
    now = cells("2021", requests__carried_in__enterprise=3, requests__carried_in__total=8)
    found = {finding.rule: finding for finding in across(now, before, 2023)}
    assert {rule for rule in found if rule.startswith("XYEAR.carried.")} == {
        f"XYEAR.carried.{column}" for column in COLUMNS
    }
    assert found["XYEAR.carried.enterprise"].verdict is Verdict.PASS
    failed = found["XYEAR.carried.total"]
    assert (failed.verdict, failed.actual, failed.expected) == (Verdict.FAIL, "8", "7")
    assert failed.blame is Blame.UNDECIDED
    assert failed.cells == ("requests.carried_in.total",)
    assert "2022 年度所印" in failed.explanation
    assert "为 7" in failed.explanation


def test_it_holds_across_forms_but_not_from_before_2019() -> None:
    before = cells("2019", requests__carried_out__total=2)
    found = {f.rule: f.verdict for f in across(cells("2021"), before, 2021)}
    assert found["XYEAR.carried.total"] is Verdict.FAIL
    assert "XYEAR.in_force.regulations" not in found
    assert across(cells("2019"), cells("stats2014"), 2019) == ()


def test_a_stock_is_the_last_one_with_what_came_and_went() -> None:
    documents = "disclosure__normative_documents__"
    before = cells("2021", **{documents + "in_force": 20})
    now = cells(
        "2021",
        **{documents + "in_force": 22, documents + "issued": 5, documents + "repealed": 3},
    )
    rule = "XYEAR.in_force.normative_documents"
    found = {finding.rule: finding for finding in across(now, before, 2023)}
    assert found[rule].verdict is Verdict.PASS
    now["disclosure.normative_documents.in_force"] = "21"
    failed = {finding.rule: finding for finding in across(now, before, 2023)}[rule]
    assert (failed.verdict, failed.actual, failed.expected) == (Verdict.FAIL, "21", "22")
    assert "软规则" in failed.explanation


def test_the_items_of_2019_are_those_2020_calls_last_years() -> None:
    before = cells(
        "2019",
        disclosure__licensing__items_prev_year=40,
        disclosure__licensing__items_change=-5,
    )
    now = cells("2019", disclosure__licensing__items_prev_year=35)
    found = {f.rule: f.verdict for f in across(now, before, 2020)}
    assert found["XYEAR.items.licensing"] is Verdict.PASS
    assert not [f for f in across(now, before, 2021) if f.rule.startswith("XYEAR.items.")]


def test_a_cell_that_is_no_number_cannot_be_compared() -> None:
    before = cells("2021", requests__carried_out__total=None)
    found = {finding.rule: finding for finding in across(cells("2021"), before, 2023)}
    unknown = found["XYEAR.carried.total"]
    assert unknown.verdict is Verdict.NOT_CHECKABLE
    assert "「四、结转下年度继续办理｜总计」（2022 年）" in unknown.explanation


def reading(figures: Figures, digest: str) -> Reading:
    return Reading(True, "", cells=figures, form="2021", content_digest=digest)


def test_every_version_is_compared_with_the_year_before() -> None:
    history = trace(
        Observation(
            "http://a.gov.cn/2023.html",
            night,
            night,
            "ok",
            reading=reading(cells("2021", requests__carried_in__total=count), night),
            digests=(night * 8,),
        )
        for night, count in (("2024-01-01", 1), ("2024-01-02", 2))
    )
    before = reading(cells("2021", requests__carried_out__total=2), "before")
    versions = compare(history, 2023, before).versions
    verdicts = [
        next(f.verdict for f in version.reading.findings if f.rule == "XYEAR.carried.total")
        for version in versions
    ]
    assert verdicts == [Verdict.FAIL, Verdict.PASS]
    assert compare(history, 2023, None) == history
    assert current(history).cells["requests.carried_in.total"] == "2"
