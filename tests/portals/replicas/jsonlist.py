"""Columns whose rows come as JSON: posted for, or standing in files of JSON."""

from __future__ import annotations

import json
import re

from tests.portals.replicas.base import Answer, Asked, replica
from tests.portals.replicas.site import FOOT, OFFICES, TOWNS, Site, page, prose


@replica("json-post")
class JsonPost(Site):
    """A form is posted; names in upper case; totals; the shell has dated news beside it."""

    name = "姑苏平市人民政府"
    level = "prefecture"
    size = 15

    def furnish(self) -> None:
        bar = self.menu(("新闻", "/xw/"), ("政府信息公开", "/xxgk/index.html"))
        self.bar = bar
        self.pages["/"] = page(self.name, bar + self.news(70) + FOOT)
        self.bodies = {
            f"c{i}9": f"姑苏平市{name}" for i, name in enumerate((*OFFICES[:10], *TOWNS[:5]))
        }
        links = "".join(
            f'<li><a href="/xxgk/nb/{channel}/list.html">{body}</a></li>'
            for channel, body in self.bodies.items()
        )
        self.pages["/xxgk/index.html"] = page(
            "政府信息公开", f'{bar}<a href="/xxgk/nb/">政府信息公开年报</a>{FOOT}'
        )
        self.pages["/xxgk/nb/"] = page("政府信息公开年报", f"{bar}<ul>{links}</ul>{FOOT}")
        for channel, body in self.bodies.items():
            self.fill(
                channel,
                (body,),
                range(2025, 2003, -1),
                lambda number, year: f"/xxgk/{year + 1}01/{number:032x}.shtml",
                likes=2,
            )
            self.pages[f"/xxgk/nb/{channel}/list.html"] = self.shell(channel)

    def shell(self, channel: str) -> str:
        side = "<li><a href='/xw/202609/t20260909_1.html'>要闻一号：会议召开</a><span>2026-09-09</span></li>"
        return page(
            "政府信息公开年报",
            f"{self.bar}<div>{side}</div><ul id=box></ul><div id=pager></div><script>var pageIndex = 1, channel = '{channel}';"
            "\nfunction load() { $.ajax({ type: 'POST', url: '/szinf/interfacesWebZcwj/loadData?pageSize=15', dataType: 'json',"
            " data: { pageIndex: pageIndex, channel_id: channel, title: $('#kw').val() }, success: function (r)"
            " { draw(r.data.list); } }); } load();</script>" + FOOT,
        )

    def answer(self, asked: Asked) -> Answer | None:
        if asked.path == "/szinf/interfacesWebZcwj/loadData":
            if asked.method != "POST" or asked.form.get("channel_id") not in self.bodies:
                return Answer('{"code":405,"data":null}', 405, "application/json")
            column, number = asked.form["channel_id"], int(asked.form["pageIndex"])
            rows, pages = self.page_of(column, number, self.size)
            found = [
                {
                    "TITLE": f"<em>{a.title}</em>" if a.year % 2 else a.title,
                    "URL": a.at(self.night),
                    "C_WJBH": "",
                    "PUBLISHED_TIME_FORMAT": a.date,
                    "MANUSCRIPT_ID": i,
                }
                for i, a in enumerate(rows)
            ]
            data = {"allRow": len(self.listed(column)), "totalPage": pages, "list": found}
            return Answer(
                json.dumps({"data": data}, ensure_ascii=False),
                content_type="text/html; charset=utf-8",
            )
        return super().answer(asked)


@replica("json-file")
class JsonFile(Site):
    """Numbers stand in the names of files; dates in milliseconds; the column's id in the query."""

    name = "金监平县人民政府"
    size = 18

    def furnish(self) -> None:
        bar = self.menu(("新闻", "/xw/"), ("政府信息公开", "/cn/view/pages/gk.html"))
        self.pages["/"] = page(self.name, bar + self.news(70) + FOOT)
        self.pages["/cn/view/pages/gk.html"] = page(
            "政府信息公开",
            f'{bar}<a href="/cn/view/pages/zn.html">政府信息公开指南</a><a href="/cn/view/pages/ItemList.html?itemId=861">政府信息公开年报</a>',
        )
        self.pages["/cn/view/pages/zn.html"] = page("指南", prose("指南"))
        self.pages["/cn/view/pages/ItemList.html"] = page(
            "列表",
            '<div ng-app="list"></div><script>var itemId = getUrlParam("itemId"); var pageNum = 1;'
            'function go() { var url = "/cn/static/data/DocInfo/SelectDocByItem/data_itemId=" + itemId + ",pageIndex=" + pageNum'
            ' + ",pageSize=18.json"; $.getJSON(url, function (r) { show(r.data.rows); }); }</script>',
        )
        self.fill(
            "861",
            [self.name, *(f"金监平县{name}" for name in OFFICES[:21])],
            range(2025, 2018, -1),
            lambda number, year: f"/cn/view/pages/detail_{number}.html",
            likes=3,
        )

    def answer(self, asked: Asked) -> Answer | None:
        found = re.fullmatch(
            r"/cn/static/data/DocInfo/SelectDocByItem/data_itemId=(\d+),pageIndex=(\d+),pageSize=18\.json",
            asked.path,
        )
        if found is None:
            return super().answer(asked)
        rows, _ = self.page_of(found[1], int(found[2]), self.size)
        if not rows:
            return None
        listed = [
            {
                "docId": i,
                "docSubtitle": a.title,
                "docUrl": a.at(self.night),
                "itemName": "年报",
                "publishDate": _millis(a.date),
            }
            for i, a in enumerate(rows)
        ]
        text = json.dumps(
            {"rptCode": 200, "data": {"total": len(self.listed(found[1])), "rows": listed}},
            ensure_ascii=False,
        )
        return Answer(text, content_type="application/json")


def _millis(day: str) -> int:
    from datetime import UTC, datetime

    return int(datetime.fromisoformat(day + "T10:00:00+08:00").astimezone(UTC).timestamp() * 1000)
