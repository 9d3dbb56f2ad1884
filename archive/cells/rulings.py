"""Which empty cells does running text tell? Whole rows -> what parts cells -> the other rows. Pure.

Text of a table keeps its blank cells only where something stands between cells that stands
nowhere else: tabs, pipes, empty lines. What that is, the table's whole rows say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from archive.cells.labels import DISPUTE_KEYS, GROUP, LEAF
from archive.cells.runs import Run
from archive.cells.values import is_bare_value
from archive.form import COLUMNS

# Two rows of numbers may stand in prose.
FEWEST_ROWS = 3


@dataclass(frozen=True, slots=True)
class Ruling:
    """What parts the cells of a table's whole rows: then empty cells can be told as well.

    `before` stands between a label and its first cell, by the kind of label (an item is one
    column further in than its group); `after` between a row's last cell and the next label.
    """

    separator: str
    before: Mapping[str, str]
    after: frozenset[str]

    def row(self, run: Run) -> tuple[str, ...] | None:
        """The seven cells of a row of the second table."""
        before = self.before.get(_kind(run.label))
        return None if before is None else self._cells(run.gap, len(COLUMNS), [before])

    def disputes(self, run: Run) -> tuple[str, ...] | None:
        """The 15 cells below headings: only where line breaks part cells, as they part rows."""
        if self.separator.strip("\r\n"):
            return None
        return self._cells(run.gap, len(DISPUTE_KEYS), self.after)

    def _cells(self, gap: str, count: int, before: Iterable[str]) -> tuple[str, ...] | None:
        gap = _ruled(gap)
        found = set()
        for first in before:
            for last in self.after:
                inner = gap[len(first) : len(gap) - len(last)]
                if first + inner + last == gap:
                    cells = tuple(inner.split(self.separator))
                    # Pipes at a row's end may fill up one whose empty cells were left out.
                    if "|" in self.separator and not cells[-1] and any(cells):
                        continue
                    if len(cells) == count and all(map(is_bare_value, cells)):
                        found.add(cells)
        return found.pop() if len(found) == 1 else None


def learn_ruling(rows: Sequence[Run]) -> Ruling | None:
    """The ruling of a table, if all its whole rows have the same one."""
    separators: set[str] = set()
    after: set[str] = set()
    before: dict[str, str] = {}
    for run in rows:
        pieces = re.split(r"([\t\r\n|]+)", _ruled(run.gap))
        # Nothing, then a separator and a value in turn, then what follows the row.
        if pieces[0] or pieces[-1] or len(pieces) != 2 * len(run.values) + 3:
            return None
        first, *between, last = pieces[1::2]
        if before.setdefault(_kind(run.label), first) != first:
            return None
        separators |= set(between)
        after.add(last)
    # A line of its own may be a page's number.
    if len(rows) < FEWEST_ROWS or len(separators) != 1 or separators <= {"\n", "\r", "\r\n"}:
        return None
    return Ruling(separators.pop(), before, frozenset(after))


def _kind(label: str) -> str:
    return next((mark for mark in reversed(label) if mark in {LEAF, GROUP}), "")


def _ruled(gap: str) -> str:
    """Spaces beside pipes mean nothing, and neither do spaces beside tabs and line breaks."""
    return re.sub(r"\s+", "", gap) if "|" in gap else re.sub(r"[^\S\t\r\n]+", "", gap)
