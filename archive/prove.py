"""One version of one report as a bundle that others can check without us."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from archive import timestamps
from archive.keys import Key, is_signed
from archive.manifest import FOLDER, key_name, listed, read_chain, signature_name
from archive.proof import reading, wacz
from archive.proof.records import SHOWN, Record, RecordError, collect
from archive.proof.verify import (
    CAPTURES,
    FORMAT,
    NAME_LENGTH,
    PACKAGE,
    PACKAGE_DIGEST,
    PAGES,
    RECORDS,
    REPORT,
    Link,
    Verdict,
    check,
    key_file,
)
from archive.proof.wording import HOW, how_it_was_made
from archive.schema import TABLES
from archive.shelf import NO_LINKS, Shelf, sync

ARCHIVE = "nianbao.db"
PATH = re.compile(r"(?:/?r)?/?([^/]+)/(\d{4})(?:/([0-9a-f]{12}))?(?:\.json)?/?")
BUILD = "run python -m archive build"
REBUILD = "run python -m archive build --rebuild"
# What is asked of these tables is asked by the columns of this program.
ASKED = (
    *("versions", "reports", "captures", "issuers", "fields", "cell_notes", "sections"),
    *("findings", "changes", "sightings"),
)
# A build takes the archive's lock for moments only.
WAIT_SECONDS = 5.0
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
VERIFIER = Path(__file__).parent / "proof" / "verify.py"


class ProveError(ValueError):
    """There is nothing to prove, or not enough to prove it with; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A timestamp that goes into a bundle: whose, of which manifest, and the time it states."""

    manifest: str
    file: str
    authority: str
    at: str
    reply: bytes
    certificates: bytes

    @property
    def certificates_file(self) -> str:
        return f"tsa-{self.authority}.pem"


def prove(
    data: Path, shelf: Shelf, what: str, moment: datetime, base: str = "", key: Key | None = None
) -> tuple[str, bytes]:
    """The id of the version that is meant, and its bundle (a WACZ file).

    `what` is a page of the site (/r/issuer/year[/digest], with or without a host) or the address
    of the original. With a key the bundle as a whole is signed too.
    """
    with _asked(data / ARCHIVE) as db:
        version = _version(db, what)
        chain = read_chain(shelf)
        entries = listed(chain, "segments")
        try:
            records = collect(db, shelf, version, entries)
        except (RecordError, FileNotFoundError) as error:
            raise ProveError(f"{version['id']}: {error}") from error
        if not any(record.why == SHOWN for record in records):
            raise ProveError(f"{version['id']}: no capture shows this version: {REBUILD}")
        said = reading.reading(db, version["id"])
    proof, kept = _proof(shelf, chain, version, said, records, base)
    files = {
        CAPTURES: b"".join(record.raw for record in records),
        **wacz.index(records),
        PAGES: _pages(proof, said),
        REPORT: reading.written(said),
        REPORT.replace(".json", ".html"): reading.as_html(said).encode(),
        RECORDS: (json.dumps(proof, ensure_ascii=False, indent=1) + "\n").encode(),
        f"proof/{HOW}": how_it_was_made(proof, records),
        "proof/verify.py": VERIFIER.read_bytes(),
        **kept,
    }
    if key is not None:
        files[key_file(key.fingerprint)] = key.public_pem
    files[PACKAGE] = wacz.package(files, _about(proof, said, moment))
    signature = {"key": key.fingerprint, "signature": _text(key, files[PACKAGE])} if key else None
    files[PACKAGE_DIGEST] = wacz.package_digest(files[PACKAGE], signature)
    return version["id"], wacz.zipped(files)


def version_meant(data: Path, what: str) -> str:
    """The id of the version that `prove` would prove."""
    with _asked(data / ARCHIVE) as db:
        return str(_version(db, what)["id"])


def require_free(path: Path) -> None:
    """Refuse a file that a bundle cannot be written to: it exists, or its folder does not."""
    if os.path.lexists(path):
        raise ProveError(f"{path} exists: name another file with --out")
    if not path.parent.is_dir():
        raise ProveError(f"{path}: there is no folder {path.parent}: make it, or change --out")


def write_bundle(path: Path, bundle: bytes) -> None:
    """Write a bundle to a file that does not exist yet, synced; whole or not at all."""
    require_free(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            with part.open("wb") as opened:
                opened.write(bundle)
                opened.flush()
                os.fsync(opened.fileno())
            _named(part, path)
        finally:
            with suppress(FileNotFoundError):
                part.unlink()
        sync(path.parent)
    except FileExistsError as error:
        raise ProveError(f"{path} exists: name another file with --out") from error
    except OSError as error:
        raise ProveError(
            f"{path} cannot be written ({len(bundle)} bytes): {error.strerror}: free the disk, or "
            "name another file with --out"
        ) from error


def _named(part: Path, path: Path) -> None:
    """Give a whole file its name; FileExistsError where it is taken."""
    try:
        os.link(part, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, "exists", str(path)) from error
        part.rename(path)


def check_bundle(path: Path, keys: Sequence[bytes] = (), roots: bytes | None = None) -> Verdict:
    """Check a bundle offline; see archive.proof.verify, whose readers are here our own."""
    return check(path, is_signed, timestamps.proves, keys, roots)


# --- which version --------------------------------------------------------------------------------


@contextmanager
def _asked(path: Path) -> Iterator[sqlite3.Connection]:
    """An archive to ask, and what is wrong with one that does not answer."""
    if not path.exists():
        raise ProveError(f"no archive {path}: {BUILD}, or give --data")
    if not path.is_file():
        raise ProveError(f"{path} is no file: give the folder that {ARCHIVE} lies in with --data")
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=WAIT_SECONDS)) as db:
            db.row_factory = sqlite3.Row
            if lacking := _lacking(db):
                raise ProveError(
                    f"{path} has no {lacking}: it is empty, or of another version of this program: "
                    f"{REBUILD}"
                )
            yield db
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in BUSY:
            raise ProveError(f"{path} is being written: run the command again later") from error
        raise ProveError(
            f"{path} cannot be read as an archive ({error}): move it away and {REBUILD}"
        ) from error


def _lacking(db: sqlite3.Connection) -> str | None:
    """The first table or column that is asked for and not there."""
    for table in ASKED:
        there = {row["name"] for row in db.execute(f"pragma table_info([{table}])")}
        if not there:
            return f"table {table}"
        if missing := [name for name in TABLES[table].columns if name not in there]:
            return f"column {table}.{missing[0]}"
    return None


def _version(db: sqlite3.Connection, what: str) -> sqlite3.Row:
    """The version that a path of the site or an address of an original means."""
    try:
        path = unquote(urlsplit(what).path) if "://" in what else what
    except ValueError as error:
        raise ProveError(
            f"{what!r} is no address that can be read ({error}): give a page of the site such as "
            "/r/140600-jyj/2023, or the address of the original as the archive has it"
        ) from error
    named = PATH.fullmatch(path) if "/r/" in f"/{path}" or "://" not in what else None
    found = None
    if named:
        found = _by_path(db, _followed(db, "/".join(filter(None, named.groups()))))
    if found is None and "://" in what:
        found = db.execute(
            "select versions.* from captures join versions on versions.id = captures.version_id"
            " where captures.url = ? order by captures.fetched_at desc limit 1",
            [what],
        ).fetchone()
    if found is None:
        raise ProveError(
            f"{what}: no report here has this address; give a page of the site such as "
            "/r/140600-jyj/2023, or the address of the original as the archive has it"
        )
    version: sqlite3.Row = found
    return version


def _followed(db: sqlite3.Connection, path: str) -> str:
    """Where a path that was public once has gone."""
    if not db.execute("select 1 from sqlite_master where name = 'redirects'").fetchone():
        return path
    for _ in range(8):
        row = db.execute("select target, reason from redirects where path = ?", [path]).fetchone()
        if row is None:
            return path
        if row["target"] is None:
            raise ProveError(f"/r/{path} is gone: {row['reason']}")
        path = row["target"]
    raise ProveError(f"/r/{path} is redirected in a circle: {REBUILD}")


def _by_path(db: sqlite3.Connection, path: str) -> sqlite3.Row | None:
    report, digest = "/".join(path.split("/")[:2]), path.split("/")[2:]
    found: sqlite3.Row | None
    if not digest:
        found = db.execute(
            "select versions.* from reports join versions on versions.id = current_version"
            " where reports.id = ?",
            [report],
        ).fetchone()
        return found
    found = db.execute("select * from versions where id = ?", [path]).fetchone()
    # A version answers to the digest of any capture that showed it.
    return (
        found
        or db.execute(
            "select versions.* from captures join versions on versions.id = captures.version_id"
            " where report_id = ? and digest >= ? and digest < ? order by fetched_at limit 1",
            [report, digest[0], digest[0] + "g"],
        ).fetchone()
    )


# --- what goes into the bundle --------------------------------------------------------------------


def _proof(
    shelf: Shelf,
    chain: Sequence[Link],
    version: sqlite3.Row,
    said: Mapping[str, Any],
    records: Sequence[Record],
    base: str,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The proof in words (`proof/records.json`), and the files of the chain that go with it."""
    segments = {record.segment for record in records}
    listing = [
        position
        for position, link in enumerate(chain)
        if any(entry["name"] in segments for entry in link.said["segments"])
    ]
    since = chain[listing[0] :]
    kept: dict[str, bytes] = {}
    keys: dict[str, None] = {}
    for link in since:
        kept[f"proof/{link.name}"] = link.raw
        if link.said["key"]:
            kept[f"proof/{signature_name(link.name)}"] = _kept(shelf, signature_name(link.name))
        for named in filter(
            None, (link.said["key"], (link.said["next_key"] or {}).get("fingerprint"))
        ):
            keys[named] = None
    for named in keys:
        kept[key_file(named)] = _kept(shelf, key_name(named))
    stamps = list(_stamps(shelf, since, [position - listing[0] for position in listing]))
    for stamp in stamps:
        kept[f"proof/{stamp.file}"] = stamp.reply
        kept.setdefault(f"proof/{stamp.certificates_file}", stamp.certificates)
    own = said["captures"]
    name = version["id"].rpartition("/")[2]
    is_named_by_payload = any(row["digest"].startswith(name) for row in own)
    return {
        "format": FORMAT,
        "version": version["id"],
        "cited": f"{base.rstrip('/')}/r/{version['id']}" if base else None,
        "page": _page(own, said["report"]["url"], name),
        "named_by": "payload" if is_named_by_payload else "content",
        "content_digest": version["content_digest"],
        "records": [
            _record(record, offset)
            for record, offset in zip(records, wacz.places(records), strict=True)
        ],
        "chain": [link.name for link in since],
        "keys": list(keys),
        "timestamps": [
            {
                "manifest": stamp.manifest,
                "file": stamp.file,
                "authority": stamp.authority,
                "at": stamp.at,
                "certificates": stamp.certificates_file,
            }
            for stamp in stamps
        ],
    }, kept


def _record(record: Record, offset: int) -> dict[str, Any]:
    headers, member = record.member.headers, record.member
    return {
        "type": member.type,
        "url": headers.get("warc-target-uri"),
        "date": headers.get("warc-date"),
        "id": member.id,
        "payload": record.payload,
        "concurrent_to": headers.get("warc-concurrent-to"),
        "refers_to": headers.get("warc-refers-to"),
        "why": record.why,
        "shows_version": record.why == SHOWN,
        "offset": offset,
        "length": member.length,
        "sha256": hashlib.sha256(record.raw).hexdigest(),
        "segment": {"file": record.segment, "offset": member.offset, "index": member.index},
        "path": [node.hex() for node in record.path],
    }


def _page(own: Sequence[Mapping[str, Any]], url: str, name: str) -> str:
    """The page of the report: where it is now, or where this version was first seen."""
    if any(row["url"] == url for row in own):
        return url
    named = [row["url"] for row in own if row["digest"].startswith(name)]
    return str((named or [row["url"] for row in own])[0])


def _stamps(shelf: Shelf, chain: Sequence[Link], listing: Sequence[int]) -> Iterator[Stamp]:
    """Of each authority the first timestamp from each listing manifest on, and its last."""
    places = {link.name.removesuffix(".json"): place for place, link in enumerate(chain)}
    of: dict[str, dict[int, str]] = {}
    for kept in shelf.kept(FOLDER, timestamps.SUFFIX):
        manifest, _, authority = kept.name.removesuffix(timestamps.SUFFIX).partition(".")
        if manifest in places:
            of.setdefault(authority, {})[places[manifest]] = kept.name
    for authority, files in sorted(of.items()):
        chosen = {max(files)}
        for position in listing:
            chosen.update([place for place in sorted(files) if place >= position][:1])
        for place in sorted(chosen):
            reply, link = shelf.read(FOLDER, files[place]), chain[place]
            try:
                at = timestamps.verify(reply, link.raw)
                brought = timestamps.certificates(reply)
            except timestamps.StampError as error:
                raise ProveError(f"{shelf.where(FOLDER, files[place])}: {error}") from error
            yield Stamp(link.name, files[place], authority, at, reply, brought)


def _kept(shelf: Shelf, name: str) -> bytes:
    try:
        return shelf.read(FOLDER, name)
    except FileNotFoundError as error:
        raise ProveError(
            f"{shelf.where(FOLDER, name)} is missing: restore it from the backup; "
            "python -m archive verify says what else is"
        ) from error


def _shown_pages(proof: Mapping[str, Any], said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row for row in said["captures"] if row["url"] == proof["page"]]


def _pages(proof: Mapping[str, Any], said: Mapping[str, Any]) -> bytes:
    lines: list[Mapping[str, Any]] = [
        {"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}
    ]
    lines += [
        {
            "id": f"{row['digest'][:NAME_LENGTH]}-{number}",
            "url": row["url"],
            "ts": row["fetched_at"],
            "title": said["version"]["title"] or row["url"],
        }
        for number, row in enumerate(_shown_pages(proof, said), start=1)
    ]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def _about(proof: Mapping[str, Any], said: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    first = _shown_pages(proof, said)[0]
    return {
        "title": said["version"]["title"] or proof["version"],
        "description": (
            f"年报的一个版本，连同其存档证明。见 proof/{HOW}。"
            f" One version of an annual report with the proof of its capture: see proof/{HOW}."
        ),
        "created": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "software": "nianbao",
        "mainPageUrl": first["url"],
        "mainPageDate": first["fetched_at"],
    }


def _text(key: Key, message: bytes) -> str:
    return base64.b64encode(key.sign(message)).decode()
