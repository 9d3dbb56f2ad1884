"""A name once public answers, leads on, or says why it is gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from archive import redirects as names
from archive import store
from archive.redirects import Payload, Redirect, Shown, redirects

A, B, C, D = ("a" * 12, "b" * 12, "c" * 12, "d" * 12)
JYJ = "140600-jyj"


@dataclass
class Archive:
    """An archive as the redirects see it: its paths, and what payloads show."""

    paths: set[str]
    payloads: Mapping[str, Payload] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def exists(self, path: str) -> bool:
        return path in self.paths

    def payload(self, digest12: str) -> Payload:
        self.asked.append(digest12)
        return self.payloads.get(digest12, Payload())


def found(
    published: list[str],
    archive: Archive,
    same: Mapping[str, str] | None = None,
    merged: Mapping[str, str] | None = None,
) -> dict[str, tuple[str | None, str]]:
    rows = redirects(
        sorted(published),
        sorted(archive.paths),
        archive,
        lambda issuer_id: (same or {}).get(issuer_id, issuer_id),
        lambda issuer_id: (merged or {}).get(issuer_id),
    )
    return {row.path: (row.target, row.reason) for row in rows}


def test_when_nothing_is_missing_nothing_is_asked() -> None:
    paths = {f"{JYJ}/2023", f"{JYJ}/2023/{A}", f"{JYJ}/2024", f"{JYJ}/2024/{B}"}
    archive = Archive(paths)
    assert found([f"{JYJ}/2023", f"{JYJ}/2023/{A}"], archive) == {}
    assert archive.asked == []


def test_a_name_that_exists_again_has_no_redirect() -> None:
    gone = Archive({f"{JYJ}/2023"})
    assert f"{JYJ}/2023/{A}" in found([f"{JYJ}/2023/{A}"], gone)
    back = Archive({f"{JYJ}/2023", f"{JYJ}/2023/{A}"})
    assert found([f"{JYJ}/2023/{A}"], back) == {}


def test_versions_that_merge_lead_to_the_one_left() -> None:
    left = f"{JYJ}/2023/{A}"
    archive = Archive({f"{JYJ}/2023", left}, {B: Payload(3, {left: 3})})
    assert found([f"{JYJ}/2023", left, f"{JYJ}/2023/{B}"], archive) == {
        f"{JYJ}/2023/{B}": (left, names.OTHER_VERSION)
    }


def test_of_versions_that_split_the_one_most_captures_show() -> None:
    one, other, third = (f"{JYJ}/2023/{digest}" for digest in (B, C, D))
    archive = Archive(
        {f"{JYJ}/2023", one, other, third}, {A: Payload(6, {one: 1, third: 2, other: 2})}
    )
    assert found([f"{JYJ}/2023/{A}"], archive) == {f"{JYJ}/2023/{A}": (other, names.OTHER_VERSION)}


def test_a_version_of_the_same_report_comes_before_others_with_the_same_annex() -> None:
    own, others = f"{JYJ}/2023/{C}", f"140600-swj/2023/{B}"
    archive = Archive(
        {f"{JYJ}/2023", own, "140600-swj/2023", others}, {A: Payload(6, {others: 5, own: 1})}
    )
    assert found([f"{JYJ}/2023/{A}"], archive)[f"{JYJ}/2023/{A}"] == (own, names.OTHER_VERSION)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("140600-swj/2023", names.OTHER_BODY),
        (f"{JYJ}/2022", names.OTHER_YEAR),
        ("140600-swj/2022", names.OTHER_REPORT),
    ],
)
def test_a_report_filed_elsewhere(target: str, reason: str) -> None:
    """The whole report turned out to be another's: it and its version lead there."""
    version = f"{target}/{A}"
    archive = Archive({target, version}, {A: Payload(2, {version: 2})})
    assert found([f"{JYJ}/2023", f"{JYJ}/2023/{A}"], archive) == {
        f"{JYJ}/2023": (target, reason),
        f"{JYJ}/2023/{A}": (version, reason),
    }


def test_a_report_torn_apart_leads_where_most_captures_went() -> None:
    """Two versions, three captures and four: the report leads to the body of the four."""
    few, many = f"140600-aaj/2023/{A}", f"140600-swj/2023/{B}"
    archive = Archive(
        {"140600-aaj/2023", few, "140600-swj/2023", many},
        {A: Payload(3, {few: 3}), B: Payload(4, {many: 4})},
    )
    rows = found([f"{JYJ}/2023", f"{JYJ}/2023/{A}", f"{JYJ}/2023/{B}"], archive)
    assert {path: target for path, (target, _) in rows.items()} == {
        f"{JYJ}/2023": "140600-swj/2023",
        f"{JYJ}/2023/{A}": few,
        f"{JYJ}/2023/{B}": many,
    }


def test_a_tie_goes_to_the_first_id() -> None:
    one, other = f"140600-aaj/2023/{A}", f"140600-swj/2023/{B}"
    archive = Archive(
        {"140600-aaj/2023", one, "140600-swj/2023", other},
        {A: Payload(2, {one: 2}), B: Payload(2, {other: 2})},
    )
    rows = found([f"{JYJ}/2023", f"{JYJ}/2023/{B}", f"{JYJ}/2023/{A}"], archive)
    assert rows[f"{JYJ}/2023"][0] == "140600-aaj/2023"


def test_two_ids_for_one_body() -> None:
    archive = Archive({"140600-jw/2023", f"140600-jw/2023/{A}"})
    rows = found([f"{JYJ}/2023", f"{JYJ}/2023/{A}"], archive, same={JYJ: "140600-jw"})
    assert rows == {
        f"{JYJ}/2023": ("140600-jw/2023", names.SAME_BODY),
        f"{JYJ}/2023/{A}": (f"140600-jw/2023/{A}", names.SAME_BODY),
    }


def test_two_ids_for_one_body_and_another_version_of_its_content() -> None:
    """Filed together, the content was seen first under another payload."""
    left = f"140600-jw/2023/{B}"
    archive = Archive({"140600-jw/2023", left}, {A: Payload(1, {left: 1})})
    rows = found([f"{JYJ}/2023/{A}"], archive, same={JYJ: "140600-jw"})
    assert rows == {f"{JYJ}/2023/{A}": (left, names.OTHER_VERSION)}


def test_a_body_that_became_part_of_another() -> None:
    archive = Archive({"140600-swj/2023"}, {A: Payload(1, {}, None)})
    rows = found(
        [f"{JYJ}/2023", f"{JYJ}/2023/{A}", f"{JYJ}/2022"], archive, merged={JYJ: "140600-swj"}
    )
    assert rows[f"{JYJ}/2023"] == ("140600-swj/2023", names.MERGED_BODY)
    assert rows[f"{JYJ}/2023/{A}"] == ("140600-swj/2023", names.MERGED_BODY)
    # The other body has no report of 2022.
    assert rows[f"{JYJ}/2022"][0] is None


def test_what_is_no_report_any_more_says_so() -> None:
    archive = Archive(set(), {A: Payload(2, {}, "标题中没有年度报告")})
    gone = (None, f"{names.NO_REPORT}：标题中没有年度报告")
    assert found([f"{JYJ}/2023", f"{JYJ}/2023/{A}"], archive) == {
        f"{JYJ}/2023": gone,
        f"{JYJ}/2023/{A}": gone,
    }


def test_a_version_that_is_no_report_does_not_lead_to_the_report_it_stood_in() -> None:
    archive = Archive({f"{JYJ}/2023"}, {A: Payload(1, {}, "列表页")})
    assert found([f"{JYJ}/2023/{A}"], archive)[f"{JYJ}/2023/{A}"] == (
        None,
        f"{names.NO_REPORT}：列表页",
    )


def test_a_version_named_by_no_payload_leads_to_its_report() -> None:
    archive = Archive({f"{JYJ}/2023"})
    assert found([f"{JYJ}/2023/{A}"], archive) == {
        f"{JYJ}/2023/{A}": (f"{JYJ}/2023", names.NO_SUCH_VERSION)
    }


def test_without_any_capture_nothing_can_be_said() -> None:
    assert found([f"{JYJ}/2023", f"{JYJ}/2023/{A}"], Archive(set())) == {
        f"{JYJ}/2023": (None, names.NO_CAPTURE),
        f"{JYJ}/2023/{A}": (None, names.NO_CAPTURE),
    }


def test_no_target_is_a_redirect_itself() -> None:
    """Evidence that names what the archive does not have is not believed, and no row leads to
    itself."""
    me = f"{JYJ}/2023/{A}"
    archive = Archive(set(), {A: Payload(1, {me: 1, f"{JYJ}/2023/{B}": 1})})
    rows = found([f"{JYJ}/2023", me], archive, same={JYJ: "140600-jw"}, merged={"140600-jw": JYJ})
    assert {target for target, _ in rows.values()} == {None}


def test_reports_are_told_apart_though_their_names_begin_alike() -> None:
    published = [f"{JYJ}/2023", f"{JYJ}-2/2023", f"{JYJ}-2/2023/{A}", f"{JYJ}/2023/{A}"]
    archive = Archive({f"{JYJ}/2023", f"{JYJ}/2023/{A}"})
    assert set(found(published, archive)) == {f"{JYJ}-2/2023", f"{JYJ}-2/2023/{A}"}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "nianbao.db"
    made = store.create(path)
    store.write(made, "issuers", [{"id": JYJ, "name": "朔州市教育局"}])
    store.write(made, "reports", [{"id": f"{JYJ}/2023", "issuer_id": JYJ, "year": 2023}])
    store.write(
        made, "versions", [{"id": f"{JYJ}/2023/{A}", "report_id": f"{JYJ}/2023", "number": 1}]
    )
    captures = [
        # digest, url, version
        (A + "0" * 52, "http://a.example/1", f"{JYJ}/2023/{A}"),
        (A + "0" * 52, "http://a.example/1", f"{JYJ}/2023/{A}"),
        (B + "f" * 52, "http://a.example/1", f"{JYJ}/2023/{A}"),
        (C + "0" * 52, "http://a.example/2", None),
        (D + "0" * 52, "http://a.example/3", None),
    ]
    store.write(
        made,
        "captures",
        [
            {"digest": digest, "url": url, "version_id": version, "warc_file": "x", "offset": n}
            for n, (digest, url, version) in enumerate(captures)
        ],
    )
    sightings = [
        ("2026-11-20", C + "0" * 52, "列表页"),
        # On a later night the address had another payload.
        ("2026-11-21", D + "0" * 52, "空白页"),
    ]
    store.write(
        made,
        "sightings",
        [
            {"url": "http://a.example/2", "night": night, "digest": digest, "reason": reason}
            for night, digest, reason in sightings
        ],
    )
    made.close()
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def test_what_an_archive_shows(db: sqlite3.Connection) -> None:
    shown = Shown(db)
    assert list(shown.present()) == [f"{JYJ}/2023", f"{JYJ}/2023/{A}"]
    assert [
        shown.exists(path) for path in (f"{JYJ}/2023", f"{JYJ}/2023/{A}", f"{JYJ}/2023/{B}")
    ] == [
        True,
        True,
        False,
    ]
    assert shown.payload(A) == Payload(2, {f"{JYJ}/2023/{A}": 2})
    assert shown.payload(B) == Payload(1, {f"{JYJ}/2023/{A}": 1})
    assert shown.payload(C) == Payload(1, {}, "列表页")
    assert shown.payload(D) == Payload(1, {}, None)
    assert shown.payload("e" * 12) == Payload(0, {})


def test_an_archive_and_its_published_names(db: sqlite3.Connection) -> None:
    shown = Shown(db)
    published = [f"{JYJ}/2023", *(f"{JYJ}/2023/{digest}" for digest in (A, B, C, D))]
    assert list(redirects(published, shown.present(), shown)) == [
        Redirect(f"{JYJ}/2023/{B}", f"{JYJ}/2023/{A}", names.OTHER_VERSION),
        Redirect(f"{JYJ}/2023/{C}", None, f"{names.NO_REPORT}：列表页"),
        Redirect(f"{JYJ}/2023/{D}", f"{JYJ}/2023", names.NO_SUCH_VERSION),
    ]
