"""Promises of engine.data.patients: of patients is said what the data name, for as many images as they name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.data.patients import patient_overlap, patients_named, patients_words, settle_patients
from engine.records import DataIssueKind, Sample, Split


def image(number: int, patient: str | None) -> Sample:
    name = f"{number:064}"
    return Sample(path=Path(f"/{number}.png"), image_id=name, label="a", patient_id=patient or name)


def images(*patients: str | None) -> list[Sample]:
    return [image(number, patient) for number, patient in enumerate(patients)]


def split_of(train: list[Sample], val: list[Sample], test: list[Sample]) -> Split:
    return Split(train=tuple(train), val=tuple(val), test=tuple(test), classes=("a",), seed=0, method="")


def test_placeholders_become_unnamed_and_are_said_once() -> None:
    before = images("P1", "nan", "N/A", "-", "ANONYMIZED", "P2", None)
    after, (issue,) = settle_patients(before)
    assert [sample.patient_id == sample.image_id for sample in after] == [
        False,
        True,
        True,
        True,
        True,
        False,
        True,
    ]
    assert issue.kind is DataIssueKind.PATIENT_UNCLEAR
    assert "Of 7 images, 4 name no patient but placeholders" in issue.message and "“nan”" in issue.message
    assert issue.paths == tuple(sample.path for sample in before[1:5])


@pytest.mark.parametrize("name", ["P1", "0", "12345", "Anonymous^Patient"])
def test_one_id_for_all_images_names_nobody(name: str) -> None:
    after, (issue,) = settle_patients(images(name, name, name))
    assert patients_named(after).named == 0
    assert f"All 3 images name no patient but a placeholder (“{name}”)" in issue.message


def test_a_nought_that_most_images_have_is_a_placeholder_and_one_among_others_is_a_patient() -> None:
    after, issues = settle_patients(images("0", "0", "0", "1", "2"))
    assert [sample.patient_id == sample.image_id for sample in after] == [
        True,
        True,
        True,
        False,
        False,
    ] and issues
    untouched = images("0", "1", "2", "2")
    assert settle_patients(untouched) == (untouched, [])


def test_data_whose_patients_are_named_or_not_at_all_are_left_as_they_are() -> None:
    for samples in (images("P1", "P1", "P2"), images(None, None), images("P1")):
        assert settle_patients(samples) == (samples, [])


def test_placeholders_are_found_before_patients_are_hashed() -> None:
    after, issues = settle_patients(images("P1", "nan", "P1"), b"key")
    assert issues and after[0].patient_id == after[2].patient_id and len(after[0].patient_id) == 64
    assert after[1].patient_id == after[1].image_id


@pytest.mark.parametrize(
    ("patients", "words"),
    [
        (("A", "A", "B"), "2 patients"),
        (("A",), "1 patient"),
        ((None, None), "patients not named in the data"),
        (("A", None, None), "patients named for 1 of 3 images (1 patient)"),
    ],
)
def test_the_words_say_of_how_many_images_the_patient_is_known(
    patients: tuple[str | None, ...], words: str
) -> None:
    known = patients_named(images(*patients))
    assert patients_words(known) == words
    assert known.count == (len(set(patients)) if None not in patients else None)


def test_that_no_patient_is_in_two_parts_is_said_of_the_named_ones_alone() -> None:
    named = images("A", "A", "B", "C")
    assert patient_overlap(split_of(named[:2], named[2:3], named[3:])) == "no patient is in two parts"
    some = images("A", None, None, "C")
    assert patient_overlap(split_of(some[:2], some[2:3], some[3:])) == (
        "a patient is named for 2 of 4 images, and none of these patients is in two parts; whether the others are "
        "cannot be known"
    )
    none = images(None, None, None)
    assert "not named" in patient_overlap(split_of(none[:1], none[1:2], none[2:]))
    torn = images("A", "A", "B")
    assert "1 patient in more than one part" in patient_overlap(split_of(torn[:1], torn[1:2], torn[2:]))
