"""The second reading counts off what the first finds by labels."""

from archive.cells.witness import count_off
from archive.extract.plain import read_plain
from archive.extract.web import read_html
from archive.form import keys
from tests.portals.figures import Scale, series
from tests.portals.tables import grids
from tests.portals.web import clean_table

SCALE = Scale(requests=40, disputes=9, documents=6, licences=1200, penalties=300, fees_wan=88.5)


def counted(form: str) -> list[str]:
    return [key for key in keys(form) if key.startswith(("requests.", "disputes."))]


def test_the_figures_of_grids_are_counted_off_row_by_row() -> None:
    for form, year in (("2021", 2022), ("2019", 2019)):
        figures = series("witness", [year], SCALE)[year]
        page = "".join(map(clean_table, grids(form, figures)))
        read = count_off(read_html(f"<body><div class='TRS_Editor'>{page}</div></body>"))
        assert read == {key: figures[key] for key in counted(form)}


def test_the_figures_of_running_text_are_counted_off_number_by_number() -> None:
    figures = series("text", [2022], SCALE)[2022]
    lines = [
        " ".join(box.text for box in row) for grid in grids("2021", figures) for row in grid.rows
    ]
    read = count_off(read_plain("\n".join(lines)))
    assert read == {key: figures[key] for key in counted("2021")}


def test_a_text_with_a_blank_cell_says_nothing_of_its_table() -> None:
    figures = dict(series("blank", [2022], SCALE)[2022])
    figures["requests.granted.enterprise"] = ""
    lines = [
        " ".join(box.text for box in row) for grid in grids("2021", figures) for row in grid.rows
    ]
    read = count_off(read_plain("\n".join(lines)))
    assert not any(key.startswith("requests.") for key in read)
    assert read["disputes.review.total"] == figures["disputes.review.total"]
