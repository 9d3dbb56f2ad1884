"""A command under strace: which calls it makes on a data folder, and one of them refused, or met
with kill -9."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.torture.commands import Done, run
from tests.torture.tally import Skipped, Tally

CALLS = (
    *("write", "writev", "pwrite64", "fsync", "fdatasync", "ftruncate"),
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "symlink", "mkdir"),
)
LINE = re.compile(r"(?P<pid>\d+) +(?P<name>\w+)\((?P<rest>.*)")
PATH = re.compile(r"<([^<>]+)>|\"(/[^\"]+)\"")


@dataclass(frozen=True, slots=True)
class Call:
    """The `number`th call of its name by the first thread of a command, on a file below DATA."""

    name: str
    number: int
    path: str
    injected: bool = False

    @property
    def kind(self) -> str:
        """Call and file, whatever moment is in the file's name."""
        return f"{self.name} {re.sub('[0-9]{8}T[0-9]+Z(-[0-9a-f]{6})?', '#', self.path)}"


def demand_strace() -> None:
    """Raises Skipped where strace is missing or may not trace."""
    if shutil.which("strace") is None:
        raise Skipped("strace is not installed (Debian: apt-get install strace)")
    tried = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True)
    if tried.returncode:
        raise Skipped(f"strace may not trace here: {tried.stderr.decode().strip()[:200]}")


def calls(
    tally: Tally, command: Sequence[str], data: Path, inject: str = ""
) -> tuple[Done, list[Call]]:
    """Run a command, and list its calls on the data folder; `inject` is strace's expression."""
    log = tally.folder / "strace.log"
    around = ["strace", "-f", "-y", "-qq", "-o", str(log), "-s", "0", "-e", "signal=none"]
    around += ["-e", f"trace={','.join(CALLS)}"]
    # With its filter in the kernel strace is faster, and injects errors but no signals.
    around += ["-e", f"inject={inject}"] if inject else []
    around += [] if "signal=" in inject else ["--seccomp-bpf"]
    done = run(command, around=around)
    return done, list(_listed(log.read_text("utf-8", "replace").splitlines(), str(data)))


def _listed(lines: Iterable[str], data: str) -> Iterable[Call]:
    counts: Counter[str] = Counter()
    first = ""
    for line in lines:
        if (found := LINE.match(line)) is None:
            continue
        first = first or found["pid"]
        if found["pid"] != first:
            continue
        counts[found["name"]] += 1
        paths = [one or other for one, other in PATH.findall(found["rest"])]
        inside = [path for path in paths if path.startswith(data)]
        if inside:
            place = inside[0].removeprefix(data).lstrip("/") or "."
            yield Call(found["name"], counts[found["name"]], place, "(INJECTED)" in line)


def chosen(tally: Tally, listed: Iterable[Call], most: int) -> list[Call]:
    """Of each kind of call the first, the last, and others by chance: so many of a kind."""
    kinds: dict[str, list[Call]] = {}
    for call in listed:
        kinds.setdefault(call.kind, []).append(call)
    picked: list[Call] = []
    for alike in kinds.values():
        if len(alike) <= most:
            picked += alike
        elif most == 1:
            picked.append(tally.dice.choice(alike))
        else:
            between = tally.dice.sample(alike[1:-1], most - 2)
            picked += [alike[0], *sorted(between, key=lambda call: call.number), alike[-1]]
    return picked


def check_no_second_sync(tally: Tally, listed: Sequence[Call], about: str) -> None:
    """What failed to reach the disk is not synced again: the kernel would call it good.

    Databases are left to SQLite.
    """
    refused = {call.path for call in listed if call.injected and "sync" in call.name} - {"."}
    after = False
    for call in listed:
        if after and call.path in refused and "sync" in call.name and ".db" not in call.path:
            tally.expect(False, f"{call.path} is synced again after a sync that failed, {about}")
        after = after or call.injected
    tally.figures["checks"] += 1
