"""Who may ask whom, and when: one request at a time to a politeness group, with pauses between.

A group is a host; hosts become one group when at least three names lead to one address: portals of
one platform share a machine. All of it is state and a clock, without a network.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Protocol

from crawler.manners.refusals import CrawlEnding, GroupStopped

LONGEST_PAUSE = 3_600.0
PAUSES_BEFORE_STOP = 3
FAILURES_BEFORE_STOP = 12
# Pauses without a stated length are as long as this many delays, and never longer than a minute.
DEFAULT_PAUSE_DELAYS = 10
LONGEST_LATENCY_DELAY = 30.0
# Of the latency known so far and the latest: an odd slow answer counts, and is forgotten soon.
LATENCY_WEIGHTS = (0.7, 0.3)
NAMES_OF_A_PLATFORM = 3


class Timer(Protocol):
    """What a delayed call can be asked."""

    def cancel(self) -> None: ...


@dataclass(slots=True, eq=False)
class Turn:
    """A request that waits for, or has, its group's one place."""

    key: str
    arrived: int
    granted: asyncio.Future[None]


@dataclass(slots=True, eq=False)
class Group:
    """What is known tonight of those who must not be asked two things at once."""

    name: str
    under_way: set[Turn] = field(default_factory=set)
    waiting: deque[Turn] = field(default_factory=deque)
    last_left: float = float("-inf")
    paused_until: float = float("-inf")
    latency: float | None = None
    crawl_delay: float = 0.0
    stated_pauses: int = 0
    pauses_in_a_row: int = 0
    failures_in_a_row: int = 0
    timer: Timer | None = None

    @property
    def stopped(self) -> str | None:
        """Why this group is not asked again tonight, or None."""
        if max(self.stated_pauses, self.pauses_in_a_row) >= PAUSES_BEFORE_STOP:
            return f"{self.name} asked {PAUSES_BEFORE_STOP} times to wait: enough tonight"
        if self.failures_in_a_row >= FAILURES_BEFORE_STOP:
            return f"{self.name} failed {FAILURES_BEFORE_STOP} times in a row: enough tonight"
        return None


class Groups:
    """The politeness groups of a crawl. Times are seconds of `clock`."""

    def __init__(
        self,
        delay: float,
        latency_factor: float = 0.0,
        clock: Callable[[], float] = monotonic,
        later: Callable[[float, Callable[[Group], None], Group], Timer] | None = None,
    ) -> None:
        self._delay = delay
        self._latency_factor = latency_factor
        self._clock = clock
        self._later = later or _on_the_loop
        self._groups: dict[str, Group] = {}
        self._address: dict[str, str] = {}
        self._names: dict[str, set[str]] = {}
        self._platforms: dict[str, Group] = {}
        self._arrivals = 0
        self._ended: str | None = None

    def of(self, key: str) -> Group:
        """The group of a host; `key` is what addresses.group_of gives."""
        if key not in self._groups:
            self._groups[key] = Group(key)
        return self._groups[key]

    def settle(self, key: str, name: str, address: str) -> None:
        """Note where a host's name leads; the third name that leads there makes one group."""
        if self._address.get(key) == address:
            return
        self._address[key] = address
        names = self._names.setdefault(address, set())
        names.add(name)
        if len(names) < NAMES_OF_A_PLATFORM:
            return
        platform = self._platforms.setdefault(address, Group(address))
        for other, where in self._address.items():
            if where == address and (group := self.of(other)) is not platform:
                _join(platform, group)
                self._groups[other] = platform
        self._advance(platform)

    async def turn(self, key: str) -> Turn:
        """Wait for a group's place. Raises GroupStopped, CrawlEnding when there is none tonight."""
        group = self.of(key)
        self._arrivals += 1
        turn = Turn(key, self._arrivals, asyncio.get_running_loop().create_future())
        group.waiting.append(turn)
        self._advance(group)
        await turn.granted
        return turn

    def leave(self, turn: Turn, latency: float | None = None) -> None:
        """Give the place back; `latency` are the seconds that the answer took to begin."""
        group = self.of(turn.key)
        group.under_way.discard(turn)
        group.last_left = self._clock()
        if latency is not None:
            old, new = LATENCY_WEIGHTS
            known = latency if group.latency is None else group.latency
            group.latency = old * known + new * latency
        self._advance(group)

    def delay_of(self, key: str) -> float:
        """Seconds between the end of an answer and the next request."""
        group = self.of(key)
        slowness = self._latency_factor * (group.latency or 0.0)
        return max(self._delay, min(slowness, LONGEST_LATENCY_DELAY), group.crawl_delay)

    def slow_down(self, key: str, crawl_delay: float) -> None:
        """Keep a Crawl-delay of robots.txt."""
        group = self.of(key)
        group.crawl_delay = max(group.crawl_delay, crawl_delay)
        self._advance(group)

    def pause(self, key: str, seconds: float | None, *, stated: bool) -> float:
        """Ask a group nothing for a while, which is returned; None is a default while.

        `stated` is whether the server asked for it: those count for the whole night, others
        only in a row.
        """
        group = self.of(key)
        if seconds is None:
            seconds = min(DEFAULT_PAUSE_DELAYS * self._delay, 60.0)
        group.paused_until = max(group.paused_until, self._clock() + seconds)
        group.failures_in_a_row = 0
        group.pauses_in_a_row += 1
        group.stated_pauses += stated
        self._advance(group)
        return seconds

    def answered(self, key: str) -> None:
        """Note an ordinary answer, whatever it says."""
        group = self.of(key)
        group.failures_in_a_row = group.pauses_in_a_row = 0

    def failed(self, key: str) -> None:
        """Note that no answer came."""
        group = self.of(key)
        group.failures_in_a_row += 1
        self._advance(group)

    def end(self, reason: str) -> None:
        """Turn away all who wait, and all who come: the crawl is being ended."""
        self._ended = reason
        for group in list(self._groups.values()):
            self._advance(group)

    def _advance(self, group: Group) -> None:
        """Grant the place to the first who waits, as soon as that may be."""
        if group.timer is not None:
            group.timer.cancel()
            group.timer = None
        while group.waiting and group.waiting[0].granted.done():  # its request was cancelled
            group.waiting.popleft()
        while group.waiting and (refusal := self._refusal(group)):
            turn = group.waiting.popleft()
            if not turn.granted.done():
                turn.granted.set_exception(refusal)
        if group.under_way or not group.waiting:
            return
        ready = max(group.paused_until, group.last_left + self.delay_of(group.waiting[0].key))
        if (wait := ready - self._clock()) > 0:
            group.timer = self._later(wait, self._advance, group)
            return
        turn = group.waiting.popleft()
        group.under_way.add(turn)
        turn.granted.set_result(None)

    def _refusal(self, group: Group) -> GroupStopped | None:
        if self._ended:
            return CrawlEnding(self._ended)
        return GroupStopped(group.stopped) if group.stopped else None


def _join(platform: Group, group: Group) -> None:
    """Fold a host's group into its platform's: who is under way there is under way here."""
    if group.timer is not None:
        group.timer.cancel()
        group.timer = None
    platform.under_way |= group.under_way
    waiting = sorted((*platform.waiting, *group.waiting), key=lambda turn: turn.arrived)
    platform.waiting = deque(waiting)
    for counted in ("last_left", "paused_until", "crawl_delay", "stated_pauses"):
        most = max(getattr(platform, counted), getattr(group, counted))
        setattr(platform, counted, most)
    known = [one.latency for one in (platform, group) if one.latency is not None]
    platform.latency = max(known, default=None)


def _on_the_loop(seconds: float, call: Callable[[Group], None], group: Group) -> Timer:
    return asyncio.get_running_loop().call_later(seconds, call, group)


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds that a Retry-After header (seconds or a date) asks for, at most an hour."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_PAUSE)
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_PAUSE)
