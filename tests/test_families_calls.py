import pytest

from crawler.families.calls import calls, is_page_name, members, numbered, total, with_number
from crawler.page import Page

HERE = "http://a.gov.cn/nb/list.html?cid=8&id=5"


def asked(
    script: str, page: int = 2, html: str = "", url: str = HERE
) -> list[tuple[str, str, str]]:
    shown = Page(url, f"<html><body>{html}<script>{script}</script></body></html>")
    return [(call.method, *call.filled(page)) for call in calls(shown)]


@pytest.mark.parametrize(
    ("script", "url"),
    [
        (
            'function goPage(n){ window.location.href = "list.jsp?cid=8&cur_page=" + n + "&x=1"; }',
            "http://a.gov.cn/nb/list.jsp?cid=8&cur_page=2&x=1",
        ),
        (
            "function t(p){ location.replace('index_' + p + '.html'); }",
            "http://a.gov.cn/nb/index_2.html",
        ),
        (
            "jump = e => { if (!first) location.href = '?page=' + e.curr; }",
            "http://a.gov.cn/nb/list.html?page=2",
        ),
        (
            "fetch(`/api/list?page=${page}&cid=${cid}`); var cid = '77';",
            "http://a.gov.cn/api/list?page=2&cid=77",
        ),
        (
            "axios.get('/api/x', { params: { page: 1, size: 2 } })",
            "http://a.gov.cn/api/x?page=2&size=2",
        ),
        (
            "$('#b').load('/blocks/b?page=' + pageNo + '&fix=0')",
            "http://a.gov.cn/blocks/b?page=2&fix=0",
        ),
        (
            'var item = getQueryString("id"); $.getJSON("/d/data_item=" + item + ",pageIndex=" + page + ".json", draw)',
            "http://a.gov.cn/d/data_item=5,pageIndex=2.json",
        ),
        (
            "$.ajax({ url: '/q', data: { word: $('#kw').val(), page: page } })",
            "http://a.gov.cn/q?word=%E5%B9%B4%E6%8A%A5&page=2",
        ),
    ],
)
def test_addresses_with_a_page_number(script, url):
    assert asked(script, html='<input id=kw value="年报">') == [("GET", url, "")]


def test_a_form_that_is_posted():
    script = """var channel = 'abc';
    $.ajax({ url: '/load?pageSize=15', type: 'POST', data: { pageIndex: pageIndex, channel_id: channel, kw: $('#none').val() } })"""
    assert asked(script, 3) == [
        ("POST", "http://a.gov.cn/load?pageSize=15", "pageIndex=3&channel_id=abc&kw=")
    ]


def test_json_keeps_numbers_numbers_and_texts_texts():
    script = """var site = { id: 'g-1' };
    var params = { page: page, pageSize: 20, site: "s", pageNo: "1" };
    $.ajax({ url: "/rest/list", type: "post", contentType: "application/json", data: JSON.stringify(params) })"""
    assert asked(script) == [
        ("POST", "http://a.gov.cn/rest/list", '{"page":2,"pageSize":20,"site":"s","pageNo":"2"}')
    ]


def test_pages_that_are_counted_from_zero():
    script = "var pageIndex = 0; $.post('/l', { pageIndex: pageIndex, id: 3 }, draw)"
    assert asked(script, 1) == [("POST", "http://a.gov.cn/l", "pageIndex=0&id=3")]
    assert asked("$.post('/l', { pageNo: 0, id: 3 }, draw)", 2) == [
        ("POST", "http://a.gov.cn/l", "pageNo=1&id=3")
    ]


@pytest.mark.parametrize(
    "script",
    [
        "location.href = '/search.jsp?page=1&q=' + document.getElementById('q').value",
        "$.get('/visits?id=8', count)",
        "location.href = 'http://b.gov.cn/list?page=' + n",
        "location.href = '/login'",
        "$.ajax({ url: base + '/list', data: { page: 1 } })",
        "if (location == 'x?page=1') {}",
    ],
)
def test_what_is_no_pager(script):
    assert asked(script) == []


def test_names_of_a_page_number():
    assert all(
        map(is_page_name, ("page", "pageIndex", "cur_page", "currentPage", "PageNo", "current"))
    )
    assert not any(map(is_page_name, ("pid", "pageId", "pageSize", "cid", "perpage", "index")))


def test_the_number_in_an_address_and_in_a_form():
    assert with_number(numbered("http://a/x?id=4&pageNo=9&size=3", ""), 10) == (
        "http://a/x?id=4&pageNo=10&size=3",
        "",
    )
    assert with_number(
        numbered("http://a/x?page=1", '{"dept":"","pageIndex":0,"pageSize":15}'), 1
    ) == (
        "http://a/x?page=1",
        '{"dept":"","pageIndex":1,"pageSize":15}',
    )
    quoted = "http://a/u?paramJson=%7B%22pageNo%22%3A2%2C%22pageSize%22%3A%2215%22%7D"
    assert with_number(numbered(quoted, ""), 3)[0] == quoted.replace("%3A2%2C", "%3A3%2C")
    assert numbered("http://a/x?pageSize=15&date=2024", "") is None


@pytest.mark.parametrize(
    ("text", "pages"),
    [
        ("<script>laypage({ pages: 12, curr: 1 })</script>", 12),
        ("<script>var totalPage='7';</script>", 7),
        ("<div>共 5 页 当前第1页</div>", 5),
        ("<div>页次：1/9页</div>", 9),
        ("<div>共<b>5</b>&nbsp;页</div>", 5),
        ("<div><em>1</em>/<em>6</em>页</div>", 6),
        ("<script>var pageCount = 4000;</script>", None),
        ("<script>laypage.render({elem: 'p', count: 27, limit: 13, curr: 1});</script>", 3),
        ("<script>$('#p').pagination({totalCount: '40', pageSize: 20});</script>", 2),
        ("<p>2024/01/15</p>", None),
        ("<script>pageSize = 15</script>", None),
    ],
)
def test_how_many_pages_there_are(text, pages):
    assert total(Page(HERE, f"<html>{text}</html>")) == pages


def test_members_keep_what_brackets_hold():
    assert members("{ a: 'x,y', 'b': f(1, 2), c: { d: 1 }, e }") == {
        "a": "'x,y'",
        "b": "f(1, 2)",
        "c": "{ d: 1 }",
        "e": "e",
    }


@pytest.mark.parametrize(
    "reads",
    [
        "$(\"meta[name='channelid']\").attr('content')",
        "document.querySelector('meta[name=\"channelId\"]').content",
        "document.getElementsByName('channelId')[0].getAttribute('content')",
    ],
)
def test_a_number_that_stands_in_a_meta(reads):
    script = f"""var id = {reads};
    var url = "/searchList/" + id + "?_isJson=true&_pageSize=18&page=";
    function show(page) {{ $.getJSON(url + page, draw); }}"""
    text = f'<html><head><meta name="channelId" content="d5c6"></head><script>{script}</script>'
    [call] = calls(Page(HERE, text))
    assert call.filled(2) == (
        "http://a.gov.cn/searchList/d5c6?_isJson=true&_pageSize=18&page=2",
        "",
    )
