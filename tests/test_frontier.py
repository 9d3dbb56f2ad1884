import sqlite3
from dataclasses import replace
from itertools import pairwise

import pytest

from crawler.frontier import DISCOVERY_BUDGET, Answer, Found, Frontier, key_of
from crawler.holdings import Holder

NIGHTS = FIRST, SECOND, *_ = ("2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25")
HOME = "http://a.gov.cn/"
COLUMN = "http://a.gov.cn/zwgk/nb/"
REPORT = "http://a.gov.cn/zwgk/nb/1.html"
# As crawls of November 2026 kept it.
OLD_SCHEMA = """
create table urls (
    key text primary key, url text not null, portal_id text not null, kind text not null,
    rank integer not null, score integer not null default 0, depth integer not null default 0,
    title text not null default '', listed_on text not null default '', report_url text,
    method text not null default 'GET', body text not null default '',
    headers text not null default '{}', root text not null default '', parent text,
    keep integer not null default 0, carries integer not null default 0,
    discovered_night text not null,
    last_night text not null default '', last_status integer,
    last_verdict text not null default '', last_digest text
) strict;
create index urls_due on urls (portal_id, rank, score desc, last_night);
"""


@pytest.fixture
def frontier(tmp_path):
    with Frontier(tmp_path / "frontier.db") as frontier:
        frontier.add("a", [Found(HOME, "home")], FIRST)
        yield frontier


def due(frontier, night=FIRST):
    """All that a night would ask for if nothing were answered, in order."""
    rows = []
    while more := frontier.due("a", night, {row.key for row in rows}):
        rows += more
    return [row.url for row in rows]


def say(frontier, url, found=(), night=FIRST, verdict="ok", shown=(), **more):
    row = frontier.known(url)
    frontier.record(Answer(row, night, verdict, 200, "d", **more), found, shown)


def walk(frontier):
    """Home -> 政务公开 and 政府信息公开 -> the column -> a report with an attachment."""
    say(
        frontier,
        HOME,
        [
            Found("http://a.gov.cn/gk/", "discovery", score=60),
            Found("http://a.gov.cn/zwgk/", "discovery", score=70),
        ],
    )
    say(frontier, "http://a.gov.cn/zwgk/", [Found(COLUMN, "list", score=100)])
    say(frontier, COLUMN, [Found(REPORT, "report"), Found(REPORT + "x", "noise")], leads=True)
    say(frontier, REPORT, [Found(REPORT + ".pdf", "attachment")])
    say(frontier, REPORT + ".pdf")
    say(frontier, "http://a.gov.cn/gk/")


def test_the_better_listing_is_asked_first(frontier):
    say(
        frontier,
        HOME,
        [
            Found("http://a.gov.cn/1/", "discovery", score=20),
            Found("http://a.gov.cn/2/", "discovery", score=70),
        ],
    )
    assert due(frontier) == ["http://a.gov.cn/2/", "http://a.gov.cn/1/"]


def test_a_done_night_has_nothing_due_and_the_next_asks_home_and_column(frontier):
    walk(frontier)
    assert due(frontier) == []
    # A small portal has its newest reports looked at too; the way to the column can wait.
    assert due(frontier, SECOND) == [HOME, COLUMN, REPORT]


def test_within_a_month_everything_known_has_been_due(frontier):
    walk(frontier)
    assert due(frontier, "2026-12-21") == [
        HOME,
        COLUMN,
        REPORT,
        REPORT + ".pdf",
        "http://a.gov.cn/zwgk/",
    ]


def test_what_is_gone_is_asked_for_three_nights_and_then_monthly(frontier):
    walk(frontier)
    say(frontier, REPORT, print="p")
    for night, next_one in pairwise(NIGHTS[:4]):
        say(frontier, REPORT, night=night, verdict="gone")
        assert REPORT not in due(frontier, night)
        assert (REPORT in due(frontier, next_one)) is (night != NIGHTS[2])
    assert REPORT in due(frontier, "2026-12-24")


def reports(frontier, count):
    """A column of so many reports, each read on the first night."""
    found = [Found(f"{COLUMN}{n}.html", "report", f"报告{n}") for n in range(count)]
    say(frontier, HOME, [Found(COLUMN, "list", score=100)])
    say(frontier, COLUMN, found, leads=True, shown=found)
    for one in found:
        say(frontier, one.url, print="p")
    return found


def test_old_reports_are_spread_over_the_month(frontier):
    found = reports(frontier, 300)
    nights = [f"2026-11-{day}" for day in range(22, 31)]
    nights += [f"2026-12-{day:02}" for day in range(1, 22)]
    asked = []
    for night in nights:
        share = [url for url in due(frontier, night) if url not in (HOME, COLUMN)]
        assert len(share) <= 25
        for url in share:
            say(frontier, url, night=night, print="p")
        asked += share
    assert sorted(asked) == sorted(one.url for one in found)


def test_a_report_that_its_list_drops_or_dates_anew_is_due(frontier):
    found = reports(frontier, 200)
    quiet = due(frontier, SECOND)
    dropped, renewed = (one for one in found[-2:] if one.url not in quiet)
    kept = [replace(one, dated="2026-01-20") for one in found if one != dropped]
    say(frontier, COLUMN, kept, night=SECOND, shown=kept)
    assert set(due(frontier, SECOND)) - set(quiet) == {dropped.url}
    kept[kept.index(replace(renewed, dated="2026-01-20"))] = replace(renewed, dated="2026-11-22")
    say(frontier, COLUMN, kept, night=SECOND, shown=kept)
    assert set(due(frontier, SECOND)) - set(quiet) == {dropped.url, renewed.url}


def test_what_arrives_is_asked_every_night_for_a_month(frontier):
    reports(frontier, 200)
    late = Found(f"{COLUMN}late.html", "report", "late")
    say(frontier, COLUMN, [late], night=SECOND, shown=[late])
    say(frontier, late.url, night=SECOND, print="p")
    for night in ("2026-11-23", "2026-12-20"):
        assert late.url in due(frontier, night)
        say(frontier, late.url, night=night, print="p")
    say(frontier, late.url, night="2026-12-23", print="p")
    assert late.url not in due(frontier, "2026-12-24")


def test_later_pages_and_lists_of_past_years_wait_until_something_moves(frontier):
    past = Found(f"{COLUMN}2020n/", "list", "2020年")
    pages = [Found(f"{COLUMN}index_{n}.html", "list", root=key_of(COLUMN)) for n in (1, 2)]
    rows = [Found(f"{COLUMN}{n}.html", "report", f"{2016 + n}年") for n in range(10)]
    say(frontier, HOME, [Found(COLUMN, "list", score=100)])
    say(frontier, COLUMN, [*rows[7:], *pages, past], leads=True, shown=rows[7:])
    say(frontier, pages[0].url, rows[5:7], leads=True, shown=rows[5:7])
    say(frontier, pages[1].url, rows[2:5], leads=True, shown=rows[2:5])
    say(frontier, past.url, rows[:2], leads=True, shown=rows[:2])
    for one in rows:
        say(frontier, one.url, print="p")
    waiting = {one.url for one in (past, *pages)}
    nights = [f"2026-11-{day}" for day in range(22, 31)]
    night = next(n for n in nights if not waiting & set(due(frontier, n)))
    say(frontier, COLUMN, rows[7:], night=night, shown=rows[7:])
    assert not waiting & set(due(frontier, night))
    # Something moves: all its pages and the other lists are read, once.
    fresh = Found(f"{COLUMN}fresh.html", "report", "2025年")
    say(frontier, COLUMN, [fresh, *rows[8:]], night=night, shown=[fresh, *rows[8:]])
    assert waiting <= set(due(frontier, night))
    for url in waiting:
        say(frontier, url, night=night)
    assert not waiting & set(due(frontier, night))


def test_failures_are_tried_again_at_growing_distance(frontier):
    walk(frontier)
    say(frontier, REPORT, night=SECOND, verdict="error")
    assert REPORT in due(frontier, "2026-11-23")
    say(frontier, REPORT, night="2026-11-23", verdict="challenge")
    assert REPORT not in due(frontier, "2026-11-24")
    assert REPORT in due(frontier, "2026-11-25")
    row = frontier.known(REPORT)
    assert (row.failures, row.nights_gone) == (2, 0)


def test_a_column_that_has_died_is_looked_for_anew_once_a_week(frontier):
    walk(frontier)
    assert not frontier.search_again("a", FIRST)
    say(frontier, COLUMN, night=SECOND, verdict="gone")
    assert frontier.search_again("a", SECOND)
    assert {"http://a.gov.cn/gk/", "http://a.gov.cn/zwgk/"} <= set(due(frontier, SECOND))
    assert not frontier.search_again("a", SECOND)


def answer(frontier, url, night, digest, tag, print):
    frontier.record(Answer(frontier.known(url), night, "ok", 200, digest, etag=tag, print=print))


def conditions(frontier, url):
    """What a month of nights would ask for conditionally; a few nights are audits."""
    row = frontier.known(url)
    asked = [frontier.conditions(row, f"2027-01-{day:02}") for day in range(1, 29)]
    return {value for headers in asked for value in headers.values()}


def test_a_host_is_believed_when_its_validators_have_proven_honest(frontier):
    found = reports(frontier, 4)
    nights = iter(f"2026-12-{day:02}" for day in range(1, 31))
    for number, one in enumerate(found[:3]):
        answer(frontier, one.url, next(nights), f"d{number}", f'"{number}"', "p")
    assert not conditions(frontier, found[0].url)
    for number, one in enumerate(found[:2]):
        answer(frontier, one.url, next(nights), f"d{number}", f'"{number}"', "p")
    assert conditions(frontier, found[0].url) == {'"0"'}
    assert not conditions(frontier, found[3].url), "it has no validator"
    # The same tag over another text: never again.
    answer(frontier, found[0].url, next(nights), "d9", '"0"', "q")
    assert not conditions(frontier, found[0].url) | conditions(frontier, found[1].url)


def test_one_tag_for_all_pages_proves_nothing(frontier):
    found = reports(frontier, 3)
    nights = iter(f"2026-12-{day:02}" for day in range(1, 31))
    for _ in range(3):
        for number, one in enumerate(found):
            answer(frontier, one.url, next(nights), f"d{number}", '"1"', "p")
    assert not conditions(frontier, found[0].url)


def test_of_very_many_lists_a_quiet_night_reads_some_and_each_within_a_week(frontier):
    frontier.begin_night(FIRST, "2026-11-21T14:00:00Z")
    columns = [Found(f"http://a.gov.cn/bm/{n}/nb/", "list", score=85) for n in range(40)]
    say(frontier, HOME, columns)
    for n, column in enumerate(columns):
        row = Found(f"{column.url}1.html", "report", f"第{n}局2015年报")
        say(frontier, column.url, [row], leads=True, shown=[row], print="p")
        say(frontier, row.url, print="p")
    for _ in range(200):
        frontier.spend("a", "a.gov.cn", 1)
    frontier.visit("a", FIRST, "ok")
    lists = {column.url for column in columns}
    asked = []
    for night in (
        "2026-11-22",
        "2026-11-23",
        "2026-11-24",
        "2026-11-25",
        "2026-11-26",
        "2026-11-27",
        "2026-11-28",
    ):
        frontier.begin_night(night, f"{night}T14:00:00Z")
        tonight = lists & set(due(frontier, night))
        assert len(tonight) == 6
        for url in tonight:
            say(frontier, url, night=night, print="p")
        asked += tonight
    assert set(asked) == lists
    # Something moves in one: all are read the same night.
    night = "2026-11-29"
    frontier.begin_night(night, f"{night}T14:00:00Z")
    [first, *_] = lists & set(due(frontier, night))
    say(frontier, first, night=night, print="q")
    assert len(lists & set(due(frontier, night))) == 39


def test_lists_that_wait_for_another_night_keep_no_later_page_waiting(frontier):
    """More first pages of lists are left for later than one look at what is due takes in."""
    frontier.begin_night(FIRST, "2026-11-21T14:00:00Z")
    columns = [Found(f"http://a.gov.cn/bm/{n}/nb/", "list", score=85) for n in range(200)]
    say(frontier, HOME, columns)
    later = Found(f"{columns[0].url}index_2.html", "list", root=columns[0].key)
    for column in columns:
        row = Found(f"{column.url}1.html", "report", "甲局2015年报")
        pages = [later] if column is columns[0] else []
        say(frontier, column.url, [row, *pages], leads=True, shown=[row], print="p")
        say(frontier, row.url, print="p")
    say(frontier, later.url, print="p")
    frontier.spend("a", "a.gov.cn", 1)
    frontier.visit("a", FIRST, "ok")
    night = "2026-12-22"
    frontier.begin_night(night, f"{night}T14:00:00Z")
    asked = []
    while more := frontier.due("a", night):
        for row in more:
            asked.append(row.url)
            say(frontier, row.url, night=night, print="p")
    assert len({column.url for column in columns} & set(asked)) == 29  # a seventh of 200
    assert later.url in asked


def test_a_night_is_told_portal_by_portal(frontier):
    frontier.begin_night(FIRST, "2026-11-21T14:00:00Z")
    found = reports(frontier, 3)
    frontier.spend("a", "a.gov.cn", 1_000, 2.0)
    frontier.spend("a", "b.a.gov.cn", 500)
    frontier.begin_night(SECOND, "2026-11-22T14:00:00Z")
    say(frontier, found[0].url, night=SECOND, print="other")
    say(frontier, found[1].url, night=SECOND, verdict="gone")
    say(frontier, found[2].url, night=SECOND, verdict="challenge")
    frontier.spend("a", "a.gov.cn", 10)
    visit = frontier.visit("a", SECOND, "ok")
    told = (visit.new, visit.edited, visit.gone, visit.blocked, visit.reports)
    assert told == (0, 1, 1, 1, 1)
    assert frontier.visits(SECOND) == [visit]
    assert frontier.nights_of("a", 5) == [visit]


def test_an_older_memory_is_brought_up_to_date(tmp_path):
    path = tmp_path / "frontier.db"
    db = sqlite3.connect(path)
    db.executescript(OLD_SCHEMA)
    db.executemany(
        "insert into urls (key, url, portal_id, kind, rank, discovered_night, last_night)"
        " values (?, ?, 'a', ?, 3, '2026-11-01', ?)",
        [
            (key_of(HOME), HOME, "home", "2026-11-20"),
            (key_of(REPORT), REPORT, "report", "2026-11-20"),
            (key_of(REPORT + "x"), REPORT + "x", "noise", ""),
        ],
    )
    db.commit()
    db.close()
    with Frontier(path) as frontier:
        assert due(frontier) == [HOME, REPORT]


def test_a_row_of_unclear_title_is_asked_once_ever(frontier):
    say(frontier, HOME, [Found("http://a.gov.cn/x.html", "peek")])
    assert due(frontier) == ["http://a.gov.cn/x.html"]
    say(frontier, "http://a.gov.cn/x.html")
    assert "http://a.gov.cn/x.html" not in due(frontier, SECOND)


def test_weak_listings_are_asked_only_while_no_column_is_known(frontier):
    say(frontier, HOME, [Found("http://a.gov.cn/weak/", "discovery", score=20)])
    assert due(frontier) == ["http://a.gov.cn/weak/"]
    frontier.add("a", [Found(COLUMN, "list", score=100)], FIRST)
    say(frontier, COLUMN, [Found(REPORT, "report")], leads=True)
    assert due(frontier) == [REPORT]


def test_discovery_has_a_budget(frontier):
    pages = [
        Found(f"http://a.gov.cn/{n}/", "discovery", score=70) for n in range(DISCOVERY_BUDGET + 5)
    ]
    say(frontier, HOME, pages)
    for page in pages[:DISCOVERY_BUDGET]:
        say(frontier, page.url)
    assert due(frontier) == []


def test_an_answer_and_its_links_are_recorded_together_or_not_at_all(frontier):
    broken = [Found(COLUMN, "list", score=100), Found(REPORT, "report", score="?")]
    with pytest.raises(sqlite3.Error):
        say(frontier, HOME, broken)
    assert frontier.known(COLUMN) is None
    assert due(frontier) == [HOME]


def test_two_lists_posted_to_one_address_are_two(frontier):
    proxy = "http://a.gov.cn/proxy.jsp"
    lists = [Found(proxy, "list", method="POST", body=f"column={n}") for n in (1, 2)]
    say(frontier, HOME, lists)
    assert [row.body for row in frontier.due("a", FIRST)] == ["column=1", "column=2"]


def test_paging_ends_where_a_page_shows_nothing_of_its_own(frontier):
    root = key_of(f"{COLUMN}index_1.html")
    say(frontier, HOME, [Found(f"{COLUMN}index_1.html", "list", score=90)])
    say(
        frontier,
        root_url := f"{COLUMN}index_1.html",
        [Found(f"{COLUMN}index_2.html", "list", root=root)],
    )
    first, repeated = (frontier.known(url) for url in (root_url, f"{COLUMN}index_2.html"))
    entries = [Found(REPORT, "report")]
    assert frontier.adds_entries(first, entries)
    say(frontier, first.url, entries, shown=entries)
    assert frontier.adds_entries(first, entries)
    assert not frontier.adds_entries(repeated, entries)


def test_what_another_list_shows_does_not_end_the_paging(frontier):
    """A department's list repeats rows of the list of all; which is read first is chance."""
    everything, departments = f"{COLUMN}all/index.html", f"{COLUMN}bm/index.html"
    say(frontier, HOME, [Found(url, "list", score=90) for url in (everything, departments)])
    entries = [Found(REPORT, "report")]
    say(frontier, everything, entries, shown=entries)
    assert frontier.adds_entries(frontier.known(departments), entries)


def test_a_row_pushed_to_the_next_page_belongs_to_it(frontier):
    root = key_of(f"{COLUMN}index_1.html")
    older, newer = Found(REPORT, "report"), Found(f"{COLUMN}t2.html", "report")
    say(frontier, HOME, [Found(f"{COLUMN}index_1.html", "list", score=90)])
    say(frontier, f"{COLUMN}index_1.html", [Found(f"{COLUMN}index_2.html", "list", root=root)])
    say(frontier, f"{COLUMN}index_1.html", [older], shown=[older])
    second = frontier.known(f"{COLUMN}index_2.html")
    assert not frontier.adds_entries(second, [older])
    say(frontier, f"{COLUMN}index_1.html", [newer], shown=[newer])
    assert frontier.adds_entries(second, [older])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://a.gov.cn/nb/", "https://a.gov.cn/nb/index.html", True),
        ("http://a.gov.cn", "http://a.gov.cn/", True),
        ("http://a.gov.cn/nb?p=1", "http://a.gov.cn/nb?p=2", False),
        ("http://a.gov.cn:8080/", "http://a.gov.cn/", False),
    ],
)
def test_what_tells_addresses_apart(one, other, same):
    assert (key_of(one) == key_of(other)) is same


def test_nights(frontier):
    frontier.begin_night(FIRST, "2026-11-21T14:00:00Z")
    frontier.begin_night(FIRST, "2026-11-21T15:00:00Z")
    assert frontier.nights() == [FIRST]
    assert not frontier.is_finished(FIRST)
    frontier.end_night(FIRST, "2026-11-21T16:00:00Z")
    assert frontier.is_finished(FIRST)


def test_a_night_that_is_complete_is_in_the_database_and_not_in_its_log(tmp_path, frontier):
    frontier.begin_night(FIRST, "2026-11-21T14:00:00Z")
    log = tmp_path / "frontier.db-wal"
    assert log.stat().st_size > 0
    frontier.end_night(FIRST, "2026-11-21T16:00:00Z")
    assert log.stat().st_size == 0


def test_one_crawl_at_a_time(tmp_path, frontier):
    with pytest.raises(RuntimeError, match="another crawl is writing"):
        Frontier(tmp_path / "frontier.db")


def test_the_last_capture_is_kept_with_the_next_answer(tmp_path):
    held = Holder("d1" * 32, "", HOME, "2026-11-21T14:00:00Z", "<urn:uuid:1>", "s.warc.gz")
    with Frontier(tmp_path / "f.db") as frontier:
        frontier.add("a", [Found(HOME, "home")], FIRST)
        frontier.captured(HOME, held, shared=False)
        assert frontier.last_holder(HOME) == held
    with Frontier(tmp_path / "f.db") as frontier:
        assert frontier.last_holder(HOME) is None
        frontier.captured(HOME, held, shared=False)
        say(frontier, HOME)
    with Frontier(tmp_path / "f.db") as frontier:
        assert frontier.last_holder(HOME) == held


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "frontier.db").write_bytes(b"not a database" * 100)
    with pytest.raises(RuntimeError, match="cannot be used"):
        Frontier(tmp_path / "frontier.db")
