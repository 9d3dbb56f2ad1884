"""python -m tests.accuracy: measure the reader, and write what /accuracy shows.

Two sets of documents. `real` is the pinned corpus, which lies beside the checkout: real documents
with values that were verified by hand, counted by the rules of its own scorer
(../shared/tools/score_parse.py). `made` are the documents of tests/pages: every medium and layout,
of invented figures. A document's reading is scored cell by cell:

right     what is printed was read: the number, exactly, or nothing where no number is printed
wrong     another number than the one printed
missed    a number is printed, none was read
invented  no number is printed there, one was read

Cells whose printed digits cannot be told apart are not scored. The result depends on the documents
and the reader alone, but for the day.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from archive.model import Evidence, Reading
from archive.read import PARSER, Part, read_report

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "corpus"
PAGES = ROOT / "tests" / "pages"
RESULT = ROOT / "datasette" / "plugins" / "site" / "accuracy.json"
EXPECTED = "expected.json"
# The identities of the form that hold or do not, whatever the reader thinks of the rest.
HARD = ("ROW.", "BALANCE.", "SUM.", "DISPUTE.")
# In the order /accuracy shows them; those without a document are shown as not measured.
FORMS = ("2021", "2019", "stats2014", "narrative", "mixed")
MEDIA = ("html", "pdf", "word", "scan", "spreadsheet", "ofd", "text")
SUFFIXES = {
    ".html": "html",
    ".pdf": "pdf",
    ".doc": "word",
    ".docx": "word",
    ".wps": "word",
    ".rtf": "word",
    ".zip": "word",
    ".jpg": "scan",
    ".xls": "spreadsheet",
    ".xlsx": "spreadsheet",
    ".ofd": "ofd",
    ".txt": "text",
}
NEEDS = {
    "soffice": shutil.which("soffice") is not None,
    "rapidocr": importlib.util.find_spec("rapidocr") is not None,
}


@dataclass(frozen=True, slots=True)
class Score:
    """What became of a document, or of several: counts of documents, cells, notes, identities.

    `told` are documents rightly told to be a report or none; `named` reports with the right body,
    year and form. `tables` are reports with cells to score, `whole` those of them whose cells are
    all right. `beyond` are numbers read for cells that the document does not have.
    """

    documents: int = 0
    told: int = 0
    reports: int = 0
    named: int = 0
    tables: int = 0
    whole: int = 0
    cells: int = 0
    right: int = 0
    wrong: int = 0
    missed: int = 0
    invented: int = 0
    beyond: int = 0
    notes: int = 0
    notes_right: int = 0
    broken: int = 0
    broken_found: int = 0
    false_alarms: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A document and what is printed in it, as either set states it.

    `cells` are the values to score, None where the document prints no number; `unscored` those
    whose digits cannot be told apart; `forms` the names that its form may be given; `broken` the
    identities that do not hold in it, None where that is not stated.
    """

    path: Path
    medium: str
    evidence: Evidence
    is_report: bool
    attachments: tuple[Path, ...] = ()
    bodies: frozenset[str] = frozenset()
    year: int | None = None
    forms: tuple[str, ...] = ()
    cells: Mapping[str, str | None] | None = None
    unscored: frozenset[str] = frozenset()
    states: Mapping[str, Any] | None = None
    broken: frozenset[str] | None = frozenset()


def number(printed: str | None) -> Decimal | str | None:
    """A printed number as its value, without spaces and thousands separators; other text as it
    is."""
    if printed is None:
        return None
    bare = "".join(str(printed).split()).replace(",", "").replace("，", "")
    try:
        return Decimal(bare).normalize()
    except InvalidOperation:
        return bare or None


def bare(name: str | None) -> str:
    return "".join(mark for mark in name or "" if mark not in "()（）" and not mark.isspace())


def either(stated: Any) -> tuple[Any, ...]:
    return tuple(stated) if isinstance(stated, list) else (stated,)


def score(entry: Entry, read: Reading) -> Score:
    """How a reading compares with what is printed."""
    told = read.is_report is entry.is_report
    if not entry.is_report:
        return Score(documents=1, told=int(told))
    got = read.cells
    counts = dict.fromkeys(("right", "wrong", "missed", "invented"), 0)
    for key, printed in (entry.cells or {}).items():
        want, have = number(printed), number(got.get(key))
        if want == have:
            counts["right"] += 1
        elif have is None:
            counts["missed"] += 1
        else:
            counts["wrong" if want is not None else "invented"] += 1
    known = (entry.cells or {}).keys() | entry.unscored
    states = entry.states or {}
    failed = {
        finding.rule.partition("@")[0]
        for finding in read.findings
        if finding.verdict == "fail" and finding.rule.startswith(HARD)
    }
    named = (
        bare(read.issuer) in entry.bodies and read.year == entry.year and read.form in entry.forms
    )
    # Where it is not stated what is broken, nothing can be found and nothing be a false alarm.
    broken = entry.broken or frozenset()
    failed = failed if entry.broken is not None else set()
    cells = len(entry.cells or {})
    return Score(
        documents=1,
        told=int(told),
        reports=1,
        named=int(named),
        tables=int(cells > 0),
        whole=int(cells > 0 and counts["right"] == cells),
        cells=cells,
        beyond=sum(value is not None and key not in known for key, value in got.items()),
        notes=len(states),
        notes_right=sum(
            key in read.notes and read.notes[key].state in either(state)
            for key, state in states.items()
        ),
        broken=len(broken),
        broken_found=len(broken & failed),
        false_alarms=len(failed - broken),
        **counts,
    )


def form_of(entry: Entry, read: Reading) -> str | None:
    """The form a document is counted under: of two that may be said of it, the one read."""
    return read.form if read.form in entry.forms else next(iter(entry.forms), None)


def real(folder: Path = CORPUS) -> Iterator[Entry]:
    """The pinned corpus, as its expected.json states it."""
    for stated in json.loads((folder / EXPECTED).read_text("utf-8")):
        path, evidence = folder / stated["file"], stated["evidence"]
        yield Entry(
            path,
            SUFFIXES[path.suffix],
            Evidence(portal_name=evidence["portal_name"], listed_title=evidence["listed_title"]),
            stated["is_report"],
            bodies=frozenset(
                bare(body) for body in (stated["issuer"], *stated["issuer_accept"]) if body
            ),
            year=stated["year"],
            forms=either(stated["form"]),
            cells=stated["cells"],
            unscored=frozenset(stated["not_scored"]),
            states=stated["states"],
            broken=frozenset(stated["identities_broken"]),
        )


def made(folder: Path = PAGES) -> Iterator[Entry]:
    """Our own documents; a report whose tables are pictures counts as a scan.

    Cells that the document leaves open may be read or not; they are not scored.
    """
    for path in sorted(folder.iterdir()):
        if not path.is_file() or path.suffix == ".json":
            continue
        stated = json.loads(path.with_suffix(".json").read_text("utf-8"))
        named = stated.get("attachments", ())
        medium = "scan" if stated.get("recognised") else medium_of(path, named)
        left_open = frozenset(stated.get("or_null", ()))
        notes = stated.get("notes", {})
        yield Entry(
            path,
            medium,
            Evidence(**stated.get("evidence", {})),
            stated["is_report"],
            attachments=tuple(path.with_name(f"{path.stem}_files") / name for name in named),
            bodies=frozenset(bare(body) for body in either(stated.get("issuer"))),
            year=stated.get("year"),
            forms=either(stated.get("form")),
            cells={k: v for k, v in stated.get("cells", {}).items() if k not in left_open},
            unscored=left_open,
            states={k: v for k, v in notes.items() if k not in left_open},
            broken=None
            if stated.get("failing_allowed")
            else frozenset(
                rule.partition("@")[0]
                for rule in stated.get("failing", ())
                if rule.startswith(HARD)
            ),
        )


def medium_of(path: Path, annexes: Sequence[str] = ()) -> str:
    """What a document's tables stand in: its annexes, where it has any. Pages also go by the name
    of Word files."""
    if annexes:
        return SUFFIXES[Path(annexes[0]).suffix]
    head = path.read_bytes()[:256].lstrip()
    if head.startswith((b"<", b"MIME-Version", b"From:")):
        return "html"
    return SUFFIXES.get(path.suffix, "")


def reading(entry: Entry) -> Reading:
    url = entry.evidence.url or ""
    parts = [Part(entry.path.read_bytes(), name=entry.path.name, url=url)]
    for path in entry.attachments:
        address = urljoin(url, f"{path.parent.name}/{path.name}")
        parts.append(Part(path.read_bytes(), name=path.name, url=address))
    return read_report(parts, entry.evidence)


def measured(entry: Entry) -> dict[str, Any]:
    """A document's line: its name, medium, form, and counts."""
    read = reading(entry)
    form = form_of(entry, read) if entry.is_report else None
    name = {"file": entry.path.name, "medium": entry.medium, "form": form}
    return name | asdict(score(entry, read))


def added(lines: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The counts of several documents together."""
    kept = list(lines)
    return {name: sum(line[name] for line in kept) for name in asdict(Score())}


def tallied(lines: list[dict[str, Any]]) -> dict[str, Any]:
    reports = [line for line in lines if line["reports"]]
    return {
        "all": added(lines),
        "form": {form: added(r for r in reports if r["form"] == form) for form in FORMS},
        "medium": {medium: added(r for r in reports if r["medium"] == medium) for medium in MEDIA},
        "documents": lines,
    }


def digest(folder: Path) -> str:
    """One SHA-256 for a set of files: of their own, a line each as sha256sum writes them."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def measure_set(entries: Iterable[Entry], folder: Path) -> dict[str, Any]:
    with ProcessPoolExecutor(2) as pool:
        lines = list(pool.map(measured, entries))
    return {"digest": digest(folder), **tallied(lines)}


def measure() -> dict[str, Any]:
    """Everything /accuracy shows."""
    return {
        "reader": PARSER,
        "measured_on": date.today().isoformat(),
        "sets": {"real": measure_set(real(), CORPUS), "made": measure_set(made(), PAGES)},
    }


def as_text(value: Any, depth: int = 0) -> str:
    """JSON with a line for each list or object that holds plain values only."""
    inside = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(value, dict | list) or not any(isinstance(v, dict | list) for v in inside):
        return json.dumps(value, ensure_ascii=False)
    pad, end = " " * (depth + 1), " " * depth
    if isinstance(value, dict):
        lines = [f"{pad}{json.dumps(k)}: {as_text(v, depth + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{end}}}"
    return "[\n" + ",\n".join(pad + as_text(v, depth + 1) for v in value) + f"\n{end}]"


def main() -> None:
    """Measure and write; names what is missing and ends with 1 where it cannot be done."""
    parser = argparse.ArgumentParser(description="Measure the reader for /accuracy.")
    parser.add_argument(
        "--to", type=Path, default=RESULT, help="file to write (default: %(default)s)"
    )
    target = parser.parse_args().to
    missing = [name for name, there in NEEDS.items() if not there]
    if not (CORPUS / EXPECTED).exists():
        missing.append(f"the corpus ({CORPUS})")
    if missing:
        sys.exit(f"cannot measure without {', '.join(missing)}")
    result = measure()
    target.write_text(as_text(result) + "\n", encoding="utf-8")
    for name, counted in result["sets"].items():
        total = counted["all"]
        print(
            f"{name}: {total['right']} of {total['cells']} cells right, {total['wrong']} wrong, "
            f"{total['missed']} missed, {total['invented']} invented; "
            f"{total['whole']} of {total['tables']} reports without a fault"
        )


if __name__ == "__main__":
    main()
