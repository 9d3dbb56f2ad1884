"""The fold: captures and sightings -> archive, again and again, with the same result.

Everything is folded each time into a fresh file, sorted by what it says and not by where it lay,
so neither the order nor the number of segments nor a repeated line can show in the result. What
costs time, verifying segments and reading documents, is remembered in DATA/readings.db.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from rich.progress import Progress

from archive import form, issuers, store, warc
from archive.issuers import Claim, Issuer, Portal
from archive.model import Evidence, Reading
from archive.read import PARSER, Part, read_report
from archive.versions import SHOWN, History, Observation, chapters, trace
from archive.warc import Capture, Damage

ARCHIVE = "nianbao.db"
LEDGER = "ledger.csv"
MEMORY = "readings.db"
LOCK = "build.lock"
WORKERS = 2
BATCH = 64
# A scan takes 10 s a page; a page tree that loops takes for ever.
CPU_SECONDS = 300
DRAW_SECONDS, TELL_SECONDS = 0.2, 60
MEMORY_BYTES = 4 << 30
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
RULES = frozenset(identity.id for identity in form.IDENTITIES)

WAITING = "抓取记录尚未归档，待下次构建"
NO_PORTAL = "站点登记信息尚未归档，待下次构建"
NO_PAGE = "附件所属页面尚未见录，待下次构建"
NO_ISSUER = "未能确定公开机关"
NO_YEAR = "未能确定报告年度"
CRASHED = "读取程序异常终止"
FAILED = "读取失败"

log = logging.getLogger(__name__)
Item = TypeVar("Item")


class BuildError(ValueError):
    """The build cannot start or go on; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A line of the sightings about a report page or an attachment of one."""

    night: str
    seen_at: str
    portal_id: str
    url: str
    title: str = ""
    listed_on: str | None = None
    role: str = "page"
    report_url: str | None = None
    verdict: str = "error"
    status: int | None = None
    digest: str | None = None
    fetched_at: str | None = None

    @property
    def page(self) -> str:
        """The address of the report page this is about."""
        return self.report_url if self.role == "attachment" and self.report_url else self.url


@dataclass(slots=True)
class Summary:
    """What a build found. `damages` are places in segments that could not be verified."""

    segments: int = 0
    captures: int = 0
    damages: list[Damage] = field(default_factory=list)
    bad_lines: list[str] = field(default_factory=list)
    portals: int = 0
    sightings: int = 0
    issuers: int = 0
    minted: int = 0
    reports: int = 0
    versions: int = 0
    changes: int = 0
    read: int = 0
    remembered: int = 0
    refused: int = 0
    failed: int = 0
    waiting: int = 0

    def __str__(self) -> str:
        return (
            f"{self.reports} reports of {self.issuers} bodies in {self.versions} versions with "
            f"{self.changes} changes; {self.captures} captures in {self.segments} segments, "
            f"{self.sightings} sightings at {self.portals} portals; {self.read} documents read, "
            f"{self.remembered} remembered, {self.refused} no reports, {self.failed} failed, "
            f"{self.waiting} sightings wait for their captures; {len(self.damages)} damaged "
            f"records, {len(self.bad_lines)} bad lines"
        )


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
class Night:
    """What is known of a page after one night: its line, and the document it showed, if any."""

    line: Sighting
    verdict: str
    task: Task | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a document turned out to be: a report of a body and a year, or why not."""

    issuer: str | None
    year: int | None
    reason: str | None


def build(data: Path, rebuild: bool = False, workers: int = WORKERS) -> Summary:
    """Fold all closed captures and sightings of a data folder into DATA/nianbao.db.

    `rebuild` reads every document again. With `workers` 0 documents are read in this process.
    """
    if not data.is_dir():
        raise BuildError(f"no data folder {data}: crawl first, or give --data")
    with issuers.locked(data / LOCK) as mine:
        if not mine:
            raise BuildError(f"another build holds {data / LOCK}: wait until it has finished")
        if rebuild:
            for leftover in data.glob(MEMORY + "*"):
                leftover.unlink()
        memory = store.Memory(data / MEMORY)
        try:
            return _build(data, memory, workers)
        finally:
            memory.close()


def _build(data: Path, memory: store.Memory, workers: int) -> Summary:
    summary = Summary()
    # Sightings first: a segment closed meanwhile may bring captures nobody asks for yet, while a
    # line without its capture would have to wait.
    portal_lines, lines = read_sightings(data, summary)
    captures = read_captures(data, memory, summary)
    portals = _portals(portal_lines, lines)
    home_ok = {(line["id"], line["night"]) for line in portal_lines if line["state"] == "ok"}
    index = Index(captures)

    pages = group(lines)
    attached: dict[str, dict[str, list[Sighting]]] = {}
    for line in lines:
        if line.page != line.url or line.role == "attachment":
            attached.setdefault(line.page, {}).setdefault(line.url, []).append(line)
    reader = Mentions(data, memory, index)
    nights = {
        url: follow(url, seen, attached.get(url, {}), index, portals, reader)
        for url, seen in pages.items()
    }
    tasks = {night.task.key: night.task for seen in nights.values() for night in seen if night.task}
    failures = _read_missing(data, memory, tasks, workers, summary)
    memory.keep_only("readings", tasks)

    ledger = issuers.load_ledger(data / LEDGER)
    outcomes = _outcomes(memory, tasks, failures)
    minted = ledger.mint(_claims(nights, outcomes, portals), portals)
    issuers.append(data / LEDGER, minted)
    summary.minted = len(minted)
    summary.refused = sum(1 for outcome in outcomes.values() if outcome.year is None)
    summary.failed = len(failures)

    fresh = data / (ARCHIVE + ".new")
    db = store.create(fresh)
    fold = Fold(memory, ledger, portals, home_ok, outcomes, nights)
    with store.transaction(db):
        summary.portals = store.write(db, "portals", _portal_rows(portals))
        for report_id in _track(sorted(fold.addresses), "reports"):
            _write_report(db, fold, report_id, summary)
        summary.issuers = store.write(db, "issuers", fold.issuer_rows())
        summary.captures = store.write(db, "captures", fold.capture_rows(captures))
        summary.sightings = store.write(db, "sightings", fold.sighting_rows(lines))
    summary.waiting = fold.waiting
    store.put_in_place(db, fresh, data / ARCHIVE)
    return summary


# --- lines in ---------------------------------------------------------------------------------


def read_sightings(data: Path, summary: Summary) -> tuple[list[dict[str, Any]], list[Sighting]]:
    """The portal lines and report lines of all closed files, one of each a night, sorted.

    Of lines that repeat after a crash the last one holds; lines of the same second are told
    apart by what they say, so that it does not matter which file holds which.
    """
    portal_lines: dict[tuple[str, str], dict[str, Any]] = {}
    lines: dict[tuple[str, ...], Sighting] = {}
    for path in sorted((data / "sightings").glob("*.jsonl")):
        for number, text in enumerate(path.read_bytes().split(b"\n"), start=1):
            if not text.strip():
                continue
            try:
                line = json.loads(text)
                if line["kind"] == "portal":
                    _keep_last(portal_lines, (line["id"], line["night"]), line, _portal_moment)
                elif line["kind"] == "report":
                    seen = _sighting(line)
                    _keep_last(lines, (seen.url, seen.night, seen.page), seen, _report_moment)
            except (ValueError, KeyError, TypeError) as error:
                summary.bad_lines.append(f"{path.name} line {number}")
                log.warning("%s line %d is left out: %s", path.name, number, error)
    return (
        [portal_lines[key] for key in sorted(portal_lines)],
        [lines[key] for key in sorted(lines)],
    )


def _keep_last(
    kept: dict[Any, Item], key: Any, new: Item, moment: Callable[[Item], tuple[str, ...]]
) -> None:
    if key not in kept or moment(kept[key]) < moment(new):
        kept[key] = new


def _portal_moment(line: Mapping[str, Any]) -> tuple[str, ...]:
    answered = "1" if line["state"] == "ok" else "0"
    return (line["seen_at"], answered, json.dumps(line, sort_keys=True))


def _report_moment(line: Sighting) -> tuple[str, ...]:
    return (line.seen_at, line.fetched_at or "", line.digest or "", json.dumps(asdict(line)))


def _sighting(line: Mapping[str, Any]) -> Sighting:
    for name in ("night", "seen_at", "portal_id", "url", "verdict"):
        if not isinstance(line[name], str) or not line[name]:
            raise ValueError(f"{name} is {line[name]!r}")
    known = {name: line[name] for name in Sighting.__slots__ if name in line}
    return Sighting(**known | {"title": line.get("title") or ""})


def read_captures(data: Path, memory: store.Memory, summary: Summary) -> list[Capture]:
    """Every verified answer of all closed segments, repeated records once, in order of time."""
    found: dict[tuple[str, str, str], Capture] = {}
    names = []
    for path in _track(warc.segments(data), "segments"):
        stat = path.stat()
        key = f"{path.name} {stat.st_size} {stat.st_mtime_ns}"
        names.append(key)
        if (packed := memory.recall("segments", key)) is None:
            records = [
                (type(record).__name__, asdict(record)) for record in warc.read_segment(path)
            ]
            memory.keep("segments", key, packed := store.pack(records))
        summary.segments += 1
        for kind, values in store.unpack(packed):
            if kind == "Damage":
                damage = Damage(**values)
                summary.damages.append(damage)
                log.warning("%s at %d: %s", damage.warc_file, damage.offset, damage.reason)
                continue
            headers = tuple((name, value) for name, value in values.pop("headers"))
            capture = Capture(**values, headers=headers)
            place = (capture.fetched_at, capture.url, capture.digest)
            if place not in found or _preference(capture) < _preference(found[place]):
                found[place] = capture
    memory.keep_only("segments", names)
    return [found[place] for place in sorted(found)]


def _preference(capture: Capture) -> tuple[str, str, int]:
    """Of records of the same answer take one with the bytes ("response" sorts before "revisit")."""
    return (capture.record_type, capture.warc_file, capture.offset)


class Index:
    """Where the bytes of a digest lie, and what was said of them at an address."""

    def __init__(self, captures: Iterable[Capture]) -> None:
        self._responses: dict[str, Capture] = {}
        self._at: dict[tuple[str, str], Capture] = {}
        for capture in captures:
            if capture.record_type == "response":
                self._responses.setdefault(capture.digest, capture)
                self._at.setdefault((capture.url, capture.digest), capture)

    def has(self, digest: str | None) -> bool:
        return digest in self._responses

    def source(self, url: str, digest: str) -> Source:
        """The bytes of a digest as part of a document, with the headers of that address."""
        lies = self._at.get((url, digest)) or self._responses[digest]
        headers = {name.lower(): value for name, value in lies.headers}
        return Source(
            url=url,
            digest=digest,
            name=unquote(urlsplit(url).path.rpartition("/")[2]),
            content_type=headers.get("content-type", ""),
            warc_file=lies.warc_file,
            offset=lies.offset,
        )


# --- nights of a page -------------------------------------------------------------------------


def group(lines: Iterable[Sighting]) -> dict[str, list[Sighting]]:
    """The lines about report pages by address, in order of night."""
    pages: dict[str, list[Sighting]] = {}
    for line in sorted(lines, key=lambda line: (line.night, _report_moment(line))):
        if line.page == line.url:
            pages.setdefault(line.url, []).append(line)
    return dict(sorted(pages.items()))


class Mentions:
    """Does a page's payload name an attachment? Pages swap files while the old ones stay up."""

    def __init__(self, data: Path, memory: store.Memory, index: Index) -> None:
        self._data, self._memory, self._index = data, memory, index

    def __call__(self, url: str, digest: str, attachment: str) -> bool:
        key = f"{digest} {attachment}"
        if (known := self._memory.recall("mentions", key)) is None:
            source = self._index.source(url, digest)
            try:
                payload = warc.read_payload(self._data, source.warc_file, source.offset)
            except (warc.CaptureError, OSError) as error:
                log.warning("%s: %s", url, error)
                payload = b""
            known = b"1" if any(name in payload for name in _written(attachment)) else b"0"
            self._memory.keep("mentions", key, known)
        return known == b"1"


def _written(url: str) -> set[bytes]:
    """How the last part of an address may stand in a page's bytes."""
    parts = urlsplit(url)
    tail = parts.path.rpartition("/")[2] + (f"?{parts.query}" if parts.query else "")
    forms = {tail, unquote(tail), tail.replace("&", "&amp;"), unquote(tail).replace("&", "&amp;")}
    return {
        form.encode(charset, "ignore") for form in forms for charset in ("utf-8", "gb18030") if form
    } or {url.encode()}


def follow(
    url: str,
    seen: Sequence[Sighting],
    attached: Mapping[str, Sequence[Sighting]],
    index: Index,
    portals: Mapping[str, Portal],
    mentions: Callable[[str, str, str], bool],
) -> list[Night]:
    """What a page showed, night by night, each time with the attachments it then named."""
    files = {name: _payloads(lines, index) for name, lines in sorted(attached.items())}
    known: str | None = None
    shown: list[tuple[Sighting, str | None, str | None]] = []
    for line in _with_attachment_nights(seen, files):
        digest, reason = None, None
        if line.verdict in SHOWN:
            if index.has(line.digest) and (line.digest != EMPTY or line.verdict == "ok"):
                known = line.digest
                digest = known
            elif line.verdict == "not_modified" and known:
                digest = known
            else:
                reason = WAITING
            if line.portal_id not in portals or not portals[line.portal_id].division:
                digest, reason = None, NO_PORTAL
        shown.append((line, digest, reason))

    digests = sorted({digest for _, digest, _ in shown if digest})
    named = {
        name: {digest for digest in digests if len(digests) > 1 and mentions(url, digest, name)}
        for name in files
    }
    nights = []
    for line, digest, reason in shown:
        task = None
        if digest:
            sources = [index.source(url, digest)]
            for name, payloads in files.items():
                belongs = digest in named[name] if named[name] else _was_seen(attached[name], line)
                belongs = belongs or len(digests) == 1
                if belongs and (payload := _payload_on(payloads, line.night)):
                    sources.append(index.source(name, payload))
            task = _task(tuple(sources), url, line, portals[line.portal_id].name)
        nights.append(Night(line, line.verdict, task, reason))
    return nights


def _payloads(lines: Iterable[Sighting], index: Index) -> list[tuple[Sighting, str]]:
    """The payloads of an attachment that are in the captures, in order of night."""
    found = []
    known: str | None = None
    for line in sorted(lines, key=lambda line: (line.night, _report_moment(line))):
        if line.verdict in SHOWN:
            if index.has(line.digest) and line.digest != EMPTY:
                known = line.digest
            if known and (line.verdict == "not_modified" or line.digest == known):
                found.append((line, known))
    return found


def _payload_on(payloads: Sequence[tuple[Sighting, str]], night: str) -> str | None:
    """The latest payload known by that night; before the first, the first: a file that could not
    be fetched at once is no edit when it comes."""
    known = [digest for line, digest in payloads if line.night <= night]
    if known:
        return known[-1]
    return payloads[0][1] if payloads else None


def _was_seen(lines: Iterable[Sighting], page: Sighting) -> bool:
    return min(line.night for line in lines) <= page.night


def _with_attachment_nights(
    seen: Sequence[Sighting], files: Mapping[str, Sequence[tuple[Sighting, str]]]
) -> list[Sighting]:
    """The page's lines, and one for each night on which only an attachment was asked for and the
    page, when last asked, was there."""
    nights = {line.night for line in seen}
    extra: dict[str, Sighting] = {}
    for payloads in files.values():
        for line, _ in payloads:
            if line.night in nights:
                continue
            before = [page for page in seen if page.night < line.night]
            if before and before[-1].verdict in SHOWN:
                page = before[-1]
                own = Sighting(
                    night=line.night,
                    seen_at=line.seen_at,
                    portal_id=page.portal_id,
                    url=page.url,
                    title=page.title,
                    listed_on=page.listed_on,
                    verdict="not_modified",
                )
                kept = extra.get(line.night)
                if kept is None or kept.seen_at < own.seen_at:
                    extra[line.night] = own
    return sorted([*seen, *extra.values()], key=lambda line: (line.night, _report_moment(line)))


def _task(sources: tuple[Source, ...], url: str, line: Sighting, portal_name: str) -> Task:
    evidence = Evidence(url=url, portal_name=portal_name, listed_title=line.title or None)
    parts = [(source.digest, source.name, source.content_type) for source in sources]
    return Task(store.reading_key(PARSER, evidence, parts), sources, evidence)


# --- reading ----------------------------------------------------------------------------------


def _read_missing(
    data: Path, memory: store.Memory, tasks: Mapping[str, Task], workers: int, summary: Summary
) -> dict[str, str]:
    """Read every document not remembered; gives the reasons of those that could not be read."""
    missing = [tasks[key] for key in sorted(tasks) if memory.recall("readings", key) is None]
    summary.remembered = len(tasks) - len(missing)
    failures: dict[str, str] = {}
    read = _read_in_pool if workers else _read_here
    for task, outcome in _track(read(data, missing, workers), "documents", len(missing)):
        if isinstance(outcome, bytes):
            memory.keep("readings", task.key, outcome)
            summary.read += 1
        else:
            failures[task.key] = outcome
            log.error("%s: %s", task.evidence.url, outcome)
    return failures


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
        return store.pack_reading(read_report(parts, task.evidence))
    except Exception as error:
        log.debug("%s", task.evidence.url, exc_info=True)
        return f"{FAILED}：{type(error).__name__} {error}"[:500]


def _read_limited(data: Path, task: Task) -> bytes | str:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))
    return read_task(data, task)


def _limit_memory() -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY or hard > MEMORY_BYTES:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, hard))


def _pool(workers: int) -> ProcessPoolExecutor:
    # Forked where that is safe: no thread runs here (the progress bar draws without one), and the
    # workers need not import the reader again.
    context = get_context("fork" if sys.platform == "linux" else "spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_limit_memory)


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


def _track(items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
    """The items, with a bar on a terminal and a line a minute in a log."""
    count = total if total is not None else len(items) if isinstance(items, Sequence) else None
    if not count:
        yield from items
        return
    with Progress(transient=True, auto_refresh=False, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task(what, total=count)
        drawn = told = time.monotonic()
        for item in items:
            yield item
            progress.advance(bar)
            now = time.monotonic()
            if now - drawn > DRAW_SECONDS:
                progress.refresh()
                drawn = now
            if progress.disable and now - told > TELL_SECONDS:
                log.info("%s: %d of %d", what, progress.tasks[0].completed, count)
                told = now


# --- whose, and which year --------------------------------------------------------------------


def _outcomes(
    memory: store.Memory, tasks: Mapping[str, Task], failures: Mapping[str, str]
) -> dict[str, Outcome]:
    found = {}
    for key in tasks:
        if key in failures:
            found[key] = Outcome(None, None, failures[key])
            continue
        reading = _recall(memory, key)
        if not reading.is_report:
            found[key] = Outcome(None, None, reading.reason)
        elif not reading.issuer or not issuers.tidy(reading.issuer):
            found[key] = Outcome(None, None, NO_ISSUER)
        elif reading.year is None:
            found[key] = Outcome(None, None, NO_YEAR)
        else:
            found[key] = Outcome(reading.issuer, reading.year, None)
    return found


def _recall(memory: store.Memory, key: str) -> Reading:
    packed = memory.recall("readings", key)
    if packed is None:
        raise BuildError(f"the reading {key} has vanished from {MEMORY}: build again")
    return store.unpack_reading(packed)


def _claims(
    nights: Mapping[str, Sequence[Night]],
    outcomes: Mapping[str, Outcome],
    portals: Mapping[str, Portal],
) -> Iterator[Claim]:
    for seen in nights.values():
        for night in seen:
            name = outcomes[night.task.key].issuer if night.task else None
            if name:
                portal = portals[night.line.portal_id]
                yield Claim(portal.division, issuers.tidy(name), portal.id, night.line.seen_at)


def _portals(
    lines: Sequence[Mapping[str, Any]], sightings: Iterable[Sighting]
) -> dict[str, Portal]:
    """Portals as their last line describes them; a bare id where only sightings name one."""
    found = {line.portal_id: Portal(line.portal_id, "", "", "") for line in sightings}
    last_ok: dict[str, str] = {}
    for line in sorted(lines, key=lambda line: (line["night"], _portal_moment(line))):
        if line["state"] == "ok":
            last_ok[line["id"]] = line["night"]
        found[line["id"]] = Portal(
            id=line["id"],
            name=str(line.get("name") or ""),
            division=str(line.get("division") or ""),
            level=str(line.get("level") or ""),
            home_url=str(line.get("home_url") or ""),
            last_ok=last_ok.get(line["id"]),
            state=str(line["state"]),
        )
    return dict(sorted(found.items()))


def _portal_rows(portals: Mapping[str, Portal]) -> Iterator[dict[str, Any]]:
    return (asdict(portal) for portal in portals.values())


# --- rows out ---------------------------------------------------------------------------------


class Fold:
    """The reports of a build: who published what where, and which payload showed which version."""

    def __init__(
        self,
        memory: store.Memory,
        ledger: issuers.Ledger,
        portals: Mapping[str, Portal],
        home_ok: set[tuple[str, str]],
        outcomes: Mapping[str, Outcome],
        nights: Mapping[str, Sequence[Night]],
    ) -> None:
        self._memory = memory
        self._portals = portals
        self._home_ok = home_ok
        self._nights = nights
        self._outcomes = outcomes
        self._issuers: dict[str, Issuer] = {}
        self._report_of: dict[tuple[str, str], str] = {}
        self._shows: dict[str, list[tuple[str, str, str]]] = {}
        self.addresses: dict[str, set[str]] = {}
        self.waiting = 0
        for url, seen in nights.items():
            for night in seen:
                outcome = outcomes[night.task.key] if night.task else None
                if outcome is None or outcome.issuer is None:
                    continue
                issuer = ledger.find(outcome.issuer, portals[night.line.portal_id])
                if issuer is None:
                    raise BuildError(f"no id was minted for {outcome.issuer!r}")
                self._issuers[issuer.id] = issuer
                report_id = f"{issuer.id}/{outcome.year}"
                self._report_of[url, night.line.night] = report_id
                self.addresses.setdefault(report_id, set()).add(url)

    def observations(self, report_id: str) -> Iterator[Observation]:
        """All that was observed of a report at the addresses that ever showed it."""
        readings: dict[str, Reading] = {}
        for url in sorted(self.addresses[report_id]):
            for night in self._nights[url]:
                line = night.line
                shown = self._report_of.get((url, line.night))
                # An address that now shows another report no longer shows this one.
                verdict = "moved" if shown and shown != report_id else night.verdict
                reading = None
                sources: tuple[Source, ...] = ()
                if shown == report_id and night.task:
                    if night.task.key not in readings:
                        readings[night.task.key] = _recall(self._memory, night.task.key)
                    reading = readings[night.task.key]
                    sources = night.task.sources
                yield Observation(
                    url=url,
                    night=line.night,
                    seen_at=line.seen_at,
                    verdict=verdict,
                    home_ok=(line.portal_id, line.night) in self._home_ok,
                    reading=reading,
                    digests=tuple(source.digest for source in sources),
                    attachments=tuple((source.url, source.digest) for source in sources[1:]),
                )

    def remember(self, report_id: str, history: History) -> None:
        """Note which payloads showed which version, for the captures."""
        fetched = {
            (url, night.line.night): night.line.fetched_at or night.line.seen_at
            for url in self.addresses[report_id]
            for night in self._nights[url]
        }
        for observation, name in history.shown:
            moment = fetched[observation.url, observation.night]
            parts = [(observation.url, observation.digests[0]), *observation.attachments]
            for url, digest in parts:
                self._shows.setdefault(digest, []).append((moment, url, f"{report_id}/{name}"))

    def capture_rows(self, captures: Iterable[Capture]) -> Iterator[dict[str, Any]]:
        for capture in captures:
            yield {
                **{
                    name: getattr(capture, name)
                    for name in ("digest", "url", "fetched_at", "status", "media_type")
                },
                "warc_file": capture.warc_file,
                "offset": capture.offset,
                "record_type": capture.record_type,
                "version_id": self._version_shown(capture),
            }

    def _version_shown(self, capture: Capture) -> str | None:
        """The version a payload showed when it was fetched, at that address if it is known."""
        shows = self._shows.get(capture.digest, [])
        if capture.digest == EMPTY or not shows:
            return None
        shows = [show for show in shows if show[1] == capture.url] or shows
        before = [show for show in shows if show[0] <= capture.fetched_at]
        return max(before)[2] if before else min(shows)[2]

    def issuer_rows(self) -> Iterator[dict[str, Any]]:
        for issuer in sorted(self._issuers.values(), key=lambda issuer: issuer.id):
            row = asdict(issuer)
            yield row | {
                "portal_id": issuer.portal_id if issuer.portal_id in self._portals else None
            }

    def sighting_rows(self, lines: Iterable[Sighting]) -> Iterator[dict[str, Any]]:
        """A row for each address and night; where an address is a page and another's attachment
        the page holds."""
        nights = {
            (url, night.line.night): night for url, seen in self._nights.items() for night in seen
        }
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for line in sorted(lines, key=lambda line: (line.page != line.url, _report_moment(line))):
            if (line.url, line.night) in rows:
                continue
            own = nights.get((line.url, line.night)) if line.page == line.url else None
            reason = own.reason if own else None
            if own and own.task:
                reason = self._outcomes[own.task.key].reason
            if line.page != line.url and line.page not in self._nights:
                reason = NO_PAGE
            self.waiting += reason in (WAITING, NO_PORTAL, NO_PAGE)
            rows[line.url, line.night] = {
                name: getattr(line, name)
                for name in (
                    *("url", "portal_id", "night", "role", "title", "listed_on"),
                    *("seen_at", "verdict", "digest"),
                )
            } | {"report_id": None if reason else self._report_on(line), "reason": reason}
        return (rows[key] for key in sorted(rows))

    def _report_on(self, line: Sighting) -> str | None:
        """The report an address showed that night, or the last one before it showed none."""
        if shown := self._report_of.get((line.page, line.night)):
            return shown
        before = [
            self._report_of[line.page, night.line.night]
            for night in self._nights.get(line.page, ())
            if night.line.night <= line.night and (line.page, night.line.night) in self._report_of
        ]
        return before[-1] if before else None


def _write_report(db: Any, fold: Fold, report_id: str, summary: Summary) -> None:
    history = trace(fold.observations(report_id))
    fold.remember(report_id, history)
    issuer_id, _, year = report_id.rpartition("/")
    current = next(version for version in history.versions if version.id == history.current)
    store.write(
        db,
        "reports",
        [
            {
                "id": report_id,
                "issuer_id": issuer_id,
                "year": int(year),
                "scope": current.reading.scope,
                "form": current.reading.form,
                "title": current.reading.title,
                "published_on": current.reading.published_on,
                "url": history.url,
                "status": history.status,
                "current_version": f"{report_id}/{history.current}",
                "first_seen": history.first_seen,
                "last_seen": history.last_seen,
            }
        ],
    )
    summary.reports += 1
    for version in history.versions:
        version_id, reading = f"{report_id}/{version.id}", version.reading
        wide, notes = store.figures(version_id, reading)
        numbers_read, nonzero = store.count_numbers(wide)
        store.write(
            db,
            "versions",
            [
                {
                    "id": version_id,
                    "report_id": report_id,
                    "number": version.number,
                    "first_seen": version.first_seen,
                    "last_seen": version.last_seen,
                    "media_type": reading.media_type,
                    "title": reading.title,
                    "form": reading.form,
                    "published_on": reading.published_on,
                    "content_digest": reading.content_digest,
                    "parser": PARSER,
                    "numbers_read": numbers_read,
                    "nonzero_cells": nonzero,
                }
            ],
        )
        store.write(db, "figures", [wide])
        store.write(db, "cell_notes", notes)
        store.write(db, "sections", _section_rows(version_id, reading))
        store.write(db, "findings", _finding_rows(version_id, reading))
        summary.versions += 1
    for transition in history.transitions:
        summary.changes += store.write(
            db,
            "changes",
            (
                {
                    "report_id": report_id,
                    "from_version": f"{report_id}/{transition.earlier}",
                    "to_version": f"{report_id}/{transition.later}",
                    "position": position,
                    **asdict(change),
                }
                for position, change in enumerate(transition.changes, start=1)
            ),
        )


def _section_rows(version_id: str, reading: Reading) -> Iterator[dict[str, Any]]:
    for number, (heading, text) in sorted(chapters(reading).items()):
        yield {"version_id": version_id, "number": number, "heading": heading, "text": text}


def _finding_rows(version_id: str, reading: Reading) -> Iterator[dict[str, Any]]:
    seen = set()
    for finding in reading.findings:
        if finding.rule not in RULES or finding.rule in seen:
            log.warning("%s: finding of unknown or repeated rule %s", version_id, finding.rule)
            continue
        seen.add(finding.rule)
        yield {
            "version_id": version_id,
            "rule": finding.rule,
            "verdict": str(finding.verdict),
            "expected": finding.expected,
            "actual": finding.actual,
            "blame": str(finding.blame) if finding.blame else None,
            "explanation": finding.explanation,
        }
