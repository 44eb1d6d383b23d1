"""A search varies several fields, looks at validation data alone, survives what fails, and continues where it was."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.data.index import index_folder
from engine.data.saved import save_index
from engine.data.split_choices import Choices, split_as_chosen
from engine.errors import RecipeError, ReportError, TrainingError
from engine.experiments import search as the_search
from engine.experiments.search import Search, best_of, run_trials, save_best, search_of, trials_of
from engine.experiments.search_space import Varied, varied_fields, with_values
from engine.jobs.control import training_lock
from engine.recipes.recipe import recipe_to_json
from engine.recipes.saved import own_recipes
from engine.records import Epoch, Index, Split, TrainingRequest
from engine.training import fit
from engine.workspace import Workspace, open_workspace
from gui.cli.main import main
from tests.tiny import EPOCH, TINY_RECIPE

RATES = ("phases.0.learning_rate=0.003,0.001",)


def a_search(workspace: Workspace, index: Index, vary: Sequence[str] = RATES, **changes: Any) -> Search:
    recipe = replace(TINY_RECIPE, **changes)
    save_index(workspace, index)
    return search_of(workspace, recipe, varied_fields(recipe, vary), index, Choices(seed=1))


# ------------------------------------------------------------------------------------------------ what is varied


def test_ranges_and_lists_are_read_and_a_field_may_be_named_by_what_is_its_own() -> None:
    rate, angle, size, method = varied_fields(
        TINY_RECIPE,
        (
            "learning_rate=1e-5..1e-2:log",
            "augment.rotation=0..20",
            "batch_size=4..16",
            "balance.method=none,focal",
        ),
    )
    assert rate == Varied(field="phases.0.learning_rate", low=1e-5, high=1e-2, log=True)
    assert angle == Varied(field="augmentation.rotation", low=0, high=20)
    assert size == Varied(field="batch_size", low=4, high=16, whole=True)
    assert method == Varied(field="balance.method", values=("none", "focal"))
    made = with_values(
        TINY_RECIPE,
        (rate, angle, size, method),
        {rate.field: 1e-3, angle.field: 7.5, size.field: 8, method.field: "focal"},
    )
    assert made.phases[0].learning_rate == 1e-3 and made.augmentation.rotation == 7.5
    assert made.batch_size == 8 and made.balance.method == "focal"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("learning_rate", "does not say what to vary"),
        ("learning_rate=1e-3", "nothing to choose"),
        ("learning_rate=1e-2..1e-4", "is no range"),
        ("learning_rate=0..1:log", "is no range"),
        ("learning_rate=1e-4..1e-2:cosine", "is no range"),
        ("learning_rate=a..b", "no range of numbers"),
        ("batch_size=2.5..8", "whole number"),
        ("balance.method=0..1", "is no number"),
        ("balance.method=none,all-of-it", "method"),
        ("augmentation.rotation=0..500", "rotation"),
        ("learning_rat=0..1", "no field"),
        ("seed=0..9", "cannot be varied"),
    ],
)
def test_what_cannot_be_varied_is_refused_before_anything_is_trained(text: str, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        varied_fields(TINY_RECIPE, [text])


def test_a_name_that_several_fields_have_is_asked_about() -> None:
    twice = replace(
        TINY_RECIPE, phases=(TINY_RECIPE.phases[0], replace(TINY_RECIPE.phases[0], name="second"))
    )
    with pytest.raises(RecipeError, match=r"phases\.0\.learning_rate or phases\.1\.learning_rate"):
        varied_fields(twice, ["learning_rate=1e-4..1e-2"])
    with pytest.raises(RecipeError, match="twice"):
        varied_fields(TINY_RECIPE, ["learning_rate=1e-4..1e-2", "phases.0.learning_rate=1e-4..1e-2"])
    with pytest.raises(RecipeError, match="Nothing is varied"):
        varied_fields(TINY_RECIPE, [])


# --------------------------------------------------------------------------------------------------- the trials


def test_no_trial_can_look_at_the_test_part(
    workspace: Workspace, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files of the test images are taken away, and no trial misses them."""
    index = index_folder(Path(shutil.copytree(films, tmp_path / "films")))
    search = a_search(workspace, index)
    split = split_as_chosen(index, search.choices)
    hidden = {sample.image_id for sample in split.test}
    for sample in split.test:
        sample.path.unlink()
    asked: set[str] = set()
    opened = fit.open_cache

    def spied(folder: Path, samples: Sequence[Any], **options: Any) -> Any:
        asked.update(sample.image_id for sample in samples)
        return opened(folder, samples, **options)

    monkeypatch.setattr(fit, "open_cache", spied)
    trials = list(run_trials(workspace, search, 2, device="cpu"))
    assert [trial.state for trial in trials] == ["done", "done"]
    assert asked == {sample.image_id for part in ("train", "val") for sample in split.part(part)}
    assert not asked & hidden


def test_a_trial_that_fails_leaves_the_others_be_and_the_best_becomes_a_recipe(
    workspace: Workspace, tiny_index: Index
) -> None:
    # "last 99" layers are none that this network has: found out when the trial begins.
    search = a_search(
        workspace, tiny_index, ["phases.0.trainable=all,last 99", "phases.0.learning_rate=1e-4..1e-2:log"]
    )
    trials = list(run_trials(workspace, search, 8, device="cpu"))
    assert [trial.number for trial in trials] == list(range(1, 9))
    states = {trial.state for trial in trials}
    assert "failed" in states and "done" in states
    assert all(trial.problem for trial in trials if trial.state == "failed")
    best = best_of(trials)
    assert best.val_auc == max(trial.val_auc for trial in trials if trial.state == "done")
    saved = save_best(workspace, search, trials, "My best")
    assert own_recipes(workspace)["my-best"] == saved
    assert saved.phases[0].learning_rate == best.values["phases.0.learning_rate"]
    table = list(csv.DictReader((search.folder / "trials.csv").open()))
    assert len(table) == 8 and {(row["pruner"], row["labels"]) for row in table} == {("median", "v1")}
    assert not (search.folder / "trial").exists() and not list(workspace.runs.iterdir())


def test_a_search_that_was_interrupted_continues_with_the_trial_that_was_running(
    workspace: Workspace, tiny_index: Index
) -> None:
    vary = ["phases.0.learning_rate=1e-4..1e-2:log"]
    search = a_search(workspace, tiny_index, vary)
    seen: list[Epoch] = []
    begun: list[float] = []

    def pull_the_plug(epoch: Epoch) -> None:
        seen.append(epoch)
        if len(seen) == 3:  # in the second trial
            raise KeyboardInterrupt

    def note(number: int, values: Any) -> None:
        begun.append(values["phases.0.learning_rate"])

    with pytest.raises(KeyboardInterrupt):
        list(run_trials(workspace, search, 3, device="cpu", begin=note, on_epoch=pull_the_plug))
    assert len(trials_of(search)) == 1 and len(begun) == 2
    again = a_search(workspace, tiny_index, vary)
    assert again.folder == search.folder
    rest = list(run_trials(workspace, again, 3, device="cpu", begin=note))
    assert [trial.number for trial in rest] == [2, 3]
    assert begun[2] == begun[1], "the interrupted trial is trained again"
    assert len({trial.values["phases.0.learning_rate"] for trial in trials_of(search)}) == 3
    assert list(run_trials(workspace, again, 3, device="cpu")) == []
    assert a_search(workspace, tiny_index, ["batch_size=4,8"]).folder != search.folder


def test_a_trial_below_the_median_of_the_others_ends_early(
    workspace: Workspace, tiny_index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of training curves that are known: a rate of 1e-8 learns nothing, the others do."""

    def curves(request: TrainingRequest, split: Split, **_: Any) -> Iterator[Epoch]:
        learns = request.recipe.phases[0].learning_rate > 1e-6
        for number in range(1, 5):
            yield replace(EPOCH, number=number, val_auc=0.6 + 0.05 * number if learns else 0.5, best=True)

    monkeypatch.setattr(the_search, "train", curves)
    search = a_search(workspace, tiny_index, ["learning_rate=0.001,0.002,0.003,1e-8"])
    trials = list(run_trials(workspace, search, 20, device="cpu"))
    poor = [trial for trial in trials if trial.values["phases.0.learning_rate"] == "1e-8"]
    pruned = [trial for trial in trials if trial.state == "pruned"]
    assert pruned == [trial for trial in poor if trial.number > 5] != []
    assert all((trial.epochs, trial.val_auc) == (1, 0.5) for trial in pruned)
    assert best_of(trials).val_auc == pytest.approx(0.8)


def test_by_halving_a_trial_goes_on_from_a_rung_if_it_is_among_the_best_fourth(
    workspace: Workspace, tiny_index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of curves that rise alike from where each begins: rungs at 2 and 8 epochs, since the head has the first two."""

    def curves(request: TrainingRequest, split: Split, **_: Any) -> Iterator[Epoch]:
        start = request.recipe.phases[1].learning_rate
        for number in range(1, 11):
            yield replace(EPOCH, number=number, val_auc=start + 0.01 * number, best=True)

    monkeypatch.setattr(the_search, "train", curves)
    head, whole = (replace(TINY_RECIPE.phases[0], epochs=epochs) for epochs in (2, 8))
    starts = [0.3 + 0.01 * number for number in range(16)]
    vary = ["phases.1.learning_rate=" + ",".join(f"{start:.2f}" for start in starts)]
    search = replace(a_search(workspace, tiny_index, vary, phases=(head, whole)), pruner="asha")
    trials = list(run_trials(workspace, search, 24, device="cpu"))
    assert {trial.epochs for trial in trials} <= {2, 8, 10}, "trials end at a rung or at their end"
    seen = list[float]()
    for trial in trials:
        start = float(trial.values["phases.1.learning_rate"])
        seen = sorted([*seen, start], reverse=True)
        among_the_best = start >= seen[max(1, len(seen) // 4) - 1]
        assert (trial.epochs > 2) == among_the_best, "who goes on from the first rung"
    assert {2, 10} <= {trial.epochs for trial in trials}
    every = replace(a_search(workspace, tiny_index, vary, phases=(head, whole), seed=7), pruner="none")
    assert {trial.epochs for trial in run_trials(workspace, every, 8, device="cpu")} == {10}
    with pytest.raises(ReportError, match=r"“hyperband” ends no trials early.*median, asha, none"):
        search_of(workspace, search.recipe, search.varied, tiny_index, Choices(seed=1), pruner="hyperband")


def test_a_search_waits_for_no_run_and_says_so(workspace: Workspace, tiny_index: Index) -> None:
    search = a_search(workspace, tiny_index)
    with training_lock(workspace.root), pytest.raises(TrainingError, match="Another run is in progress"):
        list(run_trials(workspace, search, 1, device="cpu"))
    with pytest.raises(ReportError, match="No trial"):
        best_of([])


# ------------------------------------------------------------------------------------------------ the command line


def test_the_command_saves_a_recipe_that_train_takes_by_name(
    tmp_path: Path, films: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(tmp_path / "workspace"))
    (tmp_path / "tiny.json").write_text(recipe_to_json(TINY_RECIPE))
    asked = ["search", str(tmp_path / "tiny.json"), str(films), "--vary", "learning_rate=1e-4..1e-2:log"]
    assert main([*asked, "--vary", "batch_size=4,8", "--trials", "2", "--name", "found", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["recipe"] == "found" and len(told["trials"]) == 2
    saved = own_recipes(open_workspace())["found"]
    assert saved.batch_size in (4, 8) and 1e-4 <= saved.phases[0].learning_rate <= 1e-2
    assert main([*asked, "--vary", "batch_size=4,8", "--trials", "2", "--name", "found"]) == 0
    printed = capsys.readouterr()
    assert "saved as the recipe “found”" in printed.out and "too optimistic" in printed.out
    assert "Of this search 2 trials are done already" in printed.err
    assert main(["recipes", "--json"]) == 0
    assert "found" in capsys.readouterr().out
    assert main([*asked[:3], "--vary", "nothing=1,2"]) == 1
