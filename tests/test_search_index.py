"""The search tables of a snapshot: how text is cut, what a report and a name can be found by."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing

import pytest
from site_fixture import records, tables

from archive import search_index
from archive.search_index import HIDDEN, cut, index_texts, normal, spelling


@pytest.fixture(scope="module")
def db() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    tables(connection)
    records(connection, [1, 2, 3, 4, 5])
    connection.execute(
        "insert into events (report_id, position, kind) values ('140600-jyj/2023', 2, 'edited')"
    )
    connection.executemany(
        "insert into issuer_names (issuer_id, name) values (?, ?)",
        [("140600-jyj", "朔州市教育局"), ("140600-jyj", "朔州市教育和体育局")],
    )
    assert index_texts(connection) == 6
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("政府信息", "政 府 信 息 政府 府信 信息"),
        ("县", "县"),
        ("ＡＢ１２件", "ab12 件"),
        ("公开，公开。", "公 开 公开"),
        ("信息\n 公开", "信 息 公 开 信息 息公 公开"),
        ("PDF 2023年", "pdf 2023 年"),
        ("共 3 件", "共 3 件"),
        ("二〇二三", "二 〇 三 二〇 〇二 二三"),
        ("Wi-Fi Café", "wi fi café"),
        ("政\u200b府", "政 府 政府"),
        ("……", ""),
        ("", ""),
    ],
)
def test_cut(text: str, tokens: str) -> None:
    assert cut(normal(text)) == tokens


@pytest.mark.parametrize(
    ("text", "compared"),
    [
        ("收到　申请 １２ 件", "收到申请12件"),
        ("annual \n\t Report 2023 年", "annual report 2023年"),
        ("（一） 主动", "(一)主动"),
        ("\ufeff公开\u00ad", "公开"),
    ],
)
def test_normal(text: str, compared: str) -> None:
    assert normal(text) == compared


def found(db: sqlite3.Connection, match: str) -> list[str]:
    rows = db.execute(
        "select report_id from search_docs where id in "
        "(select rowid from search_fts where search_fts match ?) order by id desc",
        (match,),
    )
    return [report for (report,) in rows]


@pytest.mark.parametrize(
    ("match", "reports"),
    [
        ('"泥鳅"', ["320813-zf/2023", "999999-bad/2022"]),
        ('"鳅"', ["320813-zf/2023", "999999-bad/2022"]),
        # Between the heading 五、问题 and the text 存在的 nothing is read.
        ('"题存"', []),
        ('"36"', ["140600-jyj/2023"]),
        # The name of its body is found for what it is, and with the title.
        ('"¹教育"', [f"140600-jyj/{year}" for year in (2023, 2021, 2020, 2016)]),
        ('"¹年度"', []),
        ('"²年度"', ["140600-jyj/2023", "320813-zf/2023", "140600-jyj/2021", "140600-jyj/2020",
                     "140600-jyj/2016"]),
        ('"³朔州市教育局" AND "教育"', [f"140600-jyj/{year}" for year in (2023, 2021, 2020, 2016)]),
        ('"³教育局"', []),
        # 140600 lies in province 14; 320813 is a county of prefecture 3208.
        ('"·r14" AND "·fstats2014"', ["140600-jyj/2016"]),
        ('"·r3208"', ["320813-zf/2023", "999999-bad/2022"]),
        ('"·r1406" AND "·lprefecture" AND "·f2019"', ["140600-jyj/2020"]),
        ('"·xfailed"', ["140600-jyj/2023", "320813-zf/2023"]),
        ('"·xpublisher"', ["320813-zf/2023"]),
        # Of its two undecided failures neither is an identity of the form.
        ('"·xundecided"', ["140600-jyj/2023"]),
        ('"·xedited"', ["140600-jyj/2023"]),
        ('"·xvanished"', ["320813-zf/2023"]),
    ],
)  # fmt: skip
def test_what_a_report_is_found_by(db: sqlite3.Connection, match: str, reports: list[str]) -> None:
    assert found(db, match) == reports


def test_later_years_and_higher_levels_come_last(db: sqlite3.Connection) -> None:
    rows = db.execute("select year, level from search_docs order by id").fetchall()
    assert [year for year, _ in rows] == [2016, 2020, 2021, 2022, 2023, 2023]
    assert [level for year, level in rows if year == 2023] == ["county", "prefecture"]


def test_every_text_lies_beside_as_it_was_cut(db: sqlite3.Connection) -> None:
    (text,) = db.execute(
        "select text from search_texts where id = "
        "(select id from search_docs where report_id = '320813-zf/2023')"
    ).fetchone()
    assert text.split("\n") == [
        "洪泽区人民政府",
        "2023年政府信息公开工作年度报告",
        "五、问题",
        "存在的问题是泥鳅养殖信息更新不够及时。",
    ]


def named(db: sqlite3.Connection, match: str) -> list[tuple[str, int]]:
    return db.execute(
        "select name, current from search_names where id in "
        "(select rowid from search_names_fts where search_names_fts match ?) order by id",
        (match,),
    ).fetchall()


@pytest.mark.parametrize(
    ("match", "names"),
    [
        ('"教育" AND "育局"', [("朔州市教育局", 1), ("朔州市教育和体育局", 0)]),
        ('"♪shuozhoushijiaoyuju"', [("朔州市教育局", 1)]),
        ('"♪shuozhou" *', [("朔州市教育局", 1), ("朔州市教育和体育局", 0)]),
        ('"♪szsjyj"', [("朔州市教育局", 1)]),
        # From the place name on: people leave out the places above.
        ('"♪jyj"', [("朔州市教育局", 1)]),
        ('"♫shuo♫zhou" AND "♫zhou♫shi" AND "♫yu♫ju"',
         [("朔州市教育局", 1), ("朔州市教育和体育局", 0)]),
    ],
)  # fmt: skip
def test_what_a_name_is_found_by(
    db: sqlite3.Connection, match: str, names: list[tuple[str, int]]
) -> None:
    assert named(db, match) == names


def test_a_name_has_a_syllable_for_each_character() -> None:
    assert spelling("重庆市a局") == ["chong", "qing", "shi", "-", "ju"]
    assert spelling("") == []


def test_readings_of_characters(db: sqlite3.Connection) -> None:
    (sounds,) = db.execute("select sounds from search_sounds where character = '长'").fetchone()
    assert set(sounds.split()) == {"chang", "zhang"}


def test_all_search_tables_are_hidden(db: sqlite3.Connection) -> None:
    made = db.execute(
        "select name from sqlite_master where name like 'search%' and sql like 'create table%' "
        "or sql like 'create virtual table%'"
    )
    own = {name for (name,) in made if not name.startswith(("search_fts_", "search_names_fts_"))}
    assert own == set(HIDDEN)


def peak(reports: int) -> int:
    """The most bytes that indexing so many reports with long titles held."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        tables(connection)
        for number in range(reports):
            issuer = f"140600-b{number}"
            connection.execute(
                "insert into issuers (id, name) values (?, ?)", (issuer, f"{number}局")
            )
            connection.execute(
                "insert into reports (id, issuer_id, year, title) values (?, ?, 2023, ?)",
                (f"{issuer}/2023", issuer, f"{number}" + "长" * 5_000),
            )
        tracemalloc.start()
        try:
            assert index_texts(connection) == reports
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def test_memory_does_not_grow_with_the_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "_readings", lambda: ())
    # What is loaded once and kept is not counted.
    peak(1)
    few, many = peak(10), peak(60)
    # A title is 10 KB: held all at once, fifty more would be 500 KB.
    assert many - few < 10 * 10_000
