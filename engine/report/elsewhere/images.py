"""Images of no part of the run's own data: predicted for review, and held against their labels by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from engine.data import patients_named
from engine.records import ExternalTest, Prediction, Review, Run, SetShift, ShiftModel, UncertaintyModel
from engine.report.records import CaseRow, Elsewhere, Fact, FromElsewhere, Report
from engine.report.standards.holding import hold_against
from engine.report.standards.reference_standards import REFERENCE_STANDARDS
from engine.runs import distances_by_model
from engine.uncertainty import shift_told

UNNAMED = "images from elsewhere"


@dataclass(frozen=True, kw_only=True, eq=False)
class Abroad:
    """What a run keeps of images from elsewhere, and of telling them from its own.

    Attributes:
        known: What images each of the run's models knows; None where that is not fitted.
        tests: On labelled data sets from elsewhere.
        distances: From the images of training, by image id.
        by_model: The same by each model of a cross-validation.
        sources: Where images came from that were predicted for review, by image id.
        damaged: Sentences on what cannot be read.
    """

    known: tuple[ShiftModel | None, ...] = ()
    tests: tuple[ExternalTest, ...] = ()
    distances: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    by_model: tuple[Mapping[str, float], ...] = ()
    sources: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    damaged: tuple[str, ...] = ()


def with_elsewhere(
    report: Report,
    predictions: Sequence[Prediction],
    reviews: Sequence[Review],
    abroad: Abroad,
    uncertainty: UncertaintyModel | None = None,
) -> Report:
    """Add to a report what there is of images from elsewhere, and whether its own cases are like those of training.

    Args:
        report: Of the run's own cases.
        predictions: All of the run; those of no part are from elsewhere.
        reviews: Of the run.
        abroad: What the run keeps of images from elsewhere.
        uncertainty: With what its conformal sets promise.
    """
    run, by_source = report.run, dict[str, list[Prediction]]()
    predictions = [_at_its_distance(each, abroad) for each in predictions]
    for each in predictions:
        if each.part is None:
            by_source.setdefault(abroad.sources.get(each.image_id, UNNAMED), []).append(each)
    own = {case.image_id for case in report.cases}
    chosen = [each for each in predictions if each.image_id in own]
    shift, said = _familiar(run, chosen, abroad.known, uncertainty)
    fact = Fact("Reading", "Images like those of training", f"{'. '.join(said)}.")
    return replace(
        report,
        cases=_measured(report.cases, abroad),
        galleries=tuple(
            replace(one, wrong=_measured(one.wrong, abroad), right=_measured(one.right, abroad))
            for one in report.galleries
        ),
        facts=(*report.facts, fact) if said else report.facts,
        limitations=(*report.limitations, f"{said[-1]}.") if shift and shift.differs else report.limitations,
        shift=shift,
        elsewhere=Elsewhere(
            tests=abroad.tests,
            images=tuple(
                _of_source(name, run, cases, reviews, abroad.known, uncertainty)
                for name, cases in sorted(by_source.items())
            ),
            damaged=abroad.damaged,
        ),
    )


def _at_its_distance(prediction: Prediction, abroad: Abroad) -> Prediction:
    distance = abroad.distances.get(prediction.image_id)
    distances = distances_by_model(abroad.by_model, prediction.image_id)
    if (prediction.distance, prediction.distances) == (distance, distances):
        return prediction
    return replace(prediction, distance=distance, distances=distances)


def _measured(cases: Sequence[CaseRow], abroad: Abroad) -> tuple[CaseRow, ...]:
    far = abroad.distances
    return tuple(
        case if case.distance == far.get(case.image_id) else replace(case, distance=far.get(case.image_id))
        for case in cases
    )


def _of_source(
    name: str,
    run: Run,
    cases: Sequence[Prediction],
    reviews: Sequence[Review],
    known: Sequence[ShiftModel | None],
    uncertainty: UncertaintyModel | None,
) -> FromElsewhere:
    own = {each.image_id for each in cases}
    read = [review for review in reviews if review.image_id in own]
    held = [
        hold_against(standard, make(run, cases, read), run, cases)
        for standard, make in REFERENCE_STANDARDS.items()
    ]
    return FromElsewhere(
        source=name,
        cases=len(cases),
        patients=patients_named(cases),
        read=len({review.image_id for review in read}),
        against=tuple(one for one in held if one.cases),
        familiarity=_familiar(run, cases, known, uncertainty)[1],
    )


def _familiar(
    run: Run,
    cases: Sequence[Prediction],
    known: Sequence[ShiftModel | None],
    uncertainty: UncertaintyModel | None,
) -> tuple[SetShift | None, tuple[str, ...]]:
    """Return whether cases differ from the images of training, and what is said of it: sentences without full stops."""
    if run.supplied is not None:  # nothing can be said of a model that is not here
        return None, ()
    return shift_told(known, run, cases, coverage=uncertainty.conformal.coverage if uncertainty else None)
