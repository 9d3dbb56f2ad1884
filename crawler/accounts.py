"""What did a night cost, and what did it bring? Counted by group and by portal."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import fields

from crawler.visits import Visit

SCHEMA = """
create table if not exists nights (
    night text primary key, started_at text not null, finished_at text
) strict;
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


class Accounts:
    """The part of the frontier that is about nights."""

    _db: sqlite3.Connection

    def __init__(self) -> None:
        self._night = ""
        self._spent: dict[tuple[str, str], tuple[int, int, float]] = {}

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

    def visit(self, portal_id: str, night: str, state: str) -> Visit:
        """What a night brought from a portal so far."""
        self.write_spent()
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
            " where page.portal_id = ? and page.kind = ?"
            " and page.last_verdict in ('ok', 'not_modified', 'moved')",
            (portal_id, "list"),
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
        """Note that a night is complete; on the disk, with all before it, when this returns."""
        self._db.execute("update nights set finished_at = ? where night = ?", (at, night))
        # Of one that fails while the database closes SQLite says nothing.
        self._db.execute("pragma wal_checkpoint(truncate)")

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

    def write_spent(self) -> None:
        """Write down what was spent since the last time."""
        self._db.executemany(
            "insert into spent values (?, ?, ?, ?, ?, ?)"
            " on conflict do update set requests = requests + excluded.requests,"
            " bytes = bytes + excluded.bytes, seconds = seconds + excluded.seconds",
            [(self._night, *key, *amounts) for key, amounts in self._spent.items()],
        )
        self._spent.clear()
