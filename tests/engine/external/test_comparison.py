"""Promises of external testing: differences have their intervals, and tuning is judged on patients it did not see."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from statsmodels.stats.proportion import confint_proportions_2indep

from engine.errors import ReportError
from engine.external.cases import ExternalCases
from engine.external.comparison import compare_with_internal
from engine.records import ExternalTest, Prediction, Run
from engine.report import external_document, interval, with_minus, write_external
from engine.statistics.clusters import independent_difference
from engine.statistics.proportions import proportion
from engine.workspace import Workspace
from tests.engine.report.paper.test_pdf import squeezed, words_of

CASES = ExternalCases(samples=(), same={"Healthy": "normal"}, left_out={"no label": 3}, remarks=())


def predictions(run: Run, *, positives: int, negatives: int, shift: float, seed: int) -> list[Prediction]:
    """Log-odds of two normal distributions, two apart, moved by `shift`; every image its own patient."""
    rng = np.random.default_rng(seed)
    place = run.classes.index(run.positive)
    made = []
    for number in range(positives + negatives):
        ill = number < positives
        odds = rng.normal(1.0 if ill else -1.0) * 2 + shift
        p = 1 / (1 + np.exp(-odds))
        image_id = f"{seed:032x}{number:032x}"
        made.append(
            Prediction(
                image_id=image_id,
                path=Path(f"/{number}.png"),
                label=run.classes[place if ill else 1 - place],
                patient_id=image_id,
                part=None,
                probabilities=(1 - p, p) if place else (p, 1 - p),
                predicted=run.classes[place if p >= run.threshold else 1 - place],
                entropy=0.3,
            )
        )
    return made


@pytest.fixture
def run(trained: tuple[Workspace, Run]) -> Run:
    return replace(trained[1], threshold=0.5)


def external_test(run: Run, *, shift: float = 0.0, positives: int = 60, negatives: int = 140) -> ExternalTest:
    home = predictions(run, positives=80, negatives=120, shift=0.0, seed=1)
    abroad = predictions(run, positives=positives, negatives=negatives, shift=shift, seed=2)
    return compare_with_internal(run, home, abroad, CASES, dataset_id="d" * 12, dataset_name="elsewhere")


@pytest.mark.parametrize(
    ("a", "n", "b", "m"), [(56, 70, 48, 80), (9, 10, 3, 10), (10, 10, 0, 20), (5, 56, 0, 29)]
)
def test_the_difference_of_two_shares_has_newcombes_interval(a: int, n: int, b: int, m: int) -> None:
    ours = independent_difference(
        proportion([True] * a + [False] * (n - a)), proportion([True] * b + [False] * (m - b))
    )
    low, high = confint_proportions_2indep(a, n, b, m, method="newcomb", compare="diff")
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=1e-9)


def test_a_shift_of_all_probabilities_shows_in_calibration_and_not_in_the_auroc(run: Run) -> None:
    figures = {one.name: one for one in external_test(run, shift=2.0).figures}
    assert figures["AUROC"].difference.low < 0 < figures["AUROC"].difference.high
    assert figures["specificity"].difference.high < 0 < figures["sensitivity"].difference.value
    intercept = figures["calibration intercept"].external
    assert intercept.high < 0


def test_recalibration_and_a_new_operating_point_mend_a_shift(run: Run) -> None:
    retuned = external_test(run, shift=2.0).retuned
    assert retuned is not None
    intercept, slope = (retuned.calibration[f"calibration {name}"] for name in ("intercept", "slope"))
    assert intercept.low < 0 < intercept.high and slope.low < 1 < slope.high
    figures = {one.name: one.external for one in external_test(run, shift=2.0).figures}
    assert retuned.calibration["Brier score"].value < figures["Brier score"].value
    assert retuned.at_threshold["specificity"].low > figures["specificity"].high
    assert retuned.threshold > run.threshold


def test_tuning_to_noise_gains_nothing_because_no_image_is_judged_by_itself(run: Run) -> None:
    """With labels drawn at random a threshold chosen on the same images would have a Youden index above 0."""
    rng = np.random.default_rng(5)
    indices = []
    for seed in range(12):
        abroad = predictions(run, positives=30, negatives=30, shift=0.0, seed=seed + 10)
        labels = rng.permutation([one.label for one in abroad])
        noise = [replace(one, label=str(label)) for one, label in zip(abroad, labels, strict=True)]
        retuned = compare_with_internal(run, noise, noise, CASES, dataset_id="d", dataset_name="n").retuned
        assert retuned is not None
        indices.append(sum(one.value for one in retuned.at_threshold.values()) - 1)
    assert abs(np.mean(indices)) < 0.08


def test_too_few_patients_of_a_class_say_so_in_place_of_a_figure(run: Run) -> None:
    test = external_test(run, positives=4)
    assert test.retuned is None
    assert "that takes 5 patients of each class, and of one there are 4" in test.why_not


def test_a_class_that_is_absent_abroad_leaves_the_others_figures(run: Run) -> None:
    figures = {one.name: one for one in external_test(run, positives=0).figures}
    assert np.isnan(figures["AUROC"].difference.low) and np.isnan(figures["sensitivity"].external.value)
    assert 0.5 < figures["specificity"].external.value < 1


def test_without_an_internal_test_there_is_nothing_to_compare_with(run: Run) -> None:
    abroad = predictions(run, positives=10, negatives=10, shift=0, seed=2)
    with pytest.raises(ReportError, match="Let the run predict its test part first"):
        compare_with_internal(run, [], abroad, CASES, dataset_id="d", dataset_name="n")


def test_every_figure_stands_in_page_table_and_document(run: Run, tmp_path: Path) -> None:
    test = external_test(run, shift=1.0)
    written = write_external(test, tmp_path / "out")
    page, table = (
        written.html.read_text(encoding="utf-8"),
        written.files["csv"].read_text(encoding="utf-8-sig"),
    )
    document = external_document(test)
    for one, said in zip(test.figures, document["figures"], strict=True):
        assert one.name in page and one.name in table
        assert said["difference"]["value"] == pytest.approx(one.difference.value, nan_ok=True)
    assert "“Healthy” of these data is taken as normal." in page
    assert "3 left out: no label." in page
    assert str(run.folder) not in page + table
    kept = json.loads(written.files["json"].read_text(encoding="utf-8"))
    schema = json.loads(written.files["schema"].read_text(encoding="utf-8"))
    assert not [fault.message for fault in Draft202012Validator(schema).iter_errors(kept)]
    assert len(kept["cases"]) == test.images
    printed = words_of(written.files["pdf"].read_bytes())
    for one in test.figures:
        for each in (one.internal, one.external, one.difference):
            assert squeezed(with_minus(interval(each))) in printed, one.name
