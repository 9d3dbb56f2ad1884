"""One spelling of what is printed: how labels, titles and figures are compared. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

SPACES = re.compile(r"[\s\u200b\ufeff\u00ad]+")
SHORT = 64


def compact(text: str) -> str:
    """The text in normal form (NFKC) without any space: how titles and labels are compared."""
    return _compact_short(text) if len(text) <= SHORT else _compact(text)


def _compact(text: str) -> str:
    return SPACES.sub("", unicodedata.normalize("NFKC", text))


# The same labels and figures stand in all reports.
_compact_short = lru_cache(maxsize=8192)(_compact)
