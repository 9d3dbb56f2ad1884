"""jpaas: pages put together by units whose HTML comes inside JSON."""

from __future__ import annotations

import json
from html import escape

from tests.portals.replicas.base import Answer, Asked, replica
from tests.portals.replicas.site import FOOT, OFFICES, TOWNS, Site, page, prose

UNIT = "/api-gateway/jpaas-publish-server/front/page/build/unit"


class Units(Site):
    """Every column is a shell with units for menu, place and list."""

    spelling = "buildstatic"
    size = 15
    columns = (
        ("1229557", "县政府", ("云和山县人民政府",), range(2025, 2007, -1)),
        ("1229558", "县级部门", [f"云和山县{n}" for n in OFFICES[:22]], range(2025, 2018, -1)),
        ("1229559", "乡镇街道", TOWNS[:9], range(2025, 2019, -1)),
    )

    def furnish(self) -> None:
        bar = self.menu(("政府信息公开", "/col/col1229550/index.html"))
        self.pages["/"] = page(self.name, bar + self.news(70) + self.unit("1", "页脚") + FOOT)
        self.pages["/col/col1229550/index.html"] = page(
            "政府信息公开",
            self.unit("1229550", "页头") + self.unit("1229550", "左侧菜单") + prose("平台") + FOOT,
        )
        self.pages["/col/col1229551/index.html"] = page(
            "指南", self.unit("1229551", "左侧菜单") + prose("指南")
        )
        for column, _, bodies, years in self.columns:
            self.pages[f"/col/col{column}/index.html"] = page(
                "政府信息公开年报",
                self.unit(column, "左侧菜单") + self.unit(column, "右侧内容") + FOOT,
            )
            self.fill(
                column,
                bodies,
                years,
                lambda n, y, c=column: f"/art/{y + 1}/2/{n % 28 + 1}/art_{c}_{3000000 + n}.html",
            )

    def unit(self, column: str, tag: str) -> str:
        query = (
            f"{{'parseType':'{self.spelling}','webId':'8d828e408d90447786ddbe128d495e9e','tplSetId':'209711','pageType':'column',"
            f"'tagId':'{tag}','editType':'null','pageId':'{column}'}}"
        )
        return (
            f'<div class="unit"><script id="u{column}" src="/cms_files/default/script/AuthorizedRead/unitbuild.js?v=3.1" '
            f'parseType="{self.spelling}" url="{UNIT}" queryData="{query}"></script></div>'
        )

    def menu_html(self) -> str:
        parts = "".join(
            f'<li><a href="/col/col{column}/index.html" title="{label}">{label}</a></li>'
            for column, label, _, _ in self.columns
        )
        return (
            '<ul class="menu"><li><a href="/col/col1229551/index.html">政府信息公开指南</a></li><li><a href="/col/col1229557/index.html">'
            f"政府信息公开年报</a><ul>{parts}</ul></li></ul>"
        )

    def list_html(self, column: str, number: int) -> str:
        rows, _ = self.page_of(column, number, self.size)
        items = "".join(
            f'<li class="clearfix"><a href="{a.at(self.night)}" title="{a.title}" target="_blank">{a.title[:22]}...</a><b>{a.date}</b></li>'
            for a in rows
        )
        return f'<ul>{items}</ul><div class="pagination" rows="{self.size}" count="{len(self.listed(column))}" id="p"></div>'

    def answer(self, asked: Asked) -> Answer | None:
        if asked.path != UNIT:
            return super().answer(asked)
        query = asked.query
        if (
            "referer" not in asked.headers
            or query.get("parseType") != self.spelling
            or not query.get("webId")
        ):
            return Answer(
                "<html><head><title>403 Forbidden</title></head><body>403</body></html>", 403
            )
        tag, column = query.get("tagId"), query.get("pageId", "")
        number = int(json.loads(query["paramJson"])["pageNo"]) if "paramJson" in query else 1
        html = (
            self.menu_html()
            if tag == "左侧菜单"
            else self.list_html(column, number)
            if tag == "右侧内容"
            else ""
        )
        return Answer(
            json.dumps(
                {"success": True, "code": "200", "data": {"html": html, "rows": []}},
                ensure_ascii=False,
            ),
            content_type="application/json;charset=UTF-8",
        )


@replica("jpaas")
class Named(Units):
    """The usual spelling."""

    name = "云和山县人民政府"


@replica("jpaas-spelt")
class Spelt(Units):
    """`bulidstatic`, attributes escaped, another path, the national box, the home page of units too."""

    name = "北柳县人民政府"
    spelling = "bulidstatic"
    size = 20
    columns = (
        ("c9f1a0", "本级", ("北柳县人民政府",), range(2025, 2009, -1)),
        ("c9f1a1", "部门", [f"北柳县{n}" for n in OFFICES[:30]], range(2025, 2018, -1)),
    )

    def furnish(self) -> None:
        super().furnish()
        self.pages["/"] = page(self.name, self.unit("1", "左侧菜单") + self.news(40))
        first = self.columns[0][0]
        self.pages["/col/col1229557/index.html"] = self.pages[f"/col/col{first}/index.html"]

    def unit(self, column: str, tag: str) -> str:
        if column == "1229557":
            column = self.columns[0][0]
        query = escape(json.dumps(
            {"editType": "null", "pageId": column, "pageType": "column", "parseType": self.spelling, "tagId": tag, "tplSetId": "77", "webId": "5"},
            ensure_ascii=False,
        ))  # fmt: skip
        return f'<SCRIPT QUERYDATA="{query}" URL="{UNIT}" SRC="unitbuild.js"></SCRIPT>'

    def list_html(self, column: str, number: int) -> str:
        rows, _ = self.page_of(column, number, self.size)
        items = "".join(
            f'<li><a href="{a.at(self.night)}" title="{a.title}">{a.title[:12]}…</a><span>{a.date}</span></li>'
            for a in rows
        )
        return f'<div class="zfxxgk_zdgkc"><ul>{items}</ul></div><DIV COUNT="{len(self.listed(column))}" ROWS="{self.size}" class="page-box"></DIV>'
