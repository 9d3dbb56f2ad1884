"""`python -m crawler run | nightly | serve`: what a person types and a timer starts."""

import errno
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner

import crawler.__main__ as jobs
from crawler.__main__ import EXAMPLE_COUNT, EXAMPLE_PORT, demo_night, main, one_at_a_time
from crawler.frontier import Frontier
from crawler.manners.window import Window, parse_window

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 180


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.output


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_busy_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        for job in ("run", "serve"):
            status, said = run(job, "--data", str(tmp_path), "--port", port)
            assert status == 1
            assert f"Port {port} is in use" in said
            assert "Traceback" not in said


def test_nothing_to_serve_is_said(tmp_path: Path) -> None:
    status, said = run("serve", "--data", str(tmp_path), "--port", str(free_port()))
    assert status == 1
    assert "Nothing is published" in said


def test_a_site_of_an_older_program_is_published_again_first(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    with sqlite3.connect(tmp_path / "site" / "nianbao.db") as db:
        db.execute("create table reports (id text)")
    status, said = run("serve", "--data", str(tmp_path), "--port", str(free_port()))
    assert status == 1
    assert f"make build DATA={tmp_path}" in "".join(said.split("\n"))


def test_two_jobs_do_not_share_a_folder(tmp_path: Path) -> None:
    with one_at_a_time(tmp_path):
        status, said = run("nightly", "--data", str(tmp_path))
    assert status == 1
    assert str(os.getpid()) in said


@pytest.mark.parametrize("job", [("run",), ("nightly", "--window", "any")])
def test_a_folder_that_cannot_be_is_one_sentence(job: tuple[str, ...], tmp_path: Path) -> None:
    """Also for root, whom no permission stops: a file stands where a folder is wanted."""
    (tmp_path / "file").touch()
    port = ("--port", str(free_port())) if job[0] == "run" else ()
    status, said = run(*job, *port, "--data", str(tmp_path / "file" / "data"))
    assert status == 1
    assert f"{tmp_path}/file/data 无法使用 / cannot be used (Not a directory)" in said
    assert "DATA=…" in said


def test_a_folder_in_the_place_of_the_lock_is_named(tmp_path: Path) -> None:
    (tmp_path / "night.lock").mkdir()
    status, said = run("nightly", "--window", "any", "--data", str(tmp_path))
    assert status == 1
    assert f"{tmp_path}/night.lock 无法使用" in said


def test_what_names_no_file_is_not_blamed_on_the_folder(tmp_path: Path) -> None:
    """A pipe whose reader has gone: the command line knows what to do with that."""
    with pytest.raises(BrokenPipeError), jobs.one_at_a_time(tmp_path):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_a_memory_that_is_none_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "EXAMPLE_COUNT", 0)  # others may hold those ports
    (tmp_path / "frontier.db").write_bytes(b"no database" * 100)
    status, said = run("run", "--port", str(free_port()), "--data", str(tmp_path))
    assert status == 1
    assert said.startswith(f"Error: {tmp_path}/frontier.db cannot be used")


def test_a_refused_crawl_has_not_done_what_an_earlier_one_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "crawled", lambda _: "home 3, report 39")
    night = Night(monkeypatch, "2026-11-21T22:00", crawled=2)
    status, said = run("nightly", "--data", str(tmp_path))
    assert status == 2
    assert night.kinds == ["crawl"]
    assert "report 39" not in said
    assert "没有抓取、建档" in said


def test_the_help_says_all_of_each_job() -> None:
    told = CliRunner().invoke(main, ["--help"]).stdout
    assert "..." not in told.partition("Commands:")[2]
    for name in ("run", "nightly", "serve"):
        assert f"\n  {name} " in told
        for parameter in main.commands[name].params:
            assert isinstance(parameter, click.Option)
            assert parameter.help, (name, parameter.name)


def test_a_wrong_registry_ends_the_night(tmp_path: Path) -> None:
    registry = tmp_path / "portals.csv"
    registry.write_text("id,name,division,level,home_url\na,甲市,130000,city,http://a.gov.cn/\n")
    done = subprocess.run(
        [sys.executable, "-m", "crawler", "nightly", "--data", str(tmp_path), "--portals", str(registry), "--window", "any"],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "line 2: level 'city'" in done.stderr
    assert not (tmp_path / "nianbao.db").exists()


def test_a_night_that_cannot_be_crawled_fails_and_says_so(tmp_path: Path) -> None:
    """Without leave, our own machine is a private address: the guard refuses to ask for it."""
    registry = tmp_path / "portals.csv"
    registry.write_text(
        "id,name,division,level,home_url\na,甲市,130100,prefecture,http://127.0.0.1:9/\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "crawler", "nightly", "--data", str(tmp_path), "--portals", str(registry), "--window", "any"],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "抓取 crawl" in done.stderr
    assert "发布 publish" in done.stderr


def test_the_demo_goes_on_night_by_night(tmp_path: Path) -> None:
    assert demo_night(tmp_path)[1] == 1
    with Frontier(tmp_path / "frontier.db") as frontier:
        frontier.begin_night("2026-11-21", "2026-11-21T04:00:00Z")
    # A night that was broken off is gone on with, a finished one is followed by the next.
    assert demo_night(tmp_path) == (date(2026, 11, 21), 1)
    with Frontier(tmp_path / "frontier.db") as frontier:
        frontier.end_night("2026-11-21", "2026-11-21T05:00:00Z")
    assert demo_night(tmp_path) == (date(2026, 11, 22), 2)


def test_run_ends_in_a_served_site_and_stops_whole(tmp_path: Path) -> None:
    ports = range(EXAMPLE_PORT, EXAMPLE_PORT + EXAMPLE_COUNT)
    with socket.socket() as probe:
        busy = [port for port in ports if probe.connect_ex(("127.0.0.1", port)) == 0]
    if busy:
        pytest.skip(f"something else answers on the example portals' ports {busy}")
    port = free_port()
    job = subprocess.Popen(
        [sys.executable, "-m", "crawler", "run", "--data", str(tmp_path), "--port", str(port)],
        cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        home = served(f"http://127.0.0.1:{port}/", job)
        assert "政府信息公开年报档案" in home
        assert "北原市人民政府" in served(f"http://127.0.0.1:{port}/coverage", job)
        report = served(f"http://127.0.0.1:{port}/r/411900-jyj/2023", job)
        assert 'id="requests.granted.total"' in report
    finally:
        os.killpg(job.pid, signal.SIGINT)
        job.wait(timeout=60)
    assert job.returncode == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(job.pid, 0)


def served(address: str, job: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert job.poll() is None, f"the job ended with {job.returncode}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return str(answer.read().decode())
        except urllib.error.URLError:
            time.sleep(0.5)
    raise AssertionError(f"{address} did not answer")


def at(text: str) -> datetime:
    """A moment in Asia/Shanghai, which is eight hours before UTC all year."""
    return datetime.fromisoformat(text + "+08:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("window", "moment", "is_open"),
    [
        ("22:00-06:00", "2026-11-21T22:00", True),
        ("22:00-06:00", "2026-11-21T23:59", True),
        ("22:00-06:00", "2026-11-22T00:00", True),
        ("22:00-06:00", "2026-11-22T05:59:59", True),
        ("22:00-06:00", "2026-11-22T06:00", False),
        ("22:00-06:00", "2026-11-22T21:59:59", False),
        ("1:00-5:30", "2026-11-22T05:29", True),
        ("1:00-5:30", "2026-11-22T00:59", False),
    ],
)
def test_a_window_is_open_in_the_night_of_the_portals(
    window: str, moment: str, is_open: bool
) -> None:
    read = parse_window(window)
    assert read is not None
    assert read.is_open(at(moment)) is is_open


def test_when_a_window_opens_and_closes_next() -> None:
    window = parse_window("22:00-06:00")
    assert window is not None
    assert window.next_opening(at("2026-11-21T12:00")) == at("2026-11-21T22:00")
    assert window.next_opening(at("2026-11-21T22:00")) == at("2026-11-22T22:00")
    assert window.next_closing(at("2026-11-21T23:00")) == at("2026-11-22T06:00")
    assert window.next_closing(at("2026-11-22T05:00")) == at("2026-11-22T06:00")
    assert str(window) == "22:00-06:00"


def test_after_midnight_it_is_still_the_night_before() -> None:
    window = parse_window("22:00-06:00")
    assert window is not None
    evening = datetime(2026, 11, 22, 22, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert window.night(evening) == date(2026, 11, 22)
    assert window.night(evening + timedelta(hours=4)) == date(2026, 11, 22)
    by_day = parse_window("09:00-17:00")
    assert by_day is not None
    assert by_day.night(evening.replace(hour=10)) == date(2026, 11, 22)


@pytest.mark.parametrize(
    "text", ["22-6", "22:00", "25:00-06:00", "22:60-06:00", "05:00-05:00", "x"]
)
def test_a_wrong_window_is_named(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no window"):
        parse_window(text)
    status, said = run("nightly", "--data", str(tmp_path), "--window", text)
    assert status == 2
    assert "is no window" in said


def test_any_hour_and_no_window_are_the_same() -> None:
    assert parse_window("any") is None
    assert parse_window("") is None


# What follows a crawl.
AFTER = ["build", "publish", "manifest", "verify"]


class Night:
    """A nightly job whose steps are not run, at a moment of our choice."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, moment: str, crawled: int = 0) -> None:
        self.moment = at(moment)
        self.steps: list[tuple[str, ...]] = []
        self.slept = 0.0
        self.ends = self.moment
        self.crawled = crawled
        self.broken = ""
        monkeypatch.setattr(jobs, "now", lambda: self.moment)
        monkeypatch.setattr(jobs, "step", self.step)
        monkeypatch.setattr(jobs.time, "sleep", self.sleep)

    def step(self, name: str, arguments: list[str]) -> jobs.Step:
        self.steps.append(tuple(arguments))
        if "crawl" in arguments:
            self.moment = max(self.moment, self.ends)
            return jobs.Step(name, self.crawled, 1.0, "")
        if self.broken in arguments:
            return jobs.Step(name, 1, 1.0, "1 problem", output="what is off, and where\n1 problem")
        return jobs.Step(name, 0, 1.0, "")

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.moment += timedelta(seconds=seconds)

    @property
    def kinds(self) -> list[str]:
        return [step[2] for step in self.steps]


def test_by_day_a_night_is_not_crawled_but_built_and_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = Night(monkeypatch, "2026-11-21T12:00")
    status, said = run("nightly", "--data", str(tmp_path))
    assert status == 75
    assert night.kinds == AFTER
    assert "opens at 2026-11-21 22:00" in said
    assert "WINDOW=any" in said
    assert "未到时间 not yet time" in said


def test_shortly_before_its_window_a_night_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = Night(monkeypatch, "2026-11-21T21:35")
    status, said = run("nightly", "--data", str(tmp_path))
    assert status == 0
    assert night.slept == 25 * 60
    assert "waiting until 22:00" in said
    assert night.kinds == ["crawl", *AFTER]
    assert "NIGHT_WINDOW=22:00-06:00" in night.steps[0]


def test_at_any_hour_no_window_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night = Night(monkeypatch, "2026-11-21T12:00")
    status, _ = run("nightly", "--data", str(tmp_path), "--window", "any")
    assert status == 0
    assert "NIGHT_WINDOW" not in " ".join(night.steps[0])


@pytest.mark.parametrize(
    ("ends", "stop", "expected"),
    [
        ("2026-11-22T06:00:20", False, 0),  # what did not fit is first tomorrow: no failure
        ("2026-11-22T03:00:00", False, 75),  # broken off for another reason
        ("2026-11-22T06:00:20", True, 75),  # by the kill switch
    ],
)
def test_a_crawl_that_its_window_ends_is_no_failure(
    ends: str, stop: bool, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = Night(monkeypatch, "2026-11-21T22:00", crawled=75)
    night.ends = at(ends)
    if stop:
        (tmp_path / "STOP").touch()
    status, said = run("nightly", "--data", str(tmp_path))
    assert status == expected
    assert night.kinds == ["crawl", *AFTER]
    assert ("window closed" in said) is (expected == 0)


def test_what_was_captured_is_noted_and_backed_up_whatever_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = Night(monkeypatch, "2026-11-21T22:00")
    night.broken = "build"
    monkeypatch.setenv("NIANBAO_BACKUP", "s3://away/nianbao")
    status, _ = run("nightly", "--data", str(tmp_path))
    assert status == 1
    assert night.kinds == ["crawl", "build", "manifest", "backup", "backup", "verify"]
    assert night.steps[3][-4:-1] == ("--to", "s3://away/nianbao", "--also")


def test_a_backup_is_looked_at_each_night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night = Night(monkeypatch, "2026-11-21T22:00")
    monkeypatch.setenv("NIANBAO_BACKUP", "s3://away/nianbao")
    status, said = run("nightly", "--data", str(tmp_path))
    assert status == 0
    assert "核对备份 backup --check" in said
    brought, looked_at = (given for given in night.steps if given[2] == "backup")
    assert "--check" not in brought
    assert "--check" in looked_at
    assert looked_at[-2:] == ("--to", "s3://away/nianbao")


def test_what_a_verification_finds_is_told_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = Night(monkeypatch, "2026-11-21T22:00")
    night.broken = "verify"
    status, said = run("nightly", "--data", str(tmp_path))
    assert status == 1
    assert "what is off, and where" in said


def test_a_disk_that_refuses_ends_the_night_unbuilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = Night(monkeypatch, "2026-11-21T22:00", crawled=74)
    status, said = run("nightly", "--data", str(tmp_path))
    assert status == 74
    assert night.kinds == ["crawl"]
    assert "磁盘已满" in said
    assert "没有建档" in said


def test_a_lock_that_a_full_disk_refuses_is_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "crawler", "nightly", "--data", str(tmp_path), "--window", "any"],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1)),
    )  # fmt: skip
    assert done.returncode == 74
    assert "is full or failing" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_step_that_failed_is_a_failure_whatever_else() -> None:
    def step(status: int) -> jobs.Step:
        return jobs.Step("", status, 0.0, "")

    assert jobs.status_of([step(0), step(0)]) == 0
    assert jobs.status_of([step(75), step(0)]) == 75
    assert jobs.status_of([step(75), step(1)]) == 1


def test_a_window_is_what_two_times_say() -> None:
    window = parse_window("22:00 - 6:00:30")
    assert isinstance(window, Window)
    assert str(window) == "22:00-06:00:30"
