import json

import pytest

from crawler import families
from crawler.families import jsonlist
from crawler.page import Page

HERE = "http://a.gov.cn/api/list?page=1&size=2"
ROW = {"title": "甲县2023年报", "url": "/1.html", "publishDate": "2024-01-02 15:00"}


def page(answer: object, url: str = HERE, sent: str = "") -> Page:
    return Page(url, json.dumps(answer, ensure_ascii=False), sent)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (ROW, ("http://a.gov.cn/1.html", "甲县2023年报", "2024-01-02")),
        (
            {
                "TITLE": "<em>甲县</em>年报",
                "URL": "http://a.gov.cn/2.html",
                "PUBLISHED_TIME_FORMAT": "2024-01-02",
            },
            ("http://a.gov.cn/2.html", "甲县年报", "2024-01-02"),
        ),
        # 2024-01-01 20:00 in UTC is the next morning in Beijing.
        (
            {
                "title": "甲县…",
                "realtitle": "甲县年报",
                "infourl": "3.html",
                "pubtime": 1704139200000,
            },
            ("http://a.gov.cn/3.html", "甲县年报", "2024-01-02"),
        ),
        (
            {
                "name": "甲县年报",
                "link": "/4.html",
                "updateTime": "2025-05-05",
                "pubDate": "2024-01-02",
            },
            ("http://a.gov.cn/4.html", "甲县年报", "2024-01-02"),
        ),
        ({"title": "甲县年报", "href": "/5.pdf"}, ("http://a.gov.cn/5.pdf", "甲县年报", "")),
    ],
)
def test_rows_are_told_by_the_names_of_their_members(row, expected):
    [entry] = families.entries(page({"data": {"rows": [row]}}))
    assert (entry.url, entry.title, entry.date) == expected


def test_json_in_a_string_of_json():
    inner = json.dumps({"data": [ROW]})
    assert len(families.entries(page({"custom": inner}))) == 1


def test_the_longest_list_is_the_list():
    answer = {"menu": [{"name": "首页", "url": "/"}], "list": [ROW, {**ROW, "url": "/2.html"}]}
    assert [entry.url for entry in families.entries(page(answer))] == [
        "http://a.gov.cn/1.html",
        "http://a.gov.cn/2.html",
    ]


def test_jsonp_is_read_too():
    assert len(families.entries(Page(HERE, f"back({json.dumps([ROW])});"))) == 1


def test_what_has_no_rows_is_no_list():
    assert not jsonlist.signature(page({"code": 404, "data": None}))
    assert not jsonlist.signature(page({"data": [{"name": "甲"}]}))
    assert not jsonlist.signature(Page(HERE, "<html>[]</html>"))


@pytest.mark.parametrize(
    ("answer", "goes_on"),
    [
        ({"list": [ROW]}, True),
        ({"total": 3, "list": [ROW]}, True),
        ({"total": 2, "list": [ROW]}, False),
        ({"totalPage": "1", "list": [ROW]}, False),
        ({"totalPage": 2, "list": [{**ROW, "total": 1}]}, True),
        ({"list": []}, False),
    ],
)
def test_pages_go_on_as_far_as_the_totals_say(answer, goes_on):
    found = [request.url for request in families.further(page(answer))]
    assert found == (["http://a.gov.cn/api/list?page=2&size=2"] if goes_on else [])


def test_the_number_in_a_form_and_in_the_name_of_a_file():
    [posted] = families.further(page({"list": [ROW]}, "http://a.gov.cn/load", "pageIndex=1&id=7"))
    assert (posted.method, posted.body) == ("POST", "pageIndex=2&id=7")
    file = "http://a.gov.cn/d/data_item=861,pageIndex=1,pageSize=18.json"
    [following] = families.further(page({"data": {"total": 19, "rows": [ROW]}}, file))
    assert following.url == file.replace("pageIndex=1", "pageIndex=2")
    assert families.further(page({"data": {"total": 18, "rows": [ROW]}}, file)) == []


def test_documents_that_are_asked_for_by_number():
    row = {
        "id": "9",
        "docId": "1255777",
        "docSubtitle": "甲局2023年报",
        "publishDate": "2024-01-02 15:30:00",
    }
    url = "http://a.gov.cn/cn/static/data/DocInfo/SelectDocByItemIdAndChild/data_itemId=861,pageIndex=1,pageSize=18.json"
    [entry] = families.entries(page({"data": {"total": 1, "lists": [row]}}, url))
    assert entry.url == "http://a.gov.cn/cbircweb/DocInfo/SelectByDocId?docId=1255777"
    assert families.entries(page({"lists": [row]})) == []


def test_a_server_with_a_page_size_of_its_own_is_asked_with_that():
    address = "http://a.gov.cn/api/list?_pageSize=20&page={}"
    rows = {"data": {"rows": 18, "total": 37, "results": [ROW] * 18}}
    [following] = families.further(page(rows, address.format(1)))
    assert following.url == "http://a.gov.cn/api/list?_pageSize=18&page=2"
    [third] = families.further(page(rows, following.url))
    assert third.url == "http://a.gov.cn/api/list?_pageSize=18&page=3"
    last = {"data": {"rows": 18, "total": 37, "results": [ROW]}}
    assert families.further(page(last, third.url)) == []


def test_a_title_that_is_only_given_as_html():
    row = {"titleHtml": "<b>甲县</b>2023年报", "redirectUrl": "", "url": "/a/1.html"}
    [entry] = jsonlist.entries(page({"results": {"data": {"total": 1, "results": [row]}}}))
    assert (entry.url, entry.title) == ("http://a.gov.cn/a/1.html", "甲县2023年报")
