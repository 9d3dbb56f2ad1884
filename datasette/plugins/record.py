"""The record itself: a body, its report for a year, and each version of it, for ever."""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
from collections import Counter
from urllib.parse import quote, unquote
from weakref import WeakKeyDictionary

from datasette import Response, hookimpl
from datasette.views.base import DatasetteError
from markupsafe import Markup, escape

DATABASE = "nianbao"
STATES = {
    "blank": ("空白", "原文此格空白，不等于 0"),
    "na": ("不适用", "原文印作不适用的记号，不等于 0"),
    "text": ("文字", "原文此格是文字，不是数字"),
    "missing": ("无此格", "原文的表中没有这一格"),
    "ambiguous": ("难分", "原文数字粘连难分，无法确定属于哪一格，引号内是粘连的原文"),
    "unreadable": ("不可读", "原文此格无法读出"),
    "ocr": ("识别", "由扫描件或图片识别得出"),
    "glued": ("切分", "原文数字与相邻格粘连，由勾稽关系切分"),
    "unit": ("带单位", "原文数字带有单位或正负号，照原样印出"),
}
# Where what was printed does not show the state by itself, a word beside it does.
LABELLED = ("blank", "missing", "ambiguous", "unreadable")
# Two recognitions of a figure that differ leave less confidence than this.
SURE = 0.6
# Rows of a version that its page and its JSON hold; the tables hold all.
MOST_ROWS = 1000
FORM_YEARS = {"2021": (2021,), "2019": (2019,), "stats2014": (2014,), "mixed": (2021, 2019)}
APPLICANTS = (
    "natural_person",
    "enterprise",
    "research_institution",
    "public_interest_org",
    "legal_service_org",
    "other_org",
    "total",
)
OUTCOMES = ("upheld", "corrected", "other", "pending", "total")
DISPUTES = ("review", "litigation_direct", "litigation_after_review")
STATS_CHAPTERS = {
    "proactive": "一、主动公开情况",
    "response": "二、回应解读情况",
    "requests": "三、依申请公开情况",
    "review": "四、行政复议",
    "litigation": "五、行政诉讼",
    "complaints": "六、举报投诉",
    "fees": "七、依申请公开信息收取的费用",
    "capacity": "八、机构建设和保障经费情况",
    "training": "九、政府信息公开会议和培训情况",
}
CHAPTERS = {
    0: "前言",
    1: "一、总体情况",
    2: "二、主动公开政府信息情况",
    3: "三、收到和处理政府信息公开申请情况",
    4: "四、政府信息公开行政复议、行政诉讼情况",
    5: "五、存在的主要问题及改进情况",
    6: "六、其他需要报告的事项",
}
# Checks by what they compare; the words for those that hold and those that do not.
CHECK_GROUPS = (
    ("表式自身的勾稽关系", ("hard", "soft"), "成立", "不成立"),
    ("与上一年度", ("cross_year", "cross_year_soft"), "相符", "不符"),
    ("正文与统计表", ("narrative",), "相符", "不符"),
    ("全辖区与下级机关", ("hierarchy_soft",), "相符", "不符"),
    ("合理性提示", ("plausibility",), "无疑问", "存疑"),
)
# A cell is marked when sums it stands in fail; a sentence may be wrong where the table is right.
MARKING = ("hard", "soft", "cross_year", "cross_year_soft")
TABLE_ANCHORS = {2: "disclosure", 3: "requests", 4: "disputes"}
KEY = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)+")
OPERATOR = re.compile(r"\s(:=|<=|>=|=|\+|-)\s")
# A number changes as a whole: "12" to "21" is no insertion of a digit.
WORD = re.compile(r"[0-9０-９][0-9０-９.,，．%％]*[0-9０-９]|[A-Za-z]+|.", re.DOTALL)
SENTENCE_END = re.compile(r"(?<=[。；！？\n])")
# Of each address of a version the newest captures, and always the first.
MOST_CAPTURES = 200
# The newest events of a report, and the newest of a body's links and the bodies below it.
MOST_EVENTS = 200
MOST_BELOW = 100
# A corrected value longer than this is told below the table only.
LONGEST_CORRECTION = 24
SHOWN = ("ok", "not_modified")
# Character by character costs the square of the length: only within a changed passage this long.
FINE_DIFF = 1500

FIELDS = WeakKeyDictionary()


# --- the form, laid out -----------------------------------------------------------------------


def label_rows(paths):
    """For each row its label cells (text, rowspan, colspan): equal headings above are one cell."""
    depth = max(map(len, paths), default=1)
    rows = []
    for y, path in enumerate(paths):
        heads = []
        for x, text in enumerate(path):
            if x == len(path) - 1:
                heads.append((text, 1, depth - x))
            elif y == 0 or paths[y - 1][: x + 1] != path[: x + 1]:
                span = 1
                while y + span < len(paths) and paths[y + span][: x + 1] == path[: x + 1]:
                    span += 1
                heads.append((text, span, 1))
        rows.append(heads)
    return rows, depth


def requests_table(fields, cell):
    """The table of applications: three levels of labels, seven kinds of applicant."""
    rows = {}
    for field in fields:
        if field["table_key"] == "requests":
            path = tuple(field["zh"].split("｜")[0].split("／"))
            rows.setdefault(field["row_key"], (path, {}))[1][field["column_key"]] = field
    labels, depth = label_rows([path for path, _ in rows.values()])
    return {
        "depth": depth,
        "rows": [
            (heads, [cell(columns.get(key)) for key in APPLICANTS])
            for heads, (_, columns) in zip(labels, rows.values(), strict=True)
        ],
    }


def disclosure_table(fields, cell):
    """The table of publications: an article of the Regulations a block, with its own columns."""
    blocks = {}
    for field in fields:
        if field["table_key"] == "disclosure":
            article = field["zh"].split("／")[0]
            columns, rows = blocks.setdefault(article, ({}, {}))
            columns.setdefault(field["column_key"], field["column_zh"])
            rows.setdefault(field["row_zh"], {})[field["column_key"]] = field
    width = 3
    out = []
    for article, (columns, rows) in blocks.items():
        spans = [1] * len(columns)
        spans[-1] = max(1, width - len(columns) + 1)
        out.append(
            {
                "article": article,
                "columns": list(zip(columns.values(), spans, strict=True)),
                "rows": [
                    (
                        name,
                        [
                            cell(have.get(key), span)
                            for key, span in zip(columns, spans, strict=True)
                        ],
                    )
                    for name, have in rows.items()
                ],
            }
        )
    return {"blocks": out, "width": width}


def disputes_table(fields, cell):
    """The one row of fifteen figures on reviews and lawsuits."""
    by_key = {field["key"]: field for field in fields}
    return [
        [cell(by_key.get(f"disputes.{block}.{outcome}")) for outcome in OUTCOMES]
        for block in DISPUTES
    ]


def stats_table(fields, cell):
    """The 58 indicators of the 2014 table, under their chapters."""
    chapters = {}
    for field in fields:
        if field["table_key"] == "stats2014":
            chapters.setdefault(field["row_key"], []).append((field, cell(field)))
    return [(STATS_CHAPTERS.get(key, key), rows) for key, rows in chapters.items()]


def cell_drawer(figures, notes, failed, changed, corrected, drawn):
    """A function from a field to its table cell as HTML, all texts escaped; `drawn` collects the
    keys.

    Drawn here and not by a template macro: two hundred macro calls took most of a page's time.
    """

    def draw(field, span=1):
        wide = f' colspan="{span}"' if span > 1 else ""
        if field is None:
            return Markup(f'<td class="n s-absent"{wide}></td>')
        key, value = field["key"], figures.get(field["flat"])
        drawn.add(key)
        note, failures = notes.get(key), failed.get(key, ())
        state = note["state"] if note else ("number" if value is not None else "missing")
        printed = (note["printed"] or "") if note else ""
        # A unit or a sign belongs to what the report prints; the number alone is in the data.
        as_printed = value is None or (note and note["state"] == "unit")
        text = printed if as_printed else str(value)
        title = f"{field['zh']}（{key}）"
        word = flag = ""
        classes = f"n s-{state}"
        if state in STATES:
            title += f"：{STATES[state][1]}"
            if printed and printed != text:
                title += f"，印作「{printed}」"
            if state in LABELLED:
                word = f"<i>{STATES[state][0]}</i>"
            if note["confidence"] is not None:
                title += f"，把握 {percent(note['confidence'])}"
            if doubtful(note):
                classes += " doubtful"
                word = word or "<i>存疑</i>"
            if state == "ambiguous" and text:
                # The digits of several cells: in quotation marks they are no figure of this one.
                text = f"「{text}」"
        if failures:
            title += "。此格所在的勾稽关系不成立"
            mending = next((f["proposed"][key] for f in failures if key in f["proposed"]), None)
            # Where one cell explains a failure, the others of its sum are not under suspicion.
            suspected = mending is not None or not all(f["proposed"] for f in failures)
            if mending is not None:
                title += f"，建议值（未改动原文） {mending}"
            classes += " bad" if suspected else " beside"
            check = escape(failures[0]["anchor"])
            flag = f'<a class="flag" href="#check-{check}" title="勾稽关系不成立">≠</a>'
        if key in changed:
            classes += " edited"
        beside = "".join(map(correction_mark, corrected.get(key, ())))
        return Markup(
            f'<td id="{escape(key)}" class="{escape(classes)}" title="{escape(title)}"{wide}>'
            f"{escape(text)}{word}{beside}{flag}</td>"
        )

    return draw


def correction_mark(correction):
    """What stands beside a printed number that someone corrected or remarked on, as HTML."""
    value = str(correction["value"] or "")
    is_value = correction["aspect"] == "value"
    title = (
        f"{'更正为' if is_value else '附注'}「{value}」（左为原文，未改动）。"
        f"{correction['author'] or ''} {correction['date'] or ''}：{correction['reason'] or ''}"
    )
    text = f"更正 {value}" if is_value and len(value) <= LONGEST_CORRECTION else "更正"
    return (
        f'<a class="correction" href="#correction-{escape(correction["number"])}" '
        f'title="{escape(title)}">{escape(text if is_value else "附注")}</a>'
    )


def percent(confidence):
    """A confidence from 0 to 1 in whole per cent, never rounded up to certainty."""
    return f"{int(confidence * 100 + 1e-9)}%"


def doubtful(note):
    return note["state"] == "ocr" and (note["confidence"] or 0) < SURE


def row_name(field):
    """The row of a cell by its official name, the headings above it included."""
    return field["zh"].split("｜")[0].removesuffix(f"／{field['column_zh']}")


def told_notes(notes, fields, figures):
    """What there is to say of the cells: how many in each state, and a line for each row of the
    form and printed text. Cells recognised with confidence are counted only."""
    counts = dict.fromkeys(STATES, 0)
    width = Counter(map(row_name, fields))
    lines = {}
    sure = []
    for field in fields:
        note = notes.get(field["key"])
        if note is None or note["state"] not in STATES:
            continue
        state = note["state"]
        counts[state] += 1
        if state == "ocr" and not doubtful(note):
            sure.append(note["confidence"])
            continue
        row = row_name(field)
        line = lines.setdefault(
            (state, row, note["printed"] or "", doubtful(note)),
            {
                "state": state,
                "row": row,
                "printed": note["printed"] or "",
                "doubtful": doubtful(note),
                "cells": [],
                "confidence": None,
                "width": width[row],
            },
        )
        value = figures.get(field["flat"])
        line["cells"].append(
            (field["key"], field["column_zh"] or row, None if value is None else str(value))
        )
        if note["confidence"] is not None:
            line["confidence"] = min(note["confidence"], line["confidence"] or 1)
    order = list(STATES)
    return {
        "counts": [(state, STATES[state], count) for state, count in counts.items() if count],
        "lines": sorted(lines.values(), key=lambda line: order.index(line["state"])),
        "surely_recognised": len(sure),
        "least_sure": percent(min(sure)) if sure else None,
        "doubtful": sum(len(line["cells"]) for line in lines.values() if line["doubtful"]),
    }


def tables_of(form, fields, cell, holds):
    """The tables of a version's form. Of a mixed one each table in the form it fills best."""
    out = {}
    for name, layout in (
        ("disclosure", disclosure_table),
        ("requests", requests_table),
        ("disputes", disputes_table),
        ("stats2014", stats_table),
    ):
        choices = [
            [f for f in fields if f["table_key"] == name and year in f["years"]]
            for year in FORM_YEARS.get(form, ())
        ]
        if not any(choices):
            continue
        best = max(choices, key=lambda chosen: sum(holds(field) for field in chosen))
        found = any(holds(field) for field in best)
        out[name] = {"found": found, "layout": layout(best, cell) if found else None}
    return out


# --- checks and changes -----------------------------------------------------------------------


def arithmetic(formula, fields, figures):
    """The formula as terms with their printed values; None for one that spans other records."""
    parts = OPERATOR.split((formula or "").strip())
    if not all(KEY.fullmatch(part) and part in fields for part in parts[::2]):
        return None
    terms = [{"sign": "", "field": fields[parts[0]]}]
    terms += [
        {"sign": sign, "field": fields[key]}
        for sign, key in zip(parts[1::2], parts[2::2], strict=True)
    ]
    for term in terms:
        value = figures.get(term["field"]["flat"])
        term["value"] = "空" if value is None else str(value)
    return terms


def unpacked(finding):
    """A finding as stored, with its lists read: the cells involved, which are those of the rule's
    formula unless told, and the values proposed."""
    told = finding["cells"]
    return {
        **finding,
        "cells": KEY.findall(finding["formula"] or "") if told is None else json.loads(told),
        "proposed": json.loads(finding["proposed"] or "{}"),
    }


def check_groups(findings):
    """The findings by what they compare: failures and explanations to read, passes counted."""
    groups = []
    known = {level for _, levels, _, _ in CHECK_GROUPS for level in levels}
    for name, levels, good, bad in CHECK_GROUPS:
        # A rule this archive does not describe is shown with the sums.
        mine = [
            finding
            for finding in findings
            if finding["level"] in levels or ("hard" in levels and finding["level"] not in known)
        ]
        if mine:
            by_verdict = {
                verdict: [finding for finding in mine if finding["verdict"] == verdict]
                for verdict in ("fail", "explained", "not_checkable", "pass")
            }
            groups.append(
                {"name": name, "sums": "hard" in levels, "good": good, "bad": bad, **by_verdict}
            )
    return groups


def inline_diff(before, after):
    """Two texts as one: (same | del | ins | gap, text), sentences first, characters within."""
    old, new = (SENTENCE_END.split(text or "") for text in (before, after))
    out = []
    for tag, a1, a2, b1, b2 in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
        left, right = "".join(old[a1:a2]), "".join(new[b1:b2])
        if tag == "equal":
            out.append(("same", left))
        elif tag == "replace" and len(left) + len(right) <= FINE_DIFF:
            old_words, new_words = WORD.findall(left), WORD.findall(right)
            matcher = difflib.SequenceMatcher(None, old_words, new_words, False)
            for fine, c1, c2, d1, d2 in matcher.get_opcodes():
                gone, came = "".join(old_words[c1:c2]), "".join(new_words[d1:d2])
                if fine == "equal":
                    out.append(("same", gone))
                else:
                    out.extend(pair for pair in (("del", gone), ("ins", came)) if pair[1])
        else:
            out.extend(pair for pair in (("del", left), ("ins", right)) if pair[1])
    return shorten(out)


def shorten(parts, keep=60):
    """The same diff with long unchanged passages cut to what stands next to a change."""
    out = []
    for i, (kind, text) in enumerate(parts):
        if kind != "same" or len(text) <= 2 * keep + 20:
            out.append((kind, text))
            continue
        if i > 0:
            out.append(("same", text[:keep]))
        out.append(("gap", "……"))
        if i < len(parts) - 1:
            out.append(("same", text[-keep:]))
    return out


def told_difference(row):
    """What a reader sees of a difference in text; lists of addresses are not compared by letter."""
    if row["aspect"] == "content":
        # Before and after are digests here: nothing of it was read as text.
        return [("same", "章节与数字之外的文字或链接有改动，可对照两版的原件。")]
    if row["aspect"] in ("links", "attachments", "published_on"):
        return [
            pair
            for pair in (("del", row["before"]), ("same", "\n"), ("ins", row["after"]))
            if pair[1]
        ]
    return inline_diff(row["before"], row["after"])


def last_part(path):
    return str(path or "").rsplit("/", 1)[-1]


def told_changes(rows, fields, versions):
    """The differences between pairs of versions, in the order of the rows, ready to show."""
    numbers = {version["id"]: version for version in versions}
    pairs = {}
    for row in rows:
        pairs.setdefault((row["from_version"], row["to_version"]), []).append(row)
    out = []
    for (source, target), differences in pairs.items():
        told = {
            "from": numbers.get(source, {"id": source, "number": "?"}),
            "to": numbers.get(target, {"id": target, "number": "?"}),
            "cells": [],
            "texts": [],
            "anchor": f"change-{last_part(source)}-{last_part(target)}",
            "first": target not in {pair["to"]["id"] for pair in out},
        }
        told["elsewhere"] = not told["to"].get("replaces") and str(told["to"]["number"]) != "1"
        for row in differences:
            if row["field"]:
                told["cells"].append({**row, "zh": fields.get(row["field"], {}).get("zh", "")})
            else:
                told["texts"].append(
                    {
                        **row,
                        "name": CHAPTERS.get(row["section"], f"第 {row['section']} 章")
                        if row["section"] is not None
                        else None,
                        "diff": told_difference(row),
                    }
                )
        out.append(told)
    return out


# --- what the database says -------------------------------------------------------------------


async def rows(database, sql, *parameters):
    return [dict(row) for row in (await database.execute(sql, parameters)).rows]


async def first(database, sql, *parameters):
    return next(iter(await rows(database, sql, *parameters)), None)


async def all_fields(database):
    """The cells of all forms in the order of the form; read once, they are the same for ever."""
    if database not in FIELDS:
        fields = await rows(database, "select * from fields order by position")
        for field in fields:
            field["years"] = {int(year) for year in re.findall(r"\d{4}", field["formats"] or "")}
        if not fields:
            return []
        FIELDS[database] = fields
    return FIELDS[database]


def unquoted(request, name):
    return unquote(request.url_vars[name])


async def find_version(database, report_id, digest):
    """The version a digest stands for: its own, or any capture that showed it."""
    version = await first(
        database, "select * from versions where id = ?", f"{report_id}/{digest[:12]}"
    )
    if version and len(digest) == 12:
        return version
    return await first(
        database,
        """
        select versions.* from captures join versions on versions.id = captures.version_id
        where captures.digest >= ? and captures.digest < ? and versions.report_id = ?
        order by captures.fetched_at limit 1
        """,
        digest,
        digest + "g",
        report_id,
    )


async def parent_of(database, issuer):
    """The body above; with its page when it is known, or just one body here has its name."""
    if not issuer:
        return None
    if issuer.get("parent_id"):
        above = await first(
            database, "select id, name from issuers where id = ?", issuer["parent_id"]
        )
        if above:
            return {"name": above["name"], "path": f"/r/{above['id']}"}
    if not issuer["parent"]:
        return None
    found = await rows(database, "select id from issuers where name = ? limit 2", issuer["parent"])
    path = f"/r/{found[0]['id']}" if len(found) == 1 else None
    return {"name": issuer["parent"], "path": path}


async def listed(database, table, version_id):
    """The rows of a version in `extras` or `unused`, in the order of the document."""
    found = await rows(
        database,
        f"select * from {table} where version_id = ? order by position limit {MOST_ROWS}",
        version_id,
    )
    return [{key: value for key, value in row.items() if key != "version_id"} for row in found]


async def captures_of(database, report_id):
    """The captures of all versions of a report, the newest first; of each address of a version
    at most MOST_CAPTURES and the first. `of` says how many there are of it."""
    return await rows(
        database,
        """
        select captures.*, placed.number as "of"
        from captures join (
            select rowid as id, row_number() over newest as newest,
                count(*) over (partition by version_id, url) as number
            from captures where version_id in (select id from versions where report_id = ?)
            window newest as (partition by version_id, url order by fetched_at desc)
        ) as placed on placed.id = captures.rowid
        where newest < ? or newest = number
        order by fetched_at desc, url limit 5000
        """,
        report_id,
        MOST_CAPTURES,
    )


async def addresses_of(database, report, captures):
    """Every address at which a report or its attachments were met, with what was seen there.

    The one that speaks for the report first, then pages before attachments, the oldest first.
    Gives each capture the role of its address.
    """
    asked = await rows(
        database,
        """
        select url, role, sightings.portal_id, portals.name as portal, verdict as last_verdict,
            max(seen_at) as last_asked, listed_on, title, count(*) as nights,
            nullif(report_id, ?) as shows_instead
        from sightings left join portals on portals.id = sightings.portal_id
        where url in (select url from sightings where report_id = ?
            union select captures.url from captures join versions on versions.id = version_id
                where versions.report_id = ?)
        group by url
        """,
        *[report["id"]] * 3,
    )
    seen = {
        row["url"]: row
        for row in await rows(
            database,
            f"""
            select url, min(seen_at) as first_seen, max(seen_at) as last_seen from sightings
            where report_id = ? and verdict in ({", ".join("?" * len(SHOWN))}) group by url
            """,
            report["id"],
            *SHOWN,
        )
    }
    by_url = {row["url"]: row for row in asked}
    for capture in reversed(captures):
        if capture["url"] not in by_url:
            by_url[capture["url"]] = {"url": capture["url"], "role": None, "nights": 0}
        capture["role"] = by_url[capture["url"]]["role"]
    out = []
    for url, row in by_url.items():
        here = [capture for capture in captures if capture["url"] == url]
        moments = [capture["fetched_at"] or "" for capture in here]
        met = seen.get(url, {})
        firsts = [met.get("first_seen"), min(moments, default=None)]
        lasts = [met.get("last_seen"), max(moments, default=None)]
        out.append(
            {
                **dict.fromkeys(("portal_id", "portal", "last_verdict", "last_asked", "listed_on")),
                **row,
                "speaks": url == report["url"],
                "first_seen": min(filter(None, firsts), default=None),
                "last_seen": max(filter(None, lasts), default=None),
                "captures": here,
                "cut": any(capture["of"] > MOST_CAPTURES for capture in here),
            }
        )
    return sorted(
        out,
        key=lambda one: (
            not one["speaks"],
            one["role"] == "attachment",
            one["first_seen"] or "9",
            str(one["url"]),
        ),
    )


async def events_of(database, tables, report_id):
    """What happened to a report, the oldest first; an edit with how much of it differs."""
    if "events" not in tables:
        return []
    found = await rows(
        database,
        """
        select events.*, versions.number,
            (select count(*) from changes where to_version = events.version_id
                and from_version = events.from_version and field is not null) as cells,
            (select count(*) from changes where to_version = events.version_id
                and from_version = events.from_version and field is null) as texts
        from events left join versions on versions.id = events.version_id
        where events.report_id = ? order by events.position desc limit ?
        """,
        report_id,
        MOST_EVENTS,
    )
    return found[::-1]


async def corrections_of(database, tables, report, urls):
    """The reviewed corrections of a report's cells, its pages and its body, as they are written.

    `key` and `digest` name the cell, where one is meant.
    """
    if "corrections" not in tables:
        return []
    cells = f"cell:{report['id']}/"
    pages = [f"page:{url}" for url in urls]
    found = await rows(
        database,
        f"""
        select * from corrections where subject >= ? and subject < ? || char(1114111)
            or subject in ({", ".join("?" * (len(pages) + 1))})
        order by number limit {MOST_ROWS}
        """,
        cells,
        cells,
        f"issuer:{report['issuer_id']}",
        *pages,
    )
    for correction in found:
        parts = correction["subject"].removeprefix(cells).split("/")
        is_cell = correction["subject"].startswith(cells)
        correction["key"] = parts[-1] if is_cell else None
        correction["digest"] = parts[0] if is_cell and len(parts) > 1 else None
    return found


def corrected_cells(corrections, version_id):
    """By key what was corrected of this version's cells: of all versions, or of it by name."""
    name = last_part(version_id)
    out = {}
    for correction in corrections:
        digest = correction["digest"]
        if (
            correction["key"]
            and correction["state"] == "applied"
            and (not digest or digest[: len(name)] == name)
        ):
            out.setdefault(correction["key"], []).append(correction)
    return out


async def gather(database, report, version):
    """Everything there is to say of one version, as plain values."""
    version_id = version["id"]
    fields = await all_fields(database)
    figures = await first(database, "select * from figures where version_id = ?", version_id) or {}
    notes = {
        row["field"]: row
        for row in await rows(database, "select * from cell_notes where version_id = ?", version_id)
    }
    wanted = set(FORM_YEARS.get(version["form"] or "", ()))
    issuer = await first(database, "select * from issuers where id = ?", report["issuer_id"])
    tables = set(await database.table_names())
    captures = await captures_of(database, report["id"])
    addresses = await addresses_of(database, report, captures)
    return {
        "report": report,
        "issuer": issuer,
        "parent": await parent_of(database, issuer),
        "flags": (version["flags"] or "").splitlines(),
        "extras": await listed(database, "extras", version_id),
        "unused": await listed(database, "unused", version_id),
        "version": version,
        "fields": fields,
        "figures": figures,
        "notes": notes,
        "form_fields": [field for field in fields if field["years"] & wanted],
        "sections": await rows(
            database,
            "select number, heading, text from sections where version_id = ? order by number",
            version_id,
        ),
        "findings": await rows(
            database,
            """
            select findings.*, identities.formula, identities.basis, identities.level
            from findings left join identities on identities.id = findings.rule
            where version_id = ? order by findings.rule, findings.position
            """,
            version_id,
        ),
        "versions": await rows(
            database,
            "select * from versions where report_id = ? order by number desc",
            report["id"],
        ),
        "changes": await rows(
            database,
            """
            select changes.* from changes join versions on versions.id = to_version
            where changes.report_id = ?
            order by versions.number desc, from_version, position limit 1000
            """,
            report["id"],
        ),
        "captures": [one for one in captures if one["version_id"] == version_id],
        "addresses": addresses,
        "events": await events_of(database, tables, report["id"]),
        "corrections": await corrections_of(
            database, tables, report, [address["url"] for address in addresses]
        ),
    }


def value_text(value):
    return None if value is None else str(value)


def as_json(data, url):
    """A version as a public record: cells as texts, so that money keeps its digits."""
    shown = ("state", "printed", "confidence")
    return {
        "url": url,
        "report": data["report"],
        "issuer": data["issuer"],
        "parent": data["parent"],
        "version": data["version"],
        "flags": data["flags"],
        "cells": {
            field["key"]: value_text(data["figures"].get(field["flat"]))
            for field in data["form_fields"]
        },
        "notes": {key: {name: note[name] for name in shown} for key, note in data["notes"].items()},
        "sections": data["sections"],
        "findings": [
            {key: value for key, value in unpacked(finding).items() if key != "version_id"}
            for finding in data["findings"]
        ],
        "extras": data["extras"],
        "unused": data["unused"],
        "captures": data["captures"],
        "versions": [{**version, "path": f"/r/{version['id']}"} for version in data["versions"]],
        "changes": data["changes"],
        "events": data["events"],
        "addresses": data["addresses"],
        "corrections": data["corrections"],
    }


def as_csv(data):
    """A line for each cell of the form: key, official name, number, state, printed text, the
    confidence where it was recognised in a picture, and the value of the last correction."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("key", "zh", "value", "state", "printed", "confidence", "correction"))
    corrected = corrected_cells(data["corrections"], data["version"]["id"])
    for field in data["form_fields"]:
        value, note = data["figures"].get(field["flat"]), data["notes"].get(field["key"])
        state = note["state"] if note else ("number" if value is not None else "missing")
        printed = note["printed"] if note else value_text(value)
        confidence = value_text(note["confidence"] if note else None) or ""
        number = value_text(value) or ""
        said = [c["value"] for c in corrected.get(field["key"], ()) if c["aspect"] == "value"]
        correction = said[-1] if said else ""
        writer.writerow(
            (field["key"], field["zh"], number, state, printed or "", confidence, correction)
        )
    return out.getvalue()


def json_response(body):
    text = json.dumps(body, ensure_ascii=False, indent=1)
    return Response(text, content_type="application/json; charset=utf-8")


def csv_response(text, name, mark=False):
    """`mark` puts a byte order mark first: spreadsheets need it to take the text for UTF-8."""
    ascii_name = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return Response(
        ("\ufeff" if mark else "") + text,
        headers={
            "Content-Disposition": f'inline; filename="{ascii_name}"; '
            f"filename*=UTF-8''{quote(name)}"
        },
        content_type="text/csv; charset=utf-8",
    )


# --- pages ------------------------------------------------------------------------------------


def last_of_each(captures):
    """Of each address the last answer with bytes of its own, of captures with the newest first.

    A page that counts its visitors has other bytes every night: these are one file, not many.
    """
    by_address = {}
    for capture in captures:
        by_address.setdefault(capture["url"], []).append(capture)
    return [
        next((one for one in same if one["record_type"] != "revisit"), same[0])
        for same in by_address.values()
    ]


def page_context(datasette, request, data, pinned):
    report, version = data["report"], data["version"]
    fields = {field["key"]: field for field in data["fields"]}
    findings = [unpacked(finding) for finding in data["findings"]]
    failed = {}
    for finding in findings:
        finding["anchor"] = finding["rule"] + (
            f"-{finding['position']}" if (finding["position"] or 1) > 1 else ""
        )
        finding["mending"] = [
            (fields[key], value) for key, value in finding["proposed"].items() if key in fields
        ]
        if finding["verdict"] == "fail" and (finding["level"] or "hard") in MARKING:
            finding["terms"] = arithmetic(finding["formula"], fields, data["figures"])
            for key in finding["cells"] or KEY.findall(finding["formula"] or ""):
                failed.setdefault(key, []).append(finding)
    changes = told_changes(data["changes"], fields, data["versions"])
    changed = {
        cell["field"]
        for pair in changes
        if pair["to"]["id"] == version["id"]
        for cell in pair["cells"]
    }
    drawn = set()
    corrected = corrected_cells(data["corrections"], version["id"])
    cell = cell_drawer(data["figures"], data["notes"], failed, changed, corrected, drawn)

    def holds(field):
        note = data["notes"].get(field["key"])
        return data["figures"].get(field["flat"]) is not None or (
            note is not None and note["state"] != "missing"
        )

    tables = tables_of(version["form"], data["fields"], cell, holds)
    # What a mixed form or an absent table lacks is no cell of this page.
    noted = [
        field
        for field in data["form_fields"]
        if field["key"] in drawn or data["notes"].get(field["key"], {}).get("state") != "missing"
    ]
    files = last_of_each(data["captures"])
    pages = [file for file in files if file["role"] != "attachment"]
    path = f"/r/{version['id']}"
    numbers = {other["id"]: other["number"] for other in data["versions"]}
    for capture in (one for address in data["addresses"] for one in address["captures"]):
        capture["version_number"] = numbers.get(capture["version_id"])
    for event in data["events"]:
        event["anchor"] = (
            f"change-{last_part(event['from_version'])}-{last_part(event['version_id'])}"
            if event["kind"] == "edited" and event["from_version"]
            else None
        )
    for correction in data["corrections"]:
        correction["field"] = fields.get(correction["key"])
    return {
        **data,
        "findings": findings,
        "path": path,
        "permanent": datasette.absolute_url(request, path),
        "pinned": pinned,
        "current": report["current_version"] == version["id"],
        "replaced": any(other["replaces"] == version["id"] for other in data["versions"]),
        "tables": tables,
        "checks": check_groups(findings),
        "marked": bool(failed),
        "located": any(finding["mending"] for found in failed.values() for finding in found),
        "told_changes": changes,
        "page_capture": pages[0] if pages else None,
        "attachments": [file for file in files if file["role"] == "attachment"],
        "numbers": numbers,
        "corrected": bool(corrected),
        "chapters": CHAPTERS,
        "table_anchors": TABLE_ANCHORS,
        "told_notes": told_notes(data["notes"], noted, data["figures"]),
        "most_rows": MOST_ROWS,
        "most_captures": MOST_CAPTURES,
    }


async def report_page(datasette, request):
    database = datasette.get_database(DATABASE)
    issuer, year = unquoted(request, "issuer"), request.url_vars["year"]
    digest = (request.url_vars.get("digest") or "").lower()
    form = request.url_vars.get("format")
    report_id = f"{issuer}/{year}"
    if digest and not re.fullmatch(r"[0-9a-f]{12,64}", digest):
        raise DatasetteError("不是版本的摘要", status=404)
    report = await first(database, "select * from reports where id = ?", report_id)
    version = None
    if report and digest:
        version = await find_version(database, report_id, digest)
    elif report:
        version = await first(
            database, "select * from versions where id = ?", report["current_version"]
        )
    if version is None:
        raise DatasetteError("没有这份年报", status=404)
    if digest and request.url_vars["digest"] != last_part(version["id"]):
        # A capture that showed it, or more of its digits: a version has one address of its own.
        query = f"?{request.query_string}" if request.query_string else ""
        address = f"/r/{quote(version['id'], safe='/-~._')}" + (f".{form}" if form else "")
        return Response.redirect(address + query, status=302)
    data = await gather(database, report, version)
    permanent = datasette.absolute_url(request, f"/r/{version['id']}")
    name = "-".join((issuer, year, version["id"].rsplit("/", 1)[-1]))
    if form == "json":
        return json_response(as_json(data, permanent))
    if form == "csv":
        return csv_response(as_csv(data), f"{name}.csv", mark=bool(request.args.get("bom")))
    return Response.html(
        await datasette.render_template(
            "report.html", page_context(datasette, request, data, bool(digest)), request=request
        )
    )


def bar_chart(points, height=120, step=56):
    """Bars for (year, number): coordinates for an inline drawing, or None with no number."""
    numbers = [number for _, number in points if number is not None]
    if not numbers or len(points) < 2:
        return None
    top = max([*numbers, 1])
    bars = []
    for i, (year, number) in enumerate(points):
        tall = round(number / top * height, 1) if number is not None else None
        bars.append(
            {
                "year": year,
                "number": number,
                "x": i * step + 12,
                "middle": i * step + step / 2,
                "y": None if tall is None else round(height - tall + 22, 1),
                "height": tall,
            }
        )
    return {"bars": bars, "width": len(points) * step, "height": height + 46, "base": height + 22}


async def around_body(database, tables, issuer):
    """A body's former names, its links to others, its place, what is below it, and corrections."""
    names, links, place, below, corrections = [], [], [], [], []
    if "issuer_names" in tables:
        names = await rows(
            database,
            """
            select name, first_seen, last_seen from issuer_names
            where issuer_id = ? order by last_seen desc, name limit 100
            """,
            issuer["id"],
        )
    if "issuer_links" in tables:
        links = await rows(
            database,
            f"""
            select issuer_links.*, one.name as issuer_name, other.name as body_name
            from issuer_links left join issuers as one on one.id = issuer_links.issuer_id
            left join issuers as other on other.id = other_id
            where issuer_links.issuer_id = ? or other_id = ?
            order by on_date is null, on_date, relation limit {MOST_BELOW}
            """,
            issuer["id"],
            issuer["id"],
        )
    if "divisions" in tables:
        place = await rows(
            database,
            """
            with recursive above (code, depth) as (
                select ?, 0
                union select divisions.parent, depth + 1 from above
                    join divisions on divisions.code = above.code
                    where divisions.parent <> '' and depth < 8
            )
            select divisions.* from above join divisions on divisions.code = above.code
            group by divisions.code order by min(depth) desc
            """,
            issuer.get("place_code") or issuer["division"],
        )
    if "parent_id" in issuer:
        below = await rows(
            database,
            f"""
            select id, name, kind from issuers where parent_id = ? and id <> ?
            order by kind, name limit {MOST_BELOW + 1}
            """,
            issuer["id"],
            issuer["id"],
        )
    if "corrections" in tables:
        corrections = await rows(
            database,
            f"select * from corrections where subject = ? order by number limit {MOST_ROWS}",
            f"issuer:{issuer['id']}",
        )
    return {
        "names": names,
        "links": links,
        "place": place,
        "below": below,
        "corrections": corrections,
    }


async def issuer_page(datasette, request):
    database = datasette.get_database(DATABASE)
    issuer_id, form = unquoted(request, "issuer"), request.url_vars.get("format")
    issuer = await first(database, "select * from issuers where id = ?", issuer_id)
    if issuer is None:
        raise DatasetteError("没有这个机关", status=404)
    tables = set(await database.table_names())
    reports = await rows(
        database,
        """
        select reports.*,
            (select count(*) from versions as every where every.report_id = reports.id) as versions,
            (select count(*) from findings join identities on identities.id = findings.rule
                where version_id = reports.current_version and verdict = 'fail'
                and level in ('hard', 'soft')) as failed,
            versions.numbers_read, versions.flags,
            figures.requests__received_new__total as received_new
        from reports left join versions on versions.id = reports.current_version
        left join figures on figures.version_id = reports.current_version
        where issuer_id = ? order by reports.year desc
        """,
        issuer_id,
    )
    parent = await parent_of(database, issuer)
    portal = await first(database, "select * from portals where id = ?", issuer["portal_id"])
    around = await around_body(database, tables, issuer)
    if form == "json":
        body = {"issuer": issuer, "parent": parent, "portal": portal, **around}
        return json_response({**body, "reports": reports})
    if form == "csv":
        out = io.StringIO()
        columns = (
            "id", "year", "title", "form", "status", "versions", "failed", "numbers_read",
            "received_new", "published_on", "url", "first_seen", "last_seen", "scope", "flags",
        )  # fmt: skip
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows([report[column] for column in columns] for report in reports)
        return csv_response(out.getvalue(), f"{issuer_id}.csv", mark=bool(request.args.get("bom")))
    by_year = {report["year"]: report for report in reports}
    years = range(max(by_year), min(by_year) - 1, -1) if by_year else ()
    from_2019 = [year for year in sorted(years) if year >= 2019]
    points = [(y, by_year[y]["received_new"] if y in by_year else None) for y in from_2019]
    return Response.html(
        await datasette.render_template(
            "issuer.html",
            {
                "issuer": issuer,
                "parent": parent,
                "portal": portal,
                **around,
                "most_below": MOST_BELOW,
                "years": [(year, by_year.get(year)) for year in years],
                "chart": bar_chart(points),
            },
            request=request,
        )
    )


@hookimpl
def register_routes():
    form = r"(?:\.(?P<format>json|csv))?$"
    return [
        (r"^/r/(?P<issuer>[^/]+)/(?P<year>\d{4})/(?P<digest>[^/.]+)" + form, report_page),
        (r"^/r/(?P<issuer>[^/]+)/(?P<year>\d{4})" + form, report_page),
        (r"^/r/(?P<issuer>[^/]+?)" + form, issuer_page),
    ]
