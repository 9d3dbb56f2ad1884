"""How far a long job is: a bar on a terminal, a line a minute in a log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from rich.progress import Progress

DRAW_SECONDS, TELL_SECONDS = 0.2, 60

log = logging.getLogger(__name__)
Item = TypeVar("Item")


def track(items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
    """The items, counted as they are taken; drawn without a thread, so that a job may fork."""
    count = total if total is not None else len(items) if isinstance(items, Sequence) else None
    if not count:
        yield from items
        return
    with Progress(transient=True, auto_refresh=False, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task(what, total=count)
        drawn = told = time.monotonic()
        for item in items:
            yield item
            progress.advance(bar)
            now = time.monotonic()
            if now - drawn > DRAW_SECONDS:
                progress.refresh()
                drawn = now
            if progress.disable and now - told > TELL_SECONDS:
                log.info("%s: %d of %d", what, progress.tasks[0].completed, count)
                told = now
