"""Figures that add up and still look wrong."""

from __future__ import annotations

import pytest

from archive.findings.plausibility import weigh, weigh_beside
from archive.form import keys
from archive.model import Body, Finding, Section, Verdict

Figures = dict[str, str | None]
COUNTY = Body("甲县人民政府", "county", "government")
CITY = Body("甲市人民政府", "prefecture", "government")
BUREAU = Body("甲市教育局", "prefecture", "department")
TOWN = Body("甲镇人民政府", "township", "township")


def cells(**figures: int | None) -> Figures:
    filled: Figures = dict.fromkeys(keys("2021"), "0")
    for key, value in figures.items():
        filled[key.replace("__", ".")] = None if value is None else str(value)
    return filled


def rules(figures: Figures, body: Body | None, *texts: str) -> list[str]:
    sections = [Section(1, "一、总体情况", text) for text in texts]
    return [finding.rule for finding in weigh(sections, figures, body)]


SOME = {"requests__received_new__total": 3}


@pytest.mark.parametrize(
    ("body", "figures", "found"),
    [
        (COUNTY, SOME, ["PLAUSIBLE.no_decisions"]),
        (COUNTY, SOME | {"disclosure__penalties__decisions": 1}, []),
        (COUNTY, SOME | {"disclosure__licensing__decisions": None}, []),
        (BUREAU, SOME, []),
        (TOWN, SOME, []),
        (None, SOME, []),
    ],
)
def test_a_county_that_licenses_and_punishes_nobody(
    body: Body | None, figures: dict[str, int | None], found: list[str]
) -> None:
    assert rules(cells(**figures), body) == found


@pytest.mark.parametrize(
    ("body", "doubted"),
    [
        (CITY, False),
        (COUNTY, True),
        (BUREAU, True),
        (TOWN, True),
        (Body("甲省教育厅", "province", "department"), True),
        (Body("教育部", "central", "department"), False),
        (Body("甲市人民政府办公室", "prefecture", "office"), False),
        (Body("甲局"), False),
        (None, False),
    ],
)
def test_rules_of_a_body_that_may_make_none(body: Body | None, doubted: bool) -> None:
    figures = cells(disclosure__regulations__in_force=2, disclosure__licensing__decisions=5)
    assert ("PLAUSIBLE.no_rule_power" in rules(figures, body)) is doubted


def test_a_report_of_zeros_proves_nothing() -> None:
    (finding,) = weigh([], cells(), None)
    assert (finding.rule, finding.verdict) == ("PLAUSIBLE.all_zero", Verdict.NOT_CHECKABLE)
    assert "200 格" in finding.explanation


@pytest.mark.parametrize(
    ("sentence", "doubted"),
    [
        ("网上申请12件，占比120%。", True),
        ("信函申请占总数的 8.3％。", False),
        ("按时办结率达到105%。", True),
        ("答复率100%。", False),
        ("访问量同比增长230%，完成率120%。", False),
        ("网上申请占60%，同比增长230%。", False),
    ],
)
def test_shares_lie_between_nothing_and_all(sentence: str, doubted: bool) -> None:
    assert rules(cells(**SOME), None, sentence) == ["PLAUSIBLE.percent"] * doubted


def beside(now: Figures, before: Figures, text: str = "", text_before: str = "") -> list[Finding]:
    return list(
        weigh_beside([Section(1, "一、总体情况", text)], now, [Section(1, "", text_before)], before)
    )


def test_a_figure_a_hundred_times_last_years() -> None:
    before = cells(disclosure__licensing__decisions=12, disclosure__penalties__decisions=0)
    now = cells(disclosure__licensing__decisions=1200, disclosure__penalties__decisions=999)
    assert beside(now, before) == []
    now["disclosure.licensing.decisions"] = "1201"
    (finding,) = beside(now, before)
    assert (finding.rule, finding.actual) == ("PLAUSIBLE.leap", "1201")
    assert finding.cells == ("disclosure.licensing.decisions",)


def test_a_table_copied_from_last_year() -> None:
    figures = cells(
        requests__received_new__total=5,
        requests__received_new__natural_person=5,
        requests__granted__total=5,
        requests__granted__natural_person=5,
        requests__concluded_total__total=5,
        requests__concluded_total__natural_person=5,
    )
    (finding,) = beside(figures, dict(figures))
    assert finding.rule == "PLAUSIBLE.copied_figures"
    assert beside(figures, figures | {"requests.granted.total": "4"}) == []
    # Two years with nothing to report are no copy.
    assert beside(cells(), cells()) == []


def test_a_chapter_copied_from_last_year() -> None:
    text = "2022年，本机关按照条例要求公开各类信息，规范办理申请。" * 6
    (finding,) = beside(cells(), cells(), text.replace("2022", "2023"), text)
    assert finding.rule == "PLAUSIBLE.copied_text"
    assert beside(cells(), cells(), text.replace("规范", "认真"), text) == []
