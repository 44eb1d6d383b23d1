"""The figures of a study, from its report."""

from __future__ import annotations

import math

from markupsafe import Markup

from engine.report.figures import arrows_svg, differences_svg, learning_svg
from engine.report.study.records import Compared, StudyReport


def study_figures(report: StudyReport) -> dict[str, Markup]:
    """Return the figures that a study's readings allow: name → SVG."""
    points: dict[str, dict[str, tuple[float, float]]] = {}
    for line in report.lines:
        found = [line.figures[name].value for name in ("specificity", "sensitivity") if name in line.figures]
        if len(found) == 2 and all(map(math.isfinite, found)):
            points.setdefault(line.reader, {})[line.mode] = (1 - found[0], found[1])
    drawn = {
        "readers": arrows_svg(points, report.roc),
        **{f"differences in {one.figure}": _differences(one) for one in report.compared},
        "learning": learning_svg([(one.mode, one.learning) for one in report.changed]),
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
    return differences_svg(f"{one.figure}, {pair.first} minus {pair.second}", by_reader, pair.difference)
