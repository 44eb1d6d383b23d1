"""Figures in words, as a journal prints them: three decimals, no zero before the point, intervals with a dash."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.records import (
    Estimate,
    Run,
    recipe_of,
)

BALANCED = "training, in an epoch"
"""The training part as one epoch shows it after balancing, beside the parts of the data."""


def figure(value: float, digits: int = 3) -> str:
    """Write a figure: .944, -.120, 1.000, 12.500, ∞; an en dash where there is none."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "-∞"
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = f"{0:.{digits}f}"  # never a minus before zero
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def p_value(value: float) -> str:
    """Write a p-value as journals want it: .058, < .001; an en dash where there is none."""
    return "< .001" if value < 0.001 else figure(value)


def interval(estimate: Estimate, digits: int = 3) -> str:
    """Write the bounds: .907–.967; an en dash alone where there are none."""
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return "–"
    low, high = figure(estimate.low, digits), figure(estimate.high, digits)
    return f"{low}{' to ' if low.startswith('-') else '–'}{high}"


def in_brackets(name: str, estimate: Estimate, note: str = "") -> str:
    """Write (sensitivity .944, 95% interval .907–.967), and a note that must not be parted from the number."""
    beside = f"; {note}" if note else ""
    if not math.isfinite(estimate.value):
        return f"({name} {estimate.method})"
    if not math.isfinite(estimate.low):
        return f"({name} {figure(estimate.value)}, {estimate.method}{beside})"
    return f"({name} {figure(estimate.value)}, 95% interval {interval(estimate)}{beside})"


def rests_on(estimate: Estimate) -> str:
    """Write what a figure rests on: 120 images of 80 patients, worth 95; patients only where they are known."""
    said = images(estimate.n)
    if estimate.patients is not None and estimate.patients != estimate.n:
        said += f" of {counted(estimate.patients, 'patient')}"
    if estimate.effective_n is not None and round(estimate.effective_n) < estimate.n:
        said += f", worth {estimate.effective_n:,.0f}"
    return said


def images(count: int) -> str:
    """Write 1 image, 1,234 images."""
    return counted(count, "image")


def counted(count: int, what: str) -> str:
    """Write 1 case, 1,234 cases."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def probability(value: float) -> str:
    """Write a probability with four digits, or as many as tell it from 0 and 1: 0.42, 0.00001234, 0.99998."""
    digits = next(
        (some for some in range(4, 17) if not 0 < value < 1 or 0 < float(f"{value:.{some}g}") < 1), 17
    )
    return np.format_float_positional(float(f"{value:.{digits}g}"), trim="-")


def edge_words(run: Run) -> str:
    """Say from which probability the finding is predicted; in a cross-validation that is said model by model."""
    if not run.folds:
        return f"at a probability of {probability(run.threshold)} or above"
    return (
        "at or above the operating point of the model that tested the image, chosen without it; where all "
        f"{run.folds} models speak, at a probability of {probability(run.threshold)} or above, the mean of their "
        "operating points in log-odds"
    )


def operating_words(run: Run) -> str:
    """Say how the operating point did on validation data, and what was not as asked; empty where that is not known."""
    if run.validated is None:
        return ""
    chosen = recipe_of(run).operating_point not in ("half", "as-trained")
    where = "On the validation cases on which it was chosen" if chosen else "On validation cases"

    def told(name: str, one: Estimate) -> str:
        if not math.isfinite(one.value):
            return f"{name} {one.method}"
        of = "" if one.patients is None else f" of {counted(one.patients, 'patient')}"
        return f"{name} {figure(one.value)} (95% interval {interval(one)}; {images(one.n)}{of})"

    figures = told("sensitivity", run.validated.sensitivity), told("specificity", run.validated.specificity)
    return f"{where}: {', '.join(figures)}. {run.validated.note}".strip()


NO_LABEL = "No result can be given, because no case has a label in this reference standard."


def counts_in_words(run: Run, confusion: NDArray[np.int64]) -> tuple[str, ...]:
    """Say of each class how many of the cases read were classified as it: counts, and no share."""
    total, right = int(confusion.sum()), int(np.trace(confusion))
    said = [f"Of {images(total)} read, {right:,} {were(right)} classified correctly."]
    for place, name in enumerate(run.classes):
        of, found = int(confusion[place].sum()), int(confusion[place, place])
        if of:
            said.append(
                f"Of {images(of)} with {name} by the readers, {found:,} {were(found)} classified as {name}."
            )
    return tuple(said)


def were(count: int) -> str:
    """Write the verb that goes with a count."""
    return "was" if count == 1 else "were"


def weighted_sentences(estimates: Mapping[str, Estimate]) -> tuple[str, ...]:
    """Say weighted figures, each with what must stand beside it."""
    return tuple(
        f"{name.capitalize()}, weighted to all cases: {figure(each.value)} "
        f"(95% interval {interval(each)}; from {each.n:,} read)."
        if math.isfinite(each.value)
        else f"{name.capitalize()} {each.method}."
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
        return (NO_LABEL,)
    said = []
    accuracy = in_brackets("accuracy", estimates["accuracy"], note)
    area = estimates["AUROC"]
    if len(run.classes) == 2:
        yes = run.classes.index(run.positive)
        no = 1 - yes
        positive, negative = run.classes[yes], run.classes[no]
        for code, who, label in (
            (yes, f"with {positive}", "sensitivity"),
            (no, f"without {positive} ({negative})", "specificity"),
        ):
            found = int(confusion[code, code])
            if count := int(confusion[code].sum()):
                said.append(
                    f"Of {images(count)} {who}, {found:,} {were(found)} classified as {run.classes[code]} "
                    f"{in_brackets(label, estimates[label], note)}."
                )
            else:
                said.append(f"There is no image {who}, so the {label} cannot be estimated.")
        for code, name, label in (
            (yes, positive, "positive predictive value"),
            (no, negative, "negative predictive value"),
        ):
            found = int(confusion[code, code])
            if predicted := int(confusion[:, code].sum()):
                said.append(
                    f"Of {images(predicted)} classified as {name}, {found:,} {were(found)} correct "
                    f"{in_brackets(label, estimates[label], note)}."
                )
        if math.isfinite(area.value):
            said.append(
                f"Of all pairs of an image with {positive} and one without, {100 * area.value:.1f}% were ranked "
                f"correctly {in_brackets('area under the ROC curve', area, note)}."
            )
    elif math.isfinite(area.value):
        said.append(
            "Averaged over the classes, of all pairs of an image of a class and one of another class, "
            f"{100 * area.value:.1f}% were ranked correctly {in_brackets('area under the ROC curve', area, note)}."
        )
    if not math.isfinite(area.value):
        said.append(f"The area under the ROC curve {area.method}.")
    said.insert(
        0 if len(run.classes) > 2 else 2,
        f"Of {images(total)} in total, {right:,} {were(right)} classified correctly {accuracy}.",
    )
    return tuple(said)


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
