"""What a report says of images from elsewhere, as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.report import figure, interval
from gui.web import markup

if TYPE_CHECKING:
    from engine.records import Estimate, ExternalTest
    from engine.report import Report


def result(report: Report) -> str:
    """Return what a report says of images from elsewhere."""
    elsewhere = report.elsewhere
    if not elsewhere.any:
        return markup.note(
            "The run has not been tested on images from elsewhere. Results there are usually lower, and only such "
            "images can show it."
        )
    pieces = [markup.note(one, tone="serious") for one in elsewhere.damaged]
    for test in elsewhere.tests:
        pieces += _of_test(test)
    for of in elsewhere.images:
        pieces.append(markup.heading(f"Predicted for review: {of.source}", f"{of.cases:,} images"))
        pieces.append(
            markup.note(
                f"These images are in no figure of the run's own parts; {of.read:,} of them read.",
                more=[f"{one}." for one in of.familiarity],
            )
        )
        for one in of.against:
            rows = [
                (name, figure(estimate.value), interval(estimate)) for name, estimate in one.estimates.items()
            ]
            pieces.append(markup.heading(f"Against the {one.name}", f"{one.cases:,} of {one.of:,} images"))
            pieces.append(markup.table(("metric", "value", "95% interval"), rows))
    return markup.joined(pieces)


def _of_test(test: ExternalTest) -> list[markup.Markup]:
    differs = test.shift is not None and test.shift.differs
    headings = ("", "internal test", "external test", "external minus internal")
    pieces = [
        markup.heading(f"External test on {test.dataset_name}", f"{test.tested.astimezone():%d %b %Y}"),
        markup.note(
            f"{test.sentences[0]}.",
            tone="mild" if differs else "plain",
            more=[f"{one}." for one in test.sentences[1:]],
        ),
        markup.table(
            headings,
            [(one.name, *map(_figure, (one.internal, one.external, one.difference))) for one in test.figures],
        ),
        markup.heading("Confusion matrix", "rows: label in the data; columns: predicted"),
        markup.table(
            ("", *test.classes),
            [
                (name, *(f"{n:,}" for n in row))
                for name, row in zip(test.classes, test.confusion, strict=True)
            ],
        ),
        markup.heading("If the run were tuned to these data"),
    ]
    if test.retuned is None:
        return [*pieces, markup.note(test.why_not)]
    as_it_is = {one.name: one.external for one in test.figures}
    again = {**test.retuned.at_threshold, **test.retuned.calibration}
    rows = [(name, _figure(as_it_is[name]), _figure(tuned)) for name, tuned in again.items()]
    return [*pieces, markup.table(("", "as it is", "tuned, judged by other patients"), rows)]


def _figure(estimate: Estimate) -> str:
    return f"{figure(estimate.value)} ({interval(estimate)})"
