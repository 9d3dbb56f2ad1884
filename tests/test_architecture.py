"""The map of DESIGN.md, enforced: who may import whom, and what may not exist."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FORBIDDEN = {
    "archive": {"crawler", "scrapy", "datasette"},
    "crawler": {"datasette", "sqlite_utils"},
    "datasette": {"archive", "crawler", "scrapy", "sqlite_utils"},
}
# The crawler may ask the archive's pure recognisers what a title is, how bytes read and which
# place a name or a code means.
CRAWLER_MAY_IMPORT = {
    "archive.identify",
    "archive.model",
    "archive.charset",
    "archive.names",
}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def members(path: Path) -> Iterator[str]:
    """What `from package import name` may mean by its name: a module of the package."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_point_one_way(package: str) -> None:
    crossings = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / package).rglob("*.py")
        for name in imported(path)
        # A plugin must import the installed datasette: that is not our folder.
        if name.split(".")[0] in FORBIDDEN[package]
    }
    assert crossings == set()


def test_the_crawler_takes_only_recognisers_from_the_archive() -> None:
    crossings = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / "crawler").rglob("*.py")
        for name in imported(path)
        if name.split(".")[0] == "archive" and name not in CRAWLER_MAY_IMPORT
    }
    assert crossings == set()


def test_only_the_store_writes_the_archive() -> None:
    """One writer: no other module of archive/ may hold SQL that changes the public tables."""
    writers = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "archive").rglob("*.py")
        if "sqlite_utils" in set(imported(path)) | {n.split(".")[0] for n in imported(path)}
    }
    assert writers <= {"archive/store.py", "archive/publish.py"}


@pytest.mark.parametrize("package", ["archive", "crawler"])
def test_modules_do_not_import_in_circles(package: str) -> None:
    """Peeled from the ground up: a module goes when all it imports has gone. A circle stays."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / package).rglob("*.py")
    }
    needs = {
        name: {*imported(path), *members(path)} & modules.keys() - {name}
        for name, path in modules.items()
        # The face of a folder loads its rooms when they are needed.
        if path.name != "__init__.py"
    }
    while ground := {name for name, others in needs.items() if not others & needs.keys()}:
        needs = {name: others for name, others in needs.items() if name not in ground}
    assert needs == {}


def test_the_datasette_folder_is_not_a_package() -> None:
    """With an __init__.py it would hide the installed datasette from everything run here."""
    assert not (ROOT / "datasette" / "__init__.py").exists()
    assert not (ROOT / "tests" / "__init__.py").exists()


def test_the_site_is_loaded_by_one_file() -> None:
    """Datasette runs each plugin file alone; only modules of the package share anything."""
    plugins = ROOT / "datasette" / "plugins"
    assert [path.name for path in plugins.glob("*.py")] == ["load.py"]


def test_no_drawer_for_odds_and_ends() -> None:
    drawers = {"utils.py", "helpers.py", "common.py", "misc.py"}
    for package in ("archive", "crawler", "datasette", "tests"):
        assert not {path.name for path in (ROOT / package).rglob("*.py")} & drawers
