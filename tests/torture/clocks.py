"""Clocks that go backwards a day, forward a year, in the middle of a crawl; the same night twice."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

from archive.warc import read_payload
from tests.torture import commands
from tests.torture.invariants import answers, check_all, content, remember, rows
from tests.torture.portal import Tried, tried
from tests.torture.tally import Skipped, Tally

NOON = datetime(2027, 2, 10, 4, tzinfo=UTC)
DAY = timedelta(days=1)
COUNTER = re.compile("浏览次数：[0-9]+".encode())


def clocks(tally: Tally) -> None:
    """Nights whose clock is not what it was the night before; then every content is a version."""
    if shutil.which("faketime") is None:
        raise Skipped("faketime is not installed (Debian: apt-get install faketime)")
    stories: dict[str, tuple[timedelta, ...]] = {
        "a day back": (timedelta(), -DAY, DAY),
        "a year forward and back": (timedelta(), 365 * DAY, DAY),
        "the same moment thrice": (timedelta(), timedelta(), timedelta()),
        "backwards": (2 * DAY, DAY, timedelta()),
    }
    chosen = list(stories.items()) if tally.long else list(stories.items())[:1]
    for what, moments in chosen:
        _nights(tally, what, moments if tally.long else moments[:2])
    _jump(tally)
    if tally.long:
        _forgotten(tally)


def _forgotten(tally: Tally) -> None:
    """The same night twice because the frontier was lost (or the shards are others), and the
    portal has edited its reports in between: both contents are versions."""
    data = tally.folder / "forgotten"
    with tried(tally.folder, bodies=8, years=1) as portal:
        registry = tally.folder / "portals.csv"
        for portal.night in (1, 2):
            for leftover in data.glob("frontier*"):
                leftover.unlink()
            commands.fine(tally, commands.crawl(data, registry, "2027-02-10"))
            commands.fine(tally, commands.archive("build", data))
            _every_content_is_a_version(tally, data, f"asked twice in a night, {portal.night}")


def _nights(tally: Tally, what: str, moments: tuple[timedelta, ...]) -> None:
    """A night at each moment, the portal a night older each time."""
    data = tally.folder / what.replace(" ", "-")
    with tried(tally.folder, bodies=8, years=1) as portal:
        registry = tally.folder / "portals.csv"
        for portal.night, moment in enumerate(moments, 1):
            with fake_clock(tally, NOON + moment) as environment:
                before = remember(data)
                for command in (
                    commands.crawl(data, registry, ""),
                    # With faketime the sleep of a thread is refused now and then, and that of the
                    # pool's would end it: no pool.
                    commands.archive("build", data, "--workers", "0"),
                    commands.archive("publish", data),
                ):
                    commands.fine(tally, command, environment=environment)
                if tally.long or portal.night == 2:
                    check_all(tally, data, before)
                _every_content_is_a_version(tally, data, f"{what}, night {portal.night}")
                tally.figures["nights"] += 1
        with fake_clock(tally, NOON + moments[-1]) as environment:
            # The same night once more, with nothing new: it says what it said.
            said = content(data)
            commands.fine(tally, commands.crawl(data, registry, ""), environment=environment)
            again = commands.archive("build", data, "--workers", "0")
            commands.fine(tally, again, environment=environment)
            tally.same(content(data), said, f"the archive after the same night twice, {what}")


def _jump(tally: Tally) -> None:
    """The clock is set in the middle of a crawl, back and forth."""
    peace, data = tally.folder / "peace", tally.folder / "jumped"
    with tried(tally.folder, bodies=10, years=2) as portal:
        registry = tally.folder / "portals.csv"
        commands.fine(tally, commands.crawl(peace, registry, "2027-02-10"))
        commands.fine(tally, commands.archive("build", peace))
        with fake_clock(tally, NOON) as environment, _restless(tally, portal, environment):
            began = time.monotonic()
            commands.fine(
                tally, commands.crawl(data, registry, "2027-02-10"), environment=environment
            )
            seconds = time.monotonic() - began
            tally.expect(seconds < 60, f"a crawl whose clock was set took {seconds:.0f} s")
        before = remember(data)
        commands.fine(tally, commands.archive("build", data))
        check_all(tally, data, before)
        _every_content_is_a_version(tally, data, "set in the middle")
        tally.same(content(data), content(peace), "what a crawl found whose clock was set")
        moments = {one.fetched_at[:10] for one in answers(data)}
        tally.expect(len(moments) > 1, f"the clock was never set: {moments}")


@contextmanager
def fake_clock(tally: Tally, moment: datetime) -> Iterator[Mapping[str, str]]:
    """The environment of commands whose clock starts at a moment; the file it names sets it."""
    preload = subprocess.run(
        ["faketime", "-m", "-f", "+0", "printenv", "LD_PRELOAD"],
        capture_output=True,
        text=True,
    )
    if preload.returncode:
        raise Skipped(f"faketime does not work here: {preload.stderr.strip()[:200]}")
    clock = tally.folder / "clock"
    clock.write_text(offset(moment))
    yield {
        "LD_PRELOAD": preload.stdout.strip(),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        # Waits and time-outs go by another clock, which nobody sets.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        # Times of files are those of the disk.
        "NO_FAKE_STAT": "1",
        "TZ": "UTC",
    }


def offset(moment: datetime) -> str:
    """A moment as faketime takes it: seconds from the real clock."""
    return f"{(moment - datetime.now(UTC)).total_seconds():+.0f}"


@contextmanager
def _restless(tally: Tally, portal: Tried, environment: Mapping[str, str]) -> Iterator[None]:
    """Set the clock after every few requests: a day back, a year ahead, and where it was."""
    clock, stop = Path(environment["FAKETIME_TIMESTAMP_FILE"]), Event()
    first = len(portal.log)

    def work() -> None:
        for number, moment in enumerate((-DAY, 365 * DAY, timedelta(hours=-3)), 1):
            while len(portal.log) < first + 7 * number and not stop.wait(0.005):
                pass
            written = clock.with_suffix(".new")
            written.write_text(offset(NOON + moment))
            written.replace(clock)
            tally.figures["jumps"] += 1

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _every_content_is_a_version(tally: Tally, data: Path, what: str) -> None:
    """What the captures of a report hold, less the visitor counter, are its versions."""
    shown: dict[str, set[str]] = {}
    for url, report_id, file, place in rows(
        data,
        "select distinct captures.url, sightings.report_id, warc_file, offset from captures"
        " join sightings on sightings.url = captures.url where sightings.report_id is not null"
        " and captures.status = 200 and record_type = 'response' and role = 'page'",
    ):
        text = COUNTER.sub(b"", read_payload(data, file, place))
        # What moved is the same content at another address.
        body = text.partition(b"<h1>")[2]
        shown.setdefault(report_id, set()).add(hashlib.sha256(body).hexdigest())
        del url
    told = dict(rows(data, "select report_id, count(*) from versions group by 1"))
    tally.same(told, {name: len(bodies) for name, bodies in shown.items()}, f"versions, {what}")
    tally.same(
        rows(data, "select id from versions where first_seen > last_seen"), [], f"seen last, {what}"
    )
    numbers = rows(
        data, "select report_id, count(*), max(number), min(number) from versions group by 1"
    )
    tally.none(
        (row for row in numbers if row[1] != row[2] or row[3] != 1), f"numbers with gaps, {what}"
    )
