"""Same or new, still there or gone: told as nights."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from archive.model import Note, Reading, Section, State
from archive.versions import Change, History, Observation, trace

PAGE = "http://a.gov.cn/2023.html"
OTHER = "http://b.gov.cn/2023.html"
CELL = "requests.received_new.total"
A, B, C = "a" * 64, "b" * 64, "c" * 64


def reading(content: str, cell: str | None = "10", text: str = "全年受理十件。") -> Reading:
    return Reading(
        True,
        "",
        issuer="朔州市教育局",
        year=2023,
        title="2023年政府信息公开工作年度报告",
        sections=(Section(1, "一、总体情况", text),),
        cells={CELL: cell, "requests.carried_in.total": "0"},
        content_digest=content,
    )


def seen(night: int, content: Reading | None, digest: str = A, url: str = PAGE) -> Observation:
    return Observation(
        url=url,
        night=f"2026-11-{night:02}",
        seen_at=f"2026-11-{night:02}T14:00:00Z",
        verdict="ok",
        reading=content,
        digests=(digest,),
    )


def answered(night: int, verdict: str, *, home_ok: bool = True, url: str = PAGE) -> Observation:
    return replace(
        seen(night, None, url=url), verdict=verdict, home_ok=home_ok, reading=None, digests=()
    )


def numbers(history: History) -> list[tuple[str, int]]:
    return [(version.id, version.number) for version in history.versions]


def test_a_page_that_only_counts_its_visitors_has_one_version() -> None:
    history = trace([seen(1, reading("x"), A), seen(2, reading("x"), B), seen(3, reading("x"), C)])
    assert numbers(history) == [("a" * 12, 1)]
    assert history.transitions == ()
    assert (history.first_seen, history.last_seen) == (
        "2026-11-01T14:00:00Z",
        "2026-11-03T14:00:00Z",
    )
    assert history.versions[0].last_seen == "2026-11-03T14:00:00Z"


def test_a_silent_edit_is_told_cell_by_cell() -> None:
    before = reading("x")
    after = replace(reading("y", "12", "全年受理十二件。"), title="2023年年度报告")
    history = trace([seen(1, before, A), seen(2, after, B)])
    assert numbers(history) == [("a" * 12, 1), ("b" * 12, 2)]
    assert history.current == "b" * 12
    (transition,) = history.transitions
    assert (transition.earlier, transition.later) == ("a" * 12, "b" * 12)
    assert transition.changes == (
        Change(CELL, None, None, "10", "12"),
        Change(None, 1, None, "全年受理十件。", "全年受理十二件。"),
        Change(None, None, "title", "2023年政府信息公开工作年度报告", "2023年年度报告"),
    )


def test_a_number_put_where_there_was_a_dash() -> None:
    before = replace(reading("x", None), notes={CELL: Note(State.NA, "—")})
    history = trace([seen(1, before, A), seen(2, reading("y", "0"), B)])
    assert history.transitions[0].changes == (Change(CELL, None, None, "—", "0"),)


def test_content_that_returns_is_the_earlier_version_again() -> None:
    history = trace(
        [seen(1, reading("x"), A), seen(2, reading("y", "12"), B), seen(3, reading("x"), C)]
    )
    assert numbers(history) == [("a" * 12, 1), ("b" * 12, 2)]
    assert history.current == "a" * 12
    assert [(step.earlier[0], step.later[0]) for step in history.transitions] == [
        ("b", "a"),
        ("a", "b"),
    ]
    assert history.transitions[0].changes == (Change(CELL, None, None, "12", "10"),)


def test_a_swapped_attachment_names_the_version() -> None:
    """The page's bytes are the same; only the attachment's can tell the versions apart."""
    one = replace(seen(1, reading("x")), digests=(A, B), attachments=(("http://a/1.pdf", B),))
    two = replace(seen(2, reading("y", "12")), digests=(A, C), attachments=(("http://a/1.pdf", C),))
    history = trace([one, two])
    assert numbers(history) == [("a" * 12, 1), ("c" * 12, 2)]
    assert history.transitions[0].changes[-1] == Change(
        None,
        None,
        "attachments",
        f"http://a/1.pdf sha256:{'b' * 12}",
        f"http://a/1.pdf sha256:{'c' * 12}",
    )


def test_a_swapped_link_is_a_change() -> None:
    one = replace(reading("x"), links=("http://a/1", "http://a/2"))
    two = replace(reading("y"), links=("http://a/1", "http://a/3"))
    history = trace([seen(1, one, A), seen(2, two, B)])
    assert history.transitions[0].changes == (
        Change(None, None, "links", "http://a/2", "http://a/3"),
    )


def test_the_same_report_at_two_addresses_is_one_version() -> None:
    history = trace([seen(1, reading("x"), A), seen(1, reading("y"), B, OTHER)])
    assert numbers(history) == [("a" * 12, 1)]
    assert history.url == PAGE
    assert history.transitions == ()


def test_another_content_at_a_second_address_is_a_further_version() -> None:
    history = trace([seen(1, reading("x"), A), seen(2, reading("y", "11"), B, OTHER)])
    assert numbers(history) == [("a" * 12, 1), ("b" * 12, 2)]
    assert (history.url, history.current) == (PAGE, "a" * 12)
    assert [version.replaces for version in history.versions] == [None, None]


def test_an_edit_names_the_version_whose_place_it_took() -> None:
    """Also when the other address showed the new text first, and not when the old one returns."""
    nights = [
        seen(1, reading("x"), A),
        seen(1, reading("y", "11"), B, OTHER),
        seen(2, reading("y", "11"), B, OTHER),
    ]
    assert [version.replaces for version in trace(nights).versions] == [None, None]
    nights.append(seen(2, reading("y", "11"), C))
    assert [version.replaces for version in trace(nights).versions] == [None, "a" * 12]
    nights.append(seen(3, reading("x"), A))
    assert [version.replaces for version in trace(nights).versions] == [None, "a" * 12]


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([], "live"),
        (["gone"], "suspect"),
        (["soft_404"], "suspect"),
        (["home_redirect"], "suspect"),
        (["challenge"], "live"),
        (["error", "shell", "truncated", "too_large"], "live"),
        (["gone", "gone"], "suspect"),
        (["gone", "soft_404", "home_redirect"], "gone"),
        (["gone", "gone", "ok"], "live"),
        (["gone", "ok", "gone", "gone"], "suspect"),
        (["gone", "error", "gone"], "suspect"),
        (["gone", "gone", "gone", "error"], "gone"),
        (["gone", "gone", "gone", "ok"], "back"),
        (["gone", "gone", "gone", "not_modified", "gone"], "suspect"),
        (["moved"], "moved"),
    ],
)
def test_status(verdicts: list[str], status: str) -> None:
    nights = [seen(1, reading("x"))]
    for night, verdict in enumerate(verdicts, start=2):
        if verdict in ("ok", "not_modified"):
            nights.append(replace(seen(night, reading("x")), verdict=verdict))
        else:
            nights.append(answered(night, verdict))
    assert trace(nights).status == status


def test_a_portal_that_is_down_takes_nothing_with_it() -> None:
    nights = [seen(1, reading("x"))]
    nights += [answered(night, "gone", home_ok=False) for night in (2, 3, 4, 5)]
    assert trace(nights).status == "live"


def test_the_same_night_asked_three_times_is_one_night() -> None:
    again = answered(2, "gone")
    times = [replace(again, seen_at=f"2026-11-02T1{hour}:00:00Z") for hour in range(3)]
    assert trace([seen(1, reading("x")), *times]).status == "suspect"


def test_a_live_address_speaks_for_a_gone_one() -> None:
    nights = [seen(1, reading("x"), A), seen(1, reading("x"), B, OTHER)]
    assert trace(nights).url == PAGE
    nights += [answered(night, "gone") for night in (2, 3, 4)]
    history = trace(nights)
    assert (history.url, history.status) == (OTHER, "live")


def test_the_order_of_observations_does_not_matter() -> None:
    nights = [
        seen(1, reading("x"), A),
        seen(1, reading("z"), C, OTHER),
        seen(2, reading("y", "12"), B),
        answered(3, "gone"),
        answered(4, "challenge"),
        seen(5, reading("x"), A),
    ]
    expected = trace(nights)
    for seed in range(10):
        shuffled = nights * 2
        random.Random(seed).shuffle(shuffled)
        assert trace(shuffled) == expected


def test_a_report_nobody_saw() -> None:
    with pytest.raises(ValueError, match="needs one observation"):
        trace([answered(1, "gone")])


def told(history: History) -> list[tuple[str, str, str, str | None, int | None]]:
    return [
        (
            event.kind,
            event.night[-2:],
            event.version[0],
            event.earlier and event.earlier[0],
            event.days,
        )
        for event in history.events
    ]


def published(content: str) -> Reading:
    return replace(reading(content), published_on="2026-10-31")


def test_what_happens_to_a_report_is_told_once_each() -> None:
    """New on the first night, edited on the third, away from the fifth: vanished on the seventh,
    when three nights have found nothing; back on the ninth with what it showed last."""
    history = trace(
        [
            seen(1, published("x"), A),
            seen(2, published("x"), C),
            seen(3, published("y"), B),
            seen(4, published("y"), B),
            *(answered(night, "gone") for night in (5, 6, 7, 8)),
            seen(9, published("y"), B),
        ]
    )
    assert told(history) == [
        ("new", "01", "a", None, 1),
        ("edited", "03", "b", "a", 3),
        ("vanished", "07", "b", None, 7),
        ("back", "09", "b", None, 9),
    ]


def test_an_outage_is_no_event() -> None:
    nights = [answered(night, "gone", home_ok=False) for night in (2, 3, 4, 5)]
    assert [event.kind for event in trace([seen(1, reading("x")), *nights]).events] == ["new"]


def test_a_report_that_is_still_at_another_address_has_not_vanished() -> None:
    history = trace(
        [
            seen(1, reading("x"), A),
            seen(1, reading("x"), B, url=OTHER),
            *(answered(night, "gone") for night in (2, 3, 4)),
        ]
    )
    assert [event.kind for event in history.events] == ["new"]
    assert (history.url, history.status) == (OTHER, "live")


def test_a_page_that_moved_is_told_at_its_old_address() -> None:
    history = trace([seen(1, reading("x")), answered(2, "moved"), seen(2, reading("x"), url=OTHER)])
    assert [(event.kind, event.url) for event in history.events] == [("new", PAGE), ("moved", PAGE)]


def test_the_same_edit_at_two_addresses_in_one_night_is_one() -> None:
    history = trace(
        [
            *(seen(1, reading("x"), A, url=url) for url in (PAGE, OTHER)),
            *(seen(2, reading("y", "12"), B, url=url) for url in (PAGE, OTHER)),
        ]
    )
    assert told(history) == [("new", "01", "a", None, None), ("edited", "02", "b", "a", None)]


@pytest.mark.parametrize("stated", [None, "去年", "2026-11-02"])
def test_days_since_a_date_that_is_not_known_or_lies_ahead(stated: str | None) -> None:
    (event,) = trace([seen(1, replace(reading("x"), published_on=stated))]).events
    assert event.days is None


def test_an_edit_found_later_at_another_address_is_no_second_one() -> None:
    history = trace(
        [
            *(seen(1, reading("x"), A, url=url) for url in (PAGE, OTHER)),
            seen(2, reading("y", "12"), B),
            seen(3, reading("y", "12"), B, url=OTHER),
            seen(4, reading("x"), A),
            seen(5, reading("y", "12"), B),
        ]
    )
    assert told(history) == [
        ("new", "01", "a", None, None),
        ("edited", "02", "b", "a", None),
        ("edited", "04", "a", "b", None),
        ("edited", "05", "b", "a", None),
    ]


def test_a_report_that_moved_and_then_went_has_vanished() -> None:
    history = trace(
        [
            seen(1, reading("x")),
            answered(2, "moved"),
            seen(2, reading("x"), url=OTHER),
            *(answered(night, "gone", url=OTHER) for night in (3, 4, 5)),
        ]
    )
    assert [(event.kind, event.night[-2:]) for event in history.events] == [
        ("new", "01"),
        ("moved", "02"),
        ("vanished", "05"),
    ]
    assert (history.url, history.status) == (OTHER, "gone")


def test_an_address_that_showed_another_report_for_a_night_is_back() -> None:
    nights = [seen(1, reading("x")), answered(2, "moved"), seen(3, reading("x"))]
    assert [event.kind for event in trace(nights).events] == ["new", "moved", "back"]


def test_a_page_that_shows_no_report_is_suspected_and_no_more() -> None:
    nights = [seen(1, reading("x")), *(answered(night, "no_report") for night in range(2, 9))]
    history = trace(nights)
    assert (history.status, [event.kind for event in history.events]) == ("suspect", ["new"])
