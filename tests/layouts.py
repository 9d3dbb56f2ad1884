"""One made report in many layouts: HTML, running text, Word and PDF, as bodies publish them.

A layout changes how figures are printed and never which. Each takes a report and a generator of
chance, and gives the bytes of a document; grids may be handed in where a table is made worse on
purpose.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from html import escape
from random import Random

import docx
from docx.document import Document as WordDocument
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from tests.portals import papers
from tests.portals.reports import Report
from tests.portals.tables import Box, Grid, grids, placed
from tests.portals.web import clean_table, word_paragraph, word_table

Layout = Callable[[Report, Random], bytes]
Grids = Sequence[Grid]
CellText = Callable[[Box, Random], str]

SITE = "北原市人民政府"


def story(report: Report, tables: Grids | None = None) -> list[str | Grid]:
    """The report from its title to its signature, tables in their places (chapters 2 to 4)."""
    if tables is None:
        tables = grids(report.form, report.cells) if report.cells else ()
    told: list[str | Grid] = [report.title, report.prose.preamble]
    chapters = zip(report.prose.headings, report.prose.chapters, strict=True)
    for number, (heading, chapter) in enumerate(chapters, start=1):
        told += [heading, *chapter]
        if tables and 2 <= number <= 4:
            told.append(tables[number - 2])
    return [*told, *report.prose.signature]


def page(
    report: Report,
    article: str,
    *,
    charset: str = "utf-8",
) -> str:
    """An article in the page of a portal: metas, navigation, share bar, footer."""
    declared = f'<meta http-equiv="Content-Type" content="text/html; charset={charset}">'
    return f"""<!DOCTYPE html>
<html><head>{declared if charset else ""}
<title>{report.title}_{SITE}</title>
<meta name="SiteName" content="{SITE}"><meta name="ArticleTitle" content="{report.title}">
<meta name="PubDate" content="{report.published_on} 09:12"><meta name="ContentSource" content="{report.issuer}">
<style>.nav{{height:40px}} td{{padding:4px}}</style></head>
<body><div class="nav"><a href="/">首页</a> &gt; <a href="/zwgk/">政务公开</a> &gt; <a href="/zwgk/nb/">政府信息公开年报</a></div>
<div class="main"><h1>{report.title}</h1>
<div class="info">发布日期：{report.published_on}　来源：{report.issuer}　浏览次数：1024　字号：[大 中 小]</div>
<div class="TRS_Editor">
{article}
</div>
<div class="share">分享到：微信 微博　【打印】【关闭】</div></div>
<div class="foot">主办：{SITE}办公室　网站标识码：9900000001　ICP备99000001号</div></body></html>
"""


def paragraphs(lines: Iterable[str]) -> str:
    """Lines as HTML paragraphs with the two full-width spaces editors indent with."""
    return "\n".join(f"<p>　　{escape(line, quote=False)}</p>" for line in lines)


def rows_of(grid: Grid, cell: Callable[[Box], str] | None = None, tag: str = "td") -> list[str]:
    """The rows of a grid as <tr>…</tr>; `cell` gives the inside of each cell."""
    found = []
    for row in grid.rows:
        cells = ""
        for box in row:
            name = tag if not box.figure else "td"
            spans = (f' rowspan="{box.rows}"' if box.rows > 1 else "") + (
                f' colspan="{box.columns}"' if box.columns > 1 else ""
            )
            inside = cell(box) if cell else escape(box.text, quote=False)
            cells += f"<{name}{spans}>{inside}</{name}>"
        found.append(f"<tr>{cells}</tr>")
    return found


def table(rows: Iterable[str], attributes: str = ' border="1"') -> str:
    """Rows as a table."""
    return f"<table{attributes}>\n" + "\n".join(rows) + "\n</table>"


def html(
    report: Report, draw: Callable[[Grid], str], tables: Grids | None = None, **options: str
) -> bytes:
    """A page whose tables are drawn by `draw`; `options` go to `page`."""
    inside = "\n".join(
        draw(part) if isinstance(part, Grid) else paragraphs([part])
        for part in story(report, tables)[1:]
    )
    return page(report, inside, **options).encode()


def celled(text: CellText) -> Layout:
    """A layout that differs from a clean page only in what stands inside its cells."""

    def made(report: Report, chance: Random) -> bytes:
        return html(report, lambda grid: table(rows_of(grid, lambda box: text(box, chance))))

    return made


def html_clean(report: Report, chance: Random) -> bytes:
    return html(report, clean_table)


def html_mislabelled(report: Report, chance: Random) -> bytes:
    """Declared as gb2312 and written in another encoding, as often as not UTF-8."""
    encoding = chance.choice(("utf-8", "gb18030"))
    return html(report, clean_table, charset="gb2312").decode().encode(encoding)


def html_word_paste(report: Report, chance: Random) -> bytes:
    """As pasted from Word: conditional comments, o:p, mso styles, labels in runs."""
    office = (
        "<!--[if gte mso 9]><xml><o:OfficeDocumentSettings><o:AllowPNG/></o:OfficeDocumentSettings>"
        "<w:WordDocument><w:View>Normal</w:View><w:Zoom>0</w:Zoom></w:WordDocument></xml><![endif]-->"
    )
    inside = office + "\n".join(
        word_table(part) if isinstance(part, Grid) else word_paragraph(part)
        for part in story(report)[1:]
    )
    return page(report, inside).encode()


def html_header_cells(report: Report, chance: Random) -> bytes:
    """Labels in <th>, the header in a <thead>, a caption above."""

    def draw(grid: Grid) -> str:
        rows = rows_of(grid, tag="th")
        return table(
            [f"<caption>附表</caption><thead>{rows[0]}</thead><tbody>", *rows[1:], "</tbody>"]
        )

    return html(report, draw)


def html_nested(report: Report, chance: Random) -> bytes:
    """Layout tables around everything, as sites of the last decade have."""

    def draw(grid: Grid) -> str:
        inner = f'<table width="100%"><tr><td align="center">{clean_table(grid)}</td></tr></table>'
        return f'<table width="98%"><tr><td>&nbsp;</td><td>{inner}</td><td>&nbsp;</td></tr></table>'

    return html(report, draw)


def html_one_table(report: Report, chance: Random) -> bytes:
    """All three tables in one, the chapters' headings as rows."""
    told = story(report)
    first = next(at for at, part in enumerate(told) if isinstance(part, Grid))
    last = max(at for at, part in enumerate(told) if isinstance(part, Grid))
    rows: list[str] = []
    for part in told[first - 1 : last + 1]:
        if isinstance(part, Grid):
            rows += rows_of(part)
        else:
            rows.append(f'<tr><td colspan="15">{part}</td></tr>')
    inside = [*map(str, told[1 : first - 1])], [*map(str, told[last + 1 :])]
    return page(report, paragraphs(inside[0]) + table(rows) + paragraphs(inside[1])).encode()


def html_continued(report: Report, chance: Random) -> bytes:
    """The second table in two, its header printed again above the rest."""

    def draw(grid: Grid) -> str:
        if grid.name != "requests":
            return clean_table(grid)
        rows = rows_of(grid)
        at = _group_start(grid, chance)
        return table(rows[:at]) + "<p>续表</p>" + table([*rows[:3], *_spanned(rows[at:])])

    return html(report, draw)


def _group_start(grid: Grid, chance: Random) -> int:
    """A row of the requests table where a group of results begins."""
    starts = [at for at, row in enumerate(grid.rows) if row[0].text.startswith("（") and at > 6]
    return chance.choice(starts)


def _spanned(rows: list[str]) -> list[str]:
    """Rows of the results cut off from 三、本年度办理结果: it is printed again beside them."""
    head = f'<td rowspan="{len(rows) - 1}">三、本年度办理结果</td>'
    return [rows[0].replace("<tr>", f"<tr>{head}", 1), *rows[1:]]


def html_uneven_spans(report: Report, chance: Random) -> bytes:
    """Header and figures in columns of different width, as pasted from two sheets."""

    def draw(grid: Grid) -> str:
        if grid.name != "disclosure":
            return clean_table(grid)
        rows = []
        for row in grid.rows:
            wide = 2 if any(box.figure for box in row) else 3
            boxes = [box._replace(columns=box.columns * wide) for box in row]
            rows += rows_of(grid._replace(rows=(tuple(boxes),)))
        return table(rows)

    return html(report, draw)


def html_odd_spans(report: Report, chance: Random) -> bytes:
    """rowspan="22 ", a span longer than its table, empty rows between rows."""

    def draw(grid: Grid) -> str:
        rows = [row.replace('rowspan="2"', 'rowspan="2 "') for row in rows_of(grid)]
        rows = [
            re.sub(r'rowspan="(19|21)"', lambda match: f'rowspan="{match[1]} "', row)
            for row in rows
        ]
        if grid.name == "disputes":
            rows[2] += "<tr></tr>"
            rows[3] = rows[3].replace("<td>", '<td rowspan="9">', 1)
        else:
            rows = [row + ("<tr></tr>" if chance.random() < 0.3 else "") for row in rows]
        return table(rows)

    return html(report, draw)


def html_paragraph_a_cell(report: Report, chance: Random) -> bytes:
    """No table at all: every cell a paragraph of its own."""
    inside = "\n".join(
        "".join(f"<p>{box.text}</p>" for row in part.rows for box in row)
        if isinstance(part, Grid)
        else paragraphs([part])
        for part in story(report)[1:]
    )
    return page(report, inside).encode()


def html_divs(report: Report, chance: Random) -> bytes:
    """A table of <div>s, as made by front-end frameworks."""

    def draw(grid: Grid) -> str:
        rows = ("".join(f'<div class="c">{box.text}</div>' for box in row) for row in grid.rows)
        return '<div class="t">' + "".join(f'<div class="r">{row}</div>' for row in rows) + "</div>"

    return html(report, draw)


def html_mobile_copy(report: Report, chance: Random) -> bytes:
    """The article twice: once to be seen, once hidden for telephones."""
    inside = "\n".join(
        clean_table(part) if isinstance(part, Grid) else paragraphs([part])
        for part in story(report)[1:]
    )
    copy = f'<div class="mobile TRS_Editor" style="display: none;">{inside}</div>'
    return page(report, inside + copy).encode()


def _pieces(box: Box, chance: Random) -> str:
    if box.figure and len(box.text) > 1:
        return f"<p><span>{box.text[:1]}</span><span>{box.text[1:]}</span></p>"
    return "".join(f"<span>{character}</span>" for character in box.text)


def _broken(box: Box, chance: Random) -> str:
    if box.figure:
        return f"&nbsp;{box.text}&nbsp;"
    text = box.text
    if len(text) < 5:
        return "&nbsp;".join(text)
    at = chance.randint(2, len(text) - 2)
    return f"{text[:at]}<br>\n{text[at:]}"


def full_width(text: str) -> str:
    """ASCII digits as full-width ones."""
    return "".join(chr(ord(char) + 0xFEE0) if char in "0123456789" else char for char in text)


def _dressed(box: Box, chance: Random) -> str:
    if not box.figure or not box.text.isdigit():
        return box.text
    dress = chance.choice(("full", "comma", "unit", "space", "plain"))
    if dress == "full":
        return full_width(box.text)
    if dress == "unit":
        return box.text + "件"
    if dress == "space":
        return f" &nbsp;{box.text}　"
    return f"{int(box.text):,}" if dress == "comma" else box.text


SHORTER = {
    "（二）部分公开（区分处理的，只计这一情形，不计其他情形）": "（二）部分公开",
    "2.其他法律行政法规禁止公开": "2.其他法律法规禁止公开",
    "1.申请人无正当理由逾期不补正、行政机关不再处理其政府信息公开申请": "1.逾期不补正",
    "2.申请人逾期未按收费通知要求缴纳费用、行政机关不再处理其政府信息公开申请": "2.逾期未缴费",
    "3.其他": "3.其它",
    "四、结转下年度继续办理": "四、结转下一年继续办理",
    "本年制发件数": "制发件数",
    "现行有效件数": "现行有效件",
    "本年处理决定数量": "处理决定数量",
}


def lines_of(report: Report, cell: str, tables: Grids | None = None, lead: str = "") -> list[str]:
    """The report as lines, a row of a table a line with `cell` between its cells."""
    found: list[str] = []
    for part in story(report, tables):
        if isinstance(part, Grid):
            found += [lead + cell.join(box.text for box in row) for row in part.rows]
        else:
            found.append(part)
    return found


def text_layout(cell: str, line: str = "\n", lead: str = "") -> Layout:
    """Plain text with `cell` between cells and `line` between lines."""

    def made(report: Report, chance: Random) -> bytes:
        return line.join(lines_of(report, cell, lead=lead)).encode()

    return made


def squared(grid: Grid) -> list[list[str]]:
    """The grid as a full rectangle, a merged cell's text in its first square only."""
    width = max(column + box.columns for row in placed(grid) for column, box in row)
    rows = [[""] * width for _ in grid.rows]
    for row, boxes in enumerate(placed(grid)):
        for column, box in boxes:
            rows[row][column] = box.text
    return rows


def text_sheet(report: Report, chance: Random) -> bytes:
    """As copied from a spreadsheet: tabs, an empty field for what a merged cell covers."""
    found: list[str] = []
    for part in story(report):
        if isinstance(part, Grid):
            found += ["\t".join(row) for row in squared(part)]
        else:
            found.append(part)
    return "\r\n".join(found).encode()


def text_markdown(report: Report, chance: Random) -> bytes:
    """Pipes with a rule below the first row."""
    found: list[str] = []
    for part in story(report):
        if isinstance(part, Grid):
            first, *rest = ("| " + " | ".join(row) + " |" for row in squared(part))
            found += [first, "|" + " --- |" * len(squared(part)[0]), *rest]
        else:
            found.append(part)
    return "\n".join(found).encode()


def text_page_marks(report: Report, chance: Random) -> bytes:
    """A cell a line, the marks of printed pages between rows."""
    marked: list[str] = []
    pages = 0
    for row in lines_of(report, "\n"):
        marked += row.split("\n")
        if len(marked) > 48 * (pages + 1):
            pages += 1
            marked.append(f"- {pages} -")
    return "\n".join(marked).encode()


def extracted(
    draw: Callable[[list[list[str]], int], Iterable[str]], *, keeps_empty: bool = False
) -> Layout:
    """Plain text as libraries that extract text have written tables: empty cells are left out,
    or kept where something stood in them that cannot be seen.

    `draw` gives the lines of a table, from the cells of its rows and its width.
    """

    def made(report: Report, chance: Random) -> bytes:
        found: list[str] = []
        for part in story(report):
            if isinstance(part, Grid):
                rows = [[box.text for box in row if box.text or keeps_empty] for row in part.rows]
                found += draw(rows, len(squared(part)[0]))
            else:
                found.append(part)
        return "\n".join(found).encode()

    return made


def _filled(rows: list[list[str]], width: int) -> Iterable[str]:
    """「| 规章 | 2 | 33 | ||||」: a mark for each cell a row is short of its table's width."""
    for row in rows[:-1]:
        yield f"| {' | '.join(row)} | {'|' * (width - len(row))}".rstrip()
    yield f"| {' | '.join(rows[-1])} |"


def _filled_lines(rows: list[list[str]], width: int) -> Iterable[str]:
    """The same, where every cell is a paragraph."""
    for row in rows[:-1]:
        yield "|"
        yield from (f"{text} |" for text in row[:-1])
        yield f"{row[-1]} | {'|' * (width - len(row))}".rstrip()
    yield from ("|", *(f"{text} |" for text in rows[-1]))


def _ended(rows: list[list[str]], width: int) -> Iterable[str]:
    """A cell a line, a mark at its end; what fills up a row on a line of its own."""
    for row in rows:
        yield from (f"{text} |".lstrip() for text in row)
        if len(row) < width:
            yield "|" * (width - len(row))


def _doubled(rows: list[list[str]], width: int) -> Iterable[str]:
    """「|规章||2||33|」"""
    for row in rows:
        yield f"|{'||'.join(row)}|"


def _barred(rows: list[list[str]], width: int) -> Iterable[str]:
    """A cell a line, and a line with a mark after each."""
    for row in rows:
        for text in row:
            yield from (text, "|")


def word_document(report: Report, tables: Grids | None = None) -> WordDocument:
    """The report as a Word document with truly merged cells."""
    document = docx.Document()
    for part in story(report, tables):
        if isinstance(part, Grid):
            papers._word_table(document, part)
        else:
            document.add_paragraph(part)
    return document


def saved(document: WordDocument) -> bytes:
    """A Word document's bytes, the same in every process."""
    raw = io.BytesIO()
    document.save(raw)
    return papers._undated(raw.getvalue())


def docx_merged(report: Report, chance: Random) -> bytes:
    return saved(word_document(report))


def docx_unmerged(report: Report, chance: Random) -> bytes:
    """Cells side by side with empty ones where a merge should be."""
    document = docx.Document()
    for part in story(report):
        if isinstance(part, Grid):
            made = document.add_table(rows=0, cols=len(part.widths))
            for row in squared(part):
                for cell, text in zip(made.add_row().cells, row, strict=True):
                    cell.text = text
        else:
            document.add_paragraph(part)
    return saved(document)


def docx_runs(report: Report, chance: Random) -> bytes:
    """Every character in a run of its own, as editors with revision marks leave them."""
    document = word_document(report)
    for made in document.tables:
        for element in made._tbl.iter(qn("w:r")):
            text = element.text
            if not text or len(text) < 2:
                continue
            element.text = text[0]
            after = element
            for character in text[1:]:
                run = OxmlElement("w:r")
                run.text = character
                after.addnext(run)
                after = run
    return saved(document)


class Ruled(papers._Canvas):
    """Draws merged cells in one frame, their text in the middle, as word processors print them.

    A merged cell that goes on on the next page is framed there again and keeps its text on the
    first.
    """

    def table(self, grid: Grid) -> None:
        self.y -= 8
        edges = [float(papers.MARGIN)]
        for width in grid.widths:
            edges.append(edges[-1] + (papers.WIDTH - 2 * papers.MARGIN) * width / sum(grid.widths))
        rows = placed(grid)
        heights = [
            self._height(
                [(box, edges[at + box.columns] - edges[at]) for at, box in row if box.rows == 1]
            )
            for row in rows
        ]
        # The row in which each page's part of the table begins, and what is left to frame.
        held: list[tuple[int, Box, int, float]] = []
        for number, (row, height) in enumerate(zip(rows, heights, strict=True)):
            if self.y - height < papers.MARGIN:
                held = self._close(held, edges, self.y, number)
                self.turn()
                held = [(at, box, last, self.y) for at, box, last, _ in held]
            held += [(at, box, number + box.rows - 1, self.y) for at, box in row]
            self.y -= height
            held = self._close(held, edges, self.y, number, ended=True)
        self.y -= 4

    def _height(self, boxes: list[tuple[Box, float]]) -> float:
        size = papers.TABLE_SIZE
        tallest = max(
            (len(papers._wrapped(box.text, width - 4, size)) for box, width in boxes), default=1
        )
        return tallest * (size + 2) + 6

    def _close(
        self,
        held: list[tuple[int, Box, int, float]],
        edges: list[float],
        low: float,
        number: int,
        *,
        ended: bool = False,
    ) -> list[tuple[int, Box, int, float]]:
        """Frames the boxes that end here (all, at the end of a page); gives those that go on."""
        going = []
        for at, box, last, top in held:
            if ended and last > number:
                going.append((at, box, last, top))
                continue
            left, right = edges[at], edges[at + box.columns]
            self.pages[-1].append(
                f"0.5 w {left:.1f} {low:.1f} {right - left:.1f} {top - low:.1f} re S"
            )
            size = papers.TABLE_SIZE
            lines = papers._wrapped(box.text, right - left - 4, size)
            y = (top + low) / 2 + len(lines) * (size + 2) / 2
            for line, text in enumerate(lines, start=1):
                x = left + (right - left - papers._advance(text, size)) / 2
                self.text(x, y - line * (size + 2) + 3, size, text)
            if not ended:
                going.append((at, box._replace(text=""), last, top))
        return going


def drawn(report: Report, canvas: papers._Canvas, tables: Grids | None = None) -> papers._Canvas:
    """The canvas with the whole report on it."""
    first, *rest = story(report, tables)
    canvas.line(str(first), centred=True, size=15)
    for part in rest:
        if isinstance(part, Grid):
            canvas.table(part)
        else:
            canvas.paragraph(part)
    return canvas


def pdf_text(report: Report, chance: Random) -> bytes:
    """A PDF of real text with ruled tables, a page number below each page."""
    return pdf(report)


def pdf(report: Report, tables: Grids | None = None, *, numbered: bool = True) -> bytes:
    """The report as a PDF of real text, merged cells drawn as one."""
    canvas = drawn(report, Ruled(), tables)
    for number, orders in enumerate(canvas.pages, start=1):
        if numbered:
            code = f"- {number} -".encode("utf-16-be").hex()
            orders.append(f"BT /F1 9 Tf 290 25 Td <{code}> Tj ET")
    return papers._pdf_file(canvas.pages)


# Layouts that print every figure where a reader can tell its cell: they must read back exactly.
FAITHFUL: dict[str, Layout] = {
    "html_clean": html_clean,
    "html_mislabelled": html_mislabelled,
    "html_word_paste": html_word_paste,
    "html_header_cells": html_header_cells,
    "html_nested": html_nested,
    "html_one_table": html_one_table,
    "html_continued": html_continued,
    "html_uneven_spans": html_uneven_spans,
    "html_odd_spans": html_odd_spans,
    "html_paragraph_a_cell": html_paragraph_a_cell,
    "html_divs": html_divs,
    "html_mobile_copy": html_mobile_copy,
    "html_pieces": celled(_pieces),
    "html_broken_labels": celled(_broken),
    "html_dressed_figures": celled(_dressed),
    "html_short_labels": celled(lambda box, chance: SHORTER.get(box.text, box.text)),
    "text_tabs": text_layout("\t"),
    "text_lines": text_layout("\n"),
    "text_pipes": text_layout(" | ", lead="| "),
    "text_wide_spaces": text_layout("　　"),
    "text_spaces": text_layout("  "),
    "text_one_line": text_layout(" ", " "),
    "text_sheet": text_sheet,
    "text_markdown": text_markdown,
    "text_page_marks": text_page_marks,
    "text_filled": extracted(_filled),
    "text_filled_lines": extracted(_filled_lines),
    "text_ended": extracted(_ended, keeps_empty=True),
    "text_doubled": extracted(_doubled),
    "text_barred": extracted(_barred),
    "docx_merged": docx_merged,
    "docx_unmerged": docx_unmerged,
    "docx_runs": docx_runs,
    "pdf_text": pdf_text,
}
