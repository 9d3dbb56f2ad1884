"""ZIP containers, opened within limits: what DOCX, XLSX, OFD and archives of files share.

Sizes are taken from the directory before anything is unpacked, and a member gives no more bytes
than it declares, so a bomb is refused unopened.
"""

from __future__ import annotations

import io
import lzma
import posixpath
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

from lxml import etree

from archive.model import UnreadableError

MOST_BYTES = 200 * 1024 * 1024
HIGHEST_RATIO = 200
# A tree takes ten times the memory of its text.
MOST_XML = 32 * 1024 * 1024
MOST_MEMBERS = 10_000
# What zipfile raises for members that are damaged, locked or packed by unknown methods.
DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, KeyError,
    IndexError, RuntimeError, NotImplementedError, OverflowError,
)  # fmt: skip
# ISO 29500 Strict names the same elements in other namespaces.
STRICT_MARK = b"http://purl.oclc.org/ooxml/"
STRICT = (
    (b"http://purl.oclc.org/ooxml/wordprocessingml/main",
     b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"),
    (b"http://purl.oclc.org/ooxml/spreadsheetml/main",
     b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"),
    (b"http://purl.oclc.org/ooxml/officeDocument/relationships",
     b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"),
    (b"http://purl.oclc.org/ooxml/drawingml/main",
     b"http://schemas.openxmlformats.org/drawingml/2006/main"),
)  # fmt: skip


class Container:
    """The members of a ZIP file by name. `kind` names the medium in the reasons for refusals.

    Raises UnreadableError, in Chinese, where the file is damaged, locked or bomb-like.
    """

    def __init__(self, data: bytes, kind: str) -> None:
        self.kind = kind
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except DAMAGED as error:
            raise UnreadableError(f"{kind}损坏，打不开") from error
        self.entries = [
            entry for entry in self._zip.infolist() if not entry.filename.endswith(("/", "\\"))
        ]
        size = sum(entry.file_size for entry in self.entries)
        if size > MOST_BYTES:
            raise UnreadableError(f"{kind}解压后有 {size} 字节，疑似压缩炸弹")
        if size > HIGHEST_RATIO * max(len(data), 1024):
            times = size // max(len(data), 1)
            raise UnreadableError(f"{kind}解压后是原来的 {times} 倍，疑似压缩炸弹")
        if len(self.entries) > MOST_MEMBERS:
            raise UnreadableError(f"{kind}里有 {len(self.entries)} 个文件，超过 {MOST_MEMBERS} 个")
        self._names = {_plain(entry.filename): entry for entry in self.entries}

    def __contains__(self, name: str) -> bool:
        return _plain(name) in self._names

    def read(self, name: str) -> bytes | None:
        """The bytes of a member, None where there is none of that name (in any case)."""
        entry = self._names.get(_plain(name))
        return None if entry is None else self.bytes_of(entry)

    def bytes_of(self, entry: zipfile.ZipInfo) -> bytes:
        """The bytes of an entry of `entries`."""
        if entry.flag_bits & 1:
            raise UnreadableError(f"{self.kind}加了密码，打不开")
        try:
            return self._zip.read(entry)
        except DAMAGED as error:
            raise UnreadableError(f"{self.kind}损坏，解不开 {entry.filename}") from error

    def xml(self, name: str) -> Any | None:
        """The root element of a member, None where there is none of that name."""
        data = self.read(name)
        if data is None:
            return None
        return parse_xml(data, f"{self.kind}里的 {name} ")

    def relations(self, part: str) -> Mapping[str, tuple[str, str]]:
        """By id, what an OPC part refers to: the last word of the relation's type, the member.

        `part` "" are the relations of the whole package. Links out of the file are left out.
        """
        folder, name = posixpath.split(part)
        root = self.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
        found: dict[str, tuple[str, str]] = {}
        for link in () if root is None else root:
            target = link.get("Target")
            if link.get("Id") and target and link.get("TargetMode") != "External":
                kind = (link.get("Type") or "").rpartition("/")[2]
                found[link.get("Id")] = kind, resolved(folder, target)
        return found


def parse_xml(data: bytes, what: str) -> Any:
    """The root element; entities are not expanded, strict namespaces read as the usual ones.

    Raises UnreadableError, which names the file as `what`, where it is damaged or far too big.
    """
    if len(data) > MOST_XML:
        raise UnreadableError(f"{what}有 {len(data)} 字节，超过 {MOST_XML} 字节，不像年度报告")
    for strict, usual in STRICT if STRICT_MARK in data else ():
        data = data.replace(strict, usual)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    try:
        return etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError) as error:
        raise UnreadableError(f"{what}损坏") from error


def resolved(folder: str, target: str) -> str:
    """A member's name from where it is referred to: `/` begins at the root of the container."""
    return posixpath.normpath(posixpath.join("/", folder, target.replace("\\", "/"))).lstrip("/")


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()
