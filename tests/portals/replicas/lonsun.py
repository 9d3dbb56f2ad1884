"""LonSun: a column an organ, later pages as labels; one replica prints page 1, one leaves it to the label."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from tests.portals.replicas.base import Answer, Article, Asked, replica
from tests.portals.replicas.site import FOOT, OFFICES, TOWNS, Site, page, prose


@replica("lonsun")
class LonSun(Site):
    """Page 1 printed, the rest by an ajax object; bodies as links and in a tree's script."""

    name = "清溪县人民政府"
    prefix = ""
    own = 2650
    size = 12
    printed = True

    def furnish(self) -> None:
        bar = self.menu(("新闻", "/xw/"), ("政务公开", f"{self.prefix}/public/column/{self.own}"))
        self.bar = bar
        self.pages["/"] = page(self.name, bar + self.news(120) + FOOT)
        self.organs = {self.own: self.name} | {
            self.own + 11 * i: f"清溪县{name}"
            for i, name in enumerate((*OFFICES[:20], *TOWNS[:8]), 1)
        }
        for organ, body in self.organs.items():
            years = (
                range(2025, 1999, -1) if organ == self.own else range(2025, 2019 - organ % 3, -1)
            )

            def address(number: int, year: int, organ: int = organ) -> str:
                tail = (
                    f"{organ}/{44000000 + number}.html"
                    if number % 2
                    else f"content/{44000000 + number}"
                )
                return f"{self.prefix}/public/{tail}"

            self.fill(
                str(organ),
                (body,),
                years,
                address,
                likes=2 if organ == self.own else 1,
                copies=lambda number: (f"{self.prefix}/m/public/{44000000 + number}.html",),
            )

    def answer(self, asked: Asked) -> Answer | None:
        path = asked.path.removeprefix(self.prefix)
        if path.startswith("/public/column/"):
            organ = int(path.rsplit("/", 1)[1])
            if organ not in self.organs:
                return None
            match asked.query.get("type"):
                case "3":
                    return Answer(self._column(organ))
                case None | "4":
                    return Answer(
                        page("主动公开", self.bar + self._tabs(organ) + prose("主动公开"))
                    )
                case _:
                    return Answer(page("说明", self.bar + self._tabs(organ) + prose("说明")))
        if path == "/site/label/8888" and asked.query.get("labelName") == "publicInfoList":
            if "pageSize" not in asked.query or asked.query.get("type") != "3":
                return Answer("")
            number = int(asked.query["pageIndex"])
            return Answer(
                self._rows(int(asked.query["organId"]), number) or "<div>暂无相关信息</div>"
            )
        return super().answer(asked)

    def _tabs(self, organ: int) -> str:
        base = f"{self.prefix}/public/column/{organ}"
        return (
            f'<ul><li><a href="{base}?type=2">政府信息公开指南</a></li><li><a href="{base}?type=1">政府信息公开制度</a></li>'
            f'<li><a href="{base}?type=4">法定主动公开内容</a></li>'
            f'<li class="on"><a href="{base}?type=3&amp;action=list">政府信息公开年报</a></li></ul>'
        )

    def _rows(self, organ: int, number: int) -> str:
        rows, _ = self.page_of(str(organ), number, self.size)
        return "".join(self._row(a) for a in rows)

    def _row(self, a: Article) -> str:
        return (
            f"<li><a target='_blank' title='{a.title}' href='{self.url}{a.at(self.night)}'>{a.title[:16]}...</a>"
            f"<span class=date>{a.date}</span></li>"
        )

    def _column(self, organ: int) -> str:
        _, pages = self.page_of(str(organ), 1, self.size)
        others = [one for one in self.organs if one != organ]
        side = "".join(
            f'<li><a href="{self.prefix}/public/column/{one}?type=4">{self.organs[one]}</a></li>'
            for one in others[:14]
        )
        tree = json.dumps(
            [{"id": one, "pId": 0, "name": self.organs[one]} for one in others[14:]],
            ensure_ascii=False,
        )
        return page(
            "政府信息公开年报",
            f"{self.bar}{self._tabs(organ)}<div class=tree>{side}</div><script>var zNodes = {tree};</script>"
            f'<div class="lists"><ul class="xx-list">{self._first(organ)}</ul><div id="pager_x"></div></div>'
            f"<script>{self._script(organ, pages)}</script>{self._mobile(organ)}{FOOT}",
        )

    def _first(self, organ: int) -> str:
        return self._rows(organ, 1)

    def _mobile(self, organ: int) -> str:
        """The newest once more, at its address for telephones."""
        newest = self.listed(str(organ))[:1]
        return "".join(
            f'<a href="{a.copies[0]}">{a.title}</a>' for a in newest if a.copies and organ % 5 == 0
        )

    def _script(self, organ: int, pages: int) -> str:
        return (
            f"$(function(){{ new Pager('#pager_x', {{pageIndex: 1, pageCount: {pages}, onTurn: function(pageIndex) {{"
            f" Ls.ajax({{ url: '{self.prefix}/site/label/8888', dataType: 'html', data: {{ labelName: 'publicInfoList', siteId: '67',"
            f" pageSize: {self.size}, pageIndex: pageIndex, action: 'list', organId: '{organ}', type: '3',"
            " file: '/xxgk/list_2020' }, success: function (html) { $('.xx-list').html(html); } }); } }); });"
        )


@replica("lonsun-label")
class LonSunLabel(LonSun):
    """Nothing printed: all pages come from the label, whose address stands in a string; no count."""

    name = "平湖区人民政府"
    prefix = "/zwgk"
    own = 6615904
    size = 8

    def _first(self, organ: int) -> str:
        return "<li>加载中</li>"

    def _script(self, organ: int, pages: int) -> str:
        query = urlencode(
            {
                "IsAjax": 1,
                "dataType": "html",
                "_": "0.51",
                "labelName": "publicInfoList",
                "siteId": 9,
                "pageSize": self.size,
            }
        )
        rest = urlencode(
            {"action": "list", "organId": organ, "type": 3, "catId": "", "file": "/c2/list"}
        )
        return (
            f"var api = '{self.prefix}/site/label/8888?{query}&pageIndex=';\nfunction turn(page) {{"
            f" $.get(api + page + '&{rest}', function (html) {{ $('.xx-list').append(html); }}); }} turn(1);"
        )
