"""Several runs on one split, side by side: what differs between their recipes, and what came of it.

compare_runs(contestants) -> RunComparison      pure: no disk, no training
comparison_files.write_comparison(...)          one HTML page, CSV and JSON
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.data import PatientsNamed, patients_named
from engine.errors import ReportError
from engine.experiments.search_space import flat
from engine.kept_files import plain
from engine.language import count_of
from engine.records import Epoch, Estimate, Prediction, Recipe, Run
from engine.statistics import Comparison, areas, holm, log_odds, mean_areas, overall, shares

FIGURES = ("accuracy", "AUROC", "macro F1")
_NAN = float("nan")


@dataclass(frozen=True, kw_only=True, eq=False)
class Contestant:
    """One run that takes part.

    Attributes:
        name: What it is called in the comparison; runs that differ in their seed alone share it.
        run: As trained.
        predictions: Of the part that is compared.
        history: Of its training.
    """

    name: str
    run: Run
    predictions: Sequence[Prediction]
    history: Sequence[Epoch]


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """One run of a comparison.

    Attributes:
        name: As the contestant's.
        seed: Of its recipe; 0 where its predictions were supplied.
        run: As trained.
        differs: Where its recipe differs from the first one's: field → value; of the first: what others change.
        estimates: `FIGURES` by name; AUROC of more than two classes is the mean over classes.
        epochs: Trained.
        history: Of its training.
    """

    name: str
    seed: int
    run: Run
    differs: Mapping[str, Any]
    estimates: Mapping[str, Estimate]
    epochs: int
    history: Sequence[Epoch]

    @property
    def label(self) -> str:
        """The name, with the seed unless it is 0."""
        return f"{self.name}, seed {self.seed}" if self.seed else self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """One recipe held against the first, all its seeds together.

    Attributes:
        name: Of the recipe.
        seeds: Runs of it.
        accuracy: Its share of right answers minus the first one's.
        area: The same of AUROC.
        right_alone: Cases that it got right and the first one did not; of several seeds, those it got right more often.
        wrong_alone: Cases that the first one got right and it did not; likewise.
        p_accuracy: The p-value of `accuracy` after Holm's adjustment for every test of the comparison.
        p_area: The same of AUROC.
    """

    name: str
    seeds: int
    accuracy: Comparison
    area: Comparison
    right_alone: int
    wrong_alone: int
    p_accuracy: float
    p_area: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """What became of one recipe over several seeds: mean and standard deviation of a metric."""

    name: str
    metric: str
    runs: int
    mean: float
    deviation: float
    lowest: float
    highest: float


@dataclass(frozen=True, kw_only=True, eq=False)
class RunComparison:
    """All that a comparison says.

    Attributes:
        dataset_name: For people.
        classes: In the order of the probabilities.
        positive: The class of the finding; None unless there are two classes.
        part: The part of the split that is compared.
        cases: On which every row rests.
        patients: Of how many cases the patient is named, and how many patients these are.
        rows: In the order of the contestants.
        contrasts: One for each recipe but the first.
        spreads: One per recipe and metric where recipes ran with several seeds.
        reference: What labels all are held against, as sentences; empty where these are the runs' own.
        one_split: Whether all were trained on one training part, which finished runs of any kind need not be.
        left_out: How many cases were left out, by the reason.
        contestants: What all of it was computed from.
    """

    dataset_name: str
    classes: tuple[str, ...]
    positive: str | None
    part: str
    cases: int
    patients: PatientsNamed
    rows: tuple[Row, ...]
    contrasts: tuple[Contrast, ...]
    spreads: tuple[Spread, ...]
    reference: str = ""
    one_split: bool = True
    left_out: Mapping[str, int] = field(default_factory=dict)
    contestants: tuple[Contestant, ...] = ()


def compare_runs(contestants: Sequence[Contestant], *, part: str = "test") -> RunComparison:
    """Compare runs on the cases that all of them predicted.

    Every recipe is held against the first one, the runs of all its seeds together. Shares of right answers are compared
    by McNemar's exact test, areas by DeLong's; where patients have several cases, shares by permuting patients and
    areas with their covariance by patient. P-values are adjusted by Holm's method
    (https://www.jstor.org/stable/4615733) for all tests that are made, of either metric; intervals are not adjusted.

    Args:
        contestants: At least one; the first is what the others are held against.
        part: The part that the predictions are of, for people.

    Raises:
        ReportError: There is none, or they did not predict the same cases with the same labels.
    """
    truth, patients = _same_cases(contestants)
    first = contestants[0]
    classes = first.run.classes
    order = [each.image_id for each in first.predictions]
    told = [_told(one, classes, order) for one in contestants]
    differs = _differing(contestants)
    rows = tuple(
        Row(
            name=one.name,
            seed=one.run.recipe.seed if one.run.recipe else 0,
            run=one.run,
            differs=differs[number],
            estimates={
                name: estimate
                for name, estimate in overall(
                    truth, *told[number], classes, positive=first.run.positive, groups=patients
                ).items()
                if name in FIGURES
            },
            epochs=len(one.history),
            history=tuple(one.history),
        )
        for number, one in enumerate(contestants)
    )
    return RunComparison(
        dataset_name=first.run.dataset_name,
        classes=classes,
        positive=first.run.positive if len(classes) == 2 else None,
        part=part,
        cases=len(truth),
        patients=patients_named(first.predictions),
        rows=rows,
        contrasts=_contrasts(contestants, told, truth, patients),
        spreads=_spreads(rows),
        contestants=tuple(contestants),
    )


def _contrasts(
    contestants: Sequence[Contestant],
    told: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]],
    truth: NDArray[np.int64],
    patients: NDArray[np.str_],
) -> tuple[Contrast, ...]:
    """Hold each recipe against the first; a case counts by the share of its seeds that were right."""
    of: dict[str, list[int]] = {}
    for number, one in enumerate(contestants):
        of.setdefault(one.name, []).append(number)
    right = {
        name: np.mean([told[number][0] == truth for number in numbers], axis=0)
        for name, numbers in of.items()
    }
    probabilities = {name: np.stack([told[number][1] for number in numbers]) for name, numbers in of.items()}
    (leader, _), *others = of.items()
    run = contestants[0].run
    positive = run.classes.index(run.positive)
    pairs = [
        (
            shares(right[name], right[leader], patients),
            _areas(truth, probabilities[name], probabilities[leader], positive, patients),
        )
        for name, _ in others
    ]
    adjusted = holm([test.p_value for pair in pairs for test in pair])
    return tuple(
        Contrast(
            name=name,
            seeds=len(numbers),
            accuracy=accuracy,
            area=area,
            right_alone=int((right[name] > right[leader]).sum()),
            wrong_alone=int((right[name] < right[leader]).sum()),
            p_accuracy=adjusted[2 * place],
            p_area=adjusted[2 * place + 1],
        )
        for place, ((name, numbers), (accuracy, area)) in enumerate(zip(others, pairs, strict=True))
    )


def _same_cases(contestants: Sequence[Contestant]) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    """Return the classes (N,) and the patients (N,) of the cases, after making sure that all have the same."""
    if not contestants:
        raise ReportError("There are no runs to compare", "Train at least two recipes on one split")
    first = contestants[0]
    asked = [(each.image_id, each.label) for each in first.predictions]
    for one in contestants:
        if one.run.classes != first.run.classes:
            raise ReportError(
                f"Runs {first.run.run_id} and {one.run.run_id} have different classes",
                "Compare runs on the same data",
            )
        if {(each.image_id, each.label) for each in one.predictions} != set(asked):
            raise ReportError(
                f"Runs {first.run.run_id} and {one.run.run_id} were tested on different cases",
                "Train both on one split",
                option="overread compare",
            )
    if not asked:
        raise ReportError(f"Run {first.run.run_id} has no predictions to compare", "Let it predict first")
    if unknown := {label for _, label in asked if label not in first.run.classes}:
        raise ReportError(
            f"{count_of(len(unknown), 'label is', 'labels are')} not among the classes",
            "Compare on labelled cases",
        )
    code = {name: number for number, name in enumerate(first.run.classes)}
    truth = np.array([code[label or ""] for _, label in asked], dtype=np.int64)
    return truth, np.array([each.patient_id for each in first.predictions], dtype=np.str_)


def _told(
    one: Contestant, classes: Sequence[str], order: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return what a run predicted (N,) and its probabilities (N, C), in the order of the image ids."""
    code = {name: number for number, name in enumerate(classes)}
    by_id = {each.image_id: each for each in one.predictions}
    predicted = np.array([code[by_id[image_id].predicted] for image_id in order], dtype=np.int64)
    return predicted, np.array([by_id[image_id].probabilities for image_id in order], dtype=np.float64)


def _areas(
    truth: NDArray[np.int64],
    one: NDArray[np.float64],
    other: NDArray[np.float64],
    positive: int,
    patients: NDArray[np.str_],
) -> Comparison:
    """Compare areas of probabilities (S, N, C): of the finding, or the mean over more than two classes."""
    if one.shape[-1] > 2:
        return mean_areas(truth, one, other, patients)
    return areas(
        truth == positive,
        [log_odds(p, positive) for p in one],
        [log_odds(p, positive) for p in other],
        patients,
    )


def differences(recipes: Sequence[Recipe]) -> list[dict[str, Any]]:
    """Return where each recipe differs from the first: dotted field → value; for the first, what others change.

    Names, sources and seeds are left out; a field that a recipe lacks, such as a second phase's, is None.
    """
    fields = [flat(plain(recipe)) for recipe in recipes]
    first = fields[0]
    changed = [
        {field: one.get(field) for field in {**first, **one} if one.get(field) != first.get(field)}
        for one in fields
    ]
    varied = {field for each in changed for field in each}
    changed[0] = {field: first.get(field) for field in sorted(varied)}
    return changed


def _differing(contestants: Sequence[Contestant]) -> list[dict[str, Any]]:
    """Return where each run's recipe differs from the first recipe; of supplied predictions that they were."""
    found = iter(
        differences(recipes) if (recipes := [one.run.recipe for one in contestants if one.run.recipe]) else []
    )
    return [next(found) if one.run.recipe else {"predictions": "supplied"} for one in contestants]


def _spreads(rows: Sequence[Row]) -> tuple[Spread, ...]:
    names = list(dict.fromkeys(row.name for row in rows))
    found = []
    for name in names:
        of_name = [row for row in rows if row.name == name]
        if len(of_name) < 2:
            continue
        for metric in FIGURES:
            values = [row.estimates[metric].value for row in of_name]
            found.append(
                Spread(
                    name=name,
                    metric=metric,
                    runs=len(values),
                    mean=mean(values),
                    deviation=stdev(values),
                    lowest=min(values),
                    highest=max(values),
                )
            )
    return tuple(found)
