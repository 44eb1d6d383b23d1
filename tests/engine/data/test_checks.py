"""Promises of engine.data.checks: what would make figures wrong is found, and what is merely alike is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.data.checks import find_patient_overlap, find_small_classes, settle_duplicates
from engine.records import Part, Sample


def case(
    name: str, *, label: str | None = "a", patient: str | None = None, part: Part | None = None
) -> Sample:
    return Sample(
        path=Path(f"/{name}.png"), image_id=name, label=label, patient_id=patient or name, part=part
    )


# ------------------------------------------------------------------------------------------------ exact duplicates


@pytest.mark.parametrize("order", [("train", "test"), ("test", "train"), ("val", "test"), ("test", "val")])
def test_of_copies_in_two_parts_the_measured_one_is_kept(order: tuple[Part, Part]) -> None:
    samples = [replace(case("x", part=part), path=Path(f"/{part}.png")) for part in order]
    kept, (issue,) = settle_duplicates(samples)
    assert [sample.part for sample in kept] == ["test"]
    assert issue.paths[0] == Path("/test.png") and len(issue.paths) == 2


def test_of_copies_on_train_and_val_the_val_one_is_kept() -> None:
    kept, _ = settle_duplicates([case("x", part="train"), case("x", part="val"), case("x")])
    assert [sample.part for sample in kept] == ["val"]


def test_a_labelled_copy_goes_before_an_unlabelled_one() -> None:
    kept, _ = settle_duplicates([case("x", label=None, part="test"), case("x", label="a", part="train")])
    assert kept[0].label == "a"


def test_two_labels_set_all_copies_aside() -> None:
    kept, (issue,) = settle_duplicates([case("x", label="a"), case("x", label="b"), case("y")])
    assert [sample.image_id for sample in kept] == ["y"]
    assert issue.serious and "a, b" in issue.message


def test_copies_under_two_patients_are_serious() -> None:
    _, (issue,) = settle_duplicates([case("x", patient="p"), case("x", patient="q")])
    assert issue.serious


def test_order_is_kept() -> None:
    kept, _ = settle_duplicates([case("c"), case("a"), case("c"), case("b")])
    assert [sample.image_id for sample in kept] == ["c", "a", "b"]


# --------------------------------------------------------------------------------------------- patients and classes


def test_patients_in_two_parts_are_found() -> None:
    samples = [
        case("a", patient="p", part="train"),
        case("b", patient="p", part="test"),
        case("c", patient="q", part="train"),
        case("d", patient="r"),
    ]
    (issue,) = find_patient_overlap(samples)
    assert issue.serious and issue.message.startswith("1 patient is in")
    assert [path.stem for path in issue.paths] == ["a", "b"]
    assert find_patient_overlap(samples[1:]) == []


def test_small_classes_are_found_and_impossible_ones_are_serious() -> None:
    samples = [case(f"l{number}", label="large") for number in range(30)]
    samples += [case(f"s{number}", label="small") for number in range(5)]
    samples += [case(f"o{number}", label="one patient", patient="p") for number in range(30)]
    issues = find_small_classes(samples, ("large", "small", "one patient"))
    assert [(issue.message.split(" has")[0], issue.serious) for issue in issues] == [
        ("Class small", False),
        ("Class one patient", True),
    ]
