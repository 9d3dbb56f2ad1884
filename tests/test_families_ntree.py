from crawler import families
from crawler.page import Page

HERE = "http://a.gov.cn/n1/n22/index.html"
BOX = "<span id='comp_7701'><li><a href='../n22/c5001/content.html'>甲市2023年报</a>[2024-01-02]</li></span>"


def further(script: str, url: str = HERE, box: str = BOX) -> list[str]:
    return [
        request.url.rpartition("/")[2]
        for request in families.further(Page(url, f"<html>{box}<script>{script}</script></html>"))
    ]


def test_pieces_count_down_to_the_oldest():
    assert further('var purl="../n22/index_7701"; var maxPageNum=0; maxPageNum = 4;') == [
        "index_7701_3.html",
        "index_7701_2.html",
        "index_7701_1.html",
    ]


def test_the_count_in_a_cookie_or_in_hidden_links():
    assert len(further('var purl="../n22/index_7701"; document.cookie="maxPageNum7701=3";')) == 2
    hidden = BOX + "<a href='../n22/index_7701_1.html'></a><a href='../n22/index_7701_2.html'></a>"
    assert set(further('var purl="../n22/index_7701";', box=hidden)) == {
        "index_7701_1.html",
        "index_7701_2.html",
    }


def test_without_a_count_pieces_are_tried_from_the_oldest():
    assert further('var purl="../n22/index_7701"; var maxPageNum=0;') == ["index_7701_1.html"]
    piece = Page(
        "http://a.gov.cn/n1/n22/index_7701_1.html",
        "<li><a href='c1/content.html'>乙</a>[2003-09-08]</li>",
    )
    assert [request.url for request in families.further(piece)] == [
        "http://a.gov.cn/n1/n22/index_7701_2.html"
    ]


def test_a_component_without_pieces_has_one_page():
    assert further("var a = 1;") == []


def test_pieces_that_a_call_names_by_their_beginning():
    script = (
        """function go(n) { $("#list").load("index_7701_" + n + ".html"); } var maxPageNum = 3;"""
    )
    assert further(script, box="<div id=list></div>") == ["index_7701_2.html", "index_7701_1.html"]
