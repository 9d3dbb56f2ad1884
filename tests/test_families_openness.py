from crawler import families
from crawler.families import openness
from crawler.page import Page

OWN, OTHER = "5c" * 12, "7d" * 12
HERE = f"http://a.gov.cn/opennessAnnualReport/?branch_id={OWN}"


def further(body: str, url: str = HERE) -> list[str]:
    return [request.url for request in families.further(Page(url, f"<html>{body}</html>"))]


def test_pages_between_those_shown_are_filled_in():
    pager = f"""<span class='now'>1 / 4</span><a href='/opennessAnnualReport/?branch_id={OWN}&page=2'><span>2</span></a>
    <span>....</span><a href='/opennessAnnualReport/?branch_id={OWN}&page=4'><span class='page'>尾页</span></a>"""
    assert further(pager) == [f"{HERE}&page={k}" for k in (2, 3, 4)]


def test_pages_in_paths():
    here = f"http://a.gov.cn/opennessAnnualReport/branch_id-{OWN}/page-2/"
    pager = f"<a href='/opennessAnnualReport/branch_id-{OWN}/page-3/'>3</a>"
    assert here.replace("page-2", "page-3") in further(pager, here)


def test_numbered_pages_of_the_newer_edition():
    here = "http://a.gov.cn/XxgkAnnualReport/showList/996/0/page_1.html"
    assert further('<a href="/XxgkAnnualReport/showList/996/0/page_2.html">下一页</a>', here) == [
        here.replace("page_1", "page_2")
    ]


def test_every_body_of_a_directory_has_a_column_of_reports():
    directory = Page(
        "http://a.gov.cn/openness/",
        f"""<a href="/opennessContent/?branch_id={OTHER}">教育局</a><a href="/opennessGuide/?type=1&amp;branch_id={OWN}">指南</a>
        <script>tree([{{"_id": "{"9e" * 12}", "name": "财政局"}}, {{"_id": "{"0f" * 12}"}}])</script>""",
    )
    assert [column.url.rpartition("=")[2] for column in openness.columns(directory)] == [
        OTHER,
        OWN,
        "9e" * 12,
    ]
    assert {column.text for column in openness.columns(directory)} == {"政府信息公开年报"}


def test_columns_are_written_as_the_site_writes_them():
    rewritten = Page(
        "http://a.gov.cn/x/",
        f"""<a href="/opennessAnnualReport/branch_id-{OWN}/">年报</a><a href="/opennessContent/branch_id-{OTHER}/">乙</a>""",
    )
    assert [column.url for column in openness.columns(rewritten)] == [
        f"http://a.gov.cn/opennessAnnualReport/branch_id-{OWN}/",
        f"http://a.gov.cn/opennessAnnualReport/branch_id-{OTHER}/",
    ]
