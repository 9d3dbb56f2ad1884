"""/accuracy: what is measured, by which rules, and that the committed figures are what comes out."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from archive.model import Evidence, Finding, Note, Reading, State
from tests import accuracy
from tests.accuracy import Entry, Score, as_text, form_of, medium_of, number, score

COMMITTED = json.loads(accuracy.RESULT.read_text("utf-8"))
SCORER = accuracy.CORPUS.parent / "tools" / "score_parse.py"
WITHOUT = f"the corpus is not there: {accuracy.CORPUS}"
has_corpus = pytest.mark.skipif(not (accuracy.CORPUS / accuracy.EXPECTED).exists(), reason=WITHOUT)
has_readers = pytest.mark.skipif(
    not all(accuracy.NEEDS.values()),
    reason=f"not installed: {[name for name, there in accuracy.NEEDS.items() if not there]}",
)


def entry(**more: Any) -> Entry:
    given: dict[str, Any] = {
        "bodies": frozenset({"某局"}),
        "year": 2023,
        "forms": ("2021",),
        "cells": {"a": "12", "b": "0", "c": None, "d": "1234.50"},
    }
    return Entry(Path("x.html"), "html", Evidence(), True, **(given | more))


def reading(cells: Mapping[str, str | None], **more: Any) -> Reading:
    given: dict[str, Any] = {"issuer": "某局", "year": 2023, "form": "2021"}
    return Reading(True, "", cells=cells, **(given | more))


RIGHT = {"a": "12", "b": "0", "c": None, "d": "1,234.50"}


def counted(found: Score) -> dict[str, int]:
    return {name: value for name, value in asdict(found).items() if value}


BASE = {"documents": 1, "told": 1, "reports": 1, "named": 1, "tables": 1, "cells": 4}


@pytest.mark.parametrize(
    ("cells", "counts"),
    [
        (RIGHT, {"whole": 1, "right": 4}),
        ({**RIGHT, "a": "13"}, {"right": 3, "wrong": 1}),
        ({**RIGHT, "a": None}, {"right": 3, "missed": 1}),
        ({**RIGHT, "c": "0"}, {"right": 3, "invented": 1}),
        # Blank is not zero, nor the other way round.
        ({**RIGHT, "b": None, "c": "0"}, {"right": 2, "missed": 1, "invented": 1}),
        ({}, {"right": 1, "missed": 3}),
        # A number where the document has no such cell; what cannot be told apart is not scored.
        ({**RIGHT, "z": "5", "glued": "7"}, {"whole": 1, "right": 4, "beyond": 1}),
    ],
)
def test_every_cell_is_right_wrong_missed_or_invented(
    cells: dict[str, str | None], counts: dict[str, int]
) -> None:
    stated = entry(unscored=frozenset({"glued"}))
    assert counted(score(stated, reading(cells))) == BASE | counts


def test_notes_names_and_identities() -> None:
    stated = entry(
        states={"c": "blank", "b": ["na", "text"], "a": "missing"},
        broken=frozenset({"SUM.total", "ROW.granted"}),
    )
    notes = {"c": Note(State.BLANK, ""), "b": Note(State.TEXT, "无"), "a": Note(State.BLANK, "")}
    findings = (
        Finding("SUM.total@2021", "fail"),
        Finding("ROW.granted", "pass"),
        Finding("BALANCE.total", "fail"),
        Finding("V.outcomes", "fail"),
    )
    read = reading(RIGHT, notes=notes, findings=findings, year=2022)
    assert counted(score(stated, read)) == {
        **{name: value for name, value in BASE.items() if name != "named"},
        "whole": 1,
        "right": 4,
        "notes": 3,
        "notes_right": 2,
        "broken": 2,
        "broken_found": 1,
        "false_alarms": 1,
    }
    # Where nobody stated which identities are broken, none is found and none is a false alarm.
    found = score(entry(broken=None), read)
    assert (found.broken, found.broken_found, found.false_alarms) == (0, 0, 0)


def test_what_is_no_report_is_only_told_apart() -> None:
    page = Entry(Path("news.html"), "html", Evidence(), False)
    assert counted(score(page, Reading(False, "不是年报"))) == {"documents": 1, "told": 1}
    assert counted(score(page, reading(RIGHT))) == {"documents": 1}
    # A report that was refused has all its numbers missed.
    missed = {"reports": 1, "documents": 1, "tables": 1, "cells": 4, "right": 1, "missed": 3}
    assert counted(score(entry(), Reading(False, "不是年报"))) == missed


def test_numbers_are_compared_by_value() -> None:
    assert number(" 1,234.50 ") == number("1234.5") == number("１２３４.5")
    assert number("0") != number(None)
    assert number("/") == "/"


def test_the_form_that_was_read_where_two_may_be_said() -> None:
    either = entry(forms=("2021", "mixed"))
    assert form_of(either, reading({}, form="mixed")) == "mixed"
    assert form_of(either, reading({}, form="2019")) == "2021"


def test_the_medium_is_told_by_content(tmp_path: Path) -> None:
    page = tmp_path / "report.doc"
    page.write_bytes(b"\r\n<!DOCTYPE html><html>")
    assert medium_of(page) == "html"
    page.write_bytes(b"\xd0\xcf\x11\xe0")
    assert medium_of(page) == "word"
    assert medium_of(page, ["table.xlsx"]) == "spreadsheet"


def test_the_text_is_json_with_a_line_a_document() -> None:
    value = {"a": 1, "b": {"c": [{"d": "一"}, {"d": None}], "e": {}}, "f": []}
    assert json.loads(as_text(value)) == value
    assert as_text(value).count("\n") == 10


# The committed figures


def without_day(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "measured_on"}


def test_the_committed_sums_are_the_sums_of_the_documents() -> None:
    assert COMMITTED["reader"] == accuracy.PARSER, "the reader has changed: run `make accuracy`"
    for measured in COMMITTED["sets"].values():
        tallied = accuracy.tallied(measured["documents"])
        assert {**tallied, "digest": measured["digest"]} == measured
        total = measured["all"]
        assert total["cells"] == sum(total[n] for n in ("right", "wrong", "missed", "invented"))
        for by in ("form", "medium"):
            for name in ("reports", "cells", "right", "notes", "broken"):
                assert sum(line[name] for line in measured[by].values()) == total[name]


@has_corpus
def test_the_real_documents_measured_again() -> None:
    measured = accuracy.measure_set(accuracy.real(), accuracy.CORPUS)
    assert measured == COMMITTED["sets"]["real"], "run `make accuracy` and commit what it writes"


@has_readers
def test_the_made_documents_measured_again() -> None:
    measured = accuracy.measure_set(accuracy.made(), accuracy.PAGES)
    assert measured == COMMITTED["sets"]["made"], "run `make accuracy` and commit what it writes"


@pytest.mark.skipif(not SCORER.exists(), reason=f"the corpus' own scorer is not there: {SCORER}")
def test_the_counts_are_those_of_the_corpus_own_scorer(tmp_path: Path) -> None:
    command = [sys.executable, str(SCORER), "--json", str(tmp_path / "totals.json")]
    subprocess.run(
        [*command, "--command", f"{sys.executable} -m archive parse"],
        cwd=accuracy.ROOT, capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    theirs = json.loads((tmp_path / "totals.json").read_text("utf-8"))
    ours = COMMITTED["sets"]["real"]["all"]
    assert (ours["documents"], ours["told"]) == (theirs["files"], theirs["kind"])
    assert (ours["cells"], ours["right"]) == (theirs["cells"], theirs["right"])
    assert ours["missed"] == theirs["missing"]
    assert ours["wrong"] + ours["invented"] == theirs["wrong"]
    assert (ours["broken"], ours["broken_found"]) == (theirs["broken"], theirs["broken_found"])
    assert (ours["false_alarms"], ours["reports"]) == (theirs["false_alarms"], theirs["reports"])
    assert ours["named"] <= min(theirs["issuer"], theirs["year"], theirs["form"])


# The page


def plugin() -> Any:
    return sys.modules["nianbao_site.accuracy"]


@pytest.mark.asyncio
async def test_intervals(site: Any) -> None:
    wilson = plugin().wilson
    # All of n: n / (n + z²), with z² = 3.8415; none of n is its mirror.
    assert wilson(17, 17) == (pytest.approx(17 / 20.8415, abs=1e-4), 1.0)
    assert wilson(0, 17) == (0.0, pytest.approx(3.8415 / 20.8415, abs=1e-4))
    # Newcombe (1998), table I: 81 of 263, 15 of 148.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson(0, 0) is None
    shown = plugin().share_text
    assert [shown(part) for part in (1.0, 0.9999, 0.8157, 0.0, None)] == [
        "100%", "99.9%", "81.5%", "0%", "",
    ]  # fmt: skip


@pytest.mark.asyncio
async def test_the_page_shows_what_was_measured(site: Any) -> None:
    page = html.fromstring((await site.get("/accuracy")).text)
    real = COMMITTED["sets"]["real"]
    text = page.text_content()
    assert f"{real['all']['right']:,}/{real['all']['cells']:,}" in text
    assert real["digest"] in text
    assert COMMITTED["measured_on"] in text
    tables = page.xpath("//table[contains(@class, 'measured')]")
    assert len(tables) == 4
    for table, (name, by) in zip(
        tables, [("real", "form"), ("real", "medium"), ("made", "medium"), ("made", "form")],
        strict=True,
    ):  # fmt: skip
        lines = COMMITTED["sets"][name][by].values()
        for row, line in zip(table.xpath("./tbody/tr"), lines, strict=True):
            cells = [cell.text_content() for cell in row.xpath("./td")]
            assert cells[0] == f"{line['reports']:,}"
            if not line["reports"]:
                assert "未测量" in cells[1]
            elif line["cells"]:
                numbers = [line[n] for n in ("cells", "right", "wrong", "missed", "invented")]
                assert cells[1:6] == [f"{number:,}" for number in numbers]
                assert cells[8] == f"{line['whole']}/{line['tables']}"
                # What was made for tests is a sample of nothing.
                assert len(cells) == (10 if name == "real" else 9)
    # One report says next to nothing: 1 / (1 + 3.8415).
    (single,) = tables[0].xpath("./tbody/tr[th[contains(., '2014')]]")
    assert single.xpath("string(./td[last()])") == "20.6%–100%"
    for place in ("method", "limits", "real", "made"):
        assert page.xpath("//*[@id=$id]", id=place)


@pytest.mark.asyncio
async def test_the_figures_for_programs(site: Any) -> None:
    told = (await site.get("/accuracy.json")).json()
    assert (told["reader"], told["measured_on"]) == (COMMITTED["reader"], COMMITTED["measured_on"])
    # Seven versions in the small archive, all read by the first reader.
    assert told["readers_of_this_archive"] == [{"parser": "1", "versions": 7}]
    for name, measured in COMMITTED["sets"].items():
        for key, value in measured["all"].items():
            assert told["sets"][name]["all"][key] == value
        assert len(told["sets"][name]["documents"]) == measured["all"]["documents"]
    assert told["sets"]["made"]["all"]["whole_low"] is None
    lines = list(csv.DictReader(io.StringIO((await site.get("/accuracy.csv")).text)))
    keys = [(line["set"], line["by"], line["code"]) for line in lines]
    assert len(keys) == len(set(keys)) == 2 * (1 + len(accuracy.FORMS) + len(accuracy.MEDIA))
    (whole,) = (line for line in lines if (line["set"], line["by"]) == ("real", "all"))
    assert int(whole["cells"]) == COMMITTED["sets"]["real"]["all"]["cells"]
    assert float(whole["whole_low"]) == told["sets"]["real"]["all"]["whole_low"]


@pytest.mark.asyncio
async def test_faults_are_shown_as_they_are(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that misreads is said to."""
    measured = json.loads(json.dumps(COMMITTED))
    line = measured["sets"]["real"]["form"]["2021"]
    line |= {"right": line["cells"] - 6, "wrong": 3, "missed": 2, "invented": 1, "whole": 5}
    everything = measured["sets"]["real"]["all"]
    everything |= {
        "right": everything["cells"] - 6,
        "wrong": 3,
        "missed": 2,
        "invented": 1,
        "whole": 13,
    }
    (tmp_path / "accuracy.json").write_text(as_text(measured), "utf-8")
    monkeypatch.setattr(plugin(), "MEASURED", tmp_path / "accuracy.json")
    page = html.fromstring((await site.get("/accuracy")).text)
    text = page.text_content()
    assert "3、2、1" in text
    assert "13/17" in text
    assert "都没有读错" not in text
    # 13 of 17, by hand: centre (13/17 + 1.92073/17) / (1 + 3.84146/17) = 0.71592, half 0.18853.
    low, high = plugin().wilson(13, 17)
    assert (low, high) == pytest.approx((0.5274, 0.9045), abs=1e-4)
    row = page.xpath("//table[contains(@class, 'measured')]/tbody/tr[1]/td")
    assert [cell.text_content() for cell in row][3:6] == ["3", "2", "1"]
