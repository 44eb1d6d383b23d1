"""An external test as numbered tables, in a run's report and on a page of its own, and what else this page prints."""

from __future__ import annotations

from collections.abc import Iterator

from engine.data import PatientsNamed, patients_words
from engine.language import N_, _, count_of, counted, isolated, number
from engine.records import ExternalTest
from engine.report.formatting import probability
from engine.report.named.names import figure_words
from engine.report.printed.performance import OF_PREDICTED, OF_REFERENCE
from engine.report.printed.records import (
    Basis,
    Cell,
    Line,
    Table,
    Where,
    of_estimate,
    pointer,
    renumbered,
    with_rest,
)
from engine.report.printed.sentences import Sentence, as_kept, counted_from, with_ids
from engine.report.printed.sheet import Sheet
from engine.retelling import retold

CASES, FIGURES, CONFUSION, RETUNED = range(1, 5)
KEPT = (
    N_("{n} image was predicted"),
    N_("{n} images were predicted"),
    N_("“{name}” of these data is taken as {meant}"),
    N_("{n} left out: {words}"),
    N_("labelled “{name}”, which is none of the classes"),
    N_("also in the {part} part of the run's own data"),
    N_(
        "{n1} of {n2} images names a patient that the run's own data name too: if these are the same people, this is "
        "not external testing"
    ),
    N_(
        "{n1} of {n2} images looks like images of the run's own data, as they are or mirrored, turned, inverted, "
        "cropped or shifted: if these are copies, this is not external testing; both folders indexed as one data set "
        "show the pairs"
    ),
    N_(
        "{n1} of {n2} images name a patient that the run's own data name too: if these are the same people, this is "
        "not external testing"
    ),
    N_(
        "{n1} of {n2} images look like images of the run's own data, as they are or mirrored, turned, inverted, "
        "cropped or shifted: if these are copies, this is not external testing; both folders indexed as one data set "
        "show the pairs"
    ),
    N_(
        "{n1} of {n2} image ({n3}, 95% interval {n4} to {n5}) differ from those the model was trained with, where "
        "{n6} would by chance"
    ),
    N_(
        "{n1} of {n2} images ({n3}, 95% interval {n4} to {n5}) differ from those the model was trained with, where "
        "{n6} would by chance"
    ),
    N_("As a set, these images were not found to differ from those of training (p {state})"),
    N_(
        "As a set, these images differ from those of training (p {state}): what was found, chosen and fitted on the "
        "run's own images need not hold for them, nor do conformal sets promise {n} there; what differs, be it "
        "patients, devices or the preparation of the images, is not known"
    ),
    N_(
        "As a set, these images differ from those of training (p {state}): what was found, chosen and fitted on the "
        "run's own images need not hold for them; what differs, be it patients, devices or the preparation of the "
        "images, is not known"
    ),
    N_(
        "Whether images differ from those of training is not known: the predictions were supplied, and the model was "
        "not"
    ),
    N_(
        "Whether images as a set differ from those of training is not measured for a cross-validation, whose models "
        "were each trained with other images"
    ),
    N_(
        "Whether images differ from those of training is not known for this run; whoever runs Overread can fit it: "
        "overread shift {run_id}"
    ),
    N_(
        "Whether images differ from those of training cannot be said: that takes {n1} validation images, and there "
        "are {n2}"
    ),
    N_(
        "Whether images differ from those of training cannot be said: that takes {n1} validation images of each model, "
        "and one of the {n2} has {n3}"
    ),
    N_(
        "Whether these images as a set differ from those of training is not known, since they were predicted before it "
        "was measured; whoever runs Overread can measure it: overread shift {run_id} --again"
    ),
)
"""What is kept in English of images from elsewhere and of images that differ."""


def external_sheet(test: ExternalTest) -> Sheet:
    """Return what the page of an external test prints, as its external.json has it."""
    figures, confusion, *retuned = external_tables(test, "", whole=bool(test.cases))
    tables = {"figures": renumbered(FIGURES, [figures]), "confusion": renumbered(CONFUSION, [confusion])}
    if retuned:
        tables["retuned"] = renumbered(RETUNED, retuned)
    return Sheet(tables=tables, said=with_ids(_sentences(test)))


def _sentences(test: ExternalTest) -> Iterator[Sentence]:
    known = PatientsNamed(images=test.images, named=test.patients_named, patients=test.patients)
    text = f"{count_of(test.images, 'foreign image')}, {patients_words(known)}"
    counts = ("patients",) if known.all else ("patients_named", "images", "patients") if known.named else ()
    yield counted_from(CASES, "images", text, "/images", *(pointer(name) for name in counts))
    yield counted_from(CASES, "internal", counted(test.internal_images, "image"), "/internal_images")
    if test.positive:
        text = f"{test.positive} is predicted from a probability of {probability(test.threshold)}"
        basis = Basis(at=("/threshold",), method="operating point")
        yield Sentence(section=CASES, name="edge", text=text, basis=basis)
    for place, text in enumerate(test.sentences):
        yield as_kept(CASES, f"{retold(text)}.", "sentences", place)
    yield as_kept(RETUNED, test.why_not, "why_not")


def external_tables(test: ExternalTest, at: str, *, whole: bool = False) -> Iterator[Table]:
    """Yield the tables of an external test: figures, confusion matrix and, where they can be had, tuned figures.

    Args:
        test: That is printed.
        at: JSON Pointer to it.
        whole: Whether the document's cases are those of the test.
    """
    lines = []
    for place, one in enumerate(test.figures):
        here = at + pointer("figures", place)
        abroad = _cases_of(one.name, test) if whole else None
        cells = (
            with_rest(one.internal, f"{here}/internal", None),
            with_rest(one.external, f"{here}/external", abroad),
            with_rest(one.difference, f"{here}/difference", None),
        )
        lines.append(Line(head=figure_words(one.name), cells=cells))
    yield _table(
        _(
            "Internal and external testing, 95% intervals below the figures. The last column joins both intervals, for "
            "sets of different patients (doi:10.1002/sim.3095). Predictive values, average precision, accuracy and F1 "
            "move with the share of each class; AUROC, sensitivity and specificity need not."
        ),
        (_("figure"), _("internal test"), _("external test"), _("external minus internal")),
        lines,
    )
    yield _table(
        _("Confusion matrix: rows by the label of the data, columns as predicted."),
        (_("label"), *map(isolated, test.classes)),
        [
            Line(head=label, cells=tuple(_counts(test, row, at, whole=whole)))
            for row, label in enumerate(test.classes)
        ],
    )
    yield from _retuned(test, at, whole=whole)


def _counts(test: ExternalTest, row: int, at: str, *, whole: bool) -> Iterator[Cell]:
    for column, count in enumerate(test.confusion[row]):
        cases = {"/label": (test.classes[row],), "/predicted": (test.classes[column],)} if whole else None
        here = at + pointer("confusion", row, column)
        yield Cell(text=number(count), basis=Basis(at=(here,), cases=cases, method="count of images"))


def _retuned(test: ExternalTest, at: str, *, whole: bool) -> Iterator[Table]:
    if (again := test.retuned) is None:
        return
    lines = []
    for place, one in enumerate(test.figures):
        for kind, tuned in (("at_threshold", again.at_threshold), ("calibration", again.calibration)):
            if one.name in tuned:
                cases = _cases_of(one.name, test) if whole else None
                cells = (
                    of_estimate(one.external, at + pointer("figures", place, "external"), cases),
                    of_estimate(tuned[one.name], at + pointer("retuned", kind, one.name), cases),
                )
                lines.append(Line(head=figure_words(one.name), cells=cells))
    yield _table(
        _(
            "Each image is judged by an operating point and a recalibration (intercept and slope, "
            "doi:10.1002/sim.8281) that were fitted on the other {some} of {all} parts, no patient in both. On "
            "all images together the operating point would be {probability}."
        ).format(
            some=number(again.folds - 1), all=number(again.folds), probability=probability(again.threshold)
        ),
        (_("figure"), _("as it is"), _("tuned")),
        lines,
    )


def _cases_of(name: str, test: ExternalTest) -> Where:
    """Return the images that a figure rests on: all of them, or those of one class, or predicted so."""
    if test.positive is None:
        return {}
    other = next(one for one in test.classes if one != test.positive)
    for kinds, where in ((OF_REFERENCE, "/label"), (OF_PREDICTED, "/predicted")):
        if name in kinds:
            return {where: (test.positive if kinds[name] else other,)}
    return {}


def _table(caption: str, columns: tuple[str, ...], lines: list[Line]) -> Table:
    return Table(number="", caption=caption, columns=columns, lines=tuple(lines))
