"""Openness: old edition by branch_id, new edition with page_N.html; attachments without extension."""

from __future__ import annotations

from html import escape

from tests.portals.replicas.base import COUNTER, Answer, Article, Asked, redirect, replica
from tests.portals.replicas.site import FOOT, OFFICES, TOWNS, Listing, Shown, Site, cut, page, prose


def hexes(number: int) -> str:
    """An identifier as the database of the CMS makes them."""
    return f"5f{number:022x}"


@replica("openness")
class Openness(Site):
    """Departments in a directory, each with a list of its own; pages by query, in single quotes."""

    name = "柳河县人民政府"
    rewrites = False
    size = 10

    def furnish(self) -> None:
        bar = self.menu(("新闻动态", "/xw/"), ("信息公开", "/openness/"))
        self.pages["/"] = page(self.name, bar + self.news(150) + FOOT)
        self.branches = {
            hexes(4096 + i): f"柳河县{name}" for i, name in enumerate((*OFFICES[:22], *TOWNS[:9]))
        }
        own = hexes(77)
        tree = "".join(
            f"<li><a href='/opennessContent/?branch_id={branch}' target='_self'>{body}</a></li>"
            for branch, body in self.branches.items()
        )
        self.branches[own] = self.name
        self.pages["/openness/"] = page(
            "信息公开",
            f"{bar}<a href='/opennessGuide/?branch_id={own}'>政府信息公开指南</a>"
            f"<a href='{self._list(own, 1)}'>政府信息公开年报</a><div>部门信息公开</div><ul>{tree}</ul>{FOOT}",
        )
        for branch, body in self.branches.items():
            self.pages[f"/opennessContent/?branch_id={branch}"] = page("目录", bar + prose(body))
            self.pages[f"/opennessGuide/?branch_id={branch}"] = page("指南", bar + prose(body))
            years = range(2025, 1993, -1) if branch == own else range(2025, 2020, -1)
            self.fill(
                branch,
                (body,),
                years,
                lambda number, year: f"/openness/detail/annual_report/{hexes(number)}.html",
                likes=1,
                attachments=lambda number: (
                    (
                        (
                            f"/download/?mod=site_attach&_id={hexes(900000 + number)}",
                            "附件：年度报告表格.doc [12.3 KB]",
                        ),
                    )
                    if number % 9 == 0
                    else ()
                ),
            )
            self.lists.append(
                Listing(
                    branch,
                    self.size,
                    lambda k, b=branch: self._list(b, k),
                    self._render(branch),
                    "repeat",
                )
            )

    def _list(self, branch: str, k: int) -> str:
        if self.rewrites and k > 1:
            return f"/opennessAnnualReport/branch_id-{branch}/page-{k}/"
        base = (
            f"/opennessAnnualReport/branch_id-{branch}/"
            if self.rewrites
            else f"/opennessAnnualReport/?branch_id={branch}"
        )
        return base if k == 1 else f"{base}&page={k}"

    def _render(self, branch: str):  # type: ignore[no-untyped-def]
        def render(shown: Shown) -> str:
            rows = "".join(
                f"<li><span class='r'>{a.date}</span><a title='' href='{a.at(shown.night)}'>{cut(a.title, 60)}</a></li>"
                for a in shown.rows
            )
            links = "".join(
                f"<a href='{self._list(branch, k)}'><span class='page'>{k}</span></a>"
                for k in range(max(1, shown.number - 1), min(shown.pages, shown.number + 1) + 1)
                if k != shown.number
            )
            last = f"<a href='{self._list(branch, shown.pages)}'><span class='page'>尾页</span></a>"
            pager = f"<span class='cur'>{shown.number} / {shown.pages}</span>{links}<span>....</span>{last}"
            return page("政府信息公开年报", f"<ul class='list'>{rows}</ul><div>{pager}</div>{FOOT}")

        return render

    def detail(self, article: Article, body: str) -> str:
        title = escape(article.title)
        files = "".join(
            f'<li><a href="{escape(path)}">{name}</a></li>' for path, name in article.attachments
        )
        metas = f'<meta name="ArticleTitle" content="{title}"><meta name="PubDate" content="{article.date}">'
        return (
            f"<html><head><title>{title}</title>{metas}{metas}</head><body><h1>{title}</h1><div class='detail-info'>发布时间："
            f"{article.date} 浏览：{COUNTER}</div><div id='zoom' class='newscontnet'><div class='text'>{body}</div></div>"
            f"<div class='detail-downlist'><ul>{files}</ul></div></body></html>"
        )

    def missing(self, asked: Asked) -> Answer:
        return redirect("/") if asked.path == "/download/" else super().missing(asked)


@replica("openness-path")
class OpennessPath(Openness):
    """The same with its addresses rewritten to paths."""

    name = "柳泉县人民政府"
    rewrites = True


@replica("openness-new")
class OpennessNew(Site):
    """The newer edition: numbered lists of branches, details with a number of their own."""

    name = "长泊市人民政府"
    level = "prefecture"

    def furnish(self) -> None:
        bar = self.menu(("要闻", "/xw/"), ("政府信息公开", "/OpennessContent/index.html"))
        self.pages["/"] = page(self.name, bar + self.news(90) + FOOT)
        bodies = [self.name, *(f"长泊市{name}" for name in OFFICES[:18])]
        side = "".join(
            f'<dd><a href="/XxgkAnnualReport/showList/{700 + i}/page_1.html">{body}</a></dd>'
            for i, body in enumerate(bodies)
        )
        self.pages["/OpennessContent/index.html"] = page(
            "政府信息公开",
            f'{bar}<a href="/OpennessGuide/show/9.html">政府信息公开指南</a>'
            f'<a href="/XxgkAnnualReport/showList/700/page_1.html">政府信息公开年报</a>{FOOT}',
        )
        self.pages["/OpennessGuide/show/9.html"] = page("指南", prose("指南"))
        for i, body in enumerate(bodies):
            kind = "XxgkAnnualReport" if i % 2 else "OpennessAnnualReport"
            self.fill(
                str(i),
                (body,),
                range(2025, 2001 if i == 0 else 2016, -1),
                lambda number, year, kind=kind: f"/{kind}/show/{number}.html",
                likes=2,
            )

            def address(k: int, i: int = i) -> str:
                return f"/XxgkAnnualReport/showList/{700 + i}/page_{k}.html"

            def render(shown: Shown, address=address) -> str:  # type: ignore[no-untyped-def]
                rows = "".join(
                    f'<li><a href="{a.at(shown.night)}" title="{a.title}">{cut(a.title, 20)}</a><em>{a.date}</em></li>'
                    for a in shown.rows
                )
                following = (
                    f'<a href="{address(shown.number + 1)}">下一页</a>'
                    if shown.number < shown.pages
                    else "<a>下一页</a>"
                )
                return page(
                    "政府信息公开年报",
                    f"{bar}<dl>{side}</dl><ul>{rows}</ul><p>{following}</p>{FOOT}",
                )

            self.lists.append(Listing(str(i), 6, address, render, "empty"))
