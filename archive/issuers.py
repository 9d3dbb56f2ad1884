"""Which body is this, and what is its id for ever?

An id is minted once, readable (140600-jyj is 朔州市教育局), and written to DATA/ledger.csv before
the archive refers to it. The ledger is kept with the captures: a rebuild finds the same ids in it.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from pypinyin import Style, lazy_pinyin

from archive.names.bodies import PLACE, describe, full_name, guessed_level, related
from archive.names.bodies import kind_of as kind_of
from archive.names.bodies import place_of as place_of
from archive.names.bodies import tidy as tidy

ID = re.compile(r"[0-9]{1,12}-[a-z0-9]+(-[0-9]+)?")


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
        for issuer in issuers:
            self.add(issuer)

    def add(self, issuer: Issuer) -> None:
        self.by_id[issuer.id] = issuer
        self._by_name.setdefault(issuer.name, []).append(issuer)

    def find(self, name: str, portal: Portal) -> Issuer | None:
        """The body of that name a portal means.

        A name with its place in it is the same body on the portal of its city and on its own; a
        bare 教育局 is another body on each.
        """
        known = self._by_name.get(tidy(name), [])
        for issuer in known:
            if issuer.division == portal.division:
                return issuer
        for issuer in known:
            if issuer.portal_id == portal.id:
                return issuer
        if PLACE.match(tidy(name)):
            for issuer in sorted(known, key=lambda issuer: issuer.id):
                if related(issuer.division, portal.division):
                    return issuer
        return None

    def mint(self, claims: Iterable[Claim], portals: Mapping[str, Portal]) -> list[Issuer]:
        """New ledger lines for the bodies that have none, in an order that does not depend on
        the order of the claims."""
        own_portals: dict[str, list[Portal]] = {}
        for portal in sorted(portals.values(), key=lambda portal: portal.id):
            for name in {tidy(portal.name), full_name(portal.name)}:
                own_portals.setdefault(name, []).append(portal)
        minted = []
        for claim in sorted(set(claims)):
            portal = portals[claim.portal_id]
            if self.find(claim.name, portal) is not None:
                continue
            name = tidy(claim.name)
            home = next(
                (own for own in own_portals.get(name, []) if related(own.division, claim.division)),
                portal,
            )
            if (issuer := self.find(name, home)) is None:
                kind = kind_of(name)
                issuer = Issuer(
                    id=self._free_id(_readable(name, home)),
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

    def _free_id(self, wanted: str) -> str:
        free, number = wanted, 1
        while free in self.by_id:
            number += 1
            free = f"{wanted}-{number}"
        return free


def initials(name: str, place: str) -> str:
    """The pinyin initials of a name without its place part: jyj for 朔州市教育局 in 朔州市.

    A name that does not hold the place, or nothing else, keeps all its initials.
    """
    own = PLACE.findall(place)[-1:] or [place]
    before, found, rest = name.partition(place) if place in name else name.partition(own[0])
    if before and place_of(before) != before:
        # 国家税务总局朔州市税务局: what stands before the place is no place above it.
        rest = before + rest
    text = rest if found and rest else name
    letters = "".join(
        part if part.isascii() else part[:1]
        for part in lazy_pinyin(text, style=Style.FIRST_LETTER, errors=lambda rest: rest)
    )
    return re.sub(r"[^a-z0-9]", "", letters.lower()) or "x"


def level_of(name: str, kind: str, portal: Portal) -> str:
    """The level of a body met on a portal: by its place, or where the list of divisions does not
    tell, the portal's own or lower when the name has a place below."""
    level = describe(name, portal.name, portal.division).level
    return level or guessed_level(name, kind, portal.name, portal.level)


def _readable(name: str, portal: Portal) -> str:
    division = re.sub(r"[^0-9]", "", portal.division)[:12] or "000000"
    return f"{division}-{initials(name, place_of(portal.name))}"


def read_ledger(lines: Iterable[str]) -> Iterator[Issuer]:
    """The ledger's lines. One that cannot be trusted is an error, never passed over."""
    rows = csv.reader(lines, strict=True)
    seen: dict[str, int] = {}
    bodies: dict[tuple[str, str], int] = {}
    try:
        for number, row in enumerate(rows, start=1):
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
    except csv.Error as error:
        raise LedgerError(f"ledger line {rows.line_num} is damaged: {error}") from error


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
    """Add lines to the ledger; they are on the disk when this returns."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    if not path.exists() or path.stat().st_size == 0:
        rows.writerow(HEADER)
    rows.writerows(astuple(issuer) for issuer in issuers)
    if not text.tell():
        return
    size = path.stat().st_size if path.exists() else 0
    with path.open("ab") as file:
        try:
            file.write(text.getvalue().encode())
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            # A half-written line would make the next build refuse the ledger.
            os.ftruncate(file.fileno(), size)
            raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


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
