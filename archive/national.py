"""What do the reports kept here add up to, year by year, with nothing counted twice?

Only reports that count one body (own_body) or a government with its departments (own_level) are
added, the latter in place of those departments' own; sums of a whole jurisdiction never. Of a
government's own level one report is added: its own, or else its office's (see `archive.counted`).
Left out: versions with flags (forged, or of a doubtful year or body), and cells of which a failed
check says that this archive misread them. Money is left out: it is printed in several units.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import Any

from archive import form, snapshot
from archive.counted import OFFICE
from archive.store import FORMULA_CELLS

COUNTS = tuple(field for field in form.PRINTED.values() if field.type in ("int", "signed_int"))


def add(db: sqlite3.Connection) -> None:
    """Make `national`, from `measures`."""
    db.execute("create temp table added (version_id text primary key, year integer)")
    db.executemany("insert into temp.added values (?, ?)", _added(db))
    snapshot.make(db, "national", _sums(db))
    db.execute("drop table temp.added")


def _added(db: sqlite3.Connection) -> Iterator[tuple[str, int]]:
    """The versions whose figures are added, with their years."""
    candidates = db.execute(
        """
        select version_id, year, measures.issuer_id, counted_by,
            scope = 'own_level' and (counted_by is null or kind = ?) and nonzero_cells > 0
        from measures join issuers on issuers.id = measures.issuer_id
        where scope in ('own_body', 'own_level') and not is_doubtful
        order by counted_by is not null, report_id
        """,
        (OFFICE,),
    )
    told: set[tuple[str, int]] = set()
    for version, year, issuer, government, is_of_the_level in candidates:
        level = (government or issuer, year)
        if government is None or (is_of_the_level and level not in told):
            yield version, year
        if is_of_the_level:
            told.add(level)


def _sums(db: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    misread, numbers = _misread(db)
    asked = ", ".join(f'sum("{field.flat}"), count("{field.flat}")' for field in COUNTS)
    years = db.execute(
        f"""
        select added.year, {asked} from temp.added as added
        join figures on figures.version_id = added.version_id group by added.year
        """
    )
    for year, *found in years:
        for field, total, bodies in zip(COUNTS, found[::2], found[1::2], strict=True):
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
    columns = {field.key: field.flat for field in COUNTS}
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
