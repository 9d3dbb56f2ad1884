"""What has the fold taken in so far, and what is due to be folded again?

DATA/fold.db holds every capture and sighting of the closed files, what each page showed on each
night, and every reading made. It only saves time: without the file all of it is taken in and read
again, with the same result. What a change touches is marked as due in the transaction that makes
the change, and stays due until an archive that holds it is in place; folding a thing twice gives
what folding it once gives, so that a build may be killed anywhere.
"""

from __future__ import annotations

from archive.memory.captures import Captures
from archive.memory.captures import Record as Record
from archive.memory.due import ALL_NIGHTS as ALL_NIGHTS
from archive.memory.due import groups as groups
from archive.memory.files import Files
from archive.memory.lines import Lines
from archive.memory.pages import PageNight as PageNight
from archive.memory.pages import Pages
from archive.memory.reports import Reports


class Memory(Files, Captures, Lines, Pages, Reports):
    """The fold's memory between builds: what is known, what is due, and every reading made."""

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
