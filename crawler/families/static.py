"""Plain links: rows of a list, 下一页, 尾页 and page numbers (also Boda's, which count down).

It reads any page, so it stands last and serves as the reader of pages nobody has met before.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from archive.identify import report_title_verdict
from crawler.families.mechanism import MOST_PAGES, Entry, FurtherRequest, date_in, entry_of
from crawler.page import Link, Page, absolute

NEXT = re.compile(
    r"(?:下一?|后一?)[页頁]面?[>›»→]*|尾[页頁]|末[页頁]|最后一?页|next(?:page)?[>›»→]*|last(?:page)?|第\d+页|[>›»→]{1,3}",
    re.IGNORECASE,
)
NUMBER = re.compile(r"[\[【(]?\d{1,3}[\]】)]?")
# How pages of a list are numbered in addresses, at the end of the path.
NUMBERED = re.compile(
    r"(?:[/_-](?:index|list|page|default|p)?|(?<=[a-z]))[/_-]?(?<!\d)(\d{1,4})(?:/|/index\.\w+|\.(?:[sj]?html?|jspx?|aspx?|php|do|action))?$",
    re.IGNORECASE,
)
_FILE_NAME = re.compile(r"/(?:(?:index|list|default|main)\.\w+)?$|\.\w{2,6}$", re.IGNORECASE)
_DATED = re.compile(r"[\[(（]?(?:19|20)\d{2}[-年/.]\d{1,2}[-月/.]\d{1,2}日?[\])）]?")
_DAY = re.compile(r"20\d{2}[-_/.]?\d{1,2}[-_/.]\d{1,2}\D*$")
QUERY = frozenset(
    (
        "page",
        "pageindex",
        "pageno",
        "pagenum",
        "currentpage",
        "cur_page",
        "currpage",
        "curpage",
        "pagenumber",
        "current",
        "p",
        "pn",
    )
)
# What a row's link is called where its title stands beside it.
VAGUE = re.compile(
    r"(?:点击|在线|全文|附件|查看|阅读|浏览|下载|打开|详情|详细|原文|链接|进入|pdf|word|docx?|版|文件|此处|这里|>|»|\[|\]|【|】)+",
    re.IGNORECASE,
)


def signature(page: Page) -> bool:
    """Any page with links."""
    return bool(page.links)


def entries(page: Page) -> list[Entry]:
    """Links in rows that carry a date; where no row does, every link with words of its own."""
    dated: list[Entry] = []
    others: list[Entry] = []
    for link in page.links:
        if _is_pager(link, page):
            continue
        if title := _title_beside(link):
            dated.append(Entry(link.url, title, date_in(link.context.replace(title, " "))))
        elif len(link.label) >= 4:
            entry = entry_of(link, link.context)
            (dated if entry.date else others).append(entry)
    return dated + others


def further(page: Page) -> list[FurtherRequest]:
    """The pages that the pager links to."""
    found = [link.url for link in page.links if _is_pager(link, page)]
    for element in page.tree.iter("link"):
        if (element.get("rel") or "").lower() == "next" and element.get("href"):
            found.append(absolute(page.base, element.get("href") or "") or page.url)
    return [FurtherRequest(url) for url in dict.fromkeys(found) if url != page.url]


def _title_beside(link: Link) -> str:
    """The title in the row of a link that is only called 下载 or 查看."""
    if not VAGUE.fullmatch("".join(link.label.split())):
        return ""
    beside = link.context.replace(link.text, " ") if link.text else link.context
    pieces = (
        piece
        for piece in _DATED.sub(" ", beside).split()
        if report_title_verdict(piece) == "report"
    )
    return max(pieces, key=len, default="")


def _is_pager(link: Link, page: Page) -> bool:
    """Whether a link leads to another page of the list; the first is known already."""
    label = "".join((link.text or link.title).split())
    if not (NEXT.fullmatch(label) or NUMBER.fullmatch(label)) or label.strip("[]【】()") == "1":
        return False
    here, there = urlsplit(page.url), urlsplit(link.url)
    if here.netloc != there.netloc:
        return False
    number = _number_in_query(there.query)
    if number is not None:
        return number <= MOST_PAGES and _list_of(there.path) == _list_of(here.path)
    match = NUMBERED.search(there.path)
    if match is None or int(match[1]) > MOST_PAGES or _DAY.search(there.path):
        return False
    return _list_of(there.path) == _list_of(here.path) or (
        there.path.rpartition("/")[0] == here.path.rpartition("/")[0]
    )


def _number_in_query(query: str) -> int | None:
    return next(
        (
            int(value)
            for name, value in parse_qsl(query)
            if name.lower() in QUERY and value.isdigit() and len(value) < 7
        ),
        None,
    )


def _list_of(path: str) -> str:
    """What the pages of one list have in common: /a/nb for nb.htm, nb/23.htm and nb_2.htm."""
    return _FILE_NAME.sub("", NUMBERED.sub("", path)).rstrip("/_-")
