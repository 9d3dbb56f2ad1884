"""Which form a report uses is told by what it prints, whatever year it is of."""

from collections.abc import Callable, Sequence

import pytest

from archive.extract.plain import read_plain
from archive.extract.web import read_html
from archive.form import PRINTED, keys
from archive.model import Document, State
from archive.parse import Parsed, parse
from tests.portals.figures import Scale, series
from tests.portals.tables import Grid, grids
from tests.portals.web import clean_table, word_table

Make = Callable[[int, Sequence[Grid]], Document]
SCALE = Scale(requests=40, disputes=9, documents=6, licences=1200, penalties=300, fees_wan=88.5)
TITLES = (
    "二、主动公开政府信息情况",
    "三、收到和处理政府信息公开申请情况",
    "四、政府信息公开行政复议、行政诉讼情况",
)
NEW, OLD = (series("new", [2022], SCALE)[2022], series("old", [2019], SCALE)[2019])
NEW_TABLES, OLD_TABLES = grids("2021", NEW), grids("2019", OLD)
STATISTICS = {key: str(place % 7) for place, key in enumerate(keys("stats2014"))}


def as_page(year: int, made: Sequence[Grid], *, word: bool = False) -> Document:
    table = word_table if word else clean_table
    parts = "".join(f"<p>{t}</p>{table(g)}" for t, g in zip(TITLES, made, strict=True))
    title = f"<h1>北原市教育局{year}年政府信息公开工作年度报告</h1><p>一、总体情况</p><p>{'字' * 60}</p>"
    return read_html(
        f"<html><body><div class='TRS_Editor'>{title}{parts}<p>五、存在的主要问题及改进情况</p>"
        "<p>无。</p><p>六、其他需要报告的事项</p><p>无。</p></div></body></html>"
    )


def as_text(year: int, made: Sequence[Grid]) -> Document:
    lines = [f"北原市教育局{year}年政府信息公开工作年度报告", "一、总体情况", "有序。"]
    for title, grid in zip(TITLES, made, strict=True):
        lines += [title, *("\t".join(box.text for box in row) for row in grid.rows)]
    return read_plain(
        "\n".join([*lines, "五、存在的主要问题及改进情况", "六、其他需要报告的事项", "无。"])
    )


def told(read: Parsed) -> dict[str, str]:
    return {key: value for key, value in read.cells.items() if value is not None}


def printed(figures: dict[str, str], form: str, table: str) -> dict[str, str]:
    return {k: figures[k].lstrip("+") for k in keys(form) if k.startswith(f"{table}.")}


@pytest.mark.parametrize("year", [2016, 2019, 2020, 2021, 2023, 2024])
@pytest.mark.parametrize("form", ["2021", "2019"])
def test_a_form_of_any_year(year: int, form: str) -> None:
    made, figures = (NEW_TABLES, NEW) if form == "2021" else (OLD_TABLES, OLD)
    for document in (as_page(year, made), as_page(year, made, word=True), as_text(year, made)):
        read = parse(document)
        assert read.form == form
        assert dict(read.cells) == {key: figures[key].lstrip("+") for key in keys(form)}


@pytest.mark.parametrize("make", [as_page, as_text])
def test_a_report_of_2023_with_the_one_row_of_2019(make: Make) -> None:
    read = parse(make(2023, (NEW_TABLES[0], OLD_TABLES[1], NEW_TABLES[2])))
    assert read.form == "mixed"
    assert told(read) == {
        **printed(NEW, "2021", "disclosure"),
        **printed(OLD, "2019", "requests"),
        **printed(NEW, "2021", "disputes"),
    }
    assert read.notes["requests.other_misc.total"].state is State.MISSING
    assert not {key for key in read.cells if key.endswith((".made", ".items_change"))}


@pytest.mark.parametrize("make", [as_page, as_text])
def test_the_first_table_of_2019_beside_the_second_of_2021(make: Make) -> None:
    read = parse(make(2020, (OLD_TABLES[0], NEW_TABLES[1], OLD_TABLES[2])))
    assert read.form == "mixed"
    assert told(read) == {
        **printed(OLD, "2019", "disclosure"),
        **printed(NEW, "2021", "requests"),
        **printed(OLD, "2019", "disputes"),
    }
    assert not {key for key in read.cells if key.endswith((".in_force", ".amount_wan"))}


def statistics() -> str:
    rows = (
        f"<tr><td>{PRINTED[key].zh}</td><td>{PRINTED[key].unit}</td><td>{value}</td></tr>"
        for key, value in STATISTICS.items()
    )
    return f"<table><tr><td>统计指标</td><td>单位</td><td>统计数</td></tr>{''.join(rows)}</table>"


CHAPTERS = (
    "一、概述", "二、主动公开政府信息的情况", "三、依申请公开政府信息的情况",
    "四、政府信息公开的收费及减免情况", "五、因政府信息公开申请行政复议、提起行政诉讼的情况",
    "六、政府信息公开工作存在的主要问题及改进情况", "七、附表",
)  # fmt: skip


def narrative(annex: str = "", year: int = 2016) -> Document:
    body = "".join(f"<p>{title}</p><p>本年共公开12条，收到申请3件。</p>" for title in CHAPTERS)
    title = f"<h1>北原市教育局{year}年政府信息公开工作年度报告</h1>"
    return read_html(f"<html><body><div id='zoom'>{title}{body}{annex}</div></body></html>")


@pytest.mark.parametrize("year", [2010, 2016, 2019, 2022])
def test_a_narrative_with_the_statistics_beside_it(year: int) -> None:
    read = parse(narrative(statistics(), year))
    assert read.form == "stats2014"
    assert told(read) == STATISTICS
    assert [section.number for section in read.sections if section.number] == list(range(1, 8))
    assert [section.heading for section in read.sections if section.number] == list(CHAPTERS)


@pytest.mark.parametrize("year", [2008, 2016, 2021])
def test_a_narrative_without_tables(year: int) -> None:
    read = parse(narrative("", year))
    assert read.form == "narrative"
    assert dict(read.cells) == {}
    assert read.extras == ()


def test_a_local_table_before_2014_leaves_the_report_narrative() -> None:
    rows = [
        ("指标名称", "计量单位", "2009年度", "历年累计"),
        ("主动公开信息数", "条", "40", "90"),
        ("受理依申请公开信息总数", "条", "2", "3"),
        ("其中：1.当面申请数", "条", "1", "1"),
        ("对申请的答复数", "条", "2", "3"),
        ("行政复议数", "件", "0", "0"),
    ]
    table = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    read = parse(narrative(f"<table>{table}</table>", 2009))
    assert read.form == "narrative"
    assert dict(read.cells) == {}
    assert [(e.label, e.unit, e.printed) for e in read.extras[:4]] == [
        ("主动公开信息数", "条", "40"),
        ("主动公开信息数（历年累计）", "条", "90"),
        ("受理依申请公开信息总数", "条", "2"),
        ("受理依申请公开信息总数（历年累计）", "条", "3"),
    ]


def test_the_form_of_2021_with_old_statistics_quoted_is_of_2021() -> None:
    page = as_page(2021, NEW_TABLES)
    quoted = read_html(f"<div id='zoom'><p>{'字' * 50}</p>{statistics()}</div>")
    read = parse(Document(page.media_type, (*page.blocks, *quoted.blocks), page.prose))
    assert read.form == "2021"
    assert {key: value for key, value in told(read).items() if not key.startswith("stats")} == {
        key: NEW[key].lstrip("+") for key in keys("2021")
    }


def test_only_the_second_table_says_its_form() -> None:
    for made, form in ((NEW_TABLES, "2021"), (OLD_TABLES, "2019")):
        page = as_page(2022, made)
        blocks = [b for b in page.blocks if getattr(b, "rows", ())]
        read = parse(Document("text/html", (blocks[-2],)))
        assert read.form == form
