"""What a site is made of, and a report's article as HTML: clean, or as pasted from Word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html import escape

from tests.portals.reports import Report
from tests.portals.tables import Box, Grid, grids, placed

# Stands in the page where the visitor counter is; the server puts a new number there each time.
COUNTER = "{{visits}}"


@dataclass(frozen=True, slots=True)
class Resource:
    """An answer before the counter is filled in: text in its encoding, or bytes made when asked."""

    text: str = ""
    data: Callable[[], bytes] | None = None
    media_type: str = "text/html"
    encoding: str = "utf-8"
    declared: str | None = "utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def content_type(self) -> str:
        """The Content-Type header; a site that declares no charset leaves it to the page."""
        return f"{self.media_type}; charset={self.declared}" if self.declared else self.media_type

    def body(self, visits: int) -> bytes:
        """The bytes to send to visitor number `visits`."""
        if self.data is not None:
            return self.data()
        return self.text.replace(COUNTER, str(visits)).encode(self.encoding)


@dataclass(frozen=True, slots=True)
class Request:
    """What a visitor asked: `query` are the last values by name, from the URL and a form body."""

    path: str
    query: Mapping[str, str]
    referer: str
    host: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file beside a report's page: its target (path and query), the link to it, and its bytes."""

    target: str
    href: str
    name: str
    data: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a list: a report, or a page that only looks like one (then `html` is its article).

    `columns` are the lists it stands in; `first_night` and `last_night` bound its life.
    """

    target: str
    title: str
    date: str
    columns: tuple[str, ...]
    source: str
    report: Report | None = None
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    first_night: int = 1
    last_night: int | None = None
    edited: Report | None = None

    def on(self, night: int) -> Entry | None:
        """The entry as it stands on `night`, or None when it is not (or no longer) there."""
        if night < self.first_night or (self.last_night is not None and night > self.last_night):
            return None
        if night >= 2 and self.edited is not None:
            return replace(self, report=self.edited)
        return self


@dataclass(frozen=True, slots=True)
class Site:
    """A portal on one night: its pages by target, its lists' entries, and what scripts answer.

    `answer` is asked first and returns None for anything it does not make itself.
    """

    name: str
    entries: tuple[Entry, ...]
    listed_on: Mapping[str, tuple[str, ...]]
    resources: Mapping[str, Resource]
    answer: Callable[[Request], Resource | None]
    not_found: Resource


def with_index(pages: Mapping[str, Resource]) -> dict[str, Resource]:
    """The pages, where a directory answers under its own name and as index.html alike."""
    twins = {}
    for path, page in pages.items():
        if path.endswith("/"):
            twins[f"{path}index.html"] = page
        elif path.endswith("/index.html"):
            twins[path.removesuffix("index.html")] = page
    return {**pages, **twins}


def cut(title: str, length: int) -> str:
    """A title as lists print it when it is longer than the line."""
    return title if len(title) <= length else title[:length] + "..."


def clean_table(grid: Grid) -> str:
    """A table as a careful editor leaves it: spans, and nothing else."""
    rows = "\n".join(
        "<tr>" + "".join(_clean_cell(box) for box in row) + "</tr>" for row in grid.rows
    )
    return (
        '<table border="1" cellspacing="0" cellpadding="4" width="100%" '
        f'style="border-collapse:collapse;text-align:center"><tbody>\n{rows}\n</tbody></table>'
    )


def _spans(box: Box) -> str:
    return (f' rowspan="{box.rows}"' if box.rows > 1 else "") + (
        f' colspan="{box.columns}"' if box.columns > 1 else ""
    )


def _clean_cell(box: Box) -> str:
    return f"<td{_spans(box)}>{escape(box.text, quote=False)}</td>"


def word_table(grid: Grid) -> str:
    """A table as Word's clipboard gives it: styles, empty paragraphs' marks, labels in pieces."""
    total = sum(grid.widths)
    rows = []
    for at, row in enumerate(placed(grid)):
        cells = "".join(
            _word_cell(box, 568 * sum(grid.widths[column : column + box.columns]) // total)
            for column, box in row
        )
        rows.append(
            f'<tr style="mso-yfti-irow:{at};page-break-inside:avoid;height:22.7pt">{cells}</tr>'
        )
    # Word ends a table of uneven columns with a row of zero height that gives their widths.
    helper = "".join(f'<td width="{6 * width}" style="border:none"></td>' for width in grid.widths)
    return (
        '<div align="center"><table class="MsoNormalTable" border="1" cellspacing="0" '
        'cellpadding="0" width="568" style="width:426.0pt;border-collapse:collapse;border:none;'
        'mso-border-alt:solid windowtext .5pt;mso-yfti-tbllook:1184;mso-padding-alt:0cm 5.4pt">\n'
        + "\n".join(rows)
        + f'\n<!--[if !supportMisalignedColumns]--><tr height="0">{helper}</tr><!--[endif]-->\n'
        "</table></div>"
    )


def _word_cell(box: Box, width: int) -> str:
    align = "center" if box.figure or box.rows > 1 or len(box.text) < 14 else "left"
    return (
        f'<td width="{width}"{_spans(box)} style="width:{width * 0.75:.1f}pt;'
        "border:solid windowtext 1.0pt;mso-border-alt:solid windowtext .5pt;"
        'padding:0cm 5.4pt 0cm 5.4pt">'
        f'<p class="MsoNormal" align="{align}" style="text-align:{align};line-height:15.0pt;'
        f'mso-line-height-rule:exactly">{_word_runs(box.text)}</p></td>'
    )


def _word_runs(text: str) -> str:
    font = "font-size:10.5pt;font-family:宋体;mso-bidi-font-family:宋体"
    latin = "font-size:10.5pt;font-family:&quot;Times New Roman&quot;,&quot;serif&quot;"
    if not text:
        return f'<span lang="EN-US" style="{latin}">&nbsp;<o:p></o:p></span>'
    if text.isascii():
        return f'<span lang="EN-US" style="{latin}">{escape(text)}<o:p></o:p></span>'
    middle = len(text) // 2
    return (
        "".join(
            f'<span style="{font}">{escape(part, quote=False)}</span>'
            for part in (text[:middle], text[middle:])
            if part
        )
        + '<span lang="EN-US"><o:p></o:p></span>'
    )


def clean_paragraph(text: str) -> str:
    """A paragraph with the two full-width spaces editors indent with."""
    return f"<p>　　{escape(text, quote=False)}</p>"


def word_paragraph(text: str) -> str:
    """A paragraph as Word's clipboard gives it, its text in two runs."""
    middle = len(text) // 3
    font = "font-size:16.0pt;font-family:仿宋_GB2312;mso-hansi-font-family:仿宋"
    runs = "".join(
        f'<span style="{font}">{escape(part, quote=False)}</span>'
        for part in (text[:middle], text[middle:])
        if part
    )
    return (
        '<p class="MsoNormal" style="text-indent:32.0pt;mso-char-indent-count:2.0;line-height:'
        f'28.0pt">{runs}<span lang="EN-US" style="font-size:16.0pt"><o:p></o:p></span></p>'
    )


def article(report: Report, attachments: tuple[Attachment, ...]) -> str:
    """The inside of the article container: text with tables, links to attachments, or both."""
    parts: list[str] = []
    if report.style in ("pdf", "docx"):
        parts.append(clean_paragraph(f"{report.title}全文请下载附件查阅。"))
    else:
        word = report.style == "word"
        parts += _chapters(report, word_paragraph if word else clean_paragraph, word=word)
    if attachments:
        links = "<br>".join(
            f'<a href="{escape(link.href)}" target="_blank" title="{escape(link.name)}">'
            f"{escape(link.name, quote=False)}</a>"
            for link in attachments
        )
        parts.append(f"<p>附件：{links}</p>")
    return "\n".join(parts)


def _chapters(report: Report, paragraph: Callable[[str], str], *, word: bool) -> list[str]:
    table = word_table if word else clean_table
    tables = grids(report.form, report.cells) if report.cells else ()
    parts = [paragraph(report.prose.preamble)]
    for number, (heading, chapter) in enumerate(
        zip(report.prose.headings, report.prose.chapters, strict=True), start=1
    ):
        parts.append(paragraph(heading) if word else f"<p><strong>　　{heading}</strong></p>")
        parts += [paragraph(text) for text in chapter]
        if tables and 2 <= number <= 4:
            parts.append(table(tables[number - 2]))
    parts += [
        f'<p style="text-align:right">{escape(line, quote=False)}</p>'
        for line in report.prose.signature
    ]
    if word:
        office = "<!--[if gte mso 9]><xml><w:WordDocument><w:View>Normal</w:View></w:WordDocument>"
        parts.insert(0, office + "</xml><![endif]-->")
    return parts
