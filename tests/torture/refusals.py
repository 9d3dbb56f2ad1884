"""The disk refuses: EIO and ENOSPC from write, fsync and rename, in a crawl, a build, a publication."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from archive.build import build
from archive.publish import publish
from tests.torture import commands, traced
from tests.torture.boundaries import two_nights
from tests.torture.commands import Done
from tests.torture.invariants import (
    check_acknowledged,
    check_all,
    check_content,
    check_equal,
    check_nothing_lost,
    check_standing,
    check_tidy,
    remember,
    shape,
)
from tests.torture.portal import NIGHTS, tried
from tests.torture.tally import Tally
from tests.torture.traced import Call

ERRORS = {
    "write": ("EIO", "ENOSPC"),
    "writev": ("EIO", "ENOSPC"),
    "pwrite64": ("EIO", "ENOSPC"),
    "fsync": ("EIO",),
    "fdatasync": ("EIO",),
    "rename": ("EIO",),
    "renameat": ("EIO",),
    "renameat2": ("EIO",),
}
# Calls that are refused, of each command, in the long form.
MOST = 20
# What the crawl ends with when its disk is full or failing (EX_IOERR of sysexits.h).
CANNOT_WRITE = 74
# The memory of builds may fail as it likes: it only saves time.
MEMORY = "fold.db"


def refused_builds(tally: Tally) -> None:
    """Each kind of write of a build and of a publication fails once."""
    traced.demand_strace()
    built, arrived = two_nights(tally)

    def fold(data: Path) -> None:
        build(data, workers=0)
        publish(data)

    # Without workers: strace counts the calls of each thread apart, and the one of their pool that
    # has as many would be refused a pipe, which no disk does, and wait for ever.
    alone = ("build", "--workers", "0")
    _of_command(tally, alone, arrived, built, fold)
    if tally.long:
        _of_command(tally, (*alone, "--rebuild"), arrived, built, fold)
    _of_command(tally, ("publish",), built, built, publish)


def _of_command(
    tally: Tally, words: Sequence[str], start: Path, end: Path, settle: Callable[[Path], object]
) -> None:
    data = tally.folder / words[0]
    command = commands.archive(words[0], data, *words[1:])
    shutil.copytree(start, data, symlinks=True)
    _, listed = traced.calls(tally, command, data)
    before = remember(start)
    picked = traced.chosen(
        tally, [call for call in listed if call.name in ERRORS], 2 if tally.long else 1
    )
    picked = tally.dice.sample(picked, min(MOST if tally.long else 2, len(picked)))
    for call in picked:
        for error in ERRORS[call.name] if tally.long else ERRORS[call.name][:1]:
            shutil.rmtree(data)
            shutil.copytree(start, data, symlinks=True)
            about = f"{' '.join(words)} with {error} from {call.kind} number {call.number}"
            inject = f"{call.name}:error={error}:when={call.number}"
            done, after = traced.calls(tally, command, data, inject)
            hit = [one for one in after if one.injected]
            tally.figures["refusals" if hit else "not reached"] += 1
            tally.expect("Traceback" not in done.err, f"traceback of {about}: {done.said!r}")
            if done.status and hit:
                _one_sentence(tally, done, "Error:", about)
            forgiven = all(_is_forgiven(one) for one in hit)
            tally.expect(
                done.status in ((0, 1) if forgiven else (1,)),
                f"status {done.status} of {about}: {done.said!r}",
            )
            traced.check_no_second_sync(tally, after, about)
            check_standing(tally, data, before)
            settle(data)
            check_nothing_lost(tally, data, before)
            check_equal(tally, data, end, about)
            tally.same(shape(data), shape(end), f"files after {about}")
    shutil.rmtree(data)


def _is_forgiven(call: Call) -> bool:
    """Whether a command may do its work all the same: the memory of builds, and what SQLite only
    writes to go back, or brings from its log into the database when it closes, the log being kept.
    """
    return (
        call.path == "frontier.db"
        or call.path.startswith(MEMORY)
        or call.path.endswith(("-journal", "-shm"))
        or (call.path == "." and call.name == "fdatasync")
    )


def _one_sentence(tally: Tally, done: Done, mark: str, about: str) -> None:
    told = [line for line in done.err.splitlines() if mark in line]
    tally.expect(0 < len(told) <= 2, f"{len(told)} sentences of {about}: {done.said!r}")


def refused_crawls(tally: Tally) -> None:
    """Captures, lines and frontier of a crawl cannot be written; the same command then goes on."""
    traced.demand_strace()
    peace, start, data = (tally.folder / name for name in ("peace", "start", "data"))
    with tried(tally.folder, bodies=8, years=1) as portal:
        registry = tally.folder / "portals.csv"
        commands.fine(tally, commands.crawl(start, registry, NIGHTS[0]))
        commands.fine(tally, commands.archive("build", start))
        shutil.copytree(start, peace)
        portal.night = 2
        done, listed = traced.calls(tally, commands.crawl(peace, registry, NIGHTS[1]), peace)
        tally.same(done.status, 0, f"status of a crawl under strace: {done.said!r}")
        commands.fine(tally, commands.archive("build", peace))
        before = remember(start)
        picked = traced.chosen(
            tally, [call for call in listed if call.name in ERRORS], 3 if tally.long else 1
        )
        if tally.long:
            picked = tally.dice.sample(picked, min(MOST, len(picked)))
        else:
            files = [call for call in picked if call.path.startswith(("warc", "sightings"))]
            picked = [tally.dice.choice(files), tally.dice.choice(picked)]
        for call in picked:
            shutil.rmtree(data, ignore_errors=True)
            shutil.copytree(start, data)
            error = tally.dice.choice(ERRORS[call.name])
            about = f"crawl with {error} from {call.kind} number {call.number}"
            command = commands.crawl(data, registry, NIGHTS[1])
            inject = f"{call.name}:error={error}:when={call.number}"
            done, after = traced.calls(tally, command, data, inject)
            hit = [one for one in after if one.injected]
            tally.figures["refusals" if hit else "not reached"] += 1
            tally.expect("Traceback" not in done.err, f"traceback of {about}: {done.err!r}")
            if hit and not all(_is_forgiven(one) for one in hit):
                tally.same(done.status, CANNOT_WRITE, f"status of {about}: {done.said!r}")
                _one_sentence(tally, done, "CRITICAL", about)
            traced.check_no_second_sync(tally, after, about)
            check_standing(tally, data, before)
            commands.fine(tally, command)
            check_acknowledged(tally, data)
            commands.fine(tally, commands.archive("build", data))
            check_content(tally, data, peace)
            check_tidy(tally, data, peace)
        check_all(tally, data, before)
