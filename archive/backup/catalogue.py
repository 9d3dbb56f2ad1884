"""What does each backup say that it holds, and which of these lists can be believed?"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from archive.backup.wording import counted
from archive.shelf import Kept, Shelf

WARC = "warc"
CLOSED = {WARC: ".warc.gz", "sightings": ".jsonl", "manifests": ""}
UNFINISHED = (".open", ".part", ".tmp", ".mended")
STATE = ("ledger.csv", "published.csv")
CATALOGUES, CATALOGUE, DATED, ALSO = "catalogue", ".json", "state", "also"
FORMAT = "nianbao backup 1"
MOMENT = "%Y%m%dT%H%M%SZ"
TAKEN = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")
SHA256 = re.compile(r"[0-9a-f]{64}")
PACKED = ".gz"


class BackupError(ValueError):
    """A backup cannot be made or restored as asked; the message says what is wrong where."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A file put once: its size in bytes, and when it was last modified, in nanoseconds."""

    folder: str
    name: str
    size: int
    sha256: str
    modified: int


@dataclass(frozen=True, slots=True)
class Dated:
    """A file as it was at one moment; size and digest are of its content, also where it is stored
    packed. It lies in the folder of the backup that first found it so.

    `packed` is the size of the packed file, None where that is not known or it is not packed.
    """

    name: str
    size: int
    sha256: str
    folder: str
    stored: str
    packed: int | None = field(default=None, compare=False)

    @property
    def is_packed(self) -> bool:
        return self.stored != self.name.rpartition("/")[2]

    @property
    def size_there(self) -> int | None:
        """The size of what is stored, None where that is not known."""
        return self.packed if self.is_packed else self.size


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What one backup added (`files`), and all that changes as it then was (`state`).

    One made after others were damaged or lost names these (`replaces`), and lists all files.
    """

    taken_at: str
    previous: str | None
    files: tuple[Closed, ...]
    state: tuple[Dated, ...]
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """The catalogues of a backup that can be used, the oldest first; and of the others, by their
    moment, why not."""

    sound: tuple[Catalogue, ...]
    lost: Mapping[str, str]

    def until(self, at: str | None) -> Found:
        """Those that are not later than a moment, without what a later one replaces."""
        sound = tuple(one for one in self.sound if not at or one.taken_at[: len(at)] <= at)
        replaced = {moment for one in sound for moment in one.replaces}
        lost = {
            moment: why
            for moment, why in self.lost.items()
            if moment not in replaced and (not at or moment[: len(at)] <= at)
        }
        return Found(sound, lost)


def closed_files(shelf: Shelf) -> dict[tuple[str, str], Kept]:
    """The closed files of a data folder or a backup, by folder and name."""
    return {
        (folder, one.name): one
        for folder, suffix in CLOSED.items()
        for one in shelf.kept(folder, suffix)
        if not one.name.endswith(UNFINISHED)
    }


def catalogues(target: Shelf) -> Found:
    """All catalogues of a backup: a name that is none is passed over, one that is damaged, missing
    or other than its successor says is told of."""
    contents: dict[str, bytes] = {}
    lost: dict[str, str] = {}
    for one in target.kept(CATALOGUES, CATALOGUE):
        moment = one.name.removesuffix(CATALOGUE)
        if not TAKEN.fullmatch(moment):
            continue
        try:
            contents[moment] = target.read(CATALOGUES, one.name)
        except OSError as error:
            lost[moment] = f"{target.where(CATALOGUES, one.name)} cannot be read: {error}"
    sound: list[Catalogue] = []
    wanted: dict[str, str] = {}
    for moment, content in sorted(contents.items(), reverse=True):
        place = target.where(CATALOGUES, moment + CATALOGUE)
        found = hashlib.sha256(content).hexdigest()
        if (digest := wanted.get(moment, found)) != found:
            lost[moment] = (
                f"{place} was changed: it has SHA-256 {found}, its successor says {digest}"
            )
            continue
        try:
            catalogue = _parsed(json.loads(content))
            if catalogue.taken_at != moment:
                raise ValueError(f"it is of {catalogue.taken_at}")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            lost[moment] = f"{place} is no catalogue of a backup: {error}"
            continue
        if catalogue.previous:
            before, _, digest = catalogue.previous.partition(" ")
            wanted.setdefault(before, digest)
        sound.append(catalogue)
    for moment in wanted.keys() - contents.keys() - lost.keys():
        lost[moment] = f"{target.where(CATALOGUES, moment + CATALOGUE)} is missing"
    return Found(tuple(reversed(sound)), lost)


def printed(catalogue: Catalogue) -> bytes:
    """The file of a catalogue."""
    facts = {"format": FORMAT} | asdict(catalogue)
    return (json.dumps(facts, ensure_ascii=False, indent=1) + "\n").encode()


def _parsed(facts: Mapping[str, Any]) -> Catalogue:
    if facts["format"] != FORMAT:
        raise ValueError(f"format {facts['format']!r}, not {FORMAT!r}")
    files = tuple(Closed(**one) for one in facts["files"])
    state = tuple(Dated(**one) for one in facts["state"])
    for folder, name in [(one.folder, one.name) for one in files] + [
        tuple(one.name.rpartition("/")[::2]) for one in state
    ]:
        if folder not in (*CLOSED, ALSO, "") or not re.fullmatch(r"[^./\0][^/\0]*", name):
            raise ValueError(f"{folder}/{name} is no place in a data folder")
    for one in state:
        _, moment, *below = one.folder.split("/")
        plain = one.name.rpartition("/")[2]
        if not TAKEN.fullmatch(moment) or one.folder != folder_of(moment, "/".join(below)):
            raise ValueError(f"{one.folder} is no folder of a backup")
        if one.stored not in (plain, plain + PACKED):
            raise ValueError(f"{one.stored} is no file of {one.name}")
    both: list[Closed | Dated] = [*files, *state]
    for said in both:
        if not SHA256.fullmatch(said.sha256) or not isinstance(said.size, int):
            raise ValueError(f"{said.name} has the SHA-256 {said.sha256!r} and size {said.size!r}")
    if not all(isinstance(one.packed, int | None) for one in state):
        raise ValueError("the size of a packed file is no number")
    if not all(isinstance(one.modified, int) for one in files):
        raise ValueError("a time of change is no number")
    previous = facts["previous"]
    if previous is not None:
        before, _, digest = previous.partition(" ")
        if not (TAKEN.fullmatch(before) and SHA256.fullmatch(digest)):
            raise ValueError(f"{previous!r} is no catalogue before it")
    replaces = tuple(map(str, facts.get("replaces") or ()))
    return Catalogue(facts["taken_at"], previous, files, state, replaces)


def folder_of(moment: str, below: str = "") -> str:
    """Where what changes lies of the backup of a moment."""
    return "/".join(filter(None, (DATED, moment, below)))


def union(found: Iterable[Catalogue]) -> dict[tuple[str, str], Closed]:
    """All closed files that catalogues list, by folder and name."""
    return {(one.folder, one.name): one for catalogue in found for one in catalogue.files}


def latest(found: Iterable[Dated]) -> dict[str, Dated]:
    """What changes, by name, as it was found last: of two who backed up at once, one catalogue
    does not know what the other found."""
    state: dict[str, Dated] = {}
    for one in found:
        if one.name not in state or state[one.name].folder <= one.folder:
            state[one.name] = one
    return state


def amiss(one: Closed | Dated, size: int | None) -> str:
    """What is wrong with a file of a backup that is there with a size in bytes, or is not there
    (None); "" where nothing is."""
    wanted = one.size_there if isinstance(one, Dated) else one.size
    if size is None:
        return "is missing"
    return (
        "" if wanted in (None, size) else f"has {counted(size, 'byte')}, {wanted} in its catalogue"
    )


def is_apart(data: Path, place: str) -> bool:
    """Whether a data folder and the place of a backup are neither one nor within each other."""
    if (folder := local(place)) is None:
        return True
    here, there = data.resolve(), folder.resolve()
    return here != there and here not in there.parents and there not in here.parents


def local(place: str) -> Path | None:
    """The folder that a place of a backup is; None where it is a store."""
    if place.startswith("file://"):
        return Path(unquote(place.removeprefix("file://")))
    return None if "://" in place else Path(place)
