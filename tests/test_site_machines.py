"""What machines are told: feeds, sitemaps, robots.txt, typed links, JSON-LD, and how long to keep it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
import pytest_asyncio
import yaml
from datasette.app import Datasette
from lxml import etree, html
from protego import Protego
from pyld import jsonld

from tests.site_fixture import DIGEST_1, DIGEST_2, IMAGE, SCRIPT, SEGMENT, build_site, opened
from tests.test_site_memento import only, parse_links

ROOT = Path(__file__).parent.parent
HERE = "http://localhost"
REPORT = "/r/140600-jyj/2023"
FIRST, SECOND = f"{REPORT}/{DIGEST_1[:12]}", f"{REPORT}/{DIGEST_2[:12]}"
ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_site(tmp_path_factory.mktemp("archive"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return build_site(tmp_path)


@pytest_asyncio.fixture
async def site(unchanged: Path) -> AsyncIterator[Any]:
    yield await opened(unchanged)


# --- typed links ------------------------------------------------------------------------------


def uris(links: Iterable[Any], rel: str) -> list[str]:
    return [link.uri.removeprefix(HERE) for link in links if rel in link.rels]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "cited", "before", "after"),
    [
        (REPORT, SECOND, [FIRST], []),
        (FIRST, FIRST, [], [SECOND]),
        (SECOND, SECOND, [FIRST], []),
    ],
)
async def test_links_between_versions(
    site: Any, path: str, cited: str, before: list[str], after: list[str]
) -> None:
    """RFC 8574 and RFC 5829: what to cite, the newest, the one before, the one after, all."""
    links = parse_links((await site.get(path)).headers["link"])
    assert uris(links, "cite-as") == [cited]
    assert uris(links, "latest-version") == [REPORT]
    assert uris(links, "predecessor-version") == before
    assert uris(links, "successor-version") == after
    assert uris(links, "version-history") == [f"/timemap/link/{HERE}{REPORT}"]
    assert only(links, "version-history").attributes["type"] == "application/link-format"
    assert uris(links, "via") == ["http://jyj.example.gov.cn/2023.html"]
    assert uris(links, "original") == [REPORT]
    for link in links:
        if link.uri.startswith(HERE):
            assert (await site.get(link.uri.removeprefix(HERE))).status_code == 200, link


@pytest.mark.asyncio
async def test_signposts_of_a_version(site: Any) -> None:
    """The FAIR Signposting Profile, level 1: landing page, what describes it, its content."""
    links = parse_links((await site.get(FIRST)).headers["link"])
    assert uris(links, "type") == ["https://schema.org/AboutPage", "https://schema.org/Report"]
    assert uris(links, "author") == ["/r/140600-jyj"]
    described = {link.uri.removeprefix(HERE): link.attributes["type"]
                 for link in links if "describedby" in link.rels}  # fmt: skip
    assert described[f"{FIRST}.json"] == "application/json"
    content = {link.uri.removeprefix(HERE): link.attributes["type"]
               for link in links if "item" in link.rels}  # fmt: skip
    assert content[f"{FIRST}.csv"] == "text/csv"
    assert content[f"{FIRST}/original/raw"] == "text/html"
    for path, kind in {**described, **content}.items():
        answer = await site.get(path)
        assert answer.headers["content-type"].split(";")[0] == kind
        back = parse_links(answer.headers.get("link", ""))
        if path.endswith((".json", ".csv", "/raw")):
            rel = "describes" if path.endswith(".json") else "collection"
            assert uris(back, rel) == [FIRST]
    assert uris(links, "license") == ["https://creativecommons.org/licenses/by/4.0/"]


@pytest.mark.asyncio
async def test_no_licence_is_stated_where_the_metadata_names_none(folder: Path) -> None:
    described = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    del described["license"], described["license_url"]
    (folder / "metadata.json").write_text(json.dumps(described), encoding="utf-8")
    site = await opened(folder)
    links = parse_links((await site.get(FIRST)).headers["link"])
    assert uris(links, "license") == []
    assert all("license" not in block for block in blocks((await site.get("/data")).text))


@pytest.mark.asyncio
async def test_the_licence_that_the_metadata_names(folder: Path) -> None:
    site = await opened(folder)
    links = parse_links((await site.get(FIRST)).headers["link"])
    assert uris(links, "license") == ["https://creativecommons.org/licenses/by/4.0/"]
    for path in (FIRST, "/data"):
        (block,) = blocks((await site.get(path)).text)
        assert block["license"] == "https://creativecommons.org/licenses/by/4.0/"


@pytest.mark.asyncio
async def test_hostile_addresses_stay_within_their_links(site: Any) -> None:
    links = parse_links((await site.get("/r/999999-bad/2022")).headers["link"])
    assert uris(links, "via") == []
    assert uris(links, "cite-as") == ["/r/999999-bad/2022/eeeeeeeeeeee"]


@pytest.mark.asyncio
async def test_a_person_finds_the_versions_addresses(site: Any) -> None:
    page = html.fromstring((await site.get(FIRST)).text)
    (standing,) = page.xpath("//dl//div[@class='standing']")
    assert standing.xpath(".//a/@href") == [
        FIRST,
        REPORT,
        SECOND,
        f"/timemap/html/{HERE}{REPORT}",
    ]
    for path in standing.xpath(".//a/@href"):
        assert (await site.get(path)).status_code == 200
    body = html.fromstring((await site.get("/r/140600-jyj")).text)
    assert "/r/140600-jyj.atom" in body.xpath("//link[@type='application/atom+xml']/@href")


# --- JSON-LD ----------------------------------------------------------------------------------


def blocks(page: str) -> list[dict[str, Any]]:
    found = html.fromstring(page).xpath("//script[@type='application/ld+json']/text()")
    return [json.loads(text) for text in found]


def without_network(url: str, _: Any) -> dict[str, Any]:
    """schema.org's context as far as its vocabulary: terms are its own, addresses are nodes."""
    assert url.rstrip("/") == "https://schema.org"
    nodes = ("url", "isBasedOn", "archivedAt", "contentUrl", "license")
    context = {
        "@vocab": "https://schema.org/",
        "type": "@type",
        "id": "@id",
        **{name: {"@type": "@id"} for name in nodes},
    }
    return {"contextUrl": None, "documentUrl": url, "document": {"@context": context},
            "contentType": "application/ld+json"}  # fmt: skip


def expanded(block: dict[str, Any]) -> dict[str, Any]:
    (node,) = jsonld.expand(block, {"documentLoader": without_network})
    return dict(node)


def values(node: dict[str, Any], name: str) -> list[Any]:
    found = node.get(f"https://schema.org/{name}", [])
    return [item.get("@value", item.get("@id", item)) for item in found]


@pytest.mark.asyncio
async def test_a_version_as_json_ld(site: Any) -> None:
    (block,) = blocks((await site.get(FIRST)).text)
    node = expanded(block)
    assert node["@type"] == ["https://schema.org/Report"]
    assert node["@id"] == f"{HERE}{FIRST}"
    assert values(node, "datePublished") == ["2024-01-20"]
    assert values(node, "dateModified") == ["2024-03-01T18:00:00Z"]
    assert values(node, "isBasedOn") == ["http://jyj.example.gov.cn/2023.html"]
    assert values(node, "version") == ["1"]
    assert values(node, "temporalCoverage") == ["2023"]
    (publisher,) = node["https://schema.org/publisher"]
    assert publisher["@type"] == ["https://schema.org/GovernmentOrganization"]
    assert values(publisher, "name") == ["朔州市教育局"]
    digests = {values(one, "propertyID")[0]: values(one, "value")[0]
               for one in node["https://schema.org/identifier"] if "@value" not in one}  # fmt: skip
    assert digests["sha256"] == DIGEST_1
    assert len(jsonld.to_rdf(block, {"documentLoader": without_network})["@default"]) > 30


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/", "/data"])
async def test_the_archive_as_a_dataset(site: Any, path: str) -> None:
    (block,) = blocks((await site.get(path)).text)
    node = expanded(block)
    assert node["@type"] == ["https://schema.org/Dataset"]
    assert node["@id"] == f"{HERE}/data#dataset"
    assert values(node, "temporalCoverage") == ["2016/2023"]
    assert 50 <= len(values(node, "description")[0]) <= 5000
    (place,) = node["https://schema.org/spatialCoverage"]
    assert values(place, "name") == ["中国"]
    files = node["https://schema.org/distribution"]
    assert files
    for file in files:
        assert file["@type"] == ["https://schema.org/DataDownload"]
        (url,) = values(file, "contentUrl")
        answer = await site.get(url.removeprefix(HERE))
        assert answer.status_code == 200, url
        kind = answer.headers["content-type"].split(";")[0]
        assert values(file, "encodingFormat") == [kind], url


@pytest.mark.asyncio
async def test_hostile_text_stays_inside_the_block(folder: Path) -> None:
    """Whatever a title says, a block is one script, and reads back as the very title."""
    titles = (
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "]]>&\u2028\u2029'\"\\",
        "</SCRIPT >",
    )
    for title in titles:
        with sqlite3.connect(folder / "nianbao.db") as db:
            db.execute(
                "update versions set title = ? where report_id = '140600-jyj/2023'", (title,)
            )
        text = (await (await opened(folder)).get(FIRST)).text
        (block,) = blocks(text)
        assert block["name"] == title
        raw = re.search(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
        assert raw
        assert not re.search("[<>&'\u2028\u2029]", raw[1])
        assert "alert" not in "".join(
            html.fromstring(text).xpath("//script[not(@src)][not(@type)]//text()")
        )


@pytest.mark.asyncio
async def test_the_policy_stands_though_the_page_holds_a_block(site: Any) -> None:
    headers = (await site.get(FIRST)).headers
    assert "unsafe-inline" not in headers["content-security-policy"]


# --- sitemap ----------------------------------------------------------------------------------


def sitemap_of(text: bytes) -> tuple[str, list[tuple[str, str]]]:
    """A sitemap file after the rules of sitemaps.org: its kind, and (address, day) of each entry."""
    assert len(text) <= 50_000_000
    root = etree.fromstring(text)
    kind = root.tag.removeprefix(SITEMAP)
    item = {"urlset": "url", "sitemapindex": "sitemap"}[kind]
    entries = []
    for node in root:
        assert node.tag == SITEMAP + item
        names = [child.tag.removeprefix(SITEMAP) for child in node]
        assert names == ["loc", "lastmod"]
        address, at = (child.text for child in node)
        assert address.startswith(f"{HERE}/")
        assert 12 <= len(address) < 2048
        assert re.fullmatch(r"[A-Za-z0-9:/?#\[\]@!$&'()*+,;=._~%-]+", address)
        datetime.strptime(at, "%Y-%m-%d")
        entries.append((address.removeprefix(HERE), at))
    assert 1 <= len(entries) <= 50_000
    return kind, entries


@pytest.mark.asyncio
async def test_the_sitemap_is_an_index_of_parts_with_days(site: Any) -> None:
    kind, parts = sitemap_of((await site.get("/sitemap.xml")).content)
    assert kind == "sitemapindex"
    assert [path for path, _ in parts] == [
        "/sitemap-pages.xml", "/sitemap-bodies-1.xml", "/sitemap-reports-1.xml"
    ]  # fmt: skip
    # The last event is of 4 March 2024.
    assert [at for _, at in parts[1:]] == ["2024-03-04", "2024-03-04"]
    found = {}
    for path, at in parts:
        answer = await site.get(path)
        assert answer.headers["content-type"] == "application/xml; charset=utf-8"
        kind, entries = sitemap_of(answer.content)
        assert kind == "urlset"
        assert max(day for _, day in entries) == at
        found.update(entries)
    assert found[REPORT] == "2024-03-03"
    assert found["/r/320813-zf/2023"] == "2024-03-03"
    assert found["/r/140600-jyj/2020"] == "2024-03-01"
    assert found["/r/140600-jyj"] == "2024-03-04"
    assert {"/", "/data", "/about"} <= found.keys()
    assert len([path for path in found if path.startswith("/r/")]) == 6 + 3


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "path",
    ["/sitemap-a.xml", "/sitemap-reports-2.xml", "/sitemap-reports-0.xml", "/sitemap-x-1.xml"],
)
async def test_a_part_that_is_not_there(site: Any, path: str) -> None:
    assert (await site.get(path)).status_code == 404


@pytest.mark.asyncio
async def test_a_part_as_it_was_named_once_leads_to_all(site: Any) -> None:
    answer = await site.get("/sitemap-1.xml")
    assert (answer.status_code, answer.headers["location"]) == (301, "/sitemap.xml")


@pytest.mark.asyncio
async def test_a_large_sitemap_is_cut_and_read_by_keys(folder: Path) -> None:
    """25,003 further reports: parts of 10,000, each read from its first key, none walked whole."""
    with sqlite3.connect(folder / "nianbao.db") as db:
        db.executemany(
            "insert into reports (id, issuer_id, year, first_seen) values (?, '320813-zf', 2023, ?)",
            ((f"a{number:05}/2023", "2023-02-01T00:00:00Z") for number in range(25_003)),
        )
    datasette = Datasette(config_dir=folder)
    await datasette.invoke_startup()
    site, database = datasette.client, datasette.get_database("nianbao")
    _, parts = sitemap_of((await site.get("/sitemap.xml")).content)
    names = [path for path, _ in parts if "reports" in path]
    assert names == [f"/sitemap-reports-{number}.xml" for number in (1, 2, 3)]
    asked: list[str] = []
    for _ in range(database.idle.qsize()):
        connection = database.idle.get()
        connection.set_trace_callback(asked.append)
        database.idle.put(connection)
    every = []
    for name in names:
        _, entries = sitemap_of((await site.get(name)).content)
        every += [path for path, _ in entries]
    assert len(every) == len(set(every)) == 25_003 + 6
    assert every == sorted(every)
    assert not [sql for sql in asked if "offset" in sql.lower() or "row_number" in sql]
    with sqlite3.connect(folder / "nianbao.db") as db:
        for sql in asked:
            plan = [row[3] for row in db.execute(f"explain query plan {sql}")]
            assert not [step for step in plan if step.startswith("SCAN")], plan


# --- robots.txt -------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_robots_let_records_in_and_parameters_out(site: Any) -> None:
    rules = Protego.parse((await site.get("/robots.txt")).text)
    for path in (
        "/", "/r/140600-jyj", REPORT, FIRST, f"{REPORT}.json", f"{FIRST}.csv", "/changes",
        "/changes.atom", "/r/140600-jyj.atom", "/compare", "/coverage", "/coverage/health",
        "/data", "/about", "/accuracy", "/selfcheck", "/static/nianbao.css", "/sitemap.xml",
        "/sitemap-reports-1.xml", "/r/140600-original/2023",
    ):  # fmt: skip
        assert rules.can_fetch(HERE + path, "Anybot"), path
    for path in (
        "/changes?kind=edited", "/changes?page=2", "/compare?m=x", "/search", "/search?q=x",
        "/nianbao", "/nianbao.json?sql=select+1", "/nianbao/reports", "/nianbao/reports.csv",
        f"{FIRST}/original", f"{FIRST}/original/raw", f"{FIRST}/original/raw/20240301180005",
        f"{FIRST}/diff/0123456789ab", "/-/versions", "/coverage?division=32", "/?x",
        "/timegate/http://a.example/", "/timemap/link/http://a.example/", "/download/figures.csv",
    ):  # fmt: skip
        assert not rules.can_fetch(HERE + path, "Anybot"), path
    assert list(rules.sitemaps) == [f"{HERE}/sitemap.xml"]


# --- feeds ------------------------------------------------------------------------------------

# RFC 4287 in RELAX NG, in our own words: what this site's feeds may hold and must.
GRAMMAR = """
<grammar xmlns="http://relaxng.org/ns/structure/1.0" ns="http://www.w3.org/2005/Atom"
 datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
<start><element name="feed"><ref name="common"/><interleave>
 <ref name="id"/><ref name="title"/><ref name="updated"/>
 <oneOrMore><ref name="author"/></oneOrMore><oneOrMore><ref name="link"/></oneOrMore>
 <zeroOrMore><ref name="category"/></zeroOrMore><zeroOrMore><ref name="entry"/></zeroOrMore>
</interleave></element></start>
<define name="entry"><element name="entry"><ref name="common"/><interleave>
 <ref name="id"/><ref name="title"/><ref name="updated"/>
 <optional><element name="published"><ref name="moment"/></element></optional>
 <zeroOrMore><ref name="category"/></zeroOrMore><oneOrMore><ref name="link"/></oneOrMore>
 <element name="summary"><ref name="common"/><text/></element>
</interleave></element></define>
<define name="common"><optional><attribute name="xml:lang"><data type="language"/></attribute></optional></define>
<define name="id"><element name="id"><ref name="iri"/></element></define>
<define name="iri"><data type="string"><param name="pattern">[A-Za-z][A-Za-z0-9+.\\-]*:[^\\s&lt;&gt;"{}|\\\\^`]+</param></data></define>
<define name="title"><element name="title"><ref name="common"/><text/></element></define>
<define name="updated"><element name="updated"><ref name="moment"/></element></define>
<define name="moment"><data type="dateTime"><param name="pattern">.+T.+(Z|[+\\-]\\d\\d:\\d\\d)</param></data></define>
<define name="author"><element name="author"><element name="name">
 <data type="string"><param name="minLength">1</param></data></element></element></define>
<define name="category"><element name="category">
 <attribute name="term"><data type="string"><param name="minLength">1</param></data></attribute>
 <optional><attribute name="label"/></optional></element></define>
<define name="link"><element name="link"><attribute name="href"><ref name="iri"/></attribute>
 <attribute name="rel"><choice><value>self</value><value>alternate</value></choice></attribute>
 <attribute name="type"><data type="string"><param name="pattern">[a-z]+/[a-z.+\\-]+</param></data></attribute>
</element></define>
</grammar>
"""


def feed_of(text: bytes) -> Any:
    """A feed after RFC 4287: by the grammar, by what no grammar says, and by another reader."""
    tree = etree.fromstring(text)
    grammar = etree.RelaxNG(etree.fromstring(GRAMMAR))
    assert grammar.validate(tree), grammar.error_log
    ids = [node.text for node in tree.iter(f"{ATOM}id")]
    assert len(set(ids)) == len(ids)
    for holder in (tree, *tree.findall(f"{ATOM}entry")):
        links = [(link.get("rel"), link.get("type")) for link in holder.findall(f"{ATOM}link")]
        assert len(set(links)) == len(links)
    read = feedparser.parse(text)
    assert not read.bozo
    assert len(read.entries) == len(tree.findall(f"{ATOM}entry"))
    newest = [entry.updated_parsed for entry in read.entries]
    assert newest == sorted(newest, reverse=True)
    return tree


def entries_of(tree: Any) -> list[str]:
    return [
        entry.findtext(f"{ATOM}id").removeprefix("tag:nianbao,2026:")
        for entry in tree.findall(f"{ATOM}entry")
    ]


def own_link(tree: Any, rel: str) -> str:
    (found,) = (link.get("href") for link in tree.findall(f"{ATOM}link") if link.get("rel") == rel)
    return str(found).removeprefix(HERE)


OURS = [
    "moved/140600-jyj/2021/2024-03-04",
    f"edited/140600-jyj/2023/{DIGEST_2[:12]}",
    "new/140600-jyj/2023",
    "new/140600-jyj/2021",
    "new/140600-jyj/2020",
    "new/140600-jyj/2016",
]


@pytest.mark.asyncio
async def test_the_feed_of_a_body(site: Any) -> None:
    answer = await site.get("/r/140600-jyj.atom")
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    tree = feed_of(answer.content)
    assert tree.findtext(f"{ATOM}id") == "tag:nianbao,2026:r/140600-jyj"
    assert tree.findtext(f"{ATOM}updated") == "2024-03-04T18:20:00Z"
    assert "朔州市教育局" in tree.findtext(f"{ATOM}title")
    assert own_link(tree, "self") == "/r/140600-jyj.atom"
    assert own_link(tree, "alternate") == "/r/140600-jyj"
    assert entries_of(tree) == OURS
    assert (await site.get("/r/140600-none.atom")).status_code == 404
    assert feed_of((await site.get("/r/999999-bad.atom")).content) is not None


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("query", "name", "entries"),
    [
        ("division=140600", "changes/division/1406", OURS),
        ("division=14", "changes/division/14", OURS),
        ("kind=edited&division=140000", "changes/edited/division/14", OURS[1:2]),
        ("division=11", "changes/division/11", []),
        ("kind=vanished", "changes/vanished", ["vanished/320813-zf/2023/2024-03-03"]),
        ("", "changes", None),
    ],
)
async def test_feeds_of_kinds_and_places(
    site: Any, query: str, name: str, entries: list[str] | None
) -> None:
    answer = await site.get("/changes.atom" + (f"?{query}" if query else ""))
    tree = feed_of(answer.content)
    assert tree.findtext(f"{ATOM}id") == f"tag:nianbao,2026:{name}"
    assert (len(entries_of(tree)) == 9) if entries is None else (entries_of(tree) == entries)
    assert (await site.get(own_link(tree, "self"))).content == answer.content
    assert (await site.get(own_link(tree, "alternate"))).status_code == 200


@pytest.mark.asyncio
async def test_hostile_names_stay_text_in_feeds(folder: Path) -> None:
    with sqlite3.connect(folder / "nianbao.db") as db:
        for text in ("name",):
            db.execute(f"update issuers set {text} = ?", (f"]]>\u0001{SCRIPT}{IMAGE}&amp;",))
        db.execute(
            "update events set url = 'javascript:alert(1)', night = '<x>' where position = 1"
        )
    site = await opened(folder)
    for path in ("/changes.atom", "/r/140600-jyj.atom", "/changes.atom?division=14"):
        tree = feed_of((await site.get(path)).content)
        assert SCRIPT in "".join(tree.itertext())
        assert not [link for link in tree.iter(f"{ATOM}link") if "javascript" in link.get("href")]


# --- how long to keep an answer ---------------------------------------------------------------

KEPT = [
    ("/", 60), ("/r/140600-jyj", 60), (REPORT, 60), (f"{REPORT}.json", 60), (FIRST, 86400),
    (f"{FIRST}.json", 86400), (f"{FIRST}.csv", 86400), ("/changes", 60), ("/changes.atom", 60),
    ("/r/140600-jyj.atom", 60), ("/accuracy", 60), ("/about", 60), ("/sitemap.xml", 3600),
    ("/robots.txt", 3600), (f"/timemap/link/{HERE}{REPORT}", 60), ("/search?q=x", 60),
]  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize(("path", "seconds"), KEPT)
async def test_an_answer_may_be_kept_and_asked_for_again(
    site: Any, path: str, seconds: int
) -> None:
    answer = await site.get(path)
    assert answer.headers["cache-control"] == f"public, max-age={seconds}"
    tag = answer.headers["etag"]
    assert re.fullmatch(r'W/"[0-9a-f]{24}"', tag)
    for condition in (tag, tag.removeprefix("W/"), f'"other", {tag}'):
        again = await site.get(path, headers={"If-None-Match": condition})
        assert again.status_code == 304
        assert again.content == b""
        for name in ("etag", "cache-control", "vary"):
            assert again.headers[name] == answer.headers[name]
        assert "default-src 'none'" in again.headers["content-security-policy"]
    for condition in ("*", '"other"', tag[:-2]):
        assert (await site.get(path, headers={"If-None-Match": condition})).status_code == 200


@pytest.mark.asyncio
async def test_a_conditional_request_asks_nothing_of_the_database(folder: Path) -> None:
    datasette = Datasette(config_dir=folder)
    await datasette.invoke_startup()
    tag = (await datasette.client.get(FIRST)).headers["etag"]

    async def never(*_: Any, **__: Any) -> None:
        raise AssertionError("the database was asked")

    datasette.get_database("nianbao").execute_fn = never
    answer = await datasette.client.get(FIRST, headers={"If-None-Match": tag})
    assert answer.status_code == 304


@pytest.mark.asyncio
async def test_a_tag_is_of_one_address_and_one_snapshot(unchanged: Path, folder: Path) -> None:
    one, other = await opened(unchanged), await opened(folder)
    tag = (await one.get(FIRST)).headers["etag"]
    for site, path in ((one, SECOND), (one, f"{FIRST}?x"), (other, FIRST)):
        answer = await site.get(path, headers={"If-None-Match": tag})
        assert answer.status_code == 200
        assert answer.headers["etag"] != tag


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/nothing", "/r/140600-jyj/2015", f"{REPORT}/0123456789ab"])
async def test_errors_have_no_tag(site: Any, path: str) -> None:
    answer = await site.get(path)
    assert answer.status_code in (404, 410)
    assert "etag" not in answer.headers


@pytest.mark.asyncio
async def test_an_answer_to_a_cookie_is_for_nobody_else(site: Any) -> None:
    answer = await site.get(REPORT, headers={"Cookie": "a=b"})
    assert "no-store" in answer.headers["cache-control"]
    assert "etag" not in answer.headers


@pytest.mark.asyncio
async def test_the_very_bytes_are_kept_for_an_hour(folder: Path) -> None:
    """A strong tag of the digest and the snapshot; and 304 is said without opening the captures."""
    site = await opened(folder)
    path = f"{FIRST}/original/raw"
    answer = await site.get(path)
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["etag"].startswith(f'"{DIGEST_1[:40]}')
    (folder.parent / "warc" / SEGMENT).unlink()
    again = await site.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["etag"] == answer.headers["etag"]
    assert "sandbox" in again.headers["content-security-policy"]
    other = await site.get(
        f"{SECOND}/original/raw", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert other.status_code == 503


@pytest.mark.asyncio
async def test_a_name_that_moved_still_leads_on(site: Any) -> None:
    moved = await site.get("/r/140600-jyold/2021")
    assert (moved.status_code, moved.headers["location"]) == (301, "/r/140600-jyj/2021")
    raw = await site.get(f"/r/140600-jyold/2021/{'a' * 12}/original/raw/20240301180100")
    assert raw.status_code == 301
    assert raw.headers["location"] == f"/r/140600-jyj/2021/{'a' * 12}/original/raw/20240301180100"
    feed = await site.get("/r/140600-jyold.atom")
    assert (feed.status_code, feed.headers["location"]) == (302, "/r/140600-jyj.atom")
    assert (await site.get("/r/140600-jyj/2015")).status_code == 410


# --- CITATION.cff -----------------------------------------------------------------------------


def test_the_citation_file_holds_what_its_format_asks_for() -> None:
    """Citation File Format 1.2.0: the required keys, no key it does not know."""
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert found["cff-version"] == "1.2.0"
    assert found["type"] in ("software", "dataset")
    assert found["title"]
    assert found["message"]
    assert all(author.keys() == {"name"} and author["name"] for author in found["authors"])
    assert found["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    known = {
        "abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi",
        "identifiers", "keywords", "license", "license-url", "message", "preferred-citation",
        "references", "repository", "repository-artifact", "repository-code", "title", "type",
        "url", "version",
    }  # fmt: skip
    assert found.keys() <= known
    assert len(set(found["keywords"])) == len(found["keywords"])
