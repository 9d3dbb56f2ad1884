"""The tables `metrics` and `measures` of a snapshot: what is measured, and each report's values."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict

from archive import counted, form
from archive.metrics import FROM_CELLS, METRICS, OF_A_REPORT, measure_sql
from archive.schema import PUBLISHED
from archive.snapshot import make

# The forms whose cells can be counted: one report prints all of them.
WHOLE_FORMS = ("2021", "2019", "stats2014")
HARD_RULES = tuple(rule.id for rule in form.IDENTITIES if rule.level == "hard")
# Chapters in which bodies tell of their work in their own words: 总体情况, 存在的主要问题.
OWN_WORDS = (1, 5)
# Shorter pieces are headings and set phrases.
SHORTEST_SENTENCE = 8
SENTENCE_END = re.compile(r"[。！？；!?;\n]+")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def add(db: sqlite3.Connection) -> None:
    """Create and fill `metrics` and `measures` from the current versions of all reports."""
    columns = PUBLISHED["metrics"].columns.keys()
    make(
        db,
        "metrics",
        (
            {name: value for name, value in asdict(metric).items() if name in columns}
            for metric in METRICS.values()
        ),
    )
    make(db, "measures", ())
    db.execute("begin")
    db.execute("create temp table repeated (report_id text primary key, share real, n integer)")
    db.executemany("insert into repeated values (?, ?, ?)", _repeated(db))
    db.execute("create temp table counted (report_id text primary key, government text)")
    db.executemany("insert into counted values (?, ?)", counted.counted_reports(db))
    measured = _statement()
    names = ", ".join(f'"{name}"' for name in measured)
    db.execute(
        f"""
        insert into measures ({names})
        select {", ".join(measured.values())}
        from reports join issuers on issuers.id = reports.issuer_id
        left join versions on versions.id = reports.current_version
        left join figures on figures.version_id = reports.current_version
        left join repeated on repeated.report_id = reports.id
        left join counted on counted.report_id = reports.id
        left join (
            select version_id, sum(verdict = 'pass') as passed,
                sum(verdict in ('pass', 'fail', 'explained')) as checkable
            from findings where rule in ({", ".join("?" * len(HARD_RULES))}) group by version_id
        ) as checked on checked.version_id = reports.current_version
        -- Those that are compared with each other lie side by side.
        order by reports.year, issuers.level, issuers.division, reports.id
        """,
        HARD_RULES,
    )
    db.execute("drop table repeated")
    db.execute("drop table counted")
    db.execute("commit")


def _statement() -> dict[str, str]:
    """SQL for every column of `measures`."""
    cells = " ".join(f"when '{name}' then {len(form.keys(name))}" for name in WHOLE_FORMS)
    of_form = f"case reports.form {cells} end"
    columns = {
        "report_id": "reports.id",
        "issuer_id": "reports.issuer_id",
        "year": "reports.year",
        "level": "issuers.level",
        "division": "issuers.division",
        "scope": "reports.scope",
        "form": "reports.form",
        "version_id": "reports.current_version",
        "nonzero_cells": "versions.nonzero_cells",
        "is_doubtful": "ifnull(versions.flags, '') <> ''",
        "counted_by": "counted.government",
    }
    for metric in FROM_CELLS:
        columns[metric.flat], columns[f"{metric.flat}__n"] = measure_sql(metric)
    shares = (
        ("100.0 * checked.passed / nullif(checked.checkable, 0)", "checked.checkable"),
        (f"100.0 * versions.numbers_read / {of_form}", of_form),
        ("repeated.share", "repeated.n"),
    )
    for key, (value, n) in zip(OF_A_REPORT, shares, strict=True):
        columns[key], columns[f"{key}__n"] = value, n
    return columns


def _repeated(db: sqlite3.Connection) -> Iterator[tuple[str, float | None, int]]:
    """(report, share, n) of every report whose body has one of the year before."""
    known: tuple[str, int, list[str]] = ("", 0, [])
    places = ", ".join("?" * len(OWN_WORDS))
    for report, issuer, year, version in db.execute(
        "select id, issuer_id, year, current_version from reports order by issuer_id, year"
    ):
        text = "\n".join(
            text or ""
            for (text,) in db.execute(
                f"select text from sections where version_id = ? and number in ({places})",
                (version, *OWN_WORDS),
            )
        )
        now = sentences(text)
        if known[:2] == (issuer, year - 1) and known[2]:
            yield (report, *repeated_share(now, known[2]))
        known = (issuer, year, now)


def sentences(text: str) -> list[str]:
    """The sentences of a text as they are compared: white space gone, every number a 0; short ones
    left out."""
    folded = unicodedata.normalize("NFKC", text)
    pieces = ("".join(piece.split()) for piece in SENTENCE_END.split(folded))
    return [NUMBER.sub("0", piece) for piece in pieces if len(piece) >= SHORTEST_SENTENCE]


def repeated_share(now: list[str], before: list[str]) -> tuple[float | None, int]:
    """Per cent of the characters of `now` that stand in sentences of `before`, and how many
    characters that is a share of."""
    known = set(before)
    n = sum(map(len, now))
    same = sum(len(sentence) for sentence in now if sentence in known)
    return (100.0 * same / n if n else None), n
