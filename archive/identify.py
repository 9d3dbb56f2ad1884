"""Title, preamble, metas, portal -> is it a report at all, whose, and for which year? Pure.

Titles decide first, as lists and pages print them; a text without a title is judged by its
chapters. What the words mean was counted on about 150 real titles: the subject (政府信息公开,
政务公开 …) and the noun (年度报告, 年报, 报告) vary, the order of year and body too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from archive.model import Document, Evidence, Paragraph, Section

TitleVerdict = Literal["report", "lookalike", "unknown"]

SUBJECT = r"(?:政府信息(?:与政务)?公开|政务信息公开|政务公开|信息公开)"
# What may stand between the subject and the noun: 政府信息公开2021年度工作情况的报告.
BETWEEN = r"[工作情况的年度实施执行\d〇零一二三四五六七八九十()]{0,16}"
REPORT_TITLE = re.compile(SUBJECT + BETWEEN + r"(?:报告|年报|报(?:\.{2,}|…))")
CUT_TITLE = re.compile(SUBJECT + r"[工作年度报]{0,6}(?:\.{2,}|…+)$")
STATISTICS_TITLE = re.compile(SUBJECT + r"(?:工作)?(?:情况)?统计表")
LOOKALIKE_TITLE = re.compile(
    r"政府网站|网站工作|新媒体|法治政府|依法行政|法治建设"
    r"|(?:通知|公告|通报|批复|意见|函)$|的通知"
    r"|指南|图解|一图|解读|预算|决算|公开目录|工作要点|要点落实|自查|自评"
    r"|学年|高等学校|办事公开|公共企事业|模板|范文|样表|格式|填报说明|编制说明"
    r"|(?:制度|办法|规定|条例|计划|方案)$|(?<!信息公开)工作总结|统计年鉴|统计公报|考核结果"
)

YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})(?=年|度|政府信息|政务|信息公开)")
# 「2009上海市政府信息公开…」, and left over before the whole title: 「2025湖口县…2025年度」.
BARE_YEAR = re.compile(r"^((?:19|20)\d{2})(?=[\u4e00-\u9fff])")
CHINESE_YEAR = re.compile(r"二([〇零○O0])([〇零○O0一二三])([〇零○O0一二三四五六七八九])年")
DATED = re.compile(rf"(?:{YEAR.pattern}|{CHINESE_YEAR.pattern[:-1]}(?=年))(?:年度?|度)?")
CHINESE_DIGITS = {
    **dict.fromkeys("〇零○O0", 0),
    **{digit: value for value, digit in enumerate("一二三四五六七八九", 1)},
}
PERIOD = re.compile(r"((?:19|20)\d{2})年1月1日[^。]{0,12}?(?:12月31日|年底)")
PREAMBLE_TITLE = re.compile(
    r"(?:编制|编写|制定|形成|公布|发布|现将)(?:完成)?了?(?:本)?《?([^，。；《》()、:]{0,36}?)"
    r"((?:19|20)\d{2})年度?(?:[^，。；《》]{0,6})" + SUBJECT + BETWEEN + r"(?:报告|年报)"
)
DATE = r"((?:19|20)\d{2})[-年./](\d{1,2})[-月./](\d{1,2})"
PUBLISHED = re.compile(r"(?:发布|发文|公开|生成|成文)?(?:时间|日期|于)[:：]?" + DATE)
PLAIN_DATE = re.compile(DATE)
PUBLICATION_METAS = ("PubDate", "pubdate", "PublishDate", "publishdate", "article:published_time")

GOVERNMENT = re.compile(r"(?:人民政府|政府|管理委员会|管委会|行政公署)$")
PLACE = re.compile(r"^(.*[省市县区旗盟州])(?=.)")
ORGAN = (
    r"(?:人民政府办公厅|人民政府办公室|政府办公厅|政府办公室|人民政府|管理委员会|管委会|办公厅|办公室"
    r"|委员会|街道办事处|办事处|街道|分局|总局|支队|总队|大队|中心|管理处|局|厅|委|院|所|社|海关|镇|乡)"
)
CONTACT = re.compile(r"(?:请与|请联系|请向|可与|可联系)([^，。；()]{2,30}?" + ORGAN + r")")
ORGAN_END = re.compile(ORGAN + "$")
NAME = re.compile(r"(?!图解|一图|解读|关于)[\u4e00-\u9fff()·]+")
# 「市教育局」 under 北原市's portal is 北原市教育局.
RELATIVE = re.compile(
    r"^(?:省|市(?!场|政|容|民)|县|区(?!域)|旗|州|盟|自治区|我)(?=[^省市县区旗州盟])"
)
# 高新区, 开发区 and the like are zones of the place, not places beside it.
OTHER_PLACE = re.compile(
    r"国家|中国|中华|中共|[^局委办厅]{1,8}?(?:省|(?<!^)市(?!场|政|容)|县|旗|盟|自治州|(?<![发新园景务])区)"
)
ALL_OF_IT = re.compile(
    r"综合[^。]{0,40}?(?:各|所属)[^。]{0,50}?(?:编制|汇总|而成|形成)|汇总[^。]{0,24}各"
    r"|(?:全[省市县区旗州])(?:各级行政机关)?(?:共|累计)?(?:收到|受理|新收)[^。]{0,12}申请"
)

NO_TITLE = re.compile(
    r"[,，。;；>›»|]|首页|附件|下载|根据|由.*组成|\.(?:pdf|docx?|wps|ofd)", re.IGNORECASE
)
HEAD_LINES = 14
TITLE_LENGTH = 80
HEAD_CHARACTERS = 6000
FEWEST_CHARACTERS = 200
CHAPTERS_OF_A_REPORT = 4
NUMBERS_OF_A_REPORT = 20


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose report, for which year, by which words; or the reason, in Chinese, why it is none."""

    is_report: bool
    reason: str
    issuer: str | None = None
    year: int | None = None
    title: str | None = None
    published_on: str | None = None
    scope: str = "unclear"


def compact(text: str) -> str:
    """The text in normal form (NFKC) without any space: how titles and labels are compared."""
    return re.sub(r"[\s\u200b\ufeff\u00ad]+", "", unicodedata.normalize("NFKC", text))


def report_title_verdict(text: str) -> TitleVerdict:
    """Does a title, as a list or a page prints it, name an annual disclosure report?

    "unknown" is a title that says neither (年度报告 alone, or nothing): the body must decide.
    """
    title = re.sub(r"\.(?:pdf|docx?|wps|ofd|html?)$", "", compact(text), flags=re.IGNORECASE)
    _, rest = _split_body(title)
    if LOOKALIKE_TITLE.search(rest):
        return "lookalike"
    if any(form.search(title) for form in (REPORT_TITLE, CUT_TITLE, STATISTICS_TITLE)):
        return "report"
    return "unknown"


def year_in_title(text: str) -> int | None:
    """The report year a title names, in either kind of numerals; the first one printed."""
    title = compact(text)
    if match := YEAR.search(title):
        return int(match[1])
    if match := CHINESE_YEAR.search(title):
        return int("2" + "".join(str(CHINESE_DIGITS[digit]) for digit in match.groups()))
    match = BARE_YEAR.search(title)
    return int(match[1]) if match else None


def _split_body(title: str) -> tuple[str, str]:
    """The body a title begins with and the rest, so that 预算处 in a name is no look-alike."""
    year = YEAR.search(title) or CHINESE_YEAR.search(title)
    body = title[: year.start()] if year else ""
    if NAME.fullmatch(body) and ORGAN_END.search(body):
        return body, title[len(body) :]
    return "", title


def issuer_in_title(text: str) -> str | None:
    """The body a title names, before or after the year: None when it names none."""
    title = compact(text)
    if not REPORT_TITLE.search(title) and not CUT_TITLE.search(title):
        return None
    undated = BARE_YEAR.sub("", DATED.sub("", title))
    subject = re.search(SUBJECT, undated)
    before = undated[: subject.start()] if subject else ""
    before = re.sub(r"^关于|[《》〈〉\"“”'():]", "", before)
    return re.sub(r"^(?:度|的)|(?:的|关于)$", "", before) or None


def _candidates(document: Document, evidence: Evidence) -> Iterator[str]:
    """Titles in order of trust: the list's, the article's meta, the page's, the first lines."""
    article = document.metas.get("ArticleTitle")
    yield from filter(None, (evidence.listed_title, article, document.title))
    lines = [
        re.sub(r"^(?:标题|题名|名称):", "", compact(block.text))
        for block in document.blocks[: HEAD_LINES * 2]
        if isinstance(block, Paragraph) and block.text.strip()
    ][:HEAD_LINES]
    # A title may be broken into two or three lines: 「淮安市人民政府」⏎「2024年政府信息…」.
    joined = [
        "".join(lines[start : start + count])
        for count in (1, 2, 3)
        for start in range(len(lines) - count + 1)
    ]
    # Breadcrumbs name the column (首页>政府信息公开年报): a title of its own has a year.
    titles = [
        line
        for line in joined
        if len(line) <= TITLE_LENGTH and not NO_TITLE.search(line) and year_in_title(line)
    ]
    yield from sorted(titles, key=lambda title: issuer_in_title(title) is None)


def _full_name(name: str, portal_name: str | None) -> str:
    """The official name: relative names and bare places completed from the portal's own name."""
    portal = compact(portal_name or "")
    # 曲阳街道 and 白鹭渡镇 are places: the bodies are their office and their government.
    name += "办事处" if name.endswith("街道") else "人民政府" if name.endswith(("镇", "乡")) else ""
    if not portal or name == portal:
        return name
    if portal.endswith(name):
        return portal
    if portal.startswith(name) and GOVERNMENT.fullmatch(portal[len(name) :]):
        return portal
    place = GOVERNMENT.sub("", portal) if GOVERNMENT.search(portal) else _place(portal)
    if not place:
        return name
    if relative := RELATIVE.match(name):
        return place + name[relative.end() :]
    if not _shares_place(name, place):
        # A bare local body (教育局), not one that names its own place or a ministry.
        return name if OTHER_PLACE.match(name) else place + name
    if name.startswith(_first_place(place)):
        return name
    # 洪泽区教育局 under 淮安市洪泽区: the county is named, the city above it is not.
    heads = (place[:end] for end in range(len(place) - 1, 0, -1) if name.startswith(place[end:]))
    return next(heads, "") + name


def _place(name: str) -> str:
    match = PLACE.match(name)
    return match[1] if match else ""


def _first_place(place: str) -> str:
    match = re.match(r"[^省市县区旗盟州]{1,12}?(?:省|自治区|市|县|区|旗|盟|州)", place)
    return match[0] if match else place


def _shares_place(name: str, place: str) -> bool:
    """Does the name begin with the place, or with its last part (相山区 of 淮北市相山区)?"""
    return any(
        name.startswith(place[start:]) for start in range(max(len(place) - 2, 0)) if place[start:]
    )


def _signature(document: Document) -> str | None:
    """The body that signs: a short last line that ends like a body's name."""
    lines = [compact(b.text) for b in document.blocks if isinstance(b, Paragraph)][-8:]
    for line in reversed(lines):
        if 4 <= len(line) <= 30 and ORGAN_END.search(line) and not re.search(r"[，。：:；]", line):
            return line
    return None


def _body_from_text(text: str) -> str | None:
    """The body a text without a title speaks for: its preamble or its contact line names it."""
    if match := PREAMBLE_TITLE.search(text):
        name = match[1].strip("由的我本")
        if len(name) > 1 and not re.search(r"要求|规定|情况", name):
            return name
    match = CONTACT.search(text)
    return match[1] if match else None


def _scope(text: str, issuer: str) -> str:
    if ALL_OF_IT.search(text):
        return "jurisdiction_aggregate"
    if GOVERNMENT.search(issuer):
        return "unclear"
    return "own_body"


def _published(document: Document, head: str) -> str | None:
    for name in PUBLICATION_METAS:
        if match := PLAIN_DATE.search(compact(document.metas.get(name, ""))):
            return _iso(match)
    if match := PUBLISHED.search(head):
        return _iso(match)
    return None


def _iso(match: re.Match[str]) -> str | None:
    year, month, day = (int(part) for part in match.groups()[-3:])
    return f"{year:04}-{month:02}-{day:02}" if 1 <= month <= 12 and 1 <= day <= 31 else None


def identify(
    document: Document, evidence: Evidence, sections: Sequence[Section], numbers: int
) -> Identity:
    """What the document is. `numbers` is how many cells of a form were read from it.

    A look-alike's title in the list or in the article's meta ends it; other lines of a page may
    name other documents, and are weighed against the body.
    """
    titles = {title: report_title_verdict(title) for title in _candidates(document, evidence)}
    named = [title for title, verdict in titles.items() if verdict == "report"]
    trusted = {evidence.listed_title, document.metas.get("ArticleTitle")}
    chapters = sum(1 for section in sections if section.number)
    text = compact("\n".join(b.text for b in document.blocks if isinstance(b, Paragraph)))
    reads_like_one = numbers >= NUMBERS_OF_A_REPORT or (
        chapters >= CHAPTERS_OF_A_REPORT and re.search(SUBJECT, text) is not None
    )
    first = next((title for title, verdict in titles.items() if verdict != "unknown"), None)
    if first and titles[first] == "lookalike" and (first in trusted or not reads_like_one):
        return Identity(False, f"标题「{first}」不是政府信息公开工作年度报告", title=first)
    if not named and not reads_like_one:
        return Identity(False, "标题和正文都不像政府信息公开工作年度报告")
    if not reads_like_one and evidence.listed_title is None and len(text) < FEWEST_CHARACTERS:
        return Identity(False, f"「{named[0]}」之下没有报告正文", title=named[0])

    body = (
        next(filter(None, map(issuer_in_title, named)), None)
        or _body_from_text(text)
        or _signature(document)
        or document.metas.get("ContentSource")
        or evidence.portal_name
    )
    issuer = _full_name(compact(body), evidence.portal_name) if body else None
    listed = compact(evidence.listed_title or "")
    return Identity(
        True,
        f"标题「{named[0]}」" if named else f"正文有 {chapters} 个规定章节、{numbers} 个表格数字",
        issuer=issuer,
        year=next(filter(None, map(year_in_title, named)), None) or _year_in_text(text),
        title=next((title for title in named if compact(title) != listed), None)
        or next(iter(named), None),
        published_on=_published(document, text[:HEAD_CHARACTERS]),
        scope=_scope(text[:HEAD_CHARACTERS], issuer or ""),
    )


def _year_in_text(text: str) -> int | None:
    """The year the figures are said to cover: never the year of publication."""
    if match := PERIOD.search(text):
        return int(match[1])
    match = PREAMBLE_TITLE.search(text)
    return int(match[2]) if match else None
