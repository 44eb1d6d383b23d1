"""What the readers agree on by the protocol's rule, and what they disagree on until somebody settles it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from engine.language import _
from engine.reading.studies.planning.designs import DESIGNS
from engine.reading.studies.planning.drawing import shuffled
from engine.reading.studies.planning.protocol import Protocol
from engine.reading.studies.planning.records import NOT_DIAGNOSTIC, UNSURE, Disagreement, Study, StudyAnswer

Readings = Mapping[str, StudyAnswer]  # person → the answer that stands


def by_case(answers: Iterable[StudyAnswer], arm: str) -> dict[str, dict[str, StudyAnswer]]:
    """Return the answers of an arm that stand: image → person → answer."""
    found: dict[str, dict[str, StudyAnswer]] = {}
    for answer in answers:
        if answer.arm == arm and answer.stands:
            found.setdefault(answer.image_id, {})[answer.reader] = answer
    return found


def label_of(answer: StudyAnswer, protocol: Protocol) -> str | None:
    """Return the class that an answer counts as by the protocol; None where it is excluded."""
    if answer.verdict not in (UNSURE, NOT_DIAGNOSTIC):
        return answer.label
    match protocol.indeterminate:
        case "positive":
            return protocol.positive
        case "negative":
            return next(each for each in protocol.classes if each != protocol.positive)
        case _:
            return None


def agreed(labels: Sequence[str | None], protocol: Protocol) -> str | None:
    """Return the class that readers agree on; None where there is none.

    Args:
        labels: What each reader's answer counts as; None is excluded.
        protocol: Of the study. With several readers at least two must have named a class.
    """
    votes = Counter(label for label in labels if label is not None)
    if not votes or votes.total() < min(2, len(labels)):
        return None
    (first, most), *_others = votes.most_common(1)
    if protocol.consensus == "majority":
        return first if 2 * most > votes.total() else None
    return first if most == votes.total() else None


def consensus_arm(protocol: Protocol) -> str:
    """Return the arm from which the readers' consensus comes."""
    return DESIGNS[protocol.design].consensus


def consensus_by_case(
    study: Study, answers: Sequence[StudyAnswer], wanted: Mapping[str, int]
) -> dict[str, str | None]:
    """Return what each case is by the readers: those that all of them have read.

    A blind answer that was given after the model's was seen is no blinded reading, and has no vote. What the
    adjudicator has settled holds.

    Args:
        study: Whose rule it is.
        answers: That stand.
        wanted: Image → how many readers are to read it in the arm of the consensus.
    """
    settled = {image: next(iter(one.values())) for image, one in by_case(answers, "adjudication").items()}
    told: dict[str, str | None] = {}
    for image_id, readings in by_case(answers, consensus_arm(study.protocol)).items():
        if image_id in settled:
            told[image_id] = settled[image_id].label
        elif len(readings) >= wanted.get(image_id, 0):
            told[image_id] = agreed(
                [_vote(each, study.protocol) for each in readings.values()], study.protocol
            )
    return told


def _vote(answer: StudyAnswer, protocol: Protocol) -> str | None:
    return None if answer.contaminated else label_of(answer, protocol)


def disagreements(
    study: Study, answers: Sequence[StudyAnswer], wanted: Mapping[str, int]
) -> list[Disagreement]:
    """Return the cases on which the readers do not agree, settled or not, in the random order of the study."""
    settled = {image: next(iter(one.values())) for image, one in by_case(answers, "adjudication").items()}
    open_cases: dict[str, Disagreement] = {}
    for image_id, readings in by_case(answers, consensus_arm(study.protocol)).items():
        votes = [_vote(each, study.protocol) for each in readings.values()]
        if len(readings) >= wanted.get(image_id, 0) and agreed(votes, study.protocol) is None:
            open_cases[image_id] = Disagreement(
                image_id=image_id,
                readings=_anonymous(study, image_id, readings),
                settled=settled.get(image_id),
            )
    return [open_cases[image] for image in shuffled(open_cases, study.protocol.seed, "adjudication")]


def _anonymous(study: Study, image_id: str, readings: Readings) -> dict[str, StudyAnswer]:
    """Return readings as those of reader A, B, …: who is A is drawn for each case, and nothing in them says who."""
    drawn = shuffled(readings, study.protocol.seed, f"readers of {image_id}")
    return {
        _("Reader {letter}").format(letter=_letter(place)): _nameless(readings[person])
        for place, person in enumerate(drawn)
    }


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else str(place + 1)


def _nameless(answer: StudyAnswer) -> StudyAnswer:
    """Return an answer without what tells whose it is: its number and moment would, beside the order of others."""
    return StudyAnswer(
        study_id=answer.study_id,
        image_id=answer.image_id,
        arm=answer.arm,
        verdict=answer.verdict,
        label=answer.label,
        finding=answer.finding,
        certainty=answer.certainty,
        comment=answer.comment,
        regions=answer.regions,
    )
