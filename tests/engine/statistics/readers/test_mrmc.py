"""Several readers: what OR-DBM MRMC prints, what three-way ANOVA of pseudovalues gives, and 5 in 100 under the null."""

from __future__ import annotations

import math
import time
from functools import partial

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from benchmarks.mrmc_null import rejections, roe_metz
from engine.errors import ReportError
from engine.statistics import mrmc_analysis
from engine.statistics.clusters import Clusters
from engine.statistics.ranking import auroc
from engine.statistics.readers.components import STRUCTURES, Components
from engine.statistics.readers.figures import left_out
from engine.statistics.readers.mrmc import Analysis, Mrmc, _mean, _notes
from tests.engine.statistics.worked_examples import van_dyke

TWO = ("assisted", "blind")


def names(readers: int) -> list[str]:
    return [f"reader {number}" for number in range(1, readers + 1)]


def study(readers: int = 4, positives: int = 25, negatives: int = 30, seed: int = 0, gain: float = 0.3):
    return roe_metz(
        STRUCTURES["HH"], 1, readers, positives, negatives, np.random.default_rng(seed), gain=gain
    )


def of(found: Mrmc, to: str) -> Analysis:
    return next(each for each in found.analyses if each.to == to)


def test_van_dykes_readers_are_analysed_as_or_dbm_mrmc_prints_them() -> None:
    """OR-DBM MRMC 2.51: trapezoidal area, jackknife covariances, factorial design; all printed digits."""
    found = mrmc_analysis(*van_dyke(), ("cine", "spin echo"), names(5))
    assert found.figures[0] == pytest.approx(
        (0.91964573, 0.85877617, 0.90386473, 0.97310789, 0.82979066), abs=5e-9
    )
    assert found.figures[1] == pytest.approx(
        (0.94782609, 0.90531401, 0.92173913, 0.99935588, 0.92995169), abs=5e-9
    )
    assert found.mean_squares == pytest.approx((0.00479617, 0.0038362, 0.00055103), abs=5e-9)
    c = found.components
    assert (c.reader, c.modality_by_reader) == pytest.approx((0.001535, 0.0002004), abs=5e-8)
    assert (c.cov1, c.cov2, c.cov3) == pytest.approx((0.00034661, 0.00034407, 0.00023903), abs=5e-9)
    assert c.error == pytest.approx(0.00080229, abs=5e-9)

    both = of(found, "readers and cases")
    assert (both.statistic, both.freedom[1]) == (
        pytest.approx(4.46, abs=5e-3),
        pytest.approx(15.26, abs=5e-3),
    )
    assert both.p_value == pytest.approx(0.0517, abs=5e-5)
    gap = both.contrasts[0]
    assert gap.difference.value == pytest.approx(-0.04380032, abs=5e-9)
    assert (gap.error, gap.difference.low, gap.difference.high) == pytest.approx(
        (0.02075, -0.08796, 0.00036), abs=5e-6
    )
    assert (both.means[0].low, both.means[0].high) == pytest.approx((0.8252236, 0.96885048), abs=5e-9)
    assert (both.means[1].low, both.means[1].high) == pytest.approx((0.89413783, 0.98753689), abs=5e-9)

    cases = of(found, "cases")
    assert (cases.statistic, cases.p_value) == (
        pytest.approx(5.47595, abs=5e-6),
        pytest.approx(0.0193, abs=5e-5),
    )
    gap = cases.contrasts[0]
    assert (gap.error, gap.difference.low, gap.difference.high) == pytest.approx(
        (0.01872, -0.08049, -0.00711), abs=5e-6
    )

    readers = of(found, "readers")
    assert readers.statistic == pytest.approx(8.7, abs=5e-3) and readers.freedom == (1, 4)
    gap = readers.contrasts[0]
    assert readers.p_value == pytest.approx(0.042, abs=5e-5)
    assert (gap.error, gap.difference.low, gap.difference.high) == pytest.approx(
        (0.01485, -0.08502, -0.00258), abs=5e-6
    )

    printed = [(-0.02818, 0.02551, 0.2693), (-0.04654, 0.0263, 0.0768), (-0.01787, 0.03121, 0.5668),
               (-0.02625, 0.01729, 0.129), (-0.10016, 0.04406, 0.023)]  # fmt: skip
    for (one,), (value, error, p) in zip(found.by_reader, printed, strict=True):
        assert (one.difference.value, one.error) == pytest.approx((value, error), abs=5e-6)
        assert one.p_value == pytest.approx(p, abs=5e-5)


def test_one_modality_is_that_modality_of_two() -> None:
    truth, ratings = study()
    two, one = (
        mrmc_analysis(truth, ratings, TWO, names(4)),
        mrmc_analysis(truth, ratings[:1], TWO[:1], names(4)),
    )
    for to in ("readers and cases", "cases", "readers"):
        assert of(one, to).means[0] == of(two, to).means[0]
        assert math.isnan(of(one, to).p_value) and of(one, to).contrasts == ()


@pytest.mark.parametrize("alike", [0.4, -0.1])
def test_for_other_cases_a_mean_varies_as_the_mean_of_readers_who_covary(alike: float) -> None:
    """The variance of a mean of R is the sum of their covariance matrix over R²; a covariance below 0 counts as 0."""
    figures, variances = np.array([0.7, 0.8, 0.95]), np.array([1.0, 2.0, 3.0]) / 1000
    matrix = np.full((3, 3), alike / 1000)
    np.fill_diagonal(matrix, variances)
    found = _mean("cases", figures, matrix, Clusters.by(None, 55))
    error = math.sqrt(np.where(matrix > 0, matrix, 0).sum()) / 3
    assert found.value == pytest.approx(figures.mean())
    assert (found.high - found.value, found.value - found.low) == pytest.approx((1.959964 * error,) * 2)


def pseudovalues(truth: np.ndarray, ratings: np.ndarray) -> np.ndarray:
    """Return Dorfman, Berbaum and Metz's pseudovalues (T, R, N), one area at a time by scikit-learn."""
    n = len(truth)
    values = np.empty(ratings.shape)
    for t, by_reader in enumerate(ratings):
        for r, x in enumerate(by_reader):
            whole = roc_auc_score(truth, x)
            for k in range(n):
                rest = np.arange(n) != k
                values[t, r, k] = n * whole - (n - 1) * roc_auc_score(truth[rest], x[rest])
    return values


def test_the_test_for_readers_and_cases_is_that_of_dorfman_berbaum_and_metz() -> None:
    """Three-way ANOVA of pseudovalues, with Hillis' degrees of freedom: the same test (doi:10.1002/sim.2024)."""
    truth, ratings = study(readers=3, positives=9, negatives=11, seed=4)
    y = pseudovalues(truth, ratings)
    t, r, n = y.shape
    mean = y.mean()
    a, b, c = y.mean(axis=(1, 2)), y.mean(axis=(0, 2)), y.mean(axis=(0, 1))
    ab, ac, bc = y.mean(axis=2), y.mean(axis=1), y.mean(axis=0)
    ms_t = r * n * ((a - mean) ** 2).sum() / (t - 1)
    ms_tr = n * ((ab - a[:, None] - b + mean) ** 2).sum() / ((t - 1) * (r - 1))
    ms_tc = r * ((ac - a[:, None] - c + mean) ** 2).sum() / ((t - 1) * (n - 1))
    rest = y - ab[:, :, None] - ac[:, None, :] - bc + a[:, None, None] + b[None, :, None] + c - mean
    ms_trc = (rest**2).sum() / ((t - 1) * (r - 1) * (n - 1))
    noise = ms_tr + max(0.0, ms_tc - ms_trc)
    freedom = noise**2 / (ms_tr**2 / ((t - 1) * (r - 1)))
    whole = mrmc_analysis(truth, ratings, TWO, names(3))
    found = of(whole, "readers and cases")
    ms_r = t * n * ((b - mean) ** 2).sum() / (r - 1)
    assert whole.mean_squares == pytest.approx((ms_t / n, ms_r / n, ms_tr / n))
    # Obuchowski and Rockette's covariances are those of the pseudovalues' means.
    shared = (np.cov(y.reshape(t * r, n)) / n).reshape(t, r, t, r)
    error = np.einsum("trtr->", shared) / (t * r)
    cov1 = (np.einsum("tryr->", shared) / (t * r) - error) / (t - 1)
    cov2 = (np.einsum("trts->", shared) / (t * r) - error) / (r - 1)
    cov3 = (shared.sum() / (t * r) - error - (t - 1) * cov1 - (r - 1) * cov2) / ((t - 1) * (r - 1))
    c = whole.components
    assert (c.error, c.cov1, c.cov2, c.cov3) == pytest.approx((error, cov1, cov2, cov3))
    assert c.reader == pytest.approx((ms_r - ms_tr) / n / t - cov1 + cov3)
    assert c.modality_by_reader == pytest.approx(ms_tr / n - error + cov1 + cov2 - cov3)
    alone = mrmc_analysis(truth, ratings[:1], TWO[:1], names(3)).components
    one_error = np.trace(shared[0, :, 0, :]) / r
    one_cov2 = (shared[0, :, 0, :].sum() / r - one_error) / (r - 1)
    spread = y[0].mean(axis=1).var(ddof=1)
    assert (alone.error, alone.cov2, alone.reader) == pytest.approx(
        (one_error, one_cov2, spread - one_error + one_cov2)
    )
    assert found.statistic == pytest.approx(ms_t / noise)
    assert found.freedom == pytest.approx((t - 1, freedom))
    assert found.p_value == pytest.approx(stats.f.sf(ms_t / noise, t - 1, freedom))


@pytest.mark.parametrize("figure", ["AUC", "sensitivity", "specificity"])
@pytest.mark.parametrize("images", [1, 3])
def test_what_is_left_without_a_patient_is_what_counting_again_gives(figure: str, images: int) -> None:
    rng = np.random.default_rng(images)
    y, x = rng.random(36) < 0.4, rng.integers(0, 4 if figure == "AUC" else 2, 36).astype(float)
    x[rng.random(36) < 0.1] = np.nan
    patients = np.arange(36) // images
    value, without = left_out(figure, y, x, Clusters.by(patients, 36))

    def again(rows: np.ndarray) -> float:
        rows = rows & np.isfinite(x)
        if figure == "AUC":
            return float(roc_auc_score(y[rows], x[rows]))
        return float(x[rows & y].mean() if figure == "sensitivity" else 1 - x[rows & ~y].mean())

    assert value == pytest.approx(again(np.ones(36, dtype=bool)))
    assert without == pytest.approx([again(patients != patient) for patient in np.unique(patients)])


def test_verdicts_of_one_reader_have_the_variance_of_a_share() -> None:
    rng = np.random.default_rng(1)
    truth = np.arange(60) < 25
    verdicts = (rng.random((2, 1, 60)) < 0.7).astype(float)
    found = mrmc_analysis(truth, verdicts, TWO, names(1), figure="sensitivity")
    gap = found.by_reader[0][0]
    spread = (verdicts[0, 0, :25] - verdicts[1, 0, :25]).std(ddof=1)
    assert gap.error == pytest.approx(spread / math.sqrt(25))
    assert [each.to for each in found.analyses] == ["cases"]
    assert found.analyses[0].contrasts[0].error == pytest.approx(gap.error)
    assert found.notes == ("One reader: nothing can be said of other readers.",)


def test_the_area_of_one_reader_varies_about_as_delong_says() -> None:
    truth, ratings = study(readers=1, positives=60, negatives=80)
    found, beside = mrmc_analysis(truth, ratings[:1], TWO[:1], names(1)), auroc(truth, ratings[0, 0])
    mean = found.analyses[0].means[0]
    assert mean.value == pytest.approx(beside.value)
    assert mean.high - mean.low == pytest.approx(beside.high - beside.low, rel=0.05)


def test_films_copied_within_patients_are_no_evidence() -> None:
    truth, ratings = study()
    once = mrmc_analysis(truth, ratings, TWO, names(4))
    copied = mrmc_analysis(
        np.repeat(truth, 3), np.repeat(ratings, 3, axis=2), TWO, names(4), groups=np.repeat(np.arange(55), 3)
    )
    for one, other in zip(once.analyses, copied.analyses, strict=True):
        assert one.p_value == pytest.approx(other.p_value)
        assert one.contrasts[0].error == pytest.approx(other.contrasts[0].error)
        assert other.means[0].patients == 55


def test_readers_who_never_read_the_same_case_do_not_covary() -> None:
    truth, ratings = study(readers=2, positives=40, negatives=40)
    ratings[:, 0, ::2] = ratings[:, 1, 1::2] = np.nan
    found = mrmc_analysis(truth, ratings, TWO, names(2))
    assert (found.components.cov2, found.components.cov3) == pytest.approx((0.0, 0.0))
    assert found.components.cov1 > 0
    assert found.crossed == 0 and "Not fully crossed: 0 of 80 cases" in found.notes[0]
    alone = mrmc_analysis(truth[1::2], ratings[:, :1, 1::2], TWO, names(1))
    # Leaving out one of 80 cases that are not all in a figure: (80 - 1) / 80 in place of (40 - 1) / 40.
    assert found.by_reader[0][0].error == pytest.approx(alone.by_reader[0][0].error * math.sqrt(79 / 78))


def test_cases_nobody_rated_are_not_counted() -> None:
    truth, ratings = study()
    whole = mrmc_analysis(truth, ratings, TWO, names(4))
    more = mrmc_analysis(
        np.append(truth, [True, False]),
        np.pad(ratings, ((0, 0), (0, 0), (0, 2)), constant_values=np.nan),
        TWO,
        names(4),
    )
    assert more == whole


def test_three_modalities_are_compared_two_by_two() -> None:
    truth, ratings = study(seed=2)
    third = np.concatenate([ratings, ratings[:1] + np.random.default_rng(0).normal(size=ratings[:1].shape)])
    found = of(mrmc_analysis(truth, third, ("a", "b", "c"), names(4)), "readers and cases")
    assert [(each.first, each.second) for each in found.contrasts] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert found.freedom[0] == 2
    gaps = [each.difference.value for each in found.contrasts]
    assert gaps[0] + gaps[2] == pytest.approx(gaps[1])


def test_the_order_of_readers_cases_and_modalities_does_not_matter() -> None:
    truth, ratings = study()
    order = np.random.default_rng(1).permutation(len(truth))
    one = mrmc_analysis(truth, ratings, TWO, names(4))
    other = mrmc_analysis(truth[order], ratings[::-1, ::-1][:, :, order], TWO[::-1], names(4)[::-1])
    for a, b in zip(one.analyses, other.analyses, strict=True):
        assert a.p_value == pytest.approx(b.p_value)
        assert a.contrasts[0].difference.value == pytest.approx(-b.contrasts[0].difference.value)


def test_a_component_below_nought_is_printed_and_said() -> None:
    truth, ratings = study()
    ratings[:, 1] = ratings[:, 0] + 0.01 * np.random.default_rng(0).normal(size=ratings[:, 0].shape)
    found = mrmc_analysis(truth, ratings[:, :2], TWO, names(2))
    below = [each for each in (found.components.reader, found.components.modality_by_reader) if each < 0]
    assert below and any("estimated below 0" in note for note in found.notes)


def test_a_variance_below_nought_is_said_of_several_readers_and_not_of_a_rounding_error() -> None:
    def said(readers: int, reader: float, between: float = 0.0, modalities: int = 2) -> list[str]:
        found = Components(reader=reader, modality_by_reader=between, error=1, cov1=0.5, cov2=0.4, cov3=0.3)
        rated = np.ones((modalities, readers, 8), dtype=bool)
        notes = _notes(rated, 8, found, TWO[:modalities])
        return [note.partition(" was estimated")[0] for note in notes if "below 0" in note]

    assert said(3, -0.01) == ["The variance of readers"] == said(2, -0.01, modalities=1)
    assert said(3, 0.01, -0.01) == ["The variance of modality by reader"]
    assert said(3, -1e-15, -1e-15) == said(1, -0.01, -0.01) == said(2, 0.0, -0.01, modalities=1) == []


def test_readers_whom_nothing_tells_apart_get_no_test_and_no_warning() -> None:
    truth = np.arange(20) < 10
    found = mrmc_analysis(truth, np.broadcast_to(truth.astype(float), (2, 3, 20)), TWO, names(3))
    for analysis in found.analyses:
        assert math.isnan(analysis.p_value)
        assert analysis.contrasts[0].difference.method == "no interval: no spread can be seen"


def test_readers_who_gain_alike_are_tested_by_what_cases_show() -> None:
    """Where modality by reader is nought its degrees of freedom are unknown, and the test is that of many readers."""
    truth, ratings = study(readers=1, positives=30, negatives=30)
    found = mrmc_analysis(truth, np.repeat(ratings, 3, axis=1), TWO, names(3))
    both, cases = of(found, "readers and cases"), of(found, "cases")
    assert found.mean_squares[2] == 0 and math.isinf(both.freedom[1])
    assert both.p_value == pytest.approx(both.contrasts[0].p_value)
    assert 0 < both.p_value < 1 and 0 < cases.p_value < 1
    assert math.isnan(of(found, "readers").p_value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda truth, ratings: (truth & (np.arange(55) < 1), ratings, "AUC"), "fewer than two cases with the finding"),
        (lambda truth, ratings: (truth, ratings, "sensitivity"), "verdicts, 0 or 1"),
        (lambda truth, ratings: (truth, ratings, "F1"), "no 'F1'"),
        (lambda truth, ratings: (truth, ratings[:, :3], "AUC"), "do not fit"),
        (lambda truth, ratings: (truth, np.where(np.arange(4)[:, None] == 2, np.nan, ratings), "AUC"), "reader 3 ra"),
    ],
)  # fmt: skip
def test_a_study_that_cannot_be_analysed_is_refused_in_a_sentence(change, said: str) -> None:
    truth, ratings, figure = change(*study())
    with pytest.raises(ReportError, match=said):
        mrmc_analysis(truth, ratings, TWO, names(4), figure=figure)


@pytest.mark.parametrize(("figure", "kinds"), [("AUC", (0, 1)), ("sensitivity", (1,)), ("specificity", (0,))])
@pytest.mark.parametrize("kind", [0, 1])
def test_a_study_is_analysed_from_two_patients_of_each_kind_that_counts(
    figure: str, kinds: tuple[int, ...], kind: int
) -> None:
    """Two images of one patient are one."""
    ratings = np.random.default_rng(3).integers(0, 2, (2, 2, 16)).astype(float)
    for patients in (2, 1):
        truth = (np.arange(16) < 2 * patients) == kind
        analysed = partial(
            mrmc_analysis, truth, ratings, TWO, names(2), figure=figure, groups=np.arange(16) // 2
        )
        if patients == 2 or kind not in kinds:
            assert analysed().cases == 16
        else:
            with pytest.raises(ReportError, match=f"fewer than two patients {('without', 'with')[kind]} the"):
                analysed()


def test_where_there_is_no_difference_one_is_seen_in_about_five_of_a_hundred_studies() -> None:
    """`python -m benchmarks.mrmc_null` runs 3,000 studies of each setting: docs/coverage.md."""
    shares = [share for _, _, share in rejections(60, readers=4, positives=25, negatives=25, seed=7)]
    noise = 3 * math.sqrt(0.05 * 0.95 / (60 * len(shares)))
    assert abs(np.mean(shares) - 0.05) < noise


def test_ten_readers_of_a_thousand_cases_take_less_than_two_seconds() -> None:
    truth, ratings = study(readers=10, positives=400, negatives=600)
    begun = time.process_time()
    mrmc_analysis(truth, ratings, TWO, names(10))
    assert time.process_time() - begun < 2
