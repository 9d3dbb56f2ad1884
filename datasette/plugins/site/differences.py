"""What differs between two contents: cells, and text that reads as Chinese prose. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import groupby, zip_longest

from rapidfuzz.distance import Indel

from .answers import last_part
from .forms import FORM_YEARS

CHAPTERS = {
    0: "前言",
    1: "一、总体情况",
    2: "二、主动公开政府信息情况",
    3: "三、收到和处理政府信息公开申请情况",
    4: "四、政府信息公开行政复议、行政诉讼情况",
    5: "五、存在的主要问题及改进情况",
    6: "六、其他需要报告的事项",
}
TABLES = {
    "disclosure": CHAPTERS[2],
    "requests": CHAPTERS[3],
    "disputes": CHAPTERS[4],
    "stats2014": "政府信息公开情况统计表",
}
# A number changes as a whole: "12" to "21" is no insertion of a digit.
WORD = re.compile(r"[0-9０-９]+(?:[.,．][0-9０-９]+)*[%％]?|[A-Za-z]+|.", re.DOTALL)
SENTENCE = re.compile(r"[^。；！？]*[。；！？]+[”’」』）]*|[^。；！？]+")
NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?")
# What may be spent on one comparison: the sum, over all pairs of sequences aligned, of the product
# of their lengths. Passages that would go beyond it are told as replaced whole.
MOST_EFFORT = 400_000_000
# What it costs to ask how alike two paragraphs are, whatever their length.
ASKING = 5_000
# Paragraphs this alike are two states of one; less alike, one went and another came.
ALIKE = 0.5
# Two changes with fewer characters than this between them read better as one.
ISLAND = 3
# Unchanged text within a changed paragraph is cut to this many characters beside a change.
KEPT = 120
# What a line and each of its parts take on a page besides their text, in characters.
LINE = 50
PART = 6


class Effort:
    """What is left of a comparison's allowance, in pairs of elements."""

    def __init__(self, most=MOST_EFFORT):
        self.left = most

    def allows(self, one, other, each=1):
        """Take the cost of aligning two sequences from the allowance, if it is enough."""
        cost = len(one) * len(other) * each
        if cost > self.left:
            return False
        self.left -= cost
        return True


def same_ends(before, after):
    """How many elements two sequences have in common at their beginning, and then at their end."""
    shorter = min(len(before), len(after))
    head = 0
    while head < shorter and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < shorter - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return head, tail


def steps(before, after, effort):
    """How one sequence becomes the other: (equal | replace, from, to, from, to) in order.

    The common ends are found first, at no cost; the rest by the longest common subsequence, or as
    one replacement where the effort is spent.
    """
    head, tail = same_ends(before, after)
    one, other = before[head : len(before) - tail], after[head : len(after) - tail]
    found = [("equal", 0, head, 0, head)] if head else []
    if one and other and effort.allows(one, other):
        middle = [
            ("equal" if code.tag == "equal" else "replace", *map(int, ends))
            for code in Indel.opcodes(one, other)
            for ends in [(code.src_start, code.src_end, code.dest_start, code.dest_end)]
        ]
    else:
        middle = [("replace", 0, len(one), 0, len(other))] if one or other else []
    for kind, group in groupby(middle, key=lambda step: step[0]):
        same = list(group)
        found.append(
            (kind, *(end + head for end in (same[0][1], same[-1][2], same[0][3], same[-1][4])))
        )
    if tail:
        found.append(("equal", len(before) - tail, len(before), len(after) - tail, len(after)))
    return found


def readable(parts):
    """Changes that a word or two of unchanged text keeps apart, as one: (kind, before, after)."""
    out = []
    for i, (kind, gone, came) in enumerate(parts):
        inside = 0 < i < len(parts) - 1
        if kind == "equal" and inside and len(gone) < ISLAND:
            kind = "replace"
        if out and out[-1][0] == kind:
            out[-1] = (kind, out[-1][1] + gone, out[-1][2] + came)
        else:
            out.append((kind, gone, came))
    return out


def marked(before, after, effort):
    """Two states of a paragraph, each as [(same | del | ins, text)], words within sentences."""
    old, new = WORD.findall(before), WORD.findall(after)
    ends = sum(same_ends(old, new))
    if (len(old) - ends) * (len(new) - ends) > effort.left:
        old, new = SENTENCE.findall(before), SENTENCE.findall(after)
    parts = readable(
        [
            (kind, "".join(old[a1:a2]), "".join(new[b1:b2]))
            for kind, a1, a2, b1, b2 in steps(old, new, effort)
        ]
    )
    left = [("same" if kind == "equal" else "del", gone) for kind, gone, _ in parts if gone]
    right = [("same" if kind == "equal" else "ins", came) for kind, _, came in parts if came]
    return left, right


def likeness(before, after, effort):
    """How much of two paragraphs is the same, from 0 to 1; 0 below ALIKE, or when too costly."""
    longest = max(len(before), len(after))
    if min(len(before), len(after)) * (2 - ALIKE) < longest * ALIKE:
        # The shorter one is too short to be that much alike.
        return 0.0
    if not effort.allows(before, after):
        return 0.0
    return Indel.normalized_similarity(before, after, score_cutoff=ALIKE)


def paired(before, after, effort):
    """Paragraphs that took others' place, as (before | None, after | None) in the order of both:
    those alike beside each other, such that as much as possible stands beside its like."""
    if len(before) == len(after) == 1:
        # However long they are, two that begin and end alike are told at sight.
        lengths = len(before[0]) + len(after[0])
        if 2 * sum(same_ends(before[0], after[0])) >= ALIKE * lengths:
            return [(before[0], after[0])]
    if not before or not after or not effort.allows(before, after, ASKING):
        return [(one, None) for one in before] + [(None, other) for other in after]
    like = [[likeness(one, other, effort) for other in after] for one in before]
    best = [[0.0] * (len(after) + 1) for _ in range(len(before) + 1)]
    for i in range(len(before) - 1, -1, -1):
        for j in range(len(after) - 1, -1, -1):
            both = like[i][j] + best[i + 1][j + 1] if like[i][j] else 0.0
            best[i][j] = max(both, best[i + 1][j], best[i][j + 1])
    pairs = []
    i = j = 0
    while i < len(before) and j < len(after):
        if like[i][j] and best[i][j] == like[i][j] + best[i + 1][j + 1]:
            pairs.append((before[i], after[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            pairs.append((before[i], None))
            i += 1
        else:
            pairs.append((None, after[j]))
            j += 1
    return [*pairs, *((one, None) for one in before[i:]), *((None, one) for one in after[j:])]


def paragraphs(text):
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def text_lines(before, after, effort):
    """Two texts paragraph beside paragraph: dicts with `change` (same, changed, removed, added),
    the two texts (None where there is none) and, of one that changed, its marked parts."""
    old, new = paragraphs(before), paragraphs(after)
    lines = []
    for kind, a1, a2, b1, b2 in steps(old, new, effort):
        if kind == "equal":
            lines += [{"change": "same", "before": line, "after": line} for line in old[a1:a2]]
            continue
        for one, other in paired(old[a1:a2], new[b1:b2], effort):
            line = {"change": "changed", "before": one, "after": other}
            if other is None:
                line["change"] = "removed"
            elif one is None:
                line["change"] = "added"
            else:
                line["left"], line["right"] = marked(one, other, effort)
            lines.append(line)
    return lines


def text_differences(before, after, effort):
    """By chapter what two lists of sections say: headings, paragraphs, and if they differ."""
    old, new = ({part["number"]: part for part in parts} for parts in (before, after))
    out = []
    for number in sorted(old.keys() | new.keys()):
        one, other = old.get(number), new.get(number)
        lines = text_lines(one and one["text"], other and other["text"], effort)
        headings = [part and (part["heading"] or "").strip() for part in (one, other)]
        out.append(
            {
                "number": number,
                "name": CHAPTERS.get(number, f"第 {number} 章"),
                "before": headings[0],
                "after": headings[1],
                "changed": headings[0] != headings[1]
                or any(line["change"] != "same" for line in lines),
                "lines": lines,
            }
        )
    return out


def told_cell(field, side):
    """A cell of one version: {value, state, printed}; `absent` where its form has no such cell."""
    value = side["figures"].get(field["flat"])
    note = side["notes"].get(field["key"])
    if value is None and note is None:
        wanted = set(FORM_YEARS.get(side["version"]["form"] or "", ()))
        state = "missing" if field["years"] & wanted else "absent"
        return {"value": None, "state": state, "printed": None}
    return {
        "value": None if value is None else str(value),
        "state": note["state"] if note else "number",
        "printed": note["printed"] if note else str(value),
    }


def difference(before, after):
    """The later number less the earlier as text with its sign; None unless both are numbers."""
    if not all(NUMBER.fullmatch(value or "") for value in (before, after)):
        return None
    found = Decimal(after) - Decimal(before)
    return f"{found:+f}" if found else "0"


def cell_differences(fields, before, after):
    """The cells that either side's form has, in the order of the form, with what each prints.

    `changed` where the number differs, or the words in its place; a cell that only one of two
    forms has is none, its state on the other side is `absent`.
    """
    out = []
    for field in fields:
        one, other = told_cell(field, before), told_cell(field, after)
        states = {one["state"], other["state"]}
        if states <= {"absent", "missing"} and "absent" in states:
            continue
        had, has = (
            cell["value"] if cell["value"] is not None else cell["printed"] or None
            for cell in (one, other)
        )
        out.append(
            {
                "key": field["key"],
                "zh": field["zh"],
                "unit": field["unit"],
                "table": field["table_key"],
                "before": one,
                "after": other,
                "difference": difference(one["value"], other["value"]),
                "changed": had != has and "absent" not in states,
            }
        )
    return out


def shorten(parts, keep=KEPT):
    """Parts of a paragraph, long unchanged ones cut to what stands next to a change."""
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


def cut(parts, most):
    """The first `most` characters of a paragraph's parts, with a sign where more follows."""
    out = []
    for kind, text in parts:
        if most <= 0:
            break
        out.append((kind, text[:most]))
        most -= len(text)
    return [*out, ("gap", "……")] if most < 0 else out


def facing(lines):
    """Lines with paragraphs that went beside those that came in their place, unlike as they are."""
    out = []
    for one_sided, group in groupby(lines, key=lambda line: line["change"] in ("removed", "added")):
        if not one_sided:
            out += group
            continue
        run = list(group)
        gone = [line for line in run if line["change"] == "removed"]
        came = [line for line in run if line["change"] == "added"]
        out += [
            {
                "change": "replaced" if one and other else (one or other)["change"],
                "before": one and one["before"],
                "after": other and other["after"],
            }
            for one, other in zip_longest(gone, came)
        ]
    return out


def shown_chapters(chapters, everything, most):
    """The chapters as a page shows them: what is the same counted, not shown, unless `everything`;
    at most `most` characters of both texts together. `left_out` counts the paragraphs for which
    there was no room."""
    out = []
    for chapter in chapters:
        if not (chapter["changed"] or everything):
            continue
        shown, left_out = [], 0
        for same, group in groupby(chapter["lines"], key=lambda line: line["change"] == "same"):
            lines = list(group)
            if same and not everything:
                shown.append({"change": "skipped", "count": len(lines)})
                continue
            for line in facing(lines):
                left, right = (line.get(side) for side in ("left", "right"))
                if left is None:
                    kept = line["change"] == "same"
                    left = [("same" if kept else "del", line["before"])] if line["before"] else []
                    right = [("same" if kept else "ins", line["after"])] if line["after"] else []
                elif not everything:
                    left, right = shorten(left), shorten(right)
                size = LINE + sum(PART + len(text) for _, text in (*left, *right))
                if most <= 0:
                    left_out += 1
                    continue
                # A paragraph that does not fit is begun, and the reader told that it goes on.
                left, right = (cut(side, most // 2) for side in (left, right))
                most -= size
                shown.append({"change": line["change"], "left": left, "right": right})
        out.append({**chapter, "lines": shown, "left_out": left_out})
    return out


def told_changes(rows, versions, fields):
    """The pairs of versions that the archive compared, in the order of the rows: their cells, and
    the names of what else differs."""
    numbers = {version["id"]: version for version in versions}
    pairs = {}
    for row in rows:
        pairs.setdefault((row["from_version"], row["to_version"]), []).append(row)
    out = []
    for (source, target), differences in pairs.items():
        told = {
            "from": numbers.get(source, {"id": source, "number": "?"}),
            "to": numbers.get(target, {"id": target, "number": "?"}),
            "anchor": f"change-{last_part(source)}-{last_part(target)}",
            "first": target not in {pair["to"]["id"] for pair in out},
            "path": f"/r/{source}/diff/{last_part(target)}",
            "cells": [
                {**row, "zh": fields.get(row["field"], {}).get("zh", "")}
                for row in differences
                if row["field"]
            ],
            "chapters": [
                (row["section"], CHAPTERS.get(row["section"], f"第 {row['section']} 章"))
                for row in differences
                if row["section"] is not None
            ],
            "aspects": [row["aspect"] for row in differences if row["aspect"]],
        }
        told["elsewhere"] = not told["to"].get("replaces") and str(told["to"]["number"]) != "1"
        out.append(told)
    return out
