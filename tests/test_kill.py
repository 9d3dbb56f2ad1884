"""kill -9 at a hundred random moments of a crawl, and the same command again each time.

A moment is told by how many requests the server has seen, so that a slow machine is killed as well.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest

from archive.warc import Damage, read_segment
from tests.portals.replicas.crawling import Seen, sighted
from tests.portals.replicas.site import OFFICES, TOWNS, Listing, Shown, Site, anchors, page
from tests.test_whole_path import ask, build, crawl, crawl_command

KILLS = 100
NIGHT = "2026-11-22"
# Requests from a start to its kill: with the robots.txt of each start, a hundred of them are a few
# more than the crawl needs, so that some starts find little left.
LONGEST_RUN = 20
ROWS = 50


class Thousand(Site):
    """A thousand reports in one column of twenty pages."""

    name = "千山县人民政府"
    lives = False

    def furnish(self) -> None:
        self.pages["/"] = page(self.name, '<a href="/zwgk/nb/">政府信息公开年报</a>')
        bodies = [f"千山县{name}" for name in (*OFFICES, *TOWNS)][:50]
        self.fill(
            "nb",
            bodies,
            range(2025, 2005, -1),
            lambda n, y: f"/zwgk/nb/{y + 1}/t{n}.html",
            likes=0,
            attachments=lambda n: ((f"/files/{n}.pdf", "年报.pdf"),) if n % 20 == 0 else (),
        )

        def address(k: int) -> str:
            return "/zwgk/nb/" if k == 1 else f"/zwgk/nb/index_{k}.html"

        def render(s: Shown) -> str:
            more = f'<a href="index_{s.number + 1}.html">下一页</a>' if s.number < s.pages else ""
            return page("政府信息公开年报", f"<ul>{anchors(s.rows, s.night)}</ul>{more}")

        self.lists.append(Listing("nb", ROWS, address, render))


@dataclass(frozen=True, slots=True)
class Killed:
    """What a crawl that was killed again and again has left."""

    data: Path
    portal: Thousand
    kills: int
    alive_after: int
    """Starts that were killed while pages were being asked, and not before robots.txt."""
    seen: Seen


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    data, dice = tmp_path_factory.mktemp("killed"), random.Random(100)
    portal = Thousand()
    portal.start()
    try:
        registry = data / "portals.csv"
        registry.write_text(
            f"id,name,division,level,home_url\np,{portal.name},410000,county,{portal.url}/\n",
            encoding="utf-8",
        )
        kills = amid = 0
        for _ in range(KILLS):
            before = len(portal.log)
            moment = before + dice.randrange(1, LONGEST_RUN)
            process = subprocess.Popen(
                crawl_command(data, registry, NIGHT),
                cwd=Path(__file__).parents[1],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            while process.poll() is None and len(portal.log) < moment:
                time.sleep(0.001)
            # Anywhere in what is done with an answer, not only where the next request is sent.
            time.sleep(dice.uniform(0, 0.012))
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
                amid += len(portal.log) > before + 1
            process.wait()
        crawl(data, registry, NIGHT)
        seen = sighted(data, NIGHT, {"p": portal})["p"]
        yield Killed(data, portal, kills, amid, seen)
    finally:
        portal.stop()


def test_it_was_killed_a_hundred_times(killed: Killed) -> None:
    assert killed.kills == KILLS
    assert killed.alive_after >= 0.8 * KILLS


def test_nothing_is_lost(killed: Killed) -> None:
    truth = killed.portal.truth()
    assert len(truth) == 1_000
    assert killed.seen.with_verdict("ok") == truth
    assert set(killed.seen.reports) == truth
    assert set(killed.seen.attachments) == killed.portal.documents()
    assert killed.seen.state == "ok"


def test_every_answer_that_is_spoken_of_is_kept_whole(killed: Killed) -> None:
    assert not list(killed.data.glob("**/*.open"))
    kept, damaged = set(), []
    for segment in sorted((killed.data / "warc").glob("*.warc.gz")):
        for record in read_segment(segment):
            if isinstance(record, Damage):
                damaged.append(record)
            else:
                kept.add((record.url, record.digest))
    assert damaged == []
    for line in (*killed.seen.reports.values(), *killed.seen.attachments.values()):
        assert (line["url"], line["digest"]) in kept


def test_no_more_is_asked_again_than_was_on_its_way(killed: Killed) -> None:
    asked = Counter(hit.target for hit in killed.portal.log if hit.target != "/robots.txt")
    # Of each kill: what was being asked, and what was answered and not yet written down.
    assert sum(count - 1 for count in asked.values()) <= 2 * KILLS
    assert killed.portal.most_in_flight <= 2  # the answer to a dead crawl, and the next one's first


def test_nothing_is_doubled_in_the_archive(killed: Killed) -> None:
    data, portal = killed.data, killed.portal
    build(data)
    assert ask(data, "select count(*), count(distinct url) from reports") == [(1_000, 1_000)]
    urls = {
        unquote(url.removeprefix(portal.url)) for (url,) in ask(data, "select url from reports")
    }
    assert urls == portal.truth()
    assert ask(data, "select count(*), count(distinct report_id) from versions") == [(1_000, 1_000)]
    assert ask(data, "select count(*) from figures") == [(1_000,)]
    assert ask(data, "select count(*) from changes") == [(0,)]
    assert ask(data, "select status, count(*) from reports group by 1") == [("live", 1_000)]
    # An answer stands there as often as the server gave it, or less.
    answered = Counter(portal.url + hit.target for hit in portal.log)
    for url, count in ask(data, "select url, count(*) from captures group by url"):
        assert count <= answered[url], url
