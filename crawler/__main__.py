"""python -m crawler run | nightly | serve: the jobs a person or a timer starts.

Each step is a process of its own with the public command line, so that a job does nothing one
could not type. Only files pass between them.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console
from rich.table import Table

from crawler.disk import EXIT_DISK, is_full_or_failing, refusal
from crawler.frontier import Frontier
from crawler.manners.window import Window, parse_window
from crawler.night import tonight

ROOT = Path(__file__).resolve().parent.parent
# The pages ask for what older archives do not have.
NEWEST_TABLE = "takedowns"
HOST = "127.0.0.1"
# A report's address holds the port of its portal: the same ports every night.
EXAMPLE_PORT = 8011
EXAMPLE_COUNT = 3
# Our own machine needs no manners; strangers keep the delay of crawler.settings.
EXAMPLE_SETTINGS = ("-s", "ALLOW_PRIVATE_NETWORK=True", "-s", "DOWNLOAD_DELAY=0.02")
START_SECONDS = 30
CRAWL = "抓取 crawl"
SELFCHECK = "NIANBAO_SELFCHECK"  # its word for where drafts are read; "" for nowhere
RESTART_SECONDS, STOP_SECONDS = 2.0, 15.0
BACKUP = "NIANBAO_BACKUP"  # the environment's word for where nightly backups go
NO_ROOM = "[red]磁盘已满 disk full (74)[/red]"
NOT_BUILT = "没有建档、发布 / nothing was built or published: free space, then start it again"
REFUSED = "没有抓取、建档 / nothing was crawled or built: mend what is named above"
STOPPED = 128 + signal.SIGTERM
WRONG_OPTIONS = 2  # the exit status of `scrapy crawl annual_reports` for options it refuses
TRY_AGAIN = 75  # and for a night that is not done: start the same command again
NIGHT_WINDOW = "22:00-06:00"
LONGEST_WAIT = timedelta(minutes=30)  # for the window to open


def registry_at(path: Path | None) -> Path | None:
    """The registry named on the command line, when it is a file."""
    if path is not None and not path.is_file():
        raise click.ClickException(
            f"没有站点表 {path} / There is no registry {path}: check its name."
        )
    return path


def window_of(text: str) -> Window | None:
    """The window named on the command line, None for any hour."""
    try:
        return parse_window(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


data_option = click.option(
    "--data",
    default="data",
    type=click.Path(file_okay=False, path_type=Path),
    show_default=True,
    help="Where captures, frontier and archive live.",
)
portals_option = click.option(
    "--portals",
    type=click.Path(path_type=Path),
    callback=lambda _, __, path: registry_at(path),
    help="The registry of portals, a CSV file.",
)
port_option = click.option(
    "--port",
    default=8001,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="The port of the site, on this machine.",
)


@dataclass(frozen=True, slots=True)
class Step:
    """What a step of a night did: its exit status, how long it took, its own closing words.

    `result` is what the closing table says of it where that is neither done nor failed, `output`
    all it printed.
    """

    name: str
    status: int
    seconds: float
    said: str
    result: str = ""
    output: str = ""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Crawl, build, publish, serve."""


@main.command()
@data_option
@portals_option
@port_option
def run(data: Path, portals: Path | None, port: int) -> None:
    """Crawl one night, build the archive and serve it. Without --portals: the example portals."""
    require_free(port)
    with one_at_a_time(data):
        if portals:
            one_night(data, ["-a", f"portals={portals}"])
            stop_unless_published(data)
            serve_site(data, port)
            return
        for example in range(EXAMPLE_PORT, EXAMPLE_PORT + EXAMPLE_COUNT):
            require_free(example, "示例站点要用它 / the example portals need it")
        night, number = demo_night(data)
        with example_portals(data, number) as registry:
            click.echo(f"示例站点第 {number} 夜（{night}） / example portals, night {number}")
            crawl_options = ["-a", f"portals={registry}", "-a", f"night={night}"]
            one_night(data, [*crawl_options, *EXAMPLE_SETTINGS])
            stop_unless_published(data)
            serve_site(data, port)


@main.command(short_help="The unattended job: crawl, build, publish, back up, verify.")
@data_option
@portals_option
@click.option(
    "--window",
    default=NIGHT_WINDOW,
    show_default=True,
    callback=lambda _, __, text: window_of(text),
    help="The hours of the crawl, in Asia/Shanghai; any for any hour.",
)
def nightly(data: Path, portals: Path | None, window: Window | None) -> None:
    """The unattended job: crawl, build, publish, manifest, backup (NIANBAO_BACKUP=URL), verify.

    Exit status 1 when a step failed, 75 when the night is not done and should be tried again, 74
    when the disk is full or failing: then nothing is built.
    """
    with one_at_a_time(data):
        registry = portals or ROOT / "crawler" / "portals.csv"
        steps = one_night(data, ["-a", f"portals={registry}"], window, registry)
    sys.exit(status_of(steps))


@main.command()
@data_option
@port_option
def serve(data: Path, port: int) -> None:
    """Serve what was published last."""
    require_free(port)
    stop_unless_published(data)
    serve_site(data, port)


def status_of(steps: Sequence[Step]) -> int:
    """The exit status of a night: 1 for a failure, 75 for a crawl that is to be started again."""
    broken = {step.status for step in steps if step.status}
    return 1 if broken - {TRY_AGAIN} else max(broken, default=0)


def one_night(
    data: Path,
    crawl_options: Sequence[str],
    window: Window | None = None,
    registry: Path | None = None,
) -> list[Step]:
    """Crawl within a window, build, publish, note and verify what is kept, and a closing table of
    what each did.

    What a broken crawl has captured is built all the same; a crawl that was asked for wrongly, or
    that the disk refused, has said why and ends the job: a full disk has no room for an archive.
    """
    crawl = ["-m", "scrapy", "crawl", "annual_reports", *crawl_options, "-s", f"DATA={data}"]
    if window is None:
        steps = [replace(step(CRAWL, crawl), said=crawled(data))]
    elif may_begin(window):
        steps = [crawl_within(window, data, crawl)]
    else:
        steps = [Step(CRAWL, TRY_AGAIN, 0.0, f"{window} (Asia/Shanghai)", "未到时间 not yet time")]
    if steps[-1].status in (WRONG_OPTIONS, EXIT_DISK):
        if steps[-1].status == EXIT_DISK:
            steps[-1] = replace(steps[-1], result=NO_ROOM, said=NOT_BUILT)
        else:
            steps[-1] = replace(steps[-1], said=REFUSED)
        closing_table(steps)
        sys.exit(steps[-1].status)
    steps.append(archive_step("建档 build", data))
    if steps[-1].status == 0:
        steps.append(archive_step("发布 publish", data))
    # What was captured is evidence whatever became of the archive.
    steps.append(archive_step("清单 manifest", data))
    if backup := os.environ.get(BACKUP):
        also = ["--also", str(registry)] if registry else []
        steps.append(archive_step("备份 backup", data, "--to", backup, *also))
        # Rot there is seen by nothing else: a thirtieth is read, another each night.
        steps.append(archive_step("核对备份 backup --check", data, "--to", backup))
    steps.append(archive_step("核验 verify", data))
    closing_table(steps)
    return steps


def archive_step(name: str, data: Path, *options: str) -> Step:
    """Run the command of the archive that a step is named after; one that failed says it all."""
    _, *command = name.split()
    done = step(name, ["-m", "archive", *command, "--data", str(data), *options])
    if done.status:
        click.echo(done.output, err=True)
    return done


def now() -> datetime:
    return datetime.now(UTC)


def may_begin(window: Window) -> bool:
    """Whether the window is open, after a wait where it is about to be; says so when it is not."""
    if window.is_open(now()):
        return True
    opens = window.next_opening(now())
    if opens - now() > LONGEST_WAIT:
        click.echo(
            f"夜间窗口 {window}（北京时间）尚未打开，下次 {opens:%Y-%m-%d %H:%M}，本次不抓取；"
            "要立即抓取请加 WINDOW=any（--window any） / "
            f"The window {window} (Asia/Shanghai) opens at {opens:%Y-%m-%d %H:%M}: no crawl now; "
            "to crawl at any hour: make nightly WINDOW=any (--window any)",
            err=True,
        )
        return False
    click.echo(
        f"等到 {opens:%H:%M}（北京时间）开始抓取 / waiting until {opens:%H:%M} (Asia/Shanghai)",
        err=True,
    )
    while (left := (opens - now()).total_seconds()) > 0:
        time.sleep(min(left, 60.0))
    return True


def crawl_within(window: Window, data: Path, crawl: Sequence[str]) -> Step:
    """Crawl until the window closes: what does not fit is first the next night, and no failure."""
    closes = window.next_closing(now())
    # After midnight it is still the night before, also when the job is started again.
    night = window.night(now())
    set_night = () if night == tonight() else ("-a", f"night={night}")
    done = step(CRAWL, [*crawl, *set_night, "-s", f"NIGHT_WINDOW={window}"])
    if done.status == TRY_AGAIN and now() >= closes and not (data / "STOP").exists():
        result = "到时停止 window closed"
        said = f"{crawled(data)}; 余下的明夜先抓 / the rest comes first next night"
        return replace(done, status=0, result=result, said=said)
    return replace(done, said=crawled(data))


def crawled(data: Path) -> str:
    """What the last night asked for, by kind."""
    if not (data / "frontier.db").exists():
        return ""
    try:
        with Frontier(data / "frontier.db") as frontier:
            counts = frontier.counts(frontier.nights()[-1]) if frontier.nights() else {}
    except (OSError, RuntimeError, sqlite3.Error):
        return ""  # what keeps it from being read ends the crawl itself, with a sentence
    return ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))


def step(name: str, arguments: Sequence[str]) -> Step:
    """Run one command of ours to its end; a job that is stopped waits for it to stop cleanly."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        said, _ = process.communicate()
    except KeyboardInterrupt:
        # Ctrl-C has reached the child as well; a second signal would make Scrapy drop its work.
        process.wait()
        raise
    except SystemExit:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
    last = said.strip().splitlines()[-1] if said.strip() else ""
    return Step(name, process.returncode, time.monotonic() - began, last, output=said.strip())


def closing_table(steps: Sequence[Step]) -> None:
    table = Table("步骤 step", "结果 result", "秒 seconds", "所做 what it did")
    for done in steps:
        if done.result:
            result = done.result
        elif done.status == 0:
            result = "完成 done"
        else:
            result = f"[red]失败 failed ({done.status})[/red]"
        table.add_row(done.name, result, f"{done.seconds:.0f}", done.said)
    Console(stderr=True).print(table)


def demo_night(data: Path) -> tuple[date, int]:
    """The night the demo is at and its number: the next one, or the last when it was broken off."""
    if not (data / "frontier.db").exists():
        return tonight(), 1
    try:
        memory = Frontier(data / "frontier.db")
    except RuntimeError as error:
        raise click.ClickException(str(error)) from error
    with memory as frontier:
        nights = frontier.nights()
        if not nights:
            return tonight(), 1
        if not frontier.is_finished(nights[-1]):
            return date.fromisoformat(nights[-1]), len(nights)
        return date.fromisoformat(nights[-1]) + timedelta(days=1), len(nights) + 1


@contextmanager
def example_portals(data: Path, number: int) -> Iterator[Path]:
    """The three example portals as they stand on a night, served until the block ends."""
    registry = data / "example-portals.csv"
    server = subprocess.Popen(
        [
            sys.executable,
            "tests/portals/serve.py",
            "--night",
            str(number),
            "--port",
            str(EXAMPLE_PORT),
            "--registry",
            str(registry.resolve()),
        ],
        cwd=ROOT,
    )
    try:
        wait_for(EXAMPLE_PORT + EXAMPLE_COUNT - 1, server)
        yield registry
    finally:
        server.terminate()
        server.wait()


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise click.ClickException(
                f"The example portals stopped with status {server.returncode}."
            )
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.1)
    raise click.ClickException(f"Nothing answered on port {port} within {START_SECONDS} s.")


def require_free(port: int, remedy: str = "or choose another with PORT=…") -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise click.ClickException(
                f"端口 {port} 已被占用 / Port {port} is in use: stop what uses it; {remedy}"
            ) from error


def stop_unless_published(data: Path) -> None:
    if not (data / "site" / "nianbao.db").exists():
        raise click.ClickException(
            f"{data}/site 里没有可供发布的档案 / Nothing is published in {data}: "
            "run make run, or make nightly, first."
        )
    address = (data / "site" / "nianbao.db").resolve().as_uri()
    tables: set[str] = set()
    with (
        suppress(sqlite3.DatabaseError),
        closing(sqlite3.connect(f"{address}?immutable=1", uri=True)) as db,
    ):
        tables = {name for (name,) in db.execute("select name from sqlite_master")}
    if NEWEST_TABLE not in tables:
        raise click.ClickException(
            f"{data}/site 由旧版程序发布，请运行 / was published by an older program, "
            f"run: make build DATA={data}"
        )


def serve_site(data: Path, port: int) -> None:
    """Serve until Ctrl-C, and self-checks beside."""
    click.echo(f"\n请打开 / open  http://{HOST}:{port}/    (Ctrl-C 停止 / stops everything)\n")
    datasette = Path(sys.executable).with_name("datasette")
    command = [str(datasette), "serve", str(data / "site"), "--host", HOST, "--port", str(port)]
    with self_checks() as address:
        told = {**os.environ, SELFCHECK: address, "PYTHONDONTWRITEBYTECODE": "1"}
        server = subprocess.Popen(command, cwd=ROOT, env=told)
        try:
            sys.exit(server.wait())
        except KeyboardInterrupt:
            pass  # the way to end a site that is served: no failure
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()


@contextmanager
def self_checks() -> Iterator[str]:
    """The address of the server that reads drafts, on a free port of this machine until the block
    ends; the one that the environment names instead, also where that is none."""
    if (named := os.environ.get(SELFCHECK)) is not None:
        yield named
        return
    # The port is taken before there is a site: the server inherits it, also one started again.
    with socket.create_server((HOST, 0)) as listening:
        keeper = Keeper(listening)
        try:
            yield f"http://{HOST}:{listening.getsockname()[1]}"
        finally:
            keeper.stop()


class Keeper:
    """Keeps a server of self-checks at a listening socket, and starts it again when it dies."""

    def __init__(self, listening: socket.socket) -> None:
        self._number = listening.fileno()
        self._ended = threading.Event()
        self._server = self._begin()
        self._watch = threading.Thread(target=self._keep, daemon=True)
        self._watch.start()

    def _begin(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "archive", "selfcheck", "--fd", str(self._number)]
        # Ctrl-C is not for it: it is told to end, and ends by itself when its input does.
        return subprocess.Popen(
            command,
            cwd=ROOT,
            pass_fds=[self._number],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def _keep(self) -> None:
        while not self._ended.is_set():
            self._server.wait()
            if not self._ended.wait(RESTART_SECONDS):
                self._server = self._begin()

    def stop(self) -> None:
        """End the server and wait until it has; by force when it does not heed the first word."""
        self._ended.set()
        told = None
        until = time.monotonic() + STOP_SECONDS
        while self._watch.is_alive():
            if time.monotonic() > until:
                self._server.kill()
            elif told is not self._server:
                # Once: a second time would end it in the midst of clearing up.
                told = self._server
                told.terminate()
            self._watch.join(0.2)


@contextmanager
def refusals(data: Path) -> Iterator[None]:
    """End the job with a sentence where the system refuses it a file: with status 74 when the disk
    of DATA is full or failing."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        if is_full_or_failing(error):
            click.echo(f"Error: {refusal(data, error)}", err=True)
            sys.exit(EXIT_DISK)
        if isinstance(error, sqlite3.Error) or not error.filename:
            raise
        raise click.ClickException(
            f"{error.filename} 无法使用 / cannot be used ({error.strerror}): "
            "see what stands in its place and whether this user may write there, or give another "
            "DATA=…"
        ) from error


@contextmanager
def one_at_a_time(data: Path) -> Iterator[None]:
    """Hold DATA for this job; a second one is told who has it and stops."""
    with refusals(data), lock_file(data) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise click.ClickException(
                f"{data} 正由另一个任务使用（进程 {lock.read().strip()}） / Another job is at work "
                f"in {data}: wait for it, or give another DATA=…"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def lock_file(data: Path) -> TextIO:
    """The file that a job of DATA holds, and what stands in it; the folder is made."""
    data.mkdir(parents=True, exist_ok=True)
    return (data / "night.lock").open("a+", encoding="utf-8")


def stop(*_: object) -> None:
    """A timer stops a job with SIGTERM: its children are stopped as well, then it ends."""
    sys.exit(STOPPED)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    main()
