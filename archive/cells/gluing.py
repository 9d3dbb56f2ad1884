"""Which numbers were run together? Digits and identities -> the one split that fits. Pure.

Pastes lose what parts cells: 「本年新收…数量81010010」. A number begins with 0 only if it is 0, a
row's total is the sum of its parts, and the columns must balance; what several splits satisfy
stays undecided, and so does every row of a table that leaves cells blank. Where none satisfies
all, the page may be wrong in one cell: then the split is taken that a single wrong cell explains.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, product
from math import prod
from operator import add, sub

from archive.cells.labels import DISPUTE_BLOCKS, DISPUTE_RESULTS, REQUEST_ROWS
from archive.form import COLUMNS

Numbers = tuple[int, ...]
# The values of a row as far as they are certain, None for the others.
Told = tuple[str | None, ...]

BALANCE = ("received_new", "carried_in", "concluded_total", "carried_out")
LEAVES = tuple(row for row in REQUEST_ROWS if row not in BALANCE)
NOTHING: Numbers = (0,) * len(COLUMNS)
LONGEST_NUMBER = 9
# Beyond these the digits are left alone: no real row has so many, and each costs time.
MOST_DIGITS = 40
MOST_SPLITS = 4_000
MOST_TRIALS = 100_000


def digits(values: Sequence[str]) -> int:
    """How many digits the printed values have; 0 where one of them is no plain number."""
    return sum(map(len, values)) if all(v.isascii() and v.isdigit() for v in values) else 0


def is_run_together(values: Sequence[str], count: int) -> bool:
    """Are the values of a row of `count` cells certainly several numbers each?

    Where something parts most of them, a row may rather be short of a blank cell; but no number
    begins with 0.
    """
    return 2 * len(values) <= count or any(len(v) > 1 and v.startswith("0") for v in values)


def splits(values: Sequence[str], count: int) -> Iterator[Numbers]:
    """Every way to read the values as `count` numbers; a space between values parts numbers."""
    text, ends = "".join(values), _ends(values)
    return _splits(text, ends, 0, count)


def _splits(text: str, ends: frozenset[int], start: int, count: int) -> Iterator[Numbers]:
    if count == 0:
        if start == len(text):
            yield ()
        return
    for stop in _stops(text, ends, start):
        if len(text) - stop < count - 1:
            break
        for rest in _splits(text, ends, stop, count - 1):
            yield (int(text[start:stop]), *rest)


def _ends(values: Sequence[str]) -> frozenset[int]:
    """Where the values end in their joined text: no number goes on past such a place."""
    ends: list[int] = []
    for value in values:
        ends.append((ends[-1] if ends else 0) + len(value))
    return frozenset(ends)


def _stops(text: str, ends: frozenset[int], start: int) -> Iterator[int]:
    """Where a number that begins at `start` may end."""
    for stop in range(start + 1, min(len(text), start + LONGEST_NUMBER) + 1):
        yield stop
        if stop in ends or text[start] == "0":
            return


def summed_splits(values: Sequence[str], count: int) -> Iterator[Numbers]:
    """The ways to read the values as `count` numbers of which the last is the sum."""
    text, ends = "".join(values), _ends(values)
    for start in range(max(count - 1, len(text) - LONGEST_NUMBER), len(text)):
        if len(text) in set(_stops(text, ends, start)):
            total = int(text[start:])
            head = ends.intersection(range(start)) | {start}
            for parts in _parts(text[:start], frozenset(head), 0, count - 1, total):
                yield (*parts, total)


def _parts(
    text: str, ends: frozenset[int], start: int, count: int, total: int
) -> Iterator[Numbers]:
    if count == 0:
        if start == len(text) and total == 0:
            yield ()
        return
    if len(text) - start > count * len(str(total)):
        return
    for stop in _stops(text, ends, start):
        number = int(text[start:stop])
        if number > total or len(text) - stop < count - 1:
            break
        for rest in _parts(text, ends, stop, count - 1, total - number):
            yield (number, *rest)


# --- the second table -----------------------------------------------------------------------------


def split_requests(
    whole: Mapping[str, Sequence[int]], glued: Mapping[str, Sequence[str]]
) -> dict[str, Told]:
    """What the glued rows of the second table say, given the rows that can be read.

    `whole` has the seven numbers of a row, `glued` the values printed for one. A row that the
    table does not print, or prints empty, adds nothing to the sums.
    """
    width = len(COLUMNS)
    lengths = {row: digits(values) for row, values in glued.items()}
    if not all(width <= length <= MOST_DIGITS for length in lengths.values()):
        return {}
    if not glued or not all(is_run_together(values, width) for values in glued.values()):
        return {}
    rows = {row: [tuple(numbers)] for row, numbers in whole.items()}
    for row, values in glued.items():
        rows[row] = list(islice(summed_splits(values, width), MOST_SPLITS))
    found = _fitting(rows) or _with_one_wrong_cell(rows, glued)
    told = {}
    for row in glued:
        candidates = found.get(row, [])
        if not candidates and lengths[row] == width:
            candidates = rows[row]
        if candidates:
            told[row] = _common(candidates)
    return told


def _common(candidates: Sequence[Numbers]) -> Told:
    return tuple(
        str(numbers[0]) if len(set(numbers)) == 1 else None
        for numbers in zip(*candidates, strict=True)
    )


def _plus(one: Numbers, other: Numbers) -> Numbers:
    return tuple(map(add, one, other))


def _minus(one: Numbers, other: Numbers) -> Numbers:
    return tuple(map(sub, one, other))


def _fitting(rows: Mapping[str, Sequence[Numbers]]) -> dict[str, list[Numbers]]:
    """For each row those of its candidates that take part in a solution of all identities."""
    if not all(rows.values()):
        return {}
    balanced = list(_balanced(rows))
    goals = {concluded for _, _, concluded, _ in balanced}
    leaves = [row for row in LEAVES if row in rows]
    most = tuple(map(max, zip(*goals, strict=True))) if goals else NOTHING
    layers: list[set[Numbers]] = [{NOTHING}]
    for row in leaves:
        if len(layers[-1]) * len(rows[row]) > MOST_TRIALS:
            return {}
        sums = {_plus(before, candidate) for before in layers[-1] for candidate in rows[row]}
        layers.append({total for total in sums if min(_minus(most, total)) >= 0})
    wanted = goals & layers[-1]
    if not wanted:
        return {}
    kept = [combination for combination in balanced if combination[2] in wanted]
    columns = zip(*kept, strict=True)
    found = {
        row: list(dict.fromkeys(numbers)) for row, numbers in zip(BALANCE, columns, strict=True)
    }
    for row, before in zip(reversed(leaves), reversed(layers[:-1]), strict=True):
        steps = [
            (candidate, start)
            for candidate in rows[row]
            for total in wanted
            if (start := _minus(total, candidate)) in before
        ]
        found[row] = list(dict.fromkeys(candidate for candidate, _ in steps))
        wanted = {start for _, start in steps}
    return found


def _balanced(rows: Mapping[str, Sequence[Numbers]]) -> Iterator[tuple[Numbers, ...]]:
    """The readings of the four rows of BALANCE that satisfy it."""
    received, carried_in, concluded, carried_out = (rows.get(row, [NOTHING]) for row in BALANCE)
    if len(received) * len(carried_in) * len(carried_out) > MOST_TRIALS:
        return
    printed = set(concluded)
    for new, old, later in product(received, carried_in, carried_out):
        done = _minus(_plus(new, old), later)
        if done in printed:
            yield new, old, done, later


def _with_one_wrong_cell(
    rows: Mapping[str, Sequence[Numbers]], glued: Mapping[str, Sequence[str]]
) -> dict[str, list[Numbers]]:
    """The one reading of all rows in which a single printed cell is not what the others demand.

    If another reading needs two wrong cells, either may be what is printed.
    """
    solutions: list[tuple[int, dict[str, Numbers]]] = []
    for wrong in rows:
        own = (
            list(islice(splits(glued[wrong], len(COLUMNS)), MOST_SPLITS))
            if wrong in glued
            else rows[wrong]
        )
        others = {row: candidates for row, candidates in rows.items() if row != wrong}
        if prod(map(len, others.values())) * len(own) > MOST_TRIALS:
            return {}
        for readings in product(*others.values()):
            reading = dict(zip(others, readings, strict=True))
            demanded = _demanded(wrong, reading)
            if demanded is None:
                continue
            for numbers in own:
                if 0 < (wrong_cells := sum(map(bool, _minus(numbers, demanded)))) <= 2:
                    solutions.append((wrong_cells, {**reading, wrong: numbers}))
        if len(solutions) > 1:
            return {}
    if not solutions or solutions[0][0] > 1:
        return {}
    return {row: [numbers] for row, numbers in solutions[0][1].items()}


def _demanded(wrong: str, reading: Mapping[str, Numbers]) -> Numbers | None:
    """What a row must say for all identities to hold; None where the others already break one."""
    new, old, done, later = (reading.get(row, NOTHING) for row in BALANCE)
    leaves = NOTHING
    for row, numbers in reading.items():
        if row not in BALANCE:
            leaves = _plus(leaves, numbers)
    demands = {
        "received_new": (_minus(_plus(done, later), old), leaves, done),
        "carried_in": (_minus(_plus(done, later), new), leaves, done),
        "concluded_total": (leaves, leaves, _minus(_plus(new, old), later)),
        "carried_out": (_minus(_plus(new, old), done), leaves, done),
    }
    demanded, one, other = demands.get(
        wrong, (_minus(done, leaves), done, _minus(_plus(new, old), later))
    )
    return demanded if one == other and min(demanded) >= 0 else None


# --- the other tables -----------------------------------------------------------------------------


def split_disputes(values: Sequence[str]) -> Told:
    """What the 15 glued figures of the third table say; () where nothing can be told.

    Each of its three blocks ends with its sum. No other identity bears a split out, so all three
    must hold: 15 digits may as well be fewer cells and a blank.
    """
    blocks, width = len(DISPUTE_BLOCKS), len(DISPUTE_RESULTS)
    cells = blocks * width
    if not cells <= digits(values) <= MOST_DIGITS or not is_run_together(values, cells):
        return ()
    text, ends = "".join(values), _ends(values)
    # Place in the text -> the readings that lead there.
    reached: dict[int, list[Numbers]] = {0: [()]}
    for block in range(blocks):
        further: dict[int, list[Numbers]] = {}
        for start, readings in reached.items():
            for numbers, stop in _blocks(text, ends, start, width):
                if sum(numbers[:-1]) != numbers[-1]:
                    continue
                if len(text) - stop < (blocks - block - 1) * width:
                    continue
                place = further.setdefault(stop, [])
                place += [(*reading, *numbers) for reading in readings]
                if len(place) > MOST_SPLITS:
                    return ()
        reached = further
    sound = reached.get(len(text), [])
    return _common(sound) if sound else ()


def _blocks(
    text: str, ends: frozenset[int], start: int, count: int
) -> Iterator[tuple[Numbers, int]]:
    if count == 0:
        yield (), start
        return
    for stop in _stops(text, ends, start):
        for rest, end in _blocks(text, ends, stop, count - 1):
            yield (int(text[start:stop]), *rest), end


def split_zeros(values: Iterable[str], count: int) -> Told:
    """Zeros run together, as many as there are cells: no other digits can be told apart without
    an identity, because a cell may be blank. () where nothing can be told."""
    text = "".join(chain(values))
    return tuple(text) if text == "0" * count else ()
