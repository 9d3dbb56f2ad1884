from datetime import date

import pytest

from crawler import schedule
from crawler.schedule import Dates

NOVEMBER, FEBRUARY = date(2026, 11, 22), date(2027, 2, 10)


@pytest.mark.parametrize(
    ("about", "night", "fresh"),
    [
        (Dates(listed="2026-11-01"), NOVEMBER, True),
        (Dates(listed="2026-10-01"), NOVEMBER, False),
        (Dates(listed="2027-11-01"), NOVEMBER, False),
        (Dates(listed="2026-13-01"), NOVEMBER, False),
        # Met on the portal's first night it may be of any age; met later it is new.
        (Dates(discovered="2026-11-20", portal_since="2026-11-20"), NOVEMBER, False),
        (Dates(discovered="2026-11-20", portal_since="2026-10-20"), NOVEMBER, True),
        # The year that reports are due for, while they are.
        (Dates(title="某市2026年政府信息公开工作年度报告"), FEBRUARY, True),
        (Dates(title="某市2025年政府信息公开工作年度报告"), FEBRUARY, False),
        (Dates(title="某市2025年政府信息公开工作年度报告"), NOVEMBER, False),
    ],
)
def test_what_is_fresh(about, night, fresh):
    assert schedule.is_fresh(about, night) is fresh


def test_the_interval_adapts_and_never_passes_a_month():
    night, interval, waits = date(2026, 5, 1), 1.0, []
    for _ in range(14):
        interval, due = schedule.next_due(interval, night, changed=False, fresh=False)
        waits.append((date.fromisoformat(due) - night).days)
    # 1.4, 1.96, 2.7, 3.8, 5.4, 7.5, 10.5, 14.8, 20.7, 28.9, then the month.
    assert waits == [1, 1, 2, 3, 5, 7, 10, 14, 20, 28, 30, 30, 30, 30]
    interval, due = schedule.next_due(30.0, night, changed=True, fresh=False)
    assert (interval, due) == (24.0, "2026-05-02")


def test_second_visits_take_turns_over_the_month_outside_the_season():
    dues = [schedule.first_due(turn, NOVEMBER, fresh=False) for turn in range(3_000)]
    assert {interval for interval, _ in dues} == {30.0}
    days = [(date.fromisoformat(due) - NOVEMBER).days for _, due in dues]
    assert [days.count(n) for n in range(1, 31)] == [100] * 30
    assert schedule.first_due(7, FEBRUARY, fresh=False) == (1.0, "2027-02-11")


def test_failures_and_removals():
    waits = [schedule.after_failure(n, NOVEMBER) for n in (1, 2, 3, 4, 9)]
    assert waits == ["2026-11-23", "2026-11-24", "2026-11-26", "2026-11-29", "2026-11-29"]
    gone = [schedule.after_gone(n, NOVEMBER) for n in (1, 2, 3, 4)]
    assert gone == ["2026-11-23", "2026-11-23", "2026-12-22", "2026-12-22"]


@pytest.mark.parametrize(
    ("title", "path", "closed"),
    [
        ("2023年", "/zwgk/nb/", True),
        ("2025年度报告", "/zwgk/nb/2023n/", False),
        ("市直部门", "/zwgk/nb/2023n_5714/bm/", True),
        ("年报", "/zfxxgk/zfxxgknb/n2022n/index.html", True),
        ("市直部门", "/zwgk/nb/2025/bm/", False),
        # The age of a platform is not that of its reports.
        ("政府信息公开年报", "/dlt2023/zfxxgk2020/zfxxgknb_151636/", False),
    ],
)
def test_lists_of_years_long_past_are_closed_outside_the_season(title, path, closed):
    assert schedule.is_closed(title, path, NOVEMBER) is closed
    assert not schedule.is_closed(title, path, FEBRUARY)
