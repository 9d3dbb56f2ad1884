"""python -m tests.bench_crawl: what crawling costs, beside a bare Scrapy spider.

Both fetch the same pages from a server on loopback in the same run; what is compared is the
processor time of the crawling process. Nothing here passes or fails.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from resource import struct_rusage

from rich.console import Console
from rich.table import Table

from crawler.frontier import Answer, Found, Frontier
from tests.bench import BODY, page
from tests.portals.reports import series

ROOT = Path(__file__).resolve().parent.parent
REPORTS = 1_000
ON_A_LIST = 50
MENU = 300
ROUNDS = 3
NIGHT = "2026-11-22"
# By then all is due once more.
LATER = "2026-12-30"
KNOWN = (1_000, 100_000)
IN_FRONTIER = 1_000_000
PORTALS = 1_000
FAST = (
    *("-s", "ALLOW_PRIVATE_NETWORK=True", "-s", "DOWNLOAD_DELAY=0", "-s", "LOG_LEVEL=WARNING"),
    *("-s", "MONITOR_ENABLED=False"),
)

BARE = """
import scrapy

class Bare(scrapy.Spider):
    name = "bare"
    custom_settings = {
        "TELNETCONSOLE_ENABLED": False, "LOG_LEVEL": "WARNING", "ROBOTSTXT_OBEY": False,
        "CONCURRENT_REQUESTS": 16, "CONCURRENT_REQUESTS_PER_DOMAIN": 16, "DOWNLOAD_DELAY": 0,
        "ASYNCIO_EVENT_LOOP": LOOP,
    }

    async def start(self):
        for url in open(self.urls):
            yield scrapy.Request(url.strip(), callback=self.fetched)

    def fetched(self, response):
        return None
"""


def site() -> dict[str, bytes]:
    """A portal of REPORTS reports, as the answers to its addresses.

    Pages of real portals have 40 to 150 KB: half of these have 24 KB, half were pasted from Word
    and have 142 KB, 83 KB in the mean; each has MENU links besides its report.
    """
    years = {
        year: (
            "word" if year % 2 else "clean",
            f"{year + 1}-01-20",
            f"北原市教育局{year}年政府信息公开工作年度报告",
        )
        for year in range(2020, 2026)
    }
    bodies = [page(report, links=MENU) for report in series(BODY, years).values()]
    lists = -(-REPORTS // ON_A_LIST)
    answers = {
        "/robots.txt": b"User-agent: *\nDisallow:\n",
        "/": _html('<a href="/nb/">政府信息公开年报</a>'),
    }
    for number in range(lists):
        rows = "".join(
            f'<li><a href="/nb/t20250120_{n}.html">北原市第{n}局2024年政府信息公开工作年度报告</a>'
            "<span>2025-01-20</span></li>"
            for n in range(number * ON_A_LIST, min((number + 1) * ON_A_LIST, REPORTS))
        )
        pager = f'<script>createPageHTML({lists}, {number}, "index", "html");</script>'
        name = "/nb/" if number == 0 else f"/nb/index_{number}.html"
        answers[name] = _html(f"<ul>{rows}</ul>{pager}")
    for number in range(REPORTS):
        answers[f"/nb/t20250120_{number}.html"] = bodies[number % len(bodies)]
    return answers


def _html(body: str) -> bytes:
    return f'<html><head><meta charset="utf-8"></head><body>{body}</body></html>'.encode()


def serve(pipe: Connection) -> None:
    """Answer from memory until killed, with as little work as a server can have."""
    answers: dict[str, bytes] = {}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            while (await reader.readline()) not in (b"\r\n", b""):
                pass
            path = line.split()[1].decode()
            writer.write(answers.get(path) or answers["missing"])
            await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for path, body in site().items():
            answers[path] = _head(200, len(body)) + body
        answers["missing"] = _head(404, 3) + b"404"
        pipe.send(port)
        await server.serve_forever()

    asyncio.run(run())


def _head(status: int, length: int) -> bytes:
    return (
        f"HTTP/1.1 {status} X\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def used(command: list[str], folder: Path) -> struct_rusage:
    """Run a command to its end; what it used."""
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)})
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {status}")
    return usage


def seconds(usage: struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def against_bare(console: Console) -> None:
    """Pages a second and core of the whole crawl, and of a spider that only fetches them."""
    ours_pipe, server_pipe = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(server_pipe,), daemon=True)
    server.start()
    origin = f"http://127.0.0.1:{ours_pipe.recv()}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        registry = folder / "portals.csv"
        registry.write_text(
            f"id,name,division,level,home_url\nbench,北原市人民政府,410000,province,{origin}/\n"
        )
        (folder / "urls").write_text(
            "".join(f"{origin}{path}\n" for path in site()), encoding="utf-8"
        )
        loop = "'uvloop.Loop'" if _has_uvloop() else "None"
        (folder / "bare.py").write_text(BARE.replace("LOOP", loop))
        bare_command = [
            *(sys.executable, "-m", "scrapy", "runspider", "bare.py", "-a", "urls=urls")
        ]
        bare, first, second = [], [], []
        for round_ in range(ROUNDS):
            data = folder / f"data{round_}"
            crawl = [
                *(sys.executable, "-m", "scrapy", "crawl", "annual_reports"),
                *("-a", f"portals={registry}", "-s", f"DATA={data}", *FAST),
            ]
            bare.append(seconds(used(bare_command, folder)))
            first.append(seconds(used([*crawl, "-a", f"night={NIGHT}"], ROOT)))
            second.append(seconds(used([*crawl, "-a", f"night={LATER}"], ROOT)))
        nothing = [*bare_command[:-1], f"urls={os.devnull}"]
        idle = min(seconds(used(nothing, folder)) for _ in range(2))
        # Again on the second night: what is not due any more.
        ours_idle = min(seconds(used([*crawl, "-a", f"night={LATER}"], ROOT)) for _ in range(2))
        asked = [_asked(data, night) for night in (NIGHT, LATER)]
        data_size = sum(file.stat().st_size for file in (data / "warc").iterdir())
    server.kill()
    pages = len(site()) - 1
    table = Table(
        *("crawl of the same pages", "pages", "pages a second and core", "against bare"),
        *("start of the process, s", "pages a second once started", "against bare"),
    )
    rate, started = pages / min(bare), pages / (min(bare) - idle)
    for title, count, spent, start in (
        ("bare Scrapy spider", pages, min(bare), idle),
        ("ours, first night: all is new", asked[0], min(first), ours_idle),
        ("ours, a night on which nothing has changed", asked[1], min(second), ours_idle),
    ):
        whole, net = count / spent, count / (spent - start)
        table.add_row(
            *(title, str(count), f"{whole:.0f}", f"{whole / rate:.2f}"),
            *(f"{start:.1f}", f"{net:.0f}", f"{net / started:.2f}"),
        )
    console.print(table)
    size = sum(map(len, site().values())) / pages
    console.print(f"pages of {size / 1000:.0f} KB in the mean; {data_size / 1e6:.1f} MB of WARC")


def _asked(data: Path, night: str) -> int:
    """How many requests a night took, robots.txt left out."""
    with sqlite3.connect(data / "frontier.db") as db:
        query = "select sum(requests) from spent where night = ?"
        return int(db.execute(query, (night,)).fetchone()[0])


def _has_uvloop() -> bool:
    from importlib.util import find_spec

    return find_spec("uvloop") is not None


def fill(path: Path, portals: int, urls: int) -> None:
    """A frontier of so many portals and known reports, all visited once."""
    with Frontier(path) as frontier:
        for number in range(portals):
            frontier.add(f"p{number}", [Found(_home(number), "home")], "2026-10-01")
        row = frontier.known(_home(0))
        assert row is not None
        report = Found(f"{_home(0)}nb/0.html", "report", "北原市2024年政府信息公开工作年度报告")
        frontier.record(Answer(row, "2026-10-01", "ok", 200, "d"), [report])
        known = frontier.known(report.url)
        assert known is not None
        frontier.record(Answer(known, "2026-10-01", "ok", 200, "d" * 64, print="p" * 64))
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("pragma synchronous = off")
    db.execute("pragma cache_size = -200000")
    columns = [name for (name,) in db.execute("select name from pragma_table_info('urls')")]
    [row_] = db.execute("select * from urls where kind = 'report'").fetchall()
    values = dict(zip(columns, row_, strict=True))

    def rows() -> Iterator[tuple[object, ...]]:
        for number in range(urls):
            portal = number % portals
            url = f"{_home(portal)}nb/t20250120_{number}.html"
            due = f"2026-{10 + number % 2}-{1 + number % 28:02}"
            told = {"key": url.partition("//")[2], "url": url, "portal_id": f"p{portal}"}
            yield tuple({**values, **told, "due": due}.values())

    # An index is made of all rows at once in a fifth of the time.
    indexes = db.execute(
        "select name, sql from sqlite_master where type = 'index' and tbl_name = 'urls'"
        " and sql is not null"
    ).fetchall()
    marks = ", ".join("?" * len(columns))
    db.execute("begin")
    for name, _ in indexes:
        db.execute(f"drop index {name}")
    db.executemany(f"insert into urls values ({marks})", rows())
    for _, made in indexes:
        db.execute(made)
    db.execute("commit")
    db.execute("pragma wal_checkpoint(truncate)")
    db.close()


def _home(number: int) -> str:
    return f"http://site{number}.example.gov.cn/"


# All that the spider does before it asks for the first page of each portal, and for the next.
_MEASURE = """
import json, sys, time
from pathlib import Path
from crawler.spiders import annual_reports
from crawler.frontier import Found, Frontier
began = time.monotonic()
frontier = Frontier(Path(sys.argv[1]))
portals, night = int(sys.argv[2]), sys.argv[3]
homes = [f"http://site{n}.example.gov.cn/" for n in range(portals)]
frontier.begin_night(night, "")
for n, home in enumerate(homes):
    frontier.add(f"p{n}", [Found(home, "home")], night)
    frontier.left(f"p{n}", night)
    frontier.due(f"p{n}", night)
first = time.monotonic() - began
for n, home in enumerate(homes):
    frontier.due(f"p{n}", night, {home.partition("//")[2]})
# getrusage would count the process that started this one.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
memory = int(status["VmHWM"].split()[0]) / 1024
print(json.dumps([first, time.monotonic() - began, memory]))
"""


def growth(console: Console) -> None:
    """Memory with more known addresses, and the time to start with a frontier of a million."""
    table = Table(
        *("known addresses", "portals", "s to the first requests of all", "s to the second"),
        *("MB of memory, Scrapy's included", "MB on disk"),
    )
    with tempfile.TemporaryDirectory() as name:
        for urls, portals in (*((n, 20) for n in KNOWN), (IN_FRONTIER, PORTALS)):
            path = Path(name) / f"{urls}.db"
            fill(path, portals, urls)
            said = subprocess.run(
                [sys.executable, "-c", _MEASURE, str(path), str(portals), NIGHT],
                cwd=ROOT, capture_output=True, text=True, check=True,
            )  # fmt: skip
            first, second, memory = json.loads(said.stdout)
            table.add_row(
                *(f"{urls:,}", f"{portals:,}", f"{first:.2f}", f"{second:.1f}", f"{memory:.0f}"),
                f"{path.stat().st_size / 1e6:.0f}",
            )
    console.print(table)


def main() -> None:
    console = Console()
    began = time.monotonic()
    against_bare(console)
    growth(console)
    console.print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
