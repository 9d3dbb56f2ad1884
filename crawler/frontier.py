"""Which addresses do we know, which are due tonight, and what did they last say?

The crawl's memory: one SQLite table of addresses, each with the night it is due. An address is done
when its answer is captured and its links are recorded, in one transaction, so a crawl killed
anywhere goes on where it stood.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from crawler import schedule
from crawler.links import STRONG, SURE
from crawler.schedule import Dates
from crawler.visits import Visit

# What a night asks for first. `peek` is a row whose title does not tell: asked once, ever.
# `probe` is a random address of a host, that shows its page for what is not there.
# `noise` and `alias` are known and never asked.
ORDER = ("home", "list", "probe", "peek", "report", "attachment", "discovery", "noise", "alias")
_RANK = {kind: rank for rank, kind in enumerate(ORDER)}
_ASKED = ORDER[:-2]
# How many pages of a site may be read in search of its columns, and rows whose title tells nothing.
DISCOVERY_BUDGET = 60
PEEK_BUDGET = 200
# A small portal has so many reports looked at every night, due or not, the newest first.
SMALL = 100
FLOOR = 12
BATCH = 50
# Where a column is being worked on, so many reports of the latest year are looked at as well.
STIRRED = 60
# Unchanged validators over an unchanged body, before a host's 304 is believed; and how many of a
# hundred answers are asked for in full all the same.
PROOFS = 2
AUDITED_PERCENT = 5
FAILURES_OF_A_SEARCH = 3
# What a list says that shows no rows.
NO_ROWS = "-"

# What ASP.NET sends back and forth: it differs in every answer and tells no page from another.
_STATE = re.compile(
    r"(?:^|&)__(?:VIEWSTATE\w*|EVENTVALIDATION|PREVIOUSPAGE|LASTFOCUS)=[^&]*", re.IGNORECASE
)
_INDEX = re.compile(r"/index\.(?:s?html?|jsp|aspx?|php)$", re.IGNORECASE)
_VERSION = 2

_SCHEMA = """
create table if not exists urls (
    key text primary key, url text not null, portal_id text not null, kind text not null,
    rank integer not null, score integer not null default 0, depth integer not null default 0,
    title text not null default '', listed_on text not null default '', report_url text,
    method text not null default 'GET', body text not null default '',
    headers text not null default '{}', root text not null default '', parent text,
    keep integer not null default 0, carries integer not null default 0,
    above integer not null default 0, discovered_night text not null,
    last_night text not null default '', last_status integer,
    last_verdict text not null default '', last_digest text,
    dated text not null default '', place integer not null default 0,
    due text not null default '', interval real not null default 0,
    failures integer not null default 0, nights_gone integer not null default 0,
    event text not null default '', print text not null default '',
    etag text not null default '', modified text not null default ''
) strict;
create index if not exists urls_due_night on urls (portal_id, rank, due);
create index if not exists urls_parent on urls (parent);
create index if not exists urls_root on urls (root, place) where root <> '';
create index if not exists urls_of_report on urls (report_url) where report_url is not null;
create table if not exists shown (
    root text not null, entry text not null, page text not null, primary key (root, entry)
) strict, without rowid;
create index if not exists shown_page on shown (page);
create index if not exists shown_entry on shown (entry);
create table if not exists captured (
    url text primary key, digest text not null, fetched_at text not null
) strict, without rowid;
create table if not exists nights (
    night text primary key, started_at text not null, finished_at text
) strict;
create table if not exists portals (
    id text primary key, since text not null, searched text not null default ''
) strict, without rowid;
create table if not exists hosts (
    host text primary key, proofs integer not null default 0, lies integer not null default 0,
    not_found text not null default ''
) strict, without rowid;
create table if not exists robots (
    origin text primary key, body text not null, night text not null
) strict, without rowid;
create table if not exists spent (
    night text not null, portal_id text not null, grp text not null,
    requests integer not null, bytes integer not null, seconds real not null default 0,
    primary key (night, portal_id, grp)
) strict, without rowid;
create table if not exists visits (
    night text not null, portal_id text not null, said text not null,
    primary key (night, portal_id)
) strict, without rowid;
"""


@dataclass(frozen=True, slots=True)
class Found:
    """An address met on a page: what it is taken for, and where it stood.

    `root` is, for a further page of a list, the key of the list's first page; `dated` the date
    beside a row, as YYYY-MM-DD, or "".
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
    dated: str = ""

    @property
    def key(self) -> str:
        return key_of(self.url, self.body)


@dataclass(frozen=True, slots=True)
class Row(Found):
    """An address as the frontier has it."""

    portal_id: str = ""
    carries: bool = False
    above: bool = False
    keep: bool = False
    discovered_night: str = ""
    last_night: str = ""
    last_verdict: str = ""
    last_digest: str | None = None
    interval: float = 0.0
    failures: int = 0
    nights_gone: int = 0
    print: str = ""
    etag: str = ""
    modified: str = ""

    @property
    def is_further(self) -> bool:
        """Whether this is a page of a list behind its first."""
        return bool(self.root) and self.root != self.key


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address said tonight. `kind` replaces what it was taken for, where it is given.

    `print` is what must stay the same for the answer to count as unchanged; `etag` and `modified`
    are its validators; `not_found` is the sketch that a probe took of its host.
    """

    row: Row
    night: str
    verdict: str
    status: int | None = None
    digest: str | None = None
    kind: str | None = None
    title: str | None = None
    carries: bool = False
    leads: bool = False
    print: str = ""
    etag: str = ""
    modified: str = ""
    not_found: str | None = None


def key_of(url: str, body: str = "") -> str:
    """What tells addresses apart.

    http and https are one, and so are a folder and its index page: portals link both ways.
    """
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    path = _INDEX.sub("/", parts.path or "/")
    # Only the addresses of rendered pages have one; `/#/` is the page itself.
    route = f"#{parts.fragment}" if parts.fragment.strip("/!") else ""
    return f"{parts.netloc}{path}{query}{route}" + (f" {_STATE.sub('', body)}" if body else "")


def path_of(key: str) -> str:
    """A key without its host: what spreads addresses over nights, the same at every address."""
    return key.partition("/")[2]


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
            self._db = sqlite3.connect(path, isolation_level=None, cached_statements=256)
            self._db.row_factory = sqlite3.Row
            self._db.execute("pragma journal_mode = wal")
            # What a power cut takes from the journal is asked again: captures are synced before.
            self._db.execute("pragma synchronous = normal")
            _migrate(self._db)
            self._db.executescript(_SCHEMA)
            self._db.execute(f"pragma user_version = {_VERSION}")
        except sqlite3.Error as error:
            os.close(self._lock)
            raise RuntimeError(
                f"{path} cannot be used ({error}); move it away and the next crawl starts anew"
            ) from error
        self._night = ""
        self._captured: dict[str, tuple[str, str]] = {}
        self._spent: dict[tuple[str, str], tuple[int, int, float]] = {}
        self._hosts: dict[str, _Host] = {}
        self._since: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the memory back."""
        self._db.close()
        os.close(self._lock)

    # What is known.

    def add(self, portal_id: str, found: Sequence[Found], night: str) -> None:
        """Make addresses known without an answer: home pages and hinted columns."""
        with self._transaction():
            self._db.execute(
                "insert into portals (id, since) values (?, ?) on conflict do nothing",
                (portal_id, night),
            )
            for one in found:
                self._upsert(one, portal_id, night, parent=None)

    def record(
        self,
        answer: Answer,
        found: Sequence[Found] = (),
        shown: Sequence[Found] = (),
    ) -> str:
        """Mark an address done for its night and make known what it led to, all or nothing.

        `shown` are the entries of a list page: a row it does not have any more is free for a later
        page. Gives the event: new, edited, unchanged, gone, back, moved, blocked, failed, refused
        or "" for what is no report.
        """
        row, night = answer.row, date.fromisoformat(answer.night)
        kind = answer.kind or row.kind
        event = _event(answer, kind)
        fresh = self._is_fresh(row, answer, night)
        interval, due, failures, nights_gone = _next(answer, kind, event, night, fresh=fresh)
        keeps = answer.verdict not in ("ok", "moved")
        with self._transaction():
            self._flush()
            self._judge_host(answer)
            self._db.execute(
                "update urls set last_night = ?, last_status = ?, last_verdict = ?,"
                " last_digest = coalesce(?, last_digest), kind = ?, rank = ?,"
                " title = coalesce(?, title), carries = max(carries, ?), interval = ?, due = ?,"
                " failures = ?, nights_gone = ?, event = ?, print = ?, etag = ?, modified = ?"
                " where key = ?",
                (
                    answer.night,
                    answer.status,
                    answer.verdict,
                    answer.digest,
                    kind,
                    _RANK[kind],
                    answer.title,
                    answer.carries,
                    interval,
                    due,
                    failures,
                    nights_gone,
                    event,
                    row.print if keeps else answer.print,
                    row.etag if keeps else answer.etag,
                    row.modified if keeps else answer.modified,
                    row.key,
                ),
            )
            arrivals = self._arrivals(found)
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
                self._show(row, shown, answer.night, arrivals)
            if event == "edited":
                self._db.execute(
                    "update urls set due = ? where report_url = ? and last_night < ?",
                    (answer.night, row.url, answer.night),
                )
            if answer.carries:
                # Reports that are pages of their own: what leads to them is their list.
                self._db.execute(
                    "update urls set above = 1 where key = (select parent from urls where key = ?)",
                    (row.key,),
                )
            if answer.leads:
                self._keep_path(row.key, night)
        return event

    def _flush(self) -> None:
        """Write down what was captured and spent since the last answer."""
        self._db.executemany(
            "insert into captured values (?, ?, ?) on conflict (url) do update set"
            " digest = excluded.digest, fetched_at = excluded.fetched_at",
            [(url, digest, date) for url, (digest, date) in self._captured.items()],
        )
        self._captured.clear()
        self._db.executemany(
            "insert into spent values (?, ?, ?, ?, ?, ?)"
            " on conflict do update set requests = requests + excluded.requests,"
            " bytes = bytes + excluded.bytes, seconds = seconds + excluded.seconds",
            [(self._night, *key, *amounts) for key, amounts in self._spent.items()],
        )
        self._spent.clear()

    def _is_fresh(self, row: Row, answer: Answer, night: date) -> bool:
        about = Dates(
            listed=row.dated,
            discovered=row.discovered_night,
            portal_since=self._portal_since(row.portal_id),
            title=answer.title or row.title,
        )
        return schedule.is_fresh(about, night)

    def _portal_since(self, portal_id: str) -> str:
        if portal_id not in self._since:
            found = self._db.execute(
                "select since from portals where id = ?", (portal_id,)
            ).fetchone()
            self._since[portal_id] = found["since"] if found else ""
        return self._since[portal_id]

    def _arrivals(self, found: Sequence[Found]) -> int:
        """How many of a page's entries no page had before."""
        return sum(
            one.kind in ("report", "peek", "noise")
            and not self._db.execute("select 1 from urls where key = ?", (one.key,)).fetchone()
            for one in found
        )

    def _upsert(self, found: Found, portal_id: str, night: str, parent: str | None) -> None:
        known = self._db.execute(
            "select kind, last_night, parent, dated, title from urls where key = ?", (found.key,)
        ).fetchone()
        if known is None:
            self._db.execute(
                "insert into urls (key, url, portal_id, kind, rank, score, depth, title, listed_on,"
                " report_url, method, body, headers, root, parent, discovered_night, dated, place,"
                " due) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                " (select count(*) from urls where root = ? and root <> '') + ?, ?)",
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
                    found.dated,
                    found.root,
                    int(bool(found.root)),
                    schedule.NEVER if found.kind not in _ASKED else night,
                ),
            )
            return
        if known["kind"] == found.kind == "report":
            # The list says that something is new about it: another date, another title.
            renewed = found.dated and known["dated"] and found.dated != known["dated"]
            self._db.execute(
                "update urls set parent = coalesce(parent, ?),"
                " dated = coalesce(nullif(?, ''), dated),"
                " listed_on = iif(parent is null, ?, listed_on),"
                " due = iif(? and last_night < ?, ?, due) where key = ?",
                (parent, found.dated, found.listed_on, renewed, night, night, found.key),
            )
        if found.root and found.root != found.key:
            self._db.execute(
                "update urls set root = iif(root = '', ?, root), body = ?, headers = ?"
                " where key = ?",
                (
                    *(found.root, found.body),
                    *(json.dumps(dict(found.headers), ensure_ascii=False), found.key),
                ),
            )
        weaker = {"noise": 0, "discovery": 1, "peek": 2, "list": 3}
        old = weaker.get(known["kind"])
        new = weaker.get(found.kind, 4 if found.kind in ("report", "attachment") else -1)
        if old is not None and new > old and (old < 3 or not known["last_night"]):
            # Read as a listing it did not show what it shows as a column: it is asked again.
            self._db.execute(
                "update urls set kind = ?, rank = ?, score = ?, title = ?, listed_on = ?,"
                " report_url = ?, parent = ?, last_night = '', due = ? where key = ?",
                (
                    found.kind,
                    _RANK[found.kind],
                    found.score,
                    found.title,
                    found.listed_on,
                    found.report_url,
                    parent,
                    night,
                    found.key,
                ),
            )
        elif old == new and not known["last_night"]:
            self._db.execute(
                "update urls set score = max(score, ?) where key = ?", (found.score, found.key)
            )

    def _show(self, row: Row, shown: Sequence[Found], night: str, arrivals: int) -> None:
        """Remember what a page of a list shows, and look after what it has dropped.

        Where a list's first page has changed, the portal is being worked on: tonight its other
        lists are read, the pages of this one, and the reports of the latest year.
        """
        root = row.root or row.key
        before = {
            entry
            for (entry,) in self._db.execute("select entry from shown where page = ?", (row.key,))
        }
        entries = {one.key for one in shown}
        self._db.execute("delete from shown where page = ?", (row.key,))
        self._db.executemany(
            "insert into shown values (?, ?, ?) on conflict do update set page = excluded.page",
            [(root, entry, row.key) for entry in entries],
        )
        left = before - entries
        # A report that its list has dropped: is it gone? It may also stand on the list's next page.
        self._db.executemany(
            "update urls set due = ? where key = ? and kind = 'report' and last_night < ?",
            [(night, entry, night) for entry in left],
        )
        # One that it shows again: is it back?
        self._db.executemany(
            "update urls set due = ? where key = ? and kind = 'report' and last_night < ?"
            " and last_verdict in ('gone', 'soft_404')",
            [(night, entry, night) for entry in entries - before],
        )
        if before and (arrivals or (left and not row.is_further)):
            self._stir(row.portal_id, root, night)

    def _stir(self, portal_id: str, root: str, night: str) -> None:
        self._db.execute(
            "update urls set due = ? where portal_id = ? and rank = ? and keep and last_night < ?"
            " and last_verdict in ('ok', 'not_modified') and root in ('', key, ?)",
            (night, portal_id, _RANK["list"], night, root),
        )
        latest = int(night[:4]) - 1
        self._db.execute(
            "update urls set due = ? where key in (select key from urls where portal_id = ?"
            " and rank = ? and last_night < ? and due > ? and title like ?"
            " and last_verdict in ('ok', 'not_modified') order by last_night limit ?)",
            (night, portal_id, _RANK["report"], night, night, f"%{latest}%", STIRRED),
        )

    def _keep_path(self, key: str, night: date) -> None:
        """Remember the way to a list of reports: its lists are read again, and now and then the
        pages that lead to them."""
        rows = self._db.execute(
            "with recursive path (key) as (select ? union select urls.parent from urls, path"
            " where urls.key = path.key and urls.parent is not null)"
            " select * from urls where key in path and not keep",
            (key,),
        ).fetchall()
        for row in map(_row, rows):
            due = schedule.NEVER
            if row.kind == "list" and not row.is_further:
                due = _next_list(row, night)
            elif row.kind == "discovery":
                due = schedule.weekly(path_of(row.key), night, first=True)
            self._db.execute(
                "update urls set keep = 1, due = min(due, ?) where key = ?", (due, row.key)
            )

    # What is due.

    def due(self, portal_id: str, night: str, exclude: Collection[str] = ()) -> list[Row]:
        """What a portal is still to be asked tonight, the most useful first; at most BATCH rows
        and those excluded, of one kind.

        What did not fit into an earlier night comes first within its kind. A page read in search
        of a column is asked only once, unless it lies on the path to one; a row of unclear title
        once, ever.
        """
        for kind in _ASKED:
            if kind in ("discovery", "peek") and not self._may_search(portal_id, night, kind):
                continue
            least = STRONG if kind == "discovery" and self._has_column(portal_id) else 0
            rows = self._db.execute(
                "select * from urls where portal_id = ? and rank = ? and due <= ?"
                " and (score >= ? or keep) order by root not in ('', key), due, score desc, depth,"
                " discovered_night, url"
                " limit ?",
                (portal_id, _RANK[kind], night, least, BATCH + len(exclude)),
            )
            if found := [_row(row) for row in rows if row["key"] not in exclude]:
                return found
            if kind == "report" and (found := self._spare(portal_id, night, exclude)):
                return found
        return []

    def _spare(self, portal_id: str, night: str, exclude: Collection[str]) -> list[Row]:
        """Reports that are not due, up to the few that a small portal is asked for every night."""
        rows = self._db.execute(
            "select * from urls where portal_id = ? and rank = ? limit ?",
            (portal_id, _RANK["report"], SMALL + 1),
        ).fetchall()
        asked = sum(row["last_night"] == night or row["key"] in exclude for row in rows)
        if len(rows) > SMALL or asked >= FLOOR:
            return []
        spare = [
            _row(row)
            for row in rows
            if row["last_night"] < night
            and row["key"] not in exclude
            and row["last_verdict"] in ("ok", "not_modified")
        ]
        spare.sort(key=lambda row: (-_year_of(row), row.last_night, path_of(row.key)))
        return spare[: FLOOR - asked]

    def _may_search(self, portal_id: str, night: str, kind: str) -> bool:
        if kind == "peek":
            count, budget = "kind = 'peek' and last_night <> ''", PEEK_BUDGET
        else:
            count, budget = "kind = 'discovery' and last_night <> '' and not keep", DISCOVERY_BUDGET
        read = self._db.execute(
            f"select count(*) from urls where portal_id = ? and rank = ? and {count}",
            (portal_id, _RANK[kind]),
        ).fetchone()[0]
        return bool(read < budget)

    def _has_column(self, portal_id: str) -> bool:
        return bool(
            self._db.execute(
                "select 1 from urls where portal_id = ? and rank = ? and keep limit 1",
                (portal_id, _RANK["list"]),
            ).fetchone()
        )

    def search_again(self, portal_id: str, night: str) -> bool:
        """Look for a portal's columns anew, where each that led to reports has died; whether so.

        At most once a week: a site that is being rebuilt is not searched every night.
        """
        dead = "('gone', 'soft_404', 'home_redirect', 'refused')"
        known, alive = self._db.execute(
            f"select count(*), count(*) filter (where last_verdict not in {dead})"
            " from urls where portal_id = ? and rank = ? and keep and root in ('', key)",
            (portal_id, _RANK["list"]),
        ).fetchone()
        if not known or alive:
            return False
        with self._transaction():
            renewed = self._db.execute(
                "update portals set searched = ? where id = ? and searched <= ?",
                (schedule.weekly("", date.fromisoformat(night), first=False), portal_id, night),
            ).rowcount
            if renewed:
                self._db.execute(
                    "update urls set last_night = '', due = ?, keep = 0 where portal_id = ?"
                    " and rank = ? and last_night < ?",
                    (night, portal_id, _RANK["discovery"], night),
                )
                self._db.execute(
                    f"update urls set keep = 0 where portal_id = ? and rank = ?"
                    f" and last_verdict in {dead}",
                    (portal_id, _RANK["list"]),
                )
        return bool(renewed)

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

    # What answers were.

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

    def conditions(self, row: Row, night: str) -> dict[str, str]:
        """The headers that ask for an address only if it has changed; none for a host that has
        not proven honest, and for the few answers that audit it."""
        if row.method != "GET" or row.last_verdict not in ("ok", "not_modified") or not row.print:
            return {}
        host = self._host(urlsplit(row.url).netloc)
        audited = schedule.spread(f"{path_of(row.key)} {night}", 100) < AUDITED_PERCENT
        if host.lies or host.proofs < PROOFS or audited:
            return {}
        given = {"If-None-Match": row.etag, "If-Modified-Since": row.modified}
        return {name: value for name, value in given.items() if value}

    def _judge_host(self, answer: Answer) -> None:
        """Believe a host a little more, or never again: does its validator tell what changed?"""
        row, host = answer.row, urlsplit(answer.row.url).netloc
        if answer.not_found is not None:
            self._db.execute(
                "insert into hosts (host, not_found) values (?, ?) on conflict do update set"
                " not_found = excluded.not_found",
                (host, answer.not_found),
            )
            self._hosts.pop(host, None)
        was, now = (row.etag, row.modified), (answer.etag, answer.modified)
        if answer.verdict != "ok" or not any(now) or was != now or not row.print:
            return
        proof, lie = answer.digest == row.last_digest, answer.print != row.print
        if proof or lie:
            self._db.execute(
                "insert into hosts (host, proofs, lies) values (?, ?, ?) on conflict do update set"
                " proofs = proofs + excluded.proofs, lies = lies + excluded.lies",
                (host, int(proof), int(lie and not proof)),
            )
            self._hosts.pop(host, None)

    def not_found(self, host: str) -> str | None:
        """The sketch of a host's page for what is not there; None where it was never asked."""
        return self._host(host).not_found

    def _host(self, host: str) -> _Host:
        if host not in self._hosts:
            row = self._db.execute(
                "select proofs, lies, not_found from hosts where host = ?", (host,)
            ).fetchone()
            self._hosts[host] = _Host(*row) if row else _Host(0, 0, None)
        return self._hosts[host]

    def robots_copy(self, origin: str) -> tuple[str, str] | None:
        """The last good robots.txt of an origin, and the night it was read."""
        row = self._db.execute(
            "select body, night from robots where origin = ?", (origin,)
        ).fetchone()
        return (row["body"], row["night"]) if row else None

    def keep_robots(self, origin: str, text: str, night: str) -> None:
        """Keep a good robots.txt."""
        self._db.execute(
            "insert into robots values (?, ?, ?) on conflict do update set body = excluded.body,"
            " night = excluded.night",
            (origin, text, night),
        )

    # What a night cost, and brought.

    def spend(self, portal_id: str, group: str, size: int, seconds: float = 0.0) -> None:
        """Count a request and the bytes of its answer; kept with the next one recorded."""
        requests, sizes, spent = self._spent.get((portal_id, group), (0, 0, 0.0))
        self._spent[portal_id, group] = requests + 1, sizes + size, spent + seconds

    def spent(self, group: str, night: str) -> tuple[int, int]:
        """Requests and bytes that a politeness group was asked for in a night."""
        row = self._db.execute(
            "select coalesce(sum(requests), 0), coalesce(sum(bytes), 0) from spent"
            " where night = ? and grp = ?",
            (night, group),
        ).fetchone()
        more = [amounts for (_, of), amounts in self._spent.items() if of == group]
        return row[0] + sum(one[0] for one in more), row[1] + sum(one[1] for one in more)

    def left(self, portal_id: str, night: str) -> int:
        """How many addresses of a portal are due and not yet asked, pages in search left out."""
        count = self._db.execute(
            "select count(*) from urls where portal_id = ? and rank <= ? and due <= ?",
            (portal_id, _RANK["attachment"], night),
        ).fetchone()[0]
        return int(count)

    def visit(self, portal_id: str, night: str, state: str) -> Visit:
        """What a night brought from a portal so far."""
        with self._transaction():
            self._flush()
        answered = "last_verdict in ('ok', 'not_modified', 'moved')"
        events = ("new", "edited", "unchanged", "moved", "gone", "back")
        counts = self._db.execute(
            f"select count(*) filter (where kind = 'list' and {answered}) as lists,"
            f" count(*) filter (where (kind = 'report' or carries) and {answered}) as reports,"
            f" count(*) filter (where kind = 'attachment' and {answered}) as attachments, "
            + "".join(
                f"count(*) filter (where event = '{event}' and kind <> 'attachment') as {event}, "
                for event in events
            )
            + "count(*) filter (where last_verdict = 'challenge') as blocked,"
            " count(*) filter (where last_verdict in ('error', 'truncated', 'too_large', 'shell'))"
            " as failed, count(*) filter (where last_verdict = 'refused') as refused"
            " from urls where portal_id = ? and last_night = ?",
            (portal_id, night),
        ).fetchone()
        saved = self._db.execute(
            "select count(*) from urls where portal_id = ? and last_night <> '' and last_night < ?"
            " and due > ? and (kind in ('list', 'report', 'attachment') or carries)",
            (portal_id, night, night),
        ).fetchone()[0]
        listed = self._db.execute(
            "select count(distinct entry) from urls as page join shown on shown.page = page.key"
            " join urls as report on report.key = entry and report.kind = 'report'"
            " where page.portal_id = ? and page.rank = ?"
            " and page.last_verdict in ('ok', 'not_modified', 'moved')",
            (portal_id, _RANK["list"]),
        ).fetchone()[0]
        requests, size, seconds = self._db.execute(
            "select coalesce(sum(requests), 0), coalesce(sum(bytes), 0), coalesce(sum(seconds), 0)"
            " from spent where night = ? and portal_id = ?",
            (night, portal_id),
        ).fetchone()
        visit = Visit(
            portal_id=portal_id,
            night=night,
            state=state,
            requests=requests,
            bytes=size,
            seconds=round(seconds, 1),
            saved=saved,
            listed=listed,
            **dict(counts),
        )
        said = {one.name: getattr(visit, one.name) for one in fields(Visit)}
        self._db.execute(
            "insert into visits values (?, ?, ?) on conflict do update set said = excluded.said",
            (night, portal_id, json.dumps(said)),
        )
        return visit

    def visits(self, night: str) -> list[Visit]:
        """What a night brought, portal by portal."""
        rows = self._db.execute(
            "select said from visits where night = ? order by portal_id", (night,)
        )
        return [Visit(**json.loads(row["said"])) for row in rows]

    def nights_of(self, portal_id: str, last: int) -> list[Visit]:
        """The last visits to a portal, the newest first."""
        rows = self._db.execute(
            "select said from visits where portal_id = ? order by night desc limit ?",
            (portal_id, last),
        )
        return [Visit(**json.loads(row["said"])) for row in rows]

    def begin_night(self, night: str, at: str) -> None:
        """Note that a night has begun; a second start of it changes nothing."""
        self._night = night
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


@dataclass(frozen=True, slots=True)
class _Host:
    proofs: int
    lies: int
    not_found: str | None


class _Transaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("begin immediate")

    def __exit__(self, kind: object, *rest: object) -> None:
        self._db.execute("commit" if kind is None else "rollback")


def _event(answer: Answer, kind: str) -> str:
    """What an answer is news of, in the life of a report; "" for what is none or tells nothing."""
    row = answer.row
    if not (kind in ("report", "attachment") or answer.carries or row.carries):
        return ""
    match answer.verdict:
        case "gone" | "soft_404":
            return "gone" if row.print else ""
        case "moved":
            return "moved" if row.last_verdict != "moved" else "unchanged"
        case "ok" | "not_modified" if row.nights_gone >= schedule.NIGHTS_OF_A_REMOVAL:
            return "back"
        case "not_modified":
            return "unchanged"
        case "ok" if not row.print:
            return "new"
        case "ok":
            return "unchanged" if answer.print == row.print else "edited"
    return ""


def _next(
    answer: Answer, kind: str, event: str, night: date, *, fresh: bool
) -> tuple[float, str, int, int]:
    """Interval, night it is due, failures in a row and nights gone, after an answer."""
    row = answer.row
    answered = answer.verdict in ("ok", "not_modified", "moved")
    is_gone = answer.verdict in ("gone", "soft_404")
    failures = 0 if answered or is_gone else row.failures + 1
    # Only an answer tells: a night of failures is neither gone nor back.
    nights_gone = row.nights_gone + 1 if is_gone else 0 if answered else row.nights_gone
    if kind in ("report", "attachment"):
        # A document is asked on the night of its page.
        key = key_of(row.report_url) if row.report_url else row.key
        if is_gone:
            # What never was there is no removal: the address of a report that may yet come.
            nights = nights_gone if row.print or fresh else schedule.NIGHTS_OF_A_REMOVAL
            return row.interval, schedule.after_gone(nights, night), 0, nights_gone
        if failures:
            return row.interval, schedule.after_failure(failures, night), failures, nights_gone
        if not row.interval:
            interval, due = schedule.first_due(path_of(key), night, fresh=fresh)
        else:
            changed = event in ("edited", "back")
            interval, due = schedule.next_due(row.interval, night, changed=changed, fresh=fresh)
        return interval, due, 0, nights_gone
    return 0.0, _next_listing(answer, kind, failures, nights_gone, night), failures, nights_gone


def _next_listing(answer: Answer, kind: str, failures: int, nights_gone: int, night: date) -> str:
    row = answer.row
    match kind:
        case "home":
            return schedule.tomorrow(night)
        case "probe":
            return schedule.weekly(path_of(row.key), night, first=False)
        case "list" if row.is_further and answer.verdict not in ("ok", "not_modified"):
            return schedule.after_gone(schedule.NIGHTS_OF_A_REMOVAL, night)
        case "list" if row.is_further:
            return schedule.monthly(path_of(row.key), night, first=not row.last_night)
        case "list" if failures or nights_gone:
            return schedule.after_failure(max(failures, nights_gone), night)
        case "list" if answer.leads or row.keep or schedule.in_season(night):
            return _next_list(replace(row, print=answer.print or row.print), night)
        case "list" if row.score >= SURE:
            return schedule.weekly(path_of(row.key), night, first=not row.last_night)
        case "discovery" if row.keep:
            return schedule.weekly(path_of(row.key), night, first=not row.last_night)
        case "peek" | "discovery" if 0 < failures < FAILURES_OF_A_SEARCH:
            return schedule.after_failure(failures, night)
    return schedule.NEVER


def _next_list(row: Row, night: date) -> str:
    """When the first page of a list of reports is due again."""
    if schedule.is_closed(row.title, urlsplit(row.url).path, night):
        return schedule.monthly(path_of(row.key), night, first=not row.last_night)
    if row.print == NO_ROWS and not schedule.in_season(night) and not row.above:
        # A frame around its lists, which are asked themselves.
        return schedule.weekly(path_of(row.key), night, first=not row.last_night)
    return schedule.tomorrow(night)


def _year_of(row: Row) -> int:
    return max((int(year) for year in re.findall(r"(?:19|20)\d{2}", row.title)), default=0)


def _row(row: sqlite3.Row) -> Row:
    values = {one.name: row[one.name] for one in fields(Row)}
    return Row(
        **{
            **values,
            "headers": json.loads(row["headers"]),
            "carries": bool(row["carries"]),
            "above": bool(row["above"]),
            "keep": bool(row["keep"]),
        }
    )


def _migrate(db: sqlite3.Connection) -> None:
    """Bring an older crawl's memory up to date: all it knows is due, and nothing is forgotten."""
    columns = {row["name"] for row in db.execute("select name from pragma_table_info('urls')")}
    if not columns or "due" in columns:
        return
    for column in (
        *("dated text not null default ''", "place integer not null default 0"),
        *("due text not null default ''", "interval real not null default 0"),
        *("failures integer not null default 0", "nights_gone integer not null default 0"),
        *("event text not null default ''", "print text not null default ''"),
        *("etag text not null default ''", "modified text not null default ''"),
        "above integer not null default 0",
    ):
        db.execute(f"alter table urls add column {column}")
    ranks = " ".join(f"when '{kind}' then {rank}" for kind, rank in _RANK.items())
    db.execute(f"update urls set rank = case kind {ranks} end")
    db.execute(
        "update urls set due = ? where kind in ('noise', 'alias') or last_night <> '' and"
        " (kind = 'peek' or kind = 'discovery' and not keep)",
        (schedule.NEVER,),
    )
    db.execute(
        "create table portals (id text primary key, since text not null,"
        " searched text not null default '') strict, without rowid"
    )
    db.execute(
        "insert into portals (id, since)"
        " select portal_id, min(discovered_night) from urls group by portal_id"
    )
