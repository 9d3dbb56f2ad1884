"""May we ask, how often, and whom never? What every request of the crawl passes.

`guard` refuses private addresses and who opted out, `robots` and `rules` keep robots.txt (RFC
9309), `patience` and `turns` wait for a group's turn, `sizes` and `handler` bound what is received,
`watch` and `window` end a crawl that must not go on.
"""

from crawler.manners.addresses import group_of, is_public, literal_address, origin_of, refusal
from crawler.manners.guard import (
    GuardMiddleware,
    GuardResolver,
    guard_is_active,
    guards_inactive,
    stay_off_the_web,
)
from crawler.manners.optout import load_opt_out
from crawler.manners.patience import PatienceMiddleware, TurnMiddleware, groups_of
from crawler.manners.refusals import (
    CrawlEnding,
    GroupStopped,
    OptedOut,
    Refused,
    RobotsForbid,
    RobotsUnread,
)
from crawler.manners.robots import RobotsMiddleware
from crawler.manners.sizes import SizeLimits, is_too_large
from crawler.manners.turns import retry_after
from crawler.manners.watch import Watch

__all__ = [
    "CrawlEnding",
    "GroupStopped",
    "GuardMiddleware",
    "GuardResolver",
    "OptedOut",
    "PatienceMiddleware",
    "Refused",
    "RobotsForbid",
    "RobotsMiddleware",
    "RobotsUnread",
    "SizeLimits",
    "TurnMiddleware",
    "Watch",
    "group_of",
    "groups_of",
    "guard_is_active",
    "guards_inactive",
    "is_public",
    "is_too_large",
    "literal_address",
    "load_opt_out",
    "origin_of",
    "refusal",
    "retry_after",
    "stay_off_the_web",
]
