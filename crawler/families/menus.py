"""Menus that a script writes: nodes of a tree, document.write, pieces loaded into the page.

Whatever the system: a site whose menu stands in nav.js has no other link to its columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
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
ID = re.compile(r"""(?<![\w$])["']?id["']?\s*:\s*["']?([\w-]+)""", re.IGNORECASE)
PARENT = re.compile(
    r"""(?<![\w$])["']?(?:p_?id|parent_?id|parent)["']?\s*:\s*["']?([\w-]+)""", re.IGNORECASE
)
CHILDREN = re.compile(r"\b(?:children|nodes|childs?|items)[\"']?\s*:\s*\[", re.IGNORECASE)
COLUMN = re.compile(r"年报|年度报告")
SIGNS = re.compile(r"""[{}]|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""")
DEEPEST = 8
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
        parents = _parents(script)
        for address, label in (*_nodes(script), *_written(script)):
            url = absolute(page.base, address)
            words = " ".join(re.sub(r"<[^>]*>|&nbsp;", " ", label).split())
            if url and words:
                above = parents.get(address, "")
                found.setdefault(url, Link(url, words, context=f"{above} {words}".strip()))
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


def _parents(script: str) -> dict[str, str]:
    """What a tree's nodes stand below, by their addresses: a column, else the node next above."""
    if not (PARENT.search(script) or CHILDREN.search(script)):
        return {}
    nodes = _objects(script)
    by_id = {node.id: node for node in nodes if node.id}
    found: dict[str, str] = {}
    for node in nodes:
        names: list[str] = []
        above = node.inside or by_id.get(node.below)
        while above is not None and len(names) < DEEPEST:
            names.append(above.name)
            above = above.inside or by_id.get(above.below)
        if node.address and any(names):
            columns = (name for name in names if COLUMN.search(name))
            found.setdefault(node.address, next(columns, next(filter(None, names))))
    return found


@dataclass(slots=True)
class _Node:
    """An object of a script, as a node of a tree: `below` is the id of its parent."""

    inside: _Node | None
    text: str = ""
    id: str = ""
    below: str = ""
    name: str = ""
    address: str = ""


def _objects(script: str) -> list[_Node]:
    """The objects of a script's literals, each with the one that it stands in."""
    done: list[_Node] = []
    open_ones: list[_Node] = []
    last = 0
    for sign in SIGNS.finditer(script):
        if sign[0] not in "{}":
            continue
        if open_ones:
            open_ones[-1].text += script[last : sign.start()]
        last = sign.end()
        if sign[0] == "{":
            open_ones.append(_Node(open_ones[-1] if open_ones else None))
        elif open_ones:
            done.append(open_ones.pop())
    for node in done:
        name, address = NAME.search(node.text), ADDRESS.search(node.text)
        own, below = ID.search(node.text), PARENT.search(node.text)
        node.name = name[1] if name else ""
        node.address = address[1].replace("\\/", "/") if address else ""
        node.id, node.below = own[1] if own else "", below[1] if below else ""
    return done


def _written(script: str) -> Iterator[tuple[str, str]]:
    for address, label in WRITTEN.findall(script):
        yield address.replace("\\/", "/"), label
