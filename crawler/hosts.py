"""What do we know of a host: may its 304 be believed, what does it show for what is not there?"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from urllib.parse import urlsplit

from crawler import schedule
from crawler.address import Answer, Row, path_of

# Unchanged validators over an unchanged body, before a host's 304 is believed; and how many of a
# hundred answers are asked for in full all the same.
PROOFS = 2
AUDITED_PERCENT = 5

SCHEMA = """
create table if not exists hosts (
    host text primary key, proofs integer not null default 0, lies integer not null default 0,
    not_found text not null default ''
) strict, without rowid;
create table if not exists robots (
    origin text primary key, body text not null, night text not null
) strict, without rowid;
"""


@dataclass(frozen=True, slots=True)
class _Host:
    proofs: int
    lies: int
    not_found: str | None


class Hosts:
    """The part of the frontier that is about hosts."""

    _db: sqlite3.Connection

    def __init__(self) -> None:
        self._hosts: dict[str, _Host] = {}

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

    def judge_host(self, answer: Answer) -> None:
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
        proof, lie = False, answer.print != row.print
        if answer.digest == row.last_digest:
            lie = self._stands_elsewhere(answer, host)
            proof = not lie and self._has_others(answer, host)
        if proof or lie:
            self._db.execute(
                "insert into hosts (host, proofs, lies) values (?, ?, ?) on conflict do update set"
                " proofs = proofs + excluded.proofs, lies = lies + excluded.lies",
                (host, int(proof), int(lie)),
            )
            self._hosts.pop(host, None)

    def _stands_elsewhere(self, answer: Answer, host: str) -> bool:
        """Whether a host gives two texts one tag: then it tells nothing of either."""
        return bool(answer.etag) and self._is_any(
            "etag = ? and last_digest <> ? and instr(url, ?)",
            *(answer.etag, answer.digest or "", f"//{host}/"),
        )

    def _has_others(self, answer: Answer, host: str) -> bool:
        """Whether a host gives other texts other validators: one for all is no witness."""
        return self._is_any(
            "portal_id = ? and last_digest <> ? and (etag <> ? or modified <> ?)"
            " and (etag <> '' or modified <> '') and instr(url, ?)",
            *(answer.row.portal_id, answer.digest or "", answer.etag, answer.modified),
            f"//{host}/",
        )

    def _is_any(self, condition: str, *values: str) -> bool:
        found = self._db.execute(f"select 1 from urls where {condition} limit 1", values)
        return found.fetchone() is not None

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
