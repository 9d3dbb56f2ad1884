"""Which answers are there, and where do their bytes lie?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from archive.memory.tables import Tables
from archive.warc import HOLDING

HELD = ", ".join(f"'{kind}'" for kind in HOLDING)
CAPTURE = (
    "c.digest, c.url, c.fetched_at, c.status, c.media_type, f.name, c.offset, c.record_type,"
    " c.content_type from captures c join files f on f.id = c.file"
)
# Of records of the same answer the one with the bytes ("response" sorts before "revisit").
PREFERENCE = "c.record_type, f.name, c.offset"


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


class Captures(Tables):
    """The part of the memory that is about answers."""

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


def _once(rows: Iterable[Sequence[Any]]) -> Iterator[Record]:
    last: tuple[str, str, str] | None = None
    for row in rows:
        record = Record(*row)
        place = (record.digest, record.url, record.fetched_at)
        if place != last:
            yield record
        last = place
