"""Did the night go as nights go? Alarms that fail it, each with its reason, names and figures.

What was captured is kept, built and published all the same: a failed night asks for a person.
Spidermon runs the suite when the spider closes. Only its monitors are used: its actions, which
write to mail and chat services, are not, and nothing is sent anywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from scrapy import signals
from spidermon import Monitor, MonitorSuite
from spidermon.contrib.scrapy.extensions import Spidermon
from spidermon.runners import MonitorRunner

from crawler.visits import Visit

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

logger = logging.getLogger(__name__)

MOST_NAMED = 5
MOST_NIGHTS = 366

History = Mapping[str, Sequence[Visit]]
Judge = Callable[["Night"], "Judgement"]


@runtime_checkable
class Watched(Protocol):
    """What a spider must offer to be watched."""

    night: str
    portals: Mapping[str, Any]

    def visits(self) -> Sequence[Visit]:
        """What tonight brought, one a portal."""

    def history(self, portal_id: str, last: int = 28) -> Sequence[Visit]:
        """A portal's nights, newest first; tonight may be among them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What still passes: the settings MONITOR_…, README says what each is."""

    history_nights: int = 28
    min_nights: int = 3
    min_requests: int = 20
    vanished_share: float = 0.2
    answers_share: float = 0.5
    challenge_share: float = 0.3
    failed_share: float = 0.3
    errors: int = 10

    @classmethod
    def of(cls, settings: BaseSettings) -> Self:
        """The limits as set. Raises ValueError, naming the setting, for what makes no sense."""
        default = cls()
        counts = {
            name: _count(settings, name, getattr(default, name))
            for name in ("history_nights", "min_nights", "min_requests", "errors")
        }
        shares = {
            name: _share(settings, name, getattr(default, name))
            for name in ("vanished_share", "answers_share", "challenge_share", "failed_share")
        }
        if counts["min_nights"] < 1 or not 1 <= counts["history_nights"] <= MOST_NIGHTS:
            raise ValueError(
                "MONITOR_MIN_NIGHTS and MONITOR_HISTORY_NIGHTS must be 1 or more, and the latter "
                f"{MOST_NIGHTS} at most"
            )
        return cls(**counts, **shares)  # type: ignore[arg-type]


def _count(settings: BaseSettings, name: str, default: int) -> int:
    key = f"MONITOR_{name.upper()}"
    value = settings.get(key, default)
    try:
        if int(value) >= 0:
            return int(value)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"{key}={value!r} is no count; write a whole number from 0")


def _share(settings: BaseSettings, name: str, default: float) -> float:
    key = f"MONITOR_{name.upper()}"
    value = settings.get(key, default)
    try:
        if 0 <= float(value) <= 1:
            return float(value)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"{key}={value!r} is no share; write a number from 0 to 1")


@dataclass(frozen=True, slots=True)
class Night:
    """A night to be judged. `answers`, `kept` and `errors` are of this process alone: answers
    received, answers written to segments, errors logged."""

    visits: Sequence[Visit]
    history: History
    names: Mapping[str, str]
    limits: Limits
    answers: int = 0
    kept: int = 0
    errors: int = 0
    is_whole: bool = True

    def called(self, visit: Visit) -> str:
        """A portal by its name and id."""
        return f"{self.names.get(visit.portal_id, '')} {visit.portal_id}".strip()


@dataclass(frozen=True, slots=True)
class Judgement:
    """`reason` says what is wrong, or, where `is_judged` is False, why nothing can be said."""

    reason: str = ""
    is_judged: bool = True

    @property
    def has_failed(self) -> bool:
        return self.is_judged and bool(self.reason)


FINE = Judgement()
TOO_EARLY = Judgement("历史不足 / not enough history", is_judged=False)
BROKEN_OFF = Judgement("当夜中断，未作比较 / the night was broken off", is_judged=False)


# --- judgements (pure) ------------------------------------------------------------------------


def vanished(night: Night) -> Judgement:
    """Portals that held reports last month, and none of whose lists answer or list any.

    Portals that do not answer at all count from a share of all on.
    """
    if not night.is_whole:
        return BROKEN_OFF
    held = {
        visit.portal_id: max(past.listed or past.reports for past in night.history[visit.portal_id])
        for visit in _made(night)
        if any(past.listed or past.reports for past in night.history[visit.portal_id])
    }
    if not held:
        return TOO_EARLY
    lost = []
    for visit in _made(night):
        if visit.portal_id not in held:
            continue
        listed_before = any(past.listed for past in night.history[visit.portal_id])
        has_lists = any(past.lists for past in night.history[visit.portal_id])
        if has_lists and not visit.lists:
            lost.append((visit, "列表无应答 no list answers"))
        elif listed_before and not visit.listed:
            lost.append((visit, "列表上没有年报 lists show no report"))
        elif not has_lists and not (visit.reports or visit.listed):
            lost.append((visit, "没有年报 no report"))
    # One portal of many that is down for a night is no news; one that answers and lists none is.
    silent = sum(not visit.has_answered for visit, _ in lost)
    if silent == len(lost) and silent <= night.limits.vanished_share * len(held):
        return FINE
    return Judgement(
        f"{len(lost)}/{len(held)} 个近期有年报的站点今夜一份也没有 / {len(lost)} of {len(held)} "
        "portals that held reports lately show none: "
        + _listed(
            f"{night.called(visit)} ({visit.state or '?'}, {why}, 曾有 had {held[visit.portal_id]})"
            for visit, why in sorted(lost, key=lambda one: -held[one[0].portal_id])
        )
    )


def halved(night: Night) -> Judgement:
    """Answers against what the same portals' nights usually bring.

    Not all answers: how many addresses are due changes from night to night. What is compared are
    the portals, the reports on lists that answer, and how many of the requests were answered.
    """
    if not night.is_whole:
        return BROKEN_OFF
    known = [
        (visit, night.history[visit.portal_id])
        for visit in _made(night)
        if len(night.history[visit.portal_id]) >= night.limits.min_nights
    ]
    if not known:
        return TOO_EARLY
    usual_portals = sum(median(past.has_answered for past in nights) for _, nights in known)
    usual_listed = sum(median(past.listed for past in nights) for _, nights in known)
    by_night: dict[str, list[Visit]] = {}
    for _, nights in known:
        for past in nights:
            by_night.setdefault(past.night, []).append(past)
    usual_share = median(_answered(visits) for visits in by_night.values())
    tonight = [visit for visit, _ in known]
    # A handful of requests has no share to speak of.
    is_enough = sum(visit.requests for visit in tonight) >= night.limits.min_requests
    measured = (
        ("站点 portals", float(sum(visit.has_answered for visit in tonight)), usual_portals),
        ("在列年报 reports listed", float(sum(visit.listed for visit in tonight)), usual_listed),
        ("应答率 share answered", _answered(tonight), usual_share if is_enough else 0.0),
    )
    fallen = [
        f"{what} {_figure(now)}, 平常 usually {_figure(usual)}"
        for what, now, usual in measured
        if usual > 0 and now < night.limits.answers_share * usual
    ]
    if not fallen:
        return FINE
    missing = sorted(
        ((median(past.listed for past in nights) - visit.listed, visit) for visit, nights in known),
        key=lambda one: (-one[0], one[1].portal_id),
    )
    return Judgement(
        f"应答降到近 {night.limits.history_nights} 夜中位数的 {night.limits.answers_share:.0%} 以下"
        f" / answers fell below {night.limits.answers_share:.0%} of the median of the last "
        f"{night.limits.history_nights} nights: {'; '.join(fallen)}: "
        + _listed(
            f"{night.called(visit)} "
            f"({visit.state or '?'}, listed {visit.listed}, -{_figure(fewer)})"
            for fewer, visit in missing
            if fewer > 0 or not visit.has_answered
        )
    )


def challenged(night: Night) -> Judgement:
    """Portals, or answers, that a challenge blocks tonight and did not before."""
    known = [visit for visit in _made(night) if night.history[visit.portal_id]]
    if not known:
        return TOO_EARLY
    newly = [
        visit
        for visit in known
        if _is_blocked(visit)
        and not median(_is_blocked(past) for past in night.history[visit.portal_id]) > 0.5
    ]
    requests = sum(visit.requests for visit in known)
    blocked = sum(
        max(
            0.0,
            visit.blocked
            - visit.requests * median(_blocked_share(p) for p in night.history[visit.portal_id]),
        )
        for visit in known
    )
    limit = night.limits.challenge_share
    over = []
    if len(newly) > limit * len(known):
        over.append(f"站点 portals {len(newly)}/{len(known)}")
    if requests >= night.limits.min_requests and blocked > limit * requests:
        over.append(f"请求 requests {_figure(blocked)}/{requests}")
    if not over:
        return FINE
    worst = newly or sorted(known, key=lambda visit: -visit.blocked)
    return Judgement(
        f"新被验证页拦下的超过 {limit:.0%} / more than {limit:.0%} newly blocked by challenges: "
        f"{'; '.join(over)}: "
        + _listed(f"{night.called(v)} ({v.blocked}/{v.requests})" for v in worst if v.blocked)
    )


def failing(night: Night) -> Judgement:
    """Requests that brought nothing usable, at more than one portal, and errors of our own."""
    requests = sum(visit.requests for visit in night.visits)
    failed = sum(visit.failed for visit in night.visits)
    share, reasons = night.limits.failed_share, []
    is_shared = sum(visit.failed > share * visit.requests for visit in night.visits) > 1
    if is_shared and requests >= night.limits.min_requests and failed > share * requests:
        worst = sorted(night.visits, key=lambda visit: (-visit.failed, visit.portal_id))
        reasons.append(
            f"请求失败 {failed}/{requests}，超过 {night.limits.failed_share:.0%} / {failed} of "
            f"{requests} requests failed: "
            + _listed(f"{night.called(v)} ({v.failed}/{v.requests})" for v in worst if v.failed)
        )
    if night.errors > night.limits.errors:
        reasons.append(
            f"程序记录了 {night.errors} 个错误，超过 {night.limits.errors} / {night.errors} errors "
            "in the log, see there"
        )
    return Judgement("; ".join(reasons))


def unwritten(night: Night) -> Judgement:
    """Answers came, and not one was written down."""
    if not night.answers or night.kept:
        return FINE
    return Judgement(
        f"收到 {night.answers} 个应答而一个也没有存下 / {night.answers} answers came and none was "
        "written"
    )


def unanswered(night: Night) -> Judgement:
    """Not one portal answered, which tells of our network or registry, not of the portals: also on
    a first night. Portals that never do are no news."""
    asked = _made(night)
    if not asked or night.answers or any(v.state != "error" or v.answers for v in asked):
        return FINE
    if not night.is_whole:
        return BROKEN_OFF
    pasts = [night.history[visit.portal_id] for visit in asked]
    if all(
        len(nights) >= night.limits.min_nights and not any(past.has_answered for past in nights)
        for nights in pasts
    ):
        return FINE
    return Judgement(
        f"{len(asked)} 个站点今夜一个也没有应答，请检查网络和站点表 / none of {len(asked)} portals "
        "answered: check the network and the registry; why is in the log: "
        + _listed(night.called(visit) for visit in asked)
    )


def _made(night: Night) -> list[Visit]:
    return [visit for visit in night.visits if visit.was_made]


def _is_blocked(visit: Visit) -> bool:
    return visit.state == "challenge" or visit.blocked * 2 > visit.requests


def _blocked_share(visit: Visit) -> float:
    return visit.blocked / visit.requests if visit.requests else 0.0


def _answered(visits: Iterable[Visit]) -> float:
    """The share of all requests that were answered."""
    made = [visit for visit in visits if visit.requests]
    requests = sum(visit.requests for visit in made)
    return sum(visit.answers for visit in made) / requests if requests else 0.0


def _figure(number: float) -> str:
    return f"{number:,.0f}" if number == round(number) else f"{number:,.2f}"


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - MOST_NAMED
    return "; ".join(every[:MOST_NAMED]) + (f"; 另有 and {more} more" if more > 0 else "")


# --- the suite --------------------------------------------------------------------------------


class _NightMonitor(Monitor):  # type: ignore[misc]
    """Fails with the reason of a judgement; skips what cannot be judged."""

    judge: Judge

    def test_night(self) -> None:
        judgement = type(self).judge(self.data.night())
        if judgement.has_failed:
            self.fail(judgement.reason)
        if not judgement.is_judged:
            self.skipTest(judgement.reason)


class VanishedMonitor(_NightMonitor):
    """站点消失 vanished"""

    judge = staticmethod(vanished)


class HalvedMonitor(_NightMonitor):
    """应答骤减 answers halved"""

    judge = staticmethod(halved)


class ChallengeMonitor(_NightMonitor):
    """验证页 challenges"""

    judge = staticmethod(challenged)


class FailureMonitor(_NightMonitor):
    """失败 failures"""

    judge = staticmethod(failing)


class WrittenMonitor(_NightMonitor):
    """未存 nothing written"""

    judge = staticmethod(unwritten)


class SilenceMonitor(_NightMonitor):
    """无应答 nobody answered"""

    judge = staticmethod(unanswered)


class NightSuite(MonitorSuite):  # type: ignore[misc]
    """What every night is held to."""

    monitors = (
        *(VanishedMonitor, HalvedMonitor, ChallengeMonitor, FailureMonitor),
        *(WrittenMonitor, SilenceMonitor),
    )


class NightWatch(Spidermon):  # type: ignore[misc]
    """Spidermon with a log of one line an alarm, run once, when the spider asks or closes."""

    def __init__(self, crawler: Crawler, **suites: Any) -> None:
        super().__init__(crawler, **suites)
        self.failed: list[str] | None = None
        try:
            self._limits = Limits.of(crawler.settings)
        except ValueError as error:
            # Like every option that makes no sense: nothing is asked, the process ends with 2.
            logger.critical("%s", error)
            raise SystemExit(2) from None
        self._kept = 0
        self._reason = "finished"
        crawler.signals.connect(self._received, signals.response_received)

    def run(self, reason: str) -> list[str]:
        """The alarms of the night, which ended for this reason; asked again, the same."""
        if self.failed is None:
            self.failed = []
            self._reason = reason
            if isinstance(self.crawler.spider, Watched):
                self._run_suites(self.crawler.spider, self.spider_closed_suites)
            else:
                logger.info("this spider tells nothing of its nights: no monitor watches it")
        return self.failed

    def spider_closed(self, spider: object, reason: str) -> None:
        self.run(reason)

    def _received(self, request: Any) -> None:
        self._kept += "capture" in request.meta

    def _run_suites(self, spider: Any, suites: Iterable[MonitorSuite]) -> None:
        for suite in suites:
            # Spidermon's own runner writes forty lines of results, one by one.
            # What cannot be gathered is an error of each monitor, and so fails the night.
            result = MonitorRunner().run(suite, night=lambda: self._night(spider))
            for one in result.monitor_results:
                name = one.monitor.monitor_description
                if one.status == "SKIPPED":
                    logger.info("%s: %s", name, one.reason)
                elif one in result.monitors_failed_results:
                    # An error in a monitor has no reason, but a trace that ends with one.
                    said = one.reason or f"监测出错 / cannot tell: {one.error.splitlines()[-1]}"
                    self.failed = [*(self.failed or []), f"{name}: {said}"]
                    logger.error("the night fails: %s: %s", name, said)

    def _night(self, spider: Watched) -> Night:
        stats: Any = self.crawler.stats
        visits = spider.visits()
        first = date.fromisoformat(spider.night) - timedelta(days=self._limits.history_nights)
        since = first.isoformat()
        return Night(
            visits=visits,
            history={
                visit.portal_id: [
                    past
                    for past in spider.history(visit.portal_id, self._limits.history_nights + 1)
                    if since <= past.night < spider.night and past.was_made
                ]
                for visit in visits
            },
            names={portal_id: portal.name for portal_id, portal in spider.portals.items()},
            limits=self._limits,
            answers=stats.get_value("downloader/response_count", 0),
            kept=self._kept,
            errors=sum(stats.get_value(f"log_count/{level}", 0) for level in ("ERROR", "CRITICAL")),
            is_whole=self._reason == "finished",
        )


def failed_monitors(crawler: Crawler, reason: str = "finished") -> list[str]:
    """What fails the night, a line each; empty when nothing does or the monitors are off.

    To be asked while `spider.visits()` and `spider.history()` still answer, that is before the
    frontier is closed. `reason` is what the spider closed for: a night that was broken off is not
    compared with whole ones.
    """
    watch = crawler.get_extension(NightWatch)
    return watch.run(reason) if watch is not None else []
