"""When is an address due again? Pure.

Unchanged answers stretch the interval and changed ones shrink it, as Nutch's AdaptiveFetchSchedule
does (x 1.4, x 0.8), between a night and a month: a silent edit is found within thirty days. What
is fresh is asked every night, and so is, from January to April, the year that reports are due for.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date, timedelta

LONGEST = 30
# Regulation of 2019, art. 50: departments publish by 31 January, governments by 31 March.
SEASON = (1, 2, 3, 4)
SLOWER, FASTER = 1.4, 0.8
RECENT = timedelta(days=30)
# A host's page for what is not there; frames around lists; columns still empty.
WEEK = 7
# A removal is that many nights of gone while the portal answers.
NIGHTS_OF_A_REMOVAL = 3
NEVER = "9999"

_YEAR = re.compile(r"(?:19|20)\d{2}")
# A folder of a year: /2023/, /2023n_5714/, /n2023n/, /nb_2023n/; not /xxgk2020/, a platform's age.
_YEAR_FOLDER = re.compile(
    r"/(?:n|nb|nd)?_?((?:19|20)\d{2})(?:nd?b?|nian)?(?:_\d+)?(?=/|\.s?html?$|$)"
)


@dataclass(frozen=True, slots=True)
class Dates:
    """What tells how fresh a report is: the list's date, and when we and its portal first met."""

    listed: str = ""
    discovered: str = ""
    portal_since: str = ""
    title: str = ""


def in_season(night: date) -> bool:
    """Whether reports are being published and mended."""
    return night.month in SEASON


def is_fresh(about: Dates, night: date) -> bool:
    """Whether a report is asked every night: listed or met lately, or of the season under way.

    Meeting it on a portal's first night tells nothing of its age.
    """
    if _within(about.listed, night):
        return True
    if about.discovered != about.portal_since and _within(about.discovered, night):
        return True
    return in_season(night) and str(night.year - 1) in _YEAR.findall(about.title)


def _within(day: str, night: date) -> bool:
    try:
        age = night - date.fromisoformat(day)
    except ValueError:
        return False
    return timedelta() <= age <= RECENT


def may_yet_come(title: str, night: date) -> bool:
    """Whether a report that is not there may be published any day: this year's, or a late one."""
    years = [int(year) for year in _YEAR.findall(title)]
    return in_season(night) and max(years, default=night.year) >= night.year - 2


def is_closed(title: str, path: str, night: date) -> bool:
    """Whether a list is that of a year whose reports have long been due, by its name or folder."""
    years = _YEAR.findall(title) or _YEAR_FOLDER.findall(path)
    return bool(years) and int(max(years)) <= night.year - 2 and not in_season(night)


def first_due(turn: int, night: date, *, fresh: bool) -> tuple[float, str]:
    """Interval in days and night of the second visit.

    Old reports take turns over a month, so that every night has as many; in the season a young
    capture is looked at again the next night.
    """
    if fresh or in_season(night):
        return 1.0, _after(night, 1)
    return float(LONGEST), _after(night, 1 + turn % LONGEST)


def next_due(interval: float, night: date, *, changed: bool, fresh: bool) -> tuple[float, str]:
    """Interval in days and night of the next visit, after one that was answered."""
    interval = min(max(interval * (FASTER if changed else SLOWER), 1.0), float(LONGEST))
    return interval, _after(night, 1 if fresh or changed else int(interval))


def after_failure(failures: int, night: date) -> str:
    """The night of the next try after so many failed nights in a row: 1, 2, 4, then 7 days on."""
    return _after(night, min(2 ** min(failures - 1, 3), WEEK))


def after_gone(nights_gone: int, night: date) -> str:
    """The night on which to look again for what is gone; it may come back."""
    return _after(night, 1 if nights_gone < NIGHTS_OF_A_REMOVAL else LONGEST)


def weekly(night: date) -> str:
    """The night a week on."""
    return _after(night, WEEK)


def monthly(turn: int, night: date, *, first: bool) -> str:
    """A night of the coming month; at the second visit to many addresses they take turns."""
    return _after(night, 1 + turn % LONGEST if first else LONGEST)


def tomorrow(night: date) -> str:
    """The night after."""
    return _after(night, 1)


def spread(key: str, days: int) -> int:
    """A number from 0 below `days`, the same for a key in every process."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % days


def _after(night: date, days: int) -> str:
    return (night + timedelta(days=days)).isoformat()
