"""Hanweb's 信息公开 module: lists of search.jsp in both skins, and reports by body and year."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from tests.portals.replicas.base import COUNTER, Answer, Article, Asked, replica
from tests.portals.replicas.site import FOOT, OFFICES, TOWNS, Site, page, prose

SEARCH = "/module/xxgk/search.jsp"
MODULE = "/module/xxgk/xxgkAnnualReport.jsp"


@replica("xxgk")
class Search(Site):
    """The national skin: the first page printed, the rest by POST; departments by ?number=."""

    name = "武乡县人民政府"
    columns: ClassVar = {
        "B001G001": ("武乡县人民政府",),
        "B001G002": tuple(f"武乡县{n}" for n in OFFICES[:26]),
    }
    size = 12

    def furnish(self) -> None:
        bar = self.menu(("政府信息公开", "/col/col1/index.html"))
        self.pages["/"] = page(self.name, bar + self.news(80) + FOOT)
        self.pages["/col/col1/index.html"] = page(
            "政府信息公开",
            '<ul><li><a href="/col/col4/index.html">政府信息公开指南</a></li><li><a href="/col/col2/index.html">政府信息公开年报</a></li>'
            '<li><a href="/col/col2/index.html?number=B001G002">部门信息公开年度报告</a></li></ul>',
        )
        self.pages["/col/col4/index.html"] = page("指南", prose("指南"))
        for column, bodies in self.columns.items():
            years = range(2025, 2007, -1) if len(bodies) == 1 else range(2025, 2018, -1)
            self.fill(
                column, bodies, years, lambda n, y: f"/art/{y + 1}/3/1/art_1229_{4000 + n}.html"
            )

    def rows(self, column: str, number: int) -> str:
        rows, pages = self.page_of(column, number, self.size)
        items = "".join(
            f'<li><a target=_blank href="{a.at(self.night)}" title="{a.title}">{a.title[:20]}...</a><b>{a.date}</b></li>'
            for a in rows
        )
        links = (
            f'<a href="javascript:void(0)" onclick="goPage({number + 1})">下一页</a>'
            if number < pages
            else ""
        )
        return f'<div class="zfxxgk_zdgkc"><ul>{items}</ul></div><div class="pg"><span>共{len(self.listed(column))}条</span>{links}</div>'

    def answer(self, asked: Asked) -> Answer | None:
        if asked.path == SEARCH:
            form = asked.form
            known = (
                form.get("infotypeId", "") in self.columns
                and form.get("jdid") == "1756"
                and form.get("divid")
            )
            if asked.method != "POST" or not known:
                return Answer("<div></div>")
            return Answer(self.rows(form["infotypeId"], int(form.get("currpage") or 1)))
        if asked.path == "/col/col2/index.html":
            script = (
                '<script>function goPage(n){ $.post("/module/xxgk/search.jsp",{divid:"div1229106886", infotypeId:infotypeId,'
                "jdid:'1756', area:\"\", sortfield:'', requestUrl:location.href, standardXxgk:1, currpage:n},"
                'function(d){$("#div1229106886").html(d)}); } var infotypeId = "B001G001";</script>'
            )
            return Answer(
                page(
                    "政府信息公开年报",
                    f'<div id="div1229106886">{self.rows("B001G001", 1)}</div>{script}{FOOT}',
                )
            )
        return super().answer(asked)


@replica("xxgk-old")
class OldSkin(Site):
    """The older table; a shell with hidden fields; pages counted in the answers."""

    name = "沁源县人民政府"

    def furnish(self) -> None:
        bar = self.menu(("信息公开", "/col/col10/index.html"))
        self.pages["/"] = page(self.name, bar + self.news(60) + FOOT)
        self.pages["/col/col10/index.html"] = page(
            "信息公开", '<dl><dd><a href="col2.html">公开年报</a></dd></dl>'
        )
        fields = {
            "currpage": "1", "sortfield": ",createdate:0,orderid:0", "divid": "div1256283", "area": "",
            "jdid": "149", "infotypeId": "F010000202", "texttype": "0", "fbtime": "-1",
        }  # fmt: skip
        inputs = "".join(
            f"<INPUT value='{value}' type=hidden name={name}>" for name, value in fields.items()
        )
        self.pages["/col/col10/col2.html"] = page(
            "公开年报",
            f'<FORM id=f method=post action="{SEARCH}">{inputs}</FORM><div id="div1256283">正在加载…</div>'
            "<script src='/script/xxgk.js'></script>" + FOOT,
        )
        self.fill(
            *("nb", [f"沁源县{n}" for n in OFFICES[:30]], range(2025, 2017, -1)),
            lambda n, y: f"/art/{y + 1}/2/{n % 28 + 1}/art_77_{90000 + n}.html",
        )

    def answer(self, asked: Asked) -> Answer | None:
        if asked.path != SEARCH:
            return super().answer(asked)
        if asked.form.get("infotypeId") != "F010000202" or asked.form.get("jdid") != "149":
            return Answer("<table></table>")
        number = int(asked.form.get("currpage") or 1)
        rows, pages = self.page_of("nb", number, 15)
        lines = "".join(
            f'<tr class="tr_main_value_{"odd" if k % 2 else "even"}"><td>{k}</td><td><a href="{a.at(self.night)}" title="{a.title}">'
            f"{a.title[:15]}...</a><div style='display:none'>索引号：{k}</div></td><td>{a.date}</td></tr>"
            for k, a in enumerate(rows)
        )
        return Answer(
            f'<table class="tb_main">{lines}</table><table><tr><td>共&nbsp;{len(self.listed("nb"))}&nbsp;条&nbsp;&nbsp;'
            f"第&nbsp;{number}/{pages}&nbsp;页 <a onclick='toPage({number + 1})'>下页</a></td></tr></table>"
        )


class ByYear(Site):
    """Reports of every body and year, each at an address of the module."""

    years = range(2025, 2014, -1)
    codes: ClassVar[dict[str, str]]
    extra = ""

    def furnish(self) -> None:
        self.home()
        for body in self.codes.values():
            for year in self.years:
                code = next(code for code, name in self.codes.items() if name == body)
                if (int(code[-3:], 36) + year) % 4 == 0:
                    continue
                edited = (
                    frozenset({2}) if year == 2025 and int(code[-3:], 36) % 3 == 0 else frozenset()
                )
                arrives = 2 if year == 2025 and int(code[-3:], 36) % 5 == 1 else 1
                title = f"{body}{year}年政府信息公开工作年度报告"
                article = Article(
                    self.address(code, year), title, f"{year + 1}-01-20", "nb", body, year
                )
                self.add(replace(article, edited=edited, first=arrives))

    def home(self) -> None:
        raise NotImplementedError

    def tree(self) -> str:
        raise NotImplementedError

    def address(self, code: str, year: int) -> str:
        return f"{MODULE}?area={code}&fbtime={year}{self.extra}"

    def around(self, year: str, inner: str) -> str:
        options = "".join(
            f"<option value='{y}'{' selected' if str(y) == year else ''}>{y}年</option>"
            for y in self.years
        )
        return page(
            "政府信息公开年报",
            f'<div class=l>{self.tree()}</div><select id=fbtime onchange="change()">{options}</select>{inner}<p>访问{COUNTER}次</p>{FOOT}',
        )

    def detail(self, article: Article, body: str) -> str:
        inner = f"<div class=tit>{article.title}</div><p>发布时间：{article.date}</p><div class=con>{body}</div>"
        return self.around(str(article.year), inner)

    def missing(self, asked: Asked) -> Answer:
        code, year = asked.query.get("area", ""), asked.query.get("fbtime", "")
        if asked.path != MODULE or code not in self.codes:
            return super().missing(asked)
        return Answer(
            self.around(
                year,
                f"<div class=tit>{self.codes[code]}{year}年政府信息公开年报</div><div class=con>暂无相关年报信息！</div>",
            )
        )


@replica("xxgk-annual")
class Annual(ByYear):
    """The tree calls a function with codes; the home page links the module itself."""

    name = "平湖县人民政府"
    codes: ClassVar = {f"0025627{k:02d}": f"平湖县{n}" for k, n in enumerate(OFFICES[:22], 10)} | {
        "002562728": "平湖县人民政府"
    }

    def home(self) -> None:
        bar = self.menu(("政府信息公开", "/col/col9/index.html"))
        self.pages["/"] = page(self.name, bar + self.news(50) + FOOT)
        self.pages["/col/col9/index.html"] = page(
            "政府信息公开",
            f'<a href="{MODULE}?area=002562728&fbtime=2024">政府信息公开年报</a><a href="/col/col8/index.html">政府信息公开指南</a>',
        )
        self.pages["/col/col8/index.html"] = page("指南", prose("指南"))

    def tree(self) -> str:
        return "".join(
            f"<li><a href='javascript:void(0)' onclick=\"showUnit('{c}')\">{n}</a></li>"
            for c, n in self.codes.items()
        )


@replica("xxgk-annual-tree")
class AnnualTree(ByYear):
    """The tree is a script's list of nodes on a column's page; credit codes; a third parameter."""

    name = "泰来市人民政府"
    level = "prefecture"
    extra = "&showType=2"
    years = range(2025, 2018, -1)
    codes: ClassVar = {
        f"11370900MB{k:04d}344X": n
        for k, n in enumerate((*(f"泰来市{o}" for o in OFFICES[:30]), *TOWNS[:8]), 1000)
    }

    def home(self) -> None:
        bar = self.menu(("政务公开", "/zwgk/index.html"))
        self.pages["/"] = page(self.name, bar + self.news(50) + FOOT)
        self.pages["/zwgk/index.html"] = page(
            "政务公开",
            '<a href="/col/col45/index.html"><img alt="政府信息公开年报" src=/i.png></a>',
        )

        def column(asked: Asked) -> str:
            options = "".join(f'<option value="{y}">{y}</option>' for y in self.years)
            return page(
                "政府信息公开年报",
                f'<ul id="tree" class="ztree"></ul>{self.tree()}<select name="year">{options}</select><iframe id="f" src=""></iframe>'
                f"<script>function go(n){{ $('#f').attr('src','{MODULE}?area='+n.id+'&fbtime='+$('select').val()+'{self.extra}'); }}</script>",
            )

        self.pages["/col/col45/index.html"] = column

    def tree(self) -> str:
        nodes = ",\n".join(
            f'{{ id:"{code}", pId:"0", name:"{name}", open:false }}'
            for code, name in self.codes.items()
        )
        return f"<script>var zNodes = [{nodes}];</script>"
