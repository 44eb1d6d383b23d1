"""All that the page of a learning curve prints as numbers, with its place in learning-curve.json."""

from __future__ import annotations

from collections.abc import Iterator

from engine.experiments.learning_curve import LearningCurve
from engine.language import in_print
from engine.report import (
    Basis,
    Cell,
    Figure,
    Line,
    Sentence,
    Sheet,
    Table,
    as_kept,
    counted_from,
    of_estimate,
    pointer,
    renumbered,
    with_ids,
)

ANSWER, CURVE, LIMITATIONS = 1, 2, 3
NOTHING = Cell(text="–")


def curve_sheet(curve: LearningCurve) -> Sheet:
    """Return what the page prints."""
    law = ""
    if curve.law:
        law = " Line: the fitted law, with its 95% band, up to twice the largest share."
    caption = f"Points: models, with 95% intervals of the test part.{law}"
    return Sheet(
        tables={"points": renumbered(CURVE, [_points(curve)])},
        said=with_ids(_sentences(curve)),
        figures={"curve": Figure(number=f"{CURVE}.1", caption=caption, cells=())},
    )


def _points(curve: LearningCurve) -> Table:
    lines = []
    for place, point in enumerate(curve.points):
        at = pointer("points", place)
        known = point.patients.count
        cells = (
            _count(point.images, f"{at}/training images", "images"),
            NOTHING if known is None else _count(known, f"{at}/training patients", "patients"),
            Cell(text=str(point.seed), basis=Basis(at=(f"{at}/seed",), method="seed of the training")),
            of_estimate(point.auroc, f"{at}/auroc", {}),
        )
        lines.append(Line(head=point.run_id, cells=cells))
    return Table(
        number="",
        caption="AUROC on the test part, with 95% intervals.",
        columns=("run", "training images", "patients", "seed", "AUROC"),
        lines=tuple(lines),
    )


def _count(count: int, at: str, what: str) -> Cell:
    return Cell(text=f"{count:,}", basis=Basis(at=(at,), method=f"count of {what}"))


def _sentences(curve: LearningCurve) -> Iterator[Sentence]:
    text = f"tested on {curve.test_images:,} images"
    yield counted_from(ANSWER, "/test_images", text, "/test_images")
    yield as_kept(ANSWER, curve.reference, "reference")
    yield as_kept(ANSWER, curve.sentence, "sentence")
    yield as_kept(CURVE, law_in_words(curve), "law_in_words")
    yield as_kept(LIMITATIONS, curve.rests_on, "rests_on")


def law_in_words(curve: LearningCurve) -> str:
    """Write the fitted law; empty where there is none."""
    law = curve.law
    if law is None:
        return ""
    return (
        f"1 − AUROC = {in_print(law.floor, '.3g')} + {in_print(law.factor, '.3g')} · "
        f"n^(−{in_print(law.exponent, '.3g')}) for n training images, by least squares (doi:10.1186/1472-6947-12-8)."
    )
