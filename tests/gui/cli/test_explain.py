"""`overread explain` and `predict`: every method and every class reach whoever works by command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from engine.reading import open_store
from engine.records import Run
from engine.report import pointing
from engine.runs import load_explanations, split_of
from engine.saliency import SALIENCIES
from engine.workspace import Workspace, open_workspace
from gui.cli.main import main
from tests.tiny import with_cells


@pytest.fixture
def here(trained: tuple[Workspace, Run], tmp_path: Path) -> tuple[Workspace, Run, Path]:
    workspace = open_workspace(tmp_path / "workspace")
    run = with_cells(workspace, trained[1])
    image = tmp_path / "film.png"
    shutil.copy(split_of(run).test[0].path, image)
    return workspace, run, image


def test_every_method_draws_for_the_class_that_is_named(
    here: tuple[Workspace, Run, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, _, image = here
    drawn: dict[str, set[bytes]] = {method: set() for method in SALIENCIES}
    for method in SALIENCIES:
        for target in ("normal", "opacity"):
            out = tmp_path / f"{method}-{target}"
            words = [
                "explain",
                "latest",
                image,
                "--out",
                out,
                "--method",
                method,
                "--class",
                target,
                "--json",
            ]
            assert main([*map(str, words), "--workspace", str(workspace.root)]) == 0, capsys.readouterr().err
            (picture,) = json.loads(capsys.readouterr().out)["pictures"]
            with Image.open(picture) as opened:
                drawn[method].add(opened.tobytes())
    assert {method: len(pictures) for method, pictures in drawn.items()} == dict.fromkeys(SALIENCIES, 2)


@pytest.mark.parametrize("command", ["explain", "predict"])
def test_a_class_that_the_run_does_not_have_is_refused_before_anything_is_read_or_written(
    command: str, here: tuple[Workspace, Run, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, run, _ = here
    before = sorted(run.folder.iterdir())
    words = [
        command,
        "latest",
        str(tmp_path / "nowhere"),
        "--class",
        "Opacity",
        "--workspace",
        str(workspace.root),
    ]
    assert main([*words, "--out", str(tmp_path / "out")]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "There is no class “Opacity” in run" in told and "Choose one of normal, opacity" in told
    assert sorted(run.folder.iterdir()) == before


def test_a_map_for_the_other_class_is_kept_for_review_and_counts_in_no_pointing_game(
    here: tuple[Workspace, Run, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, run, image = here
    with open_store(workspace.database) as store:
        store.add_run(run)
    words = ["predict", "latest", str(image), "--review", "--class", "normal", "--method", "hirescam"]
    assert main([*words, "--workspace", str(workspace.root)]) == 0, capsys.readouterr().err
    (kept,) = load_explanations(run.folder).values()
    assert (kept.target, kept.method) == ("normal", "hirescam")
    with open_store(workspace.database) as store:
        assert pointing(run, store.predictions(run.run_id)) is None
