"""Which portals fall to this process, where several share a night?"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from crawler import links
from crawler.manners import group_of
from crawler.portals import Portal


@dataclass(frozen=True, slots=True)
class Shard:
    """Share `index` (from 1) of `count`, each with a frontier and segments of its own."""

    index: int = 1
    count: int = 1

    def has(self, portal: Portal) -> bool:
        """Whether a portal falls to this shard; one politeness group is never split."""
        return in_shard(portal, self.index, self.count)

    @property
    def frontier_name(self) -> str:
        """The file of its memory: shards may share a folder."""
        if self.count == 1:
            return "frontier.db"
        return f"frontier-{self.index}-of-{self.count}.db"


def parse_shard(given: str) -> Shard:
    """The shard that I/N names; the whole for "". Counted from 0, the last of N is 0.

    Raises ValueError with the remedy.
    """
    match = re.fullmatch(r"([0-9]+)/([0-9]+)", given or "1/1")
    index, count = (int(match[1]), int(match[2])) if match else (1, 0)
    if not (count and 0 <= index <= count):
        raise ValueError(f"shard={given!r} is no share; write I/N with I from 1 to N, as in 2/8")
    return Shard(index % count or count, count)


def in_shard(portal: Portal, index: int, count: int) -> bool:
    """Whether a portal falls to shard `index` of `count`.

    Rendezvous hashing (Thaler and Ravishankar, 1998): with one shard more, only what falls to the
    new one moves.
    """
    host = urlsplit(portal.home_url).hostname or ""
    group = group_of(portal.home_url) if links.is_address(host) else links.registrable(host)

    def weight(shard: int) -> bytes:
        return hashlib.sha256(f"{shard} {group}".encode()).digest()

    return max(range(1, count + 1), key=weight) == (index % count or count)
