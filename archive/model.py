"""The nouns of the archive: what passes between its stages.

Frozen values, no behaviour beyond what their own fields say. A stage takes some of these and
gives others; nothing else travels between modules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell as the document has it: its text, and how many rows and columns it covers."""

    text: str
    rowspan: int = 1
    colspan: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the document has it: each row holds only the cells that begin there."""

    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A line of running text, spaces at its ends removed."""

    text: str


Block = Paragraph | Table


@dataclass(frozen=True, slots=True)
class Document:
    """Any medium, once read: its blocks in reading order and what it says of itself.

    `prose` are the paragraphs a reader should see (menus and share bars left out); `blocks` is
    everything in the article, and the only place where cells are looked for. `links` are the
    article's own links, absolute and without session parts, in order. `text` is the whole text as
    it came, where its blank lines may stand for empty cells (plain text only).
    """

    media_type: str
    blocks: tuple[Block, ...]
    prose: tuple[str, ...] = ()
    title: str | None = None
    metas: Mapping[str, str] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    text: str = ""


class UnreadableError(ValueError):
    """The bytes are no document we can read. The message says why, in Chinese, for readers."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a document besides its bytes."""

    url: str | None = None
    portal_name: str | None = None
    listed_title: str | None = None


class State(StrEnum):
    """What there is to say of a cell. The first six have no number, the others have one."""

    BLANK = "blank"
    NA = "na"
    TEXT = "text"
    MISSING = "missing"
    AMBIGUOUS = "ambiguous"
    UNREADABLE = "unreadable"
    OCR = "ocr"
    GLUED = "glued"
    UNIT = "unit"


@dataclass(frozen=True, slots=True)
class Note:
    """The story of one cell: its state, what was printed, and how sure we are (0 to 1)."""

    state: State
    printed: str = ""
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter: its number on the form (1 to 6, 0 for what stands before the first)."""

    number: int
    heading: str
    text: str


class Verdict(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    EXPLAINED = "explained"
    NOT_CHECKABLE = "not_checkable"


class Blame(StrEnum):
    PUBLISHER = "publisher"
    PARSER = "parser"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one identity says of one version. `expected` and `actual` are the two sides."""

    rule: str
    verdict: Verdict
    expected: str | None = None
    actual: str | None = None
    blame: Blame | None = None
    cells: tuple[str, ...] = ()
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One document, read: is it a report, whose, for which year, and every cell as printed.

    `cells` has every key of the form the document uses; None where no number was printed, and
    then `notes` says why. A refused document has `is_report` False and a `reason` in Chinese.
    """

    is_report: bool
    reason: str
    issuer: str | None = None
    year: int | None = None
    form: str | None = None
    scope: str = "unclear"
    title: str | None = None
    published_on: str | None = None
    sections: tuple[Section, ...] = ()
    cells: Mapping[str, str | None] = field(default_factory=dict)
    notes: Mapping[str, Note] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    media_type: str = ""
    content_digest: str = ""
    links: tuple[str, ...] = ()
