"""What the report of a study holds: everything its page prints, before it is words or cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from engine.records import Estimate
from engine.report.checklists.records import AnsweredChecklist
from engine.report.study.gathered import Excluded, Readings
from engine.report.study.told.evidence import StudyEvidence
from engine.statistics import AdviceEffect, Learning, Mrmc, NonInferiority, Planned, Roc


@dataclass(frozen=True, kw_only=True, slots=True)
class ReaderLine:
    """One reader, read in one way, against the labels that came with the data.

    Attributes:
        reader: "R1".
        mode: "blind", "assisted" and so on.
        answers: That count.
        indeterminate: Of them, unsure or not diagnostic.
        figures: Name → figure: sensitivity, specificity, accuracy, AUC.
        seconds: Median, and first and third quartile; NaN without any.
        fast: Answers within one second of the case's appearing.
        sure_right: Mean certainty of right answers; NaN where it is not asked.
        sure_wrong: Of wrong answers.
    """

    reader: str
    mode: str
    answers: int
    indeterminate: int
    figures: Mapping[str, Estimate]
    seconds: tuple[float, float, float]
    fast: int
    sure_right: float
    sure_wrong: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """One figure over all readers, and the difference that the model makes.

    Attributes:
        figure: "AUC", "sensitivity" or "specificity".
        rule: What is indeterminate counts as.
        analysis: Of all readers; None where it cannot be had.
        why: It cannot; empty where it can.
        left_out: Readers who could not be part of it, with the reason.
        margins: Non-inferiority for each two ways of reading, where the protocol has a margin.
        seen: The smallest difference that such a study would see by what it has shown; empty where that is not known.
    """

    figure: str
    rule: str
    analysis: Mrmc | None
    why: str
    left_out: tuple[str, ...]
    margins: tuple[NonInferiority, ...]
    seen: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreed:
    """How far readers agree, read in one way.

    Attributes:
        mode: Which.
        name: "Krippendorff's alpha", "kappa of R1 and R2", "alpha of ratings, ordinal".
        estimate: With its interval and n.
    """

    mode: str
    name: str
    estimate: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """Whether readers changed over their cases, read in one way."""

    mode: str
    learning: Learning


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """The model itself on the cases of the study, against one reference standard."""

    standard: str
    cases: int
    figures: Mapping[str, Estimate]


@dataclass(frozen=True, kw_only=True, slots=True)
class Primary:
    """What the primary endpoint came to.

    Attributes:
        words: What it is, as the protocol says.
        estimate: The difference, or the figure of the one way of reading.
        p_value: Two-sided that there is no difference, or one-sided that it is below minus the margin; NaN without.
        sentence: What was found, in words.
        shown: Whether the aim of the protocol was reached; None where it was only to be estimated, or cannot be had.
    """

    words: str
    estimate: Estimate
    p_value: float
    sentence: str
    shown: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Power:
    """The smallest difference that is seen with a power of .8: as planned, and by the variances that were seen.

    Attributes:
        figure: Of which.
        readers: How many.
        positives: Cases with the finding.
        negatives: Cases without it.
        planned: For readers and cases like these, before the first reading; NaN where that cannot be said.
        planned_these: For these readers, and cases like these.
        achieved: As `planned`, by the variances seen; NaN where that cannot be said.
        achieved_these: As `planned_these`.
    """

    figure: str
    readers: int
    positives: int
    negatives: int
    planned: float
    planned_these: float
    achieved: float
    achieved_these: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A reader, for the table of readers."""

    reader: str
    name: str
    told: str


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyReport:
    """A study's report.

    Attributes:
        name: Of the study.
        line: The design in a line: "blind then assisted, fully crossed, 2 readers x 60 cases".
        banner: What must be read before anything else; empty for none.
        final: Whether the study is closed, all is read and nothing of the protocol was changed.
        unfinished: Why it is not final.
        primary: The primary endpoint; None where the protocol has none that can be computed.
        facts: Of the protocol, by name.
        deviations: Changes of the protocol after it was fixed, as sentences.
        people: Who read.
        flow: What became of cases and answers, as sentences whose numbers add up.
        certificate: What had been seen before the answers, as sentences.
        excluded: The same in numbers.
        lines: Each reader, each way of reading.
        compared: Figures over all readers, by the protocol's rule.
        three_ways: The same with what is indeterminate excluded, positive, negative.
        advice: What right and wrong advice did.
        advice_note: On advice that was wrong on purpose; empty without.
        agreement: Between readers.
        changed: Over each reader's cases.
        planned: The smallest difference that such a study was planned to see; None where there is no plan.
        power: The same beside what the variances seen give; None where there is neither.
        model: The model on these cases.
        roc: The model's own curve on these cases, against the labels that came with the data; None without one.
        limitations: As sentences.
        readings: Everything that counts, for exports.
        evidence: What all of it was computed from.
        made: When it was built: every file of it says the same time.
        checklists: Items that journals ask for, with what answers them.
    """

    name: str
    line: str
    banner: str
    final: bool
    unfinished: tuple[str, ...]
    primary: Primary | None
    facts: Mapping[str, str]
    deviations: tuple[str, ...]
    people: tuple[Person, ...]
    flow: tuple[str, ...]
    certificate: tuple[str, ...]
    excluded: tuple[Excluded, ...]
    lines: tuple[ReaderLine, ...]
    compared: tuple[Compared, ...]
    three_ways: tuple[Compared, ...]
    advice: tuple[AdviceEffect, ...]
    advice_note: str
    agreement: tuple[Agreed, ...]
    changed: tuple[Changed, ...]
    planned: Planned | None
    power: Power | None
    model: tuple[Model, ...]
    roc: Roc | None
    limitations: tuple[str, ...]
    readings: Readings
    evidence: StudyEvidence
    made: datetime = field(default_factory=lambda: datetime.now(UTC))
    checklists: tuple[AnsweredChecklist, ...] = ()
