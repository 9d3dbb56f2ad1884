"""The sites that a browser walks through, made once, and the browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.portal_nights import crawl_nights
from tests.browser.serving import serving
from tests.browser.watching import chromium_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser


# Of a module, not of the session: while it runs, no other event loop can in the same process.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium_browser() as found:
        yield found


@pytest.fixture(scope="module")
def archive(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DATA after four nights at the example portals, built and published.

    BROWSER_ARCHIVE names one made before, for who runs these tests again and again.
    """
    if made_before := os.environ.get("BROWSER_ARCHIVE"):
        return Path(made_before)
    data = tmp_path_factory.mktemp("nights")
    crawl_nights(data)
    return data


@pytest.fixture(scope="module")
def site(archive: Path) -> Iterator[str]:
    """The address at which the archive of the example portals is served."""
    with serving(archive / "site") as address:
        yield address
