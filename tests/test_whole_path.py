"""The whole path: portals in, archive out, over four nights, through kills and rebuilds.

Every step is run as a user runs it: `scrapy crawl`, then `python -m archive build`.
"""

import html
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote, unquote

import pytest

from archive.form import PRINTED
from tests.portals.serve import ExamplePortals
from tests.test_corpus import CORPUS, ENTRIES, name, number, reading

ROOT = Path(__file__).resolve().parent.parent
# In the season, when what is young is asked every night; and outside it.
NIGHTS = ("2027-02-01", "2027-02-02", "2027-02-03", "2027-02-04")
QUIET = ("2026-11-21", "2026-11-22")


def crawl_command(data: Path, registry: Path, night: str, delay: float = 0.0) -> list[str]:
    return [
        *(sys.executable, "-m", "scrapy", "crawl", "annual_reports"),
        *("-a", f"portals={registry}", "-a", f"night={night}", "-s", f"DATA={data}"),
        *("-s", "ALLOW_PRIVATE_NETWORK=True", "-s", f"DOWNLOAD_DELAY={delay}"),
        *("-s", "LOG_LEVEL=WARNING"),
    ]


def crawl(data: Path, registry: Path, night: str) -> None:
    done = subprocess.run(
        crawl_command(data, registry, night), cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]


def build(data: Path, *options: str) -> None:
    command = [sys.executable, "-m", "archive", "build", "--data", str(data), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]


def ask(data: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(f"file:{data / 'nianbao.db'}?mode=ro", uri=True)
    try:
        return database.execute(sql, values).fetchall()
    finally:
        database.close()


def tables(data: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every public table, rows sorted."""
    names = [row[0] for row in ask(data, "select name from sqlite_master where type = 'table'")]
    return {
        table: sorted(ask(data, f"select * from [{table}]"), key=repr)
        for table in names
        if not table.startswith("sqlite_")
    }


def what_was_found(data: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What two crawls of the same nights must agree on: all but moments and places in files."""
    return {
        "reports": ask(
            data,
            "select issuer_id, year, form, title, published_on, url, status from reports order by id",
        ),
        "versions": ask(
            data,
            "select report_id, number, title, form, content_digest from versions order by 1, 2",
        ),
        "figures": ask(
            data,
            "select report_id, number, figures.* from figures join versions on id = version_id order by 1, 2",
        ),
        "changes": ask(
            data,
            "select report_id, position, field, section, before, after from changes order by 1, 2",
        ),
        "findings": ask(
            data,
            "select report_id, number, rule, verdict from findings join versions on id = version_id order by 1, 2, 3",
        ),
        "sightings": ask(
            data,
            "select url, night, role, title, verdict, report_id, reason from sightings order by 1, 2",
        ),
    }


@pytest.fixture(scope="module")
def four_nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The example portals, crawled and built on four nights; what was asked for and found."""
    data = tmp_path_factory.mktemp("nights")
    seen: dict[str, Any] = {"data": data, "nights": []}
    with ExamplePortals(night=1) as portals:
        registry = portals.registry(data / "portals.csv")
        seen["truth"] = []
        for number_, night in enumerate(NIGHTS, 1):
            portals.night = number_
            before = {key: len(hits) for key, hits in portals.log.items()}
            crawl(data, registry, night)
            build(data)
            asked = {key: hits[before[key] :] for key, hits in portals.log.items()}
            seen["truth"].append(portals.truth())
            seen["nights"].append(
                {
                    "asked": asked,
                    "status": dict(ask(data, "select url, status from reports")),
                    "versions": ask(data, "select count(*) from versions")[0][0],
                    "reports": ask(data, "select count(*) from reports")[0][0],
                    "changes": ask(data, "select * from changes"),
                }
            )
        seen["lookalikes"] = portals.lookalikes()
    return seen


def test_every_report_is_found_and_no_lookalike(four_nights: dict[str, Any]) -> None:
    data = four_nights["data"]
    found = {(issuer, year) for issuer, year in ask(
        data, "select issuers.name, year from reports join issuers on issuers.id = issuer_id"
    )}  # fmt: skip
    expected = {
        (report["issuer"], report["year"]) for truth in four_nights["truth"] for report in truth
    }
    assert found == expected
    urls = {url for (url,) in ask(data, "select url from reports")}
    assert urls == {report["url"] for truth in four_nights["truth"] for report in truth}
    assert not urls & {lookalike["url"] for lookalike in four_nights["lookalikes"]}


def test_every_cell_is_as_printed(four_nights: dict[str, Any]) -> None:
    data = four_nights["data"]
    columns = [PRINTED[key].flat for key in PRINTED]
    rows = ask(
        data,
        f"select url, {', '.join(columns)} from reports join figures on version_id = current_version",
    )
    archived = {row[0]: dict(zip(PRINTED, row[1:], strict=True)) for row in rows}
    compared = 0
    # The last night's truth, and the vanished report as it was when last seen.
    truth = {report["url"]: report for truth in four_nights["truth"] for report in truth}
    for url, report in truth.items():
        for key, printed in report["cells"].items():
            value = archived[url][key]
            assert number(None if value is None else str(value)) == number(printed), (url, key)
            compared += 1
    assert compared > 10_000


def test_the_second_night_has_one_edit_one_arrival_one_removal(four_nights: dict[str, Any]) -> None:
    first, second, third, fourth = four_nights["nights"]
    truth_1, truth_2 = four_nights["truth"][:2]
    gone = {r["url"] for r in truth_1} - {r["url"] for r in truth_2}
    new = {r["url"] for r in truth_2} - {r["url"] for r in truth_1}
    edited = {
        b["url"]
        for a in truth_1
        for b in truth_2
        if a["url"] == b["url"] and a["cells"] != b["cells"]
    }
    assert (len(gone), len(new), len(edited)) == (1, 1, 1)
    assert set(first["status"].values()) == {"live"}
    assert second["reports"] == first["reports"] + 1
    assert second["versions"] == first["versions"] + 2  # the edited one, and the new report's first
    assert {url for url, status in second["status"].items() if status == "suspect"} == gone
    assert {url for url, status in third["status"].items() if status == "suspect"} == gone
    assert {url for url, status in fourth["status"].items() if status == "gone"} == gone
    assert {status for url, status in fourth["status"].items() if url not in gone} == {"live"}
    # Counters change on every page and every night, and make nothing.
    assert first["changes"] == []
    assert second["changes"] == third["changes"] == fourth["changes"]
    assert fourth["versions"] == second["versions"]
    assert fourth["reports"] == second["reports"]


def test_the_changes_are_the_cells_that_were_edited(four_nights: dict[str, Any]) -> None:
    data = four_nights["data"]
    before = {r["url"]: r["cells"] for r in four_nights["truth"][0]}
    after = {r["url"]: r["cells"] for r in four_nights["truth"][1]}
    expected = {
        (key, before[url][key], cells[key])
        for url, cells in after.items()
        for key in cells
        if url in before and before[url][key] != cells[key]
    }
    found = ask(data, "select field, before, after from changes where field is not null")
    assert expected
    assert set(found) == expected


def test_what_vanished_still_says_what_it_said(four_nights: dict[str, Any]) -> None:
    data = four_nights["data"]
    ((report, version),) = ask(
        data, "select id, current_version from reports where status = 'gone'"
    )
    assert ask(data, "select count(*) from versions where report_id = ?", report) == [(1,)]
    assert ask(data, "select count(*) from figures where version_id = ?", version) == [(1,)]
    assert ask(data, "select count(*) from sections where version_id = ?", version)[0][0] >= 6
    captured = ask(data, "select status from captures where version_id = ?", version)
    assert captured == [(200,)]


def test_requests_of_a_night(four_nights: dict[str, Any]) -> None:
    """A page is asked once a night; a look-alike once in its life; a quiet night for less."""
    first, second, third, _ = (night["asked"] for night in four_nights["nights"])
    for asked in (first, second, third):
        for portal, hits in asked.items():
            paths = [hit.target for hit in hits if hit.method == "GET"]
            assert len(paths) == len(set(paths)), f"{portal} was asked twice for a page"
            assert paths[0] == "/robots.txt"
    counts = [sum(len(hits) for hits in asked.values()) for asked in (first, second, third)]
    documents = [
        len(truth) + sum(len(report["attachments"]) for report in truth)
        for truth in four_nights["truth"]
    ]
    # Besides the documents: robots, home, the way to the column, lists. Later nights know the way.
    assert documents[0] <= counts[0] <= documents[0] + 45
    assert documents[1] <= counts[1] <= documents[1] + 36
    assert counts[2] <= counts[1] <= counts[0] + 1
    lookalikes = {lookalike["url"].split("/", 3)[3] for lookalike in four_nights["lookalikes"]}
    for portal in first:
        every = [
            hit.target.lstrip("/") for asked in (first, second, third) for hit in asked[portal]
        ]
        assert all(every.count(path) <= 1 for path in lookalikes)
        assert not any("/admin/" in path for path in every), "robots.txt was not obeyed"
    agents = {
        hit.user_agent for asked in (first, second) for hits in asked.values() for hit in hits
    }
    assert len(agents) == 1
    assert "+http" in agents.pop()


def test_outside_the_season_a_fraction_is_asked_and_what_happened_is_found(tmp_path: Path) -> None:
    with ExamplePortals(night=1) as portals:
        registry = portals.registry(tmp_path / "portals.csv")
        asked, truth = [], []
        for portals.night, night in enumerate(QUIET, 1):
            before = hits(portals)
            crawl(tmp_path, registry, night)
            asked.append(hits(portals) - before)
            truth.append({report["url"]: report["cells"] for report in portals.truth()})
    build(tmp_path)
    # Of each portal: robots.txt, home, its lists, and a dozen of the newest reports.
    assert asked[1] <= 3 * 24 < asked[0]
    first, second = truth
    statuses = dict(ask(tmp_path, "select url, status from reports"))
    assert {url for url, status in statuses.items() if status == "suspect"} == set(first) - set(
        second
    )
    assert set(second) <= set(statuses)
    edited = {url for url in set(first) & set(second) if first[url] != second[url]}
    changed = ask(
        tmp_path, "select distinct url from changes join reports on reports.id = report_id"
    )
    assert {url for (url,) in changed} == edited


def test_a_rebuild_gives_the_same_rows(four_nights: dict[str, Any]) -> None:
    data = four_nights["data"]
    as_folded = tables(data)
    (data / "nianbao.db").unlink()
    build(data, "--rebuild")
    rebuilt = tables(data)
    assert rebuilt.keys() == as_folded.keys()
    for table in as_folded:
        assert rebuilt[table] == as_folded[table], table
    assert ask(data, "pragma foreign_key_check") == []


def test_killed_and_resumed_gives_the_same_archive(
    four_nights: dict[str, Any], tmp_path: Path
) -> None:
    """kill -9 at random moments of the first and second night, then the same command again."""
    dice = random.Random(9)
    kills = 0
    with ExamplePortals(night=1) as portals:
        registry = portals.registry(tmp_path / "portals.csv")
        for number_, night in enumerate(NIGHTS, 1):
            portals.night = number_
            for _ in range(3 if number_ <= 2 else 0):
                process = subprocess.Popen(
                    crawl_command(tmp_path, registry, night, delay=0.02),
                    cwd=ROOT,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                # A moment is told by what was asked, so that a slow machine is killed as well.
                moment = hits(portals) + dice.randrange(2, 34)
                while process.poll() is None and hits(portals) < moment:
                    time.sleep(dice.uniform(0, 0.01))
                if process.poll() is None:
                    os.kill(process.pid, signal.SIGKILL)
                    kills += 1
                process.wait()
            crawl(tmp_path, registry, night)
        build(tmp_path)
        ports = {portal.url.rstrip("/"): key for key, portal in portals.portals.items()}
    assert kills == 6
    assert not list(tmp_path.glob("**/*.open"))

    # The two archives saw the same portals at other ports.
    def plain(data: Path, addresses: dict[str, str]) -> str:
        text = json.dumps(what_was_found(data), ensure_ascii=False)
        for address, key in addresses.items():
            text = text.replace(address, key)
        return text

    undisturbed = four_nights["data"]
    registered = (undisturbed / "portals.csv").read_text("utf-8").splitlines()[1:]
    addresses = {row.split(",")[4].rstrip("/"): row.split(",")[0] for row in registered}
    first, second = plain(undisturbed, addresses), plain(tmp_path, ports)
    # A content digest covers links, and links hold the port.
    first, second = (strip_digests(json.loads(text)) for text in (first, second))
    for table, rows in first.items():
        differing = [pair for pair in zip(rows, second[table], strict=True) if pair[0] != pair[1]]
        assert not differing, f"{table}: {differing[:3]}"


def hits(portals: ExamplePortals) -> int:
    return sum(len(asked) for asked in portals.log.values())


def strip_digests(found: dict[str, list[list[Any]]]) -> dict[str, list[list[Any]]]:
    found["versions"] = [row[:4] for row in found["versions"]]
    found["figures"] = [[*row[:2], *row[3:]] for row in found["figures"]]
    return {table: sorted(rows, key=repr) for table, rows in found.items()}


# --- the corpus behind a portal -------------------------------------------------------------------


class CorpusPortal(SimpleHTTPRequestHandler):
    """One site for each portal name of the corpus: home, column, list, documents."""

    entries: dict[str, list[dict[str, Any]]]

    def do_GET(self) -> None:
        parts = unquote(self.path).strip("/").split("/")
        if parts[0] not in self.entries:
            self.send_error(404)
        elif len(parts) == 1:
            self.page('<a href="xxgk/">政府信息公开</a> <a href="news/">新闻</a>')
        elif parts[1:] == ["xxgk"]:
            self.page('<a href="nb/">政府信息公开年报</a> <a href="zn/">政府信息公开指南</a>')
        elif parts[1:] == ["xxgk", "nb"]:
            rows = (
                f'<li><a href="{quote(entry["file"])}">{html.escape(listed(entry))}</a></li>'
                for entry in self.entries[parts[0]]
            )
            self.page(f"<ul>{''.join(rows)}</ul>")
        elif parts[1:3] == ["xxgk", "nb"] and (CORPUS / parts[3]).is_file():
            self.answer((CORPUS / parts[3]).read_bytes(), self.guess_type(parts[3]))
        else:
            self.send_error(404)

    def page(self, body: str) -> None:
        text = (
            f'<html><head><meta charset="utf-8"><title>站</title></head><body>{body}</body></html>'
        )
        self.answer(text.encode(), "text/html")

    def answer(self, data: bytes, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def listed(entry: dict[str, Any]) -> str:
    """The title of a list; where the collector kept none, one that names year and kind only."""
    return entry["evidence"]["listed_title"] or f"{entry['year']}年政府信息公开工作年度报告"


@contextmanager
def corpus_portal(data: Path) -> Iterator[tuple[Path, str]]:
    grouped: dict[str, list[dict[str, Any]]] = {}
    for entry in ENTRIES:
        if entry["is_report"]:
            grouped.setdefault(entry["evidence"]["portal_name"], []).append(entry)
    handler = type(
        "Handler",
        (CorpusPortal,),
        {"entries": {f"p{i}": es for i, es in enumerate(grouped.values())}},
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(CORPUS)))
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    registry = data / "corpus.csv"
    rows = [
        f"p{i},{portal},{110000 + i},prefecture,{address}/p{i}/,,,"
        for i, portal in enumerate(grouped)
    ]
    registry.write_text(
        "\n".join(["id,name,division,level,home_url,column_url,family,note", *rows]),
        encoding="utf-8",
    )
    try:
        yield registry, address
    finally:
        server.shutdown()


@pytest.mark.skipif(not ENTRIES, reason=f"the corpus is not there: {CORPUS}")
def test_the_corpus_comes_through_the_same_doors(tmp_path: Path) -> None:
    with corpus_portal(tmp_path) as (registry, _):
        crawl(tmp_path, registry, NIGHTS[0])
    build(tmp_path)
    columns = [PRINTED[key].flat for key in PRINTED]
    rows = ask(
        tmp_path,
        f"select captures.url, issuers.name, year, versions.form, {', '.join(columns)} from captures"
        " join versions on versions.id = captures.version_id join reports on reports.id = report_id"
        " join issuers on issuers.id = issuer_id"
        " join figures on figures.version_id = captures.version_id",
    )
    archived = {unquote(row[0].rsplit("/", 1)[1]): row[1:] for row in rows}
    for entry in ENTRIES:
        if not entry["is_report"]:
            continue
        issuer, year, form, *values = archived[entry["file"]]
        accepted = {name(body) for body in (entry["issuer"], *entry["issuer_accept"])}
        assert name(issuer) in accepted, entry["file"]
        assert year == entry["year"], entry["file"]
        assert form in (entry["form"] if isinstance(entry["form"], list) else [entry["form"]])
        direct = reading(entry).cells
        for key, value in zip(PRINTED, values, strict=True):
            expected = number(direct.get(key))
            assert number(None if value is None else str(value)) == expected, (entry["file"], key)
