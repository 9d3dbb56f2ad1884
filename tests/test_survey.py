from crawler import survey
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
