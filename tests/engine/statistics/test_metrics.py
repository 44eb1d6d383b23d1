"""Every figure equals a trusted implementation, and no odd data makes one crash or leave its bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from scipy import stats
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve
from statsmodels.stats.proportion import proportion_confint

from engine.errors import RecipeError
from engine.statistics.bootstrap import Resamples, percentile_interval, resamples
from engine.statistics.classification_report import classification_table, confusion_matrix, overall, scores
from engine.statistics.curves import precision_recall_curve, reliability_bins, roc_curve
from engine.statistics.metrics import (
    auroc,
    average_precision,
    brier,
    ece,
    placements,
    predictive_values,
    proportion,
    wilson,
)
from engine.statistics.operating_points import OPERATING_POINTS, choose_threshold

CLOSE = {"rtol": 0, "atol": 1e-9}
few = settings(max_examples=60, deadline=None)
cases = st.lists(
    st.tuples(st.booleans(), st.floats(0, 1, allow_subnormal=False).map(lambda p: round(p, 3))),
    min_size=1,
    max_size=40,
)


def both(data: list[tuple[bool, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([y for y, _ in data]), np.array([p for _, p in data])


def films(n: int, seed: int = 0, classes: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Made-up truth (N,), probabilities (N, C) with ties, and the class called."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=n)
    logits = rng.normal(size=(n, classes)) + 1.3 * np.eye(classes)[truth]
    p = np.round(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), 2)
    p[:, -1] = 1 - p[:, :-1].sum(1)
    return truth, p, p.argmax(1)


# ------------------------------------------------------------------------------------------------ proportions


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_statsmodels(kn: tuple[int, int]) -> None:
    found = wilson(*kn)
    low, high = proportion_confint(*kn, alpha=0.05, method="wilson")
    np.testing.assert_allclose([found.low, found.high], [low, high], **CLOSE)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_wilson_of_nothing_says_so() -> None:
    found = wilson(0, 0)
    assert math.isnan(found.value) and math.isnan(found.low)
    assert found.method == "cannot be estimated because there is no case to count"


def test_a_proportion_with_one_film_a_patient_is_wilsons() -> None:
    hits = np.arange(40) % 3 == 0
    assert proportion(hits, np.arange(40)) == proportion(hits) == wilson(int(hits.sum()), 40)


def test_films_copied_within_patients_do_not_narrow_the_interval() -> None:
    hits = np.arange(60) % 4 == 0
    once, copied = proportion(hits), proportion(np.repeat(hits, 5), np.repeat(np.arange(60), 5))
    assert copied.value == once.value and copied.n == 300
    # The clustered variance has one patient fewer in its denominator, hence not equal to the last digit.
    np.testing.assert_allclose([copied.low, copied.high], [once.low, once.high], atol=2e-3)
    assert copied.high - copied.low >= once.high - once.low


def test_a_perfect_proportion_counts_patients_not_films() -> None:
    found = proportion(np.ones(100, bool), np.arange(100) // 10)
    assert found.low == wilson(10, 10).low and found.high == 1.0


# ----------------------------------------------------------------------------------------------------- AUROC


@few
@given(cases)
def test_auroc_equals_scikit_learn_and_lies_within_its_interval(data: list[tuple[bool, float]]) -> None:
    y, p = both(data)
    found = auroc(y, p)
    if y.all() or not y.any():
        assert math.isnan(found.value) and found.method.startswith("cannot be estimated because")
        return
    np.testing.assert_allclose(found.value, sk.roc_auc_score(y, p), **CLOSE)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


@few
@given(cases)
def test_auroc_of_the_other_class_is_its_mirror_and_ranks_are_all_that_counts(
    data: list[tuple[bool, float]],
) -> None:
    y, p = both(data)
    assume(y.any() and not y.all())
    found, mirror, squeezed = auroc(y, p), auroc(~y, p), auroc(y, p**3 / 7 - 2)
    assume(len(np.unique(p**3 / 7 - 2)) == len(np.unique(p)))
    np.testing.assert_allclose(
        [found.value, found.low, found.high], [1 - mirror.value, 1 - mirror.high, 1 - mirror.low], atol=1e-7
    )
    np.testing.assert_allclose([found.low, found.high], [squeezed.low, squeezed.high], **CLOSE)


def test_delongs_variance_equals_its_definition_over_all_pairs() -> None:
    truth, p, _ = films(90)
    y, score = truth == 1, p[:, 1]
    pairs = (score[y][:, None] > score[~y]) + 0.5 * (score[y][:, None] == score[~y])
    v10, v01 = placements(y, score)
    np.testing.assert_allclose(v10, pairs.mean(1), **CLOSE)
    np.testing.assert_allclose(v01, pairs.mean(0), **CLOSE)
    area = pairs.mean()
    error = math.sqrt(pairs.mean(1).var(ddof=1) / y.sum() + pairs.mean(0).var(ddof=1) / (~y).sum())
    spread = stats.norm.ppf(0.975) * error / (area * (1 - area))
    found = auroc(y, score)
    expected = stats.logistic.cdf(stats.logistic.ppf(area) + np.array([-spread, spread]))
    np.testing.assert_allclose([found.low, found.high], expected, **CLOSE)


def test_a_perfect_ranking_of_few_films_is_not_called_certain() -> None:
    y = np.arange(20) >= 10
    found = auroc(y, np.arange(20.0))
    assert found.value == found.high == 1.0
    assert 0.7 < found.low < 0.95
    assert auroc(np.repeat(y, 5), np.repeat(np.arange(20.0), 5), np.repeat(np.arange(20), 5)).low == found.low


def test_constant_scores_are_chance_with_an_interval_around_it() -> None:
    found = auroc(np.arange(30) % 2 == 0, np.full(30, 0.7))
    assert found.value == 0.5 and 0.2 < found.low < 0.5 < found.high < 0.8


def test_auroc_is_resampled_by_patient_where_patients_have_several_films() -> None:
    rng = np.random.default_rng(1)
    patient = np.arange(300) // 6
    y = patient % 2 == 0
    p = rng.normal(size=50)[patient] + y  # films of a patient look alike
    by_film, by_patient = auroc(y, p), auroc(y, p, patient)
    assert by_patient.value == by_film.value and "patient bootstrap" in by_patient.method
    assert by_patient.high - by_patient.low > 1.5 * (by_film.high - by_film.low)


# -------------------------------------------------------------------------------------------------- bootstrap


@pytest.mark.parametrize("several", [False, True])
def test_each_resample_equals_scikit_learn_with_weights(several: bool) -> None:
    truth, p, _ = films(70, seed=3)
    y, score = truth == 1, p[:, 1]
    draw = resamples(70, np.arange(70) // 3 if several else None, count=25, seed=4)
    weights = np.concatenate(list(draw.blocks()))
    areas, precisions = draw.ranking(y, score)
    for row, area, precision in zip(weights, areas, precisions, strict=True):
        weight = row[draw.patient]
        np.testing.assert_allclose(area, sk.roc_auc_score(y, score, sample_weight=weight), **CLOSE)
        np.testing.assert_allclose(
            precision, sk.average_precision_score(y, score, sample_weight=weight), **CLOSE
        )


def test_each_resample_draws_as_many_patients_as_there_are_and_blocks_do_not_matter() -> None:
    draw = resamples(5000, np.arange(5000) // 2, count=40, seed=1)
    whole = np.concatenate(list(draw.blocks()))
    assert whole.shape == (40, 2500) and (whole.sum(1) == 2500).all()
    # Poisson-like counts: the variance of a multinomial count is 1 - 1/G.
    assert abs(whole.var() - 1) < 0.02
    pieces = np.concatenate(list(draw.blocks(size=7 * 5000)))
    np.testing.assert_array_equal(whole, pieces)
    many = Resamples(np.arange(5000), 5000, 6, 2)
    np.testing.assert_array_equal(np.concatenate(list(many.blocks())), np.concatenate(list(many.blocks(1))))


def test_sums_over_a_resample_are_sums_over_its_films() -> None:
    rng = np.random.default_rng(0)
    columns, draw = rng.normal(size=(30, 3)), resamples(30, np.arange(30) % 11, count=9)
    weights = np.concatenate(list(draw.blocks()))[:, draw.patient]
    np.testing.assert_allclose(draw.sums(columns), [[w @ c for c in columns.T] for w in weights], **CLOSE)


def test_the_interval_of_a_mean_is_that_of_scipy() -> None:
    values = np.random.default_rng(5).exponential(size=200)
    draw = resamples(200, count=20_000).sums(np.column_stack([values, np.ones(200)]))
    found = percentile_interval(values.mean(), draw[:, 0] / draw[:, 1], 200)
    trusted = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", random_state=np.random.default_rng(0)
    ).confidence_interval
    np.testing.assert_allclose([found.low, found.high], [trusted.low, trusted.high], atol=0.01)


def test_no_spread_gives_no_interval_rather_than_certainty() -> None:
    found = percentile_interval(1.0, np.ones(100), 8)
    assert found.value == 1.0 and math.isnan(found.low) and "every resample" in found.method


# ------------------------------------------------------------------------------- precision-recall,
# calibration


@few
@given(cases)
def test_average_precision_equals_scikit_learn(data: list[tuple[bool, float]]) -> None:
    y, p = both(data)
    found = average_precision(y, p, count=50)
    if y.all() or not y.any():
        assert math.isnan(found.value)
        return
    np.testing.assert_allclose(found.value, sk.average_precision_score(y, p), **CLOSE)
    assert math.isnan(found.low) or 0 <= found.low <= found.value <= found.high <= 1


def test_brier_equals_scikit_learn_with_two_classes_and_with_four() -> None:
    truth, p, _ = films(80)
    np.testing.assert_allclose(brier(truth, p).value, sk.brier_score_loss(truth, p[:, 1]), **CLOSE)
    truth, p, _ = films(80, classes=4)
    p /= p.sum(1, keepdims=True)
    np.testing.assert_allclose(brier(truth, p).value, sk.brier_score_loss(truth, p), **CLOSE)
    found = brier(truth, p, np.arange(80) // 2)
    assert found.low < found.value < found.high


def test_calibration_error_and_bins_equal_scikit_learns_calibration_curve() -> None:
    truth, p, _ = films(400, seed=2)
    frequency, mean = calibration_curve(truth, p[:, 1], n_bins=10)
    bins = reliability_bins(truth == 1, p[:, 1])
    np.testing.assert_allclose([each.probability for each in bins], mean, **CLOSE)
    np.testing.assert_allclose([each.frequency.value for each in bins], frequency, **CLOSE)
    count = np.array([each.count for each in bins])
    assert count.sum() == 400
    found = ece(truth == 1, p[:, 1])
    np.testing.assert_allclose(found.value, (count * abs(frequency - mean)).sum() / 400, **CLOSE)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_probabilities_that_are_the_frequencies_have_no_calibration_error() -> None:
    y = np.tile([True, False, False, False], 25)
    assert ece(y, np.full(100, 0.25)).value == pytest.approx(0, abs=1e-12)


# ------------------------------------------------------------------------------------------- operating points


@few
@given(cases, st.sampled_from(sorted(OPERATING_POINTS)))
def test_an_operating_point_keeps_its_promise(data: list[tuple[bool, float]], name: str) -> None:
    y, p = both(data)
    threshold = choose_threshold(name, y, p, undecided=0.27)
    if name == "as-trained":
        assert threshold == 0.27
        return
    if y.all() or not y.any():
        assert threshold == 0.5
        return
    sensitivity, specificity = (p[y] >= threshold).mean(), (p[~y] < threshold).mean()
    rates = [((p[y] >= t).mean(), (p[~y] < t).mean()) for t in [*np.unique(p), 2.0]]
    if name == "sensitivity>=0.95":
        assert sensitivity >= 0.95
        assert specificity == max(b for a, b in rates if a >= 0.95)
    elif name == "specificity>=0.95":
        assert specificity >= 0.95
        assert sensitivity == max(a for a, b in rates if b >= 0.95)
    elif name == "youden":
        best = max(a + b for a, b in rates)
        assert sensitivity + specificity == pytest.approx(best) or (best <= 1 + 1e-9 and threshold == 0.5)
    else:
        assert threshold == 0.5


def test_youden_equals_the_corner_of_scikit_learns_roc_curve() -> None:
    truth, p, _ = films(500, seed=9)
    false, true, _ = sk.roc_curve(truth, p[:, 1])
    threshold = choose_threshold("youden", truth == 1, p[:, 1])
    predicted = p[:, 1] >= threshold
    gain = predicted[truth == 1].mean() - predicted[truth == 0].mean()
    np.testing.assert_allclose(gain, (true - false).max(), **CLOSE)


def test_rounding_a_score_to_single_precision_flips_no_film() -> None:
    truth, _, _ = films(300)
    p = np.random.default_rng(0).random(300) * 0.5 + truth * 0.3
    for name in OPERATING_POINTS:
        threshold = choose_threshold(name, truth == 1, p)
        np.testing.assert_array_equal(p >= threshold, p.astype(np.float32).astype(float) >= threshold)


def test_an_unknown_operating_point_is_refused_with_the_list() -> None:
    with pytest.raises(RecipeError, match="youden, half"):
        choose_threshold("best", [True, False], [0.1, 0.9])


# ------------------------------------------------------------------------------------ classification report


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_classification_report_equals_scikit_learn(classes: int) -> None:
    truth, p, predicted = films(150, seed=classes, classes=classes)
    names = [f"class {code}" for code in range(classes)]
    precision, recall, f1, support = sk.precision_recall_fscore_support(truth, predicted)
    rows = classification_table(truth, predicted, names, p, count=200)
    np.testing.assert_allclose([row.precision.value for row in rows], precision, **CLOSE)
    np.testing.assert_allclose([row.recall.value for row in rows], recall, **CLOSE)
    np.testing.assert_allclose([row.f1.value for row in rows], f1, **CLOSE)
    assert [row.support for row in rows] == support.tolist()
    np.testing.assert_allclose(
        [row.auroc.value for row in rows],
        [sk.roc_auc_score(truth == code, p[:, code]) for code in range(classes)],
        **CLOSE,
    )
    np.testing.assert_array_equal(
        confusion_matrix(truth, predicted, classes), sk.confusion_matrix(truth, predicted)
    )
    for row in rows:
        for figure in (row.precision, row.recall, row.f1, row.auroc):
            assert 0 <= figure.low < figure.value < figure.high <= 1


@pytest.mark.parametrize("classes", [2, 4])
def test_overall_figures_equal_scikit_learn(classes: int) -> None:
    truth, p, predicted = films(200, seed=7, classes=classes)
    found = overall(truth, predicted, p, [str(code) for code in range(classes)], count=200)
    expected = {
        "accuracy": sk.accuracy_score(truth, predicted),
        "balanced accuracy": sk.balanced_accuracy_score(truth, predicted),
        "MCC": sk.matthews_corrcoef(truth, predicted),
        "macro F1": sk.f1_score(truth, predicted, average="macro"),
    }
    if classes == 2:
        expected |= {
            "AUROC": sk.roc_auc_score(truth, p[:, 1]),
            "average precision": sk.average_precision_score(truth, p[:, 1]),
            "sensitivity": sk.recall_score(truth, predicted),
            "specificity": sk.recall_score(truth, predicted, pos_label=0),
            "positive predictive value": sk.precision_score(truth, predicted),
            "negative predictive value": sk.precision_score(truth, predicted, pos_label=0),
        }
    else:
        one_hot = np.eye(classes)[truth]
        expected |= {
            "AUROC": sk.roc_auc_score(one_hot, p, average="macro"),
            "average precision": sk.average_precision_score(one_hot, p, average="macro"),
        }
    for name, value in expected.items():
        np.testing.assert_allclose(found[name].value, value, **CLOSE, err_msg=name)
        assert found[name].low < value < found[name].high, name


def test_the_positive_class_may_stand_first() -> None:
    truth, p, predicted = films(100)
    there = overall(truth, predicted, p, ["a", "b"], positive="a", count=50)
    assert there["sensitivity"].value == sk.recall_score(truth, predicted, pos_label=0)
    np.testing.assert_allclose(there["AUROC"].value, sk.roc_auc_score(truth == 0, p[:, 0]), **CLOSE)


@few
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=12), st.integers(0, 99))
def test_no_handful_of_films_crashes_the_report(pairs: list[tuple[int, int]], seed: int) -> None:
    truth = np.array([a for a, _ in pairs], dtype=np.int64)
    predicted = np.array([b for _, b in pairs], dtype=np.int64)
    p = np.random.default_rng(seed).dirichlet(np.ones(3), size=len(pairs))
    names, patients = ["a", "b", "c"], truth % 2
    found = overall(truth, predicted, p, names, groups=patients, count=20)
    rows = classification_table(truth, predicted, names, p, patients, count=20)
    for figure in [*found.values(), *(f for row in rows for f in (row.precision, row.recall, row.f1))]:
        if math.isnan(figure.value):
            assert figure.method.startswith("cannot be estimated because")
        elif not math.isnan(figure.low):
            assert figure.low <= figure.value <= figure.high


def test_scores_of_a_stack_are_the_scores_of_each_matrix() -> None:
    stack = np.random.default_rng(0).integers(0, 9, size=(6, 3, 3)).astype(float)
    together = scores(stack)
    for name, values in together.items():
        np.testing.assert_array_equal(values, [scores(each)[name] for each in stack])


# ------------------------------------------------------------------------------------------ predictive values


def test_predictive_values_at_the_prevalence_of_the_data_are_those_of_the_data() -> None:
    sensitivity, specificity = wilson(45, 50), wilson(120, 150)
    ppv, npv = predictive_values(sensitivity, specificity, 0.25)
    np.testing.assert_allclose([ppv.value, npv.value], [45 / 75, 120 / 125], **CLOSE)
    rare, _ = predictive_values(sensitivity, specificity, 0.01)
    assert rare.value < 0.05 and 0 < rare.low < rare.value < rare.high < 1


@given(
    st.integers(0, 30), st.integers(0, 30), st.floats(0.001, 0.999), st.integers(30, 40), st.integers(30, 40)
)
def test_predictive_values_stay_within_bounds(a: int, b: int, prevalence: float, n: int, m: int) -> None:
    for found in predictive_values(wilson(a, n), wilson(b, m), prevalence):
        assert math.isnan(found.value) or 0 <= found.low <= found.value <= found.high <= 1


# ------------------------------------------------------------------------------------------------------
# curves


@few
@given(cases)
def test_curves_equal_scikit_learn(data: list[tuple[bool, float]]) -> None:
    y, p = both(data)
    curve, pr = roc_curve(y, p), precision_recall_curve(y, p)
    if y.all() or not y.any():
        assert curve is None and pr is None
        return
    assert curve is not None and pr is not None
    false, true, threshold = sk.roc_curve(y, p, drop_intermediate=False)
    np.testing.assert_allclose(
        np.trapezoid(curve.true_positive_rate, curve.false_positive_rate), sk.roc_auc_score(y, p), **CLOSE
    )
    ours = set(zip(curve.false_positive_rate, curve.true_positive_rate, strict=True))
    assert ours <= set(zip(false, true, strict=True))
    assert set(curve.threshold) <= set(threshold)
    precision, recall, _ = sk.precision_recall_curve(y, p)
    np.testing.assert_allclose(pr.precision[::-1], precision[:-1], **CLOSE)
    np.testing.assert_allclose(pr.recall[::-1], recall[:-1], **CLOSE)
