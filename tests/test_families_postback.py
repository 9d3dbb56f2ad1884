from urllib.parse import parse_qs

import pytest

from crawler import families
from crawler.page import Page

HERE = "http://a.gov.cn/xxgk/List.aspx?cid=8"
HIDDEN = """<input type=hidden name=__VIEWSTATE value="/wEP+a="><input type=hidden name=__EVENTTARGET value="">
<input type=hidden name=__EVENTARGUMENT value=""><input name="txtKey" value=""><input type=submit name=btnGo value=查询>
<select name=ddlYear><option value=0>全部</option><option value=1 selected>一</option></select>
<input type=checkbox name=chk><input type=radio name=r value=a checked>"""


def asked(pager: str, sent: str = "", action: str = "./List.aspx?cid=8") -> dict[str, list[str]]:
    text = f"<html><form method=post action='{action}'>{HIDDEN}{pager}</form></html>"
    requests = [one for one in families.further(Page(HERE, text, sent)) if one.method == "POST"]
    assert len(requests) <= 1
    if not requests:
        return {}
    assert requests[0].url == HERE
    return parse_qs(requests[0].body, keep_blank_values=True)


def test_the_whole_form_is_sent_with_what_was_clicked():
    form = asked("""<a disabled>上一页</a><span>1</span><a href="javascript:__doPostBack('AspNetPager1','2')">2</a>
    <a href="javascript:__doPostBack('AspNetPager1','2')">下一页</a><input name=AspNetPager1_input value=1>""")
    assert form == {
        "__VIEWSTATE": ["/wEP+a="],
        "__EVENTTARGET": ["AspNetPager1"],
        "__EVENTARGUMENT": ["2"],
        "txtKey": [""],
        "ddlYear": ["1"],
        "r": ["a"],
        "AspNetPager1_input": ["2"],
    }


def click(argument: str, label: str) -> str:
    return f'<td><a href="javascript:__doPostBack(&#39;g$V&#39;,&#39;{argument}&#39;)">{label}</a></td>'


@pytest.mark.parametrize(
    ("pager", "sent", "argument"),
    [
        ("<td><span>1</span></td>" + click("Page$2", "2") + click("Page$3", "3"), "", "Page$2"),
        (
            click("Page$1", "1") + "<td>2</td>" + click("Page$3", "3"),
            "__EVENTARGUMENT=Page%242",
            "Page$3",
        ),
        (
            click("Page$9", "9") + "<td>10</td>" + click("Page$11", "..."),
            "__EVENTARGUMENT=Page%2410",
            "Page$11",
        ),
        ("共3页 当前第2页" + click("3", "3"), "", "3"),
    ],
)
def test_without_a_word_for_it_the_next_number_is_clicked(pager, sent, argument):
    form = asked(pager, sent)
    assert (form["__EVENTTARGET"], form["__EVENTARGUMENT"]) == (["g$V"], [argument])


def test_a_button_sends_its_own_name():
    form = asked('<input type="submit" name="btnNext" value="下一页">')
    assert form["btnNext"] == ["下一页"]
    assert form["__EVENTTARGET"] == [""]


def test_clicks_without_a_number_are_told_apart_by_their_place():
    button = '<a href="javascript:__doPostBack(&#39;lbNext&#39;,&#39;&#39;)">下一页</a>'
    first = asked(button)
    assert (first["__EVENTTARGET"], first["__SCROLLPOSITIONY"]) == (["lbNext"], ["2"])
    assert asked(button, "__EVENTTARGET=lbNext&__EVENTARGUMENT=&__SCROLLPOSITIONY=2")[
        "__SCROLLPOSITIONY"
    ] == ["3"]


def test_a_picture_sends_where_it_was_clicked():
    assert asked('<input type="image" name="next" alt="下一页" src="n.gif">')["next.x"] == ["1"]


def test_a_select_of_pages_is_changed():
    pager = """<select name="ddlPage" onchange="__doPostBack('ddlPage','')"><option value=1 selected>1</option><option value=2>2</option></select>"""
    form = asked("<p>1/2</p>" + pager)
    assert (form["ddlPage"], form["__EVENTTARGET"]) == (["2"], ["ddlPage"])


def test_dates_are_no_numbers_of_pages():
    form = asked("<p>2024/01/15</p>" + click("Page$2", "2") + click("Page$15", "15"))
    assert form["__EVENTARGUMENT"] == ["Page$2"]


def test_the_last_page_leads_nowhere():
    assert asked('<a class="aspNetDisabled">下一页</a>') == {}
    assert asked("<p>无</p>") == {}


def test_pages_in_the_address():
    text = '<div class=pages><a href="?cid=8&amp;page=2&amp;kw=">下页</a><a href="?cid=8&amp;page=3&amp;kw=">3</a></div>'
    assert [request.url for request in families.further(Page(HERE, f"<html>{text}</html>"))] == [
        f"{HERE}&page=2&kw=",
        f"{HERE}&page=3&kw=",
    ]
