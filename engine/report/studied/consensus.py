"""The consensus of a closed study as a reference standard of a run on the same images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from engine.language import N_, _, counted, in_digits, isolated, ngettext, number
from engine.reading import DESIGNS, Store, Study, StudyAnswer
from engine.records import Prediction, Run
from engine.report.records import Settled
from engine.report.standards.defined import from_to
from engine.report.study.building import scripts_among
from engine.report.study.gathered import INDETERMINATE, gather, numbered
from engine.report.study.told.in_words import certified
from engine.report.titled.heading import PROGRAMS
from engine.retelling import retold_closely

RULES: tuple[Literal["excluded", "positive", "negative"], ...] = ("excluded", "positive", "negative")
NOT_IN, UNSETTLED = "not a case of the study", "readers disagree, not settled"
SEEN, DOUBT = "every reading was left out for what had been seen before", "unsure or not diagnostic"


def consensus_of_studies(store: Store, run: Run, predictions: Sequence[Prediction]) -> tuple[Settled, ...]:
    """Return the consensus of each closed study of the run's images whose readers did not see a model's answer first.

    An assisted study counts for the run whose answers were shown, and no other.

    Args:
        store: With the studies.
        run: Whose predictions are held against them.
        predictions: Of the report.
    """
    return tuple(
        _settled(store, study, run, predictions)
        for study in store.studies.all()
        if study.state == "closed" and _of_these_images(store, study, run)
    )


def _of_these_images(store: Store, study: Study, run: Run) -> bool:
    protocol = study.protocol
    if protocol.run_id == run.run_id:
        return True
    blinded = DESIGNS[protocol.design].consensus != "assisted"
    if protocol.run_id is not None and protocol.run_id not in store.run_ids():
        return False
    dataset = protocol.dataset_id or store.run(protocol.run_id or "").dataset_id
    return blinded and dataset == run.dataset_id


def _settled(store: Store, study: Study, run: Run, predictions: Sequence[Prediction]) -> Settled:
    answers = store.studies.answers(study.study_id)
    arm = DESIGNS[study.protocol.design].consensus
    given: dict[str, list[StudyAnswer]] = {}
    for each in answers:
        if each.arm == arm:
            given.setdefault(each.image_id, []).append(each)
    chosen = set(store.studies.images(study.study_id))
    by_rule = {rule: store.studies.consensus(study.study_id, indeterminate=rule) for rule in RULES}
    told = store.studies.consensus(study.study_id)
    classes = {
        image_id: name for image_id, name in told.items() if name in run.classes and image_id in chosen
    }
    own = {each.image_id for each in predictions}
    return Settled(
        name=standard_name(study),
        defined=tuple(
            _defined(store, study, answers, [one for one in predictions if one.image_id in chosen])
        ),
        answers={
            image_id: name for image_id, name in classes.items() if name is not None and image_id in own
        },
        without={
            each.image_id: _why_not(each.image_id, chosen, given, told)
            for each in predictions
            if each.image_id not in classes
        },
        caution=_caution(study, arm),
        drawn_by_model=bool(study.protocol.drawn.predicted or study.protocol.drawn.listed),
        by_rule={
            rule: {one: name for one, name in of.items() if name in run.classes and one in own}
            for rule, of in by_rule.items()
        },
    )


def voting_arms(study: Study) -> tuple[str, ...]:
    """Return the arms whose answers a study's consensus rests on."""
    return (DESIGNS[study.protocol.design].consensus, "adjudication")


def standard_name(study: Study) -> str:
    """Name the consensus of a study as a reference standard."""
    arm = DESIGNS[study.protocol.design].consensus
    kind = "consensus of readers with the model" if arm == "assisted" else "blinded consensus of readers"
    if study.protocol.consensus == "adjudicated":
        kind += ", adjudicated"
    return f"{kind} (study {study.name})"


def _why_not(
    image_id: str, chosen: set[str], given: dict[str, list[StudyAnswer]], told: dict[str, str | None]
) -> str:
    """Say why a case has no class."""
    if image_id not in chosen:
        return NOT_IN
    if image_id not in told:
        return "not read by all readers"
    if told[image_id] is not None:
        return "the readers' class is not one of the model's"
    counted_ones = [each for each in given.get(image_id, []) if not each.contaminated]
    if not counted_ones:
        return SEEN
    return DOUBT if all(each.verdict in INDETERMINATE for each in counted_ones) else UNSETTLED


def _defined(
    store: Store, study: Study, answers: Sequence[StudyAnswer], cases: Sequence[Prediction]
) -> Iterator[tuple[str, str]]:
    """Define the standard, line by line, from the protocol and what the store keeps of each answer."""
    protocol, certificates = study.protocol, store.studies.exposures(study.study_id)
    arm = DESIGNS[protocol.design].consensus
    own = [each for each in answers if each.arm == arm]
    votes = Counter(each.image_id for each in own if not each.contaminated)
    yield N_("Study"), _protocol_words(study)
    readers = len({each.reader for each in own})
    yield (
        N_("Readers"),
        ngettext("{readers} of {count} assigned", "{readers} of {count} assigned", readers).format(
            readers=counted(readers, "reader"), count=number(len(protocol.readers))
        ),
    )
    yield N_("Cases"), protocol.drawn.words
    if votes:
        yield N_("Votes a case"), from_to(min(votes.values()), max(votes.values()))
    yield N_("Rule"), _(protocol.consensus)
    settled = sum(each.arm == "adjudication" for each in answers)
    if protocol.consensus == "adjudicated" or settled:
        yield N_("Adjudicated"), counted(settled, "case")
    doubts = Counter(each.verdict for each in own if not each.contaminated)
    told = {
        "excluded": _("{unsure} unsure, {poor} not diagnostic: excluded by the protocol"),
        "positive": _("{unsure} unsure, {poor} not diagnostic: counted as positive by the protocol"),
        "negative": _("{unsure} unsure, {poor} not diagnostic: counted as negative by the protocol"),
    }[protocol.indeterminate]
    unsure, poor = (number(doubts[name]) for name in INDETERMINATE)
    yield N_("Indeterminate"), told.format(unsure=unsure, poor=poor)
    yield (
        N_("Blinded to the index test"),
        _("no: the prediction was on the screen") if arm == "assisted" else _("yes"),
    )
    readings = gather(protocol, numbered(study, cases), answers, certificates)
    if scripts := scripts_among(readings, {one.reader_id: one for one in store.people()}):
        yield PROGRAMS, retold_closely(scripts)
    for one in readings.excluded:
        if one.arm == arm:
            yield N_("Exposure certificate"), certified(one)


def _protocol_words(study: Study) -> str:
    """Name a study, how it was read, and its protocol."""
    told = (
        _("{study}, {design}; protocol {hash}, fixed {moment} UTC")
        if study.fixed
        else _("{study}, {design}; protocol {hash}, never fixed")
    )
    return told.format(
        study=isolated(study.name),
        design=_(study.protocol.design),
        hash=isolated(study.protocol_hash[:12]),
        moment=isolated(in_digits(f"{study.fixed:%Y-%m-%d %H:%M}")) if study.fixed else "",
    )


def _caution(study: Study, arm: str) -> str:
    said = []
    if arm == "assisted":
        said.append(
            _(
                "Readers saw the model's prediction before they gave their verdict, which biases them towards it: "
                "these results are not those of an independent reference standard."
            )
        )
    if study.protocol.drawn.rule == "enriched":
        said.append(
            _(
                "The finding is as common among these cases as the study was made: predictive values, accuracy and "
                "calibration are those of this mixture."
            )
        )
    if study.deviations:
        said.append(_("The protocol was changed after it was fixed: see the report of the study."))
    return " ".join(said)
