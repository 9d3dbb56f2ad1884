"""Which records of which segments show a version, and which belong to those?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archive.progress import track
from archive.proof.members import Member, headers_at, members
from archive.proof.merkle import Tree, leaf
from archive.shelf import Shelf

SHOWN, BYTES, ORIGIN, ANNEX = (
    "shows the version",
    "holds the bytes that a revisit confirms",
    "the answer that a page was rendered from",
    "attachment listed with the report",
)
ASKED, ABOUT = "request", "describes how the segment was made"


class RecordError(ValueError):
    """A record is not where the archive says, or not as the manifest lists it; named."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record and the proof that it lies in its segment: its gzip member, place and audit path."""

    member: Member
    segment: str
    raw: bytes
    path: tuple[bytes, ...]
    why: str

    @property
    def payload(self) -> str:
        return self.member.headers.get("warc-payload-digest", "").removeprefix("sha256:")


@dataclass(slots=True)
class _Wanted:
    """What to take of one segment: why, by offset."""

    why: dict[int, str] = field(default_factory=dict)


def captures_of(db: sqlite3.Connection, version_id: str) -> list[sqlite3.Row]:
    """The answers that showed a version, by time."""
    return db.execute(
        "select * from captures where version_id = ? order by fetched_at, url, warc_file, offset",
        [version_id],
    ).fetchall()


def collect(
    db: sqlite3.Connection, shelf: Shelf, version: sqlite3.Row, listed: Mapping[str, Any]
) -> list[Record]:
    """All records of a version, by segment and place. `listed` are the manifests' entries."""
    wanted: dict[str, _Wanted] = {}
    for row, why in _answers(db, shelf, version):
        wanted.setdefault(row["warc_file"], _Wanted()).why.setdefault(row["offset"], why)
    if missing := sorted(wanted.keys() - listed.keys()):
        raise RecordError(
            f"no manifest lists {missing[0]} yet: run python -m archive manifest first"
        )
    found: list[Record] = []
    for name in track(sorted(wanted), "segments"):
        found += _take(shelf, name, wanted[name].why, listed[name])
    return found


def _answers(
    db: sqlite3.Connection, shelf: Shelf, version: sqlite3.Row
) -> Iterator[tuple[sqlite3.Row, str]]:
    own = captures_of(db, version["id"])
    yield from ((row, SHOWN) for row in own)
    extra = list(_annexes(db, version, {row["digest"] for row in own}))
    yield from ((row, ANNEX) for row in extra)
    held = {(row["url"], row["fetched_at"]) for row in (*own, *extra) if _has_bytes(row)}
    for row in (*own, *extra):
        if row["record_type"] == "revisit":
            bytes_of = _bytes_of(db, shelf, row)
            if (place := (bytes_of["url"], bytes_of["fetched_at"])) not in held:
                yield bytes_of, BYTES
                held.add(place)
        if row["record_type"] == "conversion":
            yield _origin(db, shelf, row), ORIGIN


def _has_bytes(row: sqlite3.Row) -> bool:
    return row["record_type"] in ("response", "conversion")


def _annexes(db: sqlite3.Connection, version: sqlite3.Row, has: set[str]) -> Iterator[sqlite3.Row]:
    """Of each attachment the last answer up to the version's end that no version claims as its
    own: files that stayed as they were when the page was edited."""
    seen = db.execute(
        "select url, digest, max(seen_at) from sightings where report_id = ? and role = "
        "'attachment' and digest is not null and seen_at <= ? group by url order by url",
        [version["report_id"], version["last_seen"]],
    ).fetchall()
    for sighting in seen:
        if sighting["digest"] in has:
            continue
        row = db.execute(
            "select * from captures where url = ? and digest = ? and fetched_at <= ?"
            " order by record_type, fetched_at desc limit 1",
            [sighting["url"], sighting["digest"], version["last_seen"]],
        ).fetchone()
        if row is not None:
            yield row


def _bytes_of(db: sqlite3.Connection, shelf: Shelf, revisit: sqlite3.Row) -> sqlite3.Row:
    """The record that a revisit says has its bytes; where it says none, one that has them."""
    with shelf.open("warc", revisit["warc_file"]) as file:
        said = headers_at(file, revisit["offset"])
    found: sqlite3.Row | None = db.execute(
        "select * from captures where digest = ? and record_type in ('response', 'conversion')"
        " order by (url = ? and fetched_at = ?) desc, url = ? desc, record_type desc, fetched_at"
        " limit 1",
        [
            revisit["digest"],
            said.get("warc-refers-to-target-uri", ""),
            said.get("warc-refers-to-date", ""),
            revisit["url"],
        ],
    ).fetchone()
    if found is None:
        raise RecordError(
            f"the bytes that {revisit['warc_file']} at {revisit['offset']} confirms "
            f"(SHA-256 {revisit['digest']}) are in no capture: run python -m archive verify"
        )
    return found


def _origin(db: sqlite3.Connection, shelf: Shelf, made: sqlite3.Row) -> sqlite3.Row:
    """The answer that a page was rendered from: it may lie in the segment before."""
    with shelf.open("warc", made["warc_file"]) as file:
        origin = headers_at(file, made["offset"]).get("warc-refers-to", "")
    rows: Sequence[sqlite3.Row] = db.execute(
        "select * from captures where record_type in ('response', 'revisit') and fetched_at <= ?"
        " and (url = ? or warc_file = ?) order by url = ? desc, fetched_at desc",
        [made["fetched_at"], made["url"], made["warc_file"], made["url"]],
    ).fetchall()
    for row in rows:
        with shelf.open("warc", row["warc_file"]) as file:
            if headers_at(file, row["offset"]).get("warc-record-id") == origin:
                return row
    raise RecordError(
        f"the answer {origin} that {made['warc_file']} at {made['offset']} was rendered from is "
        "in no capture"
    )


def _take(
    shelf: Shelf, name: str, why: Mapping[int, str], entry: Mapping[str, Any]
) -> list[Record]:
    """The wanted records of a segment, the requests for them and the warcinfo above them."""
    leaves: list[bytes] = []
    chosen: dict[int, tuple[Member, str]] = {}
    requests: list[Member] = []
    about: Member | None = None
    with shelf.open("warc", name) as file:
        for member in members(file):
            leaves.append(member.leaf)
            if member.type == "warcinfo":
                about = member
            elif member.type == "request":
                requests.append(member)
            if member.offset in why:
                chosen[member.index] = (member, why[member.offset])
                if about is not None:
                    chosen.setdefault(about.index, (about, ABOUT))
        ids = {member.id for member, _ in chosen.values()}
        for member in requests:
            if member.headers.get("warc-concurrent-to") in ids:
                chosen[member.index] = (member, ASKED)
        if missing := sorted(why.keys() - {member.offset for member, _ in chosen.values()}):
            raise RecordError(f"{name}: no record begins at {missing[0]}")
        tree = Tree(leaves)
        if (len(tree), tree.root.hex()) != (entry["records"], entry["merkle_root"]):
            raise RecordError(
                f"{name} is not what its manifest lists: run python -m archive verify"
            )
        found = []
        for index, (member, reason) in sorted(chosen.items()):
            file.seek(member.offset)
            raw = file.read(member.length)
            if leaf(raw) != member.leaf:
                raise RecordError(f"{name} changed while it was read")
            found.append(Record(member, name, raw, tuple(tree.path(index)), reason))
    return found
