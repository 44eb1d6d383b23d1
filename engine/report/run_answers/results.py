"""What a report says of its results, for checklists."""

from __future__ import annotations

import math

from engine.data import patients_words
from engine.records import PART_NAMES
from engine.report.formatting import counted, figure, images, in_brackets, interval
from engine.report.passport_words import passport_line
from engine.report.records import Report


def metrics(report: Report) -> str:
    """Name the figures."""
    names = dict.fromkeys(name for one in report.against for name in one.estimates)
    return f"{', '.join(names)}." if names else ""


def precision(report: Report) -> str:
    """Say how certain the figures are."""
    known = [one for each in report.against for one in each.estimates.values() if math.isfinite(one.low)]
    how = ", ".join(dict.fromkeys(one.method for one in known))
    return f"95% intervals: {how}." if known else ""


def curves(report: Report) -> str:
    """Say which curves there are."""
    drawn = any(curve is not None for one in report.against for curve in one.roc.values())
    return "ROC and precision-recall curves." if drawn else ""


def subgroups(report: Report) -> str:
    """Name the columns by which cases are grouped."""
    columns = dict.fromkeys(row.column for row in report.subgroups)
    return f"Figures by {', '.join(columns)}." if columns else ""


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
    said = f"{', '.join(methods)}. " if methods else ""
    if pointing is not None:
        said += f"The peak lay on the known finding {in_brackets('hit rate', pointing)}. "
    return (said + (f"On validation images: {passport_line(passport)}" if passport else "")).strip()


def internal(report: Report) -> str:
    """Say on which part the figures are, and by what training was watched."""
    if report.run.supplied is not None or not report.history:
        return ""
    which = f"the {PART_NAMES[report.part]} part" if report.part else "all parts of the run’s own data"
    return f"Figures on {which}; loss and accuracy of every epoch on training and validation images."


def external(report: Report) -> str:
    """Name the external tests."""
    if report.run.supplied is not None:
        return f"Every case is taken as external to {report.run.supplied.title}, which was not trained in Overread."
    tests = report.elsewhere.tests
    named = "; ".join(f"{test.dataset_name} ({images(test.images)})" for test in tests)
    return f"Tested on {named}." if tests else ""


def updating(report: Report) -> str:
    """Say whether the model was changed for the cases of the report."""
    again = [test.dataset_name for test in report.elsewhere.tests if test.retuned is not None]
    if again:
        named = ", ".join(again)
        return (
            f"Operating point and probabilities tuned again to {named}, reported beside the unchanged model."
        )
    return "The model was not updated."


def patients(report: Report) -> str:
    """Count images and patients by part."""
    counted_ = [
        f"{part} {sum(of.values()):,} ({', '.join(f'{label} {count:,}' for label, count in of.items())})"
        for part, of in report.balance.items()
    ]
    return (
        f"Images: {'; '.join(counted_)}. In this report: {patients_words(report.patients)}."
        if counted_
        else ""
    )


def robustness(report: Report) -> str:
    """Say by which change fewest predicted classes stayed."""
    one = report.robustness
    if one is None or not one.steps:
        return ""
    worst = min(one.steps, key=lambda each: each.kept.value)
    return (
        f"{one.images:,} test images changed in {len(one.steps)} ways; fewest predicted classes stayed with "
        f"{worst.kind} at {worst.step:g}: {figure(worst.kept.value)} ({interval(worst.kept)})."
    )


def events(report: Report) -> str:
    """Count cases by class, for each reference standard."""
    said = []
    for one in report.against:
        counts = zip(report.classes, one.confusion.sum(axis=1).tolist(), strict=True)
        if one.cases:
            said.append(f"{one.name}: {', '.join(f'{name} {count:,}' for name, count in counts)}")
    return f"{'; '.join(said)}." if said else ""


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
            said.append(f"{one.name}: {in_brackets(name, one.estimates[name], one.note)}")
    return f"{'; '.join(said)}." if said else ""


def confusion(report: Report) -> str:
    """Say where the cross-table is."""
    held = [one.name for one in report.against if one.cases]
    return f"Predicted by {' and by '.join(held)}, in counts." if held else ""


def failures(report: Report) -> str:
    """Count the wrong cases that are shown."""
    wrong = {case.image_id for one in report.galleries for case in one.wrong}
    return (
        f"{counted(len(wrong), 'case')} with a wrong prediction shown, each with its heatmap where there is one."
        if wrong
        else ""
    )


def limitations(report: Report) -> str:
    """Count the limitations."""
    return (
        f"{counted(len(report.limitations), 'limitation')} that follow from the data."
        if report.limitations
        else ""
    )
