"""How far probabilities can be taken at their word: Brier score, calibration intercept and slope, O/E, ECE.

Intercept and slope are of a logistic regression of the truth on the log-odds (doi:10.1002/sim.4780131710 weighs the
slope; doi:10.1186/s12916-019-1466-7 tells how both are read); their variance is a sandwich by patient. The expected
calibration error has no interval here: noise only ever adds to it, so that no usual interval can hold the true value.
Its noise floor is printed beside it: what a perfectly calibrated model would show on as many cases.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.language import in_print
from engine.records import Estimate
from engine.statistics.clusters import (
    SMALLEST,
    Clusters,
    Groups,
    inestimable,
    quantile,
    square_and_add,
    without_interval,
)
from engine.statistics.proportions import mean_of_bounded, proportion
from engine.statistics.ranking import as_binary, one_class

BINS = 10
FLOOR_DRAWS = 200
STEPS = 50  # of Newton's method


def squared_errors(truth: ArrayLike, probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return what each case adds to Brier's score, (N,); arguments as `brier`."""
    codes, p = np.asarray(truth, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    error: NDArray[np.float64] = ((p - np.eye(p.shape[1])[codes]) ** 2).sum(axis=1)
    return error / 2 if p.shape[1] == 2 else error


def brier(truth: ArrayLike, probabilities: ArrayLike, groups: Groups = None) -> Estimate:
    """Estimate the Brier score (doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2): 0 is perfect.

    With two classes it is the mean squared error of one probability, in [0, 1]; with more, squared errors are
    summed over the classes, in [0, 2], as in Brier's paper. Few cases of a rare class hold most of the error, so the
    interval is put together from those of each class (doi:10.1002/sim.3095).

    Args:
        truth: (N,) int, the class of each case.
        probabilities: (N, C).
        groups: (N,) patients; None means that every case is its own patient.
    """
    codes = np.asarray(truth, dtype=np.int64)
    error = squared_errors(codes, probabilities)
    n, top = len(error), 1.0 if np.shape(probabilities)[-1] == 2 else 2.0
    if not n:
        return inestimable("there is no case", 0)
    clusters, value = Clusters.by(groups, n), float(error.mean())
    of_class = np.zeros(n)
    parts: list[tuple[float, Estimate]] = []
    for code in np.unique(codes):
        rows = codes == code
        of_class[rows] = error[rows].mean()
        part = mean_of_bounded(error[rows] / top, None if groups is None else clusters.of[rows])
        parts.append((top * float(rows.mean()), part))
    spread = float(np.ptp(of_class))
    if spread > 0:  # the classes' shares are estimated too
        parts.append((spread, mean_of_bounded((of_class - of_class.min()) / spread, groups)))
    low, high = square_and_add(value, parts)
    return Estimate(
        value=value,
        low=max(0.0, low),
        high=min(top, high),
        method="square and add, by class" + ("" if clusters.single else " and patient"),
        n=n,
        patients=clusters.count,
    )


def ece(y: ArrayLike, p: ArrayLike, groups: Groups = None, *, bins: int = BINS, seed: int = 0) -> Estimate:
    """Return the expected calibration error (arXiv:1706.04599): the mean gap of probability and frequency.

    Args:
        y: (N,) bool, whether what `p` is the probability of was so.
        p: (N,) probability.
        groups: (N,) patients.
        bins: Of equal width.
        seed: Of the draws that give the noise floor.

    Returns:
        The error without an interval; `method` names the noise floor.
    """
    truth, score = as_binary(y, p)
    n = len(truth)
    if not n:
        return inestimable("there is no case", 0)
    floor = noise_floor(score, bins=bins, seed=seed)
    return without_interval(
        _gap(truth, score, bins),
        f"noise adds to this value; a perfectly calibrated model would show {in_print(floor, '.3f')} on as many cases "
        f"(mean of {FLOOR_DRAWS} draws, seed {seed})",
        n,
        Clusters.by(groups, n).count,
    )


def noise_floor(p: NDArray[np.float64], *, bins: int = BINS, seed: int = 0) -> float:
    """Return the mean calibration error of outcomes drawn from the probabilities themselves, (N,)."""
    rng = np.random.default_rng(seed)
    ordered = np.sort(p)  # so that the order of the cases does not matter
    # the bins lie one after the other and are those of every draw
    starts, cases = np.unique(_bin_of(ordered, bins), return_index=True)[1], len(p)
    expected = np.add.reduceat(ordered, starts) if cases else np.zeros(0)
    drawn = (rng.random(cases) < ordered for _ in range(FLOOR_DRAWS))
    gaps = [np.abs(np.add.reduceat(one, starts, dtype=np.int64) - expected).sum() / cases for one in drawn]
    return float(np.mean(gaps))


def _gap(y: NDArray[np.bool_], p: NDArray[np.float64], bins: int) -> float:
    return float(np.abs(np.bincount(_bin_of(p, bins), weights=y - p, minlength=bins)).sum() / len(p))


def _bin_of(p: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Return the bin of each probability, (N,)."""
    return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p).astype(np.int64)


def calibration_fit(y: ArrayLike, log_odds: ArrayLike, groups: Groups = None) -> tuple[Estimate, Estimate]:
    """Estimate the calibration intercept (0 is ideal) and slope (1 is ideal).

    The intercept is of a model whose slope is held at 1 (calibration in the large), the slope of one with both free.

    Args:
        y: (N,) bool, whether the finding is present.
        log_odds: (N,) of its probability.
        groups: (N,) patients; None means that every case is its own patient.

    Returns:
        Intercept and slope; inestimable where one class is missing or the classes do not overlap.
    """
    truth, odds = as_binary(y, log_odds)
    n = len(truth)
    clusters = Clusters.by(groups, n)
    reason = one_class(truth)
    if not reason and min(clusters.among(truth), clusters.among(~truth)) < 2:
        reason = "fewer than two patients have, or lack, the finding"
    if reason:
        return inestimable(reason, n), inestimable(reason, n)
    fewest = min(clusters.among(truth), clusters.among(~truth))
    alone = _logistic_fit(truth, np.ones((n, 1)), odds, clusters, clusters.count)
    if np.ptp(odds) == 0:
        return alone, inestimable("all cases have one and the same probability", n)
    if odds[truth].min() >= odds[~truth].max() or odds[truth].max() <= odds[~truth].min():
        return alone, inestimable("the probabilities separate the classes without error", n)
    return alone, _logistic_fit(truth, np.column_stack([np.ones(n), odds]), np.zeros(n), clusters, fewest)


def _logistic_fit(
    y: NDArray[np.bool_],
    x: NDArray[np.float64],
    offset: NDArray[np.float64],
    clusters: Clusters,
    telling: int,
) -> Estimate:
    """Fit a logistic regression by Newton's method; return the last coefficient with its sandwich interval.

    `telling` patients give Student's t its degrees of freedom, fewer one.
    """
    n, k = x.shape
    beta = np.zeros(k)
    if k == 2:
        beta[1] = 1.0
    for _ in range(STEPS):
        mean = 1 / (1 + np.exp(-np.clip(x @ beta + offset, -500, 500)))
        information = (x * (mean * (1 - mean))[:, None]).T @ x
        if not np.isfinite(information).all() or np.linalg.cond(information) > 1e14:
            return inestimable("the fit does not settle", n)
        step = np.linalg.solve(information, x.T @ (y - mean))
        beta += np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-12:
            break
    else:
        return inestimable("the fit does not settle", n)
    scores = np.stack([clusters.sums(column * (y - mean)) for column in x.T], axis=1)
    inverse = np.linalg.inv(information)
    correction = clusters.count / (clusters.count - 1) * (n - 1) / (n - k)
    variance = (inverse @ (scores.T @ scores) @ inverse)[-1, -1] * correction
    value = float(beta[-1])
    if not variance > SMALLEST:
        return without_interval(
            value,
            f"errors cancel out within every {'case' if clusters.single else 'patient'}",
            n,
            clusters.count,
        )
    half = quantile(telling) * math.sqrt(variance)
    method = "logistic regression, sandwich" + clusters.named
    return Estimate(
        value=value, low=value - half, high=value + half, method=method, n=n, patients=clusters.count
    )


def observed_to_expected(y: ArrayLike, p: ArrayLike, groups: Groups = None) -> Estimate:
    """Estimate how many cases have the finding for each that the probabilities foretell (O/E; 1 is ideal).

    Args:
        y: (N,) bool, whether the finding is present.
        p: (N,) its probability.
        groups: (N,) patients; None means that every case is its own patient.
    """
    truth, score = as_binary(y, p)
    n = len(truth)
    if not n or score.sum() == 0:
        return inestimable("no case is expected", n)
    clusters = Clusters.by(groups, n)
    ratio = float(truth.sum() / score.sum())
    variance = clusters.variance((truth - ratio * score) / score.sum())
    if ratio == 0 or not variance > SMALLEST:
        bounds = proportion(truth, groups)
        scale = n / float(score.sum())
        return Estimate(
            value=ratio,
            low=bounds.low * scale,
            high=bounds.high * scale,
            method=f"{bounds.method}, over the expected share",
            n=n,
            patients=clusters.count,
        )
    reach = math.exp(quantile(clusters.count) * math.sqrt(variance) / ratio)
    return Estimate(
        value=ratio,
        low=ratio / reach,
        high=ratio * reach,
        method=f"ratio{clusters.named}, logarithmic scale",
        n=n,
        patients=clusters.count,
    )
