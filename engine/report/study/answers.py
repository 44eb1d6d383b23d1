"""What the report of a study can say to a checklist, by subject; what it does not say stays open for a person."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from engine.errors import ReportError
from engine.report.checklists.answering import Subject, answer_checklists
from engine.report.checklists.items import CHECKLISTS
from engine.report.checklists.kept import kept_answers
from engine.report.formatting import counted, in_brackets, without_paths
from engine.report.study.records import StudyReport

NONE_FIXED = "none was fixed"


def with_study_checklists(
    report: StudyReport, folder: Path, names: Sequence[str] = CHECKLISTS
) -> StudyReport:
    """Answer checklists with what a study's report says, and with what people wrote.

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
        written, said = (), f"What was written to the checklists cannot be read. {without_paths(str(error))}."
        report = replace(report, limitations=tuple(dict.fromkeys((*report.limitations, said))))
    return replace(report, checklists=answer_checklists(report, SUBJECTS, names, written))


def fact(name: str, *, but: str = "") -> Subject[StudyReport]:
    """Return a subject that a fact of the protocol answers, unless it says that there is none."""

    def says(report: StudyReport) -> str:
        said = report.facts.get(name, "")
        return f"{name}: {said.rstrip('.')}." if said and said != but else ""

    return Subject("protocol", says)


def flow(report: StudyReport) -> str:
    """Say what became of cases and answers."""
    return " ".join(report.flow)


def readers(report: StudyReport) -> str:
    """Say who read."""
    told = "; ".join(f"{one.reader}: {one.told}" for one in report.people if one.told)
    return f"{counted(len(report.people), 'reader')}{': ' + told if told else ''}." if report.people else ""


def blinding(report: StudyReport) -> str:
    """Say what had been seen before the answers."""
    return " ".join(report.certificate)


def agreement(report: StudyReport) -> str:
    """Say how far readers agree."""
    known = next((one for one in report.agreement if math.isfinite(one.estimate.value)), None)
    return f"{in_brackets(known.name, known.estimate)[1:-1]}." if known else ""


def reference(report: StudyReport) -> str:
    """Name the reference standard of the readers."""
    return "Labels that came with the data." if report.lines else ""


def indeterminate(report: StudyReport) -> str:
    """Say what becomes of answers without a class."""
    rule = report.facts.get("Unsure and not diagnostic", "")
    beside = "; the other two ways are given beside it" if report.three_ways else ""
    return f"Unsure and not diagnostic: {rule}{beside}." if rule else ""


def sample_size(report: StudyReport) -> str:
    """Say what such a study was planned to see."""
    return report.planned.sentence if report.planned else ""


def protocol(report: StudyReport) -> str:
    """Say when the protocol was fixed, and what names it."""
    fixed = report.facts["Protocol fixed"]
    return (
        "" if fixed == "not yet" else f"Protocol fixed {fixed}; hash {report.facts['Hash of the protocol']}."
    )


def stored(report: StudyReport) -> str:
    """Say whether what was put out can be audited."""
    anchor = report.facts.get("Newest row of the chain of evidence", "")
    return f"Readings are kept and chained by hash, newest row {anchor}." if anchor else ""


def metrics(report: StudyReport) -> str:
    """Name the figures."""
    names = ", ".join(dict.fromkeys(name for line in report.lines for name in line.figures))
    by = ", ".join(one.figure for one in report.compared if one.analysis) or "accuracy alone"
    return f"{names}; readers compared by {by}." if names else ""


def precision(report: StudyReport) -> str:
    """Say how certain the figures are."""
    known = any(one.analysis for one in report.compared)
    return (
        "95% intervals for readers and cases, for cases and for readers (Obuchowski and Rockette)."
        if known
        else ""
    )


def performance(report: StudyReport) -> str:
    """Give the figures over all readers."""
    said = [
        f"{one.figure} {mode} {in_brackets('', mean)[1:-1].strip()}"
        for one in report.compared
        if one.analysis
        for mode, mean in zip(one.analysis.modalities, one.analysis.analyses[0].means, strict=True)
    ]
    return f"{'; '.join(said)}." if said else ""


def failures(report: StudyReport) -> str:
    """Say how often the model's advice harmed."""
    said = [
        f"the model {one.advice}: {one.harmed:,} of {one.readings:,} readings harmed" for one in report.advice
    ]
    return f"{'; '.join(said).capitalize()}." if said else ""


def limitations(report: StudyReport) -> str:
    """Count the limitations."""
    return (
        f"{counted(len(report.limitations), 'limitation')} that follow from the study."
        if report.limitations
        else ""
    )


SUBJECTS: Mapping[str, Subject[StudyReport]] = {
    "objectives": fact("Primary endpoint", but=NONE_FIXED),
    "flow": Subject("flow", flow),
    "reference": Subject("readers", reference),
    "classes": fact("Classes"),
    "readers": Subject("protocol", readers),
    "blinding": Subject("flow", blinding, "Nothing has been read."),
    "agreement": Subject(
        "agreement", agreement, "Have two readers read the same cases, more than one class among them."
    ),
    "indeterminate": Subject("protocol", indeterminate),
    "sample size": Subject("all-readers", sample_size),
    "protocol": Subject("protocol", protocol, "Fix the protocol."),
    "stored": Subject("protocol", stored),
    "metrics": Subject("readers", metrics),
    "precision": Subject("all-readers", precision),
    "performance": Subject("all-readers", performance),
    "failures": Subject("advice", failures),
    "limitations": Subject("limitations", limitations),
}
"""By the names that items of checklists give in `by`."""
