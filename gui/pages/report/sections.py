"""The sections of the report page, as HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.report import counted, edge_words, figure, interval
from gui.web import AppSession, image_url, markup

if TYPE_CHECKING:
    from engine.records import Estimate
    from engine.report import Against, CaseRow, Report

HEADLINE = ("AUROC", "sensitivity", "specificity", "accuracy")


def headline(report: Report, standards: Sequence[str]) -> str:
    """Return the main figures against each chosen reference standard, side by side."""
    sides = []
    for one in chosen_standards(report, standards):
        tiles = []
        for name in HEADLINE:
            estimate = one.estimates.get(name)
            if estimate is not None and one.drawn != "selected":
                words = name if name == "AUROC" else name.capitalize()
                tiles.append((figure(estimate.value), f"{words} {_beside(estimate, one.note)}"))
        count = f"available for {one.cases:,} of {counted(one.of, 'image')}"
        sides.append(
            markup.box(
                "",
                (
                    markup.heading(f"Against {one.name}"),
                    markup.remark(count),
                    _main_figures(one, tiles) if one.cases else markup.note("No image has such a label."),
                ),
            )
        )
    named, read, differing = report.patients.count, report.reviews.cases, report.reviews.differing
    unnamed = "patients, not all named" if report.patients.named else "patients, none named"
    about = [
        markup.tile(len(report.cases), "image"),
        markup.tile(named, "patient") if named is not None else ("–", unnamed),
        markup.tile(read, "image read", "images read"),
        markup.tile(differing, "reviewed label that differs", "reviewed labels that differ"),
    ]
    if report.pointing is not None:
        about.append(
            (
                figure(report.pointing.value),
                f"heatmap's peak on the finding · 95% {interval(report.pointing)}",
            )
        )
    cautions = markup.joined(markup.note(caution, tone="mild") for caution in report.cautions)
    return markup.figures(about) + cautions + markup.box("side", sides)


def _beside(estimate: Estimate, note: str) -> str:
    """Return what stands beside a headline figure: its interval, or why there is none, and how it may be read."""
    bounds = f"· 95% {interval(estimate)}" if math.isfinite(estimate.value) else estimate.method
    return f"{bounds} · {note}" if note else bounds


def _main_figures(one: Against, tiles: Sequence[tuple[str, str]]) -> markup.Markup:
    """Return tiles, or counts in plain words where the cases are no sample of anything."""
    if one.drawn == "selected":
        return markup.note(" ".join(one.sentences), tone="mild", more=[one.sampling])
    return markup.figures(tiles)


def said(one: Against) -> str:
    """Return what is said of one reference standard: its caution, the figures in sentences, who is left out."""
    left_out = [f"{number:,} left out: {why}" for why, number in one.excluded.items() if number]
    pieces = []
    if one.sampling:
        pieces.append(markup.note(one.sampling, tone="mild"))
    if one.caution:
        pieces.append(markup.note(one.caution, tone="mild", more=left_out))
    elif left_out:
        pieces.append(markup.note("Some images are left out.", more=left_out))
    if one.sentences:
        pieces.append(markup.note(" ".join(one.sentences)))
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
    return markup.drawing(*drawn) if drawn else markup.note("No training history was kept.")


def cases(session: AppSession, report: Report, standards: Sequence[str], *, heat: bool) -> str:
    """Return the wrong and the right cases by each chosen reference standard, with the heatmap over the image."""

    def shown(case: CaseRow, tone: str) -> markup.Picture:
        place = report.classes.index(case.predicted)
        lines = [f"Predicted: {case.predicted} ({100 * case.probabilities[place]:.0f}%)"]
        lines.append(f"Label: {case.label or 'none'}")
        if case.reviewed:
            lines.append(f"Reviewed: {case.reviewed}")
        lines.append(f"Case {case.case_id}")
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
        predicted = f"{report.positive} predicted {edge_words(report.run)}."
        pieces.append(markup.remark(predicted[:1].upper() + predicted[1:]))
    chosen = {one.name for one in chosen_standards(report, standards)}
    for one in report.galleries:
        if one.name not in chosen:
            continue
        for heading, none, listed, tone in (
            ("Incorrect by the", "contradicts no prediction", one.wrong, "wrong"),
            ("Correct by the", "confirms no prediction", one.right, "right"),
        ):
            body = (
                markup.pictures([shown(case, tone) for case in listed], large=True)
                if listed
                else markup.note(f"This reference standard {none}.")
            )
            pieces.append(markup.heading(f"{heading} {one.name}, most confident first") + body)
    if not report.galleries:
        pieces.append(markup.note("No case has a label in any reference standard."))
    return markup.joined(pieces)


def about(report: Report) -> str:
    """Return the facts of data, model and training, the limitations, and the open items of the checklist."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for fact in report.facts:
        groups.setdefault(fact.group, []).append((fact.name, fact.value))
    tables = markup.joined(
        markup.heading(group) + markup.table(("", ""), rows, numbers=False) for group, rows in groups.items()
    )
    limits = markup.note("What these results do not show", tone="mild", more=report.limitations)
    return limits + tables


def chosen_standards(report: Report, standards: Sequence[str]) -> list[Against]:
    """Return what the report holds against the chosen reference standards."""
    return [one for one in report.against if one.kind in standards]
