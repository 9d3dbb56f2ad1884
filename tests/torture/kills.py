"""kill -9 at random moments of every command, and the same command again, over three nights.

A moment is a number of requests, of file events or of seconds, so that a slow machine is killed
in the same places as a fast one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.torture import commands
from tests.torture.invariants import (
    check_all,
    check_content,
    check_equal,
    check_nothing_lost,
    check_standing,
    check_tidy,
    remember,
)
from tests.torture.portal import NIGHTS, Tried, tried
from tests.torture.tally import Tally

# Kills of each step of a night.
LONG = {
    "crawl": 30,
    "build": 12,
    "rebuild": 8,
    "publish": 8,
    "verify": 4,
    "manifest": 5,
    "backup": 4,
}
SHORT = {"crawl": 2, "build": 1, "rebuild": 1, "publish": 1, "manifest": 1, "backup": 1}
OFTEN = 0.012
"""Seconds after a moment within which the kill falls."""


def random_kills(tally: Tally) -> None:
    """Three nights (two in the short form) in which every command is killed again and again,
    against as many in peace."""
    size = {"bodies": 14, "years": 4} if tally.long else {"bodies": 9, "years": 1}
    peace, war = tally.folder / "peace", tally.folder / "war"
    peace.mkdir()
    war.mkdir()
    with tried(tally.folder, **size) as portal:
        registry = tally.folder / "portals.csv"
        commands.fine(tally, commands.archive("manifest", peace, "--new-key", str(_key(peace))))
        usual: dict[str, Usual] = {}
        nights = NIGHTS if tally.long else NIGHTS[:2]
        for portal.night, night in enumerate(nights, 1):
            for step, command in steps(peace, registry, night):
                with commands.FileEvents(peace) as events:
                    asked = len(portal.log)
                    done = commands.fine(tally, command)
                    usual[step] = Usual(events.seen(), len(portal.log) - asked, done.seconds)
        check_all(tally, peace, remember(peace))
        for portal.night, night in enumerate(nights, 1):
            before = remember(war)
            for step, command in steps(war, registry, night):
                for _ in range((LONG if tally.long else SHORT).get(step, 0)):
                    # One that ended before its moment is started again.
                    for _ in range(4):
                        killed = _kill(tally, step, command, portal, war, usual[step])
                        check_standing(tally, war, before)
                        if killed:
                            break
                commands.fine(tally, command)
                check_nothing_lost(tally, war, before)
            if tally.long or night == nights[-1]:
                check_all(tally, war, before)
    tally.expect(not tally.long or tally.figures["kills"] >= 200, "too few commands were killed")
    _restore(tally, war)
    check_content(tally, war, peace)
    check_equal(tally, war / "site", war, "published, and built", among_public=True)
    check_tidy(tally, war, peace)


class Usual:
    """What a step costs when nobody disturbs it: file events, requests, seconds."""

    def __init__(self, events: int, requests: int, seconds: float) -> None:
        self.events, self.requests, self.seconds = events, requests, seconds


def steps(data: Path, registry: Path, night: str) -> Iterator[tuple[str, Sequence[str]]]:
    """The commands of a night, in the order of an operator."""
    yield "crawl", commands.crawl(data, registry, night)
    yield "build", commands.archive("build", data)
    yield "rebuild", commands.archive("build", data, "--rebuild")
    yield "publish", commands.archive("publish", data)
    yield "manifest", commands.archive("manifest", data, "--key", str(_key(data)))
    yield "backup", commands.archive("backup", data, "--to", str(_backup(data)))
    yield "verify", commands.archive("verify", data, "--all")


def _key(data: Path) -> Path:
    """Where the key lies that manifests are signed with."""
    return data.parent / "key.pem"


def _backup(data: Path) -> Path:
    return data.with_name(f"{data.name}-backup")


def _restore(tally: Tally, data: Path) -> None:
    """What was backed up between kills comes back whole: it is folded into an equal archive."""
    restored = data.with_name("restored")
    given = ("--from", str(_backup(data)))
    commands.fine(tally, commands.archive("restore", restored, *given))
    commands.fine(tally, commands.archive("build", restored))
    check_equal(tally, restored, data, "restored, and kept")
    tally.none(_backup(data).rglob("*.part*"), "left over in the backup")


def _kill(
    tally: Tally, step: str, command: Sequence[str], portal: Tried, data: Path, usual: Usual
) -> bool:
    dice = tally.dice
    wait = dice.uniform(0, OFTEN)
    with commands.FileEvents(data) as events:
        how = dice.choice(("requests", "events") if step == "crawl" else ("events", "seconds"))
        if how == "requests":
            wanted = len(portal.log) + dice.randrange(1, max(3, usual.requests // 8))
            moment: Callable[[], bool] = lambda: len(portal.log) >= wanted  # noqa: E731
        elif how == "events" and usual.events > 1:
            number = dice.randrange(1, usual.events)
            # What a crawl did is not done again: of its events some are left for the next start.
            number = max(1, number // 8) if step == "crawl" else number
            moment = lambda: events.seen() >= number  # noqa: E731
        else:
            # The last half of its time: before that a command loads its modules.
            late = time.monotonic() + usual.seconds * dice.uniform(0.5, 1)
            moment = lambda: time.monotonic() >= late  # noqa: E731

        def then() -> bool:
            if not moment():
                return False
            time.sleep(wait)
            return True

        killed = commands.kill(command, then, whole=dice.random() < 0.5)
        if killed:
            tally.figures["kills"] += 1
            tally.figures[f"kills of {step}"] += 1
            tally.figures[f"kills by {how}"] += 1
        return killed
