"""Copies of government pages: what is flagged, and what ordinary pages have and is not."""

import pytest

from archive.names.clones import suspicions

PROSE = (
    "本机关依照《中华人民共和国政府信息公开条例》编制本报告。朔州市教育局主动公开各类信息，"
    "受理申请后在二十个工作日内答复，收费（km）A级景区、e网通办、微信公众号等按规定办理。\n"
) * 12
TITLE = "朔州市教育局2023年政府信息公开工作年度报告"
ISSUER = "朔州市教育局"
URL = "https://www.shuozhou.gov.cn/a/t20240101_1.html"


def flags(
    text: str = PROSE, title: str = TITLE, issuer: str = ISSUER, url: str | None = URL
) -> str:
    return "；".join(suspicions(text, title=title, issuer=issuer, url=url))


def test_an_ordinary_page_has_none() -> None:
    assert flags() == ""


@pytest.mark.parametrize(
    "text",
    [
        # What portals and Word leave in a page.
        PROSE
        + "分享到：微信 QQ空间 新浪微博 打印 关闭 【大 中 小】 版权所有 备案号：晋ICP备05000001号",
        PROSE.replace("。", "。\u200b", 6),
        PROSE
        + "查处网络赌博案件3起、六合彩案件1起，销售福利彩票，举办电竞比赛，打击博彩网站推广，收缴老虎机2台。",
        PROSE + "单位：万元（wan）",
        PROSE + "联系人：乾隆路、於潜镇、徵求意见稿、昇阳小区",
    ],
)
def test_what_is_no_sign(text: str) -> None:
    assert flags(text) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PROSE.replace("信息", "信\u200b息").replace("公开", "公\u200b开"), "不可见字符"),
        (PROSE.replace("依照", "依照(zhào)").replace("报告", "报告(gào)"), "拼音"),
        (PROSE.replace("信息", "信и息"), "外文字母"),
        (PROSE.replace("公开", "公k开").replace("信息", "信x息"), "拉丁字母"),
        (PROSE.replace("开", "開").replace("报", "報").replace("条", "條"), "繁体字"),
        (PROSE + "点击进入365bet体育平台，百家乐在线", "博彩"),
    ],
)
def test_tampered_characters_and_words(text: str, said: str) -> None:
    assert said in flags(text)


def test_a_brand_where_the_place_stood() -> None:
    said = flags(
        title="365bet(中国)官方网站2024年政府信息公开工作年度报告", issuer="365bet(中国)官方网站"
    )
    assert "不像行政机关" in said
    assert "博彩" in said


def test_another_place_throughout_the_text() -> None:
    text = PROSE.replace("朔州市教育局", "应城市教育局")
    assert flags(text) == "机关为朔州市，正文却不提朔州市，而有 12 处写应城市"
    # Its own county, its province, or its name without the kind are no other place.
    assert flags(PROSE.replace("朔州市教育局", "山西省和怀仁市")) == ""
    assert flags(PROSE.replace("朔州市教育局", "应城市来朔州考察的同志")) == ""


@pytest.mark.parametrize(
    ("url", "is_doubtful"),
    [
        ("http://www.shuozhou.gov.cn/", False),
        ("https://www.customs.gov.cn/", False),
        ("http://sub.shuozhou.gov.cn:8080/a", False),
        ("https://www.cas.cn/xxgk/", False),
        ("http://127.0.0.1:8011/zfxxgk/", False),
        ("http://10.0.0.7/zfxxgk/", False),
        ("http://localhost:8000/", False),
        ("http://www.beiyuan.example/", False),
        ("", False),
        ("https://www.shuozhougov.cn/", True),
        ("https://gov.cn.kmariehair.com/oshow/4372.html", True),
        ("http://61.150.65.235/zfxxgk/1.html", True),
        ("http://[", True),
    ],
)
def test_domains(url: str, is_doubtful: bool) -> None:
    assert bool(flags(url=url)) is is_doubtful
