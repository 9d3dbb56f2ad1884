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

# A longer text is not shown as text; it is looked through all the same.
LONGEST = 2 << 20
COMMENT = ("<!--", "-->")
UNSEEN = (COMMENT, ("<script", "</script"), ("<style", "</style"))
# Tags within a line of text: what stands on both sides is one word.
INLINE = re.compile(
    r"</?(?:a|abbr|b|big|em|font|i|ins|s|small|span|strong|sub|sup|u|o:p|st1:\w{1,40}|\?xml:\w{1,40})"
    r"(?:[\s/][^<>]*)?>",
    re.IGNORECASE,
)
TAG = re.compile(r"<[/!?a-zA-Z][^<>]*>")
BLANKS = re.compile(r"[ \t\u00a0\r]+")
NO_WIDTH = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
LINES = re.compile(r"\s*\n\s*")


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
    parts, done, low = [], 0, source.lower()
    opened = {begin: low.find(begin) for begin, _ in UNSEEN}
    while True:
        for begin, at in opened.items():
            if -1 < at < done:
                opened[begin] = low.find(begin, done)
        ahead = [(at, begin) for begin, at in opened.items() if at >= done]
        if not ahead:
            break
        at, begin = min(ahead)
        end = dict(UNSEEN)[begin]
        closed = low.find(end, at + len(begin))
        parts.append(source[done:at])
        # What is never closed hides the rest from a reader, not what is private in it.
        done = at + len(begin) if closed < 0 else closed + len(end)
        if closed < 0:
            opened[begin] = -1
    text = "\n".join([*parts, source[done:]])
    text = TAG.sub("\n", INLINE.sub("", text))
    text = NO_WIDTH.sub("", html.unescape(text))
    return LINES.sub("\n", BLANKS.sub(" ", text)).strip()


async def is_withheld(database, digest):
    """Did the archive find something private in what this payload showed?"""
    return await first(database, "select 1 from withheld where digest = ?", digest) is not None


def public_text(data, media_type, encoding, rules):
    """The text of an original as the public may read it, and whether anything private is in it;
    the text is None where there is too much of it."""
    source = data.decode(encoding, "replace")
    text = words_of(source) if media_type == "text/html" else NO_WIDTH.sub("", source)
    shown, found = without_private(text, rules)
    return (shown if len(shown) <= LONGEST else None), found

