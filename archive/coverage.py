"""Which body has published for which year, was it on time, and if it is not here, why?

Deadlines: Regulations on Open Government Information (政府信息公开条例) of 2019, article 49:
departments of governments from the county up by 31 January, these governments by 31 March of the
following year; reports of years up to 2018 by 31 March (regulations of 2007, article 31). Bodies
the article does not name, townships and all below them among them, are held to the later day. So is
an office for a report that is its government's: one on the level or the whole jurisdiction; and
for a year without a report if its last one is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import groupby
from operator import itemgetter
from typing import Any
from urllib.parse import quote

from archive import snapshot
from archive.counted import OFFICE
from archive.names.bodies import describe, official_name, site_body
from archive.names.titles import issuer_in_title, report_title_verdict, year_in_title
from archive.spelling import compact

BEIJING = timezone(timedelta(hours=8))
# The regulations of 2007 took effect on 1 May 2008: no report is due for an earlier year.
FIRST_YEAR = 2008
JANUARY_SINCE = 2019
DUE_IN_JANUARY = frozenset({"department", "office", "vertical"})
BELOW_THE_COUNTY = "township"
OF_A_GOVERNMENT = frozenset({"own_level", "jurisdiction_aggregate"})
# A year's report may come out in its last weeks; a date before them is no date of publication.
EARLIEST_MONTH = 12
CENTRAL = "00"

BLOCKED = frozenset({"challenge", "robots", "opted_out"})
NEEDS_BROWSER = frozenset({"needs_browser", "shell"})
UNREADABLE = frozenset({"ok", "not_modified", "truncated", "too_large"})
TABLED = frozenset({"2021", "2019", "mixed", "stats2014"})
WAITING = "待下次构建"
PICTURE = ("图片", "扫描")
# How a link says that the body at its other end, or at its own, is no more.
ENDS_OTHER = frozenset({"renamed_from", "successor_of"})
ENDS_ITSELF = frozenset({"merged_into"})

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A report some list names which could not be read as one: the state that gives, and where."""

    state: str
    url: str


def due_on(year: int, kind: str | None, level: str | None, scope: str | None = None) -> date:
    """The last day on which a body of a kind and level may publish its report for a year, of what
    scope it is if known (article 49 of the regulations of 2019)."""
    in_january = (
        year >= JANUARY_SINCE
        and kind in DUE_IN_JANUARY
        and level != BELOW_THE_COUNTY
        and not (kind == OFFICE and scope in OF_A_GOVERNMENT)
    )
    return date(year + 1, 1, 31) if in_january else date(year + 1, 3, 31)


def very_late_after(due: date) -> date:
    """Two months after a deadline, on the last day of a month: 31 March, 31 May."""
    return date(due.year, due.month + 2, 31)


def punctuality(stated: str | None, due: date, year: int, first_seen: str | None) -> str:
    """on_time, late or very_late by the date a page states (ISO 8601); unknown without one, with
    one before December of the year reported on, or after the report was first seen (UTC)."""
    day = _day(stated)
    seen = _beijing_day(first_seen)
    if day is None or day < date(year, EARLIEST_MONTH, 1) or (seen and day > seen):
        return "unknown"
    if day <= due:
        return "on_time"
    return "late" if day <= very_late_after(due) else "very_late"


def due_years(known: Iterable[int], latest: int, this_year: int) -> list[int]:
    """The years of a body: all that are known, and those between the first of them and the later
    of the last and `latest`. A year in the future or before the duty began fills no gap."""
    years = set(known)
    sound = [year for year in years if FIRST_YEAR <= year <= this_year]
    if sound:
        years.update(range(min(sound), max(*sound, latest) + 1))
    return sorted(years)


def latest_due(kind: str | None, level: str | None, today: date, scope: str | None = None) -> int:
    """The latest year whose report a body of a kind and level should have published before
    `today`; `scope` is that of its reports, if known."""
    year = today.year - 1
    return year if due_on(year, kind, level, scope) < today else year - 1


def report_state(report: Row) -> str:
    """The state of a report that is here: `status`, `moved` (it left an address for another), and
    of its current version `media_type`, `form`, `numbers_read`, `ocr` (numbers recognised in a
    picture) and `unread` (attachments that could not be read)."""
    numbers, status = report["numbers_read"] or 0, report["status"]
    if status in ("gone", "suspect"):
        return "vanished" if status == "gone" else "suspect"
    if numbers == 0 and (report["form"] in TABLED or report["unread"]):
        return "unreadable"
    is_picture = str(report["media_type"] or "").startswith("image/")
    if is_picture or 0 < numbers <= (report["ocr"] or 0):
        return "image_only"
    return "moved" if status == "moved" or report["moved"] else "published"


def listed_state(verdict: str, reason: str | None) -> str:
    """The state of a report that a list names and the archive could not read."""
    if verdict in BLOCKED:
        return "blocked"
    if verdict in NEEDS_BROWSER:
        return "needs_browser"
    if verdict not in UNREADABLE or not reason or WAITING in reason:
        return "missing"
    return "image_only" if any(word in reason for word in PICTURE) else "unreadable"


def absent_state(portal_state: str | None, last_ok: str | None, due: date) -> str:
    """The state of a report no list names: its portal was closed to us ever since it was due, or
    it is missing."""
    if last_ok and last_ok >= due.isoformat():
        return "missing"
    if portal_state in BLOCKED:
        return "blocked"
    return "needs_browser" if portal_state in NEEDS_BROWSER else "missing"


def province_of(level: str | None, division: str | None) -> str:
    """The first two digits of a division, 00 for central bodies, empty where unknown."""
    if level == "central":
        return CENTRAL
    return division[:2] if division and division[:2].isdigit() else ""


def body_rows(
    body: Row,
    reports: Sequence[Row],
    listed: Mapping[int, Listed],
    ended: int | None,
    today: date,
) -> Iterator[dict[str, Any]]:
    """The rows of `coverage` of one body. `listed` are its reports by year that only a list names;
    `ended` is the year in which the body ended, if it did."""
    kind, level, portal = body["kind"], body["level"], body["portal_id"]
    by_year = {report["year"]: report for report in reports}
    # An office whose last report is its government's is held to that of a year without one.
    usual = by_year[max(by_year)]["scope"] if by_year else None
    latest = latest_due(kind, level, today, usual)
    if ended is not None:
        latest = min(latest, ended - 1)
    for year in due_years(by_year.keys() | listed.keys(), latest, today.year):
        report = by_year.get(year)
        due = due_on(year, kind, level, report["scope"] if report else usual)
        row = {
            "issuer_id": body["id"],
            "year": year,
            "due_on": due.isoformat(),
            "portal_id": portal,
            "level": level,
            "division": body["division"],
            "province": province_of(level, body["division"]),
        }
        if report:
            stated = report["first_published_on"] or report["published_on"]
            yield row | {
                "state": report_state(report),
                "on_time": punctuality(stated, due, year, report["first_seen"]),
                "published_on": stated,
                "report_id": report["id"],
                "evidence": f"/r/{quote(report['id'], safe='/-~._')}",
            }
        elif found := listed.get(year):
            evidence = f"/nianbao/sightings?url={quote(found.url, safe='')}"
            yield row | {"state": found.state, "evidence": evidence}
        else:
            state = absent_state(body["portal_state"], body["portal_last_ok"], due)
            yield row | {"state": state, "evidence": _portal_page(body["id"], portal)}


def _portal_page(issuer_id: str, portal_id: str | None) -> str:
    if portal_id:
        return f"/coverage/health?portal={quote(portal_id, safe='')}"
    return f"/r/{quote(issuer_id, safe='/-~._')}"


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def _beijing_day(stamp: str | None) -> date | None:
    try:
        moment = datetime.fromisoformat(str(stamp))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(BEIJING).date()


# --- reading the snapshot -------------------------------------------------------------------------

BODIES = """
select issuers.id, issuers.kind, issuers.level, issuers.division, issuers.portal_id,
    portals.state as portal_state, portals.last_ok as portal_last_ok
from issuers left join portals on portals.id = issuers.portal_id order by issuers.id
"""
REPORTS = """
select reports.id, reports.issuer_id, reports.year, reports.scope, reports.status,
    reports.first_seen,
    reports.published_on, first.published_on as first_published_on, shown.media_type,
    ifnull(shown.form, reports.form) as form, shown.numbers_read,
    exists (select 1 from events where report_id = reports.id and kind = 'moved') as moved,
    (select count(*) from cell_notes
        where version_id = shown.id and state = 'ocr') as ocr,
    shown.numbers_read = 0 and exists (select 1 from sightings
        where report_id = reports.id and role = 'attachment' and reason is not null) as unread
from reports
left join versions as shown on shown.id = reports.current_version
left join versions as first on first.report_id = reports.id and first.number = 1
order by reports.issuer_id, reports.year
"""
UNREAD = """
select sightings.url, sightings.title, sightings.verdict, sightings.reason, max(night) as night,
    portals.id as portal_id, portals.name as portal_name, portals.division
from sightings left join portals on portals.id = sightings.portal_id
where sightings.report_id is null group by sightings.url order by sightings.url
"""
NAMED = """
select id, name, portal_id from issuers union select issuer_id, name, null from issuer_names
"""
TOTALS = """
select year, '{by}' as "by", ifnull({code}, '') as code, state, count(*) as bodies,
    sum(ifnull(on_time, '') in ('late', 'very_late')) as late
from coverage group by year, 3, state
"""
GROUPS = (("all", "'all'"), ("province", "province"), ("level", "level"), ("portal", "portal_id"))


def add(db: sqlite3.Connection) -> None:
    """Make `coverage` and `coverage_totals`, as of the last night of the crawl."""
    today = as_of(db)
    listed, ended = _listed(db), _ended(db)
    reports = groupby(snapshot.rows(db, REPORTS), key=itemgetter("issuer_id"))
    snapshot.make(
        db, "coverage", _coverage(snapshot.rows(db, BODIES), reports, listed, ended, today)
    )
    snapshot.make(
        db,
        "coverage_totals",
        (row for by, code in GROUPS for row in snapshot.rows(db, TOTALS.format(by=by, code=code))),
    )


def as_of(db: sqlite3.Connection) -> date:
    """The day the archive knows of: its last night, or when a report was last seen."""
    for question in ("select max(night) from visits", "select max(last_seen) from reports"):
        if day := _day(db.execute(question).fetchone()[0]):
            return day
    return date(FIRST_YEAR, 1, 1)


def _coverage(
    bodies: Iterable[Row],
    reports: Iterator[tuple[str, Iterator[Row]]],
    listed: Mapping[str, Mapping[int, Listed]],
    ended: Mapping[str, int],
    today: date,
) -> Iterator[dict[str, Any]]:
    """Both in order of the body's id: neither fits into memory."""
    following = next(reports, None)
    for body in bodies:
        while following and following[0] < body["id"]:
            following = next(reports, None)
        own: list[Row] = []
        if following and following[0] == body["id"]:
            own = list(following[1])
            following = next(reports, None)
        known = listed.get(body["id"], {})
        yield from body_rows(body, own, known, ended.get(body["id"]), today)


def _listed(db: sqlite3.Connection) -> dict[str, dict[int, Listed]]:
    """What lists name and the archive could not read, by body and year."""
    found: dict[str, dict[int, Listed]] = {}
    named: dict[str, dict[str, set[str | None]]] | None = None
    for line in snapshot.rows(db, UNREAD):
        title = line["title"] or ""
        if "公开" not in title or report_title_verdict(title) != "report":
            continue
        year = year_in_title(title)
        if year is None:
            continue
        if named is None:
            named = _named(db)
        if issuer := _issuer(line, title, named):
            own = found.setdefault(issuer, {})
            state = listed_state(line["verdict"], line["reason"])
            # Of several addresses one that says more than that nothing is there.
            if year not in own or own[year].state == "missing":
                own[year] = Listed(state, line["url"])
    return found


def _named(db: sqlite3.Connection) -> dict[str, dict[str, set[str | None]]]:
    """Which bodies bear an official name, and at which portals."""
    named: dict[str, dict[str, set[str | None]]] = {}
    for row in snapshot.rows(db, NAMED):
        bearers = named.setdefault(official_name(compact(row["name"] or "")), {})
        bearers.setdefault(row["id"], set()).add(row["portal_id"])
    return named


def _issuer(
    line: Row, title: str, named: Mapping[str, Mapping[str, set[str | None]]]
) -> str | None:
    """The one body a title names, or whose site lists it; None where several might be meant."""
    portal_name = line["portal_name"] or ""
    name = issuer_in_title(title) or site_body(portal_name)
    full = describe(compact(name), portal_name, line["division"]).name if name else ""
    bearers = named.get(official_name(compact(full)), {})
    if len(bearers) > 1:
        bearers = {id: at for id, at in bearers.items() if line["portal_id"] in at}
    return next(iter(bearers)) if len(bearers) == 1 else None


def _ended(db: sqlite3.Connection) -> dict[str, int]:
    """The year in which a body ended, by its id."""
    ended: dict[str, int] = {}
    for row in snapshot.rows(db, "select issuer_id, relation, other_id, on_date from issuer_links"):
        day = _day(row["on_date"])
        if day and row["relation"] in ENDS_ITSELF:
            ended[row["issuer_id"]] = day.year
        elif day and row["other_id"] and row["relation"] in ENDS_OTHER:
            ended[row["other_id"]] = day.year
    return ended
