"""Columns by the dozen: each department its own, directories of bodies, years and tiers."""

from __future__ import annotations

from tests.portals.replicas.base import Answer, Asked, redirect, replica
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


@replica("departments")
class Departments(Site):
    """Forty departments with a column each, behind a cookie; undated boxes, pages from index_2."""

    name = "望海市人民政府"
    level = "prefecture"

    def furnish(self) -> None:
        topics = "".join(f'<a href="/ztzl/zt{i}/">专题{i}</a>' for i in range(60))
        self.pages["/"] = page(
            self.name,
            f'<ul><li><a href="/zwgk/">政务公开</a></li><li><a href="/zwgk/bm/">部门信息公开</a></li></ul>{topics}{self.news(40)}{FOOT}',
        )
        self.pages["/zwgk/"] = page(
            "政务公开",
            '<a href="/zwgk/xxgknb/">信息公开年报</a><a href="/zwgk/bm/">部门信息公开目录</a>',
        )
        self.pages["/zwgk/bm/"] = page(
            "部门信息公开",
            "".join(
                f'<a href="/bm/{i}/gkml/index.html">市{name}</a>' for i, name in enumerate(OFFICES)
            ),
        )
        self._list(
            "/zwgk/xxgknb/", ("望海市人民政府", "望海市人民政府办公室"), range(2025, 2010, -1)
        )
        for i, name in enumerate(OFFICES):
            self.pages[f"/bm/{i}/gkml/index.html"] = page(
                f"市{name}",
                f'<a href="/">首页</a><a href="/bm/{i}/zn/">信息公开指南</a><a href="/bm/{i}/gknb/">信息公开年报</a>',
            )
            self.pages[f"/bm/{i}/zn/"] = page("指南", prose("指南"))
            self._list(f"/bm/{i}/gknb/", (f"望海市{name}",), range(2025, 2020, -1))

    def _list(self, base: str, bodies: tuple[str, ...], years: range) -> None:
        self.fill(base, bodies, years, lambda n, y: f"{base}content/post_{n}00.html", likes=1)

        def render(s: Shown) -> str:
            rows = "".join(
                f'<li><a href="{a.at(s.night)}" title="{a.title}">{a.title}</a></li>'
                for a in s.rows
            )
            links = "".join(
                f'<a href="{"index.html" if k == 1 else f"index_{k}.html"}">{k}</a>'
                for k in range(1, s.pages + 1)
            )
            return page(
                "信息公开年报",
                f'<div class="con"><ul class="news_list">{rows}</ul></div><div class="page">{links}</div>',
            )

        def name(k: int) -> str:
            return base + ("index.html" if k == 1 else f"index_{k}.html")

        self.lists.append(Listing(base, 6, name, render, also=(base,)))

    def answer(self, asked: Asked) -> Answer | None:
        if asked.path == "/robots.txt":
            return None
        if "C3VK=abc" not in asked.headers.get("cookie", ""):
            return Answer(
                "moved", 302, headers={"Location": asked.target, "Set-Cookie": "C3VK=abc; path=/"}
            )
        return super().answer(asked)


@replica("departments-tiers")
class Tiers(Site):
    """A disclosure page with the county's column, and 县直部门 and 乡镇 that are directories of bodies."""

    name = "安口县人民政府"

    def furnish(self) -> None:
        bar = self.menu(("新闻", "/xw/"), ("政务公开", "/zwgk/"))
        self.pages["/"] = page(self.name, bar + self.news(40) + FOOT)
        tiers = {
            "bm": ("县直部门", [f"安口县{n}" for n in OFFICES[:18]]),
            "xz": ("乡镇街道", TOWNS[:12]),
        }
        links = "".join(
            f'<li><a href="/zwgk/{tier}.html">{label}</a></li>'
            for tier, (label, _) in tiers.items()
        )
        self.pages["/zwgk/"] = page(
            "政务公开",
            f'{bar}<ul><li><a href="/zwgk/nb/">政府信息公开年报</a></li>{links}<li><a href="/zwgk/fw/">办事服务</a></li></ul>',
        )
        self._column("/zwgk/nb/", ("安口县人民政府",), range(2025, 2007, -1))
        number = 0
        for tier, (label, bodies) in tiers.items():
            rows = ""
            for body in bodies:
                number += 1
                rows += f'<a href="/d/{number}/">{body.removeprefix("安口县").removesuffix("人民政府")}</a>'
                self.pages[f"/d/{number}/"] = page(
                    body,
                    f'<a href="/">首页</a><a href="/d/{number}/jg/">机构职能</a><a href="/d/{number}/nb/">年度报告</a>',
                )
                self._column(f"/d/{number}/nb/", (body,), range(2025, 2020, -1))
            self.pages[f"/zwgk/{tier}.html"] = page(label, f"<div>{rows}</div>")

    def _column(self, base: str, bodies: tuple[str, ...], years: range) -> None:
        self.fill(base, bodies, years, lambda n, y: f"{base}{y + 1}/{n}00.html", likes=1)

        def name(k: int) -> str:
            return base if k == 1 else f"{base}index_{k - 1}.html"

        def render(s: Shown) -> str:
            call = (
                f'createPageHTML({s.pages}, {s.number - 1}, "index", "html")' if s.pages > 1 else ""
            )
            return page(
                "年度报告", f"<ul>{anchors(s.rows, s.night)}</ul><script>{call}</script>{FOOT}"
            )

        self.lists.append(Listing(base, 12, name, render))


@replica("departments-blocks")
class Blocks(Site):
    """The column shows the newest two of each body, the rest behind more; addresses without slashes."""

    name = "阳城县人民政府"

    def furnish(self) -> None:
        column = "/yc/zwgk/fdzdgknr/zfxxgkndbg"
        self.pages["/"] = page(self.name, '<a href="./yc/zwgk">政务公开</a>' + self.news(40) + FOOT)
        self.pages["/yc/zwgk"] = redirect("/yc/zwgk/")
        self.pages["/yc/zwgk/"] = page(
            "政务公开", '<div class="tab"><h4><a href="fdzdgknr">法定主动公开内容</a></h4></div>'
        )
        self.pages["/yc/zwgk/fdzdgknr"] = redirect("/yc/zwgk/fdzdgknr/", 301)
        topics = "".join(f'<li><a href="./m{i}/">重点领域{i}信息公开</a></li>' for i in range(25))
        self.pages["/yc/zwgk/fdzdgknr/"] = page(
            "法定主动公开内容", f'<li><a href="{column}">政府信息公开年度报告</a></li>{topics}'
        )
        for i in range(25):
            self.pages[f"/yc/zwgk/fdzdgknr/m{i}/"] = page("重点", prose("重点"))
        self.pages[column] = redirect(column + "/", 301)
        bodies = ("县人民政府办公室", *(f"县{name}" for name in OFFICES[:30]))
        for i, body in enumerate(bodies):
            self._body(f"{column}/b{i}/", f"阳城{body}")

        def blocks(asked: Asked) -> str:
            return page(
                "政府信息公开年度报告",
                "".join(
                    f'<div class=bk><p class=tit><a href="./b{i}/">{body}</a><a class=m href="./b{i}/">more</a></p>'
                    f"<ul>{anchors(self.listed(f'{column}/b{i}/')[:2], self.night)}</ul></div>"
                    for i, body in enumerate(bodies)
                ),
            )

        self.pages[column + "/"] = blocks

    def _body(self, base: str, body: str) -> None:
        self.fill(
            base,
            (body,),
            range(2025, 2017, -1),
            lambda n, y: f"{base}{y + 1}02/t{y + 1}0210_{n}.htm",
            likes=1,
        )

        def name(k: int) -> str:
            return base + ("index.htm" if k == 1 else f"index_{k - 1}.htm")

        def render(s: Shown) -> str:
            links = "".join(
                f'<a href="{"index.htm" if k == 1 else f"index_{k - 1}.htm"}">[{k}]</a>'
                for k in range(1, s.pages + 1)
            )
            return page(body, f"<ul>{anchors(s.rows, s.night)}</ul>{links}")

        self.lists.append(Listing(base, 5, name, render, also=(base,)))


@replica("departments-deep")
class Deep(Site):
    """政府信息公开 leads to the guide; years as folders, tiers below them, pages by countPage."""

    name = "大凉县人民政府"

    def furnish(self) -> None:
        self.pages["/"] = lambda asked: redirect(self.url + "/dlx/index.html", 301)
        offices = "".join(
            f'<a href="/dlx/jg/{i}/">市{name}</a>' for i, name in enumerate(OFFICES[:8])
        )
        self.pages["/dlx/index.html"] = page(
            self.name,
            f'<a href="/dlx/zwgk/xxgkzn/">政府信息公开</a><a href="/dlx/wzdt/">网站地图</a>{offices}{self.news(40)}{FOOT}',
        )
        for i in range(8):
            self.pages[f"/dlx/jg/{i}/"] = page("机构", prose("机构职能"))
        self.pages["/dlx/wzdt/"] = page("网站地图", FOOT)
        root = "/dlx/zwgk/nb/"
        left = (
            '<div class="l"><p><a href="/dlx/zwgk/xxgkzn/">信息公开指南</a></p><p><a href="/dlx/zwgk/fdzdgknr/">法定主动公开内容</a></p>'
            f'<p><a href="{root}">政府信息公开<b>年报</b> </a></p></div>'
        )
        self.pages["/dlx/zwgk/xxgkzn/"] = page("指南", left + prose("指南"))
        self.pages["/dlx/zwgk/fdzdgknr/"] = page(
            "法定", left + "".join(f'<a href="x{i}/">部门{i}</a>' for i in range(20))
        )
        years = range(2025, 2020, -1)
        # The oldest folder is not there any more.
        folders = "".join(
            f'<dd><a href="{root}{year}/"><span>{year}</span>年度</a></dd>'
            for year in (*years, 2019)
        )
        self.pages[root] = page("政府信息公开年报", f"{left}<dl>{folders}</dl>")
        for year in years:
            base = f"{root}{year}/"
            self.pages[base] = page(
                str(year),
                f'{left}<div><a href="zf/">县政府</a><a href="xz/">乡镇人民政府</a><a href="bm/">县级各部门</a></div>',
            )
            self.fill(
                f"zf{year}",
                ("大凉县人民政府",),
                (year,),
                lambda n, y, base=base: f"{base}zf/{y}{n}.html",
                likes=1,
            )
            self.fill(
                f"xz{year}",
                TOWNS,
                (year,),
                lambda n, y, base=base: f"{base}xz/c{n}_{y}.html",
                likes=2,
            )
            self._list(f"zf{year}", f"{base}zf/", left)
            self._list(f"xz{year}", f"{base}xz/", left)

    def _list(self, column: str, base: str, left: str) -> None:
        def render(s: Shown) -> str:
            rows = "".join(
                f'<li><a href="{a.at(s.night)}" title=" {a.title} ">{a.title[:20]}</a> <span>({a.date})</span></li>'
                for a in s.rows
            )
            return page(
                "年报",
                f"{left}<ul>{rows}</ul><script>var countPage = {s.pages};//共几页\nvar currentPage = {s.number - 1};\n"
                "function f(){ 'index'+'_'+1+'.html' }</script>",
            )

        def name(k: int) -> str:
            return base if k == 1 else f"{base}index_{k - 1}.html"

        self.lists.append(Listing(column, 9, name, render))
