"""Title, preamble, metas, portal -> is it a report at all, whose, and for which year? Pure.

Titles decide first, as lists and pages print them; a text without a title is judged by its
chapters. Whatever is found says by which words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product, takewhile

from archive.model import Body, Document, Evidence, Paragraph, Section
from archive.names.bodies import describe, related, site_body
from archive.names.clones import suspicions
from archive.names.titles import (
    BETWEEN,
    INSTITUTIONS,
    LABEL,
    ORGAN,
    ORGAN_END,
    SUBJECT,
    announces_a_report,
    lookalike_of,
    organ_in_title,
)
from archive.names.titles import TitleVerdict as TitleVerdict
from archive.names.titles import issuer_in_title as issuer_in_title
from archive.names.titles import report_title_verdict as report_title_verdict
from archive.names.titles import year_in_title as year_in_title
from archive.spelling import compact as compact

# What a page's lost line breaks put behind its title.
TRAILING = re.compile(
    r"\s*(?:(?:发布|发文|公开|成文|更新)?(?:时间|日期)|(?:信息)?来源|(?:浏览|阅读|点击)(?:次数|量)?)\s*[:：].*$",
    re.DOTALL,
)
LISTED = "列表标题"
ARTICLE = "文章标题（ArticleTitle）"
PAGE = "页面标题"
HEAD = "正文标题"
ANNEX = "附件标题"

PERIOD = re.compile(
    r"((?:19|20)\d{2})(?:年|[./-])0?1(?:月|[./-])(?:0?1日?)?[^。;]{0,14}?"
    r"(?:((?:19|20)\d{2})(?:年|[./-]))?(?:12(?:月|[./-])(?:31日?|底)?|年底)"
)
PREAMBLE_TITLE = re.compile(
    r"(?:编制|编写|制定|形成|公布|发布|现将)(?:完成)?了?(?:本)?《?([^，。；《》()、:]{0,36}?)"
    r"(?P<year>(?:19|20)\d{2})年度?(?:(?P<after>[\u4e00-\u9fff]{2,24}?"
    + ORGAN + r")|[^，。；《》]{0,6})" + SUBJECT + BETWEEN + r"(?:报告|年报)"
)  # fmt: skip
# 「本年报由北原市教育局编制」, or by its office; 机构编制委员会办公室 is no body's office.
MADE_BY = re.compile(
    r"由((?:(?!办公|领导小组|公开办|编制)[\u4e00-\u9fff]){1,30}?" + ORGAN + r")"
    r"(?:(?:党政|综合|(?:政府)?信息公开|政务公开)?(?:工作)?(?:领导小组)?(?:办公[室厅]|公开办))?"
    r"(?:负责|牵头|汇总|组织)?(?:编制|编写|撰写)"
)
# 「现将我局2020年度政府信息公开情况报告如下」
TELLS_OF = re.compile(
    r"(?:现将|现就|汇报|报告|公布|总结)[^。;；《》]{0,20}?(?P<year>(?:19|20)\d{2})年度?"
    r"(?:政府信息|信息|政务)公开"
)
CONTACT = re.compile(r"(?:请与|请联系|请向|可与|可联系):?([^，,。;；:()]{2,30}?" + ORGAN + r")")
SOURCE = re.compile(
    r"(?:发布机构|发布单位|发文机关|公开主体|公开机构|责任部门|信息来源|文章来源|来源)[:：]"
    r"([\u4e00-\u9fff()]{3,30})"
)
NO_BODY = re.compile(
    r"要求|规定|情况|公布|本报告|网站|本站|原创|编辑|管理员|互联网|^本|^我|办公地址"
)
DATE = r"((?:19|20)\d{2})[-年./](\d{1,2})[-月./](\d{1,2})"
PUBLISHED = (
    re.compile(r"(?:发布|发表|公开|上网|刊发)(?:时间|日期|于)[:：]?" + DATE),
    re.compile(r"(?:发文|成文|生成)(?:时间|日期)[:：]?" + DATE),
    re.compile(
        r"(?<!更新)(?<!修改)(?<!截止)(?<!截至)(?<!实施)(?<!施行)(?<!生效)(?<!有效)(?<!统计)(?<!起始)(?<!当前)"
        r"(?<!访问)(?<!打印)(?<!下载)(?<!会议)(?<!填报)(?<!失效)(?:时间|日期):" + DATE
    ),
)
PLAIN_DATE = re.compile(DATE)
PUBLICATION_METAS = ("PubDate", "pubdate", "PublishDate", "publishdate", "article:published_time")

# Where to turn to with questions: streets and departments are named there too.
NO_ASIDE = "(?!疑问|联系|地址)"
# Sentences that say whose figures a report is made of.
COUNTED = re.compile(
    r"综合(?!行政(?!区域)|执法|治理|整治|实验|保税|服务|管理|改革|窗口|性)[^。;]{0,40}?(?:各|所属|部门|行政区域)"
    r"[^。;]{0,60}?(?:编制|汇总|而成|形成)"
    r"|汇总[^。;]{0,24}?(?:各|所属|部门)[^。;]{0,40}?(?:数据|情况|报告|年报|编制|而成)"
    r"|由[^。;,]{0,24}?各[^。;,]{0,40}?(?:数据|情况|年报|报告)[^。;,]{0,8}?(?:编制|汇总|而成|形成)"
    r"|(?:本(?:年度)?报告|本年报|(?:所列|所含|统计|报告|年报|表中|上述)(?:的|中的)?数据|统计(?:范围|口径|对象))"
    rf"(?:{NO_ASIDE}[^。;]){{0,20}}?(?:包括|包含|涵盖|覆盖|反映|来自|为|(?<![体关])系)"
    rf"(?:{NO_ASIDE}[^。;]){{0,60}}"
    r"|(?:包括|包含|涵盖)[^。;]{0,30}各(?:县|区|乡|镇|街道|级)[^。;]{0,30}数据"
)
LEFT_OUT = re.compile(
    r"(?:数据|报告|统计|申请)[^。;]{0,30}?"
    r"不(?:含|包含|包括|涵盖)((?:各|所属|下属|县|区|乡|镇|街道|部门)[^。;,)]{1,20})"
)
# Who is named in them: governments below, departments, units that may be of either.
BELOW = re.compile(
    r"各(?:县|区|市|州)(?!直|属|级)|各(?:地|盟|旗|乡|镇|街|级)|县\(市|县[、市]?区|区县|旗县|市县|乡\(?镇|镇[、(]?街|街道|行政区域"
)
DEPARTMENTS = re.compile(r"部门|委办局|直属机构|直(?:各)?单位")
ANY_UNITS = re.compile(r"(?<!直)各(?:有关|相关)?单位")
OWN_UNITS = re.compile(r"(?:各|所属|直属|下属)[^、,。;]{0,6}?(?:单位|机构|分局|支队|中心|站|所)")
OF_THE_LEVEL = re.compile(r"(?:[省市州盟县区旗]|政府)本级")
WHOLE = r"(?<![安健完齐])全[省市州盟县区旗关]"
TOOK = r"(?:收到|受理|新收|接收|办理|办结)"
# So many applications, before or behind the number.
APPLICATIONS = (
    rf"(?:{TOOK}[^。;,]{{0,24}}?申请[^。;,]{{0,12}}?\d"
    rf"|{TOOK}[^。;,]{{0,12}}?\d[^。;,]{{0,16}}?申请"
    rf"|(?:未|没有){TOOK}[^。;,]{{0,16}}?申请"
    r"|(?:依申请公开|公开申请)[^。;,]{0,8}?\d+件)"
)
ALL_APPLICATIONS = re.compile(WHOLE + r"[^。;,]{0,16}?" + APPLICATIONS)
# What else people apply for, where a sentence does not speak of 公开.
OTHER_APPLICATIONS = re.compile(
    r"登记|许可|审批|复议|仲裁|调解|诉讼|赔偿|援助|救助|补助|补贴|资助|专利|商标|工伤|鉴定|低保|执照|户口|落户"
    r"|公积金|贷款|项目|职称|资格|入学|退休|征信|信用修复"
)
ALL_OF_THE_PLACE = re.compile(
    WHOLE
    + r"[^。;,]{0,16}?公开(?:[^。;,]{0,12}?信息[^。;,]{0,8}?\d|[^。;,]{0,6}?\d[^。;,]{0,10}?信息)"
)
OWN_LEVEL = re.compile(
    r"政府及(?:其|所属)?(?:各|工作|组成)?部门[^。;]{0,12}(?:年报|年度报告|信息公开|申请)[^。;]{0,12}"
    r"(?:数据|统计|汇总)"
    r"|[省市州盟县区旗]本级[^。;,]{0,8}?" + APPLICATIONS
)
CUSTOMS_DISTRICT = re.compile(r"海关关区|关区")
WHOLE_SERVICE = re.compile(r"全国(?:海关|税务)|气象部门")
OWN_ONLY = re.compile(r"仅(?:包括|统计|反映)本(?:机关|单位|局|办)|不(?:含|包括)(?:所属|下属|各)")
GOVERNMENTS = frozenset({"government", "functional_zone"})

# Numbered chapters and 信息公开 in a menu are on every page of a law: a report speaks of these.
OF_A_REPORT = re.compile(
    r"政府信息公开条例|(?:政府信息|政务)公开(?:工作)?(?:年度)?(?:工作)?(?:报告|年报)"
    r"|(?:主动|依申请)公开(?:各类)?(?:政府)?信息|政府信息公开申请"
)
# What a page says that explains a report to its readers.
EXPLAINS = re.compile(r"现(?:就|将|对)[^。;]{0,30}?(?:年报|年度报告)[^。;]{0,16}?解读")
# How a body speaks of itself that is no government, and how one does.
SELF = r"(?:我|(?<![基根资成样标文版原])本)"
OF_A_BODY = re.compile(
    SELF + r"(?:镇|乡|街道?|局|厅|委(?!员)|办(?![法理公事结件])|院|校|中心|支队|大队)"
)
OF_A_GOVERNMENT = re.compile(SELF + r"(?:省|市|县|区|旗|州|盟)")
# How a sentence begins that tells what a body did.
BEGINS_WITH = re.compile(
    r"(?:19|20)\d{2}年度?,?((?![全我本各在按据根围通共未没无由对为从随依经与])[\u4e00-\u9fff]{1,16}?"
    r"(?:局|厅|委员会|管委会|街道办事处|街道|镇|乡|苏木))(?![长级属党机委辖财村镇乡])"
)
# The town or zone that does something, in a text that speaks of itself as one.
DOES = re.compile(
    r"(?:^|[,。;])([\u4e00-\u9fff]{2,20}?(?:管理委员会|管委会|街道办事处|街道|镇|乡|苏木)(?:人民政府)?)"
    r"(?=认真|严格|高度|坚持|积极|深入|持续|通过|全面|主动|始终|按照|依法|切实|不断|紧紧|围绕|共)"
)
# A year that is not a day's or an act's.
YEAR_TOLD_OF = re.compile(r"(?<!\d)((?:19|20)\d{2})年(?!\d{1,2}月|第|修订)")
NOT_ONE = re.compile(r"[全各本我]|所属|下属|每个|等")
FEWEST_TIMES = 2
# What a server says in place of a page, under a good title in the list.
NO_PAGE = re.compile(
    r"开启JavaScript|启用JavaScript|人机验证|安全验证|访问验证|滑动验证|需要登录|请(?:先)?登录|登录密码|用户名.{0,6}密码"
    r"|统一身份认证|访问被拒绝|请求被拦截|访问被拦截|(?:页面|网页|文章|内容)(?:不存在|未找到|找不到|已删除|已被删除)"
    r"|404(?:错误|NotFound)|系统维护|网站维护中",
    re.IGNORECASE,
)
SCHOOL_YEAR = re.compile(
    r"高等学校信息公开办法|教育部.{0,20}高等学校信息公开|9月1日(?:起)?[至到—-](?:19|20)\d{2}年8月31日"
)
PLACEHOLDER = re.compile(
    r"(?:[X×*_○]{2,}|某)(?:省|市|县|区|局|委|办|镇|乡|街道|单位|年|部门)|此处填写|请填写|\(填写"
)
FORM_LINE = re.compile(r"填报单位|填表人|审核人|填报日期|\(盖章\)|单位名称:|单位负责人")
NO_TITLE = re.compile(
    r"[,，。;；>›»|]|首页|附件|下载|根据|由.*组成|\.(?:pdf|docx?|wps|ofd)", re.IGNORECASE
)
HEAD_LINES = 14
TITLE_LENGTH = 80
LONGEST_TITLE = 300
HEAD_CHARACTERS = 6000
PREAMBLE_CHARACTERS = 1200
FEWEST_CHARACTERS = 200
FEWEST_LETTERS = 20
CHAPTERS_OF_A_REPORT = 4
NUMBERS_OF_A_REPORT = 20
# So many titles of reports of so many years or bodies, and little else, are a list of reports.
TITLES_OF_A_LIST = 4
PROSE_OF_A_LIST = 600


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose report, for which year, by which words; or the reason, in Chinese, why it is none.

    `evidence` says for issuer, year and published_on what gave them; `flags` what is doubtful.
    """

    is_report: bool
    reason: str
    issuer: str | None = None
    year: int | None = None
    title: str | None = None
    published_on: str | None = None
    scope: str = "unclear"
    body: Body | None = None
    flags: tuple[str, ...] = ()
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Title:
    """A title and where it stands."""

    where: str
    text: str
    verdict: TitleVerdict

    @property
    def is_trusted(self) -> bool:
        """Said of this document and no other: other lines of a page may name its neighbours."""
        return self.where in (LISTED, ARTICLE)

    def __str__(self) -> str:
        return f"{self.where}「{self.text[:60]}」"


def identify(
    document: Document,
    evidence: Evidence,
    sections: Sequence[Section],
    numbers: int,
    annexes: Sequence[Document] = (),
) -> Identity:
    """What the document is. `numbers` is how many cells of a form were read from it.

    `annexes` are its attachments, whose titles and text count after the page's own. A look-alike's
    title in the list or in the article's meta ends it; other lines of a page may name other
    documents, and are weighed against the body.
    """
    titles = list(_titles(document, evidence, annexes))
    named = [title for title in titles if title.verdict == "report"]
    chapters = sum(1 for section in sections if section.number)
    own_text = _text(document)
    text = own_text + "".join(_text(annex) for annex in annexes)
    reads_like_one = numbers >= NUMBERS_OF_A_REPORT or (
        chapters >= CHAPTERS_OF_A_REPORT and OF_A_REPORT.search(text) is not None
    )
    if refused := _refusal(titles, text, chapters, numbers, reads_like_one):
        return refused
    if not (text or numbers or annexes or document.links or document.blocks):
        return Identity(False, "页面没有可读的内容")
    # What recognition makes of a picture without text is a few letters.
    if document.media_type.startswith("image/") and len(text) < FEWEST_LETTERS and not numbers:
        return Identity(False, "图片里没有可读的文字")
    if not reads_like_one and is_list_of_reports(document):
        return Identity(False, "这是年报的列表页，本身不是年报")
    if not reads_like_one and evidence.listed_title is None and len(text) < FEWEST_CHARACTERS:
        return Identity(False, f"「{named[0].text}」之下没有报告正文", title=named[0].text)

    portal = evidence.portal_name or site_body(document.metas.get("SiteName", "")) or None
    body, by_issuer, other = _body(document, annexes, _names(titles, named), text, portal)
    year, by_year, flags = _year(titles, named, text)
    published_on, by_date = _published(document, own_text[:HEAD_CHARACTERS], year)
    title = _own_title(named, evidence)
    why = {"issuer": by_issuer, "year": by_year, "published_on": by_date}
    grounds = str(named[0]) if named else _grounds_of_text(chapters, numbers)
    raw = "\n".join(_raw(document))
    doubts = suspicions(raw, title=title or "", issuer=body.name if body else "", url=evidence.url)
    return Identity(
        True,
        _reason(grounds, by_issuer, by_year, body is not None, year is not None),
        issuer=body.name if body else None,
        year=year,
        title=title,
        published_on=published_on,
        scope=_scope(text[:HEAD_CHARACTERS], body, [title.text for title in named]),
        body=body,
        flags=(*other, *flags, *document.flags, *doubts),
        evidence={key: words for key, words in why.items() if words},
    )


def is_anothers(annex: Document, document: Document, evidence: Evidence) -> bool:
    """Does an attachment's own title name another year or another body than those of the page:
    last year's report beside this one, or a neighbour's?"""
    portal = evidence.portal_name
    own, other = (
        [title.text for title in titles if title.verdict == "report"]
        for titles in (_titles(document, evidence, ()), _titles(annex, Evidence(), ()))
    )
    years = [{year for text in texts if (year := year_in_title(text))} for texts in (own, other)]
    if all(years) and years[0].isdisjoint(years[1]):
        return True
    names = [
        [describe(compact(name), portal).name for text in texts if (name := issuer_in_title(text))]
        for texts in (own, other)
    ]
    return all(names) and all(_have_nothing_in_common(*pair) for pair in product(*names))


def _grounds_of_text(chapters: int, numbers: int) -> str:
    counted = ((chapters, "个规定章节"), (numbers, "个表格数字"))
    return "正文有 " + "、".join(f"{count} {what}" for count, what in counted if count)


def _reason(grounds: str, issuer: str, year: str, has_body: bool, has_year: bool) -> str:
    """Why it is a report, and what gave body and year where something else did; or that nothing
    gives them."""
    others = [f"机关据{issuer}"] if issuer not in ("", grounds) else []
    others += [f"年度据{year}"] if year not in ("", grounds) else []
    others += [] if has_body else ["没有写明是哪个机关的年报"]
    others += [] if has_year else ["没有写明是哪一年的年报"]
    return "；".join((grounds, *others))


def is_list_of_reports(document: Document) -> bool:
    """A page that prints the titles of several years' or bodies' reports, and hardly anything
    besides."""
    lines = [line for block in document.blocks if (line := _line(block))]
    titles = [line for line in lines if _is_title(line) and report_title_verdict(line) == "report"]
    kinds = max(len(set(map(year_in_title, titles))), len(set(map(issuer_in_title, titles))))
    if len(titles) < TITLES_OF_A_LIST or kinds < TITLES_OF_A_LIST - 1:
        return False
    return sum(map(len, lines)) - sum(map(len, titles)) < PROSE_OF_A_LIST


def _refusal(
    titles: Sequence[_Title], text: str, chapters: int, numbers: int, reads_like_one: bool
) -> Identity | None:
    first = next((title for title in titles if title.verdict != "unknown"), None)
    named = any(title.verdict == "report" for title in titles)
    # A school on a government's portal may fill in the statutory form.
    is_schools = (
        first is not None
        and first.where == PAGE
        and not named
        and lookalike_of(first.text) == INSTITUTIONS
        and year_in_title(first.text) is not None
    )
    is_another = first is not None and (first.is_trusted or is_schools or not reads_like_one)
    if first and first.verdict == "lookalike" and is_another:
        what = lookalike_of(first.text)
        reason = f"标题「{first.text}」不是政府信息公开工作年度报告"
        return Identity(False, f"{reason}，是{what}" if what else reason, title=first.text)
    if first and not reads_like_one and announces_a_report(first.text):
        return Identity(False, f"「{first.text}」是消息或公告，其下没有年报", title=first.text)
    if (match := SCHOOL_YEAR.search(text[:PREAMBLE_CHARACTERS])) and not numbers:
        return Identity(False, f"正文「{match[0]}」说明这是学校的信息公开报告")
    if not numbers and (match := EXPLAINS.search(text[:PREAMBLE_CHARACTERS])):
        return Identity(False, f"正文「{match[0]}」说明这是对年报的解读")
    if not numbers and len(text) < PROSE_OF_A_LIST and (match := NO_PAGE.search(text)):
        return Identity(False, f"页面写「{match[0]}」，没有取得年报")
    if not numbers and chapters and (marks := _blanks_to_fill(text)):
        return Identity(False, f"没有填写任何数字，且有「{marks[0]}」：是空白样表")
    if not named and not reads_like_one:
        return Identity(False, "标题和正文都不像政府信息公开工作年度报告")
    return None


def _blanks_to_fill(text: str) -> list[str]:
    """The marks of a form nobody filled in: XX for a name, or lines to sign and hardly prose."""
    marks: list[str] = [match[0] for match in PLACEHOLDER.finditer(text)]
    if len(text) < PROSE_OF_A_LIST:
        marks += [match[0] for match in FORM_LINE.finditer(text)]
    return marks if len(marks) > 1 else []


def _titles(
    document: Document, evidence: Evidence, annexes: Sequence[Document]
) -> Iterator[_Title]:
    """Titles in order of trust: the list's, the article's meta, the page's, the first lines; then
    those of the annexes."""
    seen = set()
    for where, printed in _printed_titles(document, evidence, annexes):
        text = TRAILING.sub("", (printed or "")[:LONGEST_TITLE]).strip()
        if text and (where, compact(text)) not in seen:
            seen.add((where, compact(text)))
            yield _Title(where, text, report_title_verdict(text))


def _printed_titles(
    document: Document, evidence: Evidence, annexes: Sequence[Document]
) -> Iterator[tuple[str, str | None]]:
    yield LISTED, evidence.listed_title
    yield ARTICLE, document.metas.get("ArticleTitle")
    yield PAGE, document.title
    yield from ((HEAD, line) for line in _head_titles(document))
    for annex in annexes:
        yield ANNEX, annex.title
        yield from ((ANNEX, line) for line in _head_titles(annex))


def _head_titles(document: Document) -> list[str]:
    lines = [
        re.sub(rf"^{LABEL}|[|]+$", "", compact(block.text))
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
    titles = [line for line in joined if _is_title(line) and year_in_title(line)]
    return sorted(titles, key=lambda title: issuer_in_title(title) is None)


def _is_title(line: str) -> bool:
    return len(line) <= TITLE_LENGTH and not NO_TITLE.search(line)


def _own_title(named: Sequence[_Title], evidence: Evidence) -> str | None:
    listed = compact(evidence.listed_title or "")
    own = (title.text for title in named if compact(title.text) != listed)
    return next(own, None) or (named[0].text if named else None)


def _raw(document: Document) -> Iterator[str]:
    return (block.text for block in document.blocks if isinstance(block, Paragraph))


def _text(document: Document) -> str:
    return compact("\n".join(_raw(document)))


def _line(block: object) -> str:
    return compact(block.text) if isinstance(block, Paragraph) else ""


def _body(
    document: Document,
    annexes: Sequence[Document],
    names: Sequence[tuple[str, str]],
    text: str,
    portal: str | None,
) -> tuple[Body | None, str, list[str]]:
    """The body, the words that name it, and titles that name another: the titles' words first, then
    the preamble's, those of the contact line, the signature, the page's own data, the portal."""
    for name, why in (*names, *_named_in_text(document, annexes, text, portal)):
        body = describe(compact(name), portal)
        if body.kind is not None:
            return body, why, _bodies_elsewhere(body, why, names, portal)
    return None, "", []


def _names(titles: Sequence[_Title], named: Sequence[_Title]) -> list[tuple[str, str]]:
    """The bodies that titles of reports name, or where there are none the page's own title, though
    it says 总结."""
    found = [(issuer_in_title(title.text), str(title)) for title in named]
    if not named:
        others = [one for one in titles if one.where == PAGE and "总结" in one.text]
        found = [(organ_in_title(one.text), str(one)) for one in others]
    return _without_relatives([(name, why) for name, why in found if name])


def _bodies_elsewhere(
    body: Body, why: str, names: Sequence[tuple[str, str]], portal: str | None
) -> list[str]:
    """The titles that name a body of another place, as copied pages have them, or of the two that
    are said of this document one that names another body."""
    for name, other_why in names:
        other = describe(compact(name), portal)
        elsewhere = (
            body.division is not None
            and other.division is not None
            and not related(other.division[:6], body.division[:6])
        )
        trusted = other_why.startswith((LISTED, ARTICLE)) and why.startswith((LISTED, ARTICLE))
        if elsewhere or (trusted and _have_nothing_in_common(body.name, other.name)):
            return [f"{why}写{body.name}，{other_why}写{other.name}"]
    return []


def _have_nothing_in_common(one: str, other: str) -> bool:
    """Do two names share no word but their place and what such bodies are called?

    住建局 and 住房和城乡建设局 do, and so may names before and after a reform.
    """
    pairs = zip(one, other, strict=False)
    place = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    first, second = (set(ORGAN_END.sub("", name[place:])) for name in (one, other))
    return bool(first and second) and first.isdisjoint(second)


def _without_relatives(names: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """「市教育局」 of a list is the 「北原市教育局」 of the page below it."""
    if not names:
        return names
    first = names[0][0]
    tail = re.sub(r"^(?:省|市|县|区|旗|州|盟)(?=.)", "", first)
    # A column's name that stands before the title is no part of it.
    fuller = [
        (name, why)
        for name, why in names
        if name != first and name.endswith(first) and "公开" not in name
    ]
    if tail != first and fuller and len(tail) > 1:
        return [fuller[0], *names]
    return names


def _named_in_text(
    document: Document, annexes: Sequence[Document], text: str, portal: str | None
) -> Iterator[tuple[str, str]]:
    if match := PREAMBLE_TITLE.search(text):
        name = match[1].strip("由的我本")
        if len(name) < 2:
            name = match["after"] or ""
        if len(name) > 1 and not NO_BODY.search(name):
            yield name, f"前言「{match[0][:60]}」"
    for match in MADE_BY.finditer(text[:PREAMBLE_CHARACTERS]):
        if not NO_BODY.search(match[1]) and not _is_office_of(match[1], portal):
            yield match[1], f"前言「{match[0]}」"
            break
    for match in CONTACT.finditer(text):
        if not NO_BODY.search(match[1]):
            # Its office answers for a government that reports on all below it.
            if not (_is_office_of(match[1], portal) and _counts_others(text[:HEAD_CHARACTERS])):
                yield match[1], f"联系方式「{match[0]}」"
            break
    for one in (document, *annexes):
        if name := _signature(one):
            yield name, f"落款「{name}」"
    for where, name in _said_by_the_page(document, text):
        if ORGAN_END.search(name) and not NO_BODY.search(name) and not _is_office_of(name, portal):
            yield name, f"{where}「{name}」"
    of_another = portal is not None and _speaks_of_another(text, portal)
    if name := _names_itself(text[:HEAD_CHARACTERS], of_another):
        yield name, f"正文自称「{name}」"
    if portal and not of_another:
        yield portal, f"门户「{portal}」"


def _names_itself(text: str, speaks_of_itself: bool) -> str | None:
    """The bureau or town that the text is about: 「2022年北原市教育局……」, again and again."""
    if not speaks_of_itself and OF_A_GOVERNMENT.search(text):
        return None
    fewest = 2 if speaks_of_itself else 3
    names = (match[1] for match in BEGINS_WITH.finditer(text))
    if name := next((name for name in names if text.count(name) >= fewest), None):
        return name
    # Bureaus are named in each other's reports; towns and zones once, in their own.
    doing = {name for name in DOES.findall(text) if not NOT_ONE.search(name)}
    return doing.pop() if speaks_of_itself and len(doing) == 1 else None


def _speaks_of_another(text: str, portal: str) -> bool:
    """Does a text on a government's portal speak of itself as a town, a bureau (我镇, 本局)? Whose
    report it is nothing tells then, but it is not the government's."""
    kind = describe(portal).kind
    if kind not in GOVERNMENTS:
        return False
    # A zone's committee is 我委 too.
    said = [word for word in OF_A_BODY.findall(text) if kind == "government" or word[1] != "委"]
    return bool(said) and len(said) >= len(OF_A_GOVERNMENT.findall(text))


def _said_by_the_page(document: Document, text: str) -> Iterator[tuple[str, str]]:
    source = compact(document.metas.get("ContentSource", ""))
    if 0 < len(source) <= TITLE_LENGTH:
        yield "来源（ContentSource）", source
    if match := SOURCE.search(text[:PREAMBLE_CHARACTERS]):
        name = re.match(r"(.+?" + ORGAN + r")(?![\u4e00-\u9fff]*" + ORGAN + ")", match[1])
        if name:
            yield "页面「发布机构、来源」一栏", name[1]


def _is_office_of(name: str, portal: str | None) -> bool:
    """The office puts the government's report on the site; that does not make it the office's."""
    return (
        portal is not None
        and re.search(r"政府$", portal) is not None
        and re.search(r"(?:政府办公?[室厅]?|府办|^办公[室厅])$", name) is not None
    )


def _counts_others(head: str) -> bool:
    said = _said_of_whom(head)
    return BELOW.search(said) is not None or DEPARTMENTS.search(said) is not None


def _said_of_whom(head: str) -> str:
    """The sentences that say whose figures the report is made of."""
    return "。".join(match[0] for match in COUNTED.finditer(head))


def _signature(document: Document) -> str | None:
    """The body that signs: a short last line that ends like a body's name."""
    lines = [compact(text) for text in list(_raw(document))[-8:]]
    for line in reversed(lines):
        if (
            4 <= len(line) <= 30
            and ORGAN_END.search(line)
            and not re.search(r"[，。：:；、>|]|^附|版权|主办|承办|维护|网站", line)
        ):
            return line
    return None


def _year(
    titles: Sequence[_Title], named: Sequence[_Title], text: str
) -> tuple[int | None, str, list[str]]:
    """The year reported on, by which words, and what contradicts them. Never that of publication:
    dates of pages and signatures are not looked at."""
    dated = [(year, title) for title in named if (year := year_in_title(title.text))]
    if not dated:
        trusted = (title for title in titles if title.is_trusted)
        dated = [
            (year, title)
            for title in trusted
            if re.search(r"年报|报告", title.text) and (year := year_in_title(title.text))
        ]
    period = _period(text)
    if not dated:
        if period:
            return period[0], f"统计期限「{period[1]}」", []
        preamble = text[:PREAMBLE_CHARACTERS]
        if match := PREAMBLE_TITLE.search(text) or TELLS_OF.search(preamble):
            return int(match["year"]), f"前言「{match[0][:60]}」", []
        return _year_told_of(text[:HEAD_CHARACTERS])
    year, title = dated[0]
    other = next((pair for pair in dated if pair[0] != year), None)
    flags = []
    if other:
        if period and period[0] == other[0]:
            (year, title), other = other, (year, title)
        flags.append(f"{title.where}写{year}年，{other[1].where}写{other[0]}年")
    if period and period[0] != year:
        flags.append(f"标题写{year}年，正文统计期限写{period[0]}年")
    return year, str(title), flags


def _year_told_of(text: str) -> tuple[int | None, str, list[str]]:
    """The year that more than half of all sentences with a year tell of, with a flag: it may be
    the wrong one."""
    told = Counter(YEAR_TOLD_OF.findall(text))
    year, times = told.most_common(1)[0] if told else ("", 0)
    if times < FEWEST_TIMES or 2 * times <= told.total():
        return None, "", []
    why = f"正文 {times} 次说到{year}年"
    return int(year), why, [f"没有写明年度，{why}"]


def _period(text: str) -> tuple[int, str] | None:
    """The year the figures are said to cover, and the words; None where two are named."""
    for match in PERIOD.finditer(text):
        if match[2] is None or match[2] == match[1]:
            return int(match[1]), match[0]
    return None


def _scope(head: str, body: Body | None, titles: Sequence[str]) -> str:
    """Whose figures the report says it counts: `own_body`, `own_level`, `jurisdiction_aggregate`
    or `unclear`.

    A government's report is `unclear` where no sentence names whom it counts. Its office may
    publish it; any other body's report counts that body, if nothing else is said.
    """
    kind = body.kind if body else None
    said = _said_of_whom(head)
    if kind == "vertical" and any(map(CUSTOMS_DISTRICT.search, titles)):
        return "jurisdiction_aggregate"
    if any(map(WHOLE_SERVICE.search, titles)):
        return "jurisdiction_aggregate"
    if kind in GOVERNMENTS:
        return _scope_of_a_government(head, said, titles, bool(ALL_OF_THE_PLACE.search(head)))
    if kind not in ("office", None):
        # 本级 is the organ without its units.
        if any("本级" in title for title in titles) or OWN_ONLY.search(head):
            return "own_body"
        counts_others = BELOW.search(said) or OWN_UNITS.search(said)
        whole = any("公开" in match[0] for match in ALL_APPLICATIONS.finditer(head))
        return "jurisdiction_aggregate" if counts_others or whole else "own_body"
    if any(map(OF_THE_LEVEL.search, titles)):
        return "own_level"
    if OWN_ONLY.search(head) or any("本级" in title for title in titles):
        return "own_body"
    of_a_government = _scope_of_a_government(head, said, titles, False)
    return "own_body" if kind and of_a_government == "unclear" else of_a_government


def _scope_of_a_government(
    head: str, said: str, titles: Sequence[str], tells_of_the_place: bool
) -> str:
    """`_scope` of a government's report; `said` are its sentences on whom it counts."""
    if any("本级" in title for title in titles):
        return "own_level"
    if left_out := LEFT_OUT.search(head):
        return "own_body" if DEPARTMENTS.search(left_out[1]) else "own_level"
    if OWN_ONLY.search(head):
        return "own_body"
    counts_all = any(
        "公开" in match[0] or not OTHER_APPLICATIONS.search(match[0])
        for match in ALL_APPLICATIONS.finditer(head)
    )
    if BELOW.search(said) or counts_all or tells_of_the_place:
        return "jurisdiction_aggregate"
    if OF_THE_LEVEL.search(said) or OWN_LEVEL.search(head):
        return "own_level"
    return "own_level" if DEPARTMENTS.search(said) and not ANY_UNITS.search(said) else "unclear"


def _published(document: Document, head: str, year: int | None) -> tuple[str | None, str]:
    """The day the page says it was published. A date before the year's end is another thing's."""
    found = [
        (PLAIN_DATE.search(compact(document.metas.get(name, ""))), name)
        for name in PUBLICATION_METAS
    ]
    found += [(pattern.search(head), "") for pattern in PUBLISHED]
    for match, meta in found:
        day = _iso(match) if match else None
        if match and day and (year is None or int(day[:4]) >= year):
            return day, f"{meta}「{match[0]}」" if meta else f"页面「{match[0]}」"
    return None, ""


def _iso(match: re.Match[str]) -> str | None:
    year, month, day = (int(part) for part in match.groups()[-3:])
    return f"{year:04}-{month:02}-{day:02}" if 1 <= month <= 12 and 1 <= day <= 31 else None
