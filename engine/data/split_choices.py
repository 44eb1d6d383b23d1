"""What a person chose about a data set: how it is split, which class is the finding; kept in the workspace.

The data page writes it, the train page reads it, so that the two never disagree and a reload forgets nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from engine.data.split import k_folds, split_index
from engine.errors import DataError, SplitError
from engine.kept_files import JsonFile, read_json
from engine.records import (
    FIRST_VERSION,
    Index,
    LabelNumber,
    LabelsUsed,
    Recipe,
    Seed,
    Share,
    Split,
    TrainingRequest,
)
from engine.storage import versioned, write_atomic
from engine.workspace import Workspace

CHOICES_FILE = "choices.json"
SplitMode = Literal["automatic", "given", "new"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """How one data set is split and read.

    Attributes:
        mode: As the data came where it has parts (automatic), only so (given), or by the ratios whatever the data
            says (new).
        ratios: Shares of patients for training, validation and test; they sum to 1.
        seed: Decides which patient goes where.
        positive: The class whose finding sensitivity speaks of; None leaves it to `positive_of`.
        labels: The version of the labels that the next training uses.
    """

    mode: SplitMode = "automatic"
    ratios: tuple[Share, Share, Share] = (0.6, 0.2, 0.2)
    seed: Seed = 0
    positive: str | None = None
    labels: LabelNumber = FIRST_VERSION

    @property
    def use_given(self) -> bool | None:
        """What `engine.data.split.split_index` is told."""
        return {"automatic": None, "given": True, "new": False}[self.mode]


def ratios_of(train: float | None, val: float | None, test: float | None) -> tuple[float, float, float]:
    """Return percentages as shares of 1.

    Where the data came with a test part alone they say how much of training becomes validation.

    Raises:
        SplitError: They do not add up to 100, or one of them is below 1.
    """
    percents = [float(share or 0) for share in (train, val, test)]
    if not all(map(math.isfinite, percents)) or min(percents) < 1 or abs(sum(percents) - 100) > 0.01:
        raise SplitError(
            f"Shares of {percents[0]:g}, {percents[1]:g} and {percents[2]:g}% cannot be used",
            "Give training, validation and test at least 1% each, adding up to 100%",
        )
    return percents[0] / 100, percents[1] / 100, percents[2] / 100


def save_choices(workspace: Workspace, dataset_id: str, choices: Choices) -> None:
    """Keep the choice for this data set."""
    write_atomic(
        workspace.datasets / dataset_id / CHOICES_FILE, json.dumps(versioned(asdict(choices)), indent=1)
    )


def load_choices(workspace: Workspace, dataset_id: str) -> Choices:
    """Return the choice kept for this data set, or the default where none is kept.

    Raises:
        DataError: It cannot be read: to go by the default would change the split without a word.
    """
    try:
        return read_json(workspace.datasets / dataset_id / CHOICES_FILE, CHOICES)
    except FileNotFoundError:
        return Choices()


def _former(fields: dict[str, Any]) -> dict[str, Any]:
    if "mode" not in fields:
        division = fields.pop("division")
        fields["mode"] = {"anew": "new"}.get(division, division)
    ratios_of(*(100 * share for share in fields["ratios"]))
    return fields


CHOICES = JsonFile(
    record=Choices,
    error=DataError,
    remedy="Choose the split again",
    option="overread split {folder}",
    fields=("Data", "Split into training, validation and test"),
    former=_former,
)


def positive_of(classes: Sequence[str], chosen: str | None = None) -> str:
    """Return the class whose finding sensitivity speaks of: the chosen one where the data have it, else the last.

    The last, because `Index.classes` puts a class named like "normal" first.
    """
    return chosen if chosen is not None and chosen in classes else classes[-1]


def split_as_chosen(index: Index, choices: Choices) -> Split:
    """Split a data set as chosen.

    Raises:
        SplitError: It cannot be split that way.
    """
    return split_index(index, ratios=choices.ratios, seed=choices.seed, use_given=choices.use_given)


def folds_as_chosen(index: Index, choices: Choices, folds: int) -> tuple[Split, ...]:
    """Split a data set for cross-validation, by the seed that was chosen: see `engine.data.split.k_folds`.

    Raises:
        SplitError: It cannot be split so, or it was chosen to keep the parts that it came with.
    """
    if choices.mode == "given":
        raise SplitError(
            "Folds deal out all labelled images, and this data set is to keep the parts it came with",
            "Choose a new split for it, or train without folds",
            option="--by-patient",
        )
    return tuple(k_folds(index, k=folds, seed=choices.seed))


def training_request(
    recipe: Recipe,
    index: Index,
    choices: Choices,
    *,
    device: str = "auto",
    allow_downloads: bool = False,
    folds: int = 0,
    labels: LabelsUsed | None = None,
) -> TrainingRequest:
    """Return the request to train a recipe on a data set that is split as chosen; None means the labels that came."""
    return TrainingRequest(
        recipe=recipe,
        dataset_id=index.dataset_id,
        ratios=choices.ratios,
        split_seed=choices.seed,
        use_given=choices.use_given,
        positive=choices.positive if choices.positive in index.classes else None,
        device=device,
        allow_downloads=allow_downloads,
        folds=folds,
        labels=labels,
    )
