"""Reports as office files: workbooks, OFD, and whatever LibreOffice saves a DOCX or XLSX as."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

import openpyxl
import pytest

from tests.portals.reports import Report
from tests.portals.tables import Grid, grids, placed

needs_office = pytest.mark.skipif(
    shutil.which("soffice") is None,
    reason="LibreOffice is not installed: apt-get install libreoffice-writer-nogui libreoffice-calc-nogui",
)


@cache
def saved_as(data: bytes, ending: str, target: str) -> bytes:
    """A file as LibreOffice saves it under another ending (doc, rtf, odt, xls …)."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / f"a.{ending}").write_bytes(data)
        subprocess.run(
            ["soffice", f"-env:UserInstallation={(place / 'profile').as_uri()}", "--headless",
             "--convert-to", target, "--outdir", str(place / "out"), str(place / f"a.{ending}")],
            check=True, capture_output=True, timeout=90,
        )  # fmt: skip
        (made,) = (place / "out").iterdir()
        return made.read_bytes()


def archived(members: Mapping[str, bytes]) -> bytes:
    """A ZIP file of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


# --- workbooks ------------------------------------------------------------------------------------


def workbook(report: Report, *, one_sheet: bool, merged: bool = True) -> bytes:
    """The three tables as a workbook: a sheet a table, or one below the other in one sheet.

    Figures are stored as numbers. Unmerged, a merged cell's text stands at its first place.
    """
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    top = 1
    for number, grid in enumerate(grids(report.form, report.cells)):
        title = report.prose.headings[number + 1]
        if number and not one_sheet:
            sheet, top = book.create_sheet(f"附表{number + 1}"), 1
        sheet.cell(top, 1, title)
        if merged:
            sheet.merge_cells(
                start_row=top, start_column=1, end_row=top, end_column=len(grid.widths)
            )
        top = _draw_table(sheet, grid, top + 1, merged) + 1
    return _saved(book)


def _draw_table(sheet, grid: Grid, top: int, merged: bool) -> int:
    for y, boxes in enumerate(placed(grid)):
        for x, box in boxes:
            value = box.text
            if box.figure and value.lstrip("-").replace(".", "", 1).isdigit():
                value = float(value) if "." in value else int(value)
            cell = sheet.cell(top + y, x + 1, value)
            if isinstance(value, float):
                cell.number_format = "0." + "0" * len(box.text.partition(".")[2])
            if merged and (box.rows > 1 or box.columns > 1):
                sheet.merge_cells(
                    start_row=top + y, start_column=x + 1,
                    end_row=top + y + box.rows - 1, end_column=x + box.columns,
                )  # fmt: skip
    return top + len(grid.rows)


def _saved(book: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


# --- OFD ------------------------------------------------------------------------------------------

WIDTH, HEIGHT, MARGIN = 210.0, 297.0, 20.0
SIZE, SMALL, LEADING = 4.2, 2.6, 7.0


class OfdPages:
    """Pages of OFD drawing orders in millimetres, filled from top to bottom."""

    def __init__(self, bottom: float = HEIGHT - MARGIN) -> None:
        self.pages: list[list[str]] = []
        self.bottom = bottom
        self.turn()

    def turn(self) -> None:
        self.pages.append([])
        self.y = MARGIN

    def text(self, x: float, baseline: float, size: float, text: str) -> None:
        steps = " ".join(f"{size / 2 if c.isascii() else size:.3f}" for c in text[:-1])
        delta = f' DeltaX="{steps}"' if steps else ""
        self.pages[-1].append(
            f'<ofd:TextObject ID="{len(self.pages[-1]) + 100}" Font="1" Size="{size}"'
            f' Boundary="{x:.2f} {baseline - size:.2f} {advance(text, size) + 1:.2f} {size * 1.3:.2f}">'
            f'<ofd:TextCode X="0" Y="{size:.3f}"{delta}>{escape(text)}</ofd:TextCode></ofd:TextObject>'
        )

    def rule(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self.pages[-1].append(
            f'<ofd:PathObject ID="{len(self.pages[-1]) + 100}" LineWidth="0.2"'
            f' Boundary="{x0:.2f} {y0:.2f} {x1 - x0 + 0.2:.2f} {y1 - y0 + 0.2:.2f}"><ofd:AbbreviatedData>'
            f"M 0 0 L {x1 - x0:.2f} {y1 - y0:.2f}</ofd:AbbreviatedData></ofd:PathObject>"
        )

    def picture(self, resource: int, height: float) -> None:
        self.pages[-1].append(
            f'<ofd:ImageObject ID="{len(self.pages[-1]) + 100}" ResourceID="{resource}"'
            f' CTM="100 0 0 {height} 0 0" Boundary="{MARGIN} {self.y:.2f} 100 {height}"/>'
        )
        self.y += height

    def paragraph(self, text: str) -> None:
        for line in wrapped("　　" + text, WIDTH - 2 * MARGIN, SIZE):
            if self.y + LEADING > self.bottom:
                self.turn()
            self.y += LEADING
            indent = len(line) - len(line.lstrip("　"))
            self.text(MARGIN + indent * SIZE, self.y, SIZE, line.lstrip("　"))

    def table(self, grid: Grid, ruled: bool = True) -> None:
        """A table, row by row; what a page cuts goes on at the head of the next, without headings.

        A merged cell's text stands at its top, so a cut may leave its rest without any.
        """
        self.y += 3
        edges = [MARGIN]
        for width in grid.widths:
            edges.append(edges[-1] + (WIDTH - 2 * MARGIN) * width / sum(grid.widths))
        rows = placed(grid)
        heights = [
            max((len(self._lines(b.text, edges, x, b.columns)) for x, b in boxes if b.rows == 1), default=1)
            * (SMALL + 0.6) + 1.5
            for boxes in rows
        ]  # fmt: skip
        going: dict[int, list] = {}
        for y, boxes in enumerate(rows):
            turned = self.y + heights[y] > self.bottom
            if turned:
                self.turn()
            going |= {x: [box, box.rows, box.text] for x, box in boxes}
            top, bottom = self.y, self.y + heights[y]
            cut = y + 1 < len(rows) and bottom + heights[y + 1] > self.bottom
            for x, (box, left_over, text) in list(going.items()):
                left, right = edges[x], edges[x + box.columns]
                if ruled:
                    self.rule(left, top, left, bottom)
                    self.rule(right, top, right, bottom)
                    if turned or left_over == box.rows:
                        self.rule(left, top, right, top)
                    if cut or left_over == 1:
                        self.rule(left, bottom, right, bottom)
                for n, line in enumerate(self._lines(text, edges, x, box.columns)):
                    at = (left + right - advance(line, SMALL)) / 2
                    self.text(at, top + (n + 1) * (SMALL + 0.4), SMALL, line)
                going[x] = [box, left_over - 1, ""]
                if left_over == 1:
                    del going[x]
            self.y = bottom
        self.y += 3

    @staticmethod
    def _lines(text: str, edges: Sequence[float], x: int, columns: int) -> list[str]:
        return wrapped(text, edges[x + columns] - edges[x] - 1, SMALL) if text else []


def advance(text: str, size: float) -> float:
    return sum(size / 2 if character.isascii() else size for character in text)


def wrapped(text: str, width: float, size: float) -> list[str]:
    lines, line = [], ""
    for character in text:
        if line and advance(line + character, size) > width:
            lines.append(line)
            line = ""
        line += character
    return [*lines, line]


def ofd(report: Report, *, ruled: bool = True, bottom: float = HEIGHT - MARGIN) -> bytes:
    """The report as OFD, its tables ruled or not; a page ends at `bottom`, even inside a table."""
    canvas = OfdPages(bottom)
    canvas.text((WIDTH - advance(report.title, 6)) / 2, 15, 6, report.title)
    canvas.paragraph(report.prose.preamble)
    tables = grids(report.form, report.cells)
    for number, (heading, chapter) in enumerate(
        zip(report.prose.headings, report.prose.chapters, strict=True), start=1
    ):
        canvas.paragraph(heading)
        for text in chapter:
            canvas.paragraph(text)
        if 2 <= number <= 4:
            canvas.table(tables[number - 2], ruled)
    for text in report.prose.signature:
        canvas.paragraph(text)
    return ofd_file(canvas.pages)


def ofd_file(pages: Sequence[Sequence[str]], pictures: Mapping[int, bytes] | None = None) -> bytes:
    """An OFD file of pages of drawing orders; `pictures` by the ids that pages name them by."""
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    space = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    listed = "".join(
        f'<ofd:Page ID="{n + 10}" BaseLoc="Pages/Page_{n}/Content.xml"/>' for n in range(len(pages))
    )
    members: dict[str, bytes] = {
        "OFD.xml": f'{head}<ofd:OFD {space} Version="1.0" DocType="OFD"><ofd:DocBody>'
        "<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>".encode(),
        "Doc_0/Document.xml": f"{head}<ofd:Document {space}><ofd:CommonData><ofd:PageArea>"
        f"<ofd:PhysicalBox>0 0 {WIDTH} {HEIGHT}</ofd:PhysicalBox></ofd:PageArea>"
        "<ofd:DocumentRes>DocumentRes.xml</ofd:DocumentRes></ofd:CommonData>"
        f"<ofd:Pages>{listed}</ofd:Pages></ofd:Document>".encode(),
    }
    media = "".join(
        f'<ofd:MultiMedia ID="{number}" Type="Image" Format="PNG"><ofd:MediaFile>{number}.png'
        "</ofd:MediaFile></ofd:MultiMedia>"
        for number in pictures or {}
    )
    members["Doc_0/DocumentRes.xml"] = (
        f'{head}<ofd:Res {space} BaseLoc="Res"><ofd:MultiMedias>{media}</ofd:MultiMedias></ofd:Res>'
    ).encode()
    for number, content in (pictures or {}).items():
        members[f"Doc_0/Res/{number}.png"] = content
    for n, orders in enumerate(pages):
        members[f"Doc_0/Pages/Page_{n}/Content.xml"] = (
            f'{head}<ofd:Page {space}><ofd:Content><ofd:Layer ID="2" Type="Body">{"".join(orders)}'
            "</ofd:Layer></ofd:Content></ofd:Page>"
        ).encode()
    return archived(members)
