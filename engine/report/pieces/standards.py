"""Reference standards, and predictions held against one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from engine.records import Estimate
from engine.report.drawn_records import NO_CURVES, Curves
from engine.statistics import ClassRow, PrecisionRecall, ReliabilityBin, Roc


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What a reference standard says of the cases.

    Attributes:
        answers: Image id → class, for the cases that have one.
        without: Image id → why it has none, for the other cases.
    """

    answers: Mapping[str, str]
    without: Mapping[str, str]

    @property
    def excluded(self) -> Mapping[str, int]:
        """Why cases have none → how many."""
        return Counter(self.without.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled(Standing):
    """What readers settled in a study, as a reference standard.

    Attributes:
        name: As it is printed.
        defined: What it is, line by line.
        caution: What a reader of the report must know of it, as sentences.
        drawn_by_model: Whether the cases were chosen one by one or by what a model said of them.
        by_rule: What indeterminate readings count as → image id → class.
    """

    name: str
    defined: tuple[tuple[str, str], ...]
    caution: str
    drawn_by_model: bool
    by_rule: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ByPatient:
    """Figures by patient.

    Attributes:
        rule: How several images of a patient become one, as sentences; empty where there are no such figures.
        patients: That count.
        estimates: By the names of the figures by image.
    """

    rule: str = ""
    patients: int = 0
    estimates: Mapping[str, Estimate] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True, eq=False)
class Against:
    """The predictions held against one reference standard.

    Attributes:
        name: As it is printed.
        kind: A key of `engine.report.standards.reference_standards.REFERENCE_STANDARDS`.
        defined: Who, how many, by which rule: what it is, line by line.
        cases: How many it gives a class.
        of: How many there are.
        excluded: Why the others have none → how many.
        undecided: The same reasons → how many of these cases were predicted to be of each class.
        caution: What a reader of the report must know of it; empty where it holds no answer.
        drawn: How the cases were drawn: see `engine.report.standards.sampling.Sampling.kind`.
        note: What must stand beside every number; empty where nothing must.
        sampling: How the cases were drawn, in a sentence; empty where all were taken and answered.
        sentences: The figures in words.
        rows: The classification report.
        estimates: Every overall figure by name.
        by_patient: The same by patient, where patients have several images.
        confusion: (C, C) int64, rows by reference standard.
        roc: By the positive class (two classes), or by each class against the others; empty where the cases were drawn
            otherwise than at random.
        precision_recall: As `roc`.
        reliability: Bins of the positive class's probability (two classes), or of the most probable class's.
        indeterminate: What indeterminate readings count as → figure → estimate; empty where there are none.
        predictive: Prevalence, positive and negative predictive value there; two classes only.
        curves: What else is drawn; empty where the ROC curve is.
    """

    name: str
    kind: str
    defined: tuple[tuple[str, str], ...]
    cases: int
    of: int
    excluded: Mapping[str, int]
    undecided: Mapping[str, tuple[int, ...]]
    caution: str
    drawn: str
    note: str
    sampling: str
    sentences: tuple[str, ...]
    rows: tuple[ClassRow, ...]
    estimates: Mapping[str, Estimate]
    by_patient: ByPatient
    confusion: NDArray[np.int64]
    roc: Mapping[str, Roc | None]
    precision_recall: Mapping[str, PrecisionRecall | None]
    reliability: tuple[ReliabilityBin, ...]
    indeterminate: Mapping[str, Mapping[str, Estimate]]
    predictive: tuple[tuple[float, Estimate, Estimate], ...]
    curves: Curves = NO_CURVES
