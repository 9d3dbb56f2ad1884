"""Sentences of a report as clauses a pattern can read: one spelling of digits and marks. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archive.model import Section

SPELLING = str.maketrans(
    "０１２３４５６７８９．％,;:()﹪〇",
    "0123456789.%，；：（）%零",
)
# "1,234" is one number; a comma with other digits around it parts two clauses.
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
BLANK = re.compile(r"[\s\u00a0\u3000\u200b-\u200f\ufeff]+")
SENTENCE = re.compile(r"[^。！？!?\n]+[。！？!?]?")
CLAUSE = re.compile(r"[^，；（）]+")
HEADING = re.compile(
    r"^(?:[（(]?[一二三四五六七八九十]{1,3}[）)、.．]|\d{1,2}[、.．](?!\d)|[（(]\d{1,2}[）)]|第[一二三四五六]部分|第\d{1,2}页|[-—]\s*\d+\s*[-—]$)"
)
ENDS = "。！？；：!?;:"
# A longer sentence is a table run together, and its patterns would take too long.
SHORTEST, LONGEST = 4, 1500
LONGEST_CLAUSE = 200
# A line this short without a full stop is a heading or a cell, not half a sentence.
LONG_LINE = 18
NUMERALS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2}
POWERS = {"十": 10, "百": 100, "千": 1000}
CHINESE_COUNT = re.compile(
    r"(?<![第这每某任同同几数上])([零一二两三四五六七八九十百千]+)(?=[件份宗起])"
)
# Whole-year spans name the year; all other months are part of one.
WHOLE_YEAR = re.compile(
    r"(?:自|从|截至|截止到?|至)?(?:(\d{4})年)?1月1日(?:起|开始)?(?:至|到|[—–~-]+)(?:(?:\d{4})年|当年)?12月31日(?:止|期间|，)?"
    r"|(?:截至|截止到?)(\d{4})年(?:12月31日|12月底|底|末)"
    r"|(\d{4})年1月?[—–~至到-]+12月份?"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence: as printed, its clauses in one spelling, and where it stands.

    `chapter` is the number on the form; `topic` is the heading the paragraph has or stands under;
    `paragraph` counts the paragraphs of the report.
    """

    printed: str
    clauses: tuple[str, ...]
    chapter: int
    topic: str
    paragraph: int


def sentences(
    sections: Sequence[Section], chapters: frozenset[int], about: re.Pattern[str]
) -> Iterator[Sentence]:
    """The sentences of these chapters, in order, of paragraphs that are about something: they or
    the heading they stand under hold what `about` finds."""
    paragraph = 0
    for section in sections:
        if section.number not in chapters:
            continue
        topic = section.heading
        is_about = bool(about.search(topic))
        for line in _paragraphs(section.text):
            paragraph += 1
            if HEADING.match(line):
                topic = re.split(r"[。，；：]", line, maxsplit=1)[0][:40]
                is_about = bool(about.search(topic))
            if is_about or about.search(line):
                yield from _split(line, section.number, topic, paragraph)


def _split(line: str, chapter: int, topic: str, paragraph: int) -> Iterator[Sentence]:
    for match in SENTENCE.finditer(line):
        printed = match[0].strip()
        if not SHORTEST <= len(printed) <= LONGEST:
            continue
        clauses = tuple(
            clause if len(clause) <= LONGEST_CLAUSE else ""
            for clause in CLAUSE.findall(plain(printed).rstrip("。！？!?"))
        )
        if clauses:
            yield Sentence(printed, clauses, chapter, topic, paragraph)


def _paragraphs(text: str) -> Iterator[str]:
    """Lines of text; where a page broke a sentence in two, its halves joined."""
    held = ""
    for line in filter(None, (line.strip() for line in text.split("\n"))):
        goes_on = LONG_LINE <= len(held) <= LONGEST and held[-1] not in ENDS
        broken = goes_on and not HEADING.match(line)
        if held and not broken:
            yield held
            held = ""
        held += line
    if held:
        yield held


def plain(text: str) -> str:
    """One spelling: ASCII digits without commas and blanks, Chinese marks, whole years as years,
    Chinese numerals before 件 as digits."""
    text = BLANK.sub("", THOUSANDS.sub("", text).translate(SPELLING))
    text = WHOLE_YEAR.sub(_whole_year, text)
    return CHINESE_COUNT.sub(_digits, text)


def _whole_year(match: re.Match[str]) -> str:
    year = match[1] or match[2] or match[3]
    return f"{year}年" if year else ""


def _digits(match: re.Match[str]) -> str:
    """三 and 一百二十 as digits; what is no such number stays as it is."""
    value, digit = 0, 0
    for character in match[1]:
        if character in POWERS:
            value += (digit or 1) * POWERS[character]
            digit = 0
        elif digit:
            return match[1]
        else:
            digit = NUMERALS[character]
    return str(value + digit)
