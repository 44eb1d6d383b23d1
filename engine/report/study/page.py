"""A study's report as one HTML page that needs nothing else."""

from __future__ import annotations

from markupsafe import Markup

from engine.language import _
from engine.report.checklists.items import OFFLINE_ONLY
from engine.report.exports.html import fill_template
from engine.report.figures import arrows_svg, differences_svg, learning_svg
from engine.report.named.names import figure_words
from engine.report.printed.records import pointer
from engine.report.study.answers import study_answered_again
from engine.report.study.printed.cells import minus_words
from engine.report.study.printed.sentences import faster
from engine.report.study.printed.sheet import DIFFERENCES, LEARNING, READERS, points_of, sheet_of
from engine.report.study.records import Compared, StudyReport


def study_page(report: StudyReport) -> str:
    """Return the page, in the language that is spoken."""
    report = study_answered_again(report)
    sheet = sheet_of(report)
    return fill_template(
        "study.html",
        report=report,
        made=report.made,
        fixed=report.facts["Protocol fixed"] != "not yet",
        sheet=sheet,
        told=sheet.said,
        changed=[pointer("changed_in_words", place) for place in range(len(faster(report)))],
        not_claimed=OFFLINE_ONLY,
        drawn={name: (svg, sheet.figures[name]) for name, svg in study_figures(report).items()},
    )


def study_figures(report: StudyReport) -> dict[str, Markup]:
    """Return the figures that a study's readings allow: name → SVG."""
    drawn = {
        READERS: arrows_svg(points_of(report), report.roc),
        **{DIFFERENCES.format(one.figure): _differences(one) for one in report.compared},
        LEARNING: learning_svg([(one.mode, one.learning) for one in report.changed]),
    }
    return {name: Markup(svg) for name, svg in drawn.items() if svg}


def _differences(one: Compared) -> str:
    """Draw the differences between the first two ways of reading; empty where there is one way alone."""
    if one.analysis is None or not one.analysis.analyses[0].contrasts:
        return ""
    pair = one.analysis.analyses[0].contrasts[0]
    by_reader = {
        reader: own[0].difference
        for reader, own in zip(one.analysis.readers, one.analysis.by_reader, strict=True)
        if own
    }
    what = f"{figure_words(one.figure)}{_(', ')}{minus_words(pair.first, pair.second)}"
    return differences_svg(what, by_reader, pair.difference)
