"""Answers of our own making, in the manner of many servers, and what each of them says."""

import pytest

from crawler.fingerprint import sketch
from crawler.page import page_of
from crawler.verdict import judge

URL = "http://www.example.gov.cn/nb/t20240101_1.html"
HOME = "http://www.example.gov.cn/"
ARTICLE = (
    "<html><title>某县2023年政府信息公开工作年度报告</title><body>"
    + "<p>主动公开政府信息。</p>" * 200
    + "</body></html>"
)
MENU = "".join(f'<li><a href="/c{n}/index.html">栏目第{n}号</a></li>' for n in range(60))
NEWS = "".join(
    f'<li><a href="/news/{n}.html">某县召开第{n}次推进会议部署下一步工作</a>2024-01-{n % 28 + 1:02}</li>'
    for n in range(300)
)
FOOT = (
    "<div class=foot>主办：某县人民政府 政府网站标识码：1234567890 备案号：某ICP备05000000号</div>"
)


def framed(inner, title="某县人民政府"):
    """A notice within the site's menus and news: 40 KB."""
    return f"<html><head><title>{title}</title></head><body><ul>{MENU}</ul>{inner}<ul>{NEWS}</ul>{FOOT}</body></html>"


def verdict(status=200, text=ARTICLE, url=URL, final=None, flags=(), kind="", **more):
    final = final or url
    body = text.encode() if isinstance(text, str) else text
    page = page_of(final, body, kind)
    return judge(status, body, page, url, final, home_urls=(HOME,), flags=flags, **more).value


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (200, ARTICLE, "ok"),
        (304, "", "not_modified"),
        (404, "x", "gone"),
        (410, "x", "gone"),
        (301, "x", "moved"),
        (302, "", "moved"),
        (403, "forbidden", "error"),
        (500, "404 not found", "error"),
        (502, "", "error"),
        (504, "<h1>504 Gateway Time-out</h1>", "error"),
        (200, "", "error"),
        (200, " \r\n\ufeff", "error"),
        (200, "\0" * 900, "error"),
        (200, "<html><head></head><body></body></html>", "error"),
        (200, ARTICLE.replace("</body>", "3.本机关不掌握，信息不存在</body>"), "ok"),
        (200, "<p>本年度本机关未收到政府信息公开申请，2.没有现成信息需要另行制作</p>", "ok"),
        (200, "<meta http-equiv='refresh' content='0; url=./'>", "shell"),
        (200, "<script>location.href='/zfxxgk/nb/index.html'</script>", "shell"),
    ],
)
def test_what_a_server_says(status, text, expected):
    assert verdict(status, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "<title>404</title><p>返回首页</p>",
        "<title>404 Not Found</title><h1>Not Found</h1>",
        "<title>某县</title><h1>您访问的页面不存在或已删除</h1>",
        "<p>抱歉，该信息已被删除</p>",
        "<p>对不起，您要查看的文章已经删除！</p>",
        "<div>没有找到您要访问的页面，请检查网址</div>",
        "<title>提示信息</title><div>该文章不存在或未审核</div><a href='javascript:history.back()'>返回</a>",
        "<div><img src='/404.png'><p>很抱歉，您所访问的网页找不着了</p><p>5秒后返回首页</p></div>",
        "<p>The requested URL /nb/1.html was not found on this server.</p>",
        "<p>The page you are looking for does not exist.</p>",
        "<h2>HTTP Status 404 – 未找到</h2><p>Apache Tomcat/8.5</p>",
        "<title>无法找到资源。</title><h1>“/”应用程序中的服务器错误。</h1><h2>无法找到资源。</h2><b>HTTP 404。</b>",
        "<p>链接已失效</p>",
        "<p>文件不存在！</p>",
        "<script>alert('该信息不存在！');window.close();</script>",
        "<script>alert('您访问的页面不存在');location.href='/'</script>",
        framed("<h1>404</h1>"),
        framed("<h2>您访问的页面不存在</h2>"),
        framed("<div class=tip>您要访问的内容已被删除或者移动</div>"),
        framed("<p>返回</p>", title="404错误_某县人民政府"),
        framed("<p>返回</p>", title="页面不存在 - 某县人民政府"),
        framed("<p>找不到您要的页面</p><p>返回上一页</p>"),
    ],
)
def test_pages_that_are_not_there(text):
    assert verdict(200, text) == "soft_404"
    # The same words with the status that belongs to them.
    assert verdict(404, text) == "gone"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (521, "<script>document.cookie=('_')+('_')+('j');location.href=location.pathname</script>"),
        (521, ""),
        (200, "<script>go({'tn':'__jsl_clearance_s'})</script>"),
        (412, "<script>$_ts=window['$_ts']</script>"),
        (412, ""),
        (
            202,
            "<html><script>$_ts=window['$_ts'];if(!$_ts)$_ts={};</script><script src='/a.js'></script></html>",
        ),
        (202, "<script r='m'>$_ts={};</script><body></body>"),
        (202, "<html><body><script>var a=1</script></body></html>"),
        (400, "<html><head><script>$_ts={}</script></head></html>"),
        (400, "<html><body>400 Bad Request</body></html>"),
        (200, "<script>window.location.href='x';var WTKkN=1</script>"),
        (200, "<script>var x='EO_Bot_Ssid';document.cookie=x</script>"),
        (200, "<html><script src='/_bot_sbu/sbu_fpcm.js'></script></html>"),
        (200, "<script>document.cookie='C3VK=9f2e10; path=/';window.location.reload();</script>"),
        (
            200,
            "<script>var d='k=1';document.cookie = d + ';path=/'; location.href = location.href;</script>",
        ),
        (
            200,
            "<script>document['cookie']='t=9';setTimeout(function(){location.replace(location.href)},9)</script>",
        ),
        (
            200,
            "<html><script>eval(function(p,a,c,k,e,d){return p}('0 1',2,2,''.split('|')))</script></html>",
        ),
        (200, "<script>var _0x4f2a=['\\x63\\x6f'];document.cookie=_0x4f2a[0]</script>"),
        (200, "<title>访问验证</title><p>请完成验证</p>"),
        (200, "<title>安全验证</title><p>请拖动滑块完成拼图</p>"),
        (200, "<p>您的请求已被网站防火墙拦截，事件编号：8a7f</p>"),
        (200, "<h1>网防G01</h1><p>您的访问存在安全风险</p>"),
        (200, "<title>云堤网站安全防护</title>"),
        (200, "<p>NWAF 请完成人机验证后继续访问</p>"),
        (200, "不合法的参数"),
        (200, "<p>您的IP访问过于频繁，请稍后再试</p>"),
        (200, "<p>很抱歉，由于您访问的URL有可能对网站造成安全威胁，您的访问被阻断。</p>"),
        (405, "<p>很抱歉，由于您访问的URL有可能对网站造成安全威胁，您的访问被阻断。</p>"),
        (200, "<p>本站禁止境外IP访问</p>"),
        (403, "<p>抱歉，境外用户暂不能访问本网站</p>"),
        (
            403,
            "<h1>Access Denied</h1><p>You don't have permission to access this server. Reference #18.2f</p>",
        ),
        (
            403,
            "<title>Attention Required! | Cloudflare</title><h1>Sorry, you have been blocked</h1>",
        ),
        (503, "<title>Just a moment...</title><p>Checking your browser before accessing</p>"),
        (
            200,
            "The requested URL was rejected. Please consult with your administrator. Your support ID is: 77",
        ),
        (403, "<h2>Web Application Firewall</h2><p>Request blocked. Event ID: 9</p>"),
        (200, "<p>Please enable JavaScript and cookies to continue</p>"),
        (200, "<p>Request unsuccessful. Incapsula incident ID: 1-2</p>"),
        (418, "<p>检测到您的请求存在异常行为，已被拦截</p>"),
        (404, "<title>访问被拦截</title><p>您的请求被拦截</p>"),
        (200, "<p>请开启JavaScript并刷新该页</p>"),
        (200, "<p>正在检查您的浏览器，请稍候</p>"),
    ],
)
def test_challenges_and_blocks(status, text):
    assert verdict(status, text) == "challenge"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (200, "<p>系统维护中</p>"),
        (200, "<title>系统维护</title><p>网站正在升级改造，给您带来不便敬请谅解</p>"),
        (503, "<p>系统维护</p>"),
        (404, "<title>系统维护中</title><p>本网站系统维护，暂停服务</p>"),
        (200, "<h1>网站升级维护公告</h1><p>因机房搬迁，本网站将于今晚暂停访问</p>"),
        (
            200,
            "<h1>HTTP Status 500 – Internal Server Error</h1><p>java.lang.NullPointerException</p>",
        ),
        (200, "<p>Service Temporarily Unavailable</p>"),
        (200, "<title>运行时错误</title><h1>“/”应用程序中的服务器错误。</h1><p>运行时错误</p>"),
        (200, "<p>系统异常，请联系管理员</p>"),
        (200, "<p>数据库连接错误</p>"),
        (200, "<p>服务器繁忙，请稍后再试</p>"),
        (200, "Error establishing a database connection"),
        (200, "ORA-12541: TNS:no listener"),
        (
            403,
            "<html><title>403 Forbidden</title><center><h1>403 Forbidden</h1></center><hr>nginx</html>",
        ),
        (
            400,
            "<h2>Bad Request - Invalid URL</h2><p>HTTP Error 400. The request URL is invalid.</p>",
        ),
        (400, "<p>Request Header Or Cookie Too Large</p>"),
        (405, "<h1>405 Not Allowed</h1>"),
    ],
)
def test_failures_are_neither_gone_nor_challenges(status, text):
    assert verdict(status, text) == "error"


def test_a_home_page_is_forbidden_to_nobody_but_us():
    bare = "<h1>403 Forbidden</h1>"
    assert verdict(403, bare, url=HOME) == "challenge"
    assert verdict(403, bare) == "error"


WORDS = [
    "您访问的页面不存在",
    "该信息已被删除",
    "404 Not Found",
    "请完成访问验证后继续",
    "您的请求被网站防火墙拦截",
    "系统维护中，暂停服务",
    "Access Denied",
    "服务器错误，请稍后再试",
    "网站安全防护由网防G01提供",
]


@pytest.mark.parametrize("words", WORDS)
def test_a_report_may_say_any_of_it(words):
    """In its prose, in a line of its own, and as the first or the last of many."""
    for text in (
        ARTICLE.replace("</body>", f"<p>{words}</p></body>"),
        ARTICLE.replace("<body>", f"<body><p>{words}</p>"),
        ARTICLE.replace("</body>", f"<p>{'全年未出现' + words + '等情况，' * 3}</p></body>"),
    ):
        assert verdict(text=text) == "ok"


@pytest.mark.parametrize("words", [*WORDS[1:], "如链接失效，请与我们联系"])
def test_a_home_page_full_of_links_may_mention_it(words):
    assert verdict(text=framed(f"<p>通知：{words}</p>"), url=HOME) == "ok"


@pytest.mark.parametrize(
    "text",
    [
        "<h1>某县2023年年报</h1><p>如附件链接失效，请致电办公室</p><a href='nb.pdf'>附件</a>",
        "<title>某县教育局2023年政府信息公开工作年度报告</title><p>附件：<a href='/download/?id=4'>下载</a></p>"
        "<footer>本网站由云锁提供安全防护，发现页面无法访问请反馈</footer>",
        "<p>本机关2023年没有收到申请，网站曾因系统升级暂停服务两日，期间申请渠道畅通，"
        + "未影响公众获取信息，" * 10
        + "特此说明。</p><a href='nb.docx'>全文</a>",
        "<div class=zw><p>2023年政府信息公开年报</p><iframe src='/v.html?file=/nb.pdf'></iframe></div>",
        "<script>document.cookie='skin=red'</script><p>某局2023年年度报告</p><a href='1.doc'>附件</a>",
        "<noscript>请开启JavaScript并刷新</noscript><p>某局2023年年度报告全文如下，未收到申请。</p>",
        "<ul><li><a href='/1.html'>页面不存在怎么办</a></li><li><a href='/2.html'>关于系统维护的公告</a></li></ul>",
        "<div id='app'></div><script src='/js/app.js'></script>",
        framed("<p>如发现链接失效或者页面不存在，请联系我们</p>"),
        framed(
            "<h1>某县教育局关于网页内容已失效清单的公示</h1>"
            + "<p>清单列明各单位清理文件情况。</p>" * 150
        ),
    ],
)
def test_small_pages_that_are_what_they_are(text):
    assert verdict(text=text) == "ok"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"code":200,"data":{"total":0,"rows":[]}}', "ok"),
        ('{"total":0,"rows":[]}', "ok"),
        ('{"code":0,"data":[{"title":"您访问的页面不存在","url":"/404.html"}]}', "ok"),
        ('[{"title":"系统维护公告"}]', "ok"),
        ("[]", "ok"),
        ('cb({"result":"<datastore><record>1</record></datastore>"})', "ok"),
        ('{"success":true,"msg":"操作成功","data":null}', "ok"),
        ('{"code":404,"msg":"数据不存在"}', "soft_404"),
        ('{"code":"500","msg":"该文章已被删除","data":null}', "soft_404"),
        ('{"code":500,"msg":"系统异常"}', "error"),
        ('{"success":false,"message":"内部错误"}', "error"),
        ('{"timestamp":1,"status":500,"error":"Internal Server Error","path":"/a"}', "error"),
        ('{"code":403,"msg":"Forbidden"}', "challenge"),
        ('{"code":-1,"msg":"访问过于频繁，请稍后再试"}', "challenge"),
        ('{"ret":"fail","code":"FAIL","msg":"x"}', "error"),
    ],
)
def test_answers_in_json(text, expected):
    assert verdict(text=text, kind="application/json") == expected


def test_a_page_that_redirects_to_the_home_page_is_gone_and_not_moved():
    for home in ("", "index.html", "index.shtml", "default.aspx", "main.jsp", "Index.html"):
        assert verdict(final=HOME + home) == "home_redirect"
    assert verdict(url="http://jyj.example.gov.cn/1.html", final=HOME) == "home_redirect"


def test_the_home_page_may_redirect_to_its_own_index():
    assert verdict(url=HOME, final=HOME + "index.html") == "moved"


def test_https_is_no_move_and_another_path_is():
    assert verdict(final=URL.replace("http:", "https:")) == "ok"
    assert verdict(final=HOME + "new/1.html") == "moved"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("404.html", "soft_404"),
        ("error/404.jsp", "soft_404"),
        ("errorpage/404.htm?from=/nb/1.html", "soft_404"),
        ("Error.aspx?aspxerrorpath=/nb/1.aspx", "soft_404"),
        ("login.jsp?next=/nb/1.html", "error"),
        ("sso/login", "error"),
        ("waf/captcha.html", "challenge"),
    ],
)
def test_where_a_redirect_ends(path, expected):
    assert verdict(text="<p>欢迎使用</p>", final=HOME + path) == expected


@pytest.mark.parametrize("path", ["info/1517/4040.htm", "content/410233.html", "nb/50231.html"])
def test_an_article_whose_number_begins_like_a_status_is_there(path):
    short = ARTICLE.replace("<p>主动公开政府信息。</p>" * 200, "<p>主动公开政府信息。</p>" * 20)
    assert verdict(text=short, url=HOME + path) == "ok"
    assert verdict(text=short, final=HOME + path) == "moved"


def test_a_redirect_to_itself_wants_its_cookie_back():
    assert verdict(302, "", location=URL) == "challenge"
    assert verdict(302, "", location="t20240101_1.html") == "challenge"
    assert verdict(302, "", location="/nb/t20240101_2.html") == "moved"
    assert verdict(302, "<script>CT6T</script>") == "challenge"


@pytest.mark.parametrize(
    ("text", "flags", "expected"),
    [
        (ARTICLE, ["dataloss"], "truncated"),
        (ARTICLE, ["partial"], "ok"),
        (ARTICLE[:-20], ["partial"], "truncated"),
        (b"%PDF-1.4 ... %%EOF\n", ["partial"], "ok"),
        (b"%PDF-1.4 ...", ["partial"], "truncated"),
        (b"PK\x03\x04 word/document.xml", ["partial"], "truncated"),
        (b"PK\x03\x04 word/document.xml PK\x05\x06 end", ["partial"], "ok"),
        ('{"rows":[{"a":1}]}', ["partial"], "ok"),
        ('{"rows":[{"a":1}', ["partial"], "truncated"),
        (framed("<h1>404</h1>"), ["dataloss"], "truncated"),
    ],
)
def test_half_an_answer(text, flags, expected):
    assert verdict(text=text, flags=flags) == expected


def test_documents_are_taken_as_they_are():
    assert verdict(text=b"%PDF-1.4 404 not found %%EOF") == "ok"
    assert verdict(text=b"\xd0\xcf\x11\xe0 word") == "ok"
    assert verdict(404, b"%PDF-1.4 %%EOF") == "gone"


def learnt(text):
    return sketch(page_of(HOME + "zzqx81/none-7.html", text.encode()))


def test_a_sites_own_words_once_learnt():
    lost = framed("<div class=tip>哎呀，网页去旅行了</div>").replace("第", "某")
    other_news = lost.replace("推进会议", "座谈会议")
    assert verdict(text=other_news) == "ok"
    assert verdict(text=other_news, not_found=learnt(lost)) == "soft_404"
    report = lost.replace("哎呀，网页去旅行了", "某县2023年年度报告 <a href='/nb.pdf'>附件</a>")
    assert verdict(text=report, not_found=learnt(lost)) == "ok"
    assert verdict(not_found=learnt(lost)) == "ok"


def test_the_home_page_for_every_lost_address():
    home = framed(
        "<div class=js>某县地处平原，辖十二个乡镇，历史悠久，物产丰富。</div><h3>通知公告</h3>"
    )
    assert verdict(text=home, not_found=learnt(home)) == "soft_404"
    # It is still itself.
    assert verdict(text=home, url=HOME, not_found=learnt(home)) == "ok"


def test_an_interface_that_answers_for_what_is_not_there():
    lost = '{"code":200,"data":{"title":"","content":"","note":"暂无内容"}}'
    page = '{"code":200,"data":{"title":"某县2023年年报","content":"<p>新收申请41件</p>"}}'
    assert verdict(text=lost, kind="application/json", not_found=learnt(lost)) == "soft_404"
    assert verdict(text=page, kind="application/json", not_found=learnt(lost)) == "ok"


def test_a_report_may_be_the_four_hundred_and_fourth():
    url = "http://www.example.gov.cn/gk/2024/404.html"
    short = (
        "<html><title>某县2023年政府信息公开工作年度报告</title><body><div class='article-content'><p>某县2023年政府信息公开工作年度报告。本机关主动公开各类信息并答复公众提出的申请，收到的申请均依法按期办结，没有行政复议和行政诉讼。"
        + "各项工作平稳有序，各类平台运行正常，监督保障有力。" * 8
        + "</p></div></body></html>"
    )
    notice = "<html><title>某县人民政府</title><body><p>请稍后。</p></body></html>"
    assert verdict(text=short, url=url) == "ok"
    assert verdict(text=notice, url=url) == "soft_404"


def test_a_tree_of_links_beside_a_frame_is_no_shell():
    frame = "<iframe src='/zn/'></iframe>"
    tree = (
        "<script>var zNodes=[{name:'年报',url:'/nb/'}];$.fn.zTree.init($('#t'),{},zNodes);</script>"
    )
    assert verdict(text=f"<p>目录</p>{frame}") == "shell"
    assert verdict(text=f"<p>目录</p>{frame}{tree}") == "ok"
