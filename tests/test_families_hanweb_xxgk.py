from urllib.parse import parse_qs

import pytest

from crawler import families
from crawler.families import hanweb_xxgk
from crawler.page import Page

HOST = "http://a.gov.cn"
SEARCH = f"{HOST}/module/xxgk/search.jsp"
COLUMN = f"{HOST}/col/col2/index.html"
BOX = """<div class="zfxxgk_zdgkc"><ul><li><a href="/art/1.html" title="甲县2023年报告全称">甲…</a>
<b>2024-03-01</b></li><li><a href="/art/2.html">乙县2022年报告</a><b>2023-03-01</b></li></ul></div>"""
CALL = """<script>function goPage(n){$.post("/module/xxgk/search.jsp",{infotypeId:"B001G001",
divid:'div12', jdid:1756, area:"", sortfield:"", standardXxgk:1, currpage:n},show)}</script>"""
FORM = {"infotypeId": ["B001G001"], "divid": ["div12"], "jdid": ["1756"], "standardXxgk": ["1"]}


def forms(requests: list[families.FurtherRequest]) -> list[dict[str, list[str]]]:
    assert {request.url for request in requests} <= {SEARCH}
    assert {request.method for request in requests} <= {"POST"}
    return [parse_qs(request.body) for request in requests]


@pytest.mark.parametrize(
    ("pager", "numbers"),
    [
        ("<span>共3页</span>", ["2", "3"]),
        ("<span>第 1 / 3 页</span>", ["2", "3"]),
        # Two rows a page, five rows: three pages.
        ("共 5 条 <a onclick='goPage(2)'>下一页</a>", ["2", "3"]),
        ("<a href='javascript:goPage(2)'>2</a><a href='javascript:goPage(3)'>3</a>", ["2", "3"]),
        ("<script>var totalPage = 3;</script>", ["2", "3"]),
        ("", ["2"]),
        ("<p>2024/03/09</p>共1页", []),
    ],
)
def test_the_count_of_pages_in_any_words(pager: str, numbers: list[str]) -> None:
    requests = families.further(Page(COLUMN, BOX + pager + CALL))
    assert [form["currpage"] for form in forms(requests)] == [[number] for number in numbers]
    for form in forms(requests):
        assert {name: form[name] for name in FORM} == FORM


@pytest.mark.parametrize(
    "markup",
    [
        CALL,
        """<form action='/module/xxgk/search.jsp'><input value="B001G001" name=infotypeId>
        <input type=hidden name=divid value=div12><INPUT VALUE=1756 NAME=jdid>
        <input name=standardXxgk value=1><input name=currpage value=1></form>""",
        """<script>var standardXxgk='1', divid="div12"; var jdid = '1756', infotypeId = "B001G001";
        $.ajax({type:"post",url:"/module/xxgk/search.jsp",data:p})</script>""",
        """<script>load("/module/xxgk/search.jsp?infotypeId=B001G001&jdid=1756&divid=div12&standardXxgk=1")</script>""",
    ],
)
def test_the_form_is_read_from_call_fields_variables_or_address(markup: str) -> None:
    [form] = forms(hanweb_xxgk.inside(Page(COLUMN, markup)))
    assert form["currpage"] == ["1"]
    assert {name: form[name] for name in FORM} == FORM


def test_a_column_with_rows_is_asked_again_only_where_its_address_chooses() -> None:
    assert hanweb_xxgk.inside(Page(COLUMN, BOX + CALL)) == []
    chosen = f"{COLUMN}?vc_xxgkarea=113706860042344370A&number=F10005A10002"
    [form] = forms(hanweb_xxgk.inside(Page(chosen, BOX + CALL)))
    assert form["infotypeId"] == ["F10005A10002"]
    assert form["area"] == ["113706860042344370A"]


def test_an_answer_without_a_count_leads_to_the_next_page() -> None:
    sent = "divid=div12&infotypeId=B001G001&jdid=1756&currpage=4"
    [request] = families.further(Page(SEARCH, BOX, sent))
    assert request.body == "divid=div12&infotypeId=B001G001&jdid=1756&currpage=5"
    assert families.further(Page(SEARCH, "<div></div>", sent)) == []


def test_an_answer_that_came_by_get_goes_on_by_get() -> None:
    url = f"{SEARCH}?infotypeId=F01&jdid=149&currpage=3&divid=div1"
    [request] = families.further(Page(url, BOX))
    assert (request.method, request.body) == ("GET", "")
    assert request.url == f"{SEARCH}?infotypeId=F01&jdid=149&divid=div1&currpage=4"


def test_the_older_skin_is_a_table_of_odd_and_even_rows() -> None:
    text = """<table class="tb"><tr><td><a href="/help.html">帮助</a></td><td>2020-01-01</td></tr>
    <tr class="tr_main_value_odd"><td>1</td><td><a href="/art/9.html" title="甲县2020年报告全称">甲…</a>
    <div><a href="/art/9.html">索引号 7</a></div></td><td>2021-01-05</td></tr></table>"""
    [entry] = families.entries(Page(SEARCH, text))
    assert (entry.url, entry.title, entry.date) == (
        f"{HOST}/art/9.html",
        "甲县2020年报告全称",
        "2021-01-05",
    )


def test_a_list_whose_post_is_refused_is_asked_by_get() -> None:
    [request] = families.instead(SEARCH, "infotypeId=F01&currpage=1")
    assert request.url == f"{SEARCH}?infotypeId=F01&currpage=1"


def test_a_list_in_a_frame_is_read_there() -> None:
    frame = '<iframe src="/module/xxgk/search.jsp?infotypeId=B001&amp;jdid=12"></iframe>'
    page = Page(COLUMN, f"<html><body>{frame}</body></html>")
    assert (hanweb_xxgk.inside(page), hanweb_xxgk.further(page)) == ([], [])


def test_a_field_that_an_input_of_another_name_holds() -> None:
    page = Page(
        COLUMN,
        """<html><input type=hidden id=vc_xxgkarea value=1137X><div id=l></div><script>
        var jdid = 44; $("#l").load("/module/xxgk/search.jsp?fbtime=-1&currpage=" + n,
        {"infotypeId": "F1", "jdid": jdid, "area": $("#vc_xxgkarea").val()});</script></html>""",
    )
    [form] = forms(hanweb_xxgk.inside(page))
    assert (form["infotypeId"], form["area"], form["jdid"]) == (["F1"], ["1137X"], ["44"])
