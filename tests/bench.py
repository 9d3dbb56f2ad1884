"""python -m tests.bench: what our own work costs beside the library it stands on.

Machines are shared and noisy: each line compares two things done to the same documents in the
same run, by processor time, and prints the ratio. Nothing here passes or fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pypdfium2
import trafilatura
from rich.console import Console
from rich.table import Table

from archive.extract import extract
from archive.model import Evidence
from archive.parse import parse
from archive.read import Part, read_report
from tests.portals.figures import Scale
from tests.portals.papers import pdf
from tests.portals.reports import Body, Report, series
from tests.portals.web import article

ROUNDS = 5
BODY = Body("北原市教育局", "education", Scale(requests=60, disputes=6, documents=8), "电话：0000")


def page(report: Report) -> bytes:
    """A report's page with the menus of a portal around it, about as heavy as a real one."""
    menu = "".join(f'<li><a href="/c{n}/index.html">栏目{n}</a></li>' for n in range(300))
    return (
        f'<html><head><meta charset="utf-8"><title>{report.title}</title></head><body><ul>{menu}</ul>'
        f'<div class="TRS_Editor">{article(report, ())}</div><ul>{menu}</ul></body></html>'
    ).encode()


def seconds(work: Callable[[bytes], object], documents: Sequence[bytes]) -> float:
    """Processor seconds a document, the best of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for document in documents:
            work(document)
        rounds.append(time.process_time() - began)
    return min(rounds) / len(documents)


def pdf_text(data: bytes) -> str:
    document = pypdfium2.PdfDocument(data)
    return "".join(page.get_textpage().get_text_range() for page in document)


def main() -> None:
    years = {year: ("clean", f"{year + 1}-01-20", f"北原市教育局{year}年政府信息公开工作年度报告")
             for year in range(2019, 2026)}  # fmt: skip
    reports = list(series(BODY, years).values())
    pages, papers = [page(report) for report in reports], [pdf(report) for report in reports]
    evidence = Evidence(portal_name="北原市人民政府", listed_title=reports[-1].title)
    lines = (
        (
            "HTML to finished record / trafilatura.extract",
            lambda data: read_report([Part(data)], evidence),
            lambda data: trafilatura.extract(data.decode()),
            pages,
        ),
        (
            "PDF to chapters and cells / pypdfium2's text alone",
            lambda data: parse(extract(data)),
            pdf_text,
            papers,
        ),
    )
    table = Table("ours / the library alone", "ratio", "documents", "ours, ms", "library, ms")
    for name, ours, library, documents in lines:
        mine, theirs = seconds(ours, documents), seconds(library, documents)
        figures = (
            f"{mine / theirs:.2f}",
            str(len(documents)),
            f"{mine * 1e3:.1f}",
            f"{theirs * 1e3:.1f}",
        )
        table.add_row(name, *figures)
    Console().print(table)


if __name__ == "__main__":
    main()
