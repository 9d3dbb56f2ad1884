"""What the prose says in numbers: sentences -> statements, each with its honest readings. Pure.

A pattern names its subject in full: an unknown word between 收到 and 件 makes it no statement at
all. What is said of another year, another body, one channel or one part is left out or marked as
uncertain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from archive.findings.arithmetic import Cells
from archive.findings.prose import Sentence
from archive.form import PRINTED

CHAPTERS = frozenset({0, 1, 2, 3, 4})
ABOUT = re.compile(r"申请|复议|诉讼|规范性文件|结转")
# A number of things, none of them, or all of them: without one of these a sentence claims nothing.
STATES = re.compile(r"\d[件份宗起条例次个项，、占]|\d$|未|无|没有|不存在|均|零|全部")

# --- the tables, as formulas with the names readers know ---------------------------------------

RECEIVED = "requests.received_new.total"
CARRIED_IN = "requests.carried_in.total"
CARRIED_OUT = "requests.carried_out.total"
CONCLUDED = "requests.concluded_total.total"
ORGANISATIONS = (
    "enterprise",
    "research_institution",
    "public_interest_org",
    "legal_service_org",
    "other_org",
)


def _rows(prefix: str) -> str:
    rows = dict.fromkeys(
        field.row
        for field in PRINTED.values()
        if field.table == "requests" and field.row.startswith(prefix)
    )
    return " + ".join(f"requests.{row}.total" for row in rows)


DENIED, UNAVAILABLE, NOT_PROCESSED, OTHER_2021 = map(
    _rows, ("denied_", "unavailable_", "not_processed_", "other_")
)
GRANTED, PARTIAL = "requests.granted.total", "requests.granted_partial.total"
OUTCOMES = {
    "予以公开": GRANTED,
    "部分公开": PARTIAL,
    "不予公开": DENIED,
    "无法提供": UNAVAILABLE,
    "不予处理": NOT_PROCESSED,
    "其他处理": "",
}
APPLICANTS = {
    "商业企业": "enterprise",
    "科研机构": "research_institution",
    "社会公益组织": "public_interest_org",
    "法律服务机构": "legal_service_org",
}
REVIEW, DIRECT, AFTER = (
    f"disputes.{block}" for block in ("review", "litigation_direct", "litigation_after_review")
)
DOCUMENTS = "disclosure.normative_documents"


@dataclass(frozen=True, slots=True)
class Interpretation:
    """One honest reading of a number in prose: its name for readers, and the cells it means."""

    name: str
    formula: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A number the prose states. The first interpretation is what the words say at face value.

    An uncertain claim (`certain` False) is told only where a reading holds.
    """

    rule: str
    subject: str
    stated: Decimal
    readings: tuple[Interpretation, ...]
    certain: bool
    sentence: Sentence


# --- words -------------------------------------------------------------------------------------

UNIT = r"(?:件次?|份|宗|起|条|例|次|个|项)"
N = r"(?<![\d.])(?P<n>\d{1,9})"
COUNT = rf"{N}{UNIT}"
# Quantifiers are possessive throughout: pages are hostile, and a list of words that may be read
# in two ways would be tried in all of them.
# 政府信息公开申请, 依申请公开信息, 政府信息依申请公开: both 申请 and 公开, in any order.
SUBJECT = (
    r"(?:(?:政府|政务|信息|依)*+的?申请(?:政府|政务|信息|的)*+公开(?:政府|政务|信息|申请|的|类)*+"
    r"|(?:政府|政务|信息)*+公开(?:政府|政务|信息|依|的)*+申请(?:公开)?)"
    r"(?:表|书|件(?!\d))?"
)
BARE = r"(?:有效)?申请(?:表|书|件(?!\d))?"
WHO = (
    r"(?:各类|有效|社会各界|社会|公众|群众|市民|公民|自然人|个人|申请人|法人|其[他它]组织"
    r"|和|或|及|以及|与|、|对|向|我[局委办厅]|本机关|本单位)*+"
    r"(?:书面)?(?:提出|提交|申请|递交)?的?"
)
FILL = r"(?:了|共|计|总|合|到|的|数|量|为|是|有(?!效)|达|：|事项|案件|办件|件次|件(?=\d)|各类)*+"
GET = r"(?:收到(?:并|和|、)?(?:受理|办理)?|接收到?|接到|收悉|新收到?|新接收|受理|收办|接受(?!监督))"
DONE = r"(?:办理完成|办理完毕|处理完毕|办结|办复|答复办结|办理答复|答复|回复)"
HANDLE = r"(?:办理|处理|受理并答复|受理办结|受理并办结|收到并答复|收到并办结)"
HOW = (
    r"(?:其中|并|已经|已|均|全部|依法|依规|合规|及时|规范|当年|本年度?|年度|年内|共|目前|全年|累计"
    r"|予以|和|内|、|在|法定|规定|期限|时限|\d{4}年度?|截至年底|实际|总|我[局委办厅]|本机关|要求"
    r"|按照|按|程序)*+"
)
NEXT = r"(?:下一?年度?|次年度?|来年|翌年|明年|(?P<year>\d{4})年度?)"
LAST = r"(?:上一?年度?|去年|往年|前一年度?|(?P<year>\d{4})年度?)"
CARRY_WORD = re.compile(r"结转|顺延|转[入至到下]|延续|延至|跨")
CARRY = r"(?:结转|顺延|转入|转至|转到|转|延续|延至|跨)(?:至|到|入)?"
PENDING = r"(?:继续)?(?:办理|答复|处理|办结)?"

APPROXIMATE = re.compile(r"(?:近|约|超过?|逾|不足|至少|上|达到?近|大约|将近)$")
AND_MORE = re.compile(r"^(?:余|多|几|以上|左右|上下)")
OTHER_YEAR = re.compile(r"上一?年度?|去年|往年|同期|前年|上一?届")
# Years that a sentence names without speaking of them.
COMPARED = re.compile(
    r"(?:较|比|与|同|跟)\d{4}年[^，；]*|(?:结转|转|顺延|延续?)(?:至|到|入)?\d{4}年"
)
PART_OF_YEAR = re.compile(
    r"上半年|下半年|季度|(?<![年\d])\d{1,2}月|截至|截止|以来|历年|近[两三四五几\d]年|年均|月均|日均|十[三四]五"
)
CHANNEL = re.compile(
    r"网络|网上|网站|线上|线下|在线|信函|邮寄|邮政|邮件|邮箱|传真|当面|现场|来访|窗口|平台|系统|书面|电话|微信|EMS"
)
ALL_CHANNELS = re.compile(
    r"等(?:各种|多种|多|不同)?(?:方式|渠道|途径|形式)|(?:各种|各类|多种|线上线下|线上、?线下)"
)
OTHER_BODY = re.compile(
    r"下属|下辖|所属|直属|各[县区市州乡镇街部委级科股站单处开旗派]|镇街|乡镇|县区|市县|区县|市区|基层|部门"
    r"|转办|交办|转送|移送|协助|配合|指导|代[^理表]{0,4}[办收]|司法|法院|检察|公安机关|复议机[关构]|人大|政协"
)
WHOLE = re.compile(r"全(?:省|市|县|区|州|盟|旗|乡|镇|街道?|系统|国|域|辖区)|辖区|本级")
ORGAN = re.compile(
    r"[\u4e00-\u9fff]{0,12}?(?:政府|委员会|办公室|办公厅|[局厅委办署院]|街道|管委会|中心|支队|大队)"
)
GOVERNMENTS = ("政府", "管委会", "管理委员会")
NO_ORGAN = re.compile(r"政府(?=信息|网站|门户|公报|工作|依申请)|办[公署院](?=开)")
OWN = re.compile(
    r"[我本全](?:[省市县区州镇乡])?(?:机关|单位|部门|[局厅委办署院镇乡]|街道|政府|中心|管委会)$"
)
# What else a body receives, handles and answers.
OTHER_MATTER = re.compile(
    r"建议|提案|咨询|留言|来信|信件|来电|信访|投诉|举报|热线|工单|12345|许可|处罚|规范性文件|文件|解读|微博|微信"
    r"|公众号|信息\d+条|发布|新闻|培训|检查|会议|舆情|诉求|事件|案例|证照|登记|服务事项|咨|询"
)
DISPUTE = re.compile(r"复议|诉讼|应诉")
DISCLOSURE = re.compile(r"信息公开|依申请|公开申请|政务公开")
TABLE_TEXT = re.compile(
    r"勾稽关系|申请人情况|结果维持结果纠正|本年制发件数|本年新[制公]|一、本年新收"
)
REQUEST = re.compile(SUBJECT)
PRONOUN = re.compile(rf"{GET}{FILL}(?:{WHO}|\d+{UNIT})(?:的)?{BARE}")


RECEIVED_READINGS = (
    Interpretation("本年新收", RECEIVED),
    Interpretation("本年新收加上年结转", f"{RECEIVED} + {CARRIED_IN}"),
)
CONCLUDED_READINGS = (
    Interpretation("本年度办理结果总计", CONCLUDED),
    Interpretation("本年新收（均已办结）", RECEIVED),
    Interpretation("本年度办理结果总计减上年结转", f"{CONCLUDED} - {CARRIED_IN}"),
    Interpretation(
        "予以公开、部分公开、不予公开与无法提供之和",
        f"{GRANTED} + {PARTIAL} + {DENIED} + {UNAVAILABLE}",
    ),
    Interpretation(
        "办理结果总计减其他处理",
        f"{GRANTED} + {PARTIAL} + {DENIED} + {UNAVAILABLE} + {NOT_PROCESSED}",
    ),
)
HANDLED_READINGS = (
    Interpretation("本年度办理结果总计", CONCLUDED),
    Interpretation("本年新收", RECEIVED),
    Interpretation("本年新收加上年结转", f"{RECEIVED} + {CARRIED_IN}"),
)
OUT_READINGS = (Interpretation("结转下年度继续办理", CARRIED_OUT),)
IN_READINGS = (Interpretation("上年结转", CARRIED_IN),)


@dataclass(frozen=True, slots=True)
class Report:
    """Whose report it is and for which year, where known."""

    year: int | None
    issuer: str | None


# --- statements --------------------------------------------------------------------------------


def claims(told: Sequence[Sentence], cells: Cells, report: Report) -> Iterator[Claim]:
    """What sentences state, in the order of the text: chapter two speaks of documents only."""
    state, paragraph = "", 0
    for sentence in told:
        if sentence.paragraph != paragraph:
            paragraph = sentence.paragraph
            state = _state_of(sentence.topic, "")
        whole = "，".join(sentence.clauses)
        if TABLE_TEXT.search(whole):
            continue
        named = False
        if state in ("", "other") and REQUEST.search(whole):
            state = "requests"
        if not STATES.search(whole):
            for clause in sentence.clauses:
                state = _state_of(clause, state)
            continue
        for position, clause in enumerate(sentence.clauses):
            state = _state_of(clause, state)
            named = named or bool(REQUEST.search(clause)) or "依申请" in clause
            before = "，".join(sentence.clauses[:position])
            place = _Place(sentence, before, clause, state, named, report)
            if sentence.chapter in (0, 1, 3, 4):
                yield from _requests(place, cells)
            if sentence.chapter in (0, 1, 3, 4):
                yield from _disputes(place)
            if sentence.chapter in (0, 1, 2):
                yield from _documents(place)
        if sentence.chapter in (0, 1, 3, 4):
            yield from _upheld(sentence, whole)


def _state_of(clause: str, state: str) -> str:
    """What a clause is about: requests, disputes, other, or what the one before it was about."""
    if DISPUTE.search(clause):
        return "disputes"
    if REQUEST.search(clause) or "依申请公开" in clause or PRONOUN.search(clause):
        return "requests"
    if any(word in clause for word in OUTCOMES) and state == "requests":
        return state
    if OTHER_MATTER.search(clause):
        return "other"
    return state


@dataclass(frozen=True, slots=True)
class _Place:
    """A clause in its sentence: what stands before it, what it is about, and for whose report."""

    sentence: Sentence
    before: str
    clause: str
    state: str
    named: bool
    report: Report

    @property
    def sure(self) -> bool:
        """Whether requests for information are named, here or above the paragraph."""
        topic = self.sentence.topic
        return self.named or "依申请" in topic or self.sentence.chapter == 3

    def about_this_year(self, match: re.Match[str]) -> bool:
        """No other year, no approximate number."""
        lead = self.clause[: match.start("n")]
        if APPROXIMATE.search(lead) or AND_MORE.search(self.clause[match.end("n") :]):
            return False
        if OTHER_YEAR.search(lead):
            return False
        years = re.findall(r"(\d{4})年", COMPARED.sub("", f"{self.before}，{lead}"))
        return not years or self.report.year is None or int(years[-1]) == self.report.year

    def names_year(self, match: re.Match[str], distance: int) -> bool:
        """Whether the year a match names, if any, lies this far from the report's."""
        if match["year"] is None:
            return True
        return self.report.year is not None and int(match["year"]) == self.report.year + distance

    def certain(self, match: re.Match[str], part: bool = False) -> bool:
        """Whether the number is the body's own for the whole year; `part`: 其中 may precede it."""
        begin = match.end("who") if "who" in match.re.groupindex else match.start()
        lead = f"{self.before}，{self.clause[:begin]}"
        if PART_OF_YEAR.search(lead) or OTHER_BODY.search(lead):
            return False
        if not part and "其中" in lead:
            return False
        if CHANNEL.search(self.clause[: match.start("n")]) and not ALL_CHANNELS.search(lead):
            return False
        if "累计" in lead and not re.search(r"\d{4}年|全年|本年", lead):
            return False
        return self.is_own(lead)

    def is_own(self, lead: str) -> bool:
        """Whether what stands before the number names no body but the one that reports."""
        issuer = (self.report.issuer or "").replace("人民政府", "政府")
        government = issuer.endswith(GOVERNMENTS)
        if WHOLE.search(lead) and not government and not re.search(r"全[局厅委办街镇乡]", lead):
            return False
        if "本级" in lead and government:
            return False
        for organ in ORGAN.findall(NO_ORGAN.sub("", lead.replace("人民政府", "政府"))):
            if OWN.search(organ) or not issuer:
                continue
            if organ[-4:] in issuer or (organ[-3:] in issuer and len(organ) == 3):
                if government and not organ.endswith(GOVERNMENTS):
                    return False
                continue
            if government and organ.endswith(GOVERNMENTS):
                continue
            short = issuer.replace("委员会", "委").replace("办公室", "办")
            if government or organ[-1] != short[-1]:
                return False
        return True


def _requests(place: _Place, cells: Cells) -> Iterator[Claim]:
    yield from _none_received(place)
    if place.state == "disputes":
        return
    seen: set[int] = set()
    for claim, at in (
        *_carried(place),
        *_concluded(place),
        *_received(place),
        *_outcomes(place, cells),
        *_applicants(place),
    ):
        # One number means one thing: what the closer pattern took, the wider one leaves.
        if at not in seen:
            seen.add(at)
            yield claim


def _claim(
    place: _Place,
    match: re.Match[str],
    rule: str,
    subject: str,
    readings: tuple[Interpretation, ...],
    *,
    certain: bool = True,
    part: bool = False,
) -> Iterator[tuple[Claim, int]]:
    if place.about_this_year(match):
        sure = certain and place.certain(match, part)
        yield (
            Claim(rule, subject, Decimal(match["n"]), readings, sure, place.sentence),
            match.start("n"),
        )


RECEIVED_FORMS = (
    # 收到政府信息公开申请12件; 收到公民、法人提出的信息公开申请共12件
    re.compile(rf"(?<![未已]){GET}{FILL}{WHO}{SUBJECT}{FILL}{COUNT}"),
    # 政府信息公开申请共收到12件
    re.compile(rf"{SUBJECT}{FILL}{GET}{FILL}{COUNT}"),
    # 收到12件政府信息公开申请
    re.compile(rf"{GET}{FILL}{COUNT}的?{WHO}{SUBJECT}(?!行政)"),
)
PERSONS, BODIES = re.compile(r"自然人|个人|公民"), re.compile(r"法人|组织(?!领导)|企业|机构")
GOT = re.compile(rf"{GET}[^，]{{0,40}}?\d{UNIT}")
# 依申请公开方面，共收到申请12件: the subject stands in a clause before.
RECEIVED_BARE = re.compile(
    rf"^(?P<who>[^\d，]{{0,14}}?)(?P<verb>{HOW}{GET}){FILL}{WHO}(?:{BARE})?{FILL}{COUNT}(?:{BARE})?"
)
RECEIVED_LOOSE = re.compile(rf"{SUBJECT}{FILL}{COUNT}")


def _received(place: _Place) -> Iterator[tuple[Claim, int]]:
    clause = place.clause
    # 收到100件，受理98件: the second number is another matter.
    once = not GOT.search(place.before)
    kinds = [bool(words.search(clause)) for words in (PERSONS, BODIES)]
    if kinds[0] != kinds[1] and "均" not in clause:
        # 收到自然人申请80件: not all requests.
        return
    for pattern in RECEIVED_FORMS:
        for match in pattern.finditer(clause):
            yield from _claim(
                place, match, "V.received", "收到申请", RECEIVED_READINGS, certain=once
            )
    if place.state == "requests":
        for match in RECEIVED_BARE.finditer(clause):
            sure = once and place.sure and not OTHER_MATTER.search(match["who"])
            yield from _claim(
                place, match, "V.received", "收到申请", RECEIVED_READINGS, certain=sure
            )
        for match in RECEIVED_LOOSE.finditer(clause):
            yield from _claim(
                place, match, "V.received", "收到申请", RECEIVED_READINGS, certain=False
            )


CONCLUDED_FORMS = (
    (re.compile(rf"(?<![未待]){DONE}{FILL}{WHO}{SUBJECT}{FILL}{COUNT}"), CONCLUDED_READINGS),
    (re.compile(rf"(?<![未待]){HANDLE}{FILL}{WHO}{SUBJECT}{FILL}{COUNT}"), HANDLED_READINGS),
    (re.compile(rf"{SUBJECT}{FILL}(?:已|均|共|全部)*{DONE}{FILL}{COUNT}"), CONCLUDED_READINGS),
)
CONCLUDED_BARE = re.compile(rf"^{HOW}{DONE}{FILL}(?:{BARE})?{FILL}{COUNT}")
CONCLUDED_LAST = re.compile(rf"{COUNT}(?:申请)?(?:均|已|全部|都|依法|按时|按期|及时)*{DONE}")


def _concluded(place: _Place) -> Iterator[tuple[Claim, int]]:
    clause = place.clause
    for pattern, readings in CONCLUDED_FORMS:
        for match in pattern.finditer(clause):
            yield from _claim(place, match, "V.concluded", "办结", readings, part=True)
    if place.state != "requests":
        return
    for match in CONCLUDED_BARE.finditer(clause):
        yield from _claim(
            place, match, "V.concluded", "办结", CONCLUDED_READINGS, certain=place.sure, part=True
        )
    for match in CONCLUDED_LAST.finditer(clause):
        yield from _claim(
            place, match, "V.concluded", "办结", CONCLUDED_READINGS, certain=False, part=True
        )


NAME = rf"(?:{SUBJECT}|{BARE})?"
OUT = rf"{CARRY}{NEXT}{PENDING}"
IN = rf"{LAST}结转(?:到?(?:本年度?|今年|当年))?(?:的|来的|过来的|到)?"
CARRIED_OUT_FORMS = (
    re.compile(rf"{OUT}的?{NAME}{FILL}{COUNT}"),
    re.compile(rf"{COUNT}{NAME}[^，。\d]{{0,14}}?{OUT}"),
)
CARRIED_IN_FORMS = (
    re.compile(rf"{IN}{NAME}{FILL}{PENDING}的?{FILL}{COUNT}"),
    re.compile(rf"结转{LAST}度?的?{NAME}{FILL}{COUNT}"),
    re.compile(rf"{COUNT}{NAME}(?:为|系|是|属于?)?{LAST}结转"),
)


def _carried(place: _Place) -> Iterator[tuple[Claim, int]]:
    if place.state != "requests" or not CARRY_WORD.search(place.clause):
        return
    for pattern in CARRIED_OUT_FORMS:
        for match in pattern.finditer(place.clause):
            if place.names_year(match, 1):
                yield from _claim(
                    place,
                    match,
                    "V.carried",
                    "结转下年度",
                    OUT_READINGS,
                    certain=place.sure,
                    part=True,
                )
    for pattern in CARRIED_IN_FORMS:
        for match in pattern.finditer(place.clause):
            if place.names_year(match, -1):
                yield from _carried_in(place, match)


def _carried_in(place: _Place, match: re.Match[str]) -> Iterator[tuple[Claim, int]]:
    """去年 stands in the words themselves here, so only other doubts count."""
    lead = place.clause[: match.start()]
    if OTHER_YEAR.search(lead) or AND_MORE.search(place.clause[match.end("n") :]):
        return
    certain = (
        place.sure
        and not PART_OF_YEAR.search(lead)
        and not OTHER_BODY.search(f"{place.before}，{lead}")
        and place.is_own(f"{place.before}，{lead}")
    )
    yield (
        Claim(
            "V.carried_in", "上年结转", Decimal(match["n"]), IN_READINGS, certain, place.sentence
        ),
        match.start("n"),
    )


OUTCOME_WORD = r"(?:(?<!不)予以公开|(?:予以)?部分公开|不予公开|无法提供|不予处理|其[他它]处理)"
OUTCOME = re.compile(
    # 同意公开或部分公开81件 is neither's number.
    rf"(?<![开供理][、和及或与])(?<!开以及)"
    rf"(?P<what>{OUTCOME_WORD}(?:(?:、|和|及|以及|或|与|含|/){OUTCOME_WORD})*+)"
    rf"(?:的|类|答复|决定|申请|情形|情况|结果|政府信息|信息|事项)*+(?:共|合计|总计|计|为|有|：|分别为|数|量)*+"
    rf"{N}(?=件|份|宗|起|条|例|项|个|$|，|、|占|。)(?:件|份|宗|起|条|例|项|个)?"
)
OUTCOME_LAST = re.compile(
    rf"{COUNT}(?:申请)?(?:依法|予以答复|为|系|是|属于)?(?P<what>{OUTCOME_WORD})"
    rf"(?!\d|[、和及或与]{OUTCOME_WORD})"
)
OUTCOME_REASON = re.compile(r"不掌握[^，。]{0,8}(?:无法提供)")


def _outcomes(place: _Place, cells: Cells) -> Iterator[tuple[Claim, int]]:
    if place.state != "requests":
        return
    matches = list(OUTCOME.finditer(place.clause)) or list(OUTCOME_LAST.finditer(place.clause))
    for match in matches:
        words = [
            word.replace("它", "他").removeprefix("予以")
            if "部分" in word
            else word.replace("它", "他")
            for word in re.findall(OUTCOME_WORD, match["what"])
        ]
        parts = [OUTCOMES[word] or _other(cells) for word in words]
        name = "与".join(words)
        readings = [Interpretation(name, " + ".join(parts))]
        if words == ["予以公开"]:
            readings.append(Interpretation("予以公开与部分公开之和", f"{GRANTED} + {PARTIAL}"))
        if words == ["无法提供"] and OUTCOME_REASON.search(place.clause[: match.start("n")]):
            readings.append(
                Interpretation("本机关不掌握相关政府信息", "requests.unavailable_not_held.total")
            )
        if words == ["其他处理"] or words == ["不予处理"]:
            readings.append(
                Interpretation("不予处理与其他处理之和", f"{NOT_PROCESSED} + {_other(cells)}")
            )
        if "自然人" in place.before or "自然人" in place.clause[: match.start()]:
            persons = " + ".join(parts).replace(".total", ".natural_person")
            readings.append(Interpretation(f"自然人的{name}", persons))
        yield from _claim(
            place, match, "V.outcomes", name, tuple(readings), certain=_plain_list(place), part=True
        )


def _plain_list(place: _Place) -> bool:
    """The outcomes of all requests, not those of one kind of them."""
    said = f"{place.before}，{place.clause}".rpartition("其中")[2]
    return not re.search(r"涉及|关于|有关|方面的|领域|类申请|案件|自然人|法人", said)


def _other(cells: Cells) -> str:
    """其他处理: one row on the form of 2019, three on that of 2021."""
    if cells.get("requests.other.total") is not None:
        return "requests.other.total"
    return OTHER_2021 if "requests.other_misc.total" in cells else "requests.other.total"


APPLICANT_ROWS = (
    ("本年新收", ("received_new",)),
    ("本年新收加上年结转", ("received_new", "carried_in")),
    ("本年度办理结果总计", ("concluded_total",)),
)
# Pattern, subject, and the columns it speaks of.
APPLICANT_FORMS = (
    (
        re.compile(rf"自然人(?:提出|提交|递交)?的?{NAME}{FILL}{COUNT}"),
        "自然人申请",
        ("natural_person",),
    ),
    (
        re.compile(
            r"(?<![人民][、和及或与])法人(?:或者?|和|及|以及|与|、|/)?(?:其[他它])?(?:社会)?组织(?:提出|提交|递交)?的?"
            rf"{NAME}{FILL}{COUNT}"
        ),
        "法人或其他组织申请",
        ORGANISATIONS,
    ),
    *(
        (
            re.compile(rf"{word}(?:提出|提交)?的?(?:{BARE})?{FILL}{COUNT}"),
            f"{word}申请",
            (column,),
        )
        for word, column in APPLICANTS.items()
    ),
)


def _applicants(place: _Place) -> Iterator[tuple[Claim, int]]:
    if place.state != "requests":
        return
    for pattern, subject, columns in APPLICANT_FORMS:
        for match in pattern.finditer(place.clause):
            readings = tuple(
                Interpretation(
                    name, " + ".join(f"requests.{row}.{c}" for row in rows for c in columns)
                )
                for name, rows in APPLICANT_ROWS
            )
            whole = f"{place.before}，{place.clause[: match.start()]}"
            yield from _claim(
                place,
                match,
                "V.by_applicant",
                subject,
                readings,
                certain=place.sure and not any(word in whole for word in OUTCOMES),
                part=True,
            )


NONE = re.compile(
    r"(?:(?:未|没有|未曾|未有)(?:收到|接到|接收到?|受理|办理|发生|出现|产生)(?:过|到|任何|一件|1件)*+|(?<![有并])无)"
    rf"{WHO}(?P<n>{SUBJECT})(?:件|事项|情况|的情况|案件|要求)*(?=$|，|；|、|和|及|也|且|与)"
)


def _none_received(place: _Place) -> Iterator[Claim]:
    for match in NONE.finditer(place.clause):
        rest = place.clause[match.end() :]
        if DISPUTE.search(match[0]) or re.match(
            r"(?:、|和|及|与)?(?:引|导致|产生|投诉|举报)", rest
        ):
            continue
        if "除" in place.before or "除" in place.clause[: match.start()]:
            continue
        if place.about_this_year(match):
            yield Claim(
                "V.none_received",
                "收到申请",
                Decimal(0),
                RECEIVED_READINGS[:1],
                place.certain(match),
                place.sentence,
            )


# --- reviews and lawsuits ----------------------------------------------------------------------

CASE = r"(?:案件|案|申请|事项|件数|总数|数量|数)?(?:（[^）]*）)?"
COUNTED = rf"(?:共|共计|为|：|有|均为|各为?|总计|发生|收到|受理|提起|办理)*+{COUNT}"
REVIEW_FORM = re.compile(rf"复议{CASE}{COUNTED}")
LITIGATION_FORM = re.compile(rf"诉讼{CASE}{COUNTED}")
BOTH_FORM = re.compile(
    rf"复议{CASE}(?:、|和|及|以及|与|或者?|，)?(?:提起)?(?:行政)?诉讼{CASE}{COUNTED}"
)
COUNT_FIRST = re.compile(
    rf"{COUNT}(?:政府信息公开)?(?:类)?(?:的)?(?:行政)?(?P<what>复议|诉讼)(?!后)"
)
NO_DISPUTE = re.compile(
    r"(?:未(?!经)|没有|无|不存在|零)(?P<n>)[^，]{0,30}?"
    r"(?P<what>(?:复议|诉讼)(?:案件|案|申请|事项|情况|情形|件|类|、|和|或|及|以及|与|也|均|被|提起|申请|发生|引发"
    r"|政府|信息|公开|行政|复议|诉讼|等|的|现象|问题|申诉|投诉|举报)*+)$"
)
UNMENTIONED = re.compile(
    r"撤销|纠正|纠错|败诉|变更|责令|违法|维持|答辩|逾期|超期|胜诉|整改|支持|终止|驳回|以外|之外"
)
INSTANCE = re.compile(
    r"一审|二审|再审|上诉|未经复议|复议后|应诉|收案|旧存|新收|上年|代理|办理|审理|受理|审结|调解"
)


def _disputes(place: _Place) -> Iterator[Claim]:
    if place.state != "disputes":
        return
    clause, whole = place.clause, "，".join(place.sentence.clauses)
    said = f"{place.before}，{clause}"
    if not (
        place.sentence.chapter == 4 or DISCLOSURE.search(said) or "依申请" in place.sentence.topic
    ):
        return
    # Reviews of all kinds are many times those of disclosure: the words must name these.
    first = DISPUTE.search(said)
    named = place.sentence.chapter == 4 or bool(
        first
        and DISCLOSURE.search(re.split("，", said[: first.start()])[-1] + said[first.start() :])
    )
    both = BOTH_FORM.search(clause)
    if both:
        if both["n"] == "0" or "均为" in both[0] or "各" in both[0]:
            for claim, _ in (
                *_claim(place, both, "V.review", "行政复议", _review(), certain=named),
                *_claim(place, both, "V.litigation", "行政诉讼", _litigation(), certain=named),
            ):
                yield claim
        return
    for pattern, rule, general, all_readings in (
        (REVIEW_FORM, "V.review", "行政复议", _review()),
        (LITIGATION_FORM, "V.litigation", "行政诉讼", _litigation()),
    ):
        end = 0
        for match in pattern.finditer(clause):
            # 复议后起诉的行政诉讼1件、直接起诉的行政诉讼2件: each number has its own words.
            lead, end = clause[end : match.start("n")], match.end()
            subject, readings = general, all_readings
            if rule == "V.litigation" and "复议后" in lead:
                readings = (Interpretation("复议后起诉总计", f"{AFTER}.total"),)
                subject = "复议后起诉"
            elif rule == "V.litigation" and re.search(r"未经复议|直接起诉|直接提起", lead):
                readings = (Interpretation("未经复议直接起诉总计", f"{DIRECT}.total"),)
                subject = "未经复议直接起诉"
            narrower = subject.endswith("起诉")
            certain = named and (narrower or not INSTANCE.search(clause[: match.start("n")]))
            for claim, _ in _claim(place, match, rule, subject, readings, certain=certain):
                yield claim
    for match in COUNT_FIRST.finditer(clause):
        if REVIEW_FORM.search(clause) or LITIGATION_FORM.search(clause):
            break
        is_review = match["what"] == "复议"
        for claim, _ in _claim(
            place,
            match,
            "V.review" if is_review else "V.litigation",
            "行政复议" if is_review else "行政诉讼",
            _review() if is_review else _litigation(),
            certain=named and not INSTANCE.search(whole),
        ):
            yield claim
    yield from _no_disputes(place)


def _no_disputes(place: _Place) -> Iterator[Claim]:
    clause = place.clause
    match = NO_DISPUTE.search(clause)
    if not match or UNMENTIONED.search(match[0]) or re.search(r"\d", match[0]):
        return
    rest = "，".join(place.sentence.clauses)
    if "除" in rest or re.search(r"无(?:法|需|故|效|论|正当|关)", match[0][:2]):
        return
    if not place.about_this_year(match):
        return
    certain = place.certain(match)
    for word, rule, subject, readings in (
        ("复议", "V.review", "行政复议", _review()),
        ("诉讼", "V.litigation", "行政诉讼", _litigation()),
    ):
        if word in match["what"] or word in match[0]:
            yield Claim(rule, subject, Decimal(0), readings[:1], certain, place.sentence)


def _review() -> tuple[Interpretation, ...]:
    return (
        Interpretation("行政复议总计", f"{REVIEW}.total"),
        Interpretation("行政复议总计减尚未审结", f"{REVIEW}.total - {REVIEW}.pending"),
    )


def _litigation() -> tuple[Interpretation, ...]:
    return (
        Interpretation("行政诉讼总计", f"{DIRECT}.total + {AFTER}.total"),
        Interpretation(
            "行政诉讼总计减尚未审结",
            f"{DIRECT}.total + {AFTER}.total - {DIRECT}.pending - {AFTER}.pending",
        ),
        Interpretation("未经复议直接起诉总计", f"{DIRECT}.total"),
        Interpretation("复议后起诉总计", f"{AFTER}.total"),
    )


ALL_UPHELD = re.compile(
    r"均(?:获得?|予以?|被|为|得到)?(?:结果)?(?:维持|胜诉)|全部(?:获得?|予以?|被|为)?(?:维持|胜诉)"
    r"|零(?:败诉|纠错|纠正|撤销)|无(?:一)?(?:败诉|纠错|被纠正)|(?:没有|未发生|未出现)[^，]{0,8}(?:败诉|被纠正|被撤销)"
)

RESULT = re.compile(r"维持|纠正|撤销|驳回|审结|变更|责令")


def _upheld(sentence: Sentence, whole: str) -> Iterator[Claim]:
    match = ALL_UPHELD.search(whole)
    if not match or not (sentence.chapter == 4 or DISCLOSURE.search(whole[: match.start()])):
        return
    said = whole[: match.start()]
    blocks = [
        block for word, block in (("复议", (REVIEW,)), ("诉讼", (DIRECT, AFTER))) if word in said
    ]
    if not blocks or OTHER_YEAR.search(said) or INSTANCE.search(said) or OTHER_BODY.search(said):
        return
    nearest = (DIRECT, AFTER) if said.rfind("诉讼") > said.rfind("复议") else (REVIEW,)
    between = said[
        min(said.rfind("复议"), said.rfind("诉讼")) : max(said.rfind("复议"), said.rfind("诉讼"))
    ]
    if len(blocks) == 2 and RESULT.search(between):
        # 复议5件，纠正1件，诉讼3件，均获维持: said of the lawsuits alone.
        blocks = [nearest]
    everything = tuple(name for block in blocks for name in block)
    readings = [Interpretation("结果纠正", _sum(everything, "corrected"))]
    if "胜诉" in match[0] or "维持" in match[0]:
        readings = [
            Interpretation(
                "未获维持的已审结案件",
                " + ".join(f"{b}.total - {b}.pending - {b}.upheld" for b in everything),
            ),
            Interpretation("结果纠正（其余为其他结果）", _sum(everything, "corrected")),
        ]
    yield Claim("V.all_upheld", "未获维持", Decimal(0), tuple(readings), True, sentence)


def _sum(blocks: Sequence[str], column: str) -> str:
    return " + ".join(f"{block}.{column}" for block in blocks)


# --- documents ---------------------------------------------------------------------------------

PAPER = r"(?P<kind>行政规范性文件|规范性文件)"
DOCUMENT_FORMS = (
    (re.compile(rf"(?P<verb>制发|制定|印发|出台)(?:了|并)?{PAPER}{FILL}{COUNT}"), "issued", "制发"),
    (
        re.compile(rf"{PAPER}(?:本年|当年|新)*(?P<verb>制发|制定|印发|出台){FILL}{COUNT}"),
        "issued",
        "制发",
    ),
    (re.compile(rf"(?P<verb>废止)(?:了)?{PAPER}{FILL}{COUNT}"), "repealed", "废止"),
    (re.compile(rf"{PAPER}(?P<verb>废止){FILL}{COUNT}"), "repealed", "废止"),
    (re.compile(rf"(?P<verb>现行有效)(?:的)?{PAPER}{FILL}{COUNT}"), "in_force", "现行有效"),
    (re.compile(rf"{PAPER}(?P<verb>现行有效){FILL}{COUNT}"), "in_force", "现行有效"),
)
# 制发行政规范性文件3件，废止1件，现行有效20件
DOCUMENT_FOLLOWS = re.compile(rf"^(?P<verb>废止|现行有效)(?:的)?{FILL}{COUNT}")
FOLLOWED = re.compile(r"(?:制发|制定)(?:了)?行政规范性文件\D{0,4}\d+件")
NOT_ISSUED = re.compile(
    r"清理|审查|备案|审核|失效|解读|修订|修改|代|以市政府|以县政府|以区政府|为市政府|提请|起草"
)


def _documents(place: _Place) -> Iterator[Claim]:
    clause = place.clause
    matches = [
        (match, row, name)
        for pattern, row, name in DOCUMENT_FORMS
        for match in pattern.finditer(clause)
    ]
    follows = DOCUMENT_FOLLOWS.match(clause)
    if follows and FOLLOWED.search(place.before):
        row = "repealed" if follows["verb"] == "废止" else "in_force"
        matches.append((follows, row, follows["verb"]))
    for match, row, name in matches:
        lead = f"{place.before}，{clause[: match.start()]}"
        certain = not NOT_ISSUED.search(lead) and (
            match is follows or match["kind"] == "行政规范性文件" or match["verb"] == "制发"
        )
        readings = [Interpretation(f"行政规范性文件{name}件数", f"{DOCUMENTS}.{row}")]
        if row == "issued":
            readings += [
                Interpretation("规范性文件本年新制作数量", f"{DOCUMENTS}.made"),
                Interpretation("规范性文件本年新公开数量", f"{DOCUMENTS}.newly_published"),
            ]
        for claim, _ in _claim(
            place, match, "V.docs", f"{name}规范性文件", tuple(readings), certain=certain
        ):
            yield claim
