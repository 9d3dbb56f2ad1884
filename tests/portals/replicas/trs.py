"""TRS: lists whose only pager is a script's call, in frames, by year and tier.

The call says how many pages there are and which one this is, counted from 0 or from 1; how the
server numbers its files is another matter, so one replica has each combination.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.portals.replicas.base import Answer, Asked, replica
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

YEARS = range(2025, 2019, -1)


@replica("trs")
class Trs(Site):
    """Frameset, meta refresh, columns by year and tier, mobile copies, stubs past the end."""

    name = "临泽市人民政府"
    level = "prefecture"
    root = "/zwgk/xxgk/ndbg_3321/"

    def furnish(self) -> None:
        root = self.root
        self.pages["/robots.txt"] = Answer(
            "User-agent: *\nDisallow: /admin/\n", content_type="text/plain"
        )
        bar = self.menu(("新闻中心", "/xw/"), ("政务公开", "/zwgk/"), ("政务服务", "/zwfw/"))
        self.pages["/"] = page(self.name, bar + self.news(300) + FOOT)
        self.pages["/zwgk/"] = (
            '<html><head><meta http-equiv="Refresh" content="0;URL=./xxgk/"></head></html>'
        )
        self.pages["/zwgk/xxgk/"] = page("政府信息公开", "", "").replace(
            "<body></body>",
            '<frameset cols="220,*"><frame src="left.shtml" name="l"><frame src="./zn/" name="main"></frameset>',
        )
        tabs = "".join(
            f'<dt><a target="main" href="/zwgk/xxgk/{folder}/">{name}</a></dt>'
            for name, folder in (
                ("政府信息公开指南", "zn"),
                ("政府信息公开制度", "zd"),
                ("法定主动公开内容", "fd"),
            )
        )
        self.pages["/zwgk/xxgk/left.shtml"] = page(
            "目录",
            f'<dl>{tabs}<dt><a target="main" href="{root}">政府信息公开工作年度报告</a></dt></dl>',
        )
        for folder in ("zn", "zd"):
            self.pages[f"/zwgk/xxgk/{folder}/"] = page("说明", prose("说明"))
        topics = "".join(f'<a href="./x{i}/">重点领域{i}</a>' for i in range(40))
        self.pages["/zwgk/xxgk/fd/"] = page("法定主动公开内容", topics)
        years = "".join(f'<li><a href="./{year}n/">{year}年</a></li>' for year in YEARS)
        path = '<div><a class="CurrChnlCls" href="/">首页</a> &gt; <a class="CurrChnlCls" href="/zwgk/">政务公开</a></div>'
        self.pages[root] = page("政府信息公开工作年度报告", f"{path}<ul class=yr>{years}</ul>")
        tiers = {
            "szbm": ("市直部门", [f"临泽市{name}" for name in OFFICES[:24]]),
            "xq": (
                "县区",
                ["临泽市河东县人民政府", "临泽市城北区人民政府", "临泽市南关区人民政府"],
            ),
            "xz": ("乡镇", TOWNS[:16]),
        }
        for year in YEARS:
            links = "".join(
                f'<a href="./{tier}/">{label}</a> ' for tier, (label, _) in tiers.items()
            )
            self.pages[f"{root}{year}n/"] = page(
                f"{year}年", f'<a href="../">返回</a><div>{links}</div>'
            )
            for tier, (_, bodies) in tiers.items():
                self._tier(f"{root}{year}n/{tier}/", year, bodies)

    def _tier(self, folder: str, year: int, bodies: list[str] | tuple[str, ...]) -> None:
        def address(number: int, year: int) -> str:
            return f"{folder}{year + 1}03/t{year + 1}03{number % 27 + 1:02d}_{number}.shtml"

        def copies(number: int) -> tuple[str, ...]:
            if number % 5:
                return ()
            return (address(number, year).replace(".shtml", "_wap.shtml"),)

        self.fill(folder, bodies, (year,), address, likes=4, copies=copies)

        def render(shown: Shown) -> str:
            rows = "".join(
                f'<tr><td width=20><img src="/images/d.gif"></td><td><a href="{a.at(shown.night)}" title="{a.title}"'
                f" target=_blank>{a.title[:14]}...</a></td><td align=right>[{a.date}]</td></tr>"
                for a in shown.rows
            )
            return page(
                "列表",
                f'<table class=list>{rows}</table><script language="javascript">\n//createPageHTML(9, 0, "index", "shtml");'
                f'\ncreatePageHTML({shown.pages}, {shown.number - 1}, "index", "shtml");</script>',
            )

        def name(k: int) -> str:
            return folder if k == 1 else f"{folder}index_{k - 1}.shtml"

        self.lists.append(Listing(folder, 10, name, render, "stub", (folder + "index.shtml",)))


Call = Callable[[Shown], str]


@replica("pagers")
class Pagers(Site):
    """One column whose parts were built in other years: each pager another call, another numbering."""

    name = "云岭市人民政府"
    level = "prefecture"
    root = "/yl/zfxxgk/zfxxgknb/"

    def dialects(self) -> list[tuple[str, str, int, str, Call]]:
        """Part, what pages are called, the number in page 2's name, what is past the end, the call."""
        return [
            (
                "a",
                "index.html",
                1,
                "gone",
                lambda s: f'createPageHTML({s.pages}, {s.number - 1}, "index", "html")',
            ),
            (
                "b",
                "index.html",
                2,
                "gone",
                lambda s: f'createPageHTML({s.pages}, {s.number - 1}, "index", "html")',
            ),
            (
                "c",
                "index.html",
                2,
                "repeat",
                lambda s: f"createPageHTML('{s.pages}','{s.number}','index','html')",
            ),
            (
                "d",
                "index.html",
                1,
                "first",
                lambda s: f"createPageHTML({s.pages}, {s.number}, 'index', 'html')",
            ),
            (
                *("e", "fglist.shtml", 2, "gone"),
                lambda s: (
                    f"createPageHTML('page_div',{s.pages}, {s.number},'fglist','shtml',{s.total})"
                ),
            ),
            (
                *("f", "fglist.shtml", 1, "empty"),
                lambda s: (
                    f"createPageHTML('page_div',{s.pages}, {s.number},'fglist','shtml',{s.total})"
                ),
            ),
            ("g", "index.htm", 1, "stub", lambda s: f"createPage({s.pages}, 0, 'index', 'htm')"),
            (
                *("h", "index.html", 1, "gone"),
                lambda s: (
                    f"var pg = new Pager({{visible: 5, suffix: 'html', prefix: 'index', current: {s.number - 1}, size: {s.pages}}})"
                ),
            ),
            (
                *("i", "index.html", 2, "repeat"),
                lambda s: (
                    f"Pager({{'size':'{s.pages}','current':'{s.number}','prefix':'index','suffix':'html'}})"
                ),
            ),
            (
                *("j", "index.shtml", 1, "gone"),
                lambda s: (
                    f"var countPage = {s.pages};//共几页\nvar currentPage = {s.number - 1};var nextPage=currentPage+1;"
                    'document.write("<a href=\\"index"+"_"+nextPage+"."+"shtml\\">下一页</a>")'
                ),
            ),
            (
                "k",
                "index.html",
                2,
                "first",
                lambda s: (
                    f"$('.pagination').pagination({{totalPage:{s.pages}, current:{s.number}}})"
                ),
            ),
            (
                *("l", "list.html", 1, "stub"),
                lambda s: (
                    f"var n={s.pages}, c={s.number - 1};\ncreatePageHTML(n, c, 'list', 'html', 15)"
                ),
            ),
            (
                "m",
                "index.html",
                1,
                "to first",
                lambda s: (
                    f"/* createPageHTML(90,0,'index','html') */createPageHTML1({s.pages},{s.number - 1},\"index\",\"html\");//createPageHTML(80,0,'index','html')"
                ),
            ),
        ]

    def furnish(self) -> None:
        bar = self.menu(("新闻", "/xw/"), ("政府信息公开", "/yl/zfxxgk/"))
        self.pages["/"] = page(self.name, bar + self.news(80) + FOOT)
        self.pages["/yl/zfxxgk/"] = page(
            "政府信息公开",
            f'{bar}<a href="./zn/">政府信息公开指南</a><a href="./zfxxgknb/">政府信息公开<br>年报</a>',
        )
        self.pages["/yl/zfxxgk/zn/"] = page("指南", prose("指南"))
        parts = self.dialects()
        links = "".join(
            f'<li><a href="{part}/{file if "index" not in file else ""}">{OFFICES[i]}</a></li>'
            for i, (part, file, *_) in enumerate(parts)
        )
        self.pages[self.root] = page("政府信息公开年报", f"{bar}<ul>{links}</ul>{FOOT}")
        for i, (part, file, second, past, call) in enumerate(parts):
            self._part(f"{self.root}{part}/", file, second, past, call, f"云岭市{OFFICES[i]}", i)

    def _part(
        self, folder: str, file: str, second: int, past: str, call: Call, body: str, i: int
    ) -> None:
        stem, extension = file.rsplit(".", 1)

        def render(shown: Shown) -> str:
            stale = f"<!-- <script>createPageHTML(70,0,'{stem}','{extension}');</script> -->"
            script = f'<script type="text/javascript">\n<!--\n{call(shown)};\n//-->\n</script>'
            return page(
                body, f"{stale}<ul>{anchors(shown.rows, shown.night, 18)}</ul>{script}{FOOT}"
            )

        def name(k: int) -> str:
            return folder + file if k == 1 else f"{folder}{stem}_{k - 2 + second}.{extension}"

        def address(number: int, year: int) -> str:
            return f"{folder}{year + 1}01/t{year + 1}0115_{number}.html"

        self.fill(folder, (body,), range(2025, 2007 - i % 3, -1), address, likes=1)
        # Two pages where the count leaves no room for a mistake, and more.
        size = 24 if _is_short(folder) else 7
        first = (folder + f"{stem}_1.{extension}",) if second == 2 and past != "gone" else ()
        self.lists.append(Listing(folder, size, name, render, past, (folder, *first)))


def _is_short(folder: str) -> bool:
    """Whether a part has two pages only."""
    return folder[-2] in "bdfi"


@replica("trs-select")
class Select(Site):
    """Years in a select box, GBK, `countPage` written by hand, absolute links, empty titles."""

    name = "黎城县人民政府"
    head = '<meta http-equiv=Content-Type content="text/html; charset=gb2312">'

    def sent(self, text: str) -> Answer:
        return Answer(
            text.replace("<head>", "<head>" + self.head, 1),
            encoding="gb18030",
            content_type="text/html",
        )

    def furnish(self) -> None:
        self.pages["/"] = page(
            self.name,
            self.menu(("新闻", "/xw/"))
            + self.news(60)
            + "<table><tr><td onclick=\"location.href='/gk/'\">信息公开</td><td><a href='/wznb/'>政府网站年报</a></td></tr></table>"
            + FOOT,
        )
        self.pages["/gk/"] = "<html><script>window.location.replace('index2.html')</script></html>"
        self.pages["/gk/index2.html"] = page(
            "信息公开",
            '<ul><li><a href="nb/index.html">· 工作年报</a></li><li><a href="/gk/ml/">公开目录</a></li></ul>',
        )
        self.pages["/gk/ml/"] = page(
            "公开目录", "".join(f'<a href="/gk/ml/{i}/">目录{i}公开</a>' for i in range(30))
        )
        self.pages["/wznb/"] = page(
            "政府网站年报", "<li><a href='/wznb/1.html'>黎城县2023年政府网站工作年度报表</a></li>"
        )
        years = range(2025, 2020, -1)
        options = "".join(
            f'<option value="/gk/nb/{year}/index.html">{year}年度</option>' for year in years
        )
        for year in years:
            folder = f"/gk/nb/{year}/"

            def address(number: int, year: int) -> str:
                return f"/gk/nb/{year}/{year + 1}01/t{year + 1}0115_{number}.html"

            self.fill(
                folder,
                [f"黎城县{name}" for name in (*OFFICES[:20], *TOWNS[:12])],
                (year,),
                address,
                likes=3,
            )

            def render(shown: Shown) -> str:
                rows = "".join(
                    f'<li><a href="{self.url}{a.at(shown.night)}" title="">{a.title}</a><span>{a.date.replace("-", ".")}</span></li>'
                    for a in shown.rows
                )
                return page(
                    "工作年报",
                    f'<select onchange="location.href=this.value">{options}</select><ul>{rows}</ul><script>'
                    f"var currentPage = {shown.number - 1};var prevPage=currentPage-1; var countPage = {shown.pages};\n"
                    'if(countPage>1) document.write("<a href=\\"index"+"_"+nextPage+"."+"html\\">下一页</a>");</script>',
                )

            def name(k: int, folder: str = folder) -> str:
                return f"{folder}index{'' if k == 1 else f'_{k - 1}'}.html"

            def first(k: int) -> str:
                return f"/gk/nb/index{'' if k == 1 else f'_{k - 1}'}.html"

            self.lists.append(Listing(folder, 12, name, render))
            if year == 2025:
                self.lists.append(Listing(folder, 12, first, render))


@replica("trs-upper")
class Upper(Site):
    """Upper-case tags, quoted numbers from 1, template tables; home lists the newest and news of it."""

    name = "莲花区人民政府"
    column = "/lhzwgk/zfxxgknb/"

    def furnish(self) -> None:
        def address(number: int, year: int) -> str:
            return f"{self.column}content/post_{number}.html"

        bodies = ("莲花区人民政府", *(f"莲花区{name}" for name in OFFICES[:12]))
        made = self.fill("nb", bodies, range(2025, 2010, -1), address, likes=3)
        newest = next(a for a in made if a.year == 2025)
        bar = self.menu(("新闻", "/xw/"))
        self.pages["/"] = page(
            self.name,
            f"{bar}<TABLE><TR><TD><A HREF=/lhzwgk/ TARGET=_blank>政务公开</A></TD></TR></TABLE><ul>"
            f'<li><a href="{newest.path}">{newest.title}</a>2026-01-20</li>'
            '<li><a href="/xw/content/post_1.html">莲花区发布2025年政府信息公开工作年度报告</a>2026-01-21</li></ul>'
            f"{self.news(40)}{FOOT}",
        )
        self.pages["/xw/content/post_1.html"] = page(
            "莲花区发布2025年政府信息公开工作年度报告", prose("区政府发布年报")
        )
        self.pages["/lhzwgk/"] = page(
            "政务公开",
            f'{bar}<h3><a href="./zfxxgknb/">政府信息公开年报</a></h3><h3><a href="./zfxxgkzd/">政府信息公开制度</a></h3>{FOOT}',
        )
        self.pages["/lhzwgk/zfxxgkzd/"] = page("政府信息公开制度", prose("制度"))

        def render(shown: Shown) -> str:
            rows = "".join(
                f'<TR><TD>{i}</TD><TD><A HREF="{self.url}{a.at(shown.night)}" TITLE="{a.title}">{a.title}</A></TD><TD>{a.date}</TD></TR>'
                for i, a in enumerate(shown.rows, 1)
            )
            return page(
                "政府信息公开年报",
                f'{bar}<div class="zfxxgk_zdgkc"><TABLE>{rows}</TABLE></div><SCRIPT TYPE="text/javascript">\n<!--\n'
                f"createPageHTML('{shown.pages}','{shown.number}',\"index\",\"html\");\n//-->\n</SCRIPT>{FOOT}",
            )

        def name(k: int) -> str:
            return f"{self.column}index{'' if k == 1 else f'_{k}'}.html"

        self.lists.append(Listing("nb", 20, name, render, also=(self.column,)))

    def answer(self, asked: Asked) -> Answer | None:
        # The mobile copy of an article.
        if "/mpost_" in asked.path:
            article = self._by_path.get(asked.path.replace("mpost_", "post_"))
            return self._article(article, article.path, asked) if article else None
        return super().answer(asked)
