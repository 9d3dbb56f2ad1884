"""`python -m archive`: its help, and what it says when something is in the way."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from archive import store
from archive.__main__ import SECTIONS, _interrupt, main

ROOT = Path(__file__).resolve().parents[1]
COMMAND = (sys.executable, "-m", "archive")


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    return result.exit_code, result.stderr.strip()


def pages(folder: Path, count: int) -> list[str]:
    paths = [folder / f"{number}.txt" for number in range(count)]
    for path in paths:
        path.write_text(
            "北原市教育局2023年政府信息公开工作年度报告\n一、总体情况", encoding="utf-8"
        )
    return list(map(str, paths))


def test_the_help_names_every_command_once() -> None:
    named = [name for names in SECTIONS.values() for name in names]
    assert sorted(named) == sorted(main.commands)
    told = CliRunner().invoke(main, ["--help"]).stdout
    for heading in SECTIONS:
        assert f"{heading}:" in told
    for name in named:
        assert f"\n  {name} " in told
    assert "..." not in told.partition("Every night:")[2]


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_option_is_explained_and_every_command_is_in_the_readme(name: str) -> None:
    command = main.commands[name]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"python -m archive {name} " in readme


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "the disk is full: free it, then start the same command again"),
        (errno.EROFS, "it is mounted to be read only: mount it so that it can be written"),
        (errno.EACCES, "this user may not: see whose it is and what its permissions are"),
        (errno.EISDIR, "it is a folder where a file should be: move it away"),
        (errno.ENOTDIR, "it is a file where a folder should be, or lies in one: move it away"),
        (errno.EEXIST, "something else has that name: move it away, or give another"),
        (errno.ENOENT, "it is not there: see how it is spelled"),
    ],
)
def test_an_error_of_the_system_names_the_path_and_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    def fail(*names: str) -> None:
        raise OSError(number, os.strerror(number), *names)

    monkeypatch.setattr("archive.publish.publish", lambda *_: fail("/data/fold.db"))
    assert run("publish", "--data", tmp_path) == (1, f"Error: /data/fold.db: {advice}")
    monkeypatch.setattr("archive.publish.publish", lambda *_: fail())
    place = f"writing in {tmp_path} (or the folder of temporary files)"
    assert run("publish", "--data", tmp_path) == (1, f"Error: {place}: {advice}")


def test_other_errors_of_the_system_keep_their_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Path) -> None:
        raise ConnectionError("nobody answers")

    monkeypatch.setattr("archive.publish.publish", fail)
    assert run("publish", "--data", tmp_path) == (1, "Error: nobody answers")


@pytest.mark.parametrize("name", ["fold.db", "nianbao.db"])
def test_a_folder_in_the_place_of_a_file(tmp_path: Path, name: str) -> None:
    for folder in ("warc", "sightings", name):
        (tmp_path / folder).mkdir()
    status, told = run("build", "--rebuild", "--workers", 0, "--data", tmp_path)
    assert status == 1
    assert told.count("\n") == 0
    assert name in told
    assert "[Errno" not in told


def test_captures_that_are_nowhere_are_not_built_from(tmp_path: Path) -> None:
    data, typo = tmp_path / "data", tmp_path / "typo"
    data.mkdir()
    for captures in (typo, typo.as_uri(), data):
        told = f"Error: {captures} has neither warc/ nor sightings/: see how --captures is spelled"
        assert run("build", "--data", data, "--captures", captures) == (1, told)
    assert list(data.iterdir()) == []
    (data / "sightings").mkdir()
    assert run("build", "--data", data, "--captures", data, "--workers", 0)[0] == 0


def test_ids_without_captures_are_not_built_from(tmp_path: Path) -> None:
    """A disk that is not mounted, or a restore without captures: all addresses would lead nowhere.
    A folder where nothing was ever named builds an empty archive."""
    (tmp_path / "ledger.csv").write_text(
        "id,name,division,level,kind,portal_id,minted_at\n"
        "140600-jyj,朔州市教育局,140600,prefecture,department,shuozhou,2026-11-21T04:00:00Z\n",
        encoding="utf-8",
    )
    status, said = run("build", "--data", tmp_path, "--workers", 0)
    assert status == 1
    assert f"{tmp_path} has 1 ids in ledger.csv and neither warc/ nor sightings/" in said
    assert "--captures" in said
    assert not (tmp_path / "nianbao.db").exists()
    (tmp_path / "ledger.csv").write_text("id,name,division,level,kind,portal_id,minted_at\n")
    assert run("build", "--data", tmp_path, "--workers", 0) == (0, "")


@pytest.mark.parametrize("command", ["build", "verify", "manifest"])
def test_an_unknown_kind_of_address_is_named(command: str, tmp_path: Path) -> None:
    status, said = run(command, "--data", tmp_path, "--captures", "foo://bar")
    assert status == 1
    assert said.startswith("Error: foo://bar: ")
    assert "s3://bucket/prefix" in said


def test_an_interrupt_in_a_function_of_sqlite_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite says that a function raised something: the archive is not to blame for Ctrl-C."""

    def masked(*_: object) -> None:
        with closing(sqlite3.connect(":memory:")) as db:
            db.create_function("masked", 0, lambda: signal.raise_signal(signal.SIGINT))
            try:
                db.execute("select masked()")
            except sqlite3.Error as error:
                raise ValueError("nianbao.db is damaged: build it again") from error

    monkeypatch.setattr("archive.publish.publish", masked)
    monkeypatch.setattr("archive.__main__.INTERRUPTED", threading.Event())
    before = signal.signal(signal.SIGINT, _interrupt)
    try:
        status, said = run("publish", "--data", tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (status, said) == (1, "Aborted!")


def test_a_ledger_is_not_restored_to_a_folder_that_is_not_there(tmp_path: Path) -> None:
    archive, typo = tmp_path / "nianbao.db", tmp_path / "typo"
    store.put_in_place(store.create(tmp_path / "new.db"), tmp_path / "new.db", archive)
    status, told = run("ledger", "--data", typo, "--from", archive)
    assert (status, told) == (
        1,
        f"Error: no data folder {typo}: restore it from the backup, or give --data",
    )
    assert not typo.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has /dev/full")
def test_an_output_that_is_full_is_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            (*COMMAND, "parse", *pages(tmp_path, 1)),
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    told = "Error: the output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, told)


def test_a_reader_that_leaves_ends_the_command_quietly(tmp_path: Path) -> None:
    with subprocess.Popen(
        (*COMMAND, "parse", *pages(tmp_path, 40)),
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.mark.parametrize("loading", [True, False])
@pytest.mark.parametrize(
    ("number", "status", "told"), [(signal.SIGINT, 1, "\nAborted!\n"), (signal.SIGTERM, 143, "")]
)
def test_who_ends_a_command_gets_no_traceback(
    tmp_path: Path, number: signal.Signals, status: int, told: str, loading: bool
) -> None:
    """Ctrl-C reaches all processes of a terminal, also those that are loading the readers."""
    with subprocess.Popen(
        (*COMMAND, "parse", *(pages(tmp_path, 40) * 50)),
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
        # Who runs the tests in the background has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stderr
        if loading:
            while not started(process.pid):
                time.sleep(0.01)
        else:
            process.stdout.readline()
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        _, written = process.communicate(timeout=60)
    assert (process.returncode, written) == (status, told)


def started(pid: int) -> bool:
    """Whether a process has processes of its own: the first loads the readers."""
    for line in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = line.read_text().rpartition(")")[2].split()
            of_forkserver = b"forkserver" in line.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if fields[1] == str(pid) and of_forkserver:
            return True
    return False
