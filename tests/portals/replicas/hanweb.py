"""Hanweb jpage and TrueCMS: datastores in the page and from a proxy, each proxy with its whims."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from tests.portals.replicas.base import Answer, Article, Asked, replica
from tests.portals.replicas.site import FOOT, OFFICES, TOWNS, Site, page, prose

XML = "text/xml; charset=utf-8"
PATH = "/module/web/jpage/dataproxy.jsp"


class Jpage(Site):
    """Columns of a datastore each; what a proxy answers is for the subclasses."""

    proxy = PATH
    screen = 15
    shown = 45
    columns = (
        ("1229103", "县政府", ("石潭县人民政府", "石潭县人民政府办公室"), range(2025, 2007, -1)),
        ("1229104", "县级部门", [f"石潭县{n}" for n in OFFICES[:24]], range(2025, 2018, -1)),
        ("1229105", "镇（街道）", TOWNS[:10], range(2025, 2020, -1)),
    )

    def furnish(self) -> None:
        bar = self.menu(("政务公开", "/col/col1229100/index.html"), ("新闻", "/xw/"))
        self.pages["/"] = page(self.name, bar + self.news(120) + FOOT)
        self.pages["/col/col1229100/index.html"] = page(
            "政务公开",
            bar + '<iframe src="/col/col1229101/index.html" width=100% height=900></iframe>',
        )
        tabs = (
            '<ul><li><a href="/col/col1229102/index.html">政府信息公开指南</a></li>'
            '<li><a href="/col/col1229103/index.html" onclick="go(3)">政府信息公开年报</a></li>'
            '<li><a href="/col/col1229109/index.html">政府网站工作年报</a></li></ul>'
        )
        self.pages["/col/col1229101/index.html"] = page("政府信息公开", tabs + prose("平台"))
        self.pages["/col/col1229102/index.html"] = page("指南", tabs + prose("指南"))
        tree = "".join(
            f'<li><a href="/col/col{column}/index.html{"?number=2" if k == 1 else ""}">{label}</a></li>'
            for k, (column, label, _, _) in enumerate(self.columns)
        )
        for column, _, bodies, years in self.columns:
            self.fill(
                *(
                    column,
                    bodies,
                    years,
                    lambda n, y, c=column: (
                        f"/art/{y + 1}/1/{n % 28 + 1}/art_{c}_{5800000 + n}.html"
                    ),
                ),
                likes=3,
                attachments=lambda n: (
                    (
                        (
                            f"/module/download/downfile.jsp?classid=0&filename={n:x}.pdf",
                            "年度报告.pdf",
                        ),
                    )
                    if n % 5 == 0
                    else ()
                ),
            )

            def column_page(asked: Asked, column: str = column) -> str:
                body = f'<ul class="ztree">{tree}</ul>{self.listing(column)}{FOOT}'
                return page("政府信息公开年报", body)

            self.pages[f"/col/col{column}/index.html"] = column_page

    def unit(self, column: str) -> str:
        return f"65{column}"

    def record(self, a: Article) -> str:
        return (
            f"<record><![CDATA[<li><span>{a.date}</span><a title='{a.title}' target=\"_blank\" "
            f'href="{a.at(self.night)}">{a.title[:16]}...</a></li>]]></record>'
        )

    def store(self, rows: Sequence[Article], following: str = "") -> str:
        link = f'<a href="{following}"></a>' if following else ""
        records = "".join(self.record(a) for a in rows)
        return f"<datastore><nextgroup><![CDATA[{link}]]></nextgroup><recordset>{records}</recordset></datastore>"

    def next_link(self, column: str, number: int) -> str:
        return (
            f"{self.proxy}?page={number}&appid=1&appid=1&webid=77&path=/&columnid={column}&unitid={self.unit(column)}"
            f"&webname={quote(quote(self.name))}&permissiontype=0"
        )

    def listing(self, column: str) -> str:
        rows = self.listed(column)
        store = self.store(rows[: self.shown], self.next_link(column, 1))
        return (
            f'<div id="{self.unit(column)}"><script type="text/xml">{store}</script></div>'
            f"<script>$(function(){{$('#{self.unit(column)}').jpage({{totalRecord:{len(rows)},perPage:{self.screen},"
            f"groupSize:3,proxyUrl:'{self.proxy}',ajaxParam:{{columnid:{column},unitid:'{self.unit(column)}',webid:77}}}})}})</script>"
        )

    def answer(self, asked: Asked) -> Answer | None:
        return self.proxied(asked) if asked.path == self.proxy else super().answer(asked)

    def proxied(self, asked: Asked) -> Answer | None:
        raise NotImplementedError

    def chunk(self, column: str, asked: Asked, most: int) -> list[Article]:
        start, end = int(asked.query["startrecord"]), int(asked.query["endrecord"])
        return self.listed(column)[start - 1 : min(end, start + most - 1)]


@replica("hanweb")
class ByPost(Jpage):
    """A proxy that wants POST and a Referer, and never gives more than twenty records."""

    name = "石潭县人民政府"

    def proxied(self, asked: Asked) -> Answer | None:
        if asked.method != "POST" or "/col/col" not in asked.headers.get("referer", ""):
            return None
        column = asked.form.get("columnid", "")
        if asked.form.get("unitid") != self.unit(column) or asked.form.get("webid") != "77":
            return Answer(self.store([]), content_type=XML)
        return Answer(self.store(self.chunk(column, asked, 20), "x"), content_type=XML)


@replica("hanweb-page")
class ByPage(Jpage):
    """A proxy that ignores which chunk was asked for and honours `page=`; rows of a table."""

    name = "云溪县人民政府"
    shown = screen = 30

    def record(self, a: Article) -> str:
        return (
            f"<record><![CDATA[<tr><td class='n'>·</td><td><a href='{a.at(self.night)}' title='{a.title}'>{a.title[:12]}</a>"
            f"</td><td>{a.date}</td></tr>]]></record>"
        )

    def proxied(self, asked: Asked) -> Answer | None:
        given = {**asked.query, **asked.form}
        column, number = given.get("columnid", ""), int(given.get("page", 1))
        rows = self.listed(column)
        following = self.next_link(column, number + 1) if number * 30 < len(rows) else ""
        return Answer(
            self.store(rows[(number - 1) * 30 : number * 30], following), content_type=XML
        )


@replica("hanweb-old")
class OldScript(Jpage):
    """The oldest proxy answers with a script; totals stand in variables beside the call."""

    name = "白浦县人民政府"
    proxy = "/module/jslib/jquery/jpage/dataproxy.jsp"
    screen = 18
    shown = 54

    def listing(self, column: str) -> str:
        whole = super().listing(column)
        total = len(self.listed(column))
        return whole.replace(f"totalRecord:{total},perPage:18,", "").replace(
            "<script>$(", f"<script>var totalRecord = {total}; var perPage = 18;\n$("
        )

    def proxied(self, asked: Asked) -> Answer | None:
        rows = self.chunk(asked.form.get("columnid", ""), asked, 54)
        total = len(self.listed(asked.form.get("columnid", "")))
        items = ",".join(
            json.dumps(
                f"<li><a href='{a.at(self.night)}' title='{a.title}'>{a.title}</a><span>{a.date}</span></li>",
                ensure_ascii=False,
            )
            for a in rows
        )
        return Answer(
            f"totalRecord={total}.0;totalPage = 9;dataStore = [{items}];",
            content_type="text/html; charset=utf-8",
        )


@replica("hanweb-shell")
class Shell(Jpage):
    """Nothing in the page but the call of jpage; two lists on a page; proxy without /web/."""

    name = "青溪县人民政府"
    proxy = "/module/jpage/dataproxy.jsp"

    def listing(self, column: str) -> str:
        total = len(self.listed(column))
        hot = '<div id="77"></div><script>$("#77").jpage({proxyUrl:"/module/jpage/hot.jsp",perpage:5,totalrecord:0,ajaxParam:{columnid:9,unitid:"77"}});</script>'
        return (
            f'{hot}<DIV id="{self.unit(column)}" class="default_pgContainer"></DIV><script>\n$(function(){{\n $("#{self.unit(column)}").jpage({{sortFields:[],'
            f'autoCache:2, perpage : {self.screen}, proxyUrl : "{self.proxy}", totalrecord : {total},\n ajaxParam : {{ "columnid": "{column}", "unitid": "{self.unit(column)}",'
            f' "webid": 77, "path": "/", "webname": "{self.name}", "permissiontype": 0 }} }});}});</script>'
        )

    def proxied(self, asked: Asked) -> Answer | None:
        if "/col/col" not in asked.headers.get("referer", ""):
            return None
        column = asked.form.get("columnid", asked.query.get("columnid", ""))
        return Answer(self.store(self.chunk(column, asked, 45)), content_type=XML)


@replica("hanweb-get")
class ByGet(Jpage):
    """A proxy that refuses POST."""

    name = "枫桥县人民政府"

    def proxied(self, asked: Asked) -> Answer | None:
        if asked.method != "GET":
            return Answer("Method Not Allowed", 405)
        column = asked.query.get("columnid", "")
        if "startrecord" in asked.query:
            return Answer(self.store(self.chunk(column, asked, 45)), content_type=XML)
        return Answer(self.store([]), content_type=XML)


@replica("truecms")
class TrueCms(Jpage):
    """The first sixty rows hidden in the page, the rest as JSONP, ten at a time, without a total."""

    name = "临溪市人民政府"
    proxy = "/TrueCMS/messageController/getMessage.do"
    screen = 10
    shown = 60

    def uuid(self, column: str) -> str:
        return f"{int(column):08x}-04d7-44c3-8339-240a77a793ce"

    def listing(self, column: str) -> str:
        rows = "".join(
            f'<li><a href="{a.at(self.night)}" title="{a.title}">{a.title[:18]}…</a><span>[{a.date}]</span></li>'
            for a in self.listed(column)[: self.shown]
        )
        return (
            f'<div id="content"></div><div id="initData" style="display:none"><ul>{rows}</ul></div><script>$("#content").jpage({{'
            f"dataStore: $('#initData').html(), proxyUrl:'{self.proxy}', perPage:10, groupSize:3, barPosition:'bottom',"
            f"ajaxParam:{{ columnId:'{self.uuid(column)}' }} }});</script>"
        )

    def proxied(self, asked: Asked) -> Answer | None:
        column = next(
            (c for c, *_ in self.columns if self.uuid(c) == asked.query.get("columnId")), ""
        )
        if asked.method != "GET" or "/col/" not in asked.headers.get("referer", "") or not column:
            return None
        text = json.dumps({"result": self.store(self.chunk(column, asked, 10))}, ensure_ascii=False)
        call = asked.query.get("callback", "")
        return Answer(
            f"{call}({text})" if call else text, content_type="application/json;charset=UTF-8"
        )
