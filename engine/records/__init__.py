"""The nouns of Overread: frozen records that every step takes and returns.

Records hold values, never behaviour beyond what follows from their own fields, and import nothing of the engine.
Arrays are described by shape and dtype; "probability" is always in [0, 1]; image coordinates of regions are fractions
of width and height, origin top left.
"""

from engine.records.data import (
    PART_NAMES,
    PARTS,
    ROLES,
    Answers,
    DataIssue,
    DataIssueKind,
    Index,
    Part,
    Role,
    Sample,
    Split,
)
from engine.records.estimates import Estimate
from engine.records.proposals import Choice, Level, NameCount, Proposal, Question, TableOffer
from engine.records.readings import Region, Review, Verdict
from engine.records.recipes import Augmentation, Balance, Expected, Head, Phase, Recipe
from engine.records.runs import (
    PASSES,
    Calibration,
    Conformal,
    Epoch,
    Explanation,
    Injection,
    Prediction,
    Run,
    TrainingRequest,
    Uncertainty,
    UncertaintyModel,
)

__all__ = [
    "PARTS",
    "PART_NAMES",
    "PASSES",
    "ROLES",
    "Answers",
    "Augmentation",
    "Balance",
    "Calibration",
    "Choice",
    "Conformal",
    "DataIssue",
    "DataIssueKind",
    "Epoch",
    "Estimate",
    "Expected",
    "Explanation",
    "Head",
    "Index",
    "Injection",
    "Level",
    "NameCount",
    "Part",
    "Phase",
    "Prediction",
    "Proposal",
    "Question",
    "Recipe",
    "Region",
    "Review",
    "Role",
    "Run",
    "Sample",
    "Split",
    "TableOffer",
    "TrainingRequest",
    "Uncertainty",
    "UncertaintyModel",
    "Verdict",
]
