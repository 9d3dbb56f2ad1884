"""Search as readers, programs and attackers meet it: the hits of a scan, filters, names mistyped."""

from __future__ import annotations

import csv
import io
import random
import re
import sqlite3
import unicodedata
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from xml.etree import ElementTree

import pytest
from datasette.app import Datasette
from lxml import html
from site_fixture import SCRIPT, build_site, insert, site_module

from archive.search_index import HIDDEN, cut, index_texts, normal


def path(ending: str = ".json", /, **given: str) -> str:
    return f"/search{ending}?" + "&".join(f"{name}={quote(text)}" for name, text in given.items())


async def hits(site: Any, **given: str) -> list[str]:
    response = await site.get(path(**given))
    assert response.status_code == 200, response.text
    return [hit["report_id"] for hit in response.json()["results"]]


# --- what is found ----------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_search_puts_names_before_titles_before_text(site: Any) -> None:
    found = (await site.get(path(q="洪泽"))).json()
    assert [(hit["report_id"], hit["found_in"]) for hit in found["results"]] == [
        ("320813-zf/2023", "issuer_name")
    ]
    found = (await site.get(path(q="泥鳅"))).json()
    assert [(hit["report_id"], hit["found_in"]) for hit in found["results"]] == [
        ("320813-zf/2023", "text"),
        ("999999-bad/2022", "text"),
    ]
    assert found["complete"] is True
    # In a name, then in titles; all of the year 2023 or earlier.
    found = (await site.get(path(q="政府"))).json()
    assert [(hit["report_id"], hit["found_in"]) for hit in found["results"]] == [
        ("320813-zf/2023", "issuer_name"),
        *((f"140600-jyj/{year}", "title") for year in (2023, 2021, 2020, 2016)),
    ]


EVERY_JYJ = [f"140600-jyj/{year}" for year in (2023, 2021, 2020, 2016)]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("query", "reports"),
    [
        ("泥鳅养殖", ["320813-zf/2023"]),
        ("鳅泥", []),
        ("洪泽 养殖", ["320813-zf/2023"]),
        ("朔州 养殖", []),
        ("朔州教育局", []),
        ("朔州市教育局 2020", ["140600-jyj/2020"]),
        ("36条", ["140600-jyj/2023"]),
        ("３６条", ["140600-jyj/2023"]),
        # A number is the whole number.
        ("6条", []),
        ("1", ["999999-bad/2022"]),
        ("鳅", ["320813-zf/2023", "999999-bad/2022"]),
        ("SCRIPT", ["999999-bad/2022"]),
        ("「泥鳅养殖」", ["320813-zf/2023"]),
        ('"泥鳅 养殖"', ["320813-zf/2023"]),
        ("“养殖泥鳅”", []),
        ("『存在的问题』 信息", ["320813-zf/2023"]),
        ("泥鳅 -养殖", ["999999-bad/2022"]),
        ("泥鳅 -「养殖信息」", ["999999-bad/2022"]),
        ("泥鳅 -洪泽 -alert", []),
        ("教育、洪泽", []),
        ("教育，2016", ["140600-jyj/2016"]),
        # A heading and the text below it are not read as one.
        ("问题存在", []),
        ("2023年政府信息公开", ["140600-jyj/2023", "320813-zf/2023"]),
    ],
)
async def test_search_finds_every_word_and_nothing_else(
    site: Any, query: str, reports: list[str]
) -> None:
    assert await hits(site, q=query) == reports


ALPHABET = "政府信息公开申请教育局县一二三四五六，。"
ALPHABET += "１23a件 \n　ＡB"


def made_text(dice: random.Random, length: int) -> str:
    return "".join(dice.choices(ALPHABET, k=length))


def scanned(parts: tuple[str, ...], word: str) -> bool:
    """Whether a part says a word: as written but for width, case and white space, numbers whole.

    Written apart from the code it is to judge: white space counts as nothing here, and the texts
    have no two numbers or letters with white space between.
    """

    def bare(text: str) -> str:
        return "".join(unicodedata.normalize("NFKC", text).lower().split())

    looked_for = bare(word)
    for part in map(bare, parts):
        for start in range(len(part)):
            end = start + len(looked_for)
            if part[start:end] == looked_for:
                cuts_left = start and f"{part[start - 1]}{part[start]}".isascii()
                cuts_left = cuts_left and part[start - 1].isalnum() and part[start].isalnum()
                cuts_right = end < len(part) and part[end - 1 : end + 1].isascii()
                cuts_right = cuts_right and part[end - 1].isalnum() and part[end].isalnum()
                if not cuts_left and not cuts_right:
                    return True
    return False


def made_archive(folder: Path, dice: random.Random) -> dict[str, tuple[str, ...]]:
    """A site with 80 reports of random words; their names, titles, headings and texts by id."""
    database = build_site(folder, empty=True) / "nianbao.db"
    db = sqlite3.connect(database)
    for table in HIDDEN:
        db.execute(f"drop table {table}")
    reports = {}
    for number in range(80):
        issuer, year = f"11010{number % 8}-x", 2010 + number // 8
        report = f"{issuer}/{year}"
        # White space between two numbers or letters would part them for one reader only.
        title, heading, text = (
            re.sub(r"(?<=[0-9A-Za-zＡＢ１])\s+(?=[0-9A-Za-zＡＢ１])", "", made_text(dice, length))
            for length in (12, 6, 120)
        )
        name = f"{'甲乙丙丁戊己庚辛'[number % 8]}县教育局"
        if year == 2010:
            insert(db, "issuers", {"id": issuer, "name": name, "division": issuer[:6]})
        version = f"{report}/{number:012x}"
        insert(
            db,
            "reports",
            {"id": report, "issuer_id": issuer, "year": year, "title": title, "status": "live",
             "current_version": version},
        )  # fmt: skip
        insert(
            db,
            "sections",
            {"version_id": version, "number": 1, "heading": heading, "text": text},
        )
        reports[report] = (name, title, heading, text)
    db.commit()
    index_texts(db)
    db.commit()
    db.close()
    return reports


@pytest.mark.asyncio
async def test_search_finds_what_a_scan_finds(tmp_path: Path) -> None:
    dice = random.Random(6)
    reports = made_archive(tmp_path, dice)
    datasette = Datasette(config_dir=tmp_path / "site")
    await datasette.invoke_startup()
    texts = [text for parts in reports.values() for text in parts[1:]]
    found_any = found_none = 0
    for _ in range(300):
        length = dice.choice((1, 2, 2, 3, 4))
        if dice.random() < 0.7:
            source = dice.choice(texts)
            at = dice.randrange(len(source) - 4)
            word = source[at : at + length]
        else:
            word = "".join(dice.choices("政府信息公开申请教育局县一二三", k=length))
        # Nothing that the syntax of queries means something by.
        word = re.sub(r"[，。\s]", "", word)
        if not word:
            continue
        expected = {report for report, parts in reports.items() if scanned(parts, word)}
        found = (await datasette.client.get(path(q=word, size="100"))).json()
        assert found["complete"] is True
        assert {hit["report_id"] for hit in found["results"]} == expected, word
        found_any += bool(expected)
        found_none += not expected
    assert found_any > 50
    assert found_none > 20


@pytest.mark.parametrize(
    "text", ["收到 申请１２ 件", "Annual\nReport 2023年", "Wi-Fi Café ｱ", "政\u200b府，信息", "①②"]
)
def test_the_site_folds_text_as_the_archive_does(text: str) -> None:
    asked = site_module("asked")
    assert asked.normal(text) == normal(text)
    assert set(asked.tokens_of(normal(text))) <= set(cut(normal(text)).split())


@pytest.mark.asyncio
async def test_hits_beyond_the_bound_are_told_of(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nianbao_site import found as finding

    monkeypatch.setattr(finding, "MOST_HITS", 3)
    cut_off = (await site.get(path(q="政府"))).json()
    assert (cut_off["count"], cut_off["complete"]) == (3, False)
    # The name comes first all the same.
    assert cut_off["results"][0]["found_in"] == "issuer_name"
    # The years of the hits cut off are offered, uncounted.
    years = [(value["value"], value["count"]) for value in cut_off["facets"]["year"]]
    assert years == [("2023", 2), ("2022", None), ("2021", 1), ("2020", None), ("2016", None)]
    page = await site.get(path("", q="政府"))
    assert "至少 3 份" in page.text
    assert "≥" in page.text
    monkeypatch.setattr(finding, "MOST_READ", 1)
    read = (await site.get(path(q="政府信息公开工作"))).json()
    assert read["complete"] is False


# --- filters ----------------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("given", "reports"),
    [
        ({"q": "政府", "region": "14"}, EVERY_JYJ),
        ({"q": "政府", "region": "140600"}, EVERY_JYJ),
        ({"q": "政府", "region": "朔州市"}, EVERY_JYJ),
        ({"q": "政府", "region": "3208"}, ["320813-zf/2023"]),
        ({"q": "政府", "region": "11"}, []),
        ({"q": "政府", "level": "county"}, ["320813-zf/2023"]),
        ({"q": "教育", "year": "2020"}, ["140600-jyj/2020"]),
        ({"q": "教育", "year": "2020-2021"}, ["140600-jyj/2021", "140600-jyj/2020"]),
        ({"q": "教育", "year": "２０２１—"}, ["140600-jyj/2023", "140600-jyj/2021"]),
        ({"q": "教育", "year": "-2016年"}, ["140600-jyj/2016"]),
        ({"q": "教育", "year": "2017-2019"}, []),
        ({"q": "教育", "year": "1999"}, []),
        ({"q": "教育", "form": "stats2014"}, ["140600-jyj/2016"]),
        ({"finding": "failed"}, ["140600-jyj/2023", "320813-zf/2023"]),
        ({"finding": "publisher"}, ["320813-zf/2023"]),
        ({"finding": "parser"}, []),
        ({"finding": "edited"}, ["140600-jyj/2023"]),
        ({"finding": "vanished"}, ["320813-zf/2023"]),
        ({"finding": "failed,edited"}, ["140600-jyj/2023"]),
        ({"year": "2022"}, ["999999-bad/2022"]),
        ({"q": "-教育", "level": "prefecture"}, []),
        ({"q": "-教育", "year": "2023"}, ["320813-zf/2023"]),
    ],
)
async def test_filters(site: Any, given: dict[str, str], reports: list[str]) -> None:
    assert await hits(site, **given) == reports


@pytest.mark.asyncio
async def test_a_finding_may_be_asked_for_twice(site: Any) -> None:
    found = (await site.get("/search.json?finding=failed&finding=vanished")).json()
    assert [hit["report_id"] for hit in found["results"]] == ["320813-zf/2023"]
    assert found["finding"] == ["failed", "vanished"]


@pytest.mark.asyncio
async def test_facets_count_the_hits_and_lead_to_them(site: Any) -> None:
    found = (await site.get(path(q="政府"))).json()
    counts = {
        name: [(value["value"], value["count"]) for value in values]
        for name, values in found["facets"].items()
    }
    assert counts == {
        "year": [("2023", 2), ("2021", 1), ("2020", 1), ("2016", 1)],
        "region": [("14", 4), ("32", 1)],
        "level": [("prefecture", 4), ("county", 1)],
        "form": [("2021", 3), ("2019", 1), ("stats2014", 1)],
        "finding": [("failed", 2), ("publisher", 1), ("undecided", 1), ("edited", 1),
                    ("vanished", 1)],
    }  # fmt: skip
    for values in found["facets"].values():
        for value in values:
            assert urlsplit(value["path"]).path == "/search"
            narrowed = value["path"].replace("/search?", "/search.json?")
            assert (await site.get(narrowed)).json()["count"] == value["count"]


@pytest.mark.asyncio
async def test_what_was_chosen_can_be_undone(site: Any) -> None:
    page = html.fromstring((await site.get(path("", q="政府", region="14", year="2020-"))).text)
    links = page.xpath("//p[@class='chosen']/a/@href")
    assert [parse_qs(urlsplit(link).query) for link in links] == [
        {"q": ["政府"], "region": ["14"]},
        {"q": ["政府"], "year": ["2020-"]},
    ]
    assert page.xpath("//select[@name='region']/option[@selected]/@value") == ["14"]
    assert page.xpath("//input[@name='year']/@value") == ["2020-"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("level=shi", "level=shi：可用的值是 central、province、prefecture、county、township。"),
        ("form=2008", "form=2008：可用的值是 2021、2019、stats2014、narrative、mixed。"),
        ("finding=wrong", "finding=wrong：可用的值是 failed"),
        ("year=23", "year=23：年度写作 2023"),
        ("year=2023-2019", "起年 2023 晚于止年 2019"),
        ("year=0001", "年度应在 1990 至 2100 之间"),
        ("region=140", "区划代码是 2、4 或 6 位数字"),
        ("region=%E6%B2%A1%E6%9C%89", "region=没有：没有这个省、市、县"),
        ("page=x", "page=x：应为 1 至 25 的整数"),
        ("page=26", "更多的请加条件缩小范围"),
        ("page=2&size=500", "size=500：应为 1 至 100 的整数"),
        ("size=100&page=6", "page=6：应为 1 至 5 的整数"),
        ("year=2020&year=2021", "year 给了 2 个值"),
        ("q=" + "a" * 101, "q 有 101 个字：至多 100 个字"),
        ("q=1+2+3+4+5+6+7+8+9", "q 有 9 个词：至多 8 个"),
        ("order=year", "order：没有这个参数。可用的是 q、region"),
    ],
)
async def test_a_wrong_parameter_is_told(site: Any, given: str, told: str) -> None:
    response = await site.get(f"/search.json?{given}")
    assert response.status_code == 400
    assert told in response.json()["error"]
    table = await site.get(f"/search.csv?{given}")
    assert table.status_code == 400
    assert told in table.text
    page = await site.get(f"/search?{given}")
    (shown,) = html.fromstring(page.text).xpath("//div[contains(@class, 'banner')]")
    if given == "order=year":
        # What chat programs add to links must not break them.
        assert page.status_code == 200
        assert "order" in shown.text_content()
    else:
        assert page.status_code == 400
        assert told in shown.text_content()


@pytest.mark.asyncio
async def test_a_page_past_the_last_is_empty_and_says_so(site: Any) -> None:
    found = (await site.get(path(q="政府", page="3", size="4"))).json()
    assert (found["results"], found["count"], found["pages"]) == ([], 5, 2)
    assert found["next"] is None
    assert "这一页没有了：共 2 页" in (await site.get(path("", q="政府", page="3", size="4"))).text
    first = (await site.get(path(q="政府", size="4"))).json()
    assert len(first["results"]) == 4
    rest = (await site.get(first["next"])).json()
    assert [hit["report_id"] for hit in rest["results"]] == ["140600-jyj/2016"]


# --- names ------------------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("query", "meant", "bodies"),
    [
        # As it is, a part of it, and as it was once.
        ("朔州市教育局", [], ["140600-jyj"]),
        ("教育", [], ["140600-jyj"]),
        ("朔州 教育局 2023", [], ["140600-jyj"]),
        ("朔州市教育和体育局", [], ["140600-jyj"]),
        # A wrong character that sounds alike, one that only looks alike, and another.
        ("朔洲市教育局", ["朔州市教育局"], ["140600-jyj"]),
        ("朔洲", ["朔州"], ["140600-jyj"]),
        ("朔州市教肓局", ["朔州市教育局"], ["140600-jyj"]),
        ("塑州市教育局", ["朔州市教育局"], ["140600-jyj"]),
        # One missing, one too many, two in each other's place.
        ("朔州教育局", ["朔州市教育局"], ["140600-jyj"]),
        ("朔州市市教育局", ["朔州市教育局"], ["140600-jyj"]),
        ("朔州市育教局", ["朔州市教育局"], ["140600-jyj"]),
        ("洪泽区政府", ["洪泽区人民政府"], ["320813-zf"]),
        ("朔洲市教育局 2020", ["朔州市教育局 2020"], ["140600-jyj"]),
        ("朔洲市教育局2020年政府信息公开年报", ["朔州市教育局 2020"], ["140600-jyj"]),
        ("朔州市教育局年报", ["朔州市教育局"], ["140600-jyj"]),
        # In pinyin: whole, the beginning, the first letters.
        ("shuozhoushijiaoyuju", ["朔州市教育局"], ["140600-jyj"]),
        ("ShuoZhou", ["朔州"], ["140600-jyj"]),
        ("hong ze", ["洪泽"], ["320813-zf"]),
        ("szsjyj", ["朔州市教育局"], ["140600-jyj"]),
        ("szsjyj 2020", ["朔州市教育局 2020"], ["140600-jyj"]),
        # No body is near these.
        ("泥鳅", [], []),
        ("水利", [], []),
        ("朔城区水利局", [], []),
        ("2023", [], []),
    ],
)
async def test_bodies(site: Any, query: str, meant: list[str], bodies: list[str]) -> None:
    found = (await site.get(path(q=query))).json()
    assert [one["text"] for one in found["did_you_mean"]] == meant
    assert [body["issuer_id"] for body in found["bodies"]] == bodies
    page = html.fromstring((await site.get(path("", q=query))).text)
    assert page.xpath("//section[@class='bodies']//a/@href") == [f"/r/{body}" for body in bodies]
    assert page.xpath("//p[@class='meant']/a/strong/text()") == meant
    for one in found["did_you_mean"]:
        followed = (await site.get(one["path"].replace("/search?", "/search.json?"))).json()
        assert [body["issuer_id"] for body in followed["bodies"]] == bodies


@pytest.mark.asyncio
async def test_a_former_name_is_called_one(site: Any) -> None:
    page = html.fromstring((await site.get(path("", q="朔州市教育和体育局"))).text)
    (line,) = page.xpath("//section[@class='bodies']//li")
    assert "曾用名" in line.text_content()
    assert "4 份年报，2016–2023" in line.text_content()


@pytest.mark.asyncio
async def test_bodies_keep_to_the_region_and_level(site: Any) -> None:
    for given in ({"region": "32"}, {"level": "county"}):
        found = (await site.get(path(q="教育", **given))).json()
        assert found["bodies"] == []


# --- typed in traditional characters ------------------------------------------------------------


@pytest.mark.asyncio
async def test_traditional_characters_are_looked_for_in_simplified_ones(site: Any) -> None:
    told = (await site.get(path(q="教育局 信息公開"))).json()
    assert told["simplified"] == "教育局 信息公开"
    assert sorted(hit["report_id"] for hit in told["results"]) == sorted(EVERY_JYJ)
    page = html.fromstring((await site.get(path("", q="信息公開", region="14"))).text)
    (note,) = page.xpath("//p[starts-with(., '按简体')]")
    assert note.text_content() == "按简体「信息公开」查找。照原样查找「信息公開」"
    # What leads to it as typed keeps the filters, and looks for what nobody wrote.
    (exact,) = note.xpath("./a/@href")
    assert parse_qs(urlsplit(exact).query) == {"q": ["「信息公開」"], "region": ["14"]}
    assert "没有找到" in (await site.get(exact)).text
    assert (await site.get(exact.replace("/search?", "/search.json?"))).json()["simplified"] is None


@pytest.mark.asyncio
@pytest.mark.parametrize("query", ["信息公开", "乾县", "「信息公開」", "於潜", "Ｗ36条", "-教育"])
async def test_what_is_simplified_or_quoted_is_taken_as_it_is(site: Any, query: str) -> None:
    assert (await site.get(path(q=query))).json()["simplified"] is None
    page = await site.get(path("", q=query))
    assert "按简体" not in page.text


@pytest.mark.parametrize(
    ("query", "simple", "literal"),
    [
        # One that simplified texts have too is told apart by what stands beside it.
        ("乾縣", "乾县", "「乾縣」"),
        ("衞生 -財政局", "卫生 -财政局", "「衞生」 -「財政局」"),
        (
            "教育 「財政」 臺灣，說明",
            "教育 「財政」 台湾，说明",
            "教育 「財政」 「臺灣」，「說明」",
        ),
    ],
)
def test_queries_in_simplified_characters(query: str, simple: str, literal: str) -> None:
    assert site_module("asked").as_simplified(query) == (simple, literal)


@pytest.mark.asyncio
async def test_names_are_suggested_for_traditional_characters(site: Any) -> None:
    assert (await site.get("/search/suggest?q=" + quote("洪澤區"))).json()[1] == ["洪泽区人民政府"]


# --- how it is shown --------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_words_are_marked_in_escaped_text(site: Any) -> None:
    page = await site.get(path("", q="泥鳅"))
    marked = html.fromstring(page.text).xpath("//p[@class='snippet']/mark/text()")
    assert marked == ["泥鳅", "泥鳅"]
    assert SCRIPT not in page.text


@pytest.mark.asyncio
async def test_snippets_show_the_text_as_printed(site: Any) -> None:
    """The index folds full-width characters; readers see what the report prints."""
    (hit,) = (await site.get(path(q="推送 36条"))).json()["results"]
    (snippet,) = hit["snippets"]
    assert snippet["text"].endswith("全部按时办结。公众号推送信息３６条。")
    assert (snippet["section"], snippet["heading"]) == (1, "一、总体情况")
    assert [snippet["text"][start:end] for start, end in snippet["marks"]] == ["推送", "３６条"]


# Ten characters and a word or number, which 28 characters before or 92 after `place` would divide.
@pytest.mark.parametrize(
    ("printed", "place", "shown"),
    [
        # The end falls between 1 and 2, after the point, and within a word.
        (f"{'上' * 119}12件", 28, "上" * 119),
        (f"{'上' * 117}1,234件", 28, "上" * 117),
        (f"{'上' * 118}WARCs存", 28, "上" * 118),
        (f"{'上' * 118}３６条", 28, f"{'上' * 118}３６"),
        # The beginning: 12345 is left out, as is 1,234; where the hit itself stands in it, it stays.
        (f"12345{'上' * 26}下", 31, f"{'上' * 26}下"),
        (f"上1,234{'上' * 26}下", 32, f"{'上' * 26}下"),
        (f"{'上' * 10}1{'2' * 40}件", 40, f"1{'2' * 40}件"),
        # Nothing but one number, longer than any query.
        ("1" * 500, 0, "1" * 120),
    ],
)
def test_snippets_divide_no_number_and_no_word(printed: str, place: int, shown: str) -> None:
    start, end = site_module("found").bounds(printed, place)
    assert printed[start:end] == shown


@pytest.mark.asyncio
async def test_a_snippet_leads_to_its_chapter(site: Any) -> None:
    page = html.fromstring((await site.get(path("", q="养殖"))).text)
    assert page.xpath("//a[@class='chapter']/@href") == ["/r/320813-zf/2023#section-5"]


@pytest.mark.parametrize(
    ("printed", "word", "expected"),
    [
        ("全年收到申\n 请12件", "申请", "全年收到【申请】12件"),
        ("共１２ 件", "12件", "共【１２件】"),
        ("112件、12件", "12件", "112件、【12件】"),
        ("①②申请", "1", "①②申请"),
        ("Open  Data", "data", "Open 【Data】"),
    ],
)
def test_marks(printed: str, word: str, expected: str) -> None:
    words, _ = site_module("asked").read_query(word)
    pieces = site_module("found").marked(printed, words)
    assert "".join(f"【{text}】" if hit else text for hit, text in pieces) == expected


@pytest.mark.asyncio
async def test_results_as_a_table(site: Any) -> None:
    response = await site.get(path(".csv", q="泥鳅", finding="vanished"))
    (line,) = csv.DictReader(io.StringIO(response.text))
    assert line["report_id"] == "320813-zf/2023"
    assert line["findings"] == "failed publisher vanished"
    assert line["path"] == "/r/320813-zf/2023"
    assert line["snippet"] == "存在的问题是泥鳅养殖信息更新不够及时。"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "query",
    ['"', "*", "'", '"泥鳅', "泥鳅*", "NEAR(", "a AND", "-", "^泥", "text:泥鳅", "\x00", "%", "()",
     "' or 1=1 --", '") OR ("a', "·all", "¹教育", "♪s", "a" * 90, "-泥鳅", "「」", "\ud800", "é", "١"],
)  # fmt: skip
async def test_no_query_breaks_the_search(site: Any, query: str) -> None:
    asked = quote(query.encode("utf-8", "surrogatepass"))
    for form in ("", ".json", ".csv", "/suggest"):
        assert (await site.get(f"/search{form}?q={asked}")).status_code == 200


@pytest.mark.asyncio
@pytest.mark.parametrize("query", ["·all", "¹教育", "²年度", "³朔州市教育局", "·xfailed"])
async def test_the_marks_of_the_index_cannot_be_asked_for(site: Any, query: str) -> None:
    plain = await hits(site, q=query.lstrip("·¹²³"))
    assert await hits(site, q=query) in (plain, [])


@pytest.mark.asyncio
async def test_browsers_are_told_how_to_search(site: Any) -> None:
    page = html.fromstring((await site.get("/")).text)
    (link,) = page.xpath("//link[@rel='search']")
    assert link.get("type") == "application/opensearchdescription+xml"
    response = await site.get(link.get("href"))
    assert response.headers["content-type"].startswith("application/opensearchdescription+xml")
    tree = ElementTree.fromstring(response.content)
    spec = "{http://a9.com/-/spec/opensearch/1.1/}"
    assert tree.tag == f"{spec}OpenSearchDescription"
    # OpenSearch 1.1: at most 16 characters of name, 1024 of description.
    assert 0 < len(tree.findtext(f"{spec}ShortName") or "") <= 16
    assert 0 < len(tree.findtext(f"{spec}Description") or "") <= 1024
    for url in tree.iter(f"{spec}Url"):
        template = url.get("template") or ""
        asked = template.replace("{searchTerms}", quote("泥鳅")).replace("{startPage?}", "1")
        answer = await site.get(asked.removeprefix("http://localhost"))
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(url.get("type") or "?")


@pytest.mark.asyncio
async def test_suggestions_while_typing(site: Any) -> None:
    response = await site.get("/search/suggest?q=" + quote("朔州"))
    assert response.json() == [
        "朔州",
        ["朔州市教育局"],
        ["山西省朔州市"],
        ["http://localhost/r/140600-jyj"],
    ]
    assert (await site.get("/search/suggest?q=shuo")).json()[1] == ["朔州市教育局"]


@pytest.mark.asyncio
async def test_a_common_word_is_answered_within_bounds(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many reports hold a word, no more rows are asked for than are ranked."""
    from nianbao_site import found as finding

    asked: list[int] = []
    matching = finding.matching

    def counted(connection: Any, match: str, bounds: Any, most: int) -> list[int]:
        found = matching(connection, match, bounds, most)
        asked.append(len(found))
        return found

    monkeypatch.setattr(finding, "matching", counted)
    monkeypatch.setattr(finding, "MOST_HITS", 2)
    assert (await site.get(path(q="政府"))).json()["count"] == 2
    assert asked
    assert max(asked) <= 3


# --- within its time --------------------------------------------------------------------------


class Clock:
    """A clock that stands still until it is pushed, then is an hour later."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def push(self) -> None:
        self.now += 3600.0


def assert_not_kept(answer: Any) -> None:
    """What ran out of time may be whole when it is asked again."""
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


@pytest.mark.asyncio
async def test_what_is_excluded_stays_out_when_time_runs_out(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that holds the words does not tell whether the text says what is excluded."""
    from nianbao_site import found

    assert await hits(site, q="洪泽 -「养殖信息」") == []
    clock = Clock()
    heads = found.heads

    def slow_heads(*given: Any) -> Any:
        ids = heads(*given)
        assert len(ids) == 1
        clock.push()
        return ids

    monkeypatch.setattr(found, "monotonic", clock)
    monkeypatch.setattr(found, "heads", slow_heads)
    answer = (await site.get(path(q="洪泽 -「养殖信息」"))).json()
    assert (answer["results"], answer["count"], answer["complete"]) == ([], 0, False)
    page = await site.get(path("", q="洪泽 -「养殖信息」"))
    shown = page.text
    assert "找到时限为止" in shown
    assert_not_kept(page)
    # Nobody knows that there is none.
    assert "没有一份年报" not in shown
    table = await site.get(path(".csv", q="洪泽 -「养殖信息」"))
    assert table.status_code == 400
    assert table.text == (
        "这次查找到时限为止，可能还有。请以 region、level、year 缩小范围。整库见 /download。\n"
    )


WIDE = "ＡＢＣ ＤＥＦ ＧＨＩ ＪＫＬ ＭＮＯ ＰＱＲ ＳＴＵ ＶＷＸ".split()


def folds_counted(found: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The longer texts that are folded from here on."""
    folded: list[str] = []
    fold = found.folded_places

    def counted(printed: str) -> Any:
        if len(printed) > 200:
            folded.append(printed)
        return fold(printed)

    monkeypatch.setattr(found, "folded_places", counted)
    return folded


def wide_chapters() -> list[tuple[int, str, str]]:
    """Eight chapters, each of which says one word, in full-width letters and far apart."""
    return [
        (number, "", f"{'上' * 150}{word}{'下' * 150}{number}")
        for number, word in enumerate(WIDE, start=1)
    ]


def test_a_chapter_is_folded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = site_module("found")
    folded = folds_counted(found, monkeypatch)
    words, _ = site_module("asked").read_query(" ".join(WIDE))
    shown = found.snippets(wide_chapters(), words, list, lambda: None)
    assert [number for number, _, _ in shown] == [1, 2]
    assert [[text for hit, text in pieces if hit] for _, _, pieces in shown] == [
        ["ＡＢＣ"],
        ["ＤＥＦ"],
    ]
    assert len(folded) == len(set(folded)) == 8


@pytest.mark.asyncio
async def test_hits_are_shown_by_their_beginnings_when_time_runs_out(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nianbao_site import found

    before = (await site.get(path(q="养殖"))).json()["results"]
    assert before[0]["snippets"][0]["marks"] == [[8, 10]]
    clock = Clock()
    snippets = found.snippets

    def late_snippets(*given: Any) -> Any:
        clock.push()
        return snippets(*given)

    monkeypatch.setattr(found, "monotonic", clock)
    monkeypatch.setattr(found, "snippets", late_snippets)
    answer = await site.get(path(q="养殖"))
    assert_not_kept(answer)
    (hit,) = answer.json()["results"]
    assert hit["report_id"] == "320813-zf/2023"
    assert [snippet["marks"] for snippet in hit["snippets"]] == [[]]


@pytest.mark.asyncio
async def test_likeness_is_weighed_within_the_time(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nianbao_site import found, named

    assert (await site.get(path(q="朔洲市教育局"))).json()["bodies_count"] == 1
    clock = Clock()
    near = named.near

    def slow_near(*given: Any) -> Any:
        clock.push()
        return near(*given)

    monkeypatch.setattr(found, "monotonic", clock)
    monkeypatch.setattr(named, "near", slow_near)
    response = await site.get(path(q="朔洲市教育局"))
    assert_not_kept(response)
    answer = response.json()
    assert (answer["bodies_count"], answer["bodies_complete"]) == (0, False)


@pytest.mark.asyncio
async def test_the_pages_of_a_table_lead_on_to_the_end(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever follows the links has all hits, or is told that there are more."""
    address, seen = path(".csv", q="政府", size="2"), []
    for _ in range(3):
        response = await site.get(address)
        seen += [line["report_id"] for line in csv.DictReader(io.StringIO(response.text))]
        following = response.headers.get("link")
        if following:
            address = re.fullmatch('<(.+)>; rel="next"', following)[1]  # type: ignore[index]
    assert following is None
    assert seen == ["320813-zf/2023", *EVERY_JYJ]
    from nianbao_site import asked
    from nianbao_site import found as finding

    monkeypatch.setattr(asked, "MOST_HITS", 3)
    monkeypatch.setattr(finding, "MOST_HITS", 3)
    response = await site.get(path(".csv", q="政府", size="2", page="2", bom="1"))
    assert len(list(csv.DictReader(io.StringIO(response.text)))) == 1
    assert "&bom=1" in response.headers["link"]
    behind = await site.get(re.match("<(.+)>", response.headers["link"])[1])  # type: ignore[index]
    assert behind.status_code == 400
    assert behind.text == (
        "page=3：应为 1 至 2 的整数。"
        "每页 2 份时至多翻到第 2 页；更多的请加条件缩小范围。整库见 /download。\n"
    )


@pytest.mark.asyncio
async def test_the_last_page_of_many_hits_is_within_reach(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three hits at most, two to a page, the third stands on the second page."""
    from nianbao_site import asked, search
    from nianbao_site import found as finding

    for module in (asked, search, finding):
        monkeypatch.setattr(module, "MOST_HITS", 3)
    first = (await site.get(path(q="政府", size="2"))).json()
    assert first["complete"] is False
    second = (await site.get(first["next"])).json()
    assert (len(second["results"]), second["next"]) == (1, None)


@pytest.mark.asyncio
async def test_nothing_found_among_those_read_is_no_answer(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five reports have both parts of the phrase; one of them is read."""
    from nianbao_site import found

    assert "没有一份年报写有这个词" in (await site.get(path("", q="「政府，年度」"))).text
    monkeypatch.setattr(found, "MOST_READ", 1)
    shown = (await site.get(path("", q="「政府，年度」"))).text
    assert "没有一份年报" not in shown
    assert "没有读完" in shown


@pytest.mark.asyncio
async def test_bodies_of_a_place_are_found_however_many_there_are_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_archive(tmp_path, random.Random(6))
    datasette = Datasette(config_dir=tmp_path / "site")
    await datasette.invoke_startup()
    from nianbao_site import named

    monkeypatch.setattr(named, "MOST_NAMES", 1)
    found = (await datasette.client.get(path(q="教育局", region="110107"))).json()
    assert [body["name"] for body in found["bodies"]] == ["辛县教育局"]
    assert found["bodies_complete"] is True
