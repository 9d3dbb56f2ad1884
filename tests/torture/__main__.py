"""python -m tests.torture [SCENARIO…] [--seed N] [--short]: what must not break the archive.

A failure leaves its folder and says where; the status is then 1.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path

import click

from tests.torture.scenarios import SCENARIOS, play


@click.command()
@click.argument("names", nargs=-1, metavar="[SCENARIO]…")
@click.option("--seed", type=int, default=None, help="Play the same dice again.")
@click.option("--short", is_flag=True, help="The form that is part of `make test`.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to play; a new folder for temporary files unless given.",
)
def main(names: tuple[str, ...], seed: int | None, short: bool, folder: Path | None) -> None:
    """Kill, fill, refuse, damage, shift and shuffle; then look whether anything was lost."""
    unknown = set(names) - SCENARIOS.keys()
    if unknown:
        raise click.UsageError(f"no scenario {unknown.pop()!r}; there are {', '.join(SCENARIOS)}")
    logging.basicConfig(level=logging.CRITICAL)
    seed = int(time.time()) if seed is None else seed
    root = folder or Path(tempfile.mkdtemp(prefix="torture-"))
    click.echo(f"seed {seed}, in {root}")
    failed = False
    for name in names or SCENARIOS:
        began = time.monotonic()
        click.echo(f"{name} …")
        place = root / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        tally = play(name, place, seed, long=not short)
        for why in tally.skipped:
            click.echo(f"{name}: skipped: {why}")
        click.echo(tally.failed() if tally.failures else tally.line())
        click.echo(f"{name}: {time.monotonic() - began:.0f} s")
        failed = failed or bool(tally.failures)
        if not tally.failures:
            shutil.rmtree(place)
    if not failed and folder is None:
        shutil.rmtree(root)
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
