"""What did the server really say? A status line alone does not tell. Pure.

Portals answer 200 for pages that are gone, for challenges and for half a page; only `gone` and
`soft_404` may ever count as evidence that a report was removed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Any
from urllib.parse import urljoin, urlsplit

from archive.identify import report_title_verdict
from crawler.fingerprint import is_like, own_lines
from crawler.page import Page, is_file


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
# A notice is one line of a page, not a sentence inside a paragraph.
LONGEST_NOTICE = 80
# No page that blocks or is under repair has as many links; home pages and lists have more.
FEW_LINKS = 12
# What scripts make of a challenge is longer than its text, and shorter than this.
LONGEST_CHALLENGE = 60_000

_THING = (
    r"(?:页面|网页|内容|文章|稿件|文件|链接|地址|网址|资源|栏目|信息|数据|记录|文档|目录|网站页)"
)
_LOST = (
    r"(?:不存在|找不到|找不着|没有找到|未找到|无法找到|不见了|走丢|丢失了|去哪了|被删除|已删除|已经删除|已被删除"
    r"|已撤销|已撤下|已撤稿|已被撤|已下线|已下架|已移除|已被移|已被屏蔽|已失效|已经失效|失效了|失效|已过期|未发布|未审核|已归档删除)"
)
_GONE_TITLE = re.compile(
    rf"^\W*(?:error|http|提示)?\W*(?:404|410)\b|404\s*(?:错误|error|not\s*found|页面|页|提示|$)|not\s*found"
    rf"|^\W*(?:抱歉|对不起|很抱歉)?\W*.{{0,8}}{_THING}.{{0,6}}{_LOST}|找不到(?:该|您|此)?.{{0,8}}{_THING}|无法找到(?:资源|网页|页面|该页)"
    r"|page\s*(?:missing|unavailable|does\s*not\s*exist)",
    re.IGNORECASE,
)
_GONE_TEXT = re.compile(
    rf"(?<!如)(?<!若){_THING}[^。，；]{{0,12}}{_LOST}"
    rf"|您?(?:要|所|想)?(?:访问|查看|浏览|请求|查找|寻找|打开)的[^。]{{0,16}}{_LOST}"
    rf"|(?:找不到|没有找到|未找到|未能找到|无法找到)(?:您|该|此|相关|要|对应|指定|这个|任何)?[^。]{{0,10}}{_THING}"
    r"|(?:该|此|本)(?:条)?信息(?:已|不)[^。]{0,6}(?:删除|存在|撤|下线)"
    r"|404\s*notfound|error\s*:?\s*404|404\s*-?\s*错误|错误(?:代码|码)?[:：]?\s*404|http\s*(?:status|错误)?\s*404|状态码?[:：]?404"
    r"|(?:page|file|resource|url|document|article).{0,80}(?:notfound|wasnotfound|doesnotexist|couldnotbefound|cannotbefound|nolongerexists?|hasbeen(?:removed|deleted))"
    r"|^notfound\W*$|^404\W*$|thispageisn.tavailable",
    re.IGNORECASE,
)
# A sentence that only speaks of the case.
_CONDITIONAL = re.compile(r"(?:如果?|若|倘若|凡|遇到?|发现|出现|是否|避免|防止|存在)[^，。]{0,12}$")

# What every match of a pattern holds: a search for plain words costs a hundredth.
_GONE_WORDS = (
    "不存在 找不到 找不着 没有找到 未找到 未能找到 无法找到 不见了 走丢 丢失 去哪了 已删 "
    "被删 经删 档删 已撤 被撤 下线 下架 已移 被移 屏蔽 失效 过期 未发布 未审核 信息已 信息不 "
    "404 found exist removed deleted available"
).split()
_CHALLENGE_WORDS = (
    "验证 认证 校验 核验 检测 检查 滑块 拼图 拦截 阻断 拒绝 禁止 屏蔽 封禁 限制 阻止 黑名单 "
    "频繁 太多 太快 过快 过多 境外 海外 国外 攻击 威胁 风险 恶意 异常 非法 黑客 防火墙 防护 "
    "安全狗 云锁 云盾 宇盾 武盾 雷池 卫士 加速 不合法 javascript cookie denied blocked "
    "forbidden banned rejected attention justamoment checking human robot securitycheck "
    "traffic toomany firewall incident supportid eventid rayid unsuccessful bot captcha ddos "
    "modsec notacceptable"
).split()
_BROKEN_WORDS = (
    "维护 升级 改造 割接 迁移 检修 改版 建设中 建设期 暂停 暂时 停止 关闭 错误 异常 繁忙 "
    "故障 超时 出错 过载 不可用 忙 人数过多 稍后 error unavailable gateway maintenance "
    "exception stacktrace ora- odbc httpstatus500 http50 offline comingsoon"
).split()
_TELLS = re.compile(
    r"__jsl_clearance|WTKkN|/_bot_sbu/|网防G01|云堤网站安全防护|EO_Bot_Ssid|__tst_status|acw_sc__v2"
    r"|\bC3VK\b|\bCT6TS?\b|FSSBBIl1UgzbN7N|nwaf|NWAF|wzws[-_]?|security_session_verify|yunsuo_session"
    r"|_Incapsula_Resource|cdn-cgi/challenge-platform|cf[-_]chl|errors\.aliyun\.com|aliyun_waf|HWWAFSES"
    r"|safedog|anquanbao|waf\.tencent|TencentWAF|hcdnwaf|_guard/|slide(?:r)?[-_]?captcha|geetest|yidun"
)
_OBFUSCATED = re.compile(
    r"\$_ts\b|eval\s*\(\s*function\s*\(\s*p\s*,\s*a|_0x[0-9a-f]{4,6}|fromCharCode|(?:\\x[0-9a-f]{2}){8}"
    r"|document\.cookie\s*=\s*\(\s*'"
)
_COOKIE = re.compile(r"document\s*(?:\.\s*cookie|\[\s*['\"]cookie['\"]\s*\])\s*=")
_AGAIN = re.compile(
    r"location\s*\.\s*reload\s*\(|location(?:\.href)?\s*=\s*(?:window\.|document\.|self\.)?location"
    r"|location\.replace\s*\(\s*(?:window\.|document\.)?location|history\.go\s*\(\s*0"
)
_CHALLENGE_TEXT = re.compile(
    r"(?:访问|人机|安全|滑动|滑块|身份|行为|浏览器|智能)(?:安全)?(?:验证|认证|校验|核验|检测|检查)(?!工作|制度|中心|报告|机构|所)"
    r"|请?(?:完成|通过|进行|输入|点击|拖动)[^。]{0,12}(?:验证|滑块|拼图)|验证码后|请输入(?:图中|图片|下图|右侧|下方)?[^。]{0,6}验证码"
    r"|(?:请求|访问|操作|行为|ip)[^。]{0,12}(?:被|已被|遭到|受到)[^。]{0,12}(?:拦截|阻断|拒绝|禁止|屏蔽|封禁|限制|阻止)"
    r"|(?:已被|被)[^。]{0,8}(?:拦截|阻断|封禁|列入黑名单)|(?:访问|请求|操作)(?:过于|太|次数过)(?:频繁|多|快)"
    r"|(?:禁止|拒绝|限制)(?:您的?|该|此|境外|海外|国外|非法)?(?:ip|地区|用户|区域)?[^。]{0,6}(?:访问|请求)|(?:境外|海外|国外)[^。]{0,12}(?:无法|不能|禁止|限制|暂不)[^。]{0,6}访问"
    r"|(?:存在|检测到|发现|疑似|可能|含有|包含)[^。]{0,16}(?:攻击|安全威胁|安全风险|恶意|异常(?:访问|请求|流量|行为)|非法(?:请求|访问|参数|字符)|黑客)"
    r"|网站防火墙|应用防火墙|web应用防护|网站安全狗|安全防护(?:系统|平台|提示|中)|云(?:防护|锁|盾)|创宇盾|玄武盾|雷池|网站卫士|云加速|不合法的?(?:参数|请求)"
    r"|正在(?:检查|检测|验证|进行)[^。]{0,10}(?:浏览器|安全|环境)|请(?:开启|启用|打开|允许)[^。]{0,8}(?:javascript|cookie)[^。]{0,16}(?:刷新|继续|重试|访问|后)|请(?:开启|启用|打开)javascript"
    r"|accessdenied|accesstothis(?:page|site|resource)[^.]{0,30}(?:denied|blocked|forbidden)|(?:request|access|you|ip(?:address)?)(?:is|are|hasbeen|havebeen|was|were)(?:temporarily)?(?:blocked|banned|denied|rejected|forbidden)"
    r"|therequestedurlwasrejected|attentionrequired|justamoment|checkingyourbrowser|verifyyouareahuman|areyouahuman|areyouarobot|notarobot|securitycheck|unusualtraffic|toomanyrequests"
    r"|webapplicationfirewall|firewall|incidentid|supportid|eventid|rayid|enablejavascriptandcookies|enablejavascripttoview|pleaseenablejavascript|enablecookies|requestunsuccessful|bot(?:detection|protection)|captcha|ddosprotection|modsecurity|notacceptable!",
    re.IGNORECASE,
)
_BROKEN = re.compile(
    r"(?:系统|网站|平台|服务器?|数据库|站点|栏目|页面|本站|设备)[^。，]{0,8}(?:维护|升级|改造|割接|迁移|检修|改版)(?!工作|费|办法|制度|情况|项目|服务合同)"
    r"|(?:维护|升级|改造|改版|建设|割接)(?:中|期间)|暂停(?:服务|访问|使用|开放)|暂时(?:无法|不能|停止|关闭)[^。]{0,6}(?:访问|服务|使用|提供)?|停止服务|网站(?:已|暂时?)关闭"
    r"|(?:系统|服务器?|程序|数据库|网络|运行时?|应用程序|内部|执行)[^。，]{0,10}(?:错误|异常|繁忙|故障|超时|出错|过载|不可用)|(?:服务|服务器)[^。]{0,6}(?:不可用|忙)|访问人数过多|请稍后(?:再试|重试|访问)|稍后再(?:试|访问)"
    r"|internalservererror|serviceunavailable|temporarilyunavailable|badgateway|gatewaytime-?out|undermaintenance|maintenancemode|scheduledmaintenance|servererrorin|databaseerror|errorestablishingadatabase|fatalerror|parseerror|uncaughtexception|runtimeerror|unhandledexception|stacktrace|nullpointerexception|sqlexception|ora-\d{5}|odbc(?:driver|sql)|httpstatus500|http(?:error)?50[0-4]|siteisoffline|siteunavailable|comingsoon",
    re.IGNORECASE,
)
# What a server says of an address that no browser sends: our mistake, and no block.
_MALFORMED = re.compile(
    r"invalid(?:url|uri|hostname|host|header|character|request(?:line|url|header))|url(?:is)?invalid|headerorcookietoolarge"
    r"|plainhttprequest|malformed|parameter.{0,40}(?:isnotpresent|required|missing)|缺少.{0,8}参数|参数.{0,6}(?:错误|缺失|为空|不能为空)",
    re.IGNORECASE,
)
# A menu that a script draws beside a frame: without it the page would be the frame's shell.
_TREE = re.compile(r"\bzTree\b|\bzNodes\b|\bdTree\b|\bd\.add\s*\(")
_ERROR_PATH = re.compile(
    r"/(?:(?:404|410)(?!\d)|error(?:s|page)?|e?notfound|page_?not_?found|nopage|no_?page|missing|40[34]page|error_?404|err404)[^/]*(?:\.(?:s?html?|jspx?|aspx?|php|do|action))?/?$",
    re.IGNORECASE,
)
_BUSY_PATH = re.compile(
    r"/(?:weihu|maintain|maintenance|50[0-4](?!\d)|busy|upgrade|stop)[^/]*\.\w+$", re.I
)
_LOGIN_PATH = re.compile(r"/(?:login|signin|sso|cas|passport|oauth2?)(?:[/._?]|$)", re.IGNORECASE)
_WALL_PATH = re.compile(r"(?:captcha|/waf|verify|/forbid|/block|/deny|antispider|challenge)", re.I)
_ROOT = re.compile(
    r"/?(?:(?:index|default|home|main)(?:\.(?:s?html?|jspx?|aspx?|php|do|action))?/?)?", re.I
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
    not_found: str = "",
    location: str = "",
) -> Verdict:
    """The verdict on the last answer of a chain that began at `url`.

    `page` is None when the body is no page; `flags` are the downloader's words on how the body
    ended ("dataloss", "partial"); `not_found` is the sketch of the host's own not-found page;
    `location` is the address that a redirect names.
    """
    if status == 304:
        return Verdict.NOT_MODIFIED
    if _is_challenge(status, body, page, url, final_url, home_urls):
        return Verdict.CHALLENGE
    if 300 <= status < 400:
        return _redirected(final_url, location, page)
    if status in (404, 410):
        return Verdict.ERROR if page is not None and _is_broken(page) else Verdict.GONE
    if status >= 400 or not body.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        return Verdict.ERROR
    moved = not _same_page(url, final_url)
    if moved and _is_home(final_url, url, home_urls):
        return Verdict.HOME_REDIRECT
    if moved and _WALL_PATH.search(urlsplit(final_url).path) and not _is_long(page):
        return Verdict.CHALLENGE
    if moved and _LOGIN_PATH.search(urlsplit(final_url).path):
        return Verdict.ERROR
    if "aspxerrorpath" in final_url.lower():
        return Verdict.SOFT_404
    if "dataloss" in flags or ("partial" in flags and _looks_cut(body, page)):
        return Verdict.TRUNCATED
    if page is None:
        return Verdict.OK
    # Boda's download without a Referer, or over its quota.
    if b"codeValue=" in body and len(body) < 20_000 and "download" in url:
        return Verdict.CHALLENGE
    if page.json is not None:
        said = _judge_data(page.json)
        # Some interfaces answer for what is not there as for what is.
        if said is Verdict.OK and not_found and is_like(page, not_found):
            return Verdict.SOFT_404
        return said
    if _is_broken(page) or (moved and _BUSY_PATH.search(urlsplit(final_url).path)):
        return Verdict.ERROR
    if _is_soft_404(page, url, final_url, home_urls):
        return Verdict.SOFT_404
    if not_found and not _is_one_of(url, home_urls) and is_like(page, not_found):
        return Verdict.SOFT_404
    is_stub = len(page.visible) <= STUB and not any(map(_TREE.search, page.scripts))
    if is_stub and (page.hops or _is_empty_but_for_a_hop(page)):
        return Verdict.SHELL
    if _is_blank(page):
        return Verdict.ERROR
    return Verdict.MOVED if moved else Verdict.OK


def _redirected(final_url: str, location: str, page: Page | None) -> Verdict:
    """A redirect that nobody follows: to itself it wants its cookie back, twice over."""
    if location and _same_page(urljoin(final_url, location), final_url):
        return Verdict.CHALLENGE
    return Verdict.MOVED


# Challenges and blocks.


def _is_challenge(
    status: int,
    body: bytes,
    page: Page | None,
    url: str,
    final_url: str,
    home_urls: Collection[str],
) -> bool:
    if status in (521, 412, 566, 567):
        return True
    text = page.text if page is not None else body[:4_000].decode("utf-8", "ignore")
    refused = status in (202, 400, 401, 403, 405, 406, 418, 429, 444, 451, 493, 503, 599)
    if page is None or page.json is not None:
        return (refused or len(body) < 2_000) and page is None and bool(_TELLS.search(text))
    if status == 400:
        # 瑞数 answers so to a session's second request, mostly with nothing at all.
        return not _MALFORMED.search(page.title + page.visible[:2_000])
    if refused and "$_ts" in text:
        return True
    if len(text) > LONGEST_CHALLENGE or text.count("href") > 5 * FEW_LINKS or _is_long(page):
        return False
    if _TELLS.search(text) and len(page.visible) <= SHORT and not _is_article(page):
        return True
    if _is_script_only(page) and _returns(page, text, final_url):
        return True
    if status == 202:
        return len(page.visible) <= STUB
    if status == 403 and _is_one_of(url, home_urls):
        # Nobody forbids a government's home page: it is us whom the server refuses.
        return True
    return _says(page, _CHALLENGE_TEXT)


def _is_script_only(page: Page) -> bool:
    return len(page.visible) <= STUB and len(page.links) <= 1 and bool(page.scripts)


def _returns(page: Page, text: str, url: str) -> bool:
    """Whether a page without words sets a cookie and comes back, or hides what it does."""
    scripts = "\n".join(page.scripts)
    if _COOKIE.search(scripts):
        back = _AGAIN.search(scripts) or any(_same_page(hop, url) for hop in page.hops)
        if back or _OBFUSCATED.search(scripts):
            return True
    return bool(_OBFUSCATED.search(scripts)) and len(page.visible) <= 40 and "<div id=" not in text


# Pages that are not there.


def _is_soft_404(page: Page, url: str, final_url: str, home_urls: Collection[str]) -> bool:
    if _is_one_of(url, home_urls):
        return False
    path = urlsplit(final_url).path
    if _ERROR_PATH.search(path) and not _ERROR_PATH.search(urlsplit(url).path):
        return not _is_long(page)
    titles = list(_headings(page))
    is_report = any(report_title_verdict(title) == "report" for title in titles)
    # Before its address is judged: articles are numbered, and one of them is /404.html.
    if is_report and page.visible and _is_article(page):
        return False
    if _ERROR_PATH.search(path) and len(page.visible) <= 3 * SHORT:
        return True
    named = any(len(title) <= 60 and _GONE_TITLE.search(title) for title in titles)
    if not named and not _holds(page.visible, _GONE_TEXT):
        return not page.visible and any(map(_GONE_TEXT.search, _alerts(page)))
    if is_report and _is_article(page):
        return False
    lines = own_lines(page)
    if sum(map(len, lines)) > 3 * SHORT:
        return False
    return named or _says_in(lines, _GONE_TEXT)


def _headings(page: Page) -> Iterator[str]:
    for element in page.tree.iter("title", "h1", "h2"):
        if words := " ".join("".join(element.itertext()).split()):
            yield words


def _alerts(page: Page) -> Iterator[str]:
    for script in page.scripts:
        yield from re.findall(r"""alert\s*\(\s*["']([^"'\n]{2,80})["']""", script)


def _is_broken(page: Page) -> bool:
    # ASP.NET heads its not-found page 服务器错误, and titles it 无法找到资源.
    if any(_GONE_TITLE.search(one) and not _BROKEN.search(one) for one in _headings(page)):
        return False
    return _says(page, _BROKEN)


def _says(page: Page, what: re.Pattern[str]) -> bool:
    """Whether a short page without much to follow says something, in its title or a line."""
    if _is_long(page) or len(page.text) > 8 * LONGEST_CHALLENGE:
        return False
    # Counted before they are read, which costs more.
    if page.text.count("href") > 5 * FEW_LINKS:
        return False
    title = "".join(page.title.split())
    in_title = len(title) <= 40 and _holds(title, what)
    if not in_title and not _holds(page.visible, what):
        return False
    if len(page.links) > FEW_LINKS or _is_article(page):
        return False
    lines = own_lines(page)
    return sum(map(len, lines)) <= SHORT and (in_title or _says_in(lines, what))


def _holds(text: str, what: re.Pattern[str]) -> bool:
    """A search for a pattern, after one for the words that it cannot do without."""
    lower = text.lower()
    return any(map(lower.__contains__, _WORDS[what])) and bool(what.search(text))


_WORDS = {
    _GONE_TEXT: _GONE_WORDS,
    _CHALLENGE_TEXT: _CHALLENGE_WORDS,
    _BROKEN: _BROKEN_WORDS,
}


def _says_in(lines: Collection[str], what: re.Pattern[str]) -> bool:
    for line in lines:
        match = what.search(line)
        if (
            match
            and (len(line) <= LONGEST_NOTICE or match.start() <= 40)
            and not _CONDITIONAL.search(line[: match.start()])
        ):
            return True
    return False


def _is_article(page: Page) -> bool:
    """Whether a page carries a document, or is named as a report and has more than a notice."""
    is_report = report_title_verdict(page.title.split("_")[0]) == "report"
    return (is_report and len(page.visible) > STUB) or bool(page.files)


def _is_long(page: Page | None) -> bool:
    return page is not None and len(page.visible) > 3 * SHORT


def _is_empty_but_for_a_hop(page: Page) -> bool:
    """Whether all that a page does is to send away; a document in its only frame is what it has."""
    return page.sends_away and not any(is_file(link.url) for link in page.links[:FEW_LINKS])


def _is_blank(page: Page) -> bool:
    """Whether nothing is shown, linked or done: half an answer, or a tree too deep to read."""
    return not (
        page.visible
        or page.links
        or page.scripts
        or page.frames
        or any(True for _ in page.tree.iter("script", "img", "iframe", "frame", "embed", "object"))
    )


# Answers that are data.


def _judge_data(data: Any) -> Verdict:
    """The verdict on an interface's answer: what its code and message say, unless it has data."""
    if not isinstance(data, dict):
        return Verdict.OK
    said = {str(name).lower(): value for name, value in data.items()}
    if any(
        isinstance(value, dict | list) and value and name not in _SAID_OF_ERRORS
        for name, value in said.items()
    ):
        return Verdict.OK
    code = next((said[name] for name in _CODES if name in said), None)
    words = "".join(str(said[name]) for name in _MESSAGES if said.get(name))
    number = str(code).strip() if code is not None else ""
    failed = said.get("success") in (False, "false") or said.get("ok") is False
    if number in ("404", "410") or (
        (failed or number not in _FINE) and re.search(_GONE_TEXT, words)
    ):
        return Verdict.SOFT_404
    if number in ("401", "403", "412", "418", "429", "521") or (
        (failed or number not in _FINE) and _CHALLENGE_TEXT.search(words)
    ):
        return Verdict.CHALLENGE
    if failed or re.fullmatch(r"-\d+|[45]\d\d|error|fail(?:ed|ure)?", number, re.IGNORECASE):
        return Verdict.ERROR
    return Verdict.ERROR if number not in _FINE and _BROKEN.search(words) else Verdict.OK


_CODES = ("code", "status", "errcode", "errorcode", "resultcode", "retcode", "rescode", "state")
_MESSAGES = ("msg", "message", "errmsg", "error", "errormsg", "info", "desc", "resultmsg")
_SAID_OF_ERRORS = ("error", "errors", "exception", "trace", "stacktrace", "meta")
_FINE = frozenset(
    ("", "0", "00", "0000", "000000", "1", "200", "True", "true", "ok", "success", "OK")
)


# Half answers, and where an answer came from.


def _looks_cut(body: bytes, page: Page | None) -> bool:
    tail = body[-2_048:]
    if body.startswith(b"%PDF"):
        return b"%%EOF" not in tail
    if page is None:
        return body[:4] == b"PK\x03\x04" and b"PK\x05\x06" not in body[-66_000:]
    if page.text.lstrip()[:1] in ("{", "["):
        return page.json is None
    return b"</html>" not in tail.lower()


def _same_page(one: str, other: str) -> bool:
    return _place(one) == _place(other)


def _place(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.netloc, (parts.path or "/") + _route(parts.fragment), parts.query


def _route(fragment: str) -> str:
    """What chooses a page on the site of a portal that needs a browser; `/#/` is the home page."""
    return f"#{fragment}" if fragment.strip("/!") else ""


def _is_one_of(url: str, home_urls: Collection[str]) -> bool:
    return _place(url)[:2] in {_place(home)[:2] for home in home_urls}


def _is_home(final_url: str, url: str, home_urls: Collection[str]) -> bool:
    final = urlsplit(final_url)
    asked = urlsplit(url)
    if asked.path in ("", "/") and not (asked.query or _route(asked.fragment)):
        return False
    homes = {_place(home)[:2] for home in home_urls}
    if _place(url)[:2] in homes:
        return False
    hosts = {asked.netloc, *(host for host, _ in homes)}
    root = _ROOT.fullmatch(final.path) is not None and not _route(final.fragment)
    return (root and final.netloc in hosts) or _place(final_url)[:2] in homes
