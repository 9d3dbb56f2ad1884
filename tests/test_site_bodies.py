"""Bodies in time, corrections beside what is printed, damages; and that no text of them can act."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from lxml import html
from site_fixture import DIGEST_1, DIGEST_2, SEGMENT, build_site, opened, words

REPORT = "/r/140600-jyj/2023"
SECOND = f"140600-jyj/2023/{DIGEST_2[:12]}"
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "//evil.example/x",
    "http://evil.example/\"onmouseover='alert(1)'",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<a href=javascript:alert(1)>x</a>",
    "<style>*{display:none}</style>",
    "<!--<img src=x onerror=alert(1)>-->",
    "]]><script>alert(1)</script>",
    "\u202e gnihton\u0000\u0008",
    "&lt;script&gt;&#x3c;img src=x onerror=alert(1)&#x3e;",
    "../../../etc/passwd",
    "%0d%0aLocation:%20http://evil.example/",
)


async def page(site: Any, path: str) -> Any:
    return html.fromstring((await site.get(path)).text)


def facts(tree: Any) -> dict[str, str]:
    return {
        words(line.xpath("./dt/code")[0]): words(line.xpath("./dd")[0])
        for line in tree.xpath("//dl[@class='facts']/div[dt/code]")
    }


# --- bodies -----------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_body_tells_its_names_links_and_place(site: Any) -> None:
    told = facts(await page(site, "/r/140600-jyj"))
    assert told["place_name"] == (
        "山西省 › 朔州市 140600 区划截至 2026-09-11，据民政部国家地名信息库"
    )
    assert told["issuer_names"] == (
        "朔州市教育局（现用） 2024-03-02 至 2024-03-05 见于年报 "
        "朔州市教育和体育局 2024-03-02 至 2024-03-03 见于年报"
    )
    assert told["issuer_links"] == (
        "2019-03-01 更名自 朔州市教育和体育局 140600-jytyj 机构改革方案（张三 记） "
        "同一机关 140600-jyold 同一机关两个编号（张三 记）"
    )


@pytest.mark.asyncio
async def test_parents_children_and_mergers_lead_both_ways(site: Any) -> None:
    above = await page(site, "/r/320813-zf")
    assert above.xpath("//dt[code='parent_id']/../dd/a/@href")[0] == "/r/999999-bad"
    assert facts(above)["issuer_links"].startswith("<script>alert(1)</script> 并入本机关")
    below = await page(site, "/r/999999-bad")
    assert below.xpath("//dt[code='parent']/../dd/a/@href") == ["/r/320813-zf"]
    assert " 并入 洪泽区人民政府" in facts(below)["issuer_links"]
    record = (await site.get("/r/320813-zf.json")).json()
    assert [body["id"] for body in record["below"]] == ["999999-bad"]
    assert record["parent"] is None
    assert (await site.get("/r/999999-bad.json")).json()["parent"]["path"] == "/r/320813-zf"


@pytest.mark.asyncio
async def test_the_record_of_a_body_holds_them_too(site: Any) -> None:
    record = (await site.get("/r/140600-jyj.json")).json()
    assert [line["name"] for line in record["names"]] == ["朔州市教育局", "朔州市教育和体育局"]
    assert [(link["relation"], link["other_id"]) for link in record["links"]] == [
        ("renamed_from", "140600-jytyj"),
        ("same_as", "140600-jyj"),
    ]
    assert [step["code"] for step in record["place"]] == ["140000", "140600"]
    assert [line["aspect"] for line in record["corrections"]] == ["kind"]


@pytest.mark.asyncio
async def test_a_place_that_is_its_own_parent_ends(site: Any) -> None:
    record = (await site.get("/r/320813-zf.json")).json()
    assert {step["code"] for step in record["place"]} == {"320813"}
    assert len(record["place"]) == 1


# --- corrections ------------------------------------------------------------------------------


def cell(tree: Any, key: str) -> Any:
    (found,) = tree.xpath("//td[@id=$key]", key=key)
    return found


@pytest.mark.asyncio
async def test_a_correction_stands_beside_the_printed_number(site: Any) -> None:
    tree = await page(site, REPORT)
    total = cell(tree, "requests.received_new.total")
    # Printed 21; someone reviewed it to 20.
    assert total.text == "21"
    (mark,) = total.xpath("./a[@class='correction']")
    assert mark.text == "更正 20"
    assert mark.get("title") == "更正为「20」（左为原文，未改动）。张三 2026-03-01：与原件核对"
    assert mark.get("href") == "#correction-1"
    assert tree.xpath("//tr[@id='correction-1']")
    remark = cell(tree, "requests.carried_in.enterprise").xpath("./a[@class='correction']")
    assert [(one.text, one.get("href")) for one in remark] == [("附注", "#correction-2")]
    # What was refused is told, and marks no cell.
    assert cell(tree, "requests.granted.total").xpath("./a[@class='correction']") == []


@pytest.mark.asyncio
async def test_a_correction_of_one_version_is_not_of_another(site: Any) -> None:
    first = await page(site, f"{REPORT}/{DIGEST_1[:12]}")
    marks = cell(first, "requests.received_new.total").xpath("./a[@class='correction']/text()")
    assert marks == ["更正 20", "更正 11"]
    assert not cell(first, "requests.carried_in.enterprise").xpath("./a[@class='correction']")


@pytest.mark.asyncio
async def test_corrections_are_listed_on_the_report(site: Any) -> None:
    tree = await page(site, REPORT)
    told = [words(line) for line in tree.xpath("//section[@id='corrections']//tbody/tr")]
    assert [line.rsplit(" ", 1)[-1] for line in told] == [
        *("已采用", "已采用", "已采用", "未采用", "已采用", "已采用"),
    ]
    assert told[0] == (
        "一、本年新收政府信息公开申请数量｜总计 数字 20 与原件核对 张三 2026-03-01 已采用"
    )
    assert told[4] == "机关 朔州市教育局 类别 部门 与原件核对 张三 2026-03-01 已采用"
    assert told[5].startswith("网页 http://jyj.example.gov.cn/2023.html 年度 2023")


@pytest.mark.asyncio
async def test_data_keep_what_is_printed_and_tell_the_correction(site: Any) -> None:
    record = (await site.get(f"{REPORT}.json")).json()
    assert record["cells"]["requests.received_new.total"] == "21"
    assert [(c["number"], c["key"], c["value"]) for c in record["corrections"][:2]] == [
        (1, "requests.received_new.total", "20"),
        (2, "requests.carried_in.enterprise", "发布机关来函说明为 0"),
    ]
    lines = csv.DictReader(io.StringIO((await site.get(f"{REPORT}.csv")).text))
    said = {line["key"]: (line["value"], line["correction"]) for line in lines}
    assert said["requests.received_new.total"] == ("21", "20")
    assert said["requests.carried_in.enterprise"] == ("", "")
    assert said["requests.granted.total"] == ("12", "")


# --- what cannot be read ----------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_crawls_health_tells_what_is_kept_and_damaged(site: Any) -> None:
    (section,) = (await page(site, "/coverage/health")).xpath("//section[@id='holdings']")
    told = words(section)
    assert "存档文件 2 个 ，3.0 MB，抓取 9 次，2024-03-02 至 2024-03-05。" in told
    assert "其中 1 条记录已损坏 ，无法读出或与摘要不符，在 1 个文件中" in told
    (link,) = section.xpath(".//a[text()='位置与原因']/@href")
    assert SEGMENT in (await site.get(link)).text
    holdings = (await site.get("/coverage/health.json")).json()["holdings"]
    assert (holdings["segments"], holdings["captures"], holdings["damages"]) == (2, 9, 1)
    # They are told once, where all portals begin.
    assert not (await page(site, "/coverage/health?level=county")).xpath("//*[@id='holdings']")


@pytest.mark.asyncio
async def test_tables_tell_codes_in_words_and_lead_to_records(site: Any) -> None:
    corrections = words(await page(site, "/nianbao/corrections"))
    assert "未采用 refused" in corrections
    assert "附注 remark" in corrections
    redirects = await page(site, "/nianbao/redirects?path__startswith=140600-jyold")
    assert redirects.xpath("//tbody//a[contains(@href, '/r/140600-jyj/2021')]")
    assert "内容改动 edited" in words(await page(site, "/nianbao/events"))
    assert "更名自 renamed_from" in words(await page(site, "/nianbao/issuer_links"))


# --- hostile texts ----------------------------------------------------------------------------


def poison(folder: Path) -> None:
    """Put every hostile text into every text of the tables that tell of time."""
    with sqlite3.connect(folder / "nianbao.db") as db:
        for number, text in enumerate(HOSTILE, start=100):
            rows = {
                "events": ("140600-jyj/2023", number, text, text, text, text, text, text, text),
                "issuer_names": ("140600-jyj", text, text, text),
                "issuer_links": ("140600-jyj", text, text, text, text, text, text),
                "corrections": (
                    *(number, "cell:140600-jyj/2023/requests.granted.total", "value"),
                    *(text, text, text, text, "applied"),
                ),
                "redirects": (f"140600-jyj/1990/{number:012x}", text, text),
                "damages": (SEGMENT, number, text),
                "segments": (text, text, 1, 1, 1, text, text),
                "sightings": (
                    *(text, text, text, "page", text, text, text, text, text),
                    *("140600-jyj/2023", text),
                ),
                "captures": (text, text, text, 200, text, text, number, text, SECOND),
            }
            for table, row in rows.items():
                marks = ", ".join("?" * len(row))
                db.execute(f"insert or ignore into {table} values ({marks})", row)
            for subject in (
                f"cell:140600-jyj/2023/{text}",
                f"cell:140600-jyj/2023/{text}/requests.granted.total",
                "issuer:140600-jyj",
                f"page:{text}",
            ):
                db.execute(
                    "insert into corrections (subject, aspect, value, author, date, reason, state) "
                    "values (?, ?, ?, ?, ?, ?, ?)",
                    (subject, *[text] * 6),
                )
        db.execute("update divisions set name = ?, dated = ?", (HOSTILE[0], HOSTILE[1]))


@pytest.mark.asyncio
async def test_no_hostile_text_can_act(tmp_path: Path) -> None:
    folder = build_site(tmp_path)
    poison(folder)
    site = await opened(folder)
    pages = (
        *("/", "/changes", "/coverage", "/data", "/r/140600-jyj", REPORT, f"/r/{SECOND}"),
        *("/nianbao/events", "/nianbao/corrections", "/nianbao/redirects", "/nianbao/damages"),
        *("/nianbao/issuer_links", "/nianbao/issuer_names", "/nianbao/segments"),
        *("/nianbao/divisions", "/r/140600-jyj/2015", "/r/140600-jytyj"),
        *(f"/r/140600-jyj/1990/{number:012x}" for number in range(100, 100 + len(HOSTILE))),
    )
    for path in pages:
        response = await site.get(path)
        assert response.status_code == (410 if "/1990/" in path or "2015" in path or "jyty" in path
                                        else 200), path  # fmt: skip
        assert "location" not in response.headers
        tree = html.fromstring(response.text)
        acting = tree.xpath(
            "//script[not(starts-with(@src, '/static/') or @type='application/ld+json')]"
            " | //img | //style | //iframe | //svg[@onload] | //@style"
        )
        assert acting == [], path
        assert not tree.xpath("//@*[starts-with(name(), 'on')]"), path
        for address in tree.xpath("//a/@href | //form/@action | //link/@href"):
            assert re.match(r"(/(?![/\\])|#|https?://)", address), (path, address)
        if not path.startswith("/nianbao"):
            # The only addresses of others are sources, told as such, and the licence.
            for link in tree.xpath("//main//a[starts-with(@href, 'http')]"):
                assert {"nofollow", "license"} & set((link.get("rel") or "").split())
        assert "49" not in words(tree.xpath("//h1")[0])
    for path in (f"{REPORT}.json", "/r/140600-jyj.json", "/changes.json", "/coverage.json"):
        response = await site.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("application/json")
        assert response.headers["x-content-type-options"] == "nosniff"
    feed = await site.get("/changes.atom")
    assert feed.status_code == 200
    assert b"<script" not in feed.content


@pytest.mark.asyncio
async def test_a_hostile_feed_is_still_xml(tmp_path: Path) -> None:
    folder = build_site(tmp_path)
    poison(folder)
    feed = ElementTree.fromstring((await (await opened(folder)).get("/changes.atom")).content)
    atom = "{http://www.w3.org/2005/Atom}"
    ids = [entry.findtext(f"{atom}id") or "" for entry in feed.findall(f"{atom}entry")]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"tag:nianbao,2026:[A-Za-z0-9/._~:%-]+", one) for one in ids)
    for link in feed.iter(f"{atom}link"):
        assert (link.get("href") or "").startswith("http://localhost/")
