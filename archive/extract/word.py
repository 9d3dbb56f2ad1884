"""DOCX -> Document: the XML walked directly, which keeps true merges.

python-docx's cell objects repeat a merged cell once for every place it covers, and the library
refuses files that Word opens (strict namespaces, templates), so the parts are read from the ZIP.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Protocol

from archive.extract.container import Container
from archive.extract.numbering import Numbering
from archive.model import Block, Cell, Document, Paragraph, Picture, Table, UnreadableError

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
V = "{urn:schemas-microsoft-com:vml}"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
OLE_OBJECT = "{urn:schemas-microsoft-com:office:office}OLEObject"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
# A row's cells: column, columns covered, state of a vertical merge, text.
Layout = list[list[tuple[int, int, str, str]]]
# What was deleted or moved away under tracked changes, properties, and what only Word sees.
SKIPPED = frozenset(
    f"{W}{name}"
    for name in "del moveFrom pPr rPr tblPr trPr tcPr sectPr instrText delText ruby".split()
)
SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
# A cell's own figure: a list's number before it is a slip of the template, never a digit of it.
FIGURE = re.compile(r"[\s\d.,，+\-−—%/]*")
MOST_CELLS = 200_000


def read_docx(data: bytes) -> Document:
    """Paragraphs, tables and pictures in order; headers, footers and deleted text are left out.

    Raises UnreadableError for a damaged, locked or bomb-like file.
    """
    container = Container(data, "DOCX ")
    main = next(
        (name for kind, name in container.relations("").values() if kind == "officeDocument"),
        "word/document.xml",
    )
    root = container.xml(main)
    body = None if root is None else root.find(f"{W}body")
    if body is None:
        raise UnreadableError("DOCX 损坏，里面没有正文")
    relations = container.relations(main)
    parts = dict(relations.values())
    listed = "numbering" in parts
    numbering = Numbering(
        container.xml(parts["numbering"]) if listed else None,
        container.xml(parts["styles"]) if listed and "styles" in parts else None,
    )
    members = {key: name for key, (_, name) in relations.items()}
    return read_body(body, Story(container, members, numbering), DOCX)


def read_body(body: Any, story: Story, media_type: str) -> Document:
    """The document in a body element. Raises UnreadableError where it is empty."""
    blocks = tuple(story.blocks(body))
    if not blocks:
        raise UnreadableError("Word 文档里没有文字")
    prose = tuple(block.text for block in blocks if isinstance(block, Paragraph))
    return Document(media_type=media_type, blocks=blocks, prose=prose)


class Files(Protocol):
    """Where pictures' bytes are, by their members' names."""

    def read(self, name: str) -> bytes | None: ...


class Members(Protocol):
    """The member that a relation names."""

    def get(self, name: str) -> str | None: ...


class Numbers(Protocol):
    """The printed numbers of list paragraphs, asked for in reading order."""

    def next(self, paragraph: Any) -> str: ...


class Story:
    """One walk through a document's body: its lists count on, its fields open and close."""

    def __init__(self, container: Files, members: Members, numbering: Numbers) -> None:
        self.container = container
        self.members = members
        self.numbering = numbering
        # Fields under way: is it their instruction (not printed) that is being read?
        self.fields: list[bool] = []
        self.cells = 0

    def blocks(self, parent: Any) -> Iterator[Block]:
        """What stands in an element; tables with nothing between them are one, as to the eye."""
        pending: Table | None = None
        apart = False
        for element in parent:
            found = list(self._block(element))
            if pending is not None and element.tag == f"{W}tbl" and len(found) == 1:
                table = found[0]
                if isinstance(table, Table) and _goes_on(pending, table, apart):
                    pending = Table(pending.rows + table.rows)
                    continue
            if pending is not None and found:
                yield pending
                pending = None
            # Bookmarks are nothing; a blank line may be a page's break inside a table.
            apart = pending is not None and (apart or element.tag == f"{W}p")
            if element.tag == f"{W}tbl" and len(found) == 1 and isinstance(found[0], Table):
                pending, apart = found[0], False
            else:
                yield from found
        if pending is not None:
            yield pending

    def _block(self, element: Any) -> Iterator[Block]:
        if element.tag == f"{W}p":
            yield from self._paragraph(element)
        elif element.tag == f"{W}tbl":
            yield from self._table(element)
        elif element.tag == f"{MC}AlternateContent":
            if (branch := _branch(element)) is not None:
                yield from self.blocks(branch)
        elif element.tag not in SKIPPED and isinstance(element.tag, str):
            # sdt, sdtContent, ins, moveTo, smartTag, customXml …
            yield from self.blocks(element)

    def _paragraph(self, element: Any) -> Iterator[Block]:
        """Its lines; what floats beside it (text boxes, pictures) after them."""
        text, floats = self._line(element)
        for line in text.split("\n"):
            if line.strip():
                yield Paragraph(line.strip())
        yield from floats

    def _line(self, element: Any) -> tuple[str, list[Block]]:
        texts: list[str] = []
        floats: list[Block] = []
        number = self.numbering.next(element)
        for piece in self._pieces(element):
            if isinstance(piece, str):
                texts.append(piece)
            else:
                floats.append(piece)
        text = "".join(texts)
        if number and not FIGURE.fullmatch(text):
            text = number + ("" if number[-1] in "、.．)）" else " ") + text.lstrip()
        return text, floats

    def _pieces(self, parent: Any) -> Iterator[str | Block]:
        for node in parent:
            tag = node.tag
            if not isinstance(tag, str) or (tag in SKIPPED and tag != f"{W}ruby"):
                continue
            if tag in {f"{W}t", f"{M}t"}:
                yield "" if any(self.fields) else _run_text(node)
            elif tag == f"{W}fldChar":
                self._field(node.get(f"{W}fldCharType"))
            elif tag.startswith(W) and tag[len(W) :] in SIGNS:
                yield SIGNS[tag[len(W) :]]
            elif tag == f"{W}ruby":
                if (base := node.find(f"{W}rubyBase")) is not None:
                    yield from self._pieces(base)
            elif tag == f"{MC}AlternateContent":
                if (branch := _branch(node)) is not None:
                    yield from self._pieces(branch)
            elif tag == f"{W}txbxContent":
                yield from self.blocks(node)
            elif tag == f"{A}blip":
                yield from self._picture(node.get(f"{R}embed"))
            elif tag == f"{V}imagedata":
                yield from self._picture(node.get(f"{R}id") or node.get("src"))
            elif tag == OLE_OBJECT:
                yield from self._embedded(node.get(f"{R}id"))
            else:
                yield from self._pieces(node)

    def _field(self, kind: str | None) -> None:
        if kind == "begin":
            self.fields.append(True)
        elif kind == "separate" and self.fields:
            self.fields[-1] = False
        elif kind == "end" and self.fields:
            self.fields.pop()

    def _picture(self, relation: str | None) -> Iterator[Picture]:
        name = self.members.get(relation or "")
        if name and (data := self.container.read(name)):
            yield Picture(name, data)

    def _embedded(self, relation: str | None) -> Iterator[Block]:
        """The tables of a workbook that stands in the text; its preview shows them as a drawing."""
        name = self.members.get(relation or "")
        data = self.container.read(name) if name else None
        if data is None:
            return
        from archive.extract.sheets import read_xls, read_xlsx

        try:
            zipped = data.startswith(b"PK")
            book = read_xlsx(data, embedded=True) if zipped else read_xls(data, embedded=True)
        except UnreadableError:
            # Equations, presentations and whatever else is embedded are no tables.
            return
        yield from (block for block in book.blocks if isinstance(block, Table))

    def _table(self, table: Any) -> Iterator[Block]:
        """The table; or, of one that only arranges the page, what its cells hold."""
        inner = [
            nested
            for nested in table.iter(f"{W}tbl")
            if nested is not table and next(nested.iterancestors(f"{W}tc"), None) is not None
        ]
        arranges = any(len(_rows_of(nested)) > 1 for nested in inner)
        cells = [cell for row in _rows_of(table) for cell in _cells_of(row)]
        if arranges or len(cells) == 1:
            for cell in cells:
                yield from self.blocks(cell)
            return
        floats: list[Block] = []
        rows = tuple(self._rows(table, floats))
        yield Table(rows)
        yield from floats

    def _rows(self, table: Any, floats: list[Block]) -> Iterator[tuple[Cell, ...]]:
        """Rows of the cells that begin in them; a vertical merge becomes one with a rowspan."""
        layout: Layout = []
        for row in _rows_of(table):
            column = _count(row.find(f"{W}trPr/{W}gridBefore"), 0)
            cells = [(0, column, "", "")] if column else []
            for cell in _cells_of(row):
                self.cells += 1
                if self.cells > MOST_CELLS:
                    raise UnreadableError(f"DOCX 的表格超过 {MOST_CELLS} 格，不像年度报告")
                span = _count(cell.find(f"{W}tcPr/{W}gridSpan"), 1)
                across = cell.find(f"{W}tcPr/{W}hMerge")
                if cells and across is not None and _value(across, "continue") == "continue":
                    # Merged by the old way: the cells to its right are still there, empty.
                    begin, width, told, own = cells[-1]
                    cells[-1] = begin, width + span, told, own
                    column += span
                    continue
                merge = cell.find(f"{W}tcPr/{W}vMerge")
                state = "" if merge is None else _value(merge, "continue")
                cells.append((column, span, state, self._cell_text(cell, floats)))
                column += span
            layout.append(cells)
        for y, cells in enumerate(layout):
            yield tuple(
                Cell(text, rowspan=_height(layout, y, column, state), colspan=span)
                for column, span, state, text in cells
                # A merge that goes on from nothing (a table cut in two) is a cell of its own.
                if state != "continue" or not _has_above(layout, y, column)
            )

    def _cell_text(self, cell: Any, floats: list[Block]) -> str:
        lines: list[str] = []
        for paragraph in cell.iter(f"{W}p"):
            if not _is_own(paragraph, cell):
                continue
            text, beside = self._line(paragraph)
            lines.append(text)
            for block in beside:
                # A text box laid over a cell is the cell's own text.
                if isinstance(block, Paragraph):
                    lines.append(block.text)
                else:
                    floats.append(block)
        return "\n".join(lines).strip()


def _is_own(paragraph: Any, cell: Any) -> bool:
    """Does a paragraph stand in the cell itself: neither deleted, nor in a text box over it?"""
    for above in paragraph.iterancestors():
        if above is cell:
            return True
        if above.tag == f"{W}txbxContent" or above.tag in SKIPPED:
            return False
    return False


def _branch(alternatives: Any) -> Any | None:
    """The one rendering to read of several of the same content."""
    choice = alternatives.find(f"{MC}Choice")
    return choice if choice is not None else alternatives.find(f"{MC}Fallback")


def _rows_of(table: Any) -> list[Any]:
    """Its rows, less those deleted under tracked changes or hidden."""
    return [
        row
        for row in _children(table, f"{W}tr")
        if row.find(f"{W}trPr/{W}del") is None and not _is_on(row.find(f"{W}trPr/{W}hidden"))
    ]


def _cells_of(row: Any) -> list[Any]:
    return list(_children(row, f"{W}tc"))


def _children(parent: Any, tag: str) -> Iterator[Any]:
    """The children of a tag, also within content controls and tracked changes around them."""
    for child in parent:
        if child.tag == tag:
            yield child
        elif isinstance(child.tag, str) and child.tag.removeprefix(W) in {
            "sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag",
        }:  # fmt: skip
            yield from _children(child, tag)


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


def _has_above(layout: Layout, y: int, column: int) -> bool:
    """Does the row above have a cell in this column that a merge can go on from?"""
    above = layout[y - 1] if y else []
    return any(cell[0] == column and cell[2] for cell in above)


def _height(layout: Layout, y: int, column: int, state: str) -> int:
    height = 1
    while state and y + height < len(layout):
        below = next((cell for cell in layout[y + height] if cell[0] == column), None)
        if below is None or below[2] != "continue":
            break
        height += 1
    return height


def _goes_on(table: Table, below: Table, apart: bool) -> bool:
    """Is a table the rest of the one above? After a blank line only if it begins with figures."""
    if _width(table) != _width(below):
        return False
    return not apart or any(cell.text.strip().isdecimal() for cell in below.rows[0])


def _width(table: Table) -> int:
    """Columns of the first row, which nothing covers from above."""
    return sum(cell.colspan for cell in table.rows[0]) if table.rows else 0


def _value(element: Any, default: str) -> str:
    return default if element is None else str(element.get(f"{W}val", default))


def _count(element: Any, least: int) -> int:
    text = _value(element, "")
    return max(int(text[:6]), least) if text.isdecimal() else least
