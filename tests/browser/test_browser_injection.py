"""What a hostile portal, file or correction says is text on every page, in every feed and file."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest
from lxml import etree

from tests.browser.hostile_archive import (
    DIGEST,
    YEAR,
    build_hostile_site,
    digests_of,
    issuer_of,
)
from tests.browser.payloads import PAYLOADS
from tests.browser.serving import serving
from tests.browser.watching import Visitor
from tests.portals import trs, web

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
# So much of a text must be shown where pages cut long ones.
ENOUGH = 24
NUMBER = re.compile(r"[+-][0-9,]+(?:\.[0-9]+)?%?")
FORMULA = tuple("=+-@\t\r\n＝＋－＠")
ORIGINAL = f"/r/{issuer_of(0)}/{YEAR}/{DIGEST[:12]}/original"
BODIES = "&".join(f"body={issuer_of(number)}" for number in range(0, 50, 9))
TABLES = (
    *("portals", "visits", "issuers", "issuer_names", "issuer_links", "divisions", "corrections"),
    *("redirects", "reports", "versions", "captures", "damages", "cell_notes", "sections"),
    *("extras", "unused", "findings", "changes", "events", "sightings", "coverage"),
    *("coverage_totals", "portal_health", "measures"),
)
LISTS = (
    *("/", "/changes", "/changes?kind=edited", "/coverage", "/coverage?by=portal", "/about"),
    *("/coverage?by=province", "/coverage?division=32", "/coverage/health", "/data", "/accuracy"),
    "/compare?figure=requests.received_new.total&" + BODIES,
    "/compare?metric=disclosure_rate&level=county",
    "/compare?body=" + quote(PAYLOADS[6]) + "&metric=" + quote(PAYLOADS[0]),
    "/compare?region=" + quote(PAYLOADS[6]) + "&sort=" + quote(PAYLOADS[8]),
    "/coverage?portal=" + quote(PAYLOADS[6]) + "&state=" + quote(PAYLOADS[6]),
    "/nianbao/find_bodies?name=%3C",
    *(f"/nianbao/{table}" for table in TABLES),
    *(f"/nianbao/reports/{issuer_of(number)}~2F{YEAR}" for number in (0, 6, 43)),
)

# What a page of ours never has: markup that is not ours and could act.
STRANGE = """site => {
    const ours = '/static/', found = [];
    for (const e of document.querySelectorAll('*')) {
        const tell = why => found.push(why + ': ' + e.outerHTML.slice(0, 200));
        for (const a of e.attributes) {
            if (/^on/i.test(a.name)) tell('handler');
            if (a.name === 'style' && !e.closest('.board')) tell('style');
            if (a.name === 'srcdoc') tell('srcdoc');
            if (/^(href|src|action|formaction|data|xlink:href|poster)$/i.test(a.name)
                && /^[\\s\\0-\\x1f]*(javascript|vbscript|data):/i.test(a.value)) tell('address');
        }
        const name = e.localName;
        if (name === 'script' && !(e.getAttribute('src') || '').startsWith(ours)
            && !e.src.startsWith(site + ours) && e.type !== 'application/ld+json') tell('script');
        if (name === 'link' && !e.href.startsWith(site + '/')) tell('link');
        if (name === 'form' && !e.action.startsWith(site + '/')) tell('form');
        if (name === 'iframe' && !e.classList.contains('original')) tell('frame');
        if (/^(style|svg|math|object|embed|base|img|video|audio|template|noscript|marquee|animate)$/
            .test(name)) tell('element');
        if (name === 'meta' && e.httpEquiv) tell('meta');
        if (e.autofocus) tell('focus');
    }
    if ('pwned' in window) found.push('a payload ran');
    if (document.cookie || localStorage.length || sessionStorage.length) found.push('storage');
    for (const ld of document.querySelectorAll('script[type="application/ld+json"]')) {
        try { JSON.parse(ld.textContent); } catch (error) { found.push('JSON-LD: ' + error); }
    }
    return found;
}"""


@pytest.fixture(scope="module")
def hostile(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the site in which everything is hostile."""
    with serving(build_hostile_site(tmp_path_factory.mktemp("hostile"))) as address:
        yield address


@pytest.fixture(scope="module")
def reader(browser: Browser, hostile: str) -> Iterator[Visitor]:
    visitor = Visitor(browser, hostile, viewport={"width": 390, "height": 844})
    yield visitor
    visitor.close()


@pytest.fixture(scope="module")
def client(hostile: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hostile, timeout=60, trust_env=False) as found:
        yield found


def plain(text: str) -> str:
    """The letters, digits and signs of a text: what may be lost is blanks and control."""
    kept = (mark for mark in text if unicodedata.category(mark)[0] in "LNPS" and mark != "\ufffd")
    return "".join(kept)


def check(reader: Visitor, path: str, status: int = 200) -> str:
    """Open a page in which all is well, and give its visible letters."""
    reader.open(path, status)
    assert reader.complaints() == [], path
    assert reader.page.evaluate(STRANGE, reader.site) == [], path
    wide = reader.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390, f"{path} is {wide} wide"
    return plain(reader.page.locator("main").inner_text())


numbered = pytest.mark.parametrize("number", range(len(PAYLOADS)))


@numbered
def test_a_payload_is_text_on_every_page_of_its_record(reader: Visitor, number: int) -> None:
    issuer, payload = issuer_of(number), PAYLOADS[number]
    first, second = (digest[:12] for digest in digests_of(number))
    wanted = plain(payload)[:ENOUGH]
    paths = {
        f"/r/{issuer}": 200,
        f"/r/{issuer}/{YEAR}": 200,
        f"/r/{issuer}/{YEAR}/{first}": 200,
        f"/r/{issuer}/{YEAR}/{first}/diff/{second}": 200,
        f"/r/{issuer}/2015": 410,
        f"/coverage/health?portal=p{number}": 200,
        f"/timemap/html/{reader.site}/r/{issuer}/{YEAR}": 200,
    }
    for path, status in paths.items():
        assert wanted in check(reader, path, status), f"{path} does not show {wanted!r}"


@numbered
def test_a_payload_can_be_searched_for(reader: Visitor, number: int) -> None:
    """The box that the reader typed into gives it back as typed, on one line."""
    asked = PAYLOADS[number][:100]
    reader.open("/search?q=" + quote(asked, safe=""))
    assert reader.complaints() == []
    assert reader.page.evaluate(STRANGE, reader.site) == []
    typed = reader.page.locator("main input[name=q]").input_value()
    assert plain(asked)[:ENOUGH] in plain(typed)


@pytest.mark.parametrize("path", LISTS)
def test_lists_show_payloads_as_text(reader: Visitor, path: str) -> None:
    # Values of the address that no page knows are told so, with the status of an error.
    refuses = path.startswith(("/compare?", "/coverage?")) and "%3C" in path
    reader.open(path, 400 if refuses else 200)
    assert reader.complaints() == []
    assert reader.page.evaluate(STRANGE, reader.site) == []


def test_a_chart_names_bodies_as_they_are(reader: Visitor) -> None:
    reader.open("/compare?figure=requests.received_new.total&" + BODIES)
    assert reader.page.locator("figure.chart canvas").count() >= 1
    board = reader.page.locator("figure.chart .board").first
    board.focus()
    told = set()
    for _ in range(0, 50, 9):
        board.press("ArrowRight")
        told.add(plain(reader.page.locator("figure.chart .told").first.inner_text()))
    for number in range(0, 50, 9):
        wanted = plain(PAYLOADS[number])[:ENOUGH]
        assert [text for text in told if text.startswith(wanted)], wanted
    assert reader.complaints() == []
    assert reader.page.evaluate(STRANGE, reader.site) == []


def test_a_draft_full_of_payloads_is_read_as_text(reader: Visitor, tmp_path: Path) -> None:
    report = next(report for report, _ in trs._reports() if report.style == "clean")
    lines = "".join(
        f"<p>{html.escape(text)}</p><table><tr><td>{html.escape(text[:200])}</td><td>5</td></tr></table>"
        for text in PAYLOADS[:-1]
    )
    draft = f"<h1>{report.title}</h1>{web.article(report, ())}<h2>七、{html.escape(PAYLOADS[0])}</h2>{lines}"
    reader.open("/selfcheck")
    reader.page.locator("input[type=file]").set_input_files(
        files=[{"name": PAYLOADS[6], "mimeType": "text/html", "buffer": draft.encode()}]
    )
    reader.page.locator("form.draft button").click()
    reader.page.locator("#verdict").wait_for()
    assert reader.complaints() == []
    assert reader.page.evaluate(STRANGE, reader.site) == []
    assert plain(PAYLOADS[0]) in plain(reader.page.locator("main").inner_text())


@pytest.mark.parametrize("number", [0, 6, 8, 37, 44, 48])
def test_a_title_that_was_typed_in_is_told_as_text(reader: Visitor, number: int) -> None:
    reader.open("/selfcheck")
    reader.page.locator("details summary").first.click()
    reader.page.locator("textarea[name=text]").fill(PAYLOADS[number])
    reader.page.locator("input[name=title]").fill(PAYLOADS[number][:200])
    reader.page.locator("form.draft button").click()
    reader.page.locator("#unread").wait_for()
    assert reader.complaints() == []
    assert reader.page.evaluate(STRANGE, reader.site) == []


# A hostile original: it is shown, and does nothing.

SANDBOXED = re.compile(
    r"sandbox|Content Security Policy|violates the following|Unsafe attempt to load", re.IGNORECASE
)


def outside_the_frame(faults: Iterable[str]) -> list[str]:
    """Faults but for what Chromium says of things it refused to the sandboxed document itself."""
    return [
        fault
        for fault in faults
        if not (fault.startswith("console") and SANDBOXED.search(fault))
        and not (fault.startswith("failed") and fault.endswith((" csp", " origin")))
    ]


@pytest.mark.parametrize("path", [ORIGINAL, f"{ORIGINAL}/raw"])
def test_a_hostile_original_does_nothing(reader: Visitor, path: str) -> None:
    reader.open(path)
    reader.page.wait_for_timeout(1500)  # for what it would do by itself
    at = reader.page.url
    assert at == reader.site + path
    (inside,) = (frame for frame in reader.page.frames if frame.url.endswith("/original/raw"))
    assert inside.locator("#shown").inner_text().startswith("洪泽区民政局")
    assert outside_the_frame(reader.complaints()) == []
    assert reader.context.cookies() == []
    assert len(reader.context.pages) == 1
    assert not reader.page.evaluate("'pwned' in window")
    if path == ORIGINAL:
        assert reader.page.evaluate(STRANGE, reader.site) == []
    # Its links and its form can be pressed, and lead nowhere either.
    for pressed in ("#top", "#blank", "#script", "#send"):
        if path == ORIGINAL:
            inside.locator(pressed).evaluate("e => e.removeAttribute('autofocus')")
            inside.locator(pressed).click(no_wait_after=True)
            reader.page.wait_for_timeout(150)
            assert reader.page.url == at, pressed
            assert len(reader.context.pages) == 1, pressed
    assert outside_the_frame(reader.complaints()) == []


def test_the_frame_grants_nothing(reader: Visitor, client: httpx.Client) -> None:
    reader.open(ORIGINAL)
    frame = reader.page.locator("iframe")
    assert frame.count() == 1
    assert frame.get_attribute("sandbox") == ""
    assert frame.get_attribute("allow") is None
    policy = client.get(f"{ORIGINAL}/raw").headers["content-security-policy"]
    assert policy.split(";")[0] == "sandbox"
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


# Answers for programs.


def answered(client: httpx.Client, path: str) -> httpx.Response:
    answer = client.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:300]}"
    assert "set-cookie" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "text/html" not in answer.headers["content-type"]
    return answer


def feed_of(answer: httpx.Response) -> list[str]:
    """The texts of a feed that is well-formed and has elements of Atom alone."""
    root = etree.fromstring(
        answer.content, etree.XMLParser(resolve_entities=False, no_network=True)
    )
    assert root.getroottree().docinfo.doctype == ""
    for element in root.iter(etree.Element):
        assert str(element.tag).startswith(ATOM), element.tag
    for link in root.iter(f"{ATOM}link"):
        assert re.match(r"https?://127\.0\.0\.1", link.get("href", "")), link.attrib
    return [plain(text) for text in root.itertext()]


def rows_of(answer: httpx.Response) -> list[list[str]]:
    """The lines of a CSV, all of one width."""
    found = list(csv.reader(io.StringIO(answer.text, newline=""), strict=True))
    assert len({len(row) for row in found}) == 1
    return found


def strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for part in value.values() for text in strings_in(part))
    elif isinstance(value, list):
        yield from (text for part in value for text in strings_in(part))


@numbered
def test_files_of_a_record_hold_its_payload(client: httpx.Client, number: int) -> None:
    record = f"/r/{issuer_of(number)}/{YEAR}"
    first, second = (f"{record}/{digest[:12]}" for digest in digests_of(number))
    wanted = plain(PAYLOADS[number])[:ENOUGH]
    for path in (f"/r/{issuer_of(number)}", record, first, f"{first}/diff/{second[-12:]}"):
        told = answered(client, f"{path}.json").json()
        assert any(wanted in plain(text) for text in strings_in(told)), path
        assert len(rows_of(answered(client, f"{path}.csv"))) > 1
        for row in rows_of(answered(client, f"{path}.csv?bom=1")):
            assert [cell for cell in row if runs(cell)] == [], path
    assert any(wanted in text for text in feed_of(answered(client, f"/r/{issuer_of(number)}.atom")))
    ris = answered(client, f"{second}.ris").text
    lines = ris.rstrip("\r\n").splitlines()
    assert all(re.match(r"[A-Z][A-Z0-9]  - ", line + " ") for line in lines), ris
    assert [line[:2] for line in lines].count("TY") == [line[:2] for line in lines].count("ER") == 1
    assert wanted in plain(ris)
    bib = answered(client, f"{second}.bib").text
    assert re.findall(r"^\s*@(\w+)\{([^,]*)", bib, re.MULTILINE) == [
        (bib[1 : bib.index("{")], f"nianbao-{issuer_of(number)}-{YEAR}-{second[-12:]}")
    ]
    assert balanced(bib)
    note = answered(client, f"{second}.cite.txt")
    assert note.headers["content-type"].startswith("text/plain")
    assert not re.search(r"^(Set-Cookie|ER  - |@misc)", note.text, re.MULTILINE)
    mapped = answered(client, f"/timemap/link/{client.base_url}{record}")
    assert len(re.findall(r'rel="[^"]*memento', mapped.text)) == 2
    json.loads(answered(client, f"/timemap/json/{client.base_url}{record}").text)


def runs(cell: str) -> bool:
    """Whether a spreadsheet would take a cell for a formula."""
    return cell.startswith(FORMULA) and not NUMBER.fullmatch(cell)


def balanced(bib: str) -> bool:
    """Whether braces close as they open, as BibTeX reads them: what is escaped counts as well."""
    depth = 0
    for mark in bib:
        depth += {"{": 1, "}": -1}.get(mark, 0)
        if depth < 0:
            return False
    return depth == 0


def test_a_program_gets_cells_as_stored_and_a_spreadsheet_no_formula(client: httpx.Client) -> None:
    """CSV is exact; the variant for spreadsheets (?bom=1) has an apostrophe before formulas."""
    number = next(n for n, text in enumerate(PAYLOADS) if text.startswith("=cmd"))
    record = f"/r/{issuer_of(number)}/{YEAR}/{digests_of(number)[1][:12]}"
    exact = [cell for row in rows_of(answered(client, f"{record}.csv")) for cell in row]
    marked = [cell for row in rows_of(answered(client, f"{record}.csv?bom=1")) for cell in row]
    assert "=cmd|'/C calc'!A0" in exact
    assert "'=cmd|'/C calc'!A0" in marked
    assert "=cmd|'/C calc'!A0" not in marked
    assert marked[0].startswith("\ufeff")


@pytest.mark.parametrize(
    "path",
    [
        "/changes.csv?bom=1",
        "/search.csv?q=%E7%94%B3%E8%AF%B7&bom=1",
        f"/compare.csv?figure=requests.received_new.total&{BODIES}&bom=1",
    ],
)
def test_lists_for_spreadsheets_hold_no_formula(client: httpx.Client, path: str) -> None:
    lines = rows_of(answered(client, path))
    assert len(lines) > 1
    assert [cell for row in lines for cell in row if runs(cell)] == []


def test_lists_for_programs_stay_well_formed(client: httpx.Client) -> None:
    for path in ("/changes", "/coverage", "/coverage/health", "/coverage/portals", "/data"):
        told = answered(client, f"{path}.json").json()
        assert list(strings_in(told))
        assert len(rows_of(answered(client, f"{path}.csv"))) > 1
    for table in TABLES:
        answered(client, f"/nianbao/{table}.json?_shape=objects").json()
        rows_of(answered(client, f"/nianbao/{table}.csv"))
    told = " ".join(feed_of(answered(client, "/changes.atom")))
    assert sum(plain(payload)[:ENOUGH] in told for payload in PAYLOADS) >= 40
    for path in (
        "/sitemap.xml",
        "/sitemap-pages.xml",
        "/sitemap-reports-1.xml",
        "/sitemap-bodies-1.xml",
    ):
        root = etree.fromstring(answered(client, path).content)
        assert {str(element.tag).split("}")[0] + "}" for element in root.iter()} == {SITEMAP}
    etree.fromstring(answered(client, "/opensearch.xml").content)
    assert "\r" not in answered(client, "/robots.txt").text


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_an_address_is_a_payload_too(client: httpx.Client, number: int) -> None:
    """Whatever is asked for, the answer is ours, is typed, and starts no header of its own."""
    asked = quote(PAYLOADS[number][:1000], safe="")
    for path in (
        f"/r/{asked}",
        f"/r/{asked}/2023.json",
        f"/r/{issuer_of(1)}/2023/{asked}",
        f"/search.json?q={asked}",
        f"/suggest?q={asked}",
        f"/compare?body={asked}",
        f"/changes?kind={asked}",
        f"/coverage?division={asked}",
        f"/coverage/health?portal={asked}",
        f"/timemap/link/http://www.example.gov.cn/{asked}",
        f"/timegate/{asked}",
        f"/download/{asked}",
        f"/nianbao/{asked}",
        f"/nianbao/reports?_sort={asked}",
        f"/static/{asked}",
        f"/{asked}",
    ):
        answer = client.get(path, follow_redirects=False)
        assert answer.status_code in (200, 301, 302, 303, 307, 308, 400, 404, 410, 414), (
            f"{path[:200]}: {answer.status_code}"
        )
        assert "set-cookie" not in answer.headers
        assert not re.match(
            r"(?i)(javascript|data|//|/\\|http://hostile)", answer.headers.get("location", "")
        )
        if "text/html" in answer.headers.get("content-type", ""):
            assert "<script>" not in answer.text.lower().replace(" ", "")
            assert not re.search(r"<[a-z]+ [^>]*\son(error|load|focus)=", answer.text)
