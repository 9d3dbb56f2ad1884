"""Every document is read once: readings made before are remembered, new ones made apart."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import zlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from archive import extract, source, warc
from archive.memory import Memory
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
from archive.names.bodies import tidy
from archive.read import PARSER, Part, read_report
from archive.shelf import Shelf
from archive.spread import each
from archive.workers import Failure

# Modules without a part in reading; all others of the package have one.
NOT_READER = frozenset(
    "__main__ attribution backup build checkout corrections counted coverage export files fold "
    "health intake issuers keys manifest measures memory metrics national nights privacy "
    "progress proof prove publish published readings record redirects reviewed rollups rules "
    "salvage schema search_index selfcheck shelf sightings snapshot source spread store "
    "takedowns timestamps verify versions warc workers years".split()
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

    `body` names the whole reading in the memory; one without a content digest is no report.
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
        return None if self.issuer and self.year is not None else self.reason


class MemoryLossError(ValueError):
    """The memory of builds was changed while a build used it."""


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
    decisive = f"{extract.tools()}\n{source.digest(NOT_READER)}"
    return f"{PARSER} {hashlib.sha256(decisive.encode()).hexdigest()}"


def read_documents(
    shelf: Shelf, memory: Memory, tasks: Iterable[Task], executor: Executor | None
) -> dict[str, Facts]:
    """What each document is; those not remembered are read. A failure is not remembered."""
    found: dict[str, Facts] = {}
    missing: dict[str, Task] = {}
    for task in tasks:
        if task.key in found or task.key in missing:
            continue
        if (packed := memory.recall("readings", task.key)) is None:
            missing[task.key] = task
        else:
            found[task.key] = Facts(*unpack(packed))
    # In the order in which they lie: of a remote shelf whole stretches are fetched.
    ordered = sorted(missing.values(), key=lambda task: _place(task.sources[0]))
    for task, body in each(executor, partial(read_task, shelf), ordered):
        if isinstance(body, Failure):
            log.error("%s: %s", task.evidence.url, body.reason)
            found[task.key] = Facts(reason=body.reason, has_failed=True)
            continue
        fact = _facts(unpack_reading(body), hashlib.sha256(body).hexdigest())
        memory.keep("bodies", fact.body, body)
        memory.keep("readings", task.key, pack(dataclasses.astuple(fact)))
        found[task.key] = dataclasses.replace(fact, is_new=True)
    return found


def _place(source: Source) -> tuple[str, int]:
    return source.warc_file, source.offset


def recall_reading(memory: Memory, body: str) -> Reading:
    """A reading by the digest under which its whole was kept."""
    packed = memory.recall("bodies", body)
    if packed is None:
        raise MemoryLossError(f"the reading {body} has vanished: build again with --rebuild")
    return unpack_reading(packed)


def _facts(reading: Reading, body: str) -> Facts:
    issuer = tidy(reading.issuer or "") or None
    if not reading.is_report:
        return Facts(reason=reading.reason, body=body)
    missing = NO_ISSUER if issuer is None else NO_YEAR if reading.year is None else ""
    return Facts(issuer, reading.year, missing or reading.reason, reading.content_digest, body)


def read_task(shelf: Shelf, task: Task) -> bytes:
    """The reading of a document out of the segments of a shelf, packed."""
    parts = [
        Part(
            warc.read_payload(shelf, source.warc_file, source.offset),
            source.name,
            source.content_type,
            source.url,
        )
        for source in task.sources
    ]
    return pack_reading(read_report(parts, task.evidence))
