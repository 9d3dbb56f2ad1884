from urllib.parse import parse_qs

import pytest

from crawler import families
from crawler.families import hanweb, national, static, trs
from crawler.page import read_page


def page(url: str, text: str):
    return read_page(url, text.encode())


def further(url: str, text: str) -> list[str]:
    return [request.url for request in families.further(page(url, text))]


def test_trs_page_two_is_index_1_and_stale_calls_are_not_read():
    text = """<script>
    //createPageHTML(9, 0, "index", "html");
    /* createPageHTML(8, 0, "index", "html"); */
    createPageHTML(3, 0, "index", "html");
    </script><!-- <script>createPageHTML(7,0,"index","html");</script> -->"""
    assert further("http://a.gov.cn/nb/", text) == [
        "http://a.gov.cn/nb/index_1.html",
        "http://a.gov.cn/nb/index_2.html",
    ]


def test_a_page_does_not_lead_to_itself():
    text = '<a href="?page=1">1</a><a href="?page=2">2</a><a href="?page=3">3</a>'
    assert further("http://a.gov.cn/nb/?page=2", text) == [
        "http://a.gov.cn/nb/?page=1",
        "http://a.gov.cn/nb/?page=3",
    ]


def test_ucap_page_two_is_name_2():
    text = "<script>createPageHTML('page_div',3, 1,'fg','shtml',89);</script>"
    assert further("http://a.gov.cn/c1/fg.shtml", text) == [
        "http://a.gov.cn/c1/fg_2.shtml",
        "http://a.gov.cn/c1/fg_3.shtml",
    ]


def test_a_pager_written_by_hand():
    text = """<script>var currentPage=0; var countPage=3; var endPage=countPage-1
    document.write("<a href=\\"index"+"_"+nextPage+"."+"html\\">下一页</a>");</script>"""
    assert further("http://a.gov.cn/jq/", text) == [
        "http://a.gov.cn/jq/index_1.html",
        "http://a.gov.cn/jq/index_2.html",
    ]


def test_a_pager_object_counts_from_zero():
    text = "<script>Pager({size:2, current:0, prefix:'index',suffix:'html',visible:5});</script>"
    assert further("http://a.gov.cn/ndbg/", text) == ["http://a.gov.cn/ndbg/index_1.html"]


def test_a_huge_count_is_bounded():
    text = '<script>createPageHTML(99999999, 0, "index", "html");</script>'
    assert len(further("http://a.gov.cn/nb/", text)) == 499


HANWEB = """<div id="1"><script type="text/xml"><datastore>
<nextgroup><![CDATA[<a href="/module/web/jpage/dataproxy.jsp?page=1&appid=1&webid=7&path=/&columnid=64&unitid=38&webname=%E7%94%B2%E5%8E%BF&permissiontype=0"></a>]]></nextgroup>
<recordset>
<record><![CDATA[<li><a href='/art/2024/1/9/art_64_1.html' title='甲县2023年政府信息公开工作年度报告'>甲县2023年…</a><span>2024-01-09</span></li>]]></record>
<record><![CDATA[<li><a href='/art/2023/1/8/art_64_2.html' title='乙'>乙</a><b>2023/1/8</b></li>]]></record>
<record><![CDATA[<li><a href='/art/2022/1/8/art_64_3.html' title='丙'>丙</a><b>2022-01-08</b></li>]]></record>
</recordset></datastore></script></div>
<script>$('#1').jpage({totalRecord:8,perPage:1});</script>"""


def test_hanweb_records_in_the_page():
    entries = hanweb.entries(page("http://a.gov.cn/col/col64/index.html", HANWEB))
    assert [(entry.url, entry.title, entry.date) for entry in entries] == [
        (
            "http://a.gov.cn/art/2024/1/9/art_64_1.html",
            "甲县2023年政府信息公开工作年度报告",
            "2024-01-09",
        ),
        ("http://a.gov.cn/art/2023/1/8/art_64_2.html", "乙", "2023-01-08"),
        ("http://a.gov.cn/art/2022/1/8/art_64_3.html", "丙", "2022-01-08"),
    ]


def test_hanweb_asks_the_proxy_for_the_rest_in_chunks_of_three_screens():
    requests = families.further(page("http://a.gov.cn/col/col64/index.html", HANWEB))
    proxy = "http://a.gov.cn/module/web/jpage/dataproxy.jsp"
    assert [request.url for request in requests] == [
        f"{proxy}?startrecord=4&endrecord=6&perpage=1",
        f"{proxy}?startrecord=7&endrecord=8&perpage=1",
    ]
    assert {request.method for request in requests} == {"POST"}
    assert requests[0].headers["Referer"] == "http://a.gov.cn/col/col64/index.html"
    form = parse_qs(requests[0].body)
    assert form["columnid"] == ["64"]
    assert form["unitid"] == ["38"]
    assert form["webname"] == ["甲县"]


def test_hanweb_without_a_total_follows_the_next_group():
    text = HANWEB.split("<script>$(")[0]
    [request] = families.further(page("http://a.gov.cn/col/col64/index.html", text))
    assert request.method == "GET"
    assert request.url.startswith("http://a.gov.cn/module/web/jpage/dataproxy.jsp?page=1&")


def test_hanweb_oldest_answer_is_a_script():
    text = """totalRecord=2;totalPage = 1;dataStore = ["<li><a href='/art/2020/1/2/art_1_1.html'>甲县年报</a><span>2020-01-02</span></li>"];"""
    [entry] = hanweb.entries(page("http://a.gov.cn/module/jslib/jquery/jpage/dataproxy.jsp", text))
    assert (entry.title, entry.date) == ("甲县年报", "2020-01-02")


def test_national_rows_are_those_of_the_list_box_only():
    text = """<ul><li><a href="/x/">政府信息公开指南</a></li></ul>
    <div class="zfxxgk_zdgkc"><ul><li><a target="_blank" href="t20260612_1.html" title="全称全称">全…</a><b>2026-06-12</b></li></ul></div>"""
    box = page("http://a.gov.cn/nb/", text)
    assert national.signature(box)
    [entry] = families.entries(box)
    assert (entry.url, entry.title, entry.date) == (
        "http://a.gov.cn/nb/t20260612_1.html",
        "全称全称",
        "2026-06-12",
    )


def test_static_pager_by_words_and_numbers():
    text = """<a href="index.html">首页</a><a href="index_2.html">2</a><a href="index_3.html">下一页</a>
    <a href="index_9.html">尾页</a><a href="/news/2024.html">2024</a><a href="/other/">更多</a>"""
    assert further("http://a.gov.cn/nb/index.html", text) == [
        "http://a.gov.cn/nb/index_2.html",
        "http://a.gov.cn/nb/index_3.html",
        "http://a.gov.cn/nb/index_9.html",
    ]


def test_static_pager_by_query():
    text = '<a href="?type=3&pageIndex=2">2</a><a href="/search?q=1">下一页</a>'
    assert further("http://a.gov.cn/public/column/1?type=3", text) == [
        "http://a.gov.cn/public/column/1?type=3&pageIndex=2"
    ]


def test_boda_counts_down_in_a_folder_of_the_page_name():
    text = '<span class="p_next p_fun"><a href="xstz/23.htm">下页</a></span>'
    assert further("http://a.gov.cn/zw/xstz.htm", text) == ["http://a.gov.cn/zw/xstz/23.htm"]
    later = '<span class="p_next p_fun"><a href="22.htm">下页</a></span>'
    assert further("http://a.gov.cn/zw/xstz/23.htm", later) == ["http://a.gov.cn/zw/xstz/22.htm"]


def test_rows_with_dates_come_before_links_without():
    text = """<a href="/about/">关于我们网站</a>
    <table><tr><td><a href="t20200805_1.html" title="全">甲县2019年报告</a></td><td>2020-08-05</td></tr></table>"""
    assert [entry.date for entry in static.entries(page("http://a.gov.cn/nb/", text))] == [
        "2020-08-05",
        "",
    ]


def test_a_family_reads_nothing_on_a_strange_page():
    strange = page("http://a.gov.cn/", "<p>无</p>")
    assert not any(family.signature(strange) for family in (hanweb, national, trs, static))
    assert families.entries(strange) == []


@pytest.mark.parametrize(
    ("call", "names"),
    [
        ("createPageHTML('3','1',\"index\",\"html\")", ["index_2.html", "index_3.html"]),
        ("createPageHTML('page_div', 3, 0, 'fg', 'shtml')", ["fg_1.shtml", "fg_2.shtml"]),
        ("createPage(2, 0, 'index', 'htm')", ["index_1.htm"]),
        ("var countPage = 2; url = 'index' + '_' + n + '.shtml'", ["index_1.shtml"]),
    ],
)
def test_the_first_page_tells_from_where_a_pager_counts(call, names):
    found = further("http://a.gov.cn/nb/", f"<script>{call};</script>")
    assert found == [f"http://a.gov.cn/nb/{name}" for name in names]


def test_hanweb_writes_its_total_in_any_case():
    text = HANWEB.replace("totalRecord:8,perPage:1", "perpage:1,totalrecord:8")
    assert len(further("http://a.gov.cn/col/col64/index.html", text)) == 2


PROXY = "http://a.gov.cn/module/web/jpage/dataproxy.jsp"


def test_hanweb_asks_again_for_what_a_capped_answer_left_out():
    url = f"{PROXY}?startrecord=31&endrecord=60&perpage=10"
    [request] = families.further(page(url, HANWEB))
    # Three records came of thirty: the same form asks for the other twenty-seven.
    assert request.url == f"{PROXY}?startrecord=34&endrecord=60&perpage=10"
    assert (request.method, request.body) == ("POST", "")
    assert families.further(page(f"{PROXY}?startrecord=58&endrecord=60&perpage=10", HANWEB)) == []
    nothing = "<datastore><recordset></recordset></datastore>"
    assert families.further(page(url, nothing)) == []


def test_hanweb_that_ignores_the_chunk_is_asked_by_its_next_group():
    [request] = families.otherwise(page(f"{PROXY}?startrecord=31&endrecord=60", HANWEB))
    assert request.url.startswith(f"{PROXY}?page=1&")
    assert families.otherwise(page("http://a.gov.cn/col/col64/index.html", HANWEB)) == []


def test_a_day_in_a_box_of_its_own_still_dates_a_row():
    text = """<li><div><p>15</p><span>2024-03</span></div><a href="d.jsp?iid=7">甲县二〇二三…</a></li>"""
    [entry] = static.entries(page("http://a.gov.cn/nb/", text))
    assert entry.date == "2024-03"


def test_a_pager_of_icons_says_its_words_in_titles():
    text = """<a title="下一页" href="?cid=8&pageNumber=2"><i class="r"></i></a>"""
    assert further("http://a.gov.cn/nb.jsp?cid=8", text) == [
        "http://a.gov.cn/nb.jsp?cid=8&pageNumber=2"
    ]


def test_the_family_of_the_registry_is_tried_first():
    both = page(
        "http://a.gov.cn/nb/",
        HANWEB + '<div class="zfxxgk_zdgkc"><ul><li><a href="/1.html">甲县年报</a></li></ul></div>',
    )
    assert len(families.entries(both)) == 3
    assert [entry.title for entry in families.entries(both, "national")] == ["甲县年报"]
    assert len(families.entries(both, "no such family")) == 3
