"""Figures in words, as a journal prints them: three decimals, no zero before the point, intervals with a dash.

One rule for a decimal anywhere in a report, its figures, the pages and the terminal. In English a number without a unit
has no zero before its point where it lies between −1 and 1: a proportion, a probability, a difference, a coefficient,
the number of an axis, a setting of the network (.954, .2612, -.120, .003). A number with a unit right behind it keeps
its zero, as measures do: 0.6%, 0.5 s, 0.3 px. In another language a figure is written with that language's digits and
signs, and a zero before the point. Whoever writes a number takes `figure`, `interval`, `probability` or
`engine.language.unitless`; JSON, CSV and Parquet hold numbers as machines read them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.language import ENGLISH, _, counted, isolated, language, ngettext, number, right_to_left, shorn
from engine.records import (
    Estimate,
    Run,
    recipe_of,
)
from engine.report.named.names import capitalized, figure_words
from engine.report.named.of_methods import method_words
from engine.retelling import retold

BALANCED = "training, in an epoch"
"""The training part as one epoch shows it after balancing, beside the parts of the data."""


def figure(value: float, digits: int = 3) -> str:
    """Write a figure: .944, -.120, 1.000, 12.500, ∞; an en dash where there is none."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "-∞"
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text, value = f"{0:.{digits}f}", 0.0  # never a minus before zero
    if language() != ENGLISH:
        return number(value, digits)
    return shorn(text)


def p_value(value: float) -> str:
    """Write a p-value as journals want it: .058, < .001; an en dash where there is none."""
    return f"< {figure(0.001)}" if value < 0.001 else figure(value)


def interval(estimate: Estimate, digits: int = 3) -> str:
    """Write the bounds: .907–.967; an en dash alone where there are none."""
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return "–"
    low, high = figure(estimate.low, digits), figure(estimate.high, digits)
    negative = round(estimate.low, digits) < 0
    said = _("{low} to {high}").format(low=low, high=high) if negative else f"{low}–{high}"
    if not right_to_left(language()):
        return said
    return (
        f"\u2067{said}\u2069" if negative else f"\u2066{said}\u2069"
    )  # words run to the left, a dash does not


def in_brackets(name: str, estimate: Estimate, note: str = "") -> str:
    """Write (sensitivity .944, 95% interval .907–.967), and a note that must not be parted from the number."""
    beside = f"{_('; ')}{note}" if note else ""
    if not math.isfinite(estimate.value):
        return f"({name} {method_words(estimate.method)})"
    if not math.isfinite(estimate.low):
        return f"({name} {figure(estimate.value)}{_(', ')}{method_words(estimate.method)}{beside})"
    return _("({figure} {value}, 95% interval {interval}{note})").format(
        figure=name, value=figure(estimate.value), interval=interval(estimate), note=beside
    )


def rests_on(estimate: Estimate) -> str:
    """Write what a figure rests on: 120 images of 80 patients, worth 95; patients only where they are known."""
    said, fields = counted(estimate.n, "image"), rests_in(estimate)
    if estimate.patients is not None and "patients" in fields:
        said = _("{images} of {patients}").format(images=said, patients=counted(estimate.patients, "patient"))
    if estimate.effective_n is not None and "effective_n" in fields:
        said = _("{images}, worth {count}").format(images=said, count=number(estimate.effective_n))
    return said


def rests_in(estimate: Estimate) -> tuple[str, ...]:
    """Return the fields of an estimate whose numbers `rests_on` writes, in its order."""
    patients = estimate.patients is not None and estimate.patients != estimate.n
    worth = estimate.effective_n is not None and round(estimate.effective_n) < estimate.n
    return ("n", *(("patients",) if patients else ()), *(("effective_n",) if worth else ()))


def probability(value: float) -> str:
    """Write a probability with four digits, or as many as tell it from 0 and 1: .42, .00001234, .99998."""
    digits = next(
        (some for some in range(4, 17) if not 0 < value < 1 or 0 < float(f"{value:.{some}g}") < 1), 17
    )
    text = np.format_float_positional(float(f"{value:.{digits}g}"), trim="-")
    return shorn(text) if language() == ENGLISH else number(float(text), len(text.partition(".")[2]))


def edge_words(run: Run) -> str:
    """Say from which probability the finding is predicted; in a cross-validation that is said model by model."""
    if not run.folds:
        return _("at a probability of {probability} or above").format(probability=probability(run.threshold))
    return _(
        "at or above the operating point of the model that tested the image, chosen without it; where all "
        "{count} models speak, at a probability of {probability} or above, the mean of their operating points in "
        "log-odds"
    ).format(count=number(run.folds), probability=probability(run.threshold))


def operating_words(run: Run) -> str:
    """Say how the operating point did on validation data, and what was not as asked; empty where that is not known."""
    if run.validated is None:
        return ""
    chosen = recipe_of(run).operating_point not in ("half", "as-trained")
    where = (
        _("On the validation cases on which it was chosen: {sensitivity}, {specificity}.")
        if chosen
        else _("On validation cases: {sensitivity}, {specificity}.")
    )

    def told(name: str, one: Estimate) -> str:
        if not math.isfinite(one.value):
            return f"{name} {method_words(one.method)}"
        said = (
            _("{name} {value} (95% interval {interval}; {images})")
            if one.patients is None
            else _("{name} {value} (95% interval {interval}; {images} of {patients})")
        )
        return said.format(
            name=name,
            value=figure(one.value),
            interval=interval(one),
            images=counted(one.n, "image"),
            patients=counted(one.patients or 0, "patient"),
        )

    figures = where.format(
        sensitivity=told(_("sensitivity"), run.validated.sensitivity),
        specificity=told(_("specificity"), run.validated.specificity),
    )
    return f"{figures} {retold(run.validated.note)}".strip()


def counts_in_words(run: Run, confusion: NDArray[np.int64]) -> tuple[str, ...]:
    """Say of each class how many of the cases read were classified as it: counts, and no share."""
    total, right = int(confusion.sum()), int(np.trace(confusion))
    said = [
        ngettext(
            "Of {images} read, {count} was classified correctly.",
            "Of {images} read, {count} were classified correctly.",
            right,
        ).format(images=counted(total, "image"), count=number(right))
    ]
    for place, name in enumerate(run.classes):
        of, found = int(confusion[place].sum()), int(confusion[place, place])
        if of:
            said.append(
                ngettext(
                    "Of {images} with {name} by the readers, {count} was classified as {name}.",
                    "Of {images} with {name} by the readers, {count} were classified as {name}.",
                    found,
                ).format(images=counted(of, "image"), name=isolated(name), count=number(found))
            )
    return tuple(said)


def were(count: int) -> str:
    """Write the verb that goes with a count."""
    return "was" if count == 1 else "were"


def weighted_sentences(estimates: Mapping[str, Estimate]) -> tuple[str, ...]:
    """Say weighted figures, each with what must stand beside it."""
    return tuple(
        _("{figure}, weighted to all cases: {value} (95% interval {interval}; from {count} read).").format(
            figure=capitalized(figure_words(name)),
            value=figure(each.value),
            interval=interval(each),
            count=number(each.n),
        )
        if math.isfinite(each.value)
        else f"{capitalized(figure_words(name))} {method_words(each.method)}."
        for name, each in estimates.items()
    )


def sentences(
    run: Run, confusion: NDArray[np.int64], estimates: Mapping[str, Estimate], *, note: str = ""
) -> tuple[str, ...]:
    """Say the main figures in plain sentences.

    Args:
        run: For class names and operating point.
        confusion: (C, C), rows by reference standard.
        estimates: Of `engine.statistics.classification_report.overall`.
        note: What must stand beside every number.
    """
    total, right = int(confusion.sum()), int(np.trace(confusion))
    if not total:
        return (_("No result can be given, because no case has a label in this reference standard."),)
    said: list[str] = []
    if len(run.classes) == 2:
        said += _of_finding(run, confusion, estimates, note)
    said.insert(
        0 if len(run.classes) > 2 else 2,
        ngettext(
            "Of {images} in total, {count} was classified correctly {figure}.",
            "Of {images} in total, {count} were classified correctly {figure}.",
            right,
        ).format(
            images=counted(total, "image"),
            count=number(right),
            figure=in_brackets(_("accuracy"), estimates["accuracy"], note),
        ),
    )
    return (*said, _of_area(run, estimates["AUROC"], note))


def _of_finding(
    run: Run, confusion: NDArray[np.int64], estimates: Mapping[str, Estimate], note: str
) -> Iterator[str]:
    """Say of how many cases with the finding and without it, and predicted so, the model was right."""
    yes = run.classes.index(run.positive)
    no = 1 - yes
    positive, negative = run.classes[yes], run.classes[no]
    for code, who, key, called in (
        (yes, _("with {finding}").format(finding=isolated(positive)), "sensitivity", _("sensitivity")),
        (
            no,
            _("without {finding} ({other})").format(finding=isolated(positive), other=isolated(negative)),
            "specificity",
            _("specificity"),
        ),
    ):
        found = int(confusion[code, code])
        if count := int(confusion[code].sum()):
            yield ngettext(
                "Of {images} {who}, {count} was classified as {name} {figure}.",
                "Of {images} {who}, {count} were classified as {name} {figure}.",
                found,
            ).format(
                images=counted(count, "image"),
                who=who,
                count=number(found),
                name=isolated(run.classes[code]),
                figure=in_brackets(called, estimates[key], note),
            )
        else:
            yield _("There is no image {who}, so the {figure} cannot be estimated.").format(
                who=who, figure=called
            )
    for code, name, key, called in (
        (yes, positive, "positive predictive value", _("positive predictive value")),
        (no, negative, "negative predictive value", _("negative predictive value")),
    ):
        found = int(confusion[code, code])
        if predicted := int(confusion[:, code].sum()):
            yield ngettext(
                "Of {images} classified as {name}, {count} was correct {figure}.",
                "Of {images} classified as {name}, {count} were correct {figure}.",
                found,
            ).format(
                images=counted(predicted, "image"),
                name=isolated(name),
                count=number(found),
                figure=in_brackets(called, estimates[key], note),
            )


def _of_area(run: Run, area: Estimate, note: str) -> str:
    """Say how many pairs were ranked correctly; why that is not known, where it is not."""
    if not math.isfinite(area.value):
        return _("The area under the ROC curve {why}.").format(why=method_words(area.method))
    told = {
        "percent": number(100 * area.value, 1),
        "figure": in_brackets(_("area under the ROC curve"), area, note),
    }
    if len(run.classes) == 2:
        return _(
            "Of all pairs of an image with {finding} and one without, {percent}% were ranked correctly {figure}."
        ).format(finding=isolated(run.positive), **told)
    return _(
        "Averaged over the classes, of all pairs of an image of a class and one of another class, {percent}% were "
        "ranked correctly {figure}."
    ).format(**told)


SHORTEST_CASE_ID = 8
CASE = "c"


def case_ids(image_ids: Sequence[str]) -> dict[str, str]:
    """Shorten image ids to their first eight digits, or to as many as tell the cases apart, a letter before them.

    Without the letter a spreadsheet reads 00012345 and 1e100000 as numbers, and the case is lost.
    """
    length = SHORTEST_CASE_ID
    while len({each[:length] for each in image_ids}) < len(set(image_ids)):
        length += 2
    return {each: CASE + each[:length] for each in image_ids}


def without_paths(text: str) -> str:
    """Leave the last part of every path in a text; addresses on the web stay."""
    text = re.sub(r"file:/*(?=[/\\]|[A-Za-z]:)", "", text)
    return re.sub(r"(?<![\w:/\\.])(?:[A-Za-z]:|~)?[\\/](?:[^\\/\n]+[\\/])+", "", text)


def duration(seconds: float) -> str:
    """Write 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
