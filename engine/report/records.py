"""What a report says, as records: `build` makes them, `export` writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from engine.data import PatientsNamed
from engine.records import (
    Epoch,
    Estimate,
    ExternalTest,
    LabelsUsed,
    Part,
    Passport,
    Prediction,
    Review,
    Robustness,
    Run,
    SetShift,
    Split,
    Uncertainty,
)
from engine.report.checklists.records import AnsweredChecklist
from engine.report.drawn_records import MarkedByReaders, ReaderPoint
from engine.report.pieces.label_errors import (
    LabelCounts as LabelCounts,
    LabelErrors as LabelErrors,
    SearchedLabels as SearchedLabels,
)
from engine.report.pieces.participants import (
    Characteristic as Characteristic,
    Heading as Heading,
    Participants as Participants,
    Stage as Stage,
)
from engine.report.pieces.standards import (
    Against as Against,
    ByPatient as ByPatient,
    Settled as Settled,
    Standing as Standing,
)
from engine.saliency import MapLegend

Picture = Callable[[str], bytes | None]
"""Image id → bytes of a PNG or JPEG, or None where the image is gone."""

Heatmap = Callable[[str], bytes | None]
"""Image id → bytes of a PNG with transparency that covers the whole image, or None."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a table of facts."""

    group: str
    name: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseRow:
    """One case as the report shows it: no path, no patient.

    Attributes:
        case_id: "c" and the first eight (or as many as tell cases apart) hexadecimal digits of `image_id`.
        image_id: To find its image; never written into a report.
        label: That came with the data.
        reviewed: By the reviewed reference standard; None where there is none.
        predicted: At the operating point.
        probabilities: In the order of the classes.
        entropy: Of the probabilities, in nats.
        margin: Distance from another prediction in log-odds; None where it is not known.
        distance: From the images of training; above 1 it differs; None where it is not known.
        conformal_set: Classes that cannot be excluded; empty where none was computed.
        uncertainty: By dropout injection; None where none was computed.
        reviews: The last word of each reader.
        heatmap_for: The class whose evidence its heatmap shows; None where it has none.
        legend: What its colours mean; None of a case that is not shown.
    """

    case_id: str
    image_id: str
    label: str | None
    reviewed: str | None
    predicted: str
    probabilities: Sequence[float]
    entropy: float
    conformal_set: tuple[str, ...] = ()
    uncertainty: Uncertainty | None = None
    margin: float | None = None
    distance: float | None = None
    reviews: tuple[Review, ...] = ()
    heatmap_for: str | None = None
    legend: MapLegend | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gallery:
    """The cases to show by one reference standard, surest first.

    Attributes:
        name: Of the standard.
        wrong: Those that it contradicts, or as many drawn at random.
        wrong_of: How many it contradicts.
        right: Some that it confirms.
        right_of: How many it confirms.
    """

    name: str
    wrong: tuple[CaseRow, ...]
    wrong_of: int
    right: tuple[CaseRow, ...]
    right_of: int


GALLERY_SEED = 0
"""By which cases are drawn where there are more than a page shows."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far readers agree: what the figure is, of whom, and the figure."""

    name: str
    estimate: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewSummary:
    """What readers did.

    Attributes:
        readers: How many.
        cases: Cases with at least one review.
        verdicts: Last words by verdict.
        seconds: Median per case; NaN where there is no review.
        differing: Cases whose reviewed label differs from the one that came with the data.
        comparable: Cases that have both.
        agreement: Between readers, all together first; empty with fewer than two.
    """

    readers: int
    cases: int
    verdicts: Mapping[str, int]
    seconds: float
    differing: int
    comparable: int
    agreement: tuple[Agreement, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SubgroupRow:
    """Figures of the cases that one column of the data's table puts in a group, or two columns crossed.

    Attributes:
        columns: One, or the two that are crossed.
        column: Their names as one.
        value: What the cases share.
        cases: How many.
        positives: With the finding, of two classes.
        small: Whether so few cases tell little.
        estimates: By name.
    """

    columns: tuple[str, ...]
    column: str
    value: str
    cases: int
    positives: int | None
    small: bool
    estimates: Mapping[str, Estimate]

    @property
    def single(self) -> bool:
        """Whether one column makes the group."""
        return len(self.columns) == 1


@dataclass(frozen=True, kw_only=True, slots=True)
class SubgroupTest:
    """Whether the groups of a column differ in a figure.

    Attributes:
        column: Of the data's table.
        figure: Its name.
        p_value: Two-sided, that it is the same in all groups.
        adjusted: By Holm's method for all tests of the report.
    """

    column: str
    figure: str
    p_value: float
    adjusted: float


@dataclass(frozen=True, kw_only=True, eq=False)
class CrossValidation:
    """The models of a cross-validation, and which of them tested which image.

    Attributes:
        fold_of: Image id → place of the model that tested it.
        models: One a fold.
        histories: Of their training.
    """

    fold_of: Mapping[str, int]
    models: tuple[Run, ...]
    histories: tuple[tuple[Epoch, ...], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class FromElsewhere:
    """Images of one source that were predicted for review, and are of no part of the run's own data.

    Attributes:
        source: Name of the folder, table or file.
        cases: How many.
        patients: Of how many of them the patient is named.
        read: How many have a review.
        against: By reference standard; those that give no case a class are left out.
        familiarity: Whether they differ from the images of training: sentences without full stops.
    """

    source: str
    cases: int
    patients: PatientsNamed
    read: int
    against: tuple[Against, ...]
    familiarity: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Elsewhere:
    """What is reported of images from elsewhere; none of them is in any other figure.

    Attributes:
        tests: On labelled data sets, the earliest first.
        images: Predicted for review, by source.
        damaged: Sentences on what is kept of them and cannot be read.
    """

    tests: tuple[ExternalTest, ...] = ()
    images: tuple[FromElsewhere, ...] = ()
    damaged: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        """Whether there is anything to say."""
        return bool(self.tests or self.images or self.damaged)


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """What the figures of a report are computed from. It names patients and files: only a bundle writes it, without.

    Attributes:
        predictions: Of the report's cases.
        reviews: Of these cases, corrected ones too.
        split: For counts by part and for subgroups; None where none is known.
        prevalence: For which predictive values were asked.
        fold_of: Of a cross-validation, image id → place of the model that tested it.
        settled: What readers settled in studies.
        labels: The version of the labels that was chosen as reference standard; None means those that the run was
            tested on.
        searches: For labels that may be wrong.
    """

    predictions: tuple[Prediction, ...]
    reviews: tuple[Review, ...] = ()
    split: Split | None = None
    prevalence: float | None = None
    fold_of: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    settled: tuple[Settled, ...] = ()
    labels: LabelsUsed | None = None
    searches: tuple[SearchedLabels, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """All a report says.

    Attributes:
        run: As trained; its folder is never written out.
        heading: Its first lines.
        part: The part of the split, or None for all parts of the run's own data.
        evidence: What the figures were computed from.
        cases: Every case, in the order of the predictions.
        patients: Of how many cases the patient is named, and how many patients these are.
        standards: The class of each case by each reference standard, or why it has none.
        against: One per reference standard.
        facts: Of data, model and training.
        balance: Part → class → images.
        rebalanced: Class → training images in one epoch after balancing; empty where it changes no count.
        patients_by_part: Part → patients; None where not all are named.
        history: Of training.
        reviews: What readers did.
        galleries: Cases to show, by each reference standard that has any.
        pointing: How often the heatmap's peak lies on the known finding.
        passports: Of the heatmaps, by method: see `engine.runs.passport_of`.
        subgroups: By columns of the data's table, against the labels that came with the data.
        subgroup_tests: Whether the groups of a column differ.
        cautions: What must be known of all figures, as sentences; empty of test images.
        limitations: As sentences.
        folds: Of a cross-validation; None for one model.
        elsewhere: Images from elsewhere.
        participants: Who is in it.
        shift: How far these cases lie from the images of training; None where that is not known.
        made: When it was built: every file of it says the same time.
        readers: Where the readers of studies of these cases stand.
        checklists: Items that journals ask for, with what answers them.
        marked: How the heatmaps lie to what readers drew; None where they drew nothing of it.
        robustness: What became of the predictions when the images were changed; None where that was not measured.
        label_errors: What came of each search for labels that may be wrong.
    """

    run: Run
    heading: Heading
    part: Part | None
    evidence: Evidence
    cases: tuple[CaseRow, ...]
    patients: PatientsNamed
    standards: Mapping[str, Standing]
    against: tuple[Against, ...]
    facts: tuple[Fact, ...]
    balance: Mapping[str, Mapping[str, int]]
    rebalanced: Mapping[str, int]
    patients_by_part: Mapping[str, int | None]
    history: tuple[Epoch, ...]
    reviews: ReviewSummary
    galleries: tuple[Gallery, ...]
    pointing: Estimate | None
    passports: tuple[tuple[Passport | None, str], ...]
    subgroups: tuple[SubgroupRow, ...]
    cautions: tuple[str, ...]
    limitations: tuple[str, ...]
    folds: CrossValidation | None = None
    elsewhere: Elsewhere = Elsewhere()
    participants: Participants = field(default_factory=Participants)
    shift: SetShift | None = None
    made: datetime = field(default_factory=lambda: datetime.now(UTC))
    readers: tuple[ReaderPoint, ...] = ()
    marked: MarkedByReaders | None = None
    checklists: tuple[AnsweredChecklist, ...] = ()
    subgroup_tests: tuple[SubgroupTest, ...] = ()
    robustness: Robustness | None = None
    label_errors: tuple[LabelErrors, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the probabilities."""
        return self.run.classes

    @property
    def passport(self) -> Passport | None:
        """How far the heatmaps can be believed, by the run's validation images; None where that is not known."""
        return next((each for each, _ in self.passports if each is not None), None)

    @property
    def no_passport(self) -> tuple[str, ...]:
        """Of which heatmaps it is not known, and why; sentences."""
        return tuple(why for _, why in self.passports if why)

    @property
    def positive(self) -> str | None:
        """The class of the finding; None unless there are two classes."""
        return self.run.positive if len(self.run.classes) == 2 else None


ExportedReport = Mapping[str, Mapping[str, Path]]
"""Where a report was written: format → name of the file without its ending → file."""
