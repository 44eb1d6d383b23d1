"""What a report says of the data, the model and its training, without paths and without patients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import numpy as np

from engine.data import patient_overlap, patients_named
from engine.language import ENGLISH, count_of, speaking, unitless
from engine.recipes import changes_of_copies, class_counts, counts_after
from engine.records import (
    PART_NAMES,
    PARTS,
    Augmentation,
    Balance,
    Conformal,
    Epoch,
    Injection,
    Passport,
    Phase,
    Prediction,
    Recipe,
    Run,
    Sample,
    Split,
    Supplied,
    UncertaintyModel,
    recipe_of,
)
from engine.report.formatting import duration, edge_words, operating_words, without_paths
from engine.report.passport_words import tests_of_maps
from engine.report.records import CrossValidation, Fact
from engine.runs import kept_epoch
from engine.statistics import MONITORS


def class_balance(
    split: Split | None, predictions: Sequence[Prediction], run: Run | None = None
) -> tuple[dict[str, dict[str, int]], dict[str, int | None]]:
    """Count images by part and class, and patients by part; from the predictions where no split is known.

    All cases of a cross-validation, and of supplied predictions, external to their model, are of the test part.
    """
    images: dict[str, dict[str, int]] = {}
    members: dict[str, list[Sample | Prediction]] = {}
    if split is not None:
        names = {**PART_NAMES, "test": "all, each tested once"} if run and run.folds else PART_NAMES
        if run and run.supplied:
            names = {**PART_NAMES, "test": "supplied predictions"}
        members = {names[part]: list(split.part(part)) for part in PARTS if split.part(part)}
    else:
        for each in predictions:
            members.setdefault(PART_NAMES[each.part] if each.part else "predicted", []).append(each)
    for part_name, cases in members.items():
        images[part_name] = dict(Counter(case.label or "no label" for case in cases))
    patients = {part: patients_named(cases).count for part, cases in members.items()}
    order = list(split.classes) if split else sorted({label for of in images.values() for label in of})
    counted = {
        part: {label: of[label] for label in [*order, *(sorted(set(of) - set(order)))] if label in of}
        for part, of in images.items()
    }
    return counted, patients


def images_after_balancing(split: Split | None, run: Run) -> dict[str, int]:
    """Count the training images of one epoch by class, after what the recipe does about unequal classes.

    Empty where it changes no count, or is not known: without a split, of supplied predictions, and of a
    cross-validation, whose models have a training part each.
    """
    if split is None or run.recipe is None or run.folds:
        return {}
    names = [sample.label for sample in split.train]
    if not names or any(name not in run.classes for name in names):
        return {}
    labels = np.array([run.classes.index(name or "") for name in names])
    counts = counts_after(labels, run.recipe.balance, run.classes)
    if (counts == class_counts(labels, run.classes)).all():
        return {}
    return dict(zip(run.classes, counts.tolist(), strict=True))


@speaking(ENGLISH)
def facts_of(
    run: Run,
    split: Split | None,
    history: Sequence[Epoch],
    software: Mapping[str, str],
    saliency: Sequence[str],
    uncertainty: UncertaintyModel | None = None,
    passport: Passport | None = None,
    *,
    most_probable: bool = True,
    folds: CrossValidation | None = None,
) -> tuple[Fact, ...]:
    """List what was done, for the methods section: in English, to be pasted into a manuscript.

    `most_probable`: whether the most probable class was predicted; `folds`: of a cross-validation.
    """
    made_here: dict[str, Iterable[tuple[str, str]]] = {
        "Model": facts_of_model(run),
        "Training": chain(facts_of_training(run, history), facts_of_folds(folds)),
    }
    groups: dict[str, Iterable[tuple[str, str]]] = {
        "Data": facts_of_data(run, split),
        **({"Model": facts_of_supplied(run.supplied)} if run.supplied else made_here),
        "Reading": chain(
            facts_of_reading(
                run,
                uncertainty,
                most_probable=most_probable,
                named=split is not None and patients_named(split.val).all,
            ),
            [
                ("Heatmaps", ", ".join(saliency)),
                ("Heatmaps put to the test", "" if passport is None else tests_of_maps(passport, run.folds)),
                ("Software", ", ".join(f"{name} {number}" for name, number in software.items())),
                ("Run", run.run_id),
            ],
        ),
    }
    return tuple(
        Fact(group, name, without_paths(value))
        for group, facts in groups.items()
        for name, value in facts
        if value
    )


def facts_of_data(run: Run, split: Split | None) -> Iterator[tuple[str, str]]:
    """Say what the images are and how they were split."""
    yield "Data set", f"{run.dataset_name} (id {run.dataset_id})"
    if run.labels is not None:
        yield "Labels", f"{run.labels.sentence} (sha256 {run.labels.sha256})"
        if run.labels.base_run:
            yield "Parts", f"Those of run {run.labels.base_run}"
    yield "Classes", ", ".join(run.classes)
    if split is not None and run.supplied is None:
        which = "folds" if run.folds else "parts"
        yield "Split", f"{split.method}, seed {split.seed}; {patient_overlap(split, which)}"


def facts_of_supplied(supplied: Supplied) -> Iterator[tuple[str, str]]:
    """Say whose the predictions are, and what was done to the table that they came in."""
    yield "Model", supplied.model
    yield "Version", supplied.version or "not stated"
    yield "Predictions", "supplied; Overread did not compute them"
    yield "File", f"sha256 {supplied.sha256}"
    yield "How it was read", "; ".join(supplied.remarks)
    yield (
        "Training",
        "not known to Overread; every case here is taken as one that the model was not trained on",
    )


def facts_of_model(run: Run) -> Iterator[tuple[str, str]]:
    """Say what the net is, what it began with and what it is given."""
    recipe = recipe_of(run)
    grey = "grey" if recipe.channels == 1 else "3 channels (those of a grey image are alike)"
    yield "Recipe", f"{recipe.title} ({recipe.name})"
    yield "Source", recipe.source
    yield "Network", f"{recipe.backbone}, {run.parameters:,} parameters, {run.trained_parameters:,} trained"
    yield "Starting weights", run.weights_source
    if (origin := run.weights_origin) is not None:
        yield "Starting weights: file", f"sha256 {origin.sha256}" if origin.sha256 else ""
        yield "Starting weights: source", origin.source if origin.source != run.weights_source else ""
        stated = origin.licence or ("not stated" if origin.sha256 else "")
        yield "Starting weights: licence", stated
    yield "Input", f"whole image, {fit_words(recipe)}, {grey}"
    if recipe.test_time_flip:
        yield "Test-time augmentation", "mean of the logits of the image and of its mirror image"


def fit_words(recipe: Recipe) -> str:
    """Say how an image becomes the square that the net is given."""
    square = f"{recipe.image_size} × {recipe.image_size} pixels"
    if recipe.fit == "letterbox":
        return f"resized with its proportions kept into the middle of {square}, black around it"
    return f"resized to {square}"


def facts_of_training(run: Run, history: Sequence[Epoch]) -> Iterator[tuple[str, str]]:
    """Say how it was trained, phase by phase, and what came of it."""
    recipe = recipe_of(run)
    for phase in recipe.phases:
        yield f"Phase “{phase.name}”", phase_words(phase)
    yield "Batch", f"{recipe.batch_size} images"
    yield "Unequal classes", balance_words(recipe.balance)
    yield "Augmentation", changes_words(recipe)
    if history:
        kept = kept_epoch(history)
        yield "Epochs run", f"{len(history)}" + (f"; number {kept.number} kept" if kept is not None else "")
    yield "Seed", str(recipe.seed)
    yield "Device and time", f"{run.device}, {duration(run.seconds)}"
    yield "Finished", f"{run.created:%Y-%m-%d %H:%M %Z}".strip()


def settings_in_words(run: Run, history: Sequence[Epoch]) -> Iterator[tuple[str, str]]:
    """Say of a run how it was made, setting by setting: of supplied predictions, what their supplier states."""
    facts = (
        facts_of_supplied(run.supplied)
        if run.supplied
        else (*facts_of_model(run), *facts_of_training(run, history))
    )
    yield from ((name, value) for name, value in facts if value)


def facts_of_folds(folds: CrossValidation | None) -> Iterator[tuple[str, str]]:
    """Say what the models of a cross-validation are, and how they speak together."""
    if folds is None:
        return
    epochs = [
        f"fold {number}: {len(history)}" + (f", number {kept.number} kept" if kept is not None else "")
        for number, history in enumerate(folds.histories, 1)
        for kept in (kept_epoch(history),)
    ]
    yield "Epochs run", "; ".join(epochs)
    yield (
        "Models",
        f"{len(folds.models)}, one a fold. An image of these data is predicted by the model that tested its fold "
        "alone; any other by all models together: the mean of their calibrated log-odds, and of their maps",
    )


def facts_of_reading(
    run: Run, uncertainty: UncertaintyModel | None, *, most_probable: bool, named: bool
) -> Iterator[tuple[str, str]]:
    """Say how probabilities become a class, and how certain it is."""
    if run.supplied is not None:
        yield from facts_of_supplied_reading(run)
        return
    fitted = run.calibration.temperature != 1 or run.calibration.bias
    how = (
        f"temperature {unitless(run.calibration.temperature, 3)}, fitted on validation data"
        if fitted
        else "none"
    )
    yield "Calibration", run.calibration.note or how
    point = recipe_of(run).operating_point
    if len(run.classes) == 2:
        where = "" if point in ("half", "as-trained") else " on validation data"
        yield "Operating point", f"“{point}”{where}: {run.positive} predicted {edge_words(run)}"
        yield "Operating point on validation", operating_words(run)
    elif most_probable:
        yield "Predicted class", "the most probable class"
    else:
        yield (
            "Predicted class",
            "the most probable class with the classes balanced as in training, so that rare classes are "
            "predicted; the probabilities themselves are for the class frequencies in the data",
        )
    if uncertainty is not None:
        yield "Uncertainty", injection_words(uncertainty.injection)
        yield (
            "Conformal sets",
            conformal_words(uncertainty.conformal, run.classes, named=named),
        )


def facts_of_supplied_reading(run: Run) -> Iterator[tuple[str, str]]:
    """Say how supplied probabilities become a class."""
    yield "Calibration", "none by Overread; the probabilities are those supplied"
    if len(run.classes) == 2:
        yield "Operating point", f"{run.positive} predicted {edge_words(run)}"
    else:
        yield "Predicted class", "the most probable class"


def conformal_words(conformal: Conformal, classes: Sequence[str], *, named: bool) -> str:
    """Say what conformal sets promise, and what the promise rests on; `named`: whether validation patients are."""
    source = "(doi:10.1080/01621459.2017.1395341)"
    if len(conformal.thresholds) == 1:
        return (
            f"made to contain the correct class in {conformal.coverage:.0%} of cases like the "
            f"{conformal.cases:,} validation cases they were fitted on, all classes "
            f"together: for a rare class they may contain it less often {source}"
        )
    fitted = ", ".join(
        f"{name} {count:,}" for name, count in zip(classes, conformal.patients_by_class, strict=True)
    )
    who = "patients" if named else "images"
    never = [name for name, edge in zip(classes, conformal.thresholds, strict=True) if edge >= 1]
    few = f"; too few for {' and '.join(never)}, which no set leaves out" if never else ""
    return (
        f"made to contain the correct class in {conformal.coverage:.0%} of the cases of each class, for {who} "
        f"like the validation {who} they were fitted on ({fitted}{few}); no guarantee for images from elsewhere "
        f"{source}"
    )


def phase_words(phase: Phase) -> str:
    """Say what one stretch of training did."""
    rate = (
        f"{phase.optimizer}, learning rate {unitless(phase.learning_rate)} ({', '.join(_rate_words(phase))})"
    )
    return (
        f"at most {count_of(phase.epochs, 'epoch')} of {phase.trainable}"
        + (", batch norm of the backbone frozen" if phase.freeze_batch_norm else "")
        + f"; {rate}{''.join(_remedies(phase))}; best epoch by {monitor_words(phase)} on validation data"
        + (
            f"; stopped after {count_of(phase.stop_patience, 'epoch')} without improvement"
            if phase.stop_patience
            else ""
        )
    )


def monitor_words(phase: Phase) -> str:
    """Name what the best epoch of a phase was chosen by."""
    return MONITORS[phase.monitor].words if phase.monitor in MONITORS else phase.monitor


def _rate_words(phase: Phase) -> Iterator[str]:
    yield phase.schedule
    if phase.warm_up:
        yield f"after {count_of(phase.warm_up, 'epoch')} of warm-up"
    if phase.layer_decay != 1:
        yield f"multiplied by {unitless(phase.layer_decay)} from each block to the one below it (arXiv:1801.06146)"


def _remedies(phase: Phase) -> Iterator[str]:
    """Yield what a phase does against learning the training images by heart."""
    if phase.label_smoothing:
        yield f"; labels smoothed by {unitless(phase.label_smoothing)} (arXiv:1512.00567)"
    if phase.mixup:
        yield f"; images blended in pairs (mixup, α {unitless(phase.mixup)}, arXiv:1710.09412)"
    if phase.cutmix:
        yield f"; rectangles exchanged between images (CutMix, α {unitless(phase.cutmix)}, arXiv:1905.04899)"
    if phase.ema_decay:
        yield f"; the weights' moving average (decay {unitless(phase.ema_decay)} a step) validated and kept"


def injection_words(injection: Injection) -> str:
    """Say how dropout at test time was fitted."""
    if injection.likelihoods:
        tried = ", ".join(f"{unitless(rate)}" for rate, _ in injection.likelihoods)
        how = (
            f"the rate of {tried} with the best likelihood on validation cases; variances are multiplied by "
            f"{unitless(injection.scale, 3)}, fitted there to the squared error"
        )
    else:
        how = "a rate that was not fitted, because there were too few validation cases"
    return (
        f"{injection.passes} passes with dropout at {unitless(injection.rate)} of what enters the layers of the "
        f"{injection.place}, {how} (arXiv:2302.02924)"
    )


def balance_words(balance: Balance) -> str:
    """Say what was done about unequal classes."""
    method = balance.method.replace("-", " ")
    refills = balance.method in ("duplicate", "duplicate-augmented")
    return f"{method}: {', '.join(balance.target)}" if refills and balance.target else method


def changes_words(recipe: Recipe) -> str:
    """Say how training images were changed at random: by the recipe, and copies by its balance."""
    originals, of_copies = augmentation_words(recipe.augmentation), changes_of_copies(recipe)
    said = [originals] if originals else []
    if of_copies is not None and of_copies != recipe.augmentation:
        said.append(f"copies{'' if said else ' only'}: {augmentation_words(of_copies)}")
    return "; ".join([*said, "training images only"]) if said else "none"


def augmentation_words(augmentation: Augmentation) -> str:
    """Say what is done to an image at random; nothing where nothing is."""
    a = augmentation
    words = [
        f"rotation ±{a.rotation:g}°" if a.rotation else "",
        f"shear ±{a.shear:g}°" if a.shear else "",
        f"zoom ±{a.zoom:.0%}{' of each axis' if a.zoom_each_axis else ''}" if a.zoom else "",
        f"crops of up to {a.crop:.0%} of each side" if a.crop else "",
        f"shift ±{a.shift:.0%}" if a.shift else "",
        "left-right flip" if a.horizontal_flip else "",
        "up-down flip" if a.vertical_flip else "",
        "quarter turns" if a.quarter_turns else "",
        f"brightness ±{a.brightness:.0%}" if a.brightness else "",
        f"contrast ±{a.contrast:.0%}" if a.contrast else "",
        f"noise of up to {a.noise:.0%}" if a.noise else "",
    ]
    return ", ".join(word for word in words if word)
