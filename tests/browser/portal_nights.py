"""The example portals over four nights: one report edited, one vanished, one moved, one new.

The portals themselves edit, remove and publish one on the second night; an address that moves is
added here, by a redirect as portals leave when they tidy their folders. A report is gone after
three nights without it.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from tests.browser.walked_pages import RELEASE, WITHDRAWN
from tests.portals.serve import ExamplePortals, Portal
from tests.portals.web import Request, Resource

ROOT = Path(__file__).resolve().parents[2]
# In the season, when what is young is asked every night.
NIGHTS = ("2027-02-01", "2027-02-02", "2027-02-03", "2027-02-04")
MOVED_FROM_NIGHT = 2
STEP_SECONDS = 240


def crawl_nights(data: Path) -> None:
    """Crawl the example portals on four nights into DATA, build its archive and publish it, but
    for one report, and a release of it."""
    with ExamplePortals() as portals:
        registry = portals.registry(data / "portals.csv")
        moved = next(
            row["path"]
            for row in portals.truth()
            if row["title"] == "北原市财政局2024年政府信息公开工作报告"
        )
        move(portals.portals["beiyuan"], moved, moved.replace("/t2025", "/t2027"))
        for number, night in enumerate(NIGHTS, 1):
            portals.night = number
            run(
                *("-m", "scrapy", "crawl", "annual_reports"),
                *("-a", f"portals={registry}", "-a", f"night={night}", "-s", f"DATA={data}"),
                *("-s", "ALLOW_PRIVATE_NETWORK=True", "-s", "DOWNLOAD_DELAY=0"),
                *("-s", "LOG_LEVEL=WARNING"),
            )
    takedowns = data / "takedowns.csv"
    takedowns.write_text(
        f"path,date,reason\n{WITHDRAWN},2027-02-04,应发布机关要求\n", encoding="utf-8"
    )
    withheld = ("--data", str(data), "--takedowns", str(takedowns))
    run("-m", "archive", "build", "--data", str(data))
    run("-m", "archive", "publish", *withheld)
    run("-m", "archive", "export", "--to", str(data / "releases" / RELEASE), *withheld)


def move(portal: Portal, old: str, new: str) -> None:
    """From MOVED_FROM_NIGHT on, what stood at `old` stands at `new`, and `old` leads there."""
    plain = portal.answer

    def answer(request: Request, target: str) -> Resource:
        if portal.night >= MOVED_FROM_NIGHT and request.path == old:
            return Resource(status=301, headers={"Location": new})
        if portal.night >= MOVED_FROM_NIGHT and request.path == new:
            return plain(replace(request, path=old), old)
        return plain(request, target)

    portal.answer = answer  # type: ignore[method-assign]


def run(*arguments: str) -> None:
    """Run one command of ours to its end. AssertionError with its last words when it fails."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=STEP_SECONDS,
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout[-1000:]} {done.stderr[-3000:]}"
