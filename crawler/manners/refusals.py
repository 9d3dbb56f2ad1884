"""Why something was not asked: each refusal is an exception, with the state a portal gets by it."""

from __future__ import annotations

from typing import ClassVar

from scrapy.exceptions import IgnoreRequest


class Refused(IgnoreRequest):
    """We do not ask for this address: it is private, or no address of the web."""

    state: ClassVar[str] = "refused"


class OptedOut(Refused):
    """Its owner asked us to stay away."""

    state = "opted_out"


class RobotsForbid(Refused):
    """robots.txt forbids it."""

    state = "robots"


class GroupStopped(IgnoreRequest):
    """We do not ask this group again tonight; the address stays due."""

    state: ClassVar[str] = "stopped"


class RobotsUnread(GroupStopped):
    """The rules cannot be known tonight, so that nothing may be asked."""

    state = "robots"


class CrawlEnding(GroupStopped):
    """The crawl is being ended: nothing was asked, and nothing is known of the group."""
