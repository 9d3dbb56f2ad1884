"""Digits run together are numbers again only where the identities leave one way to part them."""

import random

import pytest

from archive.cells.gluing import split_disputes, split_requests, split_zeros, splits, summed_splits
from archive.cells.labels import DISPUTE_KEYS, REQUEST_ROWS
from archive.extract.plain import read_plain
from archive.form import COLUMNS
from archive.model import State
from archive.parse import parse
from tests.portals.figures import Scale, series

ROWS_2021 = [row for row in REQUEST_ROWS if row != "other"]


def zeros(**rows: str) -> dict[str, list[str]]:
    """A glued table: the rows given, all others 0 seven times."""
    return {row: [rows.get(row, "0000000")] for row in ROWS_2021}


def test_a_number_that_begins_with_zero_is_zero() -> None:
    assert list(splits(["1001"], 3)) == [(10, 0, 1)]
    assert set(splits(["123"], 2)) == {(1, 23), (12, 3)}


def test_a_space_parts_numbers() -> None:
    assert list(splits(["12", "3"], 2)) == [(12, 3)]


def test_only_splits_that_add_up_are_summed() -> None:
    assert list(summed_splits(["640020470"], 7)) == [(64, 0, 0, 2, 0, 4, 70)]
    assert list(summed_splits(["20000011"], 7)) == []


def test_rows_are_split_where_one_way_satisfies_row_and_columns() -> None:
    told = split_requests(
        {},
        zeros(
            received_new="640020470",
            granted="64002" + "0470",
            concluded_total="640020470",
        ),
    )
    assert told["received_new"] == ("64", "0", "0", "2", "0", "4", "70")
    assert told["denied_state_secret"] == ("0",) * 7


def test_what_two_solutions_satisfy_is_told_only_where_they_agree() -> None:
    # 1+11, 11+1 and 1+1+10 all give 12: nothing says which.
    glued = "111000012"
    told = split_requests({}, zeros(received_new=glued, granted=glued, concluded_total=glued))
    assert told["granted"] == (None, None, None, "0", "0", "0", "12")


def test_a_blank_somewhere_leaves_the_table_undecided() -> None:
    assert split_requests({}, zeros(received_new="33", granted="3000003")) == {}


def test_one_wrong_cell_of_the_page_is_read_as_it_is_printed() -> None:
    told = split_requests(
        {},
        zeros(
            received_new="110000011",
            granted="100000010",
            denied_internal_affairs="1000001",
            concluded_total="20000011",
        ),
    )
    assert told["concluded_total"] == ("2", "0", "0", "0", "0", "0", "11")
    assert told["granted"] == ("10", "0", "0", "0", "0", "0", "10")


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("wrong_cells", [0, 1, 2])
def test_made_tables_never_give_a_number_that_is_not_printed(seed: int, wrong_cells: int) -> None:
    dice = random.Random(f"{seed} {wrong_cells}")
    scale = Scale(requests=dice.choice([3, 40, 900]), disputes=9, documents=6)
    figures = dict(series(str(seed), [2022], scale)[2022])
    printed = {
        row: [str(figures[f"requests.{row}.{column}"]) for column in COLUMNS] for row in ROWS_2021
    }
    for _ in range(wrong_cells):
        row, place = dice.choice(ROWS_2021), dice.randrange(7)
        printed[row][place] = str(int(printed[row][place]) + dice.choice([1, 9, 10]))
    told = split_requests({}, {row: ["".join(cells)] for row, cells in printed.items()})
    for row, cells in told.items():
        for got, want in zip(cells, printed[row], strict=True):
            assert got in {None, want}
    if not wrong_cells:
        read = sum(cell is not None for cells in told.values() for cell in cells)
        assert read > 0.9 * 7 * len(ROWS_2021)


def test_fifteen_figures_are_split_by_their_sums() -> None:
    told = split_disputes(["10203120001200000"])
    assert told == tuple("1 0 2 0 3 12 0 0 0 12 0 0 0 0 0".split())
    assert split_disputes(["000000000000000"]) == ("0",) * 15
    # 14 digits: one cell is blank, and nobody can say which.
    assert split_disputes(["00000000000000"]) == ()


def test_zeros_need_no_identity() -> None:
    assert split_zeros(["000"], 3) == ("0", "0", "0")
    assert split_zeros(["100"], 3) == ()


def test_long_digits_cost_no_time_and_say_nothing() -> None:
    assert split_requests({}, zeros(received_new="1" * 10_000)) == {}
    assert split_disputes(["12" * 5_000]) == ()


def test_the_note_says_that_a_cell_was_glued_and_what_was_printed() -> None:
    rows = zeros(received_new="640020470", granted="640020470", concluded_total="640020470")
    words = {
        "received_new": "一、本年新收政府信息公开申请数量",
        "carried_in": "二、上年结转政府信息公开申请数量",
        "granted": "三、本年度办理结果（一）予以公开",
        "granted_partial": "（二）部分公开（区分处理的，只计这一情形，不计其他情形）",
        "denied_state_secret": "（三）不予公开1.属于国家秘密",
        "denied_law_prohibited": "2.其他法律行政法规禁止公开",
        "denied_security_stability": "3.危及“三安全一稳定”",
        "concluded_total": "（七）总计",
        "carried_out": "四、结转下年度继续办理",
    }
    read = parse(read_plain("".join(words[row] + rows[row][0] for row in words)))
    key = "requests.received_new.enterprise"
    assert read.cells[key] == "0"
    assert read.notes[key].state is State.GLUED
    assert read.notes[key].printed == "640020470"
    assert len(DISPUTE_KEYS) == 15
