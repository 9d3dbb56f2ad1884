"""ZIP and GZIP -> Document: the documents inside, read as one.

The report itself comes first and its annexes after it in the order of their names; pictures stay
pictures in that order. Archives of systems that know no UTF-8 names write them in GBK.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from archive.extract.container import MOST_BYTES, Container
from archive.model import (
    Block,
    Document,
    MissingToolError,
    Picture,
    UnreadableError,
)

ZIP = "application/zip"
MOST_DOCUMENTS = 60
# Traces of operating systems and of open editors.
TRACES = re.compile(r"(?:^|/)(?:__MACOSX/|\.|~\$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
REPORT = re.compile(r"年度报告|年报|报告")
# The format of a member, and how it is read: given by the caller, which knows all media.
Kind = Callable[[bytes], str]
Read = Callable[[bytes], Document]


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    data: bytes
    kind: str


def read_zip(data: bytes, kind_of: Kind, read: Read) -> Document:
    """The documents of an archive as one. Raises UnreadableError where none can be read."""
    container = Container(data, "压缩包")
    entries = {
        name: entry
        for entry in container.entries
        if not TRACES.search(name := member_name(entry)) and entry.file_size
    }
    if not entries:
        raise UnreadableError("压缩包里没有文件")
    if len(entries) > MOST_DOCUMENTS:
        raise UnreadableError(f"压缩包里有 {len(entries)} 个文件，超过 {MOST_DOCUMENTS} 个")
    members = [
        _Member(name, content, kind_of(content))
        for name, content in (
            (name, container.bytes_of(entry)) for name, entry in sorted_names(entries)
        )
    ]
    blocks: list[Block] = []
    documents: list[Document] = []
    reasons: list[str] = []
    for member in in_reading_order(members):
        if member.kind.startswith("image/"):
            blocks.append(Picture(member.name, member.data))
            continue
        try:
            document = read(member.data)
        except MissingToolError:
            # Without the report itself, what its annexes say would be taken for all there is.
            raise
        except UnreadableError as error:
            reasons.append(f"{member.name}：{error}")
            continue
        documents.append(document)
        blocks += document.blocks
    if not blocks:
        raise UnreadableError(f"压缩包里没有可读的文件（{'；'.join(reasons[:3])}）")
    first = documents[0] if documents else Document(ZIP, ())
    return Document(
        media_type=ZIP,
        blocks=tuple(blocks),
        prose=tuple(line for document in documents for line in document.prose),
        title=first.title,
        metas=first.metas,
        links=tuple(link for document in documents for link in document.links),
        # One text alone may be told by its blank lines; several files' lines are not one text.
        text=first.text if len(documents) == 1 and len(blocks) == len(first.blocks) else "",
    )


def read_gzip(data: bytes, read: Read) -> Document:
    """The document that was compressed. Raises UnreadableError for damaged or bomb-like files."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(data, MOST_BYTES)
    except zlib.error as error:
        raise UnreadableError("GZIP 压缩文件损坏") from error
    if not unpacker.eof:
        raise UnreadableError("GZIP 压缩文件不完整，或解压后过大")
    return read(content)


def member_name(entry: zipfile.ZipInfo) -> str:
    """A member's name: UTF-8 where marked or valid as such, else GBK; never used as a path."""
    name = entry.filename
    if not entry.flag_bits & 0x800:
        try:
            raw = name.encode("cp437")
        except UnicodeEncodeError:
            return name
        for encoding in ("utf-8", "gb18030"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    plain = posixpath.normpath(name.replace("\\", "/").replace("\0", ""))
    return re.sub(r"^(?:\.\./|/|[A-Za-z]:/)+", "", plain)


def sorted_names(entries: dict[str, zipfile.ZipInfo]) -> list[tuple[str, zipfile.ZipInfo]]:
    """By name as people count: 附件2 before 附件10."""

    def parts(item: tuple[str, zipfile.ZipInfo]) -> list[tuple[int, str]]:
        return [
            (int(part[:18]) if part.isdecimal() else -1, part)
            for part in re.split(r"(\d+)", item[0])
        ]

    return sorted(entries.items(), key=parts)


def in_reading_order(members: list[_Member]) -> list[_Member]:
    """The report itself first: named so, or else the biggest of the documents."""
    documents = [member for member in members if not member.kind.startswith("image/")]
    named = [
        member
        for member in documents
        if REPORT.search(posixpath.basename(member.name))
        and not re.match(r"附[件表录]", posixpath.basename(member.name))
    ]
    first = max(named or documents, key=lambda member: len(member.data), default=None)
    if first is None:
        return members
    return [first, *(member for member in members if member is not first)]
