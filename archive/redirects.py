"""What answers at a name that was public and that the archive does not have any more?

Another reader, or a correction, may find another body, year or number of versions in the same
captures. The captures say what holds instead: a version leads to the version its payload shows, a
report to the one that the captures of its versions show. Pure, but for `Shown`.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

# One more than any hexadecimal digit: every digest with a prefix sorts before prefix + this.
PAST_HEX = "g"


@dataclass(frozen=True, slots=True)
class Redirect:
    """A row of table redirects: `path` was public, `target` holds in its place, or None does."""

    path: str
    target: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Payload:
    """What the captures of a payload say: how many show each version, and if none does, what the
    reader says of it. `captures` 0: no capture has such a payload."""

    captures: int = 0
    versions: Mapping[str, int] | None = None
    said: str | None = None


class Evidence(Protocol):
    """What the archive says of names and payloads."""

    def exists(self, path: str) -> bool:
        """Whether the archive has a report or version of this path."""

    def payload(self, digest12: str) -> Payload:
        """What is known of the payloads whose SHA-256 begins with these 12 digits."""


def redirects(
    published: Iterable[str],
    present: Iterable[str],
    evidence: Evidence,
    same_as: Callable[[str], str] = lambda issuer_id: issuer_id,
    merged_into: Callable[[str], str | None] = lambda issuer_id: None,
) -> Iterator[Redirect]:
    """A redirect for every published path that is not present, in the order of the paths.

    `published` and `present` are report and version paths, sorted, each once. `same_as` gives the
    id that holds for an id, `merged_into` the body it became part of. Every target is present, so
    none leads to another redirect.
    """
    paths = _marked(published, present)
    for report, group in groupby(paths, key=lambda path: _report(path[0])):
        named = list(group)
        if missing := [path for path, is_present in named if not is_present]:
            versions = [path for path, _ in named if path != report]
            yield from _of_report(report, missing, versions, evidence, same_as, merged_into)


def _marked(published: Iterable[str], present: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Every published path, and whether it is present; both sorted."""
    rest = iter(present)
    other = next(rest, None)
    for path in published:
        while other is not None and other < path:
            other = next(rest, None)
        yield path, other == path


def _report(path: str) -> str:
    return "/".join(path.split("/", 2)[:2])


def _of_report(
    report: str,
    missing: Sequence[str],
    versions: Sequence[str],
    evidence: Evidence,
    same_as: Callable[[str], str],
    merged_into: Callable[[str], str | None],
) -> Iterator[Redirect]:
    """The redirects of a report and its versions; `versions` are all that were published of it."""
    issuer_id, _, year = report.partition("/")
    holds = f"{same_as(issuer_id)}/{year}"
    shown: dict[str, Payload] = {}
    for path in versions:
        digest = path.rpartition("/")[2]
        shown[digest] = evidence.payload(digest)
    whole = None
    if not evidence.exists(report):
        whole = _for_report(report, holds, list(shown.values()), evidence, merged_into)
    for path in missing:
        if path == report:
            if whole:
                yield whole
        else:
            digest = path.rpartition("/")[2]
            yield _for_version(path, holds, shown[digest], whole, evidence)


def _for_report(
    report: str,
    holds: str,
    shown: Sequence[Payload],
    evidence: Evidence,
    merged_into: Callable[[str], str | None],
) -> Redirect:
    if holds != report and evidence.exists(holds):
        return Redirect(report, holds, SAME_BODY)
    counts: Counter[str] = Counter()
    for payload in shown:
        for version, count in (payload.versions or {}).items():
            counts[_report(version)] += count
    # Every target must answer, whatever the captures say.
    candidates = [other for other in counts if other != report and evidence.exists(other)]
    if candidates:
        target = min(candidates, key=lambda other: (-counts[other], other))
        return Redirect(report, target, _difference(holds, target))
    issuer_id, _, year = holds.partition("/")
    above = merged_into(issuer_id)
    if above and evidence.exists(f"{above}/{year}"):
        return Redirect(report, f"{above}/{year}", MERGED_BODY)
    return Redirect(report, None, _gone(shown))


def _for_version(
    path: str, holds: str, payload: Payload, whole: Redirect | None, evidence: Evidence
) -> Redirect:
    """`whole` is what became of the version's report, None when that is present."""
    report, _, digest = path.rpartition("/")
    same = f"{holds}/{digest}"
    if same != path and evidence.exists(same):
        return Redirect(path, same, SAME_BODY)
    found = {
        version: count
        for version, count in (payload.versions or {}).items()
        if version != path and evidence.exists(version)
    }
    if found:
        # A payload may be an annex of several reports: the version's own comes first.
        own = {report, holds, whole.target if whole else report}
        target = min(
            found, key=lambda version: (_report(version) not in own, -found[version], version)
        )
        reason = OTHER_VERSION if _report(target) == report else _difference(holds, target)
        return Redirect(path, target, reason)
    if payload.captures and payload.said:
        return Redirect(path, None, _gone([payload]))
    # No payload bears the name (a version may be named by its content, where only an annex was
    # taken away), or it shows nothing: what is left is the report.
    if whole is None:
        return Redirect(path, report, NO_SUCH_VERSION)
    return Redirect(path, whole.target, whole.reason)


SAME_BODY = (
    "该机关曾有两个编号，现以此为准 (two ids were minted for one body; this is the one that holds)"
)
MERGED_BODY = "该机关已并入另一机关 (the body became part of another)"
OTHER_BODY = "重新读取后，此文件属另一机关 (read again, it turned out to be another body's)"
OTHER_YEAR = "重新读取后，此文件属另一年度 (read again, it turned out to be of another year)"
OTHER_REPORT = (
    "重新读取后，此文件属另一机关的另一年度 "
    "(read again, it turned out to be another body's, of another year)"
)
OTHER_VERSION = (
    "重新读取后，此内容与该年报的另一版本相同 (read again, it says the same as another version)"
)
NO_SUCH_VERSION = (
    "重新读取后，该年报不再单列此版本，请见年报页所列各版本 "
    "(read again, the report has no such version of its own; its page lists those it has)"
)
NO_REPORT = "读取程序不再认为这是年报 (the reader takes this for a report no longer)"
NO_CAPTURE = (
    "存档中没有此版本的抓取记录，无从判断 "
    "(the archive has no capture that bears this name; nothing can be said of it)"
)


def _difference(report: str, target: str) -> str:
    """Why what was filed under a report lies at the target."""
    body, _, year = report.partition("/")
    other_body, _, rest = target.partition("/")
    other_year = rest.partition("/")[0]
    if body == other_body:
        return OTHER_VERSION if year == other_year else OTHER_YEAR
    return OTHER_BODY if year == other_year else OTHER_REPORT


def _gone(shown: Sequence[Payload]) -> str:
    said = sorted({payload.said for payload in shown if payload.said})
    if said:
        return f"{NO_REPORT}：{said[0]}"
    return NO_REPORT if any(payload.captures for payload in shown) else NO_CAPTURE


class Shown:
    """The evidence of an archive: an open connection to it, with reports, versions, captures and
    sightings written."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def present(self) -> Iterator[str]:
        """Every report and version path, sorted."""
        rows = self._db.execute(
            "select id from reports union all select id from versions order by 1"
        )
        return (path for (path,) in rows)

    def exists(self, path: str) -> bool:
        """Whether the archive has a report or version of this path."""
        table = "versions" if path.count("/") == 2 else "reports"
        return bool(self._db.execute(f"select 1 from {table} where id = ?", (path,)).fetchone())

    def payload(self, digest12: str) -> Payload:
        """What is known of the payloads whose SHA-256 begins with these 12 digits."""
        bounds = (digest12, digest12 + PAST_HEX)
        counts = dict(
            self._db.execute(
                "select version_id, count(*) from captures where digest >= ? and digest < ? "
                "group by version_id",
                bounds,
            ).fetchall()
        )
        captures = sum(counts.values())
        counts.pop(None, None)
        if counts or not captures:
            return Payload(captures, counts)
        said = self._db.execute(
            """
            select sightings.reason from captures join sightings on sightings.url = captures.url
            where captures.digest >= ? and captures.digest < ? and sightings.reason is not null
            order by sightings.digest = captures.digest desc, sightings.night desc,
                sightings.url, sightings.reason limit 1
            """,
            bounds,
        ).fetchone()
        return Payload(captures, {}, said[0] if said else None)
