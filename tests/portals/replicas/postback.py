"""ASP.NET: lists whose pages are clicks on a form that remembers where it is."""

from __future__ import annotations

from base64 import b64decode, b64encode
from html import escape

from tests.portals.replicas.base import Answer, Article, Asked, replica
from tests.portals.replicas.site import FOOT, OFFICES, TOWNS, Site, cut, page, prose


@replica("postback")
class PostBack(Site):
    """AspNetPager: numbers ten at a time; the state of one page is refused for any but the next."""

    name = "六安平县人民政府"
    size = 7

    def furnish(self) -> None:
        bar = self.menu(("新闻", "/xw/"), ("信息公开", "/xxgk/Default.aspx"))
        self.pages["/"] = page(self.name, bar + self.news(110) + FOOT)
        self.bodies = [self.name, *(f"平县{name}" for name in (*OFFICES[:11], *TOWNS[:5]))]
        links = "".join(
            f'<td><a href="List.aspx?cid=8&amp;dept={i}">{body}</a></td>'
            for i, body in enumerate(self.bodies)
        )
        self.links = f"<table><tr>{links}</tr></table>"
        self.pages["/xxgk/Default.aspx"] = page(
            "信息公开",
            f'{bar}<a href="Guide.aspx">公开指南</a><a href="List.aspx?cid=8&amp;dept=0">信息公开年报</a>{FOOT}',
        )
        self.pages["/xxgk/Guide.aspx"] = page("指南", prose("指南"))
        for i, body in enumerate(self.bodies):
            self.fill(
                str(i),
                (body,),
                range(2025, 1940, -1) if i == 0 else range(2025, 2014, -1),
                lambda number, year: f"/xxgk/Detail.aspx?id={year + 1}0116{number}",
                likes=1,
            )

    def answer(self, asked: Asked) -> Answer | None:
        if asked.path != "/xxgk/List.aspx":
            return super().answer(asked)
        column = asked.query.get("dept", "")
        rows = self.listed(column)
        if not rows:
            return None
        pages = -(-len(rows) // self.size)
        number = 1
        if asked.method == "POST":
            asked_for = self.clicked(asked, column, pages)
            if asked_for is None:
                return Answer(
                    "<html><title>Error</title><body>Invalid postback or callback argument.</body></html>",
                    500,
                )
            number = min(asked_for, pages)
        return Answer(
            self.render(column, rows[(number - 1) * self.size : number * self.size], number, pages)
        )

    def state(self, column: str, number: int) -> str:
        return b64encode(f"{column}|{number}|+/=".encode()).decode()

    def shown(self, asked: Asked, column: str) -> int | None:
        """The page that the form was sent from."""
        try:
            of, number, _ = b64decode(asked.form.get("__VIEWSTATE", "")).decode().split("|")
        except ValueError:
            return None
        whole = {"__EVENTVALIDATION": "ok" + number, "ctl00$txtKey": "", "ctl00$ddlYear": "0"}
        right = of == column and all(asked.form.get(name) == value for name, value in whole.items())
        return int(number) if right else None

    def clicked(self, asked: Asked, column: str, pages: int) -> int | None:
        at = self.shown(asked, column)
        wanted = asked.form.get("__EVENTARGUMENT", "")
        if (
            at is None
            or asked.form.get("__EVENTTARGET") != "ctl00$AspNetPager1"
            or not wanted.isdigit()
        ):
            return None
        return int(wanted) if abs(int(wanted) - at) <= 10 else None

    def items(self, rows: list[Article]) -> str:
        return "".join(
            f'<tr><td><a href="{escape(a.at(self.night))}" title="{a.title}" target="_blank">{cut(a.title, 20)}</a></td><td>{a.date.replace("-", "/")}</td></tr>'
            for a in rows
        )

    def pager(self, number: int, pages: int) -> str:
        def click(k: int, label: str) -> str:
            if not 1 <= k <= pages or k == number:
                return f'<a disabled="disabled" style="margin-right:5px;">{label}</a>'
            return f"<a href=\"javascript:__doPostBack('ctl00$AspNetPager1','{k}')\">{label}</a>"

        begin = (number - 1) // 10 * 10 + 1
        numbers = "".join(
            f'<span style="font-weight:Bold;color:red;">{k}</span>'
            if k == number
            else click(k, str(k))
            for k in range(begin, min(begin + 9, pages) + 1)
        )
        return (
            f'<div id="ctl00_AspNetPager1">当前页：<font color="red"><b>{number}/{pages}</b></font>{click(1, "首页")}'
            f"{click(number - 1, '上一页')}{numbers}{click(number + 1, '下一页')}{click(pages, '尾页')}</div>"
            f'<input type="text" name="ctl00$AspNetPager1_input" value="{number}">'
        )

    def render(self, column: str, rows: list[Article], number: int, pages: int) -> str:
        hidden = {
            "__EVENTTARGET": "",
            "__EVENTARGUMENT": "",
            "__VIEWSTATE": self.state(column, number),
            "__VIEWSTATEGENERATOR": "3989C74E",
            "__EVENTVALIDATION": f"ok{number}",
        }
        fields = "".join(
            f'<input type="hidden" name="{k}" id="{k}" value="{v}" />' for k, v in hidden.items()
        )
        return page(
            "信息公开年报",
            f'<form name="aspnetForm" method="post" action="List.aspx?cid=8&amp;dept={column}" id="aspnetForm">{fields}'
            '<input name="ctl00$txtKey" type="text"><select name="ctl00$ddlYear"><option value="0">全部</option><option value="1">一</option></select>'
            '<input type="submit" name="ctl00$btnSearch" value="搜索">'
            f"{self.links}<table>{self.items(rows)}</table>{self.pager(number, pages)}</form>{FOOT}",
        )


@replica("postback-grid")
class Grid(PostBack):
    """A GridView: numbers and … for the following ten, and no word for the next page."""

    name = "安平区人民政府"
    size = 5

    def clicked(self, asked: Asked, column: str, pages: int) -> int | None:
        at = self.shown(asked, column)
        wanted = asked.form.get("__EVENTARGUMENT", "").removeprefix("Page$")
        if (
            at is None
            or asked.form.get("__EVENTTARGET") != "ctl00$GridView1"
            or not wanted.isdigit()
        ):
            return None
        return int(wanted) if abs(int(wanted) - at) <= 10 else None

    def pager(self, number: int, pages: int) -> str:
        begin = (number - 1) // 10 * 10 + 1

        def click(k: int, label: str) -> str:
            return f'<td><a href="javascript:__doPostBack(&#39;ctl00$GridView1&#39;,&#39;Page${k}&#39;)">{label}</a></td>'

        cells = [
            f"<td><span>{k}</span></td>" if k == number else click(k, str(k))
            for k in range(begin, min(begin + 9, pages) + 1)
        ]
        if begin > 1:
            cells.insert(0, click(begin - 1, "..."))
        if begin + 10 <= pages:
            cells.append(click(begin + 10, "..."))
        return f"<table><tr>{''.join(cells)}</tr></table>"


@replica("postback-button")
class Button(PostBack):
    """Link buttons without numbers: what is clicked is all that is sent."""

    name = "临安平市人民政府"
    size = 10

    def clicked(self, asked: Asked, column: str, pages: int) -> int | None:
        at = self.shown(asked, column)
        moves = {"ctl00$lbNext": 1, "ctl00$lbPrev": -1}
        target = asked.form.get("__EVENTTARGET", "")
        return at + moves[target] if at is not None and target in moves else None

    def pager(self, number: int, pages: int) -> str:
        def click(name: str, label: str, *, works: bool) -> str:
            if not works:
                return f'<a id="{name}" class="aspNetDisabled">{label}</a>'
            return (
                f"<a id=\"{name}\" href=\"javascript:__doPostBack('ctl00${name}','')\">{label}</a>"
            )

        return (
            f"共{pages}页 当前第{number}页 {click('lbPrev', '上一页', works=number > 1)}"
            f"{click('lbNext', '下一页', works=number < pages)}"
        )


@replica("aspnet-get")
class Get(PostBack):
    """The same kind of site that turns pages by its address."""

    name = "云安平县人民政府"

    def answer(self, asked: Asked) -> Answer | None:
        if asked.path != "/xxgk/List.aspx":
            return Site.answer(self, asked)
        column, number = asked.query.get("dept", ""), int(asked.query.get("page", "1"))
        rows = self.listed(column)
        if not rows:
            return None
        pages = -(-len(rows) // self.size)
        # Past the end it shows the last page again.
        number = min(number, pages)
        return Answer(
            self.render(column, rows[(number - 1) * self.size : number * self.size], number, pages)
        )

    def render(self, column: str, rows: list[Article], number: int, pages: int) -> str:
        def to(k: int, label: str) -> str:
            return f'<a href="List.aspx?cid=8&amp;dept={column}&amp;page={k}&amp;kw=">{label}</a>'

        pager = (
            to(max(1, number - 1), "上页")
            + to(min(number + 1, pages), "下页")
            + to(pages, f"{pages}")
        )
        return page(
            "信息公开年报",
            f"{self.links}<table>{self.items(rows)}</table><div class=pages>{pager}</div>{FOOT}",
        )
