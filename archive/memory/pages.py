"""What did a page show, night by night?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from archive.memory.due import ALL_NIGHTS, Due

NIGHT = (
    "page, night, turn, seen_at, fetched_at, portal_id, verdict, sources, key, body,"
    " content_digest, issuer, year, reason, has_failed, report_id"
)


@dataclass(frozen=True, slots=True)
class PageNight:
    """What is known of a page after a night, or of one of several contents it showed that night:
    `turn` counts them from 0.

    `sources` are the (address, digest) of the document it showed, the page's own first; `key`
    names the reading's place in the memory, `body` and `content_digest` what was read. `reason`
    says why it showed no report.
    """

    page: str
    night: str
    turn: int
    seen_at: str
    fetched_at: str
    portal_id: str
    verdict: str
    sources: tuple[tuple[str, str], ...] = ()
    key: str | None = None
    body: str | None = None
    content_digest: str | None = None
    issuer: str | None = None
    year: int | None = None
    reason: str | None = None
    has_failed: bool = False
    report_id: str | None = None


class Pages(Due):
    """The part of the memory that is about what pages showed."""

    def nights_of_page(self, page: str) -> dict[tuple[str, int], PageNight]:
        """What is known of a page, by night and turn, in order."""
        rows = self.db.execute(
            f"select {NIGHT} from page_nights where page = ? order by night, turn", (page,)
        )
        return {(row[1], row[2]): _page_night(row) for row in rows}

    def keep_nights(self, page: str, nights: Iterable[PageNight]) -> None:
        """Replace what is known of a page; reports it showed and shows are due, and all its lines
        where what is known of former nights has changed."""
        before = self.nights_of_page(page)
        after = {(night.night, night.turn): night for night in nights}
        for gone in before.keys() - after.keys():
            self.db.execute(
                "delete from page_nights where page = ? and night = ? and turn = ?", (page, *gone)
            )
        for key, night in after.items():
            if before.get(key) != night:
                self.db.execute(
                    f"insert or replace into page_nights values ({', '.join('?' * 16)})",
                    (
                        *(night.page, night.night, night.turn, night.seen_at, night.fetched_at),
                        *(night.portal_id, night.verdict, json.dumps(night.sources), night.key),
                        *(night.body, night.content_digest, night.issuer, night.year),
                        *(night.reason, int(night.has_failed), night.report_id),
                    ),
                )
        reports = {n.report_id for n in (*before.values(), *after.values()) if n.report_id}
        self.db.executemany(
            "insert or ignore into due_reports values (?)", ((report,) for report in reports)
        )
        changed = [
            night
            for night, turn in before.keys() | after.keys()
            if _shown(before.get((night, turn))) != _shown(after.get((night, turn)))
        ]
        if changed:
            # Lines of later nights may be about what was shown then.
            self.db.execute(
                "insert or ignore into due_sightings select url, night from report_lines"
                " where page = ? and night >= ?",
                (page, min(changed) if before and after else ALL_NIGHTS),
            )

    def addresses(self, report_id: str) -> list[str]:
        """The pages that ever showed a report."""
        rows = self.db.execute(
            "select distinct page from page_nights where report_id = ? order by 1", (report_id,)
        )
        return [page for (page,) in rows]

    def mark_unnamed(self, names: Iterable[str]) -> None:
        """Let pages be named again that ever showed a report of a body by one of these names."""
        for name in names:
            self.db.execute(
                "insert or ignore into due_unnamed select page from page_nights where issuer = ?",
                (name,),
            )


def _shown(night: PageNight | None) -> tuple[str | None, str | None] | None:
    return (night.report_id, night.reason) if night else None


def _page_night(row: Sequence[Any]) -> PageNight:
    values = list(row)
    values[7] = tuple((url, digest) for url, digest in json.loads(values[7]))
    values[14] = bool(values[14])
    return PageNight(*values)
