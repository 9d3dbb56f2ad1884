"""A table only the snapshot has: described in schema.PUBLISHED, made when a site is published."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from archive.schema import PUBLISHED

Row = Mapping[str, Any]


def rows(db: sqlite3.Connection, question: str) -> Iterator[Row]:
    """The rows a question finds, by column name."""
    cursor = db.execute(question)
    names = [column[0] for column in cursor.description]
    for values in cursor:
        yield dict(zip(names, values, strict=True))


def make(db: sqlite3.Connection, name: str, rows: Iterable[Row]) -> None:
    """Create a table of schema.PUBLISHED with these rows and its indexes, in one transaction;
    columns a row leaves out are NULL."""
    table = PUBLISHED[name]
    columns = ", ".join(f'"{column}" {spec.type}' for column, spec in table.columns.items())
    key = ", ".join(f'"{column}"' for column in table.pk)
    places = ", ".join("?" * len(table.columns))
    if not db.in_transaction:
        db.execute("begin")
    db.execute(f'create table "{name}" ({columns}, primary key ({key})) strict')
    db.executemany(
        f'insert into "{name}" values ({places})',
        (tuple(map(row.get, table.columns)) for row in rows),
    )
    for index in table.indexes:
        of = ", ".join(f'"{column}"' for column in index)
        db.execute(f'create index "{name}_{"_".join(index)}" on "{name}" ({of})')
    db.execute("commit")
