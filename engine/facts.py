"""What a report says of the data, the model and its training, without paths and without patients."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.records import (
    PARTS,
    Augmentation,
    Balance,
    Doubt,
    Epoch,
    Injection,
    Part,
    Prediction,
    Recipe,
    Run,
    Sample,
    Split,
)

if TYPE_CHECKING:
    from engine.report import Against

PART_NAMES: dict[str, str] = {"train": "training", "val": "validation", "test": "test"}
SHORTEST_CASE_ID = 8


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a table of facts."""

    group: str
    name: str
    value: str


def case_ids(image_ids: Sequence[str]) -> dict[str, str]:
    """Shorten image ids to their first eight digits, or to as many as tell the cases apart."""
    length = SHORTEST_CASE_ID
    while len({each[:length] for each in image_ids}) < len(set(image_ids)):
        length += 2
    return {each: each[:length] for each in image_ids}


def without_paths(text: str) -> str:
    """Leave the last part of every path in a text; addresses on the web stay."""
    text = re.sub(r"file:/*(?=[/\\]|[A-Za-z]:)", "", text)
    return re.sub(r"(?<![\w:/\\.])(?:[A-Za-z]:|~)?[\\/](?:[^\\/\n]+[\\/])+", "", text)


def class_balance(
    split: Split | None, predictions: Sequence[Prediction]
) -> tuple[dict[str, dict[str, int]], dict[str, int | None]]:
    """Count images by part and class, and patients by part; from the predictions where no split is known."""
    images: dict[str, dict[str, int]] = {}
    members: dict[str, list[Sample | Prediction]] = {}
    if split is not None:
        members = {PART_NAMES[part]: list(split.part(part)) for part in PARTS if split.part(part)}
    else:
        for each in predictions:
            members.setdefault(PART_NAMES.get(each.part or "", "predicted"), []).append(each)
    for part_name, cases in members.items():
        images[part_name] = dict(Counter(case.label or "no label" for case in cases))
    named = count_patients(case for cases in members.values() for case in cases) is not None
    patients = {
        part: len({case.patient_id for case in cases}) if named else None for part, cases in members.items()
    }
    order = list(split.classes) if split else sorted({label for of in images.values() for label in of})
    counted = {
        part: {label: of[label] for label in [*order, *(sorted(set(of) - set(order)))] if label in of}
        for part, of in images.items()
    }
    return counted, patients


def facts_of(
    run: Run,
    split: Split | None,
    history: Sequence[Epoch],
    software: Mapping[str, str],
    saliency: Sequence[str],
    doubt: Doubt | None = None,
    *,
    most_probable: bool = True,
) -> tuple[Fact, ...]:
    """List what was done, for the methods section; of more than two classes, whether the most probable was called."""
    recipe, facts = run.recipe, []

    def add(group: str, name: str, value: str) -> None:
        if value:
            facts.append(Fact(group, name, without_paths(value)))

    add("Data", "Data set", f"{run.dataset_name} (id {run.dataset_id})")
    add("Data", "Classes", ", ".join(run.classes))
    if split is not None:
        add("Data", "Division", f"{split.method}, seed {split.seed}; {patient_overlap(split)}")
    add("Model", "Recipe", f"{recipe.title} ({recipe.name})")
    add("Model", "Source", recipe.source)
    add(
        "Model",
        "Net",
        f"{recipe.backbone}, {run.parameters:,} parameters, {run.trained_parameters:,} trained",
    )
    add("Model", "Starting weights", run.weights_source)
    grey = "grey" if recipe.channels == 1 else "3 channels (grey repeated)"
    add("Model", "Input", f"whole image, resized to {recipe.image_size} × {recipe.image_size} pixels, {grey}")
    for phase in recipe.phases:
        add(
            "Training",
            f"Phase “{phase.name}”",
            f"at most {phase.epochs} epochs of {phase.trainable}"
            + (", batch norm of the backbone frozen" if phase.freeze_batch_norm else "")
            + f"; {phase.optimizer}, learning rate "
            f"{phase.learning_rate:g} ({phase.schedule}); best epoch by {phase.monitor.replace('_', ' ')}"
            + (f"; stopped after {phase.stop_patience} epochs without gain" if phase.stop_patience else ""),
        )
    add("Training", "Batch", f"{recipe.batch_size} images")
    add("Training", "Unequal classes", balance_words(recipe.balance))
    add("Training", "Augmentation", changes_words(recipe))
    if history:
        kept = [epoch.number for epoch in history if epoch.best]
        add("Training", "Epochs run", f"{len(history)}" + (f"; number {kept[-1]} kept" if kept else ""))
    add("Training", "Seed", str(recipe.seed))
    add("Training", "Device and time", f"{run.device}, {duration(run.seconds)}")
    add("Training", "Finished", f"{run.created:%Y-%m-%d %H:%M %Z}".strip())
    note = run.calibration.note or (
        f"temperature {run.calibration.temperature:.3g}, fitted on validation data"
        if run.calibration.temperature != 1 or run.calibration.bias
        else "none"
    )
    add("Reading", "Calibration", note)
    if len(run.classes) == 2:
        where = "" if recipe.operating_point in ("half", "as-trained") else " on validation data"
        add(
            "Reading",
            "Operating point",
            f"“{recipe.operating_point}”{where}: called {run.positive} from a probability of {run.threshold:.4g}",
        )
    elif most_probable:
        add("Reading", "Called class", "the most probable one")
    else:
        add(
            "Reading",
            "Called class",
            "the most probable one with the classes as they were balanced in training, so that rare ones are called; "
            "the probabilities themselves are for the shares in the data",
        )
    if doubt is not None:
        add("Reading", "Uncertainty", injection_words(doubt.injection))
        add(
            "Reading",
            "Conformal sets",
            f"made to hold the class in {doubt.conformal.coverage:.0%} of cases like the {doubt.conformal.cases:,} "
            "validation cases they were fitted on (doi:10.1080/01621459.2017.1395341)",
        )
    add("Reading", "Heatmaps", ", ".join(saliency))
    add("Reading", "Software", ", ".join(f"{name} {number}" for name, number in software.items()))
    add("Reading", "Run", run.run_id)
    return tuple(facts)


def injection_words(injection: Injection) -> str:
    """Say how dropout at test time was fitted."""
    if injection.likelihoods:
        tried = ", ".join(f"{rate:g}" for rate, _ in injection.likelihoods)
        how = (
            f"the rate of {tried} with the best likelihood on validation cases; variances are multiplied by "
            f"{injection.scale:.3g}, fitted there to the squared error"
        )
    else:
        how = "a rate that was not fitted, for want of validation cases"
    return (
        f"{injection.passes} passes with dropout at {injection.rate:g} of what enters the layers of the "
        f"{injection.place}, {how} (arXiv:2302.02924)"
    )


def patient_overlap(split: Split) -> str:
    """Say whether any patient stands on two sides, as far as the data name patients."""
    sides = (split.train, split.val, split.test)
    if patients_unknown(split):
        return "patients are not named in the data, so each film was taken as a patient of its own"
    on = [patient for side in sides for patient in {sample.patient_id for sample in side}]
    several = len(on) - len(set(on))
    if not several:
        return "no patient stands on two sides"
    return f"{several:,} patient{'s' if several > 1 else ''} on more than one side, which makes the figures too good"


def count_patients(cases: Iterable[Sample | Prediction]) -> int | None:
    """Return how many patients cases come from; None where the data named none, so that each image counts as one."""
    patients, named = set(), False
    for case in cases:
        patients.add(case.patient_id)
        named = named or case.patient_id != case.image_id
    return len(patients) if named else None


def patients_words(count: int | None) -> str:
    """Write a number of patients, or that there is none to write."""
    return (
        "patients not named in the data" if count is None else f"{count:,} patient{'s' if count != 1 else ''}"
    )


def patients_unknown(split: Split) -> bool:
    """Return whether the data named no patient."""
    return count_patients((*split.train, *split.val, *split.test)) is None


def balance_words(balance: Balance) -> str:
    """Say what was done about unequal classes."""
    method = balance.method.replace("-", " ")
    refills = balance.method in ("duplicate", "duplicate-augmented")
    return f"{method}: {', '.join(balance.target)}" if refills and balance.target else method


def changes_words(recipe: Recipe) -> str:
    """Say how training images were changed at random: by the recipe, or copies alone by its balance."""
    said = augmentation_words(recipe.augmentation)
    if said == "none" and recipe.balance.method == "duplicate-augmented":
        return f"copies alone: {augmentation_words(recipe.balance.augmentation)}"
    return said


def augmentation_words(augmentation: Augmentation) -> str:
    """Say what was done to training images at random."""
    a = augmentation
    words = [
        f"rotation ±{a.rotation:g}°" if a.rotation else "",
        f"shear ±{a.shear:g}°" if a.shear else "",
        f"zoom ±{a.zoom:.0%}" if a.zoom else "",
        f"shift ±{a.shift:.0%}" if a.shift else "",
        "left-right flip" if a.horizontal_flip else "",
        "up-down flip" if a.vertical_flip else "",
        "quarter turns" if a.quarter_turns else "",
        f"brightness ±{a.brightness:.0%}" if a.brightness else "",
        f"contrast ±{a.contrast:.0%}" if a.contrast else "",
    ]
    said = ", ".join(word for word in words if word)
    return f"{said}; training images only" if said else "none"


def duration(seconds: float) -> str:
    """Write 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def limitations(
    run: Run, part: Part | None, against: Sequence[Against], split: Split | None, heatmaps: bool
) -> tuple[str, ...]:
    """Say what these figures do not show."""
    said = []
    if part == "test":
        said.append(
            "The test films come from the same source as the training films. Figures at another hospital, with other "
            "machines or other patients, are usually lower; only films from there can show it."
        )
    else:
        where = f"the {PART_NAMES[part]} part" if part else "all parts together"
        said.append(
            f"These figures are of {where}, which training has seen or has been tuned on: they are too good to be "
            "reported as accuracy on new patients."
        )
    if split is not None and patients_unknown(split):
        said.append(
            "No patient was named in the data, so every film was taken as a patient of its own. If patients have "
            "several films, some may stand on both sides of the split, and the intervals are too narrow."
        )
    said += [
        f"Against the {one.name} only {one.cases:,} cases could be counted: every figure there is coarse."
        for one in against
        if 0 < one.cases < 100
    ]
    said.append(
        "The model was trained once, with one seed; how much the figures vary between trainings is not known."
    )
    said.append(
        "The share of films with each class here is that of this collection. Predictive values and calibration do not "
        "carry over to a clinic where the finding is rarer or more common."
    )
    if heatmaps:
        said.append(
            "A heatmap shows where the answer depends on the image, not why, and not that the finding is there."
        )
    said.append(
        "Comments are printed as readers typed them, and films may show burnt-in names: check the gallery before "
        "passing this report on."
    )
    return tuple(said)
