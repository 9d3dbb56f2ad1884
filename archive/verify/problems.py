"""What is off, where, why, and what to do about it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

# Of one kind at one place so many are told one by one; the rest is a number.
MOST = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to be told. `kind` is a stable word for programs.

    A `is_note` is in order: it tells what the next crawl or build mends, or what is known already.
    """

    kind: str
    where: str
    what: str
    why: str
    remedy: str
    is_note: bool = False

    def __str__(self) -> str:
        begin = "note: " if self.is_note else ""
        return f"{begin}{self.where}: {self.what} ({self.why}); {self.remedy}"


def note(kind: str, where: str, what: str, why: str, remedy: str) -> Problem:
    """A problem that is none: what is known, or what mends itself."""
    return Problem(kind, where, what, why, remedy, is_note=True)


def bounded(problems: Iterable[Problem], most: int = MOST) -> Iterator[Problem]:
    """The first problems of one kind, and how many more there are, as one more of that kind."""
    all_of_them = iter(problems)
    last = None
    for last in islice(all_of_them, most):
        yield last
    more = sum(1 for _ in all_of_them)
    if more and last:
        yield Problem(
            last.kind,
            last.where.partition(" at ")[0],
            f"{more} more like the last",
            last.why,
            last.remedy,
            last.is_note,
        )
