import pytest

from crawler.page import absolute, page_of, read_page

BASE = "http://www.example.gov.cn/zwgk/nb/index.html"


def page(text: str, url: str = BASE):
    return read_page(url, text.encode(), "text/html")


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("./a.html", "http://www.example.gov.cn/zwgk/nb/a.html"),
        ("../../../../a.html", "http://www.example.gov.cn/a.html"),
        ("//JYJ.Example.gov.cn:80/x", "http://jyj.example.gov.cn/x"),
        ("/a;jsessionid=F00?b=1#top", "http://www.example.gov.cn/a?b=1"),
        ("\\upload\\1 2.pdf", "http://www.example.gov.cn/upload/1%202.pdf"),
        ("javascript:void(0)", None),
        ("mailto:a@b.cn", None),
        ("http://[bad/", None),
        ("http://host:99999/", None),
        ("ftp://www.example.gov.cn/a", None),
        ("", None),
    ],
)
def test_absolute(href, expected):
    assert absolute(BASE, href) == expected


def test_a_page_that_says_gb2312_and_is_gb18030():
    text = '<html><head><meta charset="gb2312"></head><body>洺原区 䶮</body></html>'
    assert "洺原区 䶮" in read_page(BASE, text.encode("gb18030")).text


@pytest.mark.parametrize("body", [b"", b"\x00\xff\xfe", b"<html", b"<a href=", b"\xff" * 999])
def test_broken_pages_have_no_links_and_do_not_raise(body):
    broken = read_page(BASE, body, "text/html; charset=klingon")
    assert broken.links == ()
    assert broken.hops == ()


def test_metas_without_spaces_and_given_twice():
    text = '<meta name="ColumnName"content="政策"><meta name="columnname" content="后来">'
    assert page(text).metas["columnname"] == "政策"


def test_a_link_keeps_its_whole_title_and_its_row():
    [link] = page(
        '<li><a href="1.html" title="甲县2023年报告">甲县20…</a><b>2024-01-02</b></li>'
    ).links
    assert link.label == "甲县2023年报告"
    assert link.context == "甲县20…2024-01-02"


def test_links_in_onclick_and_without_address():
    links = page(
        "<a href='javascript:;' onclick=\"window.open('/f/1.pdf')\">下载</a><a>无</a>"
    ).links
    assert [link.url for link in links] == ["http://www.example.gov.cn/f/1.pdf"]


@pytest.mark.parametrize(
    "text",
    [
        '<meta http-equiv="Refresh" content="0; URL=../new/">',
        "<script>window.location.href='../new/';</script>",
        '<script>location.replace("../new/")</script>',
        '<iframe src="../new/"></iframe>',
    ],
)
def test_hops_of_a_stub(text):
    assert page(text).hops == ("http://www.example.gov.cn/zwgk/new/",)


@pytest.mark.parametrize(
    "text",
    [
        "<script>// location.href='../new/';</script>",
        "<script>/* location.href='../new/'; */</script>",
        "<script>location.href='../new/';</script>" + "<p>字</p>" * 2_000,
        '<iframe src="http://elsewhere.example/"></iframe>',
        '<meta http-equiv="refresh" content="300; url=../new/">',
    ],
)
def test_what_is_no_hop(text):
    assert page(text).hops == ()


def test_visible_text_leaves_scripts_out():
    assert page("<p>一<script>var x='二'</script>三</p><style>四</style>").visible == "一三"


def test_a_picture_says_its_words_in_alt_or_title():
    found = page("<a href='/1/'><img alt='' title='政府信息公开'></a>").links
    assert [link.label for link in found] == ["政府信息公开"]


def test_many_frames_are_pages_inside_and_no_hop():
    frames = page("<frameset><frame src='main.html'><frame src='tree.html'></frameset>")
    assert frames.hops == ()
    folder = "http://www.example.gov.cn/zwgk/nb/"
    assert frames.frames == (folder + "main.html", folder + "tree.html")


def test_a_viewer_is_the_document_it_shows():
    shown = page("<iframe src='/pdfjs/web/viewer.html?file=%2Ff%2F1.pdf'></iframe>")
    assert (shown.frames, shown.hops) == ((), ())
    assert [link.url for link in shown.links] == ["http://www.example.gov.cn/f/1.pdf"]


def test_a_document_is_no_page_whatever_its_label():
    assert page_of(BASE, b"%PDF-1.4", "text/html") is None
    assert page_of(BASE, b"\x00\x01", "application/octet-stream") is None
    assert page_of(BASE, b"<html>", "application/octet-stream") is not None


@pytest.mark.parametrize(
    "stub",
    [
        "<script>var u = '/gk/'; window.location.href = u;</script>",
        "<body onload=\"location.replace('/gk/')\"></body>",
        "<script>setTimeout(\"top.location.href='/gk/'\", 10)</script>",
        "<script>if(/Android/.test(ua)){location.href='/m/gk/'}else{location.href='/gk/'}</script>",
        "<script>window.navigate('/gk/')</script>",
    ],
)
def test_stubs_of_every_make_send_to_the_page_for_all(stub):
    assert read_page("http://www.a.gov.cn/", stub.encode()).hops[0] == "http://www.a.gov.cn/gk/"


def test_a_stub_may_send_to_a_sub_domain_and_to_no_other_site():
    stub = "<script>location.href='http://{}/'</script>"
    for host, hops in (("zwgk.a.gov.cn", 1), ("www.b.gov.cn", 0), ("a.gov.cn.evil.com", 0)):
        assert len(read_page("http://www.a.gov.cn/", stub.format(host).encode()).hops) == hops


@pytest.mark.parametrize(
    "element",
    [
        "<li onclick=\"location.href='/nb/'\">年报</li>",
        "<li data-url='/nb/'>年报</li>",
        "<a href='javascript:;' data-href='/nb/'>年报</a>",
        "<a href=\"javascript:goTo('/nb/')\">年报</a>",
        "<td onclick=\"openWin('/nb/', 1)\">年报</td>",
        "<select><option value='nb/'>年报</option></select>",
    ],
)
def test_whatever_leads_to_an_address_is_a_link(element):
    [link] = read_page("http://a.gov.cn/", element.encode()).links
    assert (link.url, link.text) == ("http://a.gov.cn/nb/", "年报")


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("/a.do?PHPSESSID=77ab&id=3", "http://a.gov.cn/a.do?id=3"),
        ("/a.do?id=3&sid=0123456789abcdef0123", "http://a.gov.cn/a.do?id=3"),
        ("/(S(x1y2z3))/list.aspx?c=1", "http://a.gov.cn/list.aspx?c=1"),
        ("/a.do?sid=12", "http://a.gov.cn/a.do?sid=12"),
    ],
)
def test_names_of_a_visit_are_dropped(href, url):
    assert absolute("http://a.gov.cn/", href) == url


def test_a_bare_link_stands_behind_the_heading_of_the_box_before_it():
    page = read_page(
        "http://a.gov.cn/", "<div><h3>年报专题</h3></div><a href='/zt/'>进入</a>".encode()
    )
    assert page.links[0].context == "年报专题 进入"


def test_visible_text_is_in_the_order_of_reading_without_what_nobody_sees():
    text = (
        "<body>甲<p>乙<b>丙</b>丁<script>1</script>戊</p>己<!-- 庚 --><noscript>辛</noscript>"
        "子<style>x</style></body>"
    )
    assert page(text).visible == "甲乙丙丁戊己子"


@pytest.mark.parametrize(
    "element",
    [
        "<a href='a.PDF'>附件</a>",
        "<a href='/x/P020250120123456789012.doc'>附件</a>",
        "<a href='P020250120123456789012'>附件</a>",
        "<a href='/downfile.jsp?id=1'>附件</a>",
        "<a href='/get?name=1%2Epdf'>附件</a>",
        "<a href='&#46;/a.ofd'>附件</a>",
        "<iframe src='/web/viewer.html?file=/a/b.pdf'></iframe>",
        "<object data='a.docx'></object>",
        "<span onclick=\"window.open('/a/b.wps')\">附件</span>",
    ],
)
def test_the_files_are_the_links_that_lead_to_documents(element):
    shown = page(f"<body><a href='/nb/'>年报</a>{element}<a href='#top'>顶部</a></body>")
    assert len(shown.files) == 1
    assert shown.files == tuple(link for link in shown.links if link.text != "年报")


def test_below_a_folder_of_downloads_every_address_is_a_files():
    shown = page("<a href='1'>附件</a>", "http://www.example.gov.cn/attachment/x.html")
    assert [link.url for link in shown.files] == ["http://www.example.gov.cn/attachment/1"]


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("<div class='main zoom'><img src='1.png'></div>", "main zoom"),
        ("<div class='zoom2'><p>本报告由甲县教育局根据条例编制，全文如下。</p></div>", None),
        ("<div id='zoom'>短</div>", None),
        # By the order of the names, not of the page.
        ("<div class='article'><a>1</a></div><div class='TRS_Editor'><a>2</a></div>", "TRS_Editor"),
    ],
)
def test_the_article_is_in_a_box_of_a_known_name(text, box):
    found = page(f"<body>{text}</body>").article
    assert (None if found is None else found.get("class")) == box
