"""What of the archive may leave in a release? The same that a site shows.

Views of one connection stand before the tables: texts are masked, and what was taken down is not
there. The archive itself is only read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from archive import privacy, takedowns
from archive.schema import TABLES, Table
from archive.takedowns import CUTS, Cut, Takedown


def narrow(
    db: sqlite3.Connection, tables: Mapping[str, Table], entries: Sequence[Takedown]
) -> None:
    """Let every table of these answer with what the public may see, for this connection."""
    privacy.add_functions(db)
    takedowns.plan(db, entries)
    for name, table in tables.items():
        db.execute(f'create temp view "{name}" as {view(name, table, taken=bool(entries))}')


def view(name: str, table: Table, taken: bool) -> str:
    """The question whose answer is what may be seen of a table; `taken`: some of it may not.

    Keys stay columns, not expressions, so that they are found by their indexes.
    """
    cut = CUTS.get(name, Cut()) if taken else Cut()
    if name not in TABLES and taken:
        cut = takedowns.OF_VERSION
    masked = privacy.columns(name, table) if name in TABLES else []
    shown = []
    for column in table.columns:
        value = cut.shown.get(column, f'"{column}"')
        if column in masked:
            value = f"{privacy.mask_of(name, column)}({value})"
        shown.append(f'{value} as "{column}"')
    # What shows no version is in no list of versions, nor out of it: NULL.
    where = "" if cut.leaves == "0" else f" where ({cut.leaves}) is not 1"
    question = f'select {", ".join(shown)} from main."{name}" as "{name}"{where}'
    if name == "redirects" and taken:
        question += (
            f"{where} where path not in (select path from taken_paths) "
            "union all select path, null, reason from taken_paths"
        )
    return question
