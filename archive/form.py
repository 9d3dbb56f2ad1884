"""The statutory forms as data: every cell of the 2014, 2019 and 2021 forms, and what must add up.

The keys are public and stay for ever: `fields.json` and `identities.json` beside this file are
read as they are. One key has one meaning across forms.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Field:
    """A cell of the form. `formats` are the form years that print it; `flat` names its column."""

    key: str
    flat: str
    zh: str
    table: str
    row: str
    row_zh: str
    column: str
    column_zh: str
    unit: str
    type: str
    formats: tuple[int, ...]
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """A rule of the form (勾稽关系): `formula` over keys, `level` hard, soft or definition."""

    id: str
    formula: str
    formats: tuple[int, ...]
    level: str
    basis: str


def _load(name: str) -> Any:
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def _fields(kind: str) -> Mapping[str, tuple[Field, ...]]:
    found: dict[str, list[Field]] = {}
    for row in _load("fields.json")["fields"]:
        if row["kind"] == kind:
            found.setdefault(row["key"], []).append(
                Field(
                    key=row["key"],
                    flat=row["flat"],
                    zh=row["zh"],
                    table=row["table"],
                    row=row["row"],
                    row_zh=row["row_zh"] or row["zh"],
                    column=row["column"],
                    column_zh=row["column_zh"] or "",
                    unit=row["unit"],
                    type=row["type"],
                    formats=tuple(row["formats"]),
                    aliases=tuple(row["aliases"]),
                )
            )
    return MappingProxyType({key: tuple(rows) for key, rows in found.items()})


# A key may be printed by two forms with other wording; the first entry names the cell.
PRINTED: Mapping[str, Field] = MappingProxyType(
    {key: rows[0] for key, rows in _fields("printed").items()}
)

COLUMNS: tuple[str, ...] = tuple(column["key"] for column in _load("fields.json")["columns"])


@cache
def keys(form: str) -> tuple[str, ...]:
    """The printed keys of a form ("2021", "2019", "stats2014"), in the order of the form.

    "mixed" has the keys of both; "narrative" has none.
    """
    years = {
        "2021": {2021},
        "2019": {2019},
        "stats2014": {2014},
        "mixed": {2019, 2021},
        "narrative": set[int](),
    }[form]
    return tuple(
        key
        for key, rows in _fields("printed").items()
        if years & {year for row in rows for year in row.formats}
    )


IDENTITIES: tuple[Identity, ...] = tuple(
    Identity(
        id=row["id"],
        formula=row["formula"],
        formats=tuple(row["formats"]),
        level=row["level"],
        basis=row["basis"],
    )
    for row in _load("identities.json")["identities"]
)
