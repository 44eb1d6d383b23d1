"""The figures of a whole report, each with its caption, in the order of its pages.

A figure is one entry of `OF_STANDARD` or `OF_RUN`: a function that draws it, or returns None where there is nothing to
draw, and one that says what can be seen. The pages, the bundle and the command line read these dictionaries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from markupsafe import Markup

from engine.language import _, isolated, number
from engine.report.drawn_records import ReaderPoint
from engine.report.figures.confusion import MANY, confusion_matrix_svg
from engine.report.figures.curves import precision_recall_svg, reliability_svg, roc_svg
from engine.report.figures.decisions import decision_curve_svg, risk_coverage_svg, scores_svg
from engine.report.figures.kept import kept
from engine.report.figures.training import balance_svg, training_svg
from engine.report.formatting import BALANCED
from engine.report.named.names import bands_words, share_words
from engine.report.records import Against, Report
from engine.statistics import BAND_METHOD


@dataclass(frozen=True, slots=True)
class OfStandard:
    """A figure of the predictions held against one reference standard."""

    draw: Callable[[Report, Against], Markup]
    caption: Callable[[Report, Against], str]
    there: Callable[[Report, Against], bool] = lambda report, against: True


@dataclass(frozen=True, slots=True)
class OfRun:
    """A figure that no reference standard changes."""

    draw: Callable[[Report], Markup | None]
    caption: Callable[[], str]
    there: Callable[[Report], bool]


def figures_of(report: Report, against: Against) -> dict[str, Markup]:
    """Return the figures of one reference standard: name → SVG; those that cannot be drawn are left out."""
    return {
        name: one.draw(report, against) for name, one in OF_STANDARD.items() if one.there(report, against)
    }


def caption_of(name: str, report: Report, against: Against) -> str:
    """Say what can be seen in a figure of `figures_of`."""
    return OF_STANDARD[name].caption(report, against)


def _confusion(report: Report, against: Against) -> Markup:
    return kept(confusion_matrix_svg, against.confusion, report.classes, standard=against.name)


def _roc(report: Report, against: Against) -> Markup:
    area = {row.name: row.auroc for row in against.rows}
    point = None
    if report.positive is not None:
        area[report.positive] = against.estimates["AUROC"]
        value = {name: each.value for name, each in against.estimates.items()}
        point = (1 - value["specificity"], value["sensitivity"])
    return kept(
        roc_svg,
        against.roc,
        areas=area,
        point=point,
        bands=against.curves.roc_bands,
        readers=_readers(report, against),
    )


def _precision_recall(report: Report, against: Against) -> Markup:
    prevalence = point = average = None
    if report.positive is not None:
        value = {name: each.value for name, each in against.estimates.items()}
        point = (value["sensitivity"], value["positive predictive value"])
        prevalence = _prevalence(report, against)
        average = {report.positive: against.estimates["average precision"]}
    return kept(
        precision_recall_svg,
        against.precision_recall,
        averages=average,
        prevalence=prevalence,
        point=point,
        bands=against.curves.precision_recall_bands,
        readers=_readers(report, against),
    )


def _reliability(report: Report, against: Against) -> Markup:
    what = report.positive or _("the most probable class")
    return kept(reliability_svg, against.reliability, error=against.estimates["calibration error"], what=what)


def _decision(report: Report, against: Against) -> Markup:
    return kept(
        decision_curve_svg,
        against.curves.net_benefit,
        finding=str(report.positive),
        threshold=_threshold(report),
    )


def _risk(report: Report, against: Against) -> Markup:
    return kept(risk_coverage_svg, against.curves.risk)


def _scores(report: Report, against: Against) -> Markup:
    return kept(scores_svg, against.curves.scores, finding=report.positive, threshold=_threshold(report))


def _prevalence(report: Report, against: Against) -> float:
    yes = report.classes.index(str(report.positive))
    return float(against.confusion[yes].sum() / against.confusion.sum())


def _threshold(report: Report) -> float | None:
    """Return the probability from which the finding is predicted, where that is one number."""
    return None if report.positive is None or report.folds is not None else report.run.threshold


def _readers(report: Report, against: Against) -> tuple[ReaderPoint, ...]:
    if report.positive is None:
        return ()
    return tuple(
        one for one in report.readers if one.standard == against.name and (one.blind or one.assisted)
    )


def _roc_words(report: Report, against: Against) -> str:
    kind = _("ROC curve") if report.positive else _("ROC curves, each class against the others")
    return _said_of_curves(kind, report, against, bool(against.curves.roc_bands))


def _precision_recall_words(report: Report, against: Against) -> str:
    kind = (
        _("Precision-recall curve")
        if report.positive
        else _("Precision-recall curves, each class against the others")
    )
    return _said_of_curves(kind, report, against, bool(against.curves.precision_recall_bands))


def _said_of_curves(kind: str, report: Report, against: Against, drawn: bool) -> str:
    clauses = [kind]
    if report.positive:
        clauses.append(_("the cross is the operating point"))
    if against.estimates:
        clauses.append(_("95% intervals in brackets"))
    said = [f"{_('; ').join(clauses)}."]
    if drawn:
        said.append(_("Shaded: {method}.").format(method=bands_words(BAND_METHOD)))
    if _readers(report, against):
        said.append(_("Arrows: each reader, on the cases of the study, from without the model to with it."))
    return " ".join(filter(None, (*said, _own_answers(report, against))))


def _own_answers(report: Report, against: Against) -> str:
    """Say of how many cases a reader is not held against a standard that rests on the reader's own answers."""
    own = [one for one in report.readers if one.standard == against.name and one.own]
    if not own or report.positive is None:
        return ""
    told = _(", ").join(
        _("{reader} of {study}: {count}").format(
            reader=isolated(one.reader), study=isolated(one.study), count=number(one.own)
        )
        for one in own
    )
    return _(
        "Cases whose class by this standard rests on the reader's own answer are left out ({readers})."
    ).format(readers=told)


def _confusion_words(report: Report, against: Against) -> str:
    if len(report.classes) >= MANY:
        return _(
            "Confusion matrix: counts, and the share of each row as colour; classes that are confused with each other "
            "stand side by side."
        )
    return _("Confusion matrix: counts, and the share of each row.")


def _reliability_words(report: Report, against: Against) -> str:
    if report.patients.patients < report.patients.named:
        return _(
            "Reliability: probability against observed frequency, with Wilson intervals by patient; below: cases a bin."
        )
    return _(
        "Reliability: probability against observed frequency, with Wilson intervals; below: cases a bin."
    )


def _decision_words(report: Report, against: Against) -> str:
    return _(
        "Decision curve (doi:10.1177/0272989X06295361): findings acted on less false alarms at their worth, for each "
        "case, at the prevalence of these cases ({prevalence}); shaded: pointwise 95% intervals."
    ).format(prevalence=share_words(_prevalence(report, against)))


def _risk_words(report: Report, against: Against) -> str:
    return _(
        "Risk by coverage: the share of wrong answers when only the most confident are kept and the others are left to "
        "people (arXiv:1705.08500)."
    )


def _scores_words(report: Report, against: Against) -> str:
    whose = (
        _("Probability of {finding}").format(finding=isolated(report.positive))
        if report.positive
        else _("Probability of the case's own class")
    )
    if _threshold(report) is not None:
        return _(
            "{probability}, by class of the reference standard; the line is the operating point."
        ).format(probability=whose)
    return _("{probability}, by class of the reference standard.").format(probability=whose)


OF_STANDARD: MappingProxyType[str, OfStandard] = MappingProxyType(
    {
        "confusion": OfStandard(_confusion, _confusion_words, lambda report, one: bool(one.cases)),
        "roc": OfStandard(
            _roc,
            _roc_words,
            lambda report, one: any(curve is not None for curve in one.roc.values()),
        ),
        "precision_recall": OfStandard(
            _precision_recall,
            _precision_recall_words,
            lambda report, one: any(curve is not None for curve in one.precision_recall.values()),
        ),
        "reliability": OfStandard(
            _reliability, _reliability_words, lambda report, one: bool(one.reliability)
        ),
        "decision_curve": OfStandard(
            _decision,
            _decision_words,
            lambda report, one: report.positive is not None and bool(one.curves.net_benefit),
        ),
        "risk_coverage": OfStandard(_risk, _risk_words, lambda report, one: one.curves.risk is not None),
        "scores": OfStandard(_scores, _scores_words, lambda report, one: bool(one.curves.scores)),
    }
)
"""Name → figure of one reference standard."""

OF_RUN: MappingProxyType[str, OfRun] = MappingProxyType(
    {
        "balance": OfRun(
            lambda report: kept(balance_svg, parts_and_epoch(report)),
            lambda: _("Images by class and part."),
            lambda report: bool(report.balance),
        ),
        "training": OfRun(
            training_svg,
            lambda: _("Training curves. Dotted: a new phase. Solid: the epoch whose weights were kept."),
            lambda report: report.folds is not None or bool(report.history),
        ),
    }
)
"""Name → figure of the run."""


def parts_and_epoch(report: Report) -> Mapping[str, Mapping[str, int]]:
    """Return the images of each part by class, and of an epoch after balancing where that changed them."""
    return {**report.balance, **({BALANCED: report.rebalanced} if report.rebalanced else {})}


def figures_of_run(report: Report) -> dict[str, tuple[Markup, str]]:
    """Draw the figures that no reference standard changes: name → figure and caption."""
    drawn = {name: one.draw(report) for name, one in OF_RUN.items() if one.there(report)}
    return {name: (svg, OF_RUN[name].caption()) for name, svg in drawn.items() if svg is not None}
