"""Whose turn it is: on a clock of our own, without a network."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from crawler.manners.refusals import CrawlEnding, GroupStopped
from crawler.manners.turns import Groups, Turn


@dataclass
class Call:
    at: float
    call: Callable
    group: object
    cancelled: bool = False

    def cancel(self):
        self.cancelled = True


@dataclass
class Clock:
    """Time that passes only when told to."""

    at: float = 0.0
    calls: list[Call] = field(default_factory=list)

    def __call__(self) -> float:
        return self.at

    def later(self, seconds, call, group):
        self.calls.append(Call(self.at + seconds, call, group))
        return self.calls[-1]

    async def pass_until(self, at: float):
        while due := [c for c in self.calls if not c.cancelled and c.at <= at]:
            first = min(due, key=lambda call: call.at)
            self.at = max(self.at, first.at)
            self.calls.remove(first)
            first.call(first.group)
            await settled()
        self.at = at
        await settled()


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


class Street:
    """Askers with their turns, in the order in which they got them."""

    def __init__(self, delay=3.0, factor=0.0):
        self.clock = Clock()
        self.groups = Groups(delay, factor, self.clock, self.clock.later)
        self.served: list[tuple[float, str]] = []
        self.refused: list[tuple[str, type]] = []
        self.held: dict[str, Turn] = {}
        self.tasks = []

    async def ask(self, *names: str, key: str = ""):
        for name in names:
            self.tasks.append(asyncio.ensure_future(self._ask(name, key or name)))
            await settled()

    async def _ask(self, name, key):
        try:
            self.held[name] = await self.groups.turn(key)
        except GroupStopped as error:
            self.refused.append((name, type(error)))
        else:
            self.served.append((self.clock.at, name))

    async def leave(self, name, latency=None):
        self.groups.leave(self.held.pop(name), latency)
        await settled()


@pytest.mark.asyncio
async def test_one_at_a_time_and_the_delay_from_answer_to_request():
    street = Street(delay=3.0)
    await street.ask("first", "second", "third", key="a")
    await street.clock.pass_until(10.0)
    assert street.served == [(0.0, "first")]
    await street.leave("first")
    await street.clock.pass_until(12.9)
    assert street.served == [(0.0, "first")]
    await street.clock.pass_until(13.0)
    await street.leave("second")
    await street.clock.pass_until(20.0)
    assert street.served == [(0.0, "first"), (13.0, "second"), (16.0, "third")]


@pytest.mark.asyncio
async def test_groups_do_not_wait_for_each_other():
    street = Street()
    await street.ask("a", "b", "c")
    assert street.served == [(0.0, "a"), (0.0, "b"), (0.0, "c")]


@pytest.mark.parametrize(
    ("latencies", "delay"),
    [
        ((), 3.0),
        ((0.2,), 3.0),  # 5 x 0.2 = 1: the delay is longer
        ((2.0,), 10.0),
        ((60.0,), 30.0),  # not longer than that
        ((2.0, 1.0), 8.5),  # 5 x (0.7 x 2 + 0.3 x 1)
    ],
)
def test_slow_servers_are_asked_less_often(latencies, delay):
    clock = Clock()
    groups = Groups(3.0, 5.0, clock, clock.later)
    for latency in latencies:
        groups.leave(Turn("a", 0, None), latency)
    assert groups.delay_of("a") == pytest.approx(delay)
    assert Groups(0.02, 0.0, clock, clock.later).delay_of("a") == 0.02


@pytest.mark.asyncio
async def test_a_crawl_delay_holds_from_the_answer_that_told_it():
    street = Street(delay=0.02)
    await street.ask("robots", key="a")
    await street.leave("robots")
    street.groups.slow_down("a", 7.0)
    await street.ask("page", key="a")
    await street.clock.pass_until(30.0)
    assert street.served == [(0.0, "robots"), (7.0, "page")]


@pytest.mark.asyncio
async def test_a_pause_holds_for_all_of_the_group_and_three_end_its_night():
    street = Street(delay=1.0)
    await street.ask("first", "second", "third", "fourth", "fifth", key="a")
    assert street.groups.pause("a", 100.0, stated=True) == 100.0
    await street.leave("first")
    await street.clock.pass_until(101.0)
    assert street.served == [(0.0, "first"), (100.0, "second")]
    street.groups.answered("a")
    await street.leave("second")
    await street.clock.pass_until(102.0)
    assert street.groups.pause("a", None, stated=True) == 10.0  # ten delays
    await street.leave("third")
    await street.clock.pass_until(111.9)
    assert street.served[-1] == (102.0, "third")
    await street.clock.pass_until(112.0)
    assert street.served[-1] == (112.0, "fourth")
    street.groups.pause("a", 5.0, stated=True)
    await settled()
    assert street.refused == [("fifth", GroupStopped)]
    await street.ask("sixth", key="a")
    assert street.refused[-1] == ("sixth", GroupStopped)


def test_an_overload_without_a_word_counts_only_in_a_row():
    clock = Clock()
    groups = Groups(1.0, 0.0, clock, clock.later)
    for _ in range(2):
        groups.pause("a", None, stated=False)
        groups.pause("a", None, stated=False)
        groups.answered("a")
    assert groups.of("a").stopped is None
    for _ in range(3):
        groups.pause("a", None, stated=False)
    assert "asked 3 times to wait" in str(groups.of("a").stopped)


def test_twelve_failures_in_a_row_end_a_night():
    clock = Clock()
    groups = Groups(1.0, 0.0, clock, clock.later)
    for _ in range(11):
        groups.failed("a")
    groups.answered("a")
    for _ in range(11):
        groups.failed("a")
    assert groups.of("a").stopped is None
    groups.failed("a")
    assert "failed 12 times in a row" in str(groups.of("a").stopped)


@pytest.mark.asyncio
async def test_three_names_at_one_address_become_one_group_with_those_under_way():
    street = Street(delay=2.0)
    groups = street.groups
    for name in ("a", "b"):
        groups.settle(f"{name}.cn", f"{name}.cn", "9.9.9.9")
    await street.ask("a.cn", "b.cn")
    await street.ask("a2", key="a.cn")
    assert street.served == [(0.0, "a.cn"), (0.0, "b.cn")]  # two names are no platform
    groups.settle("c.cn", "c.cn", "9.9.9.9")
    await street.ask("c.cn")
    await street.leave("a.cn")
    await street.clock.pass_until(50.0)
    assert len(street.served) == 2, "b is still under way"
    await street.leave("b.cn")
    await street.clock.pass_until(51.9)
    assert len(street.served) == 2, "the delay counts from the last of them"
    await street.clock.pass_until(52.0)
    assert street.served[2:] == [(52.0, "a2")]
    await street.leave("a2")
    await street.clock.pass_until(60.0)
    assert street.served[3:] == [(54.0, "c.cn")]
    # A fourth belongs to it from its first request; what one of them said holds for all.
    groups.settle("d.cn:8080", "d.cn", "9.9.9.9")
    assert groups.of("d.cn:8080") is groups.of("a.cn")
    groups.slow_down("d.cn:8080", 9.0)
    assert groups.delay_of("b.cn") == 9.0


def test_ports_of_one_name_are_no_platform():
    clock = Clock()
    groups = Groups(1.0, 0.0, clock, clock.later)
    for port in (1, 2, 3):
        groups.settle(f"a.cn:{port}", "a.cn", "9.9.9.9")
    assert groups.of("a.cn:1") is not groups.of("a.cn:2")
    groups.settle("b.cn", "b.cn", "9.9.9.9")
    groups.settle("c.cn", "c.cn", "9.9.9.9")
    assert groups.of("a.cn:1") is groups.of("a.cn:2") is groups.of("c.cn")


def test_what_a_host_had_counted_its_platform_keeps():
    clock = Clock()
    groups = Groups(1.0, 0.0, clock, clock.later)
    for name in ("a", "b"):
        groups.settle(name, name, "9.9.9.9")
    groups.pause("a", 500.0, stated=True)
    groups.slow_down("b", 30.0)
    groups.settle("c", "c", "9.9.9.9")
    platform = groups.of("c")
    assert (platform.paused_until, platform.crawl_delay, platform.stated_pauses) == (500.0, 30.0, 1)


@pytest.mark.asyncio
async def test_an_ending_crawl_turns_away_who_waits_and_who_comes():
    street = Street(delay=3.0)
    await street.ask("first", "second", key="a")
    street.groups.end("stop")
    await settled()
    await street.ask("third", key="b")
    assert street.served == [(0.0, "first")]
    assert street.refused == [("second", CrawlEnding), ("third", CrawlEnding)]
    await street.leave("first")
    assert len(street.served) == 1


@pytest.mark.asyncio
async def test_who_gave_up_waiting_does_not_hold_the_others_up():
    street = Street(delay=3.0)
    await street.ask("first", "second", "third", key="a")
    street.tasks[1].cancel()
    await settled()
    await street.leave("first")
    await street.clock.pass_until(3.0)
    assert [name for _, name in street.served] == ["first", "third"]
