"""Which patients cases come from, as far as the data name them."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.data.columns.samples import Rows, Samples, in_columns
from engine.data.names import is_placeholder
from engine.language import _, counted, number
from engine.records import DataIssue, DataIssueKind, Prediction, Sample, Split


def settle_patients(samples: Sequence[Sample], key: bytes | None = None) -> tuple[Samples, list[DataIssue]]:
    """Take no placeholder for a patient: an image whose patient is not named counts as a patient of its own.

    Args:
        samples: As the data name their patients.
        key: Replaces the names by their HMAC-SHA256 under this key.

    Returns:
        Samples in the order given; a data issue where placeholders stand for patients.
    """
    columns = in_columns(samples)
    rows = np.flatnonzero(columns.patients.present())
    named = Counter(columns.names_of_patients(rows))
    placeholders = {name: count for name, count in named.items() if _stands_for_nobody(name, count, named)}
    alone = len(named) == 1 and named.total() == len(samples) > 1
    if alone:
        placeholders = dict(named)

    def settled(name: str) -> str | None:
        if name in placeholders or key is None:
            return None if name in placeholders else name
        return hmac.new(key, name.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()

    issues = [_not_named(columns, rows, placeholders)] if placeholders else []
    if placeholders or (key is not None and named):
        columns = columns.of_patients(rows, map(settled, columns.names_of_patients(rows)))
    return columns, issues


def _stands_for_nobody(name: str, count: int, named: Counter[str]) -> bool:
    one_digit = len(set(name.strip())) == 1 and name.strip().isdecimal()
    return is_placeholder(name) or (one_digit and 2 * count > named.total() and len(named) > 1)


def _not_named(samples: Samples, named: Rows, placeholders: dict[str, int]) -> DataIssue:
    """Say that placeholders stand where patients should be named."""
    total = sum(placeholders.values())
    shown = ", ".join(f"“{name}”" for name in sorted(placeholders, key=lambda name: -placeholders[name])[:4])
    whole = total == len(samples)
    message = (
        f"{'All' if whole else 'Of'} {len(samples):,} images{'' if whole else f', {total:,}'} name no patient but "
        f"{'a placeholder' if len(placeholders) == 1 else 'placeholders'} ({shown}); each was taken as a patient of "
        "its own. Bring a table with a patient column if patients have several images"
    )
    names = samples.names_of_patients(named)
    rows = [row for row, name in zip(named.tolist(), names, strict=True) if name in placeholders]
    return DataIssue(kind=DataIssueKind.PATIENT_UNCLEAR, message=message, paths=samples.paths(rows))


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientsNamed:
    """Of how many images the data name the patient.

    Attributes:
        images: All there are.
        named: Those that name a patient.
        patients: Different ones that are named.
    """

    images: int
    named: int
    patients: int

    @property
    def all(self) -> bool:
        """Whether every image names its patient, so that patients can be counted and kept apart."""
        return self.named == self.images > 0

    @property
    def count(self) -> int | None:
        """How many patients there are; None where some images, or all, do not name theirs."""
        return self.patients if self.all else None


def patients_named(cases: Iterable[Sample | Prediction]) -> PatientsNamed:
    """Count the images that name their patient: the one place that decides what may be said of patients."""
    if isinstance(cases, Samples):
        rows = np.flatnonzero(cases.patients.present())
        different = len(set(cases.names_of_patients(rows)))
        return PatientsNamed(images=len(cases), named=len(rows), patients=different)
    every = list(cases)
    named = [case.patient_id for case in every if case.patient_id != case.image_id]
    return PatientsNamed(images=len(every), named=len(named), patients=len(set(named)))


def cases_of(split: Split) -> Iterator[Sample]:
    """Yield the cases of all parts."""
    yield from split.train
    yield from split.val
    yield from split.test


def patients_words(known: PatientsNamed) -> str:
    """Say how many patients there are, or of how many images they are known."""
    if not known.named:
        return _("patients not named in the data")
    patients = counted(known.patients, "patient")
    if known.all:
        return patients
    return _("patients named for {some} of {all} images ({patients})").format(
        some=number(known.named), all=number(known.images), patients=patients
    )


def unit_words(known: PatientsNamed) -> str:
    """Say what a split keeps together: patients, as far as they are named."""
    if known.all:
        return "by patient"
    if not known.named:
        return "by image, as no patient is named"
    return f"by patient where one is named ({known.named:,} of {known.images:,} images), otherwise by image"


def patient_overlap(split: Split, which: str = "parts") -> str:
    """Say whether any patient is in two parts (or `which`), as far as the data name patients."""
    known = patients_named(cases_of(split))
    if not known.named:
        return "patients are not named in the data, so each image was taken as a patient of its own"
    parts = (split.train, split.val, split.test)
    on = [
        patient
        for part in parts
        for patient in {sample.patient_id for sample in part if sample.patient_id != sample.image_id}
    ]
    several = len(on) - len(set(on))
    if several:
        patients = f"{several:,} patient{'s' if several > 1 else ''}"
        return f"{patients} in more than one part, which makes the results too optimistic"
    if known.all:
        return f"no patient is in two {which}"
    return (
        f"a patient is named for {known.named:,} of {known.images:,} images, and none of these patients is in two "
        f"{which}; whether the others are cannot be known"
    )
