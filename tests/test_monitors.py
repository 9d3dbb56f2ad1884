"""Alarms of a night: what fails it, what passes, and what is too early to tell."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scrapy import Spider
from scrapy.crawler import Crawler
from scrapy.settings import Settings

from crawler import monitors
from crawler.monitors import BROKEN_OFF, FINE, TOO_EARLY, Limits, Night
from crawler.visits import Visit
from tests.small_site import Server

ROOT = Path(__file__).parent.parent
TONIGHT = "2026-11-22"
LIMITS = Limits()
# An ordinary night of an ordinary portal.
USUAL = Visit("p", "2026-11-21", "ok", requests=40, bytes=10**6, lists=4, reports=20, listed=80)


def night(*tonight: Visit, past: Sequence[Visit] = (), nights: int = 5, **about: Any) -> Night:
    """Tonight's visits after so many nights like those of `past`."""
    history = {
        visit.portal_id: [
            replace(one, night=f"2026-11-{21 - back:02}")
            for back in range(nights)
            for one in past
            if one.portal_id == visit.portal_id
        ]
        for visit in tonight
    }
    names = {visit.portal_id: f"北原{visit.portal_id}区人民政府" for visit in tonight}
    return Night(tonight, history, names, **({"limits": LIMITS} | about))


def portals(count: int, **about: Any) -> list[Visit]:
    return [replace(USUAL, portal_id=f"p{i}", night=TONIGHT, **about) for i in range(count)]


USUAL_TEN = portals(10)
JUDGES = (monitors.vanished, monitors.halved, monitors.challenged)


@pytest.mark.parametrize("judge", JUDGES)
def test_a_first_night_is_too_early_to_tell(judge: monitors.Judge) -> None:
    dead = portals(10, state="challenge", lists=0, listed=0, reports=0, blocked=40)
    assert judge(night(*dead)) == TOO_EARLY
    assert not TOO_EARLY.has_failed
    assert "not enough history" in TOO_EARLY.reason


@pytest.mark.parametrize(
    "judge", [*JUDGES, monitors.failing, monitors.unwritten, monitors.unanswered]
)
def test_a_night_like_the_others_passes(judge: monitors.Judge) -> None:
    assert judge(night(*USUAL_TEN, past=USUAL_TEN, answers=400, kept=400)) == FINE


# --- portals that vanished --------------------------------------------------------------------


@pytest.mark.parametrize(
    "tonight",
    [
        {"lists": 0, "listed": 0, "reports": 0},
        {"lists": 0, "listed": 0, "reports": 3},
        {"listed": 0},
    ],
)
def test_a_portal_without_its_reports_fails_the_night(tonight: dict[str, Any]) -> None:
    judgement = monitors.vanished(
        night(*USUAL_TEN[1:], replace(USUAL_TEN[0], **tonight), past=USUAL_TEN, nights=1)
    )
    assert judgement.has_failed
    assert "1/10 个" in judgement.reason
    assert "北原p0区人民政府 p0" in judgement.reason
    assert "had 80" in judgement.reason


def test_what_answered_is_enough_where_lists_were_not_counted() -> None:
    past = [replace(USUAL, portal_id="p0", listed=0)]
    assert monitors.vanished(night(replace(past[0], night=TONIGHT), past=past)) == FINE
    quiet = replace(past[0], night=TONIGHT, reports=0)
    assert monitors.vanished(night(quiet, past=past)) == FINE


@pytest.mark.parametrize("state", ["opted_out", "stopped", ""])
def test_a_portal_nobody_asked_has_not_vanished(state: str) -> None:
    silent = Visit("p0", TONIGHT, state)
    judgement = monitors.vanished(night(*USUAL_TEN[1:], silent, past=USUAL_TEN))
    assert judgement == FINE


def test_a_portal_that_never_had_reports_cannot_lose_them() -> None:
    empty = [replace(USUAL, portal_id="p0", reports=0, listed=0, lists=2)]
    dead = Visit("p0", TONIGHT, "error", requests=3, failed=3)
    assert monitors.vanished(night(dead, past=empty)) == TOO_EARLY


@pytest.mark.parametrize("state", ["error", "robots", "challenge", "needs_browser"])
def test_some_of_many_may_be_down_for_a_night(state: str) -> None:
    """A fifth by default: among a thousand sites some are down every night."""
    many = portals(10)
    down = [replace(visit, lists=0, listed=0, reports=0, state=state) for visit in many[:3]]
    assert monitors.vanished(night(*down[:2], *many[2:], past=many)) == FINE
    assert monitors.vanished(night(*down, *many[3:], past=many)).has_failed


def test_a_long_list_of_names_is_cut() -> None:
    gone = [replace(visit, lists=0) for visit in USUAL_TEN]
    reason = monitors.vanished(night(*gone, past=USUAL_TEN)).reason
    assert reason.count("人民政府") == 5
    assert reason.endswith("and 5 more")


# --- answers that fell by half ----------------------------------------------------------------


def test_half_the_portals_silent_is_not_yet_below_half() -> None:
    silent = portals(10, state="error", requests=3, failed=3, lists=0, listed=0)
    five = night(*silent[:5], *USUAL_TEN[5:], past=USUAL_TEN)
    assert monitors.halved(five) == FINE
    judgement = monitors.halved(night(*silent[:6], *USUAL_TEN[6:], past=USUAL_TEN))
    assert judgement.has_failed
    assert "portals 4, 平常 usually 10" in judgement.reason
    assert "listed 320, 平常 usually 800" in judgement.reason
    assert "share" not in judgement.reason.partition(":")[0]


def test_lists_may_fall_though_every_portal_answers() -> None:
    judgement = monitors.halved(night(*portals(10, listed=20), past=USUAL_TEN))
    assert "listed 200, 平常 usually 800" in judgement.reason
    assert "portals 10" not in judgement.reason


def test_requests_that_fail_are_answers_that_fell() -> None:
    """30 of 40 fail: a quarter is answered where all was."""
    judgement = monitors.halved(night(*portals(10, failed=30), past=USUAL_TEN))
    assert "share answered 0.25, 平常 usually 1" in judgement.reason


def test_a_quiet_night_is_no_fall() -> None:
    """Five per cent of the requests of a first crawl, over the same lists."""
    first = [replace(visit, requests=2000, reports=800) for visit in USUAL_TEN]
    quiet = portals(10, requests=100, reports=8)
    assert monitors.halved(night(*quiet, past=first)) == FINE


def test_the_median_forgives_one_bad_night_and_needs_three() -> None:
    down = replace(USUAL, portal_id="p0", state="error", lists=0)
    nights = [replace(USUAL, portal_id="p0", night=f"2026-11-{day}") for day in (18, 19, 20)]
    history = {"p0": [replace(down, night="2026-11-21"), *nights]}
    tonight = (replace(down, night=TONIGHT),)
    assert monitors.halved(Night(tonight, history, {}, LIMITS)).has_failed
    assert monitors.halved(Night(tonight, {"p0": nights[:2]}, {}, LIMITS)) == TOO_EARLY


# --- challenges -------------------------------------------------------------------------------


def test_challenges_fail_the_night_above_their_share() -> None:
    blocked = portals(10, state="challenge", requests=2, blocked=2, lists=0)
    assert monitors.challenged(night(*blocked[:3], *USUAL_TEN[3:], past=USUAL_TEN)) == FINE
    judgement = monitors.challenged(night(*blocked[:4], *USUAL_TEN[4:], past=USUAL_TEN))
    assert "portals 4/10" in judgement.reason
    assert "p0 (2/2)" in judgement.reason


def test_portals_that_were_always_blocked_are_no_news() -> None:
    blocked = portals(10, state="challenge", requests=40, blocked=40, lists=0)
    assert monitors.challenged(night(*blocked, past=blocked)) == FINE


def test_answers_newly_blocked_count_though_no_portal_is_shut() -> None:
    """16 of 40 everywhere: two fifths of the requests, though fewer than half of any portal's."""
    judgement = monitors.challenged(night(*portals(10, blocked=16), past=USUAL_TEN))
    assert "requests 160/400" in judgement.reason
    assert monitors.challenged(night(*portals(10, blocked=12), past=USUAL_TEN)) == FINE


# --- failures ---------------------------------------------------------------------------------


def test_failures_above_their_share() -> None:
    assert monitors.failing(night(*portals(2, failed=12))) == FINE
    judgement = monitors.failing(night(*portals(2, failed=13)))
    assert "26/80" in judgement.reason
    assert "p0 (13/40)" in judgement.reason


def test_one_bad_portal_alone_does_not_fail_the_night() -> None:
    bad, *good = portals(2)
    assert monitors.failing(night(replace(bad, failed=40), *good)) == FINE


def test_a_handful_of_requests_has_no_share() -> None:
    assert monitors.failing(night(*portals(2, requests=9, failed=9))) == FINE
    assert monitors.failing(night(*portals(2, requests=10, failed=10))).has_failed


def test_errors_of_our_own() -> None:
    assert monitors.failing(night(*USUAL_TEN, errors=10)) == FINE
    assert "11 errors" in monitors.failing(night(*USUAL_TEN, errors=11)).reason


def test_nothing_written_though_answers_came() -> None:
    assert monitors.unwritten(night(answers=0, kept=0)) == FINE
    assert monitors.unwritten(night(answers=9, kept=1)) == FINE
    judgement = monitors.unwritten(night(*portals(1, state="error"), answers=9, kept=0))
    assert judgement.has_failed
    assert "收到 9 个应答" in judgement.reason


def test_a_night_on_which_nobody_answers_fails_also_as_the_first() -> None:
    """Refused by our own guard no request is made; without a network all of them fail."""
    for requests in (0, 3):
        dead = portals(2, state="error", requests=requests, failed=requests, lists=0, reports=0)
        judgement = monitors.unanswered(night(*dead))
        assert judgement.has_failed
        assert "none of 2 portals" in judgement.reason
        assert "北原p0区人民政府 p0" in judgement.reason
        assert monitors.unanswered(night(*dead, past=USUAL_TEN)).has_failed
        assert monitors.unanswered(night(*dead, is_whole=False)) == BROKEN_OFF
        # An answer that said no, or one of a process before this one, is an answer.
        assert monitors.unanswered(night(*dead, answers=1)) == FINE
        assert monitors.unanswered(night(*dead, USUAL_TEN[2])) == FINE


def test_portals_that_never_answer_are_no_news() -> None:
    dead = portals(2, state="error", requests=3, failed=3, lists=0, reports=0)
    assert monitors.unanswered(night(*dead, past=dead, nights=3)) == FINE
    assert monitors.unanswered(night(*dead, past=dead, nights=2)).has_failed
    shut = portals(2, state="challenge", requests=3, blocked=3, lists=0, reports=0)
    assert monitors.unanswered(night(*shut)) == FINE
    assert monitors.unanswered(night(*portals(2, state="opted_out", requests=0))) == FINE


def test_a_night_broken_off_is_not_compared() -> None:
    silent = portals(10, state="error", requests=3, failed=3, lists=0, listed=0, reports=0)
    broken = night(*silent, past=USUAL_TEN, is_whole=False)
    assert monitors.vanished(broken) == monitors.halved(broken) == BROKEN_OFF
    assert monitors.failing(broken).has_failed


# --- limits -----------------------------------------------------------------------------------


def test_limits_are_settings() -> None:
    settings = Settings({"MONITOR_VANISHED_SHARE": "0.3", "MONITOR_MIN_NIGHTS": "7"})
    limits = Limits.of(settings)
    assert (limits.vanished_share, limits.min_nights, limits.errors) == (0.3, 7, 10)
    down = [replace(visit, lists=0, state="error") for visit in USUAL_TEN[:3]]
    three = night(*down, *USUAL_TEN[3:], past=USUAL_TEN, limits=limits)
    assert monitors.vanished(three) == FINE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONITOR_CHALLENGE_SHARE", "30"),
        ("MONITOR_CHALLENGE_SHARE", "a third"),
        ("MONITOR_ERRORS", "-1"),
        ("MONITOR_MIN_REQUESTS", ""),
        ("MONITOR_MIN_NIGHTS", "0"),
        ("MONITOR_HISTORY_NIGHTS", "4000"),
    ],
)
def test_a_limit_that_makes_no_sense_is_named(name: str, value: object) -> None:
    settings = Settings()
    settings.set(name, value)
    with pytest.raises(ValueError, match=name):
        Limits.of(settings)


def test_a_crawl_with_such_a_limit_does_not_start(caplog: pytest.LogCaptureFixture) -> None:
    crawler = Crawler(Spider, Settings({"SPIDERMON_ENABLED": True, "MONITOR_ERRORS": "many"}))
    with pytest.raises(SystemExit) as ended:
        monitors.NightWatch.from_crawler(crawler)
    assert ended.value.code == 2
    assert "MONITOR_ERRORS='many'" in caplog.text


def test_the_limits_of_the_settings_are_those_of_the_module() -> None:
    settings = Settings()
    settings.setmodule("crawler.settings")
    assert Limits.of(settings) == Limits()


# --- within a crawl ---------------------------------------------------------------------------

# A crawl of one page by a spider that says what the test tells it of its nights.
CRAWL = """
import json, sys
from types import SimpleNamespace
from scrapy import Spider
from scrapy.crawler import CrawlerProcess
from crawler import monitors
from crawler.visits import Visit

url, said = sys.argv[1], json.loads(sys.argv[2])
called = set()
def heard(event, about):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        called.add(about[1][0] if event == "socket.connect" else about[0])
sys.addaudithook(heard)

class Fake(Spider):
    name, night, start_urls = "fake", "2026-11-22", [url]
    portals = {"p": SimpleNamespace(name="北原市人民政府")}
    failed = None
    def parse(self, response):
        response.request.meta["capture"] = True
    def visits(self):
        return [Visit("p", self.night, **said["tonight"])]
    def history(self, portal_id, last=28):
        return [Visit("p", f"2026-11-{day}", **said["past"]) for day in (22, 21, 20, 19)]
    def closed(self, reason):
        if said["asks"]:
            self.failed = monitors.failed_monitors(self.crawler, reason)

if not said["tells"]:
    del Fake.history

class Keep:
    def process_response(self, request, response):
        if said["keeps"]:
            request.meta["capture"] = True
        return response

process = CrawlerProcess({
    "EXTENSIONS": {"crawler.monitors.NightWatch": 500},
    "SPIDERMON_ENABLED": said["enabled"],
    "SPIDERMON_SPIDER_CLOSE_MONITORS": ["crawler.monitors.NightSuite"],
    "ASYNCIO_EVENT_LOOP": said["loop"] or None,
    "DOWNLOADER_MIDDLEWARES": {Keep: 950},
    "TELNETCONSOLE_ENABLED": False, "REMOTE_CONTROL_ENABLED": False, "STATS_DUMP": False,
    "RETRY_ENABLED": False, "LOG_LEVEL": "INFO",
})
crawler = process.create_crawler(Fake)
process.crawl(crawler)
process.start()
watch = crawler.get_extension(monitors.NightWatch)
print(json.dumps({
    "asked": crawler.spider.failed, "failed": watch and watch.failed, "called": sorted(called),
    "modules": sorted({"boto3", "slack_sdk", "sentry_sdk", "scrapinghub"} & set(sys.modules)),
}))
"""
ORDINARY = {"state": "ok", "requests": 40, "lists": 4, "listed": 80, "reports": 20}
LOST = {"state": "error", "requests": 3, "failed": 3}


def crawl(
    tonight: dict[str, Any],
    *,
    asks: bool = True,
    keeps: bool = True,
    enabled: bool = True,
    tells: bool = True,
    loop: str = "uvloop.Loop",
) -> tuple[dict[str, Any], list[str]]:
    said = {
        "tonight": tonight,
        "past": ORDINARY,
        "asks": asks,
        "keeps": keeps,
        "enabled": enabled,
        "tells": tells,
        "loop": loop,
    }
    with Server({"/": [(200, {}, b"here")]}) as server:
        done = subprocess.run(
            [sys.executable, "-c", CRAWL, f"{server.url}/", json.dumps(said)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr.splitlines()


def test_a_night_that_went_well_says_nothing_and_calls_nobody() -> None:
    """By Python's own loop, whose calls can be heard."""
    found, log = crawl(ORDINARY, loop="")
    assert found == {"asked": [], "failed": [], "called": ["127.0.0.1"], "modules": []}
    assert not [line for line in log if "pidermon" in line or "night fails" in line]


def test_a_lost_portal_fails_the_night_in_two_lines_of_the_log() -> None:
    found, log = crawl(LOST)
    vanished, halved = found["asked"]
    assert vanished.startswith("站点消失 vanished: 1/1 个")
    assert "北原市人民政府 p" in vanished
    assert halved.startswith("应答骤减 answers halved: ")
    said = [line for line in log if "night fails" in line]
    assert len(said) == 2
    assert len([line for line in log if "pidermon" in line]) == 0


def test_the_suite_runs_when_nobody_asks() -> None:
    found, _ = crawl(LOST, asks=False)
    assert found["asked"] is None
    assert len(found["failed"]) == 2


def test_answers_that_were_not_kept_fail_the_night() -> None:
    found, _ = crawl(ORDINARY, keeps=False)
    (reason,) = found["failed"]
    assert reason.startswith("未存 nothing written: 收到 1 个应答")


def test_a_monitor_that_cannot_tell_fails_the_night() -> None:
    found, _ = crawl({"state": "ok", "no_such_count": 1})
    assert len(found["failed"]) == 6
    assert all("监测出错" in reason and "TypeError" in reason for reason in found["failed"])


def test_a_spider_that_tells_nothing_is_not_watched() -> None:
    found, log = crawl(LOST, tells=False)
    assert found["asked"] == []
    assert [line for line in log if "no monitor watches it" in line]


def test_monitors_can_be_turned_off() -> None:
    found, _ = crawl(LOST, enabled=False)
    assert (found["asked"], found["failed"]) == ([], None)
