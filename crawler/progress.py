"""What does the operator see while a night runs? A bar on a terminal, a line a minute in a log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from scrapy.utils.asyncio import create_looping_call

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 60


class Progress:
    """Shows what `so_far` gives: requests, reports and attachments of the night."""

    def __init__(self, night: str, so_far: Callable[[], tuple[int, int, int]]) -> None:
        self._night = night
        self._so_far = so_far
        self._bar: Bar | None = None
        if sys.stderr.isatty():
            self._bar = Bar(
                TextColumn("[bold]{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[seen]}"),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task(f"抓取 {night}", total=None, seen="")
            self._bar.start()
        else:
            self._loop = create_looping_call(self._say)
            self._loop.start(SECONDS_BETWEEN_LINES, now=False)

    def tick(self) -> None:
        """Show what has come since."""
        if self._bar is not None:
            asked, reports, attachments = self._so_far()
            seen = f"{reports} 份年报，{attachments} 个附件"
            self._bar.update(self._task, completed=asked, seen=seen)

    def stop(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()
        else:
            self._loop.stop()

    def _say(self) -> None:
        logger.info(
            "night %s: %d requests, %d reports, %d attachments so far",
            self._night,
            *self._so_far(),
        )
