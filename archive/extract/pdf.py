"""PDF with text -> Document: a line a paragraph, page marks dropped, radicals mended.

pdfium keeps a table's row on one line, which is all the table reader needs; a page without text
is a scan, and said so.
"""

from __future__ import annotations

import re
from collections import Counter

import pypdfium2

from archive.model import Document, Paragraph, UnreadableError

# Fonts map 民 to a radical of the same look; NFKC mends the Kangxi block (and turns 戶 traditional)
# but not the supplement.
RADICALS = str.maketrans(
    "⼾⺀⺅⺈⺌⺍⺗⺝⺟⺠⺩⺫⺬⺮⺱⺶⺼⻁⻂⻃⻄⻅⻆⻇⻉⻋⻌⻍⻎⻏⻑⻒⻓⻔⻖⻗⻘⻙⻚⻛⻜⻝⻞⻟⻠⻢⻣⻤⻥⻦⻧⻨⻩⻪⻬⻮⻰⻳",
    "户冫亻刀小小心月母民王目示竹网羊肉虎衤西西见角讠贝车辶辶辶阝长镸长门阝雨青韦页风飞食飠饣饣马骨鬼鱼鸟卤麦黄黾齐齿龙龟",
)
PAGE_MARK = re.compile(
    r"[-—–－·]*\s*(?:第\s*)?\d{1,3}(?:\s*页)?\s*[-—–－·]+$|第\s*\d{1,3}\s*页.{0,10}$"
    r"|\d{1,3}\s*/\s*\d{1,3}$"
)
SENTENCE_END = re.compile(r"[。！？；：:;」”）)]$")
MOST_PAGES = 400
FULL_LINE = 18


def read_pdf(data: bytes) -> Document:
    """The text of every page. Raises UnreadableError for a damaged, locked or scanned file."""
    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise UnreadableError(f"PDF 损坏或加密，打不开（{error}）") from error
    try:
        if len(pdf) > MOST_PAGES:
            raise UnreadableError(f"PDF 有 {len(pdf)} 页，超过 {MOST_PAGES} 页，不像年度报告")
        pages = [_page_lines(pdf, page) for page in range(len(pdf))]
        lines = [line for page in _without_numbers(pages) for line in page]
    except pypdfium2.PdfiumError as error:
        raise UnreadableError(f"PDF 页面损坏（{error}）") from error
    finally:
        pdf.close()
    if not lines:
        raise UnreadableError("PDF 没有文字层（扫描件），暂不能读取")
    return Document(
        media_type="application/pdf",
        blocks=tuple(Paragraph(line) for line in lines),
        prose=tuple(_paragraphs(lines)),
    )


def _page_lines(pdf: pypdfium2.PdfDocument, number: int) -> list[str]:
    page = pdf[number]
    text = page.get_textpage().get_text_range()
    # U+FFFE marks a hyphenation pdfium could not join.
    lines = text.replace("\ufffe", "").translate(RADICALS).splitlines()
    return [line for line in map(str.strip, lines) if line and not PAGE_MARK.match(line)]


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


def _paragraphs(lines: list[str]) -> list[str]:
    """Lines broken by the page's width, joined again where no sentence ends."""
    paragraphs: list[str] = []
    for line in lines:
        joins = (
            paragraphs
            and len(paragraphs[-1]) >= FULL_LINE
            and not SENTENCE_END.search(paragraphs[-1])
            and not re.match(r"[一二三四五六七八]、|[（(][一二三四五六七八九十][）)]", line)
        )
        if joins:
            paragraphs[-1] += line
        else:
            paragraphs.append(line)
    return paragraphs
