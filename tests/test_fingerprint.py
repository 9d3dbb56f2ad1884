"""Pages made of a template, an article and what changes by itself; every pair is of our making."""

import random
import re

import pytest

from crawler.fingerprint import fingerprint, is_like, own_lines, sketch
from crawler.page import Page, read_page

URL = "http://www.example.gov.cn/zfxxgk/nb/t20240120_1.html"

CHAPTERS = [
    "<p>根据《中华人民共和国政府信息公开条例》，临河县教育局编制2023年度报告。</p>",
    "<p>一、总体情况</p><p>全年网站访问量：12345次，主动公开信息316条。</p>",
    "<p>三、收到和处理政府信息公开申请情况</p><table class='MsoTable'>"
    "<tr><td>一、本年新收政府信息公开申请数量</td><td>41</td><td>2</td></tr>"
    "<tr><td>二、上年结转政府信息公开申请数量</td><td>1</td><td>0</td></tr>"
    "<tr><td>（一）予以公开</td><td>38</td><td>2</td></tr></table>",
    "<p>五、存在的主要问题及改进情况</p><p>公开队伍力量仍显不足，下一步将加强培训。</p>",
    "<p>六、其他需要报告的事项</p><p>本年度没有收取信息处理费。</p>",
]
BODY = "".join(CHAPTERS)
FILES = (
    '<p>附件：<a href="P020240120.pdf">年度报告.pdf</a></p><img src="W020240120.jpg" width="600">'
)


def menus(seed):
    made = random.Random(seed)
    return "".join(
        f'<li><a href="/m{made.randrange(99)}/">栏目{made.randrange(99)}</a></li>'
        for _ in range(30)
    )


def news(seed, tag="li"):
    made = random.Random(seed)
    return "".join(
        f'<{tag}><a href="/news/{made.randrange(10**6)}.html">我县召开第{made.randrange(90)}次工作推进会议</a>'
        f"<span>2026-11-{made.randrange(1, 30):02}</span></{tag}>"
        for _ in range(8)
    )


def trs(body, visit, title):
    return f"""<html><head><title>{title}_临河县</title><meta name="ArticleTitle" content="{title}"></head><body>
<div class="header"><div class="date">今天是2026年11月{visit % 28 + 1}日 星期{"一二三四五六日"[visit % 7]}</div><ul>{menus(1)}</ul></div>
<div class="xl"><h1>{title}</h1><div class="info">发布时间：2024-01-20 来源：教育局 浏览次数：<span id="hits">{visit * 37}</span>次</div>
<div class="view TRS_UEDITOR">{body}</div><div class="bdsharebuttonbox">分享到：<a href="#">微信</a>{visit}</div></div>
<div class="right"><h3>相关新闻</h3><ul>{news(visit)}</ul></div><div class="footer">主办：临河县 访问量：{visit * 991}</div></body></html>"""


def boda(body, visit, title):
    return f"""<html><head><title>{title}</title></head><body><form name="_newscontent_fromname">
<h3>{title}</h3><p>2024年01月20日 10:21 &nbsp; 点击：[<span id="dynclicks_u12">{visit}</span>]</p>
<div id="vsb_content_2"><div class="v_news_content">{body}</div></div>
<p>上一条：<a href="../info/{visit}.htm">临河县教育局关于第{visit}次会议的通知</a></p>
<input type="hidden" name="__VIEWSTATE" value="/wEP{visit:08x}"></form><script>_jsq_({visit})</script></body></html>"""


def inside(body, visit, title):
    """Everything that changes stands within the container itself."""
    return f"""<html><body><div id="zoom"><h1>{title}</h1><div>来源：办公室<span>阅读：{visit}</span><span>次</span></div>
{body}<div class="relatedNews"><h4>相关阅读</h4>{news(visit, "p")}</div>
<ul class="list">{news(visit + 5)}</ul><div>您是第{visit}位访客</div>
<div style="display:none" id="tk">{visit:032x}</div></div></body></html>"""


def nameless(body, visit, title):
    """No known name: the densest block."""
    return f"""<HTML><BODY><DIV class=top1><UL>{menus(visit)}</UL></DIV><DIV class=wrap9><DIV class=lm>
<UL>{news(visit)}</UL></DIV><DIV class=zw><H2>{title}</H2>
<DIV class=sx>字号：<A href='javascript:doZoom(16)'>大</A> 阅读量：{visit}</DIV>
{body * 3}</DIV><DIV class=gg{visit % 3}>欢迎关注</DIV></DIV></BODY></HTML>"""


def nested_tables(body, visit, title):
    """Layout by tables, as before 2010: whole body less menus."""
    return f"""<table><tr><td><a href="/">首页</a><a href="/a/">新闻</a></td><td>今天是 2026年11月{visit % 28 + 1}日</td></tr>
<tr><td width=200><table>{news(visit, "tr")}</table></td><td><b>{title}</b><br>{body}
<p>浏览次数：{visit} 次 【打印】【关闭】</p></td></tr><tr><td>版权所有</td></tr></table>"""


def lonsun(body, visit, title):
    """Attachments below the container; addresses with a token of the visit."""
    return f"""<html><body><div class="wzbox"><div class="j-fontContent">{body}</div>
<div class="detail-downlist"><ul><li><a href="/download/?mod=site_attach&_id=5f1&token={visit:032x}">附件：年度报告</a></li></ul></div>
<div class="tuijian"><a href="/x/{visit}.html">{visit}条推荐的新闻内容标题</a></div></div></body></html>"""


TEMPLATES = [trs, boda, inside, nameless, nested_tables, lonsun]
TITLE = "临河县教育局2023年政府信息公开工作年度报告"


def page(text, url=URL):
    return read_page(url, text.encode())


def made(template, body=BODY + FILES, visit=3, title=TITLE):
    return fingerprint(page(template(body, visit, title)))


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("visit", [4, 11, 990, 123_456])
def test_what_changes_by_itself_is_no_change(template, visit):
    assert made(template) == made(template, visit=visit)


EDITS = {
    "a digit in a cell": ("<td>41</td>", "<td>42</td>"),
    "digits that move between cells": ("<td>41</td><td>2</td>", "<td>4</td><td>12</td>"),
    "a cell emptied": ("<td>38</td>", "<td></td>"),
    "a deleted paragraph": ("<p>本年度没有收取信息处理费。</p>", ""),
    "a deleted heading": ("<p>六、其他需要报告的事项</p>", ""),
    "a word": ("仍显不足", "略显不足"),
    "an added row": ("</table>", "<tr><td>（二）部分公开</td><td>3</td><td>0</td></tr></table>"),
    "a figure that looks like a counter": ("访问量：12345次", "访问量：12346次"),
    "a swapped attachment": ("P020240120.pdf", "P020240312.pdf"),
    "a swapped picture": ("W020240120.jpg", "W020240312.jpg"),
    "an added attachment": ("<img ", '<a href="b.docx">附表</a><img '),
    "a table replaced by its picture": (CHAPTERS[2], '<img src="b.png">'),
}


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("edit", EDITS)
def test_what_someone_edits_is_a_change(template, edit):
    before, after = EDITS[edit]
    whole = BODY + FILES
    assert whole.count(before) >= 1
    assert made(template) != made(template, whole.replace(before, after, 1), visit=8)


@pytest.mark.parametrize("template", [trs, boda, inside, nameless, nested_tables])
def test_an_edited_title_is_a_change(template):
    assert made(template) != made(template, title=TITLE.replace("2023", "2022"))


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_report_that_is_only_an_attachment(template):
    alone = '<p><a href="/files/nb2023.pdf">临河县2023年年度报告</a></p>'
    assert made(template, alone) == made(template, alone, visit=77)
    assert made(template, alone) != made(template, alone.replace("nb2023", "nb2023x"))


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_report_that_is_only_a_viewer(template):
    alone = '<iframe src="/pdfjs/web/viewer.html?file=/files/nb2023.pdf"></iframe>'
    assert made(template, alone) == made(template, alone, visit=77)
    assert made(template, alone) != made(template, alone.replace("nb2023", "nb2023x"))


def test_the_attachment_below_the_container_counts_and_its_token_does_not():
    one = fingerprint(page(lonsun(BODY, 3, TITLE)))
    assert one == fingerprint(page(lonsun(BODY, 4, TITLE)))
    assert one != fingerprint(page(lonsun(BODY, 3, TITLE).replace("_id=5f1", "_id=5f2")))


def test_scheme_session_and_order_of_the_query_are_no_part_of_an_address():
    text = '<div id="zoom"><p>附件</p><a href="{}">年报</a></div>'
    same = [
        "http://www.example.gov.cn/down.jsp?id=7&n=1",
        "https://www.example.gov.cn/down.jsp?n=1&id=7",
        "/down.jsp;jsessionid=8A7F?id=7&n=1#x",
        "/down.jsp?id=7&n=1&_t=1700000000000",
        "/down.jsp?id=7&n=1&rnd=0.8812763",
    ]
    prints = {fingerprint(page(text.format(one))) for one in same}
    assert len(prints) == 1
    assert fingerprint(page(text.format("/down.jsp?id=8&n=1"))) not in prints
    # A short value by the same name tells documents apart.
    one, other = (fingerprint(page(text.format(f"/down.jsp?t={n}"))) for n in (7, 8))
    assert one != other


def test_markup_without_words_is_no_change():
    plain = '<div class="TRS_Editor"><p>主动公开政府信息316条，同比增长。</p></div>' + "<p>x</p>"
    styled = plain.replace("316", '<span lang="EN-US" style="font-size:16pt">316</span>')
    spaced = plain.replace("信息", "信 息&nbsp;").replace("<p>", '\n  <p style="text-indent:2em">')
    assert len({fingerprint(page(text)) for text in (plain, styled, spaced)}) == 1


def test_of_two_containers_of_one_name_both_are_read():
    text = '<div id="zoom"><div class="TRS_Editor"><p>{}</p></div><div class="TRS_Editor"><p>{}</p></div></div>'
    long = "主动公开政府信息。" * 20
    assert fingerprint(page(text.format(long, "甲"))) != fingerprint(page(text.format(long, "乙")))


def test_an_empty_container_beside_the_real_one():
    text = '<body><div id="zoom"></div><div class="c9"><p>{}</p></div></body>'
    long = "主动公开政府信息。" * 20
    assert fingerprint(page(text.format(long + "甲"))) != fingerprint(
        page(text.format(long + "乙"))
    )


def test_paragraphs_beside_a_giant_table_are_read():
    table = (
        "<div class=tb><table>"
        + "<tr><td>予以公开的件数</td><td>1</td></tr>" * 90
        + "</table></div>"
    )
    text = (
        f"<body><div class=m><div class=a><div>{{}}</div>{table}<div>{{}}</div></div></div></body>"
    )
    prints = {
        fingerprint(page(text.format(one, other)))
        for one, other in (("没有收取费用", "无"), ("收取了费用", "无"), ("没有收取费用", "有"))
    }
    assert len(prints) == 3


def test_an_answer_in_json():
    text = (
        '{"code":200,"timestamp":1700000000,"data":{"title":"2023年年报","hits":12,'
        '"docClob":"<div><p>新收申请41件</p><a href=\\"a.pdf\\">附件</a></div>"}}'
    )
    churn = text.replace("1700000000", "1700000099").replace('"hits":12', '"hits":99')
    assert fingerprint(page(text)) == fingerprint(page(churn))
    assert fingerprint(page(text)) == fingerprint(page(f"cb123({text});"))
    for before, after in (("41件", "42件"), ("a.pdf", "b.pdf"), ("2023年年报", "2022年年报")):
        assert fingerprint(page(text)) != fingerprint(page(text.replace(before, after)))


def test_what_only_a_script_shows():
    text = '<html><body><div id="app"></div><script>window.__INITIAL_STATE__={"n":41,"t":1700000000000}</script>'
    assert fingerprint(page(text)) == fingerprint(
        page(text.replace("1700000000000", "1700000000009"))
    )
    assert fingerprint(page(text)) != fingerprint(page(text.replace("41", "42")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00",
        "<",
        "<div " * 1000,
        "<div>" * 5_000,
        "{",
        "[[[[",
        "{}" * 9,
        "\ud800<p>x",
        "<a href='http://['>x</a>",
        "<img src='data:x'>",
        "<title>x",
    ],
)
def test_nothing_is_too_broken(text):
    broken = Page(URL, text)
    assert re.fullmatch("[0-9a-f]{64}", fingerprint(broken))
    assert not is_like(broken, sketch(broken)) or own_lines(broken)
    assert not is_like(broken, text)


# A site's own not-found page.


def frame(inner, visit=0, title="临河县人民政府"):
    return f"""<html><head><title>{title}</title></head><body><div class="header"><p>欢迎访问临河县人民政府门户网站</p>
<p>今天是2026年11月{visit % 28 + 1}日 星期{"一二三四五六日"[visit % 7]}</p><ul>{menus(1)}</ul></div>{inner}
<div class="footer"><p>主办单位：临河县人民政府办公室 承办单位：临河县大数据中心</p><p>地址：临河县人民路1号 电话：0000-1234567</p>
<p>备案号：某ICP备0500{visit}号 访问量：{visit * 97}</p></div></body></html>"""


def random_path(visit):
    return f"/zzqx{visit * 7919:07x}/no-such-page-{visit}.html"


def plain_404(visit):
    return f"<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1><p>The requested URL {random_path(visit)} was not found on this server.</p></body></html>"


def framed_404(visit):
    return frame(
        f"<div class=err><h2>抱歉，您访问的页面不存在</h2><p>{random_path(visit)}</p></div>", visit
    )


def worded_otherwise(visit):
    return frame(
        "<div class=err><img src='/images/lost.png'><p>哎呀，网页去旅行了，五秒以后带您回家</p></div>",
        visit,
    )


def full_of_news(visit):
    """40 KB of menus and news around a few words."""
    lists = "".join(
        f"<div class=box><h3>推荐阅读{n}</h3><ul>{news(visit * 50 + n)}</ul></div>"
        for n in range(36)
    )
    return frame(
        f"<p>您要找的内容已被删除或移动</p><p>请求时间：10:{visit % 60:02}:07</p>{lists}", visit
    )


def home_itself(visit):
    boxes = "".join(
        f"<div class=box><h3>{name}</h3><p>{'本县基本情况介绍' * 4}</p><ul>{news(visit * 9 + n)}</ul></div>"
        for n, name in enumerate(
            ["要闻动态", "通知公告", "政务公开", "办事服务", "互动交流", "走进临河"]
        )
    )
    return frame(boxes + f"<div>天气：{visit % 30}℃</div>", visit)


def alert_and_back(visit):
    return (
        "<html><body><script>alert('该文章不存在或未审核');history.back();</script></body></html>"
    )


def json_404(visit):
    return f'{{"code":404,"msg":"数据不存在","path":"{random_path(visit)}","timestamp":17000000{visit:05}}}'


def iis(visit):
    return (
        "<html><head><title>无法找到资源。</title></head><body><h1>“/”应用程序中的服务器错误。</h1><h2><i>无法找到资源。</i></h2>"
        + (
            f"<b>说明：</b>HTTP 404。<b>请求的 URL：</b>{random_path(visit)}<p>版本信息：4.0.30319</p></body></html>"
        )
    )


NOT_FOUND = [
    plain_404,
    framed_404,
    worded_otherwise,
    full_of_news,
    home_itself,
    alert_and_back,
    json_404,
    iis,
]


def shown(make, visit):
    return page(make(visit), "http://www.example.gov.cn" + random_path(visit))


@pytest.mark.parametrize("make", NOT_FOUND)
def test_a_not_found_page_is_known_again_at_another_address(make):
    learnt = sketch(shown(make, 1))
    assert learnt
    for visit in (2, 17, 31):
        assert is_like(shown(make, visit), learnt)
        assert is_like(page(make(visit), URL), learnt)


REPORTS = {
    "whole": f'<div class="article"><h1>{TITLE}</h1>{BODY}</div>',
    "an attachment": f'<div><h1>{TITLE}</h1><p>附件：<a href="/f/nb.pdf">下载</a></p></div>',
    "an attachment and no title": '<div><a href="/f/nb.pdf">点击查看</a></div>',
    "a viewer": '<div><iframe src="/viewer.html?file=/f/nb.pdf"></iframe></div>',
    "a picture": '<div><img src="/f/W020240120.jpg"></div>',
    "a short text": f"<div><p>{TITLE}</p><p>本年度未收到申请，无收费情况。</p></div>",
    "a text that quotes": f"<div><h1>{TITLE}</h1><p>抱歉，您访问的页面不存在</p>{BODY}</div>",
    "prose": "<div>"
    + "<p>全年受理群众来信来访，均按期办结答复，未发生投诉。</p><p>下一步将加强队伍建设。</p>" * 3
    + "</div>",
}


@pytest.mark.parametrize("make", NOT_FOUND)
@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("title", ["临河县人民政府", f"{TITLE}_临河县人民政府"])
def test_a_report_of_the_same_site_is_never_like_it(make, report, title):
    learnt = sketch(shown(make, 1))
    assert not is_like(page(frame(REPORTS[report], 5, title)), learnt)


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_within_the_home_pages_own_frame_is_not_like_it(report):
    """A site whose every page has the home page's boxes around it."""
    text = home_itself(6).replace('<div class="footer">', REPORTS[report] + '<div class="footer">')
    assert not is_like(page(text), sketch(shown(home_itself, 1)))


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("make", NOT_FOUND)
def test_no_report_is_like_any_not_found_page(template, make):
    assert not is_like(page(template(BODY, 5, TITLE)), sketch(shown(make, 1)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html><body></body></html>",
        '<html><title>临河县</title><body><div id="app"></div><script src="/js/app.js"></script></body></html>',
        '<html><title>临河县</title><body><div id="root">正在加载</div></body></html>',
        "<html><title>临河县</title><body>数据加载中</body></html>",
    ],
)
def test_a_page_that_scripts_fill_is_no_sketch(text):
    assert sketch(page(text)) == ""


def test_no_sketch_is_like_nothing():
    assert not is_like(page(framed_404(1)), "")
    assert not is_like(page(framed_404(1)), "sketch-0 abc  def:3")


def test_not_found_pages_of_two_sites_are_not_alike():
    learnt = [sketch(shown(make, 1)) for make in NOT_FOUND]
    for one, make in enumerate(NOT_FOUND):
        likes = [is_like(shown(make, 2), other) for other in learnt]
        assert likes == [other == one for other in range(len(NOT_FOUND))]


def test_own_lines_are_neither_links_nor_scripts():
    text = "<body><script>var a='不存在'</script><ul><li><a href='/1.html'>页面不存在怎么办</a>2024</li></ul><p>该<b>页面</b> 不存在</p></body>"
    assert own_lines(page(text)) == ("该页面不存在",)
