"""The tables as they are written: strict, connected, each cell what was printed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import sqlite_utils

from archive import store
from archive.form import IDENTITIES, PRINTED
from archive.model import (
    Blame,
    Extra,
    Finding,
    Note,
    Reading,
    Section,
    State,
    Unused,
    Verdict,
)
from archive.schema import TABLES
from archive.versions import History, Version

READING = Reading(
    True,
    "",
    issuer="朔州市教育局",
    year=2023,
    form="2021",
    sections=(Section(1, "一、总体情况", "文字"),),
    cells={
        "requests.received_new.total": "1,234",
        "requests.carried_in.total": "0",
        "requests.carried_out.total": "1.5",
        "disclosure.admin_fees.amount": None,
    },
    notes={
        "requests.received_new.total": Note(State.OCR, "1,234", 0.97),
        "no.such.key": Note(State.TEXT, "x"),
    },
    findings=(Finding("ROW.granted", Verdict.FAIL, "3", "4", Blame.PUBLISHER, ("a", "b"), "说明"),),
    content_digest="c" * 64,
    links=("http://a.gov.cn/",),
)


def test_every_table_and_column_of_the_schema(tmp_path: Path) -> None:
    db = store.create(tmp_path / "new.db")
    for name, table in TABLES.items():
        assert [column.name for column in db.table(name).columns] == list(table.columns)
        assert db.table(name).strict
    references = {
        (name, key.column, f"{key.other_table}.{key.other_column}")
        for name in TABLES
        for key in db.table(name).foreign_keys
    }
    assert references == {
        (name, column, spec.references)
        for name, table in TABLES.items()
        for column, spec in table.columns.items()
        if spec.references
    }


def test_a_text_in_a_column_of_numbers_is_refused(tmp_path: Path) -> None:
    db = store.create(tmp_path / "new.db")
    with pytest.raises(sqlite3.IntegrityError):
        store.write(db, "figures", [{"version_id": "v", "requests__received_new__total": "many"}])


def test_figures_are_what_was_printed(tmp_path: Path) -> None:
    row, notes = store.figures("v", READING)
    assert row == {
        "version_id": "v",
        "requests__received_new__total": 1234,
        "requests__carried_in__total": 0,
    }
    assert [(note["field"], note["state"], note["printed"]) for note in notes] == [
        ("requests.carried_out.total", "text", "1.5"),
        ("requests.received_new.total", "ocr", "1,234"),
    ]
    assert store.count_numbers(row) == (2, 1)


def test_money_keeps_its_decimals() -> None:
    money = next(key for key, field in PRINTED.items() if field.type == "money_text")
    row, _ = store.figures("v", Reading(True, "", cells={money: "12.50"}))
    assert row[PRINTED[money].flat] == "12.50"


def test_derived_sums(tmp_path: Path) -> None:
    db = store.create(tmp_path / "new.db")
    parts = {
        "disputes__litigation_direct__total": 2,
        "disputes__litigation_after_review__total": 3,
        "disputes__litigation_direct__pending": 1,
    }
    store.write(db, "figures", [{"version_id": "v", **parts}])
    found = db.execute(
        "select disputes__litigation__total, disputes__litigation__pending from derived"
    ).fetchone()
    assert found == (5, None)


@pytest.mark.parametrize(
    ("text", "stored"),
    [("a\0b", "a\ufffdb"), ("\ud83d", "\ufffd"), ("年报", "年报"), (3, 3), (None, None)],
)
def test_hostile_text_can_be_stored(tmp_path: Path, text: object, stored: object) -> None:
    assert store.clean(text) == stored


def test_rows_that_point_nowhere_are_not_put_in_place(tmp_path: Path) -> None:
    fresh, path = tmp_path / "nianbao.db.new", tmp_path / "nianbao.db"
    db = store.create(fresh)
    store.write(db, "reports", [{"id": "x/2023", "issuer_id": "x"}])
    with pytest.raises(store.ArchiveError, match="from reports row 1 to issuers"):
        store.put_in_place(db, fresh, path)
    assert not path.exists()


def test_a_mistake_of_ours_is_not_told_as_damage(tmp_path: Path) -> None:
    def mask(_: object) -> str:
        raise TypeError("a mask met what it cannot")

    with closing(sqlite3.connect(":memory:")) as db:
        db.create_function("mask", 1, mask)
        with pytest.raises(sqlite3.Error) as met:
            db.execute("select mask(1)").fetchall()
    told = store.trouble(tmp_path / "nianbao.db", met.value)
    assert "a mistake of this program, not of the archive" in told
    assert "build it again" not in told


def test_what_was_not_used_and_rows_of_no_form_are_listed(tmp_path: Path) -> None:
    reading = replace(
        READING,
        extras=(Extra("本地指标", "条", "3"), Extra("本地指标", "条", "4")),
        unused=(
            Unused("label", "表二第5行", "9.涉及商业\0利益"),
            Unused("number", "表二第5行", "6"),
        ),
    )
    day = "2024-01-31"
    version = Version("v" * 12, 1, day, day, reading)
    history = History("http://a.gov.cn/", "live", version.id, day, day, (version,), (), ())
    db = store.create(tmp_path / "new.db")
    batch = store.Batch(db)
    store.write_report(batch, "x/2023", history, "1")
    batch.flush()
    version_id = f"x/2023/{version.id}"
    assert db.execute("select * from extras").fetchall() == [
        (version_id, 1, "本地指标", "条", "3"),
        (version_id, 2, "本地指标", "条", "4"),
    ]
    assert db.execute("select * from unused").fetchall() == [
        (version_id, 1, "label", "表二第5行", "9.涉及商业\ufffd利益"),
        (version_id, 2, "number", "表二第5行", "6"),
    ]


def test_several_findings_of_one_rule_are_kept_with_their_sentences(tmp_path: Path) -> None:
    db = store.create(tmp_path / "new.db")
    sentence = "全年收到政府信息公开申请3件。"
    batch = store.Batch(db)
    store.write_findings(
        batch,
        "v",
        [
            Finding("ROW.granted", Verdict.FAIL, cells=("a.b.c",), proposed={"a.b.c": "4"}),
            Finding("V.received", Verdict.FAIL, "2", "3", Blame.UNDECIDED, printed=sentence),
            Finding("V.received", Verdict.PASS, "2", "2"),
            Finding("PLAUSIBLE.leap", Verdict.FAIL),
            Finding("NO.SUCH.RULE", Verdict.PASS),
        ],
    )
    batch.flush()
    found = db.execute(
        "select rule, position, cells, proposed, printed from findings order by rule, position"
    ).fetchall()
    assert found == [
        ("PLAUSIBLE.leap", 1, "[]", None, None),
        ("ROW.granted", 1, '["a.b.c"]', '{"a.b.c": "4"}', None),
        ("V.received", 1, "[]", None, sentence),
        ("V.received", 2, "[]", None, None),
    ]


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ({}, {"reports": 0}, ""),
        ({"reports": 100}, {"reports": 90}, ""),
        ({"reports": 100}, {"reports": 89}, "100 reports before, 89 now"),
        ({"reports": 19}, {"reports": 0}, ""),
        ({"portals": 20, "cells": 5000}, {"cells": 4000}, "20 portals before, 0 now; 5000 cells"),
    ],
)
def test_an_archive_that_collapsed_is_told(
    before: dict[str, int], after: dict[str, int], lost: str
) -> None:
    found = store.collapsed(before, after)
    assert found.startswith(lost)
    assert bool(found) == bool(lost)


def test_every_rule_is_described(tmp_path: Path) -> None:
    db = store.create(tmp_path / "new.db")
    levels = dict(db.execute("select id, level from identities").fetchall())
    assert levels["V.none_received"] == "narrative"
    assert levels["PLAUSIBLE.all_zero"] == "plausibility"
    assert sum(rule.startswith("V.") for rule in levels) == 13
    assert db.execute("select count(*) from identities where basis is null").fetchone() == (0,)


def test_cells_of_the_formula_are_not_said_again(tmp_path: Path) -> None:
    """They are most of what findings would weigh; other cells are said."""
    rule = "BALANCE.total"
    (formula,) = (identity.formula for identity in IDENTITIES if identity.id == rule)
    cells = tuple(formula.replace(" + ", " = ").split(" = "))
    db = store.create(tmp_path / "new.db")
    batch = store.Batch(db)
    found = [Finding(rule, Verdict.PASS, cells=cells), Finding(rule, Verdict.PASS, cells=cells[:2])]
    store.write_findings(batch, "v", found)
    batch.flush()
    assert db.execute("select cells from findings order by position").fetchall() == [
        (None,),
        (f'["{cells[0]}", "{cells[1]}"]',),
    ]


def test_a_write_that_was_lost_as_the_archive_closed_is_noticed(tmp_path: Path) -> None:
    """What is checked is the file, and not what SQLite remembers of it."""

    class Forgetful(sqlite_utils.Database):
        def close(self) -> None:
            super().close()
            with fresh.open("r+b") as file:
                file.seek(68)  # application_id
                file.write(bytes(4))

    fresh = tmp_path / "new.db"
    store.create(fresh).close()
    db = Forgetful(sqlite3.connect(fresh, isolation_level=None))
    with pytest.raises(store.ArchiveError, match=r"made by \(7, 0\) where \(7, 9\) was written"):
        store.put_in_place(db, fresh, tmp_path / "nianbao.db", (7, 9))
    assert not (tmp_path / "nianbao.db").exists()


def test_tables_made_without_their_types_are_not_put_in_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What sqlite-utils does when its first write is refused: it believes SQLite to be old."""
    monkeypatch.setattr(sqlite_utils.Database, "supports_strict", False)
    db = store.create(tmp_path / "new.db")
    with pytest.raises(store.ArchiveError, match="was made without its types"):
        store.put_in_place(db, tmp_path / "new.db", tmp_path / "nianbao.db", (7, 9))
    assert not (tmp_path / "nianbao.db").exists()
