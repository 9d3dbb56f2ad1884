"""Lists in plain links: rows of every make, documents as rows, pagers of every spelling."""

from __future__ import annotations

from collections.abc import Callable

from tests.portals.replicas.base import Answer, Article, pdf, replica
from tests.portals.replicas.site import (
    FOOT,
    OFFICES,
    TOWNS,
    Listing,
    Shown,
    Site,
    anchors,
    cut,
    page,
    prose,
)

Rows = Callable[[Shown], str]


@replica("static-rows")
class MadeOfAnything(Site):
    """A column whose parts print their rows and pagers each in its own way."""

    name = "清溪市人民政府"
    level = "prefecture"
    root = "/gk/zfxxgknb/"

    def parts(self) -> list[tuple[str, str, Callable[[int], str], Rows]]:
        """Folder, first page, where page k stands (from 2), and how rows are printed."""

        def boxes(s: Shown) -> str:
            return "".join(
                f'<li><div class="date"><p>{a.date[8:]}</p><span>{a.date[:7]}</span></div><div class=t><a href="{a.at(s.night)}">{a.title}</a></div></li>'
                for a in s.rows
            )

        def table(s: Shown) -> str:
            head = "<tr><th>序号</th><th>标题</th><th>发文字号</th><th>成文日期</th><th>发布日期</th></tr>"
            return (
                f"<table>{head}"
                + "".join(
                    f'<tr><td>{i}</td><td><A target=_blank HREF="{a.at(s.night)}">{cut(a.title, 12)}</A><div class=tip>{a.title}</div></td><td>无</td><td>{a.date}</td><td>{a.date}</td></tr>'
                    for i, a in enumerate(s.rows, 1)
                )
                + "</table>"
            )

        def terms(s: Shown) -> str:
            return (
                "<dl>"
                + "".join(
                    f'<dt><a href="{a.at(s.night)}" title="{a.title}">{a.title[:9]}…</a></dt><dd>{a.date.replace("-", "/")}</dd>'
                    for a in s.rows
                )
                + "</dl>"
            )

        def divisions(s: Shown) -> str:
            return "".join(
                f'<div class="r"><a href="{a.at(s.night)}"><b>{a.title[:10]}</b>{a.title[10:]}</a><i>({a.date[5:]})</i></div>'
                for a in s.rows
            )

        def clicks(s: Shown) -> str:
            return "".join(
                f"<li onclick=\"window.open('{a.at(s.night)}')\"><p>{a.title}</p><em>{a.date}</em></li>"
                for a in s.rows
            )

        def beside(s: Shown) -> str:
            return "".join(
                f'<tr><td>{a.title}</td><td>{a.date}</td><td><a href="{a.at(s.night)}">查看</a></td></tr>'
                for a in s.rows
            )

        def plain(s: Shown) -> str:
            return (
                "<p>"
                + "<br>".join(f'·<a href="{a.at(s.night)}">{a.title}</a>' for a in s.rows)
                + "</p>"
            )

        return [
            ("a", "index.html", lambda k: f"index_{k}.html", boxes),
            ("b", "list.html", lambda k: f"list_{k}.html", table),
            ("c", "", lambda k: f"page_{k}.html", terms),
            ("d", "index.jsp", lambda k: f"index.jsp?pageNo={k}", divisions),
            ("e", "", lambda k: f"page/{k}/", clicks),
            ("f", "list.shtml", lambda k: f"list-{k}.shtml", beside),
            ("g", "index.php", lambda k: f"index.php?m=list&catid=7&cur_page={k}", plain),
            ("h", "nb.htm", lambda k: f"nb/{k}.htm", boxes),
            ("i", "default.aspx", lambda k: f"default_{k}.aspx", table),
            ("j", "", lambda k: f"{k}/", divisions),
        ]

    def furnish(self) -> None:
        bar = self.menu(("新闻", "/xw/"), ("政务公开", "/gk/"))
        self.pages["/"] = page(self.name, bar + self.news(60) + FOOT)
        self.pages["/gk/"] = page(
            "政务公开",
            f'{bar}<div class=box><div class=tit><h3>政府信息公开年报</h3></div><div class=m><a href="{self.root}">更多&gt;&gt;</a></div></div>'
            '<div class=box><div class=tit><h3>政府信息公开指南</h3></div><div class=m><a href="/gk/zn/">更多&gt;&gt;</a></div></div>',
        )
        self.pages["/gk/zn/"] = page("指南", prose("指南"))
        parts = self.parts()
        links = "".join(
            f'<li><a href="{folder}/{first}">清溪市{OFFICES[i]}</a></li>'
            for i, (folder, first, _, _) in enumerate(parts)
        )
        self.pages[self.root] = page("政府信息公开年报", f"{bar}<ul>{links}</ul>{FOOT}")
        for i, part in enumerate(parts):
            self._part(i, *part)

    def _part(
        self, i: int, folder: str, first: str, later: Callable[[int], str], rows: Rows
    ) -> None:
        base = f"{self.root}{folder}/"
        self.fill(
            folder,
            (f"清溪市{OFFICES[i]}",),
            range(2025, 2006, -1),
            lambda n, y: f"/gk/content/{y}/{n}0000.html",
            likes=1,
        )
        words = ("下一页", "下页", "后一页", "&gt;", "下一页&gt;", "»")[i % 6]

        def render(s: Shown) -> str:
            links = "".join(
                f'<a href="{base}{later(k)}">{k}</a>'
                for k in range(2, s.pages + 1)
                if i % 2 and abs(k - s.number) < 3
            )
            if s.number < s.pages:
                links += f'<a href="{base}{later(s.number + 1)}">{words}</a>'
                if i % 3 == 0:
                    links += f'<a href="{base}{later(s.pages)}">尾页</a>'
            days = "".join(f'<a href="{base}2026-11-{d:02d}.html">{d}</a>' for d in range(1, 29))
            return page(
                "列表",
                f"<ul>{rows(s)}</ul><div class=cal>{days}</div><div class=page>{links}</div>{FOOT}",
            )

        def name(k: int) -> str:
            return base + (first if k == 1 else later(k))

        self.lists.append(Listing(folder, 5, name, render, "repeat"))


@replica("static-documents")
class Documents(Site):
    """Rows that link to documents alone; titles beside 下载; a soft way back to page 1 past the end."""

    name = "平定县人民政府"
    lives = False

    def furnish(self) -> None:
        bar = self.menu(("要闻", "/xw/"))
        self.pages["/robots.txt"] = Answer(
            "User-agent: *\nDisallow: /s\n", content_type="text/plain"
        )
        self.pages["/"] = page(
            self.name,
            f'{bar}<a href="/s?kw=政府信息公开年报">热搜：政府信息公开年报</a><a href="/tag/年报/">年报</a>'
            f'<a href="/gongkai/gknb/list.html">政府信息公开年报</a>{self.news(40)}{FOOT}',
        )
        column = "/gongkai/gknb/"
        self.fill(
            "zf",
            ("平定县人民政府",),
            range(2025, 2005, -1),
            lambda n, y: f"/resource/cms/{y}/{n}nb.pdf",
            likes=0,
        )
        for title in ("平定县2023年政府网站工作年度报表", "平定县2023年部门预算公开说明"):
            self.other("zf", title, lambda n, y: f"/gongkai/show/20240404{n:010d}", 2023)
        self.fill(
            "bm",
            [f"平定县{n}" for n in OFFICES[:14]],
            (2025, 2024),
            lambda n, y: f"/gongkai/show/{y + 1}0119085933{n}",
            likes=4,
        )
        self.fill(
            "xz",
            TOWNS[:9],
            (2025, 2024, 2023),
            lambda n, y: f"/module/download/downfile.jsp?classid=0&filename={n}.doc",
            likes=0,
        )
        tabs = f'<a href="{column}list.html">本级</a><a href="/gongkai/xzbm/list.html">县直部门</a><a href="/gongkai/xz/list.html">乡镇</a>'

        def government(s: Shown) -> str:
            return page(
                "政府信息公开年报",
                f'{tabs}<ul>{anchors(s.rows, s.night)}</ul><a href="{column}list_{s.number + 1}.html">下一页</a>',
            )

        def towns(s: Shown) -> str:
            rows = "".join(
                f'<tr><td>{a.title}</td><td>{a.date}</td><td><a href="{a.path}">[下载]</a></td></tr>'
                for a in s.rows
            )
            return page("乡镇", f"{tabs}<table>{rows}</table>")

        def departments(s: Shown) -> str:
            return page("县直部门", f"{tabs}<ul>{anchors(s.rows, s.night, 20)}</ul>")

        self.lists += [
            Listing(
                "zf",
                8,
                lambda k: f"{column}list{'' if k == 1 else f'_{k}'}.html",
                government,
                "to first",
            ),
            Listing(
                "bm",
                99,
                lambda k: f"/gongkai/xzbm/list{'' if k == 1 else f'_{k}'}.html",
                departments,
            ),
            Listing("xz", 99, lambda k: f"/gongkai/xz/list{'' if k == 1 else f'_{k}'}.html", towns),
        ]

    def article_answer(self, article: Article, text: str) -> Answer:
        if article.path.endswith("pdf"):
            return Answer(data=pdf(article.year), content_type="application/pdf")
        if article.path.endswith("doc"):
            return Answer(
                data=b"\xd0\xcf\x11\xe0" + article.title.encode() * 9,
                content_type="application/msword",
            )
        return Answer(text)


@replica("static-query")
class Queries(Site):
    """Everything by query, home behind a redirect and a base, `下一页` also on the last page."""

    name = "清涧区人民政府"

    def furnish(self) -> None:
        self.pages["/"] = Answer("moved", 301, headers={"Location": "/portal/"})
        self.pages["/portal/"] = page(
            self.name,
            '<div class="nav"><a href="site.aspx?c=1">首页</a><a href="list.aspx?cid=10">清涧要闻</a><a href="gk.aspx">信息公开</a></div>'
            + FOOT,
            '<base href="/portal/">',
        )
        self.pages["/portal/site.aspx?c=1"] = self.pages["/portal/"]
        for k in range(1, 60):
            self.pages[f"/portal/list.aspx?cid=10&pageIndex={k}"] = page(
                "要闻",
                "".join(
                    f'<li><a href="show.aspx?id={k * 100 + j}">要闻第{j}条</a>2026-01-01</li>'
                    for j in range(9)
                )
                + f'<a href="list.aspx?cid=10&pageIndex={k + 1}">下一页</a>',
            )
        self.pages["/portal/list.aspx?cid=10"] = self.pages["/portal/list.aspx?cid=10&pageIndex=1"]
        self.pages["/portal/gk.aspx"] = page(
            "信息公开",
            '<ul><li><a href="list.aspx?cid=21">公开指南</a></li><li><a href="list.aspx?cid=22">公开制度</a></li>'
            '<li><a href="javascript:;" onclick="window.open(\'list.aspx?cid=23\')">公开年报</a></li><li><a href="list.aspx?cid=24">统计年报</a></li></ul>'
            '<select onchange="go(this)"><option>友情链接</option><option value="http://www.gov.cn/">国务院</option></select>',
        )
        self.pages["/portal/list.aspx?cid=24"] = page(
            "统计", '<li><a href="show.aspx?id=77">清涧区2023年统计年报</a>2024-01-01</li>'
        )
        bodies = (
            "清涧区人民政府",
            *(f"清涧区{n}" for n in OFFICES[:16]),
            "清涧区城关街道办事处",
            "清涧区档案馆",
        )
        self.fill(
            "nb", bodies, range(2025, 2015, -1), lambda n, y: f"/portal/show.aspx?id={n}", likes=4
        )
        for number, (title, year) in enumerate(
            (("2021年度报告", 2021), ("公开年报（修订版）", 2020)), 1
        ):
            where = f"/portal/show.aspx?id=900{number}"
            self._unclear[where] = title
            whole = f"清涧区{year}年政府信息公开工作年度报告（修订）"
            self.add(Article(where, whole, f"{year + 1}-06-0{number}", "nb", "清涧区", year))
        self.other("nb", "年度工作会议召开", lambda n, y: f"/portal/show.aspx?id={n}", 2021)

        def render(s: Shown) -> str:
            rows = "".join(
                f'<dd><span class=dot></span><a target=_blank href="{a.at(s.night)}">{self._unclear.get(a.path, a.title)}</a><em>{a.date.replace("-", "/")}</em></dd>'
                for a in s.rows
            )
            return page(
                "公开年报",
                f'<div class=side><a href="list.aspx?cid=10">清涧要闻</a></div><dl>{rows}</dl><div>第{s.number}/{s.pages}页 '
                f'<a href="list.aspx?cid=23&pageIndex={s.number + 1}">下一页</a><a href="list.aspx?cid=23&pageIndex={s.pages}">尾页</a></div>',
            )

        def name(k: int) -> str:
            return "/portal/list.aspx?cid=23" + (f"&pageIndex={k}" if k > 1 else "")

        self.lists.append(
            Listing("nb", 15, name, render, "repeat", ("/portal/list.aspx?cid=23&pageIndex=1",))
        )

    def build(self) -> None:
        self._unclear: dict[str, str] = {}
        super().build()

    def detail(self, article: Article, body: str) -> str:
        return page(
            article.title, f'<div class="bt">{article.title}</div><div class="wzcon">{body}</div>'
        )


@replica("static-neighbours")
class Neighbours(Site):
    """Under each report the way to the reports before and after it; side menu and hot news everywhere."""

    name = "沁源县人民政府"

    def furnish(self) -> None:
        hot = "".join(
            f'<li><a href="/c/{600000 + i}.html">沁源县召开第{i}次会议</a><span>2026-01-0{i + 1}</span></li>'
            for i in range(8)
        )
        tabs = (
            ("政府信息公开指南", 1),
            ("政府信息公开制度", 2),
            ("法定主动公开内容", 4),
            ("政府信息公开年报", 3),
            ("政府网站年报", 9),
        )
        side = "".join(f'<a href="/xxgk/index.jsp?type={k}">{name}</a>' for name, k in tabs)
        self.side = (
            f'<div class="side"><a href="/">网站首页</a>{side}<a href="/xw/">沁源要闻</a></div>'
        )
        self.hot = f'<div class="hot"><h3>热点信息</h3>{hot}</div>'
        self.pages["/"] = page(self.name, self.side + self.hot + self.news(40) + FOOT)
        for i in range(8):
            self.pages[f"/c/{600000 + i}.html"] = page("会议", prose("会议"))
        for k in (1, 2, 4):
            self.pages[f"/xxgk/index.jsp?type={k}"] = page(
                "公开", self.side + prose("内容") + self.hot
            )
        self.pages["/xxgk/index.jsp?type=9"] = page(
            "政府网站年报",
            self.side
            + '<div><a href="/c/700001.html">沁源县2023年政府网站工作年度报表</a><i>2024-01-01</i></div>',
        )
        bodies = ("沁源县人民政府", *(f"沁源县{name}" for name in OFFICES[:9]))
        self.fill("nb", bodies, range(2025, 2013, -1), lambda n, y: f"/c/{500000 + n}.html")
        self.pages["/xxgk/index.jsp?type=3"] = lambda asked: page(
            "政府信息公开年报",
            self.side
            + "".join(
                f'<div class="r"><a href="{a.at(self.night)}">{a.title}</a><i>{a.date}</i></div>'
                for a in self.listed("nb")
            )
            + self.hot,
        )

    def detail(self, article: Article, body: str) -> str:
        rows = self.listed("nb")
        at = rows.index(article)
        near = "".join(
            f'<p>{word}一篇：<a href="{rows[k].at(self.night)}">{rows[k].title}</a></p>'
            for word, k in (("上", at - 1), ("下", at + 1))
            if 0 <= k < len(rows)
        )
        return page(
            article.title,
            f'{self.side}<h1>{article.title}</h1><div class="nr">{body}</div>{near}{self.hot}',
            f'<meta name="ArticleTitle" content="{article.title}">',
        )
