"""What is taken down leaves the snapshot and the release; its names say why, and come back."""

from __future__ import annotations

import json
import logging
import re
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from test_build import fake_reading, story

from archive import published, readings, store, takedowns
from archive.build import build
from archive.checkout import checkout
from archive.export.release import export
from archive.findings.rules import RULES
from archive.manifest import write_manifest
from archive.prove import prove
from archive.publish import publish
from archive.shelf import Shelf
from archive.takedowns import TakedownsError, load, read
from archive.verify.problems import Problem
from archive.verify.rounds import verify

JYJ, ZF = "140600-jyj", "320813-zf"
OLD, NEW = f"{JYJ}/2023/{'a' * 12}", f"{JYJ}/2023/{'b' * 12}"
ONLY, OTHER = f"{JYJ}/2022/{'c' * 12}", f"{ZF}/2023/{'d' * 12}"
PHONE = "13812345678"
REASON = "应本人要求撤下"
CELL = "requests.granted.total"
HEADER = "path,date,reason"


def listed(folder: Path, *paths: str) -> Path:
    path = folder / "takedowns.csv"
    lines = [HEADER, *(f"{path},2026-11-22,{REASON}" for path in paths)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


GONE = "http://example.gov.cn/gone"


def archive(data: Path) -> Path:
    """Two bodies: a report in two versions, one in one, and one of another body."""
    (data / "sightings").mkdir(parents=True)
    (data / "sightings" / "one.jsonl").write_text("{}\n")
    fresh = data / "nianbao.db.new"
    db = store.create(fresh)
    store.write(
        db, "issuers", [{"id": JYJ, "name": "朔州市教育局"}, {"id": ZF, "name": "洪泽区人民政府"}]
    )
    store.write(db, "portals", [{"id": "sz", "name": "朔州市人民政府"}])
    for number, (version, current) in enumerate(
        [(OLD, NEW), (NEW, NEW), (ONLY, ONLY), (OTHER, OTHER)], start=1
    ):
        report, _, digest = version.rpartition("/")
        issuer, year = report.split("/")
        row = {"id": report, "issuer_id": issuer, "year": int(year), "current_version": current}
        if version != OLD:
            title = f"标题{digest[0]}"
            store.write(db, "reports", [row | {"title": title, "form": "2021", "status": "live"}])
        replaces = {"replaces": OLD} if version == NEW else {}
        place = 1 + (version == NEW)
        store.write(
            db,
            "versions",
            [
                {"id": version, "report_id": report, "number": place, "title": f"标题{digest[0]}"}
                | {"form": "2021", "parser": "5", "numbers_read": 1, **replaces}
            ],
        )
        url = f"http://example.gov.cn/{report}"
        capture = {"url": url, "warc_file": "one.warc.gz", "version_id": version}
        seen = {"fetched_at": f"2024-03-0{number}T14:00:00Z", "record_type": "response"}
        store.write(
            db,
            "captures",
            [
                {"digest": digest[0] * 64, "offset": number, **capture, **seen},
                # Another byte for the visitor counter.
                {"digest": digest[0] * 11 + "0" * 53, "offset": 10 + number, **capture, **seen},
            ],
        )
        store.write(db, "figures", [{"version_id": version, "requests__granted__total": number}])
        text = f"第{digest[0]}版的文字，电话{PHONE}。"
        section = {"version_id": version, "number": 1, "heading": "一、总体情况", "text": text}
        store.write(db, "sections", [section])
        note = {"version_id": version, "field": CELL, "state": "text", "printed": "见文"}
        store.write(db, "cell_notes", [note])
        finding = {"version_id": version, "rule": "ROW.received_new", "position": 1}
        store.write(db, "findings", [finding | {"verdict": "pass"}])
        extra = {"version_id": version, "position": 1}
        store.write(db, "extras", [extra | {"label": "热线", "printed": "3"}])
        store.write(db, "unused", [extra | {"kind": "label", "text": f"联系人{PHONE}"}])
        sighting = {"url": url, "portal_id": "sz", "night": f"2024-03-0{number}", "role": "page"}
        store.write(db, "sightings", [sighting | {"title": f"列表{year}", "report_id": report}])
        kind = {"kind": "edited", "from_version": OLD} if version == NEW else {"kind": "new"}
        event = {"report_id": report, "position": place, "version_id": version}
        store.write(db, "events", [event | kind | {"at": seen["fetched_at"]}])
    answer = {"digest": "0" * 64, "url": GONE, "fetched_at": "2024-03-05T14:00:00Z", "status": 404}
    place = {"warc_file": "one.warc.gz", "offset": 99, "record_type": "response"}
    store.write(db, "captures", [answer | place])
    change = {"report_id": f"{JYJ}/2023", "from_version": OLD, "to_version": NEW, "position": 1}
    store.write(db, "changes", [change | {"field": CELL, "before": "1", "after": "2"}])
    redirect = {"path": "140600-old/2022", "target": f"{JYJ}/2022", "reason": "同一机关"}
    store.write(db, "redirects", [redirect])
    store.put_in_place(db, fresh, data / "nianbao.db")
    return data


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return archive(tmp_path / "data")


def rows(data: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(data / "site" / "nianbao.db")) as db:
        return db.execute(sql).fetchall()


OF_VERSION = ("captures", "figures", "cell_notes", "sections", "findings", "extras", "unused")


def test_the_list_that_is_shipped_is_taken() -> None:
    assert takedowns.SHIPPED.read_text(encoding="utf-8").splitlines()[0] == HEADER
    load()


def test_a_list_is_read_by_path() -> None:
    found = read(
        [HEADER, "", "# 说明", f'{NEW},2026-11-22,"依法, 撤下"\r', f"{ONLY},2026-11-21,一"]
    )
    assert [(entry.path, entry.date, entry.reason) for entry in found] == [
        (ONLY, "2026-11-21", "一"),
        (NEW, "2026-11-22", "依法, 撤下"),
    ]


@pytest.mark.parametrize(
    "before", ["/r/", "https://nianbao.example/r/", "http://127.0.0.1:8001/r/"]
)
def test_a_path_may_be_the_address_of_a_page(before: str) -> None:
    (entry,) = read([HEADER, f"{before}{NEW},2026-11-22,一"])
    assert entry.path == NEW


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "line 1: expected path,date,reason, found nothing"),
        (["path,reason"], "line 1: expected path,date,reason, found 'path,reason'"),
        ([HEADER, f"{NEW},2026-11-22"], "line 2 has 2 fields, not 3"),
        ([HEADER, "", "/r/x,2026-11-22,一"], "line 3 (x): 'x' is no report like"),
        ([HEADER, f"{NEW.upper()},2026-11-22,一"], "is no report like"),
        ([HEADER, f"{'a' * 63},2026-11-22,一"], "is no report like"),
        ([HEADER, f"{NEW},2026-13-22,一"], f"line 2 ({NEW}): '2026-13-22' is no date like"),
        ([HEADER, f"{NEW},20261122,一"], "'20261122' is no date like 2026-11-22"),
        ([HEADER, f"{NEW},2026-11-22, "], "say in the last field why; readers are shown it"),
        ([HEADER, f"{NEW},2026-11-22,{'长' * 501}"], "the reason is longer than 500 characters"),
        ([HEADER, f"{NEW},2026-11-22,一\x07"], "the reason contains control characters"),
        ([HEADER, f'{NEW},2026-11-22,"一'], "line 2: unexpected end of data"),
        (
            [HEADER, f"{NEW},2026-11-22,一", f"{NEW},2026-11-23,二"],
            f"line 3 ({NEW}) repeats line 2: keep one of them",
        ),
    ],
)
def test_a_line_that_cannot_be_taken_is_named(lines: list[str], told: str) -> None:
    with pytest.raises(TakedownsError) as failure:
        read(lines)
    assert told in str(failure.value)


def test_nothing_is_published_with_a_list_that_is_wrong(data: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(f"{HEADER}\nx,2026-11-22,一\n", encoding="utf-8")
    with pytest.raises(TakedownsError, match=f"{wrong}: line 2"):
        publish(data, wrong)
    with pytest.raises(TakedownsError, match=r"missing\.csv: No such file"):
        publish(data, tmp_path / "missing.csv")
    assert not (data / "site").exists()


def test_an_empty_list_takes_nothing(data: Path, tmp_path: Path) -> None:
    summary = publish(data, listed(tmp_path))
    assert "taken down" not in str(summary)
    assert rows(data, "select count(*) from versions") == [(4,)]
    assert rows(data, "select * from takedowns") == []


def test_a_report_leaves_with_all_it_said(data: Path, tmp_path: Path) -> None:
    summary = publish(data, listed(tmp_path, f"{JYJ}/2023"))
    assert "taken down: 1 reports, 2 versions" in str(summary)
    assert rows(data, "select id from reports order by 1") == [(f"{JYJ}/2022",), (f"{ZF}/2023",)]
    assert rows(data, "select id from versions order by 1") == [(ONLY,), (OTHER,)]
    for table in OF_VERSION:
        shown = f"from {table} where version_id is not null"
        found = rows(data, f"select distinct version_id {shown} order by 1")
        assert found == [(ONLY,), (OTHER,)], table
    for table in ("events", "coverage", "measures"):
        found = rows(data, f"select report_id from {table} where report_id = '{JYJ}/2023'")
        assert found == [], table
    assert rows(data, "select * from changes") == []
    assert rows(data, "select number from counts where what = 'reports'") == [(2,)]
    assert rows(data, "select report_id from search_docs order by 1") == [
        (f"{JYJ}/2022",),
        (f"{ZF}/2023",),
    ]
    assert rows(data, "select title, report_id from sightings where url like '%jyj/2023'") == [
        (None, None),
        (None, None),
    ]
    # That the body published is so, and where the square leads says what became of it.
    assert rows(
        data,
        f"select state, report_id, evidence from coverage where issuer_id = '{JYJ}' "
        "and year = 2023",
    ) == [("published", None, f"/r/{JYJ}/2023")]
    # Every name that led there: the report, its versions, the digests of all that showed them.
    assert rows(data, "select path, target, reason from redirects order by path") == [
        (f"{JYJ}/2023", None, REASON),
        (f"{JYJ}/2023/{'a' * 11}0", None, REASON),
        (OLD, None, REASON),
        (f"{JYJ}/2023/{'b' * 11}0", None, REASON),
        (NEW, None, REASON),
        ("140600-old/2022", f"{JYJ}/2022", "同一机关"),
    ]
    assert rows(data, "select * from takedowns") == [(f"{JYJ}/2023", "2026-11-22", REASON)]


def test_nothing_of_it_is_left_in_the_file(data: Path, tmp_path: Path) -> None:
    publish(data, listed(tmp_path, f"{JYJ}/2023"))
    bytes_ = (data / "site" / "nianbao.db").read_bytes()
    for left, there in (("第a版的文字", False), ("第b版的文字", False), ("第c版的文字", True)):
        assert (left.encode() in bytes_) is there, left
    assert PHONE.encode() not in bytes_


@pytest.mark.parametrize(
    "named",
    # By its own name, by that of another payload that showed it, by the payload itself.
    [NEW, f"{JYJ}/2023/{'b' * 11}0", "b" * 64, "b" * 11 + "0" * 53],
)
def test_a_version_leaves_and_the_report_shows_the_one_before(
    data: Path, tmp_path: Path, named: str
) -> None:
    publish(data, listed(tmp_path, named))
    assert rows(data, "select id from versions order by 1") == [(ONLY,), (OLD,), (OTHER,)]
    assert rows(data, f"select current_version, title from reports where id = '{JYJ}/2023'") == [
        (OLD, "标题a")
    ]
    for table in OF_VERSION:
        assert rows(data, f"select * from {table} where version_id = '{NEW}'") == [], table
    assert rows(data, "select * from changes") == []
    assert rows(
        data,
        "select kind, version_id, from_version from events "
        f"where report_id = '{JYJ}/2023' order by position",
    ) == [("new", OLD, None), ("edited", None, OLD)]
    assert (NEW, None, REASON) in rows(data, "select * from redirects")
    assert rows(data, "select report_id from coverage where year = 2023 order by 1") == [
        (f"{JYJ}/2023",),
        (f"{ZF}/2023",),
    ]


def test_a_page_that_showed_what_stays_too_keeps_its_name(data: Path, tmp_path: Path) -> None:
    """Only its attachment was swapped: the page names the version before, which stays."""
    page = {"digest": "a" * 64, "url": f"http://example.gov.cn/{JYJ}/2023", "version_id": NEW,
            "fetched_at": "2024-03-02T14:00:00Z", "warc_file": "two.warc.gz", "offset": 1,
            "record_type": "revisit"}  # fmt: skip
    with closing(sqlite3.connect(data / "nianbao.db")) as db, db:
        db.execute(
            f"insert into captures ({', '.join(page)}) values ({', '.join(':' + key for key in page)})",
            page,
        )
    publish(data, listed(tmp_path, NEW))
    assert rows(data, "select path from redirects where target is null order by path") == [
        (f"{JYJ}/2023/{'b' * 11}0",),
        (NEW,),
    ]
    assert rows(data, f"select id from versions where report_id = '{JYJ}/2023'") == [(OLD,)]


def test_the_first_version_leaves_and_the_report_stays(data: Path, tmp_path: Path) -> None:
    publish(data, listed(tmp_path, OLD))
    assert rows(data, "select id, replaces from versions where report_id like '%jyj/2023'") == [
        (NEW, None)
    ]
    assert rows(data, f"select current_version from reports where id = '{JYJ}/2023'") == [(NEW,)]


@pytest.mark.parametrize("named", [OLD, NEW, ONLY, f"{JYJ}/2023", "d" * 64])
def test_nothing_that_stays_points_to_what_left(data: Path, tmp_path: Path, named: str) -> None:
    publish(data, listed(tmp_path, named))
    assert rows(data, "pragma foreign_key_check") == []


def test_the_only_version_takes_its_report_with_it(data: Path, tmp_path: Path) -> None:
    publish(data, listed(tmp_path, ONLY))
    assert rows(data, "select id from reports order by 1") == [(f"{JYJ}/2023",), (f"{ZF}/2023",)]
    assert (f"{JYJ}/2022", None, REASON) in rows(data, "select * from redirects")


def test_an_old_name_takes_down_what_it_leads_to(data: Path, tmp_path: Path) -> None:
    """A merger of two bodies must not bring back what was taken down."""
    publish(data, listed(tmp_path, "140600-old/2022"))
    assert rows(data, f"select * from reports where id = '{JYJ}/2022'") == []
    found = dict(rows(data, "select path, target from redirects where path like '%/2022'"))
    assert found == {"140600-old/2022": None, f"{JYJ}/2022": None}


def add(data: Path, table: str, *added: dict[str, Any]) -> None:
    with closing(sqlite3.connect(data / "nianbao.db")) as db:
        for row in added:
            places = ", ".join("?" * len(row))
            db.execute(
                f"insert into {table} ({', '.join(row)}) values ({places})", tuple(row.values())
            )
        db.commit()


ACROSS = ("XYEAR.carried.total", "PLAUSIBLE.leap", "PLAUSIBLE.copied_figures")
ALONE = ("ROW.received_new", "PLAUSIBLE.percent")
SECRET = "上年印作 7654321"


def quoting(data: Path, version: str, *rules: str) -> None:
    add(
        data,
        "findings",
        *(
            {"version_id": version, "rule": rule, "position": 2, "verdict": "fail"}
            | {"expected": "7654321", "explanation": SECRET}
            for rule in rules
        ),
    )


def told(data: Path) -> list[tuple[Any, ...]]:
    return rows(data, "select version_id, rule from findings where position = 2 order by 1, 2")


@pytest.mark.parametrize("named", [ONLY, f"{JYJ}/2022", "c" * 64])
def test_no_finding_of_the_next_year_quotes_what_was_taken_down(
    data: Path, tmp_path: Path, named: str
) -> None:
    for version in (OLD, NEW, OTHER):
        quoting(data, version, *ACROSS, *ALONE, "PLAUSIBLE.copied_text", "XYEAR.items.licensing")
    entries = listed(tmp_path, named)
    publish(data, entries)
    left = [(version, rule) for version in (OLD, NEW) for rule in sorted(ALONE)]
    whole = (*ACROSS, *ALONE, "PLAUSIBLE.copied_text", "XYEAR.items.licensing")
    assert told(data) == [*left, *((OTHER, rule) for rule in sorted(whole))]
    target = export(data, tmp_path / "release", listed=entries).target
    # Of what stays two findings each on two versions, and seven on the other body's.
    assert lines(target, "findings").count(SECRET) == 11


def test_findings_stay_that_quote_another_version_than_the_one_taken_down(
    data: Path, tmp_path: Path
) -> None:
    """The next year is held against what a report shows at present: here against NEW."""
    after = f"{JYJ}/2024/{'e' * 12}"
    report = {"id": f"{JYJ}/2024", "issuer_id": JYJ, "year": 2024, "current_version": after}
    add(data, "reports", report)
    add(data, "versions", {"id": after, "report_id": f"{JYJ}/2024", "number": 1})
    quoting(data, after, *ACROSS)
    publish(data, listed(tmp_path, OLD))
    assert told(data) == [(after, rule) for rule in sorted(ACROSS)]
    publish(data, listed(tmp_path, NEW))
    assert told(data) == []
    assert b"7654321" not in (data / "site" / "nianbao.db").read_bytes()


@pytest.mark.parametrize(
    ("body", "whole", "correction"),
    [
        ({"parent_id": "140600-rmzf"}, {}, None),
        ({"parent": "朔州市人民政府"}, {}, None),
        # People corrected the name of the whole; the build went by the one it was minted under.
        ({"parent": "朔州市人民政府"}, {"name": "朔州市政府", "minted_as": "朔州市人民政府"}, None),
        (
            {"parent": "朔州市人民政府", "division": "140600"},
            {"name": "山西省朔州市人民政府", "minted_as": None, "division": "140600"},
            None,
        ),
        # Or what stands above the body.
        ({"parent": "山西省人民政府"}, {}, f"issuer:{JYJ}"),
    ],
)
def test_no_sum_of_a_jurisdiction_gives_away_what_was_taken_down(
    data: Path,
    tmp_path: Path,
    body: dict[str, str],
    whole: dict[str, str | None],
    correction: str | None,
) -> None:
    sums = {year: f"140600-rmzf/{year}/{'f' * 12}" for year in (2022, 2023)}
    row = {"id": "140600-rmzf", "name": "朔州市人民政府", "minted_as": "朔州市人民政府"}
    add(data, "issuers", row | whole)
    for year, version in sums.items():
        report = version.rpartition("/")[0]
        told_of = {"issuer_id": "140600-rmzf", "year": year, "scope": "jurisdiction_aggregate"}
        add(data, "reports", {"id": report, "current_version": version, **told_of})
        add(data, "versions", {"id": version, "report_id": report, "number": 1})
        quoting(data, version, "HIER.sum", *ALONE)
    if correction:
        said = {"number": 1, "subject": correction, "aspect": "parent", "state": "applied"}
        add(data, "corrections", said)
    with closing(sqlite3.connect(data / "nianbao.db")) as db:
        for column, value in body.items():
            db.execute(f"update issuers set {column} = ? where id = ?", (value, JYJ))
        db.commit()
    publish(data, listed(tmp_path, ONLY))
    left = [(sums[2022], rule) for rule in sorted(ALONE)]
    assert told(data) == [*left, *((sums[2023], rule) for rule in ("HIER.sum", *sorted(ALONE)))]
    # Of a body that is no part of it nothing leaves.
    publish(data, listed(tmp_path, OTHER))
    assert len(told(data)) == 6


def test_every_rule_over_two_reports_is_known() -> None:
    """The formulas say which: [N-1], a year of its own, a sum over reports."""
    over_years = re.compile(r"\[(N-1|20\d\d)\]")
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("create table rules (rule text)")
        db.executemany("insert into rules values (?)", ((rule.id,) for rule in RULES))
        years, sums = (
            {rule for (rule,) in db.execute(f"select rule from rules where {condition}")}
            for condition in (takedowns.OF_YEAR_BEFORE, takedowns.OF_BODIES_BELOW)
        )
    assert years == {rule.id for rule in RULES if over_years.search(rule.formula)}
    assert sums == {rule.id for rule in RULES if "scope=" in rule.formula}


def test_no_list_tells_the_title_of_what_was_taken_down(data: Path, tmp_path: Path) -> None:
    """Nor on a night on which its address showed something else, or an attachment nothing."""
    url = f"http://example.gov.cn/{ONLY.rpartition('/')[0]}"
    night = {"url": url, "portal_id": "sz", "role": "page"}
    add(
        data,
        "sightings",
        night | {"night": "2024-05-01", "title": "列表2022", "reason": "标题 列表2022 不是年报"},
        # The address showed another report since.
        night | {"night": "2024-06-01", "title": "列表另一年", "report_id": f"{JYJ}/2023"},
        night
        | {
            "url": "http://example.gov.cn/x",
            "night": "2024-05-01",
            "title": "别的",
            "reason": "空",
        },
    )
    entries = listed(tmp_path, ONLY)
    publish(data, entries)
    of_url = f"from sightings where url = '{url}' order by night"
    assert rows(data, f"select night, title, reason, report_id {of_url}") == [
        ("2024-03-03", None, None, None),
        ("2024-05-01", None, None, None),
        ("2024-06-01", "列表另一年", None, f"{JYJ}/2023"),
    ]
    assert rows(data, "select title from sightings where url like '%/x'") == [("别的",)]
    target = export(data, tmp_path / "release", listed=entries).target
    assert "列表2022" not in lines(target, "sightings")
    assert "列表另一年" in lines(target, "sightings")


def test_the_title_of_a_version_leaves_with_it(data: Path, tmp_path: Path) -> None:
    """From every night that lists it so; not where what stays was listed by the same title."""
    url = f"http://example.gov.cn/{NEW.rpartition('/')[0]}"
    night = {"url": url, "portal_id": "sz", "role": "page", "report_id": f"{JYJ}/2023"}
    add(
        data,
        "sightings",
        night | {"night": "2024-05-01", "title": "张某的年报", "digest": "b" * 64},
        night | {"night": "2024-05-02", "title": "张某的年报"},
        night | {"night": "2024-05-03", "title": "两版同名", "digest": "b" * 64},
        night | {"night": "2024-04-30", "title": "两版同名", "digest": "a" * 64},
        night | {"night": "2024-05-01", "title": "张某的年报", "url": "http://example.gov.cn/x"},
    )
    entries = listed(tmp_path, NEW)
    publish(data, entries)
    told = (
        f"select night, title from sightings where url = '{url}' and night > '2024-04' order by 1"
    )
    assert rows(data, told) == [
        ("2024-04-30", "两版同名"),
        ("2024-05-01", None),
        ("2024-05-02", None),
        ("2024-05-03", "两版同名"),
    ]
    assert rows(data, "select title from sightings where url like '%/x'") == [("张某的年报",)]
    target = export(data, tmp_path / "release", listed=entries).target
    assert lines(target, "sightings").count("张某的年报") == 1


def test_a_name_that_nothing_bears_is_told_and_answers(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        publish(data, listed(tmp_path, f"{JYJ}/2019", "9" * 64, NEW))
    told = [record.getMessage() for record in caplog.records if "takedown" in record.getMessage()]
    assert [line.split()[2] for line in told] == [f"{JYJ}/2019", "9" * 64]
    assert (f"{JYJ}/2019", None, REASON) in rows(data, "select * from redirects")
    assert rows(data, "select count(*) from takedowns") == [(3,)]


def test_names_once_published_stay_listed_and_come_back(data: Path, tmp_path: Path) -> None:
    publish(data, listed(tmp_path))
    first = (data / "published.csv").read_text(encoding="utf-8")
    publish(data, listed(tmp_path, f"{JYJ}/2023"))
    assert (data / "published.csv").read_text(encoding="utf-8") == first
    names = {name for name, _ in published.load(data / "published.csv")}
    present = {
        name for (name,) in rows(data, "select id from reports union select id from versions")
    }
    gone = {name for (name,) in rows(data, "select path from redirects")}
    assert {f"{JYJ}/2023", OLD, NEW} <= names - present
    assert names <= present | gone
    publish(data, listed(tmp_path))
    assert rows(data, "select count(*) from versions") == [(4,)]


def test_the_archive_is_only_read(data: Path, tmp_path: Path) -> None:
    before = (data / "nianbao.db").read_bytes()
    publish(data, listed(tmp_path, f"{JYJ}/2023"))
    export(data, tmp_path / "release", listed=listed(tmp_path, f"{JYJ}/2023"))
    assert (data / "nianbao.db").read_bytes() == before


def lines(folder: Path, name: str) -> str:
    return (folder / "csv" / f"{name}.csv").read_text(encoding="utf-8")


def test_a_release_has_what_a_site_shows(data: Path, tmp_path: Path) -> None:
    entries = listed(tmp_path, f"{JYJ}/2023")
    publish(data, entries)
    target = export(data, tmp_path / "release", listed=entries).target
    shown = rows(data, "select id, title from versions order by 1")
    assert [name for name, _ in shown] == [ONLY, OTHER]
    for table in (*OF_VERSION, "versions", "changes", "derived"):
        text = lines(target, table)
        assert f"{JYJ}/2023" not in text, table
        assert (ONLY in text) == (table != "changes"), table
    # An answer that showed no report is evidence of that.
    assert GONE in lines(target, "captures")
    assert rows(data, f"select status from captures where url = '{GONE}'") == [(404,)]
    assert lines(target, "takedowns").splitlines()[1:] == [f'"{JYJ}/2023","2026-11-22","{REASON}"']
    assert f'"{NEW}",,"{REASON}"' in lines(target, "redirects")
    texts = rows(data, "select text from sections order by version_id")
    assert texts == [("第c版的文字，电话138********。",), ("第d版的文字，电话138********。",)]
    for (text,) in texts:
        assert text in lines(target, "sections")
    records = [json.loads(line) for line in (target / "reports.jsonl").open(encoding="utf-8")]
    assert [record["path"] for record in records] == [f"/r/{JYJ}/2022", f"/r/{ZF}/2023"]
    assert records[0]["sections"][0]["text"] == texts[0][0]
    assert records[0]["cells"][CELL] == "3"
    for path in (*target.rglob("*.csv"), target / "reports.jsonl"):
        assert PHONE not in path.read_text(encoding="utf-8"), path.name


def test_a_release_brings_its_list_back(data: Path, tmp_path: Path) -> None:
    """What made a release makes it again: the list stands in captures.csv, as corrections do."""
    entries = listed(tmp_path, f"{JYJ}/2023", "9" * 64)
    release = export(data, tmp_path / "release", listed=entries)
    assert str(release).endswith("; 2 takedowns in force")
    target = release.target
    summary = checkout(target / "captures.csv", data, tmp_path / "again")
    back = tmp_path / "again" / "takedowns.csv"
    assert f"Export it with --takedowns {back}" in str(summary)
    assert load(back) == load(entries)
    again = export(data, tmp_path / "second", listed=back).target
    files = {path.relative_to(target) for path in target.rglob("*") if path.is_file()}
    assert files == {path.relative_to(again) for path in again.rglob("*") if path.is_file()}
    for name in files:
        assert (again / name).read_bytes() == (target / name).read_bytes(), name


def test_a_release_of_a_year_knows_what_was_taken_down(data: Path, tmp_path: Path) -> None:
    target = export(data, tmp_path / "release", 2023, listed(tmp_path, NEW)).target
    assert f'"{OLD}"' in lines(target, "versions")
    assert NEW not in lines(target, "versions")
    assert f'"{NEW}",,"{REASON}"' in lines(target, "redirects")


def test_the_questions_of_a_release_use_the_indexes(data: Path, tmp_path: Path) -> None:
    """Hidden by views, tables of millions of rows are still found by their keys."""
    from archive.export.rows import public_tables
    from archive.export.shown import narrow

    with closing(sqlite3.connect(data / "nianbao.db", isolation_level=None)) as db:
        # Of a table with four rows every row is looked at, whatever its indexes.
        db.execute("drop table if exists sqlite_stat1")
        db.execute("drop table if exists sqlite_stat4")
    with closing(sqlite3.connect(data / "nianbao.db", isolation_level=None)) as db:
        narrow(db, public_tables(), load(listed(tmp_path, NEW)))
        for table in (*OF_VERSION, "versions"):
            column = "report_id" if table == "versions" else "version_id"
            plan = db.execute(
                f"explain query plan select * from {table} where {column} = 'x'"
            ).fetchall()
            assert not [step for *_, step in plan if step.startswith(f"SCAN {table}")], table


def test_the_archive_itself_stays_whole_and_can_be_proven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the operator asks of DATA has nothing to do with what the public is shown."""
    monkeypatch.setattr(readings, "read_report", fake_reading)
    data = tmp_path / "data"
    story().lay(data)
    build(data, workers=0)
    with closing(sqlite3.connect(data / "nianbao.db")) as db:
        version, report = db.execute("select id, report_id from versions order by 1").fetchone()
    publish(data, listed(tmp_path))
    publish(data, listed(tmp_path, report))
    assert rows(data, f"select id from versions where report_id = '{report}'") == []
    problems: list[Problem] = []
    summary = verify(data, problems.append, everything=True, today=date(2026, 11, 22))
    assert [problem for problem in problems if not problem.is_note] == []
    assert summary.problems == 0
    shelf, at = Shelf(str(data)), datetime(2026, 11, 22, 6, tzinfo=UTC)
    write_manifest(data, shelf, None, at)
    proven, bundle = prove(data, shelf, f"/r/{version}", at)
    assert proven == version
    with ZipFile(BytesIO(bundle)) as opened:
        assert version in opened.read("data/reading.json").decode()
