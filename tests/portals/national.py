"""洺原区: a district on the national 政府信息公开平台 template, in GBK. Place and code (640602) are
invented.

Pages call themselves gb2312 and hold characters that only gbk or gb18030 have (洺, 堃, 䶮). The
home page reaches the platform through a script that sets `location.href`; lists page by plain
links; robots.txt allows everything.
"""

from __future__ import annotations

from functools import cache

from tests.portals import lookalikes, papers, reports
from tests.portals.figures import Scale
from tests.portals.reports import Body, Report
from tests.portals.web import (
    COUNTER,
    Attachment,
    Entry,
    Request,
    Resource,
    Site,
    article,
    with_index,
)

NAME = "洺原区人民政府"
DIVISION = "640602"
LEVEL = "county"
IDENTITY = "6406020001"
PAGE_SIZE = 10

PLATFORM = "/zfxxgk/gkpt/"
ALL = f"{PLATFORM}zfxxgknb/"
DEPARTMENTS = f"{ALL}bm/"
COLUMNS = {ALL: "政府信息公开年报", DEPARTMENTS: "区政府部门"}
TABS = (
    ("zfxxgkzn", "政府信息公开指南"),
    ("zfxxgkzd", "政府信息公开制度"),
    ("fdzdgknr", "法定主动公开内容"),
    ("zfxxgknb", "政府信息公开年报"),
)

# 䶮 has four bytes in gb18030 and none in gbk.
CONTACT = "联系人：张䶮，地址：洺原区洺水大街2号，电话：0000-3050607"
DISTRICT = Body(NAME, "government", Scale(88, 3, 4, 0, 15400, 8800, 96, 640.38), CONTACT)
OFFICE = Body("洺原区人民政府办公室", "office", Scale(11, 0, 1), CONTACT)
CIVIL = Body("洺原区民政局", "civil", Scale(6, 0, 0, 0, 41, 1), CONTACT)
HOUSING = Body("洺原区住房和城乡建设局", "housing", Scale(44, 3, 1, 0, 720, 85, 4, 86.6), CONTACT)
MARKET = Body("洺原区市场监督管理局", "market", Scale(23, 2, 0, 0, 6100, 940, 31), CONTACT)
STATISTICS = Body("洺原区统计局", "statistics", Scale(2, 0, 0, 0, 0, 4), CONTACT)
STREET = Body("洺原区堃山街道办事处", "township", Scale(0), CONTACT)


def _years(body: Body, years: dict[int, tuple[str, str]], titles: dict[int, str]) -> list[Report]:
    listed = {
        year: (style, date, titles.get(year, f"{body.name}{year}年政府信息公开工作年度报告"))
        for year, (style, date) in years.items()
    }
    return list(reports.series(body, listed).values())


def _reports() -> list[tuple[Report, tuple[str, ...]]]:
    district = _years(
        DISTRICT,
        {
            2019: ("word", "2020-03-24"),
            2020: ("clean", "2021-03-19"),
            2021: ("word", "2022-03-22"),
            2022: ("clean", "2023-03-24"),
            2023: ("docx", "2024-03-22"),
            2024: ("clean", "2025-03-21"),
            2025: ("both", "2026-03-24"),
        },
        {2021: "2021年度洺原区人民政府政府信息公开工作年度报告"},
    )
    office = _years(
        OFFICE,
        {
            2021: ("clean", "2022-01-26"),
            2022: ("clean", "2023-01-20"),
            2023: ("word", "2024-01-23"),
            2024: ("clean", "2025-01-24"),
            2025: ("clean", "2026-01-28"),
        },
        {},
    )
    departments = [
        *(
            reports.blanked(report, "/") if report.year == 2022 else report
            for report in _years(
                CIVIL,
                {
                    2019: ("clean", "2020-01-20"),
                    2020: ("word", "2021-01-25"),
                    2022: ("word", "2023-01-18"),
                    2024: ("clean", "2025-01-22"),
                },
                {2020: "洺原区民政局2020年政务信息公开年度报告"},
            )
        ),
        *_years(
            HOUSING,
            {
                2021: ("clean", "2022-01-21"),
                2023: ("pdf_link", "2024-01-30"),
                2024: ("clean", "2025-01-23"),
                2025: ("word", "2026-01-27"),
            },
            {},
        ),
        *_years(
            MARKET,
            {
                2020: ("clean", "2021-01-29"),
                2022: ("pdf", "2023-01-28"),
                2024: ("word", "2025-01-26"),
            },
            {},
        ),
        *_years(
            STATISTICS,
            {
                2022: ("clean", "2023-01-13"),
                2023: ("clean", "2024-01-12"),
                2024: ("word", "2025-01-14"),
                2025: ("clean", "2026-11-20"),
            },
            {},
        ),
    ]
    street = _years(
        STREET,
        {
            2021: ("word", "2022-01-12"),
            2023: ("clean", "2024-01-15"),
            2024: ("clean", "2025-01-16"),
        },
        {2023: "堃山街道2023年政府信息公开工作年度报告"},
    )
    return [
        *((report, (ALL,)) for report in district),
        *((report, (ALL, DEPARTMENTS)) for report in (*office, *departments)),
        *((report, (ALL,)) for report in street),
    ]


def _lookalikes() -> list[tuple[str, str, str, str]]:
    """Title, date, source, article."""
    return [
        (
            "洺原区人民政府网站2025年度政府网站工作年度报表",
            "2026-01-16",
            OFFICE.name,
            lookalikes.website_table(NAME, 2025),
        ),
        (
            "洺原区2025年法治政府建设年度报告",
            "2026-02-26",
            "洺原区司法局",
            lookalikes.rule_of_law("洺原区", 2025),
        ),
        (
            "洺原区住房和城乡建设局2024年政务公开工作总结",
            "2024-12-27",
            HOUSING.name,
            lookalikes.work_summary(HOUSING.name, 2024),
        ),
        (
            "关于做好2023年度政府信息公开工作年度报告编制工作的通知",
            "2023-12-22",
            OFFICE.name,
            lookalikes.notice(OFFICE.name, 2023),
        ),
        (
            "图解洺原区人民政府2024年政府信息公开工作年度报告",
            "2025-03-25",
            OFFICE.name,
            lookalikes.infographic(NAME, 2024),
        ),
        (
            "洺原区民政局2025年部门预算公开",
            "2025-02-18",
            CIVIL.name,
            lookalikes.budget(CIVIL.name, 2025),
        ),
    ]


@cache
def entries() -> tuple[Entry, ...]:
    """Every line that ever stands in the column, newest first."""
    found = []
    number = 3_653_700
    for report, columns in _reports():
        number += 29
        attachments: tuple[Attachment, ...] = ()
        target = _target(report.published_on, number)
        if report.style == "pdf_link":
            target = f"/upload/{report.published_on[:4]}/{number}.pdf"
        elif report.style in ("pdf", "docx", "both"):
            kind = "pdf" if report.style == "pdf" else "docx"
            name = f"/upload/{report.published_on[:4]}/{number}.{kind}"
            attachments = (papers.attachment(report, name, f"../..{name}"),)
        late = (report.issuer, report.year) == (STATISTICS.name, 2025)
        found.append(
            Entry(
                target,
                report.title,
                report.published_on,
                columns,
                report.issuer,
                report,
                attachments=attachments,
                first_night=2 if late else 1,
            )
        )
    for title, date, source, html in _lookalikes():
        number += 29
        found.append(Entry(_target(date, number), title, date, (ALL,), source, html=html))
    return tuple(sorted(found, key=lambda entry: (entry.date, entry.target), reverse=True))


def _target(date: str, number: int) -> str:
    return f"/{date[:4]}/{date[5:]}/{number}.html"


STYLE = """
body{margin:0;font:15px/1.9 "宋体",SimSun,serif;color:#333;background:#f7f3ef}
a{color:#8a1f11;text-decoration:none}
.head{background:#b3261a;color:#fff;text-align:center;padding:28px 0;font-size:30px;letter-spacing:6px}
.box{width:1060px;margin:0 auto;background:#fff;padding:16px 28px;overflow:hidden}
.zfxxgk_left{float:left;width:200px}
.zfxxgk_left li{list-style:none;border:1px solid #e4cfc9;padding:8px 12px;margin-bottom:8px}
.zfxxgk_right{margin-left:240px}
.zfxxgk_zdgktit{border-bottom:2px solid #b3261a;font-size:20px}
.zfxxgk_zdgkc ul{padding:0}
.zfxxgk_zdgkc li{list-style:none;border-bottom:1px dashed #ddd;padding:7px 0}
.zfxxgk_zdgkc b{float:right;font-weight:normal;color:#999}
.pages{text-align:center;padding:16px}
.bt{text-align:center;font-size:24px;font-weight:bold;padding:14px 0}
.sm{text-align:center;color:#999;font-size:13px}
.end{text-align:center;color:#777;font-size:13px;padding:20px}
""".strip()


def _gbk(text: str, *, status: int = 200) -> Resource:
    # No charset in the header, gb2312 in the page, gb18030 in truth.
    return Resource(text, encoding="gb18030", declared=None, status=status)


def _page(title: str, column: str, main: str, metas: str = "") -> Resource:
    return _gbk(
        f"""<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta http-equiv="Content-Type" content="text/html; charset=gb2312" />
<title>{title}</title>
<meta name="SiteName" content="{NAME}" />
<meta name="SiteDomain" content="www.mingyuan.example" />
<meta name="SiteIDCode" content="{IDENTITY}" />
<meta name="ColumnName" content="{column}" />
{metas}<style type="text/css">{STYLE}</style>
</head>
<body>
<div class="head">{NAME}</div>
<div class="box">
{main}
</div>
<div class="end">主办：{OFFICE.name}　网站标识码：{IDENTITY}　您是第 {COUNTER} 位访问者</div>
</body>
</html>
"""
    )


def _left() -> str:
    links = "".join(
        f'<li><a href="{PLATFORM}{path}/index.html">{text}</a></li>' for path, text in TABS
    )
    return f'<div class="zfxxgk_left"><ul>{links}</ul></div>'


def _framed(title: str, inner: str) -> str:
    return (
        f'<div class="dqwz">当前位置：<a href="/">首页</a> &gt; <a href="{PLATFORM}index.html">政府信息公开</a>'
        f" &gt; {title}</div>\n{_left()}\n"
        f'<div class="zfxxgk_right"><div class="zfxxgk_zdgktit">{title}</div>\n{inner}\n</div>'
    )


def _name(folder: str, number: int) -> str:
    """Page 2 is index_2.html, unlike TRS."""
    return f"{folder}index.html" if number == 1 else f"{folder}index_{number}.html"


def _lists(visible: tuple[Entry, ...]) -> dict[str, tuple[str, int, int, tuple[Entry, ...]]]:
    """Each list page's path: its column, its number, how many there are, and what it shows."""
    pages = {}
    for folder in COLUMNS:
        inside = tuple(entry for entry in visible if folder in entry.columns)
        count = -(-len(inside) // PAGE_SIZE)
        for number in range(1, count + 1):
            shown = inside[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
            pages[_name(folder, number)] = (folder, number, count, shown)
    return pages


def _list_page(folder: str, number: int, count: int, shown: tuple[Entry, ...]) -> Resource:
    lines = "\n".join(
        f'<li><a href="{entry.target}" target="_blank" title="{entry.title}">'
        f"{_shortened(entry.title)}</a><b>{entry.date}</b></li>"
        for entry in shown
    )
    steps = [("首页", 1), ("上一页", number - 1), ("下一页", number + 1), ("尾页", count)]
    pager = " ".join(
        f'<a href="{_name(folder, to).removeprefix(folder)}">{text}</a>'
        if 1 <= to <= count and to != number
        else f"<span>{text}</span>"
        for text, to in steps
    )
    more = (
        '<p><a href="bm/index.html">区政府部门年报</a></p>'
        if folder == ALL
        else '<p><a href="../index.html">全部年报</a></p>'
    )
    inner = (
        f'{more}<div class="zfxxgk_zdgkc"><ul>\n{lines}\n</ul></div>\n'
        f'<div class="pages">共{count}页 第{number}页 {pager}</div>'
    )
    return _page(f"{COLUMNS[folder]}-{NAME}", COLUMNS[folder], _framed(COLUMNS[folder], inner))


def _shortened(title: str) -> str:
    return title if len(title) <= 26 else f"{title[:25]}…"


def _detail(entry: Entry, before: Entry | None, after: Entry | None) -> Resource:
    html = article(entry.report, entry.attachments) if entry.report else entry.html
    neighbours = "".join(
        f'<p>{text}：<a href="{other.target}">{other.title}</a></p>'
        for text, other in (("上一条", before), ("下一条", after))
        if other is not None
    )
    metas = f"""<meta name="ArticleTitle" content="{entry.title}" />
<meta name="ArticleTitle" content="{entry.title}" />
<meta name="PubDate" content="{entry.date}" />
<meta name="ContentSource" content="{entry.source}" />
<meta name="ColumnType" content="" />
"""
    main = f"""<div class="dqwz">当前位置：<a href="/">首页</a> &gt; <a href="{PLATFORM}index.html">政府信息公开</a> &gt; <a href="{ALL}index.html">政府信息公开年报</a></div>
<div class="bt">{entry.title}</div>
<div class="sm">发布时间：{entry.date}　发布机构：{entry.source}　点击数：{COUNTER}次　【<a href="javascript:window.print()">打印</a>】【<a href="javascript:window.close()">关闭</a>】</div>
<div class="article-content">
{html}
</div>
<div class="sm">分享：<a href="javascript:;">QQ空间</a> <a href="javascript:;">微信</a></div>
{neighbours}"""
    return _page(f"{entry.title}-{NAME}", "政府信息公开年报", main, metas)


NEWS = (
    ("洺原区开展冬季供暖保障检查", "/2026/11-14/3699001.html"),
    ("堃山公园二期向市民开放", "/2026/11-08/3698877.html"),
)


def _around() -> dict[str, Resource]:
    news = "\n".join(f'<li><a href="{target}">{text}</a></li>' for text, target in NEWS)
    home = f"""<p><a href="/">首页</a>　<a href="/qqgk/">区情概况</a>　<a href="/zfxxgk/">政府信息公开</a>　<a href="/bsfw/">办事服务</a></p>
<h3>洺原要闻</h3><ul>{news}</ul>
<p>友情链接：<a href="https://www.gov.cn/">中国政府网</a></p>"""
    pages = {
        "/": _page(NAME, "首页", home),
        "/qqgk/": _page(f"区情概况-{NAME}", "区情概况", "<p>洺原区因洺水得名，辖六街道三镇。</p>"),
        "/bsfw/": _page(f"办事服务-{NAME}", "办事服务", "<p>个人办事、法人办事。</p>"),
        "/zfxxgk/": _gbk(
            '<html><head><meta http-equiv="Content-Type" content="text/html; charset=gb2312">'
            '<script>window.location.href="gkpt/index.html";</script></head><body></body></html>'
        ),
        f"{PLATFORM}index.html": _page(
            f"政府信息公开-{NAME}",
            "政府信息公开",
            _framed("政府信息公开指南", lookalikes.guide(OFFICE.name, CONTACT)),
        ),
    }
    for text, target in NEWS:
        pages[target] = _page(f"{text}-{NAME}", "洺原要闻", f'<div class="bt">{text}</div>')
    for path, text in TABS[:3]:
        inner = lookalikes.guide(OFFICE.name, CONTACT)
        pages[f"{PLATFORM}{path}/index.html"] = _page(f"{text}-{NAME}", text, _framed(text, inner))
    return pages


@cache
def site(night: int) -> Site:
    """The portal as it stands on `night`."""
    visible = tuple(now for entry in entries() if (now := entry.on(night)))
    pages = _around()
    listed: dict[str, list[str]] = {}
    for path, (folder, number, count, shown) in _lists(visible).items():
        pages[path] = _list_page(folder, number, count, shown)
        for entry in shown:
            listed.setdefault(entry.target, []).append(path)
    # Articles are published once: what comes later is not linked from older neighbours.
    order = [entry for entry in entries() if not entry.target.endswith(".pdf")]
    old = [entry for entry in order if entry.first_night == 1]
    for entry in order:
        if now := entry.on(night):
            newer = [other for other in old if other.date > entry.date or _above(other, entry)]
            older = [other for other in old if not (other in newer or other is entry)]
            pages[now.target] = _detail(
                now, newer[-1] if newer else None, older[0] if older else None
            )
    for entry in visible:
        pages |= papers.files(entry)
    pages["/robots.txt"] = Resource(
        "User-agent: *\nDisallow:\n", media_type="text/plain", declared=None
    )
    return Site(
        NAME,
        visible,
        {target: tuple(paths) for target, paths in listed.items()},
        with_index(pages),
        _answer,
        _gbk(
            f"<html><head><title>404</title></head><body>页面不存在或已删除。访问者：{COUNTER}</body></html>",
            status=404,
        ),
    )


def _above(other: Entry, entry: Entry) -> bool:
    return other.date == entry.date and other.target > entry.target


def _answer(request: Request) -> Resource | None:
    return None
