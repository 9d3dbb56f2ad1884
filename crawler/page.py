"""What does an answer say, once decoded: its text, tree, metas, hops and links. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit, urlunsplit

from lxml import etree, html

from archive.charset import decode

# A longer page is no stub: what its scripts do with `location` is for menus and mobiles.
STUB_BYTES = 4_000
MAX_URL = 2_083


@dataclass(frozen=True, slots=True)
class Link:
    """A link as a reader sees it: absolute address, text, title, and the row it stands in."""

    url: str
    text: str
    title: str = ""
    context: str = ""

    @property
    def label(self) -> str:
        """The fullest wording: list pages cut the text and keep the whole in the title."""
        return self.title if len(self.title) > len(self.text.rstrip("….")) else self.text


@dataclass(frozen=True)
class Page:
    """An answer as text. Everything else is read from it when first asked for."""

    url: str
    text: str
    sent: str = ""
    """The form it answers, as it was sent; empty for a GET."""

    @cached_property
    def json(self) -> Any:
        """What an interface answered, plain or in a call (JSONP); None for a page."""
        call = _CALL.match(self.text)
        start = call.end() if call else 0
        if self.text[start : start + 1] not in ("{", "["):
            return None
        try:
            value, end = json.JSONDecoder(strict=False).raw_decode(self.text, start)
        except (ValueError, RecursionError):
            return None
        return value if _AFTER_CALL.fullmatch(self.text, end) else None

    @cached_property
    def tree(self) -> html.HtmlElement:
        """The page's tree; an empty one when nothing can be made of the text, or it is JSON."""
        if self.json is not None:
            # Pages inside its strings are for the family that knows them.
            return html.document_fromstring(_NOTHING, parser=_PARSER)
        clean = self.text.encode("utf-8", "replace").translate(None, _CONTROLS)
        # What stands behind the end of a page is shown by browsers and lost by the parser.
        lower = clean.lower()
        ends = [at for tag in (b"</html", b"</body") if (at := lower.find(tag)) >= 0]
        if ends:
            clean = clean[: min(ends)] + _ENDS.sub(b"", clean[min(ends) :])
        try:
            tree = html.document_fromstring(clean, parser=_PARSER)
        except (etree.LxmlError, ValueError, AssertionError):
            return html.document_fromstring(_NOTHING, parser=_PARSER)
        return tree

    @cached_property
    def base(self) -> str:
        """What relative links are relative to."""
        for element in self.tree.iter("base"):
            if href := element.get("href"):
                base = absolute(self.url, href) or self.url
                return base if "#" in base or not _ROUTE.search(self.url) else f"{base}#/"
        return self.url

    @cached_property
    def metas(self) -> Mapping[str, str]:
        """Metas by lower-case name; the first that says something counts, as doubles are common."""
        found: dict[str, str] = {}
        for element in self.tree.iter("meta"):
            name = (element.get("name") or element.get("property") or "").strip().lower()
            content = " ".join((element.get("content") or "").split())
            if name and content:
                found.setdefault(name, content)
        return found

    @cached_property
    def title(self) -> str:
        """The page's own title: ArticleTitle, else its heading, else `<title>`."""
        if given := self.metas.get("articletitle"):
            return given
        for tag in ("h1", "title"):
            for element in self.tree.iter(tag):
                if words := words_of(element):
                    return words
        return ""

    @cached_property
    def visible(self) -> str:
        """The text a reader sees, without spaces."""
        unseen = list(self.tree.iter(*_UNSEEN))
        around = {one for element in unseen for one in element.iterancestors()}
        return "".join("".join(_seen(self.tree, around.union(unseen))).split())

    @cached_property
    def names(self) -> frozenset[str]:
        """The ids and classes of its elements, as they are written: far fewer than elements."""
        return frozenset(cast(list[str], _NAMES(self.tree)))

    def named(self, name: str) -> list[html.HtmlElement]:
        """The elements whose id or one of whose classes is a name, in order."""
        written = [words for words in self.names if name in words.split()]
        if len(written) < 2:
            return [one for words in written for one in elements_with(self.tree, words)]
        return [
            element
            for element in self.tree.iter("*")
            if element.get("id") in written or element.get("class") in written
        ]

    @cached_property
    def article(self) -> html.HtmlElement | None:
        """The box that portals' systems put articles into, if one of a known name holds any."""
        found = (element for name in _CONTAINERS for element in self.named(name))
        return next(
            (
                element
                for element in found
                if any(element.find(f".//{tag}") is not None for tag in ("a", "img"))
                or len(_whole_text(element)) > 20
            ),
            None,
        )

    @cached_property
    def scripts(self) -> tuple[str, ...]:
        """Inline scripts without their comments, which often hold stale calls."""
        return tuple(
            _without_script_comments(element.text)
            for element in self.tree.iter("script")
            if element.text and "xml" not in (element.get("type") or "")
        )

    @cached_property
    def sends_away(self) -> bool:
        """Whether the page sends its reader only to where we do not follow: other hosts, no web."""
        return not self.hops and (
            bool(self._targets)
            # A frame without an address waits for a script of this very page.
            or sum(1 for frame in self.tree.iter("iframe", "frame") if frame.get("src")) == 1
        )

    @cached_property
    def _targets(self) -> tuple[str, ...]:
        """Addresses as a meta refresh or a small page's script gives them."""
        found: list[str] = []
        for element in self.tree.iter("meta"):
            if (element.get("http-equiv") or "").strip().lower() == "refresh":
                match = _REFRESH.search(element.get("content") or "")
                if match and float(match["seconds"] or 0) <= 10:
                    found.append(match["url"])
        if len(self.text) <= STUB_BYTES:
            loading = (body.get("onload") or "" for body in self.tree.iter("body"))
            for script in (*self.scripts, *loading):
                found.extend(_locations(script))
        return tuple(found)

    @cached_property
    def hops(self) -> tuple[str, ...]:
        """Where the page sends its reader: meta refresh, a small page's script, a sole frame."""
        urls = [url for url in (absolute(self.base, url) for url in self._targets) if url]
        if len(self.frames) == 1:
            urls.append(self.frames[0])
        host = urlsplit(self.url).netloc
        own = dict.fromkeys(url for url in urls if _is_kin(urlsplit(url).netloc, host))
        # A stub that tells devices apart: the copy for telephones has fewer lists.
        return tuple(sorted(own, key=lambda url: bool(_MOBILE.search(url))))

    @cached_property
    def frames(self) -> tuple[str, ...]:
        """The pages shown inside this one; documents in a viewer are links, not pages."""
        sources = (element.get("src") or "" for element in self.tree.iter("iframe", "frame"))
        urls = (absolute(self.base, source) for source in sources)
        return tuple(dict.fromkeys(url for url in urls if url and not is_file(url)))

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Every address the page points to, in order, each (address, label) once."""
        return tuple(dict.fromkeys(links_of(self.tree, self.base)))

    @cached_property
    def _has_marked(self) -> bool:
        """Whether elements that are not made for it may point somewhere by an attribute."""
        return "onclick" in (lower := self.text.lower()) or "data-" in lower

    @cached_property
    def files(self) -> tuple[Link, ...]:
        """The links to documents and downloads, as `links` has them: few of a page's hundreds."""
        if _DOWNLOAD.search(self.base):
            # Below such a folder every relative address is a download's.
            return tuple(link for link in self.links if is_file(link.url))
        addresses = cast(list[str], _HREFS(self.tree))
        for element in self.tree.iter("iframe", "embed", "object", "option"):
            addresses += element.values()
        if self._has_marked:
            addresses += cast(list[str], _MARKS(self.tree))
        said = "\n".join(addresses).lower()
        if not any(map(said.__contains__, _IN_FILES)):
            return ()
        found = links_of(self.tree, self.base, _may_be_file)
        return tuple(dict.fromkeys(link for link in found if is_file(link.url)))


def _locations(script: str) -> Iterator[str]:
    """Where a script sends its reader, by a literal or by a variable that holds one."""
    for match in _LOCATION.finditer(script):
        if match["url"] is not None:
            yield match["url"]
        elif given := re.search(rf"""\b{match["name"]}\s*=\s*["']([^"']+)["']""", script):
            yield given[1]


def _is_kin(netloc: str, host: str) -> bool:
    """Whether two hosts are one site's: the same, or sub-domains of one name under gov.cn."""
    one, other = (name.rpartition(".gov.cn")[0].rpartition(".")[2] for name in (netloc, host))
    return netloc == host or bool(one and one == other and netloc.endswith(".gov.cn"))


def links_of(
    tree: html.HtmlElement, base: str, wanted: Callable[[str], bool] | None = None
) -> Iterator[Link]:
    """The links below one element of a page; only of `wanted` addresses, as they are written."""
    rows: dict[html.HtmlElement, str] = {}
    # The path costs as much as all the rest.
    marked = cast(list[html.HtmlElement], _POINTING(tree)) if _IS_MARKED(tree) else None
    for element in tree.iter(*_MADE_FOR_IT) if marked is None else marked:
        address = _address_of(element)
        if not address or (wanted is not None and not wanted(address)):
            continue
        url = absolute(base, address)
        if url is None:
            continue
        images = " ".join(
            image.get("alt") or image.get("title") or "" for image in element.iter("img")
        )
        yield Link(
            url=_in_viewer(url) or url,
            text=words_of(element) or " ".join(images.split()),
            title=" ".join((element.get("title") or "").split()),
            context=_row_text(element, rows),
        )


def _may_be_file(address: str) -> bool:
    """Whether an address, before it is joined to its page's, can be one that `is_file`."""
    return _FILE_NAMED.search(unquote(address) if "%" in address else address) is not None


def _in_viewer(url: str) -> str | None:
    """The document that a viewer's page shows: viewer.html?file=/a/b.pdf."""
    if not _VIEWER.search(url):
        return None
    parts = urlsplit(url)
    if not _VIEWER.search(parts.path):
        return None
    shown = (value for _, value in parse_qsl(parts.query) if _FILE.search(value))
    return next((absolute(url, value) for value in shown), None)


def _address_of(element: html.HtmlElement) -> str | None:
    match element.tag:
        case "iframe" | "embed":
            return str(element.get("src") or "") or None
        case "object":
            return str(element.get("data") or "") or None
        case "option":
            value = (element.get("value") or "").strip()
            return value if _OPTION.match(value) else None
    href = (element.get("href") or "").strip()
    if href and href[0] not in "#jJ":
        return href
    if href and not href.lower().startswith("javascript:") and not re.match("#(?![!/])", href):
        return href
    for name in ("data-href", "data-url", "data-link"):
        if (given := (element.get(name) or "").strip()) and _OPTION.match(given):
            return given
    found = _ONCLICK.search((element.get("onclick") or "") + " " + href)
    return (found["url"] or found["given"]) if found else None


def absolute(base: str, href: str) -> str | None:
    """An address a client can ask for, or None for mail, script and broken ones.

    Session parts and fragments are dropped: they name the visit, not the page. But on a page that
    scripts chose by its route (`/#/list`), the routes of its links are kept.
    """
    # Nine of ten addresses are plain paths: nothing in them is to be mended, or resolved.
    if (plain := _PLAIN.fullmatch(href)) and (places := _places(base)) is not None:
        root, folder = places
        if plain["site"]:
            url = href
        else:
            url = root + href if href[0] == "/" else folder + href.removeprefix("./")
        return url if len(url) <= MAX_URL else None
    return _joined(base, href)


@lru_cache(maxsize=64)
def _places(base: str) -> tuple[str, str] | None:
    """Where addresses relative to a site's root, and to a page's folder, begin."""
    root, folder = _joined(base, "/x"), _joined(base, "x")
    return (root[:-2], folder[:-1]) if root and folder else None


def _joined(base: str, href: str) -> str | None:
    href = re.sub(r"[\t\r\n]", "", href).strip().replace("\\", "/")
    if not href or href.lower().startswith(("javascript:", "mailto:", "tel:", "data:", "about:")):
        return None
    try:
        parts = urlsplit(urljoin(base, href))
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if port is not None and port != {"http": 80, "https": 443}[parts.scheme]:
        host += f":{port}"
    path = re.sub(r";jsessionid=[^/?]*|/\(S\(\w+\)\)", "", parts.path, flags=re.IGNORECASE)
    query = _SESSION.sub("", parts.query).strip("&") if "s" in parts.query.lower() else parts.query
    # urljoin keeps the dots that would climb above the root.
    while path.startswith("/../"):
        path = path[3:]
    route = parts.fragment.replace(" ", "%20") if _ROUTE.search(base) else ""
    if not route.startswith(("/", "!")):
        if href.startswith("#"):
            return None
        route = ""
    url = urlunsplit((parts.scheme, host, path.replace(" ", "%20") or "/", query, route))
    return url if len(url) <= MAX_URL else None


def is_file(url: str) -> bool:
    """Whether an address is that of a document or a download, not of a page."""
    parts = urlsplit(url)
    return bool(
        _FILE.search(parts.path) or _FILE.search(unquote(parts.query)) or _DOWNLOAD.search(url)
    )


def read_page(url: str, body: bytes, content_type: str = "") -> Page:
    """The page in an answer. Never raises, whatever the bytes."""
    return Page(url=url, text=decode(body, content_type))


def page_of(url: str, body: bytes, content_type: str = "") -> Page | None:
    """The answer as a page, or None for a document whatever its label says."""
    if body.lstrip()[:5].startswith(DOCUMENTS):
        return None
    kind = content_type.split(";")[0].strip().lower()
    marked_up = body.lstrip()[:1] == b"<"
    if kind and not marked_up and not re.search(r"html|xml|text|json|javascript", kind):
        return None
    return read_page(url, body, content_type)


def elements_with(tree: html.HtmlElement, words: str) -> list[html.HtmlElement]:
    """The elements below one whose whole id or class is `words`, in order."""
    # By way of the attributes: a test of each element costs five times as much.
    return cast(list[html.HtmlElement], _WITH_WORDS(tree, words=words))


def words_of(element: html.HtmlElement) -> str:
    """The text of an element, with single spaces."""
    return " ".join(_whole_text(element).split())


def _whole_text(element: html.HtmlElement) -> str:
    # In C: joining itertext() costs five times as much.
    return str(_STRING(element))


def _row_text(element: html.HtmlElement, rows: dict[html.HtmlElement, str]) -> str:
    said = words_of(element)
    for row in islice(element.iterancestors("li", "tr", "dd", "dt", "p", "h2", "h3", "div"), 3):
        # A menu in one large box: its text is read once, not once a link.
        if row not in rows:
            rows[row] = words_of(row)[:200]
        # A box around the link alone (更多 in a div of its own) says nothing of it.
        if rows[row] != said:
            return rows[row]
    # A bare link behind a heading of its own box.
    before = element.getprevious()
    heading = words_of(before) if before is not None and isinstance(before.tag, str) else ""
    return f"{heading} {said}" if 0 < len(heading) <= 30 else said


def _seen(element: html.HtmlElement, mixed: Collection[html.HtmlElement]) -> Iterator[str]:
    """An element's text without that of the unseen; what is not `mixed` holds none of these."""
    is_seen = element.tag not in _UNSEEN
    if is_seen:
        yield element.text or ""
    for child in element:
        if child in mixed:
            yield from _seen(child, mixed)
        elif isinstance(child.tag, str):
            yield _whole_text(child)
        if is_seen:
            yield child.tail or ""


def _without_script_comments(script: str) -> str:
    script = re.sub(r"/\*.*?\*/", "", script, flags=re.DOTALL)
    return re.sub(r"<!--[^\n]*|(?<![:\"'/])//[^\n]*", "", script)


# What no header can make a page: PDF, ZIP, OLE, RTF, and pictures.
DOCUMENTS = (
    b"%PDF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"{\\rtf", b"\x89PNG", b"\xff\xd8\xff", b"GIF8",
)  # fmt: skip
_FILE = re.compile(r"\.(?:pdf|docx?|xlsx?|wps|et|ofd|zip|rar|rtf)(?:$|[?&])", re.IGNORECASE)
_DOWNLOAD = re.compile(
    r"downfile\.jsp|download\.jsp|/download/\?|downloadattach|virtual_attach_file|/attachment/|/attach/|/P0\d{10,}",
    re.IGNORECASE,
)
# What every address holds that one of the two finds, also while it is relative to its page's.
_FILE_NAMED = re.compile(
    r"\.(?:pdf|docx?|xlsx?|wps|et|ofd|zip|rar|rtf)|down|attach|P0\d{10,}", re.IGNORECASE
)
_IN_FILES = (
    *(".pdf", ".doc", ".xls", ".wps", ".et", ".ofd", ".zip", ".rar", ".rtf"),
    *("down", "attach", "p0", "%"),
)
# Before an answer's JSON: a byte order mark, a guard, the name of the caller's function.
_CALL = re.compile(r"[\s\ufeff;]*(?:/\*.*?\*/\s*)?(?:(?:try\s*\{\s*)?[\w$.]{1,200}\s*\(\s*)?")
_AFTER_CALL = re.compile(r"[\s;)}]*(?:catch\b.*)?")
_PLAIN = re.compile(
    r"(?:(?P<site>https?://[a-z0-9-]+(?:\.[a-z0-9-]+)+/)|/|\./)?[\w-][\w.%-]*(?:/[\w-][\w.%-]*)*/?|/",
    re.ASCII,
)
# Only the addresses of rendered pages have such a fragment.
_ROUTE = re.compile("#[!/]")
_ENDS = re.compile(rb"</(?:html|body)\s*>", re.IGNORECASE)
_CONTROLS = bytes((*range(9), 11, 12, *range(14, 32)))
_NOTHING = b"<html><body></body></html>"
_UNSEEN = frozenset(("script", "style", "noscript", "head", "title", "meta", "link", "template"))
_STRING = etree.XPath("string()", smart_strings=False)
# lxml.html chooses each element's class by a call into Python, a third of the time of a walk.
_PARSER = etree.HTMLParser(encoding="utf-8", recover=True, huge_tree=False)
_PARSER.set_element_class_lookup(
    etree.ElementDefaultClassLookup(
        element=html.HtmlElement,
        comment=html.HtmlComment,
        pi=html.HtmlProcessingInstruction,
        entity=html.HtmlEntity,
    )
)
_REFRESH = re.compile(
    r"""(?P<seconds>[0-9]+(?:[.][0-9]*)?)?\s*[;,]?\s*url\s*=\s*["']?(?P<url>[^"'>\s]+)""",
    re.IGNORECASE,
)
_LOCATION = re.compile(
    r"""(?:\blocation(?:\.href)?\s*=(?!=)|\blocation\.(?:replace|assign)\s*\(|\bwindow\.navigate\s*\()\s*"""
    r"""(?:["'](?P<url>[^"']+)["']|(?P<name>[A-Za-z_$]\w*)\s*[;)\n}])"""
)
# window.open('…'), location.href='…', and a site's own goTo('/a/')
_ONCLICK = re.compile(
    r"""(?:window\.open\s*\(|location(?:\.href)?\s*=|location\.replace\s*\()\s*["'](?P<url>[^"']+)["']"""
    r"""|[\w.]+\(\s*["'](?P<given>(?:https?:/|\.{1,2})?/[^"'\s]+|[\w./-]+\.(?:[sj]?html?|jspx?|aspx?|php)(?:\?[^"'\s]*)?)["']"""
)
_POINTING = etree.XPath(
    "descendant-or-self::*[self::a or self::area or self::iframe or self::embed or self::object"
    " or self::option or @onclick or @data-href or @data-url or @data-link]"
)
_MADE_FOR_IT = ("a", "area", "iframe", "embed", "object", "option")
_IS_MARKED = etree.XPath(
    "boolean(descendant-or-self::*/@onclick) or boolean(descendant-or-self::*/@data-href)"
    " or boolean(descendant-or-self::*/@data-url) or boolean(descendant-or-self::*/@data-link)"
)
_HREFS = etree.XPath("//@href", smart_strings=False)
_MARKS = etree.XPath("//@onclick | //@data-href | //@data-url | //@data-link", smart_strings=False)
_VIEWER = re.compile(r"viewer|pdfjs|preview", re.IGNORECASE)
# Names of a visit, not of a page.
_SESSION = re.compile(
    r"(?:^|&)(?:jsessionid|phpsessid|aspsessionid\w*|session_?id|sessid|sid=[0-9a-f-]{16,}(?=&|$))(?:=[^&]*)?",
    re.IGNORECASE,
)
_MOBILE = re.compile(r"/(?:m|wap|3g|mobile|phone|sjb?)(?:/|$)|//(?:m|wap|3g)\.", re.IGNORECASE)
_OPTION = re.compile(r"(?:https?:/)?/|\.{1,2}/|[\w./-]+(?:\.[sj]?html?|/)$")
_CONTAINERS = (
    "UCAP-CONTENT",
    "zoom",
    "Zoom",
    "zoomcon",
    "TRS_Editor",
    "trs_editor_view",
    "Custom_UnionStyle",
    "v_news_content",
    "vsb_content",
    "article-content",
    "bt_content",
    "ivs_content",
    "Article_content",
    "j-fontContent",
    "wzcon",
    "xxgk_content",
    "content-body",
    "article",
    "detail-content",
    "pages_content",
)
_WITH_WORDS = etree.XPath("descendant::*/@class[. = $words]/.. | descendant::*/@id[. = $words]/..")
_NAMES = etree.XPath("//@id | //@class", smart_strings=False)
