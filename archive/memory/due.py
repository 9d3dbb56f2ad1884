"""What is to be folded again?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from archive.memory.tables import Tables

DUE = (
    *("pages", "reports", "files", "digests", "years", "sightings", "visits", "issuers"),
    *("portals", "renamed", "unnamed"),
)
# In the table of due sightings: all nights of an address.
ALL_NIGHTS = ""


class Due(Tables):
    """The part of the memory that is about what is due."""

    def touch(self) -> None:
        """Note that the archive is not what it should be, though nothing that can be named is due:
        a file came or went."""
        self.note("touched", "1")

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


def groups(items: Iterable[str], size: int) -> Iterator[Iterator[str]]:
    """The items, so many at a time: what is committed together. Each is drawn when it is wanted,
    as taking one may make another due that comes next."""
    coming = iter(items)
    for first in coming:
        yield chain([first], islice(coming, size - 1))
