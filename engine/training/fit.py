"""Training: a recipe and a split in, epochs out; when the last one is out, the run's folder is complete.

The phases of a recipe follow one another on one net (`loop`). A phase that leaves the first layers frozen runs on the
feature bank where the recipe's views allow it; every other phase runs through the whole net (`batches`). Before them
everything that can be refused is refused; after them the net is calibrated.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data import limit_training, positive_of, save_split
from engine.errors import SplitError, TrainingError
from engine.images import ImageCache, open_cache, trim_images
from engine.models import (
    device_name,
    fast_last_map,
    len_parameters,
    pick_device,
    trained_parameters,
)
from engine.recipes import check_recipe, check_sides, recipe_to_json
from engine.records import (
    PART_NAMES,
    PARTS,
    Calibration,
    Epoch,
    OperatingFigures,
    Recipe,
    Run,
    Split,
    TrainingRequest,
    WeightsOrigin,
)
from engine.runs import environment, save_run, save_shift, save_uncertainty
from engine.statistics import choose_threshold, operating_figures
from engine.storage import KEPT_BYTES, versioned, write_atomic
from engine.training.batches import TrainingData
from engine.training.checkpoint import copy_state, load_checkpoint, remove_checkpoint, save_model
from engine.training.feature_bank import images_of
from engine.training.loop import BatchDone, StopRequested, TrainingLoop, stoppable
from engine.training.processes import ALONE, Processes, check_shareable
from engine.training.starting import starting_net
from engine.uncertainty import (
    calibrate,
    calibrated,
    cases_for_passes,
    fit_shift,
    fit_uncertainty,
    shift_features,
    undecided,
)


def train(
    request: TrainingRequest,
    split: Split,
    *,
    folder: Path,
    cache_dir: Path,
    dataset_name: str,
    should_stop: StopRequested = lambda: False,
    on_batch: BatchDone = lambda done, total: None,
    on_trained: Callable[[], None] = lambda: None,
    resume: bool = False,
    processes: Processes = ALONE,
) -> Iterator[Epoch]:
    """Train what was asked for on a split; afterwards `engine.runs.load_run(folder)` gives the finished run.

    Args:
        request: What was asked for; how the data are split was seen to by the caller.
        split: On what. Balancing and augmentation touch `split.train` alone.
        folder: The run's own folder; its name is the run's id.
        cache_dir: Where decoded images and features are kept between runs.
        dataset_name: For people.
        should_stop: Asked once a batch.
        on_batch: Told of every batch.
        on_trained: Told when the last epoch is done; calibrating begins, which may take a minute.
        resume: Go on from the folder's checkpoint, if there is one.
        processes: Those that train the model together; the first one of them writes the files.

    Yields:
        One record an epoch, as soon as it is done; it is in history.csv by then.

    Raises:
        RecipeError: The recipe is contradictory or does not fit the data.
        DataError: The images cannot be read any more.
        SplitError: There are fewer than two classes, or one is missing in one part.
        WeightsError: Pretrained weights are not on this machine.
        TrainingStopped: `should_stop` said so.
        TrainingError: The loss is no number any more, or memory ran out.
        WorkspaceError: The disk is full.
    """
    recipe, began = request.recipe, time.monotonic()
    check_recipe(recipe)
    check_shareable(recipe, processes)
    _check_split(recipe, split, request.positive)
    split = limit_training(split, recipe.train_limit, seed=recipe.seed)
    device = pick_device(request.device)
    if processes.first:
        write_what_is_done(folder, recipe, split, device)
    classifier, origin = starting_net(recipe, split, folder=folder, allow_downloads=request.allow_downloads)
    checkpoint = load_checkpoint(folder) if resume else None
    # Asked now, so that a layer that is not there is refused before hours of training and not after.
    trained = trained_parameters(classifier, recipe)
    classifier.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    cache = _decoded(recipe, split, cache_dir, stoppable(should_stop, on_batch))
    if processes.first:  # this run's own were used last, and stay
        trim_images(cache_dir, KEPT_BYTES["images"] + cache.images.nbytes)
    loop = TrainingLoop(
        recipe=recipe,
        folder=folder,
        cache_dir=cache_dir,
        classifier=classifier,
        cache=cache,
        data=TrainingData.of(split, cache),
        device=device,
        positive=split.classes.index(positive_of(split.classes, request.positive)),
        should_stop=should_stop,
        on_batch=on_batch,
        began=began - (checkpoint.seconds if checkpoint else 0.0),
        processes=processes,
    )
    try:
        yield from loop.run(checkpoint)
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"{device_name(device)} ran out of memory at a batch of {recipe.batch_size} images",
            "Start a new run with a smaller batch_size or image_size",
        ) from error
    if not processes.first:
        return
    on_trained()
    finish(loop, request, trained=trained, dataset_name=dataset_name, origin=origin)


def _decoded(
    recipe: Recipe, split: Split, cache_dir: Path, progress: Callable[[int, int], None]
) -> ImageCache:
    return open_cache(
        cache_dir,
        [*split.train, *split.val, *split.test],
        size=recipe.image_size,
        channels=recipe.channels,
        fit=recipe.fit,
        progress=progress,
    )


def write_what_is_done(folder: Path, recipe: Recipe, split: Split, device: str) -> None:
    """Put down what the run is made of before it is made."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "recipe.json", recipe_to_json(recipe))
    save_split(split, folder / "split.csv")
    write_atomic(
        folder / "environment.json", json.dumps(versioned(environment(device_name(device))), indent=2)
    )


def finish(
    loop: TrainingLoop,
    request: TrainingRequest,
    *,
    trained: int,
    dataset_name: str,
    origin: tuple[str, WeightsOrigin],
) -> None:
    """Write the best checkpoint; on validation data calibrate it, fit its uncertainty and what images it knows, choose
    its operating point."""
    recipe, data = loop.recipe, loop.data
    save_model(loop.folder, copy_state(loop.classifier))
    sample = cases_for_passes(len(data.val_rows), seed=recipe.seed)
    logits, pooled, seen = _validated(loop, sample)
    calibration = calibrate(recipe, logits, data.val_labels, data.train_labels, data.classes)
    uncertainty = fit_uncertainty(
        loop.classifier,
        logits,
        data.val_labels,
        pooled,
        data.val_labels[sample],
        calibration,
        patients=data.val_patients,
        seed=recipe.seed,
        each_pass=loop.unless_stopped,
    )
    if uncertainty is not None:
        save_uncertainty(loop.folder, uncertainty)
    known = fit_shift(
        seen,
        [data.val_ids[row] for row in sample],
        [data.val_patients[row] for row in sample],
        seed=recipe.seed,
    )
    if known is not None:
        save_shift(loop.folder, known)
    threshold, validated = _operating_point(loop, logits, calibration)
    save_run(
        Run(
            run_id=loop.folder.name,
            folder=loop.folder,
            dataset_id=request.dataset_id,
            labels=request.labels,
            endpoint=request.endpoint,
            dataset_name=dataset_name,
            recipe=recipe,
            classes=data.classes,
            positive=data.classes[loop.positive],
            threshold=threshold,
            validated=validated,
            calibration=calibration,
            weights_source=origin[0],
            weights_origin=origin[1],
            device=device_name(loop.device),
            created=datetime.now(UTC),
            seconds=time.monotonic() - loop.began,
            parameters=len_parameters(loop.classifier.parameters()),
            trained_parameters=trained,
        )
    )
    remove_checkpoint(loop.folder)


def _operating_point(
    loop: TrainingLoop, logits: NDArray[np.float32], calibration: Calibration
) -> tuple[float, OperatingFigures | None]:
    """Choose the threshold on the validation images' logits (N, C), and tell how it does there."""
    data, recipe = loop.data, loop.recipe
    if len(data.classes) != 2:
        return 0.5, None
    present = data.val_labels == loop.positive
    probabilities = calibrated(logits, calibration)[:, loop.positive]
    chosen = choose_threshold(
        recipe.operating_point,
        present,
        probabilities,
        undecided=undecided(calibration, loop.positive),
        groups=data.val_patients,
    )
    figures = operating_figures(
        chosen, present, probabilities, data.val_patients, named=data.val_patients_named
    )
    return chosen.value, figures


def _validated(
    loop: TrainingLoop, sample: NDArray[np.int64]
) -> tuple[NDArray[np.float32], list[Tensor], NDArray[np.float64]]:
    """Run the N validation images as `engine.prediction.predictor` does.

    Returns:
        (N, C) logits of all; and of the sample, in its order: in batches what the head reads, and (M, D) what
        distances are measured in. Maps of all would not fit into a GPU.
    """
    net, rows = loop.classifier.eval(), loop.data.val_rows
    features = fast_last_map(
        net,
        device=loop.device,
        images=len(rows),
        size=loop.recipe.image_size,
        cache_dir=loop.cache_dir,
    )
    kept = np.isin(np.arange(len(rows)), sample)
    logits = np.zeros((len(rows), len(loop.data.classes)), dtype=np.float32)
    pooled: list[Tensor] = []
    seen: list[NDArray[np.float64]] = []
    for at in range(0, len(rows), 64):
        loop.unless_stopped()
        here = slice(at, at + 64)
        images = images_of(loop.cache, rows[here], loop.device)
        ways = (images, images.flip(3)) if loop.recipe.test_time_flip else (images,)
        with torch.inference_mode():
            reads = [net.head.pool(features(way)) for way in ways]
            said = torch.stack([net.head.from_pooled(read) for read in reads]).mean(dim=0)
            logits[here] = said.float().cpu().numpy()
            read = torch.stack(reads).mean(dim=0)
        if kept[here].any():
            chosen = torch.from_numpy(kept[here]).to(read.device)
            pooled.append(read[chosen])
            seen.append(shift_features(read[chosen]))
    # A pass over seven images takes as long as one over many.
    return logits, list(torch.split(torch.cat(pooled), 256)), np.concatenate(seen)


def _check_split(recipe: Recipe, split: Split, positive: str | None) -> None:
    if len(split.classes) < 2:
        raise SplitError(
            f"There is only one class ({', '.join(split.classes) or 'none'}), so there is nothing to distinguish",
            "Add a folder or label for at least one other class",
        )
    for name in split.classes:
        for part in PARTS[:2]:
            if not any(sample.label == name for sample in split.part(part)):
                raise SplitError(
                    f"No {PART_NAMES[part]} image is labelled “{name}”",
                    "Add images of that class, leave the class out, or choose another seed or ratios for the split",
                )
    if positive is not None and positive not in split.classes:
        raise SplitError(f"There is no class “{positive}”", f"Choose one of: {', '.join(split.classes)}")
    check_sides(recipe, split.classes)
