"""Several readers, the same cases, two or more modalities (MRMC): Obuchowski and Rockette, as Hillis mended it.

A reader's figure varies with the reader, with the modality and with the cases that happened to be read. The variance by
cases is the jackknife's, over patients; degrees of freedom are Hillis' (doi:10.1080/03610919508813243,
doi:10.1002/sim.2024, doi:10.1002/sim.2532). Cases that a reader did not rate with a modality are missing from that
figure alone: two figures are taken to covary by the cases that they share (doi:10.1002/sim.5926).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2, f as fisher, norm, t as student

from engine.errors import ReportError
from engine.records import Estimate
from engine.statistics.clusters import NAN, SMALLEST, Clusters, Groups
from engine.statistics.readers.components import FIGURES, Components
from engine.statistics.readers.figures import left_out

Figures = NDArray[np.float64]
ROUNDING = 1e-12  # of mean squares and covariances of areas and shares: less is nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """The difference of two modalities.

    Attributes:
        first: One modality.
        second: The other.
        difference: First minus second, with its interval.
        error: Its standard error.
        freedom: Degrees of freedom; infinite for a normal test.
        statistic: Difference over standard error.
        p_value: Two-sided, that there is no difference.
    """

    first: str
    second: str
    difference: Estimate
    error: float
    freedom: float
    statistic: float
    p_value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Analysis:
    """All modalities at once, for those to whom the result shall apply.

    Attributes:
        to: "readers and cases", "cases" (like these, read by these readers) or "readers" (like these, on these cases).
        statistic: F; for "cases" chi squared. NaN with one modality, or where no spread can be seen.
        freedom: Degrees of freedom of numerator and denominator; infinite for chi squared.
        p_value: That the modalities do not differ.
        contrasts: Every two modalities.
        means: The mean over readers with each modality.
    """

    to: str
    statistic: float
    freedom: tuple[float, float]
    p_value: float
    contrasts: tuple[Contrast, ...]
    means: tuple[Estimate, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mrmc:
    """What several readers did with several modalities.

    Attributes:
        figure: "AUC", "sensitivity" or "specificity".
        modalities: Names, T.
        readers: Names, R.
        figures: Each reader's figure: T rows of R.
        cases: With any rating.
        positives: Of them, with the finding.
        crossed: Cases that every reader rated with every modality.
        mean_squares: Of modality, reader, and modality by reader; NaN where there is one of either.
        components: Variances and covariances, as estimated: some may be below 0.
        analyses: Random readers and cases; fixed readers; fixed cases. The first and last need two readers.
        by_reader: For each reader, every two modalities, for cases like these.
        notes: What a reader of the table must know, as sentences.
    """

    figure: str
    modalities: tuple[str, ...]
    readers: tuple[str, ...]
    figures: tuple[tuple[float, ...], ...]
    cases: int
    positives: int
    crossed: int
    mean_squares: tuple[float, float, float]
    components: Components
    analyses: tuple[Analysis, ...]
    by_reader: tuple[tuple[Contrast, ...], ...]
    notes: tuple[str, ...]


def mrmc_analysis(
    truth: ArrayLike,
    ratings: ArrayLike,
    modalities: Sequence[str],
    readers: Sequence[str],
    *,
    figure: str = "AUC",
    groups: Groups = None,
) -> Mrmc:
    """Analyse a reader study.

    Args:
        truth: (N,) bool, whether the finding is present.
        ratings: (T, R, N), larger for more suspicious; for sensitivity and specificity 1 where the reader says that the
            finding is there, else 0. NaN where the reader gave no rating.
        modalities: T names; differences are of an earlier one minus a later one.
        readers: R names.
        figure: "AUC", "sensitivity" or "specificity".
        groups: (N,) patients; None means that every case is its own patient.

    Raises:
        ReportError: Where a reader's figure with a modality, or its variance, cannot be had: fewer than two patients
            have the finding, or lack it.
    """
    y, x = np.asarray(truth, dtype=bool), np.asarray(ratings, dtype=np.float64)
    if figure not in FIGURES:
        raise ReportError(f"Reader studies have no {figure!r}", f"Take one of: {', '.join(FIGURES)}")
    if x.shape != (len(modalities), len(readers), len(y)) or not x.size:
        raise ReportError(
            f"{len(modalities)} modalities, {len(readers)} readers and {len(y)} cases do not fit ratings of shape "
            f"{x.shape}",
            "Give one rating, or NaN, for each modality, reader and case",
        )
    rated = np.isfinite(x)
    if figure != "AUC" and not np.isin(x[rated], (0.0, 1.0)).all():
        raise ReportError(
            f"A {figure} is of verdicts, 0 or 1", "Give verdicts, or ask for the AUC of the ratings"
        )
    some = rated.any(axis=(0, 1))
    y, x, rated = y[some], x[:, :, some], rated[:, :, some]
    clusters = Clusters.by(None if groups is None else np.asarray(groups)[some], len(y))
    _refuse_small(figure, y, rated, clusters, modalities, readers)
    values, covariance = _jackknifed(figure, y, x, clusters)
    shape = values.shape
    matrix = covariance.reshape(*shape, *shape)
    squares, components = _components(values, matrix)
    crossed = int(rated.all(axis=(0, 1)).sum())
    return Mrmc(
        figure=figure,
        modalities=tuple(modalities),
        readers=tuple(readers),
        figures=tuple(tuple(float(each) for each in row) for row in values),
        cases=len(y),
        positives=int(y.sum()),
        crossed=crossed,
        mean_squares=squares,
        components=components,
        analyses=tuple(
            _analysis(to, values, matrix, squares, components, modalities, clusters)
            for to in (("readers and cases", "cases", "readers") if shape[1] > 1 else ("cases",))
        ),
        by_reader=tuple(
            _of_reader(values[:, r], matrix[:, r, :, r], modalities, clusters) for r in range(shape[1])
        ),
        notes=_notes(rated, crossed, components, modalities),
    )


def _refuse_small(
    figure: str,
    y: NDArray[np.bool_],
    rated: NDArray[np.bool_],
    clusters: Clusters,
    modalities: Sequence[str],
    readers: Sequence[str],
) -> None:
    kinds = {"sensitivity": (True,), "specificity": (False,)}.get(figure, (True, False))
    unit = "cases" if clusters.single else "patients"
    for t, modality in enumerate(modalities):
        for r, reader in enumerate(readers):
            for kind in kinds:
                if clusters.among(rated[t, r] & (y == kind)) < 2:
                    which = "with" if kind else "without"
                    raise ReportError(
                        f"{reader} rated fewer than two {unit} {which} the finding ({modality})",
                        "Leave this reader out, or wait for more readings",
                    )


def _jackknifed(
    figure: str, y: NDArray[np.bool_], x: Figures, clusters: Clusters
) -> tuple[Figures, NDArray[np.float64]]:
    """Return the figures, (T, R), and their covariance, (T R, T R), leaving out one patient at a time."""
    cells = [left_out(figure, y, ratings, clusters) for by_reader in x for ratings in by_reader]
    values = np.array([value for value, _ in cells]).reshape(x.shape[:2])
    without = np.stack([each for _, each in cells])
    # Of a share the jackknife is over the patients who count in it; of an area over all.
    kind = {"sensitivity": y, "specificity": ~y}.get(figure, np.ones(len(y), dtype=bool))
    counted = np.unique(clusters.of[kind])
    gaps = without[:, counted] - without[:, counted].mean(axis=1, keepdims=True)
    g = len(counted)
    return values, (g - 1) / g * gaps @ gaps.T


def _components(values: Figures, matrix: Figures) -> tuple[tuple[float, float, float], Components]:
    t, r = values.shape
    by_modality, by_reader, mean = values.mean(axis=1), values.mean(axis=0), values.mean()
    rest = values - by_modality[:, None] - by_reader[None, :] + mean
    of_modality = r * float(((by_modality - mean) ** 2).sum()) / (t - 1) if t > 1 else NAN
    of_reader = t * float(((by_reader - mean) ** 2).sum()) / (r - 1) if r > 1 else NAN
    of_both = float((rest**2).sum()) / ((t - 1) * (r - 1)) if t > 1 and r > 1 else NAN
    of_modality, of_reader, of_both = (
        0.0 if square < SMALLEST else square for square in (of_modality, of_reader, of_both)
    )
    same_t, same_r = np.eye(t, dtype=bool)[:, None, :, None], np.eye(r, dtype=bool)[None, :, None, :]

    def mean_where(chosen: NDArray[np.bool_]) -> float:
        cells = matrix[np.broadcast_to(chosen, matrix.shape)]
        return float(cells.mean()) if len(cells) else NAN

    error, cov1 = mean_where(same_t & same_r), mean_where(~same_t & same_r)
    cov2, cov3 = mean_where(same_t & ~same_r), mean_where(~same_t & ~same_r)
    # With one modality, what is left is the variance of readers with it.
    reader = of_reader - error + cov2 if t == 1 else (of_reader - of_both) / t - cov1 + cov3
    components = Components(
        reader=reader,
        modality_by_reader=of_both - error + cov1 + cov2 - cov3,
        error=error,
        cov1=cov1,
        cov2=cov2,
        cov3=cov3,
    )
    return (of_modality, of_reader, of_both), components


def _analysis(
    to: str,
    values: Figures,
    matrix: Figures,
    squares: tuple[float, float, float],
    components: Components,
    modalities: Sequence[str],
    clusters: Clusters,
) -> Analysis:
    t, r = values.shape
    of_modality, _, interaction = squares
    alike = 0.0 if math.isnan(components.cov3) else max(0.0, components.cov2 - components.cov3)
    if to == "cases":
        noise, freedom = components.error - components.cov1 + (r - 1) * alike, math.inf
    elif to == "readers":
        noise, freedom = interaction, float((t - 1) * (r - 1))
    else:
        noise = interaction + r * alike
        freedom = (t - 1) * (r - 1) * (noise / interaction) ** 2 if interaction > 0 else math.inf
    statistic, p_value = NAN, NAN
    if t > 1 and noise > 0:
        statistic = of_modality / noise * (t - 1 if to == "cases" else 1)
        p_value = float(
            fisher.sf(statistic, t - 1, freedom)
            if math.isfinite(freedom)
            else chi2.sf(statistic * (1 if to == "cases" else t - 1), t - 1)
        )
    means = values.mean(axis=1)
    error = math.sqrt(max(0.0, 2 * noise / r)) if t > 1 else NAN
    return Analysis(
        to=to,
        statistic=statistic,
        freedom=(float(t - 1), freedom),
        p_value=p_value,
        contrasts=tuple(
            _contrast((modalities[i], modalities[j]), float(means[i] - means[j]), error, freedom, clusters)
            for i, j in combinations(range(t), 2)
        ),
        means=tuple(_mean(to, values[i], matrix[i, :, i, :], clusters) for i in range(t)),
    )


def _mean(to: str, of: Figures, matrix: Figures, clusters: Clusters) -> Estimate:
    """Estimate the mean over readers with one modality, by what is known of that modality alone."""
    r = len(of)
    spread = float(of.var(ddof=1)) if r > 1 else NAN
    alike = max(0.0, float(matrix[~np.eye(r, dtype=bool)].mean())) if r > 1 else 0.0
    if to == "cases":
        variance, freedom = (float(np.trace(matrix)) / r + (r - 1) * alike) / r, math.inf
    elif to == "readers":
        variance, freedom = spread / r, r - 1.0
    else:
        noise = spread + r * alike
        variance = noise / r
        freedom = (r - 1) * (noise / spread) ** 2 if spread > 0 else math.inf
    return _estimate(float(of.mean()), math.sqrt(variance), freedom, clusters)


def _of_reader(
    of: Figures, matrix: Figures, modalities: Sequence[str], clusters: Clusters
) -> tuple[Contrast, ...]:
    """Compare modalities for one reader: with more than two, all of them give the error."""
    t = len(of)
    if t < 2:
        return ()
    shared = float(matrix[~np.eye(t, dtype=bool)].mean())
    error = math.sqrt(max(0.0, 2 * (float(np.trace(matrix)) / t - shared)))
    return tuple(
        _contrast((modalities[i], modalities[j]), float(of[i] - of[j]), error, math.inf, clusters)
        for i, j in combinations(range(t), 2)
    )


def _contrast(
    names: tuple[str, str], gap: float, error: float, freedom: float, clusters: Clusters
) -> Contrast:
    statistic, p_value = NAN, NAN
    if error > 0:
        statistic = gap / error
        p_value = 2 * float(
            student.sf(abs(statistic), freedom) if freedom < math.inf else norm.sf(abs(statistic))
        )
    return Contrast(
        first=names[0],
        second=names[1],
        difference=_estimate(gap, error, freedom, clusters),
        error=error,
        freedom=freedom,
        statistic=statistic,
        p_value=p_value,
    )


def _estimate(value: float, error: float, freedom: float, clusters: Clusters) -> Estimate:
    n = len(clusters.of)
    if not error > 0:
        method = "no interval: no spread can be seen"
        return Estimate(value=value, low=NAN, high=NAN, method=method, n=n, patients=clusters.count)
    half = error * float(student.ppf(0.975, freedom) if freedom < math.inf else norm.ppf(0.975))
    method = "Obuchowski and Rockette, jackknife" + clusters.named
    return Estimate(
        value=value, low=value - half, high=value + half, method=method, n=n, patients=clusters.count
    )


def _notes(
    rated: NDArray[np.bool_], crossed: int, components: Components, modalities: Sequence[str]
) -> tuple[str, ...]:
    notes = []
    t, r, n = rated.shape
    if crossed < n:
        notes.append(
            f"Not fully crossed: {crossed} of {n} cases were rated by every reader"
            f"{' with every modality' if t > 1 else ''}. Each figure rests on the cases its reader rated, and two "
            "figures are taken to covary by the cases that they share."
        )
    if t > 1 and r > 1 and components.cov2 < components.cov3 - ROUNDING:
        notes.append("Cov2 was estimated below Cov3; their difference counts as 0 in the tests.")
    if r > 1 and components.reader < -ROUNDING:
        notes.append(
            "The variance of readers was estimated below 0, which means that little of it can be seen."
        )
    if t > 1 and r > 1 and components.modality_by_reader < -ROUNDING:
        notes.append(
            "The variance of modality by reader was estimated below 0, which means that little of it can be seen."
        )
    if r == 1:
        notes.append("One reader: nothing can be said of other readers.")
    return tuple(notes)
