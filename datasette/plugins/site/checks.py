"""Findings as readers see them: by what they compare, with their arithmetic."""

from __future__ import annotations

import json
import re

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
KEY = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)+")
OPERATOR = re.compile(r"\s(:=|<=|>=|=|\+|-)\s")
# How an operator is written where the relation does not hold.
SIGNS = {":=": "≠", "=": "≠", ">=": "<", "<=": ">", "-": "−"}
BLAME = {"publisher": "原文如此", "parser": "本站读取有误"}


def arithmetic(formula, fields, figures):
    """The formula of a relation that does not hold as terms with their printed values, each with
    the sign before it; None for one that spans other records."""
    parts = OPERATOR.split((formula or "").strip())
    if not all(KEY.fullmatch(part) and part in fields for part in parts[::2]):
        return None
    terms = [{"sign": "", "field": fields[parts[0]]}]
    terms += [
        {"sign": SIGNS.get(sign, sign), "field": fields[key]}
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


def sum_line(finding):
    """A failed relation in one line: its sum where it has one, else what was found and expected,
    and whose error it is."""
    parts = []
    for term in finding.get("terms") or ():
        parts += [term["sign"], term["value"]] if term["sign"] else [term["value"]]
    line = " ".join(parts)
    if not line and finding["actual"] is not None:
        line = f"所印 {finding['actual']}"
        line += "" if finding["expected"] is None else f"，各项得 {finding['expected']}"
    blame = BLAME.get(finding["blame"], "责任未定")
    return f"{line}（{blame}）" if line else blame


def mark(findings, fields, figures):
    """The failures that mark a cell, by its key. Each finding learns which cells it would mend
    (`mending`), each of these failures what was summed (`terms`) and how that is told (`told`)."""
    failed = {}
    for finding in findings:
        finding["mending"] = [
            (fields[key], value) for key, value in finding["proposed"].items() if key in fields
        ]
        if finding["verdict"] == "fail" and (finding["level"] or "hard") in MARKING:
            finding["terms"] = arithmetic(finding["formula"], fields, figures)
            finding["told"] = sum_line(finding)
            for key in finding["cells"] or KEY.findall(finding["formula"] or ""):
                failed.setdefault(key, []).append(finding)
    return failed


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
