"""How does a set of records become a WACZ 1.1.1 file that players replay?

https://specs.webrecorder.net/wacz/1.1.1/ — folders are one deep: py-wacz 0.6 validates no deeper.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

from archive.proof.records import Record
from archive.proof.verify import (
    CAPTURES,
    INDEX,
    INDEX_OF_INDEX,
    PACKAGE,
    PACKAGE_DIGEST,
    read_record,
)

# Every byte of the file is fixed, so that a check can demand each.
EPOCH = (1980, 1, 1, 0, 0, 0)
REPLAYED = ("response", "revisit")


def places(records: Sequence[Record]) -> list[int]:
    """Where each record begins when they lie one after the other."""
    offsets, end = [], 0
    for record in records:
        offsets.append(end)
        end += len(record.raw)
    return offsets


def index(records: Sequence[Record]) -> dict[str, bytes]:
    """The CDXJ index of the answers among the records, and the index over that."""
    name = CAPTURES.rpartition("/")[2]
    lines = sorted(
        _cdxj(record, offset, name)
        for record, offset in zip(records, places(records), strict=True)
        if record.member.type in REPLAYED
    )
    block = gzip.compress("".join(line + "\n" for line in lines).encode(), mtime=0)
    about = {
        "offset": 0,
        "length": len(block),
        "digest": "sha256:" + hashlib.sha256(block).hexdigest(),
        "filename": INDEX.rpartition("/")[2],
    }
    head = {"format": "cdxj-gzip-1.0", "filename": about["filename"]}
    first = " ".join(lines[0].split(" ")[:2]) if lines else "0"
    upper = f"!meta 0 {json.dumps(head)}\n{first} {json.dumps(about)}\n"
    return {INDEX: block, INDEX_OF_INDEX: upper.encode()}


def _cdxj(record: Record, offset: int, filename: str) -> str:
    headers, block = read_record(record.raw)
    url = headers["warc-target-uri"]
    head = block.partition(b"\r\n\r\n")[0].decode("latin-1")
    status = re.match(r"HTTP/\S+ (\d{3})", head)
    media = re.search(r"^content-type:\s*([^;\s]+)", head, re.IGNORECASE | re.MULTILINE)
    is_revisit = record.member.type == "revisit"
    entry = {
        "url": url,
        "mime": "warc/revisit" if is_revisit else media[1] if media else "application/octet-stream",
        "status": status[1] if status else "200",
        "digest": f"sha256:{record.payload}",
        "length": str(len(record.raw)),
        "offset": str(offset),
        "filename": filename,
    }
    moment = re.sub(r"\D", "", headers["warc-date"])[:14]
    return f"{surt(url)} {moment} {json.dumps(entry, ensure_ascii=False)}"


def surt(url: str) -> str:
    """The key under which players look an address up: its host backwards, all in lower case."""
    parts = urlsplit(re.sub(r"^(https?://)www\d*\.", r"\1", url.lower()))
    host = ",".join(reversed((parts.hostname or "").split(".")))
    standard = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port and parts.port != standard else ""
    asked = sorted(parse_qsl(parts.query, keep_blank_values=True))
    query = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in asked)
    # A space would end the key.
    path = (parts.path or "/").replace(" ", "%20")
    return f"{host}{port}){path}" + (f"?{query}" if query else "")


def package(files: Mapping[str, bytes], about: Mapping[str, Any]) -> bytes:
    """The descriptor of all files: a Frictionless data package with what WACZ adds."""
    resources = [
        {
            "name": name.lower(),
            "path": name,
            "hash": "sha256:" + hashlib.sha256(files[name]).hexdigest(),
            "bytes": len(files[name]),
        }
        for name in sorted(files)
    ]
    said = {"profile": "data-package", "wacz_version": "1.1.1", "resources": resources, **about}
    return (json.dumps(said, ensure_ascii=False, indent=1) + "\n").encode()


def package_digest(descriptor: bytes, signature: Mapping[str, str] | None) -> bytes:
    """The file that holds the descriptor's digest and, if there is one, its signature."""
    said = {
        "path": PACKAGE,
        "hash": "sha256:" + hashlib.sha256(descriptor).hexdigest(),
        **(signature or {}),
    }
    return (json.dumps(said, indent=1) + "\n").encode()


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A ZIP file of these files, stored as they are; the descriptor comes last."""
    last = (PACKAGE, PACKAGE_DIGEST)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as opened:
        for name in (*sorted(files.keys() - set(last)), *last):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            opened.writestr(entry, files[name])
    return packed.getvalue()
