"""A jurisdiction's whole against its members: more than the whole is wrong, less says nothing."""

from __future__ import annotations

from decimal import Decimal

from archive.findings.rollups import Share, figures_of, roll_up
from archive.model import Blame, Body, Verdict

CITY = Body("甲市人民政府", "prefecture", "government", "990100")
TWIN = Body("甲市人民政府", "prefecture", "government", "980100")
WHOLE = "jurisdiction_aggregate"


def share(
    name: str,
    received: int | None,
    *,
    scope: str = "own_body",
    body: Body | None = None,
    year: int = 2023,
) -> Share:
    return Share(
        f"{name}/{year}/x",
        name,
        body or Body(name, "prefecture", "department", "990100", CITY.name),
        year,
        scope,
        (None if received is None else Decimal(received), Decimal(9), None, None),
    )


def verdicts(*shares: Share) -> list[Verdict]:
    (findings,) = roll_up(shares).values()
    return [finding.verdict for finding in findings]


def whole(received: int | None) -> Share:
    return share("city", received, scope=WHOLE, body=CITY)


def test_members_that_exceed_the_whole_refute_it() -> None:
    found = roll_up([whole(10), share("甲市教育局", 7), share("甲市公安局", 5)])
    first = found["city/2023/x"][0]
    assert (first.rule, first.verdict, first.blame) == ("HIER.sum", Verdict.FAIL, Blame.UNDECIDED)
    assert (first.actual, first.expected) == ("10", "12")
    assert first.cells == ("requests.received_new.total",)


def test_members_that_equal_the_whole_confirm_it() -> None:
    assert verdicts(whole(12), share("甲市教育局", 7), share("甲市公安局", 5))[0] is Verdict.PASS


def test_fewer_say_nothing_because_a_member_may_be_missing() -> None:
    assert set(verdicts(whole(13), share("甲市教育局", 7), share("甲市公安局", 5))) >= {
        Verdict.NOT_CHECKABLE
    }
    assert verdicts(whole(13), share("甲市教育局", 7))[0] is Verdict.NOT_CHECKABLE


def test_nothing_is_said_without_members_of_that_year_and_scope() -> None:
    assert verdicts(whole(10)) == [Verdict.NOT_CHECKABLE]
    assert verdicts(whole(10), share("甲市教育局", 99, year=2022)) == [Verdict.NOT_CHECKABLE]
    assert verdicts(whole(10), share("甲市教育局", 99, scope="unclear")) == [Verdict.NOT_CHECKABLE]
    assert verdicts(whole(None), share("甲市教育局", 99))[0] is Verdict.NOT_CHECKABLE


def test_a_report_on_one_body_alone_is_not_rolled_up() -> None:
    assert roll_up([share("甲市教育局", 7), share("甲市公安局", 5)]) == {}


def test_places_that_share_a_name_are_told_apart_by_their_codes() -> None:
    here, there = whole(10), share("twin", 10, scope=WHOLE, body=TWIN)
    department = share("甲市教育局", 11)
    found = roll_up([here, there, department])
    assert found["city/2023/x"][0].verdict is Verdict.FAIL
    assert [f.verdict for f in found["twin/2023/x"]] == [Verdict.NOT_CHECKABLE]


def test_a_member_that_might_belong_to_either_belongs_to_neither() -> None:
    placeless = Body("甲市教育局", "prefecture", "department", None, CITY.name)
    found = roll_up(
        [
            whole(10),
            share("twin", 10, scope=WHOLE, body=TWIN),
            share("甲市教育局", 99, body=placeless),
        ]
    )
    assert {f.verdict for findings in found.values() for f in findings} == {Verdict.NOT_CHECKABLE}


def test_lawsuits_of_both_kinds_make_one_figure() -> None:
    cells = {
        "requests.received_new.total": "4",
        "disputes.litigation_direct.total": "2",
        "disputes.litigation_after_review.total": "3",
    }
    assert figures_of(cells) == (Decimal(4), None, None, Decimal(5))
