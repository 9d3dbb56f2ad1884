"""How large a report's page may become, how it is asked for, and what a reader finds on it."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from datasette.app import Datasette
from lxml import html
from site_fixture import DIGEST_1, DIGEST_2, build_site, insert

from archive import form
from archive.findings.rules import RULES

REPORT = "/r/140600-jyj/2023"
FIRST, SECOND = (f"{REPORT}/{digest[:12]}" for digest in (DIGEST_1, DIGEST_2))
OWN = "http://jyj.example.gov.cn/2023.html"


def fill(db: sqlite3.Connection, version: str) -> None:
    """All that a version can hold at once, each as long as hostile input makes it."""
    report = version.rpartition("/")[0]
    quotes = '"' * 400
    cells = list(form.keys("2021"))
    columns = ", ".join(f'"{form.PRINTED[key].flat}" = null' for key in cells)
    db.execute(f"update figures set {columns} where version_id = ?", (version,))
    for table in ("cell_notes", "findings", "sections", "extras", "unused", "captures"):
        db.execute(f"delete from {table} where version_id = ?", (version,))
    states = ("text", "na", "ambiguous", "unreadable", "blank", "missing", "unit", "ocr", "glued")
    insert(
        db,
        "cell_notes",
        *(
            {"version_id": version, "field": key, "state": states[n % len(states)],
             "printed": f"{n}{quotes}", "confidence": 0.5}
            for n, key in enumerate(cells)
        ),
    )  # fmt: skip
    hard = [rule.id for rule in RULES if 2021 in rule.formats and rule.level in ("hard", "soft")]
    assert len(hard) >= 40
    insert(
        db,
        "findings",
        *(
            {"version_id": version, "rule": rule, "position": 1, "verdict": "fail",
             "expected": "1" * 30, "actual": "2" * 30, "blame": "undecided",
             "explanation": quotes, "printed": quotes}
            for rule in hard
        ),
    )  # fmt: skip
    prose = "2023年，我局坚持“公开为常态、不公开为例外”<&>。\n" * 4000
    heads = {"version_id": version, "heading": quotes, "text": prose}
    insert(db, "sections", *({**heads, "number": number} for number in range(7)))
    for position in range(1500):
        row = {"version_id": version, "position": position}
        insert(db, "extras", {**row, "label": quotes, "unit": quotes, "printed": quotes})
        insert(db, "unused", {**row, "kind": "number", "place": quotes, "text": quotes})
    for number in range(40):
        url = OWN if number == 0 else f"{OWN}?{number}"
        for night in range(1500 if number == 0 else 8):
            day = date(2024, 3, 6) + timedelta(night)
            insert(
                db,
                "captures",
                {"digest": f"{night:064x}", "url": url, "fetched_at": f"{day}T18:00:00Z",
                 "status": 200, "media_type": "text/html", "warc_file": f"{number}.warc.gz",
                 "offset": night, "record_type": "response", "version_id": version},
            )  # fmt: skip
            insert(
                db,
                "sightings",
                {"url": url, "portal_id": "sz", "night": str(day), "role": "page",
                 "seen_at": f"{day}T18:00:00Z", "verdict": "ok", "report_id": report},
            )  # fmt: skip
    for number in range(10, 400):
        other = f"{report}/{number:012x}"
        insert(
            db,
            "versions",
            {"id": other, "report_id": report, "number": number, "replaces": version,
             "first_seen": "2024-05-01T00:00:00Z", "last_seen": "2024-05-01T00:00:00Z"},
        )  # fmt: skip
        pair = {"report_id": report, "from_version": version, "to_version": other}
        insert(
            db,
            "changes",
            *({**pair, "position": n, "field": key, "before": quotes, "after": quotes}
              for n, key in enumerate(cells[:20])),
            {**pair, "position": 90, "section": 1, "before": prose, "after": prose},
        )  # fmt: skip
        insert(
            db,
            "events",
            {"report_id": report, "position": number, "kind": "edited", "version_id": other,
             "at": "2024-05-01T00:00:00Z", "from_version": version, "url": OWN},
        )  # fmt: skip


@pytest.fixture(scope="module")
def filled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = build_site(tmp_path_factory.mktemp("filled"))
    with sqlite3.connect(folder / "nianbao.db") as db:
        fill(db, SECOND.removeprefix("/r/"))
    return folder


@pytest_asyncio.fixture
async def filled(filled_folder: Path) -> AsyncIterator[Any]:
    datasette = Datasette(config_dir=filled_folder)
    await datasette.invoke_startup()
    yield datasette


def words(node: Any) -> str:
    return " ".join(node.text_content().split())


# --- size and speed ---------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_no_report_page_is_large(filled: Any) -> None:
    """What it leaves out it names, with a link to all of it."""
    response = await filled.client.get(REPORT)
    assert response.status_code == 200
    assert len(response.content) <= 200_000
    page = html.fromstring(response.text)
    # The form is never cut: every cell is there under its key.
    assert len(page.xpath("//table[contains(@class, 'form')]//td[@id]")) == 200
    whole = page.xpath("//section[@id='sections']//p[@class='rest']/a/@href")
    assert whole == [f"{SECOND}.txt"] * 7
    text = (await filled.client.get(f"{SECOND}.txt")).text
    assert text.count("不公开为例外") == 7 * 4000
    for told in (
        "抓取 1502 次，列出 5 次",
        "共 392 版，只列最近",
        "照原文列出 1500 行",
        "共 1500 项",
    ):
        assert told in words(page)
    links = {address.split("?")[0] for address in page.xpath("//main//a/@href")}
    for table in ("captures", "versions", "sightings", "extras", "unused", "findings", "events"):
        assert f"/nianbao/{table}" in links
    record = (await filled.client.get(f"{SECOND}.json")).json()
    assert len(record["captures"]) > 200


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "path",
    [
        REPORT,
        FIRST,
        f"{REPORT}.json",
        f"{REPORT}.csv",
        f"{REPORT}.txt",
        f"{SECOND}.bib",
        f"{FIRST}/diff/{DIGEST_2[:12]}",
        "/r/140600-jyj/2020/diff/2023",
        f"{REPORT}/diff",
    ],
)
async def test_a_record_is_read_by_indexes_alone(
    filled: Any, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No query walks a table, however many reports there are; but the list of the form's cells,
    which is read once."""
    database = filled.get_database("nianbao")
    asked: list[tuple[str, Any]] = []
    execute = database.execute

    async def noted(sql: str, parameters: Any = None, *rest: Any, **more: Any) -> Any:
        asked.append((sql, parameters))
        return await execute(sql, parameters, *rest, **more)

    from nianbao_site import answers

    class Noted(answers.Session):
        async def execute(self, sql: str, parameters: Any = ()) -> Any:
            asked.append((sql, parameters))
            return await super().execute(sql, parameters)

    monkeypatch.setattr(database, "execute", noted)
    monkeypatch.setattr(answers, "Session", Noted)
    assert (await filled.client.get(path)).status_code == 200
    assert len(asked) > 1
    for sql, parameters in asked:
        steps = (await execute(f"explain query plan {sql}", parameters)).rows
        walked = [
            step["detail"]
            for step in steps
            if re.match(r"SCAN (?!placed\b|\(|fields\b|CONSTANT)", step["detail"])
        ]
        assert walked == [], sql


@pytest.mark.asyncio
async def test_an_old_version_still_tells_what_changed_with_it(filled: Any) -> None:
    """Links of old lead to #change-… on the page of the version that came, however many since."""
    digest = f"{12:012x}"
    page = html.fromstring((await filled.client.get(f"{REPORT}/{digest}")).text)
    (head,) = page.xpath(f"//h3[@id='change-{DIGEST_2[:12]}-{digest}']")
    assert words(head) == "第 2 版 → 第 12 版 2024-05-01 发现"
    assert page.xpath("//div[@id='change-12']//p/a/@href")[-1] == f"{SECOND}/diff/{digest}"


# --- what a reader finds ----------------------------------------------------------------------


@pytest.mark.asyncio
async def test_every_cell_is_named_in_both_languages_where_a_link_leads(site: Any) -> None:
    """The title is what hovering says, and what the style sheet shows of a cell led to; the head
    of each row leads to one."""
    page = html.fromstring((await site.get(REPORT)).text)
    for cell in page.xpath("//table[contains(@class, 'form')]//td[@id]"):
        assert f"（{cell.get('id')}）" in cell.get("title")
        assert re.match("[\u4e00-\u9fff]", cell.get("title"))
    for row in page.xpath("//table[contains(@class, 'requests')]/tbody/tr"):
        (address,) = row.xpath("./th[last()]/a/@href")
        assert address.removeprefix("#") in row.xpath("./td/@id")
    (disputes,) = page.xpath("//table[contains(@class, 'disputes')]")
    assert [address[1:] for address in disputes.xpath(".//th/a/@href")] == disputes.xpath(
        ".//td/@id"
    )
    style = (await site.get("/static/nianbao.css")).text
    assert re.search(r"td:target::after \{ content: attr\(title\)", style)


@pytest.mark.asyncio
async def test_a_broken_relation_stands_under_its_table_with_its_sum_and_whose_error(
    site: Any,
) -> None:
    page = html.fromstring((await site.get("/r/320813-zf/2023")).text)
    lines = [words(line) for line in page.xpath("//ul[@class='failures']/li")]
    assert lines[0].startswith("0 ≠ 10 + 1 + 0 + 0 + 0 + 0（原文如此）")
    assert page.xpath("//ul[@class='failures']/li/a/@href")[0] == "#check-ROW.received_new"
    (total,) = page.xpath("//td[@id='requests.received_new.total']")
    assert "勾稽关系不成立：0 ≠ 10 + 1 + 0 + 0 + 0 + 0（原文如此）" in total.get("title")


@pytest.mark.asyncio
async def test_the_years_beside_are_linked(site: Any) -> None:
    page = html.fromstring((await site.get("/r/140600-jyj/2021")).text)
    assert page.xpath("//link[@rel='prev']/@href") == ["/r/140600-jyj/2020"]
    assert page.xpath("//a[@rel='next']/@href") == [REPORT]
    last = html.fromstring((await site.get(REPORT)).text)
    assert last.xpath("//a[@rel='prev']/@href") == ["/r/140600-jyj/2021"]
    assert last.xpath("//*[@rel='next']") == []


@pytest.mark.asyncio
async def test_the_capture_a_version_stands_on_and_how_to_check_it(site: Any) -> None:
    page = html.fromstring((await site.get(REPORT)).text)
    (proof,) = page.xpath("//dl[contains(@class, 'proof')]")
    told = words(proof)
    assert "http://jyj.example.gov.cn/2023.html2024-03-03 18:00:05 UTC" in told
    assert DIGEST_2 in told
    assert f"python -m archive prove http://localhost{SECOND}" in told
    assert f"--check 140600-jyj-2023-{DIGEST_2[:12]}.wacz" in told
    # Printed, every sheet names the version and the digest of what was captured.
    (foot,) = page.xpath("//p[@class='printfoot']")
    assert f"http://localhost{SECOND}" in foot.text_content()
    assert DIGEST_2 in foot.text_content()


@pytest.mark.asyncio
async def test_the_text_of_a_version_is_one_file(site: Any) -> None:
    response = await site.get(f"{FIRST}.txt")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text == (
        f"朔州市教育局 2023\nhttp://localhost{FIRST}\n\n一、总体情况\n"
        "2023年，我局共收到政府信息公开申请12件。全部按时办结。公众号推送信息３６条。\n"
    )


class Counted:
    """A database that counts the steps of what is asked of it, in hundreds."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path)
        self.connection.row_factory = sqlite3.Row
        self.steps = 0
        self.connection.set_progress_handler(self.step, 100)

    def step(self) -> None:
        self.steps += 1

    async def execute(self, sql: str, parameters: Any) -> Any:
        return SimpleNamespace(rows=self.connection.execute(sql, parameters).fetchall())


@pytest.mark.asyncio
@pytest.mark.usefixtures("site")
async def test_of_many_captures_of_an_address_the_newest_and_the_first_stand(
    tmp_path: Path,
) -> None:
    """Also of an address that shows another version every night, in time that grows with them."""
    report = "140600-jyj/2020"

    async def steps(number: int) -> int:
        path = build_site(tmp_path / str(number)) / "nianbao.db"
        shown = {"status": 200, "digest": "b" * 64, "warc_file": "a.warc.gz"}
        with sqlite3.connect(path) as db:
            for night in range(number):
                at = {**shown, "fetched_at": f"{2020 + night}-03-01T18:00:00Z"}
                other = f"{report}/{night:012}"
                insert(db, "versions", {"id": other, "report_id": report})
                insert(
                    db,
                    "captures",
                    {**at, "url": "http://a.example/", "version_id": f"{report}/{'b' * 12}",
                     "offset": night},
                    {**at, "url": "http://b.example/", "version_id": other,
                     "offset": number + night},
                )  # fmt: skip
        database = Counted(path)
        found = await sys.modules["nianbao_site.record"].captures_of(database, report, 4)
        one = [row for row in found if row["url"] == "http://a.example/"]
        assert [row["offset"] for row in one] == [number - 1, number - 2, number - 3, 0]
        assert {row["of"] for row in one} == {number}
        assert [row["of"] for row in found if row["url"] == "http://b.example/"] == [1] * number
        database.connection.close()
        return database.steps

    # Four times as many: four times the work and a little to sort them, not sixteen times.
    assert await steps(800) < 6 * await steps(200)
