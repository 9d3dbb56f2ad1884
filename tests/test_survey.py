from crawler import links, survey
from crawler.frontier import Row
from crawler.page import read_page

SITE = "http://www.example.gov.cn"
SITES = (SITE + "/",)
CHAPTERS = "主动公开政府信息、收到和处理政府信息公开申请、行政复议、存在的主要问题、总体情况"


def page(text, url=SITE + "/nb/index.html"):
    return read_page(url, text.encode())


def row(kind, title="", url=SITE + "/nb/index.html", score=90, **more):
    return Row(url, kind, title, score=score, portal_id="a", **more)


def titled(year, body="甲县"):
    return f"{body}{year}年政府信息公开工作年度报告"


def test_news_with_the_title_of_a_report_is_read_before_it_is_believed():
    news = f"<li><a href='/xw/t20240301_1.html'>甲县发布{titled(2023)}</a> 2024-03-01</li>"
    [found] = survey.leads(row("home", url=SITE + "/"), page(news, SITE + "/"), SITES)
    assert found.kind == "peek"
    peeked = row("peek", found.title, found.url)
    assert survey.settle(peeked, page("<p>昨日发布，受到欢迎。</p>")).kind == "peek"
    assert survey.settle(peeked, page(f"<p>概述，收费，{CHAPTERS}</p>")).kind == "report"
    [listed] = survey.leads(row("list"), page(news), SITES)
    assert listed.kind == "report"


def test_rows_cut_by_the_list_get_their_whole_title_from_the_page():
    cut = "<li><a href='d.jsp?x=7'>甲县自然资源和规划局20…</a></li>"
    [found] = survey.leads(row("list"), page(cut), SITES)
    assert found.kind == "peek"
    whole = titled(2023, "甲县自然资源和规划局")
    article = page(f"<meta name=ArticleTitle content={whole}>")
    settled = survey.settle(row("peek", found.title), article)
    assert (settled.kind, settled.title) == ("report", whole)
    known = row("report", "甲县自然资源和规划局2023年政府信息公开…", last_night="2026-11-20")
    assert survey.settle(known, article).title == whole


def test_a_column_carries_the_report_it_shows_unless_that_is_listed_too():
    shown = f"<title>政府信息公开年报</title><h3>{titled(2024)}</h3><p>{CHAPTERS}</p>"
    older = f"<li><a href='/nb/t20240101_1.html'>{titled(2023)}</a> 2024-01-01</li>"
    newest = "<li><a href='/nb/t20250101_2.html'>甲县2024年政府信息公开…</a> 2025-01-01</li>"
    carried = survey.settle(row("list", "年报"), page(shown + older))
    assert (carried.carries, carried.title) == (True, titled(2024))
    assert not survey.settle(row("list", "年报"), page(shown + older + newest)).carries


def test_what_frames_show_belongs_to_the_page_around_them():
    text = "<a href='/'>首页</a><iframe src='/inner/list.jsp?cid=8'></iframe>"
    [found] = survey.leads(row("list", "年报"), page(text), SITES)
    assert (found.url, found.kind, found.score) == (SITE + "/inner/list.jsp?cid=8", "list", 90)
    [found] = survey.leads(row("discovery", "政务公开", depth=1), page(text), SITES)
    assert (found.kind, found.depth) == ("discovery", 2)
    assert survey.leads(row("discovery", depth=survey.DISCOVERY_DEPTH), page(text), SITES) == []


def test_further_pages_of_a_sure_list_are_sure():
    pager = "<script>createPageHTML(2, 0, 'index', 'html');</script>"
    found = survey.further(row("list", score=85), page(pager), SITES, is_new=True)
    assert [(one.url, one.score) for one in found] == [
        (SITE + "/nb/index_1.html", 85),
        (SITE + "/nb/index_2.html", 85),
    ]
    assert survey.further(row("list"), page(pager), SITES, is_new=False) == []


def test_an_article_s_address_may_be_that_of_the_column():
    column = "<a href='/nb/2024/'>2024年</a><a href='/nb/2023/'>2023年</a>"
    peeked = row("peek", "政府信息公开年报", SITE + "/nb/104536.html")
    assert survey.settle(peeked, page(column, peeked.url)).kind == "list"
    assert (
        survey.settle(peeked, page(f"<p>概述，收费，{CHAPTERS}</p>", peeked.url)).kind == "report"
    )


def test_a_folder_named_like_a_report_is_a_list_where_it_lists():
    folder = row("report", titled(2024), SITE + "/nb/2024/")
    rows = f"<td><a href='/nb/2024/7.html'>{titled(2024, '甲县教育局')}</a></td>"
    assert survey.settle(folder, page(rows, folder.url)).kind == "list"
    own = f"<a href='/files/1.pdf'>{titled(2024)}</a>"
    assert survey.settle(folder, page(own, folder.url)).kind == "report"
    article = row("report", titled(2024), SITE + "/nb/t20250101_7.html")
    assert survey.settle(article, page(rows, article.url)).kind == "report"


def test_a_platform_s_pane_lists_cut_titles_under_a_tab_without_link():
    rows = "".join(
        f"<li><a href='/nb/{n}.html'>甲县教育局{n}年…</a> {n}-01-02</li>"
        for n in (2021, 2022, 2023)
    )
    platform = row("discovery", "政府信息公开", SITE + "/zfxxgk/", score=70)
    shown = page(f"<ul><li>政府信息公开年报</li></ul>{rows}", platform.url)
    settled = survey.settle(platform, shown)
    assert settled.kind == "list"
    assert {one.kind for one in survey.leads(settled, shown, SITES)} == {"peek"}
    assert survey.settle(platform, page(rows, platform.url)).kind == "discovery"


def test_the_archive_of_other_annual_reports_is_not_read():
    rows = "<li><a href='/tj/1.html'>某企业财务数据</a> 2024-01-02</li><a href='?page=2'>下一页</a>"
    vague = row("list", "年度报告", score=links.VAGUE)
    assert survey.leads(vague, page(rows), SITES)[0].kind == "noise"
    assert survey.further(vague, page(rows), SITES, is_new=True) == []
    ours = row("list", "政府信息公开年报", score=100)
    assert survey.leads(ours, page(rows), SITES)[0].kind == "peek"
    [second] = survey.further(ours, page(rows), SITES, is_new=True)
    assert second.url == SITE + "/nb/index.html?page=2"


def test_documents_as_rows_need_no_page_to_tell_what_they_are():
    rows = "<a href='/f/1.pdf'>2021年度报告</a><a href='/f/2.pdf'>2020年</a><a href='/f/3.doc'>附件1</a>"
    found = survey.leads(row("list", "政府信息公开年报"), page(rows), SITES)
    kinds = {one.url.removeprefix(SITE): one.kind for one in found}
    assert kinds["/f/1.pdf"] == kinds["/f/2.pdf"] == "report"
    assert kinds.get("/f/3.doc") in (None, "noise")


def test_a_body_s_name_in_a_menu_does_not_list_its_report():
    shown = f"<title>政府信息公开年报</title><h2>{titled(2024, '甲县教育局')}</h2><p>{CHAPTERS}</p>"
    menu = (
        "<ul><li><a href='z1.htm'>甲县教育局</a></li><li><a href='z2.htm'>甲县财政局</a></li></ul>"
    )
    settled = survey.settle(
        row("list", "教育局", SITE + "/nb/z1.htm"), page(menu + shown, SITE + "/nb/z1.htm")
    )
    assert settled.carries


def test_tiers_on_a_page_about_disclosure_are_directories_of_bodies():
    text = "<a href='/zwgk/bm.html'>县直部门</a>"
    [found] = survey.leads(
        row("discovery", "政务公开", SITE + "/zwgk/", depth=1), page(text, SITE + "/zwgk/"), SITES
    )
    assert (found.kind, found.title, found.score) == (
        "discovery",
        "县直部门信息公开",
        links.OF_BODIES - 5,
    )
    inner = "<a href='/d/1/'>教育局</a>"
    [body] = survey.leads(
        row("discovery", found.title, found.url, depth=2), page(inner, found.url), SITES
    )
    assert body.score >= links.STRONG


def test_what_a_list_cut_off_may_tell_that_a_row_is_no_report():
    cut = row("report", "甲县财政局2023年政务公开工作...", SITE + "/nb/t20240101_1.html")
    whole = page("<meta name=ArticleTitle content=甲县财政局2023年政务公开工作总结>", cut.url)
    assert survey.settle(cut, whole).kind == "noise"
    known = row("report", cut.title, cut.url, last_night="2026-11-20")
    assert survey.settle(known, whole).kind == "report"


def test_a_years_part_elsewhere_is_read_for_titles_that_may_be_a_reports():
    rows = (
        "<li><a href='/c2/1.html'>甲县教育局2023年政府信...</a>2024-01-02</li>"
        "<li><a href='/c2/2.html'>甲县教育局召开2023年工作...</a>2024-01-02</li>"
    )
    found = survey.leads(row("list", "2023年", score=80), page(rows), SITES)
    assert {one.url: one.kind for one in found} == {
        SITE + "/c2/1.html": "peek",
        SITE + "/c2/2.html": "noise",
    }


def test_bodies_on_a_page_about_disclosure_are_ways_to_their_columns():
    names = ("教育局", "民政局", "城关镇", "东关街道")
    bodies = "".join(
        f"<a href='/BranchOpennessContent/showList/{n}/0/page_1.html'>甲县{name}</a>"
        for n, name in enumerate(names, 100)
    )
    shown = page(bodies + "<a href='/hyfb/lbj/'>路边局</a>", SITE + "/gk/index.html")
    about = survey.leads(row("discovery", "政务公开", score=60, depth=1), shown, SITES)
    assert [one.score for one in about if one.score >= links.STRONG] == [50] * 4
    # A page about something else names bodies too.
    other = survey.leads(row("discovery", "办事服务", score=20, depth=1), shown, SITES)
    assert all(one.score < links.STRONG for one in other)


def test_sites_of_departments_are_looked_for_from_the_home_page_and_its_directories():
    home = page(
        "<a href='/jg/bm.html'>部门网站</a><a href='/jyj/'>教育局</a><a href='/mzj/index.html'>民政局</a>"
        "<a href='/sfj/'>司法局</a><a href='/bsdt/bm?id=4'>财政局</a>",
        SITE + "/",
    )
    found = {one.url: one.score for one in survey.leads(row("home", url=SITE + "/"), home, SITES)}
    strong = {url for url, score in found.items() if score >= links.STRONG}
    assert strong == {SITE + path for path in ("/jg/bm.html", "/jyj/", "/sfj/", "/mzj/index.html")}
    directory = row("discovery", "部门网站", SITE + "/jg/bm.html", depth=1)
    listed = survey.leads(directory, page(home.text, directory.url), SITES)
    assert SITE + "/jyj/" in {one.url for one in listed if one.score >= links.STRONG}


def test_the_documents_of_a_report_that_a_column_prints_are_no_reports_of_their_own():
    text = (
        f"<div class=article-content><h1>{titled(2023)}</h1><p>{CHAPTERS}</p>"
        f"<a href='/f/1.pdf'>{titled(2023)}.pdf</a><a href='/f/0.pdf'>{titled(2022)}.pdf</a></div>"
    )
    shown = page(text)
    now = survey.settle(row("list", "教育局"), shown)
    assert (now.carries, now.title) == (True, titled(2023))
    found = survey.leads(now, shown, SITES)
    assert [(one.kind, one.url) for one in found] == [("report", SITE + "/f/0.pdf")]


def test_undated_reports_at_addresses_alike_make_a_list():
    rows = [
        f"<li><a href='/gk/{year + 1}/{year - 1000}.jhtml'>{titled(year)}</a></li>"
        for year in (2021, 2022, 2023)
    ]
    way = row("discovery", "甲县教育局", score=50)
    assert survey.settle(way, page("".join(rows))).kind == "list"
    news = [f"<li><a href='/gk/2024/{n}.jhtml'>甲县召开第{n}次会议</a></li>" for n in range(10)]
    assert survey.settle(way, page("".join(rows + news))).kind == "discovery"
    # 年报 may be of anything; a list with such rows is one of ours.
    more = page("".join(rows) + "<a href='index_2.jhtml'>下一页</a>")
    vague = row("list", "年报", score=links.VAGUE)
    assert [one.url for one in survey.further(vague, more, SITES, is_new=True)] == [
        SITE + "/nb/index_2.jhtml"
    ]
    other = page("".join(news) + "<a href='index_2.jhtml'>下一页</a>")
    assert survey.further(vague, other, SITES, is_new=True) == []


def test_a_heading_with_its_more_link_or_a_tab_with_a_script_makes_no_column_of_a_page():
    news = "".join(
        f"<li><a href='/xw/{n}.html'>县委召开第{n}次会议并…</a> 2024-01-0{n}</li>"
        for n in range(1, 6)
    )
    way = row("discovery", "政务公开", score=60)
    aside = page(f"<ul><li>政府信息公开年报</li></ul><ul>{news}</ul>")
    assert survey.settle(way, aside).kind == "list"
    box = "<div><span>政府信息公开年报</span><a href='/nb/'>更多</a></div>"
    tab = "<ul><li onclick=\"location.href='/nb/'\"><span>政府信息公开年报</span></li></ul>"
    assert survey.settle(way, page(box + news)).kind == "discovery"
    assert survey.settle(way, page(tab + news)).kind == "discovery"


def test_what_a_list_counts_is_told_from_what_its_visitors_are():
    said = "共 41 条 3 页"
    for script, told in (
        ('{"totalCount":"41","totalPage":3}', ["41", "3"]),
        ("var total = 41;", ["41"]),
        ("var totalVisits = 5123, total_hits = 77;", []),
        ('{"totalClick":77}', []),
    ):
        assert survey.totals(page(f"<script>{script}</script>{said}")) == [*told, "41"]
