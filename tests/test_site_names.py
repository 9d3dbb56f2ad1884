"""Names that last: what the site answers at addresses that the snapshot does not have any more."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from datasette.app import Datasette
from lxml import html
from site_fixture import (
    DIGEST_1,
    DIGEST_1B,
    DIGEST_2,
    DIGEST_PDF,
    PAGE_1B,
    SCRIPT,
    UNREAD,
    build_site,
)

REPORT = "/r/140600-jyj/2023"


@pytest.mark.asyncio
@pytest.mark.parametrize("form", ["", ".json", ".csv", "?x=1", ".csv?bom=1"])
@pytest.mark.parametrize(
    ("asked", "status", "location"),
    [
        # The table of redirects says it: for good.
        ("140600-jyold/2021", 301, "140600-jyj/2021"),
        (f"140600-jyold/2021/{'a' * 12}", 301, f"140600-jyj/2021/{'a' * 12}"),
        (f"140600-jyold/2021/{'a' * 64}", 301, f"140600-jyj/2021/{'a' * 12}"),
        ("140600-jyj/2021/111111111111", 301, f"140600-jyj/2021/{'a' * 12}"),
        ("320813-old/2020", 301, "320813-zf/2023"),
        # The captures or the links of bodies say it: as long as they do.
        (f"999999-bad/2023/{DIGEST_1B[:12]}", 302, f"140600-jyj/2023/{DIGEST_1[:12]}"),
        (f"999999-bad/2023/{DIGEST_1B}", 302, f"140600-jyj/2023/{DIGEST_1[:12]}"),
        ("140600-jyold/2020", 302, "140600-jyj/2020"),
        (f"140600-jyold/2023/{DIGEST_2[:12]}", 302, f"140600-jyj/2023/{DIGEST_2[:12]}"),
        (f"140600-jyold/2021/{'a1' * 6}", 302, f"140600-jyj/2021/{'a' * 12}"),
        ("140600-jyold", 302, "140600-jyj"),
        # No link names it, but all that it had went to one body.
        ("320813-old", 302, "320813-zf"),
    ],
)
async def test_an_old_name_leads_to_what_holds(
    site: Any, asked: str, status: int, location: str, form: str
) -> None:
    response = await site.get(f"/r/{asked}{form}")
    assert response.status_code == status
    assert response.headers["location"] == f"/r/{location}{form}"
    assert (await site.get(response.headers["location"])).status_code == 200


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("140600-jyj/2015", f"所述文件不是年报{SCRIPT}"),
        ("140600-jyj/2015/333333333333", "所述文件不是年报"),
        (f"140600-jyj/2015/{'3' * 64}", "所述文件不是年报"),
        ("140600-jyj/2014", "改属另一年度 登记的去处如今也不在本档案中。"),
        ("140600-jyj/2013", "互指 登记的去处如今也不在本档案中。"),
        ("140600-jyj/2012", "互指 登记的去处如今也不在本档案中。"),
        (
            f"140600-jyj/2021/{UNREAD[:12]}",
            "本档案存有这一摘要的抓取，但它现在不显示任何年报的版本。",
        ),
        (
            "320813-lost",
            "这个编号曾指一个机关，如今本档案中没有以此编号公布的年报。",
        ),
        (
            "140600-jytyj",
            "这个编号曾指一个机关，如今本档案中没有以此编号公布的年报。",
        ),
    ],
)
async def test_what_is_gone_says_why(site: Any, asked: str, reason: str) -> None:
    response = await site.get(f"/r/{asked}")
    assert response.status_code == 410
    page = html.fromstring(response.text)
    assert page.xpath("string(//h1)").startswith("已不在此处")
    assert page.xpath("//p[contains(@class, 'banner')]/text()") == [reason]
    assert SCRIPT not in response.text
    record = await site.get(f"/r/{asked}.json")
    assert record.status_code == 410
    body = record.json()
    assert (body["ok"], body["status"], body["reason"]) == (False, 410, reason)
    # The path is told as it is kept: a version by twelve digits.
    assert asked.startswith(body["path"])


@pytest.mark.asyncio
async def test_what_is_known_stands_on_the_page_of_what_is_gone(site: Any) -> None:
    report = (await site.get("/r/140600-jyj/2015.json")).json()
    assert [row["path"] for row in report["moved"]] == ["140600-jyj/2015/333333333333"]
    assert report["issuer"]["name"] == "朔州市教育局"
    version = (await site.get(f"/r/140600-jyj/2021/{UNREAD}.json")).json()
    assert version["report"]["id"] == "140600-jyj/2021"
    assert [(c["warc_file"], c["offset"], c["digest"]) for c in version["captures"]] == [
        ("other.warc.gz", 400, UNREAD)
    ]
    page = html.fromstring((await site.get("/r/140600-jytyj")).text)
    words = " ".join(page.text_content().split())
    assert "朔州市教育局 更名自 朔州市教育和体育局（2019-03-01） 机构改革方案" in words
    assert page.xpath("//section//a/@href") == ["/r/140600-jyj"]


@pytest.mark.asyncio
async def test_a_target_outside_the_site_is_no_target(site: Any) -> None:
    for form in ("", ".json"):
        response = await site.get(f"/r/140600-jyj/2011{form}")
        assert response.status_code == 410
        assert "location" not in response.headers
        assert form or "<img" not in response.text


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "asked",
    [
        "none",
        "none/2020",
        "140600-jyj/1999",
        "140600-jyj/2023/0123456789ab",
        "140600-jyj/2023/abc",
        "140600-jyj/2023/0123456789ab/original",
        "140600-jyj/20200",
        "140600-jyj/2023/" + "0" * 65,
        "%00/2020",
        "140600-jyol",
        "140600-jyold2",
    ],
)
async def test_what_never_was_public_is_not_found(site: Any, asked: str) -> None:
    assert (await site.get(f"/r/{asked}")).status_code == 404


@pytest.mark.asyncio
async def test_originals_follow_their_version(site: Any) -> None:
    moved = await site.get(f"/r/999999-bad/2023/{DIGEST_1B[:12]}/original/raw")
    assert moved.status_code == 302
    assert moved.headers["location"] == f"{REPORT}/{DIGEST_1B[:12]}/original/raw"
    assert (await site.get(moved.headers["location"])).content == PAGE_1B
    # A version that became another one: no capture of that has these digits.
    merged = await site.get("/r/140600-jyj/2021/111111111111/original")
    assert merged.headers["location"] == f"/r/140600-jyj/2021/{'a' * 12}"
    again = await site.get(f"/r/999999-bad/2023/{DIGEST_PDF}/original.json")
    assert again.status_code == 404


@pytest.mark.asyncio
async def test_a_version_whose_report_is_missing_is_not_sent_in_circles(tmp_path: Path) -> None:
    folder = build_site(tmp_path)
    with sqlite3.connect(folder / "nianbao.db") as db:
        db.execute("delete from reports where id = '140600-jyj/2023'")
    datasette = Datasette(config_dir=folder)
    await datasette.invoke_startup()
    response = await datasette.client.get(
        f"{REPORT}/{DIGEST_1B}", follow_redirects=True, headers={"Accept": "*/*"}
    )
    assert response.status_code in (404, 410)
