"""What does the operator see while a night runs, and at its end? Bars, or lines of a log; a table.

The bars: the whole night, and up to eight portals, those that will take longest. The log: a line
a minute. At the end a table of the night's figures, with the portals that need a look.
"""

from __future__ import annotations

import io
import logging
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from heapq import nlargest
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TaskID, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text
from scrapy.utils.asyncio import create_looping_call

from crawler.visits import Visit

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 60.0
# Nobody reads faster; a thousand portals are summed up each time.
SECONDS_BETWEEN_VIEWS = 0.5
PORTALS_SHOWN = 8
SLOWEST_IN_LOG = 3
WIDEST_NAME = 24


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a portal is: addresses done and known to be left, reports found, and time left.

    `seconds_left` is None as long as nobody can tell.
    """

    portal_id: str
    name: str
    done: int
    left: int
    reports: int
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class Whole:
    """All portals together; the night lasts as long as the slowest of them."""

    done: int
    left: int
    reports: int
    portals: int
    finished: int
    seconds_left: float | None


def whole(standings: Iterable[Standing]) -> Whole:
    """The sums over all portals. A portal with nothing left is finished."""
    done = left = reports = portals = finished = 0
    longest: float | None = None
    for one in standings:
        done += one.done
        left += one.left
        reports += one.reports
        portals += 1
        finished += one.left == 0
        if one.left and one.seconds_left is not None:
            longest = max(longest or 0.0, one.seconds_left)
    return Whole(done, left, reports, portals, finished, longest)


def slowest(standings: Iterable[Standing], most: int) -> list[Standing]:
    """The portals at work that will take longest, longest first."""
    at_work = (one for one in standings if one.left)
    return nlargest(most, at_work, key=lambda one: (one.seconds_left or 0.0, one.left))


def clock(seconds: float | None) -> str:
    """A length of time as h:mm:ss, "?" when nobody can tell."""
    return "?" if seconds is None else str(timedelta(seconds=round(seconds)))


class _NameColumn(ProgressColumn):
    """What a bar is of, cut where the terminal is narrow."""

    def render(self, task: Task) -> Text:
        return Text(task.description, no_wrap=True, overflow="ellipsis")


class Progress:
    """Shows what `so_far` gives, the standing of every portal of the night.

    `so_far` is asked at most twice a second on a terminal, once a minute otherwise.
    """

    def __init__(
        self,
        night: str,
        so_far: Callable[[], Sequence[Standing]],
        *,
        console: Console | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._night = night
        self._so_far = so_far
        self._seconds = seconds
        self._seen = seconds()
        self._streams: list[logging.StreamHandler[TextIO]] = []
        self._bar: Bar | None = None
        if console is None:
            # A terminal is what stderr is, whatever the environment asks of colours.
            console = Console(stderr=True, force_terminal=sys.stderr.isatty())
        if console.is_interactive:
            self._bar = self._start_bar(console)
            self._loop = create_looping_call(self.tick)
            # Hosts that asked us to wait may keep the whole night still.
            self._loop.start(1.0, now=False)
        else:
            self._loop = create_looping_call(self._say)
            self._loop.start(SECONDS_BETWEEN_LINES, now=False)

    def tick(self) -> None:
        """Show what has come since, unless that was done a moment ago."""
        if self._bar is None or self._seconds() - self._seen < SECONDS_BETWEEN_VIEWS:
            return
        self._seen = self._seconds()
        self._show(self._bar)

    def stop(self) -> None:
        """Show how it ended, and leave the terminal as it was."""
        self._loop.stop()
        if self._bar is not None:
            self._show(self._bar)
            self._bar.stop()
            for handler in self._streams:
                handler.setStream(sys.stderr)

    def _start_bar(self, console: Console) -> Bar:
        bar = Bar(
            _NameColumn(),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[time_left]}"),
            TextColumn("{task.fields[seen]}"),
            console=console,
            # Drawn when there is something to see, not by a thread ten times a second.
            auto_refresh=False,
        )
        self._night_task = bar.add_task(f"抓取 {self._night}", total=None, time_left="", seen="")
        self._portal_tasks = [
            bar.add_task("", visible=False, total=None, time_left="", seen="")
            for _ in range(PORTALS_SHOWN)
        ]
        before = sys.stderr
        bar.start()
        # The log was there before the bars: its lines must go above them, not through them.
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is before:
                handler.setStream(sys.stderr)
                self._streams.append(handler)
        return bar

    def _show(self, bar: Bar) -> None:
        standings = self._so_far()
        all_of_them = whole(standings)
        bar.update(
            self._night_task,
            completed=all_of_them.done,
            total=all_of_them.done + all_of_them.left,
            time_left=f"尚需 {clock(all_of_them.seconds_left)}" if all_of_them.left else "",
            seen=f"年报 {all_of_them.reports}，站点 {all_of_them.finished}/{all_of_them.portals}",
        )
        at_work = slowest(standings, PORTALS_SHOWN)
        for task, one in zip(self._portal_tasks, at_work, strict=False):
            self._show_portal(bar, task, one)
        for task in self._portal_tasks[len(at_work) :]:
            bar.update(task, visible=False)
        bar.refresh()

    def _show_portal(self, bar: Bar, task: TaskID, one: Standing) -> None:
        bar.update(
            task,
            visible=True,
            description=f"  {_short(one.name or one.portal_id)}",
            completed=one.done,
            total=one.done + one.left,
            time_left=f"尚需 {clock(one.seconds_left)}",
            seen=f"年报 {one.reports}",
        )

    def _say(self) -> None:
        standings = self._so_far()
        all_of_them = whole(standings)
        behind = "; ".join(
            f"{one.portal_id} {one.done}/{one.done + one.left}, {clock(one.seconds_left)}"
            for one in slowest(standings, SLOWEST_IN_LOG)
        )
        logger.info(
            "night %s: %d of %d known addresses, %d reports, %d of %d portals done, %s left%s",
            self._night,
            all_of_them.done,
            all_of_them.done + all_of_them.left,
            all_of_them.reports,
            all_of_them.finished,
            all_of_them.portals,
            clock(all_of_them.seconds_left),
            f"; slowest: {behind}" if behind else "",
        )


# --- the end of a night -----------------------------------------------------------------------

STATES = {
    "ok": "正常",
    "not_modified": "未变",
    "gone": "不存在",
    "soft_404": "提示页",
    "moved": "转址",
    "home_redirect": "转到首页",
    "challenge": "验证页",
    "shell": "空壳页",
    "truncated": "残缺",
    "too_large": "过大",
    "error": "出错",
    "needs_browser": "需用浏览器",
    "opted_out": "已退出",
    "robots": "不许",
    "stopped": "中止",
    "": "未到",
}
# What the totals print, two by two: a field of Visit, its name in Chinese and English.
TOTALS = (
    (("lists", "列表", "lists"), ("reports", "年报页", "report pages")),
    (("new", "新见", "new"), ("edited", "改动", "edited")),
    (("unchanged", "未变", "unchanged"), ("moved", "迁移", "moved")),
    (("gone", "不存在", "gone"), ("back", "恢复", "back")),
    (("blocked", "被拦", "blocked"), ("failed", "失败", "failed")),
    (("requests", "请求", "requests"), ("saved", "省下请求", "requests saved")),
)
COUNTED = (
    ("列表", "lists"),
    ("年报", "reports"),
    ("被拦", "blocked"),
    ("失败", "failed"),
)
MOST_NEEDING_A_LOOK = 8
MOST_REASONS = 5


def closing(
    visits: Sequence[Visit],
    monitors_failed: Sequence[str],
    names: Mapping[str, str] | None = None,
) -> RenderableType:
    """The table at the end of a night: totals, then the portals that need a look, then alarms.

    At most some 30 lines on a wide terminal; `names` gives portals' names by id.
    """
    parts: list[RenderableType] = [_totals(visits)]
    look = sorted(
        (visit for visit in visits if _needs_a_look(visit)),
        key=lambda visit: (
            visit.has_answered,
            -(visit.blocked + visit.failed),
            visit.portal_id,
        ),
    )
    if look:
        parts.append(_needing_a_look(look, names or {}))
    for reason in monitors_failed[:MOST_REASONS]:
        parts.append(Text(f"告警 alarm: {reason}", style="red"))
    if len(monitors_failed) > MOST_REASONS:
        parts.append(
            Text(f"告警另有 {len(monitors_failed) - MOST_REASONS} 条 / more alarms", "red")
        )
    return Group(*parts)


def as_text(shown: RenderableType, width: int = 110) -> str:
    """What a log can hold of a table: the same lines without colours, `width` columns wide."""
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(shown)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _totals(visits: Sequence[Visit]) -> Table:
    nights = sorted({visit.night for visit in visits})
    title = f"抓取结果 / the night {'、'.join(nights)}" if nights else "抓取结果 / the night"
    table = Table(title=title, show_header=False)
    for _ in range(2):
        table.add_column()
        table.add_column(justify="right")
    answered = sum(visit.has_answered for visit in visits)
    received = sum(visit.bytes for visit in visits)
    table.add_row(
        "有应答的站点 portals answered",
        f"{answered}/{len(visits)}",
        "字节 bytes",
        _size(received),
    )
    for pair in TOTALS:
        cells = []
        for name, zh, en in pair:
            cells += [f"{zh} {en}", f"{sum(getattr(visit, name) for visit in visits):,}"]
        table.add_row(*cells)
    return table


def _needs_a_look(visit: Visit) -> bool:
    if visit.state == "opted_out":
        return False
    found = visit.lists and (visit.listed or visit.reports or visit.saved)
    return not visit.has_answered or not found or bool(visit.blocked or visit.failed)


def _needing_a_look(look: Sequence[Visit], names: Mapping[str, str]) -> Table:
    table = Table(title=f"需要留意的站点 / portals that need a look: {len(look)}")
    # What may wrap is what gives way on a narrow terminal; its text is cut instead.
    table.add_column("站点\nportal")
    table.add_column("状态\nstate", no_wrap=True)
    for zh, en in COUNTED:
        table.add_column(f"{zh}\n{en}", justify="right", no_wrap=True)
    for visit in look[:MOST_NEEDING_A_LOOK]:
        name = _short(names.get(visit.portal_id, ""))
        state = escape(f"{STATES.get(visit.state, '')} {visit.state}".strip())
        counts = (visit.lists, visit.reports, visit.blocked, visit.failed)
        table.add_row(
            Text(f"{visit.portal_id} {name}".strip(), no_wrap=True, overflow="ellipsis"),
            state if visit.has_answered else f"[red]{state}[/red]",
            *(f"{count:,}" for count in counts),
        )
    if len(look) > MOST_NEEDING_A_LOOK:
        table.add_row(f"另有 {len(look) - MOST_NEEDING_A_LOOK} 个 / more", *[""] * 5)
    return table


def _size(count: int) -> str:
    """Bytes as people read them, in powers of 1000."""
    size = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _short(name: str) -> str:
    return name if len(name) <= WIDEST_NAME else name[: WIDEST_NAME - 1] + "…"
