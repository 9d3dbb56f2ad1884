"""Which night does a crawl believe it is, and what time? Portals live by China's clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

PORTALS = ZoneInfo("Asia/Shanghai")


def tonight() -> date:
    """Today's date where the portals are."""
    return datetime.now(PORTALS).date()


class Clock:
    """The time of a crawl: the real one, unless its night was set to another date.

    Then the night begins at noon where the portals are, which is one date there and in UTC. A crawl
    of the evening before that is taken up again after midnight keeps the real time.
    """

    def __init__(self, night: str = "") -> None:
        """`night` is YYYY-MM-DD, or "" for today's. Raises ValueError when it is no date."""
        self.night = _date(night)
        noon = datetime.fromisoformat(f"{self.night}T04:00:00Z")
        is_set = night and self.night != _last_evening()
        self._ahead = noon - datetime.now(UTC) if is_set else timedelta()

    def now(self) -> str:
        """The moment, as the night has it, in UTC with seconds."""
        return f"{datetime.now(UTC) + self._ahead:%Y-%m-%dT%H:%M:%SZ}"


def _date(given: str) -> str:
    if not given:
        return tonight().isoformat()
    try:
        return date.fromisoformat(given).isoformat()
    except ValueError:
        raise ValueError(f"night={given!r} is no date; write it as YYYY-MM-DD") from None


def _last_evening() -> str:
    """The date of the evening before, from midnight to noon where the portals are; else ""."""
    here = datetime.now(PORTALS)
    return (here.date() - timedelta(days=1)).isoformat() if here.hour < 12 else ""
