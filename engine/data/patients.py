"""Which patients cases come from, as far as the data name them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.records import (
    Prediction,
    Sample,
    Split,
)

if TYPE_CHECKING:
    pass


def patient_overlap(split: Split) -> str:
    """Say whether any patient stands on two sides, as far as the data name patients."""
    sides = (split.train, split.val, split.test)
    if patients_unknown(split):
        return "patients are not named in the data, so each film was taken as a patient of its own"
    on = [patient for side in sides for patient in {sample.patient_id for sample in side}]
    several = len(on) - len(set(on))
    if not several:
        return "no patient stands on two sides"
    return f"{several:,} patient{'s' if several > 1 else ''} on more than one side, which makes the figures too good"


def count_patients(cases: Iterable[Sample | Prediction]) -> int | None:
    """Return how many patients cases come from; None where the data named none, so that each image counts as one."""
    patients, named = set(), False
    for case in cases:
        patients.add(case.patient_id)
        named = named or case.patient_id != case.image_id
    return len(patients) if named else None


def patients_words(count: int | None) -> str:
    """Write a number of patients, or that there is none to write."""
    return (
        "patients not named in the data" if count is None else f"{count:,} patient{'s' if count != 1 else ''}"
    )


def patients_unknown(split: Split) -> bool:
    """Return whether the data named no patient."""
    return count_patients((*split.train, *split.val, *split.test)) is None
