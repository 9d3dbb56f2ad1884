import pytest

from crawler.page import read_page
from crawler.verdict import judge

URL = "http://www.example.gov.cn/nb/t20240101_1.html"
HOME = "http://www.example.gov.cn/"
ARTICLE = (
    "<html><title>某县2023年政府信息公开工作年度报告</title><body>"
    + "<p>主动公开政府信息。</p>" * 200
    + "</body></html>"
)


def verdict(status=200, text=ARTICLE, url=URL, final=None, flags=()):
    final = final or url
    body = text.encode() if isinstance(text, str) else text
    page = None if body[:4] == b"%PDF" else read_page(final, body)
    return judge(status, body, page, url, final, home_urls=(HOME,), flags=flags).value


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (200, ARTICLE, "ok"),
        (304, "", "not_modified"),
        (404, "x", "gone"),
        (410, "x", "gone"),
        (301, "x", "moved"),
        (403, "forbidden", "error"),
        (500, "404 not found", "error"),
        (200, "", "error"),
        (200, "<title>404</title><p>返回首页</p>", "soft_404"),
        (200, "<title>某县</title><h1>您访问的页面不存在或已删除</h1>", "soft_404"),
        (200, "<p>抱歉，该信息已被删除</p>", "soft_404"),
        (200, ARTICLE.replace("</body>", "3.本机关不掌握，信息不存在</body>"), "ok"),
        (200, "<p>本年度本机关未收到政府信息公开申请，2.没有现成信息需要另行制作</p>", "ok"),
        (521, "<script>document.cookie=('_')</script>", "challenge"),
        (200, "<script>go({'tn':'__jsl_clearance_s'})</script>", "challenge"),
        (412, "<script>$_ts=window['$_ts']</script>", "challenge"),
        (200, "<title>访问验证</title><p>请完成验证</p>", "challenge"),
        (200, "<meta http-equiv='refresh' content='0; url=./'>", "shell"),
        (200, "<p>系统维护中</p>", "ok"),
    ],
)
def test_what_a_server_says(status, text, expected):
    assert verdict(status, text) == expected


def test_a_page_that_redirects_to_the_home_page_is_gone_and_not_moved():
    assert verdict(final=HOME) == "home_redirect"
    assert verdict(final="http://www.example.gov.cn/index.html") == "home_redirect"


def test_the_home_page_may_redirect_to_its_own_index():
    assert verdict(url=HOME, final=HOME + "index.html") == "moved"


def test_https_is_no_move_and_another_path_is():
    assert verdict(final=URL.replace("http:", "https:")) == "ok"
    assert verdict(final=HOME + "new/1.html") == "moved"


@pytest.mark.parametrize(
    ("text", "flags", "expected"),
    [
        (ARTICLE, ["dataloss"], "truncated"),
        (ARTICLE, ["partial"], "ok"),
        (ARTICLE[:-20], ["partial"], "truncated"),
        (b"%PDF-1.4 ... %%EOF\n", ["partial"], "ok"),
        (b"%PDF-1.4 ...", ["partial"], "truncated"),
    ],
)
def test_half_an_answer(text, flags, expected):
    assert verdict(text=text, flags=flags) == expected
