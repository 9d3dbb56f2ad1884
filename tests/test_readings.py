"""Readings are remembered whole, and under a name that says all they depend on."""

from __future__ import annotations

import ast
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from archive import extract, readings, source
from archive.memory import Memory
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
from archive.shelf import Shelf

ROOT = Path(__file__).resolve().parents[1]

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
    with closing(Memory(tmp_path / "fold.db")) as memory:
        memory.keep("bodies", "one", readings.pack_reading(READING))
    with closing(Memory(tmp_path / "fold.db")) as memory:
        assert readings.recall_reading(memory, "one") == READING
        with pytest.raises(readings.MemoryLossError, match="two has vanished"):
            readings.recall_reading(memory, "two")


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
    at = readings.Source("http://a.gov.cn/", "d" * 64, "", "", "a.warc.gz", 0)
    task = readings.Task("key", (at,), Evidence(url="http://a.gov.cn/"))
    shelf = Shelf(str(tmp_path))

    def fails(*_: object) -> bytes:
        raise MemoryError

    with closing(Memory(tmp_path / "fold.db")) as memory:
        monkeypatch.setattr(readings, "read_task", fails)
        fact = readings.read_documents(shelf, memory, [task], None)["key"]
        assert fact.has_failed
        assert "内存" in fact.reason
        assert memory.recall("readings", "key") is None

        monkeypatch.setattr(readings, "read_task", lambda *_: readings.pack_reading(READING))
        fact = readings.read_documents(shelf, memory, [task], None)["key"]
        assert (fact.issuer, fact.year, fact.is_new) == ("朔州市教育局", 2023, True)
        assert readings.recall_reading(memory, fact.body) == READING
        assert not readings.read_documents(shelf, memory, [task], None)["key"].is_new


def test_a_report_whose_body_is_not_known_is_refused_but_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A correction may say whose it is."""
    at = readings.Source("http://a.gov.cn/", "d" * 64, "", "", "a.warc.gz", 0)
    task = readings.Task("key", (at,), Evidence(url="http://a.gov.cn/"))
    nobody = replace(READING, issuer=None)
    monkeypatch.setattr(readings, "read_task", lambda *_: readings.pack_reading(nobody))
    with closing(Memory(tmp_path / "fold.db")) as memory:
        fact = readings.read_documents(Shelf(str(tmp_path)), memory, [task], None)["key"]
    assert (fact.refusal, fact.year, fact.content_digest) == (
        readings.NO_ISSUER,
        2023,
        "c" * 64,
    )


def imported(name: str) -> set[str]:
    """The modules of the archive that one imports, whether as a module or by a name of it."""
    path = ROOT / (name.replace(".", "/") + ".py")
    if not path.exists():
        path = ROOT / name.replace(".", "/") / "__init__.py"
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {one for one in found if is_module(one)}


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return name.startswith("archive.") and (path.with_suffix(".py").exists() or path.is_dir())


def test_exactly_the_modules_with_a_part_in_reading_are_in_its_version() -> None:
    """One left out would give old readings out as new; one too many has all read again."""
    seen: set[str] = set()
    # What unpacks the bytes of a document has a part in what is read of them.
    ahead = {"archive.read", "archive.encodings"}
    while ahead:
        name = ahead.pop()
        seen.add(name)
        ahead |= imported(name) - seen
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "archive").rglob("*.py")
        if path.name != "__init__.py"
    }
    counted = {name for name in modules if readings.NOT_READER.isdisjoint(name.split("."))}
    assert counted == seen & modules
    assert {part for name in modules for part in name.split(".")} >= readings.NOT_READER


def test_what_people_review_is_no_part_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line more in the takedowns would have all derived anew, and no cluster read."""
    monkeypatch.setattr(source, "HERE", tmp_path)
    folder = tmp_path / "names"
    folder.mkdir()
    (tmp_path / "read.py").write_text("PARSER = 1")
    (folder / "divisions.csv").write_text("code")
    before = source.digest()
    for name in ("takedowns.csv", "corrections.csv", "notes.txt"):
        (tmp_path / name).write_text("a line")
    assert source.digest() == before
    without = source.digest({"names"})
    (folder / "divisions.csv").write_text("code,name")
    assert source.digest() != before
    assert source.digest({"names"}) == without != before


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
