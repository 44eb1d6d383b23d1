"""Readers, patients and cases by numbers that tell nothing: drawn with a salt that stays in the workspace."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.reading import Deviation, Reader, Store, Study, StudyAnswer
from engine.report.exports.bundle.searching import LEFT_OUT, Names
from engine.report.study.told.evidence import StudyEvidence
from engine.storage import read_regular, storage_error

SALT = "salt"
MOST_BYTES = 1024
SHORTEST_TYPED = 2  # characters of a name that is looked for in what people typed
ADJUDICATOR = "A1"


def salt_of(folder: Path, store: Store, study_id: str) -> str:
    """Return the salt of a study; nothing that leaves the workspace holds it.

    It is what was kept for the study, or what the database alone knows of it: so a window that may write nothing gives
    the numbers that every other one gives, each time.

    Args:
        folder: Where what belongs to the study is kept.
        store: With the study.
        study_id: Of the study.

    Raises:
        WorkspaceError: It cannot be read.
    """
    path = folder / SALT
    try:
        kept = read_regular(path, MOST_BYTES).decode("ascii", "replace").strip()
    except FileNotFoundError:
        kept = ""
    except OSError as error:
        raise storage_error(error, path) from error
    return kept or store.studies.secret(study_id)


def in_drawn_order(study: Study, salt: str) -> Study:
    """Return a study whose readers stand in an order drawn with the salt: R1 is then not the first on the form."""
    if not salt:
        return study
    readers = sorted(study.protocol.readers)
    random.Random(f"{study.study_id} {salt}").shuffle(readers)
    return replace(study, protocol=replace(study.protocol, readers=tuple(readers)))


def people_in_words(people: Iterable[Reader]) -> frozenset[str]:
    """Return every name and spelling of people, whole and word by word."""
    whole = {name for one in people for name in (one.name, *one.spellings)}
    return frozenset(whole | {word for name in whole for word in name.split()})


def typed_names(evidence: StudyEvidence) -> Names:
    """Return the names that are looked for in what people typed: short ones too, however they are spelt."""
    words = evidence.names | people_in_words(evidence.people)
    return Names(words, harmless_words(evidence), shortest=SHORTEST_TYPED, folded=True)


def harmless_words(evidence: StudyEvidence) -> frozenset[str]:
    """Return what a bundle must print, though somebody may be called so."""
    protocol = evidence.study.protocol
    said = {*protocol.classes, *(person.profession for person in evidence.people)}
    if evidence.run is not None:
        said |= {evidence.run.run_id, *evidence.run.classes}
    return frozenset(said)


def numbers_of_readers(study: Study, answers: Iterable[StudyAnswer]) -> dict[str, str]:
    """Return what each reader is called where nobody is named: R1, R2 … as in the protocol, A1, X1 …."""
    people = {reader: f"R{number}" for number, reader in enumerate(study.protocol.readers, 1)}
    if study.protocol.adjudicator:
        people.setdefault(study.protocol.adjudicator, ADJUDICATOR)
    others = dict.fromkeys(one.reader for one in answers if one.reader not in people)
    return people | {
        reader: f"X{number}" for number, reader in enumerate(others, 1)
    }  # no longer of the protocol


def anonymous(evidence: StudyEvidence) -> tuple[StudyEvidence, int]:
    """Return what a report is computed from with numbers for names, and how many texts were left out for a name."""
    protocol = evidence.study.protocol
    people = numbers_of_readers(evidence.study, evidence.answers)
    cases = {case.image_id: f"c{case.number}" for case in evidence.cases}
    patients = {case.image_id: f"p{case.patient}" for case in evidence.cases}
    numbers = {each.seq: place for place, each in enumerate(evidence.answers, 1) if each.seq is not None}
    names, left_out = typed_names(evidence), 0

    def typed(text: str, instead: str = "") -> str:
        nonlocal left_out
        if names.found_in(text) is None:
            return text
        left_out += 1
        return instead

    def answer(one: StudyAnswer) -> StudyAnswer:
        return replace(
            one,
            image_id=cases[one.image_id],
            reader=people[one.reader],
            seq=numbers.get(one.seq or 0),
            supersedes=None,
            at=None,
            comment=typed(one.comment),
        )

    def deviation(one: Deviation) -> Deviation:
        changed = {name: _renamed(values, people) for name, values in one.changed.items()}
        return replace(
            one, author=people.get(one.author, ""), reason=typed(one.reason, LEFT_OUT), changed=changed
        )

    return replace(
        evidence,
        study=replace(
            evidence.study,
            protocol=replace(
                protocol,
                readers=tuple(people[reader] for reader in protocol.readers),
                adjudicator=protocol.adjudicator and people[protocol.adjudicator],
            ),
            deviations=tuple(map(deviation, evidence.study.deviations)),
        ),
        cases=tuple(replace(case, image_id=cases[case.image_id]) for case in evidence.cases),
        answers=tuple(answer(one) for one in evidence.answers if one.image_id in cases),
        certificates={numbers[seq]: one for seq, one in evidence.certificates.items() if seq in numbers},
        people=tuple(
            Reader(
                reader_id=people[one.reader_id],
                name=people[one.reader_id],
                role=one.role,
                profession=one.profession,
                years=one.years,
            )
            for one in evidence.people
            if one.reader_id in people
        ),
        progress=tuple(
            replace(one, reader=people[one.reader], name=people[one.reader], median_seconds=None)
            for one in evidence.progress
            if one.reader in people
        ),
        predictions={
            cases[image_id]: replace(
                one, image_id=cases[image_id], path=Path(cases[image_id]), patient_id=patients[image_id]
            )
            for image_id, one in evidence.predictions.items()
            if image_id in cases
        },
        wanted={cases[image_id]: count for image_id, count in evidence.wanted.items() if image_id in cases},
        sizes={cases[image_id]: size for image_id, size in evidence.sizes.items() if image_id in cases},
        names=frozenset(),
    ), left_out


def _renamed(value: Any, people: Mapping[str, str]) -> Any:
    """Return a value of a protocol with people by their numbers."""
    if isinstance(value, tuple | list):
        return type(value)(_renamed(each, people) for each in value)
    return people.get(value, value) if isinstance(value, str) else value
