"""python -m archive parse | build | publish: options end here.

A command imports what it needs when it runs: reading one page loads no database.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from archive.model import Evidence, Reading

# A worker costs more to start than so many pages to read.
FILES_PER_WORKER = 8


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Read reports, fold captures into the archive, publish it."""


@main.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--manifest",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON Lines of {file, url?, portal_name?, listed_title?, attachments?}, in order.",
)
@click.option("--url", help="Where the file was found.")
@click.option("--portal-name", help="The site's own name, such as 朔州市人民政府.")
@click.option("--listed-title", help="The title under which a list names the file.")
@click.option(
    "--attachment",
    "attachments",
    multiple=True,
    type=click.Path(path_type=Path),
    help="An annex of the one FILE, read with it; may be given again.",
)
def parse(
    files: tuple[Path, ...],
    manifest: Path | None,
    url: str | None,
    portal_name: str | None,
    listed_title: str | None,
    attachments: tuple[Path, ...],
) -> None:
    """Print one JSON object a line for each FILE: what it is and every cell, as printed."""
    if bool(files) == bool(manifest):
        raise click.UsageError("Give FILEs or --manifest FILE.jsonl, one of the two.")
    if attachments and len(files) != 1:
        raise click.UsageError("--attachment belongs to one FILE; a manifest names attachments.")
    from archive.workers import Failure, read_each, start

    start()
    from archive.files import Entry, read_entry

    shared = Evidence(url=url, portal_name=portal_name, listed_title=listed_title)
    entries = (
        [Entry(*listed) for listed in _manifest(manifest)]
        if manifest
        else [Entry(file, shared, attachments) for file in files]
    )
    workers = min(-(-len(entries) // FILES_PER_WORKER), os.cpu_count() or 1)
    for entry, read in read_each(entries, read_entry, workers):
        reading = Reading(False, read.reason) if isinstance(read, Failure) else read
        line = json.dumps({"file": str(entry.file), **record(reading)}, ensure_ascii=False)
        # A lone surrogate (a file's name, a manifest's) has no UTF-8: it is printed as "?".
        click.echo(line.encode("utf-8", "replace").decode("utf-8"))
        sys.stdout.flush()


data_option = click.option(
    "--data",
    default="data",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where captures and the archive live.",
)


@main.command()
@data_option
@click.option("--rebuild", is_flag=True, help="Read every document again.")
def build(data: Path, rebuild: bool) -> None:
    """Fold captures and sightings into DATA/nianbao.db; again and again, the same result."""
    from archive.build import build as fold

    with _plainly():
        click.echo(fold(data, rebuild=rebuild))


@main.command()
@data_option
def publish(data: Path) -> None:
    """Assemble DATA/site, the snapshot that Datasette serves."""
    from archive.publish import publish as assemble

    with _plainly():
        click.echo(assemble(data))


@contextmanager
def _plainly() -> Iterator[None]:
    """The outer boundary of a command: what a user can mend is one sentence, not a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        yield
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _manifest(path: Path) -> Iterator[tuple[Path, Evidence, tuple[Path, ...]]]:
    for number, line in enumerate(path.read_text("utf-8-sig", "replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            file = Path(entry["file"])
            attachments = tuple(map(Path, entry.get("attachments") or ()))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise click.ClickException(
                f"{path} line {number}: want an object with a file, got {line[:80]!r}"
            ) from error
        evidence = Evidence(
            **{
                name: entry[name] if isinstance(entry.get(name), str) else None
                for name in ("url", "portal_name", "listed_title")
            }
        )
        yield file, evidence, attachments


def record(reading: Reading) -> dict[str, Any]:
    """The public JSON of a reading, as DESIGN promises it."""
    return {
        "is_report": reading.is_report,
        "reason": reading.reason,
        "issuer": reading.issuer,
        "year": reading.year,
        "form": reading.form,
        "scope": reading.scope,
        "title": reading.title,
        "published_on": reading.published_on,
        "media_type": reading.media_type,
        "sections": [
            {"number": s.number, "heading": s.heading, "text": s.text} for s in reading.sections
        ],
        "cells": dict(reading.cells),
        "notes": {
            key: {"state": note.state, "printed": note.printed}
            | ({"confidence": note.confidence} if note.confidence is not None else {})
            for key, note in reading.notes.items()
        },
        "findings": [
            {
                "rule": f.rule,
                "verdict": f.verdict,
                "expected": f.expected,
                "actual": f.actual,
                "blame": f.blame,
                "cells": list(f.cells),
                "explanation": f.explanation,
                "proposed": dict(f.proposed),
                "printed": f.printed,
            }
            for f in reading.findings
        ],
        "body": asdict(reading.body) if reading.body else None,
        "flags": list(reading.flags),
        "extras": [asdict(extra) for extra in reading.extras],
        "unused": [asdict(unused) for unused in reading.unused],
    }


if __name__ == "__main__":
    main()
