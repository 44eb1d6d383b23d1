"""The report of a study, put together from what the store keeps of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.language import ENGLISH, N_, count_of, speaking, unitless
from engine.reading import (
    DESIGNS,
    Certificate,
    Progress,
    Protocol,
    Reader,
    RunSummary,
    Study,
    StudyAnswer,
    consensus_by_case,
    experience,
)
from engine.records import Prediction
from engine.report.formatting import probability
from engine.report.study.comparing import advice, compared, model, model_curve, plan, power, three_ways
from engine.report.study.gathered import INDETERMINATE, Readings, Told, gather, numbered
from engine.report.study.primary import primary_of
from engine.report.study.readers import agreement, changed, reader_lines, reader_names
from engine.report.study.records import Person, StudyReport
from engine.report.study.told.deviations import deviations_of
from engine.report.study.told.evidence import StudyEvidence
from engine.report.study.told.in_words import certified
from engine.report.titled.heading import synthetic_words

SCRIPT = "script"
"""The profession of a reader who is none."""

IN_WORDS = {
    "blind": N_("without the model"),
    "assisted": N_("with the model"),
    "concurrent": N_("with the model from the beginning"),
    "annotation": N_("annotation"),
}


def build_study_report(
    study: Study,
    told: Sequence[Told],
    answers: Sequence[StudyAnswer],
    certificates: Mapping[int, Certificate],
    *,
    people: Sequence[Reader],
    predictions: Mapping[str, Prediction] | None = None,
    run: RunSummary | None = None,
) -> StudyReport:
    """Compute a study's report from what is known of it.

    Args:
        study: The study.
        told: What is known of its images: predictions of its run, or samples of its data set.
        answers: That stand.
        certificates: What had been on the screen before each, by its number.
        people: Every reader of the workspace.
        predictions: Of the run, by image id; none where there is no model.
        run: Whose predictions these are; None where there is no model.
    """
    return report_of(
        StudyEvidence(
            study=study,
            cases=numbered(study, told),
            answers=tuple(answers),
            certificates=certificates,
            people=tuple(people),
            predictions=predictions or {},
            wanted={},
            run=run,
            sizes={},
        )
    )


@speaking(ENGLISH)
def report_of(evidence: StudyEvidence) -> StudyReport:
    """Compute a study's report, in English: a page says it again."""
    study, run, progress = evidence.study, evidence.run, evidence.progress
    protocol, predicted = study.protocol, evidence.predictions
    readings = gather(protocol, evidence.cases, evidence.answers, evidence.certificates)
    consensus = consensus_by_case(study, evidence.answers, evidence.wanted)
    by_id = {person.reader_id: person for person in evidence.people}
    unfinished = _unfinished(study, readings, progress, run)
    over_readers, planned = compared(readings, protocol.indeterminate), plan(readings)
    return StudyReport(
        name=study.name,
        line=_line(readings, predicted),
        banner=scripts_among(readings, by_id) or (synthetic_words(run.dataset_id) if run else ""),
        final=not unfinished,
        unfinished=unfinished,
        primary=primary_of(protocol, over_readers),
        facts=_facts(study, by_id, run, evidence.anchor),
        deviations=deviations_of(evidence),
        people=tuple(
            Person(
                reader=name, name=by_id[reader].name if reader in by_id else reader, told=_told(by_id, reader)
            )
            for reader, name in reader_names(readings).items()
        ),
        flow=_flow(readings, progress),
        certificate=tuple(certified(one) for one in readings.excluded),
        excluded=readings.excluded,
        lines=reader_lines(readings),
        compared=over_readers,
        three_ways=three_ways(readings) if _any_indeterminate(readings) else (),
        advice=advice(readings),
        advice_note=_advice_note(study),
        agreement=agreement(readings),
        changed=changed(readings),
        planned=planned,
        power=power(planned, over_readers),
        model=model(readings, predicted, consensus),
        roc=model_curve(readings, predicted),
        limitations=(*_limitations(study, readings), *evidence.notes),
        readings=readings,
        evidence=evidence,
    )


def _line(readings: Readings, predicted: Mapping[str, Prediction]) -> str:
    parts = {predicted[case.image_id].part for case in readings.cases if case.image_id in predicted}
    where = {frozenset({"test"}): "internal testing", frozenset({None}): "external testing"}
    said: list[str] = [readings.protocol.design]
    tables = [readings.named(mode, "excluded") for mode in readings.modes]
    whole = all(name is not None for table in tables for row in table for name in row)
    if tables:
        said.append("fully crossed" if whole else "not fully crossed")
    said.append(f"{count_of(len(readings.readers), 'reader')} × {count_of(len(readings.cases), 'case')}")
    if parts:
        said.append(where.get(frozenset(parts), "on cases that the model knows or may know"))
    return ", ".join(said)


def scripts_among(readings: Readings, people: Mapping[str, Reader]) -> str:
    """Say that readings were made by a program; empty where none was."""
    scripts = [
        people[reader].name
        for reader in readings.protocol.readers
        if reader in people and people[reader].profession.casefold().startswith(SCRIPT)
    ]
    if not scripts:
        return ""
    verb = "is a script" if len(scripts) == 1 else "are scripts"
    return f"Readings made by a program: {', '.join(scripts)} {verb}. Nothing here is evidence of how people read."


def _unfinished(
    study: Study, readings: Readings, progress: Sequence[Progress], run: RunSummary | None
) -> tuple[str, ...]:
    begun = study.first_reading
    late = run is not None and begun is not None and run.created >= begun
    open_ones = sum(one.of - one.read for one in progress)
    reasons = [
        (study.state != "closed", "the study is not closed"),
        (open_ones > 0, f"{count_of(open_ones, 'reading is', 'readings are')} missing"),
        (study.protocol.primary is None, "the protocol names no primary endpoint that can be computed"),
        (late, "the model's operating point was not fixed before the first reading"),
        (bool(study.deviations), "the protocol was changed after it was fixed"),
        (not readings.modes, "nothing has been read"),
    ]
    return tuple(reason for holds, reason in reasons if holds)


def _told(people: Mapping[str, Reader], reader: str) -> str:
    return experience(people[reader]) if reader in people else ""


def _facts(study: Study, people: Mapping[str, Reader], run: RunSummary | None, anchor: str) -> dict[str, str]:
    protocol = study.protocol
    drawn = protocol.drawn
    adjudicator = people.get(protocol.adjudicator or "")
    wrong = "none"
    if protocol.wrong_advice:
        share = f"the other class was shown on purpose for {protocol.wrong_advice:.0%} of the cases"
        wrong = share if study.state == "closed" else "told when the study is closed"
    facts = {
        "Study": f"{study.name} ({study.study_id})",
        "Design": f"{DESIGNS[protocol.design].description}.",
        "Primary endpoint": protocol.primary_words or protocol.endpoint or "none was fixed",
        "The endpoint in words": protocol.endpoint if protocol.primary else "",
        "Margin": "" if protocol.margin is None else unitless(protocol.margin),
        "Model": protocol.run_id or "none",
        "Operating point": _operating(run, protocol),
        "Shown with the model": ", ".join(protocol.shown)
        if "assisted" in DESIGNS[protocol.design].arms
        else "",
        "Beside a case": "other images of the patient" if protocol.same_patient else "",
        "Classes": ", ".join(protocol.classes),
        "The finding": protocol.positive,
        "Cases": f"{drawn.n:,}: {drawn.words}" if drawn.n else drawn.words,
        "Adjudicator": adjudicator.name if adjudicator else "",
        "Certainty asked": protocol.certainty or "no",
        "Consensus": protocol.consensus,
        "Unsure and not diagnostic": {"excluded": "excluded"}.get(
            protocol.indeterminate, f"count as {protocol.indeterminate}"
        ),
        "Wash-out": f"{protocol.wash_out_days:g} days" if protocol.wash_out_days else "",
        "Wrong advice": wrong if "assisted" in DESIGNS[protocol.design].arms else "",
        "Seed": str(protocol.seed),
        "Hash of the protocol": study.protocol_hash,
        "Protocol fixed": f"{study.fixed:%Y-%m-%d %H:%M} UTC" if study.fixed else "not yet",
        "First reading": f"{study.first_reading:%Y-%m-%d %H:%M} UTC" if study.first_reading else "none",
        "Closed": f"{study.closed:%Y-%m-%d %H:%M} UTC" if study.closed else "not yet",
        "Newest row of the chain of evidence": anchor,
    }
    return {name: said for name, said in facts.items() if said}


def _operating(run: RunSummary | None, protocol: Protocol) -> str:
    if run is None:
        return ""
    fixed = f"fixed with the model on {run.created:%Y-%m-%d %H:%M} UTC"
    if len(run.classes) != 2:
        return f"none: the most probable class is predicted; {fixed}"
    finding, edge = run.positive or protocol.positive, probability(run.threshold)
    return f"{finding} is predicted from a probability of {edge} on; {fixed}"


def _any_indeterminate(readings: Readings) -> bool:
    return any(
        answer is not None and answer.verdict in INDETERMINATE
        for mode in readings.modes
        for row in readings.table(mode)
        for answer in row
    )


def _flow(readings: Readings, progress: Sequence[Progress]) -> tuple[str, ...]:
    labels = [label for label in readings.labels if label is not None]
    positive = readings.protocol.positive
    said = [
        f"{count_of(len(readings.cases), 'case')} of "
        f"{count_of(len({case.patient for case in readings.cases}), 'patient')}: {len(labels):,} with a label that is "
        f"one of the study's classes, {len(readings.cases) - len(labels):,} without."
    ]
    if positive and labels:
        present = sum(label == positive for label in labels)
        absent = len(labels) - present
        said.append(
            f"By these labels {present:,} {'is' if present == 1 else 'are'} {positive} and {absent:,} "
            f"{'is' if absent == 1 else 'are'} not."
        )
    for one in readings.excluded:
        modes = [
            mode
            for mode in readings.modes
            if mode == one.arm or (one.arm == "assisted" and mode == "concurrent")
        ]
        given = [a for mode in modes for row in readings.table(mode) for a in row if a is not None]
        unsure = sum(answer.verdict in INDETERMINATE for answer in given)
        wanted = sum(each.of for each in progress if each.arm == one.arm) or one.answers
        said.append(
            f"Readings {IN_WORDS.get(one.arm, one.arm)}: {wanted:,} assigned, of which {wanted - one.answers:,} not "
            f"read, {one.left_out:,} left out for what had been seen before, {unsure:,} unsure or not diagnostic, "
            f"{len(given) - unsure:,} with a class."
        )
    return tuple(said)


def _advice_note(study: Study) -> str:
    if not study.protocol.wrong_advice or study.state != "closed":
        return ""
    return (
        f"For {study.protocol.wrong_advice:.0%} of the cases the other class was shown on purpose, so that wrong "
        "advice is more common here than the model's own errors are."
    )


def _limitations(study: Study, readings: Readings) -> tuple[str, ...]:
    protocol, readers = study.protocol, len(readings.readers)
    said = [
        (
            any(readings.labels),
            "Readers are held against the labels that came with the data. Overread does not know how these were made.",
        ),
        (
            not any(readings.labels) and bool(readings.modes),
            "No case has a label, so that nothing can be said of who is right.",
        ),
        (
            protocol.design == "blind then assisted",
            "Each case was read with the model directly after it was read without: a second look may help on its own.",
        ),
        (
            protocol.design == "assisted",
            "Readers saw the model's answer before they gave theirs: how they would read without it is not known.",
        ),
        (
            protocol.drawn.rule == "enriched",
            "The finding is as common here as the study was made, so that no predictive value is given.",
        ),
        (
            readers == 1,
            "One reader: nothing can be said of others.",
        ),
        (
            readers == 2,
            "Two readers show little of how much readers differ; intervals for other readers are wide and uncertain.",
        ),
        (
            True,
            "The cases were read from a list, not in the course of care: nothing is said of patients' outcomes.",
        ),
    ]
    return tuple(sentence for holds, sentence in said if holds)
