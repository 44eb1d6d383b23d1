"""How small a difference a study can see: one ROC curve, two of the same cases, several readers with two modalities.

One and two curves follow Obuchowski (doi:10.1177/096228029800700405) as pROC's `power.roc.test` has it, whose rounded
constants are kept; several readers follow Hillis, Obuchowski and Berbaum (doi:10.1016/j.acra.2010.09.007).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from types import MappingProxyType

from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.stats import f as fisher, ncf, ncx2, norm

from engine.errors import ReportError
from engine.language import N_, _, number, unitless, without_zero
from engine.statistics.clusters import NAN, Clusters
from engine.statistics.ranking import area_covariance, area_of, as_binary
from engine.statistics.readers.components import FIGURES, STRUCTURES, Components, expected_components

NULL_VARIANCE = 0.0792  # of an area of one half, per case and ratio
TO_A = 1.414  # pROC's square root of two

GENERALISED = MappingProxyType(
    {
        "readers and cases": "readers and cases like these",
        "cases": "cases like these, read by these readers alone",
        "readers": "readers like these, on these cases alone",
    }
)
"""To whom a result shall apply."""

LARGEST = 1e6  # of a non-centrality: beyond it nothing is left to be found


# ----------------------------------------------------------------------------------------------------- ROC curves


def one_curve_power(area: float, positives: float, negatives: float, *, alpha: float = 0.05) -> float:
    """Return the power of a two-sided test that an area under a ROC curve is not one half.

    Args:
        area: The true area, in (0.5, 1).
        positives: Cases with the finding.
        negatives: Cases without it.
        alpha: Of the test.
    """
    ratio = negatives / positives
    reach = math.sqrt(positives) * abs(area - 0.5) + float(norm.ppf(alpha / 2)) * math.sqrt(_null(ratio))
    return float(norm.cdf(reach / math.sqrt(_alternative(area, ratio))))


def one_curve_cases(
    area: float, *, ratio: float = 1.0, power: float = 0.8, alpha: float = 0.05
) -> tuple[float, float]:
    """Return how many cases with the finding, and without, the test of `one_curve_power` needs.

    Args:
        area: The true area, in (0.5, 1).
        ratio: Cases without the finding for each with it.
        power: Wanted.
        alpha: Of the test.
    """
    reach = float(norm.isf(alpha / 2)) * math.sqrt(_null(ratio))
    reach += float(norm.ppf(power)) * math.sqrt(_alternative(area, ratio))
    positives = (reach / (area - 0.5)) ** 2
    return positives, positives * ratio


def _null(ratio: float) -> float:
    return NULL_VARIANCE * (1 + 1 / ratio)


def _alternative(area: float, ratio: float) -> float:
    a = float(norm.ppf(area)) * TO_A
    return 0.0099 * math.exp(-(a**2) / 2) * (5 * a**2 + 8 + (a**2 + 8) / ratio)


def paired_curves_power(y: ArrayLike, first: ArrayLike, second: ArrayLike, *, alpha: float = 0.05) -> float:
    """Return the power that a study like this one has to tell two areas of the same cases apart (DeLong's variances).

    Under the null both areas vary like the first, so that the order of the two matters.

    Args:
        y: (N,) bool, whether the finding is present.
        first: (N,) scores that stand for both under the null.
        second: (N,) the other scores.
        alpha: Two-sided.
    """
    gap, null, alternative, positives, _ = _paired_curves(y, first, second)
    reach = math.sqrt(positives) * abs(gap) + float(norm.ppf(alpha / 2)) * math.sqrt(null)
    return float(norm.cdf(reach / math.sqrt(alternative)))


def paired_curves_cases(
    y: ArrayLike, first: ArrayLike, second: ArrayLike, *, power: float = 0.8, alpha: float = 0.05
) -> tuple[float, float]:
    """Return how many cases with the finding, and without, would tell two areas apart.

    The ratio of both is that of the cases given; arguments as `paired_curves_power`.
    """
    gap, null, alternative, m, n = _paired_curves(y, first, second)
    if gap == 0:
        return math.inf, math.inf
    reach = float(norm.isf(alpha / 2)) * math.sqrt(null) + float(norm.ppf(power)) * math.sqrt(alternative)
    positives = (reach / gap) ** 2
    return positives, positives * n / m


def _paired_curves(y: ArrayLike, first: ArrayLike, second: ArrayLike) -> tuple[float, float, float, int, int]:
    """Return the gap of two areas, its variance per positive under the null and not, and the cases of either class."""
    truth, one = as_binary(y, first)
    _, two = as_binary(y, second)
    m, n = int(truth.sum()), int((~truth).sum())
    if m < 2 or n < 2:
        raise ReportError(
            "Two ROC curves need at least two cases with the finding and two without it",
            "Add cases of the rarer kind",
        )
    clusters = Clusters.by(None, len(truth))
    a, b = area_of(truth, one, clusters), area_of(truth, two, clusters)
    of_first, of_second = area_covariance(a, a, clusters), area_covariance(b, b, clusters)
    together = area_covariance(a, b, clusters)
    null = max(0.0, 2 * of_first - 2 * together)
    return a.value - b.value, m * null, m * (of_first + of_second - 2 * together), m, n


# ------------------------------------------------------------------------------------------------ several readers


def study_power(
    difference: float,
    readers: int,
    components: Components,
    *,
    to: str = "readers and cases",
    alpha: float = 0.05,
) -> float:
    """Return the power of a fully crossed study of two modalities (doi:10.1016/j.acra.2010.09.007, equation 10).

    Args:
        difference: Between the modalities, in truth.
        readers: How many.
        components: Of the figure, for the cases of the study.
        to: To whom the result shall apply: one of `GENERALISED`.
        alpha: Two-sided.
    """
    noise, freedom = _noise(readers, components, to)
    return _chance(readers * difference**2 / 2 / noise, freedom, alpha)


def _noise(readers: int, components: Components, to: str) -> tuple[float, float]:
    """Return what a squared difference is held against, and the degrees of freedom that it is known with."""
    if to not in GENERALISED:
        raise ReportError(f"A result cannot apply to {to!r}", f"Take one of: {', '.join(GENERALISED)}")
    if to != "cases" and readers < 2:
        raise ReportError(f"A result for {GENERALISED[to]} needs at least two readers", "Add a reader")
    alike = max(0.0, components.cov2 - components.cov3)
    varies = max(0.0, components.modality_by_reader)
    unshared = components.error - components.cov1
    interaction = varies + unshared - alike
    if to == "readers":
        return interaction, readers - 1.0
    if to == "cases":
        return unshared + (readers - 1) * alike, math.inf
    noise = varies + unshared + (readers - 1) * alike
    return noise, (readers - 1) * (noise / interaction) ** 2


def _chance(centre: float, freedom: float, alpha: float) -> float:
    """Return how often a test with this non-centrality and degrees of freedom rejects."""
    if centre == 0:
        return alpha
    if math.isinf(freedom):
        return float(ncx2.sf(norm.isf(alpha / 2) ** 2, 1, centre))
    return float(ncf.sf(fisher.isf(alpha, 1, freedom), 1, freedom, centre))


def smallest_seen(
    readers: int,
    components: Components,
    *,
    to: str = "readers and cases",
    power: float = 0.8,
    alpha: float = 0.05,
) -> float:
    """Return the smallest difference that a study sees with the power wanted; arguments as `study_power`."""
    noise, freedom = _noise(readers, components, to)
    if _chance(LARGEST, freedom, alpha) < power:
        return NAN
    centre = brentq(lambda at: _chance(at, freedom, alpha) - power, 0.0, LARGEST, xtol=1e-9)
    return math.sqrt(2 * float(centre) * noise / readers)


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """The smallest difference that a planned study would see.

    Attributes:
        figure: Of which: one of `FIGURES`.
        expected: The figure without the machine.
        readers: How many.
        positives: Cases with the finding.
        negatives: Cases without it.
        power: With which it would be seen.
        alpha: Two-sided.
        difference: For readers and cases like these; NaN with one reader.
        lowest: The same, with the kindest of the structures of Roe and Metz.
        highest: With the least kind of them.
        these_readers: For these readers alone, and cases like these.
        structure: Of Roe and Metz, on which `difference` rests.
        components: That it comes to.
        source: Where the components are from.
        sentence: All of it in a sentence.
    """

    figure: str
    expected: float
    readers: int
    positives: int
    negatives: int
    power: float
    alpha: float
    difference: float
    lowest: float
    highest: float
    these_readers: float
    structure: str
    components: Components
    source: str
    sentence: str


SOURCE = N_(
    "variance structures of Roe and Metz (doi:10.1016/S1076-6332(97)80032-3), as components of Obuchowski and Rockette "
    "(doi:10.1002/sim.7616); power by Hillis, Obuchowski and Berbaum (doi:10.1016/j.acra.2010.09.007)"
)


def smallest_difference(
    readers: int,
    positives: int,
    negatives: int,
    *,
    figure: str = "AUC",
    expected: float | None = None,
    structure: str = "HH",
    power: float = 0.8,
    alpha: float = 0.05,
) -> Planned:
    """Say which difference between reading with and without the machine a planned study would see.

    Every reader reads every case both ways. No readings are there yet, so that what readers and cases vary is taken
    from Roe and Metz; over their four structures the answer is given as a range.

    Args:
        readers: How many.
        positives: Cases with the finding.
        negatives: Cases without it.
        figure: One of `FIGURES`: the area needs ratings, the others a verdict.
        expected: The figure without the machine, in (0, 1); None takes .855 for the area, the model's own, and .8 for
            the others.
        structure: The one of `STRUCTURES` to plan with.
        power: With which the difference shall be seen.
        alpha: Two-sided.

    Raises:
        ReportError: Where there is no such study.
    """
    if figure not in FIGURES:
        raise ReportError(f"A study cannot be planned for {figure!r}", f"Take one of: {', '.join(FIGURES)}")
    if (
        readers < 1
        or (figure != "specificity" and positives < 1)
        or (figure != "sensitivity" and negatives < 1)
    ):
        raise ReportError(
            f"There is no {figure} with {readers} readers, {positives} positive and {negatives} negative cases",
            "Take at least one of each",
        )
    expected = expected if expected is not None else 0.855 if figure == "AUC" else 0.8
    if not (0 < expected < 1 and 0 < power < 1 and 0 < alpha < 1):
        raise ReportError(
            "The expected figure, the power and the level of the test each lie between 0 and 1",
            "Give a number such as 0.85, 0.8 or 0.05",
        )
    if structure not in STRUCTURES:
        raise ReportError(
            f"There is no variance structure {structure!r}", f"Take one of: {', '.join(STRUCTURES)}"
        )
    found = {
        name: expected_components(each, expected, positives, negatives, figure=figure)
        for name, each in STRUCTURES.items()
    }
    seen = {
        name: smallest_seen(readers, each, power=power, alpha=alpha) if readers > 1 else NAN
        for name, each in found.items()
    }
    plan = Planned(
        figure=figure,
        expected=expected,
        readers=readers,
        positives=positives,
        negatives=negatives,
        power=power,
        alpha=alpha,
        difference=seen[structure],
        lowest=min(seen.values()),
        highest=max(seen.values()),
        these_readers=smallest_seen(readers, found[structure], to="cases", power=power, alpha=alpha),
        structure=structure,
        components=found[structure],
        source=SOURCE,
        sentence="",
    )
    return replace(plan, sentence=_sentence(plan))


def _sentence(plan: Planned) -> str:
    """Say what a plan comes to."""
    kinds = {
        "sensitivity": _("{positives} positive cases"),
        "specificity": _("{negatives} negative cases"),
    }
    cases = kinds.get(plan.figure, _("{positives} positive and {negatives} negative cases")).format(
        positives=number(plan.positives), negatives=number(plan.negatives)
    )
    figure = {"sensitivity": _("sensitivity"), "specificity": _("specificity")}.get(plan.figure, plan.figure)
    if plan.readers == 1:
        said = _(
            "With 1 reader and {cases}, the smallest difference in {figure} that would be seen is {these}, and speaks "
            "of this reader alone (power {power}, two-sided level {alpha}, planned from {figure} {expected})."
        )
    else:
        said = _(
            "With {readers} readers and {cases}, the smallest difference in {figure} that would be seen is "
            "{difference} ({low} to {high}, depending on how much readers and cases vary), or {these} if it is to hold "
            "for these {readers} readers alone (power {power}, two-sided level {alpha}, planned from {figure} "
            "{expected})."
        )
    told = said.format(
        readers=number(plan.readers),
        cases=cases,
        figure=figure,
        difference=_two(plan.difference),
        low=_two(plan.lowest),
        high=_two(plan.highest),
        these=_two(plan.these_readers),
        power=unitless(plan.power),
        alpha=unitless(plan.alpha),
        expected=unitless(plan.expected),
    )
    least = plan.these_readers if plan.readers == 1 else plan.difference
    if not least > 1 - plan.expected:  # NaN is no gain either
        return told
    beyond = _("From {expected} no reader can gain that much.")
    return f"{told} {beyond.format(expected=unitless(plan.expected))}"


def _two(value: float) -> str:
    return without_zero(number(value, 2)) if math.isfinite(value) else "–"
