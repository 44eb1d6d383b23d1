"""What the printed figures mean, each with its source: a report defines those that it prints, and no others."""

from __future__ import annotations

from collections.abc import Iterable

from engine.language import N_, _
from engine.report.named.names import figure_words
from engine.report.named.of_methods import method_words

DEFINITIONS: dict[str, str] = {
    "sensitivity": N_(
        "share of the cases with the finding that were predicted to have it; for a class, its recall"
    ),
    "specificity": N_("share of the cases without the finding that were predicted to be without it"),
    "positive predictive value": N_(
        "share of the cases predicted to have the finding that have it (precision)"
    ),
    "negative predictive value": N_(
        "share of the cases predicted to be without the finding that are without it"
    ),
    "positive likelihood ratio": N_(
        "sensitivity / (1 − specificity): by what a positive result multiplies the odds of the finding "
        "(doi:10.1002/sim.3095 for the interval)"
    ),
    "negative likelihood ratio": N_(
        "(1 − sensitivity) / specificity: by what a negative result multiplies them"
    ),
    "F1": N_("harmonic mean of precision and sensitivity"),
    "AUROC": N_(
        "probability that a case with the finding has a higher score than one without, ties counted one half "
        "(doi:10.2307/2531595; by patient doi:10.2307/2533958)"
    ),
    "AUROC, mean over folds": N_(
        "mean of the areas of the models of a cross-validation, each on its own fold"
    ),
    "partial AUROC (specificity .9 to 1)": N_(
        "area under the ROC curve where the specificity is .9 or more, at most .1 (doi:10.1177/0272989X8900900307)"
    ),
    "average precision": N_(
        "mean of the precisions at each case with the finding, by falling score (area under the "
        "precision-recall curve without interpolation)"
    ),
    "accuracy": N_("share of the cases predicted to be of their class"),
    "balanced accuracy": N_("mean over the classes of the share predicted rightly"),
    "macro F1": N_("mean over the classes of F1"),
    "weighted F1": N_("mean over the classes of F1, each by its share of the cases"),
    "macro precision": N_("mean over the classes of the precision"),
    "weighted precision": N_("mean over the classes of the precision, each by its share of the cases"),
    "MCC": N_(
        "Matthews' correlation coefficient of class and prediction (doi:10.1016/j.compbiolchem.2004.09.006)"
    ),
    "Brier score": N_(
        "mean squared error of the probabilities (doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2)"
    ),
    "negative log-likelihood": N_(
        "mean of −ln p of the class that a case is of, in nats (doi:10.1198/016214506000001437)"
    ),
    "calibration error": N_(
        "mean gap of probability and observed frequency over ten bins (arXiv:1706.04599)"
    ),
    "calibration intercept": N_(
        "of a logistic regression on the log-odds whose slope is held at 1; 0 is ideal (doi:10.1186/s12916-019-1466-7)"
    ),
    "calibration slope": N_(
        "of a logistic regression on the log-odds; 1 is ideal (doi:10.1002/sim.4780131710)"
    ),
    "observed / expected": N_("cases with the finding for each that the probabilities foretell; 1 is ideal"),
}
"""Name of a figure → what it is."""
TOP_K = N_("share of the cases whose class is among the k most probable")
AT_PREVALENCE = N_("predictive values by Bayes' theorem at the prevalence named (doi:10.1002/sim.3095)")
INTERVALS = (
    ("Wilson", N_("score interval of a share (doi:10.1080/01621459.1927.10502953)")),
    (
        "by patient",
        N_("images of one patient counted for what they are worth together (doi:10.2307/2532311)"),
    ),
    ("square and add", N_("put together from the intervals of the parts (doi:10.1002/sim.3095)")),
    ("Obuchowski", N_("clustered variance of the area (doi:10.2307/2533958)")),
    ("DeLong", N_("variance of the area (doi:10.2307/2531595)")),
    ("Newcombe", N_("interval of an area near 1 (doi:10.1002/sim.2324)")),
    ("sandwich", N_("variance that heeds patients with several images (doi:10.1002/sim.4780131710)")),
)
"""What the name of a method holds → what that is."""


SUSPECTED = N_(
    "a label beside which a model that never saw the image finds another class likelier; ranked by 1 − the probability "
    "of the label (doi:10.1613/jair.1.12125)"
)


def definitions_of(
    names: Iterable[str], methods: Iterable[str], *, suspects: bool = False
) -> tuple[tuple[str, str], ...]:
    """Define the figures and the kinds of intervals that are printed.

    Args:
        names: Of figures.
        methods: Of their intervals.
        suspects: Whether labels suspected to be wrong are.
    """
    found = {}
    for name in names:
        if name in DEFINITIONS:
            found[figure_words(name)] = _(DEFINITIONS[name])
        elif name.startswith("top-"):
            found[_("top-k accuracy")] = _(TOP_K)
        elif " at " in name:
            found[_("predictive values at a prevalence")] = _(AT_PREVALENCE)
    if suspects:
        found[_("suspected label")] = _(SUSPECTED)
    used = " ".join(set(methods))
    intervals = {
        _("interval: {method}").format(method=method_words(part)): _(words)
        for part, words in INTERVALS
        if part in used
    }
    return (*found.items(), *intervals.items())
