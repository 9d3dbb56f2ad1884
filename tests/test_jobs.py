"""`python -m crawler run | nightly | serve`: what a person types and a timer starts."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from crawler.__main__ import EXAMPLE_COUNT, EXAMPLE_PORT, demo_night, main, one_at_a_time
from crawler.frontier import Frontier

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


def test_a_wrong_registry_ends_the_night(tmp_path: Path) -> None:
    registry = tmp_path / "portals.csv"
    registry.write_text("id,name,division,level,home_url\na,甲市,130000,city,http://a.gov.cn/\n")
    done = subprocess.run(
        [sys.executable, "-m", "crawler", "nightly", "--data", str(tmp_path), "--portals", str(registry)],
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
        [sys.executable, "-m", "crawler", "nightly", "--data", str(tmp_path), "--portals", str(registry)],
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
        assert "北原市人民政府" in home
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
