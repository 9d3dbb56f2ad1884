"""The tree of places as a table."""

from __future__ import annotations

from archive.names.bodies import DIVISIONS_DATE, division_rows


def test_places_from_the_province_down() -> None:
    rows = {row["code"]: row for row in division_rows(["140602001000", "140602999000", "140602"])}
    province, city, district = (rows[code] for code in ("140000", "140600", "140602"))
    assert (province["name"], province["level"], province["parent"]) == ("山西省", "province", None)
    assert (city["name"], city["level"], city["parent"]) == ("朔州市", "prefecture", "140000")
    assert (district["name"], district["level"]) == ("朔城区", "county")
    assert district["parent"] == "140600"
    assert {row["dated"] for row in rows.values()} == {DIVISIONS_DATE}
    # Of a city under the state and of a county under its province nothing lies between.
    assert rows["110101"]["parent"] == "110000"
    assert rows["429004"]["parent"] == "420000"
    # Only the towns asked for, and only those of the list.
    town = rows["140602001000"]
    assert (town["level"], town["parent"]) == ("township", "140602")
    assert [code for code in rows if len(code) == 12] == ["140602001000"]


def test_places_that_are_gone() -> None:
    rows = {row["code"]: row for row in division_rows()}
    # 崇明县 became 崇明区 in 2016 under another code, 桥东区 became 襄都区 in 2020 under its own.
    gone = rows["310230"]
    assert (gone["name"], gone["until_year"], gone["now"]) == ("崇明县", 2016, "310151")
    assert rows["310151"]["until_year"] is None
    renamed = rows["130502"]
    assert (renamed["name"], renamed["former_names"]) == ("襄都区", "桥东区（至2020年）")
    assert renamed["until_year"] is None
    assert renamed["now"] is None


def test_every_place_points_into_the_table() -> None:
    rows = division_rows(["140602001000"])
    codes = {row["code"] for row in rows}
    assert len(codes) == len(rows)
    pointers = {row.get(column) for row in rows for column in ("parent", "now")} - {None}
    assert pointers <= codes
    assert {row["level"] for row in rows if row["parent"] is None} == {"province"}
