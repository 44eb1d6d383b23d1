"""What is held against a standard: every interval counts patients, every curve is of the cases that have a class."""

from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
import pytest

from engine.records import Prediction, ProbabilityBlock
from engine.report.records import Settled
from engine.report.standards.holding import PREVALENCES, hold_against
from engine.report.standards.reference_standards import labels_from_data, of_study
from engine.statistics import (
    log_odds,
    performance,
    precision_recall_curve,
    predictive_values,
    proportion,
    reliability_bins,
)
from tests.engine.report.test_build import a_run, case, some_cases

RUN = a_run()


def of_few_patients(n: int = 48, each: int = 4) -> list[Prediction]:
    """Cases of which `each` are of one patient, alike: errors come together."""
    wrong = {2, 7}
    found = []
    for number in range(n):
        patient = number // each
        ill = patient % 3 == 0
        p = 0.7 + number / 1000 if ill != (patient in wrong) else 0.2 + number / 1000
        found.append(replace(case(number, RUN.classes[int(ill)], (1 - p, p), RUN), patient_id=f"p{patient}"))
    return found


def test_every_figure_counts_patients_and_says_how_many() -> None:
    cases = of_few_patients()
    held = hold_against("labels", labels_from_data(RUN, cases, ()), RUN, cases)
    truth, told = (np.array([RUN.classes.index(name) for name in names]) for names in (
        [each.label or "" for each in cases], [each.predicted for each in cases]
    ))  # fmt: skip
    p = np.array([each.probabilities for each in cases])
    patients = np.array([each.patient_id for each in cases])
    wanted = performance(truth, told, p, RUN.classes, groups=patients, positive=RUN.positive)
    by_image = performance(truth, told, p, RUN.classes, positive=RUN.positive)
    for name in ("accuracy", "sensitivity", "specificity", "AUROC"):
        found = held.estimates[name]
        assert found == wanted[name] and found.patients is not None and found.patients < found.n
        assert found.high - found.low > by_image[name].high - by_image[name].low, name
    assert [each[0] for each in held.predictive] == list(PREVALENCES)
    for prevalence, *values in held.predictive:
        assert tuple(values) == predictive_values(wanted["sensitivity"], wanted["specificity"], prevalence)
    assert held.reliability == reliability_bins(truth == 1, p[:, 1], patients)
    assert set(held.roc) == set(held.precision_recall) == {RUN.positive}
    assert held.by_patient.patients == 12


def test_of_more_than_two_classes_each_has_its_curves() -> None:
    run = a_run(("a", "b", "c"))
    cases = [case(n, "abc"[n % 3], (0.5, 0.3, 0.2) if n % 4 else (0.2, 0.3, 0.5), run) for n in range(24)]
    held = hold_against("labels", labels_from_data(run, cases, ()), run, cases)
    assert set(held.roc) == set(held.precision_recall) == {"a", "b", "c"} and held.predictive == ()


def test_of_many_classes_curves_are_computed_when_asked_for_and_are_what_they_would_be() -> None:
    run = a_run(tuple("abcdefghijkl"))
    p = np.random.default_rng(5).dirichlet(np.full(12, 0.2), 60)
    block = ProbabilityBlock()
    tuples = [case(n, run.classes[n % 11], tuple(row), run) for n, row in enumerate(p.tolist())]
    cases = [replace(each, probabilities=block.add(each.probabilities)) for each in tuples]
    held, wanted = (hold_against("labels", labels_from_data(run, of, ()), run, of) for of in (cases, tuples))
    assert held.estimates == wanted.estimates and held.rows == wanted.rows
    assert (
        list(held.precision_recall) == list(held.roc) == list(run.classes)
        and len(held.precision_recall) == 12
    )
    assert held.precision_recall["l"] is None and "m" not in held.precision_recall
    truth = np.arange(60) % 11
    for code, name in enumerate(run.classes[:11]):
        curve, expected = (
            held.precision_recall[name],
            precision_recall_curve(truth == code, log_odds(p, code)),
        )
        assert curve is not None and expected is not None and curve is not held.precision_recall[name]
        for one, other in zip(astuple(curve), astuple(expected), strict=True):
            assert np.array_equal(one, other)


def test_indeterminate_readings_that_change_the_figures_are_told_each_way_by_patient() -> None:
    cases = of_few_patients()
    labels = {each.image_id: each.label or "" for each in cases}
    doubts = [each.image_id for each in cases[::5]]
    ways = {
        "excluded": {name: label for name, label in labels.items() if name not in doubts},
        "positive": labels | dict.fromkeys(doubts, RUN.positive),
        "negative": labels | dict.fromkeys(doubts, RUN.classes[0]),
    }

    def held(by_rule: dict[str, dict[str, str]]) -> dict[str, dict[str, object]]:
        settled = Settled(
            name="consensus", defined=(), answers=ways["excluded"], without=dict.fromkeys(doubts, "unsure"),
            caution="", drawn_by_model=False, by_rule=by_rule,
        )  # fmt: skip
        return dict(hold_against("consensus", of_study(settled), RUN, cases).indeterminate)

    found = held(ways)
    assert set(found) == set(ways)
    for rule, answers in ways.items():
        kept = [each for each in cases if each.image_id in answers]
        ill = np.array([answers[each.image_id] == RUN.positive for each in kept])
        told = np.array([each.predicted == RUN.positive for each in kept])
        patients = np.array([each.patient_id for each in kept])
        assert found[rule] == {
            "sensitivity": proportion(told[ill], patients[ill]),
            "specificity": proportion(~told[~ill], patients[~ill]),
            "accuracy": proportion(told == ill, patients),
        }, rule
    assert held(dict.fromkeys(ways, labels)) == {}, "where no reading was in doubt there is nothing to tell"
    two = {rule: ways["excluded"] if rule == "excluded" else labels for rule in ways}
    assert set(held(two)) == set(ways)


@pytest.mark.parametrize("folds", [0, 2])
def test_of_a_cross_validation_the_mean_area_within_folds_stands_behind_the_pooled_one(folds: int) -> None:
    cases = some_cases(RUN)
    fold_of = {each.image_id: number % 2 for number, each in enumerate(cases)} if folds else {}
    held = hold_against("labels", labels_from_data(RUN, cases, ()), RUN, cases, fold_of=fold_of)
    within = [name for name in held.estimates if "fold" in name]
    assert bool(within) == bool(folds)
    if folds:
        names = list(held.estimates)
        assert names.index(within[0]) == names.index("AUROC") + 1
        assert held.estimates[within[0]].method.startswith("mean over 2 folds")
