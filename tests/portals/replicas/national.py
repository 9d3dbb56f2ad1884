"""The national template: tabs in a fixed order, the list in its box, over several systems' paging."""

from __future__ import annotations

from tests.portals.replicas.base import Answer, Asked, replica, report_body
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


@replica("national")
class Queries(Site):
    """`?page=N` in the template; the newest report printed above the list; page 1 past the end."""

    name = "和顺区人民政府"
    gzipped = True

    def furnish(self) -> None:
        self.pages["/robots.txt"] = Answer(
            "User-agent: *\nCrawl-delay: 0\n", content_type="text/plain"
        )
        self.pages["/"] = page(
            self.name,
            '<map name=m><area href="/zfxxgk/index.html" alt=""></map><a href="/zfxxgk/index.html"><img src=a.png alt="政府信息公开"></a>'
            f'<a href="/news.html">今日和顺</a><a href="http://evil.example/zfxxgknb/">政府信息公开年报</a>{self.news(90)}{FOOT}',
        )
        names = ("政府信息公开<br>指南", "政府信息公开<br>制度", "法定主动<br>公开内容")
        tabs = "".join(
            f'<li><a href="/zfxxgk/{file}.html">{name}</a></li>'
            for file, name in zip(("zn", "zd", "fd"), names, strict=True)
        )
        self.tabs = f'<ul class="zfxxgk_menu">{tabs}<li class="on"><a href="/zfxxgk/zfxxgknb.html"><i></i>年度报告</a></li><li><a href="/zfxxgk/ysq.html">依申请公开</a></li></ul>'
        for file in ("index", "zn", "zd", "fd", "ysq"):
            self.pages[f"/zfxxgk/{file}.html"] = page("政府信息公开", self.tabs + prose("说明"))
        bodies = ("和顺区人民政府", *(f"和顺区{name}" for name in OFFICES[:9]))
        self.fill(
            *(
                "nb",
                bodies,
                range(2025, 2008, -1),
                lambda n, y: f"/{y + 1}/{n % 12 + 1:02d}-11/{365300 + n}.html",
            ),
            attachments=lambda n: (
                ((f"/upload/{n}.docx", "附件：年度报告.docx"),) if n % 4 == 0 else ()
            ),
        )

        def render(shown: Shown) -> str:
            rows = "".join(
                f'<li><a title="{a.title}" href="{a.at(shown.night)}" target="_blank">{a.title[:20]}…</a><b>{a.date}</b></li>'
                for a in shown.rows
            )
            around = range(max(1, shown.number - 2), min(shown.pages, shown.number + 2) + 1)
            links = "".join(f'<a href="?page={k}">{k}</a>' for k in around)
            newest = next(a for a in shown.rows if a.is_report) if shown.number == 1 else None
            inline = (
                f"<h2>{newest.title}</h2>{report_body(newest, newest.edition(shown.night))}"
                if newest
                else ""
            )
            return page(
                f"年度报告_{self.name}",
                f'{self.tabs}<h2 class="zfxxgk_zdgktit">政府信息公开年报</h2>{inline}<div class="zfxxgk_zdgkc"><ul>{rows}</ul></div>'
                f'<div class="pages">{links}<a href="?page={shown.number + 1}">下页</a></div>',
                '<meta name="ColumnName"content="年度报告">',
            )

        def name(k: int) -> str:
            return "/zfxxgk/zfxxgknb.html" + (f"?page={k}" if k > 1 else "")

        self.lists.append(
            Listing("nb", 14, name, render, "first", ("/zfxxgk/zfxxgknb.html?page=1",))
        )


@replica("national-tree")
class Tree(Site):
    """Sub-columns in the tree on the left of every page, an old column elsewhere, dates before rows."""

    name = "松江镇区人民政府"

    def furnish(self) -> None:
        base = "/zwgk/gk/"
        bar = self.menu(("新闻", "/xw/"))
        self.pages["/"] = page(
            self.name,
            f"{bar}<div><a href='javascript:void(0)' onclick=\"window.location.href='/zwgk/gk/zn/'\">政府信息公开</a></div>"
            f"<a href='/zwgk/wznb/'>政府网站年报</a>{self.news(50)}{FOOT}",
        )
        parts = (
            (f"{base}nb/qzf/", "区政府年报", ("松江镇区人民政府",), range(2025, 2018, -1)),
            (
                f"{base}nb/bm/",
                "区政府部门年报",
                [f"松江镇区{n}" for n in OFFICES[:20]],
                range(2025, 2019, -1),
            ),
            (f"{base}nb/zj/", "镇街年报", TOWNS[:12], range(2025, 2019, -1)),
            (
                "/zwgk/lnnb/",
                "往年年报",
                ("松江镇区人民政府", "松江镇区民政局"),
                range(2018, 2007, -1),
            ),
        )
        links = "".join(f'<li><a href="{folder}">{label}</a></li>' for folder, label, _, _ in parts)
        tabs = "".join(
            f'<li><a href="{base}{file}/"><span>{one}</span><span>{two}</span></a></li>'
            for file, one, two in (
                ("zn", "政府信息公开", "指南"),
                ("zd", "政府信息公开", "制度"),
                ("fd", "法定主动", "公开内容"),
            )
        )
        left = (
            f'<div class="zfxxgk_lefttree"><ul>{tabs}<li><a href="{base}nb/"><span>政府信息公开</span> <span>年报</span></a>'
            f"<ul>{links}</ul></li></ul></div>"
        )
        for file in ("zn", "zd", "fd"):
            self.pages[f"{base}{file}/"] = page(file, left + prose(file))
        self.pages["/zwgk/wznb/"] = page(
            "政府网站年报",
            '<li><a href="/zwgk/wznb/202401/t20240101_9.html">某区2023年政府网站工作年度报表</a>2024-01-01</li>',
        )
        self.pages[base + "nb/"] = page("年报", left + '<div class="zfxxgk_zdgkc"><ul></ul></div>')
        for folder, _, bodies, years in parts:
            self._part(folder, bodies, years, left)

    def _part(
        self, folder: str, bodies: list[str] | tuple[str, ...], years: range, left: str
    ) -> None:
        self.fill(folder, bodies, years, lambda n, y: f"{folder}{y + 1}03/t{y + 1}0310_{n}.html")

        def render(shown: Shown) -> str:
            following = (
                f"index_{shown.number}.html" if shown.number < shown.pages else "javascript:;"
            )
            rows = "".join(
                f'<li><b>{a.date}</b><a href="{a.at(shown.night)}" title="{a.title}">{a.title[:18]}</a></li>'
                for a in shown.rows
            )
            return page(
                "政府信息公开年报",
                f'{left}<div class="box zfxxgk_zdgkc"><ul>{rows}</ul></div><p><a href="{following}">下一页</a></p>',
            )

        def name(k: int) -> str:
            return folder + ("" if k == 1 else f"index_{k - 1}.html")

        self.lists.append(Listing(folder, 15, name, render))


@replica("national-pane")
class Panes(Site):
    """The whole platform on one page, its tabs without links; titles cut for good; soft 404."""

    name = "襄垣县人民政府"

    def furnish(self) -> None:
        self.pages["/robots.txt"] = Answer(
            "User-agent: Nianbao\nAllow: /\n\nUser-agent: *\nDisallow: /\n",
            content_type="text/plain",
        )
        bar = self.menu(("新闻", "/xw/"))
        self.pages["/"] = page(
            self.name,
            f'{bar}<li><a href="/xw/2024/0301/88.html">襄垣县召开政府信息公开工作年度报告编制培训会</a><span>2024-03-01</span></li>'
            f'<a href="/zfxxgk/" target=_blank><img src="/i/zfxxgk.png" title="政府信息公开" alt=""></a>{FOOT}',
        )
        bodies = ("襄垣县人民政府", *(f"襄垣县{name}" for name in OFFICES[9:20]))
        self.fill(
            "nb",
            bodies,
            range(2025, 2017, -1),
            lambda n, y: f"/zfxxgk/nb/{y + 1}/{n}.html",
            likes=1,
        )
        self.pages["/zfxxgk/"] = self._platform

    def _platform(self, asked: Asked) -> str:
        rows = "".join(
            f'<li><a href="{a.at(self.night)}">{a.title[:13]}…</a><em>{a.date}</em></li>'
            for a in self.listed("nb")
        )
        tabs = "".join(
            f"<li>{name}</li>"
            for name in (
                "政府信息公开指南",
                "政府信息公开制度",
                "法定主动公开内容",
                "政府信息公开年报",
            )
        )
        return page(
            "政府信息公开",
            f'<ul class=tab>{tabs}</ul><div class=p>{prose("指南")}</div><div class=p><ul><li><a href="/zd/1.html">襄垣县保密审查制度</a>'
            f"<em>2020-01-01</em></li></ul></div><div class=p><ul>{rows}</ul></div>{FOOT}",
        )

    def missing(self, asked: Asked) -> Answer:
        return Answer(page("出错了", "您访问的页面不存在"))


@replica("national-inline")
class Inline(Site):
    """Columns that print the newest report themselves: one lists it too, one does not."""

    name = "高平市人民政府"

    def furnish(self) -> None:
        self.pages["/"] = page(
            self.name,
            self.menu(
                ("政府信息公开年报", "/nb/szf/index.html"),
                ("信息公开年度报告（部门）", "/nb/bm/index.html"),
            )
            + FOOT,
        )
        self.fill(
            "szf",
            ("高平市人民政府",),
            range(2025, 2009, -1),
            lambda n, y: f"/nb/szf/{y + 1}/0{n % 9 + 1}/{n}.html",
            likes=0,
        )
        self.fill(
            "bm", [*TOWNS[:6], *OFFICES[:12]], (2024,), lambda n, y: f"/nb/bm/a{n}.html", likes=0
        )
        self.pages["/nb/szf/index.html"] = self._government
        self.pages["/nb/bm/index.html"] = self._departments
        self.shown = self.fill(
            "shown", ("高平市市场监督管理局",), (2025,), lambda n, y: "/nb/bm/index.html", likes=0
        )[0]
        del self._by_path["/nb/bm/index.html"]

    lives = False

    def _government(self, asked: Asked) -> str:
        rows = self.listed("szf")
        newest = next(a for a in rows if a.year == 2025)
        links = "".join(f'<a href="{a.path}" title="{a.title}">{a.year}年</a>' for a in rows)
        return page(
            "政府信息公开年报",
            f'<div class=lm>{links}</div><div class="con"><h3>{newest.title}</h3>{report_body(newest, 0)}</div>{FOOT}',
        )

    def _departments(self, asked: Asked) -> str:
        return page(
            "信息公开年度报告",
            f'<ul class=lm>{anchors(self.listed("bm"), self.night)}</ul><div class="con"><p style="text-align:center">'
            f"<strong>{self.shown.title}</strong></p>{report_body(self.shown, 0)}</div>{FOOT}",
        )
