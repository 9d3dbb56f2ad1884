"""What did the server really say? A status line alone does not tell. Pure.

Portals answer 200 for pages that are gone, for challenges and for half a page; only `gone` and
`soft_404` may ever count as evidence that a report was removed.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from urllib.parse import urlsplit

from crawler.page import Page


class Verdict(StrEnum):
    """What an answer is, as sightings say it."""

    OK = "ok"
    NOT_MODIFIED = "not_modified"
    GONE = "gone"
    SOFT_404 = "soft_404"
    MOVED = "moved"
    HOME_REDIRECT = "home_redirect"
    CHALLENGE = "challenge"
    SHELL = "shell"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    ERROR = "error"


# Longer texts are articles, whatever words they hold: a report also says that 信息不存在.
SHORT = 600
STUB = 120

_GONE_TITLE = re.compile(
    r"^\W*(?:404|410)\b|404\s*(?:错误|not found|页面)|not found"
    r"|(?:页面|网页|内容|文章)(?:不存在|没有找到|未找到|已删除)",
    re.IGNORECASE,
)
_GONE_TEXT = re.compile(
    r"(?:页面|网页|内容|文章|稿件|链接)[^。]{0,12}(?:不存在|找不到|未找到|没有找到|无法找到|被删除|已删除|已撤销|已撤下|已下线|已移除|失效)"
    r"|您?(?:要|所)?(?:访问|查看|浏览|请求)的[^。]{0,12}(?:不存在|找不到|未找到|已删除|被删除|已下线|已撤)"
    r"|(?:找不到|没有找到|未找到)(?:您|该|此|相关|要)[^。]{0,10}(?:页面|网页|内容|文章|信息)"
    r"|(?:该|此|本)(?:信息|条信息)(?:已|不)[^。]{0,6}(?:删除|存在|撤|下线)"
    r"|404notfound|error404|404错误|错误404",
    re.IGNORECASE,
)
_CHALLENGE = (
    "__jsl_clearance",
    "WTKkN",
    "/_bot_sbu/",
    "网防G01",
    "云堤网站安全防护",
    "EO_Bot_Ssid",
    "acw_sc__v2",
)
_CHALLENGE_TEXT = re.compile(
    r"访问验证|人机验证|安全验证|滑动验证|请完成验证|验证码后|请求被拦截|访问被拦截|已被拦截|访问被拒绝"
    r"|安全防护|网站防火墙|不合法的参数|正在检查您的浏览器|请开启JavaScript并刷新|请启用JavaScript",
    re.IGNORECASE,
)


def judge(
    status: int,
    body: bytes,
    page: Page | None,
    url: str,
    final_url: str,
    *,
    home_urls: Collection[str] = (),
    flags: Collection[str] = (),
) -> Verdict:
    """The verdict on the last answer of a chain that began at `url`.

    `page` is None when the body is no HTML; `flags` are the downloader's words on how the body
    ended ("dataloss", "partial").
    """
    if status == 304:
        return Verdict.NOT_MODIFIED
    if _is_challenge(status, body, page):
        return Verdict.CHALLENGE
    if status in (404, 410):
        return Verdict.GONE
    if 300 <= status < 400:
        return Verdict.MOVED
    if status >= 400 or not body.strip():
        return Verdict.ERROR
    if not _same_page(url, final_url) and _is_home(final_url, url, home_urls):
        return Verdict.HOME_REDIRECT
    if "aspxerrorpath" in final_url.lower():
        return Verdict.SOFT_404
    if "dataloss" in flags or ("partial" in flags and _looks_cut(body, page)):
        return Verdict.TRUNCATED
    if page is None:
        return Verdict.OK
    # Boda's download without a Referer, or over its quota.
    if b"codeValue=" in body and len(body) < 20_000 and "download" in url:
        return Verdict.CHALLENGE
    if _is_soft_404(page, final_url):
        return Verdict.SOFT_404
    if page.hops and len(page.visible) <= STUB:
        return Verdict.SHELL
    if not _same_page(url, final_url):
        return Verdict.MOVED
    return Verdict.OK


def _is_challenge(status: int, body: bytes, page: Page | None) -> bool:
    if status == 521:
        return True
    text = page.text if page is not None else body[:4_000].decode("utf-8", "ignore")
    if status in (202, 400, 403, 405, 412, 418) and "$_ts" in text:
        return True
    if len(text) > 20_000:
        return False
    if any(tell in text for tell in _CHALLENGE):
        return page is None or len(page.visible) <= SHORT
    if page is None or len(page.visible) > SHORT:
        return False
    return bool(_CHALLENGE_TEXT.search(page.title + page.visible))


def _is_soft_404(page: Page, final_url: str) -> bool:
    if re.search(r"/(?:404|error|notfound)[^/]*\.(?:s?html?|jsp|aspx?)$", final_url, re.IGNORECASE):
        return len(page.visible) <= 3 * SHORT
    if len(page.visible) > 3 * SHORT:
        return False
    titles = [" ".join(element.itertext()) for element in page.tree.iter("title", "h1")]
    if any(_GONE_TITLE.search(title) for title in titles):
        return True
    return len(page.visible) <= SHORT and bool(_GONE_TEXT.search(page.visible))


def _looks_cut(body: bytes, page: Page | None) -> bool:
    tail = body[-2_048:]
    if body.startswith(b"%PDF"):
        return b"%%EOF" not in tail
    return page is not None and b"</html>" not in tail.lower()


def _same_page(one: str, other: str) -> bool:
    return _place(one) == _place(other)


def _place(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.netloc, parts.path or "/", parts.query


def _is_home(final_url: str, url: str, home_urls: Collection[str]) -> bool:
    final = urlsplit(final_url)
    asked = urlsplit(url)
    if asked.path in ("", "/") and not asked.query:
        return False
    homes = {_place(home)[:2] for home in home_urls}
    if _place(url)[:2] in homes:
        return False
    root = final.path in ("", "/", "/index.html", "/index.htm", "/index.shtml", "/index.jsp")
    return (root and final.netloc == asked.netloc) or (final.netloc, final.path or "/") in homes
