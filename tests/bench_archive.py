"""python -m tests.bench_archive: what building and keeping an archive costs.

Machines are shared and noisy: costs are processor time of all processes that took part, and what
counts is their ratio within one run. Nothing here passes or fails. Linux only: /proc tells what
workers cost, which no process that measures has started or waited for.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from archive import readings, store, warc
from archive.build import ARCHIVE, MEMORY, build
from archive.model import Evidence
from archive.publish import publish
from archive.read import PARSER
from archive.readings import Source, Task, read_task
from archive.schema import TABLES
from archive.shelf import shelved
from archive.spread import each, opened
from archive.verify.problems import Problem
from archive.verify.rounds import Summary, verify
from archive.versions import Observation, trace
from tests.archives import PATTERNS, YEARS, Nights, made, reading_of, recite, remember_patterns

ROOT = Path(__file__).resolve().parent.parent
SIZES = (1_000, 10_000, 100_000, 1_000_000)
COLUMNS = (
    *("reports a second and core", "cost a report, against the smallest"),
    "MB of the building process",
)
# A page takes 25 ms of processor to be read.
LARGEST, LARGEST_READ = 10_000, 10_000
# Of a night: reports of the archive, and (asked again, changed of those): 1 % of all changed.
READ_AT_NIGHT, APART_AT_NIGHT = 1_000, 3_000
NIGHTS = ((0.05, 0.2), (1.0, 0.01))
IN_ROWS, IN_TURNS = 1_000, 5
AGAIN, NIGHTS_AGAIN = 500, 4
DOCUMENTS, PASSES, ROUNDS = 160, 3, 2
WAIT = 0.02
# Enough segments that a thirtieth of them is some.
SEGMENT_BYTES = 2_000_000
DAYS = (date(2026, 11, 22), date(2026, 11, 23))
SUBREAPER = 36


# --- costs ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """What a function said in a process of its own, and the most memory in MB that process had."""

    said: Any
    memory: int


def apart(work: Callable[..., object], *given: object) -> Told:
    """Call a function of this module in a fresh interpreter; arguments and result are JSON."""
    with tempfile.NamedTemporaryFile() as answer:
        code = f"import sys, tests.bench_archive as b; b.tell(b.{work.__name__}, *sys.argv[1:])"
        told = json.dumps(given, default=str)
        subprocess.run([sys.executable, "-c", code, answer.name, told], cwd=ROOT, check=True)
        return Told(**json.loads(Path(answer.name).read_text()))


def tell(work: Callable[..., object], file: str, given: str) -> None:
    """The other side of `apart`."""
    # What outlives its parent is a child of this process.
    if ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0):
        raise SystemExit("bench_archive wants Linux: prctl(PR_SET_CHILD_SUBREAPER)")
    said = work(*json.loads(given))
    # getrusage would count the process that started this one.
    lines = Path("/proc/self/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    memory = int(status["VmHWM"].split()[0]) // 1024
    Path(file).write_text(json.dumps({"said": said, "memory": memory}))


def spent(call: Callable[[], object]) -> float:
    """Processor seconds of a call, in this process and in all that it started."""
    began = _used()
    call()
    return _used() - began


def _used() -> float:
    """Processor seconds of this process, of all below it and of those that they waited for."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # After the name, which may hold anything: state, parent, …, utime, stime, cutime, cstime.
            values = path.read_text().rpartition(")")[2].split()
            process = int(path.parent.name)
            parents[process], ticks[process] = int(values[1]), sum(map(int, values[11:15]))
    own = {os.getpid()}
    while below := {process for process, parent in parents.items() if parent in own} - own:
        own |= below
    return sum(ticks[process] for process in own) / os.sysconf("SC_CLK_TCK")


# --- rebuild --------------------------------------------------------------------------------------


def rebuild_whole(data: str) -> float:
    """Seconds of a build from nothing, by one worker."""
    return spent(lambda: build(Path(data), rebuild=True, workers=1))


def rebuild_apart(data: str) -> float:
    """Seconds of a build from nothing in which no document is read."""
    _recite(1)
    return spent(lambda: build(Path(data), rebuild=True, workers=0))


def _recite(editions: int) -> None:
    remember_patterns(editions)
    readings.read_task = recite


def rebuilds(console: Console, folder: Path, largest: int, largest_read: int) -> Path:
    """Archives of all sizes, built from nothing; gives the folder of the largest."""
    tables = {
        rebuild_whole: Table("rebuild: captures", *COLUMNS),
        rebuild_apart: Table("reading apart: captures", *COLUMNS),
    }
    smallest: dict[Callable[[str], float], list[float]] = {work: [] for work in tables}
    data = folder
    for size in (size for size in SIZES if size <= largest):
        if size > SIZES[0] * 10:
            shutil.rmtree(data)
        data = folder / str(size)
        Nights(data, size, SEGMENT_BYTES).crawl()
        for work, table in tables.items():
            if work is rebuild_whole and size > largest_read:
                continue
            told = apart(work, data)
            # The machine is not as fast at all times: the smallest is measured before and after.
            again = apart(work, folder / str(SIZES[0])) if size > SIZES[0] else told
            smallest[work].append(again.said / SIZES[0])
            base = sum(smallest[work][-2:]) / len(smallest[work][-2:])
            cost = told.said / size
            row = (f"{size:,}", f"{1 / cost:.0f}", f"{cost / base:.2f}", str(told.memory))
            table.add_row(*row)
            # The next takes ten times as long.
            console.print(*row)
    for table in tables.values():
        console.print(table)
    console.print(
        "reading apart: every capture is fetched and every row derived, but readings are made up, "
        "which takes memory"
    )
    return data


# --- rows -----------------------------------------------------------------------------------------


class Recorded(store.Batch):
    """Keeps what is added and written, besides writing it."""

    def __init__(self, db: store.Archive) -> None:
        super().__init__(db)
        self.added: list[tuple[str, list[store.Row]]] = []
        self.written: list[tuple[str, list[tuple[Any, ...]]]] = []

    def add(self, table: str, rows: Any) -> int:
        rows = list(rows)
        self.added.append((table, rows))
        return super().add(table, rows)

    def _write(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        super()._write(table, rows)
        self.written.append((table, list(rows)))


def rows(console: Console, folder: Path) -> None:
    """Our writer beside sqlite3 alone: the same rows into the same tables, one transaction."""
    histories = [
        trace([Observation(one.url, "2026-11-01", "2026-11-01T14:00:00Z", "ok", True, reading, ("",))])
        for one in made(IN_ROWS)
        for reading in [reading_of(one)]
    ]  # fmt: skip
    recorded: list[Recorded] = []

    def derived(batch: store.Batch) -> None:
        for number, history in enumerate(histories):
            store.write_report(batch, f"x-{number}/2025", history, PARSER)
        batch.flush()

    def ours(batch: store.Batch) -> None:
        for table, added in recorded[0].added:
            batch.add(table, added)
        batch.flush()

    def bare(batch: store.Batch) -> None:
        for table, written in recorded[0].written:
            _bare(batch, table, written)

    def by_table(batch: store.Batch) -> None:
        for table, written in whole.items():
            _bare(batch, table, written)

    def _bare(batch: store.Batch, table: str, written: Sequence[tuple[Any, ...]]) -> None:
        marks = ", ".join("?" * len(TABLES[table].columns))
        batch._db.conn.executemany(f"insert into {table} values ({marks})", written)

    def timed(write: Callable[[store.Batch], None], kind: type[store.Batch]) -> float:
        path = folder / "rows.db"
        with closing(store.create(path)) as db:
            batch = kind(db)
            if isinstance(batch, Recorded):
                recorded.append(batch)

            def work() -> None:
                with store.transaction(db):
                    write(batch)

            return spent(work)

    timed(derived, Recorded)
    whole: dict[str, list[tuple[Any, ...]]] = {}
    for table, written in recorded[0].written:
        whole.setdefault(table, []).extend(written)
    ways = {
        "executemany, all rows of a table at once": by_table,
        "executemany, the same rows at a time as ours": bare,
        "store.Batch, from rows as mappings": ours,
        "store.write_report, from readings": derived,
    }
    best = dict.fromkeys(ways, inf)
    for _ in range(IN_TURNS):
        for name, write in ways.items():
            best[name] = min(best[name], timed(write, store.Batch))
    count = sum(map(len, whole.values()))
    table_ = Table(
        f"{count:,} rows of {IN_ROWS:,} reports", "rows a second and core", "against bare"
    )
    fastest = min(list(best.values())[:2])
    for name, seconds in best.items():
        table_.add_row(name, f"{count / seconds:,.0f}", f"{fastest / seconds:.2f}")
    console.print(table_)


# --- a night --------------------------------------------------------------------------------------


def nights(folder: str, reports: int, is_read: bool) -> list[dict[str, float]]:
    """A first night and those of NIGHTS, each folded into the archive and built from nothing."""
    if not is_read:
        _recite(2)
    data, whole = Path(folder) / "more", Path(folder) / "whole"
    crawl = Nights(data, reports, SEGMENT_BYTES)
    crawl.crawl()
    build(data, workers=0)
    found = []
    for asked, changed in NIGHTS:
        captures = crawl.crawl(asked, changed)
        more = spent(lambda: build(data, workers=0))
        shutil.copytree(data, whole)
        again = spent(lambda: build(whole, rebuild=True, workers=0))
        nothing = spent(lambda: build(data, workers=0))
        shutil.rmtree(whole)
        found.append({"captures": captures, "more": more, "again": again, "nothing": nothing})
    shutil.rmtree(data)
    return found


def incremental(console: Console, folder: Path) -> None:
    table = Table(
        *("a night on which 1 % of the reports changed", "captures"),
        *("build / rebuild of the same captures", "a build with nothing to do / rebuild"),
    )
    for reports, is_read in ((READ_AT_NIGHT, True), (APART_AT_NIGHT, False)):
        done = apart(nights, folder, reports, is_read).said
        for (asked, _), night in zip(NIGHTS, done, strict=True):
            table.add_row(
                f"of {reports:,}{'' if is_read else ', reading apart'}; {asked:.0%} asked again",
                f"{night['captures']:,}",
                f"{night['more'] / night['again']:.1%}",
                f"{night['nothing'] / night['again']:.2%}",
            )
    console.print(table)


# --- on the disk ----------------------------------------------------------------------------------


def disk(console: Console, data: Path, reports: int) -> None:
    """Bytes a report of everything an operator's disk holds after a first night."""
    publish(data)
    site = (data / "site").resolve()
    pages = [len(one.page()) for one in made(PATTERNS * len(YEARS))]
    mean = sum(pages) / len(pages) / 1000
    later = apart(later_nights, data.parent / "later").said
    table = Table(
        *(f"on the disk, of {reports:,} reports of one version", "bytes a report"),
        "each later night with the same bytes",
    )
    for name, path in (
        (f"segments, of pages of {mean:.0f} KB in the mean", data / "warc"),
        ("sightings", data / "sightings"),
        (f"{MEMORY}, the memory of builds", data / MEMORY),
        (ARCHIVE, data / ARCHIVE),
        ("snapshot of the site, with its search index", site),
    ):
        more = later.get(path.name)
        share = f"{_bytes(path) / reports:,.0f}"
        table.add_row(name, share, "as the archive" if more is None else f"{more:,.0f}")
    console.print(table)
    parts = Table("in the archive: rows and indexes of", "KB a report", "rows a report")
    with closing(sqlite3.connect(data / ARCHIVE)) as db:
        owners = dict(db.execute("select name, tbl_name from sqlite_master"))
        sizes: Counter[str] = Counter()
        try:
            pages = db.execute("select name, sum(pgsize) from dbstat group by 1").fetchall()
        except sqlite3.OperationalError:
            console.print("this SQLite has no dbstat: what tables take is left out")
            return
        for name, size in pages:
            sizes[owners.get(name, name)] += size
        for name, size in sizes.most_common(8):
            (count,) = db.execute(f"select count(*) from {name}").fetchone()
            parts.add_row(name, f"{size / reports / 1000:.1f}", f"{count / reports:.1f}")
    console.print(parts)


def later_nights(data: str) -> dict[str, float]:
    """Bytes a report that a night adds to each part of a data folder when nothing has changed."""
    _recite(1)
    crawl = Nights(Path(data), AGAIN)
    crawl.crawl()
    build(Path(data), workers=0)
    parts = ("warc", "sightings", MEMORY, ARCHIVE)
    before = {part: _bytes(Path(data) / part) for part in parts}
    for _ in range(NIGHTS_AGAIN):
        crawl.crawl(asked=1.0, changed=0.0)
    build(Path(data), workers=0)
    after = {part: _bytes(Path(data) / part) for part in parts}
    return {part: (after[part] - before[part]) / AGAIN / NIGHTS_AGAIN for part in parts}


def _bytes(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


# --- verify ---------------------------------------------------------------------------------------


def verified(data: str, everything: bool, day: str) -> dict[str, float]:
    """Seconds of a verification, and how many segments and captures it saw."""
    problems: list[Problem] = []
    found: list[Summary] = []
    today = date.fromisoformat(day)

    def work() -> None:
        found.append(verify(Path(data), problems.append, None, everything, today=today))

    seconds = spent(work)
    for problem in problems[:3]:
        print(problem, file=sys.stderr)
    return {"seconds": seconds, "segments": found[0].verified, "captures": found[0].captures}


def verification(console: Console, data: Path) -> None:
    """All of an archive, and what is due on the night after."""
    size = _bytes(data / "warc")
    whole = apart(verified, data, True, DAYS[0]).said
    night = apart(verified, data, False, DAYS[1]).said
    table = Table(
        *("verify", "segments", "captures a second and core", "MB of segments"),
        "cost, against --all",
    )
    seconds = whole["seconds"]
    table.add_row(
        *("--all", str(whole["segments"]), f"{whole['captures'] / seconds:.0f}"),
        *(f"{size / seconds / 1e6:.1f}", "1"),
    )
    table.add_row(
        *("the next night", str(night["segments"]), "", "", f"{night['seconds'] / seconds:.2f}")
    )
    console.print(table)


# --- processes and clusters -----------------------------------------------------------------------


def read_by(data: str, kind: str, workers: int) -> dict[str, list[float]]:
    """Seconds by the clock and of processors of each time that all documents of a folder are
    read, after the first, and by the clock of as many that only wait."""
    shelf = shelved(Path(data))
    tasks = list(_tasks(Path(data)))
    with ExitStack() as stack:
        address = None
        if kind == "dask":
            from distributed import LocalCluster

            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
                silence_logs=50,
            )
            address = stack.enter_context(cluster).scheduler_address
        executor = stack.enter_context(opened(workers, address))

        def all_read() -> None:
            for _, reading in each(executor, partial(read_task, shelf), tasks):
                assert isinstance(reading, bytes), reading

        def all_waited() -> None:
            for _ in each(executor, time.sleep, [WAIT] * len(tasks)):
                pass

        all_read()
        found: dict[str, list[float]] = {"clock": [], "work": [], "wait": []}
        for _ in range(PASSES):
            began = time.monotonic()
            found["work"].append(spent(all_read))
            found["clock"].append(time.monotonic() - began)
            began = time.monotonic()
            all_waited()
            found["wait"].append(time.monotonic() - began)
        return found


def _tasks(data: Path) -> Iterator[Task]:
    shelf = shelved(data)
    for kept in shelf.kept("warc", ".warc.gz"):
        for one in warc.read_segment(shelf, kept.name):
            if isinstance(one, warc.Capture):
                source = Source(one.url, one.digest, "", "text/html", kept.name, one.offset)
                yield Task(one.digest, (source,), Evidence())


def spreading(console: Console, folder: Path) -> None:
    """The same documents read by a process, and by one and two workers of a Dask cluster."""
    if importlib.util.find_spec("distributed") is None:
        console.print("Dask is left out: requirements-cluster.txt is not installed: make cluster")
        return
    data = folder / "spread"
    Nights(data, DOCUMENTS).crawl()
    ways = (("pool", 1), ("pool", 2), ("dask", 1), ("dask", 2))
    best: dict[tuple[str, int], dict[str, float]] = {way: {} for way in ways}
    # In turns, as the machine has other work.
    for _ in range(ROUNDS):
        for way in ways:
            for what, found in apart(read_by, data, *way).said.items():
                best[way][what] = min(*found, best[way].get(what, inf))
    table = Table(
        *("reading by", "documents a second", "speed-up, by the clock"),
        *("speed-up of work that waits", "processor time, against the pool's 1"),
    )
    for kind, workers in ways:
        name = "Dask" if kind == "dask" else "the process pool"
        own, one = best[kind, workers], best[kind, 1]
        table.add_row(
            f"{name}, {workers} worker{'s' if workers > 1 else ''}",
            f"{DOCUMENTS / own['clock']:.0f}",
            f"{one['clock'] / own['clock']:.2f}",
            f"{one['wait'] / own['wait']:.2f}",
            f"{own['work'] / best['pool', 1]['work']:.2f}",
        )
    console.print(table)
    console.print(
        "work that waits sleeps as long as a page takes to read: what can be gained where cores are "
        "free, whatever this machine does besides"
    )
    console.print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--largest", type=int, default=LARGEST, help="reports of the largest")
    options.add_argument("--read", type=int, default=LARGEST_READ, help="largest that is read too")
    options.add_argument("--only", choices=("rows", "night", "rebuild", "spread"))
    given = options.parse_args()
    console = Console()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.only in (None, "rows"):
            rows(console, folder)
        if given.only in (None, "spread"):
            spreading(console, folder)
        if given.only in (None, "night"):
            incremental(console, folder)
        if given.only in (None, "rebuild"):
            data = rebuilds(console, folder, given.largest, given.read)
            disk(console, data, int(data.name))
            verification(console, data)
    console.print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
