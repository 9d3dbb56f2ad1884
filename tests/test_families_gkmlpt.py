import json

import pytest

from crawler import families
from crawler.families import gkmlpt
from crawler.links import Kind, classify
from crawler.page import Page

HOST = "http://a.gov.cn"
API = f"{HOST}/gkmlpt/api/all/2629?page=1&sid=7550"


def node(number: int, name: str, *children: object, **more: object) -> dict[str, object]:
    return {"id": number, "name": name, "children": list(children), **more}


TREE = [
    node(1, "机构概况"),
    node(
        2, "法定主动公开内容", node(3, "统计年报"), node(9, "其他", node(2629, "政府信息公开年报"))
    ),
    node(4, "政府网站工作年度报表"),
]


def shell(tree: str, site: str = "SID: '7550'") -> str:
    return f"<div id=app></div><script>window._CONFIG = {{ {site},\n TREE: {tree}, SERVICE_AREA_ID: 7 }};</script>"


@pytest.mark.parametrize(
    "text",
    [
        shell(json.dumps(TREE)),
        shell(json.dumps(TREE, ensure_ascii=False), '"SID":"7550"').replace("TREE:", '"TREE" :'),
        shell(
            "[{id:2,name:'公开\\'栏',children:[{id: 2629, name : '政府信息公开年报', children: [],},]}]"
        ),
    ],
)
@pytest.mark.parametrize("path", ["/gkmlpt/annualreport", "/gkmlpt/index", "/gkmlpt/policy"])
def test_the_category_is_found_by_name_wherever_it_stands(text: str, path: str) -> None:
    page = Page(HOST + path, text)
    [link] = families.columns(page)
    assert link.url == API
    assert classify(link, page).kind is Kind.COLUMN


def test_departments_have_a_folder_and_a_number_of_their_own() -> None:
    page = Page(f"{HOST}/jyj/gkmlpt/index", shell(json.dumps(TREE), "SID: '81'"))
    [link] = families.columns(page)
    assert link.url == f"{HOST}/jyj/gkmlpt/api/all/2629?page=1&sid=81"


def test_what_stands_below_the_category_and_beside_it() -> None:
    tree = [
        node(
            5,
            "年度报告",
            node(6, "政府信息公开年报", node(7, "2023年"), node(8, "法治政府建设年度报告")),
        ),
        node(10, "年报汇编", jump_url="http://a.gov.cn/nbhb/"),
    ]
    text = shell(json.dumps(tree)) + '<a href="#44">信息公开年度报告</a><a href="#45">规划</a>'
    addresses = [link.url for link in gkmlpt.columns(Page(f"{HOST}/gkmlpt/index", text))]
    assert addresses == [
        f"{HOST}/gkmlpt/api/all/6?page=1&sid=7550",
        f"{HOST}/gkmlpt/api/all/7?page=1&sid=7550",
        f"{HOST}/nbhb/",
        f"{HOST}/gkmlpt/api/all/44?page=1&sid=7550",
    ]


def test_platforms_of_departments_are_listings() -> None:
    text = """<a href="/jyj/gkmlpt/index#9796">教育局</a><a href="/gkmlpt/guide">指南</a>
    <a href="/czj/gkmlpt/content/1/post_1.html">一文</a>"""
    page = Page(f"{HOST}/gkmlpt/index", text)
    [link] = families.columns(page)
    assert link.url == f"{HOST}/jyj/gkmlpt/index"
    assert classify(link, page).kind is Kind.LISTING


def answer(count: int, url: str = API, **more: object) -> Page:
    articles = [
        {
            "id": n,
            "title": f"甲市{2000 + n}年<b>年报</b>",
            "date": "2025-03-31",
            "url": f"/gkmlpt/content/4/post_{n}.html",
        }
        for n in range(count)
    ]
    return Page(
        url, json.dumps({"classify": {"id": 1, "name": "年报"}, "articles": articles, **more})
    )


def test_articles_of_an_answer() -> None:
    entry = families.entries(answer(3))[2]
    assert (entry.url, entry.title, entry.date) == (
        f"{HOST}/gkmlpt/content/4/post_2.html",
        "甲市2002年年报",
        "2025-03-31",
    )
    article = {
        "title": "甲",
        "url": None,
        "post_url": "//b.a.gov.cn/1.html",
        "create_time": 1743379200,
    }
    [entry] = families.entries(Page(API, json.dumps({"articles": [article, {"title": "无"}]})))
    # 1743379200 is midnight of 31 March 2025 in Beijing less eight hours' difference: 08:00 there.
    assert (entry.url, entry.date) == ("http://b.a.gov.cn/1.html", "2025-03-31")


def test_pages_go_on_until_one_is_empty() -> None:
    [request] = families.further(answer(100))
    assert request.url == f"{HOST}/gkmlpt/api/all/2629?page=2&sid=7550"
    [request] = families.further(answer(100, API.replace("page=1", "page=7")))
    assert "page=8&" in request.url
    # Page 0 is page 1.
    [request] = families.further(answer(100, API.replace("page=1", "page=0")))
    assert "page=2&" in request.url
    assert families.further(answer(0)) == []


def test_a_count_that_the_first_page_reaches_ends_it() -> None:
    assert families.further(answer(17, total=17)) == []
    assert len(families.further(answer(100, total=117))) == 1


def test_nfcms_columns_count_from_one() -> None:
    pager = '<div class=page><a href="index.html">1</a><a href="index_2.html">2</a><a class=next href="index_2.html">下一页</a></div>'
    found = [one.url for one in families.further(Page(f"{HOST}/zwgk/nb/index.html", pager))]
    assert f"{HOST}/zwgk/nb/index_2.html" in found
    assert f"{HOST}/zwgk/nb/index_1.html" not in found


def test_the_interface_is_asked_with_the_sites_sid() -> None:
    tree = json.dumps([node(33, "政府信息公开年报")])
    page = Page(f"{HOST}/gkmlpt/index", shell(tree, "SITE_ID: 17, SID: '175'"))
    assert [link.url for link in gkmlpt.columns(page)] == [
        f"{HOST}/gkmlpt/api/all/33?page=1&sid=175"
    ]
