"""What the operator sees: bars on a terminal, lines in a log, a table at the end."""

from __future__ import annotations

import io
import logging
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console
from twisted.internet.task import Clock

from crawler import progress
from crawler.progress import Progress, Standing, Whole, as_text, clock, closing, slowest, whole
from crawler.visits import Visit

NIGHT = "2026-11-22"
STANDINGS = [
    Standing("a", "甲市人民政府", done=30, left=10, reports=5, seconds_left=90),
    Standing("b", "乙县人民政府", done=4, left=100, reports=1, seconds_left=3661.4),
    Standing("c", "丙区人民政府", done=50, left=0, reports=40, seconds_left=0),
    Standing("d", "", done=0, left=1, reports=0, seconds_left=None),
]


@pytest.fixture
def loops(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The looping calls that were begun, to be called by hand."""
    begun: list[Any] = []

    class Loop:
        def __init__(self, function: Any) -> None:
            self.function, self.interval = function, 0.0
            begun.append(self)

        def start(self, interval: float, now: bool = True) -> None:
            assert not now
            self.interval = interval

        def stop(self) -> None:
            self.interval = 0.0

    monkeypatch.setattr(progress, "create_looping_call", Loop)
    yield begun
    assert [loop.interval for loop in begun] == [0.0] * len(begun)


def terminal(width: int = 120) -> Console:
    return Console(
        file=io.StringIO(), width=width, height=40, force_terminal=True, color_system=None,
        legacy_windows=False, _environ={"TERM": "xterm"},
    )  # fmt: skip


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_night_lasts_as_long_as_its_slowest_portal() -> None:
    assert whole(STANDINGS) == Whole(
        done=84, left=111, reports=46, portals=4, finished=1, seconds_left=3661.4
    )
    assert whole([]) == Whole(0, 0, 0, 0, 0, None)
    assert whole(STANDINGS[3:]).seconds_left is None


def test_the_slowest_are_those_at_work_with_most_time_left() -> None:
    assert [one.portal_id for one in slowest(STANDINGS, 8)] == ["b", "a", "d"]
    assert [one.portal_id for one in slowest(STANDINGS, 1)] == ["b"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "?"),
        (0, "0:00:00"),
        (59.6, "0:01:00"),
        (3661.4, "1:01:01"),
        (90000, "1 day, 1:00:00"),
    ],
)
def test_time_left(seconds: float | None, shown: str) -> None:
    assert clock(seconds) == shown


def test_a_bar_for_the_night_and_one_for_each_portal_at_work(loops: list[Any]) -> None:
    console, time_ = terminal(), Clock()
    shown = Progress(NIGHT, lambda: STANDINGS, console=console, seconds=time_.seconds)
    time_.advance(1)
    shown.tick()
    lines = [line for line in text_of(console).splitlines() if "/" in line]
    night, *portals = lines[-4:]
    assert "抓取 2026-11-22" in night
    for said in ("84/195", "尚需 1:01:01", "年报 46，站点 1/4"):
        assert said in night
    assert ["乙县" in portals[0], "甲市" in portals[1]] == [True, True]
    assert "4/104" in portals[0]
    assert "30/40" in portals[1]
    assert "尚需 ?" in portals[2]
    shown.stop()


def test_eight_portals_at_most(loops: list[Any]) -> None:
    many = [Standing(f"p{i}", f"第{i}区", 1, i + 1, 0, float(i)) for i in range(30)]
    console, time_ = terminal(), Clock()
    shown = Progress(NIGHT, lambda: many, console=console, seconds=time_.seconds)
    time_.advance(1)
    shown.tick()
    drawn = text_of(console)
    assert [i for i in range(30) if f"第{i}区" in drawn] == list(range(22, 30))
    # Portals that are done make room, and at the end none is left.
    many[:] = [Standing("p0", "第0区", 9, 0, 0, 0)]
    shown.stop()
    left = text_of(console).removeprefix(drawn)
    assert "第" not in left
    assert "9/9" in left


def test_asked_twice_a_second_at_most(loops: list[Any]) -> None:
    asked = []
    time_ = Clock()
    shown = Progress(
        NIGHT,
        lambda: asked.append(time_.seconds()) or [],
        console=terminal(),
        seconds=time_.seconds,
    )
    for _ in range(1000):
        time_.advance(1 / 128)
        shown.tick()
    assert len(asked) == int(1000 / 128 / 0.5)
    shown.stop()


def test_a_thousand_portals_are_cheap(loops: list[Any]) -> None:
    """Not a measurement, but a bound that only a mistake would pass: 20 views in processor time."""
    many = [Standing(f"p{i}", f"第{i}区", i, i, i, float(i)) for i in range(1000)]
    time_ = Clock()
    shown = Progress(NIGHT, lambda: many, console=terminal(), seconds=time_.seconds)
    began = time.process_time()
    for _ in range(20):
        time_.advance(1)
        shown.tick()
    assert time.process_time() - began < 5
    shown.stop()


def test_names_are_no_markup(loops: list[Any]) -> None:
    hostile = [Standing("a", "[bold]x[/nothing]", 1, 1, 0, 1)]
    console, time_ = terminal(), Clock()
    shown = Progress(NIGHT, lambda: hostile, console=console, seconds=time_.seconds)
    time_.advance(1)
    shown.tick()
    assert "[bold]x[/nothing]" in text_of(console)
    shown.stop()


def test_lines_of_the_log_go_above_the_bars(
    loops: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    handler = logging.StreamHandler()
    logging.getLogger().addHandler(handler)
    try:
        shown = Progress(NIGHT, lambda: STANDINGS, console=terminal())
        assert handler.stream is not stderr
        shown.stop()
        assert handler.stream is stderr
    finally:
        logging.getLogger().removeHandler(handler)


def test_a_log_gets_a_line_a_minute(loops: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    plain = Console(file=io.StringIO(), force_terminal=False)
    shown = Progress(NIGHT, lambda: STANDINGS, console=plain)
    shown.tick()
    assert caplog.messages == []
    (loop,) = loops
    assert loop.interval == 60
    loop.function()
    assert caplog.messages == [
        "night 2026-11-22: 84 of 195 known addresses, 46 reports, 1 of 4 portals done, "
        "1:01:01 left; slowest: b 4/104, 1:01:01; a 30/40, 0:01:30; d 0/1, ?"
    ]
    shown.stop()
    assert text_of(plain) == ""


def visit(portal_id: str, state: str = "ok", **said: Any) -> Visit:
    return Visit(portal_id, NIGHT, state, **({"lists": 1, "listed": 9} | said))


def test_the_closing_table_sums_up_the_night() -> None:
    visits = [
        visit("a", requests=1200, bytes=1_500_000, new=3, edited=1, unchanged=20, saved=900),
        visit("b", requests=34, bytes=500_000, gone=2, back=1, moved=4, reports=7),
        visit("c", "challenge", requests=2, blocked=2, lists=0, listed=0),
        visit("d", "error", requests=3, failed=3, lists=0, listed=0),
    ]
    text = as_text(closing(visits, []))
    for said in (
        "the night 2026-11-22",
        *("portals answered │ 2/4", "bytes │ 2.0 MB", "lists │ 2", "requests │ 1,239"),
        *("new │ 3", "edited │ 1", "unchanged │ 20", "moved │ 4", "gone │ 2", "back │ 1"),
        *("blocked │ 2", "failed │ 3", "requests saved │ 900", "report pages │ 7"),
    ):
        assert said in " ".join(text.split()), said


def test_portals_that_need_a_look_are_named_those_not_answering_first() -> None:
    visits = [
        visit("fine"),
        visit("empty", lists=0, listed=0),
        visit("blocked", requests=10, blocked=1),
        visit("shut", "challenge", requests=1, blocked=1),
        visit("browser", "needs_browser"),
        visit("left", "opted_out", lists=0, listed=0),
    ]
    text = as_text(closing(visits, [], {"shut": "北原市人民政府"}))
    lines = [line for line in text.splitlines() if line.startswith("│")]
    named = [line.split()[1] for line in lines[7:]]
    assert named == ["shut", "browser", "blocked", "empty"]
    assert "北原市人民政府" in text
    assert "验证页 challenge" in text
    assert "需用浏览器 needs_browser" in text


@pytest.mark.parametrize("width", [80, 110, 200])
def test_the_closing_table_stays_on_a_screen(width: int) -> None:
    visits = [
        visit(f"p{i}", "error", requests=10**6, failed=10**5, bytes=10**12) for i in range(1000)
    ]
    names = {f"p{i}": "很" * 60 for i in range(1000)}
    text = as_text(
        closing(visits, ["应答骤减 answers halved: 站点 portals 0/1000"] * 5, names), width
    )
    lines = text.splitlines()
    assert len(lines) <= 32
    assert "另有 992 个 / more" in text
    assert text.count("告警 alarm: 应答骤减") == 5
    assert "100,000" in text


def test_reasons_are_no_markup_and_an_empty_night_has_a_table() -> None:
    assert "[red]x[/none]" in as_text(closing([], ["[red]x[/none]"]))
    assert "0/0" in as_text(closing([], []))
    assert "[/x]" in as_text(closing([visit("[/x]", "error")], []))
