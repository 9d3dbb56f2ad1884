"""The hours of the night in which portals are asked: their own night, in Asia/Shanghai (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
_WINDOW = re.compile(r"(\d\d?):(\d\d)(?::(\d\d))?\s*[-–]\s*(\d\d?):(\d\d)(?::(\d\d))?")


@dataclass(frozen=True, slots=True)
class Window:
    """From a time of day to another, past midnight where the second is the earlier."""

    opens: time
    closes: time

    def __str__(self) -> str:
        return f"{_short(self.opens)}-{_short(self.closes)}"

    def is_open(self, now: datetime) -> bool:
        at = now.astimezone(CHINA).time()
        if self.opens < self.closes:
            return self.opens <= at < self.closes
        return at >= self.opens or at < self.closes

    def next_opening(self, now: datetime) -> datetime:
        """When it opens next, where the portals are."""
        return _next(self.opens, now)

    def next_closing(self, now: datetime) -> datetime:
        """When it closes next, where the portals are."""
        return _next(self.closes, now)

    def night(self, now: datetime) -> date:
        """The date on which the opening fell that `now` belongs to: one night, one date."""
        closing = self.next_closing(now).date()
        return closing if self.opens < self.closes else closing - timedelta(days=1)


def parse_window(text: str) -> Window | None:
    """The window written as 22:00-06:00; None for "" and "any". Raises ValueError for others."""
    if text.strip().lower() in ("", "any"):
        return None
    match = _WINDOW.fullmatch(text.strip())
    if match:
        opens, closes = _time(match.groups()[:3]), _time(match.groups()[3:])
        if opens is not None and closes is not None and opens != closes:
            return Window(opens, closes)
    raise ValueError(f"{text!r} is no window; write it as 22:00-06:00, or any for no window")


def _time(parts: Sequence[str | None]) -> time | None:
    hours, minutes, seconds = (int(part or 0) for part in parts)
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    return time(hours, minutes, seconds)


def _next(at: time, now: datetime) -> datetime:
    here = now.astimezone(CHINA)
    moment = datetime.combine(here.date(), at, CHINA)
    return moment if moment > here else moment + timedelta(days=1)


def _short(at: time) -> str:
    return f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"
