"""Pictures of pages -> Document: tables by their ruling lines, print by an offline recogniser.

Whether a cell is empty is told by its ink, never by the recogniser, which overlooks a lone 0.
Every figure is read twice from two different crops; where the readings differ, or the ink has
another number of digits than the text, the confidence says so.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from archive.extract.scan_grid import (
    INK,
    Box,
    Gray,
    RuledTable,
    bands,
    character_size,
    even,
    ink,
    on_paper,
    ruled_tables,
    straightened,
    tilt,
    without_seals,
)
from archive.extract.scan_text import Line, as_figure, lines_on, read_line
from archive.model import Block, Cell, Document, Paragraph, Table, UnreadableError

MOST_PIXELS = 200_000_000
WORKING_PIXELS = 40_000_000
MOST_FRAMES = 100
SMALLEST = (60, 24)
MOST_LINES = 600
ENOUGH = 40
DISAGREED = 0.3
DOUBTED = 0.5
MUCH = 0.25
UNREADABLE = "\ufffd"
SIGNS = "无零空否是有-—/\\一二三四五六七八九十"
PAGE_MARK = re.compile(r"[-—–－·_\s]*(?:第\s*)?\d{1,3}(?:\s*页)?[-—–－·_\s]*")


def read_scan(data: bytes) -> Document:
    """The document on an image file, every page of it. Raises UnreadableError where none is."""
    blocks = tuple(block for picture in _pictures(data) for block in read_page(picture))
    if not blocks:
        raise UnreadableError("图片中没有可识别的文字")
    return Document(
        media_type=_media_type(data),
        blocks=blocks,
        prose=tuple(block.text for block in blocks if isinstance(block, Paragraph)),
    )


def read_picture(image: bytes | Gray | Image.Image) -> tuple[Block, ...]:
    """Paragraphs and tables of one picture in reading order; () where it shows no text.

    Icons and broken files give () too. Raises UnreadableError for a picture too large to open.
    """
    if not isinstance(image, bytes):
        return read_page(image)
    try:
        return tuple(block for picture in _pictures(image) for block in read_page(picture))
    except _NoPictureError:
        return ()


class _NoPictureError(UnreadableError):
    pass


def _media_type(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as picture:
        return str(Image.MIME.get(picture.format or "", "image/unknown"))


def _pictures(data: bytes) -> Iterator[Image.Image]:
    """Every frame of a TIFF, else the first; none is decoded before its size is known."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            frames = MOST_FRAMES if picture.format == "TIFF" else 1
            for number, frame in enumerate(ImageSequence.Iterator(picture)):
                if number == frames:
                    break
                if frame.width * frame.height > MOST_PIXELS:
                    raise UnreadableError(
                        f"图片为 {frame.width}×{frame.height} 像素，过大，不予读取"
                    )
                yield ImageOps.exif_transpose(_bounded(frame))
    except Image.DecompressionBombError as error:
        raise UnreadableError("图片像素过多，不予读取") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, UnreadableError):
            raise
        raise _NoPictureError("图片损坏，打不开") from error


def _bounded(picture: Image.Image) -> Image.Image:
    """The picture, shrunk where it has more pixels than we work with; a JPEG while it is read."""
    if picture.width * picture.height > WORKING_PIXELS:
        picture.draft("RGB", (picture.width // 2, picture.height // 2))
    share = (WORKING_PIXELS / (picture.width * picture.height)) ** 0.5
    if share >= 1:
        return picture
    return picture.resize((int(picture.width * share), int(picture.height * share)))


def _colours(bitmap: Image.Image | Gray) -> Gray:
    """Red, green and blue on white paper, no larger than we work with."""
    if isinstance(bitmap, Image.Image):
        bitmap = _bounded(bitmap)
        if bitmap.mode in ("RGBA", "LA", "PA") or "transparency" in bitmap.info:
            clear = bitmap.convert("RGBA")
            paper = Image.new("RGBA", clear.size, "white")
            bitmap = Image.alpha_composite(paper, clear)
        elif bitmap.mode.startswith("I;16") or bitmap.mode in ("I", "F"):
            levels = np.asarray(bitmap, dtype=np.float32)
            top = max(1.0, float(levels.max()))
            return np.repeat((levels * (255 / top)).astype(np.uint8)[:, :, None], 3, axis=2)
        return np.asarray(bitmap.convert("RGB"), dtype=np.uint8)
    if bitmap.ndim == 2:
        return np.repeat(bitmap[:, :, None], 3, axis=2)
    return bitmap[:, :, :3]


@dataclass(frozen=True, slots=True)
class _Page:
    """A straight page: as it is, evenly lit, its ink, its character size, tables and lines."""

    grey: Gray
    flat: Gray
    size: float
    tables: Sequence[RuledTable]
    lines: Gray


def read_page(bitmap: Image.Image | Gray) -> tuple[Block, ...]:
    """Paragraphs and tables of a rendered page (RGB or grey, 150 dpi or more) in reading order."""
    colours = _colours(bitmap)
    height, width = colours.shape[:2]
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return ()
    page = _prepared(colours)
    if page is None:
        return ()
    texts = _texts(page)
    placed: list[tuple[int, Block]] = [(at, text) for at, text in texts]
    for ruled in page.tables:
        table = _table(page, ruled)
        # Crossed lines without a word between them are ornament or noise.
        if any(cell.text for row in table.rows for cell in row):
            placed.append((ruled.box.top, table))
    return tuple(block for _, block in sorted(placed, key=lambda pair: pair[0]))


def _prepared(colours: Gray) -> _Page | None:
    grey = without_seals(colours)
    paper = on_paper(grey)
    flat = even(paper)
    mask = ink(flat)
    if np.count_nonzero(mask) < 60:
        return None
    size = character_size(mask)
    scale = min(3.0, 22 / size) if size < 16 else 34 / size if size > 44 else 1.0
    if scale != 1:
        method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=method).astype(np.uint8)
        paper = on_paper(grey)
        flat = even(paper)
        mask = ink(flat)
    grey = paper
    if angle := tilt(mask):
        grey = straightened(grey, angle)
        flat = straightened(flat, angle)
        mask = ink(flat)
    size = character_size(mask)
    tables, lines = ruled_tables(mask, size)
    return _Page(grey, flat, size, tables, lines)


# --- tables


@dataclass(frozen=True, slots=True)
class _Print:
    """The inside of a cell: lines removed, its ink, and the same place as the page has it."""

    clean: Gray
    mask: Gray
    raw: Gray


def _table(page: _Page, table: RuledTable) -> Table:
    erased = page.flat.copy()
    erased[cv2.dilate(page.lines, np.ones((3, 3), np.uint8)) > 0] = 255
    prints = [_print(page, erased, cell.box) for cell in table.cells]
    size = _line_height(prints, page.size)
    rows: list[list[Cell]] = [[] for _ in range(max(c.row + c.rowspan for c in table.cells))]
    lines = [_cell(inside, size) for inside in prints]
    written = [line for line in lines if line.text]
    doubtful = sum(line.confidence < DOUBTED for line in written) > MUCH * len(written)
    for cell, line in zip(table.cells, lines, strict=True):
        # Where much cannot be read the boxes themselves are doubtful, and so is every blank.
        confidence = min(line.confidence, DOUBTED) if doubtful else line.confidence
        rows[cell.row].append(Cell(line.text, cell.rowspan, cell.colspan, round(confidence, 3)))
    return Table(tuple(tuple(row) for row in rows))


def _print(page: _Page, erased: Gray, box: Box) -> _Print:
    clean, raw = box.of(erased), box.of(page.grey)
    if min(raw.shape) < 4:
        # The frameworks below crash on empty arrays.
        blank = np.full((4, 4), 255, np.uint8)
        return _Print(blank, 255 - blank, blank)
    if np.median(raw) < 110:
        # Light print on a dark ground.
        clean = raw = cv2.normalize(255 - raw, np.empty(0), 0, 255, cv2.NORM_MINMAX).astype(
            np.uint8
        )
    mask = np.where(clean < INK, 255, 0).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    for label in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[label])
        edge = (
            left == 0 or top == 0 or left + width == mask.shape[1] or top + height == mask.shape[0]
        )
        sliver = edge and min(width, height) <= 0.2 * page.size
        if sliver or area < 4 or max(width, height) < 0.12 * page.size:
            mask[labels == label] = 0
    return _Print(clean, mask, raw)


def _line_height(prints: Sequence[_Print], size: float) -> float:
    """The height of lines of characters in the table; figures alone are lower than these."""
    heights = [
        bottom - top
        for inside in prints
        for top, bottom in bands(inside.mask, size)
        if np.count_nonzero(inside.mask[top:bottom].any(axis=0)) > 2 * size
        and size * 0.7 <= bottom - top <= 1.7 * size
    ]
    return median(heights) if heights else size * 1.2


def _cell(inside: _Print, size: float) -> Line:
    runs = list(bands(inside.mask, size))
    if not runs:
        return Line("", 1.0)
    frames = [_frame(inside.mask, top, bottom) for top, bottom in runs]
    if len(frames) == 1:
        return _single(inside, frames[0], size)
    if all(frame.width <= 1.5 * size for frame in frames):
        # One character a line: read as one line, which gives the recogniser its context.
        strip = np.hstack([_padded(inside.clean, _even_frame(frame, size), 0) for frame in frames])
        return _text(read_line(_bordered(strip, round(0.2 * size))))
    parts = [_text(read_line(_padded(inside.clean, frame, 0.2 * size))) for frame in frames]
    return Line("".join(part.text for part in parts), min(part.confidence for part in parts))


def _frame(mask: Gray, top: int, bottom: int) -> Box:
    drawn = np.flatnonzero(mask[top:bottom].any(axis=0))
    return Box(int(drawn[0]), top, int(drawn[-1]) + 1, bottom)


def _even_frame(frame: Box, size: float) -> Box:
    """A frame of one character, of the same size for every character of the cell."""
    half = round(0.6 * size)
    x, y = (frame.left + frame.right) // 2, (frame.top + frame.bottom) // 2
    return Box(x - half, y - half, x + half, y + half)


def _padded(picture: Gray, frame: Box, margin: float, across: float | None = None) -> Gray:
    """The frame and a margin around it, white where the picture ends."""
    down = round(margin)
    side = round(margin if across is None else across)
    box = Box(frame.left - side, frame.top - down, frame.right + side, frame.bottom + down)
    height, width = picture.shape
    inner = Box(max(0, box.left), max(0, box.top), min(width, box.right), min(height, box.bottom))
    return cv2.copyMakeBorder(
        inner.of(picture),
        inner.top - box.top,
        box.bottom - inner.bottom,
        inner.left - box.left,
        box.right - inner.right,
        cv2.BORDER_CONSTANT,
        value=(255,),
    ).astype(np.uint8)


def _bordered(strip: Gray, margin: int) -> Gray:
    return _padded(strip, Box(0, 0, strip.shape[1], strip.shape[0]), margin)


def _text(line: Line) -> Line:
    """A label: spaces between characters dropped; ink that gives no text is said to be unread."""
    text = re.sub(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])", "", line.text)
    return Line(text, line.confidence) if text else Line(UNREADABLE, 0.0)


# --- figures


def _single(inside: _Print, frame: Box, size: float) -> Line:
    """A cell of one line: a figure by two readings and its ink, anything else by one."""
    if dash := _dash(inside.mask, frame, size):
        return Line(dash, 0.95)
    groups = _groups(inside.mask, frame, size)
    if len(groups) > 1:
        read = [_single_group(inside, group, size) for group in groups]
        if any(as_figure(part) for part in read):
            # Two figures in one box: a ruling line between them was not seen.
            return Line(
                " ".join(part.text for part in read),
                min(DOUBTED, *(part.confidence for part in read)),
            )
        return _text(read_line(_padded(inside.clean, frame, 0.2 * size)))
    return _single_group(inside, frame, size)


def _single_group(inside: _Print, frame: Box, size: float) -> Line:
    tall = max(frame.height, round(0.7 * size))
    middle = (frame.top + frame.bottom) // 2
    if frame.height < tall:
        frame = Box(frame.left, middle - tall // 2, frame.right, middle + tall - tall // 2)
    first = read_line(_padded(inside.clean, frame, 0.25 * tall, 0.4 * tall))
    if _slash(inside.mask, frame):
        return Line("/", 0.9 if first.text == "/" else 0.7)
    figure = as_figure(first)
    short = len(first.text) <= 2 and frame.width < 2.2 * size
    if figure is None and not (short and first.confidence < 0.9):
        return _text(first)
    second = read_line(_second_crop(inside, frame, tall))
    other = as_figure(second)
    if figure is None and other is None:
        agreed = second.text == first.text and first.text
        if agreed and (len(first.text) > 1 or first.text in SIGNS):
            return _text(Line(first.text, min(first.confidence, second.confidence)))
        return Line(UNREADABLE, 0.0)
    if figure is None or other is None or figure.text != other.text:
        best = max((one for one in (figure, other) if one), key=lambda one: one.confidence)
        return Line(best.text, min(DISAGREED, best.confidence))
    confidence = min(figure.confidence, other.confidence)
    if not _ink_agrees(inside, frame, figure.text):
        confidence = min(confidence, DOUBTED)
    return Line(figure.text, confidence)


def _second_crop(inside: _Print, frame: Box, tall: int) -> Gray:
    """The figure as the page has it: lines not removed, light not evened, larger and blurred."""
    crop = _padded(inside.raw, frame, 0.12 * tall, 0.6 * tall)
    larger = cv2.resize(crop, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(larger, (0, 0), 1.5).astype(np.uint8)


def _groups(mask: Gray, frame: Box, size: float) -> list[Box]:
    """The frame cut where a blank wider than a character stands."""
    drawn = np.flatnonzero(frame.of(mask).any(axis=0)) + frame.left
    cuts = np.flatnonzero(np.diff(drawn) > 1.3 * size)
    return [
        Box(int(part[0]), frame.top, int(part[-1]) + 1, frame.bottom)
        for part in np.split(drawn, cuts + 1)
    ]


def _shapes(mask: Gray) -> list[Box]:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    return [
        Box(int(left), int(top), int(left + width), int(top + height))
        for left, top, width, height, _ in stats[1:]
    ]


def _dash(mask: Gray, frame: Box, size: float) -> str:
    """A dash by its shape; the recogniser takes it for 一. "" where there is another shape."""
    shapes = _shapes(frame.of(mask))
    flat = all(
        shape.height <= max(3, 0.22 * size) and shape.width >= 1.5 * shape.height
        for shape in shapes
    )
    if not flat or frame.height > max(3, 0.25 * size):
        return ""
    return "-" if frame.width < 0.7 * size else "—" if frame.width < 1.3 * size else "——"


def _slash(mask: Gray, frame: Box) -> bool:
    """Whether the ink is one slanted stroke, which the recogniser takes for a 1."""
    shapes = _shapes(frame.of(mask))
    if len(shapes) != 1 or shapes[0].width < 0.2 * shapes[0].height:
        return False
    drawn = shapes[0].of(frame.of(mask)) > 0
    # Of an upright 1 (with its serifs) some columns run through most of its height.
    return bool(drawn.sum(axis=0).max() < 0.72 * shapes[0].height) and _straight(drawn)


def _straight(drawn: npt.NDArray[np.bool_]) -> bool:
    down, across = np.nonzero(drawn)
    return bool(np.corrcoef(down, across)[0, 1] < -0.75)


def _ink_agrees(inside: _Print, frame: Box, text: str) -> bool:
    """Whether the ink has as many digits and points as the text; touching digits by their width.

    The recogniser drops one of several equal digits (111) and a faint decimal point.
    """
    crop = _padded(inside.clean, frame, 2)
    large = cv2.resize(crop, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    drawn = large < INK
    rows = np.flatnonzero(drawn.any(axis=1))
    columns = np.flatnonzero(drawn.any(axis=0))
    if not rows.size or text.strip("0123456789.,"):
        return bool(rows.size)
    runs = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
    heights = [np.flatnonzero(drawn[:, run[0] : run[-1] + 1].any(axis=1)) for run in runs]
    # A comma hangs below its digits: they alone say how tall the figure is.
    tall = float(max(own[-1] - own[0] for own in heights) + 1)
    digits = points = 0
    for run, own in zip(runs, heights, strict=True):
        if own[-1] - own[0] < 0.42 * tall and own[0] > rows[0] + 0.5 * tall:
            points += 1
        else:
            digits += max(1, round((run.size + 0.15 * tall) / (0.78 * tall)))
    # A comma often touches the digit before it, a point seldom does.
    commas = text.count(",")
    return (
        digits == len(text) - commas - text.count(".") and 0 <= (points - text.count(".")) <= commas
    )


# --- running text


@dataclass(frozen=True, slots=True)
class _Row:
    box: Box
    line: Line


def _texts(page: _Page) -> list[tuple[int, Paragraph]]:
    """The print outside the tables: paragraphs, each with the height it begins at."""
    rest = page.flat.copy()
    for table in page.tables:
        table.box.of(rest)[:] = 255
    rest[cv2.dilate(page.lines, np.ones((3, 3), np.uint8)) > 0] = 255
    rows = _joined_rows(_found(rest, page.size), page.size)
    if rows:
        rows = [row for row in rows if not _is_page_mark(row, page.grey.shape[0])]
    return list(_paragraphs(rows, page))


def _found(rest: Gray, size: float) -> list[_Row]:
    """Every piece of a line of print, by the ink's own rows and gaps.

    The detector leaves out a thin 一 at the beginning and its frames reach into the lines above
    and below; it is asked only where the ink does not fall into lines (crooked photographs).
    """
    mask = _letters(rest, size)
    boxes: list[Box] = []
    for top, bottom in bands(mask, 1.2 * size):
        stripe = mask[top:bottom]
        drawn = np.flatnonzero(stripe.any(axis=0))
        if bottom - top < 0.35 * size and drawn.size < 0.35 * size:
            continue
        for run in np.split(drawn, np.flatnonzero(np.diff(drawn) > 1.8 * size) + 1):
            piece = Box(int(run[0]), top, int(run[-1]) + 1, bottom)
            boxes += _crooked(rest, piece, size) if piece.height > 2.2 * size else [piece]
    rows: list[_Row] = []
    for box in boxes[:MOST_LINES]:
        rows.append(_Row(box, read_line(_padded(rest, box, 0.2 * size))))
        if len(rows) == ENOUGH and _is_no_print(rows):
            return []
    if _is_no_print(rows):
        return []
    return [row for row in rows if row.line.text and row.line.confidence > 0.05]


def _is_no_print(rows: Sequence[_Row]) -> bool:
    """Whether this is a photograph or noise: most of it reads as nothing in particular."""
    return bool(rows) and median(row.line.confidence for row in rows) < 0.2


def _crooked(rest: Gray, piece: Box, size: float) -> list[Box]:
    found = lines_on(_padded(rest, piece, size))
    left, top = piece.left - round(size), piece.top - round(size)
    return [
        Box(box.left + left, box.top + top, box.right + left, box.bottom + top) for box in found
    ]


def _letters(rest: Gray, size: float) -> Gray:
    """The ink less specks and less what is too large for a character (pictures, emblems)."""
    mask = np.where(rest < INK, 255, 0).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    width, height, area = stats[:, 2], stats[:, 3], stats[:, 4]
    largest = np.maximum(width, height)
    keep = (largest >= 0.12 * size) & (area >= 0.01 * size * size) & (height <= 4 * size)
    keep[0] = False
    return np.where(keep[labels], 255, 0).astype(np.uint8)


def _joined_rows(found: list[_Row], size: float) -> list[_Row]:
    """Pieces at one height, which the detector took apart, from left to right as one line."""
    rows: list[list[_Row]] = []
    for piece in sorted(found, key=lambda row: (row.box.top + row.box.bottom) / 2):
        middle = (piece.box.top + piece.box.bottom) / 2
        if rows and rows[-1][0].box.top < middle < rows[-1][0].box.bottom:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    joined = []
    for pieces in rows:
        pieces.sort(key=lambda row: row.box.left)
        text = pieces[0].line.text
        for left, right in pairwise(pieces):
            text += (" " if right.box.left - left.box.right > 0.8 * size else "") + right.line.text
        joined.append(
            _Row(
                Box(
                    pieces[0].box.left,
                    min(row.box.top for row in pieces),
                    max(row.box.right for row in pieces),
                    max(row.box.bottom for row in pieces),
                ),
                Line(text, min(row.line.confidence for row in pieces)),
            )
        )
    return joined


def _is_page_mark(row: _Row, height: int) -> bool:
    edge = row.box.bottom < 0.08 * height or row.box.top > 0.92 * height
    return edge and bool(PAGE_MARK.fullmatch(row.line.text))


def _paragraphs(rows: Sequence[_Row], page: _Page) -> Iterator[tuple[int, Paragraph]]:
    """Lines joined where one fills the width and the next is not set in."""
    if not rows:
        return
    heights = median(row.box.height for row in rows)
    left = float(np.percentile([row.box.left for row in rows], 10))
    right = float(np.percentile([row.box.right for row in rows], 90))
    breaks = [0]
    for at, (above, below) in enumerate(pairwise(rows), start=1):
        follows = (
            below.box.left < left + heights
            and above.box.right > right - 2.2 * heights
            and below.box.top - above.box.bottom < 1.6 * heights
            and right - left > 10 * heights
        )
        if not follows:
            breaks.append(at)
    starts = set(breaks)
    numbers = {}
    group = -1
    for at in range(len(rows)):
        group += at in starts
        numbers[at] = group
    for _, members in groupby(range(len(rows)), key=numbers.__getitem__):
        own = [rows[at] for at in members]
        yield (
            own[0].box.top,
            Paragraph(
                "".join(row.line.text for row in own),
                round(min(row.line.confidence for row in own), 3),
            ),
        )
