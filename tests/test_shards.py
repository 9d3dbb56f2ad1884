"""Shards that work at the same time in one folder, against one crawl of the same portals."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from crawler.portals import Portal, load_portals
from crawler.shards import in_shard
from tests.portals.replicas.base import Replica
from tests.portals.replicas.site import OFFICES, Listing, Shown, Site, anchors, page
from tests.test_whole_path import (
    ask,
    build,
    crawl,
    crawl_command,
    strip_digests,
    what_was_found,
)

ROOT = Path(__file__).parents[1]
# In the season all is asked every night, so that the second night's events are found.
NIGHTS = ("2027-02-08", "2027-02-09")
SHARDS = 3
PLACES = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"


class Town(Site):
    """Forty reports in a column of two pages, and what happens to them."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.name = f"{PLACES[number]}溪县人民政府"
        self.division = f"4103{number + 1:02d}"

    def furnish(self) -> None:
        self.pages["/"] = page(self.name, '<a href="/zwgk/nb/">政府信息公开年报</a>')
        bodies = [self.name.replace("人民政府", office) for office in OFFICES[:10]]
        self.fill(
            "nb", bodies, range(2025, 2021, -1), lambda n, y: f"/zwgk/nb/{y + 1}/t{n}.html", likes=2
        )

        def address(k: int) -> str:
            return "/zwgk/nb/" if k == 1 else f"/zwgk/nb/index_{k}.html"

        def render(s: Shown) -> str:
            more = f'<a href="index_{s.number + 1}.html">下一页</a>' if s.number < s.pages else ""
            return page("政府信息公开年报", f"<ul>{anchors(s.rows, s.night)}</ul>{more}")

        self.lists.append(Listing("nb", 30, address, render))


@dataclass(frozen=True, slots=True)
class Crawled:
    """One folder that shards shared, one of an undivided crawl."""

    shared: Path
    whole: Path
    registry: Path
    asked: list[dict[str, int]]
    """Requests of each portal: by the shards, by the undivided crawl."""
    most_in_flight: dict[str, int]
    """Of each portal, while the shards worked."""


def registered(towns: dict[str, Replica]) -> str:
    return "id,name,division,level,home_url\n" + "".join(
        f"{key},{one.name},{one.division},{one.level},{one.url}/\n" for key, one in towns.items()
    )


def as_portal(key: str, url: str) -> Portal:
    return Portal(key, key, "410300", "county", f"{url}/")


def by_shards(data: Path, registry: Path, night: str) -> None:
    """All shards at once, each by the command a user types."""
    running = [
        subprocess.Popen(
            [*crawl_command(data, registry, night), "-a", f"shard={number}/{SHARDS}"],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(1, SHARDS + 1)
    ]
    for process in running:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said[-3_000:]


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    folder = tmp_path_factory.mktemp("shards")
    shared, whole, registry = folder / "shared", folder / "whole", folder / "portals.csv"
    towns: dict[str, Replica] = {}
    with ExitStack() as stack:
        # Ports are given at random, and with them the shares: until each shard has two portals.
        shares = [0] * SHARDS
        for number in range(len(PLACES)):
            if min(shares) >= 2:
                break
            town = Town(number)
            town.start()
            stack.callback(town.stop)
            key = f"town{number}"
            towns[key] = town
            for shard in range(SHARDS):
                shares[shard] += in_shard(as_portal(key, town.url), shard + 1, SHARDS)
        assert min(shares) >= 1
        registry.write_text(registered(towns), encoding="utf-8")
        asked, most = [], {}
        for data, run in ((shared, by_shards), (whole, crawl)):
            for one in towns.values():
                one.log.clear()
            for night_number, night in enumerate(NIGHTS, 1):
                for one in towns.values():
                    one.night = night_number
                run(data, registry, night)
            build(data)
            asked.append({key: len(one.log) for key, one in towns.items()})
            most = most or {key: one.most_in_flight for key, one in towns.items()}
        yield Crawled(shared, whole, registry, asked, most)


def rows_of(data: Path, table: str) -> list[str]:
    """What was found, in an order that does not tell who came first."""
    found = {name: [list(row) for row in rows] for name, rows in what_was_found(data).items()}
    digests = [row[4] for row in found["versions"]]
    found = strip_digests(found)
    found["digests"] = [[digest] for digest in digests]
    return sorted(json.dumps(row, ensure_ascii=False) for row in found[table])


@pytest.mark.parametrize(
    "table", ["reports", "versions", "digests", "figures", "changes", "sightings"]
)
def test_the_archive_is_that_of_one_crawl(crawled: Crawled, table: str) -> None:
    together, alone = rows_of(crawled.shared, table), rows_of(crawled.whole, table)
    assert together == alone
    assert together


def test_the_archive_holds_every_report_once(crawled: Crawled) -> None:
    portals = len(load_portals(crawled.registry))
    # Ten departments and four years; of the latest one arrives on the second night, none is lost.
    expected = portals * 40
    assert ask(crawled.shared, "select count(*) from reports") == [(expected,)]


def test_each_shard_has_its_own_memory_and_segments(crawled: Crawled) -> None:
    memories = {path.name for path in crawled.shared.glob("frontier*.db")}
    assert memories == {f"frontier-{number}-of-{SHARDS}.db" for number in (1, 2, 3)}
    assert {path.name for path in crawled.whole.glob("frontier*.db")} == {"frontier.db"}
    segments = list((crawled.shared / "warc").glob("*.warc.gz"))
    assert len(segments) >= SHARDS * len(NIGHTS)
    assert not list(crawled.shared.glob("**/*.open"))


def test_no_portal_is_asked_by_two_shards(crawled: Crawled) -> None:
    by_shards, alone = crawled.asked
    assert by_shards == alone
    assert set(crawled.most_in_flight.values()) == {1}


def test_a_fourth_shard_takes_from_the_three_and_gives_nothing() -> None:
    hosts = [f"http://www.x{number}.gov.cn/" for number in range(2_000)]
    hosts += [f"http://127.0.0.1:{port}/" for port in range(20_000, 20_400)]

    def share(url: str, count: int) -> int:
        portal = as_portal("p", url.rstrip("/"))
        (number,) = [shard for shard in range(1, count + 1) if in_shard(portal, shard, count)]
        return number

    moved: dict[tuple[int, int], int] = {}
    stayed = 0
    for url in hosts:
        three, four = share(url, 3), share(url, 4)
        if three == four:
            stayed += 1
        else:
            moved[three, four] = moved.get((three, four), 0) + 1
    # All that moves falls to the fourth, which has a fourth of all, from each of the three.
    assert set(moved) == {(1, 4), (2, 4), (3, 4)}
    assert 0.2 < sum(moved.values()) / len(hosts) < 0.3
    assert stayed == len(hosts) - sum(moved.values())
