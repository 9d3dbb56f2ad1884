import pytest

from crawler import families
from crawler.page import Page

HERE = "http://a.gov.cn/gk/list.jsp?cid=8"


def further(body: str, url: str = HERE) -> list[str]:
    return [
        request.url for request in families.further(Page(url, f"<html><body>{body}</body></html>"))
    ]


def test_a_call_is_read_from_its_function():
    body = """<a href="javascript:goPage(2)">2</a><a href="javascript:goPage(4);">末页</a><script>
    function search() { location.href = '/s.jsp?page=1&q=' + $('#q').val(); }
    function goPage(n) { location.href = "list.jsp?cid=8&cur_page=" + n; }</script>"""
    assert further(body) == [f"{HERE}&cur_page={k}" for k in (2, 3, 4)]


@pytest.mark.parametrize(
    "pager", ["<a onclick=\"gotoPage('3')\">尾页</a>", "<button data-page=3>3</button>"]
)
def test_a_form_with_a_field_for_the_number_is_filled_in(pager):
    body = f"<form action='list.jsp'><input type=hidden name=cid value=8><input name=pageNo value=1></form>{pager}"
    assert further(body) == [f"{HERE}&pageNo=2", f"{HERE}&pageNo=3"]


def test_a_form_that_is_posted():
    body = "<form method=POST action='q.do'><input type=hidden name=cid value=8><input name=currentPage></form><a href='javascript:turn(2)'>下一页</a>"
    [request] = families.further(Page(HERE, f"<html>{body}</html>"))
    assert (request.method, request.url, request.body) == (
        "POST",
        "http://a.gov.cn/gk/q.do",
        "cid=8&currentPage=2",
    )


def test_the_number_among_other_arguments():
    body = """<form id=f><input type=hidden name=cid value=8><input name=pageNo value=1></form>
    <a href="javascript:page(15, 2)">2</a><a href="javascript:page(3,15)">下一页</a>"""
    assert further(body) == [f"{HERE}&pageNo=2", f"{HERE}&pageNo=3"]
    body = body[: body.index("<a ")] + """<a onclick="$('#pageNo').val(3);$('#f').submit()">3</a>"""
    assert further(body) == [f"{HERE}&pageNo=2", f"{HERE}&pageNo=3"]
    assert further("""<a onclick="turn(this, 'list.jsp?cid=8&page=2')">下一页</a>""") == [
        f"{HERE}&page=2"
    ]


def test_a_select_of_addresses_and_one_of_numbers():
    addresses = '<select onchange="location.href=this.value"><option value="?cid=8&p=1">1<option value="?cid=8&p=2">2</select>'
    assert further(addresses) == [f"{HERE}&p=2"]
    numbers = """<select onchange="jump(this.value)"><option>1<option>2<option>3</select>
    <script>function jump(page) { window.location = 'list.jsp?cid=8&current=' + page; }</script>"""
    assert further(numbers) == [f"{HERE}&current=2", f"{HERE}&current=3"]


def test_a_pager_of_a_library_shows_only_its_total():
    script = "<div id=pg></div><script>laypage.render({ pages: 3, jump: function (o) { location.href = '?cid=8&page=' + o.curr; } })</script>"
    assert further(script) == [f"{HERE}&page=2"]
    assert further(script, f"{HERE}&page=2") == [f"{HERE}&page=3"]
    assert further(script, f"{HERE}&page=3") == []


@pytest.mark.parametrize(
    ("url", "href"),
    [
        ("http://a.gov.cn/c1/pc/list.html", "page_{}.html"),
        ("http://a.gov.cn/c1/page-1/", "../page-{}/"),
        ("http://a.gov.cn/info/iList.jsp?cat_id=9", "?cat_id=9&cur_page={}"),
    ],
)
def test_numbers_between_those_shown_are_filled_in(url, href):
    body = f"<a href='{href.format(2)}'>[2]</a><a href='{href.format(4)}'>尾页</a>"
    found = further(body, url)
    assert {int(one.rstrip("/").removesuffix(".html")[-1]) for one in found} >= {2, 3, 4}


def test_pages_counted_from_zero_have_a_page_one():
    body = "<a href='?cid=8&pageIndex=0'>1</a><a href='?cid=8&pageIndex=2'>3</a>"
    assert set(further(body)) >= {f"{HERE}&pageIndex=1", f"{HERE}&pageIndex=2"}


def test_a_piece_of_html_leads_to_the_next():
    piece = Page(
        "http://a.gov.cn/columns/u/blocks/b?page=2&fix=0", "<li><a href='/1.html'>甲</a></li>"
    )
    assert [request.url for request in families.further(piece)] == [
        "http://a.gov.cn/columns/u/blocks/b?page=3&fix=0"
    ]
    assert (
        families.further(Page("http://a.gov.cn/columns/u/blocks/b?page=9", "<p>没有更多</p>")) == []
    )


@pytest.mark.parametrize(
    "body",
    [
        "<a onclick=\"window.open('/x?page=2')\">下载第2页</a>",
        "<a href='javascript:setSize(16)'>2</a>",
        "<form><input name=page></form><select name=pageSize onchange=f()><option>10<option>20</select>",
        "<a href='/news/show.jsp?id=3'>3</a>",
        "<script>location.href='/m/?page=1'</script>",
        "<a href='http://b.gov.cn/list.jsp?page=2'>下一页</a>",
    ],
)
def test_what_turns_no_page(body):
    assert further(body) == []


def test_a_select_that_goes_to_the_page_chosen():
    options = "".join(f"<option value={k}>第{k}页</option>" for k in (1, 2, 3))
    body = f"""<select onchange="location='/gk/list.jsp?cid=8&currentPage='+this.value">{options}</select>"""
    assert further(body) == [f"{HERE}&currentPage={k}" for k in (2, 3)]
    years = f"""<select onchange="location='/gk/list.jsp?year='+this.value">{options}</select>"""
    assert further(years) == []
