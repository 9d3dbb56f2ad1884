"""松陂县: a county on Hanweb jpage. The place and its code (331224) are invented.

A column page carries the first records of its list as XML in a script; the rest come from
`dataproxy.jsp`, which answers 404 to a visitor without the column page as Referer. `pageNum` in a
column's address is for the browser only: the server always gives the first page. No robots.txt.
"""

from __future__ import annotations

from functools import cache
from urllib.parse import parse_qs, quote, urlsplit

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

NAME = "松陂县人民政府"
DIVISION = "331224"
LEVEL = "county"
IDENTITY = "3312240001"
PER_PAGE = 5
CHUNK = 3 * PER_PAGE
MOST_RECORDS = 100
WEB_ID = "3312"
PROXY = "/module/web/jpage/dataproxy.jsp"

GOVERNMENT, DEPARTMENTS, TOWNS = "1229011", "1229012", "1229013"
COLUMNS = {GOVERNMENT: "县政府", DEPARTMENTS: "县级部门", TOWNS: "乡镇（街道）"}
UNITS = {GOVERNMENT: "5100071", DEPARTMENTS: "5100072", TOWNS: "5100073"}
PLATFORM = {
    "1229002": "政府信息公开指南",
    "1229003": "政府信息公开制度",
    "1229004": "法定主动公开内容",
    "1229010": "政府信息公开年报",
}

CONTACT = "地址：松陂县陂头路6号，电话：0000-6220011"
COUNTY = Body(NAME, "government", Scale(150, 4, 6, 0, 21000, 6300, 210, 1320.45), CONTACT)
OFFICE = Body("松陂县人民政府办公室", "office", Scale(17, 1, 1), CONTACT)
EDUCATION = Body("松陂县教育局", "education", Scale(9, 0, 1, 0, 64, 3), CONTACT)
HEALTH = Body("松陂县卫生健康局", "health", Scale(12, 0, 1, 0, 480, 96, 2, 36.25), CONTACT)
FARMING = Body("松陂县农业农村局", "farming", Scale(7, 0, 1, 0, 130, 44), CONTACT)
ENFORCEMENT = Body("松陂县综合行政执法局", "enforcement", Scale(31, 2, 0, 0, 70, 2900, 36), CONTACT)
TOWN = Body("松陂县白鹭渡镇人民政府", "township", Scale(4, 0, 0, 0, 12, 2), CONTACT)


def _years(body: Body, years: dict[int, tuple[str, str]], titles: dict[int, str]) -> list[Report]:
    listed = {
        year: (style, date, titles.get(year, f"{body.name}{year}年政府信息公开工作年度报告"))
        for year, (style, date) in years.items()
    }
    return list(reports.series(body, listed).values())


def _reports() -> list[tuple[Report, tuple[str, ...]]]:
    county = _years(
        COUNTY,
        {
            2019: ("clean", "2020-03-19"),
            2020: ("word", "2021-03-22"),
            2021: ("clean", "2022-03-18"),
            2022: ("pdf", "2023-03-21"),
            2023: ("clean", "2024-03-15"),
            2024: ("both", "2025-03-18"),
            2025: ("word", "2026-03-20"),
        },
        {2020: "2020年松陂县人民政府政府信息公开工作年度报告"},
    )
    office = _years(
        OFFICE,
        {
            2021: ("clean", "2022-01-19"),
            2022: ("word", "2023-01-17"),
            2023: ("clean", "2024-01-18"),
            2024: ("clean", "2025-01-15"),
            2025: ("word", "2026-01-20"),
        },
        {},
    )
    departments = [
        *_years(
            EDUCATION,
            {
                2020: ("clean", "2021-01-20"),
                2022: ("word", "2023-01-12"),
                2024: ("clean", "2025-01-17"),
            },
            {2020: "松陂县教育局2020年度政府信息公开工作报告"},
        ),
        *_years(
            HEALTH,
            {
                2021: ("word", "2022-01-24"),
                2023: ("docx", "2024-01-22"),
                2024: ("clean", "2025-01-20"),
                2025: ("clean", "2026-01-26"),
            },
            {},
        ),
        *(
            reports.blanked(report, "-") if report.year == 2022 else report
            for report in _years(
                FARMING,
                {
                    2019: ("word", "2020-01-15"),
                    2022: ("clean", "2023-01-19"),
                    2024: ("clean", "2025-01-22"),
                },
                {2022: "松陂县农业农村局2022 年政府信息公开工作年度报告"},
            )
        ),
        *_years(
            ENFORCEMENT,
            {2022: ("clean", "2023-01-28"), 2023: ("clean", "2024-01-25")},
            {2022: "松陂县综合行政执法局2022年信息公开年度报告"},
        ),
    ]
    town = _years(
        TOWN,
        {
            2021: ("clean", "2022-01-14"),
            2022: ("word", "2023-01-16"),
            2023: ("clean", "2024-01-17"),
            2024: ("word", "2025-01-13"),
        },
        {2024: "白鹭渡镇2024年政府信息公开工作年度报告"},
    )
    return [
        *((report, (GOVERNMENT,)) for report in county),
        *((report, (GOVERNMENT, DEPARTMENTS)) for report in office),
        *((report, (DEPARTMENTS,)) for report in departments),
        *((report, (TOWNS,)) for report in town),
    ]


def _lookalikes() -> list[tuple[str, str, str, str, str]]:
    """Title, date, column, source, article."""
    return [
        (
            "松陂县人民政府门户网站2025年政府网站工作年度报表",
            "2026-01-12",
            GOVERNMENT,
            OFFICE.name,
            lookalikes.website_table(NAME, 2025),
        ),
        (
            "松陂县人民政府2024年度法治政府建设年度报告",
            "2025-02-27",
            GOVERNMENT,
            "松陂县司法局",
            lookalikes.rule_of_law(NAME, 2024),
        ),
        (
            "一图读懂松陂县人民政府2024年政府信息公开工作年度报告",
            "2025-03-19",
            GOVERNMENT,
            OFFICE.name,
            lookalikes.infographic(NAME, 2024),
        ),
        (
            "关于做好2024年度政府信息公开年度报告编制发布工作的通知",
            "2024-12-20",
            DEPARTMENTS,
            OFFICE.name,
            lookalikes.notice(OFFICE.name, 2024),
        ),
        (
            "松陂县卫生健康局2024年政务公开工作总结",
            "2024-12-30",
            DEPARTMENTS,
            HEALTH.name,
            lookalikes.work_summary(HEALTH.name, 2024),
        ),
        (
            "松陂县综合行政执法局2025年部门预算公开",
            "2025-02-14",
            DEPARTMENTS,
            ENFORCEMENT.name,
            lookalikes.budget(ENFORCEMENT.name, 2025),
        ),
        (
            "松陂县白鹭渡镇政府信息公开指南",
            "2022-06-08",
            TOWNS,
            TOWN.name,
            lookalikes.guide(TOWN.name, CONTACT),
        ),
    ]


@cache
def entries() -> tuple[Entry, ...]:
    """Every line that ever stands in the column, newest first."""
    found = []
    number = 3_312_600
    for report, columns in _reports():
        number += 53
        attachments: tuple[Attachment, ...] = ()
        if report.style in ("pdf", "docx", "both"):
            kind = "pdf" if report.style == "pdf" else "docx"
            name = f"{report.published_on.replace('-', '')[2:]}1523{number}.{kind}"
            target = (
                f"/module/download/downfile.jsp?classid=0&showname={quote(report.title)}"
                f"&filename={name}"
            )
            attachments = (papers.attachment(report, target, target),)
        gone = (report.issuer, report.year) == (TOWN.name, 2022)
        found.append(
            Entry(
                _target(report.published_on, columns[-1], number),
                report.title,
                report.published_on,
                columns,
                report.issuer,
                report,
                attachments=attachments,
                last_night=1 if gone else None,
            )
        )
    for title, date, column, source, html in _lookalikes():
        number += 53
        found.append(
            Entry(_target(date, column, number), title, date, (column,), source, html=html)
        )
    return tuple(sorted(found, key=lambda entry: (entry.date, entry.target), reverse=True))


def _target(date: str, column: str, number: int) -> str:
    year, month, day = (int(part) for part in date.split("-"))
    return f"/art/{year}/{month}/{day}/art_{column}_{number}.html"


STYLE = """
*{box-sizing:border-box}
body{margin:0;font-family:"PingFang SC","Microsoft YaHei",sans-serif;color:#222;background:#eef2f0}
a{color:#14502e;text-decoration:none}
.top{background:linear-gradient(#1d7a46,#14502e);color:#fff;padding:30px 0}
.in{width:1080px;margin:0 auto}
.top b{font-size:30px;letter-spacing:4px}
.menu{background:#fff;border-bottom:3px solid #1d7a46}
.menu a{display:inline-block;padding:12px 26px}
.main{background:#fff;padding:18px 30px;min-height:420px}
.zwgk_left{float:left;width:210px}
.zwgk_left a{display:block;padding:9px 14px;margin-bottom:6px;background:#eef5f0}
.zwgk_right{margin-left:240px}
.zwgk_right li,.news li{list-style:none;padding:8px 0;border-bottom:1px dotted #bbb}
li span,li b{float:right;color:#888;font-weight:normal}
#zoom{font-size:17px;line-height:2}
.title{text-align:center;font-size:25px;font-weight:bold;margin:20px 0}
.info{text-align:center;color:#888;font-size:13px}
.foot{color:#556;font-size:13px;text-align:center;padding:22px;clear:both}
""".strip()


def _page(title: str, column: str, main: str, metas: str = "") -> Resource:
    return Resource(
        f"""<!DOCTYPE html>
<html>
<head>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8">
<title>{title}</title>
<meta name="SiteName" content="{NAME}">
<meta name="SiteDomain" content="www.songbei.example">
<meta name="SiteIDCode" content="{IDENTITY}">
<meta name="ColumnName"content="{column}">
<meta name="ColumnType" content="">
{metas}<style>{STYLE}</style>
<script type="text/javascript" src="/script/jquery-1.8.3.min.js"></script>
</head>
<body>
<div class="top"><div class="in"><b>{NAME}</b></div></div>
<div class="menu"><div class="in"><a href="/index.html">首页</a><a href="/col/col1228001/index.html">今日松陂</a><a href="/col/col1229001/index.html">政府信息公开</a><a href="/col/col1228003/index.html">办事服务</a></div></div>
<div class="in main">
{main}
</div>
<div class="foot">主办单位：{OFFICE.name}　网站标识码：{IDENTITY}<br>访问量：<span id="hits"></span>
<script type="text/javascript">document.getElementById("hits").innerHTML="浏览次数：{COUNTER}";</script></div>
</body>
</html>
"""
    )


def _left() -> str:
    links = "".join(
        f'<a href="/col/col{column}/index.html">{text}</a>' for column, text in PLATFORM.items()
    )
    return f'<div class="zwgk_left">{links}</div>'


def _crumb(*steps: tuple[str, str]) -> str:
    links = " &gt; ".join(
        f'<a href="{target}">{text}</a>'
        for target, text in (
            ("/index.html", "首页"),
            ("/col/col1229001/index.html", "政府信息公开"),
            *steps,
        )
    )
    return f'<div class="bt_position">当前位置：{links}</div>'


def _record(entry: Entry) -> str:
    return (
        f"<record><![CDATA[<li><a href='{entry.target}' title='{entry.title}' target='_blank'>"
        f"{cut(entry.title, 27)}</a><span>{entry.date}</span></li>]]></record>"
    )


def _datastore(column: str, shown: tuple[Entry, ...], group: int, *, more: bool) -> str:
    following = (
        f'<a href="{PROXY}?page={group}&appid=1&webid={WEB_ID}&path=/&columnid={column}'
        f'&unitid={UNITS[column]}&webname={quote(NAME)}&permissiontype=0"></a>'
        if more
        else ""
    )
    records = "\n".join(_record(entry) for entry in shown)
    return (
        f"<datastore><nextgroup><![CDATA[{following}]]></nextgroup>\n"
        f"<recordset>\n{records}\n</recordset></datastore>"
    )


def _column(column: str, inside: tuple[Entry, ...]) -> Resource:
    unit = UNITS[column]
    first = _datastore(column, inside[:CHUNK], 1, more=len(inside) > CHUNK)
    main = f"""{_crumb(("/col/col1229010/index.html", "政府信息公开年报"), (f"/col/col{column}/index.html", COLUMNS[column]))}
{_left()}
<div class="zwgk_right"><h3>{COLUMNS[column]}</h3>
<div id="{unit}"><script type="text/xml">{first}</script></div>
<script>
var param_{unit} = {{col:1,webid:{WEB_ID},path:'/',columnid:{column},sourceContentType:1,unitid:'{unit}',webname:'{NAME}',permissiontype:0}};
$('#{unit}').jpage({{totalRecord:{len(inside)},perPage:{PER_PAGE},groupSize:3,barPosition:'bottom',showMode:'full',proxyUrl:'{PROXY}',ajaxParam:param_{unit}}});
</script>
</div>"""
    return _page(f"{NAME} {COLUMNS[column]} 政府信息公开年报", COLUMNS[column], main)


def _detail(entry: Entry, before: Entry | None, after: Entry | None) -> Resource:
    html = article(entry.report, entry.attachments) if entry.report else entry.html
    neighbours = "".join(
        f'<p>{text}：<a href="{other.target}">{other.title}</a></p>'
        for text, other in (("上一篇", before), ("下一篇", after))
        if other is not None
    )
    column = entry.columns[-1]
    metas = f"""<meta name="ArticleTitle" content="{entry.title}">
<meta name="PubDate" content="{entry.date} 10:15">
<meta name="ContentSource" content="{entry.source}">
<meta name="ContentSource"content="">
"""
    main = f"""{_crumb(("/col/col1229010/index.html", "政府信息公开年报"), (f"/col/col{column}/index.html", COLUMNS[column]))}
<div class="title">{entry.title}</div>
<div class="info">发布日期：{entry.date}　信息来源：{entry.source}　<script type="text/javascript">document.write("浏览次数：{COUNTER}");</script>　字号：[ 大 中 小 ]</div>
<div id="zoom"><!--<$[信息内容]>begin-->
{html}
<!--<$[信息内容]>end--></div>
<div class="info"><a href="javascript:void(0)" onclick="window.print()">【打印本页】</a> <a href="javascript:void(0)" onclick="window.close()">【关闭窗口】</a> 分享到：<a href="javascript:void(0)">微信</a></div>
{neighbours}"""
    return _page(f"{NAME} {COLUMNS[column]} {entry.title}", "政府信息公开年报", main, metas)


NEWS = (
    ("松陂县举行秋粮收购现场会", "2026/11/13", 901),
    ("白鹭渡大桥通过交工验收", "2026/11/10", 902),
    ("县城老旧小区改造年内完工十二处", "2026/11/3", 903),
)


def _around() -> dict[str, Resource]:
    news = "\n".join(
        f'<li><a href="/art/{date}/art_1228001_{number}.html">{text}</a><span>{date}</span></li>'
        for text, date, number in NEWS
    )
    home = f"""<h3>松陂要闻</h3><ul class="news">{news}</ul>
<h3>政务公开</h3><p><a href="/col/col1229001/index.html">政府信息公开</a>　<a href="/col/col1228005/index.html">县长信箱</a>　<a href="/col/col1228006/index.html">财政预决算</a></p>
<p>友情链接：<a href="https://www.gov.cn/">中国政府网</a></p>"""
    pages = {"/": _page(NAME, "首页", home)}
    for column, text in (
        ("1228001", "今日松陂"),
        ("1228003", "办事服务"),
        ("1228005", "县长信箱"),
        ("1228006", "财政预决算"),
    ):
        inner = f"<h3>{text}</h3>" + (
            f'<ul class="news">{news}</ul>' if column == "1228001" else ""
        )
        pages[f"/col/col{column}/index.html"] = _page(f"{NAME} {text}", text, inner)
    for text, date, number in NEWS:
        pages[f"/art/{date}/art_1228001_{number}.html"] = _page(
            f"{NAME} {text}",
            "今日松陂",
            f'<div class="title">{text}</div><div id="zoom"><p>{text}，有关负责人到场。</p></div>',
        )
    pages["/col/col1229001/index.html"] = _page(
        f"{NAME} 政府信息公开",
        "政府信息公开",
        f'{_crumb()}{_left()}<div class="zwgk_right">{lookalikes.guide(OFFICE.name, CONTACT)}</div>',
    )
    for column, text in PLATFORM.items():
        inner = lookalikes.guide(OFFICE.name, CONTACT)
        if column == "1229010":
            inner = "<ul>" + "".join(
                f'<li><a href="/col/col{place}/index.html" title="{name}">{name}</a></li>'
                for place, name in COLUMNS.items()
            )
            inner += "</ul>"
        pages[f"/col/col{column}/index.html"] = _page(
            f"{NAME} {text}",
            text,
            f'{_crumb()}{_left()}<div class="zwgk_right"><h3>{text}</h3>{inner}</div>',
        )
    return pages


@cache
def site(night: int) -> Site:
    """The portal as it stands on `night`."""
    visible = tuple(now for entry in entries() if (now := entry.on(night)))
    inside = {
        column: tuple(entry for entry in visible if column in entry.columns) for column in COLUMNS
    }
    pages = _around()
    for column, shown in inside.items():
        pages[f"/col/col{column}/index.html"] = _column(column, shown)
    order = entries()
    for at, old in enumerate(order):
        if now := old.on(night):
            pages[now.target] = _detail(
                now, order[at - 1] if at else None, order[at + 1] if at + 1 < len(order) else None
            )
    # A servlet answers by the file's name alone, whatever else the address says.
    files = {
        parse_qs(urlsplit(target).query)["filename"][0]: file
        for entry in visible
        for target, file in papers.files(entry).items()
    }
    not_found = Resource(
        f"<html><head><title>404 Not Found</title></head><body><h2>抱歉，您要访问的页面不存在</h2>"
        f'<a href="/index.html">返回首页</a><script>document.write("浏览次数：{COUNTER}");</script>'
        "</body></html>",
        status=404,
    )

    def answer(request: Request) -> Resource | None:
        if request.path == "/module/download/downfile.jsp":
            return files.get(request.query.get("filename", ""), not_found)
        if request.path == PROXY:
            return _proxy(request, inside) or not_found
        return None

    return Site(
        NAME,
        visible,
        {
            entry.target: tuple(f"/col/col{column}/index.html" for column in entry.columns)
            for entry in visible
        },
        with_index(pages),
        answer,
        not_found,
    )


def _proxy(request: Request, inside: dict[str, tuple[Entry, ...]]) -> Resource | None:
    """Records by number (startrecord, endrecord) or by group (page); None refuses."""
    came_from = urlsplit(request.referer)
    if came_from.netloc != request.host or not came_from.path.startswith("/col/"):
        return None
    query = request.query
    column = query.get("columnid", "")
    if column not in inside or query.get("unitid") != UNITS[column] or "webid" not in query:
        return Resource("<datastore><recordset></recordset></datastore>", media_type="text/xml")
    records = inside[column]
    try:
        if "startrecord" in query:
            first, last = int(query["startrecord"]), int(query["endrecord"])
        else:
            group = int(query["page"])
            first, last = group * CHUNK + 1, (group + 1) * CHUNK
    except (KeyError, ValueError):
        return None
    last = min(last, first + MOST_RECORDS - 1)
    shown = records[max(first, 1) - 1 : max(last, 0)]
    return Resource(
        _datastore(column, shown, last // CHUNK, more=last < len(records)), media_type="text/xml"
    )
