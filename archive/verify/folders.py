"""What lies beside the closed files: is it in progress, left over, set aside, foreign?"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from archive.shelf import is_utf8, printable
from archive.verify.problems import Problem, note

FOLDERS = {"warc": ".warc.gz", "sightings": ".jsonl"}
OPEN, DAMAGED, MENDED = ".open", ".damaged", ".mended"
# A file younger than this may not be locked yet by the process that has just made it; to try the
# lock at that moment would stop that process.
YOUNG_SECONDS = 60


def leftovers(data: Path) -> Iterator[Problem]:
    """Everything in the folders that is no closed file and that no living process holds."""
    for folder, suffix in FOLDERS.items():
        for entry in _entries(data / folder):
            name, where = entry.name, f"{folder}/{printable(entry.name)}"
            if name.startswith("."):
                continue
            if unusable := _unusable(entry, suffix):
                yield Problem("unexpected-file", where, *unusable)
            elif name.endswith(suffix):
                continue
            elif name.endswith(suffix + OPEN):
                if not _in_progress(Path(entry.path)):
                    yield note(
                        *("leftover", where, "a killed crawl left it open"),
                        *("no process holds it", "the next crawl mends it"),
                    )
            elif name.endswith(suffix + DAMAGED):
                yield note(
                    *("set-aside", where, "a damaged file was set aside"),
                    "what was sound in it is kept elsewhere",
                    f"`python -m archive salvage {data / where}` lists what it lost",
                )
            elif name.endswith(suffix + MENDED):
                if not _in_progress(Path(entry.path)):
                    yield note(
                        *("leftover", where, "an interrupted recovery left it"),
                        *("no process holds it", "the next crawl writes it again"),
                    )
            else:
                yield Problem(
                    *("unexpected-file", where, "nothing of ours has such a name"),
                    f"files here are NAME{suffix}",
                    "move it out of the folder of captures",
                )


def _unusable(entry: os.DirEntry[str], suffix: str) -> tuple[str, str, str] | None:
    """What is wrong with an entry whatever its name, why, and what to do; None where it is a file
    whose name can be kept."""
    out = "move it out of the folder of captures"
    if not is_utf8(entry.name):
        return "its name is no UTF-8", f"files here are NAME{suffix}; build leaves it out", out
    if entry.is_symlink() and not Path(entry.path).exists():
        where = printable(os.readlink(entry.path))
        return (
            "it is a broken link",
            f"it leads to {where}, and nothing is there",
            ("mount what it leads to, or put the file in its place from the backup"),
        )
    if entry.is_dir():
        return "it is a folder, not a file", f"files here are NAME{suffix}", out
    if not entry.is_file():
        return "it is no regular file", f"files here are NAME{suffix}", out
    return None


def is_set_aside(folder: Path, name: str) -> bool:
    """Whether a file was taken out of use under its name and `.damaged`."""
    return (folder / (name + DAMAGED)).exists()


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []


def _in_progress(path: Path) -> bool:
    """Whether a living process holds a file, or has just made it."""
    try:
        if time.time() - path.stat().st_mtime < YOUNG_SECONDS:
            return True
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, FileNotFoundError):
        return True
    return False
