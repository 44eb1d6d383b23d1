"""What a study's report is computed from, and nothing else: whoever has it computes every figure again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.reading import Anchor, Certificate, Progress, Reader, RunSummary, SetBack, Study, StudyAnswer
from engine.records import Prediction
from engine.report.study.gathered import Case


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyEvidence:
    """What a study's report is computed from.

    Attributes:
        study: With its protocol.
        cases: Of the study, in the order in which they are counted.
        answers: That stand, in the order in which they were given.
        certificates: What had been on the screen before each, by its number.
        people: Every reader of the workspace; in a bundle those of the study.
        progress: How much was to be read.
        predictions: Of the run for these cases, by image id; none where there is no model.
        wanted: Image id → how many readers are to read it in the arm of the consensus.
        run: Whose predictions these are; None where there is no model.
        hashed: The protocol as its hash is made of, people by their ids in the workspace.
        anchor: The newest row of the chain of evidence.
        anchors: Those that were written down before.
        sizes: Width and height in pixels, by image id, where they are known.
        set_back: Where the clock was set back while it was read.
        notes: What could not be read, as limitations.
        names: Of patients, files and people, which must not stand in a bundle.
    """

    study: Study
    cases: tuple[Case, ...]
    answers: tuple[StudyAnswer, ...]
    certificates: Mapping[int, Certificate]
    people: tuple[Reader, ...]
    progress: tuple[Progress, ...] = ()
    predictions: Mapping[str, Prediction]
    wanted: Mapping[str, int]
    run: RunSummary | None = None
    hashed: Mapping[str, Any] = field(default_factory=dict)
    anchor: str = ""
    anchors: tuple[Anchor, ...] = ()
    sizes: Mapping[str, tuple[int, int]]
    set_back: tuple[SetBack, ...] = ()
    notes: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
