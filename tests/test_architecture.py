"""Promises of the house: chapters are entered by their doors, say what they do, and stay small enough to be read."""

from __future__ import annotations

import ast
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted(
    stub.parent.relative_to(ROOT).as_posix().replace("/", ".")
    for package in ("engine", "gui")
    for stub in (ROOT / package).rglob("__init__.pyi")
)
FOLDERS = sorted(
    init.parent for package in ("engine", "gui") for init in (ROOT / package).rglob("__init__.py")
)
MODULES = sorted(path for package in ("engine", "gui") for path in (ROOT / package).rglob("*.py"))
LONGEST_MODULE = 400  # lines
MOST_FILES = 13  # in a folder, its __init__ among them
LONGEST_FUNCTION = 80  # lines
LONGER_FOR_A_REASON = {
    "gui/pages/train/page.py:build": "one page, placed and wired: a list of components in their order",
    "gui/pages/data/page.py:build": "one page, placed and wired",
    "gui/pages/report/page.py:build": "one page, placed and wired",
}


READS_BY_ITSELF = {
    "engine/models/weights.py": "weights of a registry package or a file, by torch, as tensors alone",
    "gui/guest_app.py": "one line from the process that started it",
    "gui/sharing/link.py": "one line from a process that it started",
    "gui/pages/data/bringing/native_chooser.py": "one line from a process that it started",
}
READER = "engine/kept_files.py"
LOADS = {"json.load", "json.loads", "np.load", "numpy.load", "pickle.load", "pickle.loads", "torch.load"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("engine", "gui", exclude_type_checking_imports=False)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_is_entered_by_its_door_alone(graph: grimp.ImportGraph, chapter: str) -> None:
    rooms = graph.find_descendants(chapter)
    intruders = {
        f"{importer} imports {room}"
        for room in rooms
        for importer in graph.find_modules_that_directly_import(room)
        if importer != chapter and not importer.startswith(f"{chapter}.")
    }
    allowed = {room for room in rooms if f" {room.rpartition('.')[2]} as" in _modules_offered(chapter)}
    assert not {each for each in intruders if each.split(" imports ")[1] not in allowed}


def _modules_offered(chapter: str) -> str:
    """Return the stub's lines that offer a whole module."""
    stub = (ROOT / chapter.replace(".", "/") / "__init__.pyi").read_text(encoding="utf-8")
    return "\n".join(line for line in stub.splitlines() if line.startswith("from . import"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_folder_says_what_it_is_and_holds_no_more_than_can_be_surveyed(folder: Path) -> None:
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
    modules = [path.name for path in folder.glob("*.py")]
    assert len(modules) <= MOST_FILES, modules


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_can_be_read_at_one_sitting(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            place = f"{path.relative_to(ROOT).as_posix()}:{node.name}"
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= LONGEST_FUNCTION or place in LONGER_FOR_A_REASON, f"{place} has {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_overread_reads_back_goes_through_one_reader(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    if place == READER or place in READS_BY_ITSELF:
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not called & LOADS, f"{place} reads by itself; engine.kept_files does it within bounds"
    taken = {
        f"{node.module}.{name.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    assert not taken & LOADS
