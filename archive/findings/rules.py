"""Every rule a finding may name: what the form promises, what prose is held to, what is plausible.

`identities.json` is public and read as it is; `checks.json` adds the rules of our own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from archive.form import HERE, IDENTITIES, Identity

NARRATIVE_FORMS = (2019, 2021)


def _narrative() -> Iterator[Identity]:
    stored = json.loads((HERE / "identities.json").read_text(encoding="utf-8"))
    for row in stored["narrative_checks"]:
        second = row["reading_2"]
        yield Identity(
            id=row["id"],
            formula=row["reading_1"] + (f" | {second}" if second else ""),
            formats=NARRATIVE_FORMS,
            level="narrative",
            basis=f"正文与统计表应一致：{row['text']}",
        )


def _own() -> Iterator[Identity]:
    stored = json.loads(Path(__file__).with_name("checks.json").read_text(encoding="utf-8"))
    for row in stored["checks"]:
        yield Identity(
            id=row["id"],
            formula=row["formula"],
            formats=tuple(row["formats"]),
            level=row["level"],
            basis=row["basis"],
        )


RULES: tuple[Identity, ...] = (*IDENTITIES, *_narrative(), *_own())
