"""The whole reading: what makes a version, what does not, and what bad bytes come to."""

import random

import pytest

from archive.model import Evidence, Reading, State
from archive.read import Part, read_report
from tests.portals.figures import Scale
from tests.portals.papers import pdf, word
from tests.portals.reports import Body, Report, series, with_cells
from tests.portals.web import article

BODY = Body("北原市教育局", "education", Scale(requests=12, documents=5, licences=30), "电话：0000")
TITLE = "北原市教育局2023年政府信息公开工作年度报告"
REPORT = series(BODY, {2023: ("clean", "2024-01-20", TITLE)})[2023]
EVIDENCE = Evidence(
    url="http://www.beiyuan.gov.cn/a/t1.html", portal_name="北原市人民政府", listed_title=TITLE
)


def page(report: Report = REPORT, visits: int = 1, links: str = "") -> bytes:
    return f"""<html><head><meta charset="utf-8"><meta name="PubDate" content="2024-01-20 09:00">
      <title>{TITLE}_北原市人民政府</title></head><body><div>您是第{visits}位访问者</div>
      <div class="TRS_Editor"><h1>{TITLE}</h1><p>浏览次数：{visits}次 【打印】【关闭】</p>
      {article(report, ())}{links}</div></body></html>""".encode()


def read(data: bytes, *attachments: bytes) -> Reading:
    return read_report([Part(data), *map(Part, attachments)], EVIDENCE)


def test_a_page_is_read_whole() -> None:
    reading = read(page())
    assert reading.is_report
    assert (reading.issuer, reading.year, reading.form) == ("北原市教育局", 2023, "2021")
    assert reading.published_on == "2024-01-20"
    assert dict(reading.cells) == dict(REPORT.cells)
    assert {finding.verdict for finding in reading.findings} == {"pass"}
    hard = ("ROW.", "BALANCE.", "SUM.", "DISPUTE.")
    assert sum(finding.rule.startswith(hard) for finding in reading.findings) == 42
    assert "公开" in reading.sections[1].text


def test_a_counter_makes_no_version() -> None:
    assert read(page(visits=7)).content_digest == read(page(visits=123456)).content_digest


@pytest.mark.parametrize(
    "other",
    [
        page(with_cells(REPORT, **{"requests.granted.natural_person": "99"})),
        page(links="<p>更正：第三章数据有误。</p>"),
        page(links='<a href="P02024.pdf">附件</a>'),
    ],
    ids=["a cell", "a sentence", "a link"],
)
def test_an_edit_makes_a_version(other: bytes) -> None:
    assert read(other).content_digest != read(page()).content_digest


def test_a_swapped_attachment_makes_a_version() -> None:
    bare = f"<html><body><div class='TRS_Editor'><p>{TITLE}</p><p>见附件。{'　' * 9}</p></div></body></html>"
    first, second = word(REPORT), pdf(REPORT)
    one, two = read(bare.encode(), first), read(bare.encode(), second)
    assert one.content_digest != two.content_digest
    assert dict(one.cells) == dict(two.cells) == dict(REPORT.cells)
    assert one.media_type.endswith("wordprocessingml.document")


def test_figures_of_the_page_win_over_those_of_its_attachment() -> None:
    other = with_cells(REPORT, **{"disclosure.licensing.decisions": "777777"})
    reading = read(page(), word(other))
    assert (
        reading.cells["disclosure.licensing.decisions"]
        == REPORT.cells["disclosure.licensing.decisions"]
    )


def test_a_broken_attachment_spoils_nothing() -> None:
    reading = read(page(), b"PK\x03\x04 broken", b"")
    assert reading.is_report
    assert dict(reading.cells) == dict(REPORT.cells)


def test_a_report_wrong_at_source_is_kept_as_printed() -> None:
    printed = {"requests.granted.total": "88"}
    reading = read(page(with_cells(REPORT, **printed)))
    assert reading.cells["requests.granted.total"] == "88"
    failed = {finding.rule for finding in reading.findings if finding.verdict == "fail"}
    assert failed == {"ROW.granted", "SUM.total@2021"}


def test_a_listed_report_without_body_is_a_report_without_cells() -> None:
    reading = read("<html><body><p>更多信息请关注官方微信</p></body></html>".encode())
    assert reading.is_report
    assert (reading.form, dict(reading.cells)) == ("narrative", {})


@pytest.mark.parametrize(
    "data", [b"", b"%PDF-1.5", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\0" * 5000]
)
def test_bad_bytes_are_refused_with_a_reason(data: bytes) -> None:
    reading = read_report([Part(data)], Evidence())
    assert not reading.is_report
    assert reading.reason


def test_arbitrary_bytes_never_raise() -> None:
    dice = random.Random(20261121)
    whole = page()
    for _ in range(60):
        cut = bytearray(whole[: dice.randrange(len(whole))])
        for _ in range(dice.randrange(40)):
            if cut:
                cut[dice.randrange(len(cut))] = dice.randrange(256)
        reading = read_report([Part(bytes(cut))], Evidence())
        assert isinstance(reading.reason, str)


def test_truncation_never_invents_a_number() -> None:
    whole = page()
    for cut in range(0, len(whole), len(whole) // 40):
        for key, value in read(whole[:cut]).cells.items():
            assert value in {None, REPORT.cells[key]}, (cut, key)


def test_blank_is_not_zero() -> None:
    reading = read(page(with_cells(REPORT, **{"requests.carried_in.total": ""})))
    assert reading.cells["requests.carried_in.total"] is None
    assert reading.notes["requests.carried_in.total"].state is State.BLANK
    unchecked = {f.rule for f in reading.findings if f.verdict == "not_checkable"}
    assert unchecked == {"ROW.carried_in", "BALANCE.total", "V.carried_in"}


@pytest.mark.parametrize(
    ("title", "lends"),
    [
        (TITLE, True),
        ("北原市教育局2022年政府信息公开工作年度报告", False),
        ("北原市农业农村局2023年政府信息公开工作年度报告", False),
    ],
)
def test_only_an_attachment_of_the_same_report_lends_figures(title: str, lends: bool) -> None:
    cover = f"<meta charset='utf-8'><title>{TITLE}</title><p>{TITLE}</p><p>全文见附件。</p>"
    found = read(cover.encode(), page().replace(TITLE.encode(), title.encode()))
    assert found.is_report
    assert (found.issuer, found.year) == ("北原市教育局", 2023)
    assert any(found.cells.values()) is lends


def test_a_table_of_marks_for_none_is_not_filled_from_an_attachment() -> None:
    marks = {key: "/" for key in REPORT.cells if key.startswith("disputes.")}
    table = "复议后起诉\n结果维持 结果纠正 其他结果 尚未审结 总计\n1 2 0 0 3 4 0 0 0 4 0 0 0 0 0"
    reading = read(page(with_cells(REPORT, **marks)), table.encode())
    for key in marks:
        assert reading.cells[key] is None
        assert reading.notes[key].state is State.NA
