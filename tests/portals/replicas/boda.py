"""Boda: static pages that count down, documents in the list, columns that are articles themselves."""

from __future__ import annotations

from tests.portals.replicas.base import Answer, Article, Asked, replica
from tests.portals.replicas.site import (
    FOOT,
    LATEST,
    OFFICES,
    TOWNS,
    Listing,
    Shown,
    Site,
    cut,
    page,
    prose,
)

NOT_HERE = page("提示信息", "对不起，您访问的页面不存在或已删除！")


class Boda(Site):
    """The later pages of nb.htm stand in nb/, the second with the highest number."""

    def missing(self, asked: Asked) -> Answer:
        return Answer(NOT_HERE)

    def detail(self, article: Article, body: str) -> str:
        files = "".join(
            f'<li>附件【<a href="{path}" target="_blank">{name}</a>】已下载<span>3</span>次</li>'
            for path, name in article.attachments
        )
        return page(
            f"{article.title}-{self.name}",
            f'<form name="_newscontent_fromname"><h1 align=center>{article.title}</h1><p>{article.date} 点击:[<span>9</span>]</p>'
            f'<div id="vsb_content"><div class="v_news_content">{body}</div></div><ul>{files}</ul></form>',
        )

    def countdown(self, column: str, where: str, size: int, numbered: bool) -> None:
        """The list `where`.htm of a column, with page numbers or 下页 and 尾页 alone."""

        def render(shown: Shown) -> str:
            later = shown.number > 1
            name = where.rpartition("/")[2]

            def to(k: int) -> str:
                if k == 1:
                    return f"../{name}.htm" if later else f"{name}.htm"
                return f"{'' if later else name + '/'}{shown.pages - k + 1}.htm"

            rows = "".join(
                f'<li id="line_u8_{i}"><span>{a.date[:4]}年{a.date[5:7]}月{a.date[8:]}日</span> '
                f'<a href="{self.here(a, shown.night)}" target=_blank>{cut(a.title, 26)}</a></li>'
                for i, a in enumerate(shown.rows)
            )
            links = ""
            if numbered:
                links = "".join(
                    f'<span class="p_no"><a href="{to(k)}">{k}</a></span>'
                    for k in range(2, shown.pages + 1)
                    if abs(k - shown.number) < 3
                )
            if shown.number < shown.pages:
                links += (
                    f'<span class="p_next p_fun"><a href="{to(shown.number + 1)}">下页</a></span>'
                )
                links += f'<span class="p_last p_fun"><a href="{to(shown.pages)}">尾页</a></span>'
            return page(
                f"列表-{self.name}",
                f'<ul>{rows}</ul><div class="pb_sys_common"><span class="p_t">共{shown.total}条</span>{links}</div>{FOOT}',
            )

        def address(k: int) -> str:
            pages = max(1, -(-len(self.listed(column)) // size))
            if k == 1:
                return f"{where}.htm"
            # Behind the first page stands number 1; lower ones are none.
            return f"{where}/{pages - k + 1}.htm"

        self.lists.append(Listing(column, size, address, render, beyond=0))

    def here(self, article: Article, night: int) -> str:
        return article.at(night)


@replica("boda")
class Documents(Boda):
    """Rows that are documents, addresses with session parts, http beside https, soft 404."""

    name = "雁门县人民政府"

    def furnish(self) -> None:
        self.pages["/robots.txt"] = page("提示", "对不起，您访问的页面不存在")
        bar = '<a href="/index.htm">首页</a><a href="zwgk.htm">政务公开</a><a href="xwdt.htm">新闻动态</a>'
        self.pages["/"] = self.pages["/index.htm"] = page(self.name, bar + self.news(120) + FOOT)
        self.pages["/xwdt.htm"] = page(
            "新闻动态", '<a href="xwdt/88.htm">2</a><a href="xwdt/88.htm">下页</a>'
        )
        self.pages["/zwgk.htm"] = page(
            "政务公开",
            '<a href="zfxxgk/zfxxgkzn.htm">政府信息公开指南</a><a href="zfxxgk/zfxxgknb.htm">政府信息公开年报</a>'
            '<a href="zfxxgk/bmnb.htm">部门年报</a>',
        )
        self.pages["/zfxxgk/zfxxgkzn.htm"] = page("指南", prose("指南"))

        def address(number: int, year: int) -> str:
            return f"/info/1517/{number}.htm"

        for title_of, bodies in (
            ("zf", ("雁门县人民政府", "雁门县公安局")),
            ("bm", [f"雁门县{n}" for n in OFFICES[5:19]]),
        ):
            self.fill(
                *(title_of, bodies, range(2025, 2008 if title_of == "zf" else 2015, -1), address),
                attachments=lambda n: (
                    (
                        (
                            f"/system/_content/download.jsp?urltype=news.DownloadAttachUrl&owner=1&wbfileid={n}",
                            "附表.docx",
                        ),
                    )
                    if n % 3
                    else ()
                ),
            )
        for number, suffix in enumerate(("pdf", "doc", "pdf"), 1):
            year = 2008 - number
            self.add(
                Article(
                    f"/__local/F/EE/{number}/雁门县人民政府{year}年政府信息公开年度报告.{suffix}",
                    f"雁门县人民政府{year}年政府信息公开年度报告",
                    f"{year + 1}-03-0{number}",
                    "zf",
                    "雁门县人民政府",
                    year,
                )
            )
        self.countdown("zf", "/zfxxgk/zfxxgknb", 8, numbered=False)
        self.countdown("bm", "/zfxxgk/bmnb", 15, numbered=True)

    def here(self, article: Article, night: int) -> str:
        host = self.url.split("//")[1]
        session = ";jsessionid=AB12" if article.path.endswith("3.htm") else ""
        return f"http://{host}{article.at(night)}{session}"

    def article_answer(self, article: Article, text: str) -> Answer:
        if article.path.endswith(".pdf"):
            return Answer(
                data=b"%PDF-1.4\n" + article.title.encode() + b"\n%%EOF",
                content_type="application/pdf",
            )
        if article.path.endswith(".doc"):
            return Answer(
                data=b"\xd0\xcf\x11\xe0" + article.title.encode() * 9,
                content_type="application/msword",
            )
        return Answer(text)


@replica("boda-articles")
class Columns(Boda):
    """No list at all: a column a year, below it a column a body, and that page is the report."""

    name = "洪丰县人民政府"
    level = "county"

    def furnish(self) -> None:
        bar = '<a href="/index.htm">首页</a><a href="/xwdt.htm">新闻</a><a href="/zfxxgk.htm">政府信息公开</a>'
        self.pages["/"] = self.pages["/index.htm"] = page(self.name, bar + self.news(30) + FOOT)
        names = {
            "zfxxgkzn": "政府信息公开指南",
            "zfxxgkzd": "政府信息公开制度",
            "fdzdgknr": "法定主动公开内容",
        }
        tabs = "".join(
            f'<li><a href="/zfxxgk/{file}.htm">{name}</a></li>' for file, name in names.items()
        )
        tabs = f'<ul class="tab">{tabs}<li><a href="/zfxxgk/zfxxgknb.htm">政府信息公开年报</a></li></ul>'
        for file, name in (("zfxxgkzn", "指南"), ("zfxxgkzd", "制度"), ("fdzdgknr", "法定")):
            self.pages[f"/zfxxgk/{file}.htm"] = page(name, tabs + prose(name))
        self.pages["/zfxxgk.htm"] = page("政府信息公开", tabs + prose("平台"))
        years = range(LATEST, LATEST - 5, -1)
        tree = "".join(
            f'<li><a href="/zfxxgk/zfxxgknb/n{year}n.htm">{year}年</a></li>' for year in years
        )
        self.pages["/zfxxgk/zfxxgknb.htm"] = page(
            "政府信息公开年报", f"{tabs}<ul class=menu>{tree}</ul>{FOOT}"
        )
        tiers = {"xz": ("乡镇", TOWNS[:10]), "bm": ("县级部门", OFFICES[:14])}
        for year in years:
            base = f"/zfxxgk/zfxxgknb/n{year}n"
            links = "".join(
                f'<li><a href="n{year}n/{tier}.htm">{label}</a></li>'
                for tier, (label, _) in tiers.items()
            )
            self.pages[f"{base}.htm"] = page(f"{year}年", f"{tabs}<ul class=menu>{links}</ul>")
            for tier, (label, bodies) in tiers.items():
                self._bodies(base, tier, label, bodies, year, tabs)

    def _bodies(
        self, base: str, tier: str, label: str, bodies: tuple[str, ...], year: int, tabs: str
    ) -> None:
        made = self.fill(
            f"{base}/{tier}",
            bodies,
            (year,),
            lambda number, year: f"{base}/{tier}/z{number}.htm",
            likes=0,
        )

        def shown(asked: Asked) -> str:
            links = "".join(
                f'<li><a href="{a.at(self.night)[len(base) + 1 :]}">{a.org.removesuffix("人民政府")}</a></li>'
                for a in made
                if a.stands(self.night)
            )
            return page(label, f"{tabs}<ul class=menu>{links}</ul>")

        self.pages[f"{base}/{tier}.htm"] = shown

    def detail(self, article: Article, body: str) -> str:
        return page(
            f"{article.title}-{self.name}",
            f'<ul class="tab"><li><a href="/zfxxgk/zfxxgknb.htm">政府信息公开年报</a></li></ul><h2>{article.title}</h2>'
            f'<p>{article.date} (点击: 3)</p><div class="v_news_content">{body}</div>',
        )
