"""Does the warning for images that differ from training speak of foreign ones, and is it quiet on the run's own?

python -m benchmarks.shift FOLDER FOREIGN [--workspace DIR] [--images 1800] [--folds 5]

A net is trained on images of FOLDER (the recipe `default`, shortened; images that came as a test part are left alone).
Printed are the share of its own test images, and of the images of FOREIGN by label, that are said to differ, each with
its 95% interval by patient; and how often the test on a set speaks, of sets of 30 patients drawn from each. With
--folds it is a cross-validation: its own images, each by the model that tested it; and images of FOLDER that were not
drawn, by all models.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.films import train_all
from engine.data import index_data, k_folds, split_index
from engine.prediction import predict, refit_shift
from engine.recipes import RECIPES
from engine.records import SHIFT_LEVEL, Index, Prediction, Recipe, Run, Sample, ShiftModel, TrainingRequest
from engine.runs import load_known, load_run, split_of
from engine.statistics import proportion
from engine.training import train_folds
from engine.uncertainty import shift_of
from engine.workspace import Workspace, open_workspace

EPOCHS = (10, 2)
SET_PATIENTS, SETS = 30, 200


def main() -> None:
    """Train where it is not done yet, measure, print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path, help="images to train on, or their table")
    asked.add_argument("foreign", type=Path, help="images from elsewhere, or their table")
    asked.add_argument("--workspace", type=Path, help="kept, with the run; one that is there already is used")
    asked.add_argument("--images", type=int, default=1800, help="of FOLDER, of whole patients")
    asked.add_argument("--folds", type=int, default=0, help="a cross-validation of so many models")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="overread-bench-", ignore_cleanup_errors=True) as scratch:
        workspace = open_workspace(given.workspace or Path(scratch))
        run = trained(workspace, given.folder, given.images, given.folds)
        known = load_known(run)
        split = split_of(run)
        own = list(predict(run, split.test, cache_dir=workspace.cache))
        samples = index_data(given.foreign, near_duplicates=False).samples
        foreign = list(predict(run, samples, cache_dir=workspace.cache))
        labels = {one.image_id: one.label for one in samples}
        if given.folds:
            drawn = {sample.patient_id for sample in split.test}
            index = index_data(given.folder, near_duplicates=False)
            others = [each for each in index.samples if each.patient_id not in drawn]
            fresh = list(predict(run, others, cache_dir=workspace.cache))
    fitted = ", ".join(str(len(model.image_ids)) for model in known if model is not None)
    print(
        f"{len(split.train):,} training, {len(split.val):,} validation, {len(split.test):,} test images; threshold "
        f"from {fitted}"
    )
    report("own test part", own, known)
    if given.folds:
        report("fresh images of the same folder", fresh, known)
    for label in sorted({str(label) for label in labels.values()}):
        report(f"foreign, {label}", [one for one in foreign if str(labels[one.image_id]) == label], known)


def trained(workspace: Workspace, folder: Path, count: int, folds: int) -> Run:
    """Return the run; it is trained where it is not there yet."""
    place = workspace.runs / "20260101-000000-0000"
    if not (place / "run.json").exists():
        drawn, recipe = (
            part_of(index_data(folder, near_duplicates=False), count),
            shortened(RECIPES["default"]),
        )
        if folds:
            splits = tuple(k_folds(drawn, k=folds))
            request = TrainingRequest(recipe=recipe, dataset_id="benchmark", folds=folds)
            tested = replace(splits[0], train=(), val=(), test=tuple(s for one in splits for s in one.test))
            for _ in train_folds(
                request, splits, tested, folder=place, cache_dir=workspace.cache, dataset_name=folder.name
            ):
                pass
        else:
            train_all(recipe, split_index(drawn, seed=0, use_given=False), place, workspace.cache)
    run = load_run(place)
    if None in load_known(run):
        refit_shift(run, cache_dir=workspace.cache)
    return run


def shortened(recipe: Recipe) -> Recipe:
    """Return the recipe with a few epochs in each phase and one augmented view."""
    phases = tuple(replace(phase, epochs=n) for phase, n in zip(recipe.phases, EPOCHS, strict=True))
    return replace(recipe, phases=phases, views=1)


def part_of(index: Index, count: int) -> Index:
    """Return the index with images of patients drawn at random until there are so many."""
    by_patient: dict[str, list[Sample]] = {}
    for sample in index.samples:
        if sample.part != "test":
            by_patient.setdefault(sample.patient_id, []).append(sample)
    drawn: set[str] = set()
    names = sorted(by_patient)
    np.random.default_rng(0).shuffle(names)
    for name in names:
        if sum(len(by_patient[one]) for one in drawn) >= count:
            break
        drawn.add(name)
    return replace(
        index, samples=tuple(s for s in index.samples if s.part != "test" and s.patient_id in drawn)
    )


def report(name: str, predictions: Sequence[Prediction], known: Sequence[ShiftModel | None]) -> None:
    """Print a set's figures."""
    shift = shift_of(known, predictions)
    if shift is None:
        print(f"{name}: no distance is known")
        return
    share = shift.differing
    print(
        f"{name}: {share.value:.3f} of {shift.images:,} images differ "
        f"(95% interval {share.low:.3f} to {share.high:.3f}); the set: p = {shift.p_value:.4f}"
    )
    by_patient: dict[str, list[Prediction]] = {}
    for one in predictions:
        by_patient.setdefault(one.patient_id, []).append(one)
    if len(by_patient) < SET_PATIENTS:
        return
    rng, names = np.random.default_rng(0), sorted(by_patient)
    alarms = []
    for _ in range(SETS):
        drawn = [
            one for at in rng.choice(len(names), SET_PATIENTS, replace=False) for one in by_patient[names[at]]
        ]
        found = shift_of(known, drawn)
        alarms.append(found is not None and found.differs)
    said = proportion(np.array(alarms))
    print(
        f"    sets of {SET_PATIENTS} of its patients said to differ at {SHIFT_LEVEL:g}: {said.value:.3f} of {SETS}"
    )


if __name__ == "__main__":
    main()
