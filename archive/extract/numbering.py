"""Automatic numbers of a DOCX's list paragraphs: 一、 and 1. are printed, yet not in the text.

Counting follows ISO 29500-1, 17.9: paragraphs of one abstract list share its counters, a level
begins anew below a higher one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
DIGITS = "〇一二三四五六七八九"
LEVELS = 9
CHINESE = frozenset(
    "chineseCounting chineseCountingThousand japaneseCounting ideographDigital taiwaneseCounting "
    "taiwaneseCountingThousand".split()
)
UNNUMBERED = frozenset({"bullet", "none"})


@dataclass(frozen=True, slots=True)
class _Level:
    form: str
    text: str
    start: int
    style: str


class Numbering:
    """The counters of a document's lists; made from its numbering and styles parts."""

    def __init__(self, numbering: Any | None, styles: Any | None) -> None:
        self._abstract: dict[str, dict[int, _Level]] = {}
        self._lists: dict[str, tuple[str, dict[int, _Level], dict[int, int]]] = {}
        self._styles: dict[str, tuple[str | None, Any | None]] = {}
        self._counts: dict[str, list[int]] = {}
        self._restarted: set[tuple[str, int]] = set()
        for element in () if numbering is None else numbering.iterchildren(f"{W}abstractNum"):
            self._abstract[element.get(f"{W}abstractNumId", "")] = dict(_levels(element))
        for element in () if numbering is None else numbering.iterchildren(f"{W}num"):
            own: dict[int, _Level] = {}
            starts: dict[int, int] = {}
            for override in element.iterchildren(f"{W}lvlOverride"):
                own.update(_levels(override))
                if (start := override.find(f"{W}startOverride")) is not None:
                    starts[_number(override.get(f"{W}ilvl"), 0)] = _value(start, 1)
            abstract = _text(element.find(f"{W}abstractNumId"))
            self._lists[element.get(f"{W}numId", "")] = abstract, own, starts
        for style in () if styles is None else styles.iterchildren(f"{W}style"):
            base = style.find(f"{W}basedOn")
            listed = style.find(f"{W}pPr/{W}numPr")
            self._styles[style.get(f"{W}styleId", "")] = _text(base) or None, listed

    def next(self, paragraph: Any) -> str:
        """The number printed before a paragraph; "" where it has none, or only a bullet."""
        place = self._place(paragraph)
        if place is None:
            return ""
        number, depth = place
        abstract, own, starts = self._lists.get(number, ("", {}, {}))
        levels = {**self._abstract.get(abstract, {}), **own}
        if depth not in levels:
            return ""
        counts = self._counts.setdefault(
            abstract, [levels[n].start - 1 if n in levels else 0 for n in range(LEVELS)]
        )
        if depth in starts and (number, depth) not in self._restarted:
            self._restarted.add((number, depth))
            counts[depth] = starts[depth] - 1
        counts[depth] += 1
        for deeper in range(depth + 1, LEVELS):
            counts[deeper] = levels[deeper].start - 1 if deeper in levels else 0
        if levels[depth].form in UNNUMBERED:
            return ""
        return re.sub(
            r"%([1-9])",
            lambda match: _printed(int(match[1]) - 1, counts, levels),
            levels[depth].text,
        )

    def _place(self, paragraph: Any) -> tuple[str, int] | None:
        """The list and level of a paragraph, by itself or by its style."""
        number, depth = _listed(paragraph.find(f"{W}pPr/{W}numPr"))
        style = _text(paragraph.find(f"{W}pPr/{W}pStyle"))
        styles: list[str] = []
        while style in self._styles and style not in styles:
            styles.append(style)
            base, by_style = self._styles[style]
            style_number, style_depth = _listed(by_style)
            number, depth = number or style_number, depth or style_depth
            style = base or ""
        if not number or number == "0":
            return None
        if not depth:
            # A heading's style names its list, and a level of the list names the style.
            levels = self._abstract.get(self._lists.get(number, ("", {}, {}))[0], {})
            return number, next((n for n, level in levels.items() if level.style in styles), 0)
        return number, min(_number(depth, 0), LEVELS - 1)


def _levels(parent: Any) -> Iterator[tuple[int, _Level]]:
    for level in parent.iterchildren(f"{W}lvl"):
        number = _number(level.get(f"{W}ilvl"), 0)
        if number < LEVELS:
            start = level.find(f"{W}start")
            form = _text(level.find(f"{W}numFmt"))
            # LibreOffice reads the 、 of an RTF's lists as a question mark.
            text = _text(level.find(f"{W}lvlText")).replace("?", "、")
            begin = 1 if start is None else _value(start, 1)
            style = _text(level.find(f"{W}pStyle"))
            yield number, _Level(form or "decimal", text, begin, style)


def _listed(element: Any | None) -> tuple[str, str]:
    if element is None:
        return "", ""
    return _text(element.find(f"{W}numId")), _text(element.find(f"{W}ilvl"))


def _printed(depth: int, counts: list[int], levels: dict[int, _Level]) -> str:
    count = counts[depth]
    form = levels[depth].form if depth in levels else "decimal"
    if form in CHINESE:
        return chinese(count)
    if form.startswith("decimalEnclosedCircle") and 1 <= count <= 20:
        return chr(0x2460 + count - 1)
    if form in {"lowerLetter", "upperLetter"} and 1 <= count <= 26:
        return chr((97 if form == "lowerLetter" else 65) + count - 1)
    return str(count)


def chinese(count: int) -> str:
    """A number below 100 as lists print it (十二, 二十); digits beyond."""
    if not 0 < count < 100:
        return str(count)
    tens, ones = divmod(count, 10)
    head = "" if not tens else "十" if tens == 1 else DIGITS[tens] + "十"
    return head + (DIGITS[ones] if ones or not tens else "")


def _text(element: Any | None) -> str:
    return "" if element is None else str(element.get(f"{W}val", ""))


def _value(element: Any, default: int) -> int:
    return _number(element.get(f"{W}val"), default)


def _number(text: str | None, default: int) -> int:
    return int(text[:6]) if text and text.isdecimal() else default
