"""Promises of benchmarks.reproduce: packs become data, a study becomes figures, an interrupted one goes on."""

from __future__ import annotations

import json
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.reproduce import table
from benchmarks.reproduce.__main__ import main
from benchmarks.reproduce.measure import published_of
from benchmarks.reproduce.packs import FASHION, arrays, folders, listed, thinned
from benchmarks.reproduce.studies import STUDIES, Study, fewer, first_phase, standing_in
from engine.reading.store import open_store
from engine.recipes.builtin import RECIPES
from engine.recipes.check import check_recipe
from engine.recipes.recipe import recipe_from_json, recipe_to_json
from engine.runs.folder import list_runs
from engine.workspace import open_workspace


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """Small packs of the true ones' names and layouts."""
    made, rng = tmp_path / "packs", np.random.default_rng(0)
    made.mkdir()
    sides = {}
    for part, count in (("train", 24), ("test", 4)):
        labels = np.repeat(np.arange(10), count)
        sides[f"y_{part}"] = labels.astype(np.uint8)
        noise = rng.integers(0, 40, (len(labels), 28, 28))
        sides[f"x_{part}"] = (noise + labels[:, None, None] * 20).astype(np.uint8)
    np.savez(made / "fashion_mnist.npz", **sides)
    with zipfile.ZipFile(made / "cifar10_subset_12k_jpeg.zip", "w") as packed:
        for part in ("train", "test"):
            for name in ("bird", "cat", "dog"):
                for number in range(20):
                    with packed.open(f"cifar10_subset/{part}/{name}/{number:04d}.png", "w") as stream:
                        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(stream, "PNG")
    films = tmp_path / "films"
    films.mkdir()
    lines = ["path,split,label,patientid"]
    for number in range(8):
        Image.fromarray(rng.integers(0, 255, (20, 20), dtype=np.uint8)).save(films / f"{number}.png")
        lines.append(f"{number}.png,{'test' if number > 5 else 'train'},{'ab'[number % 2]},p{number // 2}")
    (films / "manifest.csv").write_text("\n".join(lines))
    with tarfile.open(made / "covid_xray188.tar", "w") as packed_tar:
        packed_tar.add(films, "covid_xray188")
    return made


def reproduce(packs: Path, tmp_path: Path, *arguments: str) -> int:
    places = (
        "--data",
        str(packs),
        "--workspace",
        str(tmp_path / "ws"),
        "--results",
        str(tmp_path / "results"),
    )
    return main([*arguments, *places, "--device", "cpu"])


def test_a_study_becomes_figures_beside_the_published_ones(
    packs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("scnnb-fashion", "--only", "scnnb", "--quick")
    assert reproduce(packs, tmp_path, *asked) == 0
    told = json.loads((tmp_path / "results" / "scnnb-fashion.json").read_text())
    (row,) = told["rows"]
    assert row["images"] == {"train": 220, "val": 20, "test": 40}
    assert row["published"] == {"accuracy": 0.928}
    assert row["parameters"] == 4_047_178
    assert row["epochs"] == 3 and row["quick"]
    assert row["figures"]["accuracy"]["low"] < row["figures"]["accuracy"]["high"]
    assert row["figures"]["accuracy"]["n"] == 40
    assert str(tmp_path) not in json.dumps(told)  # figures alone
    workspace = open_workspace(tmp_path / "ws")
    (run,) = list_runs(workspace)
    with open_store(workspace.database) as store:  # so that the runs of a study can be compared and read
        assert len(store.predictions(run.run_id, part="test")) == 40
    printed = capsys.readouterr()
    assert "| `scnnb` | Fashion-MNIST | accuracy | 0.928 |" in printed.out

    assert reproduce(packs, tmp_path, *asked) == 0  # again: the run is there, the row stays one
    assert json.loads((tmp_path / "results" / "scnnb-fashion.json").read_text()) == told
    assert "loss" in printed.err and "loss" not in capsys.readouterr().err


def test_an_interrupted_training_goes_on_from_its_checkpoint(
    packs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from engine.training import loop as loop

    monkeypatch.setattr(loop, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    seen = 0

    validate = loop.TrainingLoop._validate

    def interrupt(self: loop.TrainingLoop, *given: Any) -> tuple[dict[str, float], float]:
        nonlocal seen
        seen += 1
        if seen == 3:
            raise KeyboardInterrupt
        return validate(self, *given)

    monkeypatch.setattr(loop.TrainingLoop, "_validate", interrupt)
    asked = ("scnnb-fashion", "--only", "scnnb", "--quick")
    with pytest.raises(KeyboardInterrupt):
        reproduce(packs, tmp_path, *asked)
    capsys.readouterr()
    assert reproduce(packs, tmp_path, *asked) == 0
    err = capsys.readouterr().err
    assert "   3 train" in err and "   2 train" not in err


def test_what_is_not_there_is_said(packs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reproduce(packs, tmp_path, "scnnb-mnist", "--quick") == 1
    assert "mnist.npz" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        reproduce(packs, tmp_path, "scnnb-minst")
    assert "scnnb-mnist" in capsys.readouterr().err


def test_packs_become_folders_and_tables(packs: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    shown = arrays("fashion_mnist.npz", FASHION)(packs, work)
    assert len(list(shown.glob("train/*/*.png"))) == 240
    assert arrays("fashion_mnist.npz", FASHION)(packs, work) == shown
    assert len(list(folders("cifar10_subset_12k_jpeg.zip")(packs, work).rglob("*.png"))) == 120
    assert listed("covid_xray188.tar")(packs, work).name == "manifest.csv"


def test_nine_tenths_of_training_cats_and_dogs_are_left_out_and_no_test_image(
    packs: Path, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    rows = (
        thinned("cifar10_subset_12k_jpeg.zip", ("cat", "dog"), 10)(packs, work).read_text().splitlines()[1:]
    )
    kept = {(part, name): sum(row.endswith(f"{name},{part}") for row in rows) for part in ("train", "test")
            for name in ("bird", "cat", "dog")}  # fmt: skip
    assert kept == {
        ("train", "bird"): 20,
        ("train", "cat"): 2,
        ("train", "dog"): 2,
        ("test", "bird"): 20,
        ("test", "cat"): 20,
        ("test", "dog"): 20,
    }


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_recipes_that_can_be_trained_whole_and_as_a_trial(name: str) -> None:
    study: Study = STUDIES[name]
    assert study.recipes
    for recipe in study.recipes:
        check_recipe(recipe)
        trial = study.quick(recipe)
        assert recipe_from_json(recipe_to_json(trial)) == trial
        assert sum(p.epochs for p in trial.phases) <= sum(p.epochs for p in recipe.phases)
        assert all(0 < value <= 1 for value in published_of(recipe, study.published_on).values())


def test_a_net_that_stands_in_is_named_in_the_recipe() -> None:
    recipe = standing_in("pneumonia-efficientnet-b2", "efficientnet-lite0")
    assert recipe.name == "pneumonia-efficientnet-b2-by-lite0"
    assert "stands in for efficientnet-b2" in recipe.source
    published = RECIPES["pneumonia-efficientnet-b2"]
    assert replace(recipe, name="", title="", source="", backbone="") == replace(
        published, name="", title="", source="", backbone=""
    )
    assert fewer(2, 100)(published).train_limit == 100
    head = first_phase(recipe)
    assert head.phases == published.phases[:1] and "alone" in head.title
    assert head.name == "pneumonia-efficientnet-b2-by-lite0-head"


def test_the_table_leaves_trials_out_and_says_what_has_no_interval(tmp_path: Path) -> None:
    row = {
        "recipe": "r",
        "quick": False,
        "figures": {"accuracy": {"value": 0.9, "low": None, "high": None, "n": 1234}},
        "published": {},
        "epochs": 3,
        "seconds": 300.0,
        "device": "cpu",
    }
    table.keep(tmp_path, "s", "data", row)
    table.keep(tmp_path, "s", "data", {**row, "recipe": "trial", "quick": True})
    table.keep(tmp_path, "s", "data", {**row, "seconds": 60.0})
    printed = table.markdown(tmp_path)
    assert "| `r` | data | accuracy | – | 0.900 | 1,234 | 60 s, 3 epochs | cpu |" in printed
    assert "trial" not in printed
    assert "trial" in table.markdown(tmp_path, quick=True)
