"""python -m tests.bench_site: what the site answers, beside a bare Starlette handler.

Archives of several sizes are served at once, each by `datasette serve` and by `tests.bare_site`,
which asks the same file the same main query. Requests go to all of them in turns, each to another
report, body, choice or word, so that what else the machine does falls on all alike: ratios within
a run hold, times by the clock do not. Processor time of a request is what the kernel gave the
server from its start to its answer (Linux only: /proc).

Ends with status 1 where a page is too large or is not what was asked for, or where search finds
other reports than a scan. Times are only told. To make the larger archive takes some minutes and
5 GB; with --keep it is made once.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import random
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from itertools import chain, pairwise
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote, urlencode

from datasette.app import Datasette
from rich.console import Console
from rich.table import Table

from archive.build import ARCHIVE
from archive.publish import publish
from archive.schema import PUBLISHED, TABLES
from tests.archives import fill

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
SIZES = (1_000, 100_000)
LARGEST_PAGE = 200_000
# Requests of each page and size: for warming up, one by one, and of these again with their ETag.
WARM, ALONE, AGAIN = 20, 150, 40
# Requests of a turn under load, by so many connections at once, and turns.
CROWD, CONNECTIONS, TURNS = 40, 4, 5
METRIC, BODIES = "disclosure_rate", 4
WORDS, SCANNED_WORDS, SCANS = 400, 24, 5
# Reports that words are taken from, and how many of these say a word: from rare to common.
SAMPLED, STRATA = 300, (1, 2, 10, 100)
CHINESE_PAIR = re.compile("[\u4e00-\u9fff]{2,}")
# Aims: growth of a report's p95 from the smallest archive to the largest, and p95 of a search in ms.
MOST_GROWTH, MOST_SEARCH = 1.2, 10.0
STARTED_WITHIN, RESTS_WITHIN = 120.0, 0.2
WIDTH = 150
# Asked once, for their size.
OTHERS = (
    "/changes", "/coverage?by=province", "/coverage?by=level", "/coverage?by=portal",
    "/coverage/health", "/compare", "/search", "/data", "/selfcheck", "/accuracy", "/about",
)  # fmt: skip


# --- archives -------------------------------------------------------------------------------------


def published(folder: Path, reports: int) -> Path:
    """The folder served for an archive of so many reports, made where it is not there yet."""
    data = folder / str(reports)
    if not (data / ARCHIVE).exists():
        data.mkdir(parents=True, exist_ok=True)
        (data / "warc").mkdir(exist_ok=True)
        fill(data / ARCHIVE, reports)
    if not _is_whole(data / "site"):
        publish(data)
    return data / "site"


def _is_whole(site: Path) -> bool:
    """Whether a folder was published with all the tables that this program publishes."""
    if not (site / ARCHIVE).exists():
        return False
    with closing(reading(site)) as db:
        names = {name for (name,) in db.execute("select name from sqlite_master")}
    return names >= TABLES.keys() | PUBLISHED.keys()


def reading(site: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{(site / ARCHIVE).resolve().as_uri()}?mode=ro", uri=True)


# --- servers --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Server:
    """A server on this machine: where it listens and its process."""

    port: int
    process: int

    def used(self) -> float:
        """Milliseconds of processor that it has taken so far, told once it rests: of a thread that
        runs the kernel counts only up to its last turn."""
        tasks = Path(f"/proc/{self.process}/task")
        until = time.monotonic() + RESTS_WITHIN
        while time.monotonic() < until and any(map(_runs, tasks.glob("*/stat"))):
            time.sleep(0.0002)
        return sum(int(path.read_text().split()[0]) for path in tasks.glob("*/schedstat")) / 1e6


def _runs(stat: Path) -> bool:
    # After the name, which may hold anything, comes the state.
    return stat.read_text().rpartition(")")[2].split()[0] == "R"


@contextmanager
def serving(command: Sequence[str], cwd: Path, log: Path) -> Iterator[Server]:
    """A server that is started by a command and a port; ended with the block."""
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    with log.open("wb") as told:
        process = subprocess.Popen(
            [*command, "--port", str(port)], cwd=cwd, env=environment, stdout=told, stderr=told
        )
    try:
        began = time.monotonic()
        while not _answers(port):
            if process.poll() is not None or time.monotonic() - began > STARTED_WITHIN:
                raise SystemExit(f"{' '.join(command)} did not start: {log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        with closing(Client(port)) as client:
            return client.get("/").status == 200
    except OSError:
        return False


def served(site: Path, logs: Path, stack: ExitStack) -> dict[str, Server]:
    """The site and the bare handler over one folder, until the stack is closed."""
    reports = site.parent.name
    datasette = Path(sys.executable).with_name("datasette")
    commands = {
        "site": [str(datasette), "serve", str(site.resolve()), "--host", HOST],
        "bare": [sys.executable, "-m", "tests.bare_site", str((site / ARCHIVE).resolve())],
    }
    return {
        name: stack.enter_context(serving(command, logs, logs / f"{name}-{reports}.log"))
        for name, command in commands.items()
    }


# --- requests -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What came for an address, and after how many milliseconds."""

    status: int
    body: bytes
    etag: str
    ms: float


class Client:
    """One connection, kept open."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=60)

    def get(self, path: str, **headers: str) -> Answer:
        began = time.perf_counter()
        self._connection.request("GET", path, headers=headers)
        response = self._connection.getresponse()
        body = response.read()
        ms = (time.perf_counter() - began) * 1000
        return Answer(response.status, body, response.headers.get("ETag", ""), ms)

    def close(self) -> None:
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Page:
    """A kind of page: addresses of it, and a text by which an answer shows that it is one."""

    paths: Sequence[str]
    shows: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Measured:
    """What one server took for one kind of page: milliseconds by the clock and of processor for
    each request, requests a second under load for each turn, bytes."""

    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)


def p95(values: Sequence[float]) -> float:
    """The least value that 95 % of the values do not exceed."""
    return sorted(values)[-(-95 * len(values) // 100) - 1]


def faults_of(path: str, answer: Answer, shows: str = "") -> list[str]:
    """What is wrong with an answer of the site."""
    if answer.status != 200:
        return [f"{path}: status {answer.status}"]
    faults = []
    if len(answer.body) > LARGEST_PAGE:
        faults.append(f"{path}: {len(answer.body):,} bytes, more than {LARGEST_PAGE:,}")
    text = answer.body.decode()
    if shows and shows not in text:
        faults.append(f"{path}: does not show {shows}")
    if "coroutine object" in text:
        faults.append(f"{path}: its template calls what must be awaited")
    return faults


def alone(
    servers: Mapping[tuple[int, str], Server],
    pages: Mapping[int, Page],
    faults: list[str],
) -> dict[tuple[int, str], Measured]:
    """One request after the other, to all servers in turn, each to another address."""
    found = {name: Measured() for name in servers}
    clients = {name: Client(server.port) for name, server in servers.items()}
    rounds = max(len(page.paths) for page in pages.values())
    for number in range(rounds):
        for name, client in clients.items():
            page = pages[name[0]]
            path = page.paths[number % len(page.paths)]
            before = servers[name].used()
            answer = client.get(path)
            used = servers[name].used() - before
            shows = page.shows.get(path, "")
            wrong = faults_of(path, answer, shows)
            faults += [f"{name[1]} of {name[0]:,}: {fault}" for fault in wrong]
            if number < WARM and rounds > WARM:
                continue
            found[name].clock.append(answer.ms)
            found[name].processor.append(used)
            found[name].sizes.append(len(answer.body))
    for client in clients.values():
        client.close()
    return found


def rate(server: Server, paths: Sequence[str], connections: int) -> float:
    """Requests a second that a server answers on so many connections, all paths once."""

    def ask(some: Sequence[str]) -> None:
        with closing(Client(server.port)) as client:
            for path in some:
                client.get(path)

    with ThreadPoolExecutor(connections) as pool:
        began = time.perf_counter()
        list(pool.map(ask, (paths[start::connections] for start in range(connections))))
        return len(paths) / (time.perf_counter() - began)


def crowded(
    servers: Mapping[tuple[int, str], Server],
    pages: Mapping[int, Page],
    found: Mapping[tuple[int, str], Measured],
    dice: random.Random,
) -> None:
    """Add requests a second under load, the servers in turn."""
    for _ in range(TURNS):
        for name, server in servers.items():
            paths = pages[name[0]].paths
            some = dice.sample(paths, CROWD) if len(paths) >= CROWD else [*paths] * CROWD
            found[name].rates.append(rate(server, some[:CROWD], CONNECTIONS))


def unchanged(server: Server, paths: Sequence[str]) -> tuple[Measured, list[str]]:
    """The same addresses asked again with the ETag that they came with."""
    found, faults = Measured(), []
    with closing(Client(server.port)) as client:
        for path in paths:
            tag = client.get(path).etag
            before = server.used()
            answer = client.get(path, **{"If-None-Match": tag})
            found.processor.append(server.used() - before)
            found.clock.append(answer.ms)
            if answer.status != 304 or answer.body:
                faults.append(f"{path}: status {answer.status} for its own ETag {tag!r}")
    return found, faults


# --- what is asked --------------------------------------------------------------------------------


def pages_of(db: sqlite3.Connection, dice: random.Random, count: int) -> dict[str, Page]:
    """Addresses of every kind of page, at random."""
    issuers = dict(db.execute("select id, name from issuers order by id").fetchall())
    reports = dict(db.execute("select id, title from reports order by id").fetchall())
    places = db.execute("select distinct substr(division, 1, 4) from issuers order by 1").fetchall()
    years = [year for (year,) in db.execute("select distinct year from reports order by 1")]

    def some(values: Sequence[Any]) -> list[Any]:
        return dice.sample(values, count) if len(values) >= count else dice.choices(values, k=count)

    bodies, chosen = some(list(issuers)), some(list(reports))
    of_bodies = [
        "/compare?"
        + urlencode(
            [("metric", METRIC), *(("body", one) for one in dice.sample([*issuers], BODIES))]
        )
        for _ in range(count)
    ]
    regions = [
        "/compare?"
        + urlencode(
            {"metric": METRIC, "level": "county", "region": place, "from": year, "to": year}
        )
        for (place,), year in zip(
            dice.choices(places, k=count), dice.choices(years, k=count), strict=True
        )
    ]
    # The last page of the list is shorter than the others.
    starts = sorted(issuers)[: max(1, len(issuers) - 50)]
    return {
        "home": Page(["/"] * count),
        "body": Page(
            [f"/r/{quote(one)}" for one in bodies],
            {f"/r/{quote(one)}": issuers[one] for one in bodies},
        ),
        "report": Page(
            [f"/r/{quote(one)}" for one in chosen],
            {f"/r/{quote(one)}": one.rpartition("/")[2] for one in chosen},
        ),
        f"compare {BODIES} bodies": Page(of_bodies),
        "compare a city's counties": Page(regions),
        "coverage": Page([f"/coverage?after={quote(one)}" for one in some(starts)]),
        "search": Page([f"/search?q={quote(word)}" for word in words_of(db, dice, count)]),
    }


def words_of(db: sqlite3.Connection, dice: random.Random, count: int) -> list[str]:
    """Words of two characters from the texts and names of reports, as many rare as common."""
    (last,) = db.execute("select max(rowid) from reports").fetchone()
    said: Counter[str] = Counter()
    for rowid in dice.sample(range(1, last + 1), min(SAMPLED, last)):
        said.update(_pairs("\n".join(_parts(db, rowid))))
    strata = [
        [word for word, number in sorted(said.items()) if least <= number < most]
        for least, most in pairwise((*STRATA, SAMPLED + 1))
    ]
    strata = [words for words in strata if words]
    # Each stratum as long as the longest, so that a turn takes one word of each.
    lots = [dice.sample(words, len(words)) for words in strata]
    turns = (lot[turn % len(lot)] for turn in range(max(map(len, lots))) for lot in lots)
    found = list(dict.fromkeys(turns))[:count]
    return found + dice.choices(found, k=count - len(found))


def _parts(db: sqlite3.Connection, rowid: int) -> list[str]:
    (name, title, version) = db.execute(
        "select name, title, current_version from reports join issuers on issuers.id = issuer_id "
        "where reports.rowid = ?",
        (rowid,),
    ).fetchone()
    sections = db.execute("select heading, text from sections where version_id = ?", (version,))
    return [part or "" for part in (name, title, *chain.from_iterable(sections))]


def _pairs(text: str) -> set[str]:
    return {first + second for run in CHINESE_PAIR.findall(text) for first, second in pairwise(run)}


# --- search beside a scan -------------------------------------------------------------------------


def scanned(db: sqlite3.Connection, words: Sequence[str]) -> dict[str, set[str]]:
    """The reports whose name, title, headings or chapters say a word, by reading all of them.

    Of what search folds only white space is in the texts that `tests.archives` makes.
    """
    found: dict[str, set[str]] = {word: set() for word in words}
    rows = db.execute(
        "select reports.id, issuers.name, title, heading, text from reports "
        "join issuers on issuers.id = issuer_id join sections on version_id = current_version"
    )
    for report, *parts in rows:
        whole = "\n".join("".join((part or "").split()) for part in parts)
        for word in words:
            if word in whole:
                found[word].add(report)
    return found


def searched(client: Client, word: str, region: str = "") -> tuple[set[str], bool]:
    """The reports that the site finds for a word, on all pages, and whether it says these are all."""
    found: set[str] = set()
    asked = {"q": word, "size": 100} | ({"region": region} if region else {})
    number = pages = 1
    complete = False
    while number <= pages:
        answer = client.get("/search.json?" + urlencode(asked | {"page": number}))
        if answer.status != 200:
            raise SystemExit(f"/search.json?q={word}: status {answer.status}")
        told = json.loads(answer.body)
        found |= {hit["report_id"] for hit in told["results"]}
        pages, complete = told["pages"], told["complete"]
        number += 1
    return found, complete


def differing(
    word: str, hits: set[str], complete: bool, expected: set[str], region: str = ""
) -> list[str]:
    """What is wrong with the hits of a search, beside those of a scan."""
    said = f"{word}{' in ' + region if region else ''}: "
    faults = []
    if strange := hits - expected:
        faults.append(f"{said}search finds {min(strange)}, a scan does not ({len(strange)} such)")
    if complete and (missed := expected - hits):
        faults.append(f"{said}a scan finds {min(missed)}, search does not ({len(missed)} such)")
    if not complete and len(expected) <= len(hits):
        faults.append(
            f"{said}search says there are more than its {len(hits)} hits, a scan has none"
        )
    return faults


def compared(
    server: Server, site: Path, words: Sequence[str], dice: random.Random
) -> tuple[dict[str, int], list[str]]:
    """How many reports a scan finds for each word, and where search differs from it: of all
    reports, and, as it tells only of so many, of the reports of a county that says the word."""
    faults = []
    with closing(reading(site)) as db, closing(Client(server.port)) as client:
        expected = scanned(db, words)
        divisions = dict(db.execute("select id, division from issuers").fetchall())
        for word in words:
            faults += differing(word, *searched(client, word), expected[word])
            of_report = {one: divisions[one.rpartition("/")[0]] for one in expected[word]}
            region = dice.choice(sorted(set(of_report.values())) or ["110101"])
            there = {one for one, division in of_report.items() if division == region}
            faults += differing(word, *searched(client, word, region), there, region)
    return {word: len(reports) for word, reports in expected.items()}, faults


@dataclass(slots=True)
class Lookup:
    """Milliseconds of a search without its page, and of a scan of the same texts."""

    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    scan: list[float] = field(default_factory=list)


def lookups(site: Path, words: Sequence[str]) -> Lookup:
    """What the search page asks the database, word after word, with some scans between."""
    return asyncio.run(_lookups(site, words))


async def _lookups(site: Path, words: Sequence[str]) -> Lookup:
    datasette = Datasette(config_dir=site)
    await datasette.invoke_startup()
    asked, search = (import_module(f"nianbao_site.{name}") for name in ("asked", "search"))
    database = datasette.get_database("nianbao")
    limit = datasette.setting("sql_time_limit_ms")
    found = Lookup()

    async def timed(work: Callable[[sqlite3.Connection], object]) -> tuple[float, float]:
        def with_connection(connection: sqlite3.Connection) -> tuple[float, float]:
            began, used = time.perf_counter(), time.thread_time()
            work(connection)
            return (time.perf_counter() - began) * 1000, (time.thread_time() - used) * 1000

        return await database.execute_fn(with_connection)

    for number, word in enumerate(words):
        clock, used = await timed(search.look_up(asked.read(_query(word)), limit))
        if number >= WARM:
            found.clock.append(clock)
            found.processor.append(used)
        if number % max(1, len(words) // SCANS) == 0:
            scan, _ = await timed(partial(_scan, word))
            found.scan.append(scan)
    return found


def _query(word: str) -> Callable[[str], list[str]]:
    return lambda name: [word] if name == "q" else []


def _scan(word: str, connection: sqlite3.Connection) -> None:
    connection.execute("select count(*) from search_texts where instr(text, ?)", (word,)).fetchone()


# --- what is told ---------------------------------------------------------------------------------


def pages_table(found: Mapping[str, Mapping[tuple[int, str], Measured]]) -> Table:
    table = Table(
        *("page", "reports", "p50, p95 in ms", "the bare handler's"),
        *("processor p50, p95", "the bare handler's", "ours / bare: clock; processor"),
        *("under load, a second", "against bare", "KB at most"),
        title="a request after the other, then some at once",
    )
    for name, measured in found.items():
        for reports in sorted({reports for reports, _ in measured}):
            site, bare = measured[reports, "site"], measured[reports, "bare"]
            table.add_row(
                *(name, f"{reports:,}"),
                *(f"{median(one.clock):.1f}, {p95(one.clock):.1f}" for one in (site, bare)),
                *(f"{median(one.processor):.1f}, {p95(one.processor):.1f}" for one in (site, bare)),
                f"{ratio(site.clock, bare.clock):.1f}; {ratio(site.processor, bare.processor):.1f}",
                f"{median(site.rates):.0f}",
                f"{ratio(site.rates, bare.rates):.2f}",
                f"{max(site.sizes) / 1000:.0f}",
            )
    return table


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of what was measured side by side."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def grown(measured: Mapping[tuple[int, str], Measured], server: str) -> tuple[float, float]:
    """p95 on the largest archive over that on the smallest: by the clock, and of processor."""
    sizes = sorted({reports for reports, _ in measured})
    small, large = measured[sizes[0], server], measured[sizes[-1], server]
    return p95(large.clock) / p95(small.clock), p95(large.processor) / p95(small.processor)


def growth_table(found: Mapping[str, Mapping[tuple[int, str], Measured]]) -> Table:
    sizes = sorted({reports for measured in found.values() for reports, _ in measured})
    table = Table(
        *("p95 by the clock; of processor", "the site's", "the bare handler's"),
        title=f"growth from {sizes[0]:,} to {sizes[-1]:,} reports",
    )
    for name, measured in found.items():
        growth = (grown(measured, server) for server in ("site", "bare"))
        table.add_row(name, *(f"{clock:.2f}; {used:.2f}" for clock, used in growth))
    return table


def search_table(lookup: Mapping[int, Lookup], frequency: Mapping[int, Mapping[str, int]]) -> Table:
    table = Table(
        *("reports", "words; in so many reports", "p50, p95 in ms", "processor, p95"),
        *("a scan in ms", "scan / p50"),
        title="search for two characters, without its page",
    )
    for reports, found in lookup.items():
        numbers = sorted(frequency[reports].values())
        table.add_row(
            f"{reports:,}",
            f"{len(found.clock)}; {numbers[0]:,} to {numbers[-1]:,}",
            f"{median(found.clock):.1f}, {p95(found.clock):.1f}",
            f"{p95(found.processor):.1f}",
            f"{median(found.scan):.0f}",
            f"{median(found.scan) / median(found.clock):.0f}",
        )
    return table


def aims(
    found: Mapping[str, Mapping[tuple[int, str], Measured]], lookup: Mapping[int, Lookup]
) -> list[str]:
    """What was aimed at beside what was measured."""
    clock, used = grown(found["report"], "site")
    largest = lookup[max(lookup)]
    return [
        f"report p95, largest / smallest archive: {clock:.2f}, of processor {used:.2f}; "
        f"aim: {MOST_GROWTH} at most",
        f"search p95: {p95(largest.clock):.1f} ms, of processor {p95(largest.processor):.1f}; "
        f"aim: under {MOST_SEARCH:.0f} ms",
    ]


def run(console: Console, folder: Path, sizes: Sequence[int], count: int, words: int) -> list[str]:
    """Measure and tell; gives what is wrong with the answers."""
    dice = random.Random(6)
    faults: list[str] = []
    found: dict[str, dict[tuple[int, str], Measured]] = {}
    lookup: dict[int, Lookup] = {}
    frequency: dict[int, dict[str, int]] = {}
    sites = {reports: published(folder, reports) for reports in sizes}
    pages: dict[int, dict[str, Page]] = {}
    for reports, site in sites.items():
        with closing(reading(site)) as db:
            pages[reports] = pages_of(db, dice, count)
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = {
            (reports, name): server
            for reports, site in sites.items()
            for name, server in served(site, logs, stack).items()
        }
        for name in pages[sizes[0]]:
            of_name = {reports: kinds[name] for reports, kinds in pages.items()}
            found[name] = alone(servers, of_name, faults)
            crowded(servers, of_name, found[name], dice)
        again, wrong = unchanged(
            servers[sizes[-1], "site"], pages[sizes[-1]]["report"].paths[:AGAIN]
        )
        faults += wrong
        for reports, site in sites.items():
            with closing(Client(servers[reports, "site"].port)) as client:
                for path in OTHERS:
                    faults += faults_of(path, client.get(path))
            with closing(reading(site)) as db:
                some = words_of(db, dice, words)
            frequency[reports], wrong = compared(
                servers[reports, "site"], site, some[:SCANNED_WORDS], dice
            )
            faults += wrong
            lookup[reports] = lookups(site, some)
    console.print(pages_table(found))
    console.print(growth_table(found))
    console.print(search_table(lookup, frequency))
    console.print(
        f"a report again with its ETag (304): {median(again.clock):.1f} ms, "
        f"{median(again.processor):.2f} of processor; whole: "
        f"{median(found['report'][sizes[-1], 'site'].processor):.1f} of processor"
    )
    for line in aims(found, lookup):
        console.print(line)
    checked = sum(len(one) for one in frequency.values())
    console.print(
        f"hits of {checked} words and of as many in a county held against a scan: "
        f"{sum('scan' in fault for fault in faults)} differ"
    )
    return faults


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--largest", type=int, default=SIZES[-1], help="reports of the largest")
    options.add_argument("--keep", type=Path, help="archives stand here, and stay for the next run")
    options.add_argument("--requests", type=int, default=ALONE, help="of each page and archive")
    given = options.parse_args()
    console = Console()
    console.width = max(console.width, WIDTH)
    began, load = time.monotonic(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        sizes = sorted({min(SIZES[0], given.largest), given.largest})
        faults = run(console, given.keep or Path(name), sizes, given.requests + WARM, WORDS)
    console.print(
        f"{os.cpu_count()} cores, load {load:.1f} before and {os.getloadavg()[0]:.1f} after; "
        f"{time.monotonic() - began:.0f} s"
    )
    for fault in faults[:20]:
        console.print(f"wrong: {fault}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
