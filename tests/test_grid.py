"""A table with spans becomes a rectangle, whatever the spans claim."""

from archive.grid import append_page, placed_cells, row_edges, table_to_grid, without_uncounted_rows
from archive.model import Block, Cell, Paragraph, Table


def table(*rows: list[Cell]) -> Table:
    return Table(tuple(tuple(row) for row in rows))


def test_spanning_cells_cover_their_places() -> None:
    grid = table_to_grid(
        table(
            [Cell("a", rowspan=2), Cell("b", colspan=2)],
            [Cell("c"), Cell("d")],
        )
    )
    assert grid == [["a", "b", "b"], ["a", "c", "d"]]


def test_cells_begin_past_what_the_cells_above_cover() -> None:
    upper = [Cell("a", rowspan=2), Cell("b", colspan=2)]
    lower = [Cell("c"), Cell("d")]
    assert placed_cells(table(upper, lower)) == [
        [(0, upper[0]), (1, upper[1])],
        [(1, lower[0]), (2, lower[1])],
    ]


def test_a_rowspan_longer_than_the_table_ends_with_it() -> None:
    assert table_to_grid(table([Cell("a", rowspan=22), Cell("b")])) == [["a", "b"]]


def test_an_empty_row_between_rows_is_kept() -> None:
    grid = table_to_grid(table([Cell("a", rowspan=3), Cell("b")], [], [Cell("c")]))
    assert grid == [["a", "b"], ["a", ""], ["a", "c"]]


def test_absurd_spans_stay_bounded() -> None:
    grid = table_to_grid(table([Cell("a", colspan=65534)], [Cell("b", colspan=1000)]))
    assert [len(row) for row in grid] == [200, 200]


def test_no_rows() -> None:
    assert table_to_grid(Table(())) == []


def test_rows_without_cells_are_dropped_where_spans_do_not_count_them() -> None:
    # The first cell spans the two rows that have cells.
    made = Table(((Cell("a", rowspan=2), Cell("b")), (), (Cell("c"),), (Cell("d"), Cell("e"))))
    assert table_to_grid(without_uncounted_rows(made)) == [["a", "b"], ["a", "c"], ["d", "e"]]


def test_rows_without_cells_are_kept_where_spans_count_them() -> None:
    made = Table(((Cell("a", rowspan=3), Cell("b")), (), (Cell("c"),), (Cell("d"), Cell("e"))))
    assert without_uncounted_rows(made) == made


def test_a_row_ends_past_the_cells_that_cover_it_from_above() -> None:
    made = Table(
        ((Cell("a"), Cell("b", rowspan=2, colspan=2)), (Cell("c"),), (Cell("d"), Cell("e")))
    )
    assert row_edges(placed_cells(made)) == [3, 3, 2]


def test_a_table_that_goes_on_with_as_many_columns_is_one() -> None:
    one, two = table([Cell("a"), Cell("b")]), table([Cell("c"), Cell("d")])
    blocks: list[Block] = [one]
    append_page(blocks, [two, Paragraph("e")])
    assert blocks == [Table(one.rows + two.rows), Paragraph("e")]
    append_page(blocks, [two])
    assert blocks[-1] == two
