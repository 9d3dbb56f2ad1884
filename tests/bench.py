"""python -m tests.bench: what reading costs, beside the libraries it stands on.

Machines are shared and noisy: each line compares two things done to the same documents in the
same run, by processor time, and prints the ratio. Nothing here passes or fails.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Mapping, Sequence

import pypdfium2
import trafilatura
from rich.console import Console
from rich.table import Table

from archive.cells.audit import audit
from archive.check import check
from archive.extract import extract
from archive.findings.narrative import narrate
from archive.identify import identify
from archive.model import Evidence
from archive.parse import parse
from archive.read import Part, read_report
from tests.portals.figures import Scale
from tests.portals.papers import pdf
from tests.portals.reports import Body, Report, series
from tests.portals.web import article

ROUNDS = 5
BODY = Body("北原市教育局", "education", Scale(requests=60, disputes=6, documents=8), "电话：0000")
# What a page weighs beside its report: links of menus.
WEIGHTS = {"10 KB": 0, "40 KB": 600, "160 KB": 3_000, "600 KB": 12_000, "2 MB": 40_000}

Work = Callable[[bytes], object]


def page(report: Report, links: int = 600) -> bytes:
    """A report's page with the menus of a portal around it, about as heavy as a real one."""
    menu = "".join(f'<li><a href="/c{n}/index.html">栏目{n}</a></li>' for n in range(links // 2))
    return (
        f'<html><head><meta charset="utf-8"><title>{report.title}</title></head><body><ul>{menu}</ul>'
        f'<div class="TRS_Editor">{article(report, ())}</div><ul>{menu}</ul></body></html>'
    ).encode()


def seconds(work: Work, documents: Sequence[bytes]) -> float:
    """Processor seconds a document, the best of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for document in documents:
            work(document)
        rounds.append(time.process_time() - began)
    return min(rounds) / len(documents)


def pdf_text(data: bytes) -> str:
    """pypdfium2's text, and nothing else."""
    document = pypdfium2.PdfDocument(data)
    return "".join(page.get_textpage().get_text_range() for page in document)


def ratios(
    pages: Mapping[str, Sequence[bytes]], papers: Sequence[bytes], evidence: Evidence
) -> Table:
    """Our own reading beside the library alone, on the same documents."""

    def whole(data: bytes) -> object:
        return read_report([Part(data)], evidence)

    def cells(data: bytes) -> object:
        return read_report([Part(data)], evidence, prose=False)

    def prose(data: bytes) -> object:
        return trafilatura.extract(data.decode())

    lines: list[tuple[str, Work, Work, Sequence[bytes]]] = []
    for name, documents in pages.items():
        lines.append((f"{name} to finished record / trafilatura.extract", whole, prose, documents))
        lines.append((f"{name} to cells, no prose / trafilatura.extract", cells, prose, documents))
    lines.append(("PDF to finished record / pypdfium2's text", whole, pdf_text, papers))
    table = Table("ours / the library alone", "ratio", "documents", "ours, a second and core")
    for name, ours, library, documents in lines:
        mine, theirs = seconds(ours, documents), seconds(library, documents)
        table.add_row(name, f"{mine / theirs:.2f}", str(len(documents)), f"{1 / mine:.0f}")
    return table


def shares(pages: Sequence[bytes], evidence: Evidence) -> Table:
    """Where the time of an HTML report goes."""
    documents = {data: extract(data) for data in pages}
    read = {data: parse(document) for data, document in documents.items()}
    stages: Mapping[str, Work] = {
        "extract (tree, blocks, prose)": extract,
        "parse (chapters and cells)": lambda data: parse(documents[data]),
        "identify": lambda data: identify(
            documents[data], evidence, read[data].sections, read[data].numbers()
        ),
        "check (identities)": lambda data: check(read[data].cells, read[data].form),
        "audit (what was not used)": lambda data: audit([documents[data]], read[data]),
        "prose against tables": lambda data: narrate(
            read[data].sections, read[data].cells, read[data].form
        ),
    }
    spent = {name: seconds(work, pages) for name, work in stages.items()}
    table = Table("stage", "share of the time")
    for name, share in spent.items():
        table.add_row(name, f"{share / sum(spent.values()):.0%}")
    return table


def growth(report: Report, evidence: Evidence) -> Table:
    """How the time of a page grows with what surrounds its report, per byte."""
    table = Table("page", "bytes", "time per KB, against the lightest")
    first = 0.0
    for name, links in WEIGHTS.items():
        data = page(report, links)
        cost = seconds(lambda data: read_report([Part(data)], evidence), [data]) / len(data)
        first = first or cost
        table.add_row(name, f"{len(data):,}", f"{cost / first:.2f}")
    return table


def peak_memory(data: bytes) -> int:
    """The most memory in MB that a process needs which reads one document."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_read_and_weigh, (data,))


def _read_and_weigh(data: bytes) -> int:
    read_report([Part(data)], Evidence())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    styles = {"clean": "clean page", "word": "Word paste"}
    reports = {
        style: list(
            series(
                BODY,
                {
                    year: (
                        style,
                        f"{year + 1}-01-20",
                        f"北原市教育局{year}年政府信息公开工作年度报告",
                    )
                    for year in range(2019, 2026)
                },
            ).values()
        )
        for style in styles
    }
    pages = {style: [page(report) for report in made] for style, made in reports.items()}
    named = {
        f"{name} ({len(pages[style][0]) // 1000} KB)": pages[style]
        for style, name in styles.items()
    }
    menus = [page(report, WEIGHTS["160 KB"]) for report in reports["clean"]]
    named[f"clean page among menus ({len(menus[0]) // 1000} KB)"] = menus
    papers = [pdf(report) for report in reports["clean"]]
    last = reports["clean"][-1]
    evidence = Evidence(portal_name="北原市人民政府", listed_title=last.title)
    console = Console()
    console.print(ratios(named, papers, evidence))
    console.print(shares(pages["clean"], evidence))
    console.print(growth(last, evidence))
    memory = Table("peak memory of a process that reads one", "MB")
    for name, data in (
        ("clean page", pages["clean"][-1]),
        ("page of 2 MB", page(last, WEIGHTS["2 MB"])),
        ("PDF", papers[-1]),
    ):
        memory.add_row(name, str(peak_memory(data)))
    console.print(memory)


if __name__ == "__main__":
    main()
