"""Timestamps of an authority on loopback: what is kept, what is refused, what is asked again."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from authority import Authority, Keys
from click.testing import CliRunner
from rfc3161_client import decode_timestamp_response

from archive import manifest, timestamps
from archive.__main__ import main
from archive.proof.verify import NotProvenError, stamped_by_openssl
from archive.shelf import Shelf
from archive.timestamps import StampError, UncheckedError

MESSAGE = b"a manifest\n"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("tsa") / "keys")


@pytest.fixture
def tsa(keys: Keys) -> Iterator[Authority]:
    with Authority(keys) as running:
        yield running


def test_a_timestamp_is_verified_with_and_without_the_root(tsa: Authority) -> None:
    reply, at = timestamps.stamped(tsa.url, MESSAGE, tsa.keys.chain)
    stated = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - stated).total_seconds()) < 60
    assert timestamps.verify(reply, MESSAGE) == at
    assert timestamps.verify(reply, MESSAGE, tsa.keys.chain) == at
    assert stamped_by_openssl(reply, MESSAGE, tsa.keys.chain) == at


def test_both_readers_refuse_another_root(tsa: Authority, tmp_path: Path) -> None:
    other = Keys(tmp_path / "other").chain
    reply, _ = timestamps.stamped(tsa.url, MESSAGE)
    with pytest.raises(StampError, match="rfc3161-client refuses"):
        timestamps.verify(reply, MESSAGE, other)
    with pytest.raises(NotProvenError, match="openssl refuses"):
        stamped_by_openssl(reply, MESSAGE, other)


def test_a_token_with_a_whole_chain_is_read_by_openssl(keys: Keys) -> None:
    """rfc3161-client 1.0.9 refuses certificates that do not lie sorted; openssl takes them."""
    with Authority(keys, whole_chain=True) as tsa:
        reply, at = timestamps.stamped(tsa.url, MESSAGE, keys.root)
    with pytest.raises(ValueError, match="InvalidSetOrdering"):
        decode_timestamp_response(reply)
    assert timestamps.verify(reply, MESSAGE, keys.root) == at
    assert timestamps.verify(reply, MESSAGE) == at
    assert timestamps.certificates(reply) == keys.root
    with pytest.raises(StampError, match="openssl refuses it"):
        timestamps.verify(reply, b"other", keys.root)


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("other", "of other bytes"),
        ("garbage", "no timestamp in it"),
        ("refuse", "refused \\(status 2\\)"),
        ("huge", "more than"),
        ("away", "answers 503"),
        ("elsewhere", "answers 302"),
    ],
)
def test_what_is_no_timestamp_of_the_message_is_refused(
    tsa: Authority, mode: str, why: str
) -> None:
    tsa.mode = mode
    with pytest.raises(StampError, match=why):
        timestamps.stamped(tsa.url, MESSAGE, tsa.keys.chain)


def test_a_reply_to_another_question_is_refused(tsa: Authority) -> None:
    tsa.mode = "stale"
    timestamps.stamped(tsa.url, MESSAGE, tsa.keys.chain)
    with pytest.raises(StampError, match="nonce"):
        timestamps.stamped(tsa.url, MESSAGE, tsa.keys.chain)


@pytest.mark.parametrize("mode", ["slow", "drip"])
def test_an_authority_that_does_not_finish_is_left(tsa: Authority, mode: str) -> None:
    tsa.mode = mode
    with pytest.raises(StampError, match=r"timed out|did not finish"):
        timestamps.stamped(tsa.url, MESSAGE, tsa.keys.chain, timeout=0.4)


@pytest.mark.parametrize("place", [60, 300, 700, -40, -3])
def test_a_tampered_token_is_refused(tsa: Authority, place: int) -> None:
    reply, _ = timestamps.stamped(tsa.url, MESSAGE, tsa.keys.chain)
    damaged = bytearray(reply)
    damaged[place] ^= 1
    with pytest.raises(StampError):
        timestamps.verify(bytes(damaged), MESSAGE, tsa.keys.chain)


def test_nobody_listens_and_no_address() -> None:
    with pytest.raises(StampError, match="cannot be asked"):
        timestamps.stamped("http://127.0.0.1:1/", MESSAGE)
    with pytest.raises(StampError, match="no address of a timestamp authority"):
        timestamps.stamped("file:///etc/passwd", MESSAGE)


def test_a_manifest_that_was_not_stamped_is_stamped_the_next_night(
    tsa: Authority, tmp_path: Path
) -> None:
    shelf = Shelf(str(tmp_path))
    for day in (1, 2, 3):
        moment = datetime(2024, 3, day, tzinfo=UTC)
        manifest.write_manifest(tmp_path, shelf, None, moment)
        tsa.mode = "away" if day == 2 else "well"
        outcomes = list(timestamps.catch_up(shelf, manifest.read_chain(shelf), [tsa.url]))
        assert [(outcome.manifest, outcome.at is not None) for outcome in outcomes] == {
            1: [("manifest-20240301.json", True)],
            2: [("manifest-20240302.json", False)],
            3: [("manifest-20240303.json", True), ("manifest-20240302.json", True)],
        }[day]
    assert [kept.name for kept in shelf.kept("manifests", ".tsr")] == [
        f"manifest-2024030{day}.{tsa.name}.tsr" for day in (1, 2, 3)
    ]
    assert list(timestamps.catch_up(shelf, manifest.read_chain(shelf), [tsa.url])) == []


def test_an_authority_named_later_is_asked_for_the_head_only(
    tsa: Authority, tmp_path: Path
) -> None:
    shelf = Shelf(str(tmp_path))
    for day in range(1, 15):
        manifest.write_manifest(tmp_path, shelf, None, datetime(2024, 3, day, tzinfo=UTC))
    chain = manifest.read_chain(shelf)
    outcomes = list(timestamps.catch_up(shelf, chain, [tsa.url, "http://127.0.0.1:1/"]))
    assert [(outcome.manifest, outcome.at is not None) for outcome in outcomes] == [
        ("manifest-20240314.json", True),
        ("manifest-20240314.json", False),
    ]


@pytest.mark.parametrize(
    "url",
    ["foo", "ftp://a/", "http://", "http://[bad/", "http://a:b/", "http://a:99999/", "http://年/"],
)
def test_what_is_no_address_of_an_authority(url: str) -> None:
    with pytest.raises(StampError, match="is no address of a timestamp authority") as raised:
        timestamps.authority(url)
    assert repr(url) in str(raised.value)


def test_the_name_of_an_authority_names_files() -> None:
    assert timestamps.authority("http://TSA.example/x") == "tsa.example"
    assert timestamps.authority("https://tsa.example:8080/x") == "tsa.example_8080"
    assert timestamps.authority("http://[::1]:318/") == "__1_318"


def test_an_edited_head_that_nobody_signed_is_told_by_its_timestamp(
    tsa: Authority, tmp_path: Path
) -> None:
    shelf = Shelf(str(tmp_path))
    manifest.write_manifest(tmp_path, shelf, None, datetime(2024, 3, 1, tzinfo=UTC))
    list(timestamps.catch_up(shelf, manifest.read_chain(shelf), [tsa.url]))
    assert timestamps.head_problem(shelf, manifest.read_chain(shelf)) is None
    path = tmp_path / "manifests" / "manifest-20240301.json"
    path.write_bytes(path.read_bytes().replace(b"2024-03-01T00", b"2024-02-01T00"))
    told = timestamps.head_problem(shelf, manifest.read_chain(shelf))
    assert told is not None
    assert told.startswith(f"manifest-20240301.json is not what {tmp_path}/manifests/manifest-2024")
    assert told.endswith("restore both from the backup")
    result = CliRunner().invoke(main, ["manifest", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert told in result.output
    assert len(manifest.read_chain(shelf)) == 1


def test_without_openssl_the_night_goes_on_and_says_so(
    tsa: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A timestamp that nobody here can check is no sign that the manifest was altered."""
    shelf = Shelf(str(tmp_path))
    manifest.write_manifest(tmp_path, shelf, None, datetime(2024, 3, 1, tzinfo=UTC))
    (outcome,) = timestamps.catch_up(shelf, manifest.read_chain(shelf), [tsa.url])
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    reply = shelf.read("manifests", timestamps.stamp_name(outcome.manifest, outcome.authority))
    with pytest.raises(UncheckedError, match="no program openssl"):
        timestamps.verify(reply, (tmp_path / "manifests" / outcome.manifest).read_bytes())
    result = CliRunner().invoke(main, ["manifest", "--data", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "manifest-20240301." in caplog.text
    assert "not checked, for there is no program openssl here: install it" in caplog.text
    assert len(manifest.read_chain(shelf)) == 2


def test_other_bytes_are_told_without_openssl(
    tsa: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(str(tmp_path))
    manifest.write_manifest(tmp_path, shelf, None, datetime(2024, 3, 1, tzinfo=UTC))
    list(timestamps.catch_up(shelf, manifest.read_chain(shelf), [tsa.url]))
    path = tmp_path / "manifests" / "manifest-20240301.json"
    path.write_bytes(path.read_bytes().replace(b"2024-03-01T00", b"2024-02-01T00"))
    monkeypatch.setenv("PATH", "")
    told = timestamps.head_problem(shelf, manifest.read_chain(shelf))
    assert told is not None
    assert "it is a timestamp of other bytes" in told


def test_a_full_disk_is_said_with_the_place(
    tsa: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(str(tmp_path))
    manifest.write_manifest(tmp_path, shelf, None, datetime(2024, 3, 1, tzinfo=UTC))

    def full(self: Shelf, folder: str, name: str, source: bytes) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Shelf, "put", full)
    with pytest.raises(StampError, match=r"\.tsr cannot be written: No space left on device: free"):
        list(timestamps.catch_up(shelf, manifest.read_chain(shelf), [tsa.url]))
