"""What a report says of its cases, their labels and readers, for checklists."""

from __future__ import annotations

import math

from engine.report.formatting import counted, in_brackets
from engine.report.methods_section import fit_words
from engine.report.records import Report


def data(report: Report) -> str:
    """Name the data set."""
    return f"Data set “{report.run.dataset_name}”, id {report.run.dataset_id}."


def flow(report: Report) -> str:
    """Count who was left out of each reference standard, and why."""
    said = []
    for one in report.against:
        out = "; ".join(f"{count:,} {why}" for why, count in one.excluded.items() if count)
        left_out = f" (left out: {out})" if out else ""
        said.append(f"{one.cases:,} of {counted(one.of, 'case')} against the {one.name}{left_out}")
    return f"{'; '.join(said)}." if said else ""


def preparation(report: Report) -> str:
    """Say how images became what the model is given."""
    recipe = report.run.recipe
    return f"Whole image {fit_words(recipe)}; {counted(recipe.channels, 'channel')}." if recipe else ""


def privacy(report: Report) -> str:
    """Say what of a patient the report holds."""
    return (
        "This report contains no file names, paths or patient identifiers; cases are named by a checksum."
        if report.cases
        else ""
    )


def missing(report: Report) -> str:
    """Say what becomes of cases without a label."""
    return (
        "Cases without a label in a reference standard are excluded from its results and counted by reason."
        if report.against
        else ""
    )


def reference(report: Report) -> str:
    """Name the reference standards."""
    used = [one.name for one in report.against if one.cases]
    reviewed = "reviewed labels"
    how = " Reviewed labels: the majority of readers’ last verdicts." if reviewed in used else ""
    return f"{' and '.join(used).capitalize()}, each kept separate.{how}" if used else ""


def classes(report: Report) -> str:
    """Name the classes."""
    return f"Classes: {', '.join(report.classes)}."


def readers(report: Report) -> str:
    """Say who read."""
    count = report.reviews.readers
    return f"{counted(count, 'reader')} read cases in Overread." if count else ""


def blinding(report: Report) -> str:
    """Say what readers of the reviewed labels had seen."""
    return "; ".join(
        one.caution.rstrip(".")
        for one in report.against
        if one.cases and one.caution and report.reviews.readers
    )


def agreement(report: Report) -> str:
    """Say how far readers agree."""
    agreed = report.reviews.agreement
    if not agreed or not math.isfinite(agreed[0].estimate.value):
        return ""
    return f"Between readers {in_brackets(agreed[0].name, agreed[0].estimate)}."


def indeterminate(report: Report) -> str:
    """Say what becomes of verdicts that give no class; the model always gives one."""
    unsure = sum(
        count for verdict, count in report.reviews.verdicts.items() if verdict in ("unsure", "not diagnostic")
    )
    said = "The model gives every case a class."
    return (
        f"{said} {counted(unsure, 'verdict')} “unsure” or “not diagnostic” give no label and are counted."
        if report.reviews.readers
        else said
    )
