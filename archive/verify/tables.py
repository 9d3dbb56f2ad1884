"""Does the archive contradict itself? Reports, versions and sightings against captures."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path

from archive.verify.problems import Problem, bounded, note
from archive.versions import NAME_LENGTH

REBUILD = "run `python -m archive build --rebuild`; if it stays so, report it"
BUILD = "run `python -m archive build`"
MOST_DANGLING = 1000
NAME = re.compile(rf"[0-9a-f]{{{NAME_LENGTH}}}")


def opened(path: Path | None) -> sqlite3.Connection:
    """An archive to be read only, as it is at this moment; an empty database for None."""
    if path is None:
        return sqlite3.connect("")
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def has_table(db: sqlite3.Connection, *names: str) -> bool:
    """Whether an archive has all these tables: those of earlier programs lack some."""
    query = "select 1 from main.sqlite_master where type = 'table' and name = ?"
    return all(db.execute(query, (name,)).fetchone() for name in names)


def archive_segments(db: sqlite3.Connection) -> Iterator[tuple[str, str | None]]:
    """Every segment the archive knows, by its row or by its captures, with its SHA-256 if noted."""
    noted: dict[str, str | None] = {}
    if has_table(db, "segments"):
        noted.update(db.execute("select warc_file, sha256 from segments"))
    if has_table(db, "captures"):
        # Step by step along the primary key: `distinct` would read every row.
        query = "select min(warc_file) from captures where warc_file > ?"
        name = ""
        while (found := db.execute(query, (name,)).fetchone()[0]) is not None:
            noted.setdefault(name := found, None)
    yield from noted.items()


def check_tables(
    db: sqlite3.Connection,
    parser: str,
    waits: tuple[str, str] | None,
    unsettled: Collection[str] = (),
) -> Iterator[Problem]:
    """Everything in which the archive contradicts itself.

    `parser` is the version of the reader at hand; `waits` says why captures may be absent
    (segments not folded, damage that is known) and what to do, where they may. What only follows
    from a row of `captures` that is wrong, as was told of it, is passed over: `unsettled` are their
    digests.
    """
    checks = [_dangling(db)]
    if has_table(db, "versions", "captures", "reports"):
        checks += [
            _names(db, unsettled),
            _without_capture(db, unsettled),
            _wrong_report(db),
            _reports(db),
        ]
        checks += [_no_parser(db), _other_parser(db, parser)]
    if has_table(db, "captures"):
        checks.append(_revisits(db, waits, unsettled))
    if has_table(db, "sightings", "captures"):
        checks.append(_sightings(db, waits, unsettled))
    if has_table(db, "redirects"):
        checks.append(_redirects(db))
    for found in checks:
        yield from bounded(found)


def check_file(db: sqlite3.Connection) -> Iterator[Problem]:
    """Whether the file is sound and has its captures."""
    for (verdict,) in db.execute("pragma integrity_check(1)"):
        if verdict != "ok":
            yield damaged(verdict)
    if not has_table(db, "captures"):
        yield damaged("it has no table `captures`")


def damaged(why: str) -> Problem:
    """What to say of an archive that cannot be asked."""
    return Problem(
        *("archive-damaged", "nianbao.db", "the archive is damaged", why),
        "run `python -m archive build --rebuild`; captures, ledger and names are kept apart",
    )


# --- versions and reports -------------------------------------------------------------------------


def _names(db: sqlite3.Connection, unsettled: Collection[str]) -> Iterator[Problem]:
    """Versions with captures, none of which bears the name: then it must be that of the content,
    as it is where an annex was taken away and no payload is new."""
    for version_id, content_digest in db.execute(
        "select v.id, v.content_digest from versions v where exists "
        "(select 1 from captures c where c.version_id = v.id) and not exists "
        "(select 1 from captures c where c.version_id = v.id and "
        f"substr(c.digest, 1, {NAME_LENGTH}) = substr(v.id, length(v.report_id) + 2))"
    ):
        name = version_id.rpartition("/")[2]
        own = hashlib.sha256((content_digest or "").encode()).hexdigest()[:NAME_LENGTH]
        if name != own and not _begins(unsettled, name):
            yield Problem(
                *("version-name", f"version {version_id}"),
                f"no capture that shows it has a digest that begins {name}",
                f"neither does the digest of its content, {own}",
                REBUILD,
            )


def _without_capture(db: sqlite3.Connection, unsettled: Collection[str]) -> Iterator[Problem]:
    for version_id, content_digest in db.execute(
        "select v.id, v.content_digest from versions v "
        "where not exists (select 1 from captures c where c.version_id = v.id)"
    ):
        name = version_id.rpartition("/")[2]
        kept = NAME.fullmatch(name) and db.execute(
            "select 1 from captures where digest >= ? and digest < ? limit 1", (name, name + "g")
        )
        own = hashlib.sha256((content_digest or "").encode()).hexdigest()[:NAME_LENGTH]
        # A payload that two versions share is counted for one of them; a version between two
        # nights may have been shown by payloads that are all counted for others.
        if name == own or (kept and kept.fetchone()) or _begins(unsettled, name):
            continue
        yield Problem(
            *("version-without-capture", f"version {version_id}", "no capture shows it"),
            *("no row of `captures` names it, nor has one its digest", REBUILD),
        )


def _begins(digests: Collection[str], name: str) -> bool:
    return any(digest.startswith(name) for digest in digests)


def _wrong_report(db: sqlite3.Connection) -> Iterator[Problem]:
    for version_id, report_id in db.execute(
        "select id, report_id from versions where "
        "substr(id, 1, length(report_id) + 1) <> report_id || '/' or "
        f"length(id) <> length(report_id) + 1 + {NAME_LENGTH}"
    ):
        yield Problem(
            *("version-name", f"version {version_id}", f"it is no version of {report_id}"),
            *("its id is not the report's and 12 digits", REBUILD),
        )


def _reports(db: sqlite3.Connection) -> Iterator[Problem]:
    for report_id, issuer_id, year, current in db.execute(
        "select r.id, r.issuer_id, r.year, r.current_version from reports r "
        "left join versions v on v.id = r.current_version "
        "where r.current_version is null or v.report_id <> r.id "
        "or r.id <> r.issuer_id || '/' || r.year"
    ):
        where = f"report {report_id}"
        if report_id != f"{issuer_id}/{year}":
            why = f"issuer_id is {issuer_id}, year {year}"
            yield Problem("report-name", where, "its id is not its body and year", why, REBUILD)
        else:
            why = f"current_version is {current}"
            yield Problem("report-current", where, "it has no current version", why, REBUILD)


def _no_parser(db: sqlite3.Connection) -> Iterator[Problem]:
    for (version_id,) in db.execute("select id from versions where coalesce(parser, '') = ''"):
        yield Problem(
            *("version-parser", f"version {version_id}", "what read it is not recorded"),
            *("parser is empty", REBUILD),
        )


def _other_parser(db: sqlite3.Connection, parser: str) -> Iterator[Problem]:
    for other, count in db.execute(
        "select parser, count(*) from versions where parser <> ? and parser <> '' group by 1",
        (parser,),
    ):
        yield note(
            *("parser-differs", "nianbao.db", f"{count} versions were read by reader {other}"),
            *(f"the reader at hand is {parser}", BUILD),
        )


# --- captures and sightings -----------------------------------------------------------------------


def _revisits(
    db: sqlite3.Connection, waits: tuple[str, str] | None, unsettled: Collection[str]
) -> Iterator[Problem]:
    query = (
        "select url, fetched_at, warc_file, offset, digest from captures c "
        "where record_type = 'revisit' and not exists (select 1 from captures b "
        "where b.digest = c.digest and b.record_type in ('response', 'conversion'))"
    )
    for url, fetched_at, warc_file, offset, digest in db.execute(query):
        if digest in unsettled:
            continue
        yield Problem(
            *("revisit-without-response", f"warc/{warc_file} at {offset}"),
            f"the capture of {url} at {fetched_at} refers to bytes nobody has",
            *(
                waits
                or (
                    f"no response has the digest {digest}",
                    "restore the segment that held them from the backup, then build",
                )
            ),
            is_note=waits is not None,
        )


def _sightings(
    db: sqlite3.Connection, waits: tuple[str, str] | None, unsettled: Collection[str]
) -> Iterator[Problem]:
    query = (
        "select url, night, digest from sightings s where verdict = 'ok' and digest is not null "
        "and not exists (select 1 from captures c where c.digest = s.digest)"
    )
    for url, night, digest in db.execute(query):
        if digest in unsettled:
            continue
        yield Problem(
            *("sighting-without-capture", f"sighting of {url} on {night}"),
            "what was seen is not among the captures",
            *(
                waits
                or (
                    f"none has the digest {digest}",
                    "restore the segment of that night from the backup, then build",
                )
            ),
            is_note=waits is not None,
        )


# --- what points where ----------------------------------------------------------------------------


def _dangling(db: sqlite3.Connection) -> Iterator[Problem]:
    """What rows refer to and what is not there, each with the tables that refer to it."""
    missing: dict[tuple[str, str], set[str]] = {}
    for table, row, parent, number in db.execute("pragma foreign_key_check"):
        column = next(
            key[3] for key in db.execute(f'pragma foreign_key_list("{table}")') if key[0] == number
        )
        query = f'select "{column}" from "{table}" where rowid = ?'
        (value,) = db.execute(query, (row,)).fetchone()
        if len(missing) < MOST_DANGLING or (parent, value) in missing:
            missing.setdefault((parent, value), set()).add(table)
    for (parent, value), tables in sorted(missing.items()):
        why = f"rows of {', '.join(sorted(tables))} refer to it"
        yield Problem(
            "dangling", f"nianbao.db: {parent} {value}", "it does not exist", why, REBUILD
        )


def _redirects(db: sqlite3.Connection) -> Iterator[Problem]:
    for path, target in db.execute("select path, target from redirects where target is not null"):
        passed = {path}
        while target is not None and not is_present(db, target):
            if target in passed:
                why = "it leads back to itself"
                break
            passed.add(target)
            row = db.execute("select target from redirects where path = ?", (target,)).fetchone()
            if row is None:
                why = f"there is no {target}"
                break
            target = row[0]
        else:
            continue
        yield Problem("redirect-dangling", f"redirect of {path}", "it leads nowhere", why, REBUILD)


def is_present(db: sqlite3.Connection, path: str) -> bool:
    """Whether a path below /r/ is a report or a version of the archive."""
    table = "versions" if path.count("/") > 1 else "reports"
    return db.execute(f"select 1 from {table} where id = ?", (path,)).fetchone() is not None
