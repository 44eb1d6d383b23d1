"""How often each 95% interval holds the true value: simulated readings of known truth, independent and by patient.

    python -m benchmarks.coverage [--runs 2000]     simulate, write results/coverage.json, print the table
    python -m benchmarks.coverage --weighted        simulate the weighted figures alone, add them to what was written
    python -m benchmarks.coverage --table           print the table of what was written

A cell is a number of images, how common the finding is, and whether patients have one image or three that look alike
(half of the score's spread is the patient's). The truth is the same figure on a million images. A figure that a sample
does not allow (no case of a class) is left out and counted.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.records import Estimate
from engine.statistics.classification_report import overall
from engine.statistics.kappa import cohen_kappa, krippendorff_alpha
from engine.statistics.paired_tests import areas, shares
from engine.statistics.verification import verified_figures

RESULTS = Path(__file__).parent / "results" / "coverage.json"
CLASSES = ("normal", "ill")
FIGURES = (
    "sensitivity", "specificity", "positive predictive value", "negative predictive value", "accuracy",
    "balanced accuracy", "macro F1", "MCC", "AUROC", "average precision", "Brier score", "calibration intercept",
    "calibration slope", "observed / expected", "kappa", "alpha",
)  # fmt: skip
WEIGHTED = {
    f"{name}, weighted": name
    for name in (
        "sensitivity", "specificity", "positive predictive value", "negative predictive value", "accuracy",
    )
}  # fmt: skip
"""Figures for all cases from those that were read: all errors by labels of which some are wrong, and a random share of
the other cases; with the figure that each should hold."""
LABEL_ERROR, DRAWN = 0.08, 0.25
READER_ERROR = 0.08
MANY = 1_000_000


@dataclass(frozen=True, slots=True)
class Cell:
    """What is simulated: images, how common the finding is, images a patient, patients with the finding if fixed."""

    images: int
    prevalence: float
    of_patient: int = 1
    with_finding: int | None = None

    @property
    def name(self) -> str:
        """As the table says it."""
        if self.with_finding is not None:
            return f"{self.with_finding} patients with the finding among {self.images // self.of_patient}"
        kind = "independent" if self.of_patient == 1 else f"{self.of_patient} a patient"
        return f"{self.images} images, {self.prevalence:g}, {kind}"


CELLS = (
    *(Cell(n, q, size) for size in (1, 3) for n in (30, 100, 1000) for q in (0.1, 0.5)),
    *(Cell(240, 0.0, 4, with_finding) for with_finding in (2, 3, 6, 10)),
)


@dataclass(frozen=True, eq=False)
class Sample:
    """Simulated images: patients (N,), truth (N,), probabilities (N, 2), and the answers of three readers (3, N)."""

    patient: NDArray[np.int64]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    answers: NDArray[np.int64]


def draw(cell: Cell, rng: np.random.Generator, images: int | None = None) -> Sample:
    """Simulate a cell; of another number of images where one is given."""
    patients = (images or cell.images) // cell.of_patient
    patient = np.repeat(np.arange(patients), cell.of_patient)
    if cell.with_finding is None:
        ill = rng.random(patients) < cell.prevalence
    else:
        share = cell.with_finding / (cell.images // cell.of_patient)
        ill = np.arange(patients) < round(share * patients)
    truth = ill[patient]
    if cell.of_patient > 1 and cell.with_finding is None:  # not every image of an ill patient shows it
        truth = truth & (rng.random(len(truth)) > 0.1)
    shared = 0.5 if cell.of_patient > 1 else 0.0
    noise = math.sqrt(shared) * rng.normal(size=patients)[patient]
    score = 1.8 * truth + noise + math.sqrt(1 - shared) * rng.normal(size=len(truth))
    p = 1 / (1 + np.exp(-(1.7 * score - 2.2 - (0 if cell.prevalence > 0.3 else 1.0))))
    wrong = rng.random((3, len(truth))) < READER_ERROR
    return Sample(
        patient, truth.astype(np.int64), np.column_stack([1 - p, p]), (truth ^ wrong).astype(np.int64)
    )


def figures_of(sample: Sample) -> dict[str, Estimate]:
    """Estimate every figure of a sample."""
    predicted = (sample.probabilities[:, 1] >= 0.5).astype(np.int64)
    found = overall(sample.truth, predicted, sample.probabilities, CLASSES, groups=sample.patient)
    counts = np.stack([(sample.answers == code).sum(axis=0) for code in (0, 1)], axis=1)
    found["kappa"] = cohen_kappa(sample.answers[0], sample.answers[1], sample.patient)
    found["alpha"] = krippendorff_alpha(counts, sample.patient)
    return found


def weighted_figures(sample: Sample, rng: np.random.Generator) -> dict[str, Estimate]:
    """Estimate the figures of a sample of which the errors by its labels and a random share of the others were read."""
    predicted, present = sample.probabilities[:, 1] >= 0.5, sample.truth == 1
    label = present ^ (rng.random(len(present)) < LABEL_ERROR)
    certain = label != predicted
    read = certain | (rng.random(len(present)) < DRAWN)
    found = verified_figures(predicted, present & read, read, certain, sample.patient)
    return {name: found[plain] for name, plain in WEIGHTED.items()}


def coverage(
    cell: Cell, runs: int, *, seed: int = 0, plain: bool = True, weighted: bool = True, many: int = MANY
) -> dict[str, tuple[float, int]]:
    """Return for each figure the share of intervals that hold the truth, and how many intervals there were.

    The truth is the figure on `many` images.
    """
    truth = {
        name: each.value
        for name, each in figures_of(draw(cell, np.random.default_rng(seed + 1), many)).items()
    }
    truth |= {name: truth[of_all] for name, of_all in WEIGHTED.items()}
    held: dict[str, list[bool]] = defaultdict(list)
    rng, reading = np.random.default_rng(seed), np.random.default_rng(seed + 2)
    for _ in range(runs):
        sample = draw(cell, rng)
        found = figures_of(sample) if plain else {}
        found |= weighted_figures(sample, reading) if weighted else {}
        for name, each in found.items():
            if name in (*FIGURES, *WEIGHTED) and math.isfinite(each.low):
                held[name].append(each.low - 1e-12 <= truth[name] <= each.high + 1e-12)
    return {name: (float(np.mean(of)), len(of)) for name, of in held.items()}


def rejections(patients: int, runs: int, *, seed: int = 0) -> dict[str, float]:
    """Return how often two equally good models are called different at .05, with so many patients ill of 66."""
    rng, size = np.random.default_rng(seed), 4
    patient = np.repeat(np.arange(66), size)
    y = patient < patients
    tests: dict[str, Callable[[NDArray[np.float64], NDArray[np.float64]], float]] = {
        "AUROC": lambda a, b: areas(y, a, b, patient).p_value,
        "accuracy": lambda a, b: shares((a > 0.9) == y, (b > 0.9) == y, patient).p_value,
    }
    found: dict[str, list[bool]] = defaultdict(list)
    for _ in range(runs):
        common = rng.normal(size=66)[patient]
        one, two = (
            1.8 * y + 0.6 * common + 0.6 * rng.normal(size=66)[patient] + 0.5 * rng.normal(size=len(y))
            for _ in range(2)
        )
        for name, test in tests.items():
            found[name].append(test(one, two) < 0.05)
    return {name: float(np.mean(of)) for name, of in found.items()}


def table(results: dict[str, object]) -> Iterator[str]:
    """Write the results as Markdown."""
    cells = results["coverage"]
    assert isinstance(cells, dict)
    yield f"{results['runs']:,} samples a cell; per cent of intervals that hold the true value."
    yield ""
    yield "| figure | " + " | ".join(cells) + " |"
    yield "|---" * (len(cells) + 1) + "|"
    for figure in (*FIGURES, *WEIGHTED):
        row = [f"{100 * of[figure][0]:.0f}" if figure in of else "–" for of in cells.values()]
        yield f"| {figure} | " + " | ".join(row) + " |"
    yield ""
    yield "Two equally good models called different at .05: " + "; ".join(
        f"{ill} patients ill of 66: " + ", ".join(f"{name} {share:.1%}" for name, share in of.items())
        for ill, of in results["rejections"].items()  # type: ignore[attr-defined]
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--weighted", action="store_true")
    asked = parser.parse_args()
    if asked.weighted:
        results = json.loads(RESULTS.read_text(encoding="utf-8"))
        for cell in CELLS:
            results["coverage"][cell.name] |= coverage(cell, asked.runs, plain=False)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    elif not asked.table:
        results = {
            "runs": asked.runs,
            "coverage": {cell.name: coverage(cell, asked.runs) for cell in CELLS},
            "rejections": {ill: rejections(ill, asked.runs) for ill in (3, 6, 20)},
        }
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for line in table(json.loads(RESULTS.read_text(encoding="utf-8"))):
        print(line)


if __name__ == "__main__":
    main()
