"""What lies in a backup that no catalogue lists, and what do manifests say of it?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from archive.backup.catalogue import (
    ALSO,
    PACKED,
    STATE,
    WARC,
    BackupError,
    Closed,
    Dated,
    Found,
    closed_files,
    folder_of,
    latest,
    union,
)
from archive.backup.stored import measured
from archive.manifest import listed, read_chain
from archive.progress import track
from archive.proof.verify import Link
from archive.shelf import Shelf


def chain_of(shelf: Shelf) -> tuple[list[Link], str]:
    """The manifests of a shelf, none where they cannot be read, and why."""
    try:
        return read_chain(shelf), ""
    except (ValueError, OSError) as error:
        return [], str(error)


def digests_listed(chain: Sequence[Link]) -> dict[tuple[str, str], str]:
    """The SHA-256 of each closed file that manifests list."""
    found: dict[tuple[str, str], str] = {}
    for folder, kind in ((WARC, "segments"), ("sightings", "sightings")):
        try:
            for name, entry in listed(chain, kind).items():
                found[folder, name] = entry["sha256"]
        except (KeyError, TypeError, AttributeError):
            # Verify tells what is wrong with a manifest.
            continue
    return found


def all_there(
    target: Shelf,
    found: Found,
    added: Iterable[Closed],
    state: dict[str, Dated],
    problems: list[str],
) -> tuple[tuple[Closed, ...], dict[str, Dated]]:
    """All files of a backup and what changes, for a catalogue in the place of those lost."""
    files = union(found.sound) | {(one.folder, one.name): one for one in added}
    chain, _ = chain_of(target)
    noted = digests_listed(chain)
    for one in loose_files(target, files.keys(), problems):
        if not is_contradicted(target, one, noted, problems):
            files[one.folder, one.name] = one
    loose = list(loose_state(target, sorted(found.lost), chain, problems))
    return tuple(files.values()), latest([*state.values(), *loose])


def loose_files(
    target: Shelf, known: Iterable[tuple[str, str]], problems: list[str]
) -> Iterator[Closed]:
    """The closed files of a backup that are not among those known, as they lie there."""
    passed = set(known)
    missed = [item for item in closed_files(target).items() if item[0] not in passed]
    for (folder, name), one in track(missed, "files"):
        try:
            yield Closed(folder, name, one.size, target.digest(folder, name), 0)
        except OSError as error:
            where = target.where(folder, name)
            problems.append(f"{where} cannot be read: {error.strerror or error}")


def is_contradicted(
    target: Shelf, one: Closed, noted: Mapping[tuple[str, str], str], problems: list[str]
) -> bool:
    """Whether a manifest says otherwise of a file, which then is one of the problems."""
    wanted = noted.get((one.folder, one.name), one.sha256)
    if wanted != one.sha256:
        where = target.where(one.folder, one.name)
        problems.append(f"{where} has SHA-256 {one.sha256}, but {wanted} in a manifest")
    return wanted != one.sha256


def loose_state(
    target: Shelf,
    moments: Iterable[str],
    chain: Sequence[Link],
    problems: list[str],
    frontiers: bool = True,
) -> Iterator[Dated]:
    """What changes as it lies there of backups whose catalogues cannot be used."""
    for moment in moments:
        for below in ("", ALSO):
            folder = folder_of(moment, below)
            for one in target.kept(folder, ""):
                is_packed = one.name.endswith(".db" + PACKED) and not below
                if is_packed and not frontiers:
                    continue
                plain = one.name.removesuffix(PACKED) if is_packed else one.name
                try:
                    size, sha256 = measured(target, folder, one.name, is_packed)
                    if plain in STATE and not below:
                        _demand_noted(target, folder, plain, chain)
                except BackupError as error:
                    problems.append(str(error))
                    continue
                name = f"{below}/{plain}" if below else plain
                packed = one.size if is_packed else None
                yield Dated(name, size, sha256, folder, one.name, packed)


def _demand_noted(target: Shelf, folder: str, name: str, chain: Sequence[Link]) -> None:
    """BackupError where a file that only grows does not begin as the manifests say."""
    content = target.read(folder, name)
    for link in chain:
        registers = link.said.get("registers")
        said = registers.get(name) if isinstance(registers, Mapping) else None
        if not said or len(content) < said["bytes"]:
            continue
        if hashlib.sha256(content[: said["bytes"]]).hexdigest() != said["sha256"]:
            raise BackupError(
                f"{target.where(folder, name)} begins otherwise than {link.name} says"
            )
