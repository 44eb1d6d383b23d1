"""The report: predictions held against each reference standard, in numbers, sentences and cases.

build_report computes and touches no disk; export_report writes what it is given.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from engine.agreement import cohen_kappa, fleiss_kappa
from engine.bootstrap import RESAMPLES
from engine.checklist import Item, checklist
from engine.classification import ClassRow, classification_table, confusion_matrix, overall, resample
from engine.curves import (
    PrecisionRecall,
    ReliabilityBin,
    Roc,
    precision_recall_curve,
    reliability_bins,
    roc_curve,
)
from engine.errors import ReportError
from engine.facts import Fact, case_ids, class_balance, count_patients, facts_of, limitations
from engine.metrics import auroc, inestimable, predictive_values, proportion
from engine.records import (
    Doubt,
    Epoch,
    Estimate,
    Explanation,
    Part,
    Prediction,
    Review,
    Run,
    Split,
    Uncertainty,
    Verdict,
)
from engine.reference import REFERENCE_STANDARDS, Reference, answer_of, latest_reviews
from engine.report_files import ExportedReport, Heatmap, write_report
from engine.report_files import Film as Film
from engine.wording import sentences

__all__ = [
    "Against",
    "CaseRow",
    "ExportedReport",
    "Report",
    "ReviewSummary",
    "SubgroupRow",
    "build_report",
    "export_report",
]

PREVALENCES = (0.01, 0.05, 0.1, 0.25, 0.5)
MOST_WRONG, MOST_RIGHT = 24, 12
PACKAGES = ("overread", "torch", "torchvision", "timm", "captum", "scikit-learn", "scipy", "numpy", "pillow")
FEWEST_IN_SUBGROUP = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Against:
    """The predictions held against one reference standard.

    Attributes:
        name: A key of `engine.reference.REFERENCE_STANDARDS`.
        cases: How many it gives a class.
        of: How many there are.
        excluded: Why the others have none → how many.
        caution: What a reader of the report must know of it; empty where it holds no answer.
        sentences: The figures in words.
        rows: The classification report.
        estimates: Every overall figure by name.
        confusion: (C, C) int64, rows by reference standard.
        roc: By the positive class (two classes), or by each class against the others.
        precision_recall: As `roc`.
        reliability: Bins of the positive class's probability (two classes), or of the most probable class's.
        predictive: Prevalence, positive and negative predictive value there; two classes only.
    """

    name: str
    cases: int
    of: int
    excluded: Mapping[str, int]
    caution: str
    sentences: tuple[str, ...]
    rows: tuple[ClassRow, ...]
    estimates: Mapping[str, Estimate]
    confusion: NDArray[np.int64]
    roc: Mapping[str, Roc | None]
    precision_recall: Mapping[str, PrecisionRecall | None]
    reliability: tuple[ReliabilityBin, ...]
    predictive: tuple[tuple[float, Estimate, Estimate], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseRow:
    """One case as the report shows it: no path, no patient.

    Attributes:
        case_id: The first eight (or as many as tell cases apart) hexadecimal digits of `image_id`.
        image_id: To find its film; never written into a report.
        label: That came with the data.
        reviewed: By the reviewed reference standard; None where there is none.
        predicted: At the operating point.
        probabilities: In the order of the classes.
        entropy: Of the probabilities, in nats.
        conformal_set: Classes that cannot be excluded; empty where none was computed.
        uncertainty: By dropout injection; None where none was computed.
        reviews: The last word of each reader.
        has_heatmap: Whether there is one.
    """

    case_id: str
    image_id: str
    label: str | None
    reviewed: str | None
    predicted: str
    probabilities: tuple[float, ...]
    entropy: float
    conformal_set: tuple[str, ...] = ()
    uncertainty: Uncertainty | None = None
    reviews: tuple[Review, ...] = ()
    has_heatmap: bool = False

    @property
    def wrong(self) -> bool:
        """Whether any reference standard says otherwise than the model."""
        return any(answer not in (None, self.predicted) for answer in (self.label, self.reviewed))


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
        kappa: Agreement between readers; None with fewer than two.
    """

    readers: int
    cases: int
    verdicts: Mapping[str, int]
    seconds: float
    differing: int
    comparable: int
    kappa: Estimate | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SubgroupRow:
    """Figures of the cases that share one value of a column of the data's table."""

    column: str
    value: str
    cases: int
    estimates: Mapping[str, Estimate]


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """All a report says.

    Attributes:
        run: As trained; its folder is never written out.
        part: The side of the split, or None for all predictions.
        classes: In the order of the probabilities.
        positive: The class of the finding; None unless there are two classes.
        cases: Every case, in the order of the predictions.
        patients: How many the cases come from; None where the data named none.
        against: One per reference standard.
        facts: Of data, model and training.
        balance: Part → class → images.
        patients_by_part: Part → patients; None where the data named none.
        history: Of training.
        reviews: What readers did.
        wrong: Cases that some reference standard contradicts, surest first.
        right: Cases that none contradicts and some confirms, surest first.
        pointing: How often the heatmap's peak lies on the known finding.
        subgroups: By columns of the data's table, against the labels that came with the data.
        limitations: As sentences.
        checklist: After CLAIM 2024.
    """

    run: Run
    part: Part | None
    classes: tuple[str, ...]
    positive: str | None
    cases: tuple[CaseRow, ...]
    patients: int | None
    against: tuple[Against, ...]
    facts: tuple[Fact, ...]
    balance: Mapping[str, Mapping[str, int]]
    patients_by_part: Mapping[str, int | None]
    history: tuple[Epoch, ...]
    reviews: ReviewSummary
    wrong: tuple[CaseRow, ...]
    right: tuple[CaseRow, ...]
    pointing: Estimate | None
    subgroups: tuple[SubgroupRow, ...]
    limitations: tuple[str, ...]
    checklist: tuple[Item, ...]


def build_report(
    run: Run,
    predictions: Sequence[Prediction],
    *,
    history: Sequence[Epoch],
    doubt: Doubt | None = None,
    reviews: Sequence[Review] = (),
    split: Split | None = None,
    explanations: Mapping[str, Explanation] = MappingProxyType({}),
    pointing: Estimate | None = None,
    part: Part | None = "test",
    prevalence: float | None = None,
    software: Mapping[str, str] | None = None,
    resample_count: int = RESAMPLES,
) -> Report:
    """Compute a report.

    Args:
        run: Whose predictions these are.
        predictions: Of any parts; those of `part` are reported on.
        history: Of training.
        doubt: How the predictions' uncertainty and conformal sets were found.
        reviews: Of this run; those on other cases are left out.
        split: For counts by part and for subgroups.
        explanations: By image id; only which there are matters here.
        pointing: Of `engine.faithfulness.pointing_game`.
        part: The side of the split to report on; None means every prediction.
        prevalence: How common the finding is where the model would be used; adds predictive values.
        software: Package → version at training; None means the versions of now.
        resample_count: Bootstrap resamples.

    Raises:
        ReportError: There is no prediction to report on, or it is not of this run.
    """
    chosen = [each for each in predictions if part is None or each.part == part]
    if not chosen:
        of_part = f" of the {part} part" if part else ""
        raise ReportError(
            f"Run {run.run_id} has no predictions{of_part} to report on",
            "Let the run predict first, or choose another part of the data",
        )
    if any(
        len(each.probabilities) != len(run.classes) or each.predicted not in run.classes for each in chosen
    ):
        raise ReportError(
            f"Some predictions are not of run {run.run_id}: their classes differ",
            "Choose the run that made these predictions, or predict again",
        )
    if not np.isfinite([each.probabilities for each in chosen]).all():
        raise ReportError(
            f"Run {run.run_id} predicted something that is not a number, as a training does that has diverged",
            "Train again with a smaller learning rate",
        )
    known = {each.image_id for each in chosen}
    last = latest_reviews(each for each in reviews if each.image_id in known)
    standards = {name: make(run, chosen, reviews) for name, make in REFERENCE_STANDARDS.items()}
    positive = run.positive if len(run.classes) == 2 else None
    reviewed = standards["reviewed labels"].answers
    shown = case_ids([each.image_id for each in chosen])
    cases = tuple(
        CaseRow(
            case_id=shown[each.image_id],
            image_id=each.image_id,
            label=each.label,
            reviewed=reviewed.get(each.image_id),
            predicted=each.predicted,
            probabilities=each.probabilities,
            entropy=each.entropy,
            conformal_set=each.conformal_set,
            uncertainty=each.uncertainty,
            reviews=tuple(last.get(each.image_id, {}).values()),
            has_heatmap=each.image_id in explanations,
        )
        for each in chosen
    )
    against = tuple(
        hold_against(name, standard, run, chosen, prevalence=prevalence, count=resample_count)
        for name, standard in standards.items()
    )
    summary = summarise_reviews(run, chosen, last, reviewed)
    balance, patients_by_part = class_balance(split, chosen)
    subgroups = subgroup_table(run, chosen, split)
    if software is None:
        software = {name: found for name in PACKAGES if (found := _version(name))}
    methods = sorted({each.method for each in explanations.values()})
    sure = sorted(cases, key=lambda case: -case.probabilities[run.classes.index(case.predicted)])
    return Report(
        run=run,
        part=part,
        classes=run.classes,
        positive=positive,
        cases=cases,
        patients=count_patients(chosen),
        against=against,
        facts=facts_of(
            run, split, history, software, methods, doubt, most_probable=_most_probable(run, chosen)
        ),
        balance=balance,
        patients_by_part=patients_by_part,
        history=tuple(history),
        reviews=summary,
        wrong=tuple(case for case in sure if case.wrong)[:MOST_WRONG],
        right=tuple(case for case in sure if not case.wrong and (case.label or case.reviewed))[:MOST_RIGHT],
        pointing=pointing,
        subgroups=subgroups,
        limitations=limitations(run, part, against, split, bool(methods)),
        checklist=checklist(
            run,
            part=part,
            cases=len(cases),
            split=split,
            readers=summary.readers,
            kappa=summary.kappa,
            methods=methods,
            pointing=pointing,
            software=software,
            subgroups=bool(subgroups),
        ),
    )


def hold_against(
    name: str,
    standard: Reference,
    run: Run,
    predictions: Sequence[Prediction],
    *,
    prevalence: float | None = None,
    count: int = RESAMPLES,
) -> Against:
    """Compute every figure against one reference standard."""
    kept = [each for each in predictions if each.image_id in standard.answers]
    code = {label: place for place, label in enumerate(run.classes)}
    truth = np.array([code[standard.answers[each.image_id]] for each in kept], dtype=np.int64)
    called = np.array([code[each.predicted] for each in kept], dtype=np.int64)
    p = np.array([each.probabilities for each in kept], dtype=np.float64).reshape(-1, len(run.classes))
    patients = np.array([each.patient_id for each in kept])
    binary = len(run.classes) == 2
    drawn = (run.positive,) if binary else run.classes
    draws = resample(truth, called, p, code[run.positive], patients, count=count)
    rows = classification_table(truth, called, run.classes, p, patients, count=count, draws=draws)
    estimates = overall(
        truth,
        called,
        p,
        run.classes,
        positive=run.positive,
        groups=patients,
        prevalence=prevalence,
        count=count,
        draws=draws,
    )
    predictive = tuple(
        (each, *predictive_values(estimates["sensitivity"], estimates["specificity"], each))
        for each in (PREVALENCES if binary else ())
    )
    confusion = confusion_matrix(truth, called, len(run.classes))
    event = truth == code[run.positive] if binary else p.argmax(axis=1) == truth
    sure = p[:, code[run.positive]] if binary else p.max(axis=1, initial=0)
    return Against(
        name=name,
        cases=len(kept),
        of=len(predictions),
        excluded=standard.excluded,
        caution=standard.caution,
        sentences=sentences(run, confusion, estimates),
        rows=rows,
        estimates={**estimates, **doubt_figures(kept, standard.answers, count=count)},
        confusion=confusion,
        roc={label: roc_curve(truth == code[label], p[:, code[label]]) for label in drawn},
        precision_recall={
            label: precision_recall_curve(truth == code[label], p[:, code[label]]) for label in drawn
        },
        reliability=reliability_bins(event, sure),
        predictive=predictive,
    )


def doubt_figures(
    predictions: Sequence[Prediction], answers: Mapping[str, str], *, count: int = RESAMPLES
) -> dict[str, Estimate]:
    """Return whether the model knows when it errs: entropy told apart right from wrong, conformal sets held the answer.

    Args:
        predictions: Of one reference standard's cases.
        answers: Its class by image id.
        count: Bootstrap resamples.
    """
    patients = [each.patient_id for each in predictions]
    wrong = np.array([each.predicted != answers[each.image_id] for each in predictions], dtype=bool)
    figures: dict[str, Estimate] = {}
    entropy = np.array([each.entropy for each in predictions])
    if 0 < wrong.sum() < len(wrong) and np.ptp(entropy) > 0:
        figures["AUROC of uncertainty for errors"] = auroc(wrong, entropy, patients, count=count)
    sets = [each for each in predictions if each.conformal_set]
    if sets and len(sets) == len(predictions):
        held = [answers[each.image_id] in each.conformal_set for each in predictions]
        figures["conformal sets that hold the class"] = proportion(held, patients)
        figures["conformal sets of one class"] = proportion(
            [len(each.conformal_set) == 1 for each in predictions], patients
        )
    return figures


def summarise_reviews(
    run: Run,
    predictions: Sequence[Prediction],
    last: Mapping[str, Mapping[str, Review]],
    reviewed: Mapping[str, str],
) -> ReviewSummary:
    """Count what readers did and how far they agree with each other."""
    words = [review for of_case in last.values() for review in of_case.values()]
    counts = Counter(review.verdict for review in words)
    label = {each.image_id: each.label for each in predictions}
    both = [image_id for image_id in reviewed if label[image_id] in run.classes]
    return ReviewSummary(
        readers=len({review.reader for review in words}),
        cases=len(last),
        verdicts={verdict.value: counts[verdict] for verdict in Verdict},
        seconds=median(review.seconds for review in words) if words else float("nan"),
        differing=sum(reviewed[image_id] != label[image_id] for image_id in both),
        comparable=len(both),
        kappa=reader_agreement(run, predictions, last),
    )


def reader_agreement(
    run: Run, predictions: Sequence[Prediction], last: Mapping[str, Mapping[str, Review]]
) -> Estimate | None:
    """Return Cohen's kappa of two readers, or Fleiss' of more, on the cases to which all gave a class."""
    readers = sorted({reader for of_case in last.values() for reader in of_case})
    if len(readers) < 2:
        return None
    answers = []
    for each in predictions:
        of_case = last.get(each.image_id, {})
        given = [answer_of(of_case[name], each.predicted) for name in readers if name in of_case]
        if len(given) == len(readers) and all(answer in run.classes for answer in given):
            answers.append([run.classes.index(answer) for answer in given if answer is not None])
    if not answers:
        return inestimable("no case was given a class by every reader", 0)
    table = np.array(answers)
    if len(readers) == 2:
        return cohen_kappa(table[:, 0], table[:, 1])
    return fleiss_kappa(np.stack([(table == code).sum(axis=1) for code in range(len(run.classes))], axis=1))


def subgroup_table(
    run: Run, predictions: Sequence[Prediction], split: Split | None
) -> tuple[SubgroupRow, ...]:
    """Estimate the main figures for every value of the data's columns that have two to eight values."""
    if split is None:
        return ()
    sides = (split.train, split.val, split.test)
    meta = {sample.image_id: sample.meta for side in sides for sample in side}
    labelled = [each for each in predictions if each.label in run.classes and each.image_id in meta]
    columns = sorted({column for each in labelled for column in meta[each.image_id]})
    found = []
    for column in columns:
        groups: dict[str, list[Prediction]] = {}
        for each in labelled:
            groups.setdefault(meta[each.image_id].get(column, "").strip() or "(not given)", []).append(each)
        if not 2 <= len(groups) <= 8:
            continue
        found += [
            SubgroupRow(column=column, value=value, cases=len(of), estimates=_main_figures(run, of))
            for value, of in sorted(groups.items(), key=lambda group: _in_counting_order(group[0]))
            if len(of) >= FEWEST_IN_SUBGROUP
        ]
    return tuple(found)


def _most_probable(run: Run, predictions: Sequence[Prediction]) -> bool:
    """Return whether every call is of the most probable class: what was done, whatever would be done today."""
    likeliest = np.array([each.probabilities for each in predictions]).argmax(axis=1)
    return all(run.classes[at] == each.predicted for at, each in zip(likeliest, predictions, strict=True))


def _in_counting_order(value: str) -> tuple[float, str]:
    """Return a key by which numbers come first, 9 before 10, and words after them."""
    try:
        return float(value), ""
    except ValueError:
        return math.inf, value


def _main_figures(run: Run, predictions: Sequence[Prediction]) -> dict[str, Estimate]:
    right = np.array([each.predicted == each.label for each in predictions])
    patients = np.array([each.patient_id for each in predictions])
    found = {"accuracy": proportion(right, patients)}
    if len(run.classes) == 2:
        y = np.array([each.label == run.positive for each in predictions])
        p = [each.probabilities[run.classes.index(run.positive)] for each in predictions]
        found["sensitivity"], found["specificity"] = (
            proportion(right[rows], patients[rows])
            if rows.any()
            else inestimable("no case is of the class", 0)
            for rows in (y, ~y)
        )
        found["AUROC"] = auroc(y, p, patients, count=500)
    return found


def export_report(report: Report, folder: Path, *, film: Film, heatmap: Heatmap) -> ExportedReport:
    """Write a report as one self-contained HTML file, JSON of every number, and CSV tables.

    Args:
        report: To write.
        folder: Made if it is not there.
        film: Image id → bytes of a PNG or JPEG, or None where the image is gone. Called for gallery cases only.
        heatmap: Image id → bytes of a PNG with transparency that covers the whole film, or None.

    Raises:
        WorkspaceError: The folder cannot be made or written to.
    """
    return write_report(report, folder, film=film, heatmap=heatmap)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
