#!/usr/bin/env python3
"""Is what a bundle of nianbao shows what was captured, signed and timestamped? 证据包是否未经改动？

    python3 verify.py BUNDLE.wacz [--key PUBLIC.pem] [--tsa-cert ROOT.pem]

One file, the standard library of Python 3.10 only; signatures and timestamps are given to
`openssl` (3.0 or newer). An unpacked bundle (a folder) is taken too. Exit status 0: all holds;
1: something does not, each line says what; 2: the options are wrong.

BUNDLE.wacz 解压后的文件夹亦可。签名与时间戳交由 openssl 核验。退出码 0 为全部成立，1 为有不符之处。
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import mmap
import re
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

CAPTURES = "archive/captures.warc.gz"
INDEX, INDEX_OF_INDEX = "indexes/index.cdx.gz", "indexes/index.idx"
PAGES = "pages/pages.jsonl"
RECORDS, REPORT = "proof/records.json", "data/reading.json"
PACKAGE, PACKAGE_DIGEST = "datapackage.json", "datapackage-digest.json"
FORMAT, MANIFEST_FORMAT = "nianbao-proof/1", "nianbao-manifest/1"
NAME_LENGTH = 12
MAX_UNPACKED = 1 << 30
# The fields of a ZIP file as we write it count no further.
MAX_BUNDLE = 1 << 32
SHOWING = ("response", "revisit", "conversion")
# A public key in PEM without its spaces and ends of lines.
PEM = re.compile(rb"-----BEGINPUBLICKEY-----([A-Za-z0-9+/]+={0,2})-----ENDPUBLICKEY-----")

Signed = Callable[[bytes, bytes, bytes], bool]
Stamped = Callable[[bytes, bytes, "bytes | None"], str]


class NotProvenError(ValueError):
    """One thing that does not hold; the message names it."""


@dataclass
class Verdict:
    """What was found: `problems` is empty when all holds, `facts` are what then is proven."""

    problems: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The verdict, line by line."""
        if self.problems:
            yield f"NOT PROVEN 不成立: {len(self.problems)} problem(s)"
            yield from (f"  - {problem}" for problem in self.problems)
            return
        yield "PROVEN 成立"
        yield from (f"  - {fact}" for fact in self.facts)
        yield from (f"  ! {doubt}" for doubt in self.doubts)


def check(
    bundle: Path,
    signed: Signed,
    stamped: Stamped,
    keys: Sequence[bytes] = (),
    authorities: bytes | None = None,
) -> Verdict:
    """Check a bundle. `keys` are public keys (PEM) trusted to sign, `authorities` certificates.

    `signed` says whether a signature of a message is a key's; `stamped` gives the time a
    timestamp says, or raises NotProvenError.
    """
    verdict = Verdict()
    try:
        files = _files(bundle, verdict)
        if files is None:
            return verdict
        _check_package(files, verdict, signed, keys)
        _check_proof(files, verdict, signed, stamped, keys, authorities)
    except NotProvenError as error:
        verdict.problems.append(str(error))
    except MemoryError:
        verdict.problems.append(f"container: {bundle.name} needs more memory than there is here")
    except (
        *(KeyError, TypeError, ValueError, IndexError, AttributeError),
        *(ArithmeticError, RecursionError),
    ) as error:
        verdict.problems.append(
            f"the bundle is not laid out as it should be: {type(error).__name__}: {error}"
        )
    return verdict


# --- the package ----------------------------------------------------------------------------------


def _files(bundle: Path, verdict: Verdict) -> dict[str, bytes] | None:
    try:
        if bundle.is_dir():
            return _folder(bundle, verdict)
        if not bundle.is_file():
            raise NotProvenError(f"container: {bundle} is neither a file nor a folder")
        _bounded(bundle, bundle.stat().st_size)
        return _zipped(bundle, verdict)
    except (
        *(zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError),
        *(RuntimeError, NotImplementedError),
    ) as error:
        verdict.problems.append(f"container: {bundle.name} is no readable ZIP file: {error}")
        return None


def _folder(bundle: Path, verdict: Verdict) -> dict[str, bytes]:
    if not (bundle / PACKAGE).is_file():
        raise NotProvenError(f"container: {bundle} is no unpacked bundle, it has no {PACKAGE}")
    verdict.doubts.append("an unpacked bundle: the ZIP container itself was not checked")
    files = [path for path in sorted(bundle.rglob("*")) if path.is_file()]
    _bounded(bundle, sum(path.stat().st_size for path in files))
    return {path.relative_to(bundle).as_posix(): path.read_bytes() for path in files}


def _zipped(bundle: Path, verdict: Verdict) -> dict[str, bytes] | None:
    """The files of a ZIP file, none read before the directory says that they can be."""
    with zipfile.ZipFile(bundle) as opened:
        entries = opened.infolist()
        # A hostile file could unpack to any size; ours is stored as it is.
        if any(entry.compress_type for entry in entries):
            verdict.problems.append(
                "container: the ZIP file was packed anew: unpack it and check the folder"
            )
            return None
        if sum(entry.file_size for entry in entries) > bundle.stat().st_size:
            raise NotProvenError("container: the ZIP file names more bytes than it has")
        files = {entry.filename: opened.read(entry) for entry in entries}
    if len(files) < len(entries):
        verdict.problems.append("container: a name stands twice in the ZIP file")
    with bundle.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        verdict.problems.extend(_container_problems(raw))
    return files


def _bounded(bundle: Path, size: int) -> None:
    if size >= MAX_BUNDLE:
        raise NotProvenError(
            f"container: {bundle} has {size} bytes, a bundle has fewer than {MAX_BUNDLE}"
        )


def _container_problems(raw: mmap.mmap) -> Iterator[str]:
    """A ZIP file has room for bytes that nobody reads: each must be as we write it."""
    local, central, end = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), "<4s4H2LH"
    offset, directory = 0, b""
    try:
        count = 0
        while raw[offset : offset + 4] == b"PK\x03\x04":
            fields = local.unpack_from(raw, offset)
            crc, size, name_length = fields[6], fields[8], fields[9]
            start = offset + local.size
            name = raw[start : start + name_length]
            data = raw[start + name_length : start + name_length + size]
            shared = (20, 0, 0, 0, 33, zlib.crc32(data), size, size, len(name), 0)
            if crc != zlib.crc32(data) or fields != (b"PK\x03\x04", *shared):
                yield f"container: the header of {name.decode('ascii', 'replace')} was altered"
            directory += central.pack(
                *(b"PK\x01\x02", 20 | 3 << 8, *shared, 0, 0, 0, 0o644 << 16, offset)
            )
            directory += name
            offset = start + name_length + size
            count += 1
        tail = struct.pack(end, b"PK\x05\x06", 0, 0, count, count, len(directory), offset, 0)
        rest = directory + tail
        if len(raw) - offset != len(rest) or raw[offset:] != rest:
            yield "container: the directory of the ZIP file was altered"
    except struct.error as error:
        yield f"container: the ZIP file is cut: {error}"


def _check_package(
    files: Mapping[str, bytes], verdict: Verdict, signed: Signed, keys: Sequence[bytes]
) -> None:
    for name in (PACKAGE, PACKAGE_DIGEST, CAPTURES, INDEX, INDEX_OF_INDEX, PAGES, RECORDS, REPORT):
        if name not in files:
            verdict.problems.append(f"{name} is missing")
    try:
        package = _parsed(files.get(PACKAGE, b"{}"))
        digest = _parsed(files.get(PACKAGE_DIGEST, b"{}"))
        stated = {one["path"]: (one["hash"], one["bytes"]) for one in package["resources"]}
        if package["profile"] != "data-package" or package["wacz_version"] != "1.1.1":
            verdict.problems.append(f"{PACKAGE}: not the package of a WACZ 1.1.1")
        if digest["path"] != PACKAGE or digest["hash"] != _named(files.get(PACKAGE, b"")):
            verdict.problems.append(f"{PACKAGE} is not what {PACKAGE_DIGEST} says")
        if len(stated) < len(package["resources"]):
            verdict.problems.append(f"{PACKAGE}: a file is listed twice")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        verdict.problems.append(f"{PACKAGE} or {PACKAGE_DIGEST} is damaged: {error}")
        return
    for name in sorted(stated.keys() | files.keys() - {PACKAGE, PACKAGE_DIGEST}):
        if name not in files:
            verdict.problems.append(f"{name} is listed in {PACKAGE} and missing")
        elif name not in stated:
            verdict.problems.append(f"{name} is not listed in {PACKAGE}")
        elif stated[name] != (_named(files[name]), len(files[name])):
            verdict.problems.append(f"{name} is not what {PACKAGE} says: its bytes were altered")
    # Absent is no flaw: whoever may make a bundle need not hold the key.
    if (signature := digest.get("signature")) is not None:
        pem = files.get(key_file(str(digest.get("key"))), b"")
        if fingerprint(pem) != digest.get("key") or not signed(
            pem, files.get(PACKAGE, b""), _unbase64(signature)
        ):
            verdict.problems.append(f"{PACKAGE_DIGEST}: the signature of {PACKAGE} is not valid")
        else:
            verdict.facts.append(f"the bundle as a whole is signed by key {digest['key']}")
            if keys and digest["key"] not in map(fingerprint, keys):
                verdict.doubts.append(
                    "the bundle as a whole is not signed by a key given: what it says besides the "
                    "captures rests on the key it names"
                )


# --- the proof ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    """A manifest of the chain: the bytes of its file, and what they say."""

    name: str
    raw: bytes
    said: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()


def _check_proof(
    files: Mapping[str, bytes],
    verdict: Verdict,
    signed: Signed,
    stamped: Stamped,
    keys: Sequence[bytes],
    authorities: bytes | None,
) -> None:
    proof = _parsed(files[RECORDS])
    if proof["format"] != FORMAT:
        raise NotProvenError(f"{RECORDS}: format {proof['format']!r} is not {FORMAT}")
    problems = verdict.problems
    expected = {f"proof/{name}" for name in proof["chain"]}
    found = {name for name in files if re.fullmatch(r"proof/manifest-[0-9-]+\.json", name)}
    for name in sorted(expected ^ found):
        problems.append(f"chain: {name} is {'missing' if name in expected else 'not listed'}")
    stamps = {f"proof/{stamp['file']}": stamp for stamp in proof["timestamps"]}
    for name in sorted(stamps.keys() ^ {name for name in files if name.endswith(".tsr")}):
        problems.append(f"timestamp: {name} is {'missing' if name in stamps else 'not listed'}")
    chain = [
        Link(name, files[f"proof/{name}"], _parsed(files[f"proof/{name}"]))
        for name in proof["chain"]
        if f"proof/{name}" in files
    ]
    problems.extend(chain_problems(chain))
    listed = _listed(chain, {one["segment"]["file"] for one in proof["records"]}, problems)
    _check_records(files, proof, listed, problems)
    _check_claims(files, proof, problems)
    _check_signatures(files, chain, listed, keys, verdict, signed)
    _check_stamps(files, proof, chain, listed, authorities, verdict, stamped)
    if not problems:
        shows = [one for one in proof["records"] if one["type"] in SHOWING]
        verdict.facts.insert(
            0,
            f"{len(shows)} answer(s) of {proof['page']} and what belongs to it, "
            f"{len(proof['records'])} records of {len(listed)} segment(s), version "
            f"{proof['version']}, are what the manifests list",
        )


def chain_problems(chain: Sequence[Link]) -> Iterator[str]:
    """What is wrong with a chain of manifests, oldest first."""
    if not chain:
        yield "chain: there is no manifest"
    for link in chain:
        if link.said.get("format") != MANIFEST_FORMAT or link.raw != canonical(link.said):
            yield f"chain: {link.name} is not written as a manifest is: its bytes were altered"
        if link.said.get("name") != link.name:
            yield f"chain: {link.name} says it is {link.said.get('name')}"
    for before, link in pairwise(chain):
        previous = link.said.get("previous") or {}
        if link.said.get("number") != before.said.get("number", 0) + 1:
            yield (
                f"chain: {link.name} (number {link.said.get('number')}) does not follow "
                f"{before.name} (number {before.said.get('number')}): one is left out or moved"
            )
        if previous.get("name") != before.name or previous.get("sha256") != before.sha256:
            yield (
                f"chain: {link.name} names {previous.get('name')} with SHA-256 "
                f"{previous.get('sha256')} as the one before it, but {before.name} has "
                f"{before.sha256}"
            )


def signers(link: Link) -> set[str]:
    """The fingerprints of the keys that may sign after a signed manifest, by its own word."""
    return {link.said["key"], (link.said.get("next_key") or {}).get("fingerprint")} - {None}


def lost_key(link: Link, allowed: set[str]) -> str:
    """What to say of a manifest that goes on with a key nobody before it introduced, and admits
    it; "" of any other. `allowed` are those that may sign."""
    if not allowed or link.said["key"] in allowed or link.said.get("lost_key") is not True:
        return ""
    return (
        f"{link.name} says that the key before it is lost, and is signed by {link.said['key']}, "
        "which that key did not introduce"
    )


def canonical(said: Mapping[str, Any]) -> bytes:
    """The one way to write a manifest: JSON in UTF-8, keys sorted, a space a level, a newline."""
    return (json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode("utf-8")


def _listed(
    chain: Sequence[Link], wanted: set[str], problems: list[str]
) -> dict[str, tuple[int, Mapping[str, Any]]]:
    """For each segment the place in the chain of the manifest that lists it, and its entry."""
    listed: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for position, link in enumerate(chain):
        for entry in link.said["segments"]:
            if entry["name"] in wanted:
                if entry["name"] in listed:
                    problems.append(f"chain: {entry['name']} is listed twice")
                listed[entry["name"]] = (position, entry)
    for name in sorted(wanted - listed.keys()):
        problems.append(f"chain: no manifest lists the segment {name}")
    return listed


def _check_records(
    files: Mapping[str, bytes],
    proof: Mapping[str, Any],
    listed: Mapping[str, tuple[int, Mapping[str, Any]]],
    problems: list[str],
) -> None:
    captures, end = files[CAPTURES], 0
    for one in proof["records"]:
        where = f"record {one['id']} ({one['type']} {one['url'] or ''} at {one['offset']})"
        if one["offset"] != end:
            problems.append(f"{where}: bytes before it belong to no record")
        end = one["offset"] + one["length"]
        member = captures[one["offset"] : end]
        if hashlib.sha256(member).hexdigest() != one["sha256"]:
            problems.append(f"{where}: its bytes were altered")
        segment = one["segment"]
        if segment["file"] in listed:
            entry = listed[segment["file"]][1]
            leaf = hashlib.sha256(b"\x00" + member).digest()
            path = [bytes.fromhex(node) for node in one["path"]]
            root = root_of(leaf, segment["index"], entry["records"], path)
            if root is None or root.hex() != entry["merkle_root"]:
                problems.append(
                    f"{where}: it is not record {segment['index']} of the segment "
                    f"{segment['file']} whose Merkle root the manifest signs"
                )
        problems.extend(f"{where}: {problem}" for problem in _record_problems(member, one))
    if end != len(captures):
        problems.append(f"{CAPTURES}: {len(captures) - end} bytes at the end belong to no record")


def root_of(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a leaf and its audit path lead to (RFC 9162 §2.1.3.2); None: no such path."""
    if not 0 <= index < size:
        return None
    last, node = size - 1, leaf
    for neighbour in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            node = hashlib.sha256(b"\x01" + neighbour + node).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + neighbour).digest()
        index, last = index >> 1, last >> 1
    return node if last == 0 else None


def read_record(member: bytes) -> tuple[dict[str, str], bytes]:
    """WARC headers (names in lower case) and block of a gzip member; NotProvenError otherwise."""
    plain = _unpacked(member)
    head, blank, rest = plain.partition(b"\r\n\r\n")
    lines = head.decode("utf-8", "replace").split("\r\n")
    if not blank or not lines[0].startswith("WARC/1."):
        raise NotProvenError("no WARC record")
    pairs = [line.partition(":") for line in lines[1:]]
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    size = int(headers.get("content-length", "-1"))
    if size < 0 or len(rest) != size + 4 or rest[size:] != b"\r\n\r\n":
        raise NotProvenError("its length is not the one it states")
    return headers, rest[:size]


def _unpacked(member: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(member, MAX_UNPACKED)
    except zlib.error as error:
        raise NotProvenError(f"no whole gzip member: {error}") from error
    if not unpacker.eof or unpacker.unused_data:
        raise NotProvenError("not exactly one gzip member")
    return plain


def _record_problems(member: bytes, one: Mapping[str, Any]) -> Iterator[str]:
    try:
        headers, block = read_record(member)
    except NotProvenError as error:
        yield str(error)
        return
    payload = payload_of(headers, block)
    for stated, header in (
        (one["type"], "warc-type"),
        (one["id"], "warc-record-id"),
        (one["url"], "warc-target-uri"),
        (one["date"], "warc-date"),
        (one["concurrent_to"], "warc-concurrent-to"),
        (one["refers_to"], "warc-refers-to"),
    ):
        if headers.get(header) != stated:
            yield f"it says {header} {headers.get(header)!r}, {RECORDS} says {stated!r}"
    if (digest := headers.get("warc-block-digest")) and digest not in _digests(block):
        yield "its block digest is not that of its block"
    digest = headers.get("warc-payload-digest")
    if one["type"] in ("response", "conversion") and digest not in _digests(payload):
        yield "its payload digest is not that of its payload"
    if one["type"] in SHOWING and digest != f"sha256:{one['payload']}":
        yield f"its payload digest is {digest}, {RECORDS} says {one['payload']}"


def payload_of(headers: Mapping[str, str], block: bytes) -> bytes:
    """What a record carries: of an HTTP message what follows its head."""
    if headers.get("content-type", "").startswith("application/http"):
        return block.partition(b"\r\n\r\n")[2]
    return block


def _check_claims(
    files: Mapping[str, bytes], proof: Mapping[str, Any], problems: list[str]
) -> None:
    """What the records are said to be: of this version, and each beside what it belongs to."""
    records = proof["records"]
    shows = {one["id"]: one for one in records if one["type"] in SHOWING}
    held = {one["payload"] for one in records if one["type"] in ("response", "conversion")}
    for one in records:
        where = f"record {one['id']} ({one['type']})"
        if one["type"] == "request" and one["concurrent_to"] not in shows:
            problems.append(f"{where}: the answer to it is not in the bundle")
        if one["type"] == "revisit" and one["payload"] not in held:
            problems.append(f"{where}: the bytes it confirms are not in the bundle")
        if one["type"] == "conversion" and one["refers_to"] not in shows:
            problems.append(f"{where}: the answer it was made from is not in the bundle")
    own = [one for one in shows.values() if one["shows_version"]]
    name = proof["version"].rpartition("/")[2]
    if proof["named_by"] == "payload":
        if not any(one["payload"].startswith(name) for one in own):
            problems.append(
                f"swapped: no capture in the bundle has a payload whose SHA-256 begins with "
                f"{name}, the name of version {proof['version']}"
            )
    elif hashlib.sha256(proof["content_digest"].encode()).hexdigest()[:NAME_LENGTH] != name:
        problems.append(f"swapped: version {proof['version']} is not named by its content digest")
    if not any(one["url"] == proof["page"] for one in own):
        problems.append(f"swapped: no capture in the bundle is of the page {proof['page']}")
    report = _parsed(files[REPORT])
    if report["version"]["id"] != proof["version"]:
        problems.append(f"swapped: {REPORT} is about version {report['version']['id']}")
    said = {(row["url"], row["fetched_at"], row["digest"]) for row in report["captures"]}
    if said != {(one["url"], one["date"], one["payload"]) for one in own}:
        problems.append(
            f"swapped: the captures that {REPORT} counts to the version are not those in the bundle"
        )
    problems.extend(_index_problems(files, shows))
    problems.extend(_page_problems(files, proof, own))


def _index_problems(files: Mapping[str, bytes], shows: Mapping[str, Any]) -> Iterator[str]:
    lines = _unpacked(files[INDEX]).decode("utf-8").splitlines()
    places = set()
    for line in lines:
        key, moment, entry = line.split(" ", 2)
        said = _parsed(entry)
        if not key or not re.fullmatch(r"[0-9]{14}", moment) or "url" not in said:
            yield f"{INDEX}: no line of a CDXJ index: {line[:80]}"
        places.add((said["url"], int(said["offset"]), int(said["length"]), said["digest"]))
    wanted = {
        (one["url"], one["offset"], one["length"], f"sha256:{one['payload']}")
        for one in shows.values()
        if one["type"] != "conversion"
    }
    if places != wanted or lines != sorted(lines):
        yield f"{INDEX}: it does not list the answers of {CAPTURES}"


def _page_problems(
    files: Mapping[str, bytes], proof: Mapping[str, Any], own: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    head, *pages = [_parsed(line) for line in files[PAGES].splitlines()]
    if head.get("format") != "json-pages-1.0" or not pages:
        yield f"{PAGES}: not a list of pages"
    captured = {(one["url"], one["date"]) for one in own}
    for page in pages:
        if (page["url"], page["ts"]) not in captured:
            yield f"{PAGES}: no capture of {page['url']} at {page['ts']} is in the bundle"
    package = _parsed(files[PACKAGE])
    if (package["mainPageUrl"], package["mainPageDate"]) not in captured:
        yield f"{PACKAGE}: its main page is not in the bundle"
    if package["mainPageUrl"] != proof["page"]:
        yield f"{PACKAGE}: its main page is not {proof['page']}"


def _check_signatures(
    files: Mapping[str, bytes],
    chain: Sequence[Link],
    listed: Mapping[str, tuple[int, Mapping[str, Any]]],
    keys: Sequence[bytes],
    verdict: Verdict,
    signed: Signed,
) -> None:
    """Each signature is valid, and one by a key that is trusted covers every segment."""
    trusted = {fingerprint(pem) for pem in keys}
    covered, met = -1, False
    first: str | None = None
    # Who may sign at this place of the chain, trusted or not.
    heirs: set[str] = set()
    unsigned: list[str] = []
    for position, link in enumerate(chain):
        signature = files.get(f"proof/{link.name.removesuffix('.json')}.sig")
        by = link.said["key"]
        if by is None:
            unsigned.append(link.name)
            if signature is not None:
                verdict.problems.append(f"signature: {link.name} names no key, yet has a .sig")
            continue
        pem = files.get(key_file(by), b"")
        if fingerprint(pem) != by:
            verdict.problems.append(f"signature: {key_file(by)} is not the key {by}")
            continue
        try:
            if signature is None or not signed(pem, link.raw, signature):
                verdict.problems.append(
                    f"signature: {link.name} is not signed by the key {by} it names"
                )
                continue
        except NotProvenError as error:
            verdict.problems.append(f"signature: {link.name}: {error}")
            continue
        if first is None:
            first = by
        if lost := lost_key(link, heirs):
            verdict.doubts.append(
                f"{lost}: compare it with the one the archive publishes, or give that one with "
                "--key"
            )
            heirs = set()
        elif heirs and by not in heirs:
            verdict.problems.append(
                f"signature: {link.name} is signed by {by}, which the key before it did not "
                "introduce"
            )
        heirs |= signers(link)
        if not keys and (lost or not trusted):
            trusted.add(by)
        if by in trusted:
            covered, met = position, True
            trusted |= signers(link)
    late = [name for name, (position, _) in listed.items() if position > covered]
    if first is None:
        verdict.problems.append("signature: no manifest is signed, anybody could have written them")
    elif not met:
        verdict.problems.append(
            f"signature: the manifests are signed by {first}, not by the key given"
        )
    elif late:
        verdict.problems.append(f"signature: nothing signed covers {', '.join(sorted(late))}")
    else:
        verdict.facts.append(
            f"signed (Ed25519) up to {chain[covered].name} by key {chain[covered].said['key']}"
        )
        verdict.doubts.extend(
            f"{name} is not signed itself: the first signed one after it vouches for it"
            for name in unsigned
            if any(chain[position].name == name for position, _ in listed.values())
        )
        if not keys:
            verdict.doubts.append(
                f"the key {first} came with the bundle: compare it with the one the archive "
                "publishes, or give that one with --key"
            )


def _check_stamps(
    files: Mapping[str, bytes],
    proof: Mapping[str, Any],
    chain: Sequence[Link],
    listed: Mapping[str, tuple[int, Mapping[str, Any]]],
    authorities: bytes | None,
    verdict: Verdict,
    stamped: Stamped,
) -> None:
    places = {link.name: position for position, link in enumerate(chain)}
    stamps: list[tuple[int, str, str]] = []
    for stamp in proof["timestamps"]:
        name = f"proof/{stamp['file']}"
        if name not in files or stamp["manifest"] not in places:
            verdict.problems.append(f"timestamp: {name} belongs to no manifest of the chain")
            continue
        position = places[stamp["manifest"]]
        roots = authorities or files.get(f"proof/{stamp['certificates']}")
        try:
            moment = stamped(files[name], chain[position].raw, roots)
        except NotProvenError as error:
            verdict.problems.append(f"timestamp: {name}: {error}")
            continue
        if moment != stamp["at"]:
            verdict.problems.append(
                f"timestamp: {name} says {moment}, {RECORDS} says {stamp['at']}"
            )
        stamps.append((position, moment, stamp["authority"]))
    for name, (position, _) in sorted(listed.items()):
        after = sorted((at, by) for place, at, by in stamps if place >= position)
        dates = [one["date"] for one in proof["records"] if one["segment"]["file"] == name]
        if not after:
            verdict.doubts.append(
                f"no timestamp covers {name}: when it was made rests on the archive's own clock"
            )
            if authorities is not None:
                verdict.problems.append(f"timestamp: no authority's timestamp covers {name}")
            continue
        at, by = after[0]
        if late := [date for date in dates if date > at]:
            verdict.problems.append(
                f"timestamp: {name} has a record of {max(late)}, later than its timestamp of {at}"
            )
        verdict.facts.append(f"{name} existed at the latest at {at}, says {by}")
    if stamps and authorities is None:
        verdict.doubts.append(
            "the authority's certificates came with the bundle: give the one it publishes "
            "with --tsa-cert"
        )


# --- keys, digests, openssl -----------------------------------------------------------------------


def fingerprint(pem: bytes) -> str:
    """The SHA-256 of a public key (DER of SubjectPublicKeyInfo), in hex; empty when it is none.

    Nothing may stand beside it: of two keys in one text, openssl may take the other.
    """
    found = PEM.fullmatch(b"".join(pem.split()))
    der = _unbase64(found[1]) if found else b""
    return hashlib.sha256(der).hexdigest() if der else ""


def key_file(of: str) -> str:
    """Where in a bundle the public key of a fingerprint lies."""
    return f"proof/key-{of[:16]}.pub"


def _unbase64(text: bytes | str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return b""


def _parsed(raw: bytes | str) -> Any:
    try:
        return json.loads(raw)
    except RecursionError as error:
        raise NotProvenError("JSON nested deeper than any of ours") from error


def _named(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _digests(data: bytes) -> tuple[str, ...]:
    """The ways in which WARC writers print a digest of these bytes."""
    sha1 = hashlib.sha1(data).digest()
    return (_named(data), "sha1:" + base64.b32encode(sha1).decode(), "sha1:" + sha1.hex())


def openssl(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """What openssl answers; NotProvenError, with the command to give, where there is none."""
    try:
        return subprocess.run(["openssl", *arguments], capture_output=True, timeout=60, check=False)
    except FileNotFoundError as error:
        raise NotProvenError(
            "not checked, there is no openssl here: run openssl " + " ".join(arguments)
        ) from error
    except subprocess.TimeoutExpired as error:
        raise NotProvenError("openssl did not answer within a minute") from error


def signed_by_openssl(public_pem: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature of a message is a key's."""
    with tempfile.TemporaryDirectory() as folder:
        key, text, sig = (str(Path(folder, name)) for name in ("key.pub", "manifest", "sig"))
        for path, data in ((key, public_pem), (text, message), (sig, signature)):
            Path(path).write_bytes(data)
        done = openssl(
            *("pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin"),
            *("-in", text, "-sigfile", sig),
        )
    return done.returncode == 0


def stamped_by_openssl(
    reply: bytes, message: bytes, roots: bytes | None, request: bytes | None = None
) -> str:
    """The time (UTC) that a timestamp says, RFC 3161; NotProvenError where it is not valid.

    It must be of the SHA-256 of the message or, where one is given, answer the request. The
    certificates in `roots` (PEM) are trusted, and are held to the time of the timestamp.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: str(Path(folder, name)) for name in ("reply", "roots", "request")}
        Path(paths["reply"]).write_bytes(reply)
        Path(paths["roots"]).write_bytes(roots or b"")
        Path(paths["request"]).write_bytes(request or b"")
        read = openssl("ts", "-reply", "-in", paths["reply"], "-text")
        text = read.stdout.decode("utf-8", "replace")
        stated = re.search(r"^Time stamp: (.+)$", text, re.MULTILINE)
        if stated is None:
            status = re.search(r"^Status: (.+)$", text, re.MULTILINE)
            raise NotProvenError(f"no timestamp in it{f' ({status[1]})' if status else ''}")
        moment = _openssl_time(stated[1])
        of = (
            ("-queryfile", paths["request"])
            if request
            else ("-digest", hashlib.sha256(message).hexdigest())
        )
        done = openssl(
            *("ts", "-verify", *of, "-in", paths["reply"], "-CAfile", paths["roots"]),
            *("-partial_chain", "-attime", str(int(moment.timestamp()))),
        )
    if done.returncode != 0 or b"Verification: OK" not in done.stdout + done.stderr:
        why = re.findall(r":([^:\n]+):[^:\n]*:[0-9]+:(.*)$", done.stderr.decode(), re.MULTILINE)
        reasons = "; ".join(dict.fromkeys(" ".join(part).strip() for part in why))
        raise NotProvenError(f"openssl refuses it: {reasons or 'verification failed'}")
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _openssl_time(text: str) -> datetime:
    """`Nov 22 06:00:00.5 2026 GMT` without a look at the language of the system."""
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    found = re.fullmatch(
        r"(\w{3}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.\d+)? (\d{4}) GMT", text.strip()
    )
    if found is None or found[1] not in months:
        raise NotProvenError(f"a time that cannot be read: {text}")
    day, hour, minute, second, year = (int(found[group]) for group in range(2, 7))
    month = months.index(found[1]) + 1
    return datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)  # noqa: UP017


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the bundle that the command line names, and say so on standard output."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle", type=Path, help="the .wacz file, or a folder it was unpacked to")
    parser.add_argument("--key", type=Path, action="append", default=[], help="public key (PEM)")
    parser.add_argument("--tsa-cert", type=Path, help="the authority's certificates (PEM)")
    options = parser.parse_args(arguments)
    try:
        keys = [path.read_bytes() for path in options.key]
        roots = options.tsa_cert.read_bytes() if options.tsa_cert else None
        if not all(fingerprint(pem) for pem in keys):
            parser.error("--key is no public key in PEM")
        if roots is not None and b"-----BEGIN CERTIFICATE-----" not in roots:
            parser.error("--tsa-cert holds no certificate in PEM")
        verdict = check(options.bundle, signed_by_openssl, stamped_by_openssl, keys, roots)
    except OSError as error:
        parser.error(str(error))
    for line in verdict.lines():
        sys.stdout.write(line + "\n")
    return 1 if verdict.problems else 0


if __name__ == "__main__":
    sys.exit(main())
