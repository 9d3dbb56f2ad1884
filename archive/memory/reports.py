"""What is a report at present, and which payloads showed it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archive.memory.due import Due


class Reports(Due):
    """The part of the memory that is about reports and the bodies that have them."""

    def mark_reports_of(self, issuer_ids: Iterable[str]) -> None:
        """Let all reports of some bodies be folded again."""
        for issuer_id in issuer_ids:
            self.db.execute(
                "insert or ignore into due_reports select id from reports where issuer_id = ?",
                (issuer_id,),
            )

    def issuer_names(self, issuer_id: str) -> Iterator[dict[str, Any]]:
        """The names under which reports of a body were met, and when first and last."""
        rows = self.db.execute(
            "select issuer, min(seen_at), max(seen_at) from page_nights where report_id in"
            " (select id from reports where issuer_id = ?) and issuer is not null group by 1",
            (issuer_id,),
        )
        for name, first, last in rows:
            yield {"issuer_id": issuer_id, "name": name, "first_seen": first, "last_seen": last}

    def issuer_ids(self) -> list[str]:
        """The bodies that have reports, by id."""
        rows = self.db.execute("select distinct issuer_id from reports order by 1")
        return [issuer_id for (issuer_id,) in rows]

    def current_body(self, report_id: str) -> str | None:
        """The name in the memory of what a report shows at present."""
        found = self.db.execute(
            "select current_body from reports where id = ?", (report_id,)
        ).fetchone()
        return found[0] if found else None

    def keep_report(
        self, report_id: str, parent: str | None, scope: str, current_body: str, share: str
    ) -> None:
        """Remember what others are compared with, `parent` being the name or the id of the body
        above: the same body's next year is due when what it shows at present has changed, and the
        roll-ups of its year when its share has."""
        issuer_id, _, year = report_id.rpartition("/")
        before = self.db.execute(
            "select current_body, share from reports where id = ?", (report_id,)
        ).fetchone()
        if before is None:
            self.db.execute("insert or ignore into due_issuers values (?)", (issuer_id,))
        if before is None or before[0] != current_body:
            self._next_is_due(issuer_id, int(year))
        if before is None or before[1] != share:
            self.db.execute("insert or ignore into due_years values (?)", (int(year),))
        if before != (current_body, share):
            self.db.execute(
                "insert or replace into reports values (?, ?, ?, ?, ?, ?, ?)",
                (report_id, issuer_id, int(year), scope, parent, current_body, share),
            )

    def was_written(self, report_id: str, said: str, number: int, base: int | None) -> bool:
        """Whether the archive that build `base` made says of a report what is to be said; note
        that build `number` says it."""
        known = self.db.execute(
            "select said, number from written where report_id = ?", (report_id,)
        ).fetchone()
        if known and known[0] == said and base is not None and known[1] <= base:
            return True
        self.db.execute(
            "insert or replace into written values (?, ?, ?)", (report_id, said, number)
        )
        return False

    def drop_report(self, report_id: str) -> None:
        """Forget a report that no page shows any more."""
        issuer_id, _, year = report_id.rpartition("/")
        self.keep_shows(report_id, ())
        self.db.execute("delete from reports where id = ?", (report_id,))
        self.db.execute("delete from written where report_id = ?", (report_id,))
        self.db.execute("insert or ignore into due_issuers values (?)", (issuer_id,))
        self.db.execute("insert or ignore into due_years values (?)", (int(year),))
        self._next_is_due(issuer_id, int(year))

    def _next_is_due(self, issuer_id: str, year: int) -> None:
        self.db.execute(
            "insert or ignore into due_reports select id from reports where id = ?",
            (f"{issuer_id}/{year + 1}",),
        )

    def shares(self, year: int, whole: str) -> Iterator[str]:
        """The shares of a year: those of the given scope, and of bodies below one that has it."""
        rows = self.db.execute(
            "select share from reports where year = ?1 and (scope = ?2 or parent in"
            " (select json_extract(share, '$.name') from reports where year = ?1 and scope = ?2"
            " union select issuer_id from reports where year = ?1 and scope = ?2))"
            " order by id",
            (year, whole),
        )
        return (share for (share,) in rows)

    def keep_shows(self, report_id: str, shows: Iterable[tuple[str, str, str, str]]) -> None:
        """Remember which payloads showed which version: (digest, moment, address, version).

        Captures of a digest are due: from a moment on where all that is added lies behind what
        was known of it and at the same addresses, else all.
        """
        before = {
            (digest, url, at): version
            for digest, at, url, version in self.db.execute(
                "select digest, fetched_at, url, version_id from shows where report_id = ?",
                (report_id,),
            )
        }
        after = {(digest, url, at): version for digest, at, url, version in shows}
        changed: dict[str, list[tuple[str, str, str]]] = {}
        for key in before.keys() | after.keys():
            if before.get(key) != after.get(key):
                changed.setdefault(key[0], []).append(key)
        for digest, keys in sorted(changed.items()):
            known = dict(
                self.db.execute(
                    "select url, max(fetched_at) from shows where digest = ? group by url",
                    (digest,),
                ).fetchall()
            )
            since = min(at for _, _, at in keys)
            only_later = {url for _, url, _ in keys} <= known.keys() and since > max(known.values())
            self.db.execute(
                "insert into due_digests values (?, ?) on conflict (digest)"
                " do update set since = min(since, excluded.since)",
                (digest, since if only_later else ""),
            )
            for key in keys:
                self.db.execute(
                    "delete from shows where report_id = ? and digest = ? and url = ?"
                    " and fetched_at = ?",
                    (report_id, *key),
                )
                if key in after:
                    self.db.execute(
                        "insert into shows values (?, ?, ?, ?, ?)",
                        (report_id, digest, key[2], key[1], after[key]),
                    )

    def shows(self, digest: str) -> list[tuple[str, str, str]]:
        """What a payload showed: (moment, address, version), sorted."""
        return sorted(
            self.db.execute(
                "select fetched_at, url, version_id from shows where digest = ?", (digest,)
            )
        )
