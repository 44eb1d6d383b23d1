"""What the names of the files themselves may say: whose images they are (person1_bacteria_2, IM-0115-0001).

Nothing of it is taken without being said. A name that says "patient" is believed until a person says otherwise; a name
that merely begins alike in several files is asked about.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.data.columns.listings import (
    Listed,
    batched,
    file_names,
    labels_of,
    named_anyhow,
    of_patients,
)
from engine.data.columns.texts import TextsMade
from engine.data.names import counts_views, is_date, is_placeholder, says_patient
from engine.data.proposing import questions
from engine.errors import DataError
from engine.records import Answers, Level, NameCount, Question, Role

LEVEL = 0
"""The number of the level that file names are; folders count from 1."""
SHOWN = 24
MOST = 0.8  # share of the images
LEAST_PATIENTS = 3
_TOKEN = re.compile(r"[^\s_.\-\u2010-\u2015]+")
_SUFFIXES = re.compile(r"(\.[A-Za-z][A-Za-z0-9]{0,4}){1,2}\Z")  # .png, .dcm.gz


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedPatients:
    """What file names say of patients.

    Attributes:
        listed: The images, with their patients if these were taken from the names.
        level: For the proposal; None where nothing was found.
        question: What is to be said or asked.
    """

    listed: Sequence[Listed]
    level: Level | None = None
    question: Question | None = None


def find_patients(listed: Sequence[Listed], answers: Answers) -> NamedPatients:
    """Take patients from the names of files, or ask whether to, where neither table nor folders name any.

    Raises:
        DataError: A person said that file names are something that they cannot be.
    """
    role = answers.levels.get(LEVEL)
    if role not in (None, "patient", "ignored"):
        raise DataError(
            f"File names cannot be taken as {role}",
            "Say that they are patient or ignored",
            option="--level names=patient",
        )
    if role is None and any(not is_placeholder(name) for name in named_anyhow(listed)):
        return NamedPatients(listed=listed)
    names, saying = TextsMade(), 0
    patients: Counter[str] = Counter()
    for some in batched(file_names(listed)):
        found = [patient_in(name) for name in some]
        saying += sum(said for _, said in found)
        patients.update(patient for patient, _ in found if patient is not None)
        names.extend([patient for patient, _ in found])
    sure = saying >= MOST * len(listed)
    if role is None and not (sure or _several_each(patients, listed)):
        return NamedPatients(listed=listed)
    taken = role == "patient" or (role is None and sure)
    if taken:
        listed = of_patients(listed, names.done(), said=bool(role))
    question = None if role else questions.patients_in_names(patients, _example(listed), taken=taken)
    return NamedPatients(listed=listed, level=_level(patients, taken, role), question=question)


def _several_each(patients: Counter[str], listed: Sequence[Listed]) -> bool:
    """Tell whether beginnings of names may be patients: most images have one, several share one, none is a class."""
    classes = labels_of(listed)
    several = sum(count > 1 for count in patients.values())
    return (
        patients.total() >= MOST * len(listed)
        and len(patients) >= max(LEAST_PATIENTS, 2 * len(classes) + 1)
        and 10 * several >= len(patients)
    )


def _level(patients: Counter[str], taken: bool, role: Role | None) -> Level:
    return Level(
        number=LEVEL,
        role="patient" if taken else "ignored",
        why="you said so" if role else "they say so" if taken else "they may be patients, and do not say so",
        answered=role is not None,
        distinct=len(patients),
        names=tuple(NameCount(name=name, images=count) for name, count in patients.most_common(SHOWN)),
    )


def _example(listed: Iterable[Listed]) -> tuple[str, Path]:
    return next(
        (patient, entry.path) for entry in listed if (patient := patient_in(entry.path.name)[0]) is not None
    )


def patient_in(name: str) -> tuple[str | None, bool]:
    """Return whose image a file's name may say it is, and whether it says that this is a patient.

    person1_bacteria_2.jpeg → person1_bacteria (numbers begin again for each finding); patient00001_view1_frontal.jpg →
    patient00001; IM-0115-0001.dcm → IM-0115; 00000013_005.png → 00000013; img_12.png → nothing.
    """
    stem = _SUFFIXES.sub("", name)
    tokens = list(_TOKEN.finditer(stem))
    words = [token[0] for token in tokens]
    said = _said(words)
    last = said if said is not None else _before_count(words)
    if last is None:
        return None, False
    patient = stem[: tokens[last].end()]
    if is_date(patient):
        return None, False
    return patient, said is not None


def _said(words: Sequence[str]) -> int | None:
    """Return the place of the word that ends a patient's name, where the name says that it is one."""
    for place, word in enumerate(words):
        if says_patient(word):
            end = place
        elif says_patient(f"{word} 1") and any(
            letter.isdigit() for letter in "".join(words[place + 1 : place + 2])
        ):
            end = place + 1
        else:
            continue
        while end + 2 < len(words) and words[end + 1].isalpha() and not counts_views(words[end + 1]):
            end += 1  # a finding: person1_bacteria and person1_virus are two persons
        return end
    return None


def _before_count(words: Sequence[str]) -> int | None:
    """Return the place of the last word before views and a running number, if a number is left before them."""
    last = len(words) - 1

    def goes(place: int) -> bool:
        return place > 0 and any(letter.isdigit() for word in words[:place] for letter in word)

    while goes(last) and counts_views(words[last]):
        last -= 1
    if goes(last) and words[last].isdecimal():
        last -= 1
        while goes(last) and counts_views(words[last]):
            last -= 1
    return last if last < len(words) - 1 else None


def classes_after_counts(labels: Iterable[str]) -> dict[str, str]:
    """Return the class that stands behind a count in each name: positive in study1_positive and study2_positive.

    Nothing where that is not so of all names, or where it would leave one class.
    """
    found = {}
    for label in labels:
        parted = re.fullmatch(r"(.*?\d)[\s_\-]+(\D*[^\W\d_]\D*)", label)
        if parted is None or not counts_views(parted[1]):
            return {}
        found[label] = parted[2]
    classes = set(found.values())
    return found if len(classes) > 1 else {}
