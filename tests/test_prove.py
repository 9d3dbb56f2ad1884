"""The proof of an edited report: what is in it, who can check it, and what makes it fail."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import json
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from authority import Authority, Keys
from click.testing import CliRunner
from evidence import (
    ANNEX,
    BEFORE,
    FILE,
    FIRST,
    OTHER,
    PAGE,
    SECOND,
    SHELL,
    THE_OTHER,
    THE_RENDERED,
    A,
    Story,
    forged,
    lay,
    packed,
    sha,
    unpacked,
)
from warcio.archiveiterator import ArchiveIterator

from archive import keys
from archive import prove as proving
from archive.__main__ import main
from archive.manifest import write_manifest
from archive.proof.verify import (
    CAPTURES,
    RECORDS,
    check,
    fingerprint,
    root_of,
    signed_by_openssl,
    stamped_by_openssl,
)
from archive.proof.wacz import surt, zipped
from archive.prove import ProveError, check_bundle, prove, write_bundle
from archive.shelf import Shelf

NOW = datetime(2024, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("authority") / "keys")


@pytest.fixture(scope="module")
def story(tsa: Keys, tmp_path_factory: pytest.TempPathFactory) -> Story:
    data = tmp_path_factory.mktemp("story") / "data"
    data.mkdir()
    with Authority(tsa) as running:
        return lay(data, [running.url], tsa.chain)


@pytest.fixture(scope="module")
def first(story: Story) -> bytes:
    return bundle(story, FIRST)


def bundle(story: Story, version: str) -> bytes:
    name, made = prove(story.data, story.shelf, f"/r/{version}", NOW)
    assert name == version
    return made


def problems(
    tmp_path: Path, made: bytes, trusted: bytes | None = None, roots: bytes | None = None
) -> list[str]:
    path = tmp_path / "bundle.wacz"
    path.write_bytes(made)
    return check_bundle(path, [trusted] if trusted else [], roots).problems


# --- what is in it --------------------------------------------------------------------------------


def test_both_versions_are_proven(story: Story, tsa: Keys, tmp_path: Path) -> None:
    for version in (FIRST, SECOND, THE_OTHER, THE_RENDERED):
        path = tmp_path / "bundle.wacz"
        path.write_bytes(bundle(story, version))
        verdict = check_bundle(path, [story.public], tsa.chain)
        assert verdict.problems == []
        assert verdict.doubts == []
        assert any("existed at the latest at 20" in fact for fact in verdict.facts)


def test_exactly_the_records_of_the_version(story: Story) -> None:
    asked = {
        FIRST: [("response", PAGE), ("response", FILE), ("revisit", PAGE)],
        SECOND: [("response", FILE), ("response", PAGE)],
        THE_RENDERED: [("response", SHELL), ("conversion", SHELL)],
    }
    for version, shows in asked.items():
        proof = json.loads(unpacked(bundle(story, version))[RECORDS])
        found = [one for one in proof["records"] if one["type"] not in ("request", "warcinfo")]
        assert [(one["type"], one["url"]) for one in found] == shows
        answers = {one["id"] for one in found if one["type"] != "conversion"}
        requests = [one for one in proof["records"] if one["type"] == "request"]
        assert {one["concurrent_to"] for one in requests} == answers
        assert len(requests) == len(answers)
        segments = {one["segment"]["file"] for one in found}
        about = [one for one in proof["records"] if one["type"] == "warcinfo"]
        assert {one["segment"]["file"] for one in about} == segments
        assert len(about) == len(segments)


def test_members_are_copied_byte_for_byte(story: Story, first: bytes) -> None:
    files = unpacked(first)
    for one in json.loads(files[RECORDS])["records"]:
        copied = files[CAPTURES][one["offset"] : one["offset"] + one["length"]]
        lies = one["segment"]
        whole = (story.data / "warc" / lies["file"]).read_bytes()
        assert whole[lies["offset"] : lies["offset"] + one["length"]] == copied
        assert gzip.decompress(copied).startswith(b"WARC/1.1\r\n")


def test_warcio_reads_and_the_index_finds(first: bytes) -> None:
    files = unpacked(first)
    payloads = {}
    for record in ArchiveIterator(io.BytesIO(files[CAPTURES]), check_digests="raise"):
        if record.rec_type == "response":
            payloads[record.rec_headers.get_header("WARC-Target-URI")] = record.raw_stream.read()
    assert payloads == {PAGE: BEFORE, FILE: ANNEX}
    lines = gzip.decompress(files["indexes/index.cdx.gz"]).decode().splitlines()
    keys_found = [line.split(" ")[0] for line in lines]
    page_key, file_key = "cn,gov,a)/nb/2023.html?a=1&id=7", "cn,gov,a)/nb/p02024.pdf"
    assert keys_found == [page_key, page_key, file_key]
    entry = json.loads(lines[0].split(" ", 2)[2])
    assert entry["filename"] == "captures.warc.gz"
    member = files[CAPTURES][int(entry["offset"]) :][: int(entry["length"])]
    found = next(ArchiveIterator(io.BytesIO(member)))
    assert found.rec_headers.get_header("WARC-Target-URI") == PAGE
    pages = [json.loads(line) for line in files["pages/pages.jsonl"].splitlines()]
    assert pages[0]["format"] == "json-pages-1.0"
    assert [page["ts"] for page in pages[1:]] == ["2024-03-01T14:07:00Z", "2024-03-02T14:03:00Z"]


def test_the_address_key_is_the_one_players_use() -> None:
    """As py-wacz 0.6 prints it for the same address."""
    assert surt("http://www.a.gov.cn:800/Abc?b=1&a=2") == "cn,gov,a:800)/abc?a=2&b=1"
    assert surt("https://a.gov.cn:443") == "cn,gov,a)/"


def test_what_we_read_and_how_it_was_made_go_with_it(first: bytes) -> None:
    files = unpacked(first)
    report = json.loads(files["data/reading.json"])
    assert report["cells"] == [
        {"key": "requests.received_new.total", "zh": "新收", "number": 10},
    ]
    assert [(one["before"], one["after"]) for one in report["changes"]] == [("10", "12")]
    page = files["data/reading.html"].decode()
    assert "&lt;2023年年报&gt;" in page
    assert "<2023年年报>" not in page
    how = files["proof/HOW-THIS-CAPTURE-WAS-MADE.md"].decode()
    for said in (
        "本证据包如何制成",
        "How this capture was made",
        "Nianbao (Scrapy)",
        "RFC 9309; unreachable rules forbid",
        sha(BEFORE),
        "2024-03-01T14:07:00Z",
        "openssl pkeyutl",
        "公证",
        "affidavit",
    ):
        assert said in how
    assert "{" not in how


def test_the_chain_runs_from_the_first_listing_to_the_head(story: Story) -> None:
    chains = {
        version: json.loads(unpacked(bundle(story, version))[RECORDS])["chain"]
        for version in (FIRST, SECOND)
    }
    nights = [f"manifest-2024030{day}.json" for day in (1, 2, 3)]
    # The second version's annex was fetched on the first night.
    assert chains == {FIRST: nights, SECOND: nights}


@pytest.mark.parametrize(
    "what",
    [
        f"/r/{FIRST}",
        f"r/{FIRST}",
        FIRST,
        f"https://nianbao.example/r/{FIRST}",
        f"https://nianbao.example/r/{FIRST}.json",
        f"/r/{A}/{sha(ANNEX)[:12]}",
    ],
)
def test_a_version_is_found_by_its_path(story: Story, what: str) -> None:
    assert prove(story.data, story.shelf, what, NOW)[0] == FIRST


@pytest.mark.parametrize("what", [f"/r/{A}", f"https://nianbao.example/r/{A}", PAGE])
def test_without_a_digest_the_current_version_is_meant(story: Story, what: str) -> None:
    assert prove(story.data, story.shelf, what, NOW)[0] == SECOND


@pytest.mark.parametrize("what", ["http://nowhere.example/x", "/r/1-x/2023", "nonsense"])
def test_what_is_not_here_is_said(story: Story, what: str) -> None:
    with pytest.raises(ProveError, match="no report here has this address"):
        prove(story.data, story.shelf, what, NOW)


def test_a_segment_that_no_manifest_lists_cannot_be_proven(story: Story, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(story.data, data)
    for path in (data / "manifests").glob("manifest-20240303.*"):
        path.unlink()
    fresh = Story(data, story.key, story.key_path)
    with pytest.raises(ProveError, match=r"no manifest lists .* run python -m archive manifest"):
        prove(data, fresh.shelf, SECOND, NOW)
    assert prove(data, fresh.shelf, FIRST, NOW)[0] == FIRST


def test_a_damaged_segment_is_not_proven(story: Story, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(story.data, data)
    row = next(row for row in story.rows if row["url"] == OTHER)
    path = data / "warc" / row["warc_file"]
    raw = bytearray(path.read_bytes())
    raw[row["offset"] + 30] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ProveError, match="is not what its manifest lists"):
        prove(data, Story(data, story.key, story.key_path).shelf, FIRST, NOW)


# --- who can check it -----------------------------------------------------------------------------


def test_a_third_party_checks_with_the_script_alone(
    story: Story, tsa: Keys, first: bytes, tmp_path: Path
) -> None:
    (tmp_path / "b.wacz").write_bytes(first)
    (tmp_path / "verify.py").write_bytes(unpacked(first)["proof/verify.py"])
    (tmp_path / "key.pub").write_bytes(story.public)
    (tmp_path / "tsa.pem").write_bytes(tsa.chain)
    command = [sys.executable, "-I", "verify.py", "b.wacz", "--key", "key.pub"]
    command += ["--tsa-cert", "tsa.pem"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().startswith("PROVEN 成立\n")
    (tmp_path / "b.wacz").write_bytes(forged(first, RECORDS, swap_dates))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert b"warc-date" in done.stdout


def test_without_openssl_the_script_says_what_to_run(first: bytes, tmp_path: Path) -> None:
    (tmp_path / "b.wacz").write_bytes(first)
    (tmp_path / "verify.py").write_bytes(unpacked(first)["proof/verify.py"])
    done = subprocess.run(
        [sys.executable, "-I", "verify.py", "b.wacz"],
        cwd=tmp_path,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert b"there is no openssl here: run openssl pkeyutl -verify" in done.stdout


def test_the_documented_commands(story: Story, tsa: Keys, first: bytes, tmp_path: Path) -> None:
    """unzip, sha256sum, openssl: what HOW-THIS-CAPTURE-WAS-MADE.md prints."""
    (tmp_path / "b.wacz").write_bytes(first)
    (tmp_path / "AUTHORITY.pem").write_bytes(tsa.chain)
    shutil.unpack_archive(tmp_path / "b.wacz", tmp_path / "bundle", "zip")
    folder = tmp_path / "bundle"
    said = json.loads((folder / "datapackage-digest.json").read_text())
    assert run(folder, "sha256sum", "datapackage.json").split()[0] == said["hash"][7:]
    night = "proof/manifest-20240301"
    following = json.loads((folder / "proof/manifest-20240302.json").read_text())
    assert run(folder, "sha256sum", night + ".json").split()[0] == following["previous"]["sha256"]
    assert "Verified Successfully" in run(
        folder,
        *("openssl", "pkeyutl", "-verify", "-pubin", "-rawin", "-in", night + ".json"),
        *("-inkey", f"proof/key-{story.key.fingerprint[:16]}.pub", "-sigfile", night + ".sig"),
    )
    stamp = next((folder / "proof").glob("manifest-20240301.*.tsr"))
    assert "Verification: OK" in run(
        folder,
        *("openssl", "ts", "-verify", "-data", night + ".json", "-in", str(stamp)),
        *("-CAfile", "../AUTHORITY.pem", "-partial_chain"),
    )


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=True)
    return (done.stdout + done.stderr).decode()


def test_an_unpacked_bundle_is_checked_too(story: Story, first: bytes, tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_bytes(first)
    shutil.unpack_archive(tmp_path / "b.zip", tmp_path / "folder")
    verdict = check(tmp_path / "folder", signed_by_openssl, stamped_by_openssl, [story.public])
    assert verdict.problems == []
    assert any("ZIP container itself was not checked" in doubt for doubt in verdict.doubts)


def test_the_command_writes_and_checks(story: Story, tsa: Keys, tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_bytes(story.public)
    (tmp_path / "tsa.pem").write_bytes(tsa.chain)
    out = str(tmp_path / "b.wacz")
    made = ["prove", f"/r/{FIRST}", "--data", str(story.data), "--out", out]
    made += ["--base", "https://nianbao.example", "--sign", str(story.key_path)]
    runner = CliRunner()
    result = runner.invoke(main, made)
    assert result.exit_code == 0, result.output
    assert FIRST in result.output
    assert runner.invoke(main, made).exit_code == 1  # never overwritten
    checked = ["prove", "--check", out, "--key", str(tmp_path / "key.pub")]
    checked += ["--tsa-cert", str(tmp_path / "tsa.pem")]
    result = runner.invoke(main, checked)
    assert result.exit_code == 0, result.output
    assert "the bundle as a whole is signed" in result.output
    raw = bytearray(Path(out).read_bytes())
    raw[len(raw) // 2] ^= 1
    Path(out).write_bytes(raw)
    result = runner.invoke(main, checked)
    assert result.exit_code == 1
    assert "NOT PROVEN" in result.output
    assert runner.invoke(main, ["prove"]).exit_code == 2


# --- what makes it fail ---------------------------------------------------------------------------


def test_any_flipped_bit_anywhere_fails(story: Story, first: bytes, tmp_path: Path) -> None:
    """Of every file its first, middle and last byte; of the container 60 bytes by chance."""
    dice = random.Random(5)
    places = [dice.randrange(len(first)) for _ in range(60)]
    for entry in zipfile.ZipFile(io.BytesIO(first)).infolist():
        head, start = entry.header_offset, entry.header_offset + 30 + len(entry.filename)
        places += [start, start + entry.file_size // 2, start + entry.file_size - 1]
        places += range(head, head + 30, 3)
    places += range(len(first) - 90, len(first))
    quick = {"signed": lambda *_: True, "stamped": lambda *_: ""}
    for place in places:
        raw = bytearray(first)
        raw[place] ^= 1 << dice.randrange(8)
        (tmp_path / "b.wacz").write_bytes(raw)
        # Signatures and timestamps are taken as good: the package alone must tell.
        found = check(tmp_path / "b.wacz", **quick).problems  # type: ignore[arg-type]
        assert [one for one in found if not one.startswith("timestamp:")], place


def test_bytes_before_behind_and_between_fail(first: bytes, tmp_path: Path) -> None:
    for raw in (first + b"x", b"x" + first, first[:-1], first[: len(first) // 2], b""):
        assert problems(tmp_path, raw)


def test_a_container_packed_anew_is_told_apart(story: Story, first: bytes, tmp_path: Path) -> None:
    packed_anew = io.BytesIO()
    with zipfile.ZipFile(packed_anew, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in unpacked(first).items():
            opened.writestr(name, data)
    assert problems(tmp_path, packed_anew.getvalue()) == [
        "container: the ZIP file was packed anew: unpack it and check the folder"
    ]


def altered(story: Story, first: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The page's record rewritten by somebody who knows how WARC, index and package work."""
    files = unpacked(first)
    proof = json.loads(files[RECORDS])
    parts = []
    for one in proof["records"]:
        member = files[CAPTURES][one["offset"] :][: one["length"]]
        if one["type"] == "response" and one["url"] == PAGE:
            member = gzip.compress(change(gzip.decompress(member)), mtime=0)
            one["sha256"] = hashlib.sha256(member).hexdigest()
        one["offset"], one["length"] = sum(map(len, parts)), len(member)
        parts.append(member)
    files[CAPTURES] = b"".join(parts)
    files[RECORDS] = json.dumps(proof).encode()
    return packed(files)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("10 件".encode(), "99 件".encode()),
        (b"WARC-Date: 2024-03-01", b"WARC-Date: 2024-02-01"),
        (b"Content-Type: text/html", b"Content-Type: text/HTML"),
    ],
)
def test_a_tampered_record_fails_though_the_package_is_made_right(
    story: Story, first: bytes, tmp_path: Path, old: bytes, new: bytes
) -> None:
    made = altered(story, first, lambda plain: plain.replace(old, new, 1))
    found = problems(tmp_path, made)
    assert any("whose Merkle root the manifest signs" in one for one in found)
    assert all(PAGE in one or "index" in one for one in found)


def test_a_tampered_manifest_fails(first: bytes, tmp_path: Path) -> None:
    name = "proof/manifest-20240302.json"
    made = forged(first, name, lambda said: said.update(made_at="2020-01-01T00:00:00Z"))
    found = problems(tmp_path, made)
    assert any("manifest-20240302.json is not signed by the key" in one for one in found)
    assert any("manifest-20240303.json names manifest-20240302.json" in one for one in found)
    assert any(one.startswith("timestamp: proof/manifest-20240302") for one in found)


def test_a_tampered_signature_fails(first: bytes, tmp_path: Path) -> None:
    files = unpacked(first)
    signature = bytearray(files["proof/manifest-20240301.sig"])
    signature[10] ^= 1
    files["proof/manifest-20240301.sig"] = bytes(signature)
    found = problems(tmp_path, packed(files))
    assert [one.split(" is ")[0] for one in found] == ["signature: manifest-20240301.json"]


def test_a_tampered_timestamp_fails(story: Story, first: bytes, tmp_path: Path) -> None:
    files = unpacked(first)
    name = next(name for name in files if name.endswith(".tsr"))
    for place in (-30, 100, 400):
        stamp = bytearray(files[name])
        stamp[place] ^= 1
        found = problems(tmp_path, packed(files | {name: bytes(stamp)}))
        assert found
        assert all(one.startswith(f"timestamp: {name}") for one in found)


def test_an_authority_nobody_trusts_fails(story: Story, first: bytes, tmp_path: Path) -> None:
    found = problems(tmp_path, first, story.public, Keys(tmp_path / "others").chain)
    assert found
    assert all(one.startswith("timestamp:") for one in found)


def test_a_timestamp_taken_out_fails(first: bytes, tmp_path: Path) -> None:
    files = unpacked(first)
    name = next(name for name in files if name.endswith(".tsr"))
    del files[name]
    assert f"timestamp: {name} is missing" in problems(tmp_path, packed(files))


def taken(proof: dict[str, Any], files: dict[str, bytes], url: str) -> list[dict[str, Any]]:
    return [one for one in proof["records"] if one["url"] == url]


@pytest.mark.parametrize("version", [SECOND, THE_OTHER])
def test_a_swapped_capture_fails(story: Story, first: bytes, tmp_path: Path, version: str) -> None:
    """Records of another version, proven ones, under the name of this: every digest is right."""
    other = unpacked(bundle(story, version))
    proof, theirs = json.loads(unpacked(first)[RECORDS]), json.loads(other[RECORDS])
    theirs["version"], theirs["cited"] = proof["version"], proof["cited"]
    report = json.loads(other["data/reading.json"])
    report["version"]["id"] = FIRST
    other[RECORDS] = json.dumps(theirs).encode()
    other["data/reading.json"] = json.dumps(report).encode()
    found = problems(tmp_path, packed(other))
    assert found == [
        "swapped: no capture in the bundle has a payload whose SHA-256 begins with "
        f"{sha(BEFORE)[:12]}, the name of version {FIRST}"
    ]


def test_a_capture_put_in_the_place_of_another_fails(
    story: Story, first: bytes, tmp_path: Path
) -> None:
    """The page's record is replaced by the other report's, its own proof of inclusion and all."""
    files, other = unpacked(first), unpacked(bundle(story, THE_OTHER))
    proof, theirs = json.loads(files[RECORDS]), json.loads(other[RECORDS])
    put = next(one for one in theirs["records"] if one["type"] == "response")
    parts = []
    for number, one in enumerate(proof["records"]):
        source, entry = files, one
        if one["type"] == "response" and one["url"] == PAGE:
            source, entry = other, put
        member = source[CAPTURES][entry["offset"] :][: entry["length"]]
        offset = sum(map(len, parts))
        proof["records"][number] = {**entry, "offset": offset}
        parts.append(member)
    files[CAPTURES], files[RECORDS] = b"".join(parts), json.dumps(proof).encode()
    found = problems(tmp_path, packed(files))
    assert any("the answer to it is not in the bundle" in one for one in found)
    assert any("the bytes it confirms are not in the bundle" in one for one in found)
    assert any("not those in the bundle" in one for one in found)


def swap_dates(proof: dict[str, Any]) -> None:
    for one in proof["records"]:
        if one["type"] == "response":
            one["date"] = "2020-01-01T00:00:00Z"


def test_a_signed_bundle_cannot_be_changed_at_all(story: Story, tmp_path: Path) -> None:
    _, made = prove(story.data, story.shelf, FIRST, NOW, key=story.key)
    assert problems(tmp_path, made, story.public) == []
    files = unpacked(made)
    digest = json.loads(files["datapackage-digest.json"])
    changed = unpacked(forged(made, "data/reading.json", lambda said: said.update(note="x")))
    fresh = json.loads(changed["datapackage-digest.json"])
    changed["datapackage-digest.json"] = json.dumps(digest | {"hash": fresh["hash"]}).encode()
    assert problems(tmp_path, zipped(changed)) == [
        "datapackage-digest.json: the signature of datapackage.json is not valid"
    ]


def test_a_stranger_who_signs_the_whole_is_told_apart(story: Story, tmp_path: Path) -> None:
    stranger = keys.make_key(tmp_path / "stranger.key")
    for key, doubts in ((story.key, 0), (stranger, 1)):
        _, made = prove(story.data, story.shelf, FIRST, NOW, key=key)
        (tmp_path / "b.wacz").write_bytes(made)
        verdict = check_bundle(tmp_path / "b.wacz", [story.public])
        assert verdict.problems == []
        assert f"the bundle as a whole is signed by key {key.fingerprint}" in verdict.facts
        assert sum("not signed by a key given" in doubt for doubt in verdict.doubts) == doubts


# --- the chain ------------------------------------------------------------------------------------


def test_a_manifest_left_out_fails(first: bytes, tmp_path: Path) -> None:
    files = unpacked(first)
    proof = json.loads(files[RECORDS])
    for name in [name for name in files if "manifest-20240302" in name]:
        del files[name]
    found = problems(tmp_path, packed(files))
    assert "chain: proof/manifest-20240302.json is missing" in found
    proof["chain"].remove("manifest-20240302.json")
    proof["timestamps"] = [
        one for one in proof["timestamps"] if one["manifest"] != "manifest-20240302.json"
    ]
    files[RECORDS] = json.dumps(proof).encode()
    found = problems(tmp_path, packed(files))
    assert any("manifest-20240303.json (number 3) does not follow" in one for one in found)


def test_a_reordered_chain_fails(first: bytes, tmp_path: Path) -> None:
    found = problems(tmp_path, forged(first, RECORDS, lambda proof: proof["chain"].reverse()))
    assert any("one is left out or moved" in one for one in found)


def test_the_digest_of_the_previous_edited_fails(first: bytes, tmp_path: Path) -> None:
    def edit(said: dict[str, Any]) -> None:
        said["previous"]["sha256"] = "0" * 64

    found = problems(tmp_path, forged(first, "proof/manifest-20240303.json", edit))
    assert any(f"with SHA-256 {'0' * 64} as the one before it" in one for one in found)
    assert any("manifest-20240303.json is not signed by the key" in one for one in found)


def test_a_chain_cut_before_the_listing_fails(first: bytes, tmp_path: Path) -> None:
    files = unpacked(first)
    proof = json.loads(files[RECORDS])
    for name in [name for name in files if "manifest-20240301" in name]:
        del files[name]
    proof["chain"].remove("manifest-20240301.json")
    proof["timestamps"] = [
        one for one in proof["timestamps"] if one["manifest"] != "manifest-20240301.json"
    ]
    files[RECORDS] = json.dumps(proof).encode()
    found = problems(tmp_path, packed(files))
    assert any(one.startswith("chain: no manifest lists the segment") for one in found)


def test_a_chain_that_nobody_signed_fails(first: bytes, tmp_path: Path) -> None:
    files = unpacked(first)
    previous = None
    for day in (1, 2, 3):
        name = f"proof/manifest-2024030{day}.json"
        said = json.loads(files[name]) | {"key": None}
        if previous:
            said["previous"]["sha256"] = previous
        text = json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
        files[name] = text.encode()
        previous = sha(files[name])
        del files[name.replace(".json", ".sig")]
    found = problems(tmp_path, packed(files))
    assert "signature: no manifest is signed, anybody could have written them" in found


def test_a_wrong_key_fails(story: Story, first: bytes, tmp_path: Path) -> None:
    other = keys.make_key(tmp_path / "other.key")
    found = problems(tmp_path, first, other.public_pem)
    assert [one for one in found if "not by the key given" in one] == found
    assert len(found) == 1


@pytest.mark.parametrize("before", [b"# ", b"-----BEGIN NOTE-----\n"])
def test_two_keys_in_one_file_are_no_key(
    story: Story, first: bytes, tmp_path: Path, before: bytes
) -> None:
    """openssl reads the second: it must not sign under the fingerprint of the first."""
    other, files = keys.make_key(tmp_path / "other.key"), unpacked(first)
    both = f"proof/key-{story.key.fingerprint[:16]}.pub"
    files[both] = before + story.public + other.public_pem
    for name in [name for name in files if name.endswith(".sig")]:
        files[name] = other.sign(files[name.replace(".sig", ".json")])
    (tmp_path / "b.wacz").write_bytes(packed(files))
    found = check(tmp_path / "b.wacz", signed_by_openssl, stamped_by_openssl, [story.public])
    assert f"signature: {both} is not the key {story.key.fingerprint}" in found.problems
    assert fingerprint(b"\n" + story.public.replace(b"\n", b"\r\n")) == story.key.fingerprint


def test_a_key_that_the_old_one_introduced_is_trusted(
    story: Story, first: bytes, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(story.data, data)
    shelf, new = Shelf(str(data)), keys.make_key(tmp_path / "new.key")
    write_manifest(data, shelf, story.key, datetime(2024, 3, 4, tzinfo=UTC), new.public_pem)
    write_manifest(data, shelf, new, datetime(2024, 3, 5, tzinfo=UTC))
    _, made = prove(data, shelf, FIRST, NOW)
    assert problems(tmp_path, made, story.public) == []
    assert problems(tmp_path, made, new.public_pem) == []
    lost = keys.make_key(tmp_path / "lost.key")
    write_manifest(data, shelf, lost, datetime(2024, 3, 6, tzinfo=UTC), lost_key=True)
    _, made = prove(data, shelf, FIRST, NOW)
    (tmp_path / "b.wacz").write_bytes(made)
    for trusted in ([story.public], [lost.public_pem], []):
        verdict = check_bundle(tmp_path / "b.wacz", trusted)
        assert verdict.problems == []
        broken = [doubt for doubt in verdict.doubts if "20240306.json says that the key" in doubt]
        assert len(broken) == 1
        assert f"is signed by {lost.fingerprint}, which that key did not introduce" in broken[0]


def test_a_key_lost_in_silence_fails(story: Story, first: bytes, tmp_path: Path) -> None:
    """The last night is signed by another key; the bundle is made right otherwise."""
    other = keys.make_key(tmp_path / "other.key")
    for admits in (False, True):
        files = unpacked(first)
        name = "proof/manifest-20240303.json"
        said = json.loads(files[name]) | {"key": other.fingerprint} | {"lost_key": admits}
        text = json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
        files[name] = text.encode()
        files[name.replace(".json", ".sig")] = other.sign(files[name])
        files[f"proof/key-{other.fingerprint[:16]}.pub"] = other.public_pem
        proof = json.loads(files[RECORDS])
        gone = [one for one in proof["timestamps"] if one["manifest"] == name[6:]]
        for one in gone:
            del files[f"proof/{one['file']}"]
            proof["timestamps"].remove(one)
        files[RECORDS] = json.dumps(proof).encode()
        found = problems(tmp_path, packed(files), story.public)
        if admits:
            assert found == []
        else:
            assert found == [
                f"signature: manifest-20240303.json is signed by {other.fingerprint}, which the "
                "key before it did not introduce"
            ]


def test_what_only_a_foreign_key_covers_is_not_proven(story: Story, tmp_path: Path) -> None:
    """The second version was captured on the third night, and the old key ends before."""
    other = keys.make_key(tmp_path / "other.key")
    data = tmp_path / "data"
    shutil.copytree(story.data, data)
    for path in (data / "manifests").glob("manifest-20240303.*"):
        path.unlink()
    shelf = Shelf(str(data))
    write_manifest(data, shelf, other, datetime(2024, 3, 4, tzinfo=UTC), lost_key=True)
    _, made = prove(data, shelf, SECOND, NOW)
    found = problems(tmp_path, made, story.public)
    assert [one.split(" 2024")[0] for one in found] == ["signature: nothing signed covers"]
    assert problems(tmp_path, made, other.public_pem) == []


def test_without_a_timestamp_the_clock_is_ours(story: Story, tsa: Keys, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(story.data, data)
    for path in (data / "manifests").glob("*.tsr"):
        path.unlink()
    _, made = prove(data, Shelf(str(data)), FIRST, NOW)
    (tmp_path / "b.wacz").write_bytes(made)
    verdict = check_bundle(tmp_path / "b.wacz", [story.public])
    assert verdict.problems == []
    assert any("rests on the archive's own clock" in one for one in verdict.doubts)
    found = problems(tmp_path, made, story.public, tsa.chain)
    assert [one for one in found if one.startswith("timestamp: no authority")] == found
    assert len(found) == 2


def test_an_address_that_moved_is_followed(story: Story, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(story.data, data)
    with sqlite3.connect(data / "nianbao.db") as db:
        rows = [
            ("1-old/2023", A, "更名"),
            ("1-gone/2023", None, "误收"),
            ("1-a/1999", "1-a/1999", ""),
        ]
        db.executemany("insert into redirects (path, target, reason) values (?, ?, ?)", rows)
    shelf = Shelf(str(data))
    assert prove(data, shelf, "/r/1-old/2023", NOW)[0] == SECOND
    with pytest.raises(ProveError, match="is gone: 误收"):
        prove(data, shelf, "/r/1-gone/2023", NOW)
    with pytest.raises(ProveError, match="in a circle"):
        prove(data, shelf, "/r/1-a/1999", NOW)


def test_a_leaf_is_computed_in_a_shell(first: bytes, tmp_path: Path) -> None:
    """As docs/proof.md prints it; of a segment's only record the leaf would be the root."""
    files = unpacked(first)
    (tmp_path / "captures.warc.gz").write_bytes(files[CAPTURES])
    one = json.loads(files[RECORDS])["records"][1]
    command = (
        f"(printf '\\000'; tail -c +$(({one['offset']} + 1)) captures.warc.gz"
        f" | head -c {one['length']}) | sha256sum"
    )
    node = bytes.fromhex(run(tmp_path, "sh", "-c", command).split()[0])
    index = one["segment"]["index"]
    entry = json.loads(files["proof/manifest-20240301.json"])["segments"][0]
    path = [bytes.fromhex(text) for text in one["path"]]
    assert root_of(node, index, entry["records"], path) == bytes.fromhex(entry["merkle_root"])


def test_without_a_key_the_reader_is_told_to_compare(first: bytes, tmp_path: Path) -> None:
    (tmp_path / "b.wacz").write_bytes(first)
    verdict = check_bundle(tmp_path / "b.wacz")
    assert verdict.problems == []
    assert any("compare it with the one the archive publishes" in one for one in verdict.doubts)
    assert any("the authority's certificates came with" in one for one in verdict.doubts)


# --- what cannot be asked, written or read ---------------------------------------------------------


def broken_archives() -> dict[str, Callable[[Path], object]]:
    def older(path: Path) -> None:
        with sqlite3.connect(path) as db:
            db.execute("alter table versions drop column content_digest")

    def torn(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:3000])

    def folder(path: Path) -> None:
        path.unlink()
        path.mkdir()

    return {
        "garbage": lambda path: path.write_bytes(b"garbage" * 1000),
        "empty": lambda path: path.write_bytes(b""),
        "other": lambda path: (path.unlink(), sqlite3.connect(path).execute("create table a (b)")),
        "older": older,
        "torn": torn,
        "folder": folder,
        "none": lambda path: path.unlink(),
    }


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("garbage", "cannot be read as an archive (file is not a database): move it away and run"),
        ("empty", "has no table versions: it is empty, or of another version of this program: run"),
        ("other", "has no table versions: it is empty, or of another version of this program: run"),
        ("older", "has no column versions.content_digest: it is empty, or of another version of"),
        ("torn", "cannot be read as an archive (database disk image is malformed): move it away"),
        ("folder", "is no file: give the folder that nianbao.db lies in with --data"),
        ("none", "nianbao.db: run python -m archive build, or give --data"),
    ],
)
def test_an_archive_that_cannot_be_asked(story: Story, tmp_path: Path, what: str, why: str) -> None:
    data = tmp_path / "data"
    shutil.copytree(story.data, data)
    broken_archives()[what](data / "nianbao.db")
    result = CliRunner().invoke(main, ["prove", f"/r/{FIRST}", "--data", str(data)])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.output.startswith("Error: ")
    assert why in result.output
    assert result.output.count("\n") == 1


def test_an_archive_that_is_locked(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "WAIT_SECONDS", 0.05)
    data = tmp_path / "data"
    shutil.copytree(story.data, data)
    other = sqlite3.connect(data / "nianbao.db", isolation_level=None)
    other.execute("begin exclusive")
    with pytest.raises(ProveError, match="is being written: run the command again later"):
        prove(data, Shelf(str(data)), FIRST, NOW)
    other.close()


@pytest.mark.parametrize("what", ["https://[bad/r/x", "http://[::1/r/1-a/2023"])
def test_what_is_no_address_is_said_with_its_value(story: Story, what: str) -> None:
    with pytest.raises(ProveError) as raised:
        prove(story.data, story.shelf, what, NOW)
    assert str(raised.value).startswith(f"{what!r} is no address that can be read")


def test_a_bundle_is_written_whole_or_not_at_all(
    first: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int) -> None:
        assert not (tmp_path / "b.wacz").exists()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(proving.os, "fsync", full)  # type: ignore[attr-defined]
        with pytest.raises(ProveError, match=r"b\.wacz cannot be written .*No space left.*: free"):
            write_bundle(tmp_path / "b.wacz", first)
    assert list(tmp_path.iterdir()) == []
    write_bundle(tmp_path / "b.wacz", first)
    assert [path.name for path in tmp_path.iterdir()] == ["b.wacz"]
    assert (tmp_path / "b.wacz").read_bytes() == first
    with pytest.raises(ProveError, match=r"b\.wacz exists"):
        write_bundle(tmp_path / "b.wacz", b"other")
    assert (tmp_path / "b.wacz").read_bytes() == first


def test_without_hard_links_nothing_is_overwritten_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(proving.os, "link", none)  # type: ignore[attr-defined]
    write_bundle(tmp_path / "b.wacz", b"1")
    assert [path.name for path in tmp_path.iterdir()] == ["b.wacz"]


def test_where_to_write_is_looked_at_before_the_work(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*given: object) -> None:
        raise AssertionError("the work was begun")

    monkeypatch.setattr(proving, "collect", never)
    monkeypatch.chdir(tmp_path)
    Path(FIRST.replace("/", "-") + ".wacz").write_bytes(b"")
    (tmp_path / "b.wacz").symlink_to("nowhere")
    for out, why in (
        ([], ".wacz exists: name another file with --out"),
        (["--out", "b.wacz"], "b.wacz exists: name another file with --out"),
        (["--out", "nope/b.wacz"], "nope/b.wacz: there is no folder nope"),
    ):
        made = ["prove", f"/r/{FIRST}", "--data", str(story.data), *out]
        result = CliRunner().invoke(main, made)
        assert result.exit_code == 1
        assert why in result.output


DEEP = b"[" * 200_000


@pytest.mark.parametrize(
    "name",
    [
        *("datapackage.json", "datapackage-digest.json", RECORDS, "data/reading.json"),
        *("pages/pages.jsonl", "proof/manifest-20240302.json"),
    ],
)
def test_json_of_any_depth_is_refused_not_followed(first: bytes, tmp_path: Path, name: str) -> None:
    files = unpacked(first) | {name: DEEP}
    made = zipped(files) if name.startswith("datapackage") else packed(files)
    assert any("nested deeper" in one for one in problems(tmp_path, made))


def test_an_index_of_any_depth_is_refused(first: bytes, tmp_path: Path) -> None:
    line = b"cn,gov,a)/ 20240301000000 " + DEEP + b"\n"
    files = unpacked(first) | {"indexes/index.cdx.gz": gzip.compress(line, mtime=0)}
    assert any("nested deeper" in one for one in problems(tmp_path, packed(files)))


def test_numbers_without_end_are_refused(first: bytes, tmp_path: Path) -> None:
    entry = b'{"url": "", "offset": 1e999, "length": 1, "digest": ""}\n'
    line = b"cn,gov,a)/ 20240301000000 " + entry
    files = unpacked(first) | {"indexes/index.cdx.gz": gzip.compress(line, mtime=0)}
    assert any("not laid out as it should" in one for one in problems(tmp_path, packed(files)))


def test_the_script_alone_refuses_them_too(first: bytes, tmp_path: Path) -> None:
    (tmp_path / "deep.wacz").write_bytes(packed(unpacked(first) | {RECORDS: DEEP}))
    with (tmp_path / "huge.wacz").open("wb") as file:
        file.truncate(30 << 30)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "verify.py").write_bytes(unpacked(first)["proof/verify.py"])
    for name, why in (
        ("deep.wacz", "nested deeper"),
        ("huge.wacz", "huge.wacz has 32212254720 bytes, a bundle has fewer than 4294967296"),
        ("folder", "folder is no unpacked bundle, it has no datapackage.json"),
        ("fifo", "fifo is neither a file nor a folder"),
    ):
        done = script(tmp_path, name)
        assert (done.returncode, done.stderr) == (1, b"")
        assert done.stdout.decode().startswith("NOT PROVEN")
        assert why in done.stdout.decode()
    assert script(tmp_path, "deep.wacz", "--tsa-cert", "empty.pem").returncode == 2


def script(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-I", "verify.py", *arguments],
        cwd=folder,
        capture_output=True,
        timeout=30,
        check=False,
    )


def test_the_command_refuses_them_too(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(30 << 30)
    (tmp_path / "folder").mkdir()
    for name in ("fifo", "huge", "folder"):
        result = CliRunner().invoke(main, ["prove", "--check", str(tmp_path / name)])
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit)
        assert f"container: {tmp_path / name} " in result.output
    (tmp_path / "no.pem").write_text("")
    given = ["prove", "--check", str(tmp_path / "folder"), "--tsa-cert", str(tmp_path / "no.pem")]
    result = CliRunner().invoke(main, given)
    assert "no.pem holds no certificate in PEM" in result.output


def test_a_directory_that_names_more_than_there_is_is_not_read(
    first: bytes, tmp_path: Path
) -> None:
    """Each name of the ZIP file means the same bytes: unpacked, they would have no end."""
    files = {f"{number:04}": b"x" * 1000 for number in range(50)}
    raw = zipped(files | {"datapackage.json": b"", "datapackage-digest.json": b""})
    assert problems(tmp_path, raw)
    end = raw.rindex(b"PK\x05\x06")
    start = raw.index(b"PK\x01\x02")
    one = raw[start : raw.index(b"PK\x01\x02", start + 4)]
    size = len(one) * 300
    tail = raw[end : end + 8] + struct.pack("<HHLLH", 300, 300, size, start, 0)
    (tmp_path / "bomb").write_bytes(raw[:start] + one * 300 + tail)
    verdict = check_bundle(tmp_path / "bomb")
    assert verdict.problems == ["container: the ZIP file names more bytes than it has"]


def test_too_little_memory_is_said(
    first: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(self: object, name: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(zipfile.ZipFile, "read", none)
    assert problems(tmp_path, first) == [
        "container: bundle.wacz needs more memory than there is here"
    ]


def test_a_night_without_a_signature_is_told(story: Story, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(story.data, data)
    for path in (data / "manifests").glob("manifest-20240303.*"):
        path.unlink()
    shelf = Shelf(str(data))
    write_manifest(data, shelf, None, datetime(2024, 3, 4, tzinfo=UTC))
    _, made = prove(data, shelf, SECOND, NOW)
    found = problems(tmp_path, made, story.public)
    assert [one.split(" 2024")[0] for one in found] == ["signature: nothing signed covers"]
    write_manifest(data, shelf, story.key, datetime(2024, 3, 5, tzinfo=UTC))
    _, made = prove(data, shelf, SECOND, NOW)
    (tmp_path / "b.wacz").write_bytes(made)
    verdict = check_bundle(tmp_path / "b.wacz", [story.public])
    assert verdict.problems == []
    assert any("manifest-20240304.json is not signed itself" in one for one in verdict.doubts)
