"""What a report computes from its evidence: every figure that can be computed again by whoever has the case table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.data import PatientsNamed, patients_named
from engine.reading import latest_reviews
from engine.records import Prediction, Review, Run
from engine.report.formatting import case_ids
from engine.report.methods_section import class_balance, images_after_balancing
from engine.report.named.names import CAME, REVIEWED
from engine.report.readers import summarise_reviews
from engine.report.records import (
    Against,
    CaseRow,
    Evidence,
    LabelErrors,
    ReviewSummary,
    SubgroupRow,
    SubgroupTest,
)
from engine.report.standards.defined import chosen_labels
from engine.report.standards.holding import hold_against
from engine.report.standards.label_errors import label_errors_of
from engine.report.standards.reference_standards import REFERENCE_STANDARDS, Reference, of_study
from engine.report.subgroups import groups_by_column, subgroup_table, subgroup_tests


@dataclass(frozen=True, kw_only=True, eq=False)
class Computed:
    """The figures of a report, by the names that `Report` has for them.

    Attributes:
        standards: By name.
        last: Image id → reader → last word.
        against: One per reference standard.
        reviews: What readers did.
        subgroups: See `Report`.
        subgroup_tests: See `Report`.
        patients: See `Report`.
        balance: See `Report`.
        rebalanced: See `Report`.
        patients_by_part: See `Report`.
        cases: See `Report`; without heatmaps.
        label_errors: See `Report`.
    """

    standards: Mapping[str, Reference]
    last: Mapping[str, Mapping[str, Review]]
    against: tuple[Against, ...]
    reviews: ReviewSummary
    subgroups: tuple[SubgroupRow, ...]
    subgroup_tests: tuple[SubgroupTest, ...]
    patients: PatientsNamed
    balance: Mapping[str, Mapping[str, int]]
    rebalanced: Mapping[str, int]
    patients_by_part: Mapping[str, int | None]
    cases: tuple[CaseRow, ...]
    label_errors: tuple[LabelErrors, ...]


def compute(run: Run, evidence: Evidence) -> Computed:
    """Compute every figure of a report that its evidence allows."""
    cases = evidence.predictions
    last = latest_reviews(evidence.reviews)
    held = run if evidence.labels is None else replace(run, labels=evidence.labels)
    made = {kind: make(held, cases, evidence.reviews) for kind, make in REFERENCE_STANDARDS.items()}
    if evidence.labels is not None:
        made[CAME] = replace(made[CAME], defined=(*made[CAME].defined, chosen_labels(run)))
    balance, patients_by_part = class_balance(evidence.split, cases, run)
    columns = groups_by_column(run, cases, evidence.split)
    made |= {f"study {number}": of_study(one) for number, one in enumerate(evidence.settled, 1)}
    return Computed(
        standards={one.name: one for one in made.values()},
        last=last,
        against=tuple(
            hold_against(
                kind,
                of,
                run,
                cases,
                prevalence=evidence.prevalence,
                fold_of=evidence.fold_of,
            )
            for kind, of in made.items()
        ),
        reviews=summarise_reviews(run, cases, last, made[REVIEWED].answers),
        subgroups=subgroup_table(run, cases, evidence.split, columns),
        subgroup_tests=subgroup_tests(run, cases, evidence.split, columns),
        patients=patients_named(cases),
        balance=balance,
        rebalanced=images_after_balancing(evidence.split, run),
        patients_by_part=patients_by_part,
        cases=case_rows(cases, made[REVIEWED].answers, last),
        label_errors=label_errors_of(run, evidence),
    )


def case_rows(
    predictions: Sequence[Prediction],
    reviewed: Mapping[str, str],
    last: Mapping[str, Mapping[str, Review]],
) -> tuple[CaseRow, ...]:
    """Say of every case what model and readers said, without path and patient.

    Args:
        predictions: Of the cases, in their order.
        reviewed: Image id → class by the reviewed labels.
        last: Image id → reader → last word.
    """
    shown = case_ids([each.image_id for each in predictions])
    return tuple(
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
            margin=each.margin,
            reviews=tuple(last[each.image_id].values()) if each.image_id in last else (),
        )
        for each in predictions
    )
