"""Have the ledger and the list of published names only grown, and does the archive honour them?"""

from __future__ import annotations

import errno
import hashlib
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from archive import published
from archive.issuers import Issuer, LedgerError, read_ledger
from archive.store import clean
from archive.verify.problems import Problem, bounded
from archive.verify.tables import has_table, is_present, opened
from archive.verify.turns import LAST_TIME, MEMORY

LEDGER, PUBLISHED = "ledger.csv", "published.csv"
CHUNK = 1 << 20
# A build that is just adding lines writes them in one go.
TRIES, PAUSE = 5, 0.2
RESTORE = "restore it from the backup, and add the lines that came since"
MENDED = f"if it was mended by hand and is right, delete DATA/{MEMORY} and verify again"


@dataclass(frozen=True, slots=True)
class Prefix:
    """What a file that only grows held once: its first `size` bytes, as `by` noted."""

    by: str
    size: int
    sha256: str


def check_ledger(data: Path, db: sqlite3.Connection, noted: Iterable[Prefix]) -> Iterator[Problem]:
    """Everything that is off with the ledger: unreadable, rewritten, or not what the archive says.

    A rewritten line is told by the body it changes where the archive knows that body.
    """
    path = data / LEDGER
    try:
        ledger = {issuer.id: issuer for issuer in read_ledger(_lines(path))}
    except (LedgerError, UnicodeDecodeError) as error:
        yield Problem("ledger-unreadable", LEDGER, "it cannot be read", str(error), RESTORE)
        return
    rewritten = list(_rewritten(path, noted))
    located = list(bounded(_bodies(db, ledger, bool(rewritten))))
    yield from located or rewritten


def check_published(data: Path, archive: Path | None, noted: Iterable[Prefix]) -> Iterator[Problem]:
    """Every published name must be in the archive or redirect; the list must only have grown."""
    path = data / PUBLISHED
    yield from _rewritten(path, noted)
    if archive is None:
        return
    try:
        yield from bounded(_unanswered(path, archive))
    except published.PublishedError as error:
        yield Problem("published-unreadable", PUBLISHED, "it cannot be read", str(error), RESTORE)


def unreadable(path: Path, error: OSError) -> Problem:
    """What to say of a file that only grows and that the system does not let read."""
    is_folder = error.errno == errno.EISDIR
    return Problem(
        *(f"{path.stem}-unreadable", path.name, "it cannot be read"),
        "it is a folder, not a file" if is_folder else error.strerror or str(error),
        f"move it away and {RESTORE}"
        if is_folder
        else f"check the disk and its rights, or {RESTORE}",
    )


def measured(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of the whole lines of a file that only grows; (0, "") without one."""
    size = sum(len(line) for line in _whole_lines(path))
    return (size, _digest(path, size) or "") if size else (0, "")


def _lines(path: Path) -> list[str]:
    for attempt in range(TRIES):
        raw = path.read_bytes() if path.exists() else b""
        if not raw or raw.endswith(b"\n"):
            break
        if attempt + 1 == TRIES:
            raise LedgerError("the last ledger line is cut")
        time.sleep(PAUSE)
    return raw.decode("utf-8").splitlines()


def _whole_lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            yield from (line for line in file if line.endswith(b"\n"))


def _digest(path: Path, size: int) -> str | None:
    return next(_digests(path, [size]))


def _digests(path: Path, sizes: Iterable[int]) -> Iterator[str | None]:
    """The SHA-256 of the first bytes of a file, for each of ascending sizes; None where it is
    shorter."""
    sha256, done = hashlib.sha256(), 0
    with path.open("rb") if path.exists() else BytesIO() as file:
        for size in sizes:
            while done < size and (block := file.read(min(CHUNK, size - done))):
                sha256.update(block)
                done += len(block)
            yield sha256.hexdigest() if done == size else None


def _rewritten(path: Path, noted: Iterable[Prefix]) -> Iterator[Problem]:
    """One problem where what the file once held is no longer its beginning."""
    ordered = sorted(noted, key=lambda one: one.size)
    for one, found in zip(ordered, _digests(path, (one.size for one in ordered)), strict=True):
        if found != one.sha256:
            what = "lines were lost" if found is None else "lines were changed"
            yield Problem(
                f"{path.stem}-rewritten",
                path.name,
                f"{what}, it may only grow",
                f"by {one.by} its first {one.size} bytes had the SHA-256 {one.sha256}",
                f"{RESTORE}; {MENDED}" if one.by == LAST_TIME else RESTORE,
            )
            return


def _bodies(
    db: sqlite3.Connection, ledger: dict[str, Issuer], is_rewritten: bool
) -> Iterator[Problem]:
    """Bodies of the archive that the ledger does not have, or has otherwise."""
    if not has_table(db, "issuers"):
        return
    why = "the ledger's lines were changed" if is_rewritten else "ids are minted once, for ever"
    for issuer_id, name, division in db.execute(
        "select id, name, division from issuers order by id"
    ):
        where = f"{LEDGER}: {issuer_id}"
        if (minted := ledger.get(issuer_id)) is None:
            yield Problem(
                "ledger-line-missing", where, f"the line of {name} is missing", why, RESTORE
            )
            continue
        said = {"name": (name, minted.name), "division": (division, minted.division)}
        for aspect, (has, had) in said.items():
            if has != clean(had) and not _is_explained(db, issuer_id, aspect, has, clean(had)):
                yield Problem(
                    *("ledger-line-differs", where),
                    f"its {aspect} is {had!r}, in the archive {has!r}",
                    *(why, f"{RESTORE}; if it is right, run `python -m archive build --rebuild`"),
                )


def _is_explained(db: sqlite3.Connection, issuer_id: str, aspect: str, has: str, had: str) -> bool:
    """Whether a reviewed correction or a renaming tells the archive otherwise than the ledger."""
    if (
        has_table(db, "corrections")
        and db.execute(
            "select 1 from corrections where subject = ? and aspect = ? and state = 'applied'",
            (f"issuer:{issuer_id}", aspect),
        ).fetchone()
    ):
        return True
    return (
        aspect == "name"
        and has_table(db, "issuer_names")
        and db.execute(
            "select count(distinct name) from issuer_names where issuer_id = ? and name in (?, ?)",
            (issuer_id, has, had),
        ).fetchone()[0]
        == 2
    )


def _unanswered(path: Path, archive: Path) -> Iterator[Problem]:
    with closing(opened(archive)) as db:
        missing = [name for name, _ in published.load(path) if not _answers(db, name)]
    if not missing:
        return
    # A build and a publication may have passed since: the archive of this moment decides.
    with closing(opened(archive)) as db:
        for name in missing:
            if not _answers(db, name):
                yield Problem(
                    *("published-missing", f"{PUBLISHED}: {name}", "it is not in the archive"),
                    *(
                        "nor does it redirect",
                        "run `python -m archive build`; if it stays so, report it",
                    ),
                )


def _answers(db: sqlite3.Connection, path: str) -> bool:
    if is_present(db, path):
        return True
    query = "select 1 from redirects where path = ?"
    return has_table(db, "redirects") and db.execute(query, (path,)).fetchone() is not None
