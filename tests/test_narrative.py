"""What prose says against the table: every honest reading tried, and no false alarm.

The table of these tests: 100 new and 10 carried in, 104 concluded, 6 carried out.
"""

from __future__ import annotations

import pytest

from archive.findings.narrative import narrate
from archive.form import keys
from archive.model import Blame, Finding, Section, Verdict

Figures = dict[str, str | None]
ISSUER = "甲市乙局"
FOURTH = "四、政府信息公开行政复议、行政诉讼情况"


def cells(form: str, **figures: int | None) -> Figures:
    filled: Figures = dict.fromkeys(keys(form), "0")
    for key, value in figures.items():
        filled[key.replace("__", ".")] = None if value is None else str(value)
    return filled


TABLE = cells(
    "2021",
    requests__received_new__natural_person=80,
    requests__received_new__enterprise=15,
    requests__received_new__other_org=5,
    requests__received_new__total=100,
    requests__carried_in__natural_person=10,
    requests__carried_in__total=10,
    requests__granted__total=50,
    requests__granted_partial__total=20,
    requests__denied_state_secret__total=4,
    requests__denied_third_party__total=6,
    requests__unavailable_not_held__total=12,
    requests__unavailable_needs_creation__total=3,
    requests__not_processed_petition__total=5,
    requests__other_not_corrected__total=1,
    requests__other_misc__total=3,
    requests__concluded_total__total=104,
    requests__concluded_total__natural_person=85,
    requests__carried_out__total=6,
    disputes__review__upheld=5,
    disputes__review__corrected=1,
    disputes__review__other=2,
    disputes__review__pending=2,
    disputes__review__total=10,
    disputes__litigation_direct__upheld=4,
    disputes__litigation_direct__pending=1,
    disputes__litigation_direct__total=5,
    disputes__litigation_after_review__upheld=2,
    disputes__litigation_after_review__pending=1,
    disputes__litigation_after_review__total=3,
    disclosure__normative_documents__issued=3,
    disclosure__normative_documents__repealed=1,
    disclosure__normative_documents__in_force=20,
)
NOTHING = cells("2021")


def told(
    text: str,
    table: Figures = TABLE,
    *,
    chapter: int = 1,
    heading: str = "一、总体情况",
    issuer: str = ISSUER,
    form: str = "2021",
) -> tuple[Finding, ...]:
    return narrate([Section(chapter, heading, text)], table, form, year=2023, issuer=issuer)


def verdicts(text: str, table: Figures = TABLE, **more: str) -> list[tuple[str, str]]:
    issuer = more.get("issuer", ISSUER)
    return [(f.rule, f.verdict.value) for f in told(text, table, issuer=issuer)]


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("2023年，我局共收到政府信息公开申请100件。", ["V.received"]),
        ("全年新收依申请公开１００件，较上年增长35%。", ["V.received"]),
        ("共受理公民、法人和其他组织提出的政府信息公开申请 100 件。", ["V.received"]),
        ("收到100件政府信息公开申请，均已按时答复。", ["V.received"]),
        ("2023年度政府信息公开申请共收到一百件。", ["V.received"]),
        ("通过信函、网络等方式共收到申请公开政府信息事项100件。", ["V.received"]),
        ("自2023年1月1日起至12月31日止，共收到信息公开申请100件。", ["V.received"]),
        ("依申请公开方面，共收到申请100件，当年办结104件。", ["V.received", "V.concluded"]),
        ("答复政府信息公开申请104件（含2022年结转的10件）。", ["V.concluded", "V.carried_in"]),
        ("收到申请公开政府信息100件，6件结转下年度继续办理。", ["V.received", "V.carried"]),
        ("依申请公开共办结104件，结转2024年办理6件。", ["V.concluded", "V.carried"]),
        ("上年度结转10件，本年新收100件，依申请公开办结104件。",
         ["V.carried_in", "V.received", "V.concluded"]),
        ("制发行政规范性文件3件，废止1件，现行有效20件。", ["V.docs"] * 3),
        ("现行有效的规范性文件共20件。", ["V.docs"]),
        ("政府信息公开行政复议10件，行政诉讼8件。", ["V.review", "V.litigation"]),
        ("因政府信息公开被提起未经复议直接起诉的行政诉讼5件。", ["V.litigation"]),
        ("因政府信息公开引起的复议后起诉的行政诉讼3件、未经复议直接起诉的行政诉讼5件。",
         ["V.litigation"] * 2),
    ],
)  # fmt: skip
def test_the_first_reading_passes(text: str, rules: list[str]) -> None:
    assert verdicts(text) == [(rule, "pass") for rule in rules]


def test_applicants_and_outcomes_are_read_one_by_one() -> None:
    found = told(
        "收到政府信息公开申请100件，其中自然人申请80件，法人或其他组织申请20件，商业企业申请15件。"
        "办结申请104件：予以公开50件、部分公开20件，不予公开10件，无法提供15件，不予处理5件，其他处理4件。"
    )
    passed = [(f.rule, f.actual) for f in found if f.verdict is Verdict.PASS]
    assert [n for rule, n in passed if rule == "V.by_applicant"] == ["80", "20", "15"]
    assert [n for rule, n in passed if rule == "V.outcomes"] == ["50", "20", "10", "15", "5", "4"]
    assert len(passed) == len(found)


@pytest.mark.parametrize(
    ("text", "rule", "reading"),
    [
        ("共收到政府信息公开申请110件。", "V.received", "本年新收加上年结转"),
        ("收到政府信息公开申请，已办结94件。", "V.concluded", "减上年结转"),
        ("全年办理政府信息公开申请110件。", "V.concluded", "本年新收加上年结转"),
        ("收到的申请公开信息中自然人申请90件。", "V.by_applicant", "本年新收加上年结转"),
        ("依申请公开中，因本机关不掌握等原因无法提供12件。", "V.outcomes", "不掌握"),
        ("依申请公开信息，予以公开70件。", "V.outcomes", "予以公开与部分公开之和"),
        ("政府信息公开类行政复议8件。", "V.review", "减尚未审结"),
        ("政府信息公开类行政诉讼6件。", "V.litigation", "减尚未审结"),
        ("政府信息公开类行政诉讼5件。", "V.litigation", "未经复议直接起诉"),
    ],
)
def test_another_honest_reading_explains(text: str, rule: str, reading: str) -> None:
    (finding,) = [finding for finding in told(text) if finding.rule == rule]
    assert finding.verdict is Verdict.EXPLAINED
    assert reading in finding.explanation
    assert finding.blame is None


def test_the_figures_of_suqian() -> None:
    """3607 handled in 2023 are 3511 new and 96 carried in; of 170 reviews and 77 lawsuits in 2024
    prose counts the 134 and 57 that were closed."""
    table = cells("2021", requests__received_new__total=3511, requests__carried_in__total=96)
    (received,) = told("2023年，全市共收办政府信息公开申请3607件。", table, issuer="宿迁市人民政府")
    assert (received.rule, received.verdict) == ("V.received", Verdict.EXPLAINED)
    disputes = cells(
        "2021",
        disputes__review__total=170,
        disputes__review__pending=36,
        disputes__litigation_direct__total=70,
        disputes__litigation_direct__pending=15,
        disputes__litigation_after_review__total=7,
        disputes__litigation_after_review__pending=5,
    )
    found = told("全市政府信息公开行政复议134件，行政诉讼57件。", disputes, issuer="宿迁市人民政府")
    assert [(f.rule, f.verdict.value) for f in found] == [
        ("V.review", "explained"),
        ("V.litigation", "explained"),
    ]


@pytest.mark.parametrize(
    ("text", "rule", "stated", "printed"),
    [
        ("2023年，我局共收到政府信息公开申请99件。", "V.received", "99", "100"),
        ("（二）依申请公开。全年共收到申请十二件。", "V.received", "12", "100"),
        ("全年收到信息公开申请100件，办结120件。", "V.concluded", "120", "104"),
        ("收到政府信息公开申请100件，结转下一年度办理9件。", "V.carried", "9", "6"),
        ("收到政府信息公开申请100件，去年结转11件。", "V.carried_in", "11", "10"),
        ("收到信息公开申请100件，其中自然人70件。", "V.by_applicant", "70", "80"),
        ("收到信息公开申请100件，部分公开19件。", "V.outcomes", "19", "20"),
        ("依申请公开中不予公开、无法提供或不予处理共31件。", "V.outcomes", "31", "30"),
        ("收到自然人提出的政府信息公开申请30件。", "V.by_applicant", "30", "80"),
        ("我局未收到政府信息公开申请。", "V.none_received", "0", "100"),
        ("本年度无依申请公开事项。", "V.none_received", "0", "100"),
        ("涉及政府信息公开的行政复议12件。", "V.review", "12", "10"),
        ("未发生因政府信息公开引起的行政诉讼。", "V.litigation", "0", "8"),
        ("制发行政规范性文件5件。", "V.docs", "5", "3"),
    ],
)
def test_a_contradiction_fails(text: str, rule: str, stated: str, printed: str) -> None:
    (finding,) = [finding for finding in told(text) if finding.verdict is Verdict.FAIL]
    assert (finding.rule, finding.actual, finding.expected) == (rule, stated, printed)
    assert finding.blame is Blame.UNDECIDED
    assert finding.printed in text
    assert finding.cells
    assert "都不相符" in finding.explanation


@pytest.mark.parametrize(
    "text",
    [
        # Another year, a part of the year, more than a year.
        "2022年收到政府信息公开申请90件。",
        "上年收到政府信息公开申请90件。",
        "上半年收到政府信息公开申请30件。",
        "截至10月底，收到政府信息公开申请80件。",
        "自2008年以来收到政府信息公开申请500件。",
        "累计收到政府信息公开申请500件。",
        "与2022年相比，收到的政府信息公开申请增加20件。",
        # About so many.
        "收到政府信息公开申请近200件。",
        "收到政府信息公开申请90余件。",
        "收到政府信息公开申请百余件。",
        # Another body.
        "下属各单位共收到政府信息公开申请30件。",
        "全市各级各部门共收到政府信息公开申请2000件。",
        "全市共收到政府信息公开申请2000件。",
        "市公安机关收到政府信息公开申请30件。",
        # A channel, a part, a kind.
        "通过政府网站收到政府信息公开申请30件，通过信函收到申请70件。",
        "收到关于征地拆迁的政府信息公开申请30件。",
        "未收到网络政府信息公开申请。",
        "除上述外，未收到政府信息公开申请。",
        "依申请公开中同意公开或部分公开共81件。",
        "依申请公开方面，公民、法人和其他组织申请12件。",
        # Another matter.
        "12345热线收到群众诉求3000件，办结2990件。",
        "受理行政许可申请3000件，办结2990件。",
        "办理人大代表建议12件、政协提案30件，全部办结并予以公开42件。",
        "全年办理行政复议案件120件，行政应诉案件30件。",
        "受理政府信息公开行政复议案件80件。",
        "未发生因政府信息公开被行政复议机关纠正、行政诉讼败诉的情形。",
        "主动公开政府信息3000条，公开行政规范性文件12件。",
        "印发规范性文件12件，清理行政规范性文件70件。",
        "我局代市政府制发行政规范性文件9件。",
        "无法提供优质服务12件。",
    ],
)
def test_an_uncertain_subject_is_silent(text: str) -> None:
    assert verdicts(text) == []


def test_what_follows_a_number_may_be_another_matter() -> None:
    text = (
        "收到政府信息公开申请100件，受理98件，其中涉及征地拆迁50件，予以公开30件，"
        "同比增长20%。收到群众来信30件，答复30件。"
    )
    assert verdicts(text) == [("V.received", "pass")]


@pytest.mark.parametrize(
    ("issuer", "text", "found"),
    [
        ("甲市人民政府", "全市共收到政府信息公开申请130件。", ["fail"]),
        ("甲市人民政府", "市政府办公室共收到政府信息公开申请30件。", []),
        ("甲市人民政府办公室", "市政府办公室共收到政府信息公开申请30件。", ["fail"]),
        ("甲市人民政府办公室", "市教育局共收到政府信息公开申请30件。", []),
        ("甲市卫生健康委员会", "市卫健委共收到政府信息公开申请30件。", ["fail"]),
        ("甲市卫生健康委员会", "全市共收到政府信息公开申请30件。", []),
        ("甲镇人民政府", "我镇共收到政府信息公开申请30件。", ["fail"]),
    ],
)
def test_the_number_must_be_the_bodys_own(issuer: str, text: str, found: list[str]) -> None:
    assert [verdict for _, verdict in verdicts(text, issuer=issuer)] == found


def test_nothing_received_and_nothing_disputed() -> None:
    text = "本年度未收到政府信息公开申请，也未发生因政府信息公开引起的行政复议或行政诉讼案件。"
    assert verdicts(text, NOTHING) == [
        ("V.none_received", "pass"),
        ("V.review", "pass"),
        ("V.litigation", "pass"),
    ]
    zeros = "因政府信息公开被申请行政复议0件、行政诉讼0件。"
    assert verdicts(zeros, NOTHING) == [("V.review", "pass"), ("V.litigation", "pass")]


def test_chapter_four_is_about_disputes_over_information() -> None:
    text = "本年度我局没有行政复议和行政诉讼案件。"
    found = told(text, chapter=4, heading=FOURTH)
    assert [(f.rule, f.verdict.value) for f in found] == [
        ("V.review", "fail"),
        ("V.litigation", "fail"),
    ]
    assert told("行政复议12件。", chapter=5, heading="五、存在的主要问题") == ()


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("信息公开行政诉讼8件，均获维持。", "pass"),
        ("信息公开行政复议10件，行政诉讼8件，均获维持。", "fail"),
        ("信息公开行政复议10件，其中纠正1件，行政诉讼8件，全部维持。", "pass"),
        ("信息公开行政诉讼8件，保持零败诉。", "pass"),
        ("信息公开行政复议10件，无一被纠正。", "fail"),
        ("信息公开行政复议10件，没有被纠正。", "fail"),
    ],
)
def test_all_upheld(text: str, verdict: str) -> None:
    found = [f.verdict.value for f in told(text) if f.rule == "V.all_upheld"]
    assert found == [verdict]


def test_other_results_are_no_defeat() -> None:
    table = TABLE | {"disputes.review.corrected": "0", "disputes.review.other": "3"}
    (finding,) = [
        f for f in told("信息公开行政复议10件，均获维持。", table) if f.rule == "V.all_upheld"
    ]
    assert finding.verdict is Verdict.EXPLAINED


def test_shares_of_one_whole() -> None:
    text = "答复信息公开申请805件，予以公开{}；无法提供265件，占32.9%；不予处理158件，占19.6%。"
    table = TABLE | {"requests.concluded_total.total": "805"}
    wrong = [f for f in told(text.format("258件，占33.9%"), table) if f.rule == "V.percent"]
    assert [f.verdict.value for f in wrong] == ["fail", "pass", "pass"]
    assert (wrong[0].actual, wrong[0].expected) == ("33.9%", "32.0%")
    # 258 / 805 = 32.05 %: the last digit may be cut or rounded.
    for share in ("32%", "32.0%", "32.1%", "32.05%"):
        found = [f for f in told(text.format(f"258件，占{share}"), table) if f.rule == "V.percent"]
        assert [f.verdict.value for f in found] == ["pass"] * 3


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("收到信息公开申请100件，自然人申请80件，占申请总数的85%。", "fail"),
        ("收到信息公开申请100件，自然人申请80件，占申请总数的80%。", "pass"),
        # Of what it is a share nobody can tell.
        ("收到信息公开申请100件，涉及土地30件，占47%。", None),
        ("收到信息公开申请100件，予以公开50件，其中涉及土地30件，占60%。", None),
    ],
)
def test_a_share_alone(text: str, verdict: str | None) -> None:
    found = [f.verdict.value for f in told(text) if f.rule == "V.percent"]
    assert found == ([verdict] if verdict else [])


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("收到信息公开申请100件，其中当面申请3件，网络申请67件，信函申请30件。", "pass"),
        ("收到信息公开申请100件，其中当面申请3件，网络申请67件，信函申请31件。", "fail"),
        ("收到信息公开申请100件，其中当面申请3件，网络申请60件。", "pass"),
        ("收到信息公开申请100件，其中自然人80件，法人或其他组织19件。", "fail"),
        ("收到信息公开申请100件，其中自然人90件，法人或其他组织20件。", "explained"),
        ("收到信息公开申请100件，其中当面申请3件。", None),
        ("收到信息公开申请100件，其中当面申请3件，网络申请97件，自然人申请80件。", "pass"),
    ],
)
def test_parts_add_up_to_no_more_than_their_whole(text: str, verdict: str | None) -> None:
    found = [f.verdict.value for f in told(text) if f.rule == "V.parts"]
    assert found == ([verdict] if verdict else [])


def test_a_cell_that_is_no_number_cannot_be_compared() -> None:
    table = TABLE | {"requests.received_new.total": None}
    (finding,) = told("收到政府信息公开申请100件。", table)
    assert finding.verdict is Verdict.NOT_CHECKABLE
    assert "「一、本年新收政府信息公开申请数量｜总计」" in finding.explanation
    # What is not certain is not even asked.
    assert told("全市收到政府信息公开申请100件。", table) == ()


def test_other_results_are_one_row_in_2019() -> None:
    table = cells("2019", requests__other__total=4)
    (finding,) = told("依申请公开办理中，其他处理4件。", table, form="2019")
    assert (finding.verdict, finding.cells) == (Verdict.PASS, ("requests.other.total",))


def test_forms_without_these_tables_are_not_held_to_their_prose() -> None:
    text = "收到政府信息公开申请100件。"
    assert told(text, {}, form="narrative") == ()
    assert told(text, cells("stats2014"), form="stats2014") == ()


def test_the_same_statement_is_told_once() -> None:
    text = "2023年收到政府信息公开申请100件。\n收到政府信息公开申请共100件，办结104件。"
    assert verdicts(text) == [("V.received", "pass"), ("V.concluded", "pass")]


def test_a_sentence_broken_by_a_page_is_one_sentence() -> None:
    text = "2023年，我局严格执行条例，全年共收到政府信息公开\n申请99件，均已答复。"
    assert verdicts(text) == [("V.received", "fail")]


def test_a_table_run_together_is_no_prose() -> None:
    row = "一、本年新收政府信息公开申请数量4000004件二、上年结转政府信息公开申请数量0000000"
    assert told(row, chapter=3, heading="三、收到和处理政府信息公开申请情况") == ()


@pytest.mark.parametrize(
    "word",
    [
        "的",
        "期限内",
        "社会公众",
        "收到",
        "依申请公开",
        "一",
        "1,",
        "、",
        "其中1件，",
        "信息公开行政复议1件，",
    ],
)
def test_hostile_text_is_read_to_its_end(word: str) -> None:
    """A pattern that may read a word in two ways would never end on many of them."""
    text = (word * 20_000)[:20_000] + "。" + ((word * 300)[:190] + "，") * 5
    assert "V.received" in {f.rule for f in told(text + "。收到政府信息公开申请100件。")}
