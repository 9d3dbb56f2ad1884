"""What may the archive keep and not show? `takedowns.csv`, a reviewed list with public reasons.

A line is `path,date,reason`: a report (140600-jyj/2023), a version (140600-jyj/2023/0123456789ab)
or the SHA-256 of a payload. What it names leaves the snapshot of a site and every release, its
address answers 410 with the reason, and the line is shown. Captures, archive, ledger and published
names keep what they have: a line taken out again brings everything back. Pure, but for `load` and
what takes a connection.
"""

from __future__ import annotations

import csv
import logging
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from archive import snapshot
from archive.issuers import ID

NAME = "takedowns"
SHIPPED = Path(__file__).with_name("takedowns.csv")
HEADER = ("path", "date", "reason")
PATH = re.compile(rf"{ID.pattern}/[0-9]{{4}}(?:/[0-9a-f]{{12}})?|[0-9a-f]{{64}}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
LONGEST = 500
# A chain of rebuilds, each of which found another place for a report.
MOST_STEPS = 20

log = logging.getLogger(__name__)


class TakedownsError(ValueError):
    """A line cannot be taken as it stands; the message names it and says what to do."""


@dataclass(frozen=True, slots=True, order=True)
class Takedown:
    """What is taken down, since when, and the reason that readers are given."""

    path: str
    date: str
    reason: str


def load(path: Path = SHIPPED) -> list[Takedown]:
    """The takedowns of a file; TakedownsError where one cannot be taken."""
    try:
        return read(path.read_text(encoding="utf-8-sig").split("\n"))
    except OSError as error:
        raise TakedownsError(f"{path}: {error.strerror}. Give --takedowns FILE.") from error
    except UnicodeDecodeError as error:
        raise TakedownsError(f"{path} is not UTF-8 ({error}): save it as UTF-8.") from error
    except TakedownsError as error:
        raise TakedownsError(f"{path}: {error}") from error


def read(lines: Iterable[str]) -> list[Takedown]:
    """The takedowns of the lines of a file, by path: a header, then one a line; blank lines and
    lines that begin with # say nothing."""
    found: dict[str, tuple[int, Takedown]] = {}
    header = None
    for number, line in enumerate(lines, start=1):
        line = line.removesuffix("\r")
        if not line.strip() or line.startswith("#"):
            continue
        try:
            (row,) = csv.reader([line], strict=True)
        except (csv.Error, ValueError) as error:
            raise TakedownsError(
                f"line {number}: {error}; a takedown is one line, and quotes come in pairs"
            ) from error
        if header is None:
            header = tuple(row)
            if header != HEADER:
                raise TakedownsError(
                    f"line {number}: expected {','.join(HEADER)}, found {line[:80]!r}"
                )
            continue
        if len(row) != len(HEADER):
            raise TakedownsError(
                f"line {number} has {len(row)} fields, not {len(HEADER)}: quote those that "
                f"contain a comma: {line[:80]!r}"
            )
        entry = _checked(number, *(part.strip() for part in row))
        if entry.path in found:
            raise TakedownsError(
                f"line {number} ({entry.path}) repeats line {found[entry.path][0]}: keep one of "
                "them"
            )
        found[entry.path] = (number, entry)
    if header is None:
        raise TakedownsError(f"line 1: expected {','.join(HEADER)}, found nothing")
    return sorted(entry for _, entry in found.values())


def _checked(number: int, path: str, day: str, reason: str) -> Takedown:
    def demand(holds: object, want: str) -> None:
        if not holds:
            raise TakedownsError(f"line {number} ({path[:80]}): {want}")

    demand(
        PATH.fullmatch(path),
        f"{path[:80]!r} is no report like 140600-jyj/2023, no version like "
        "140600-jyj/2023/0123456789ab and no SHA-256 of 64 digits; copy it from the address",
    )
    demand(_is_day(day), f"{day[:40]!r} is no date like 2026-11-22")
    demand(reason, "say in the last field why; readers are shown it")
    demand(len(reason) <= LONGEST, f"the reason is longer than {LONGEST} characters")
    demand(not CONTROL.search(reason), "the reason contains control characters")
    return Takedown(path, day, reason)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


# --- what leaves ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cut:
    """What becomes of a table: the rows that leave, and the columns of others that are shown
    otherwise. Conditions and expressions of SQL over the tables that `plan` makes."""

    leaves: str = "0"
    shown: Mapping[str, str] = field(default_factory=dict)


TAKEN_VERSION = "in (select id from taken_versions)"
TAKEN_REPORT = "in (select id from taken_reports)"


def _stays(column: str, taken: str, instead: str = "null") -> str:
    return f"case when {taken} then {instead} else {column} end"


def _without_version(*columns: str) -> dict[str, str]:
    return {column: _stays(column, f"{column} {TAKEN_VERSION}") for column in columns}


def _of_latest(column: str, of: str) -> str:
    """A column of a report as the latest version that stays has it."""
    latest = (
        f"(select v.{of} from versions as v where v.report_id = reports.id "
        f"and v.id not {TAKEN_VERSION} order by v.number desc limit 1)"
    )
    return _stays(column, f"current_version {TAKEN_VERSION}", latest)


OF_VERSION = Cut(f"version_id {TAKEN_VERSION}")
# Tables that are not named stay as they are. What people corrected stays: its numbering is the
# order in which a build takes it.
CUTS: Mapping[str, Cut] = {
    "reports": Cut(
        f"id {TAKEN_REPORT}",
        {
            "current_version": _of_latest("current_version", "id"),
            **{name: _of_latest(name, name) for name in ("form", "title", "published_on")},
        },
    ),
    "changes": Cut(
        f"report_id {TAKEN_REPORT} or from_version {TAKEN_VERSION} or to_version {TAKEN_VERSION}"
    ),
    # That something happened is still told, what it showed is not.
    "events": Cut(f"report_id {TAKEN_REPORT}", _without_version("version_id", "from_version")),
    "sightings": Cut(
        shown={
            name: _stays(name, f"report_id {TAKEN_REPORT}")
            for name in ("title", "reason", "report_id")
        }
    ),
    **dict.fromkeys(
        ("captures", "figures", "cell_notes", "sections", "extras", "unused", "findings"),
        OF_VERSION,
    ),
    "versions": Cut(f"id {TAKEN_VERSION}", _without_version("replaces")),
}
PLAN = """
create temp table taken_versions (id text primary key, reason text) without rowid;
create temp table taken_reports (id text primary key, reason text) without rowid;
create temp table taken_paths (path text primary key, reason text) without rowid;
"""
# Every name below /r/ that led to what is taken: also that of each payload that showed it.
PATHS = """
insert or ignore into taken_paths
select id, reason from taken_reports
union all select id, reason from taken_versions
union all select report_id || '/' || substr(digest, 1, 12), reason
    from taken_versions join versions using (id) join captures on version_id = versions.id
    where digest is not null
"""


def plan(db: sqlite3.Connection, entries: Sequence[Takedown]) -> list[Takedown]:
    """Find what the entries name, for this connection: `taken_versions`, `taken_reports` and, for
    the table of redirects, `taken_paths`. Gives the entries that name nothing the archive has.

    A name that leads elsewhere today is followed: what it named must not come back by a merger.
    """
    db.executescript(PLAN)
    idle = []
    for entry in entries:
        path = _present(db, entry.path)
        whole = path.count("/") == 1
        versions = _versions(db, path)
        db.executemany(
            "insert or ignore into taken_versions values (?, ?)",
            ((version, entry.reason) for version in versions),
        )
        if whole:
            db.execute(
                "insert or ignore into taken_reports select id, ? from reports where id = ?",
                (entry.reason, path),
            )
        if "/" in entry.path:
            db.execute(
                "insert or ignore into taken_paths values (?, ?)", (entry.path, entry.reason)
            )
        if not versions and not (whole and _exists(db, path)):
            idle.append(entry)
    # A report of which nothing is left goes with its last version.
    db.execute(
        f"""
        insert or ignore into taken_reports
        select report_id, min(reason) from taken_versions join versions using (id)
        where not exists (
            select 1 from versions as other
            where other.report_id = versions.report_id and other.id not {TAKEN_VERSION}
        ) group by report_id
        """
    )
    db.execute(PATHS)
    return idle


def _exists(db: sqlite3.Connection, path: str) -> bool:
    table = "versions" if path.count("/") == 2 else "reports"
    return bool(db.execute(f"select 1 from {table} where id = ?", (path,)).fetchone())


def _present(db: sqlite3.Connection, path: str) -> str:
    """Where what a path named lies in this archive; the path itself where nothing tells."""
    at = path
    for _ in range(MOST_STEPS if "/" in path else 0):
        if _exists(db, at):
            return at
        found = db.execute("select target from redirects where path = ?", (at,)).fetchone()
        if not found or not found[0]:
            break
        at = found[0]
    return path


def _versions(db: sqlite3.Connection, path: str) -> list[str]:
    """The versions of a report, a version, or those that a payload showed: every payload's digest
    names a version too."""
    if path.count("/") == 1:
        found = db.execute("select id from versions where report_id = ?", (path,))
    elif "/" in path and _exists(db, path):
        return [path]
    else:
        report, _, digest = path.rpartition("/")
        found = db.execute(
            "select distinct version_id from captures join versions on versions.id = version_id "
            "where digest >= ? and digest < ? and ? in ('', report_id)",
            (digest, f"{digest}g", report),
        )
    return [version for (version,) in found]


@dataclass(frozen=True, slots=True)
class Taken:
    """How many reports and versions a snapshot lacks, and the entries that named nothing."""

    reports: int
    versions: int
    idle: Sequence[Takedown]


def take_down(db: sqlite3.Connection, entries: Sequence[Takedown]) -> Taken:
    """Take out of a snapshot what the entries name; their names are redirects that lead nowhere.

    What leaves is not left on the pages of the file either.
    """
    db.execute("pragma secure_delete = on")
    idle = plan(db, entries)
    if not db.in_transaction:
        db.execute("begin")
    for name, cut in CUTS.items():
        if cut.shown:
            changed = " or ".join(f"{new} is not {column}" for column, new in cut.shown.items())
            put = ", ".join(f"{column} = {new}" for column, new in cut.shown.items())
            db.execute(f"update {name} set {put} where ({cut.leaves}) is not 1 and ({changed})")
    for name, cut in CUTS.items():
        db.execute(f"delete from {name} where {cut.leaves}")
    db.execute("insert or replace into redirects select path, null, reason from taken_paths")
    reports, versions = (
        db.execute(f"select count(*) from {name}").fetchone()[0]
        for name in ("taken_reports", "taken_versions")
    )
    db.execute("commit")
    return Taken(reports, versions, idle)


def add(db: sqlite3.Connection, entries: Sequence[Takedown] = ()) -> str:
    """Take down what the entries name and make table `takedowns`; gives a word on it, if any.

    Table `coverage` stands: that a body has published is so, whatever may be shown of it here.
    """
    taken = take_down(db, entries)
    for entry in taken.idle:
        log.warning(
            "takedown of %s (%s): the archive has nothing of this name. Copy the path from the "
            "address of the page",
            entry.path,
            entry.reason,
        )
    db.execute(f"update coverage set report_id = null where report_id {TAKEN_REPORT}")
    snapshot.make(db, NAME, map(asdict, entries))
    if not entries:
        return ""
    return f"taken down: {taken.reports} reports, {taken.versions} versions"
