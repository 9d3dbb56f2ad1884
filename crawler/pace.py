"""How far is each portal, and how long will it take?"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from crawler.progress import Standing


@dataclass(slots=True)
class Pace:
    """A portal's night: addresses done, reports among them, and those known to be left."""

    done: int = 0
    reports: int = 0
    _began: float | None = None
    _heard: float = 0.0
    _left: int = 1
    _done_then: int = 0

    def hear(self) -> float:
        """Note an answer; gives the seconds since the last one."""
        now = monotonic()
        before = self._heard if self._began is not None else now
        self._began = self._began if self._began is not None else now
        self._heard = now
        return now - before

    def count_left(self, left: int) -> None:
        """Note how many addresses are known to be left at this moment."""
        self._left, self._done_then = left, self.done

    def standing(self, portal_id: str, name: str, under_way: int) -> Standing:
        """How it stands; the time left is that of the pace so far."""
        left = max(self._left - (self.done - self._done_then), under_way)
        spent = self._heard - self._began if self._began is not None else 0.0
        seconds_left = left * spent / self.done if self.done > 1 else None
        return Standing(portal_id, name, self.done, left, self.reports, seconds_left)
