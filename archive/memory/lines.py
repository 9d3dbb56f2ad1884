"""What did the crawl say of an address, of a portal, of a night?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import astuple
from typing import Any

from archive.issuers import Portal
from archive.memory.due import ALL_NIGHTS, Due
from archive.sightings import Sighting, latest, observed

LINE = ", ".join(f"r.{name}" for name in Sighting.__slots__)


class Lines(Due):
    """The part of the memory that is about lines of the sightings."""

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

    def has_page(self, page: str) -> bool:
        """Whether any line is about a report page at an address."""
        found = self.db.execute("select 1 from report_lines where page = ? limit 1", (page,))
        return found.fetchone() is not None

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
