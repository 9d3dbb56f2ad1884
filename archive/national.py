"""What do the reports kept here add up to, year by year, with nothing counted twice?

Only reports that count one body (own_body) or a government with its departments (own_level) are
added, the latter in place of those departments' own; sums of a whole jurisdiction never. Left out:
versions with flags (forged, or of a doubtful year or body), and cells of which a failed check says
that this archive misread them. Money is left out: it is printed in several units.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from archive import form, snapshot
from archive.store import FORMULA_CELLS

ADDED = tuple(field for field in form.PRINTED.values() if field.type in ("int", "signed_int"))
# What a government's report on its own level counts besides itself.
HEADS = frozenset({"government", "functional_zone"})
MEMBERS = frozenset({"department", "office", "public_institution", "other"})
# Bodies lie at most so deep below each other; more is a ring.
DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a body stands: its kind, the body above it, and the division and level it is of."""

    kind: str | None
    parent: str | None
    place: tuple[str | None, str | None]


def is_counted_above(
    issuer: str,
    year: int,
    bodies: Mapping[str, Standing],
    heads: Mapping[tuple[str | None, str | None], str],
    own_level: Container[tuple[str, int]],
) -> bool:
    """Whether the report of a government on its own level for that year counts this body.

    `heads` are the governments by place: for bodies of which nobody knows what is above them.
    """
    body = bodies.get(issuer)
    if body is None or body.kind not in MEMBERS:
        return False
    for _ in range(DEEPEST):
        above = body.parent or heads.get(body.place)
        if above is None or above == issuer:
            return False
        if (above, year) in own_level:
            return True
        body = bodies.get(above)
        if body is None or body.kind in HEADS:
            return False
    return False


def add(db: sqlite3.Connection) -> None:
    """Make `national`."""
    db.execute("create temp table added (version_id text primary key, year integer)")
    db.executemany("insert into temp.added values (?, ?)", _added(db))
    snapshot.make(db, "national", _sums(db))
    db.execute("drop table temp.added")


def _added(db: sqlite3.Connection) -> Iterator[tuple[str, int]]:
    """The versions whose figures are added, with their years."""
    bodies = {
        issuer: Standing(kind, parent, (division, level))
        for issuer, kind, parent, division, level in db.execute(
            "select id, kind, parent_id, division, level from issuers"
        )
    }
    heads = {
        body.place: issuer
        for issuer, body in bodies.items()
        if body.kind == "government" and body.place[0]
    }
    own_level = {
        (issuer, year)
        for issuer, year in db.execute(
            "select issuer_id, year from reports where scope = 'own_level'"
        )
        if issuer in bodies and bodies[issuer].kind in HEADS
    }
    candidates = db.execute(
        """
        select reports.issuer_id, reports.year, versions.id from reports
        join versions on versions.id = reports.current_version
        where reports.scope in ('own_body', 'own_level') and ifnull(versions.flags, '') = ''
        """
    )
    for issuer, year, version in candidates:
        if not is_counted_above(issuer, year, bodies, heads, own_level):
            yield version, year


def _sums(db: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    misread, numbers = _misread(db)
    asked = ", ".join(f'sum("{field.flat}"), count("{field.flat}")' for field in ADDED)
    years = db.execute(
        f"""
        select added.year, {asked} from temp.added as added
        join figures on figures.version_id = added.version_id group by added.year
        """
    )
    for year, *found in years:
        for field, total, bodies in zip(ADDED, found[::2], found[1::2], strict=True):
            left = bodies - misread[year, field.key]
            if left:
                total -= numbers[year, field.key]
                yield {"year": year, "field": field.key, "total": total, "bodies": left}


def _misread(db: sqlite3.Connection) -> tuple[Counter[tuple[int, str]], Counter[tuple[int, str]]]:
    """How many cells of a year and field this archive misread, and what these add up to."""
    cells = {
        (year, version, key)
        for year, version, rule, named in db.execute(
            """
            select added.year, findings.version_id, findings.rule, findings.cells
            from findings join temp.added as added on added.version_id = findings.version_id
            where findings.verdict = 'fail' and findings.blame = 'parser'
            """
        )
        for key in (json.loads(named) if named else FORMULA_CELLS.get(rule, ()))
    }
    columns = {field.key: field.flat for field in ADDED}
    count: Counter[tuple[int, str]] = Counter()
    numbers: Counter[tuple[int, str]] = Counter()
    for year, version, key in cells:
        if key in columns:
            (number,) = db.execute(
                f'select "{columns[key]}" from figures where version_id = ?', (version,)
            ).fetchone() or (None,)
            if number is not None:
                count[year, key] += 1
                numbers[year, key] += number
    return count, numbers
