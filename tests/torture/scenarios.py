"""The scenarios by name, and how one is played."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.torture.boundaries import boundaries
from tests.torture.clocks import clocks
from tests.torture.damage import damaged_segments, damaged_sightings, spoilt_memory
from tests.torture.full_disk import file_limit, full_disk, small_segments
from tests.torture.kills import random_kills
from tests.torture.orders import orders
from tests.torture.refusals import refused_builds, refused_crawls
from tests.torture.tally import Skipped, Tally

SCENARIOS: Mapping[str, Callable[[Tally], None]] = {
    "kills": random_kills,
    "boundaries": boundaries,
    "refused-builds": refused_builds,
    "refused-crawls": refused_crawls,
    "full-disk": full_disk,
    "file-limit": file_limit,
    "small-segments": small_segments,
    "clocks": clocks,
    "orders": orders,
    "segments": damaged_segments,
    "sightings": damaged_sightings,
    "memory": spoilt_memory,
}


def play(name: str, folder: Path, seed: int, *, long: bool) -> Tally:
    """The account of a scenario; what it stumbles over is a failure of its own."""
    tally = Tally(name, folder, seed, long)
    try:
        SCENARIOS[name](tally)
    except Skipped as why:
        tally.skipped.append(str(why))
    except Exception:
        tally.failures.append(f"it broke off: {traceback.format_exc()[-3_000:]}")
    return tally
