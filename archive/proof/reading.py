"""What does the archive read in a version: its cells, checks, changes, and where it was listed?"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

NOTE = (
    "以下是本档案对所存页面的读取结果，供查阅，不属于所证明的内容；所证明的是 archive/ 中的"
    "原始字节。"
    " What follows is how the archive reads the captured pages. It is no part of what is proven: "
    "that is the original bytes in archive/."
)


def reading(db: sqlite3.Connection, version_id: str) -> dict[str, Any]:
    """All that the archive says of a version, as JSON takes it."""
    version = _one(db, "select * from versions where id = ?", version_id)
    report = _one(db, "select * from reports where id = ?", version["report_id"])
    figures = _one(db, "select * from figures where version_id = ?", version_id)
    cells = [
        {"key": row["key"], "zh": row["zh"], "number": figures.get(row["flat"])}
        for row in db.execute("select key, flat, zh from fields order by position")
        if figures.get(row["flat"]) is not None
    ]
    of_version = "where version_id = ? order by"
    return {
        "note": NOTE,
        "version": version,
        "report": report,
        "issuer": _one(db, "select * from issuers where id = ?", report["issuer_id"]),
        "cells": cells,
        "cell_notes": _all(db, f"select * from cell_notes {of_version} field", version_id),
        "sections": _all(db, f"select * from sections {of_version} number", version_id),
        "findings": _all(db, f"select * from findings {of_version} rule, position", version_id),
        "changes": _all(
            db,
            "select * from changes where to_version = ? or from_version = ?"
            " order by from_version, to_version, position",
            version_id,
            version_id,
        ),
        "captures": _all(db, f"select * from captures {of_version} fetched_at, url", version_id),
        "sightings": _all(
            db,
            "select * from sightings where report_id = ? order by night, url",
            version["report_id"],
        ),
    }


def as_html(said: Mapping[str, Any]) -> str:
    """The same as a page that needs nothing else to be read."""
    return "\n".join(_page(said)) + "\n"


def _page(said: Mapping[str, Any]) -> Iterator[str]:
    title = escape(said["version"]["title"] or said["version"]["id"])
    yield '<!doctype html><html lang="zh"><meta charset="utf-8">'
    yield f"<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1><p>{escape(said['note'])}"
    yield f"<p>版本 version <code>{escape(said['version']['id'])}</code>"
    yield f'<p>原文 original <a href="{escape(_link(said))}">{escape(said["report"]["url"])}</a>'
    yield "<h2>数字 Cells</h2><table>"
    for cell in said["cells"]:
        number = escape(str(cell["number"]))
        yield f"<tr><td>{escape(cell['zh'])}<td><code>{cell['key']}</code><td>{number}"
    yield "</table><h2>格注 Notes</h2><table>"
    for note in said["cell_notes"]:
        yield _row(note["field"], note["state"], note["printed"])
    yield "</table><h2>核验 Findings</h2><table>"
    for finding in said["findings"]:
        yield _row(*(finding[name] for name in ("rule", "verdict", "expected", "actual", "blame")))
    yield "</table><h2>改动 Changes</h2><table>"
    for change in said["changes"]:
        where = change["field"] or change["aspect"] or f"第{change['section']}章"
        yield _row(change["from_version"], change["to_version"], where)
        yield _row("改前 before", change["before"])
        yield _row("改后 after", change["after"])
    yield "</table><h2>正文 Text</h2>"
    for section in said["sections"]:
        yield f"<h3>{escape(section['heading'] or '')}</h3>"
        yield from (f"<p>{escape(line)}" for line in (section["text"] or "").split("\n"))


def _link(said: Mapping[str, Any]) -> str:
    url = str(said["report"]["url"])
    return url if url.startswith(("http://", "https://")) else ""


def _row(*values: object) -> str:
    return "<tr>" + "".join(f"<td>{escape('' if v is None else str(v))}" for v in values)


def written(said: Mapping[str, Any]) -> bytes:
    """The reading as the bytes of a JSON file."""
    return (json.dumps(said, ensure_ascii=False, indent=1) + "\n").encode()


def _one(db: sqlite3.Connection, sql: str, *values: str) -> dict[str, Any]:
    row = db.execute(sql, values).fetchone()
    return dict(row) if row is not None else {}


def _all(db: sqlite3.Connection, sql: str, *values: str) -> list[dict[str, Any]]:
    return [dict(row) for row in db.execute(sql, values)]


_STYLE = (
    "body{font:16px/1.6 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "td{border-bottom:1px solid #ccc;padding:.2em .6em;vertical-align:top}"
)
