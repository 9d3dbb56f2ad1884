"""Citations: each format as its own parser reads it, pinned to a version, whatever a title holds."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import bibtexparser
import pytest
import pytest_asyncio
import rispy
from datasette.app import Datasette
from lxml import html
from site_fixture import DIGEST_1, DIGEST_1B, DIGEST_2, build_site

REPORT = "/r/140600-jyj/2023"
FIRST = f"{REPORT}/{DIGEST_1[:12]}"
SECOND = f"{REPORT}/{DIGEST_2[:12]}"
NAME = "朔州市教育局"
TITLE = "2023年政府信息公开工作年度报告"
SOURCE = "http://jyj.example.gov.cn/2023.html"
HOSTILE = (
    "}, title = {x\r\nER  - \r\nTY  - BOOK\r\nTI  - \t{\\input{/etc/passwd}} 100% #1 & $x_1^2$ ~ "
    '"引" @book{k, \u202e\x00\u2028 《内》</pre><script>alert(1)</script>'
)


@pytest.fixture(scope="module")
def hostile_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same archive, where a title, a name and an address hold what each format reads as its
    own."""
    folder = build_site(tmp_path_factory.mktemp("hostile"))
    with sqlite3.connect(folder / "nianbao.db") as db:
        db.execute("update versions set title = ?, published_on = '2024-01-20}'", (HOSTILE,))
        db.execute("update issuers set name = ?", (HOSTILE + ", 局",))
        db.execute(r"update captures set url = 'http://a.example/{\x}_%#' || char(13, 10) || 'q'")
    return folder


@pytest_asyncio.fixture
async def hostile(hostile_folder: Path) -> AsyncIterator[Any]:
    datasette = Datasette(config_dir=hostile_folder)
    await datasette.invoke_startup()
    yield datasette.client


def bibtex_entry(text: str) -> dict[str, str]:
    library = bibtexparser.parse_string(text)
    assert library.failed_blocks == []
    (entry,) = library.entries
    assert entry.entry_type == "misc"
    return {field.key: field.value for field in entry.fields} | {"key": entry.key}


def balanced(text: str) -> bool:
    """Do the braces close as BibTeX counts them, with no eye for backslashes?"""
    depth = 0
    for character in text:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return depth == 0


@pytest.mark.asyncio
async def test_bibtex_is_read_by_a_parser(site: Any) -> None:
    response = await site.get(f"{FIRST}.bib")
    assert response.headers["content-type"] == "application/x-bibtex; charset=utf-8"
    assert bibtex_entry(response.text) == {
        "key": f"nianbao-140600-jyj-2023-{DIGEST_1[:12]}",
        "author": "{" + NAME + "}",
        "title": "{" + TITLE + "}",
        "howpublished": "政府信息公开年报档案",
        "url": f"http://localhost{FIRST}",
        "urldate": "2024-03-02",
        "note": f"第 1 版，存档时刻 2024-03-01T18:00:05Z（UTC），SHA-256 {DIGEST_1}，原载 {SOURCE}",
        "language": "chinese",
    }


@pytest.mark.asyncio
async def test_ris_is_read_by_a_parser(site: Any) -> None:
    response = await site.get(f"{SECOND}.ris")
    assert response.headers["content-type"].startswith("application/x-research-info-systems")
    (entry,) = rispy.loads(response.text)
    assert entry["type_of_reference"] == "ELEC"
    assert entry["authors"] == [NAME]
    assert entry["title"] == TITLE
    assert entry["urls"] == [f"http://localhost{SECOND}"]
    assert entry["access_date"] == "2024/03/04/"
    assert f"SHA-256 {DIGEST_2}" in entry["notes"][0]
    assert response.content.endswith(b"\r\nER  - \r\n")


@pytest.mark.asyncio
async def test_gbt_7714_has_its_elements_in_order(tmp_path: Path) -> None:
    """主要责任者.题名[EB/OL].(发布日期)[访问日期].获取和访问路径."""
    folder = build_site(tmp_path)
    with sqlite3.connect(folder / "nianbao.db") as db:
        db.execute("update versions set published_on = '2024-01-20'")
    datasette = Datasette(config_dir=folder)
    await datasette.invoke_startup()
    text = (await datasette.client.get(f"{FIRST}.cite.txt")).text
    assert (
        f"{NAME}.{TITLE}[EB/OL].(2024-01-20)[2024-03-02].http://localhost{FIRST}."
        f"SHA-256:{DIGEST_1[:16]}.\n"
    ) in text
    assert (
        f"{NAME}：《{TITLE}》，2024年1月20日发布，载政府信息公开年报档案，"
        f"http://localhost{FIRST}，2024年3月2日存档（第1版，SHA-256：{DIGEST_1[:16]}）。\n"
    ) in text
    entry = bibtex_entry((await datasette.client.get(f"{FIRST}.bib")).text)
    assert (entry["date"], entry["year"]) == ("2024-01-20", "2024")
    (record,) = rispy.loads((await datasette.client.get(f"{FIRST}.ris")).text)
    assert (record["year"], record["date"]) == ("2024", "2024/01/20/")


@pytest.mark.asyncio
async def test_without_a_stated_date_the_round_brackets_are_left_out(site: Any) -> None:
    text = (await site.get(f"{FIRST}.cite.txt")).text
    assert f"{TITLE}[EB/OL].[2024-03-02].http" in text
    assert f"《{TITLE}》，载政府" in text


@pytest.mark.asyncio
async def test_hostile_words_stay_words_in_bibtex(hostile: Any) -> None:
    text = (await hostile.get(f"{FIRST}.bib")).text
    entry = bibtex_entry(text)
    assert balanced(text)
    assert entry["key"] == f"nianbao-140600-jyj-2023-{DIGEST_1[:12]}"
    title = entry["title"]
    assert title.startswith(r"{\textbraceright{}, title = \textbraceleft{}x ER - TY - BOOK")
    assert r"\textbackslash{}input\textbraceleft{}/etc/passwd" in title
    assert r"100\% \#1 \& \$x\_1\textasciicircum{}2\$ \textasciitilde{}" in title
    assert "date" not in entry
    assert "\u202e" not in text
    assert len(text.splitlines()) == text.count("\n")


@pytest.mark.asyncio
async def test_hostile_words_stay_words_in_ris(hostile: Any) -> None:
    response = await hostile.get(f"{FIRST}.ris")
    (entry,) = rispy.loads(response.text)
    assert entry["type_of_reference"] == "ELEC"
    assert entry["title"].startswith("}, title = {x ER - TY - BOOK TI - {")
    (author,) = entry["authors"]
    assert author.endswith("， 局")
    for line in response.content.decode().split("\r\n")[:-1]:
        assert re.match(r"[A-Z][A-Z0-9]  - ", line)
        assert not re.search(r"[\x00-\x1f\u2028\u202e]", line)


@pytest.mark.asyncio
async def test_hostile_words_stay_words_in_prose_and_page(hostile: Any) -> None:
    text = (await hostile.get(f"{FIRST}.cite.txt")).text
    # A title within a title has the inner marks.
    assert "〈内〉" in text.split("脚注")[1]
    page = await hostile.get(FIRST)
    assert "<script>alert" not in page.text
    tree = html.fromstring(page.text)
    assert len(tree.xpath("//section[@id='cite']//pre")) == 5


@pytest.mark.asyncio
@pytest.mark.parametrize("form", ["bib", "ris", "cite.txt"])
async def test_a_citation_is_always_of_a_version(site: Any, form: str) -> None:
    """The report's own address, a capture and a name in capitals lead to the version's."""
    for asked, target in (
        (f"{REPORT}.{form}", f"{SECOND}.{form}"),
        (f"{REPORT}/{DIGEST_1B[:12]}.{form}", f"{FIRST}.{form}"),
        (f"{REPORT}/{DIGEST_2[:12].upper()}.{form}", f"{SECOND}.{form}"),
        (f"/r/140600-jyold/2021.{form}", f"/r/140600-jyj/2021.{form}"),
    ):
        response = await site.get(asked)
        assert response.status_code in (301, 302)
        assert response.headers["location"] == target
    assert (await site.get(f"{REPORT}/0123456789ab.{form}")).status_code == 404
    assert (await site.get(f"/r/140600-jyj/2015.{form}")).status_code == 410
    headers = (await site.get(f"{SECOND}.{form}")).headers
    assert f"nianbao-140600-jyj-2023-{DIGEST_2[:12]}.{form}" in headers["content-disposition"]


@pytest.mark.asyncio
async def test_the_page_offers_every_way_and_the_downloads_answer(site: Any) -> None:
    tree = html.fromstring((await site.get(REPORT)).text)
    (cite,) = tree.xpath("//section[@id='cite']")
    names = cite.xpath(".//details/summary/text()")
    assert names == ["GB/T 7714—2025", "脚注", "BibTeX", "RIS", "永久网址"]
    texts = cite.xpath(".//pre")
    # Of the current report's page too, every text names the version.
    assert all(SECOND in pre.text for pre in texts)
    assert texts[2].text == (await site.get(f"{SECOND}.bib")).text
    for address in set(cite.xpath(".//a/@href")):
        assert (await site.get(address)).status_code == 200


@pytest.mark.asyncio
async def test_a_citation_stays_what_it_was_when_another_version_comes(tmp_path: Path) -> None:
    folder = build_site(tmp_path)
    texts = []
    for step in ("", "2030-01-01"):
        if step:
            with sqlite3.connect(folder / "nianbao.db") as db:
                db.execute("update reports set published_on = ?, title = '改后'", (step,))
                db.execute(
                    "insert into captures (digest, url, fetched_at, warc_file, offset, "
                    "record_type, version_id) values (?, ?, ?, 'later', 1, 'revisit', ?)",
                    (DIGEST_1, SOURCE, step, FIRST.removeprefix("/r/")),
                )
        datasette = Datasette(config_dir=folder)
        await datasette.invoke_startup()
        texts.append((await datasette.client.get(f"{FIRST}.cite.txt")).text)
    assert texts[0] == texts[1]
