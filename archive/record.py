"""A reading as the public JSON that `python -m archive parse` prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from archive.model import Finding, Reading


def record(reading: Reading) -> dict[str, Any]:
    """The public JSON of a reading, as DESIGN promises it."""
    return {
        "is_report": reading.is_report,
        "reason": reading.reason,
        "issuer": reading.issuer,
        "year": reading.year,
        "form": reading.form,
        "scope": reading.scope,
        "title": reading.title,
        "published_on": reading.published_on,
        "media_type": reading.media_type,
        "sections": [
            {"number": s.number, "heading": s.heading, "text": s.text} for s in reading.sections
        ],
        "cells": dict(reading.cells),
        "notes": {
            key: {"state": note.state, "printed": note.printed}
            | ({"confidence": note.confidence} if note.confidence is not None else {})
            for key, note in reading.notes.items()
        },
        "findings": findings_of(reading.findings),
        "body": asdict(reading.body) if reading.body else None,
        "flags": list(reading.flags),
        "extras": [asdict(extra) for extra in reading.extras],
        "unused": [asdict(unused) for unused in reading.unused],
    }


def findings_of(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """The public JSON of findings, in their order."""
    return [
        {
            "rule": f.rule,
            "verdict": f.verdict,
            "expected": f.expected,
            "actual": f.actual,
            "blame": f.blame,
            "cells": list(f.cells),
            "explanation": f.explanation,
            "proposed": dict(f.proposed),
            "printed": f.printed,
        }
        for f in findings
    ]
