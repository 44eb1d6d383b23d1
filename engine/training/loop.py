"""The training loop of a run: phases, epochs, the best net so far, and checkpoints from which it goes on.

What is drawn in an epoch (order, augmentation, dropout) is a function of the recipe's seed and the epoch's number,
so that a resumed run gives the same curve as one that was never interrupted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import TrainingError, TrainingStopped
from engine.images import ImageCache
from engine.models import Classifier, autocast, compiled, half_precision, rate_groups, set_trainable
from engine.recipes import (
    OPTIMIZERS,
    SCHEDULES,
    balanced_rows,
    focal_loss,
    l1_penalty,
    label_mixer,
    mixes_images,
)
from engine.records import Epoch, Phase, Recipe
from engine.runs import append_epoch, load_history, write_history
from engine.statistics import MONITORS, monitored
from engine.storage import KEPT_BYTES
from engine.training.averaging import WeightAverage
from engine.training.batches import BatchSource, TrainingData, open_batches
from engine.training.checkpoint import Checkpoint, State, copy_state, save_checkpoint
from engine.training.feature_bank import trim_banks
from engine.training.processes import ALONE, Processes

SECONDS_BETWEEN_CHECKPOINTS = 15.0


class StopRequested(Protocol):
    """Whether somebody pressed stop; asked once a batch."""

    def __call__(self) -> bool:
        """Answer."""


class BatchDone(Protocol):
    """Told of every batch: how many are done, of how many."""

    def __call__(self, done: int, total: int, /) -> None:
        """Take note."""


def stopped() -> TrainingStopped:
    """Say that a run was stopped and how it goes on."""
    return TrainingStopped(
        "The run was stopped", "Resume it to continue from its last checkpoint, or start another"
    )


def stoppable(should_stop: StopRequested, on_batch: BatchDone) -> Callable[[int, int], None]:
    """Return what tells `on_batch` of every step and raises `TrainingStopped` when somebody pressed stop."""

    def progress(done: int, total: int) -> None:
        if should_stop():
            raise stopped()
        on_batch(done, total)

    return progress


@dataclass
class _Progress:
    """What the present phase knows of its own training loop."""

    best_value: float = math.nan
    epochs_since_best: int = 0
    best: State | None = None
    monitor: str = ""


@dataclass
class TrainingLoop:
    """One run from its first epoch to its last."""

    recipe: Recipe
    folder: Path
    cache_dir: Path
    classifier: Classifier
    cache: ImageCache
    data: TrainingData
    device: str
    positive: int
    should_stop: StopRequested
    on_batch: BatchDone
    began: float
    processes: Processes = ALONE
    progress: _Progress = field(default_factory=_Progress)
    scaler: torch.amp.GradScaler = field(init=False)

    def __post_init__(self) -> None:
        """Make the loss's scaler: one for the whole run, for it takes many steps to find its scale."""
        self.scaler = torch.amp.GradScaler(self.device, enabled=half_precision(self.device) == torch.float16)

    def unless_stopped(self) -> None:
        """Raise `TrainingStopped` when somebody pressed stop."""
        if self.should_stop():
            raise stopped()

    def run(self, checkpoint: Checkpoint | None) -> Iterator[Epoch]:
        """Go through the phases, from the checkpoint on; the net ends as the best epoch by what was last monitored."""
        number = 0
        saved_at = time.monotonic()
        if checkpoint is not None:
            self._restore(checkpoint)
            number = checkpoint.progress["epochs_before"] + checkpoint.epochs
        if self.processes.first:
            write_history(self.folder, load_history(self.folder)[:number])
        for index, phase in enumerate(self.recipe.phases):
            if checkpoint is not None and index < checkpoint.phase:
                continue
            resumed = checkpoint if checkpoint is not None and index == checkpoint.phase else None
            if resumed is None:
                self._enter(phase)
            parameters = set_trainable(
                self.classifier, phase.trainable, freeze_batch_norm=phase.freeze_batch_norm
            )
            optimizer = OPTIMIZERS[phase.optimizer](self._groups(parameters, phase), phase)
            schedule = SCHEDULES[phase.schedule](optimizer, phase)
            batch_source = open_batches(
                self.recipe,
                self.classifier,
                self.cache,
                self.data,
                pixels=mixes_images(phase),
                device=self.device,
                cache_dir=self.cache_dir,
                progress=stoppable(self.should_stop, self.on_batch),
                following=next(iter(self.recipe.phases[index + 1 :]), None),
            )
            batch_source.rest = compiled(batch_source.rest)
            learner = self.processes.learner(batch_source.rest)
            average = WeightAverage(self.classifier, phase.ema_decay) if phase.ema_decay else None
            done = 0
            if resumed is not None:
                done = resumed.epochs
                if resumed.optimizer is not None:
                    optimizer.load_state_dict(dict(resumed.optimizer))
                    schedule.load_state_dict(resumed.progress["schedule"])
                if average is not None and resumed.average is not None:
                    average.load(resumed.average, resumed.progress["average_steps"])
            while done < phase.epochs and not self._ended(phase):
                started = time.monotonic()
                rate = optimizer.param_groups[0]["lr"]
                train_loss, images = self._epoch(
                    phase, index, done, batch_source, learner, optimizer, parameters, average
                )
                with average.in_place() if average is not None else nullcontext():
                    figures, value = self._validate(batch_source, phase.monitor)
                    improved = self._note(value, phase)
                schedule.step(value)
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
                    monitor=phase.monitor,
                    monitored=value,
                )
                if self.processes.first:
                    append_epoch(self.folder, epoch)
                last = index == len(self.recipe.phases) - 1 and (done == phase.epochs or self._ended(phase))
                due = last or time.monotonic() - saved_at > SECONDS_BETWEEN_CHECKPOINTS
                if self.processes.first and due:
                    self._save(index, done, number, optimizer, schedule.state_dict(), average)
                    saved_at = time.monotonic()
                yield epoch
            del batch_source, learner  # it has the banks open
            if self.processes.first:
                trim_banks(self.cache_dir / "features", KEPT_BYTES["features"])
        if self.progress.best is not None:
            self.classifier.load_state_dict(self.progress.best)

    def _groups(
        self, parameters: list[nn.Parameter], phase: Phase
    ) -> list[nn.Parameter] | list[dict[str, Any]]:
        if phase.layer_decay == 1:
            return parameters
        return rate_groups(self.classifier, parameters, rate=phase.learning_rate, decay=phase.layer_decay)

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
        improved = MONITORS[phase.monitor].is_better(value, self.progress.best_value)
        if improved:
            self.progress.best_value, self.progress.epochs_since_best = value, 0
            self.progress.best = copy_state(self.classifier)
        else:
            self.progress.epochs_since_best += 1
        return improved

    def _epoch(
        self,
        phase: Phase,
        index: int,
        done: int,
        batch_source: BatchSource,
        learner: nn.Module,
        optimizer: torch.optim.Optimizer,
        parameters: list[nn.Parameter],
        average: WeightAverage | None,
    ) -> tuple[float, int]:
        recipe, data = self.recipe, self.data
        view = index * 10_000 + done  # differs from epoch to epoch over all phases
        torch.manual_seed(recipe.seed * 1_000_003 + view)
        rng = np.random.default_rng([recipe.seed, index, done])
        plan = balanced_rows(data.train_labels, recipe.balance, data.classes, rng)
        order = rng.permutation(len(plan.rows))
        batches = [order[at : at + recipe.batch_size] for at in range(0, len(order), recipe.batch_size)]
        if len(batches[-1]) == 1:  # never the only one, for there are images of two classes
            batches.pop()  # batch normalisation has no variance over one image
        weights = None
        if plan.class_weights is not None:
            weights = torch.from_numpy(plan.class_weights).to(self.device)
        # On the device once an epoch: a copy in each step would make the step wait for all that a GPU has queued.
        targets = torch.from_numpy(data.train_labels[plan.rows[np.concatenate(batches)]]).to(self.device)
        each = torch.split(targets, [len(chosen) for chosen in batches])
        mixer = label_mixer(phase, len(data.classes))
        self.classifier.train()
        losses: list[Tensor] = []
        made = batch_source.prefetched(data.train_rows, [*map(self.processes.share, batches)], plan, view)
        for step, (whole, inputs) in enumerate(zip(each, made, strict=True)):
            self.unless_stopped()
            labels = self.processes.share(whole)
            if mixer is not None:
                inputs, labels = mixer(inputs, labels)
            optimizer.zero_grad()
            with autocast(self.device), self.processes.as_one_batch(len(whole)):
                logits = learner(inputs)
                gamma = recipe.balance.focal_gamma if plan.loss == "focal" else 0.0  # 0 is cross-entropy
                loss = self.processes.part_of_mean(
                    focal_loss(logits.float(), labels, gamma, weights), len(whole)
                )
                if phase.l1:
                    loss = loss + phase.l1 * l1_penalty(parameters) / self.processes.world
            self.scaler.scale(loss * self.processes.world).backward()  # type: ignore[no-untyped-call]
            if phase.clip_norm:
                self.scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(parameters, phase.clip_norm)
            self.scaler.step(optimizer)
            self.scaler.update()
            if average is not None:
                average.update()
            losses.append(loss.detach())
            self.on_batch(step + 1, len(batches))
        # Read at once, for the same reason.
        values = zip(self.processes.total(torch.stack(losses)).tolist(), batches, strict=True)
        total = sum(loss * len(chosen) for loss, chosen in values)
        if not math.isfinite(total):
            epoch = done + 1
            raise TrainingError(
                f"The training loss became {total} in epoch {epoch} of phase {phase.name}",
                f"Start a new run with a lower learning rate in this phase (now {phase.learning_rate:g}), or with its "
                "clip_norm at 1",
            )
        return total / len(targets), len(targets)

    def _validate(self, batch_source: BatchSource, monitor: str) -> tuple[dict[str, float], float]:
        """Return what is told of every epoch, and what this one is judged by."""
        self.classifier.eval()
        rows = self.processes.share(self.data.val_rows)
        size = 2048 if batch_source.views else self.recipe.batch_size
        pieces: list[Tensor] = [torch.empty(0, len(self.data.classes), device=self.device)]
        with torch.inference_mode(), autocast(self.device):
            for at in range(0, len(rows), size):
                self.unless_stopped()
                pieces.append(batch_source.logits(batch_source.plain(rows[at : at + size])).float())
        logits = self.processes.gathered(torch.cat(pieces), len(self.data.val_rows)).cpu().numpy()

        def figure(name: str) -> float:
            return monitored(name, logits, self.data.val_labels, positive=self.positive)

        return {name: figure(name) for name in ("val_loss", "val_accuracy", "val_auc")}, figure(monitor)

    def _save(
        self,
        index: int,
        done: int,
        number: int,
        optimizer: torch.optim.Optimizer,
        schedule: dict[str, Any],
        average: WeightAverage | None,
    ) -> None:
        save_checkpoint(
            self.folder,
            Checkpoint(
                phase=index,
                epochs=done,
                model=copy_state(self.classifier),
                best=self.progress.best,
                average=average.state() if average is not None else None,
                progress={
                    "best_value": self.progress.best_value,
                    "epochs_since_best": self.progress.epochs_since_best,
                    "monitor": self.progress.monitor,
                    "schedule": schedule,
                    "scaler": self.scaler.state_dict(),
                    "epochs_before": number - done,
                    "average_steps": average.steps if average is not None else None,
                },
                optimizer=optimizer.state_dict(),
                seconds=time.monotonic() - self.began,
            ),
        )

    def _restore(self, checkpoint: Checkpoint) -> None:
        self.classifier.load_state_dict(checkpoint.model)
        if scale := checkpoint.progress.get(
            "scaler"
        ):  # empty where the run began on a device that needs none
            self.scaler.load_state_dict(scale)
        self.progress = _Progress(
            best_value=checkpoint.progress["best_value"],
            epochs_since_best=checkpoint.progress["epochs_since_best"],
            best=checkpoint.best,
            monitor=checkpoint.progress["monitor"],
        )
