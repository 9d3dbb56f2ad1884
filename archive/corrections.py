"""What people reviewed and set beside what was read: `corrections.csv`, an overlay.

A line is `subject,aspect,value,author,date,reason`; `docs/bodies.md` explains each. Nothing that is
printed is ever written over: a corrected cell stands beside the one that was read. Pure, but for
`load`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from archive import reviewed
from archive.form import PRINTED
from archive.issuers import ID, Issuer, Ledger
from archive.names.bodies import DIVISIONS_DATE, official_name, place_name, tidy

SHIPPED = Path(__file__).with_name("corrections.csv")
HEADER = ("subject", "aspect", "value", "author", "date", "reason")
KINDS = (
    *("government", "office", "department", "functional_zone", "vertical", "township"),
    *("public_institution", "other"),
)
LEVELS = ("central", "province", "prefecture", "county", "township")
WHOLE_COUNTRY = "000000"
SAME = "same_as"
RELATIONS = ("renamed_from", "merged_into", "split_from", "successor_of", SAME)
ASPECTS: Mapping[str, tuple[str, ...]] = {
    "issuer": ("name", "kind", "level", "division", "parent", *RELATIONS),
    "page": ("issuer", "year", "not_a_report"),
    "cell": ("value", "remark"),
}
CELL = re.compile(rf"({ID.pattern})/([0-9]{{4}})(/[0-9a-f]{{12}})?/([^/]+)")
# The regulations on open government information came into force in 2008.
FIRST_YEAR = 2007
LONGEST = 2000
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class CorrectionsError(ValueError):
    """A correction cannot be taken as it stands; the message names the line and what to do."""


@dataclass(frozen=True, slots=True, order=True)
class Correction:
    """A line of the file. `line` is where it stands; it says nothing of what it means."""

    subject: str
    aspect: str
    date: str
    value: str
    author: str
    reason: str
    line: int = 0

    @property
    def kind(self) -> str:
        """issuer, page or cell."""
        return self.subject.partition(":")[0]

    @property
    def of(self) -> str:
        """The subject without its kind: an id, an address, a place of a cell."""
        return self.subject.partition(":")[2]


@dataclass(frozen=True, slots=True)
class PageCorrection:
    """Whose report a page is, and of which year; None leaves what was read. `not_a_report` is the
    reason why it is none."""

    issuer: str | None = None
    year: int | None = None
    not_a_report: str | None = None


@dataclass(frozen=True)
class Corrections:
    """All corrections, in the order of what they are about.

    As read from a file they know no bodies; `settled` gives them for a ledger. `file` is named
    by the errors of that.
    """

    entries: tuple[Correction, ...] = ()
    refused: frozenset[Correction] = frozenset()
    bodies: Mapping[str, Issuer] | None = None
    file: Path | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of what the corrections say, whatever the order and layout of their file."""
        said = [astuple(replace(entry, line=0)) for entry in self.entries]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()

    def settled(self, ledger: Ledger) -> Corrections:
        """The corrections for a data folder, where bodies are known by their ids; the ledger
        learns their further names, and which ids are one body.

        CorrectionsError where documents would be filed under an id that was never minted, or where
        the other name of a body has an id of its own. A page given to a body the ledger does not
        have is refused: nothing was met that asked for such an id.
        """
        bodies = dict(ledger.by_id)
        refused = set()
        for entry in self.entries:
            if entry.aspect == SAME and entry.of in bodies and entry.value not in bodies:
                raise CorrectionsError(
                    f"{self._in_file}{_where(entry)}: the ledger has no {entry.value}; "
                    f"write the id that holds in place of {entry.of}"
                )
            if entry.kind == "page" and entry.aspect == "issuer" and entry.value not in bodies:
                refused.add(entry)
        settled = replace(self, refused=frozenset(refused), bodies=bodies)
        settled._check_names()
        ledger.learn(settled._aliases(), settled._unions())
        return settled

    @property
    def _in_file(self) -> str:
        return f"{self.file}: " if self.file else ""

    def _check_names(self) -> None:
        bodies = self.bodies or {}
        for entry in self._about("issuer", "name"):
            for other in self._ids_called(entry.value):
                if (
                    entry.of in bodies
                    and bodies[other].division == bodies[entry.of].division
                    and self.same_as(other) != entry.of
                ):
                    raise CorrectionsError(
                        f"{self._in_file}{_where(entry)}: {entry.value} has the id {other}; "
                        f"if they are one body add issuer:{other},same_as,{entry.of}, if not write "
                        f"issuer:{other},successor_of,{entry.of} in place of this line"
                    )

    @cached_property
    def _pages(self) -> Mapping[str, Mapping[str, Correction]]:
        pages: dict[str, dict[str, Correction]] = {}
        for entry in self._about("page", *ASPECTS["page"]):
            if entry not in self.refused:
                pages.setdefault(entry.of, {})[entry.aspect] = entry
        return pages

    @cached_property
    def _same(self) -> Mapping[str, str]:
        return {entry.of: entry.value for entry in self._about("issuer", SAME)}

    @cached_property
    def _issuers(self) -> Mapping[str, Sequence[Correction]]:
        issuers: dict[str, list[Correction]] = {}
        for entry in self._about("issuer", *ASPECTS["issuer"]):
            issuers.setdefault(entry.of, []).append(entry)
        return issuers

    @cached_property
    def _ids_by_name(self) -> Mapping[str, Sequence[str]]:
        ids: dict[str, list[str]] = {}
        for body in (self.bodies or {}).values():
            ids.setdefault(official_name(body.name), []).append(body.id)
        return ids

    def _ids_called(self, name: str) -> Sequence[str]:
        """The ids of the bodies of a name; of several those of the very name, if there are any."""
        called = self._ids_by_name.get(official_name(name), ())
        return [
            other for other in called if (self.bodies or {})[other].name == tidy(name)
        ] or called

    def _aliases(self) -> list[tuple[str, str]]:
        return [(entry.of, entry.value) for entry in self._about("issuer", "name")]

    def _unions(self) -> dict[str, str]:
        return {entry.of: self.same_as(entry.of) for entry in self._about("issuer", SAME)}

    def _about(self, kind: str, *aspects: str) -> Iterator[Correction]:
        return (entry for entry in self.entries if entry.kind == kind and entry.aspect in aspects)

    def page(self, url: str) -> PageCorrection | None:
        """What is said of the report page at an address; None when nothing is."""
        found = self._pages.get(url)
        if not found:
            return None
        issuer, year = found.get("issuer"), found.get("year")
        none = found.get("not_a_report")
        return PageCorrection(
            issuer=self.same_as(issuer.value) if issuer else None,
            year=int(year.value) if year else None,
            not_a_report=none.reason if none else None,
        )

    def same_as(self, issuer_id: str) -> str:
        """The id that holds for the body of an id: another one where two were minted for it."""
        while issuer_id in self._same:
            issuer_id = self._same[issuer_id]
        return issuer_id

    def merged_into(self, issuer_id: str) -> str | None:
        """The body that a body became part of; of several the one of the latest date."""
        found = None
        for entry in self._issuers.get(issuer_id, ()):
            if entry.aspect == "merged_into":
                found = self._id_of(entry.value) or found
        return found

    def overlay(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row of table issuers as corrected: by its latest name; a corrected division is its
        place too. `minted_as` keeps the name it came with."""
        row = dict(row)
        row.setdefault("minted_as", row.get("name"))
        # Sorted by date: of several names the last holds.
        for entry in self._issuers.get(row["id"], ()):
            match entry.aspect:
                case "division":
                    code = None if entry.value == WHOLE_COUNTRY else entry.value
                    row |= {
                        "division": entry.value[:6],
                        "place_code": code,
                        "place_name": place_name(code),
                        "divisions_date": DIVISIONS_DATE if code else None,
                    }
                case "parent":
                    above = self._id_of(entry.value)
                    row |= {"parent": self._name_of(entry.value), "parent_id": above}
                case "name" | "kind" | "level":
                    row[entry.aspect] = entry.value
        return row

    def links(self) -> list[dict[str, Any]]:
        """Rows of table issuer_links, of bodies the ledger has."""
        rows = {}
        for entry in self._about("issuer", *RELATIONS):
            if self.bodies is not None and entry.of not in self.bodies:
                continue
            same = entry.aspect == SAME
            row = {
                "issuer_id": entry.of if same else self.same_as(entry.of),
                "relation": entry.aspect,
                "other_id": self._id_of(entry.value),
                "other_name": self._name_of(entry.value),
                # Two ids for one body are a mistake of ours: it has no day of its own.
                "on_date": None if same else entry.date,
                "author": entry.author,
                "reason": entry.reason,
            }
            rows[row["issuer_id"], row["relation"], row["other_name"]] = row
        return [rows[key] for key in sorted(rows)]

    def _id_of(self, value: str) -> str | None:
        """The id a value means: itself, or that of the one body of that name."""
        if ID.fullmatch(value):
            return self.same_as(value)
        found = {self.same_as(issuer_id) for issuer_id in self._ids_called(value)}
        return found.pop() if len(found) == 1 else None

    def _name_of(self, value: str) -> str:
        """The name a value means: of an id the latest, as far as it is known."""
        if not ID.fullmatch(value):
            return value
        issuer_id = self.same_as(value)
        body = (self.bodies or {}).get(issuer_id)
        name = body.name if body else issuer_id
        for entry in self._issuers.get(issuer_id, ()):
            name = entry.value if entry.aspect == "name" else name
        return name

    def rows(self, known: Callable[[str], bool]) -> list[dict[str, Any]]:
        """Rows of table corrections; `known` says of a subject (as the table shows it, cells under
        the id that holds) whether the archive or its ledger has it."""
        rows = []
        for number, entry in enumerate(self.entries, start=1):
            subject = self._subject(entry)
            state = "applied" if known(subject) else "unmatched"
            rows.append(
                {
                    "number": number,
                    "subject": subject,
                    **{name: getattr(entry, name) for name in HEADER[1:]},
                    "state": "refused" if entry in self.refused else state,
                }
            )
        return rows

    def _subject(self, entry: Correction) -> str:
        if entry.kind != "cell":
            return entry.subject
        issuer_id, slash, rest = entry.of.partition("/")
        return f"cell:{self.same_as(issuer_id)}{slash}{rest}"


def load(path: Path = SHIPPED) -> Corrections:
    """The corrections of a file; CorrectionsError where one cannot be taken."""
    return replace(reviewed.read_file(path, "--corrections", read, CorrectionsError), file=path)


def read(lines: Iterable[str]) -> Corrections:
    """The corrections of the lines of a file: a header, then one correction a line; blank lines
    and lines that begin with # say nothing."""
    entries: list[Correction] = []
    for number, row in reviewed.entries(lines, HEADER, "correction", CorrectionsError):
        subject, aspect, value, author, day, reason = row
        entries.append(
            _checked(Correction(subject, aspect, day, value, author, reason, line=number))
        )
    entries.sort()
    _check_conflicts(entries)
    corrections = Corrections(tuple(entries))
    _check_unions(corrections)
    return corrections


def _where(entry: Correction) -> str:
    return f"line {entry.line} ({entry.subject},{entry.aspect},{entry.value})"


def _checked(entry: Correction) -> Correction:
    """A correction whose every field can be what it says; names without spaces."""
    row = (entry.subject, entry.aspect, entry.value, entry.author, entry.reason)

    def demand(holds: object, want: str) -> None:
        if not holds:
            raise CorrectionsError(f"{_where(entry)}: {want}")

    aspects = ASPECTS.get(entry.kind, ())
    demand(aspects, "a subject is issuer:ID, page:ADDRESS or cell:ID/YEAR[/DIGEST]/KEY")
    demand(entry.aspect in aspects, f"of {entry.kind} can be corrected: {', '.join(aspects)}")
    demand(reviewed.is_day(entry.date), f"{entry.date!r} is no date like 2026-11-22")
    demand(entry.author, "say in the fourth field who says so")
    demand(entry.reason, "say in the last field why")
    demand(max(map(len, row)) <= LONGEST, f"a field is longer than {LONGEST} characters")
    demand(not any(map(CONTROL.search, row)), "it contains control characters")
    match entry.kind:
        case "issuer":
            demand(ID.fullmatch(entry.of), f"{entry.of!r} is no id like 140600-jyj")
        case "page":
            parts = _split(entry.of)
            demand(
                parts and parts.scheme in ("http", "https") and parts.netloc,
                f"{entry.of!r} is no address; copy it from the report's page",
            )
        case _:
            cell = CELL.fullmatch(entry.of)
            demand(cell, f"{entry.of!r} is no cell like 140600-jyj/2023/KEY")
            key = entry.of.rpartition("/")[2]
            demand(key in PRINTED, f"the forms have no cell {key!r}; keys are in fields.json")
    if (entry.kind, entry.aspect) == ("page", "not_a_report"):
        demand(not entry.value, "leave the value empty and say why in the last field")
        return entry
    demand(entry.value, "the value is empty")
    match entry.kind, entry.aspect:
        case "issuer", "kind":
            demand(entry.value in KINDS, f"a kind is one of {', '.join(KINDS)}")
        case "issuer", "level":
            demand(entry.value in LEVELS, f"a level is one of {', '.join(LEVELS)}")
        case "issuer", "division":
            demand(
                entry.value == WHOLE_COUNTRY
                or (
                    re.fullmatch(r"[0-9]{6}|[0-9]{12}", entry.value)
                    and place_name(entry.value) is not None
                ),
                f"the list of divisions of {DIVISIONS_DATE} does not have it",
            )
        case ("issuer", "same_as") | ("page", "issuer"):
            demand(ID.fullmatch(entry.value), f"{entry.value!r} is no id like 140600-jyj")
        case "issuer", _:
            if not ID.fullmatch(entry.value):
                demand(tidy(entry.value), "it is no name")
                return replace(entry, value=tidy(entry.value))
            demand(entry.aspect != "name", "the value is an id, not a name")
        case "page", "year":
            demand(
                re.fullmatch(r"[0-9]{4}", entry.value)
                and FIRST_YEAR <= int(entry.value) <= int(entry.date[:4]),
                f"a report is of a year from {FIRST_YEAR} to that of the correction",
            )
    return entry


def _split(url: str) -> SplitResult | None:
    """The parts of an address; None where it has none, such as http://[x/."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _check_conflicts(entries: Sequence[Correction]) -> None:
    """No two lines may say different things of the same, nor the same thing twice."""
    said: dict[tuple[str, ...], Correction] = {}
    for entry in entries:
        key: tuple[str, ...] = (entry.subject, entry.aspect)
        if entry.aspect == "name":
            key += (entry.date,)
        elif entry.aspect in RELATIONS and entry.aspect != SAME:
            key += (entry.value,)
        elif entry.aspect == "not_a_report":
            key = (entry.subject, "issuer")
        if (other := said.setdefault(key, entry)) is not entry:
            raise _conflict(entry, other)
        if entry.aspect == "not_a_report":
            said[entry.subject, "year"] = entry
    for entry in entries:
        union = said.get((entry.subject, SAME))
        if union and union is not entry:
            raise _conflict(entry, union)


def _conflict(one: Correction, other: Correction) -> CorrectionsError:
    first, second = sorted((one, other), key=lambda entry: entry.line)
    return CorrectionsError(
        f"{_where(second)} contradicts or repeats {_where(first)}: keep one of them"
    )


def _check_unions(corrections: Corrections) -> None:
    same = corrections._same
    for start in sorted(same):
        path = [start]
        while path[-1] in same:
            path.append(same[path[-1]])
            if path[-1] == start:
                line = min(entry.line for entry in corrections.entries if entry.of == start)
                raise CorrectionsError(
                    f"line {line}: {' same_as '.join(path)} is a circle: take one line out"
                )
            if len(path) > len(same) + 1:
                # It runs into a circle that does not come back here; its members will tell.
                break
    for entry in corrections._about("issuer", "parent", *RELATIONS):
        if entry.aspect != SAME and corrections.same_as(entry.value) == entry.of:
            raise CorrectionsError(f"{_where(entry)}: a body does not follow itself")
