"""Cross-validation: one model a fold, each trained as any run is; together they are a run of several models."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy.special import expit

from engine.data import load_split, save_split
from engine.models import pick_device
from engine.records import Calibration, Epoch, Run, Split, TrainingRequest
from engine.runs import fold_folders, load_run, models_of, save_run
from engine.training.fit import train, write_what_is_done
from engine.training.loop import BatchDone, StopRequested


def train_folds(
    request: TrainingRequest,
    splits: Sequence[Split],
    tested: Split,
    *,
    folder: Path,
    cache_dir: Path,
    dataset_name: str,
    should_stop: StopRequested = lambda: False,
    on_batch: BatchDone = lambda done, total: None,
    on_trained: Callable[[], None] = lambda: None,
    on_fold: Callable[[int, int], None] = lambda number, of: None,
    resume: bool = False,
    trains: Callable[..., Iterator[Epoch]] = train,
) -> Iterator[Epoch]:
    """Train a model on each fold; afterwards `engine.runs.load_run(folder)` gives the run that holds them.

    A stop keeps the folds that are finished; resumed, the training goes on in the fold that was running.

    Args:
        request: What was asked for.
        splits: One a fold.
        tested: All that the folds test, as one split.
        folder: The run's own folder; the folds lie in it.
        cache_dir: See `train`, as are those that follow.
        dataset_name: See above.
        should_stop: See above.
        on_batch: See above.
        on_trained: See above; told once a fold.
        on_fold: Told when a fold begins: its number from 1, and of how many.
        resume: Go on with what is in the folder.
        trains: Trains a fold as `train` does: here, or on a cluster.

    Yields:
        One record an epoch; their numbers begin anew with each fold.
    """
    write_what_is_done(folder, request.recipe, tested, pick_device(request.device))
    inside = fold_folders(folder, len(splits))
    for here, split in zip(inside, splits, strict=True):
        here.mkdir(parents=True, exist_ok=True)
        if not (resume and (here / "split.csv").exists()):
            save_split(split, here / "split.csv")
    for number, here in enumerate(inside, 1):
        if (here / "run.json").exists():
            continue
        on_fold(number, len(inside))
        yield from trains(
            request,
            load_split(here / "split.csv"),
            folder=here,
            cache_dir=cache_dir,
            dataset_name=dataset_name,
            should_stop=should_stop,
            on_batch=on_batch,
            on_trained=on_trained,
            resume=resume,
        )
    save_run(_joined(folder, len(inside)))


def _joined(folder: Path, folds: int) -> Run:
    """Return the run that speaks by the mean of its models' calibrated log-odds.

    The mean of log-odds exceeds that of the operating points exactly where the models lie, on average, beyond their
    own: so the operating point of all is the mean of theirs, in log-odds, and nothing is chosen anew on images that
    some of them were tested on.
    """
    first = load_run(fold_folders(folder, folds)[0])
    run = replace(
        first, run_id=folder.name, folder=folder, created=datetime.now(UTC), validated=None, folds=folds
    )
    models = models_of(run)
    if first.weights_origin is not None:  # what weights have seen of its test part, each fold says of its own
        seen = [remark for model in models if model.weights_origin for remark in model.weights_origin.remarks]
        run = replace(run, weights_origin=replace(first.weights_origin, remarks=tuple(dict.fromkeys(seen))))
    edges = np.clip([model.threshold for model in models], 1e-15, 1 - 1e-15)
    biases = [model.calibration.bias or (0.0,) * len(run.classes) for model in models]
    temperatures = ", ".join(f"{model.calibration.temperature:.3g}" for model in models)
    fitted = any(model.calibration.temperature != 1 or model.calibration.bias for model in models)
    note = (
        f"Each of the {folds} models by its own temperature ({temperatures}), fitted on its own validation images; "
        "the log-odds of new images are the mean over the models."
        if fitted
        else first.calibration.note
    )
    bias = tuple(float(value) for value in np.mean(biases, axis=0))
    return replace(
        run,
        threshold=float(expit(np.mean(np.log(edges) - np.log1p(-edges)))),
        calibration=Calibration(bias=bias if any(map(abs, bias)) else (), note=note),
        seconds=math.fsum(model.seconds for model in models),
    )
