"""Guangdong's 政府信息公开目录平台: a tree of categories in the page, their articles as JSON.

A page under `/gkmlpt/` is a shell whose `window._CONFIG` holds the site's number and the tree; the
category shown is in the address's fragment. The articles of a category come a hundred a page until
a page is empty; page 0 is page 1. Departments have platforms of their own, each with its number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import urljoin, urlsplit

from crawler.families.calls import numbered, with_number
from crawler.families.mechanism import Entry, FurtherRequest, date_in
from crawler.page import Link, Page, absolute

PLATFORM = re.compile(r"^(?P<root>/(?:[^/]+/)*?gkmlpt)(?:/(?P<rest>.*))?$")
# The interface wants the first; some platforms have another number under the other name.
SITES = tuple(
    re.compile(rf"""["']?\b{name}["']?\s*[:=]\s*["']?(\d+)""", re.IGNORECASE)
    for name in ("SID", "SITE_ID")
)
TREE = re.compile(r"""["']?\bTREE["']?\s*[:=]\s*(?=\[)""")
NAMED = re.compile(r"年报|年度报告|年度工作报告|公开(?:工作)?报告")
# Other reports of a year, which may stand below a category of that name.
OTHERS = re.compile(r"网站|统计|法治|依法行政|预算|决算|审计|人大")
ARTICLES = ("articles", "data", "list")
DATES = ("date", "display_publish_time", "first_publish_time", "created_at", "create_time")
# A tree deeper than this is none.
DEEPEST = 12


def signature(page: Page) -> bool:
    """Whether the page is a platform's, an answer of its interface, or links to platforms."""
    return "/gkmlpt" in page.url or "gkmlpt/" in page.text


def entries(page: Page) -> list[Entry]:
    """The articles of an answer."""
    found = (_entry(article, page) for article in _articles(page))
    return [entry for entry in found if entry is not None]


def knows_all(page: Page) -> bool:
    """Whether nothing else on the page leads on: an answer of the interface."""
    return page.json is not None and "/gkmlpt/api/" in page.url


def further(page: Page) -> list[FurtherRequest]:
    """The next page of a category, unless its count says that this was all."""
    pattern = numbered(page.url, "")
    if pattern is None or not entries(page):
        return []
    number = max(1, pattern[2])
    counts = (page.json.get("total"), _category(page).get("post_count"))
    count = next((count for count in counts if isinstance(count, int) and count), None)
    if number == 1 and count is not None and count <= len(_articles(page)):
        return []
    return [FurtherRequest(with_number(pattern, number + 1)[0])]


def columns(page: Page) -> list[Link]:
    """The categories of annual reports, wherever in the tree, and the platforms of other bodies."""
    if page.json is not None:
        return []
    found = [*_categories(page), *_platforms(page)]
    return list({link.url: link for link in reversed(found)}.values())[::-1]


def _categories(page: Page) -> Iterator[Link]:
    site = next(filter(None, (pattern.search(page.text) for pattern in SITES)), None)
    root = PLATFORM.match(urlsplit(page.url).path)
    if site is None:
        return

    def link(category: str, name: str) -> Link:
        path = f"{root['root'] if root else '/gkmlpt'}/api/all/{category}?page=1&sid={site[1]}"
        return Link(urljoin(page.url, path), name)

    for name, node in _named(_tree(page), "", 0):
        jump = str(node.get("jump_url") or "").strip()
        address = absolute(page.base, jump) if jump and not jump.startswith("#") else None
        if address:
            yield Link(address, name)
        there = PLATFORM.match(urlsplit(address or "").path)
        # A page of the same platform shows the category that it is the jump of.
        if address and not (root and there and there["root"] == root["root"]):
            continue
        if re.fullmatch(r"\d+", str(node.get("id", ""))):
            yield link(str(node["id"]), name)
    # A menu beside the tree names categories by fragments.
    for anchor in page.tree.iter("a"):
        name = "".join(anchor.itertext()).strip() or (anchor.get("title") or "")
        fragment = re.fullmatch(r"(?:[^#]*gkmlpt[^#]*)?#(\d+)", anchor.get("href") or "")
        if fragment and NAMED.search(name):
            yield link(fragment[1], name)


def _named(nodes: Any, inherited: str, depth: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The nodes named as annual reports, and what is below these by year or body."""
    if not isinstance(nodes, list) or depth > DEEPEST:
        return
    for node in nodes:
        if not isinstance(node, dict):
            continue
        name = _name(node)
        if OTHERS.search(name):
            continue
        column = name if NAMED.search(name) else inherited
        below = list(_named(node.get("children") or node.get("child"), column, depth + 1))
        # 年度报告 over 政府信息公开年报: the one below is meant.
        if column and not any(NAMED.search(_name(one)) for _, one in below):
            yield column, node
        yield from below


def _name(node: Mapping[str, Any]) -> str:
    return str(node.get("name") or node.get("title") or "").strip()


def _platforms(page: Page) -> Iterator[Link]:
    """Platforms that the page links to beside its own: a department's has its own folder."""
    own = PLATFORM.match(urlsplit(page.url).path)
    for link in page.links:
        there = PLATFORM.match(urlsplit(link.url).path)
        if there is None or there["root"] == "/gkmlpt" or (own and own["root"] == there["root"]):
            continue
        if re.fullmatch(r"(?:index|annualreport|policy|guide)?/?", there["rest"] or ""):
            yield Link(link.url, "政府信息公开平台", title="", context=link.label)


def _tree(page: Page) -> Any:
    for match in islice(TREE.finditer(page.text), 3):
        text = page.text[match.end() :]
        for attempt in (text, _as_json(text[:500_000])):
            try:
                return json.JSONDecoder(strict=False).raw_decode(attempt)[0]
            except (ValueError, RecursionError):
                continue
    return None


def _as_json(literal: str) -> str:
    """A script's literal with its keys and strings quoted as JSON wants them."""

    def quoted(match: re.Match[str]) -> str:
        if match["key"]:
            return f'{match["before"]}"{match["key"]}":'
        if match["single"] is not None:
            return json.dumps(match["single"].replace("\\'", "'"), ensure_ascii=False)
        return match[0]

    literal = _LITERAL.sub(quoted, literal)
    return re.sub(r",\s*([\]}])", r"\1", literal)


_LITERAL = re.compile(
    r""""(?:[^"\\]|\\.)*"|'(?P<single>(?:[^'\\]|\\.)*)'"""
    r"""|(?P<before>[{,]\s*)(?P<key>[A-Za-z_$][\w$]*)\s*:"""
)


def _category(page: Page) -> Mapping[str, Any]:
    category = page.json.get("classify") if isinstance(page.json, dict) else None
    return category if isinstance(category, dict) else {}


def _articles(page: Page) -> list[Mapping[str, Any]]:
    if not isinstance(page.json, dict):
        return []
    found: list[Any] = next(
        (page.json[name] for name in ARTICLES if isinstance(page.json.get(name), list)), []
    )
    return [article for article in found if isinstance(article, dict)]


def _entry(article: Mapping[str, Any], page: Page) -> Entry | None:
    title = " ".join(re.sub(r"<[^<>]*>", "", str(article.get("title") or "")).split())
    given = (str(article.get(name) or "").strip() for name in ("url", "post_url"))
    url = next(filter(None, (absolute(page.base, one) for one in given if one)), None)
    if not title or url is None:
        return None
    return Entry(url, title, next(filter(None, (_day(article.get(name)) for name in DATES)), ""))


def _day(value: Any) -> str:
    if isinstance(value, int) and 10**8 < value < 10**10:
        return f"{datetime.fromtimestamp(value, UTC) + timedelta(hours=8):%Y-%m-%d}"
    return date_in(value) if isinstance(value, str) else ""
