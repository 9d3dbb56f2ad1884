"""kill -9 at every boundary between two calls of a build, of a publication, of a segment's writer."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from archive.build import build
from archive.publish import publish
from crawler.recover import recover
from tests.torture import captures, commands, traced
from tests.torture.invariants import (
    answers,
    check_equal,
    check_nothing_lost,
    check_standing,
    remember,
    shape,
)
from tests.torture.tally import Tally

# Of each kind of call on each file so many are met: a database is written by hundreds.
LONG, SHORT = 3, 1


def boundaries(tally: Tally) -> None:
    """Every kind of call of a night's build and publication, and of a small segment."""
    traced.demand_strace()
    built, arrived = two_nights(tally)
    _of_command(tally, "build", ("build",), arrived, built, lambda d: _settle(d, build))
    if tally.long:
        _of_command(
            *(tally, "rebuild", ("build", "--rebuild"), arrived, built),
            lambda d: _settle(d, build),
        )
    _of_command(tally, "publish", ("publish",), built, built, lambda d: publish(d))
    _of_writer(tally)


def two_nights(tally: Tally) -> tuple[Path, Path]:
    """A folder with two nights built, the second published as well; and the same before its
    second night was built."""
    arrived, built = tally.folder / "arrived", tally.folder / "built"
    nights = captures.by_night(captures.nights(12, count=2, seed=tally.seed))
    captures.lay(arrived, nights[:1])
    build(arrived, workers=0)
    publish(arrived)
    captures.lay(arrived, nights[1:])
    shutil.copytree(arrived, built, symlinks=True)
    build(built, workers=0)
    publish(built)
    return built, arrived


def _settle(data: Path, work: Callable[..., object]) -> None:
    work(data, workers=0)
    publish(data)


def _of_command(
    tally: Tally,
    name: str,
    words: Sequence[str],
    start: Path,
    end: Path,
    settle: Callable[[Path], object],
) -> None:
    data = tally.folder / name
    command = commands.archive(words[0], data, *words[1:])
    _fresh(start, data)
    done, listed = traced.calls(tally, command, data)
    tally.same(done.status, 0, f"status of {name} under strace: {done.said!r}")
    picked = traced.chosen(tally, listed, LONG if tally.long else SHORT)
    if not tally.long:
        picked = tally.dice.sample(picked, min(3, len(picked)))
    before = remember(start)
    for call in picked:
        _fresh(start, data)
        done, _ = traced.calls(tally, command, data, f"{call.name}:signal=KILL:when={call.number}")
        tally.figures[f"{name} killed" if done.status == -9 else "not reached"] += 1
        check_standing(tally, data, before)
        settle(data)
        check_nothing_lost(tally, data, before)
        about = f"{name} killed before {call.kind} number {call.number}"
        check_equal(tally, data, end, about)
        tally.same(shape(data), shape(end), f"files after {about}")
    shutil.rmtree(data)


def _fresh(start: Path, data: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(start, data, symlinks=True)


def _of_writer(tally: Tally) -> None:
    data, told = tally.folder / "written", tally.folder / "acknowledged"
    command = [
        *(sys.executable, "-m", "tests.torture.writer", str(data), str(told), str(tally.seed)),
    ]

    def empty() -> None:
        shutil.rmtree(data, ignore_errors=True)
        for folder in ("warc", "sightings"):
            (data / folder).mkdir(parents=True)
        told.write_text("")

    empty()
    done, listed = traced.calls(tally, command, data)
    tally.same(done.status, 0, f"status of the writer: {done.said!r}")
    whole = {one.digest for one in answers(data)}
    picked = traced.chosen(tally, listed, 60 if tally.long else 1)
    if not tally.long:
        picked = tally.dice.sample(picked, min(4, len(picked)))
    for call in picked:
        empty()
        done, _ = traced.calls(tally, command, data, f"{call.name}:signal=KILL:when={call.number}")
        tally.figures["writer killed" if done.status == -9 else "not reached"] += 1
        about = f"the writer was killed before {call.kind} number {call.number}"
        acknowledged = set(told.read_text().split())
        tally.none(acknowledged - {one.digest for one in answers(data)}, f"lost when {about}")
        recover(data)
        kept = {one.digest for one in answers(data, (".warc.gz",))}
        tally.none(acknowledged - kept, f"lost by recovery when {about}")
        tally.none(kept - whole, f"never written when {about}")
        tally.none(data.glob("**/*.open"), f"left open when {about}")
        # A second start finds nothing more to do.
        state = sorted((path, path.stat().st_size) for path in data.rglob("*"))
        recover(data)
        again = sorted((path, path.stat().st_size) for path in data.rglob("*"))
        tally.same(again, state, f"recovery twice when {about}")
