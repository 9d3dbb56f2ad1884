"""Files that people write and review: UTF-8, a header, then one entry of CSV a line.

Every error is of the kind the caller names, says which line is meant and what to do.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar

Entries = TypeVar("Entries")


def read_file(
    path: Path,
    option: str,
    read: Callable[[Iterable[str]], Entries],
    wrong: type[ValueError],
) -> Entries:
    """What `read` makes of the lines of a file; `option` is how another file is given."""
    try:
        return read(path.read_text(encoding="utf-8-sig").split("\n"))
    except OSError as error:
        raise wrong(f"{path}: {error.strerror}. Give {option} FILE.") from error
    except UnicodeDecodeError as error:
        raise wrong(f"{path} is not UTF-8 ({error}): save it as UTF-8.") from error
    except wrong as error:
        raise wrong(f"{path}: {error}") from error


def entries(
    lines: Iterable[str], header: Sequence[str], what: str, wrong: type[ValueError]
) -> Iterator[tuple[int, list[str]]]:
    """The number of each line, from 1, and its fields without the blanks around them; blank lines
    and lines that begin with # say nothing. `what` is what an entry is called."""
    expected = f"expected {','.join(header)}"
    has_header = False
    for number, line in enumerate(lines, start=1):
        line = line.removesuffix("\r")
        if not line.strip() or line.startswith("#"):
            continue
        try:
            (row,) = csv.reader([line], strict=True)
        except (csv.Error, ValueError) as error:
            raise wrong(
                f"line {number}: {error}; a {what} is one line, and quotes come in pairs"
            ) from error
        if not has_header:
            if tuple(row) != tuple(header):
                raise wrong(f"line {number}: {expected}, found {line[:80]!r}")
            has_header = True
            continue
        if len(row) != len(header):
            raise wrong(
                f"line {number} has {len(row)} fields, not {len(header)}: quote those that "
                f"contain a comma: {line[:80]!r}"
            )
        yield number, [part.strip() for part in row]
    if not has_header:
        raise wrong(f"line 1: {expected}, found nothing")


def is_day(text: str) -> bool:
    """Whether a text is a date like 2026-11-22."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
