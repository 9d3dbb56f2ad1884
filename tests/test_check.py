"""The identities the form promises, over cells with known sums."""

from archive.check import check
from archive.form import COLUMNS, keys
from archive.model import Verdict


def cells(form: str, **figures: int) -> dict[str, str | None]:
    """A report of zeros with some figures set; keys with __ for dots."""
    filled: dict[str, str | None] = dict.fromkeys(keys(form), "0")
    filled.update({key.replace("__", "."): str(value) for key, value in figures.items()})
    return filled


def verdicts(found: dict[str, str | None], form: str = "2021") -> dict[str, Verdict]:
    return {finding.rule.split("@")[0]: finding.verdict for finding in check(found, form)}


def test_a_report_of_zeros_passes_everything() -> None:
    assert set(verdicts(cells("2021")).values()) == {Verdict.PASS}
    assert len(check(cells("2021"), "2021")) == 42
    assert len(check(cells("2019"), "2019")) == 40


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
    assert len(found) == 5


def test_a_mixed_report_is_summed_by_the_rows_it_prints() -> None:
    """A 2021 report whose （六）其他处理 is the one row of the 2019 form."""
    figures: dict[str, str | None] = dict.fromkeys(keys("mixed"), "0")
    for row in ("other_not_corrected", "other_fee_unpaid", "other_misc"):
        for column in COLUMNS:
            figures[f"requests.{row}.{column}"] = None
    sums = [f for f in check(figures, "mixed") if f.rule.startswith("SUM.")]
    assert {f.rule for f in sums} == {f"SUM.{column}@2019" for column in COLUMNS}
    assert {f.verdict for f in sums} == {Verdict.PASS}
