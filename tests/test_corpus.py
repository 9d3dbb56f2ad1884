"""Real reports with hand-verified values: none of their cells may be read wrong.

The corpus lies beside the checkout (../shared/corpus) and is no part of it; without it these
tests are skipped.
"""

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pytest

from archive.model import Blame, Evidence, Finding, Reading
from archive.read import Part, read_report

CORPUS = Path(__file__).resolve().parent.parent.parent / "shared" / "corpus"
EXPECTED = CORPUS / "expected.json"
ENTRIES: list[dict[str, Any]] = json.loads(EXPECTED.read_text("utf-8")) if EXPECTED.exists() else []
# What the reader reaches; a change may raise it and not lower it.
FLOOR = {"cells": 3185, "bodies": 24, "years": 24, "refusals": 8, "broken identities": 5}

pytestmark = pytest.mark.skipif(not ENTRIES, reason=f"the corpus is not there: {CORPUS}")


READINGS: dict[str, Reading] = {}


def reading(entry: dict[str, Any]) -> Reading:
    if entry["file"] not in READINGS:
        READINGS[entry["file"]] = _read(entry)
    return READINGS[entry["file"]]


def _read(entry: dict[str, Any]) -> Reading:
    evidence = entry["evidence"]
    return read_report(
        [Part((CORPUS / entry["file"]).read_bytes())],
        Evidence(portal_name=evidence["portal_name"], listed_title=evidence["listed_title"]),
    )


def number(printed: str | None) -> Decimal | str | None:
    if printed is None:
        return None
    bare = "".join(printed.split()).replace(",", "")
    try:
        return Decimal(bare)
    except InvalidOperation:
        return bare


def name(text: str | None) -> str:
    return "".join(char for char in text or "" if char not in " （）()\u3000")


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["file"] for entry in ENTRIES])
def test_a_real_document(entry: dict[str, Any]) -> None:
    read = reading(entry)
    assert read.is_report == entry["is_report"], read.reason
    if not entry["is_report"]:
        return
    assert name(read.issuer) in {name(body) for body in (entry["issuer"], *entry["issuer_accept"])}
    assert read.year == entry["year"]
    forms = entry["form"] if isinstance(entry["form"], list) else [entry["form"]]
    assert read.form in forms
    for key, printed in entry["cells"].items():
        value = number(read.cells.get(key))
        assert value in {number(printed), None}, f"{key}: printed {printed!r}, read {value!r}"
    failed = {f.rule.split("@")[0]: f.blame for f in hard_failures(read)}
    assert failed.keys() == set(entry["identities_broken"])
    # The values were verified by hand: whatever does not add up is so on the page.
    assert set(failed.values()) <= {Blame.PUBLISHER}


def hard_failures(read: Reading) -> list[Finding]:
    hard = ("ROW.", "BALANCE.", "SUM.", "DISPUTE.")
    return [f for f in read.findings if f.verdict == "fail" and f.rule.startswith(hard)]


def test_the_floor_holds() -> None:
    pairs = [(entry, reading(entry)) for entry in ENTRIES]
    reports = [(entry, read) for entry, read in pairs if entry["is_report"]]
    reached = {
        "cells": sum(
            number(read.cells.get(key)) == number(printed)
            for entry, read in pairs
            for key, printed in entry["cells"].items()
        ),
        "bodies": sum(
            name(read.issuer) in {name(body) for body in (entry["issuer"], *entry["issuer_accept"])}
            for entry, read in reports
        ),
        "years": sum(read.year == entry["year"] for entry, read in reports),
        "refusals": sum(
            not read.is_report and bool(read.reason)
            for entry, read in pairs
            if not entry["is_report"]
        ),
        "broken identities": sum(len(hard_failures(read)) for _, read in reports),
    }
    assert {what for what, least in FLOOR.items() if reached[what] < least} == set(), reached
