"""Which figures does a document print of the 58 indicators of 2014? Grids and text -> sheet.

That form is a list: an indicator, its unit, one figure. An indicator is known by its words and
its unit together (复议数 in 件), and a row that has anything else says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from archive.form import PRINTED, keys
from archive.identify import compact
from archive.runs import read_runs
from archive.sheet import Sheet
from archive.values import UNITS, is_glued, is_unit

ENUMERATORS = re.compile(
    r"[¶§]|[一二三四五六七八九十]、|\([一二三四五六七八九十\d]{1,2}\)|\d{1,2}[.、]|其中:?"
)
# 「（不同渠道和方式公开相同信息计1条）」: the figure is no value.
REMARK = re.compile(r"\((?:不同|不包括)[^()]*\)")
# Said of reviews and of suits in the same words.
REPEATED = ("被依法纠错数", "其他情形数")


def _indicator(text: str) -> str:
    """An indicator's bare words: no enumerators, no remarks in brackets."""
    bare = ENUMERATORS.sub("\n", REMARK.sub("", compact(text))).split("\n")[-1]
    # Some copies of the form misprint 维持.
    return bare.replace("维护具体", "维持具体")


INDICATORS: dict[tuple[str, str], list[str]] = {}
for _key in keys("stats2014"):
    INDICATORS.setdefault((_indicator(PRINTED[_key].zh), PRINTED[_key].unit), []).append(_key)


def read_indicator_row(texts: Sequence[str], sheet: Sheet) -> None:
    """A grid's row, if it ends with an indicator, its unit and one figure."""
    _note_block(compact("".join(texts)), sheet)
    if len(texts) >= 3 and is_unit(texts[-2]):
        _put(_indicator(texts[-3]), compact(texts[-2]), texts[-1], sheet)


def read_indicator_text(source: str, sheet: Sheet) -> None:
    """Running text, its enumerators marked: indicators that end with their unit, and a figure."""
    for run in read_runs(REMARK.sub("", source)):
        _note_block(run.label, sheet)
        label = _indicator(run.label)
        unit = re.search(rf"{UNITS}$", label)
        if unit and len(run.values) == 1 and not is_glued(run.values[0]):
            _put(label[: unit.start()], unit[0], run.values[0], sheet)


def prints_indicators(texts: Iterable[str]) -> bool:
    """Is the form of 2014 there, even if none of its figures can be read?"""
    text = compact("".join(texts))
    return "主动公开政府信息数" in text and "收到申请数" in text


def _note_block(label: str, sheet: Sheet) -> None:
    review, suit = label.rfind("行政复议数"), label.rfind("行政诉讼数")
    if review != suit:
        sheet.block = "review" if review > suit else "litigation"


def _put(indicator: str, unit: str, text: str, sheet: Sheet) -> None:
    found = [
        key
        for key in INDICATORS.get((indicator, unit), ())
        if not indicator.startswith(REPEATED) or key.startswith(f"stats2014.{sheet.block}.")
    ]
    if len(found) == 1:
        sheet.put(found[0], found, [text])
