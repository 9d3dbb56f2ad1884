"""Which reports does a government's report on its own level count already?

Such a report counts the government, its office and its departments. The office is who publishes the
government's report (政府信息公开条例 of 2019, article 49): one on the level under the office's own
name stands for the government's, and where both have one for a year, one of them counts. What the
government alone did is in its office's report on the level too. A report that is doubtful, or has
no number but 0, counts nobody: it would silence those that have numbers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# Whose report on its own level counts others, and who is counted in it.
HEADS = frozenset({"government", "functional_zone"})
OFFICE = "office"
MEMBERS = frozenset({"department", OFFICE, "public_institution", "other"})
# Bodies lie at most so deep below each other; more is a ring.
DEEPEST = 8

Place = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a body stands: its kind, the body above it, and the division and level it is of."""

    kind: str | None
    parent: str | None
    place: Place


def heads_by_place(bodies: Mapping[str, Standing]) -> dict[Place, str]:
    """The government of each place, or where the archive has none its office: for bodies of which
    nobody knows what is above them."""
    return {
        body.place: issuer
        for kind in (OFFICE, "government")
        for issuer, body in sorted(bodies.items(), reverse=True)
        if body.kind == kind and body.place[0]
    }


def government_of(
    issuer: str, bodies: Mapping[str, Standing], heads: Mapping[Place, str]
) -> str | None:
    """The government or zone whose own level a body belongs to, as one of its members."""
    at = issuer
    for _ in range(DEEPEST):
        body = bodies.get(at)
        if body is None or body.kind not in MEMBERS:
            return at if body and body.kind in HEADS and at != issuer else None
        above = body.parent or heads.get(body.place)
        if above is None or above == at:
            return at if above and at != issuer else None
        at = above
    return None


def counted_reports(db: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """(report, government) of every report of a body that a report of the same year on that
    government's own level counts; a report on it by the government's office is among them, and the
    government's on itself alone."""
    bodies = {
        issuer: Standing(kind, parent, (division, level))
        for issuer, kind, parent, division, level in db.execute(
            "select id, kind, parent_id, division, level from issuers"
        )
    }
    heads = heads_by_place(bodies)
    above = {
        issuer: government
        for issuer in bodies
        if (government := government_of(issuer, bodies, heads))
    }
    own_level = db.execute(
        """
        select issuer_id, year from reports
        join versions on versions.id = reports.current_version
        where scope = 'own_level' and ifnull(flags, '') = '' and nonzero_cells > 0
        """
    )
    told = {
        (above.get(issuer, issuer) if bodies[issuer].kind == OFFICE else issuer, year)
        for issuer, year in own_level
        if issuer in bodies and bodies[issuer].kind in HEADS | {OFFICE}
    }
    for report, issuer, year, scope in db.execute("select id, issuer_id, year, scope from reports"):
        government = issuer if scope == "own_body" and issuer not in above else above.get(issuer)
        if government and (government, year) in told:
            yield report, government
