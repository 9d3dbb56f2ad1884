"""The data as readers get it: tables, questions, releases, the API, and the terms of use."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import jsonschema
import pytest
import pytest_asyncio
from lxml import html
from openapi_spec_validator import validate

from archive.schema import PUBLISHED, TABLES
from tests.site_fixture import DIGEST_1, DIGEST_2, HONGZE, SCRIPT, SEGMENT, build_site, opened

BY = "https://creativecommons.org/licenses/by/4.0/"
FIRST, SECOND = (f"140600-jyj/2023/{digest[:12]}" for digest in (DIGEST_1, DIGEST_2))
LOST = f"320813-zf/2023/{'d' * 12}"
FIRST_ORIGINAL = f"r/{FIRST}/original"
NEW = "requests.received_new.total"


def change(site: Path, *statements: str) -> None:
    with closing(sqlite3.connect(site / "nianbao.db")) as db, db:
        for statement in statements:
            db.execute(statement)


def with_releases(site: Path, releases: Path) -> None:
    described = json.loads((site / "metadata.json").read_text("utf-8"))
    described["plugins"]["nianbao"]["releases"] = str(releases)
    (site / "metadata.json").write_text(json.dumps(described), "utf-8")


def with_rows(site: Path, most: int) -> None:
    settings = json.loads((site / "settings.json").read_text("utf-8"))
    (site / "settings.json").write_text(json.dumps({**settings, "max_returned_rows": most}))


def built(folder: Path) -> Path:
    """The small archive, with what the questions look for that it has not."""
    site = build_site(folder)
    change(
        site,
        "update figures set requests__carried_out__total = 12, requests__received_new__total = 40"
        f" where version_id = '{LOST}'",
        f"update figures set requests__carried_out__total = 11 where version_id = '{SECOND}'",
        "insert or replace into national (year, field, total, bodies) values"
        f" (2022, '{NEW}', 7, 1), (2023, '{NEW}', 61, 2)",
        "update coverage set on_time = 'late', published_on = '2024-03-05', due_on = '2024-01-31'"
        " where issuer_id = '140600-jyj' and year = 2023",
    )
    return site


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("archive"))


async def asked(site: Any, query: str, **parameters: str) -> list[dict[str, Any]]:
    address = f"/nianbao/{query}.json?" + urlencode({"_shape": "objects", **parameters})
    answer = await site.get(address)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["rows"])


def column(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


@pytest.mark.asyncio
async def test_questions_are_told_in_chinese_with_parameters_in_brackets(site: Any) -> None:
    queries = (await site.get("/data.json")).json()["queries"]
    told = [query["description"] for query in queries]
    told += [parameter["zh"] for query in queries for parameter in query["parameters"]]
    assert len(told) > 13
    plain = [re.sub("（[^（）]*）", "", text) for text in told]
    assert [text for text in plain if re.search("[a-z]{3}", text)] == []


# What each question finds in the small archive, worked out from its rows by hand.
ANSWERS: list[tuple[str, dict[str, str], tuple[str, ...], list[tuple[Any, ...]]]] = [
    ("find_bodies", {"name": "教育局"}, ("issuer_id", "first_year", "last_year"),
     [("140600-jyj", 2016, 2023)]),
    # A name it had before.
    ("find_bodies", {"name": "教育和体育"}, ("issuer_id", "name"), [("140600-jyj", "朔州市教育局")]),
    ("province_figures", {"province": "14", "year": "2023", "field": NEW},
     ("report_id", "value", "note", "version_id"), [("140600-jyj/2023", 21, None, SECOND)]),
    ("province_figures",
     {"province": "140600", "year": "2023", "field": "requests.denied_state_secret.total"},
     ("value", "note", "printed"), [(None, "na", "/")]),
    # Money stays the text it was printed as.
    ("province_figures", {"province": "14", "year": "2020", "field": "disclosure.procurement.amount"},
     ("value",), [("1,234.50万元",)]),
    ("province_figures", {"province": "14", "year": "2023", "field": "no.such.cell"}, ("value",), []),
    ("province_figures", {"province": "51", "year": "2023", "field": NEW}, ("value",), []),
    ("national_figure", {"field": NEW}, ("year", "total", "bodies"), [(2022, 7, 1), (2023, 61, 2)]),
    ("carried_over", {"year": "2023", "least": "11"}, ("report_id", "carried_out", "received"),
     [("320813-zf/2023", 12, 40), ("140600-jyj/2023", 11, 21)]),
    ("carried_over", {"year": "2023", "least": "1", "most": "11"}, ("report_id",),
     [("140600-jyj/2023",)]),
    ("cell_history", {"body": "140600-jyj", "field": NEW}, ("year", "number", "value", "is_current"),
     [(2016, 1, None, 1), (2020, 1, 8, 1), (2021, 1, 5, 1), (2023, 1, 12, 0), (2023, 2, 21, 1)]),
    ("silent_edits", {"days": "43"},
     ("at", "days", "report_id", "cells", "sections", "from_version", "version_id"),
     [("2024-03-03T18:00:00Z", 43, "140600-jyj/2023", 2, 1, FIRST, SECOND)]),
    ("silent_edits", {"days": "44"}, ("at",), []),
    ("vanished_reports", {"status": "gone"}, ("report_id", "url"), [("320813-zf/2023", HONGZE)]),
    ("vanished_reports", {"status": "suspect"}, ("report_id",), [("999999-bad/2022",)]),
    ("vanished_reports", {"status": "live"}, ("report_id",), []),
    ("missing_reports", {"year": "2022", "state": "missing"}, ("issuer_id",), [("140600-jyj",)]),
    ("missing_reports", {"year": "2022", "state": "missing", "province": "32"}, ("issuer_id",), []),
    # 29 days of February and five of March.
    ("late_reports", {"year": "2023"}, ("report_id", "days_late"), [("140600-jyj/2023", 34)]),
    ("late_reports", {"year": "2023", "province": "32"}, ("report_id",), []),
    ("failures_by_rule", {}, ("rule", "failures"),
     [("V.outcomes", 2), ("BALANCE.total", 1), ("PLAUSIBLE.no_decisions", 1),
      ("ROW.received_new", 1), ("SUM.total@2021", 1)]),
    ("failed_reports", {"rule": "V.outcomes"}, ("version_id", "expected", "actual", "blame"),
     [(LOST, "3", "4", "undecided"), (LOST, "0", "7", "undecided")]),
    ("failed_reports", {"rule": "ROW.received_new", "blame": "publisher"}, ("expected", "actual"),
     [("11", "0")]),
    ("failed_reports", {"rule": "ROW.received_new", "blame": "parser"}, ("expected",), []),
    ("captures_of_address", {"url": HONGZE}, ("fetched_at", "status", "warc_file", "digest"),
     [("2024-03-01T18:00:05Z", 200, "absent.warc.gz", "d" * 64),
      ("2024-03-01T18:00:05Z", 200, SEGMENT, "f" * 64)]),
]  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize(("query", "parameters", "names", "found"), ANSWERS)
async def test_a_question_finds_what_there_is(
    site: Any, query: str, parameters: dict[str, str], names: tuple[str, ...], found: list[Any]
) -> None:
    assert column(await asked(site, query, **parameters), *names) == found


@pytest.mark.asyncio
async def test_every_question_is_tried_and_described(site: Any) -> None:
    data = (await site.get("/data.json")).json()
    offered = {query["name"]: query for query in data["queries"]}
    assert offered.keys() == {query for query, _, _, found in ANSWERS if found}
    for name, query in offered.items():
        assert re.search("[\u4e00-\u9fff]", query["title"] + query["description"])
        assert query["title_en"].isascii()
        assert query["description_en"].isascii()
        named = set(re.findall(r"(?<![:\w]):(\w+)", query["sql"]))
        assert {parameter["name"] for parameter in query["parameters"]} == named
        rows = [
            row for q, given, _, _ in ANSWERS if q == name for row in await asked(site, q, **given)
        ]
        assert rows
        assert all(list(query["columns"]) == list(row) for row in rows)
    # A question under a table's name would hide the table.
    assert not offered.keys() & {*TABLES, *PUBLISHED, "derived", "fts"}


@pytest.mark.asyncio
async def test_every_example_on_the_page_answers(site: Any) -> None:
    page = html.fromstring((await site.get("/data")).text)
    queries = (await site.get("/data.json")).json()["queries"]
    for query in queries:
        (section,) = page.xpath("//section[@id=$id]", id=f"query-{query['name']}")
        links = section.xpath(".//a/@href")
        assert links[0] == query["example"]
        assert {query["json"], query["csv"]} < set(links)
        for address in dict.fromkeys(links):
            answer = await site.get(address)
            assert answer.status_code == 200, address
        shown = html.fromstring((await site.get(query["example"])).text)
        assert shown.xpath("string(//h1)").startswith(query["title"])
        needed = {p["name"] for p in query["parameters"] if p["is_needed"]}
        assert set(shown.xpath("//form[@class='ask']//input[@required]/@name")) == needed
        # Those examples that are not about rarities find something even here.
        if query["name"] in ("find_bodies", "cell_history", "failures_by_rule", "failed_reports"):
            assert shown.xpath("//table[contains(@class, 'list')]/tbody/tr")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("find_bodies", {"name": "1"}),
        ("province_figures", {"province": "32", "year": "2023", "field": NEW}),
        ("silent_edits", {"days": "-9"}),
        ("vanished_reports", {"status": "gone"}),
        ("missing_reports", {"year": "2019", "state": "missing"}),
        ("late_reports", {"year": "2023"}),
        ("failed_reports", {"rule": "V.outcomes"}),
        ("captures_of_address", {"url": HONGZE}),
    ],
)
async def test_a_cursor_goes_on_behind_its_row(
    tmp_path: Path, query: str, parameters: dict[str, str]
) -> None:
    """With one row an answer, cursors lead through just those rows that one answer has."""
    folder = built(tmp_path)
    another = "1406000-x"
    change(
        folder,
        "update issuers set name = name || '1'",
        "insert into events (report_id, position, kind, at, version_id, days_since_publication)"
        " values ('140600-jyj/2023', 10, 'edited', '2024-03-03T18:00:00Z', 'x', 43),"
        " ('140600-jyj/2021', 9, 'edited', '2024-03-03T18:00:00Z', 'x', 43),"
        " ('320813-zf/2023', 9, 'edited', '2024-03-02T18:00:00Z', 'x', 43)",
        "update reports set status = 'gone'",
        "update coverage set state = 'missing', on_time = 'late', province = '32'",
        f"insert into coverage select '{another}', year, state, on_time, published_on, due_on,"
        " report_id, portal_id, level, division, province, evidence from coverage"
        " where issuer_id = '140600-jyj'",
    )
    whole = await asked(await opened(folder), query, **parameters)
    with_rows(folder, 1)
    site, after, found = await opened(folder), "", []
    for _ in range(len(whole) + 1):
        address = f"/nianbao/{query}.json?" + urlencode(
            {"_shape": "objects", **parameters, "after": after}
        )
        answer = (await site.get(address)).json()
        found += answer["rows"]
        if not answer["truncated"]:
            break
        after = answer["rows"][-1]["cursor"]
    assert found == whole
    assert len(whole) >= 2


@pytest.mark.asyncio
async def test_more_rows_than_an_answer_holds(tmp_path: Path) -> None:
    folder = built(tmp_path)
    with_rows(folder, 1)
    site = await opened(folder)
    address = "/nianbao/failed_reports?rule=V.outcomes"
    page = html.fromstring((await site.get(address)).text)
    assert "超过 1 行" in page.text_content()
    (form,) = page.xpath("//form[input[@name='after']]")
    fields = {field.get("name"): field.get("value") for field in form.xpath(".//input")}
    last = html.fromstring((await site.get(f"{form.get('action')}?{urlencode(fields)}")).text)
    assert "部分公开7件" in last.text_content()
    assert not last.xpath("//input[@name='after']")


@pytest.mark.asyncio
@pytest.mark.parametrize("value", ["'", '"', "' or 1=1 --", "%", "\x00", "９９", "9" * 400, SCRIPT])
async def test_no_value_breaks_a_question(site: Any, value: str) -> None:
    for query in (await site.get("/data.json")).json()["queries"]:
        given = urlencode({p["name"]: value for p in query["parameters"]})
        answer = await site.get(f"{query['path']}.json?{given}")
        assert answer.status_code == 200
        assert answer.json()["ok"]
        page = await site.get(f"{query['path']}?{given}")
        assert page.status_code == 200
        assert SCRIPT not in page.text
        assert "<img" not in page.text


@pytest.mark.asyncio
@pytest.mark.parametrize("value", ["９", "1e9", "1 or 1=1", "一"])
async def test_what_is_no_number_finds_nothing(site: Any, value: str) -> None:
    assert await asked(site, "silent_edits", days=value) == []
    assert await asked(site, "carried_over", year="2023", least=value) == []
    assert await asked(site, "carried_over", year="2023", least="1", most=value) == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("address", "lacking"),
    [
        ("find_bodies", ["name"]),
        ("find_bodies?name=", ["name"]),
        ("find_bodies?name=+", ["name"]),
        ("find~5Fbodies", ["name"]),
        ("cell_history?body=140600-jyj", ["field"]),
        ("cell_history", ["body", "field"]),
    ],
)
async def test_a_question_without_what_it_needs_is_refused(
    site: Any, address: str, lacking: list[str]
) -> None:
    """Not answered with no rows: these would say that there are none. The page asks for it."""
    path, _, query = address.partition("?")
    answer = await site.get(f"/nianbao/{path}.json?{query}")
    told = answer.json()
    assert (answer.status_code, told["ok"], told["status"]) == (400, False, 400)
    assert re.findall(r"缺少参数 (\w+)：[^。]+。", told["error"]) == lacking
    assert told["error"] in answer.text
    table = await site.get(f"/nianbao/{path}.csv?{query}")
    assert (table.status_code, table.text) == (400, told["error"] + "\n")
    page = await site.get(f"/nianbao/{path}?{query}")
    assert page.status_code == 200
    assert "请填写上面的条件" in page.text


@pytest.mark.asyncio
async def test_a_shape_that_is_none_is_refused(site: Any) -> None:
    shapes = "objects、array、arrays、arrayfirst"
    for address, told in (
        ("reports.json?_shape=x", f"_shape=x：可用的值是 {shapes}、object。"),
        ("failures_by_rule.json?_shape=object", f"_shape=object：可用的值是 {shapes}。"),
    ):
        answer = await site.get(f"/nianbao/{address}")
        assert (answer.status_code, answer.json()["error"]) == (400, told)
    assert (await site.get("/nianbao/reports.json?_shape=object")).status_code == 200


@pytest.mark.asyncio
async def test_nobody_asks_in_sql(site: Any) -> None:
    for address in ("/nianbao?sql=select+1", "/nianbao.json?sql=select+1",
                    "/nianbao/-/query?sql=select+1"):  # fmt: skip
        assert (await site.get(address)).status_code in (400, 403, 404)
    for query in ("failures_by_rule", "find_bodies"):
        answer = await site.get(f"/nianbao/{query}.json?sql=select+1+as+evil&name=x")
        assert "evil" not in answer.json()["columns"]


@pytest.mark.asyncio
async def test_questions_look_up_and_do_not_walk(folder: Path, site: Any) -> None:
    """Tables that grow with the archive are reached by an index; only lists of bodies and the small
    ones are walked."""
    with closing(sqlite3.connect(folder / "nianbao.db")) as db:
        for query in (await site.get("/data.json")).json()["queries"]:
            sql = query["sql"].replace("{cell}", "f.requests__granted__total")
            values = {parameter["name"]: "1" for parameter in query["parameters"]}
            steps = [row[3] for row in db.execute(f"explain query plan {sql}", values)]
            walked = {found[1] for step in steps if (found := re.match(r"SCAN (\w+)", step))}
            allowed = {
                "find_bodies": {"i", "issuer_names"},
                # What a group-by of an index's rows gave, and r by the index of its status.
                "failures_by_rule": {"f", "(subquery"},
            }
            assert walked <= allowed.get(query["name"], set()) | {"fields"}, (query["name"], steps)


@pytest.mark.asyncio
async def test_every_table_has_its_description_and_its_licence(site: Any) -> None:
    data = (await site.get("/data.json")).json()
    assert (data["licence"], data["licence_url"]) == ("CC BY 4.0", BY)
    assert {*TABLES, *PUBLISHED} == {table["name"] for table in data["tables"]}
    page = html.fromstring((await site.get("/data")).text)
    for table in data["tables"]:
        assert table["description"]
        assert table["columns"]
        assert all(table["columns"].values()), table["name"]
        assert (table["license"], table["license_url"]) == ("CC BY 4.0", BY)
        answer = (await site.get(f"{table['json']}&_size=1")).json()
        assert (answer["license"], answer["license_url"]) == ("CC BY 4.0", BY)
        assert (await site.get(table["csv"])).status_code == 200
        shown = html.fromstring((await site.get(f"/nianbao/{table['name']}")).text)
        assert shown.xpath("//a[@rel='license']/@href") == [BY]
        (row,) = page.xpath("//tr[th//a[@href=$to]]", to=f"#{table['name']}")
        assert row.xpath(".//a[@rel='license']/@href") == [BY]
        (columns,) = page.xpath("//div[@id=$id]", id=table["name"])
        assert columns.xpath(".//dt/text()") == list(table["columns"])
    # Units stand with the columns that have one.
    figures = next(table for table in data["tables"] if table["name"] == "figures")
    assert figures["columns"]["requests__granted__total"].endswith("，单位：件")
    lines = list(csv.DictReader(io.StringIO((await site.get("/data.csv")).text)))
    assert len(lines) == sum(len(table["columns"]) for table in data["tables"])
    assert {line["license"] for line in lines} == {"CC BY 4.0"}


@pytest.mark.asyncio
async def test_the_pages_are_light_and_have_no_double_names(site: Any) -> None:
    for path in ("/data", "/about", "/accuracy", "/download"):
        answer = await site.get(path)
        assert answer.status_code == 200
        assert len(answer.content) < 200_000
        page = html.fromstring(answer.text)
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids))
        for address in page.xpath("//main//a/@href[starts-with(., '#')]"):
            assert address[1:] in ids, address


@pytest.mark.asyncio
async def test_all_inner_links_lead_somewhere(site: Any) -> None:
    for path in ("/about", "/accuracy", "/download"):
        page = html.fromstring((await site.get(path)).text)
        for address in dict.fromkeys(page.xpath("//main//a/@href[starts-with(., '/')]")):
            answer = await site.get(address)
            assert answer.status_code == 200, address
            _, _, anchor = address.partition("#")
            if anchor:
                assert html.fromstring(answer.text).xpath("//*[@id=$id]", id=anchor), address


# The API


@pytest.mark.asyncio
async def test_the_description_of_the_api_is_valid_and_small(site: Any) -> None:
    answer = await site.get("/openapi.json")
    described = answer.json()
    validate(described)
    assert len(answer.content) < 80_000
    assert described["info"]["license"] == {"name": "CC BY 4.0", "url": BY}
    names = [way["operationId"] for path in described["paths"].values() for way in path.values()]
    assert len(names) == len(set(names))


PLACES = {
    "issuer": "140600-jyj",
    "year": "2023",
    "other_year": "2021",
    "digest": DIGEST_1[:12],
    "other_digest": DIGEST_2[:12],
    "table": "reports",
    "release": "2024-03-05",
    "file": "reports.jsonl",
    "map": "json",
    "uri": "http://localhost/r/140600-jyj/2023",
}


def placed(path: str) -> str:
    """A described path with a value for each of its places."""
    return re.sub(r"\{(\w+)\}", lambda found: PLACES[found[1]], path)


GIVEN = {
    "name": "教育局", "province": "14", "year": "2023", "field": NEW, "least": "1", "most": "",
    "body": "140600-jyj", "days": "1", "status": "gone", "state": "missing", "rule": "V.outcomes",
    "blame": "", "url": HONGZE, "after": "", "q": "教育", "region": "14", "level": "prefecture",
    "form": "2021", "finding": "failed", "page": "1", "kind": "edited", "division": "14",
    "portal": "sz", "night": "2024-03-04", "metric": "workload", "figure": NEW, "from": "2020", "to": "2023",
    "size": "1", "late": "late", "by": "level", "silent": "1", "bom": "1",
    "_shape": "objects", "_size": "2", "_next": "", "_col": "year", "_sort": "year",
}  # fmt: skip
# Where a parameter of one name means something else.
ELSEWHERE = {"/coverage/health": {"state": "ok"}}
# What an address needs of several that would do.
BESIDES = {"/compare": {"figure": NEW, "body": "140600-jyj"}}
OTHERWISE = {("/compare", "level"), ("/compare", "region")}


@pytest.mark.asyncio
async def test_the_description_of_the_api_is_true(tmp_path: Path) -> None:
    """Every address answers, plainly and with each parameter, in the type and shape described."""
    folder = built(tmp_path)
    a_release(tmp_path / "releases", "2024-03-05")
    with_releases(folder, tmp_path / "releases")
    site = await opened(folder)
    described = (await site.get("/openapi.json")).json()
    shared = described["components"]["parameters"]
    for path, ways in described["paths"].items():
        address = placed(path)
        way = ways["get"]
        (status, right), *_ = way["responses"].items()
        parameters = [
            shared[p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in way["parameters"]
        ]
        for place in (p for p in parameters if p["in"] == "path"):
            assert re.search(place["schema"]["pattern"], PLACES[place["name"]])
        given = GIVEN | ELSEWHERE.get(path.rpartition(".")[0], {})
        needed = {p["name"]: given[p["name"]] for p in parameters if p["in"] == "query"}
        least = BESIDES.get(path.rpartition(".")[0], {})
        required = {p["name"] for p in parameters if p.get("required")}
        least = least | {name: value for name, value in needed.items() if name in required}
        tried = [
            least,
            *(
                {**least, name: value}
                for name, value in needed.items()
                if value and (path.rpartition(".")[0], name) not in OTHERWISE
            ),
        ]
        for query in tried:
            answer = await site.get(f"{address}?{urlencode(query)}" if query else address)
            assert answer.status_code == int(status), (address, query, answer.text[:300])
            assert right.get("headers", {}).keys() - {"Link"} <= {
                name.title() for name in answer.headers
            }
            kind = answer.headers["content-type"].partition(";")[0]
            if status == "302":
                continue
            content = right["content"].get(kind) or right["content"]["*/*"]
            if kind == "application/json":
                jsonschema.validate(answer.json(), content["schema"])
    refusal = described["components"]["schemas"]["Refusal"]
    for address, status in (
        ("/r/140600-jyj/1901.json", 404),
        ("/r/no-body.json", 404),
        ("/nothing.json", 404),
        ("/nianbao/nothing.json", 404),
        ("/nianbao/reports.json?_sort=nothing", 400),
        ("/download/nothing.json", 404),
        ("/r/140600-jyj/2015.json", 410),
        ("/compare.json", 400),
        ("/compare.json?figure=nothing&body=140600-jyj", 400),
        ("/search.json?year=nothing", 400),
        ("/r/140600-jyj/2023/diff/1901.json", 404),
    ):
        answer = await site.get(address)
        assert answer.status_code == status, address
        jsonschema.validate(answer.json(), refusal)
        assert answer.json()["status"] == status
        assert "\\u" not in answer.text
    for address, status in (
        ("/search.csv?year=nothing", 400),
        ("/compare.csv", 400),
        ("/changes.csv?kind=nothing", 400),
        ("/changes.atom?kind=nothing", 400),
        ("/coverage.csv?state=nothing", 400),
        ("/coverage/portals.csv?night=nothing", 400),
        ("/nianbao/reports.csv?_sort=nothing", 400),
        ("/nianbao/find_bodies.csv", 400),
        ("/coverage/health.csv?portal=nothing", 404),
        ("/r/no-body.csv", 404),
        ("/r/140600-jyj/1901.csv", 404),
        ("/r/140600-jyj/2023/0123456789ab.bib", 404),
        ("/r/140600-jyj/2023/0123456789ab.cite.txt", 404),
        ("/download/nothing.csv", 404),
        ("/r/140600-jyj/2015.csv", 410),
    ):
        answer = await site.get(address)
        assert answer.status_code == status, address
        assert answer.headers["content-type"] == "text/plain; charset=utf-8", address
        assert re.search("[\u4e00-\u9fff]", answer.text), address
    lines = described["components"]["responses"]["RefusalLine"]["content"]
    assert list(lines) == ["text/plain"]
    for path, ways in described["paths"].items():
        told = {"csv": "RefusalLine", "atom": "RefusalLine", "json": "Refusal"}
        name = told.get(path.rpartition(".")[2])
        for way in ways.values():
            pointed = way["responses"]["default"]["$ref"].rpartition("/")[2]
            assert name is None or pointed == name, path


@pytest.mark.asyncio
async def test_a_draft_is_posted_where_the_description_says(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read of one is tested beside the small server; here is none."""
    monkeypatch.delenv("NIANBAO_SELFCHECK", raising=False)
    described = (await site.get("/openapi.json")).json()
    posted = {path for path, ways in described["paths"].items() if "post" in ways}
    assert posted == {"/selfcheck", "/selfcheck.json"}
    form = described["paths"]["/selfcheck"]["post"]["requestBody"]["content"]
    fields = form["multipart/form-data"]["schema"]["properties"]
    assert set(fields) == {"draft", "text", "title", "last_year", "issuer"}
    refused = await site.post("/selfcheck.json", content=b"x")
    assert refused.status_code == 503
    jsonschema.validate(refused.json(), described["components"]["schemas"]["Refusal"])
    page = await site.post("/selfcheck", content=b"x")
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")


# Addresses that are no part of the API, and why.
APART = {
    "/about": "a page for readers",
    "/r/140600-jyj/2023/diff": "a form that leads to a described address",
    f"/{FIRST_ORIGINAL}": "a page about bytes as they came; typed links of a version lead there",
    f"/{FIRST_ORIGINAL}/raw": "the bytes themselves, of any kind",
    "/search/suggest": "described by /opensearch.xml",
    "/opensearch.xml": "itself a description",
    "/openapi.json": "itself the description",
    "/robots.txt": "for crawlers, RFC 9309",
    "/sitemap.xml": "for crawlers, sitemaps.org",
    "/sitemap-1.xml": "an old name of the former",
    "/sitemap-pages.xml": "part of the former",
    "/sitemap-reports-1.xml": "part of the former",
}


@pytest.mark.asyncio
async def test_every_address_is_described_or_named_as_none_of_the_api(site: Any) -> None:
    described = (await site.get("/openapi.json")).json()["paths"]
    addresses = [*map(placed, described), *APART]
    patterns = [
        pattern
        for name, module in list(sys.modules.items())
        if name.startswith("nianbao_site.") and hasattr(module, "register_routes")
        for pattern, _ in module.register_routes()
    ]
    assert len(patterns) > 30
    for pattern in patterns:
        assert any(re.match(pattern, address) for address in addresses), pattern
    for address in APART:
        assert any(re.match(pattern, address) for pattern in patterns), address
        assert (await site.get(address)).status_code in (200, 301), address


@pytest.mark.asyncio
async def test_tables_that_come_in_pages_are_described_so(site: Any) -> None:
    described = (await site.get("/openapi.json")).json()
    paged = {
        path
        for path, operations in described["paths"].items()
        if "Link" in operations["get"]["responses"].get("200", {}).get("headers", {})
    }
    assert paged == {
        *("/search.csv", "/changes.csv", "/coverage.csv", "/coverage/health.csv"),
        "/nianbao/{table}.csv",
    }


@pytest.mark.asyncio
async def test_a_table_as_csv_leads_on_to_the_end(site: Any) -> None:
    address, seen = "/nianbao/versions.csv?_size=2&_sort=id&_col=title&_dl=on", []
    for _ in range(10):
        answer = await site.get(address)
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        head, *lines = csv.reader(io.StringIO(answer.text))
        assert head == ["id", "title"]
        assert len(lines) <= 2
        seen += [line[0] for line in lines]
        following = re.fullmatch('<(.+)>; rel="next"', answer.headers.get("link", ""))
        if not following:
            break
        address = following[1]
    every = (await site.get("/nianbao/versions.json?_shape=array&_sort=id")).json()
    assert len(every) > 4
    assert seen == [row["id"] for row in every]
    assert (await site.get("/nianbao/nothing.csv")).status_code == 404
    refused = await site.get("/nianbao/versions.csv?_sort=nothing")
    assert (refused.status_code, refused.headers["content-type"]) == (
        400,
        "text/plain; charset=utf-8",
    )


@pytest.mark.asyncio
async def test_a_table_as_csv_names_what_its_keys_mean_where_asked(tmp_path: Path) -> None:
    folder = build_site(tmp_path)
    change(
        folder,
        "create table led (id integer primary key, issuer_id text references issuers (id))",
        "insert into led values (1, '320813-zf'), (2, null)",
    )
    site = await opened(folder)
    assert (await site.get("/nianbao/led.csv")).text == "id,issuer_id\r\n1,320813-zf\r\n2,\r\n"
    assert (await site.get("/nianbao/led.csv?_labels=on")).text == (
        "id,issuer_id,issuer_id_label\r\n1,320813-zf,洪泽区人民政府\r\n2,,\r\n"
    )


@pytest.mark.asyncio
async def test_a_question_with_more_rows_than_are_given_is_refused(tmp_path: Path) -> None:
    folder = built(tmp_path)
    settings = json.loads((folder / "settings.json").read_text("utf-8"))
    settings |= {"max_returned_rows": 2, "default_page_size": 2}
    (folder / "settings.json").write_text(json.dumps(settings), "utf-8")
    site = await opened(folder)
    answer = await site.get("/nianbao/cell_history.csv?body=140600-jyj&field=" + NEW)
    assert answer.status_code == 400
    assert answer.text == "所问多于 2 行，CSV 不能给全。请把参数给得更窄。整库见 /download。\n"


@pytest.mark.asyncio
async def test_what_is_listed_on_the_page_is_what_is_described(site: Any) -> None:
    described = (await site.get("/openapi.json")).json()["paths"]
    page = html.fromstring((await site.get("/data")).text)
    shown = page.xpath("//table[contains(@class, 'api')]/tbody/tr/th//code/text()")
    bare = {re.sub(r"〈[^〉]+〉", "*", text) for text in shown}
    queries = {query["name"] for query in (await site.get("/data.json")).json()["queries"]}
    for path in described:
        stem = re.sub(r"\.(json|csv|atom|bib|ris|cite\.txt)$", "", path)
        if stem.removeprefix("/nianbao/") not in queries:
            assert re.sub(r"\{\w+\}", "*", stem) in bare, path


# Releases


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


FILES = {
    "csv/reports.csv": b'"id"\r\n"140600-jyj/2023"\r\n',
    "parquet/reports.parquet": bytes(range(256)) * 1200,
    "reports.jsonl": b'{"report": 1}\n' * 3,
}


def a_release(folder: Path, name: str, year: int | None = None, **more: bytes) -> Path:
    """A folder as `python -m archive export` writes it, with few files."""
    target = folder / name
    for path, content in FILES.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(content)
    described = {
        "name": "nianbao" if year is None else f"nianbao-{year}",
        "title": "政府信息公开年报档案" if year is None else f"政府信息公开年报档案：{year}年度",
        "version": "2024-03-05",
        "licenses": [{"name": "CC-BY-4.0"}],
        "resources": [
            {"path": path, "title": f"表 {SCRIPT}", "bytes": len(content), "rows": 1}
            for path, content in FILES.items()
        ],
    }
    (target / "datapackage.json").write_text(json.dumps(described), "utf-8")
    named = sorted([*FILES, "datapackage.json"])
    sums = "".join(f"{sha256((target / path).read_bytes())}  {path}\n" for path in named)
    (target / "SHA256SUMS").write_text(sums, "utf-8")
    for path, content in more.items():
        (target / path).write_bytes(content)
    return target


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    folder = tmp_path / "releases"
    a_release(folder, "2024-03-05")
    a_release(folder, "2024-03-05-2023", 2023)
    return folder


@pytest_asyncio.fixture
async def shop(tmp_path: Path, releases: Path) -> Any:
    site = build_site(tmp_path / "data")
    with_releases(site, releases)
    return await opened(site)


@pytest.mark.asyncio
async def test_releases_are_listed_with_sizes_and_digests(shop: Any) -> None:
    listed = (await shop.get("/download.json")).json()
    assert [(r["name"], r["year"], r["version"]) for r in listed["releases"]] == [
        ("2024-03-05", None, "2024-03-05"),
        ("2024-03-05-2023", 2023, "2024-03-05"),
    ]
    whole = listed["releases"][0]
    files = {file["path"]: file for file in whole["files"]}
    assert files.keys() == {*FILES, "datapackage.json", "SHA256SUMS"}
    for path, content in FILES.items():
        assert (files[path]["bytes"], files[path]["sha256"]) == (len(content), sha256(content))
    assert whole["bytes"] == sum(file["bytes"] for file in whole["files"])
    assert (await shop.get("/download/2024-03-05.json")).json() == whole
    lines = list(csv.DictReader(io.StringIO((await shop.get("/download.csv")).text)))
    assert len(lines) == 2 * len(files)
    page = html.fromstring((await shop.get("/download/2024-03-05")).text)
    assert sha256(FILES["reports.jsonl"]) in page.text_content()
    assert page.xpath("//script[not(@src)]") == []
    for address in page.xpath("//table//a/@href"):
        assert (await shop.get(address)).status_code == 200
    assert "/download/2024-03-05" in (await shop.get("/data")).text


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("csv/reports.csv", "text/csv; charset=utf-8; header=present"),
        ("parquet/reports.parquet", "application/vnd.apache.parquet"),
        ("reports.jsonl", "application/jsonl; charset=utf-8"),
    ],
)
async def test_a_file_comes_as_it_is(shop: Any, path: str, kind: str) -> None:
    answer = await shop.get(f"/download/2024-03-05/{path}")
    content = FILES[path]
    assert answer.status_code == 200
    assert answer.content == content
    headers = answer.headers
    assert headers["content-type"] == kind
    assert headers["content-length"] == str(len(content))
    assert headers["etag"] == f'"{sha256(content)}"'
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert headers["repr-digest"] == f"sha-256=:{digest}:"
    assert headers["cache-control"] == "public, max-age=3600, no-transform"
    assert headers["accept-ranges"] == "bytes"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["content-disposition"].startswith("attachment; filename=")
    head = await shop.head(f"/download/2024-03-05/{path}")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(content))


@pytest.mark.asyncio
async def test_a_file_in_parts(shop: Any) -> None:
    address, content = (
        "/download/2024-03-05/parquet/reports.parquet",
        FILES["parquet/reports.parquet"],
    )
    size = len(content)
    tag = f'"{sha256(content)}"'

    async def part(ranges: str, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await shop.get(address, headers={"range": ranges, **named})

    for ranges, first, last in (
        ("bytes=0-3", 0, 3),
        ("bytes=300000-", 300_000, size - 1),
        ("bytes=-5", size - 5, size - 1),
        (f"bytes=70000-{size + 99}", 70_000, size - 1),
    ):
        answer = await part(ranges)
        assert answer.status_code == 206, ranges
        assert answer.content == content[first : last + 1]
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert answer.headers["etag"] == tag
    beyond = await part(f"bytes={size}-")
    assert beyond.status_code == 416
    assert beyond.headers["content-range"].endswith(f"*/{size}")
    # Only parts of the same bytes may be put together.
    assert (await part("bytes=0-3", if_range=tag)).status_code == 206
    whole = await part("bytes=0-3", if_range='"another"')
    assert whole.status_code == 200
    assert whole.content == content
    many = await part("bytes=" + ",".join(f"{n}-{n}" for n in range(0, 400, 2)))
    assert many.status_code == 200
    assert many.content == content


@pytest.mark.asyncio
async def test_what_a_reader_has_is_not_sent_again(shop: Any) -> None:
    address = "/download/2024-03-05/reports.jsonl"
    tag = (await shop.get(address)).headers["etag"]
    again = await shop.get(address, headers={"if-none-match": f'"x", {tag}'})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == tag
    assert (await shop.get(address, headers={"if-none-match": '"x"'})).status_code == 200


@pytest.mark.asyncio
async def test_nothing_but_the_listed_files_comes_out(shop: Any, releases: Path) -> None:
    (releases.parent / "secret.txt").write_text("secret")
    (releases / "secret.txt").write_text("secret")
    inside = releases / "2024-03-05"
    (inside / "unlisted.txt").write_text("secret")
    (inside / "csv" / "reports.csv").unlink()
    (inside / "csv" / "reports.csv").symlink_to(releases / "secret.txt")
    outside = quote("/etc/passwd", safe="")
    for path in (
        "2024-03-05/unlisted.txt",
        "2024-03-05/csv/reports.csv",
        "2024-03-05/csv",
        "2024-03-05/csv/",
        "2024-03-05/../secret.txt",
        "2024-03-05/%2e%2e/secret.txt",
        "2024-03-05/%2e%2e%2fsecret.txt",
        "2024-03-05/..%2f..%2fsecret.txt",
        "2024-03-05/csv/..%2f..%2fsecret.txt",
        "2024-03-05/%2fetc%2fpasswd",
        f"2024-03-05/{outside}",
        "2024-03-05//etc/passwd",
        "2024-03-05/reports.jsonl%00",
        "2024-03-05/reports.jsonl/",
        "2024-03-05/REPORTS.jsonl",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "../secret.txt",
        "secret.txt",
        "./2024-03-05/../secret.txt",
        "%2e%2e",
        "%2e",
    ):
        answer = await shop.get(f"/download/{path}", follow_redirects=True)
        assert answer.status_code in (400, 404), path
        assert "secret" not in answer.text.replace("secret.txt", "")


@pytest.mark.asyncio
async def test_a_list_that_points_outside_makes_no_release(shop: Any, releases: Path) -> None:
    for name, line in (
        ("up", "../secret.txt"),
        ("absolute", "/etc/passwd"),
        ("through", "csv/../../secret.txt"),
        ("back", "..\\secret.txt"),
        ("empty", ""),
    ):
        target = a_release(releases, name)
        with (target / "SHA256SUMS").open("a") as file:
            file.write(f"{'0' * 64}  {line}\n")
    (releases.parent / "elsewhere").mkdir()
    a_release(releases.parent / "elsewhere", "linked")
    (releases / "linked").symlink_to(releases.parent / "elsewhere" / "linked")
    for end in (".new", ".old"):
        a_release(releases, f"2024-04-01{end}")
    (releases / "no-release").mkdir()
    names = [r["name"] for r in (await shop.get("/download.json")).json()["releases"]]
    assert names == ["2024-03-05", "2024-03-05-2023"]
    for name in ("up", "absolute", "through", "back", "empty", "linked", "2024-04-01.new",
                 "2024-04-01.old", "no-release"):  # fmt: skip
        assert (await shop.get(f"/download/{name}")).status_code == 404
        assert (await shop.get(f"/download/{name}/reports.jsonl")).status_code == 404


@pytest.mark.asyncio
async def test_what_was_taken_back_says_so(shop: Any, releases: Path) -> None:
    (releases / "withdrawn.csv").write_text(
        f"\ufeffname,date,reason\r\n2024-03-05,2024-04-01,含住址{SCRIPT}\r\n\r\n"
        '2023-01-01,2023-02-01,"误发，\n已重做"\r\n',
        "utf-8",
    )
    for address in ("/download/2024-03-05", "/download/2024-03-05/reports.jsonl",
                    "/download/2024-03-05/SHA256SUMS", "/download/2023-01-01"):  # fmt: skip
        answer = await shop.get(address)
        assert answer.status_code == 410
        assert SCRIPT not in answer.text
    told = (await shop.get("/download/2024-03-05.json")).json()
    assert told["status"] == 410
    assert "2024-04-01" in told["error"]
    assert "含住址" in told["error"]
    listed = (await shop.get("/download.json")).json()
    assert [release["name"] for release in listed["releases"]] == ["2024-03-05-2023"]
    assert [line["name"] for line in listed["withdrawn"]] == ["2024-03-05", "2023-01-01"]
    page = (await shop.get("/download")).text
    assert "已撤回的发布" in page
    assert "含住址" in page
    assert SCRIPT not in page


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\x00",
        "name,date,reason\n2024-03-05,2024-04-01,含住址\n".encode("gbk"),
        b"",
        b"\n",
        # Without its first line, or with another.
        b"2024-03-05,2024-04-01,address\n",
        b"2024-03-05,2024-04-01,address\n2023-01-01,2023-02-01,error\n",
        b"release,when\n2024-03-05,x\n",
        b"name\nx\n",
        b"date,name,reason\n2024-04-01,2024-03-05,address\n",
        b"name,date,reason,by\n2024-03-05,2024-04-01,address,me\n",
        b"name;date;reason\n2024-03-05;2024-04-01;address\n",
        # A line that is not whole.
        b"name,date,reason\n2024-03-05\n",
        b"name,date,reason\n2024-03-05,2024-04-01\n",
        b"name,date,reason\n2024-03-05,2024-04-01,\n",
        b"name,date,reason\n2024-03-05,,address\n",
        b"name,date,reason\n,2024-04-01,address\n",
        b"name,date,reason\n2024-03-05,2024-04-01,address, at home\n",
        b"name,date,reason\n2024-04-01,2024-03-05 address,x\n",
        b"name,date,reason\n/download/2024-03-05,2024-04-01,address\n",
        b'name,date,reason\n2024-03-05,2024-04-01,"address\n',
    ],
)
async def test_while_nobody_knows_what_was_taken_back_nothing_is_given(
    shop: Any, releases: Path, content: bytes
) -> None:
    (releases / "withdrawn.csv").write_bytes(content)
    for address in ("/download", "/download/2024-03-05", "/download/2024-03-05/reports.jsonl"):
        assert (await shop.get(address)).status_code == 503
    assert (await shop.get("/download.json")).json()["error"] == "撤回清单无法读取，暂不提供下载"
    # The page of data goes on without them.
    page = await shop.get("/data")
    assert page.status_code == 200
    assert "/download/2024-03-05" not in page.text


@pytest.mark.asyncio
async def test_a_file_that_is_not_what_the_list_says(shop: Any, releases: Path) -> None:
    (releases / "2024-03-05" / "reports.jsonl").write_bytes(b"cut")
    answer = await shop.get("/download/2024-03-05/reports.jsonl")
    assert answer.status_code == 503
    assert b"cut" not in answer.content
    (releases / "2024-03-05" / "reports.jsonl").unlink()
    assert (await shop.get("/download/2024-03-05/reports.jsonl")).status_code == 404


@pytest.mark.asyncio
async def test_a_release_shows_as_soon_as_it_is_whole_and_goes_with_its_folder(
    shop: Any, releases: Path
) -> None:
    a_release(releases, "2024-04-01").rename(releases.parent / "aside")
    assert (await shop.get("/download/2024-04-01")).status_code == 404
    kept = {"If-None-Match": (await shop.get("/data")).headers.get("etag", '"none"')}
    (releases.parent / "aside").rename(releases / "2024-04-01")
    assert (await shop.get("/download/2024-04-01/reports.jsonl")).status_code == 200
    # It came without a new snapshot: nothing that is kept tells of it.
    assert "/download/2024-04-01" in (await shop.get("/data", headers=kept)).text
    (releases / "2024-04-01").rename(releases.parent / "gone")
    assert (await shop.get("/download/2024-04-01/reports.jsonl")).status_code == 404


@pytest.mark.asyncio
async def test_without_releases_the_page_says_how_the_whole_is_had(site: Any) -> None:
    page = (await site.get("/download")).text
    assert "/nianbao/reports.json?_shape=objects" in page
    assert "next_url" in page
    assert (await site.get("/download.json")).json() == {"releases": [], "withdrawn": []}
    assert (await site.get("/download/2024-03-05")).status_code == 404
    assert (await site.get("/download/2024-03-05/x.csv")).status_code == 404


# About


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("name@example.org", "mailto:name@example.org"),
        ("https://example.org/contact", "https://example.org/contact"),
        ("javascript:alert(1)", None),
        ('a@b"><script>alert(1)</script>', None),
        ("电话 010-00000000", None),
    ],
)
async def test_the_contact_is_the_operators_own(
    tmp_path: Path, contact: str, link: str | None
) -> None:
    folder = build_site(tmp_path)
    described = json.loads((folder / "metadata.json").read_text("utf-8"))
    described["plugins"]["nianbao"] |= {"contact": contact, "proof_key": "3f9a" * 16}
    (folder / "metadata.json").write_text(json.dumps(described), "utf-8")
    page = html.fromstring((await (await opened(folder)).get("/about")).text)
    (optout,) = page.xpath("//*[@id='optout']")
    links = optout.xpath(".//a/@href[starts-with(., 'mailto:') or starts-with(., 'http')]")
    assert links == ([link] if link else [])
    assert contact in optout.text_content()
    assert "3f9a" * 16 in page.text_content()
    assert page.xpath("//main//script") == []


@pytest.mark.asyncio
async def test_about_speaks_both_languages_and_of_everything(site: Any) -> None:
    page = html.fromstring((await site.get("/about")).text)
    for place in ("what", "captures", "law", "privacy", "optout", "corrections", "readings", "versions",
                  "verify", "cite", "licence", "limits", "accessibility"):  # fmt: skip
        (section,) = page.xpath("//*[@id=$id]", id=place)
        assert len(re.findall("[\u4e00-\u9fff]", section.text_content())) > 40, place
    (english,) = page.xpath("//*[@id='english']")
    assert english.get("lang") == "en"
    said = english.text_content()
    for word in ("robots.txt", "WARC", "Article", "31 January", "masked", "Crawl-delay", "410",
                 "Memento", "SHA-256", ".wacz", "CC BY 4.0", "Apache-2.0", "WCAG", "429"):  # fmt: skip
        assert word in said, word
