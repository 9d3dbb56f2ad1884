"""Where do the chapters of a report begin and end, and what is prose in them? Lines -> sections."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from archive.cells.indicators import statistics_span
from archive.cells.sheet import Sheet
from archive.cells.values import UNITS
from archive.model import Section

LAST_CHAPTER = re.compile(r"[六6]\s*+[、.．]?\s*+其[他它]需要(?:报告|说明)")

# What may stand between a title's words; a title may be broken over two lines.
GAP = r"(?:(?!情\s*况|[一二三四五六七八九]\s*[、．.])[^。；;：:！!？?（()）\d])"
# The six titles of the forms since 2019, as pages vary them; the text is as printed.
TITLES: Mapping[int, re.Pattern[str]] = {
    number: re.compile(pattern)
    for number, pattern in (
        (1, r"总\s*体\s*(?:工作)?情\s*况|概\s*述|概\s*况|(?:基本|工作)(?:工作)?(?:情况|概况|概述)"),
        (2, rf"主动公开(?:政府信息)?{GAP}{{0,10}}?情\s*况"),
        (3, rf"(?:收到和处理|依申请公开){GAP}{{0,16}}?情\s*况"),
        (
            4,
            rf"(?:因\s*)?(?:政府信息公开{GAP}{{0,16}}?)?(?:被?(?:申请|提起)\s*)?(?:行政)?复\s*议"
            rf"{GAP}{{0,18}}?情\s*况",
        ),
        (
            5,
            rf"(?:政府信息公开)?(?:工作)?中?(?:存在|主要|工作){GAP}{{0,6}}?问题(?:{GAP}{{0,8}}?"
            rf"(?:改进|整改|措施|打算){GAP}{{0,6}}?(?:情况|措施|方向|打算)?)?",
        ),
        (6, r"(?:需要(?:报告|说明)的)?其[他它](?:需要(?:报告|说明))?(?:的?)事项|其[他它]情况"),
    )
}
FILLED: Mapping[int, re.Pattern[str]] = {
    number: re.compile(rf"[^，。；：:、（()）\n]{{0,16}}?(?:{title.pattern})")
    for number, title in TITLES.items()
}
# What only the forms since 2019 call their third chapter.
FORM_OF_2019 = re.compile(r"收到和处理")
# Chapters of the reports since 2008, by the regulation of 2007.
OWN_TITLE = re.compile(
    rf"(?:[^，。；：:、（(\n]{{0,16}}?)(?:概\s*述|概\s*况|总体情况|(?:基本|工作)(?:工作)?情况|组织领导{GAP}{{0,10}}?情况"
    rf"|主动公开{GAP}{{0,12}}?情况|依申请公开{GAP}{{0,14}}?情况|政府信息依申请公开{GAP}{{0,10}}?情况"
    rf"|收费{GAP}{{0,8}}?(?:减免)?{GAP}{{0,4}}?情况|咨询{GAP}{{0,8}}?情况|(?:行政)?复议{GAP}{{0,20}}?情况"
    rf"|问题{GAP}{{0,10}}?(?:改进|整改|措施|打算|计划|努力方向){GAP}{{0,6}}?(?:情况|措施|打算|计划|安排)?"
    rf"|其[他它]{GAP}{{0,8}}?事项|(?:说明|报告)的{GAP}{{0,4}}?事项|附表(?:说明)?|附件说明|说明与附表|工作打算)"
)

NUMERALS = "一二三四五六七八九十"
ROMAN = "ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ"
# How chapters are numbered, the styles that hold others first. What may not stand before a number
# is asked of the matches: a lookbehind would cost each character of the text.
PREFIX = re.compile(
    rf"第\s*(?P<part>[{NUMERALS}]{{1,2}})\s*(?:部\s*分|章)\s*[、:：.．]?\s*"
    rf"|(?P<chinese>[{NUMERALS}]{{1,3}})\s*[、.．,，:：]\s*"
    rf"|(?P<roman>[{ROMAN}])\s*[、.．]?\s*"
    rf"|[（(]\s*(?P<bracket>[{NUMERALS}]{{1,3}})\s*[)）]\s*[、.．]?\s*"
    r"|(?P<arabic>\d{1,2})\s*[、.．]\s*(?!\d)"
)
NOT_BEFORE = {"chinese": NUMERALS + "第", "arabic": "0123456789.．"}
STYLES = {"part": 6, "chinese": 6, "roman": 5, "arabic": 5, "bracket": 3, "": 3}
FEWEST_OF_STYLE = {"part": 2, "chinese": 2, "roman": 2, "bracket": 3, "arabic": 3}
# The second table numbers its rows as reports do their chapters.
TABLE_ROW = re.compile(r"[^，。\n]{0,4}(?:本年度?新收|上年度?结转|本年度办理结|结转下)")
CONTENTS = re.compile(r"^[^\S\n]*目\s*[录次][^\S\n]*$", re.MULTILINE)
# 「一、概述……3」
CONTENTS_LINE = re.compile(r"[\s.…·．\-—_]{3,}\d{0,3}\s*$|\s\d{1,2}\s*$")
QUOTED = re.compile(r"\s*[，,、；;”》]")
SPOKEN = re.compile(r"[。；;！!？?]")
# The chapter's text goes on behind its title, on the same line.
MERGED = re.compile(r"[\s:：。]+\S|[^，,\d]{0,38}[，,\d]")
FIRST_WORDS = re.compile(r"[^。；;：:，,\s]{2,24}[。：:\s]")
LONGEST_HEADING = 38
LONGEST_CONTENTS = 60
FEWEST_OF_FORM = 5
FEWEST_UNNUMBERED = 3
# A line as short as a heading.
SHORT_LINE = re.compile(r"^[^\S\n]*(\S[^\n]{0,37})$", re.MULTILINE)
# From this weight on a chapter has a title that the regulation of 2007 names.
TITLED = 6
# No report has a tenth as many lines that look like titles.
MOST_MARKS = 2000

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


@dataclass(frozen=True, slots=True)
class _Mark:
    """A place where a chapter may begin: its title's place, its number, how likely it is one."""

    start: int
    end: int
    number: int
    weight: int
    # The number as printed, None where none is.
    printed: int | None = None


def read_sections(lines: Sequence[str]) -> tuple[Section, ...]:
    """The chapters of the text, and what stands before the first as number 0.

    Numbers are the form's where the titles are, else the report's own. Nothing of the text is
    lost: headings and texts together are all of it, in order.
    """
    text = "\n".join(lines)
    marks = _chapters(_masked(text))
    before = text[: marks[0].start] if marks else text
    sections = [Section(0, "", before.strip() if marks else text)] if before.strip() else []
    for mark, until in pairwise([*marks, _Mark(len(text), 0, 0, 0)]):
        heading, body = text[mark.start : mark.end], text[mark.end : until.start]
        sections.append(Section(mark.number, " ".join(heading.split("\n")).strip(), body.strip()))
    return tuple(sections)


def without_table(section: Section, sheet: Sheet) -> Section:
    """The chapter less its table, where that was read and stands in the text: it shows as cells."""
    if sheet.has("stats2014") and (span := statistics_span(section.text)):
        return replace(section, text=_without(section.text, *span))
    table, first, last = PRINTED_TABLES.get(section.number, ("", None, None))
    if first is None or last is None or not sheet.has(table):
        return section
    start, ends = first.search(section.text), list(last.finditer(section.text))
    if start is None or not ends or ends[-1].start() < start.start():
        return section
    return replace(section, text=_without(section.text, start.start(), ends[-1].end()))


def _without(text: str, start: int, end: int) -> str:
    """The text less a table; the sentences that stand between its lines stay."""
    kept = [line for line in text[start:end].split("\n") if "。" in line]
    whole = "\n" not in text[start:end].strip()
    return "\n".join(
        filter(None, (text[:start].strip(), *([] if whole else kept), text[end:].strip()))
    )


def _masked(text: str) -> str:
    """The text of the same length in which no table's line looks like a title."""
    span = statistics_span(text)
    if span is None:
        return text
    return text[: span[0]] + "\0" * (span[1] - span[0]) + text[span[1] :]


def _chapters(text: str) -> list[_Mark]:
    contents = _contents(text)
    places = [place for place in _places(text) if place.start not in contents]
    form = _best(_form_marks(text, [place for place in places if place.style]), repeat=False)
    if len(form) < len(TITLES):
        form = _best(_form_marks(text, places), repeat=False)
    third = next((text[mark.start : mark.end] for mark in form if mark.number == 3), "")
    if len(form) > 2 and FORM_OF_2019.search(third):
        return form
    own = _own_chapters(text, places)
    exact = sum(mark.printed in {None, mark.number} for mark in form)
    if exact >= FEWEST_OF_FORM and sum(mark.weight >= TITLED for mark in own) <= len(form):
        return form
    return own if len(own) >= len(form) else form


# --- where a chapter may begin --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """A number, or a line without one: where it begins, where words follow, the line's end."""

    start: int
    words: int
    stop: int
    style: str
    printed: int | None
    # Does it begin its line?
    first: bool


def _places(text: str) -> list[_Place]:
    places = []
    stop = -1
    line = 0
    for prefix in PREFIX.finditer(text):
        style = prefix.lastgroup or ""
        if text[max(prefix.start() - 1, 0)] in NOT_BEFORE.get(style, "") and prefix.start():
            continue
        first = False
        if prefix.start() > stop:
            line = text.rfind("\n", max(stop, 0), prefix.start()) + 1 or line
            first = not text[line : prefix.start()].strip()
            stop = text.find("\n", prefix.end())
            stop = len(text) if stop < 0 else stop
        places.append(
            _Place(prefix.start(), prefix.end(), stop, style, _value(prefix[style]), first)
        )
    numbered = {place.start for place in places if place.first}
    for bare in SHORT_LINE.finditer(text):
        if bare.start(1) not in numbered:
            places.append(_Place(bare.start(1), bare.start(1), bare.end(), "", None, True))
    return sorted(places, key=lambda place: place.start)


# --- the chapters of the forms since 2019 ---------------------------------------------------------


def _form_marks(text: str, places: Sequence[_Place]) -> list[_Mark]:
    marks = [mark for place in places for mark in _form_marks_at(text, place)]
    return _less_likely_in_lists(text, marks)


def _form_marks_at(text: str, place: _Place) -> Iterator[_Mark]:
    """The titles that stand there; words may stand before one (一、2021年度总体情况) only where
    the number begins its line."""
    words = place.words
    for number, title in TITLES.items():
        match = title.match(text, words)
        if match is None and place.first and place.style:
            match = FILLED[number].match(text, words)
        if match is None:
            continue
        rest = text[match.end() : match.end() + LONGEST_HEADING].partition("\n")[0]
        alone = not rest.strip(" \t\u3000:：。.")
        expected = place.printed in {None, number}
        if not (alone or place.style) or not (expected or place.first):
            continue
        weight = STYLES[place.style] + 3 * place.first + 2 * alone - 4 * (not expected)
        if QUOTED.match(rest):
            weight -= 6 if place.first else 9
        if weight > 0 and not CONTENTS_LINE.search(rest):
            end = match.end() + (len(rest) if re.match(r"方面\W*$", rest) else 0)
            yield _Mark(place.start, end, number, weight, place.printed)


def _value(numeral: str) -> int:
    if numeral.isdecimal():
        return int(numeral)
    if numeral in ROMAN:
        return ROMAN.index(numeral) + 1
    tens, ten, ones = numeral.rpartition("十")
    if not ten:
        return NUMERALS.index(numeral[-1]) + 1
    return 10 * (NUMERALS.index(tens[-1]) + 1 if tens else 1) + (
        NUMERALS.index(ones[-1]) + 1 if ones else 0
    )


def _less_likely_in_lists(text: str, marks: list[_Mark]) -> list[_Mark]:
    """A title that another follows at once is a list's if it is printed again below."""
    last = {mark.number: mark.start for mark in marks}
    found = []
    for mark, after in zip(marks, [*marks[1:], None], strict=False):
        listed = (
            after is not None
            and after.number != mark.number
            and len(text[mark.end : after.start].strip()) < 2
            and last[mark.number] > mark.start
        )
        found.append(replace(mark, weight=max(mark.weight - 7, 1)) if listed else mark)
    return found


def _best(marks: Sequence[_Mark], *, repeat: bool) -> list[_Mark]:
    """The chain of marks with rising numbers that weighs most; the earlier of equal ones.

    With `repeat` a number may be printed twice by mistake, and one may be left out, at a cost.
    """
    # The best chain that ends with each number, and its weight.
    chains: dict[int, tuple[int, tuple[_Mark, ...]]] = {0: (0, ())}
    for mark in marks[:MOST_MARKS]:
        options = []
        for number, (weight, chain) in chains.items():
            if number > mark.number or (number == mark.number and not repeat):
                continue
            cost = 0
            if repeat:
                cost = 6 if number == mark.number else 2 * (mark.number - number - 1)
            if mark.weight > cost:
                options.append((weight + mark.weight - cost, (*chain, mark)))
        best = max(options, key=lambda option: option[0], default=(0, ()))
        if best[0] > chains.get(mark.number, (0, ()))[0]:
            chains[mark.number] = best
    return list(max(chains.values(), key=lambda chain: chain[0])[1])


# --- the chapters a report numbers as it likes ----------------------------------------------------


def _own_chapters(text: str, places: Sequence[_Place]) -> list[_Mark]:
    """The chapters by the first style of numbers that heads enough of them, or by bare titles."""
    by_style: dict[str, list[_Mark]] = {}
    for place in places:
        if mark := _own_mark(text, place):
            by_style.setdefault(place.style, []).append(mark)
    for style, fewest in FEWEST_OF_STYLE.items():
        chain = _best(_less_likely_in_lists(text, by_style.get(style, [])), repeat=True)
        if len(chain) >= fewest:
            return list(_numbered(chain))
    bare = by_style.get("", [])
    return list(_numbered(bare)) if len(bare) >= FEWEST_UNNUMBERED else []


def _numbered(marks: Iterable[_Mark]) -> Iterator[_Mark]:
    """The marks under numbers of their own: one printed twice is the next."""
    number = 0
    for mark in marks:
        number = max(mark.printed or 0, number + 1)
        yield replace(mark, number=number)


def _own_mark(text: str, place: _Place) -> _Mark | None:
    title = OWN_TITLE.match(text, place.words)
    if title and title.end() > place.stop:
        title = None
    end = weight = 0
    if not place.style:
        if title and not text[title.end() : place.stop].strip(" :：。\t\u3000"):
            end, weight = place.stop, TITLED
    elif TABLE_ROW.match(text, place.words):
        return None
    elif place.first and _is_short(text, place) and not (title and MERGED.match(text, title.end())):
        end, weight = place.stop, TITLED + 3 if title else TITLED - 1
    elif title and not QUOTED.match(text, title.end()):
        end, weight = title.end(), TITLED + place.first
    elif place.first and (words := FIRST_WORDS.match(text, place.words)):
        end, weight = words.end(), 2
    if not weight or CONTENTS_LINE.search(
        text[max(end, place.words) : place.stop][:LONGEST_HEADING]
    ):
        return None
    if CONTENTS_LINE.search(text[place.words : min(place.stop, place.words + LONGEST_CONTENTS)]):
        return None
    return _Mark(place.start, end, place.printed or 0, weight, place.printed)


def _is_short(text: str, place: _Place) -> bool:
    """Is the rest of the line as short as a heading, and no sentence?"""
    if not place.words < place.stop <= place.start + LONGEST_HEADING:
        return False
    line = text[place.words : place.stop].strip()
    return bool(line) and not line.endswith(("；", ";")) and not SPOKEN.search(line.rstrip("。"))


# --- tables of contents ---------------------------------------------------------------------------


def _contents(text: str) -> range:
    """The places of the lines of a table of contents: below 目录, until a title comes again."""
    head = CONTENTS.search(text)
    if head is None:
        return range(0)
    position = head.end() + 1
    seen: set[str] = set()
    for line in text[position:].split("\n"):
        bare = "".join(unicodedata.normalize("NFKC", line).split())
        title = re.sub(r"[.…·\-—_]*\d*$", "", bare)
        if title and (title in seen or len(bare) > LONGEST_CONTENTS or "。" in bare):
            return range(head.start(), position)
        seen.add(title)
        position += len(line) + 1
    return range(0)
