"""PDF with text -> Document: a line a paragraph, page marks dropped, radicals mended.

pdfium keeps a table's row on one line, which is all the table reader needs; a page without text
is a scan, and said so.
"""

from __future__ import annotations

import re

import pypdfium2

from archive.model import Document, Paragraph, UnreadableError

# Fonts map 民 to a radical of the same look; NFKC mends the Kangxi block (and turns 戶 traditional)
# but not the supplement.
RADICALS = str.maketrans(
    "⼾⺀⺅⺈⺌⺍⺗⺝⺟⺠⺩⺫⺬⺮⺱⺶⺼⻁⻂⻃⻄⻅⻆⻇⻉⻋⻌⻍⻎⻏⻑⻒⻓⻔⻖⻗⻘⻙⻚⻛⻜⻝⻞⻟⻠⻢⻣⻤⻥⻦⻧⻨⻩⻪⻬⻮⻰⻳",
    "户冫亻刀小小心月母民王目示竹网羊肉虎衤西西见角讠贝车辶辶辶阝长镸长门阝雨青韦页风飞食飠饣饣马骨鬼鱼鸟卤麦黄黾齐齿龙龟",
)
PAGE_MARK = re.compile(
    r"^\s*[-—–－·]*\s*(?:第\s*)?\d{1,3}(?:\s*页)?\s*[-—–－·]+\s*$|^\s*第\s*\d{1,3}\s*页.{0,10}$"
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
        lines = [line for page in range(len(pdf)) for line in _page_lines(pdf, page)]
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
    return [line.strip() for line in lines if line.strip() and not PAGE_MARK.match(line)]


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
