"""The front page, who has published for which year, and how the crawl fares, as the site tells it."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from datasette.app import Datasette
from lxml import html
from site_fixture import DIGEST_1, DIGEST_2, IMAGE, SCRIPT, build_site, opened, site_module, words

from archive.privacy import WITHHELD
from archive.publish import added
from archive.schema import PUBLISHED
from crawler import progress

LARGEST_PAGE = 200_000
# Tables of a row a night or a portal, or fewer: these a page may read from end to end.
SMALL = {"nights", "counts", "portal_health"}


async def page(site: Any, path: str) -> Any:
    response = await site.get(path)
    assert response.status_code == 200, path
    return html.fromstring(response.text)


def remake(folder: Path, statements: str) -> None:
    """Change an archive and make the tables of its snapshot once more."""
    with sqlite3.connect(folder / "nianbao.db") as db:
        db.executescript(statements)
        for name in (*PUBLISHED, WITHHELD):
            db.execute(f"drop table if exists {name}")
        db.commit()
        for add in added():
            add(db)


# --- bodies by year -------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_each_square_says_what_became_of_a_report_and_leads_to_it(site: Any) -> None:
    tree = await page(site, "/coverage")
    (table,) = tree.xpath("//section[@id='bodies']//table")
    years = table.xpath("./thead//th[@class='y']/text()")
    assert years == [str(year) for year in range(2023, 2015, -1)]
    squares = {
        words(line.xpath("./th")[0]): [
            (cell.xpath("string(a)"), *cell.xpath("a/@href")) for cell in line.xpath("./td[@class]")
        ]
        for line in table.xpath("./tbody/tr")
    }
    missing = ("缺", "/coverage/health?portal=sz")
    assert squares["朔州市教育局"] == [
        ("有", "/r/140600-jyj/2023"),
        missing,
        # At another address than at first.
        ("迁", "/r/140600-jyj/2021"),
        ("有", "/r/140600-jyj/2020"),
        *[missing] * 3,
        ("有", "/r/140600-jyj/2016"),
    ]
    assert squares["洪泽区人民政府"] == [("下", "/r/320813-zf/2023"), *[("",)] * 7]
    # A body's name is text, whatever it says.
    assert squares[IMAGE] == [("",), ("疑", "/r/999999-bad/2022"), *[("",)] * 6]
    for line in squares.values():
        for _, *evidence in line:
            if evidence:
                assert (await site.get(evidence[0])).status_code == 200


@pytest.mark.asyncio
async def test_the_totals_of_a_year_lead_to_its_bodies(site: Any) -> None:
    tree = await page(site, "/coverage")
    (table,) = tree.xpath("//section[@id='totals']//table")
    heads = [words(head) for head in table.xpath("./thead//th")]
    lines = {
        words(line.xpath("./th")[0]): dict(
            zip(heads[1:], (words(cell) for cell in line.xpath("./td")), strict=True)
        )
        for line in table.xpath("./tbody/tr")
    }
    assert list(lines) == [str(year) for year in range(2023, 2015, -1)]
    of_2023 = lines["2023"]
    assert (of_2023["应有"], of_2023["已见到"], of_2023["占比"]) == ("2", "2", "100%")
    assert (of_2023["在线"], of_2023["已下线"], of_2023["未见到"]) == ("1", "1", "0")
    # 2022: one missing, one that may be gone.
    assert (lines["2022"]["应有"], lines["2022"]["已见到"], lines["2022"]["占比"]) == (
        "2",
        "1",
        "50%",
    )
    (link,) = table.xpath("./tbody/tr[2]//a[contains(@href, 'state=missing')]/@href")
    assert link == "/coverage?year=2022&state=missing"
    shown = (await site.get(link.replace("/coverage", "/coverage.json"))).json()
    assert [body["id"] for body in shown["bodies"]] == ["140600-jyj"]


async def ids(site: Any, query: str) -> list[str]:
    found = (await site.get(f"/coverage.json?{query}")).json()
    return [body["id"] for body in found["bodies"]]


@pytest.mark.asyncio
async def test_filters_narrow_the_bodies(site: Any) -> None:
    shuozhou, hongze, bad = "140600-jyj", "320813-zf", "999999-bad"
    assert await ids(site, "") == [shuozhou, hongze, bad]
    assert await ids(site, "division=14") == [shuozhou]
    # As the pages of bodies lead here: the code of a province, a prefecture, a county.
    assert await ids(site, "division=140000") == [shuozhou]
    assert await ids(site, "division=140600") == [shuozhou]
    assert await ids(site, "division=140700") == []
    assert await ids(site, "division=320813") == [hongze, bad]
    assert await ids(site, "level=county&year=2023") == [hongze]
    assert await ids(site, "portal=hz&state=suspect") == [bad]
    assert await ids(site, "state=published&year=2016") == [shuozhou]
    assert await ids(site, f"name={quote('洪泽')}") == [hongze]
    assert await ids(site, f"name={quote('泽')}") == []
    assert await ids(site, f"after={shuozhou}") == [hongze, bad]
    # An empty box of the form, and what some links carry along, is no condition.
    assert await ids(site, "level=&year=&division=&state=&utm_source=x") == [shuozhou, hongze, bad]


@pytest.mark.asyncio
async def test_late_reports_are_marked_and_found(tmp_path: Path) -> None:
    folder = build_site(tmp_path)
    remake(
        folder,
        """
        update reports set first_seen = '2025-01-01T00:00:00Z';
        update reports set published_on = '2024-02-15' where id = '140600-jyj/2023';
        update reports set published_on = '2021-04-01' where id = '140600-jyj/2020';
        """,
    )
    site = await opened(folder)
    tree = await page(site, "/coverage?division=14")
    squares = {
        link.text: link.get("title") for link in tree.xpath("//td/a[contains(@class, 'late')]")
    }
    assert squares == {
        "迟": "在线；逾期：2024-02-15 发布，期限 2024-01-31",
        "迟+": "在线；逾期超过两个月：2021-04-01 发布，期限 2021-01-31",
    }
    assert await ids(site, "late=late") == ["140600-jyj"]
    assert await ids(site, "late=very_late&year=2023") == []
    lines = csv.DictReader(io.StringIO((await site.get("/coverage.csv?division=14")).text))
    told = {line["year"]: (line["state"], line["on_time"], line["due_on"]) for line in lines}
    assert told["2023"] == ("published", "late", "2024-01-31")
    assert told["2020"] == ("published", "very_late", "2021-01-31")
    assert told["2022"] == ("missing", "", "2023-01-31")


@pytest.mark.asyncio
async def test_what_could_not_be_read_leads_to_where_it_was_seen(tmp_path: Path) -> None:
    folder = build_site(tmp_path)
    remake(
        folder,
        """
        insert into sightings (url, portal_id, night, role, title, verdict, reason) values (
            'http://jyj.example.gov.cn/附件/2022 年报.pdf?a=1&b=2#x', 'sz', '2024-03-04', 'page',
            '朔州市教育局2022年政府信息公开工作年度报告', 'ok', 'PDF 损坏或加密，打不开');
        """,
    )
    site = await opened(folder)
    tree = await page(site, "/coverage?division=14")
    (link,) = tree.xpath("//td/a[text()='难']/@href")
    assert "PDF 损坏或加密，打不开" in (await site.get(link)).text


@pytest.mark.asyncio
async def test_the_record_of_bodies(site: Any) -> None:
    found = (await site.get("/coverage.json")).json()
    first = found["bodies"][0]
    assert (first["id"], first["name"], first["level"]) == (
        "140600-jyj",
        "朔州市教育局",
        "prefecture",
    )
    assert (first["reports"]["2023"], first["reports"]["2022"]) == ("live", None)
    assert first["years"]["2023"] == {
        "state": "published",
        "on_time": "on_time",
        "published_on": "2024-01-20",
        "due_on": "2024-01-31",
        "report_id": "140600-jyj/2023",
        "evidence": "/r/140600-jyj/2023",
    }
    assert (found["more"], found["next"]) == (False, None)
    by_state = {(row["year"], row["state"]): row["bodies"] for row in found["totals"]}
    assert by_state[2023, "vanished"] == 1
    # Totals are those of a group; of two conditions together there are none.
    of_14 = (await site.get("/coverage.json?division=14")).json()["totals"]
    assert {row["code"] for row in of_14} == {"14"}
    assert (await site.get("/coverage.json?division=14&level=county")).json()["totals"] is None


@pytest.mark.asyncio
async def test_bodies_come_a_page_at_a_time(tmp_path: Path) -> None:
    folder = build_site(tmp_path)
    remake(
        folder,
        """
        with recursive n (i) as (select 1 union all select i + 1 from n where i < 120)
        insert into issuers (id, name, division, level, kind, portal_id)
        select printf('150000-%04d', i), '机关' || i, '150000', 'province', 'department', 'sz'
        from n;
        insert into reports (id, issuer_id, year, status) select id || '/2022', id, 2022, 'live'
        from issuers where division = '150000';
        """,
    )
    site = await opened(folder)
    path, seen, pages = "/coverage.json?division=15", [], 0
    while path:
        found = (await site.get(path)).json()
        seen += [body["id"] for body in found["bodies"]]
        path, pages = found["next"], pages + 1
    assert seen == [f"150000-{number:04d}" for number in range(1, 121)]
    assert pages == 3
    (link,) = (await page(site, "/coverage?division=15")).xpath("//a[@rel='next nofollow']/@href")
    assert link == "/coverage?division=15&after=150000-0050"
    last = await page(site, "/coverage?division=15&after=150000-0100")
    assert len(last.xpath("//section[@id='bodies']//tbody/tr")) == 20
    assert not last.xpath("//a[contains(@rel, 'next')]")
    path, seen = "/coverage.csv?division=15", []
    while path:
        response = await site.get(path)
        seen += [line["issuer_id"] for line in csv.DictReader(io.StringIO(response.text))]
        path = following(response)
    # A row for 2022 and one for 2023.
    assert seen == [f"150000-{number:04d}" for number in range(1, 121) for _ in (2022, 2023)]


def following(response: Any) -> str:
    """The address of the next page that a table's Link header names; empty without one."""
    found = re.fullmatch('<(.+)>; rel="next"', response.headers.get("link", ""))
    return found[1] if found else ""


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/coverage", "/coverage/health"])
async def test_a_chosen_place_is_named_and_stays_chosen(site: Any, path: str) -> None:
    for code, kept, name in (
        ("140600", "1406", "朔州市"),
        ("140000", "14", "山西"),
        ("140699", "140699", "140699"),
    ):
        tree = await page(site, f"{path}?division={code}")
        (chosen,) = tree.xpath("//select[@name='division']/option[@selected]")
        assert (chosen.get("value"), words(chosen)) == (kept, name)


@pytest.mark.asyncio
async def test_tables_of_portals_lead_on_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = build_site(tmp_path)
    remake(
        folder,
        """
        with recursive n (i) as (select 1 union all select i + 1 from n where i < 100)
        insert into portals (id, name, division, level, home_url, state)
        select printf('p%04d', i), '站点' || i, '150000', 'province', 'http://p.example', 'ok'
        from n;
        """,
    )
    site = await opened(folder)
    path, seen = "/coverage/health.csv?state=ok&division=15", []
    while path:
        response = await site.get(path)
        assert response.status_code == 200
        seen += [line["portal_id"] for line in csv.DictReader(io.StringIO(response.text))]
        path = following(response)
    assert sorted(seen) == [f"p{number:04d}" for number in range(1, 101)]
    health = sys.modules["nianbao_site.health"]
    monkeypatch.setattr(health, "MOST_PAGES", 1)
    cut = following(await site.get("/coverage/health.csv?division=15"))
    assert cut == "/coverage/health.csv?division=15&page=2"
    response = await site.get(cut)
    assert response.status_code == 400
    assert response.text == (
        "page=2：至多翻到第 1 页。请以 division、level、state 缩小范围。整库见 /download。\n"
    )
    by_portal = await site.get("/coverage.csv?by=portal")
    assert following(by_portal) == "/coverage.csv?by=portal&after=p0049"


@pytest.mark.asyncio
async def test_all_nights_are_in_the_tables(tmp_path: Path) -> None:
    folder = build_site(tmp_path)
    remake(
        folder,
        """
        with recursive n (i) as (select 1 union all select i + 1 from n where i < 500)
        insert into visits (portal_id, night, state, seen_at, requests)
        select 'sz', date('2022-01-01', '+' || i || ' days'), 'ok', '2022-01-01T00:00:00Z', 1
        from n;
        """,
    )
    site = await opened(folder)
    # Three more are the fixture's own.
    for path in ("/coverage/nights.csv", "/coverage/health.csv?portal=sz"):
        lines = list(csv.DictReader(io.StringIO((await site.get(path)).text)))
        assert len(lines) == 503
    assert (await site.get("/coverage/health.csv?portal=nobody")).status_code == 404


# --- groups ---------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_shares_of_provinces_levels_and_portals(site: Any) -> None:
    tree = await page(site, "/coverage?by=province")
    lines = {
        words(line.xpath("./th")[0]): [
            (words(cell), cell.get("class")) for cell in line.xpath("./td")
        ]
        for line in tree.xpath("//main//tbody/tr")
    }
    full, none, empty = ("100", "y h5"), ("0", "y h0"), ("", "y")
    assert lines == {
        "山西": [full, none, full, full, none, none, none, full],
        "江苏": [full, full, *[empty] * 6],
    }
    found = (await site.get("/coverage.json?by=level")).json()["groups"]
    assert [(group["code"], group["name"]) for group in found] == [
        ("prefecture", "市级"),
        ("county", "县级"),
    ]
    assert found[0]["years"]["2017"] == {"bodies": 1, "kept": 0, "late": 0}
    table = (await site.get("/coverage.csv?by=portal")).text
    lines_of = list(csv.DictReader(io.StringIO(table)))
    assert [line["code"] for line in lines_of] == ["hz", "hz", *["sz"] * 8]
    assert lines_of[0]["name"] == "洪泽区人民政府"


@pytest.mark.asyncio
async def test_groups_are_narrowed_to_a_year_and_portals_to_a_province(site: Any) -> None:
    found = (await site.get("/coverage.json?by=level&year=2017")).json()["groups"]
    assert {group["code"]: list(group["years"]) for group in found} == {"prefecture": ["2017"]}
    tree = await page(site, "/coverage?by=level&year=2017")
    assert [words(th) for th in tree.xpath("//main//thead//th")][-1] == "2017"
    found = (await site.get("/coverage.json?by=portal&division=14")).json()["groups"]
    assert [group["code"] for group in found] == ["sz"]
    nothing = await page(site, "/coverage?by=level&year=1999")
    assert nothing.xpath("//main//p[contains(., '没有这样的年报')]/a/@href") == [
        "/coverage?by=level"
    ]


@pytest.mark.parametrize(
    ("kept", "bodies", "step", "number"),
    [(0, 7, 0, 0), (1, 1000, 1, 1), (1, 2, 2, 50), (3, 4, 3, 75), (9, 10, 4, 90),
     (899, 1000, 3, 89), (999, 1000, 4, 99), (4, 4, 5, 100)],
)  # fmt: skip
@pytest.mark.asyncio
async def test_a_share_is_never_rounded_up(
    site: Any, kept: int, bodies: int, step: int, number: int
) -> None:
    module = sys.modules["nianbao_site.coverage"]
    assert (module.shade(kept, bodies), module.percent(kept, bodies)) == (step, number)


# --- the crawl's health ---------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_last_night_in_figures(site: Any) -> None:
    """Counts that nobody wrote are no 0."""
    (night,) = (await page(site, "/coverage/health")).xpath("//section[@id='night']")
    assert night.xpath("string(h2)").startswith("最近一夜：2024-03-04")
    told = dict(zip(night.xpath("dl//dt/text()"), night.xpath("dl//dd/text()"), strict=True))
    assert (told["有应答的站点"], told["请求"], told["新见"]) == ("1/2", "43", "2")
    assert (told["被拦"], told["收到"], told["省下请求"]) == ("3", "1.2 MB", "160")


@pytest.mark.asyncio
async def test_a_row_a_night_and_a_gap_where_none_was(site: Any) -> None:
    tree = await page(site, "/coverage/health")
    figures = {
        figure.xpath("string(figcaption)").split("　")[0]: figure
        for figure in tree.xpath("//figure[@data-chart='bar']")
    }
    assert list(figures) == ["每夜站点（个）", "每夜请求（次）", "每夜年报（份）", "每夜受阻（次）"]

    def numbers(name: str) -> list[list[str]]:
        lines = figures[name].xpath(".//tbody/tr")
        return [[words(cell) for cell in line.xpath("./*")] for line in lines]

    assert numbers("每夜站点（个）") == [
        ["2024-03-01", "1", "0"],
        ["2024-03-02", "", ""],
        ["2024-03-03", "1", "0"],
        ["2024-03-04", "1", "1"],
    ]
    # 800 is more than five times 43: told in words, and no bar that dwarfs all others.
    assert numbers("每夜请求（次）")[0] == ["2024-03-01", ""]
    assert "2024-03-01（请求 800）远多于其他" in words(
        figures["每夜请求（次）"].xpath("figcaption")[0]
    )
    assert "未画" not in words(figures["每夜站点（个）"].xpath("figcaption")[0])


@pytest.mark.asyncio
async def test_portals_with_the_longest_silent_first(site: Any) -> None:
    tree = await page(site, "/coverage/health")
    lines = [
        [words(cell) for cell in line.xpath("./*")]
        for line in tree.xpath("//section[@id='portals']//tbody/tr")
    ]
    assert lines == [
        ["洪泽区人民政府", "验证页 首页应答为验证页，未能进入", "1", "2024-03-01", "0/1", "3",
         "—", "—", "—", "—", "3", "—"],
        ["朔州市人民政府", "正常", "0", "2024-03-04", "3/3", "40", "120", "30", "2", "0", "0", "0"],
    ]  # fmt: skip
    one = await page(site, tree.xpath("//section[@id='portals']//tbody/tr[1]//a/@href")[0])
    facts = {
        words(line.xpath("dt")[0]): words(line.xpath("dd")[0]) for line in one.xpath("//dl/div")
    }
    assert facts["最近一次正常应答 last_ok"] == "2024-03-01，至今连续 1 夜没有正常应答"
    # Its home page's address is no web address: told, but no link.
    assert facts["首页 home_url"] == "javascript:alert(4)"
    assert not one.xpath("//a[starts-with(@href, 'javascript')]")


def test_every_state_of_a_portal_has_a_word() -> None:
    """The crawl's own words are shorter, for a narrow terminal; the site has no part of it."""
    known = site_module("wording").WORDS["verdict"]
    assert {state for state in progress.STATES if state} <= known.keys()
    assert set(site_module("health").STATES) <= known.keys()


@pytest.mark.asyncio
async def test_portals_are_filtered(site: Any) -> None:
    async def portals(query: str) -> list[str]:
        found = (await site.get(f"/coverage/health.json?{query}")).json()
        return [line["portal_id"] for line in found["portals"]]

    assert await portals("") == ["hz", "sz"]
    assert await portals("state=challenge") == ["hz"]
    assert await portals("state=amiss") == ["hz"]
    assert await portals("state=ok&division=14") == ["sz"]
    assert await portals("division=140600") == ["sz"]
    assert await portals("level=county&silent=2") == []
    assert await portals("silent=1") == ["hz"]
    assert await portals("state=&silent=&page=&utm_source=x") == ["hz", "sz"]


@pytest.mark.asyncio
async def test_health_as_json_and_csv(site: Any) -> None:
    found = (await site.get("/coverage/health.json")).json()
    assert found["portals"][0]["verdicts"] == {"challenge": 1}
    assert (found["counts"]["silent_portals"], found["counts"]["reports"]) == (1, 6)
    assert [line["night"] for line in found["nights"]] == ["2024-03-04", "2024-03-03", "2024-03-01"]
    (hz, _) = csv.DictReader(io.StringIO((await site.get("/coverage/health.csv")).text))
    assert (hz["portal_id"], hz["silent"], hz["reason"]) == (
        "hz",
        "1",
        "首页应答为验证页，未能进入",
    )
    one = (await site.get("/coverage/health.json?portal=sz")).json()
    assert [line["requests"] for line in one["nights"]] == [40, 40, 800]
    table = csv.DictReader(io.StringIO((await site.get("/coverage/health.csv?portal=sz")).text))
    assert [line["night"] for line in table] == ["2024-03-04", "2024-03-03", "2024-03-01"]
    strange = f"/coverage/health?portal={quote(SCRIPT)}"
    assert (await site.get(strange)).status_code == 404
    assert (await site.get(strange.replace("health", "health.json"))).status_code == 404


@pytest.mark.asyncio
async def test_the_nights_keep_their_addresses(site: Any) -> None:
    found = (await site.get("/coverage/nights.json")).json()
    assert [(line["night"], line["requests"], line["new"]) for line in found["nights"]] == [
        ("2024-03-04", 43, 2),
        ("2024-03-03", 40, 0),
        ("2024-03-01", 800, 117),
    ]
    portals = (await site.get("/coverage/portals.json")).json()
    # Those first where something was amiss.
    assert [line["portal_id"] for line in portals["portals"]] == ["hz", "sz"]
    assert portals["night"] == "2024-03-04"
    (first, *_) = csv.DictReader(io.StringIO((await site.get("/coverage/nights.csv")).text))
    assert (first["night"], first["answered"], first["blocked"]) == ("2024-03-04", "1", "3")
    table = (await site.get("/coverage/portals.csv?night=2024-03-01")).text
    (only,) = csv.DictReader(io.StringIO(table))
    assert (only["name"], only["requests"], only["seconds"]) == ("朔州市人民政府", "800", "130.5")
    plain = await site.get("/coverage/portals.json?night=&utm_source=x")
    assert plain.json()["night"] == "2024-03-04"


# --- the front page -------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_front_page_tells_what_happened_last(site: Any) -> None:
    tree = await page(site, "/")
    told = {
        words(part.xpath("h3/a")[0]): part for part in tree.xpath("//section[@id='events']//h3/..")
    }
    assert list(told) == ["新见", "内容改动", "下线"]
    assert words(told["新见"].xpath("h3/span")[0]) == "0 份"
    assert "这一夜没有" in words(told["内容改动"])
    (edited,) = told["内容改动"].xpath(".//li")
    assert words(edited) == "2024-03-03 朔州市教育局 2023 2 格数字、1 处文字有改动，发布后第 43 天"
    (vanished,) = told["下线"].xpath(".//li")
    assert words(vanished) == "2024-03-03 洪泽区人民政府 2023 本站有存，发布当日"
    for link in tree.xpath("//section[@id='events']//li//a/@href"):
        assert (await site.get(link.partition("#")[0])).status_code == 200, link
    found = (await site.get("/index.json")).json()
    assert found["totals"] == {
        "reports": 6,
        "issuers": 3,
        "versions": 7,
        "portals": 2,
        "edits": 1,
        "absent": 2,
        "last_night": "2024-03-04",
    }
    assert found["events"]["edited"]["events"][0]["version_id"] == (
        f"140600-jyj/2023/{DIGEST_2[:12]}"
    )
    assert DIGEST_1[:12] in found["events"]["edited"]["events"][0]["from_version"]


@pytest.mark.asyncio
@pytest.mark.parametrize("at", ["2024-03-04T18:30:00Z", "2024-03-03T18:30:00Z"])
async def test_what_happened_on_the_last_night_is_counted(tmp_path: Path, at: str) -> None:
    """A night has a date of Beijing: its hours after midnight there are of the day before."""
    folder = build_site(tmp_path)
    with sqlite3.connect(folder / "nianbao.db") as db:
        db.execute("update events set night = '2024-03-04', at = ? where kind = 'vanished'", (at,))
    tree = await page(await opened(folder), "/")
    (part,) = tree.xpath("//section[@id='events']//h3[a='下线']/..")
    assert words(part.xpath("h3/span")[0]) == "1 份"
    assert "这一夜没有" not in words(part)


@pytest.mark.asyncio
async def test_sums_keep_the_earlier_form_apart(tmp_path: Path) -> None:
    folder = build_site(tmp_path)
    remake(
        folder,
        "update reports set scope = 'own_body' where issuer_id = '140600-jyj';",
    )
    tree = await page(await opened(folder), "/")
    figures = tree.xpath("//section[@id='national']//figure")
    assert [figure.get("id") for figure in figures] == [
        "national-requests",
        "national-disputes",
        "national-stats2014",
    ]
    lines = [
        [words(cell) for cell in line.xpath("./*")] for line in figures[0].xpath(".//tbody/tr")
    ]
    # 2022 has no report: an empty cell, which a chart draws as a gap.
    assert [line[:2] for line in lines] == [
        ["2020", "8"],
        ["2021", "5"],
        ["2022", ""],
        ["2023", "21"],
    ]
    (line,) = figures[2].xpath(".//tbody/tr")
    assert [words(cell) for cell in line.xpath("./*")[:2]] == ["2016", "33"]
    assert "机关数：2020 年 1 个，2021 年 1 个，2022 年 0 个，2023 年 1 个" in words(figures[0])


@pytest.mark.asyncio
async def test_an_archive_of_nothing_has_pages_all_the_same(tmp_path: Path) -> None:
    site = await opened(build_site(tmp_path, empty=True))
    for path in (
        *("/", "/index.json", "/coverage", "/coverage.json", "/coverage.csv"),
        *("/coverage?by=province", "/coverage?by=portal", "/coverage.json?by=level"),
        *("/coverage/health", "/coverage/health.json", "/coverage/health.csv"),
    ):
        assert (await site.get(path)).status_code == 200, path


# --- what it costs --------------------------------------------------------------------------------

PATHS = (
    *("/", "/index.json", "/coverage", "/coverage?division=14", "/coverage?division=140600"),
    *("/coverage?level=county&state=missing", "/coverage?portal=sz&late=late&year=2023"),
    *("/coverage?year=2022&state=missing", f"/coverage?name={quote('朔州')}", "/coverage.json"),
    *("/coverage?by=province", "/coverage?by=level", "/coverage?by=portal&division=14"),
    *("/coverage/health", "/coverage/health?state=amiss&division=14", "/coverage/nights.json"),
    *("/coverage/health?portal=sz", "/coverage/portals.json", "/coverage/health?level=county"),
)


@pytest.mark.asyncio
async def test_no_page_walks_a_large_table(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    prepare = Datasette._prepare_connection

    def traced(self: Any, connection: sqlite3.Connection, database: str) -> None:
        prepare(self, connection, database)
        connection.set_trace_callback(asked.append)

    monkeypatch.setattr(Datasette, "_prepare_connection", traced)
    site = await opened(folder)
    with sqlite3.connect(folder / "nianbao.db") as db:
        names = {name for (name,) in db.execute("select name from sqlite_master")}
        for path in PATHS:
            asked.clear()
            assert (await site.get(path)).status_code == 200
            questions = [sql for sql in asked if re.match(r"\s*(select|with)\b", sql, re.I)]
            questions = [sql for sql in questions if "sqlite_master" not in sql]
            assert questions, path
            for sql in questions:
                for *_, detail in db.execute(f"explain query plan {sql}"):
                    walked = re.match(r"SCAN (\w+)", detail)
                    if walked and walked[1] not in SMALL:
                        assert walked[1] not in names, (path, detail, sql)


@pytest.mark.asyncio
async def test_no_page_is_large(tmp_path: Path) -> None:
    """With fifty bodies of long names and ids, eighteen years of each, all of them late."""
    folder = build_site(tmp_path)
    remake(
        folder,
        """
        with recursive n (i) as (select 0 union all select i + 1 from n where i < 3399)
        insert into issuers (id, name, division, level, kind, portal_id)
        select printf('%d0000-longnameofabody-%04d', 11 + i % 34, i),
            '某某自治州某某县人力资源和社会保障局' || i, printf('%d0000', 11 + i % 34), 'county',
            'department', 'p' || (i % 200) from n;
        insert into portals (id, name, division, level, home_url, state)
        select distinct portal_id, '某某自治州某某县人民政府', division, 'county',
            'http://x.example/', 'challenge' from issuers where portal_id like 'p%' group by 1;
        with recursive y (year) as (select 2008 union all select year + 1 from y where year < 2022)
        insert into reports (id, issuer_id, year, status, published_on, first_seen)
        select issuers.id || '/' || year, issuers.id, year, 'live', (year + 2) || '-01-01',
            '2026-01-01T00:00:00Z' from issuers join y where issuers.portal_id like 'p%';
        with recursive d (i) as (select 0 union all select i + 1 from d where i < 59)
        insert into visits (portal_id, night, state, seen_at, requests, blocked)
        select portals.id, date('2024-01-01', '+' || i || ' days'), 'challenge', '', 123456, 123456
        from portals join d where portals.id like 'p%';
        """,
    )
    site = await opened(folder)
    for path in (
        *("/", "/coverage", "/coverage?by=province", "/coverage?by=portal", "/coverage/health"),
        *("/coverage/health?portal=p7", "/coverage?late=very_late"),
    ):
        response = await site.get(path)
        assert response.status_code == 200
        assert len(response.content) < LARGEST_PAGE, (path, len(response.content))


# --- what cannot be meant -------------------------------------------------------------------------

CODES = "应为国家标准代码的前 2、4、6、9 或 12 位，如 14、1406、140602；中央为 00。"
WRONG = [
    ("/coverage", "state=zz",
     "state=zz：可用的值是 published、moved、suspect、vanished、image_only、unreadable、blocked、"
     "needs_browser、missing。"),
    ("/coverage", "level=x", "level=x：可用的值是 central、province、prefecture、county、township。"),
    ("/coverage", "late=x", "late=x：可用的值是 late、very_late。"),
    ("/coverage", "by=x", "by=x：可用的值是 province、level、portal。"),
    ("/coverage", "year=abc", "year=abc：年度是四位数字，如 2023，只能给一个。"),
    ("/coverage", "year=2019-2023", "year=2019-2023：年度是四位数字，如 2023，只能给一个。"),
    ("/coverage", "division=a", f"division=a：没有这个区划代码。{CODES}"),
    ("/coverage", "division=99", f"division=99：没有这个区划代码。{CODES}"),
    ("/coverage", "portal=zz", "portal=zz：没有这个站点。站点编号见 /coverage/health.json。"),
    ("/coverage", "level=county&level=province", "level 给了 2 个值：只能给一个。"),
    ("/coverage", "late=x&by=y", "by=y：可用的值是 province、level、portal。"
     "late=x：可用的值是 late、very_late。"),
    ("/coverage", "by=province&state=missing&late=late",
     "late=late：按地区合计（by=province）不能以此筛选。"
     "state=missing：按地区合计（by=province）不能以此筛选。"),
    ("/coverage", "by=portal&division=1406",
     "division=1406：按站点合计（by=portal）只能选省级区划。"),
    ("/coverage/health", "silent=0", "silent=0：应为 1 至 9999 的整数。"),
    ("/coverage/health", "division=99", f"division=99：没有这个区划代码。{CODES}"),
    ("/coverage/health", "page=x", "page=x：应为 1 至 100 的整数。"),
    ("/coverage/health", "page=101", "page=101：至多翻到第 100 页。请以 division、level、state "
     "缩小范围。整库见 /download。"),
]  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize(("path", "query", "told"), WRONG)
async def test_a_value_that_cannot_be_meant_is_refused(
    site: Any, path: str, query: str, told: str
) -> None:
    """Never answered with all there is: programs get 400 and why, the page says it above."""
    as_json = await site.get(f"{path}.json?{query}")
    assert as_json.status_code == 400
    assert as_json.json() == {"ok": False, "status": 400, "title": "请求有误", "error": told}
    as_csv = await site.get(f"{path}.csv?{query}")
    assert (as_csv.status_code, as_csv.text) == (400, f"{told}\n")
    assert as_csv.headers["content-type"] == "text/plain; charset=utf-8"
    shown = await site.get(f"{path}?{query}")
    assert shown.status_code == 400
    (banner,) = html.fromstring(shown.text).xpath("//div[@role='alert']")
    left_out = "未采用，以下不以此为条件。"
    assert "".join(words(banner).split()) == "".join(f"{told}{left_out}".split())


@pytest.mark.asyncio
@pytest.mark.parametrize("night", ["foo", "2024-03-02", "'or"])
async def test_a_night_without_a_crawl_is_refused(site: Any, night: str) -> None:
    told = f"night={night}：没有这一夜的抓取。所有夜次见 /coverage/nights.json。"
    for ending in ("json", "csv"):
        answer = await site.get(f"/coverage/portals.{ending}?night={quote(night)}")
        assert answer.status_code == 400
        assert (answer.json()["error"] if ending == "json" else answer.text[:-1]) == told


@pytest.mark.asyncio
async def test_a_value_is_shown_as_text(site: Any) -> None:
    for path in ("/coverage?level=", "/coverage?portal=", "/coverage/health?state="):
        answer = await site.get(path + quote(SCRIPT))
        assert answer.status_code == 400
        assert SCRIPT not in answer.text


@pytest.mark.asyncio
async def test_a_portal_nobody_knows_is_not_there(site: Any) -> None:
    told = "portal=zz：没有这个站点。站点编号见 /coverage/health.json。"
    answer = await site.get("/coverage/health.json?portal=zz")
    assert (answer.status_code, answer.json()["status"]) == (404, 404)
    assert (answer.json()["ok"], answer.json()["error"]) == (False, told)
    answer = await site.get("/coverage/health.csv?portal=zz")
    assert (answer.status_code, answer.text) == (404, f"{told}\n")
