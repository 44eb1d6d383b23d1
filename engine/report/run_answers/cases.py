"""What a report says of its cases, their labels and readers, for checklists."""

from __future__ import annotations

import math

from engine.language import _, counted, isolated, listed, ngettext, number
from engine.report.formatting import in_brackets
from engine.report.methods_section import fit_words
from engine.report.named.names import capitalized, figure_words, reason_words, standard_words
from engine.report.records import Report
from engine.retelling import retold


def data(report: Report) -> str:
    """Name the data set."""
    return _("Data set “{name}”, id {id}.").format(
        name=isolated(report.run.dataset_name), id=isolated(report.run.dataset_id)
    )


def flow(report: Report) -> str:
    """Count who was left out of each reference standard, and why."""
    said = []
    for one in report.against:
        told = _("{some} of {cases} against the {standard}").format(
            some=number(one.cases), cases=counted(one.of, "case"), standard=standard_words(one.name)
        )
        out = [f"{number(count)} {reason_words(why)}" for why, count in one.excluded.items() if count]
        said.append(
            told + (" " + _("(left out: {reasons})").format(reasons=_("; ").join(out)) if out else "")
        )
    return f"{_('; ').join(said)}." if said else ""


def preparation(report: Report) -> str:
    """Say how images became what the model is given."""
    recipe = report.run.recipe
    if recipe is None:
        return ""
    told = ngettext(
        "Whole image {fit}; {count} channel.", "Whole image {fit}; {count} channels.", recipe.channels
    )
    return told.format(fit=retold(fit_words(recipe)), count=number(recipe.channels))


def privacy(report: Report) -> str:
    """Say what of a patient the report holds."""
    return (
        _("This report contains no file names, paths or patient identifiers; cases are named by a checksum.")
        if report.cases
        else ""
    )


def missing(report: Report) -> str:
    """Say what becomes of cases without a label."""
    return (
        _(
            "Cases without a label in a reference standard are excluded from its results and counted by reason."
        )
        if report.against
        else ""
    )


def reference(report: Report) -> str:
    """Name the reference standards."""
    used = [one.name for one in report.against if one.cases]
    if not used:
        return ""
    names = capitalized(_(" and ").join(map(standard_words, used)))
    how = _("Reviewed labels: the majority of readers’ last verdicts.") if "reviewed labels" in used else ""
    told = _("{standards}, each kept separate.").format(standards=names)
    return f"{told} {how}".strip()


def label_errors(report: Report) -> str:
    """Say how many labels were suspected to be wrong, and what readers made of them."""
    told = _(
        "Labels searched for errors: of {images} {suspected} suspected, {read} of them read again, {changed} changed."
    )
    return " ".join(
        told.format(
            images=counted(one.searched, "image"),
            suspected=number(one.suspects.images),
            read=number(one.suspects.read),
            changed=number(one.suspects.changed),
        )
        for one in report.label_errors
    )


def classes(report: Report) -> str:
    """Name the classes."""
    return _("Classes: {names}.").format(names=listed(report.classes))


def readers(report: Report) -> str:
    """Say who read."""
    count = report.reviews.readers
    return _("{readers} read cases in Overread.").format(readers=counted(count, "reader")) if count else ""


def blinding(report: Report) -> str:
    """Say what readers of the reviewed labels had seen."""
    said = [
        retold(one.caution).rstrip(".")
        for one in report.against
        if one.cases and one.caution and report.reviews.readers
    ]
    return f"{_('; ').join(said)}." if said else ""


def agreement(report: Report) -> str:
    """Say how far readers agree."""
    agreed = report.reviews.agreement
    if not agreed or not math.isfinite(agreed[0].estimate.value):
        return ""
    return _("Between readers {figure}.").format(
        figure=in_brackets(figure_words(agreed[0].name), agreed[0].estimate)
    )


def indeterminate(report: Report) -> str:
    """Say what becomes of verdicts that give no class; the model always gives one."""
    unsure = sum(
        count for verdict, count in report.reviews.verdicts.items() if verdict in ("unsure", "not diagnostic")
    )
    said = _("The model gives every case a class.")
    if not report.reviews.readers:
        return said
    told = ngettext(
        "{count} verdict “unsure” or “not diagnostic” gives no label and is counted.",
        "{count} verdicts “unsure” or “not diagnostic” give no label and are counted.",
        unsure,
    )
    return f"{said} {told.format(count=number(unsure))}"
