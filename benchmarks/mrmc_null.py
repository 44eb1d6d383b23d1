"""How often the analysis of several readers sees a difference where there is none, by simulation.

    python -m benchmarks.mrmc_null [--runs 3000] [--readers 5] [--cases 50]

Ratings follow Roe and Metz's model (doi:10.1016/S1076-6332(97)80032-3) in its twelve settings, with readers and cases
drawn anew each time, so that the test for readers and cases like these should reject in 5 of 100. The other two tests
ask something else and are not held to that.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
from scipy.stats import norm

from engine.statistics.readers.components import AREAS, STRUCTURES, Structure
from engine.statistics.readers.mrmc import mrmc_analysis


def roe_metz(
    structure: Structure,
    setting: int,
    readers: int,
    positives: int,
    negatives: int,
    rng: np.random.Generator,
    *,
    gain: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a study of two modalities.

    Args:
        structure: Of the variances.
        setting: Which of `AREAS`.
        readers: How many.
        positives: Cases with the finding.
        negatives: Cases without it.
        rng: Draws.
        gain: By how much the second modality sets the finding further apart.

    Returns:
        Truth (N,) bool and ratings (2, readers, N).
    """
    truth = np.arange(positives + negatives) < positives
    n, varies = len(truth), structure.reader[setting]

    def normal(variance: float, *shape: int) -> np.ndarray:
        return rng.normal(scale=np.sqrt(variance), size=shape)

    # A reader leans by the truth of a case: one effect of cases with the finding, another of those without.
    leans = normal(varies, 1, readers, 2) + normal(varies, 2, readers, 2)
    apart = np.sqrt(2) * norm.ppf(AREAS[setting]) + np.array([0.0, gain])
    ratings = (
        leans[:, :, truth.astype(int)]
        + apart[:, None, None] * truth
        + normal(structure.case, 1, 1, n)
        + normal(structure.modality_by_case, 2, 1, n)
        + normal(structure.reader_by_case, 1, readers, n)
        + normal(structure.error, 2, readers, n)
    )
    return truth, ratings


def rejections(
    runs: int, *, readers: int = 5, positives: int = 50, negatives: int = 50, seed: int = 1
) -> Iterator[tuple[str, float, float]]:
    """Yield structure, area and the share of studies in which the test for readers and cases has p < .05."""
    rng = np.random.default_rng(seed)
    names = [str(reader) for reader in range(readers)]
    for name, structure in STRUCTURES.items():
        for setting, area in enumerate(AREAS):
            rejected = 0
            for _ in range(runs):
                truth, ratings = roe_metz(structure, setting, readers, positives, negatives, rng)
                found = mrmc_analysis(truth, ratings, ("one", "other"), names).analyses[0]
                rejected += found.p_value < 0.05
            yield name, area, rejected / runs


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3000)
    parser.add_argument("--readers", type=int, default=5)
    parser.add_argument("--cases", type=int, default=50, help="of either kind")
    asked = parser.parse_args()
    print(f"{asked.runs} studies a setting, {asked.readers} readers, {asked.cases} cases of either kind.\n")
    print("| structure | area | rejected, of 100 |\n|---|---|---|")
    shares = []
    for name, area, share in rejections(
        asked.runs, readers=asked.readers, positives=asked.cases, negatives=asked.cases
    ):
        shares.append(share)
        print(f"| {name} | {area} | {100 * share:.1f} |", flush=True)
    print(f"| all | | {100 * np.mean(shares):.1f} |")


if __name__ == "__main__":
    main()
