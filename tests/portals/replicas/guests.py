"""Sites that test how a visitor behaves: rules, pauses, validators, and nights they are out.

All are of one plain column with paging; what differs is what stands around it.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from time import time

from tests.portals.replicas.base import Answer, Asked, replica
from tests.portals.replicas.site import FOOT, OFFICES, Listing, Shown, Site, anchors, page

TEXT = "text/plain; charset=utf-8"


class Plain(Site):
    """One column of reports, the newest first, in pages of twenty."""

    name = "甲溪县人民政府"
    bodies = 6
    years = range(2025, 2020, -1)
    size = 20
    lives = False
    robots: Answer | None = None
    likes = 2

    def furnish(self) -> None:
        menu = self.menu(("政府信息公开年报", "/zwgk/nb/"))
        self.pages["/"] = page(self.name, f"{menu}{FOOT}")
        place = self.name.removesuffix("人民政府")
        names = (self.name, *(f"{place}{office}" for office in OFFICES[: self.bodies - 1]))
        self.column("nb", "/zwgk/nb/", names)

    def column(self, column: str, where: str, names: tuple[str, ...]) -> None:
        self.fill(
            column,
            names,
            self.years,
            lambda n, y: f"{where}{y + 1}/t{y + 1}0120_{n}.html",
            likes=self.likes,
            attachments=lambda n: ((f"{where}P{n}.pdf", "年报.pdf"),) if n % 7 == 0 else (),
        )

        def address(k: int) -> str:
            return where if k == 1 else f"{where}index_{k}.html"

        def render(s: Shown) -> str:
            more = f'<a href="index_{s.number + 1}.html">下一页</a>' if s.number < s.pages else ""
            rows = anchors(s.rows, s.night, 24)
            return page("政府信息公开年报", f"<ul>{rows}</ul><div>{more}</div>{FOOT}")

        self.lists.append(Listing(column, self.size, address, render))

    def answer(self, asked: Asked) -> Answer | None:
        if asked.path == "/robots.txt":
            return self.robots
        return super().answer(asked)


# Rules.


@replica("rules-paths")
class ForbiddenPaths(Plain):
    """Its rules forbid some folders, and the column of one department with a dead end inside."""

    name = "乙溪县人民政府"
    robots = Answer(
        "User-agent: otherbot\nDisallow: /\n\nUser-agent: *\nDisallow: /admin/\nDisallow: /zwgk/gaj/\n"
        "Disallow: /*?print=\nDisallow: /zwgk/nb/*.pdf$\n",
        content_type=TEXT,
    )

    def furnish(self) -> None:
        super().furnish()
        self.column("gaj", "/zwgk/gaj/", ("乙溪县公安局",))
        self.pages["/"] = page(
            self.name,
            '<a href="/zwgk/nb/">政府信息公开年报</a><a href="/zwgk/gaj/">公安局政府信息公开年报</a>'
            '<a href="/admin/nb/">政府信息公开年报管理</a><a href="/zwgk/nb/?print=1">年报打印</a>',
        )

    def is_forbidden(self, target: str) -> bool:
        return (
            target.startswith(("/admin/", "/zwgk/gaj/"))
            or "?print=" in target
            or (target.startswith("/zwgk/nb/") and target.endswith(".pdf"))
        )

    def truth(self, night: int | None = None) -> set[str]:
        return {path for path in super().truth(night) if not self.is_forbidden(path)}

    def documents(self, night: int | None = None) -> set[str]:
        return {path for path in super().documents(night) if not self.is_forbidden(path)}


@replica("rules-delay")
class SlowPlease(Plain):
    """It wishes a second between requests."""

    name = "丙溪县人民政府"
    robots = Answer("User-agent: *\nCrawl-delay: 1\nDisallow: /admin/\n", content_type=TEXT)
    bodies, years = 2, range(2025, 2022, -1)


@replica("rules-error")
class Unreadable(Plain):
    """Its rules cannot be read: nothing may be asked."""

    name = "丁溪县人民政府"
    robots = Answer("User-agent: *\nAllow: /\n", 500, content_type=TEXT)

    def truth(self, night: int | None = None) -> set[str]:
        return set()

    def documents(self, night: int | None = None) -> set[str]:
        return set()


@replica("rules-none")
class NoRules(Plain):
    """A 404 with a text that looks like rules: there are none."""

    name = "戊溪县人民政府"
    robots = Answer("User-agent: *\nDisallow: /\n", 404, content_type=TEXT)


# Pauses.


class Tired(Plain):
    """Its third answer to a page on the first night asks for a pause, and so does a later one."""

    bodies, years = 3, range(2025, 2022, -1)
    status = 503
    pauses_at = (3, 6)

    def build(self) -> None:
        self.asked_for: list[tuple[float, str]] = []
        self._asked = 0
        super().build()

    def retry_after(self) -> str:
        return "2"

    def _answer(self, asked: Asked) -> Answer:
        if asked.path != "/robots.txt" and self.night == 1:
            self._asked += 1
            if self._asked in self.pauses_at:
                return Answer("busy", self.status, headers={"Retry-After": self.retry_after()})
        return super()._answer(asked)


@replica("pause-seconds")
class PauseInSeconds(Tired):
    name = "己溪县人民政府"


@replica("pause-date")
class PauseUntil(Tired):
    """Says when to come back, with 429."""

    name = "庚溪县人民政府"
    status = 429

    def retry_after(self) -> str:
        # Three seconds ahead of a whole second: two and more are left.
        return formatdate(int(time()) + 3, usegmt=True)


# Validators.


@replica("etags-honest")
class Honest(Plain):
    """Its ETags tell what has changed."""

    name = "辛溪县人民政府"
    etags = "honest"
    lives = True
    bodies = 12


@replica("etags-constant")
class Lying(Plain):
    """One ETag for every page on every night; its lists tell nothing of the edits."""

    name = "壬溪县人民政府"
    etags = "constant"
    bodies = 12

    def _life(self, address: Callable[[int, int], str], year: int) -> dict[str, object]:
        fate = next(self._numbers.fates)
        return {"edited": frozenset({int(fate[-1])})} if "edited" in fate else {}

    lives = True


# Nights out. No event befalls them: whatever the crawl calls gone or edited is wrong.


class Out(Plain):
    out_nights = frozenset({2})
    keeps_rules = False
    """Whether robots.txt is answered as ever."""

    def out(self, asked: Asked) -> Answer | None:
        if self.keeps_rules and asked.path == "/robots.txt":
            return None
        return self.excuse(asked)

    def excuse(self, asked: Asked) -> Answer:
        raise NotImplementedError


@replica("out-503")
class Overloaded(Out):
    name = "癸溪县人民政府"

    def excuse(self, asked: Asked) -> Answer:
        return Answer("<html><body>Service Unavailable</body></html>", 503)


@replica("out-503-pages")
class OverloadedPages(Overloaded):
    name = "子溪县人民政府"
    keeps_rules = True


@replica("out-silent")
class Silent(Out):
    """No answer comes before the visitor gives up."""

    name = "丑溪县人民政府"

    def excuse(self, asked: Asked) -> Answer:
        return Answer("", 0, seconds=14.0)


@replica("out-hangs-up")
class HangsUp(Out):
    name = "寅溪县人民政府"
    keeps_rules = True

    def excuse(self, asked: Asked) -> Answer:
        return Answer("", 0)


@replica("out-maintenance")
class Maintenance(Out):
    """Every address, robots.txt too, shows that the site is under repair, with 200."""

    name = "卯溪县人民政府"

    def excuse(self, asked: Asked) -> Answer:
        return Answer(
            "<html><head><title>系统维护</title></head><body><div><h2>系统维护公告</h2>"
            "<p>因系统升级改造，本网站将于今日22时至次日6时暂停服务，给您带来的不便敬请谅解。</p>"
            "</div></body></html>"
        )


@replica("out-challenge")
class Challenged(Out):
    """A wall in front of all pages: a script that sets a cookie and comes back, with 521."""

    name = "辰溪县人民政府"
    keeps_rules = True

    def excuse(self, asked: Asked) -> Answer:
        return Answer(
            "<script>document.cookie=('_')+('_')+('j')+('s')+('l')+('_clearance')+('=1|0|x');"
            "location.href=location.pathname+location.search</script>",
            521,
        )


@replica("out-challenge-200")
class ChallengedWith200(Out):
    """A wall that says 200, before robots.txt as well."""

    name = "巳溪县人民政府"

    def excuse(self, asked: Asked) -> Answer:
        return Answer(
            "<html><head><title>安全验证</title></head><body><p>您的访问过于频繁，请完成安全验证后继续访问</p>"
            "<div id='slider'></div></body></html>"
        )


@replica("out-empty")
class Empty(Out):
    """Two hundred, and nothing."""

    name = "午溪县人民政府"
    keeps_rules = True

    def excuse(self, asked: Asked) -> Answer:
        return Answer("")


@replica("out-home")
class AllToHome(Out):
    """Every page sends to a home page that has nothing but a notice."""

    name = "未溪县人民政府"
    keeps_rules = True

    def excuse(self, asked: Asked) -> Answer:
        if asked.path == "/":
            return Answer(
                "<html><head><title>网站升级</title></head><body>网站升级中，请稍后访问。</body></html>"
            )
        return Answer("", 302, headers={"Location": "/"})


@replica("out-404")
class AllNotFound(Out):
    """An empty server stands in for the site: 404 for everything, its home page too."""

    name = "申溪县人民政府"

    def excuse(self, asked: Asked) -> Answer:
        return Answer("<html><body><h1>Not Found</h1></body></html>", 404)
