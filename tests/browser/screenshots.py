"""python -m tests.browser.screenshots FOLDER: every page as PNG, at three widths, light and dark."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.browser.portal_nights import crawl_nights
from tests.browser.serving import serving
from tests.browser.walked_pages import PAGES, facts
from tests.browser.watching import Visitor, chromium_browser

WIDTHS = (390, 768, 1280)
SCHEMES = ("light", "dark")
# Chromium draws no image much higher; the foot of a longer page is seen on others.
MOST_HIGH = 12_000


def main() -> int:
    """Crawl the example portals, serve them and write the pictures; BROWSER_ARCHIVE as in tests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pages", nargs="*", help="only pages whose names begin so")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="screenshots-") as made:
        if not (data := os.environ.get("BROWSER_ARCHIVE")):
            crawl_nights(Path(made))
        take(Path(data or made), options.folder, tuple(options.pages))
    return 0


def take(data: Path, folder: Path, names: tuple[str, ...]) -> None:
    """A picture of each page of DATA's site, as FOLDER/<page>-<width>-<scheme>.png."""
    known = facts(data / "site" / "nianbao.db")
    with serving(data / "site") as site, chromium_browser() as browser:
        visitor = Visitor(browser, site)
        for walked in PAGES:
            if names and not walked.name.startswith(names):
                continue
            for width in WIDTHS:
                visitor.page.set_viewport_size({"width": width, "height": 900})
                visitor.open(walked.path.format(**known, site=site), walked.status)
                visitor.settle()
                high = visitor.page.evaluate("document.documentElement.scrollHeight")
                for scheme in SCHEMES:
                    visitor.page.emulate_media(color_scheme=scheme)
                    visitor.page.screenshot(
                        path=folder / f"{walked.name}-{width}-{scheme}.png",
                        clip={"x": 0, "y": 0, "width": width, "height": min(high, MOST_HIGH)},
                        full_page=True,
                    )
        visitor.close()


if __name__ == "__main__":
    sys.exit(main())
