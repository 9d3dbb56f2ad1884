"""Every document is read once: readings made before are remembered, new ones made apart.

Documents are read in processes of their own, because some kill the process that opens them.
"""

from __future__ import annotations

import ctypes
import dataclasses
import hashlib
import json
import logging
import os
import resource
import signal
import sqlite3
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from archive import form, warc
from archive.issuers import tidy
from archive.model import Blame, Evidence, Finding, Note, Reading, Section, State, Verdict
from archive.progress import track
from archive.read import PARSER, Part, read_report

BATCH = 64
# A scan takes 10 s a page; a page tree that loops takes for ever.
CPU_SECONDS = 300
MEMORY_BYTES = 4 << 30
# Modules that come after reading; all others of the package have a part in it.
NOT_READER = frozenset(
    "__main__ build issuers nights progress publish readings sightings store versions warc".split()
)
PR_SET_PDEATHSIG = 1  # from Linux's sys/prctl.h
CRASHED = "读取程序异常终止"
FAILED = "读取失败"
NO_ISSUER = "未能确定公开机关"
NO_YEAR = "未能确定报告年度"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """A part of a document: its payload, where it lies, and what was said of it."""

    url: str
    digest: str
    name: str
    content_type: str
    warc_file: str
    offset: int


@dataclass(frozen=True, slots=True)
class Task:
    """A document to read, once, however often it was seen."""

    key: str
    sources: tuple[Source, ...]
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Facts:
    """What a document turned out to be: a report of a body for a year, or why not.

    `body` names the whole reading in the memory.
    """

    issuer: str | None = None
    year: int | None = None
    reason: str = ""
    content_digest: str = ""
    body: str = ""
    has_failed: bool = False
    is_new: bool = False

    @property
    def refusal(self) -> str | None:
        """Why it is no report, or could not be read; None for a report."""
        return None if self.issuer else self.reason


class MemoryLossError(ValueError):
    """The memory of builds was changed while a build used it."""


class Memory:
    """What a build need not do twice: readings made, and segments verified.

    It only saves time: without its file everything is read again, with the same result.
    """

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        try:
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = normal")
            for table in ("readings", "bodies", "segments", "mentions"):
                self._db.execute(
                    f"create table if not exists {table} (key text primary key, value blob)"
                )
            self._db.execute("create temp table used (key text primary key)")
        except sqlite3.Error:
            self._db.close()
            raise

    def recall(self, table: str, key: str) -> bytes | None:
        """What was kept under a key in one of the tables."""
        found = self._db.execute(f"select value from {table} where key = ?", (key,)).fetchone()
        return None if found is None else bytes(found[0])

    def keep(self, table: str, key: str, value: bytes) -> None:
        """Remember a value under a key of one of the tables."""
        self._db.execute(f"insert or replace into {table} values (?, ?)", (key, value))

    def reading(self, body: str) -> Reading:
        """A reading by the digest under which its whole was kept."""
        packed = self.recall("bodies", body)
        if packed is None:
            raise MemoryLossError(f"the reading {body} has vanished: build again with --rebuild")
        return unpack_reading(packed)

    def keep_only(self, table: str, keys: Iterable[str]) -> None:
        """Forget what nothing refers to any more, such as the readings of older readers."""
        self._db.execute("delete from used")
        self._db.executemany(
            "insert or ignore into used values (?)", ((key,) for key in sorted(keys))
        )
        self._db.execute(f"delete from {table} where key not in (select key from used)")

    def close(self) -> None:
        self._db.close()


def pack(value: Any) -> bytes:
    """A JSON value, packed for the memory of builds."""
    return zlib.compress(json.dumps(value, ensure_ascii=True).encode("ascii"), 1)


def unpack(packed: bytes) -> Any:
    """The value that was packed; tuples come back as lists."""
    return json.loads(zlib.decompress(packed))


def pack_reading(reading: Reading) -> bytes:
    """A reading packed whole: equal readings give equal bytes."""
    return pack(
        {
            field.name: getattr(reading, field.name)
            for field in dataclasses.fields(reading)
            if field.name not in ("sections", "cells", "notes", "findings")
        }
        | {
            "sections": [dataclasses.asdict(section) for section in reading.sections],
            "cells": dict(reading.cells),
            "notes": {key: dataclasses.asdict(note) for key, note in reading.notes.items()},
            "findings": [dataclasses.asdict(finding) for finding in reading.findings],
        }
    )


def reading_key(parser: str, evidence: Evidence, parts: Sequence[tuple[str, str, str]]) -> str:
    """What a reading depends on, as one name; `parts` are (digest, name, content type)."""
    facts = [parser, dataclasses.astuple(evidence), [list(part) for part in parts]]
    return hashlib.sha256(json.dumps(facts).encode("ascii")).hexdigest()


def unpack_reading(packed: bytes) -> Reading:
    """The reading that was packed, equal to what it was."""
    stored = unpack(packed)
    return Reading(
        **stored
        | {
            "sections": tuple(Section(**section) for section in stored["sections"]),
            "notes": {
                key: Note(State(note["state"]), note["printed"], note["confidence"])
                for key, note in stored["notes"].items()
            },
            "findings": tuple(_finding(finding) for finding in stored["findings"]),
            "links": tuple(stored["links"]),
        }
    )


def _finding(stored: dict[str, Any]) -> Finding:
    return Finding(
        **stored
        | {
            "verdict": Verdict(stored["verdict"]),
            "blame": Blame(stored["blame"]) if stored["blame"] else None,
            "cells": tuple(stored["cells"]),
        }
    )


@cache
def reader_version() -> str:
    """The reader's version and the digest of its source: an edit that forgot to raise the version
    must not be answered from memory."""
    sha256 = hashlib.sha256(PARSER.encode())
    for path in sorted(form.HERE.rglob("*")):
        if path.suffix in (".py", ".json") and path.stem not in NOT_READER:
            sha256.update(path.read_bytes())
    return f"{PARSER} {sha256.hexdigest()}"


def read_all(
    data: Path, memory: Memory, tasks: Mapping[str, Task], workers: int
) -> dict[str, Facts]:
    """What each document is; those not remembered are read. A failure is not remembered."""
    found: dict[str, Facts] = {}
    missing = []
    for key in sorted(tasks):
        if (packed := memory.recall("readings", key)) is None:
            missing.append(tasks[key])
        else:
            found[key] = Facts(*unpack(packed))
    read = _read_in_pool if workers else _read_here
    for task, body in track(read(data, missing, workers), "documents", len(missing)):
        if isinstance(body, str):
            log.error("%s: %s", task.evidence.url, body)
            found[task.key] = Facts(reason=body, has_failed=True)
            continue
        fact = _facts(unpack_reading(body), hashlib.sha256(body).hexdigest())
        memory.keep("bodies", fact.body, body)
        memory.keep("readings", task.key, pack(dataclasses.astuple(fact)))
        found[task.key] = dataclasses.replace(fact, is_new=True)
    memory.keep_only("readings", tasks)
    memory.keep_only("bodies", {fact.body for fact in found.values()})
    return found


def _facts(reading: Reading, body: str) -> Facts:
    issuer = tidy(reading.issuer or "")
    if not reading.is_report:
        return Facts(reason=reading.reason, body=body)
    if not issuer:
        return Facts(reason=NO_ISSUER, body=body)
    if reading.year is None:
        return Facts(reason=NO_YEAR, body=body)
    return Facts(issuer, reading.year, reading.reason, reading.content_digest, body)


def _read_here(
    data: Path, tasks: Sequence[Task], workers: int
) -> Iterator[tuple[Task, bytes | str]]:
    for task in tasks:
        yield task, read_task(data, task)


def read_task(data: Path, task: Task) -> bytes | str:
    """A packed reading, or why there is none.

    The outer boundary of the build: whatever a hostile document does to a parser, it is written
    down with the sighting and the next document is read.
    """
    try:
        parts = [
            Part(
                warc.read_payload(data, source.warc_file, source.offset),
                source.name,
                source.content_type,
            )
            for source in task.sources
        ]
        return pack_reading(read_report(parts, task.evidence))
    except Exception as error:
        log.debug("%s", task.evidence.url, exc_info=True)
        return f"{FAILED}：{type(error).__name__} {error}"[:500]


def _read_limited(data: Path, task: Task) -> bytes | str:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))
    return read_task(data, task)


def _begin_worker(parent: int) -> None:
    """Bound a worker's memory, and let it die with the build: an orphan would hold its lock."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit("the build has died")
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY or hard > MEMORY_BYTES:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, hard))


def _pool(workers: int) -> ProcessPoolExecutor:
    # Forked where that is safe: no thread runs here (the progress bar draws without one), and the
    # workers need not import the reader again.
    context = get_context("fork" if sys.platform == "linux" else "spawn")
    return ProcessPoolExecutor(
        workers, mp_context=context, initializer=_begin_worker, initargs=(os.getpid(),)
    )


def _read_in_pool(
    data: Path, tasks: Sequence[Task], workers: int
) -> Iterator[tuple[Task, bytes | str]]:
    """Read in processes of their own: PDF bombs abort the process that opens them.

    Which of the documents under way did it shows when each is read once more, alone.
    """
    if not tasks:
        return
    pool = _pool(workers)
    try:
        waiting = iter(tasks)
        while batch := list(islice(waiting, BATCH)):
            futures = [(task, pool.submit(_read_limited, data, task)) for task in batch]
            suspects = []
            for task, future in futures:
                try:
                    yield task, future.result()
                except BrokenProcessPool:
                    suspects.append(task)
            for task in suspects:
                with _pool(1) as alone:
                    try:
                        yield task, alone.submit(_read_limited, data, task).result()
                    except BrokenProcessPool:
                        yield task, CRASHED
            if suspects:
                pool.shutdown()
                pool = _pool(workers)
    finally:
        pool.shutdown(cancel_futures=True)
