"""python -m archive parse | build | publish: options end here.

A command imports what it needs when it runs: reading one page loads no database.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from archive.model import Evidence, Reading
from archive.read import Part, read_report


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Read reports, fold captures into the archive, publish it."""


@main.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--manifest",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON Lines of {file, url?, portal_name?, listed_title?}, answered in order.",
)
@click.option("--url", help="Where the file was found.")
@click.option("--portal-name", help="The site's own name, such as 朔州市人民政府.")
@click.option("--listed-title", help="The title under which a list names the file.")
def parse(
    files: tuple[Path, ...],
    manifest: Path | None,
    url: str | None,
    portal_name: str | None,
    listed_title: str | None,
) -> None:
    """Print one JSON object a line for each FILE: what it is and every cell, as printed."""
    if bool(files) == bool(manifest):
        raise click.UsageError("Give FILEs or --manifest FILE.jsonl, one of the two.")
    shared = Evidence(url=url, portal_name=portal_name, listed_title=listed_title)
    entries = _manifest(manifest) if manifest else ((file, shared) for file in files)
    for file, evidence in entries:
        line = json.dumps(_answer(file, evidence), ensure_ascii=False)
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


def _manifest(path: Path) -> Iterator[tuple[Path, Evidence]]:
    for number, line in enumerate(path.read_text("utf-8-sig", "replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            file = Path(entry["file"])
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise click.ClickException(
                f"{path} line {number}: want an object with a file, got {line[:80]!r}"
            ) from error
        yield (
            file,
            Evidence(
                **{
                    name: entry[name] if isinstance(entry.get(name), str) else None
                    for name in ("url", "portal_name", "listed_title")
                }
            ),
        )


def _answer(file: Path, evidence: Evidence) -> dict[str, Any]:
    try:
        data = file.read_bytes()
    except (OSError, ValueError) as error:
        # ValueError: a name with a NUL or a lone surrogate is no file's name.
        reading = Reading(False, f"读不到文件：{getattr(error, 'strerror', None) or error}")
    else:
        reading = read_report([Part(data, file.name)], evidence)
    return {"file": str(file), **record(reading)}


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
            }
            for f in reading.findings
        ],
    }


if __name__ == "__main__":
    main()
