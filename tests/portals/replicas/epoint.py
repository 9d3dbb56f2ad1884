"""Epoint: shells whose rows are posted for; the site's id in a script, or in the shell itself."""

from __future__ import annotations

import json

from tests.portals.replicas.base import Answer, Asked, replica
from tests.portals.replicas.site import FOOT, OFFICES, TOWNS, Site, page, prose

GUID = "0f9a1c2e-55d1-4b0e-9c77-3ad2b1f0c6d4"
SCRIPT = "text/javascript; charset=utf-8"


@replica("epoint")
class Epoint(Site):
    """Each body's column is a shell with a deptcode; siteInfo stands in /js/webBuilderCommon.js."""

    name = "徐丰市人民政府"
    level = "prefecture"
    project = "/EWB-FRONT"
    guid = GUID
    action = "/rest/lightfrontaction/getgovinfolist"
    shell = "/dynamic/zwgk/govInfoPub.html"
    category = "003009"
    wrapped = False

    def furnish(self) -> None:
        bar = self.menu(("要闻", "/xw/"), ("政务公开", "/govxxgk/index.html"))
        self.pages["/"] = page(self.name, bar + self.news(140) + FOOT)
        self.bodies = {"": self.name} | {
            f"1132{i:04d}": f"徐丰市{name}"
            for i, name in enumerate((*OFFICES[:19], *TOWNS[:10]), 1)
        }
        self.pages["/govxxgk/index.html"] = page(
            "政务公开",
            f'{bar}<a href="{self.shell}?categorynum=003001">政府信息公开指南</a>'
            f'<a href="{self.address("")}">政府信息公开年报</a>{FOOT}',
        )
        for code, body in self.bodies.items():
            years = range(2025, 1996, -1) if not code else range(2025, 2020, -1)
            self.fill(
                code or "own",
                (body,),
                years,
                lambda number, year: (
                    f"/govxxgk/{self.category}/{year + 1}0{number % 3 + 1}15/{GUID[:-6]}{number:06d}.html"
                ),
                likes=2,
            )
        self.pages["/js/webBuilderCommon.js"] = Answer(
            f'var siteInfo={{"projectName":"{self.project}","siteGuid":"{self.guid}"}};\n'
            "function getQueryString(name){var r=window.location.search.substr(1);return r;}",
            content_type=SCRIPT,
        )

    def address(self, code: str) -> str:
        return f"{self.shell}?categorynum={self.category}" + (f"&deptcode={code}" if code else "")

    def answer(self, asked: Asked) -> Answer | None:
        if asked.path == self.shell:
            if asked.query.get("categorynum") != self.category:
                return Answer(page("政府信息公开", prose("指南")))
            return Answer(self.column())
        if asked.path == self.project + self.action:
            return self.rows(asked)
        return super().answer(asked)

    def column(self) -> str:
        side = "".join(
            f'<li><a target="_self" href="{self.address(code)}">{body}</a></li>'
            for code, body in self.bodies.items()
        )
        return page(
            "政府信息公开年报",
            f'<ul class="depts">{side}</ul><table id="infolist"></table><div id="pager"></div>{FOOT}{self.foot()}',
            '<script src="/js/jquery.js"></script><script src="/js/webBuilderCommon.js?v=2.1"></script>',
        )

    def foot(self) -> str:
        return '<script src="/dynamic/zwgk/js/govlist.js"></script>'

    def rows(self, asked: Asked) -> Answer:
        if asked.method != "POST" or "json" not in asked.headers.get("content-type", ""):
            return Answer("<html><body>405</body></html>", 405)
        given = json.loads(asked.body)
        given = given.get("params", {}) if self.wrapped else given
        if given.get("siteGuid") != self.guid or given.get("categorynum") != self.category:
            return Answer('{"custom":{"total":0,"data":[]}}', content_type="application/json")
        size = int(given["pageSize"])
        rows, _ = self.page_of(given.get("deptcode") or "own", int(given["pageIndex"]) + 1, size)
        total = len(self.listed(given.get("deptcode") or "own"))
        data = [
            {
                "infourl": a.at(self.night),
                "title": a.title[:12] + "...",
                "realtitle": a.title,
                "infodate": a.date,
            }
            for a in rows
        ]
        text = json.dumps(
            {"status": {"code": 1}, "custom": {"total": total, "data": data}}, ensure_ascii=False
        )
        return Answer(text, content_type="application/json;charset=UTF-8")


@replica("epoint-inline")
class EpointInline(Epoint):
    """The shell's own script says all: another project, parameters in an envelope, no extra script."""

    name = "营海县人民政府"
    level = "county"
    project = "/EWB_YH_Mid"
    guid = "b1fc62b3-aa6f-4ce8-829f-16d7d5677aaa"
    shell = "/dynamic/zw/openlist.html"
    wrapped = True

    def foot(self) -> str:
        return (
            "<script>\nvar siteInfo = {\n  projectName: '"
            + self.project
            + "',\n  siteGuid: '"
            + self.guid
            + "' };\n"
            "Util.ajax({ url: siteInfo.projectName + '"
            + self.action
            + "', type: 'post', contentType: 'application/json',"
            " data: JSON.stringify({ token: '', params: { deptcode: Util.getUrlParams('deptcode'),"
            " categorynum: Util.getUrlParams('categorynum'), pageIndex: pageIndex, pageSize: 20, siteGuid: siteInfo.siteGuid } }),"
            " success: function (r) { render(r.custom.data); } });</script>"
        )
