"""Codes of places: what they say, and which lie within which."""

from __future__ import annotations

import sqlite3
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from datasette.app import Datasette
from site_fixture import SITE


@pytest.fixture(scope="module")
def divisions() -> Any:
    """The module, which a Datasette loads with its plugins."""
    Datasette(memory=True, plugins_dir=str(SITE / "plugins"))
    return sys.modules["nianbao_site.divisions"]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("140000", "14"),
        ("14", "14"),
        ("140600", "1406"),
        ("140602", "140602"),
        # A county's number may end in nought.
        ("500110", "500110"),
        ("000000", "00"),
        # Below the county parts have three digits: of town 010 the last nought is its own.
        ("340603010000", "340603010"),
        ("340603100000", "340603100"),
        ("340603010", "340603010"),
        ("340603000000", "340603"),
        # A town right below a prefecture.
        ("442000100000", "442000100"),
    ],
)
def test_what_a_code_says(divisions: Any, code: str, says: str) -> None:
    assert divisions.significant(code) == says


@pytest.mark.parametrize(
    ("within", "code", "other"),
    [
        ("320000", "320812001000", "330000"),
        ("320800", "320812", "320900"),
        ("340603", "340603010000", "340604001000"),
        ("340603010000", "340603010000", "340603011000"),
        ("340603100000", "340603100001", "340603101000"),
    ],
)
def test_what_lies_within_a_place(divisions: Any, within: str, code: str, other: str) -> None:
    first, behind = divisions.division_range(within)
    assert first <= code < behind
    assert not first <= other < behind


def test_what_is_written_as_a_code(divisions: Any) -> None:
    assert divisions.read_code(" １４06 ") == "1406"
    assert divisions.read_code("340603010000") == "340603010"
    assert [divisions.read_code(text) for text in ("140", "江苏", "", "14060", "1234567")] == [
        ""
    ] * 5


def test_a_code_is_stored_whole(divisions: Any) -> None:
    assert divisions.whole_code("14") == "140000"
    assert divisions.whole_code("340603010") == "340603010000"


class Places:
    """A database of a few places, two of them gone."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.row_factory = sqlite3.Row
        self.connection.execute(
            "create table divisions (code text, name text, level text, parent text, until_year int)"
        )
        self.connection.executemany(
            "insert into divisions values (?, ?, 'county', ?, ?)",
            [
                ("140600", "朔州市", None, None),
                ("140601", "朔城区", "140600", 1988),
                ("140602", "朔城区", "140600", None),
                ("140604", "朔城县", "140600", None),
                ("140605", "朔城", "140600", None),
                ("140603", "平鲁县", "140600", 1989),
            ],
        )

    async def execute(self, sql: str, parameters: Any) -> Any:
        return SimpleNamespace(rows=self.connection.execute(sql, parameters).fetchall())


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("text", "most", "codes"),
    [
        # Of those that stand, what is so named in full comes first.
        ("朔城", 5, ["140605", "140602", "140604"]),
        ("朔城", 1, ["140605"]),
        ("朔城区", 5, ["140602"]),
        # Where none stands, those that are gone.
        ("平鲁", 5, ["140603"]),
        ("平城", 5, []),
    ],
)
async def test_what_stands_is_named_before_what_is_gone(
    divisions: Any, text: str, most: int, codes: list[str]
) -> None:
    found = await divisions.places_named(Places(), text, most)
    assert [place["code"] for place in found] == codes
    assert {place["above"] for place in found} <= {"朔州市"}
