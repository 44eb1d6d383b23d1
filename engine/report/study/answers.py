"""What the report of a study can say to a checklist, by subject; what it does not say stays open for a person."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from engine.errors import ReportError
from engine.language import ENGLISH, N_, _, counted, isolated, language, ngettext, number, speaking
from engine.report.checklists.answering import Subject, answer_checklists, unread, written_to
from engine.report.checklists.items import CHECKLISTS
from engine.report.checklists.kept import kept_answers
from engine.report.formatting import in_brackets
from engine.report.named.names import capitalized, figure_words
from engine.report.study.printed.kept import protocol_words, reader_words
from engine.report.study.records import StudyReport
from engine.report.study.told.in_words import certified
from engine.retelling import retold_closely

NONE_FIXED = "none was fixed"


@speaking(ENGLISH)
def with_study_checklists(
    report: StudyReport, folder: Path, names: Sequence[str] = CHECKLISTS
) -> StudyReport:
    """Answer checklists with what a study's report says, and with what people wrote, in English as it is kept.

    Args:
        report: As it will be written out; answers that it has are made again.
        folder: Where what people write of this study is kept.
        names: Of the checklists.

    Raises:
        ReportError: There is no such checklist.
    """
    try:
        written = kept_answers(folder)
    except ReportError as error:  # the figures do not need them
        written = ()
        report = replace(report, limitations=tuple(dict.fromkeys((*report.limitations, unread(error)))))
    return replace(report, checklists=answer_checklists(report, SUBJECTS, names, written))


def study_answered_again(report: StudyReport) -> StudyReport:
    """Answer the checklists of a report anew in the language that is spoken, with the same of people's words."""
    if language() == ENGLISH:
        return report
    names, written = [one.checklist.name for one in report.checklists], written_to(report.checklists)
    return replace(report, checklists=answer_checklists(report, SUBJECTS, names, written))


def fact(name: str, *, but: str = "") -> Subject[StudyReport]:
    """Return a subject that a fact of the protocol answers, unless it says that there is none."""

    def says(report: StudyReport) -> str:
        said = report.facts.get(name, "")
        told = protocol_words(report, name).rstrip(".")
        return f"{_(name)}: {told}." if said and said != but else ""

    return Subject("protocol", says)


def flow(report: StudyReport) -> str:
    """Say what became of cases and answers."""
    return " ".join(map(retold_closely, report.flow))


def readers(report: StudyReport) -> str:
    """Say who read."""
    told = _("; ").join(
        f"{isolated(one.reader)}: {reader_words(one.told)}" for one in report.people if one.told
    )
    count = counted(len(report.people), "reader")
    return f"{count}: {told}." if told else f"{count}." if report.people else ""


def blinding(report: StudyReport) -> str:
    """Say what had been seen before the answers."""
    return " ".join(map(certified, report.excluded))


def agreement(report: StudyReport) -> str:
    """Say how far readers agree."""
    known = next((one for one in report.agreement if math.isfinite(one.estimate.value)), None)
    return f"{in_brackets(figure_words(known.name), known.estimate)[1:-1]}." if known else ""


def reference(report: StudyReport) -> str:
    """Name the reference standard of the readers."""
    return _("Labels that came with the data.") if report.lines else ""


def indeterminate(report: StudyReport) -> str:
    """Say what becomes of answers without a class."""
    name = "Unsure and not diagnostic"
    rule = report.facts.get(name, "")
    told = (
        _("Unsure and not diagnostic: {rule}; the other two ways are given beside it.")
        if report.three_ways
        else _("Unsure and not diagnostic: {rule}.")
    )
    return told.format(rule=protocol_words(report, name)) if rule else ""


def sample_size(report: StudyReport) -> str:
    """Say what such a study was planned to see."""
    return retold_closely(report.planned.sentence) if report.planned else ""


def protocol(report: StudyReport) -> str:
    """Say when the protocol was fixed, and what names it."""
    fixed = report.facts["Protocol fixed"]
    told = _("Protocol fixed {moment}; hash {hash}.")
    digest = report.facts["Hash of the protocol"]
    return "" if fixed == "not yet" else told.format(moment=isolated(fixed), hash=isolated(digest))


def stored(report: StudyReport) -> str:
    """Say whether what was put out can be audited."""
    anchor = report.facts.get("Newest row of the chain of evidence", "")
    told = _("Readings are kept and chained by hash, newest row {anchor}.")
    return told.format(anchor=isolated(anchor)) if anchor else ""


def metrics(report: StudyReport) -> str:
    """Name the figures."""
    names = _(", ").join(
        map(figure_words, dict.fromkeys(name for line in report.lines for name in line.figures))
    )
    by = _(", ").join(figure_words(one.figure) for one in report.compared if one.analysis)
    told = _("{figures}; readers compared by {by}.")
    return told.format(figures=names, by=by or _("accuracy alone")) if names else ""


def precision(report: StudyReport) -> str:
    """Say how certain the figures are."""
    known = any(one.analysis for one in report.compared)
    return (
        _("95% intervals for readers and cases, for cases and for readers (Obuchowski and Rockette).")
        if known
        else ""
    )


def performance(report: StudyReport) -> str:
    """Give the figures over all readers."""
    said = [
        f"{figure_words(one.figure)} {_(mode)} {in_brackets('', mean)[1:-1].strip()}"
        for one in report.compared
        if one.analysis
        for mode, mean in zip(one.analysis.modalities, one.analysis.analyses[0].means, strict=True)
    ]
    return f"{_('; ').join(said)}." if said else ""


def failures(report: StudyReport) -> str:
    """Say how often the model's advice harmed."""
    told = {
        "right": _("the model right: {harmed} of {count} readings harmed"),
        "wrong": _("the model wrong: {harmed} of {count} readings harmed"),
    }
    said = [
        told[one.advice].format(harmed=number(one.harmed), count=number(one.readings))
        for one in report.advice
    ]
    return f"{capitalized(_('; ').join(said))}." if said else ""


def limitations(report: StudyReport) -> str:
    """Count the limitations."""
    count = len(report.limitations)
    told = ngettext(
        "{count} limitation that follows from the study.",
        "{count} limitations that follow from the study.",
        count,
    )
    return told.format(count=number(count)) if count else ""


SUBJECTS: Mapping[str, Subject[StudyReport]] = {
    "objectives": fact("Primary endpoint", but=NONE_FIXED),
    "flow": Subject("flow", flow),
    "reference": Subject("readers", reference),
    "classes": fact("Classes"),
    "readers": Subject("protocol", readers),
    "blinding": Subject("flow", blinding, N_("Nothing has been read.")),
    "agreement": Subject(
        "agreement", agreement, N_("Have two readers read the same cases, more than one class among them.")
    ),
    "indeterminate": Subject("protocol", indeterminate),
    "sample size": Subject("all-readers", sample_size),
    "protocol": Subject("protocol", protocol, N_("Fix the protocol.")),
    "stored": Subject("protocol", stored),
    "metrics": Subject("readers", metrics),
    "precision": Subject("all-readers", precision),
    "performance": Subject("all-readers", performance),
    "failures": Subject("advice", failures),
    "limitations": Subject("limitations", limitations),
}
"""By the names that items of checklists give in `by`."""
