"""Promises of engine.data.proposing: names alone say how data are read, and what they leave open is asked."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from engine.data import answers_from_options, proposal_from_json, proposal_to_json, propose, with_answers
from engine.records import Answers, DataIssueKind, Proposal, Question


def folders(root: Path, images: Mapping[str, int]) -> Path:
    """Make folders of empty files that are named like images: a proposal opens none of them."""
    for name, count in images.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            (root / name / f"{number}.png").touch()
    return root


def roles(proposal: Proposal) -> list[str]:
    return [level.role for level in proposal.levels]


def classes(proposal: Proposal) -> dict[str, int]:
    return {each.name: each.images for each in proposal.classes}


def asked(proposal: Proposal, kind: DataIssueKind) -> list[Question]:
    return [question for question in proposal.questions if question.issue.kind is kind]


def parts_by_classes(train: str, test: str) -> dict[str, int]:
    return {f"{part}/{name}": 2 for part in (train, test) for name in "ab"}


def test_the_name_of_a_class_is_one_line_wherever_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text(
        'path,label\na.png,"left\nlung"\nb.png,left lung\nc.png,"\u202egnul"\n'
    )
    for name in "abc":
        (tmp_path / f"{name}.png").touch()
    assert classes(propose(tmp_path / "cases.csv")) == {"gnul": 1, "left lung": 2}


# ------------------------------------------------------------------------------------------------------------ parts


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("training_set", "test_set"), ("train ", "test "), ("Train", "TEST"), ("trainset", "testset"),
        ("TrainData", "TestData"), ("train/train", "test/test"), ("seg_train/seg_train", "seg_test/seg_test"),
        ("train2017", "test2017"), ("stage_1_train_images", "stage_1_test_images"), ("pack/train", "pack/test"),
        ("train", "holdout"), ("training", "evaluation"), ("chest-train", "chest-test"),
        ("train/images", "test/images"),
    ],
)  # fmt: skip
def test_parts_are_recognised_in_every_spelling_above_the_class(
    tmp_path: Path, train: str, test: str
) -> None:
    proposal = propose(folders(tmp_path, parts_by_classes(train, test)))
    assert (proposal.parts, proposal.no_part, classes(proposal)) == (
        {"train": 4, "test": 4},
        0,
        {"a": 4, "b": 4},
    )
    assert not [question for question in proposal.questions if question.issue.serious]


def test_parts_are_recognised_under_the_class(tmp_path: Path) -> None:
    proposal = propose(
        folders(tmp_path, {f"{name}/{part}": 2 for name in "ab" for part in ("train", "test")})
    )
    assert roles(proposal) == ["class", "part"] and proposal.parts == {"train": 4, "test": 4}


def test_folders_around_some_of_the_parts_are_looked_through(tmp_path: Path) -> None:
    around = {**parts_by_classes("trainval/train", "trainval/val"), "test/a": 2, "test/b": 2}
    assert propose(folders(tmp_path / "1", around)).parts == {"train": 4, "val": 4, "test": 4}
    twice = {
        **parts_by_classes("pack/train", "pack/test"),
        **parts_by_classes("pack/pack/train", "pack/pack/test"),
    }
    proposal = propose(folders(tmp_path / "2", twice))
    assert proposal.parts == {"train": 8, "test": 8} and classes(proposal) == {"a": 8, "b": 8}


def test_a_folder_called_test_within_a_training_part_is_asked_about(tmp_path: Path) -> None:
    images = {"train/keep/a": 2, "train/test/a": 2, "test/keep/a": 2, "test/test/a": 2}
    root = folders(tmp_path, images)
    (question,) = asked(propose(root), DataIssueKind.PART_UNCLEAR)
    assert question.issue.serious
    assert propose(root, answers=question.choices[0].answers).parts == {"test": 6, "train": 2}


def test_two_names_for_one_part_are_asked_about(tmp_path: Path) -> None:
    root = folders(tmp_path, {**parts_by_classes("train", "test"), "holdout/a": 2, "holdout/b": 2})
    proposal = propose(root)
    assert proposal.parts == {"train": 4, "test": 8}
    (question,) = asked(proposal, DataIssueKind.PART_UNCLEAR)
    assert question.issue.serious and "“holdout” (4 images) and “test”" in question.issue.message
    settled = propose(root, answers=answers_from_options(part_names=["none=holdout"]))
    assert settled.parts == {"train": 4, "test": 4} and settled.no_part == 4
    assert not asked(settled, DataIssueKind.PART_UNCLEAR)


def test_a_folder_that_may_be_class_or_part_is_asked_about(tmp_path: Path) -> None:
    root = folders(tmp_path, {"control": 3, "test": 3})
    (question,) = asked(propose(root), DataIssueKind.PART_UNCLEAR)
    assert question.issue.serious and question.issue.options[:2] == ("--level 1=part", "--level 1=class")
    for choice, role in zip(question.choices, ("part", "class"), strict=False):
        settled = propose(root, answers=choice.answers)
        assert roles(settled) == [role]
        assert not [
            q for q in asked(settled, DataIssueKind.PART_UNCLEAR) if q.issue.options == question.issue.options
        ]


def test_a_folder_beside_one_part_that_holds_the_same_classes_is_in_no_part_until_that_is_said(
    tmp_path: Path,
) -> None:
    root = folders(tmp_path, parts_by_classes("train", "images"))
    proposal = propose(root)
    assert (proposal.parts, proposal.no_part, roles(proposal)) == ({"train": 4}, 4, ["part", "class"])
    assert asked(proposal, DataIssueKind.PART_UNCLEAR)[0].issue.serious
    settled = propose(root, answers=answers_from_options(part_names=["test=images"]))
    assert settled.parts == {"train": 4, "test": 4} and not settled.questions


def test_folds_are_asked_about_and_can_be_said(tmp_path: Path) -> None:
    root = folders(tmp_path, {f"fold{number}/{name}": 2 for number in (1, 2, 3) for name in "ab"})
    proposal = propose(root)
    assert roles(proposal) == ["ignored", "class"] and not proposal.parts
    (question,) = asked(proposal, DataIssueKind.PART_UNCLEAR)
    assert question.issue.serious
    assert propose(root, answers=question.choices[0].answers).parts == {"train": 8, "test": 4}


known_parts = st.lists(
    st.sampled_from(["train", "val", "test", "valid", "holdout"]), min_size=1, max_size=4, unique=True
)
other_names = st.lists(st.sampled_from(["images", "extra", "more", "fold1", "x"]), max_size=3, unique=True)


@given(known_parts, other_names, st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_image_in_a_folder_of_the_test_part_is_ever_proposed_for_training(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], others: list[str], class_inside: bool
) -> None:
    root = tmp_path_factory.mktemp("any")
    names = [
        f"{part}/{name}" if class_inside else f"{name}/{part}" for part in parts + others for name in "ab"
    ]
    proposal = propose(folders(root, dict.fromkeys(names, 1)))
    trained = 2 * parts.count("train")
    assert proposal.parts.get("train", 0) in (0, trained)


# ------------------------------------------------------------------------------------------------ class and patient


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ({f"{name}/pat{number}": 3 for number, name in enumerate("aabb")}, ["class", "patient"]),
        ({f"pat{number}/{name}": 2 for number in range(4) for name in "ab"}, ["patient", "class"]),
        ({f"{name}/{number:04}": 2 for number, name in enumerate("aaabbb")}, ["class", "patient"]),
        ({f"{label}/{100 * label + number}": 2 for label in (0, 1) for number in range(5)}, ["class", "patient"]),
        ({f"{p}/{c}/patient{n}": 1 for p in ("train", "val") for c in "ab" for n in "123"},
         ["part", "class", "patient"]),
        ({f"{name}/{name}{number:03}/study1": 2 for name in ("pos", "neg") for number in range(4)},
         ["class", "patient", "ignored"]),
    ],
)  # fmt: skip
def test_the_level_of_the_patients_is_found_under_and_above_the_class(
    tmp_path: Path, images, expected
) -> None:
    proposal = propose(folders(tmp_path, images))
    assert roles(proposal) == expected
    (question,) = asked(proposal, DataIssueKind.PATIENT_UNCLEAR)
    level = 1 + expected.index("patient")
    assert question.issue.options == (f"--level {level}=patient", f"--level {level}=ignored")
    settled = propose(tmp_path, answers=question.choices[1].answers)
    assert settled.patients == 0 and not asked(settled, DataIssueKind.PATIENT_UNCLEAR)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ({str(digit): 5 for digit in range(10)}, ["class"]),
        ({f"grade{number}": 5 for number in range(5)}, ["class"]),
        ({f"{site}/{name}": 3 for site in ("hospital1", "hospital2") for name in "xy"}, ["ignored", "class"]),
        ({f"{year}/{name}": 3 for year in (2019, 2020) for name in "xy"}, ["ignored", "class"]),
        ({f"{site}/{name}": 3 for site in ("oslo", "rome") for name in ("normal", "sick")}, ["ignored", "class"]),
        ({"benign/adenosis": 3, "benign/fibroadenoma": 3, "malignant/ductal": 3}, ["class", "ignored"]),
        ({f"{name}/images": 3 for name in "ab"}, ["class", "ignored"]),
        ({"images_001": 3, "images_002": 3}, ["ignored"]),
    ],
)  # fmt: skip
def test_what_is_no_patient_is_not_taken_for_one(tmp_path: Path, images, expected) -> None:
    proposal = propose(folders(tmp_path, images))
    assert roles(proposal) == expected and proposal.patients == 0


def test_two_levels_that_may_both_be_the_class_are_asked_about(tmp_path: Path) -> None:
    root = folders(tmp_path, {f"{view}/{name}": 3 for view in ("AP", "LAT") for name in ("fracture", "cyst")})
    (question,) = asked(propose(root), DataIssueKind.CLASS_UNCLEAR)
    assert question.issue.serious
    assert set(classes(propose(root, answers=question.choices[1].answers))) == {"fracture", "cyst"}


def test_many_folders_with_a_few_images_each_are_patients_unless_they_are_said_to_be_classes(
    tmp_path: Path,
) -> None:
    root = folders(tmp_path, {f"{number:05}": 2 for number in range(30)})
    proposal = propose(root)
    assert proposal.unlabelled == 60 and proposal.patients == 29  # 00000 names nobody
    (question,) = asked(proposal, DataIssueKind.CLASS_UNCLEAR)
    assert question.issue.serious and len(propose(root, answers=question.choices[1].answers).classes) == 30


def test_the_levels_can_all_be_said(tmp_path: Path) -> None:
    root = folders(
        tmp_path, {f"s{number}/{part}/{name}": 1 for number in "12" for part in "uv" for name in "ab"}
    )
    said = answers_from_options(levels="patient/part/class", part_names=["train=u", "test=v"])
    proposal = propose(root, answers=said)
    assert roles(proposal) == ["patient", "part", "class"]
    assert (proposal.parts, proposal.patients, classes(proposal)) == (
        {"train": 4, "test": 4},
        2,
        {"a": 4, "b": 4},
    )
    assert all(level.answered for level in proposal.levels) and not proposal.questions


# ------------------------------------------------------------------------------------------------- names of classes


@pytest.mark.parametrize(
    ("one", "other"),
    [("Normal", "normal"), ("normal", "normal "), ("1", "1.0"), ("no_finding", "No Finding"),
     ("Köln", unicodedata.normalize("NFD", "Köln"))],
)  # fmt: skip
def test_classes_that_differ_in_spelling_alone_are_asked_about_and_merged_by_one_answer(
    tmp_path: Path, one: str, other: str
) -> None:
    root = folders(tmp_path, {one: 3, other: 2, "ill": 4})
    (question,) = asked(propose(root), DataIssueKind.CLASS_UNCLEAR)
    assert question.issue.serious
    assert (
        f"“{one}” (3 images)" in question.issue.message and f"“{other}” (2 images)" in question.issue.message
    )
    merged = propose(root, answers=question.choices[0].answers)
    assert classes(merged) == {one: 5, "ill": 4} and not merged.questions
    apart = propose(root, answers=question.choices[1].answers)
    assert len(apart.classes) == 3 and not apart.questions


def test_classes_of_two_parts_in_two_spellings_are_seen_together(tmp_path: Path) -> None:
    root = folders(tmp_path, {"train/Normal": 2, "train/ill": 2, "test/NORMAL": 2, "test/Ill": 2})
    assert len(asked(propose(root), DataIssueKind.CLASS_UNCLEAR)) == 2
    same = answers_from_options(same=["NORMAL=Normal", "Ill=ill"])
    assert classes(propose(root, answers=same)) == {"Normal": 4, "ill": 4}


def test_answers_that_fit_nothing_are_said(tmp_path: Path) -> None:
    root = folders(tmp_path, {"a": 2, "b": 2})
    said = answers_from_options(same=["A=b"], part_names=["test=c"], level=["3=class"])
    messages = [issue.message for issue in propose(root, answers=said).left_out if issue.serious]
    assert len(messages) == 3 and "no class is named “A”; there are “a” and “b”" in messages[0]


# ------------------------------------------------------------------------------------------------ tables and others


def test_a_table_that_describes_the_images_is_read_where_folders_give_no_classes(tmp_path: Path) -> None:
    root = folders(tmp_path, {"films": 3})
    (root / "cases.csv").write_text(
        "path,label,patient_id\nfilms/0.png,ill,p1\nfilms/1.png,well,p2\nfilms/2.png,ill,nan\n"
    )
    proposal = propose(root)
    assert proposal.table == root / "cases.csv" and classes(proposal) == {"ill": 2, "well": 1}
    assert proposal.patients == 2 and dict(proposal.columns)["patient_id"] == "patient_id"
    (question,) = asked(proposal, DataIssueKind.TABLE_FOUND)
    folders_instead = propose(root, answers=question.choices[0].answers)
    assert folders_instead.table is None and folders_instead.unlabelled == 3


def test_a_table_beside_class_folders_is_offered_with_what_to_type(tmp_path: Path) -> None:
    root = folders(tmp_path, {"a": 2, "b": 2})
    (root / "labels.csv").write_text("path,label\na/0.png,x\na/1.png,y\nb/0.png,x\nb/1.png,y\n")
    proposal = propose(root)
    assert proposal.table is None and classes(proposal) == {"a": 2, "b": 2}
    (question,) = asked(proposal, DataIssueKind.TABLE_FOUND)
    assert question.issue.options[0] == "--table labels.csv"
    assert classes(propose(root, answers=answers_from_options(table="labels.csv"))) == {"x": 2, "y": 2}


def test_of_several_tables_the_one_that_names_most_images_is_taken(tmp_path: Path) -> None:
    root = folders(tmp_path, {"films": 3})
    (root / "a_few.csv").write_text("path,label\nfilms/0.png,x\nfilms/9.png,y\n")
    (root / "all.csv").write_text("path,label\nfilms/0.png,x\nfilms/1.png,y\nfilms/2.png,y\n")
    (root / "other.csv").write_text("weather,day\nfine,1\n")
    proposal = propose(root)
    assert proposal.table == root / "all.csv"
    assert [offer.path for offer in proposal.tables] == ["all.csv", "a_few.csv"]
    assert any("other.csv" in issue.message for issue in proposal.left_out)


def test_housekeeping_is_left_out_and_said_once(tmp_path: Path) -> None:
    litter = ("@eaDir", "#recycle", "$RECYCLE.BIN", ".thumbnails", "thumbnails", "__MACOSX", ".git", "found.000",
              ".ipynb_checkpoints", ".Trash-1000", "lost+found", "@Recycle", "System Volume Information")  # fmt: skip
    root = folders(tmp_path, {"a": 2, "b": 2, "a/@eaDir": 2, **dict.fromkeys(litter, 2)})
    (root / "Thumbs.db").touch()
    proposal = propose(root)
    assert classes(proposal) == {"a": 2, "b": 2}
    (issue,) = proposal.left_out
    assert "Housekeeping" in issue.message and "@eaDir" in issue.message


def test_a_class_called_mask_beside_no_mask_holds_no_masks(tmp_path: Path) -> None:
    assert classes(propose(folders(tmp_path, {"mask": 2, "no_mask": 3}))) == {"mask": 2, "no_mask": 3}


def test_a_proposal_and_answers_survive_json(tmp_path: Path) -> None:
    root = folders(tmp_path, {**parts_by_classes("train", "holdout"), "test/a": 1, "test/B": 1})
    said = answers_from_options(part_names=["none=holdout"], same=["B=b"], root=tmp_path)
    proposal = propose(root, answers=said)
    assert proposal.questions == () and proposal_from_json(proposal_to_json(proposal)) == proposal
    open_one = propose(root)
    assert open_one.questions and proposal_from_json(proposal_to_json(open_one)) == open_one


def test_later_answers_go_before_earlier_ones_and_leave_the_others() -> None:
    first = Answers(levels={1: "class", 2: "patient"}, same={"A": "a"}, table="x.csv")
    assert with_answers(first, Answers(levels={2: "ignored"})) == Answers(
        levels={1: "class", 2: "ignored"}, same={"A": "a"}, table="x.csv"
    )


@pytest.mark.slow
def test_a_hundred_thousand_files_are_proposed(tmp_path: Path) -> None:
    folders(tmp_path, {f"{part}/{name}/{name}{number:04}": 20
                       for part in ("train", "test") for name in "ab" for number in range(1250)})  # fmt: skip
    assert propose(tmp_path).images == 100_000  # what grew with the square of it would take hours


@pytest.mark.slow
def test_a_hundred_thousand_files_with_a_row_of_a_table_each_are_proposed(tmp_path: Path) -> None:
    rows = ["image,diagnosis,patient_id,age"]
    for number in range(100_000):
        folder = tmp_path / f"images_{number // 10_000}"
        if number % 10_000 == 0:
            folder.mkdir()
        (folder / f"{number:06}.png").touch()
        rows.append(f"{number:06},{'nv' if number % 3 else 'mel'},p{number // 3},{number % 90}")
    (tmp_path / "metadata.csv").write_text("\n".join(rows))
    proposal = propose(tmp_path)
    assert proposal.images == 100_000 and classes(proposal) == {"mel": 33_334, "nv": 66_666}
