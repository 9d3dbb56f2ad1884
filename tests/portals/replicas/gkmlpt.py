"""Guangdong's platform: categories in a tree, articles as JSON; NFCMS columns beside it."""

from __future__ import annotations

import json

from tests.portals.replicas.base import Answer, Article, Asked, replica
from tests.portals.replicas.site import FOOT, OFFICES, TOWNS, Listing, Shown, Site, page


class Platform(Site):
    """Shells under /gkmlpt/, one for the government and one for each department."""

    number = "2629"
    size = 100
    quoted = True

    def category(
        self, name: str, number: int, *children: dict[str, object], **more: object
    ) -> dict[str, object]:
        return {
            "id": number,
            "name": name,
            "post_count": 0,
            "jump_url": "",
            "children": list(children),
            **more,
        }

    def tree(self, number: int) -> list[dict[str, object]]:
        return [
            self.category("机构概况", number + 1, self.category("领导信息", number + 2)),
            self.category("政府信息公开指南", number + 3, jump_url="/gkmlpt/guide"),
            self.category(
                *("法定主动公开内容", number + 4),
                self.category("统计信息", number + 5, self.category("统计年报", number + 6)),
                self.category(
                    "工作报告", number + 7, self.category("政府网站工作年度报表", number + 8)
                ),
                self.category(
                    "公开年报", number + 9, self.category("政府信息公开工作年度报告", number)
                ),
            ),
        ]

    def shell(self, site: str, number: int) -> str:
        tree = json.dumps(self.tree(number), ensure_ascii=False)
        config = (
            f"window._CONFIG = {{ APP_ROOT: '/gkmlpt', SID: '{site}', SITE_NAME: '{self.name}',\n TREE: {tree},\n"
            "SERVICE_AREA_ID: 7, DETAIL: {} };"
        )
        return page(
            "政府信息公开目录",
            f'<div id="app"></div><script>{config}</script><script src="/gkmlpt/gkml/pc/js/app.js"></script>',
        )

    def answered(self, column: str, asked: Asked) -> Answer:
        number = max(1, int(asked.query.get("page") or 1))
        rows, _ = self.page_of(column, number, self.size)
        given = [self.said(a) for a in rows]
        total = len(self.listed(column))
        text = json.dumps(
            {
                "classify": {"id": 1, "name": "年报", "post_count": total},
                "total": total,
                "articles": given,
            },
            ensure_ascii=False,
        )
        return Answer(text, content_type="application/json")

    def said(self, a: Article) -> dict[str, object]:
        where = a.at(self.night)
        return {
            "id": 7, "title": a.title, "document_number": "", "publisher": a.org, "created_at": f"{a.date} 10:00:00",
            "create_time": 1743379200, "date": a.date, "url": f"{self.url}{where}", "post_url": "",
            "mobile_url": where.replace("post_", "mpost_"), "attachment": [], "is_expired": 0,
        }  # fmt: skip


@replica("gkmlpt")
class Government(Platform):
    """One platform, 230 reports in a category deep in the tree; an NFCMS column of older ones."""

    name = "望海市人民政府"
    level = "prefecture"

    def furnish(self) -> None:
        bar = self.menu(("政务公开", "/zwgk/index.html"), ("新闻", "/xw/"))
        self.pages["/"] = page(self.name, bar + self.news(150) + FOOT)
        self.pages["/zwgk/index.html"] = page(
            "政务公开",
            bar
            + '<a href="/gkmlpt/index">政府信息公开</a><a href="/gkmlpt/annualreport#2629">政府信息公开年报</a><a href="/zwgk/lnnb/">历年政府信息公开年报</a>'
            + FOOT,
        )
        for name in ("index", "policy", "guide", "annualreport"):
            self.pages[f"/gkmlpt/{name}"] = self.shell("755041", 2629)

        def address(n: int, y: int) -> str:
            return f"/gkmlpt/content/4/{n // 1000}/post_{4680000 + n}.html"

        self.fill(
            *(
                "nb",
                ("望海市人民政府", *(f"望海市{n}" for n in OFFICES)),
                range(2025, 2019, -1),
                address,
            ),
            copies=lambda n: (f"/gkmlpt/content/4/{n // 1000}/mpost_{4680000 + n}.html",),
        )
        self.fill(
            "old",
            ("望海市人民政府", "望海市人民政府办公室", "望海市财政局"),
            range(2019, 2007, -1),
            lambda n, y: f"/zwgk/lnnb/content/post_{n}.html",
        )

        def render(shown: Shown) -> str:
            rows = "".join(
                f'<li><a href="{self.url}{a.at(shown.night)}" title="{a.title}">{a.title[:16]}...</a></li>'
                for a in shown.rows
            )
            names = [
                f'<a href="{"index" if k == 1 else f"index_{k}"}.html">{k}</a>'
                for k in range(1, shown.pages + 1)
            ]
            return page(
                "历年政府信息公开年报",
                f'{bar}<ul class="news_list">{rows}</ul><div class="page">{"".join(names)}</div>',
            )

        self.lists.append(
            Listing(
                "old",
                10,
                lambda k: f"/zwgk/lnnb/index{'' if k == 1 else f'_{k}'}.html",
                render,
                also=("/zwgk/lnnb/",),
            )
        )

    def answer(self, asked: Asked) -> Answer | None:
        if asked.path == "/gkmlpt/api/all/2629" and asked.query.get("sid") == "755041":
            return self.answered("nb", asked)
        if asked.path.startswith("/gkmlpt/api/all/"):
            return self.answered("nothing", asked)
        return super().answer(asked)


@replica("gkmlpt-departments")
class Departments(Platform):
    """Each department has a platform with a number and a tree of its own; no total; unquoted keys."""

    name = "南澳区人民政府"
    size = 20

    def furnish(self) -> None:
        self.bodies = {
            f"{chr(97 + k // 26)}{chr(97 + k % 26)}j": name
            for k, name in enumerate((*(f"南澳区{n}" for n in OFFICES[:18]), *TOWNS[:6]))
        }
        bar = self.menu(("政府信息公开", "/gkmlpt/index"))
        self.pages["/"] = page(self.name, bar + self.news(60) + FOOT)
        links = "".join(
            f'<a href="/{key}/gkmlpt/index" target="_blank">{name.removeprefix("南澳区")}</a>'
            for key, name in self.bodies.items()
        )
        for name in ("index", "annualreport"):
            self.pages[f"/gkmlpt/{name}"] = (
                self.shell("8800", 500) + f'<div class="bm">{links}</div>'
            )
        self.fill(
            "",
            ("南澳区人民政府",),
            range(2025, 2008, -1),
            lambda n, y: f"/gkmlpt/content/1/1/post_{n}.html",
        )
        for k, (key, body) in enumerate(self.bodies.items(), 1):
            self.pages[f"/{key}/gkmlpt/index"] = self.shell(str(8800 + k), 500 + 20 * k)
            years = range(2025, 2018 if k > 3 else 2003, -1)
            self.fill(
                key,
                (body,),
                years,
                lambda n, y, key=key: f"/{key}/gkmlpt/content/1/1/post_{n}.html",
            )

    def shell(self, site: str, number: int) -> str:
        return (
            super()
            .shell(site, number)
            .replace('"id":', "id:")
            .replace('"name":', "name :")
            .replace("SID: '" + site + "'", f'"SID":"{site}"')
        )

    def tree(self, number: int) -> list[dict[str, object]]:
        return [
            self.category("政策", number + 1),
            self.category(
                "年度报告",
                number + 2,
                self.category("政府信息公开年报", number),
                self.category("政府网站年度报表", number + 3),
            ),
        ]

    def said(self, a: Article) -> dict[str, object]:
        return {
            "title": a.title,
            "url": None,
            "post_url": a.at(self.night),
            "display_publish_time": 1743379200,
            "id": 1,
        }

    def answer(self, asked: Asked) -> Answer | None:
        key, _, rest = asked.path.removeprefix("/").partition("gkmlpt/api/all/")
        if not rest:
            return super().answer(asked)
        k = 0 if not key else [*self.bodies].index(key.strip("/")) + 1
        if rest != str(500 + 20 * k) or asked.query.get("sid") != str(8800 + k):
            return Answer('{"articles": []}', content_type="application/json")
        given = self.answered(key.strip("/"), asked)
        said = json.loads(given.text)
        return Answer(
            json.dumps({"articles": said["articles"]}, ensure_ascii=False),
            content_type="text/html; charset=utf-8",
        )
