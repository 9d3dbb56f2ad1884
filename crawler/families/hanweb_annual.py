"""Hanweb's module of annual reports: a page for each body and year, the report printed on it.

`xxgkAnnualReport.jsp?area=…&fbtime=…`: bodies come from a tree beside the report, years from a
select, and every combination is an address, also where there is no report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from itertools import islice
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from lxml import html

from archive.identify import report_title_verdict
from crawler import links
from crawler.families.mechanism import Entry, FurtherRequest
from crawler.page import Page

MODULE = re.compile(r"/xxgkAnnualReport\.jsp$", re.IGNORECASE)
MENTION = re.compile(r"""[^"'()\s<>=,;]*xxgkAnnualReport\.jsp(?:\?[^"'\s<>()+]*)?""", re.IGNORECASE)
# Organisation codes of 9 digits, credit codes of 18 signs, and made ones between.
CODE = re.compile(r"(?=(?:\D*\d){6})[0-9A-Z]{9,22}")
SHORT_CODE = re.compile(r"[0-9A-Za-z_-]{1,40}")
YEAR = re.compile(r"(20[0-3]\d)(?:年度?)?(?:(?:政府)?信息公开)?(?:工作)?(?:年报|年度报告|报告)?")
LOOP = re.compile(r"=\s*(20[0-3]\d)\s*;\s*\w+\s*[<>]=?\s*(20[0-3]\d)\s*;")
QUOTED = re.compile(r"""["']([^"']*)["']""")
FIXED = re.compile(r"""[?&](?!area=|fbtime=)([A-Za-z_]\w*)=(\w+)(?=[&"'])""")
OBJECT = re.compile(r"\{[^{}]{0,600}\}")
MEMBER = re.compile(r"""["']?([A-Za-z_]\w*)["']?\s*:\s*(?:"([^"]*)"|'([^']*)'|(\w+))""")
NAME_KEYS = ("name", "text", "title", "label", "n")
AREA_NAMES = re.compile(r"area|unit|dept|org|bm", re.IGNORECASE)
# Sixty bodies over fifteen years are nine hundred; more is a misreading.
MOST = 3_000
TOPICS = (
    "主动公开",
    "依申请公开|公开申请",
    "行政复议|行政诉讼",
    "收费|减免",
    "问题|不足",
    "改进|措施|打算",
    "概述|总体情况|基本情况",
    "附表|统计表|制发件数|其他需要报告",
)
UNREAD = frozenset(("a", "option", "script", "style", "head", "noscript", "button"))


def signature(page: Page) -> bool:
    """Whether the page is one of the module's or names it."""
    return "xxgkannualreport.jsp" in f"{page.url} {page.text}".lower()


def entries(page: Page) -> list[Entry]:
    """Every body in every year; titles are what a report of theirs is called."""
    template = _template(page)
    if template is None:
        return []
    bodies, years = _bodies(page, template), _years(page, template)
    here = _chosen(page.url)
    made = (
        Entry(_address(template, area, year), f"{name}{year}年政府信息公开工作年度报告")
        for area, name in bodies.items()
        for year in years
    )
    found = list(islice(made, MOST))
    own = printed(page)
    if own and here:
        found = [Entry(one.url, own) if _chosen(one.url) == here else one for one in found]
    return found


def further(page: Page) -> list[FurtherRequest]:
    """None: one page names every combination."""
    return []


def knows_all(page: Page) -> bool:
    """Whether nothing else on the page leads on: one of the module's."""
    return bool(MODULE.search(urlsplit(page.url).path))


def printed(page: Page) -> str | None:
    """The title of the report on a page of the module, "" where it says there is none.

    None for pages that are not the module's.
    """
    if not MODULE.search(urlsplit(page.url).path):
        return None
    text = "".join(_prose(page.tree)).split()
    prose = "".join(text)
    touched = sum(bool(re.search(topic, prose)) for topic in TOPICS)
    if touched < 3 and not links.attachments(page) and not links.pictures(page):
        return ""
    titles = (
        " ".join("".join(element.itertext()).split())
        for element in page.tree.iter("h1", "h2", "h3", "h4", "p", "strong", "div", "td", "span")
        if next(element.iterancestors("a", "li", "select"), None) is None
        and element.find(".//a") is None
    )
    given = (page.metas.get("articletitle", ""), *titles, page.title.split("_")[0])
    named = [one for one in given if len(one) <= 80 and report_title_verdict(one) == "report"]
    with_year = (one for one in named if re.search(r"20\d\d|二[〇○零]", one))
    return next(with_year, next(iter(named), "政府信息公开工作年度报告"))


def _prose(element: html.HtmlElement) -> Iterator[str]:
    """What stands on a page outside of its links and menus."""
    for one in element.iter():
        if isinstance(one.tag, str) and one.text and not _is_unread(one):
            yield one.text
        parent = one.getparent()
        if one.tail and parent is not None and not _is_unread(parent):
            yield one.tail


def _is_unread(element: html.HtmlElement) -> bool:
    return element.tag in UNREAD or any(True for _ in element.iterancestors(*UNREAD))


def _template(page: Page) -> str | None:
    """An address of the module with the parameters it is asked with."""
    if MODULE.search(urlsplit(page.url).path):
        return page.url
    mentions = list(MENTION.finditer(page.text))
    best = next((one for one in mentions if "area=" in one[0]), next(iter(mentions), None))
    if best is None:
        return None
    address = urljoin(page.base, unescape(best[0]))
    # A script joins its pieces: '…?area=' + code + '&fbtime=' + year + '&showType=2'
    rest = re.split(r"[;\n]", page.text[best.end() : best.end() + 300])[0]
    given = [*parse_qsl(urlsplit(address).query), *FIXED.findall(unescape(rest))]
    return urlsplit(address)._replace(query=urlencode(dict(given))).geturl()


def _address(template: str, area: str, year: str) -> str:
    parts = urlsplit(template)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    names = {name.lower(): name for name in given}
    chosen = {names.get("area", "area"): area, names.get("fbtime", "fbtime"): year}
    # In the order of the template; one that a script puts together begins with these two.
    query = {**given, **chosen} if "area" in names else {**chosen, **given, **chosen}
    return parts._replace(query=urlencode(query), fragment="").geturl()


def _chosen(url: str) -> tuple[str, str] | None:
    query = {name.lower(): value for name, value in parse_qsl(urlsplit(url).query)}
    area, year = query.get("area", ""), query.get("fbtime", "")
    return (area, year) if area and year else None


def _bodies(page: Page, template: str) -> dict[str, str]:
    """Bodies by code: from links, from what an element calls or carries, from a script's tree."""
    found: dict[str, str] = {}
    for code, name in _named_codes(page):
        if is_name(name):
            found.setdefault(code, name)
    own = dict(parse_qsl(urlsplit(template).query)).get("area", "")
    if own and own not in found:
        found[own] = ""
    return found


def is_name(text: str) -> bool:
    """Whether a text may be a body's name."""
    return bool(re.fullmatch(r"[\u4e00-\u9fff（）()、·]{2,30}", text))


def _named_codes(page: Page) -> Iterator[tuple[str, str]]:
    for element in page.tree.iter("a", "li", "span", "option", "div", "td", "dd", "p", "input"):
        if len(element) > 6:
            continue
        name = "".join(element.itertext()).strip() or (element.get("title") or "").strip()
        name = re.sub(r"[（(]\d+[)）]$", "", "".join(name.split()))
        if not is_name(name):
            continue
        for attribute, value in element.attrib.items():
            for code in _codes_in(str(attribute), str(value), element):
                yield code, name
    for script in page.scripts:
        if "name" in script or "title" in script or "text" in script:
            yield from _nodes(script)


def _codes_in(attribute: str, value: str, element: html.HtmlElement) -> Iterator[str]:
    """The codes of bodies in an element's attribute."""
    if area := re.search(r"[?&]area=([\w-]+)", unescape(value)):
        yield area[1]
    elif attribute in ("onclick", "href") and "(" in value:
        yield from (code for code in QUOTED.findall(value) if CODE.fullmatch(code))
    elif attribute in ("id", "value", "rel", "key", "code", "name") or attribute.startswith("data"):
        if CODE.fullmatch(value):
            yield value
        elif attribute == "value" and element.tag == "option" and SHORT_CODE.fullmatch(value):
            parent = next(element.iterancestors("select"), None)
            said = f"{parent.get('name')} {parent.get('id')}" if parent is not None else ""
            if AREA_NAMES.search(said):
                yield value
    elif AREA_NAMES.search(attribute) and SHORT_CODE.fullmatch(value):
        yield value


def _nodes(script: str) -> Iterator[tuple[str, str]]:
    for literal in OBJECT.findall(script):
        members: Mapping[str, str] = {
            name.lower(): a or b or c for name, a, b, c in MEMBER.findall(literal)
        }
        name = next((members[key] for key in NAME_KEYS if members.get(key)), "")
        if not name:
            continue
        mention = re.search(r"[?&]area=([\w-]+)", literal)
        codes = [mention[1]] if mention else []
        codes += [value for key, value in members.items() if AREA_NAMES.search(key)]
        codes += [members[key] for key in ("id", "code", "value", "key") if key in members]
        if code := next((code for code in codes if CODE.fullmatch(code)), ""):
            yield code, name


def _years(page: Page, template: str) -> list[str]:
    """The years, the latest first: from a select, from links, from what elements say."""
    found = set(re.findall(r"\bfbtime=(20[0-3]\d)\b", f"{template} {unescape(page.text)}"))
    for element in page.tree.iter("option", "a", "li", "span", "button", "dd", "em", "p", "td"):
        texts = ["".join(element.itertext()).strip()] if len(element) <= 1 else []
        texts += [element.get("value") or ""] if element.tag == "option" else []
        found |= {said[1] for text in texts if (said := YEAR.fullmatch(text))}
    for one, other in LOOP.findall("\n".join(page.scripts)):
        first, last = sorted((int(one), int(other)))
        found |= {str(year) for year in range(first, last + 1)}
    return sorted(found, reverse=True)
