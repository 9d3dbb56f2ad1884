"""Releases for download: what `python -m archive export` wrote, under /download/.

A release is a folder with SHA256SUMS and datapackage.json in the folder that the operator names
(`releases` in the plugin's settings). Only what its SHA256SUMS names is served, under that very
name. `withdrawn.csv` there (name,date,reason) says which releases were taken back, and why.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import logging
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from datasette import hookimpl
from datasette.views.base import DatasetteError
from starlette.responses import FileResponse

from .answers import csv_response, json_response, page
from .caching import BYTES
from .caching import names as names_tag
from .memento import origin

SUMS, DESCRIPTOR, WITHDRAWN = "SHA256SUMS", "datapackage.json", "withdrawn.csv"
WITHDRAWN_COLUMNS = ("name", "date", "reason")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
# Where an export is at work, or keeps what it replaces.
UNFINISHED = (".new", ".old")
SUM = re.compile(r"([0-9a-f]{64}) [ *](.+)")
# SHA256SUMS names some sixty files, datapackage.json tells of each: far below these.
LARGEST_SUMS, LARGEST_DESCRIPTOR = 1_000_000, 50_000_000
TYPES = {
    ".csv": "text/csv; charset=utf-8; header=present",
    ".parquet": "application/vnd.apache.parquet",
    ".jsonl": "application/jsonl; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    "": "text/plain; charset=utf-8",
}
LONGEST_RANGE = 200
LOG = logging.getLogger("nianbao.site")


@dataclass(frozen=True, slots=True)
class File:
    """A file of a release: its path there, bytes, SHA-256, and rows where it has any."""

    path: str
    bytes: int
    sha256: str
    rows: int | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """A release: its folder's name, title, the last night it knows, the year it is cut to."""

    name: str
    title: str
    version: str
    year: int | None
    licence: str
    files: tuple[File, ...]

    @property
    def bytes(self):
        return sum(file.bytes for file in self.files)


# By folder and what tells one state of its lists from another.
READ = {}


def folder_of(datasette):
    """The folder of releases; None where none is named."""
    named = (datasette.plugin_config("nianbao") or {}).get("releases")
    return Path(named) if named else None


def is_name(name):
    return bool(NAME.fullmatch(name)) and not name.endswith(UNFINISHED)


def withdrawn(folder):
    """What was taken back: name → date and reason. Where the list cannot be read, nobody knows
    what may be given out: then nothing is (503)."""
    path = folder / WITHDRAWN
    if not os.path.lexists(path):
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return withdrawn_of(csv.reader(file, strict=True))
    except (OSError, ValueError, csv.Error) as error:
        LOG.error("%s cannot be read: %s", path, error)
        raise DatasetteError("撤回清单无法读取，暂不提供下载", status=503) from error


def withdrawn_of(lines):
    """The lines of a list as name → date and reason. Raises ValueError where any of it is not as
    it should be: what is misread would be given out again."""
    head, *rest = [line for line in lines if line] or [[]]
    if tuple(head) != WITHDRAWN_COLUMNS:
        raise ValueError(f"its first line is {','.join(head)!r}, not name,date,reason")
    found = {}
    for line in rest:
        name, day, reason = [cell.strip() for cell in line] if len(line) == 3 else ("", "", "")
        if not (NAME.fullmatch(name) and DAY.fullmatch(day) and reason):
            raise ValueError(f"{','.join(line)!r} is not the name of a release, a day, a reason")
        found[name] = {"date": day, "reason": reason}
    return found


def listed_releases(datasette):
    """The releases there are, the latest first; those of single years after the whole ones.
    Raises 503 where nobody knows what was withdrawn."""
    folder = folder_of(datasette)
    if folder is None or not folder.is_dir():
        return []
    gone = withdrawn(folder)
    found = [
        release
        for path in sorted(folder.iterdir())
        if is_name(path.name) and path.name not in gone and (release := read(path)) is not None
    ]
    found.sort(key=lambda release: (release.year or 9999, release.name), reverse=True)
    return sorted(found, key=lambda release: release.version, reverse=True)


def read(path):
    """The release in a folder, None where there is none. It is read again when a list changes."""
    try:
        if path.is_symlink():
            return None
        state = tuple(
            (found.st_mtime_ns, found.st_size, found.st_ino)
            for found in (os.lstat(path / name) for name in (SUMS, DESCRIPTOR))
        )
        known = READ.get(path)
        if known is None or known[0] != state:
            known = READ[path] = (state, release_of(path))
        return known[1]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def release_of(path):
    """Raises OSError or ValueError where the folder's lists are not whole."""
    sums_text = text_of(path / SUMS, LARGEST_SUMS)
    described = json.loads(text_of(path / DESCRIPTOR, LARGEST_DESCRIPTOR))
    told = {resource["path"]: resource for resource in described["resources"]}
    files = [
        File(
            SUMS,
            len(sums_text.encode()),
            hashlib.sha256(sums_text.encode()).hexdigest(),
        )
    ]
    for line in sums_text.splitlines():
        found = SUM.fullmatch(line)
        if not found or not inside(found[2]):
            raise ValueError(f"{path / SUMS}: {line!r} names no file of a release")
        about = told.get(found[2], {})
        files.append(
            File(
                found[2],
                about["bytes"] if "bytes" in about else os.lstat(path / found[2]).st_size,
                found[1],
                about.get("rows"),
                str(about.get("title") or ""),
            )
        )
    year = re.search(r"-(\d{4})$", str(described.get("name") or ""))
    licences = [str(one.get("name") or one.get("path")) for one in described.get("licenses") or ()]
    return Release(
        path.name,
        str(described.get("title") or path.name),
        str(described.get("version") or ""),
        int(year[1]) if year else None,
        "、".join(licences),
        tuple(files),
    )


def text_of(path, most):
    if os.lstat(path).st_size > most:
        raise ValueError(f"{path} is larger than {most} bytes")
    return path.read_text(encoding="utf-8")


def inside(name):
    """Whether a path of a list stays in its folder: relative, plain parts, no way up."""
    parts = name.split("/")
    return (
        "\\" not in name
        and "\0" not in name
        and all(part not in ("", ".", "..") for part in parts)
        and not PurePosixPath(name).is_absolute()
    )


def as_json(release, base):
    return {
        "name": release.name,
        "title": release.title,
        "version": release.version,
        "year": release.year,
        "license": release.licence,
        "bytes": release.bytes,
        "url": f"{base}/download/{release.name}",
        "files": [file_json(release, file, base) for file in release.files],
    }


def file_json(release, file, base):
    told = {
        "path": file.path,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "url": f"{base}/download/{release.name}/{file.path}",
    }
    return told if file.rows is None else {**told, "rows": file.rows}


FILE_COLUMNS = ("release", "version", "year", "path", "bytes", "sha256", "rows", "url")


def file_lines(releases, base):
    return [
        {
            **file_json(release, file, base),
            "release": release.name,
            "version": release.version,
            "year": release.year,
        }
        for release in releases
        for file in release.files
    ]


async def downloads(datasette, request):
    releases, folder = listed_releases(datasette), folder_of(datasette)
    base, form = origin(datasette, request), request.url_vars.get("format")
    gone = withdrawn(folder) if folder else {}
    if form == "json":
        body = {
            "releases": [as_json(release, base) for release in releases],
            "withdrawn": [{"name": name, **told} for name, told in gone.items()],
        }
        return json_response(body)
    if form == "csv":
        return csv_response(file_lines(releases, base), FILE_COLUMNS, "downloads.csv")
    return await page(
        datasette,
        request,
        "downloads.html",
        section="data",
        releases=releases,
        withdrawn=gone,
        base=base,
    )


def named(datasette, name):
    """The release of a name. Raises 410 with the reason where it was withdrawn, 404 where there is
    none."""
    folder = folder_of(datasette)
    if folder is None or not folder.is_dir() or not is_name(name):
        raise DatasetteError("没有这次发布。现有的见 /download", status=404)
    told = withdrawn(folder).get(name)
    if told:
        raise DatasetteError(f"这次发布已于 {told['date']} 撤回：{told['reason']}", status=410)
    release = read(folder / name)
    if release is None:
        raise DatasetteError("没有这次发布。现有的见 /download", status=404)
    return release


async def one_release(datasette, request):
    release = named(datasette, request.url_vars["release"])
    base, form = origin(datasette, request), request.url_vars.get("format")
    if form == "json":
        return json_response(as_json(release, base))
    if form == "csv":
        return csv_response(file_lines([release], base), FILE_COLUMNS, f"{release.name}.csv")
    return await page(
        datasette, request, "release.html", section="data", release=release, base=base
    )


async def one_file(datasette, request, scope, receive, send):
    """A file of a release, whole or in part (RFC 9110 ranges), as it lies on the disk."""
    release = named(datasette, request.url_vars["release"])
    wanted = request.url_vars["path"]
    file = next((file for file in release.files if file.path == wanted), None)
    path = folder_of(datasette) / release.name / wanted
    found = plain_file(path) if file else None
    if found is None:
        raise DatasetteError("这次发布没有这个文件。全部文件见其清单", status=404)
    if found.st_size != file.bytes:
        raise DatasetteError("这个文件与清单所记的大小不符，暂不提供", status=503)
    tag = f'"{file.sha256}"'
    headers = {
        "ETag": tag,
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(file.sha256)).decode()}:",
        # A proxy that packs it on the way would break what Range and digests say.
        "Cache-Control": f"{BYTES}, no-transform",
        "Accept-Ranges": "bytes",
        "X-Robots-Tag": "noindex",
        "Content-Disposition": f'attachment; filename="{release.name}-{path.name}"',
    }
    if names_tag(request.headers.get("if-none-match"), tag):
        kept = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 304, "headers": kept})
        await send({"type": "http.response.body", "body": b""})
        return
    # Ranges beyond counting are asked for by nobody who wants a file: these get the whole.
    too_many = len(request.headers.get("range") or "") > LONGEST_RANGE
    pairs = [pair for pair in scope["headers"] if not (too_many and pair[0] == b"range")]
    answer = FileResponse(
        path,
        headers=headers,
        media_type=TYPES.get(path.suffix, "application/octet-stream"),
        stat_result=found,
    )
    await answer({**scope, "headers": pairs}, receive, send)


def plain_file(path):
    """The stat of a file that is one, in a folder that is one; None of links and anything else."""
    try:
        if path.parent.is_symlink():
            return None
        found = os.lstat(path)
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


@hookimpl
def register_routes():
    release = r"^/download/(?P<release>[A-Za-z0-9][A-Za-z0-9._-]*?)"
    return [
        (r"^/download/?(?:\.(?P<format>json|csv))?$", downloads),
        (release + r"/?(?:\.(?P<format>json|csv))?$", one_release),
        (r"^/download/(?P<release>[^/]+)/(?P<path>.+)$", one_file),
    ]
