"""The readings of a study as tables of readers by cases, with what is left out counted."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.reading import DESIGNS, Certificate, Protocol, Study, StudyAnswer
from engine.records import Prediction, Sample
from engine.report.exports.bundle.searching import names_of_images, numbers_of_nobody

INDETERMINATE = ("unsure", "not diagnostic")
RULES = ("excluded", "positive", "negative")
"""What an answer that names no class may count as."""

CONCURRENT = "concurrent"
"""Readings with the model from the beginning, in a study that holds them against a second reader's."""

Numbers = NDArray[np.float64]


Told = Sample | Prediction
"""What is known of an image."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A case of a study.

    Attributes:
        image_id: Of the image.
        number: That stands for it in exports, from 1, in an order that tells nothing.
        patient: A number that stands for the patient, likewise.
        label: That came with the data, one of the study's classes; None without.
    """

    image_id: str
    number: int
    patient: int
    label: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Excluded:
    """What came before the answers of an arm, and how many are left out for it.

    Attributes:
        arm: Which.
        answers: Readings that stand.
        left_out: Of them, those given after more had been on the screen than the arm shows.
        seen: What that was → in how many.
        prediction_first: Readings before which the model's answer or map had been seen; in a blind arm none counts.
    """

    arm: str
    answers: int
    left_out: int
    seen: Mapping[str, int]
    prediction_first: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Readings:
    """Who read what how, as far as it counts.

    Attributes:
        protocol: Of the study.
        cases: All of the study, N.
        readers: Ids, R, those who have answered.
        modes: How cases were read: "assisted", "blind", "concurrent", "annotation", those with the model first.
        answers: Mode → reader → image → the answer that counts.
        excluded: For each arm.
    """

    protocol: Protocol
    cases: tuple[Case, ...]
    readers: tuple[str, ...]
    modes: tuple[str, ...]
    answers: Mapping[str, Mapping[str, Mapping[str, StudyAnswer]]]
    excluded: tuple[Excluded, ...]

    @property
    def patients(self) -> NDArray[np.int64]:
        """(N,) patients."""
        return np.array([case.patient for case in self.cases], dtype=np.int64)

    @property
    def labels(self) -> list[str | None]:
        """(N,) labels that came with the data."""
        return [case.label for case in self.cases]

    def table(self, mode: str) -> list[list[StudyAnswer | None]]:
        """Return R rows of N answers."""
        of = self.answers.get(mode, {})
        return [[of.get(reader, {}).get(case.image_id) for case in self.cases] for reader in self.readers]

    def named(self, mode: str, rule: str = "excluded") -> list[list[str | None]]:
        """Return R rows of N classes, what is indeterminate by a rule; None where there is none."""
        return [[_class_of(answer, self.protocol, rule) for answer in row] for row in self.table(mode)]

    def calls(self, mode: str, rule: str = "excluded") -> Numbers:
        """Return (R, N): 1 where a reader says that the finding is there, 0 that it is not, NaN for neither."""
        positive = self.protocol.positive
        return np.array(
            [
                [np.nan if name is None else float(name == positive) for name in row]
                for row in self.named(mode, rule)
            ],
            dtype=np.float64,
        ).reshape(len(self.readers), len(self.cases))

    def ratings(self, mode: str, rule: str = "excluded") -> Numbers:
        """Return (R, N) ratings: how sure a reader is that the finding is there (above 0) or not (below); NaN for none.

        Of an answer that names no class, but counts as one, the rating lies beside the middle.
        """
        sides = 2 * self.calls(mode, rule) - 1
        sure = np.array(
            [[np.nan if one is None else _sureness(one) for one in row] for row in self.table(mode)],
            dtype=np.float64,
        ).reshape(sides.shape)
        return np.asarray(sides * sure)


def _sureness(answer: StudyAnswer) -> float:
    if answer.verdict in INDETERMINATE:
        return 0.5
    return np.nan if answer.certainty is None else answer.certainty + 1.0


def _class_of(answer: StudyAnswer | None, protocol: Protocol, rule: str) -> str | None:
    if answer is None:
        return None
    if answer.verdict not in INDETERMINATE:
        return answer.label
    if rule == "positive":
        return protocol.positive or None
    others = [name for name in protocol.classes if name != protocol.positive]
    return others[0] if rule == "negative" and len(others) == 1 else None


def gather(
    protocol: Protocol,
    cases: tuple[Case, ...],
    answers: Sequence[StudyAnswer],
    certificates: Mapping[int, Certificate],
) -> Readings:
    """Sort the answers of a study that stand; those given after too much had been seen are left out and counted.

    Args:
        protocol: Of the study.
        cases: All of it, numbered.
        answers: That stand.
        certificates: What had been on the screen before, by the answer's number.
    """
    known = {case.image_id for case in cases}
    arms = [arm for arm in DESIGNS[protocol.design].arms if arm != "adjudication"]
    stands = [each for each in answers if each.image_id in known and each.arm in arms]
    blind_too = {(each.reader, each.image_id) for each in stands if each.arm == "blind"}
    sorted_out: dict[str, dict[str, dict[str, StudyAnswer]]] = {}
    for each in stands:
        if not each.contaminated:
            mode: str = each.arm
            if protocol.design == "concurrent against second reader" and each.arm == "assisted":
                mode = "assisted" if (each.reader, each.image_id) in blind_too else CONCURRENT
            sorted_out.setdefault(mode, {}).setdefault(each.reader, {})[each.image_id] = each
    return Readings(
        protocol=protocol,
        cases=cases,
        readers=tuple(one for one in protocol.readers if any(one in of for of in sorted_out.values())),
        modes=tuple(mode for mode in (CONCURRENT, "assisted", "blind", "annotation") if mode in sorted_out),
        answers=sorted_out,
        excluded=tuple(
            _excluded(arm, [each for each in stands if each.arm == arm], certificates) for arm in arms
        ),
    )


def numbered(study: Study, told: Iterable[Told], salt: str = "") -> tuple[Case, ...]:
    """Number cases and patients in an order drawn from the study's seed and a salt, so that a number tells nothing.

    Args:
        study: The study.
        told: What is known of its images.
        salt: Kept in the workspace alone: whoever has the images and the seed cannot draw the order again.
    """
    images = sorted(told, key=lambda each: each.image_id)
    random.Random(f"{study.study_id} {study.protocol.seed}{salt}").shuffle(images)
    free = numbers_of_nobody(names_of_images(images))
    patients: defaultdict[str, int] = defaultdict(lambda: next(free))
    return tuple(
        Case(
            image_id=each.image_id,
            number=number,
            patient=patients[each.patient_id],
            label=each.label if each.label in study.protocol.classes else None,
        )
        for number, each in enumerate(images, 1)
    )


def _excluded(arm: str, answers: Sequence[StudyAnswer], certificates: Mapping[int, Certificate]) -> Excluded:
    tainted = [each for each in answers if each.contaminated]
    seen = dict.fromkeys(("prediction", "map", "label", "others", "similar"), 0)
    for each in tainted:
        certificate = certificates.get(each.seq or -1)
        for kind in seen:
            seen[kind] += bool(certificate and getattr(certificate, kind))
    before = [certificates.get(each.seq or -1) for each in answers]
    return Excluded(
        arm=arm,
        answers=len(answers),
        left_out=len(tainted),
        seen={kind: count for kind, count in seen.items() if count},
        prediction_first=sum(bool(one and (one.prediction or one.map)) for one in before),
    )
