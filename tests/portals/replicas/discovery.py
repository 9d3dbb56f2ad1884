"""Ways to the column that are no plain link: frames, hops, pictures, scripts, pages of welcome."""

from __future__ import annotations

from collections.abc import Callable

from tests.portals.replicas.base import Answer, Article, Asked, pdf, replica, report_body
from tests.portals.replicas.site import (
    FOOT,
    OFFICES,
    TOWNS,
    Listing,
    Shown,
    Site,
    anchors,
    page,
    prose,
)


class Simple(Site):
    """A column of one list with paging by links, wherever it stands."""

    def column(self, where: str, bodies: int = 10, size: int = 20) -> None:
        """Twelve years of reports under `where`/index.html, and its pages index_2.html …"""
        place = self.name.removesuffix("人民政府")
        names = (self.name, *(f"{place}{name}" for name in OFFICES[:bodies]))
        self.fill(
            "nb", names, range(2025, 2013, -1), lambda n, y: f"{where}/{y + 1}/{n}00.html", likes=3
        )

        def name(k: int) -> str:
            return f"{where}/index.html" if k == 1 else f"{where}/index_{k}.html"

        def render(s: Shown) -> str:
            links = "".join(f'<a href="index_{k}.html">{k}</a>' for k in range(2, s.pages + 1))
            return page(
                "列表",
                f"{self.around()}<ul>{anchors(s.rows, s.night, 15)}</ul><div>{links}</div>{FOOT}",
            )

        self.lists.append(Listing("nb", size, name, render, also=(f"{where}/",)))

    def around(self) -> str:
        return ""


@replica("frames")
class Frames(Site):
    """Rich pages whose list stands in an iframe, framesets in frames, reports in a viewer."""

    name = "陵川县人民政府"

    def furnish(self) -> None:
        bar = self.menu(("新闻", "/xw/"))
        self.pages["/"] = page(
            self.name, f'{bar}<a href="/zwgk.html">政务公开</a>{self.news(50)}{FOOT}'
        )
        self.pages["/zwgk.html"] = page(
            "政务公开",
            f'{bar}<h2>政务公开</h2><iframe name=f src="/ztree/frame.html"></iframe>{FOOT}',
        )
        self.pages["/ztree/frame.html"] = (
            '<html><frameset rows="*,200"><frame src="main.html"><frame src="tree.html"></frameset></html>'
        )
        self.pages["/ztree/main.html"] = page("", prose("欢迎"))
        self.pages["/ztree/tree.html"] = page(
            "目录",
            '<ul id=tree><li><a href="/gk/zn.html">公开指南</a><li><a href="/gk/gknb.html" target=main>信息公开年报</a></ul>',
        )
        self.pages["/gk/zn.html"] = page("指南", prose("指南"))
        self.pages["/gk/gknb.html"] = page(
            "信息公开年报",
            f'{bar}<h2>信息公开年报</h2><iframe src="/inner/nblist.jsp?cid=8" scrolling=no></iframe>{FOOT}',
        )
        names = ("陵川县人民政府", *(f"陵川县{name}" for name in OFFICES[:11]))
        self.fill(
            *("nb", names, range(2025, 2014, -1), lambda n, y: f"/inner/detail.jsp?iid={n}"),
            attachments=lambda n: ((f"/files/r{n}.pdf", "报告.pdf"),) if n % 4 in (1, 2) else (),
        )

        def render(s: Shown) -> str:
            rows = "".join(
                f'<li><div class="date"><p>{a.date[8:]}</p><span>{a.date[:7]}</span></div><div class=t><a href="{a.at(s.night)}">{a.title[:15]}...</a></div></li>'
                for a in s.rows
            )
            return page(
                "",
                f'<ul>{rows}</ul><a title="上一页" href="?cid=8&pageNumber={s.number - 1}"><i class="l"></i></a>'
                f'<a title="下一页" href="?cid=8&pageNumber={s.number + 1}"><i class="r"></i></a>',
            )

        def name(k: int) -> str:
            return "/inner/nblist.jsp?cid=8" + (f"&pageNumber={k}" if k > 1 else "")

        self.lists.append(
            Listing("nb", 12, name, render, "empty", ("/inner/nblist.jsp?cid=8&pageNumber=0",))
        )

    def detail(self, article: Article, body: str) -> str:
        if not article.attachments:
            return super().detail(article, body)
        path = article.attachments[0][0]
        number = int(path.removeprefix("/files/r").removesuffix(".pdf"))
        shown = (
            f'<iframe src="/pdfjs/web/viewer.html?file={path}" width=100%></iframe>'
            if number % 4 == 1
            else f'<div id="zoom"><embed src="{path}"></div>'
        )
        return page(article.title, f"<h1>{article.title}</h1>{shown}")


@replica("hops")
class Hops(Simple):
    """A page of welcome, then stubs of every make, one of them for telephones too."""

    name = "榆河县人民政府"

    def furnish(self) -> None:
        self.pages["/"] = page(
            self.name,
            '<div class=flash><img src="/hello.jpg"></div><a href="/portal/index.html">进入网站</a> <a href="http://en.elsewhere.gov.cn/">English</a>',
        )
        self.pages["/portal/index.html"] = page(
            self.name,
            self.menu(("新闻", "/xw/"))
            + '<a href="/portal/zwgk.html">政务公开</a>'
            + self.news(40)
            + FOOT,
        )
        self.pages["/portal/zwgk.html"] = page(
            "",
            "<script>var ua=navigator.userAgent; if(/Android|iPhone/.test(ua)){location.href='/m/zwgk.html'}else{location.href='/portal/gk/jump.html'}</script>",
        )
        self.pages["/m/zwgk.html"] = page("手机版", prose("手机版"))
        self.pages["/portal/gk/jump.html"] = page(
            "",
            '<p>页面跳转中</p><script>var target = "../xxgk/";\nwindow.location.href = target;</script>',
        )
        self.pages["/portal/xxgk/"] = (
            "<html><body onload=\"location.replace('pt.shtml')\"></body></html>"
        )
        self.pages["/portal/xxgk/pt.shtml"] = (
            "<html><script>setTimeout(\"top.location.href='./pt/index.html'\", 10);</script></html>"
        )
        self.pages["/portal/xxgk/pt/index.html"] = page(
            "政府信息公开平台",
            '<ul><li onclick="location.href=\'/portal/xxgk/zn.html\'">政府信息公开指南</li><li data-url="/portal/xxgk/nb/index.html">政府信息公开年报</li></ul>',
        )
        self.pages["/portal/xxgk/zn.html"] = page("指南", prose("指南"))
        self.column("/portal/xxgk/nb")


@replica("pictures")
class Pictures(Simple):
    """A menu of pictures without words: their paths, or the words beside them, are all there is."""

    name = "石泉县人民政府"

    def furnish(self) -> None:
        self.pages["/"] = page(
            self.name,
            '<map name="m"><area shape=rect coords="0,0,9,9" href="/xwzx/"><area shape=rect coords="9,0,19,9" href="/xxgk/index.html"></map>'
            '<img usemap="#m" src="/i/menu.jpg"><a href="/bsdt/"><img src="/i/b.png"></a>'
            + self.news(30)
            + FOOT,
        )
        self.pages["/xwzx/"] = page("新闻", prose("新闻"))
        self.pages["/bsdt/"] = page("大厅", prose("大厅"))
        boxes = "".join(
            f'<div class=box><a href="{href}"><img src="/i/{i}.png"></a><p>{words}</p></div>'
            for i, (href, words) in enumerate(
                (
                    ("/xxgk/a.html", "政府信息公开指南"),
                    ("/xxgk/c/index.html", "政府信息公开年报"),
                    ("/xxgk/d.html", "政府网站年报"),
                )
            )
        )
        self.pages["/xxgk/index.html"] = page("信息公开", boxes)
        for path in ("/xxgk/a.html", "/xxgk/d.html"):
            self.pages[path] = page("说明", prose("说明"))
        self.column("/xxgk/c")


@replica("scripts")
class Scripts(Simple):
    """A menu in nav.js, a platform whose tree is data, a piece that jQuery loads."""

    name = "芦溪县人民政府"

    def furnish(self) -> None:
        self.pages["/"] = page(
            self.name,
            '<script src="/js/jquery.min.js"></script><script type="text/javascript" src="/images/nav.js?v=3"></script>'
            + self.news(40)
            + "<p>主办：县人民政府</p>",
        )
        self.pages["/images/nav.js"] = Answer(
            'document.writeln("<ul class=\\"nav\\"><li><a href=\\"/\\">首页<\\/a><\\/li>");\ndocument.writeln("<li><a href=\\"/zwgk/\\" target=\\"_blank\\">政务公开<\\/a><\\/li><\\/ul>");',
            content_type="application/javascript",
        )
        self.pages["/zwgk/"] = page(
            "政务公开",
            '<div id="left"></div><div id="ztree"></div><script>$("#left").load("/zwgk/left.html?t="+new Date().getTime());</script>',
        )
        self.pages["/zwgk/left.html"] = (
            '<div id="t"></div><script>var zNodes=[{"id":1,"pId":0,"name":"政府信息公开指南","url":"/zwgk/zn/"},'
            '{"id":2,"pId":0,"name":"政府信息公开年报","url":"\\/zwgk\\/nianbao\\/index.html","target":"_self"},'
            '{"id":3,"pId":0,"name":"政府网站工作年度报表","url":"/zwgk/wz/"}];</script>'
        )
        for folder in ("zn", "wz"):
            self.pages[f"/zwgk/{folder}/"] = page("说明", prose("说明"))
        self.column("/zwgk/nianbao")


@replica("traps")
class Traps(Simple):
    """A column among calendars, tags, endless pages, session ids, and relative links that grow."""

    name = "鹿鸣县人民政府"

    def furnish(self) -> None:
        bar = self.menu(("新闻", "/xw/"), ("政务公开", "/zwgk/"))
        self.pages["/"] = page(
            self.name,
            bar
            + '<a href="/tag/年报/">年报</a><a href="/search?keyword=年报">政府信息公开年报</a>'
            + self.news(60)
            + FOOT,
        )
        self.pages["/zwgk/"] = page(
            "政务公开",
            f'{bar}<a href="/zwgk/nb/index.html?sid={"0123456789abcdef" * 2}">政府信息公开年报</a><a href="/zwgk/wzb/">政府网站工作年度报表</a>'
            '<a href="/zwgk/tjnb/">年度报告</a>',
        )
        self.pages["/zwgk/wzb/"] = page("报表", '<li><a href="/zwgk/wzb/1.html">报表</a></li>')
        self.column("/zwgk/nb", bodies=6)

    def around(self) -> str:
        days = "".join(
            f'<a href="/zwgk/nb/2026/11/{d:02d}/">{d}</a><a href="/zwgk/nb/index.html?date=2026-11-{d:02d}">{d}</a>'
            for d in range(1, 29)
        )
        return (
            f'<div class=cal><a href="/zwgk/nb/2026/12/">下月</a>{days}</div><a href="nb/nb/nb/index.html">年报</a>'
            '<a href="/zwgk/nb/tag/1/">标签</a><a href="/zwgk/nb/print/1.html">打印</a><a href="?orderby=1&sessionid=77">按时间</a>'
            '<a href="/login?backurl=/zwgk/nb/">登录</a>'
        )

    def answer(self, asked: Asked) -> Answer | None:
        path = asked.path
        if path.startswith("/zwgk/tjnb/"):
            # Reports on trade, without end.
            k = int(asked.query.get("page", "1"))
            rows = "".join(
                f'<li><a href="/zwgk/tj/{k * 9 + i}00000.html">某企业第{k * 9 + i}号财务数据</a>2024-01-01</li>'
                for i in range(9)
            )
            return Answer(page("年度报告", f'<ul>{rows}</ul><a href="?page={k + 1}">下一页</a>'))
        if path.startswith("/zwgk/tj/"):
            return Answer(page("财务公示", prose("财务")))
        if "nb/nb" in path:
            # Answers under any address, with the same relative link.
            return Answer(page("年报", '<a href="nb/nb/nb/index.html">年报</a>'))
        return super().answer(asked)


@replica("sites-map")
class Map(Simple):
    """Only the map of the site has the column; a year's reports are named like a report."""

    name = "柏乡县人民政府"

    def furnish(self) -> None:
        self.pages["/"] = page(
            self.name,
            '<a href="/xw/">新闻中心</a><a href="/fw/">办事</a><a href="/map.html">网站地图</a>'
            + self.news(60)
            + FOOT,
        )
        self.pages["/fw/"] = page("办事", prose("办事"))
        many = "".join(f'<a href="/c{i}/">栏目{i}</a>' for i in range(150))
        self.pages["/map.html"] = page(
            "网站地图", f'{many}<a href="/nb/104536.html">政府信息公开年报</a>{many}'
        )
        years = range(2025, 2019, -1)
        links = "".join(
            f'<p><a href="/nb/{y}/">柏乡县{y}年政府信息公开工作年度报告</a></p>' for y in years
        )
        self.pages["/nb/104536.html"] = page("政府信息公开年报", f"<div>{links}</div>{FOOT}")
        for year in years:
            bodies = ("柏乡县人民政府", *(f"柏乡县{name}" for name in OFFICES[:8]), *TOWNS[:5])
            self.fill(f"nb{year}", bodies, (year,), lambda n, y: f"/nb/{y}/{n}.html", likes=1)
            self.pages[f"/nb/{year}/"] = self._year(year)

    def _year(self, year: int) -> Callable[[Asked], str]:
        def shown(asked: Asked) -> str:
            rows = "".join(
                f'<td><a href="{a.at(self.night)}">{a.title}</a></td>'
                for a in self.listed(f"nb{year}")
            )
            return page("年报", f"<table><tr>{rows}</tr></table>{FOOT}")

        return shown


@replica("topics")
class Topics(Site):
    """Each year a topic page of its own; rows named by body alone; an index of years in a select."""

    name = "云阳市人民政府"

    def furnish(self) -> None:
        bar = self.menu(("新闻", "/xw/"), ("政府信息公开", "/xxgk/"))
        self.pages["/"] = page(self.name, bar + self.news(60) + FOOT)
        self.pages["/xxgk/"] = page(
            "政府信息公开",
            f'{bar}<div><h3>政府信息公开年报专题</h3></div><a class="more" href="/zt/zfxxgkndbgzt/">进入专题</a>',
        )
        years = range(2025, 2017, -1)
        options = "".join(f'<option value="{y}n/">{y}年</option>' for y in years)
        self.pages["/zt/zfxxgkndbgzt/"] = page(
            "政府信息公开年报专题", f"<select>{options}</select>{FOOT}"
        )
        for year in years:
            base = f"/zt/zfxxgkndbgzt/{year}n/"
            self.fill(
                f"zt{year}",
                [f"云阳市{name}" for name in OFFICES[:15]],
                (year,),
                lambda n, y, base=base: f"{base}{n}/",
                likes=0,
            )
            self.pages[base] = self._year(year)

    def _year(self, year: int) -> Callable[[Asked], str]:
        def shown(asked: Asked) -> str:
            cells = "".join(
                f'<td><a href="{a.at(self.night)}">{a.org.removeprefix("云阳市")}</a></td>'
                for a in self.listed(f"zt{year}")
            )
            return page(f"{year}年专题", f"<table><tr>{cells}</tr></table>{FOOT}")

        return shown

    def detail(self, article: Article, body: str) -> str:
        return page(
            article.title, f'<div class="title">{article.title}</div><div class="show">{body}</div>'
        )


@replica("one-page")
class OnePage(Site):
    """A column that is one report, followed by links to the years before; documents as rows by year."""

    name = "北镇乡人民政府"
    level = "township"
    lives = False

    def furnish(self) -> None:
        bar = self.menu(("新闻", "/xw/"), ("信息公开", "/xxgk.html"))
        self.pages["/"] = page(self.name, bar + self.news(20) + FOOT)
        self.pages["/xxgk.html"] = page(
            "信息公开",
            f'{bar}<a href="/nb.html">政府信息公开年报</a><a href="/zd.html">公开制度</a>',
        )
        self.pages["/zd.html"] = page("公开制度", prose("制度"))
        self.newest = self.fill("nb", (self.name,), (2025,), lambda n, y: "/nb.html", likes=0)[0]
        del self._by_path["/nb.html"]
        self.fill("nb", (self.name,), range(2024, 2018, -1), lambda n, y: f"/nb/{y}.html", likes=0)
        self.fill(
            "nb", (self.name,), range(2018, 2012, -1), lambda n, y: f"/upload/{y}/{n}.pdf", likes=0
        )

        def column(asked: Asked) -> str:
            links = "".join(
                f'<li><a href="{a.path}">{a.year}年</a></li>'
                for a in self.listed("nb")
                if a is not self.newest
            )
            return page(
                f"{self.newest.title}-{self.name}",
                f'{bar}<h2>{self.newest.title}</h2><div class="zoomcon">{report_body(self.newest, 0)}</div><ul>{links}</ul>{FOOT}',
            )

        self.pages["/nb.html"] = column

    def article_answer(self, article: Article, text: str) -> Answer:
        if article.path.endswith("pdf"):
            return Answer(data=pdf(article.year), content_type="application/pdf")
        return Answer(text)


@replica("meta-names")
class MetaNames(Simple):
    """Links that only say 专栏; the page's own metas say what it is, with attributes run together."""

    name = "长亭县人民政府"

    def furnish(self) -> None:
        self.pages["/"] = page(
            self.name, self.menu(("新闻", "/xw/"), ("政务公开", "/gov/")) + self.news(40) + FOOT
        )
        self.pages["/gov/"] = page(
            "政务公开",
            '<a href="/gov/a.html">主动公开</a><a href="/gov/lm7/index.html">公开专栏</a><a href="/gov/b.html">公开目录</a>',
        )
        for path in ("/gov/a.html", "/gov/b.html"):
            self.pages[path] = page("说明", prose("说明"))
        self.column("/gov/lm7")

    def answer(self, asked: Asked) -> Answer | None:
        given = super().answer(asked)
        if given and asked.path.startswith("/gov/lm7/index"):
            meta = '<meta name="ColumnName"content="政府信息公开年报"><meta name="ColumnType"content="">'
            return Answer(
                given.text.replace("</title>", f"</title>{meta}").replace('" title="', '" name="')
            )
        return given
