"""A Dask cluster and an S3 server, both real and on loopback.

They need requirements-cluster.txt (`make cluster`); without it these tests are skipped.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from test_build import dump, fake_reading, fold, rows, story

from archive import readings, spread, warc
from archive.backup.put import backup
from archive.backup.restore import restore
from archive.build import Options, build
from archive.keys import make_key
from archive.manifest import write_manifest
from archive.prove import prove
from archive.shelf import Shelf, ShelfError, shelved
from archive.spread import ClusterError, each, opened
from archive.verify.problems import Problem
from archive.verify.rounds import verify
from archive.workers import Failure, Limits

MISSING = "requirements-cluster.txt is not installed: make cluster"
distributed = pytest.importorskip("distributed", reason=MISSING)
s3fs = pytest.importorskip("s3fs", reason=MISSING)
moto_server = pytest.importorskip("moto.server", reason=MISSING)

SEGMENT = "20261121T140322Z-3f9a1c.warc.gz"


# --- work, as pickles find it ---------------------------------------------------------------------


def slow_square(number: int) -> int:
    time.sleep(0.05)
    return number * number


def square_or_die(number: int) -> int:
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 6:
        raise ValueError("no number")
    if number == 7:
        return len(bytearray(8 << 30))
    if number == 8:
        while True:
            pass
    return number * number


def answers(shelf: Shelf, name: str) -> list[str]:
    found = warc.read_segment(shelf, name)
    return [one.digest for one in found if isinstance(one, warc.Capture)]


def answers_with(settings: dict[str, str], shelf: Shelf, name: str) -> list[str]:
    os.environ.update(settings)
    return answers(shelf, name)


def whoami(_: int) -> tuple[int, int]:
    return os.getpid(), os.getppid()


# --- Dask -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=3,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    ) as started:
        yield started


def test_results_come_in_order_and_equal_those_of_this_process(cluster: Any) -> None:
    numbers = list(range(50))
    with opened(2, cluster.scheduler_address) as executor:
        far = list(each(executor, slow_square, numbers, batch=4))
    assert far == list(each(None, slow_square, numbers))
    assert far[7] == (7, 49)


def test_a_worker_killed_in_the_middle_costs_nothing(cluster: Any) -> None:
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        before = client.run(os.getpid)
    with opened(0, cluster.scheduler_address) as executor:
        results = each(executor, slow_square, range(120), batch=4)
        begun = [next(results)]
        os.kill(next(iter(before.values())), signal.SIGKILL)
        done = begun + list(results)
    assert done == [(number, number * number) for number in range(120)]


def test_a_hostile_document_costs_only_itself(cluster: Any) -> None:
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        before = sorted(client.run(os.getpid).values())
        limits = Limits(cpu_seconds=2, wall_seconds=20, memory_bytes=2 << 30)
        with opened(0, cluster.scheduler_address, limits) as executor:
            results = dict(each(executor, square_or_die, range(12), batch=6))
        assert sorted(client.run(os.getpid).values()) == before
    failed = {number for number, result in results.items() if isinstance(result, Failure)}
    assert failed == {5, 6, 7, 8}
    assert "信号 9" in results[5].reason
    assert "ValueError no number" in results[6].reason
    assert "2 GB" in results[7].reason
    assert "超过 2 秒" in results[8].reason
    assert results[11] == 121


def test_a_document_is_read_in_a_process_of_the_worker(cluster: Any) -> None:
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        workers = set(client.run(os.getpid).values())
    with opened(0, cluster.scheduler_address) as executor:
        pids = {pid for _, (pid, _) in each(executor, whoami, range(6), batch=1)}
    assert not pids & workers


def test_only_so_many_are_asked_for_ahead(cluster: Any) -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    with opened(0, cluster.scheduler_address) as executor:
        results = each(executor, slow_square, numbers(), batch=2)
        assert next(results) == (0, 0)
        # Twice as many batches as threads (3).
        assert len(taken) == 12
        results.close()


def test_a_worker_with_other_software_is_refused(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "software", lambda: "Python 2.7")
    with (
        opened(0, cluster.scheduler_address) as executor,
        pytest.raises(ClusterError, match=r"other software.*Python 2\.7"),
    ):
        list(each(executor, slow_square, [1]))


def test_no_scheduler_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "JOIN_SECONDS", 1)
    with pytest.raises(ClusterError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        opened(0, "tcp://127.0.0.1:9").__enter__()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("foo", "no address of a Dask scheduler"),
        ("127.0.0.1:8786", "no address of a Dask scheduler"),
        ("klingon://a:1", "no address of a Dask scheduler"),
        ("tcp://127.0.0.1", "no address of a Dask scheduler"),
        ("tls://127.0.0.1:9", "name no certificates"),
    ],
)
def test_an_address_that_is_none_ends_the_command_at_once(address: str, why: str) -> None:
    """A client that is made for one waits for itself, for ever, when Python ends."""
    code = "import sys; from archive.spread import opened; opened(0, sys.argv[1]).__enter__()"
    ended = subprocess.run(
        [sys.executable, "-c", code, address],
        cwd=Path(spread.__file__).parent.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith(
        f"archive.spread.ClusterError: --cluster {address}: "
    )
    assert why in ended.stderr.splitlines()[-1]


def test_segments_are_walked_by_the_cluster(cluster: Any, tmp_path: Path, segment: bytes) -> None:
    names = [f"{number}.warc.gz" for number in range(4)]
    shelf = Shelf(str(tmp_path))
    for name in names:
        shelf.put("warc", name, segment)
    with opened(0, cluster.scheduler_address) as executor:
        far = list(each(executor, partial(answers, shelf), names, batch=1))
    assert far == list(each(None, partial(answers, shelf), names))
    assert [len(found) for _, found in far] == [40] * 4


# --- S3 -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def shelf(server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Shelf:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    bucket = hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    s3fs.S3FileSystem().mkdir(bucket)
    return Shelf(f"s3://{bucket}/nianbao")


@pytest.fixture(scope="module")
def segment() -> bytes:
    return b"".join(member(number) for number in range(40))


def member(number: int) -> bytes:
    from crawler.capture import _member, sha256

    body = (f"<html>{number} 政府信息公开工作年度报告</html>" * 2000).encode()
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    about = {
        "WARC-Target-URI": f"http://a.gov.cn/{number}.html",
        "WARC-Payload-Digest": sha256(body),
    }
    return _member(
        *("response", "2026-11-21T14:03:22Z", f"<urn:uuid:{number}>"),
        *("application/http; msgtype=response", about, block),
    )


def test_what_is_put_is_kept_and_read(shelf: Shelf) -> None:
    assert shelf.kept("warc", ".warc.gz") == []
    assert shelf.put("warc", "b.warc.gz", b"two") is True
    assert shelf.put("warc", "a.warc.gz", b"one1") is True
    assert shelf.put("sightings", "a.jsonl", b"{}\n") is True
    assert [(one.name, one.size) for one in shelf.kept("warc", ".warc.gz")] == [
        ("a.warc.gz", 4),
        ("b.warc.gz", 3),
    ]
    assert shelf.read("warc", "a.warc.gz") == b"one1"
    assert shelf.digest("warc", "b.warc.gz") == hashlib.sha256(b"two").hexdigest()
    with shelf.open("warc", "a.warc.gz") as file:
        file.seek(3)
        assert file.read() == b"1"
    with pytest.raises(FileNotFoundError):
        shelf.read("warc", "c.warc.gz")


def test_another_process_finds_what_was_put_since(shelf: Shelf) -> None:
    assert shelf.kept("warc", ".warc.gz") == []
    Shelf(shelf.root).put("warc", "a.warc.gz", b"one")
    assert [one.name for one in shelf.kept("warc", ".warc.gz")] == ["a.warc.gz"]


def test_nothing_is_ever_overwritten(shelf: Shelf) -> None:
    shelf.put("warc", "a.warc.gz", b"one")
    stamp = shelf.kept("warc", ".warc.gz")[0].stamp
    assert shelf.put("warc", "a.warc.gz", b"one") is False
    with pytest.raises(ShelfError) as refused:
        shelf.put("warc", "a.warc.gz", b"two")
    assert hashlib.sha256(b"one").hexdigest() in str(refused.value)
    assert hashlib.sha256(b"two").hexdigest() in str(refused.value)
    assert shelf.read("warc", "a.warc.gz") == b"one"
    assert shelf.kept("warc", ".warc.gz")[0].stamp == stamp


@pytest.mark.parametrize("large", [False, True], ids=["one request", "in parts"])
def test_the_server_itself_refuses_a_second(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, large: bool
) -> None:
    """Two who both saw that nothing is there: the look beforehand is taken away."""
    size = 101 << 20 if large else 9
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"1" * size)
    second.write_bytes(b"2" * size)
    looks = []

    def blind(self: Shelf, folder: str, name: str, source: Path | bytes) -> bool:
        looks.append(name)
        return False

    with monkeypatch.context() as patched:
        patched.setattr(Shelf, "_holds", blind)
        assert shelf.put("warc", "a.warc.gz", first) is True
        with pytest.raises(FileExistsError):
            shelf.put("warc", "a.warc.gz", second)
    assert len(looks) == 3
    assert shelf.digest("warc", "a.warc.gz") == hashlib.sha256(b"1" * size).hexdigest()


def test_of_two_at_once_one_comes_through(shelf: Shelf) -> None:
    outcomes: list[str] = []

    def put(content: bytes) -> None:
        try:
            outcomes.append(str(shelf.put("warc", "a.warc.gz", content)))
        except ShelfError:
            outcomes.append("refused")

    threads = [threading.Thread(target=put, args=(bytes([number]) * 9,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["True", *["refused"] * 5]


def test_a_bucket_that_is_not_there_is_no_empty_shelf(shelf: Shelf) -> None:
    missing = Shelf("s3://nianbao-of-nobody/prefix")
    with pytest.raises(ShelfError, match="no such store"):
        missing.kept("warc", ".warc.gz")
    with pytest.raises(ShelfError, match="no such store"):
        missing.put("warc", "a.warc.gz", b"one")


def test_a_server_that_is_not_there(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises((ShelfError, OSError), match=r"127\.0\.0\.1:9"):
        shelf.kept("warc", ".warc.gz")


def test_a_segment_is_walked_with_few_requests(
    shelf: Shelf, segment: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.put("warc", SEGMENT, segment)
    here = Shelf(str(tmp_path))
    here.put("warc", SEGMENT, segment)
    asked: list[tuple[int, int]] = []
    fetch = s3fs.core._fetch_range

    def counted(*args: Any, **kwargs: Any) -> Any:
        asked.append(args[4:6])
        return fetch(*args, **kwargs)

    monkeypatch.setattr(s3fs.core, "_fetch_range", counted)
    found = list(warc.read_segment(shelf, SEGMENT))
    assert len(found) == 40
    assert found == list(warc.read_segment(here, SEGMENT))
    assert len(asked) == 1
    last = found[-1]
    assert isinstance(last, warc.Capture)
    assert warc.read_payload(shelf, SEGMENT, last.offset).startswith(b"<html>39 ")
    with pytest.raises(warc.CaptureError, match=f"{SEGMENT} at 7"):
        warc.read_payload(shelf, SEGMENT, 7)


def test_segments_behind_s3_are_walked_by_processes_of_their_own(
    shelf: Shelf, segment: bytes
) -> None:
    shelf.put("warc", SEGMENT, segment)
    # Processes are forked from one that an earlier test may have started, without this server.
    settings = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    with opened(1) as executor:
        ((_, digests),) = each(executor, partial(answers_with, settings, shelf), [SEGMENT])
    assert digests == answers(shelf, SEGMENT)
    assert len(digests) == 40


def test_an_archive_of_captures_behind_s3_is_built_verified_and_proven(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "read_report", lambda parts, said: fake_reading(parts, said))
    here, there = story().lay(tmp_path / "here", shards=2), tmp_path / "there"
    noted = datetime(2026, 11, 22, 4, tzinfo=UTC)
    write_manifest(here, shelved(here), make_key(tmp_path / "key.pem"), noted)
    fold(here)
    backup(here, shelf.root)
    restore(shelf.root, there, captures=False)
    assert not (there / "warc").exists()
    build(there, workers=0, options=Options(captures=shelf.root))
    assert dump(there) == dump(here)

    def told() -> tuple[list[Problem], int]:
        found: list[Problem] = []
        day = date(2026, 11, 22)
        summary = verify(there, found.append, shelf.root, everything=True, today=day)
        return found, summary.captures

    assert told() == ([], len(story().answers))
    (version,) = rows(here, "select current_version from reports order by id")[0]
    bundles = [
        prove(d, s, f"/r/{version}", noted) for d, s in ((here, shelved(here)), (there, shelf))
    ]
    assert bundles[0] == bundles[1]

    # What nobody but the owner of the bucket can do.
    name = shelf.kept("warc", ".warc.gz")[1].name
    raw = bytearray(shelf.read("warc", name))
    raw[len(raw) // 2] ^= 1
    s3fs.S3FileSystem().pipe(f"{shelf.root}/warc/{name}", bytes(raw))
    found, _ = told()
    assert found
    assert {problem.where.split(" at ")[0] for problem in found} == {f"warc/{name}"}
    s3fs.S3FileSystem().rm(f"{shelf.root}/warc/{name}")
    s3fs.S3FileSystem.clear_instance_cache()
    found, _ = told()
    assert [(problem.kind, problem.where) for problem in found] == [
        ("segment-missing", f"warc/{name}")
    ]
