"""Same or new, still there or gone, and what changed? Pure: observations in, a history out.

A night on which a server refused, timed out or put up a challenge says nothing about a report:
it neither ends nor extends anything. A report is called gone only after three nights on which
its page was missing while the portal's home page answered.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from archive.form import PRINTED
from archive.model import Reading

SHOWN = frozenset({"ok", "not_modified"})
MISSING = frozenset({"gone", "soft_404", "home_redirect"})
NIGHTS_TO_GONE = 3
# What the fold says of a page that answered with something that is no report.
NO_REPORT = "no_report"
# Which address speaks for a report that has several: the best status, then the earliest seen. One
# that led elsewhere says less than the place it led to.
RANK = {"live": 0, "back": 0, "suspect": 1, "gone": 2, "moved": 3}
THERE = frozenset({"live", "back", "suspect"})
NAME_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Observation:
    """What one address was on one night.

    `reading` is None on a night that showed no content of this report. `digests` are the payloads
    the reading was made from, the page's first; `attachments` are (address, digest).
    `home_ok`: the portal's home page answered that night.
    """

    url: str
    night: str
    seen_at: str
    verdict: str
    home_ok: bool = True
    reading: Reading | None = None
    digests: tuple[str, ...] = ()
    attachments: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """A different content of a report, named by a payload that showed it.

    `replaces` is the version whose place it took at the same address: without one it is no edit,
    but the first content seen, or what another address has to show.
    """

    id: str
    number: int
    first_seen: str
    last_seen: str
    reading: Reading
    attachments: tuple[tuple[str, str], ...] = ()
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: exactly one of `field`, `section` and `aspect` says where."""

    field: str | None
    section: int | None
    aspect: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Transition:
    """All differences between two versions, in the order of the form."""

    earlier: str
    later: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a report: new, edited, vanished, back or moved.

    `at` is when it was observed and `url` where; `version` is what it showed then, or last, and
    `earlier` what an edit replaced. `days` counts from the publication date the report states to
    the night; None where it states none, or one after that night.
    """

    kind: str
    at: str
    night: str
    url: str
    version: str
    earlier: str | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class History:
    """What became of a report. `shown` says for each observation which version it showed."""

    url: str
    status: str
    current: str
    first_seen: str
    last_seen: str
    versions: tuple[Version, ...]
    transitions: tuple[Transition, ...]
    shown: tuple[tuple[Observation, str], ...]
    events: tuple[Event, ...] = ()


@dataclass(slots=True)
class _Content:
    """A version being gathered."""

    first: Observation
    observations: list[Observation] = field(default_factory=list)
    digests: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)


def trace(observations: Iterable[Observation]) -> History:
    """The history of one report (one body, one year) at all its addresses.

    At least one observation must show content. The order in which they are given is irrelevant.
    """
    by_moment = {_moment(observation): observation for observation in observations}
    ordered = [by_moment[moment] for moment in sorted(by_moment)]
    contents: list[_Content] = []
    shown: list[tuple[Observation, int]] = []
    for observation in ordered:
        if observation.reading is not None:
            number = _place(observation, observation.reading, contents)
            shown.append((observation, number))
    if not contents:
        raise ValueError("a report needs one observation that shows it, got none")
    names = _names(contents)
    url, status = _primary(ordered)
    current = [number for observation, number in shown if observation.url == url][-1]
    replaced = _replaced(shown)
    return History(
        url=url,
        status=status,
        current=names[current],
        first_seen=shown[0][0].seen_at,
        last_seen=max(observation.seen_at for observation, _ in shown),
        versions=tuple(
            _version(
                names[number],
                number,
                content,
                names[replaced[number]] if number in replaced else None,
            )
            for number, content in enumerate(contents)
        ),
        transitions=tuple(
            Transition(
                names[earlier],
                names[later],
                tuple(changes(contents[earlier].first, contents[later].first)),
            )
            for earlier, later in _steps(shown, len(contents))
        ),
        shown=tuple((observation, names[number]) for observation, number in shown),
        events=tuple(_events(ordered, {id(seen): names[n] for seen, n in shown})),
    )


def _moment(observation: Observation) -> tuple[str, ...]:
    return (
        observation.night,
        observation.seen_at,
        observation.url,
        observation.verdict,
        *observation.digests,
    )


def _place(observation: Observation, reading: Reading, contents: list[_Content]) -> int:
    """The number of the content an observation shows, a new one when it was never seen.

    On one address the content digest decides: there a swapped link is an edit. Two addresses
    wrap the same report in different links, so between them cells and chapters decide.
    """
    number = next(
        (n for n, content in enumerate(contents) if reading.content_digest in content.digests),
        next(
            (
                n
                for n, content in reversed(tuple(enumerate(contents)))
                if observation.url not in content.addresses
                and _says_the_same(reading, content.first.reading)
            ),
            len(contents),
        ),
    )
    if number == len(contents):
        contents.append(_Content(observation))
    content = contents[number]
    content.observations.append(observation)
    content.digests.add(reading.content_digest)
    content.addresses.add(observation.url)
    return number


def _says_the_same(one: Reading, other: Reading | None) -> bool:
    if other is None:
        return False
    return dict(one.cells) == dict(other.cells) and [
        (section.number, section.text) for section in one.sections
    ] == [(section.number, section.text) for section in other.sections]


def _names(contents: Sequence[_Content]) -> list[str]:
    """For each content 12 hex digits of the earliest payload that showed it and no content before.

    The page's payload if it can be; when only an attachment was swapped, the attachment's. When
    one was taken away and no payload is new, the content's own digest.
    """
    names: list[str] = []
    for number, content in enumerate(contents):
        taken = set(names)
        taken.update(
            digest[:NAME_LENGTH]
            for earlier in contents[:number]
            for seen in earlier.observations
            if _moment(seen) < _moment(content.first)
            for digest in seen.digests
        )
        candidates = [digest[:NAME_LENGTH] for digest in content.first.digests]
        reading = content.first.reading
        content_digest = reading.content_digest if reading else ""
        candidates.append(hashlib.sha256(content_digest.encode()).hexdigest()[:NAME_LENGTH])
        names.append(next((name for name in candidates if name not in taken), candidates[-1]))
    return names


def _version(name: str, number: int, content: _Content, replaces: str | None) -> Version:
    if content.first.reading is None:
        raise ValueError(f"version {name} has no reading")
    moments = [observation.seen_at for observation in content.observations]
    return Version(
        id=name,
        number=number + 1,
        first_seen=min(moments),
        last_seen=max(moments),
        reading=content.first.reading,
        attachments=content.first.attachments,
        replaces=replaces,
    )


def _replaced(shown: Sequence[tuple[Observation, int]]) -> dict[int, int]:
    """For each content that took the place of an older one at some address, the first such."""
    replaced: dict[int, int] = {}
    last: dict[str, int] = {}
    for observation, number in shown:
        before = last.get(observation.url, number)
        if before < number:
            replaced.setdefault(number, before)
        last[observation.url] = number
    return replaced


def _steps(shown: Sequence[tuple[Observation, int]], count: int) -> list[tuple[int, int]]:
    """Which contents to compare: each with the one before it, and each step an address made."""
    steps = {(number, number + 1) for number in range(count - 1)}
    last: dict[str, int] = {}
    for observation, number in shown:
        before = last.get(observation.url, number)
        if before != number:
            steps.add((before, number))
        last[observation.url] = number
    return sorted(steps, key=lambda step: (step[1], step[0]))


def _primary(ordered: Sequence[Observation]) -> tuple[str, str]:
    """The address that speaks for the report, and its status."""
    first: dict[str, int] = {}
    for position, observation in enumerate(ordered):
        if observation.reading is not None:
            first.setdefault(observation.url, position)
    candidates = []
    for url, position in first.items():
        seen = [observation for observation in ordered[position:] if observation.url == url]
        status = follow_status(seen)
        candidates.append((RANK[status], ordered[position].seen_at, url, status))
    _, _, url, status = min(candidates)
    return url, status


def follow_status(observations: Iterable[Observation]) -> str:
    """live, suspect, gone, moved or back, after the observations of one address in order."""
    address = _Address()
    for observation in observations:
        address.step(observation)
    return address.status


@dataclass(slots=True)
class _Address:
    """How an address stands after what was observed of it so far, from the first content on."""

    status: str = "live"
    was_gone: bool = False
    missing: set[str] = field(default_factory=set)

    def step(self, observation: Observation) -> None:
        if observation.verdict in SHOWN and observation.reading is not None:
            self.status = "back" if self.was_gone else "live"
            self.missing.clear()
        elif observation.verdict == "moved":
            self.status = "moved"
            self.missing.clear()
        elif observation.verdict == NO_REPORT:
            # It may come back, and our reader may err: never more than a suspicion.
            if self.status in THERE:
                self.status = "suspect"
        elif observation.verdict in MISSING and observation.home_ok:
            self.missing.add(observation.night)
            if len(self.missing) >= NIGHTS_TO_GONE:
                self.status, self.was_gone = "gone", True
            elif self.status != "gone":
                self.status = "suspect"


def _events(ordered: Sequence[Observation], names: Mapping[int, str]) -> Iterator[Event]:
    """What happened, in order. A report has vanished when no address of it is there any more and
    one is gone; the same edit found later at another address is no second one."""
    addresses: dict[str, _Address] = {}
    showing: dict[str, str] = {}
    steps: Counter[tuple[str, str, str]] = Counter()
    told: Counter[tuple[str, str]] = Counter()
    published: dict[str, str | None] = {}
    last, stands = "", ""
    for seen in ordered:
        name = names.get(id(seen))
        if name is not None and seen.reading is not None:
            published[name] = seen.reading.published_on
        elif seen.url not in addresses:
            continue
        before = showing.get(seen.url)
        address = addresses.setdefault(seen.url, _Address())
        status = address.status
        address.step(seen)
        stood, stands = stands, _standing(addresses.values())
        last = name or before or last

        def event(kind: str, seen: Observation = seen, last: str = last, **more: str) -> Event:
            days = _days(published[last], seen.night)
            return Event(kind, seen.seen_at, seen.night, seen.url, last, days=days, **more)

        if not stood:
            yield event("new")
        elif stands == "there" != stood and (stood == "gone" or before is not None):
            yield event("back")
        if name is not None:
            showing[seen.url] = name
            if before is not None and before != name:
                steps[seen.url, before, name] += 1
                if steps[seen.url, before, name] > told[before, name]:
                    told[before, name] += 1
                    yield event("edited", earlier=before)
        if address.status == "moved" != status:
            yield event("moved")
        if stands == "gone" != stood:
            yield event("vanished")


def _standing(addresses: Iterable[_Address]) -> str:
    """there, gone, or moved where no address is there and none is gone."""
    statuses = {address.status for address in addresses}
    if statuses & THERE:
        return "there"
    return "gone" if "gone" in statuses else "moved"


def _days(published_on: str | None, night: str) -> int | None:
    try:
        days = (date.fromisoformat(night) - date.fromisoformat(published_on or "")).days
    except ValueError:
        return None
    return days if days >= 0 else None


def changes(earlier: Observation, later: Observation) -> Iterator[Change]:
    """Every difference between two contents: cells, then chapters, then everything else."""
    if earlier.reading is None or later.reading is None:
        raise ValueError(f"nothing to compare between {earlier.url} and {later.url}")
    before, after = earlier.reading, later.reading
    found = [
        *_cell_changes(before, after),
        *_section_changes(before, after),
        *_aspect_changes(earlier, later, before, after),
    ]
    if not found:
        # Text between chapters, or links the reading does not list.
        found = [Change(None, None, "content", before.content_digest, after.content_digest)]
    yield from found


def _cell_changes(before: Reading, after: Reading) -> Iterator[Change]:
    for key in PRINTED:
        one, other = _printed(before, key), _printed(after, key)
        if one != other:
            yield Change(key, None, None, one, other)


def _printed(reading: Reading, key: str) -> str | None:
    """The cell's number, or the words that stand in its place, or None."""
    number = reading.cells.get(key)
    if number is not None:
        return number
    note = reading.notes.get(key)
    return (note.printed or None) if note else None


def _section_changes(before: Reading, after: Reading) -> Iterator[Change]:
    one, other = chapters(before), chapters(after)
    for number in sorted(one.keys() | other.keys()):
        had, has = one.get(number), other.get(number)
        if had == has:
            continue
        if had and has and had[1] == has[1]:
            yield Change(None, number, None, had[0], has[0])
        else:
            yield Change(None, number, None, had[1] if had else None, has[1] if has else None)


def chapters(reading: Reading) -> dict[int, tuple[str, str]]:
    """Heading and text of each chapter; a number that is printed twice is joined."""
    found: dict[int, tuple[str, str]] = {}
    for section in reading.sections:
        if section.number in found:
            heading, text = found[section.number]
            more = "\n".join(part for part in (section.heading, section.text) if part)
            found[section.number] = (heading, f"{text}\n{more}" if text else more)
        else:
            found[section.number] = (section.heading, section.text)
    return found


def _aspect_changes(
    earlier: Observation, later: Observation, before: Reading, after: Reading
) -> Iterator[Change]:
    for aspect, one, other in (
        ("title", before.title, after.title),
        ("published_on", before.published_on, after.published_on),
    ):
        if one != other:
            yield Change(None, None, aspect, one, other)
    files_before = tuple(f"{url} sha256:{digest[:12]}" for url, digest in earlier.attachments)
    files_after = tuple(f"{url} sha256:{digest[:12]}" for url, digest in later.attachments)
    for aspect, had, has in (
        ("links", before.links, after.links),
        ("attachments", files_before, files_after),
    ):
        # Two addresses wrap the same text in their own links; only an edit in place is one.
        if had != has and (aspect != "links" or earlier.url == later.url):
            yield Change(None, None, aspect, _without(had, has), _without(has, had))


def _without(these: Sequence[str], others: Sequence[str]) -> str | None:
    """The lines the other side does not have; all of them when only their order differs."""
    own = [line for line in these if line not in others]
    if not own and set(these) == set(others):
        own = list(these)
    return "\n".join(own) or None
