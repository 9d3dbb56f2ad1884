"""Lists whose pages are told apart by a number: in calls, forms, selects, links, pieces of HTML."""

from __future__ import annotations

from collections.abc import Sequence

from tests.portals.replicas.base import Answer, Article, Asked, replica
from tests.portals.replicas.site import (
    FOOT,
    OFFICES,
    TOWNS,
    Listing,
    Shown,
    Site,
    anchors,
    cut,
    page,
    prose,
)


@replica("query")
class Query(Site):
    """One column, its parts of many makes: each turns pages in a way and under a name of its own."""

    name = "德阳江市人民政府"
    level = "prefecture"
    size = 7
    root = "/info/gk/"
    parts = (
        # part, file, name of the number, how the pager turns, what stands past the end
        ("a", "iList.jsp", "cur_page", "call", "repeat"),
        ("b", "list.jsp", "pageNo", "form", "empty"),
        ("c", "index.php", "page", "select", "first"),
        ("d", "list.do", "currentPage", "post", "repeat"),
        ("e", "xxlist.aspx", "pageIndex", "links", "gone"),
        ("f", "column.jsp", "current", "following", "repeat"),
        ("g", "nb.html", "p", "laypage", "repeat"),
        ("h", "search.jspx", "curPage", "go", "first"),
    )

    def furnish(self) -> None:
        bar = self.menu(("新闻", "/xw/"), ("政务公开", self.root))
        self.pages["/"] = page(self.name, bar + self.news(160) + FOOT)
        self.bodies = {part[0]: f"德阳江市{OFFICES[i]}" for i, part in enumerate(self.parts)}
        links = "".join(
            f'<li><a href="{part}/{file}?id={part}9&amp;node=GK{part}">{self.bodies[part]}</a></li>'
            for part, file, *_ in self.parts
        )
        self.pages[self.root] = page(
            "政务公开",
            f'{bar}<a href="zn.html">政府信息公开指南</a><a href="nb/">政府信息公开年报</a>{FOOT}',
        )
        self.pages[self.root + "zn.html"] = page("指南", prose("指南"))
        self.pages[self.root + "nb/"] = page("政府信息公开年报", f"{bar}<ul>{links}</ul>{FOOT}")
        for part, *_ in self.parts:
            self.fill(
                part,
                (self.bodies[part],),
                range(2025, 1993, -1),
                lambda number, year, part=part: f"/info/gk/{part}/{year + 1}/content_{number}.html",
                likes=1,
            )

    def answer(self, asked: Asked) -> Answer | None:
        for part, file, name, turns, past in self.parts:
            if asked.path != f"{self.root}nb/{part}/{file}":
                continue
            given = asked.form if turns == "post" and asked.method == "POST" else asked.query
            if given.get("id") != part + "9" or given.get("node") != "GK" + part:
                return None
            text = given.get(name, "1")
            return self.turned(part, int(text) if text.isdigit() else 1, past)
        return super().answer(asked)

    def turned(self, part: str, number: int, past: str) -> Answer | None:
        rows, pages = self.page_of(part, number, self.size)
        if number > pages:
            if past == "gone":
                return None
            number = {"repeat": pages, "first": 1}.get(past, number)
            rows, _ = self.page_of(part, number, self.size)
        _, file, name, turns, _ = next(one for one in self.parts if one[0] == part)
        items = anchors(rows, self.night, 20)
        pager = getattr(self, "_" + turns)(part, file, name, number, pages)
        return Answer(page(self.bodies[part], f"<ul>{items}</ul><div>{pager}</div>{FOOT}"))

    def _calls(self, number: int, pages: int, function: str) -> str:
        def call(k: int, label: str) -> str:
            return f'<a href="javascript:{function}({k});">{label}</a>'

        numbers = "".join(
            call(k, str(k)) for k in range(max(1, number - 1), min(pages, number + 1) + 1)
        )
        return (
            call(1, "首页") + numbers + call(min(number + 1, pages), "下一页") + call(pages, "尾页")
        )

    def _call(self, part: str, file: str, name: str, number: int, pages: int) -> str:
        return (
            f"<script>function search(){{ location.href='/s.jsp?page=1&q='+document.getElementById('q').value; }}\n"
            f"var node = 'GK{part}';\nfunction toPage(num) {{ if (num < 1) return; window.location.href = \"{file}?id={part}9\""
            f" + '&node=' + node + \"&{name}=\" + num; }}</script>{self._calls(number, pages, 'toPage')}"
        )

    def _form(self, part: str, file: str, name: str, number: int, pages: int) -> str:
        return (
            f'<form id="pf" name="pf" action="{file}" method="get"><input type="hidden" name="id" value="{part}9">'
            f'<input type="hidden" name="node" value="GK{part}"><input type="hidden" name="{name}" id="{name}" value="{number}"></form>'
            f"{self._calls(number, pages, 'gotoPage')}"
        )

    def _post(self, part: str, file: str, name: str, number: int, pages: int) -> str:
        return self._form(part, file, name, number, pages).replace('method="get"', 'METHOD="POST"')

    def _select(self, part: str, file: str, name: str, number: int, pages: int) -> str:
        options = "".join(
            f'<option value="{file}?id={part}9&amp;node=GK{part}&amp;{name}={k}"{" selected" if k == number else ""}>第{k}页</option>'
            for k in range(1, pages + 1)
        )
        return f'<select name="topage" onchange="location.href=this.value">{options}</select>'

    def _links(self, part: str, file: str, name: str, number: int, pages: int) -> str:
        def to(k: int, label: str) -> str:
            return f"<A HREF='?id={part}9&amp;node=GK{part}&amp;{name}={k}'>[{label}]</A>"

        return "".join(to(k, str(k)) for k in range(max(1, number - 2), min(pages, number + 2) + 1))

    def _following(self, part: str, file: str, name: str, number: int, pages: int) -> str:
        if number == pages:
            return "<a>下一页</a>"
        return f'<a href="{self.root}nb/{part}/{file}?{name}={number + 1}&id={part}9&node=GK{part}" class=n>下一页 &gt;</a>'

    def _laypage(self, part: str, file: str, name: str, number: int, pages: int) -> str:
        return (
            f'<div id="pg"></div><script>layui.laypage.render({{ elem: "pg", count: {len(self.listed(part))}, limit: {self.size},'
            f" pages: {pages}, curr: {number}, jump: function (obj, first) {{ if (!first) {{ location.href ="
            f" '?id={part}9&node=GK{part}&{name}=' + obj.curr; }} }} }});</script>"
        )

    def _go(self, part: str, file: str, name: str, number: int, pages: int) -> str:
        options = "".join(f"<option value={k}>{k}</option>" for k in range(1, pages + 1))
        return (
            f'<select id="jumpPage" onchange="jump(this.value)">{options}</select><script>function jump(p){{'
            f' self.location = "{file}?node=GK{part}&{name}=" + p + "&id={part}9"; }}</script>'
        )


@replica("page-n")
class PageN(Site):
    """page_N.html, list-N.html behind a list's own name, `pc/list.html`, rows without dates."""

    name = "宜安市人民政府"
    level = "prefecture"

    def furnish(self) -> None:
        bar = self.menu(("新闻", "/xw/"), ("政府信息公开", "/yasrmzf/zfxxgk/pc/list.html"))
        self.pages["/"] = page(self.name, bar + self.news(70) + FOOT)
        self.pages["/yasrmzf/zfxxgk/pc/list.html"] = page(
            "政府信息公开",
            f'{bar}<a href="/yasrmzf/c02514/pc/list.html">政府信息公开年报</a>{FOOT}',
        )
        kinds = {
            "/yasrmzf/c02514/": lambda k: (
                f"/yasrmzf/c02514/pc/list{'' if k == 1 else f'_{k}'}.html"
            ),
            "/yasrmzf/c02515/": lambda k: (
                f"/yasrmzf/c02515/pc/list.html{'' if k == 1 else f'?page={k}'}"
            ),
            "/yasrmzf/c02516/": lambda k: (
                f"/yasrmzf/c02516/pc/{'list' if k == 1 else f'page_{k}'}.html"
            ),
            "/yasrmzf/c02517/": lambda k: (
                f"/yasrmzf/c02517/pc/list{'' if k == 1 else f'-{k}'}.html"
            ),
        }
        side = "".join(
            f'<li><a href="{address(1)}">{label}</a></li>'
            for address, label in zip(
                kinds.values(), ("市政府", "市直部门", "县市区", "乡镇街道"), strict=True
            )
        )
        tiers: Sequence[Sequence[str]] = (
            (self.name,),
            OFFICES[:9],
            ("东宜县人民政府", "西宜县人民政府"),
            TOWNS[:8],
        )
        for (folder, address), bodies in zip(kinds.items(), tiers, strict=True):
            self.fill(
                folder,
                [body if body.endswith("政府") else f"宜安市{body}" for body in bodies],
                range(2025, 1995 if len(bodies) == 1 else 2019, -1),
                lambda number, year, folder=folder: (
                    f"{folder}pc/content/content_18457473785211{number:05d}.html"
                ),
                likes=2,
            )

            def render(shown: Shown, address=address) -> str:  # type: ignore[no-untyped-def]
                rows = "".join(self.row(a) for a in shown.rows)
                numbers = "".join(
                    f'<a href="{address(k)}" class="{"on" if k == shown.number else ""}">{k}</a>'
                    for k in range(max(1, shown.number - 1), min(shown.pages, shown.number + 1) + 1)
                )
                return page(
                    "政府信息公开年报", f"{bar}<ul>{side}</ul><ul>{rows}</ul>{numbers}{FOOT}"
                )

            self.lists.append(Listing(folder, 9, address, render, "empty"))

    def row(self, a: Article) -> str:
        return f'<li><a href="{a.at(self.night)}" title="{a.title}"><p>{cut(a.title, 24)}</p></a><i>{a.date[5:]}</i></li>'


@replica("blocks")
class Blocks(Site):
    """Columns are uuids; later pages are pieces of HTML that a script asks for."""

    name = "冀原市人民政府"
    level = "prefecture"
    column = "3a7b8c90-10f2-4e6c-9d11-7c91d82ccd55"
    block = "5d4c0e6a-77aa-4b2f-8a5e-0c2d3e4f5a6b"
    counted = False
    size = 10

    def furnish(self) -> None:
        bar = self.menu(
            ("新闻", "/xw/"),
            ("政府信息公开", "/columns/7b96ca20-882f-436c-9d13-000000000001/index.html"),
        )
        self.pages["/"] = page(self.name, bar + self.news(70) + FOOT)
        self.pages["/columns/7b96ca20-882f-436c-9d13-000000000001/index.html"] = page(
            "政府信息公开",
            f'{bar}<a href="/columns/{self.column}/index.html">政府信息公开年报</a>{FOOT}',
        )
        self.fill(
            "nb",
            [self.name, *(f"冀原市{name}" for name in OFFICES[:14])],
            range(2025, 2018, -1),
            lambda number, year: (
                f"/columns/{self.column}/{year + 1}01/26/{number:08x}-10f2-4e6c-9d11-7c91d82ccd55.html"
            ),
            likes=4,
        )

    @property
    def address(self) -> str:
        return f"/columns/{self.column}/templates/{self.column[::-1]}/blocks/{self.block}"

    def answer(self, asked: Asked) -> Answer | None:
        if asked.path == f"/columns/{self.column}/index.html":
            rows, pages = self.page_of("nb", 1, self.size)
            count = f"var pageTotal = {pages};" if self.counted else ""
            script = (
                f"{count} function turn(i) {{ jQuery.get('{self.address}?page=' + i + '&fix=0', function (html)"
                " { jQuery('#block').html(html); }); }"
            )
            return Answer(
                page(
                    "政府信息公开年报",
                    f"<div id=block>{self.items(rows)}</div><a onclick='turn(2)'>下一页</a><script>{script}</script>{FOOT}",
                )
            )
        if asked.path == self.address:
            number = int(asked.query["page"])
            rows, pages = self.page_of("nb", number, self.size)
            return Answer(self.items(rows) if number <= pages else "<div class=none>没有更多</div>")
        return super().answer(asked)

    def items(self, rows: list[Article]) -> str:
        return "".join(
            f'<li class="row"><p>{a.date[:4]}</p><p><a href="{a.at(self.night)}" title="{a.title}">{cut(a.title, 20)}</a></p><p>{a.date}</p></li>'
            for a in rows
        )


@replica("blocks-count")
class BlocksCount(Blocks):
    """The same, with the count of pages in the script."""

    name = "冀山县人民政府"
    counted = True
