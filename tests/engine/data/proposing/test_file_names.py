"""Promises of proposing.file_names: patients and classes in names are shown, asked about, never lost or invented."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from engine.data import answers_from_options, index_data, propose
from engine.data.proposing.file_names import patient_in
from engine.errors import DataError
from engine.records import Answers, DataIssueKind, Proposal, Question


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def of_patients(proposal: Proposal) -> list[Question]:
    return [each for each in proposal.questions if each.issue.kind is DataIssueKind.PATIENT_UNCLEAR]


@pytest.mark.parametrize(
    ("name", "patient", "said"),
    [
        ("person1_bacteria_2.jpeg", "person1_bacteria", True),  # numbers begin again for each finding
        ("person1_virus_2.jpeg", "person1_virus", True),
        ("patient00001_view1_frontal.jpg", "patient00001", True),
        ("sub-01_ses-2_T1w.png", "sub-01", True),
        ("Subject 12 left.png", "Subject 12", True),
        ("siteB_patient3_1.png", "siteB_patient3", True),
        ("NORMAL2-IM-0001-0002.jpeg", "NORMAL2-IM-0001", False),
        ("IM-0115-0001.dcm", "IM-0115", False),
        ("00000013_005.png", "00000013", False),
        ("100_left.jpeg", "100", False),
        ("case_012_slice_034.png", "case_012", False),
        ("case_12_frontal.dcm.gz", "case_12", False),
        ("img_12.png", None, False),
        ("cat.104.jpg", None, False),
        ("ISIC_0024306.jpg", None, False),
        ("2020-03-14_2.png", None, False),
        ("frontal.png", None, False),
        ("subset_3.png", None, False),
    ],
)
def test_a_name_says_whose_image_it_is_or_nothing(name: str, patient: str | None, said: bool) -> None:
    assert patient_in(name) == (patient, said)


def test_names_that_begin_alike_are_asked_about_and_not_taken(tmp_path: Path) -> None:
    touch(
        tmp_path,
        *(f"{kind}/{kind}-IM-{n:04}-{view:04}.jpeg" for kind in "ab" for n in range(5) for view in (1, 2)),
    )
    proposal = propose(tmp_path)
    (question,) = of_patients(proposal)
    assert question.issue.serious and proposal.patients == 0
    assert "10 patients in 20 images; they were not taken" in question.issue.message
    assert [choice.option for choice in question.choices] == [
        "--level names=patient",
        "--level names=ignored",
    ]
    for choice, patients in zip(question.choices, (10, 0), strict=True):
        settled = propose(tmp_path, answers=choice.answers)
        assert (settled.patients, of_patients(settled)) == (patients, [])
        assert answers_from_options(level=[choice.option.removeprefix("--level ")]) == choice.answers


def test_names_that_say_patient_are_taken_and_said(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{'ab'[n % 2]}/patient{n:05}_view{view}.jpg" for n in range(6) for view in (1, 2)))
    proposal = propose(tmp_path)
    (question,) = of_patients(proposal)
    assert proposal.patients == 6 and not question.issue.serious
    assert [(level.number, level.role) for level in proposal.levels] == [(1, "class"), (0, "patient")]
    assert propose(tmp_path, answers=Answers(levels={0: "ignored"})).patients == 0


@pytest.mark.parametrize(
    "names",
    [
        [
            f"{kind}/{kind}_{n}.png" for kind in ("cat1", "dog2") for n in range(9)
        ],  # the beginning is the class
        [f"a/{n:04}_{n % 2}.png" for n in range(20)],  # every beginning stands alone
        [f"a/scan {n}.png" for n in range(20)],
    ],
)
def test_what_begins_no_patient_s_name_is_not_asked_about(tmp_path: Path, names: list[str]) -> None:
    assert not of_patients(propose(touch(tmp_path, *names)))


def test_a_patient_named_by_folder_or_table_goes_before_file_names(tmp_path: Path) -> None:
    names = [f"{'ab'[n % 2]}/patient{n // 2}/s{n:03}_{view}.png" for n in range(8) for view in (1, 2)]
    assert propose(touch(tmp_path / "f", *names)).patients == 4
    touch(tmp_path / "t", *(f"s{n:03}_1.png" for n in range(8)))
    rows = [f"s{n:03}_1.png,{'xy'[n % 2]},p{n // 2}" for n in range(8)]
    (tmp_path / "t" / "t.csv").write_text("\n".join(["path,label,patient_id", *rows]))
    assert propose(tmp_path / "t" / "t.csv").patients == 4


def test_a_table_without_patients_asks_about_the_names_too(tmp_path: Path) -> None:
    names = [f"{n:08}_{view:03}.png" for n in range(1, 7) for view in range(3)]
    touch(tmp_path, *names)
    rows = [f"{name},{'xy'[number % 2]}" for number, name in enumerate(names)]
    (tmp_path / "t.csv").write_text("\n".join(["path,label", *rows]))
    (question,) = of_patients(propose(tmp_path / "t.csv"))
    assert propose(tmp_path / "t.csv", answers=question.choices[0].answers).patients == 6


def test_patients_of_names_reach_the_index(tmp_path: Path) -> None:
    for number in range(8):
        image = Image.linear_gradient("L").resize((40 + number, 40))
        path = tmp_path / "ab"[number % 2] / f"patient{number // 2}_{number}.png"
        path.parent.mkdir(exist_ok=True)
        image.save(path)
    assert {sample.patient_id for sample in index_data(tmp_path).samples} == {f"patient{n}" for n in range(4)}
    refused = index_data(tmp_path, answers=Answers(levels={0: "ignored"}))
    assert all(sample.patient_id == sample.image_id for sample in refused.samples)


def test_file_names_can_be_patients_or_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be taken as class"):
        propose(touch(tmp_path, "a/1.png"), answers=Answers(levels={0: "class"}))


def test_the_class_behind_a_count_is_taken_said_and_can_be_taken_back(tmp_path: Path) -> None:
    names = [
        f"train/XR_WRIST/patient{n:05}/study{study}_{('positive', 'negative')[(n + study) % 2]}/image{view}.png"
        for n in range(6) for study in (1, 2) for view in (1, 2)
    ]  # fmt: skip
    proposal = propose(touch(tmp_path, *names))
    assert {each.name: each.images for each in proposal.classes} == {"negative": 12, "positive": 12}
    assert (proposal.patients, proposal.parts) == (6, {"train": 24})
    (question,) = [one for one in proposal.questions if one.issue.kind is DataIssueKind.CLASS_UNCLEAR]
    assert "“negative” and “positive” were taken as the classes" in question.issue.message
    taken, apart = (propose(tmp_path, answers=choice.answers) for choice in question.choices)
    assert (len(taken.classes), len(apart.classes)) == (2, 4)
    assert not [one for one in taken.questions if one.issue.kind is DataIssueKind.CLASS_UNCLEAR]


def test_patients_with_visits_by_date_are_patients_and_the_dates_no_classes(tmp_path: Path) -> None:
    names = [
        f"LIDC/LIDC-IDRI-{n:04}/01-0{visit}-2000-NA-{n}/300{visit}.000-NA/1-{k:03}.dcm"
        for n in range(3) for visit in (1, 2) for k in range(4)
    ]  # fmt: skip
    proposal = propose(touch(tmp_path, *names))
    assert (proposal.patients, proposal.classes) == (3, ())
    (question,) = [one for one in proposal.questions if one.issue.kind is DataIssueKind.CLASS_UNCLEAR]
    assert question.issue.serious and "they were taken as patients" in question.issue.message
