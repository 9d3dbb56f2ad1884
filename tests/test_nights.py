"""What happens over several nights: budgets, columns that move, reports that go and come back."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.portals.replicas.base import Answer, Article, Asked, Replica, serving
from tests.portals.replicas.crawling import FAST, ROOT, crawl, sighted

REPORTS = 40


class Small(Replica):
    """A home page, a page on the way, a column of forty reports."""

    name = "岭南县人民政府"

    def build(self) -> None:
        for number in range(REPORTS):
            org, year = f"岭南县第{number % 8}局", 2016 + number // 8
            self.add(
                Article(
                    f"/gk/nb/t{year + 1}0120_{1000 + number}.html",
                    f"{org}{year}年政府信息公开工作年度报告",
                    f"{year + 1}-01-20",
                    org=org,
                    year=year,
                )
            )

    def column(self) -> str:
        return "/gk/nb/"

    def answer(self, asked: Asked) -> Answer | None:
        links = {
            "/": ("政务公开", "/gk/"),
            "/gk/": ("政府信息公开年报", self.column()),
        }
        if asked.path in links:
            words, href = links[asked.path]
            return Answer(f'<html><body><a href="{href}">{words}</a></body></html>')
        if asked.path == self.column():
            rows = "".join(
                f'<li><a href="{a.at(self.night)}">{a.title}</a><span>{a.date}</span></li>'
                for a in self.listed()
            )
            return Answer(f"<html><body><h1>政府信息公开年报</h1><ul>{rows}</ul></body></html>")
        return None


class Rebuilt(Small):
    """From the second night on its column stands elsewhere, and the old one is gone."""

    def column(self) -> str:
        return "/gk/nb/" if self.night == 1 else "/zfxxgk/nianbao/"


class Withdrawn(Small):
    """One report is away from the second night to the fourth."""

    def build(self) -> None:
        super().build()
        self.away = self.articles[0]

    def listed(self, column: str = "") -> list[Article]:
        return [a for a in super().listed(column) if a != self.away or not self.is_away()]

    def is_away(self) -> bool:
        return 2 <= self.night <= 4

    def _article(self, article: Article, target: str, asked: Asked) -> Answer:
        if article == self.away and self.is_away():
            return self.missing(asked)
        return super()._article(article, target, asked)


def night_by_night(
    replica: Replica, data: Path, nights: list[str], *settings: str
) -> list[dict[str, str]]:
    """The verdict of each report sighted, by address, night by night."""
    seen = []
    with serving({"small": replica}) as csv:
        registry = data / "portals.csv"
        registry.write_text(csv, encoding="utf-8")
        for replica.night, night in enumerate(nights, 1):
            done = crawl(data, registry, night, (*FAST, *settings))
            assert done.returncode in (0, 1), done.stderr[-3000:]
            assert "Traceback" not in done.stderr
            reports = sighted(data, night, {"small": replica})["small"].reports
            seen.append({url: str(line["verdict"]) for url, line in reports.items()})
    return seen


def test_what_does_not_fit_into_a_night_is_first_the_next(tmp_path: Path) -> None:
    replica = Small()
    nights = ["2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25"]
    seen = night_by_night(replica, tmp_path, nights, "-s", "GROUP_REQUESTS=20")
    for number in range(1, 5):
        hits = [hit for hit in replica.log if hit.night == number and hit.target != "/robots.txt"]
        assert len(hits) <= 20
    found: set[str] = set()
    for reports in seen[:3]:
        # Nothing is asked again while something has never been asked.
        assert not found & set(reports) or found | set(reports) == replica.truth()
        found |= set(reports)
    assert found == replica.truth()


def test_a_column_that_has_moved_is_found_the_same_night(tmp_path: Path) -> None:
    replica = Rebuilt()
    night_by_night(replica, tmp_path, ["2026-11-22", "2026-11-23"])
    asked = [hit.target for hit in replica.log if hit.night == 2]
    assert "/zfxxgk/nianbao/" in asked
    assert asked.index("/gk/nb/") < asked.index("/gk/") < asked.index("/zfxxgk/nianbao/")


def test_a_removal_takes_three_nights_and_a_report_may_come_back(tmp_path: Path) -> None:
    replica = Withdrawn()
    nights = [f"2026-11-{day}" for day in range(22, 27)]
    seen = night_by_night(replica, tmp_path, nights)
    away = replica.away.path
    assert [reports.get(away) for reports in seen] == ["ok", "gone", "gone", "gone", "ok"]
    subprocess.run(
        [sys.executable, "-m", "archive", "build", "--data", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    with sqlite3.connect(tmp_path / "nianbao.db") as db:
        statuses = dict(db.execute("select url, status from reports"))
    assert statuses.pop(replica.url + away) == "back"
    assert set(statuses.values()) == {"live"}


@pytest.mark.parametrize("outage", [503, 521, 200])
def test_an_outage_removes_nothing(tmp_path: Path, outage: int) -> None:
    class Down(Small):
        def _answer(self, asked: Asked) -> Answer:
            if self.night == 2 and asked.path != "/robots.txt":
                text = "<html><title>系统维护</title><body>系统维护中，请稍后访问</body></html>"
                return Answer(text, outage)
            return super()._answer(asked)

    replica = Down()
    nights = ["2027-02-08", "2027-02-09", "2027-02-10"]
    first, second, third = night_by_night(replica, tmp_path, nights, "-s", "RETRY_TIMES=0")
    assert set(first.values()) == set(third.values()) == {"ok"}
    assert set(first) == set(third) == replica.truth()
    assert not {"gone", "soft_404", "ok"} & set(second.values())
