"""What nobody but the archive sees: masked texts, withheld originals, what was taken down."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from lxml import html
from site_fixture import SCRIPT, SEGMENT, SITE, figures, insert, tables, write_warc

from archive.publish import added, metadata
from archive.search_index import index_texts
from archive.takedowns import Takedown

PHONE, HIDDEN = "13812345678", "138********"
IDENTITY = "11010519491231002X"
JYJ = "140600-jyj"
REASON = f"应本人要求撤下{SCRIPT}"


def page(body: str) -> bytes:
    return f'<html><head><meta charset="utf-8"></head><body>{body}</body></html>'.encode()


# The reader read the number; it stands where the reader did not look; it is written as no text has
# it; there is none; a PDF; and a page that is to be taken down.
READ = page(f"<h1>年报</h1><p>联系人张三，{PHONE}。</p><script>var n = 1</script>{SCRIPT}")
FOOTER = page("<h1>年报</h1><p>正文。</p><div>联系人：138<span>1234</span>&#53;678</div>")
CLEAN = page(
    "<h1>年报</h1><p>电话0349-2022222。</p><table><tr><td>138</td><td>12345678</td></tr></table>"
    '<a href="/art_13812345678.html">见</a><script>var id = 13812345678</script>'
)
PDF = b"%PDF-1.4 example"
TAKEN = page("<h1>撤下的年报</h1>")
PAGES = {2019: READ, 2020: FOOTER, 2021: CLEAN, 2022: PDF, 2023: TAKEN}
TEXTS = {
    2019: f"联系人张三，{PHONE}。身份证号{IDENTITY}。",
    2020: "正文。",
    2021: "电话0349-2022222。",
    2022: f"手机{PHONE[:3]} {PHONE[3:7]} {PHONE[7:]}",
    2023: "撤下的文字",
}


def digest(year: int) -> str:
    return hashlib.sha256(PAGES[year]).hexdigest()


def version(year: int) -> str:
    return f"{JYJ}/{year}/{digest(year)[:12]}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("privacy")
    site, warc = home / "site", home / "warc"
    site.mkdir()
    warc.mkdir()
    media = {2022: "application/pdf"}
    offsets = write_warc(
        warc / SEGMENT,
        ((media.get(year, "text/html"), payload) for year, payload in PAGES.items()),
    )
    with closing(sqlite3.connect(site / "nianbao.db")) as db:
        tables(db)
        insert(db, "portals", {"id": "sz", "name": "朔州市人民政府", "level": "prefecture"})
        insert(
            db,
            "issuers",
            {"id": JYJ, "name": "朔州市教育局", "division": "140600", "level": "prefecture",
             "kind": "department", "portal_id": "sz"},
        )  # fmt: skip
        for (year, text), offset in zip(TEXTS.items(), offsets, strict=True):
            report, name = f"{JYJ}/{year}", version(year)
            seen = {"first_seen": f"{year + 1}-01-20T16:00:00Z"}
            title = f"朔州市教育局{year}年政府信息公开工作年度报告"
            insert(
                db,
                "reports",
                {"id": report, "issuer_id": JYJ, "year": year, "form": "2021", "title": title,
                 "status": "live", "current_version": name, "scope": "own_body",
                 "url": f"http://example.gov.cn/{year}.html", **seen},
            )  # fmt: skip
            insert(
                db,
                "versions",
                {"id": name, "report_id": report, "number": 1, "title": title, "form": "2021",
                 "media_type": media.get(year, "text/html"), "numbers_read": 3, "parser": "5",
                 **seen},
            )  # fmt: skip
            insert(
                db,
                "captures",
                {"digest": digest(year), "url": f"http://example.gov.cn/{year}.html",
                 "fetched_at": seen["first_seen"], "status": 200, "warc_file": SEGMENT,
                 "media_type": media.get(year, "text/html"), "offset": offset,
                 "record_type": "response", "version_id": name},
            )  # fmt: skip
            insert(db, "figures", {"version_id": name, **figures("2021")})
            insert(
                db,
                "sections",
                {"version_id": name, "number": 1, "heading": "一、总体情况", "text": text},
            )
            insert(
                db,
                "events",
                {"report_id": report, "position": 1, "kind": "new", "at": seen["first_seen"],
                 "night": seen["first_seen"][:10], "version_id": name},
            )  # fmt: skip
        db.commit()
        for add in added([Takedown(f"{JYJ}/2023", "2026-11-22", REASON)]):
            add(db)
        index_texts(db)
        db.commit()
    described = json.dumps(metadata(SITE / "metadata.yml", warc))
    (site / "metadata.json").write_text(described, encoding="utf-8")
    (site / "settings.json").write_text((SITE / "settings.json").read_text(encoding="utf-8"))
    for name in ("templates", "plugins", "static"):
        (site / name).symlink_to(SITE / name, target_is_directory=True)
    return site


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "path",
    [
        f"/r/{JYJ}/2019",
        f"/r/{JYJ}/2019.json",
        f"/r/{version(2019)}.json",
        f"/r/{version(2019)}/original",
        f"/r/{version(2022)}",
        f"/nianbao/sections.json?_shape=objects&version_id={quote(version(2019))}",
        f"/nianbao/sections.csv?version_id={quote(version(2019))}",
        f"/search?q={quote('联系人张三')}",
        f"/search.json?q={quote('联系人张三')}",
    ],
)
async def test_no_page_shows_the_number(site: Any, path: str) -> None:
    answer = await site.get(path)
    assert answer.status_code == 200
    assert HIDDEN in answer.text
    for private in (PHONE, "138 1234 5678", IDENTITY):
        assert private not in answer.text


@pytest.mark.asyncio
async def test_the_number_is_not_found_by_a_search(site: Any) -> None:
    for words, number in ((PHONE, 0), (IDENTITY, 0), ("联系人张三", 1)):
        found = (await site.get(f"/search.json?q={quote(words)}")).json()
        assert found["count"] == number, words


@pytest.mark.asyncio
async def test_an_original_in_which_something_was_found_is_shown_as_text(site: Any) -> None:
    base = f"/r/{version(2019)}/original"
    tree = html.fromstring((await site.get(base)).text)
    assert "原件含个人信息，公开页面不提供" in tree.xpath("string(//p[contains(@class, 'warn')])")
    assert tree.xpath("//p[contains(@class, 'warn')]/a/@href") == ["/about#privacy"]
    (shown,) = tree.xpath("//pre")
    assert shown.text_content() == f"年报\n联系人张三，{HIDDEN}。"
    assert not tree.xpath("//iframe | //a[@download]")
    for path in (f"{base}/raw", f"{base}/raw/20200120160000"):
        answer = await site.get(path)
        assert answer.status_code == 403
        assert "原件含个人信息，公开页面不提供" in answer.text
        assert PHONE.encode() not in answer.content
        assert "memento-datetime" not in answer.headers


@pytest.mark.asyncio
async def test_an_original_is_looked_through_where_the_reader_did_not(site: Any) -> None:
    """A number in the foot of a page, cut by tags and entities."""
    tree = html.fromstring((await site.get(f"/r/{version(2020)}/original")).text)
    (shown,) = tree.xpath("//pre")
    assert shown.text_content() == f"年报\n正文。\n联系人：{HIDDEN}"
    assert (await site.get(f"/r/{version(2020)}/original/raw")).status_code == 403


@pytest.mark.asyncio
async def test_an_original_without_any_is_handed_over_as_captured(site: Any) -> None:
    tree = html.fromstring((await site.get(f"/r/{version(2021)}/original")).text)
    assert tree.xpath("//iframe")
    assert not tree.xpath("//pre")
    answer = await site.get(f"/r/{version(2021)}/original/raw")
    assert answer.status_code == 200
    assert answer.content == CLEAN


@pytest.mark.asyncio
async def test_a_document_in_which_something_was_found_is_not_handed_over(site: Any) -> None:
    tree = html.fromstring((await site.get(f"/r/{version(2022)}/original")).text)
    assert not tree.xpath("//a[@download] | //iframe | //pre")
    assert f"/r/{version(2022)}" in tree.xpath("//main//p/a/@href")
    answer = await site.get(f"/r/{version(2022)}/original/raw")
    assert answer.status_code == 403
    assert PDF not in answer.content


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "name",
    [f"{JYJ}/2023", version(2023), f"{JYJ}/2023/{digest(2023)}"],
)
@pytest.mark.parametrize("form", ["", ".json", ".csv"])
async def test_what_was_taken_down_says_why(site: Any, name: str, form: str) -> None:
    answer = await site.get(f"/r/{name}{form}")
    assert answer.status_code == 410
    assert "应本人要求撤下" in answer.text
    assert "撤下的文字" not in answer.text
    if form == ".json":
        assert answer.json()["reason"] == REASON
    elif form == ".csv":
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.text == f"{REASON}\n"
    else:
        assert SCRIPT not in answer.text
        tree = html.fromstring(answer.text)
        assert "/about#takedowns" in tree.xpath("//main//a/@href")


@pytest.mark.asyncio
async def test_the_original_of_what_was_taken_down_is_gone_too(site: Any) -> None:
    for end in ("original", "original/raw", "original/raw/20240120160000"):
        answer = await site.get(f"/r/{version(2023)}/{end}")
        assert answer.status_code == 410
        assert b"<h1>\xe6\x92\xa4" not in answer.content
    timemap = await site.get("/timemap/link/http://example.gov.cn/2023.html")
    assert timemap.status_code == 404


@pytest.mark.asyncio
async def test_what_was_taken_down_is_listed(site: Any) -> None:
    tree = html.fromstring((await site.get("/about")).text)
    (row,) = tree.xpath("//*[@id='takedowns']/following::table[1]/tbody/tr")
    assert row.xpath("string(td[1])") == f"/r/{JYJ}/2023"
    assert row.xpath("string(td[2])") == "2026-11-22"
    assert row.xpath("string(td[3])") == REASON
    assert not tree.xpath("//script[contains(., 'alert')]")
    listed = (await site.get("/nianbao/takedowns.json?_shape=objects")).json()["rows"]
    assert listed == [{"path": f"{JYJ}/2023", "date": "2026-11-22", "reason": REASON}]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "path",
    ["/", f"/r/{JYJ}.json", f"/search?q={quote('撤下的文字')}", f"/r/{JYJ}.atom", "/changes.atom",
     "/sitemap-reports-1.xml", "/nianbao/captures.json?_shape=array"],
)  # fmt: skip
async def test_nothing_leads_to_what_was_taken_down(site: Any, path: str) -> None:
    answer = await site.get(path)
    assert answer.status_code == 200
    assert f"{JYJ}/2023/" not in answer.text
    assert f"{JYJ}/2023<" not in answer.text
    assert digest(2023) not in answer.text


@pytest.mark.asyncio
async def test_the_page_of_the_body_says_that_a_year_was_taken_down(site: Any) -> None:
    tree = html.fromstring((await site.get(f"/r/{JYJ}")).text)
    (row,) = tree.xpath("//tr[@id='y2023']")
    assert "这一年度的年报已从本站撤下" in row.text_content()
    assert row.xpath(".//a/@href") == [f"/r/{JYJ}/2023"]


def test_letters_that_grow_when_lowered_hide_nothing(site: Any) -> None:
    words_of = sys.modules["nianbao_site.personal"].words_of
    assert words_of("<p>" + "İ" * 30 + "<SCRIPT>x</SCRIPT>手机13812345678</p>") == (
        "İ" * 30 + "\n手机13812345678"
    )


def test_lines_of_an_original_are_kept_without_their_blanks(site: Any) -> None:
    words_of = sys.modules["nianbao_site.personal"].words_of
    assert words_of("<p>\u3000\u3000一\u3000二 \f\n\v\n\u2003三</p><p> </p><p>四</p>") == (
        "一\u3000二\n三\n四"
    )
