"""The statutory tables laid out as the official form prints them."""

from __future__ import annotations

from collections import Counter

from markupsafe import Markup, escape

STATES = {
    "blank": ("空白", "原文此格空白，不等于 0"),
    "na": ("不适用", "原文印作不适用的记号，不等于 0"),
    "text": ("文字", "原文此格是文字，不是数字"),
    "missing": ("无此格", "原文的表中没有这一格"),
    "ambiguous": ("难分", "原文数字粘连难分，无法确定属于哪一格，引号内是粘连的原文"),
    "unreadable": ("不可读", "原文此格无法读出"),
    "ocr": ("识别", "由扫描件或图片识别得出"),
    "glued": ("由勾稽关系切分", "原文数字与相邻格粘连，由勾稽关系切分"),
    "unit": ("带单位", "原文数字带有单位或正负号，照原样印出"),
}
# Where what was printed does not show the state by itself, a word beside it does.
LABELLED = ("blank", "missing", "ambiguous", "unreadable")
# Two recognitions of a figure that differ leave less confidence than this.
SURE = 0.6
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
OUTCOMES = {
    "upheld": "结果维持",
    "corrected": "结果纠正",
    "other": "其他结果",
    "pending": "尚未审结",
    "total": "总计",
}
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
# A corrected value longer than this is told below the table only.
LONGEST_CORRECTION = 24
# Of the words of a note or a correction as many characters are shown.
LONGEST_WORDS = 120
# What a reader may take these for.
NOT_ZERO = {"blank": "，不等于 0", "na": "，不等于 0"}


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
            (heads, f"requests.{row}.total", [cell(columns.get(key)) for key in APPLICANTS])
            for heads, (row, (_, columns)) in zip(labels, rows.items(), strict=True)
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
                        next(iter(have.values()))["key"],
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


def begun(text, most):
    """The text, or its beginning with a sign that it goes on."""
    return text if len(text) <= most else text[:most] + "……"


def cell_drawer(figures, notes, failed, changed, corrected, drawn, words):
    """A function from a field to its table cell as HTML, all texts escaped; `drawn` collects the
    keys. Of words in a number's place as many characters stand in the cell as `words` says.

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
            title += f"：{STATES[state][0]}{NOT_ZERO.get(state, '')}"
            if printed and printed != text:
                title += f"，印作「{begun(printed, words // 2)}」"
            if state in LABELLED:
                word = f"<i>{STATES[state][0]}</i>"
            if note and note["confidence"] is not None:
                title += f"，把握 {percent(note['confidence'])}"
            if note and doubtful(note):
                classes += " doubtful"
                word = word or "<i>存疑</i>"
            if state == "ambiguous" and text:
                # The digits of several cells: in quotation marks they are no figure of this one.
                text = f"「{text}」"
        text = begun(text, words)
        if failures:
            title += f"。勾稽关系不成立：{failures[0]['told']}"
            if len(failures) > 1:
                title += f"，等 {len(failures)} 处"
            mending = next((f["proposed"][key] for f in failures if key in f["proposed"]), None)
            # Where one cell explains a failure, the others of its sum are not under suspicion.
            suspected = mending is not None or not all(f["proposed"] for f in failures)
            if mending is not None:
                title += f"，建议值（未改动原文） {mending}"
            classes += " bad" if suspected else " beside"
            check = escape(failures[0]["anchor"])
            flag = f'<a class="flag" href="#check-{check}">≠</a>'
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
        f"{'更正为' if is_value else '附注'}「{begun(value, LONGEST_WORDS)}」（左为原文，未改动）。"
        f"{correction['author'] or ''} {correction['date'] or ''}："
        f"{begun(correction['reason'] or '', LONGEST_WORDS)}"
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
                "printed": begun(note["printed"] or "", LONGEST_WORDS),
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


def tables_of(form, fields, cell, figures, notes):
    """The tables of a version's form. Of a mixed one each table in the form it fills best."""

    def holds(field):
        note = notes.get(field["key"])
        return figures.get(field["flat"]) is not None or (
            note is not None and note["state"] != "missing"
        )

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
