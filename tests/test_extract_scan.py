"""Scans: pictures of tables drawn here, so that every figure is known, and a made report."""

from __future__ import annotations

import io
import math
import re
import subprocess
import sys
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image, ImageDraw, ImageFont

from archive.extract.scan import read_page, read_picture, read_scan
from archive.model import Cell, Document, Paragraph, Table, UnreadableError
from archive.parse import parse
from tests.portals import papers, reports
from tests.portals.figures import Scale
from tests.portals.reports import Body

ROWS = (
    ("2023", "10", "111", "0", ""),
    ("7", "", "0", "4,018", "/"),
    ("0", "96.25", "-", "1", "35"),
    ("11", "0", "", "208", "-3"),
)
LEFT, TOP, WIDE, HIGH = 90, 120, 150, 44


def has_chinese_font() -> bool:
    """Whether pdfium finds a font for the report's PDF, which brings none itself."""
    files = Path("/usr/share/fonts").rglob("*.tt?")
    return any(re.search("cjk|wqy|uming|sung", name.name.lower()) for name in files)


def ruled(rows: tuple[tuple[str, ...], ...] = ROWS, ink: str = "black") -> Image.Image:
    """A page at about 150 dpi with one ruled table of figures, in the font Pillow brings."""
    page = Image.new("RGB", (LEFT * 2 + WIDE * len(rows[0]), TOP * 2 + HIGH * len(rows)), "white")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(19)
    for down, row in enumerate(rows):
        for across, text in enumerate(row):
            x, y = LEFT + across * WIDE, TOP + down * HIGH
            draw.rectangle((x, y, x + WIDE, y + HIGH), outline="black", width=2)
            draw.text((x + WIDE / 2, y + HIGH / 2), text, ink, font, anchor="mm")
    return page


def stamped(page: Image.Image, x: int, y: int) -> Image.Image:
    """The page with a red round stamp around (x, y), black print still black under it."""
    stamp = Image.new("RGB", page.size, "white")
    draw = ImageDraw.Draw(stamp)
    draw.ellipse((x - 80, y - 80, x + 80, y + 80), outline=(214, 40, 48), width=6)
    star = [
        (x + r * math.cos(turn * math.pi / 5), y + r * math.sin(turn * math.pi / 5))
        for turn, r in enumerate((30, 12) * 5)
    ]
    draw.polygon(star, fill=(214, 40, 48))
    pixels = zip(page.get_flattened_data(), stamp.get_flattened_data(), strict=True)
    both = Image.new("RGB", page.size)
    both.putdata([tuple(map(min, one, other)) for one, other in pixels])
    return both


def saved(page: Image.Image, form: str = "PNG", **options: object) -> bytes:
    raw = io.BytesIO()
    page.save(raw, form, **options)
    return raw.getvalue()


def only_table(blocks: tuple[object, ...]) -> Table:
    (table,) = (block for block in blocks if isinstance(block, Table))
    return table


def texts(table: Table) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(cell.text for cell in row) for row in table.rows)


def test_a_ruled_table_is_read_cell_by_cell_and_blank_is_not_zero() -> None:
    table = only_table(read_scan(saved(ruled())).blocks)
    assert texts(table) == ROWS
    assert all(cell.confidence is not None for row in table.rows for cell in row)
    assert all((cell.confidence or 0) >= 0.6 for row in table.rows for cell in row)


def test_a_page_laid_on_the_glass_askew_is_straightened() -> None:
    page = ruled().rotate(2.4, Image.Resampling.BICUBIC, fillcolor="white")
    assert texts(only_table(read_picture(saved(page, "JPEG", quality=60)))) == ROWS


def test_a_stamp_over_figures_hides_none_of_them() -> None:
    page = stamped(ruled(), LEFT + 2 * WIDE, TOP + 2 * HIGH)
    table = only_table(read_page(page))
    for printed, cells in zip(ROWS, table.rows, strict=True):
        for text, cell in zip(printed, cells, strict=True):
            assert cell.text == text or (cell.confidence or 0) < 0.6


def test_red_print_is_no_stamp() -> None:
    assert texts(only_table(read_page(ruled(ink="#c00000")))) == ROWS


def test_merged_cells_have_their_spans() -> None:
    page = ruled((("", "", "8"), ("", "", "9"), ("10", "11", "12")))
    draw = ImageDraw.Draw(page)
    draw.rectangle((LEFT + 2, TOP + 2, LEFT + 2 * WIDE - 2, TOP + 2 * HIGH - 2), fill="white")
    first, second, third = only_table(read_page(page)).rows
    assert (first[0].rowspan, first[0].colspan, first[0].text) == (2, 2, "")
    assert [[cell.text for cell in row] for row in (first[1:], second, third)] == [
        ["8"],
        ["9"],
        ["10", "11", "12"],
    ]


def test_a_scribbled_cell_is_marked() -> None:
    page = ruled()
    draw = ImageDraw.Draw(page)
    x, y = LEFT + WIDE * 1.5, TOP + HIGH * 0.5
    for step in range(-12, 13, 4):
        draw.line((x - 22, y + step, x + 22, y - step), "black", 2)
    scribbled = only_table(read_page(page)).rows[0][1]
    assert scribbled.text != ""
    assert scribbled.confidence is not None
    assert scribbled.confidence < 0.6


def test_every_page_of_a_tiff_counts() -> None:
    second = ruled((("5", "6"), ("", "0")))
    raw = saved(ruled(), "TIFF", save_all=True, append_images=[second])
    document = read_scan(raw)
    assert document.media_type == "image/tiff"
    assert [texts(block) for block in document.blocks if isinstance(block, Table)] == [
        ROWS,
        (("5", "6"), ("", "0")),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        saved(Image.new("RGB", (900, 600), "white")),
        saved(Image.new("L", (300, 300), 0)),
        saved(Image.radial_gradient("L").resize((700, 700))),
    ],
)
def test_a_picture_without_print_is_no_document(raw: bytes) -> None:
    assert read_picture(raw) == ()
    with pytest.raises(UnreadableError, match="没有可识别的文字"):
        read_scan(raw)


def test_an_icon_shows_nothing() -> None:
    assert read_picture(saved(ruled().resize((48, 20)))) == ()


def test_a_broken_picture_is_told_from_an_empty_one() -> None:
    broken = saved(ruled())[:900]
    assert read_picture(broken) == ()
    with pytest.raises(UnreadableError, match="损坏"):
        read_scan(broken)


def test_a_decompression_bomb_is_refused_before_it_is_opened() -> None:
    bomb = saved(Image.new("1", (16000, 16000)))
    assert len(bomb) < 100_000
    for read in (read_scan, read_picture):
        with pytest.raises(UnreadableError, match=r"像素过多|过大"):
            read(bomb)


def test_recognition_is_loaded_only_when_asked_for() -> None:
    code = (
        "import sys; from archive.extract import extract;"
        "extract('<p>一、总体情况</p>'.encode(), 'text/html; charset=utf-8');"
        "sys.exit(bool({'rapidocr', 'cv2', 'onnxruntime'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(not has_chinese_font(), reason="没有中文字体，画不出报告")
def test_a_scan_of_a_made_report_has_its_cells() -> None:
    body = Body("青禾县教育局", "education", Scale(420, 16, 12, 1, 900, 300, 30, 88.5), "0310")
    title = "青禾县教育局2022年政府信息公开工作年度报告"
    report = reports.series(body, {2022: ("pdf", "2023-01-18", title)})[2022]
    with pypdfium2.PdfDocument(papers.pdf(report)) as pdf:
        pages = [page.render(scale=150 / 72).to_pil() for page in pdf]
    blocks = tuple(block for page in pages for block in read_page(page))
    prose = tuple(block.text for block in blocks if isinstance(block, Paragraph))
    read = parse(Document("application/pdf", blocks, prose))
    assert read.form == "2021"
    wrong = {key for key, printed in report.numbers().items() if read.cells.get(key) != printed}
    assert wrong == set()
    assert title in prose
    figures = [
        cell
        for block in blocks
        if isinstance(block, Table)
        for row in block.rows
        for cell in row
        if cell.text.isdigit()
    ]
    assert all(isinstance(cell, Cell) and (cell.confidence or 0) > 0.6 for cell in figures)
