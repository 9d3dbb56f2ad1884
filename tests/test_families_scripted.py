from crawler import families
from crawler.page import Page

HERE = "http://a.gov.cn/nb/list.html?id=861"
CALL = "<script>$.post('/api/load', { pageNo: page, channel: '861' }, draw)</script>"
NEWS = "<li><a href='/xw/1.html'>要闻一号：会议召开</a><span>2026-09-09</span></li>"
REPORT = (
    "<li><a href='/nb/1.html'>甲县2024年政府信息公开工作年度报告</a><span>2025-01-09</span></li>"
)


def test_a_shell_asks_for_the_first_page_whatever_news_stand_beside_it():
    [request] = families.first(Page(HERE, f"<html>{NEWS}{CALL}</html>"))
    assert (request.method, request.url) == ("POST", "http://a.gov.cn/api/load")
    assert request.body == "pageNo=1&channel=861"
    assert request.headers == {
        "X-Requested-With": "XMLHttpRequest",
        "Referer": HERE,
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
    }


def test_a_page_with_rows_of_its_own_goes_on_with_the_second():
    page = Page(HERE, f"<html>{REPORT}<script>var totalPage = 3;</script>{CALL}</html>")
    assert [request.body for request in families.further(page)] == [
        "pageNo=2&channel=861",
        "pageNo=3&channel=861",
    ]
    assert families.first(page) == []


def test_calls_without_a_page_number_are_left_alone():
    page = Page(HERE, "<html><script>$.get('/hits?id=3', put); var pages = 1;</script></html>")
    assert families.first(page) == []
