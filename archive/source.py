"""Which files of this program decide a result? Their digest tells it from other programs."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

HERE = Path(__file__).parent
SUFFIXES = (".py", ".json", ".csv", ".gz")
# What people review counts by what it says, where that is asked, and not as part of the program.
REVIEWED = ("corrections.csv", "takedowns.csv")


def digest(left_out: Collection[str] = ()) -> str:
    """The SHA-256, in hex, of all modules and tables but those that are `left_out`, by the name of
    their file, without its ending, or of a folder they are in."""
    sha256 = hashlib.sha256()
    for path in sorted(HERE.rglob("*")):
        names = {part.partition(".")[0] for part in path.relative_to(HERE).parts}
        if path.suffix in SUFFIXES and path.name not in REVIEWED and names.isdisjoint(left_out):
            sha256.update(path.read_bytes())
    return sha256.hexdigest()
