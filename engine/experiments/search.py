"""A search for better settings: trials of one recipe with several fields varied, judged on validation data alone.

What is trained on has no test part, so that no trial can look at it; the recipe that is found is tested when it is
trained afterwards. Trials are drawn by Optuna's tree-structured Parzen estimator (doi:10.1145/3292500.3330701), and one
that promises less than the others ends early, by a rule of `PRUNERS`. Each is written down in a journal as it goes: the
same search, asked for again, continues.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.data import Choices, training_request
from engine.errors import EngineError, ReportError, TrainingError
from engine.experiments.loop import alone
from engine.experiments.search_space import Varied, with_values
from engine.kept_files import plain
from engine.labels import splits_on
from engine.recipes import save_own
from engine.records import FIRST_VERSION, Epoch, Index, LabelsUsed, Recipe, Split, TrainingRequest
from engine.runs import kept_epoch
from engine.spreadsheet import write_csv
from engine.storage import storage_error, write_atomic
from engine.training import train
from engine.workspace import Workspace

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.trial import FrozenTrial, Trial as Running

JOURNAL = "trials.journal"
UNJUDGED = 5  # trials before the median ends any early
KEPT_OF = 4  # one in so many goes on from a rung of ASHA


def _by_the_median(recipe: Recipe) -> BasePruner:
    from optuna.pruners import MedianPruner

    return MedianPruner(n_startup_trials=UNJUDGED)


def _by_halving(recipe: Recipe) -> BasePruner:
    from optuna.pruners import SuccessiveHalvingPruner

    # While the head alone is trained, an epoch says little of what fine-tuning will give: the first rung comes after.
    first = recipe.phases[0].epochs if len(recipe.phases) > 1 else 1
    return SuccessiveHalvingPruner(min_resource=first, reduction_factor=KEPT_OF)


def _by_nothing(recipe: Recipe) -> BasePruner:
    from optuna.pruners import NopPruner

    return NopPruner()


PRUNERS: dict[str, Callable[[Recipe], BasePruner]] = {
    "median": _by_the_median,
    "asha": _by_halving,
    "none": _by_nothing,
}
"""What ends a trial early, by name: below the median of the others at the same epoch; not among the best fourth at 1,
4, 16, … times the first phase's epochs (asynchronous successive halving, arXiv:1810.05934); nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One training of a search.

    Attributes:
        number: From 1.
        values: By field.
        state: "done"; "pruned", ended early; or "failed".
        val_auc: Of the epoch that was kept, on validation data; of a pruned trial the best so far; NaN of a failed one.
        epochs: Trained.
        pruner: What could end it early, a name of `PRUNERS`; empty of an earlier version.
        problem: Why it failed.
    """

    number: int
    values: Mapping[str, Any]
    state: str
    val_auc: float
    epochs: int
    pruner: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Search:
    """What is searched, and where it is kept.

    Attributes:
        recipe: Where nothing is varied.
        varied: Fields.
        index: The data set.
        choices: How it is split.
        labels: The version of its labels; None means those that came with the data.
        folder: With the journal.
        pruner: A name of `PRUNERS`.
    """

    recipe: Recipe
    varied: tuple[Varied, ...]
    index: Index
    choices: Choices
    labels: LabelsUsed | None
    folder: Path
    pruner: str = "median"


def search_of(
    workspace: Workspace,
    recipe: Recipe,
    varied: tuple[Varied, ...],
    index: Index,
    choices: Choices,
    labels: LabelsUsed | None = None,
    pruner: str = "median",
) -> Search:
    """Return a search; the same recipe, fields, data, split and labels give the same one, with what was done in it.

    What ends its trials early may be another than before: it judges those that are still to come.

    Raises:
        ReportError: There is no such pruner.
    """
    if pruner not in PRUNERS:
        raise ReportError(f"“{pruner}” ends no trials early", f"Choose one of {', '.join(PRUNERS)}")
    split = asdict(choices)
    del split["labels"]  # which are in use for the next training is nothing to this one: it has its own
    asked = [plain(recipe), [asdict(one) for one in varied], index.dataset_id, split]
    asked += [] if labels is None else [asdict(labels)]
    mark = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:8]
    folder = workspace.root / "searches" / f"{recipe.name}-{mark}"
    return Search(
        recipe=recipe,
        varied=varied,
        index=index,
        choices=choices,
        labels=labels,
        folder=folder,
        pruner=pruner,
    )


def run_trials(
    workspace: Workspace,
    search: Search,
    trials: int,
    *,
    device: str = "auto",
    allow_downloads: bool = False,
    begin: Callable[[int, Mapping[str, Any]], None] = lambda number, values: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Iterator[Trial]:
    """Train trials until there are so many, those of an earlier call counted; one that fails leaves the others be.

    Args:
        workspace: Where the cache lies.
        search: Of `search_of`.
        trials: In all.
        device: "auto", "cpu", "cuda" or "mps".
        allow_downloads: Whether pretrained weights may be fetched from the hub.
        begin: Told of each trial before it is trained: its number and values.
        on_epoch: Told of each epoch; may raise to stop, and the trial is then trained again by the next call.

    Raises:
        SplitError: The data cannot be split as chosen.
        TrainingError: Another run of the workspace is training.
        WorkspaceError: The journal cannot be written.
    """
    (whole,) = splits_on(workspace, search.index, search.choices, search.labels)
    split = replace(whole, test=())  # what is not there cannot be looked at
    with alone(workspace):
        study = study_of(search)
        while len(finished := trials_of(search, study)) < trials:
            running = study.ask(distributions(search.varied))
            begin(len(finished) + 1, running.params)
            request = training_request(
                search.recipe,
                search.index,
                search.choices,
                device=device,
                allow_downloads=allow_downloads,
                labels=search.labels,
            )
            _train(workspace, search, study, running, request, split, on_epoch)
            yield trials_of(search, study)[-1]


def _train(
    workspace: Workspace,
    search: Search,
    study: Study,
    running: Running,
    request: TrainingRequest,
    split: Split,
    on_epoch: Callable[[Epoch], None],
) -> None:
    """Train one trial and write down what came of it; its model is not kept."""
    folder = search.folder / "trial"
    shutil.rmtree(folder, ignore_errors=True)
    judge = Judge(search, study, running)
    try:
        recipe = with_values(search.recipe, search.varied, running.params)
        for epoch in train(
            replace(request, recipe=recipe),
            split,
            folder=folder,
            cache_dir=workspace.cache,
            dataset_name=search.index.name,
        ):
            on_epoch(epoch)
            if judge.prunes(epoch):
                return
        judge.end()
    except EngineError as error:  # the other trials are worth having all the same
        judge.fail(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Judge:
    """What is written down of a trial as it goes, and whether it ends early."""

    def __init__(self, search: Search, study: Study, running: Running) -> None:
        self.running = running
        running.set_user_attr("pruner", search.pruner)  # a search can go on with another
        self._study = study
        self._epochs: list[Epoch] = []

    def prunes(self, epoch: Epoch) -> bool:
        """Take note of an epoch, and say whether the trial ends here."""
        from optuna.trial import TrialState

        self._epochs[epoch.number - 1 :] = [
            epoch
        ]  # one that goes on from a checkpoint says some of them again
        self.running.set_user_attr("epochs", len(self._epochs))
        known = [one.val_auc for one in self._epochs if math.isfinite(one.val_auc)]
        if known:
            self.running.report(max(known), len(self._epochs))
        if not self.running.should_prune():
            return False
        self.running.set_user_attr("best", max(known, default=-math.inf))
        self._study.tell(self.running, state=TrialState.PRUNED)
        return True

    def end(self) -> None:
        """Write down what the trial reached."""
        kept = kept_epoch(self._epochs)
        if kept is None or not math.isfinite(kept.val_auc):
            self.fail(TrainingError("No epoch was better than another", "Vary other fields"))
        else:
            self._study.tell(self.running, kept.val_auc)

    def fail(self, error: EngineError) -> None:
        """Write down why there is nothing."""
        from optuna.trial import TrialState

        self.running.set_user_attr("problem", error.kept)
        self._study.tell(self.running, state=TrialState.FAIL)

    @property
    def told(self) -> Trial:
        """What came of the trial, by the number it has in the study."""
        ended = self._study.get_trials(deepcopy=False)[self.running.number]
        told = _told(ended)
        assert told is not None, "it ended in words"
        return replace(told, number=self.running.number + 1)


def study_of(search: Search) -> Study:
    """Open the journal of a search; a trial that was interrupted is put first in the queue again."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend
    from optuna.trial import TrialState

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        search.folder.mkdir(parents=True, exist_ok=True)
        study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(search.folder / JOURNAL))),
            study_name="search",
            direction="maximize",
            load_if_exists=True,
            pruner=PRUNERS[search.pruner](search.recipe),
        )
    except OSError as error:
        raise storage_error(error, search.folder) from error
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    # A seed of the trials so far: a search that continues draws no values twice.
    study.sampler = optuna.samplers.TPESampler(seed=search.recipe.seed + len(study.trials))
    return study


def distributions(varied: Sequence[Varied]) -> dict[str, BaseDistribution]:
    """Return where Optuna looks, by field."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    def of(one: Varied) -> BaseDistribution:
        if one.values:
            return CategoricalDistribution(one.values)
        if one.whole:
            return IntDistribution(int(one.low), int(one.high), log=one.log)
        return FloatDistribution(one.low, one.high, log=one.log)

    return {one.field: of(one) for one in varied}


def trials_of(search: Search, study: Study | None = None) -> list[Trial]:
    """Return the trials of a search that came to an end, in order; those that were interrupted do not count."""
    ended = (study or study_of(search)).get_trials(deepcopy=False)
    told = [_told(trial) for trial in ended if trial.state.is_finished()]
    return [replace(one, number=number) for number, one in enumerate(filter(None, told), 1)]


def _told(trial: FrozenTrial) -> Trial | None:
    from optuna.trial import TrialState

    problem = trial.user_attrs.get("problem", "")
    if trial.state == TrialState.FAIL and not problem:
        return None  # interrupted
    state = {TrialState.COMPLETE: "done", TrialState.PRUNED: "pruned"}.get(trial.state, "failed")
    value = trial.value if state == "done" else trial.user_attrs.get("best")
    return Trial(
        number=0,
        values=trial.params,
        state=state,
        val_auc=math.nan if value is None else float(value),
        epochs=int(trial.user_attrs.get("epochs", 0)),
        pruner=trial.user_attrs.get("pruner", ""),
        problem=problem,
    )


def best_of(trials: Sequence[Trial]) -> Trial:
    """Return the trial with the highest area on validation data, the first of several.

    Raises:
        ReportError: None came to its end.
    """
    done = [trial for trial in trials if trial.state == "done"]
    if not done:
        first = next((trial.problem for trial in trials if trial.problem), "there is none")
        raise ReportError(
            f"No trial of the search came to its end ({first})", "Correct or narrow what is varied"
        )
    return max(done, key=lambda trial: trial.val_auc)


def save_best(workspace: Workspace, search: Search, trials: Sequence[Trial], title: str = "") -> Recipe:
    """Save the best trial's recipe under a name that `overread train --recipe` takes, and all trials as trials.csv.

    Args:
        workspace: Keeps the recipe.
        search: That found it.
        trials: Of it.
        title: For people; empty takes the search's own name.

    Raises:
        ReportError: No trial came to its end.
        RecipeError: The title is a built-in recipe's.
        WorkspaceError: It cannot be written.
    """
    best = best_of(trials)
    number = search.labels.number if search.labels else FIRST_VERSION
    lines = [{**_line(trial), "labels": f"v{number}"} for trial in trials]
    write_atomic(search.folder / "trials.csv", write_csv(lines))
    found = with_values(search.recipe, search.varied, best.values)
    return save_own(workspace, found, title or search.folder.name)


def _line(trial: Trial) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "state": trial.state,
        "validation AUROC": trial.val_auc,
        "epochs": trial.epochs,
        "pruner": trial.pruner,
        **trial.values,
        "problem": trial.problem,
    }
