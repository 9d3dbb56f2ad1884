"""The nouns of the crawl's memory: an address met, an address known, and what one said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# What a list says that shows no rows.
NO_ROWS = "-"

# What ASP.NET sends back and forth: it differs in every answer and tells no page from another.
_STATE = re.compile(
    r"(?:^|&)__(?:VIEWSTATE\w*|EVENTVALIDATION|PREVIOUSPAGE|LASTFOCUS)=[^&]*", re.IGNORECASE
)
_INDEX = re.compile(r"/index\.(?:s?html?|jsp|aspx?|php)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """An address met on a page: what it is taken for, and where it stood.

    `root` is, for a further page of a list, the key of the list's first page; `dated` the date
    beside a row, as YYYY-MM-DD, or "".
    """

    url: str
    kind: str
    title: str = ""
    listed_on: str = ""
    score: int = 0
    depth: int = 0
    report_url: str | None = None
    method: str = "GET"
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    root: str = ""
    dated: str = ""

    @property
    def key(self) -> str:
        return key_of(self.url, self.body)


@dataclass(frozen=True, slots=True)
class Row(Found):
    """An address as the frontier has it."""

    portal_id: str = ""
    carries: bool = False
    above: bool = False
    keep: bool = False
    discovered_night: str = ""
    last_night: str = ""
    last_verdict: str = ""
    last_digest: str | None = None
    interval: float = 0.0
    failures: int = 0
    nights_gone: int = 0
    print: str = ""
    etag: str = ""
    modified: str = ""

    @property
    def is_further(self) -> bool:
        """Whether this is a page of a list behind its first."""
        return bool(self.root) and self.root != self.key


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address said tonight. `kind` replaces what it was taken for, where it is given.

    `print` is what must stay the same for the answer to count as unchanged; `etag` and `modified`
    are its validators; `not_found` is the sketch that a probe took of its host.
    """

    row: Row
    night: str
    verdict: str
    status: int | None = None
    digest: str | None = None
    kind: str | None = None
    title: str | None = None
    carries: bool = False
    leads: bool = False
    print: str = ""
    etag: str = ""
    modified: str = ""
    not_found: str | None = None


def key_of(url: str, body: str = "") -> str:
    """What tells addresses apart.

    http and https are one, and so are a folder and its index page: portals link both ways.
    """
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    path = _INDEX.sub("/", parts.path or "/")
    # Only the addresses of rendered pages have one; `/#/` is the page itself.
    route = f"#{parts.fragment}" if parts.fragment.strip("/!") else ""
    return f"{parts.netloc}{path}{query}{route}" + (f" {_STATE.sub('', body)}" if body else "")


def path_of(key: str) -> str:
    """A key without its host: what spreads addresses over nights, the same at every address."""
    return key.partition("/")[2]
