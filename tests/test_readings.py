"""Readings are remembered whole, and under a name that says all they depend on."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive import extract, readings
from archive.model import (
    Blame,
    Body,
    Evidence,
    Extra,
    Finding,
    Note,
    Reading,
    Section,
    State,
    Unused,
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
    findings=(
        Finding("ROW.granted", Verdict.FAIL, "3", "4", Blame.PUBLISHER, ("a", "b"), "说明"),
        Finding("SUM.total", Verdict.FAIL, proposed={"a": "5"}, printed="新收5件"),
    ),
    content_digest="c" * 64,
    links=("http://a.gov.cn/",),
    body=Body("朔州市教育局", "prefecture", "department", "140600", "朔州市人民政府"),
    flags=("文中有他处地名",),
    extras=(Extra("主动公开本地指标", "条", "3"),),
    unused=(Unused("number", "表二第5行", "9"),),
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


def test_an_empty_reading_is_remembered_too() -> None:
    empty = Reading(False, "内容为空")
    assert readings.unpack_reading(readings.pack_reading(empty)) == empty


def test_a_new_converter_reads_again(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = set()
    for installed in ("libreoffice:none", "libreoffice:24.2"):
        monkeypatch.setattr(extract, "tools", lambda installed=installed: installed)
        readings.reader_version.cache_clear()
        versions.add(readings.reader_version())
    readings.reader_version.cache_clear()
    assert len(versions) == 2


def test_a_failure_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit may have been met because the machine was busy."""
    task = readings.Task("key", (), Evidence(url="http://a.gov.cn/"))
    memory = readings.Memory(tmp_path / "readings.db")

    def fails(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(readings, "read_task", fails)
    fact = readings.read_all(tmp_path, memory, {"key": task}, workers=0)["key"]
    assert fact.has_failed
    assert "内存" in fact.reason
    assert memory.recall("readings", "key") is None

    monkeypatch.setattr(readings, "read_task", lambda *_: readings.pack_reading(READING))
    fact = readings.read_all(tmp_path, memory, {"key": task}, workers=0)["key"]
    assert (fact.issuer, fact.year, fact.is_new) == ("朔州市教育局", 2023, True)
    assert memory.reading(fact.body) == READING


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
