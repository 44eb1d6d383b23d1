"""Whoever opens a workspace learns who else may read it; one that may not be written to is looked at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.errors import WorkspaceError
from engine.reading import open_store
from engine.workspace import open_workspace, remarks, who_may_read

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")


@pytest.fixture
def entered(tmp_path: Path) -> Iterator[Path]:
    """A folder that other accounts may enter, which those of tests usually are not."""
    above = [folder for folder in (tmp_path, *tmp_path.parents) if folder.stat().st_uid == os.geteuid()]
    before = {folder: folder.stat().st_mode for folder in above}
    for folder in above:
        folder.chmod(before[folder] | 0o011)
    if any(not folder.stat().st_mode & 0o001 for folder in tmp_path.parents):
        pytest.skip("others may not enter a folder above, and we may not change that")
    yield tmp_path
    for folder, mode in before.items():
        folder.chmod(mode)


@pytest.mark.parametrize(
    ("mode", "others"),
    [(0o700, ""), (0o755, "Every account"), (0o711, "Every account"), (0o704, "Every account"), (0o702, "")],
)
def test_who_else_may_read_the_workspace_is_said(entered: Path, mode: int, others: str) -> None:
    folder = entered / "workspace"
    folder.mkdir()
    folder.chmod(mode)
    assert who_may_read(folder) == others
    said = remarks(open_workspace(folder))
    assert len(said) == bool(others) and all(f"chmod 700 {folder}" in one for one in said)


def test_a_folder_inside_one_that_is_closed_is_closed(entered: Path) -> None:
    above = entered / "home"
    (above / "workspace").mkdir(parents=True)
    (above / "workspace").chmod(0o755)
    above.chmod(0o700)
    assert who_may_read(above / "workspace") == ""


def test_a_workspace_that_is_made_is_its_owners_alone_whatever_the_umask_says(entered: Path) -> None:
    before = os.umask(0)
    try:
        workspace = open_workspace(entered / "new")
        with open_store(workspace.database):
            rights = {
                path.name: path.stat().st_mode & 0o077 for path in (workspace.root, *workspace.root.iterdir())
            }
    finally:
        os.umask(before)
    assert set(rights.values()) == {0} and "overread.db-wal" in rights


def overread(*words: str) -> tuple[int, str, str]:
    ran = subprocess.run(
        [sys.executable, "-m", "gui", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return ran.returncode, ran.stdout, ran.stderr


def test_a_workspace_that_may_not_be_written_to_is_looked_at_and_says_where_it_would_write(
    tmp_path: Path, films: Path, read_only: Callable[[Path], Path]
) -> None:
    root = tmp_path / "workspace"
    with open_store(open_workspace(root).database):
        pass
    code, out, said = overread("index", str(films), "-w", str(root), "--json")
    assert code == 0, said
    dataset = json.loads(out)["dataset_id"]
    workspace = open_workspace(read_only(root))
    assert workspace.read_only and workspace.cache.is_dir() and root not in workspace.cache.parents
    assert "may not be written to" in remarks(workspace)[-1]
    before = sorted(root.rglob("*"))
    assert overread("runs", "-w", str(root))[0] == 0
    assert "may not be written to" in overread("doctor", "-w", str(root), "--json")[1]
    for words in (("train", dataset), ("index", str(films.parent)), ("split", dataset, "--seed", "5")):
        code, _, said = overread(*words, "-w", str(root))
        assert code == 1 and "cannot be written to" in said, (words, said)
        assert "Traceback" not in said and len(said.strip().splitlines()) <= 3
    assert sorted(root.rglob("*")) == before


def test_a_folder_that_cannot_be_read_is_no_workspace(
    tmp_path: Path, read_only: Callable[[Path], Path]
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(WorkspaceError, match="cannot be written to"):
        open_workspace(read_only(tmp_path / "empty"))
