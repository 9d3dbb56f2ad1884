"""Which addresses do we know, which are due tonight, and what did they last say?

The crawl's memory: one SQLite table of addresses, each with the night it is due. An address is done
when its answer is captured and its links are recorded, in one transaction, so a crawl killed
anywhere goes on where it stood.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Self

from crawler import accounts, holdings, hosts, schedule
from crawler.accounts import Accounts
from crawler.address import NO_ROWS, Answer, Found, Row, key_of, path_of
from crawler.disk import is_full_or_failing
from crawler.holdings import Holdings
from crawler.hosts import Hosts
from crawler.links import STRONG
from crawler.outcome import WAYS, event_of, next_list, next_of
from crawler.schedule import Dates

__all__ = ["NO_ROWS", "Answer", "Found", "Frontier", "Row", "key_of", "path_of"]

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
# A quiet night asks for a twentieth of the first one: reports by turns, robots.txt, home and a
# probe besides, and as many lists as still fit, but so many at least.
QUIET = 20
BESIDES = 3
FEW_LISTS = 6
EVERY = 1_000_000_000
_VERSION = 4

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
create index if not exists urls_etag on urls (etag) where etag <> '';
create index if not exists urls_of_report on urls (report_url) where report_url is not null;
create table if not exists shown (
    root text not null, entry text not null, page text not null, primary key (root, entry)
) strict, without rowid;
create index if not exists shown_page on shown (page);
create index if not exists shown_entry on shown (entry);
create table if not exists portals (
    id text primary key, since text not null, searched text not null default '',
    stirred text not null default ''
) strict, without rowid;
"""


class Frontier(Hosts, Accounts, Holdings):
    """The memory in one database file, held by one process at a time."""

    def __init__(self, path: Path) -> None:
        """Open or create it. Raises RuntimeError when another crawl has it, or it is none, and
        OSError when its disk is full or failing."""
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
            # In KB: what is due of a portal lies scattered over the file.
            self._db.execute("pragma cache_size = -16000")
            _migrate(self._db)
            holdings.migrate(self._db)
            self._db.executescript(_SCHEMA + hosts.SCHEMA + accounts.SCHEMA + holdings.SCHEMA)
            self._db.execute(f"pragma user_version = {_VERSION}")
        except sqlite3.Error as error:
            os.close(self._lock)
            if is_full_or_failing(error):
                raise OSError(errno.EIO, str(error), str(path)) from error
            raise RuntimeError(
                f"{path} cannot be used ({error}); move it away and the next crawl starts anew"
            ) from error
        Hosts.__init__(self)
        Accounts.__init__(self)
        Holdings.__init__(self)
        self._since: dict[str, str] = {}
        self._turns: dict[tuple[str, str], int] = {}
        self._allowed: dict[tuple[str, str], int] = {}

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
        event = event_of(answer, kind)
        fresh = self._is_fresh(row, answer, night)
        turn = self._turn(row)
        interval, due, failures, nights_gone = next_of(
            answer, kind, event, night, fresh=fresh, turn=turn
        )
        if kind == "attachment" and due > schedule.tomorrow(night):
            due = self._due_of_page(row, night) or due
        keeps = answer.verdict not in ("ok", "moved")
        with self._transaction():
            self._flush()
            self.judge_host(answer)
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
            is_news = answer.print and row.print not in ("", answer.print)
            if kind == "list" and is_news and not keeps and not row.is_further:
                self._stir(row.portal_id, answer.night)
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
                self._keep_path(row.key, night, turn)
        return event

    def _turn(self, row: Row) -> int:
        """The number of an address among those of its kind that its portal has answered for."""
        of = row.portal_id, row.kind
        if of not in self._turns:
            self._turns[of] = self._db.execute(
                "select count(*) from urls where portal_id = ? and rank = ? and last_night <> ''",
                (row.portal_id, _RANK[row.kind]),
            ).fetchone()[0]
        if not row.last_night:
            self._turns[of] += 1
        return self._turns[of]

    def _due_of_page(self, row: Row, night: date) -> str | None:
        """The night on which a document's page is due: both are asked together."""
        page = self._db.execute(
            "select due from urls where key = ? and due > ? and due < ?",
            (key_of(row.report_url or ""), night.isoformat(), schedule.NEVER),
        ).fetchone()
        return page["due"] if page else None

    def _flush(self) -> None:
        """Write down what was captured and spent since the last answer."""
        self.write_holdings()
        self.write_spent()

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
        """Remember what a page of a list shows, and look after what it has dropped."""
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
        if before and arrivals:
            self._stir(row.portal_id, night)

    def _stir(self, portal_id: str, night: str) -> None:
        """A portal is being worked on: read all its lists tonight, and the reports of the latest
        year."""
        self._allowed[portal_id, night] = EVERY
        self._db.execute("update portals set stirred = ? where id = ?", (night, portal_id))
        self._db.execute(
            "update urls set due = ? where portal_id = ? and rank = ? and keep and last_night < ?"
            " and last_verdict in ('ok', 'not_modified')",
            (night, portal_id, _RANK["list"], night),
        )
        latest = int(night[:4]) - 1
        self._db.execute(
            "update urls set due = ? where key in (select key from urls where portal_id = ?"
            " and rank = ? and last_night < ? and due > ? and title like ?"
            " and last_verdict in ('ok', 'not_modified') order by last_night limit ?)",
            (night, portal_id, _RANK["report"], night, night, f"%{latest}%", STIRRED),
        )

    def _keep_path(self, key: str, night: date, turn: int) -> None:
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
                due = next_list(row, night, turn)
            elif row.kind == "discovery":
                due = schedule.monthly(turn + WAYS, night, first=True)
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
            found = self._due(portal_id, kind, night, least, exclude)
            if kind == "list" and found:
                # Lists that are left for another night keep none of the pages behind them waiting.
                found = self._of_tonight(portal_id, night, found, exclude) or self._due(
                    portal_id, kind, night, least, exclude, behind=True
                )
            if found:
                return found
            if kind == "report" and (found := self._spare(portal_id, night, exclude)):
                return found
        return []

    def _due(
        self,
        portal_id: str,
        kind: str,
        night: str,
        least: int,
        exclude: Collection[str],
        *,
        behind: bool = False,
    ) -> list[Row]:
        """What is due of a kind, in order; `behind`: pages of lists behind their first alone."""
        which = " and root not in ('', key)" if behind else ""
        rows = self._db.execute(
            "select * from urls where portal_id = ? and rank = ? and due <= ?"
            f" and (score >= ? or keep){which} order by root not in ('', key), due, score desc,"
            " depth, discovered_night, url limit ?",
            (portal_id, _RANK[kind], night, least, BATCH + len(exclude)),
        )
        return [_row(row) for row in rows if row["key"] not in exclude]

    def _of_tonight(
        self, portal_id: str, night: str, lists: list[Row], exclude: Collection[str]
    ) -> list[Row]:
        """The lists among those due that are read tonight.

        All, but for a portal of very many on a quiet night outside the season: then what fits into
        a twentieth of its first night, the longest unread first, and each within a week.
        """
        known = [row for row in lists if row.last_night and not row.is_further]
        first_pages = self._db.execute(
            "select key, last_night from urls where portal_id = ? and rank = ? and keep"
            " and root in ('', key)",
            (portal_id, _RANK["list"]),
        ).fetchall()
        asked = sum(row["last_night"] == night or row["key"] in exclude for row in first_pages)
        spare = self._lists_allowed(portal_id, night, len(first_pages)) - asked
        known.sort(key=lambda row: (row.last_night, -row.score))
        skipped = {row.key for row in known[max(spare, 0) :]}
        return [row for row in lists if row.key not in skipped]

    def _lists_allowed(self, portal_id: str, night: str, count: int) -> int:
        if (portal_id, night) not in self._allowed:
            row = self._db.execute(
                "select since, stirred, (select sum(requests) from spent where night = since and"
                " portal_id = id) as cost, (select count(*) from urls where portal_id = id and"
                " rank = ?) as reports from portals where id = ?",
                (_RANK["report"], portal_id),
            ).fetchone()
            self._allowed[portal_id, night] = EVERY
            is_busy = schedule.in_season(date.fromisoformat(night)) or night in (
                row["since"],
                row["stirred"],
            )
            if row["cost"] and not is_busy:
                share = row["cost"] // QUIET - -(-row["reports"] // schedule.LONGEST) - BESIDES
                week = -(-count // schedule.WEEK)
                self._allowed[portal_id, night] = max(FEW_LISTS, week, share)
        return self._allowed[portal_id, night]

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
                (schedule.weekly(date.fromisoformat(night)), portal_id, night),
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

    def left(self, portal_id: str, night: str) -> int:
        """How many addresses of a portal are due and not yet asked, pages in search left out."""
        count = self._db.execute(
            "select count(*) from urls where portal_id = ? and rank <= ? and due <= ?",
            (portal_id, _RANK["attachment"], night),
        ).fetchone()[0]
        return int(count)

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

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("begin immediate")

    def __exit__(self, kind: object, *rest: object) -> None:
        try:
            if kind is None:
                self._db.commit()
        finally:
            # A full disk may have rolled back already, and a commit that failed has not.
            self._db.rollback()


def _year_of(row: Row) -> int:
    return max((int(year) for year in re.findall(r"(?:19|20)\d{2}", row.title)), default=0)


def _row(row: sqlite3.Row) -> Row:
    values = {name: row[name] for name in _COLUMNS}
    values["headers"] = json.loads(row["headers"]) if row["headers"] != "{}" else {}
    for flag in ("carries", "above", "keep"):
        values[flag] = bool(row[flag])
    return Row(**values)


_COLUMNS = tuple(one.name for one in fields(Row))


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
        " searched text not null default '', stirred text not null default '')"
        " strict, without rowid"
    )
    db.execute(
        "insert into portals (id, since)"
        " select portal_id, min(discovered_night) from urls group by portal_id"
    )
