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
    """A table cell as the document has it: its text, and how many rows and columns it covers.

    `confidence` (0 to 1) is how sure the recognition of a picture was; None for printed text.
    """

    text: str
    rowspan: int = 1
    colspan: int = 1
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the document has it: each row holds only the cells that begin there."""

    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A line of running text, spaces at its ends removed; `confidence` as of a cell."""

    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in the running text, which may show a table: its address, and its bytes where the
    document holds them itself."""

    source: str
    data: bytes = b""


Block = Paragraph | Table | Picture


@dataclass(frozen=True, slots=True)
class Document:
    """Any medium, once read: its blocks in reading order and what it says of itself.

    `prose` are the paragraphs a reader should see (menus and share bars left out); `blocks` is
    everything in the article, and the only place where cells are looked for. `links` are the
    article's own links, absolute and without session parts, in order. `text` is the whole text as
    it came, where its blank lines may stand for empty cells (plain text only). `flags` say in
    Chinese what is not in it as it was printed.
    """

    media_type: str
    blocks: tuple[Block, ...]
    prose: tuple[str, ...] = ()
    title: str | None = None
    metas: Mapping[str, str] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    text: str = ""
    flags: tuple[str, ...] = ()


class UnreadableError(ValueError):
    """The bytes are no document we can read. The message says why, in Chinese, for readers."""


class MissingToolError(UnreadableError):
    """A converter this medium needs is not installed here; the message says what to install."""


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
    """What one check says of one version. `expected` and `actual` are the two sides.

    `cells` are the keys involved; `proposed` is the one value that would mend every failure a
    wrong cell causes, beside the printed number and never in its place. `printed` is the sentence
    that was checked, where it was prose.
    """

    rule: str
    verdict: Verdict
    expected: str | None = None
    actual: str | None = None
    blame: Blame | None = None
    cells: tuple[str, ...] = ()
    explanation: str = ""
    proposed: Mapping[str, str] = field(default_factory=dict)
    printed: str = ""


@dataclass(frozen=True, slots=True)
class Extra:
    """A row of a statutory table that the form does not have (local forms add some): its label,
    its unit and what is printed in it."""

    label: str
    unit: str
    printed: str


@dataclass(frozen=True, slots=True)
class Unused:
    """Something the document contains and the reader did not use.

    `kind` is number (in a table's area), label or heading; `place` says where, in Chinese.
    """

    kind: str
    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Body:
    """A body by its official name: its level and kind (see `issuers` in schema.py), the GB/T 2260
    code of its place, and the name of the body above it, where these are known."""

    name: str
    level: str | None = None
    kind: str | None = None
    division: str | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One document, read: is it a report, whose, for which year, and every cell as printed.

    `cells` has every key of the form the document uses; None where no number was printed, and
    then `notes` says why. A refused document has `is_report` False and a `reason` in Chinese.
    `flags` say in Chinese what makes the document doubtful (a copied or tampered page).
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
    body: Body | None = None
    flags: tuple[str, ...] = ()
    extras: tuple[Extra, ...] = ()
    unused: tuple[Unused, ...] = ()
