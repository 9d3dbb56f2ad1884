"""Is a file of sightings what it was when it was recorded, and every line of it whole?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator

from archive.shelf import Kept, Shelf
from archive.verify.problems import Problem
from archive.verify.segments import Recorded

FOLDER, SUFFIX = "sightings", ".jsonl"
RESTORE = "restore it from the backup, then run `python -m archive build`"


def check_lines(
    shelf: Shelf, kept: Kept, recorded: Iterable[Recorded]
) -> tuple[str, list[Problem]]:
    """The SHA-256 of a closed file of sightings, and what is off with it."""
    where = f"{FOLDER}/{kept.name}"
    sha256, damaged = hashlib.sha256(), []
    try:
        with shelf.open(FOLDER, kept.name) as file:
            for number, line in enumerate(file, start=1):
                sha256.update(line)
                if not _is_whole(line):
                    damaged.append(number)
    except OSError as error:
        why = (str(error), "check the disk or the store it lies on, then verify again")
        return "", [Problem("sightings-unreadable", where, "it cannot be read", *why)]
    found = sha256.hexdigest()
    changed = next((one for one in recorded if one.sha256 != found), None)
    return found, list(_told(where, found, changed, damaged))


def _is_whole(line: bytes) -> bool:
    try:
        return line.endswith(b"\n") and (not line.strip() or isinstance(json.loads(line), dict))
    except (ValueError, RecursionError):
        return False


def _told(
    where: str, found: str, changed: Recorded | None, damaged: list[int]
) -> Iterator[Problem]:
    if damaged:
        numbers = ", ".join(map(str, damaged[:10])) + (", …" if len(damaged) > 10 else "")
        what = f"{len(damaged)} of its lines are damaged"
        yield Problem("sightings-damaged", where, what, f"line {numbers} is no JSON", RESTORE)
    elif changed:
        why = f"{changed.by} records SHA-256 {changed.sha256}, found {found}"
        yield Problem("sightings-changed", where, "its bytes changed", why, RESTORE)
