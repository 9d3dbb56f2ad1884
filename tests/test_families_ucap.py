import json
from urllib.parse import parse_qs, urlsplit

import pytest

from crawler import families
from crawler.families import ucap
from crawler.page import Page

HOST = "http://a.gov.cn"
CHANNEL = "d5c69b3f67334ed984a43e864f42f1ab"
COLUMN = f"{HOST}/jx/c111100/zfxxgk_list.shtml"
META = f'<meta content="{CHANNEL}" name="channelId">'


def query(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (f"<script>$.getJSON('/common/search/{CHANNEL}?_isAgg=true&_isJson=true&_pageSize=20&page=1',f)</script>", "common/search"),
        (META + "<script>function l(page){$.ajax({url:'/searchList/'+id+'?_isJson=true&page='+page})}</script>", "searchList"),
        (f"<script>var channelid = '{CHANNEL}'; var u = '/common/search/';</script>", "common/search"),
        ("<title>政府信息公开年报</title>" + META + "<script src='/js/list.js'></script>", "common/search"),
    ],
)  # fmt: skip
def test_a_shell_asks_for_the_channels_first_page(text: str, path: str) -> None:
    [request] = ucap.inside(Page(COLUMN, text))
    assert request.url.split("?")[0] == f"{HOST}/{path}/{CHANNEL}"
    assert query(request.url)["_isJson"] == ["true"]
    assert query(request.url)["page"] == ["1"]
    assert request.headers["Referer"] == COLUMN


def test_a_channel_whose_call_is_elsewhere_is_guessed_for_columns_only() -> None:
    news = Page(COLUMN, f"<title>要闻</title>{META}<script src='/js/list.js'></script>")
    assert ucap.inside(news) == []


def test_a_channels_list_by_post() -> None:
    text = f"""<script>function list(pageNum) {{ $.post("/getFileListByCodeId", {{channelId: "{CHANNEL}",
    page: pageNum, size: 20, relateSubChannels: true}}, draw); }}</script>"""
    [request] = ucap.inside(Page(COLUMN, text))
    assert (request.url, request.method) == (f"{HOST}/getFileListByCodeId", "POST")
    form = parse_qs(request.body)
    assert (form["channelId"], form["page"], form["size"]) == ([CHANNEL], ["1"], ["20"])


def test_a_page_that_prints_its_rows_asks_for_nothing() -> None:
    rows = (
        '<ul><li><a href="/jx/c1/c01_9.shtml">甲省2023年年报</a><span>2024-01-09</span></li></ul>'
    )
    assert ucap.inside(Page(COLUMN, META + rows)) == []


def results(count: int, number: int, total: int) -> str:
    rows = [
        {
            "title": f"甲省{2000 + n}年<em>政府信息公开</em>工作年度报告",
            "url": f"//a.gov.cn/jx/c01_{n}.shtml",
            "publishedTimeStr": "2025-10-25 11:32:37",
            "domainMetaList": [
                {"resultList": [{"key": "syh", "name": "索引号", "url": "/x", "value": "1"}]}
            ],
        }
        for n in range(count)
    ]
    return json.dumps({"data": {"page": number, "rows": 18, "total": total, "results": rows}})


def test_rows_and_further_pages_of_an_answer() -> None:
    url = f"{HOST}/searchList/{CHANNEL}?_isJson=true&_pageSize=18&page=1"
    page = Page(url, results(18, 1, 37))
    entry = families.entries(page)[1]
    assert (entry.url, entry.title, entry.date) == (
        f"{HOST}/jx/c01_1.shtml",
        "甲省2001年政府信息公开工作年度报告",
        "2025-10-25",
    )
    assert [query(one.url)["page"] for one in families.further(page)] == [["2"]]
    last = Page(url.replace("page=1", "page=3"), results(1, 3, 37))
    assert families.further(last) == []


def test_an_answer_to_a_form_goes_on_with_the_form() -> None:
    text = json.dumps({"results": json.loads(results(20, 1, 32))["data"]})
    page = Page(f"{HOST}/getFileListByCodeId", text, f"channelId={CHANNEL}&page=1&size=20")
    [request] = families.further(page)
    assert (request.method, parse_qs(request.body)["page"]) == ("POST", ["2"])


def test_html_lists_count_from_one() -> None:
    text = "<script>createPageHTML('page_div',3, 1,'fg','shtml',89);</script>"
    found = [one.url for one in families.further(Page(f"{HOST}/c1/fg.shtml", text))]
    assert f"{HOST}/c1/fg_2.shtml" in found


@pytest.mark.parametrize(
    "script",
    [
        "window.location.href ='/jx/c2/list.shtml';",
        'var url="/jx/c2/list.shtml"; location.href = url;',
    ],
)
def test_landing_stubs_send_on(script: str) -> None:
    stub = Page(
        f"{HOST}/jx/c1/redirect_firstChannel.shtml", f"<html><script>{script}</script></html>"
    )
    assert stub.hops == (f"{HOST}/jx/c2/list.shtml",)
