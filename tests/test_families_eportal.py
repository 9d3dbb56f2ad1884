from crawler import families
from crawler.page import Page

MODULE = "0123456789abcdef0123456789abcdef"
HEAD = '<link href="/eportal/uiFramework/huilan-jquery-ui/h.css">'
PAGER = "<a href='javascript:next(2)'>2</a><a href='#' onclick='next(3)'>尾页</a>"


def further(url: str, body: str) -> list[str]:
    return [request.url for request in families.further(Page(url, f"<html>{HEAD}{body}</html>"))]


def address(number: int) -> str:
    return f"http://a.gov.cn/eportal/ui?pageId=5593&currentPage={number}&moduleId={MODULE}"


def test_the_address_is_made_of_page_and_module():
    fields = f"<input type=hidden value=5593 name=pageId><input name=moduleId value={MODULE}>"
    assert further("http://a.gov.cn/302249/24/index.html", fields + PAGER) == [
        address(2) + "&staticRequest=yes",
        address(3) + "&staticRequest=yes",
    ]


def test_the_module_nearest_before_the_pager_is_the_list():
    other = "f" * 32
    body = f"<div moduleId='{other}'>轮播</div><div moduleId='{MODULE}'>{PAGER}</div><div moduleId='{other}'></div>"
    assert (
        further("http://a.gov.cn/eportal/ui?pageId=5593", body)[0]
        == address(2) + "&staticRequest=yes"
    )


def test_filters_of_the_address_are_kept():
    here = f"http://a.gov.cn/eportal/ui?pageId=5593&currentPage=1&moduleId={MODULE}&formKey=GOV_OPEN&relationId="
    assert further(here, PAGER)[0] == address(2) + "&formKey=GOV_OPEN&relationId=&staticRequest=yes"


def test_a_function_on_the_page_is_read_instead():
    script = "<script>function next(n){ location.href = '/eportal/ui?pageId=5593&currentPage=' + n; }</script>"
    assert further("http://a.gov.cn/eportal/ui?pageId=5593", PAGER + script) == [
        "http://a.gov.cn/eportal/ui?pageId=5593&currentPage=2",
        "http://a.gov.cn/eportal/ui?pageId=5593&currentPage=3",
    ]
