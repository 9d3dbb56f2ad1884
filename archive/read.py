"""Bytes and evidence -> Reading: extract, parse, identify, check, in that order.

The same function serves `python -m archive parse` and the build, so that what a developer sees
on a terminal is what the archive holds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from archive.cells.audit import audit
from archive.cells.witness import count_off
from archive.check import check
from archive.extract import extract, media_type
from archive.extract.plain import read_plain_grid
from archive.findings.blame import assign_blame, needs_witness
from archive.findings.narrative import narrate
from archive.findings.plausibility import weigh
from archive.grid import append_page
from archive.identify import Identity, identify, is_anothers
from archive.model import (
    Block,
    Document,
    Evidence,
    Finding,
    Paragraph,
    Picture,
    Reading,
    State,
    Table,
    UnreadableError,
    Verdict,
)
from archive.names.clones import traditional
from archive.parse import TABLES, Parsed, parse, settle
from archive.spelling import compact, simplified

# Part of every stored version: raise it when the same bytes may read differently.
PARSER = "4"

PDF = "application/pdf"
# Words of the statutory tables that prose does not have.
TABLE_WORDS = re.compile("政府信息公开申请数量|对外公开总数量|现行有效件?数?|主动公开政府信息数")
# Some of these stand in every report that is printed in traditional characters.
TRADITIONAL_WORDS = ("開", "報", "數")
STATUTORY = ("disclosure", "requests", "disputes")
MOST_PICTURES = 20
COUNTERS = re.compile(
    r"(?:浏览|阅读|访问|点击|阅览|下载|点赞)(?:次数|量|数|人数|统计)?[:：]?\d*(?:次|人次)?"
    r"|已?(?:浏览|阅读|访问|下载)\d+次|您是第\d+位访问者|今天是.{0,24}?星期."
    r"|(?:打印|关闭|分享到?|字号|字体|大中小|\[?[大中小]\]?(?=[大中小打关\]]))+"
)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a report: the page first, its attachments and pictures after it."""

    data: bytes
    name: str = ""
    content_type: str = ""
    url: str = ""


def read_report(parts: Sequence[Part], evidence: Evidence, *, prose: bool = True) -> Reading:
    """The reading of a report: its page and, for what the page does not print, its attachments.

    Without `prose` there are only cells and identities, at a fraction of the cost: no sections, and
    nothing said of them or of what was not used.
    Never raises for what the bytes hold: what cannot be read has `is_report` False and a reason.
    """
    page, *attachments = parts
    try:
        url = evidence.url or page.url or None
        document = in_simplified(extract(page.data, page.content_type, url, prose=prose))
    except UnreadableError as error:
        return Reading(False, str(error), media_type=media_type(page.data))
    if document.flags and evidence.listed_title:
        evidence = replace(evidence, listed_title=simplified(evidence.listed_title))
    sources = _Sources([page], [document])
    parsed = parse(document)
    if attachments and _lacks_tables(parsed):
        parsed = sources.read_annexes(attachments, evidence, prose)
    if _lacks_tables(parsed) and sources.read_pictures(attachments):
        parsed = parse(*sources.documents)
    quick, twin = parsed, _twin(parsed, sources)
    if twin:
        parsed = _settled(quick, twin)
    page_document, *annexes = sources.documents
    identity = identify(page_document, evidence, parsed.sections, parsed.numbers(), annexes)
    kind = media_type(sources.parts[parsed.source].data)
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
        sections=parsed.sections if prose else (),
        cells=parsed.cells,
        notes=parsed.notes,
        findings=(
            *_judged(parsed, quick, twin, sources),
            *weigh(parsed.sections, parsed.cells, identity.body),
            *(_told(parsed, identity) if prose else ()),
        ),
        media_type=kind,
        content_digest=content_digest(document, attachments),
        links=document.links,
        body=identity.body,
        flags=identity.flags,
        extras=parsed.extras,
        unused=audit(sources.documents, parsed, parsed.extras) if prose else (),
    )


def _told(parsed: Parsed, identity: Identity) -> tuple[Finding, ...]:
    """What the prose says of the tables."""
    return narrate(
        parsed.sections,
        parsed.cells,
        parsed.form,
        year=identity.year,
        issuer=identity.issuer,
    )


@dataclass(slots=True)
class _Sources:
    """The documents of a report that are read, the page's first, and the files they came from."""

    parts: list[Part]
    documents: list[Document]

    def read_annexes(self, attachments: Sequence[Part], evidence: Evidence, prose: bool) -> Parsed:
        """Read the attachments too; one that cannot be read, or is the report of another year or
        body, adds nothing."""
        shown = {block.source for block in self.documents[0].blocks if isinstance(block, Picture)}
        for part in attachments:
            if part.url in shown:
                continue
            try:
                url = part.url or None
                document = in_simplified(extract(part.data, part.content_type, url, prose=prose))
            except UnreadableError:
                continue
            if not is_anothers(document, self.documents[0], evidence):
                self.documents.append(document)
                self.parts.append(part)
        return parse(*self.documents)

    def read_pictures(self, attachments: Sequence[Part]) -> bool:
        """Put what the pictures in the documents show into their places; was there anything?"""
        files = {part.url: part.data for part in attachments if part.url}
        read = [_with_pictures(document, files) for document in self.documents]
        changed = read != self.documents
        self.documents = read
        return changed

    def by_layout(self) -> list[Document] | None:
        """The documents read again by where things stand, as far as their medium shows that; None
        where it tells nothing more."""
        again = [
            _by_layout(part, document)
            for part, document in zip(self.parts, self.documents, strict=True)
        ]
        return None if again == self.documents else again


def _by_layout(part: Part, document: Document) -> Document:
    """PDFs by the places of characters, which their text's order does not tell; plain text by
    tabs and pipes."""
    if document.text:
        return read_plain_grid(document)
    if document.media_type != PDF:
        return document
    from archive.extract.pdf_grid import read_pdf_grid

    try:
        return in_simplified(read_pdf_grid(part.data))
    except UnreadableError:
        return document


def in_simplified(document: Document) -> Document:
    """A document in traditional characters (a copy, a portal's pages for readers elsewhere) in
    simplified ones, with a flag; any other as it is."""
    if not any(word in text for text in _texts(document) for word in TRADITIONAL_WORDS):
        return document
    flag = traditional("\n".join(_texts(document)))
    if not flag:
        return document

    def read(block: Block) -> Block:
        if isinstance(block, Paragraph):
            return replace(block, text=simplified(block.text))
        if isinstance(block, Picture):
            return block
        cells = (tuple(replace(c, text=simplified(c.text)) for c in row) for row in block.rows)
        return Table(tuple(cells))

    return replace(
        document,
        blocks=tuple(map(read, document.blocks)),
        prose=tuple(map(simplified, document.prose)),
        title=document.title and simplified(document.title),
        metas={name: simplified(value) for name, value in document.metas.items()},
        text=simplified(document.text),
        flags=(*document.flags, f"{flag}，按简体字读取"),
    )


def _texts(document: Document) -> Iterator[str]:
    for block in document.blocks:
        if isinstance(block, Paragraph):
            yield block.text
        elif isinstance(block, Table):
            yield from (cell.text for row in block.rows for cell in row)


def _with_pictures(document: Document, files: Mapping[str, bytes]) -> Document:
    """The document with what its pictures show in their places."""
    blocks: list[Block] = []
    pictures = 0
    for block in document.blocks:
        data = block.data or files.get(block.source, b"") if isinstance(block, Picture) else b""
        pictures += bool(data)
        seen = _recognised(data) if data and pictures <= MOST_PICTURES else None
        if seen is None:
            blocks.append(block)
        else:
            append_page(blocks, seen)
    lines = (b.text for b in blocks if isinstance(b, Paragraph) and b.confidence is not None)
    return replace(document, blocks=tuple(blocks), prose=(*document.prose, *lines))


def _recognised(data: bytes) -> Sequence[Block] | None:
    from archive.extract.scan import read_picture

    try:
        return read_picture(data)
    except UnreadableError:
        return None


def _lacks_tables(parsed: Parsed) -> bool:
    """Does it not print some table of its form, or nothing that can be told of it?"""
    if parsed.form == "stats2014":
        return not parsed.numbers()
    return not all(map(parsed.tells, STATUTORY))


def _twin(parsed: Parsed, sources: _Sources) -> Parsed | None:
    """A second reading, by layout, of documents whose first left cells open."""
    doubtful = {State.MISSING, State.AMBIGUOUS}
    whole = parsed.form != "narrative" and not any(
        note.state in doubtful for note in parsed.notes.values()
    )
    return None if whole else _read_by_layout(sources)


def _read_by_layout(sources: _Sources) -> Parsed | None:
    if not any(map(_prints_tables, sources.documents)):
        return None
    documents = sources.by_layout()
    return parse(*documents) if documents else None


def _prints_tables(document: Document) -> bool:
    """Are there words of statutory tables in running text?"""
    lines = (block.text for block in document.blocks if isinstance(block, Paragraph))
    return TABLE_WORDS.search("".join(lines)) is not None


def _settled(quick: Parsed, twin: Parsed) -> Parsed:
    """Both readings as one: of two that differ in a table, the one whose identities hold."""
    failures = [_failures(quick), _failures(twin)]
    preferred = {}
    for table in TABLES:
        one, other = (counts.get(table, 0) for counts in failures)
        if one != other:
            preferred[table] = quick if one < other else twin
    return settle(quick, twin, preferred)


def _failures(parsed: Parsed) -> Mapping[str, int]:
    """How many identities fail in each table."""
    found: dict[str, int] = {}
    for finding in check(parsed.cells, parsed.form):
        if finding.verdict is Verdict.FAIL and finding.cells:
            table = finding.cells[0].partition(".")[0]
            found[table] = found.get(table, 0) + 1
    return found


def _judged(
    parsed: Parsed, quick: Parsed, twin: Parsed | None, sources: _Sources
) -> tuple[Finding, ...]:
    """What the identities say; where one fails, second readings say whose error it is."""
    findings = check(parsed.cells, parsed.form)
    if not needs_witness(findings):
        return findings
    twin = twin or _read_by_layout(sources)
    witnesses = [count_off(document) for document in sources.documents]
    if twin:
        # What only the second reading saw has no other to bear it out.
        seen = {key for key, value in quick.cells.items() if value is not None}
        witnesses.append({key: value for key, value in twin.cells.items() if key in seen})
    return assign_blame(findings, parsed.cells, parsed.notes, witnesses)


def content_digest(document: Document, attachments: Sequence[Part] = ()) -> str:
    """SHA-256 of what a reader reads: text less visitor counters, links, attachments' bytes.

    Raw digests, whole-page text and SimHash were tried: all three flag visitor counters, and the
    last two miss real edits (a swapped attachment, a deleted paragraph).
    """
    digest = hashlib.sha256(b"content-1\n")
    for block in document.blocks:
        if isinstance(block, Paragraph):
            lines = [COUNTERS.sub("", compact(block.text))]
        elif isinstance(block, Picture):
            lines = [f"picture {hashlib.sha256(block.data).hexdigest()}"] if block.data else []
        else:
            lines = ["|".join(compact(cell.text) for cell in row) for row in block.rows]
        for line in filter(None, lines):
            digest.update(line.encode("utf-8", "replace") + b"\n")
    for link in document.links:
        digest.update(b"link " + link.encode("utf-8", "replace") + b"\n")
    for part in attachments:
        digest.update(b"part " + hashlib.sha256(part.data).digest() + b"\n")
    return digest.hexdigest()
