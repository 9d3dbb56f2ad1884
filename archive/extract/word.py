"""DOCX -> Document: the XML walked directly, which keeps true merges.

python-docx opens the container; its cell objects repeat a merged cell once for every place it
covers, so rows are read from the XML beneath.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import docx
from docx.opc.exceptions import PackageNotFoundError
from lxml import etree

from archive.model import Block, Cell, Document, Paragraph, Table, UnreadableError

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
MOST_BYTES = 200 * 1024 * 1024
HIGHEST_RATIO = 200
# A row's cells: column, columns covered, state of a vertical merge, text.
Layout = list[list[tuple[int, int, str, str]]]
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def read_docx(data: bytes) -> Document:
    """Paragraphs and tables in order. Raises UnreadableError for a damaged or bomb-like file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as container:
            size = sum(entry.file_size for entry in container.infolist())
        if size > MOST_BYTES or size > HIGHEST_RATIO * max(len(data), 1024):
            raise UnreadableError(f"DOCX 解压后有 {size} 字节，疑似压缩炸弹")
        # Not `.element.body`: a document part may hold any XML at all.
        body = docx.Document(io.BytesIO(data)).part.element.find(f"{W}body")
    except (
        zipfile.BadZipFile,
        PackageNotFoundError,
        ValueError,
        KeyError,
        etree.LxmlError,
    ) as error:
        raise UnreadableError(f"DOCX 损坏，打不开（{error}）") from error
    blocks = () if body is None else tuple(_blocks(body))
    if not blocks:
        raise UnreadableError("DOCX 里没有文字")
    prose = tuple(block.text for block in blocks if isinstance(block, Paragraph))
    return Document(media_type=DOCX, blocks=blocks, prose=prose)


def _blocks(parent: Any) -> Iterator[Block]:
    for element in parent:
        if element.tag == f"{W}p":
            for line in _text(element).split("\n"):
                if line.strip():
                    yield Paragraph(line.strip())
        elif element.tag == f"{W}tbl":
            yield Table(tuple(_rows(element)))
        elif element.tag in {f"{W}sdt", f"{W}sdtContent", f"{W}ins", f"{W}smartTag"}:
            yield from _blocks(element)


def _text(element: Any) -> str:
    parts: list[str] = []
    for node in element.iter(f"{W}t", f"{W}br", f"{W}tab", f"{W}cr", f"{W}p"):
        if node.tag == f"{W}t":
            parts.append(_run_text(node))
        elif node.tag == f"{W}tab":
            parts.append("\t")
        elif parts:
            parts.append("\n")
    return "".join(parts)


def _run_text(node: Any) -> str:
    """A run's text: nothing where it is struck out or hidden, in brackets where it is raised."""
    text = node.text or ""
    style = node.getparent().find(f"{W}rPr")
    if style is None:
        return text
    for name in ("strike", "dstrike", "vanish"):
        if _is_on(style.find(f"{W}{name}")):
            return ""
    raised = _value(style.find(f"{W}vertAlign"), "") == "superscript"
    return f" [{text}]" if raised else text


def _is_on(switch: Any) -> bool:
    return switch is not None and _value(switch, "1") not in {"0", "false", "off"}


def _rows(table: Any) -> Iterator[tuple[Cell, ...]]:
    """Rows of the cells that begin in them; a vertical merge becomes one cell with a rowspan."""
    layout: Layout = []
    for row in table.iterchildren(f"{W}tr"):
        column = _count(row.find(f"{W}trPr/{W}gridBefore"), 0)
        cells: list[tuple[int, int, str, str]] = []
        for cell in row.iter(f"{W}tc"):
            if next(cell.iterancestors(f"{W}tr")) is not row:
                continue  # a cell of a table inside this row
            span = _count(cell.find(f"{W}tcPr/{W}gridSpan"), 1)
            merge = cell.find(f"{W}tcPr/{W}vMerge")
            state = "" if merge is None else _value(merge, "continue")
            cells.append((column, span, state, _text(cell).strip()))
            column += span
        layout.append(cells)
    for y, cells in enumerate(layout):
        yield tuple(
            Cell(text, rowspan=_height(layout, y, column, state), colspan=span)
            for column, span, state, text in cells
            if state != "continue"
        )


def _height(layout: Layout, y: int, column: int, state: str) -> int:
    height = 1
    while state == "restart" and y + height < len(layout):
        below = next((cell for cell in layout[y + height] if cell[0] == column), None)
        if below is None or below[2] != "continue":
            break
        height += 1
    return height


def _value(element: Any, default: str) -> str:
    return default if element is None else str(element.get(f"{W}val", default))


def _count(element: Any, least: int) -> int:
    text = _value(element, "")
    return max(int(text[:6]), least) if text.isdecimal() else least
