from urllib.parse import parse_qs, urlsplit

from crawler import families
from crawler.families import hanweb
from crawler.page import Page

HOST = "http://a.gov.cn"
PROXY = f"{HOST}/module/web/jpage/dataproxy.jsp"
COLUMN = f"{HOST}/col/col64/index.html"


def record(number: int) -> str:
    return (
        f"<record><![CDATA[<li><a href='/art/{number}.html' title='甲县{number}年报告'>甲县…</a>"
        f"<span>2024-01-{number:02d}</span></li>]]></record>"
    )


def store(numbers: range, link: str = "") -> str:
    records = "".join(record(number) for number in numbers)
    group = f"<nextgroup><![CDATA[<a href='{link}'></a>]]></nextgroup>" if link else ""
    return f"<datastore>{group}<recordset>{records}</recordset></datastore>"


def query(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def test_two_lists_on_a_page_are_each_paged_by_their_own_numbers() -> None:
    text = f"""
    <div id="7"><script type="text/xml">{store(range(1, 3), "/p/dataproxy.jsp?page=1&unitid=7")}
    </script></div><div id="8"><script type="text/xml">
    {store(range(3, 4), "/p/dataproxy.jsp?page=1&unitid=8")}</script></div>
    <script>$("#8").jpage({{totalRecord:5,perPage:1}}); $('#7').jpage({{totalRecord:2,perPage:1}});
    </script>"""
    page = Page(COLUMN, text)
    assert [entry.date for entry in hanweb.entries(page)] == [
        "2024-01-01",
        "2024-01-02",
        "2024-01-03",
    ]
    requests = hanweb.further(page)
    # List 7 is whole; list 8 lacks records 2 and 3 of its first chunk of three, and 4 and 5.
    assert [request.url for request in requests] == [
        f"{HOST}/p/dataproxy.jsp?startrecord=1&endrecord=3&perpage=1",
        f"{HOST}/p/dataproxy.jsp?startrecord=4&endrecord=5&perpage=1",
    ]
    assert all(parse_qs(request.body)["unitid"] == ["8"] for request in requests)


SHELL = """<div id="5"></div><SCRIPT>var total = 7; $("#5").jpage({ perpage : 2, totalrecord : 7,
 proxyUrl : proxy, ajaxParam : { "columnid": 64, 'unitid': "5", webid: web, path: "/" } });
 var proxy = "/module/jpage/dataproxy.jsp", web = '7';</SCRIPT>"""


def test_a_list_that_only_the_call_names_is_asked_for_whole() -> None:
    page = Page(COLUMN, SHELL)
    assert hanweb.entries(page) == []
    [request] = hanweb.inside(page)
    assert request.url == f"{HOST}/module/jpage/dataproxy.jsp?startrecord=1&endrecord=7&perpage=2"
    assert (request.method, request.headers["Referer"]) == ("POST", COLUMN)
    form = parse_qs(request.body)
    assert (form["columnid"], form["unitid"], form["webid"]) == (["64"], ["5"], ["7"])
    # A server that cuts to three screens is asked for what is missing.
    [more] = families.further(Page(request.url, store(range(1, 7))))
    assert query(more.url)["startrecord"] == ["7"]
    assert query(more.url)["endrecord"] == ["7"]


def test_a_page_with_records_has_nothing_inside() -> None:
    assert hanweb.inside(Page(COLUMN, store(range(1, 3)))) == []
    assert hanweb.inside(Page(COLUMN, "<script>$('#1').jpage({totalRecord:0})</script>")) == []


def test_a_first_group_that_repeats_the_page_leads_to_the_second() -> None:
    first = Page(f"{PROXY}?page=1&unitid=5", store(range(1, 3), "/p/dataproxy.jsp?page=2&unitid=5"))
    [request] = families.otherwise(first)
    assert request.url == f"{HOST}/p/dataproxy.jsp?page=2&unitid=5"
    later = Page(f"{PROXY}?page=12&unitid=5", first.text)
    assert families.otherwise(later) == []


def test_a_proxy_that_refuses_post_is_asked_by_get() -> None:
    [request] = families.instead(f"{PROXY}?startrecord=1&endrecord=6&perpage=2", "columnid=64&u=5")
    assert request.method == "GET"
    assert request.url == f"{PROXY}?startrecord=1&endrecord=6&perpage=2&columnid=64&u=5"
    [more] = families.further(Page(request.url, store(range(1, 4))))
    assert (more.method, query(more.url)["startrecord"]) == ("GET", ["4"])
    assert families.instead(f"{HOST}/list.jsp?page=2", "") == []


TRUECMS = """<ul id="list"></ul><div style="display:none" id="initData"><ul>
<li><a href="/nb/content/1.html">甲市2023年…</a><a href="/s">分享</a><span>2024-01-09</span></li>
<li><a href="/nb/content/2.html">甲市2022年…</a><span>2023-01-09</span></li></ul></div>
<script>var columnId = '593f0397-04d7-44c3-8339-240a77a793ce';
$('#list').jpage({dataStore: $('#initData').html(), proxyUrl: base + '/TrueCMS/messageController/getMessage.do',
perPage:10, groupSize:3, ajaxParam:{columnId: columnId}});</script>"""


def test_truecms_shows_its_first_rows_and_is_asked_for_the_rest() -> None:
    page = Page(f"{HOST}/nb/nb.html", TRUECMS)
    assert [entry.url for entry in hanweb.entries(page)] == [
        f"{HOST}/nb/content/1.html",
        f"{HOST}/nb/content/2.html",
    ]
    assert hanweb.inside(page) == []
    [request] = hanweb.further(page)
    asked = query(request.url)
    assert urlsplit(request.url).path == "/TrueCMS/messageController/getMessage.do"
    assert (asked["startrecord"], asked["endrecord"], asked["perpage"]) == (["3"], ["32"], ["10"])
    assert asked["columnId"] == ["593f0397-04d7-44c3-8339-240a77a793ce"]
    assert (request.method, request.headers["Referer"]) == ("GET", page.url)


def answer(url: str, numbers: range, total: str = "") -> Page:
    text = store(numbers).replace("<recordset>", total + "<recordset>").replace('"', '\\"')
    return Page(url, f'/**/cb({{"result":"{text}"}});')


def test_truecms_goes_on_until_an_answer_is_empty_or_its_total_is_reached() -> None:
    url = f"{HOST}/truecms/messageController/getMessage.do?startrecord=3&endrecord=32&perpage=10&columnId=7"
    page = answer(url, range(3, 13))
    assert [entry.date for entry in families.entries(page)][:2] == ["2024-01-03", "2024-01-04"]
    # Ten came of thirty.
    [capped] = families.further(page)
    assert (query(capped.url)["startrecord"], query(capped.url)["endrecord"]) == (["13"], ["32"])
    [whole] = families.further(answer(url.replace("=32", "=12"), range(3, 13)))
    assert (query(whole.url)["startrecord"], query(whole.url)["endrecord"]) == (["13"], ["22"])
    assert families.further(answer(url, range(0))) == []
    assert families.further(answer(url, range(3, 13), "<totalrecord>12</totalrecord>")) == []


def test_a_datastore_in_a_scripts_string() -> None:
    text = "<script>$('#a').jpage({dataStore:'" + store(range(1, 3)).replace("'", "\\'")
    page = Page(f"{HOST}/a.html", text + "', perPage:10});</script>")
    assert [entry.title for entry in families.entries(page)] == ["甲县1年报告", "甲县2年报告"]


def test_an_array_of_rows_with_its_numbers_in_variables_is_paged() -> None:
    rows = ",".join(
        f'"<li><a href=\\"/art/{number}.html\\" title=\\"甲县{number}年报告\\">甲县…<\\/a>2024-01-02</li>"'
        for number in range(1, 7)
    )
    script = (
        f"var totalRecord=14.0;totalPage = 3;dataStore = [{rows}];"
        "$('#u').jpage({dataStore:dataStore,totalRecord:totalRecord,perPage:2,"
        "proxyUrl:'/jpage/dataproxy.jsp',ajaxParam:{'columnid':'8','unitid':'u'}});"
    )
    page = Page(COLUMN, f"<html><body><div id=u></div><script>{script}</script></body></html>")
    assert [entry.url for entry in hanweb.entries(page)] == [
        f"{HOST}/art/{number}.html" for number in range(1, 7)
    ]
    asked = [query(one.url) for one in hanweb.further(page)]
    assert [(one["startrecord"], one["endrecord"]) for one in asked] == [
        (["7"], ["12"]),
        (["13"], ["14"]),
    ]


def test_a_proxy_that_refuses_chunks_is_asked_for_groups() -> None:
    by_get = f"{PROXY}?startrecord=61&endrecord=120&perpage=20&columnid=Ab%2F9%3D&unitid=u"
    [request] = families.instead(by_get, "")
    assert request.url == f"{PROXY}?page=1&columnid=Ab%2F9%3D&unitid=u"
    following = f"{PROXY}?page=2&columnid=x"
    [more] = families.further(Page(request.url, store(range(1, 4), following)))
    assert more.url == following
