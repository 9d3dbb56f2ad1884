"""Every document is read once: readings made before are remembered, new ones made apart."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from archive import extract, form, warc
from archive.issuers import tidy
from archive.model import (
    Blame,
    Body,
    Evidence,
    Extra,
    Finding,
    Note,
    Reading,
    Section,
    State,
    Unused,
    Verdict,
)
from archive.progress import track
from archive.read import PARSER, Part, read_report
from archive.workers import Failure, read_each

# Modules that come after reading; all others of the package have a part in it.
NOT_READER = frozenset(
    "__main__ build files issuers nights progress publish readings rollups sightings store "
    "versions warc workers years".split()
)
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
        {field.name: _plain(getattr(reading, field.name)) for field in dataclasses.fields(reading)}
    )


def _plain(value: Any) -> Any:
    """A value of the model as JSON knows it."""
    if dataclasses.is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return list(map(_plain, value)) if isinstance(value, tuple) else value


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
            "body": Body(**stored["body"]) if stored["body"] else None,
            "flags": tuple(stored["flags"]),
            "extras": tuple(Extra(**extra) for extra in stored["extras"]),
            "unused": tuple(Unused(**unused) for unused in stored["unused"]),
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
    """The reader's version, the digest of its source and the converters that are installed: an
    edit that forgot to raise the version must not be answered from memory, nor a document that
    was refused for want of a converter."""
    sha256 = hashlib.sha256(f"{PARSER}\n{extract.tools()}\n".encode())
    for path in sorted(form.HERE.rglob("*")):
        if path.suffix in (".py", ".json", ".csv", ".gz") and path.stem not in NOT_READER:
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
    outcomes = read_each(missing, partial(read_task, data), workers)
    for task, body in track(outcomes, "documents", len(missing)):
        if isinstance(body, Failure):
            log.error("%s: %s", task.evidence.url, body.reason)
            found[task.key] = Facts(reason=body.reason, has_failed=True)
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


def read_task(data: Path, task: Task) -> bytes:
    """The reading of a document out of the segments of a data folder, packed."""
    parts = [
        Part(
            warc.read_payload(data, source.warc_file, source.offset),
            source.name,
            source.content_type,
            source.url,
        )
        for source in task.sources
    ]
    return pack_reading(read_report(parts, task.evidence))
