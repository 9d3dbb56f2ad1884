"""What must hold for any report: it reads back exactly, no damage makes a wrong number, no bytes
stop the reader."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opencc import OpenCC

from archive.model import Evidence, Reading
from archive.read import Part, read_report
from tests import layouts
from tests.layouts import FAITHFUL, lines_of, rows_of, table
from tests.portals.figures import Scale
from tests.portals.reports import Body, Report, series
from tests.portals.tables import Box, Grid, grids

ISSUER = "北原市教育局"
SITE = "北原市人民政府"

settings.register_profile(
    "bounded",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("bounded")


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """A report of any size on either form: every identity holds."""
    year = draw(st.sampled_from((2019, 2020, 2021, 2023)))
    scale = Scale(
        requests=draw(st.sampled_from((0, 3, 12, 70, 900))),
        disputes=draw(st.sampled_from((0, 2, 15))),
        documents=draw(st.sampled_from((0, 1, 14))),
        regulations=draw(st.sampled_from((0, 3))),
        licences=draw(st.sampled_from((0, 30, 18000))),
        penalties=draw(st.sampled_from((0, 8, 4000))),
        coercions=draw(st.sampled_from((0, 9))),
        fees_wan=draw(st.sampled_from((0.0, 3.5, 15954.526468))),
    )
    trade = draw(st.sampled_from(("education", "land", "market")))
    seed = draw(st.integers(0, 10**6))
    return _made(year, scale, trade, seed)


def _made(year: int, scale: Scale, trade: str, seed: int) -> Report:
    title = f"{ISSUER}{year}年政府信息公开工作年度报告"
    years = {at: ("clean", f"{at + 1}-01-20", title) for at in (year - 1, year)}
    return series(Body(ISSUER, trade, scale, f"电话：{seed:07}"), years)[year]


def read(data: bytes, title: str | None = None) -> Reading:
    return read_report([Part(data)], Evidence(portal_name=SITE, listed_title=title))


def wrong(reading: Reading, printed: Mapping[str, str | None]) -> dict[str, tuple[object, object]]:
    """Cells with another number than the printed one, or a number where none is printed."""
    return {
        key: (value, printed.get(key))
        for key, value in reading.cells.items()
        if value is not None and value != printed.get(key)
    }


def told(reading: Reading) -> bool:
    """Does every cell without a number say why?"""
    return all(key in reading.notes for key, value in reading.cells.items() if value is None)


@pytest.mark.parametrize("name", FAITHFUL)
def test_a_report_in_any_layout_reads_back_exactly(name: str) -> None:
    slow = name.startswith(("docx", "pdf"))

    @settings(max_examples=3 if slow else 12)
    @given(reports(), st.integers(0, 10**6))
    def holds(report: Report, chance: int) -> None:
        reading = read(FAITHFUL[name](report, Random(chance)), report.title)
        assert reading.is_report, reading.reason
        assert (reading.issuer, reading.year, reading.form) == (ISSUER, report.year, report.form)
        assert dict(reading.cells) == report.numbers()
        assert not [f.rule for f in reading.findings if f.verdict == "fail"]

    holds()


# --- damage ----------------------------------------------------------------------------------

MARKS = ("", "", "/", "-", "—", "无", "详见附件")


def blanked(report: Report, chance: Random, share: float) -> dict[str, str]:
    return {
        key: chance.choice(MARKS) if chance.random() < share else value
        for key, value in report.cells.items()
    }


def erred(cells: Mapping[str, str], chance: Random) -> dict[str, str]:
    """The cells with a few figures misprinted, so that identities fail."""
    counts = [key for key, value in cells.items() if value.isdigit()]
    changed = {
        key: str(int(cells[key]) + chance.choice((1, 2, 10))) for key in chance.sample(counts, 3)
    }
    return {**cells, **changed}


def numbers(cells: Mapping[str, str]) -> dict[str, str | None]:
    return {
        key: value.removeprefix("+") if re.match(r"[+-]?\d", value) else None
        for key, value in cells.items()
    }


BLANKING = {
    "html": layouts.html_clean,
    "word": layouts.html_word_paste,
    "pieces": FAITHFUL["html_pieces"],
    "one_table": layouts.html_one_table,
    "continued": layouts.html_continued,
    "divs": layouts.html_divs,
    "cells": layouts.html_paragraph_a_cell,
    "tabs": layouts.text_layout("\t"),
    "lines": layouts.text_layout("\n"),
    "pipes": layouts.text_layout(" | ", lead="| "),
    "spaces": layouts.text_layout("  "),
    "one_line": layouts.text_layout(" ", " "),
    "sheet": layouts.text_sheet,
    "markdown": layouts.text_markdown,
    "filled": FAITHFUL["text_filled"],
    "filled_lines": FAITHFUL["text_filled_lines"],
    "ended": FAITHFUL["text_ended"],
    "ended_lossy": layouts.extracted(layouts._ended),
    "doubled": FAITHFUL["text_doubled"],
    "barred": FAITHFUL["text_barred"],
    "docx": layouts.docx_merged,
    "pdf": layouts.pdf_text,
}


@pytest.mark.parametrize("name", BLANKING)
@pytest.mark.parametrize("misprinted", [False, True], ids=["right", "misprinted"])
def test_blanks_never_make_a_number(name: str, misprinted: bool) -> None:
    slow = name in ("docx", "pdf")

    @settings(max_examples=3 if slow else 10)
    @given(reports(), st.integers(0, 10**6), st.sampled_from((0.03, 0.3, 0.9)))
    def holds(report: Report, seed: int, share: float) -> None:
        chance = Random(seed)
        cells = blanked(report, chance, share)
        cells = erred(cells, chance) if misprinted and share < 0.5 else cells
        damaged = _with(report, cells)
        reading = read(BLANKING[name](damaged, chance), report.title)
        assert not wrong(reading, numbers(cells))
        assert told(reading)

    holds()


@settings(max_examples=20)
@given(reports(), st.integers(0, 10**6))
def test_empty_cells_that_are_told_hide_no_number(report: Report, seed: int) -> None:
    """A cell a line, also an empty one: in tables with nothing but totals, or without zeros."""
    without = {key for key, value in report.cells.items() if value == "0"}
    totals = {key for key in report.cells if key.endswith(".total")}
    for empty in (without, without - totals):
        cells = {key: "" if key in empty else value for key, value in report.cells.items()}
        reading = read(FAITHFUL["text_ended"](_with(report, cells), Random(seed)), report.title)
        assert not wrong(reading, numbers(cells))
        # Of a row whose last cell is empty nothing can be told.
        whole = (key for key in numbers(cells) if key.startswith(("requests.", "disputes.")))
        if empty != without:
            assert all(reading.cells.get(key) == numbers(cells)[key] for key in whole)


def _with(report: Report, cells: Mapping[str, str]) -> Report:
    return replace(report, cells=dict(cells))


@pytest.mark.parametrize("what", ["cells", "rows", "header", "columns"])
def test_removal_never_makes_a_wrong_number(what: str) -> None:
    """Cells, rows, header rows or a whole column of figures taken out of the tables."""

    @settings(max_examples=30)
    @given(reports(), st.integers(0, 10**6), st.booleans())
    def holds(report: Report, seed: int, as_text: bool) -> None:
        chance = Random(seed)
        tables = [_removed(grid, what, chance) for grid in grids(report.form, report.cells)]
        if as_text:
            data = "\n".join(lines_of(report, "\t", tables)).encode()
        else:
            data = layouts.html(report, lambda grid: table(rows_of(grid)), tables)
        reading = read(data, report.title)
        assert not wrong(reading, report.numbers())
        assert told(reading)

    holds()


def _removed(grid: Grid, what: str, chance: Random) -> Grid:
    rows = list(grid.rows)
    if what == "rows":
        at = chance.randrange(1, len(rows))
        del rows[at]
    elif what == "header":
        # A header row without figures; the labels that name the columns go with it.
        plain = [at for at, row in enumerate(rows) if not any(box.figure for box in row)]
        del rows[chance.choice(plain)]
    elif what == "columns":
        at = chance.randrange(7)
        rows = [row if sum(box.figure for box in row) < 7 else _without(row, at) for row in rows]
    else:
        figured = [at for at, row in enumerate(rows) if sum(box.figure for box in row) > 1]
        for at in chance.sample(figured, min(3, len(figured))):
            rows[at] = _without(rows[at], chance.randrange(2))
    return grid._replace(rows=tuple(rows))


def _without(row: tuple[Box, ...], figure: int) -> tuple[Box, ...]:
    figures = [at for at, box in enumerate(row) if box.figure]
    gone = figures[min(figure, len(figures) - 1)]
    return row[:gone] + row[gone + 1 :]


@pytest.mark.parametrize("end", ["\n", ""], ids=["lines", "one line"])
@pytest.mark.parametrize("misprinted", [False, True], ids=["right", "misprinted"])
def test_glued_rows_are_exact_or_ambiguous(end: str, misprinted: bool) -> None:
    """Whole rows without anything between their figures, some of them blank or misprinted."""

    @settings(max_examples=30)
    @given(reports(), st.integers(0, 10**6), st.sampled_from((0.0, 0.0, 0.05)))
    def holds(report: Report, seed: int, share: float) -> None:
        chance = Random(seed)
        cells = blanked(report, chance, share)
        cells = erred(cells, chance) if misprinted else cells
        data = end.join(lines_of(_with(report, cells), "")).encode()
        reading = read(data, report.title)
        assert not wrong(reading, numbers(cells))
        assert told(reading)

    holds()


@pytest.mark.parametrize("how", ["pair", "row", "spaced row", "two rows"])
@pytest.mark.parametrize("misprinted", [False, True], ids=["right", "misprinted"])
def test_figures_in_one_cell_are_exact_or_none(how: str, misprinted: bool) -> None:
    """Neighbouring figures in one cell, as a lost border makes them; or two rows in one."""

    @settings(max_examples=30)
    @given(reports(), st.integers(0, 10**6), st.sampled_from((0.0, 0.1, 0.5)))
    def holds(report: Report, seed: int, share: float) -> None:
        chance = Random(seed)
        cells = blanked(report, chance, share)
        cells = erred(report.cells, chance) if misprinted else cells
        tables = [_joined(grid, how, chance) for grid in grids(report.form, cells)]
        for data in (
            "\n".join(lines_of(report, "\t", tables)).encode(),
            layouts.html(report, lambda grid: table(rows_of(grid, _lines)), tables),
        ):
            assert not wrong(read(data, report.title), numbers(cells))

    holds()


def _lines(box: Box) -> str:
    return box.text.replace("\n", "<br>")


def _joined(grid: Grid, how: str, chance: Random) -> Grid:
    if how == "two rows":
        return _two_rows_in_one(grid, chance)
    rows = list(grid.rows)
    figured = [at for at, row in enumerate(rows) if sum(box.figure for box in row) > 1]
    for at in chance.sample(figured, min(2, len(figured))):
        row = rows[at]
        places = [place for place, box in enumerate(row) if box.figure]
        if how == "pair":
            first = chance.choice(places[:-1])
            places = [first, first + 1]
        joined = Box(
            (" " if how == "spaced row" else "").join(row[place].text for place in places),
            columns=sum(row[place].columns for place in places),
            figure=True,
        )
        rows[at] = (*row[: places[0]], joined, *row[places[-1] + 1 :])
    return grid._replace(rows=tuple(rows))


def _two_rows_in_one(grid: Grid, chance: Random) -> Grid:
    """Two rows below each other with their labels and figures on two lines of the same cells."""
    rows = list(grid.rows)
    alike = [at for at in range(len(rows) - 1) if len(rows[at]) == len(rows[at + 1]) == 8]
    if not alike:
        return grid
    at = chance.choice(alike)
    upper, lower = rows[at : at + 2]
    rows[at : at + 2] = [
        tuple(
            above._replace(text=f"{above.text}\n{below.text}")
            for above, below in zip(upper, lower, strict=True)
        )
    ]
    return grid._replace(rows=tuple(rows))


# --- any bytes -------------------------------------------------------------------------------


PAGES = Path(__file__).resolve().parent / "pages"
# Media that only the documents in tests/pages are made in.
STORED = ("ofd-text.ofd", "zip-of-docx.zip", "mhtml-named-doc.doc", "annex-xlsx_files/annex.xlsx")
MADE = ("html_clean", "html_word_paste", "text_tabs", "text_one_line", "docx_merged", "pdf_text")


@cache
def sound() -> dict[str, bytes]:
    """A sound document of each medium, to be damaged."""
    report = _made(2021, Scale(requests=12, disputes=2, documents=3, licences=30), "education", 1)
    made = {name: FAITHFUL[name](report, Random(1)) for name in MADE}
    return made | {name: (PAGES / name).read_bytes() for name in STORED}


HEADS = (
    b"", b"%PDF-1.7\n", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"<html><table>", b"\xff\xfe", b"\xef\xbb\xbf<!doctype html>",
    b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\n",
)  # fmt: skip


@settings(max_examples=100)
@given(st.sampled_from(HEADS), st.binary(max_size=600))
def test_any_bytes_give_a_reading(head: bytes, rest: bytes) -> None:
    assert isinstance(read(head + rest), Reading)


@settings(max_examples=3)
@given(
    st.sampled_from((b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf1\\ansi ")),
    st.binary(max_size=600),
)
def test_any_bytes_under_an_office_signature_give_a_reading(head: bytes, rest: bytes) -> None:
    """Few of them: each starts the converter."""
    assert isinstance(read(head + rest), Reading)


@settings(max_examples=60)
@given(
    st.text(
        alphabet="<>/=\"' \n|\t0123456789一二三、（四）无法提供总计年度报告tabledrspan&;-",
        max_size=400,
    )
)
def test_any_text_gives_a_reading(text: str) -> None:
    assert isinstance(read(text.encode()), Reading)


@pytest.mark.parametrize("name", [*MADE, *STORED])
def test_a_damaged_document_gives_a_reading(name: str) -> None:
    """Truncated, with bytes changed, or with a piece of itself or of another document put in."""

    @settings(max_examples=8 if name == "pdf_text" else 20)
    @given(st.integers(0, 10**9))
    def holds(seed: int) -> None:
        chance = Random(seed)
        data = bytearray(sound()[name])
        at, end = sorted(chance.randrange(len(data)) for _ in range(2))
        how = chance.choice(("truncate", "change", "splice", "repeat", "drop", "member"))
        if how == "truncate":
            del data[at:]
        elif how == "change":
            for _ in range(chance.choice((1, 8, 200))):
                data[chance.randrange(len(data))] = chance.randrange(256)
        elif how == "splice":
            other = sound()[chance.choice(sorted(sound()))]
            data[at:end] = other[chance.randrange(len(other)) :][:5000]
        elif how == "repeat":
            data[at:at] = data[at:end] * 2
        elif how == "member" and zipfile.is_zipfile(io.BytesIO(data)):
            data = bytearray(_member_damaged(bytes(data), chance))
        else:
            del data[at:end]
        assert isinstance(read(bytes(data)), Reading)

    holds()


def _member_damaged(data: bytes, chance: Random) -> bytes:
    """A sound ZIP in which one member is cut or has numbers that cannot be."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        hit = chance.choice(old.namelist())
        for name in old.namelist():
            text = old.read(name)
            if name == hit and chance.random() < 0.5:
                text = text[: chance.randrange(len(text) + 1)]
            elif name == hit:
                number = chance.choice((b"-1", b"99999999999", b"x", b""))
                text = re.sub(rb'(?<=")\d+(?=")', number, text)
            new.writestr(name, text)
    return out.getvalue()


@pytest.mark.parametrize("script", ["s2t", "s2tw", "s2hk"])
@pytest.mark.parametrize("name", ["html_clean", "html_word_paste", "text_filled"])
def test_a_copy_in_traditional_characters_says_the_same(name: str, script: str) -> None:
    report = _made(2023, Scale(requests=12, disputes=2), "education", 7)
    data = FAITHFUL[name](report, Random(1))
    copied = OpenCC(script).convert(data.decode()).encode()
    evidence = Evidence(portal_name=SITE)
    printed, copy = (read_report([Part(each)], evidence) for each in (data, copied))
    assert numbers({k: v for k, v in copy.cells.items() if v}) == report.numbers()
    assert (copy.issuer, copy.year, copy.form) == (ISSUER, 2023, printed.form)
    assert copy.sections == printed.sections
    assert copy.content_digest == printed.content_digest
    (flag,) = set(copy.flags) - set(printed.flags)
    assert "繁体字" in flag
    assert "按简体字读取" in flag


def test_a_few_traditional_characters_are_a_name() -> None:
    """乾县 is no 干县, also where a copy mixes both kinds of characters."""
    title = "乾县公安局2023年政府信息公开工作年度报告"
    report = replace(_made(2023, Scale(requests=3), "education", 3), title=title)
    data = layouts.html_clean(report, Random(1)).decode()
    for text in (data, OpenCC("s2t").convert(data), data.replace("开", "開").replace("数", "數")):
        reading = read_report([Part(text.encode())], Evidence(portal_name="乾县人民政府"))
        assert reading.issuer == "乾县公安局"
    listed = Evidence(listed_title="呂梁市離石區醫療保障局2023年政府信息公開工作年度報告")
    copy = OpenCC("s2t").convert(data.replace(title, "")).encode()
    assert read_report([Part(copy)], listed).issuer == "吕梁市离石区医疗保障局"
