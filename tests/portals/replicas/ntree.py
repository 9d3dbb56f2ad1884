"""Sites of n-directories: index.html shows the newest rows, older ones stand in numbered pieces."""

from __future__ import annotations

from tests.portals.replicas.base import Answer, Article, Asked, replica
from tests.portals.replicas.site import FOOT, OFFICES, TOWNS, Site, page, prose


@replica("ntree")
class NTree(Site):
    """How many pieces there are stands in a file of scripts: they must be tried."""

    name = "德川市人民政府"
    level = "prefecture"
    root = "/n4407/n4590"
    size = 9

    def furnish(self) -> None:
        bar = self.menu(("新闻", "/xw/"), ("政府信息公开", f"{self.root}/index.html"))
        self.pages["/"] = page(self.name, bar + self.news(130) + FOOT)
        bodies = [self.name, *(f"德川市{name}" for name in (*OFFICES[:13], *TOWNS[:6]))]
        self.columns = {f"{self.root}/n5{100 + i}": 7700 + 13 * i for i in range(len(bodies))}
        side = "".join(
            f'<li><a href="../n5{100 + i}/index.html">{body}</a></li>'
            for i, body in enumerate(bodies)
        )
        self.side = f"<ul>{side}</ul>"
        self.pages[f"{self.root}/index.html"] = page(
            "政府信息公开",
            f'{bar}<a href="n4999/index.html">政府信息公开指南</a><a href="n5000/index.html">政府信息公开年报</a>{FOOT}',
        )
        self.pages[f"{self.root}/n4999/index.html"] = page("指南", prose("指南"))
        # The column itself is split by bodies.
        split = "".join(
            f'<li><a href="n5{100 + i}/index.html">{body}</a></li>' for i, body in enumerate(bodies)
        )
        self.pages[f"{self.root}/n5000/index.html"] = page(
            "政府信息公开年报", f"{bar}<ul>{split}</ul>{FOOT}"
        )
        for i, (body, folder) in enumerate(zip(bodies, list(self.columns), strict=True)):
            moved = f"{self.root}/n5000/n5{100 + i}"
            self.columns[moved] = self.columns.pop(folder)
            self.fill(
                moved,
                (body,),
                range(2025, 1996, -1) if i == 0 else range(2025, 2014 + i % 4, -1),
                lambda number, year, moved=moved: f"{moved}/c{60000000 + number}/content.html",
                likes=2,
            )

    def answer(self, asked: Asked) -> Answer | None:
        folder, _, file = asked.path.rpartition("/")
        component = self.columns.get(folder)
        if component is None:
            return super().answer(asked)
        rows = self.listed(folder)
        pages = max(1, -(-len(rows) // self.size))
        if file in ("", "index.html"):
            return Answer(self.first(folder, component, rows[: self.size], pages))
        piece = file.removeprefix(f"index_{component}_").removesuffix(".html")
        if piece.isdigit() and 1 <= int(piece) < pages:
            begin = (pages - int(piece)) * self.size
            return Answer(self.items(folder, rows[begin : begin + self.size]))
        return None

    def items(self, folder: str, rows: list[Article]) -> str:
        return "".join(
            f"\n<LI>\n<A HREF='{a.at(self.night)}' target=_blank title='{a.title}'>\n{a.title[:18]}...</A><SPAN>[{a.date}]</SPAN></LI>"
            for a in rows
        )

    def first(self, folder: str, component: int, rows: list[Article], pages: int) -> str:
        script = (
            f'var purl="{folder}/index_{component}";\nvar org=jQuery("#comp_{component}").html();\nfunction goPub(u)'
            f'{{ jQuery("#comp_{component}").load(u, writePaging); }}\nvar maxPageNum=0;{self.counts(component, pages)}'
        )
        return page(
            "政府信息公开年报",
            f"<div><ul><span id='comp_{component}'>{self.items(folder, rows)}</span></ul></div>"
            f"<td id='pag_{component}'><script>{script}</script></td>{FOOT}",
        )

    def counts(self, component: int, pages: int) -> str:
        return ""


@replica("ntree-count")
class NTreeCount(NTree):
    """The count stands in the page, as an assignment and a cookie."""

    name = "德山区人民政府"
    root = "/n77/n88"

    def counts(self, component: int, pages: int) -> str:
        return f'\ndocument.cookie="maxPageNum{component}={pages}"; maxPageNum = {pages};'
