import json

from crawler import families
from crawler.page import Page

GUID = "0f9a1c2e-55d1-4b0e-9c77-3ad2b1f0c6d4"
SHELL = "http://a.gov.cn/dynamic/zwgk/govInfoPub.html?categorynum=003002&deptcode=7"
LIST = "http://a.gov.cn/EWB-FRONT/rest/lightfrontaction/getgovinfolist"


def test_a_shell_asks_first_for_the_script_that_knows_the_site():
    head = '<script src="/js/jquery.js"></script><script src="../../js/webBuilderCommon.js?v=3"></script>'
    [request] = families.first(Page(SHELL, f"<html>{head}<div id=list></div></html>"))
    assert request.url == (
        "http://a.gov.cn/js/webBuilderCommon.js?v=3&categorynum=003002&deptcode=7"
        "&from=%2Fdynamic%2Fzwgk%2FgovInfoPub.html%3Fcategorynum%3D003002%26deptcode%3D7"
    )


def test_the_script_asked_for_a_column_gives_the_list():
    url = "http://a.gov.cn/js/webBuilderCommon.js?v=3&categorynum=003002&deptcode=7&from=%2Fdynamic%2Fx.html"
    script = f'var siteInfo={{"projectName":"/EWB-FRONT","siteGuid":"{GUID}"}};'
    [request] = families.first(Page(url, script))
    assert (request.method, request.url) == ("POST", LIST)
    assert json.loads(request.body) == {
        "deptcode": "7",
        "categorynum": "003002",
        "pageIndex": 0,
        "pageSize": 15,
        "siteGuid": GUID,
    }
    assert request.headers["Content-Type"].startswith("application/json")
    assert request.headers["Referer"] == "http://a.gov.cn/dynamic/x.html"


def test_a_shell_that_says_all_itself_is_enough():
    inline = f"""<script>var siteInfo = {{ projectName: '/EWB_YH_Mid', siteGuid: '{GUID}' }};
    ajax(siteInfo.projectName + '/rest/lightfrontaction/getgovinfolist', {{ params: {{ categorynum: '003009' }} }})</script>"""
    [request] = families.first(
        Page("http://a.gov.cn/dynamic/zw/openlist.html", f"<html>{inline}</html>")
    )
    assert request.url == "http://a.gov.cn/EWB_YH_Mid/rest/lightfrontaction/getgovinfolist"
    assert json.loads(request.body)["params"]["categorynum"] == "003009"


def test_pages_are_turned_in_the_form_until_the_total():
    rows = [
        {
            "infourl": "/g/1.html",
            "title": "甲县…",
            "realtitle": "甲县2023年报",
            "infodate": "2024-01-02",
        }
    ]
    answer = json.dumps({"custom": {"total": 31, "data": rows}})

    def sent(number: int) -> str:
        return f'{{"categorynum":"003002","pageIndex":{number},"pageSize":15,"siteGuid":"{GUID}"}}'

    [request] = families.further(Page(LIST, answer, sent(0)))
    assert (request.method, request.body) == ("POST", sent(1))
    assert families.further(Page(LIST, answer, sent(3))) == []
    [entry] = families.entries(Page(LIST, answer))
    assert (entry.url, entry.title, entry.date) == (
        "http://a.gov.cn/g/1.html",
        "甲县2023年报",
        "2024-01-02",
    )


def test_a_script_that_knows_nothing_ends_there():
    url = "http://a.gov.cn/js/webBuilderCommon.js?categorynum=003002"
    assert families.first(Page(url, "var webBuilder = {};")) == []


def test_another_action_of_the_same_kind():
    inline = f"""<script>var siteInfo={{projectName:"EWB-MID",siteGuid:"{GUID}"}}; var categorynum='004';
    post(siteInfo.projectName + "/rest/lightfrontaction/getPageInfoListNew")</script>"""
    [request] = families.first(Page("http://a.gov.cn/govlist.html", f"<html>{inline}</html>"))
    assert request.url == "http://a.gov.cn/EWB-MID/rest/lightfrontaction/getPageInfoListNew"
