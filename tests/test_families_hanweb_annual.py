import pytest

from crawler import families, survey
from crawler.families import hanweb_annual
from crawler.frontier import Row
from crawler.links import Kind, classify
from crawler.page import Link, Page

HOST = "http://a.gov.cn"
MODULE = f"{HOST}/module/xxgk/xxgkAnnualReport.jsp"
SELECT = "<select id=y><option value=2024>2024年</option><option>2023</option></select>"
MENU = "<a href=/f>法定主动公开内容</a><a href=/s>依申请公开</a><a href=/w>常见问题</a><a href=/c>行政收费</a>"
BODY = """<div>甲县教育局2024年政府信息公开工作年度报告</div><p>一、总体情况</p><p>二、主动公开政府信息情况</p>
<p>三、收到和处理政府信息公开申请情况</p><p>四、行政复议</p><p>五、存在的主要问题及改进情况</p>"""


def addresses(text: str, url: str = MODULE + "?area=002562728&fbtime=2024") -> set[str]:
    return {entry.url for entry in families.entries(Page(url, text))}


def product(codes: tuple[str, ...], years: tuple[int, ...], more: str = "") -> set[str]:
    return {f"{MODULE}?area={code}&fbtime={year}{more}" for code in codes for year in years}


CODES = ("002562728", "11330483733835179X")


@pytest.mark.parametrize(
    "tree",
    [
        "".join(f"<li onclick=\"show('{code}')\">甲县财政局</li>" for code in CODES),
        "".join(f"<a href='?area={code}&fbtime=2024'>甲县财政局(12)</a>" for code in CODES),
        "".join(f"<li id='{code}'><span>甲县财政局</span></li>" for code in CODES),
        "".join(f"<div data-area='{code}'>甲县财政局</div>" for code in CODES),
        "<script>var n=["
        + ",".join(f"{{name:'甲县财政局', pId:0, id:'{code}'}}" for code in CODES)
        + "];</script>",
        "<select name=area>"
        + "".join(f"<option value='{code}'>甲县财政局</option>" for code in CODES)
        + "</select>",
    ],
)
def test_every_body_of_the_tree_in_every_year_of_the_select(tree: str) -> None:
    assert addresses(tree + SELECT) == product(CODES, (2024, 2023))


def test_a_column_that_puts_the_address_together() -> None:
    text = (
        f"<ul><li onclick=\"go('{CODES[0]}')\">甲县教育局</li></ul><script>for (var y = 2024; y >= 2022; y--)"
        " add(y); function go(c){ f.src = '/module/xxgk/xxgkAnnualReport.jsp?area=' + c + '&fbtime='"
        " + y + '&showType=2'; }</script>"
    )
    expected = product(CODES[:1], (2024, 2023, 2022), "&showType=2")
    assert addresses(text, f"{HOST}/col/col9/index.html") == expected


def test_titles_are_those_of_reports() -> None:
    page = Page(f"{MODULE}?area=9", f"<li id='{CODES[0]}'>甲县教育局</li>{SELECT}")
    titles = [entry.title for entry in families.entries(page)][:2]
    assert titles == [
        "甲县教育局2024年政府信息公开工作年度报告",
        "甲县教育局2023年政府信息公开工作年度报告",
    ]


def test_what_a_page_of_the_module_prints() -> None:
    url = f"{MODULE}?area=002562728&fbtime=2024"
    title = "甲县教育局2024年政府信息公开工作年度报告"
    assert families.printed(Page(url, MENU + BODY)) == title
    none = f"{MENU}<div>{title}</div><div>暂无数据</div>"
    assert families.printed(Page(url, none)) == ""
    file = f'{MENU}<div>{title}</div><a href="/upload/1.pdf">年度报告.pdf</a>'
    assert families.printed(Page(url, file)) == title
    assert families.printed(Page(f"{HOST}/art/1.html", MENU + BODY)) is None


def test_a_page_is_a_report_and_beside_it_the_way_to_all() -> None:
    url = f"{MODULE}?area=002562728&fbtime=2024"
    page = Page(url, MENU + BODY + SELECT)
    link = Link(url, "政府信息公开年报")
    assert classify(link, Page(f"{HOST}/", "")).kind is Kind.COLUMN
    found = survey.settle(Row(url, "list", portal_id="a"), page)
    assert (found.kind, found.carries) == ("list", True)
    known = survey.settle(Row(url, "report", title="甲县财政局2024年…", portal_id="a"), page)
    assert (known.kind, known.title) == ("report", "甲县教育局2024年政府信息公开工作年度报告")
    empty = survey.settle(Row(url, "report", portal_id="a"), Page(url, MENU + SELECT))
    assert empty.kind == "noise"


def test_other_numbers_on_a_page_are_no_bodies() -> None:
    text = f"""<li id='{CODES[0]}'>甲县教育局</li>{SELECT}<a onclick="share('3304000012')">分享到2024</a>
    <a href="/art/330400001234567.html">通知公告</a>"""
    assert hanweb_annual.entries(Page(MODULE + "?fbtime=2024", text)) != []
    assert addresses(text, f"{MODULE}?area={CODES[0]}&fbtime=2024") == product(
        CODES[:1], (2024, 2023)
    )
