"""PDF -> Document, the quick way: a line a paragraph, as pdfium orders them.

pdfium keeps a table's row on one line, which is all that whole rows need; where cells are blank
or cut, pdf_grid.py reads the same file by its geometry. Pages without usable text are scans.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import pypdfium2
import pypdfium2.raw as pdfium

from archive.grid import append_page
from archive.model import Block, Document, Paragraph, Picture, UnreadableError

# Fonts map 民 to a radical of the same look; NFKC mends the Kangxi block (and turns 戶 traditional)
# but not the supplement.
RADICALS = str.maketrans(
    "⼾⺀⺅⺈⺌⺍⺗⺝⺟⺠⺩⺫⺬⺮⺱⺶⺼⻁⻂⻃⻄⻅⻆⻇⻉⻋⻌⻍⻎⻏⻑⻒⻓⻔⻖⻗⻘⻙⻚⻛⻜⻝⻞⻟⻠⻢⻣⻤⻥⻦⻧⻨⻩⻪⻬⻮⻰⻳",
    "户冫亻刀小小心月母民王目示竹网羊肉虎衤西西见角讠贝车辶辶辶阝长镸长门阝雨青韦页风飞食飠饣饣马骨鬼鱼鸟卤麦黄黾齐齿龙龟",
)
PAGE_MARK = re.compile(
    r"[-—–－·]+\s*(?:第\s*)?\d{1,3}(?:\s*页)?\s*[-—–－·]+$|第\s*\d{1,3}\s*页.{0,10}$"
)
# Amid a page these may be cells: a figure beside a dash, figures beside a slash.
EDGE_MARK = re.compile(r"\d{1,3}(?:\s*页)?\s*[-—–－·]+$|[1-9]\d{0,2}\s*/\s*\d{1,3}$")
SENTENCE_END = re.compile(r"[。！？；：:;]$")
HEADING = re.compile(
    r"[一二三四五六七八九十]{1,2}、|[（(][一二三四五六七八九十]{1,2}[）)]|第[一二三四五六七八九十]+[章节]"
)
MOST_PAGES = 400
MOST_SCANS = 40
ASCII = re.compile(r"[\x00-\x7f]")
# The shortest line that a page's width may have broken, where the document tells no better.
FULL_LINE = 18
# How far such a line may end before the others do: a number or an address goes over whole.
RAGGED = 4
# Running heads are looked for in this many lines at each edge of a page.
EDGE = 2
SCAN_DPI = 200
LONGEST_SIDE = 4200
# Shares of a page's area: a picture that may hold a table, and one that is the page.
LARGE, WHOLE = 0.1, 0.8
# Fewer characters over a whole-page picture are a page's number or a stamp's date.
FEWEST_CHARACTERS = 40
MOST_OBJECTS = 50_000
GARBAGE = re.compile(r"\(cid:\d+\)|[\ue000-\uf8ff\ufffd\x00-\x08\x0e-\x1f\x80-\x9f\u00c0-\u024f]")
MOST_GARBAGE = 0.2


def read_pdf(data: bytes) -> Document:
    """The lines of every page; scanned pages by recognition, large pictures as pictures.

    Raises UnreadableError for a file that is damaged or locked or has no page that can be read.
    """
    pdf = open_pdf(data)
    try:
        pages = [read_text(pdf, number) for number in range(len(pdf))]
        lines = without_page_marks([page.lines for page in pages])
        check_scans(pages)
        blocks: list[Block] = []
        prose: list[list[str]] = [[]]
        for number, page in enumerate(pages):
            if page.is_scan:
                found = read_scan(pdf, number)
                append_page(blocks, found)
                prose += [[b.text for b in found if isinstance(b, Paragraph)], []]
            else:
                blocks += map(Paragraph, lines[number])
                blocks += page.pictures
                prose[-1] += lines[number]
    except pypdfium2.PdfiumError as error:
        raise UnreadableError("PDF 页面损坏") from error
    finally:
        pdf.close()
    if not blocks:
        raise UnreadableError("PDF 里没有文字，也没有能识别的图像")
    return Document(
        media_type="application/pdf",
        blocks=tuple(blocks),
        prose=tuple(paragraph for part in prose for paragraph in join_lines(part)),
    )


def open_pdf(data: bytes) -> pypdfium2.PdfDocument:
    """The opened file. Raises UnreadableError where it is damaged, locked or too long."""
    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise UnreadableError("PDF 设有打开密码，无法读取") from error
        raise UnreadableError("PDF 损坏或加密，打不开") from error
    if len(pdf) > MOST_PAGES:
        count = len(pdf)
        pdf.close()
        raise UnreadableError(f"PDF 有 {count} 页，超过 {MOST_PAGES} 页，不像年度报告")
    return pdf


@dataclass(frozen=True, slots=True)
class TextPage:
    """A page as pdfium's text gives it: its lines, whether it is a scan, and large pictures."""

    lines: list[str]
    is_scan: bool
    pictures: tuple[Picture, ...] = ()


def read_text(pdf: pypdfium2.PdfDocument, number: int) -> TextPage:
    """The text of a page by number, from 0; a scan where that text is none or not its own."""
    page = pdf[number]
    text = page.get_textpage().get_text_range()
    pictures, overlaid = _pictures(page)
    covered = max((share for share, _ in pictures), default=0.0)
    count = len("".join(text.split()))
    is_scan = (
        (is_garbage(text) and pdfium.FPDFPage_CountObjects(page) > 0)
        or (covered >= WHOLE / 2 and count < FEWEST_CHARACTERS)
        or (covered >= WHOLE and overlaid)
    )
    if is_scan:
        return TextPage([], True)
    # U+FFFE marks a hyphenation pdfium could not join.
    lines = text.replace("\ufffe", "").translate(RADICALS).splitlines()
    return TextPage(
        [line for line in map(str.strip, lines) if line],
        False,
        tuple(
            Picture(f"第{number + 1}页图片{at + 1}", _png(page, bounds))
            for at, (share, bounds) in enumerate(pictures)
            # A whole page of picture behind visible text is its background.
            if share < WHOLE
        ),
    )


def is_garbage(text: str) -> bool:
    """Does a text layer say nothing: no characters, or codes without a meaning?

    Fonts without a map to Unicode give private-use codes, replacement marks or Latin letters
    with accents, which no Chinese report has.
    """
    bare = "".join(text.replace("\ufffe", "").split())
    return len(GARBAGE.findall(bare)) >= MOST_GARBAGE * len(bare)


Bounds = tuple[float, float, float, float]


def _pictures(page: pypdfium2.PdfPage) -> tuple[list[tuple[float, Bounds]], bool]:
    """The large pictures of a page with their shares of it, and whether all text is overlaid.

    Programs that recognise scans put their text under the picture or print it invisibly.
    """
    count = pdfium.FPDFPage_CountObjects(page)
    if count > MOST_OBJECTS:
        return [], False
    # A raw object and its kind cost a fifth of what pypdfium2's own wrapper does.
    objects = [pdfium.FPDFPage_GetObject(page, at) for at in range(count)]
    kinds = [pdfium.FPDFPageObj_GetType(item) for item in objects]
    if pdfium.FPDF_PAGEOBJ_IMAGE not in kinds and pdfium.FPDF_PAGEOBJ_FORM not in kinds:
        return [], False
    left, bottom, right, top = page.get_bbox()
    area = max((right - left) * (top - bottom), 1.0)
    images = (pdfium.FPDF_PAGEOBJ_IMAGE,)
    found = []
    for image in page.get_objects(filter=images, max_depth=3):
        x0, y0, x1, y1 = image.get_bounds()
        bounds = (max(x0, left), max(y0, bottom), min(x1, right), min(y1, top))
        share = (bounds[2] - bounds[0]) * (bounds[3] - bounds[1]) / area
        if bounds[0] < bounds[2] and bounds[1] < bounds[3] and share >= LARGE:
            found.append((share, bounds))
    last_image = max((at for at, kind in enumerate(kinds) if kind in images), default=-1)
    texts = [at for at, kind in enumerate(kinds) if kind == pdfium.FPDF_PAGEOBJ_TEXT]
    invisible = pdfium.FPDF_TEXTRENDERMODE_INVISIBLE
    overlaid = bool(texts) and all(
        at < last_image or pdfium.FPDFTextObj_GetTextRenderMode(objects[at]) == invisible
        for at in texts
    )
    return found, overlaid


def _png(page: pypdfium2.PdfPage, bounds: Bounds) -> bytes:
    """The part of a page within bounds (points, from its lower left corner) as a PNG."""
    left, bottom, right, top = page.get_bbox()
    scale = _scale(right - left, top - bottom)
    crop = (bounds[0] - left, bounds[1] - bottom, right - bounds[2], top - bounds[3])
    if page.get_rotation():
        crop = (0, 0, 0, 0)
    raw = io.BytesIO()
    page.render(scale=scale, crop=crop).to_pil().save(raw, "PNG")
    return raw.getvalue()


def _scale(width: float, height: float) -> float:
    return min(SCAN_DPI / 72, LONGEST_SIDE / max(width, height, 1.0))


def check_scans(pages: Sequence[TextPage]) -> None:
    """Raises UnreadableError where recognition of all the scanned pages would take too long."""
    scans = sum(page.is_scan for page in pages)
    if scans > MOST_SCANS:
        raise UnreadableError(f"PDF 有 {scans} 页是扫描件，超过 {MOST_SCANS} 页，不予识别")


def read_scan(pdf: pypdfium2.PdfDocument, number: int) -> list[Block]:
    """What recognition finds on a scanned page; nothing where the page is empty."""
    # Recognition loads its models: only where there is something to recognise.
    from archive.extract.scan import read_page

    page = pdf[number]
    bitmap = page.render(scale=_scale(*page.get_size())).to_pil()
    return list(read_page(bitmap))


def without_page_marks(pages: Sequence[Sequence[str]]) -> list[list[str]]:
    """The pages' lines less what counts the pages and what their heads and feet repeat."""
    running = _running_heads(pages)
    marked = [
        [
            line
            for at, line in enumerate(page)
            if not PAGE_MARK.match(line)
            and not (_edge(at, page) and EDGE_MARK.match(line))
            and (_edge(at, page), _counted(line)) not in running
        ]
        for page in pages
    ]
    return _without_numbers(marked)


def _edge(at: int, page: Sequence[str]) -> str:
    """Whether a line stands at the head or the foot of its page, or "" where at neither."""
    if at < min(EDGE, len(page) / 2):
        return "head"
    return "foot" if at >= len(page) - EDGE else ""


def _counted(line: str) -> str:
    """A line with its numbers left open: they may be the page's."""
    return re.sub(r"\d+", "#", line)


def _running_heads(pages: Sequence[Sequence[str]]) -> set[tuple[str, str]]:
    """Lines with words that stand at the same edge of more than half the pages, as
    (edge, line); of three pages at least where there are as many.

    A table's heading is repeated too, and a row of zeros: no table goes over most pages, and
    figures are no words.
    """
    seen: Counter[tuple[str, str]] = Counter()
    for page in pages:
        places = {(_edge(at, page), _counted(line)) for at, line in enumerate(page)}
        seen.update(p for p in places if p[0] and re.search(r"[^\W\d_]", p[1]))
    fewest = max(min(3, len(pages)), len(pages) // 2 + 1)
    return {place for place, times in seen.items() if len(pages) > 1 and times >= fewest}


def _without_numbers(pages: list[list[str]]) -> list[list[str]]:
    """The pages less the bare numbers that count them at their foot or their head."""
    for edge in (-1, 0):
        bare = {
            number: int(page[edge])
            for number, page in enumerate(pages)
            if page and re.fullmatch(r"\d{1,3}", page[edge])
        }
        # A table's last figure may stand there too: what counts is the step from page to page.
        steps = Counter(printed - number for number, printed in bare.items())
        for number, printed in bare.items():
            if printed - number == 1 or steps[printed - number] > 1:
                del pages[number][edge]
    return pages


def join_lines(lines: Sequence[str]) -> Iterator[str]:
    """The paragraphs of lines: those broken by the page's width joined again."""
    widths = [width for width in map(_width, lines) if width >= FULL_LINE]
    full = max(FULL_LINE, median(widths) - RAGGED) if widths else FULL_LINE
    paragraph, last = "", 0.0
    for line in lines:
        if last >= full and not SENTENCE_END.search(paragraph) and not HEADING.match(line):
            paragraph += line
        else:
            if paragraph:
                yield paragraph
            paragraph = line
        last = _width(line)
    if paragraph:
        yield paragraph


def _width(line: str) -> float:
    """How wide a line is, in Chinese characters."""
    return len(line) - 0.5 * len(ASCII.findall(line))
