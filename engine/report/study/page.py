"""A study's report as one HTML page that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

from markupsafe import Markup

from engine.report.checklists.items import OFFLINE_ONLY
from engine.report.exports.html import fill_template
from engine.report.figures import arrows_svg, differences_svg, learning_svg
from engine.report.study.building import IN_WORDS
from engine.report.study.records import Compared, StudyReport
from engine.statistics import Mrmc

GENERALISED = {
    "readers and cases": "Readers and cases like these",
    "cases": "Cases like these, these readers",
    "readers": "Readers like these, these cases",
}
COUNTS = (
    ("Readings", "readings"),
    ("Helped: wrong without, right with it", "helped"),
    ("Harmed: right without, wrong with it", "harmed"),
    ("Right both times", "stayed_right"),
    ("Wrong both times", "stayed_wrong"),
)
SHARES = (
    ("Of wrong readings, made right", "helped_share"),
    ("Of right readings, made wrong", "harmed_share"),
    ("Of readings that differed from the model, gone over to it", "followed"),
    ("Of readings with the model, agreeing with it", "agreed"),
    ("Accuracy with minus without", "gain"),
)


def _numbers(values: Mapping[str, float]) -> Markup:
    """Write small numbers that are known, each by its name."""
    said = (f"{name} {value:.3g}" for name, value in values.items() if math.isfinite(value))
    return Markup('<bdi dir="ltr">{}</bdi>').format("; ".join(said) or "none can be had")


def _squares(found: Mrmc) -> Markup:
    return _numbers(dict(zip(("modality", "reader", "modality × reader"), found.mean_squares, strict=True)))


def _variances(found: Mrmc) -> Markup:
    part = found.components
    return _numbers(
        {
            "reader": part.reader,
            "modality × reader": part.modality_by_reader,
            "error": part.error,
            "Cov1": part.cov1,
            "Cov2": part.cov2,
            "Cov3": part.cov3,
        }
    )


def study_page(report: StudyReport) -> str:
    """Return the page."""
    modes = report.readings.modes
    names = [
        name
        for name in ("sensitivity", "specificity", "accuracy", "AUC")
        if any(name in line.figures for line in report.lines)
    ]
    return fill_template(
        "study.html",
        report=report,
        made=report.made,
        words=IN_WORDS,
        generalised=GENERALISED,
        names=names,
        modes=modes,
        pairs=list(combinations(modes, 2)),
        certainty=report.readings.protocol.certainty,
        fixed=report.facts["Protocol fixed"] != "not yet",
        people=[(one.reader, one.told or one.name) for one in report.people],
        counts=COUNTS,
        shares=SHARES,
        not_claimed=OFFLINE_ONLY,
        drawn=study_figures(report),
        squares=_squares,
        variances=_variances,
    )


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
