"""Which body is this, and what is its id for ever?

An id is minted once, readable (140600-jyj is 朔州市教育局), and written to DATA/ledger.csv before
the archive refers to it. The ledger is kept with the captures: a rebuild finds the same ids in it.
`docs/bodies.md` says how ids are made and what becomes of a body that changes its name.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any

from pypinyin import Style, lazy_pinyin

from archive import published
from archive.names.bodies import (
    PLACE,
    describe,
    full_name,
    guessed_level,
    kind_of,
    official_name,
    place_of,
    related,
    tidy,
)
from archive.shelf import sync

ID = re.compile(r"[0-9]{1,12}-[a-z0-9]+(-[0-9]+)?")
# Of a name longer than any body's the whole pinyin would make an address nobody can read.
LONGEST_SPELLING = 48


class LedgerError(ValueError):
    """The ledger cannot be trusted as it stands; the message names the line and what to do."""


@dataclass(frozen=True, slots=True)
class Portal:
    """A site as the crawl last described it, and how its home page answered."""

    id: str
    name: str
    division: str
    level: str
    home_url: str = ""
    last_ok: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Issuer:
    """A line of the ledger. `minted_at` is when the sighting was made that asked for the id."""

    id: str
    name: str
    division: str
    level: str
    kind: str
    portal_id: str
    minted_at: str


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A portal published a report of a body of this name; `seen_at` is the first time."""

    division: str
    name: str
    portal_id: str
    seen_at: str


HEADER = tuple(field.name for field in fields(Issuer))


class Ledger:
    """The ids given so far, and the giving of new ones."""

    def __init__(self, issuers: Iterable[Issuer] = ()) -> None:
        self.by_id: dict[str, Issuer] = {}
        self._by_name: dict[str, list[Issuer]] = {}
        self._same: Mapping[str, str] = {}
        self._further: dict[str, list[str]] = {}
        for issuer in issuers:
            self.add(issuer)

    def add(self, issuer: Issuer) -> None:
        self.by_id[issuer.id] = issuer
        for name in (issuer.name, *self._further.get(issuer.id, ())):
            known = self._by_name.setdefault(official_name(name), [])
            if issuer not in known:
                known.append(issuer)

    def learn(self, names: Iterable[tuple[str, str]], same: Mapping[str, str]) -> None:
        """Take in what corrections say: further `names` of bodies, as (id, name), and which ids
        are the `same` body as another; of ids the ledger does not have, for when it has them."""
        for issuer_id, name in names:
            self._further.setdefault(issuer_id, []).append(tidy(name))
            if issuer := self.by_id.get(issuer_id):
                self.add(issuer)
        self._same = same

    def find(self, name: str, portal: Portal) -> Issuer | None:
        """The body of that name a portal means.

        A name with its place in it is the same body on the portal of its city and on its own; a
        bare 教育局 is another body on each. 重庆市奉节县教育局 is also 奉节县教育局, but where
        a ledger of old has both.
        """
        found = self._find(tidy(name), portal)
        if found is None:
            return None
        return self.by_id.get(self._same.get(found.id, found.id), found)

    def _find(self, name: str, portal: Portal) -> Issuer | None:
        known = self._by_name.get(official_name(name), [])
        # What a ledger of old has twice is told apart by the letter.
        known = sorted(known, key=lambda issuer: issuer.name != name)
        for issuer in known:
            if issuer.division == portal.division:
                return issuer
        for issuer in known:
            if issuer.portal_id == portal.id:
                return issuer
        if PLACE.match(name):
            for issuer in sorted(known, key=lambda issuer: (issuer.name != name, issuer.id)):
                if related(issuer.division, portal.division):
                    return issuer
        return None

    def mint(self, claims: Iterable[Claim], portals: Mapping[str, Portal]) -> list[Issuer]:
        """New ledger lines for the bodies that have none, whatever the order of the claims: of two
        that could have the same id it goes to the one seen first, as when each night is folded by
        itself."""
        own_portals: dict[str, list[Portal]] = {}
        for portal in sorted(portals.values(), key=lambda portal: portal.id):
            for name in {official_name(portal.name), official_name(full_name(portal.name))}:
                own_portals.setdefault(name, []).append(portal)
        minted = []
        # What corrections name after a body may be that body's, once it is here.
        later = {official_name(name) for names in self._further.values() for name in names}
        for claim in sorted(
            set(claims),
            key=lambda claim: (official_name(claim.name) in later, claim.seen_at, claim),
        ):
            portal = portals[claim.portal_id]
            if self.find(claim.name, portal) is not None:
                continue
            name = tidy(claim.name)
            home = next(
                (
                    own
                    for own in own_portals.get(official_name(name), [])
                    if related(own.division, claim.division)
                ),
                portal,
            )
            if (issuer := self.find(name, home)) is None:
                kind = kind_of(name)
                issuer = Issuer(
                    id=next(wanted for wanted in ids(name, home) if wanted not in self.by_id),
                    name=name,
                    division=home.division,
                    level=level_of(name, kind, home),
                    kind=kind,
                    portal_id=home.id,
                    minted_at=claim.seen_at,
                )
                self.add(issuer)
                minted.append(issuer)
        return minted


def ids(name: str, portal: Portal) -> Iterator[str]:
    """The ids a body may have, the shortest first: its division and the initials of its name
    (140600-swj), its whole pinyin where another body has those (140600-shuiwuju), and that with
    digits of the name's SHA-256 where another is even spelled alike.

    Each follows from the name alone, never from how many were met before it.
    """
    division = re.sub(r"[^0-9]", "", portal.division)[:12] or "000000"
    place = place_of(portal.name)
    yield f"{division}-{initials(name, place)}"
    spelling = _ascii(lazy_pinyin(_own_words(name, place)))[:LONGEST_SPELLING]
    yield f"{division}-{spelling}"
    digits = str(int(hashlib.sha256(name.encode()).hexdigest(), 16))
    for length in range(4, len(digits)):
        yield f"{division}-{spelling}-{digits[-length:]}"


def initials(name: str, place: str) -> str:
    """The pinyin initials of a name without its place part: jyj for 朔州市教育局 in 朔州市.

    A name that does not hold the place, or nothing else, keeps all its initials.
    """
    letters = lazy_pinyin(
        _own_words(name, place), style=Style.FIRST_LETTER, errors=lambda rest: rest
    )
    return _ascii(part if part.isascii() else part[:1] for part in letters)


def _own_words(name: str, place: str) -> str:
    if not place:  # a body of the whole country
        return name
    own = PLACE.findall(place)[-1:] or [place]
    before, found, rest = name.partition(place) if place in name else name.partition(own[0])
    if before and place_of(before) != before:
        # 国家税务总局朔州市税务局: what stands before the place is no place above it.
        rest = before + rest
    return rest if found and rest else name


def _ascii(parts: Iterable[str]) -> str:
    return re.sub(r"[^a-z0-9]", "", "".join(parts).lower()) or "x"


def level_of(name: str, kind: str, portal: Portal) -> str:
    """The level of a body met on a portal: by its place, or where the list of divisions does not
    tell, the portal's own or lower when the name has a place below."""
    level = describe(name, portal.name, portal.division).level
    return level or guessed_level(name, kind, portal.name, portal.level)


def parent_ids(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """For issuers (rows with id, name, division, level, parent and perhaps parent_id) the id of
    the body above each.

    By official name, where exactly one body of that name (of several, exactly one that is written
    so) is of the state or of a place in the same line; a `parent_id` that is set holds if that
    body is among the rows. Nobody is above itself.
    """
    by_id = {row["id"]: row for row in rows}
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for row in by_id.values():
        by_name.setdefault(official_name(row["name"]), []).append(row)
    found: dict[str, str] = {}
    for issuer_id, row in sorted(by_id.items()):
        parent = tidy(row.get("parent") or "")
        above = [
            other
            for other in by_name.get(official_name(parent), [])
            if other["id"] != issuer_id
            and (other["level"] == "central" or related(other["division"], row["division"]))
        ]
        if len(above) > 1:
            above = [other for other in above if tidy(other["name"]) == parent]
        given: str | None = row.get("parent_id")
        if given is None and len(above) == 1:
            given = above[0]["id"]
        if given and given in by_id and not _leads_to(issuer_id, given, found):
            found[issuer_id] = given
    return found


def _leads_to(issuer_id: str, start: str, above: Mapping[str, str]) -> bool:
    while start != issuer_id and start in above:
        start = above[start]
    return start == issuer_id


def read_ledger(lines: Iterable[str]) -> Iterator[Issuer]:
    """The ledger's lines. One that cannot be trusted is an error, never passed over."""
    seen: dict[str, int] = {}
    bodies: dict[tuple[str, str], int] = {}
    for number, line in enumerate(lines, start=1):
        # A byte order mark is what some editors begin a file with.
        line = line.removeprefix("\ufeff") if number == 1 else line
        try:
            # Each by itself: a quote that is not closed would run on into the lines below.
            row = next(csv.reader([line], strict=True), [])
        except csv.Error as error:
            raise LedgerError(f"ledger line {number} is damaged: {error}: {line[:80]!r}") from error
        if number == 1:
            if tuple(row) != HEADER:
                raise LedgerError(f"ledger line 1: expected {','.join(HEADER)}, found {row}")
            continue
        if len(row) != len(HEADER) or not ID.fullmatch(row[0]) or not row[1]:
            raise LedgerError(f"ledger line {number} is damaged: {row}")
        issuer = Issuer(*row)
        body = (issuer.name, issuer.division)
        if issuer.id in seen or body in bodies:
            first = seen.get(issuer.id) or bodies.get(body)
            raise LedgerError(f"ledger line {number} repeats line {first}: {row}")
        seen[issuer.id] = bodies[body] = number
        yield issuer


def load_ledger(path: Path) -> Ledger:
    """The ledger of a data folder; an empty one when there is none yet."""
    if not path.exists():
        return Ledger()
    try:
        text = path.read_text(encoding="utf-8")
        if text and not text.endswith("\n"):
            raise LedgerError("the last ledger line is cut")
        return Ledger(read_ledger(text.splitlines()))
    except (LedgerError, UnicodeDecodeError) as error:
        raise LedgerError(f"{path}: {error}. Mend it or restore it from the backup.") from error


def append(path: Path, issuers: Iterable[Issuer]) -> None:
    """Add lines to the ledger; they are on the disk when this returns.

    The ledger is written whole aside and renamed: one whose last line is cut was damaged since,
    and is never what a killed build left.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerows(astuple(issuer) for issuer in issuers)
    if not text.tell():
        return
    before = path.read_bytes() if path.exists() else b""
    fresh = path.with_name(path.name + ".new")
    try:
        with fresh.open("wb") as file:
            file.write(before or (",".join(HEADER) + "\n").encode())
            file.write(text.getvalue().encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    sync(path.parent)


def whole_ledger(path: Path, archive: Path, public: Path) -> Ledger:
    """The ledger of a data folder, with every id that its archive, or without an archive the list
    of published names, refers to; LedgerError where one is missing, as it would be minted anew.
    """
    ledger = load_ledger(path)
    if (referred := _archive_ids(archive)) is not None:
        source, mend = archive, f", or run `python -m archive ledger --from {archive}`"
    else:
        source, mend = public, ""
        referred = published.issuers(public)
    if lost := sorted(issuer_id for issuer_id in referred if issuer_id not in ledger.by_id):
        raise LedgerError(
            f"{path} lacks {len(lost)} ids that {source} refers to, the first {lost[0]}: "
            f"restore it from the backup{mend}"
        )
    return ledger


def _archive_ids(archive: Path) -> set[str] | None:
    """The ids in an archive; None where there is none that can be read."""
    if not archive.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{archive.resolve().as_uri()}?mode=ro", uri=True)) as db:
            return {issuer_id for (issuer_id,) in db.execute("select id from issuers")}
    except sqlite3.DatabaseError:
        # An archive can be made again; that it is damaged is for the build to find.
        return None


def restored(archive: Path, ledger: Ledger) -> list[Issuer]:
    """The lines a ledger lacks, from the `issuers` of an archive: of bodies that had reports when
    it was built. LedgerError where it cannot be read, or says otherwise than the ledger."""
    try:
        with closing(sqlite3.connect(f"{archive.resolve().as_uri()}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            rows = db.execute(
                """
                select issuers.*, portals.division as portal_division,
                    (select min(first_seen) from reports where issuer_id = issuers.id) as seen
                from issuers left join portals on portals.id = issuers.portal_id order by 1
                """
            ).fetchall()
    except sqlite3.Error as error:
        raise LedgerError(f"{archive}: {error}. Is it an archive?") from error
    lines = [_line(dict(row)) for row in rows]
    found = [issuer for issuer in lines if issuer.id not in ledger.by_id]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        chain([HEADER], map(astuple, ledger.by_id.values()), map(astuple, found))
    )
    # What a later build would refuse to read is not written.
    list(read_ledger(text.getvalue().splitlines()))
    return found


def _line(row: Mapping[str, Any]) -> Issuer:
    """The ledger line of an issuer: corrected names and divisions did not mint its id."""
    return Issuer(
        id=row["id"],
        name=row.get("minted_as") or row["name"],
        division=row["portal_division"] or row["division"] or "",
        level=row["level"] or "",
        kind=row["kind"] or "",
        portal_id=row["portal_id"] or "",
        minted_at=row.get("minted_at") or row["seen"] or "",
    )


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold a lock file for a while; gives False when another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
