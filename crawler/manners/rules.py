"""robots.txt after RFC 9309: which addresses its text allows us (pure).

Protego, Scrapy's parser, is not used: it lets `User-agent: nia` speak to `nianbao`, lets
`Allow: /index.html` open `/`, takes all escapes that are no UTF-8 (GBK paths) for one another, and
lets a Crawl-delay end a list of user agents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

# RFC 9309, 2.5: at least 500 KiB are read; the rest of a longer file is not.
MOST_BYTES = 1_024 * 1_024
LONGEST_CRAWL_DELAY = 60.0

_RULES = {
    "allow": "allow",
    "disallow": "disallow",
    # Common misspellings, which RFC 9309, 2.2.4 lets crawlers accept.
    "dissallow": "disallow",
    "disalow": "disallow",
    "diasllow": "disallow",
    "user-agent": "agent",
    "useragent": "agent",
    "user agent": "agent",
    "crawl-delay": "delay",
    "crawldelay": "delay",
}
_LINE = re.compile(r"\s*([A-Za-z][A-Za-z-]*(?: agent)?)\s*:\s*([^#]*)", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z_-]+")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_WIDE = re.compile(rb"[^!-~]")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A path of a rule: `parts` stand between its asterisks; `ends` where `$` closes it.

    `length` in octets decides between rules (RFC 9309, 2.2.2).
    """

    allows: bool
    parts: tuple[bytes, ...]
    ends: bool
    length: int

    def matches(self, path: bytes) -> bool:
        first, *rest = self.parts
        if not path.startswith(first):
            return False
        if not rest:
            return not self.ends or path == first
        at = len(first)
        last = rest.pop()
        for part in rest:
            found = path.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        if self.ends:
            return len(path) - len(last) >= at and path.endswith(last)
        return path.find(last, at) >= 0


@dataclass(frozen=True, slots=True)
class Rules:
    """What a robots.txt says to one crawler; `delay` is its Crawl-delay in seconds, at most 60."""

    patterns: tuple[Pattern, ...] = ()
    delay: float = 0.0

    def allow(self, url: str) -> bool:
        """Whether an address may be asked: the longest match decides, allow wins a tie."""
        parts = urlsplit(url.partition("#")[0])
        query = f"?{parts.query}" if parts.query or url.partition("#")[0].endswith("?") else ""
        path = octets(f"{parts.path or '/'}{query}")
        if path == b"/robots.txt":
            return True
        for pattern in self.patterns:
            if pattern.matches(path):
                return pattern.allows
        return True


def decoded(body: bytes) -> str:
    """The text of a robots.txt: UTF-8, or what its byte order mark says; never raises."""
    body = body[:MOST_BYTES]
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    text = body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    # Paths in GBK stay what they are, octet by octet.
    return re.sub("[\udc80-\udcff]", lambda one: f"%{ord(one[0]) - 0xDC00:02X}", text)


def read_rules(text: str, token: str) -> Rules:
    """The rules for the crawler with a product token, or for `*` where none name it."""
    ours = list(_group(text, token.lower()))
    if not any(kind == "agent" for kind, _ in ours):
        ours = list(_group(text, "*"))
    patterns = [
        pattern(kind == "allow", value)
        for kind, value in ours
        if kind in ("allow", "disallow") and value.startswith(("/", "*"))
    ]
    patterns.sort(key=lambda one: (one.length, one.allows), reverse=True)
    delays = [seconds for kind, value in ours if kind == "delay" and (seconds := _seconds(value))]
    return Rules(tuple(patterns), min(max(delays, default=0.0), LONGEST_CRAWL_DELAY))


def pattern(allows: bool, value: str) -> Pattern:
    """A rule's path, ready to match; an escaped `*` or `$` is itself and no sign."""
    ends = value.endswith("$")
    parts: list[bytes] = []
    in_query = False
    for part in re.split(r"\*+", value.removesuffix("$")):
        parts.append(octets(part, in_query=in_query))
        in_query = in_query or "?" in part
    length = sum(len(part) + 2 * len(_WIDE.findall(part)) for part in parts)
    return Pattern(allows, tuple(parts), ends, length + len(parts) - 1 + ends)


def octets(path: str, *, in_query: bool = False) -> bytes:
    """A path and query with its escapes undone, but for `%25` and, in the path, `%2F`.

    RFC 9309, 2.2.2: however an octet is spelt, it is the same; a slash in the path divides.
    """
    raw = path.encode("utf-8", "replace")
    before, mark, query = (b"", b"", raw) if in_query else raw.partition(b"?")
    return _undone(before, b"%/") + mark + _undone(query, b"%")


def _undone(raw: bytes, kept: bytes) -> bytes:
    def undo(match: re.Match[bytes]) -> bytes:
        octet = int(match[1], 16)
        return match[0].upper() if octet in kept else bytes((octet,))

    return _ESCAPE.sub(undo, raw)


def _group(text: str, token: str) -> Iterator[tuple[str, str]]:
    """The lines of all groups for a token, merged; ("agent", token) for each that names it."""
    listening = False
    in_list = False  # user agents may be listed on lines one after another
    after_delay = False
    for kind, value in _lines(text):
        if kind == "agent":
            match = _TOKEN.match(value)
            is_ours = value == "*" if token == "*" else bool(match and match[0].lower() == token)
            listening = is_ours or (in_list and listening)
            in_list = True
            if is_ours:
                yield kind, token
        elif kind == "blank":
            in_list = in_list and not after_delay
        else:
            # RFC 9309, 2.2.4: a line that is no rule does not end a list of agents; yet a delay
            # with a blank line after it was meant as a group.
            in_list = in_list and kind == "delay"
            if listening:
                yield kind, value
        after_delay = kind == "delay"


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in re.split(r"\r\n|\r|\n", text):
        match = _LINE.match(line.lstrip("\ufeff"))
        if not line.strip():
            yield "blank", ""
        elif match and (kind := _RULES.get(match[1].lower())):
            yield kind, match[2].strip()


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
