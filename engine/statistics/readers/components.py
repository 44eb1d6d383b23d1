"""What makes a reader's figure vary: the components of Obuchowski and Rockette, and what a plan may take them to be.

Planned studies have no readings yet. Roe and Metz (doi:10.1016/S1076-6332(97)80032-3, table 1) describe ratings as a
sum of normal effects of modality, reader and case, in four structures that span what reader studies have shown; which
components of Obuchowski and Rockette these come to is known exactly (Hillis, doi:10.1002/sim.7616).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.stats import norm

FIGURES = ("AUC", "sensitivity", "specificity")
"""Figures of a reader for which a study can be planned."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)


@dataclass(frozen=True, kw_only=True, slots=True)
class Components:
    """Variances and covariances of a figure, each that of one reader with one modality (doi:10.1080/03610919508813243).

    Attributes:
        reader: Between readers.
        modality_by_reader: How differently readers gain from a modality; may be estimated below 0.
        error: Variance by cases.
        cov1: Of one reader's figures with two modalities.
        cov2: Of two readers' figures with one modality.
        cov3: Of two readers' figures with two modalities.
    """

    reader: float
    modality_by_reader: float
    error: float
    cov1: float
    cov2: float
    cov3: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Structure:
    """Variances of a rating in the model of Roe and Metz; those that speak of cases sum to 1.

    Attributes:
        case: Of cases, whatever the reader and modality.
        modality_by_case: Of a modality on a case.
        reader_by_case: Of a reader on a case.
        error: Of nothing else, on a case.
        reader: Of a reader, and as much again of a reader with a modality: at areas of .702, .855 and .961.
    """

    case: float
    modality_by_case: float
    reader_by_case: float
    error: float
    reader: tuple[float, float, float]


AREAS = (0.702, 0.855, 0.961)
"""Areas at which Roe and Metz give the variance of readers."""

STRUCTURES = MappingProxyType(
    {
        "HL": Structure(case=0.3, modality_by_case=0.3, reader_by_case=0.2, error=0.2, reader=(0.0055,) * 3),
        "LL": Structure(case=0.1, modality_by_case=0.1, reader_by_case=0.2, error=0.6, reader=(0.0055,) * 3),
        "HH": Structure(
            case=0.3, modality_by_case=0.3, reader_by_case=0.2, error=0.2, reader=(0.011, 0.03, 0.056)
        ),
        "LH": Structure(
            case=0.1, modality_by_case=0.1, reader_by_case=0.2, error=0.6, reader=(0.011, 0.03, 0.056)
        ),
    }
)
"""By name: the first letter says how alike (high or low) ratings of one case are, the second how unlike readers are."""


def expected_components(
    structure: Structure, expected: float, positives: int, negatives: int, *, figure: str = "AUC"
) -> Components:
    """Return the components that a figure has where ratings follow a structure of Roe and Metz.

    Readers vary as at the nearest area that Roe and Metz give; a sensitivity or specificity is that of calling a case
    positive from a certain rating upwards.

    Args:
        structure: One of `STRUCTURES`.
        expected: The figure itself, in (0, 1).
        positives: Cases with the finding.
        negatives: Cases without it.
        figure: One of `FIGURES`.
    """
    varies = structure.reader[int(np.argmin([abs(expected - area) for area in AREAS]))]
    h = float(norm.ppf(expected))
    total = 1 + 2 * varies
    counts = (positives, negatives) if figure == "AUC" else (0, positives)
    if figure == "specificity":
        counts = (0, negatives)

    def by_cases(shared: float, readers: float) -> float:
        """Return the covariance, beyond that of readers, of two figures whose ratings share so much of a case."""
        return _by_cases(h, shared / total, readers / total, *counts)

    same_modality = structure.case + structure.modality_by_case
    return Components(
        reader=_indicators(h, varies / total),
        modality_by_reader=_indicators(h, 2 * varies / total) - _indicators(h, varies / total),
        error=by_cases(1.0, 2 * varies),
        cov1=by_cases(structure.case + structure.reader_by_case, varies),
        cov2=by_cases(same_modality, 0.0),
        cov3=by_cases(structure.case, 0.0),
    )


def _by_cases(h: float, shared: float, readers: float, several: int, n: int) -> float:
    """Return the covariance of two figures by the cases that they share.

    An area averages over pairs of `several` positives and `n` negatives, of which two pairs share both cases, one or
    none; a share averages over `n` cases alone.
    """
    none, both = _indicators(h, readers), _indicators(h, readers + shared)
    if not several:
        return (both - none) / n
    one = _indicators(h, readers + shared / 2)
    return (both + (several + n - 2) * one + (1 - several - n) * none) / (several * n)


def _indicators(h: float, correlation: float) -> float:
    """Return the covariance of whether two standard normal numbers that correlate lie below h (Plackett's integral)."""
    top = math.asin(min(1.0, correlation))
    angles = top / 2 * (_NODES + 1)
    return float(top / 2 * (_WEIGHTS @ np.exp(-(h**2) / (1 + np.sin(angles)))) / (2 * math.pi))
