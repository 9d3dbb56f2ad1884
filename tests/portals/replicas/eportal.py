"""Huilan's eportal: modules of a page, turned by a function that stands in a file of the CMS."""

from __future__ import annotations

from hashlib import md5

from tests.portals.replicas.base import Answer, Article, Asked, replica
from tests.portals.replicas.site import FOOT, OFFICES, TOWNS, Site, cut, page, prose


@replica("eportal")
class EPortal(Site):
    """Columns are paths, their later pages stand at /eportal/ui; a second module beside the list."""

    name = "大平区人民政府"
    size = 8

    def furnish(self) -> None:
        head = '<link href="/eportal/uiFramework/huilan-jquery-ui/css/h.css" rel=stylesheet><script src="/eportal/uiFramework/js/page.js"></script>'
        self.head = head
        bar = self.menu(("新闻", "/xw/"), ("信息公开", "/302249/gk/index.html"))
        self.bar = bar
        self.pages["/"] = page(self.name, bar + self.news(100) + FOOT, head)
        bodies = [self.name, *(f"大平区{name}" for name in (*OFFICES[:15], *TOWNS[:7]))]
        self.columns = {
            f"/302249/zfxxgk/nb/{2480100 + i}/index.html": body for i, body in enumerate(bodies)
        }
        self.ids = {str(559300 + i): path for i, path in enumerate(self.columns)}
        parts = "".join(
            f'<li><a href="{path}">{body}</a></li>' for path, body in self.columns.items()
        )
        self.pages["/302249/gk/index.html"] = page(
            "信息公开",
            f'{bar}<a href="/302249/zn/index.html">政府信息公开指南</a><a href="/302249/zfxxgk/nb/index.html">政府信息公开年报</a>',
            head,
        )
        self.pages["/302249/zn/index.html"] = page("指南", prose("指南"))
        self.pages["/302249/zfxxgk/nb/index.html"] = page(
            "政府信息公开年报", f"{bar}<ul>{parts}</ul>{FOOT}", head
        )
        for i, (path, body) in enumerate(self.columns.items()):
            self.fill(
                path,
                (body,),
                range(2025, 1995, -1) if i == 0 else range(2025, 2014, -1),
                lambda number, year, i=i: f"/302249/2480148/{number}/index.html",
                likes=1,
            )

    def module(self, path: str) -> str:
        return md5(path.encode(), usedforsecurity=False).hexdigest()

    def answer(self, asked: Asked) -> Answer | None:
        if asked.path in self.columns:
            return Answer(self.column(asked.path, 1))
        if asked.path == "/eportal/ui":
            path = self.ids.get(asked.query.get("pageId", ""))
            if path is None or asked.query.get("moduleId") != self.module(path):
                # The page without its module: the first page again.
                return Answer(self.column(path, 1)) if path else None
            number = int(asked.query.get("currentPage", "1"))
            _, pages = self.page_of(path, 1, self.size)
            return Answer(self.column(path, min(number, pages)))
        return super().answer(asked)

    def rows(self, rows: list[Article]) -> str:
        return "".join(
            f"<li><a href='{a.at(self.night)}' title='{a.title}' target='_blank'>{cut(a.title, 22)}</a><span>{a.date}</span></li>"
            for a in rows
        )

    def column(self, path: str, number: int) -> str:
        rows, pages = self.page_of(path, number, self.size)
        identity = next(key for key, where in self.ids.items() if where == path)
        shown = "".join(
            f"<a href='javascript:void(0)' onclick='next({k})'>{k}</a>"
            if k != number
            else f"<b>{k}</b>"
            for k in range(max(1, number - 2), min(pages, number + 2) + 1)
        )
        return page(
            "政府信息公开年报",
            f"<div class='portlet' id='ffff0000ffff0000ffff0000ffff0000' moduleid='{self.module('other')}'><a>轮播</a></div>"
            f"<div class='portlet' moduleId=\"{self.module(path)}\"><input type='hidden' name='pageId' value='{identity}'>"
            f"<input name='moduleId' type='hidden' value='{self.module(path)}'><ul id='easysiteText'>{self.rows(rows)}</ul>"
            f"<div class='easysite-page'>{shown}<a href=\"javascript:next({pages})\">尾页</a> 共{pages}页</div></div>{FOOT}",
            self.head,
        )
