"""What happened to reports: the list, the feed, and what a report's own page tells of itself."""

from __future__ import annotations

import csv
import io
import sqlite3
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from lxml import html
from site_fixture import DIGEST_1, DIGEST_2, build_site, opened, words

REPORT = "/r/140600-jyj/2023"
ATOM = "{http://www.w3.org/2005/Atom}"
FIRST, SECOND = (f"140600-jyj/2023/{digest[:12]}" for digest in (DIGEST_1, DIGEST_2))
COMPARISON = f"/r/140600-jyj/2023/{DIGEST_1[:12]}/diff/{DIGEST_2[:12]}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return build_site(tmp_path)


def add_events(folder: Path, *lines: tuple[Any, ...]) -> None:
    """More of what befell REPORT: (position, kind, moment, version, version before)."""
    with sqlite3.connect(folder / "nianbao.db") as db:
        db.executemany(
            "insert into events (report_id, position, kind, at, night, version_id, from_version) "
            "values ('140600-jyj/2023', ?, ?, ?, substr(?3, 1, 10), ?, ?)",
            lines,
        )


@pytest.mark.asyncio
async def test_events_newest_first_with_what_differs(site: Any) -> None:
    found = (await site.get("/changes.json")).json()
    assert (found["page"], found["more"], found["count"]) == (1, False, 9)
    told = [
        (event["kind"], event["report_id"], event["days_since_publication"])
        for event in found["changes"][:4]
    ]
    assert told == [
        ("moved", "140600-jyj/2021", 774),
        ("vanished", "320813-zf/2023", 0),
        ("edited", "140600-jyj/2023", 43),
        ("new", "999999-bad/2022", -3),
    ]
    edit = found["changes"][2]
    assert (edit["cells"], edit["sections"], edit["texts"]) == (2, 1, 1)
    assert edit["compare"] == COMPARISON
    assert edit["path"] == f"/r/{SECOND}"
    lines = list(csv.DictReader(io.StringIO((await site.get("/changes.csv?kind=edited")).text)))
    assert [(line["version_id"], line["from_version"]) for line in lines] == [(SECOND, FIRST)]


@pytest.mark.asyncio
async def test_the_list_tells_days_and_leads_to_the_comparison(site: Any) -> None:
    page = html.fromstring((await site.get("/changes")).text)
    lines = [words(line) for line in page.xpath("//ul[contains(@class, 'events')]/li")]
    assert lines[0].startswith("2024-03-05 迁移 朔州市教育局 2021 发布后第 774 天")
    assert lines[1].startswith("2024-03-04 下线 洪泽区人民政府 2023 发布当日")
    assert (
        "内容改动 朔州市教育局 2023 发布后第 43 天 第 2 版：2 格数字、1 处文字有改动， 对照"
        in (lines[2])
    )
    assert "早于所示发布日期 3 天" in lines[3]
    (link,) = page.xpath("//a[text()='对照']/@href")
    assert link == COMPARISON
    target = html.fromstring((await site.get(link)).text)
    assert words(target.xpath("//h1")[0]) == "朔州市教育局 第 1 版 ↔ 第 2 版"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("kind", "reports"),
    [
        ("edited", ["140600-jyj/2023"]),
        ("vanished", ["320813-zf/2023"]),
        ("gone", ["320813-zf/2023"]),
        ("moved", ["140600-jyj/2021"]),
        ("back", []),
        ("suspect", ["999999-bad/2022"]),
    ],
)
async def test_one_kind_of_events(site: Any, kind: str, reports: list[str]) -> None:
    found = (await site.get(f"/changes.json?kind={kind}")).json()["changes"]
    assert [event["report_id"] for event in found] == reports
    assert (await site.get(f"/changes?kind={kind}")).status_code == 200
    feed = ElementTree.fromstring((await site.get(f"/changes.atom?kind={kind}")).content)
    assert len(feed.findall(f"{ATOM}entry")) == len(reports)
    # A word of older links asks for the same feed, which has one name.
    name = {"gone": "vanished"}.get(kind, kind)
    assert feed.findtext(f"{ATOM}id") == f"tag:nianbao,2026:changes/{name}"


@pytest.mark.asyncio
async def test_all_events_can_be_paged_through(folder: Path) -> None:
    with sqlite3.connect(folder / "nianbao.db") as db:
        db.executemany(
            "insert into events (report_id, position, kind, at, night) "
            "values ('140600-jyj/2020', ?, 'back', ?, '2020-01-01')",
            [(number, f"2020-01-01T00:{number // 60:02}:{number % 60:02}Z") for number in
             range(2, 252)],
        )  # fmt: skip
    site = await opened(folder)
    pages = [(await site.get(f"/changes.json?page={number}")).json() for number in (1, 2, 3, 4)]
    assert [page["count"] for page in pages] == [100, 100, 59, 0]
    assert [page["more"] for page in pages] == [True, True, False, False]
    told = [(e["report_id"], e["position"]) for page in pages for e in page["changes"]]
    assert len(set(told)) == 259
    moments = [event["at"] for page in pages for event in page["changes"]]
    assert moments == sorted(moments, reverse=True)
    second = html.fromstring((await site.get("/changes?kind=back&page=2")).text)
    assert second.xpath("//nav[@class='pages']/a/@href") == [
        "/changes?kind=back&page=1",
        "/changes?kind=back&page=3",
    ]


@pytest.mark.asyncio
async def test_the_feed_is_valid_atom(site: Any) -> None:
    """What RFC 4287 asks for: ids and dates once each, an author, links that are addresses."""
    response = await site.get("/changes.atom")
    assert response.headers["content-type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(response.content)
    assert feed.findtext(f"{ATOM}id") == "tag:nianbao,2026:changes"
    assert feed.findtext(f"{ATOM}updated") == "2024-03-04T18:20:00Z"
    assert feed.findtext(f"{ATOM}author/{ATOM}name")
    assert [link.get("href") for link in feed.findall(f"{ATOM}link")] == [
        "http://localhost/changes.atom",
        "http://localhost/changes",
    ]
    entries = feed.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}id") for entry in entries] == [
        "tag:nianbao,2026:moved/140600-jyj/2021/2024-03-04",
        "tag:nianbao,2026:vanished/320813-zf/2023/2024-03-03",
        f"tag:nianbao,2026:edited/{SECOND}",
        "tag:nianbao,2026:new/999999-bad/2022",
        "tag:nianbao,2026:new/320813-zf/2023",
        "tag:nianbao,2026:new/140600-jyj/2023",
        "tag:nianbao,2026:new/140600-jyj/2021",
        "tag:nianbao,2026:new/140600-jyj/2020",
        "tag:nianbao,2026:new/140600-jyj/2016",
    ]
    for entry in entries:
        for name in ("id", "title", "updated", "published", "summary"):
            assert len(entry.findall(ATOM + name)) == 1
        assert entry.findtext(f"{ATOM}updated") == entry.findtext(f"{ATOM}published")
    edit = entries[2]
    assert edit.findtext(f"{ATOM}published") == "2024-03-03T18:00:00Z"
    assert edit.findtext(f"{ATOM}summary") == (
        "2023年政府信息公开工作年度报告，发布后第 43 天（第 2 版，2 格数字、1 处文字有改动）"
    )
    assert edit.find(f"{ATOM}category").attrib == {"term": "edited", "label": "内容改动"}  # type: ignore[union-attr]
    assert edit.find(f"{ATOM}link").get("href") == f"http://localhost{COMPARISON}"  # type: ignore[union-attr]


@pytest.mark.asyncio
async def test_ids_in_the_feed_stay_when_more_happens(folder: Path) -> None:
    async def ids() -> list[str | None]:
        feed = ElementTree.fromstring((await (await opened(folder)).get("/changes.atom")).content)
        return [entry.findtext(f"{ATOM}id") for entry in feed.findall(f"{ATOM}entry")]

    before = await ids()
    # Back to the first content, to the second again, gone and back in one night, gone once more.
    add_events(
        folder,
        (3, "edited", "2024-03-05T18:00:00Z", FIRST, SECOND),
        (4, "edited", "2024-03-06T18:00:00Z", SECOND, FIRST),
        (5, "vanished", "2024-03-09T18:00:00Z", SECOND, None),
        (6, "back", "2024-03-09T18:30:00Z", SECOND, None),
        (7, "vanished", "2024-03-09T18:40:00Z", SECOND, None),
    )
    after = await ids()
    assert after[5:] == before
    assert after[:5] == [
        "tag:nianbao,2026:vanished/140600-jyj/2023/2024-03-09/2024-03-09.7",
        "tag:nianbao,2026:back/140600-jyj/2023/2024-03-09",
        "tag:nianbao,2026:vanished/140600-jyj/2023/2024-03-09",
        f"tag:nianbao,2026:edited/{SECOND}/2024-03-06.4",
        f"tag:nianbao,2026:edited/{FIRST}",
    ]


@pytest.mark.asyncio
async def test_moments_and_texts_that_are_none_leave_the_feed_valid(folder: Path) -> None:
    with sqlite3.connect(folder / "nianbao.db") as db:
        db.execute("update events set at = 'soon', days_since_publication = 'x' where position = 2")
        db.execute("update events set at = null, night = null, version_id = null, url = null "
                   "where report_id like '140600-jyj/20%' and position = 1")  # fmt: skip
        db.execute("update versions set title = 'a\u0001b & <c>' where id = ?", (SECOND,))
        db.execute("delete from reports where id = '320813-zf/2023'")
    site = await opened(folder)
    feed = ElementTree.fromstring((await site.get("/changes.atom")).content)
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == 9
    for entry in entries:
        moment = entry.findtext(f"{ATOM}updated")
        assert moment
        assert len(moment) == 20
        assert moment.endswith("Z")
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == 9
    for path in ("/changes", "/", "/changes.json", REPORT, "/r/140600-jyj/2021"):
        assert (await site.get(path)).status_code == 200


@pytest.mark.asyncio
async def test_a_report_tells_what_befell_it(folder: Path) -> None:
    add_events(folder, (3, "edited", "2024-03-05T18:00:00Z", FIRST, SECOND))
    site = await opened(folder)
    page = html.fromstring((await site.get(REPORT)).text)
    told = [words(line) for line in page.xpath("//section[@id='events']//li")]
    assert told == [
        "2024-03-02 新见 第 1 版 发布后第 41 天",
        "2024-03-04 内容改动 第 2 版 取代第 1 版，2 格数字、1 处文字有改动， 对照 发布后第 43 天",
        "2024-03-06 内容改动 第 1 版 取代第 2 版，内容有改动， 对照",
    ]
    assert page.xpath("//section[@id='events']//a[text()='对照']/@href")[0] == COMPARISON
    record = (await site.get(f"{REPORT}.json")).json()
    assert [event["kind"] for event in record["events"]] == ["new", "edited", "edited"]
    moved = html.fromstring((await site.get("/r/140600-jyj/2021")).text)
    assert "http://jyj.example.gov.cn/2021.html" in words(moved.xpath("//section[@id='events']")[0])


@pytest.mark.asyncio
async def test_each_address_tells_its_own_captures(site: Any) -> None:
    page = html.fromstring((await site.get("/r/140600-jyj/2021")).text)
    (section,) = page.xpath("//section[@id='captures']")
    places = [
        {
            words(line.xpath("./dt")[0]).split()[0]: words(line.xpath("./dd")[0])
            for line in place.xpath("./div")
        }
        for place in section.xpath("./dl[contains(@class, 'capture')]")
    ]
    assert places == [
        {
            "网页": "http://www.example.gov.cn/jyj/2021.html 代表此年报",
            "所在站点": "朔州市人民政府，列出或询问过 2 夜",
            "见到": "首次 2024-03-03 02:01:00，最近 2024-03-05 02:21:00（北京时间）",
            "最近一次询问": "2024-03-05 02:21:00（北京时间）： 未变",
        },
        {
            "网页": "http://jyj.example.gov.cn/2021.html",
            "所在站点": "朔州市人民政府，列出或询问过 2 夜",
            "见到": "首次 2024-03-02 02:01:00，最近 2024-03-02 02:01:00（北京时间）",
            "最近一次询问": "2024-03-05 02:20:00（北京时间）： 转址",
        },
    ]
    (speaks, other) = section.xpath(".//tbody")
    assert [words(line) for line in speaks.xpath("./tr")] == [
        "第 1 版 2024-03-04 18:21:00 UTC 北京时间 2024-03-05 02:21:00 复核，字节与前相同 304 网页 "
        f"other.warc.gz 第 300 字节 {'a1' * 32} 原样",
        "第 1 版 2024-03-02 18:01:00 UTC 北京时间 2024-03-03 02:01:00 应答，存原文 200 网页 "
        f"other.warc.gz 第 200 字节 {'a1' * 32} 原样",
    ]
    assert other.xpath(".//a[text()='原样']/@href") == [f"/r/140600-jyj/2021/{'a' * 12}/original"]
    addresses = (await site.get("/r/140600-jyj/2021.json")).json()["addresses"]
    assert [
        (place["url"], place["speaks"], place["last_verdict"], len(place["captures"]))
        for place in addresses
    ] == [
        ("http://www.example.gov.cn/jyj/2021.html", True, "not_modified", 2),
        ("http://jyj.example.gov.cn/2021.html", False, "moved", 1),
    ]


@pytest.mark.asyncio
async def test_captures_of_every_version_stand_on_each_page_of_a_report(site: Any) -> None:
    for path in (REPORT, f"/r/{FIRST}"):
        page = html.fromstring((await site.get(path)).text)
        versions = page.xpath("//section[@id='captures']//tbody/tr/td[1]//text()")
        assert versions == ["第 2 版", "第 2 版", "第 1 版", "第 1 版", "第 2 版"]
        # Those of the version shown stand out.
        here = page.xpath("//section[@id='captures']//tr[@class='here']/td[1]//text()")
        assert set(here) == {"第 2 版" if path == REPORT else "第 1 版"}


@pytest.mark.asyncio
async def test_an_address_that_shows_another_report_since_says_so(folder: Path) -> None:
    with sqlite3.connect(folder / "nianbao.db") as db:
        db.execute(
            "insert into sightings (url, night, seen_at, verdict, role, report_id) values "
            "('http://jyj.example.gov.cn/2021.html', '2024-03-09', '2024-03-09T18:00:00Z', 'ok', "
            "'page', '140600-jyj/2023')"
        )
    page = html.fromstring((await (await opened(folder)).get("/r/140600-jyj/2021")).text)
    assert "正常 ，今为另一份年报 140600-jyj/2023" in words(page.xpath("//*[@id='captures']")[0])


@pytest.mark.asyncio
async def test_the_table_of_changes_leads_on_to_the_end(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fixture has nine events, more than two of them news."""
    events = sys.modules["nianbao_site.events"]
    monkeypatch.setattr(events, "CHANGES_PER_PAGE", 2)
    first = await site.get("/changes.csv?kind=new&bom=1")
    assert first.headers["link"] == '</changes.csv?kind=new&bom=1&page=2>; rel="next"'
    monkeypatch.setattr(events, "MOST_PAGES", 1)
    cut = await site.get("/changes.csv")
    assert cut.headers["link"] == '</changes.csv?page=2>; rel="next"'
    behind = await site.get("/changes.csv?page=2")
    assert behind.status_code == 400
    assert behind.text == (
        "page=2：至多翻到第 1 页。请以 kind 缩小范围，或以条件查 events 表。整库见 /download。\n"
    )
    monkeypatch.setattr(events, "CHANGES_PER_PAGE", 9)
    assert "link" not in (await site.get("/changes.csv")).headers


KINDS = "new、edited、vanished、back、moved、suspect"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("kind=x", f"kind=x：可用的值是 {KINDS}。"),
        ("kind=new&kind=back", "kind 给了 2 个值：只能给一个。"),
        ("page=0", "page=0：应为 1 至 100 的整数。"),
        ("page=101", "page=101：至多翻到第 100 页。请以 kind 缩小范围，或以条件查 events 表。整库见 /download。"),
    ],
)  # fmt: skip
async def test_a_value_that_cannot_be_meant_is_refused(site: Any, query: str, told: str) -> None:
    as_json = await site.get(f"/changes.json?{query}")
    assert as_json.status_code == 400
    assert as_json.json() == {"ok": False, "status": 400, "title": "请求有误", "error": told}
    as_csv = await site.get(f"/changes.csv?{query}")
    assert (as_csv.status_code, as_csv.text) == (400, f"{told}\n")
    shown = await site.get(f"/changes?{query}")
    assert shown.status_code == 400
    (banner,) = html.fromstring(shown.text).xpath("//div[@role='alert']")
    left_out = "未采用，以下不以此为条件。"
    assert "".join(words(banner).split()) == "".join(f"{told}{left_out}".split())
    # What a link carries along is nobody's parameter.
    assert (await site.get("/changes.json?utm_source=x&kind=")).json()["count"] == 9


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("kind=x", f"kind=x：可用的值是 {KINDS}。"),
        ("division=1%27", "division=1'：没有这个区划代码。"),
        ("kind=suspect&division=14", "division=14：kind=suspect 不能再按地区取，二者择一。"),
    ],
)
async def test_a_feed_of_what_cannot_be_meant_is_refused(site: Any, query: str, told: str) -> None:
    answer = await site.get(f"/changes.atom?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith(told)
