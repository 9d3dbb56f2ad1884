"""The fold: captures and sightings -> archive, again and again, with the same result.

Closed files are taken into the memory once; what they touch is due, is derived anew and written
into a copy of the archive in use, which takes its place when it has been checked. Whatever the
order, number and repetition of files, the rows are those that a build from nothing gives.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import sqlite3
import zlib
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from archive import corrections, issuers, published, redirects, source, store
from archive.attribution import Attribution, Read
from archive.corrections import Corrections
from archive.fold import Fold
from archive.intake import take_in
from archive.memory import Memory
from archive.nights import NO_PAGE, NO_PORTAL, WAITING
from archive.readings import reader_version
from archive.shelf import Shelf, shelved
from archive.spread import opened
from archive.warc import CaptureError, Damage

ARCHIVE = "nianbao.db"
LEDGER = "ledger.csv"
PUBLISHED = "published.csv"
MEMORY = "fold.db"
LOCK = "build.lock"
WORKERS = 2

log = logging.getLogger(__name__)


class BuildError(ValueError):
    """The build cannot start or go on; the message says what to do."""


@dataclass(slots=True)
class Summary:
    """What an archive holds after a build, and what the build did for it.

    `damages` are places in segments that could not be verified. Documents are counted as far as
    their pages were due: `read` anew, `remembered`, `refused` as no reports, `failed`.
    """

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
        rest = {
            "documents remembered": self.remembered,
            "no reports": self.refused,
            "failed": self.failed,
            "sightings wait for their captures": self.waiting,
            "damaged records": len(self.damages),
            "bad lines": len(self.bad_lines),
        }
        return (
            f"{self.reports} reports of {self.issuers} bodies in {self.versions} versions with "
            f"{self.changes} changes; {self.captures} captures, {self.sightings} sightings at "
            f"{self.portals} portals; {self.read} documents read"
            + "".join(f", {count} {name}" for name, count in rest.items() if count)
        )


@dataclass(frozen=True, slots=True)
class Options:
    """How to build: where the closed files lie if not in the data folder, which corrections hold,
    which cluster reads, and whether an archive may be put in place that holds much less than the
    last."""

    captures: str | None = None
    corrections: Path = corrections.SHIPPED
    cluster: str | None = None
    accept_loss: bool = False


def build(
    data: Path, rebuild: bool = False, workers: int = WORKERS, options: Options | None = None
) -> Summary:
    """Fold all closed captures and sightings of a data folder into DATA/nianbao.db.

    `rebuild` takes every file in and reads every document again. With `workers` 0 documents are
    read in this process.
    """
    options = options or Options()
    if not data.is_dir():
        raise BuildError(f"no data folder {data}: crawl first, or give --data")
    with issuers.locked(data / LOCK) as mine:
        if not mine:
            raise BuildError(f"another build holds {data / LOCK}: wait until it has finished")
        if rebuild:
            _forget(data / MEMORY)
        shelf = Shelf(options.captures) if options.captures else shelved(data)
        try:
            with closing(_memory(data / MEMORY)) as memory:
                return _build(data, shelf, memory, workers, options, rebuild)
        except (sqlite3.Error, zlib.error) as error:
            raise BuildError(f"{data}: {error}. {_cure(error)}") from error
        except CaptureError as error:
            raise BuildError(
                f"{error}. Restore that file from the backup, then build again"
            ) from error


def _cure(error: Exception) -> str:
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return "Free the disk or mend it, then build again"
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return "See whether this user may write there, then build again"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "Another program holds it: wait, then build again"
    return "Build again with --rebuild; if that does not help, the disk is failing"


def _memory(path: Path) -> Memory:
    try:
        return Memory(path)
    except sqlite3.OperationalError:
        # A full disk or a locked file: what is remembered is sound.
        raise
    except sqlite3.DatabaseError as error:
        log.warning("%s cannot be used (%s): everything is taken in again", path, error)
        _forget(path)
        return Memory(path)


def _forget(path: Path) -> None:
    for part in path.parent.glob(path.name + "*"):
        part.unlink()


def _build(
    data: Path, shelf: Shelf, memory: Memory, workers: int, options: Options, rebuild: bool
) -> Summary:
    with opened(workers, options.cluster) as executor:
        take_in(shelf, memory, executor, options.accept_loss)
        ledger = issuers.whole_ledger(data / LEDGER, data / ARCHIVE, data / PUBLISHED)
        said = corrections.load(options.corrections).settled(ledger)
        rules = {
            "reader": reader_version(),
            "said": said.digest,
            "ledger": _digest(data / LEDGER),
            # With another all rows are derived anew.
            "software": source.digest(),
        }
        portals = memory.describe_portals()
        renamed = set(memory.due("renamed"))
        memory.mark_reports_of(
            issuer.id for issuer in ledger.by_id.values() if issuer.portal_id in renamed
        )
        changed = any(memory.fact(name) != value for name, value in rules.items())
        if changed:
            memory.mark_all()
        memory.mark_failed()
        attribution = Attribution(shelf, memory, portals, ledger, said)
        read = attribution.attribute(executor, data / LEDGER)
        if read.minted:
            said = _settled_again(said, memory, ledger, attribution)
    rules["ledger"] = _digest(data / LEDGER)
    names = _digest(data / PUBLISHED)
    base = store.identity(data / ARCHIVE)
    ours = [memory.fact("archive"), memory.fact("next")]
    whole = rebuild or changed or base is None or str(base) not in ours
    if whole:
        memory.mark_all(pages=False)
    elif not memory.is_due() and memory.fact("published") == names:
        with closing(store.reading(data / ARCHIVE)) as db:
            return _summary(db, memory, read)
    number = int(memory.fact("number") or 0) + 1
    made_by = (number & 0x7FFFFFFF, secrets.randbits(31))
    fresh = data / (ARCHIVE + ".new")
    try:
        with closing(store.create(fresh) if whole else store.copy(data / ARCHIVE, fresh)) as db:
            with store.transaction(db):
                gone_on_with = None if whole or base is None else base[0]
                Fold(memory, db, portals, ledger, said, number, gone_on_with).write()
                _write_corrections(db, memory, ledger, said, data / PUBLISHED)
            summary = _summary(db, memory, read)
            with memory.transaction():
                memory.note("next", str(made_by))
                memory.note("number", str(number))
            store.put_in_place(db, fresh, data / ARCHIVE, made_by, options.accept_loss)
    except BaseException:
        # Half an archive would only keep a full disk full.
        fresh.unlink(missing_ok=True)
        raise
    with memory.transaction():
        memory.done()
        for name, value in (rules | {"archive": str(made_by), "published": names}).items():
            memory.note(name, value)
        if whole:
            memory.sweep()
    return summary


def _settled_again(
    said: Corrections, memory: Memory, ledger: issuers.Ledger, attribution: Attribution
) -> Corrections:
    """The corrections where bodies met for the first time are known: pages that are said to be
    theirs are named again."""
    refused = said.refused
    said = said.settled(ledger)
    with memory.transaction():
        memory.mark("unnamed", (entry.of for entry in refused - said.refused))
    attribution.name_again(said)
    return said


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def _write_corrections(
    db: store.Archive,
    memory: Memory,
    ledger: issuers.Ledger,
    said: Corrections,
    published_file: Path,
) -> None:
    """What people reviewed, and what became of addresses that once were public."""

    def known(subject: str) -> bool:
        kind, _, of = subject.partition(":")
        if kind == "issuer":
            return of in ledger.by_id
        if kind == "page":
            return memory.has_page(of)
        return evidence.exists(of.rpartition("/")[0])

    evidence = redirects.Shown(db.conn)
    store.rewrite(db, "issuer_links", said.links())
    store.rewrite(db, "corrections", said.rows(known))
    found = redirects.redirects(
        published.ordered(path for path, _ in published.load(published_file)),
        evidence.present(),
        evidence,
        said.same_as,
        said.merged_into,
    )
    store.rewrite(db, "redirects", map(asdict, found))


def _summary(db: store.Archive, memory: Memory, read: Read) -> Summary:
    def count(sql: str) -> int:
        return int(db.execute(f"select count(*) from {sql}").fetchone()[0])

    waiting = ", ".join(f"'{reason}'" for reason in (WAITING, NO_PORTAL, NO_PAGE))
    return Summary(
        segments=count("segments"),
        captures=count("captures"),
        damages=list(memory.damages()),
        bad_lines=memory.bad_lines(),
        portals=count("portals"),
        sightings=count("sightings"),
        issuers=count("issuers"),
        minted=read.minted,
        reports=count("reports"),
        versions=count("versions"),
        changes=count("changes"),
        read=read.read,
        remembered=read.remembered,
        refused=read.refused,
        failed=read.failed,
        waiting=count(f"sightings where reason in ({waiting})"),
    )
