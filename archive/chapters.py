"""Where do the chapters of a report begin and end, and what is prose in them? Lines -> sections."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from archive.model import Section
from archive.sheet import Sheet
from archive.values import UNITS

# Titles as pages vary them; here the text is as printed, full-width signs and all.
CHAPTERS: Mapping[int, re.Pattern[str]] = {
    number: re.compile(pattern)
    for number, pattern in (
        (1, r"(?:一|1)\s*[、.．,，]\s*(?:总\s*体|概述|概况|基本|工作).{0,8}?(?:情况|概述|概况|述)"),
        (2, r"(?:二|2)\s*[、.．,，]\s*(?:本年度?)?主动公开.{0,10}?情况"),
        (3, r"(?:三|3)\s*[、.．,，]\s*(?:收到和处理|依申请公开).{0,14}?情况"),
        (4, r"(?:四|4)\s*[、.．,，]\s*因?(?:政府信息公开)?.{0,16}?(?:行政)?复议.{0,16}?情况"),
        (
            5,
            r"(?:五|5)\s*[、.．,，]\s*(?:政府信息公开)?(?:工作)?中?(?:存在|主要|工作).{0,4}?问题"
            r".{0,6}?(?:改进|整改|措施|打算).{0,6}?(?:情况|措施|方向|打算)?",
        ),
        (6, r"(?:六|6)\s*[、.．,，]\s*其[他它]需要(?:报告|说明).{0,3}?事项"),
    )
}
LAST_CHAPTER = re.compile(r"[六6]\s*[、.．]?\s*其[他它]需要(?:报告|说明)")
# Narrative reports number their own chapters; the second table numbers its rows alike.
FREE_CHAPTER = re.compile(
    r"^([一二三四五六七八九])、(?![^，。]{0,4}(?:本年新收|上年结转|本年度办理|结转下))[^。；]{2,36}$"
)
NUMERALS = "一二三四五六七八九"

# Each chapter's table, its first words, and its last words with the values after them.
VALUES = rf"(?:[\s|]|[+\-−]?[\d０-９][\d０-９,.]*+(?:{UNITS})?|[/—-]+(?=[\s|]))*"
PRINTED_TABLES: Mapping[int, tuple[str, re.Pattern[str], re.Pattern[str]]] = {
    number: (table, re.compile(rf"[\s|]*(?:{first})"), re.compile(rf"(?:{last}){VALUES}"))
    for number, table, first, last in (
        (2, "disclosure", r"第\s*二\s*十\s*条\s*第", "行政事业性收费|行政强制|政府集中采购"),
        (
            3,
            "requests",
            r"[（(]\s*本列数据|申请人情况|一、\s*本年度?新收",
            r"结转下\S{0,3}年度?继续办理",
        ),
        (4, "disputes", r"行政复议[\s|]*行政诉讼", r"总\s*计"),
    )
}

# Where a chapter's title begins and ends, and its number.
_Mark = tuple[int, int, int]


def read_sections(lines: Sequence[str]) -> tuple[Section, ...]:
    """The chapters of the text. A title is the last place that begins a line with its words
    (preambles quote all six titles), or the last place at all where lines are lost."""
    text = "\n".join(lines)
    marks = _form_chapters(text)
    if len(marks) < len(CHAPTERS) - 1:
        marks = max(marks, _free_chapters(text), key=len)
    before = text[: marks[0][0]] if marks else text
    sections = [Section(0, "", before.strip() if marks else text)] if before.strip() else []
    for (start, end, number), (until, *_) in pairwise([*marks, (len(text), 0, 0)]):
        sections.append(Section(number, text[start:end].strip(), text[end:until].strip()))
    return tuple(sections)


def without_table(section: Section, sheet: Sheet) -> Section:
    """The chapter less its table, where that was read and stands in the text: it shows as cells."""
    table, first, last = PRINTED_TABLES.get(section.number, ("", None, None))
    if first is None or last is None or not sheet.has(table):
        return section
    start, ends = first.search(section.text), list(last.finditer(section.text))
    if start is None or not ends or ends[-1].start() < start.start():
        return section
    text = section.text[: start.start()] + section.text[ends[-1].end() :]
    return replace(section, text=text.strip())


def _form_chapters(text: str) -> list[_Mark]:
    marks: list[_Mark] = []
    for number, pattern in CHAPTERS.items():
        matches = list(pattern.finditer(text))
        starting = [m for m in matches if m.start() == 0 or text[m.start() - 1] == "\n"]
        for match in (starting or matches)[-1:]:
            if not marks or match.start() > marks[-1][0]:
                marks.append((match.start(), match.end(), number))
    return marks


def _free_chapters(text: str) -> list[_Mark]:
    marks: list[_Mark] = []
    position = 0
    for line in text.split("\n"):
        match = FREE_CHAPTER.match(line.strip())
        if match and match[1] == NUMERALS[len(marks) : len(marks) + 1]:
            marks.append((position, position + len(line), len(marks) + 1))
        position += len(line) + 1
    return marks
