"""What the reports of a choice say beside each other: values, changes, ranks, sums, group metrics.

Nothing here knows of pages: `compare` draws and writes what is worked out here.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import replace

from datasette.utils import sqlite_timelimit

from .answers import first
from .choice import LAST_YEAR, LEVELS
from .divisions import rows_in
from .forms import FORM_YEARS, STATES

# Reports read for one answer; a choice with more is cut, told so, and neither summed nor ranked.
MOST_REPORTS = 3000
TOO_MANY = "所选年报过多，没有取全"
# Metrics that do not rest on the reports read: whole even where the choice is cut.
OF_COVERAGE = frozenset({"on_time_rate", "presence_rate"})
LEAST_FOR_RANK = 30
FORM_ORDER = ("2021", "2019", "mixed", "stats2014", "narrative")
SUMMED = ("own_body", "own_level")
LEFT_OUT = {
    "jurisdiction_aggregate": "全辖区汇总，已含所辖各机关",
    "unclear": "口径未写明，可能已含所属机关",
    "counted": "已含在所列政府的本级汇总内",
    "flags": "内容存疑",
}
BASE = (
    "report_id", "issuer_id", "year", "level", "division", "scope", "form", "version_id",
    "nonzero_cells", "is_doubtful", "counted_by",
)  # fmt: skip


class TooMuchError(Exception):
    """The choice took longer than the site allows."""


def statement(choice):
    """SQL for the reports of a choice, one row each with a column and an n for every item."""
    columns = [f"measures.{name}" for name in BASE]
    # A cross join leaves the order of the tables as it is: measures by their index, first.
    joins = ["cross join issuers on issuers.id = measures.issuer_id"]
    columns += ["issuers.name as issuer", "issuers.kind as kind"]
    kinds = {item.kind for item in choice.items}
    asks_zero = any(item.key == "zero_request_share" for item in choice.items)
    for kind, table in (("figure", "figures"), ("derived", "derived")):
        if kind in kinds or (kind == "figure" and asks_zero):
            joins.append(f"left join {table} on {table}.version_id = measures.version_id")
    for item in choice.items:
        if item.kind == "metric":
            columns.append(f'measures."{item.flat}"')
            columns.append(f'measures."{item.flat}__n"')
        elif item.kind != "group":
            columns.append(f'{item.kind}{"s" if item.kind == "figure" else ""}."{item.flat}"')
    columns += [
        "measures.identity_pass_rate as holding",
        "measures.identity_pass_rate__n as checked",
    ]
    if asks_zero:
        columns.append("figures.requests__received_new__total as received")
    where, parameters = conditions(choice, "measures")
    return (
        f"select {', '.join(columns)} from measures {' '.join(joins)} where {where} "
        f"order by measures.year desc, measures.level, measures.division "
        f"limit {MOST_REPORTS + 1}",
        parameters,
    )


def conditions(choice, table):
    """SQL that picks the rows of a choice from a table of bodies and years, and its parameters."""
    before = 1 if choice.yoy else 0
    # One by one, so that level and region narrow the index further.
    parameters = list(range(choice.first - before, choice.last + 1))
    parts = [f"{table}.year in ({', '.join('?' * len(parameters))})"]
    if choice.bodies:
        parts.append(f"{table}.issuer_id in ({', '.join('?' * len(choice.bodies))})")
        parameters += [issuer for issuer, _ in choice.bodies]
    else:
        levels = (choice.level,) if choice.level else LEVELS
        parts.append(f"{table}.level in ({', '.join('?' * len(levels))})")
        parameters += levels
        if choice.region:
            part, codes = rows_in(table, choice.region[0])
            parts.append(part)
            parameters += codes
    return " and ".join(parts), parameters


def levels_told(found):
    """The report that tells of a government's own level in a sum, by government and year: its own,
    or else its office's."""
    told = {}
    for row in sorted(found, key=lambda row: (row["counted_by"] is not None, row["report_id"])):
        is_of_the_level = row["scope"] == "own_level" and (
            row["counted_by"] is None or row["kind"] == "office"
        )
        if is_of_the_level and not row["is_doubtful"] and (row["nonzero_cells"] or 0) > 0:
            level = (row["counted_by"] or row["issuer_id"], row["year"])
            told.setdefault(level, row["report_id"])
    return told


def why_left_out(row, told):
    """Why a report is not added to a sum; nothing where it is. One that a report on a government's
    own level counts is left out only where such a report is added: `told` names it."""
    if row["is_doubtful"]:
        return LEFT_OUT["flags"]
    if row["scope"] == "jurisdiction_aggregate":
        return LEFT_OUT["jurisdiction_aggregate"]
    if row["scope"] not in SUMMED:
        return LEFT_OUT["unclear"]
    if told.get((row["counted_by"], row["year"]), row["report_id"]) != row["report_id"]:
        return LEFT_OUT["counted"]
    return ""


def number(value):
    """A stored figure as a number; None for what is none, as money with its unit."""
    if isinstance(value, int | float) or value is None:
        return value
    try:
        return float(str(value))
    except ValueError:
        return None


def read(choice, limit_ms):
    """A reader of the reports of a choice, and whether there were more than are read."""

    def rows(connection):
        try:
            with sqlite_timelimit(connection, limit_ms):
                found = [dict(row) for row in connection.execute(*statement(choice))]
                cut = len(found) > MOST_REPORTS
                found = found[:MOST_REPORTS]
                groups = coverage(connection, choice) if choice.is_group else []
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise TooMuchError from error
            raise
        told = levels_told(found)
        for row in found:
            row["left_out"] = why_left_out(row, told)
        return found, cut, groups

    return rows


def coverage(connection, choice):
    """Bodies due, those that published, and those on time, by year, of the level and region of a
    choice. A report taken down was published all the same: its row has `on_time` still."""
    if not {item.key for item in choice.items} & OF_COVERAGE:
        return []
    where, parameters = conditions(choice, "coverage")
    return [
        dict(row)
        for row in connection.execute(
            f"""
            select year, count(*) as due, sum(on_time is not null) as present,
                sum(ifnull(on_time, '') = 'on_time') as on_time,
                sum(ifnull(on_time, '') <> 'unknown') as judged
            from coverage where {where} group by year order by year desc
            """,
            parameters,
        )
    ]


def cells(choice, found, is_cut):
    """Give every row its values: {key: {value, n}}, and the change on the year before. Of a choice
    that `is_cut` nobody knows what is not among the rows."""
    for row in found:
        holding, checked = row.pop("holding"), row.pop("checked") or 0
        row["failed_identities"] = checked - round((holding or 0) * checked / 100)
        row["values"] = {}
        for item in choice.items:
            if item.kind == "group":
                continue
            stored = row.pop(item.flat)
            value = {"value": number(stored), "n": row.pop(f"{item.flat}__n", None)}
            if value["value"] is None and stored is not None:
                value["printed"] = str(stored)
            row["values"][item.key] = value
    if choice.yoy:
        known = {(row["issuer_id"], row["year"]): row for row in found}
        for row in found:
            before = known.get((row["issuer_id"], row["year"] - 1))
            for key, value in row["values"].items():
                value.update(change(value, before, row["form"], key, is_cut))
    return [row for row in found if row["year"] >= choice.first]


def change(value, before, form, key, is_cut):
    """The change on the year before in per cent and the number it is a share of, or why none."""
    if before is None:
        why = TOO_MANY if is_cut else "没有上一年度的年报"
        return {"yoy": None, "yoy_n": None, "yoy_why": why}
    base = before["values"][key]["value"]
    if before["form"] != form:
        return {"yoy": None, "yoy_n": base, "yoy_why": "上一年度表式不同"}
    if value["value"] is None or base is None:
        return {"yoy": None, "yoy_n": base, "yoy_why": "两年中有一年没有数字"}
    if base <= 0:
        return {
            "yoy": None,
            "yoy_n": base,
            "yoy_why": "上一年度为 0" if base == 0 else "上一年度为负",
        }
    return {"yoy": 100 * (value["value"] - base) / base, "yoy_n": base, "yoy_why": ""}


def rank(choice, found):
    """Give rates their rank, highest first, among reports of one year and form with n enough."""
    for item in choice.items:
        if not item.has_n:
            continue
        peers = {}
        for row in found:
            value = row["values"][item.key]
            if value["value"] is not None and may_rank(row, value):
                peers.setdefault((row["year"], row["form"]), []).append((value["value"], value))
        for ranked in peers.values():
            if len(ranked) < 2:
                continue
            ranked.sort(key=lambda pair: -pair[0])
            place = 0
            for number_of, (amount, value) in enumerate(ranked, start=1):
                if number_of == 1 or amount != ranked[number_of - 2][0]:
                    place = number_of
                value["rank"], value["ranked"] = place, len(ranked)


def may_rank(row, value):
    return (
        (value["n"] or 0) >= LEAST_FOR_RANK
        and not row["is_doubtful"]
        and row["scope"] != "jurisdiction_aggregate"
    )


def sums(choice, found):
    """By year and form: how many reports, and for every item the sum or the rate of the sums over
    those that double nothing."""
    groups = {}
    for row in found:
        groups.setdefault((row["year"], row["form"]), []).append(row)
    totals = []
    for (year, form), members in groups.items():
        added = [row for row in members if not row["left_out"]]
        line = {
            "year": year,
            "form": form,
            "reports": len(members),
            "added": len(added),
            "values": {},
        }
        for item in choice.items:
            if item.kind == "group" or not item.is_number:
                continue
            line["values"][item.key] = added_up(item, [row["values"][item.key] for row in added])
            if item.key == "identity_pass_rate":
                line["values"][item.key]["whole"] = sum(
                    row["values"][item.key]["value"] == 100 and (row["nonzero_cells"] or 0) > 0
                    for row in added
                )
        if added or choice.is_group:
            totals.append(line)
    return sorted(totals, key=lambda line: (-line["year"], form_order(line["form"])))


def added_up(item, values):
    """The sum, or for a rate the sum of what is counted over the sum of what it is a share of."""
    told = [value for value in values if value["value"] is not None]
    if not told:
        return {"value": None, "n": None, "bodies": 0}
    if not item.has_n:
        return {"value": sum(value["value"] for value in told), "n": None, "bodies": len(told)}
    scale = 100 if item.unit == "%" else 1
    n = sum(value["n"] for value in told)
    above = sum(round(value["value"] * value["n"] / scale) for value in told)
    return {"value": scale * above / n, "n": n, "bodies": len(told)}


def of_group(choice, found, covered, is_cut):
    """The metrics of a group by year: value, n, and what was counted, or why there is none."""
    asked = {item.key for item in choice.items if item.kind == "group"}
    lines = {}

    def put(year, key, count, n):
        value = 100 * count / n if n else None
        lines.setdefault(year, {})[key] = {"value": value, "n": n, "count": count}

    for row in covered:
        if row["year"] < choice.first:
            continue
        if "presence_rate" in asked:
            put(row["year"], "presence_rate", row["present"], row["due"])
        if "on_time_rate" in asked:
            put(row["year"], "on_time_rate", row["on_time"], row["judged"])
    if "zero_request_share" in asked:
        for year in {row["year"] for row in found}:
            if is_cut:
                told = {"value": None, "n": None, "count": None, "why": TOO_MANY}
                lines.setdefault(year, {})["zero_request_share"] = told
                continue
            printed = [
                row["received"]
                for row in found
                if row["year"] == year and row["scope"] != "jurisdiction_aggregate"
            ]
            known = [amount for amount in printed if amount is not None]
            put(year, "zero_request_share", sum(amount == 0 for amount in known), len(known))
    return [{"year": year, "values": lines[year]} for year in sorted(lines, reverse=True)]


def form_order(form):
    return FORM_ORDER.index(form) if form in FORM_ORDER else len(FORM_ORDER)


def ordered(choice, found):
    """The rows as they are listed: by year, the newest first, then as the reader wants."""
    keys = [item.key for item in choice.items if item.kind != "group"]
    key = choice.order or next(iter(keys), "")
    # What is of a group is of no row: by name then, as where nothing else is chosen.
    by_name = key not in keys
    place = {issuer: at for at, (issuer, _) in enumerate(choice.bodies)}

    def of(row):
        if choice.bodies and not choice.order:
            return (-row["year"], place[row["issuer_id"]])
        if by_name:
            return (-row["year"], row["issuer"], row["issuer_id"])
        amount = row["values"][key]["value"]
        return (-row["year"], amount is None, -(amount or 0), row["issuer_id"])

    return sorted(found, key=of)


def notes_of(choice, found):
    """A reader of what is said of cells without a number: {(version, key): (state, printed)}."""
    keys = [item.key for item in choice.items if item.kind == "figure"]
    versions = sorted(
        {
            row["version_id"]
            for row in found
            if any(row["values"][key]["value"] is None for key in keys)
        }
    )

    def read_notes(connection):
        notes = {}
        for start in range(0, len(versions), 500):
            some = versions[start : start + 500]
            for row in connection.execute(
                f"""
                select version_id, field, state, printed from cell_notes
                where version_id in ({", ".join("?" * len(some))})
                and field in ({", ".join("?" * len(keys))})
                """,
                [*some, *keys],
            ):
                notes[row["version_id"], row["field"]] = (row["state"], row["printed"])
        return notes

    return read_notes


def explain_empty(choice, found, notes):
    """Say of every value that is none why there is none."""
    for row in found:
        for item in choice.items:
            value = row["values"].get(item.key)
            if value is not None and value["value"] is None:
                value["why"] = why_empty(item, row, value, notes.get((row["version_id"], item.key)))


def why_empty(item, row, value, note):
    if value.get("printed"):
        return f"原文印作「{value['printed']}」"
    if item.key == "text_repeat_rate":
        return "没有上一年度的年报，或正文没有这两章"
    if row["form"] in (None, "narrative"):
        return "年报没有统计表"
    if item.kind == "metric":
        if row["form"] == "stats2014" and item.key not in ("identity_pass_rate", "fill_rate"):
            return "2014 年统计表没有所需的格"
        if not item.has_n or value["n"] is None:
            return "所需的格不都是数字" if item.has_n is False else "分母不是数字"
        if value["n"] <= 0:
            return "分母为 0" if value["n"] == 0 else f"分母为 {value['n']}，原文如此"
        return "分子不是数字"
    if not item.forms & set(FORM_YEARS.get(row["form"], ())):
        return "此表式没有这一格"
    if note and note[0] in STATES:
        return STATES[note[0]][0] + (f"，原文印作「{note[1]}」" if note[1] else "")
    return "所加的格不都是数字" if item.kind == "derived" else "没有读出数字"


def left_out(found):
    """Reports left out of the sums by reason: [(reason, how many, the first of them)]."""
    counted = Counter(row["left_out"] for row in found if row["left_out"])
    return [
        (reason, count, [row for row in found if row["left_out"] == reason][:12])
        for reason, count in counted.most_common()
    ]


async def result_of(database, choice):
    """What there is to say of a choice that is ready: rows, sums, groups, and what was cut."""
    # Two questions: together they walk the index, each alone looks at its end.
    known = await first(
        database,
        "select (select min(year) from measures) as first, "
        "(select max(year) from measures) as last",
    )
    earliest, latest = (known["first"] or LAST_YEAR, known["last"] or LAST_YEAR)
    if choice.first is None or choice.last is None:
        last = choice.last or max(latest, choice.first or latest)
        start = last if choice.is_group and choice.last is None else earliest
        choice = replace(choice, first=min(choice.first or start, last), last=last)
    found, cut, covered = await database.execute_fn(read(choice, database.ds.sql_time_limit_ms))
    found = ordered(choice, cells(choice, found, cut))
    if not cut:
        rank(choice, found)
    totals = [] if cut else sums(choice, found)
    groups = of_group(choice, found, covered, cut)
    seen = {(row["issuer_id"], row["year"]) for row in found}
    years = range(max(choice.first, earliest), min(choice.last, latest) + 1)
    absent = [
        (issuer, name, missing)
        for issuer, name in choice.bodies
        if (missing := [year for year in years if (issuer, year) not in seen])
    ]
    return choice, {
        "rows": found,
        "is_cut": cut,
        "sums": totals,
        "groups": groups,
        "absent": absent,
    }


def is_whole(choice, result):
    """Whether nothing of what was asked for was cut off."""
    return not result["is_cut"] or {item.key for item in choice.items} <= OF_COVERAGE


async def with_reasons(database, choice, found):
    notes = {}
    if any(item.kind == "figure" for item in choice.items):
        notes = await database.execute_fn(notes_of(choice, found))
    explain_empty(choice, found, notes)
