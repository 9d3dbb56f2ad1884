from urllib.parse import parse_qs

import pytest

from crawler import families
from crawler.families import hanweb, menus, national, static, trs
from crawler.page import read_page


def page(url: str, text: str):
    return read_page(url, text.encode())


def further(url: str, text: str) -> list[str]:
    return [request.url for request in families.further(page(url, text))]


def test_the_second_page_is_asked_by_either_numbering_and_stale_calls_are_not_read():
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
        "http://a.gov.cn/nb/?page=3",
    ]


def test_a_later_page_leads_to_the_one_after_it_and_never_past_the_count():
    text = "<script>createPageHTML('page_div',3, 2,'fg','shtml',89);</script>"
    assert further("http://a.gov.cn/c1/fg_2.shtml", text) == ["http://a.gov.cn/c1/fg_3.shtml"]
    assert further("http://a.gov.cn/c1/fg_3.shtml", text) == []


def test_a_pager_written_by_hand():
    text = """<script>var currentPage=0; var countPage=3; var endPage=countPage-1
    document.write("<a href=\\"index"+"_"+nextPage+"."+"html\\">下一页</a>");</script>"""
    assert further("http://a.gov.cn/jq/", text) == [
        "http://a.gov.cn/jq/index_1.html",
        "http://a.gov.cn/jq/index_2.html",
    ]


def test_a_pager_object_counts_from_zero():
    text = "<script>Pager({visible:5, suffix:'html', prefix:'index', current:0, size:2});</script>"
    assert further("http://a.gov.cn/ndbg/", text) == [
        "http://a.gov.cn/ndbg/index_1.html",
        "http://a.gov.cn/ndbg/index_2.html",
    ]


def test_a_count_is_a_promise_and_not_asked_for_at_once():
    text = '<script>createPageHTML(99999999, 0, "index", "html");</script>'
    assert len(further("http://a.gov.cn/nb/", text)) == 2
    assert further("http://a.gov.cn/nb/index_500.html", text) == []


@pytest.mark.parametrize(
    "script",
    [
        'createPageHTML(1, 0, "index", "html");',
        "createPageHTML(0,0,'index','html');",
        "function createPageHTML(_nPageCount, _nCurrIndex, _sPageName, _sPageExt){ return; }",
        '<!-- createPageHTML(7,0,"index","html"); //-->',
        "Pager({size:1, current:0, prefix:'index', suffix:'html'});",
    ],
)
def test_a_list_of_one_page_has_no_other(script):
    assert further("http://a.gov.cn/nb/", f"<a href='/'>首页</a><script>{script}</script>") == []


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
    <a href="index_9.html">尾页</a><a href="/news/2024.html">2024</a><a href="/other/">更多</a>
    <a href="/rili/2026-11-02.html">2</a><a href="2026-11-03.html">3</a>"""
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
        ("createPageHTML('3','1',\"index\",\"html\")", ["index_1.html", "index_2.html"]),
        ("createPageHTML('page_div', 3, 0, 'fg', 'shtml')", ["fg_1.shtml", "fg_2.shtml"]),
        ("createPageHTML('page_div',3, 1,'fg','shtml',89)", ["fg_1.shtml", "fg_2.shtml"]),
        ("createPage(2, 0, 'index', 'htm')", ["index_1.htm", "index_2.htm"]),
        ("var n = 4, c = 0; createPageHTML(n, c, 'list', '.html')", ["list_1.html", "list_2.html"]),
        (
            "var countPage = 2; url = 'index' + '_' + n + '.shtml'",
            ["index_1.shtml", "index_2.shtml"],
        ),
        ("$('.p').pagination({current:1, totalPage: 7})", ["index_1.html", "index_2.html"]),
    ],
)
def test_every_pager_that_a_script_writes(call, names):
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


@pytest.mark.parametrize(
    ("here", "href", "label"),
    [
        ("/nb/list.shtml", "list-2.shtml", "2"),
        ("/nb/", "page_2.html", "&gt;"),
        ("/nb/", "page/2/", "下一页"),
        ("/nb/page/2/index.html", "/nb/page/3/index.html", "3"),
        ("/nb/", "2/", "[2]"),
        ("/nb/default.aspx", "default_3.aspx", "尾页"),
        ("/a/b/nb.jsp", "nb.jsp?cid=3&cur_page=2", "后一页"),
        ("/zw/nb.htm", "nb/17.htm", "末页"),
        ("/www/212936/index.html", "cb473d96-2.html", "2"),
    ],
)
def test_pagers_in_every_spelling(here, href, label):
    found = static.further(page(f"http://a.gov.cn{here}", f'<a href="{href}">{label}</a>'))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("here", "href", "label"),
    [
        ("/nb/", "index.html", "1"),
        ("/nb/", "/xw/list_2.html", "下一页"),
        ("/nb.html", "/rili/2026-11-02.html", "2"),
        ("/nb/", "?page=501", "501"),
        ("/nb/", "http://b.gov.cn/nb/index_2.html", "2"),
        ("/nb/", "202401/t20240102_33.html", "下一页"),
    ],
)
def test_what_is_no_pager(here, href, label):
    assert static.further(page(f"http://a.gov.cn{here}", f'<a href="{href}">{label}</a>')) == []


def test_a_link_that_says_nothing_takes_the_title_beside_it():
    text = """<table><tr><td>甲县教育局2023年政府信息公开工作年度报告</td><td>2024-01-09</td>
    <td><a href="/f/1.pdf">[下载]</a></td></tr></table>"""
    [entry] = static.entries(page("http://a.gov.cn/nb/", text))
    assert (entry.title, entry.date) == ("甲县教育局2023年政府信息公开工作年度报告", "2024-01-09")


def test_rows_of_the_template_may_be_those_of_a_table():
    text = """<div class="box zfxxgk_zdgkc"><table><tr><td>1</td><td><a href="1.html" title="甲县年报">甲…</a></td>
    <td>2024-01-09</td></tr></table></div><ul><li><a href="/x/">指南</a></li></ul>"""
    box = page("http://a.gov.cn/nb/", text)
    assert [(entry.title, entry.date) for entry in national.entries(box)] == [
        ("甲县年报", "2024-01-09")
    ]


def test_menus_that_scripts_write():
    text = """<div id="left"></div><script>
    var zNodes = [{"id":2, "url":"\\/zwgk\\/nb\\/", "name":"政府信息公开年报"}, {"id":3, "name":"无地址"}];
    document.write("<a href=\\"/gk/\\" target=\\"_blank\\"><b>政务</b>公开<\\/a>");
    $("#left").load("/zwgk/left.html?t=" + Math.random());</script>"""
    shown = page("http://a.gov.cn/", text)
    assert [(link.url, link.text) for link in menus.columns(shown)] == [
        ("http://a.gov.cn/zwgk/nb/", "政府信息公开年报"),
        ("http://a.gov.cn/gk/", "政务 公开"),
    ]
    assert [request.url for request in menus.inside(shown)] == ["http://a.gov.cn/zwgk/left.html?t="]


def test_the_script_of_a_menu_is_asked_only_where_no_menu_is_shown():
    text = "<script src='/images/nav.js?v=1'></script><script src='/js/jquery.min.js'></script>"
    bare = page("http://a.gov.cn/", text + "<p>甲县</p>")
    assert [request.url for request in menus.inside(bare)] == ["http://a.gov.cn/images/nav.js"]
    assert menus.inside(page("http://a.gov.cn/", text + "<a href='/gk/'>政务公开</a>")) == []
    script = page(
        "http://a.gov.cn/images/nav.js", """document.write('<a href="/gk/">政务公开</a>')"""
    )
    assert [link.url for link in menus.columns(script)] == ["http://a.gov.cn/gk/"]


def test_the_nodes_of_a_tree_stand_below_the_column_they_are_part_of():
    flat = """<script>var zNodes = [{id:1, pId:0, name:"政府信息公开年报", open:true},
      {id:11, pId:1, name:"甲县教育局", url:"/nb/11/"}, {id:2, pId:0, name:"指南", url:"/zn/"}];</script>"""
    assert [
        (link.text, link.context) for link in menus.columns(page("http://a.gov.cn/", flat))
    ] == [
        ("甲县教育局", "政府信息公开年报 甲县教育局"),
        ("指南", "指南"),
    ]
    nested = """<script>var nodes = [{"name": "公开", "children": [{"name": "政府信息公开年报",
      "children": [{"name": "2023年", "children": [{"name": "部门", "url": "/nb/23/bm/"}]}]}]}];</script>"""
    [link] = menus.columns(page("http://a.gov.cn/", nested))
    assert (link.url, link.context) == ("http://a.gov.cn/nb/23/bm/", "政府信息公开年报 部门")


def test_pages_of_systems_that_write_jhtml():
    shown = page("http://a.gov.cn/nb/index.jhtml", "<a href='index_2.jhtml'>下一页</a>")
    assert [one.url for one in static.further(shown)] == ["http://a.gov.cn/nb/index_2.jhtml"]
