"""A report as one HTML page that needs nothing else."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any
from weakref import WeakKeyDictionary

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from engine.data import PatientsNamed, patients_words
from engine.records import PART_NAMES
from engine.report.figures import (
    balance_svg,
    confusion_matrix_svg,
    precision_recall_svg,
    reliability_svg,
    roc_svg,
    training_svg,
)
from engine.report.formatting import edge_words, figure, interval, p_value, probability, rests_on
from engine.report.paper.directions import isolated
from engine.report.passport_words import passport_in_words, why_off
from engine.report.records import Against, CaseRow, Heatmap, Picture, Report, SubgroupRow
from engine.saliency import css_gradient


def render_html(report: Report, *, picture: Picture, heatmap: Heatmap) -> str:
    """Return the report as one HTML page without scripts or outside references; arguments as `export_report`."""
    return fill_template(
        "report.html",
        report=report,
        run=report.run,
        part=_part_in_words(report),
        colour_bar=css_gradient(),
        made=report.made,
        figures={one.name: figures_of(report, one) for one in report.against},
        edge=edge_words(report.run),
        training=Markup(drawing) if (drawing := training_svg(report)) else None,
        balance=Markup(balance_svg(report.balance)),
        checks=passport_in_words(report.passport) if report.passport else (),
        map_off=why_off(report.passport) if report.passport else "",
        names=_names(report.against),
        methods=_methods(report.against),
        gallery=[
            (f"{title} {one.name}", len(cases), [_picture(case, picture, heatmap) for case in cases])
            for one in report.galleries
            for title, cases in (("Contradicted by the", one.wrong), ("Confirmed by the", one.right))
        ],
        facts=_grouped(report.facts, "group"),
        items=_grouped(report.checklist, "section"),
    )


def _part_in_words(report: Report) -> str:
    if report.run.supplied is not None:
        return "external testing"
    return f"{PART_NAMES[report.part]} part" if report.part else "all parts of the run's own data"


def fill_template(name: str, *, made: datetime, **values: Any) -> str:
    """Return a template of `engine.report.templates` as a page, its style inside it; everything put in is escaped.

    Args:
        name: Of the template.
        made: When what it says was found; equal values give an equal page.
        **values: What is put in.
    """
    style = Markup(files("engine.report.templates").joinpath("page.css").read_text(encoding="utf-8"))
    return (
        _templates()
        .get_template(name)
        .render(style=style, made=made, written=f"{made:%Y-%m-%d %H:%M} UTC", **values)
    )


def computed_sections(
    against: Sequence[Against], positive: str | None, subgroups: Sequence[SubgroupRow]
) -> dict[str, str]:
    """Return what the page prints of its figures, as it stands there: title of the section → HTML."""
    made: Any = _templates().get_template("computed.html").module
    sections = {
        "Metrics": made.metrics(against, _names(against), _methods(against)),
        "By class": made.classes(against, positive),
    }
    return sections | ({"Subgroups": made.subgroups(subgroups)} if subgroups else {})


def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("engine.report"),
        autoescape=True,
        finalize=isolated,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": figure, "interval": interval, "p_value": p_value}
    environment.filters["rests"] = rests_on
    environment.filters["probability"] = probability
    environment.filters["percent"] = lambda share: f"{share:.1%}"
    environment.filters["patients"] = patients_words
    environment.filters["patients_of"] = lambda test: patients_words(
        PatientsNamed(images=test.images, named=test.patients_named, patients=test.patients)
    )
    environment.tests["known"] = lambda value: value is not None and math.isfinite(value)
    return environment


_DRAWN: WeakKeyDictionary[Report, dict[str, dict[str, Markup]]] = WeakKeyDictionary()
"""A report's figures by reference standard: a page, a document and a bundle of one report draw them once."""


def figures_of(report: Report, against: Against) -> dict[str, Markup]:
    """Return the figures of one reference standard: name → SVG; those that cannot be drawn are left out."""
    drawn = _DRAWN.setdefault(report, {})
    if against.name not in drawn:
        drawn[against.name] = _draw(report, against)
    return drawn[against.name]


def _draw(report: Report, against: Against) -> dict[str, Markup]:
    binary = report.positive is not None
    drawn = {"confusion": confusion_matrix_svg(against.confusion, report.classes, standard=against.name)}
    if any(curve is not None for curve in against.roc.values()):
        area = {row.name: row.auroc for row in against.rows}
        if binary:
            area[str(report.positive)] = against.estimates["AUROC"]
        value = {name: each.value for name, each in against.estimates.items()}
        point = (1 - value["specificity"], value["sensitivity"]) if binary else None
        drawn["roc"] = roc_svg(against.roc, areas=area, point=point)
        prevalence = None
        if binary:
            yes = report.classes.index(str(report.positive))
            prevalence = float(against.confusion[yes].sum() / against.confusion.sum())
        average = {str(report.positive): against.estimates["average precision"]} if binary else None
        drawn["precision_recall"] = precision_recall_svg(
            against.precision_recall,
            averages=average,
            prevalence=prevalence,
            point=(value["sensitivity"], value["positive predictive value"]) if binary else None,
        )
    if against.reliability:
        what = report.positive if binary else "the most probable class"
        drawn["reliability"] = reliability_svg(
            against.reliability, error=against.estimates["calibration error"], what=str(what)
        )
    return {name: Markup(svg) for name, svg in drawn.items()}


def _names(against: Sequence[Against]) -> list[str]:
    """Return the names of all metrics, in the order of the page."""
    return list(dict.fromkeys(name for one in against for name in one.estimates))


def _methods(against: Sequence[Against]) -> dict[str, list[str]]:
    """Return which figures each kind of interval was used for."""
    used: dict[str, list[str]] = {}
    for one in against:
        for name, estimate in one.estimates.items():
            if math.isfinite(estimate.low) and name not in (of := used.setdefault(estimate.method, [])):
                of.append(name)
    return used


def _picture(case: CaseRow, picture: Picture, heatmap: Heatmap) -> dict[str, Any]:
    return {
        "case": case,
        "picture": _data_uri(picture(case.image_id)),
        "heatmap": _data_uri(heatmap(case.image_id)) if case.heatmap_for else None,
    }


def _data_uri(data: bytes | None) -> str | None:
    if not data:
        return None
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _grouped(rows: Iterable[Any], by: str) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(getattr(row, by), []).append(row)
    return groups
