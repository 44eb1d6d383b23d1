"""Where a phase's batches come from: pixels through the whole net, or banked features through the rest of it.

open_feed(...) -> Feed      pixels, or the bank, by what the phase trains and the recipe augments
Feed.prefetched(...)        an epoch's batches for training
Feed.plain(rows)            a batch as it is, for validation
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.data import patients_named
from engine.errors import WHERE_NOW, DataError
from engine.images import ImageCache
from engine.models import (
    Classifier,
    FrozenPart,
    find_frozen_part,
    folded,
    in_unit,
    kept_shape,
    set_trainable,
    thread_on,
)
from engine.recipes import (
    Augmenter,
    Balanced,
    augmentation_is_none,
    changes_of_copies,
    mixes_images,
)
from engine.records import Augmentation, Phase, Recipe, Sample, Split
from engine.storage import KEPT_BYTES
from engine.training.feature_bank import PLAIN, FeatureBank, View, images_of

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Rows of the image cache and class numbers, by part."""

    train_rows: NDArray[np.int64]
    train_labels: NDArray[np.int64]
    val_rows: NDArray[np.int64]
    val_labels: NDArray[np.int64]
    classes: tuple[str, ...]
    val_patients: tuple[str, ...]
    val_patients_named: bool
    val_ids: tuple[str, ...]

    @classmethod
    def of(cls, split: Split, cache: ImageCache) -> TrainingData:
        """Look the split's images up in the cache; those that cannot be read any more are left out and logged.

        Raises:
            DataError: Nothing is left of a class.
        """
        numbers = {name: number for number, name in enumerate(split.classes)}

        def part(name: str, samples: Sequence[Sample]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
            kept = [sample for sample in samples if sample.image_id in cache.row]
            lost = set(split.classes) - {sample.label for sample in kept}
            if lost:
                raise _nothing_left(name, min(lost), samples, cache)
            labels = np.array([numbers[sample.label or ""] for sample in kept], dtype=np.int64)
            return cache.rows(kept), labels

        for issue in cache.failed:
            LOG.warning(issue.message)
        train_rows, train_labels = part("training", split.train)
        val_rows, val_labels = part("validation", split.val)
        kept = [sample for sample in split.val if sample.image_id in cache.row]
        return cls(
            train_rows=train_rows,
            train_labels=train_labels,
            val_rows=val_rows,
            val_labels=val_labels,
            classes=split.classes,
            val_patients=tuple(sample.patient_id for sample in kept),
            val_patients_named=patients_named(kept).all,
            val_ids=tuple(sample.image_id for sample in kept),
        )


def _nothing_left(name: str, label: str, samples: Sequence[Sample], cache: ImageCache) -> DataError:
    paths = {sample.path for sample in samples if sample.label == label}
    if not paths:
        return DataError(
            f"The split has no {name} image of class {label}",
            "Split the images again, or leave the class out",
        )
    of_class = [issue.message for issue in cache.failed if paths & set(issue.paths)]
    others = [issue.message for issue in cache.failed]
    message = next(iter([*of_class, *others]), "not among the decoded images")
    return DataError(
        f"No {name} image of class {label} can be read any more ({message})",
        "Put the images back, or say where they are now",
        option="overread relocate",
        fields=WHERE_NOW,
    )


@dataclass
class BatchSource:
    """Where a phase's batches come from: pixels through the net, or banked features through the rest of it."""

    cache: ImageCache
    device: str
    augmenter: Augmenter
    rest: nn.Module  # from a batch to logits
    copy_augmenter: Augmenter | None  # for copies that are changed in a way of their own
    views: dict[int, View] = field(default_factory=dict)  # empty means pixels
    copy_views: dict[int, View] = field(default_factory=dict)  # of copies that must be changed

    def inputs(
        self, rows: NDArray[np.int64], *, view: int, copies: NDArray[np.int64], where: NDArray[np.bool_]
    ) -> Tensor:
        """Return a training batch: augmented images (B, C, H, W) in [0, 1], or pooled features."""
        if self.views:
            # An image shows its banked views in turn, from epoch to epoch and from copy to copy.
            at = rows + view + copies
            batch = np.empty((len(rows), *self.views[PLAIN].shape[1:]), dtype=np.float32)
            for views, chosen in ((self.views, ~where), (self.copy_views, where)):
                numbers = np.array(sorted(views))
                for place, number in enumerate(numbers):
                    these = chosen & (at % len(numbers) == place)
                    batch[these] = views[int(number)][rows[these]]
            return torch.from_numpy(batch).to(self.device)
        images = images_of(self.cache, rows, self.device)
        if self.copy_augmenter is None:
            changed = self.augmenter(images, rows, view, copies=copies)
        else:
            changed = self.augmenter(images, rows, view, copies=copies, where=~where)
            changed = self.copy_augmenter(changed, rows, view, copies=copies, where=where)
        return changed.contiguous(memory_format=torch.channels_last)

    def plain(self, rows: NDArray[np.int64]) -> Tensor:
        """Return a batch as it is, for validation."""
        if self.views:
            return torch.from_numpy(self.views[PLAIN][rows]).to(self.device)
        images = in_unit(images_of(self.cache, rows, self.device))
        return images.contiguous(memory_format=torch.channels_last)

    def logits(self, inputs: Tensor) -> Tensor:
        """Return logits (B, classes)."""
        out: Tensor = self.rest(inputs)
        return out

    def prefetched(
        self, train_rows: NDArray[np.int64], batches: list[NDArray[np.int64]], plan: Balanced, view: int
    ) -> Iterator[Tensor]:
        """Yield an epoch's batches, each made while the one before is learnt from.

        Args:
            train_rows: (N,) rows of the image cache.
            batches: Which entries of the plan each batch holds.
            plan: Of the epoch.
            view: Number of the epoch over all phases.

        Yields:
            `inputs` of each batch.
        """

        def make(chosen: NDArray[np.int64]) -> Tensor:
            return self.inputs(
                train_rows[plan.rows[chosen]],
                view=view,
                copies=plan.copies[chosen],
                where=plan.augment[chosen],
            )

        if self.views:  # features are there already: a thread would cost more than it hides
            yield from map(make, batches)
            return
        # On one core: torch's threads for this would stand in the way of those that train, which costs more than the
        # work itself.
        with thread_on(1) if self.device == "cpu" else ThreadPoolExecutor(1) as thread:
            upcoming = [thread.submit(make, chosen) for chosen in batches[:2]]
            for step in range(len(batches)):
                inputs = upcoming.pop(0).result()
                if step + 2 < len(batches):
                    upcoming.append(thread.submit(make, batches[step + 2]))
                yield inputs


def open_batches(
    recipe: Recipe,
    classifier: Classifier,
    cache: ImageCache,
    data: TrainingData,
    *,
    pixels: bool,
    device: str,
    cache_dir: Path,
    progress: Callable[[int, int], None],
    following: Phase | None = None,
) -> BatchSource:
    """Choose where a phase's batches come from, and fill the feature bank where they come from there.

    Args:
        recipe: With its augmentation and views.
        classifier: As `engine.models.trainable.set_trainable` left it for the phase.
        cache: Decoded images.
        data: Which of them are trained and validated on.
        pixels: Whether the phase changes batches of images, so that no bank can stand for them.
        device: Where the classifier lies.
        cache_dir: Where the bank lies.
        progress: Told of images done and images in all; may raise to stop.
        following: The next phase: what it banks of the same images serves this one too.
    """
    changes, of_copies = not augmentation_is_none(recipe.augmentation), changes_of_copies(recipe)
    batch_source = BatchSource(
        cache=cache,
        device=device,
        rest=classifier,
        augmenter=Augmenter(recipe.augmentation, recipe.seed),
        copy_augmenter=Augmenter(of_copies, recipe.seed) if of_copies is not None else None,
    )
    cut = find_frozen_part(classifier)
    if (
        cut is None
        or pixels
        or ((changes or of_copies is not None) and recipe.views == 0)
        or not _fits(cut, recipe, data, device)
    ):
        return batch_source
    batch_source.rest = _spared(cut.rest, cut, recipe, device)

    front = _front_of_both(classifier, cut, following, recipe, device)
    if front is not None and not _fits(front[0], recipe, data, device):
        front = None

    def bank(augmentation: Augmentation) -> FeatureBank:
        def of(part: FrozenPart, below: tuple[FeatureBank, nn.Module] | None = None) -> FeatureBank:
            folder, seed = cache_dir / "features", recipe.seed
            return FeatureBank(
                folder, cache, part, augmentation=augmentation, seed=seed, device=device, below=below
            )

        return of(cut) if front is None else of(cut, (of(front[0]), front[1]))

    originals = bank(recipe.augmentation)
    everything = np.concatenate([data.train_rows, data.val_rows])
    batch_source.views[PLAIN] = originals.view(PLAIN, everything, progress)
    for view in range(recipe.views if changes else 0):
        batch_source.views[view] = originals.view(view, data.train_rows, progress)
    if of_copies is not None:
        copies = bank(of_copies)
        for view in range(recipe.views):
            batch_source.copy_views[view] = copies.view(view, data.train_rows, progress)
    return batch_source


def _front_of_both(
    classifier: Classifier, cut: FrozenPart, following: Phase | None, recipe: Recipe, device: str
) -> tuple[FrozenPart, nn.Module] | None:
    """Return the first layers of a cut that the next phase leaves frozen too, and the layers from there to the cut.

    None where the next phase banks nothing, or as much.
    """
    layers = classifier.backbone_sequence()
    if following is None or mixes_images(following) or layers is None:
        return None
    asked = [parameter.requires_grad for parameter in classifier.parameters()]
    set_trainable(classifier, following.trainable, freeze_batch_norm=following.freeze_batch_norm)
    front = find_frozen_part(classifier)
    for parameter, learns in zip(classifier.parameters(), asked, strict=True):
        parameter.requires_grad_(learns)
    if front is None or front.name == "backbone":
        return None
    ends = len(layers) if cut.name == "backbone" else len(list(cut.frozen.layers.children()))
    begins = len(list(front.frozen.layers.children()))
    if begins >= ends:
        return None
    return front, _spared(nn.Sequential(*layers[begins:ends]), front, recipe, device)


def _spared(rest: nn.Module, cut: FrozenPart, recipe: Recipe, device: str) -> nn.Module:
    """Return layers behind a cut in eval mode, without the passes that frozen batch norms would take."""
    shape = kept_shape(cut, recipe.channels, recipe.image_size, device)
    probe = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0)).to(device)
    return folded(rest.eval(), probe=probe)


def _fits(cut: FrozenPart, recipe: Recipe, data: TrainingData, device: str) -> bool:
    size = 4 * math.prod(kept_shape(cut, recipe.channels, recipe.image_size, device))
    views = recipe.views * (1 if changes_of_copies(recipe) is None else 2)
    return size * (len(data.train_rows) * (1 + views) + len(data.val_rows)) <= KEPT_BYTES["features"]
