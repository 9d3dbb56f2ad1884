"""What may the archive keep and not show? `takedowns.csv`, a reviewed list with public reasons.

A line is `path,date,reason`: a report (140600-jyj/2023), a version (140600-jyj/2023/0123456789ab),
the address of the page of either, or the SHA-256 of a payload. What it names leaves the snapshot of
a site and every release, its address answers 410 with the reason, and the line is shown. Captures,
archive, ledger and published names keep what they have: a line taken out again brings everything
back. Pure, but for `load` and what takes a connection.
"""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from archive import reviewed, snapshot
from archive.issuers import ID
from archive.names.bodies import official_name

NAME = "takedowns"
SHIPPED = Path(__file__).with_name("takedowns.csv")
HEADER = ("path", "date", "reason")
# What stands before a path in the address of a page.
BEFORE = re.compile(r"(?:https?://[^/]*)?/r/")
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
    return reviewed.read_file(path, "--takedowns", read, TakedownsError)


def read(lines: Iterable[str]) -> list[Takedown]:
    """The takedowns of the lines of a file, by path: a header, then one a line; blank lines and
    lines that begin with # say nothing."""
    found: dict[str, tuple[int, Takedown]] = {}
    for number, (path, day, reason) in reviewed.entries(lines, HEADER, "takedown", TakedownsError):
        entry = _checked(number, BEFORE.sub("", path, count=1), day, reason)
        if entry.path in found:
            raise TakedownsError(
                f"line {number} ({entry.path}) repeats line {found[entry.path][0]}: keep one of "
                "them"
            )
        found[entry.path] = (number, entry)
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
    demand(reviewed.is_day(day), f"{day[:40]!r} is no date like 2026-11-22")
    demand(reason, "say in the last field why; readers are shown it")
    demand(len(reason) <= LONGEST, f"the reason is longer than {LONGEST} characters")
    demand(not CONTROL.search(reason), "the reason contains control characters")
    return Takedown(path, day, reason)


# --- what leaves ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cut:
    """What becomes of a table: the rows that leave, and the columns of others that are shown
    otherwise. Conditions and expressions of SQL over the tables that `plan` makes."""

    leaves: str = "0"
    shown: Mapping[str, str] = field(default_factory=dict)


TAKEN_VERSION = "in (select id from taken_versions)"
TAKEN_REPORT = "in (select id from taken_reports)"
OF_TAKEN_REPORT = (
    f"report_id {TAKEN_REPORT} or (report_id is null and url in (select url from taken_urls))"
)


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
    # On a night with a reason an address names no report, but still its title.
    "sightings": Cut(
        shown={
            "title": _stays(
                "title",
                f"{OF_TAKEN_REPORT} or (url, title) in (select url, title from taken_titles)",
            ),
            **{name: _stays(name, OF_TAKEN_REPORT) for name in ("reason", "report_id")},
        }
    ),
    **dict.fromkeys(
        ("captures", "figures", "cell_notes", "sections", "extras", "unused"), OF_VERSION
    ),
    "findings": Cut(
        f"version_id {TAKEN_VERSION} "
        "or (version_id, rule) in (select version_id, rule from quoting_findings)"
    ),
    "versions": Cut(f"id {TAKEN_VERSION}", _without_version("replaces")),
}
PLAN = """
create temp table taken_versions (id text primary key, reason text) without rowid;
create temp table taken_reports (id text primary key, reason text) without rowid;
create temp table taken_paths (path text primary key, reason text) without rowid;
create temp table taken_urls (url text primary key) without rowid;
create temp table taken_titles (url text, title text, primary key (url, title)) without rowid;
create temp table quoting_findings (
    version_id text, rule text, primary key (version_id, rule)
) without rowid;
"""
# Every name below /r/ that led to what is taken: also that of each payload that showed it, unless
# it showed a version that stays too, as a page does whose attachment was swapped.
PATHS = f"""
insert or ignore into taken_paths
select id, reason from taken_reports
union all select id, reason from taken_versions
union all select versions.report_id || '/' || substr(captures.digest, 1, 12), reason
    from taken_versions join versions using (id) join captures on version_id = versions.id
    where captures.digest is not null and not exists (
        select 1 from captures as other join versions as shown on shown.id = other.version_id
        where other.digest = captures.digest and shown.report_id = versions.report_id
            and shown.id not {TAKEN_VERSION}
    )
"""
# A cross join begins with what is taken: that is little, and of the rest there are millions.
URLS = """
insert or ignore into taken_urls
select url from taken_reports cross join sightings on report_id = taken_reports.id
union all select url from taken_reports cross join versions on report_id = taken_reports.id
    cross join captures on version_id = versions.id
"""
# Under which titles lists led to what a taken version showed, and never to what stays.
TITLES = f"""
insert or ignore into taken_titles
select here.url, here.title from taken_versions
    cross join captures as taken on taken.version_id = taken_versions.id
    cross join sightings as here on here.url = taken.url and here.digest = taken.digest
where here.title is not null and not exists (
    select 1 from sightings as there join captures as stays using (url, digest)
    where there.url = here.url and there.title = here.title
        and stays.version_id not {TAKEN_VERSION}
)
"""
# What a build finds beside the report of the year before, and beside those of the bodies below.
OF_YEAR_BEFORE = """(rule glob 'XYEAR.*'
    or rule in ('PLAUSIBLE.leap', 'PLAUSIBLE.copied_figures', 'PLAUSIBLE.copied_text'))"""
OF_BODIES_BELOW = "rule = 'HIER.sum'"
# Findings on other reports tell the figures of what these showed when they were made: of the
# current version. A whole that takes the body in goes by its official name as it was when the
# body's id was minted; where people corrected what stands above the body, it may be any of that
# year.
QUOTING = f"""
with hidden as (
    select reports.id, year, issuer_id from taken_versions
    cross join versions on versions.id = taken_versions.id
    cross join reports on reports.id = report_id
    where current_version = taken_versions.id
),
named as (
    select year, official_name(issuers.parent) as parent, issuers.parent_id
    from hidden join issuers on issuers.id = issuer_id
),
official as materialized (
    select id, official_name(name) as name from issuers
    union select id, official_name(minted_as) from issuers
),
above as (
    select year, parent_id as issuer_id from named
    union select year, id from named join official on official.name = named.parent
    union select hidden.year, reports.issuer_id from hidden cross join reports using (year)
        where scope = 'jurisdiction_aggregate' and 'issuer:' || hidden.issuer_id in
            (select subject from corrections where aspect = 'parent')
)
insert or ignore into quoting_findings
select version_id, rule from hidden
    cross join reports as next on next.issuer_id = hidden.issuer_id and next.year = hidden.year + 1
    cross join versions on report_id = next.id cross join findings on version_id = versions.id
    where {OF_YEAR_BEFORE}
union all select version_id, rule from above
    cross join reports using (issuer_id, year)
    cross join versions on report_id = reports.id cross join findings on version_id = versions.id
    where {OF_BODIES_BELOW}
"""


def plan(db: sqlite3.Connection, entries: Sequence[Takedown]) -> list[Takedown]:
    """Find what the entries name, for this connection: `taken_versions`, `taken_reports`, their
    `taken_urls`, the `quoting_findings` on other reports and, for the table of redirects,
    `taken_paths`. Gives the entries that name nothing the archive has.

    A name that leads elsewhere today is followed: what it named must not come back by a merger.
    """
    db.create_function("official_name", 1, _official_name, deterministic=True)
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
    for question in (PATHS, URLS, TITLES, QUOTING):
        db.execute(question)
    return idle


def _official_name(name: str | None) -> str | None:
    return official_name(name) if name else None


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
