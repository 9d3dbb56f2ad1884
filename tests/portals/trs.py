"""北原市: a prefecture on TRS WCM. The place and its code (4119) are invented.

Lists name page k+1 `index_k.html`; no link says so, only `createPageHTML(count, 0, "index",
"html")`, and a stale call in a comment stands above the real one. Past the last page the server
answers 200 with a stub that refreshes to `./`. robots.txt allows all but /admin/.
"""

from __future__ import annotations

from functools import cache
from posixpath import dirname, relpath

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
    cut,
    with_index,
)

NAME = "北原市人民政府"
DIVISION = "411900"
LEVEL = "prefecture"
IDENTITY = "4119000001"
PAGE_SIZE = 8

ROOT = "/zwgk/zfxxgk/zfxxgknb/"
GOVERNMENT = f"{ROOT}szf_1021/"
DEPARTMENTS = f"{ROOT}szbm_1022/"
COLUMNS = {GOVERNMENT: "市政府", DEPARTMENTS: "市政府部门"}

CONTACT = "地址：北原市云台路18号，邮编：000000，电话：0000-8123456"
CITY = Body(NAME, "government", Scale(410, 9, 12, 2, 86000, 41000, 900, 5431.7), CONTACT)
OFFICE = Body("北原市人民政府办公室", "office", Scale(46, 2, 1), CONTACT)
EDUCATION = Body("北原市教育局", "education", Scale(28, 1, 3, 0, 310, 12, 0, 118.6), CONTACT)
FINANCE = Body("北原市财政局", "finance", Scale(14, 0, 2, 0, 95, 8), CONTACT)
LAND = Body("北原市自然资源和规划局", "land", Scale(96, 4, 4, 0, 5200, 160, 12, 2210.08), CONTACT)


def _reports() -> list[tuple[Report, tuple[str, ...]]]:
    both = (GOVERNMENT, DEPARTMENTS)
    city = reports.series(
        CITY,
        {
            2016: ("clean", "2017-03-24", "北原市人民政府2016年政府信息公开工作年度报告"),
            2017: ("clean", "2018-03-27", "2017年北原市人民政府政府信息公开工作年度报告"),
            2019: ("word", "2020-03-27", "北原市人民政府2019年政府信息公开工作年度报告"),
            2020: ("clean", "2021-03-25", "北原市人民政府2020年政府信息公开工作年度报告"),
            2021: ("pdf", "2022-03-28", "北原市人民政府2021年政府信息公开工作年度报告"),
            2022: ("clean", "2023-03-29", "2022年度北原市人民政府政府信息公开工作年度报告"),
            2023: ("both", "2024-03-28", "北原市人民政府2023年政府信息公开工作年度报告"),
            2024: ("word", "2025-03-26", "北原市人民政府2024年政府信息公开工作年度报告"),
            2025: ("clean", "2026-03-27", "北原市人民政府2025年政府信息公开工作年度报告"),
        },
    )
    office = reports.series(
        OFFICE,
        {
            2020: ("clean", "2021-01-22", "北原市人民政府办公室2020年政府信息公开工作年度报告"),
            2021: ("word", "2022-01-25", "北原市人民政府办公室2021年政府信息公开工作年度报告"),
            2022: ("clean", "2023-01-18", "北原市人民政府办公室2022年政府信息公开工作年度报告"),
            2023: ("clean", "2024-01-24", "北原市人民政府办公室2023年政府信息公开工作年度报告"),
            2024: ("docx", "2025-01-21", "北原市人民政府办公室2024年政府信息公开工作年度报告"),
            2025: ("clean", "2026-01-23", "北原市人民政府办公室2025年政府信息公开工作年度报告"),
        },
    )
    education = reports.series(
        EDUCATION,
        {
            2019: ("clean", "2020-01-17", "北原市教育局2019年政府信息公开工作年度报告"),
            2020: ("word", "2021-01-26", "北原市教育局2020年度政府信息公开工作年度报告"),
            2021: ("clean", "2022-01-20", "北原市教育局2021年政府信息公开工作年度报告"),
            2023: ("clean", "2024-01-26", "北原市教育局2023年政府信息公开工作年度报告"),
            2024: ("word", "2025-01-23", "2024年度北原市教育局政府信息公开工作年度报告"),
        },
    )
    finance = reports.series(
        FINANCE,
        {
            2020: ("clean", "2021-01-28", "北原市财政局2020年政府信息公开年报"),
            2022: ("pdf_link", "2023-01-30", "北原市财政局2022年政府信息公开工作年度报告"),
            2024: ("clean", "2025-01-24", "北原市财政局2024年政府信息公开工作报告"),
        },
    )
    land = reports.series(
        LAND,
        {
            2021: ("word", "2022-01-27", "北原市自然资源和规划局2021年政府信息公开工作年度报告"),
            2023: ("clean", "2024-01-29", "北原市自然资源和规划局2023年政府信息公开工作年度报告"),
            2024: ("clean", "2025-01-26", "北原市自然资源和规划局2024年政府信息公开工作年度报告"),
        },
    )
    education[2020] = reports.blanked(education[2020], "")
    finance[2020] = reports.with_cells(
        finance[2020],
        disclosure__procurement__items="3",
        disclosure__procurement__amount="97.5万元",
    )
    land[2023] = reports.wrong_by_one(land[2023], "granted")
    return [
        *((report, (GOVERNMENT,)) for report in city.values()),
        *((report, both) for report in office.values()),
        *(
            (report, (DEPARTMENTS,))
            for body in (education, finance, land)
            for report in body.values()
        ),
    ]


def _lookalikes() -> list[tuple[str, str, str, str, str]]:
    """Title, date, column, source, article."""
    office = OFFICE.name
    return [
        (
            "北原市人民政府网站2025年度政府网站工作年度报表",
            "2026-01-15",
            GOVERNMENT,
            office,
            lookalikes.website_table(NAME, 2025),
        ),
        (
            "北原市人民政府网站2024年度政府网站工作年度报表",
            "2025-01-14",
            GOVERNMENT,
            office,
            lookalikes.website_table(NAME, 2024),
        ),
        (
            "北原市2024年法治政府建设年度报告",
            "2025-03-31",
            GOVERNMENT,
            "北原市司法局",
            lookalikes.rule_of_law("北原市", 2024),
        ),
        (
            "图解：北原市人民政府2025年政府信息公开工作年度报告",
            "2026-03-30",
            GOVERNMENT,
            office,
            lookalikes.infographic(NAME, 2025),
        ),
        (
            "关于做好2025年度政府信息公开工作年度报告编制工作的通知",
            "2025-12-18",
            DEPARTMENTS,
            office,
            lookalikes.notice(office, 2025),
        ),
        (
            "北原市教育局2023年政务公开工作总结",
            "2024-01-10",
            DEPARTMENTS,
            EDUCATION.name,
            lookalikes.work_summary(EDUCATION.name, 2023),
        ),
        (
            "北原市财政局2025年部门预算公开",
            "2025-02-20",
            DEPARTMENTS,
            FINANCE.name,
            lookalikes.budget(FINANCE.name, 2025),
        ),
        (
            "北原市自然资源和规划局政府信息公开指南",
            "2023-05-16",
            DEPARTMENTS,
            LAND.name,
            lookalikes.guide(LAND.name, CONTACT),
        ),
    ]


@cache
def entries() -> tuple[Entry, ...]:
    """Every line that ever stands in the column, newest first."""
    found = []
    number = 4_052_100
    for report, columns in _reports():
        number += 37
        folder = f"{columns[-1]}{report.published_on[:7].replace('-', '')}/"
        stamp = report.published_on.replace("-", "")
        target = f"{folder}t{stamp}_{number}.html"
        attachments: tuple[Attachment, ...] = ()
        if report.style == "pdf_link":
            target = f"{folder}P0{stamp}3981{number}.pdf"
        elif report.style == "pdf":
            name = f"P0{stamp}5210{number}.pdf"
            attachments = (papers.attachment(report, folder + name, f"./{name}"),)
        elif report.style in ("docx", "both"):
            name = f"P0{stamp}6177{number}.docx"
            attachments = (papers.attachment(report, folder + name, f"./{name}"),)
        edited = None
        if (report.issuer, report.year) == (EDUCATION.name, 2023):
            edited = reports.edited(report, EDUCATION, "granted", "natural_person")
        found.append(
            Entry(
                target,
                report.title,
                report.published_on,
                columns,
                report.issuer,
                report,
                attachments=attachments,
                edited=edited,
            )
        )
    for title, date, column, source, html in _lookalikes():
        number += 37
        stamp = date.replace("-", "")
        target = f"{column}{stamp[:6]}/t{stamp}_{number}.html"
        found.append(Entry(target, title, date, (column,), source, html=html))
    return tuple(sorted(found, key=lambda entry: (entry.date, entry.target), reverse=True))


STYLE = """
body{margin:0;font:15px/1.8 "Microsoft YaHei","宋体",sans-serif;color:#333;background:#f4f6f9}
a{color:#1d3f72;text-decoration:none}
.wrap{width:1100px;margin:0 auto;background:#fff;padding:0 24px}
.banner{background:#1a55a5;color:#fff;padding:26px 0}
.banner h1{margin:0 auto;width:1100px;font-size:32px}
.nav{background:#134182}
.nav ul{width:1100px;margin:0 auto;padding:0;list-style:none;overflow:hidden}
.nav li{float:left;padding:10px 28px}
.nav a{color:#fff}
.crumb{padding:14px 0;border-bottom:1px solid #dde}
.list{padding:0;list-style:none}
.list li{border-bottom:1px dashed #ccd;padding:8px 0}
.list span{float:right;color:#889}
.tabs a{display:inline-block;margin:12px 8px;padding:6px 18px;border:1px solid #1a55a5}
.TRS_Editor{font-size:16px;padding:12px 0}
.artT{text-align:center;font-size:24px;margin:22px 0 8px}
.infos{text-align:center;color:#889;font-size:13px}
.foot{text-align:center;color:#667;font-size:13px;padding:24px 0}
""".strip()


def _page(here: str, title: str, column: str, main: str, metas: str = "") -> Resource:
    def to(target: str) -> str:
        path = relpath(target, dirname(here) or "/")
        path = path if path.startswith("../") else f"./{path}"
        return f"{path}/" if target.endswith("/") else path

    menu = "".join(
        f'<li><a href="{to(target)}">{text}</a></li>'
        for target, text in (
            ("/", "首页"),
            ("/zjby/", "走进北原"),
            ("/xwzx/", "新闻中心"),
            ("/zwgk/", "政务公开"),
            ("/hdjl/", "互动交流"),
        )
    )
    return Resource(
        f"""<!DOCTYPE html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="SiteName" content="{NAME}门户网站">
<meta name="SiteDomain"content="www.beiyuan.example">
<meta name="SiteIDCode" content="{IDENTITY}">
<meta name="ColumnName" content="{column}">
<meta name="ColumnType" content="">
{metas}<style>{STYLE}</style>
</head>
<body>
<div class="banner"><h1>{NAME}</h1></div>
<div class="nav"><ul>{menu}</ul></div>
<div class="wrap">
{main}
</div>
<div class="foot">
<p><a href="{to("/zjby/")}">网站地图</a> | <a href="{to("/admin/login.html")}">管理登录</a> | <a href="https://www.gov.cn/">中国政府网</a></p>
<p>主办：{OFFICE.name}　网站标识码：{IDENTITY}　京ICP备00000000号-1</p>
<p>本页浏览次数：<span id="visits">{COUNTER}</span></p>
</div>
</body>
</html>
"""
    )


def _crumb(here: str, *steps: tuple[str, str]) -> str:
    links = "&gt;".join(
        f'<a href="{relpath(target, dirname(here))}/" title="{text}" class="CurrChnlCls">{text}</a>'
        for target, text in (("/", "首页"), ("/zwgk/", "政务公开"), *steps)
    )
    return f'<div class="crumb">您的位置：{links}</div>'


TABS = (
    ("zfxxgkzn", "政府信息公开指南"),
    ("zfxxgkzd", "政府信息公开制度"),
    ("fdzdgknr", "法定主动公开内容"),
    ("zfxxgknb", "政府信息公开年报"),
    ("ysqgk", "依申请公开"),
)


def _tabs(up: str) -> str:
    links = "".join(f'<a href="{up}{path}/">{text}</a>' for path, text in TABS)
    return f'<div class="tabs">{links}</div>'


def _line(entry: Entry, folder: str, length: int) -> str:
    href = entry.target.removeprefix(folder)
    href = f"./{href}" if href != entry.target else relpath(entry.target, folder)
    shown = cut(entry.title, length)
    return (
        f'<li><a href="{href}" target="_blank" title="{entry.title}">{shown}</a>'
        f"<span>{entry.date}</span></li>"
    )


def _lists(visible: tuple[Entry, ...]) -> dict[str, tuple[str, list[Entry]]]:
    """Each list page's path: its column, and the entries it shows."""
    pages = {}
    for folder in COLUMNS:
        inside = [entry for entry in visible if folder in entry.columns]
        for at in range(0, len(inside), PAGE_SIZE):
            number = at // PAGE_SIZE
            name = f"index_{number}.html" if number else "index.html"
            pages[folder + name] = (folder, inside[at : at + PAGE_SIZE])
    return pages


def _list_page(path: str, folder: str, shown: list[Entry], count: int) -> Resource:
    lines = "\n".join(_line(entry, folder, 24) for entry in shown)
    current = path.removeprefix(f"{folder}index").removesuffix(".html").strip("_") or "0"
    main = f"""{_crumb(path, ("/zwgk/zfxxgk/", "政府信息公开"), (ROOT, "政府信息公开年报"), (folder, COLUMNS[folder]))}
<ul class="list">
{lines}
</ul>
<div class="page">
<script type="text/javascript">
//createPageHTML({count + 4}, {current}, "index", "html");
createPageHTML({count}, {current}, "index", "html");
</script>
</div>"""
    return _page(path, f"{COLUMNS[folder]}_政府信息公开年报_{NAME}", COLUMNS[folder], main)


def _detail(entry: Entry, before: Entry | None, after: Entry | None) -> Resource:
    folder = dirname(entry.target)
    column = entry.columns[-1]
    neighbours = "".join(
        f'<p>{text}：<a href="{relpath(other.target, folder)}">{other.title}</a></p>'
        for text, other in (("上一篇", before), ("下一篇", after))
        if other is not None
    )
    html = article(entry.report, entry.attachments) if entry.report else entry.html
    # The template's own mistakes: no space between attributes, and the date given twice.
    metas = f"""<meta name="ArticleTitle" content="{entry.title}">
<meta name="PubDate"content="{entry.date} 09:2{len(entry.title) % 10}">
<meta name="PubDate" content="{entry.date}">
<meta name="ContentSource" content="{entry.source}">
"""
    main = f"""{_crumb(entry.target, ("/zwgk/zfxxgk/", "政府信息公开"), (ROOT, "政府信息公开年报"), (column, COLUMNS[column]))}
<h1 class="artT">{entry.title}</h1>
<div class="infos">发布时间：{entry.date}　来源：{entry.source}　浏览次数：{COUNTER}　字体：【<a href="javascript:doZoom(18)">大</a> <a href="javascript:doZoom(16)">中</a> <a href="javascript:doZoom(14)">小</a>】</div>
<div class="TRS_Editor">
{html}
</div>
<div class="infos">分享到：<a href="javascript:;">微信</a> <a href="javascript:;">微博</a>　<a href="javascript:window.print()">打印</a>　<a href="javascript:window.close()">关闭</a></div>
{neighbours}"""
    return _page(entry.target, f"{entry.title}_{NAME}", "政府信息公开年报", main, metas)


NEWS = (
    ("北原市召开全市项目建设推进会", "2026-11-12"),
    ("云台新区综合医院主体工程封顶", "2026-11-09"),
    ("我市发布寒潮蓝色预警信号", "2026-11-06"),
    ("北原市2026年前三季度经济运行情况新闻发布会", "2026-10-28"),
)


def _simple(here: str, title: str, *paragraphs: str) -> Resource:
    text = "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return _page(here, f"{title}_{NAME}", title, f"<h2>{title}</h2>\n{text}")


def _around(visible: tuple[Entry, ...]) -> dict[str, Resource]:
    """Home, menus, tabs and news: all that leads to the column, and what does not."""
    news = {
        f"/xwzx/byyw/{date[:7].replace('-', '')}/t{date.replace('-', '')}_4061{at}.html": (
            text,
            date,
        )
        for at, (text, date) in enumerate(NEWS)
    }
    lines = "\n".join(
        f'<li><a href=".{path}" title="{text}">{cut(text, 16)}</a><span>{date}</span></li>'
        for path, (text, date) in news.items()
    )
    home = f"""<h2>北原要闻</h2>
<ul class="list">
{lines}
</ul>
<h2>政务公开</h2>
<p><a href="./zwgk/zfxxgk/">政府信息公开</a>　<a href="./zwgk/zcwj/">政策文件</a>　<a href="./zwgk/ysjs/">预算决算</a>　<a href="./zwgk/rsxx/">人事信息</a></p>"""
    pages = {
        "/": _page("/", f"{NAME}门户网站", "首页", home),
        "/zjby/": _simple(
            "/zjby/", "走进北原", "北原市位于北原盆地，辖三县二区，气候温和，物产丰富。"
        ),
        "/hdjl/": _simple("/hdjl/", "互动交流", "市长信箱、在线访谈、意见征集。"),
        "/zwgk/zcwj/": _simple(
            "/zwgk/zcwj/", "政策文件", "北原市人民政府规章和行政规范性文件目录。"
        ),
        "/zwgk/ysjs/": _simple("/zwgk/ysjs/", "预算决算", "市本级及各部门预算、决算。"),
        "/zwgk/rsxx/": _simple("/zwgk/rsxx/", "人事信息", "人事任免、公务员招考。"),
        "/admin/login.html": _simple("/admin/login.html", "内容管理系统", "请登录。"),
    }
    for path, (text, date) in news.items():
        pages[path] = _simple(
            path, text, f"{date}　北原日报", f"{text}。会议要求各责任单位抓好落实。"
        )
    listing = "\n".join(
        f'<li><a href=".{path.removeprefix("/xwzx")}" title="{text}">{text}</a><span>{date}</span></li>'
        for path, (text, date) in news.items()
    )
    pages["/xwzx/"] = _page(
        "/xwzx/", "新闻中心", "新闻中心", f'<ul class="list">\n{listing}\n</ul>'
    )
    pages["/zwgk/"] = _page(
        "/zwgk/",
        f"政务公开_{NAME}",
        "政务公开",
        '<h2>政务公开</h2><ul><li><a href="./zfxxgk/">政府信息公开</a></li>'
        '<li><a href="./zcwj/">政策文件</a></li><li><a href="./ysjs/">预算决算</a></li></ul>',
    )
    platform = "/zwgk/zfxxgk/"
    pages[platform] = _page(
        platform,
        f"政府信息公开_{NAME}",
        "政府信息公开",
        _tabs("./") + lookalikes.guide(OFFICE.name, CONTACT),
    )
    for path, text in TABS:
        if path != "zfxxgknb":
            here = f"{platform}{path}/"
            pages[here] = _page(
                here,
                f"{text}_{NAME}",
                text,
                _tabs("../") + lookalikes.guide(OFFICE.name, CONTACT),
            )
    boxes = "".join(
        f'<h2>{name}<a style="float:right;font-size:14px" href="./{folder.removeprefix(ROOT)}">更多&gt;&gt;</a></h2>\n'
        '<ul class="list">\n'
        + "\n".join(
            _line(entry, ROOT, 30) for entry in [e for e in visible if folder in e.columns][:4]
        )
        + "\n</ul>\n"
        for folder, name in COLUMNS.items()
    )
    pages[ROOT] = _page(ROOT, f"政府信息公开年报_{NAME}", "政府信息公开年报", _tabs("../") + boxes)
    return pages


@cache
def site(night: int) -> Site:
    """The portal as it stands on `night`."""
    visible = tuple(now for entry in entries() if (now := entry.on(night)))
    pages = _around(visible)
    lists = _lists(visible)
    for path, (folder, shown) in lists.items():
        count = sum(1 for place, _ in lists.values() if place == folder)
        pages[path] = _list_page(path, folder, shown, count)
    listed: dict[str, list[str]] = {}
    for path, (_, shown) in lists.items():
        for entry in shown:
            listed.setdefault(entry.target, []).append(path)
    order = [entry for entry in entries() if not entry.target.endswith(".pdf")]
    for at, old in enumerate(order):
        now = old.on(night)
        if now is None:
            continue
        before = order[at - 1] if at else None
        pages[now.target] = _detail(now, before, order[at + 1] if at + 1 < len(order) else None)
    for entry in visible:
        pages |= papers.files(entry)
    pages["/robots.txt"] = Resource(
        "User-agent: *\nCrawl-delay: 0\nDisallow: /admin/\n", media_type="text/plain", declared=None
    )
    pages = with_index(pages)
    return Site(
        NAME,
        visible,
        {target: tuple(paths) for target, paths in listed.items()},
        pages,
        _answer,
        Resource(
            f"<html><head><title>404</title></head><body><h1>您访问的页面不存在</h1>"
            f'<p><a href="/">返回首页</a></p><p>浏览次数：{COUNTER}</p></body></html>',
            status=404,
        ),
    )


def _answer(request: Request) -> Resource | None:
    """Past the end of a list: 200 and a refresh to its first page."""
    folder, _, name = request.path.rpartition("/")
    number = name.removeprefix("index_").removesuffix(".html")
    lists = _lists(entries())
    if f"{folder}/" in COLUMNS and number.isdigit() and request.path not in lists:
        return Resource(
            '<html><head><meta http-equiv="refresh" content="0; url=./"></head>'
            f"<body><!-- {COUNTER} --></body></html>"
        )
    return None
