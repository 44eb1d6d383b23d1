"""What studies are told in: the study, what is read next, what was answered, what was on the screen before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from engine.reading.studies.planning.designs import Arm
from engine.reading.studies.planning.protocol import Protocol
from engine.records import Region

State = Literal["draft", "locked", "open", "closed"]
READ, UNSURE, NOT_DIAGNOSTIC = "read", "unsure", "not diagnostic"
AGREE, OVERRULE = "agree", "overrule"


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviation:
    """A change of the protocol after it was fixed.

    Attributes:
        at: When.
        author: A reader's id, or "program" where nobody was signed in.
        reason: Why.
        changed: Field of the protocol → what it was before and what it is now.
        protocol_hash: Of the protocol as it is since.
    """

    at: datetime
    author: str
    reason: str
    changed: dict[str, tuple[object, object]]
    protocol_hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """A study.

    Attributes:
        study_id: Stays.
        protocol: As it is now, deviations included.
        protocol_hash: Of the protocol as it was fixed; of the present one while it is a draft.
        state: "draft" until it is locked or the first reading begins; "locked" in between; "open" while it is read;
            "closed".
        created: When.
        fixed: When the protocol was fixed, by hand or by the first reading; None in a draft.
        first_reading: When the first reader sat down; None before.
        closed: When; None before.
        deviations: In their order.
        unfinished: Between which numbers of the chain lies what was to be added to it, and never was, or not yet.
    """

    study_id: str
    protocol: Protocol
    protocol_hash: str
    state: State
    created: datetime
    fixed: datetime | None = None
    first_reading: datetime | None = None
    closed: datetime | None = None
    deviations: tuple[Deviation, ...] = ()
    unfinished: tuple[tuple[int, int | None], ...] = ()

    @property
    def name(self) -> str:
        """Of the study."""
        return self.protocol.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What the model says of a case on the screen: by the protocol it may not be what the model predicted.

    Attributes:
        predicted: The class.
        probabilities: In the order of the protocol's classes, on the side of the operating point that `predicted` says.
        map: Whether the protocol also shows the map; it argues for `predicted`, not for what the model predicted.
    """

    predicted: str
    probabilities: tuple[float, ...]
    map: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One case to be read.

    Attributes:
        study_id: Of the study.
        image_id: The case.
        arm: How it is to be read.
        number: n of "n of N": its place among this reader's cases, from 1, the same in every arm that follows at once.
        of: N.
        path: Where its file lies.
        patient: Whose it is.
        advice: Of the model; None in an arm without it, and before it may be seen.
        opens: When it may be read; None where it may be now.
        last: The number of the reader's answer that stands; None where there is none. For `Studies.answer(last=…)`.
    """

    study_id: str
    image_id: str
    arm: Arm
    number: int
    of: int
    path: Path
    patient: str
    advice: Advice | None = None
    opens: datetime | None = None
    last: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyAnswer:
    """What a reader says of a case of a study.

    Attributes:
        study_id: Of the study.
        image_id: The case.
        reader: Who, by id; the sitting tells where it is empty.
        arm: How it was read.
        verdict: "read" with a label, "unsure" or "not diagnostic". In an assisted arm a "read" is kept as "agree" or
            "overrule", by what was on the screen. "taken back" is what an undo writes.
        label: One of the protocol's classes; None without one.
        finding: Which finding the answer speaks of; "class" where the label says which class the case is.
        certainty: How sure of the label, on the protocol's scale; None where that is not asked.
        seconds: From the case's appearing to the answer.
        comment: Free text; an adjudicator's reason.
        regions: What was drawn.
        at: When; set by the store.
        seq: Its number in the chain; set by the store.
        supersedes: The number of this reader's answer before it.
        predicted: The class that was on the screen as the model's; None where none was.
        contaminated: Whether more had been on this reader's screen of this case than its arm shows; told by the store.
        stands: Whether it is the reader's answer that counts; told by the store.
    """

    study_id: str
    image_id: str
    arm: Arm
    verdict: str
    label: str | None = None
    reader: str = ""
    finding: str = "class"
    certainty: float | None = None
    seconds: float = 0.0
    comment: str = ""
    regions: tuple[Region, ...] = ()
    at: datetime | None = None
    seq: int | None = None
    supersedes: int | None = None
    predicted: str | None = None
    contaminated: bool = False
    stands: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """What had been on the reader's screen of this case before an answer, in any sitting, of any study or run.

    Attributes:
        prediction: A model's answer.
        map: A saliency map.
        label: The label that came with the data.
        others: Readings of others.
        similar: Other cases that look alike.
        contaminated: Whether that is more than the arm shows.
    """

    prediction: bool
    map: bool
    label: bool
    others: bool
    similar: bool
    contaminated: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a reader is in an arm.

    Attributes:
        reader: Id.
        name: For people.
        arm: Which.
        read: How many cases have an answer that stands.
        of: How many there are.
        median_seconds: Of the answers that stand; None without any.
    """

    reader: str
    name: str
    arm: Arm
    read: int
    of: int
    median_seconds: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement:
    """A case on which the readers do not agree by the protocol's rule.

    Attributes:
        image_id: The case.
        readings: "Reader A" → what was said, without id: who is A differs from case to case.
        settled: What the adjudicator said; None as long as it is open.
    """

    image_id: str
    readings: dict[str, StudyAnswer]
    settled: StudyAnswer | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongAdvice:
    """A case for which the other class was shown on purpose, disclosed once the study is closed.

    Attributes:
        image_id: The case.
        shown: The class that was on the screen.
        predicted: The class that the model had predicted.
        label: The label that came with the data.
        answered: What the reader said with the advice on the screen; None where nothing.
    """

    image_id: str
    shown: str
    predicted: str
    label: str | None
    answered: str | None
