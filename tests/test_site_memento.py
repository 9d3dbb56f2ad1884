"""Memento (RFC 7089), asked as a client asks: from an original to its TimeGate, a Memento, a map."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from datasette.app import Datasette
from lxml import html

from tests.site_fixture import (
    DIGEST_1,
    DIGEST_1B,
    DIGEST_2,
    DIGEST_PDF,
    PAGE_1,
    PAGE_2,
    build_site,
)

HERE = "http://localhost"
REPORT = f"{HERE}/r/140600-jyj/2023"
FIRST, SECOND = f"{REPORT}/{DIGEST_1[:12]}", f"{REPORT}/{DIGEST_2[:12]}"
PORTAL = "http://jyj.example.gov.cn/2023.html"
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9:/?#\[\]@!$&'()*+,;=._~%-]*")
# RFC 8288: <target> and parameters with a token or a quoted text.
LINK = re.compile(
    r"""\s*<(?P<uri>[^>]*)>(?P<attributes>(?:\s*;\s*[\w!#$&+.^`|~*-]+\s*=\s*"[^"\\]*")*)\s*(?:,|$)"""
)
ATTRIBUTE = re.compile(r';\s*([\w!#$&+.^`|~*-]+)\s*=\s*"([^"\\]*)"')


@dataclass(frozen=True)
class Link:
    uri: str
    rels: tuple[str, ...]
    attributes: dict[str, str]


def parse_links(text: str) -> list[Link]:
    """The links of a header or of an application/link-format document; ValueError for others."""
    found, place = [], 0
    text = text.strip()
    while place < len(text):
        match = LINK.match(text, place)
        if not match:
            raise ValueError(f"no link at {text[place : place + 80]!r}")
        attributes = dict(ATTRIBUTE.findall(match["attributes"]))
        assert URI.fullmatch(match["uri"]), match["uri"]
        rels = tuple(attributes.pop("rel").split())
        assert rels
        found.append(Link(match["uri"], rels, attributes))
        place = match.end()
    return found


def only(links: list[Link], rel: str) -> Link:
    (found,) = (link for link in links if rel in link.rels)
    return found


def mementos(links: list[Link]) -> list[tuple[str, str]]:
    return [(link.uri, link.attributes["datetime"]) for link in links if "memento" in link.rels]


def http_date(text: str) -> str:
    """An ISO time in UTC as an HTTP date, by the standard library and not by the site."""
    return format_datetime(datetime.fromisoformat(text.replace("Z", "+00:00")), usegmt=True)


class Client:
    """A Memento client after RFC 7089, section 4: it believes nothing that it can check."""

    def __init__(self, site: Any) -> None:
        self.site = site

    async def get(self, uri: str, moment: str | None = None) -> httpx.Response:
        assert uri.startswith(HERE)
        headers = {"Accept-Datetime": moment} if moment else {}
        found: httpx.Response = await self.site.get(uri.removeprefix(HERE), headers=headers)
        return found

    async def timegate_of(self, original: str) -> str:
        """What the Original Resource says its TimeGate is; of a portal's, the archive's own."""
        if not original.startswith(HERE):
            return f"{HERE}/timegate/{original}"
        answer = await self.get(original)
        assert answer.status_code == 200
        assert "memento-datetime" not in answer.headers
        assert "accept-datetime" in answer.headers["vary"].lower()
        links = parse_links(answer.headers["link"])
        assert only(links, "original").uri == original
        return only(links, "timegate").uri

    async def negotiate(self, original: str, moment: str | None) -> httpx.Response:
        """The Memento the TimeGate of an original leads to, both answers checked."""
        gate = await self.timegate_of(original)
        turn = await self.get(gate, moment)
        if turn.status_code == 200:
            raise AssertionError("a TimeGate of pattern 1 redirects")
        assert turn.status_code == 302
        assert "accept-datetime" in turn.headers["vary"].lower()
        assert "memento-datetime" not in turn.headers
        told = parse_links(turn.headers["link"])
        assert only(told, "original").uri == original
        timemap = only(told, "timemap")
        assert timemap.attributes["type"] == "application/link-format"
        chosen = turn.headers["location"]
        assert chosen in dict(mementos(told))
        memento = await self.get(chosen)
        assert memento.status_code == 200
        links = parse_links(memento.headers["link"])
        assert only(links, "original").uri == original
        assert only(links, "timegate").uri == gate
        assert only(links, "timemap").uri == timemap.uri
        assert memento.headers["memento-datetime"] == dict(mementos(links))[chosen]
        assert dict(mementos(told))[chosen] == memento.headers["memento-datetime"]
        return memento

    async def timemap(self, original: str) -> list[Link]:
        """The links of the TimeMap, checked against the rules of section 5 and its Mementos."""
        answer = await self.get(f"{HERE}/timemap/link/{original}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].split(";")[0] == "application/link-format"
        links = parse_links(answer.text)
        own = only(links, "self")
        assert own.uri == f"{HERE}/timemap/link/{original}"
        listed = mementos(links)
        moments = [datetime.strptime(at, "%a, %d %b %Y %H:%M:%S GMT") for _, at in listed]
        assert moments == sorted(moments)
        assert own.attributes["from"] == listed[0][1]
        assert own.attributes["until"] == listed[-1][1]
        assert only(links, "first").uri == listed[0][0]
        assert only(links, "last").uri == listed[-1][0]
        assert len(dict(listed)) == len(listed)
        return links


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return build_site(tmp_path)


async def opened(folder: Path) -> Client:
    site = Datasette(config_dir=folder)
    await site.invoke_startup()
    return Client(site.client)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_site(tmp_path_factory.mktemp("archive"))


@pytest_asyncio.fixture
async def client(unchanged: Path) -> AsyncIterator[Client]:
    yield await opened(unchanged)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("moment", "version"),
    [
        (None, None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", FIRST),  # before the first: the first
        ("Fri, 01 Mar 2024 17:59:59 GMT", FIRST),
        ("Fri, 01 Mar 2024 18:00:00 GMT", FIRST),
        ("Sun, 03 Mar 2024 17:59:59 GMT", FIRST),
        ("Sun, 03 Mar 2024 18:00:00 GMT", SECOND),
        ("Fri, 31 Dec 9999 23:59:59 GMT", SECOND),  # after the last: the last
    ],
)
async def test_a_report_as_it_was_at_a_time(
    client: Client, moment: str | None, version: str | None
) -> None:
    if moment is None:
        # Without a time the report itself answers, and not with a Memento.
        answer = await client.get(REPORT)
        assert answer.status_code == 200
        assert "memento-datetime" not in answer.headers
        return
    memento = await client.negotiate(REPORT, moment)
    assert str(memento.url) == version
    first, second = "Fri, 01 Mar 2024 18:00:00 GMT", "Sun, 03 Mar 2024 18:00:00 GMT"
    assert memento.headers["memento-datetime"] == (first if version == FIRST else second)


@pytest.mark.asyncio
async def test_the_timemap_of_a_report(client: Client) -> None:
    links = await client.timemap(REPORT)
    assert only(links, "original").uri == REPORT
    assert only(links, "timegate").uri == REPORT
    assert mementos(links) == [
        (FIRST, "Fri, 01 Mar 2024 18:00:00 GMT"),
        (SECOND, "Sun, 03 Mar 2024 18:00:00 GMT"),
    ]
    for uri, moment in mementos(links):
        answer = await client.get(uri)
        assert answer.headers["memento-datetime"] == moment
        assert str((await client.negotiate(REPORT, moment)).url) == uri


@pytest.mark.asyncio
async def test_a_version_names_its_neighbours(client: Client) -> None:
    links = parse_links((await client.get(FIRST)).headers["link"])
    assert only(links, "first").uri == FIRST
    assert only(links, "next").uri == SECOND
    assert only(links, "last").uri == SECOND
    assert not [link for link in links if "prev" in link.rels]
    assert only(parse_links((await client.get(SECOND)).headers["link"]), "prev").uri == FIRST


@pytest.mark.asyncio
async def test_a_content_that_came_back_stands_again(folder: Path) -> None:
    """First content, second, the first again: what is asked is what stood, not what was last new."""
    with sqlite3.connect(folder / "nianbao.db") as db:
        first, second = (uri.removeprefix(f"{HERE}/r/") for uri in (FIRST, SECOND))
        db.execute(
            "insert into events (report_id, position, kind, at, night, version_id, from_version) "
            "values ('140600-jyj/2023', 3, 'edited', '2024-03-05T18:00:00Z', '2024-03-05', ?, ?)",
            (first, second),
        )
        db.execute("update reports set current_version = ? where id = '140600-jyj/2023'", (first,))
    client = await opened(folder)
    for moment, version in (
        ("2024-03-02T00:00:00Z", FIRST),
        ("2024-03-03T18:00:00Z", SECOND),
        ("2024-03-05T17:59:59Z", SECOND),
        ("2024-03-05T18:00:00Z", FIRST),
        ("2030-01-01T00:00:00Z", FIRST),
    ):
        assert str((await client.negotiate(REPORT, http_date(moment))).url) == version
    assert [uri for uri, _ in mementos(await client.timemap(REPORT))] == [FIRST, SECOND]


@pytest.mark.asyncio
async def test_what_only_another_address_showed_never_stood(folder: Path) -> None:
    """A third content, met at another site while the report's page shows the second: it is in the
    map, its own moment leads to it, and any later one to what the page shows."""
    third = "140600-jyj/2023/abcabcabcabc"
    with sqlite3.connect(folder / "nianbao.db") as db:
        db.execute(
            "insert into versions (id, report_id, number, first_seen, last_seen, title, form) "
            "values (?, '140600-jyj/2023', 3, '2024-03-06T18:00:00Z', '2024-03-06T18:00:00Z', "
            "'x', '2021')",
            (third,),
        )
    client = await opened(folder)
    assert len(mementos(await client.timemap(REPORT))) == 3
    for moment, version in (
        ("2024-03-06T18:00:00Z", f"{HERE}/r/{third}"),
        ("2024-03-06T18:00:01Z", SECOND),
        ("2024-03-06T17:59:59Z", SECOND),
    ):
        assert str((await client.negotiate(REPORT, http_date(moment))).url) == version


def raw(digest: str, stamp: str) -> str:
    return f"{REPORT}/{digest[:12]}/original/raw/{stamp}"


CAPTURES = [
    (raw(DIGEST_1, "20240301180005"), "Fri, 01 Mar 2024 18:00:05 GMT"),
    (raw(DIGEST_1B, "20240302180005"), "Sat, 02 Mar 2024 18:00:05 GMT"),
    (raw(DIGEST_2, "20240303180005"), "Sun, 03 Mar 2024 18:00:05 GMT"),
    (raw(DIGEST_2, "20240304180005"), "Mon, 04 Mar 2024 18:00:05 GMT"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("moment", "place"),
    [
        (None, 3),
        ("Thu, 01 Jan 2009 00:00:00 GMT", 0),
        ("Fri, 01 Mar 2024 18:00:05 GMT", 0),
        ("Sat, 02 Mar 2024 18:00:04 GMT", 0),
        ("Sat, 02 Mar 2024 18:00:05 GMT", 1),
        ("Sun, 03 Mar 2024 20:00:00 GMT", 2),
        ("Tue, 01 Jan 2030 00:00:00 GMT", 3),
    ],
)
async def test_a_portals_page_as_it_was_received(
    client: Client, moment: str | None, place: int
) -> None:
    memento = await client.negotiate(PORTAL, moment)
    uri, at = CAPTURES[place]
    assert str(memento.url) == uri
    assert memento.headers["memento-datetime"] == at
    links = parse_links(memento.headers["link"])
    assert only(links, "first").uri == CAPTURES[0][0]
    assert only(links, "last").uri == CAPTURES[-1][0]
    if place:
        assert only(links, "prev").uri == CAPTURES[place - 1][0]
    if place < 3:
        assert only(links, "next").uri == CAPTURES[place + 1][0]
    assert memento.content == (PAGE_1 if place == 0 else PAGE_2 if place > 1 else memento.content)


@pytest.mark.asyncio
async def test_the_timemap_of_a_portals_page(client: Client) -> None:
    links = await client.timemap(PORTAL)
    assert only(links, "original").uri == PORTAL
    assert only(links, "timegate").uri == f"{HERE}/timegate/{PORTAL}"
    assert mementos(links) == CAPTURES
    for uri, at in CAPTURES:
        assert (await client.get(uri)).headers["memento-datetime"] == at


@pytest.mark.asyncio
async def test_an_original_without_a_time_is_its_first_capture(client: Client) -> None:
    answer = await client.get(f"{REPORT}/{DIGEST_2[:12]}/original/raw")
    assert answer.headers["memento-datetime"] == CAPTURES[2][1]
    assert answer.headers["content-location"] == CAPTURES[2][0].removeprefix(HERE)
    assert (await client.get(raw(DIGEST_2, "20240305180005"))).status_code == 404


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "spelling",
    [
        "https://jyj.example.gov.cn/2023.html",
        "http:/jyj.example.gov.cn/2023.html",
        "HTTP://JYJ.Example.gov.cn/2023.html",
        "http://jyj.example.gov.cn:80/2023.html",
        "http://jyj.example.gov.cn/2023.html/",
    ],
)
async def test_an_address_in_another_spelling(client: Client, spelling: str) -> None:
    answer = await client.get(f"{HERE}/timemap/link/{spelling}")
    links = parse_links(answer.text)
    assert only(links, "original").uri == PORTAL
    assert mementos(links) == CAPTURES
    gate = await client.get(f"{HERE}/timegate/{spelling}", CAPTURES[1][1])
    assert gate.headers["location"] == CAPTURES[1][0]


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["timegate", "timemap/link", "timemap/json", "timemap/html"])
@pytest.mark.parametrize(
    "uri",
    [
        "http://jyj.example.gov.cn/2023.htm",
        "http://jyj.example.gov.cn/2023.html?page=1",
        "http://[",
        "http://",
        f"{HERE}/r/140600-jyj/1999",
        f"{HERE}/about",
        "http://jyj.example.gov.cn/" + "x" * 5000,
        "javascript:alert(6)",
        "%00",
    ],
)
async def test_an_address_that_is_not_known(client: Client, kind: str, uri: str) -> None:
    answer = await client.site.get(f"/{kind}/{uri}")
    assert answer.status_code == 404
    assert "memento-datetime" not in answer.headers


@pytest.mark.asyncio
async def test_an_address_has_its_own_query(folder: Path) -> None:
    with sqlite3.connect(folder / "nianbao.db") as db:
        db.execute("update captures set url = url || '?id=7&n=%E4%B8%AD' where url = ?", (PORTAL,))
    client = await opened(folder)
    uri = f"{PORTAL}?id=7&n=%E4%B8%AD"
    assert mementos(await client.timemap(uri)) == CAPTURES
    assert str((await client.negotiate(uri, CAPTURES[0][1])).url) == CAPTURES[0][0]
    assert (await client.get(f"{HERE}/timemap/link/{PORTAL}")).status_code == 404


@pytest.mark.asyncio
async def test_an_address_that_is_no_uri_is_asked_for_as_its_map_spells_it(client: Client) -> None:
    """A captured address with a quotation mark, Chinese and a mark that turns writing around."""
    stored = 'http://jyj.example.gov.cn/a/..%2f..%2f"附件\u202e.pdf'
    spelled = quote(stored, safe=":/%.")
    assert '"' not in spelled
    links = await client.timemap(spelled)
    assert only(links, "original").uri == spelled
    ((uri, at),) = mementos(links)
    assert uri == raw(DIGEST_PDF, "20240303180009")
    memento = await client.get(uri)
    assert memento.headers["memento-datetime"] == at == "Sun, 03 Mar 2024 18:00:09 GMT"
    assert only(parse_links(memento.headers["link"]), "original").uri == spelled


@pytest.mark.asyncio
@pytest.mark.parametrize("original", [REPORT, PORTAL])
@pytest.mark.parametrize(
    "moment",
    [
        "yesterday",
        "2024-03-01T18:00:00Z",
        "Fri, 1 Mar 2024 18:00:00 GMT",
        "Fri, 01 Mar 2024 18:00:00 +0800",
        "Fri, 01 Mar 2024 18:00 GMT",
        "Mon, 01 Mar 2024 18:00:00 GMT",  # it was a Friday
        "Fri, 30 Feb 2024 18:00:00 GMT",
        "Fri, 01 Mar 2024 25:00:00 GMT",
        "fri, 01 mar 2024 18:00:00 gmt",
        "Sat, 01 Jan 0000 00:00:00 GMT",
    ],
)
async def test_a_time_that_is_none_is_refused(client: Client, original: str, moment: str) -> None:
    gate = await client.timegate_of(original)
    answer = await client.get(gate, moment)
    assert answer.status_code == 400
    assert "accept-datetime" in answer.headers["vary"].lower()
    assert only(parse_links(answer.headers["link"]), "original").uri == original


@pytest.mark.asyncio
@pytest.mark.parametrize("original", [REPORT, PORTAL])
async def test_a_client_may_only_look_at_the_head(client: Client, original: str) -> None:
    gate = (await client.timegate_of(original)).removeprefix(HERE)
    asked = {"Accept-Datetime": CAPTURES[0][1]}
    head, whole = [
        await client.site.request(method, gate, headers=asked) for method in ("HEAD", "GET")
    ]
    assert head.status_code == whole.status_code == 302
    for name in ("link", "location", "vary"):
        assert head.headers[name] == whole.headers[name]
    memento = await client.site.head(head.headers["location"].removeprefix(HERE))
    assert memento.status_code == 200
    assert memento.headers["memento-datetime"]


@pytest.mark.asyncio
@pytest.mark.parametrize("original", [REPORT, PORTAL])
async def test_the_timemap_as_json_and_as_a_page(client: Client, original: str) -> None:
    links = mementos(await client.timemap(original))
    found = (await client.get(f"{HERE}/timemap/json/{original}")).json()
    assert found["original_uri"] == original
    assert found["timegate_uri"] == await client.timegate_of(original)
    assert [(m["uri"], http_date(m["datetime"])) for m in found["mementos"]["list"]] == links
    assert found["mementos"]["first"]["uri"] == links[0][0]
    assert found["mementos"]["last"]["uri"] == links[-1][0]
    answer = await client.get(f"{HERE}/timemap/html/{original}")
    page = html.fromstring(answer.text)
    assert original in page.text_content()
    shown = [f"{HERE}{path}" for path in page.xpath("//table//td[2]/a/@href")]
    assert shown == [uri for uri, _ in links]


@pytest.mark.asyncio
async def test_a_long_history_comes_in_parts(folder: Path) -> None:
    """5,001 captures of one address: two TimeMaps that name each other and share nothing."""
    start = datetime(2010, 1, 1, tzinfo=UTC)
    with sqlite3.connect(folder / "nianbao.db") as db:
        version = SECOND.removeprefix(f"{HERE}/r/")
        db.executemany(
            "insert into captures (digest, url, fetched_at, warc_file, offset, record_type, "
            "version_id) values (?, 'http://long.example.gov.cn/', ?, 'long', ?, 'response', ?)",
            (
                (f"{i:064x}"[::-1], f"{start + timedelta(days=i):%Y-%m-%dT%H:%M:%SZ}", i, version)
                for i in range(5001)
            ),
        )
    client = await opened(folder)
    uri = "http://long.example.gov.cn/"
    parts = []
    for part in ("", "2/"):
        answer = await client.get(f"{HERE}/timemap/link/{part}{uri}")
        parts.append(parse_links(answer.text))
    assert [len(mementos(links)) for links in parts] == [5000, 1]
    assert only(parts[0], "timemap").uri == f"{HERE}/timemap/link/2/{uri}"
    assert only(parts[1], "timemap").uri == f"{HERE}/timemap/link/{uri}"
    assert mementos(parts[0])[0][1] == "Fri, 01 Jan 2010 00:00:00 GMT"
    # 5,000 days after 2010-01-01.
    assert mementos(parts[1])[0][1] == "Sun, 10 Sep 2023 00:00:00 GMT"
    assert not [link for link in parts[0] if "last" in link.rels]
    assert not [link for link in parts[1] if "first" in link.rels]
    assert (await client.get(f"{HERE}/timemap/link/3/{uri}")).status_code == 404
    gate = await client.get(f"{HERE}/timegate/{uri}", "Mon, 04 Jan 2010 12:00:00 GMT")
    assert gate.headers["location"].endswith("/20100104000000")


@pytest.mark.asyncio
async def test_moments_that_are_none_are_left_out(folder: Path) -> None:
    with sqlite3.connect(folder / "nianbao.db") as db:
        db.execute(
            "update versions set first_seen = 'soon' where id like '%/2023/%' and number = 2"
        )
        db.execute("update captures set fetched_at = null where fetched_at like '2024-03-02%'")
    client = await opened(folder)
    assert [uri for uri, _ in mementos(await client.timemap(REPORT))] == [FIRST]
    assert "memento-datetime" not in (await client.get(SECOND)).headers
    assert len(mementos(await client.timemap(PORTAL))) == 3


@pytest.mark.asyncio
async def test_a_memento_is_found_by_an_index(folder: Path) -> None:
    """No TimeGate and no TimeMap walks the captures: a million of them must not matter."""
    site = Datasette(config_dir=folder)
    await site.invoke_startup()
    database = site.get_database("nianbao")
    asked: list[str] = []
    for _ in range(database.idle.qsize()):
        connection = database.idle.get()
        connection.set_trace_callback(asked.append)
        database.idle.put(connection)
    client = Client(site.client)
    await client.negotiate(PORTAL, CAPTURES[1][1])
    await client.timemap(PORTAL)
    await client.negotiate(REPORT, CAPTURES[1][1])
    queries = [sql for sql in asked if "captures" in sql]
    assert queries
    with sqlite3.connect(folder / "nianbao.db") as db:
        for sql in queries:
            plan = [row[3] for row in db.execute(f"explain query plan {sql}")]
            assert not [step for step in plan if re.match(r"SCAN (captures|versions)", step)], plan
