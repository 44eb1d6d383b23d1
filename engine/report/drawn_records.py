"""What figures draw of predictions and readers, as records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from engine.records import Estimate
from engine.statistics import Band, NetBenefit, RiskCoverage


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """Curves of one reference standard.

    Attributes:
        roc_bands: Around the ROC curves, by the same names; of more than four curves none.
        precision_recall_bands: Around the precision-recall curves.
        net_benefit: The decision curve of the finding; of two classes only.
        risk: Errors among the cases kept, the most confident first; of many cases at 200 points.
        scores: Class → how many of its cases lie in each twentieth of the probability of the finding, or of their own
            class where there are more than two.
    """

    roc_bands: Mapping[str, Band] = field(default_factory=lambda: MappingProxyType({}))
    precision_recall_bands: Mapping[str, Band] = field(default_factory=lambda: MappingProxyType({}))
    net_benefit: tuple[NetBenefit, ...] = ()
    risk: RiskCoverage | None = None
    scores: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))


NO_CURVES = Curves()


@dataclass(frozen=True, kw_only=True, slots=True)
class Operating:
    """Where a reader stands against a reference standard, on the cases answered.

    Attributes:
        cases: Answered with a class, and with one by the standard that does not rest on the reader's own answer.
        sensitivity: NaN where no such case has the finding.
        specificity: NaN where each has it.
        precision: NaN where the reader never named the finding.
    """

    cases: int
    sensitivity: float
    specificity: float
    precision: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ReaderPoint:
    """One reader of a study of these cases, without the model and with it.

    Attributes:
        study: Its name.
        reader: "R1" in the order of the protocol.
        standard: By name, that the reader is held against.
        own: Cases left out because the standard rests on the reader's own answer.
        blind: None where none of these cases was read so.
        assisted: Likewise.
    """

    study: str
    reader: str
    standard: str
    own: int
    blind: Operating | None
    assisted: Operating | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkedByReaders:
    """How heatmaps lie to what readers drew who had not seen the model's answer.

    Attributes:
        pointing: How often the heatmap's peak lies on it.
        chance: What a peak thrown at random would hit.
        inside: Of the heat, how much lies on it.
        even: What of heat that is spread evenly would.
        readers: Whose regions these are.
        left_out: Answers with regions that were given when more had been seen.
    """

    pointing: Estimate
    chance: float
    inside: Estimate
    even: float
    readers: int
    left_out: int
