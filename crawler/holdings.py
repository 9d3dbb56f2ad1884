"""Which record holds the bytes of an answer, and which segments are still to be settled?

Rows are written after the record they name is on the disk, with the next answer that is recorded. A
segment is unsettled from before its first record until its rows are written: after a crash it is
read again, so that no row is missing and none names a record that damage took.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Below it a revisit and its row here cost about what the bytes do: a response with a body of 1 KB
# is 200 bytes larger than its revisit.
WORTH_SHARING = 1_024
# About 250 bytes each; the oldest are forgotten, and their bytes stored once more when they return.
MOST_PAYLOADS = 1_000_000

SCHEMA = """
create table if not exists captured (
    url text primary key, digest text not null, encoding text not null, held_url text not null,
    held_at text not null, record_id text not null, warc_file text not null
) strict, without rowid;
create table if not exists payloads (
    id integer primary key, digest blob not null, encoding text not null, url text not null,
    fetched_at text not null, record_id text not null, warc_file text not null,
    unique (digest, encoding)
) strict;
create table if not exists unsettled (warc_file text primary key) strict, without rowid;
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """The record that holds a payload: `digest` is its SHA-256 in hex, `encoding` the
    Content-Encoding it came with, without which it cannot be read."""

    digest: str
    encoding: str
    url: str
    fetched_at: str
    record_id: str
    warc_file: str


class Holdings:
    """The part of the frontier that is about captures."""

    _db: sqlite3.Connection

    def __init__(self) -> None:
        self._captured: dict[str, Holder] = {}
        self._payloads: dict[tuple[str, str], Holder] = {}

    def captured(self, address: str, holder: Holder, *, shared: bool) -> None:
        """Remember what holds the bytes an address gave last; kept with the next answer recorded.

        `shared` says that other addresses may refer to them as well.
        """
        self._captured[address] = holder
        if shared:
            self._payloads[holder.digest, holder.encoding] = holder

    def holders(self, address: str, digest: str, encoding: str | None = None) -> Iterator[Holder]:
        """Records that hold a payload: the one an address gave last, then any known.

        Without an encoding that of the holder is as good as any.
        """
        held = self.last_holder(address)
        if held and held.digest == digest and encoding in (None, held.encoding):
            yield held
        for (known, of), shared in self._payloads.items():
            if known == digest and encoding in (None, of):
                yield shared
        for row in self._db.execute(
            "select encoding, url, fetched_at, record_id, warc_file from payloads"
            " where digest = ? and (? is null or encoding = ?)",
            (bytes.fromhex(digest), encoding, encoding),
        ).fetchall():
            yield Holder(digest, *row)

    def last_holder(self, address: str) -> Holder | None:
        """What holds the bytes that an address gave last."""
        if address in self._captured:
            return self._captured[address]
        row = self._db.execute(
            "select digest, encoding, held_url, held_at, record_id, warc_file from captured"
            " where url = ?",
            (address,),
        ).fetchone()
        return Holder(*row) if row else None

    def write_holdings(self) -> None:
        """Write down what was captured since the last time."""
        self._db.executemany(
            "insert or replace into captured values (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(address, held.digest, held.encoding, held.url),
                    *(held.fetched_at, held.record_id, held.warc_file),
                )
                for address, held in self._captured.items()
            ],
        )
        self._share(self._payloads.values())
        self._captured.clear()
        self._payloads.clear()

    def _share(self, holders: Iterable[Holder]) -> None:
        self._db.executemany(
            "insert or replace into payloads (digest, encoding, url, fetched_at, record_id,"
            " warc_file) values (?, ?, ?, ?, ?, ?)",
            [
                (
                    *(bytes.fromhex(held.digest), held.encoding, held.url),
                    *(held.fetched_at, held.record_id, held.warc_file),
                )
                for held in holders
            ],
        )
        self._db.execute(
            "delete from payloads where id <= (select max(id) from payloads) - ?", (MOST_PAYLOADS,)
        )

    def segment_opened(self, warc_file: str) -> None:
        """Note that a segment is about to be written; on the disk before its first record is."""
        self._db.execute("pragma synchronous = full")
        self._db.execute("insert or ignore into unsettled values (?)", (warc_file,))
        self._db.execute("pragma synchronous = normal")

    def segment_closed(self, warc_file: str) -> None:
        """Write down what was captured, and that a segment is complete."""
        with self._db:
            self._db.execute("begin immediate")
            self.write_holdings()
            self._db.execute("delete from unsettled where warc_file = ?", (warc_file,))

    def unsettled(self) -> list[str]:
        """The segments that were being written when a crawl ended without closing them."""
        return [name for (name,) in self._db.execute("select warc_file from unsettled order by 1")]

    def settle(self, warc_file: str, held: Iterable[tuple[Holder, bool]], *, closed: bool) -> int:
        """Make the rows of a segment those of the records it holds, each with whether it is shared.

        What an address gave that is held nowhere any more is asked again, in full: gives how many
        addresses that are. A segment that is not `closed` yet is to be settled again.
        """
        with self._db:
            self._db.execute("begin immediate")
            self._db.execute("create temp table sound (record_id text primary key) strict")
            for holder, shared in held:
                self._db.execute("insert or ignore into sound values (?)", (holder.record_id,))
                if shared and not any(self.holders("", holder.digest, holder.encoding)):
                    self._share([holder])
            of_it = "warc_file = ? and record_id not in (select record_id from sound)"
            self._db.execute(f"delete from payloads where {of_it}", (warc_file,))
            lost = self._db.execute(
                f"delete from captured where {of_it} returning digest", (warc_file,)
            ).fetchall()
            again = 0
            for (digest,) in set(map(tuple, lost)):
                if not any(self.holders("", digest)):
                    again += self._db.execute(
                        "update urls set last_digest = null, etag = '', modified = '', due = ''"
                        " where last_digest = ?",
                        (digest,),
                    ).rowcount
            self._db.execute("drop table sound")
            if closed:
                self._db.execute("delete from unsettled where warc_file = ?", (warc_file,))
        return again


def migrate(db: sqlite3.Connection) -> None:
    """Forget what an older crawl knew of captures: it did not say which record holds the bytes."""
    columns = {row[0] for row in db.execute("select name from pragma_table_info('captured')")}
    if columns and "warc_file" not in columns:
        db.execute("drop table captured")
