"""The same captures in any order, division and repetition of files, folded at once or bit by bit."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from archive.build import build
from tests.torture import captures, commands
from tests.torture.invariants import (
    TRUTH,
    answers,
    check_acknowledged,
    check_equal,
    check_index,
    check_rebuild,
    rows,
)
from tests.torture.tally import Tally


def orders(tally: Tally) -> None:
    """At least 2,000 captures over three nights in the long form, against one plain fold."""
    dice = tally.dice
    events = captures.nights(700 if tally.long else 40, seed=tally.seed)
    whole = tally.folder / "whole"
    captures.lay(whole, captures.by_night(events))
    _fold(tally, whole)
    check_acknowledged(tally, whole)
    check_index(tally, whole)
    tally.expect(not tally.long or len(answers(whole)) >= 2_000, "fewer than 2,000 captures")
    tally.figures["reports"] = rows(whole, "select count(*) from reports")[0][0]
    tally.figures["versions"] = rows(whole, "select count(*) from versions")[0][0]

    divisions = {
        "in 2 shards": captures.by_night(events, 2),
        "in 5 shards": captures.by_night(events, 5),
        "dealt by chance": captures.cut(events, 7, dice),
        "with repetitions": captures.cut(list(captures.repeated(events, 0.2, dice)), 3, dice),
    }
    for what, files in divisions.items() if tally.long else list(divisions.items())[2:]:
        data = tally.folder / "divided"
        stems = captures.lay(data, files)
        _rename(tally, data, stems)
        _fold(tally, data)
        check_index(tally, data)
        _same(tally, whole, data, what)
        shutil.rmtree(data)

    # A file that was copied under another name holds nothing new.
    data = _copy(whole, tally.folder / "doubled")
    for path in sorted((data / "warc").glob("*.gz")):
        shutil.copy(path, path.with_name(f"20280101T000000Z-{dice.randbytes(3).hex()}.warc.gz"))
    _fold(tally, data)
    _same(tally, whole, data, "with every segment doubled")
    shutil.rmtree(data)

    if tally.long:
        _bit_by_bit(tally, whole, "night by night", shuffled=False, kills=0)
    _bit_by_bit(tally, whole, "killed in the middle", shuffled=False, kills=4 if tally.long else 1)
    pieces = tally.folder / "pieces"
    captures.lay(pieces, captures.cut(events, 12 if tally.long else 3, dice))
    _fold(tally, pieces)
    _same(tally, whole, pieces, "in pieces")
    _bit_by_bit(tally, pieces, "arriving in any order", shuffled=True, kills=0)
    if tally.long:
        _bit_by_bit(tally, pieces, "in any order and killed", shuffled=True, kills=2)


def _bit_by_bit(tally: Tally, whole: Path, what: str, *, shuffled: bool, kills: int) -> None:
    """Fold the files of a folder as they arrive; the result is equal, places included."""
    data = tally.folder / "bits"
    # Ids are minted in the order in which bodies are met: where that order is another one, the
    # ledger is given, as one is that was restored.
    (data / "warc").mkdir(parents=True)
    (data / "sightings").mkdir()
    if shuffled:
        shutil.copy(whole / "ledger.csv", data)
    stems = [path.name.split(".")[0] for path in sorted((whole / "warc").glob("*.gz"))]
    arriving = [(folder, stem) for stem in stems for folder in ("sightings", "warc")]
    if shuffled:
        # Even the lines of a segment may come in another hour than its captures.
        tally.dice.shuffle(arriving)
    step = len(arriving) // 4 or 2
    for begin in range(0, len(arriving), step - step % 2 or 2):
        for folder, stem in arriving[begin : begin + (step - step % 2 or 2)]:
            (path,) = (whole / folder).glob(f"{stem}.*")
            shutil.copy(path, data / folder)
        for _ in range(kills):
            _kill(tally, data)
        _fold(tally, data)
        check_index(tally, data)
        tally.figures["folds"] += 1
    check_equal(tally, whole, data, what)
    check_rebuild(tally, data)
    _same_ledger(tally, whole, data, what)
    shutil.rmtree(data)


def _kill(tally: Tally, data: Path) -> None:
    command = commands.archive("build", data)
    with commands.FileEvents(data) as events:
        number = tally.dice.randrange(1, 400 if tally.long else 60)
        if commands.kill(command, lambda: events.seen() >= number, whole=tally.dice.random() < 0.5):
            tally.figures["kills"] += 1


def _fold(tally: Tally, data: Path) -> None:
    # Workers cost a second to start: more than so few documents.
    build(data, workers=2 if tally.long else 0)


def _same(tally: Tally, whole: Path, data: Path, what: str) -> None:
    check_equal(tally, whole, data, what, places=False)
    _same_ledger(tally, whole, data, what)
    tally.figures["divisions"] += 1


def _same_ledger(tally: Tally, whole: Path, data: Path, what: str) -> None:
    # Its lines stand in the order of the folds that minted them.
    ledgers = [
        sorted((folder / "ledger.csv").read_text("utf-8").splitlines()) for folder in (whole, data)
    ]
    tally.none(set(ledgers[0]) ^ set(ledgers[1]), f"ledger lines that differ, {what}")
    tally.same(len(ledgers[1]), len(set(ledgers[1])), f"ledger lines, each once, {what}")


def _rename(tally: Tally, data: Path, stems: Sequence[str]) -> None:
    """Give files names that do not tell their age."""
    for stem in stems:
        other = f"2027{tally.dice.randrange(100, 1300):04d}T000000Z-{tally.dice.randbytes(3).hex()}"
        for folder, suffix in (("warc", ".warc.gz"), ("sightings", ".jsonl")):
            (data / folder / f"{stem}{suffix}").rename(data / folder / f"{other}{suffix}")


def _copy(data: Path, to: Path) -> Path:
    for name in TRUTH[:2]:
        shutil.copytree(data / name, to / name)
    return to
