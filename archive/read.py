"""Bytes and evidence -> Reading: extract, parse, identify, check, in that order.

The same function serves `python -m archive parse` and the build, so that what a developer sees
on a terminal is what the archive holds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from archive.check import check
from archive.extract import extract, media_type
from archive.identify import compact, identify
from archive.model import Document, Evidence, Paragraph, Reading, UnreadableError
from archive.parse import Parsed, parse

# Part of every stored version: raise it when the same bytes may read differently.
PARSER = "3"

COUNTERS = re.compile(
    r"(?:浏览|阅读|访问|点击|阅览|下载|点赞)(?:次数|量|数|人数|统计)?[:：]?\d*(?:次|人次)?"
    r"|已?(?:浏览|阅读|访问|下载)\d+次|您是第\d+位访问者|今天是.{0,24}?星期."
    r"|(?:打印|关闭|分享到?|字号|字体|大中小|\[?[大中小]\]?(?=[大中小打关\]]))+"
)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a report: the page first, its attachments after it."""

    data: bytes
    name: str = ""
    content_type: str = ""


def read_report(parts: Sequence[Part], evidence: Evidence) -> Reading:
    """The reading of a report: its page and, where the page prints no figures, its attachments.

    Never raises for what the bytes hold: what cannot be read has `is_report` False and a reason.
    """
    page, *attachments = parts
    kind = media_type(page.data)
    try:
        document = extract(page.data, page.content_type, evidence.url)
    except UnreadableError as error:
        return Reading(False, str(error), media_type=kind)
    parsed = parse(document)
    if not _numbers(parsed):
        parsed, kind = _from_attachments(parsed, attachments, kind)
    identity = identify(document, evidence, parsed.sections, _numbers(parsed))
    if not identity.is_report:
        return Reading(False, identity.reason, title=identity.title, media_type=kind)
    return Reading(
        True,
        identity.reason,
        issuer=identity.issuer,
        year=identity.year,
        form=parsed.form,
        scope=identity.scope,
        title=identity.title,
        published_on=identity.published_on,
        sections=parsed.sections,
        cells=parsed.cells,
        notes=parsed.notes,
        findings=check(parsed.cells, parsed.form),
        media_type=kind,
        content_digest=content_digest(document, attachments),
        links=document.links,
    )


def _numbers(parsed: Parsed) -> int:
    return sum(value is not None for value in parsed.cells.values())


def _from_attachments(parsed: Parsed, attachments: Sequence[Part], kind: str) -> tuple[Parsed, str]:
    """The attachment with the most figures; its chapters where the page has none of its own."""
    best, best_kind = parsed, kind
    for part in attachments:
        try:
            read = parse(extract(part.data, part.content_type))
        except UnreadableError:
            continue
        if _numbers(read) > _numbers(best):
            best, best_kind = read, media_type(part.data)
    if best is not parsed and sum(s.number > 0 for s in parsed.sections) > sum(
        s.number > 0 for s in best.sections
    ):
        best = replace(best, sections=parsed.sections)
    return best, best_kind


def content_digest(document: Document, attachments: Sequence[Part] = ()) -> str:
    """SHA-256 of what a reader reads: text less visitor counters, links, attachments' bytes.

    Raw digests, whole-page text and SimHash were tried: all three flag visitor counters, and the
    last two miss real edits (a swapped attachment, a deleted paragraph).
    """
    digest = hashlib.sha256(b"content-1\n")
    for block in document.blocks:
        if isinstance(block, Paragraph):
            lines = [COUNTERS.sub("", compact(block.text))]
        else:
            lines = ["|".join(compact(cell.text) for cell in row) for row in block.rows]
        for line in filter(None, lines):
            digest.update(line.encode("utf-8", "replace") + b"\n")
    for link in document.links:
        digest.update(b"link " + link.encode("utf-8", "replace") + b"\n")
    for part in attachments:
        digest.update(b"part " + hashlib.sha256(part.data).digest() + b"\n")
    return digest.hexdigest()
