"""How right the reader is: what was measured on documents whose figures are known.

`python -m tests.accuracy` measures and writes accuracy.json beside this file. Intervals are
Wilson's for 95 %, by report as well as by cell: cells of one report are not independent of each
other, reports nearly are.
"""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path

from datasette import hookimpl

from .answers import DATABASE, csv_response, json_response, page, remembered

MEASURED = Path(__file__).with_name("accuracy.json")
Z = 1.959964  # 95 %, two-sided
COUNTS = (
    ("documents", "文件"),
    ("told", "是否年报判断正确"),
    ("reports", "年报"),
    ("named", "机关、年度、表式皆对"),
    ("tables", "有表格的年报"),
    ("whole", "各格全对的年报"),
    ("cells", "格"),
    ("right", "读对"),
    ("wrong", "读错"),
    ("missed", "漏读"),
    ("invented", "误添"),
    ("beyond", "表中所无的格读出了数字"),
    ("notes", "有格注的格"),
    ("notes_right", "格注正确"),
    ("broken", "原件中不成立的勾稽关系"),
    ("broken_found", "其中查出"),
    ("false_alarms", "误报"),
)
SETS = {"real": "真实年报", "made": "自制文件"}
FORMS = {"narrative": "文字报告（无表格）"}
MEDIA = {
    "html": "网页 HTML",
    "pdf": "PDF（有文字层）",
    "word": "Word（DOCX、DOC、WPS、RTF）",
    "scan": "扫描件与图片",
    "spreadsheet": "电子表格（附件）",
    "ofd": "OFD",
    "text": "纯文本",
}
INTERVALS = ("right_low", "right_high", "whole_low", "whole_high")


def wilson(successes, trials):
    """The Wilson score interval of a share at 95 %, (low, high) from 0 to 1; None without trials.

    Wilson 1927; unlike p ± 2 s it says something of 17 out of 17: no less than 0.816.
    """
    if not trials:
        return None
    share, spread = successes / trials, Z * Z / trials
    middle = share + spread / 2
    half = Z * sqrt((share * (1 - share) + spread / 4) / trials)
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    # All or none leave nothing beyond; only rounding would.
    return (0.0 if successes == 0 else low, 1.0 if successes == trials else high)


def with_intervals(counts, is_sample):
    """A line of counts with its intervals: of cells read right, and of reports without a fault.
    Documents of our own making are a sample of nothing: their intervals are None."""
    told = dict(counts)
    for name, part, whole in (("right", "right", "cells"), ("whole", "whole", "tables")):
        interval = wilson(counts[part], counts[whole]) if is_sample else None
        low, high = interval or (None, None)
        told[f"{name}_low"] = None if low is None else round(low, 4)
        told[f"{name}_high"] = None if high is None else round(high, 4)
    return told


def read_measured(text):
    """What was measured, each line of counts with its intervals."""
    measured = json.loads(text)
    for name, counted in measured["sets"].items():
        counted["all"] = with_intervals(counted["all"], name == "real")
        for by in ("form", "medium"):
            counted[by] = {
                code: with_intervals(line, name == "real") for code, line in counted[by].items()
            }
    return measured


def lines_of(measured):
    """A line for each set as a whole, each form and each medium."""
    for name, counted in measured["sets"].items():
        yield {"set": name, "by": "all", "code": "all", **counted["all"]}
        for by in ("form", "medium"):
            for code, line in counted[by].items():
                yield {"set": name, "by": by, "code": code, **line}


async def accuracy(datasette, request):
    measured = read_measured(MEASURED.read_text(encoding="utf-8"))
    # Which readers the versions of this archive were read by.
    readers = await remembered(
        datasette.get_database(DATABASE),
        "select parser, count(*) as versions from versions group by parser order by parser",
    )
    form = request.url_vars.get("format")
    if form == "json":
        return json_response({**measured, "readers_of_this_archive": readers})
    if form == "csv":
        columns = ["set", "by", "code", *(name for name, _ in COUNTS), *INTERVALS]
        return csv_response(lines_of(measured), columns, "accuracy.csv")
    return await page(
        datasette,
        request,
        "accuracy.html",
        section="accuracy",
        measured=measured,
        real=measured["sets"]["real"],
        made=measured["sets"]["made"],
        readers=readers,
        counts=COUNTS,
        forms=FORMS,
        media=MEDIA,
    )


def share_text(share):
    """A share as a percentage that never rounds up to a whole: 0.9998 is 99.9, not 100."""
    if share is None:
        return ""
    if share in (0, 1):
        return f"{share:.0%}"
    return f"{int(share * 1000) / 10:.1f}%"


@hookimpl
def prepare_jinja2_environment(env):
    env.filters["share"] = share_text


@hookimpl
def register_routes():
    return [(r"^/accuracy(?:\.(?P<format>json|csv))?$", accuracy)]
