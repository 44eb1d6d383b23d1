"""Searches for labels that may be wrong, what readers made of the suspects, and the counts of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.records import Estimate, Part


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchedCase:
    """A suspected label, or one of the control, and what readers made of it.

    Attributes:
        image_id: Of the image.
        part: Of the split; None where there is none.
        label: That it had.
        likely: The class that was the likeliest; of the control that was not suspected, its label.
        drawn: "suspect" or "control" of a study in which both are read blind; empty otherwise.
        answered: Whether it was read by all who were to read it.
        read: The class that readers gave it; None where they did not settle on one.
    """

    image_id: str
    part: Part | None
    label: str
    likely: str
    drawn: str = ""
    answered: bool = False
    read: str | None = None

    @property
    def suspected(self) -> bool:
        """Whether another class was likelier than its label."""
        return self.likely != self.label

    @property
    def outcome(self) -> str:
        """What became of its label: "upheld", "changed", "undecided" or "open"."""
        if not self.answered:
            return "open"
        return "undecided" if self.read is None else "upheld" if self.read == self.label else "changed"


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchedLabels:
    """One search, as evidence.

    Attributes:
        run_id: The run whose images were searched: this one, or the one whose parts it keeps.
        folds: Whether the models of a cross-validation were asked; otherwise a regression on frozen features was.
        at: When, in ISO 8601 with time zone.
        images: Part of the split → images whose labels were held against the model.
        study: By name, in which suspects are read again blind; empty where they came into the queue of the run.
        finished: Whether its answers may be seen.
        readers: Who read, or are to read in the study.
        cases: Every suspect, and the control of a study.
        versions: Numbers of the labels that were made from these readings.
        trained_after: Runs that were trained on such labels with the parts of this one.
    """

    run_id: str
    folds: bool
    at: str
    images: Mapping[str, int]
    study: str = ""
    finished: bool = True
    readers: int = 0
    cases: tuple[SearchedCase, ...] = ()
    versions: tuple[int, ...] = ()
    trained_after: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelCounts:
    """What became of suspected labels.

    Attributes:
        label: That they had; empty: any.
        likely: The class that was the likeliest; empty: any.
        images: How many.
        read: By all who were to read them.
        upheld: Readers gave the label.
        changed: Readers gave another class.
        undecided: Readers settled on no class.
        open: Not read yet.
    """

    label: str
    likely: str
    images: int
    read: int
    upheld: int
    changed: int
    undecided: int
    open: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelErrors:
    """What came of one search.

    Attributes:
        run_id: See `SearchedLabels`; so are the five that follow.
        folds: See above.
        at: See above.
        study: See above.
        finished: See above.
        readers: See above.
        images: Part of the split → images searched.
        searched: All of them.
        by_class: Suspects by label and likeliest class, the most frequent first.
        suspects: All of them.
        control: Those read beside them that were drawn at random; None without a study.
        changed: Share of the labels that readers changed, of those read on which they settled: "suspect", "control" of
            a study, by how the image was drawn; empty without a study.
        versions: See `SearchedLabels`.
        trained_after: See `SearchedLabels`.
        sentences: All of it in words.
    """

    run_id: str
    folds: bool
    at: str
    study: str
    finished: bool
    readers: int
    images: Mapping[str, int]
    searched: int
    by_class: tuple[LabelCounts, ...]
    suspects: LabelCounts
    control: LabelCounts | None
    changed: Mapping[str, Estimate]
    versions: tuple[int, ...]
    trained_after: tuple[str, ...]
    sentences: tuple[str, ...]
