"""A title -> is it an annual disclosure report's, whose, and for which year? Pure.

What the words mean was counted on about 150 real titles: the subject (政府信息公开, 政务公开 …) and
the noun (年度报告, 年报, 报告) vary, the order of year and body too.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from archive.spelling import compact

TitleVerdict = Literal["report", "lookalike", "unknown"]

SUBJECT = r"(?:政府信息(?:与政务|主动)?公开|政务\(?信息\)?公开|政务公开|信息公开)"
# What may stand between the subject and the noun: 政府信息公开2021年度工作情况的报告.
BETWEEN = r"[工作情况的年度总结实施执行\d〇零○一二三四五六七八九十()\[\]〔〕]{0,18}"
REPORT_TITLE = re.compile(SUBJECT + BETWEEN + r"(?:报告|年报|报(?:\.{2,}|…))")
CUT_TITLE = re.compile(SUBJECT + r"[工作年度报]{0,6}(?:\.{2,}|…+)$")
STATISTICS_TITLE = re.compile(SUBJECT + r"(?:工作)?(?:情况)?统计表")

INSTITUTIONS = "学校、企事业单位的信息公开报告"
LOOKALIKES: tuple[tuple[str, str], ...] = (
    ("政府网站工作年度报表", r"政府网站|网站工作|网站监管|网站年度|网站年报|新媒体"),
    (
        "法治政府建设报告",
        r"法治政府|依法行政|法治建设|法治工作|法制工作|行政执法(?:情况|工作|统计|数据)|普法",
    ),
    ("指南", r"指南"),
    ("图解、解读", r"图解|图说|一图|长图|解读|漫画|动漫"),
    ("预算、决算", r"预算|决算|三公"),
    ("目录、清单", r"公开目录|基本目录|标准目录|(?:目录|清单|名单)$"),
    ("模板、样表", r"模板|范文|样表|样本|空表|格式|填报说明|填表说明|编制说明|[X×＊*]{2,}"),
    (
        "通知、公告一类的文书",
        r"(?:通知|公告|通报|批复|意见|函|请示|通告|公示|启事)$|的(?:通知|函$|通报|批复)",
    ),
    (
        "政务公开的要点、计划或制度",
        r"工作要点|要点落实|任务分解|实施方案"
        r"|(?:制度|办法|规定|条例|计划|方案|规划|规程|细则|流程|机制|申请表|登记表|须知)$",
    ),
    ("自查、考核或评估材料", r"自查|自评|评估|测评|考核|督查|督导|检查|整改|审计"),
    (
        INSTITUTIONS,
        r"学年|高等学校|办事公开|公共企事业|[校院厂村居]务公开|企业信息|企业年报",
    ),
    (
        "其他领域的公开报告",
        r"党务公开|检务公开|审务公开|警务公开|司法公开|财政信息公开|环境信息|信用信息|双公示"
        r"|依申请公开|开放平台|公共数据",
    ),
    (
        "另一种报告或总结",
        r"(?<!信息公开)工作总结|统计年鉴|统计公报|国民经济|政府工作报告|信访|建议提案|提案办理|建议办理"
        r"|代表建议|政协|党建|财政收支|社会责任|绩效|履职|述职|满意度",
    ),
    (
        "新闻报道",
        r"召开|出炉|培训|部署|启动|顺利|圆满|按时|按期|如期|率先|全面完成|学习|荣获|获评|座谈|会议|记者|印发"
        r"|(?:已|正式|集中|及时|全部)(?:公开|发布|公布)",
    ),
)
LOOKALIKE_TITLE = re.compile("|".join(pattern for _, pattern in LOOKALIKES))
# News of a report and notices that publish one have its title inside, and may carry it below.
COVER = re.compile(
    r"(?:.{0,24}?关于)?(?:公布|发布|公开)《?(.{2,60}(?:报告|年报))》?的?(?:公告|通告|公示)"
)
ANNOUNCED = re.compile(
    r"(?:发布|公布)(?!于|时间|日期|机构|中心|会)(?=.{0,40}(?:报告|年报|报\.{2,}))"
)
INSTITUTION = re.compile(
    r"(?:(?<!行政)学院|大学|学校|中学|小学|幼儿园|医院|公司|集团|银行)(?:\(.*\))?$"
)
INSTITUTION_WORDS = "学院 大学 学校 中学 小学 幼儿园 医院 公司 集团 银行".split()

YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})(?=年(?!\d{1,2}月)|度|政府信息|政务|信息公开)")
# 2019-2020年: a report on two years, which has no year of its own.
YEAR_SPAN = re.compile(r"(?:19|20)\d{2}年?(?:度)?[-—–~至到](?:19|20)\d{2}(?=年|度|学年|政府)")
# 「2009上海市政府信息公开…」, and left over before the whole title: 「2025湖口县…2025年度」.
BARE_YEAR = re.compile(r"^((?:19|20)\d{2})(?!年\d)(?=[\u4e00-\u9fff])")
LONE_YEAR = re.compile(r"(?<![\d\-./])(20[0-4]\d)(?!\d|[-./年〕\]]\d)")
# What stands for 〇: rings, and letters of three scripts.
ZERO = "〇零○◯Oo0ОоΟο"
CHINESE_YEAR = re.compile(rf"二([{ZERO}])([{ZERO}一二三])([{ZERO}一二三四五六七八九])年")
DATED = re.compile(
    rf"\(?(?:{YEAR.pattern}|{CHINESE_YEAR.pattern[:-1]}(?=年))(?:年度?|度)?\)?|\((?:20\d\d)\)"
)
OF_THE_SUBJECT = re.compile(r"(?<!\d)((?:19|20)\d{2})年?度?的?(?:政府信息|政务|信息公开)")
CHINESE_DIGITS = {
    **dict.fromkeys(ZERO, 0),
    **{digit: value for value, digit in enumerate("一二三四五六七八九", 1)},
}

# Copies of pages in traditional characters: those of titles, bodies and places.
SIMPLIFIED = str.maketrans(
    "開關國務辦條報總統計執實縣區鄉鎮廳處劃衛財發員會業農環護資設規應門東馬龍華灣島陽"
    "陰蘇寧連長張劉陳楊趙黃貴廣遼濟蘭銀運輸監審氣稅勞險鐵電圖館學醫藥檔經濱漢閩滬陸豐"
    "義興莊橋嶺峽溝塢壩灘營聯產術廠當場與雲維爾內賓慶齊閣瀋撫錦葉謝鄧鄭吳綠單對於還萬"
    "歲體響築準標類點絲織縉鹽湯澤滄瀘漣淶潁棗榮欒鳳鶴鷹鴻魯麗龜",
    "开关国务办条报总统计执实县区乡镇厅处划卫财发员会业农环护资设规应门东马龙华湾岛阳"
    "阴苏宁连长张刘陈杨赵黄贵广辽济兰银运输监审气税劳险铁电图馆学医药档经滨汉闽沪陆丰"
    "义兴庄桥岭峡沟坞坝滩营联产术厂当场与云维尔内宾庆齐阁沈抚锦叶谢邓郑吴绿单对于还万"
    "岁体响筑准标类点丝织缙盐汤泽沧泸涟涞颍枣荣栾凤鹤鹰鸿鲁丽龟",
)

ORGAN = (
    r"(?:人民政府办公厅|人民政府办公室|政府办公厅|政府办公室|人民政府|管理委员会|管委会|办公厅|办公室"
    r"|委员会|行政公署|街道办事处|办事处|街道|分局|总局|支队|总队|大队|中心|管理处|局|厅|委|院|所|社|海关"
    r"|镇|乡|苏木|署|办|部|政府)"
)
ORGAN_END = re.compile(ORGAN + "$")
# 「综合行政执法局（城市管理局）」: of a body with two names the first is its own. Offices, branches
# and squads in brackets are parts of it.
SECOND_NAME = re.compile(
    r"([局委厅]|委员会|办公室)\([^()]*(?<!分)(?:局|厅|委员会|委)\)(?=$|关于|的)"
)
NAME = re.compile(r"(?!图解|一图|解读|关于)[\u4e00-\u9fff()·]+")
SUFFIX = re.compile(r"\.(?:pdf|docx?|wps|ofd|xlsx?|zip|rar|html?)$", re.IGNORECASE)
# What the data above an article call its title: 「- 名 称:」, 「标 题 |」.
LABEL = r"[-•·●*]{0,2}(?:标题|题名|(?:信息|文件)?名称)[:|]?"
LEADING = re.compile(
    r"^(?:附件?\d*[:.、]|\d{1,2}[.、](?!\d)|【(?![^】]*(?:解读|图解|一图|动漫|漫画|视频))[^】]{1,12}】"
    rf"|{LABEL})+"
)


@lru_cache(maxsize=512)
def report_title_verdict(text: str) -> TitleVerdict:
    """Does a title, as a list or a page prints it, name an annual disclosure report?

    "unknown" is a title that says neither (年度报告 alone, or nothing): the body must decide.
    """
    title = _bare(text)
    if cover := COVER.fullmatch(title):
        title = cover[1]
    body, rest = _split_body(title)
    if LOOKALIKE_TITLE.search(rest) or _is_institutions(title, body):
        return "lookalike"
    if any(form.search(title) for form in (REPORT_TITLE, CUT_TITLE, STATISTICS_TITLE)):
        return "report"
    return "unknown"


def lookalike_of(text: str) -> str:
    """What a look-alike's title names instead of a report, in Chinese; empty for any other."""
    title = _bare(text)
    body, rest = _split_body(title)
    for label, pattern in LOOKALIKES:
        if re.search(pattern, rest):
            return label
    return INSTITUTIONS if _is_institutions(title, body) else ""


def announces_a_report(text: str) -> bool:
    """Is it the title of news or of a notice that publishes a report? That may stand below it."""
    title = _bare(text)
    return COVER.fullmatch(title) is not None or ANNOUNCED.search(title) is not None


def year_in_title(text: str) -> int | None:
    """The report year a title names, in either kind of numerals: the one that stands with the
    subject, else the first one printed. None for a span of two years."""
    title = _bare(text)
    if YEAR_SPAN.search(title):
        return None
    if match := OF_THE_SUBJECT.search(title) or YEAR.search(title):
        return int(match[1])
    if match := CHINESE_YEAR.search(title):
        return int("2" + "".join(str(CHINESE_DIGITS[digit]) for digit in match.groups()))
    if match := BARE_YEAR.search(title):
        return int(match[1])
    lone = set(LONE_YEAR.findall(title))
    return int(lone.pop()) if len(lone) == 1 else None


@lru_cache(maxsize=512)
def issuer_in_title(text: str) -> str | None:
    """The body a title names, before or after the year: None when it names none."""
    title = _bare(text)
    if not any(form.search(title) for form in (REPORT_TITLE, CUT_TITLE, STATISTICS_TITLE)):
        return None
    return _before_subject(title) or _after_noun(title)


@lru_cache(maxsize=512)
def _bare(text: str) -> str:
    return LEADING.sub("", SUFFIX.sub("", compact(text))).translate(SIMPLIFIED)


def _before_subject(title: str) -> str | None:
    undated = BARE_YEAR.sub("", DATED.sub("", YEAR_SPAN.sub("", title)))
    forms = (REPORT_TITLE, CUT_TITLE, STATISTICS_TITLE)
    starts = [match.start() for form in forms for match in form.finditer(undated)]
    before = undated[: max(starts, default=0)]
    # Of a breadcrumb or a site's own title the last part is the article's.
    before = re.split(r"[>›»|_]", before)[-1]
    if before.startswith(("首页", "当前位置", "您")):
        before = re.split(SUBJECT + r"(?:工作)?(?:年报|年度报告|目录|专栏|平台)?", before)[-1]
    if before.endswith("人民"):
        before += "政府"
    before = SECOND_NAME.sub(r"\1", before)
    before = re.sub(r"[《》〈〉\"“”'():,]", "", before)
    before = re.sub(r"^(?:关于|现将|特)?(?:公布|发布|公开|编制)?|^(?:度|年度|的)", "", before)
    before = re.sub(r"^.{0,24}关于(?:公布|发布|公开)", "", before)
    before = re.sub(r"(?:发布|公布)?(?:关于)?(?:的|年|年度)?$|关于.{0,6}$", "", before)
    # 「吉林省安图县林业局-安图县林业局」: a name printed twice.
    first, _, last = before.partition("-")
    before = last if last and first.endswith(last) else before.strip("-—")
    return before or None


def organ_in_title(text: str) -> str | None:
    """The body before the subject in a title that is no report's (…工作总结和工作计划)."""
    before, *rest = re.split(SUBJECT, BARE_YEAR.sub("", DATED.sub("", _bare(text))), maxsplit=1)
    return before if rest and NAME.fullmatch(before) and ORGAN_END.search(before) else None


def _after_noun(title: str) -> str | None:
    match = re.search(r"(?:报告|年报|统计表)(?:[—-]{1,2}|\()([\u4e00-\u9fff]{3,30})\)?$", title)
    return match[1] if match and ORGAN_END.search(match[1]) else None


def _split_body(title: str) -> tuple[str, str]:
    """The body a title names and the rest, so that 预算处 in a name is no look-alike."""
    year = YEAR.search(title) or CHINESE_YEAR.search(title)
    body = title[: year.start()].removeprefix("关于").removesuffix("关于") if year else ""
    if not body and REPORT_TITLE.search(title):
        body = _before_subject(title) or ""
    if body and body[0] != "(" and NAME.fullmatch(body) and ORGAN_END.search(body):
        return body, title.replace(body, "", 1)
    return "", title


def _is_institutions(title: str, body: str) -> bool:
    """信息公开 of a school or company, which is no 政府信息公开."""
    if "政府信息" in title or "政务" in title:
        return False
    # A menu's hundreds of labels are done with here.
    if not any(word in title for word in INSTITUTION_WORDS):
        return False
    name = body or (_before_subject(title) or "")
    return INSTITUTION.search(name) is not None
