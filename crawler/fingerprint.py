"""What does a page say, less all that changes by itself? A digest to tell edits by. Pure.

And the sketch of a site's own not-found page, to know it by when it comes with status 200.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from functools import lru_cache
from hashlib import blake2b, sha256
from html import unescape
from itertools import islice
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from lxml import etree, html

from crawler.page import Page, absolute, elements_with, is_file

# Containers that portals' systems put articles into, in lower case.
CONTAINERS = frozenset(
    "trs_editor trs_editor_view trs_ueditor ucap-content zoom zoomcon v_news_content vsb_content "
    "custom_unionstyle ivs_content article_content article-content articlecontent bt_content "
    "j-fontcontent wzcon xxgk_content content-body pages_content newscontnet news_content "
    "easysitetext detail-content artcontent article_con conttxt content_text xl_content".split()
)
_BOXES = (
    "div", "td", "article", "section", "main", "table", "form", "center", "p", "span", "font",
    "ucapcontent", "ul", "ol", "dl", "nav", "aside", "header", "footer",
)  # fmt: skip
_UNREAD = (
    "script", "style", "noscript", "template", "select", "option", "textarea", "button", "head",
    "meta", "link", "input", etree.Comment, etree.ProcessingInstruction,
)  # fmt: skip
_FRAME = ("nav", "header", "footer", "aside")
# A container with less text than this may be an empty shell beside the real one.
FEWEST = 40
# What may be left behind on the way down to the densest block, as a share of the text.
LEFT_BEHIND = 0.15
# How many boxes within boxes are looked into, and from which length on a page is no article.
DEEPEST = 30
LONGEST = 3_000_000
# A box called "print" or "share" with more text than this holds the article.
LONGEST_TOOL = 200
# Rows of links side by side: from here on they are a list, not a text's own references.
ROWS_OF_A_LIST = 3

_TOOLS = re.compile(
    r"(?<![a-z])(?:bd|b|s)?(?:share|jiathis|social|qr-?_?code|ewm|erweima|weixin|wechat|print|dayin"
    r"|font-?_?size|zihao|relat|recommend|tuijian|xgyd|xgwz|xgxw|xglj|xgxx|hot(?!el)|rank|comment"
    r"|pinglun|prev|pre-?_?next|toolbar|tools?(?![a-z])|banner|float|popup|captcha|today|weather"
    r"|clock|notice-?_?bar|marquee|breadcrumb|crumb)",
    re.IGNORECASE,
)
_CHROME = re.compile(
    r"(?<![a-z])(?:nav|menu|head(?:er)?(?![a-z])|foot(?:er)?|top(?![a-z])|topbar|location(?![a-z])"
    r"|weizhi|dqwz|side|aside|friend|links?(?![a-z])|search|login|logo|copyright|hits?(?![a-z])"
    r"|guest|online|calendar)",
    re.IGNORECASE,
)
_COUNTER_BOX = re.compile(
    r"hits?(?![a-z])|click|count|visit|(?<![a-z])pv(?![a-z])|view|reads?(?![a-z])|readnum|liulan"
    r"|yuedu|djcs|llcs|ydcs",
    re.IGNORECASE,
)
_BARE_COUNT = re.compile(r"[\s\d,.万+次人:：\[\]()（）]{0,24}")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_FILE_ADDRESS = re.compile(
    r"\.(?:pdf|docx?|xlsx?|wps|et|ofd|zip|rar|rtf)\b|down|attach|/P0\d", re.I
)
_DECORATION = re.compile(
    r"\.(?:gif|svg|ico)$|icon|logo|share|qrcode|ewm|weixin|banner|print|jiucuo|dzjg", re.IGNORECASE
)

_INLINE = re.compile(
    r"</?(?:span|a|b|strong|font|em|i|u|sup|sub|label|small|ins|o:p|st1:\w+)\b[^>]*>"
)
_TAG = re.compile(r"<[^>]*>")
# Where one inline element ends and the next begins: a boundary to counters, and to nothing else.
_SEAM = "\x1f"
_SEAMS = " \x1f\xa0"
_ATTRIBUTES = (
    "style", "class", "id", "lang", "width", "height", "align", "valign", "title", "href", "src",
    "alt", "target", "face", "size", "color", "border", "cellspacing", "cellpadding", "colspan",
    "rowspan", "bgcolor", "onclick", "name", "type", "rel", "data-original", "data-src",
)  # fmt: skip
_GAP = r"[\s\x1f]*"
_NUMBER = rf"[\[【(（]?{_GAP}(?:\d[\d,.]*万?\+?)?{_GAP}[\])】）]?{_GAP}(?:人次|次|人)?"
_VERBS = (
    "浏览",
    "阅读",
    "访问",
    "点击",
    "阅览",
    "查看",
    "下载",
    "点赞",
    "收藏",
    "转发",
    "人气",
    "热度",
)
_READ = f"(?:{'|'.join(_VERBS)})"
_VERB = re.compile(_READ + "|您是")
# A report says of its website 网站访问量：1234次: only a label that begins its text is a counter.
_COUNTERS = re.compile(
    rf"(?<![\u4e00-\u9fff])(?:本文|本页|文章|信息|总|被|累计)?{_READ}"
    rf"(?:次数|总?量|总数|数量?|人数|统计|人次)?{_GAP}[:：]{_GAP}{_NUMBER}"
    rf"|(?<![\u4e00-\u9fff])(?:已有?|共有?|被){_GAP}{_READ}?{_GAP}\d[\d,]*{_GAP}(?:人次|次|人){_GAP}{_READ}?"
    rf"|您是{_GAP}(?:本站)?第{_GAP}\d[\d,]*{_GAP}位{_GAP}(?:访客|访问者|来访者|浏览者)?"
    rf"|^{_GAP}{_READ}(?:次数|量|数|人数)?{_GAP}\d[\d,]*{_GAP}(?:人次|次)?{_GAP}$"
    rf"|^{_GAP}\d[\d,]*{_GAP}(?:人次|次|人)?{_GAP}{_READ}(?:过|次)?{_GAP}$",
    re.MULTILINE,
)
_CLOCK = re.compile(
    r"今天是[^\n]{0,40}|(?:当前|现在|北京|系统|服务器|刷新|打印|访问)时间[\s\x1f]*[:：][^\n]{0,30}"
    r"|^[\s\x1f]*(?:现在是)?\d{4}年\d{1,2}月\d{1,2}日[^\n]{0,6}(?:星期|周)[一二三四五六日天][^\n]{0,24}$",
    re.MULTILINE,
)
_TOOL_WORDS = re.compile(
    r"(?:分享到?|打印(?:本页)?|关闭(?:窗口|本页)?|字号|字体|收藏|微信|微博|新浪|QQ空间|复制链接"
    r"|大|中|小|保存|纠错|我要纠错|返回顶部|扫一扫(?:在手机打开当前页)?|[\[\]【】|:：\x1f\s])+"
)
_NEIGHBOUR = re.compile(r"[\s【\[<《]*(?:上|下|前|后)一?(?:篇|条|则|页)")
_RELATED = re.compile(
    r"[\s【\[<《]*(?:相关|推荐|热门|热点|最新|延伸|猜你|更多)(?:阅读|链接|新闻|文章|推荐|信息|文档|稿件|资讯|内容|动态|公开|喜欢)"
)
_SESSION = re.compile(
    r"(?:j?session_?(?:id)?|phpsessid|aspsessionid\w*|_+|_?ts?|rnd|rand(?:om)?|nonce|csrf\w*|_?token"
    r"|access_token|sign(?:ature)?|timestamp|expires?|callback)",
    re.IGNORECASE,
)
# Names that a token shares with what tells documents apart: their value decides.
_DOUBTFUL = re.compile(r"_?t|ts|sign|token", re.IGNORECASE)
_PASSING = re.compile(r"\d{10,13}|0?\.\d+|[0-9A-Za-z+/_-]{20,}={0,2}|\d{14}")
_JSON_CHURN = re.compile(
    r"(?:hits?|clicks?|views?|visits?|reads?|pv|uv|downloads?|likes?)_?(?:num(?:ber)?|count|times|s)?"
    r"|(?:click|view|visit|read|browse|download|like|access)_?(?:num(?:ber)?|count|times|amount)"
    r"|time_?stamp|server_?time|now|current_?time|(?:request|trace|session)_?id|token|nonce"
    r"|elapsed|took|cost|rand(?:om)?",
    re.IGNORECASE,
)


def fingerprint(page: Page) -> str:
    """SHA-256 in hex of what a report's page says and links to.

    Counters, clocks, tools, neighbours and tokens are left out: two fingerprints differ when
    someone edited the text, a figure, a picture's or an attachment's address.
    """
    digest = sha256(b"fingerprint-1\n")
    said = list(_said(page)) if len(page.text) <= LONGEST else []
    if not said:
        # Nothing a reader sees: what a script shows stands somewhere in the text.
        said = ["raw", *_without_tokens(page.text).split()]
    digest.update("".join(f"{line}\n" for line in said).encode("utf-8", "replace"))
    return digest.hexdigest()


def _said(page: Page) -> Iterator[str]:
    data = page.json
    if data is not None:
        yield from _said_in(data, page)
        return
    body = _body(page.tree)
    box = _article(body)
    whole = box is body
    copy = _readable(box)
    _prune(copy, whole=whole, page=page)
    links = list(_references(copy, page))
    if not whole:
        links += _files_outside(body, box, page)
    lines = list(_lines(copy))
    if not lines and not links:
        return
    yield "title " + _compact(page.title)
    yield from lines
    yield from dict.fromkeys(links)


_whole_text = etree.XPath("string()", smart_strings=False)
_with_names = etree.XPath(
    "descendant::*[@class or @id or contains(@style, 'none') or contains(@style, 'hidden')]"
)
_names = etree.XPath("descendant::*/@class | descendant::*/@id", smart_strings=False)
_styles = etree.XPath("descendant::*/@style", smart_strings=False)
_boxes_with_names = etree.XPath(
    "descendant::*[@class or @id][not(self::p or self::span or self::a or self::li or self::font)]"
)


def _named_boxes(element: html.HtmlElement) -> list[html.HtmlElement]:
    return cast(list[html.HtmlElement], _boxes_with_names(element))


def _names_in(element: html.HtmlElement) -> set[str]:
    return set(cast(list[str], _names(element)))


def _styles_in(element: html.HtmlElement) -> set[str]:
    return set(cast(list[str], _styles(element)))


def _string(element: html.HtmlElement) -> str:
    # In C: joining itertext() costs five times as much.
    return str(_whole_text(element))


# The article.


def _body(tree: html.HtmlElement) -> html.HtmlElement:
    body = tree.find("body")
    return tree if body is None else body


def _article(body: html.HtmlElement) -> html.HtmlElement:
    """The element that holds the article: of a known name, else the densest, else the body."""
    named = [
        (weight, -number, element)
        for number, element in enumerate(islice(_named(body), 40))
        if (weight := _weight(element)) >= FEWEST or _carries(element)
    ]
    if named:
        weight, _, best = max(named, key=lambda one: one[:2])
        if weight >= 5 * FEWEST:
            return best
        densest = _densest(body)
        # A container that holds next to nothing of the page is one for something else.
        if densest is body or _weight(densest) < 5 * weight or best in densest.iterdescendants():
            return best
        return densest
    return _densest(body)


def _named(body: html.HtmlElement) -> Iterator[html.HtmlElement]:
    known = [words for words in _names_in(body) if _is_container(words)]
    if len(known) < 2:
        boxes = (one for words in known for one in elements_with(body, words))
        yield from (one for one in boxes if one.tag not in ("p", "span", "a", "li", "font"))
        return
    for element in _named_boxes(body):
        if any(map(_is_container, (element.get("id") or "", element.get("class") or ""))):
            yield element


@lru_cache(maxsize=4_096)
def _is_container(names: str) -> bool:
    return not CONTAINERS.isdisjoint(names.lower().split())


def _densest(body: html.HtmlElement) -> html.HtmlElement:
    """The smallest element around all the running text.

    On the way down only boxes with a name are left behind: an article's own paragraphs have none.
    """
    here, weight = body, _weight(body)
    for _ in range(DEEPEST):
        if weight < FEWEST:
            break
        children = [(_weight(child), child) for child in here if isinstance(child.tag, str)]
        if not children:
            return here
        best_weight, best = max(children, key=lambda one: one[0])
        others = [child for size, child in children if size and child is not best]
        if (
            best.tag not in ("div", "section", "article", "main", "form", "center")
            or best_weight < (1 - LEFT_BEHIND) * weight
            or not all(map(_is_frame, others))
        ):
            return here
        here, weight = best, best_weight
    return here


def _is_frame(element: html.HtmlElement) -> bool:
    return element.tag in (*_FRAME, *_UNREAD, "ul", "dl", "h1", "iframe") or (
        element.tag in ("div", "section", "form")
        and bool(element.get("class") or element.get("id"))
        and element.find(".//table") is None
    )


def _weight(element: html.HtmlElement) -> int:
    """How many characters of running text an element holds: its links and scripts not counted."""
    if element.tag in _UNREAD or element.tag == "a":
        return 0
    whole = len("".join(_string(element).split()))
    less = sum(
        len("".join(_string(one).split())) for one in element.iter("a", "script", "style", "select")
    )
    return max(whole - less, 0)


def _carries(element: html.HtmlElement) -> bool:
    """Whether an element holds what is read as a document or picture."""
    return any(True for _ in element.iter("img", "iframe", "embed", "object")) or any(
        _FILE_ADDRESS.search(link.get("href") or "") for link in element.iter("a")
    )


# What changes by itself.


def _readable(element: html.HtmlElement) -> html.HtmlElement:
    """A copy without what no reader sees."""
    copy = deepcopy(element)
    copy.tail = None
    etree.strip_elements(copy, *_UNREAD, with_tail=False)
    return copy


def _prune(copy: html.HtmlElement, *, whole: bool, page: Page) -> None:
    """Take menus, tools, counters and lists of other pages out of a copy."""
    dropped = [one for one in copy.iter(*_FRAME) if one is not copy and _is_tool(one, page)]
    # Most of a page's names and styles say nothing, and they are few: its elements are many.
    told = any(map(_named_after, _names_in(copy))) or any(map(_is_hidden, _styles_in(copy)))
    for element in cast(list[html.HtmlElement], _with_names(copy)) if told else ():
        if element is copy or element.tag in ("td", "th", "tr", "tbody", "table"):
            continue
        named = _named_after(element.get("id") or "") | _named_after(element.get("class") or "")
        hidden = _is_hidden(element.get("style") or "")
        is_named = hidden or named & (_TOOL | (_MENU if whole else 0))
        counts = named & _COUNTS and _BARE_COUNT.fullmatch(_string(element))
        if counts or (is_named and _is_tool(element, page)):
            dropped.append(element)
    dropped.extend(_rows_of_links(copy))
    _drop(copy, dropped)


def _drop(copy: html.HtmlElement, dropped: Iterable[html.HtmlElement]) -> None:
    """Take elements out, and leave what follows them; in one go, as each joins texts anew."""
    for element in dropped:
        if element is not copy:
            element.tag = "dropped"
    etree.strip_elements(copy, "dropped", with_tail=False)


_TOOL, _MENU, _COUNTS = 1, 2, 4


@lru_cache(maxsize=4_096)
def _named_after(name: str) -> int:
    """What a class or id says of its element, as a sum of _TOOL, _MENU and _COUNTS."""
    if not name:
        return 0
    return (
        _TOOL * bool(_TOOLS.search(name))
        + _MENU * bool(_CHROME.search(name))
        + _COUNTS * bool(_COUNTER_BOX.search(name))
    )


@lru_cache(maxsize=4_096)
def _is_hidden(style: str) -> bool:
    return bool(_HIDDEN.search(style))


def _is_tool(element: html.HtmlElement, page: Page) -> bool:
    return _weight(element) <= LONGEST_TOOL and not _holds_document(element, page)


def _holds_document(element: html.HtmlElement, page: Page) -> bool:
    return element.find(".//table") is not None or any(
        _FILE_ADDRESS.search(href) and is_file(absolute(page.base, href) or "")
        for link in element.iter("a")
        if (href := link.get("href") or "")
    )


def _rows_of_links(copy: html.HtmlElement) -> list[html.HtmlElement]:
    """Rows that only link to other pages: lists of news, the articles before and after."""
    links: dict[html.HtmlElement, int] = {}
    for link in copy.iter("a"):
        href = link.get("href") or ""
        if _FILE_ADDRESS.search(href) or len(words := _compact(_string(link))) < 4:
            continue
        row = next(link.iterancestors("li", "dd", "tr", "p", "div"), None)
        if row is not None and row is not copy:
            links[row] = max(links.get(row, 0), len(words))
    rows = [row for row, most in links.items() if len(_compact(_string(row))) <= 2 * most + 24]
    beside = Counter(row.getparent() for row in rows)
    return [
        row
        for row in rows
        if beside[row.getparent()] >= ROWS_OF_A_LIST
        or _NEIGHBOUR.match(_string(row))
        or _RELATED.match(_heading(row))
    ]


def _heading(row: html.HtmlElement) -> str:
    """What stands over a row: the text of its box, or of what precedes its box."""
    parent = row.getparent()
    for _ in range(4):
        if parent is None:
            break
        said = _string(parent).strip()
        if not _string(row).strip().startswith(said[:12]) or len(said) < 2:
            return said[:20]
        before = parent.getprevious()
        if before is not None:
            return _string(before).strip()[-20:] if isinstance(before.tag, str) else ""
        parent = parent.getparent()
    return ""


def _lines(element: html.HtmlElement) -> Iterator[str]:
    """The lines of an element, without spaces, counters and clocks; its attributes are lost."""
    label_before = False
    for line in _text(element).splitlines():
        words = _compact(line)
        if not words:
            continue
        if label_before and _BARE_COUNT.fullmatch(words):
            continue
        label_before = False
        if len(words) < 400 and _VERB.search(words):
            line = _COUNTERS.sub("", line)
            label_before = line == "" or line[-1] in _SEAMS
            words = _compact(line)
        if len(words) < 80 and (
            "时间" in words or "今天" in words or "周" in words or "期" in words
        ):
            words = _compact(_CLOCK.sub("", line))
        if words and not (len(words) < 60 and _TOOL_WORDS.fullmatch(words)):
            yield words


def _text(element: html.HtmlElement) -> str:
    """The text of an element: blocks and cells on lines of their own, seams between spans.

    Its attributes are lost: tags of a hundred characters each cost the most of all.
    """
    etree.strip_attributes(element, *_ATTRIBUTES)
    markup = etree.tostring(element, encoding="unicode", method="html", with_tail=False)
    flat = markup.replace("\n", " ").replace("\u200b", "").replace("\ufeff", "")
    return unescape(_TAG.sub("\n", _INLINE.sub(_SEAM, flat)))


def _compact(text: str) -> str:
    # The seam is white space to split().
    return "".join(text.split())


# What it refers to.


def _references(copy: html.HtmlElement, page: Page) -> Iterator[str]:
    for element in copy.iter("a", "area", "img", "iframe", "frame", "embed", "object", "source"):
        match element.tag:
            case "a" | "area":
                address = (element.get("href") or "").strip()
                if address.lower().startswith("javascript:"):
                    address = address if _FILE_ADDRESS.search(address) else ""
                kind = "link"
            case "img":
                lazy = (element.get(name) for name in ("data-original", "data-src", "src"))
                address = next((one.strip() for one in lazy if one and one.strip()), "")
                if _DECORATION.search(_path_of(address)):
                    continue
                kind = "picture"
            case _:
                address = element.get("src") or element.get("data") or ""
                kind = "inside"
        if address.startswith("data:"):
            yield f"{kind} {sha256(address.encode('utf-8', 'replace')).hexdigest()}"
        elif address and not address.startswith("#"):
            yield f"{kind} {_steady(absolute(page.base, address) or address)}"


def _files_outside(body: html.HtmlElement, box: html.HtmlElement, page: Page) -> Iterator[str]:
    """Documents that a template links below its container."""
    if not page.files:
        return
    for element in body.iter("a", "embed", "iframe", "object"):
        address = element.get("href") or element.get("src") or element.get("data") or ""
        if not _FILE_ADDRESS.search(address):
            continue
        url = absolute(page.base, address)
        if url is None or not is_file(url):
            continue
        around = list(element.iterancestors())
        if box in around or any(
            one.tag in _FRAME
            or _TOOLS.search(name := f"{one.get('id') or ''} {one.get('class') or ''}")
            or _CHROME.search(name)
            for one in around
            if one.tag != "body"
        ):
            continue
        yield f"link {_steady(url)}"


def _steady(url: str) -> str:
    """An address without its scheme and what names only the visit."""
    try:
        parts = urlsplit(url)
        query = sorted(
            (name, value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
            if not (
                _SESSION.fullmatch(name)
                and (not _DOUBTFUL.fullmatch(name) or _PASSING.fullmatch(value))
            )
        )
    except ValueError:
        return url
    path = re.sub(r";\w*session\w*=[^/?]*", "", parts.path, flags=re.IGNORECASE)
    return f"{parts.netloc.lower()}{unquote(path)} {query}"


def _path_of(url: str) -> str:
    """The path of an address, or "" for one that is broken or holds its data."""
    try:
        return "" if url.startswith("data:") else urlsplit(url).path
    except ValueError:
        return ""


def _without_tokens(text: str) -> str:
    return re.sub(r"\b(?:\d{10,13}|[0-9a-fA-F]{16,})\b|0\.\d{6,}", "", text)


# Answers that are data.


def _said_in(data: Any, page: Page, depth: int = 0) -> Iterator[str]:
    match data:
        case dict() if depth < 40:
            for name in sorted(data):
                if not _JSON_CHURN.fullmatch(name):
                    for line in _said_in(data[name], page, depth + 1):
                        yield f"{name} {line}"
        case list() if depth < 40:
            for one in data:
                yield from _said_in(one, page, depth + 1)
        case str() if "<" in data and ">" in data:
            inner = Page(page.url, f"<html><body><div>{data}</div></body></html>")
            copy = _readable(_body(inner.tree))
            _prune(copy, whole=False, page=page)
            references = list(_references(copy, page))
            yield from _lines(copy)
            yield from references
        case str():
            if words := _compact(data):
                yield words
        case _:
            yield repr(data)


# A site's own words for "not here".

NOT_HERE = re.compile(
    r"不存在|找不到|没有找到|未找到|无法找到|找不着|不见了|走丢|丢失|迷路|已(?:被)?删除|被删除|已下线|已撤|已移除|失效|无法访问|无法显示"
    r"|出错|错误|抱歉|对不起|很遗憾|返回首页|秒后|not\s*found|no\s*longer|does\s*not\s*exist"
    r"|cannot\s*be\s*(?:found|displayed)|unavailable|oops|sorry",
    re.IGNORECASE,
)
# What a page that carries a report says, whatever else it says.
_REPORT = re.compile("年报|年度报告|政府信息公开|主动公开|依申请公开")
_APP = re.compile(
    r"""id\s*=\s*["']?(?:app|root|__nuxt|__next|main-app)["'\s>]|__NEXT_DATA__|__INITIAL_STATE__""",
    re.IGNORECASE,
)
_LOADING = re.compile(r"(?:正在|页面|数据)?加载中?|loading|请稍候|请稍等", re.IGNORECASE)
_ALERT = re.compile(r"""alert\s*\(\s*["']([^"'\n]{2,80})["']""")
_ADDRESS = re.compile(r"https?://[^\s\u4e00-\u9fff<>\"'“”]+|[A-Za-z0-9_.%~-]*[/\\?=&%][\x21-\x7e]*")
_WORDS = re.compile(r"[\u4e00-\u9fff]{2,}|[A-Za-z]{3,}")
# Lines longer than this weigh no more: one long line must not outweigh a page.
HEAVIEST = 200
MOST_LINES = 2_000
SKETCH = "sketch-1"


def own_lines(page: Page) -> tuple[str, ...]:
    """What a page says itself, line by line and without spaces: no links, and no rows of them."""
    if len(page.text) > LONGEST:
        return ()
    copy = _readable(_body(page.tree))
    rows = []
    for element in copy.iter("li", "dd", "tr"):
        if any(len(_compact(_string(link))) >= 4 for link in element.iter("a")):
            linked = sum(len(_compact(_string(link))) for link in element.iter("a"))
            if linked * 3 >= len(_compact(_string(element))):
                rows.append(element)
    hidden = [one for one in copy.iter(*_BOXES) if _HIDDEN.search(one.get("style") or "")]
    _drop(copy, (*rows, *hidden))
    etree.strip_elements(copy, "a", with_tail=False)
    return tuple(words for line in _text(copy).splitlines() if (words := _compact(line)))


def sketch(page: Page) -> str:
    """What a site's not-found page is known by, as text to keep; "" where it cannot be told.

    The echoed address, figures, times, and links with their texts are no part of it. An empty
    page that scripts fill gives "": it looks the same for what is there and what is not.
    """
    lines = _own(page)
    weight = sum(lines.values())
    says_so = any(NOT_HERE.search(line) for line in lines)
    if not says_so:
        told = [line for line in lines if not _LOADING.fullmatch(line)]
        if not told or (weight < 60 and _APP.search(page.text)):
            return ""
    if not lines:
        return ""
    marks = sorted(
        f"{_mark(line)}{'!' if NOT_HERE.search(line) else ''}:{size}"
        for line, size in islice(lines.items(), MOST_LINES)
    )
    things = sorted(map(_mark, _things(page)))
    return f"{SKETCH} {_mark(_headline(page))} {','.join(things)} {' '.join(marks)}"


def is_like(page: Page, sketch: str) -> bool:
    """Whether a page is the one that was sketched, shown for another address or another day.

    Never for a page with a text, a document or a picture of its own, whatever frame they share.
    """
    version, _, rest = sketch.partition(" ")
    if version != SKETCH:
        return False
    headline, things, *marks = rest.split(" ")
    if headline != _mark(_headline(page)):
        return False
    known: dict[str, int] = {}
    must: set[str] = set()
    for entry in marks:
        mark, _, size = entry.partition(":")
        if mark.endswith("!"):
            mark = mark[:-1]
            must.add(mark)
        known[mark] = int(size)
    shown = {_mark(line): (line, size) for line, size in _own(page).items()}
    if not must <= shown.keys():
        return False
    unseen = [shown[mark] for mark in shown.keys() - known.keys()]
    if any(_REPORT.search(line) for line, _ in unseen):
        return False
    if not set(map(_mark, _things(page))) <= set(things.split(",")):
        return False
    weight, other = sum(known.values()), sum(size for _, size in unseen)
    common = sum(size for mark, size in known.items() if mark in shown)
    most = min(1_200, weight) if must else min(400, 0.15 * weight)
    return other <= most and common >= (0.6 if must else 0.8) * weight


def _own(page: Page) -> dict[str, int]:
    """A page's own lines as any visit would show them, with their weights."""
    echoed = _echoes(page.url)
    alerts = (match[1] for script in page.scripts for match in _ALERT.finditer(script))
    found: dict[str, int] = {}
    data = page.json
    lines = own_lines(page) if data is None else _said_in(data, page)
    for line in (*lines, *alerts):
        words = _plain(line, echoed)
        if words:
            found[words] = min(len(words), HEAVIEST)
    return found


def _plain(line: str, echoed: Sequence[str]) -> str:
    line = _CLOCK.sub("", line)
    for part in echoed:
        line = line.replace(part, "")
    line = re.sub(r"[\d〇零]+", "", _ADDRESS.sub("", line))
    return line if _WORDS.search(line) else ""


def _echoes(url: str) -> list[str]:
    """What of an address a page may repeat."""
    parts = urlsplit(url)
    pieces = [piece for piece in unquote(parts.path).split("/") if len(piece) >= 4]
    pieces += [value for _, value in parse_qsl(parts.query) if len(value) >= 4]
    stems = [piece.rsplit(".", 1)[0] for piece in pieces if "." in piece]
    # An index page's own name is a word.
    return sorted((p for p in {*pieces, *stems} if not p.isalpha() or len(p) >= 8), key=len)[::-1]


def _headline(page: Page) -> str:
    title = page.tree.find(".//title")
    words = _compact(_string(title)) if title is not None else ""
    return _plain(words, _echoes(page.url))


def _things(page: Page) -> Iterator[str]:
    """Documents and pictures that a page shows and that lead nowhere else."""
    for element in page.tree.iter("a", "img", "iframe", "embed", "object"):
        match element.tag:
            case "a":
                address = element.get("href") or ""
                if not (
                    _FILE_ADDRESS.search(address) and is_file(absolute(page.base, address) or "")
                ):
                    continue
            case "img":
                address = element.get("data-src") or element.get("src") or ""
                linked = next(element.iterancestors("a"), None) is not None
                if linked or address.startswith("data:"):
                    continue
            case _:
                address = element.get("src") or element.get("data") or ""
        if address:
            yield _path_of(absolute(page.base, address) or "")


def _mark(line: str) -> str:
    return blake2b(line.encode("utf-8", "replace"), digest_size=5).hexdigest()
