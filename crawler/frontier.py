"""Which addresses do we know, which are due tonight, and what did they last say?

The crawl's memory: one SQLite table of addresses, each with the night it was last done. An address
is done when its answer is captured and its links are recorded, in one transaction, so a crawl
killed anywhere goes on where it stood.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from crawler.links import STRONG, SURE

# What a night asks for first. `peek` is a row whose title does not tell: asked once, ever.
# `noise` and `alias` are known and never asked.
ORDER = ("home", "list", "peek", "report", "attachment", "discovery", "noise", "alias")
_RANK = {kind: rank for rank, kind in enumerate(ORDER)}
# How many pages of a site may be read in search of its columns, and rows whose title tells nothing.
DISCOVERY_BUDGET = 60
PEEK_BUDGET = 200

_INDEX = re.compile(r"/index\.(?:s?html?|jsp|aspx?|php)$", re.IGNORECASE)

_SCHEMA = """
create table if not exists urls (
    key text primary key, url text not null, portal_id text not null, kind text not null,
    rank integer not null, score integer not null default 0, depth integer not null default 0,
    title text not null default '', listed_on text not null default '', report_url text,
    method text not null default 'GET', body text not null default '',
    headers text not null default '{}', root text not null default '', parent text,
    keep integer not null default 0, carries integer not null default 0,
    discovered_night text not null,
    last_night text not null default '', last_status integer,
    last_verdict text not null default '', last_digest text
) strict;
create index if not exists urls_due on urls (portal_id, rank, score desc, last_night);
create table if not exists shown (
    root text not null, entry text not null, page text not null, primary key (root, entry)
) strict, without rowid;
create index if not exists shown_page on shown (page);
create table if not exists captured (
    url text primary key, digest text not null, fetched_at text not null
) strict, without rowid;
create table if not exists nights (
    night text primary key, started_at text not null, finished_at text
) strict;
"""


@dataclass(frozen=True, slots=True)
class Found:
    """An address met on a page: what it is taken for, and where it stood.

    `root` is, for a further page of a list, the key of the list's first page.
    """

    url: str
    kind: str
    title: str = ""
    listed_on: str = ""
    score: int = 0
    depth: int = 0
    report_url: str | None = None
    method: str = "GET"
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    root: str = ""

    @property
    def key(self) -> str:
        return key_of(self.url, self.body)


@dataclass(frozen=True, slots=True)
class Row(Found):
    """An address as the frontier has it."""

    portal_id: str = ""
    carries: bool = False
    last_night: str = ""
    last_verdict: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address said tonight. `kind` replaces what it was taken for, where it is given."""

    row: Row
    night: str
    verdict: str
    status: int | None = None
    digest: str | None = None
    kind: str | None = None
    title: str | None = None
    carries: bool = False
    leads: bool = False


def key_of(url: str, body: str = "") -> str:
    """What tells addresses apart.

    http and https are one, and so are a folder and its index page: portals link both ways.
    """
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    path = _INDEX.sub("/", parts.path or "/")
    return f"{parts.netloc}{path}{query}" + (f" {body}" if body else "")


class Frontier:
    """The memory in one database file, held by one process at a time."""

    def __init__(self, path: Path) -> None:
        """Open or create it. Raises RuntimeError when another crawl has it, or it is none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise RuntimeError(
                f"another crawl is writing to {path.parent}; wait for it, or choose another folder "
                "with -s DATA=DIR"
            ) from None
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            os.close(self._lock)
            raise RuntimeError(
                f"{path} cannot be used ({error}); move it away and the next crawl starts anew"
            ) from error
        self._captured: dict[str, tuple[str, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the memory back."""
        self._db.close()
        os.close(self._lock)

    def add(self, portal_id: str, found: Sequence[Found], night: str) -> None:
        """Make addresses known without an answer: home pages and hinted columns."""
        with self._transaction():
            for one in found:
                self._upsert(one, portal_id, night, parent=None)

    def record(
        self, answer: Answer, found: Sequence[Found] = (), shown: Sequence[Found] = ()
    ) -> None:
        """Mark an address done for its night and make known what it led to, all or nothing.

        `shown` are the entries of a list page: a row it no longer has is free for a later page.
        """
        row = answer.row
        with self._transaction():
            self._db.executemany(
                "insert into captured values (?, ?, ?) on conflict (url) do update set"
                " digest = excluded.digest, fetched_at = excluded.fetched_at",
                [(url, digest, date) for url, (digest, date) in self._captured.items()],
            )
            kind = answer.kind or row.kind
            self._db.execute(
                "update urls set last_night = ?, last_status = ?, last_verdict = ?,"
                " last_digest = ?, kind = ?, rank = ?, title = coalesce(?, title),"
                " carries = max(carries, ?) where key = ?",
                (
                    answer.night,
                    answer.status,
                    answer.verdict,
                    answer.digest,
                    kind,
                    _RANK[kind],
                    answer.title,
                    answer.carries,
                    row.key,
                ),
            )
            for one in found:
                self._upsert(one, row.portal_id, answer.night, parent=row.key)
            if found:
                # A list grows at its head and pushes rows to its later pages, which adopt them.
                keys = [one.key for one in found]
                self._db.execute(
                    "update urls set parent = null where parent = ? and kind = 'report' and"
                    f" key not in ({', '.join('?' * len(keys))})",
                    (row.key, *keys),
                )
            if shown:
                self._db.execute("delete from shown where page = ?", (row.key,))
                self._db.executemany(
                    "insert or ignore into shown values (?, ?, ?)",
                    [(row.root or row.key, entry.key, row.key) for entry in shown],
                )
            if answer.leads:
                self._keep_path(row.key)
        self._captured.clear()

    def _upsert(self, found: Found, portal_id: str, night: str, parent: str | None) -> None:
        known = self._db.execute(
            "select kind, last_night, parent from urls where key = ?", (found.key,)
        ).fetchone()
        if known is None:
            self._db.execute(
                "insert into urls (key, url, portal_id, kind, rank, score, depth, title, listed_on,"
                " report_url, method, body, headers, root, parent, discovered_night)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    found.key,
                    found.url,
                    portal_id,
                    found.kind,
                    _RANK[found.kind],
                    found.score,
                    found.depth,
                    found.title,
                    found.listed_on,
                    found.report_url,
                    found.method,
                    found.body,
                    json.dumps(dict(found.headers), ensure_ascii=False),
                    found.root,
                    parent,
                    night,
                ),
            )
            return
        if known["kind"] == found.kind == "report" and known["parent"] is None:
            self._db.execute(
                "update urls set parent = ?, listed_on = ? where key = ?",
                (parent, found.listed_on, found.key),
            )
        if found.root and found.root != found.key:
            self._db.execute(
                "update urls set root = ? where key = ? and root = ''", (found.root, found.key)
            )
        weaker = {"noise": 0, "discovery": 1, "peek": 2, "list": 3}
        old = weaker.get(known["kind"])
        new = weaker.get(found.kind, 4 if found.kind in ("report", "attachment") else -1)
        if old is not None and new > old and (old < 3 or not known["last_night"]):
            # Read as a listing it did not show what it shows as a column: it is asked again.
            self._db.execute(
                "update urls set kind = ?, rank = ?, score = ?, title = ?, listed_on = ?,"
                " report_url = ?, parent = ?, last_night = '' where key = ?",
                (
                    found.kind,
                    _RANK[found.kind],
                    found.score,
                    found.title,
                    found.listed_on,
                    found.report_url,
                    parent,
                    found.key,
                ),
            )
        elif old == new and not known["last_night"]:
            self._db.execute(
                "update urls set score = max(score, ?) where key = ?", (found.score, found.key)
            )

    def _keep_path(self, key: str) -> None:
        self._db.execute(
            "with recursive path (key) as (select ? union select urls.parent from urls, path"
            " where urls.key = path.key and urls.parent is not null)"
            " update urls set keep = 1 where key in path",
            (key,),
        )

    def due(self, portal_id: str, night: str, exclude: Collection[str] = ()) -> Iterator[Row]:
        """What a portal is still to be asked tonight, the most useful first.

        Home, columns, lists, reports and attachments every night; a page read in search of a
        column only once, unless it lies on the path to one; a row of unclear title once, ever.
        """
        counts = self._db.execute(
            "select"
            " count(*) filter (where kind = 'discovery' and last_night <> '' and not keep) as read,"
            " count(*) filter (where kind = 'peek' and last_night <> '') as peeked,"
            " count(*) filter (where kind = 'list' and keep) as columns"
            " from urls where portal_id = ? and rank in (1, 2, 5)",
            (portal_id,),
        ).fetchone()
        rows = self._db.execute(
            "select * from urls where portal_id = :portal and last_night < :night and ("
            " kind in ('home', 'report', 'attachment')"
            " or (kind = 'list' and (keep or last_night = '' or score >= :sure"
            "     and last_verdict not in ('gone', 'soft_404', 'home_redirect')))"
            " or (kind = 'peek' and last_night = '' and :peeks)"
            " or (kind = 'discovery' and keep)"
            " or (kind = 'discovery' and last_night = '' and :budget and score >= :least))"
            " order by rank, score desc, depth, discovered_night, url",
            {
                "portal": portal_id,
                "night": night,
                "peeks": counts["peeked"] < PEEK_BUDGET,
                "budget": counts["read"] < DISCOVERY_BUDGET,
                "sure": SURE,
                "least": STRONG if counts["columns"] else 0,
            },
        )
        for row in rows:
            if row["key"] not in exclude:
                yield _row(row)

    def known(self, url: str, body: str = "") -> Row | None:
        """The row of an address, if it is known."""
        row = self._db.execute("select * from urls where key = ?", (key_of(url, body),)).fetchone()
        return _row(row) if row else None

    def adds_entries(self, page: Row, entries: Sequence[Found]) -> bool:
        """Whether a list page shows an entry that no other page of its list does.

        Past the end many servers repeat a page, so this ends the paging and not a status. What
        other lists show is nothing to it: departments' reports stand in several.
        """
        root = page.root or page.key
        return any(
            self._db.execute(
                "select 1 from shown where root = ? and entry = ? and page <> ?",
                (root, entry.key, page.key),
            ).fetchone()
            is None
            for entry in entries
        )

    def captured(self, url: str, digest: str, fetched_at: str) -> None:
        """Remember the last capture of an address; kept with the next answer that is recorded."""
        self._captured[url] = digest, fetched_at

    def last_capture(self, url: str) -> tuple[str, str] | None:
        """Digest and WARC-Date of the last capture of an address."""
        if url in self._captured:
            return self._captured[url]
        row = self._db.execute(
            "select digest, fetched_at from captured where url = ?", (url,)
        ).fetchone()
        return (row["digest"], row["fetched_at"]) if row else None

    def begin_night(self, night: str, at: str) -> None:
        """Note that a night has begun; a second start of it changes nothing."""
        self._db.execute(
            "insert into nights (night, started_at) values (?, ?) on conflict do nothing",
            (night, at),
        )

    def end_night(self, night: str, at: str) -> None:
        """Note that a night is complete."""
        self._db.execute("update nights set finished_at = ? where night = ?", (at, night))

    def nights(self) -> list[str]:
        """The nights that were begun, as YYYY-MM-DD, in order."""
        rows = self._db.execute("select night from nights order by night")
        return [row["night"] for row in rows]

    def is_finished(self, night: str) -> bool:
        """Whether a night was crawled to its end."""
        row = self._db.execute(
            "select finished_at is not null as done from nights where night = ?", (night,)
        ).fetchone()
        return bool(row and row["done"])

    def counts(self, night: str) -> dict[str, int]:
        """How many addresses of each kind were done in a night."""
        rows = self._db.execute(
            "select kind, count(*) as done from urls where last_night = ? group by kind", (night,)
        )
        return {row["kind"]: row["done"] for row in rows}

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("begin immediate")

    def __exit__(self, kind: object, *rest: object) -> None:
        self._db.execute("commit" if kind is None else "rollback")


def _row(row: sqlite3.Row) -> Row:
    values = {one.name: row[one.name] for one in fields(Row)}
    return Row(**{**values, "headers": json.loads(row["headers"]), "carries": bool(row["carries"])})
