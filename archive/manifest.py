"""What lay on the shelf each night? A chain of signed lists, each naming the one before it.

A manifest lists the closed segments and sightings files that no earlier one lists; totals and the
digest of the manifest before it make the chain speak for all of them, so ten years of nights stay
small. A night that added nothing has one too: that nothing was added, and that somebody looked,
is worth a kilobyte. A second run on such a day adds none.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
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
from archive.proof.verify import MANIFEST_FORMAT, Link, canonical, chain_problems, fingerprint
from archive.shelf import Kept, Shelf

FOLDER = "manifests"
LOCK = "manifest.lock"
NAME = re.compile(r"manifest-(\d{8})(?:-(\d+))?\.json")
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
            if not isinstance(said, dict) or not isinstance(said.get("segments"), list):
                raise ValueError("it is no manifest")
        except ValueError as error:
            raise ManifestError(
                f"{shelf.where(FOLDER, kept.name)} is damaged ({error}): restore it from the backup"
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
    known: set[str] = set()
    for link in chain:
        by = link.said.get("key")
        if by is None:
            continue
        try:
            pem = shelf.read(FOLDER, key_name(by))
            signature = shelf.read(FOLDER, signature_name(link.name))
        except FileNotFoundError as error:
            yield f"signature: {link.name}: {error.filename or error} is missing"
            continue
        if fingerprint(pem) != by or not is_signed(pem, link.raw, signature):
            yield f"signature: {link.name} is not signed by the key {by} it names"
        if known and by not in known:
            yield f"signature: {link.name} is signed by {by}, which no key before it introduced"
        known.update({by, (link.said.get("next_key") or {}).get("fingerprint", by)})


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
) -> Written:
    """Add a manifest to the chain for what came since the last one.

    `next_key` is a public key (PEM) that may sign from here on; `lost_key` goes on with a key
    that the last one did not introduce, which every check will say.
    """
    with locked(data / LOCK) as mine:
        if not mine:
            raise ManifestError(f"another manifest is being written: {data / LOCK} is held")
        chain = read_chain(shelf)
        if wrong := list(chain_problems(chain)) if chain else []:
            raise ManifestError(f"{wrong[0]}. Restore {FOLDER} from the backup")
        if key is not None:
            _may_sign(chain, key, lost_key)
            _sign_again(shelf, chain, key)
        head = chain[-1] if chain else None
        said = _compose(data, shelf, chain, moment)
        said["key"] = key.fingerprint if key else None
        said["next_key"] = (
            {"fingerprint": fingerprint(next_key), "pem": next_key.decode()} if next_key else None
        )
        if head is not None and next_key is None and _is_repeated(head, said):
            return Written(head.name, False, 0, 0, 0, head.said["key"])
        said["name"] = _free_name(head, moment)
        raw = canonical(said)
        for public in (key.public_pem if key else None, next_key):
            if public:
                shelf.put(FOLDER, key_name(fingerprint(public)), public)
        shelf.put(FOLDER, said["name"], raw)
        if key is not None:
            shelf.put(FOLDER, signature_name(said["name"]), key.sign(raw))
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
    before = chain[-1].said["totals"] if chain else {}
    registers = {
        name: _describe_lines(name, path.read_bytes()) if (path := data / name).exists() else None
        for name in REGISTERS
    }
    return {
        "format": MANIFEST_FORMAT,
        "number": chain[-1].said["number"] + 1 if chain else 1,
        "made_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "previous": {"name": chain[-1].name, "sha256": chain[-1].sha256} if chain else None,
        "software": _software(),
        "segments": segments,
        "sightings": sightings,
        "registers": registers,
        "totals": {
            name: before.get(name, 0) + added
            for name, added in (
                ("segments", len(segments)),
                ("segment_bytes", sum(entry["bytes"] for entry in segments)),
                ("records", sum(entry["records"] for entry in segments)),
                ("sightings", len(sightings)),
                ("sighting_lines", sum(entry["lines"] for entry in sightings)),
            )
        },
    }


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


def _free_name(head: Link | None, moment: datetime) -> str:
    """The day's name, or the next number of it; names sort as the chain does, whatever the clock
    says."""
    day = f"{moment:%Y%m%d}"
    if head is None or not (named := NAME.fullmatch(head.name)) or day > named[1]:
        return f"manifest-{day}.json"
    return f"manifest-{named[1]}-{int(named[2] or 1) + 1}.json"


def _may_sign(chain: Sequence[Link], key: Key, lost_key: bool) -> None:
    allowed: set[str] = set()
    for link in chain:
        if link.said["key"]:
            allowed.add(link.said["key"])
        if link.said["next_key"]:
            allowed.add(link.said["next_key"]["fingerprint"])
    if allowed and key.fingerprint not in allowed and not lost_key:
        raise ManifestError(
            f"key {key.fingerprint[:16]} signed no manifest yet and none introduces it: run "
            "manifest --key OLD --next-key NEW.pub first, or, when the old key is lost, --lost-key"
        )


def _sign_again(shelf: Shelf, chain: Sequence[Link], key: Key) -> None:
    """Sign what a killed run left unsigned: the signature is the same each time."""
    kept = {one.name for one in shelf.kept(FOLDER, ".sig")}
    for link in chain:
        if link.said["key"] == key.fingerprint and signature_name(link.name) not in kept:
            shelf.put(FOLDER, key_name(key.fingerprint), key.public_pem)
            shelf.put(FOLDER, signature_name(link.name), key.sign(link.raw))
