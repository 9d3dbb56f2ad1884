"""All replica portals crawled together, night after night, by the command a user types.

What is asserted of a night is worked out by the replicas themselves: from their truth, their events
and the log of what they were asked.
"""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from pathlib import Path
from urllib.parse import unquote

import pytest

from crawler.page import is_file
from tests.portals.replicas.base import Article, Hit, Replica, serving
from tests.portals.replicas.crawling import Seen, all_replicas, events, paths, sighted
from tests.portals.replicas.guests import Plain
from tests.test_whole_path import build

ROOT = Path(__file__).parents[1]
# In the season all is asked every night; outside it, a quiet night asks for little.
SEASON = ("2027-02-08", "2027-02-09", "2027-02-10")
QUIET = ("2026-11-22", "2026-11-23", "2026-11-24")
FOUND = ("ok", "not_modified")
GONE = ("gone", "soft_404")
# The clock of a timer is a little coarser than ours.
SLACK = 0.02
# Those that need a browser take a second a page: they are crawled beside the others (test_render).
KEYS = [key for key, kind in all_replicas().items() if not kind.hint]
# Of these an archive is built as well; to read all documents of all takes minutes.
BUILT = [
    *(key for key, kind in all_replicas().items() if issubclass(kind, Plain)),
    *("blocks", "boda-articles", "departments-deep", "frames", "national-inline", "one-page"),
    *("static-documents", "topics", "xxgk-annual"),
]
OUTAGES = [key for key in KEYS if all_replicas()[key].out_nights]
SETTINGS = (
    *("-s", "ALLOW_PRIVATE_NETWORK=True", "-s", "DOWNLOAD_DELAY=0", "-s", "DOWNLOAD_TIMEOUT=10"),
    *("-s", "LOG_LEVEL=WARNING"),
)


@dataclass(frozen=True, slots=True)
class Night:
    """What one night brought from one portal."""

    seen: Seen
    events: dict[str, set[str]]
    """What the crawl's memory says happened to reports."""
    attachments_edited: set[str]
    hits: list[Hit]

    @property
    def found(self) -> set[str]:
        return self.seen.with_verdict(*FOUND)

    @property
    def gone(self) -> set[str]:
        return self.seen.with_verdict(*GONE)

    @property
    def moved(self) -> set[str]:
        return self.seen.with_verdict("moved")


@dataclass(frozen=True, slots=True)
class Crawled:
    folders: list[Path]
    portals: dict[str, Replica]
    nights: dict[str, list[Night]]
    """By portal, the first night first."""


def crawl(shares: Mapping[Path, Path], night: str, *options: str) -> None:
    """One night over each registry into its folder, all at once.

    A status of 1 is that of the monitors: the night is done, and looks odd.
    """
    running = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "scrapy", "crawl", "annual_reports"),
                *("-a", f"portals={registry}", "-a", f"night={night}", "-s", f"DATA={data}"),
                *(*SETTINGS, *options),
            ],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for data, registry in shares.items()
    ]
    for process in running:
        _, said = process.communicate(timeout=1_200)
        assert process.returncode in (0, 1), said[-3_000:]
        assert "Traceback" not in said, said[-3_000:]


def attachments_edited(
    data: Path, night: str, portals: Mapping[str, Replica]
) -> dict[str, set[str]]:
    edited: dict[str, set[str]] = {key: set() for key in portals}
    for portal, url in remembered(
        data,
        "select portal_id, url from urls where last_night = ? and event = 'edited'"
        " and kind = 'attachment'",
        night,
    ):
        edited[portal].add(unquote(url.removeprefix(portals[portal].url)))
    return edited


def remembered(data: Path, sql: str, *values: str) -> list[tuple[str, ...]]:
    """Rows of a crawl's memory."""
    memory = sqlite3.connect(f"file:{data / 'frontier.db'}?mode=ro", uri=True)
    try:
        return memory.execute(sql, values).fetchall()
    finally:
        memory.close()


def crawled(
    folder: Path,
    shares: Sequence[Sequence[str]],
    nights: Sequence[str],
    *options: str,
    lives: bool = True,
) -> Iterator[Crawled]:
    """Portals over nights that bring their events or, where nothing `lives`, bring none.

    Each share of them is crawled by a process of its own, into a folder of its own.
    """
    known = all_replicas()
    portals: dict[str, Replica] = {key: known[key]() for share in shares for key in share}
    told: dict[str, list[Night]] = {key: [] for key in portals}
    with serving(portals) as csv:
        head, *rows = csv.splitlines()
        registries: dict[Path, Path] = {}
        for number, share in enumerate(shares):
            data = folder / str(number)
            data.mkdir()
            registries[data] = data / "portals.csv"
            chosen = [row for row in rows if row.partition(",")[0] in share]
            registries[data].write_text("\n".join([head, *chosen]), encoding="utf-8")
        for number, night in enumerate(nights, 1):
            for one in portals.values():
                one.night = number if lives else 1
                one.log.clear()
            crawl(registries, night, *options)
            for data, share in zip(registries, shares, strict=True):
                own = {key: portals[key] for key in share}
                seen = sighted(data, night, own)
                happened = events(data, night, own)
                files = attachments_edited(data, night, own)
                for key, one in own.items():
                    told[key].append(Night(seen[key], happened[key], files[key], list(one.log)))
        yield Crawled(list(registries), portals, told)


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    """All replicas, over three nights on which things happen."""
    others = [key for key in KEYS if key not in BUILT]
    shares = (BUILT, others[::2], others[1::2])
    yield from crawled(tmp_path_factory.mktemp("season"), shares, SEASON)


def reports(one: Replica) -> list[Article]:
    return [article for article in one.articles if article.is_report]


def with_copies(one: Replica, wanted: set[str]) -> set[str]:
    """Addresses, and those of the same text elsewhere."""
    return wanted | {
        unquote(copy)
        for article in reports(one)
        if paths((article.path, *((article.moved[1],) if article.moved else ()))) & wanted
        for copy in article.copies
    }


# What is found.


@pytest.mark.parametrize("key", KEYS)
def test_the_first_night_finds_every_report_and_nothing_else(season: Crawled, key: str) -> None:
    one, night = season.portals[key], season.nights[key][0]
    truth = paths(one.truth(1))
    assert truth - night.found == set()
    assert night.found - paths(one.allowed()) == set()
    # Only what says that it is not there may have been taken for a report: a body's year of the
    # modules that have an address for each.
    assert set(night.seen.reports) - paths(one.allowed()) - night.gone == set()
    documents = paths(one.documents(1))
    answered = {u for u, line in night.seen.attachments.items() if line["verdict"] in FOUND}
    assert documents - answered == set()
    assert answered - documents == set()


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("key", KEYS)
def test_the_events_of_later_nights_are_those_made(season: Crawled, key: str, number: int) -> None:
    one, nights = season.portals[key], season.nights[key]
    night, before = nights[number - 1], nights[: number - 1]
    made = {event: paths(urls) for event, urls in one.events(number).items()}
    moving = [article for article in reports(one) if article.moved and article.moved[0] == number]
    arrived = paths(article.moved[1] for article in moving if article.moved)
    silent = paths(a.path for a in moving if a.moved and not a.moved[2])

    known = set().union(*(earlier.found for earlier in before))
    assert night.found - known - arrived - with_copies(one, made["new"] | arrived) == set()
    assert made["new"] - (night.found - known) == set()
    assert arrived - night.found == set()

    edited = night.events.get("edited", set())
    # Some pages do nothing but show a document, and that is what is edited.
    by_document = {
        unquote(article.at(number))
        for article in reports(one)
        if paths(path for path, _ in article.attachments) & night.attachments_edited
    }
    assert made["edited"] - edited - by_document == set()
    assert edited - with_copies(one, made["edited"]) == set()
    changed = {
        unquote(path)
        for article in reports(one)
        if number in article.edited and article.stands(number)
        for path, _ in article.attachments
    }
    assert night.attachments_edited == changed

    # What never was there is no removal.
    gone_before = set().union(*(earlier.gone for earlier in before))
    gone = (night.gone & known) - gone_before
    if number in one.out_nights:
        return
    assert (made["gone"] | silent) - gone == set()
    assert gone - with_copies(one, made["gone"] | silent) == set()
    moved_before = set().union(*(earlier.moved for earlier in before))
    assert made["moved"] - silent - night.moved == set()
    assert night.moved - moved_before - made["moved"] == set()
    assert night.found - paths(one.allowed()) == set()
    # In the season a night sees all that stands.
    assert paths(one.truth(number)) - night.found - night.moved == set()


def test_the_archive_suspects_what_was_removed_and_nothing_else(season: Crawled) -> None:
    data = season.folders[0]
    build(data)
    archive = sqlite3.connect(f"file:{data / 'nianbao.db'}?mode=ro", uri=True)
    statuses = {
        unquote(url): status for url, status in archive.execute("select url, status from reports")
    }
    archive.close()
    own = [season.portals[key] for key in BUILT]
    removed = {unquote(one.url + a.path) for one in own for a in reports(one) if a.last == 1}
    standing = {unquote(one.url + path) for one in own for path in one.truth(3)}
    # The documents of replicas are whole and empty: nothing is read from them.
    removed, standing = ({url for url in urls if not is_file(url)} for urls in (removed, standing))
    assert removed
    assert {url for url, status in statuses.items() if status == "suspect"} == removed
    assert {url for url, status in statuses.items() if status == "live"} == standing
    assert set(statuses.values()) == {"live", "suspect"}


@pytest.mark.parametrize("key", OUTAGES)
def test_a_night_out_is_no_news_of_any_report(season: Crawled, key: str) -> None:
    first, out, after = season.nights[key]
    truth = paths(season.portals[key].truth(1))
    assert first.found == truth
    assert out.found == set()
    if key != "out-404":  # that is what its answers say; its home page tells what they are worth
        assert out.gone == set()
    assert out.seen.state != "ok"
    assert set(out.events) <= {"gone"}
    assert set(after.events) <= {"unchanged"}
    # A page that all others send to is asked once.
    assert sum(hit.target == "/" and hit.status == 200 for hit in out.hits) <= 1
    assert after.found == truth
    assert after.seen.state == "ok"


# How it is asked.


@pytest.mark.parametrize("key", [key for key in KEYS if key != "out-silent"])
def test_one_request_at_a_time(season: Crawled, key: str) -> None:
    for night in season.nights[key]:
        hits = sorted(night.hits, key=lambda hit: hit.began)
        assert all(b.began >= a.ended for a, b in pairwise(hits))
    assert season.portals[key].most_in_flight == 1


def test_who_does_not_answer_is_not_asked_again_before_he_is_given_up(season: Crawled) -> None:
    hits = sorted(season.nights["out-silent"][1].hits, key=lambda hit: hit.began)
    # Three tries of robots.txt, ten seconds each.
    assert {hit.target for hit in hits} == {"/robots.txt"}
    assert 1 <= len(hits) <= 3
    # A busy machine may note the first of two late.
    assert all(b.began - a.began >= 5 for a, b in pairwise(hits))


@pytest.mark.parametrize("key", KEYS)
def test_what_has_been_answered_is_not_asked_twice_in_a_night(season: Crawled, key: str) -> None:
    for night in season.nights[key]:
        asked = Counter(
            (hit.method, hit.target, hit.body) for hit in night.hits if hit.status in (200, 304)
        )
        assert {what for what, count in asked.items() if count > 1} == set()


@pytest.mark.parametrize("key", KEYS)
def test_robots_come_first_and_a_random_path_once_a_week(season: Crawled, key: str) -> None:
    probes = 0
    for night in season.nights[key]:
        assert night.hits[0].target == "/robots.txt"
        probes += sum(bool(re.fullmatch(r"/[0-9a-f]{16}\.html", hit.target)) for hit in night.hits)
    assert probes <= 1


def targets(crawled: Crawled, key: str) -> list[str]:
    return [unquote(hit.target) for night in crawled.nights[key] for hit in night.hits]


def test_what_rules_forbid_is_not_asked(season: Crawled) -> None:
    asked = targets(season, "rules-paths")
    forbidden = [
        target
        for target in asked
        if target.startswith(("/admin/", "/zwgk/gaj/"))
        or "?print=" in target
        or (target.startswith("/zwgk/nb/") and target.endswith(".pdf"))
    ]
    assert forbidden == []
    assert asked.count("/robots.txt") == len(SEASON)
    assert len(asked) > 3 * 30


def test_rules_that_cannot_be_read_forbid_everything(season: Crawled) -> None:
    assert set(targets(season, "rules-error")) == {"/robots.txt"}
    assert {night.seen.state for night in season.nights["rules-error"]} == {"robots"}


def test_rules_that_are_not_there_forbid_nothing(season: Crawled) -> None:
    one = season.portals["rules-none"]
    assert paths(one.truth(1)) <= set(targets(season, "rules-none"))


def gaps(hits: list[Hit]) -> list[float]:
    """Seconds from the end of each answer to the next request."""
    hits = sorted(hits, key=lambda hit: hit.began)
    return [b.began - a.ended for a, b in pairwise(hits)]


def test_a_crawl_delay_is_kept(season: Crawled) -> None:
    for night in season.nights["rules-delay"]:
        assert len(night.hits) > 8
        assert min(gaps(night.hits)) >= 1.0 - SLACK


@pytest.mark.parametrize(("key", "status"), [("pause-seconds", 503), ("pause-date", 429)])
def test_a_retry_after_is_kept(season: Crawled, key: str, status: int) -> None:
    hits = sorted(season.nights[key][0].hits, key=lambda hit: hit.began)
    refused = [number for number, hit in enumerate(hits) if hit.status == status]
    assert len(refused) == 2
    for number in refused:
        assert hits[number + 1].began - hits[number].ended >= 2.0 - SLACK
        # And then the same page is asked again.
        assert hits[number].target in {hit.target for hit in hits[number + 1 :]}


def test_the_delay_is_kept(tmp_path: Path) -> None:
    for done in crawled(tmp_path, [["rules-none"]], SEASON[:1], "-s", "DOWNLOAD_DELAY=0.3"):
        hits = done.nights["rules-none"][0].hits
        assert len(hits) > 30
        assert min(gaps(hits)) >= 0.3 - SLACK


def test_an_honest_host_is_asked_conditionally_and_its_edits_are_found(season: Crawled) -> None:
    first, second, third = season.nights["etags-honest"]
    assert not any("if-none-match" in hit.headers for hit in first.hits)
    for night in (second, third):
        unchanged = [hit for hit in night.hits if hit.status == 304]
        assert len(unchanged) >= 0.6 * len(night.hits)
        assert night.events["edited"]
        # Nothing but what has proven unchanged is left to the host's word; some is audited.
        conditional = [hit for hit in night.hits if "if-none-match" in hit.headers]
        assert len(conditional) < len(night.hits)


def test_a_lying_host_is_asked_in_full_once_it_has_lied(season: Crawled) -> None:
    one, (_, second, third) = season.portals["etags-constant"], season.nights["etags-constant"]
    assert second.events["edited"] == paths(one.events(2)["edited"])
    assert third.events["edited"] == paths(one.events(3)["edited"])
    assert not any("if-none-match" in hit.headers for hit in third.hits)


# A quiet night.

# Replicas with several hundred reports.
LARGE = 150
FEW_LISTS = 5
SHARE = 0.05


def is_large(key: str) -> bool:
    one = all_replicas()[key]()
    one.url = "http://127.0.0.1"
    one.build()
    return len(one.truth(1)) >= LARGE


QUIET_KEYS = [key for key in KEYS if is_large(key)]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    """The large replicas over three nights outside the season on which nothing happens."""
    shares = (QUIET_KEYS[::2], QUIET_KEYS[1::2])
    yield from crawled(tmp_path_factory.mktemp("quiet"), shares, QUIET, lives=False)


def lists_of(quiet: Crawled) -> Counter[str]:
    """First pages of lists that lead to reports, by portal: the contract asks them every night."""
    first_pages = "select portal_id from urls where kind = 'list' and keep and root in ('', key)"
    return Counter(portal for data in quiet.folders for (portal,) in remembered(data, first_pages))


@pytest.mark.parametrize("key", QUIET_KEYS)
def test_a_quiet_night_asks_for_a_fraction(quiet: Crawled, key: str) -> None:
    """At most 5 % where a portal has few lists. Where its reports are split among the lists of
    many departments, 5 % besides those lists.

    Robots.txt, home, two pages by turns, each list, and a thirtieth of the reports are asked for in
    any case: of some two hundred reports in three lists that is more than 5 % by one or two.
    """
    first, *later = (len(night.hits) for night in quiet.nights[key])
    lists, one = lists_of(quiet)[key], quiet.portals[key]
    besides = lists if lists > FEW_LISTS else 0
    least = 4 + min(lists, FEW_LISTS) + ceil((len(one.truth(1)) + len(one.documents(1))) / 30)
    for asked in later:
        assert asked - besides <= max(ceil(SHARE * first), least), (first, later, lists)


def test_quiet_nights_over_all(quiet: Crawled) -> None:
    asked = [sum(len(nights[k].hits) for nights in quiet.nights.values()) for k in range(3)]
    lists = sum(lists_of(quiet).values())
    for later in asked[1:]:
        assert later - lists <= SHARE * asked[0], (asked, lists)


@pytest.mark.parametrize("key", QUIET_KEYS)
def test_nothing_happens_on_a_quiet_night(quiet: Crawled, key: str) -> None:
    for night in quiet.nights[key][1:]:
        assert set(night.events) <= {"unchanged"}
        assert night.gone == night.moved == night.attachments_edited == set()
