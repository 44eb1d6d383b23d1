"""The report: predictions held against each reference standard, in numbers, sentences and cases.

build_report computes and touches no disk; export_report writes what it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from engine.errors import ReportError
from engine.in_bulk import many_records
from engine.records import (
    Epoch,
    Estimate,
    Explanation,
    Index,
    LabelsUsed,
    Part,
    Passport,
    Prediction,
    Review,
    Robustness,
    Run,
    Split,
    UncertaintyModel,
    probabilities_of,
)
from engine.report.computed import Computed, compute
from engine.report.exports.files import EXPORTS, write_report
from engine.report.limitations import limitations, of_parts, of_searches
from engine.report.methods_section import facts_of
from engine.report.participants.flow import of_cases, of_files
from engine.report.participants.table_one import characteristics
from engine.report.records import (
    GALLERY_SEED,
    Against,
    CaseRow,
    CrossValidation,
    Evidence,
    ExportedReport,
    Gallery,
    Heatmap,
    Participants,
    Picture as Picture,
    Report,
    ReviewSummary,
    SearchedLabels,
    Settled,
    SubgroupRow,
)
from engine.report.standards.reference_standards import Reference
from engine.report.titled.heading import heading_of
from engine.saliency import map_legend

__all__ = [
    "Against",
    "CaseRow",
    "CrossValidation",
    "ExportedReport",
    "Report",
    "ReviewSummary",
    "SubgroupRow",
    "build_report",
    "export_report",
]

MOST_WRONG, MOST_RIGHT = 200, 24
FIGURES_BY = ("overread", "scikit-learn", "scipy", "numpy", "pillow")
PACKAGES = ("torch", "torchvision", "timm", "captum", *FIGURES_BY)


@many_records
def build_report(
    run: Run,
    predictions: Sequence[Prediction],
    *,
    history: Sequence[Epoch],
    uncertainty: UncertaintyModel | None = None,
    reviews: Sequence[Review] = (),
    split: Split | None = None,
    explanations: Mapping[str, Explanation] = MappingProxyType({}),
    pointing: Estimate | None = None,
    passports: Sequence[tuple[Passport | None, str]] = (),
    robustness: Robustness | None = None,
    part: Part | None = "test",
    prevalence: float | None = None,
    software: Mapping[str, str] | None = None,
    further_limitations: Sequence[str] = (),
    folds: CrossValidation | None = None,
    settled: Sequence[Settled] = (),
    labels: LabelsUsed | None = None,
    searches: Sequence[SearchedLabels] = (),
) -> Report:
    """Compute a report.

    Args:
        run: Whose predictions these are.
        predictions: Of any parts; those of `part` are reported on, none of no part (see `with_elsewhere`).
        history: Of training.
        uncertainty: How the predictions' uncertainty and conformal sets were found.
        reviews: Of this run; those on other cases are left out.
        split: For counts by part and for subgroups.
        explanations: By image id.
        pointing: Of `engine.saliency.faithfulness.pointing_game`.
        passports: Of the heatmaps, by method: what `engine.runs.passport_of` gives.
        robustness: Of the run's test images, where it was measured.
        part: The part of the split to report on; None means all parts of the run's own data.
        prevalence: How common the finding is where the model would be used; adds predictive values.
        software: Package → version at training; None means the versions of now.
        further_limitations: Sentences on what else these figures do not show.
        folds: Of a run that is a cross-validation.
        settled: What readers settled in studies of these images: `engine.report.studied`.
        labels: The version that the labels of the predictions are of, where it is another than the run's.
        searches: For labels that may be wrong: see `engine.labels.searches_of`.

    Raises:
        ReportError: There is no prediction to report on, or it is not of this run.
    """
    chosen = _chosen(run, predictions, part)
    evidence = _evidence(chosen, reviews, split, prevalence, folds, settled, labels, searches)
    found = compute(run, evidence)
    standards, cases = found.standards, _explained(found.cases, explanations)
    software = versions(PACKAGES if run.recipe else FIGURES_BY) if software is None else software
    methods = sorted({each.method for each in explanations.values()})
    told = (run, split, history, software, methods, uncertainty, _first(passports))
    return Report(
        run=run,
        heading=heading_of(run, part, found.patients, found.against),
        part=part,
        evidence=evidence,
        cases=cases,
        patients=found.patients,
        standards=found.standards,
        against=found.against,
        facts=facts_of(*told, most_probable=_most_probable(run, chosen), folds=folds),
        balance=found.balance,
        rebalanced=found.rebalanced,
        patients_by_part=found.patients_by_part,
        history=tuple(history),
        reviews=found.reviews,
        galleries=_galleries(run, cases, standards, explanations),
        pointing=pointing,
        passports=tuple(passports),
        robustness=robustness,
        subgroups=found.subgroups,
        subgroup_tests=found.subgroup_tests,
        cautions=tuple(of_parts(chosen, part)),
        limitations=(*_limits(run, chosen, part, found, split, cases), *further_limitations),
        label_errors=found.label_errors,
        folds=folds,
        participants=_participants(run, part, evidence, standards),
    )


def _first(passports: Sequence[tuple[Passport | None, str]]) -> Passport | None:
    return next(filter(None, (each for each, _ in passports)), None)


def _explained(cases: Sequence[CaseRow], explanations: Mapping[str, Explanation]) -> tuple[CaseRow, ...]:
    """Name the class whose evidence a heatmap shows, on the cases that have one."""
    return tuple(
        replace(case, heatmap_for=explanations[case.image_id].target)
        if case.image_id in explanations
        else case
        for case in cases
    )


def _participants(
    run: Run, part: Part | None, evidence: Evidence, standards: Mapping[str, Reference]
) -> Participants:
    split = evidence.split
    lines, not_summarised = characteristics(run, split) if split else ((), ())
    flow = of_cases(run, part, split, evidence.predictions, standards)
    return Participants(cases=flow, table_one=lines, not_summarised=not_summarised)


def with_files(report: Report, index: Index | None) -> Report:
    """Add to a report what became of the files of its data set.

    Args:
        report: Of a run.
        index: Of the data set; None where that is not there any more.
    """
    if index is None:
        return report
    files = of_files(index, report.evidence.split)
    return replace(report, participants=replace(report.participants, files=files))


def _evidence(
    cases: Sequence[Prediction],
    reviews: Sequence[Review],
    split: Split | None,
    prevalence: float | None,
    folds: CrossValidation | None,
    settled: Sequence[Settled],
    labels: LabelsUsed | None,
    searches: Sequence[SearchedLabels],
) -> Evidence:
    """Return what the figures rest on: the cases, and the reviews of these cases."""
    known = {each.image_id for each in cases}
    return Evidence(
        predictions=tuple(cases),
        reviews=tuple(each for each in reviews if each.image_id in known),
        split=split,
        prevalence=prevalence,
        fold_of=folds.fold_of if folds else {},
        settled=tuple(settled),
        labels=labels,
        searches=tuple(searches),
    )


def _chosen(run: Run, predictions: Sequence[Prediction], part: Part | None) -> list[Prediction]:
    """Return the predictions to report on; refuse those that no report can be made of."""
    chosen = [each for each in predictions if each.part is not None and part in (None, each.part)]
    if not chosen:
        raise ReportError(
            f"Run {run.run_id} has no predictions{f' of the {part} part' if part else ''} to report on",
            "Let the run predict first, or choose another part of the data",
        )
    if any(
        len(each.probabilities) != len(run.classes) or each.predicted not in run.classes for each in chosen
    ):
        raise ReportError(
            f"Some predictions are not of run {run.run_id}: their classes differ",
            "Choose the run that made these predictions, or predict again",
        )
    if not np.isfinite(probabilities_of(chosen, len(run.classes))).all():
        raise ReportError(
            f"Run {run.run_id} predicted something that is not a number, as a training does that has diverged",
            "Train again with a smaller learning rate",
        )
    return chosen


def gallery_of(name: str, answers: Mapping[str, str], run: Run, cases: Sequence[CaseRow]) -> Gallery:
    """Pick the cases to show by one reference standard, surest first: those it contradicts, beside some it confirms.

    More than can be shown are drawn at random with the seed `GALLERY_SEED`: the surest errors alone would not tell
    how the others look.
    """
    answered = [case for case in cases if case.image_id in answers]
    code = {label: place for place, label in enumerate(run.classes)}
    p = probabilities_of(answered, len(run.classes))[
        np.arange(len(answered)), np.array([code[case.predicted] for case in answered], dtype=np.int64)
    ]
    confirmed = np.array([answers[case.image_id] == case.predicted for case in answered], dtype=bool)
    sure = np.argsort(-p, kind="stable")
    wrong, right = sure[~confirmed[sure]], sure[confirmed[sure]]
    return Gallery(
        name=name,
        wrong=tuple(answered[place] for place in _drawn(wrong, MOST_WRONG)),
        wrong_of=len(wrong),
        right=tuple(answered[place] for place in _drawn(right, MOST_RIGHT)),
        right_of=len(right),
    )


def _drawn(places: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return the places, or as many of them drawn at random, in their order."""
    if len(places) <= most:
        return places
    return places[np.sort(np.random.default_rng(GALLERY_SEED).choice(len(places), most, replace=False))]


def _galleries(
    run: Run,
    cases: Sequence[CaseRow],
    standards: Mapping[str, Reference],
    explanations: Mapping[str, Explanation],
) -> tuple[Gallery, ...]:
    """Return the cases to show by each reference standard that gives any case a class."""
    return tuple(
        _with_legends(gallery_of(name, standard.answers, run, cases), explanations)
        for name, standard in standards.items()
        if standard.answers
    )


def _limits(
    run: Run,
    predictions: Sequence[Prediction],
    part: Part | None,
    found: Computed,
    split: Split | None,
    cases: Sequence[CaseRow],
) -> tuple[str, ...]:
    """Say what the figures do not show, with what the cases hold."""
    said = limitations(
        run,
        predictions,
        part,
        found.against,
        split,
        heatmaps=any(case.heatmap_for for case in cases),
        comments=any(review.comment for case in cases for review in case.reviews),
    )
    return (*said, *of_searches(found.label_errors))


def _with_legends(gallery: Gallery, explanations: Mapping[str, Explanation]) -> Gallery:
    def told(cases: Sequence[CaseRow]) -> tuple[CaseRow, ...]:
        return tuple(
            replace(case, legend=map_legend(explanations[case.image_id])) if case.heatmap_for else case
            for case in cases
        )

    return replace(gallery, wrong=told(gallery.wrong), right=told(gallery.right))


def _most_probable(run: Run, predictions: Sequence[Prediction]) -> bool:
    """Return whether every predicted class is the most probable one: what was done, whatever would be done today."""
    most_probable = probabilities_of(predictions, len(run.classes)).argmax(axis=1)
    return all(run.classes[at] == each.predicted for at, each in zip(most_probable, predictions, strict=True))


def export_report(
    report: Report,
    folder: Path,
    *,
    picture: Picture,
    heatmap: Heatmap,
    formats: Sequence[str] = (),
    told: tuple[str, Report] | None = None,
) -> ExportedReport:
    """Write a report as files; those that machines read, and the bundle, are in English in every language.

    Args:
        report: To write.
        folder: Made if it is not there.
        picture: Image id → bytes of a PNG or JPEG, or None where the image is gone. Called for gallery cases only.
        heatmap: Image id → bytes of a PNG with transparency that covers the whole image, or None.
        formats: Keys of `engine.report.exports.files.EXPORTS`; empty means all.
        told: Another language, and the same report built while it was spoken, for what people read; None: all is in
            English.

    Raises:
        ReportError: There is no such format.
        WorkspaceError: The folder cannot be made or written to.
    """
    return write_report(
        report,
        folder,
        picture=picture,
        heatmap=heatmap,
        formats=formats or tuple(EXPORTS),
        told=told,
    )


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Return the version of every package that had a hand in the figures, as they are now."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
