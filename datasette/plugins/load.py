"""Loads the site: the package beside this file, of which every module with hooks is a plugin.

Datasette runs each file of its plugins folder alone, so files there cannot share anything; the
modules of a package can.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from datasette.plugins import pm

NAME = "nianbao_site"
FOLDER = Path(__file__).resolve().parent / "site"

# One process may hold several sites, as tests do; the hooks are the process's.
if NAME not in sys.modules:
    spec = spec_from_file_location(
        NAME, FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
    )
    sys.modules[NAME] = package = module_from_spec(spec)
    spec.loader.exec_module(package)
    for path in sorted(FOLDER.glob("[a-z]*.py")):
        pm.register(import_module(f"{NAME}.{path.stem}"))
