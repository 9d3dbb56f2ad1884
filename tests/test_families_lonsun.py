from crawler import families
from crawler.families import lonsun
from crawler.page import Page

HERE = "http://a.gov.cn/zw/public/column/22?type=3&action=list"
ROW = """<ul class=rows><li><a href="/zw/public/22/4001.html" title="甲县2023年政府信息公开工作年度报告">甲县2023年…</a>
<span>2024-01-02</span></li></ul>"""
OBJECT = """<script>turn({ pageIndex: 1, pageCount: 4 }); function get(pageIndex) { Ls.ajax({ url: '/zw/site/label/8888',
data: { labelName: 'publicInfoList', siteId: '7', pageSize: 15, pageIndex: pageIndex, organId: '22', type: 3 } }); }</script>"""


def page(body: str, url: str = HERE) -> Page:
    return Page(url, f"<html><body>{body}</body></html>")


def label(number: int) -> str:
    return (
        "http://a.gov.cn/zw/site/label/8888?labelName=publicInfoList&siteId=7&pageSize=15"
        f"&pageIndex={number}&organId=22&type=3"
    )


def test_the_label_is_asked_for_every_page_behind_the_printed_one():
    requests = families.further(page(ROW + OBJECT))
    assert [request.url for request in requests] == [label(2), label(3), label(4)]
    assert requests[0].headers["X-Requested-With"] == "XMLHttpRequest"


def test_an_address_in_one_string_without_its_random_part():
    script = """<script>$.get('/zw/site/label/7777?IsAjax=1&_=0.52&labelName=publicInfoList&pageIndex=' + n + '&type=3', put)</script>"""
    [request] = families.further(page(ROW + script))
    assert request.url == (
        "http://a.gov.cn/zw/site/label/7777?IsAjax=1&labelName=publicInfoList&pageIndex=2&type=3"
    )


def test_a_page_that_leaves_all_rows_to_the_label_asks_for_the_first():
    shell = page("<ul><li>加载中</li></ul>" + OBJECT)
    assert [request.url for request in families.first(shell)] == [label(1)]
    assert families.further(shell) == []


def test_an_object_outside_of_a_call():
    script = "<script>$('#p').pager({ labelName: 'publicInfoList', pageSize: 9, type: 3, pageCount: 2 })</script>"
    [request] = families.further(page(ROW + script))
    assert request.url == (
        "http://a.gov.cn/zw/site/label/8888?labelName=publicInfoList&pageSize=9&type=3&pageCount=2&pageIndex=2"
    )


def test_an_answer_of_the_label_leads_to_the_next_one():
    assert [request.url for request in families.further(Page(label(2), ROW))] == [label(3)]
    assert families.further(Page(label(9), "<div>暂无相关信息</div>")) == []
    [entry] = families.entries(Page(label(2), ROW))
    assert (entry.title, entry.date) == ("甲县2023年政府信息公开工作年度报告", "2024-01-02")


def test_bodies_in_links_trees_and_attributes_have_columns_of_their_own():
    body = """<a href="/zw/public/column/33?type=4">教育局</a><a href="/zw/public/column/22?type=2">公开指南</a>
    <li data-organid="44">财政局</li><script>var nodes = [{"id": 55, "name": "审计局"}, {name: '首页', id: 66}];</script>"""
    columns = lonsun.columns(page(body))
    assert [(column.url, column.context) for column in columns] == [
        ("http://a.gov.cn/zw/public/column/33?type=3&action=list", "教育局"),
        ("http://a.gov.cn/zw/public/column/44?type=3&action=list", "财政局"),
        ("http://a.gov.cn/zw/public/column/55?type=3&action=list", "审计局"),
    ]
    assert {column.text for column in columns} == {"政府信息公开年报"}


def test_without_a_column_of_reports_to_go_by_none_is_made_up():
    other = page(
        '<a href="/public/column/33?type=4">教育局</a>', "http://a.gov.cn/public/column/9?type=4"
    )
    assert lonsun.columns(other) == []
