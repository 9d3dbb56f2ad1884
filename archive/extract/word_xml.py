"""Word's documents in one XML file -> Document: WordML of 2003, and the flat form of a DOCX.

Reporting systems fill such files from templates and call them .doc. LibreOffice's import of WordML
loses the text of list paragraphs, and what is printed stands in the file.
"""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
from typing import Any

from lxml import etree

from archive.extract.container import parse_xml
from archive.extract.word import Story, W, read_body, read_docx
from archive.model import Document, UnreadableError

WORD_XML = "application/vnd.ms-word+xml"
WORDML = b"http://schemas.microsoft.com/office/word/2003/wordml"
HINTS = "{http://schemas.microsoft.com/office/word/2003/auxHint}"
NOTES = "{http://schemas.microsoft.com/aml/2001/core}"
PACKAGE = "{http://schemas.microsoft.com/office/2006/xmlPackage}"
# What later versions spell otherwise.
RENAMED = {f"{W}vmerge": f"{W}vMerge", f"{W}hmerge": f"{W}hMerge"}


def read_word_xml(data: bytes) -> Document:
    """Paragraphs, tables and pictures in order. Raises UnreadableError for a damaged file."""
    data = data.replace(WORDML, W.strip("{}").encode())
    root = parse_xml(data, "Word XML 文档")
    if root.tag == f"{PACKAGE}package":
        return read_docx(_zipped(root))
    body = root.find(f"{W}body")
    if body is None:
        raise UnreadableError("Word XML 文档里没有正文")
    for element in root.iter(*RENAMED):
        element.tag = RENAMED[element.tag]
    for note in list(root.iter(f"{NOTES}annotation")):
        if note.get(f"{W}type") == "Word.Deletion":
            note.tag = f"{W}del"
    return read_body(body, Story(_Pictures(root), _Pictures(root), _Printed()), WORD_XML)


class _Printed:
    """The numbers of list paragraphs, which WordML keeps as they are printed."""

    def next(self, paragraph: Any) -> str:
        text = paragraph.find(f"{W}pPr/{W}listPr/{HINTS}t")
        printed = "" if text is None else str(text.get(f"{HINTS}val") or "")
        # A bullet is a letter of a symbol font.
        return printed if printed.strip().isprintable() and len(printed) < 20 else ""


class _Pictures:
    """The pictures of a WordML file, by the names that its drawings use."""

    def __init__(self, root: Any) -> None:
        self._data = {
            binary.get(f"{W}name"): binary.text or "" for binary in root.iter(f"{W}binData")
        }

    def get(self, name: str) -> str | None:
        """The member of a relation: in WordML a picture is named itself."""
        return name if name in self._data else None

    def read(self, name: str) -> bytes | None:
        """The bytes of a picture, None where they are damaged."""
        try:
            return base64.b64decode(self._data.get(name, ""))
        except (binascii.Error, ValueError):
            return None


def _zipped(package: Any) -> bytes:
    """The flat form as the ZIP that it is a form of."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for part in package.iterchildren(f"{PACKAGE}part"):
            name = str(part.get(f"{PACKAGE}name") or "").lstrip("/")
            content = part.find(f"{PACKAGE}xmlData")
            binary = part.find(f"{PACKAGE}binaryData")
            if content is not None and len(content):
                archive.writestr(name, etree.tostring(content[0]))
            elif binary is not None:
                try:
                    archive.writestr(name, base64.b64decode(binary.text or ""))
                except (binascii.Error, ValueError) as error:
                    raise UnreadableError(f"Word XML 文档里的 {name} 损坏") from error
    return buffer.getvalue()
