"""What did a page show, night by night, and with which attachments?

An attachment belongs to a page on the nights on which the page's payload names it: portals swap
files and leave the old ones where they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from archive import warc
from archive.issuers import Portal
from archive.memory import Memory
from archive.model import Evidence
from archive.readings import Source, Task, reader_version, reading_key
from archive.shelf import Shelf
from archive.sightings import Sighting, moment
from archive.versions import SHOWN

# The SHA-256 of no bytes: what a 304 carries.
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
WAITING = "抓取记录尚未归档，待下次构建"
NO_PORTAL = "站点登记信息尚未归档，待下次构建"
NO_PAGE = "附件所属页面尚未见录，待下次构建"


@dataclass(frozen=True, slots=True)
class Night:
    """What is known of a page after one night: its line, and the document it showed, if any."""

    line: Sighting
    task: Task | None = None
    reason: str | None = None


class Index:
    """Where the bytes of a digest lie, and what was said of them at an address."""

    def __init__(self, memory: Memory) -> None:
        # A page shows the same bytes night after night.
        self._holding = lru_cache(maxsize=10_000)(memory.holding)

    def has(self, digest: str | None) -> bool:
        return digest is not None and self._holding(digest, None) is not None

    def source(self, url: str, digest: str) -> Source:
        """The bytes of a digest as part of a document, with the Content-Type of that address."""
        lies = self._holding(digest, url) or self._holding(digest, None)
        if lies is None:
            raise LookupError(f"no capture holds {digest}, which {url} showed")
        return Source(
            url=url,
            digest=digest,
            name=unquote(urlsplit(url).path.rpartition("/")[2]),
            content_type=lies.content_type,
            warc_file=lies.warc_file,
            offset=lies.offset,
        )


class Mentions:
    """Does a page's payload name an attachment? Pages swap files while the old ones stay up."""

    def __init__(self, shelf: Shelf, memory: Memory, index: Index) -> None:
        self._shelf, self._memory, self._index = shelf, memory, index

    def __call__(self, url: str, digest: str, attachment: str) -> bool:
        key = f"{digest} {attachment}"
        if (known := self._memory.recall("mentions", key)) is None:
            source = self._index.source(url, digest)
            try:
                payload = warc.read_payload(self._shelf, source.warc_file, source.offset)
            except warc.OversizeError:
                payload = b""
            known = b"1" if any(name in payload for name in _written(attachment)) else b"0"
            self._memory.keep("mentions", key, known)
        return known == b"1"


def _written(url: str) -> set[bytes]:
    """How the last part of an address may stand in a page's bytes."""
    parts = urlsplit(url)
    tail = parts.path.rpartition("/")[2] + (f"?{parts.query}" if parts.query else "")
    forms = {tail, unquote(tail), tail.replace("&", "&amp;"), unquote(tail).replace("&", "&amp;")}
    return {
        form.encode(charset, "ignore") for form in forms for charset in ("utf-8", "gb18030") if form
    } or {url.encode("utf-8", "ignore")}


def follow(
    url: str,
    seen: Sequence[Sighting],
    attached: Mapping[str, Sequence[Sighting]],
    index: Index,
    portals: Mapping[str, Portal],
    mentions: Callable[[str, str, str], bool],
) -> list[Night]:
    """What a page showed, night by night, each time with the attachments it then named."""
    files = {name: _payloads(lines, index) for name, lines in sorted(attached.items())}
    known: str | None = None
    shown: list[tuple[Sighting, str | None, str | None]] = []
    for line in _with_attachment_nights(seen, files):
        digest, reason = None, None
        if line.verdict in SHOWN:
            if index.has(line.digest) and (line.digest != EMPTY or line.verdict == "ok"):
                known = line.digest
                digest = known
            elif line.verdict == "not_modified" and known:
                digest = known
            else:
                reason = WAITING
            if line.portal_id not in portals or not portals[line.portal_id].division:
                digest, reason = None, NO_PORTAL
        shown.append((line, digest, reason))

    digests = sorted({digest for _, digest, _ in shown if digest})
    named = {
        name: {digest for digest in digests if len(digests) > 1 and mentions(url, digest, name)}
        for name in files
    }
    nights = []
    for line, digest, reason in shown:
        task = None
        if digest:
            sources = [index.source(url, digest)]
            for name, payloads in files.items():
                belongs = digest in named[name] if named[name] else _was_seen(attached[name], line)
                belongs = belongs or len(digests) == 1
                if belongs and (payload := _payload_on(payloads, line.night)):
                    sources.append(index.source(name, payload))
            task = _task(tuple(sources), url, line, portals[line.portal_id].name)
        nights.append(Night(line, task, reason))
    return nights


def _payloads(lines: Iterable[Sighting], index: Index) -> list[tuple[Sighting, str]]:
    """The payloads of an attachment that are in the captures, in order of night."""
    found = []
    known: str | None = None
    for line in sorted(lines, key=lambda line: (line.night, moment(line))):
        if line.verdict in SHOWN:
            if index.has(line.digest) and line.digest != EMPTY:
                known = line.digest
            if known and (line.verdict == "not_modified" or line.digest == known):
                found.append((line, known))
    return found


def _payload_on(payloads: Sequence[tuple[Sighting, str]], night: str) -> str | None:
    """The latest payload known by that night; before the first, the first: a file that could not
    be fetched at once is no edit when it comes."""
    known = [digest for line, digest in payloads if line.night <= night]
    if known:
        return known[-1]
    return payloads[0][1] if payloads else None


def _was_seen(lines: Iterable[Sighting], page: Sighting) -> bool:
    return min(line.night for line in lines) <= page.night


def _with_attachment_nights(
    seen: Sequence[Sighting], files: Mapping[str, Sequence[tuple[Sighting, str]]]
) -> list[Sighting]:
    """The page's lines, and one for each night on which only an attachment was asked for and the
    page, when last asked, was there."""
    nights = {line.night for line in seen}
    extra: dict[str, Sighting] = {}
    for payloads in files.values():
        for line, _ in payloads:
            if line.night in nights:
                continue
            before = [page for page in seen if page.night < line.night]
            if before and before[-1].verdict in SHOWN:
                page = before[-1]
                own = Sighting(
                    night=line.night,
                    seen_at=line.seen_at,
                    portal_id=page.portal_id,
                    url=page.url,
                    title=page.title,
                    listed_on=page.listed_on,
                    verdict="not_modified",
                )
                kept = extra.get(line.night)
                if kept is None or kept.seen_at < own.seen_at:
                    extra[line.night] = own
    return sorted([*seen, *extra.values()], key=lambda line: (line.night, moment(line)))


def _task(sources: tuple[Source, ...], url: str, line: Sighting, portal_name: str) -> Task:
    evidence = Evidence(url=url, portal_name=portal_name, listed_title=line.title or None)
    parts = [(source.digest, source.name, source.content_type) for source in sources]
    return Task(reading_key(reader_version(), evidence, parts), sources, evidence)
