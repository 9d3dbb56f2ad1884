"""How has the crawl fared, night by night and portal by portal, and how much is there?"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from archive import snapshot
from archive.coverage import province_of
from archive.schema import TABLES

OK = "ok"
# What a portal's night may be, as the reason why nothing came of it.
REASONS = {
    "challenge": "首页应答为验证页，未能进入",
    "needs_browser": "页面内容由脚本生成，需用浏览器才能读取",
    "shell": "首页只有空壳，内容由脚本生成",
    "opted_out": "网站已要求退出抓取",
    "robots": "robots.txt 不许可抓取",
    "stopped": "当夜抓取中止，未及完成",
    "gone": "首页地址已不存在",
    "soft_404": "首页应答为“页面不存在”一类的提示页",
    "moved": "首页转往别处",
    "home_redirect": "首页转往别处",
    "truncated": "应答残缺",
    "too_large": "应答过大，未予接收",
    "error": "首页没有应答，或应答出错",
}
NEVER = "尚未抓取"
COUNTS = tuple(
    name for name, column in TABLES["visits"].columns.items() if column.type == "INTEGER"
)
# What the table of portals keeps of the last night.
LAST = ("requests", "lists", "listed", "reports", "new", "edited", "blocked", "failed")

Row = Mapping[str, Any]


def reason(state: str | None, last: Row) -> str | None:
    """Why a portal's last night brought nothing, or less than it should, in Chinese; None where
    nothing is amiss. `last` has the counts of that night."""
    if state != OK:
        return REASONS.get(state or "", f"状态为 {state}" if state else NEVER)
    amiss = [
        f"{last[name]} 次请求{what}"
        for name, what in (("blocked", "被拦"), ("failed", "失败"))
        if last[name]
    ]
    if last["lists"] == 0 and not last["saved"] and not last["reports"]:
        amiss.append("没有年报列表应答")
    return "；".join(amiss) or None


def standing(visits: Sequence[Row]) -> dict[str, Any]:
    """What the nights of a portal, in order, come to: the last one's state, since when it has
    been so, how many nights it has been silent, and how often it was what."""
    last = visits[-1]
    since, silent = last["night"], 0
    for visit in reversed(visits):
        if visit["state"] != last["state"]:
            break
        since = visit["night"]
    for visit in reversed(visits):
        if visit["state"] == OK:
            break
        silent += 1
    states = Counter(str(visit["state"]) for visit in visits)
    return {
        "state": last["state"],
        "since": since,
        "last_night": last["night"],
        "last_ok": max((v["night"] for v in visits if v["state"] == OK), default=None),
        "silent": silent,
        "nights": len(visits),
        "ok_nights": states[OK],
        "verdicts": json.dumps(dict(sorted(states.items())), ensure_ascii=False),
        "reason": reason(last["state"], last),
        **{name: last[name] for name in LAST},
    }


# --- reading the snapshot -------------------------------------------------------------------------

NIGHTS = f"""
select night, count(*) as portals, sum(state = 'ok') as answered,
    {", ".join(f'sum("{name}") as "{name}"' for name in COUNTS)}, round(sum(seconds), 1) as seconds
from visits group by night order by night
"""
VISITS = f"""
select portal_id, night, state, {", ".join(f'"{name}"' for name in COUNTS)}
from visits order by portal_id, night
"""
HOW_MANY = {
    "portals": "select count(*) from portals",
    "issuers": "select count(*) from issuers",
    "reports": "select count(*) from reports",
    "versions": "select count(*) from versions",
    "edits": "select count(*) from versions where replaces is not null",
    "absent": "select count(*) from reports where status in ('gone', 'suspect')",
    "vanished": "select count(*) from reports where status = 'gone'",
    "silent_portals": "select count(*) from portal_health where state is not 'ok'",
    "portals_without_reports": "select count(*) from portals where not exists "
    "(select 1 from sightings where portal_id = portals.id and report_id is not null)",
    "segments": "select count(*) from segments",
    "segment_bytes": "select ifnull(sum(bytes), 0) from segments",
    "captures": "select ifnull(sum(captures), 0), min(first_at), max(last_at) from segments",
    "damages": "select count(*) from damages",
    "damaged_segments": "select count(distinct warc_file) from damages",
}


def add(db: sqlite3.Connection) -> None:
    """Make `nights`, `portal_health` and `counts`."""
    snapshot.make(db, "nights", snapshot.rows(db, NIGHTS))
    snapshot.make(db, "portal_health", _portals(db))
    columns = ("number", "first_at", "last_at")
    found = [(name, db.execute(question).fetchone()) for name, question in HOW_MANY.items()]
    snapshot.make(
        db,
        "counts",
        ({"what": name} | dict(zip(columns, row, strict=False)) for name, row in found),
    )


def _portals(db: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    nights = groupby(snapshot.rows(db, VISITS), key=itemgetter("portal_id"))
    following = next(nights, None)
    for portal in snapshot.rows(db, "select * from portals order by id"):
        while following and following[0] < portal["id"]:
            following = next(nights, None)
        row = {
            "portal_id": portal["id"],
            "name": portal["name"],
            "level": portal["level"],
            "division": portal["division"],
            "province": province_of(portal["level"], portal["division"]),
            "home_url": portal["home_url"],
            "state": portal["state"],
            "last_ok": portal["last_ok"],
            "silent": None,
            "nights": 0,
            "ok_nights": 0,
            "reason": None if portal["state"] == OK else reason(portal["state"], {}),
        }
        if following and following[0] == portal["id"]:
            row |= standing(list(following[1]))
            row["last_ok"] = max(filter(None, (row["last_ok"], portal["last_ok"])), default=None)
            following = next(nights, None)
        yield row
