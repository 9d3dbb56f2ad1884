"""One spelling of what is printed: how labels, titles and figures are compared. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

SPACES = re.compile(r"[\s\u200b\ufeff\u00ad]+")
SHORT = 64


def compact(text: str) -> str:
    """The text in normal form (NFKC) without any space: how titles and labels are compared."""
    return _compact_short(text) if len(text) <= SHORT else _compact(text)


def _compact(text: str) -> str:
    return SPACES.sub("", unicodedata.normalize("NFKC", text))


# The same labels and figures stand in all reports.
_compact_short = lru_cache(maxsize=8192)(_compact)


def simplified(text: str) -> str:
    """The text in simplified characters, letter for letter; 乾 stays, for 乾县 is no 干县."""
    converted = str(_converter().convert(text))
    if len(converted) != len(text) or "乾" not in text:
        return converted
    return "".join(old if old == "乾" else new for old, new in zip(text, converted, strict=True))


@cache
def _converter() -> Any:
    # Four megabytes, and most processes never need it.
    from opencc import OpenCC

    return OpenCC("hk2s")
