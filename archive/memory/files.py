"""Which closed files were taken in, and what of them cannot be read?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from typing import Any

from archive.memory.captures import HELD
from archive.memory.due import Due
from archive.sightings import BadLine, PortalLine, Sighting, Visit
from archive.warc import Capture, Damage


@dataclass(frozen=True, slots=True)
class File:
    """A closed file that was taken in."""

    id: int
    name: str
    size: int
    stamp: str
    sha256: str


class Files(Due):
    """The part of the memory that is about closed files."""

    def files(self, folder: str) -> dict[str, File]:
        """What was taken in of a folder, by name."""
        rows = self.db.execute(
            "select id, name, size, stamp, sha256 from files where folder = ?", (folder,)
        )
        return {row[1]: File(*row) for row in rows}

    def _file(self, folder: str, name: str, size: int, stamp: str, sha256: str) -> int:
        cursor = self.db.execute(
            "insert into files (folder, name, size, stamp, sha256) values (?, ?, ?, ?, ?)",
            (folder, name, size, stamp, sha256),
        )
        self.touch()
        return int(cursor.lastrowid or 0)

    def take_segment(
        self, name: str, size: int, stamp: str, sha256: str, records: Iterable[Capture | Damage]
    ) -> None:
        """Take in a segment's records; whatever waits for one of their digests is due."""
        with self.transaction():
            file = self._file("warc", name, size, stamp, sha256)
            for record in records:
                if isinstance(record, Damage):
                    self.db.execute(
                        "insert or replace into damages values (?, ?, ?)",
                        (file, record.offset, record.reason),
                    )
                    continue
                headers = {name.lower(): value for name, value in record.headers}
                self.db.execute(
                    "insert into captures values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(file, record.offset, record.digest, record.url, record.fetched_at),
                        *(record.status, record.media_type, headers.get("content-type", "")),
                        record.record_type,
                    ),
                )
            self.db.execute(
                "update files set (captures, first_at, last_at) ="
                " (select count(*), min(fetched_at), max(fetched_at) from captures"
                " where file = ?1),"
                " damaged = (select count(*) from damages where file = ?1) where id = ?1",
                (file,),
            )
            self.db.execute("insert into due_files values (?)", (file,))
            self._due_by_digests(file)

    def _due_by_digests(self, file: int) -> None:
        """Pages that showed bytes this file holds are due: where bytes lie decides what was said
        of them. Revisits hold none."""
        self.db.execute(
            "insert or ignore into due_pages select r.page from captures c"
            " join report_lines r on r.digest = c.digest and r.verdict in ('ok', 'not_modified')"
            f" where c.file = ? and c.record_type in ({HELD})",
            (file,),
        )

    def take_sightings(
        self,
        name: str,
        size: int,
        stamp: str,
        sha256: str,
        lines: Iterable[tuple[int, Sighting | PortalLine | Visit | BadLine]],
    ) -> None:
        """Take in the lines of a file of sightings; the pages they are about are due."""
        with self.transaction():
            file = self._file("sightings", name, size, stamp, sha256)
            for number, line in lines:
                if isinstance(line, Sighting):
                    values = astuple(line)
                    self.db.execute(
                        f"insert into report_lines (file, number, page,"
                        f" {', '.join(Sighting.__slots__)})"
                        f" values ({', '.join('?' * (len(values) + 3))})",
                        (file, number, line.page, *values),
                    )
                elif isinstance(line, PortalLine):
                    self.db.execute(
                        "insert into portal_lines values (?, ?, ?, ?, ?, ?, ?)",
                        (
                            *(file, number, line.id, line.night, line.state),
                            *(line.moment, json.dumps(line.said)),
                        ),
                    )
                elif isinstance(line, Visit):
                    self.db.execute(
                        "insert into visit_lines values (?, ?, ?, ?, ?, ?)",
                        (
                            *(file, number, line.portal_id, line.night, line.moment),
                            json.dumps(line.row),
                        ),
                    )
                else:
                    self.db.execute(
                        "insert into bad_lines values (?, ?, ?)", (file, number, line.reason)
                    )
            self._due_by_lines(file)

    def _due_by_lines(self, file: int) -> None:
        self.db.execute(
            "insert or ignore into due_portals select id from portal_lines where file = ?1"
            " union select portal_id from visit_lines where file = ?1"
            " union select portal_id from report_lines where file = ?1",
            (file,),
        )
        self.db.execute(
            "insert or ignore into due_pages select page from report_lines where file = ?", (file,)
        )
        self.db.execute(
            "insert or ignore into due_sightings select url, night from report_lines"
            " where file = ?",
            (file,),
        )
        self.db.execute(
            "insert or ignore into due_visits select portal_id, night from visit_lines"
            " where file = ?",
            (file,),
        )
        # Whether the home page answered that night decides what a missing page means.
        self.db.execute(
            "insert or ignore into due_pages select r.page from portal_lines l"
            " join report_lines r on r.portal_id = l.id and r.night = l.night where l.file = ?",
            (file,),
        )

    def restamp(self, folder: str, name: str, stamp: str) -> None:
        """Note the stamp of a file that was touched and has not changed."""
        self.db.execute(
            "update files set stamp = ? where folder = ? and name = ?", (stamp, folder, name)
        )

    def forget_file(self, folder: str, name: str) -> None:
        """Undo the taking in of a file that is gone or has changed."""
        with self.transaction():
            (file,) = self.db.execute(
                "select id from files where folder = ? and name = ?", (folder, name)
            ).fetchone()
            if folder == "warc":
                self._due_by_digests(file)
                self.db.execute(
                    "insert or replace into due_digests"
                    " select distinct digest, '' from captures where file = ?",
                    (file,),
                )
                self.db.execute("delete from due_files where file = ?", (file,))
                tables = ["captures", "damages"]
            else:
                self._due_by_lines(file)
                tables = ["report_lines", "portal_lines", "visit_lines", "bad_lines"]
            for table in tables:
                self.db.execute(f"delete from {table} where file = ?", (file,))
            self.db.execute("delete from files where id = ?", (file,))
            self.touch()

    def segment_rows(self) -> Iterator[dict[str, Any]]:
        """A row for each segment taken in, as the archive lists them."""
        names = ("warc_file", "sha256", "bytes", "captures", "damaged", "first_at", "last_at")
        rows = self.db.execute(
            "select name, sha256, size, captures, damaged, first_at, last_at from files"
            " where folder = 'warc' order by name"
        )
        return (dict(zip(names, row, strict=True)) for row in rows)

    def sighting_file_rows(self) -> Iterator[dict[str, Any]]:
        """The same for the files of sightings."""
        rows = self.db.execute(
            "select name, sha256, size from files where folder = 'sightings' order by name"
        )
        return ({"name": name, "sha256": sha256, "bytes": size} for name, sha256, size in rows)

    def damages(self) -> Iterator[Damage]:
        """Every place of the segments that could not be verified."""
        rows = self.db.execute(
            "select name, offset, reason from damages join files on files.id = file"
            " order by name, offset"
        )
        return (Damage(*row) for row in rows)

    def bad_lines(self) -> list[str]:
        """The places of lines of the sightings that could not be read."""
        rows = self.db.execute(
            "select name, number from bad_lines join files on files.id = file order by 1, 2"
        )
        return [f"{name} line {number}" for name, number in rows]
