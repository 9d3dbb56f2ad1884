"""The same report from its page, printed as PDF, saved as DOCX, and scanned at 150 dpi."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path

import pypdfium2
import pytest

from archive.model import Evidence, Reading, Verdict
from archive.read import Part, read_report
from tests.portals.figures import Scale
from tests.portals.reports import Body, Report, series
from tests.portals.web import article

SOFFICE = shutil.which("soffice")
BODY = Body("北原市教育局", "education", Scale(requests=60, disputes=6, documents=8), "电话：0000")
DPI = 150
# Two recognitions of a cell that differ leave less than this.
SURE = 0.6

needs_office = pytest.mark.skipif(
    SOFFICE is None, reason="LibreOffice is not installed: nothing prints the page"
)


def report(year: int) -> Report:
    title = f"北原市教育局{year}年政府信息公开工作年度报告"
    return series(BODY, {year: ("clean", f"{year + 1}-01-20", title)})[year]


def page(made: Report) -> bytes:
    return (
        f'<html><head><meta charset="utf-8"><title>{made.title}</title></head>'
        f'<body><div class="TRS_Editor">{article(made, ())}</div></body></html>'
    ).encode()


def saved_as(kind: str, data: bytes, folder: Path) -> bytes:
    """The page as LibreOffice saves it: pdf or docx."""
    source = folder / "page.html"
    source.write_bytes(data)
    filters = {"pdf": "pdf:writer_web_pdf_Export", "docx": "docx:MS Word 2007 XML"}
    reader = ["--infilter=HTML (StarWriter)"] if kind == "docx" else []
    subprocess.run(
        [
            SOFFICE or "", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless",
            *reader, "--convert-to", filters[kind], "--outdir", str(folder), str(source),
        ],
        check=True, capture_output=True, timeout=240,
    )  # fmt: skip
    return (folder / f"page.{kind}").read_bytes()


def scanned(data: bytes) -> bytes:
    """A PDF of pictures of the pages of a PDF, as an office scanner makes it."""
    document = pypdfium2.PdfDocument(data)
    pictures = [page.render(scale=DPI / 72).to_pil().convert("L") for page in document]
    paper = io.BytesIO()
    pictures[0].save(paper, "PDF", save_all=True, append_images=pictures[1:], resolution=DPI)
    return paper.getvalue()


def read(data: bytes, made: Report) -> Reading:
    return read_report([Part(data)], Evidence(listed_title=made.title))


def failing(reading: Reading) -> set[str]:
    """The cells of identities that fail."""
    failed = (f for f in reading.findings if f.verdict is Verdict.FAIL)
    return {key for finding in failed for key in finding.cells}


@needs_office
@pytest.mark.parametrize("year", [2019, 2023])
def test_page_pdf_and_docx_give_equal_cells(year: int, tmp_path: Path) -> None:
    made = report(year)
    readings = {"html": read(page(made), made)}
    for kind in ("pdf", "docx"):
        readings[kind] = read(saved_as(kind, page(made), tmp_path), made)
    want = made.numbers()
    for kind, reading in readings.items():
        assert dict(reading.cells) == want, kind
        assert (reading.issuer, reading.year, reading.form) == ("北原市教育局", year, made.form)


@needs_office
def test_a_scan_gives_the_cells_or_says_that_it_is_not_sure(tmp_path: Path) -> None:
    made = report(2023)
    reading = read(scanned(saved_as("pdf", page(made), tmp_path)), made)
    want = made.numbers()
    right = [key for key in want if reading.cells.get(key) == want[key]]
    assert len(right) >= 0.995 * len(want)
    doubted = failing(reading)
    for key in want.keys() - set(right):
        note = reading.notes[key]
        unsure = note.confidence is not None and note.confidence < SURE
        assert reading.cells[key] is None or unsure or key in doubted, key
    assert all(reading.notes[key].state == "ocr" for key in right)
    assert (reading.issuer, reading.year, reading.form) == ("北原市教育局", 2023, "2021")
    assert re.search("总体情况", "".join(section.heading for section in reading.sections))
