"""The sections of the report page, as HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.language import _, counted, isolated, ngettext, number
from engine.report import (
    edge_words,
    fact_value_words,
    fact_words,
    figure,
    figure_words,
    interval,
    reason_words,
    standard_words,
)
from gui.web import AppSession, image_url, markup

if TYPE_CHECKING:
    from engine.records import Estimate
    from engine.report import Against, CaseRow, Report

HEADLINE = ("AUROC", "sensitivity", "specificity", "accuracy")


def against(one: Against, aside: str = "") -> markup.Markup:
    """Return the heading of what is held against a reference standard."""
    return markup.heading(_("Against the {standard}").format(standard=standard_words(one.name)), aside)


def headline(report: Report, standards: Sequence[str]) -> str:
    """Return the main figures against each chosen reference standard, side by side."""
    sides = []
    for one in chosen_standards(report, standards):
        tiles = []
        for name in HEADLINE:
            estimate = one.estimates.get(name)
            if estimate is not None and one.drawn != "selected":
                words = figure_words(name)
                words = words[:1].upper() + words[1:]
                tiles.append(
                    (
                        figure(estimate.value),
                        markup.joined([isolated(words), " ", _beside(estimate, one.note)]),
                    )
                )
        count = _("available for {some} of {images}").format(
            some=number(one.cases), images=counted(one.of, "image")
        )
        sides.append(
            markup.box(
                "",
                (
                    markup.heading(_("Against {standard}").format(standard=standard_words(one.name))),
                    markup.remark(count),
                    _main_figures(one, tiles) if one.cases else markup.note(_("No image has such a label.")),
                ),
            )
        )
    named, read, differing = report.patients.count, report.reviews.cases, report.reviews.differing
    unnamed = _("patients, not all named") if report.patients.named else _("patients, none named")
    images = len(report.cases)
    about = [
        (number(images), ngettext("image", "images", images)),
        (number(named), ngettext("patient", "patients", named)) if named is not None else ("–", unnamed),
        (number(read), ngettext("image read", "images read", read)),
        (
            number(differing),
            ngettext("reviewed label that differs", "reviewed labels that differ", differing),
        ),
    ]
    if report.pointing is not None:
        about.append(
            (
                figure(report.pointing.value),
                _("heatmap's peak on the finding · 95% {interval}").format(
                    interval=interval(report.pointing)
                ),
            )
        )
    cautions = markup.joined(markup.note(markup.told(caution), tone="mild") for caution in report.cautions)
    return markup.figures(about) + cautions + markup.box("side", sides)


def _beside(estimate: Estimate, note: str) -> str:
    """Return what stands beside a headline figure: its interval, or why there is none, and how it may be read."""
    bounds = (
        _("· 95% {interval}").format(interval=interval(estimate))
        if math.isfinite(estimate.value)
        else markup.told(estimate.method)
    )
    return markup.joined([bounds, " · ", note]) if note else bounds


def _main_figures(one: Against, tiles: Sequence[tuple[str, str]]) -> markup.Markup:
    """Return tiles, or counts in plain words where the cases are no sample of anything."""
    if one.drawn == "selected":
        return markup.note(" ".join(one.sentences), tone="mild", more=[markup.told(one.sampling)])
    return markup.figures(tiles)


def said(one: Against) -> str:
    """Return what is said of one reference standard: its caution, the figures in sentences, who is left out."""
    left_out = [
        _("{count} left out: {why}").format(count=number(count), why=reason_words(why))
        for why, count in one.excluded.items()
        if count
    ]
    pieces = []
    if one.sampling:
        pieces.append(markup.note(markup.told(one.sampling), tone="mild"))
    if one.caution:
        pieces.append(markup.note(markup.told(one.caution), tone="mild", more=left_out))
    elif left_out:
        pieces.append(markup.note(_("Some images are left out."), more=left_out))
    if one.sentences:
        pieces.append(markup.note(markup.told(" ".join(one.sentences))))
    return markup.joined(pieces)


def drawings(report: Report, one: Against) -> str:
    """Return the figures of one reference standard: SVG of our own making, with every name escaped by it."""
    if not one.cases:
        return ""
    from engine.report import caption_of, figures_of

    return markup.box(
        "drawings",
        (
            markup.drawing(figure, caption_of(name, report, one), name, one.name)
            for name, figure in figures_of(report, one).items()
        ),
    )


def training(report: Report) -> str:
    """Return the curves of training."""
    from engine.report import figures_of_run

    drawn = figures_of_run(report).get("training")
    return markup.drawing(*drawn) if drawn else markup.note(_("No training history was kept."))


def cases(session: AppSession, report: Report, standards: Sequence[str], *, heat: bool) -> str:
    """Return the wrong and the right cases by each chosen reference standard, with the heatmap over the image."""

    def shown(case: CaseRow, tone: str) -> markup.Picture:
        place = report.classes.index(case.predicted)
        share = number(100 * case.probabilities[place])
        lines = [_("Predicted: {name} ({percent}%)").format(name=isolated(case.predicted), percent=share)]
        lines.append(_("Label: {label}").format(label=isolated(case.label) if case.label else _("none")))
        if case.reviewed:
            lines.append(_("Reviewed: {label}").format(label=isolated(case.reviewed)))
        lines.append(_("Case {id}").format(id=isolated(case.case_id)))
        overlay = image_url(session, report.run.run_id, case.image_id, "heatmap") if case.heatmap_for else ""
        return markup.Picture(
            source=image_url(session, report.run.run_id, case.image_id, "image"),
            caption="\n".join(lines),
            overlay=overlay if heat else "",
            legend=case.legend if heat else None,
            tone=tone,
            opens=case.image_id,
        )

    pieces = []
    if report.positive is not None:
        predicted = _("{finding} predicted {where}.").format(
            finding=isolated(report.positive), where=edge_words(report.run)
        )
        pieces.append(markup.remark(predicted[:1].upper() + predicted[1:]))
    chosen = {one.name for one in chosen_standards(report, standards)}
    for one in report.galleries:
        if one.name not in chosen:
            continue
        for heading, none, listed, tone in (
            (
                _("Incorrect by the {standard}, most confident first"),
                _("This reference standard contradicts no prediction."),
                one.wrong,
                "wrong",
            ),
            (
                _("Correct by the {standard}, most confident first"),
                _("This reference standard confirms no prediction."),
                one.right,
                "right",
            ),
        ):
            body = (
                markup.pictures([shown(case, tone) for case in listed], large=True)
                if listed
                else markup.note(none)
            )
            pieces.append(markup.heading(heading.format(standard=standard_words(one.name))) + body)
    if not report.galleries:
        pieces.append(markup.note(_("No case has a label in any reference standard.")))
    return markup.joined(pieces)


def about(report: Report) -> str:
    """Return the facts of data, model and training, the limitations, and the open items of the checklist."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for fact in report.facts:
        groups.setdefault(fact.group, []).append(
            (fact_words(fact.name), markup.marked(fact_value_words(fact.name, fact.value)))
        )
    tables = markup.joined(
        markup.heading(fact_words(group)) + markup.table(("", ""), rows, numbers=False)
        for group, rows in groups.items()
    )
    limits = markup.note(
        _("What these results do not show"),
        tone="mild",
        more=[markup.told(one) for one in report.limitations],
    )
    return limits + tables


def chosen_standards(report: Report, standards: Sequence[str]) -> list[Against]:
    """Return what the report holds against the chosen reference standards."""
    return [one for one in report.against if one.kind in standards]
