"""A replica built from plain pages and lists: what most portals are, whatever wrote their pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import count, cycle
from typing import Any
from urllib.parse import unquote

from tests.portals.replicas.base import (
    COUNTER,
    Answer,
    Article,
    Asked,
    Replica,
    lookalikes,
    redirect,
)

LATEST = 2025
OFFICES = (
    "发展和改革委员会", "教育局", "科学技术局", "工业和信息化局", "公安局", "民政局", "司法局", "财政局",
    "人力资源和社会保障局", "自然资源局", "生态环境局", "住房和城乡建设局", "交通运输局", "水务局", "农业农村局",
    "商务局", "文化广电旅游体育局", "卫生健康局", "退役军人事务局", "应急管理局", "审计局", "市场监督管理局",
    "统计局", "医疗保障局", "城市管理局", "金融工作局", "信访局", "政务服务数据管理局", "林业局", "气象局",
    "税务局", "邮政管理局", "国有资产监督管理委员会", "乡村振兴局", "机关事务管理局", "海洋综合执法局",
    "供销合作社", "档案局", "投资促进局", "港口管理局",
)  # fmt: skip
TOWNS = tuple(
    name + kind
    for name in ("白水", "红岩", "双河", "三江", "新桥", "大坪", "龙潭", "石板", "永兴", "太和")
    for kind in ("镇人民政府", "乡人民政府", "街道办事处")
)
TITLES = (
    "{org}{year}年政府信息公开工作年度报告",
    "{org}{year}年度政府信息公开工作年度报告",
    "{year}年{org}政府信息公开工作年度报告",
    "关于{org}{year}年度政府信息公开工作情况的报告",
    "{org}{year}年政府信息公开年度报告",
)
FOOT = (
    "<div class=foot>主办：人民政府办公室 承办：政务服务中心 备案号：某ICP备00000000号 网站标识码：0000000000 地址：人民路一号"
    " 联系电话：0000-1234567 版权所有 未经许可不得转载 <a href='/about.html'>关于我们</a> <a href='/contact.html'>联系我们</a>"
    " <a href='https://www.gov.cn/'>中国政府网</a> <a href='http://xxgk.elsewhere.gov.cn/nb/'>政府信息公开年报</a></div>"
)
# What becomes of the reports of the latest year, in turn.
FATES = ("stays", "edited 2", "stays", "arrives 2", "stays", "removed 2", "edited 3", "moves 2")

Content = str | Answer
Render = Callable[["Shown"], Content]


def page(title: str, body: str, head: str = "") -> str:
    """A whole page."""
    return f"<html><head><title>{title}</title>{head}</head><body>{body}</body></html>"


def prose(subject: str) -> str:
    """Text about nothing."""
    return f"<p>{subject}。{'本栏目介绍有关工作安排，供公众参考，内容随时更新。' * 14}</p>"


def anchors(rows: Sequence[Article], night: int, width: int = 0) -> str:
    """Rows as most lists have them: link with the whole title, cut text, date behind."""
    return "".join(
        f'<li><a href="{a.at(night)}" title="{a.title}">{cut(a.title, width)}</a><span>{a.date}</span></li>'
        for a in rows
    )


def cut(title: str, width: int) -> str:
    """A title as lists cut it."""
    return title if not width or len(title) <= width else title[:width] + "..."


@dataclass(frozen=True, slots=True)
class Shown:
    """One page of a list: its rows, its number from 1, and of how many."""

    rows: Sequence[Article]
    number: int
    pages: int
    night: int
    total: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A paged list: page k stands at `address(k)`; past the end it does what `past` says."""

    column: str
    size: int
    address: Callable[[int], str]
    render: Render
    past: str = "gone"
    """gone, stub (a page that refreshes to ./), repeat (the last page), first, empty, home."""
    also: tuple[str, ...] = ()
    """Further addresses of the first page."""
    beyond: int = 3
    """How many addresses behind the last are answered as `past` says."""


@dataclass
class _Numbers:
    """Numbers for addresses, and fates for reports."""

    ids: Iterator[int] = field(default_factory=lambda: count(3001))
    fates: Iterator[str] = field(default_factory=lambda: cycle(FATES))


class Site(Replica):
    """Subclasses fill `pages` and `lists` in `furnish`."""

    lives = True
    """Whether the nights bring events."""

    def build(self) -> None:
        self.pages: dict[str, Content | Callable[[Asked], Content]] = {}
        self.lists: list[Listing] = []
        self._numbers = _Numbers()
        self.pages["/about.html"] = page("关于我们", prose("关于我们"))
        self.pages["/contact.html"] = page("联系我们", prose("联系我们"))
        self.furnish()

    def furnish(self) -> None:
        raise NotImplementedError

    # Articles.

    def fill(
        self,
        column: str,
        bodies: Sequence[str],
        years: Sequence[int],
        address: Callable[[int, int], str],
        *,
        likes: int = 2,
        **more: Any,
    ) -> list[Article]:
        """A report of each body and year, `address(number, year)`, and look-alikes among them."""
        made: list[Article] = []
        for year in years:
            for body in bodies:
                number = next(self._numbers.ids)
                life = self._life(address, year) if year == LATEST and self.lives else {}
                # What 关于 stands before an 审计局 is no title of ours in the recogniser's eyes.
                styles = TITLES[:3] if re.search("审计|信访", body) else TITLES
                title = styles[number % len(styles)].format(org=body, year=year)
                made.append(
                    self.add(
                        Article(
                            *(
                                address(number, year),
                                title,
                                _date(year, number),
                                column,
                                body,
                                year,
                            ),
                            **life,
                            **{name: value(number) for name, value in more.items()},
                        )
                    )
                )
            for title in lookalikes(bodies[0], year)[:likes]:
                self.other(column, title, address, year)
        return made

    def other(
        self, column: str, title: str, address: Callable[[int, int], str], year: int
    ) -> Article:
        """An article that is no report."""
        number = next(self._numbers.ids)
        where = address(number, year)
        return self.add(
            Article(where, title, _date(year, number), column, "", year, is_report=False)
        )

    def _life(self, address: Callable[[int, int], str], year: int) -> dict[str, Any]:
        match next(self._numbers.fates).split():
            case ["edited", night]:
                return {"edited": frozenset({int(night)})}
            case ["arrives", night]:
                return {"first": int(night)}
            case ["removed", night]:
                return {"last": int(night) - 1}
            case ["moves", night]:
                return {"moved": (int(night), address(next(self._numbers.ids), year), True)}
        return {}

    # Answers.

    def answer(self, asked: Asked) -> Answer | None:
        target = unquote(asked.target)
        for listing in self.lists:
            if (given := self._listing(listing, target)) is not None:
                return given
        found = self.pages.get(target) or self.pages.get(asked.path)
        if callable(found):
            found = found(asked)
        return self.sent(found) if isinstance(found, str) else found

    def sent(self, text: str) -> Answer:
        """How the site sends a page."""
        return Answer(text)

    def article_answer(self, article: Article, text: str) -> Answer:
        return self.sent(text)

    def _listing(self, listing: Listing, target: str) -> Answer | None:
        rows = self.listed(listing.column)
        pages = max(1, -(-len(rows) // listing.size))
        addresses = {listing.address(k): k for k in range(pages + listing.beyond, 0, -1)}
        addresses |= dict.fromkeys(listing.also, 1)
        number = addresses.get(target)
        if number is None:
            return None
        if number > pages:
            match listing.past:
                case "gone":
                    return None
                case "stub":
                    return Answer(
                        '<html><head><meta http-equiv="refresh" content="0; url=./"></head></html>'
                    )
                case "home":
                    return redirect("/")
                case "to first":
                    return redirect(listing.address(1))
                case "repeat":
                    number = pages
                case "first":
                    number = 1
        part = rows[(number - 1) * listing.size : number * listing.size]
        given = listing.render(Shown(part, number, pages, self.night, len(rows)))
        return self.sent(given) if isinstance(given, str) else given

    # Furniture.

    def news(self, number: int = 200, folder: str = "/xw/") -> str:
        """Recent news, and an endless archive of them that nobody needs to read."""
        for k in (1, 2, 3):
            self.pages[f"{folder}list_{k}.html"] = self._archive(folder, k)
        self.pages[folder] = self._archive(folder, 1)
        items = "".join(
            f'<li><a href="{folder}202609/t202609{i % 28 + 1:02d}_{9000 + i}.html">要闻第{i}号：经济运行平稳</a>'
            f"<span>09-{i % 28 + 1:02d}</span></li>"
            for i in range(number)
        )
        return f'<div class="news"><h3>要闻</h3><a class=more href="{folder}">更多</a><ul>{items}</ul></div>'

    def _archive(self, folder: str, k: int) -> str:
        items = "".join(
            f'<li><a href="{folder}202608/t20260801_{k * 20 + i}.html">旧闻{k * 20 + i}</a>2026-08-01</li>'
            for i in range(20)
        )
        return page("要闻", f'<ul>{items}</ul><a href="{folder}list_{k + 1}.html">下一页</a>')

    def menu(self, *links: tuple[str, str]) -> str:
        """A site's bar with its search box and calendar; a visitor counter."""
        items = "".join(f'<li><a href="{href}">{escape(text)}</a></li>' for text, href in links)
        days = "".join(f'<a href="/rili/2026-11-{d:02d}.html">{d}</a>' for d in range(1, 31))
        return (
            f'<ul class="nav"><li><a href="/">首页</a></li>{items}<li><a href="/hdjl/">互动交流</a></li></ul>'
            f'<form action="/search"><input name=q><a href="/search?q=政府信息公开年报">年报</a></form>'
            f'<div class=cal><a href="/rili/2026-12.html">下月</a>{days}</div><i>您是第{COUNTER}位访客</i>'
        )


def _date(year: int, number: int) -> str:
    return f"{year + 1}-{number % 3 + 1:02d}-{number % 28 + 1:02d}"
