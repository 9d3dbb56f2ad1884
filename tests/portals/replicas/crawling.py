"""Crawl replicas as a user would, and compare what was sighted with what stands there.

python -m tests.portals.replicas.crawling [KEY…] [--nights 2026-11-22,2026-11-23] [--verbose]
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import tests.portals.replicas as replicas_folder
from tests.portals.replicas.base import REPLICAS, Replica, serving

ROOT = Path(__file__).resolve().parents[3]
FAST = ("-s", "ALLOW_PRIVATE_NETWORK=True", "-s", "DOWNLOAD_DELAY=0", "-s", "DOWNLOAD_TIMEOUT=10")


def all_replicas() -> dict[str, type[Replica]]:
    """Every replica of this folder, by key."""
    for module in pkgutil.iter_modules(replicas_folder.__path__):
        importlib.import_module(f"tests.portals.replicas.{module.name}")
    return dict(sorted(REPLICAS.items()))  # type: ignore[arg-type]


def crawl(
    data: Path, registry: Path, night: str, settings: Sequence[str] = FAST
) -> subprocess.CompletedProcess[str]:
    """One night, by the command a user types."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "scrapy", "crawl", "annual_reports"),
            *("-a", f"portals={registry}", "-a", f"night={night}", "-s", f"DATA={data}", *settings),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1_200,
    )


@dataclass(slots=True)
class Seen:
    """What a night's sightings say of one portal; addresses are path and query, unquoted."""

    reports: dict[str, dict[str, object]] = field(default_factory=dict)
    attachments: dict[str, dict[str, object]] = field(default_factory=dict)
    state: str = ""

    def with_verdict(self, *verdicts: str) -> set[str]:
        return {url for url, line in self.reports.items() if line["verdict"] in verdicts}


def sighted(data: Path, night: str, portals: Mapping[str, Replica]) -> dict[str, Seen]:
    """The last line of each address and night, by portal."""
    seen = {key: Seen() for key in portals}
    for file in sorted((data / "sightings").glob("*.jsonl")):
        for text in file.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            if line["night"] != night:
                continue
            if line["kind"] == "portal":
                seen[line["id"]].state = line["state"]
            elif line["kind"] == "report":
                key = line["portal_id"]
                path = unquote(line["url"].removeprefix(portals[key].url))
                kept = seen[key].attachments if line["role"] == "attachment" else seen[key].reports
                kept[path] = line
    return seen


def events(
    data: Path, night: str, portals: Mapping[str, Replica]
) -> dict[str, dict[str, set[str]]]:
    """What the crawl's memory says happened to reports in a night: portal, event, addresses."""
    happened: dict[str, dict[str, set[str]]] = {key: {} for key in portals}
    for file in sorted(data.glob("frontier*.db")):
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as memory:
            for portal, url, event in memory.execute(
                "select portal_id, url, event from urls where last_night = ? and event <> ''"
                " and (kind = 'report' or carries)",
                (night,),
            ):
                path = unquote(url.removeprefix(portals[portal].url))
                happened[portal].setdefault(event, set()).add(path)
        memory.close()
    return happened


def paths(addresses: Iterable[str]) -> set[str]:
    """Addresses as sightings are compared: unquoted."""
    return {unquote(address) for address in addresses}


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("keys", nargs="*")
    options.add_argument("--nights", default="2026-11-22,2026-11-23,2026-11-24")
    options.add_argument("--verbose", action="store_true")
    given = options.parse_args()
    known = all_replicas()
    portals = {key: known[key]() for key in given.keys or known}
    with tempfile.TemporaryDirectory(prefix="replicas-") as folder, serving(portals) as csv:
        data = Path(folder)
        registry = data / "portals.csv"
        registry.write_text(csv, encoding="utf-8")
        ever: dict[str, set[str]] = {key: set() for key in portals}
        for number, night in enumerate(given.nights.split(","), 1):
            for one in portals.values():
                one.night = number
            done = crawl(data, registry, night)
            print(f"night {number} ({night}): exit {done.returncode}")
            if given.verbose or "Traceback" in done.stderr:
                print(done.stderr[-8_000:])
            for key, seen in sighted(data, night, portals).items():
                one = portals[key]
                found = seen.with_verdict("ok", "not_modified")
                ever[key] |= found
                hits = [hit for hit in one.log if hit.night == number]
                doubled = sum(
                    count - 1
                    for count in Counter((h.method, h.target, h.body) for h in hits).values()
                )
                truth = {unquote(path) for path in one.truth()}
                # On later nights only what is due is asked: what counts is what is known by then.
                missed = truth - (found if number == 1 else ever[key])
                wrong = found - {unquote(path) for path in one.allowed()}
                print(
                    f"  {key:14} known {len(truth - missed)}/{len(truth)} sighted {len(found)}"
                    f" wrong {len(wrong)} attachments {len(seen.attachments)}/{len(one.documents())}"
                    f" requests {len(hits)} doubled {doubled} in flight {one.most_in_flight}"
                    f" state {seen.state}"
                )
                if missed:
                    print("      missed", sorted(missed)[:5])
                if wrong:
                    print("      wrong", sorted(wrong)[:5])
                for event, urls in one.events(number).items():
                    if urls and number > 1:
                        lines = {
                            unquote(u): (seen.reports.get(unquote(u)) or {}).get("verdict")
                            for u in urls
                        }
                        print("     ", event, dict(list(lines.items())[:4]))
                if given.verbose:
                    known_paths = truth | {unquote(p) for p in one.documents()}
                    other = Counter(
                        unquote(h.target)[:90] for h in hits if unquote(h.target) not in known_paths
                    )
                    print("      other requests:", dict(other.most_common(40)))


if __name__ == "__main__":
    main()
