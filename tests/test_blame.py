"""Whose error a failed identity is, and the value that would mend it."""

from archive.check import check
from archive.findings.blame import assign_blame, needs_witness
from archive.form import COLUMNS, keys
from archive.model import Blame, Finding, Note, State, Verdict


def table(**rows: tuple[int, ...]) -> dict[str, str | None]:
    """The cells of a report of 2021: the rows given, 0 everywhere else."""
    cells: dict[str, str | None] = dict.fromkeys(keys("2021"), "0")
    for row, numbers in rows.items():
        for column, number in zip(COLUMNS, numbers, strict=True):
            cells[f"requests.{row}.{column}"] = str(number)
    return cells


SOUND = {
    "received_new": (5, 1, 0, 0, 0, 0, 6),
    "granted": (4, 1, 0, 0, 0, 0, 5),
    "concluded_total": (4, 1, 0, 0, 0, 0, 5),
    "carried_out": (1, 0, 0, 0, 0, 0, 1),
}


def failed(
    cells: dict[str, str | None], *witnesses: dict[str, str | None], **notes: Note
) -> dict[str, Finding]:
    findings = assign_blame(check(cells, "2021"), cells, notes, witnesses)
    return {f.rule.partition("@")[0]: f for f in findings if f.verdict is Verdict.FAIL}


def test_a_sound_report_needs_no_second_reading() -> None:
    assert not needs_witness(check(table(**SOUND), "2021"))


def test_the_publisher_is_to_blame_where_two_readings_agree() -> None:
    cells = table(**SOUND | {"granted": (9, 1, 0, 0, 0, 0, 5)})
    found = failed(cells, dict(cells))
    assert {rule: f.blame for rule, f in found.items()} == {
        "ROW.granted": Blame.PUBLISHER,
        "SUM.natural_person": Blame.PUBLISHER,
    }


def test_the_reader_is_to_blame_where_they_differ() -> None:
    cells = table(**SOUND | {"granted": (9, 1, 0, 0, 0, 0, 5)})
    found = failed(cells, table(**SOUND))
    assert {f.blame for f in found.values()} == {Blame.PARSER}


def test_nobody_is_to_blame_without_a_second_reading() -> None:
    cells = table(**SOUND | {"granted": (9, 1, 0, 0, 0, 0, 5)})
    assert {f.blame for f in failed(cells).values()} == {Blame.UNDECIDED}


def test_a_wrong_cell_is_found_where_its_row_and_column_fail() -> None:
    key = "requests.granted.natural_person"
    cells = table(**SOUND | {"granted": (9, 1, 0, 0, 0, 0, 5)})
    found = failed(cells)
    assert dict(found["ROW.granted"].proposed) == {key: "4"}
    assert dict(found["SUM.natural_person"].proposed) == {key: "4"}
    assert cells[key] == "9"


def test_two_wrong_cells_of_different_rows_and_columns_are_both_found() -> None:
    cells = table(**SOUND | {"granted": (9, 1, 0, 0, 0, 0, 5), "carried_in": (0, 0, 2, 0, 0, 0, 0)})
    found = failed(cells)
    assert dict(found["ROW.granted"].proposed) == {"requests.granted.natural_person": "4"}
    assert dict(found["ROW.carried_in"].proposed) == {
        "requests.carried_in.research_institution": "0"
    }
    assert dict(found["BALANCE.research_institution"].proposed) == {
        "requests.carried_in.research_institution": "0"
    }


def test_a_failure_that_no_single_cell_explains_gets_no_proposal() -> None:
    # Both failing rows stand in the failing column: either may be wrong.
    cells = table(**SOUND | {"granted": (4, 1, 0, 0, 0, 0, 7)})
    cells["requests.carried_out.total"] = "3"
    assert not any(f.proposed for rule, f in failed(cells).items() if rule.startswith("DISPUTE"))
    wrong = table(**SOUND | {"concluded_total": (3, 2, 0, 0, 0, 0, 5)})
    found = failed(wrong)
    assert set(found) == {
        "SUM.natural_person", "SUM.enterprise", "BALANCE.natural_person", "BALANCE.enterprise"
    }  # fmt: skip
    assert not any(f.proposed for f in found.values())


def test_a_figure_in_a_picture_that_was_recognised_differently_twice_is_our_error() -> None:
    key = "requests.granted.natural_person"
    cells = table(**SOUND | {"granted": (9, 1, 0, 0, 0, 0, 5)})
    sure = {k: Note(State.OCR, v or "", 0.98) for k, v in cells.items()}
    assert {f.blame for f in failed(cells, **sure).values()} == {Blame.PUBLISHER}
    doubtful = sure | {key: Note(State.OCR, "9", 0.3)}
    assert {f.blame for f in failed(cells, **doubtful).values()} == {Blame.PARSER}
