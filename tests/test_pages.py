"""Documents of our own in every medium and layout, each read against what it prints.

tests/pages/NAME.ext stands beside NAME.json, which says what the document prints; a report's
annexes and pictures lie in NAME_files/. A document without its JSON gets one written from our own
reading, and fails until someone has read that against the page and set "reviewed" to their name;
"made" says that the JSON was written from the invented figures the document was made of.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from archive.model import Evidence, Note, Reading, State
from archive.read import Part, read_report

PAGES = Path(__file__).resolve().parent / "pages"
DOCUMENTS = sorted(path for path in PAGES.iterdir() if path.is_file() and path.suffix != ".json")
EXPECTATIONS = sorted(PAGES.glob("*.json"))
# The form's identities: whose error each failure is is expected too.
RULES = ("ROW.", "BALANCE.", "SUM.", "DISPUTE.", "S14.")
SURE = 0.9
EQUAL_SHARE = 0.995
HAVE = {
    "soffice": shutil.which("soffice") is not None,
    "rapidocr": importlib.util.find_spec("rapidocr") is not None,
}


def number(printed: str | None) -> Decimal | str | None:
    if printed is None:
        return None
    try:
        return Decimal(printed)
    except InvalidOperation:
        return "".join(printed.split())


def read(document: Path, expected: Mapping[str, Any]) -> Reading:
    evidence = Evidence(**expected.get("evidence", {}))
    parts = [Part(document.read_bytes(), name=document.name, url=evidence.url or "")]
    folder = document.with_name(f"{document.stem}_files")
    for name in expected.get("attachments", ()):
        url = urljoin(evidence.url or "", f"{folder.name}/{name}")
        parts.append(Part((folder / name).read_bytes(), name=name, url=url))
    return read_report(parts, evidence)


def either(expected: Any) -> list[Any]:
    return expected if isinstance(expected, list) else [expected]


def written(reading: Reading, evidence: Mapping[str, str]) -> dict[str, Any]:
    """An expectation as our own reading gives it, to be read against the document."""
    return {
        "about": "",
        "reviewed": False,
        "evidence": dict(evidence),
        "is_report": reading.is_report,
        "reason": re.escape(reading.reason),
        "issuer": reading.issuer,
        "year": reading.year,
        "form": reading.form,
        "scope": reading.scope,
        "published_on": reading.published_on,
        "cells": dict(reading.cells),
        "notes": {key: note.state for key, note in reading.notes.items()},
        "failing": failing(reading),
    }


def failing(reading: Reading) -> dict[str, str | None]:
    return {
        finding.rule: finding.blame
        for finding in reading.findings
        if finding.verdict == "fail" and finding.rule.startswith(RULES)
    }


def differences(reading: Reading, expected: Mapping[str, Any]) -> list[str]:
    """What the reading says otherwise than the expectation, a line each."""
    if reading.is_report is not expected["is_report"]:
        return [f"is_report: {reading.is_report}（{reading.reason}）"]
    if not reading.is_report:
        said = re.search(expected["reason"], reading.reason)
        return [] if said else [f"reason: {reading.reason!r}, not /{expected['reason']}/"]
    found = [
        f"{name}: {getattr(reading, name)!r}, not {expected[name]!r}"
        for name in ("issuer", "year", "form", "scope", "published_on")
        if name in expected and getattr(reading, name) not in either(expected[name])
    ]
    compare = recognised if expected.get("recognised") else cells
    found += compare(reading, expected)
    failed, stated = failing(reading), expected.get("failing", {})
    if failed != stated and not expected.get("failing_allowed"):
        found.append(f"failing: {failed}, not {stated}")
    found += sentences(reading, expected.get("verdicts", {}))
    proposed = {
        key: value for finding in reading.findings for key, value in finding.proposed.items()
    }
    for key, value in expected.get("proposed", {}).items():
        if proposed.get(key) != value:
            found.append(f"proposed {key}: {proposed.get(key)!r}, not {value!r}")
    for label, printed in expected.get("extras", {}).items():
        if not any(label in extra.label and printed in extra.printed for extra in reading.extras):
            found.append(f"extras: no {label!r} with {printed!r}")
    flags = "；".join(reading.flags)
    if not re.search(expected.get("flags", "^$"), flags):
        found.append(f"flags: {flags!r}, not /{expected.get('flags', '^$')}/")
    return found


def sentences(reading: Reading, stated: Mapping[str, list[str]]) -> list[str]:
    """What the prose says against the tables: the verdicts stated, and no failure besides."""
    told: dict[str, set[str]] = {}
    for finding in reading.findings:
        if finding.rule.startswith("V."):
            told.setdefault(finding.rule.partition("@")[0], set()).add(finding.verdict)
    return [
        f"{rule}: {told.get(rule)}, not {stated.get(rule)}"
        for rule in sorted(told.keys() | stated.keys())
        if (rule in stated and not told.get(rule, set()).intersection(stated[rule]))
        or (rule not in stated and "fail" in told[rule])
    ]


def cells(reading: Reading, expected: Mapping[str, Any]) -> list[str]:
    """Cells and their notes: every key of the form, and no number anywhere else.

    `or_null` are keys that the reader may leave open, because the document does.
    """
    want: Mapping[str, str | None] = expected["cells"]
    notes: Mapping[str, Any] = expected.get("notes", {})
    found = []
    for key in sorted(want.keys() | reading.cells.keys()):
        got, note = reading.cells.get(key), reading.notes.get(key)
        open_to = got is None and key in expected.get("or_null", ())
        if number(got) != number(want.get(key)) and not open_to:
            found.append(f"{key}: read {got!r}, printed {want.get(key)!r} ({note})")
        elif (got is None or key not in expected.get("or_null", ())) and not told(
            note, notes.get(key)
        ):
            found.append(f"{key}: note {note}, not {notes[key]!r}")
        elif got is None and key in want and note is None:
            found.append(f"{key}: no number and no note")
        elif note is not None and note.state is State.AMBIGUOUS and not note.printed:
            found.append(f"{key}: ambiguous, and nothing printed is kept")
    return found


def told(note: Note | None, states: Any) -> bool:
    """Is the note's state one of those expected, if any are?"""
    return states is None or (note is not None and note.state in either(states))


def recognised(reading: Reading, expected: Mapping[str, Any]) -> list[str]:
    """Cells read from a picture: nearly all equal, and no wrong one without a mark on it.

    `typed` are the keys that the document prints as text all the same.
    """
    want: Mapping[str, str | None] = expected["cells"]
    doubted = {
        key for finding in reading.findings if finding.verdict == "fail" for key in finding.cells
    }
    unequal = [
        key for key, value in want.items() if number(reading.cells.get(key)) != number(value)
    ]
    found = []
    if len(unequal) > len(want) * (1 - EQUAL_SHARE):
        found.append(f"{len(unequal)} of {len(want)} cells unequal: {unequal[:9]}")
    for key, value in reading.cells.items():
        note = reading.notes.get(key)
        marked = note is not None and note.confidence is not None
        if value is not None and marked is (key in expected.get("typed", ())):
            found.append(f"{key}: marked {note}, read from a picture or not")
        elif value is None or key not in unequal or key in doubted:
            continue
        elif note is None or (note.confidence or 0) >= SURE:
            found.append(f"{key}: read {value!r}, printed {want.get(key)!r}, and sure of it")
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=[path.name for path in DOCUMENTS])
def test_a_document(document: Path) -> None:
    stated = document.with_suffix(".json")
    if not stated.exists():
        draft = written(read(document, {}), {})
        stated.write_text(json.dumps(draft, ensure_ascii=False, indent=1) + "\n", "utf-8")
        pytest.fail(f"{stated.name} was written from our reading: check it and set reviewed")
    expected = json.loads(stated.read_text("utf-8"))
    assert expected["reviewed"], f"{stated.name}: nobody has read it against the document"
    for need in expected.get("needs", ()):
        if not HAVE[need]:
            pytest.skip(f"{need} is not installed: {document.name} cannot be read")
    found = differences(read(document, expected), expected)
    assert not found, "\n".join([expected["about"], *found[:20], f"({len(found)} differences)"])


def test_every_expectation_has_its_document() -> None:
    stems = [path.stem for path in DOCUMENTS]
    assert sorted(stems) == sorted(set(stems)), "two documents share a name"
    assert {path.stem for path in EXPECTATIONS} <= set(stems), "an expectation without a document"


def test_every_folder_belongs_to_a_document() -> None:
    for folder in (path for path in PAGES.iterdir() if path.is_dir()):
        owner = PAGES / f"{folder.name.removesuffix('_files')}.json"
        named = json.loads(owner.read_text("utf-8")).get("attachments", [])
        assert sorted(named) == sorted(path.name for path in folder.iterdir())
