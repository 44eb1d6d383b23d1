"""An experiment asked for works in its own process, says how far it is, stops when asked, and goes on from there."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.data.saved import save_index
from engine.errors import RunError, TrainingError
from engine.experiments.asked.control import (
    begin_experiment,
    experiment_status,
    experiments,
    go_on_experiment,
    stop_experiment,
)
from engine.experiments.asked.files import (
    CANCEL_FILE,
    Asked,
    ExperimentStatus,
    load_asked,
    load_found,
    save_asked,
)
from engine.experiments.asked.work import (
    FIGURE_FILE,
    Progress,
    StopAskedError,
    comparison,
    learning_curve,
    search,
)
from engine.language import languages, speaking
from engine.recipes.saved import own_recipes
from engine.records import Index, Recipe
from engine.retelling import retell
from engine.runs.folder import list_runs
from engine.workspace import Workspace
from tests.tiny import TINY_RECIPE

ONE_EPOCH = replace(TINY_RECIPE, phases=(replace(TINY_RECIPE.phases[0], epochs=1),))
RATES = ("phases.0.learning_rate=0.003,0.001",)
Ask = Callable[..., Asked]


@pytest.fixture
def ask(workspace: Workspace, tiny_index: Index) -> Ask:
    save_index(workspace, tiny_index)

    def asked(kind: str, recipe: Recipe = ONE_EPOCH, **more: object) -> Asked:
        bare = Asked(workspace=workspace.root, kind=kind, recipe=recipe, dataset_id=tiny_index.dataset_id)
        return replace(bare, **more)  # type: ignore[arg-type]

    return asked


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What an experiment says of how far it is; a page says all of it in its language, but for names."""
    messages: list[str] = []
    say = Progress.say

    def heard(progress: Progress, message: str, **fields: object) -> None:
        messages.append(message)
        say(progress, message, **fields)

    monkeypatch.setattr(Progress, "say", heard)
    yield messages
    for code in languages()[1:]:
        with speaking(code):
            told = {one: re.sub("\u2068[^\u2069]*\u2069", "", str(retell(f"{one}."))) for one in messages}
        assert not {one: words for one, words in told.items() if re.search("[A-Za-z]", words)}


def ended(folder: Path, seconds: float = 180) -> ExperimentStatus:
    until = time.monotonic() + seconds
    while (now := experiment_status(folder)).working:
        assert time.monotonic() < until, now
        time.sleep(0.2)
    return now


def test_a_search_is_stopped_goes_on_in_another_process_and_leaves_a_recipe(
    workspace: Workspace, ask: Ask
) -> None:
    endless = replace(ONE_EPOCH, phases=(replace(ONE_EPOCH.phases[0], epochs=9999),))
    folder = begin_experiment(workspace, ask("search", endless, vary=RATES, trainings=2))
    with pytest.raises(TrainingError, match="Another experiment is in progress"):
        begin_experiment(workspace, ask("search", vary=RATES))
    until = time.monotonic() + 120
    while "epoch" not in experiment_status(folder).message:
        assert time.monotonic() < until
        time.sleep(0.2)
    stop_experiment(workspace, folder.name)
    assert ended(folder).state == "stopped" and load_found(folder) is None
    asked = folder / "asked.json"
    asked.write_text(asked.read_text().replace("9999", "1"))  # the same, shorter
    go_on_experiment(workspace, folder.name)
    now = ended(folder)
    assert (now.state, now.done, now.total) == ("done", 2, 2), now.message
    found = load_found(folder)
    assert found is not None and found.recipe in own_recipes(workspace) and len(found.rows) == 2
    assert [one.experiment_id for one in experiments(workspace)] == [folder.name]
    assert list_runs(workspace) == []  # no trial is a run
    with pytest.raises(TrainingError, match="done"):
        go_on_experiment(workspace, folder.name)


def test_a_learning_curve_keeps_its_runs_its_figure_and_its_page(
    workspace: Workspace, ask: Ask, tmp_path: Path, said: list[str]
) -> None:
    progress = Progress(tmp_path, ExperimentStatus(experiment_id="here"))
    found = learning_curve(workspace, ask("learning-curve", shares=(0.5, 1.0)), progress)
    assert "models of 2 sizes were trained" in found.sentence
    assert {row[-1] for row in found.rows} == {run.run_id for run in list_runs(workspace)}
    assert (tmp_path / found.page).exists() and "<svg" in (tmp_path / FIGURE_FILE).read_text()
    assert (progress.now.done, progress.now.total) == (2, 2)
    assert any(" · " in one for one in said)


def test_a_comparison_trains_each_recipe_once_and_keeps_its_page(
    workspace: Workspace, ask: Ask, tmp_path: Path, said: list[str]
) -> None:
    other = replace(ONE_EPOCH, name="other", batch_size=16)
    (workspace.root / "asked").mkdir()
    asked = ask("comparison", others=(other,), folds=3)
    save_asked(workspace.root / "asked", asked)
    assert load_asked(workspace.root / "asked") == asked
    progress = Progress(tmp_path, ExperimentStatus(experiment_id="here"))
    found = comparison(workspace, asked, progress)
    trained = {run.run_id: run for run in list_runs(workspace)}
    assert [trained[name].folds for name in found.runs] == [3, 3]
    assert [row[0] for row in found.rows] == [ONE_EPOCH.name, "other"]
    assert "2 runs were compared on" in found.sentence and "other, minus the first" in found.more[0]
    with speaking("fa"):
        again_said = [retell(one) for one in (found.sentence, found.more[0])]
    assert None not in again_said and len(said) > 3
    assert (tmp_path / found.page).exists() and (tmp_path / "comparison.json").exists()
    again = comparison(workspace, asked, progress)  # gone on with, when both were trained
    assert again.runs == found.runs and len(list_runs(workspace)) == 2


def test_what_is_asked_to_stop_before_it_begins_trains_nothing(
    workspace: Workspace, ask: Ask, tmp_path: Path
) -> None:
    (tmp_path / CANCEL_FILE).touch()
    with pytest.raises(StopAskedError):
        search(
            workspace, ask("search", vary=RATES), Progress(tmp_path, ExperimentStatus(experiment_id="here"))
        )
    assert not (workspace.root / "searches").exists()


def test_a_failure_is_said_in_a_sentence_and_a_path_is_no_experiment(workspace: Workspace, ask: Ask) -> None:
    folder = begin_experiment(workspace, ask("search", vary=("no_such_field=1,2",)))
    now = ended(folder)
    assert now.state == "failed" and "A recipe has no field “no_such_field”" in now.message
    for name in ("", "..", "../runs", "none"):
        with pytest.raises(RunError, match="no such experiment"):
            stop_experiment(workspace, name)
