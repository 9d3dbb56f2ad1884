"""Reports as files: a text PDF written by hand, and a DOCX with merged cells.

Both are the same bytes in every process, so an unchanged attachment stays unchanged.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from functools import cache

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH

from tests.portals.reports import Report
from tests.portals.tables import Grid, grids, placed
from tests.portals.web import Attachment, Entry, Resource

MEDIA_TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
WIDTH, HEIGHT, MARGIN = 595, 842, 50
SIZE, TABLE_SIZE, LEADING = 11, 8, 18


def attachment(report: Report, target: str, href: str) -> Attachment:
    """The report as a file at `target`, made when it is first asked for; its ending says which."""
    kind = target.rpartition(".")[2]
    make = pdf if kind == "pdf" else word
    return Attachment(target, href, f"{report.title}.{kind}", cache(lambda: make(report)))


def files(entry: Entry) -> dict[str, Resource]:
    """The files of an entry by target: its attachments, or itself when the list links a PDF."""
    links = list(entry.attachments)
    if entry.report is not None and entry.target.endswith(".pdf"):
        links.append(attachment(entry.report, entry.target, entry.target))
    return {
        link.target: Resource(
            data=link.data, media_type=MEDIA_TYPES[link.target.rpartition(".")[2]], declared=None
        )
        for link in links
    }


def pdf(report: Report) -> bytes:
    """The report as a PDF of real text, in a font that readers bring themselves (STSong-Light)."""
    canvas = _Canvas()
    canvas.line(report.title, centred=True, size=15)
    canvas.paragraph(report.prose.preamble)
    tables = grids(report.form, report.cells)
    for number, (heading, chapter) in enumerate(
        zip(report.prose.headings, report.prose.chapters, strict=True), start=1
    ):
        canvas.paragraph(heading)
        for text in chapter:
            canvas.paragraph(text)
        if 2 <= number <= 4:
            canvas.table(tables[number - 2])
    for text in report.prose.signature:
        canvas.line(text, right=True)
    return _pdf_file(canvas.pages)


def _advance(text: str, size: float) -> float:
    return sum(size / 2 if character.isascii() else size for character in text)


def _wrapped(text: str, width: float, size: float) -> list[str]:
    lines, line = [], ""
    for character in text:
        if line and _advance(line + character, size) > width:
            lines.append(line)
            line = ""
        line += character
    return [*lines, line]


class _Canvas:
    """Pages of drawing orders, filled from top to bottom."""

    def __init__(self) -> None:
        self.pages: list[list[str]] = []
        self.turn()

    def turn(self) -> None:
        self.pages.append([])
        self.y = float(HEIGHT - MARGIN)

    def text(self, x: float, y: float, size: float, text: str) -> None:
        code = text.encode("utf-16-be").hex().upper()
        self.pages[-1].append(f"BT /F1 {size} Tf {x:.1f} {y:.1f} Td <{code}> Tj ET")

    def line(
        self, text: str, *, centred: bool = False, right: bool = False, size: float = SIZE
    ) -> None:
        if self.y < MARGIN + LEADING:
            self.turn()
        self.y -= LEADING
        spare = WIDTH - 2 * MARGIN - _advance(text, size)
        x = MARGIN + (spare / 2 if centred else spare if right else 0)
        self.text(x, self.y, size, text)

    def paragraph(self, text: str) -> None:
        for line in _wrapped("　　" + text, WIDTH - 2 * MARGIN, SIZE):
            self.line(line)

    def table(self, grid: Grid) -> None:
        self.y -= 8
        edges = [float(MARGIN)]
        for width in grid.widths:
            edges.append(edges[-1] + (WIDTH - 2 * MARGIN) * width / sum(grid.widths))
        for boxes in placed(grid):
            line = []
            for column, box in boxes:
                left, right = edges[column], edges[column + box.columns]
                line.append((box, left, right, _wrapped(box.text, right - left - 4, TABLE_SIZE)))
            tallest = max((len(lines) for box, _, _, lines in line if box.rows == 1), default=1)
            height = tallest * (TABLE_SIZE + 2) + 6
            if self.y - height < MARGIN:
                self.turn()
            for box, left, right, lines in line:
                # A merged cell is framed over this row only: rows below may be on the next page.
                self.pages[-1].append(
                    f"0.5 w {left:.1f} {self.y - height:.1f} {right - left:.1f} {height:.1f} re S"
                )
                for at, text in enumerate(lines):
                    x = left + (right - left - _advance(text, TABLE_SIZE)) / 2
                    y = self.y - (TABLE_SIZE + 2) * (at + 1)
                    if box.figure:
                        y = self.y - height / 2 - TABLE_SIZE / 3
                    self.text(x, y, TABLE_SIZE, text)
            self.y -= height
        self.y -= 4


def _pdf_file(pages: Sequence[Sequence[str]]) -> bytes:
    font = 3
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H "
        b"/DescendantFonts [4 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /CIDSystemInfo "
        b"<< /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> /DW 1000 /W [1 95 500] "
        b"/FontDescriptor 5 0 R >>",
        b"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] "
        b"/ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>",
    ]
    kids = []
    for page in pages:
        content = "\n".join(page).encode("ascii")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents %d 0 R "
            b"/Resources << /Font << /F1 %d 0 R >> >> >>" % (WIDTH, HEIGHT, len(objects), font)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(kids))
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.writelines(b"%010d 00000 n \n" % offset for offset in offsets)
    out.write(
        b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    )
    return out.getvalue()


def word(report: Report) -> bytes:
    """The report as a DOCX whose tables have truly merged cells."""
    document = docx.Document()
    document.add_heading(report.title, 0)
    document.add_paragraph(report.prose.preamble)
    tables = grids(report.form, report.cells)
    for number, (heading, chapter) in enumerate(
        zip(report.prose.headings, report.prose.chapters, strict=True), start=1
    ):
        document.add_paragraph(heading)
        for text in chapter:
            document.add_paragraph(text)
        if 2 <= number <= 4:
            _word_table(document, tables[number - 2])
    for line in report.prose.signature:
        document.add_paragraph(line).alignment = WD_ALIGN_PARAGRAPH.RIGHT
    raw = io.BytesIO()
    document.save(raw)
    return _undated(raw.getvalue())


def _word_table(document: docx.document.Document, grid: Grid) -> None:
    table = document.add_table(rows=len(grid.rows), cols=len(grid.widths), style="Table Grid")
    squares = [row.cells for row in table.rows]
    for row, boxes in enumerate(placed(grid)):
        for column, box in boxes:
            cell = squares[row][column]
            if box.rows > 1 or box.columns > 1:
                cell = cell.merge(squares[row + box.rows - 1][column + box.columns - 1])
            cell.text = box.text


def _undated(document: bytes) -> bytes:
    """The same archive with the same date on every member: equal text gives equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(document)) as old, zipfile.ZipFile(out, "w") as new:
        for name in sorted(old.namelist()):
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, old.read(name))
    return out.getvalue()
