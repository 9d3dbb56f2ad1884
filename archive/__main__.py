"""python -m archive COMMAND: options end here, and errors become sentences.

Every night: build, publish, verify. Keep: backup, restore, salvage, ledger. Prove: manifest,
prove. Pass on: export, checkout. Look: parse, selfcheck. A command imports what it needs when it
runs: reading one page loads no database.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from traceback import walk_tb
from types import FrameType
from typing import Any, NoReturn

import click

from archive.model import Evidence, Reading
from archive.record import record

# A worker costs more to start than so many pages to read.
FILES_PER_WORKER = 8
SECTIONS = {
    "Every night": ("build", "publish", "verify"),
    "Keep what cannot be made again": ("backup", "restore", "salvage", "ledger"),
    "Prove when a report was there": ("manifest", "prove"),
    "Pass the archive on": ("export", "checkout"),
    "Look at one report": ("parse", "selfcheck"),
}
LONGEST = 200
INTERRUPTED = threading.Event()
# The folders of what was captured, and how their files end.
CAPTURED = {"warc": ".warc.gz", "sightings": ".jsonl"}
# What to do about an error of the operating system, by its number.
ADVICE = {
    errno.ENOSPC: "the disk is full: free it, then start the same command again",
    errno.EDQUOT: "the quota is used up: free some of it, then start the same command again",
    errno.EFBIG: "no file may be so large here (ulimit -f): allow it, then start again",
    errno.EROFS: "it is mounted to be read only: mount it so that it can be written",
    errno.EACCES: "this user may not: see whose it is and what its permissions are",
    errno.EPERM: "this user may not: see whose it is and what its permissions are",
    errno.EISDIR: "it is a folder where a file should be: move it away",
    errno.ENOTDIR: "it is a file where a folder should be, or lies in one: move it away",
    errno.ENOENT: "it is not there: see how it is spelled",
    errno.EEXIST: "something else has that name: move it away, or give another",
    errno.ENOTEMPTY: "it is a folder with files in it: move it away",
    errno.EMFILE: "too many files are open (ulimit -n): allow more, then start again",
    errno.EIO: "the disk is failing: see to it, then start the same command again",
}


class Command(click.Command):
    """A command within the outer boundary."""

    def invoke(self, ctx: click.Context) -> Any:
        """Do what was asked for."""
        with _plainly():
            return super().invoke(ctx)


class Commands(click.Group):
    """The commands by what they are for."""

    command_class = Command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands of each section with the first sentence of their help."""
        for heading, names in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [(name, self.commands[name].get_short_help_str(LONGEST)) for name in names]
                )


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Make an archive of the annual reports that were crawled, keep it and prove it.

    What a crawl captured lies in a data folder, DATA. `COMMAND --help` tells more.
    """


@main.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--manifest",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON Lines of {file, url?, portal_name?, listed_title?, attachments?}, in order.",
)
@click.option("--url", help="Where the file was found.")
@click.option("--portal-name", help="The site's own name, such as 朔州市人民政府.")
@click.option("--listed-title", help="The title under which a list names the file.")
@click.option(
    "--attachment",
    "attachments",
    multiple=True,
    type=click.Path(path_type=Path),
    help="An annex of the one FILE, read with it; may be given again.",
)
def parse(
    files: tuple[Path, ...],
    manifest: Path | None,
    url: str | None,
    portal_name: str | None,
    listed_title: str | None,
    attachments: tuple[Path, ...],
) -> None:
    """Print one JSON object a line for each FILE: what it is and every cell, as printed."""
    if bool(files) == bool(manifest):
        raise click.UsageError("Give FILEs or --manifest FILE.jsonl, one of the two.")
    if attachments and len(files) != 1:
        raise click.UsageError("--attachment belongs to one FILE; a manifest names attachments.")
    from archive.workers import Failure, read_each, start

    start()
    from archive.files import Entry, read_entry

    shared = Evidence(url=url, portal_name=portal_name, listed_title=listed_title)
    entries = (
        [Entry(*listed) for listed in _manifest(manifest)]
        if manifest
        else [Entry(file, shared, attachments) for file in files]
    )
    workers = min(-(-len(entries) // FILES_PER_WORKER), os.cpu_count() or 1)
    # Closed: an interrupted command ends its processes before it ends itself.
    with closing(read_each(entries, read_entry, workers)) as readings:
        for entry, read in readings:
            reading = Reading(False, read.reason) if isinstance(read, Failure) else read
            line = json.dumps({"file": str(entry.file), **record(reading)}, ensure_ascii=False)
            # A lone surrogate (a file's name, a manifest's) has no UTF-8: it is printed as "?".
            click.echo(line.encode("utf-8", "replace").decode("utf-8"))


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to answer at.")
@click.option(
    "--port",
    default=8002,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="The port to answer at.",
)
@click.option(
    "--fd",
    type=click.IntRange(3),
    hidden=True,
    help="A listening socket to inherit; the end of standard input ends the command.",
)
def selfcheck(host: str, port: int, fd: int | None) -> None:
    """Read drafts that are posted, one JSON object each, until Ctrl-C; the site's 年报自检 asks it.

    It keeps nothing and logs nothing of them. It is for the site on this machine, which bounds who
    may ask how often: open it to no network.
    """
    from archive.selfcheck import listen, serve

    if fd is None:
        serve(listen(host, port))
    else:
        serve(socket.socket(fileno=fd), leash=sys.stdin.fileno())


data_option = click.option(
    "--data",
    default="data",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where captures and the archive live.",
)
captures_option = click.option(
    "--captures", help="Folder or URL (s3://…) of the captures, if not --data."
)
takedowns_option = click.option(
    "--takedowns",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file of what is not shown; the one that comes with the program unless told.",
)


@main.command()
@data_option
@click.option("--rebuild", is_flag=True, help="Take every file in and read every document again.")
@click.option(
    "--captures",
    metavar="URL",
    help="Where warc/ and sightings/ lie, a folder or s3://…; --data unless told.",
)
@click.option(
    "--corrections",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file of corrections; the one that comes with the program unless told.",
)
@click.option(
    "--workers",
    default=2,
    show_default=True,
    type=click.IntRange(0),
    help="Processes that read; 0 reads in this one, without limits.",
)
@click.option("--cluster", metavar="tcp://…", help="A Dask scheduler whose workers read instead.")
@click.option(
    "--accept-loss",
    is_flag=True,
    help="Put the archive in place even if it holds much less than the last.",
)
def build(
    data: Path,
    rebuild: bool,
    captures: str | None,
    corrections: Path | None,
    workers: int,
    cluster: str | None,
    accept_loss: bool,
) -> None:
    """Fold captures and sightings into DATA/nianbao.db; again and again, the same result."""
    from archive.build import Options
    from archive.build import build as fold
    from archive.corrections import SHIPPED

    options = Options(captures, corrections or SHIPPED, cluster, accept_loss)
    if captures:
        _demand_captures(captures)
    elif not accept_loss:
        _demand_captures_of_names(data)
    click.echo(fold(data, rebuild, workers, options))


@main.command()
@data_option
@takedowns_option
def publish(data: Path, takedowns: Path | None) -> None:
    """Assemble DATA/site, the snapshot that Datasette serves."""
    from archive.publish import publish as assemble
    from archive.takedowns import SHIPPED

    click.echo(assemble(data, takedowns or SHIPPED))


@main.command()
@data_option
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the release; a former release in it is replaced.",
)
@click.option("--year", type=int, help="Only the reports of this year.")
@takedowns_option
def export(data: Path, target: Path, year: int | None, takedowns: Path | None) -> None:
    """Write a release: all tables as CSV and Parquet, the reports as JSON Lines."""
    from archive.export.release import export as release
    from archive.takedowns import SHIPPED

    click.echo(release(data, target, year, takedowns or SHIPPED))


@main.command()
@click.argument("listing", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
@captures_option
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The fresh data folder.",
)
def checkout(listing: Path, data: Path, captures: str | None, target: Path) -> None:
    """Bring back and verify the captures of a release, as its captures.csv (LISTING) names them."""
    from archive.checkout import checkout as bring

    click.echo(bring(listing, data, target, captures))


@main.command()
@data_option
@click.option(
    "--from",
    "archive",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An archive, DATA/nianbao.db, that was built with the lost ledger.",
)
def ledger(data: Path, archive: Path) -> None:
    """Add to DATA/ledger.csv the ids that an archive has and a lost ledger lacks."""
    from archive import issuers
    from archive.build import LEDGER, LOCK

    if not data.is_dir():
        raise ValueError(f"no data folder {data}: restore it from the backup, or give --data")
    with issuers.locked(data / LOCK) as mine:
        if not mine:
            raise ValueError(f"a build holds {data / LOCK}: wait until it has finished")
        found = issuers.restored(archive, issuers.load_ledger(data / LEDGER))
        issuers.append(data / LEDGER, found)
    click.echo(f"{data / LEDGER}: {len(found)} ids added from {archive}")


@main.command()
@data_option
@captures_option
@click.option("--all", "everything", is_flag=True, help="All segments, not those whose turn it is.")
@click.option(
    "--workers",
    type=click.IntRange(0),
    default=os.cpu_count() or 1,
    show_default=True,
    help="Processes that check; 0 checks in this one.",
)
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line, the summary last.")
def verify(data: Path, captures: str | None, everything: bool, workers: int, as_json: bool) -> None:
    """Check captures, archive, ledger and manifests; list what is off, and then exit with 1."""
    from archive.verify.problems import Problem
    from archive.verify.rounds import verify as check

    def tell(problem: Problem) -> None:
        click.echo(json.dumps(asdict(problem), ensure_ascii=False) if as_json else problem)

    summary = check(data, tell, captures, everything, workers, today=datetime.now(UTC).date())
    click.echo(json.dumps(asdict(summary)) if as_json else summary)
    if summary.problems:
        sys.exit(1)


def _place(_: click.Context, __: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("it is empty: is a variable not set?")
    return value


def _moment(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    from archive.backup.catalogue import BackupError
    from archive.backup.restore import moment

    try:
        return None if value is None else moment(value)
    except BackupError as error:
        raise click.BadParameter(str(error)) from error


@main.command()
@data_option
@click.option(
    "--to",
    "target",
    required=True,
    callback=_place,
    help="Folder or URL (s3://…) of the backup.",
)
@click.option(
    "--also",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file to keep besides, such as portals.csv; may be given again.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Bring nothing; see whether a thirtieth of the backup, another each day, is sound.",
)
@click.option("--all", "everything", is_flag=True, help="With --check: all of it.")
def backup(data: Path, target: str, also: tuple[Path, ...], check: bool, everything: bool) -> None:
    """Bring captures, ledger, published names and frontiers to a backup; overwrite nothing."""
    from archive.backup.check import check as examine
    from archive.backup.put import backup as save

    if everything and not check:
        raise click.UsageError("--all belongs to --check.")
    if check:
        examined = examine(target, everything, datetime.now(UTC).date())
        click.echo(examined)
        if examined.problems:
            sys.exit(1)
        return
    click.echo(save(data, target, also))


@main.command()
@data_option
@click.option(
    "--from",
    "source",
    required=True,
    callback=_place,
    help="Folder or URL (s3://…) of the backup.",
)
@click.option(
    "--at",
    callback=_moment,
    help="The last backup of a day or moment or before: 2026-11-22, 20261122T041500Z.",
)
@click.option("--merge", is_flag=True, help="Add what is missing in a folder that has files.")
@click.option(
    "--without-captures",
    is_flag=True,
    help="Only ledger, published names, frontiers and files given besides.",
)
def restore(data: Path, source: str, at: str | None, merge: bool, without_captures: bool) -> None:
    """Bring a backup back to a fresh DATA, every file verified by its digest."""
    from archive.backup.restore import restore as bring

    click.echo(bring(source, data, at, merge, not without_captures))


@main.command()
@data_option
@captures_option
@click.option(
    "--key",
    envvar="NIANBAO_KEY",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The Ed25519 key to sign with; NIANBAO_KEY names it too.",
)
@click.option(
    "--new-key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Make a key in a new file, print its public half, and do no more.",
)
@click.option(
    "--next-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A public key (PEM) that may sign from here on.",
)
@click.option("--lost-key", is_flag=True, help="Go on with a key that the old one never named.")
@click.option(
    "--tsa",
    multiple=True,
    metavar="URL",
    envvar="NIANBAO_TSA",
    help="A timestamp authority (RFC 3161), may be given again; NIANBAO_TSA names them too.",
)
@click.option(
    "--tsa-cert",
    envvar="NIANBAO_TSA_CERT",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The certificates (PEM) that authorities are held to.",
)
def manifest(
    data: Path,
    captures: str | None,
    key: Path | None,
    new_key: Path | None,
    next_key: Path | None,
    lost_key: bool,
    tsa: tuple[str, ...],
    tsa_cert: Path | None,
) -> None:
    """List what was captured since the last manifest; sign it and have it timestamped."""
    if key is None and (next_key or lost_key) and new_key is None:
        raise click.UsageError("--next-key and --lost-key sign a manifest: give --key too.")
    from archive import keys, timestamps
    from archive.manifest import read_chain, write_manifest
    from archive.shelf import Shelf, shelved
    from archive.verify.turns import MEMORY, Turns

    if new_key is not None:
        made = keys.make_key(new_key)
        click.echo(f"{made.public_pem.decode()}fingerprint {made.fingerprint}")
        return
    if not data.is_dir():
        raise ValueError(f"no data folder {data}: crawl first, or give --data")
    shelf = Shelf(captures) if captures else shelved(data)
    signing = keys.load_key(key) if key else None
    coming = keys.load_public(next_key) if next_key else None
    roots = timestamps.trusted_roots(tsa_cert) if tsa_cert else None
    for url in tsa:
        timestamps.authority(url)
    if wrong := timestamps.head_problem(shelf, read_chain(shelf)):
        raise ValueError(wrong)
    seen = None
    if (data / MEMORY).exists():
        with Turns(data / MEMORY, shelf) as turns:
            seen = turns.head()
    now = datetime.now(UTC)
    click.echo(write_manifest(data, shelf, signing, now, coming, lost_key, seen))
    for outcome in timestamps.catch_up(shelf, read_chain(shelf), tsa, roots):
        click.echo(outcome)


@main.command()
@click.argument("what", required=False, metavar="[REPORT]")
@data_option
@captures_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The bundle to write; ISSUER-YEAR-VERSION.wacz unless told.",
)
@click.option("--base", default="", metavar="URL", help="Address of the site, for the citation.")
@click.option(
    "--sign",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A key (manifest --new-key) to sign the bundle as a whole with.",
)
@click.option(
    "--check",
    type=click.Path(exists=True, path_type=Path),
    help="Check a bundle, offline and without an archive; exit 1 when something does not hold.",
)
@click.option(
    "--key",
    "trusted",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --check: the public key (PEM) that the archive publishes.",
)
@click.option(
    "--tsa-cert",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --check: the certificates (PEM) that the timestamp authority publishes.",
)
def prove(
    what: str | None,
    data: Path,
    captures: str | None,
    out: Path | None,
    base: str,
    sign: Path | None,
    check: Path | None,
    trusted: tuple[Path, ...],
    tsa_cert: Path | None,
) -> None:
    """Write the proof of a version of REPORT, a page of the site or the original's address."""
    if bool(what) == bool(check):
        raise click.UsageError("Give a REPORT to prove or --check FILE.wacz, one of the two.")
    from archive import keys, timestamps
    from archive import prove as proving
    from archive.shelf import Shelf, shelved

    if check is not None:
        pems = [keys.load_public(path) for path in trusted]
        roots = timestamps.trusted_roots(tsa_cert) if tsa_cert else None
        verdict = proving.check_bundle(check, pems, roots)
        for line in verdict.lines():
            click.echo(line)
        sys.exit(1 if verdict.problems else 0)
    shelf = Shelf(captures) if captures else shelved(data)
    key = keys.load_key(sign) if sign else None
    meant = proving.version_meant(data, what or "")
    path = out or Path(meant.replace("/", "-") + ".wacz")
    proving.require_free(path)
    version, bundle = proving.prove(data, shelf, what or "", datetime.now(UTC), base, key)
    proving.write_bundle(path, bundle)
    click.echo(f"{path}: {len(bundle)} bytes prove {version}; check it with prove --check")


@main.command()
@click.argument(
    "segments",
    metavar="SEGMENT...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--to",
    "target",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the fresh segments; that of each SEGMENT unless told.",
)
def salvage(segments: tuple[Path, ...], target: Path | None) -> None:
    """Save the sound records of each damaged or torn SEGMENT to a fresh one; list what is lost."""
    from archive.salvage import salvage as save

    is_lost = False
    for segment in segments:
        saved = save(segment, target or segment.parent, datetime.now(UTC))
        for loss in saved.losses:
            click.echo(f"{segment}: lost {loss.length} bytes at {loss.offset} ({loss.reason})")
        click.echo(saved)
        is_lost |= not saved.records
    if is_lost:
        sys.exit(1)


@contextmanager
def _plainly() -> Iterator[None]:
    """The outer boundary of a command: what a user can mend is one sentence, not a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        yield
    except (ValueError, OSError) as error:
        if INTERRUPTED.is_set():
            raise click.Abort from error
        if isinstance(error, ValueError):
            raise click.ClickException(str(error)) from error
        if _is_of_output(error):
            _end_output(error)
        raise click.ClickException(_advice(error)) from error


def _advice(error: OSError) -> str:
    """An error of the operating system in a sentence: what it is about, and what to do."""
    if error.errno not in ADVICE:
        return str(error)
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if _is_path(name)]
    context = click.get_current_context(silent=True)
    if not names and context and (data := context.params.get("data")):
        # A failed write does not say to which file.
        names = [f"writing in {data} (or the folder of temporary files)"]
    return ": ".join([" -> ".join(names), ADVICE[error.errno]] if names else [str(error)])


def _is_path(name: object) -> bool:
    return isinstance(name, str | bytes | os.PathLike)


def _is_of_output(error: OSError) -> bool:
    """Whether it was printing that failed: the error itself does not say what was written to."""
    return any(frame.f_code is click.echo.__code__ for frame, _ in walk_tb(error.__traceback__))


def _end_output(error: OSError) -> NoReturn:
    """End a command whose output cannot be written; quietly, where nobody reads it any more."""
    # The end of Python would try to write the rest, and complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == errno.EPIPE:
        sys.exit(1)
    raise click.ClickException(f"the output cannot be written: {error.strerror}") from error


def _demand_captures(captures: str) -> None:
    """ValueError where there is neither warc/ nor sightings/: a misspelled place would build an
    archive of nothing."""
    from archive.shelf import Shelf

    shelf = Shelf(captures)
    for folder, suffix in CAPTURED.items():
        # Stores of objects know no empty folders.
        if ("://" not in captures and Path(captures, folder).is_dir()) or shelf.kept(
            folder, suffix
        ):
            return
    raise ValueError(f"{captures} has neither warc/ nor sightings/: see how --captures is spelled")


def _demand_captures_of_names(data: Path) -> None:
    """ValueError where DATA has ids that captures gave, and no folder of captures: an archive of
    nothing would lead every address that was public nowhere."""
    from archive.build import LEDGER
    from archive.issuers import load_ledger

    if any((data / folder).exists() for folder in CAPTURED) or not (data / LEDGER).exists():
        return
    if ids := len(load_ledger(data / LEDGER).by_id):
        raise ValueError(
            f"{data} has {ids} ids in {LEDGER} and neither warc/ nor sightings/: is their disk "
            "mounted? Name the folder or URL they lie in with --captures; --accept-loss builds "
            "without them"
        )


def _end(number: int, _: object) -> NoReturn:
    """A command that is told to end (SIGTERM) ends what it has started, then itself."""
    signal.signal(number, signal.SIG_DFL)
    sys.exit(128 + number)


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    """Ctrl-C, remembered: a database tells of one in a function of ours as an error of its own."""
    INTERRUPTED.set()
    raise KeyboardInterrupt


def _manifest(path: Path) -> Iterator[tuple[Path, Evidence, tuple[Path, ...]]]:
    for number, line in enumerate(path.read_text("utf-8-sig", "replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            file = Path(entry["file"])
            attachments = tuple(map(Path, entry.get("attachments") or ()))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise click.ClickException(
                f"{path} line {number}: want an object with a file, got {line[:80]!r}"
            ) from error
        evidence = Evidence(
            **{
                name: entry[name] if isinstance(entry.get(name), str) else None
                for name in ("url", "portal_name", "listed_title")
            }
        )
        yield file, evidence, attachments


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    # It is ignored, and stays so, where a shell started the command in the background.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    main()
