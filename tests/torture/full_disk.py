"""No room: on a small disk, and by a limit on the size of a file. Then there is room again."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from crawler.capture import Segment
from crawler.recover import recover
from tests.torture import captures, commands
from tests.torture.invariants import (
    answers,
    check_acknowledged,
    check_all,
    check_content,
    check_equal,
    check_nothing_lost,
    check_standing,
    check_tidy,
    remember,
)
from tests.torture.portal import NIGHTS, tried
from tests.torture.refusals import CANNOT_WRITE
from tests.torture.tally import Skipped, Tally

MB = 1_000_000
# So that a crawl meets the end of the disk, and not only the look at what is free.
NO_RESERVE = ("-s", "CAPTURE_MIN_FREE_BYTES=0", "-s", "CAPTURE_MIN_FREE_SHARE=0")


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Callable[[int], None]]:
    """A disk of so many bytes at a folder; gives what sets its size. Raises Skipped."""
    folder.mkdir(parents=True)
    if os.geteuid():
        raise Skipped("a small disk is a tmpfs, and only root may mount one")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        raise Skipped(f"no tmpfs can be mounted here: {done.stderr.strip()}")

    def resize(size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)

    try:
        yield resize
    finally:
        subprocess.run(["umount", str(folder)], check=False)


def full_disk(tally: Tally) -> None:
    """ENOSPC in a crawl, a build and a publication: a sentence, a status, and on it goes."""
    peace = tally.folder / "peace"
    with (
        tried(tally.folder, bodies=10, years=1, padding=60_000) as portal,
        small_disk(tally.folder / "disk", MB) as resize,
    ):
        data, registry = tally.folder / "disk" / "data", tally.folder / "portals.csv"
        for portal.night, night in enumerate(NIGHTS[:2], 1):
            commands.fine(tally, commands.crawl(peace, registry, night))
            commands.fine(tally, commands.archive("build", peace))
            commands.fine(tally, commands.archive("publish", peace))
        portal.night = 1
        asked = len(portal.log)
        # With the reserve that is usual nothing is asked at all of so small a disk, once full.
        filler = tally.folder / "disk" / "filler"
        filler.write_bytes(bytes(970_000))
        done = commands.run(commands.crawl(data, registry, NIGHTS[0]))
        commands.plain(tally, done, CANNOT_WRITE, "on a full disk")
        tally.same(len(portal.log), asked, "requests of a crawl that cannot keep the answers")
        filler.unlink()
        # As much room as there is, ever more of it.
        crawl = commands.crawl(data, registry, NIGHTS[0], *NO_RESERVE)
        sizes = [tally.dice.randrange(150_000, 1_500_000) for _ in range(6 if tally.long else 2)]
        for size in sorted(sizes):
            resize(size)
            done = commands.run(crawl)
            if done.status:
                commands.plain(tally, done, CANNOT_WRITE, f"on a disk of {size} bytes")
                _sentence(tally, done.err)
                tally.figures["crawls stopped"] += 1
            check_acknowledged(tally, data)
        resize(100 * MB)
        commands.fine(tally, crawl)
        check_acknowledged(tally, data)
        commands.fine(tally, commands.archive("build", data))
        commands.fine(tally, commands.archive("publish", data))
        portal.night = 2
        commands.fine(tally, commands.crawl(data, registry, NIGHTS[1]))
        before = remember(data)
        for name in ("build", "publish"):
            _squeeze(tally, data, resize, commands.archive(name, data), before)
            commands.fine(tally, commands.archive(name, data))
            check_nothing_lost(tally, data, before)
        check_all(tally, data, before)
        check_content(tally, data, peace)
        check_tidy(tally, data, peace)


def _squeeze(
    tally: Tally,
    data: Path,
    resize: Callable[[int], None],
    command: Sequence[str],
    before: object,
) -> None:
    """A command with a little room, then with a little more."""
    disk = data.parent
    rooms = (0, 8_192, 65_536, 200_000, 400_000, 700_000) if tally.long else (0, 150_000)
    for room in rooms:
        state = os.statvfs(disk)
        used = (state.f_blocks - state.f_bfree) * state.f_frsize
        resize(used + room + tally.dice.randrange(4_096))
        done = commands.run(command)
        resize(100 * MB)
        if done.status:
            commands.plain(tally, done, 1, f"with {room} bytes left")
            told = [line for line in done.err.splitlines() if "Error:" in line]
            tally.same(len(told), 1, f"sentences with {room} bytes left, {done.said!r}")
            tally.figures[f"{command[3]} stopped"] += 1
        check_standing(tally, data, before)  # type: ignore[arg-type]


def _sentence(tally: Tally, said: str) -> None:
    told = [line for line in said.splitlines() if "CRITICAL" in line]
    tally.same(len(told), 1, f"sentences of a crawl whose disk is full: {said[-2_000:]!r}")


def file_limit(tally: Tally) -> None:
    """EFBIG: a file may not grow beyond a limit (RLIMIT_FSIZE; the signal is ignored by Python)."""
    if shutil.which("prlimit") is None:
        raise Skipped("prlimit is not installed (Debian: apt-get install util-linux)")
    peace, data = tally.folder / "peace", tally.folder / "data"
    with tried(tally.folder, bodies=10, years=1, padding=60_000):
        registry = tally.folder / "portals.csv"
        commands.fine(tally, commands.crawl(peace, registry, NIGHTS[0]))
        commands.fine(tally, commands.archive("build", peace))
        commands.fine(tally, commands.archive("publish", peace))
        crawl = commands.crawl(data, registry, NIGHTS[0])
        # Less than a frontier, less than the captures of a night.
        limits = [
            4_096,
            tally.dice.randrange(20_000, 90_000),
            tally.dice.randrange(150_000, 400_000),
        ]
        for limit in limits if tally.long else limits[2:]:
            done = commands.run(crawl, around=["prlimit", f"--fsize={limit}"])
            commands.plain(tally, done, CANNOT_WRITE, f"with files of {limit} bytes at most")
            _sentence(tally, done.err)
            check_acknowledged(tally, data)
            tally.figures["crawls stopped"] += 1
        done = commands.run(crawl)
        tally.same(done.status, 0, f"status of the same crawl without a limit: {done.said!r}")
        before = remember(data)
        stored = len(answers(data))
        for name in ("build", "publish"):
            limits = [4_096, 100_000, 300_000] if tally.long else [100_000]
            for limit in limits:
                command = commands.archive(name, data)
                done = commands.run(command, around=["prlimit", f"--fsize={limit}"])
                commands.plain(tally, done, 1, f"with files of {limit} bytes at most")
                tally.figures[f"{name} stopped"] += 1
                check_standing(tally, data, before)
            commands.fine(tally, commands.archive(name, data))
        tally.same(len(answers(data)), stored, "answers after the limits")
        check_all(tally, data, before)
        check_content(tally, data, peace)
        check_equal(tally, data / "site", data, "published, and built", among_public=True)
        check_tidy(tally, data, peace)


def small_segments(tally: Tally) -> None:
    """A segment that reaches the limit: truncated back, and what was kept before is kept."""
    data = tally.folder / "data"
    for folder in ("warc", "sightings"):
        (data / folder).mkdir(parents=True)
    events = captures.nights(40, count=1, seed=tally.seed)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for _ in range(20 if tally.long else 5):
        segment = Segment(data, captures.WARCINFO, events[0].moment)
        kept = set()
        resource.setrlimit(resource.RLIMIT_FSIZE, (tally.dice.randrange(2_000, 40_000), hard))
        try:
            for event in events:
                captures.write(segment, event)
                kept |= {event.line["digest"]} if event.line.get("digest") else set()
            segment.close()
        except OSError as error:
            tally.expect("File too large" in str(error), f"another error: {error}")
            tally.figures["segments stopped"] += 1
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            sizes = {path: path.stat().st_size for path in data.glob("**/*.open")}
            try:
                captures.write(segment, events[-1])
                tally.expect(False, "a segment was written to after a refused write")
            except OSError:
                pass
            now = {path: path.stat().st_size for path in data.glob("**/*.open")}
            tally.same(now, sizes, "sizes after a write to a segment that had refused one")
            segment.close()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        recover(data)
        told = {one.digest for one in answers(data, (".warc.gz",))}
        tally.none(kept - told, "lost from a segment that met a limit")
        tally.none(data.glob("**/*.open"), "left open")
