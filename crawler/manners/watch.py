"""Ends a crawl that must not go on: the kill switch, the end of the night's window."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals

from crawler.manners.patience import groups_of
from crawler.manners.window import Window, parse_window

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 1.0
CLOSING = "closing"


class Watch:
    """Looks every second whether the crawl may go on. When not, those who wait are turned away,
    what is under way is finished, and the crawl ends with a status that says: start again.
    """

    def __init__(self, crawler: Crawler, switch: Path, window: Window | None) -> None:
        self._crawler = crawler
        self._switch = switch
        self._window = window
        self._looking: asyncio.Task[None] | None = None
        crawler.signals.connect(self.begin, signals.engine_started)
        crawler.signals.connect(self.close, signals.engine_stopped)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        settings = crawler.settings
        switch = Path(settings["KILL_SWITCH"] or Path(settings["DATA"]) / "STOP")
        try:
            window = parse_window(settings["NIGHT_WINDOW"] or "")
        except ValueError as error:
            logger.critical("NIGHT_WINDOW=%s", error)
            raise SystemExit(2) from None
        # Scrapy's guard of memory says every few seconds that all is well.
        logging.getLogger("scrapy.extensions.memusage").setLevel(logging.WARNING)
        return cls(crawler, switch, window)

    def begin(self) -> None:
        """Look before anything is asked, then again and again."""
        reason = self._look()
        self._looking = asyncio.ensure_future(self._watch(reason))

    def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()

    async def _watch(self, reason: str | None) -> None:
        engine: Any = self._crawler.engine
        while reason is None:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            reason = self._look()
        if reason == CLOSING:
            return
        # An engine that is about to run cannot be closed yet.
        while not engine.running:
            await asyncio.sleep(0.001)
        if engine.spider is not None:
            engine.spider.give_up(reason)

    def _look(self) -> str | None:
        """The reason to end, if there is one; those who wait for a turn have then been told."""
        found = self.reason_to_stop(datetime.now(UTC))
        if found is None:
            # Ctrl-C, a full disk: Scrapy has no public word for "about to close".
            slot = self._crawler.engine._slot
            if slot is None or slot.closing is None:
                return None
            found = (CLOSING, "")
        else:
            logger.warning("%s", found[1])
        groups_of(self._crawler).end("not asked: the crawl is being ended")
        return found[0]

    def reason_to_stop(self, now: datetime) -> tuple[str, str] | None:
        """Why the crawl must end at this moment, as a word and a sentence; or None."""
        if self._switch.exists():
            return (
                "kill_switch",
                f"停止开关 {self._switch} 已打开，抓取结束；删除该文件后重新运行 / "
                f"the kill switch {self._switch} is there: the crawl ends; remove it to go on",
            )
        if self._window and not self._window.is_open(now):
            opens = self._window.next_opening(now)
            return (
                "night_window",
                f"夜间窗口 {self._window}（北京时间）已关闭，余下的明夜先抓 / the window "
                f"{self._window} (Asia/Shanghai) is closed until {opens:%Y-%m-%d %H:%M}: "
                "what is left comes first then",
            )
        return None
