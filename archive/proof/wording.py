"""How was this capture made, what is proven and what is not? For a court or a newsroom to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from archive.proof.records import SHOWN, Record
from archive.proof.verify import read_record

HOW = "HOW-THIS-CAPTURE-WAS-MADE.md"
TEMPLATES = [Path(__file__).parent / f"how.{language}.md" for language in ("zh", "en")]


def how_it_was_made(proof: Mapping[str, Any], records: Sequence[Record]) -> bytes:
    """The description in Chinese and English, Markdown."""
    shown = [record for record in records if record.why == SHOWN]
    software = _warcinfo(records)
    said = {
        "version": proof["version"],
        "page": proof["page"],
        "cited": proof["cited"] or "—",
        "captures": "\n".join(_line(record) for record in shown),
        "software": "\n".join(f"    {line}" for line in software) or "    —",
        "segments": "\n".join(f"- `{name}`" for name in sorted({r.segment for r in records})),
        "chain": f"{proof['chain'][0]} … {proof['chain'][-1]} ({len(proof['chain'])})",
        "keys": "\n".join(f"- `{key}`" for key in proof["keys"]) or "- 无 none",
        "stamps": "\n".join(
            f"- {one['at']} — {one['authority']} — {one['manifest']}" for one in proof["timestamps"]
        )
        or "- 无 none",
        "commands": COMMANDS,
    }
    texts = (path.read_text(encoding="utf-8").format(**said) for path in TEMPLATES)
    return "\n---\n\n".join(texts).encode()


def _line(record: Record) -> str:
    headers = record.member.headers
    return (
        f"- {headers['warc-date']} {record.member.type} <{headers['warc-target-uri']}>"
        f" sha256 `{record.payload}`"
    )


def _warcinfo(records: Sequence[Record]) -> list[str]:
    """What the crawler wrote of itself into the segments, each line once."""
    lines: dict[str, None] = {}
    for record in records:
        if record.member.type == "warcinfo":
            block = read_record(record.raw)[1].decode("utf-8", "replace")
            lines.update(dict.fromkeys(line for line in block.split("\r\n") if line))
    return list(lines)


COMMANDS = """\
    python3 proof/verify.py BUNDLE.wacz --key ARCHIVE-KEY.pub --tsa-cert AUTHORITY.pem

    unzip BUNDLE.wacz -d bundle && cd bundle
    sha256sum datapackage.json                  # = hash in datapackage-digest.json
    sha256sum proof/manifest-YYYYMMDD.json      # = "previous" in the next manifest
    openssl pkeyutl -verify -pubin -inkey proof/key-XXXX.pub -rawin \\
        -in proof/manifest-YYYYMMDD.json -sigfile proof/manifest-YYYYMMDD.sig
    openssl ts -verify -data proof/manifest-YYYYMMDD.json \\
        -in proof/manifest-YYYYMMDD.AUTHORITY.tsr -CAfile AUTHORITY.pem -partial_chain
    openssl ts -reply -in proof/manifest-YYYYMMDD.AUTHORITY.tsr -text   # the time it states"""
