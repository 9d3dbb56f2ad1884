import pytest

from crawler import links
from crawler.links import Kind
from crawler.page import Link, read_page

SITE = "http://www.example.gov.cn"
COLUMN = SITE + "/zwgk/zfxxgknb/"


def kind(text, href, here=SITE + "/", in_column=False, title="", context=""):
    page = read_page(here, b"<p></p>")
    link = Link(SITE + href, text, title, context)
    return links.classify(link, page, in_column=in_column).kind


@pytest.mark.parametrize(
    "text",
    [
        "政府信息公开年报",
        "政府信息公开工作年度报告",
        "信息公开年报",
        "信息公开年度报告",
        "公开年报",
        "年度报告",
        "年报",
        "政府信息公开工作年报",
        "年报汇总",
        "部门年报",
        "政府信息公开年报 >>",
    ],
)
def test_names_of_columns(text):
    assert kind(text, "/a/b/") == Kind.COLUMN


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("政府网站工作年度报表", "/a/wzbb/"),
        ("法治政府建设年度报告", "/a/fz/"),
        ("政府信息公开指南", "/a/zfxxgkzn/"),
        ("政府信息公开制度", "/a/zfxxgkzd/"),
        ("统计年报", "/a/tjnb/"),
        ("企业年报公示", "/a/qynb/"),
        ("新闻中心", "/xw/"),
        ("某县召开政府信息公开工作会议", "/xw/202401/t20240101_1.html"),
        ("关于做好2023年政府信息公开年度报告编制工作的通知", "/a/202401/t20240101_2.html"),
        ("", "/images/logo.png"),
    ],
)
def test_what_is_no_column(text, href):
    assert kind(text, href) not in (Kind.COLUMN, Kind.REPORT)


@pytest.mark.parametrize(
    ("text", "href", "expected"),
    [
        ("政府信息公开", "/zwgk/", Kind.LISTING),
        ("政务公开", "/zwgk/", Kind.LISTING),
        ("甲县2023年政府信息公开工作年度报告", "/nb/202401/t20240101_1.html", Kind.REPORT),
        ("甲县2023年政府信息公开工作年度报告", "/files/1.pdf", Kind.REPORT),
        ("附件：三张表", "/files/2.docx", Kind.ATTACHMENT),
        ("2023", "/zwgk/zfxxgknb/2023n/", Kind.NOISE),
    ],
)
def test_links_of_a_home_page(text, href, expected):
    assert kind(text, href) == expected


@pytest.mark.parametrize(
    ("text", "href", "expected"),
    [
        ("2023年", "/zwgk/zfxxgknb/2023n/", Kind.COLUMN),
        ("各部门", "/zwgk/zfxxgknb/bm/", Kind.COLUMN),
        ("乡镇（街道）", "/col/col1229013/index.html", Kind.COLUMN),
        ("教育局", "/zwgk/zfxxgknb/jyj/", Kind.COLUMN),
        ("政府信息公开", "/zwgk/", Kind.LISTING),
        ("首页", "/", Kind.NOISE),
    ],
)
def test_what_a_column_is_split_by(text, href, expected):
    assert kind(text, href, here=COLUMN, in_column=True) == expected


def test_the_title_decides_where_the_text_is_cut():
    cut = "一图读懂甲县2023年政府信息公开…"
    whole = "一图读懂甲县2023年政府信息公开工作年度报告（图解）"
    assert kind(cut, "/nb/202401/t20240101_1.html", title=whole) == Kind.NOISE


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://www.example.gov.cn/a", True),
        ("https://jyj.example.gov.cn/a", True),
        ("http://example.gov.cn.evil.com/a", False),
        ("http://notexample.gov.cn/a", False),
        ("http://www.gov.cn/a", False),
        ("http://www.example.gov.cnhttp/a", False),
    ],
)
def test_only_listed_sites_are_trusted(url, expected):
    assert links.is_same_site(url, (SITE + "/",)) is expected


def test_addresses_are_sites_by_port():
    assert links.is_same_site("http://127.0.0.1:8011/a", ("http://127.0.0.1:8011/",))
    assert not links.is_same_site("http://127.0.0.1:8012/a", ("http://127.0.0.1:8011/",))


def test_attachments_stand_in_the_article():
    page = read_page(
        SITE + "/nb/202401/t20240101_1.html",
        """<a href="/app.zip">客户端下载</a><div class="TRS_Editor"><p>正文正文正文正文正文正文正文正文</p>
        <a href="./P020240101.pdf">年度报告.pdf</a><a href="/x.png">图</a>
        <a href="/module/download/downfile.jsp?classid=0&filename=1.docx">附件</a></div>""".encode(),
    )
    assert [link.url for link in links.attachments(page)] == [
        SITE + "/nb/202401/P020240101.pdf",
        SITE + "/module/download/downfile.jsp?classid=0&filename=1.docx",
    ]


def article(body: str):
    return read_page(
        SITE + "/nb/202401/t20240101_1.html", f'<div class="TRS_Editor">{body}</div>'.encode()
    )


def test_pictures_of_an_article_without_tables_may_be_its_tables():
    page = article(
        """<img src="./P1.png"><img src="/img/icon_w.png"><img src="b.gif"><img src="c.jpg" width="32">
        <img src="d.jpg" width="100%"><img src="/blank.png" data-src="e.png"><img src="data:image/png;base64,AAAA">"""
    )
    assert [link.url for link in links.pictures(page)] == [
        SITE + "/nb/202401/P1.png",
        SITE + "/nb/202401/d.jpg",
        SITE + "/nb/202401/e.png",
    ]


def test_pictures_beside_printed_tables_are_left_alone():
    page = article('<p>一、本年新收政府信息公开申请数量 0</p><img src="./P1.png">')
    assert links.pictures(page) == []


def test_registrable_names():
    assert links.registrable("jyj.hebei.gov.cn") == "hebei.gov.cn"
    assert links.registrable("www.customs.gov.cn") == "customs.gov.cn"
    assert links.registrable("10.0.0.1") == "10.0.0.1"


def test_a_column_may_name_its_part_in_brackets():
    assert kind("信息公开年度报告（部门）", "/nb/bm/") == Kind.COLUMN
    assert kind("甲县政府信息公开年度报告", "/nb/a2.html") == Kind.COLUMN


@pytest.mark.parametrize(
    "box",
    [
        "<h3><span>政府信息公开年报</span><a href='/nb/l.html'>更多&gt;&gt;</a></h3>",
        "<div><p>政府信息公开年报</p><div><a href='/nb/l.html'>更多</a></div></div>",
        "<div><h3>年度报告</h3> <ul><li>甲县某年报告</li></ul> <a href='/nb/l.html'>more</a></div>",
    ],
)
def test_what_more_is_about_stands_before_it(box):
    page = read_page(SITE + "/", box.encode())
    assert [links.classify(link, page).kind for link in page.links] == [Kind.COLUMN]
    news = read_page(SITE + "/", box.replace("年报", "指南").replace("年度报告", "要闻").encode())
    assert [links.classify(link, news).kind for link in news.links] == [Kind.NOISE]


def test_bodies_matter_where_they_are_listed_for_their_columns():
    page = read_page(SITE + "/", b"")
    body = Link(SITE + "/bm/1/index.html", "市供销合作社")
    assert links.is_directory("部门信息公开目录")
    assert not links.is_directory("部门动态")
    aside = links.classify(body, page).score
    assert aside < links.STRONG <= links.classify(body, page, among_bodies=True).score


CHAPTERS = "主动公开政府信息、收到和处理政府信息公开申请、行政复议、存在的主要问题、总体情况"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (
            "<title>政府信息公开年报</title><h3>甲县2024年政府信息公开工作年度报告</h3>{}",
            "甲县2024年政府信息公开工作年度报告",
        ),
        (
            "<title>政府信息公开年报</title><a><p>甲县2024年政府信息公开年报</p></a>{}",
            "政府信息公开年报",
        ),
        ("<title>年度报告_甲县</title><p>{}</p>", ""),
        ("<h1>甲县2024年政府信息公开工作年度报告</h1>", ""),
    ],
)
def test_the_report_a_page_shows(text, title):
    assert links.report_on(read_page(COLUMN, text.format(CHAPTERS).encode())) == title


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("概述。主动公开若干条，依申请公开两件，收费为零，没有行政复议，不足之处今后改进。", True),
        ("昨日，甲县发布年度报告，主动公开信息，受到欢迎。", False),
        ("<iframe src='/pdfjs/web/viewer.html?file=/f/1.pdf'></iframe>", True),
    ],
)
def test_what_reads_like_a_report(text, expected):
    assert links.reads_like_report(read_page(COLUMN, text.encode())) is expected


# Column names and parts of paths that PORTALS.md lists, and how sites dress them up.
@pytest.mark.parametrize(
    "text",
    [
        *(
            "政府信息公开年度报告",
            "信息公开工作年度报告",
            "工作年报",
            "政务公开年报",
            "政务公开年度报告",
        ),
        *("省政府年报", "省直部门年报", "市州年报", "乡镇街道年报", "区政府部门年报", "镇街年报"),
        *("本级年报", "历年年报", "往年年报", "部门（单位）年报", "各镇年报", "年报汇总"),
        *(
            "· 政府信息公开年报",
            "04 政府信息公开年报",
            "2.政府信息公开年报",
            "政府信息公开年报（23）",
        ),
        *(
            "❯ 政府信息公开 年报",
            "【政府信息公开年报】",
            "政府信息公开年报：",
            "政府信息公开工作年报专栏",
        ),
    ],
)
def test_columns_in_every_dress(text):
    assert kind(text, "/q/c12/") == Kind.COLUMN


@pytest.mark.parametrize(
    "path",
    [
        *("/zfxxgk/zfxxgknb/", "/zwgk/zfxxgknb_97478/", "/szfxxgknb/", "/xxgknb/", "/bmxxgknb/"),
        *("/gknb/", "/ndbg/", "/xxgkndbg/", "/zfxxgkndbg/", "/ndxxgkbg/", "/gk/gknb.html"),
        *("/gkmlpt/annualreport", "/AnnualReport/", "/opennessAnnualReport/?branch_id=5d1"),
        *("/c102384r?tab=gknb", "/zt/zfxxgkndbgzt/"),
    ],
)
@pytest.mark.parametrize("text", ["", "进入专栏", "更多>>"])
def test_paths_tell_where_words_do_not(text, path):
    assert kind(text, path) == Kind.COLUMN


@pytest.mark.parametrize(
    "path",
    ["/zfgzwzbb/", "/tjnb/", "/nbgs/", "/xxgk/xxgkndbgzd/", "/ndbgzn_3/", "/unb/", "/gknbx/"],
)
def test_paths_that_only_look_like_it(path):
    assert kind("更多>>", path) != Kind.COLUMN


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2023",
            "2023年度",
            "2023年年报",
            "2023年度报告",
            "二〇二三年",
            "2008-2019年",
            "2019年及以前",
        ),
        *(
            "省政府",
            "省直部门",
            "市州",
            "部门",
            "乡镇街道",
            "县市区",
            "市政府工作部门",
            "县级各部门",
        ),
        *(
            "乡镇人民政府",
            "苏木镇",
            "各乡镇",
            "镇（街道）",
            "本级",
            "市直属机构",
            "开发区",
            "国有企业",
        ),
        *("县（市、区）政府", "区直", "垂管单位", "派出机构", "政府组成部门", "历史年报", "往年"),
    ],
)
def test_parts_of_a_column_wherever_they_stand(text):
    assert kind(text, "/col/col7001/index.html", here=COLUMN, in_column=True) == Kind.COLUMN


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("12", "/zwgk/zfxxgknb/rl/"),
        ("2", "/zwgk/zfxxgknb/2026/11/02/"),
        ("下月", "/zwgk/zfxxgknb/2026/12/"),
        ("标签", "/zwgk/zfxxgknb/tag/1/"),
        ("打印本页", "/zwgk/zfxxgknb/print/1.html"),
        ("登录", "/login?backurl=/zwgk/zfxxgknb/"),
        ("年报", "/zwgk/zfxxgknb/nb/nb/nb/"),
        ("政府信息公开年报", "/search?keyword=年报"),
        ("2023年", "/zwgk/zfxxgknb/?date=2023-01-01"),
    ],
)
def test_traps_are_never_entered(text, href):
    assert kind(text, href, here=COLUMN, in_column=True) == Kind.NOISE


def test_what_lies_below_a_doubtful_part_is_not_followed():
    page = read_page(SITE + "/zzjg/", b"")
    link = Link(SITE + "/zzjg/jnyz/", "职能与职责")
    assert links.classify(link, page, in_column=True).kind == Kind.COLUMN
    assert links.classify(link, page, in_column=True, is_part=False).kind == Kind.NOISE


def test_a_column_that_is_a_file_owns_what_lies_under_its_name():
    column = SITE + "/gk/nb.htm"
    assert links.is_below(SITE + "/gk/nb/n2023n/jyj.htm", column)
    assert not links.is_below(SITE + "/gk/zn/1.htm", column)
    assert links.is_below(SITE + "/gk/nb/2023/", SITE + "/gk/nb/list.shtml")


def test_bodies_whose_names_hold_other_subjects():
    assert not links.is_lookalike("甲县审计局")
    assert links.is_lookalike("甲县2023年度审计工作报告")
    assert kind("甲县审计局", "/zwgk/zfxxgknb/sjj/", here=COLUMN, in_column=True) == Kind.COLUMN


@pytest.mark.parametrize(
    ("text", "least"),
    [
        *(
            ("政府信息公开平台", 60),
            ("甲县政府信息公开专栏", 60),
            ("政务公开", 60),
            ("信息公开目录", 50),
        ),
        *(("部门信息公开", links.OF_BODIES), ("县直部门信息公开目录", links.OF_BODIES)),
        *(("政府信息公开指南", links.OF_TABS), ("依申请公开", links.OF_TABS), ("网站地图", 25)),
        *(("县直部门", links.OF_TIERS), ("进入网站", links.OF_WELCOME)),
    ],
)
def test_how_soon_listings_are_read(text, least):
    page = read_page(SITE + "/", b"")
    judged = links.classify(Link(SITE + "/q/c12/", text), page)
    assert judged.kind == Kind.LISTING
    assert judged.score >= least


def test_the_home_page_is_no_page_behind_a_page_of_welcome():
    assert kind("网站首页", "/") == Kind.NOISE
    assert kind("网站首页", "/portal/index.html") == Kind.LISTING


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<meta name='ColumnName'content='政府信息公开年报'><title>甲县</title>", True),
        ("<title>政府信息公开年报-甲县人民政府</title>", True),
        ("<title>政府信息公开_甲县人民政府</title>", False),
        (
            "<meta name='ColumnName' content='政府信息公开年报'><meta name='ArticleTitle' content='甲'>",
            False,
        ),
        ("<title>2023年政府信息公开年报</title>", False),
    ],
)
def test_what_a_page_says_of_itself(text, expected):
    assert links.is_column(read_page(COLUMN, text.encode())) is expected


def test_a_tab_without_a_link_names_what_the_page_lists():
    tabs = "<ul><li>政府信息公开指南</li><li>政府信息公开年报</li></ul>"
    assert links.names_column_aside(read_page(COLUMN, tabs.encode()))
    linked = tabs.replace("<li>", "<li><a href='/x/'>").replace("</li>", "</a></li>")
    assert not links.names_column_aside(read_page(COLUMN, linked.encode()))


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        *(("2021年度报告", True), ("2021年", True), ("公开年报（修订版）", True), ("年报", True)),
        *(("年度工作会议召开", False), ("附件1", False), ("2021年预算公开", False)),
    ],
)
def test_rows_that_could_be_reports(title, expected):
    assert links.may_be_report(title) is expected


def test_department_sites_on_sub_domains_are_ours():
    page = read_page(SITE + "/zwgk/bm/", b"")
    body = Link("http://jyj.example.gov.cn/", "市教育局")
    assert links.is_same_site(body.url, (SITE + "/",))
    assert links.classify(body, page, among_bodies=True).score >= links.STRONG


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        *(
            ("甲县教育局2023...", True),
            ("甲县2023年政…", True),
            ("甲县 2023 年信...", True),
            ("甲镇2023年度政府信息公…", True),
        ),
        *(("甲镇关于2023年政府信息公开工作情...", True), ("甲县教育局政府信息公…", True)),
        *(("甲县召开2023年工作会...", False), ("甲县教育局关于印发...", False)),
    ],
)
def test_titles_that_a_list_has_cut_and_a_report_may_have(title, expected):
    assert links.may_begin_report(title) is expected


def test_a_picture_that_leads_to_guangdongs_platform():
    page = read_page(SITE + "/", b"<a href='/gkmlpt/index'><img src='a.png'></a>")
    assert [links.classify(link, page).kind for link in page.links] == [Kind.LISTING]


def test_annual_reports_of_a_body_are_its_column():
    assert links.column_score("甲县教育局年度报告") == links.VAGUE
    # 审计 is what the body does, and not what its report is about.
    assert links.column_score("甲县审计局年报") == links.VAGUE
    assert links.column_score("甲县教育局政府信息公开年报") == 100
    assert links.column_score("法治政府建设年度报告") == 0


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("甲县审计局2015年度…", False),
        ("2022年甲县审计局政…", False),
        ("甲县审计局2015年度审计工作报告", True),
        ("关于甲县审计局2015年审计工作的报告", True),
    ],
)
def test_the_name_of_a_body_in_a_cut_title_makes_no_lookalike(title, expected):
    assert links.is_lookalike(title) is expected


def test_what_stands_below_the_name_of_a_column_is_part_of_it():
    assert kind("2017年", "/gk/l/2017/", context="政府信息公开年报 2017年") == Kind.COLUMN
    assert kind("甲县教育局", "/gk/l/7/", context="政府信息公开年报 甲县教育局") == Kind.COLUMN
    assert kind("2017年", "/gk/l/2017/", context="财政预决算 2017年") == Kind.NOISE


@pytest.mark.parametrize("label", ["部门网站", "乡镇街道", "市直部门", "部门导航", "区县"])
def test_directories_of_sites(label):
    assert links.is_sites_directory(label)


@pytest.mark.parametrize("label", ["部门动态", "政务公开", "街道风光"])
def test_no_directories_of_sites(label):
    assert not links.is_sites_directory(label)


def test_articles_of_systems_that_write_jhtml():
    assert links.is_article("http://a.gov.cn/gk/1234567.jhtml")
