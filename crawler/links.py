"""Is this link the column, a listing on the way to it, a report, an attachment, or noise? Pure.

Text decides, the path only helps: of 89 real report addresses 37 held no telling slug, and
columns of reports are full of look-alikes that share the slug.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from itertools import islice
from urllib.parse import parse_qsl, urlsplit

from lxml import html

from archive.identify import report_title_verdict
from crawler.page import Link, Page, absolute, is_file, links_of, words_of


class Kind(StrEnum):
    COLUMN = "column"
    LISTING = "listing"
    REPORT = "report"
    ATTACHMENT = "attachment"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a link is, and how soon it should be followed: 0 (never) to 100."""

    kind: Kind
    score: int = 0


NOISE = Judgement(Kind.NOISE)
# Below this a listing is only followed while no column is known.
STRONG = 40
OF_BODIES = 55
# Tabs of the disclosure platform: its menu stands on each of them.
OF_TABS = 38
OF_TIERS = 20
OF_WELCOME = 15
FRAMED = 50
# What 年报 and 年度报告 are given, which other things have too; one less is a list's later page.
VAGUE = 90
# From here on a list is known by its name or place to be a column of reports.
SURE = 85
# No table can be read in a smaller picture, in pixels; and no report has more of them.
SMALLEST = 200
MOST_PICTURES = 20

_NOUN = r"(?:工作)?(?:年报|年度报告|年度工作报告|工作报告)"
_KINDS = "部门|单位|机关|街道|苏木|园区|开发区|功能区|新区|(?:国有)?企(?:事)?业(?:单位)?"
_ANNUAL = r"(?:工作)?(?:年报|年度报告|年度工作报告)"
# The words that names of tiers and of kinds of bodies are put together from.
_TIER = (
    r"(?:各|所有|本|级|直|属|人民|政府|工作|组成|职能|管理|垂直|垂管|双管|派出|驻|事业|基层|部门|单位|机关|机构"
    r"|委办局|局委办|街道|街|苏木|嘎查|园区|开发区|功能区|新区|办事处|办公[室厅]|办|设区|其[他它]|地方|各地|[省市县区旗州盟乡镇]"
    r"|[及和与、()（）])"
)
_TAIL = (
    r"(?:汇总|专栏|专题|专区|列表|栏目|公开|发布|查询|平台)?(?:[（(].{1,10}[)）])?"
    r"(?:>+|»|更多|more)?"
)
_COLUMNS = (
    (re.compile(rf"(?:.{{0,16}}?)政府信息公开{_NOUN}{_TAIL}"), 100),
    (re.compile(rf"(?:.{{0,16}}?)(?:政务|信息|政务信息){{1}}公开{_NOUN}{_TAIL}"), 95),
    (re.compile(rf"公开(?:工作)?(?:年报|年度报告){_TAIL}"), 93),
    (re.compile(rf"(?:工作)?(?:年报|年度报告){_TAIL}"), VAGUE),
    (re.compile(rf"(?:{_TIER}{{1,8}}|历年|往年|往期|历史)(?:公开)?{_ANNUAL}{_TAIL}"), 93),
)
_BODIES = re.compile(
    r".{2,20}(?:局|委|办|厅|院|社|馆|署|处|所|队|会|联|海关|镇|乡|街道|中心|办公室|办事处|政府)"
    r"(?:(?:政府信息|政务信息|信息|政务)公开(?:目录|专栏|专区|平台|网|主页|首页)?)?"
)
# The body that a report's title begins with, before or behind the year.
_BODY_FIRST = re.compile(
    r"(?!关于|一?图)(?:(?:19|20)\d{2}年度?)?[^年]{2,14}?(?:局|委|厅|署|办|办公室)"
    r"(?=(?:19|20)\d{2}年|政|信息公开|年度)"
)
_BODIES_REPORTS = re.compile(rf"(?:{_BODIES.pattern}){_ANNUAL}{_TAIL}")
# Directories of bodies, each with a column of its own.
_DIRECTORIES = re.compile(
    r".{0,4}?(?:部门|乡镇|街道|镇街|区县|县区|县市区|单位|机关|机构|基层|苏木|园区|垂管).{0,8}(?:信息|政务)公开.{0,4}"
)
# Directories of bodies, each with a site of its own.
_SITES = re.compile(
    r".{0,4}?(?:部门|乡镇|街道|镇街|区县|县区|县市区)(?:乡镇|街道)?"
    r"(?:网站群?|站点|导航|子站|主页|之窗|门户(?:网站)?|链接)?"
)
# Fewer names of bodies, at addresses alike, make no directory.
_FEWEST_BODIES = 3
_LISTINGS = (
    (
        re.compile(
            r".{0,12}?政府信息(?:主动)?公开(?:工作)?(?:平台|专栏|专区|专题|网站?|目录|栏目?|系统|首页|统一平台)?"
        ),
        70,
    ),
    (
        re.compile(
            r"(?:政务|信息|政府信息|政务信息|办事)公开(?:平台|专栏|专区|专题|网站?|栏目?|系统|首页|频道)?"
        ),
        60,
    ),
    (_DIRECTORIES, OF_BODIES),
    (re.compile(r"法定主动公开内容|公开目录|信息公开目录|主动公开|公开专栏|政府公开"), 50),
    (
        re.compile(
            r"(?:政府)?信息公开(?:工作)?(?:指南|制度|规定|目录|说明|保障|监督)|(?:公开)?(?:指南|制度)|依申请公开|法定主动公开"
        ),
        OF_TABS,
    ),
    (_BODIES, 30),
    (re.compile(r"(?:网站|站点)?(?:地图|导航|导览)|(?:全部|所有)栏目|sitemap", re.IGNORECASE), 25),
    (
        re.compile(
            r"政务|公开|部门|机构设置|组织机构|政府机构|乡镇街道|区县|走进政府|政府|要闻公开|阳光政务|透明政府|政务(?:信息|资讯|大厅)|公众监督"
        ),
        20,
    ),
    (_SITES, OF_TIERS),
    # The real home page behind a page of welcome.
    (
        re.compile(
            r"(?:点击)?进入.{0,12}|(?:网站|门户)?首页|简体(?:中文)?(?:版)?|中文版?|主站|旧版(?:网站|入口)?|skip|enter.{0,8}",
            re.IGNORECASE,
        ),
        OF_WELCOME,
    ),
)
# What a column is split by: years, tiers, kinds of bodies.
_YEARS = (
    r"(?:(?:19|20)\d{2}|二[〇○零][〇○零一二三四五六七八九]{2})年?(?:度|版)?"
    r"(?:[-—–~至到]+(?:19|20)\d{2}年?度?)?(?:及?(?:以前|之前|以后|以来))?"
)
_DIVISIONS = re.compile(
    rf"(?:{_YEARS}(?:{_TIER}{{1,8}})?|{_TIER}{{2,10}}|{_KINDS}|历[年史]|往[年期]|以往|更多)"
    r"(?:(?:政府)?(?:信息公开)?(?:工作)?(?:年报|年度报告|报告)(?:汇总)?)?(?:[（(].*[)）])?"
)
_FOLDER_PAGE = re.compile(
    r"(?:index|list|default|main|home|col|column|channel)(?:[_-]?\d+)?\.", re.IGNORECASE
)
_MORE = re.compile(r"(?:查看|点击)?(?:更多|全部)[>»]*|\+?more[>»+.]*|>{1,3}|»|\+", re.IGNORECASE)
_COLUMN_PATH = re.compile(
    r"(?:^|[/_=])(?:[a-z]{0,6}(?:zfxxgk|xxgk|gk)(?:gz)?n(?:d)?b(?:g)?|nd(?:zf)?xxgkbg|gknb|ndbg"
    r"|(?:[a-z]{0,4}openness)?annual_?reports?)(?:zt|zl|lm|pt|hz)?(?![a-z])",
    re.IGNORECASE,
)
# Where a picture or a word like 进入 leads, the path is all there is.
_LISTING_PATH = re.compile(
    r"/(?:gkmlpt|zfxxgk(?:pt|ml|zn|zl|w|n)?|xxgk(?:pt|ml|zn|zl|w|n)?|zwgk|zwxxgk|gongkai|xinxigongkai|govopen)(?:_\d+)?(?:/(?:index)?|\.\w+$|/?$)",
    re.IGNORECASE,
)
_SAYS_NOTHING = re.compile(
    r"(?:点击|进入|查看|详情|专栏|专题|专区|平台|页面|栏目|链接|这里|图片|banner|logo|[\w.]+\.(?:png|jpe?g|gif)|image|[>»])*",
    re.IGNORECASE,
)
_DECORATED = re.compile(r"^[\W_]+|[^\w)）>》…]+$|^\d{1,2}[.、．]", re.UNICODE)
_TIERS = re.compile(rf"{_TIER}{{2,10}}|{_KINDS}")
_ARTICLE = re.compile(
    r"/t\d{8}_\d+(?:_\w+)?(?:\.[sj]?html?)?$|/art_[\d_]+\.html?$|/(?:m?post|content|c\d+)_\d+(?:\.[sj]?html?)?$"
    r"|/c\d{5,}/content\.html$|/\d{5,}\.[sj]?html?$|/[0-9a-f]{20,}\.[sj]?html?$|/[0-9a-f]{8}-[0-9a-f-]{27}\.[sj]?html?$"
    r"|/info/\d+/\d+\.html?$|/show/\d+(?:\.html?)?$|/(?:public|content|detail)/\d+(?:/\d+)?(?:\.[sj]?html?)?$"
    r"|[?&](?:i?id|aid|nid|newsid|docid|articleid|contentid|infoid|guid|uuid)=\w+|xxgkAnnualReport\.jsp",
    re.IGNORECASE,
)
# One report, and beside it the way to those of all bodies and years.
_MODULE = re.compile(r"/xxgkAnnualReport\.jsp", re.IGNORECASE)
_TABLE = re.compile("政府信息公开申请数量|现行有效件?数|对外公开总数量|主动公开政府信息数")
_DECORATION = re.compile(
    r"\.(?:gif|svg|ico)$|icon|logo|share|qrcode|ewm|weixin|banner|print|jiucuo|dzjg", re.IGNORECASE
)
# A part is called by words or a year; days and pages are not parts.
_WORDS = re.compile(r"[\u4e00-\u9fff]{2}|(?:19|20)\d{2}|[A-Za-z]{4}")
_TRAP = re.compile(
    r"/20\d{2}/\d{1,2}(?:/\d{1,2})?/?$|calendar|/rili\b|/print[/.?]|log(?:in|out)\b|/register|/tags?/|[?&](?:share|keywords?|kw|q|wd|searchword|print|backurl|returnurl)="
    r"|/search[/.?]|/s\?|[?&](?:day|date|month|riqi|time)=\d",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"\.(?:jpe?g|png|gif|bmp|svg|webp|ico|mp3|mp4|css|js)(?:$|[?&])", re.IGNORECASE)
_NATIONAL_SUFFIXES = ("gov.cn", "com.cn", "org.cn", "net.cn", "edu.cn", "ac.cn")
_CUT = re.compile(r"(?:…|\.{2,})+$")
_BEGUN = re.compile(
    r"(?:(?:19|20)\d{2}|二[〇○零].{2})"
    r"(?:年?度?(?:工作)?|.*(?:政|政府|政务|信|信息|信息公|政务公|(?:信息|政务)公开.{0,8}))$"
    r"|政府信(?:息(?:公(?:开.{0,8})?)?)?$"
)
_YEAR = re.compile(r"(?:19|20)\d{2}|二[〇○零]")
_CHAPTERS = (
    "主动公开政府信息",
    "收到和处理政府信息公开申请",
    "行政复议",
    "存在的主要问题",
    "总体情况",
)
# What every form of the report speaks of, also the free ones before 2019.
_TOPICS = (
    "主动公开",
    "依申请公开|公开申请",
    "行政复议|行政诉讼",
    "收费|减免|费用",
    "问题|不足",
    "改进|措施|打算",
    "概述|总体情况|基本情况",
    "附表|统计表|制发件数|其他需要报告",
)


def classify(
    link: Link,
    page: Page,
    *,
    in_column: bool = False,
    is_part: bool = True,
    among_bodies: bool = False,
) -> Judgement:
    """What a link of this page is.

    `in_column`: the page belongs to a column of reports, and `is_part`: surely so, whatever lies
    below it; `among_bodies`: it is a directory of bodies, each with a column of its own.
    """
    if _IMAGE.search(urlsplit(link.url).path) or _is_trap(link.url):
        return NOISE
    label = bare(link.label)
    if is_file(link.url):
        if report_title_verdict(label) == "report":
            return Judgement(Kind.REPORT, 80)
        return Judgement(Kind.ATTACHMENT, 10)
    names_year = bool(_YEAR.search(label))
    named = column_score(label)
    article = is_article(link.url) and (names_year or not _MODULE.search(link.url))
    if named and not names_year and not article:
        return Judgement(Kind.COLUMN, named)
    if report_title_verdict(label) == "report":
        if article or names_year:
            return Judgement(Kind.REPORT, 80)
        return Judgement(Kind.COLUMN, SURE)
    if article:
        return NOISE
    if is_lookalike(label):
        # 指南 and 目录 are no reports, and tabs of the platform beside the column.
        return _listing(label) if not in_column else NOISE
    if named:
        return Judgement(Kind.COLUMN, named)
    if in_column:
        # 机构 in a column's menu may be a tier or the site's own: what is below it is not followed.
        if is_part and _belongs(link, page, label):
            return Judgement(Kind.COLUMN, SURE)
        if _DIVISIONS.fullmatch(label):
            return Judgement(Kind.COLUMN, SURE - 5)
    is_part_by_name = _DIVISIONS.fullmatch(label) or _BODIES.fullmatch(label)
    if is_part_by_name and link.context != label and column_score(_heading(link)):
        return Judgement(Kind.COLUMN, SURE)
    if in_column and _BODIES.fullmatch(label) and is_sibling(link.url, page.url):
        return Judgement(Kind.COLUMN, SURE - 5)
    if (in_column or among_bodies) and _BODIES.fullmatch(label):
        return Judgement(Kind.LISTING, OF_BODIES)
    if _MORE.fullmatch(label) or _SAYS_NOTHING.fullmatch(label):
        return _by_surroundings(link, page)
    judged = _listing(label)
    is_root = urlsplit(link.url).path in ("", "/")
    return NOISE if judged.score <= OF_WELCOME and (in_column or is_root) else judged


def is_lookalike(label: str) -> bool:
    """审计 and 信访 in a title tell of other reports; as the name of a body they do not."""
    words = bare(label)
    if report_title_verdict(words) != "lookalike" or _BODIES.fullmatch(words):
        return False
    # 某县审计局2015年度…: what follows the name of the body tells.
    followed = _BODY_FIRST.match(words)
    return not followed or report_title_verdict(words[followed.end() :]) == "lookalike"


def bare(label: str) -> str:
    """A link's words without spaces, marks and numbering around them."""
    return _DECORATED.sub("", _DECORATED.sub("", "".join(label.split()))).strip("《》【】[]|>»")


def _listing(label: str) -> Judgement:
    for pattern, score in _LISTINGS:
        if pattern.fullmatch(label):
            return Judgement(Kind.LISTING, score)
    return Judgement(Kind.LISTING, OF_TIERS) if is_tier(label) else NOISE


def _by_surroundings(link: Link, page: Page) -> Judgement:
    """What 更多 or a picture without words leads to: what stands beside it, else its path."""
    heading = _heading(link)
    if column_score(heading):
        return Judgement(Kind.COLUMN, SURE)
    if report_title_verdict(heading) == "lookalike":
        return NOISE
    parts = urlsplit(link.url)
    address = f"{parts.path}?{parts.query}"
    if is_article(link.url) or parts.netloc != urlsplit(page.url).netloc:
        return NOISE
    if _COLUMN_PATH.search(address):
        return Judgement(Kind.COLUMN, 70)
    if (judged := _listing(heading)).score >= OF_TABS:
        return judged
    return Judgement(Kind.LISTING, OF_TABS) if _LISTING_PATH.search(parts.path) else NOISE


def _heading(link: Link) -> str:
    """What stands before a link in its box: the name of the list that 更多 is about."""
    before, _, after = link.context.partition(link.text) if link.text else (link.context, "", "")
    words = before.split() or after.split()
    whole = bare("".join(words))
    return whole if column_score(whole) else bare(words[0]) if words else ""


def column_score(label: str) -> int:
    """How surely a label (without spaces) names a column of annual reports: 0 to 100."""
    if not 2 <= len(label) <= 40:
        return 0
    if report_title_verdict(label) != "lookalike":
        for pattern, score in _COLUMNS:
            if pattern.fullmatch(label):
                return score
    # 审计局年度报告 is no 审计 report.
    return VAGUE if _BODIES_REPORTS.fullmatch(label) else 0


def _belongs(link: Link, page: Page, label: str) -> bool:
    """Whether a link on a column's page leads to a part of the column."""
    inside = is_below(link.url, page.url)
    if _DIVISIONS.fullmatch(label):
        return inside or bool(_COLUMN_PATH.search(link.url)) or _shares_folder(link.url, page.url)
    return inside and bool(_WORDS.search(label))


def names_body(label: str) -> bool:
    """Whether a link's words are the name of a body: 甲县教育局."""
    return bool(_BODIES.fullmatch("".join(label.split())))


def is_sibling(url: str, column_url: str) -> bool:
    """Whether an address is that of the same column of another body: only ids in it differ."""
    one, other = urlsplit(url), urlsplit(column_url)
    if one.netloc != other.netloc or _without_ids(one.path) != _without_ids(other.path):
        return False
    here, there = dict(parse_qsl(one.query)), dict(parse_qsl(other.query))
    shared = set(here.items()) & set(there.items())
    is_column = bool(shared) or re.search("annual_?report", one.path, re.IGNORECASE)
    return one != other and bool(is_column) and bool(here.keys() & there.keys() or not here)


def _without_ids(path: str) -> str:
    return re.sub(r"(?<![^/_-])(?:\d+|[0-9a-f]{24,})(?![^/._-])", "#", path)


def names_year(title: str) -> bool:
    """Whether words hold a year in either kind of numerals."""
    return bool(_YEAR.search(title))


def years_in(title: str) -> set[str]:
    """The years that words hold."""
    return set(re.findall(r"(?:19|20)\d{2}", title))


def may_be_report(title: str) -> bool:
    """Whether a row in a column of reports could be one: 2021年, 2021年度报告, 年报."""
    label = bare(title)
    return bool(
        _DIVISIONS.fullmatch(label)
        or re.search(r"年报|年度.{0,4}报告|信息公开.{0,6}(?:报告|情况)", label)
    )


def may_begin_report(title: str) -> bool:
    """Whether a title that a list has cut could go on as a report's: 甲镇2023年政府信…"""
    return bool(_BEGUN.search(_CUT.sub("", "".join(title.split()))))


def is_vague(score: int) -> bool:
    """Whether a list is called like a column of reports, and like many other things."""
    return VAGUE - 1 <= score <= VAGUE


def is_tier(label: str) -> bool:
    """Whether a link's words name a tier of government, or a kind of bodies: 县直部门."""
    words = bare(label)
    return not _YEAR.search(words) and bool(_TIERS.fullmatch(words))


def is_column(page: Page) -> bool:
    """Whether a page says of itself that it is the column: by its metas, or its title."""
    if page.metas.get("articletitle"):
        return False
    names = (page.metas.get("columnname", ""), re.split(r"[-_|—–]", page.title)[0])
    return any(column_score(bare(name)) >= 90 for name in names if not _YEAR.search(name))


def names_column_aside(page: Page) -> bool:
    """Whether the column's name stands on the page as a tab or heading that leads nowhere."""
    return any(
        element.text and column_score(bare(element.text)) >= 95 and not _leads_on(element)
        for element in page.tree.iter("li", "div", "span", "h1", "h2", "h3", "h4", "p", "td", "b")
    )


def _leads_on(element: html.HtmlElement) -> bool:
    """Whether a tab is in a link or has a script for one, or a heading has its 更多 beside it."""
    if next(element.iterancestors("a"), None) is not None:
        return True
    around = [element, *islice(element.iterancestors(), 2)]
    if any(one.get("onclick") for one in around):
        return True
    beside = element.getparent()
    return beside is not None and any(
        _MORE.fullmatch(bare(words_of(link))) or _MORE.fullmatch("".join(words_of(link).split()))
        for link in beside.iter("a")
    )


def has_parts(page: Page) -> bool:
    """Whether a page leads to parts of a column below it, or to several years or tiers."""
    parts = [
        link for link in page.links if classify(link, page, in_column=True).kind is Kind.COLUMN
    ]
    divisions = [link for link in parts if _DIVISIONS.fullmatch(bare(link.label))]
    return any(is_below(link.url, page.url) for link in parts) or len(divisions) >= 2


def is_directory(label: str) -> bool:
    """Whether a link's words name a directory of bodies: 部门信息公开目录."""
    return bool(_DIRECTORIES.fullmatch("".join(label.split())))


def is_sites_directory(label: str) -> bool:
    """Whether a link's words name a directory of bodies, whatever it says of them: 部门网站."""
    return bool(_SITES.fullmatch(bare(label))) or is_tier(label)


def bodies_among(shown: Iterable[Link]) -> frozenset[str]:
    """Addresses of the bodies that links name, where several are alike but for ids and folders."""
    alike: dict[object, set[str]] = {}
    for link in shown:
        if _BODIES.fullmatch(bare(link.label)) and not is_article(link.url):
            parts = urlsplit(link.url)
            folder, _, name = parts.path.rpartition("/")
            if "." not in name:
                folder, name = parts.path.rstrip("/"), ""
            elif _FOLDER_PAGE.match(name):
                name = ""
            query = frozenset(key for key, _ in parse_qsl(parts.query))
            shape = (parts.netloc, folder.count("/"), _without_ids(name), query)
            alike.setdefault(shape, set()).add(link.url)
    return frozenset(
        url for group in alike.values() if len(group) >= _FEWEST_BODIES for url in group
    )


def shape_of(url: str) -> str:
    """An address without its ids: what the articles of one list have in common."""
    parts = urlsplit(url)
    names = sorted(name for name, _ in parse_qsl(parts.query))
    return f"{parts.netloc}{_without_ids(parts.path)}?{'&'.join(names)}"


def is_site_within(url: str, home_url: str) -> bool:
    """Whether an address is the home of a site in a folder of another: /jyj/, /jyj/index.html."""
    one = urlsplit(url)
    return (
        one.netloc == urlsplit(home_url).netloc
        and not one.query
        and bool(re.fullmatch(r"/[\w-]+/?(?:(?:index|default)\.\w+)?", one.path))
    )


def is_below(url: str, column_url: str) -> bool:
    """Whether an address lies in a folder below the column's own."""
    one, other = urlsplit(url), urlsplit(column_url)
    folder, _, name = other.path.rpartition("/")
    # Of a page called nb.htm the folder is its neighbours' too.
    folder = "/" if name and not _FOLDER_PAGE.match(name) else folder + "/"
    stem = re.sub(r"\.[sj]?html?$", "", other.path) + "/"
    below = one.path.startswith(folder) and "/" in one.path[len(folder) :].rstrip("/") + (
        "/" if one.path.endswith("/") and one.path != folder else ""
    )
    return one.netloc == other.netloc and (
        (folder != "/" and below)
        or (stem != "/" and one.path.startswith(stem) and one.path != stem)
    )


def _shares_folder(url: str, column_url: str) -> bool:
    one, other = urlsplit(url), urlsplit(column_url)
    parent = other.path.rstrip("/").rsplit("/", 1)[0]
    return one.netloc == other.netloc and one.path != other.path and one.path.startswith(parent)


def is_article(url: str) -> bool:
    """Whether an address has the shape of one article, not of a list."""
    parts = urlsplit(url)
    return bool(_ARTICLE.search(parts.path + (f"?{parts.query}" if parts.query else "")))


def attachments(page: Page) -> list[Link]:
    """The documents a report page carries: within its article, if that can be told."""
    box = page.article
    found = links_of(box, page.base) if box is not None else page.files
    kept: dict[str, Link] = {}
    for link in found:
        path = urlsplit(link.url).path
        if is_file(link.url) and not _IMAGE.search(path):
            kept.setdefault(link.url, link)
    if not kept and box is not None:
        # Many templates put the list of attachments below the container; menus hold no files.
        kept = {
            link.url: link
            for link in page.files
            if not _IMAGE.search(urlsplit(link.url).path)
            and re.search(
                r"附件|下载|年度?报告?|\.(?:pdf|docx?|wps|ofd)",
                link.text + link.title + link.context,
            )
        }
    return list(kept.values())


def pictures(page: Page) -> list[Link]:
    """The pictures of an article that prints no statutory table: the tables may be among them."""
    box = page.article
    if box is None or _TABLE.search(page.visible):
        return []
    found: dict[str, Link] = {}
    for image in box.iter("img"):
        # One that is loaded when it comes into view has a placeholder as `src`.
        sources = (image.get(name) for name in ("data-original", "data-src", "src"))
        url = absolute(page.base, next((s.strip() for s in sources if s and s.strip()), ""))
        sides = [_side(image.get(name)) for name in ("width", "height")]
        if url and not _DECORATION.search(urlsplit(url).path) and min(sides) >= SMALLEST:
            found.setdefault(url, Link(url=url, text=" ".join((image.get("alt") or "").split())))
    return list(found.values())[:MOST_PICTURES]


def _side(text: str | None) -> int:
    """The length of a picture's side as a page states it; great where it states none."""
    match = re.match(r"\d{1,6}(?!\d|%)", (text or "").strip())
    return int(match[0]) if match else SMALLEST


def report_on(page: Page) -> str:
    """The title of the report printed on this page, or "" where its chapters do not stand there."""
    if sum(chapter in page.visible for chapter in _CHAPTERS) < 3:
        return ""
    own = page.title.split("_")[0]
    # A column's page is named like the column; the report that it shows has a year.
    if _names_one(own):
        return own
    headings = (
        text
        for element in page.tree.iter("h1", "h2", "h3", "h4", "p", "strong", "b", "div", "td")
        if _names_one(text := words_of(element))
        and next(element.iterancestors("a"), None) is None
        and element.find(".//a") is None
    )
    return next(headings, own if report_title_verdict(own) == "report" else "")


def _names_one(text: str) -> bool:
    return len(text) <= 80 and names_year(text) and report_title_verdict(text) == "report"


def touches_topics(page: Page) -> bool:
    """Whether the page's text touches on what a report must."""
    return sum(bool(re.search(topic, page.visible)) for topic in _TOPICS) >= 4


def reads_like_report(page: Page) -> bool:
    """Whether the page's text touches on what a report must, or leaves it to a document.

    News about reports have titles much like theirs.
    """
    return touches_topics(page) or bool(attachments(page) or pictures(page))


def is_same_site(url: str, site_urls: tuple[str, ...]) -> bool:
    """Whether an address is on a listed host or a sub-domain of a listed site.

    A quarter of stored "report pages" elsewhere were hijacked or cloned sites with altered names.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    for site in site_urls:
        listed = urlsplit(site)
        if parts.netloc == listed.netloc:
            return True
        name = listed.hostname or ""
        if not is_address(name) and "." in name and not is_address(host):
            base = name.removeprefix("www.")
            if base not in _NATIONAL_SUFFIXES and (host == base or host.endswith("." + base)):
                return True
    return False


def is_address(host: str) -> bool:
    """Whether a host is a literal IP address."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def registrable(host: str) -> str:
    """The name a body registered: jyj.example.gov.cn gives example.gov.cn, an address itself."""
    if is_address(host):
        return host
    labels = host.split(".")
    return ".".join(labels[-3:] if ".".join(labels[-2:]) in _NATIONAL_SUFFIXES else labels[-2:])


def _is_trap(url: str) -> bool:
    """Addresses that grow without end: deep paths, repeated parts, calendars."""
    parts = urlsplit(url)
    steps = [step for step in parts.path.split("/") if step]
    # Relative links on a page that answers under any address add a folder each time.
    repeated = any(steps.count(step) > 2 for step in set(steps) if not step.isdigit())
    return len(steps) > 20 or repeated or bool(_TRAP.search(url))
