"""The chain of manifests: what each night adds, who signed it, and what does not go unnoticed."""

from __future__ import annotations

import errno
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
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from archive import keys, manifest
from archive.__main__ import main
from archive.issuers import append
from archive.manifest import (
    ManifestError,
    listed,
    lost_keys,
    problems,
    read_chain,
    unsigned,
    write_manifest,
)
from archive.proof.members import members
from archive.proof.merkle import Tree, leaf
from archive.proof.verify import root_of
from archive.shelf import Shelf
from archive.verify.turns import MEMORY, Turns

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


def forge(shelf: Shelf, name: str, moment: str, **other: object) -> Path:
    """A manifest by hand that goes on where the chain ends."""
    head = read_chain(shelf)[-1]
    said = {
        **head.said,
        "name": name,
        "number": head.said["number"] + 1,
        "previous": {"name": head.name, "sha256": head.sha256},
        "made_at": moment,
        "segments": [],
        "sightings": [],
        **other,
    }
    path = Path(shelf.root) / "manifests" / name
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
    path.write_text(text, encoding="utf-8")
    return path


FOREIGN = {
    "name": "never.warc.gz",
    "bytes": 1,
    "sha256": "0" * 64,
    "records": 1,
    "damaged": 0,
    "merkle_root": "0" * 64,
    "first": None,
    "last": None,
}


def test_what_others_wrote_in_our_name_is_never_signed(tmp_path: Path, shelf: Shelf) -> None:
    key = keys.make_key(tmp_path / "key")
    lay(tmp_path, "a", record(1))
    write_manifest(tmp_path, shelf, key, day(1))
    path = forge(shelf, "manifest-20240302.json", "2020-01-01T00:00:00Z", segments=[FOREIGN])
    for key_given in (key, None):
        with pytest.raises(ManifestError, match=r"20240302\.sig is missing.* move it away"):
            write_manifest(tmp_path, shelf, key_given, day(3))
    assert not path.with_suffix(".sig").exists()
    path.unlink()
    assert write_manifest(tmp_path, shelf, key, day(3)).name == "manifest-20240303.json"
    assert list(problems(shelf)) == []


def test_a_run_killed_between_signature_and_manifest_leaves_nothing_to_sign(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keys.make_key(tmp_path / "key")
    put, placed = Shelf.put, list[str]()

    def killed(self: Shelf, folder: str, name: str, source: bytes) -> bool:
        if name.endswith(".json"):
            raise KeyboardInterrupt
        placed.append(name)
        return put(self, folder, name, source)

    with monkeypatch.context() as patch:
        patch.setattr(Shelf, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            write_manifest(tmp_path, shelf, key, day(1))
    assert placed == [f"key-{key.fingerprint[:16]}.pub", "manifest-20240301.sig"]
    lay(tmp_path, "a", record(1))
    assert write_manifest(tmp_path, shelf, key, day(1)).name == "manifest-20240301-2.json"
    assert [link.said["number"] for link in read_chain(shelf)] == [1]
    assert list(problems(shelf)) == []


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"segments": [FOREIGN]}, "lists never.warc.gz, which is not there"),
        ({"made_at": "2020-01-01T00:00:00Z"}, "says it was made at 2020-01-01T00:00:00Z"),
        ({"made_at": "2024-03-09T00:00:00Z"}, "says it was made at 2024-03-09T00:00:00Z"),
        ({"totals": {"segments": 7}}, "its totals are not the sum"),
        ({"next_key": {"fingerprint": "0" * 64, "pem": ""}}, "introduces a key"),
        ({"registers": {"../ledger.csv": {"bytes": 1}}}, "does not note ../ledger.csv"),
    ],
)
def test_a_signature_vouches_for_no_unsigned_manifest_that_the_shelf_contradicts(
    tmp_path: Path, shelf: Shelf, other: dict[str, object], why: str
) -> None:
    key = keys.make_key(tmp_path / "key")
    lay(tmp_path, "a", record(1))
    write_manifest(tmp_path, shelf, key, day(1))
    said = {"moment": "2024-03-02T22:00:00Z", "key": None} | other
    if "made_at" in said:
        said["moment"] = said.pop("made_at")
    path = forge(shelf, "manifest-20240302.json", **said)  # type: ignore[arg-type]
    with pytest.raises(ManifestError, match="is not signed, and ") as raised:
        write_manifest(tmp_path, shelf, key, day(3))
    assert why in str(raised.value)
    path.unlink()
    assert write_manifest(tmp_path, shelf, key, day(3)).is_new


@pytest.mark.parametrize("change", ["sha256", "merkle_root", "records", "first"])
def test_an_entry_of_an_unsigned_manifest_is_made_again(
    tmp_path: Path, shelf: Shelf, change: str
) -> None:
    """A night without a key, then somebody's edit of what it lists."""
    key = keys.make_key(tmp_path / "key")
    write_manifest(tmp_path, shelf, key, day(1))
    lay(tmp_path, "a", record(1))
    name = write_manifest(tmp_path, shelf, None, day(2)).name
    path = tmp_path / "manifests" / name
    whole, said = path.read_bytes(), json.loads(path.read_bytes())
    said["segments"][0][change] = 9 if change == "records" else "f" * 64
    path.write_text(json.dumps(said, sort_keys=True, indent=1) + "\n")
    with pytest.raises(ManifestError, match=r"does not list a\.warc\.gz as it is"):
        write_manifest(tmp_path, shelf, key, day(3))
    path.write_bytes(whole)
    assert write_manifest(tmp_path, shelf, key, day(3)).is_new
    assert list(problems(shelf)) == []


@pytest.mark.parametrize("with_key", [True, False])
@pytest.mark.parametrize("damage", ["edited", "foreign signature", "no key"])
def test_nothing_is_built_on_a_head_that_does_not_hold(
    tmp_path: Path, shelf: Shelf, damage: str, with_key: bool
) -> None:
    key, other = keys.make_key(tmp_path / "key"), keys.make_key(tmp_path / "other")
    write_manifest(tmp_path, shelf, key, day(1))
    folder = tmp_path / "manifests"
    path = folder / "manifest-20240301.json"
    if damage == "edited":
        path.write_bytes(path.read_bytes().replace(b"2024-03-01T22", b"2024-03-01T21"))
    elif damage == "foreign signature":
        path.with_suffix(".sig").write_bytes(other.sign(path.read_bytes()))
    else:
        (folder / f"key-{key.fingerprint[:16]}.pub").write_bytes(other.public_pem)
    with pytest.raises(ManifestError, match=r"20240301\.json.*restore it from the backup"):
        write_manifest(tmp_path, shelf, key if with_key else None, day(2))
    assert len(read_chain(shelf)) == 1


def test_an_edited_unsigned_head_is_told_by_what_was_seen_of_it(
    tmp_path: Path, shelf: Shelf
) -> None:
    write_manifest(tmp_path, shelf, None, day(1))
    head = read_chain(shelf)[0]
    path = tmp_path / "manifests" / head.name
    path.write_bytes(head.raw.replace(b"2024-03-01T22", b"2024-03-01T21"))
    with pytest.raises(ManifestError, match=r"saw manifest number 1 .*restore it from the backup"):
        write_manifest(tmp_path, shelf, None, day(2), seen=(1, head.sha256))
    path.write_bytes(head.raw)
    assert write_manifest(tmp_path, shelf, None, day(2), seen=(1, head.sha256)).is_new


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 200_000,
        b"{}",
        b"[]",
        b'{"segments": [1], "sightings": []}',
        b'{"a": "\\ud800"}',
        b"\xff",
    ],
)
def test_what_is_no_manifest_is_said_to_be_damaged(
    tmp_path: Path, shelf: Shelf, raw: bytes
) -> None:
    write_manifest(tmp_path, shelf, None, day(1))
    (tmp_path / "manifests" / "manifest-20240302.json").write_bytes(raw)
    with pytest.raises(ManifestError, match=r"manifest-20240302\.json is damaged"):
        write_manifest(tmp_path, shelf, None, day(3))


def test_a_full_disk_is_a_sentence(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Shelf, folder: str, name: str, source: bytes) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Shelf, "put", full)
    with pytest.raises(ManifestError) as raised:
        write_manifest(tmp_path, shelf, None, day(1))
    assert str(raised.value).startswith(f"{tmp_path}/manifests: No space left on device. ")
    assert "free the disk" in str(raised.value)


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
    write_manifest(tmp_path, shelf, new, day(3), lost_key=True)
    assert [link.said.get("lost_key") for link in read_chain(shelf)] == [None, True, None]
    assert list(problems(shelf)) == []
    assert list(lost_keys(read_chain(shelf))) == [
        (
            "manifest-20240302.json",
            "manifest-20240302.json says that the key before it is lost, and is signed by "
            f"{new.fingerprint}, which that key did not introduce",
        )
    ]


def test_a_key_said_to_be_lost_by_others_signs_no_more(tmp_path: Path, shelf: Shelf) -> None:
    """Somebody without our key goes on with one of their own: our next run must not vouch for it."""
    ours, theirs = keys.make_key(tmp_path / "ours"), keys.make_key(tmp_path / "theirs")
    write_manifest(tmp_path, shelf, ours, day(1))
    write_manifest(tmp_path, shelf, theirs, day(2), lost_key=True)
    for lost in (False, True):
        with pytest.raises(ManifestError, match=r"but you have it, .*20240302\.json and all after"):
            write_manifest(tmp_path, shelf, ours, day(3), lost_key=lost)


def test_another_key_that_does_not_say_so_is_refused(tmp_path: Path, shelf: Shelf) -> None:
    old, new = keys.make_key(tmp_path / "old"), keys.make_key(tmp_path / "new")
    write_manifest(tmp_path, shelf, old, day(1))
    path = forge(shelf, "manifest-20240302.json", "2024-03-02T22:00:00Z", key=new.fingerprint)
    path.with_suffix(".sig").write_bytes(new.sign(path.read_bytes()))
    (tmp_path / "manifests" / f"key-{new.fingerprint[:16]}.pub").write_bytes(new.public_pem)
    assert list(problems(shelf)) == [
        f"signature: manifest-20240302.json is signed by {new.fingerprint}, which no key before "
        "it introduced"
    ]
    with pytest.raises(ManifestError, match="which no key before it introduced"):
        write_manifest(tmp_path, shelf, old, day(3))


def test_only_a_signed_manifest_introduces_a_key(tmp_path: Path, shelf: Shelf) -> None:
    old, new = keys.make_key(tmp_path / "old"), keys.make_key(tmp_path / "new")
    write_manifest(tmp_path, shelf, old, day(1))
    for more in ({"next_key": new.public_pem}, {"lost_key": True}):
        with pytest.raises(ManifestError, match="give --key too"):
            write_manifest(tmp_path, shelf, None, day(2), **more)  # type: ignore[arg-type]
    coming = {"fingerprint": new.fingerprint, "pem": new.public_pem.decode()}
    said = {"key": None, "next_key": coming}
    forge(shelf, "manifest-20240302.json", "2024-03-02T22:00:00Z", **said)
    with pytest.raises(ManifestError, match="none introduces it"):
        write_manifest(tmp_path, shelf, new, day(3))
    data = ["manifest", "--data", str(tmp_path)]
    (tmp_path / "new.pub").write_bytes(new.public_pem)
    for wrong in (["--next-key", str(tmp_path / "new.pub")], ["--lost-key"]):
        result = CliRunner().invoke(main, data + wrong)
        assert result.exit_code == 2, result.output
        assert "give --key too" in result.output
    assert len(read_chain(shelf)) == 2


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    keys.make_key(path)
    path.chmod(mode)
    with pytest.raises(keys.KeyFileError, match=rf"mode {mode:04o}\).*chmod 600 .*key"):
        keys.load_key(path)
    path.chmod(0o400)
    assert keys.load_key(path)


def test_what_is_no_key_is_said_in_our_words(tmp_path: Path) -> None:
    made = keys.make_key(tmp_path / "key")
    (tmp_path / "public").write_bytes(made.public_pem)
    locked = made.private.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
    )
    for name, raw in (
        ("garbage", b"\0" * 99),
        ("cut", (tmp_path / "key").read_bytes()[:60]),
        ("framed", b"-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----\n"),
        ("locked", locked),
    ):
        (tmp_path / name).write_bytes(raw)
    for load, name, why in (
        (keys.load_key, "public", "holds a public key"),
        (keys.load_key, "garbage", "is no private key in PEM"),
        (keys.load_key, "cut", "is no private key in PEM"),
        (keys.load_key, "framed", "is no private key in PEM"),
        (keys.load_key, "locked", "is protected by a passphrase"),
        (keys.load_key, "none", "cannot be read: No such file or directory"),
        (keys.load_public, "key", "it holds a private key"),
        (keys.load_public, "garbage", "is no public key in PEM"),
        (keys.load_public, "none", "cannot be read: No such file or directory"),
    ):
        with pytest.raises(keys.KeyFileError) as raised:
            load(tmp_path / name)
        assert f"{tmp_path / name} " in str(raised.value)
        assert why in str(raised.value)
        assert "http" not in str(raised.value)


def test_a_key_is_made_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(keys.KeyFileError, match=r"nope/a cannot be written: No such file"):
        keys.make_key(tmp_path / "nope" / "a")

    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keys.os, "fsync", full)  # type: ignore[attr-defined]
    with pytest.raises(keys.KeyFileError, match=r"key cannot be written: No space left.*free"):
        keys.make_key(tmp_path / "key")
    assert list(tmp_path.iterdir()) == []


def test_a_forged_signature_is_noticed(tmp_path: Path, shelf: Shelf) -> None:
    key, other = keys.make_key(tmp_path / "key"), keys.make_key(tmp_path / "other")
    write_manifest(tmp_path, shelf, key, day(1))
    folder = tmp_path / "manifests"
    raw = (folder / "manifest-20240301.json").read_bytes()
    (folder / "manifest-20240301.sig").write_bytes(other.sign(raw))
    assert list(problems(shelf)) == [
        f"signature: manifest-20240301.json is not signed by the key {key.fingerprint} it names"
    ]


def test_a_night_without_a_key_is_named(tmp_path: Path, shelf: Shelf) -> None:
    key = keys.make_key(tmp_path / "key")
    for number, with_key in enumerate([None, key, None, key], 1):
        lay(tmp_path, f"s{number}", record(number))
        write_manifest(tmp_path, shelf, with_key, day(number))
    assert list(unsigned(read_chain(shelf))) == ["manifest-20240303.json"]
    assert list(problems(shelf)) == []


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


def test_the_command_writes_nothing_for_wrong_options(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("no certificate")
    (tmp_path / "empty.pem").write_text("")
    command = ["manifest", "--data", str(tmp_path)]
    for wrong, why in (
        (["--tsa", "foo"], "'foo' is no address of a timestamp authority"),
        (["--tsa", "http://[bad/"], "'http://[bad/' is no address"),
        (["--tsa", "http://a:b/"], "'http://a:b/' is no address"),
        (["--tsa", "http://..年/"], "is no address"),
        (["--tsa-cert", str(tmp_path / "no.pem")], "no.pem holds no certificate in PEM"),
        (["--tsa-cert", str(tmp_path / "empty.pem")], "empty.pem holds no certificate in PEM"),
        (["--new-key", "/nope/a"], "/nope/a cannot be written: No such file or directory"),
    ):
        result = CliRunner().invoke(main, command + wrong)
        assert result.exit_code == 1, result.output
        assert why in result.output
        assert "[Errno" not in result.output
    assert not (tmp_path / "manifests").exists()


def test_captures_elsewhere_that_are_not_there_begin_no_chain(tmp_path: Path) -> None:
    """A disk that is not mounted: a first manifest of nothing would lie beneath it."""
    data, elsewhere = tmp_path / "data", tmp_path / "mount"
    data.mkdir()
    command = ["manifest", "--data", str(data), "--captures", str(elsewhere)]
    for make in (lambda: None, elsewhere.mkdir):
        make()
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 1
        assert f"{elsewhere} has neither captures nor manifests" in result.output
        assert not list(elsewhere.glob("*"))
    lay(elsewhere, "a", record(1))
    assert CliRunner().invoke(main, command).exit_code == 0


def test_the_command_asks_what_the_last_verification_saw(tmp_path: Path, shelf: Shelf) -> None:
    write_manifest(tmp_path, shelf, None, day(1))
    head = read_chain(shelf)[0]
    with Turns(tmp_path / MEMORY, shelf) as turns:
        turns.keep_head(1, head.sha256)
    path = tmp_path / "manifests" / head.name
    path.write_bytes(head.raw.replace(b"2024-03-01T22", b"2024-03-01T21"))
    command = ["manifest", "--data", str(tmp_path)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert "the last verification saw manifest number 1" in result.output
    path.write_bytes(head.raw)
    assert CliRunner().invoke(main, command).exit_code == 0
