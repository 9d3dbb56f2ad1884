"""The comparison and the charts: no rate of nothing, no rank of few, no sum that counts twice."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from time import sleep
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from datasette.app import Datasette
from lxml import html
from site_fixture import IMAGE, SCRIPT, build_site, figures, insert

from archive import store
from archive.publish import added
from archive.schema import TABLES
from archive.search_index import index_texts
from crawler.render import browser_missing, chromium

RATE = "metric=disclosure_rate"
HUAIAN = f"{RATE}&level=county&region=320800"
STATIC = Path(__file__).parent.parent / "datasette" / "static"


def results(concluded: int | None, granted: int | None, received: int = 0) -> dict[str, Any]:
    """A report of form 2021: so many concluded, of which granted; partly granted none."""
    return figures(
        "2021",
        requests__concluded_total__total=concluded,
        requests__granted__total=granted,
        requests__received_new__total=received,
    )


# body, year, scope, form, what it prints
REPORTS = (
    # A government on its own level counts its departments.
    ("320813-zf", 2023, "own_level", "2021", results(100, 30, 120)),
    ("320813-jyj", 2023, "own_body", "2021", results(40, 10, 60)),
    ("320813-jyj", 2022, "own_body", "2021", results(30, 15, 50)),
    ("320813-jyj", 2021, "own_body", "2021", results(30, 3, 0)),
    ("320813-jyj", 2020, "own_body", "2019", {
        **figures("2019"), "requests__concluded_total__total": 20, "requests__granted__total": 5,
        "requests__received_new__total": 25}),
    ("320813-jyj", 2016, "own_body", "stats2014", figures("stats2014", stats2014__requests__received=7)),
    ("320813-czj", 2023, "own_body", "2021", results(29, 29, 29)),
    ("320813-czj", 2022, "own_body", "2021", results(0, 0, 0)),
    # Another county, and one of the same name as no other.
    ("320812-mzj", 2023, "own_body", "2021", results(50, 25, 55)),
    ("320812-bad", 2023, "own_body", "2021", results(60, 30, 61)),
    ("320812-bad", 2022, "own_body", "2021", results(None, 4, 0)),
    # The city tells of all its counties.
    ("320800-zf", 2023, "jurisdiction_aggregate", "2021", results(500, 100, 600)),
    ("320830-jyj", 2023, "unclear", "2021", results(70, 7, 80)),
    # Of one year government and office tell of the level, of the other the office alone.
    ("330106-zf", 2023, "own_level", "2021", results(100, 50)),
    ("330106-zfb", 2023, "own_level", "2021", results(100, 50)),
    ("330106-zfb", 2022, "own_level", "2021", results(80, 20)),
    ("330106-swj", 2023, "own_body", "2021", results(40, 4)),
    ("330106-swj", 2022, "own_body", "2021", results(30, 3)),
    ("330106-czj", 2023, "own_body", "2021", results(5, 1)),
    ("330106-zhen", 2023, "own_body", "2021", results(7, 7)),
    # What a doubtful report says of its level silences nobody, nor does one of nothing but 0.
    ("330108-zf", 2023, "own_level", "2021", results(900, 9)),
    ("330108-swj", 2023, "own_body", "2021", results(60, 6)),
    ("330109-zf", 2023, "own_level", "2021", results(0, 0)),
    ("330109-swj", 2023, "own_body", "2021", results(70, 7)),
)  # fmt: skip
BODIES = (
    ("320813-zf", "洪泽区人民政府", "county", "government", None),
    ("320813-jyj", "洪泽区教育局", "county", "department", "320813-zf"),
    ("320813-czj", "洪泽区财政局", "county", "department", "320813-zf"),
    ("320812-mzj", "清江浦区民政局", "county", "department", None),
    ("320812-bad", f"清江浦区{IMAGE}", "county", "department", None),
    ("320800-zf", "淮安市人民政府", "prefecture", "government", None),
    ("320830-jyj", "盱眙县教育局", "county", "department", None),
    ("330106-zf", "西湖区人民政府", "county", "government", None),
    ("330106-zfb", "西湖区人民政府办公室", "county", "office", "330106-zf"),
    # Nobody knows what is above it.
    ("330106-swj", "西湖区商务局", "county", "department", None),
    ("330106-czj", "西湖区财政局", "county", "department", "330106-zf"),
    ("330106-zhen", "三墩镇人民政府", "township", "township", "330106-zf"),
    ("330108-zf", "滨江区人民政府", "county", "government", None),
    ("330108-swj", "滨江区商务局", "county", "department", "330108-zf"),
    ("330109-zf", "萧山区人民政府", "county", "government", None),
    ("330109-swj", "萧山区商务局", "county", "department", "330109-zf"),
)
PLACES = (
    ("320000", "江苏省", "province", None, None),
    ("320800", "淮安市", "prefecture", "320000", None),
    ("320813", "洪泽区", "county", "320800", None),
    ("320106", "鼓楼区", "county", "320000", None),
    ("350102", "鼓楼区", "county", None, None),
    ("330106", "西湖区", "county", None, None),
    ("330106110000", "三墩镇", "township", "330106", None),
)
TOWNS = {"330106-zhen": "330106110000"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = build_site(tmp_path_factory.mktemp("compare"), empty=True)
    db = sqlite3.connect(site / "nianbao.db", isolation_level=None)
    # What was added to the empty archive is added again once it is filled; an index's own tables
    # go with it.
    made = "select name from sqlite_master where type = 'table' and name not like 'sqlite%' "
    for order in (made + "and sql like 'create virtual%'", made):
        for (name,) in db.execute(order).fetchall():
            if name not in TABLES:
                db.execute(f"drop table {name}")
    for issuer, name, level, kind, parent in BODIES:
        insert(db, "issuers", {"id": issuer, "name": name, "level": level, "kind": kind,
                               "division": issuer[:6], "parent_id": parent,
                               "place_code": TOWNS.get(issuer, issuer[:6])})  # fmt: skip
    insert(db, "issuer_names", {"issuer_id": "320813-jyj", "name": "洪泽县教育局"})
    for code, name, level, parent, until in PLACES:
        insert(db, "divisions", {"code": code, "name": name, "level": level, "parent": parent,
                                 "until_year": until})  # fmt: skip
    for issuer, year, scope, form, printed in REPORTS:
        report = f"{issuer}/{year}"
        version = f"{report}/{'a' * 12}"
        insert(db, "reports", {"id": report, "issuer_id": issuer, "year": year, "scope": scope,
                               "form": form, "title": SCRIPT, "status": "live",
                               "published_on": f"{year + 1}-02-15",
                "first_seen": "2024-06-01T18:00:00Z",
                "last_seen": "2024-06-01T18:00:00Z",
                               "current_version": version})  # fmt: skip
        insert(db, "versions", {"id": version, "report_id": report, "number": 1, "form": form,
                                "numbers_read": 200,
                                "nonzero_cells": 0 if issuer == "330109-zf" else 3,
                                "flags": "疑似仿冒" if issuer == "330108-zf" else None})  # fmt: skip
        insert(db, "figures", {"version_id": version, **printed})
    insert(db, "cell_notes", {"version_id": f"320812-bad/2022/{'a' * 12}", "state": "na",
                              "field": "requests.concluded_total.total",
                              "printed": "／"})  # fmt: skip
    checked = {"version_id": f"320813-jyj/2023/{'a' * 12}", "position": 1}
    insert(db, "findings", {**checked, "rule": "ROW.granted", "verdict": "pass"},
           {**checked, "rule": "ROW.received_new", "verdict": "fail", "blame": "publisher"},
           {**checked, "rule": "BALANCE.total", "verdict": "not_checkable"})  # fmt: skip
    # The store makes it with the archive.
    db.execute(f"create view derived as {store._derived_view()}")
    for add in added():
        add(db)
    index_texts(db)
    db.close()
    return site


async def asked(site: Any, query: str) -> dict[str, Any]:
    response = await site.get(f"/compare.json?{query}")
    assert response.status_code == 200, response.text
    return json.loads(response.text)  # type: ignore[no-any-return]


def values(body: dict[str, Any], key: str = "disclosure_rate") -> dict[str, dict[str, Any]]:
    return {row["report_id"]: row["values"][key] for row in body["rows"]}


def words(element: Any) -> str:
    return " ".join(element.text_content().split())


@pytest.mark.asyncio
async def test_rates_come_with_their_n_and_ranks_only_where_n_is_enough(site: Any) -> None:
    found = values(await asked(site, f"{HUAIAN}&from=2023&to=2023"))
    ranks = {report: (v["value"], v["n"], v.get("rank")) for report, v in found.items()}
    assert ranks == {
        "320812-mzj/2023": (50.0, 50, 1),
        "320812-bad/2023": (50.0, 60, 1),
        "320813-zf/2023": (30.0, 100, 3),
        "320813-jyj/2023": (25.0, 40, 4),
        "320830-jyj/2023": (10.0, 70, 5),
        # 29 of 29: the highest of all, and of too few to say so.
        "320813-czj/2023": (100.0, 29, None),
    }


@pytest.mark.asyncio
async def test_an_aggregate_is_neither_ranked_nor_added(site: Any) -> None:
    body = await asked(site, f"{RATE}&region=320800&from=2023&to=2023")
    aggregate = next(row for row in body["rows"] if row["report_id"] == "320800-zf/2023")
    assert "rank" not in aggregate["values"]["disclosure_rate"]
    assert "汇总" in aggregate["left_out_of_sums"]


@pytest.mark.asyncio
async def test_sums_count_nothing_twice_and_say_what_they_leave_out(site: Any) -> None:
    query = f"{RATE}&figure=requests.received_new.total&region=320800&from=2023&to=2023"
    body = await asked(site, query)
    out = {row["report_id"]: row["left_out_of_sums"] for row in body["rows"]}
    assert {report for report, why in out.items() if not why} == {
        "320813-zf/2023", "320812-mzj/2023", "320812-bad/2023",
    }  # fmt: skip
    assert "本级汇总" in out["320813-jyj/2023"]
    assert "口径未写明" in out["320830-jyj/2023"]
    (line,) = body["sums"]
    assert (line["reports"], line["added"]) == (7, 3)
    # (30 + 25 + 30) of (100 + 50 + 60), not the mean of three rates; 120 + 55 + 61 received.
    rate, received = (
        line["values"]["disclosure_rate"],
        line["values"]["requests.received_new.total"],
    )
    assert (rate["value"], rate["n"], rate["bodies"]) == (pytest.approx(100 * 85 / 210), 210, 3)
    assert received["value"] == 236
    page = html.fromstring((await site.get(f"/compare?{query}")).text)
    told = words(page.get_element_by_id("sums"))
    assert "1 份全辖区汇总，已含所辖各机关（ 淮安市人民政府 2023" in told.replace("（淮", "（ 淮")
    assert "重复" in told


@pytest.mark.asyncio
async def test_departments_alone_are_added(site: Any) -> None:
    body = await asked(site, f"{RATE}&body=320813-jyj&body=320813-czj&from=2023&to=2023")
    (line,) = body["sums"]
    assert line["values"]["disclosure_rate"]["n"] == 69
    assert line["values"]["disclosure_rate"]["value"] == pytest.approx(100 * 39 / 69)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("query", "n"),
    [
        # The level, and the town beside it.
        ("region=330106&from=2023&to=2023", 107),
        ("region=330106&level=county&from=2023&to=2023", 100),
        ("region=330106&level=township&from=2023&to=2023", 7),
        ("region=330106&from=2022&to=2022", 80),
        ("body=330106-swj&from=2023&to=2023", 40),
        ("body=330106-swj&body=330106-czj&from=2023&to=2023", 45),
        ("body=330106-swj&body=330106-zf&from=2023&to=2023", 100),
        # Its government is not chosen: the office's stands for it.
        ("body=330106-swj&body=330106-zfb&from=2023&to=2023", 100),
        ("body=330106-swj&body=330106-zfb&from=2022&to=2022", 80),
        ("region=330108&from=2023&to=2023", 60),
        ("region=330109&from=2023&to=2023", 70),
    ],
)
async def test_a_level_is_counted_once_whatever_is_chosen(site: Any, query: str, n: int) -> None:
    (line,) = (await asked(site, f"{RATE}&{query}"))["sums"]
    assert line["values"]["disclosure_rate"]["n"] == n


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("body", "year", "key", "why"),
    [
        ("320813-czj", 2022, RATE, "分母为 0"),
        ("320812-bad", 2022, RATE, "分母不是数字"),
        ("320813-jyj", 2016, RATE, "2014 年统计表没有所需的格"),
        ("320813-jyj", 2016, "figure=requests.granted.total", "此表式没有这一格"),
        ("320812-bad", 2022, "figure=requests.concluded_total.total", "不适用，原文印作「／」"),
        ("320813-jyj", 2021, "metric=text_repeat_rate", "没有上一年度的年报，或正文没有这两章"),
    ],
)
async def test_what_is_empty_says_why(site: Any, body: str, year: int, key: str, why: str) -> None:
    query = f"{key}&body={body}&from={year}&to={year}"
    (row,) = (await asked(site, query))["rows"]
    (value,) = row["values"].values()
    assert (value["value"], value["why"]) == (None, why)
    page = html.fromstring((await site.get(f"/compare?{query}")).text)
    cell = page.xpath("//section[@id='rows']//td[@class='n']")[0]
    assert words(cell) == f"—{why}"


@pytest.mark.asyncio
async def test_the_change_on_the_year_before_is_of_the_same_form(site: Any) -> None:
    query = "figure=requests.received_new.total&body=320813-jyj&from=2020&to=2023&yoy=1"
    found = values(await asked(site, query), "requests.received_new.total")
    told = {
        report[-4:]: (v["value"], v["yoy"], v["yoy_n"], v["yoy_why"]) for report, v in found.items()
    }
    assert told == {
        "2023": (60, 20.0, 50, ""),
        "2022": (50, None, 0, "上一年度为 0"),
        "2021": (0, None, 25, "上一年度表式不同"),
        "2020": (25, None, None, "没有上一年度的年报"),
    }


@pytest.mark.asyncio
async def test_the_change_of_the_first_year_asked_for_is_told_too(site: Any) -> None:
    query = "figure=requests.received_new.total&body=320813-jyj&from=2023&to=2023&yoy=1"
    ((report, value),) = values(await asked(site, query), "requests.received_new.total").items()
    assert (report, value["yoy"]) == ("320813-jyj/2023", 20.0)


@pytest.mark.asyncio
async def test_forms_are_kept_apart_in_the_chart(site: Any) -> None:
    page = html.fromstring(
        (await site.get(f"/compare?{RATE}&body=320813-jyj&body=320813-czj")).text
    )
    (figure,) = page.xpath("//figure[@data-chart]")
    assert (figure.get("data-chart"), figure.get("data-unit")) == ("line", "%")
    parts = [
        [[words(cell) for cell in row] for row in body.xpath("./tr")]
        for body in figure.xpath(".//tbody")
    ]
    # 2019's form first; what has no number, the table of 2014 and a rate of nothing, is empty.
    assert parts == [
        [["2019 年试行表式"], ["2020", "25", ""]],
        [
            ["2021 年表式"],
            ["2021", "10", ""],
            ["2022", "50", ""],
            ["2023", "25", "100"],
        ],
    ]
    # The rate of 29 is drawn as one of too few.
    faint = figure.xpath(".//td[@data-faint]")
    assert [words(cell) for cell in faint] == ["25", "100"]


@pytest.mark.asyncio
async def test_a_group_is_charted_as_a_whole_over_years(site: Any) -> None:
    page = html.fromstring((await site.get(f"/compare?{HUAIAN}&from=2022&to=2023")).text)
    (figure,) = page.xpath("//figure[@data-chart='line']")
    rows = [[words(cell) for cell in row] for row in figure.xpath(".//tbody/tr")]
    # 2022: 15 of 30, what has no n left out; 2023: 85 of 210.
    assert rows == [["2022", "50"], ["2023", "40.48"]]


@pytest.mark.asyncio
async def test_one_year_of_a_group_is_bars_of_those_with_enough(site: Any) -> None:
    page = html.fromstring((await site.get(f"/compare?{HUAIAN}&from=2023&to=2023")).text)
    (figure,) = page.xpath("//figure[@data-chart='bar']")
    rows = [words(row[1]) for row in figure.xpath(".//tbody/tr")]
    assert rows == ["50", "50", "30", "25", "10"]
    assert "n ≥ 30" in words(figure.xpath("./figcaption")[0])


@pytest.mark.asyncio
async def test_metrics_of_a_group(site: Any) -> None:
    query = (
        "metric=zero_request_share&metric=presence_rate&metric=on_time_rate"
        "&level=county&region=320813&from=2019&to=2023"
    )
    groups = {line["year"]: line["values"] for line in (await asked(site, query))["groups"]}
    # Of two reports of 2022 one tells of no application; of one of 2021, that one.
    shares = {
        year: (line["zero_request_share"]["value"], line["zero_request_share"]["n"])
        for year, line in groups.items()
        if year > 2020
    }
    assert shares == {2023: (0.0, 3), 2022: (50.0, 2), 2021: (100.0, 1)}
    # The education office is due since 2016, the finance office since 2022, both with reports.
    assert groups[2022]["presence_rate"]["value"] == 100.0
    # All on 15 February: the government by 31 March, the two offices by 31 January.
    assert (groups[2023]["on_time_rate"]["count"], groups[2023]["on_time_rate"]["n"]) == (1, 3)
    # Of 2019 nothing was seen of the education office: neither here nor on time.
    assert groups[2019] == {
        "presence_rate": {"value": 0.0, "n": 1, "count": 0},
        "on_time_rate": {"value": 0.0, "n": 1, "count": 0},
    }


@pytest.mark.asyncio
async def test_a_report_taken_down_was_published_all_the_same(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "site"
    shutil.copytree(folder, copy, symlinks=True)
    with closing(sqlite3.connect(copy / "nianbao.db")) as db:
        db.execute("update coverage set report_id = null where year = 2023")
        db.execute("update coverage set on_time = 'unknown' where issuer_id = '320813-czj'")
        db.commit()
    datasette = Datasette(config_dir=copy)
    await datasette.invoke_startup()
    query = "metric=presence_rate&metric=on_time_rate&region=320813&from=2023&to=2023"
    (line,) = (await asked(datasette.client, query))["groups"]
    counts = {key: (value["count"], value["n"]) for key, value in line["values"].items()}
    # Three are due and published; of one nobody knows when, of the others one was late.
    assert counts == {"presence_rate": (3, 3), "on_time_rate": (1, 2)}


@pytest.mark.asyncio
async def test_csv_holds_what_json_holds(site: Any) -> None:
    query = f"{HUAIAN}&from=2022&to=2023"
    found = values(await asked(site, query))
    response = await site.get(f"/compare.csv?{query}")
    assert response.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(response.text)))
    assert {line["report_id"] for line in lines} == found.keys()
    for line in lines:
        value = found[line["report_id"]]
        assert line["value"] == ("" if value["value"] is None else str(value["value"]))
        assert line["n"] == ("" if value["n"] is None else str(value["n"]))
        assert line["why_empty"] == value.get("why", "")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("query", "parameter", "value"),
    [
        ("metric=disclosure&body=320813-jyj", "metric", "disclosure"),
        ("figure=requests.granted.totel&body=320813-jyj", "figure", "requests.granted.totel"),
        (f"{RATE}&body=" + quote("北京市"), "body", "北京市"),
        (f"{RATE}&level=village", "level", "village"),
        (f"{RATE}&region=" + quote("江北"), "region", "江北"),
        (f"{RATE}&body=320813-jyj&from=23", "from", "23"),
        (f"{RATE}&body=320813-jyj&sort=size", "sort", "size"),
        ("metric=requests_per_10k&level=county", "metric", "requests_per_10k"),
        ("metric=on_time_rate&body=320813-jyj", "metric", "on_time_rate"),
        (f"{RATE}&body=320813-jyj&level=county", "level", "county"),
        ("metric=" + quote(SCRIPT) + "&body=" + quote(IMAGE * 2), "metric", SCRIPT),
    ],
)
async def test_what_cannot_be_used_is_named(
    site: Any, query: str, parameter: str, value: str
) -> None:
    response = await site.get(f"/compare.json?{query}")
    assert response.status_code == 400
    errors = json.loads(response.text)["errors"]
    assert (errors[0]["parameter"], errors[0]["value"]) == (parameter, value)
    assert errors[0]["error"]
    page = await site.get(f"/compare?{query}")
    assert page.status_code == 400
    told = html.fromstring(page.text)
    assert value in words(told.xpath("//div[@role='alert']")[0])
    assert not told.xpath("//img | //main//script")
    # The form is there to try again.
    assert told.xpath("//form[@action='/compare']//input[@name='body']")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("name", "issuer"),
    [
        ("320813-jyj", "320813-jyj"),
        ("洪泽区教育局", "320813-jyj"),
        ("洪泽县教育局", "320813-jyj"),
        ("民政局", "320812-mzj"),
        ("洪泽 财政", "320813-czj"),
    ],
)
async def test_a_body_is_found_by_its_name(site: Any, name: str, issuer: str) -> None:
    body = await asked(site, f"{RATE}&body={quote(name)}")
    assert [found["id"] for found in body["choice"]["bodies"]] == [issuer]


@pytest.mark.asyncio
async def test_several_bodies_of_a_name_are_offered(site: Any) -> None:
    page = await site.get(f"/compare?{RATE}&body=320813-czj&body=" + quote("教育局"))
    assert page.status_code == 200
    offers = html.fromstring(page.text).xpath("//div[@role='alert']//a")
    assert {words(offer): offer.get("href") for offer in offers} == {
        "洪泽区教育局": f"/compare?{RATE}&body=320813-czj&body=320813-jyj",
        "盱眙县教育局": f"/compare?{RATE}&body=320813-czj&body=320830-jyj",
    }


@pytest.mark.asyncio
async def test_a_slip_in_a_name_is_offered_and_not_taken(site: Any) -> None:
    page = await site.get(f"/compare?{RATE}&body=" + quote("洪择区教育局"))
    (offer,) = html.fromstring(page.text).xpath("//div[@role='alert']//a")
    assert (words(offer), offer.get("href")) == (
        "洪泽区教育局",
        f"/compare?{RATE}&body=320813-jyj",
    )


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("region", "code"),
    [
        ("江苏", "320000"),
        ("淮安市", "320800"),
        ("32", "320000"),
        ("3208", "320800"),
        ("３２０８", "320800"),
        ("330106000000", "330106"),
        ("三墩镇", "330106110000"),
        ("330106110", "330106110000"),
        ("330106110000", "330106110000"),
    ],
)
async def test_a_region_is_found_by_name_or_code(site: Any, region: str, code: str) -> None:
    body = await asked(site, f"{RATE}&region={quote(region)}")
    assert body["choice"]["region"]["code"] == code


@pytest.mark.asyncio
async def test_a_town_is_not_its_county(site: Any) -> None:
    query = f"{RATE}&metric=presence_rate&from=2023&to=2023&region="
    body = await asked(site, query + "330106110000")
    assert [row["issuer_id"] for row in body["rows"]] == ["330106-zhen"]
    assert body["groups"][0]["values"]["presence_rate"]["n"] == 1
    assert (await asked(site, query + "330106111000"))["rows"] == []
    for code, bodies in (("330106110000", ["330106-zhen"]), ("330106111000", [])):
        covered = (await site.get(f"/coverage.json?division={code}")).json()["bodies"]
        assert [body["id"] for body in covered] == bodies


@pytest.mark.asyncio
@pytest.mark.parametrize("sort", ["on_time_rate", "name"])
async def test_rows_are_sorted_by_name_where_nothing_else_is_of_a_row(site: Any, sort: str) -> None:
    query = f"{HUAIAN}&metric=on_time_rate&metric=disclosure_rate&from=2023&to=2023&sort={sort}"
    listed = [row["issuer"] for row in (await asked(site, query))["rows"]]
    assert len(listed) > 3
    assert listed == sorted(listed)
    assert (await site.get(f"/compare?{query}")).status_code == 200


@pytest.mark.asyncio
async def test_a_metric_that_is_had_by_its_parts_leads_to_them(site: Any) -> None:
    answer = await site.get(f"/compare.json?{HUAIAN}&metric=denial_ground_share")
    assert answer.status_code == 400
    (fault,) = answer.json()["errors"]
    assert "见 denial_ground_share.<理由> 各行" in fault["error"]


@pytest.mark.asyncio
async def test_regions_of_one_name_are_offered(site: Any) -> None:
    page = await site.get(f"/compare?{RATE}&region=" + quote("鼓楼区"))
    offers = html.fromstring(page.text).xpath("//div[@role='alert']//a")
    assert [words(offer) for offer in offers] == ["江苏省鼓楼区", "鼓楼区"]
    assert [offer.get("href") for offer in offers] == [
        f"/compare?{RATE}&region=320106",
        f"/compare?{RATE}&region=350102",
    ]


@pytest.mark.asyncio
async def test_the_address_of_a_choice_is_the_choice(site: Any) -> None:
    form = (
        f"metric=&{RATE}&figure=&figure=&body={quote('洪泽区教育局')}&level=&region=&from=2022&to="
    )
    response = await site.get(f"/compare?{form}", follow_redirects=False)
    assert response.status_code == 302
    assert response.headers["location"] == f"/compare?{RATE}&body=320813-jyj&from=2022"
    # The page gives an address that names the years too: it must mean the same next year.
    page = html.fromstring((await site.get(response.headers["location"])).text)
    (kept,) = page.xpath("//a[text()='本比较的网址']/@href")
    assert kept == f"/compare?{RATE}&body=320813-jyj&from=2022&to=2023"
    again = await asked(site, kept.partition("?")[2])
    assert again["choice"]["address"] == kept


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("query", "lacking"), [(RATE, "哪些机关"), ("body=320813-jyj", "比什么"), ("from=2020", "以及")]
)
async def test_half_a_choice_says_what_is_lacking(site: Any, query: str, lacking: str) -> None:
    page = await site.get(f"/compare?{query}")
    assert page.status_code == 200
    assert lacking in words(html.fromstring(page.text).xpath("//div[@class='banner']")[0])


@pytest.mark.asyncio
async def test_figures_lead_to_their_cells_and_failures_are_told(site: Any) -> None:
    query = "figure=requests.granted.total&body=320813-jyj&from=2023&to=2023"
    page = html.fromstring((await site.get(f"/compare?{query}")).text)
    (cell,) = page.xpath("//section[@id='rows']//td[@class='n']/a")
    assert cell.get("href") == "/r/320813-jyj/2023#requests.granted.total"
    # One identity of two that were checked fails.
    (failed,) = page.xpath("//section[@id='rows']//td[@class='title']//a[@class='badtext']")
    assert (words(failed), failed.get("href")) == ("勾稽不成立 1", "/r/320813-jyj/2023#checks")
    assert (await asked(site, query))["rows"][0]["failed_identities"] == 1


@pytest.mark.asyncio
async def test_an_empty_choice_helps(site: Any) -> None:
    page = await site.get("/compare")
    assert page.status_code == 200
    tree = html.fromstring(page.text)
    examples = tree.xpath("//section[h2='试一试']//a/@href")
    assert len(examples) == 4
    for address in examples:
        answer = await site.get(address)
        assert answer.status_code == 200
        assert html.fromstring(answer.text).xpath("//section[@id='rows' or @id='groups']//tbody/tr")
    assert not tree.xpath("//meta[@name='robots']")


@pytest.mark.asyncio
async def test_a_choice_too_large_is_cut_and_neither_ranked_nor_added(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["nianbao_site.compared"], "MOST_REPORTS", 5)
    body = await asked(site, f"{HUAIAN}&from=2023&to=2023")
    assert (body["is_cut"], len(body["rows"]), body["sums"]) == (True, 5, [])
    assert not [value for value in values(body).values() if value.get("rank")]
    page = html.fromstring((await site.get(f"/compare?{HUAIAN}&from=2023&to=2023")).text)
    assert "只取了前 5 份" in words(page.xpath("//div[@class='banner warn']")[0])
    assert not page.xpath("//figure[@data-chart] | //a[starts-with(@href, '/compare.csv')]")


@pytest.mark.asyncio
async def test_what_is_cut_is_not_given_as_whole(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["nianbao_site.compared"], "MOST_REPORTS", 6)
    query = f"{HUAIAN}&metric=zero_request_share&metric=presence_rate&from=2022&to=2023&yoy=1"
    body = await asked(site, query)
    # The six of 2023 are here; what there was the year before is not among them.
    told = {value["yoy_why"] for value in values(body).values()}
    assert told == {"所选年报过多，没有取全"}
    (of_2023,) = (line["values"] for line in body["groups"] if line["year"] == 2023)
    assert of_2023["zero_request_share"]["value"] is None
    assert of_2023["zero_request_share"]["why"] == "所选年报过多，没有取全"
    # What rests on the coverage is whole.
    assert of_2023["presence_rate"]["n"] == 6
    page = html.fromstring((await site.get(f"/compare?{query}")).text)
    assert "没有取全" in words(page.get_element_by_id("groups"))
    refused = await site.get(f"/compare.csv?{query}")
    assert refused.status_code == 400
    assert refused.headers["content-type"].startswith("text/plain")
    assert all(word in refused.text for word in ("6 份", "region", "level", "from", "/download"))
    whole = await site.get("/compare.csv?metric=presence_rate&level=county&region=320800&from=2023")
    assert [line["n"] for line in csv.DictReader(io.StringIO(whole.text))] == ["6"]


@pytest.mark.asyncio
async def test_a_table_that_cannot_be_had_is_refused_in_lines_of_text(site: Any) -> None:
    refused = await site.get("/compare.csv?metric=nope&year=soon&body=320812-bad")
    assert (refused.status_code, refused.headers["content-type"][:10]) == (400, "text/plain")
    assert refused.text.splitlines() == [
        "metric=nope：没有这个指标。",
        "from=soon：不是年度；年度是四位数字，如 2023。",
        "to=soon：不是年度；年度是四位数字，如 2023。",
    ]
    refused = await site.get(f"/compare.csv?{RATE}")
    assert refused.text == "须有 metric 或 figure，以及 body 或 level、region。\n"


# As a reader would say them with the form at hand.
FORMULAS = {
    "disclosure_rate": "（予以公开 + 部分公开）÷ 本年度办理结果总计",
    "conclusion_rate": "本年度办理结果总计 ÷ 受理总量",
    "denial_rate": "不予公开 小计 ÷ 本年度办理结果总计",
    "natural_person_share": "本年新收政府信息公开申请数量 自然人 ÷ 本年新收政府信息公开申请数量",
    "review_correction_rate": "行政复议 结果纠正 ÷（行政复议 总计 − 行政复议 尚未审结）",
    "uphold_rate": "（行政复议 结果维持 + 行政诉讼 两类合计 结果维持）÷"
    "（（行政复议 总计 + 行政诉讼 两类合计）−（行政复议 尚未审结 + 行政诉讼 两类合计 尚未审结））",
    "net_rules": "行政规范性文件 本年制发件数 − 行政规范性文件 本年废止件数",
}


RULES = {
    "BALANCE.total": "本年新收政府信息公开申请数量 + 上年结转政府信息公开申请数量 = "
    "本年度办理结果总计 + 结转下年度继续办理",
    "DISPUTE.review": "行政复议 总计 = 行政复议 结果维持 + 行政复议 结果纠正 + 行政复议 其他结果 + "
    "行政复议 尚未审结",
    "XYEAR.carried.total": "上年结转政府信息公开申请数量（本年）= 结转下年度继续办理（上年）",
    "XYEAR.items.penalties": "行政处罚 上一年项目数量（2020 年）= 行政处罚 上一年项目数量（2019 年）"
    "+ 行政处罚 本年增/减（2019 年）",
    "SOFT.published_ge.regulations": "规章 对外公开总数量 ≥ 规章 本年新公开数量",
    "S14.litigation.total": "行政诉讼数量 = 维持具体行政行为或者驳回原告诉讼请求数 + 被依法纠错数 + "
    "其他情形数",
    # No sums of cells: as they are.
    "DEF.litigation": "",
    "V.received": "",
    "S14.channels": "",
    "HIER.sum": "",
}


async def formulas(site: Any, table: str, key: str, column: int) -> dict[str, str]:
    """The formulas in words on the page of a table, nothing where they are told in keys alone."""
    rows = (await site.get(f"/nianbao/{table}.json?_shape=objects&_size=200")).json()["rows"]
    page = html.fromstring((await site.get(f"/nianbao/{table}?_size=200")).text)
    cells = page.xpath(f"//table[contains(@class, 'rows')]/tbody/tr/td[{column}]/div")
    told = {}
    for row, cell in zip(rows, cells, strict=True):
        (keys,) = cell.xpath("./small/code/text()") or [cell.text_content()]
        assert keys.strip() == row["formula"]
        told[row[key]] = words(cell).removesuffix(" ".join(keys.split())).strip()
    return told


@pytest.mark.asyncio
async def test_rules_are_told_in_chinese_where_they_are_sums_of_cells(site: Any) -> None:
    told = await formulas(site, "identities", "id", 2)
    assert {rule: told[rule] for rule in RULES} == RULES
    assert all(told[rule] for rule in told if rule.startswith(("ROW.", "SUM.", "XYEAR.")))
    page = html.fromstring((await site.get("/nianbao/failures_by_rule")).text)
    assert page.xpath("//main//td/small/code")


@pytest.mark.asyncio
async def test_formulas_are_told_in_chinese_with_the_keys_beside(site: Any) -> None:
    told = await formulas(site, "metrics", "key", 3)
    assert {key: told[key] for key in FORMULAS} == FORMULAS
    # None is left in keys or in English.
    assert not [key for key, formula in told.items() if not formula or re.search("[a-z]", formula)]
    page = html.fromstring((await site.get(f"/compare?{RATE}&body=320812-bad")).text)
    (line,) = page.xpath("//section[@id='disclosure_rate']/p[small]")
    assert words(line).startswith(f"{FORMULAS['disclosure_rate']}，单位 %。")
    assert line.xpath("./small/code/text()")[0].startswith("(requests.granted.total + ")


@pytest.mark.asyncio
async def test_bodies_and_places_are_found_by_traditional_characters(site: Any) -> None:
    body = await asked(site, f"{RATE}&body=洪澤區財政局&from=2023")
    assert body["choice"]["bodies"] == [{"id": "320813-czj", "name": "洪泽区财政局"}]
    # A former name, 洪泽县教育局.
    body = await asked(site, f"{RATE}&body=洪澤縣教育局&from=2023")
    assert [found["id"] for found in body["choice"]["bodies"]] == ["320813-jyj"]
    body = await asked(site, f"{RATE}&region=江蘇省")
    assert body["choice"]["region"] == {"code": "320000", "name": "江苏省"}


@pytest.mark.asyncio
async def test_one_answer_is_of_one_snapshot(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot may be swapped between two questions: the comparison asks for it once."""
    compare, served = sys.modules["nianbao_site.compare"], []
    asked_for = Datasette.get_database

    def once(self: Any, *names: Any, **more: Any) -> Any:
        if sys._getframe(1).f_globals["__name__"] == compare.__name__:
            served.append(names)
        return asked_for(self, *names, **more)

    monkeypatch.setattr(Datasette, "get_database", once)
    for form in ("", ".json", ".csv"):
        served.clear()
        answer = await site.get(f"/compare{form}?figure=requests.granted.total&body=320812-bad")
        assert answer.status_code == 200
        assert served == [("nianbao",)]


@pytest.mark.asyncio
async def test_long_lists_are_paged(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["nianbao_site.compare"], "ROWS_PER_PAGE", 4)
    reports = []
    for number in (1, 2):
        address = f"/compare?{HUAIAN}&from=2023&to=2023&page={number}"
        page = html.fromstring((await site.get(address)).text)
        reports += page.xpath("//section[@id='rows']//tbody/tr/th/a/@href")
    assert len(reports) == len(set(reports)) == 6


@pytest.mark.asyncio
async def test_at_most_so_many_items_and_bodies(site: Any) -> None:
    figures = "&".join(
        f"figure=requests.{row}.total"
        for row in ("received_new", "carried_in", "granted", "granted_partial", "other_misc",
                    "concluded_total", "carried_out")
    )  # fmt: skip
    response = await site.get(f"/compare.json?{figures}&body=320813-jyj")
    (error,) = json.loads(response.text)["errors"]
    assert (error["value"], "最多" in error["error"]) == ("requests.carried_out.total", True)
    bodies = "&".join(f"body=none-{number}" for number in range(21))
    response = await site.get(f"/compare.json?{RATE}&{bodies}")
    assert any("最多" in error["error"] for error in json.loads(response.text)["errors"])


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["metric", "figure", "body", "year"])
async def test_an_address_of_thousands_of_values_is_answered_in_short(site: Any, name: str) -> None:
    values = "&".join(f"{name}={SCRIPT}{number}" for number in range(1200))
    response = await site.get(f"/compare?{values}&{name}={'x' * 9000}")
    assert response.status_code == 400
    assert len(response.content) < 50_000


@pytest.mark.asyncio
async def test_years_nobody_reported_are_not_called_missing(site: Any) -> None:
    body = await asked(site, f"{RATE}&body=320813-czj&from=2000&to=2100")
    assert body["absent"] == [
        {
            "issuer_id": "320813-czj",
            "issuer": "洪泽区财政局",
            "years": [2016, 2017, 2018, 2019, 2020, 2021],
        }
    ]


@pytest.mark.asyncio
async def test_names_are_text_in_charts_and_tables(site: Any) -> None:
    page = await site.get(f"/compare?{HUAIAN}&from=2023&to=2023")
    tree = html.fromstring(page.text)
    assert not tree.xpath("//img | //@onerror | //main//script | //@style")
    assert IMAGE in tree.xpath("string(//figure)")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "query",
    [
        HUAIAN,
        f"{RATE}&figure=requests.received_new.total&body=320813-jyj&body=320812-mzj",
        f"{RATE}&metric=on_time_rate&metric=zero_request_share&level=county&region=32",
        f"{RATE}&level=county&from=2016&to=2023",
        f"{RATE}&metric=presence_rate&region=330106110000",
    ],
)
async def test_no_choice_walks_a_table(folder: Path, site: Any, query: str) -> None:
    await site.get("/compare")
    compared = sys.modules["nianbao_site.compared"]
    datasette = Datasette(config_dir=folder)
    await datasette.invoke_startup()
    database = datasette.get_database("nianbao")
    from datasette.utils.asgi import Request

    request = Request.fake(f"/compare?{query}")
    choice = await sys.modules["nianbao_site.choice"].read_choice(database, request)
    assert not choice.faults
    choice = sys.modules["dataclasses"].replace(choice, first=2022, last=2023)
    where, parameters = compared.conditions(choice, "coverage")
    statements = [
        compared.statement(choice),
        (f"select count(*) from coverage where {where}", parameters),
    ]
    with sqlite3.connect(folder / "nianbao.db") as db:
        for sql, given in statements:
            plan = [row[3] for row in db.execute(f"explain query plan {sql}", given)]
            assert plan
            assert not [step for step in plan if step.startswith("SCAN")], plan
            assert any("USING" in step and "INDEX" in step for step in plan)


def table_of(page: httpx.Response, title: str) -> dict[str, list[list[str]]]:
    """The numbers of a chart by the heading of their base."""
    tree = html.fromstring(page.text)
    (figure,) = tree.xpath("//figure[starts-with(figcaption, $title)]", title=title)
    heads = [words(cell) for cell in figure.xpath(".//thead//th")]
    found = {"": [heads]}
    for body in figure.xpath(".//tbody"):
        rows = [[words(cell) for cell in row] for row in body.xpath("./tr")]
        heading = rows.pop(0)[0] if len(rows[0]) == 1 else "all"
        found[heading] = rows
    return found


@pytest.mark.asyncio
async def test_a_body_is_charted_on_each_base_apart(site: Any) -> None:
    page = await site.get("/r/320813-jyj")
    received = table_of(page, "依申请公开：收到与结转")
    assert received == {
        "": [["年度", "收到申请", "上年结转", "结转下年"]],
        "2014 年统计表（2018 年度及以前）": [["2016", "7", "", ""]],
        "2019 年起的表式": [
            ["2020", "25", "0", "0"],
            ["2021", "0", "0", "0"],
            ["2022", "50", "0", "0"],
            ["2023", "60", "0", "0"],
        ],
    }
    outcomes = table_of(page, "办理结果（件）")
    assert outcomes[""] == [
        ["年度", "予以公开", "部分公开", "不予公开", "无法提供", "不予处理", "其他处理"]
    ]
    assert outcomes["all"][0] == ["2020", "5", "0", "0", "0", "0", "0"]


@pytest.mark.asyncio
async def test_a_body_tells_its_missing_and_late_years(site: Any) -> None:
    page = html.fromstring((await site.get("/r/320813-jyj")).text)
    section = page.get_element_by_id("years")
    told = words(section.xpath("./p")[0])
    assert "没有见到 3 年：2019、2018、2017。" in told
    assert "逾期 4 年：2023、2022、2021、2020" in told
    missing = page.get_element_by_id("y2018")
    assert "没有见到" in words(missing)
    assert missing.xpath(".//a[text()='依据']")
    due = page.xpath("//*[@id='years']//thead//th").index(
        page.xpath("//*[@id='years']//thead//th[.='期限']")[0]
    )
    assert words(page.get_element_by_id("y2016").xpath("./*")[due]) == "2017-03-31按时"
    assert words(page.get_element_by_id("y2023").xpath("./*")[due]) == "2024-01-31逾期"


@pytest.mark.asyncio
async def test_a_body_links_to_its_feed_and_to_comparing(site: Any) -> None:
    page = html.fromstring((await site.get("/r/320813-jyj")).text)
    assert page.xpath("//link[@type='application/atom+xml']/@href")[-1] == "/r/320813-jyj.atom"
    assert page.xpath("//main//a[@href='/r/320813-jyj.atom']")
    (address,) = page.xpath("//a[text()='与其他机关比较']/@href")
    assert (await site.get(address)).status_code == 200


@pytest.mark.asyncio
async def test_scripts_are_ours_alone_and_served(site: Any) -> None:
    response = await site.get("/compare")
    policy = response.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    scripts = html.fromstring(response.text).xpath("//script")
    assert [(script.get("src"), script.text) for script in scripts] == [
        ("/static/charts.js", None),
        ("/static/wide.js", None),
    ]
    for name in ("charts.js", "uplot/uPlot.iife.min.js", "uplot/uPlot.min.css", "uplot/LICENSE"):
        assert (await site.get(f"/static/{name}")).status_code == 200
    assert "eval(" not in (STATIC / "charts.js").read_text(encoding="utf-8")
    assert "MIT License" in (STATIC / "uplot" / "LICENSE").read_text(encoding="utf-8")


# --- in a browser ---------------------------------------------------------------------------------


class Page:
    """A page in Chromium, and what went wrong on it: the console, and requests to other places."""

    def __init__(self, browser: Any, address: str, **settings: Any) -> None:
        self.wrong: list[str] = []
        self.address = address
        self.tab = browser.new_context(**settings).new_page()
        self.tab.on("console", lambda message: self.wrong.append(message.text))
        self.tab.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.tab.on("request", self._note)

    def _note(self, request: Any) -> None:
        if not request.url.startswith(self.address):
            self.wrong.append(request.url)

    def open(self, path: str) -> Any:
        self.tab.goto(self.address + path, wait_until="networkidle")
        return self.tab


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if missing := browser_missing():
        pytest.skip(missing)
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "datasette", "serve", str(folder), "-p", str(port)]
    # The folder datasette/ of the project would hide the installed package.
    process = subprocess.Popen(command, cwd=folder.parent, stderr=subprocess.DEVNULL)
    try:
        for _ in range(120):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert process.poll() is None, f"{command} ended with {process.returncode}"
            sleep(0.25)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


TWO_BODIES = f"/compare?{RATE}&body=320813-jyj&body=320813-czj"


def ink(tab: Any) -> str:
    """The picture of the first chart, as a data address."""
    return tab.evaluate("document.querySelector('.board canvas').toDataURL()")  # type: ignore[no-any-return]


def test_charts_are_drawn_and_read_by_keyboard(browser: Any, address: str) -> None:
    page = Page(browser, address)
    tab = page.open(TWO_BODIES)
    tab.wait_for_selector(".board canvas")
    assert tab.locator(".chart-legend").inner_text().split("\n") == [
        "洪泽区教育局",
        "洪泽区财政局",
        "2019 年试行表式",
        "2021 年表式",
        "n < 30",
    ]
    assert not tab.locator("figure table").is_visible()
    tab.locator(".board").focus()
    for told in ("2020：2019 年试行表式 洪泽区教育局 25%", "2021：2021 年表式 洪泽区教育局 10%"):
        tab.keyboard.press("ArrowRight")
        assert tab.locator(".told").inner_text() == told
    tab.keyboard.press("ArrowLeft")
    assert tab.locator(".told").inner_text().startswith("2020：")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.locator("figure table").is_visible()
    assert page.wrong == []


def test_charts_follow_the_width_the_theme_and_the_paper(browser: Any, address: str) -> None:
    page = Page(browser, address, viewport={"width": 1280, "height": 900})
    tab = page.open(TWO_BODIES)
    tab.wait_for_selector(".board canvas")
    wide, light = tab.locator(".board canvas").bounding_box()["width"], ink(tab)
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_function(
        "(before) => document.querySelector('.board canvas').toDataURL() !== before", arg=light
    )
    dark = ink(tab)
    tab.emulate_media(color_scheme="dark", media="print")
    tab.wait_for_function(
        "(before) => document.querySelector('.board canvas').toDataURL() !== before", arg=dark
    )
    tab.emulate_media(color_scheme="light", media="screen")
    tab.set_viewport_size({"width": 390, "height": 800})
    tab.wait_for_function("document.querySelector('.board canvas').clientWidth < 390")
    assert wide > 1000
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    assert page.wrong == []


@pytest.mark.parametrize(
    "path",
    [
        f"/compare?{HUAIAN}&from=2023&to=2023",
        f"/compare?{HUAIAN}&metric=presence_rate&from=2016&to=2023&yoy=1",
        "/r/320813-jyj",
        "/compare",
        "/",
    ],
)
def test_no_page_with_charts_troubles_the_browser(browser: Any, address: str, path: str) -> None:
    page = Page(browser, address, viewport={"width": 390, "height": 800})
    tab = page.open(path)
    figures = tab.locator("figure[data-chart]").count()
    if figures:
        tab.wait_for_selector(".board canvas")
    # Where all is 0 there is nothing to draw.
    undrawn = tab.locator("figure[data-chart] p", has_text="没有画图").count()
    assert tab.locator(".board canvas").count() == figures - undrawn
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    assert page.wrong == []


def test_without_scripts_the_numbers_are_there_and_the_form_works(
    browser: Any, address: str
) -> None:
    page = Page(browser, address, java_script_enabled=False)
    tab = page.open(TWO_BODIES)
    assert tab.locator("figure table").is_visible()
    tab.locator("input[name=body]:not([type=checkbox])").fill("清江浦区民政局")
    tab.locator("input[name=body][value='320813-czj']").uncheck()
    tab.locator("select[name=figure]").select_option("requests.received_new.total")
    tab.get_by_role("button", name="比较").click()
    assert tab.url == (
        f"{address}/compare?{RATE}&figure=requests.received_new.total&body=320813-jyj"
        "&body=320812-mzj&from=2016&to=2023"
    )
    assert tab.locator("figure table").count() == 2
