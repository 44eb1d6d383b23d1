"""Labels that may be wrong: an image is suspected by 1 − p of the label it has, said by a model that never saw it.

Of a cross-validation, the model of the fold that tested the image says so. Otherwise a logistic regression on the
frozen features of ImageNet weights does, out of fold: patients and near duplicates together, and test cases by a
regression that was fitted on the other parts alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.data import kept_together, load_index
from engine.errors import DataError
from engine.images import open_cache
from engine.labels.parts import relabelled
from engine.models import build_classifier, cut_behind_backbone, load_pretrained, pick_device
from engine.reading import Store
from engine.recipes import RECIPES
from engine.records import PARTS, Index, Part, Run, Sample, Split
from engine.runs import split_of
from engine.training import PLAIN, FeatureBank
from engine.workspace import Workspace

FOLDS = 5
PENALTY = 0.003  # scikit-learn's C on standardised features: many features, few images
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspect:
    """An image, and how likely its label is wrong.

    Attributes:
        image_id: Of the `Sample`.
        path: Of its file.
        patient_id: Of the `Sample`.
        part: Of the split; None where there is none.
        label: The one it has.
        likely: The class that a model which never saw it would give it.
        suspicion: 1 − the probability of its label, in [0, 1].
    """

    image_id: str
    path: Path
    patient_id: str
    part: Part | None
    label: str
    likely: str
    suspicion: float

    @property
    def suspected(self) -> bool:
        """Whether another class is more likely than its label."""
        return self.likely != self.label


def suspects_of_run(
    workspace: Workspace,
    store: Store,
    run: Run,
    *,
    parts: Sequence[Part] = ("train", "val"),
    device: str = "auto",
    progress: Progress | None = None,
) -> list[Suspect]:
    """Return a run's images by how likely their labels are wrong, the most likely first.

    Args:
        workspace: Holds the data set and the cache.
        store: Holds the predictions of a cross-validation.
        run: A finished run; its labels are those it was trained on.
        parts: Of its split; a cross-validation has the test part alone, and each of its cases was trained on too.
        device: "auto", "cpu", "cuda" or "mps".
        progress: Called with images done and images in all; may raise to stop.

    Raises:
        DataError: The data set is gone, or a class has too few patients.
    """
    if run.folds:
        return _of_folds(store, run)
    split = split_of(run)
    index = load_index(workspace, run.dataset_id)
    return suspects(workspace, index, split, parts=parts, device=device, progress=progress)


def _of_folds(store: Store, run: Run) -> list[Suspect]:
    found = [
        Suspect(
            image_id=case.image_id,
            path=case.path,
            patient_id=case.patient_id,
            part=case.part,
            label=case.label,
            likely=run.classes[int(np.argmax(case.probabilities))],
            suspicion=1 - case.probabilities[run.classes.index(case.label)],
        )
        for case in store.predictions(run.run_id, part="test")
        if case.label in run.classes
    ]
    return _in_order(found)


def suspects(
    workspace: Workspace,
    index: Index,
    split: Split,
    *,
    parts: Sequence[Part] = ("train", "val"),
    device: str = "auto",
    progress: Progress | None = None,
) -> list[Suspect]:
    """Return images of a split by how likely their labels are wrong, the most likely first; see the module.

    Raises:
        DataError: A class has too few patients, or no image can be read.
    """
    known = [*split.train, *split.val]
    asked = [*known, *(split.test if "test" in parts else ())]
    features, samples = frozen_features(workspace, asked, device=device, progress=progress)
    part_of: dict[str, Part] = {sample.image_id: part for part in PARTS for sample in split.part(part)}
    of_test = np.array([part_of[sample.image_id] == "test" for sample in samples], dtype=np.bool_)
    truth = np.array([split.classes.index(str(sample.label)) for sample in samples], dtype=np.int64)
    groups = _groups(index, samples)
    probabilities = np.zeros((len(samples), len(split.classes)))
    probabilities[~of_test] = out_of_fold(features[~of_test], truth[~of_test], groups[~of_test])
    if of_test.any():
        model = _regression().fit(features[~of_test], truth[~of_test])
        probabilities[of_test] = model.predict_proba(features[of_test])
    return _in_order(
        [
            Suspect(
                image_id=sample.image_id,
                path=sample.path,
                patient_id=sample.patient_id,
                part=part_of[sample.image_id],
                label=split.classes[label],
                likely=split.classes[int(np.argmax(said))],
                suspicion=float(1 - said[label]),
            )
            for sample, label, said in zip(samples, truth, probabilities, strict=True)
            if part_of[sample.image_id] in parts
        ]
    )


def frozen_features(
    workspace: Workspace, samples: Sequence[Sample], *, device: str = "auto", progress: Progress | None = None
) -> tuple[NDArray[np.float32], list[Sample]]:
    """Return features (N, D) by weights that saw none of the labels, and the images that could be read, in their order.

    They lie in the feature bank, where a training by the default recipe finds them too.

    Raises:
        DataError: No image can be read.
    """
    recipe, chosen = RECIPES["default"], pick_device(device)
    classifier = build_classifier(recipe, 2)
    load_pretrained(classifier, recipe.weights)
    cache = open_cache(
        workspace.cache,
        samples,
        size=recipe.image_size,
        channels=recipe.channels,
        fit=recipe.fit,
        progress=progress,
    )
    readable = [sample for sample in samples if sample.image_id in cache.row]
    if not readable:
        raise DataError("None of the images can be read", "Say where they are now on the Data page")
    bank = FeatureBank(
        workspace.cache / "features",
        cache,
        cut_behind_backbone(classifier.to(chosen).eval()),
        augmentation=recipe.augmentation,
        seed=recipe.seed,
        device=chosen,
    )
    rows = np.array([cache.row[sample.image_id] for sample in readable], dtype=np.int64)
    features = bank.view(PLAIN, rows, progress)[rows]
    return features.reshape(len(rows), -1), readable


def out_of_fold(
    features: NDArray[np.float32], truth: NDArray[np.int64], groups: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the probabilities (N, C) of classes, each image by a regression that was fitted without its group.

    Args:
        features: (N, D).
        truth: (N,) numbers of classes, from 0 to C − 1, each there.
        groups: (N,) what is kept together.

    Raises:
        DataError: A class has fewer than two groups.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    classes = int(truth.max()) + 1 if len(truth) else 0
    fewest = min((len(set(groups[truth == number])) for number in range(classes)), default=0)
    if fewest < 2 or classes < 2:
        raise DataError(
            "Labels cannot be doubted with fewer than two classes, or a class of fewer than two patients",
            "Add cases, or train with folds and look for wrong labels there",
        )
    told = np.zeros((len(truth), classes))
    folds = StratifiedGroupKFold(n_splits=min(FOLDS, fewest), shuffle=True, random_state=0)
    for fitted, left_out in folds.split(features, truth, groups):
        model = _regression().fit(features[fitted], truth[fitted])
        told[np.ix_(left_out, model.classes_)] = model.predict_proba(features[left_out])
    return told


def _regression() -> Any:  # scikit-learn has no types
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=1000))


def _groups(index: Index, samples: Sequence[Sample]) -> NDArray[np.int64]:
    """Return the number of each image's group: its patient, with those of near duplicates."""
    labels = {sample.image_id: sample.label for sample in samples}
    number_of = {
        sample.image_id: number
        for number, group in enumerate(kept_together(relabelled(index, labels)))
        for sample in group
    }
    return np.array([number_of[sample.image_id] for sample in samples], dtype=np.int64)


def _in_order(found: list[Suspect]) -> list[Suspect]:
    return sorted(found, key=lambda one: (-one.suspicion, one.image_id))
