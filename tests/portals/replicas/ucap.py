"""UCAP: landing stubs, createPageHTML counted from 1, and lists that come as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import ClassVar

from tests.portals.replicas.base import Answer, Article, Asked, replica
from tests.portals.replicas.site import FOOT, OFFICES, TOWNS, Listing, Shown, Site, page, prose


@replica("ucap")
class Html(Site):
    """GBK under another label, stubs before the platform, titles cut for good, hexadecimal names."""

    name = "安陵省人民政府"
    level = "province"

    def sent(self, text: str) -> Answer:
        return Answer(text, encoding="gb18030", content_type="text/html; charset=ISO-8859-1")

    def furnish(self) -> None:
        head = '<meta http-equiv="Content-Type" content="text/html; charset=gb2312">'
        bar = self.menu(("要闻", "/xw/"))
        self.pages["/"] = page(
            self.name,
            f'{bar}<a href="/anling/c108/redirect_firstChannel.shtml">政府信息公开</a>{self.news(120)}{FOOT}',
            head,
        )
        self.pages["/anling/c108/redirect_firstChannel.shtml"] = (
            '<!DOCTYPE html><html><head><title></title><script type="text/javascript">var first = "x";\nwindow.location.href ="/anling/c108a/zfxxgk.shtml";'
            "</script></head><body></body></html>"
        )
        self.pages["/anling/c108a/zfxxgk.shtml"] = page(
            "政府信息公开",
            '<div><h3>政府信息公开制度</h3><a href="/anling/c110/zdlist.shtml">更多&gt;&gt;</a></div><div class=box><h3><span>政府信息公开年报</span>'
            '<a class="more" href="/anling/c108b/zfxxgklby_nb.shtml">更多&gt;&gt;</a></h3><ul></ul></div><a href="/anling/c113/null.shtml">依申请公开</a>',
            head,
        )
        self.pages["/anling/c110/zdlist.shtml"] = page("政府信息公开制度", prose("制度"), head)
        self.pages["/anling/c113/null.shtml"] = "<html></html>"
        parts = {
            "c108b": ("省政府", ("安陵省人民政府", "安陵省人民政府办公厅"), range(2025, 2007, -1)),
            "c108c": (
                "省直部门",
                [f"安陵省{n.replace('局', '厅')}" for n in OFFICES[:25]],
                range(2025, 2018, -1),
            ),
        }
        tabs = "".join(
            f'<a href="/anling/{c}/zfxxgklby_nb.shtml">{label}</a>'
            for c, (label, _, _) in parts.items()
        )
        for channel, (_, bodies, years) in parts.items():
            self.fill(
                channel,
                bodies,
                years,
                lambda n, y, c=channel: (
                    f"/anling/{c}/{y + 1}03/{n:08x}abcdef0123456789abcdef01.shtml"
                ),
            )

            def render(shown: Shown) -> str:
                rows = "".join(
                    f'<li><i></i><a href="{a.at(shown.night)}">{a.title[:24]}…</a><span class="date">（{a.date.replace("-", "/")}）</span></li>'
                    for a in shown.rows
                )
                call = f"createPageHTML('page_div',{shown.pages}, {shown.number},'zfxxgklby_nb','shtml',{shown.total});"
                return page(
                    "政府信息公开年报",
                    f'{tabs}<ul class="list">{rows}</ul><div id="page_div"></div><script>{call}</script>',
                    head,
                )

            def name(k: int, channel: str = channel) -> str:
                return f"/anling/{channel}/zfxxgklby_nb{'' if k == 1 else f'_{k}'}.shtml"

            self.lists.append(Listing(channel, 14, name, render))


class Json(Site):
    """Columns are shells; a channel's rows come as JSON."""

    level = "province"
    size = 18
    channels: ClassVar[Mapping[str, tuple[str, str, list[str], range]]]

    def furnish(self) -> None:
        bar = self.menu(("政府信息公开", "/hj/zwgk/zfxxgk.shtml"))
        self.pages["/"] = page(self.name, bar + self.news(100) + FOOT)
        first, *_ = self.channels
        links = "".join(
            f'<li><a href="/hj/{c}/zfxxgk_list.shtml">{label}</a></li>'
            for c, (_, label, _, _) in self.channels.items()
        )
        self.pages["/hj/zwgk/zfxxgk.shtml"] = page(
            "政府信息公开",
            f'<a href="/hj/zn/zfxxgk_zn.shtml">政府信息公开指南</a><a href="/hj/{first}/zfxxgk_list.shtml">政府信息公开年报</a>',
        )
        self.pages["/hj/zn/zfxxgk_zn.shtml"] = page("指南", prose("指南"))
        for column, (channel, _, bodies, years) in self.channels.items():
            self.fill(
                column,
                bodies,
                years,
                lambda n, y, c=column: (
                    f"/hj/{c}/{y + 1}{n % 9 + 1:02d}/c{n:02d}_{n + 314159}.shtml"
                ),
            )
            self.pages[f"/hj/{column}/zfxxgk_list.shtml"] = page(
                "政府信息公开年报",
                f'<ul class="tab">{links}</ul><div id="list"></div>{self.script(channel)}{FOOT}',
                self.metas(channel),
            )

    def metas(self, channel: str) -> str:
        return ""

    def script(self, channel: str) -> str:
        raise NotImplementedError

    def result(self, a: Article) -> dict[str, object]:
        return {
            "title": a.title, "subTitle": "", "url": f"//{self.url.partition('//')[2]}{a.at(self.night)}", "publishedTime": 1743379200000,
            "publishedTimeStr": f"{a.date} 11:32:37", "content": "……", "channelName": "年报", "manuscriptId": "9", "resList": [],
            "domainMetaList": [{"resultList": [{"key": "syh", "value": "0"}, {"key": "fwrq", "name": "发文日期", "url": "", "value": a.date}]}],
        }  # fmt: skip

    def results(self, column: str, number: int, size: int) -> list[dict[str, object]]:
        rows, _ = self.page_of(column, number, size)
        return [self.result(a) for a in rows]


@replica("ucap-json")
class Search(Json):
    """`common/search` of the channel in a meta; a script of the page puts the address together."""

    name = "黑江省人民政府"
    channels: ClassVar = {
        "c111100": (
            "d5c69b3f67334ed984a43e864f42f1ab",
            "省政府",
            ["黑江省人民政府"],
            range(2025, 2007, -1),
        ),
        "c111101": (
            "d5c69b3f67334ed984a43e864f42f1ac",
            "省直部门",
            [f"黑江省{n.replace('局', '厅')}" for n in OFFICES[:28]],
            range(2025, 2018, -1),
        ),
    }

    def metas(self, channel: str) -> str:
        return f'<META CONTENT="{channel}" NAME="channelId">'

    def script(self, channel: str) -> str:
        return (
            "<script>var channelId = $('meta[name=channelId]').attr('content'); function load(p){ $.ajax({ type:'get', dataType:'json',"
            f"url: '/common/search/' + channelId + '?_isAgg=true&_isJson=true&_pageSize={self.size}&_template=index&_rangeTimeGte=&page=' + p,"
            "success: function(res){ draw(res.data.results); } }); } load(1);</script>"
        )

    def answer(self, asked: Asked) -> Answer | None:
        channel = asked.path.removeprefix("/common/search/")
        column = next((c for c, (known, *_) in self.channels.items() if known == channel), None)
        if column is None or asked.query.get("_isJson") != "true":
            return super().answer(asked)
        number, size = int(asked.query.get("page", 1)), int(asked.query.get("_pageSize", 10))
        data = {
            "page": number,
            "rows": size,
            "total": len(self.listed(column)),
            "channelId": channel,
            "results": self.results(column, number, size),
        }
        return Answer(
            json.dumps({"data": data}, ensure_ascii=False), content_type="application/json"
        )


@replica("ucap-list")
class SearchList(Search):
    """`searchList`, its call in a script of another file, and results that carry marks."""

    name = "证海委员会"
    channels: ClassVar = {
        "c100": (
            "a1a078ee0bc54721ab6b148884c784a8",
            "年报",
            [*(f"证海{n}" for n in TOWNS[:20])],
            range(2025, 2016, -1),
        )
    }

    def script(self, channel: str) -> str:
        return f"<script>var listUrl = '/searchList/{channel}';</script><script src='/hj/js/list.js'></script>"

    def result(self, a: Article) -> dict[str, object]:
        return super().result(a) | {"title": a.title.replace("公开", "<em>公开</em>")}

    def answer(self, asked: Asked) -> Answer | None:
        if not asked.path.startswith("/searchList/"):
            return Site.answer(self, asked) if "/common/search/" not in asked.path else None
        return super().answer(
            Asked(
                asked.method,
                asked.path.replace("/searchList/", "/common/search/"),
                asked.query,
                {},
                "",
                asked.headers,
                asked.target,
            )
        )


@replica("ucap-code")
class ByCode(Json):
    """`getFileListByCodeId` by POST, with a total; only POST is answered."""

    name = "税海总署"
    channels: ClassVar = {
        "c102384r": (
            "61eaab3127b040d4950fff177f09e561",
            "年报",
            ["税海总署", *(f"税海{n.removesuffix('人民政府')}税务局" for n in TOWNS[:16])],
            range(2025, 2015, -1),
        )
    }

    def script(self, channel: str) -> str:
        return (
            f'<script>var code = "{channel}";\nfunction getList(pageNum) {{\n  $.post("/getFileListByCodeId", {{ channelId: code, page: pageNum, size: 20,'
            ' relateSubChannels: true }, function (data) { render(data.results.data) }, "json");\n}\ngetList(1);</script>'
        )

    def answer(self, asked: Asked) -> Answer | None:
        if asked.path != "/getFileListByCodeId":
            return super().answer(asked)
        column = next(
            (c for c, (known, *_) in self.channels.items() if known == asked.form.get("channelId")),
            None,
        )
        if asked.method != "POST" or column is None:
            return Answer('{"results":null}', content_type="application/json")
        number, size = int(asked.form.get("page", 1)), int(asked.form.get("size", 10))
        results = [
            {
                "titleHtml": f"<b>{escape(str(one['title']))}</b>",
                "title": one["title"],
                "redirectUrl": "",
                "url": one["url"],
                "publishedTimeStr": one["publishedTimeStr"],
            }
            for one in self.results(column, number, size)
        ]
        text = json.dumps(
            {"results": {"data": {"total": len(self.listed(column)), "results": results}}},
            ensure_ascii=False,
        )
        return Answer(text, content_type="application/json;charset=UTF-8")
