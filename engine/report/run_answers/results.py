"""What a report says of its results, for checklists."""

from __future__ import annotations

import math

from engine.data import patients_words
from engine.language import _, counted, isolated, listed, ngettext, number, unitless
from engine.records import PART_NAMES
from engine.report.formatting import figure, in_brackets, interval
from engine.report.named.names import change_words, figure_words, label_words, part_words, standard_words
from engine.report.named.of_methods import method_words
from engine.report.passport_words import passport_line
from engine.report.records import Report
from engine.retelling import retold


def metrics(report: Report) -> str:
    """Name the figures."""
    names = dict.fromkeys(name for one in report.against for name in one.estimates)
    return f"{_(', ').join(map(figure_words, names))}." if names else ""


def precision(report: Report) -> str:
    """Say how certain the figures are."""
    known = [one for each in report.against for one in each.estimates.values() if math.isfinite(one.low)]
    how = _(", ").join(dict.fromkeys(method_words(one.method) for one in known))
    return _("95% intervals: {methods}.").format(methods=how) if known else ""


def curves(report: Report) -> str:
    """Say which curves there are."""
    drawn = any(curve is not None for one in report.against for curve in one.roc.values())
    return _("ROC and precision-recall curves.") if drawn else ""


def subgroups(report: Report) -> str:
    """Name the columns by which cases are grouped."""
    columns = dict.fromkeys(row.column for row in report.subgroups)
    return _("Figures by {columns}.").format(columns=listed(columns)) if columns else ""


def explanations(report: Report) -> str:
    """Say how predictions are explained, and what showed that the explanations can be believed."""
    pointing, passport = report.pointing, report.passport
    compared = (
        pointing is not None or any(one.name == "pointing" for one in passport.figures)
        if passport
        else pointing
    )
    methods = dict.fromkeys(
        case.legend.method for one in report.galleries for case in (*one.wrong, *one.right) if case.legend
    )
    if not compared or not (methods or passport):
        return ""
    said = [f"{listed(map(retold, methods))}."] if methods else []
    if pointing is not None:
        told = _("The peak lay on the known finding {figure}.")
        said.append(told.format(figure=in_brackets(_("hit rate"), pointing)))
    if passport:
        said.append(_("On validation images: {answers}").format(answers=passport_line(passport)))
    return " ".join(said)


def internal(report: Report) -> str:
    """Say on which part the figures are, and by what training was watched."""
    if report.run.supplied is not None or not report.history:
        return ""
    told = (
        _("Figures on the {part} part; loss and accuracy of every epoch on training and validation images.")
        if report.part
        else _(
            "Figures on all parts of the run’s own data; loss and accuracy of every epoch on training and "
            "validation images."
        )
    )
    return told.format(part=part_words(PART_NAMES[report.part])) if report.part else told


def external(report: Report) -> str:
    """Name the external tests."""
    if report.run.supplied is not None:
        told = _("Every case is taken as external to {model}, which was not trained in Overread.")
        return told.format(model=isolated(report.run.supplied.title))
    tests = report.elsewhere.tests
    named = _("; ").join(f"{isolated(test.dataset_name)} ({counted(test.images, 'image')})" for test in tests)
    return _("Tested on {sets}.").format(sets=named) if tests else ""


def updating(report: Report) -> str:
    """Say whether the model was changed for the cases of the report."""
    again = [test.dataset_name for test in report.elsewhere.tests if test.retuned is not None]
    if not again:
        return _("The model was not updated.")
    told = _("Operating point and probabilities tuned again to {sets}, reported beside the unchanged model.")
    return told.format(sets=listed(again))


def patients(report: Report) -> str:
    """Count images and patients by part."""
    by_part = []
    for part, of in report.balance.items():
        labels = _(", ").join(
            f"{isolated(label_words(label))} {number(count)}" for label, count in of.items()
        )
        by_part.append(f"{part_words(part)} {number(sum(of.values()))} ({labels})")
    told = _("Images: {parts}. In this report: {patients}.")
    known = patients_words(report.patients)
    return told.format(parts=_("; ").join(by_part), patients=known) if by_part else ""


def robustness(report: Report) -> str:
    """Say by which change fewest predicted classes stayed."""
    one = report.robustness
    if one is None or not one.steps:
        return ""
    worst = min(one.steps, key=lambda each: each.kept.value)
    told = _(
        "{count} test images changed in {ways} ways; fewest predicted classes stayed with {change} at {step}: "
        "{value} ({interval})."
    )
    return told.format(
        count=number(one.images),
        ways=number(len(one.steps)),
        change=change_words(worst.kind),
        step=unitless(worst.step),
        value=figure(worst.kept.value),
        interval=interval(worst.kept),
    )


def events(report: Report) -> str:
    """Count cases by class, for each reference standard."""
    said = []
    for one in report.against:
        counts = zip(report.classes, one.confusion.sum(axis=1).tolist(), strict=True)
        if one.cases:
            by_class = _(", ").join(f"{isolated(name)} {number(count)}" for name, count in counts)
            said.append(f"{standard_words(one.name)}: {by_class}")
    return f"{_('; ').join(said)}." if said else ""


def performance(report: Report) -> str:
    """Give the area under the curve, or the accuracy, against each reference standard."""
    said = []
    for one in report.against:
        name = next(
            (
                each
                for each in ("AUROC", "accuracy")
                if each in one.estimates and math.isfinite(one.estimates[each].value)
            ),
            "",
        )
        if name:
            told = in_brackets(figure_words(name), one.estimates[name], one.note)
            said.append(f"{standard_words(one.name)} {told}")
    return f"{_('; ').join(said)}." if said else ""


def confusion(report: Report) -> str:
    """Say where the cross-table is."""
    held = [standard_words(one.name) for one in report.against if one.cases]
    told = _("Predicted by {standards}, in counts.")
    return told.format(standards=_(" and by ").join(held)) if held else ""


def failures(report: Report) -> str:
    """Count the wrong cases that are shown."""
    wrong = {case.image_id for one in report.galleries for case in one.wrong}
    told = ngettext(
        "{count} case with a wrong prediction shown, each with its heatmap where there is one.",
        "{count} cases with a wrong prediction shown, each with its heatmap where there is one.",
        len(wrong),
    )
    return told.format(count=number(len(wrong))) if wrong else ""


def limitations(report: Report) -> str:
    """Count the limitations."""
    count = len(report.limitations)
    told = ngettext(
        "{count} limitation that follows from the data.",
        "{count} limitations that follow from the data.",
        count,
    )
    return told.format(count=number(count)) if count else ""
