"""The chain of manifests: what each night adds, who signed it, and what does not go unnoticed."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive import keys, manifest
from archive.__main__ import main
from archive.issuers import append
from archive.manifest import ManifestError, listed, problems, read_chain, write_manifest
from archive.proof.members import members
from archive.proof.merkle import Tree, leaf
from archive.proof.verify import root_of
from archive.shelf import Shelf

# The test vectors of the Certificate Transparency reference implementation (RFC 6962).
LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def day(number: int, month: int = 3, hour: int = 22) -> datetime:
    return datetime(2024, month, number, hour, tzinfo=UTC)


def record(number: int) -> bytes:
    text = f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Date: 2024-03-0{number}T00:00:00Z\r\n\r\n"
    return gzip.compress(text.encode() + b"%d" % number * 2000, mtime=0)


def lay(data: Path, name: str, *records: bytes) -> None:
    """A closed segment and the sightings beside it."""
    for folder in ("warc", "sightings"):
        (data / folder).mkdir(exist_ok=True)
    (data / "warc" / f"{name}.warc.gz").write_bytes(b"".join(records))
    (data / "sightings" / f"{name}.jsonl").write_bytes(b'{"kind": "portal"}\n' * 3)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(str(tmp_path))


# --- Merkle tree and members ----------------------------------------------------------------------


def test_the_tree_is_that_of_rfc_6962() -> None:
    leaves = [leaf(bytes.fromhex(text)) for text in LEAVES]
    assert [Tree(leaves[:size]).root.hex() for size in range(1, 9)] == ROOTS
    assert Tree([]).root == hashlib.sha256().digest()


def test_every_leaf_has_a_path_and_only_its_own() -> None:
    for size in range(1, 20):
        leaves = [leaf(bytes([number])) for number in range(size)]
        tree = Tree(leaves)
        for index in range(size):
            path = tree.path(index)
            assert root_of(leaves[index], index, size, path) == tree.root
            wrong = [other for other in range(size + 2) if other != index]
            assert all(root_of(leaves[index], at, size, path) != tree.root for at in wrong)
            assert root_of(leaves[index], index, size, [*path, path[0] if path else b""]) is None
    with pytest.raises(ValueError, match="no leaf 3"):
        Tree([leaf(b"")] * 3).path(3)


def test_pieces_of_a_segment_are_all_its_bytes(tmp_path: Path) -> None:
    whole = [record(number) for number in range(1, 6)]
    for what, raw, kinds in (
        ("whole", b"".join(whole), "rrrrr"),
        ("torn", b"".join(whole)[:-7], "rrrr-"),
        ("zeros", b"".join(whole) + bytes(4096), "rrrrr-"),
        ("flipped", whole[0] + _flipped(whole[1]) + b"".join(whole[2:]), "r-rrr"),
        ("none", b"", ""),
        ("garbage", b"x" * 100_000, "-"),
    ):
        path = tmp_path / what
        path.write_bytes(raw)
        digest = hashlib.sha256()
        with path.open("rb") as file:
            found = list(members(file, digest))
        assert "".join("r" if one.type else "-" for one in found) == kinds, what
        assert digest.hexdigest() == hashlib.sha256(raw).hexdigest()
        end = 0
        for number, one in enumerate(found):
            assert (one.index, one.offset) == (number, end)
            end += one.length
            assert one.leaf == leaf(raw[one.offset : end])
        assert end == len(raw)


def _flipped(raw: bytes) -> bytes:
    return raw[:40] + bytes([raw[40] ^ 255]) + raw[41:]


# --- what a manifest lists ------------------------------------------------------------------------


def test_each_night_lists_what_came_since(tmp_path: Path, shelf: Shelf) -> None:
    lay(tmp_path, "a", record(1), record(2))
    (tmp_path / "warc" / "b.warc.gz.open").write_bytes(record(3))
    assert str(write_manifest(tmp_path, shelf, None, day(1))) == (
        "manifest-20240301.json: 1 new segments of 2 records, 1 new files of sightings; "
        "not signed: no --key"
    )
    lay(tmp_path, "b", record(3))
    write_manifest(tmp_path, shelf, None, day(2))
    first, second = read_chain(shelf)
    raw = record(1) + record(2)
    assert first.said["segments"] == [
        {
            "name": "a.warc.gz",
            "bytes": len(raw),
            "sha256": hashlib.sha256(raw).hexdigest(),
            "records": 2,
            "damaged": 0,
            "merkle_root": hashlib.sha256(b"\1" + leaf(record(1)) + leaf(record(2))).hexdigest(),
            "first": "2024-03-01T00:00:00Z",
            "last": "2024-03-02T00:00:00Z",
        }
    ]
    assert first.said["sightings"] == [
        {
            "name": "a.jsonl",
            "bytes": 57,
            "lines": 3,
            "sha256": hashlib.sha256(b'{"kind": "portal"}\n' * 3).hexdigest(),
        }
    ]
    assert (first.said["number"], first.said["previous"]) == (1, None)
    assert [entry["name"] for entry in second.said["segments"]] == ["b.warc.gz"]
    assert second.said["previous"] == {
        "name": "manifest-20240301.json",
        "sha256": hashlib.sha256(first.raw).hexdigest(),
    }
    assert second.said["totals"] == {
        "segments": 2,
        "segment_bytes": len(raw) + len(record(3)),
        "records": 3,
        "sightings": 2,
        "sighting_lines": 6,
    }
    assert list(listed([first, second], "segments")) == ["a.warc.gz", "b.warc.gz"]
    assert list(problems(shelf)) == []


def test_it_is_written_in_one_way(tmp_path: Path, shelf: Shelf) -> None:
    lay(tmp_path, "a", record(1))
    write_manifest(tmp_path, shelf, None, day(1))
    raw = (tmp_path / "manifests" / "manifest-20240301.json").read_bytes()
    assert raw == (json.dumps(json.loads(raw), sort_keys=True, indent=1) + "\n").encode()
    assert list(json.loads(raw)) == sorted(json.loads(raw))


def test_registers_are_noted(tmp_path: Path, shelf: Shelf) -> None:
    append(tmp_path / "ledger.csv", [])
    (tmp_path / "ledger.csv").write_text("id,name\n1-x,甲\n", encoding="utf-8")
    write_manifest(tmp_path, shelf, None, day(1))
    assert read_chain(shelf)[0].said["registers"] == {
        "ledger.csv": {
            "name": "ledger.csv",
            "bytes": 16,
            "lines": 2,
            "sha256": hashlib.sha256("id,name\n1-x,甲\n".encode()).hexdigest(),
        },
        "published.csv": None,
    }


def test_a_quiet_night_has_one_and_a_second_run_of_the_day_none(
    tmp_path: Path, shelf: Shelf
) -> None:
    lay(tmp_path, "a", record(1))
    assert write_manifest(tmp_path, shelf, None, day(1)).is_new
    again = write_manifest(tmp_path, shelf, None, day(1, hour=23))
    assert str(again).startswith("nothing was added since manifest-20240301.json of today")
    assert write_manifest(tmp_path, shelf, None, day(2)).name == "manifest-20240302.json"
    lay(tmp_path, "b", record(2))
    assert write_manifest(tmp_path, shelf, None, day(2)).name == "manifest-20240302-2.json"
    (tmp_path / "ledger.csv").write_text("id\n")
    assert write_manifest(tmp_path, shelf, None, day(2)).name == "manifest-20240302-3.json"
    assert [link.name for link in read_chain(shelf)] == [
        "manifest-20240301.json",
        "manifest-20240302.json",
        "manifest-20240302-2.json",
        "manifest-20240302-3.json",
    ]
    assert list(problems(shelf)) == []


def test_a_clock_that_jumps_back_does_not_break_the_order(tmp_path: Path, shelf: Shelf) -> None:
    for number, moment in enumerate([day(9), day(2), day(1, month=4), *[day(3)] * 11]):
        lay(tmp_path, f"s{number:02}", record(1))
        write_manifest(tmp_path, shelf, None, moment)
    chain = read_chain(shelf)
    assert [link.said["number"] for link in chain] == list(range(1, 15))
    assert [link.name for link in chain][:5] == [
        "manifest-20240309.json",
        "manifest-20240309-2.json",
        "manifest-20240401.json",
        "manifest-20240401-2.json",
        "manifest-20240401-3.json",
    ]
    assert chain[1].said["made_at"] == "2024-03-02T22:00:00Z"
    assert list(problems(shelf)) == []


def test_a_quiet_year_stays_small(tmp_path: Path, shelf: Shelf) -> None:
    lay(tmp_path, "a", *[record(1)] * 500)
    key = keys.make_key(tmp_path / "key")
    for number in range(1, 29):
        write_manifest(tmp_path, shelf, key, day(number))
    sizes = [len(link.raw) for link in read_chain(shelf)]
    # A kilobyte a night: ten years are less than 4 MB.
    assert max(sizes[1:]) < 1_100


def test_a_segment_listed_before_is_not_read_again(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(tmp_path, "a", record(1))
    write_manifest(tmp_path, shelf, None, day(1))
    read: list[str] = []
    describe = manifest.describe_segment
    monkeypatch.setattr(
        manifest,
        "describe_segment",
        lambda shelf, kept: read.append(kept.name) or describe(shelf, kept),  # type: ignore[func-returns-value]
    )
    lay(tmp_path, "b", record(1))
    write_manifest(tmp_path, shelf, None, day(2))
    assert read == ["b.warc.gz"]


def test_two_at_once_are_refused(tmp_path: Path, shelf: Shelf) -> None:
    with (tmp_path / "manifest.lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ManifestError, match="another manifest is being written"):
            write_manifest(tmp_path, shelf, None, day(1))


@pytest.mark.parametrize("damage", ["edited", "left out", "cut"])
def test_a_chain_that_does_not_hold_is_not_continued(
    tmp_path: Path, shelf: Shelf, damage: str
) -> None:
    for number in (1, 2, 3):
        lay(tmp_path, f"s{number}", record(number))
        write_manifest(tmp_path, shelf, None, day(number))
    path = tmp_path / "manifests" / "manifest-20240302.json"
    if damage == "edited":
        path.write_bytes(path.read_bytes().replace(b"2024-03-02T22", b"2024-03-02T21"))
    elif damage == "left out":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ManifestError, match=r"[Rr]estore"):
        write_manifest(tmp_path, shelf, None, day(4))
    assert not (tmp_path / "manifests" / "manifest-20240304.json").exists()


def test_an_oldest_manifest_that_is_not_the_first_is_noticed(tmp_path: Path, shelf: Shelf) -> None:
    for number in (1, 2):
        write_manifest(tmp_path, shelf, None, day(number))
    (tmp_path / "manifests" / "manifest-20240301.json").unlink()
    assert list(problems(shelf)) == [
        "chain: manifest-20240302.json is the oldest, but names one before it: one is missing"
    ]


# --- keys -----------------------------------------------------------------------------------------


def test_openssl_verifies_what_was_signed(tmp_path: Path, shelf: Shelf) -> None:
    key = keys.make_key(tmp_path / "key")
    lay(tmp_path, "a", record(1))
    assert write_manifest(tmp_path, shelf, key, day(1)).signed_by == key.fingerprint
    folder = tmp_path / "manifests"
    public = folder / f"key-{key.fingerprint[:16]}.pub"
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(public), "-rawin"]
    command += ["-in", str(folder / "manifest-20240301.json")]
    command += ["-sigfile", str(folder / "manifest-20240301.sig")]
    assert subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", str(public), "-outform", "DER"],
        capture_output=True,
        timeout=30,
        check=True,
    ).stdout
    assert hashlib.sha256(der).hexdigest() == key.fingerprint
    assert (folder / "manifest-20240301.sig").stat().st_size == 64


def test_a_key_is_for_its_owner_only_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    made = keys.make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.load_key(path).fingerprint == made.fingerprint
    with pytest.raises(keys.KeyFileError, match="no key is overwritten"):
        keys.make_key(path)
    path.write_text("no key")
    with pytest.raises(keys.KeyFileError, match="no private key"):
        keys.load_key(path)
    with pytest.raises(keys.KeyFileError, match="no public key"):
        keys.load_public(path)


def test_a_signature_that_a_killed_run_owes_is_made_the_next_time(
    tmp_path: Path, shelf: Shelf
) -> None:
    key = keys.make_key(tmp_path / "key")
    write_manifest(tmp_path, shelf, key, day(1))
    signature = tmp_path / "manifests" / "manifest-20240301.sig"
    before = signature.read_bytes()
    signature.unlink()
    assert any("is missing" in problem for problem in problems(shelf))
    write_manifest(tmp_path, shelf, key, day(2))
    assert signature.read_bytes() == before
    assert list(problems(shelf)) == []


def test_a_new_key_is_introduced_by_the_old_one(tmp_path: Path, shelf: Shelf) -> None:
    old, new = keys.make_key(tmp_path / "old"), keys.make_key(tmp_path / "new")
    write_manifest(tmp_path, shelf, old, day(1))
    with pytest.raises(ManifestError, match="none introduces it"):
        write_manifest(tmp_path, shelf, new, day(2))
    write_manifest(tmp_path, shelf, old, day(2), next_key=new.public_pem)
    write_manifest(tmp_path, shelf, new, day(3))
    assert [link.said["key"] for link in read_chain(shelf)] == [
        old.fingerprint,
        old.fingerprint,
        new.fingerprint,
    ]
    assert read_chain(shelf)[1].said["next_key"]["fingerprint"] == new.fingerprint
    assert list(problems(shelf)) == []


def test_a_lost_key_can_be_left_behind_but_not_in_silence(tmp_path: Path, shelf: Shelf) -> None:
    old, new = keys.make_key(tmp_path / "old"), keys.make_key(tmp_path / "new")
    write_manifest(tmp_path, shelf, old, day(1))
    write_manifest(tmp_path, shelf, new, day(2), lost_key=True)
    assert list(problems(shelf)) == [
        f"signature: manifest-20240302.json is signed by {new.fingerprint}, which no key before "
        "it introduced"
    ]


def test_a_forged_signature_is_noticed(tmp_path: Path, shelf: Shelf) -> None:
    key, other = keys.make_key(tmp_path / "key"), keys.make_key(tmp_path / "other")
    write_manifest(tmp_path, shelf, key, day(1))
    folder = tmp_path / "manifests"
    raw = (folder / "manifest-20240301.json").read_bytes()
    (folder / "manifest-20240301.sig").write_bytes(other.sign(raw))
    assert list(problems(shelf)) == [
        f"signature: manifest-20240301.json is not signed by the key {key.fingerprint} it names"
    ]


# --- the command ----------------------------------------------------------------------------------


def test_the_command(tmp_path: Path) -> None:
    runner, path = CliRunner(), tmp_path / "key"
    result = runner.invoke(main, ["manifest", "--new-key", str(path)])
    assert result.exit_code == 0
    assert result.output.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert keys.load_key(path).fingerprint in result.output
    data = tmp_path / "data"
    data.mkdir()
    lay(data, "a", record(1))
    result = runner.invoke(main, ["manifest", "--data", str(data)], env={"NIANBAO_KEY": str(path)})
    assert result.exit_code == 0, result.output
    assert "signed by key" in result.output
    # An authority that is away does not fail the night.
    result = runner.invoke(
        main, ["manifest", "--data", str(data), "--tsa", "http://127.0.0.1:1/", "--key", str(path)]
    )
    assert result.exit_code == 0, result.output
    assert "nothing was added since" in result.output
    assert "no timestamp of 127.0.0.1_1: http://127.0.0.1:1/ cannot be asked" in result.output
    result = runner.invoke(main, ["manifest", "--data", str(tmp_path / "nowhere")])
    assert result.exit_code == 1
    assert "no data folder" in result.output
