"""What must hold after every scenario, whatever was done to the machine.

The truth is read here by other means than the archive's: every gzip member of a segment is looked
for byte by byte, and counts when warcio has computed its digests and found them to agree.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import sqlite3
import tempfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from warcio.archiveiterator import ArchiveIterator

from archive.build import build
from tests.torture.commands import archive, called
from tests.torture.tally import Tally

DATABASE = "nianbao.db"
# What an operator keeps: all else can be made of it.
TRUTH = ("warc", "sightings", "manifests", "ledger.csv", "published.csv")
ANSWERS = ("response", "revisit", "conversion")
MEMBER = b"\x1f\x8b\x08"
# Where things lie, which differs between folders that hold the same captures.
PLACES = {
    "captures": ("warc_file", "offset"),
    "segments": None,
    "damages": None,
    "sighting_files": None,
}

Rows = list[tuple[Any, ...]]


class Answer(NamedTuple):
    """A record of an answer that is whole: both its digests were computed and agree."""

    warc_file: str
    offset: int
    end: int
    url: str
    fetched_at: str
    digest: str
    kind: str


_read: dict[tuple[str, int, int], list[Answer]] = {}


def answers(data: Path, suffixes: Sequence[str] = (".warc.gz", ".warc.gz.open")) -> list[Answer]:
    """Every whole answer in the segments of a data folder."""
    found: list[Answer] = []
    for path in sorted((data / "warc").glob("*")):
        if not path.name.endswith(tuple(suffixes)):
            continue
        stat = path.stat()
        key = (str(path), stat.st_size, stat.st_mtime_ns)
        if key not in _read:
            _read[key] = list(whole_answers(path.read_bytes(), path.name))
        found += _read[key]
    return found


def whole_answers(raw: bytes, name: str) -> Iterator[Answer]:
    """The whole answers in the bytes of a segment, wherever they begin."""
    offset = raw.find(MEMBER)
    while offset >= 0:
        unzip = zlib.decompressobj(wbits=31)
        end = offset + 1
        try:
            member = unzip.decompress(raw[offset:])
            if unzip.eof:
                end = len(raw) - len(unzip.unused_data)
                answer = _answer(member, name, offset, end)
                if answer is not None:
                    yield answer
        except zlib.error:
            pass
        offset = raw.find(MEMBER, end)


def _answer(member: bytes, name: str, offset: int, end: int) -> Answer | None:
    record = next(ArchiveIterator(io.BytesIO(member), check_digests=True), None)
    if record is None or record.rec_type not in ANSWERS:
        return None
    payload = record.raw_stream.read()
    stated = record.rec_headers.get_header("WARC-Payload-Digest").removeprefix("sha256:")
    block = member.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n\r\n")
    if record.rec_headers.get_header("WARC-Block-Digest") != _sha256(block):
        return None
    # Of a revisit warcio checks nothing: its payload is another record's.
    if record.rec_type != "revisit" and (
        record.digest_checker.passed is not True or _sha256(payload) != f"sha256:{stated}"
    ):
        return None
    return Answer(
        *(name, offset, end, record.rec_headers.get_header("WARC-Target-URI")),
        *(record.rec_headers.get_header("WARC-Date"), stated, record.rec_type),
    )


def _sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def acknowledged(data: Path) -> set[str]:
    """Every digest that a line of sightings or a row of a frontier calls captured."""
    found: set[str] = set()
    for path in (data / "sightings").glob("*.jsonl*"):
        for line in path.read_bytes().split(b"\n")[:-1]:
            try:
                digest = json.loads(line).get("digest")
            except (ValueError, AttributeError):
                continue
            found |= {digest} if digest else set()
    with tempfile.TemporaryDirectory() as aside:
        # A frontier whose process was killed is mended on opening: only a copy is opened here.
        for path in data.glob("frontier*.db*"):
            shutil.copy(path, aside)
        for path in Path(aside).glob("frontier*.db"):
            with closing(sqlite3.connect(path)) as db:
                for table, digest in (("captured", "digest"), ("payloads", "lower(hex(digest))")):
                    if db.execute(
                        "select 1 from sqlite_master where name = ?", (table,)
                    ).fetchone():
                        found |= {one for (one,) in db.execute(f"select {digest} from {table}")}
    return found


def check_acknowledged(tally: Tally, data: Path) -> None:
    """(a) What was called captured can be read, in closed segments or open ones."""
    kept = {one.digest for one in answers(data) if one.kind != "revisit"}
    tally.none(acknowledged(data) - kept, "captures acknowledged and not to be read")


def check_index(tally: Tally, data: Path, *, damaged: bool = False) -> None:
    """(b) The archive's captures are the answers of the closed segments, each at its place."""
    stored = {(one.warc_file, one.offset): one for one in answers(data, (".warc.gz",))}
    listed = rows(
        data, "select warc_file, offset, url, fetched_at, digest, record_type from captures"
    )
    tally.figures["captures"] = max(tally.figures["captures"], len(listed))
    tally.none(
        {row for row in listed if _told(stored.get(row[:2])) != row}, "rows without their record"
    )
    told = {(row[3], row[2], row[4]) for row in listed}
    tally.none(
        {one for one in stored.values() if (one.fetched_at, one.url, one.digest) not in told},
        "answers in segments that the archive does not list",
    )
    tally.same(len(listed), len(told), "captures, of which each stands there once")
    files = {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
        for path in (data / "warc").glob("*.warc.gz")
    }
    listed = rows(data, "select warc_file, sha256, bytes from segments")
    tally.same({row[0]: row[1:] for row in listed}, files, "the table of segments")
    if not damaged:
        tally.same(rows(data, "select * from damages"), [], "damages")


def _told(answer: Answer | None) -> tuple[Any, ...] | None:
    return answer and (
        *(answer.warc_file, answer.offset, answer.url),
        *(answer.fetched_at, answer.digest, answer.kind),
    )


def check_verify(
    tally: Tally, data: Path, names: Collection[str] = (), *, known: bool = False
) -> None:
    """(c) `verify --all` is content, or names exactly the files that were damaged.

    `known`: the damage was there when the files were first read, which is told and is no alarm.
    """
    done = called(tally, archive("verify", data, "--all"))
    said = done.out + done.err
    tally.expect("Traceback" not in said, f"verify ended in a traceback: {done.said!r}")
    allowed = (0, 1) if known else (1,) if names else (0,)
    tally.expect(
        done.status in allowed,
        f"status {done.status} of verify with damage in {sorted(names)}: {done.said!r}",
    )
    tally.none((name for name in names if name not in said), f"not named by verify: {done.said!r}")
    others = {path.name for path in (data / "warc").glob("*.warc.gz")}
    others |= {path.name for path in (data / "sightings").glob("*.jsonl")}
    # A record elsewhere may have lost what it refers to.
    lines = [line for line in said.splitlines() if not (names and "refers to bytes" in line)]
    tally.none(
        (name for name in others - set(names) if any(name in line for line in lines)),
        f"named by verify, and undamaged: {done.said!r}",
    )


def check_rebuild(tally: Tally, data: Path) -> None:
    """(d) The archive that is made of the truth alone is equal, row by row."""
    with tempfile.TemporaryDirectory(dir=tally.folder) as folder:
        fresh = copy_truth(data, Path(folder) / "fresh")
        build(fresh, workers=0)
        check_equal(tally, data, fresh, "as folded, and made of the captures alone")
        tally.figures["rebuilds"] += 1


def copy_truth(data: Path, to: Path) -> Path:
    """What must be kept of a data folder, and nothing else, in another."""
    to.mkdir(parents=True)
    for name in TRUTH:
        if (data / name).is_dir():
            shutil.copytree(data / name, to / name)
        elif (data / name).exists():
            shutil.copy(data / name, to / name)
    return to


def check_equal(
    tally: Tally,
    one: Path,
    other: Path,
    what: str,
    *,
    places: bool = True,
    among_public: bool = False,
) -> None:
    """Two archives have the same rows in every table; `places`: also as to where captures lie;
    `among_public`: the first, a published one, has further tables."""
    first, second = dump(one, places=places), dump(other, places=places)
    if not among_public:
        tally.same(set(first), set(second), f"tables, {what}")
    for table in sorted(first.keys() & second.keys()):
        left, right = Counter(map(repr, first[table])), Counter(map(repr, second[table]))
        tally.expect(
            left == right,
            f"table {table}, {what}: {len(first[table])} and {len(second[table])} rows; only in "
            f"the first {list(left - right)[:2]}, only in the second {list(right - left)[:2]}",
        )


def dump(data: Path, *, places: bool = True) -> dict[str, Rows]:
    """All rows of all public tables."""
    found = {}
    for table in tables(data):
        left_out = () if places else PLACES.get(table, ())
        if left_out is None:
            continue
        columns = [row[1] for row in rows(data, f"pragma table_info('{table}')")]
        chosen = ", ".join(f'"{column}"' for column in columns if column not in left_out)
        found[table] = rows(data, f'select {chosen} from "{table}"')
    return found


CONTENT = {
    "reports": "select id, issuer_id, year, scope, form, title, published_on, url, status from reports",
    "issuers": "select id, name, division, level, kind, parent from issuers",
    "versions": "select report_id, number, title, form, content_digest, flags, numbers_read from versions",
    "figures": "select report_id, number, figures.* from figures join versions on id = version_id",
    "notes": "select report_id, number, field, state, printed from cell_notes join versions on id = version_id",
    "findings": "select report_id, number, rule, position, verdict, expected, actual, blame"
    " from findings join versions on id = version_id",
    "changes": "select report_id, position, field, section, aspect, before, after from changes",
    "sightings": "select url, night, role, title, verdict, report_id, reason from sightings",
    "events": "select report_id, kind, night, url from events",
}


def check_content(tally: Tally, data: Path, undisturbed: Path) -> None:
    """(d) An archive says what that of an undisturbed crawl of the same nights says; moments, and
    how often something was asked, may differ."""
    expected = content(undisturbed)
    for name, found in content(data).items():
        left, right = Counter(map(repr, found)), Counter(map(repr, expected[name]))
        tally.expect(
            left == right,
            f"{name} differ from an undisturbed crawl: only here {list(left - right)[:3]}, "
            f"only there {list(right - left)[:3]}",
        )
    tally.expect(bool(rows(data, "select 1 from reports limit 1")), "the archive is empty")


def content(data: Path) -> dict[str, Rows]:
    """What an archive says, without moments and places."""
    found = {name: rows(data, sql) for name, sql in CONTENT.items()}
    # The name of a version is that of a payload, which holds a visitor counter.
    found["figures"] = [row[:2] + row[3:] for row in found["figures"]]
    return {name: sorted(listed, key=repr) for name, listed in found.items()}


@dataclass(frozen=True)
class Before:
    """What a data folder held at a moment, all of which must be there for ever."""

    captures: frozenset[tuple[str, str, str]]
    versions: frozenset[str]
    reports: frozenset[str]
    files: dict[str, tuple[int, str]]
    """Size and digest: closed files stay as they are, lists only grow."""


def remember(data: Path) -> Before:
    """What is stored now."""
    there = (data / DATABASE).exists()
    return Before(
        frozenset((one.url, one.fetched_at, one.digest) for one in answers(data)),
        frozenset(name for (name,) in rows(data, "select id from versions"))
        if there
        else frozenset(),
        frozenset(name for (name,) in rows(data, "select id from reports"))
        if there
        else frozenset(),
        {
            str(path.relative_to(data)): _state(path)
            for pattern in ("warc/*.gz", "sightings/*.jsonl", "manifests/*", "*.csv")
            for path in data.glob(pattern)
        },
    )


def _state(path: Path, size: int | None = None) -> tuple[int, str]:
    content = path.read_bytes()[:size]
    return len(content), hashlib.sha256(content).hexdigest()


def check_nothing_lost(tally: Tally, data: Path, before: Before) -> None:
    """(e) All that was stored before is there, and closed files are as they were."""
    captures = {(one.url, one.fetched_at, one.digest) for one in answers(data)}
    tally.none(before.captures - captures, "captures that were there before")
    if before.versions:
        versions = {name for (name,) in rows(data, "select id from versions")}
        reports = {name for (name,) in rows(data, "select id from reports")}
        tally.none(before.versions - versions, "versions that were there before")
        tally.none(before.reports - reports, "reports that were there before")
    for name, state in before.files.items():
        path = data / name
        there = path.exists() and _state(path, state[0]) == state
        tally.expect(there, f"{name} was there before and is gone or changed")


def check_standing(tally: Tally, data: Path, before: Before) -> None:
    """What must hold at any moment, even right after a kill: the archive and the site in place
    are whole, and no acknowledged capture is lost."""
    for name, path in (("archive", data / DATABASE), ("site", data / "site" / DATABASE)):
        if before.versions and name == "archive":
            tally.expect(path.exists(), "the archive has vanished")
        if not path.exists():
            tally.expect(
                not (data / "site").is_symlink() or name == "archive", "site leads nowhere"
            )
            continue
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
                tally.same(
                    db.execute("pragma integrity_check").fetchall(), [("ok",)], f"{name} in place"
                )
                known = {one for (one,) in db.execute("select id from versions")}
        except sqlite3.Error as error:
            tally.expect(False, f"{name} in place cannot be read: {error}")
            continue
        if name == "archive":
            tally.none(before.versions - known, "versions missing in the archive in place")
    check_acknowledged(tally, data)


def check_tidy(tally: Tally, data: Path, undisturbed: Path) -> None:
    """(f) Nothing is left over after a normal run, and the disk use is that of an undisturbed
    folder and what was fetched twice."""
    # Whose turn it was to be verified is noted where a verification was made.
    found, usual = (shape(one) for one in (data, undisturbed))
    found.pop("verified.db", None)
    usual.pop("verified.db", None)
    tally.same(found, usual, "kinds of files, against an undisturbed folder")
    tally.none(data.glob("**/*.open"), "files left open")
    used, peace = made_again(data), made_again(undisturbed)
    tally.expect(
        used <= 1.5 * peace + 500_000, f"{used} bytes beside the captures; undisturbed {peace}"
    )


def shape(data: Path) -> dict[str, int]:
    """The kinds of names in a data folder; how many there are, but of captures and lines."""
    found: Counter[str] = Counter()
    for path in data.rglob("*"):
        inside = path.relative_to(data)
        if path.is_dir() and not path.is_symlink():
            continue
        # A segment's six hex digits may all be letters; a night may have a second manifest, where
        # a kill left the signature of a first that was never written.
        kind = re.sub(r"-[0-9a-f]{6}(?=\.)|[0-9a-f]*[0-9][0-9a-fTZ]*", "#", str(inside))
        kind = re.sub(r"#(-?#)+", "#", kind)
        found[kind] = (
            1 if inside.parts[0] in ("warc", "sightings", "manifests") else found[kind] + 1
        )
    return dict(found)


def made_again(data: Path) -> int:
    """Bytes of what is no capture and no line."""
    return sum(
        path.stat().st_size
        for path in data.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and path.relative_to(data).parts[0] not in ("warc", "sightings")
    )


def check_all(tally: Tally, data: Path, before: Before) -> None:
    """(a) to (e), after the normal run that follows a disturbance."""
    check_acknowledged(tally, data)
    check_index(tally, data)
    check_verify(tally, data)
    check_rebuild(tally, data)
    check_nothing_lost(tally, data, before)


def tables(data: Path) -> set[str]:
    """The public tables."""
    listed = rows(data, "select name from sqlite_master where type = 'table'")
    return {name for (name,) in listed if not name.startswith("sqlite_")}


def rows(data: Path, sql: str) -> Rows:
    """What the archive of a data folder answers."""
    with closing(sqlite3.connect(f"file:{data / DATABASE}?mode=ro", uri=True)) as db:
        return db.execute(sql).fetchall()
