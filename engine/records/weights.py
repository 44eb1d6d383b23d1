"""What a training begins with: what was asked for, and where its weights come from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from annotated_types import Interval

from engine.records.labels import LabelsUsed
from engine.records.recipes import Recipe

ENDPOINTS = ("AUROC", "sensitivity", "specificity", "accuracy")
"""Figures that a run may be to show; sensitivity and specificity of two classes."""

Share = Annotated[float, Interval(ge=0, le=1)]
Seed = Annotated[int, Interval(ge=-(2**63), lt=2**63)]
Folds = Annotated[int, Interval(ge=0, le=100)]


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightsOrigin:
    """What is known of starting weights, for run.json, the report and the model card.

    Attributes:
        name: Of the file, the run or the package.
        layout: A key of `engine.models.LAYOUTS`; empty where they did not come from a file.
        sha256: Of the file; empty where it is none.
        source: Where the file is from, as a person said.
        licence: As a person or its publisher said; empty where nobody did.
        run_id: The run that trained them; empty where it was none of ours.
        remarks: Sentences that belong beside the figures: images of the test part that those weights have seen.
    """

    name: str
    layout: str = ""
    sha256: str = ""
    source: str = ""
    licence: str = ""
    run_id: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedEndpoint:
    """What a run is to show of its test part, written down before any of it is predicted.

    Attributes:
        figure: One of `ENDPOINTS`.
        operating_point: Of the recipe, as it was then.
        fixed: When, with time zone.
        tested_before: Finished runs of the workspace on the same data then: their test parts may share images.
    """

    figure: str
    operating_point: str
    fixed: datetime
    tested_before: Annotated[int, Interval(ge=0)] = 0

    @property
    def sha256(self) -> str:
        """Digest of what was fixed, to be printed and to be told to others."""
        told = f"{self.figure}\n{self.operating_point}\n{self.fixed.isoformat()}\n{self.tested_before}\n"
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingRequest:
    """What was asked for: everything training needs to know beside the images.

    Attributes:
        recipe: As it shall be run.
        dataset_id: Of an index saved in the workspace.
        ratios: Of training, validation and test cases.
        split_seed: Decides which patient goes to which part.
        use_given: Use the parts that came with the data; None means if there are any.
        positive: The class whose finding sensitivity speaks of; None lets the run choose.
        device: "auto", "cpu", "cuda" or "mps".
        allow_downloads: Whether pretrained weights may be fetched from the hub.
        folds: Cross-validation: so many models, each tested on the patients of one fold (`engine.data.split.k_folds`);
            0 trains one model on one split.
        labels: The version of the labels; None for those that came with the data.
        endpoint: What the run is to show; None where nothing is fixed before.
    """

    recipe: Recipe
    dataset_id: str
    ratios: tuple[Share, Share, Share] = (0.6, 0.2, 0.2)
    split_seed: Seed = 0
    use_given: bool | None = None
    positive: str | None = None
    device: str = "auto"
    allow_downloads: bool = False
    folds: Folds = 0
    labels: LabelsUsed | None = None
    endpoint: FixedEndpoint | None = None
