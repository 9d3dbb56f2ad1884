"""What differs between two contents: cells, and text that reads as Chinese prose."""

from __future__ import annotations

import difflib
import re

from .answers import last_part

CHAPTERS = {
    0: "前言",
    1: "一、总体情况",
    2: "二、主动公开政府信息情况",
    3: "三、收到和处理政府信息公开申请情况",
    4: "四、政府信息公开行政复议、行政诉讼情况",
    5: "五、存在的主要问题及改进情况",
    6: "六、其他需要报告的事项",
}
# A number changes as a whole: "12" to "21" is no insertion of a digit.
WORD = re.compile(r"[0-9０-９][0-9０-９.,，．%％]*[0-9０-９]|[A-Za-z]+|.", re.DOTALL)
SENTENCE_END = re.compile(r"(?<=[。；！？\n])")
# Character by character costs the square of the length: only within a changed passage this long.
FINE_DIFF = 1500


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
