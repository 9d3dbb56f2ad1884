"""python -m tests.torture.writer DATA ACKNOWLEDGED SEED: write a small segment as a crawl does.

Whatever is written down in ACKNOWLEDGED was called captured.
"""

from __future__ import annotations

import sys
from pathlib import Path

from crawler.capture import Segment
from tests.torture import captures


def main(data: Path, acknowledged: Path, seed: int) -> None:
    """Two segments of some events each."""
    events = captures.nights(6, count=1, seed=seed)
    with acknowledged.open("a", buffering=1) as told:
        for part in (events[:12], events[12:]):
            segment = Segment(data, captures.WARCINFO, part[0].moment)
            for event in part:
                captures.write(segment, event)
                if event.line.get("digest"):
                    told.write(f"{event.line['digest']}\n")
            segment.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
