"""Is this link the column, a listing on the way to it, a report, an attachment, or noise? Pure.

Text decides, the path only helps: of 89 real report addresses 37 held no telling slug, and
columns of reports are full of look-alikes that share the slug.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

from lxml import html

from archive.identify import report_title_verdict
from crawler.page import Link, Page, absolute, is_file, links_of


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
FRAMED = 50
# From here on a list is known by its name or place to be a column of reports.
SURE = 85
# No table can be read in a smaller picture, in pixels; and no report has more of them.
SMALLEST = 200
MOST_PICTURES = 20

_NOUN = r"(?:工作)?(?:年报|年度报告|年度工作报告|工作报告)"
_TAIL = (
    r"(?:汇总|专栏|专题|专区|列表|栏目|公开|发布|查询|平台)?(?:[（(].{1,10}[)）])?"
    r"(?:>+|»|更多|more)?"
)
_COLUMNS = (
    (re.compile(rf"(?:.{{0,16}}?)政府信息公开{_NOUN}{_TAIL}"), 100),
    (re.compile(rf"(?:.{{0,16}}?)(?:政务|信息|政务信息){{1}}公开{_NOUN}{_TAIL}"), 95),
    (re.compile(rf"(?:公开)?(?:工作)?(?:年报|年度报告){_TAIL}"), 90),
    (
        re.compile(
            rf"(?:各?(?:部门|单位|乡镇|镇街|街道|区县|县区|县市区|市直|省直|政府))+(?:公开)?{_NOUN}"
        ),
        90,
    ),
)
_BODIES = re.compile(
    r".{2,20}(?:局|委|办|厅|院|社|馆|署|处|所|队|会|联|海关|镇|乡|街道|中心|办公室|办事处|政府)"
    r"(?:信息公开|政务公开)?"
)
# Directories of bodies, each with a column of its own.
_DIRECTORIES = re.compile(
    r"(?:部门|乡镇|街道|镇街|区县|县区|各部门|各区县|单位|基层).{0,8}(?:信息|政务)公开.{0,4}"
)
_LISTINGS = (
    (re.compile(r"政府信息公开(?:平台|专栏|专区|网|目录)?"), 70),
    (re.compile(r"(?:政务|信息|政府信息)公开(?:平台|专栏|专区|网)?"), 60),
    (_DIRECTORIES, OF_BODIES),
    (re.compile(r"法定主动公开内容|公开目录|信息公开目录|主动公开|公开专栏|政府公开"), 50),
    (_BODIES, 30),
    (re.compile(r"网站地图|站点地图|导航"), 25),
    (re.compile(r"政务|公开|部门|机构设置|组织机构|政府机构|乡镇街道|区县|走进政府|政府"), 20),
)
# What a column is split by: years, tiers, kinds of bodies.
_DIVISIONS = re.compile(
    r"(?:(?:19|20)\d{2}年?(?:度|版)?(?:年报|年度报告|报告)?"
    r"|(?:20\d{2}年?度?)?(?:[省市县区旗]?(?:人民)?政府|[省市县区]?本级|[省市县区]?直(?:属)?(?:部门|单位|机关)?|[省市县区]?级?(?:政府)?(?:工作)?部门|市州|州市|地市|设区市"
    r"|县(?:市)?区|区县|县市区|旗县区?|乡镇|镇街?|街镇|街道|乡镇街道|镇(?:\(|（)?街道?(?:\)|）)?|苏木镇?|园区|开发区|垂管单位|垂直部门|其他|历年|往年|往期|更多)"
    r"(?:（.*）|\(.*\)|街道|及.{1,8})?(?:(?:政府)?(?:信息公开)?(?:年报|年度报告))?)"
)
_MORE = re.compile(r"更多|more|查看更多|>{1,3}|»|\+", re.IGNORECASE)
_COLUMN_PATH = re.compile(
    r"(?:^|[/_=])(?:[a-z]{0,4}(?:zfxxgk|xxgk|gk)(?:gz)?n(?:d)?b(?:g)?|gknb|ndbg|annualreport|opennessannualreport)(?![a-z])",
    re.IGNORECASE,
)
_ARTICLE = re.compile(
    r"/t\d{8}_\d+(?:_\w+)?(?:\.s?html?)?$|/art_[\d_]+\.html?$|/(?:m?post|content|c\d+)_\d+(?:\.s?html?)?$"
    r"|/c\d{5,}/content\.html$|/\d{5,}\.s?html?$|/[0-9a-f]{20,}\.s?html?$|/[0-9a-f]{8}-[0-9a-f-]{27}\.s?html?$"
    r"|/info/\d+/\d+\.html?$|/show/\d+(?:\.html?)?$|/(?:public|content|detail)/\d+(?:/\d+)?(?:\.s?html?)?$"
    r"|[?&](?:i?id|aid|nid|newsid|docid|articleid|contentid|infoid|guid|uuid)=\w+|xxgkAnnualReport\.jsp",
    re.IGNORECASE,
)
_TABLE = re.compile("政府信息公开申请数量|现行有效件?数|对外公开总数量|主动公开政府信息数")
_DECORATION = re.compile(
    r"\.(?:gif|svg|ico)$|icon|logo|share|qrcode|ewm|weixin|banner|print|jiucuo|dzjg", re.IGNORECASE
)
_IMAGE = re.compile(r"\.(?:jpe?g|png|gif|bmp|svg|webp|ico|mp3|mp4|css|js)(?:$|[?&])", re.IGNORECASE)
_NATIONAL_SUFFIXES = ("gov.cn", "com.cn", "org.cn", "net.cn", "edu.cn", "ac.cn")
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


def classify(
    link: Link, page: Page, *, in_column: bool = False, among_bodies: bool = False
) -> Judgement:
    """What a link of this page is.

    `in_column`: the page belongs to a column of reports; `among_bodies`: it is a directory of
    bodies, each with a column of its own.
    """
    if _IMAGE.search(urlsplit(link.url).path) or _is_trap(link.url):
        return NOISE
    label = "".join(link.label.split()).strip("·•-—|[]【】>»《》")
    if is_file(link.url):
        if report_title_verdict(label) == "report":
            return Judgement(Kind.REPORT, 80)
        return Judgement(Kind.ATTACHMENT, 10)
    names_year = bool(_YEAR.search(label))
    named = column_score(label)
    article = is_article(link.url)
    if named and not names_year and not article:
        return Judgement(Kind.COLUMN, named)
    if report_title_verdict(label) == "report":
        if article or names_year:
            return Judgement(Kind.REPORT, 80)
        return Judgement(Kind.COLUMN, SURE)
    if report_title_verdict(label) == "lookalike" or article:
        return NOISE
    if named:
        return Judgement(Kind.COLUMN, named)
    if in_column:
        if _belongs(link, page, label):
            return Judgement(Kind.COLUMN, SURE)
        if _DIVISIONS.fullmatch(label):
            return Judgement(Kind.COLUMN, SURE - 5)
    if (in_column or among_bodies) and _BODIES.fullmatch(label):
        return Judgement(Kind.LISTING, OF_BODIES)
    if _MORE.fullmatch(label) and column_score(_heading(link)):
        return Judgement(Kind.COLUMN, SURE)
    for pattern, score in _LISTINGS:
        if pattern.fullmatch(label):
            return Judgement(Kind.LISTING, score)
    # A picture with no words: the path is all there is.
    if not label and _COLUMN_PATH.search(urlsplit(link.url).path):
        return Judgement(Kind.COLUMN, 70)
    return NOISE


def _heading(link: Link) -> str:
    """What stands before a link in its box: the name of the list that 更多 is about."""
    before = link.context.partition(link.text)[0] if link.text else link.context
    whole = "".join(before.split())
    return whole if column_score(whole) else next(iter(before.split()), "")


def column_score(label: str) -> int:
    """How surely a label (without spaces) names a column of annual reports: 0 to 100."""
    if not 2 <= len(label) <= 40 or report_title_verdict(label) == "lookalike":
        return 0
    return next((score for pattern, score in _COLUMNS if pattern.fullmatch(label)), 0)


def _belongs(link: Link, page: Page, label: str) -> bool:
    """Whether a link on a column's page leads to a part of the column."""
    inside = is_below(link.url, page.url)
    if _DIVISIONS.fullmatch(label):
        return inside or bool(_COLUMN_PATH.search(link.url)) or _shares_folder(link.url, page.url)
    return inside and bool(label)


def is_directory(label: str) -> bool:
    """Whether a link's words name a directory of bodies: 部门信息公开目录."""
    return bool(_DIRECTORIES.fullmatch("".join(label.split())))


def is_below(url: str, column_url: str) -> bool:
    """Whether an address lies in a folder below the column's own."""
    one, other = urlsplit(url), urlsplit(column_url)
    folder = other.path.rsplit("/", 1)[0] + "/"
    stem = re.sub(r"\.s?html?$", "", other.path) + "/"
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
    box = _article_box(page.tree)
    found = links_of(box, page.base) if box is not None else page.links
    kept: dict[str, Link] = {}
    for link in found:
        path = urlsplit(link.url).path
        if is_file(link.url) and not _IMAGE.search(path):
            kept.setdefault(link.url, link)
    if not kept and box is not None:
        # Many templates put the list of attachments below the container; menus hold no files.
        outside = (link for link in page.links if is_file(link.url))
        kept = {
            link.url: link
            for link in outside
            if not _IMAGE.search(urlsplit(link.url).path)
            and re.search(
                r"附件|下载|年度?报告?|\.(?:pdf|docx?|wps|ofd)",
                link.text + link.title + link.context,
            )
        }
    return list(kept.values())


def pictures(page: Page) -> list[Link]:
    """The pictures of an article that prints no statutory table: the tables may be among them."""
    box = _article_box(page.tree)
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


def _article_box(tree: html.HtmlElement) -> html.HtmlElement | None:
    for name in _CONTAINERS:
        for element in tree.xpath(
            "//*[@id=$name or contains(concat(' ', normalize-space(@class), ' '), $spaced)]",
            name=name,
            spaced=f" {name} ",
        ):
            holds = any(element.find(f".//{tag}") is not None for tag in ("a", "img"))
            if holds or len(element.text_content()) > 20:
                box: html.HtmlElement = element
                return box
    return None


def report_on(page: Page) -> str:
    """The title of the report printed on this page, or "" where its chapters do not stand there."""
    if sum(chapter in page.visible for chapter in _CHAPTERS) < 3:
        return ""
    own = page.title.split("_")[0]
    headings = (
        " ".join("".join(element.itertext()).split())
        for element in page.tree.iter("h1", "h2", "h3", "h4", "p", "strong", "b", "div", "td")
        if next(element.iterancestors("a"), None) is None and element.find(".//a") is None
    )
    # A column's page is named like the column; the report that it shows has a year.
    titled = (
        text
        for text in (own, *headings)
        if len(text) <= 80 and _YEAR.search(text) and report_title_verdict(text) == "report"
    )
    return next(titled, own if report_title_verdict(own) == "report" else "")


def reads_like_report(page: Page) -> bool:
    """Whether the page's text touches on what a report must, or leaves it to a document.

    News about reports have titles much like theirs.
    """
    touched = sum(bool(re.search(topic, page.visible)) for topic in _TOPICS)
    return touched >= 4 or bool(attachments(page) or pictures(page))


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
    if len(steps) > 20 or any(steps.count(step) > 3 for step in set(steps)):
        return True
    return bool(
        re.search(r"(?:calendar|rili|/print/|login|logout|register|share=)", url, re.IGNORECASE)
    )
