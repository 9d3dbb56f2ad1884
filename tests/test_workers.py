"""A document that loops, swells or aborts costs itself and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from archive.workers import Failure, Limits, read_each

LIMITS = Limits(cpu_seconds=1, wall_seconds=3, memory_bytes=512 << 20)
SLEEPER = "import time; time.sleep(600)"


def double(number: int) -> int:
    return 2 * number


def misbehave(how: str) -> str:
    return DEEDS[how](how)


def loop(_: str) -> str:
    while True:
        pass


def sleep(_: str) -> str:
    signal.pause()
    return ""


def swell(_: str) -> str:
    return str(len(bytearray(1 << 40)))


def abort(_: str) -> str:
    os.abort()


def leave(_: str) -> str:
    os._exit(7)


def complain(_: str) -> str:
    etree.fromstring("<a>")
    return ""


def start_sleeper(_: str) -> str:
    """Start a program as a converter does, say its id, and never come back."""
    child = subprocess.Popen([sys.executable, "-c", SLEEPER])
    Path(os.environ["SLEEPER_FILE"]).write_text(str(child.pid))
    signal.pause()
    return ""


DEEDS: dict[str, Callable[[str], str]] = {
    "loop": loop,
    "sleep": sleep,
    "swell": swell,
    "abort": abort,
    "leave": leave,
    "complain": complain,
    "start": start_sleeper,
    "read": str,
}


def test_results_come_in_order() -> None:
    numbers = range(300)
    assert list(read_each(numbers, double, 2)) == [(n, 2 * n) for n in numbers]
    assert list(read_each(numbers, double, 0)) == [(n, 2 * n) for n in numbers]
    assert list(read_each([], double, 2)) == []


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("loop", "读取超过 1 秒，已放弃"),
        ("sleep", "读取超过 3 秒，已放弃"),
        ("swell", "读取内存超过 512 MB，已放弃"),
        ("abort", "读取程序异常终止（信号 6）"),
        ("leave", "读取程序异常终止（代码 7）"),
    ],
)
def test_one_that_misbehaves_costs_itself(how: str, reason: str) -> None:
    deeds = ["read", "read", how, "read", how, "read"]
    # On a busy machine a second of the processor may take long.
    limits = replace(LIMITS, wall_seconds=60) if how == "loop" else LIMITS
    outcomes = [outcome for _, outcome in read_each(deeds, misbehave, 2, limits)]
    assert outcomes == ["read", "read", Failure(reason), "read", Failure(reason), "read"]


def test_errors_are_told_in_words() -> None:
    """lxml's own errors do not pass between processes."""
    ((_, failure),) = read_each(["complain"], misbehave, 1, LIMITS)
    assert isinstance(failure, Failure)
    assert failure.reason.startswith("读取失败：XMLSyntaxError")
    ((_, here),) = read_each(["complain"], misbehave, 0)
    assert here == failure


def test_a_worker_takes_what_it_started_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import os, sys; from test_workers import LIMITS, misbehave\n"
        "from archive.workers import read_each\n"
        "print(list(read_each(['start'], misbehave, 1, LIMITS))[0][1].reason)\n"
    )
    answer = run(program, tmp_path)
    assert answer.stdout.decode().strip() == "读取超过 3 秒，已放弃"


def test_a_killed_caller_leaves_nothing_running(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys, threading, time, pathlib\n"
        "from test_workers import misbehave; from archive.workers import read_each\n"
        "def die():\n"
        "    while not pathlib.Path(os.environ['SLEEPER_FILE']).exists(): time.sleep(0.01)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "threading.Thread(target=die).start()\n"
        "list(read_each(['start'] * 2, misbehave, 2))\n"
    )
    assert run(program, tmp_path).returncode == -signal.SIGKILL


def run(program: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run to the end of every process that holds the program's output."""
    here = Path(__file__).parent
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=here.parent,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)]),
            "SLEEPER_FILE": str(folder / "sleeper"),
        },
        stdout=subprocess.PIPE,
        timeout=60,
        check=False,
    )


def scratch(_: int) -> str:
    Path(tempfile.mkdtemp(), "left").write_bytes(b"x")
    return tempfile.gettempdir()


def test_what_workers_leave_behind_is_cleared_away() -> None:
    folders = {str(folder) for _, folder in read_each(range(3), scratch, 2)}
    assert len(folders) == 1
    assert not Path(folders.pop()).exists()


def test_the_caller_may_stop_early() -> None:
    outcomes = read_each(range(1000), double, 2)
    assert next(outcomes) == (0, 0)
    outcomes.close()  # type: ignore[attr-defined]


def test_callers_errors_pass_through() -> None:
    def tasks():
        yield 1
        raise LookupError("the list ends here")

    with pytest.raises(LookupError):
        list(read_each(tasks(), double, 1))


def test_workers_and_what_they_are_forked_from_are_not_interrupted() -> None:
    ((_, blocked),) = read_each(["blocked"], signals_held, 1, LIMITS)
    assert blocked == [[signal.SIGINT]] * 2
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()


def signals_held(_: str) -> list[list[signal.Signals]]:
    """The signals that are held from this process and the one it was forked from, by Linux."""
    found = []
    for pid in (os.getpid(), os.getppid()):
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        (held,) = (line.split()[1] for line in status if line.startswith("SigBlk:"))
        found.append([one for one in signal.Signals if int(held, 16) >> (one - 1) & 1])
    return found
