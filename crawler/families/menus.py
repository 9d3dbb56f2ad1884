"""Menus that a script writes: nodes of a tree, document.write, pieces loaded into the page.

Whatever the system: a site whose menu stands in nav.js has no other link to its columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from crawler.families.mechanism import Entry, FurtherRequest
from crawler.page import Link, Page, absolute, is_file

# {id:3, name:"政府信息公开年报", url:"/nb/"}, its keys in any order
NODE = re.compile(r"\{[^{}]{0,600}\}")
NAME = re.compile(
    r"""["']?\b(?:name|title|text|label|topic|columnName|channelName)["']?\s*:\s*["']([^"'<>]{2,60})["']""",
    re.IGNORECASE,
)
ADDRESS = re.compile(
    r"""["']?\b(?:url|href|link|file|src|path|linkUrl|channelUrl)["']?\s*:\s*["']([^"'<>\s]{2,300})["']""",
    re.IGNORECASE,
)
WRITTEN = re.compile(
    r"""<a\b[^>]{0,300}?\bhref\s*=\s*\\?["']?([^"'\\\s>]+)[^>]{0,300}>(.{1,200}?)<\\?/a>""",
    re.IGNORECASE | re.DOTALL,
)
LOADED = re.compile(
    r"""\.load\s*\(\s*["']([^"'\s]+\.(?:[sj]?html?|jsp|aspx?|php)(?:\?[^"'\s]*)?)["'\s]"""
)
SCRIPT = re.compile(
    r"/[\w.-]*(?:nav|menu|daohang|dh|top|head|left|tree|lanmu)[\w.-]*\.js$", re.IGNORECASE
)
# A page of welcome or an article is left alone: what is loaded there are counters and players.
MOST_PIECES = 4


def signature(page: Page) -> bool:
    """Whether a script on the page, or the page as a script, holds links or loads pieces."""
    return page.json is None and any(True for _ in _sources(page))


def entries(page: Page) -> list[Entry]:
    """None: menus are no lists."""
    return []


def further(page: Page) -> list[FurtherRequest]:
    """None: menus have one page."""
    return []


def columns(page: Page) -> list[Link]:
    """The links of trees and of markup in scripts, each address once."""
    found: dict[str, Link] = {}
    for script in _scripts(page):
        for address, label in (*_nodes(script), *_written(script)):
            url = absolute(page.base, address)
            words = " ".join(re.sub(r"<[^>]*>|&nbsp;", " ", label).split())
            if url and words:
                found.setdefault(url, Link(url, words))
    return list(found.values())


def inside(page: Page) -> list[FurtherRequest]:
    """Pieces that are loaded into the page, and its menu's script where it shows no menu itself."""
    addresses = [found for script in _scripts(page) for found in LOADED.findall(script)]
    if "公开" not in page.visible and not page.hops:
        addresses += [source for source in _sources(page) if SCRIPT.search(source)]
    host = urlsplit(page.url).netloc
    urls = (absolute(page.base, address) for address in addresses)
    own = (url for url in urls if url and urlsplit(url).netloc == host and not is_file(url))
    return [FurtherRequest(url) for url in list(dict.fromkeys(own))[:MOST_PIECES]]


def _sources(page: Page) -> Iterator[str]:
    """What there is to read: the names of outer scripts, and a word for the inner ones."""
    for element in page.tree.iter("script"):
        if source := (element.get("src") or "").split("?")[0]:
            yield source
    for script in _scripts(page):
        if "href" in script or ".load" in script or ADDRESS.search(script):
            yield "inline"


def _scripts(page: Page) -> tuple[str, ...]:
    is_script = page.text.lstrip()[:1] != "<" and urlsplit(page.url).path.endswith(".js")
    return (page.text,) if is_script else page.scripts


def _nodes(script: str) -> Iterator[tuple[str, str]]:
    for node in NODE.findall(script):
        name, address = NAME.search(node), ADDRESS.search(node)
        if name and address:
            yield address[1].replace("\\/", "/"), name[1]


def _written(script: str) -> Iterator[tuple[str, str]]:
    for address, label in WRITTEN.findall(script):
        yield address.replace("\\/", "/"), label
