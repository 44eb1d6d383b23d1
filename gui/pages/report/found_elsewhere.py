"""What a report says of images from elsewhere, as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.language import _, counted, isolated, moment, number
from engine.report import figure, figure_words, interval, standard_words
from gui.web import markup

if TYPE_CHECKING:
    from engine.records import Estimate, ExternalTest
    from engine.report import Report


def result(report: Report) -> str:
    """Return what a report says of images from elsewhere."""
    elsewhere = report.elsewhere
    if not elsewhere.any:
        return markup.note(
            _(
                "The run has not been tested on images from elsewhere. Results there are usually lower, and only such "
                "images can show it."
            )
        )
    pieces = [markup.note(markup.told(one), tone="serious") for one in elsewhere.damaged]
    for test in elsewhere.tests:
        pieces += _of_test(test)
    for of in elsewhere.images:
        pieces.append(
            markup.heading(
                _("Predicted for review: {source}").format(source=of.source), counted(of.cases, "image")
            )
        )
        pieces.append(
            markup.note(
                _("These images are in no figure of the run's own parts; {count} of them read.").format(
                    count=number(of.read)
                ),
                more=[markup.told(f"{one}.") for one in of.familiarity],
            )
        )
        for one in of.against:
            rows = [
                (figure_words(name), figure(estimate.value), interval(estimate))
                for name, estimate in one.estimates.items()
            ]
            aside = _("{some} of {images}").format(some=number(one.cases), images=counted(one.of, "image"))
            title = _("Against the {standard}").format(standard=standard_words(one.name))
            pieces.append(markup.heading(title, aside))
            pieces.append(markup.table((_("metric"), _("value"), _("95% interval")), rows))
    return markup.joined(pieces)


def _of_test(test: ExternalTest) -> list[markup.Markup]:
    differs = test.shift is not None and test.shift.differs
    headings = ("", _("internal test"), _("external test"), _("external minus internal"))
    pieces = [
        markup.heading(
            _("External test on {dataset}").format(dataset=test.dataset_name),
            moment(test.tested.astimezone(), "%d %b %Y"),
        ),
        markup.note(
            markup.told(f"{test.sentences[0]}."),
            tone="mild" if differs else "plain",
            more=[markup.told(f"{one}.") for one in test.sentences[1:]],
        ),
        markup.table(
            headings,
            [
                (figure_words(one.name), *map(_figure, (one.internal, one.external, one.difference)))
                for one in test.figures
            ],
        ),
        markup.heading(_("Confusion matrix"), _("rows: label in the data; columns: predicted")),
        markup.table(
            ("", *map(isolated, test.classes)),
            [
                (isolated(name), *map(number, row))
                for name, row in zip(test.classes, test.confusion, strict=True)
            ],
        ),
        markup.heading(_("If the run were tuned to these data")),
    ]
    if test.retuned is None:
        return [*pieces, markup.note(markup.told(test.why_not))]
    as_it_is = {one.name: one.external for one in test.figures}
    again = {**test.retuned.at_threshold, **test.retuned.calibration}
    rows = [(figure_words(name), _figure(as_it_is[name]), _figure(tuned)) for name, tuned in again.items()]
    return [*pieces, markup.table(("", _("as it is"), _("tuned, judged by other patients")), rows)]


def _figure(estimate: Estimate) -> str:
    return f"{figure(estimate.value)} ({interval(estimate)})"
