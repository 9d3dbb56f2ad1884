"""What did a scenario do and find? Figures to print, and failures with what they are about."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

# A broken invariant is broken in many places at once; the first ones tell.
MOST_SHOWN = 12


class Skipped(Exception):
    """A scenario cannot be played on this machine; the message names what is missing."""


@dataclass
class Tally:
    """The account of one scenario, played in `folder` with dice of its own.

    `long` is the form of `make torture`, otherwise it is the one of `make test`.
    """

    name: str
    folder: Path
    seed: int
    long: bool = False
    figures: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    """Parts that this machine could not play, and why."""

    def __post_init__(self) -> None:
        self.dice = random.Random(f"{self.seed} {self.name}")

    def expect(self, holds: bool, what: str) -> bool:
        """Count a check; one that does not hold is a failure, and the scenario goes on."""
        self.figures["checks"] += 1
        if not holds and what not in self.failures:
            self.failures.append(what)
        return holds

    def same(self, found: object, expected: object, what: str) -> bool:
        """Count a comparison; says both where they differ."""
        return self.expect(
            found == expected, f"{what}: {_short(found)} instead of {_short(expected)}"
        )

    def none(self, found: Iterable[object], what: str) -> bool:
        """Count a check that nothing was found; says what was."""
        listed = sorted(map(repr, found))
        return self.expect(not listed, f"{what} ({len(listed)}): {_short(listed[:4])}")

    def line(self) -> str:
        """One line of figures."""
        said = ", ".join(f"{count} {name}" for name, count in sorted(self.figures.items()))
        verdict = f"{len(self.failures)} FAILED" if self.failures else "ok"
        return f"{self.name}: {verdict}; seed {self.seed}; {said or 'nothing was done'}"

    def failed(self) -> str:
        """The failures, and where what they are about lies."""
        shown = "\n".join(f"  - {failure}" for failure in self.failures[:MOST_SHOWN])
        more = len(self.failures) - MOST_SHOWN
        rest = f"\n  … and {more} more" if more > 0 else ""
        return f"{self.line()}\n{shown}{rest}\n  left in {self.folder}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 700 else text[:700] + " …"
