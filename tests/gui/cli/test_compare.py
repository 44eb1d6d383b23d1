"""Promises of `overread compare`: one split for all, finished runs are kept and can be taken again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.errors import RecipeError
from engine.experiments.loop import entries_of
from engine.jobs import control as jobs
from engine.recipes.builtin import RECIPES
from engine.recipes.recipe import recipe_to_json
from engine.records import Phase, Recipe
from engine.runs.folder import load_run, split_of
from gui.cli import compare as compare_commands
from gui.cli.main import main

TINY_RECIPE = Recipe(
    name="tiny",
    title="A net small enough for a test",
    source="tests",
    backbone="test_efficientnet",
    weights="random",
    image_size=32,
    phases=(Phase(name="all", epochs=2, trainable="all", optimizer="adam", learning_rate=1e-3),),
    batch_size=8,
)

Overread = Callable[..., tuple[int, str, str]]


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    generator = np.random.default_rng(0)
    for name, brightness in (("normal", 60), ("pneumonia", 190)):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            pixels = generator.normal(brightness, 20, (32, 32)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{name}{number}.png")
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.json"
    path.write_text(recipe_to_json(TINY_RECIPE))
    return path


@pytest.fixture
def overread(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Overread:
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(tmp_path / "workspace"))

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def answer(result: tuple[int, str, str]) -> Any:
    code, out, err = result
    assert code == 0, err
    return json.loads(out)


def test_a_field_is_varied_on_one_split_and_what_was_done_before_ctrl_c_is_taken_again(
    overread: Overread, films: Path, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed: list[Path] = []
    watch = compare_commands.watch_job

    def watch_until_the_second(folder: Path) -> Any:
        followed.append(folder)
        if len(followed) == 2:
            jobs.stop(folder)
            for _ in jobs.watch(folder):
                pass
            raise KeyboardInterrupt
        return watch(folder)

    monkeypatch.setattr(compare_commands, "watch_job", watch_until_the_second)
    asked = ("compare", films, recipe, "--vary", "phases.0.optimizer=adam,sgd", "--epochs", 1, "--json")
    code, out, err = overread(*asked)
    assert (code, out) == (130, "")
    assert "Done and kept: 1 of 2" in err and "--reuse" in err
    told = answer(overread(*asked, "--reuse", "--out", tmp_path / "out"))

    assert [one["name"] for one in told["runs"]] == ["phases.0.optimizer=adam", "phases.0.optimizer=sgd"]
    assert told["runs"][0]["run_id"] == followed[0].name
    assert len(followed) == 3
    assert told["runs"][1]["differs"] == {"phases.0.optimizer": "sgd"}
    assert told["cases"] >= 4
    runs = [load_run(tmp_path / "workspace" / "runs" / one["run_id"]) for one in told["runs"]]
    assert split_of(runs[0]) == split_of(runs[1])
    for name in ("html", "csv", "json"):
        assert Path(told[name]).parent == tmp_path / "out"
        assert Path(told[name]).stat().st_size > 200

    code, out, _ = overread(*asked[:-1], "--reuse")
    assert (code, len(followed)) == (0, 3)
    assert "phases.0.optimizer=sgd" in out and "comparison.html" in out


def test_one_that_fails_is_said_and_the_others_are_compared(
    overread: Overread, films: Path, recipe: Path, tmp_path: Path
) -> None:
    lacking = tmp_path / "lacking.json"
    lacking.write_text(
        recipe_to_json(replace(TINY_RECIPE, name="lacking", backbone="resnet18", weights="imagenet"))
    )
    code, out, err = overread("compare", films, recipe, lacking, "--epochs", 1, "--json")
    assert code == 1
    assert "lacking" in err and "resnet18" in err
    told = json.loads(out)
    assert [one["name"] for one in told["runs"]] == ["tiny"]
    assert list(told["failed"]) == ["lacking"]


def test_every_seed_of_every_recipe_is_an_entry() -> None:
    entries = entries_of([RECIPES["demo"], RECIPES["head-only"]], vary=None, seeds=2)
    assert [entry.label for entry in entries] == ["demo", "head-only", "demo, seed 1", "head-only, seed 1"]


def test_lists_can_be_varied() -> None:
    entries = entries_of([RECIPES["demo"]], vary="head.hidden=[],[8],[8, 4]", seeds=1)
    assert [entry.recipe.head.hidden for entry in entries] == [(), (8,), (8, 4)]


@pytest.mark.parametrize(
    ("names", "vary", "seeds", "sentence"),
    [
        (("demo",), None, 1, "One run alone"),
        (("demo", "demo"), None, 1, "named twice"),
        (("demo", "head-only"), "batch_size=1,2", 1, "several"),
        (("demo",), "batch_size", 1, "what to vary"),
        (("demo",), "batch_size=", 1, "what to vary"),
        (("demo",), "batch_sise=1,2", 1, "no field"),
        (("demo", "head-only"), None, 0, "number of seeds"),
    ],
)
def test_what_cannot_be_compared_is_said(
    names: tuple[str, ...], vary: str | None, seeds: int, sentence: str
) -> None:
    with pytest.raises(RecipeError, match=sentence):
        entries_of([RECIPES[name] for name in names], vary=vary, seeds=seeds)
