"""What the fold remembers: all or nothing, and what is due while it is being done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from archive.memory import Memory, groups


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with closing(Memory(tmp_path / "fold.db")) as opened:
        yield opened


def test_what_is_marked_while_its_group_is_being_done_is_done(memory: Memory) -> None:
    memory.mark("reports", ["a/2021", "b/2021"])
    done = []
    for group in groups(memory.due("reports"), 2):
        with memory.transaction():
            for report in group:
                done.append(report)
                memory.mark("reports", ["a/2022", "a/2023"])
    assert done == ["a/2021", "a/2022", "a/2023", "b/2021"]


def test_a_full_disk_is_told_as_such_and_leaves_what_was_there(memory: Memory) -> None:
    memory.note("number", "1")
    memory.db.execute("pragma max_page_count = 100")

    def fill() -> None:
        with memory.transaction():
            memory.note("number", "2")
            for number in range(1000):
                memory.keep("bodies", str(number), bytes(1000))

    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        fill()
    assert memory.fact("number") == "1"
    assert memory.recall("bodies", "0") is None
