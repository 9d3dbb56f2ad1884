"""The short form of `make torture`: every scenario once, in small, with the same dice each time.

TORTURE_SEED plays other dice. Whatever is missing on this machine is skipped, saying so.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.torture import captures, damage
from tests.torture.invariants import answers, whole_answers
from tests.torture.scenarios import SCENARIOS, play

SEED = int(os.environ.get("TORTURE_SEED", "1"))


@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_is_lost(name: str, tmp_path: Path) -> None:
    tally = play(name, tmp_path, SEED, long=False)
    print(tally.line())
    assert not tally.failures, tally.failed()
    if tally.skipped:
        pytest.skip("; ".join(tally.skipped))


def test_the_checker_sees_every_answer_and_no_damaged_one(tmp_path: Path) -> None:
    events = captures.nights(5, count=1)
    captures.lay(tmp_path, captures.by_night(events))
    made = [event for event in events if event.exchange is not None]
    found = answers(tmp_path)
    assert [one.url for one in found] == [event.exchange.url for event in made if event.exchange]
    (path,) = (tmp_path / "warc").glob("*.gz")
    raw = path.read_bytes()
    third = found[2]
    spoilt = bytearray(raw)
    spoilt[(third.offset + third.end) // 2] ^= 1
    left = list(whole_answers(bytes(spoilt), path.name))
    assert left == [*found[:2], *found[3:]]
    assert list(damage.expected_places(raw, bytes(spoilt))) == [third.offset]


def test_made_nights_hold_what_they_should() -> None:
    events = captures.nights(60)
    lines = [event.line for event in events if event.line["kind"] == "report"]
    assert {line["verdict"] for line in lines} == {"ok", "gone", "not_modified"}
    assert {event.night for event in events} == {1, 2, 3}
    assert any(event.held for event in events)
    # The same nights each time: a seed tells all.
    assert [event.line for event in captures.nights(60)] == [event.line for event in events]
