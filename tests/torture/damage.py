"""Segments torn, zeroed and flipped, closed and open; sightings cut and filled with garbage.

What was not hit must be read, and what was hit must be named: the file, and the place in it.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from archive.build import Options, build
from archive.intake import IntakeError
from crawler.recover import recover
from tests.torture import captures
from tests.torture.commands import archive, called
from tests.torture.invariants import (
    Answer,
    answers,
    check_equal,
    check_index,
    check_rebuild,
    check_verify,
    dump,
    rows,
    whole_answers,
)
from tests.torture.tally import Tally

ZEROS = 4_096


@dataclass(frozen=True, slots=True)
class Damaged:
    """The bytes of a file after what happened to it."""

    raw: bytes
    about: str


Hurt = Callable[[Tally, bytes], Damaged]


def torn(tally: Tally, raw: bytes) -> Damaged:
    """The end was never written."""
    at = tally.dice.randrange(len(raw) // 2, len(raw) - 1)
    return Damaged(raw[:at], f"torn at {at} of {len(raw)}")


def torn_and_continued(tally: Tally, raw: bytes) -> Damaged:
    """A record was cut, and others were written behind it."""
    starts = [start for start, _ in members(raw)]
    first = tally.dice.randrange(2, len(starts) // 2)
    at = tally.dice.randrange(starts[first] + 20, starts[first + 1] - 1)
    return Damaged(raw[:at] + raw[starts[first + 1] :], f"cut in record at {starts[first]}")


def zero_tail(tally: Tally, raw: bytes) -> Damaged:
    """The file got its length and not its last blocks, as after a loss of power."""
    return Damaged(raw[:-ZEROS] + bytes(ZEROS), "its last 4 KB are zero")


def longer_by_zeros(tally: Tally, raw: bytes) -> Damaged:
    """The file is longer than what was written."""
    return Damaged(raw + bytes(ZEROS), "4 KB of zeros behind its end")


def hole(tally: Tally, raw: bytes) -> Damaged:
    """A block in the middle is zero."""
    at = tally.dice.randrange(600, len(raw) - 2 * ZEROS)
    return Damaged(raw[:at] + bytes(ZEROS) + raw[at + ZEROS :], f"a hole at {at}")


def flipped(tally: Tally, raw: bytes) -> Damaged:
    """One bit is another."""
    at, bit = tally.dice.randrange(len(raw)), tally.dice.randrange(8)
    return Damaged(
        raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :], f"bit {bit} of byte {at} flipped"
    )


SEGMENT_DAMAGES: Mapping[str, Hurt] = {
    hurt.__name__: hurt
    for hurt in (torn, torn_and_continued, zero_tail, longer_by_zeros, hole, flipped)
}


def damaged_segments(tally: Tally) -> None:
    """Each kind of damage to a closed segment, before and after it was folded, and to an open one."""
    sound = tally.folder / "sound"
    events = captures.nights(90 if tally.long else 30, count=2, seed=tally.seed)
    captures.lay(sound, captures.by_night(events, 2))
    build(sound, workers=0)
    kinds = list(SEGMENT_DAMAGES.items())
    for name, hurt in kinds if tally.long else tally.dice.sample(kinds, 2):
        times = (6 if name == "flipped" else 3) if tally.long else 1
        for number in range(times):
            place = tally.folder / f"{name}-{number}"
            _closed(tally, sound, place / "closed", hurt, first=True)
            _closed(tally, sound, place / "folded", hurt, first=False)
            _open(tally, sound, place / "open", hurt)
            if not tally.failures:
                shutil.rmtree(place)


def _closed(tally: Tally, sound: Path, data: Path, hurt: Hurt, *, first: bool) -> None:
    """Damage to a closed segment, before the `first` fold or after it."""
    shutil.copytree(sound, data)
    if first:
        for leftover in (*data.glob("*.db*"), *data.glob("*.lock")):
            leftover.unlink()
    path = tally.dice.choice(sorted((data / "warc").glob("*.gz")))
    raw = path.read_bytes()
    done = hurt(tally, raw)
    about = f"{path.name}, {done.about}, {'before' if first else 'after'} the fold"
    path.write_bytes(done.raw)
    places = set(expected_places(raw, done.raw))
    if not first:
        # Before the archive is folded again, its rows point at what is no more.
        if places:
            _verify_names(tally, data, path.name, about)
        else:
            _verify_may_name(tally, data, path.name, about)
    if done.raw != raw and not first:
        try:
            build(data, workers=0)
            tally.expect(False, f"a build took in a segment that has changed: {about}")
        except IntakeError as error:
            tally.expect(path.name in str(error), f"{error} does not name {about}")
    build(data, workers=0, options=Options(accept_loss=True))
    check_index(tally, data, damaged=True)
    check_rebuild(tally, data)
    _same_places(tally, data, path.name, done.raw, places, about)
    if places:
        check_verify(tally, data, {path.name}, known=True)
    tally.figures["damages"] += 1


def _same_places(
    tally: Tally, data: Path, name: str, raw: bytes, places: set[int], about: str
) -> None:
    told = rows(data, "select warc_file, offset from damages")
    tally.none((row for row in told if row[0] != name), f"damages in other files: {about}")
    told_places = {offset for _, offset in told}
    tally.none(places - told_places, f"places that are not told: {about}")
    # Inside a damaged stretch each beginning of a record may be told as well.
    good = {start for start, _ in members(raw)}
    tally.none(told_places & good, f"sound places told as damaged: {about}")


def _verify_names(tally: Tally, data: Path, name: str, about: str) -> None:
    done = called(tally, archive("verify", data, "--all"))
    tally.same(done.status, 1, f"status of verify, {about}, which said {done.said!r}")
    tally.expect(name in done.out + done.err, f"verify does not name {about}: {done.said!r}")


def _verify_may_name(tally: Tally, data: Path, name: str, about: str) -> None:
    """A changed byte that no digest covers, in the head of a gzip member, loses nothing."""
    done = called(tally, archive("verify", data, "--all"))
    tally.expect(
        done.status == 0 or (done.status == 1 and name in done.out + done.err),
        f"verify, {about}: {done.said!r}",
    )


def expected_places(before: bytes, after: bytes) -> Iterator[int]:
    """Where each damaged stretch begins: at the record that is no more whole."""
    # Of what was cut out the rest has moved: the places are those of the file as it is.
    end = 0
    for start, stop in members(after):
        if start > end:
            yield end
        end = stop
    if end < len(after):
        yield end


def members(raw: bytes) -> list[tuple[int, int]]:
    """Where whole gzip members that hold a WARC record begin and end."""
    found = []
    start = raw.find(b"\x1f\x8b\x08")
    while start >= 0:
        unzip = zlib.decompressobj(wbits=31)
        stop = start + 1
        try:
            if unzip.decompress(raw[start:]).startswith(b"WARC/") and unzip.eof:
                stop = len(raw) - len(unzip.unused_data)
                found.append((start, stop))
        except zlib.error:
            pass
        start = raw.find(b"\x1f\x8b\x08", stop)
    return found


def _open(tally: Tally, sound: Path, data: Path, hurt: Hurt) -> None:
    """Damage to a segment whose writer died: what is whole moves on, under its final name."""
    captures_before = shutil.copytree(sound, data) and {_told(one) for one in answers(data)}
    for leftover in (*data.glob("*.db*"), *data.glob("*.lock")):
        leftover.unlink()
    path = tally.dice.choice(sorted((data / "warc").glob("*.gz")))
    raw = path.read_bytes()
    done = hurt(tally, raw)
    about = f"{path.name}.open, {done.about}"
    path.unlink()
    path.with_name(path.name + ".open").write_bytes(done.raw)
    whole = {_told(one) for one in whole_answers(done.raw, path.name)}
    lost = {_told(one) for one in whole_answers(raw, path.name)} - whole
    recover(data)
    recover(data)
    tally.none(data.glob("**/*.open"), f"left open: {about}")
    tally.same(
        {_told(one) for one in answers(data, (".warc.gz",))},
        captures_before - lost,
        f"answers after recovery: {about}",
    )
    build(data, workers=0)
    check_index(tally, data)
    check_rebuild(tally, data)
    tally.figures["recoveries"] += 1


def _told(one: Answer) -> tuple[str, str, str, str]:
    return (one.url, one.fetched_at, one.digest, one.kind)


GARBAGE: Mapping[str, Callable[[list[bytes]], bytes]] = {
    "a torn last line": lambda lines: b"".join(lines)[:-40],
    "a torn line in the middle": lambda lines: b"".join([*lines[:5], lines[5][:30], *lines[5:]]),
    "no UTF-8": lambda lines: b"".join([*lines[:3], b"\xff\xfe{\x80}\n", *lines[3:]]),
    "zeros at the end": lambda lines: b"".join(lines) + bytes(ZEROS),
    "a line of zeros": lambda lines: b"".join([*lines[:7], bytes(ZEROS) + b"\n", *lines[7:]]),
    "a hole": lambda lines: _with_hole(b"".join(lines)),
    "JSON of another kind": lambda lines: b"".join(
        [*lines[:4], b'[1]\n"x"\nnull\n{"kind":"report"}\n', *lines[4:]]
    ),
    "a bomb": lambda lines: b"".join([*lines[:4], b"[" * 200_000 + b"\n", *lines[4:]]),
}


def _with_hole(raw: bytes) -> bytes:
    middle = len(raw) // 2
    return raw[:middle] + bytes(ZEROS) + raw[middle + ZEROS :]


def damaged_sightings(tally: Tally) -> None:
    """Lines that nobody can read, in closed files and in open ones: the others count."""
    sound = tally.folder / "sound"
    events = captures.nights(60 if tally.long else 20, count=2, seed=tally.seed)
    captures.lay(sound, captures.by_night(events))
    # An order in which nothing shows that is not told by the lines themselves.
    kinds = list(GARBAGE.items())
    for name, spoil in kinds if tally.long else tally.dice.sample(kinds, 3):
        for is_open in (False, True):
            data = shutil.copytree(sound, tally.folder / "spoilt")
            path = sorted((data / "sightings").glob("*.jsonl"))[-1]
            raw = spoil(path.read_bytes().splitlines(keepends=True))
            about = f"{path.name}, {'open' if is_open else 'closed'}, with {name}"
            path.unlink()
            written = path.with_name(path.name + ".open") if is_open else path
            written.write_bytes(raw)
            if is_open:
                recover(data)
                tally.none(data.glob("**/*.open"), f"left open: {about}")
                found = path.read_bytes() if path.exists() else b""
                tally.none(
                    set(readable(raw)) - set(readable(found)),
                    f"whole lines that recovery threw away: {about}",
                )
                path.write_bytes(b"".join(readable(raw)))
            summary = build(data, workers=0)
            if not is_open:
                bad = [line for line in summary.bad_lines if path.name in line]
                tally.expect(bool(bad), f"no line is told to be bad: {about}")
                check_verify(tally, data, {path.name}, known=True)
            clean = shutil.copytree(data, tally.folder / "clean")
            for file in (clean / "sightings").glob("*.jsonl"):
                file.write_bytes(b"".join(readable(file.read_bytes())))
            for leftover in clean.glob("*.db*"):
                leftover.unlink()
            build(clean, workers=0)
            check_equal(tally, data, clean, f"rows: {about}", places=False)
            tally.figures["spoilt files"] += 1
            shutil.rmtree(clean)
            shutil.rmtree(data)


def readable(raw: bytes) -> list[bytes]:
    """The whole lines that hold an object that says what it is."""
    found = []
    for line in raw.split(b"\n")[:-1]:
        try:
            said = json.loads(line)
            if isinstance(said, dict) and "night" in said:
                found.append(line + b"\n")
        except (ValueError, RecursionError):
            continue
    return found


def spoilt_memory(tally: Tally) -> None:
    """What can be made again may be deleted, cut or overwritten at any time."""
    data = tally.folder / "data"
    events = captures.nights(40, count=2, seed=tally.seed)
    captures.lay(data, captures.by_night(events))
    build(data, workers=0)
    sound = dump(data)
    for name in ("fold.db", "nianbao.db"):
        path = data / name
        raw = path.read_bytes()
        spoils = {
            "deleted": b"",
            "empty": b"",
            "half": raw[: len(raw) // 2],
            "no database": b"no database at all" * 300,
            "with a hole": raw[:4096] + bytes(8192) + raw[12288:],
        }
        kinds = list(spoils.items())
        for about, content in kinds if tally.long else [tally.dice.choice(kinds)]:
            path.unlink() if about == "deleted" else path.write_bytes(content)
            done = called(tally, archive("build", data))
            said = f"{name} {about}: {done.said!r}"
            tally.expect("Traceback" not in done.err, f"traceback with {said}")
            if done.status:
                # Then one sentence that says what to do, and it helps.
                tally.expect("--rebuild" in done.err, f"no help with {said}")
                called(tally, archive("build", data, "--rebuild"))
            try:
                tally.expect(dump(data) == sound, f"other rows with {said}")
            except sqlite3.Error as error:
                tally.expect(False, f"no archive with {said}: {error}")
            tally.figures["spoils"] += 1
