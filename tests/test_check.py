"""The identities the form promises, over cells with known sums."""

from archive.check import check
from archive.form import COLUMNS, keys
from archive.model import Blame, Finding, Verdict


def cells(form: str, **figures: int) -> dict[str, str | None]:
    """A report of zeros with some figures set; keys with __ for dots."""
    filled: dict[str, str | None] = dict.fromkeys(keys(form), "0")
    filled.update({key.replace("__", "."): str(value) for key, value in figures.items()})
    return filled


def verdicts(found: dict[str, str | None], form: str = "2021") -> dict[str, Verdict]:
    return {finding.rule.split("@")[0]: finding.verdict for finding in check(found, form)}


def hard(form: str) -> list[Finding]:
    sums = ("ROW.", "BALANCE.", "SUM.", "DISPUTE.")
    return [finding for finding in check(cells(form), form) if finding.rule.startswith(sums)]


def test_a_report_of_zeros_passes_everything() -> None:
    assert set(verdicts(cells("2021")).values()) == {Verdict.PASS}
    assert len(hard("2021")) == 42
    assert len(hard("2019")) == 40


def test_a_wrong_total_fails_its_row_and_its_column() -> None:
    found = verdicts(
        cells(
            "2021",
            requests__received_new__natural_person=3,
            requests__received_new__total=3,
            requests__granted__natural_person=3,
            requests__granted__total=4,
            requests__concluded_total__natural_person=3,
            requests__concluded_total__total=3,
        )
    )
    failed = {rule for rule, verdict in found.items() if verdict is Verdict.FAIL}
    assert failed == {"ROW.granted", "SUM.total"}


def test_both_sides_are_told() -> None:
    figures = cells("2021", disputes__review__upheld=10, disputes__review__corrected=1)
    finding = next(f for f in check(figures, "2021") if f.rule == "DISPUTE.review")
    assert (finding.verdict, finding.actual, finding.expected) == (Verdict.FAIL, "0", "11")
    assert "disputes.review.pending" in finding.cells


def test_a_blank_makes_a_rule_not_checkable_rather_than_zero() -> None:
    figures = cells("2021")
    figures["requests.granted.total"] = None
    found = verdicts(figures)
    assert found["ROW.granted"] is Verdict.NOT_CHECKABLE
    assert found["SUM.total"] is Verdict.NOT_CHECKABLE
    assert found["ROW.granted_partial"] is Verdict.PASS


def test_a_narrative_has_nothing_to_check() -> None:
    assert check({}, "narrative") == ()


def test_the_statistics_of_2014_are_checked_by_their_hard_rules() -> None:
    figures: dict[str, str | None] = dict.fromkeys(keys("stats2014"), "0")
    figures |= {"stats2014.review.total": "3", "stats2014.review.upheld": "2"}
    found = verdicts(figures, "stats2014")
    assert found.pop("S14.review.total") is Verdict.FAIL
    assert set(found.values()) == {Verdict.PASS}
    assert found.keys() == {
        *("S14.requests.concluded", "S14.requests.replied", "S14.requests.denied"),
        *("S14.litigation.total", "S14.capacity.staff"),
        *("S14.requests.received", "S14.channels", "S14.heads"),
    }


def test_a_mixed_report_is_summed_by_the_rows_it_prints() -> None:
    """A 2021 report whose （六）其他处理 is the one row of the 2019 form."""
    figures: dict[str, str | None] = dict.fromkeys(keys("mixed"), "0")
    for row in ("other_not_corrected", "other_fee_unpaid", "other_misc"):
        for column in COLUMNS:
            figures[f"requests.{row}.{column}"] = None
    sums = [f for f in check(figures, "mixed") if f.rule.startswith("SUM.")]
    assert {f.rule for f in sums} == {f"SUM.{column}@2019" for column in COLUMNS}
    assert {f.verdict for f in sums} == {Verdict.PASS}


def stats(**figures: int) -> dict[str, Finding]:
    found: dict[str, str | None] = dict.fromkeys(keys("stats2014"), "0")
    found |= {"stats2014." + key.replace("__", "."): str(n) for key, n in figures.items()}
    return {finding.rule: finding for finding in check(found, "stats2014")}


def test_a_soft_rule_that_fails_says_that_it_is_soft() -> None:
    found = {
        finding.rule: finding
        for finding in check(
            cells(
                "2021",
                disclosure__normative_documents__issued=9,
                disclosure__normative_documents__repealed=2,
                disclosure__normative_documents__in_force=6,
            ),
            "2021",
        )
    }
    failed = found["SOFT.in_force_ge.normative_documents"]
    assert (failed.verdict, failed.actual, failed.expected) == (Verdict.FAIL, "6", "7")
    assert failed.blame is Blame.UNDECIDED
    assert "软规则" in failed.explanation
    assert found["SOFT.in_force_ge.regulations"].verdict is Verdict.PASS


def test_the_soft_rules_of_a_mixed_report_are_those_of_the_rows_it_prints() -> None:
    figures: dict[str, str | None] = dict.fromkeys(keys("mixed"))
    figures |= {
        "disclosure.normative_documents.published_total": "3",
        "disclosure.normative_documents.newly_published": "4",
    }
    soft = {f.rule: f.verdict for f in check(figures, "mixed") if f.rule.startswith("SOFT.")}
    assert soft == {"SOFT.published_ge.normative_documents": Verdict.FAIL}


def test_counts_are_whole_and_not_negative() -> None:
    figures = cells("2019", disclosure__licensing__items_change=-5)
    (rule,) = [f for f in check(figures, "2019") if f.rule == "RANGE.counts"]
    assert rule.verdict is Verdict.PASS
    figures["requests.granted.total"] = "1.5"
    figures["disclosure.penalties.decisions"] = "-3"
    (rule,) = [f for f in check(figures, "2019") if f.rule == "RANGE.counts"]
    assert rule.verdict is Verdict.FAIL
    assert set(rule.cells) == {"requests.granted.total", "disclosure.penalties.decisions"}


def test_more_requests_than_the_four_channels_of_2014_are_explained() -> None:
    rule = "S14.requests.received"
    more = stats(requests__received=12, requests__received_online=10)[rule]
    assert (more.verdict, more.actual, more.expected) == (Verdict.EXPLAINED, "12", "10")
    fewer = stats(requests__received=9, requests__received_online=10)[rule]
    assert fewer.verdict is Verdict.FAIL


def test_information_on_several_channels_counts_once() -> None:
    """1683 published: 1683 on the site, 1057 by WeChat, 575 otherwise."""
    channels = {
        "proactive__via_website": 1683,
        "proactive__via_wechat": 1057,
        "proactive__via_other": 575,
    }
    assert (
        stats(proactive__published_total=1683, **channels)["S14.channels"].verdict is Verdict.PASS
    )
    for impossible in (1682, 3316):
        found = stats(proactive__published_total=impossible, **channels)["S14.channels"]
        assert (found.verdict, found.expected) == (Verdict.FAIL, "1683–3315")


def test_those_led_by_the_head_are_among_all() -> None:
    found = stats(response__online_interviews=1, response__online_interviews_head=2)["S14.heads"]
    assert (found.verdict, found.actual, found.expected) == (Verdict.FAIL, "2", "1")
    assert found.cells == (
        "stats2014.response.online_interviews_head",
        "stats2014.response.online_interviews",
    )
