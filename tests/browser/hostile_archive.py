"""An archive into which every payload was brought, in every column that holds words.

Payload N is the name of portal, body and report N, and stands in all that is told of them.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

from tests.browser.payloads import AWAY, PAYLOADS, RUN
from tests.site_fixture import SEGMENT, figures, insert, lay_out, tables, write_warc

YEAR, FORM = 2023, "2021"
SEEN = ("2024-03-01T18:00:00Z", "2024-03-03T18:00:00Z")
NIGHTS = ("2024-03-01", "2024-03-03")
# A captured page that tries whatever a page can do to who looks at it.
HOSTILE_PAGE = f"""<!DOCTYPE html><html><head><meta charset="utf-8">
<title>2023年政府信息公开工作年度报告</title>
<base href="{AWAY}/"><meta http-equiv="refresh" content="0;url={AWAY}/refresh">
<meta http-equiv="Content-Security-Policy" content="default-src *">
<link rel="stylesheet" href="{AWAY}.css"><link rel="prefetch" href="{AWAY}/prefetch">
<link rel="preconnect" href="{AWAY}"><link rel="dns-prefetch" href="{AWAY}">
<link rel="icon" href="{AWAY}.ico"><link rel="manifest" href="{AWAY}.json">
<style>@import url({AWAY}/import.css); @font-face {{ font-family: f; src: url({AWAY}.woff) }}
body {{ background: url({AWAY}.png); font-family: f }}</style>
<script src="{AWAY}.js"></script>
<script>parent.{RUN}; top.location = "{AWAY}/top"; alert(1); window.open("{AWAY}/open");
localStorage.x = 1; document.cookie = "pwned=1"; fetch("{AWAY}/fetch");
navigator.sendBeacon("{AWAY}/beacon"); new WebSocket("ws://hostile.example/");
navigator.serviceWorker.register("/static/charts.js"); parent.document.title = "pwned";</script>
</head><body onload="parent.{RUN}">
<h1 id="shown">洪泽区民政局2023年政府信息公开工作年度报告</h1>
<img src="{AWAY}.png" srcset="{AWAY}-2.png 2x" onerror="parent.{RUN}"><video autoplay src="{AWAY}.mp4">
<track src="{AWAY}.vtt" default></video><audio autoplay src="{AWAY}.mp3"></audio>
<iframe src="{AWAY}/frame"></iframe><iframe srcdoc="<script>top.{RUN}</script>"></iframe>
<object data="{AWAY}.swf"></object><embed src="{AWAY}.pdf"><applet code="{AWAY}"></applet>
<form id="f" action="{AWAY}/form" target="_top"><input name="q" autofocus onfocus="parent.{RUN}">
<button id="send">提交</button></form><script>document.getElementById("f").submit()</script>
<a id="top" href="{AWAY}/link" target="_top">首页</a>
<a id="blank" href="{AWAY}/blank" target="_blank">新窗口</a>
<a id="script" href="javascript:parent.{RUN}">脚本</a>
<a id="download" href="data:text/html,x" download="x.html">下载</a>
<svg xmlns="http://www.w3.org/2000/svg"><script>parent.{RUN}</script>
<image href="{AWAY}.svg"/><use href="{AWAY}.svg#x"/></svg>
<table background="{AWAY}.gif"><tr><td style="background:url({AWAY}/td.png)">泥鳅</td></tr></table>
{"".join(f"<div>{payload}</div>" for payload in PAYLOADS[:-1])}
</body></html>""".encode()
DIGEST = hashlib.sha256(HOSTILE_PAGE).hexdigest()


def issuer_of(number: int) -> str:
    return f"3208{number:02d}-x"


def digests_of(number: int) -> tuple[str, str]:
    """The digests of the two versions of report N; the hostile page is the first of report 0."""
    first, second = (hashlib.sha256(f"{number} {part}".encode()).hexdigest() for part in "ab")
    return (DIGEST if number == 0 else first), second


def build_hostile_site(folder: Path) -> Path:
    """Write the site folder and its one captured page; gives the folder's path."""
    site, warc = folder / "site", folder / "warc"
    site.mkdir(parents=True)
    warc.mkdir()
    (offset,) = write_warc(warc / SEGMENT, [("text/html", HOSTILE_PAGE)])
    db = sqlite3.connect(site / "nianbao.db")
    tables(db)
    for number, payload in enumerate(PAYLOADS):
        _body(db, number, payload)
        _report(db, number, payload, offset)
        _history(db, number, payload)
    lay_out(db, site, warc)
    return site


def _body(db: sqlite3.Connection, number: int, payload: str) -> None:
    issuer, portal, division = issuer_of(number), f"p{number}", f"3208{number:02d}"
    insert(db, "portals", {
        "id": portal, "name": payload, "division": division, "level": "county",
        "home_url": payload, "last_ok": NIGHTS[1], "state": payload if number % 2 else "ok",
    })  # fmt: skip
    for night, seen in zip(NIGHTS, SEEN, strict=True):
        insert(db, "visits", {
            "portal_id": portal, "night": night, "state": payload if number % 2 else "ok",
            "seen_at": seen, "requests": 10, "bytes": 1000, "lists": 1, "listed": 2, "reports": 1,
        })  # fmt: skip
    insert(db, "divisions", {
        "code": division, "name": payload, "level": "county", "parent": "320800",
        "dated": payload, "former_names": payload, "now": payload,
    })  # fmt: skip
    insert(db, "issuers", {
        "id": issuer, "name": payload, "minted_as": payload, "division": division,
        "level": "county", "kind": payload if number % 2 else "department", "portal_id": portal,
        "parent": payload, "place_code": division, "place_name": payload,
    })  # fmt: skip
    insert(db, "issuer_names", {
        "issuer_id": issuer, "name": f"{payload} 旧", "first_seen": payload, "last_seen": payload,
    })  # fmt: skip
    insert(db, "issuer_links", {
        "issuer_id": issuer, "relation": "renamed_from", "other_id": f"3208{number:02d}-o",
        "other_name": payload, "on_date": payload, "author": payload, "reason": payload,
    })  # fmt: skip
    insert(db, "redirects", {"path": f"{issuer}/2015", "target": None, "reason": payload})


def _report(db: sqlite3.Connection, number: int, payload: str, offset: int) -> None:
    report = f"{issuer_of(number)}/{YEAR}"
    digests = digests_of(number)
    first, second = (f"{report}/{digest[:12]}" for digest in digests)
    url = f"http://www.example.gov.cn/{number}/{payload}"
    insert(db, "reports", {
        "id": report, "issuer_id": issuer_of(number), "year": YEAR, "form": FORM,
        "scope": payload if number % 2 else "own_body", "title": payload, "published_on": payload,
        "url": payload if number % 2 else url, "status": ("live", "gone", "suspect")[number % 3],
        "current_version": second, "first_seen": SEEN[0], "last_seen": SEEN[1],
    })  # fmt: skip
    applicants = {"natural_person": 10 + number, "enterprise": 2, "total": 12 + number}
    for place, version in enumerate((first, second)):
        insert(db, "versions", {
            "id": version, "report_id": report, "number": place + 1, "title": payload,
            "replaces": first if place else None, "first_seen": SEEN[place], "form": FORM,
            "last_seen": SEEN[place], "media_type": "text/html", "parser": payload,
            "content_digest": digests[place], "flags": payload, "published_on": payload,
            "numbers_read": 200, "nonzero_cells": 9,
        })  # fmt: skip
        numbers = {
            f"requests__{row}__{column}": amount + place
            for row in ("received_new", "granted", "concluded_total")
            for column, amount in applicants.items()
        }
        cells = figures(FORM, **{**numbers, "disclosure__regulations__issued": None})
        insert(db, "figures", {"version_id": version, **cells})
        insert(db, "captures", {
            "digest": digests[place], "url": url, "fetched_at": SEEN[place], "status": 200,
            "media_type": "text/html", "warc_file": SEGMENT if number + place == 0 else payload,
            "offset": offset + number + place, "record_type": "response", "version_id": version,
        })  # fmt: skip
        insert(db, "cell_notes", {
            "version_id": version, "field": "disclosure.regulations.issued", "state": "text",
            "printed": payload,
        }, {
            "version_id": version, "field": "requests.granted.total", "state": "ocr",
            "printed": payload, "confidence": 0.4,
        })  # fmt: skip
        insert(db, "sections", {
            "version_id": version, "number": 1, "heading": payload,
            "text": f"{payload}\n收到申请{12 + place}件\n{payload}",
        })  # fmt: skip
        insert(db, "extras", {
            "version_id": version, "position": 1, "label": payload, "unit": payload,
            "printed": payload,
        })  # fmt: skip
        insert(db, "unused", {
            "version_id": version, "position": 1, "kind": payload if number % 2 else "number",
            "place": payload, "text": payload,
        })  # fmt: skip
        insert(db, "findings", {
            "version_id": version, "rule": "V.outcomes", "position": 1, "verdict": "fail",
            "expected": payload, "actual": payload, "blame": payload, "explanation": payload,
            "cells": '["requests.granted.total"]', "printed": payload,
        }, {
            "version_id": version, "rule": payload[:80], "position": 1, "verdict": "fail",
            "expected": payload, "actual": payload, "blame": "publisher", "explanation": payload,
            "cells": json.dumps([payload]), "proposed": json.dumps({payload: payload}),
            "printed": payload,
        })  # fmt: skip


def _history(db: sqlite3.Connection, number: int, payload: str) -> None:
    issuer, portal = issuer_of(number), f"p{number}"
    report = f"{issuer}/{YEAR}"
    first, second = (f"{report}/{digest[:12]}" for digest in digests_of(number))
    url = f"http://www.example.gov.cn/{number}/{payload}"
    insert(db, "changes", {
        "report_id": report, "from_version": first, "to_version": second, "position": 0,
        "field": "requests.received_new.total", "before": payload, "after": f"{payload} 后",
    }, {
        "report_id": report, "from_version": first, "to_version": second, "position": 1,
        "section": 1, "before": payload, "after": f"{payload} 后",
    }, {
        "report_id": report, "from_version": first, "to_version": second, "position": 2,
        "aspect": "title", "before": payload, "after": payload,
    })  # fmt: skip
    insert(db, "events", {
        "report_id": report, "position": 1, "kind": "new", "at": SEEN[0], "night": NIGHTS[0],
        "url": payload, "version_id": first, "days_since_publication": 40,
    }, {
        "report_id": report, "position": 2, "kind": "edited", "at": SEEN[1], "night": NIGHTS[1],
        "url": url, "version_id": second, "from_version": first, "days_since_publication": 42,
    })  # fmt: skip
    for night, seen in zip(NIGHTS, SEEN, strict=True):
        insert(db, "sightings", {
            "url": url, "portal_id": portal, "night": night, "role": "page", "title": payload,
            "listed_on": payload, "seen_at": seen, "verdict": payload if number % 2 else "ok",
            "report_id": report, "reason": payload,
        })  # fmt: skip
    insert(db, "corrections", {
        "number": 2 * number + 1, "subject": f"cell:{report}/requests.granted.total",
        "aspect": "value", "value": payload, "author": payload, "date": payload,
        "reason": payload, "state": "applied",
    }, {
        "number": 2 * number + 2, "subject": f"issuer:{issuer}", "aspect": payload,
        "value": payload, "author": payload, "date": payload, "reason": payload,
        "state": payload,
    })  # fmt: skip
    insert(db, "damages", {"warc_file": SEGMENT, "offset": number, "reason": payload})
