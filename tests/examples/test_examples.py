"""The examples do what they say, on films that a net really trains on."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.recipes import recipe_to_json
from tests.tiny import TINY_RECIPE, draw_films

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

Example = Callable[..., list[str]]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with films, a tiny recipe, and whatever the examples add to it one after the other."""
    folder = tmp_path_factory.mktemp("study")
    draw_films(folder / "films")
    (folder / "tiny.json").write_text(recipe_to_json(TINY_RECIPE), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def example(study: Path) -> Example:
    """Run an example as a person would, and return what it printed."""

    def run(name: str, *arguments: object) -> list[str]:
        command = [sys.executable, str(EXAMPLES / name), *map(str, arguments), "--workspace", "workspace"]
        environment = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(
            command, cwd=study, env=inherited(environment), capture_output=True, text=True, encoding="utf-8"
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


def inherited(changes: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **changes}


@pytest.fixture(scope="module")
def trained(example: Example, study: Path) -> list[str]:
    """What the first example printed; the others go on from its run."""
    return example("train_and_measure.py", "films", "--recipe", "tiny.json", "--out", "first")


def test_a_folder_is_trained_on_and_its_figures_are_printed_as_the_report_has_them(
    trained: list[str], study: Path
) -> None:
    assert trained[0] == "films: 40 images of normal, opacity"
    assert sum(line.startswith("epoch ") for line in trained) == 2
    figures = json.loads((study / "first" / "report.json").read_text(encoding="utf-8"))
    area = figures["against"][0]["estimates"]["AUROC"]["value"]
    assert any(line.strip().startswith(f"AUROC: {area:.3f} (") for line in trained)
    assert (study / "first" / "report.html").is_file()


def test_new_images_are_predicted_and_shown_with_their_heatmaps(
    trained: list[str], example: Example, study: Path
) -> None:
    draw_films(study / "new", patients=4, seed=8)
    printed = example("predict_with_heatmaps.py", "new", "--out", "why")
    assert printed == ["8 images in why"]
    with (study / "why" / "predictions.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 8
    for row in rows:
        assert float(row["normal"]) + float(row["opacity"]) == pytest.approx(1, abs=2e-4)
        with Image.open(study / "why" / f"{row['case']}-{row['predicted']}.png") as picture:
            assert picture.mode == "RGB"
            assert (
                picture.width == 7 * 48 and picture.height > picture.width
            )  # wide enough for the words below


def test_answers_from_a_table_become_the_second_reference_standard(
    trained: list[str], example: Example, study: Path
) -> None:
    run = next((study / "workspace" / "runs").iterdir())
    with (run / "split.csv").open(newline="", encoding="utf-8") as stream:
        names = [Path(row["path"]).name for row in csv.DictReader(stream) if "test" in row.values()]
    assert len(names) > 3
    answers = [(name, "anna", "normal") for name in names[1:]] + [(names[0], "anna", "unsure")]
    with (study / "answers.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("file", "reader", "answer"), *answers])
    printed = example("report_with_readings.py", "answers.csv", "--out", "second")
    standards = [line for line in printed if line.startswith("Against")]
    assert [line.rpartition(": ")[2] for line in standards] == [
        f"{len(names)} of {len(names)} images have one",
        f"{len(names) - 1} of {len(names)} images have one",
    ]
    assert (study / "second" / "report.html").is_file()


def test_an_exported_model_predicts_without_overread_what_overread_predicts(
    trained: list[str], example: Example, study: Path, tmp_path: Path
) -> None:
    draw_films(study / "elsewhere", patients=4, seed=9)
    assert example("predict_with_heatmaps.py", "elsewhere", "--out", "told") == ["8 images in told"]
    with (study / "told" / "predictions.csv").open(newline="", encoding="utf-8") as stream:
        told = {row["case"]: row for row in csv.DictReader(stream)}
    run = next((study / "workspace" / "runs").iterdir()).name
    exported = subprocess.run(
        [sys.executable, "-m", "gui", "export", run, "--format", "onnx", "-w", "workspace", "--out", "model"],
        cwd=study, env=inherited({"PYTHONPATH": str(ROOT)}), capture_output=True, text=True,
    )  # fmt: skip
    assert exported.returncode == 0, exported.stderr

    images = {}
    for path in sorted((study / "elsewhere").rglob("*.png")):
        case = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        images[tmp_path / f"{case}.npy"] = told[case]
        with Image.open(path) as image:
            np.save(tmp_path / f"{case}.npy", np.asarray(image))
    # Nothing of ours can be imported there, nor Pillow or torch.
    alone = (
        "import runpy, sys\nfor name in ('engine', 'gui', 'torch', 'PIL'):\n    sys.modules[name] = None\n"
        "sys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", alone, str(EXAMPLES / "predict_with_onnx.py"), "model/model.onnx", *map(str, images)],
        cwd=study, env=inherited({"PYTHONUTF8": "1"}), capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    assert "not for diagnosis" in last
    for line, (path, row) in zip(lines, images.items(), strict=True):
        found = re.fullmatch(r"(.*): (\w+) \(normal ([.\d]+), opacity ([.\d]+)\)", line)
        assert found is not None and found[1] == path.name
        assert float(found[3]) == pytest.approx(float(row["normal"]), abs=5e-3)
        assert found[2] == row["predicted"]


def test_the_notebook_runs_from_top_to_bottom(study: Path, tmp_path: Path) -> None:
    notebook = json.loads((EXAMPLES / "walk_through.ipynb").read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["metadata"]["kernelspec"]["language"]) == (4, "python")
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] for cell in notebook["cells"] if cell["cell_type"] == "code")
    smaller = f"""
from engine.recipes import load_recipe
from pathlib import Path
images, recipe, place = Path({str(study / "films")!r}), load_recipe(Path({str(study / "tiny.json")!r})), "workspace"
"""
    (tmp_path / "cells.py").write_text("\n".join([cells[0], smaller, *cells[1:]]), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "cells.py"],
        cwd=tmp_path,
        env=inherited(
            {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "MPLBACKEND": "agg", "HF_HUB_OFFLINE": "1"}
        ),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert "40 images of normal, opacity" in done.stdout
    assert "(5 of " in done.stdout
    assert Path(tmp_path / done.stdout.splitlines()[-1]).is_file()


def test_every_example_is_told_of_and_tried() -> None:
    told = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    tried = Path(__file__).read_text(encoding="utf-8")
    for path in [*EXAMPLES.glob("*.py"), *EXAMPLES.glob("*.ipynb")]:
        assert f"`{path.name}`" in told
        assert f'"{path.name}"' in tried
