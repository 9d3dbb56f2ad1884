"""What lay on the shelf each night? A chain of signed lists, each naming the one before it.

A manifest lists the closed segments and sightings files that no earlier one lists; totals and the
digest of the manifest before it make the chain speak for all of them, so ten years of nights stay
small. A night that added nothing has one too: that nothing was added, and that somebody looked,
is worth a kilobyte. A second run on such a day adds none.

A manifest's signature is put in place before it: one that names a key and has no signature was
not written here, and is never signed afterwards.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from archive.issuers import locked
from archive.keys import Key, is_signed
from archive.progress import track
from archive.proof.members import members
from archive.proof.merkle import Tree
from archive.proof.verify import (
    MANIFEST_FORMAT,
    Link,
    canonical,
    chain_problems,
    fingerprint,
    lost_key,
    signers,
)
from archive.shelf import Kept, Shelf, shelved

FOLDER = "manifests"
LOCK = "manifest.lock"
NAME = re.compile(r"manifest-(\d{8})(?:-(\d+))?\.json")
FINGERPRINT = re.compile(r"[0-9a-f]{64}")
MOMENT = "%Y-%m-%dT%H:%M:%SZ"
REGISTERS = ("ledger.csv", "published.csv")
PACKAGES = ("cryptography", "lxml", "pypdfium2", "rapidocr", "Scrapy", "trafilatura", "warcio")


class ManifestError(ValueError):
    """The chain of manifests cannot go on as it is; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a run did: the head of the chain, whether it is new, and what it adds."""

    name: str
    is_new: bool
    segments: int
    sightings: int
    records: int
    signed_by: str | None

    def __str__(self) -> str:
        if not self.is_new:
            return f"nothing was added since {self.name} of today: no manifest written"
        signed = (
            f"signed by key {self.signed_by[:16]}" if self.signed_by else "not signed: no --key"
        )
        return (
            f"{self.name}: {self.segments} new segments of {self.records} records, "
            f"{self.sightings} new files of sightings; {signed}"
        )


def read_chain(shelf: Shelf) -> list[Link]:
    """All manifests, oldest first, as they lie there: `problems` says whether they hold."""
    found = []
    for kept in shelf.kept(FOLDER, ".json"):
        if not (named := NAME.fullmatch(kept.name)):
            continue
        raw = shelf.read(FOLDER, kept.name)
        try:
            said = json.loads(raw)
            if not _is_manifest(said):
                raise ValueError("it is no manifest")
            canonical(said)
        except (ValueError, RecursionError) as error:
            raise ManifestError(
                f"{shelf.where(FOLDER, kept.name)} is damaged ({error}): restore it from the "
                "backup, or move it away where the backup has none"
            ) from error
        found.append(((named[1], int(named[2] or 1)), Link(kept.name, raw, said)))
    return [link for _, link in sorted(found, key=lambda pair: pair[0])]


def problems(shelf: Shelf, chain: Sequence[Link] | None = None) -> Iterator[str]:
    """What is wrong with the chain and its signatures on a shelf, a sentence each."""
    chain = read_chain(shelf) if chain is None else chain
    if not chain:
        return
    if chain[0].said.get("previous") or chain[0].said.get("number") != 1:
        yield f"chain: {chain[0].name} is the oldest, but names one before it: one is missing"
    yield from chain_problems(chain)
    allowed: set[str] = set()
    keys: dict[str, bytes] = {}
    for link in chain:
        by = link.said.get("key")
        if by is None:
            continue
        try:
            pem = keys[by] = keys.get(by) or shelf.read(FOLDER, key_name(by))
            signature = shelf.read(FOLDER, signature_name(link.name))
        except FileNotFoundError as error:
            yield f"signature: {link.name}: {error.filename or error} is missing"
            continue
        if fingerprint(pem) != by or not is_signed(pem, link.raw, signature):
            yield f"signature: {link.name} is not signed by the key {by} it names"
            continue
        if lost_key(link, allowed):
            allowed = set()
        elif allowed and by not in allowed:
            yield f"signature: {link.name} is signed by {by}, which no key before it introduced"
        allowed |= signers(link)


def lost_keys(chain: Sequence[Link]) -> Iterator[tuple[str, str]]:
    """Manifests that go on with another key because the former is lost, each with a sentence."""
    allowed: set[str] = set()
    for link in chain:
        if link.said.get("key") is None:
            continue
        if lost := lost_key(link, allowed):
            yield link.name, lost
            allowed = set()
        allowed |= signers(link)


def unsigned(chain: Sequence[Link]) -> Iterator[str]:
    """Manifests that nobody signed though one before them is signed."""
    signed = False
    for link in chain:
        if signed and link.said.get("key") is None:
            yield link.name
        signed = signed or link.said.get("key") is not None


def listed(chain: Sequence[Link], folder: str) -> dict[str, Mapping[str, Any]]:
    """What the chain says of each file of a folder (`segments` or `sightings`), by name."""
    return {entry["name"]: entry for link in chain for entry in link.said[folder]}


def write_manifest(
    data: Path,
    shelf: Shelf,
    key: Key | None,
    moment: datetime,
    next_key: bytes | None = None,
    lost_key: bool = False,
    seen: tuple[int, str] | None = None,
) -> Written:
    """Add a manifest to the chain for what came since the last one.

    `next_key` is a public key (PEM) that may sign from here on; `lost_key` goes on with a key
    that the last one did not introduce, and the manifest says so. `seen` is number and SHA-256 of
    a manifest that must be in the chain. A chain that does not hold is not continued.
    """
    if key is None and (next_key or lost_key):
        raise ManifestError("a key is introduced or replaced by a signed manifest: give --key too")
    try:
        with locked(data / LOCK) as mine:
            if not mine:
                raise ManifestError(
                    f"another manifest is being written, {data / LOCK} is held: wait until it ends"
                )
            return _written(data, shelf, key, moment, next_key, lost_key, seen)
    except OSError as error:
        raise ManifestError(
            f"{error.filename or shelf.where(FOLDER)}: {error.strerror or error}. The manifest is "
            "not written: free the disk or mend what is named, then run the command again"
        ) from error


def _written(
    data: Path,
    shelf: Shelf,
    key: Key | None,
    moment: datetime,
    next_key: bytes | None,
    is_lost: bool,
    seen: tuple[int, str] | None,
) -> Written:
    shelf.sweep(FOLDER)
    chain = read_chain(shelf)
    _must_hold(shelf, chain, seen)
    is_break = key is not None and _breaks(chain, key, is_lost)
    if key is not None and (wrong := next(_unproven(data, shelf, chain, moment), None)):
        raise ManifestError(wrong)
    head = chain[-1] if chain else None
    said = _compose(data, shelf, chain, moment)
    is_elsewhere = shelf.root != shelved(data).root
    if is_elsewhere and not (chain or said["segments"] or said["sightings"]):
        raise ManifestError(
            f"{shelf.root} has neither captures nor manifests: is its disk mounted? Or name the "
            "folder or URL they lie in with --captures"
        )
    said["key"] = key.fingerprint if key else None
    said["next_key"] = (
        {"fingerprint": fingerprint(next_key), "pem": next_key.decode()} if next_key else None
    )
    if is_break:
        said["lost_key"] = True
    if head is not None and next_key is None and _is_repeated(head, said):
        return Written(head.name, False, 0, 0, 0, head.said["key"])
    said["name"] = _free_name(shelf, head, moment)
    raw = canonical(said)
    for public in (key.public_pem if key else None, next_key):
        if public:
            shelf.put(FOLDER, key_name(fingerprint(public)), public)
    if key is not None:
        shelf.put(FOLDER, signature_name(said["name"]), key.sign(raw))
    shelf.put(FOLDER, said["name"], raw)
    return Written(
        said["name"],
        True,
        len(said["segments"]),
        len(said["sightings"]),
        sum(entry["records"] for entry in said["segments"]),
        said["key"],
    )


def signature_name(manifest: str) -> str:
    """The file of a manifest's signature: 64 bytes, Ed25519 over the manifest's bytes."""
    return manifest.removesuffix(".json") + ".sig"


def key_name(of: str) -> str:
    """The file of the public key (PEM) that has this fingerprint."""
    return f"key-{of[:16]}.pub"


def describe_segment(shelf: Shelf, kept: Kept) -> dict[str, Any]:
    """What a manifest says of a segment: digest of the file, Merkle root over its pieces.

    `records` counts the pieces, `damaged` those of them that are no gzip member with a record.
    """
    whole = hashlib.sha256()
    leaves, dates, damaged = [], [], 0
    with shelf.open("warc", kept.name) as file:
        for member in members(file, whole):
            leaves.append(member.leaf)
            damaged += not member.type
            if date := member.headers.get("warc-date"):
                dates.append(date)
    return {
        "name": kept.name,
        "bytes": kept.size,
        "sha256": whole.hexdigest(),
        "records": len(leaves),
        "damaged": damaged,
        "merkle_root": Tree(leaves).root.hex(),
        "first": min(dates, default=None),
        "last": max(dates, default=None),
    }


def _describe_lines(name: str, raw: bytes) -> dict[str, Any]:
    return {
        "name": name,
        "bytes": len(raw),
        "sha256": hashlib.sha256(raw).hexdigest(),
        "lines": raw.count(b"\n"),
    }


def _compose(data: Path, shelf: Shelf, chain: Sequence[Link], moment: datetime) -> dict[str, Any]:
    known = listed(chain, "segments").keys() | listed(chain, "sightings").keys()
    # Sightings first: what a crawl closes meanwhile is listed the next night.
    lines = [one for one in shelf.kept("sightings", ".jsonl") if one.name not in known]
    warcs = [one for one in shelf.kept("warc", ".warc.gz") if one.name not in known]
    sightings = [_describe_lines(one.name, shelf.read("sightings", one.name)) for one in lines]
    segments = [describe_segment(shelf, one) for one in track(warcs, "segments")]
    registers = {
        name: _describe_lines(name, path.read_bytes()) if (path := data / name).exists() else None
        for name in REGISTERS
    }
    return {
        "format": MANIFEST_FORMAT,
        "number": chain[-1].said["number"] + 1 if chain else 1,
        "made_at": moment.strftime(MOMENT),
        "previous": {"name": chain[-1].name, "sha256": chain[-1].sha256} if chain else None,
        "software": _software(),
        "segments": segments,
        "sightings": sightings,
        "registers": registers,
        "totals": _totals(chain, segments, sightings),
    }


def _totals(
    chain: Sequence[Link],
    segments: Iterable[Mapping[str, Any]],
    sightings: Iterable[Mapping[str, Any]],
) -> dict[str, int]:
    """What the chain and two more lists come to."""
    totals = dict(chain[-1].said["totals"]) if chain else {}
    for name, added in (
        ("segments", [1 for _ in segments]),
        ("segment_bytes", [entry["bytes"] for entry in segments]),
        ("records", [entry["records"] for entry in segments]),
        ("sightings", [1 for _ in sightings]),
        ("sighting_lines", [entry["lines"] for entry in sightings]),
    ):
        totals[name] = totals.get(name, 0) + sum(added)
    return totals


def _software() -> dict[str, str]:
    from archive.read import PARSER

    found = {"name": "nianbao", "parser": PARSER, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _is_repeated(head: Link, said: Mapping[str, Any]) -> bool:
    """Whether a manifest would say of the same day what the head of the chain says."""
    return (
        not said["segments"]
        and not said["sightings"]
        and head.said["made_at"][:10] == said["made_at"][:10]
        and head.said["registers"] == said["registers"]
        and head.said["key"] == said["key"]
    )


def _free_name(shelf: Shelf, head: Link | None, moment: datetime) -> str:
    """The day's name, or the next number of it; names sort as the chain does, whatever the clock
    says. A name is not free when a signature or timestamp bears it: a killed run left it there."""
    taken = {kept.name.partition(".")[0] for kept in shelf.kept(FOLDER, "")}
    day, number = f"{moment:%Y%m%d}", 1
    if head is not None and (named := NAME.fullmatch(head.name)) and day <= named[1]:
        day, number = named[1], int(named[2] or 1) + 1
    while (name := f"manifest-{day}" + (f"-{number}" if number > 1 else "")) in taken:
        number += 1
    return f"{name}.json"


# --- what may be signed ---------------------------------------------------------------------------


def _must_hold(shelf: Shelf, chain: Sequence[Link], seen: tuple[int, str] | None) -> None:
    if wrong := next(problems(shelf, chain), None):
        head = chain[-1].name
        if wrong.startswith(f"signature: {head}:") and wrong.endswith("is missing"):
            raise ManifestError(
                f"{wrong}, and it is not signed now: restore the missing file from the backup. "
                f"Where the backup has none, nobody of ours wrote {head}: move it away, and the "
                "next run lists its files anew"
            )
        raise ManifestError(f"{wrong}. Nothing is built on it: restore it from the backup")
    if seen and not any((link.said["number"], link.sha256) == seen for link in chain):
        raise ManifestError(
            f"chain: the last verification saw manifest number {seen[0]} with SHA-256 {seen[1]}, "
            f"which is not in {shelf.where(FOLDER)}: restore it from the backup; if you moved it "
            "away yourself, delete verified.db too"
        )


def _breaks(chain: Sequence[Link], key: Key, is_lost: bool) -> bool:
    """Whether a key goes on where no signed manifest introduced it; refused unless that is said."""
    allowed: set[str] = set()
    for link in chain:
        if link.said["key"] is None:
            continue
        if lost := lost_key(link, allowed):
            if key.fingerprint in allowed - signers(link):
                raise ManifestError(
                    f"{lost}, but you have it, {key.fingerprint[:16]}: move {link.name} and all "
                    "after it away if nobody of yours wrote it, or sign with the key it names"
                )
            allowed = set()
        allowed |= signers(link)
    if not allowed or key.fingerprint in allowed:
        return False
    if not is_lost:
        raise ManifestError(
            f"key {key.fingerprint[:16]} signed no manifest yet and none introduces it: run "
            "manifest --key OLD --next-key NEW.pub first, or, when the old key is lost, --lost-key"
        )
    return True


def _unproven(data: Path, shelf: Shelf, chain: Sequence[Link], moment: datetime) -> Iterator[str]:
    """What the manifests that no signature covers yet say, and the shelf does not bear out: a
    signature on the next one would vouch for it."""
    first = max((place for place, link in enumerate(chain, 1) if link.said["key"]), default=0)
    for place in range(first, len(chain)):
        link, before = chain[place], chain[:place]
        if wrong := _contradiction(data, shelf, before, link, moment):
            yield (
                f"{link.name} is not signed, and {wrong}: it is not built on with a key. Restore "
                "what is missing from the backup; or move it and all manifests after it away, and "
                "the next run lists their files anew"
            )


def _contradiction(
    data: Path, shelf: Shelf, before: Sequence[Link], link: Link, moment: datetime
) -> str:
    said = link.said
    if said["next_key"] is not None:
        return "introduces a key"
    earliest = before[-1].said["made_at"] if before else ""
    if not earliest <= said["made_at"] <= moment.strftime(MOMENT):
        return f"says it was made at {said['made_at']}, before the one before it or after today"
    known = listed(before, "segments").keys() | listed(before, "sightings").keys()
    warcs = {one.name: one for one in shelf.kept("warc", ".warc.gz")}
    for entry in track(said["segments"], "segments"):
        name = entry["name"]
        if name in known or name not in warcs:
            return f"lists {name}, which {'another lists' if name in known else 'is not there'}"
        if describe_segment(shelf, warcs[name]) != entry:
            return f"does not list {name} as it is"
    lines = {one.name for one in shelf.kept("sightings", ".jsonl")}
    for entry in said["sightings"]:
        name = entry["name"]
        if name in known or name not in lines:
            return f"lists {name}, which {'another lists' if name in known else 'is not there'}"
        if _describe_lines(name, shelf.read("sightings", name)) != entry:
            return f"does not list {name} as it is"
    names = [entry["name"] for entry in (*said["segments"], *said["sightings"])]
    if len(set(names)) < len(names):
        return "lists a file twice"
    if said["totals"] != _totals(before, said["segments"], said["sightings"]):
        return "its totals are not the sum"
    for name, noted in said["registers"].items():
        if noted and not _began_so(data / name, noted):
            return f"does not note {name} as it began"
    return ""


def _began_so(path: Path, noted: Mapping[str, Any]) -> bool:
    """Whether a file that only grows began as noted."""
    if path.name not in REGISTERS or not path.exists():
        return False
    return _describe_lines(path.name, path.read_bytes()[: noted["bytes"]]) == noted


def _is_manifest(said: Any) -> bool:
    """Whether JSON has the parts of a manifest, each of its kind."""
    if not isinstance(said, dict):
        return False
    key, coming, previous = (said.get(name) for name in ("key", "next_key", "previous"))
    return (
        isinstance(said.get("number"), int)
        and isinstance(said.get("made_at"), str)
        and all(_are_files(said.get(name)) for name in ("segments", "sightings"))
        and (previous is None or isinstance(previous, dict))
        and (key is None or _is_fingerprint(key))
        and (
            coming is None
            or (isinstance(coming, dict) and _is_fingerprint(coming.get("fingerprint")))
        )
        and all(isinstance(said.get(name), dict) for name in ("registers", "totals"))
        and all(isinstance(count, int) for count in said["totals"].values())
        and all(
            noted is None or (isinstance(noted, dict) and isinstance(noted.get("bytes"), int))
            for noted in said["registers"].values()
        )
    )


def _are_files(said: Any) -> bool:
    return isinstance(said, list) and all(
        isinstance(entry, dict)
        and all(isinstance(entry.get(name), str) for name in ("name", "sha256"))
        and isinstance(entry.get("bytes"), int)
        and isinstance(entry.get("records", entry.get("lines")), int)
        for entry in said
    )


def _is_fingerprint(said: Any) -> bool:
    return isinstance(said, str) and FINGERPRINT.fullmatch(said) is not None
