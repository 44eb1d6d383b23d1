"""Training: a recipe and a split in, epochs out; when the last one is out, the run's folder is complete.

The phases of a recipe follow one another on one net. A phase that leaves the first layers frozen runs on the feature
bank where the recipe's views allow it; every other phase runs through the whole net. What is drawn in an epoch (order,
augmentation, dropout) is a function of the recipe's seed and the epoch's number, so that a resumed run gives the same
curve as one that was never interrupted.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from engine.augment import Augmenter, augmentation_is_none
from engine.backbone import (
    Classifier,
    build_classifier,
    len_parameters,
    load_pretrained,
    set_trainable,
    trained_parameters,
)
from engine.balance import Balanced, balanced_rows, counts_after, focal_loss
from engine.calibration import calibrate, calibrated
from engine.checkpoint import (
    Checkpoint,
    State,
    copy_state,
    load_checkpoint,
    remove_checkpoint,
    save_checkpoint,
    save_model,
)
from engine.cut import Cut, bytes_an_image, cut_where_frozen, frozen_backbone
from engine.doubt import fit_doubt, save_doubt
from engine.errors import DataError, SplitError, TrainingError, TrainingStopped
from engine.features import MAX_BYTES, PLAIN, FeatureBank, evict, images_of
from engine.image_cache import ImageCache, open_cache
from engine.inference import fast_features
from engine.metrics import choose_threshold, placements
from engine.optimizers import OPTIMIZERS, SCHEDULES, is_better, l1_penalty
from engine.recipe import check_recipe, recipe_to_json
from engine.records import Epoch, Phase, Recipe, Run, Sample, Split
from engine.run import append_epoch, environment, load_history, save_run, write_history
from engine.split import limit_training, save_split
from engine.workspace import write_atomic

LOG = logging.getLogger(__name__)

SECONDS_BETWEEN_CHECKPOINTS = 15.0


def pick_device(asked: str = "auto") -> str:
    """Return "cuda", "mps" or "cpu": what was asked for, or the best there is.

    Raises:
        TrainingError: What was asked for is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if asked == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if there[name])
    if not there.get(asked.partition(":")[0], False):
        raise TrainingError(
            f"This machine has no device “{asked}”",
            "Choose auto or cpu; `overread doctor` lists what there is",
        )
    return asked


def device_name(device: str) -> str:
    """Return a device's name for the report, e.g. "NVIDIA H100" or "cpu"."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def default_positive(classes: Sequence[str]) -> str:
    """Return the class whose finding sensitivity speaks of, unless the user says otherwise: the last one.

    `Index.classes` puts a class named like "normal" first.
    """
    return classes[-1]


@dataclass
class _Feed:
    """Where a phase's batches come from: pixels through the net, or banked features through the rest of it."""

    classifier: Classifier
    cache: ImageCache
    device: str
    augmenter: Augmenter
    rest: nn.Module  # from a batch to logits
    copy_augmenter: Augmenter | None  # for copies, where the recipe leaves originals as they are
    views: dict[int, NDArray[np.float32]] = field(default_factory=dict)  # empty means pixels

    def inputs(
        self, rows: NDArray[np.int64], *, view: int, copies: NDArray[np.int64], where: NDArray[np.bool_]
    ) -> Tensor:
        """Return a training batch: augmented images (B, C, H, W) in [0, 1], or pooled features."""
        if self.views:
            # An image shows its banked views in turn, from epoch to epoch and from copy to copy.
            turn = np.array(sorted(self.views))[(rows + view + copies) % len(self.views)]
            batch = np.empty((len(rows), *self.views[PLAIN].shape[1:]), dtype=np.float32)
            for number in np.unique(turn):
                batch[turn == number] = self.views[int(number)][rows[turn == number]]
            return torch.from_numpy(batch).to(self.device)
        images = images_of(self.cache, rows, self.device)
        changed = self.augmenter(images, rows, view, copies=copies)
        if where.any() and self.copy_augmenter is not None:
            changed = self.copy_augmenter(changed, rows, view, copies=copies, where=where)
        return changed.contiguous(memory_format=torch.channels_last)

    def plain(self, rows: NDArray[np.int64]) -> Tensor:
        """Return a batch as it is, for validation."""
        if self.views:
            return torch.from_numpy(self.views[PLAIN][rows]).to(self.device)
        images = images_of(self.cache, rows, self.device).float() / 255
        return images.contiguous(memory_format=torch.channels_last)

    def logits(self, inputs: Tensor) -> Tensor:
        """Return logits (B, classes)."""
        out: Tensor = self.rest(inputs)
        return out


class StopRequested(Protocol):
    """Whether somebody pressed stop; asked once a batch."""

    def __call__(self) -> bool:
        """Answer."""


class BatchDone(Protocol):
    """Told of every batch: how many are done, of how many."""

    def __call__(self, done: int, total: int, /) -> None:
        """Take note."""


@dataclass
class _Progress:
    """What the present phase knows of its own course."""

    best_value: float = math.nan
    epochs_since_best: int = 0
    best: State | None = None
    monitor: str = ""


def train(
    recipe: Recipe,
    split: Split,
    *,
    folder: Path,
    cache_dir: Path,
    dataset_id: str,
    dataset_name: str,
    positive: str | None = None,
    device: str = "auto",
    should_stop: StopRequested = lambda: False,
    on_batch: BatchDone = lambda done, total: None,
    resume: bool = False,
    allow_downloads: bool = False,
) -> Iterator[Epoch]:
    """Train a recipe on a split; afterwards `engine.run.load_run(folder)` gives the finished run.

    Args:
        recipe: What to do.
        split: On what. Balancing and augmentation touch `split.train` alone.
        folder: The run's own folder; its name is the run's id.
        cache_dir: Where decoded images and features are kept between runs.
        dataset_id: Of the index.
        dataset_name: For people.
        positive: The class whose finding sensitivity speaks of; None means the last.
        device: "auto", "cpu", "cuda" or "mps".
        should_stop: Asked once a batch.
        on_batch: Told of every batch.
        resume: Go on from the folder's checkpoint, if there is one.
        allow_downloads: Whether pretrained weights may be fetched from the hub.

    Yields:
        One record an epoch, as soon as it is done; it is in history.csv by then.

    Raises:
        RecipeError: The recipe is contradictory or does not fit the data.
        DataError: The images cannot be read any more.
        SplitError: There are fewer than two classes, or one is missing on one side.
        WeightsError: Pretrained weights are not on this machine.
        TrainingStopped: `should_stop` said so.
        TrainingError: The loss is no number any more, or memory ran out.
        WorkspaceError: The disk is full.
    """
    check_recipe(recipe)
    _check_split(split, positive)
    split = limit_training(split, recipe.train_limit, seed=recipe.seed)
    began = time.monotonic()
    chosen = pick_device(device)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "recipe.json", recipe_to_json(recipe))
    save_split(split, folder / "split.csv")
    write_atomic(folder / "environment.json", json.dumps(environment(device_name(chosen)), indent=2))

    torch.manual_seed(recipe.seed)
    classifier = build_classifier(recipe, len(split.classes))
    checkpoint = load_checkpoint(folder) if resume else None
    origin = load_pretrained(classifier, recipe.weights, allow_downloads=allow_downloads)
    # Asked now, so that a layer or class that is not there is refused before hours of training and not after.
    trained = trained_parameters(classifier, recipe)
    labels = np.array([split.classes.index(sample.label or "") for sample in split.train])
    counts_after(labels, recipe.balance, split.classes)
    classifier.to(chosen, memory_format=torch.channels_last)  # type: ignore[call-overload]
    cache = open_cache(
        cache_dir,
        [*split.train, *split.val, *split.test],
        size=recipe.image_size,
        channels=recipe.channels,
        progress=_stoppable(should_stop, on_batch),
    )
    data = _Data.of(split, cache)
    course = _Course(
        recipe=recipe,
        folder=folder,
        cache_dir=cache_dir,
        classifier=classifier,
        cache=cache,
        data=data,
        device=chosen,
        positive=split.classes.index(positive or default_positive(split.classes)),
        should_stop=should_stop,
        on_batch=on_batch,
        began=began - (checkpoint.seconds if checkpoint else 0.0),
    )
    try:
        yield from course.run(checkpoint)
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"{device_name(chosen)} ran out of memory at a batch of {recipe.batch_size} images",
            "Set a smaller batch_size or image_size and resume",
        ) from error
    finish(course, trained=trained, dataset_id=dataset_id, dataset_name=dataset_name, origin=origin)


@dataclass(frozen=True)
class _Data:
    """Rows of the image cache and class numbers, by side."""

    train_rows: NDArray[np.int64]
    train_labels: NDArray[np.int64]
    val_rows: NDArray[np.int64]
    val_labels: NDArray[np.int64]
    classes: tuple[str, ...]

    @classmethod
    def of(cls, split: Split, cache: ImageCache) -> _Data:
        """Look the split's images up in the cache; those that cannot be read any more are left out and logged.

        Raises:
            DataError: Nothing is left of a class.
        """
        numbers = {name: number for number, name in enumerate(split.classes)}

        def side(name: str, samples: Sequence[Sample]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
            kept = [sample for sample in samples if sample.image_id in cache.row]
            lost = set(split.classes) - {sample.label for sample in kept}
            if lost:
                raise DataError(
                    f"No {name} image of class {min(lost)} can be read any more ({cache.failed[0].message})",
                    "Put the images back where they were, or index them again",
                )
            labels = np.array([numbers[sample.label or ""] for sample in kept], dtype=np.int64)
            return cache.rows(kept), labels

        for finding in cache.failed:
            LOG.warning(finding.message)
        train_rows, train_labels = side("training", split.train)
        val_rows, val_labels = side("validation", split.val)
        return cls(train_rows, train_labels, val_rows, val_labels, split.classes)


@dataclass
class _Course:
    """One run from its first epoch to its last."""

    recipe: Recipe
    folder: Path
    cache_dir: Path
    classifier: Classifier
    cache: ImageCache
    data: _Data
    device: str
    positive: int
    should_stop: StopRequested
    on_batch: BatchDone
    began: float
    progress: _Progress = field(default_factory=_Progress)
    val_logits: Tensor | None = None

    def run(self, checkpoint: Checkpoint | None) -> Iterator[Epoch]:
        """Go through the phases, from the checkpoint on; the net ends as the best epoch by what was last monitored."""
        number = 0
        saved_at = time.monotonic()
        if checkpoint is not None:
            self._restore(checkpoint)
            number = checkpoint.progress["epochs_before"] + checkpoint.epochs
        write_history(self.folder, load_history(self.folder)[:number])
        for index, phase in enumerate(self.recipe.phases):
            if checkpoint is not None and index < checkpoint.phase:
                continue
            resumed = checkpoint if checkpoint is not None and index == checkpoint.phase else None
            if resumed is None:
                self._enter(phase)
            parameters = set_trainable(self.classifier, phase.trainable)
            optimizer = OPTIMIZERS[phase.optimizer](parameters, phase)
            schedule = SCHEDULES[phase.schedule](optimizer, phase)
            feed = self._feed(phase)
            done = 0
            if resumed is not None:
                done = resumed.epochs
                if resumed.optimizer is not None:
                    optimizer.load_state_dict(dict(resumed.optimizer))
                    schedule.load_state_dict(resumed.progress["schedule"])
            while done < phase.epochs and not self._ended(phase):
                started = time.monotonic()
                rate = optimizer.param_groups[0]["lr"]
                train_loss, images = self._epoch(phase, index, done, feed, optimizer, parameters)
                figures = self._validate(feed)
                value = figures[phase.monitor]
                schedule.step(value)
                improved = self._note(value, phase)
                done, number = done + 1, number + 1
                seconds = time.monotonic() - started
                epoch = Epoch(
                    number=number,
                    phase=phase.name,
                    train_loss=train_loss,
                    **figures,
                    learning_rate=rate,
                    seconds=seconds,
                    images_per_second=images / seconds,
                    best=improved,
                )
                append_epoch(self.folder, epoch)
                if time.monotonic() - saved_at > SECONDS_BETWEEN_CHECKPOINTS:
                    self._save(index, done, number, optimizer, schedule.state_dict())
                    saved_at = time.monotonic()
                yield epoch
            evict(self.cache_dir / "features")
        if self.progress.best is not None:
            self.classifier.load_state_dict(self.progress.best)

    def _enter(self, phase: Phase) -> None:
        # A phase starts from the best of those before it, and must beat it: fine-tuning can only help.
        if self.progress.best is not None:
            self.classifier.load_state_dict(self.progress.best)
        self.progress.epochs_since_best = 0
        if self.progress.monitor != phase.monitor:
            self.progress = _Progress(monitor=phase.monitor)

    def _ended(self, phase: Phase) -> bool:
        return 0 < phase.stop_patience <= self.progress.epochs_since_best

    def _note(self, value: float, phase: Phase) -> bool:
        improved = is_better(phase.monitor, value, self.progress.best_value)
        if improved:
            self.progress.best_value, self.progress.epochs_since_best = value, 0
            self.progress.best = copy_state(self.classifier)
        else:
            self.progress.epochs_since_best += 1
        return improved

    def _feed(self, phase: Phase) -> _Feed:
        recipe = self.recipe
        changes = not augmentation_is_none(recipe.augmentation)
        changes_copies = recipe.balance.method == "duplicate-augmented" and not changes
        feed = _Feed(
            classifier=self.classifier,
            cache=self.cache,
            device=self.device,
            rest=self.classifier,
            augmenter=Augmenter(recipe.augmentation, recipe.seed),
            copy_augmenter=Augmenter(recipe.balance.augmentation, recipe.seed) if changes_copies else None,
        )
        cut = cut_where_frozen(self.classifier)
        if cut is None or changes_copies or (changes and recipe.views == 0) or not self._fits(cut):
            return feed
        feed.rest = cut.rest
        bank = FeatureBank(
            self.cache_dir / "features",
            self.cache,
            cut,
            augmentation=recipe.augmentation,
            seed=recipe.seed,
            device=self.device,
        )
        progress = _stoppable(self.should_stop, self.on_batch)
        everything = np.concatenate([self.data.train_rows, self.data.val_rows])
        feed.views[PLAIN] = bank.view(PLAIN, everything, progress)
        for view in range(recipe.views if changes else 0):
            feed.views[view] = bank.view(view, self.data.train_rows, progress)
        return feed

    def _fits(self, cut: Cut) -> bool:
        size, data = bytes_an_image(cut, self.recipe.channels, self.recipe.image_size, self.device), self.data
        return size * (len(data.train_rows) * (1 + self.recipe.views) + len(data.val_rows)) <= MAX_BYTES

    def _epoch(
        self,
        phase: Phase,
        index: int,
        done: int,
        feed: _Feed,
        optimizer: torch.optim.Optimizer,
        parameters: list[nn.Parameter],
    ) -> tuple[float, int]:
        recipe, data = self.recipe, self.data
        view = index * 10_000 + done  # differs from epoch to epoch over all phases
        torch.manual_seed(recipe.seed * 1_000_003 + view)
        rng = np.random.default_rng([recipe.seed % 2**32, index, done])
        plan = balanced_rows(data.train_labels, recipe.balance, data.classes, rng)
        order = rng.permutation(len(plan.rows))
        batches = [order[at : at + recipe.batch_size] for at in range(0, len(order), recipe.batch_size)]
        if len(batches) > 1 and len(batches[-1]) == 1:
            batches.pop()  # batch normalisation has no variance over one image
        weights = None
        if plan.class_weights is not None:
            weights = torch.from_numpy(plan.class_weights).to(self.device)
        self.classifier.train()
        scaler = torch.amp.GradScaler(self.device, enabled=_half_precision(self.device) == torch.float16)
        total, images = 0.0, 0
        for step, (chosen, inputs) in enumerate(self._prefetched(feed, batches, plan, view)):
            if self.should_stop():
                raise stopped()
            labels = torch.from_numpy(data.train_labels[plan.rows[chosen]]).to(self.device)
            optimizer.zero_grad(set_to_none=True)
            with _autocast(self.device):
                logits = feed.logits(inputs)
                gamma = recipe.balance.focal_gamma if plan.loss == "focal" else 0.0  # 0 is cross-entropy
                loss = focal_loss(logits.float(), labels, gamma, weights)
                if phase.l1:
                    loss = loss + phase.l1 * l1_penalty(parameters)
            scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            if phase.clip_norm:
                scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(parameters, phase.clip_norm)
            scaler.step(optimizer)
            scaler.update()
            total += float(loss.detach()) * len(chosen)
            images += len(chosen)
            self.on_batch(step + 1, len(batches))
        if not math.isfinite(total):
            raise TrainingError(
                f"The training loss became {total} in epoch {done + 1} of phase {phase.name}",
                f"Lower the learning rate (now {phase.learning_rate:g}) or set clip_norm to 1",
            )
        return total / max(1, images), images

    def _prefetched(
        self, feed: _Feed, batches: list[NDArray[np.int64]], plan: Balanced, view: int
    ) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
        def make(chosen: NDArray[np.int64]) -> Tensor:
            return feed.inputs(
                self.data.train_rows[plan.rows[chosen]],
                view=view,
                copies=plan.copies[chosen],
                where=plan.augment[chosen],
            )

        if feed.views:  # features are there already: a thread would cost more than it hides
            yield from ((chosen, make(chosen)) for chosen in batches)
            return
        with ThreadPoolExecutor(1) as thread:
            upcoming = [thread.submit(make, chosen) for chosen in batches[:2]]
            for step, chosen in enumerate(batches):
                inputs = upcoming.pop(0).result()
                if step + 2 < len(batches):
                    upcoming.append(thread.submit(make, batches[step + 2]))
                yield chosen, inputs

    def _validate(self, feed: _Feed) -> dict[str, float]:
        self.classifier.eval()
        rows, labels = self.data.val_rows, torch.from_numpy(self.data.val_labels)
        size = 2048 if feed.views else self.recipe.batch_size
        pieces: list[Tensor] = []
        with torch.inference_mode(), _autocast(self.device):
            for at in range(0, len(rows), size):
                if self.should_stop():
                    raise stopped()
                pieces.append(feed.logits(feed.plain(rows[at : at + size])).float().cpu())
        if not pieces:
            return {"val_loss": math.nan, "val_accuracy": math.nan, "val_auc": math.nan}
        logits = torch.cat(pieces)
        return {
            "val_loss": float(functional.cross_entropy(logits, labels)),
            "val_accuracy": float((logits.argmax(1) == labels).float().mean()),
            "val_auc": _area(logits.softmax(1).numpy(), self.data.val_labels, self.positive),
        }

    def _save(
        self,
        index: int,
        done: int,
        number: int,
        optimizer: torch.optim.Optimizer,
        schedule: dict[str, Any],
    ) -> None:
        save_checkpoint(
            self.folder,
            Checkpoint(
                phase=index,
                epochs=done,
                model=copy_state(self.classifier),
                best=self.progress.best,
                progress={
                    "best_value": self.progress.best_value,
                    "epochs_since_best": self.progress.epochs_since_best,
                    "monitor": self.progress.monitor,
                    "schedule": schedule,
                    "epochs_before": number - done,
                },
                optimizer=optimizer.state_dict(),
                seconds=time.monotonic() - self.began,
            ),
        )

    def _restore(self, checkpoint: Checkpoint) -> None:
        self.classifier.load_state_dict(checkpoint.model)
        self.progress = _Progress(
            best_value=checkpoint.progress["best_value"],
            epochs_since_best=checkpoint.progress["epochs_since_best"],
            best=checkpoint.best,
            monitor=checkpoint.progress["monitor"],
        )

    def validation_features(self) -> list[Tensor]:
        """Return pooled features of the validation images by the present net, in batches, as images are."""
        self.classifier.eval()
        rows = self.data.val_rows
        features = fast_features(
            frozen_backbone(self.classifier).frozen,
            device=self.device,
            images=len(rows),
            size=self.recipe.image_size,
            cache_dir=self.cache_dir,
        )
        batches: list[Tensor] = []
        for at in range(0, len(rows), 64):
            images = images_of(self.cache, rows[at : at + 64], self.device).float() / 255
            batches.append(self.classifier.head.pool(features(images)))
        return batches


def finish(course: _Course, *, trained: int, dataset_id: str, dataset_name: str, origin: str) -> None:
    """Write the best checkpoint; on validation data calibrate it, fit its doubt and choose its operating point."""
    recipe, data = course.recipe, course.data
    save_model(course.folder, copy_state(course.classifier))
    pooled = course.validation_features()
    logits = np.zeros((0, len(data.classes)), dtype=np.float32)
    if pooled:
        with torch.inference_mode():
            logits = (
                torch.cat([course.classifier.head.from_pooled(batch) for batch in pooled])
                .float()
                .cpu()
                .numpy()
            )
    calibration = calibrate(recipe, logits, data.val_labels, data.train_labels, data.classes)
    doubt = fit_doubt(course.classifier, pooled, data.val_labels, calibration, seed=recipe.seed)
    if doubt is not None:
        save_doubt(course.folder, doubt)
    threshold = 0.5
    if len(data.classes) == 2 and len(logits):
        probabilities = calibrated(logits, calibration)[:, course.positive]
        threshold = choose_threshold(
            recipe.operating_point, data.val_labels == course.positive, probabilities
        )
    save_run(
        Run(
            run_id=course.folder.name,
            folder=course.folder,
            dataset_id=dataset_id,
            dataset_name=dataset_name,
            recipe=recipe,
            classes=data.classes,
            positive=data.classes[course.positive],
            threshold=threshold,
            calibration=calibration,
            weights_source=origin,
            device=device_name(course.device),
            created=datetime.now(UTC),
            seconds=time.monotonic() - course.began,
            parameters=len_parameters(course.classifier.parameters()),
            trained_parameters=trained,
        )
    )
    remove_checkpoint(course.folder)


def stopped() -> TrainingStopped:
    """Say that a run was stopped and that nothing is lost."""
    return TrainingStopped(
        "The run was stopped", "Resume it to go on from its last checkpoint, or start another"
    )


def _area(probabilities: NDArray[np.float32], labels: NDArray[np.int64], positive: int) -> float:
    classes = [positive] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    areas: list[float] = []
    for number in classes:
        y = labels == number
        if 0 < y.sum() < len(y):
            areas.append(float(np.mean(placements(y, probabilities[:, number].astype(np.float64))[0])))
    return float(np.mean(areas)) if areas else math.nan


def _half_precision(device: str) -> torch.dtype | None:
    if not device.startswith("cuda"):
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def _autocast(device: str) -> contextlib.AbstractContextManager[object]:
    dtype = _half_precision(device)
    return contextlib.nullcontext() if dtype is None else torch.autocast("cuda", dtype=dtype)


def _stoppable(should_stop: StopRequested, on_batch: BatchDone) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        if should_stop():
            raise stopped()
        on_batch(done, total)

    return progress


def _check_split(split: Split, positive: str | None) -> None:
    if len(split.classes) < 2:
        raise SplitError(
            f"There is only one class ({', '.join(split.classes) or 'none'}), so there is nothing to tell apart",
            "Add a folder or label for at least one other class",
        )
    for name in split.classes:
        for part in ("train", "val"):
            samples = split.train if part == "train" else split.val
            if not any(sample.label == name for sample in samples):
                raise SplitError(
                    f"No {'training' if part == 'train' else 'validation'} image is labelled “{name}”",
                    "Add images of that class, leave the class out, or choose another seed or ratios for the split",
                )
    if positive is not None and positive not in split.classes:
        raise SplitError(f"There is no class “{positive}”", f"Choose one of: {', '.join(split.classes)}")
