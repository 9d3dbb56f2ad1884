"""The fold, told as nights: what is captured comes out, whatever the order it lay in."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive import issuers, nights, readings, store, warc
from archive.build import BuildError, Summary, build
from archive.model import Evidence, Finding, Note, Reading, Section, State, Verdict
from archive.read import Part
from archive.shelf import Shelf

CELL = "requests.received_new.total"
PAGE = "http://www.a.gov.cn/2023.html"
FILE = "http://www.a.gov.cn/P0202401.pdf"
PORTAL = {
    "kind": "portal",
    "id": "shuozhou",
    "name": "朔州市人民政府",
    "division": "140600",
    "level": "prefecture",
    "home_url": "http://www.a.gov.cn/",
    "state": "ok",
}
TABLES = (
    *("portals", "issuers", "reports", "versions", "figures", "cell_notes", "sections"),
    *("findings", "changes", "events", "sightings", "visits", "fields", "identities"),
    *("issuer_names", "issuer_links", "divisions", "corrections", "redirects"),
)


def page(
    cell: str | None = "10", *, counter: int = 0, issuer: str = "朔州市教育局", links: str = ""
) -> bytes:
    """A page the fake reader understands; the counter is no content."""
    facts = {"issuer": issuer, "year": 2023, "cell": cell, "links": links, "counter": counter}
    return json.dumps(facts, ensure_ascii=False).encode()


def fake_reading(parts: Sequence[Part], evidence: Evidence) -> Reading:
    """Reads pages made by `page`; an attachment's bytes are its figure."""
    if b"bomb" in parts[0].data:
        raise RecursionError("a hostile page")
    if b"issuer" not in parts[0].data:
        return Reading(False, "不是年报")
    facts = json.loads(parts[0].data)
    files = [part.data.decode() for part in parts[1:]]
    cell = files[-1] if files else facts["cell"]
    content = f"{facts['issuer']} {cell} {facts['links']} {files}"
    return Reading(
        True,
        "",
        issuer=facts["issuer"],
        year=facts["year"],
        form="2021",
        title=f"{facts['issuer']}2023年政府信息公开工作年度报告",
        sections=(Section(1, "一、总体情况", f"受理{cell}件\0"),),
        cells={CELL: cell, "requests.carried_in.total": None},
        notes={"requests.carried_in.total": Note(State.BLANK)},
        findings=(Finding("ROW.received_new", Verdict.PASS, cell, cell),),
        media_type="text/html",
        content_digest=hashlib.sha256(content.encode()).hexdigest(),
    )


@dataclass
class Crawl:
    """What a crawl leaves behind: answers and lines, to be laid into files later."""

    answers: list[tuple[str, bytes, str, str]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def home(self, night: int, state: str = "ok") -> None:
        moment = f"2026-11-{night:02}T13:00:00Z"
        self.lines.append(
            PORTAL | {"night": f"2026-11-{night:02}", "seen_at": moment, "state": state}
        )

    def see(
        self,
        night: int,
        payload: bytes | None = None,
        verdict: str = "ok",
        url: str = PAGE,
        report_url: str | None = None,
        kind: str = "response",
        kept: bool = True,
    ) -> None:
        moment = f"2026-11-{night:02}T14:00:00Z"
        digest = hashlib.sha256(payload).hexdigest() if payload is not None else None
        if payload is not None and kept:
            self.answers.append((url, payload, moment, kind))
        self.lines.append(
            {
                "kind": "report",
                "night": f"2026-11-{night:02}",
                "seen_at": moment,
                "portal_id": "shuozhou",
                "url": url,
                "title": "2023年政府信息公开工作年度报告",
                "listed_on": "http://www.a.gov.cn/nb/",
                "role": "attachment" if report_url else "page",
                "report_url": report_url,
                "verdict": verdict,
                "status": 200,
                "digest": digest,
                "fetched_at": moment if payload is not None else None,
            }
        )

    def visit(self, night: int, portal_id: str = "shuozhou", **said: str | int) -> None:
        self.lines.append(
            {
                "kind": "visit",
                "night": f"2026-11-{night:02}",
                "seen_at": f"2026-11-{night:02}T14:30:00Z",
                "portal_id": portal_id,
                "state": "ok",
            }
            | said
        )

    def lay(self, data: Path, shards: int = 1) -> Path:
        """Write closed files, the answers and lines dealt out to the shards."""
        for folder in ("warc", "sightings"):
            (data / folder).mkdir(parents=True, exist_ok=True)
        for shard in range(shards):
            # A closed file never changes: what has been laid once stays beside what is laid now.
            stem = f"20261121T14000{shard}Z-{len(self.answers):03x}{len(self.lines):03x}"
            write_segment(data / "warc" / f"{stem}.warc.gz", self.answers[shard::shards])
            lines = (
                json.dumps(line, ensure_ascii=False) + "\n" for line in self.lines[shard::shards]
            )
            (data / "sightings" / f"{stem}.jsonl").write_text("".join(lines), encoding="utf-8")
        return data


def write_segment(path: Path, answers: Iterable[tuple[str, bytes, str, str]]) -> None:
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True, warc_version="1.1")
        writer.write_record(writer.create_warcinfo_record(path.name, {"software": "test"}))
        for url, payload, moment, kind in answers:
            headers = StatusAndHeaders(
                "200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1"
            )
            body = b"" if kind == "revisit" else payload
            digest = "sha256:" + hashlib.sha256(payload).hexdigest()
            writer.write_record(
                writer.create_warc_record(
                    url,
                    kind,
                    payload=io.BytesIO(body),
                    length=len(body),
                    http_headers=headers,
                    warc_headers_dict={"WARC-Payload-Digest": digest, "WARC-Date": moment},
                )
            )


@pytest.fixture(autouse=True)
def read(monkeypatch: pytest.MonkeyPatch) -> list[Evidence]:
    """The evidence of every document the fake reader was given."""
    asked: list[Evidence] = []

    def reading(parts: Sequence[Part], evidence: Evidence) -> Reading:
        asked.append(evidence)
        return fake_reading(parts, evidence)

    monkeypatch.setattr(readings, "read_report", reading)
    return asked


def fold(data: Path, rebuild: bool = False) -> Summary:
    return build(data, rebuild, workers=0)


def rows(data: Path, sql: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(data / "nianbao.db") as db:
        return db.execute(sql).fetchall()


def dump(data: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All tables; of the captures what does not say in which file they lie."""
    tables = {table: sorted(rows(data, f"select * from {table}"), key=repr) for table in TABLES}
    tables["captures"] = rows(
        data,
        "select digest, url, fetched_at, status, media_type, record_type, version_id"
        " from captures order by 1, 2, 3",
    )
    return tables


def story() -> Crawl:
    """Six nights: first seen, only the counter moved, edited, unchanged, edited back, gone."""
    crawl = Crawl()
    for night in range(1, 7):
        crawl.home(night)
        crawl.visit(night, requests=10, new=int(night == 1))
        crawl.visit(night, requests=12, new=int(night == 1))
    crawl.see(1, page(counter=1))
    crawl.see(2, page(counter=2))
    crawl.see(3, page("12"))
    crawl.see(4, page("12"), "not_modified", kind="revisit")
    crawl.see(5, page(counter=5))
    crawl.see(6, None, "gone")
    for night in (1, 2):
        crawl.see(night, page("7", issuer="朔州市人民政府"), url="http://www.a.gov.cn/zf.html")
        crawl.see(night, b"<html>notice</html>", url="http://www.a.gov.cn/notice.html")
        crawl.see(night, b"bomb", url="http://www.a.gov.cn/bomb.html")
    return crawl


def test_the_story_of_a_report(tmp_path: Path) -> None:
    data = story().lay(tmp_path)
    summary = fold(data)
    first, second = (hashlib.sha256(page(counter=1)), hashlib.sha256(page("12")))
    ids = [f"140600-jyj/2023/{sha256.hexdigest()[:12]}" for sha256 in (first, second)]
    assert rows(data, "select id, status, current_version from reports order by id") == [
        ("140600-jyj/2023", "suspect", ids[0]),
        (
            "140600-rmzf/2023",
            "live",
            "140600-rmzf/2023/"
            + hashlib.sha256(page("7", issuer="朔州市人民政府")).hexdigest()[:12],
        ),
    ]
    assert rows(
        data,
        "select id, number, first_seen, last_seen, numbers_read, nonzero_cells from versions"
        " where report_id = '140600-jyj/2023' order by number",
    ) == [
        (ids[0], 1, "2026-11-01T14:00:00Z", "2026-11-05T14:00:00Z", 1, 1),
        (ids[1], 2, "2026-11-03T14:00:00Z", "2026-11-04T14:00:00Z", 1, 1),
    ]
    assert rows(
        data, "select from_version, to_version, field, before, after from changes where field > ''"
    ) == [(ids[1], ids[0], CELL, "12", "10"), (ids[0], ids[1], CELL, "10", "12")]
    assert rows(data, "select requests__received_new__total from figures order by 1") == [
        (7,),
        (10,),
        (12,),
    ]
    assert rows(data, "select distinct field, state from cell_notes") == [
        ("requests.carried_in.total", "blank")
    ]
    assert rows(data, "select text from sections order by 1")[0] == ("受理10件\ufffd",)
    assert (summary.reports, summary.versions, summary.minted) == (2, 3, 2)
    assert (summary.refused, summary.failed, summary.waiting) == (1, 1, 0)
    assert rows(data, "select last_ok, state from portals") == [("2026-11-06", "ok")]


def test_every_capture_knows_its_version(tmp_path: Path) -> None:
    data = story().lay(tmp_path)
    fold(data)
    found = rows(
        data,
        "select substr(fetched_at, 9, 2), record_type, versions.number from captures"
        f" left join versions on versions.id = version_id where url = '{PAGE}' order by 1",
    )
    assert found == [
        ("01", "response", 1),
        ("02", "response", 1),
        ("03", "response", 2),
        ("04", "revisit", 2),
        ("05", "response", 1),
    ]


def test_what_is_no_report_says_why(tmp_path: Path) -> None:
    data = story().lay(tmp_path)
    fold(data)
    assert rows(
        data, "select url, report_id, reason from sightings where night = '2026-11-02' order by url"
    ) == [
        (PAGE, "140600-jyj/2023", None),
        ("http://www.a.gov.cn/bomb.html", None, "读取失败：RecursionError a hostile page"),
        ("http://www.a.gov.cn/notice.html", None, "不是年报"),
        ("http://www.a.gov.cn/zf.html", "140600-rmzf/2023", None),
    ]
    gone = rows(data, "select report_id, verdict, digest from sightings where night = '2026-11-06'")
    assert gone == [("140600-jyj/2023", "gone", None)]


@pytest.mark.parametrize("seed", range(5))
def test_order_repetition_and_shards_do_not_show(tmp_path: Path, seed: int) -> None:
    whole = story().lay(tmp_path / "whole")
    fold(whole)
    crawl = story()
    chance = random.Random(seed)
    crawl.answers += chance.sample(crawl.answers, 4)
    crawl.lines += chance.sample(crawl.lines, 6)
    chance.shuffle(crawl.answers)
    chance.shuffle(crawl.lines)
    dealt = crawl.lay(tmp_path / "dealt", shards=1 + seed)
    fold(dealt)
    assert dump(dealt) == dump(whole)
    ledgers = [(data / "ledger.csv").read_text(encoding="utf-8") for data in (whole, dealt)]
    assert ledgers[0] == ledgers[1]


def test_the_archive_can_be_deleted_and_rebuilt(tmp_path: Path, read: list[Evidence]) -> None:
    data = story().lay(tmp_path)
    fold(data)
    before, documents = dump(data), len(read)
    (data / "nianbao.db").unlink()
    fold(data)
    assert len(read) == documents + 1  # only the one that failed is tried again
    assert dump(data) == before
    fold(data, rebuild=True)
    assert len(read) == 2 * documents + 1
    assert dump(data) == before


def test_each_night_built_by_itself_or_all_at_once(tmp_path: Path) -> None:
    crawl, nightly = story(), tmp_path / "nightly"
    dates = sorted({line["night"] for line in crawl.lines})
    for night in dates:
        part = Crawl(
            [answer for answer in crawl.answers if answer[2] <= night + "Z"],
            [line for line in crawl.lines if line["night"] <= night],
        )
        fold(part.lay(nightly))
    at_once = crawl.lay(tmp_path / "at-once")
    fold(at_once)
    assert dump(nightly) == dump(at_once)


def test_a_second_night_reads_only_what_is_new(tmp_path: Path, read: list[Evidence]) -> None:
    crawl = Crawl()
    crawl.home(1)
    crawl.see(1, page())
    assert fold(crawl.lay(tmp_path)).read == 1
    crawl.see(2, page(), "not_modified", kind="revisit")
    crawl.see(2, page("3", issuer="朔州市水利局"), url="http://www.a.gov.cn/slj.html")
    summary = fold(crawl.lay(tmp_path))
    assert (summary.read, summary.remembered) == (1, 1)
    assert [evidence.url for evidence in read] == [PAGE, "http://www.a.gov.cn/slj.html"]


def test_a_304_shows_what_was_there(tmp_path: Path) -> None:
    crawl = Crawl()
    crawl.home(1)
    crawl.see(1, page())
    crawl.see(2, None, "not_modified")
    fold(crawl.lay(tmp_path))
    assert rows(tmp_path, "select last_seen from versions") == [("2026-11-02T14:00:00Z",)]


def test_a_revisit_at_another_address_shows_the_bytes_it_refers_to(tmp_path: Path) -> None:
    """The crawl keeps identical bytes once, wherever and whenever they come: A, B, A, and a copy."""
    crawl, copy = Crawl(), "http://www.a.gov.cn/zj/copy.html"
    for night in (1, 2, 3):
        crawl.home(night)
    crawl.see(1, page("10"))
    crawl.see(2, page("12"))
    crawl.see(3, page("10"), kind="revisit")
    other = page("7", issuer="朔州市人民政府")
    crawl.see(1, other, url="http://www.a.gov.cn/zf.html")
    crawl.see(3, other, url=copy, kind="revisit")
    fold(crawl.lay(tmp_path, shards=2))
    edited = "select count(*) from versions where report_id = (select report_id from sightings where url = ? limit 1)"
    with sqlite3.connect(tmp_path / "nianbao.db") as db:
        assert db.execute(edited, (PAGE,)).fetchone() == (2,)
        shown = "select version_id from captures where url = ? order by fetched_at"
        [first], [second], [third] = db.execute(shown, (PAGE,)).fetchall()
        assert first == third != second
        assert db.execute(edited, (copy,)).fetchone() == (1,)
        assert db.execute(
            "select count(distinct report_id), count(*) from sightings where url in (?, ?)",
            ("http://www.a.gov.cn/zf.html", copy),
        ).fetchone() == (1, 2)
        assert db.execute(
            "select record_type, version_id is not null from captures where url = ?", (copy,)
        ).fetchall() == [("revisit", 1)]


def test_a_page_edited_while_its_night_was_begun_again_has_two_versions(tmp_path: Path) -> None:
    """A frontier was lost: the night asks once more, and one address and night has one row."""
    crawl = Crawl()
    crawl.home(1)
    crawl.see(1, page("10"))
    crawl.see(1, page("12"))
    crawl.lines[-1] |= {"seen_at": "2026-11-01T15:00:00Z", "fetched_at": "2026-11-01T15:00:00Z"}
    crawl.answers[-1] = (PAGE, page("12"), "2026-11-01T15:00:00Z", "response")
    fold(crawl.lay(tmp_path))
    assert rows(tmp_path, "select requests__received_new__total from figures order by 1") == [
        (10,),
        (12,),
    ]
    assert rows(tmp_path, "select kind from events order by position") == [("new",), ("edited",)]
    assert rows(tmp_path, "select seen_at from sightings") == [("2026-11-01T15:00:00Z",)]
    assert rows(
        tmp_path,
        "select number from captures join versions on versions.id = version_id order by fetched_at",
    ) == [(1,), (2,)]


def test_a_sighting_whose_segment_is_still_open_waits(tmp_path: Path) -> None:
    crawl = Crawl()
    crawl.home(1)
    crawl.see(1, page(), kept=False)
    assert fold(crawl.lay(tmp_path)).waiting == 1
    assert rows(tmp_path, "select report_id, reason from sightings") == [(None, nights.WAITING)]
    crawl.answers.append((PAGE, page(), "2026-11-01T14:00:00Z", "response"))
    assert fold(crawl.lay(tmp_path)).waiting == 0
    assert rows(tmp_path, "select report_id, reason from sightings") == [("140600-jyj/2023", None)]


def test_a_portal_not_yet_described_mints_no_wrong_id(tmp_path: Path) -> None:
    crawl = Crawl()
    crawl.see(1, page())
    assert fold(crawl.lay(tmp_path)).waiting == 1
    crawl.home(1)
    assert fold(crawl.lay(tmp_path)).reports == 1


def with_file(night: int, crawl: Crawl, figure: bytes, url: str = FILE, name: str = "") -> None:
    name = name or url.rpartition("/")[2]
    crawl.see(night, page(links=name))
    crawl.see(night, figure, url=url, report_url=PAGE)


def test_a_file_that_comes_a_night_late_is_no_edit(tmp_path: Path) -> None:
    crawl = Crawl()
    crawl.home(1)
    crawl.see(1, page(links="P0202401.pdf"))
    crawl.see(1, None, "error", url=FILE, report_url=PAGE)
    with_file(2, crawl, b"25")
    crawl.see(3, page(links="P0202401.pdf"))
    crawl.see(3, None, "error", url=FILE, report_url=PAGE)
    assert fold(crawl.lay(tmp_path)).versions == 1
    assert rows(tmp_path, "select requests__received_new__total from figures") == [(25,)]


def test_a_file_replaced_under_its_name(tmp_path: Path) -> None:
    crawl = Crawl()
    crawl.home(1)
    with_file(1, crawl, b"25")
    with_file(2, crawl, b"26")
    fold(crawl.lay(tmp_path))
    page_digest = hashlib.sha256(page(links="P0202401.pdf")).hexdigest()
    names = rows(tmp_path, "select substr(id, -12) from versions order by number")
    assert names == [(page_digest[:12],), (hashlib.sha256(b"26").hexdigest()[:12],)]
    assert rows(
        tmp_path,
        "select fetched_at, number from captures join versions on versions.id = version_id"
        " order by 1, 2",
    ) == [
        ("2026-11-01T14:00:00Z", 1),
        ("2026-11-01T14:00:00Z", 1),
        ("2026-11-02T14:00:00Z", 2),
        ("2026-11-02T14:00:00Z", 2),
    ]


def test_a_page_that_names_another_file_no_longer_has_the_old_one(tmp_path: Path) -> None:
    other = "http://www.a.gov.cn/P0202402.pdf"
    crawl = Crawl()
    crawl.home(1)
    with_file(1, crawl, b"25")
    with_file(2, crawl, b"26", other)
    crawl.see(2, b"25", "not_modified", url=FILE, report_url=PAGE, kind="revisit")
    fold(crawl.lay(tmp_path))
    assert rows(
        tmp_path,
        "select requests__received_new__total from figures join versions on id = version_id"
        " order by number",
    ) == [(25,), (26,)]


def test_an_attachment_without_its_page_waits(tmp_path: Path) -> None:
    crawl = Crawl()
    crawl.home(1)
    crawl.see(1, b"25", url=FILE, report_url=PAGE)
    assert fold(crawl.lay(tmp_path)).waiting == 1


def test_three_nights_gone_and_back(tmp_path: Path) -> None:
    crawl = Crawl()
    crawl.see(1, page())
    for night in range(1, 6):
        crawl.home(night, "ok" if night != 3 else "error")
    for night, status in ((2, "suspect"), (3, "suspect"), (4, "suspect"), (5, "gone")):
        crawl.see(night, None, "gone")
        fold(crawl.lay(tmp_path))
        assert rows(tmp_path, "select status from reports") == [(status,)]
    crawl.see(6, page())
    fold(crawl.lay(tmp_path))
    assert rows(tmp_path, "select status from reports") == [("back",)]


def test_of_repeated_lines_the_last_holds(tmp_path: Path) -> None:
    crawl = Crawl()
    crawl.home(1)
    crawl.see(1, None, "error")
    crawl.lines[-1]["seen_at"] = "2026-11-01T13:59:00Z"
    crawl.see(1, page())
    fold(crawl.lay(tmp_path))
    assert rows(tmp_path, "select verdict from sightings") == [("ok",)]


def test_a_torn_line_and_a_torn_record_are_told_and_passed_over(tmp_path: Path) -> None:
    crawl = Crawl()
    crawl.home(1)
    crawl.see(1, page())
    data = crawl.lay(tmp_path)
    (sightings,) = (data / "sightings").glob("*.jsonl")
    sightings.write_bytes(sightings.read_bytes() + b'{"kind":"report","night":"20')
    (segment,) = (data / "warc").glob("*.warc.gz")
    segment.write_bytes(segment.read_bytes() + segment.read_bytes()[:100])
    summary = fold(data)
    assert summary.reports == 1
    assert summary.bad_lines == [f"{sightings.name} line 3"]
    assert [damage.warc_file for damage in summary.damages] == [segment.name]


def test_a_visit_is_a_row_and_its_portal_another(tmp_path: Path) -> None:
    crawl = Crawl()
    crawl.home(1)
    crawl.visit(1, requests=40, bytes=9000, lists=2, new=3, saved=7, seconds=61.5)
    crawl.visit(1, "withdrawn", state="opted_out")
    fold(crawl.lay(tmp_path))
    shown = "portal_id, night, state, requests, bytes, lists, new, saved, seconds"
    assert rows(tmp_path, f"select {shown} from visits order by 1") == [
        ("shuozhou", "2026-11-01", "ok", 40, 9000, 2, 3, 7, 61.5),
        ("withdrawn", "2026-11-01", "opted_out", None, None, None, None, None, None),
    ]
    assert rows(tmp_path, "select id, state from portals order by 1") == [
        ("shuozhou", "ok"),
        ("withdrawn", "opted_out"),
    ]


def test_two_builds_do_not_meet(tmp_path: Path) -> None:
    story().lay(tmp_path)
    with (
        issuers.locked(tmp_path / "build.lock"),
        pytest.raises(BuildError, match=r"another build.*build\.lock"),
    ):
        fold(tmp_path)


def test_a_damaged_memory_is_forgotten(tmp_path: Path, read: list[Evidence]) -> None:
    data = story().lay(tmp_path)
    fold(data)
    before, documents = dump(data), len(read)
    for leftover in data.glob("fold.db*"):
        leftover.unlink()
    (data / "fold.db").write_bytes(b"no database at all" * 100)
    fold(data)
    assert len(read) == 2 * documents
    assert dump(data) == before


def read_for_ever(_: Shelf, task: readings.Task) -> bytes:
    os.kill(int(os.environ["BUILD"]), signal.SIGKILL)
    signal.pause()
    return b""


def test_a_killed_build_leaves_no_lock(tmp_path: Path) -> None:
    """Its workers die with it and hold nothing of it."""
    data = story().lay(tmp_path)
    program = (
        "import os, pathlib, sys; import test_build; from archive import readings\n"
        "from archive.build import build\n"
        "os.environ['BUILD'] = str(os.getpid())\n"
        "readings.read_task = test_build.read_for_ever\n"
        "build(pathlib.Path(sys.argv[1]))\n"
    )
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parent)])
    killed = subprocess.run(
        [sys.executable, "-c", program, str(data)],
        cwd=here.parent,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,  # its end is seen when the last process that holds it has gone
        check=False,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    with (data / "build.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # waits for the workers, were they still there for ever
    assert fold(data).reports == 2


def test_no_data_folder(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="nowhere"):
        fold(tmp_path / "nowhere")


def test_an_empty_data_folder_gives_an_empty_archive(tmp_path: Path) -> None:
    assert fold(tmp_path).reports == 0
    assert rows(tmp_path, "select count(*) from fields")[0][0] > 200


def test_a_failed_build_leaves_the_last_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = story().lay(tmp_path)
    fold(data)
    before = dump(data)

    def broken(*_: object, **__: object) -> None:
        raise store.ArchiveError("disk full")

    monkeypatch.setattr(store, "put_in_place", broken)
    with pytest.raises(store.ArchiveError):
        fold(data)
    assert dump(data) == before
    assert not (data / "nianbao.db.new").exists()


def test_a_full_disk_does_not_cost_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = story().lay(tmp_path)
    fold(data)
    remembered = (data / "fold.db").read_bytes()

    def full(_: Path) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("archive.build.Memory", full)
    with pytest.raises(BuildError, match="disk is full"):
        fold(data)
    assert (data / "fold.db").read_bytes() == remembered


def test_a_segment_damaged_since_it_was_taken_in_is_named_with_the_cure(tmp_path: Path) -> None:
    """Its page showed two contents, and a file is learned of: does the first name it?"""
    data = tmp_path / "data"
    first = Crawl()
    first.home(1)
    first.see(1, page("10", links=" " * 5000))
    first.see(2, page("12"))
    fold(first.lay(data))
    (segment,) = (data / "warc").iterdir()
    was, content = segment.stat(), segment.read_bytes()
    place = content.index(b"\x1f\x8b\x08", 1) + 200
    segment.write_bytes(content[:place] + bytes(8) + content[place + 8 :])
    os.utime(segment, ns=(was.st_atime_ns, was.st_mtime_ns))
    second = Crawl()
    second.see(2, b"7", url=FILE, report_url=PAGE)
    second.lay(data)
    with pytest.raises(BuildError, match=rf"{segment.name} at .*Restore that file from the backup"):
        fold(data)


def test_a_page_too_large_to_be_one_does_not_stop_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked whether it names a file, as of every page that showed two contents: it names none."""
    monkeypatch.setattr(warc, "MAX_DECODED", 10_000)
    crawl = Crawl()
    crawl.home(1)
    crawl.see(1, page("10"))
    crawl.see(1, b"7", url=FILE, report_url=PAGE)
    crawl.see(2, page("12", links=FILE + " " * 10_000))
    data = crawl.lay(tmp_path)
    summary = fold(data)
    assert (summary.reports, summary.versions, summary.failed) == (1, 1, 1)
    told = rows(data, f"select reason from sightings where url = '{PAGE}' order by night")
    assert told[0] == (None,)
    assert told[1][0].endswith("more than 10000 bytes")


def read_or_die(shelf: Shelf, task: readings.Task) -> bytes:
    parts = [
        Part(warc.read_payload(shelf, source.warc_file, source.offset)) for source in task.sources
    ]
    if b"bomb" in parts[0].data:
        os._exit(6)
    return readings.pack_reading(fake_reading(parts, task.evidence))


def test_a_document_that_kills_its_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PDF bombs abort the process that opens them; the other documents are read all the same."""
    monkeypatch.setattr(readings, "read_task", read_or_die)
    data = story().lay(tmp_path)
    summary = build(data, workers=2)
    assert (summary.reports, summary.failed) == (2, 1)
    assert rows(data, "select distinct url, reason from sightings where reason like '读取%'") == [
        ("http://www.a.gov.cn/bomb.html", "读取程序异常终止（代码 6）")
    ]


def test_findings_across_years_and_bodies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A year is compared with the one before, a whole city with what is in it."""

    def reading(parts: Sequence[Part], evidence: Evidence) -> Reading:
        facts = json.loads(parts[0].data)
        digest = hashlib.sha256(parts[0].data).hexdigest()
        return Reading(True, "", form="2021", content_digest=digest, **facts)

    monkeypatch.setattr(readings, "read_report", reading)
    crawl = Crawl()
    crawl.home(1)
    for issuer, year, scope, received, carried_in, carried_out in (
        ("朔州市教育局", 2022, "own_body", "3", "0", "4"),
        ("朔州市教育局", 2023, "own_body", "20", "5", "0"),
        ("朔州市人民政府", 2023, "jurisdiction_aggregate", "19", "0", "0"),
    ):
        facts = {
            "issuer": issuer,
            "year": year,
            "scope": scope,
            "cells": {
                CELL: received,
                "requests.carried_in.total": carried_in,
                "requests.carried_out.total": carried_out,
            },
        }
        url = f"http://www.a.gov.cn/{len(crawl.lines)}.html"
        crawl.see(1, json.dumps(facts).encode(), url=url)
    fold(crawl.lay(tmp_path))
    found = rows(
        tmp_path,
        "select name, year, rule, verdict, expected, actual from findings"
        " join versions on versions.id = version_id join reports on reports.id = report_id"
        " join issuers on issuers.id = issuer_id where expected is not null order by 1, 2, 3",
    )
    assert found == [
        ("朔州市人民政府", 2023, "HIER.sum", "fail", "20", "19"),
        ("朔州市教育局", 2023, "XYEAR.carried.total", "fail", "4", "5"),
    ]
