"""Labels of a data set as they have become: each version with what it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Interval

from engine.language import count_of
from engine.records.data import Part

LabelSource = Literal["came with data", "assisted", "blinded consensus", "adjudicated"]
LabelRule = Literal["majority", "unanimous"]
LABEL_RULES: tuple[LabelRule, ...] = ("majority", "unanimous")
LabelNumber = Annotated[int, Interval(ge=1, le=10**6)]
FIRST_VERSION = 1
"""The labels that came with the data."""

_BY: Mapping[LabelSource, str] = {
    "assisted": "assisted readings",
    "blinded consensus": "blinded consensus",
    "adjudicated": "adjudication",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelVersion:
    """One version of the labels of a data set. Append-only: a correction is a new version.

    Attributes:
        dataset_id: Of the `Index` whose labels they are.
        number: From 1, which came with the data.
        parent: The version that it changes; None for the first.
        source: Where it comes from.
        made_from: The run or study whose readings it was made from; empty for the first.
        rule: How several readers become one label; empty where the source says it.
        readers: By name.
        images: In the data set.
        changed: Images whose label is another one than the parent's.
        kept: Why readings did not become a label → of how many images.
        locked: Test cases by image id, its ancestors' too: they are never trained on.
        sha256: Of all labels by image id.
        created: With time zone.
        row: Its number in the chain of evidence.
    """

    dataset_id: str
    number: int
    parent: int | None
    source: LabelSource
    made_from: str = ""
    rule: str = ""
    readers: tuple[str, ...] = ()
    images: int = 0
    changed: int = 0
    kept: Mapping[str, int] = field(default_factory=dict)
    locked: frozenset[str] = frozenset()
    sha256: str = ""
    created: datetime | None = None
    row: int = 0

    @property
    def sentence(self) -> str:
        """Say where it comes from: "v3: 14 of 402 labels changed from v2 by blinded consensus of Ada and Ben"."""
        if self.parent is None:
            return (
                f"v{self.number}: 1 image, with the label that came with the data"
                if self.images == 1
                else f"v{self.number}: {self.images:,} images, labelled as they came with the data"
            )
        return self._said(in_words(self.readers))

    @property
    def without_names(self) -> str:
        """Say the same with the number of readers instead of their names, for what leaves the workspace."""
        return self.sentence if self.parent is None else self._said(count_of(len(self.readers), "reader"))

    def _said(self, readers: str) -> str:
        rule = f", {self.rule}" if self.rule and len(self.readers) > 1 else ""
        return (
            f"v{self.number}: {self.changed:,} of {self.images:,} labels changed from v{self.parent} by "
            f"{_BY[self.source]} of {readers}{rule}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelRow:
    """What a version says of one image that was read.

    Attributes:
        image_id: Of the `Sample`.
        label: None where it has none.
        answers: The rows of the answers behind it, in the chain of evidence.
        reason: Why the answers did not become its label; empty where they did.
    """

    image_id: str
    label: str | None
    answers: tuple[int, ...] = ()
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DoubtedLabel:
    """A label that a model which never saw its image finds less likely than another class.

    Attributes:
        image_id: Of the image.
        part: Of the split; None where there is none.
        label: That was doubted.
        likely: The class that is the likeliest.
        suspicion: 1 − the probability of the label, in [0, 1].
    """

    image_id: str
    part: Part | None
    label: str
    likely: str
    suspicion: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelSearch:
    """A search for labels that may be wrong, as a run keeps it.

    Attributes:
        folds: Whether the models of a cross-validation were asked; otherwise a regression on frozen features was.
        at: When, in ISO 8601 with time zone.
        images: Part of the split → images whose labels were held against the model.
        suspects: All that were doubted, the most doubtful first.
        study_id: Of the study in which they are read again blind; empty where they came into the queue of the run.
    """

    folds: bool
    at: str
    images: Mapping[str, int]
    suspects: tuple[DoubtedLabel, ...]
    study_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelSearches:
    """The searches of a run, the earliest first: one a study, and the newest one for the queue."""

    searches: tuple[LabelSearch, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelsUsed:
    """The labels that a run was trained and tested on.

    Attributes:
        number: Of the version.
        sha256: Of all its labels.
        sentence: Where it comes from, without names.
        base_run: The run whose parts it keeps; empty where the split was made from the data set.
    """

    number: LabelNumber
    sha256: str
    sentence: str = ""
    base_run: str = ""


def in_words(names: tuple[str, ...]) -> str:
    """Join names as a sentence does: "Ada, Ben and Cem"."""
    *others, last = names or ("no reader",)
    return f"{', '.join(others)} and {last}" if others else last
