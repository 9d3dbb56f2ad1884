"""The forms hold what the notices print: 58, 198 and 200 cells, 172 of them shared."""

from archive.form import COLUMNS, IDENTITIES, PRINTED, keys
from archive.schema import TABLES


def test_forms_have_the_cells_of_the_notices() -> None:
    assert [len(keys(form)) for form in ("stats2014", "2019", "2021", "narrative")] == [
        58,
        198,
        200,
        0,
    ]
    assert len(set(keys("2019")) & set(keys("2021"))) == 172
    assert len(set(keys("2019")) | set(keys("2021"))) == len(keys("mixed")) == 226


def test_every_request_row_has_the_seven_columns() -> None:
    rows: dict[str, list[str]] = {}
    for key in keys("2021"):
        table, row, column = key.split(".")
        if table == "requests":
            rows.setdefault(row, []).append(column)
    assert len(rows) == 25
    assert all(tuple(columns) == COLUMNS for columns in rows.values())


def test_flat_names_are_columns_of_figures() -> None:
    columns = TABLES["figures"].columns
    assert {field.flat for field in PRINTED.values()} | {"version_id"} == set(columns)
    # Money and decimals are text: REAL would turn 15954.526468 into something else.
    assert columns[PRINTED["disclosure.fees.amount_wan"].flat].type == "TEXT"
    assert columns[PRINTED["requests.granted.total"].flat].type == "INTEGER"


def test_hard_identities_of_a_2021_report() -> None:
    hard = [
        identity.id
        for identity in IDENTITIES
        if identity.level == "hard"
        and 2021 in identity.formats
        and identity.id.split(".")[0] in {"ROW", "BALANCE", "SUM", "DISPUTE"}
    ]
    assert len(hard) == 42
