"""What has the fold taken in so far, and what is due to be folded again?

DATA/fold.db holds every capture and sighting of the closed files, what each page showed on each
night, and every reading made. It only saves time: without the file all of it is taken in and read
again, with the same result. What a change touches is marked as due in the transaction that makes
the change, and stays due until an archive that holds it is in place; folding a thing twice gives
what folding it once gives, so that a build may be killed anywhere.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from archive.issuers import Portal
from archive.sightings import BadLine, PortalLine, Sighting, Visit, latest, observed
from archive.warc import HOLDING, Capture, Damage

SHAPES = """
create table if not exists facts (name text primary key, value text);
create table if not exists files (
    id integer primary key, folder text, name text, size integer, stamp text, sha256 text,
    captures integer, damaged integer, first_at text, last_at text,
    unique (folder, name)
);
create table if not exists captures (
    file integer, offset integer, digest text, url text, fetched_at text, status integer,
    media_type text, content_type text, record_type text,
    primary key (file, offset)
) without rowid;
create index if not exists captures_digest on captures (digest, url, fetched_at);
create index if not exists captures_holding on captures (digest, fetched_at, url)
    where record_type in ('response', 'conversion');
create index if not exists captures_holding_at on captures (digest, url, fetched_at)
    where record_type in ('response', 'conversion');
create table if not exists damages (
    file integer, offset integer, reason text, primary key (file, offset)
) without rowid;
create table if not exists bad_lines (
    file integer, number integer, reason text, primary key (file, number)
) without rowid;
create table if not exists portal_lines (
    file integer, number integer, id text, night text, state text, moment text, line text,
    primary key (file, number)
) without rowid;
create index if not exists portal_lines_night on portal_lines (id, night, moment);
create table if not exists visit_lines (
    file integer, number integer, portal_id text, night text, moment text, line text,
    primary key (file, number)
) without rowid;
create index if not exists visit_lines_night on visit_lines (portal_id, night, moment);
create table if not exists report_lines (
    file integer, number integer, page text, night text, seen_at text, portal_id text, url text,
    title text, listed_on text, role text, report_url text, verdict text, status integer,
    digest text, fetched_at text,
    primary key (file, number)
) without rowid;
create index if not exists report_lines_page on report_lines (page, night);
create index if not exists report_lines_url on report_lines (url, night);
create index if not exists report_lines_digest on report_lines (digest);
create index if not exists report_lines_portal on report_lines (portal_id, night);
create table if not exists portals (
    id text primary key, name text, division text, level text, home_url text, last_ok text,
    state text
);
create table if not exists page_nights (
    page text, night text, turn integer, seen_at text, fetched_at text, portal_id text,
    verdict text, sources text, key text, body text, content_digest text, issuer text, year integer,
    reason text, has_failed integer, report_id text,
    primary key (page, night, turn)
) without rowid;
create index if not exists page_nights_report on page_nights (report_id, page);
create index if not exists page_nights_issuer on page_nights (issuer);
create table if not exists failures (
    page text primary key, times integer, again integer
) without rowid;
create table if not exists reports (
    id text primary key, issuer_id text, year integer, scope text, parent text,
    current_body text, share text
);
create table if not exists written (report_id text primary key, said text, number integer)
    without rowid;
create index if not exists reports_year on reports (year, scope);
create index if not exists reports_issuer on reports (issuer_id);
create table if not exists shows (
    report_id text, digest text, fetched_at text, url text, version_id text,
    primary key (report_id, digest, url, fetched_at)
) without rowid;
create index if not exists shows_digest on shows (digest);
create table if not exists readings (key text primary key, value blob);
create table if not exists bodies (key text primary key, value blob);
create table if not exists mentions (key text primary key, value blob);
create table if not exists due_pages (page text primary key) without rowid;
create table if not exists due_reports (id text primary key) without rowid;
create table if not exists due_files (file integer primary key);
create table if not exists due_digests (digest text primary key, since text) without rowid;
create table if not exists due_years (year integer primary key);
create table if not exists due_sightings (url text, night text, primary key (url, night))
    without rowid;
create table if not exists due_visits (portal_id text, night text, primary key (portal_id, night))
    without rowid;
create table if not exists due_issuers (id text primary key) without rowid;
create table if not exists due_portals (id text primary key) without rowid;
create table if not exists due_renamed (id text primary key) without rowid;
create table if not exists due_unnamed (page text primary key) without rowid;
"""
# Another shape, and all is taken in anew.
SHAPE = int(hashlib.sha256(SHAPES.encode()).hexdigest()[:7], 16) + 1
DUE = (
    *("pages", "reports", "files", "digests", "years", "sightings", "visits", "issuers"),
    *("portals", "renamed", "unnamed"),
)
# In the table of due sightings: all nights of an address.
ALL_NIGHTS = ""
LINE = ", ".join(f"r.{name}" for name in Sighting.__slots__)
HELD = ", ".join(f"'{kind}'" for kind in HOLDING)
CAPTURE = (
    "c.digest, c.url, c.fetched_at, c.status, c.media_type, f.name, c.offset, c.record_type,"
    " c.content_type from captures c join files f on f.id = c.file"
)
# Of records of the same answer the one with the bytes ("response" sorts before "revisit").
PREFERENCE = "c.record_type, f.name, c.offset"
NIGHT = (
    "page, night, turn, seen_at, fetched_at, portal_id, verdict, sources, key, body,"
    " content_digest, issuer, year, reason, has_failed, report_id"
)


@dataclass(frozen=True, slots=True)
class File:
    """A closed file that was taken in."""

    id: int
    name: str
    size: int
    stamp: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Record:
    """An answer as the archive lists it, and the Content-Type its server gave."""

    digest: str
    url: str
    fetched_at: str
    status: int | None
    media_type: str
    warc_file: str
    offset: int
    record_type: str
    content_type: str


@dataclass(frozen=True, slots=True)
class PageNight:
    """What is known of a page after a night, or of one of several contents it showed that night:
    `turn` counts them from 0.

    `sources` are the (address, digest) of the document it showed, the page's own first; `key`
    names the reading's place in the memory, `body` and `content_digest` what was read. `reason`
    says why it showed no report.
    """

    page: str
    night: str
    turn: int
    seen_at: str
    fetched_at: str
    portal_id: str
    verdict: str
    sources: tuple[tuple[str, str], ...] = ()
    key: str | None = None
    body: str | None = None
    content_digest: str | None = None
    issuer: str | None = None
    year: int | None = None
    reason: str | None = None
    has_failed: bool = False
    report_id: str | None = None


class Memory:
    """The fold's memory between builds: one SQLite file, one process at a time."""

    def __init__(self, path: Path) -> None:
        """Open the file or begin it. Raises sqlite3.DatabaseError when it is none of ours."""
        self.db = sqlite3.connect(path, isolation_level=None)
        try:
            self.db.execute("pragma journal_mode = wal")
            # A crash may take the last transactions, never half of one: they are done again.
            self.db.execute("pragma synchronous = normal")
            self.db.execute("pragma cache_size = -65536")
            shape = self.db.execute("pragma user_version").fetchone()[0]
            if shape not in (0, SHAPE):
                raise sqlite3.DatabaseError(f"shape {shape} where {SHAPE} is wanted")
            self.db.executescript(SHAPES)
            self.db.execute(f"pragma user_version = {SHAPE}")
        except sqlite3.Error:
            self.db.close()
            raise

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is written inside."""
        self.db.execute("begin immediate")
        try:
            yield
        except BaseException:
            # A full disk has ended it already; an error of ours would hide that.
            if self.db.in_transaction:
                self.db.execute("rollback")
            raise
        self.db.execute("commit")

    # --- facts about the archive that was last made of this ---------------------------------------

    def fact(self, name: str) -> str | None:
        """A remembered fact, such as which archive was last put in place."""
        found = self.db.execute("select value from facts where name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def note(self, name: str, value: str) -> None:
        """Remember a fact."""
        self.db.execute("insert or replace into facts values (?, ?)", (name, value))

    # --- files in ---------------------------------------------------------------------------------

    def files(self, folder: str) -> dict[str, File]:
        """What was taken in of a folder, by name."""
        rows = self.db.execute(
            "select id, name, size, stamp, sha256 from files where folder = ?", (folder,)
        )
        return {row[1]: File(*row) for row in rows}

    def _file(self, folder: str, name: str, size: int, stamp: str, sha256: str) -> int:
        cursor = self.db.execute(
            "insert into files (folder, name, size, stamp, sha256) values (?, ?, ?, ?, ?)",
            (folder, name, size, stamp, sha256),
        )
        self.touch()
        return int(cursor.lastrowid or 0)

    def touch(self) -> None:
        """Note that the archive is not what it should be, though nothing that can be named is due:
        a file came or went."""
        self.note("touched", "1")

    def take_segment(
        self, name: str, size: int, stamp: str, sha256: str, records: Iterable[Capture | Damage]
    ) -> None:
        """Take in a segment's records; whatever waits for one of their digests is due."""
        with self.transaction():
            file = self._file("warc", name, size, stamp, sha256)
            for record in records:
                if isinstance(record, Damage):
                    self.db.execute(
                        "insert or replace into damages values (?, ?, ?)",
                        (file, record.offset, record.reason),
                    )
                    continue
                headers = {name.lower(): value for name, value in record.headers}
                self.db.execute(
                    "insert into captures values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(file, record.offset, record.digest, record.url, record.fetched_at),
                        *(record.status, record.media_type, headers.get("content-type", "")),
                        record.record_type,
                    ),
                )
            self.db.execute(
                "update files set (captures, first_at, last_at) ="
                " (select count(*), min(fetched_at), max(fetched_at) from captures"
                " where file = ?1),"
                " damaged = (select count(*) from damages where file = ?1) where id = ?1",
                (file,),
            )
            self.db.execute("insert into due_files values (?)", (file,))
            self._due_by_digests(file)

    def _due_by_digests(self, file: int) -> None:
        """Pages that showed bytes this file holds are due: where bytes lie decides what was said
        of them. Revisits hold none."""
        self.db.execute(
            "insert or ignore into due_pages select r.page from captures c"
            " join report_lines r on r.digest = c.digest and r.verdict in ('ok', 'not_modified')"
            f" where c.file = ? and c.record_type in ({HELD})",
            (file,),
        )

    def take_sightings(
        self,
        name: str,
        size: int,
        stamp: str,
        sha256: str,
        lines: Iterable[tuple[int, Sighting | PortalLine | Visit | BadLine]],
    ) -> None:
        """Take in the lines of a file of sightings; the pages they are about are due."""
        with self.transaction():
            file = self._file("sightings", name, size, stamp, sha256)
            for number, line in lines:
                if isinstance(line, Sighting):
                    values = astuple(line)
                    self.db.execute(
                        f"insert into report_lines (file, number, page,"
                        f" {', '.join(Sighting.__slots__)})"
                        f" values ({', '.join('?' * (len(values) + 3))})",
                        (file, number, line.page, *values),
                    )
                elif isinstance(line, PortalLine):
                    self.db.execute(
                        "insert into portal_lines values (?, ?, ?, ?, ?, ?, ?)",
                        (
                            *(file, number, line.id, line.night, line.state),
                            *(line.moment, json.dumps(line.said)),
                        ),
                    )
                elif isinstance(line, Visit):
                    self.db.execute(
                        "insert into visit_lines values (?, ?, ?, ?, ?, ?)",
                        (
                            *(file, number, line.portal_id, line.night, line.moment),
                            json.dumps(line.row),
                        ),
                    )
                else:
                    self.db.execute(
                        "insert into bad_lines values (?, ?, ?)", (file, number, line.reason)
                    )
            self._due_by_lines(file)

    def _due_by_lines(self, file: int) -> None:
        self.db.execute(
            "insert or ignore into due_portals select id from portal_lines where file = ?1"
            " union select portal_id from visit_lines where file = ?1"
            " union select portal_id from report_lines where file = ?1",
            (file,),
        )
        self.db.execute(
            "insert or ignore into due_pages select page from report_lines where file = ?", (file,)
        )
        self.db.execute(
            "insert or ignore into due_sightings select url, night from report_lines"
            " where file = ?",
            (file,),
        )
        self.db.execute(
            "insert or ignore into due_visits select portal_id, night from visit_lines"
            " where file = ?",
            (file,),
        )
        # Whether the home page answered that night decides what a missing page means.
        self.db.execute(
            "insert or ignore into due_pages select r.page from portal_lines l"
            " join report_lines r on r.portal_id = l.id and r.night = l.night where l.file = ?",
            (file,),
        )

    def restamp(self, folder: str, name: str, stamp: str) -> None:
        """Note the stamp of a file that was touched and has not changed."""
        self.db.execute(
            "update files set stamp = ? where folder = ? and name = ?", (stamp, folder, name)
        )

    def forget_file(self, folder: str, name: str) -> None:
        """Undo the taking in of a file that is gone or has changed."""
        with self.transaction():
            (file,) = self.db.execute(
                "select id from files where folder = ? and name = ?", (folder, name)
            ).fetchone()
            if folder == "warc":
                self._due_by_digests(file)
                self.db.execute(
                    "insert or replace into due_digests"
                    " select distinct digest, '' from captures where file = ?",
                    (file,),
                )
                self.db.execute("delete from due_files where file = ?", (file,))
                tables = ["captures", "damages"]
            else:
                self._due_by_lines(file)
                tables = ["report_lines", "portal_lines", "visit_lines", "bad_lines"]
            for table in tables:
                self.db.execute(f"delete from {table} where file = ?", (file,))
            self.db.execute("delete from files where id = ?", (file,))
            self.touch()

    def segment_rows(self) -> Iterator[dict[str, Any]]:
        """A row for each segment taken in, as the archive lists them."""
        names = ("warc_file", "sha256", "bytes", "captures", "damaged", "first_at", "last_at")
        rows = self.db.execute(
            "select name, sha256, size, captures, damaged, first_at, last_at from files"
            " where folder = 'warc' order by name"
        )
        return (dict(zip(names, row, strict=True)) for row in rows)

    def sighting_file_rows(self) -> Iterator[dict[str, Any]]:
        """The same for the files of sightings."""
        rows = self.db.execute(
            "select name, sha256, size from files where folder = 'sightings' order by name"
        )
        return ({"name": name, "sha256": sha256, "bytes": size} for name, sha256, size in rows)

    def damages(self) -> Iterator[Damage]:
        """Every place of the segments that could not be verified."""
        rows = self.db.execute(
            "select name, offset, reason from damages join files on files.id = file"
            " order by name, offset"
        )
        return (Damage(*row) for row in rows)

    def bad_lines(self) -> list[str]:
        """The places of lines of the sightings that could not be read."""
        rows = self.db.execute(
            "select name, number from bad_lines join files on files.id = file order by 1, 2"
        )
        return [f"{name} line {number}" for name, number in rows]

    # --- captures ---------------------------------------------------------------------------------

    def holding(self, digest: str, url: str | None = None) -> Record | None:
        """The first record that holds the bytes of a digest, at an address or anywhere."""
        at = "and c.url = ?" if url is not None else ""
        found = self.db.execute(
            f"select {CAPTURE} where c.digest = ? {at} and c.record_type in ({HELD})"
            f" order by c.fetched_at, c.url, {PREFERENCE} limit 1",
            (digest,) if url is None else (digest, url),
        ).fetchone()
        return Record(*found) if found else None

    def records(self) -> Iterator[Record]:
        """Every answer once; of repeated records the one with the bytes."""
        return _once(
            self.db.execute(
                f"select {CAPTURE} order by c.digest, c.url, c.fetched_at, {PREFERENCE}"
            )
        )

    def records_of_digest(self, digest: str, since: str = "") -> Iterator[Record]:
        """The same of one digest, from a moment on."""
        return _once(
            self.db.execute(
                f"select {CAPTURE} where c.digest = ? and c.fetched_at >= ?"
                f" order by c.digest, c.url, c.fetched_at, {PREFERENCE}",
                (digest, since),
            )
        )

    def records_like(self, file: int) -> Iterator[Record]:
        """The same of the answers that a segment holds, wherever the preferred record lies."""
        return _once(
            self.db.execute(
                f"select {CAPTURE} join captures o on o.digest = c.digest and o.url = c.url"
                " and o.fetched_at = c.fetched_at where o.file = ?"
                f" order by c.digest, c.url, c.fetched_at, {PREFERENCE}",
                (file,),
            )
        )

    # --- lines ------------------------------------------------------------------------------------

    def lines_of_page(self, page: str) -> list[Sighting]:
        """The lines about a page and its attachments: of each night and address the last, and one
        for each other payload."""
        rows = self.db.execute(f"select {LINE} from report_lines r where page = ?", (page,))
        return observed(Sighting(*row) for row in rows)

    def lines_of_url(self, url: str, night: str) -> list[Sighting]:
        """The lines about an address, on one night or all, whatever page it belongs to."""
        rows = self.db.execute(
            f"select {LINE} from report_lines r where url = ?"
            + (" and night = ?" if night != ALL_NIGHTS else ""),
            (url,) if night == ALL_NIGHTS else (url, night),
        )
        return latest(Sighting(*row) for row in rows)

    def home_ok(self, portal_id: str, night: str) -> bool:
        """Whether a portal's home page answered on a night."""
        found = self.db.execute(
            "select state from portal_lines where id = ? and night = ?"
            " order by moment desc limit 1",
            (portal_id, night),
        ).fetchone()
        return found is not None and found[0] == "ok"

    def visit_rows(self) -> Iterator[dict[str, Any]]:
        """The last line of each visit that is due."""
        rows = self.db.execute(
            "select line, max(moment) from due_visits cross join visit_lines"
            " using (portal_id, night) group by portal_id, night"
        )
        return (json.loads(line) for line, _ in rows)

    def describe_portals(self) -> dict[str, Portal]:
        """Portals as their last line describes them; a bare id where only other lines name one.

        What a visit says of a night stands above what the home page said that night. Of a portal
        that is another than before by name, division or level, or is named no more, all pages are
        due, and all bodies.
        """
        with self.transaction():
            for portal_id in self.due("portals"):
                before = self.db.execute(
                    "select name, division, level from portals where id = ?", (portal_id,)
                ).fetchone()
                self.db.execute("delete from portals where id = ?", (portal_id,))
                now = self._describe(portal_id)
                if now is not None:
                    self.db.execute(
                        "insert into portals values (?, ?, ?, ?, ?, ?, ?)", astuple(now)
                    )
                if now is None or before != (now.name, now.division, now.level):
                    self.db.execute(
                        "insert or ignore into due_pages select page from report_lines"
                        " where portal_id = ?",
                        (portal_id,),
                    )
                    self.mark("renamed", [portal_id])
                    self.db.execute(
                        "insert or ignore into due_issuers select issuer_id from reports"
                    )
        rows = self.db.execute(
            "select id, name, division, level, home_url, last_ok, state from portals order by id"
        )
        return {row[0]: Portal(*row) for row in rows}

    def _is_last_ok(self, portal_id: str, night: str, state: str) -> bool:
        return state == "ok" and self.home_ok(portal_id, night)

    def _describe(self, portal_id: str) -> Portal | None:
        last = self.db.execute(
            "select night, state, line from portal_lines where id = ?"
            " order by night desc, moment desc limit 1",
            (portal_id,),
        ).fetchone()
        visit = self.db.execute(
            "select night, line from visit_lines where portal_id = ?"
            " order by night desc, moment desc limit 1",
            (portal_id,),
        ).fetchone()
        last_ok = next(
            (
                night
                for night, state in self.db.execute(
                    "select night, state from portal_lines where id = ?"
                    " order by night desc, moment desc",
                    (portal_id,),
                )
                if self._is_last_ok(portal_id, night, state)
            ),
            None,
        )
        if not (last or visit):
            named = self.db.execute(
                "select 1 from report_lines where portal_id = ? limit 1", (portal_id,)
            )
            if named.fetchone() is None:
                return None
        said = json.loads(last[2]) if last else {}
        state = last[1] if last else None
        if visit and (not last or visit[0] >= last[0]):
            state = json.loads(visit[1])["state"]
        name, division, level, home_url = (
            str(said.get(key) or "") for key in ("name", "division", "level", "home_url")
        )
        return Portal(portal_id, name, division, level, home_url, last_ok, state)

    # --- what pages showed ------------------------------------------------------------------------

    def nights_of_page(self, page: str) -> dict[tuple[str, int], PageNight]:
        """What is known of a page, by night and turn, in order."""
        rows = self.db.execute(
            f"select {NIGHT} from page_nights where page = ? order by night, turn", (page,)
        )
        return {(row[1], row[2]): _page_night(row) for row in rows}

    def keep_nights(self, page: str, nights: Iterable[PageNight]) -> None:
        """Replace what is known of a page; reports it showed and shows are due, and all its lines
        where what is known of former nights has changed."""
        before = self.nights_of_page(page)
        after = {(night.night, night.turn): night for night in nights}
        for gone in before.keys() - after.keys():
            self.db.execute(
                "delete from page_nights where page = ? and night = ? and turn = ?", (page, *gone)
            )
        for key, night in after.items():
            if before.get(key) != night:
                self.db.execute(
                    f"insert or replace into page_nights values ({', '.join('?' * 16)})",
                    (
                        *(night.page, night.night, night.turn, night.seen_at, night.fetched_at),
                        *(night.portal_id, night.verdict, json.dumps(night.sources), night.key),
                        *(night.body, night.content_digest, night.issuer, night.year),
                        *(night.reason, int(night.has_failed), night.report_id),
                    ),
                )
        reports = {n.report_id for n in (*before.values(), *after.values()) if n.report_id}
        self.db.executemany(
            "insert or ignore into due_reports values (?)", ((report,) for report in reports)
        )
        changed = [
            night
            for night, turn in before.keys() | after.keys()
            if _shown(before.get((night, turn))) != _shown(after.get((night, turn)))
        ]
        if changed:
            # Lines of later nights may be about what was shown then.
            self.db.execute(
                "insert or ignore into due_sightings select url, night from report_lines"
                " where page = ? and night >= ?",
                (page, min(changed) if before and after else ALL_NIGHTS),
            )

    def addresses(self, report_id: str) -> list[str]:
        """The pages that ever showed a report."""
        rows = self.db.execute(
            "select distinct page from page_nights where report_id = ? order by 1", (report_id,)
        )
        return [page for (page,) in rows]

    def mark_unnamed(self, names: Iterable[str]) -> None:
        """Let pages be named again that ever showed a report of a body by one of these names."""
        for name in names:
            self.db.execute(
                "insert or ignore into due_unnamed select page from page_nights where issuer = ?",
                (name,),
            )

    def mark_reports_of(self, issuer_ids: Iterable[str]) -> None:
        """Let all reports of some bodies be folded again."""
        for issuer_id in issuer_ids:
            self.db.execute(
                "insert or ignore into due_reports select id from reports where issuer_id = ?",
                (issuer_id,),
            )

    # --- what reports are -------------------------------------------------------------------------

    def issuer_names(self, issuer_id: str) -> Iterator[dict[str, Any]]:
        """The names under which reports of a body were met, and when first and last."""
        rows = self.db.execute(
            "select issuer, min(seen_at), max(seen_at) from page_nights where report_id in"
            " (select id from reports where issuer_id = ?) and issuer is not null group by 1",
            (issuer_id,),
        )
        for name, first, last in rows:
            yield {"issuer_id": issuer_id, "name": name, "first_seen": first, "last_seen": last}

    def issuer_ids(self) -> list[str]:
        """The bodies that have reports, by id."""
        rows = self.db.execute("select distinct issuer_id from reports order by 1")
        return [issuer_id for (issuer_id,) in rows]

    def has_page(self, page: str) -> bool:
        """Whether any line is about a report page at an address."""
        found = self.db.execute("select 1 from report_lines where page = ? limit 1", (page,))
        return found.fetchone() is not None

    def current_body(self, report_id: str) -> str | None:
        """The name in the memory of what a report shows at present."""
        found = self.db.execute(
            "select current_body from reports where id = ?", (report_id,)
        ).fetchone()
        return found[0] if found else None

    def keep_report(
        self, report_id: str, parent: str | None, scope: str, current_body: str, share: str
    ) -> None:
        """Remember what others are compared with: the same body's next year is due when what it
        shows at present has changed, and the roll-ups of its year when its share has."""
        issuer_id, _, year = report_id.rpartition("/")
        before = self.db.execute(
            "select current_body, share from reports where id = ?", (report_id,)
        ).fetchone()
        if before is None:
            self.db.execute("insert or ignore into due_issuers values (?)", (issuer_id,))
        if before is None or before[0] != current_body:
            self._next_is_due(issuer_id, int(year))
        if before is None or before[1] != share:
            self.db.execute("insert or ignore into due_years values (?)", (int(year),))
        if before != (current_body, share):
            self.db.execute(
                "insert or replace into reports values (?, ?, ?, ?, ?, ?, ?)",
                (report_id, issuer_id, int(year), scope, parent, current_body, share),
            )

    def was_written(self, report_id: str, said: str, number: int, base: int | None) -> bool:
        """Whether the archive that build `base` made says of a report what is to be said; note
        that build `number` says it."""
        known = self.db.execute(
            "select said, number from written where report_id = ?", (report_id,)
        ).fetchone()
        if known and known[0] == said and base is not None and known[1] <= base:
            return True
        self.db.execute(
            "insert or replace into written values (?, ?, ?)", (report_id, said, number)
        )
        return False

    def drop_report(self, report_id: str) -> None:
        """Forget a report that no page shows any more."""
        issuer_id, _, year = report_id.rpartition("/")
        self.keep_shows(report_id, ())
        self.db.execute("delete from reports where id = ?", (report_id,))
        self.db.execute("delete from written where report_id = ?", (report_id,))
        self.db.execute("insert or ignore into due_issuers values (?)", (issuer_id,))
        self.db.execute("insert or ignore into due_years values (?)", (int(year),))
        self._next_is_due(issuer_id, int(year))

    def _next_is_due(self, issuer_id: str, year: int) -> None:
        self.db.execute(
            "insert or ignore into due_reports select id from reports where id = ?",
            (f"{issuer_id}/{year + 1}",),
        )

    def shares(self, year: int, whole: str) -> Iterator[str]:
        """The shares of a year: those of the given scope, and of bodies below one that has it."""
        rows = self.db.execute(
            "select share from reports where year = ?1 and (scope = ?2 or parent in"
            " (select json_extract(share, '$.name') from reports where year = ?1 and scope = ?2))"
            " order by id",
            (year, whole),
        )
        return (share for (share,) in rows)

    def keep_shows(self, report_id: str, shows: Iterable[tuple[str, str, str, str]]) -> None:
        """Remember which payloads showed which version: (digest, moment, address, version).

        Captures of a digest are due: from a moment on where all that is added lies behind what
        was known of it and at the same addresses, else all.
        """
        before = {
            (digest, url, at): version
            for digest, at, url, version in self.db.execute(
                "select digest, fetched_at, url, version_id from shows where report_id = ?",
                (report_id,),
            )
        }
        after = {(digest, url, at): version for digest, at, url, version in shows}
        changed: dict[str, list[tuple[str, str, str]]] = {}
        for key in before.keys() | after.keys():
            if before.get(key) != after.get(key):
                changed.setdefault(key[0], []).append(key)
        for digest, keys in sorted(changed.items()):
            known = dict(
                self.db.execute(
                    "select url, max(fetched_at) from shows where digest = ? group by url",
                    (digest,),
                ).fetchall()
            )
            since = min(at for _, _, at in keys)
            only_later = {url for _, url, _ in keys} <= known.keys() and since > max(known.values())
            self.db.execute(
                "insert into due_digests values (?, ?) on conflict (digest)"
                " do update set since = min(since, excluded.since)",
                (digest, since if only_later else ""),
            )
            for key in keys:
                self.db.execute(
                    "delete from shows where report_id = ? and digest = ? and url = ?"
                    " and fetched_at = ?",
                    (report_id, *key),
                )
                if key in after:
                    self.db.execute(
                        "insert into shows values (?, ?, ?, ?, ?)",
                        (report_id, digest, key[2], key[1], after[key]),
                    )

    def shows(self, digest: str) -> list[tuple[str, str, str]]:
        """What a payload showed: (moment, address, version), sorted."""
        return sorted(
            self.db.execute(
                "select fetched_at, url, version_id from shows where digest = ?", (digest,)
            )
        )

    # --- due --------------------------------------------------------------------------------------

    def due(self, what: str) -> Iterator[Any]:
        """What is to be folded again of a kind (DUE) with one name, in order; what is marked
        meanwhile and comes later in that order is given too."""
        names = {"pages": "page", "files": "file", "years": "year", "unnamed": "page"}
        name = names.get(what, "id")
        last: Any = -1 if what in ("files", "years") else ""
        while found := self.db.execute(
            f"select {name} from due_{what} where {name} > ? order by 1 limit 1", (last,)
        ).fetchone():
            (last,) = found
            yield last

    def due_pairs(self, what: str) -> Iterator[tuple[str, str]]:
        """The same of a kind with two: digests and since when, addresses or portals and nights."""
        columns = {
            "digests": "digest, since",
            "sightings": "url, night",
            "visits": "portal_id, night",
        }[what]
        last = ("", "")
        while rows := self.db.execute(
            f"select {columns} from due_{what} where ({columns}) > (?, ?) order by 1, 2 limit 500",
            last,
        ).fetchall():
            yield from rows
            last = rows[-1]

    def is_due(self) -> bool:
        """Whether anything is to be folded again."""
        return self.fact("touched") == "1" or any(
            self.db.execute(f"select 1 from due_{what} limit 1").fetchone() for what in DUE
        )

    def count_due(self, what: str) -> int:
        """How much of a kind is due."""
        return int(self.db.execute(f"select count(*) from due_{what}").fetchone()[0])

    def mark(self, what: str, items: Iterable[str]) -> None:
        """Let things of a kind be folded again."""
        self.db.executemany(
            f"insert or ignore into due_{what} values (?)", ((item,) for item in items)
        )

    def mark_failed(self) -> None:
        """Let what could not be read be tried again: a limit may have been met by chance. What
        has failed often is tried after 1, 2, 4 … builds, 32 at most."""
        with self.transaction():
            self.db.execute("update failures set again = again - 1")
            self.db.execute(
                "insert or ignore into due_pages select page from failures where again <= 0"
            )

    def keep_failure(self, page: str, has_failed: bool) -> None:
        """Note whether a page that was due could be read."""
        if not has_failed:
            self.db.execute("delete from failures where page = ?", (page,))
            return
        self.db.execute(
            "insert into failures values (?, 1, 1) on conflict (page) do update"
            " set times = times + 1, again = min(32, 1 << min(times, 5))",
            (page,),
        )

    def mark_all(self, pages: bool = True) -> None:
        """Let everything be folded again, `pages` included, or from what pages showed on."""
        with self.transaction():
            for what, found in (
                *((("pages", "select page from report_lines"),) if pages else ()),
                ("reports", "select report_id from page_nights where report_id is not null"),
                ("digests", "select digest, '' from captures"),
                ("years", "select year from reports"),
                ("visits", "select portal_id, night from visit_lines"),
                ("portals", "select id from portals"),
                ("issuers", "select issuer_id from reports"),
            ):
                self.db.execute(f"insert or replace into due_{what} {found}")
            self.db.execute(
                "insert or ignore into due_sightings select url, ? from report_lines",
                (ALL_NIGHTS,),
            )

    def done(self) -> None:
        """Nothing is due any more; to be called inside the transaction that notes the archive."""
        for what in DUE:
            self.db.execute(f"delete from due_{what}")
        self.note("touched", "0")

    # --- readings ---------------------------------------------------------------------------------

    def recall(self, table: str, key: str) -> bytes | None:
        """What was kept under a key in `readings`, `bodies` or `mentions`."""
        found = self.db.execute(f"select value from {table} where key = ?", (key,)).fetchone()
        return None if found is None else bytes(found[0])

    def keep(self, table: str, key: str, value: bytes) -> None:
        """Remember a value under a key of one of these tables."""
        self.db.execute(f"insert or replace into {table} values (?, ?)", (key, value))

    def sweep(self) -> None:
        """Forget readings nothing refers to, such as those of former readers."""
        for table, column in (("readings", "key"), ("bodies", "body")):
            self.db.execute(
                f"delete from {table} where key not in"
                f" (select {column} from page_nights where {column} is not null)"
            )


def groups(items: Iterable[str], size: int) -> Iterator[Iterator[str]]:
    """The items, so many at a time: what is committed together. Each is drawn when it is wanted,
    as taking one may make another due that comes next."""
    coming = iter(items)
    for first in coming:
        yield chain([first], islice(coming, size - 1))


def _shown(night: PageNight | None) -> tuple[str | None, str | None] | None:
    return (night.report_id, night.reason) if night else None


def _once(rows: Iterable[Sequence[Any]]) -> Iterator[Record]:
    last: tuple[str, str, str] | None = None
    for row in rows:
        record = Record(*row)
        place = (record.digest, record.url, record.fetched_at)
        if place != last:
            yield record
        last = place


def _page_night(row: Sequence[Any]) -> PageNight:
    values = list(row)
    values[7] = tuple((url, digest) for url, digest in json.loads(values[7]))
    values[14] = bool(values[14])
    return PageNight(*values)
