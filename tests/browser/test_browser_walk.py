"""Every page of the public archive in a real browser, on an archive of the example portals."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pypdfium2
import pytest

from tests.browser.walked_pages import PAGES, WITHDRAWN, Walked, facts
from tests.browser.watching import MISSING, Visitor, path_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
A4_PIXELS = 718  # between the margins the stylesheet asks for, at 96 to the inch
GRAVE = ("serious", "critical")
# Skip link, name, search and its button, eight columns, four links at the foot.
LEAST_STOPS = 12
MOST_STOPS = 400
MOST_IN_FRAME = 60
# Beside those that rest on colours only what a reader meets is asked in the dark.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}

# Links to places of the same page that are not there.
DANGLING = """() => [...document.querySelectorAll('a[href^="#"]')].map(a => a.hash.slice(1))
    .filter(id => id && !document.getElementById(decodeURIComponent(id)))"""
# What moves although the reader asked for stillness.
MOVING = """() => [...document.querySelectorAll('*')].filter(e => {
        const style = getComputedStyle(e);
        return e.getAnimations().length || style.animationName !== 'none'
            || style.scrollBehavior === 'smooth'
            || style.transitionDuration.split(',').some(d => parseFloat(d) > 0);
    }).map(e => e.outerHTML.slice(0, 120))"""

every_page = pytest.mark.parametrize("walked", PAGES, ids=lambda walked: walked.name)


@pytest.fixture(scope="module")
def known(archive: Path, site: str) -> dict[str, str]:
    return {**facts(archive / "site" / "nianbao.db"), "site": site}


@pytest.fixture(scope="module")
def desk(browser: Browser, site: str) -> Iterator[Visitor]:
    visitor = Visitor(browser, site, viewport=WIDE, color_scheme="light")
    yield visitor
    visitor.close()


@pytest.fixture(scope="module")
def phone(browser: Browser, site: str) -> Iterator[Visitor]:
    visitor = Visitor(
        browser,
        site,
        viewport=PHONE,
        is_mobile=True,
        has_touch=True,
        device_scale_factor=2,
        color_scheme="light",
    )
    yield visitor
    visitor.close()


@pytest.fixture(scope="module")
def scriptless(browser: Browser, site: str) -> Iterator[Visitor]:
    visitor = Visitor(browser, site, viewport=WIDE, java_script_enabled=False)
    yield visitor
    visitor.close()


def opened(visitor: Visitor, walked: Walked, known: dict[str, str]) -> None:
    visitor.page.emulate_media(media="screen", color_scheme="light", reduced_motion="no-preference")
    visitor.open(walked.path.format(**known), walked.status)


def faults_of_access(visitor: Visitor, options: dict[str, Any]) -> list[str]:
    """What axe-core finds serious or critical, with the first element of each."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=MISSING).Axe()
    found = axe.run(visitor.page, options={"resultTypes": ["violations"], **options}).response
    assert found["passes"], "axe-core looked at nothing"
    return [
        f"{fault['id']} ({fault['impact']}, {len(fault['nodes'])}): {fault['nodes'][0]['html'][:300]}"
        f" {fault['nodes'][0]['failureSummary']}"
        for fault in found["violations"]
        if fault["impact"] in GRAVE
    ]


@every_page
def test_a_page_is_whole_accessible_and_quiet(
    desk: Visitor, known: dict[str, str], walked: Walked
) -> None:
    opened(desk, walked, known)
    page = desk.page
    assert desk.complaints() == []
    assert walked.says.format(**known) in page.locator("main").inner_text()
    assert page.locator("h1:visible").count() == 1
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.title().strip(" ·")
    assert page.locator("figure.chart canvas").count() >= walked.charts
    assert wider_than(desk, WIDE["width"]) == []
    assert page.evaluate(DANGLING) == []
    assert faults_of_access(desk, {}) == []
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert page.evaluate(MOVING) == []
    assert luminance(page.evaluate("getComputedStyle(document.body).backgroundColor")) < 0.1
    assert faults_of_access(desk, COLOURS) == []
    assert desk.complaints() == []


def luminance(colour: str) -> float:
    """How bright a CSS colour rgb(…) is, from 0 to 1."""
    red, green, blue = (int(part) / 255 for part in re.findall(r"\d+", colour)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def wider_than(visitor: Visitor, width: int) -> list[str]:
    """What makes the page scroll sideways: the elements that stick out, outside scrolled boxes."""
    found: list[str] = visitor.page.evaluate(
        """width => {
            if (document.documentElement.scrollWidth <= width) return [];
            const scrolls = e => e && (/auto|scroll|hidden|clip/.test(getComputedStyle(e).overflowX)
                && e !== document.body && e !== document.documentElement || scrolls(e.parentElement));
            return ['page ' + document.documentElement.scrollWidth].concat(
                [...document.querySelectorAll('body *')]
                .filter(e => e.getBoundingClientRect().right > width + 1 && !scrolls(e.parentElement))
                .slice(0, 5).map(e => e.outerHTML.slice(0, 120)));
        }""",
        width,
    )
    return found


@every_page
def test_a_page_fits_a_phone(phone: Visitor, known: dict[str, str], walked: Walked) -> None:
    opened(phone, walked, known)
    assert wider_than(phone, PHONE["width"]) == []
    assert phone.page.locator("nav.site a:visible").count() == 8
    assert phone.page.locator("h1:visible").count() == 1
    assert phone.complaints() == []


@every_page
def test_a_page_prints(desk: Visitor, known: dict[str, str], walked: Walked) -> None:
    opened(desk, walked, known)
    page = desk.page
    heading = page.locator("h1").first.inner_text()
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": A4_PIXELS, "height": 1000})
    try:
        for hidden in ("nav.site", "header.site form", ".skip"):
            assert page.locator(f"{hidden}:visible").count() == 0, hidden
        assert luminance(page.evaluate("getComputedStyle(document.body).backgroundColor")) > 0.99
        document = pypdfium2.PdfDocument(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    finally:
        page.set_viewport_size(WIDE)
    text = "".join(sheet.get_textpage().get_text_range() for sheet in document)
    assert squeezed(heading) in squeezed(text)
    assert document[0].get_size() == pytest.approx((595, 842), abs=1)


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


@every_page
def test_a_page_tells_everything_without_scripts(
    desk: Visitor, scriptless: Visitor, known: dict[str, str], walked: Walked
) -> None:
    """Every text that a browser with scripts has is there without, but for what they add."""
    opened(desk, walked, known)
    scriptless.open(walked.path.format(**known), walked.status)
    # A chart's drawing, legend and spoken numbers, the word before its table, buttons to copy.
    added = ".board, .told, .chart-legend, .chart details > summary, button.copy"
    texts = """added => [...document.querySelector('main').querySelectorAll('*')]
        .filter(e => !added || !e.closest(added))
        .flatMap(e => [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()))
        .filter(Boolean)"""
    wanted = desk.page.evaluate(texts, added)
    assert wanted
    assert scriptless.page.evaluate(texts, "") == wanted
    assert scriptless.page.locator("canvas").count() == 0
    for table in scriptless.page.locator("figure.chart table").all():
        assert table.is_visible()
    assert scriptless.complaints() == []


# Notes every element that gets the focus, and whether a reader sees that it has it.
FOLLOW_FOCUS = """() => {
    window.stops = [];
    document.addEventListener('focusin', event => {
        const e = event.target, style = getComputedStyle(e), box = e.getBoundingClientRect();
        const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1
            || style.boxShadow !== 'none';
        window.stops.push({
            what: e.outerHTML.slice(0, 160), ring, shown: box.width > 0 && box.height > 0,
            inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
        });
        e.dataset.met = '1';
    });
}"""
# What a reader can act on: shown, not disabled; of radio buttons of one name only one takes the
# focus, and of a frame what is in it.
CONTROLS = """() => [...document.querySelectorAll(
        'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
    .filter(e => !e.disabled && e.type !== 'radio' && e.checkVisibility({visibilityProperty: true}))"""


@every_page
def test_a_page_works_by_keyboard(desk: Visitor, known: dict[str, str], walked: Walked) -> None:
    """Tab meets the skip link first, then every control, and one always sees where one is."""
    opened(desk, walked, known)
    page = desk.page
    page.evaluate(FOLLOW_FOCUS)
    unmet = f"({CONTROLS})().filter(e => !e.dataset.met).map(e => e.outerHTML.slice(0, 160))"
    controls = len(page.evaluate(unmet))
    assert controls > LEAST_STOPS
    for _ in range(min(controls, MOST_STOPS)):
        page.keyboard.press("Tab")
    # What is in a frame takes the focus as well, and is not ours to count.
    for _ in range(len(page.frames[1:]) * MOST_IN_FRAME):
        if not page.evaluate(unmet):
            break
        page.keyboard.press("Tab")
    stops = page.evaluate("window.stops")
    assert "跳到正文" in stops[0]["what"]
    assert [stop["what"] for stop in stops if not stop["ring"]] == []
    assert [stop["what"] for stop in stops if not (stop["shown"] and stop["inside"])] == []
    assert len(page.evaluate(unmet)) <= max(controls - MOST_STOPS, 0)


def tab_to(visitor: Visitor, selector: str) -> None:
    """Press Tab until what a selector names has the focus. AssertionError where that never is."""
    for _ in range(LEAST_STOPS):
        visitor.page.keyboard.press("Tab")
        if visitor.page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not reach {selector}")


def test_enter_follows_the_skip_link_the_navigation_and_a_search(desk: Visitor) -> None:
    desk.page.emulate_media(media="screen", color_scheme="light")
    desk.open("/changes")
    page = desk.page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    desk.open("/changes")
    tab_to(desk, "nav.site a[href='/coverage']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/coverage")
    assert page.locator("nav.site [aria-current=page]").inner_text() == "覆盖"
    desk.open("/about")
    tab_to(desk, "header input[name=q]")
    page.keyboard.type("教育局")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=*")
    assert "北原市教育局" in page.locator("main").inner_text()
    assert desk.complaints() == []


def test_a_reader_goes_from_a_search_to_the_edited_cell_by_keyboard(
    desk: Visitor, known: dict[str, str]
) -> None:
    """Home, search, report, versions, difference: each by links that a reader sees."""
    page = desk.page
    desk.open("/")
    page.locator("main input[name=q]").first.focus()
    page.keyboard.type("北原市教育局 2023")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=*")
    page.locator('main a[href^="/r/411900-jyj/2023"]').first.press("Enter")
    page.wait_for_url("**/r/411900-jyj/2023**")
    page.locator(f'a[href$="{known["first"]}/diff/{known["second_digest"]}"]').first.press("Enter")
    page.wait_for_url("**/diff/**")
    assert "本年新收" in page.locator("main").inner_text()
    assert desk.complaints() == []


def test_details_open_by_keyboard(desk: Visitor) -> None:
    desk.open("/r/411900-jyj")
    summary = desk.page.locator("figure.chart details summary").first
    table = desk.page.locator("figure.chart details table").first
    assert not table.is_visible()
    summary.press("Enter")
    assert table.is_visible()
    summary.press("Enter")
    assert not table.is_visible()


def test_a_chart_is_read_by_arrow_keys(desk: Visitor) -> None:
    desk.open("/r/411900-jyj")
    board = desk.page.locator("figure.chart .board").first
    board.focus()
    board.press("ArrowRight")
    told = desk.page.locator("figure.chart .told").first.inner_text()
    assert re.match(r"\d{4}：", told), told


def test_a_table_wider_than_a_phone_says_so_until_its_end(phone: Visitor) -> None:
    phone.open("/r/411900-jyj")
    table = phone.page.locator(".scroll:has(> table.years)")
    told = "e => getComputedStyle(e, '::before').content"
    phone.page.wait_for_selector(".scroll.over:not(.ended) > table.years")
    assert table.evaluate(told) == '"可左右滚动，看全表 →"'
    table.evaluate("e => e.scrollTo(e.scrollWidth, 0)")
    phone.page.wait_for_selector(".scroll.over.ended > table.years")
    assert table.evaluate(told) == '"← 可左右滚动，看全表"'
    # The years stay in sight, and the page itself has not moved.
    assert table.locator("tbody th").first.bounding_box()["x"] >= 0
    assert phone.page.evaluate("scrollX") == 0


def test_a_chart_of_nothing_but_zeros_is_told_and_not_drawn(desk: Visitor) -> None:
    desk.open("/coverage/health?portal=beiyuan")
    desk.settle()
    figure = desk.page.locator("figure.chart:has(figcaption:has-text('每夜受阻'))")
    assert figure.locator(".told").text_content() == "全部是 0，没有画图。"
    assert figure.locator(".board").count() == 0
    assert figure.locator("details table").count() == 1


def test_a_draft_is_checked_in_the_browser(desk: Visitor, known: dict[str, str]) -> None:
    """A pasted page of the portals comes back as tables and findings, and the result is whole."""
    source = desk.context.request.get(f"/r/{known['first']}/original/raw").text()
    desk.open("/selfcheck")
    desk.page.locator("textarea[name=text]").fill(source)
    desk.page.locator("form.draft button").press("Enter")
    desk.page.locator("#verdict").wait_for()
    assert "北原市教育局" in desk.page.locator("h1").inner_text()
    assert desk.complaints() == []
    assert faults_of_access(desk, {}) == []
    assert wider_than(desk, WIDE["width"]) == []


def test_what_is_no_report_is_refused_with_advice(desk: Visitor) -> None:
    desk.open("/selfcheck")
    desk.page.locator("textarea[name=text]").fill("今天天气很好。")
    desk.page.locator("form.draft button").press("Enter")
    desk.page.locator("#unread").wait_for()
    assert desk.complaints() == []
    assert faults_of_access(desk, {}) == []


def test_the_original_stands_in_a_frame_that_can_do_nothing(
    desk: Visitor, known: dict[str, str]
) -> None:
    desk.open(f"/r/{known['first']}/original")
    frame = desk.page.locator("iframe.original")
    assert frame.get_attribute("sandbox") == ""
    frame.scroll_into_view_if_needed()
    inside = desk.page.frame_locator("iframe.original")
    inside.get_by_text("北原市教育局").first.wait_for()
    assert desk.complaints() == []


def test_links_of_every_kind_lead_somewhere(desk: Visitor, known: dict[str, str]) -> None:
    """Of every page walked, its links answer; of those alike but for ids and numbers, two."""
    asked: dict[str, dict[str, str]] = {}
    for walked in PAGES:
        desk.open(walked.path.format(**known), walked.status)
        own = desk.page.url.split("#")[0]
        for url in desk.page.evaluate("[...document.links].map(a => a.href.split('#')[0])"):
            if url.startswith(desk.site) and url != own:
                path = path_of(url)
                alike = asked.setdefault(re.sub(r"[0-9a-f]{12}|\d+|%[0-9A-F]{2}", "_", path), {})
                if len(alike) < 2:
                    alike.setdefault(path, walked.name)
    found = {path: name for alike in asked.values() for path, name in alike.items()}
    assert len(found) > 100
    found.setdefault(f"/r/{WITHDRAWN}", "the list of what was taken down")
    answered = {path: desk.context.request.head(path, max_redirects=0).status for path in found}
    # What was taken down is still named, and says why.
    assert answered.pop(f"/r/{WITHDRAWN}") == 410
    assert [
        f"{status} {path} on {found[path]}" for path, status in answered.items() if status >= 400
    ] == []
