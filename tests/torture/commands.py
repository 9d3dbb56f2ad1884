"""How the commands are run, watched and killed: always as an operator types them."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from archive.__main__ import main as archive_commands
from tests.torture.tally import Tally

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 300
# What inotify tells of a folder: modify, moved from and to, create, delete.
_EVENTS = 0x2 | 0x40 | 0x80 | 0x100 | 0x200
_HEAD = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Done:
    """What a command said and how it ended."""

    command: Sequence[str]
    status: int
    out: str
    err: str
    seconds: float

    @property
    def said(self) -> str:
        """The end of both its outputs."""
        return (self.out + self.err)[-2_500:]


def crawl(data: Path, registry: Path, night: str, *settings: str) -> list[str]:
    """The command of a night's crawl; without a night, of tonight."""
    return [
        *(sys.executable, "-m", "scrapy", "crawl", "annual_reports", "-a", f"portals={registry}"),
        *(("-a", f"night={night}") if night else ()),
        *("-s", f"DATA={data}", "-s", "ALLOW_PRIVATE_NETWORK=True", "-s", "DOWNLOAD_DELAY=0"),
        *("-s", "LOG_LEVEL=WARNING", *settings),
    ]


def archive(name: str, data: Path, *options: str) -> list[str]:
    """A command of the archive."""
    return [sys.executable, "-m", "archive", name, "--data", str(data), *options]


def run(
    command: Sequence[str],
    *,
    around: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Done:
    """Run a command to its end, perhaps by another (strace, prlimit) put before it."""
    began = time.monotonic()
    with subprocess.Popen(
        [*around, *command],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            _kill(process, whole=True)
            out, err = process.communicate()
            err += f"\nit did not end within {TIMEOUT} s"
    return Done(command, process.returncode, out, err, time.monotonic() - began)


def fine(
    tally: Tally, command: Sequence[str], *, environment: Mapping[str, str] | None = None
) -> Done:
    """Run a command that must end well."""
    done = run(command, environment=environment) if environment else called(tally, command)
    tally.same(done.status, 0, f"status of {_words(command)}, which said {done.said!r}")
    return done


def called(tally: Tally, command: Sequence[str]) -> Done:
    """Run a command; in the short form one of the archive runs in this process, for to start one
    costs more than so little work."""
    name = command[3]
    if tally.long or command[2] != "archive":
        return run(command)
    began = time.monotonic()
    apart = ("--workers", "0") if name in ("build", "verify") else ()
    done = CliRunner().invoke(archive_commands, [*command[3:], *apart])
    told = "" if done.exception is None or isinstance(done.exception, SystemExit) else "Traceback "
    said = f"{told}{done.exception!r}" if told else ""
    return Done(command, done.exit_code, done.stdout, done.stderr + said, time.monotonic() - began)


def plain(tally: Tally, done: Done, status: int, about: str) -> None:
    """A command that could not do its work ended with a status, and without a traceback."""
    what = f"{_words(done.command)} {about}"
    tally.same(done.status, status, f"status of {what}, which said {done.said!r}")
    tally.expect("Traceback" not in done.err, f"traceback of {what}: {done.err[-1_500:]!r}")


def kill(
    command: Sequence[str], moment: Callable[[], bool], *, whole: bool, wait: float = 0.002
) -> bool:
    """Start a command and kill it with -9 at a moment; False where it ended before.

    `whole`: with the processes it started, as when a machine goes down; otherwise these are
    left to notice. None of them may be there for longer than 20 s.
    """
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while process.poll() is None and not moment():
            time.sleep(wait)
        alive = process.poll() is None
        if alive:
            _kill(process, whole=whole)
        process.wait()
    finally:
        group = process.pid
        deadline = time.monotonic() + 20
        while _group_lives(group):
            if time.monotonic() > deadline:
                os.killpg(group, signal.SIGKILL)
                raise AssertionError(f"{_words(command)} left processes behind for 20 s")
            time.sleep(0.01)
    return alive


class FileEvents:
    """How often files below a data folder were made, written, renamed or removed."""

    def __init__(self, data: Path) -> None:
        self._file = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self._folders: dict[int, Path] = {}
        self.count = 0
        for folder in (data, *(one for one in data.iterdir() if one.is_dir())):
            self._watch(folder)

    def __enter__(self) -> FileEvents:
        return self

    def __exit__(self, *reason: object) -> None:
        os.close(self._file)

    def _watch(self, folder: Path) -> None:
        if not folder.is_symlink():
            number = _libc.inotify_add_watch(self._file, os.fsencode(folder), _EVENTS)
            self._folders[number] = folder

    def seen(self) -> int:
        """All events so far."""
        while select.select([self._file], [], [], 0)[0]:
            told = os.read(self._file, 1 << 16)
            while told:
                watch, kind, _, length = _HEAD.unpack_from(told)
                name = told[_HEAD.size : _HEAD.size + length].rstrip(b"\0")
                told = told[_HEAD.size + length :]
                self.count += 1
                if kind & 0x40000000 and kind & 0x100:  # a folder was made
                    self._watch(self._folders[watch] / os.fsdecode(name))
        return self.count


def _kill(process: subprocess.Popen[str], *, whole: bool) -> None:
    with suppress(ProcessLookupError):
        (os.killpg if whole else os.kill)(process.pid, signal.SIGKILL)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _words(command: Sequence[str]) -> str:
    """A command as one reads it: without the interpreter, the folders and the settings."""
    words = [word for word in command[2:] if not word.startswith("/")]
    return " ".join(words[:6])
