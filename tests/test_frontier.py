import sqlite3

import pytest

from crawler.frontier import DISCOVERY_BUDGET, Answer, Found, Frontier, key_of

FIRST, SECOND = "2026-11-21", "2026-11-22"
HOME = "http://a.gov.cn/"
COLUMN = "http://a.gov.cn/zwgk/nb/"
REPORT = "http://a.gov.cn/zwgk/nb/1.html"


@pytest.fixture
def frontier(tmp_path):
    with Frontier(tmp_path / "frontier.db") as frontier:
        frontier.add("a", [Found(HOME, "home")], FIRST)
        yield frontier


def due(frontier, night=FIRST):
    return [row.url for row in frontier.due("a", night)]


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


def test_a_done_night_has_nothing_due_and_the_next_asks_only_the_path(frontier):
    walk(frontier)
    assert due(frontier) == []
    assert due(frontier, SECOND) == [
        HOME,
        COLUMN,
        REPORT,
        REPORT + ".pdf",
        "http://a.gov.cn/zwgk/",
    ]


def test_a_report_that_is_gone_is_still_asked_for(frontier):
    walk(frontier)
    say(frontier, REPORT, night=SECOND, verdict="gone")
    assert REPORT not in due(frontier, SECOND)
    assert REPORT in due(frontier, "2026-11-23")


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


def test_one_crawl_at_a_time(tmp_path, frontier):
    with pytest.raises(RuntimeError, match="another crawl is writing"):
        Frontier(tmp_path / "frontier.db")


def test_the_last_capture_is_kept_with_the_next_answer(tmp_path):
    with Frontier(tmp_path / "f.db") as frontier:
        frontier.add("a", [Found(HOME, "home")], FIRST)
        frontier.captured(HOME, "d1", "2026-11-21T14:00:00Z")
        assert frontier.last_capture(HOME) == ("d1", "2026-11-21T14:00:00Z")
        say(frontier, HOME)
    with Frontier(tmp_path / "f.db") as frontier:
        assert frontier.last_capture(HOME) == ("d1", "2026-11-21T14:00:00Z")


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "frontier.db").write_bytes(b"not a database" * 100)
    with pytest.raises(RuntimeError, match="cannot be used"):
        Frontier(tmp_path / "frontier.db")
