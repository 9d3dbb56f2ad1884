"""Where does the fold keep what it knows? One SQLite file, written in transactions."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


class Tables:
    """The tables of the memory, and single facts: one SQLite file, one process at a time."""

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

    def fact(self, name: str) -> str | None:
        """A remembered fact, such as which archive was last put in place."""
        found = self.db.execute("select value from facts where name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def note(self, name: str, value: str) -> None:
        """Remember a fact."""
        self.db.execute("insert or replace into facts values (?, ?)", (name, value))
