"""What do the manifests say was kept, and does each stand on the one before?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from archive import timestamps
from archive.manifest import (
    FOLDER,
    ManifestError,
    listed,
    lost_keys,
    problems,
    read_chain,
    unsigned,
)
from archive.proof.verify import Link
from archive.shelf import Kept, Shelf
from archive.verify.growing import Prefix
from archive.verify.problems import Problem, note

NAME = re.compile(r"manifest-[0-9]{8}(?:-[0-9]+)?\.json")
STAMPS = ".tsr"
RESTORE = "restore the folder of manifests from the backup, or from a host they were published on"


@dataclass(slots=True)
class Chain:
    """What a chain of manifests notes: a SHA-256 for each segment and each file of sightings, and
    with what the registers (ledger.csv, published.csv) began.

    `notes` are in order, and to be known. `made_at` is the moment (UTC, ISO 8601) of the newest,
    "" without manifests.
    """

    links: Sequence[Link] = ()
    segments: Mapping[str, str] = field(default_factory=dict)
    sightings: Mapping[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    @property
    def made_at(self) -> str:
        return str(self.links[-1].said["made_at"]) if self.links else ""

    @property
    def head(self) -> tuple[int, str] | None:
        """Number and SHA-256 of the newest."""
        return (self.links[-1].said["number"], self.links[-1].sha256) if self.links else None

    def register(self, name: str) -> list[Prefix]:
        """What each manifest notes of a file that only grows."""
        noted = ((link.name, link.said["registers"].get(name)) for link in self.links)
        return [Prefix(by, said["bytes"], said["sha256"]) for by, said in noted if said]


def followed(shelf: Shelf, last: tuple[int, str] | None) -> Chain:
    """The chain of manifests on a shelf with what is wrong with it. `last` is the head that was
    seen before, as `Chain.head`: a chain only grows."""
    chain = _read(shelf)
    if last and not any(_place(link) == last for link in chain.links) and not chain.problems:
        chain.problems.append(
            Problem(
                *("manifest-missing", f"{FOLDER}: number {last[0]}", "the chain was cut"),
                f"the last verification saw it with SHA-256 {last[1]}",
                f"{RESTORE}; if you moved it away yourself, delete verified.db",
            )
        )
    return chain


def _place(link: Link) -> tuple[int, str]:
    return link.said["number"], link.sha256


def _read(shelf: Shelf) -> Chain:
    try:
        links = read_chain(shelf)
        said = list(problems(shelf, links))
        segments = {name: entry["sha256"] for name, entry in listed(links, "segments").items()}
        sightings = {name: entry["sha256"] for name, entry in listed(links, "sightings").items()}
    except ManifestError as error:
        return Chain(problems=[_problem([str(error)], "manifest-damaged")])
    except (KeyError, TypeError, AttributeError) as error:
        why = f"a manifest is not what it should be: {type(error).__name__} {error}"
        return Chain(problems=[_problem([why], "manifest-damaged")])
    return Chain(links, segments, sightings, list(_by_culprit(said)), list(_notes(links)))


def _notes(links: Sequence[Link]) -> Iterator[Problem]:
    """What is in order, and to be known."""
    for name, sentence in lost_keys(links):
        yield note(
            *("manifest-key-lost", f"{FOLDER}/{name}", "the chain goes on with another key"),
            *(sentence, "publish the key it is signed by, and why"),
        )
    for name in unsigned(links):
        yield note(
            *("manifest-unsigned", f"{FOLDER}/{name}", "nobody signed it", "those before it are"),
            "the next signed one vouches for it; give NIANBAO_KEY every night",
        )


def _by_culprit(said: Iterable[str]) -> Iterator[Problem]:
    """One problem for each manifest that is to blame: where its own bytes are altered, its
    signature and the one after it say so too."""
    sentences = list(said)
    altered = {
        name
        for text in sentences
        if text.startswith("signature:") or " altered" in text
        for name in NAME.findall(text)[:1]
    }
    blamed: dict[str, list[str]] = {}
    for text in sentences:
        names = NAME.findall(text)
        culprit = next((name for name in names if name in altered), names[0] if names else "")
        blamed.setdefault(culprit, []).append(text)
    for name in sorted(blamed):
        only = all(text.startswith("signature:") for text in blamed[name])
        yield _problem(blamed[name], "manifest-signature" if only else "manifest-chain")


def _problem(sentences: Sequence[str], kind: str) -> Problem:
    named = NAME.search(sentences[0])
    where = f"{FOLDER}/{named[0]}" if named else FOLDER
    unwritten = kind == "manifest-signature" and sentences[0].endswith("is missing")
    remedy = f"{RESTORE}; where none has it, nobody of ours signed it" if unwritten else RESTORE
    return Problem(kind, where, "the chain does not hold", "; ".join(sentences), remedy)


def check_stamp(shelf: Shelf, links: Sequence[Link], kept: Kept) -> Iterator[Problem]:
    """Whether a timestamp is whole, and of the manifest whose name it bears; UncheckedError where
    that cannot be found out here."""
    where = f"{FOLDER}/{kept.name}"
    link = next((link for link in links if kept.name.startswith(link.name[:-5] + ".")), None)
    if link is None:
        yield Problem(
            *("stamp-stray", where, "its manifest is not there", "no manifest has its name"),
            RESTORE,
        )
        return
    try:
        timestamps.verify(shelf.read(FOLDER, kept.name), link.raw)
    except timestamps.UncheckedError:
        raise
    except (timestamps.StampError, ValueError, OSError) as error:
        yield Problem(
            *("stamp-invalid", where, f"it does not stamp {link.name}", str(error)),
            f"move it away and run `python -m archive manifest --tsa URL`; or {RESTORE}",
        )
