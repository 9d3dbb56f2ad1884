"""What does an answer mean for its address: is it news, and when is it asked again? Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from urllib.parse import urlsplit

from crawler import schedule
from crawler.address import NO_ROWS, Answer, Row
from crawler.links import SURE

FAILURES_OF_A_SEARCH = 3
# Where in the month the turns of lists' later pages begin, and of the ways to columns: those of
# reports begin with the first night.
PAGES, WAYS = 10, 20


def event_of(answer: Answer, kind: str) -> str:
    """What an answer is news of, in the life of a report; "" for what is none or tells nothing."""
    row = answer.row
    if not (kind in ("report", "attachment") or answer.carries or row.carries):
        return ""
    match answer.verdict:
        case "gone" | "soft_404":
            return "gone" if row.print else ""
        case "moved":
            return "moved" if row.last_verdict != "moved" else "unchanged"
        case "ok" | "not_modified" if row.nights_gone >= schedule.NIGHTS_OF_A_REMOVAL:
            return "back"
        case "not_modified":
            return "unchanged"
        case "ok" if not row.print:
            return "new"
        case "ok":
            return "unchanged" if answer.print == row.print else "edited"
    return ""


def next_of(
    answer: Answer, kind: str, event: str, night: date, *, fresh: bool, turn: int
) -> tuple[float, str, int, int]:
    """Interval, night it is due, failures in a row and nights gone, after an answer.

    `turn` numbers the portal's addresses of a kind, in the order of their first answers.
    """
    row = answer.row
    answered = answer.verdict in ("ok", "not_modified", "moved")
    is_gone = answer.verdict in ("gone", "soft_404")
    failures = 0 if answered or is_gone else row.failures + 1
    # Only an answer tells: a night of failures is neither gone nor back.
    nights_gone = row.nights_gone + 1 if is_gone else 0 if answered else row.nights_gone
    if kind in ("report", "attachment"):
        if is_gone:
            # What never was there is no removal: the address of a report that may yet come.
            waits = row.print or fresh or schedule.may_yet_come(row.title, night)
            nights = nights_gone if row.print else 1 if waits else schedule.NIGHTS_OF_A_REMOVAL
            return row.interval, schedule.after_gone(nights, night), 0, nights_gone
        if failures:
            return row.interval, schedule.after_failure(failures, night), failures, nights_gone
        if not row.interval:
            interval, due = schedule.first_due(turn, night, fresh=fresh)
        else:
            changed = event in ("edited", "back")
            interval, due = schedule.next_due(row.interval, night, changed=changed, fresh=fresh)
        return interval, due, 0, nights_gone
    due = _next_listing(answer, kind, failures, nights_gone, night, turn)
    return 0.0, due, failures, nights_gone


def _next_listing(
    answer: Answer, kind: str, failures: int, nights_gone: int, night: date, turn: int
) -> str:
    row = answer.row
    match kind:
        case "home":
            return schedule.tomorrow(night)
        case "probe":
            return schedule.weekly(night)
        case "list" if row.is_further and answer.verdict not in ("ok", "not_modified"):
            return schedule.after_gone(schedule.NIGHTS_OF_A_REMOVAL, night)
        case "list" if row.is_further and schedule.in_season(night):
            return schedule.tomorrow(night)
        case "list" if row.is_further:
            return schedule.monthly(turn + PAGES, night, first=not row.last_night)
        case "list" if failures or nights_gone:
            return schedule.after_failure(max(failures, nights_gone), night)
        case "list" if answer.leads or row.keep or schedule.in_season(night):
            return next_list(replace(row, print=answer.print or row.print), night, turn)
        case "list" if row.score >= SURE:
            return schedule.weekly(night)
        case "discovery" if row.keep:
            return schedule.monthly(turn + WAYS, night, first=not row.last_night)
        case "peek" | "discovery" if 0 < failures < FAILURES_OF_A_SEARCH:
            return schedule.after_failure(failures, night)
    return schedule.NEVER


def next_list(row: Row, night: date, turn: int) -> str:
    """When the first page of a list of reports is due again."""
    if schedule.is_closed(row.title, urlsplit(row.url).path, night):
        return schedule.monthly(turn, night, first=not row.last_night)
    if row.print == NO_ROWS and not schedule.in_season(night) and not row.above:
        # A frame around its lists, which are asked themselves.
        return schedule.weekly(night)
    return schedule.tomorrow(night)
