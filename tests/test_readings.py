"""Readings are remembered whole, and under a name that says all they depend on."""

from __future__ import annotations

from pathlib import Path

from archive import readings
from archive.model import (
    Blame,
    Evidence,
    Finding,
    Note,
    Reading,
    Section,
    State,
    Verdict,
)

READING = Reading(
    True,
    "",
    issuer="朔州市教育局",
    year=2023,
    form="2021",
    sections=(Section(1, "一、总体情况", "文字"),),
    cells={
        "requests.received_new.total": "1,234",
        "requests.carried_in.total": "0",
        "requests.carried_out.total": "1.5",
        "disclosure.admin_fees.amount": None,
    },
    notes={
        "requests.received_new.total": Note(State.OCR, "1,234", 0.97),
        "no.such.key": Note(State.TEXT, "x"),
    },
    findings=(Finding("ROW.granted", Verdict.FAIL, "3", "4", Blame.PUBLISHER, ("a", "b"), "说明"),),
    content_digest="c" * 64,
    links=("http://a.gov.cn/",),
)


def test_a_reading_is_remembered_whole(tmp_path: Path) -> None:
    memory = readings.Memory(tmp_path / "readings.db")
    memory.keep("readings", "one", readings.pack_reading(READING))
    memory.keep("readings", "two", b"")
    memory.keep_only("readings", ["one"])
    assert memory.recall("readings", "two") is None
    packed = memory.recall("readings", "one")
    assert packed is not None
    assert readings.unpack_reading(packed) == READING


def test_a_reading_depends_on_parser_evidence_and_parts() -> None:
    evidence = Evidence(url="http://a.gov.cn/", listed_title="年报")
    part = ("d" * 64, "a.html", "text/html")
    keys = {
        readings.reading_key("1", evidence, [part]),
        readings.reading_key("2", evidence, [part]),
        readings.reading_key("1", Evidence(url="http://a.gov.cn/"), [part]),
        readings.reading_key("1", evidence, [part, part]),
    }
    assert len(keys) == 4
