"""What in an original is private? Who would see it here is shown the text without it.

Patterns come with the snapshot (`publish` writes them; the archive masks by the same), so do the
digests of all payloads of a version in which something was found. An original of text is held
against the patterns as it is shown: it also has what the reader passed over.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache

from .answers import first
from .asked import NO_WIDTH

# A longer text is not shown as text; it is looked through all the same.
LONGEST = 2 << 20
UNSEEN = {"<!--": "-->", "<script": "</script", "<style": "</style"}
# Tags within a line of text: what stands on both sides is one word.
INLINE = re.compile(
    r"</?(?:a|abbr|b|big|em|font|i|ins|s|small|span|strong|sub|sup|u|o:p|st1:\w{1,40}|\?xml:\w{1,40})"
    r"(?:[\s/][^<>]*)?>",
    re.IGNORECASE,
)
TAG = re.compile(r"<[/!?a-zA-Z][^<>]*>")
BLANKS = re.compile(r"[ \t\u00a0\r]+")
# Letters that grow when they are lowered would shift all places behind them.
LOWERED = {letter: letter + 32 for letter in range(ord("A"), ord("Z") + 1)}


@lru_cache(maxsize=4)
def _compiled(rules):
    return [(re.compile(pattern), shown) for pattern, shown in rules]


def rules_of(datasette):
    """The patterns a snapshot came with, each with the template of what is shown instead."""
    told = (datasette.plugin_config("nianbao") or {}).get("private") or ()
    return _compiled(tuple((pattern, shown) for pattern, shown in told))


def without_private(text, rules):
    """The text with all that looks private masked, and whether there was any."""
    found = 0
    for pattern, shown in rules:
        text, number = pattern.subn(shown, text)
        found += number
    return text, bool(found)


def words_of(source):
    """What a reader sees of the source of a page: its text, a line for each block."""
    text = TAG.sub("\n", INLINE.sub("", "\n".join(seen(source))))
    text = NO_WIDTH.sub("", html.unescape(text))
    lines = BLANKS.sub(" ", text).split("\n")
    return "\n".join(filter(None, map(str.strip, lines)))


def seen(source):
    """The parts of a source outside comments, scripts and styles; one that is never closed hides
    nothing."""
    low, done = source.translate(LOWERED), 0
    begins = {mark: low.find(mark) for mark in UNSEEN}
    while True:
        for mark, at in begins.items():
            if -1 < at < done:
                begins[mark] = low.find(mark, done)
        mark, at = min(begins.items(), key=lambda found: (found[1] < 0, found[1]))
        if at < 0:
            yield source[done:]
            return
        yield source[done:at]
        end = low.find(UNSEEN[mark], at + len(mark))
        end = low.find(">", end) if end >= 0 else end
        if end < 0:
            begins[mark] = -1
        done = end + 1 if end >= 0 else at


async def is_withheld(database, digest):
    """Did the archive find something private in what this payload showed?"""
    return await first(database, "select 1 from withheld where digest = ?", digest) is not None


def public_text(source, media_type, rules):
    """The text of an original as the public may read it, and whether anything private is in it;
    the text is None where there is too much of it."""
    text = words_of(source) if media_type == "text/html" else NO_WIDTH.sub("", source)
    shown, found = without_private(text, rules)
    return (shown if len(shown) <= LONGEST else None), found
