"""The subjects of a run's report: what items of checklists name, what answers it, and the section where it stands.

To let a report answer more, add a subject here and name it in `by` of the items that ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.errors import ReportError
from engine.language import N_
from engine.report.checklists.answering import Subject, answer_checklists, unread, written_to
from engine.report.checklists.items import CHECKLISTS
from engine.report.checklists.kept import kept_answers
from engine.report.checklists.records import AnsweredChecklist
from engine.report.records import Report
from engine.report.run_answers import cases, model, results

ASK_SUPPLIER = N_("State it; of a supplied model, ask the supplier.")


def with_checklists(report: Report, names: Sequence[str] = CHECKLISTS) -> Report:
    """Answer checklists with what a report says, and with what people wrote beside its run.

    Args:
        report: As it will be written out; answers that it has are made again.
        names: Of the checklists.

    Raises:
        ReportError: There is no such checklist.
    """
    try:
        written = kept_answers(report.run.folder)
    except ReportError as error:  # the figures do not need them
        written, said = (), unread(error)
        report = replace(report, limitations=tuple(dict.fromkeys((*report.limitations, said))))
    return replace(report, checklists=answer_checklists(report, SUBJECTS, names, written))


def answered_again(report: Report, checklists: Sequence[AnsweredChecklist]) -> Report:
    """Answer the same checklists with the same of people's words in the language that is spoken.

    Args:
        report: Built while it is spoken.
        checklists: As they were answered in another one.
    """
    names = [one.checklist.name for one in checklists]
    again = answer_checklists(report, SUBJECTS, names, written_to(checklists))
    return replace(report, checklists=again)


SUBJECTS: Mapping[str, Subject[Report]] = {
    "data": Subject("methods", cases.data),
    "flow": Subject("participants", cases.flow),
    "preparation": Subject("methods", cases.preparation, ASK_SUPPLIER),
    "privacy": Subject("", cases.privacy),
    "missing": Subject("participants", cases.missing),
    "reference": Subject("summary", cases.reference, N_("No case has a label in a reference standard.")),
    "label errors": Subject(
        "label-errors", cases.label_errors, N_("Say whether labels were searched for errors.")
    ),
    "classes": Subject("performance", cases.classes),
    "readers": Subject("readers", cases.readers),
    "blinding": Subject("summary", cases.blinding),
    "agreement": Subject(
        "readers",
        cases.agreement,
        N_("Have two readers read the same cases, more than one class among them."),
    ),
    "indeterminate": Subject("readers", cases.indeterminate),
    "split": Subject("methods", model.split),
    "overlap": Subject("methods", model.overlap),
    "model": Subject("index-test", model.model, ASK_SUPPLIER),
    "software": Subject("index-test", model.software),
    "weights": Subject("index-test", model.weights, ASK_SUPPLIER),
    "training": Subject("index-test", model.training, ASK_SUPPLIER),
    "chosen": Subject("index-test", model.chosen, ASK_SUPPLIER),
    "single": Subject("methods", model.single, ASK_SUPPLIER),
    "balance": Subject("methods", model.balance, ASK_SUPPLIER),
    "operating": Subject("index-test", model.operating),
    "inputs": Subject("index-test", model.inputs, ASK_SUPPLIER),
    "outputs": Subject("index-test", model.outputs),
    "applied": Subject("index-test", model.applied),
    "stored": Subject("methods", model.stored),
    "metrics": Subject("performance", results.metrics),
    "precision": Subject("performance", results.precision),
    "curves": Subject("curves", results.curves, N_("No curve can be drawn of these cases: say why.")),
    "subgroups": Subject(
        "subgroups",
        results.subgroups,
        N_("Bring a column, such as age or sex, with the data, or say why there is none."),
    ),
    "explanations": Subject(
        "heatmaps",
        results.explanations,
        N_("Compare heatmaps with drawn findings, or say that none are used."),
    ),
    "internal": Subject("performance", results.internal),
    "external": Subject(
        "elsewhere", results.external, N_("Test it on external data, or say that it was not.")
    ),
    "updating": Subject("", results.updating),
    "patients": Subject("methods", results.patients),
    "events": Subject("performance", results.events),
    "performance": Subject("performance", results.performance),
    "confusion": Subject("curves", results.confusion, N_("No case has a label in a reference standard.")),
    "failures": Subject(
        "cases", results.failures, N_("No case is contradicted here: say on how many this rests.")
    ),
    "robustness": Subject(
        "robustness", results.robustness, N_("Measure it: the report says how, under Robustness.")
    ),
    "limitations": Subject("limitations", results.limitations),
}
"""By the names that items of checklists give in `by`; others are of studies alone."""
