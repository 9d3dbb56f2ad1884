"""What the tests of the site share: the small archive of `site_fixture`, and a client of it.

A test module with a `folder` of its own has a `site` of that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

# Imported where it is needed: most tests need no Datasette.


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small archive as publish lays it out; for tests that do not change it."""
    from tests.site_fixture import build_site

    return build_site(tmp_path_factory.mktemp("archive"))


@pytest_asyncio.fixture
async def site(folder: Path) -> Any:
    """A client of the site of `folder`."""
    from tests.site_fixture import opened

    return await opened(folder)
