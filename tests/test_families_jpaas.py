import json
from urllib.parse import parse_qs, urlsplit

import pytest

from crawler import families, survey
from crawler.families import jpaas
from crawler.frontier import Row
from crawler.page import Page

HOST = "http://a.gov.cn"
UNIT = f"{HOST}/api-gateway/jpaas-publish-server/front/page/build/unit"
COLUMN = f"{HOST}/col/col7/index.html"


def query(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def answer(html: str, url: str = UNIT + "?pageId=7&tagId=%E5%8F%B3", **more: object) -> Page:
    return Page(url, json.dumps({"success": True, "data": {"html": html, **more}}))


@pytest.mark.parametrize(
    "attributes",
    [
        """queryData="{'parseType':'bulidstatic','webId':'8d','tagId':'右侧内容','pageId':'7'}" url="/api-gateway/jpaas-publish-server/front/page/build/unit" """,
        """QUERYDATA='{"parseType" : "bulidstatic", "webId":"8d","tagId":"右侧内容","pageId":7}' """,
        """querydata="{&quot;parseType&quot;:&quot;bulidstatic&quot;,&quot;webId&quot;:&quot;8d&quot;,&quot;tagId&quot;:&quot;右侧内容&quot;,&quot;pageId&quot;:&quot;7&quot;}" """,
    ],
)
def test_a_unit_is_asked_with_the_parameters_of_its_attribute(attributes: str) -> None:
    [request] = families.inside(Page(COLUMN, f"<script src=unitbuild.js {attributes}></script>"))
    assert request.url.split("?")[0] == UNIT
    assert query(request.url) == {
        "parseType": ["bulidstatic"],
        "webId": ["8d"],
        "tagId": ["右侧内容"],
        "pageId": ["7"],
    }
    assert request.headers["Referer"] == COLUMN


def test_furniture_is_left_alone_and_a_unit_once() -> None:
    unit = """<script querydata="{'tagId':'%s','pageId':'7'}"></script>"""
    text = unit % "页脚" + unit % "列表" + unit % "列表"
    assert [query(one.url)["tagId"] for one in jpaas.inside(Page(COLUMN, text))] == [["列表"]]


LIST = """<ul><li><a title="甲县2023年政府信息公开工作年度报告" href="/art/9.html">甲县…</a><span>2024-01-09</span></li></ul>"""


def test_rows_are_read_from_the_html_in_the_json() -> None:
    [entry] = families.entries(answer(LIST))
    assert (entry.url, entry.title, entry.date) == (
        f"{HOST}/art/9.html",
        "甲县2023年政府信息公开工作年度报告",
        "2024-01-09",
    )
    # Nothing of it is mistaken for links of a page of its own.
    assert answer(LIST).links == ()


@pytest.mark.parametrize(
    "page",
    [
        answer(LIST + '<div class="pagination" rows="15" count="31"></div>'),
        answer(LIST + "<DIV COUNT=31 ROWS=15></DIV>"),
        answer(LIST, count=31, rows="15"),
    ],
)
def test_pages_are_count_over_rows_rounded_up(page: Page) -> None:
    requests = families.further(page)
    given = [json.loads(query(request.url)["paramJson"][0]) for request in requests]
    assert given == [{"pageNo": 2, "pageSize": "15"}, {"pageNo": 3, "pageSize": "15"}]
    assert all(query(request.url)["tagId"] == ["右"] for request in requests)


def test_a_pager_without_a_count_leads_to_the_next_page() -> None:
    url = UNIT + "?pageId=7&paramJson=" + '{"pageNo":4,"pageSize":"20"}'
    [request] = families.further(answer(LIST + "<div class='page-box'></div>", url))
    assert json.loads(query(request.url)["paramJson"][0]) == {"pageNo": 5, "pageSize": "20"}
    assert families.further(answer(LIST)) == []


def test_a_menu_that_comes_as_a_unit_leads_to_the_column() -> None:
    page = answer('<a href="/col/col8/index.html">政府信息公开年报</a>')
    row = Row(page.url, "discovery", listed_on=COLUMN, portal_id="a")
    [found] = survey.leads(row, page, (HOST,))
    assert (found.url, found.kind) == (f"{HOST}/col/col8/index.html", "list")
    assert found.listed_on == COLUMN
