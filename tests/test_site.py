"""The public site, through its own client: what a reader, a program and an attacker get."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from datasette.app import Datasette
from datasette.database import QueryInterrupted
from datasette.plugins import pm
from datasette.utils.asgi import Request
from datasette.views.base import DatasetteError
from lxml import html
from site_fixture import (
    DIGEST_1,
    DIGEST_1B,
    DIGEST_2,
    DIGEST_PDF,
    LOST,
    PAGE_1,
    PAGE_2,
    PDF,
    SCRIPT,
    build_site,
    opened,
    site_module,
)

REPORT = "/r/140600-jyj/2023"
ATOM = "{http://www.w3.org/2005/Atom}"


def cell(page: httpx.Response, key: str) -> Any:
    (found,) = html.fromstring(page.text).xpath("//td[@id=$key]", key=key)
    return found


PAGES = (
    "/",
    "/r/140600-jyj",
    REPORT,
    f"{REPORT}/{DIGEST_1[:12]}",
    f"{REPORT}/{DIGEST_2[:12]}/original",
    f"{REPORT}/{DIGEST_1[:12]}/diff/{DIGEST_2[:12]}",
    "/r/140600-jyj/2020/diff/2023?all=1",
    f"{REPORT}/diff",
    "/r/140600-jyj/2020",
    "/r/140600-jyj/2016",
    "/r/320813-zf/2023",
    "/r/999999-bad",
    "/r/999999-bad/2022",
    "/search",
    "/search?q=" + quote("泥鳅"),
    "/search?q=" + quote(SCRIPT),
    "/changes",
    "/changes?kind=gone",
    "/coverage",
    "/coverage?division=32",
    "/coverage?by=province",
    "/coverage/health",
    "/coverage/health?portal=hz",
    "/data",
    "/download",
    "/accuracy",
    "/about",
    "/nianbao",
    "/nianbao/cell_history?body=999999-bad&field=requests.received_new.total",
    "/nianbao/find_bodies?name=" + quote(SCRIPT),
    "/nianbao/reports",
    "/nianbao/reports/140600-jyj~2F2023",
    "/nianbao/extras",
    "/nianbao/unused",
    "/nianbao/cell_notes",
    "/nianbao/issuers",
    "/nianbao/visits",
)


@pytest.mark.asyncio
@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_chinese_framed_and_harmless(site: Any, path: str) -> None:
    response = await site.get(path)
    assert response.status_code == 200
    page = html.fromstring(response.text)
    assert page.get("lang") == "zh-CN"
    assert page.xpath("string(//header//a[@class='brand'])").startswith("政府信息公开年报档案")
    assert page.xpath("//img | //style | //@style | //@onerror") == []
    # Scripts are the site's own files; a block of data is no script, and must be what it says.
    for script in page.xpath("//script"):
        if script.get("src"):
            assert re.match(r"/static/[\w/.-]+\.js$", script.get("src"))
        else:
            assert script.get("type") == "application/ld+json"
            assert json.loads(script.text)
    assert not [href for href in page.xpath("//@href | //@src") if "javascript:" in href]
    loaded = page.xpath("//link[@rel='stylesheet' or @rel='icon']/@href | //iframe/@src")
    assert all(re.match(r"/[^/]", address) for address in loaded)


@pytest.mark.asyncio
@pytest.mark.parametrize("path", [*PAGES, "/nothing", "/nianbao/reports.json", "/robots.txt"])
async def test_every_answer_has_the_headers(site: Any, path: str) -> None:
    headers = (await site.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.asyncio
async def test_cells_stand_as_on_the_form_and_tell_their_state(site: Any) -> None:
    page = await site.get(REPORT)
    total = cell(page, "requests.received_new.total")
    assert total.text == "21"
    assert "edited" in total.get("class")
    assert total.get("title").startswith("一、本年新收政府信息公开申请数量｜总计")
    assert "（requests.received_new.total）" in total.get("title")
    blank = cell(page, "requests.carried_in.enterprise")
    assert "s-blank" in blank.get("class")
    assert blank.text is None
    assert "不等于 0" in blank.get("title")
    assert cell(page, "requests.denied_state_secret.total").text == "/"
    assert "s-na" in cell(page, "requests.denied_state_secret.total").get("class")
    assert "s-missing" in cell(page, "requests.granted_partial.total").get("class")
    ambiguous = cell(page, "requests.other_misc.total")
    assert ambiguous.text == f"「{SCRIPT}」"
    assert "s-ambiguous" in ambiguous.get("class")
    assert cell(page, "disclosure.fees.amount_wan").text == "15954.526468"


@pytest.mark.asyncio
async def test_merged_cells_of_the_2021_form(site: Any) -> None:
    page = html.fromstring((await site.get(REPORT)).text)
    (requests,) = page.xpath("//table[contains(@class, 'requests')]")
    assert len(requests.xpath("./tbody/tr")) == 25
    assert requests.xpath(".//th[text()='三、本年度办理结果']/@rowspan") == ["22"]
    assert requests.xpath(".//th[text()='（三）不予公开']/@rowspan") == ["8"]
    assert requests.xpath(".//th[a='（七）总计']/@colspan") == ["2"]
    assert requests.xpath(".//th[a='四、结转下年度继续办理']/@colspan") == ["3"]
    assert requests.xpath(".//th[text()='法人或其他组织']/@colspan") == ["5"]
    assert len(page.xpath("//table[contains(@class, 'form')]//td[@id]")) == 200


@pytest.mark.asyncio
@pytest.mark.parametrize(("year", "cells"), [(2020, 198), (2016, 58)])
async def test_older_forms_have_their_own_cells(site: Any, year: int, cells: int) -> None:
    page = html.fromstring((await site.get(f"/r/140600-jyj/{year}")).text)
    assert len(page.xpath("//table[contains(@class, 'form')]//td[@id]")) == cells


@pytest.mark.asyncio
async def test_the_2019_form_has_one_row_of_other_results(site: Any) -> None:
    page = html.fromstring((await site.get("/r/140600-jyj/2020")).text)
    (requests,) = page.xpath("//table[contains(@class, 'requests')]")
    assert requests.xpath(".//th[text()='三、本年度办理结果']/@rowspan") == ["20"]
    assert requests.xpath(".//th[a='（六）其他处理']/@colspan") == ["2"]
    amount = cell(await site.get("/r/140600-jyj/2020"), "disclosure.procurement.amount")
    assert (amount.text, amount.get("colspan")) == ("1,234.50万元", "2")


@pytest.mark.asyncio
async def test_a_failed_identity_is_marked_and_its_sum_written_out(site: Any) -> None:
    page = await site.get("/r/320813-zf/2023")
    assert "bad" in cell(page, "requests.received_new.total").get("class").split()
    assert "bad" not in cell(page, "requests.granted.total").get("class").split()
    (check,) = html.fromstring(page.text).xpath("//div[@id='check-ROW.received_new']")
    words = " ".join(check.text_content().split())
    assert "0 ≠ 10 + 1 + 0 + 0 + 0 + 0" in words
    assert "所印 0，各项得 11" in words
    assert "原文如此" in words
    assert "没有上一年的年报" in page.text
    assert "原网站上已找不到这份年报" in page.text


@pytest.mark.asyncio
async def test_checks_of_prose_stand_apart_with_their_sentences(site: Any) -> None:
    page = await site.get("/r/320813-zf/2023")
    tree = html.fromstring(page.text)
    (first,) = tree.xpath("//div[@id='check-V.outcomes']")
    (second,) = tree.xpath("//div[@id='check-V.outcomes-2']")
    assert first.xpath(".//blockquote/text()") == ["予以公开4件<script>alert(1)</script>。"]
    assert "正文 7，对照 0" in " ".join(second.text_content().split())
    (explained,) = tree.xpath("//div[@id='check-V.review']")
    assert "另有解释 等于统计表中行政复议总计减尚未审结" in " ".join(
        explained.text_content().split()
    )
    # What holds is counted; a sentence that fails marks no cell of the table.
    assert "收到申请11件，一致" not in page.text
    assert "bad" not in cell(page, "requests.granted_partial.total").get("class").split()
    headings = tree.xpath("//section[@id='checks']/h3/text()")
    assert headings == ["表式自身的勾稽关系", "与上一年度", "正文与统计表", "合理性提示"]


@pytest.mark.asyncio
async def test_a_proposed_value_stands_beside_what_is_printed(site: Any) -> None:
    page = await site.get("/r/320813-zf/2023")
    (check,) = html.fromstring(page.text).xpath("//div[@id='check-SUM.total@2021']")
    words = " ".join(check.text_content().split())
    assert "建议值（未改动原文）" in words
    assert words.endswith("总计 3")
    wrong, beside = (
        cell(page, f"requests.{row}.total") for row in ("concluded_total", "carried_out")
    )
    assert wrong.text == "0"
    assert "bad" in wrong.get("class").split()
    assert "建议值（未改动原文） 3" in wrong.get("title")
    assert "bad" not in beside.get("class").split()
    assert "beside" in beside.get("class").split()
    record = (await site.get("/r/320813-zf/2023.json")).json()
    (finding,) = [f for f in record["findings"] if f["rule"] == "SUM.total@2021"]
    assert finding["proposed"] == {"requests.concluded_total.total": "3"}
    assert finding["cells"] == ["requests.concluded_total.total", "requests.carried_out.total"]


@pytest.mark.asyncio
async def test_recognised_and_cut_cells_tell_how_sure_they_are(site: Any) -> None:
    page = await site.get("/r/320813-zf/2023")
    sure = cell(page, "requests.received_new.natural_person")
    assert (sure.text, sure.xpath("./i")) == ("10", [])
    assert "把握 93%" in sure.get("title")
    doubted = cell(page, "requests.received_new.enterprise")
    assert doubted.text == "1"
    assert doubted.xpath("./i/text()") == ["存疑"]
    assert "印作「l」" in doubted.get("title")
    assert "把握 50%" in doubted.get("title")
    cut = cell(page, "requests.carried_in.total")
    assert cut.text == "0"
    assert "由勾稽关系切分" in cut.get("title")
    assert "印作「0000000」" in cut.get("title")
    unreadable = cell(page, "disclosure.regulations.issued")
    assert unreadable.text is None
    assert unreadable.xpath("./i/text()") == ["不可读"]


@pytest.mark.asyncio
async def test_notes_are_told_by_row(site: Any) -> None:
    (notes,) = html.fromstring((await site.get("/r/320813-zf/2023")).text).xpath(
        "//section[@id='notes']"
    )
    words = " ".join(notes.text_content().split())
    assert "不可读 unreadable 1 格，识别 ocr 2 格，由勾稽关系切分 glued 7 格" in words
    assert "识别得出而把握充分的 1 格（把握最低 93%）不逐格列出" in words
    lines = [
        [" ".join(td.text_content().split()) for td in tr.xpath("./td")]
        for tr in notes.xpath(".//tbody/tr")
    ]
    assert lines == [
        ["不可读", "第二十条第（一）项／规章：本年制发件数", "", ""],
        ["识别 存疑，把握 50%", "一、本年新收政府信息公开申请数量：商业企业", "「l」", "1"],
        [
            "由勾稽关系切分",
            "二、上年结转政府信息公开申请数量 全行 7 格",
            "「0000000」",
            "0、0、0、0、0、0、0",
        ],
    ]
    for address in notes.xpath(".//tbody//a/@href"):
        assert cell(await site.get("/r/320813-zf/2023"), address.removeprefix("#")) is not None


@pytest.mark.asyncio
async def test_rows_beyond_the_form_and_unused_content(site: Any) -> None:
    tree = html.fromstring((await site.get("/r/320813-zf/2023")).text)
    (extras,) = tree.xpath("//section[@id='extras']")
    assert "13 行" in extras.text_content()
    assert extras.xpath(".//details/@open") == []
    first = [node.text_content() for node in extras.xpath(".//tbody/tr[1]/*")]
    assert first == ["地方指标1", "条", "401"]
    (unused,) = tree.xpath("//section[@id='unused']")
    assert len(unused.xpath(".//details/@open")) == 1
    assert [td.text_content() for td in unused.xpath(".//tbody/tr[1]/td")] == [
        "数字",
        "表二第4行",
        "57",
    ]
    for section, count in ((extras, 13), (unused, 2)):
        (link,) = section.xpath(".//a[contains(@href, '.json')]/@href")
        assert len((await site.get(link)).json()["rows"]) == count
        (link,) = section.xpath("./p/a[not(contains(@href, '.json'))]/@href")
        assert f"{count} 行，条件：version_id" in " ".join(
            html.fromstring((await site.get(link)).text).text_content().split()
        )
    # A short list stands open; texts of the document stay texts.
    old = await site.get(f"{REPORT}/{DIGEST_1[:12]}")
    assert html.fromstring(old.text).xpath("//section[@id='extras']//details/@open")
    assert SCRIPT not in old.text


@pytest.mark.asyncio
async def test_doubts_stand_above_the_report(site: Any) -> None:
    page = await site.get("/r/320813-zf/2023")
    told = html.fromstring(page.text).xpath("//div[@id='flags']//li/text()")
    assert told == ["标题写2023年，正文写2022年", f"如「{SCRIPT}」"]
    assert 'id="flags"' not in (await site.get(REPORT)).text
    years = html.fromstring((await site.get("/r/320813-zf")).text)
    assert years.xpath("//a[text()='存疑']/@href") == ["/r/320813-zf/2023#flags"]


@pytest.mark.asyncio
async def test_a_body_tells_its_place_and_the_body_above(site: Any) -> None:
    words = " ".join(html.fromstring((await site.get(REPORT)).text).text_content().split())
    assert "朔州市教育局，市级，部门；所在 山西省朔州市；所属 朔州市人民政府" in words
    assert "统计口径 scope原文未写明" in words
    assert "全辖区汇总" in (await site.get("/r/320813-zf/2023")).text
    # Only a body that has a page here is a link.
    below = html.fromstring((await site.get("/r/999999-bad/2022")).text)
    assert below.xpath("//span[@class='body']/a/@href") == ["/r/320813-zf"]
    above = html.fromstring((await site.get(REPORT)).text)
    assert not above.xpath("//span[@class='body']/a/@href")
    page = html.fromstring((await site.get("/r/320813-zf")).text)
    (link,) = page.xpath("//dd/a[contains(., '以此机关为上级')]/@href")
    assert "1 行，条件：parent = 洪泽区人民政府" in " ".join(
        html.fromstring((await site.get(link)).text).text_content().split()
    )
    assert (await site.get("/r/999999-bad.json")).json()["parent"] == {
        "name": "洪泽区人民政府",
        "path": "/r/320813-zf",
    }


@pytest.mark.asyncio
async def test_the_record_holds_all_the_reader_stored(site: Any) -> None:
    record = (await site.get("/r/320813-zf/2023.json")).json()
    assert record["flags"] == ["标题写2023年，正文写2022年", f"如「{SCRIPT}」"]
    assert record["parent"] is None
    assert record["notes"]["requests.received_new.enterprise"] == {
        "state": "ocr",
        "printed": "l",
        "confidence": 0.5,
    }
    assert record["extras"][0] == {
        "position": 1,
        "label": "地方指标1",
        "unit": "条",
        "printed": "401",
    }
    assert len(record["extras"]) == 13
    assert record["unused"][0] == {
        "position": 1,
        "kind": "number",
        "place": "表二第4行",
        "text": "57",
    }
    lines = csv.DictReader(io.StringIO((await site.get("/r/320813-zf/2023.csv")).text))
    confidences = {line["key"]: line["confidence"] for line in lines if line["confidence"]}
    assert confidences == {
        "requests.received_new.natural_person": "0.935",
        "requests.received_new.enterprise": "0.5",
    }


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("_sort=nonsense", "不能按「nonsense」排序：这张表没有这一列，或这一列不能排序。"),
        ("_sort=year&_sort_desc=year", "_sort（由小到大）与 _sort_desc（由大到小）只能给一个。"),
        ("_col=nonsense", "这张表没有「nonsense」这样的列，或这样的列不能去掉。"),
        ("_facet=nonsense", "没有「nonsense」这一列。"),
        ("_size=many", "_size（行数）应为正整数，或 max。"),
        ("_size=99999", "_size（行数）至多 200。"),
        # SQLite would take the name for a text and find nothing.
        ("nonsense=1", "不能按「nonsense」筛选：这张表没有这一列，或没有这种比较。"),
        ("_through=1", "地址里的参数无法理解。"),
        ("year__gt=99999999999999999999", "地址里的参数无法理解。"),
        ("year__nonsense=1", "不能按「year__nonsense」筛选：这张表没有这一列，或没有这种比较。"),
    ],
)
async def test_what_a_table_refuses_is_told_in_chinese(site: Any, query: str, told: str) -> None:
    answer = await site.get(f"/nianbao/reports?{query}")
    assert answer.status_code == 400
    said = [p.text_content() for p in html.fromstring(answer.text).xpath("//main//p")]
    assert told in said
    assert not [line for line in said if re.search("Cannot|invalid|must|such", line)]
    answer = await site.get(f"/nianbao/reports.json?{query}")
    assert (answer.status_code, answer.json()["error"]) == (400, told)


def test_reasons_without_words_stay_in_english() -> None:
    reason = site_module("security").reason
    assert reason('near "x": syntax error') == ("", 'near "x": syntax error')
    assert reason("不是版本的摘要") == ("不是版本的摘要", "")
    assert reason("interrupted")[0].startswith("这一查询超过了时限")


@pytest.mark.asyncio
async def test_a_reason_without_words_is_in_small_print(site: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(site_module("security"), "REASONS", ())
    page = html.fromstring((await site.get("/nianbao/reports?_sort=nonsense")).text)
    assert page.xpath("//main//p/text()")[1] == "地址里的参数无法理解。"
    assert page.xpath("//main//small[@lang='en']/text()") == ["Cannot sort table by nonsense"]
    answer = await site.get("/nianbao/reports.json?_sort=nonsense")
    assert answer.json()["error"] == "地址里的参数无法理解。（Cannot sort table by nonsense）"


@pytest.mark.asyncio
async def test_tables_have_chinese_names(tmp_path: Path) -> None:
    folder = build_site(tmp_path)
    with closing(sqlite3.connect(folder / "nianbao.db")) as db:
        db.execute("alter table events add column of_version text references versions(id)")
        db.execute("update events set of_version = version_id")
        db.commit()
        (events,) = db.execute(
            "select count(*) from events where of_version = ?",
            (f"140600-jyj/2023/{DIGEST_2[:12]}",),
        ).fetchone()
    site = await opened(folder)
    row = f"140600-jyj~2F2023~2F{DIGEST_2[:12]}"
    page = html.fromstring((await site.get(f"/nianbao/versions/{row}")).text)
    (related,) = page.xpath("//h2[. = '相关的行']/following-sibling::ul[1]/li")
    assert related.text_content() == f"动态（{events} 行） events.of_version"
    for address, place in (
        ("/nianbao", "//th[@scope='row']"),
        ("/data", "//h2[@id='tables']/following::table[1]//th[@scope='row']"),
    ):
        page = html.fromstring((await site.get(address)).text)
        named = [th.text_content() for th in page.xpath(place)]
        assert "版本 versions" in named
        assert all(re.match("[\u4e00-\u9fff]+ [a-z_0-9]+$", name) for name in named), named


@pytest.mark.asyncio
async def test_tables_are_read_in_chinese_and_lead_to_the_record(site: Any) -> None:
    page = html.fromstring((await site.get("/nianbao/findings?verdict=fail&rule=V.outcomes")).text)
    assert page.xpath("//h1/text()")[0].strip() == "核验"
    heads = [" ".join(th.text_content().split()) for th in page.xpath("//table/thead//th")]
    assert heads[:5] == [
        "详情",
        "版本 version_id",
        "规则 rule",
        "次序 position",
        "结论 verdict",
    ]
    second = [" ".join(td.text_content().split()) for td in page.xpath("//tbody/tr[2]/td")]
    assert second[0] == "行"
    assert second[1] == f"洪泽区人民政府 2023 {'d' * 12}"
    assert second[4] == "不成立 fail"
    assert second[7] == "责任未定 undecided"
    (link,) = page.xpath("//tbody/tr[2]/td[2]//a/@href")
    assert link == f"/r/320813-zf/2023/{'d' * 12}#check-V.outcomes-2"
    record = html.fromstring((await site.get(link.split("#")[0])).text)
    assert record.xpath("//*[@id='check-V.outcomes-2']")


@pytest.mark.asyncio
async def test_problems_are_listed_and_every_list_answers(site: Any) -> None:
    problems = (await site.get("/data.json")).json()["problems"]
    shown = html.fromstring((await site.get("/data")).text)
    for problem in problems:
        assert shown.xpath("//a[@href=$path]", path=problem["path"])
        assert (await site.get(problem["path"])).status_code == 200
    for link in shown.xpath("//ul[contains(@class, 'lines')]//a/@href"):
        assert (await site.get(link)).status_code == 200
    flagged = await site.get("/nianbao/versions.json?flags__notblank=1&_shape=array&_col=id")
    assert [row["id"] for row in flagged.json()] == [f"320813-zf/2023/{'d' * 12}"]


@pytest.mark.asyncio
async def test_an_edit_shows_its_cells_and_leads_to_the_comparison(site: Any) -> None:
    page = html.fromstring((await site.get(REPORT)).text)
    (change,) = page.xpath("//div[@id='change-2']")
    assert change.xpath(".//table//del/text()") == ["10", "12"]
    assert change.xpath(".//table//ins/text()") == ["19", "21"]
    comparison = f"{REPORT}/{DIGEST_1[:12]}/diff/{DIGEST_2[:12]}"
    assert change.xpath("./p/a/@href") == [f"{comparison}#section-1", comparison]
    # Links of old, from events and feeds, lead to the same place of the page.
    assert change.xpath(f".//*[@id='change-{DIGEST_1[:12]}-{DIGEST_2[:12]}']")
    told = html.fromstring((await site.get(comparison)).text)
    assert told.xpath("//*[@id='section-1']")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("digest", "version"),
    [
        (DIGEST_1[:12], DIGEST_1),
        (DIGEST_1, DIGEST_1),
        (DIGEST_1[:13], DIGEST_1),
        (DIGEST_1B[:12], DIGEST_1),
        (DIGEST_1B, DIGEST_1),
        (DIGEST_1B[:12].upper(), DIGEST_1),
        (DIGEST_PDF[:12], DIGEST_2),
        (DIGEST_2[:12], DIGEST_2),
    ],
)
async def test_any_capture_that_showed_a_version_names_it(
    site: Any, digest: str, version: str
) -> None:
    """At its own name it stands; any other name of it is sent there."""
    own = digest == version[:12]
    for form in ("", ".json", ".csv?bom=1"):
        response = await site.get(f"{REPORT}/{digest}{form}")
        assert response.status_code == (200 if own else 302)
        if not own:
            assert response.headers["location"] == f"{REPORT}/{version[:12]}{form}"
    record = (await site.get(f"{REPORT}/{digest}.json", follow_redirects=True)).json()
    assert record["version"]["id"] == f"140600-jyj/2023/{version[:12]}"
    page = html.fromstring((await site.get(f"{REPORT}/{digest}", follow_redirects=True)).text)
    (canonical,) = page.xpath("//link[@rel='canonical']/@href")
    assert canonical == f"http://localhost{REPORT}/{version[:12]}"
    # The page of whatever is the latest version is none of them (RFC 6596).
    page = html.fromstring((await site.get(REPORT)).text)
    (canonical,) = page.xpath("//link[@rel='canonical']/@href")
    assert canonical == f"http://localhost{REPORT}"


@pytest.mark.asyncio
async def test_an_old_version_says_so_and_keeps_its_figures(site: Any) -> None:
    page = await site.get(f"{REPORT}/{DIGEST_1[:12]}")
    assert cell(page, "requests.received_new.total").text == "12"
    assert "这是旧的一版" in page.text
    assert "这是旧的一版" not in (await site.get(REPORT)).text


@pytest.mark.asyncio
async def test_a_page_fetched_for_a_year_keeps_its_first_capture_and_its_attachment(
    tmp_path: Path,
) -> None:
    folder = build_site(tmp_path)
    version = f"140600-jyj/2023/{DIGEST_2[:12]}"
    with sqlite3.connect(folder / "nianbao.db") as db:
        (url,) = db.execute("select url from captures where digest = ?", (DIGEST_2,)).fetchone()
        db.executemany(
            "insert into captures (digest, url, fetched_at, warc_file, offset, record_type, "
            "version_id) values (?, ?, ?, 'year.warc.gz', ?, 'response', ?)",
            [
                (
                    f"{night:064x}",
                    url,
                    f"2025-{night // 28 + 1:02}-{night % 28 + 1:02}",
                    night,
                    version,
                )
                for night in range(300)
            ],
        )
    datasette = Datasette(config_dir=folder)
    await datasette.invoke_startup()
    record = (await datasette.client.get(f"{REPORT}.json")).json()
    kept = [capture["digest"] for capture in record["captures"]]
    assert kept[0] == f"{299:064x}"
    assert {DIGEST_2, DIGEST_PDF} <= set(kept)
    assert len(kept) < 210
    page = html.fromstring((await datasette.client.get(REPORT)).text)
    assert len(page.xpath("//dl[contains(@class, 'capture')]")) == 2
    original = await datasette.client.get(f"{REPORT}/{DIGEST_PDF[:12]}/original")
    assert original.text.count("同一版的其他文件") == 1
    (others,) = html.fromstring(original.text).xpath("//p[starts-with(., '同一版的其他文件')]")
    assert len(others.xpath("./a")) == 1


@pytest.mark.asyncio
async def test_what_another_address_shows_is_not_called_an_edit(tmp_path: Path) -> None:
    folder = build_site(tmp_path)
    with sqlite3.connect(folder / "nianbao.db") as db:
        db.execute("update versions set replaces = null")
        db.execute("delete from events where kind = 'edited'")
    datasette = Datasette(config_dir=folder)
    await datasette.invoke_startup()
    old = (await datasette.client.get(f"{REPORT}/{DIGEST_1[:12]}")).text
    assert "这不是现行的一版" in old
    assert "原文有改动" not in old
    assert "不是同一网页的改动" in old


@pytest.mark.asyncio
async def test_a_version_ascribed_to_another_body_since_is_redirected(site: Any) -> None:
    response = await site.get(f"/r/999999-bad/2023/{DIGEST_1B[:12]}.json")
    assert response.status_code == 302
    assert response.headers["location"] == f"{REPORT}/{DIGEST_1[:12]}.json"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/r/none",
        "/r/140600-jyj/1999",
        f"{REPORT}/0123456789ab",
        f"{REPORT}/abc",
        f"{REPORT}/not-hex-at-all",
        f"{REPORT}/%3Cscript%3E",
        f"{REPORT}/0123456789ab/original",
        "/nianbao/none",
        "/-/metadata",
        "/-/databases.json",
        "/sitemap-x.xml",
    ],
)
async def test_what_is_not_there_is_a_plain_chinese_404(site: Any, path: str) -> None:
    response = await site.get(path)
    assert response.status_code == 404
    if path.endswith(".json"):
        assert response.json()["title"] == "没有这一页"
    else:
        assert "没有这一页" in response.text
        assert "Traceback" not in response.text


@pytest.mark.asyncio
async def test_captured_text_is_text(site: Any) -> None:
    for path in ("/r/999999-bad/2022", "/changes", "/", "/coverage", "/nianbao/reports"):
        text = (await site.get(path)).text
        assert SCRIPT not in text
        assert "<img" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in (await site.get("/r/999999-bad/2022")).text


@pytest.mark.asyncio
async def test_the_record_as_json(site: Any) -> None:
    record = (await site.get(f"{REPORT}.json")).json()
    assert record["url"] == f"http://localhost{REPORT}/{DIGEST_2[:12]}"
    assert len(record["cells"]) == 200
    assert record["cells"]["requests.received_new.total"] == "21"
    assert record["cells"]["disclosure.fees.amount_wan"] == "15954.526468"
    assert record["cells"]["requests.carried_in.enterprise"] is None
    assert record["notes"]["requests.denied_state_secret.total"] == {
        "state": "na",
        "printed": "/",
        "confidence": None,
    }
    assert [section["number"] for section in record["sections"]] == [1]
    assert {finding["verdict"] for finding in record["findings"]} == {"pass", "fail"}
    assert {capture["digest"] for capture in record["captures"]} == {DIGEST_2, DIGEST_PDF}
    assert [version["number"] for version in record["versions"]] == [2, 1]
    assert len(record["changes"]) == 3


@pytest.mark.asyncio
async def test_the_cells_as_csv(site: Any) -> None:
    response = await site.get(f"{REPORT}.csv")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    lines = {line["key"]: line for line in csv.DictReader(io.StringIO(response.text))}
    assert len(lines) == 200
    assert lines["requests.received_new.total"] == {
        "key": "requests.received_new.total",
        "zh": "一、本年新收政府信息公开申请数量｜总计",
        "value": "21",
        "state": "number",
        "printed": "21",
        "confidence": "",
        "correction": "20",
    }
    assert lines["requests.denied_state_secret.total"]["state"] == "na"
    assert lines["requests.carried_in.enterprise"]["value"] == ""
    assert (await site.get(f"{REPORT}.csv?bom=1")).content.startswith(b"\xef\xbb\xbfkey,")


@pytest.mark.asyncio
async def test_a_body_has_its_years_and_the_missing_ones(site: Any) -> None:
    page = html.fromstring((await site.get("/r/140600-jyj")).text)
    years = page.xpath("//section[@id='years']//tbody/tr/th//text()")
    assert years == ["2023", "2022", "2021", "2020", "2019", "2018", "2017", "2016"]
    assert len(page.xpath("//tr[@class='absent']")) == 4
    figure = page.xpath("//figure[starts-with(figcaption, '依申请公开')]")[0]
    received = [row.xpath("string(td[1])") for row in figure.xpath(".//tbody/tr[td]")]
    assert received == ["33", "8", "5", "21"]
    body = (await site.get("/r/140600-jyj.json")).json()
    assert [report["year"] for report in body["reports"]] == [2023, 2021, 2020, 2016]
    lines = list(csv.DictReader(io.StringIO((await site.get("/r/140600-jyj.csv")).text)))
    assert [line["received_new"] for line in lines] == ["21", "5", "8", ""]


# --- originals --------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_original_is_framed_without_any_right(site: Any) -> None:
    page = html.fromstring((await site.get(f"{REPORT}/{DIGEST_1[:12]}/original")).text)
    (frame,) = page.xpath("//iframe")
    assert frame.get("sandbox") == ""
    assert frame.get("src") == f"{REPORT}/{DIGEST_1[:12]}/original/raw"
    raw = await site.get(frame.get("src"))
    assert raw.content == PAGE_1
    assert raw.headers["content-type"] == "text/html; charset=gb18030"
    policy = raw.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "allow-scripts" not in policy
    assert "script-src" not in policy
    assert raw.headers["x-content-type-options"] == "nosniff"


@pytest.mark.asyncio
async def test_a_revisited_original_comes_from_its_first_response(site: Any) -> None:
    assert (await site.get(f"{REPORT}/{DIGEST_2[:12]}/original/raw")).content == PAGE_2


@pytest.mark.asyncio
async def test_other_media_are_downloads_with_a_harmless_name(site: Any) -> None:
    raw = await site.get(f"{REPORT}/{DIGEST_PDF[:12]}/original/raw")
    assert raw.content == PDF
    assert raw.headers["content-type"] == "application/pdf"
    name = raw.headers["content-disposition"]
    assert name.startswith('attachment; filename="')
    plain = re.search(r'filename="([^"]*)"', name)
    assert plain
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._()-]*\.pdf", plain[1])
    assert ".." not in plain[1]
    page = html.fromstring((await site.get(f"{REPORT}/{DIGEST_PDF[:12]}/original")).text)
    assert page.xpath("//iframe") == []
    assert DIGEST_2[:12] in "".join(page.xpath("//main//a/@href"))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (f"/r/320813-zf/2023/{'d' * 12}", "存放这份原件的文件不在本站"),
        (f"/r/320813-zf/2023/{LOST[:12]}", "与登记的 SHA-256 不符"),
        (f"/r/999999-bad/2022/{'e' * 12}", "没有挂接原件存储"),
    ],
)
async def test_an_original_that_cannot_be_shown_is_explained(
    site: Any, path: str, reason: str
) -> None:
    for tail in ("/original", "/original/raw"):
        response = await site.get(path + tail)
        assert response.status_code == 503
        assert reason in response.text


# --- what is shown as it is ----------------------------------------------------------------------


@pytest.mark.asyncio
async def test_an_address_cannot_be_shown_backwards(site: Any) -> None:
    page = html.fromstring((await site.get(REPORT)).text)
    shown = page.xpath("//section[@id='captures']//dd/a/text()")
    assert [text for text in shown if text.endswith("\ufffd.pdf")]
    assert not [text for text in shown if "\u202e" in text]


# --- what happened, and for machines ----------------------------------------------------------


@pytest.mark.asyncio
async def test_robots_may_read_records_only(site: Any) -> None:
    text = (await site.get("/robots.txt")).text
    for closed in ("/nianbao", "/search", "/*?"):
        assert f"Disallow: {closed}\n" in text
    assert "Disallow: /r" not in text
    assert "Sitemap: http://localhost/sitemap.xml" in text


@pytest.mark.asyncio
async def test_tables_stay_reachable_and_sql_does_not(site: Any) -> None:
    rows = await site.get("/nianbao/reports.json?_shape=array&_col=year&_col=status&year=2016")
    assert [(row["year"], row["status"]) for row in rows.json()] == [(2016, "live")]
    assert (await site.get("/nianbao.json?sql=select+1")).status_code == 403
    assert (await site.get("/nianbao/reports.json?_where=1=1")).status_code == 403
    assert (await site.get("/nianbao.db")).status_code in (403, 404)
    refused = await site.get("/nianbao?sql=select+1")
    assert refused.status_code == 403
    assert "不开放" in refused.text


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "asked",
    [
        "reports?_sort=nothing",
        "reports?_through={}",
        "reports?year__in=[1",
        "reports?_timelimit=x",
        "captures/1",
    ],
)
async def test_a_table_request_that_makes_no_sense_is_the_askers_error(
    site: Any, asked: str
) -> None:
    response = await site.get(f"/nianbao/{asked}")
    assert response.status_code == 400
    assert "请求有误" in response.text


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/", REPORT, "/nianbao/figures", "/search", "/-/logout"])
async def test_nothing_can_be_posted(site: Any, path: str) -> None:
    response = await site.post(path, data={"q": "x"})
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"
    assert "default-src 'none'" in response.headers["content-security-policy"]


@pytest.mark.asyncio
@pytest.mark.parametrize("path", [REPORT, "/nothing"])
async def test_what_may_be_done_is_told_without_the_page(site: Any, path: str) -> None:
    response = await site.options(path)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"
    response = await site.options("/selfcheck")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.asyncio
async def test_an_empty_archive_has_pages(tmp_path: Path) -> None:
    datasette = Datasette(config_dir=build_site(tmp_path, empty=True))
    await datasette.invoke_startup()
    empty = ("/coverage/nights.csv", "/coverage/portals.json")
    pages = ("/", "/changes", "/changes.atom", "/coverage", "/data", "/about", "/sitemap.xml")
    for path in (*pages, *empty):
        assert (await datasette.client.get(path)).status_code == 200
    assert (await datasette.client.get("/search.json?q=" + quote("教育"))).json()["count"] == 0


@pytest.mark.asyncio
async def test_the_data_page_describes_every_table(site: Any) -> None:
    page = html.fromstring((await site.get("/data")).text)
    shown = page.xpath("//details[@class='table']/summary/code/text()")
    assert {"reports", "versions", "figures", "cell_notes", "changes", "captures"} <= set(shown)
    assert not [name for name in shown if name.startswith("search_")]


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/nianbao/findings", "/nianbao/findings.json"])
async def test_a_query_past_its_time_says_what_to_do(folder: Path, path: str) -> None:
    datasette = Datasette(config_dir=folder)
    await datasette.invoke_startup()
    request = Request.fake(path)
    request.scope["csrftoken"] = str
    error = DatasetteError(
        "<p>SQL query took too long</p>", title="SQL Interrupted", status=400, message_is_html=True
    )
    (answer,) = pm.hook.handle_exception(datasette=datasette, request=request, exception=error)
    response = await answer()
    assert response.status == 400
    assert "_sort=rule" in response.body


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/coverage", "/r/140600-jyj", "/r/140600-jyj.json"])
async def test_a_page_of_ours_past_its_time_asks_to_come_again(folder: Path, path: str) -> None:
    datasette = Datasette(config_dir=folder)
    await datasette.invoke_startup()

    async def slow(*_: Any, **__: Any) -> None:
        raise QueryInterrupted(sqlite3.OperationalError("interrupted"), "select 1", [])

    datasette.get_database("nianbao").execute_fn = slow
    response = await datasette.client.get(path)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "30"
    assert "没能在时限内查完" in response.text


def test_settings_close_what_the_public_must_not_have() -> None:
    path = Path(__file__).parent.parent / "datasette" / "settings.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    for closed in ("default_allow_sql", "allow_download", "allow_csv_stream", "suggest_facets"):
        assert settings[closed] is False


@pytest.mark.parametrize("path", ["/", "/changes", "/coverage", "/data", "/search"])
@pytest.mark.asyncio
async def test_lists_come_as_json_and_csv(site: Any, path: str) -> None:
    query = "?q=政府" if path == "/search" else ""
    found = await site.get(f"{path}.json{query}")
    assert found.status_code == 200
    assert found.json()
    table = await site.get(f"{path}.csv{query}")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(table.text)))
    assert lines
    assert None not in lines[0]
